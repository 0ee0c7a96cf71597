//! Open interest of an expiry as the broker sums it up: put-call ratio, max pain, open interest, its change.
//!
//! Invariants: ratios are floats, everything else is not; a change may be negative. Source: the broker's market
//! information documentation of May 2026.

use bijli_core::{IstDay, Price, Qty};

use super::answer::{data, record};
use super::call::{Call, PathWriter};
use crate::evidence::ReadError;
use crate::request::Reply;

/// Which expiry is asked for, seen from which day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryQuery<'a> {
    /// Instrument key of the underlying.
    pub underlying_key: &'a str,
    /// Expiry day.
    pub expiry: IstDay,
    /// The day that is looked at.
    pub day: IstDay,
}

impl ExpiryQuery<'_> {
    fn path(&self, fixed: &str) -> PathWriter {
        PathWriter::new(fixed)
            .param("instrument_key", self.underlying_key)
            .param("expiry", self.expiry)
            .param("date", self.day)
    }
}

/// The put-call ratio over the day, in steps of so many minutes.
#[must_use]
pub fn pcr(query: &ExpiryQuery<'_>, step_minutes: u32) -> Call {
    Call::get(
        query
            .path("/v2/market/pcr")
            .param("bucket_interval", step_minutes)
            .end(),
    )
}

/// The price at which option buyers lose most, over the day, in steps of so many minutes.
#[must_use]
pub fn max_pain(query: &ExpiryQuery<'_>, step_minutes: u32) -> Call {
    Call::get(
        query
            .path("/v2/market/max-pain")
            .param("bucket_interval", step_minutes)
            .end(),
    )
}

/// Open interest by strike.
#[must_use]
pub fn oi(query: &ExpiryQuery<'_>) -> Call {
    Call::get(query.path("/v2/market/oi").end())
}

/// Change of open interest by strike, over so many days.
#[must_use]
pub fn change_oi(query: &ExpiryQuery<'_>, days: u32) -> Call {
    Call::get(query.path("/v2/market/change-oi").param("interval", days).end())
}

record! {
    /// The ratio at a time of the day.
    pub struct PcrPoint {
        /// Open interest of puts over that of calls.
        pub pcr: f64,
        /// Price of the underlying.
        pub spot_price: Option<Price>,
        /// Time of day, `HH:MM`.
        pub time: String,
    }
}

record! {
    /// The put-call ratio.
    pub struct Pcr {
        /// Open interest of puts over that of calls.
        pub pcr: f64,
        /// Price of the underlying at the close.
        pub spot_closing_price: Option<Price>,
        /// Instrument key of the underlying.
        pub instrument_key: Option<String>,
        /// Expiry day.
        pub expiry: Option<IstDay> | "expiry_date",
        /// Over the day.
        pub insights: Option<Vec<PcrPoint>>,
    }
}

record! {
    /// Max pain at a time of the day.
    pub struct MaxPainPoint {
        /// The strike.
        pub max_pain: Price,
        /// Price of the underlying.
        pub spot_price: Option<Price>,
        /// Time of day, `HH:MM`.
        pub time: String,
    }
}

record! {
    /// Max pain.
    pub struct MaxPain {
        /// The strike.
        pub max_pain: Price,
        /// Price of the underlying at the close.
        pub spot_closing_price: Option<Price>,
        /// Instrument key of the underlying.
        pub instrument_key: Option<String>,
        /// Expiry day.
        pub expiry: Option<IstDay> | "expiry_date",
        /// Over the day.
        pub insights: Option<Vec<MaxPainPoint>>,
    }
}

record! {
    /// Open interest of a strike.
    pub struct OiRow {
        /// Strike.
        pub strike_price: Price,
        /// Units of calls.
        pub call_oi: Qty,
        /// Units of puts.
        pub put_oi: Qty,
    }
}

record! {
    /// Open interest by strike.
    pub struct OpenInterest {
        /// Units of puts.
        pub total_puts: Qty,
        /// Units of calls.
        pub total_calls: Qty,
        /// Price of the underlying at the close.
        pub spot_closing_price: Option<Price>,
        /// Expiry day.
        pub expiry: Option<IstDay> | "expiry_date",
        /// Strike by strike.
        pub rows: Vec<OiRow> | "call_put_oi_data_list",
    }
}

record! {
    /// Change of a strike.
    pub struct OiChangeRow {
        /// Strike.
        pub strike_price: Price,
        /// Units of calls.
        pub call_change_oi: Qty,
        /// Units of puts.
        pub put_change_oi: Qty,
    }
}

record! {
    /// Change of open interest by strike.
    pub struct OiChange {
        /// Units of puts.
        pub total_put_change_oi: Qty,
        /// Units of calls.
        pub total_call_change_oi: Qty,
        /// Price of the underlying at the close.
        pub spot_closing_price: Option<Price>,
        /// Expiry day.
        pub expiry: Option<IstDay> | "expiry_date",
        /// Strike by strike.
        pub rows: Vec<OiChangeRow> | "call_put_oi_data_list",
    }
}

/// The put-call ratio.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn pcr_of(reply: &Reply) -> Result<Pcr, ReadError> {
    data(reply)
}

/// Max pain.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn max_pain_of(reply: &Reply) -> Result<MaxPain, ReadError> {
    data(reply)
}

/// Open interest.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn oi_of(reply: &Reply) -> Result<OpenInterest, ReadError> {
    data(reply)
}

/// Change of open interest.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn change_oi_of(reply: &Reply) -> Result<OiChange, ReadError> {
    data(reply)
}
