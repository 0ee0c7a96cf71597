//! Reconciliation as the gateway runs it: at start, and whenever the engine asks what is open.
//!
//! Invariants: a question is answered by reads that are all younger than it; events come orders first, then trades,
//! positions and funds, then the end, so that the engine never sees a trade without its order. Left out: which
//! rounds agree (`reconcile`), what the engine does about a difference.

use std::collections::{BTreeMap, BTreeSet};

use bijli_core::command;
use bijli_core::event::{FlatChecked, FundsReported, PositionReported, Reconciled};
use bijli_core::order::BrokerOrderId;
use bijli_core::text::Text;
use bijli_core::{Event, InstrumentId, Money, Price, Qty, TsNs};

use super::{Asked, Gateway};
use crate::contradictions::Contradiction;
use crate::evidence::{BrokerOrder, BrokerTrade, ErrorClass, InstrumentKey, ReadError, Rows};
use crate::orders::{Bound, TRADES_OVERDUE};
use crate::reconcile::{Answer, BrokerFunds, Part, Reconciler, Round};
use crate::request::{Lane, Reply};
use crate::times::Times;
use crate::upstox::funds_api;
use crate::upstox::order_api;

impl Gateway {
    /// Starts reconciliation; ends with [`Event::Reconciled`]. Entries wait until then.
    pub fn start_reconcile(&mut self, now: impl Into<Times>) {
        self.advance(now);
        self.want_rounds();
    }

    /// Rounds of reads are due from now on, and entries wait for them.
    pub(super) fn want_rounds(&mut self) {
        self.entries_wait_for_books = true;
        self.reconciler = Some(Reconciler::new(self.now));
    }

    /// Whether reconciliation is under way.
    #[must_use]
    pub const fn is_reconciling(&self) -> bool {
        self.reconciler.is_some()
    }

    /// Now and then, and when trade rows do not come although their order tells of fills, everything is compared:
    /// a position that changes without an order is seen nowhere else. Entries need not wait for that.
    pub(super) fn begin_due_comparison(&mut self) {
        let Some(compared) = self.compared.filter(|_| self.reconciler.is_none()) else {
            return;
        };
        let since = self.now.since(compared);
        let is_overdue = since >= TRADES_OVERDUE && self.orders.trades_are_overdue(self.now);
        if is_overdue || since >= self.config.compare_every {
            self.reconciler = Some(Reconciler::new(self.now));
        }
    }

    /// The engine asks: rounds under way are begun anew, since they may be older than the question.
    pub(super) fn begin_reconcile(&mut self, ask: &command::Reconcile) {
        if ask.flat {
            self.flat_asked = Some(ask.ts);
        }
        if let Some(flight) = &mut self.in_flight[Lane::Read as usize]
            && matches!(flight.asked, Asked::Reconcile(_))
        {
            flight.asked = Asked::Superseded;
        }
        self.want_rounds();
    }

    pub(super) fn take_reconcile(&mut self, asked: TsNs, part: Part, reply: &Reply) {
        let awaited = self.reconciler.as_ref().map(Reconciler::next_read);
        if !awaited.is_some_and(|(due, wanted)| wanted == part && due <= asked) {
            // The answer to a round that was given up for a younger question.
            return;
        }
        let answer = match part {
            Part::Orders => order_api::orders_of(reply).map(|mut book| {
                self.compare_orders(&book);
                if self.compared.is_some() || !self.intents.unknown().is_empty() {
                    // As good as any other read of the book, and in its place: neither what is unknown nor a day under
                    // way waits for rounds that agree, which take a minute where a completion was taken back.
                    self.take_orders(asked, &book);
                }
                book.complete &= self.is_whole(&book);
                Answer::Orders(book)
            }),
            Part::Trades => order_api::trades_of(reply).map(|trades| {
                self.compare_trades(&trades);
                Answer::Trades(trades)
            }),
            Part::Positions => order_api::positions_of(reply).map(Answer::Positions),
            // A comparison and what the engine asks under way are about positions; at the start, and where a person's word is
            // to be answered, funds must be readable.
            Part::Funds if self.compared.is_some() && self.flat_asked.is_none() => {
                Ok(Answer::Funds(funds_of(reply).unwrap_or(None)))
            }
            Part::Funds => funds_of(reply).map(Answer::Funds),
        };
        let answer = answer.unwrap_or_else(|_| {
            self.counts.reads_failed += 1;
            Answer::Failed
        });
        let now = self.now;
        let agreed = self
            .reconciler
            .as_mut()
            .and_then(|reconciler| reconciler.handle(now, asked, answer, &mut self.doubts));
        if let Some(round) = agreed {
            self.reconciler = None;
            self.compared = Some(self.now);
            self.entries_wait_for_books = false;
            self.believe(&round);
        }
    }

    /// Rows that tell of less than is known are older than that, or the broker took something back: time tells.
    fn compare_orders(&mut self, book: &Rows<BrokerOrder>) {
        let Some(reconciler) = &mut self.reconciler else {
            return;
        };
        for row in &book.rows {
            let known = self.orders.get(&row.order_id).and_then(|order| order.row);
            if known.is_some_and(|known| row.filled < known.filled) {
                reconciler.note_behind(Contradiction::Older {
                    order_id: row.order_id,
                    filled: row.filled,
                });
            }
        }
    }

    fn compare_trades(&mut self, trades: &Rows<BrokerTrade>) {
        let listed: BTreeSet<_> = trades
            .rows
            .iter()
            .map(|trade| (trade.order_id, trade.trade_id))
            .collect();
        let Some(reconciler) = &mut self.reconciler else {
            return;
        };
        for (order_id, trade_id) in self.trades.difference(&listed) {
            reconciler.note_behind(Contradiction::Lost {
                order_id: *order_id,
                trade_id: *trade_id,
            });
        }
    }

    /// Orders, then trades, then positions, then the end: so the engine never sees a trade without its order.
    fn believe(&mut self, round: &Round) {
        let book = Rows {
            rows: round.orders.clone(),
            complete: true,
        };
        self.take_orders(round.asked, &book);
        self.take_trades(&round.trades, Bound::Order);
        for contradiction in round.contradictions() {
            if let Contradiction::Fill { order_id, .. } = contradiction {
                self.orders.accept_missing_trades(&order_id);
            }
        }
        self.orders.accept_long_missing(self.now);
        let net = round.net_positions();
        // Instruments with orders today, or with a position before, are reported even when flat, so that a missing row
        // is heard.
        let dealt_in = self.orders.iter().filter_map(|(_, order)| order.instrument);
        let mut report: BTreeMap<InstrumentId, i64> = dealt_in
            .chain(self.held.iter().copied())
            .map(|id| (id, 0))
            .collect();
        for row in &round.positions {
            if let Some(id) = self.keys.get(&row.key) {
                report.insert(*id, net.get(&row.key).copied().unwrap_or(0));
            }
        }
        self.held
            .extend(report.iter().filter(|(_, qty)| **qty != 0).map(|(id, _)| *id));
        let shown = round.positions.iter();
        let prices: BTreeMap<InstrumentId, Price> = shown
            .filter_map(|row| self.keys.get(&row.key).copied().zip(row.last_price))
            .collect();
        for (instrument, qty) in report {
            self.tell(Event::PositionReported(PositionReported {
                ts: self.stamp,
                instrument,
                qty: Qty::new(qty),
                last_price: prices.get(&instrument).copied().unwrap_or(Price::NONE),
            }));
        }
        if let Some(funds) = round.funds {
            self.tell_funds(funds);
        }
        let is_foreign = |row: &&BrokerOrder| {
            let order = self.orders.get(&row.order_id);
            order.is_none_or(|order| order.intent.is_none())
        };
        let foreign_orders = round.orders.iter().filter(is_foreign).count();
        self.bands.begin(self.now);
        self.tell(Event::Reconciled(Reconciled {
            ts: self.stamp,
            broker_orders: u32::try_from(round.orders.len()).unwrap_or(u32::MAX),
            foreign_orders: u32::try_from(foreign_orders).unwrap_or(u32::MAX),
        }));
        if let Some(asked) = self.flat_asked.take() {
            self.tell_flat(asked, round, &net);
        }
    }

    /// What two agreeing rounds show to be open.
    fn tell_flat(&mut self, asked: TsNs, round: &Round, net: &BTreeMap<InstrumentKey, i64>) {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let unlisted: Vec<&InstrumentKey> = net.keys().filter(|key| !self.keys.contains_key(*key)).collect();
        let is_live = |row: &&BrokerOrder| {
            let order = self.orders.get(&row.order_id);
            order.is_none_or(|order| !order.is_ended())
        };
        let live: Vec<&BrokerOrder> = round.orders.iter().filter(is_live).collect();
        let ours = |row: &&&BrokerOrder| {
            let order = self.orders.get(&row.order_id);
            order.is_some_and(|order| order.intent.is_some())
        };
        let live_orders = live.iter().filter(ours).count();
        let checked = FlatChecked {
            ts: self.stamp,
            asked,
            open_positions: count(net.len() - unlisted.len()),
            unlisted_positions: count(unlisted.len()),
            unlisted_key: unlisted.first().map_or(Text::EMPTY, |key| **key),
            live_orders: count(live_orders),
            foreign_orders: count(live.len() - live_orders),
        };
        self.tell(Event::FlatChecked(checked));
    }

    pub(super) fn take_funds(&mut self, reply: &Reply) {
        match funds_of(reply) {
            Ok(Some(funds)) => self.tell_funds(funds),
            Ok(None) => {}
            Err(_) => self.counts.reads_failed += 1,
        }
    }

    fn tell_funds(&mut self, funds: BrokerFunds) {
        self.tell(Event::FundsReported(FundsReported {
            ts: self.stamp,
            available: funds.available,
            used: funds.used,
        }));
    }

    /// A book that lacks an order of today whose id the broker once gave is stale or cut: nothing may be read from it.
    fn is_whole(&self, book: &Rows<BrokerOrder>) -> bool {
        let listed: BTreeSet<BrokerOrderId> = book.rows.iter().map(|row| row.order_id).collect();
        self.orders.iter().all(|(id, _)| listed.contains(id))
    }
}

/// Funds, or `None` while the broker's service for them is shut for the night: then they are read later.
fn funds_of(reply: &Reply) -> Result<Option<BrokerFunds>, ReadError> {
    match funds_api::funds_v3_of(reply) {
        Ok(funds) => {
            let cash = funds.available_to_trade.cash_available_to_trade;
            let used = cash.and_then(|cash| cash.margin_used).and_then(|used| used.total);
            Ok(Some(BrokerFunds {
                available: funds.available_to_trade.total,
                used: used.unwrap_or(Money::ZERO),
            }))
        }
        Err(error) if error.class() == Some(ErrorClass::ServiceClosed) => Ok(None),
        Err(error) => Err(error),
    }
}
