//! Instruments that have expired: their expiries, contracts and candles. Needs the broker's Plus plan.
//!
//! Invariant: the key of an expired contract carries its expiry (`NSE_FO|73507|24-04-2025`). Source: the broker's
//! expired-instruments documentation.

use bijli_core::IstDay;

use super::answer::data;
use super::call::{Call, PathWriter};
use super::candle_api::Span;
use super::option_api::Contract;
use super::stamp::day_first;
use crate::evidence::ReadError;
use crate::request::Reply;

/// Past expiries of an underlying.
#[must_use]
pub fn expiries(underlying_key: &str) -> Call {
    let path = PathWriter::new("/v2/expired-instruments/expiries");
    Call::get(path.param("instrument_key", underlying_key).end())
}

/// Options of an underlying that expired on a day.
#[must_use]
pub fn option_contracts(underlying_key: &str, expiry: IstDay) -> Call {
    let path =
        PathWriter::new("/v2/expired-instruments/option/contract").param("instrument_key", underlying_key);
    Call::get(path.param("expiry_date", expiry).end())
}

/// Futures of an underlying that expired on a day.
#[must_use]
pub fn future_contracts(underlying_key: &str, expiry: IstDay) -> Call {
    let path =
        PathWriter::new("/v2/expired-instruments/future/contract").param("instrument_key", underlying_key);
    Call::get(path.param("expiry_date", expiry).end())
}

/// The length of a candle of an expired contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiredInterval {
    /// A minute.
    Minute1,
    /// Three minutes.
    Minute3,
    /// Five minutes.
    Minute5,
    /// A quarter of an hour.
    Minute15,
    /// Half an hour.
    Minute30,
    /// A day.
    Day,
}

impl ExpiredInterval {
    const fn word(self) -> &'static str {
        match self {
            Self::Minute1 => "1minute",
            Self::Minute3 => "3minute",
            Self::Minute5 => "5minute",
            Self::Minute15 => "15minute",
            Self::Minute30 => "30minute",
            Self::Day => "day",
        }
    }
}

/// The key that an expired contract has: its old key with the day of expiry.
#[must_use]
pub fn expired_key(instrument_key: &str, expiry: IstDay) -> String {
    format!("{instrument_key}|{}", day_first(expiry))
}

/// Candles of an expired contract; read by [`super::candle_api::candles_of`].
#[must_use]
pub fn candles(expired_key: &str, interval: ExpiredInterval, span: Span) -> Call {
    let path = PathWriter::new("/v2/expired-instruments/historical-candle")
        .segment(expired_key)
        .segment(interval.word())
        .segment(span.last)
        .segment(span.first);
    Call::get(path.end())
}

/// Expiries, earliest first.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a day cannot be read.
pub fn expiries_of(reply: &Reply) -> Result<Vec<IstDay>, ReadError> {
    let mut days: Vec<IstDay> = data(reply)?;
    days.sort_unstable();
    Ok(days)
}

/// Contracts, options or futures.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn contracts_of(reply: &Reply) -> Result<Vec<Contract>, ReadError> {
    data(reply)
}
