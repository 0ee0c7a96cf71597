//! Mean and population deviation of the last `PERIOD` closes: the yardstick of the price part of the score.
//!
//! The price that is judged is never among those that judge it: an included point of n can lie at most
//! √(n − 1) deviations out, which blunted the spike detector that this replaces. Both sums are exact integers
//! (the squares in 128 bits), so there is no cancellation at high prices, and no drift.

use bijli_core::state_hash::StateHasher;

use super::sma::Sma;

/// Yardstick of the last `PERIOD` integers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Deviation<const PERIOD: usize> {
    values: Sma<PERIOD>,
    squares: i128,
    /// Population standard deviation; meaningful once warm.
    sigma: f64,
}

impl<const PERIOD: usize> Deviation<PERIOD> {
    /// Takes the next value.
    pub fn update(&mut self, value: i64) {
        let square = |value: i64| i128::from(value) * i128::from(value);
        let left = self.values.update(value);
        self.squares += square(value) - left.map_or(0, square);
        if self.values.is_warm() {
            let spread = PERIOD as i128 * self.squares - square(self.values.sum());
            self.sigma = (spread as f64).sqrt() / PERIOD as f64;
        }
    }

    /// Mean of the last `PERIOD` values; `None` until warm.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        self.values.value()
    }

    /// Population standard deviation of the last `PERIOD` values; `None` until warm.
    #[must_use]
    pub fn sigma(&self) -> Option<f64> {
        self.values.is_warm().then_some(self.sigma)
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        self.values.hash_into(hasher);
    }
}
