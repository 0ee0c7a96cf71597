//! The bytes that leave, held against the journal and the limits of sending, on true time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bijli_core::codec::Item;
use bijli_core::command::{Command, Place};
use bijli_core::order::{BrokerOrderId, IntentId, Purpose, Side};
use bijli_core::text::Text;
use bijli_core::{DurationNs, TsNs};
use bijli_gateway::request::{Method, Request};
use serde_json::Value;

use super::facts::Facts;
use super::{Broken, broken};
use crate::disk::MemoryJournal;
use crate::market::instruments;

/// Order calls in any rolling second that are ours to make.
const CALLS_PER_S: usize = 8;

/// The most calls of a rolling second of which an entry may be the last: three are kept for exits.
const ENTRY_CALLS_PER_S: usize = 5;
/// An entry that was decided longer ago than this was decided on a market that is gone, whoever stood still since.
const ENTRY_AGE_MAX: DurationNs = DurationNs::from_secs(2);

/// What left so far.
#[derive(Debug, Default)]
pub struct Wire {
    /// Intents whose placement was written to a connection.
    pub placed: BTreeSet<u64>,
    changed: BTreeMap<BrokerOrderId, u32>,
    calls: VecDeque<TsNs>,
    /// When each entry was decided.
    decided: BTreeMap<u64, TsNs>,
    /// Order calls so far.
    pub order_calls: u64,
    /// Reads so far.
    pub reads: u64,
}

impl Wire {
    /// Whether the second that ends at `now` holds all the order calls that it may.
    #[must_use]
    pub fn is_full(&self, now: TsNs) -> bool {
        let second = DurationNs::from_secs(1);
        let recent = self.calls.iter().rev().take_while(|at| now.since(**at) < second);
        recent.count() >= CALLS_PER_S
    }

    /// Entries were journaled at `now`, each decided when its stamp says; engine time was so far ahead.
    pub fn learn_decisions(&mut self, items: &[Item], now: TsNs, ahead: DurationNs) {
        for item in items {
            if let Item::Command(Command::Place(place)) = item {
                let decided = place.ts.plus(DurationNs::new(-ahead.get())).min(now);
                self.decided.insert(place.intent.get(), decided);
            }
        }
    }

    /// Judges a request and remembers it.
    ///
    /// # Errors
    /// The invariant that it breaks.
    pub fn take(
        &mut self,
        now: TsNs,
        request: &Request,
        facts: &Facts,
        durable: Option<&MemoryJournal>,
    ) -> Result<(), Broken> {
        if request.method == Method::Get {
            self.reads += 1;
            return Ok(());
        }
        self.order_calls += 1;
        self.calls.push_back(now);
        while self
            .calls
            .front()
            .is_some_and(|at| now.since(*at) >= DurationNs::from_secs(1))
        {
            self.calls.pop_front();
        }
        if self.calls.len() > CALLS_PER_S {
            return broken("I12", format!("{} order calls within a second", self.calls.len()));
        }
        match request.method {
            Method::Post => self.take_placement(now, request, facts, durable),
            Method::Put | Method::Delete => self.take_change(request, facts),
            Method::Get => Ok(()),
        }
    }

    fn take_placement(
        &mut self,
        now: TsNs,
        request: &Request,
        facts: &Facts,
        durable: Option<&MemoryJournal>,
    ) -> Result<(), Broken> {
        let body = body_of(request);
        let tag = body["tag"].as_str().unwrap_or_default();
        let Some(intent) = IntentId::from_tag(tag) else {
            return broken("I03", format!("a placement without our tag: {body}"));
        };
        if !self.placed.insert(intent.get()) {
            return broken("I02", format!("tag {tag} left a second time"));
        }
        let Some(place) = facts.places.get(&intent.get()) else {
            return broken("I01", format!("tag {tag} left and is not in the journal"));
        };
        if place.purpose == Purpose::Entry {
            self.check_entry(now, place, facts)?;
            if durable.is_some_and(|journal| !journal.is_on_disk(intent)) {
                return broken(
                    "I01",
                    format!("an entry left before its record was on the disk: {place:?}"),
                );
            }
        }
        let side = match place.side {
            Side::Buy => "BUY",
            Side::Sell => "SELL",
        };
        let key = instruments()[place.instrument.index()].key;
        let is_as_journaled = body["quantity"] == place.qty.get()
            && body["transaction_type"] == side
            && body["instrument_token"] == key.as_str()
            && body["price"].as_f64() == Some(place.price.rupees());
        if !is_as_journaled {
            return broken(
                "I01",
                format!("not what the journal says: {body} against {place:?}"),
            );
        }
        let is_allowed = body["product"] == "I"
            && ["DAY", "IOC"].iter().any(|word| body["validity"] == *word)
            && body["is_amo"] == false
            && body["slice"] == false;
        if !is_allowed {
            return broken("I23", format!("not on the list of what may be asked: {body}"));
        }
        Ok(())
    }

    /// What holds for an entry at the moment at which it leaves.
    fn check_entry(&self, now: TsNs, place: &Place, facts: &Facts) -> Result<(), Broken> {
        if facts.people.killed {
            return broken("I18", format!("an entry left while a kill is latched: {place:?}"));
        }
        if facts.unwanted.has(place.intent.get()) {
            return broken("I18", format!("an entry left behind a person's exit: {place:?}"));
        }
        if self.calls.len() > ENTRY_CALLS_PER_S {
            return broken(
                "I12",
                format!("an entry is call {} of its second", self.calls.len()),
            );
        }
        let decided = self.decided.get(&place.intent.get()).copied();
        let age = now.since(decided.unwrap_or(TsNs::NEVER));
        if age >= ENTRY_AGE_MAX {
            return broken(
                "I20",
                format!("an entry left {age:?} after it was decided: {place:?}"),
            );
        }
        Ok(())
    }

    fn take_change(&mut self, request: &Request, facts: &Facts) -> Result<(), Broken> {
        let id = match &request.body {
            Some(_) => body_of(request)["order_id"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            None => request
                .path
                .split("order_id=")
                .nth(1)
                .unwrap_or_default()
                .to_owned(),
        };
        let order_id: BrokerOrderId = Text::new(&id).unwrap_or(BrokerOrderId::EMPTY);
        let left = self.changed.entry(order_id).or_default();
        *left += 1;
        let journaled = facts.changes.count.get(&order_id).copied().unwrap_or(0);
        if *left > journaled {
            return broken(
                "I01",
                format!("change {left} of order {id}, of which {journaled} are journaled"),
            );
        }
        if request.method == Method::Put {
            let body = body_of(request);
            let (qty, price) = (body["quantity"].as_i64(), body["price"].as_f64());
            if !facts
                .changes
                .holds(&order_id, qty.unwrap_or(0), price.unwrap_or(0.0))
            {
                return broken("I01", format!("a modify that is not in the journal: {body}"));
            }
        }
        Ok(())
    }

    /// A power cut took records: what was asked for before is not known any more.
    pub fn forget_changes(&mut self) {
        self.changed.clear();
    }
}

fn body_of(request: &Request) -> Value {
    let text = request.body.as_ref().map_or("", |body| body.text());
    serde_json::from_str(text).unwrap_or(Value::Null)
}
