//! Lists in pages, as new shares and mutual funds are told: `meta_data.page`.

use serde_json::{Value, json};

use super::reply::{ApiReply, BAD_INPUT, Refusal};
use super::route::{Answer, Asked};

/// Records that one page may ask for.
const RECORDS_MAX: i64 = 30;

/// How a list is paged when the call does not say.
#[derive(Clone, Copy)]
pub(super) struct Page {
    pub(super) records: i64,
}

/// The page of a list that a call asks for.
pub(super) fn page(asked: &Asked<'_>, default: Page, rows: Vec<Value>) -> Answer {
    let number = |name: &'static str, otherwise: i64| match asked.query(name) {
        None => Ok(otherwise),
        Some(text) => text.parse::<i64>().map_err(|_| BAD_INPUT.at(name, text)),
    };
    let (page, records) = (number("page_number", 1)?, number("records", default.records)?);
    if records > RECORDS_MAX {
        return Err(Refusal::new("UDAPI1173", "Page records exceed the limit").at("records", records));
    }
    if page < 1 {
        return Err(Refusal::new("UDAPI1174", "The page number is at least 1").at("page_number", page));
    }
    if records < 1 {
        return Err(Refusal::new("UDAPI1196", "Records are at least 1").at("records", records));
    }
    let total = rows.len() as i64;
    let skipped = usize::try_from((page - 1).saturating_mul(records)).unwrap_or(usize::MAX);
    let shown: Vec<Value> = rows
        .into_iter()
        .skip(skipped)
        .take(usize::try_from(records).unwrap_or(0))
        .collect();
    let body = json!({
        "status": "success",
        "data": shown,
        "meta_data": { "page": {
            "page_number": page, "total_pages": (total + records - 1) / records, "records": records,
            "total_records": total,
        } },
    });
    Ok(ApiReply::json(200, &body))
}
