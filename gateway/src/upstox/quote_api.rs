//! Quotes of many instruments: last price, bars, greeks, and everything at once.
//!
//! Invariants: rows are joined on the instrument key inside them; the keys of the answer carry a symbol and a colon
//! instead and are not looked at. A key that is not answered is named by [`unanswered`], never filled in. Implied
//! volatility is a fraction here. Source: the broker's market quote documentation, versions 2 and 3.

use bijli_core::{Money, Price, Qty, TsNs};

use super::answer::{keyed, record, words};
use super::call::{Call, PathWriter};
use super::envelope::{Partial, whole_of};
use super::field::Field;
use crate::evidence::ReadError;
use crate::request::Reply;

/// Most keys of one call, but for greeks.
pub const KEYS_MAX: usize = 500;
/// Most keys of one call for greeks.
pub const GREEK_KEYS_MAX: usize = 50;

words! {
    /// The length of a bar in a quote.
    pub enum BarInterval {
        /// The day so far.
        Day = "1d",
        /// One minute.
        Minute = "I1",
        /// Half an hour.
        HalfHour = "I30",
    }
}

/// Last prices.
#[must_use]
pub fn ltp(keys: &[&str]) -> Call {
    Call::get(
        PathWriter::new("/v3/market-quote/ltp")
            .list("instrument_key", keys)
            .end(),
    )
}

/// Bars: the one before and the one that runs.
#[must_use]
pub fn ohlc(keys: &[&str], interval: &BarInterval) -> Call {
    let path = PathWriter::new("/v3/market-quote/ohlc").list("instrument_key", keys);
    Call::get(path.param("interval", interval).end())
}

/// Greeks of options, at most [`GREEK_KEYS_MAX`].
#[must_use]
pub fn greeks(keys: &[&str]) -> Call {
    Call::get(
        PathWriter::new("/v3/market-quote/option-greek")
            .list("instrument_key", keys)
            .end(),
    )
}

/// Everything, version 3.
#[must_use]
pub fn full_v3(keys: &[&str]) -> Call {
    Call::get(
        PathWriter::new("/v3/market-quote/quotes")
            .list("instrument_key", keys)
            .end(),
    )
}

/// Everything, version 2. The broker's own clients name the parameter so; its pages name it `instrument_key`.
#[must_use]
pub fn full_v2(keys: &[&str]) -> Call {
    Call::get(
        PathWriter::new("/v2/market-quote/quotes")
            .list("symbol", keys)
            .end(),
    )
}

record! {
    /// A last price.
    pub struct Ltp {
        /// Instrument key.
        pub instrument_key: String | "instrument_token",
        /// Last price.
        pub last_price: Price,
        /// Units of the last trade.
        pub ltq: Option<Qty>,
        /// Units traded today.
        pub volume: Option<Qty>,
        /// Price at the last close.
        pub close_price: Option<Price> | "cp",
    }
}

record! {
    /// A bar.
    pub struct Bar {
        /// First price.
        pub open: Option<Price>,
        /// Highest price.
        pub high: Option<Price>,
        /// Lowest price.
        pub low: Option<Price>,
        /// Last price.
        pub close: Option<Price>,
        /// Units traded.
        pub volume: Option<Qty>,
        /// When it began.
        pub ts: Option<TsNs>,
    }
}

record! {
    /// Bars of an instrument.
    pub struct Ohlc {
        /// Instrument key.
        pub instrument_key: String | "instrument_token",
        /// Last price.
        pub last_price: Price,
        /// The bar before; left out for days.
        pub prev_ohlc: Option<Bar>,
        /// The bar that runs.
        pub live_ohlc: Option<Bar>,
    }
}

record! {
    /// Greeks of an option.
    pub struct Greeks {
        /// Instrument key.
        pub instrument_key: String | "instrument_token",
        /// Last price.
        pub last_price: Price,
        /// Units of the last trade.
        pub ltq: Option<Qty>,
        /// Units traded today.
        pub volume: Option<Qty>,
        /// Price at the last close.
        pub close_price: Option<Price> | "cp",
        /// Open interest in units.
        pub oi: Option<Qty>,
        /// Implied volatility, a fraction: 0.1277 is 12.77 %.
        pub iv: Option<f64>,
        /// Change of the premium with the underlying.
        pub delta: Option<f64>,
        /// Change of delta with the underlying.
        pub gamma: Option<f64>,
        /// Change of the premium by a day.
        pub theta: Option<f64>,
        /// Change of the premium with volatility.
        pub vega: Option<f64>,
    }
}

record! {
    /// One level of the book; an empty one is all zeros.
    pub struct Level {
        /// Price.
        pub price: Price,
        /// Units.
        pub quantity: Qty,
        /// Orders.
        pub orders: Option<i64>,
    }
}

record! {
    /// The book, best levels first.
    pub struct Depth {
        /// Who buys.
        pub buy: Vec<Level>,
        /// Who sells.
        pub sell: Vec<Level>,
    }
}

record! {
    /// Everything about an instrument; what version 2 does not tell is absent.
    pub struct FullQuote {
        /// Instrument key.
        pub instrument_key: String | "instrument_token",
        /// Last price.
        pub last_price: Price,
        /// Symbol.
        pub symbol: Option<String>,
        /// When the broker made the quote.
        pub timestamp: Option<TsNs>,
        /// When it last traded.
        pub last_trade_time: Option<TsNs>,
        /// The day so far.
        pub ohlc: Option<Bar>,
        /// The book.
        pub depth: Option<Depth>,
        /// Units traded today.
        pub volume: Option<Qty>,
        /// Average price of today.
        pub average_price: Option<Price>,
        /// Open interest in units.
        pub oi: Option<Qty>,
        /// Highest open interest of today.
        pub oi_day_high: Option<Qty>,
        /// Lowest open interest of today.
        pub oi_day_low: Option<Qty>,
        /// Open interest of the day before.
        pub previous_oi: Option<Qty>,
        /// Last price less price at the last close.
        pub net_change: Option<Money>,
        /// Units that wait to buy.
        pub total_buy_quantity: Option<Qty>,
        /// Units that wait to sell.
        pub total_sell_quantity: Option<Qty>,
        /// Lowest price allowed today.
        pub lower_circuit_limit: Option<Price>,
        /// Highest price allowed today.
        pub upper_circuit_limit: Option<Price>,
        /// Price at the last close.
        pub prev_close_price: Option<Price>,
        /// Highest price of a year.
        pub year_high: Option<Price>,
        /// Lowest price of a year.
        pub year_low: Option<Price>,
        /// Price at which an auction would clear.
        pub indicative_equilibrium_price: Option<Price>,
        /// Price that an auction starts from.
        pub reference_price: Option<Price>,
        /// Units that an auction would trade.
        pub indicative_equilibrium_quantity: Option<Qty>,
        /// Units that an auction would leave over.
        pub indicative_imbalance_quantity_total: Option<Qty>,
        /// Of these, units without a limit.
        pub indicative_imbalance_quantity_market: Option<Qty>,
        /// Whether it has a closing auction.
        pub cas_eligible: Option<bool>,
    }
}

record! {
    /// The prices that the exchange takes today: the part of a full quote that no feed tells.
    pub struct Limits {
        /// Instrument key.
        pub instrument_key: String | "instrument_token",
        /// Lowest price allowed today.
        pub lower_circuit_limit: Option<Price>,
        /// Highest price allowed today.
        pub upper_circuit_limit: Option<Price>,
    }
}

/// A row that knows its instrument.
pub trait Keyed {
    /// Instrument key.
    fn key(&self) -> &str;
}

macro_rules! keyed_rows {
    ($($row:ty)*) => {
        $(impl Keyed for $row {
            fn key(&self) -> &str {
                &self.instrument_key
            }
        })*
    };
}
keyed_rows!(Ltp Ohlc Greeks FullQuote Limits);

/// The keys that were asked and not answered.
#[must_use]
pub fn unanswered<'a>(asked: &[&'a str], rows: &[impl Keyed]) -> Vec<&'a str> {
    let answered: std::collections::BTreeSet<&str> = rows.iter().map(Keyed::key).collect();
    asked
        .iter()
        .copied()
        .filter(|key| !answered.contains(key))
        .collect()
}

/// Last prices, sorted by key.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn ltp_of(reply: &Reply) -> Result<Vec<Ltp>, ReadError> {
    rows_of(reply)
}

/// Bars, sorted by key.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn ohlc_of(reply: &Reply) -> Result<Vec<Ohlc>, ReadError> {
    rows_of(reply)
}

/// Greeks, sorted by key.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn greeks_of(reply: &Reply) -> Result<Vec<Greeks>, ReadError> {
    rows_of(reply)
}

/// Everything, of either version, sorted by key.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn full_of(reply: &Reply) -> Result<Vec<FullQuote>, ReadError> {
    rows_of(reply)
}

/// The day's price limits out of a full quote of either version, sorted by key.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn limits_of(reply: &Reply) -> Result<Vec<Limits>, ReadError> {
    rows_of(reply)
}

fn rows_of<T: Field + Keyed>(reply: &Reply) -> Result<Vec<T>, ReadError> {
    let whole = whole_of(reply, Partial::Never)?;
    let mut rows: Vec<T> = keyed(&whole.data)?.into_iter().map(|(_, row)| row).collect();
    rows.sort_by(|a, b| a.key().cmp(b.key()));
    Ok(rows)
}
