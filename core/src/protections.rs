//! What the risk gate remembers of the day beyond books and orders.
//!
//! Invariants: everything here follows from journaled events alone, so a restart rebuilds it; all of it is in the
//! state hash.

use crate::instrument::InstrumentId;
use crate::state_hash::StateHasher;
use crate::strategy::StrategyId;

/// The gate's own memory.
#[derive(Debug, Default)]
pub struct Protections {
    /// The strategy that last entered each instrument, by instrument id.
    owners: Vec<Option<StrategyId>>,
}

impl Protections {
    /// The strategy that last entered `instrument`: what its position and its exits are counted under. `None` where
    /// none of ours did.
    #[must_use]
    pub fn owner(&self, instrument: InstrumentId) -> Option<StrategyId> {
        self.owners.get(instrument.index()).copied().flatten()
    }

    /// Makes room for the next instrument of the table.
    pub(crate) fn list_instrument(&mut self) {
        self.owners.push(None);
    }

    /// Remembers that `strategy` opens `instrument`.
    pub(crate) fn note_entry(&mut self, instrument: InstrumentId, strategy: StrategyId) {
        self.owners[instrument.index()] = Some(strategy);
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        for owner in &self.owners {
            hasher.u64(owner.map_or(u64::MAX, |strategy| u64::from(strategy.get())));
        }
    }
}
