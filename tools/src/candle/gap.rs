//! What is missing between candles, by the exchange's hours and holidays.
//!
//! Pure. Invariants: only what the dated table of [`bijli_core::session`] knows to be trading time counts as missing;
//! a day without candles in a year whose holidays the table does not hold is undecided, not missing. Left out: whether
//! anybody traded, which the calendar cannot know (a contract may rest for minutes); closing auctions; segments other
//! than shares, their indices and derivatives, which have no table.

use std::collections::BTreeMap;

use bijli_core::holiday::Holiday;
use bijli_core::session::{ClosedDay, Market, SessionTimes};
use bijli_core::{DurationNs, IstDay, TsNs};
use bijli_gateway::upstox::candle_api::{Span, Timeframe};
use serde_json::{Value, json};

use super::period::{days, minutes};

/// Candles that are missing in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Begin of the first one.
    pub first: TsNs,
    /// Begin of the last one.
    pub last: TsNs,
    /// How many.
    pub candles: u32,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Trading days without a candle.
    pub missing_days: Vec<IstDay>,
    /// Missing candles of days that have some.
    pub holes: Vec<Hole>,
    /// Days without a candle of which nobody here knows whether there was trading.
    pub undecided_days: Vec<IstDay>,
    /// Days that have candles though the table says that there was no trading.
    pub unexpected_days: Vec<IstDay>,
    /// Candles of trading days that begin outside the hours of the table.
    pub outside_hours: u32,
}

/// Which hours the instrument of a key keeps; `None` where there is no table.
#[must_use]
pub fn market_of(key: &str) -> Option<Market> {
    match key.split('|').next().unwrap_or_default() {
        "NSE_EQ" | "BSE_EQ" | "NSE_INDEX" | "BSE_INDEX" => Some(Market::Cash),
        "NSE_FO" | "BSE_FO" => Some(Market::Derivatives),
        _ => None,
    }
}

impl Gaps {
    /// Looks for gaps in candles that begin at `begins`, in order. Of a day that still runs only what lies before
    /// `until` is missed.
    #[must_use]
    pub fn of(timeframe: Timeframe, market: Market, span: Span, (begins, until): (&[TsNs], TsNs)) -> Self {
        let mut by_day: BTreeMap<IstDay, Vec<TsNs>> = BTreeMap::new();
        for begin in begins {
            by_day.entry(begin.ist_day()).or_default().push(*begin);
        }
        let mut gaps = Self::default();
        for day in days(span) {
            let begins = by_day.get(&day).map_or(&[][..], Vec::as_slice);
            match SessionTimes::of(day, market) {
                Ok(_) if begins.is_empty() => gaps.absent(day),
                Ok(times) => {
                    if let Some(minutes) = minutes(timeframe) {
                        gaps.within(&times, DurationNs::from_hm(0, minutes), (begins, until));
                    }
                }
                Err(ClosedDay::Uncovered) if begins.is_empty() && day.weekday() < 5 => {
                    gaps.undecided_days.push(day);
                }
                Err(ClosedDay::Weekend | ClosedDay::Holiday) if !begins.is_empty() => {
                    gaps.unexpected_days.push(day);
                }
                Err(_) => {}
            }
        }
        gaps
    }

    fn absent(&mut self, day: IstDay) {
        if Holiday::of_year(day.ymd().0).is_empty() {
            self.undecided_days.push(day);
        } else {
            self.missing_days.push(day);
        }
    }

    fn within(&mut self, times: &SessionTimes, step: DurationNs, (begins, until): (&[TsNs], TsNs)) {
        let outside = |begin: &&TsNs| {
            let is_off_beat = begin.since(times.open).get() % step.get() != 0;
            !times.is_open(**begin) || is_off_beat
        };
        let outside = begins.iter().filter(outside).count();
        self.outside_hours += u32::try_from(outside).unwrap_or(u32::MAX);
        let mut open: Option<Hole> = None;
        let mut at = times.open;
        while at < times.close && at < until {
            if begins.binary_search(&at).is_ok() {
                self.holes.extend(open.take());
            } else {
                let hole = open.get_or_insert(Hole {
                    first: at,
                    last: at,
                    candles: 0,
                });
                hole.last = at;
                hole.candles += 1;
            }
            at = at.plus(step);
        }
        self.holes.extend(open);
    }

    /// Whether something is missing.
    #[must_use]
    pub fn is_any(&self) -> bool {
        !self.missing_days.is_empty() || !self.holes.is_empty()
    }

    /// Candles missing within days.
    #[must_use]
    pub fn missing_candles(&self) -> u64 {
        self.holes.iter().map(|hole| u64::from(hole.candles)).sum()
    }

    /// Takes the findings of a later span in.
    pub fn extend(&mut self, later: Self) {
        self.missing_days.extend(later.missing_days);
        self.holes.extend(later.holes);
        self.undecided_days.extend(later.undecided_days);
        self.unexpected_days.extend(later.unexpected_days);
        self.outside_hours += later.outside_hours;
    }

    /// For scripts.
    #[must_use]
    pub fn data(&self) -> Value {
        let days = |days: &[IstDay]| -> Vec<String> { days.iter().map(ToString::to_string).collect() };
        let hole = |hole: &Hole| {
            json!({
                "first_ist": hole.first.to_string(), "last_ist": hole.last.to_string(), "candles": hole.candles,
            })
        };
        json!({
            "any": self.is_any(),
            "missing_days": days(&self.missing_days),
            "missing_candles": self.missing_candles(),
            "holes": self.holes.iter().map(hole).collect::<Vec<_>>(),
            "undecided_days": days(&self.undecided_days),
            "unexpected_days": days(&self.unexpected_days),
            "outside_hours": self.outside_hours,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, date: u32) -> IstDay {
        IstDay::from_ymd(year, month, date).expect("a real date")
    }

    fn span(first: IstDay, last: IstDay) -> Span {
        Span { first, last }
    }

    fn quarters(day: IstDay, times: &[(i64, i64)]) -> Vec<TsNs> {
        let at = |(hour, minute): &(i64, i64)| day.at(DurationNs::from_hm(*hour, *minute));
        times.iter().map(at).collect()
    }

    #[test]
    fn a_holiday_and_a_weekend_are_no_gaps_and_a_trading_day_is() {
        // Friday, weekend, Monday, holiday on Tuesday, Wednesday.
        let week = span(day(2026, 11, 20), day(2026, 11, 25));
        let friday = day(2026, 11, 20).at(DurationNs::ZERO);
        let gaps = Gaps::of(
            Timeframe::DAY,
            Market::Cash,
            week,
            (&[friday], TsNs::new(i64::MAX)),
        );
        let expected = Gaps {
            missing_days: vec![day(2026, 11, 23), day(2026, 11, 25)],
            ..Gaps::default()
        };
        assert_eq!(gaps, expected);
    }

    #[test]
    fn a_year_without_a_list_of_holidays_leaves_days_undecided_and_a_weekend_with_candles_is_told() {
        let days = span(day(2021, 11, 3), day(2021, 11, 6));
        let begins: Vec<TsNs> = [3, 6]
            .map(|date| day(2021, 11, date).at(DurationNs::ZERO))
            .to_vec();
        let gaps = Gaps::of(Timeframe::DAY, Market::Cash, days, (&begins, TsNs::new(i64::MAX)));
        let expected = Gaps {
            undecided_days: vec![day(2021, 11, 4), day(2021, 11, 5)],
            unexpected_days: vec![day(2021, 11, 6)],
            ..Gaps::default()
        };
        assert_eq!(gaps, expected);
    }

    #[test]
    fn holes_follow_the_dated_hours_and_end_where_the_day_still_runs() {
        let two_hours = Timeframe::hours(2).expect("a length");
        // Cash from 2026-08-03: 09:15 to 15:15, so 11:15 is missing; derivatives to 15:40 miss 15:15 too.
        let today = day(2026, 8, 4);
        let begins = quarters(today, &[(9, 15), (13, 15), (13, 20)]);
        let of = |market, until| Gaps::of(two_hours, market, span(today, today), (&begins, until));
        let hole = |hour, candles: u32| {
            let first = today.at(DurationNs::from_hm(hour, 15));
            Hole {
                first,
                last: first,
                candles,
            }
        };
        let cash = of(Market::Cash, TsNs::new(i64::MAX));
        assert_eq!((cash.holes, cash.outside_hours), (vec![hole(11, 1)], 1));
        let derivatives = of(Market::Derivatives, TsNs::new(i64::MAX));
        assert_eq!(derivatives.holes, [hole(11, 1), hole(15, 1)]);
        let running = of(Market::Derivatives, today.at(DurationNs::from_hm(11, 0)));
        assert!(!running.is_any(), "{running:?}");
    }
}
