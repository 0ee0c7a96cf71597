//! One trading day as the trade log tells it: the report's [`Day`] and what a table needs besides.
//!
//! Invariants: orders, fills, round trips, signals and the equity curve are the report's own; nothing here is a
//! second account of them. Rows that refer to another hold its index; numbers shown to users begin at 1.

use bijli_core::command::Modify;
use bijli_core::event::{Controlled, DataKind, SwitchAnswered, VenueKind};
use bijli_core::group::GroupId;
use bijli_core::held::BracketStage;
use bijli_core::position::Position;
use bijli_core::{Instrument, InstrumentId, IstDay, Money, Price, Qty, TsNs};

use super::performance::Performance;
use crate::replica::Replayed;
use crate::report::day::Day;

/// Everything that the tables of one day are made from.
#[derive(Debug)]
pub struct DayLog {
    /// Which day, which prices, which venue.
    pub session: Session,
    /// The day's books.
    pub day: Day,
    /// What the replay showed.
    pub replayed: Replayed,
    /// Contracts that an order, a signal, a position or a control names, in the order of ids.
    pub instruments: Vec<Instrument>,
    /// What else is known of each order; parallel to [`Day::orders`].
    pub trails: Vec<OrderTrail>,
    /// Index of the order that each signal became; parallel to [`Day::signals`].
    pub signal_orders: Vec<Option<usize>>,
    /// What operators asked for.
    pub controls: Vec<ControlRow>,
    /// Changes of mode, latches, processes, feed.
    pub states: Vec<StateRow>,
    /// Changes of orders that were asked for, with their terms.
    pub changes: Vec<ChangeRow>,
    /// Stages of positions, as they changed.
    pub stages: Vec<StageRow>,
    /// Positions at the end.
    pub closing: Vec<ClosingRow>,
    /// What the day came to.
    pub performance: Performance,
}

/// Which day, which prices, which venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Day as `YYYYMMDD`, then one digit for the prices and one for the venue: the same session always has the
    /// same id.
    pub id: i64,
    /// The trading day.
    pub day: IstDay,
    /// Where prices came from.
    pub data: DataKind,
    /// Where orders went.
    pub venue: VenueKind,
    /// When it was opened.
    pub opened: TsNs,
}

impl Session {
    /// The session of a day.
    #[must_use]
    pub fn new(day: IstDay, data: DataKind, venue: VenueKind, opened: TsNs) -> Self {
        let (year, month, date) = day.ymd();
        let number = (i64::from(year) * 100 + i64::from(month)) * 100 + i64::from(date);
        Self {
            id: number * 100 + data as i64 * 10 + venue as i64,
            day,
            data,
            venue,
            opened,
        }
    }
}

/// What the report does not need of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderTrail {
    /// Best bid when it was decided.
    pub bid: Price,
    /// Best ask when it was decided.
    pub ask: Price,
    /// Last price when it was decided.
    pub ltp: Price,
    /// When the book of the decision was received.
    pub book: TsNs,
    /// Limit price first asked for.
    pub limit: Price,
    /// Trigger price first asked for.
    pub trigger: Price,
    /// First row of the broker's.
    pub first_report: TsNs,
    /// First applied trade.
    pub first_fill: TsNs,
    /// Last applied trade.
    pub last_fill: TsNs,
    /// Changes asked for.
    pub modifies: u32,
    /// Cancels asked for.
    pub cancels: u32,
}

/// What an operator asked for, and what it did.
#[derive(Clone, Copy, Debug)]
pub struct ControlRow {
    /// Sequence number in the journal.
    pub seq: u64,
    /// The command as journaled.
    pub control: Controlled,
    /// Whether it was taken; a repeated command id changes nothing.
    pub applied: bool,
    /// Commands that it caused at once.
    pub commands: usize,
    /// Mode before.
    pub before: &'static str,
    /// Mode after.
    pub after: &'static str,
    /// For the broker's own switch: what came of it, once that was told.
    pub answer: Option<SwitchAnswered>,
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// Sequence number in the journal.
    pub seq: u64,
    /// Engine time.
    pub ts: TsNs,
    /// Sort of change.
    pub kind: &'static str,
    /// What was.
    pub before: String,
    /// What is.
    pub after: String,
}

/// A change of an order that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// Sequence number of the event that caused it.
    pub seq: u64,
    /// Index of its order.
    pub order: usize,
    /// The terms as they went to the gateway.
    pub terms: Modify,
}

/// A position reached another stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageRow {
    /// Sequence number of the event that it followed from.
    pub seq: u64,
    /// Engine time.
    pub ts: TsNs,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// The stage before.
    pub before: BracketStage,
    /// The stage from then on.
    pub after: BracketStage,
    /// The position then.
    pub qty: Qty,
    /// The group whose leg it is.
    pub group: Option<GroupId>,
}

/// One instrument's position at the end of the day.
#[derive(Clone, Copy, Debug)]
pub struct ClosingRow {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// The engine's position.
    pub position: Position,
    /// What it could be closed at.
    pub mark: Price,
    /// Result of the open part at that mark.
    pub unrealised: Money,
}

impl DayLog {
    /// Symbol of an instrument.
    #[must_use]
    pub fn symbol(&self, instrument: InstrumentId) -> String {
        self.day.symbol(instrument)
    }

    /// A contract that some row names.
    #[must_use]
    pub fn instrument(&self, id: InstrumentId) -> &Instrument {
        let place = self
            .instruments
            .binary_search_by_key(&id.get(), |known| known.id.get());
        &self.instruments[place.expect("every contract that a row names is kept")]
    }
}
