//! The last instants at which something happened, to ask whether it happened too often.
//!
//! Invariants: instants are added in the order of time; nothing is allocated; the oldest of [`RECENT_MAX`] makes room
//! for the newest. A limit above what is kept is asked as if it were [`RECENT_MAX`], which errs towards "too often".

use crate::state_hash::StateHasher;
use crate::time::{DurationNs, TsNs};

/// How many instants are kept; the largest limit that a window can have.
pub const RECENT_MAX: usize = 256;

/// A ring of instants.
#[derive(Clone, Copy, Debug)]
pub struct RecentTimes {
    times: [TsNs; RECENT_MAX],
    count: u64,
}

impl Default for RecentTimes {
    fn default() -> Self {
        Self::NONE
    }
}

impl RecentTimes {
    /// Nothing happened yet.
    pub const NONE: Self = Self {
        times: [TsNs::NEVER; RECENT_MAX],
        count: 0,
    };

    /// Adds an instant, not before the one added last.
    pub fn push(&mut self, now: TsNs) {
        self.times[self.slot(self.count)] = now;
        self.count += 1;
    }

    /// Whether `limit` instants or more lie less than `window` before `now`; a limit of zero is always reached.
    #[must_use]
    pub fn is_reached(&self, limit: u32, window: DurationNs, now: TsNs) -> bool {
        let limit = u64::from(limit).min(RECENT_MAX as u64);
        if limit == 0 {
            return true;
        }
        limit <= self.count && now.since(self.times[self.slot(self.count - limit)]) < window
    }

    /// The clock was set forward by `length`, so that `now` is later than what has passed: every instant moves with it,
    /// none beyond `now`.
    pub(crate) fn follow_step(&mut self, length: DurationNs, now: TsNs) {
        for number in self.count.saturating_sub(RECENT_MAX as u64)..self.count {
            let slot = self.slot(number);
            self.times[slot] = self.times[slot].plus(length).min(now);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.count = 0;
    }

    const fn slot(&self, number: u64) -> usize {
        (number % RECENT_MAX as u64) as usize
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(self.count);
        for number in self.count.saturating_sub(RECENT_MAX as u64)..self.count {
            hasher.i64(self.times[self.slot(number)].get());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_window_counts_as_a_list_would(
            gaps in prop::collection::vec(0i64..2_000, 0..600), limit in 0u32..300, window in 1i64..100_000,
        ) {
            let (mut ring, mut list, mut now) = (RecentTimes::default(), Vec::new(), 1);
            for gap in gaps {
                now += gap;
                ring.push(TsNs::new(now));
                list.push(now);
                let within = list.iter().filter(|at| now - **at < window).count();
                let expected = within >= (limit as usize).min(RECENT_MAX);
                prop_assert_eq!(ring.is_reached(limit, DurationNs::new(window), TsNs::new(now)), expected);
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_forward_makes_no_window_shorter() {
        let (second, mut ring) = (DurationNs::from_secs(1), RecentTimes::default());
        ring.push(TsNs::new(5));
        ring.push(TsNs::new(7));
        let hour = DurationNs::from_secs(3_600);
        let now = TsNs::new(10).plus(hour);
        assert!(!ring.is_reached(1, second, now), "it would");
        ring.follow_step(hour, now);
        assert!(ring.is_reached(2, second, now));
        let later = TsNs::new(6).plus(hour).plus(second);
        assert!(ring.is_reached(1, second, later));
        assert!(!ring.is_reached(2, second, later), "a second after they were");
        ring.follow_step(hour, later);
        assert!(ring.is_reached(2, second, later), "never later than now");
    }

    #[test]
    fn nothing_reaches_only_a_limit_of_zero() {
        let mut ring = RecentTimes::default();
        assert!(!ring.is_reached(1, DurationNs::from_secs(1), TsNs::new(5)));
        assert!(ring.is_reached(0, DurationNs::from_secs(1), TsNs::new(5)));
        ring.push(TsNs::new(5));
        assert!(ring.is_reached(1, DurationNs::from_secs(1), TsNs::new(5)));
        ring.clear();
        assert!(!ring.is_reached(1, DurationNs::from_secs(1), TsNs::new(5)));
    }
}
