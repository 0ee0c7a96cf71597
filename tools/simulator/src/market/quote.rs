//! Quotes of one moment: last prices.
//!
//! Rows stand under `SEGMENT:SYMBOL`, where the symbol is the exchange's short form; the key that was asked for
//! is in `instrument_token`.

use serde_json::{Map, Value, json};

use super::request::{TOO_MANY_KEYS, success};
use super::{Answer, MarketDesk};
use crate::broker::ApiCall;

/// Keys of one quote call.
const KEYS_MAX: usize = 500;

impl MarketDesk {
    /// Rows of the keys of a call under the names that the broker gives them.
    fn rows(&self, ids: &[u32], row: impl Fn(u32) -> Value) -> Answer {
        let rows: Map<String, Value> = ids.iter().map(|id| (self.quote_name(*id), row(*id))).collect();
        success(Value::Object(rows))
    }

    fn quote_name(&self, id: u32) -> String {
        let instrument = &self.lines[id as usize].instrument;
        let segment = instrument.key.split('|').next().unwrap_or_default();
        format!("{segment}:{}", instrument.symbol)
    }

    pub(super) fn ltp_v2(&self, call: &ApiCall<'_>) -> Answer {
        let ids = self.keys(call, KEYS_MAX, TOO_MANY_KEYS)?;
        self.rows(&ids, |id| {
            let line = &self.lines[id as usize];
            json!({ "last_price": line.latest.ltp, "instrument_token": line.instrument.key })
        })
    }

    pub(super) fn ltp_v3(&self, call: &ApiCall<'_>) -> Answer {
        let ids = self.keys(call, KEYS_MAX, TOO_MANY_KEYS)?;
        self.rows(&ids, |id| {
            let line = &self.lines[id as usize];
            json!({
                "last_price": line.latest.ltp, "instrument_token": line.instrument.key,
                "ltq": line.latest.ltq, "volume": line.latest.volume, "cp": line.latest.prev_close,
            })
        })
    }
}
