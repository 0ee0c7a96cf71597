//! The orders of the day: what was asked for, what the broker says, and which trades were applied.
//!
//! Orders are only ever added; an index is kept of those that may still be live, since these count in every
//! limit, and one of intents. Trades are applied once, by order and trade id; the trades of one order are a chain.
//! No look-up walks the whole day but that for an order of somebody else, which walks those of others alone.

mod row;

use crate::instrument::InstrumentId;
use crate::limits::{
    ORDERS_KEPT_FOR_EXITS, ORDERS_LIVE_MAX, ORDERS_PER_DAY_MAX, POSITIONS_MAX, TRADES_PER_DAY_USUAL,
};
use crate::order::{BrokerOrderId, IntentId, OrderState, Purpose, TradeId};
use crate::state_hash::StateHasher;
use crate::time::TsNs;

pub use row::{Order, Terms};

/// One applied trade, and the one before it of the same order.
#[derive(Clone, Copy, Debug)]
struct AppliedTrade {
    order: u32,
    former: Option<u32>,
    id: TradeId,
}

/// All orders of the day.
#[derive(Debug)]
pub struct OrderBook {
    orders: Vec<Order>,
    /// Indices into `orders` of those that may be live or whose trades have not all come, oldest first.
    live: Vec<u32>,
    /// Our intents and where their orders stand in `orders`, sorted.
    intents: Vec<(IntentId, u32)>,
    /// Indices into `orders` of those of somebody else.
    foreign: Vec<u32>,
    trades: Vec<AppliedTrade>,
}

impl Default for OrderBook {
    fn default() -> Self {
        Self {
            orders: Vec::with_capacity(ORDERS_PER_DAY_MAX),
            live: Vec::with_capacity(ORDERS_LIVE_MAX),
            intents: Vec::with_capacity(ORDERS_PER_DAY_MAX),
            foreign: Vec::with_capacity(ORDERS_LIVE_MAX),
            trades: Vec::with_capacity(TRADES_PER_DAY_USUAL),
        }
    }
}

impl OrderBook {
    /// All orders, oldest first.
    #[must_use]
    pub fn all(&self) -> &[Order] {
        &self.orders
    }

    /// One order by its index, which must exist.
    #[must_use]
    pub fn get(&self, index: usize) -> &Order {
        &self.orders[index]
    }

    /// One order by its index, to be changed; call [`OrderBook::settle`] after a change of state.
    pub(crate) fn get_mut(&mut self, index: usize) -> &mut Order {
        &mut self.orders[index]
    }

    /// The orders that may be live or whose trades have not all come, oldest first, with their indices.
    pub fn live(&self) -> impl Iterator<Item = (usize, &Order)> {
        self.live
            .iter()
            .map(|index| (*index as usize, &self.orders[*index as usize]))
    }

    /// How many may be live.
    #[must_use]
    pub fn live_count(&self) -> usize {
        self.live.len()
    }

    /// How many must end before the account is flat: our own that may be live, and anybody's fills on their way. A
    /// resting order of somebody else is theirs to end; where it stands before an exit, the position tells. An order that
    /// is presumed absent does not keep anybody from asking the broker.
    #[must_use]
    pub fn unfinished_count(&self) -> usize {
        let unfinished = |order: &Order| {
            let is_ours = order.intent.is_some() && order.state != OrderState::PresumedAbsent;
            is_ours || order.state.is_final()
        };
        self.live().filter(|(_, order)| unfinished(order)).count()
    }

    /// The index in the live list's order; lets a caller walk the list while changing orders.
    #[must_use]
    pub(crate) fn live_at(&self, place: usize) -> Option<usize> {
        self.live.get(place).map(|index| *index as usize)
    }

    /// Whether another order of ours fits.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.orders.len() < ORDERS_PER_DAY_MAX && self.live.len() < ORDERS_LIVE_MAX
    }

    /// How many entries fit with room to spare for the exits that they may need.
    #[must_use]
    pub fn room_for_entries(&self) -> u32 {
        let of_the_day = (ORDERS_PER_DAY_MAX - ORDERS_KEPT_FOR_EXITS).saturating_sub(self.orders.len());
        let live = (ORDERS_LIVE_MAX - POSITIONS_MAX).saturating_sub(self.live.len());
        index_of(of_the_day.min(live))
    }

    /// Finds an order by intent or, without one, by the broker's id.
    #[must_use]
    pub fn find(&self, intent: Option<IntentId>, order_id: &BrokerOrderId) -> Option<usize> {
        let Some(intent) = intent else {
            let is_meant = |index: &&u32| self.orders[**index as usize].order_id == *order_id;
            return self
                .foreign
                .iter()
                .rev()
                .find(is_meant)
                .map(|index| *index as usize);
        };
        let place = self.intents.binary_search_by_key(&intent, |known| known.0).ok()?;
        Some(self.intents[place].1 as usize)
    }

    /// Adds an order; gives its index.
    pub(crate) fn add(&mut self, order: Order) -> usize {
        let index = index_of(self.orders.len());
        match order.intent {
            Some(intent) => {
                let place = self.intents.partition_point(|known| known.0 < intent);
                self.intents.insert(place, (intent, index));
            }
            None => self.foreign.push(index),
        }
        self.orders.push(order);
        if order.state.may_be_live() {
            self.live.push(index);
        }
        index as usize
    }

    /// Moves an order to `next` if the table of transitions allows it; tells whether it did.
    pub(crate) fn advance(&mut self, index: usize, next: OrderState, now: TsNs) -> bool {
        let order = &mut self.orders[index];
        if !order.state.may_become(next) {
            return false;
        }
        if order.state != next {
            order.state = next;
            order.state_ts = now;
        }
        if next.is_final() {
            order.forget_modify();
        }
        self.settle(index);
        true
    }

    /// A person asks to be out of `instrument`, or hands it, or all of them, back: each entry of ours of the day is told,
    /// since one that ended may still have fills on their way.
    pub(crate) fn note_exit_asked(&mut self, instrument: Option<InstrumentId>, is_asked: bool) {
        let is_meant = |order: &Order| instrument.is_none_or(|id| id == order.instrument);
        let ours = |order: &Order| order.intent.is_some() && order.purpose == Purpose::Entry;
        for order in &mut self.orders {
            if ours(order) && is_meant(order) {
                order.exit_asked = is_asked;
            }
        }
    }

    /// Keeps the live list in step: an order leaves it once it is final and its trades are all in, and comes back when
    /// the broker shows it as live after all.
    pub(crate) fn settle(&mut self, index: usize) {
        let order = &self.orders[index];
        let is_over = order.state.is_final() && order.missing_qty().is_zero();
        let key = index_of(index);
        match self.live.iter().position(|live| *live == key) {
            Some(place) if is_over => {
                self.live.remove(place);
            }
            None if !is_over => self.live.push(key),
            Some(_) | None => {}
        }
    }

    /// The ids of an order's applied trades, newest first.
    pub fn trade_ids(&self, index: usize) -> impl Iterator<Item = TradeId> + '_ {
        let mut next = self.orders[index].last_trade;
        std::iter::from_fn(move || {
            let trade = &self.trades[next? as usize];
            next = trade.former;
            Some(trade.id)
        })
    }

    /// Whether a trade was applied before.
    #[must_use]
    pub fn has_trade(&self, index: usize, trade_id: &TradeId) -> bool {
        self.trade_ids(index).any(|known| known == *trade_id)
    }

    /// Remembers a trade as applied.
    pub(crate) fn note_trade(&mut self, index: usize, trade_id: &TradeId) {
        let place = index_of(self.trades.len());
        let former = self.orders[index].last_trade.replace(place);
        self.trades.push(AppliedTrade {
            order: index_of(index),
            former,
            id: *trade_id,
        });
    }

    /// How many trades were applied.
    #[must_use]
    pub fn trade_count(&self) -> usize {
        self.trades.len()
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(self.orders.len() as u64);
        for order in &self.orders {
            hash_order(order, hasher);
        }
        hasher.u64(self.live.len() as u64);
        for index in &self.live {
            hasher.u64(u64::from(*index));
        }
        hasher.u64(self.trades.len() as u64);
        for trade in &self.trades {
            hasher.u64(u64::from(trade.order));
            hasher.bytes(trade.id.padded());
        }
    }
}

fn index_of(index: usize) -> u32 {
    u32::try_from(index).expect("the day's orders and trades are bounded")
}

fn hash_order(order: &Order, hasher: &mut StateHasher) {
    hasher.u64(order.intent.map_or(0, IntentId::get));
    hasher.bytes(order.order_id.padded());
    hasher.u64(u64::from(order.instrument.get()));
    let marks = [
        order.side as u8,
        order.purpose as u8,
        order.state as u8,
        order.order_type as u8,
        order.validity as u8,
        order.modifies,
        order.foreign_cancels,
        u8::from(order.is_protective)
            | u8::from(order.is_unwanted) << 1
            | u8::from(order.is_paged) << 2
            | u8::from(order.is_written_off) << 3
            | u8::from(order.exit_asked) << 4,
    ];
    hasher.u64(u64::from_le_bytes(marks));
    for value in [
        order.qty,
        order.filled,
        order.reported_filled,
        order.absorbed,
        order.reserve,
    ] {
        hasher.i64(value.get());
    }
    for price in [order.price, order.trigger, order.stop, order.decision_price] {
        hasher.i64(price.get());
    }
    if let Some(terms) = &order.pending {
        hasher.u64(1 + terms.order_type as u64);
        for value in [terms.qty.get(), terms.price.get(), terms.trigger.get()] {
            hasher.i64(value);
        }
    } else {
        hasher.u64(0);
    }
    hasher.i64(order.turnover.get());
    hasher.i64(order.charges.get());
    for ts in [
        order.placed_ts,
        order.action_ts,
        order.state_ts,
        order.cancel_since,
    ] {
        hasher.i64(ts.get());
    }
    hasher.u64(
        order
            .strategy
            .map_or(u64::MAX, |strategy| u64::from(strategy.get())),
    );
    hasher.u64(order.group.map_or(0, |group| u64::from(group.get())));
    hasher.u64(order.signal.map_or(0, |signal| u64::from(signal.score_ppm)));
    hasher.u64(order.exit_reason.map_or(u64::MAX, |reason| reason as u64));
}

#[cfg(test)]
#[path = "orders_tests.rs"]
mod tests;
