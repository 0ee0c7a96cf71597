//! Exponential moving average (TA-Lib `EMA`): weight 2 / (period + 1), seeded with the mean of the first
//! `period` values, warm from there on.

use bijli_core::state_hash::StateHasher;

/// Exponential mean with a seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ema {
    period: u32,
    count: u32,
    weight: f64,
    /// The sum of the seed values until warm, the average afterwards.
    value: f64,
}

impl Ema {
    /// An average over `period` values.
    ///
    /// # Panics
    /// When `period` is zero.
    #[must_use]
    pub fn new(period: u32) -> Self {
        assert!(period > 0, "an average is over at least one value");
        Self {
            period,
            count: 0,
            weight: 2.0 / (f64::from(period) + 1.0),
            value: 0.0,
        }
    }

    /// Takes the next value.
    pub fn update(&mut self, value: f64) {
        if self.is_warm() {
            self.value += (value - self.value) * self.weight;
            return;
        }
        self.value += value;
        self.count += 1;
        if self.is_warm() {
            self.value /= f64::from(self.period);
        }
    }

    /// The average; `None` until warm.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.is_warm().then_some(self.value)
    }

    /// The average if `value` came next; `None` while not yet warm, even if `value` would make it so.
    #[must_use]
    pub fn peek(&self, value: f64) -> Option<f64> {
        self.is_warm()
            .then_some(self.value + (value - self.value) * self.weight)
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(u64::from(self.count));
        hasher.f64(self.value);
    }

    const fn is_warm(&self) -> bool {
        self.count == self.period
    }
}
