//! Contracts that have ended: which there were, and their candles.
//!
//! Only an invented day knows any: those of the last [`WEEKS`] weeks on each underlying that has options today,
//! with strikes around where it stood a week before their end. A recorded day has none. Their keys carry the
//! date of expiry. An account without the Plus plan is refused. Source: the broker's API documentation (expired
//! instruments); which code the refusal bears is not known.

use bijli_core::IstDay;
use serde_json::{Value, json};

use super::candles::{BAD_INTERVAL_V2, BAD_KEY_FORM, Span, Window, candle_rows, cut};
use super::derived::Derived;
use super::listing::contract_row;
use super::request::{date_required, success};
use super::{Answer, MarketDesk, dashed};
use crate::broker::ApiCall;
use crate::broker::reply::{BAD_INPUT, BAD_KEY, NOT_SUPPORTED, Refusal};
use crate::day::{DayInstrument, derivatives};

/// How far back contracts are known.
pub(super) const WEEKS: i32 = 26;
/// Tokens: one block for each expiry of each underlying, the future last in it.
const TOKENS_FROM: usize = 7_000_000;
const BLOCK: usize = 100;
const FUTURE_PLACE: usize = BLOCK - 1;

/// The plan's refusal.
const PLUS_ONLY: Refusal = BAD_INPUT
    .with_status(403)
    .with_message("Expired instruments need the Plus plan");

impl MarketDesk {
    pub(super) fn expired(&self, rest: &[&str], call: &ApiCall<'_>) -> Answer {
        let is_known = matches!(
            rest,
            ["expiries"] | ["option" | "future", "contract"] | ["historical-candle", _, _, _, _]
        );
        if is_known && !self.has_plus_plan {
            return Err(PLUS_ONLY);
        }
        match rest {
            ["expiries"] => {
                let line = self.expired_line(call)?;
                let mut days: Vec<String> = self
                    .ended(line)
                    .into_iter()
                    .map(|(day, _)| day.to_string())
                    .collect();
                days.reverse();
                success(json!(days))
            }
            ["option", "contract"] => self.expired_contracts(call, true),
            ["future", "contract"] => self.expired_contracts(call, false),
            ["historical-candle", key, interval, to, from] => self.expired_candles(key, interval, to, from),
            _ => Err(NOT_SUPPORTED),
        }
    }

    /// The number of an underlying that ticks; `None` for one that only contracts name.
    fn expired_line(&self, call: &ApiCall<'_>) -> Result<Option<u32>, Refusal> {
        let key = self.underlying(call)?;
        Ok(self.ids.get(&key).copied())
    }

    /// Days on which contracts on a line ended, newest first, each with its place.
    fn ended(&self, line: Option<u32>) -> Vec<(IstDay, usize)> {
        let underlying = line.and_then(|line| self.lines.get(line as usize));
        let Some(underlying) = underlying.map(|line| &line.instrument) else {
            return Vec::new();
        };
        if self.seed().is_none() || self.options_on(&underlying.key).next().is_none() {
            return Vec::new();
        }
        let weeks = derivatives::has_weeks(underlying);
        let days = derivatives::past_expiries(self.info.day, weeks, WEEKS);
        days.into_iter().map(|(day, _)| day).zip(0..).collect()
    }

    /// The contracts of an expiry: the options, then the future.
    fn ended_on(&self, line: u32, expiry: IstDay, place: usize) -> Vec<DayInstrument> {
        let underlying = &self.lines[line as usize].instrument;
        let from = TOKENS_FROM + (line as usize * WEEKS as usize + place) * BLOCK;
        let week_before = derivatives::trading_day_before(IstDay::new(expiry.get() - 6));
        let Some(rupees) = self.past_close(line, week_before) else {
            return Vec::new();
        };
        let mut contracts = derivatives::options(underlying, rupees, expiry, |number| from + number);
        contracts.push(derivatives::future(
            underlying,
            rupees,
            expiry,
            from + FUTURE_PLACE,
        ));
        contracts
    }

    fn expired_contracts(&self, call: &ApiCall<'_>, wants_options: bool) -> Answer {
        let line = self.expired_line(call)?;
        let expiry = date_required(call, "expiry_date")?;
        let found = self.ended(line).into_iter().find(|(day, _)| *day == expiry);
        let (Some(line), Some((_, place))) = (line, found) else {
            return success(json!([]));
        };
        let rows: Vec<Value> = self
            .ended_on(line, expiry, place)
            .iter()
            .filter(|contract| contract.kind.is_option() == wants_options)
            // Futures end with the month alone.
            .filter(|_| wants_options || !derivatives::is_week(expiry))
            .map(|contract| contract_row(contract, &format!("{}|{}", contract.key, dashed(expiry))))
            .collect();
        success(Value::Array(rows))
    }

    fn expired_candles(&self, key: &str, interval: &str, to: &str, from: &str) -> Answer {
        let span = match interval {
            "1minute" => Span::Minutes(1),
            "3minute" => Span::Minutes(3),
            "5minute" => Span::Minutes(5),
            "15minute" => Span::Minutes(15),
            "30minute" => Span::Minutes(30),
            "day" => Span::Day,
            _ => return Err(BAD_INTERVAL_V2.at("interval", interval)),
        };
        let window = Window::of(span, to, Some(from))?;
        let (live, date) = key.rsplit_once('|').ok_or(BAD_KEY_FORM)?;
        let token = live.strip_prefix("NSE_FO|").ok_or(BAD_KEY_FORM)?;
        if date.len() != 10 {
            return Err(BAD_KEY_FORM);
        }
        let block = token
            .parse::<usize>()
            .ok()
            .and_then(|token| token.checked_sub(TOKENS_FROM))
            .ok_or(BAD_KEY)?
            / BLOCK;
        let line = u32::try_from(block / WEEKS as usize).map_err(|_| BAD_KEY)?;
        let place = block % WEEKS as usize;
        let ended = self.ended(Some(line));
        let (expiry, _) = ended.get(place).copied().ok_or(BAD_KEY)?;
        let contracts = self.ended_on(line, expiry, place);
        let contract = contracts.into_iter().find(|contract| contract.key == live);
        let contract = contract.filter(|_| dashed(expiry) == date).ok_or(BAD_KEY)?;
        let seed = self.seed().unwrap_or_default();
        let derived = Derived::new(contract, line, self.close_before(line), self.info.day, seed);
        let window = Window {
            to: window.to.min(expiry),
            ..window
        };
        candle_rows(&cut(&self.contract_minutes(&derived, window), span))
    }
}
