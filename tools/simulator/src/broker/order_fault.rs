//! Faults that befall an order between the broker's front and its end.
//!
//! Invariants: only a client's orders are struck; a fault is counted when its effect shows; trades are booked
//! when the exchange made them, never because somebody was told so.

use bijli_core::order::{OrderType, Side};
use bijli_core::{Price, Qty, TsNs};

use super::Broker;
use super::errand::Errand;
use super::faults::Fault;
use super::order::{Change, Moment, Origin, Product, Status, Ticket};

/// What awaits an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    /// What is sent after the order waits until here.
    pub(super) held_until: Option<TsNs>,
    /// A stop that the exchange rejects when it is released.
    pub(super) dies_at_trigger: bool,
    /// The quantity after which the exchange cancels the rest.
    pub(super) cut: Option<Qty>,
    /// Told complete, which it is not.
    pub(super) is_phantom: bool,
    /// How often it was modified.
    pub(super) modified: u32,
}

/// What an echo has otherwise.
#[derive(Clone, Copy, Debug)]
enum Echo {
    Price,
    Qty,
    Product,
}

/// Ticks by which an echoed price is off, at most.
const ECHO_TICKS: i64 = 5;

impl Broker {
    /// What the broker takes in instead of what was asked for.
    pub(super) fn echo(&mut self, mut ticket: Ticket) -> Ticket {
        if ticket.is_amo || !self.dice.rolls(Fault::EchoDiffers) {
            return ticket;
        }
        let instrument = &self.listings[ticket.instrument as usize].instrument;
        let lot = instrument.lot.get();
        let steps = self.dice.between(Fault::EchoDiffers, 1, ECHO_TICKS);
        // Never more than was asked for: an exit must not turn a position over by the broker's doing.
        let step = steps * instrument.tick.get();
        let mut kinds = Vec::new();
        kinds.extend((ticket.price.get() > step).then_some(Echo::Price));
        kinds.extend((ticket.qty.get() > lot).then_some(Echo::Qty));
        let is_intraday_contract = instrument.kind.is_derivative() && ticket.product == Product::Intraday;
        kinds.extend(is_intraday_contract.then_some(Echo::Product));
        if kinds.is_empty() {
            return ticket;
        }
        let choice = self.dice.between(Fault::EchoDiffers, 0, kinds.len() as i64 - 1);
        match kinds[choice as usize] {
            Echo::Price => ticket.price = Price::new(ticket.price.get() - ticket.side.sign() * step),
            Echo::Qty => ticket.qty = Qty::new(ticket.qty.get() - lot),
            Echo::Product => ticket.product = Product::Delivery,
        }
        ticket.disclosed = ticket.disclosed.min(ticket.qty);
        self.dice.count(Fault::EchoDiffers);
        ticket
    }

    /// Somebody else looks at an order that has just been changed, and will change it too.
    pub(super) fn invite_hand(&mut self, now: TsNs, index: usize) {
        if self.dice.rolls(Fault::ChangedByHand) {
            let at = now.plus(self.dice.lasts(Fault::ChangedByHand));
            self.errands.send(at, index, Errand::ChangeByHand);
        }
    }

    /// Somebody else changes an order that rests: to a price further from the market, or by a lot less. Never more than
    /// was asked for, as above, and no stop's trigger.
    pub(super) fn change_by_hand(&mut self, now: TsNs, index: usize) {
        let order = &self.orders[index];
        if !matches!(order.status, Status::Open | Status::TriggerPending) {
            return;
        }
        let ticket = &order.ticket;
        let instrument = &self.listing(ticket.instrument).instrument;
        let (lot, tick) = (instrument.lot.get(), instrument.tick.get());
        let mut change = Change {
            order_type: ticket.order_type,
            validity: ticket.validity,
            qty: ticket.qty,
            price: ticket.price,
            trigger: ticket.trigger,
        };
        let less = ticket.qty.get() - lot;
        let (filled, side) = (order.filled.get(), ticket.side);
        let steps = self.dice.between(Fault::ChangedByHand, 1, ECHO_TICKS);
        let price = change.price.get() - side.sign() * steps * tick;
        let can_be_worse = change.order_type == OrderType::Limit && price > 0;
        let can_be_less = less > filled;
        let wants_price = self.dice.between(Fault::ChangedByHand, 0, 1) == 0;
        if can_be_worse && (wants_price || !can_be_less) {
            change.price = Price::new(price);
        } else if can_be_less {
            change.qty = Qty::new(less);
        } else {
            return;
        }
        self.dice.count(Fault::ChangedByHand);
        self.orders[index].request_number += 1;
        self.send_change(now, index, change);
    }

    /// Why the exchange rejects an order that has just arrived, by fault.
    pub(super) fn exchange_rejection(&mut self, index: usize) -> Option<&'static str> {
        let order = &self.orders[index];
        if order.origin != Origin::Client {
            return None;
        }
        let is_priced = order.ticket.price.is_set();
        if self.dice.fires(Fault::FreezeReject) {
            return Some("Exchange: quantity exceeds the freeze quantity");
        }
        (is_priced && self.dice.fires(Fault::BandReject))
            .then_some("Exchange: price is outside the limit price protection range")
    }

    /// Sends an order that passed the risk check on its way, which may be long or lead nowhere.
    pub(super) fn send_off(&mut self, now: TsNs, index: usize) {
        if self.orders[index].origin != Origin::Client {
            return self.pass_on(now, index);
        }
        let strikes = [Fault::RejectedLate, Fault::Stuck, Fault::Phantom].map(|fault| self.dice.rolls(fault));
        match strikes {
            [true, _, _] => self.hold(now, index, Fault::RejectedLate, Errand::RejectLate),
            [_, true, _] => self.hold(now, index, Fault::Stuck, Errand::Arrive),
            [_, _, true] if self.price_to_tell(index).is_set() => self.tell_phantom(now, index),
            _ => self.pass_on(now, index),
        }
    }

    fn pass_on(&mut self, now: TsNs, index: usize) {
        self.step(now, index, Status::ValidationPending);
        self.step(now, index, Status::OpenPending);
        self.dispatch(now, index, Errand::Arrive);
    }

    /// Lets an order wait in one of the states before the exchange.
    fn hold(&mut self, now: TsNs, index: usize, fault: Fault, errand: Errand) {
        self.dice.count(fault);
        let steps = [Status::ValidationPending, Status::OpenPending];
        let taken = self.dice.between(fault, 0, 2) as usize;
        for status in &steps[..taken] {
            self.step(now, index, *status);
        }
        let until = now.plus(self.dice.lasts(fault));
        self.orders[index].fate.held_until = Some(until);
        self.errands.send(until, index, errand);
    }

    /// Tells an order complete that never leaves the broker; one in four stays told so.
    fn tell_phantom(&mut self, now: TsNs, index: usize) {
        self.dice.count(Fault::Phantom);
        self.step(now, index, Status::ValidationPending);
        self.step(now, index, Status::OpenPending);
        let average = self.price_to_tell(index).rupees();
        let order = &mut self.orders[index];
        order.fate.is_phantom = true;
        order.history.push(Moment {
            ts: now,
            status: Status::Complete,
            filled: order.ticket.qty,
            average,
            terms: order.ticket.terms(),
            message: None,
            request_number: order.request_number,
        });
        self.tell_order(index);
        let until = now.plus(self.dice.lasts(Fault::Phantom));
        self.orders[index].fate.held_until = Some(until);
        let is_taken_back = self.dice.between(Fault::Phantom, 0, 3) != 0;
        if is_taken_back {
            self.errands.send(until, index, Errand::UnmaskPhantom);
        }
    }

    /// The price that a fill would have had: the order's own, or the last one.
    fn price_to_tell(&self, index: usize) -> Price {
        let ticket = &self.orders[index].ticket;
        if ticket.price.is_set() {
            ticket.price
        } else {
            self.listing(ticket.instrument).ltp
        }
    }

    /// An order that was taken in is rejected after all.
    pub(super) fn reject_late(&mut self, now: TsNs, index: usize, words: &str) {
        let order = &mut self.orders[index];
        order.fate.is_phantom = false;
        order.message = Some(words.to_owned());
        self.end(now, index, Status::Rejected);
    }

    /// Decides at its arrival what becomes of an order at the exchange; the quantity that it is worked for.
    pub(super) fn decide_fate(&mut self, index: usize) -> Qty {
        let order = &self.orders[index];
        let (qty, order_type, is_client) = (
            order.ticket.qty,
            order.ticket.order_type,
            order.origin == Origin::Client,
        );
        let lot = self.listing(order.ticket.instrument).instrument.lot.get();
        let is_stop = matches!(order_type, OrderType::StopLimit | OrderType::StopMarket);
        let dies_at_trigger = is_client && is_stop && self.dice.rolls(Fault::StopReject);
        let lots = qty.get() / lot;
        let cut = (is_client && lots > 1 && self.dice.rolls(Fault::PartialFill))
            .then(|| Qty::new(lot * self.dice.between(Fault::PartialFill, 1, lots - 1)));
        let fate = &mut self.orders[index].fate;
        (fate.dies_at_trigger, fate.cut) = (dies_at_trigger, cut);
        cut.unwrap_or(qty)
    }

    /// A cancel arrives at the exchange: too late, if the dice want a fill before it.
    pub(super) fn cancel_arrives(&mut self, now: TsNs, index: usize) {
        let order = &self.orders[index];
        let (price, open) = (self.price_to_tell(index), order.pending());
        let can_fill = order.origin == Origin::Client
            && order.working.is_some()
            && price.is_set()
            && !self.episodes.halted.is_on(now);
        if can_fill && self.dice.fires(Fault::FillOnCancel) {
            self.book_fill(now, index, open, price);
            self.step(now, index, Status::NotCancelled);
            self.end(now, index, Status::Complete);
        } else {
            self.end(now, index, Status::Cancelled);
        }
    }

    /// What the fate of an order that has just been matched makes of it; `true` when it has ended.
    pub(super) fn meets_fate(&mut self, now: TsNs, index: usize) -> bool {
        let order = &mut self.orders[index];
        let is_cut = order.fate.cut.is_some_and(|cut| order.filled >= cut);
        if is_cut {
            order.message = Some("Exchange: the rest of the order was cancelled".to_owned());
            self.dice.count(Fault::PartialFill);
            self.end(now, index, Status::Cancelled);
        }
        is_cut
    }

    /// Rejects a stop that the last price has released, if that is its fate; `true` when it has ended.
    pub(super) fn dies_at_trigger(&mut self, now: TsNs, index: usize) -> bool {
        let order = &self.orders[index];
        let ltp = self.listing(order.ticket.instrument).liquidity.book().ltp;
        let is_reached = match order.ticket.side {
            Side::Buy => ltp >= order.ticket.trigger,
            Side::Sell => ltp <= order.ticket.trigger,
        };
        let dies = order.fate.dies_at_trigger && ltp.is_set() && is_reached;
        if dies {
            self.dice.count(Fault::StopReject);
            self.reject_late(
                now,
                index,
                "Exchange: price is outside the limit price protection range",
            );
        }
        dies
    }

    /// Whether a modification is one too many.
    pub(super) fn is_modified_too_often(&mut self, index: usize) -> bool {
        let is_at_limit = self.orders[index].fate.modified >= self.settings.options.modifications_max;
        is_at_limit || self.dice.fires(Fault::ModifyLimit)
    }
}
