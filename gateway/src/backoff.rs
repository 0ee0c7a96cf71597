//! Pauses between attempts to reconnect: exponential with full jitter.
//!
//! Invariants: a pause lies between zero and a bound that doubles from 250 ms to 30 s; attempts never end; the
//! same seed gives the same pauses. Clients that reconnect without a pause are refused by the broker.

use std::time::Duration;

use crate::jitter::Jitter;

/// Bound of the first pause.
pub const BOUND_FIRST: Duration = Duration::from_millis(250);
/// Bound of the longest pause.
pub const BOUND_MAX: Duration = Duration::from_secs(30);

/// The pauses of one connection.
#[derive(Clone, Debug)]
pub struct Backoff {
    failures: u32,
    jitter: Jitter,
}

impl Backoff {
    /// No failure yet.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            failures: 0,
            jitter: Jitter::new(seed),
        }
    }

    /// A connection was good: the pauses begin anew.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// The pause before the next attempt.
    pub fn next_pause(&mut self) -> Duration {
        let bound = BOUND_FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(BOUND_MAX);
        self.failures = self.failures.saturating_add(1);
        let bound_ns = u64::try_from(bound.as_nanos()).expect("thirty seconds fit");
        Duration::from_nanos(self.jitter.below(bound_ns + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_under_a_bound_that_doubles_and_then_stands() {
        let mut longest = [Duration::ZERO; 12];
        for seed in 0..2_000 {
            let mut backoff = Backoff::new(seed);
            for longest in &mut longest {
                *longest = backoff.next_pause().max(*longest);
            }
        }
        for (attempt, longest) in longest.iter().enumerate() {
            let bound = (BOUND_FIRST * (1 << attempt)).min(BOUND_MAX);
            assert!(*longest <= bound, "attempt {attempt}: {longest:?}");
            assert!(
                *longest > bound / 2,
                "attempt {attempt} uses its whole range: {longest:?}"
            );
        }
    }

    #[test]
    fn a_good_connection_starts_over_and_a_seed_repeats_itself() {
        let mut backoff = Backoff::new(7);
        let first: Vec<Duration> = (0..20).map(|_| backoff.next_pause()).collect();
        backoff.reset();
        assert!(backoff.next_pause() <= BOUND_FIRST);
        let mut again = Backoff::new(7);
        assert_eq!((0..20).map(|_| again.next_pause()).collect::<Vec<_>>(), first);
    }
}
