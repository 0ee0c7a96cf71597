//! The spike score: how strongly the newest tick looks like the start of a move, 0 to 1, from six visible parts.
//!
//! The direction is that of the price change over the rolling window (30 s). Each part is 0 to 1 and looks
//! for evidence in that direction only; the score is their weighted sum, the weights adding up to 1.
//! `ramp(x, a, b)` is 0 up to a, 1 from b on, and straight in between.
//!
//! | part | weight | formula |
//! |---|---|---|
//! | price | 0.12 | ramp(z, 2, 5), z = (price − mean) / σ of the last 20 closed minutes, σ at least 5 bps of the mean |
//! | volume | 0.30 | ramp(r, 1.5, 6), r = pace of the window per minute / mean volume of the last 20 minutes |
//! | momentum | 0.34 | ramp(m, 3.5, 9), m = ROC over the window / ATR 14 of the minutes, the ATR at least 8 bps of the price |
//! | trend | 0.08 | share of the warm averages beyond which the price lies: EMA 20, SMA 50, SMA 200, EMA 9 of 5 min |
//! | macd | 0.08 | ramp(h / ATR, 0, 0.25), h = MACD 12/26/9 histogram if the minute closed now |
//! | rsi | 0.08 | ramp(RSI 14 if the minute closed now, 50, 75); for falls ramp(100 − RSI, 50, 75) |
//!
//! A part whose indicator is not warm is 0. Without volume a score cannot pass 0.70, without momentum not 0.66:
//! neither a jump on no trade nor a burst of volume on the spot is a signal at the default threshold of 0.72.
//! The floors of σ and ATR keep a quiet spell from making a spike of a few ticks. Price, trend, macd and rsi judge the
//! same move against longer memories; they are alike, hence light.
//!
//! The plan of the replaced system named these factors and no weights. Weights and ramps were chosen on recorded
//! days (`examples/tune.rs` prints the outcome): 2 to 6 signals a day on the ticks of 50 large shares (2021), 60 to
//! 110 on expanded bars of 166 large and middle ones (2016), where a minute is all the detail there is.

use bijli_core::Price;
use bijli_core::order::Side;
use bijli_core::price::BPS;
use bijli_core::strategy::SCORE_PARTS;

/// Averages that the trend part asks.
pub const AVERAGES_MAX: usize = 4;
/// One whole in millionths.
const PPM: f64 = 1_000_000.0;

/// Weights of the parts, in the order of [`SCORE_PARTS`], millionths; they add up to 1 000 000.
pub const WEIGHTS_PPM: [u32; SCORE_PARTS.len()] = [120_000, 300_000, 340_000, 80_000, 80_000, 80_000];

const _: () = {
    let (mut sum, mut part) = (0, 0);
    while part < WEIGHTS_PPM.len() {
        sum += WEIGHTS_PPM[part];
        part += 1;
    }
    assert!(sum == 1_000_000);
};

/// Deviations below this are taken as this, basis points of the mean.
const SIGMA_MIN_BPS: f64 = 5.0;
/// True ranges below this are taken as this, basis points of the price.
const ATR_MIN_BPS: f64 = 8.0;

const Z_RAMP: (f64, f64) = (2.0, 5.0);
const VOLUME_RAMP: (f64, f64) = (1.5, 6.0);
const MOMENTUM_RAMP: (f64, f64) = (3.5, 9.0);
const HISTOGRAM_RAMP: (f64, f64) = (0.0, 0.25);
const RSI_RAMP: (f64, f64) = (50.0, 75.0);

/// What the score is made of. Prices, means and ranges in 1/10 000 rupee.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpikeFacts {
    /// Newest price.
    pub price: Price,
    /// Price a window ago.
    pub base_price: Price,
    /// Mean of the last 20 closed minutes.
    pub mean: f64,
    /// Their population deviation.
    pub sigma: f64,
    /// Average true range of closed minutes.
    pub atr: f64,
    /// Pace of volume against its mean; `None` where nothing was traded before.
    pub volume_ratio: Option<f64>,
    /// Averages that are warm.
    pub averages: [Option<f64>; AVERAGES_MAX],
    /// Histogram if the minute closed now.
    pub macd_histogram: Option<f64>,
    /// Relative strength if the minute closed now, 0 to 100.
    pub rsi: Option<f64>,
}

/// A score with its direction and parts, all in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpikeScore {
    /// Buy for a rise, sell for a fall.
    pub side: Side,
    /// 0 to 1 000 000.
    pub score_ppm: u32,
    /// Each 0 to 1 000 000, in the order of [`SCORE_PARTS`].
    pub parts_ppm: [u32; SCORE_PARTS.len()],
}

impl SpikeFacts {
    /// The score; `None` where the price stands where it stood a window ago, so that there is no direction.
    #[must_use]
    pub fn score(&self) -> Option<SpikeScore> {
        let change = self.price.minus(self.base_price).get();
        let (side, direction) = match change {
            0 => return None,
            1.. => (Side::Buy, 1.0),
            _ => (Side::Sell, -1.0),
        };
        let price = self.price.get() as f64;
        let sigma = self.sigma.max(self.mean * SIGMA_MIN_BPS / BPS as f64);
        let atr = self.atr.max(price * ATR_MIN_BPS / BPS as f64);
        let z = direction * (price - self.mean) / sigma;
        let momentum = direction * change as f64 / atr;
        let histogram = self.macd_histogram.map_or(0.0, |lines| direction * lines / atr);
        let rsi = self.rsi.map_or(50.0, |rsi| 50.0 + direction * (rsi - 50.0));
        let parts_ppm = [
            ramp_ppm(z, Z_RAMP),
            ramp_ppm(self.volume_ratio.unwrap_or(0.0), VOLUME_RAMP),
            ramp_ppm(momentum, MOMENTUM_RAMP),
            self.trend_ppm(direction),
            ramp_ppm(histogram, HISTOGRAM_RAMP),
            ramp_ppm(rsi, RSI_RAMP),
        ];
        Some(SpikeScore {
            side,
            score_ppm: weighted(&parts_ppm),
            parts_ppm,
        })
    }

    fn trend_ppm(&self, direction: f64) -> u32 {
        let price = self.price.get() as f64;
        let (mut warm, mut beyond) = (0_u32, 0_u32);
        for average in self.averages.iter().flatten() {
            warm += 1;
            if direction * (price - average) > 0.0 {
                beyond += 1;
            }
        }
        (1_000_000 * beyond).checked_div(warm).unwrap_or(0)
    }
}

/// The weighted sum of the parts in whole millionths: integer from here on, so a threshold is exact.
fn weighted(parts_ppm: &[u32; SCORE_PARTS.len()]) -> u32 {
    let sum: u64 = parts_ppm
        .iter()
        .zip(WEIGHTS_PPM)
        .map(|(part, weight)| u64::from(*part) * u64::from(weight))
        .sum();
    (sum / 1_000_000) as u32
}

fn ramp_ppm(x: f64, (from, to): (f64, f64)) -> u32 {
    // A cast from float to integer saturates, and turns what is not a number into zero.
    ((x - from) / (to - from) * PPM).clamp(0.0, PPM) as u32
}
