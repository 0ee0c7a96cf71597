//! The spikes planted into a synthetic day: who, when, how far, with how much volume, and what follows.
//!
//! The list is a pure function of the seed, so a test or a report can say which spikes a strategy met.
//! No instrument has two spikes in a day. Nothing here makes a spike pay: somewhat more than half go on.

use crate::random::Random;

/// Spikes of a day of 180 instruments; other sizes get their share, at least one.
const SPIKES_PER_180: i64 = 54;
/// Seconds after the open in which no spike begins, and before the close.
const QUIET_AFTER_OPEN_S: i64 = 600;
const QUIET_BEFORE_CLOSE_S: i64 = 2_400;

/// One planted spike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spike {
    /// Stock, counted from 0.
    pub stock: u32,
    /// Begins so many milliseconds after the open.
    pub start_ms: i64,
    /// Lasts so long: 10 to 30 s.
    pub length_ms: i64,
    /// How far the price goes: 80 to 250 basis points, negative for a fall.
    pub move_bps: i64,
    /// Volume against the usual one: 5 to 20 times.
    pub volume_times: i64,
    /// How far it goes afterwards, basis points: same sign goes on, opposite sign reverts.
    pub after_bps: i64,
    /// How long afterwards takes.
    pub after_ms: i64,
}

/// The spikes of a day of `stocks` stocks that is open for `open_ms`, in order of their start.
#[must_use]
pub fn plant(seed: u64, stocks: u32, open_ms: i64) -> Vec<Spike> {
    let mut random = Random::new(seed, 0x5b1e);
    let mut free: Vec<u32> = (0..stocks).collect();
    let count = (i64::from(stocks) * SPIKES_PER_180 / 180)
        .max(1)
        .min(i64::from(stocks));
    let latest = (open_ms - QUIET_BEFORE_CLOSE_S * 1_000).max(QUIET_AFTER_OPEN_S * 1_000);
    let mut spikes: Vec<Spike> = (0..count)
        .map(|_| {
            let pick = random.between(0, free.len() as i64 - 1) as usize;
            let rises = random.happens(550_000);
            let sign = if rises { 1 } else { -1 };
            let size_bps = random.between(80, 250);
            let goes_on = random.happens(550_000);
            let after = if goes_on {
                random.between(40, 120)
            } else {
                -random.between(40, 90)
            };
            Spike {
                stock: free.swap_remove(pick),
                start_ms: random.between(QUIET_AFTER_OPEN_S * 1_000, latest),
                length_ms: random.between(10_000, 30_000),
                move_bps: sign * size_bps,
                volume_times: random.between(5, 20),
                after_bps: sign * size_bps * after / 100,
                after_ms: random.between(120_000, 900_000),
            }
        })
        .collect();
    spikes.sort_by_key(|spike| (spike.start_ms, spike.stock));
    spikes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_day_has_several_spikes_an_hour_each_within_its_bounds() {
        let spikes = plant(1, 180, 22_500_000);
        assert_eq!(spikes.len(), 54);
        let mut per_hour = [0; 7];
        for spike in &spikes {
            per_hour[(spike.start_ms / 3_600_000) as usize] += 1;
            assert!((80..=250).contains(&spike.move_bps.abs()));
            assert!((10_000..=30_000).contains(&spike.length_ms));
            assert!((5..=20).contains(&spike.volume_times));
        }
        assert!(per_hour[..5].iter().all(|count| *count >= 3), "{per_hour:?}");
        assert_eq!(spikes, plant(1, 180, 22_500_000));
        assert_ne!(spikes, plant(2, 180, 22_500_000));
    }
}
