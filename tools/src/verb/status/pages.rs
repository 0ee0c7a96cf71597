//! What `status` says of the pages of the day: for what a person is called.

use bijli_core::readout::PageReadout;
use serde_json::{Value, json};

use crate::dashboard::Readouts;
use crate::words;

/// A loud line for each, before everything but what is not real.
pub(super) fn text(readouts: &Readouts) -> String {
    let line = |page: &PageReadout| {
        let code = words::page_names(page.reason).0;
        format!(
            "\n!!! PAGE {}; `bijli explain {code}` !!!",
            words::page_text(page)
        )
    };
    readouts.pages.iter().map(line).collect()
}

/// The same for scripts.
pub(super) fn json(readouts: &Readouts) -> Vec<Value> {
    let row = |page: &PageReadout| {
        let (code, words) = words::page_names(page.reason);
        json!({
            "code": code,
            "count": page.count,
            "symbol": page.symbol.as_str(),
            "first_ist": words::stamp_text(page.first),
            "last_ist": words::stamp_text(page.last),
            "words": words,
        })
    };
    readouts.pages.iter().map(row).collect()
}
