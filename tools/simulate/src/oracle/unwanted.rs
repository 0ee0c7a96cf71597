//! What a person's `exit` of one instrument means beyond what is held just then: entries that were placed before it are
//! taken back, and what they fill all the same is left.
//!
//! Folded from the journal. Whether a resume was refused, only the engine knows: the fold takes the milder reading. What
//! somebody else ordered in the instrument may stand before an exit: then nothing is owed there.

use std::collections::{BTreeMap, BTreeSet};

use bijli_core::InstrumentId;
use bijli_core::command::Place;
use bijli_core::event::{Controlled, Traded, Verb};
use bijli_core::order::Purpose;
use bijli_core::state::State;

use super::{Broken, broken};

/// The fold.
#[derive(Clone, Debug, Default)]
pub struct Unwanted {
    /// Entries of ours that a person's exit came behind.
    entries: BTreeSet<u64>,
    /// Instruments in which one of them filled, which is to be left.
    owed: BTreeSet<u32>,
    /// What is held, as it was told.
    held: BTreeMap<u32, i64>,
}

impl Unwanted {
    /// A person's word was taken.
    pub fn learn(&mut self, control: &Controlled, places: &BTreeMap<u64, Place>) {
        match (control.verb, control.instrument) {
            (Verb::Exit, Some(instrument)) => {
                let is_meant =
                    |place: &&Place| place.instrument == instrument && place.purpose == Purpose::Entry;
                let meant = places.values().filter(is_meant);
                self.entries.extend(meant.map(|place| place.intent.get()));
            }
            (Verb::Resume, _) => {
                self.entries.clear();
                self.owed.clear();
            }
            _ => {}
        }
    }

    /// Whether an entry is to be taken back.
    #[must_use]
    pub fn has(&self, intent: u64) -> bool {
        self.entries.contains(&intent)
    }

    /// A trade was told.
    pub fn learn_trade(&mut self, trade: &Traded) {
        let before = self.held.get(&trade.instrument.get()).copied().unwrap_or(0);
        self.learn_position(trade.instrument, before + trade.side.sign() * trade.qty.get());
        match trade.intent {
            Some(intent) if self.has(intent.get()) => {
                self.owed.insert(trade.instrument.get());
            }
            Some(_) => {}
            None => self.excuse(trade.instrument.get()),
        }
    }

    /// So much is held now: where it is nothing, nothing is owed any more, whatever is bought next.
    pub fn learn_position(&mut self, instrument: InstrumentId, held: i64) {
        self.held.insert(instrument.get(), held);
        if held == 0 {
            self.owed.remove(&instrument.get());
        }
    }

    /// Somebody else acts in an instrument.
    pub fn excuse(&mut self, instrument: u32) {
        self.owed.remove(&instrument);
    }

    /// L2: what an unwanted entry filled is to be left from the moment at which the engine hears of it until it is flat;
    /// that it is flat in the end, I26 asks.
    ///
    /// # Errors
    /// When nobody means to leave it.
    pub fn check(&mut self, state: &State) -> Result<(), Broken> {
        let is_held = |id: &u32| !state.positions()[*id as usize].is_flat();
        self.owed.retain(is_held);
        for id in &self.owed {
            let held = state.held().get(InstrumentId::new(*id));
            if !held.is_some_and(|held| held.exit_asked) {
                let found =
                    format!("instrument {id}: an entry filled after its exit was asked for, and is kept");
                return broken("L2", found);
            }
        }
        Ok(())
    }
}
