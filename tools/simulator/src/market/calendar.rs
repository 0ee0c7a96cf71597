//! When the exchanges are open: state of the market, holidays, hours of a day.
//!
//! Hours of shares and their derivatives and all holidays come from the dated tables of
//! [`bijli_core::session`] and [`bijli_core::holiday`]; BSE keeps the hours of NSE. Hours of currency (09:00 to
//! 17:00) and commodities (09:00 to 23:30, in the American winter 23:55; evening session from 17:00): the
//! broker's API documentation. A day that no table covers has no hours, save the played day itself.

use bijli_core::holiday::{CommodityDay, Holiday};
use bijli_core::session::{Market, SessionTimes};
use bijli_core::{DurationNs, IstDay, TsNs};
use serde_json::{Value, json};

use super::request::{BAD_DATE, date, success};
use super::{Answer, MarketDesk, millis};
use crate::broker::reply::Refusal;
use crate::day::hours;

const BAD_EXCHANGE: Refusal = Refusal::new("UDAPI1089", "Invalid exchange");
/// The exchanges by the broker's codes, in the order of its documentation.
const EXCHANGES: [(&str, Trade); 8] = [
    ("NSE", Trade::Cash),
    ("NFO", Trade::Derivatives),
    ("CDS", Trade::Currency),
    ("BSE", Trade::Cash),
    ("BFO", Trade::Derivatives),
    ("BCD", Trade::Currency),
    ("MCX", Trade::Commodity),
    ("NSCOM", Trade::Commodity),
];
const EVENING: DurationNs = DurationNs::from_hm(17, 0);
const MORNING: DurationNs = DurationNs::from_hm(9, 0);

/// What is traded, as far as it decides hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trade {
    Cash,
    Derivatives,
    Currency,
    Commodity,
}

impl Trade {
    fn hours(self, day: IstDay) -> Option<(TsNs, TsNs)> {
        let equity = |market| {
            SessionTimes::of(day, market)
                .ok()
                .map(|times| (times.open, times.close))
        };
        match self {
            Self::Cash => equity(Market::Cash),
            Self::Derivatives => equity(Market::Derivatives),
            Self::Currency => {
                let is_shut = Holiday::on(day).is_some_and(|holiday| holiday.shuts_currency);
                let is_covered = is_covered_weekday(day) && !is_shut;
                is_covered.then(|| (day.at(MORNING), day.at(EVENING)))
            }
            Self::Commodity => {
                let (open, close) = (day.at(MORNING), day.at(commodity_close(day)));
                let left = Holiday::on(day).map_or(CommodityDay::Open, |holiday| holiday.commodity);
                match left {
                    _ if !is_covered_weekday(day) => None,
                    CommodityDay::Open => Some((open, close)),
                    CommodityDay::MorningOnly => Some((open, day.at(EVENING))),
                    CommodityDay::EveningOnly => Some((day.at(EVENING), close)),
                    CommodityDay::Shut => None,
                }
            }
        }
    }
}

/// The holiday tables of currency and commodities cover 2026 alone.
fn is_covered_weekday(day: IstDay) -> bool {
    day.weekday() < 5 && !Holiday::of_year(day.ymd().0).is_empty()
}

/// 23:30 while New York keeps summer time (second Sunday of March to first Sunday of November), else 23:55.
fn commodity_close(day: IstDay) -> DurationNs {
    let (year, _, _) = day.ymd();
    let sunday = |month: u32, from: u32| {
        let first = IstDay::from_ymd(year, month, from).expect("a day below the fifteenth");
        IstDay::new(first.get() + (6 - first.weekday() as i32).rem_euclid(7))
    };
    if sunday(3, 8) <= day && day < sunday(11, 1) {
        DurationNs::from_hm(23, 30)
    } else {
        DurationNs::from_hm(23, 55)
    }
}

fn timing(exchange: &str, (open, close): (TsNs, TsNs)) -> Value {
    json!({ "exchange": exchange, "start_time": millis(open), "end_time": millis(close) })
}

fn timings_of(day: IstDay) -> Vec<Value> {
    EXCHANGES
        .iter()
        .filter_map(|(code, trade)| trade.hours(day).map(|hours| timing(code, hours)))
        .collect()
}

/// The row of a holiday: who is shut, and who is open at which hours.
fn holiday_row(holiday: &Holiday) -> Value {
    let day = holiday.day();
    let is_shut = |trade: Trade| match trade {
        Trade::Cash | Trade::Derivatives => holiday.shuts_equity,
        Trade::Currency => holiday.shuts_currency,
        Trade::Commodity => holiday.commodity == CommodityDay::Shut,
    };
    let closed: Vec<&str> = EXCHANGES
        .iter()
        .filter(|(_, trade)| is_shut(*trade))
        .map(|(code, _)| *code)
        .collect();
    json!({
        "date": day.to_string(), "description": holiday.description, "holiday_type": "TRADING_HOLIDAY",
        "closed_exchanges": closed, "open_exchanges": timings_of(day),
    })
}

/// The row of a weekend day on which a session is held all the same.
fn special_row(day: IstDay) -> Value {
    json!({
        "date": day.to_string(), "description": "Special live trading session", "holiday_type": "SPECIAL_TIMING",
        "closed_exchanges": [], "open_exchanges": timings_of(day),
    })
}

/// Days of a year that are listed: holidays, and weekend days with a session.
fn listed(year: i32) -> Vec<(IstDay, Value)> {
    let mut rows: Vec<(IstDay, Value)> = Holiday::of_year(year)
        .iter()
        .map(|holiday| (holiday.day(), holiday_row(holiday)))
        .collect();
    if !rows.is_empty() {
        let first = IstDay::from_ymd(year, 1, 1).expect("every year has a first day");
        let days = (first.get()..first.get() + 366).map(IstDay::new);
        let special = days
            .filter(|day| day.ymd().0 == year && day.weekday() >= 5)
            .filter(|day| SessionTimes::of(*day, Market::Cash).is_ok());
        rows.extend(special.map(|day| (day, special_row(day))));
        rows.sort_by_key(|(day, _)| *day);
    }
    rows
}

impl MarketDesk {
    pub(super) fn market_status(&self, now: TsNs, exchange: &str) -> Answer {
        let known = EXCHANGES.iter().find(|(code, _)| *code == exchange);
        let (_, trade) = known.ok_or_else(|| BAD_EXCHANGE.at("exchange", exchange))?;
        let today = now.ist_day();
        let hours = match trade {
            // The played day is a trading day, whatever the tables know of it.
            Trade::Cash if today == self.info.day => Some(times(today, Market::Cash)),
            Trade::Derivatives if today == self.info.day => Some(times(today, Market::Derivatives)),
            _ => trade.hours(today),
        };
        let midnight = today.at(DurationNs::ZERO);
        let (status, since) = match hours {
            Some((open, close)) if open <= now && now < close => ("NORMAL_OPEN", open),
            Some((_, close)) if close <= now => ("NORMAL_CLOSE", close),
            _ => ("NORMAL_CLOSE", midnight),
        };
        success(json!({ "exchange": exchange, "status": status, "last_updated": millis(since) }))
    }

    /// The holidays of the played year, or what is listed on one day.
    pub(super) fn holidays(&self, on: Option<&str>) -> Answer {
        let wanted = on.map(date).transpose()?;
        let year = wanted.unwrap_or(self.info.day).ymd().0;
        let rows = listed(year)
            .into_iter()
            .filter(|(day, _)| wanted.is_none_or(|wanted| wanted == *day));
        success(Value::Array(rows.map(|(_, row)| row).collect()))
    }

    /// The hours of every exchange that is open on a day; none on a holiday.
    pub(super) fn timings(&self, on: &str) -> Answer {
        let rows = timings_of(date(on)?);
        if rows.is_empty() && !self.options.holiday_timings_empty {
            return Err(BAD_DATE.at("date", on));
        }
        success(Value::Array(rows))
    }
}

fn times(day: IstDay, market: Market) -> (TsNs, TsNs) {
    let times = hours(day, market);
    (times.open, times.close)
}
