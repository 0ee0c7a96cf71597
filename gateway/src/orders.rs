//! Orders as the broker last told of them: which row to believe, and which fills are still to be read.
//!
//! Invariants: what is filled never falls, except when a book read withdraws a completion that no trade backs; an
//! ended order does not come back to life; a row that brings nothing new makes no event. Every row has one broker id;
//! at most one row belongs to an intent. Left out: trades and events, the gateway's. Rule 4 of `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};

use bijli_core::command::Modify;
use bijli_core::order::{BrokerOrderId, BrokerStatus, IntentId};
use bijli_core::planted::{Bug, planted};
use bijli_core::{DurationNs, InstrumentId, Qty, TsNs};

use crate::evidence::BrokerOrder;
use crate::own_modify::OwnModify;
use crate::second_look::SecondLook;

/// First pause before trades of an order are read again; each further one doubles.
const TRADES_AGAIN_FIRST: DurationNs = DurationNs::from_millis(250);
/// Longest pause between reads of one order's trades.
const TRADES_AGAIN_MAX: DurationNs = DurationNs::from_secs(5);
/// How long trade rows may lag behind their order's row before everything is compared.
pub(crate) const TRADES_OVERDUE: DurationNs = DurationNs::from_secs(10);
/// How long they may be missing beside books that agree otherwise.
const TRADES_GIVEN_UP: DurationNs = DurationNs::from_secs(60);

/// Where a row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The order stream: pushed, unordered, lossy.
    Stream,
    /// A read that was asked at this time: it knows nothing newer.
    Read(TsNs),
}

/// What a row did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// First row of an order, or something changed.
    Changed,
    /// The same as before.
    Repeated,
    /// Older than what is known; dropped.
    Stale,
    /// Changed, and it contradicts what was known: one end turned into another.
    Contradicted,
}

/// What became of a trade row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It counts now.
    Taken,
    /// The order's row does not know of so much yet; nothing changed.
    Ahead,
    /// The order would be overfilled; nothing changed.
    Overfills,
}

/// Up to which quantity trade rows count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// What the order's row says is filled.
    Row,
    /// The whole order: while reconciling, positions are compared next, and a trade left out would come on top of
    /// them later.
    Order,
}

/// One order of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Our intent; `None` for somebody else's order.
    pub intent: Option<IntentId>,
    /// Which instrument; `None` when the day's table does not hold it.
    pub instrument: Option<InstrumentId>,
    /// The row that stands; `None` until the broker has told one.
    pub row: Option<BrokerOrder>,
    /// Sum of the trade rows seen.
    pub traded: Qty,
    /// Last stream update, steady time.
    stream_ts: TsNs,
    /// A cancel or modify ended without a certain outcome at this time, and no book was read since.
    pub change_doubt: Option<TsNs>,
    /// The next book row is told to the engine even if it brings nothing new.
    pub echo: bool,
    /// Modifies of ours that were taken from the engine.
    modifies: u8,
    /// The newest of them that left in this process, unless it was refused.
    own_modify: Option<OwnModify>,
    second_look: SecondLook,
    trades_at: TsNs,
    trades_reads: u32,
    /// Since when trade rows have been missing.
    trades_missing_since: TsNs,
    /// What the row told as filled when it was given up that its trade rows come.
    filled_without_trades: Qty,
}

impl Order {
    /// Whether the broker has said that it ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.row.is_some_and(|row| rank(row.status) == ENDED)
    }

    /// Whether the broker says that it is still changing the order.
    #[must_use]
    pub fn is_changing(&self) -> bool {
        self.row.is_some_and(|row| {
            matches!(
                row.status,
                BrokerStatus::ModifyPending | BrokerStatus::CancelPending
            )
        })
    }

    /// Modifies of ours that were taken from the engine, by this process or a former one.
    #[must_use]
    pub const fn modifies(&self) -> u8 {
        self.modifies
    }

    /// Whether the row may be older than our newest modify, although that was answered.
    #[must_use]
    pub fn hides_modify(&self, now: TsNs) -> bool {
        self.own_modify
            .is_some_and(|modify| modify.may_be_unseen(now, self.row))
    }

    /// Fills that the broker told of and whose trade rows have not been seen.
    #[must_use]
    pub fn trades_missing(&self) -> bool {
        self.row
            .is_some_and(|row| row.filled > self.traded && row.filled != self.filled_without_trades)
    }
}

/// All orders of the day.
#[derive(Debug, Default)]
pub struct OrderTable {
    orders: BTreeMap<BrokerOrderId, Order>,
    live: BTreeSet<BrokerOrderId>,
    trades_wanted: BTreeSet<BrokerOrderId>,
}

impl OrderTable {
    /// One order.
    #[must_use]
    pub fn get(&self, id: &BrokerOrderId) -> Option<&Order> {
        self.orders.get(id)
    }

    /// All orders, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&BrokerOrderId, &Order)> {
        self.orders.iter()
    }

    /// Whether any order may be working.
    #[must_use]
    pub fn any_live(&self) -> bool {
        !self.live.is_empty()
    }

    /// The orders that may be working.
    pub fn live(&self) -> impl Iterator<Item = &Order> {
        self.live.iter().filter_map(|id| self.orders.get(id))
    }

    /// Makes room for an order that is known to exist before any row of it was seen.
    pub fn expect(
        &mut self,
        id: BrokerOrderId,
        intent: Option<IntentId>,
        instrument: Option<InstrumentId>,
    ) -> &mut Order {
        let order = self.orders.entry(id).or_insert(Order {
            intent,
            instrument,
            row: None,
            traded: Qty::ZERO,
            stream_ts: TsNs::NEVER,
            change_doubt: None,
            echo: false,
            trades_at: TsNs::NEVER,
            trades_reads: 0,
            modifies: 0,
            own_modify: None,
            second_look: SecondLook::default(),
            trades_missing_since: TsNs::NEVER,
            filled_without_trades: Qty::ZERO,
        });
        order.intent = order.intent.or(intent);
        if !order.is_ended() {
            self.live.insert(id);
        }
        order
    }

    /// Takes one row in.
    pub fn apply(
        &mut self,
        now: TsNs,
        row: &BrokerOrder,
        owner: (Option<IntentId>, Option<InstrumentId>),
        source: Source,
    ) -> Applied {
        let order = self.expect(row.order_id, owner.0, owner.1);
        order.intent = order.intent.or(owner.0);
        order.instrument = order.instrument.or(owner.1);
        let applied = match &order.row {
            None => {
                order.row = Some(*row);
                Applied::Changed
            }
            Some(known) => {
                let (next, applied) = merged(known, row, order.traded, order.stream_ts, source);
                order.row = Some(next);
                applied
            }
        };
        if source == Source::Stream {
            order.stream_ts = now;
        }
        let (ended, missing) = (order.is_ended(), order.trades_missing());
        if missing && applied == Applied::Changed {
            // News of a fill: its trade row should be there now.
            order.trades_at = now;
            order.trades_reads = 0;
            order.trades_missing_since = now;
        }
        if missing {
            self.trades_wanted.insert(row.order_id);
        } else {
            self.trades_wanted.remove(&row.order_id);
        }
        if ended {
            self.live.remove(&row.order_id);
        }
        applied
    }

    /// Adds a trade row's quantity, up to what the order's row says is filled: a fill told under two trade ids
    /// counts once.
    pub fn add_trade(&mut self, id: &BrokerOrderId, qty: Qty, bound: Bound) -> Added {
        let Some(order) = self.orders.get_mut(id) else {
            return Added::Ahead;
        };
        let Some(traded) = order.traded.plus(qty) else {
            return Added::Overfills;
        };
        match order.row {
            Some(row) if traded > row.qty => return Added::Overfills,
            Some(row) if traded <= row.filled => {}
            _ if bound == Bound::Order || planted(Bug::TradesUnbounded) => {}
            _ => return Added::Ahead,
        }
        order.traded = traded;
        if !order.trades_missing() {
            self.trades_wanted.remove(id);
        }
        Added::Taken
    }

    /// The order whose trades are to be read next, and when.
    #[must_use]
    pub fn next_trades(&self) -> Option<(TsNs, BrokerOrderId)> {
        self.trades_wanted
            .iter()
            .map(|id| (self.orders[id].trades_at, *id))
            .min()
    }

    /// How many orders have a read of trades due at `now`.
    #[must_use]
    pub fn trades_due(&self, now: TsNs) -> usize {
        self.trades_wanted
            .iter()
            .filter(|id| self.orders[*id].trades_at <= now)
            .count()
    }

    /// Whether an order has waited for its trade rows for longer than a lagging read explains.
    #[must_use]
    pub fn trades_are_overdue(&self, now: TsNs) -> bool {
        self.trades_wanted
            .iter()
            .any(|id| now.since(self.orders[id].trades_missing_since) >= TRADES_OVERDUE)
    }

    /// Books that agree do not explain these fills by trades, and have not for a minute: none come any more.
    pub fn accept_long_missing(&mut self, now: TsNs) {
        for id in self.trades_wanted.clone() {
            if now.since(self.orders[&id].trades_missing_since) >= TRADES_GIVEN_UP {
                self.accept_missing_trades(&id);
            }
        }
    }

    /// The broker means it: no further trade rows come for what the order's row tells now.
    pub fn accept_missing_trades(&mut self, id: &BrokerOrderId) {
        if let Some(order) = self.orders.get_mut(id) {
            order.filled_without_trades = order.row.map_or(Qty::ZERO, |row| row.filled);
            self.trades_wanted.remove(id);
        }
    }

    /// How many orders wait for trade rows at all.
    #[must_use]
    pub fn trades_wanted(&self) -> usize {
        self.trades_wanted.len()
    }

    /// A read of the order's trades goes out; if it does not bring all of them the next follows later.
    pub fn note_trades_read(&mut self, now: TsNs, id: &BrokerOrderId) {
        if let Some(order) = self.orders.get_mut(id) {
            let pause = TRADES_AGAIN_FIRST.get() << order.trades_reads.min(8);
            order.trades_reads += 1;
            order.trades_at = now.plus(DurationNs::new(pause.min(TRADES_AGAIN_MAX.get())));
        }
    }

    /// So much of an order was booked before this process began.
    pub fn note_traded(&mut self, id: &BrokerOrderId, traded: Qty) {
        if let Some(order) = self.orders.get_mut(id) {
            order.traded = traded;
        }
    }

    /// The engine asks for a modify of an order, or asked for so many before this process began.
    pub fn note_modifies(&mut self, id: &BrokerOrderId, count: u8) {
        if let Some(order) = self.orders.get_mut(id) {
            order.modifies = order.modifies.saturating_add(count);
        }
    }

    /// The engine asks for a change of an order: its row is told once more a while after that is settled.
    pub fn owe_second_look(&mut self, id: &BrokerOrderId) {
        if let Some(order) = self.orders.get_mut(id) {
            order.second_look.owe(order.row);
        }
    }

    /// A modify of an order leaves.
    pub fn note_modify_sent(&mut self, modify: &Modify) {
        if let Some(order) = self.orders.get_mut(&modify.order_id) {
            order.own_modify = Some(OwnModify::leave(*modify, order.row));
        }
    }

    /// The change of an order that is on the wire was answered, or is given up; `had_no_effect` says for certain what it
    /// did.
    pub fn note_answer(&mut self, now: TsNs, id: &BrokerOrderId, had_no_effect: bool) {
        let Some(order) = self.orders.get_mut(id) else {
            return;
        };
        match &mut order.own_modify {
            Some(modify) if modify.is_on_wire() && had_no_effect => order.own_modify = None,
            Some(modify) => modify.answer(now),
            None => {}
        }
    }

    /// The outcome of a cancel or modify is in doubt, or it had no effect: the next book row is told anyway, and
    /// with `doubt` no further change goes out before it.
    pub fn note_change(&mut self, id: &BrokerOrderId, doubt: Option<TsNs>) {
        if let Some(order) = self.orders.get_mut(id) {
            order.echo = true;
            order.change_doubt = order.change_doubt.max(doubt);
        }
    }

    /// A book row that was asked at `asked` settles earlier doubts. Tells whether the engine must hear the row
    /// even without news.
    pub fn settle_change(&mut self, now: TsNs, id: &BrokerOrderId, asked: TsNs) -> bool {
        let Some(order) = self.orders.get_mut(id) else {
            return false;
        };
        if order.change_doubt.is_some_and(|since| asked < since) {
            return false;
        }
        order.change_doubt = None;
        if std::mem::take(&mut order.echo) {
            order.second_look.settle(now);
            return true;
        }
        let is_owed = order.second_look.take(asked, order.row);
        is_owed && !order.is_ended() && !planted(Bug::NoSecondLook)
    }
}

const ENDED: u8 = 2;

/// How far an order has come; no row moves it back.
pub(crate) const fn rank(status: BrokerStatus) -> u8 {
    match status {
        BrokerStatus::Received => 0,
        BrokerStatus::Open
        | BrokerStatus::TriggerPending
        | BrokerStatus::ModifyPending
        | BrokerStatus::CancelPending
        | BrokerStatus::Unrecognised => 1,
        BrokerStatus::Complete | BrokerStatus::Cancelled | BrokerStatus::Rejected => ENDED,
    }
}

fn merged(
    known: &BrokerOrder,
    row: &BrokerOrder,
    traded: Qty,
    stream_ts: TsNs,
    source: Source,
) -> (BrokerOrder, Applied) {
    let (was, is) = (rank(known.status), rank(row.status));
    let both_ended = was == ENDED && is == ENDED && known.status != row.status;
    if row.filled < known.filled {
        // A completion that no trade backs may be withdrawn, but only by a read, which has no order to lose.
        let withdrawn = both_ended && traded <= row.filled && source != Source::Stream;
        return if withdrawn {
            (*row, Applied::Contradicted)
        } else {
            (*known, Applied::Stale)
        };
    }
    if both_ended {
        let raced = known.status == BrokerStatus::Cancelled && row.status == BrokerStatus::Complete;
        let applied = if raced {
            Applied::Changed
        } else {
            Applied::Contradicted
        };
        return (*row, applied);
    }
    if is < was {
        if row.filled == known.filled {
            return (*known, Applied::Stale);
        }
        // A fill that raced the end: the quantity is news, the state is not.
        let late = BrokerOrder {
            filled: row.filled,
            average_price: row.average_price,
            ..*known
        };
        return (late, Applied::Changed);
    }
    let older_read = matches!(source, Source::Read(asked) if asked < stream_ts);
    let older_stamp = !row.stamp.is_empty() && row.stamp < known.stamp;
    if is == was && row.filled == known.filled && (older_read || older_stamp) {
        return (*known, Applied::Stale);
    }
    let mut next = *row;
    // What the broker leaves out stays known.
    next.intent = row.intent.or(known.intent);
    let same = BrokerOrder {
        stamp: known.stamp,
        ..next
    } == *known;
    let applied = if same { Applied::Repeated } else { Applied::Changed };
    (next, applied)
}

#[cfg(test)]
#[path = "orders_tests.rs"]
mod tests;
