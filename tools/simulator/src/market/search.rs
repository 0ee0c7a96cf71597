//! Search over everything that is listed.
//!
//! Every word of the query must stand in symbol, name or key. The at-the-money offset counts strikes from the
//! one nearest to the underlying's price, for calls up and for puts alike. Source of parameters: the broker's
//! OpenAPI definition; how it ranks is not known, so rows keep the order of the listing.

use bijli_core::instrument::InstrumentKind;
use serde_json::{Value, json};

use super::listing::{search_row, segment, type_word};
use super::request::{BAD_DATE, Page};
use super::{Answer, MarketDesk};
use crate::broker::ApiCall;
use crate::broker::reply::{ApiReply, BAD_INPUT, Refusal};
use crate::day::DayInstrument;

const QUERY_CHARS_MAX: usize = 50;
const RECORDS: usize = 10;
const RECORDS_MAX: usize = 30;
/// Strikes from the money that may be asked for; no chain is as long.
const OFFSET_MAX: i64 = 1_000;

/// The allowed words of a comma-separated parameter; everything when it is absent.
fn words(call: &ApiCall<'_>, name: &'static str, known: &[&str]) -> Result<Option<Vec<String>>, Refusal> {
    let Some(text) = call.query(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let found: Vec<String> = text.split(',').map(str::to_owned).collect();
    if !known.is_empty() && found.iter().any(|word| !known.contains(&word.as_str())) {
        return Err(BAD_INPUT.at(name, text));
    }
    Ok(Some(found).filter(|found| !found.iter().any(|word| word == "ALL")))
}

fn is_in_segment(row: &DayInstrument, word: &str) -> bool {
    match word {
        "EQ" => row.kind == InstrumentKind::Equity,
        "INDEX" => row.kind == InstrumentKind::Index,
        "FO" => row.kind.is_derivative(),
        "OPT" | "OPTION_CHAIN" => row.kind.is_option(),
        "FUT" => row.kind == InstrumentKind::Future,
        _ => false,
    }
}

impl MarketDesk {
    pub(super) fn search(&self, call: &ApiCall<'_>) -> Answer {
        let query = call.query("query").unwrap_or_default();
        if query.is_empty() || query.chars().count() > QUERY_CHARS_MAX {
            return Err(BAD_INPUT.at("query", query));
        }
        let page = Page::of(call, "records", RECORDS, RECORDS_MAX)?;
        let exchanges = words(call, "exchanges", &["ALL", "NSE", "BSE", "MCX"])?;
        let segments = words(
            call,
            "segments",
            &[
                "ALL",
                "EQ",
                "FO",
                "CURR",
                "COMM",
                "INDEX",
                "OPT",
                "FUT",
                "OPTION_CHAIN",
            ],
        )?;
        let types = words(call, "instrument_types", &[])?;
        let expiry = call.query("expiry").filter(|text| !text.is_empty());
        let offset: Option<i64> = match call.query("atm_offset").filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => {
                let number = text.parse().ok();
                let bounded = number.filter(|offset| (-OFFSET_MAX..=OFFSET_MAX).contains(offset));
                Some(bounded.ok_or_else(|| BAD_INPUT.at("atm_offset", text))?)
            }
        };
        let wanted: Vec<String> = query.split_whitespace().map(str::to_uppercase).collect();
        let mut found: Vec<Value> = Vec::new();
        for (id, row) in self.listed() {
            let text = format!("{} {} {}", row.symbol, row.name, row.key).to_uppercase();
            let is_hit = wanted.iter().all(|word| text.contains(word.as_str()))
                && exchanges
                    .as_ref()
                    .is_none_or(|all| all.iter().any(|each| segment(row).starts_with(each.as_str())))
                && segments
                    .as_ref()
                    .is_none_or(|all| all.iter().any(|word| is_in_segment(row, word)))
                && types
                    .as_ref()
                    .is_none_or(|all| all.iter().any(|word| word == type_word(row.kind)));
            if is_hit && self.expires(row, expiry.as_deref())? && self.is_off_money(row, offset) {
                found.push(search_row(row, id as usize));
            }
        }
        let rows = page.cut(&found);
        let body = json!({
            "status": "success", "data": rows,
            "meta_data": { "page": {
                "page_number": page.number, "total_pages": page.count(found.len()), "records": rows.len(),
                "total_records": found.len(),
            } },
        });
        Ok(ApiReply::json(200, &body))
    }

    fn expires(&self, row: &DayInstrument, wanted: Option<&str>) -> Result<bool, Refusal> {
        let Some(wanted) = wanted else { return Ok(true) };
        let key = row.underlying.as_ref().map_or("", |(key, _)| key.as_str());
        let expiry = self.expiry(key, wanted, BAD_DATE)?;
        Ok(expiry.is_some() && row.expiry == expiry)
    }

    /// Whether an option's strike lies so many steps from the money.
    fn is_off_money(&self, row: &DayInstrument, offset: Option<i64>) -> bool {
        let (Some(offset), Some((key, _)), Some(expiry)) = (offset, &row.underlying, row.expiry) else {
            return offset.is_none();
        };
        if !row.kind.is_option() {
            return false;
        }
        let spot = self.spot(key);
        let strikes = self.strikes(key, expiry);
        let away = |place: &usize| (strikes[*place].price.rupees() - spot).abs();
        let money = (0..strikes.len()).min_by(|a, b| away(a).total_cmp(&away(b)));
        let place = money.and_then(|money| usize::try_from(money as i64 + offset).ok());
        place
            .and_then(|place| strikes.get(place))
            .is_some_and(|strike| strike.price == row.strike)
    }
}
