//! Moving average convergence and divergence (TA-Lib `MACD`, default 12/26/9).
//!
//! As in TA-Lib the fast average starts together with the slow one: its seed is the mean of the *last* `fast`
//! values of the slow one's seed. The signal line is seeded with the mean of the first `signal` differences,
//! so all three lines are warm after `slow` + `signal` − 1 values.

use bijli_core::state_hash::StateHasher;

use super::ema::Ema;

/// The three lines, in the unit of the prices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MacdLines {
    /// Fast average less slow average.
    pub macd: f64,
    /// Average of that difference.
    pub signal: f64,
    /// Difference less its average.
    pub histogram: f64,
}

/// Fast and slow average, their difference, and its average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Macd {
    /// Values that the slow average takes before the fast one starts.
    fast_waits: u32,
    fast: Ema,
    slow: Ema,
    signal: Ema,
}

impl Default for Macd {
    fn default() -> Self {
        Self::new(12, 26, 9)
    }
}

impl Macd {
    /// Lines of these periods.
    ///
    /// # Panics
    /// When a period is zero or `fast` is above `slow`.
    #[must_use]
    pub fn new(fast: u32, slow: u32, signal: u32) -> Self {
        assert!(fast <= slow, "the fast average is over fewer values");
        Self {
            fast_waits: slow - fast,
            fast: Ema::new(fast),
            slow: Ema::new(slow),
            signal: Ema::new(signal),
        }
    }

    /// Takes the next value.
    pub fn update(&mut self, value: f64) {
        self.slow.update(value);
        if self.fast_waits > 0 {
            self.fast_waits -= 1;
            return;
        }
        self.fast.update(value);
        if let (Some(fast), Some(slow)) = (self.fast.value(), self.slow.value()) {
            self.signal.update(fast - slow);
        }
    }

    /// The lines; `None` until all three are warm.
    #[must_use]
    pub fn value(&self) -> Option<MacdLines> {
        let signal = self.signal.value()?;
        Some(lines(self.fast.value()? - self.slow.value()?, signal))
    }

    /// The lines if `value` came next; `None` while not yet warm.
    #[must_use]
    pub fn peek(&self, value: f64) -> Option<MacdLines> {
        let macd = self.fast.peek(value)? - self.slow.peek(value)?;
        Some(lines(macd, self.signal.peek(macd)?))
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(u64::from(self.fast_waits));
        self.fast.hash_into(hasher);
        self.slow.hash_into(hasher);
        self.signal.hash_into(hasher);
    }
}

fn lines(macd: f64, signal: f64) -> MacdLines {
    MacdLines {
        macd,
        signal,
        histogram: macd - signal,
    }
}
