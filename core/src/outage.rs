//! How long something has been missing for which a person is called, once for each such time: market data of all
//! instruments, or the prices of one position.
//!
//! Invariant: an outage is told once, and the next one again. Left out: what counts as missing and for how long nobody is
//! called (`engine/supervise`, `engine/silence`), what makes data too old to trade on (`risk`, `quote`), and how the feed judges
//! itself (`bijli-feed`).

use crate::state_hash::StateHasher;
use crate::time::{DurationNs, TsNs};

/// The present outage, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Since when; [`TsNs::NEVER`] while nothing is missing.
    since: TsNs,
    is_told: bool,
}

impl Outage {
    pub(crate) const NONE: Self = Self {
        since: TsNs::NEVER,
        is_told: false,
    };

    /// Whether it is missing from now on; an outage goes on over repeated words of it.
    pub(crate) fn follow(&mut self, is_missing: bool, now: TsNs) {
        if !is_missing {
            *self = Self::NONE;
        } else if !self.since.is_set() {
            self.since = now;
        }
    }

    /// Whether somebody is to be called now, since it has lasted for `patience`; then it counts as told.
    pub(crate) fn take_due(&mut self, now: TsNs, patience: DurationNs) -> bool {
        let is_due = self.since.is_set() && !self.is_told && now.since(self.since) >= patience;
        self.is_told |= is_due;
        is_due
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.i64(self.since.get());
        hasher.u64(self.is_told.into());
    }
}

impl Default for Outage {
    fn default() -> Self {
        Self::NONE
    }
}
