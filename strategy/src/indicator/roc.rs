//! Rate of change in percent (TA-Lib `ROC`): (value / value `PERIOD` ago − 1) × 100, warm after `PERIOD` + 1
//! values. A reference that is not positive gives 0, as TA-Lib gives for zero.

use bijli_core::state_hash::StateHasher;

/// Rate of change of integer closes, percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roc<const PERIOD: usize> {
    ring: [i64; PERIOD],
    next: u32,
    count: u32,
    value: Option<f64>,
}

impl<const PERIOD: usize> Default for Roc<PERIOD> {
    fn default() -> Self {
        const { assert!(PERIOD > 0) };
        Self {
            ring: [0; PERIOD],
            next: 0,
            count: 0,
            value: None,
        }
    }
}

impl<const PERIOD: usize> Roc<PERIOD> {
    /// Takes the next close.
    pub fn update(&mut self, close: i64) {
        self.value = self.peek(close);
        self.ring[self.next as usize] = close;
        self.next = if self.next as usize + 1 == PERIOD {
            0
        } else {
            self.next + 1
        };
        self.count = (self.count + 1).min(PERIOD as u32);
    }

    /// The rate of the last close; `None` until warm.
    #[must_use]
    pub const fn value(&self) -> Option<f64> {
        self.value
    }

    /// The rate if a bar closed at `close` now; `None` until `PERIOD` closes are known.
    #[must_use]
    pub fn peek(&self, close: i64) -> Option<f64> {
        (self.count as usize == PERIOD).then(|| rate_of_change(self.ring[self.next as usize], close))
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(u64::from(self.next));
        hasher.u64(u64::from(self.count));
        for value in &self.ring {
            hasher.i64(*value);
        }
        hasher.f64(self.value.unwrap_or(0.0));
    }
}

/// The change from `reference` to `value`, percent of `reference`; 0 where `reference` is not positive.
#[must_use]
pub fn rate_of_change(reference: i64, value: i64) -> f64 {
    if reference > 0 {
        (value as f64 / reference as f64 - 1.0) * 100.0
    } else {
        0.0
    }
}
