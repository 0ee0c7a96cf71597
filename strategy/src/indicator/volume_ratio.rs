//! Volume of a bar over the mean volume of the `PERIOD` bars *before* it (the mean is TA-Lib's `SMA`).
//!
//! The bar itself is left out of its own yardstick, so one huge bar cannot hide behind the mean it made.
//! A mean of zero gives no ratio.

use bijli_core::state_hash::StateHasher;

use super::sma::Sma;

/// Ratio of a bar's volume to the mean of those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VolumeRatio<const PERIOD: usize> {
    volumes: Sma<PERIOD>,
    value: Option<f64>,
}

impl<const PERIOD: usize> VolumeRatio<PERIOD> {
    /// Takes the volume of the next closed bar.
    pub fn update(&mut self, volume: i64) {
        self.value = self.peek(volume as f64);
        self.volumes.update(volume);
    }

    /// The ratio of the last closed bar; `None` until `PERIOD` bars came before it.
    #[must_use]
    pub const fn value(&self) -> Option<f64> {
        self.value
    }

    /// The ratio of a bar with this volume to the last `PERIOD` closed ones. The volume may be a pace:
    /// what a whole bar would hold if trading went on as now.
    #[must_use]
    pub fn peek(&self, volume: f64) -> Option<f64> {
        let mean = self.volumes.value()?;
        (mean > 0.0).then(|| volume / mean)
    }

    /// The mean volume of the last `PERIOD` closed bars; `None` until warm.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        self.volumes.value()
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        self.volumes.hash_into(hasher);
        hasher.f64(self.value.unwrap_or(-1.0));
    }
}
