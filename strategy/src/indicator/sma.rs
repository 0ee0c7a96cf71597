//! Simple moving average (TA-Lib `SMA`): the mean of the last `PERIOD` values, warm after `PERIOD` of them.
//!
//! Invariant: `sum` is the exact integer sum of the values in the ring. Values must stay so small that
//! `PERIOD` of them fit into an `i64`; the tracker turns larger ones away.

use bijli_core::state_hash::StateHasher;

/// Mean of the last `PERIOD` integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sma<const PERIOD: usize> {
    ring: [i64; PERIOD],
    next: u32,
    count: u32,
    sum: i64,
}

impl<const PERIOD: usize> Default for Sma<PERIOD> {
    fn default() -> Self {
        const { assert!(PERIOD > 0) };
        Self {
            ring: [0; PERIOD],
            next: 0,
            count: 0,
            sum: 0,
        }
    }
}

impl<const PERIOD: usize> Sma<PERIOD> {
    /// Takes the next value; gives back the one that left the window, if it was full.
    pub fn update(&mut self, value: i64) -> Option<i64> {
        let slot = &mut self.ring[self.next as usize];
        let left = (self.count as usize == PERIOD).then_some(*slot);
        self.sum += value - left.unwrap_or(0);
        *slot = value;
        self.next = if self.next as usize + 1 == PERIOD {
            0
        } else {
            self.next + 1
        };
        self.count = (self.count + 1).min(PERIOD as u32);
        left
    }

    /// The mean; `None` until warm.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.is_warm().then(|| self.sum as f64 / PERIOD as f64)
    }

    /// The mean if `value` came next.
    #[must_use]
    pub fn peek(&self, value: i64) -> Option<f64> {
        if (self.count as usize) + 1 < PERIOD {
            return None;
        }
        let leaves = if self.is_warm() {
            self.ring[self.next as usize]
        } else {
            0
        };
        Some((self.sum - leaves + value) as f64 / PERIOD as f64)
    }

    /// The exact sum of the values in the window, warm or not.
    #[must_use]
    pub const fn sum(&self) -> i64 {
        self.sum
    }

    /// Whether the window is full.
    #[must_use]
    pub const fn is_warm(&self) -> bool {
        self.count as usize == PERIOD
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(u64::from(self.next));
        hasher.u64(u64::from(self.count));
        for value in &self.ring {
            hasher.i64(*value);
        }
    }
}
