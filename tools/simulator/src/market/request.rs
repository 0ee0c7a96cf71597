//! What a market call asks for, read once: instrument keys, dates, numbers and pages.
//!
//! Codes: the broker's OpenAPI definition as far as it names them, its API documentation for the rest. A call for
//! several keys of which one is unknown is refused as a whole.

use bijli_core::IstDay;
use serde_json::{Value, json};

use super::{Answer, MarketDesk, UnknownKey};
use crate::broker::ApiCall;
use crate::broker::reply::{ApiReply, BAD_INPUT, BAD_KEY, Refusal};

pub(super) const NO_KEY: Refusal = Refusal::new("UDAPI1009", "symbol is required");
pub(super) const BAD_KEY_FORM: Refusal = Refusal::new("UDAPI1011", "symbol is of invalid format");
pub(super) const BAD_DATE: Refusal = Refusal::new("UDAPI1088", "Invalid date format");
pub(super) const TOO_MANY_KEYS: Refusal =
    Refusal::new("UDAPI100042", "More than 500 instrument keys in a request");
pub(super) const TOO_MANY_GREEKS: Refusal =
    Refusal::new("UDAPI100076", "More than 50 instrument keys in a request");

const SEGMENTS: [&str; 13] = [
    "NSE_EQ",
    "NSE_FO",
    "NCD_FO",
    "BSE_EQ",
    "BSE_FO",
    "BCD_FO",
    "MCX_FO",
    "NSE_INDEX",
    "BSE_INDEX",
    "MCX_INDEX",
    "NSE_COM",
    "GLOBAL_INDEX",
    "GLOBAL_INDICATOR",
];

/// The rows of one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) number: usize,
    pub(super) size: usize,
}

impl Page {
    /// Reads the page's number and size; sizes above `size_max` are refused.
    pub(super) fn of(
        call: &ApiCall<'_>,
        size_name: &'static str,
        size_default: usize,
        size_max: usize,
    ) -> Result<Self, Refusal> {
        let read = |name: &'static str, default: usize, max: usize| match call.query(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|number| (1..=max).contains(number))
                .ok_or_else(|| BAD_INPUT.at(name, text)),
        };
        Ok(Self {
            number: read("page_number", 1, 100_000)?,
            size: read(size_name, size_default, size_max)?,
        })
    }

    /// How many pages so many rows take.
    pub(super) const fn count(self, rows: usize) -> usize {
        rows.div_ceil(self.size)
    }

    /// The rows of this page.
    pub(super) fn cut<T>(self, rows: &[T]) -> &[T] {
        let from = (self.number - 1).saturating_mul(self.size).min(rows.len());
        &rows[from..rows.len().min(from + self.size)]
    }
}

/// A success with `data` alone.
pub(super) fn success(data: Value) -> Answer {
    Ok(ApiReply::json(200, &json!({ "status": "success", "data": data })))
}

/// A date written `YYYY-MM-DD`.
pub(super) fn date(text: &str) -> Result<IstDay, Refusal> {
    let is_plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    Some(text)
        .filter(|_| is_plain)
        .and_then(crate::day::day_of_text)
        .ok_or(BAD_DATE)
}

/// A date in the query.
pub(super) fn date_query(call: &ApiCall<'_>, name: &'static str) -> Result<Option<IstDay>, Refusal> {
    call.query(name)
        .filter(|text| !text.is_empty())
        .map(|text| date(&text).map_err(|refusal| refusal.at(name, text)))
        .transpose()
}

/// A date in the query that must be there.
pub(super) fn date_required(call: &ApiCall<'_>, name: &'static str) -> Result<IstDay, Refusal> {
    date_query(call, name)?.ok_or_else(|| BAD_DATE.at(name, Value::Null))
}

/// Whether a text has the form of a key: a segment, a bar, a name.
pub(super) fn is_key(text: &str) -> bool {
    text.split_once('|').is_some_and(|(segment, ident)| {
        SEGMENTS.contains(&segment) && !ident.is_empty() && !ident.contains('|')
    })
}

impl MarketDesk {
    /// The number of a key.
    pub(super) fn id_of(&self, key: &str) -> Result<u32, Refusal> {
        if !is_key(key) {
            return Err(BAD_KEY_FORM);
        }
        // The recorded answer to an unknown key names neither field nor value.
        self.ids.get(key).copied().ok_or(BAD_KEY)
    }

    /// The keys of a quote call, from `instrument_key` or, as older clients write, `symbol`.
    pub(super) fn keys(
        &self,
        call: &ApiCall<'_>,
        keys_max: usize,
        too_many: Refusal,
    ) -> Result<Vec<u32>, Refusal> {
        let text = call
            .query("instrument_key")
            .or_else(|| call.query("symbol"))
            .filter(|text| !text.is_empty())
            .ok_or(NO_KEY)?;
        let keys: Vec<&str> = text.split(',').map(str::trim).collect();
        if keys.len() > keys_max {
            return Err(too_many);
        }
        if self.options.unknown_quote_key == UnknownKey::LeftOut {
            return Ok(keys
                .into_iter()
                .filter_map(|key| self.ids.get(key).copied())
                .collect());
        }
        keys.into_iter().map(|key| self.id_of(key)).collect()
    }
}
