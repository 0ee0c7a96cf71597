//! One trading day as a report needs it, collected while the journal is replayed.
//!
//! Invariants: every amount comes from the engine's own books (orders, fills, charges, result of the day);
//! this file adds, but never computes a charge or a fill of its own. Nothing here knows files or pages.

use bijli_core::command::Command;
use bijli_core::denial::{DENIALS, Denial};
use bijli_core::event::{
    Controlled, DataKind, Event, FeedState, OrderUpdated, ProcessStarted, Submission, TickFlags, Traded,
    VenueKind,
};
use bijli_core::order::{BrokerStatus, IntentId, OrderType, TradeId, Validity};
use bijli_core::orders::Order;
use bijli_core::state::{Counts, State};
use bijli_core::strategy::Signal;
use bijli_core::time::DurationNs;
use bijli_core::{Commands, InstrumentId, IstDay, Money, Price, TsNs};

use super::trips::{BookedFill, Trip, TripBook};
use crate::words;

/// A point of the equity curve is kept this often while positions are open, and at every fill.
const EQUITY_STEP: DurationNs = DurationNs::from_secs(10);
/// Most notable events that are kept with their words; the rest are only counted.
const NOTES_MAX: usize = 1_000;

/// One order of the day.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderRow {
    /// What the engine knows of it.
    pub order: Order,
    /// How it was priced; `None` for an order that is not ours.
    pub order_type: Option<OrderType>,
    /// How long it lived; `None` for an order that is not ours.
    pub validity: Option<Validity>,
    /// Engine time of the broker's acknowledgement.
    pub acked: TsNs,
    /// How the placement ended, as the gateway told last; `None` while nothing was told.
    pub submission: Option<Submission>,
    /// The broker's error code of a refusal.
    pub code: String,
}

/// One applied trade row.
#[derive(Clone, Copy, Debug)]
pub struct FillRow {
    /// The fill as the engine booked it.
    pub fill: BookedFill,
    /// Index of its order in [`Day::orders`].
    pub order: usize,
    /// The exchange's id.
    pub trade_id: TradeId,
    /// Index of the round trip that carries its charges, in [`Day::trips`].
    pub trip: usize,
    /// Turnover of the order's earlier fills: brokerage is per executed order.
    pub order_turnover_before: Money,
}

/// A signal of the day and what the risk gate said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignalRow {
    /// The signal.
    pub signal: Signal,
    /// `None` when it passed.
    pub denial: Option<Denial>,
}

/// Result of the day at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EquityPoint {
    /// Engine time.
    pub ts: TsNs,
    /// Result so far: realised and unrealised, charges deducted.
    pub net: Money,
}

/// Something an operator wants to know of.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// Engine time.
    pub ts: TsNs,
    /// Sort: `feed`, `order`, `operator`, `process`, `position`, `engine`.
    pub kind: &'static str,
    /// What happened.
    pub text: String,
}

/// Everything that a report tells of one day.
#[derive(Clone, Debug, Default)]
pub struct Day {
    /// The trading day.
    pub day: IstDay,
    /// Where prices came from.
    pub data: Option<DataKind>,
    /// Where orders went.
    pub venue: Option<VenueKind>,
    /// Capital at the start of the day.
    pub capital: Money,
    /// Symbols, indexed by instrument id.
    pub symbols: Vec<String>,
    /// Orders, oldest first.
    pub orders: Vec<OrderRow>,
    /// Applied trade rows, oldest first.
    pub fills: Vec<FillRow>,
    /// Round trips, oldest first.
    pub trips: Vec<Trip>,
    /// Signals, oldest first.
    pub signals: Vec<SignalRow>,
    /// The strongest spike, whether or not it became a signal.
    pub best: Option<Signal>,
    /// How often each denial was given; only those that were.
    pub denials: Vec<(Denial, u64)>,
    /// The equity curve.
    pub equity: Vec<EquityPoint>,
    /// Notable events, oldest first.
    pub notes: Vec<Note>,
    /// Notable events beyond those kept.
    pub notes_dropped: u64,
    /// Doubtful ticks by doubt, in the order of [`words::TICK_DOUBTS`].
    pub doubts: [u64; words::TICK_DOUBTS.len()],
    /// The engine's counters.
    pub counts: Counts,
    /// Placements that the broker acknowledged.
    pub acked: u64,
    /// Processes that took the day over.
    pub epochs: u32,
    /// Realised result, charges not deducted.
    pub realised: Money,
    /// Charges.
    pub charges: Money,
    /// Result: realised and unrealised, charges deducted.
    pub net: Money,
    /// Positions still open at the end.
    pub open_positions: u64,
    /// Engine time of the last event.
    pub last: TsNs,
}

impl Day {
    /// Symbol of an instrument; its number if the day's table does not have it.
    #[must_use]
    pub fn symbol(&self, instrument: InstrumentId) -> String {
        self.symbols
            .get(instrument.index())
            .cloned()
            .unwrap_or_else(|| format!("#{}", instrument.get()))
    }

    /// Result before charges, open positions marked to what they could be closed at. Saturates.
    #[must_use]
    pub const fn gross(&self) -> Money {
        Money::new(self.net.get().saturating_add(self.charges.get()))
    }

    /// The largest fall of the equity curve from a former peak; zero or positive.
    #[must_use]
    pub fn drawdown_max(&self) -> Money {
        let (mut peak, mut worst) = (0i64, 0i64);
        for point in &self.equity {
            peak = peak.max(point.net.get());
            worst = worst.max(peak - point.net.get());
        }
        Money::new(worst)
    }

    /// Closed round trips that earned and that did not, after charges.
    #[must_use]
    pub fn wins_and_losses(&self) -> (u64, u64) {
        let closed = || self.trips.iter().filter(|trip| !trip.is_open());
        let wins = closed().filter(|trip| trip.net().get() > 0).count() as u64;
        (wins, closed().count() as u64 - wins)
    }
}

/// What a placement was and how it was answered.
#[derive(Clone, Debug)]
struct Placement {
    intent: IntentId,
    order_type: OrderType,
    validity: Validity,
    acked: TsNs,
    submission: Option<Submission>,
    code: String,
}

/// Collects a [`Day`] from the events of a replay, each already applied to the engine.
#[derive(Debug, Default)]
pub struct DayCollector {
    day: Day,
    trips: TripBook,
    placements: Vec<Placement>,
    signals_seen: u64,
    fills_seen: u64,
    contradictions_seen: u64,
    charges_seen: Money,
    broken: bool,
}

impl DayCollector {
    /// Takes one event in that was just applied, with the commands it caused and the books after it.
    pub fn observe(&mut self, event: &Event, commands: &Commands, state: &State) {
        for command in commands.iter() {
            self.note_command(command);
        }
        match event {
            Event::InstrumentListed(instrument) => {
                self.day.symbols.push(instrument.symbol.as_str().to_owned())
            }
            Event::Ticked(tick) => self.take_tick(tick.instrument, tick.ltp, tick.flags),
            Event::Traded(trade) => self.take_trade(trade, state),
            Event::IntentResolved(resolved) => {
                self.resolve(
                    resolved.ts,
                    resolved.intent,
                    resolved.submission,
                    resolved.code.as_str(),
                );
            }
            Event::OrderUpdated(update) => self.take_update(update),
            Event::FeedChanged(changed) => {
                if changed.state != FeedState::Live {
                    let text = format!("feed {}", words::feed_state_name(changed.state));
                    self.note(changed.ts, "feed", text);
                }
            }
            Event::ProcessStarted(started) => self.take_start(started),
            Event::Controlled(control) => self.take_control(control),
            Event::PositionReported(report) => {
                let position = &state.positions()[report.instrument.index()];
                self.trips.adopt(report.ts, report.instrument, position);
            }
            Event::FlatChecked(checked) => self.note(checked.ts, "control", words::flat_text(checked)),
            Event::SwitchAnswered(answered) => {
                let outcome = words::switch_name(answered.outcome);
                let text = format!("the broker's switch {outcome}: {}", answered.words);
                self.note(answered.ts, "control", text);
            }
            Event::LatchCarried(carried) => {
                let text = format!("still killed: {}", carried.reason);
                self.note(carried.ts, "control", text);
            }
            Event::OrderStreamJudged(judged) => {
                let word = if judged.is_mute { "mute" } else { "heard again" };
                self.note(judged.ts, "order stream", word.to_owned());
            }
            Event::ClockDoubted(doubted) => {
                let text = format!("{:?} by {} ms", doubted.doubt, doubted.length.get() / 1_000_000);
                self.note(doubted.ts, "clock", text);
            }
            Event::SessionOpened(_)
            | Event::Configured(_)
            | Event::TimePassed(_)
            | Event::Reconciled(_)
            | Event::FundsReported(_)
            | Event::StartStepped(_)
            | Event::BandReported(_) => {}
        }
        self.watch(event.ts(), state);
    }

    /// The day, once the last event was seen.
    #[must_use]
    pub fn finish(self, state: &State, best: Option<Signal>) -> Day {
        let Self {
            mut day,
            trips,
            placements,
            ..
        } = self;
        if let Some(session) = state.session() {
            day.day = session.day;
            day.data = Some(session.data);
            day.venue = Some(session.venue);
        }
        day.orders = state
            .orders()
            .all()
            .iter()
            .map(|order| order_row(order, &placements))
            .collect();
        day.trips = trips.into_trips();
        day.best = best;
        day.denials = DENIALS
            .into_iter()
            .zip(*state.denials())
            .filter(|(_, count)| *count > 0)
            .collect();
        day.capital = state.config().risk.capital;
        day.counts = *state.counts();
        day.realised = state.realised();
        day.charges = state.charges();
        day.net = state.result();
        day.open_positions = state.open_positions().len() as u64;
        day.last = state.now();
        day.equity.push(EquityPoint {
            ts: day.last,
            net: day.net,
        });
        day
    }

    fn note_command(&mut self, command: &Command) {
        match command {
            Command::Place(place) => self.placements.push(Placement {
                intent: place.intent,
                order_type: place.order_type,
                validity: place.validity,
                acked: TsNs::NEVER,
                submission: None,
                code: String::new(),
            }),
            Command::Modify(_)
            | Command::Cancel(_)
            | Command::CancelForeign(_)
            | Command::Reconcile(_)
            | Command::DropEntries(_) => {}
        }
    }

    fn take_tick(&mut self, instrument: InstrumentId, ltp: Price, flags: TickFlags) {
        if flags.is_sound() {
            self.trips.mark(instrument, ltp);
        }
        for (count, (doubt, _)) in self.day.doubts.iter_mut().zip(words::TICK_DOUBTS) {
            *count += u64::from(flags.has(doubt));
        }
    }

    fn take_trade(&mut self, trade: &Traded, state: &State) {
        if state.counts().fills == self.fills_seen {
            return;
        }
        self.fills_seen = state.counts().fills;
        let index = state
            .orders()
            .find(trade.intent, &trade.order_id)
            .expect("the engine books a trade only where it found its order");
        let order = state.orders().get(index);
        let charges = Money::new(state.charges().get() - self.charges_seen.get());
        self.charges_seen = state.charges();
        let fill = BookedFill {
            ts: trade.ts,
            instrument: trade.instrument,
            side: trade.side,
            qty: trade.qty,
            price: trade.price,
            charges,
            decision_price: order.decision_price,
            strategy: order.strategy,
            signal: order.signal,
            reason: order.exit_reason,
        };
        let turnover = trade.price.times(trade.qty).expect("the engine booked it");
        self.day.fills.push(FillRow {
            fill,
            order: index,
            trade_id: trade.trade_id,
            trip: self.trips.fill(&fill),
            order_turnover_before: Money::new(order.turnover.get().saturating_sub(turnover.get())),
        });
        self.sample(trade.ts, state);
    }

    fn resolve(&mut self, ts: TsNs, intent: IntentId, submission: Submission, code: &str) {
        if let Some(placement) = self
            .placements
            .iter_mut()
            .rev()
            .find(|known| known.intent == intent)
        {
            placement.code = code.to_owned();
            placement.submission = Some(submission);
            if submission == Submission::Acked && !placement.acked.is_set() {
                placement.acked = ts;
                self.day.acked += 1;
            }
        }
        if submission != Submission::Acked {
            let name = words::submission_name(submission);
            self.note(ts, "order", format!("order {} {name} {code}", intent.tag()));
        }
    }

    fn take_update(&mut self, update: &OrderUpdated) {
        if update.status == BrokerStatus::Rejected {
            let text = format!("order {} rejected by broker or exchange", update.order_id);
            self.note(update.ts, "order", text);
        }
        if update.intent.is_none() {
            let text = format!("order {} on the account is not ours", update.order_id);
            self.note(update.ts, "order", text);
        }
    }

    fn take_start(&mut self, started: &ProcessStarted) {
        self.day.epochs += 1;
        if started.epoch > 1 {
            let text = format!("process start {} took the day over", started.epoch);
            self.note(started.ts, "process", text);
        }
    }

    fn take_control(&mut self, control: &Controlled) {
        let verb = words::verb_name(control.verb);
        let text = format!("{verb} by uid {}: {}", control.uid, control.reason);
        self.note(control.ts, "operator", text);
    }

    /// What shows only in the books: judged signals, contradictions, position breaks, equity.
    fn watch(&mut self, ts: TsNs, state: &State) {
        let counts = state.counts();
        let fresh = counts.signals - self.signals_seen;
        self.signals_seen = counts.signals;
        for back in (0..usize::try_from(fresh).unwrap_or(0)).rev() {
            if let Some(judged) = state.signal(back) {
                self.day.signals.push(SignalRow {
                    signal: judged.signal,
                    denial: judged.denial,
                });
            }
        }
        if counts.contradictions > self.contradictions_seen {
            self.contradictions_seen = counts.contradictions;
            self.note(ts, "engine", "contradicting evidence stopped entries".to_owned());
        }
        if state.has_position_break() && !self.broken {
            self.note(
                ts,
                "position",
                "the broker's positions differ from ours: reduce-only".to_owned(),
            );
        }
        self.broken = state.has_position_break();
        let due = self
            .day
            .equity
            .last()
            .is_none_or(|point| state.now().since(point.ts) >= EQUITY_STEP);
        if due && state.now().is_set() {
            self.sample(state.now(), state);
        }
    }

    fn sample(&mut self, ts: TsNs, state: &State) {
        self.day.equity.push(EquityPoint {
            ts,
            net: state.result(),
        });
    }

    fn note(&mut self, ts: TsNs, kind: &'static str, text: String) {
        if self.day.notes.len() < NOTES_MAX {
            self.day.notes.push(Note { ts, kind, text });
        } else {
            self.day.notes_dropped += 1;
        }
    }
}

fn order_row(order: &Order, placements: &[Placement]) -> OrderRow {
    let placement = placements
        .iter()
        .find(|placed| Some(placed.intent) == order.intent);
    OrderRow {
        order: *order,
        order_type: placement.map(|placed| placed.order_type),
        validity: placement.map(|placed| placed.validity),
        acked: placement.map_or(TsNs::NEVER, |placed| placed.acked),
        submission: placement.and_then(|placed| placed.submission),
        code: placement.map_or(String::new(), |placed| placed.code.clone()),
    }
}
