//! Average true range (TA-Lib `ATR`, Wilder's smoothing). The first bar has no true range, for want of a
//! previous close; the seed is the mean of the next `period` ranges, so it is warm after `period` + 1 bars.

use bijli_core::state_hash::StateHasher;

/// Wilder's average true range of integer prices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Atr {
    period: u32,
    /// Ranges seen, at most `period`.
    ranges: u32,
    previous_close: Option<i64>,
    /// The sum of ranges until warm, their average afterwards.
    value: f64,
}

impl Atr {
    /// An average over `period` ranges.
    ///
    /// # Panics
    /// When `period` is zero.
    #[must_use]
    pub fn new(period: u32) -> Self {
        assert!(period > 0, "an average is over at least one range");
        Self {
            period,
            ranges: 0,
            previous_close: None,
            value: 0.0,
        }
    }

    /// Takes the next bar.
    pub fn update(&mut self, high: i64, low: i64, close: i64) {
        let Some(previous) = self.previous_close.replace(close) else {
            return;
        };
        let range = true_range(high, low, previous);
        if self.is_warm() {
            self.value = self.smoothed(range);
            return;
        }
        self.value += range;
        self.ranges += 1;
        if self.is_warm() {
            self.value /= f64::from(self.period);
        }
    }

    /// The average range, in the unit of the prices; `None` until warm.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.is_warm().then_some(self.value)
    }

    /// The average if a bar with these extremes closed now; `None` while not yet warm.
    #[must_use]
    pub fn peek(&self, high: i64, low: i64) -> Option<f64> {
        let previous = self.previous_close.filter(|_| self.is_warm())?;
        Some(self.smoothed(true_range(high, low, previous)))
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(u64::from(self.ranges));
        hasher.i64(self.previous_close.unwrap_or(i64::MIN));
        hasher.f64(self.value);
    }

    fn smoothed(&self, range: f64) -> f64 {
        let period = f64::from(self.period);
        (self.value * (period - 1.0) + range) / period
    }

    const fn is_warm(&self) -> bool {
        self.ranges == self.period
    }
}

fn true_range(high: i64, low: i64, previous_close: i64) -> f64 {
    (high.max(previous_close) - low.min(previous_close)) as f64
}
