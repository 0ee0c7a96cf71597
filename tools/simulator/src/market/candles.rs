//! Candles: of the played day from its ticks, of earlier days from where the day's past comes from.
//!
//! Rows are `[time, open, high, low, close, volume, open interest]`, newest first. Candles of minutes and hours
//! are cut from the open of their day; weeks begin on Mondays. History ends the day before the played one. The
//! spans of version 3 hold for version 2 too. Source: the broker's API documentation (historical data); that
//! exactly ten years of days are served and more refused is recorded.

use bijli_core::IstDay;
use bijli_core::session::Market;
use serde_json::{Value, json};

use super::bar::{Bar, joined, of_minutes};
use super::past::InventedPast;
use super::request::{date, is_key, success};
use super::{Answer, MarketDesk, iso, midnight_ms, millis};
use crate::broker::reply::{BAD_KEY, NOT_SUPPORTED, Refusal, UNEXPECTED};
use crate::day::derivatives::trading_day_before;
use crate::day::{Past, hours};

pub(super) const BAD_RANGE: Refusal = Refusal::new(
    "UDAPI1015",
    "to_date must not be before from_date, and both must be valid dates",
);
pub(super) const BAD_INTERVAL_V2: Refusal = Refusal::new("UDAPI1020", "Invalid interval");
pub(super) const BAD_KEY_FORM: Refusal = Refusal::new("UDAPI1021", "Instrument key is of invalid format");
const NO_TO_DATE: Refusal = Refusal::new("UDAPI1022", "to_date is required");
const BAD_INTRADAY_V2: Refusal = Refusal::new("UDAPI1076", "Interval accepts one of (1minute,30minute)");
const BAD_UNIT: Refusal = Refusal::new("UDAPI1146", "Invalid unit");
const BAD_INTERVAL: Refusal = Refusal::new("UDAPI1147", "Invalid interval");
const TOO_LONG: Refusal = Refusal::new("UDAPI1148", "Invalid date range");
/// First years of days and of minutes.
const DAYS_SINCE: i32 = 2000;
const MINUTES_SINCE: i32 = 2022;
/// Days of a month, a quarter and ten years at their longest.
const MONTH_DAYS: i32 = 31;
const QUARTER_DAYS: i32 = 92;
const DECADE_DAYS: i32 = 3_653;

/// The length of a candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    Minutes(i64),
    Day,
    Week,
    Month,
}

impl Span {
    /// Reads the unit and interval of version 3.
    fn v3(unit: &str, interval: &str) -> Result<Self, Refusal> {
        let max = match unit {
            "minutes" => 300,
            "hours" => 5,
            "days" | "weeks" | "months" => 1,
            _ => return Err(BAD_UNIT.at("unit", unit)),
        };
        let count: i64 = interval
            .parse()
            .ok()
            .filter(|count| (1..=max).contains(count))
            .ok_or_else(|| BAD_INTERVAL.at("interval", interval))?;
        Ok(match unit {
            "minutes" => Self::Minutes(count),
            "hours" => Self::Minutes(count * 60),
            "days" => Self::Day,
            "weeks" => Self::Week,
            _ => Self::Month,
        })
    }

    fn v2(interval: &str) -> Result<Self, Refusal> {
        match interval {
            "1minute" => Ok(Self::Minutes(1)),
            "30minute" => Ok(Self::Minutes(30)),
            "day" => Ok(Self::Day),
            "week" => Ok(Self::Week),
            "month" => Ok(Self::Month),
            _ => Err(BAD_INTERVAL_V2.at("interval", interval)),
        }
    }

    /// Most days that one call may ask for.
    const fn days_max(self) -> Option<i32> {
        match self {
            Self::Minutes(..=15) => Some(MONTH_DAYS),
            Self::Minutes(_) => Some(QUARTER_DAYS),
            Self::Day => Some(DECADE_DAYS),
            Self::Week | Self::Month => None,
        }
    }

    fn since(self) -> IstDay {
        let year = if matches!(self, Self::Minutes(_)) {
            MINUTES_SINCE
        } else {
            DAYS_SINCE
        };
        IstDay::from_ymd(year, 1, 1).expect("every year has a first day")
    }
}

/// What is asked of history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) from: IstDay,
    pub(super) to: IstDay,
}

impl Window {
    /// Reads the dates; without `from` the window is as long as one call may ask for.
    pub(super) fn of(span: Span, to: &str, from: Option<&str>) -> Result<Self, Refusal> {
        if to.is_empty() {
            return Err(NO_TO_DATE);
        }
        let read = |text: &str| date(text).map_err(|_| BAD_RANGE);
        let to = read(to)?;
        let longest = span
            .days_max()
            .map_or(span.since(), |days| IstDay::new(to.get() - days));
        let from = from.map_or(Ok(longest), read)?;
        if from > to {
            return Err(BAD_RANGE);
        }
        if span.days_max().is_some_and(|days| to.get() - from.get() > days) {
            return Err(TOO_LONG);
        }
        Ok(Self { from, to })
    }
}

impl MarketDesk {
    pub(super) fn candles(&self, version: &str, rest: &[&str]) -> Answer {
        let key = |key: &str| {
            if !is_key(key) {
                return Err(BAD_KEY_FORM);
            }
            self.ids.get(key).copied().ok_or(BAD_KEY)
        };
        match (version, rest) {
            ("v2", ["intraday", name, interval]) => {
                let is_known = ["1minute", "30minute"].contains(interval);
                let span = Span::v2(interval)
                    .ok()
                    .filter(|_| is_known)
                    .ok_or_else(|| BAD_INTRADAY_V2.at("interval", *interval))?;
                self.intraday(key(name)?, span)
            }
            ("v3", ["intraday", name, unit, interval]) => {
                let span = Span::v3(unit, interval)?;
                if matches!(span, Span::Week | Span::Month) {
                    return Err(BAD_UNIT.at("unit", *unit));
                }
                self.intraday(key(name)?, span)
            }
            ("v2", [name, interval, to, from @ ..]) if from.len() <= 1 => {
                let span = Span::v2(interval)?;
                let window = Window::of(span, to, from.first().copied())?;
                candle_rows(&self.history(key(name)?, span, window)?)
            }
            ("v3", [name, unit, interval, to, from @ ..]) if from.len() <= 1 => {
                let span = Span::v3(unit, interval)?;
                let window = Window::of(span, to, from.first().copied())?;
                candle_rows(&self.history(key(name)?, span, window)?)
            }
            _ => Err(NOT_SUPPORTED),
        }
    }

    fn intraday(&self, id: u32, span: Span) -> Answer {
        candle_rows(&cut(&self.bars(id), span))
    }

    fn history(&self, id: u32, span: Span, window: Window) -> Result<Vec<Bar>, Refusal> {
        let last = trading_day_before(self.info.day);
        // Recorded days may be older than what the broker serves of real ones.
        let since = if self.seed().is_some() {
            span.since()
        } else {
            window.from
        };
        let window = Window {
            from: window.from.max(since),
            to: window.to.min(last),
        };
        if window.from > window.to {
            return Ok(Vec::new());
        }
        let bars = match (self.contract(id), self.past_of(id), span) {
            (Some(contract), _, _) => self.contract_minutes(contract, window),
            (None, None, _) => self.recorded_minutes(id, window)?,
            (None, Some(past), Span::Minutes(_)) => past.minutes(window.from, window.to),
            (None, Some(past), _) => past.day_bars(window.from, window.to),
        };
        Ok(cut(&bars, span))
    }

    /// Minutes that lie recorded beside the day; a file that cannot be read is the server's trouble.
    fn recorded_minutes(&self, line: u32, window: Window) -> Result<Vec<Bar>, Refusal> {
        let Past::Recorded(past) = &self.past else {
            return Ok(Vec::new());
        };
        let symbol = &self.lines[line as usize].instrument.symbol;
        let candles = past
            .minutes(symbol, window.from, window.to)
            .map_err(|_| UNEXPECTED)?;
        Ok(candles
            .into_iter()
            .map(|candle| Bar { candle, oi: 0.0 })
            .collect())
    }

    /// The invented past of an instrument that ticks; `None` on a recorded day.
    fn past_of(&self, id: u32) -> Option<InventedPast<'_>> {
        let line = self.contract(id).map_or(id, |contract| contract.underlying);
        let Past::Invented(seed) = self.past else {
            return None;
        };
        Some(InventedPast {
            instrument: &self.lines[line as usize].instrument,
            close: self.close_before(line),
            day: self.info.day,
            seed,
        })
    }

    /// Past minutes of an instrument that ticks; none on a recorded day.
    pub(super) fn past_minutes(&self, line: u32, from: IstDay, to: IstDay) -> Vec<Bar> {
        self.past_of(line)
            .map_or_else(Vec::new, |past| past.minutes(from, to))
    }

    /// Past minutes of a contract, from those of its underlying.
    pub(super) fn contract_minutes(&self, contract: &super::Derived, window: Window) -> Vec<Bar> {
        let listed = contract.listed_since();
        self.past_minutes(contract.underlying, window.from.max(listed), window.to)
            .iter()
            .map(|bar| contract.bar(bar))
            .collect()
    }

    /// Closes of past days from `from` on, newest last; `None` on a recorded day.
    pub(super) fn past_closes(&self, id: u32, from: IstDay) -> Option<Vec<f64>> {
        let line = self.contract(id).map_or(id, |contract| contract.underlying);
        let closes = self.past_of(line)?.closes(from);
        Some(match self.contract(id) {
            None => closes.into_iter().map(|(_, rupees)| rupees).collect(),
            Some(contract) => closes
                .into_iter()
                .filter(|(day, _)| *day >= contract.listed_since())
                .map(|(day, rupees)| contract.price(rupees, millis(hours(day, Market::Derivatives).close)))
                .collect(),
        })
    }

    /// The close of a line on a past day, rupees.
    pub(super) fn past_close(&self, line: u32, day: IstDay) -> Option<f64> {
        let closes = self.past_of(line)?.closes(day);
        closes
            .first()
            .filter(|(first, _)| *first == day)
            .map(|(_, rupees)| *rupees)
    }
}

/// Joins bars to candles of a length.
pub(super) fn cut(bars: &[Bar], span: Span) -> Vec<Bar> {
    let day_of = |ms: i64| bijli_core::TsNs::from_millis(ms).ist_day();
    match span {
        Span::Minutes(minutes) => bars
            .chunk_by(|a, b| day_of(a.candle.start_ms) == day_of(b.candle.start_ms))
            .flat_map(|day| {
                let open = hours(day_of(day[0].candle.start_ms), Market::Cash).open;
                of_minutes(day, millis(open), minutes)
            })
            .collect(),
        Span::Day => joined(bars, |ms| midnight_ms(day_of(ms))),
        Span::Week => joined(bars, |ms| {
            let day = day_of(ms);
            midnight_ms(IstDay::new(day.get() - day.weekday() as i32))
        }),
        Span::Month => joined(bars, |ms| {
            let day = day_of(ms);
            midnight_ms(IstDay::new(day.get() - day.ymd().2 as i32 + 1))
        }),
    }
}

/// The answer with these bars, newest first.
pub(super) fn candle_rows(bars: &[Bar]) -> Answer {
    let rows = bars.iter().rev().map(|bar| {
        let candle = &bar.candle;
        json!([
            iso(candle.start_ms),
            candle.open,
            candle.high,
            candle.low,
            candle.close,
            candle.volume,
            bar.oi as i64
        ])
    });
    success(json!({ "candles": rows.collect::<Vec<Value>>() }))
}
