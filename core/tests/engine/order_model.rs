//! A second, slower account of what an order is, kept from the events and commands of a day alone.
//!
//! It knows no table of transitions and no incremental sums: states stand in ranks, quantities are added up from the
//! trades each time, changes under way are a list. The rules are those of `core/DESIGN.md` and of the order's own
//! documentation. Left out: why the engine asks for something; here only whether it may.

mod positions;

use std::collections::BTreeMap;

use bijli_core::command::{Cancel, CancelForeign, Command, Modify, Place};
use bijli_core::event::{IntentResolved, OrderUpdated, Submission, Traded};
use bijli_core::order::{BrokerOrderId, IntentId, OrderState, OrderType, Purpose, Side, TradeId};
use bijli_core::orders::{OrderBook, Terms};
use bijli_core::{DurationNs, InstrumentId, Price, Qty, TsNs};

use crate::order_ranks::{is_news, rank, state_told};

/// How long after our last action a row with other terms may be older than it.
const ECHO: DurationNs = DurationNs::from_secs(2);
/// How long a change may be under way before the order may be cancelled.
const PATIENCE: DurationNs = DurationNs::from_secs(5);

/// One order as the evidence tells it.
#[derive(Clone, Debug)]
pub(crate) struct Modelled {
    pub(crate) intent: Option<IntentId>,
    pub(crate) order_id: BrokerOrderId,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) state: OrderState,
    pub(crate) terms: Terms,
    /// Changes asked for of which no end is known, oldest first.
    pub(crate) asked: Vec<Terms>,
    /// The largest quantity of a row that was not believed, since it may be older than a change.
    feared: i64,
    pub(crate) trades: BTreeMap<TradeId, i64>,
    /// Filled by the broker's rows.
    pub(crate) told: i64,
    /// Of this, in our position because the broker's showed it, its trades still to come.
    absorbed: i64,
    changes: u32,
    acted: TsNs,
    /// When its state changed last.
    pub(crate) moved: TsNs,
    unwanted: bool,
    written_off: bool,
}

/// What the engine's book shows of an order, and what this account says it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    order_id: BrokerOrderId,
    state: OrderState,
    terms: Terms,
    pending: Option<Terms>,
    filled: i64,
    told: i64,
    open: i64,
    /// The most that it can ever fill.
    at_most: i64,
    changes: u32,
    unwanted: bool,
    written_off: bool,
    /// Whether it is on the list of those that count in every limit.
    counts: bool,
}

/// The whole account.
#[derive(Clone, Debug, Default)]
pub(crate) struct OrderModel {
    pub(crate) orders: Vec<Modelled>,
    pub(crate) contradictions: u64,
    pub(crate) stale: u64,
    pub(crate) late_fills: u64,
    /// What is wrong with a command of the engine.
    pub(crate) objections: Vec<String>,
}

impl Modelled {
    fn of(place: &Place) -> Self {
        Self {
            intent: Some(place.intent),
            order_id: BrokerOrderId::EMPTY,
            instrument: place.instrument,
            side: place.side,
            state: OrderState::Submitted,
            terms: Terms {
                order_type: place.order_type,
                qty: place.qty,
                price: place.price,
                trigger: place.trigger,
            },
            asked: Vec::new(),
            feared: 0,
            trades: BTreeMap::new(),
            told: 0,
            absorbed: 0,
            changes: 0,
            acted: place.ts,
            moved: place.ts,
            unwanted: false,
            written_off: false,
        }
    }

    pub(crate) fn filled(&self) -> i64 {
        self.trades.values().sum()
    }

    fn is_over(&self) -> bool {
        use OrderState as S;
        rank(self.state) == 3 || matches!(self.state, S::NotSent | S::Refused)
    }

    /// The most that it can ever fill.
    pub(crate) fn at_most(&self) -> i64 {
        let asked = self.asked.iter().map(|terms| terms.qty.get());
        asked
            .chain([self.terms.qty.get(), self.feared])
            .max()
            .expect("its own quantity")
    }

    /// What may still come.
    pub(crate) fn open(&self) -> i64 {
        let bound = if self.is_over() { self.told } else { self.at_most() };
        (bound - self.filled() - self.absorbed).max(0)
    }

    /// Told as filled, and neither traded nor seen in a position.
    pub(crate) fn missing(&self) -> i64 {
        (self.told - self.filled() - self.absorbed).max(0)
    }

    fn counts(&self) -> bool {
        !self.is_over() || self.missing() > 0
    }

    fn moves(&mut self, next: OrderState) {
        self.state = next;
        if self.is_over() {
            self.asked.clear();
            self.feared = 0;
        }
    }

    fn shown(&self) -> Shown {
        Shown {
            order_id: self.order_id,
            state: self.state,
            terms: self.terms,
            pending: self.asked.last().copied(),
            filled: self.filled(),
            told: self.told,
            open: self.open(),
            at_most: self.at_most(),
            changes: self.changes,
            unwanted: self.unwanted,
            written_off: self.written_off,
            counts: self.counts(),
        }
    }

    /// The terms that a working order is shown with.
    fn shows(&mut self, row: &OrderUpdated) {
        // A row is younger than the changes that had ended when it was asked for, and than no other.
        let under_way = self.changes.saturating_sub(u32::from(row.modifies_ended));
        let is_old_news = under_way > 0 || row.ts.since(self.acted) < ECHO;
        let price = if row.price.is_set() {
            row.price
        } else {
            self.terms.price
        };
        if let Some(asked) = self.asked.last().copied()
            && asked.qty == row.qty
            && (asked.price == price || asked.order_type == OrderType::Market)
        {
            let grows = asked.qty > self.terms.qty;
            let moves = asked.qty == self.terms.qty && asked.price != self.terms.price;
            if under_way == 0 || (under_way == 1 && (grows || moves)) {
                self.terms = asked;
                self.asked.clear();
                self.feared = 0;
            }
            return;
        }
        if self.changes > 0 && is_old_news {
            self.feared = self.feared.max(row.qty.get());
            return;
        }
        self.asked.clear();
        self.feared = 0;
        // Nobody here asked for it: it is what it is.
        self.terms.qty = row.qty.max(Qty::new(self.filled()));
        if self.terms.order_type != OrderType::Market {
            self.terms.price = price;
        }
    }
}

impl OrderModel {
    fn find(&mut self, intent: Option<IntentId>, order_id: &BrokerOrderId) -> Option<usize> {
        self.orders.iter().position(|order| match intent {
            Some(_) => order.intent == intent,
            None => order.intent.is_none() && order.order_id == *order_id,
        })
    }

    /// Net position by the trades, and by what the broker's position showed before its trades came.
    pub(crate) fn position(&self, instrument: InstrumentId) -> i64 {
        let here = self.orders.iter().filter(|order| order.instrument == instrument);
        here.map(|order| order.side.sign() * (order.filled() + order.absorbed))
            .sum()
    }

    pub(crate) fn replied(&mut self, reply: &IntentResolved) {
        use OrderState as S;
        let Some(index) = self.find(Some(reply.intent), &reply.order_id) else {
            self.contradictions += 1;
            return;
        };
        let order = &mut self.orders[index];
        if reply.submission == Submission::Acked {
            order.order_id = reply.order_id;
        }
        let next = match (order.state, reply.submission) {
            (S::Submitted | S::Unknown, Submission::Acked) => S::Accepted,
            (S::Submitted, Submission::Refused) => S::Refused,
            (S::Submitted, Submission::NotSent) => S::NotSent,
            (S::Submitted | S::Unknown, Submission::Unknown) => S::Unknown,
            (S::Unknown, Submission::PresumedAbsent) => S::PresumedAbsent,
            (S::Submitted | S::Unknown, _) => {
                self.stale += 1;
                return;
            }
            // The broker's own row was faster.
            _ => return,
        };
        order.moves(next);
    }

    pub(crate) fn row(&mut self, row: &OrderUpdated) {
        use OrderState as S;
        let index = match self.find(row.intent, &row.order_id) {
            Some(index) => index,
            None => self.meet(row),
        };
        let order = &mut self.orders[index];
        if (order.instrument, order.side) != (row.instrument, row.side) {
            self.contradictions += 1;
            return;
        }
        order.order_id = row.order_id;
        let (told, filled) = (row.filled.get(), order.filled());
        let next = state_told(row.status);
        let is_end = matches!(next, Some(S::Cancelled | S::Rejected));
        let had_its_end = matches!(order.state, S::Filled | S::Rejected);
        let takes_back = is_end && had_its_end && (filled..order.told).contains(&told);
        order.told = if takes_back { told } else { told.max(order.told) };
        let Some(next) = next else {
            self.stale += 1;
            return;
        };
        if rank(next) < 3 || told > 0 {
            match order.state {
                S::PresumedAbsent => (order.unwanted, order.written_off) = (true, false),
                S::Refused | S::NotSent => {
                    order.unwanted = true;
                    self.contradictions += 1;
                }
                _ => {}
            }
        }
        let is_withdrawal = order.state != S::Filled || next == S::Filled || takes_back;
        if !is_news(order.state, next) || !is_withdrawal {
            self.stale += 1;
            return;
        }
        if matches!(next, S::Open | S::TriggerPending) {
            order.shows(row);
        }
        if rank(next) == 3 {
            // However it ended, it was of so much.
            order.terms.qty = order.terms.qty.max(row.qty);
        }
        order.moves(next);
    }

    /// A row of an order that is not known: taken in as it is, before the row is looked at.
    fn meet(&mut self, row: &OrderUpdated) -> usize {
        self.orders.push(Modelled {
            intent: row.intent,
            order_id: row.order_id,
            instrument: row.instrument,
            side: row.side,
            state: OrderState::Unknown,
            terms: Terms {
                order_type: OrderType::Limit,
                qty: row.qty,
                price: row.price,
                trigger: Price::NONE,
            },
            asked: Vec::new(),
            feared: 0,
            trades: BTreeMap::new(),
            told: row.filled.get(),
            absorbed: 0,
            changes: 0,
            acted: row.ts,
            moved: row.ts,
            unwanted: false,
            written_off: false,
        });
        self.orders.len() - 1
    }

    pub(crate) fn traded(&mut self, trade: &Traded) {
        use OrderState as S;
        let Some(index) = self.find(trade.intent, &trade.order_id) else {
            self.contradictions += 1;
            return;
        };
        let order = &mut self.orders[index];
        let is_other = (order.instrument, order.side) != (trade.instrument, trade.side);
        if is_other || trade.qty.get() <= 0 {
            self.contradictions += 1;
            return;
        }
        if order.trades.contains_key(&trade.trade_id) {
            self.stale += 1;
            return;
        }
        let before = order.filled();
        if before + trade.qty.get() > order.at_most() {
            self.contradictions += 1;
            return;
        }
        let is_late = order.is_over() && before >= order.told;
        let was_cancelled = order.state == S::Cancelled;
        order.trades.insert(trade.trade_id, trade.qty.get());
        order.absorbed -= order.absorbed.min(trade.qty.get());
        let denied = matches!(order.state, S::Refused | S::NotSent | S::Rejected);
        if order.filled() >= order.at_most() && !denied {
            order.moves(S::Filled);
        }
        if is_late {
            self.late_fills += 1;
            self.contradictions += u64::from(!was_cancelled);
        }
    }

    /// The process died and another took over.
    pub(crate) fn restarted(&mut self) {
        for order in &mut self.orders {
            if order.state == OrderState::Submitted {
                order.moves(OrderState::Unknown);
            }
        }
    }

    /// Takes the engine's commands in, and notes which of them it must not give.
    pub(crate) fn obeyed(&mut self, commands: &[Command]) {
        for command in commands {
            match command {
                Command::Place(place) => self.place(place),
                Command::Modify(modify) => self.modify(modify),
                Command::Cancel(Cancel { ts, intent, order_id }) => {
                    self.cancel(*ts, Some(*intent), order_id);
                }
                Command::CancelForeign(CancelForeign { ts, order_id, .. }) => {
                    self.cancel(*ts, None, order_id)
                }
                Command::Reconcile(_) | Command::DropEntries(_) => {}
            }
        }
    }

    fn object(&mut self, holds: bool, words: &str, order: &dyn std::fmt::Debug) {
        if !holds {
            self.objections.push(format!("{words}: {order:?}"));
        }
    }

    fn place(&mut self, place: &Place) {
        let position = self.position(place.instrument);
        let here = |order: &&Modelled| order.instrument == place.instrument;
        let is_free = !self.orders.iter().filter(here).any(Modelled::counts);
        let against: i64 = self
            .orders
            .iter()
            .filter(here)
            .filter(|order| order.side == place.side && !order.written_off)
            .map(Modelled::open)
            .sum();
        let is_known = self.find(Some(place.intent), &BrokerOrderId::EMPTY).is_some();
        self.object(!is_known, "an intent is placed once", place);
        match place.purpose {
            Purpose::Entry => self.object(is_free && position == 0, "an entry beside other risk", place),
            Purpose::Exit => {
                let fits = position * place.side.sign() < 0 && against + place.qty.get() <= position.abs();
                self.object(fits, "exits beyond the position", place);
            }
        }
        self.orders.push(Modelled::of(place));
    }

    fn modify(&mut self, modify: &Modify) {
        let Some(index) = self.find(Some(modify.intent), &modify.order_id) else {
            self.objections.push(format!("a change of nothing: {modify:?}"));
            return;
        };
        let order = &mut self.orders[index];
        let fits = rank(order.state) == 2
            && order.state != OrderState::PendingCancel
            && order.order_id == modify.order_id
            && modify.qty.get() >= order.filled();
        order.asked.push(Terms {
            order_type: modify.order_type,
            qty: modify.qty,
            price: modify.price,
            trigger: modify.trigger,
        });
        order.changes += 1;
        order.acted = modify.ts;
        order.moves(OrderState::PendingModify);
        self.object(fits, "a change of an order that does not work", modify);
    }

    fn cancel(&mut self, ts: TsNs, intent: Option<IntentId>, order_id: &BrokerOrderId) {
        use OrderState as S;
        let Some(index) = self.find(intent, order_id) else {
            self.objections.push(format!("a cancel of nothing: {order_id:?}"));
            return;
        };
        let order = &mut self.orders[index];
        let is_due = match order.state {
            S::Accepted | S::Open | S::TriggerPending => true,
            S::PendingModify => ts.since(order.acted) >= PATIENCE,
            _ => false,
        };
        let fits = is_due && order.order_id == *order_id && !order_id.is_empty();
        order.acted = ts;
        order.moves(S::PendingCancel);
        self.object(fits, "a cancel that is not due", &(intent, order_id));
    }

    /// What the engine's book should show, order by order.
    pub(crate) fn expected(&self) -> Vec<Shown> {
        self.orders.iter().map(Modelled::shown).collect()
    }
}

/// What the engine's book shows, order by order.
pub(crate) fn shown_by(book: &OrderBook) -> Vec<Shown> {
    let counts = |index| book.live().any(|(live, _)| live == index);
    let rows = book.all().iter().enumerate();
    rows.map(|(index, order)| Shown {
        order_id: order.order_id,
        state: order.state,
        terms: order.terms(),
        pending: order.pending,
        filled: order.filled.get(),
        told: order.reported_filled.get(),
        open: order.open_qty().get(),
        at_most: order.qty_max().get(),
        changes: u32::from(order.modifies),
        unwanted: order.is_unwanted,
        written_off: order.is_written_off,
        counts: counts(index),
    })
    .collect()
}
