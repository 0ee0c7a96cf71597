//! The oracle: what must hold at every step and at the end, judged from outside.
//!
//! It knows four things, none of which comes from the engine's or gateway's own computations: the records of the
//! journal as they are written ([`facts`]), what the gateway tells ([`doubts`]), the bytes that leave ([`wire`]), and the broker's true ledger
//! ([`ledger`]). The engine's state is looked at only where the invariant is about it ([`end`]). The list of
//! invariants, and which are checked where, stands in `FAULTS.md`.

pub mod calls;
pub mod silence;
pub mod changes;
pub mod doubts;
pub mod facts;
pub mod people;
pub mod stream;
pub mod terms;
pub mod cover;
pub mod unwanted;
pub mod wire;
pub mod ledger;
pub mod end;

use bijli_core::codec::Item;
use bijli_core::event::Event;
use bijli_core::order::Purpose;
use bijli_core::state::State;
use bijli_core::{Command, TsNs};
use bijli_gateway::Request;
use bijli_simulator::broker::Broker;

use crate::disk::MemoryJournal;
use crate::plan::Plan;
use crate::process::Process;

use calls::Calls;
use doubts::Doubts;
use facts::Facts;
use ledger::LedgerCheck;
use stream::OrderStream;
use terms::Terms;
use wire::Wire;

/// An invariant's id, and what was found.
pub type Broken = (&'static str, String);

/// Says that an invariant does not hold.
pub(crate) fn broken<T>(invariant: &'static str, found: String) -> Result<T, Broken> {
    Err((invariant, found))
}

/// Everything that is known from outside.
#[derive(Debug)]
pub struct Oracle {
    /// What the journal says.
    pub facts: Facts,
    /// What the gateway does not know.
    pub doubts: Doubts,
    /// What left.
    pub wire: Wire,
    /// What the broker has.
    pub ledger: LedgerCheck,
    /// For whom a person must be called.
    pub calls: Calls,
    /// What the order stream tells.
    pub stream: OrderStream,
    /// What our orders say at the broker.
    pub terms: Terms,
    /// Every record as it was written: what survives is a prefix.
    pub written: Vec<Item>,
}

impl Oracle {
    /// Before the day.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self {
            facts: Facts::new(plan),
            doubts: Doubts::default(),
            wire: Wire::default(),
            ledger: LedgerCheck::default(),
            calls: Calls::default(),
            stream: OrderStream::default(),
            terms: Terms::default(),
            written: Vec::new(),
        }
    }

    /// A process came up.
    pub fn begin_process(&mut self, now: TsNs) {
        self.doubts.begin_process(now);
        self.terms = Terms::default();
        self.stream = OrderStream::default();
    }

    /// Records were written in a turn of the engine's, which began with a full disk or not.
    ///
    /// # Errors
    /// The first invariant that they break.
    pub fn journaled(&mut self, items: &[Item], on_full_disk: bool) -> Result<(), Broken> {
        let is_entry = |item: &&Item| matches!(item, Item::Command(Command::Place(place)) if place.purpose == Purpose::Entry);
        if on_full_disk && let Some(entry) = items.iter().find(is_entry) {
            return broken("I34", format!("an entry while the disk is full: {entry:?}"));
        }
        self.written.extend(items);
        items.iter().for_each(|item| self.calls.learn(item));
        items.iter().try_for_each(|item| self.facts.take(item))
    }

    /// The gateway told the engine of something.
    ///
    /// # Errors
    /// The invariant that it breaks.
    pub fn told(&mut self, now: TsNs, event: &Event) -> Result<(), Broken> {
        self.stream.take(now, event);
        self.doubts.take(now, event)
    }

    /// A request is about to leave; `durable` is the journal whose disk an entry has to wait for.
    ///
    /// # Errors
    /// The first invariant that it breaks.
    pub fn sending(
        &mut self,
        now: TsNs,
        request: &Request,
        durable: Option<&MemoryJournal>,
    ) -> Result<(), Broken> {
        self.terms.note_asked(now, request);
        self.wire.take(now, request, &self.facts, durable)
    }

    /// A step is over.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn stepped(&mut self, broker: &Broker, state: Option<&State>) -> Result<(), Broken> {
        self.ledger.check(broker, &self.facts)?;
        match state {
            Some(state) => self.facts.check_state(state),
            None => Ok(()),
        }
    }

    /// An engine's turn is over, and the process lives.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn turned(&mut self, now: TsNs, broker: &Broker, process: &Process) -> Result<(), Broken> {
        self.calls.check(process.state(), process.gateway.token_dead())?;
        if process.has_heard_all() {
            self.terms.check(now, broker, process.state())?;
            self.stream.check(now, process.state())?;
        }
        Ok(())
    }

    /// A process recovered: the journal as it survived is all that is known of the past. Placements that left and
    /// whose records a power cut took are remembered as orphans. `opening` is what the process wrote itself.
    ///
    /// # Errors
    /// I33, when what survived is not a prefix of what was written.
    pub fn recovered(&mut self, plan: &Plan, items: Vec<Item>, opening: &[Item]) -> Result<(), Broken> {
        self.check_prefix(&items, opening)?;
        let mut fresh = Facts::new(plan);
        items.iter().for_each(|item| fresh.learn(item));
        fresh.inherit_orphans(&self.facts);
        self.facts = fresh;
        self.calls = Calls::default();
        items.iter().for_each(|item| self.calls.learn(item));
        self.written = items;
        Ok(())
    }

    /// A process was killed before it had taken the day over: `items` is what lies on the disk, `opening` what it wrote.
    ///
    /// # Errors
    /// I33, as above.
    pub fn died_taking_over(&mut self, items: Vec<Item>, opening: &[Item]) -> Result<(), Broken> {
        self.check_prefix(&items, opening)?;
        self.written = items;
        Ok(())
    }

    /// I33: what is on the disk is a beginning of what was written before, and `opening`.
    fn check_prefix(&self, items: &[Item], opening: &[Item]) -> Result<(), Broken> {
        let survived = items.len().saturating_sub(opening.len());
        let is_prefix = self.written.get(..survived) == Some(&items[..survived]);
        if !is_prefix || items[survived..] != *opening {
            return broken(
                "I33",
                format!("{survived} records survived that were not written so"),
            );
        }
        Ok(())
    }

    /// A power cut took records: what was asked for and latched by them is not known any more.
    pub fn forget_lost(&mut self) {
        self.wire.forget_changes();
        self.facts.was_loss_latched = false;
        self.facts.pages = 0;
    }
}
