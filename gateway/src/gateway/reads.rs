//! Reads and the order stream: what is asked next, and how rows become events.
//!
//! Invariants and sources: those of the parent module.

use std::collections::{BTreeMap, BTreeSet};

use bijli_core::event::{OrderUpdated, Submission, Traded};
use bijli_core::order::{BrokerOrderId, BrokerStatus, IntentId};
use bijli_core::planted::{Bug, planted};
use bijli_core::text::Text;
use bijli_core::{DurationNs, Event, Price, Qty, TsNs};

use super::{Asked, Gateway};
use crate::budget::Risk;
use crate::evidence::{BrokerOrder, BrokerTrade, ErrorClass, Rows};
use crate::intent::Stage;
use crate::orders::{Added, Applied, Bound, Order, Source, rank};
use crate::reconcile::Part;
use crate::request::{Lane, Reply, Request};
use crate::twin_trades::{Told, choose};
use crate::upstox::funds_api;
use crate::upstox::order_api;
use crate::upstox::order_stream::{self, StreamUpdate};

/// Pause between two reads of funds.
const FUNDS_PERIOD: DurationNs = DurationNs::from_secs(60);

impl Gateway {
    /// The next read, when it is due, and how urgent.
    pub(super) fn next_read(&self) -> (TsNs, Asked, Risk) {
        let (due, asked, usual) = self.most_wanted_read();
        let risk = if self.money_waits() { Risk::Lowers } else { usual };
        (due.max(self.read_free_at(asked)), asked, risk)
    }

    /// Reconciliation comes first, then trades, inquiries, and the book; between two rounds there is time for those.
    fn most_wanted_read(&self) -> (TsNs, Asked, Risk) {
        let round = self.reconciler.as_ref().map(|reconciler| {
            let (due, part) = reconciler.next_read();
            (due, Asked::Reconcile(part), Risk::Lowers)
        });
        let trades = self.orders.next_trades();
        let lookup = self.intents.next_lookup();
        let candidates = [
            round,
            trades.map(|(due, id)| (due, Asked::TradesOf(id), Risk::Lowers)),
            lookup.map(|(due, id)| (due, Asked::HistoryOf(id), Risk::Raises)),
            Some((self.book_due(), Asked::Book, Risk::Raises)),
            self.funds_due.map(|due| (due, Asked::Funds, Risk::Raises)),
            self.bands
                .next_read()
                .filter(|_| !self.money_waits())
                .map(|(due, page)| (due, Asked::Bands(page), Risk::Raises)),
        ];
        // The first that is due wins; with none due, the earliest.
        let due = candidates.iter().flatten().find(|read| read.0 <= self.now);
        let earliest = candidates.iter().flatten().min_by_key(|read| read.0);
        *due.or(earliest).expect("the book is always among the candidates")
    }

    /// Lost frames of the stream are repaired by reading the book, the more often the more depends on it.
    fn book_due(&self) -> TsNs {
        let live = self.orders.any_live() || !self.intents.unknown().is_empty() || self.is_token_doubted();
        let pause = if live {
            self.config.poll_live
        } else {
            self.config.poll_idle
        };
        let regular = self.last_book.plus(pause);
        self.book_wanted.map_or(regular, |wanted| wanted.min(regular))
    }

    pub(super) fn next_read_request(&mut self) -> Option<Request> {
        if !self.is_free(Lane::Read) || self.token_dead() {
            return None;
        }
        let (due, asked, risk) = self.next_read();
        if due > self.now || !self.read_budget.take(self.now, risk) {
            return None;
        }
        self.readout.reads += 1;
        let call = match asked {
            Asked::Book | Asked::Reconcile(Part::Orders) => {
                self.last_book = self.now;
                self.book_wanted = None;
                order_api::order_book()
            }
            Asked::HistoryOf(intent) => {
                self.intents.note_lookup(self.now, intent);
                order_api::history_of_tag(intent)
            }
            Asked::TradesOf(order_id) => {
                self.orders.note_trades_read(self.now, &order_id);
                order_api::trades_of_order(&order_id)
            }
            Asked::Reconcile(Part::Trades) => order_api::trades_of_day(),
            Asked::Reconcile(Part::Positions) => order_api::positions(),
            Asked::Reconcile(Part::Funds) | Asked::Funds => {
                self.funds_due = Some(self.now.plus(FUNDS_PERIOD));
                funds_api::funds_v3()
            }
            Asked::Bands(page) => {
                self.bands.begin_read(self.now, page);
                self.bands.call(page)
            }
            Asked::Place(_) | Asked::Change(_) | Asked::Superseded => {
                unreachable!("neither writes nor what was asked before are read from here")
            }
        };
        Some(self.dispatch(Lane::Read, asked, call))
    }

    pub(super) fn take_stream_frame(&mut self, frame: &[u8]) {
        match order_stream::read(frame) {
            StreamUpdate::Order(row) => {
                self.note_stream_told(&row.order_id);
                self.take_order(&row, Source::Stream);
            }
            StreamUpdate::Other => self.counts.stream_other += 1,
            StreamUpdate::Malformed => {
                // It may have been about an order.
                self.counts.stream_malformed += 1;
                self.want_book();
            }
        }
    }

    /// Takes an order row in, whoever brought it, and tells the engine what is new.
    fn take_order(&mut self, row: &BrokerOrder, source: Source) {
        if source == Source::Stream && self.may_be_ours_untagged(row) {
            // Its owner is not named: the book, which carries tags, will say.
            self.want_book();
            return;
        }
        let instrument = self.keys.get(&row.key).copied();
        let known = self.orders.get(&row.order_id);
        let (known_intent, before) = known.map_or((None, None), |order| (order.intent, order.row));
        let intent = known_intent
            .or(row.intent)
            .filter(|intent| self.claim(*intent, row));
        let applied = self.orders.apply(self.now, row, (intent, instrument), source);
        if source != Source::Stream {
            self.expect_of_stream(&row.order_id, before);
        }
        match applied {
            // The exchange may have refused its price: perhaps the band has moved.
            Applied::Changed if row.status == BrokerStatus::Rejected => self.bands.want(instrument),
            Applied::Changed => {}
            Applied::Repeated => self.counts.rows_repeated += 1,
            Applied::Stale => self.counts.rows_stale += 1,
            Applied::Contradicted => self.counts.contradictions += 1,
        }
        let asked_again = match source {
            Source::Read(asked) => self.orders.settle_change(self.now, &row.order_id, asked),
            Source::Stream => false,
        };
        if matches!(applied, Applied::Changed | Applied::Contradicted) || asked_again {
            self.tell_order(&row.order_id);
        }
    }

    /// Whether a row without a tag may be about a placement whose reply has not come.
    fn may_be_ours_untagged(&self, row: &BrokerOrder) -> bool {
        let placing = self
            .in_flight
            .iter()
            .flatten()
            .any(|flight| matches!(flight.asked, Asked::Place(_)));
        row.intent.is_none()
            && self.orders.get(&row.order_id).is_none()
            && (placing || !self.intents.unknown().is_empty())
    }

    /// Whether the order belongs to this intent; finding it ends every doubt about the intent.
    fn claim(&mut self, intent: IntentId, row: &BrokerOrder) -> bool {
        let Some(known) = self.intents.get(intent).copied() else {
            self.intents.remember(self.now, intent, Some(row.order_id));
            return true;
        };
        let is_new = self.orders.get(&row.order_id).is_none();
        if known.order_id.is_some_and(|id| id != row.order_id) {
            self.counts.duplicate_tags += u64::from(is_new);
            return false;
        }
        match known.stage {
            Stage::InFlight | Stage::Resolved(Submission::Unknown | Submission::PresumedAbsent) => {
                self.acknowledge(intent, row.order_id);
            }
            Stage::Resolved(Submission::Acked) => {}
            Stage::Queued | Stage::Resolved(Submission::Refused | Submission::NotSent) => {
                // It cannot exist, yet it does.
                self.counts.contradictions += u64::from(is_new);
            }
        }
        self.intents.identify(intent, row.order_id)
    }

    fn tell_order(&mut self, id: &BrokerOrderId) {
        let order = *self.orders.get(id).expect("a row was just applied");
        let (Some(row), Some(instrument)) = (order.row, order.instrument) else {
            self.counts.orders_unlisted += 1;
            return;
        };
        self.tell(Event::OrderUpdated(OrderUpdated {
            ts: self.stamp,
            intent: order.intent,
            order_id: *id,
            instrument,
            side: row.side,
            status: row.status,
            qty: row.qty,
            filled: row.filled,
            price: row.price,
            trigger: row.trigger,
            average_price: row.average_price,
            modifies_ended: order.modifies().saturating_sub(self.modifies_under_way(id)),
        }));
    }

    pub(super) fn take_book(&mut self, asked: TsNs, reply: &Reply) {
        match order_api::orders_of(reply) {
            Ok(book) => self.take_orders(asked, &book),
            Err(_) => self.counts.reads_failed += 1,
        }
    }

    pub(super) fn take_orders(&mut self, asked: TsNs, book: &Rows<BrokerOrder>) {
        for row in &book.rows {
            self.take_order(row, Source::Read(asked));
        }
        self.weigh_absence(asked, book);
    }

    /// A book counts against an unknown intent only if it is complete and holds every order known to exist; with
    /// none known, only if it is empty. While the order stream is down, silence proves nothing.
    fn weigh_absence(&mut self, asked: TsNs, book: &Rows<BrokerOrder>) {
        if planted(Bug::TrustEmptyBook) && book.rows.is_empty() {
            for intent in self.intents.unknown().to_vec() {
                let submission = Submission::PresumedAbsent;
                self.resolve(intent, submission, BrokerOrderId::EMPTY, Text::EMPTY);
            }
        }
        if self.intents.unknown().is_empty() || !book.complete || !self.stream_connected {
            return;
        }
        let listed: BTreeSet<BrokerOrderId> = book.rows.iter().map(|row| row.order_id).collect();
        let is_missing = |(id, order): (&BrokerOrderId, &Order)| order.row.is_some() && !listed.contains(id);
        if self.orders.iter().any(is_missing) {
            return;
        }
        for intent in self.intents.unknown().to_vec() {
            if self.intents.note_absent(asked, intent) {
                self.counts.presumed_absent += 1;
                let submission = Submission::PresumedAbsent;
                self.resolve(intent, submission, BrokerOrderId::EMPTY, Text::EMPTY);
            }
        }
    }

    pub(super) fn take_history(&mut self, asked: TsNs, intent: IntentId, reply: &Reply) {
        let history = match order_api::orders_of(reply) {
            Ok(history) => history,
            // "No such order" is an answer, though no proof.
            Err(error) if error.class() == Some(ErrorClass::NotFound) => return,
            Err(_) => {
                self.counts.reads_failed += 1;
                return;
            }
        };
        // A history has one row per state; only the farthest of each order is news. Rows under another tag are
        // an answer to another question.
        let mut newest: BTreeMap<BrokerOrderId, &BrokerOrder> = BTreeMap::new();
        let progress = |row: &BrokerOrder| (rank(row.status), row.filled, row.stamp);
        for row in history.rows.iter().filter(|row| row.intent == Some(intent)) {
            let best = newest.entry(row.order_id).or_insert(row);
            if progress(row) >= progress(best) {
                *best = row;
            }
        }
        for row in newest.values() {
            self.take_order(row, Source::Read(asked));
        }
    }

    pub(super) fn take_trades_reply(&mut self, reply: &Reply) {
        match order_api::trades_of(reply) {
            Ok(trades) => self.take_trades(&trades.rows, Bound::Row),
            Err(_) => self.counts.reads_failed += 1,
        }
    }

    /// Takes trade rows in, each once: dedupe, sum and event happen together or not at all.
    pub(super) fn take_trades(&mut self, trades: &[BrokerTrade], bound: Bound) {
        let mut by_order: BTreeMap<BrokerOrderId, Vec<&BrokerTrade>> = BTreeMap::new();
        for trade in trades {
            by_order.entry(trade.order_id).or_default().push(trade);
        }
        for (id, rows) in by_order {
            let Some(order) = self.orders.get(&id).copied() else {
                // A trade before any row of its order: the book brings the order, the next read the trade.
                self.want_book();
                continue;
            };
            let told = Told {
                filled: order.row.map_or(Qty::ZERO, |row| row.filled),
                average_price: order.row.map_or(Price::NONE, |row| row.average_price),
                counted: order.traded,
            };
            let is_taken = |row: &BrokerTrade| self.trades.contains(&(id, row.trade_id));
            for trade in choose(&rows, is_taken, told) {
                self.take_trade(trade, &order, bound);
            }
        }
    }

    fn take_trade(&mut self, trade: &BrokerTrade, order: &Order, bound: Bound) {
        let key = (trade.order_id, trade.trade_id);
        if planted(Bug::DedupeBeforeApply) {
            self.trades.insert(key);
        }
        match self.orders.add_trade(&trade.order_id, trade.qty, bound) {
            Added::Taken => {}
            Added::Ahead => {
                // The order's row is older than the trade: the book knows how much is filled.
                self.counts.trades_ahead += 1;
                self.want_book();
                return;
            }
            Added::Overfills => {
                self.counts.overfills += 1;
                return;
            }
        }
        self.trades.insert(key);
        if order.row.is_some_and(|row| row.side != trade.side()) {
            self.counts.contradictions += 1;
        }
        let Some(instrument) = order.instrument else {
            return;
        };
        self.tell(Event::Traded(Traded {
            ts: self.stamp,
            intent: order.intent,
            order_id: trade.order_id,
            trade_id: trade.trade_id,
            instrument,
            side: trade.side(),
            qty: match self.orders.get(&trade.order_id) {
                Some(order) if planted(Bug::CumulativeFill) => order.traded,
                _ => trade.qty,
            },
            price: trade.price,
        }));
    }
}
