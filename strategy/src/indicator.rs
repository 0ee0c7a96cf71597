//! Indicators that cost the same however long their period is. Names, defaults, seeds and warm-up are TA-Lib's.
//!
//! All follow one shape: `update` takes a closed bar, `value` is `None` until warm, `peek` tells what `value`
//! would be if the bar still forming closed now. Prices enter as integers (1/10 000 rupee): running sums over
//! a window are exact and cannot drift. Recursive averages are floats and use only `+ - * /`, so that debug and
//! release builds agree to the last bit.
//!
//! Checked against TA-Lib itself: `tests/oracle/README.md`.

pub mod sma;
pub mod ema;
pub mod rsi;
pub mod atr;
pub mod macd;
pub mod roc;
pub mod volume_ratio;
pub mod deviation;
