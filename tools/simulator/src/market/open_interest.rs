//! Open interest by strike, its change, the put-call ratio and the strike of most pain.
//!
//! All are computed from the contracts of the expiry: of the played day as it stands, of earlier days of an
//! invented past at their close. A day without data has `data: null`, as recorded. Insights stand at the open
//! and every bucket after it, as far as the day has been played. Codes and shapes: the broker's OpenAPI
//! definition and market information pages.

use bijli_core::session::Market;
use bijli_core::{IstDay, TsNs};
use serde_json::{Value, json};

use super::bar::MS_PER_MINUTE;
use super::chain::Strike;
use super::request::{date, success};
use super::{Answer, MarketDesk, dashed, millis};
use crate::broker::ApiCall;
use crate::broker::reply::{NOT_SUPPORTED, Refusal};
use crate::day::derivatives::{is_trading_day, trading_day_before};
use crate::day::hours;

const BAD_EXPIRY: Refusal = Refusal::new("UDAPI1202", "Invalid expiry format");
const BAD_DAY: Refusal = Refusal::new("UDAPI1203", "Invalid date format");
const BAD_INTERVAL: Refusal = Refusal::new("UDAPI1204", "Invalid interval");
const BAD_BUCKET: Refusal = Refusal::new("UDAPI1205", "Invalid bucket_interval");
/// Days over which a change may be asked for, and minutes of a bucket.
const DAYS_MAX: i64 = 90;
const BUCKET_MINUTES_MAX: i64 = 375;

/// Units open at one strike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Open {
    pub(super) strike: f64,
    pub(super) calls: f64,
    pub(super) puts: f64,
}

/// Puts for each call; 0 without calls.
pub(super) fn put_call_ratio(open: &[Open]) -> f64 {
    let calls: f64 = open.iter().map(|each| each.calls).sum();
    let puts: f64 = open.iter().map(|each| each.puts).sum();
    if calls > 0.0 { puts / calls } else { 0.0 }
}

/// The strike at which, were it the price at expiry, the writers of all options paid least; the lowest of
/// equals, 0 without strikes.
pub(super) fn max_pain(open: &[Open]) -> f64 {
    let paid = |price: f64| -> f64 {
        open.iter()
            .map(|each| {
                each.calls * (price - each.strike).max(0.0) + each.puts * (each.strike - price).max(0.0)
            })
            .sum()
    };
    let mut least: Option<(f64, f64)> = None;
    for each in open {
        let now = paid(each.strike);
        if least.is_none_or(|(best, _)| now < best) {
            least = Some((now, each.strike));
        }
    }
    least.map_or(0.0, |(_, strike)| strike)
}

/// What an open-interest call is about.
struct Question {
    key: String,
    expiry: IstDay,
    strikes: Vec<Strike>,
    /// The moment that totals are taken at, epoch milliseconds.
    at_ms: i64,
    /// The day that is asked about.
    day: IstDay,
}

impl MarketDesk {
    pub(super) fn open_interest(&self, now: TsNs, topic: &str, call: &ApiCall<'_>) -> Answer {
        if !["oi", "change-oi", "pcr", "max-pain"].contains(&topic) {
            return Err(NOT_SUPPORTED);
        }
        let count = match topic {
            "change-oi" => number(call, "interval", DAYS_MAX, BAD_INTERVAL),
            "pcr" | "max-pain" => number(call, "bucket_interval", BUCKET_MINUTES_MAX, BAD_BUCKET),
            _ => Ok(0),
        };
        let question = self.question(now, call)?;
        let count = count?;
        let Some(question) = question else {
            return success(Value::Null);
        };
        match topic {
            "oi" => self.totals(&question),
            "change-oi" => self.changes(&question, count),
            "pcr" => self.insights(now, &question, count, "pcr", put_call_ratio),
            _ => self.insights(now, &question, count, "max_pain", max_pain),
        }
    }

    /// `None` when there is nothing to tell: no such expiry, or a day without data.
    fn question(&self, now: TsNs, call: &ApiCall<'_>) -> Result<Option<Question>, Refusal> {
        let key = self.underlying(call)?;
        let text = call.query("expiry").unwrap_or_default();
        let expiry = self.expiry(&key, &text, BAD_EXPIRY)?;
        let text = call.query("date").unwrap_or_default();
        let day = date(&text).map_err(|_| BAD_DAY.at("date", text.as_str()))?;
        let Some(expiry) = expiry else { return Ok(None) };
        let is_past = day < self.info.day && self.seed().is_some() && is_trading_day(day);
        let strikes = self.strikes(&key, expiry);
        if strikes.is_empty() || !(is_past || day == self.info.day) {
            return Ok(None);
        }
        let close = millis(hours(day, Market::Derivatives).close);
        Ok(Some(Question {
            key,
            expiry,
            strikes,
            at_ms: if is_past { close } else { millis(now).min(close) },
            day,
        }))
    }

    fn open_at(&self, question: &Question, ms: i64) -> Vec<Open> {
        let oi = |id: Option<u32>| id.map_or(0.0, |id| self.oi_at(id, ms));
        let strikes = question.strikes.iter();
        strikes
            .map(|strike| Open {
                strike: strike.price.rupees(),
                calls: oi(strike.call),
                puts: oi(strike.put),
            })
            .collect()
    }

    /// The price of the underlying that goes with the totals.
    fn spot_of(&self, question: &Question) -> f64 {
        if question.day == self.info.day {
            return self.spot(&question.key);
        }
        let line = self.ids.get(&question.key).copied();
        line.and_then(|line| self.past_close(line, question.day))
            .unwrap_or_default()
    }

    fn totals(&self, question: &Question) -> Answer {
        let open = self.open_at(question, question.at_ms);
        let rows = open.iter().map(|each| {
            json!({ "call_oi": each.calls as i64, "put_oi": each.puts as i64, "strike_price": each.strike })
        });
        success(json!({
            "total_puts": open.iter().map(|each| each.puts as i64).sum::<i64>(),
            "total_calls": open.iter().map(|each| each.calls as i64).sum::<i64>(),
            "spot_closing_price": self.spot_of(question), "expiry": dashed(question.expiry),
            "call_put_oi_data_list": rows.collect::<Vec<Value>>(),
        }))
    }

    /// Against the close so many trading days before. A recorded day does not know that: no change then.
    fn changes(&self, question: &Question, days: i64) -> Answer {
        let mut before = question.day;
        for _ in 0..days {
            before = trading_day_before(before);
        }
        let then_ms = millis(hours(before, Market::Derivatives).close);
        let open = self.open_at(question, question.at_ms);
        let then = self.open_at(question, then_ms);
        if self.seed().is_none() {
            return success(Value::Null);
        }
        let changed: Vec<(f64, i64, i64)> = open
            .iter()
            .zip(&then)
            .map(|(now, then)| {
                let change = |now: f64, then: f64| now as i64 - then as i64;
                (
                    now.strike,
                    change(now.calls, then.calls),
                    change(now.puts, then.puts),
                )
            })
            .collect();
        let rows = changed.iter().map(|(strike, calls, puts)| {
            json!({ "strike_price": strike, "call_change_oi": calls, "put_change_oi": puts })
        });
        success(json!({
            "total_put_change_oi": changed.iter().map(|(_, _, puts)| puts).sum::<i64>(),
            "total_call_change_oi": changed.iter().map(|(_, calls, _)| calls).sum::<i64>(),
            "spot_closing_price": self.spot_of(question), "expiry": dashed(question.expiry),
            "call_put_oi_data_list": rows.collect::<Vec<Value>>(),
        }))
    }

    /// One figure for the day and at every bucket of it.
    fn insights(
        &self,
        now: TsNs,
        question: &Question,
        bucket_minutes: i64,
        name: &str,
        figure: impl Fn(&[Open]) -> f64,
    ) -> Answer {
        let times = hours(question.day, Market::Derivatives);
        let until = millis(now.min(times.close));
        let mut at_ms = millis(times.open);
        let mut insights = Vec::new();
        let spots = self.spots_of(question);
        while at_ms < until {
            let passed = spots.partition_point(|(start_ms, _)| *start_ms <= at_ms);
            let spot = passed.checked_sub(1).map_or(0.0, |last| spots[last].1);
            let text = TsNs::from_millis(at_ms).to_string();
            insights.push(json!({
                name: figure(&self.open_at(question, at_ms)), "spot_price": spot, "time": &text[11..16],
            }));
            at_ms += bucket_minutes * MS_PER_MINUTE;
        }
        success(json!({
            "instrument_key": question.key, "expiry_date": dashed(question.expiry),
            name: figure(&self.open_at(question, question.at_ms)),
            "spot_closing_price": self.spot_of(question), "insights": insights,
        }))
    }

    /// Start and close of the underlying's minutes on the day of the question.
    fn spots_of(&self, question: &Question) -> Vec<(i64, f64)> {
        let Some(line) = self.ids.get(&question.key).copied() else {
            return Vec::new();
        };
        let bars = if question.day == self.info.day {
            self.bars(line)
        } else {
            self.past_minutes(line, question.day, question.day)
        };
        bars.iter()
            .map(|bar| (bar.candle.start_ms, bar.candle.close))
            .collect()
    }
}

fn number(call: &ApiCall<'_>, name: &'static str, max: i64, bad: Refusal) -> Result<i64, Refusal> {
    let text = call.query(name).unwrap_or_default();
    text.parse()
        .ok()
        .filter(|count| (1..=max).contains(count))
        .ok_or_else(|| bad.at(name, text))
}
