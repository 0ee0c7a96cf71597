//! How many keys may be subscribed in which mode.
//!
//! Source: the broker's API documentation (limits of the market feed): one number per mode when a single mode is
//! used, smaller ones when modes are mixed. The mixed number of `full_d30` is not certain, hence an option.

use crate::feed_frame::FeedMode;
use crate::options::SocketOptions;

const MODES: usize = 4;
/// Keys when one mode alone is used: ltpc, full, option_greeks, full_d30.
const SINGLE_MAX: [u32; MODES] = [5_000, 2_000, 3_000, 50];
/// Keys of each mode when several are used; that of full_d30 comes from the options.
const MIXED_MAX: [u32; MODES - 1] = [2_000, 1_500, 2_000];

/// Keys subscribed in each mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyCounts([u32; MODES]);

impl KeyCounts {
    pub(crate) const fn add(&mut self, mode: FeedMode) {
        self.0[mode as usize] += 1;
    }

    pub(crate) const fn remove(&mut self, mode: FeedMode) {
        self.0[mode as usize] -= 1;
    }

    /// The keys of two sockets together.
    pub(crate) fn plus(mut self, other: Self) -> Self {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
        self
    }

    /// All keys.
    pub(crate) fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    /// Whether so many keys are allowed.
    pub(crate) fn fits(&self, options: &SocketOptions) -> bool {
        let modes_used = self.0.iter().filter(|count| **count > 0).count();
        let [ltpc, full, greeks] = MIXED_MAX;
        let max = if modes_used > 1 {
            [ltpc, full, greeks, options.full_d30_keys_mixed_max]
        } else {
            SINGLE_MAX
        };
        self.0.iter().zip(max).all(|(count, max)| *count <= max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_mode_has_more_room_than_a_mixture() {
        let options = SocketOptions::default();
        for (counts, fits) in [
            ([5_000, 0, 0, 0], true),
            ([5_001, 0, 0, 0], false),
            ([0, 2_000, 0, 0], true),
            ([0, 2_001, 0, 0], false),
            ([0, 0, 3_000, 0], true),
            ([0, 0, 3_001, 0], false),
            ([0, 0, 0, 50], true),
            ([0, 0, 0, 51], false),
            ([2_000, 1_500, 2_000, 1_500], true),
            ([2_001, 1, 0, 0], false),
            ([1, 1_501, 0, 0], false),
            ([1, 0, 2_001, 0], false),
            ([1, 0, 0, 1_501], false),
        ] {
            assert_eq!(KeyCounts(counts).fits(&options), fits, "{counts:?}");
        }
    }
}
