//! Everything remembered of one instrument's prices: bars, the rolling window and the indicators over both.
//!
//! Indicators move when a bar closes; between closes they are only peeked at with the forming price. The
//! tracker turns prices and volumes away that could not be summed exactly, so no tick can break it.
//!
//! Leaves out: soundness of ticks and session hours (the strategy decides) and the score (`spike`).

use bijli_core::state_hash::StateHasher;
use bijli_core::time::NS_PER_S;
use bijli_core::{Price, Qty, TsNs};

use crate::bar::{BarPeriod, Bars};
use crate::indicator::atr::Atr;
use crate::indicator::deviation::Deviation;
use crate::indicator::ema::Ema;
use crate::indicator::macd::Macd;
use crate::indicator::rsi::Rsi;
use crate::indicator::sma::Sma;
use crate::indicator::volume_ratio::VolumeRatio;
use crate::spike::{AVERAGES_MAX, SpikeFacts};
use crate::window::{Point, RollingWindow};

/// Largest price taken in, 1/10 000 rupee: ten million rupees, a hundred times the dearest share.
pub const PRICE_MAX: Price = Price::new(100_000_000_000);
/// Largest cumulative volume taken in, units.
pub const VOLUME_MAX: Qty = Qty::new(1_000_000_000_000_000);

const RSI_PERIOD: u32 = 14;
const ATR_PERIOD: u32 = 14;
const EMA_PERIOD: u32 = 20;
const EMA_FIVE_MINUTES_PERIOD: u32 = 9;
const SECONDS_PER_BAR: f64 = 60.0;

/// Bars and indicators of one instrument. One-minute bars unless a name says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tracker {
    bars: Bars,
    /// Volume of all closed seconds.
    traded: i64,
    window: RollingWindow,
    indicators: Indicators,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Indicators {
    macd: Macd,
    rsi: Rsi,
    atr: Atr,
    ema20: Ema,
    ema9_five_minutes: Ema,
    closes: Deviation<20>,
    volume: VolumeRatio<20>,
    sma50: Sma<50>,
    sma200: Sma<200>,
}

impl Default for Tracker {
    fn default() -> Self {
        Self {
            bars: Bars::default(),
            traded: 0,
            window: RollingWindow::default(),
            indicators: Indicators {
                macd: Macd::default(),
                rsi: Rsi::new(RSI_PERIOD),
                atr: Atr::new(ATR_PERIOD),
                ema20: Ema::new(EMA_PERIOD),
                ema9_five_minutes: Ema::new(EMA_FIVE_MINUTES_PERIOD),
                closes: Deviation::default(),
                volume: VolumeRatio::default(),
                sma50: Sma::default(),
                sma200: Sma::default(),
            },
        }
    }
}

impl Tracker {
    /// Whether price and cumulative volume lie in the range that can be summed exactly.
    #[must_use]
    pub fn can_take(price: Price, cumulative: Qty) -> bool {
        price.is_set() && price <= PRICE_MAX && Qty::ZERO <= cumulative && cumulative <= VOLUME_MAX
    }

    /// Takes the cumulative volume of a tick from outside continuous trading.
    pub fn note_volume(&mut self, cumulative: Qty) {
        self.bars.note_volume(cumulative);
    }

    /// Takes one sound tick of continuous trading in.
    ///
    /// # Panics
    /// When [`Tracker::can_take`] says no.
    pub fn apply(&mut self, ts: TsNs, price: Price, cumulative: Qty) {
        assert!(Self::can_take(price, cumulative), "the caller asked can_take");
        let Self {
            bars,
            traded,
            window,
            indicators,
        } = self;
        bars.apply(ts, price, cumulative, |period, bar| match period {
            BarPeriod::Second => {
                *traded = traded.saturating_add(bar.volume.get());
                window.push(Point {
                    second: second_of(bar.start),
                    price: bar.close,
                    volume: Qty::new(*traded),
                });
            }
            BarPeriod::Minute => indicators.close_minute(bar),
            BarPeriod::FiveMinutes => indicators.ema9_five_minutes.update(bar.close.get() as f64),
        });
    }

    /// What the newest tick looks like against the past; `None` until 20 minute bars are closed and the
    /// rolling window is full.
    #[must_use]
    pub fn facts(&self) -> Option<SpikeFacts> {
        let forming = self.bars.forming(BarPeriod::Second)?;
        let second = second_of(forming.start);
        let base = self.window.base(second)?;
        let indicators = &self.indicators;
        let mean = indicators.closes.mean()?;
        let sigma = indicators.closes.sigma()?;
        let traded = self.traded.saturating_add(forming.volume.get()) - base.volume.get();
        let pace_per_bar = traded as f64 * SECONDS_PER_BAR / (second - base.second) as f64;
        let close = forming.close;
        Some(SpikeFacts {
            price: close,
            base_price: base.price,
            mean,
            sigma,
            atr: indicators.atr.value()?,
            volume_ratio: indicators.volume.peek(pace_per_bar),
            averages: indicators.averages(),
            macd_histogram: indicators
                .macd
                .peek(close.get() as f64)
                .map(|lines| lines.histogram),
            rsi: indicators.rsi.peek(close.get()),
        })
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        self.bars.hash_into(hasher);
        hasher.i64(self.traded);
        self.window.hash_into(hasher);
        let indicators = &self.indicators;
        indicators.macd.hash_into(hasher);
        indicators.rsi.hash_into(hasher);
        indicators.atr.hash_into(hasher);
        indicators.ema20.hash_into(hasher);
        indicators.ema9_five_minutes.hash_into(hasher);
        indicators.closes.hash_into(hasher);
        indicators.volume.hash_into(hasher);
        indicators.sma50.hash_into(hasher);
        indicators.sma200.hash_into(hasher);
    }
}

impl Indicators {
    fn close_minute(&mut self, bar: &crate::bar::Bar) {
        let close = bar.close.get();
        self.closes.update(close);
        self.sma50.update(close);
        self.sma200.update(close);
        self.ema20.update(close as f64);
        self.rsi.update(close);
        self.atr.update(bar.high.get(), bar.low.get(), close);
        self.macd.update(close as f64);
        self.volume.update(bar.volume.get());
    }

    fn averages(&self) -> [Option<f64>; AVERAGES_MAX] {
        [
            self.ema20.value(),
            self.sma50.value(),
            self.sma200.value(),
            self.ema9_five_minutes.value(),
        ]
    }
}

const fn second_of(ts: TsNs) -> i64 {
    ts.get().div_euclid(NS_PER_S)
}
