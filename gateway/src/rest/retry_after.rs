//! The header `Retry-After`: how long a server asks to be left alone, as seconds or as a date.
//!
//! Invariants: never negative, never longer than [`PAUSE_MAX`]; a year outside 1970 to 2199 is no date, whoever sends
//! it; a date is measured against the server's own `Date` where the reply has one, so a
//! wrong clock here does not matter. Source: RFC 9110, sections 10.2.3 and 5.6.7 (all three forms of a date).
//! Whether the broker sends the header at all is not documented.

use bijli_core::time::NS_PER_S;
use bijli_core::{DurationNs, IstDay, TsNs};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
/// Longest digits that are read.
const DIGITS_MAX: usize = 8;
/// Longest pause that is told: some three years.
pub const PAUSE_MAX: DurationNs = DurationNs::from_secs(99_999_999);

/// The pause that `value` asks for. `date` is the reply's own `Date`, `now` the clock here for want of one.
/// `None` for what neither form explains.
#[must_use]
pub fn pause(value: &str, date: Option<&str>, now: TsNs) -> Option<DurationNs> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        if value.len() > DIGITS_MAX {
            return Some(PAUSE_MAX);
        }
        return value.parse().ok().map(DurationNs::from_secs);
    }
    let until = http_date(value)?;
    let from = date.and_then(http_date).unwrap_or(now);
    Some(until.since(from).max(DurationNs::ZERO).min(PAUSE_MAX))
}

/// A date in any of the three forms: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`,
/// `Sun Nov  6 08:49:37 1994`. The name of the weekday is not checked.
#[must_use]
pub fn http_date(text: &str) -> Option<TsNs> {
    let text = text.trim();
    let words: Vec<&str> = match text.split_once(',') {
        Some((_, rest)) => rest.split([' ', '-']).filter(|word| !word.is_empty()).collect(),
        None => text.split(' ').filter(|word| !word.is_empty()).collect(),
    };
    let (day, month, year, clock) = match (text.contains(','), &words[..]) {
        (true, [day, month, year, clock, "GMT"]) => (day, month, year, clock),
        (false, [_, month, day, clock, year]) => (day, month, year, clock),
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| name == month)? as u32 + 1;
    let year = match year.len() {
        4 => digits(year)?,
        // Two digits: this century, since no server means the last one any more.
        2 => 2_000 + digits(year)?,
        _ => return None,
    };
    // Nanoseconds of other centuries may not fit.
    if !(1_970..2_200).contains(&year) {
        return None;
    }
    let civil = IstDay::from_ymd(
        i32::try_from(year).ok()?,
        month,
        u32::try_from(digits(day)?).ok()?,
    )?;
    let mut parts = clock.split(':').map(digits);
    let mut next = |max: i64| parts.next()?.filter(|part| *part < max);
    let (hour, minute, second) = (next(24)?, next(60)?, next(61)?);
    let seconds = i64::from(civil.get()) * 86_400 + hour * 3_600 + minute * 60 + second;
    parts.next().is_none().then(|| TsNs::new(seconds * NS_PER_S))
}

fn digits(text: &str) -> Option<i64> {
    let plain = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: TsNs = TsNs::new(784_111_777 * NS_PER_S);

    #[test]
    fn all_three_forms_of_a_date_name_the_same_instant() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            " Sun, 06 Nov 1994 08:49:37 GMT ",
        ] {
            assert_eq!(http_date(text), Some(NOW), "{text}");
        }
        let short = http_date("Friday, 06-Nov-26 08:49:37 GMT");
        assert_eq!(short, http_date("Fri, 06 Nov 2026 08:49:37 GMT"));
        assert!(short.is_some());
    }

    #[test]
    fn a_pause_is_read_from_seconds_and_from_dates() {
        for (value, seconds) in [
            ("0", 0),
            ("120", 120),
            (" 7 ", 7),
            ("Sun, 06 Nov 1994 08:50:07 GMT", 30),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
            ("123456789012345678901234567890", 99_999_999),
        ] {
            let expected = Some(DurationNs::from_secs(seconds));
            assert_eq!(pause(value, None, NOW), expected, "{value}");
        }
        for value in [
            "",
            "-1",
            "1.5",
            "soon",
            "Sun, 06 Foo 1994 08:50:07 GMT",
            "Sun, 31 Feb 2026 08:50:07 GMT",
        ] {
            assert_eq!(pause(value, None, NOW), None, "{value}");
        }
    }

    #[test]
    fn a_date_is_measured_by_the_servers_own_clock() {
        let served = Some("Sun, 06 Nov 1994 08:50:00 GMT");
        let wrong_clock = TsNs::new(0);
        let asked = pause("Sun, 06 Nov 1994 08:50:05 GMT", served, wrong_clock);
        assert_eq!(asked, Some(DurationNs::from_secs(5)));
    }

    #[test]
    fn a_year_that_no_server_lives_in_is_no_date_and_one_far_ahead_a_bounded_pause() {
        for year in ["0000", "0001", "1600", "1677", "1969", "2200", "9999"] {
            let text = format!("Mon, 01 Jan {year} 00:00:00 GMT");
            assert_eq!(http_date(&text), None, "{text}");
            assert_eq!(pause(&text, None, NOW), None, "{text}");
            let asked = pause("Sun, 06 Nov 1994 08:50:07 GMT", Some(&text), NOW);
            assert_eq!(
                asked,
                Some(DurationNs::from_secs(30)),
                "{text} as the date of the reply"
            );
        }
        let last = "Tue, 31 Dec 2199 23:59:59 GMT";
        assert_eq!(http_date(last), Some(TsNs::new(7_258_118_399 * NS_PER_S)));
        assert_eq!(pause(last, None, NOW), Some(PAUSE_MAX));
    }

    proptest! {
        #[test]
        fn no_year_panics_in_any_form(year in 0..10_000_u32, now in any::<i64>()) {
            for text in [
                format!("Mon, 01 Jan {year:04} 00:00:00 GMT"),
                format!("Mon Jan  1 00:00:00 {year:04}"),
            ] {
                let read = pause(&text, None, TsNs::new(now));
                prop_assert_eq!(read.is_some(), (1_970..2_200).contains(&year));
                prop_assert!(read.is_none_or(|read| (DurationNs::ZERO..=PAUSE_MAX).contains(&read)));
            }
        }

        #[test]
        fn no_text_panics_and_no_pause_is_negative(value in ".{0,60}", date in ".{0,60}", now in any::<i64>()) {
            let read = pause(&value, Some(&date), TsNs::new(now));
            prop_assert!(read.is_none_or(|pause| pause >= DurationNs::ZERO));
        }

        #[test]
        fn every_instant_of_two_centuries_reads_back(seconds in 0_i64..7_000_000_000) {
            let day = IstDay::new((seconds / 86_400) as i32);
            let date = day.to_string();
            let (year, rest) = date.split_at(4);
            let month: usize = rest[1..3].parse().expect("digits");
            let second = seconds % 86_400;
            let clock = format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60);
            let text = format!("Mon, {} {} {year} {clock} GMT", &rest[4..6], MONTHS[month - 1]);
            prop_assert_eq!(http_date(&text), Some(TsNs::new(seconds * NS_PER_S)), "{}", text);
        }
    }
}
