//! The engine: one deterministic state machine from events to commands.
//!
//! `apply(&Event) -> commands` is all there is. Live, paper, replay and simulation run these same lines; only
//! the source of events and the sink of commands differ. The engine's own books take an event in first, then
//! the strategy sees it, then its wishes pass the risk gate, then timed actions that are due run.

mod broker;
mod cancels;
mod control;
mod cover;
mod entries;
mod exit_price;
mod exits;
mod groups;
mod protect;
mod silence;
mod supervise;
mod terms;

pub use control::Objection;

use crate::command::Commands;
use crate::event::{Event, FeedState, ProcessStarted, SessionOpened, Tick, TickFlags, VenueKind};
use crate::instrument::{Instrument, InstrumentId};
use crate::limits::INSTRUMENTS_MAX;
use crate::order::OrderState;
use crate::page::PageReason;
use crate::planted::{Bug, planted};
use crate::position::Position;
use crate::quote::Quote;
use crate::risk::TradingMode;
use crate::start_steps::StartSteps;
use crate::state::State;
use crate::state_hash::StateHasher;
use crate::strategy::{Intent, Intents, Signal, Strategy};
use crate::time::TsNs;

/// The engine around one strategy.
#[derive(Debug)]
pub struct Engine<S> {
    state: State,
    strategy: S,
    intents: Intents,
}

impl<S: Strategy> Engine<S> {
    /// An engine that knows nothing yet.
    #[must_use]
    pub fn new(strategy: S) -> Self {
        Self {
            state: State::default(),
            strategy,
            intents: Intents::default(),
        }
    }

    /// Takes one event in and writes what it causes to `commands`, whose former content is dropped.
    ///
    /// # Panics
    /// When an event contradicts what our own code guarantees: a second session, instruments out of order,
    /// an unlisted instrument. Whatever a broker may send is never a reason to panic.
    pub fn apply(&mut self, event: &Event, commands: &mut Commands) {
        commands.clear();
        self.intents.clear();
        let state = &mut self.state;
        let former = state.mode();
        state.now = state.now.max(event.ts());
        state.counts.events += 1;
        match event {
            Event::SessionOpened(opened) => state.open_session(opened),
            Event::Configured(config) => state.config = *config,
            Event::InstrumentListed(instrument) => state.list_instrument(instrument),
            Event::ProcessStarted(started) => state.start_process(started),
            Event::Ticked(tick) => state.take_tick(tick),
            Event::TimePassed(_) => {}
            Event::FeedChanged(changed) => state.take_feed(changed.state),
            Event::IntentResolved(resolved) => state.resolve_intent(resolved),
            Event::OrderUpdated(update) => state.update_order(update),
            Event::Traded(trade) => state.take_trade(trade),
            Event::PositionReported(report) => {
                state.note_told_price(report);
                state.compare_position(report);
            }
            Event::Reconciled(_) => state.end_reconciliation(),
            Event::Controlled(control) => state.obey(control, commands),
            Event::FundsReported(report) => state.supervision.funds.tell(report),
            Event::FlatChecked(checked) => state.supervision.flat_check.take(checked),
            Event::SwitchAnswered(answered) => state.supervision.switch_answer = Some(*answered),
            Event::LatchCarried(carried) => state.carry_latch(carried),
            Event::ClockDoubted(doubted) => state.doubt_clock(doubted, commands),
            Event::StartStepped(stepped) => state.take_start_step(stepped),
            Event::BandReported(report) => state.take_band(report),
            Event::OrderStreamJudged(judged) => state.take_stream(judged),
        }
        self.strategy.handle(&self.state.view(), event, &mut self.intents);
        for intent in self.intents.iter() {
            match intent {
                Intent::Enter(enter) => self.state.consider_entry(enter, commands),
                Intent::Leave(leave) => self.state.consider_exit(leave, commands),
                Intent::Protect(protect) => self.state.consider_protect(protect, commands),
                Intent::EnterGroup(wish) => self.state.consider_group(wish, commands),
                Intent::LeaveGroup(wish) => self.state.consider_group_exit(wish, commands),
            }
        }
        self.state.run_groups(event, commands);
        match event {
            Event::TimePassed(_) => self.state.run_timed_actions(commands),
            Event::Reconciled(_) => self.state.follow_up_groups(commands),
            _ if self.state.may_act_by_time() => {
                if let Some(id) = self.state.told_about(event) {
                    self.state.follow_up(id, commands);
                }
            }
            _ => {}
        }
        let mode = self.state.mode();
        if former == TradingMode::Active && mode != TradingMode::Active {
            self.state.drop_entries(commands);
        }
        let is_asked_for = matches!(event, Event::Controlled(control) if !control.is_own());
        if former.worsens_to(mode) && !is_asked_for && !planted(Bug::NobodyCalled) {
            self.state.page(PageReason::EntriesStopped, None);
        }
    }

    /// Everything the engine knows.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The strategy, to be read.
    #[must_use]
    pub const fn strategy(&self) -> &S {
        &self.strategy
    }

    /// The strongest spike of the day so far.
    #[must_use]
    pub fn best_signal(&self) -> Option<Signal> {
        self.strategy.best_signal()
    }

    /// The hash of all that can influence a later command, the strategy included.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        let mut hasher = StateHasher::default();
        self.state.hash_into(&mut hasher);
        self.strategy.hash_into(&mut hasher);
        hasher.finish()
    }
}

impl State {
    fn open_session(&mut self, opened: &SessionOpened) {
        assert!(self.session.is_none(), "one journal holds one session");
        self.session = Some(*opened);
    }

    fn list_instrument(&mut self, instrument: &Instrument) {
        assert_eq!(
            instrument.id.index(),
            self.instruments.len(),
            "instruments are listed in the order of ids"
        );
        assert!(
            self.instruments.len() < INSTRUMENTS_MAX,
            "the instrument table is bounded"
        );
        assert!(
            instrument.tick.is_set() && instrument.lot.get() > 0,
            "a contract has a tick and a lot"
        );
        self.instruments.push(*instrument);
        self.quotes.push(Quote::default());
        self.positions.push(Position::default());
        self.frozen.push(false);
        self.protections.list_instrument();
        self.last_entries.push([TsNs::NEVER; 2]);
    }

    /// After a crash nobody knows whether an unanswered placement reached the wire. Real money is disarmed at
    /// every start: a person arms it.
    fn start_process(&mut self, started: &ProcessStarted) {
        assert!(started.epoch > self.epoch, "epochs only grow");
        if self.epoch == 0 || !planted(Bug::EpochReused) {
            self.epoch = started.epoch;
        }
        self.next_sequence = 1;
        self.killed &= !planted(Bug::ForgetKillOnRestart);
        self.day_loss_latched &= !planted(Bug::ForgetDayLossOnRestart);
        self.process_started = self.now;
        self.reconciled = false;
        self.disarmed = self
            .session
            .is_some_and(|session| session.venue == VenueKind::Live && !planted(Bug::NeverDisarmed));
        self.take_feed(FeedState::Down);
        self.supervision.flat_check.restart();
        self.supervision.start = StartSteps::default();
        let mut place = 0;
        while let Some(index) = self.orders.live_at(place) {
            let is_doubtful = self.orders.get(index).state == OrderState::Submitted;
            if is_doubtful && !planted(Bug::ForgetDoubtOnRestart) {
                let moved = self.orders.advance(index, OrderState::Unknown, self.now);
                assert!(moved, "a submitted order may become unknown");
            }
            place += 1;
        }
    }

    fn take_tick(&mut self, tick: &Tick) {
        self.counts.ticks += 1;
        if !tick.flags.is_sound() {
            self.counts.anomalies += 1;
        }
        self.quotes[tick.instrument.index()].apply(tick);
        self.take_tick_in_protections(tick);
        if !self.positions[tick.instrument.index()].is_flat() {
            self.watch_day_loss();
        }
    }

    fn take_tick_in_protections(&mut self, tick: &Tick) {
        let id = tick.instrument;
        if !tick.flags.is_sound() {
            return;
        }
        if self.instruments[id.index()].underlying == id {
            self.protections.note_price(id, tick.ts, tick.ltp);
        }
        let is_live = tick.flags.has_sound_book() && !tick.flags.has(TickFlags::SNAPSHOT);
        if is_live && self.hours(id).is_open(tick.ts) {
            self.protections.note_open_tick(id);
        }
    }

    /// The instrument that the broker's evidence is about; `None` for any other event.
    fn told_about(&self, event: &Event) -> Option<InstrumentId> {
        match event {
            Event::OrderUpdated(update) => Some(update.instrument),
            Event::Traded(trade) => Some(trade.instrument),
            // What covers a leg is judged with the leg's own position, which may come next.
            Event::PositionReported(report) if self.groups.owner(report.instrument).is_some() => None,
            Event::PositionReported(report) => Some(report.instrument),
            Event::IntentResolved(resolved) => {
                let index = self.orders.find(Some(resolved.intent), &resolved.order_id)?;
                Some(self.orders.get(index).instrument)
            }
            _ => None,
        }
    }

    /// Latches the limits on the loss of the day and on the fall from its best; only a new day clears them.
    fn watch_day_loss(&mut self) {
        let (risk, result) = (&self.config.risk, self.result());
        let limit = risk.capital.bps(risk.daily_loss_bps);
        if result.get() <= -limit.get() {
            self.day_loss_latched = true;
        } else if planted(Bug::DayLossUnlatches) {
            self.day_loss_latched = false;
        }
        self.protections
            .note_result(result, risk.capital.bps(risk.drawdown_bps));
    }

    /// Keeps the list of open positions in step with a changed position.
    fn track_open(&mut self, instrument: InstrumentId) {
        let qty = self.positions[instrument.index()].qty;
        self.held.follow(instrument, qty, self.now);
        let flat = self.positions[instrument.index()].is_flat();
        match self.open.iter().position(|id| *id == instrument) {
            Some(place) if flat => {
                self.open.remove(place);
            }
            None if !flat => self.open.push(instrument),
            Some(_) | None => {}
        }
    }
}
