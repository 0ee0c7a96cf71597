//! Whether a read is asked again, and when: a few times, after growing pauses with full jitter.
//!
//! Invariants: at most [`TRIES_MAX`] tries; a pause is never shorter than the server asked for; a server that
//! asks for more than [`PAUSE_MAX`] is not waited for. Left out: writes, for which this type is never made: the
//! broker has no idempotency key, so a second try of a write is a second order.

use bijli_core::DurationNs;

use crate::backoff::Backoff;

/// Most tries of one read, the first included.
pub const TRIES_MAX: u32 = 4;
/// Longest pause that is waited for.
pub const PAUSE_MAX: DurationNs = DurationNs::from_secs(60);

/// The tries of one read.
#[derive(Clone, Debug)]
pub struct Retry {
    tries: u32,
    backoff: Backoff,
}

impl Retry {
    /// The first try is under way.
    #[must_use]
    pub const fn new(jitter_seed: u64) -> Self {
        Self {
            tries: 1,
            backoff: Backoff::new(jitter_seed),
        }
    }

    /// The pause before the next try; `None` when there is none. `asked` is what the server asked for: jitter
    /// comes on top of it, so that not everybody returns at the same instant.
    pub fn next_pause(&mut self, asked: Option<DurationNs>) -> Option<DurationNs> {
        if self.tries >= TRIES_MAX {
            return None;
        }
        self.tries += 1;
        let jittered = i64::try_from(self.backoff.next_pause().as_nanos()).expect("at most half a minute");
        let pause = asked.unwrap_or(DurationNs::ZERO).plus(DurationNs::new(jittered));
        (asked.is_none_or(|asked| asked <= PAUSE_MAX)).then_some(pause)
    }

    /// Tries so far.
    #[must_use]
    pub const fn tries(&self) -> u32 {
        self.tries
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::backoff::BOUND_FIRST;

    proptest! {
        #[test]
        fn tries_are_bounded_and_pauses_stay_between_what_was_asked_and_the_doubling_bound(
            seed in any::<u64>(),
            asked in prop::collection::vec(prop::option::of(0..90_000_i64), 1..10),
        ) {
            let mut retry = Retry::new(seed);
            for (index, ms) in asked.into_iter().enumerate() {
                let asked = ms.map(DurationNs::from_millis);
                let pause = retry.next_pause(asked);
                let is_patient = asked.is_none_or(|asked| asked <= PAUSE_MAX);
                prop_assert_eq!(pause.is_some(), index + 1 < TRIES_MAX as usize && is_patient);
                let Some(pause) = pause else { continue };
                let least = asked.unwrap_or(DurationNs::ZERO);
                let bound = BOUND_FIRST.as_nanos() as i64 * (1 << index);
                prop_assert!(pause >= least);
                prop_assert!(pause.minus(least).get() <= bound);
            }
            prop_assert!(retry.tries() <= TRIES_MAX);
        }
    }
}
