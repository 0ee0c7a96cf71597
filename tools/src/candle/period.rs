//! Lengths of candles as people write them, and the stretch of days that one file holds.
//!
//! Invariants: a file of minutes or hours holds a month, a file of days a year; a day belongs to one file; names sort
//! by time. Left out: weeks and months, which follow from days.

use bijli_core::IstDay;
use bijli_gateway::upstox::candle_api::{Span, Timeframe};

/// Reads a length: `1m` to `300m`, `1h` to `5h`, `1d`.
///
/// # Errors
/// What may be written.
pub fn timeframe(text: &str) -> Result<Timeframe, String> {
    let wrong = || format!("`{text}` is no length: write 1m to 300m, 1h to 5h, or 1d");
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or_else(wrong)?;
    let plain = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    let count: u16 = number.parse().ok().filter(|_| plain).ok_or_else(wrong)?;
    match unit {
        "m" => Timeframe::minutes(count).ok_or_else(wrong),
        "h" => Timeframe::hours(count).ok_or_else(wrong),
        "d" if count == 1 => Ok(Timeframe::DAY),
        _ => Err(wrong()),
    }
}

/// A length as it is written: `15m`.
#[must_use]
pub fn timeframe_text(timeframe: Timeframe) -> String {
    let unit = timeframe.unit().chars().next().unwrap_or_default();
    format!("{}{unit}", timeframe.count())
}

/// Length in minutes; `None` for days.
#[must_use]
pub fn minutes(timeframe: Timeframe) -> Option<i64> {
    match timeframe.unit() {
        "minutes" => Some(i64::from(timeframe.count())),
        "hours" => Some(i64::from(timeframe.count()) * 60),
        _ => None,
    }
}

/// The days that the file of `day` may hold.
///
/// # Panics
/// Never: every month and year has a first day.
#[must_use]
pub fn period_of(timeframe: Timeframe, day: IstDay) -> Span {
    let (year, month, _) = day.ymd();
    let (first, next) = match minutes(timeframe) {
        Some(_) if month < 12 => ((year, month), (year, month + 1)),
        Some(_) => ((year, 12), (year + 1, 1)),
        None => ((year, 1), (year + 1, 1)),
    };
    let start = |(year, month)| IstDay::from_ymd(year, month, 1).expect("the first is a day of every month");
    Span {
        first: start(first),
        last: IstDay::new(start(next).get() - 1),
    }
}

/// The parts of a range by file, oldest first.
#[must_use]
pub fn parts(timeframe: Timeframe, range: Span) -> Vec<Span> {
    let mut parts = Vec::new();
    let mut first = range.first;
    while first <= range.last {
        let last = period_of(timeframe, first).last.min(range.last);
        parts.push(Span { first, last });
        first = IstDay::new(last.get() + 1);
    }
    parts
}

/// Name of the file that holds `day`, without its ending: `2026-07`, or `2026` for days.
#[must_use]
pub fn file_stem(timeframe: Timeframe, day: IstDay) -> String {
    let text = day.to_string();
    let end = text.rfind('-').filter(|_| minutes(timeframe).is_some());
    let end = end.or_else(|| text.find('-')).unwrap_or(text.len());
    text[..end].to_owned()
}

/// The days of a span.
pub fn days(span: Span) -> impl Iterator<Item = IstDay> {
    (span.first.get()..=span.last.get()).map(IstDay::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, date: u32) -> IstDay {
        IstDay::from_ymd(year, month, date).expect("a real date")
    }

    #[test]
    fn lengths_read_as_they_are_written_and_no_others() {
        for text in ["1m", "5m", "15m", "300m", "1h", "5h", "1d"] {
            assert_eq!(timeframe(text).map(timeframe_text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "m",
            "0m",
            "01m",
            "301m",
            "6h",
            "2d",
            "1w",
            "+1m",
            "1 m",
            "1\u{20b9}",
        ] {
            assert!(timeframe(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_parts_into_months_of_minutes_and_years_of_days() {
        let range = Span {
            first: day(2025, 11, 20),
            last: day(2026, 1, 5),
        };
        let named = |timeframe| -> Vec<String> {
            let parts = parts(timeframe, range);
            let name = |span: &Span| {
                format!(
                    "{} {} {}",
                    file_stem(timeframe, span.first),
                    span.first,
                    span.last
                )
            };
            parts.iter().map(name).collect()
        };
        let minute = timeframe("1m").expect("a length");
        assert_eq!(
            named(minute),
            [
                "2025-11 2025-11-20 2025-11-30",
                "2025-12 2025-12-01 2025-12-31",
                "2026-01 2026-01-01 2026-01-05",
            ]
        );
        assert_eq!(
            named(Timeframe::DAY),
            ["2025 2025-11-20 2025-12-31", "2026 2026-01-01 2026-01-05"]
        );
    }
}
