//! How long to wait before the next attempt: exponential with full jitter, endless, reproducible by seed.
//!
//! Invariants: a wait lies between zero and the current ceiling; the ceiling doubles from 250 ms to 30 s; the same
//! seed gives the same waits. Full jitter keeps many clients from knocking in step after an outage.
//! Left out: when to give up (never: the day's session decides).

use bijli_core::time::DurationNs;

/// Ceiling of the first wait.
pub const WAIT_FIRST: DurationNs = DurationNs::from_millis(250);
/// Ceiling of every later wait.
pub const WAIT_MAX: DurationNs = DurationNs::from_secs(30);

const _: () = assert!(WAIT_FIRST.get() > 0 && WAIT_FIRST.get() < WAIT_MAX.get());

/// Waits between attempts.
#[derive(Clone, Debug)]
pub struct Backoff {
    random: u64,
    ceiling: DurationNs,
    attempts: u32,
}

impl Backoff {
    /// A fresh row of waits.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            random: seed,
            ceiling: WAIT_FIRST,
            attempts: 0,
        }
    }

    /// The next wait.
    pub fn next_wait(&mut self) -> DurationNs {
        let span = self.ceiling.get().unsigned_abs() + 1;
        let wait = (u128::from(self.next_random()) * u128::from(span)) >> 64;
        self.attempts = self.attempts.saturating_add(1);
        self.ceiling = DurationNs::new((self.ceiling.get() * 2).min(WAIT_MAX.get()));
        DurationNs::new(wait as i64)
    }

    /// Starts over: the last attempt held.
    pub const fn reset(&mut self) {
        self.ceiling = WAIT_FIRST;
        self.attempts = 0;
    }

    /// Attempts since the last one that held.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): one addition of state, three mixing steps.
    const fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_under_a_ceiling_that_doubles_to_thirty_seconds() {
        let mut backoff = Backoff::new(7);
        let mut ceiling = WAIT_FIRST.get();
        let mut longest = 0;
        for _ in 0..1000 {
            let wait = backoff.next_wait().get();
            assert!((0..=ceiling).contains(&wait));
            longest = longest.max(wait);
            ceiling = (ceiling * 2).min(WAIT_MAX.get());
        }
        assert!(longest > WAIT_MAX.get() * 9 / 10, "jitter fills the whole range");
    }

    #[test]
    fn the_same_seed_waits_the_same_and_another_seed_does_not() {
        let waits = |seed| {
            let mut backoff = Backoff::new(seed);
            [(); 8].map(|()| backoff.next_wait())
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }
}
