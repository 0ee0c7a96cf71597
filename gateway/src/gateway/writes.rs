//! Writes: which command leaves next, and what its reply means for the intent or the order.
//!
//! Invariants and sources: those of the parent module.

use std::collections::VecDeque;

use bijli_core::command::{Cancel, CancelForeign, Modify, Place};
use bijli_core::event::{IntentResolved, Submission};
use bijli_core::order::{BrokerOrderId, IntentId, Validity};
use bijli_core::planted::{Bug, planted};
use bijli_core::text::Text;
use bijli_core::{Command, DurationNs, Event, Price};

use super::{Asked, Gateway, Queued};
use crate::budget::Risk;
use crate::evidence::{ErrorClass, Outcome};
use crate::intent::Stage;
use crate::orders::Order;
use crate::request::{Lane, Reply, Request};
use crate::upstox::call::Call;
use crate::upstox::order_api::{self, Terms};

/// No entry leaves while reads must wait for longer than this.
const READS_PATIENCE: DurationNs = DurationNs::from_secs(2);

impl Gateway {
    /// The next write of the exit or entry lane, if one may leave now.
    pub(super) fn next_write(&mut self, lane: Lane) -> Option<Request> {
        if !self.is_free(lane) {
            return None;
        }
        self.drop_changes_of_ended(lane);
        let risk = match lane {
            Lane::Exit => Risk::Lowers,
            Lane::Entry if self.entries_are_held() => return None,
            Lane::Entry => Risk::Raises,
            Lane::Read => unreachable!("reads are not written from here"),
        };
        let may_leave = |queued: &Queued| self.may_leave(&queued.command);
        let place = self.queue(lane).iter().position(may_leave)?;
        let is_apart = lane == Lane::Entry && planted(Bug::BudgetOfEntriesApart);
        if !is_apart && !self.order_budget.take(self.now, risk) {
            return None;
        }
        let queued = self
            .queue_mut(lane)
            .remove(place)
            .expect("the place was found in this queue");
        let request = self.write(lane, &queued.command);
        if lane == Lane::Entry
            && let Some(flight) = &mut self.in_flight[lane as usize]
        {
            // Connecting takes its time too.
            flight.leaves_before = Some(queued.since.plus(self.config.entry_age_max));
        }
        Some(request)
    }

    /// Whether entries must not leave now: it is not their turn, or the breaker of writes is open.
    pub(super) fn entries_are_held(&self) -> bool {
        self.entries_wait_their_turn() || !self.health.writes.is_free(self.now)
    }

    /// An entry never leaves while work that lowers risk could, before reconciliation has ended, or with a token in
    /// doubt.
    pub(super) fn entries_wait_their_turn(&self) -> bool {
        let waits = |queued: &Queued| self.may_leave(&queued.command);
        self.entries_wait_for_books
            || self.is_token_doubted()
            || self.reads_are_used_up()
            || self.exits.iter().any(waits)
    }

    /// Whether the fills of an entry could not be read for a while.
    fn reads_are_used_up(&self) -> bool {
        self.read_budget.free_at(self.now, Risk::Lowers) > self.now.plus(READS_PATIENCE)
    }

    /// Whether nothing but the budget holds a command back: no change of an order while another is in flight or
    /// in doubt (a cancel or modify may be repeated only after a read of the book), and no modify while the broker is
    /// still at an earlier change: of two at once nobody could tell which of them a row shows. Where the change of a
    /// former process may still arrive only a cancel leaves: after that it changes nothing.
    pub(super) fn may_leave(&self, command: &Command) -> bool {
        let Some(order_id) = changed_order(command) else {
            return true;
        };
        let asked = |flight: &super::InFlight| flight.asked == Asked::Change(order_id);
        let is_modify = matches!(command, Command::Modify(_));
        let must_wait = |order: &Order| {
            let in_doubt = order
                .change_doubt
                .is_some_and(|since| is_modify || since <= self.now);
            in_doubt || (is_modify && order.is_changing())
        };
        !self.orders.get(&order_id).is_some_and(must_wait) && !self.in_flight.iter().flatten().any(asked)
    }

    /// The engine asks for a change of an order.
    pub(super) fn note_asked(&mut self, command: &Command) {
        if let Command::Modify(modify) = command {
            self.orders.note_modifies(&modify.order_id, 1);
        }
        if let Some(order_id) = changed_order(command) {
            self.orders.owe_second_look(&order_id);
        }
    }

    /// Modifies of an order that wait here, are on the wire, have an unknown outcome, are pending at the broker, or
    /// were answered a moment ago and do not show.
    pub(super) fn modifies_under_way(&self, id: &BrokerOrderId) -> u8 {
        let waits =
            |queued: &&Queued| matches!(&queued.command, Command::Modify(modify) if modify.order_id == *id);
        let waiting = self.exits.iter().chain(&self.entries).filter(waits).count();
        let is_asked = self
            .in_flight
            .iter()
            .flatten()
            .any(|flight| flight.asked == Asked::Change(*id));
        let is_open = self.orders.get(id).is_some_and(|order| {
            order.change_doubt.is_some() || order.is_changing() || order.hides_modify(self.now)
        });
        u8::try_from(waiting + usize::from(is_asked || is_open)).unwrap_or(u8::MAX)
    }

    fn queue(&self, lane: Lane) -> &VecDeque<Queued> {
        if lane == Lane::Exit {
            &self.exits
        } else {
            &self.entries
        }
    }

    fn queue_mut(&mut self, lane: Lane) -> &mut VecDeque<Queued> {
        if lane == Lane::Exit {
            &mut self.exits
        } else {
            &mut self.entries
        }
    }

    fn write(&mut self, lane: Lane, command: &Command) -> Request {
        let (asked, call) = match command {
            Command::Place(place) => {
                self.intents.mark_sent(place.intent);
                self.readout.orders_sent += 1;
                (Asked::Place(place.intent), self.place_call(place))
            }
            Command::Modify(modify) => {
                self.readout.modifies += 1;
                self.orders.note_modify_sent(modify);
                (Asked::Change(modify.order_id), self.modify_call(modify))
            }
            Command::Cancel(Cancel { order_id, .. })
            | Command::CancelForeign(CancelForeign { order_id, .. }) => {
                self.readout.cancels += 1;
                (Asked::Change(*order_id), order_api::cancel(order_id))
            }
            Command::Reconcile(_) | Command::DropEntries(_) => {
                unreachable!("what is not about one order is done when it comes, and never queued")
            }
        };
        self.dispatch(lane, asked, call)
    }

    fn place_call(&self, place: &Place) -> Call {
        let key = &self.listed[place.instrument.index()].key;
        let terms = Terms {
            qty: place.qty,
            order_type: place.order_type,
            validity: place.validity,
            price: if planted(Bug::RoundedAgain) {
                Price::new(place.price.get() / 100_000 * 100_000)
            } else {
                place.price
            },
            trigger: place.trigger,
        };
        order_api::place(place.intent, key, place.side, &terms, self.config.product)
    }

    /// A modify names every term but how long the order lives: that comes from our placement, else from the broker's
    /// row.
    fn modify_call(&self, modify: &Modify) -> Call {
        let row = self.orders.get(&modify.order_id).and_then(|order| order.row);
        let place = self.intents.get(modify.intent).and_then(|intent| intent.place);
        let validity = match (place, row) {
            (Some(place), _) => place.validity,
            (None, Some(row)) => row.validity,
            (None, None) => Validity::Day,
        };
        let terms = Terms {
            qty: modify.qty,
            order_type: modify.order_type,
            validity,
            price: modify.price,
            trigger: modify.trigger,
        };
        order_api::modify(&modify.order_id, &terms)
    }

    /// Drops changes whose order has ended meanwhile.
    fn drop_changes_of_ended(&mut self, lane: Lane) {
        let has_ended = |gateway: &Self, queued: &Queued| {
            changed_order(&queued.command)
                .and_then(|order_id| gateway.orders.get(&order_id))
                .is_some_and(Order::is_ended)
        };
        while let Some(place) = self.queue(lane).iter().position(|queued| has_ended(self, queued)) {
            let queued = self
                .queue_mut(lane)
                .remove(place)
                .expect("the place was found in this queue");
            self.drop_command(&queued.command);
        }
    }

    /// Entries that waited too long were decided on a market that is gone.
    pub(super) fn expire_entries(&mut self) {
        let age_max = self.config.entry_age_max;
        while let Some(first) = self.entries.front().copied() {
            if self.now.since(first.since) < age_max || planted(Bug::OldEntryLeaves) {
                return;
            }
            self.entries.pop_front();
            self.counts.entries_expired += 1;
            self.drop_command(&first.command);
        }
    }

    /// A command that will not be sent: a placement ends as not sent, a change is answered by the next book row.
    pub(super) fn drop_command(&mut self, command: &Command) {
        match command {
            Command::Place(place) => self.give_up(place.intent),
            Command::Modify(_) | Command::Cancel(_) | Command::CancelForeign(_) => {
                self.counts.changes_dropped += 1;
                if let Some(order_id) = changed_order(command) {
                    self.orders.note_change(&order_id, None);
                }
                self.want_book();
            }
            Command::Reconcile(_) | Command::DropEntries(_) => {}
        }
    }

    /// Takes back the entries, and changes of entries, that have not left.
    pub(super) fn drop_entries(&mut self) {
        if planted(Bug::QueuedEntryStays) {
            return;
        }
        for queued in std::mem::take(&mut self.entries) {
            self.drop_command(&queued.command);
        }
    }

    /// Takes one entry back, if it has not left.
    pub(super) fn withdraw(&mut self, intent: IntentId) {
        if planted(Bug::QueuedEntryStays) {
            return;
        }
        let is_it =
            |queued: &Queued| matches!(queued.command, Command::Place(place) if place.intent == intent);
        let place = self.entries.iter().position(is_it);
        if let Some(queued) = place.and_then(|place| self.entries.remove(place)) {
            self.drop_command(&queued.command);
        }
    }

    /// Not one byte of the placement left, and none will.
    pub(super) fn give_up(&mut self, intent: IntentId) {
        self.counts.not_sent += 1;
        self.resolve(intent, Submission::NotSent, BrokerOrderId::EMPTY, Text::EMPTY);
    }

    /// Resolves an intent and tells the engine; an impossible step is counted and not told.
    pub(super) fn resolve(
        &mut self,
        intent: IntentId,
        submission: Submission,
        order_id: BrokerOrderId,
        code: Text<24>,
    ) {
        if !self.intents.resolve(self.now, intent, submission) {
            self.counts.contradictions += 1;
            return;
        }
        self.tell(Event::IntentResolved(IntentResolved {
            ts: self.stamp,
            intent,
            submission,
            order_id,
            code,
        }));
    }

    pub(super) fn take_placement(&mut self, intent: IntentId, reply: &Reply) {
        let outcome = order_api::outcome_of_write(reply);
        let stage = self.intents.get(intent).map(|known| known.stage);
        match outcome {
            // The order stream was faster: the order exists, whatever this reply says.
            Outcome::Acked(order_id) if stage != Some(Stage::InFlight) => {
                if !self.intents.identify(intent, order_id) {
                    self.counts.duplicate_tags += 1;
                }
            }
            _ if stage != Some(Stage::InFlight) => {}
            Outcome::Acked(order_id) => self.acknowledge(intent, order_id),
            Outcome::Refused(refusal) => {
                self.readout.refused += 1;
                let code = refusal.code;
                self.resolve(intent, Submission::Refused, BrokerOrderId::EMPTY, code);
                // A refusal is believed, and still checked against the next book.
                self.want_book();
            }
            Outcome::NotSent => self.give_up(intent),
            Outcome::Unknown(_) => {
                self.readout.unknown += 1;
                if planted(Bug::ResendOnTimeout) {
                    self.send_again(intent);
                }
                self.resolve(intent, Submission::Unknown, BrokerOrderId::EMPTY, Text::EMPTY);
            }
        }
    }

    /// The order exists under this id: said by a reply, by the stream or by a read.
    pub(super) fn acknowledge(&mut self, intent: IntentId, order_id: BrokerOrderId) {
        let place = self.intents.get(intent).and_then(|known| known.place);
        let identified = self.intents.identify(intent, order_id);
        if !identified {
            // The broker knows this intent under another id: two answers, of which neither can be trusted.
            self.counts.duplicate_tags += 1;
            self.resolve(intent, Submission::Unknown, BrokerOrderId::EMPTY, Text::EMPTY);
            return;
        }
        self.orders
            .expect(order_id, Some(intent), place.map(|place| place.instrument));
        self.readout.acked += 1;
        self.resolve(intent, Submission::Acked, order_id, Text::EMPTY);
    }

    /// What no gateway may do: a planted bug.
    fn send_again(&mut self, intent: IntentId) {
        let Some(place) = self.intents.get(intent).and_then(|known| known.place) else {
            return;
        };
        self.exits.push_back(Queued {
            command: Command::Place(place),
            since: self.now,
        });
    }

    pub(super) fn take_change(&mut self, order_id: &BrokerOrderId, reply: &Reply) {
        let outcome = order_api::outcome_of_write(reply);
        let had_no_effect = matches!(outcome, Outcome::Refused(_) | Outcome::NotSent);
        self.orders.note_answer(self.now, order_id, had_no_effect);
        match outcome {
            // Taken in; the next book row asked after this tells whether it has happened, news or not.
            Outcome::Acked(_) => {
                self.orders.note_change(order_id, Some(self.now));
                self.want_book();
            }
            Outcome::Refused(refusal) if refusal.class == ErrorClass::Rate => {
                self.orders.note_change(order_id, None);
            }
            Outcome::Refused(_) | Outcome::NotSent => {
                self.orders.note_change(order_id, None);
                self.want_book();
            }
            Outcome::Unknown(_) => {
                self.orders.note_change(order_id, Some(self.now));
                self.want_book();
            }
        }
    }
}

/// The order that a command changes; `None` for a placement.
const fn changed_order(command: &Command) -> Option<BrokerOrderId> {
    match command {
        Command::Place(_) | Command::Reconcile(_) | Command::DropEntries(_) => None,
        Command::Modify(modify) => Some(modify.order_id),
        Command::Cancel(cancel) => Some(cancel.order_id),
        Command::CancelForeign(cancel) => Some(cancel.order_id),
    }
}
