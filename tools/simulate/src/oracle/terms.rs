//! L7: what an order of ours says at the broker is what the engine holds, once the books that tell so were read.
//!
//! Whoever gave an order its terms: two readable books that show them, asked at least six seconds after they were given
//! and after the last change of ours was journaled, and four seconds apart, are enough to know them by. Six, because the reply to
//! a change may take five; four, because the gateway looks again after three. Books are read here by the gateway's own
//! reader: what it cannot read was not told. Left out: orders of somebody else, orders on their way or ending, and which terms are whose fault.

use std::collections::BTreeMap;

use bijli_core::codec::Item;
use bijli_core::order::{IntentId, OrderState, OrderType};
use bijli_core::orders::Order;
use bijli_core::state::State;
use bijli_core::{Command, DurationNs, Event, Price, Qty, TsNs};
use bijli_gateway::upstox::order_api;
use bijli_gateway::{Reply, Request, RequestId};
use bijli_simulator::broker::{Broker, OrderTruth, Origin, Status};

use super::{Broken, broken};

/// From when on a book counts.
const FIRST_BOOK: DurationNs = DurationNs::from_secs(6);
/// And the next one.
const NEXT_BOOK: DurationNs = DurationNs::from_secs(4);
/// Books that are enough.
const BOOKS: u32 = 2;
/// How often terms are compared.
const EVERY: DurationNs = DurationNs::from_millis(500);

/// What is compared of an order.
type Shown = (Qty, Price, Price, Status);

/// Terms that the engine does not hold.
#[derive(Clone, Copy, Debug)]
struct Unknown {
    shown: Shown,
    /// When the next book that counts may be asked.
    next: TsNs,
    books: u32,
}

/// What is known of them.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    unknown: BTreeMap<u64, Unknown>,
    looked: TsNs,
    is_reconciled: bool,
    /// Reads of the book on their way, and when they were asked.
    asked: BTreeMap<RequestId, TsNs>,
    /// Of those that were served: which unknown terms they show.
    served: BTreeMap<RequestId, Vec<u64>>,
}

impl Terms {
    /// A request leaves.
    pub fn note_asked(&mut self, now: TsNs, request: &Request) {
        if request.path == order_api::order_book().path {
            self.asked.insert(request.id, now);
        }
    }

    /// Records were written: what the engine asks of an order may change it, and what it asks of the broker makes reads void.
    pub fn learn(&mut self, now: TsNs, items: &[Item]) {
        for item in items {
            match item {
                Item::Command(Command::Modify(modify)) => self.begin_anew(now, Some(modify.intent)),
                Item::Command(Command::Cancel(cancel)) => self.begin_anew(now, Some(cancel.intent)),
                Item::Command(Command::Reconcile(_)) => self.begin_anew(now, None),
                Item::Event(Event::Reconciled(_)) => self.is_reconciled = true,
                _ => {}
            }
        }
    }

    fn begin_anew(&mut self, now: TsNs, intent: Option<IntentId>) {
        let is_meant = |of: u64| intent.is_none_or(|intent| intent.get() == of);
        for (_, unknown) in self.unknown.iter_mut().filter(|(of, _)| is_meant(**of)) {
            (unknown.next, unknown.books) = (now.plus(FIRST_BOOK), 0);
        }
    }

    /// The broker answers a read of the book.
    pub fn note_served(&mut self, id: RequestId, status: u16, body: &[u8]) {
        if self.unknown.is_empty() || !self.asked.contains_key(&id) {
            return;
        }
        let reply = Reply {
            outcome: Ok(status),
            body: body.to_vec(),
        };
        let Ok(book) = order_api::orders_of(&reply) else {
            return;
        };
        let shows = |intent: u64, unknown: &Unknown| {
            book.rows.iter().any(|row| {
                let (qty, price, trigger, _) = unknown.shown;
                row.intent.map(IntentId::get) == Some(intent)
                    && (row.qty, row.price, row.trigger) == (qty, price, trigger)
            })
        };
        let known = self.unknown.iter();
        let shown = known.filter(|(intent, unknown)| shows(**intent, unknown));
        self.served.insert(id, shown.map(|(intent, _)| *intent).collect());
    }

    /// The gateway hears a reply.
    pub fn note_read(&mut self, id: RequestId, reply: &Reply) {
        let (asked, shown) = (self.asked.remove(&id), self.served.remove(&id));
        let (Some(asked), Some(shown), true) = (asked, shown, reply.outcome.is_ok() && self.is_reconciled)
        else {
            return;
        };
        for intent in shown {
            if let Some(unknown) = self
                .unknown
                .get_mut(&intent)
                .filter(|unknown| asked >= unknown.next)
            {
                unknown.books += 1;
                unknown.next = asked.plus(NEXT_BOOK);
            }
        }
    }

    /// The engine has heard all that the gateway told.
    ///
    /// # Errors
    /// Where it does not hold what was told.
    pub fn check(&mut self, now: TsNs, broker: &Broker, state: &State) -> Result<(), Broken> {
        if now.since(self.looked) < EVERY {
            return Ok(());
        }
        self.looked = now;
        let mut unknown = BTreeMap::new();
        for order in broker.true_orders() {
            let Some((intent, held)) = differs(&order, state) else {
                continue;
            };
            let shown = (order.qty, order.price, order.trigger, order.status);
            let fresh = Unknown {
                shown,
                next: now.plus(FIRST_BOOK),
                books: 0,
            };
            let known = self.unknown.get(&intent).filter(|known| known.shown == shown);
            let kept = known.copied().unwrap_or(fresh);
            if kept.books >= BOOKS {
                return broken("L7", format!("the engine does not know of {order:?}: {held:?}"));
            }
            unknown.insert(intent, kept);
        }
        self.unknown = unknown;
        Ok(())
    }
}

/// Our intent behind a working order whose terms are not those that the engine holds, and what it does hold.
fn differs<'a>(order: &OrderTruth<'_>, state: &'a State) -> Option<(u64, &'a Order)> {
    let rests = matches!(order.status, Status::Open | Status::TriggerPending);
    if !rests || order.origin != Origin::Client || order.is_phantom {
        return None;
    }
    let intent = order.tag.and_then(IntentId::from_tag)?;
    let orders = state.orders();
    let index = orders.find(Some(intent), &bijli_core::order::BrokerOrderId::EMPTY)?;
    let held = orders.get(index);
    let is_working = matches!(
        held.state,
        OrderState::Open | OrderState::TriggerPending | OrderState::PendingModify
    );
    let is_limited = matches!(held.order_type, OrderType::Limit | OrderType::StopLimit);
    let waits = order.status == Status::TriggerPending && held.trigger.is_set();
    let is_same = held.qty == order.qty
        && (!is_limited || held.price == order.price)
        && (!waits || held.trigger == order.trigger);
    (is_working && !is_same).then_some((intent.get(), held))
}
