//! The oracle: what must hold at every step and at the end, judged from outside.
//!
//! It knows three things, none of which comes from the engine's or gateway's own computations: the records of the
//! journal as they are written ([`facts`]), the bytes that leave ([`wire`]), and the broker's true ledger
//! ([`ledger`]). The engine's state is looked at only where the invariant is about it ([`end`]). The list of
//! invariants, and which are checked where, stands in `FAULTS.md`.

pub mod facts;
pub mod wire;
pub mod ledger;
pub mod end;

use bijli_core::TsNs;
use bijli_core::codec::Item;
use bijli_core::state::State;
use bijli_gateway::Request;
use bijli_simulator::broker::Broker;

use crate::plan::Plan;

use facts::Facts;
use ledger::LedgerCheck;
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
    /// What left.
    pub wire: Wire,
    /// What the broker has.
    pub ledger: LedgerCheck,
}

impl Oracle {
    /// Before the day.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self {
            facts: Facts::new(plan),
            wire: Wire::default(),
            ledger: LedgerCheck::default(),
        }
    }

    /// Records were written.
    ///
    /// # Errors
    /// The first invariant that they break.
    pub fn journaled(&mut self, items: &[Item]) -> Result<(), Broken> {
        items.iter().try_for_each(|item| self.facts.take(item))
    }

    /// A request is about to leave.
    ///
    /// # Errors
    /// The first invariant that it breaks.
    pub fn sending(&mut self, now: TsNs, request: &Request) -> Result<(), Broken> {
        self.wire.take(now, request, &self.facts)
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

    /// A process recovered: the journal as it survived is all that is known of the past. Placements that left and
    /// whose records a power cut took are remembered as orphans.
    pub fn recovered(&mut self, plan: &Plan, items: impl Iterator<Item = Item>) {
        let mut fresh = Facts::new(plan);
        for item in items {
            fresh.learn(&item);
        }
        fresh.inherit_orphans(&self.facts);
        self.facts = fresh;
    }
}
