//! Seeded randomness in integers alone, so that a seed means the same day on every machine.
//!
//! The generator is SplitMix64 (Steele, Lea and Flood 2014): one word of state, good enough for shapes of
//! markets and choices of faults, and of no use for secrets.

/// A stream of numbers that its seed determines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Random(u64);

/// One whole in parts per million.
pub const PPM: u32 = 1_000_000;

impl Random {
    /// The stream of `seed`; streams of one seed with different `purpose` do not resemble one another.
    #[must_use]
    pub const fn new(seed: u64, purpose: u64) -> Self {
        let mut stream = Self(seed ^ purpose.wrapping_mul(0xd134_2543_de82_ef95));
        // The first words of near seeds are near: step away from them.
        let word = stream.word();
        Self(word)
    }

    /// The next 64 random bits.
    pub const fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number from `low` to `high`, both included.
    ///
    /// # Panics
    /// When `high` lies below `low`.
    pub const fn between(&mut self, low: i64, high: i64) -> i64 {
        assert!(low <= high, "a range has its ends in order");
        let span = (high - low) as u64 + 1;
        let scaled = ((self.word() >> 32) as u128 * span as u128) >> 32;
        low + scaled as i64
    }

    /// Whether an event of this probability, in parts per million, happens now.
    pub const fn happens(&mut self, ppm: u32) -> bool {
        ppm > 0 && self.between(0, PPM as i64 - 1) < ppm as i64
    }

    /// A bell-shaped number with mean 0 and standard deviation 1000, never beyond 3465 either way.
    pub const fn bell(&mut self) -> i64 {
        let word = self.word();
        let mut sum = 0;
        let mut part = 0;
        while part < 4 {
            sum += ((word >> (16 * part)) & 0xffff) as i64;
            part += 1;
        }
        // Four uniform numbers of 16 bits have a standard deviation of 65536 / sqrt(3) = 37 837.
        (sum - 2 * 0xffff) * 1000 / 37_837
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_purpose_determine_the_stream_and_different_ones_differ() {
        let take = |seed, purpose| {
            let mut random = Random::new(seed, purpose);
            [random.word(), random.word(), random.word()]
        };
        assert_eq!(take(7, 1), take(7, 1));
        assert_ne!(take(7, 1), take(7, 2));
        assert_ne!(take(7, 1), take(8, 1));
    }

    #[test]
    fn the_bell_has_its_mean_and_spread() {
        let mut random = Random::new(1, 1);
        let draws: Vec<i64> = (0..100_000).map(|_| random.bell()).collect();
        let mean = draws.iter().sum::<i64>() / 100_000;
        let variance = draws.iter().map(|draw| draw * draw).sum::<i64>() / 100_000;
        assert!(mean.abs() < 20, "{mean}");
        assert!((970_000..1_030_000).contains(&variance), "{variance}");
    }

    #[test]
    fn a_range_reaches_both_its_ends_and_nothing_beyond() {
        let mut random = Random::new(3, 3);
        let mut seen = [0; 4];
        for _ in 0..1_000 {
            seen[usize::try_from(random.between(-1, 2) + 1).expect("not below the range")] += 1;
        }
        assert!(seen.iter().all(|count| *count > 150), "{seen:?}");
    }
}
