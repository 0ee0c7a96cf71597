//! Searching instruments at the broker, where the master file is not at hand.
//!
//! Source: the broker's instrument search documentation.

use super::answer::{Paged, paged};
use super::call::{Call, PathWriter};
use super::option_api::Contract;
use crate::evidence::ReadError;
use crate::request::Reply;

/// Longest text to search for.
pub const QUERY_CHARS_MAX: usize = 50;
/// Most rows of a page.
pub const RECORDS_MAX: u32 = 30;

/// What is searched for. Lists are joined; an empty one asks for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Search<'a> {
    /// Symbol or name, at most [`QUERY_CHARS_MAX`] characters.
    pub query: &'a str,
    /// NSE, BSE, MCX.
    pub exchanges: &'a [&'a str],
    /// EQ, FO, CURR, COMM, INDEX, OPT, FUT.
    pub segments: &'a [&'a str],
    /// CE, PE, FUT, series of shares.
    pub instrument_types: &'a [&'a str],
    /// A day (`2026-09-29`) or a word such as `current_month`.
    pub expiry: Option<&'a str>,
    /// Strikes away from the money.
    pub atm_offset: Option<i32>,
    /// Which page, from 1.
    pub page_number: Option<u32>,
    /// Rows of a page, at most [`RECORDS_MAX`].
    pub records: Option<u32>,
}

/// Searches.
#[must_use]
pub fn search(search: &Search<'_>) -> Call {
    let joined = |list: &[&str]| (!list.is_empty()).then(|| list.join(","));
    let path = PathWriter::new("/v2/instruments/search")
        .param("query", search.query)
        .maybe("exchanges", joined(search.exchanges))
        .maybe("segments", joined(search.segments))
        .maybe("instrument_types", joined(search.instrument_types))
        .maybe("expiry", search.expiry)
        .maybe("atm_offset", search.atm_offset)
        .maybe("page_number", search.page_number)
        .maybe("records", search.records);
    Call::get(path.end())
}

/// What was found, one page.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn found_of(reply: &Reply) -> Result<Paged<Contract>, ReadError> {
    paged(reply)
}
