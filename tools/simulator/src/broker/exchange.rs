//! The exchange's side: errands arriving, orders matching against the present book, the close.
//!
//! Matching rules and their assumptions are those of `bijli_gateway::paper::fill`.

use bijli_core::{Price, Qty, TsNs};
use bijli_gateway::paper::fill::{Standing, WorkingOrder, match_order};

use super::Broker;
use super::errand::Errand;
use super::faults::Fault;
use super::margin::contract_rejection;
use super::order::{Change, Origin, Product, Status, Trade};

impl Broker {
    /// Sends something to the exchange; without a delay it is there at once.
    pub(super) fn dispatch(&mut self, now: TsNs, order: usize, errand: Errand) {
        let due = now.plus(self.settings.exchange_delay);
        // What is sent after an order that waits arrives after it.
        let held = self.orders[order].fate.held_until;
        self.errands
            .send(held.map_or(due, |until| due.max(until)), order, errand);
        self.advance(now);
    }

    pub(super) fn deliver(&mut self, now: TsNs, order: usize, errand: Errand) {
        if self.orders[order].status.is_final() {
            return;
        }
        match errand {
            Errand::Arrive => self.arrive(now, order),
            Errand::Change(change) => self.change(now, order, &change),
            Errand::Cancel => self.cancel_arrives(now, order),
            Errand::ChangeByHand => self.change_by_hand(now, order),
            Errand::RejectLate => self.reject_late(now, order, "RMS: margin exceeds"),
            Errand::UnmaskPhantom => self.reject_late(now, order, "Exchange: order was not accepted"),
        }
    }

    fn arrive(&mut self, now: TsNs, index: usize) {
        // An order that has waited takes the steps that it has not taken.
        for status in [Status::ValidationPending, Status::OpenPending] {
            if self.orders[index].status < status {
                self.step(now, index, status);
            }
        }
        if let Some(words) = self.exchange_rejection(index) {
            return self.reject_late(now, index, words);
        }
        if self.is_halted(now) {
            return self.reject_late(now, index, "Exchange: trading is halted");
        }
        let qty = self.decide_fate(index);
        let order = &mut self.orders[index];
        let ticket = &order.ticket;
        let instrument = ticket.instrument;
        order.working = Some(WorkingOrder::new(
            ticket.side,
            qty,
            ticket.order_type,
            ticket.validity,
            ticket.price,
            ticket.trigger,
        ));
        // The exchange numbers orders in its own way: sixteen digits.
        order.exchange_id = format!("1{:015}", 100_000 + index);
        order.exchange_ts = Some(now);
        self.listings[instrument as usize].working.push(index);
        self.match_one(now, index);
    }

    fn change(&mut self, now: TsNs, index: usize, change: &Change) {
        let instrument = &self.listing(self.orders[index].ticket.instrument).instrument;
        let words = contract_rejection(instrument, change.qty, change.price, change.trigger).or_else(|| {
            (change.qty <= self.orders[index].filled)
                .then(|| "Exchange: quantity is filled already".to_owned())
        });
        let order = &mut self.orders[index];
        order.fate.cut = None;
        if let Some(words) = words {
            order.message = Some(words);
            self.step(now, index, Status::NotModified);
            self.orders[index].message = None;
        } else {
            let working = order
                .working
                .as_mut()
                .expect("only orders at the exchange are changed");
            let same_kind = working.order_type == change.order_type;
            if same_kind {
                let taken = working.modify(change.qty, change.price);
                assert!(taken, "the quantity is above what is filled");
                working.trigger = change.trigger;
                working.validity = change.validity;
            } else {
                let side = working.side;
                *working = WorkingOrder::new(
                    side,
                    change.qty,
                    change.order_type,
                    change.validity,
                    change.price,
                    change.trigger,
                );
                working.filled = order.filled;
            }
            order.ticket.take(change);
            self.step(now, index, Status::Modified);
        }
        self.match_one(now, index);
    }

    /// Matches every order of an instrument against its book, oldest first.
    pub(super) fn match_all(&mut self, now: TsNs, instrument: u32) {
        for index in self.listings[instrument as usize].working.clone() {
            self.match_one(now, index);
        }
    }

    /// Matches one order and takes the steps that follow: first to where it rests, then its fills, then its end.
    fn match_one(&mut self, now: TsNs, index: usize) {
        if self.dies_at_trigger(now, index) {
            return;
        }
        let order = &mut self.orders[index];
        let listing = &mut self.listings[order.ticket.instrument as usize];
        let working = order
            .working
            .as_mut()
            .expect("only orders at the exchange are matched");
        let mut fills = Vec::new();
        while let Some(fill) = match_order(working, &mut listing.liquidity, listing.instrument.tick) {
            fills.push((fill.qty, fill.price));
        }
        let standing = working.standing();
        let status = order.status;
        let is_changing = matches!(status, Status::CancelPending | Status::ModifyPending);
        let rests_as = match standing {
            _ if is_changing => status,
            Standing::AwaitingTrigger => Status::TriggerPending,
            Standing::Filled | Standing::Resting | Standing::Expired => Status::Open,
        };
        if status != rests_as {
            self.step(now, index, rests_as);
        }
        let filled_some = !fills.is_empty();
        for (qty, price) in fills {
            self.book_fill(now, index, qty, price);
        }
        if self.meets_fate(now, index) {
            return;
        }
        match standing {
            Standing::Filled => {
                match status {
                    Status::CancelPending => self.step(now, index, Status::NotCancelled),
                    Status::ModifyPending => self.step(now, index, Status::NotModified),
                    _ => {}
                }
                self.end(now, index, Status::Complete);
            }
            Standing::Expired => self.end(now, index, Status::Cancelled),
            Standing::Resting if filled_some => self.step(now, index, rests_as),
            Standing::Resting | Standing::AwaitingTrigger => {}
        }
    }

    pub(super) fn book_fill(&mut self, now: TsNs, index: usize, qty: Qty, price: Price) {
        let id = format!("{}", 50_000_001 + self.ledger.traded());
        let doubled = self.second_telling(&id);
        let is_doubled = doubled.is_some();
        let order = &mut self.orders[index];
        order.filled = order.filled.plus(qty).expect("fills never exceed the order");
        order.value += i128::from(qty.get()) * i128::from(price.get());
        order.exchange_ts = Some(now);
        let (instrument, product, side) = (order.ticket.instrument, order.ticket.product, order.ticket.side);
        let trade = Trade {
            id,
            order: index,
            qty,
            price,
            ts: now,
            doubled,
        };
        let before = self.true_position(instrument).get();
        self.ledger.book(trade, instrument, product, side);
        let after = self.true_position(instrument).get();
        let is_client = self.orders[index].origin == Origin::Client;
        self.flips += u64::from(is_client && before.signum() * after.signum() < 0);
        self.tell_position(instrument, product);
        if product == Product::Delivery {
            self.tell_share(instrument);
        }
        if is_doubled {
            self.tell_order(index);
        }
    }

    /// The id under which a fault tells a fill again, if it does: its own or another one.
    fn second_telling(&mut self, id: &str) -> Option<String> {
        if !self.dice.fires(Fault::DuplicateFill) {
            return None;
        }
        let is_renamed = self.dice.between(Fault::DuplicateFill, 0, 1) == 1;
        Some(if is_renamed {
            format!("9{id}")
        } else {
            id.to_owned()
        })
    }

    /// The last step of an order: it leaves the exchange.
    pub(super) fn end(&mut self, now: TsNs, index: usize, status: Status) {
        assert!(status.is_final(), "an order ends in a final state");
        self.step(now, index, status);
        let instrument = self.orders[index].ticket.instrument;
        self.listings[instrument as usize]
            .working
            .retain(|working| *working != index);
    }

    /// Day orders end with the day.
    pub(super) fn close_day(&mut self, now: TsNs) {
        self.is_closed = true;
        self.expire_gtts(now);
        for index in 0..self.orders.len() {
            if self.orders[index].fate.is_phantom {
                self.reject_late(now, index, "Exchange: order was not accepted");
            } else if !self.orders[index].status.is_final() {
                self.orders[index].message = Some("Exchange: order cancelled at the close".to_owned());
                self.end(now, index, Status::Cancelled);
            }
        }
    }

    /// Takes the next step of an order's ladder and tells the stream.
    pub(super) fn step(&mut self, now: TsNs, index: usize, status: Status) {
        self.orders[index].step(now, status);
        self.tell_order(index);
    }
}
