//! What institutions bought and sold: foreign and domestic.
//!
//! No day has a source for it. On an invented day the figures are invented like everything else; a recorded day
//! has an empty list, since a row of numbers has no place to say that it is simulated. Amounts are crores of
//! rupees. Rows, limits and codes: recorded answers and the broker's market information pages.

use bijli_core::IstDay;
use serde_json::{Map, Value, json};

use super::derived::purpose;
use super::request::{date, success};
use super::{Answer, MarketDesk, midnight_ms};
use crate::broker::ApiCall;
use crate::broker::reply::Refusal;
use crate::day::derivatives::trading_day_before;
use crate::random::Random;

const BAD_TYPE: Refusal = Refusal::new("UDAPI1198", "Invalid data_type");
const BAD_INTERVAL: Refusal = Refusal::new("UDAPI1199", "Invalid interval");
const BAD_FROM: Refusal = Refusal::new("UDAPI1200", "Invalid from date format");
const CASH: &str = "NSE_EQ|CASH";
const TYPES: [&str; 5] = [
    "NSE_FO|INDEX_FUTURES",
    "NSE_FO|STOCK_FUTURES",
    "NSE_FO|INDEX_OPTIONS",
    "NSE_FO|STOCK_OPTIONS",
    CASH,
];
const DAYS_MAX: usize = 30;
const MONTHS_MAX: usize = 12;
/// Trading days that stand for a month.
const DAYS_OF_MONTH: i64 = 21;

impl MarketDesk {
    pub(super) fn foreign_flows(&self, call: &ApiCall<'_>) -> Answer {
        self.flows(call, "fii", &TYPES)
    }

    pub(super) fn domestic_flows(&self, call: &ApiCall<'_>) -> Answer {
        self.flows(call, "dii", &[CASH])
    }

    fn flows(&self, call: &ApiCall<'_>, who: &str, types: &[&str]) -> Answer {
        let wanted = call.query("data_type").unwrap_or_default();
        let wanted: Vec<&str> = wanted.split(',').collect();
        if let Some(bad) = wanted.iter().find(|wanted| !types.contains(wanted)) {
            return Err(BAD_TYPE.at("data_type", *bad));
        }
        let is_daily = match call.query("interval").as_deref() {
            Some("1D") => true,
            Some("1M") => false,
            other => return Err(BAD_INTERVAL.at("interval", other)),
        };
        let from = match call.query("from").filter(|text| !text.is_empty()) {
            Some(text) => Some(date(&text).map_err(|_| BAD_FROM.at("from", text))?),
            None => None,
        };
        let days = self.reported(is_daily, from);
        let rows = |kind: &str| -> Value {
            days.iter()
                .map(|day| self.flow(who, kind, *day, is_daily))
                .collect()
        };
        let all = wanted.iter().map(|kind| ((*kind).to_owned(), rows(kind)));
        success(Value::Object(all.collect::<Map<String, Value>>()))
    }

    /// The days or first days of months that are told, newest first.
    fn reported(&self, is_daily: bool, from: Option<IstDay>) -> Vec<IstDay> {
        let mut days = Vec::new();
        if self.seed().is_none() {
            return days;
        }
        let mut day = trading_day_before(self.info.day);
        let rows_max = if is_daily { DAYS_MAX } else { MONTHS_MAX };
        while days.len() < rows_max {
            if !is_daily {
                let (year, month, _) = day.ymd();
                day = IstDay::from_ymd(year, month, 1).expect("every month has a first day");
            }
            if from.is_some_and(|from| day < from) {
                break;
            }
            days.push(day);
            day = trading_day_before(day);
        }
        days
    }

    fn flow(&self, who: &str, kind: &str, day: IstDay, is_daily: bool) -> Value {
        let name = purpose(&format!("{who} {kind}")) ^ day.get().unsigned_abs() as u64;
        let mut random = Random::new(self.seed().unwrap_or_default(), name);
        let days = if is_daily { 1 } else { DAYS_OF_MONTH };
        let mut crores = || random.between(900_000, 1_700_000) as f64 * days as f64 / 100.0;
        let (buy, sell, open) = (crores(), crores(), crores());
        let (is_cash, is_future) = (kind == CASH, kind.ends_with("FUTURES"));
        let mut count = |holds: bool| {
            let contracts = random.between(100_000, 900_000);
            if holds { contracts } else { 0 }
        };
        let (long, short) = (count(is_future), count(is_future));
        let sides = [0; 4].map(|_| count(!is_cash && !is_future));
        json!({
            "time_stamp": midnight_ms(day), "buy_amount": buy, "sell_amount": sell,
            "buy_contracts": count(!is_cash), "sell_contracts": count(!is_cash),
            "oi_contracts": long + short + sides.iter().sum::<i64>(),
            "oi_amount": if is_cash { 0.0 } else { open },
            "total_long_contracts": long, "total_short_contracts": short,
            "total_call_long_contracts": sides[0], "total_put_long_contracts": sides[1],
            "total_call_short_contracts": sides[2], "total_put_short_contracts": sides[3],
        })
    }
}
