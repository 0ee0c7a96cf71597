//! How long market data has been missing: a person with something open is called once for each such time.
//!
//! Invariants: a market that the broker calls closed is no outage; an outage goes on over a process start. Left out:
//! what makes data too old to trade on (`risk`, `quote`), and how the feed judges itself (`bijli-feed`).

use crate::event::FeedState;
use crate::state_hash::StateHasher;
use crate::time::{DurationNs, TsNs};

/// Data may be missing for so long before somebody is called; with a timer of a second that is within five.
const PATIENCE: DurationNs = DurationNs::from_secs(4);

/// The present outage, if there is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct FeedOutage {
    /// Since when; [`TsNs::NEVER`] while data comes.
    since: TsNs,
    is_told: bool,
}

impl FeedOutage {
    /// The feed's state is this from now on.
    pub(crate) fn follow(&mut self, state: FeedState, now: TsNs) {
        if matches!(state, FeedState::Live | FeedState::Closed) {
            *self = Self::default();
        } else if !self.since.is_set() {
            self.since = now;
        }
    }

    /// Whether somebody is to be called now; then it counts as told.
    pub(crate) fn take_due(&mut self, now: TsNs) -> bool {
        let is_due = self.since.is_set() && !self.is_told && now.since(self.since) >= PATIENCE;
        self.is_told |= is_due;
        is_due
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.i64(self.since.get());
        hasher.u64(self.is_told.into());
    }
}
