//! Candles of past days and of today, and how a long range is cut into requests that the broker allows.
//!
//! Invariants: candles come out oldest first whatever the order sent, one per time; a timeframe outside the broker's
//! list cannot be built; the pieces of a range do not overlap and leave nothing out. No token goes along, as with the
//! broker's own clients. Source: the broker's candle documentation, versions 2 and 3.

use bijli_core::{IstDay, Price, Qty, TsNs};
use serde_json::Value;

use super::answer::{in_data, record};
use super::call::{Call, PathWriter};
use super::envelope::{Partial, whole_of};
use super::field::{Field, misfit};
use crate::evidence::{Misfit, ReadError};
use crate::request::Reply;

/// The length of a candle, version 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeframe {
    unit: Unit,
    count: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Unit {
    Minutes,
    Hours,
    Days,
    Weeks,
    Months,
}

impl Timeframe {
    /// A day.
    pub const DAY: Self = Self {
        unit: Unit::Days,
        count: 1,
    };
    /// A week.
    pub const WEEK: Self = Self {
        unit: Unit::Weeks,
        count: 1,
    };
    /// A month.
    pub const MONTH: Self = Self {
        unit: Unit::Months,
        count: 1,
    };

    /// 1 to 300 minutes.
    #[must_use]
    pub fn minutes(count: u16) -> Option<Self> {
        let unit = Unit::Minutes;
        (1..=300).contains(&count).then_some(Self { unit, count })
    }

    /// 1 to 5 hours.
    #[must_use]
    pub fn hours(count: u16) -> Option<Self> {
        let unit = Unit::Hours;
        (1..=5).contains(&count).then_some(Self { unit, count })
    }

    /// The broker's word for the unit.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self.unit {
            Unit::Minutes => "minutes",
            Unit::Hours => "hours",
            Unit::Days => "days",
            Unit::Weeks => "weeks",
            Unit::Months => "months",
        }
    }

    /// How many units.
    #[must_use]
    pub const fn count(self) -> u16 {
        self.count
    }

    /// First day that has such candles.
    #[must_use]
    pub fn since(self) -> IstDay {
        let year = match self.unit {
            Unit::Minutes | Unit::Hours => 2022,
            Unit::Days | Unit::Weeks | Unit::Months => 2000,
        };
        IstDay::from_ymd(year, 1, 1).expect("the first of January is a day of every year")
    }

    /// Whether today has such candles.
    #[must_use]
    pub const fn is_intraday(self) -> bool {
        matches!(self.unit, Unit::Minutes | Unit::Hours | Unit::Days)
    }

    /// Months that one request may span; none without a limit.
    const fn span_months(self) -> Option<i32> {
        match (self.unit, self.count) {
            (Unit::Minutes, ..=15) => Some(1),
            (Unit::Minutes, _) | (Unit::Hours, _) => Some(3),
            (Unit::Days, _) => Some(120),
            (Unit::Weeks | Unit::Months, _) => None,
        }
    }
}

/// Days from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First day.
    pub first: IstDay,
    /// Last day.
    pub last: IstDay,
}

/// Cuts a range into spans that one request each may ask for, oldest first. Days before the first candles are left
/// out; a range that ends before it begins has no spans.
#[must_use]
pub fn spans(timeframe: Timeframe, range: Span) -> Vec<Span> {
    let mut first = range.first.max(timeframe.since());
    let mut spans = Vec::new();
    while first <= range.last {
        let last = match timeframe.span_months() {
            Some(months) => range.last.min(IstDay::new(months_later(first, months).get() - 1)),
            None => range.last,
        };
        spans.push(Span { first, last });
        first = IstDay::new(last.get() + 1);
    }
    spans
}

/// The same day of a later month, or the last day of that month if it has no such day.
fn months_later(day: IstDay, months: i32) -> IstDay {
    let (year, month, day_of_month) = day.ymd();
    let index = i32::try_from(month).expect("months are at most 12") - 1 + months;
    let year = year + index.div_euclid(12);
    let month = u32::try_from(index.rem_euclid(12)).expect("a remainder is not negative") + 1;
    let found = (1..=day_of_month)
        .rev()
        .find_map(|day| IstDay::from_ymd(year, month, day));
    found.expect("every month has a first day")
}

/// Candles of past days. Without a first day the broker chooses one. Today is not among them.
#[must_use]
pub fn historical(key: &str, timeframe: Timeframe, last: IstDay, first: Option<IstDay>) -> Call {
    let path = PathWriter::new("/v3/historical-candle")
        .segment(key)
        .segment(timeframe.unit())
        .segment(timeframe.count())
        .segment(last);
    let path = match first {
        Some(first) => path.segment(first),
        None => path,
    };
    Call::get(path.end()).without_token()
}

/// Candles of a range, as many calls as it takes, oldest first.
#[must_use]
pub fn historical_range(key: &str, timeframe: Timeframe, range: Span) -> Vec<Call> {
    let spans = spans(timeframe, range).into_iter();
    spans
        .map(|span| historical(key, timeframe, span.last, Some(span.first)))
        .collect()
}

/// Candles of today.
#[must_use]
pub fn intraday(key: &str, timeframe: Timeframe) -> Call {
    let path = PathWriter::new("/v3/historical-candle/intraday")
        .segment(key)
        .segment(timeframe.unit())
        .segment(timeframe.count());
    Call::get(path.end()).without_token()
}

/// The length of a candle, version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalV2 {
    /// A minute.
    Minute,
    /// Half an hour.
    HalfHour,
    /// A day; past days only.
    Day,
    /// A week; past days only.
    Week,
    /// A month; past days only.
    Month,
}

impl IntervalV2 {
    const fn word(self) -> &'static str {
        match self {
            Self::Minute => "1minute",
            Self::HalfHour => "30minute",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// Candles of past days, old form.
#[must_use]
pub fn historical_v2(key: &str, interval: IntervalV2, last: IstDay, first: Option<IstDay>) -> Call {
    let path = PathWriter::new("/v2/historical-candle")
        .segment(key)
        .segment(interval.word())
        .segment(last);
    let path = match first {
        Some(first) => path.segment(first),
        None => path,
    };
    Call::get(path.end()).without_token()
}

/// Candles of today, old form.
#[must_use]
pub fn intraday_v2(key: &str, interval: IntervalV2) -> Call {
    let path = PathWriter::new("/v2/historical-candle/intraday").segment(key);
    Call::get(path.segment(interval.word()).end()).without_token()
}

/// One candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candle {
    /// When it began.
    pub begin: TsNs,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Units traded.
    pub volume: Qty,
    /// Open interest in units at the end; zero where there is none.
    pub oi: Qty,
}

impl Candle {
    /// Whether no price lies outside the highest and lowest.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let range = self.low..=self.high;
        range.contains(&self.open) && range.contains(&self.close)
    }
}

impl Field for Candle {
    const EXPECTED: &'static str = "a list of seven";
    const IS_SCALAR: bool = false;

    fn read(value: &Value) -> Result<Self, Misfit> {
        let cells = value.as_array().ok_or(misfit(Self::EXPECTED))?;
        Ok(Self {
            begin: cell(cells, 0, "begin")?,
            open: cell(cells, 1, "open")?,
            high: cell(cells, 2, "high")?,
            low: cell(cells, 3, "low")?,
            close: cell(cells, 4, "close")?,
            volume: cell(cells, 5, "volume")?,
            oi: cells
                .get(6)
                .and_then(|cell| Qty::read(cell).ok())
                .unwrap_or(Qty::ZERO),
        })
    }

    fn write<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;

        use super::field::Shown;
        let mut map = serializer.serialize_map(Some(7))?;
        map.serialize_entry("begin", &Shown(&self.begin))?;
        map.serialize_entry("open", &Shown(&self.open))?;
        map.serialize_entry("high", &Shown(&self.high))?;
        map.serialize_entry("low", &Shown(&self.low))?;
        map.serialize_entry("close", &Shown(&self.close))?;
        map.serialize_entry("volume", &Shown(&self.volume))?;
        map.serialize_entry("oi", &Shown(&self.oi))?;
        map.end()
    }
}

impl serde::Serialize for Candle {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Field::write(self, serializer)
    }
}

fn cell<T: Field>(cells: &[Value], index: usize, field: &'static str) -> Result<T, Misfit> {
    let read = cells.get(index).map_or(Err(misfit(T::EXPECTED)), T::read);
    read.map_err(|error| Misfit {
        record: "Candle",
        field,
        ..error
    })
}

record! {
    /// Candles, as the broker wraps them.
    pub struct CandleList {
        /// The candles.
        pub candles: Vec<Candle>,
    }
}

/// Candles, oldest first, each time once.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a candle cannot be read. Contradictions are for the caller to find.
pub fn candles_of(reply: &Reply) -> Result<Vec<Candle>, ReadError> {
    let mut candles = candles_as_sent(reply)?;
    candles.sort_by_key(|candle| candle.begin);
    candles.dedup_by_key(|candle| candle.begin);
    Ok(candles)
}

/// Candles in the order sent, doubled ones too: for whoever must know whether the broker contradicts itself.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a candle cannot be read.
pub fn candles_as_sent(reply: &Reply) -> Result<Vec<Candle>, ReadError> {
    let whole = whole_of(reply, Partial::Never)?;
    Ok(in_data::<CandleList>(&whole.data)?.candles)
}
