//! When markets are open: status, holidays, timings.
//!
//! Holidays and timings need no token. Left out: what a day without rows means, which is not documented (a holiday,
//! as far as seen). Source: the broker's market information documentation.

use bijli_core::{IstDay, TsNs};

use super::answer::{data, record, words};
use super::call::{Call, PathWriter};
use super::vocabulary::Exchange;
use crate::evidence::ReadError;
use crate::request::Reply;

/// Whether an exchange is open now.
#[must_use]
pub fn status(exchange: &Exchange) -> Call {
    Call::get(PathWriter::new("/v2/market/status").segment(exchange).end())
}

/// Holidays of the year.
#[must_use]
pub fn holidays() -> Call {
    Call::get("/v2/market/holidays").without_token()
}

/// Whether a day is a holiday.
#[must_use]
pub fn holiday(day: IstDay) -> Call {
    Call::get(PathWriter::new("/v2/market/holidays").segment(day).end()).without_token()
}

/// When exchanges open and close on a day.
#[must_use]
pub fn timings(day: IstDay) -> Call {
    Call::get(PathWriter::new("/v2/market/timings").segment(day).end()).without_token()
}

words! {
    /// Where an exchange stands in its day.
    pub enum MarketState {
        /// Orders are gathered.
        PreOpenStart = "PRE_OPEN_START",
        /// Orders are matched.
        PreOpenEnd = "PRE_OPEN_END",
        /// Trading.
        NormalOpen = "NORMAL_OPEN",
        /// Closed.
        NormalClose = "NORMAL_CLOSE",
        /// The closing session began.
        ClosingStart = "CLOSING_START",
        /// The closing session ended.
        ClosingEnd = "CLOSING_END",
    }
}

words! {
    /// The sort of holiday.
    pub enum HolidayKind {
        /// No trading.
        Trading = "TRADING_HOLIDAY",
        /// Trading, but no settlement.
        Settlement = "SETTLEMENT_HOLIDAY",
        /// Trading at other hours.
        SpecialTiming = "SPECIAL_TIMING",
        /// Any of them.
        All = "ALL",
    }
}

record! {
    /// Whether an exchange is open.
    pub struct MarketStatus {
        /// Which exchange.
        pub exchange: Exchange,
        /// Where it stands.
        pub status: MarketState,
        /// Since when.
        pub last_updated: Option<TsNs>,
    }
}

record! {
    /// The hours of an exchange on a day.
    pub struct Hours {
        /// Which exchange.
        pub exchange: Exchange,
        /// When it opens.
        pub start_time: TsNs,
        /// When it closes.
        pub end_time: TsNs,
    }
}

record! {
    /// A holiday.
    pub struct Holiday {
        /// Which day.
        pub date: IstDay,
        /// What is celebrated.
        pub description: Option<String>,
        /// The sort of holiday.
        pub holiday_type: Option<HolidayKind>,
        /// Exchanges that stay closed.
        pub closed_exchanges: Option<Vec<Exchange>>,
        /// Exchanges that open, and when.
        pub open_exchanges: Option<Vec<Hours>>,
    }
}

/// Whether an exchange is open.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn status_of(reply: &Reply) -> Result<MarketStatus, ReadError> {
    data(reply)
}

/// Holidays, of the year or of a day.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn holidays_of(reply: &Reply) -> Result<Vec<Holiday>, ReadError> {
    data(reply)
}

/// Hours of the exchanges.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn timings_of(reply: &Reply) -> Result<Vec<Hours>, ReadError> {
    data(reply)
}
