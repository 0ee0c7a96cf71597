//! The orders of the day: what was asked for, what the broker says, and which trades were applied.
//!
//! Orders are only ever added; an index is kept of those that may still be live, since these count in every
//! limit. Trades are applied once, by order and trade id.

use crate::command::Place;
use crate::group::GroupId;
use crate::instrument::InstrumentId;
use crate::limits::{ORDERS_KEPT_FOR_EXITS, ORDERS_LIVE_MAX, ORDERS_PER_DAY_MAX, POSITIONS_MAX};
use crate::order::{BrokerOrderId, IntentId, OrderState, Purpose, Side, TradeId};
use crate::price::{Money, Price};
use crate::quantity::Qty;
use crate::state_hash::StateHasher;
use crate::strategy::{ExitReason, Signal, StrategyId};
use crate::time::TsNs;

/// One order and all that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Our intent; `None` for an order that somebody else placed on the account.
    pub intent: Option<IntentId>,
    /// The broker's id; empty until known.
    pub order_id: BrokerOrderId,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Entry or exit.
    pub purpose: Purpose,
    /// Where it stands.
    pub state: OrderState,
    /// Total quantity; while a modify is under way the larger of old and new.
    pub qty: Qty,
    /// Filled so far, by trade rows.
    pub filled: Qty,
    /// Filled so far, by the broker's order rows; trades may lag behind.
    pub reported_filled: Qty,
    /// Limit price last asked for.
    pub price: Price,
    /// Turnover of the applied trades.
    pub turnover: Money,
    /// Charges of the applied trades.
    pub charges: Money,
    /// Touch price at the decision: what slippage is measured against.
    pub decision_price: Price,
    /// Engine time of the decision.
    pub placed_ts: TsNs,
    /// Engine time of our last action on it: placement, modify or cancel.
    pub action_ts: TsNs,
    /// Engine time of the last change of state.
    pub state_ts: TsNs,
    /// Cancels asked for, of an order that somebody else placed; always 0 for our own.
    pub foreign_cancels: u8,
    /// The strategy that it is counted under; `None` for an order that somebody else placed.
    pub strategy: Option<StrategyId>,
    /// The group whose leg it enters.
    pub group: Option<GroupId>,
    /// The signal behind an entry.
    pub signal: Option<Signal>,
    /// The reason behind an exit.
    pub exit_reason: Option<ExitReason>,
}

impl Order {
    /// What may still be filled, or was filled by the order's row without its trades having come.
    #[must_use]
    pub fn open_qty(&self) -> Qty {
        let bound = if self.state.may_be_live() {
            self.qty
        } else {
            self.reported_filled
        };
        Qty::new((bound.get() - self.filled.get()).max(0))
    }

    /// Average price of the applied trades; [`Price::NONE`] without any.
    #[must_use]
    pub fn average_price(&self) -> Price {
        if self.filled.is_zero() {
            Price::NONE
        } else {
            Price::new(self.turnover.get() / self.filled.get())
        }
    }
}

/// All orders of the day.
#[derive(Debug)]
pub struct OrderBook {
    orders: Vec<Order>,
    /// Indices into `orders` of those that may be live or whose trades have not all come, oldest first.
    live: Vec<u32>,
    /// Which trades were applied: index of the order and the exchange's id.
    trades: Vec<(u32, TradeId)>,
}

impl Default for OrderBook {
    fn default() -> Self {
        Self {
            orders: Vec::with_capacity(ORDERS_PER_DAY_MAX),
            live: Vec::with_capacity(ORDERS_LIVE_MAX),
            trades: Vec::with_capacity(ORDERS_PER_DAY_MAX),
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
    /// resting order of somebody else is theirs to end; where it stands before an exit, the position tells.
    #[must_use]
    pub fn unfinished_count(&self) -> usize {
        let unfinished = |order: &Order| order.intent.is_some() || order.state.is_final();
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

    /// Whether an entry fits with room to spare for the exits that it may need.
    #[must_use]
    pub fn has_room_for_entries(&self) -> bool {
        self.orders.len() + ORDERS_KEPT_FOR_EXITS < ORDERS_PER_DAY_MAX
            && self.live.len() + POSITIONS_MAX < ORDERS_LIVE_MAX
    }

    /// Finds an order by intent or, without one, by the broker's id. Live orders are looked at first.
    #[must_use]
    pub fn find(&self, intent: Option<IntentId>, order_id: &BrokerOrderId) -> Option<usize> {
        let matches = |order: &Order| match intent {
            Some(_) => order.intent == intent,
            None => order.intent.is_none() && order.order_id == *order_id,
        };
        self.live()
            .find(|(_, order)| matches(order))
            .map(|(index, _)| index)
            .or_else(|| self.orders.iter().rposition(matches))
    }

    /// Adds an order; gives its index.
    pub(crate) fn add(&mut self, order: Order) -> usize {
        let index = self.orders.len();
        self.orders.push(order);
        if order.state.may_be_live() {
            self.live
                .push(u32::try_from(index).expect("the day's orders are bounded"));
        }
        index
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
        self.settle(index);
        true
    }

    /// Drops an order from the live list once it is final and its trades are all in.
    pub(crate) fn settle(&mut self, index: usize) {
        let order = &self.orders[index];
        if order.state.is_final() && order.filled >= order.reported_filled {
            self.live.retain(|live| *live as usize != index);
        }
    }

    /// Remembers a trade; false if it was applied before.
    pub(crate) fn is_new_trade(&mut self, index: usize, trade_id: &TradeId) -> bool {
        let key = (
            u32::try_from(index).expect("the day's orders are bounded"),
            *trade_id,
        );
        if self.trades.iter().rev().any(|seen| *seen == key) {
            return false;
        }
        self.trades.push(key);
        true
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
        hasher.u64(self.trades.len() as u64);
        for (index, trade_id) in &self.trades {
            hasher.u64(u64::from(*index));
            hasher.bytes(trade_id.padded());
        }
    }
}

/// The order that a placement becomes, before anything is heard of it.
pub(crate) fn submitted(place: &Place, decision_price: Price) -> Order {
    Order {
        intent: Some(place.intent),
        order_id: BrokerOrderId::EMPTY,
        instrument: place.instrument,
        side: place.side,
        purpose: place.purpose,
        state: OrderState::Submitted,
        qty: place.qty,
        filled: Qty::ZERO,
        reported_filled: Qty::ZERO,
        price: place.price,
        turnover: Money::ZERO,
        charges: Money::ZERO,
        decision_price,
        placed_ts: place.ts,
        action_ts: place.ts,
        state_ts: place.ts,
        foreign_cancels: 0,
        strategy: None,
        group: None,
        signal: None,
        exit_reason: None,
    }
}

fn hash_order(order: &Order, hasher: &mut StateHasher) {
    hasher.u64(order.intent.map_or(0, IntentId::get));
    hasher.bytes(order.order_id.padded());
    hasher.u64(u64::from(order.instrument.get()));
    hasher.u64(order.side as u64);
    // One word, so that a day without cancels of others' orders hashes as it always did.
    hasher.u64(order.purpose as u64 | u64::from(order.foreign_cancels) << 8);
    hasher.u64(order.state as u64);
    for value in [order.qty, order.filled, order.reported_filled] {
        hasher.i64(value.get());
    }
    hasher.i64(order.price.get());
    hasher.i64(order.turnover.get());
    hasher.i64(order.charges.get());
    hasher.i64(order.decision_price.get());
    for ts in [order.placed_ts, order.action_ts, order.state_ts] {
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
