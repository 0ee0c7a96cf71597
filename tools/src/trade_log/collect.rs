//! One walk over a journal: the replica applies each event, and the report's collector and this one watch.
//!
//! Invariants: only what the engine's books show after an event is written down; ticks cost no more than a
//! comparison of flags. Exposure is looked at where orders, fills or controls change it and once each timed
//! event while a position is open; a peak between two of these is not seen.

use std::collections::BTreeSet;

use bijli_core::event::{Event, FeedState, SwitchAnswered, Traded, Verb};
use bijli_core::order::{BrokerOrderId, IntentId};
use bijli_core::page::Pages;
use bijli_core::state::State;
use bijli_core::{Command, InstrumentId, Money, TsNs};

use super::TradeLogError;
use super::day_log::{ChangeRow, ClosingRow, ControlRow, DayLog, OrderTrail, Session, StateRow};
use super::performance::Performance;
use super::stages::StageWatch;
use crate::replica::{Applied, JournalBytes, Replayed, Strictness, replay};
use crate::report::day::{Day, DayCollector};
use crate::verb::journal::line::supervision_text;
use crate::words;

/// Progress is told after so many events.
const EVENTS_PER_STEP: u64 = 1 << 14;

/// Replays a journal and writes down what its tables need; `progress` hears of the bytes read so far.
///
/// # Errors
/// [`TradeLogError`] when the journal is not there, holds no session, or under [`Strictness::Strict`] is damaged.
pub fn collect(
    journal: &JournalBytes,
    strictness: Strictness,
    mut progress: impl FnMut(u64),
) -> Result<DayLog, TradeLogError> {
    let mut watcher = Watcher::default();
    let mut events = 0_u64;
    let (replayed, engine) = replay(journal, strictness, |applied| {
        watcher.observe(applied);
        events += 1;
        if events.is_multiple_of(EVENTS_PER_STEP) {
            progress(applied.bytes);
        }
    })
    .map_err(TradeLogError::Replay)?;
    let state = engine.state();
    let Some(opened) = state.session() else {
        let path = journal.paths().first().cloned().unwrap_or_default();
        return Err(TradeLogError::NoSession(path));
    };
    let session = Session::new(opened.day, opened.data, opened.venue, opened.ts);
    let best = engine.best_signal();
    Ok(watcher.finish(session, state, best, replayed))
}

/// Flags of the books whose change is a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flags {
    mode: &'static str,
    feed: FeedState,
    killed: bool,
    day_loss: bool,
    position_break: bool,
    contradictions: u64,
}

impl Flags {
    fn of(state: &State) -> Self {
        Self {
            mode: state.mode().name(),
            feed: state.feed(),
            killed: state.is_killed(),
            day_loss: state.is_day_loss_latched(),
            position_break: state.has_position_break(),
            contradictions: state.counts().contradictions,
        }
    }

    /// What changed, as sort, before and after.
    fn changes(&self, now: &Self) -> Vec<(&'static str, String, String)> {
        let latched = |on: bool| if on { "LATCHED" } else { "CLEAR" }.to_owned();
        let rows = [
            ("mode", self.mode.to_owned(), now.mode.to_owned()),
            (
                "feed",
                words::feed_state_name(self.feed).to_owned(),
                words::feed_state_name(now.feed).to_owned(),
            ),
            ("kill", latched(self.killed), latched(now.killed)),
            ("daily_loss", latched(self.day_loss), latched(now.day_loss)),
            (
                "position_break",
                latched(self.position_break),
                latched(now.position_break),
            ),
            (
                "contradiction",
                self.contradictions.to_string(),
                now.contradictions.to_string(),
            ),
        ];
        rows.into_iter()
            .filter(|(_, before, after)| before != after)
            .collect()
    }
}

/// Collects what the report's collector does not.
#[derive(Debug, Default)]
struct Watcher {
    day: DayCollector,
    trails: Vec<OrderTrail>,
    controls: Vec<ControlRow>,
    states: Vec<StateRow>,
    changes: Vec<ChangeRow>,
    stages: StageWatch,
    pages: Pages,
    flags: Option<Flags>,
    exposure_peak: Money,
    fills: u64,
}

/// The sort of row that an event of start, stop and supervision becomes.
const fn supervision_kind(event: &Event) -> Option<&'static str> {
    match event {
        Event::FundsReported(_) => Some("funds"),
        Event::FlatChecked(_) => Some("flat_check"),
        Event::SwitchAnswered(_) => Some("broker_switch"),
        Event::LatchCarried(_) => Some("latch_carried"),
        Event::ClockDoubted(_) => Some("clock"),
        Event::OrderStreamJudged(_) => Some("order_stream"),
        Event::StartStepped(_) => Some("start_step"),
        _ => None,
    }
}

impl Watcher {
    fn observe(&mut self, applied: &Applied<'_>) {
        let state = applied.engine.state();
        self.day.observe(applied.event, applied.commands, state);
        let before = self.flags.unwrap_or(Flags::of(&State::default()));
        let now = Flags::of(state);
        match applied.event {
            Event::Ticked(_) | Event::TimePassed(_) => {}
            Event::Controlled(control) => self.controls.push(ControlRow {
                seq: applied.seq,
                control: *control,
                applied: state.counts().controls > self.controls_applied(),
                commands: applied.commands.count(),
                before: before.mode,
                after: now.mode,
                answer: None,
            }),
            Event::OrderUpdated(update) => {
                let trail = self.trail(state, update.intent, &update.order_id);
                if let Some(trail) = trail.filter(|trail| !trail.first_report.is_set()) {
                    trail.first_report = update.ts;
                }
            }
            Event::Traded(trade) => self.take_trade(trade, state),
            Event::ProcessStarted(started) => {
                let (before, after) = (
                    started.epoch.saturating_sub(1).to_string(),
                    started.epoch.to_string(),
                );
                self.state(applied.seq, started.ts, "process", before, after);
            }
            Event::Reconciled(reconciled) => {
                let after = format!(
                    "{} orders at the broker, {} of them not ours",
                    reconciled.broker_orders, reconciled.foreign_orders
                );
                self.state(applied.seq, reconciled.ts, "reconciled", String::new(), after);
            }
            event => {
                if let Event::SwitchAnswered(answered) = event {
                    self.take_switch_answer(answered);
                }
                if let Some(kind) = supervision_kind(event) {
                    let after = supervision_text(event);
                    self.state(applied.seq, event.ts(), kind, String::new(), after);
                }
            }
        }
        if self.flags != Some(now) {
            for (kind, before, after) in before.changes(&now) {
                self.state(applied.seq, state.now(), kind, before, after);
            }
            self.flags = Some(now);
        }
        self.note_commands(applied, state);
        self.note_pages(applied.seq, state);
        let is_tick = matches!(applied.event, Event::Ticked(_));
        if !is_tick || applied.commands.count() > 0 {
            self.stages.look(applied.seq, state);
        }
        let timed = matches!(applied.event, Event::TimePassed(_)) && !state.open_positions().is_empty();
        if timed || applied.commands.count() > 0 || matches!(applied.event, Event::Traded(_)) {
            self.exposure_peak = self.exposure_peak.max(state.exposure().0);
        }
    }

    /// The answer stands with who asked.
    fn take_switch_answer(&mut self, answered: &SwitchAnswered) {
        let asked = |row: &&mut ControlRow| {
            let control = &row.control;
            (control.verb, control.command_id, control.uid)
                == (Verb::BrokerSwitch, answered.command_id, answered.uid)
        };
        if let Some(row) = self.controls.iter_mut().rev().find(asked) {
            row.answer = Some(*answered);
        }
    }

    fn controls_applied(&self) -> u64 {
        self.controls.iter().filter(|row| row.applied).count() as u64
    }

    fn state(&mut self, seq: u64, ts: TsNs, kind: &'static str, before: String, after: String) {
        self.states.push(StateRow {
            seq,
            ts,
            kind,
            before,
            after,
        });
    }

    /// A row for each page that was raised, with how often before and after.
    fn note_pages(&mut self, seq: u64, state: &State) {
        if state.pages().total() == self.pages.total() {
            return;
        }
        for (reason, page) in state.pages().raised() {
            let before = self.pages.get(reason).count;
            if before != page.count {
                let symbol = page.instrument.map(|id| state.instruments()[id.index()].symbol);
                let place = symbol.map_or(String::new(), |symbol| format!(" {symbol}"));
                let after = format!("{} x{}{place}", reason.code(), page.count);
                let before = if before == 0 {
                    String::new()
                } else {
                    format!("{} x{before}", reason.code())
                };
                self.state(seq, state.now(), "page", before, after);
            }
        }
        self.pages = state.pages().clone();
    }

    fn trail(
        &mut self,
        state: &State,
        intent: Option<IntentId>,
        order_id: &BrokerOrderId,
    ) -> Option<&mut OrderTrail> {
        let index = state.orders().find(intent, order_id)?;
        if self.trails.len() <= index {
            self.trails.resize(index + 1, OrderTrail::default());
        }
        self.trails.get_mut(index)
    }

    fn take_trade(&mut self, trade: &Traded, state: &State) {
        if state.counts().fills == self.fills {
            return;
        }
        self.fills = state.counts().fills;
        if let Some(trail) = self.trail(state, trade.intent, &trade.order_id) {
            if !trail.first_fill.is_set() {
                trail.first_fill = trade.ts;
            }
            trail.last_fill = trade.ts;
        }
    }

    fn note_commands(&mut self, applied: &Applied<'_>, state: &State) {
        for command in applied.commands.iter() {
            let (intent, order_id) = match command {
                Command::Place(place) => (Some(place.intent), BrokerOrderId::EMPTY),
                Command::Modify(modify) => (Some(modify.intent), modify.order_id),
                Command::Cancel(cancel) => (Some(cancel.intent), cancel.order_id),
                Command::CancelForeign(cancel) => (None, cancel.order_id),
                _ => continue,
            };
            if let (Command::Modify(terms), Some(order)) = (command, state.orders().find(intent, &order_id)) {
                let (seq, terms) = (applied.seq, *terms);
                self.changes.push(ChangeRow { seq, order, terms });
            }
            let Some(trail) = self.trail(state, intent, &order_id) else {
                continue;
            };
            match command {
                Command::Place(place) => {
                    let quote = &state.quotes()[place.instrument.index()];
                    (trail.bid, trail.ask, trail.ltp) = (quote.bid, quote.ask, quote.ltp);
                    trail.book = quote.book_ts;
                    (trail.limit, trail.trigger) = (place.price, place.trigger);
                }
                Command::Modify(_) => trail.modifies += 1,
                Command::Cancel(_) | Command::CancelForeign(_) => trail.cancels += 1,
                _ => {}
            }
        }
    }

    fn finish(
        self,
        session: Session,
        state: &State,
        best: Option<bijli_core::strategy::Signal>,
        replayed: Replayed,
    ) -> DayLog {
        let Self {
            day,
            mut trails,
            controls,
            mut states,
            changes,
            stages,
            exposure_peak,
            ..
        } = self;
        let day = day.finish(state, best);
        trails.resize(day.orders.len(), OrderTrail::default());
        states.extend(replayed.tail_cuts.iter().map(|cut| StateRow {
            seq: cut.seq,
            ts: TsNs::new(cut.ts_ns),
            kind: "tail_cut",
            before: String::new(),
            after: format!("segment {} ends at byte {}", cut.segment, cut.cut_offset),
        }));
        states.sort_by_key(|row| row.seq);
        let closing = closing_rows(state);
        let performance = Performance::of(&day, exposure_peak);
        let stages = stages.into_rows();
        let mut named = named_instruments(&day, &closing, &controls);
        named.extend(stages.iter().map(|row| row.instrument.get()));
        DayLog {
            session,
            instruments: named.iter().map(|id| state.instruments()[*id as usize]).collect(),
            trails,
            signal_orders: signal_orders(&day),
            controls,
            states,
            changes,
            stages,
            closing,
            performance,
            replayed,
            day,
        }
    }
}

fn closing_rows(state: &State) -> Vec<ClosingRow> {
    let traded = state.positions().iter().zip(state.instruments());
    let moved = traded.filter(|(position, _)| {
        !position.is_flat() || !position.bought.is_zero() || !position.sold.is_zero()
    });
    moved
        .map(|(position, instrument)| {
            let mark = state.exit_mark(instrument.id);
            ClosingRow {
                instrument: instrument.id,
                position: *position,
                mark,
                unrealised: position.unrealised(mark),
            }
        })
        .collect()
}

/// The order that each signal became: an order carries the very signal it was placed on.
fn signal_orders(day: &Day) -> Vec<Option<usize>> {
    let order_of = |row: &crate::report::day::SignalRow| {
        let same = |order: &crate::report::day::OrderRow| order.order.signal == Some(row.signal);
        row.denial
            .is_none()
            .then(|| day.orders.iter().position(same))
            .flatten()
    };
    day.signals.iter().map(order_of).collect()
}

fn named_instruments(day: &Day, closing: &[ClosingRow], controls: &[ControlRow]) -> BTreeSet<u32> {
    let mut named: BTreeSet<InstrumentId> = BTreeSet::new();
    named.extend(day.orders.iter().map(|row| row.order.instrument));
    named.extend(day.trips.iter().map(|trip| trip.instrument));
    named.extend(day.signals.iter().map(|row| row.signal.instrument));
    named.extend(closing.iter().map(|row| row.instrument));
    named.extend(controls.iter().filter_map(|row| row.control.instrument));
    named.into_iter().map(InstrumentId::get).collect()
}
