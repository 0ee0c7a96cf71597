//! Relative strength index (TA-Lib `RSI`, Wilder's smoothing): 100 × average gain / (average gain + average
//! loss). The first averages are plain means of the first `period` changes, so it is warm after `period` + 1
//! closes. Without any change it is 0, as in TA-Lib.

use bijli_core::state_hash::StateHasher;

/// Wilder's relative strength index of integer closes, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rsi {
    period: u32,
    /// Changes seen, at most `period`.
    changes: u32,
    previous: Option<i64>,
    /// Sums of gains and losses until warm, their averages afterwards.
    gain: f64,
    loss: f64,
}

impl Rsi {
    /// An index over `period` changes.
    ///
    /// # Panics
    /// When `period` is zero.
    #[must_use]
    pub fn new(period: u32) -> Self {
        assert!(period > 0, "an index is over at least one change");
        Self {
            period,
            changes: 0,
            previous: None,
            gain: 0.0,
            loss: 0.0,
        }
    }

    /// Takes the next close.
    pub fn update(&mut self, close: i64) {
        let Some(previous) = self.previous.replace(close) else {
            return;
        };
        if self.is_warm() {
            (self.gain, self.loss) = self.smoothed(close - previous);
            return;
        }
        let (gain, loss) = split(close - previous);
        self.gain += gain;
        self.loss += loss;
        self.changes += 1;
        if self.is_warm() {
            self.gain /= f64::from(self.period);
            self.loss /= f64::from(self.period);
        }
    }

    /// The index; `None` until warm.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.is_warm().then(|| index_of(self.gain, self.loss))
    }

    /// The index if a bar closed at `close` now; `None` while not yet warm.
    #[must_use]
    pub fn peek(&self, close: i64) -> Option<f64> {
        let previous = self.previous.filter(|_| self.is_warm())?;
        let (gain, loss) = self.smoothed(close - previous);
        Some(index_of(gain, loss))
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(u64::from(self.changes));
        hasher.i64(self.previous.unwrap_or(i64::MIN));
        hasher.f64(self.gain);
        hasher.f64(self.loss);
    }

    fn smoothed(&self, change: i64) -> (f64, f64) {
        let (gain, loss) = split(change);
        let period = f64::from(self.period);
        (
            (self.gain * (period - 1.0) + gain) / period,
            (self.loss * (period - 1.0) + loss) / period,
        )
    }

    const fn is_warm(&self) -> bool {
        self.changes == self.period
    }
}

fn split(change: i64) -> (f64, f64) {
    (change.max(0) as f64, (-change).max(0) as f64)
}

fn index_of(gain: f64, loss: f64) -> f64 {
    let both = gain + loss;
    if both > 0.0 { 100.0 * (gain / both) } else { 0.0 }
}
