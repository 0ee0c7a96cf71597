//! Days and instants in the broker's many spellings.
//!
//! Invariants: a text that names no real day or hour is none; what carries no zone is Indian time. Numbers are told
//! apart by size: the seconds, milliseconds, microseconds and nanoseconds of this century do not overlap.
//! Source: the broker's API documentation; see "Times" in `PROTOCOL.md`.

use std::fmt::Write;

use bijli_core::{DurationNs, IstDay, TsNs};

use super::scalar::Scalar;

const NS_PER_MS: i64 = 1_000_000;
const NS_PER_US: i64 = 1_000;
const NS_PER_S: i64 = 1_000_000_000;
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// The instant that a scalar names.
pub(super) fn instant(scalar: &Scalar) -> Option<TsNs> {
    match scalar {
        Scalar::Integer(number) => instant_of_number(*number),
        Scalar::Decimal(number) => (number.abs() < 9e18)
            .then_some(*number as i64)
            .and_then(instant_of_number),
        Scalar::Text(text) => match text.trim().parse() {
            Ok(number) => instant_of_number(number),
            Err(_) => instant_of_text(text.trim()),
        },
        Scalar::Nothing | Scalar::Flag(_) => None,
    }
}

/// The Indian day that a scalar names; of an instant, the day it falls on.
pub(super) fn day(scalar: &Scalar) -> Option<IstDay> {
    match scalar {
        Scalar::Text(text) if text.trim().parse::<i64>().is_err() => {
            let text = text.trim();
            let end = text.find(['T', ' ']).unwrap_or(text.len());
            day_of_text(&text[..end])
        }
        Scalar::Text(_) | Scalar::Integer(_) | Scalar::Decimal(_) => instant(scalar).map(TsNs::ist_day),
        Scalar::Nothing | Scalar::Flag(_) => None,
    }
}

fn instant_of_number(number: i64) -> Option<TsNs> {
    let ns_per_unit = match number {
        1..100_000_000_000 => NS_PER_S,
        100_000_000_000..100_000_000_000_000 => NS_PER_MS,
        100_000_000_000_000..100_000_000_000_000_000 => NS_PER_US,
        100_000_000_000_000_000.. => 1,
        ..=0 => return None,
    };
    number.checked_mul(ns_per_unit).map(TsNs::new)
}

/// `2026-09-01T14:40:02.5+05:30`, `2026-09-01 14:40:02`, `01-Sep-2026 14:40:02`, or a day alone.
fn instant_of_text(text: &str) -> Option<TsNs> {
    let Some((date, rest)) = text.split_once(['T', ' ']) else {
        return day_of_text(text).map(|day| day.at(DurationNs::ZERO));
    };
    let zone_at = rest.find(['+', '-', 'Z']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone_at);
    let local = day_of_text(date)?.at(clock_of_text(clock)?);
    // Without a zone the hour is Indian already.
    let Some(ahead) = zone_of_text(zone)? else {
        return Some(local);
    };
    let india = DurationNs::from_hm(5, 30);
    Some(local.plus(india.minus(ahead)))
}

fn day_of_text(text: &str) -> Option<IstDay> {
    let mut parts = text.split(['-', '/']);
    let (first, middle, last) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (year, day) = if first.len() == 4 {
        (first, last)
    } else {
        (last, first)
    };
    let month = match MONTHS.iter().position(|name| middle.eq_ignore_ascii_case(name)) {
        Some(index) => u32::try_from(index).ok()? + 1,
        None => digits(middle)?,
    };
    let year = i32::try_from(digits(year)?)
        .ok()
        .filter(|year| (1900..2200).contains(year))?;
    IstDay::from_ymd(year, month, digits(day)?)
}

fn clock_of_text(text: &str) -> Option<DurationNs> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = whole.split(':');
    let (hour, minute) = (digits(parts.next()?)?, digits(parts.next()?)?);
    let second = parts.next().map_or(Some(0), digits)?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 || part.len() > 9 {
        return None;
    }
    let scale = 10_i64.pow(9 - u32::try_from(part.len()).ok()?);
    let part_ns = i64::from(digits(part)?) * scale;
    let clock = DurationNs::from_hm(i64::from(hour), i64::from(minute));
    Some(
        clock
            .plus(DurationNs::from_secs(i64::from(second)))
            .plus(DurationNs::new(part_ns)),
    )
}

/// How far a zone is ahead of UTC; inner `None` for no zone at all.
fn zone_of_text(text: &str) -> Option<Option<DurationNs>> {
    if text.is_empty() {
        return Some(None);
    }
    if text == "Z" {
        return Some(Some(DurationNs::ZERO));
    }
    let (sign, ahead) = text.split_at(1);
    let sign = if sign == "-" { -1 } else { 1 };
    let (hours, minutes) = ahead.split_once(':').or_else(|| ahead.split_at_checked(2))?;
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    let fits = hours <= 14 && minutes <= 59;
    fits.then(|| {
        Some(DurationNs::from_hm(
            sign * i64::from(hours),
            sign * i64::from(minutes),
        ))
    })
}

fn digits(text: &str) -> Option<u32> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().ok()).flatten()
}

/// An instant as it is printed: `2026-09-01T14:40:02.500+05:30`.
pub(super) fn written(at: TsNs) -> String {
    let clock = at.to_string().replacen(' ', "T", 1);
    let ms = at.ist_time_of_day().get() / NS_PER_MS % 1_000;
    let mut text = String::with_capacity(32);
    write!(text, "{clock}.{ms:03}+05:30").expect("writing to a String cannot fail");
    text
}

/// A day as some calls want it: `01-09-2026`.
pub(super) fn day_first(day: IstDay) -> String {
    let (year, month, day) = day.ymd();
    format!("{day:02}-{month:02}-{year:04}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        instant(&Scalar::Text(text.to_owned())).map(written)
    }

    #[test]
    fn an_instant_is_the_same_in_every_spelling() {
        let expected = Some("2026-09-01T14:40:02.000+05:30".to_owned());
        for text in [
            "2026-09-01 14:40:02",
            "2026-09-01T14:40:02+05:30",
            "2026-09-01T09:10:02Z",
            "2026-09-01T09:10:02.000000-00:00",
            "2026-09-01T05:10:02-0400",
            "01-Sep-2026 14:40:02",
            "01-09-2026 14:40:02",
            "1788253802",
            "1788253802000",
            "1788253802000000",
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(
            instant(&Scalar::Decimal(1_788_253_802_000.0)).map(written),
            expected
        );
        assert_eq!(
            read("2026-09-01").as_deref(),
            Some("2026-09-01T00:00:00.000+05:30")
        );
    }

    #[test]
    fn what_names_no_instant_is_none() {
        for text in [
            "",
            "0",
            "-5",
            "null",
            "2026-13-01",
            "2026-02-30 10:00:00",
            "2026-09-01 24:00:00",
            "2026-09-01 10",
            "2026-09-01 10:00:00.1234567890",
            "2026-09-01T10:00:00+99:00",
            "\u{915}-\u{915}-2026",
            "99999999999999999999",
            "2026-09-01T10:00:00+\u{915}",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_is_read_from_either_end() {
        for text in [
            "2026-09-01",
            "01-09-2026",
            "01-Sep-2026",
            "2026-09-01T00:00:00+05:30",
            "1788253802000",
        ] {
            let read = day(&Scalar::Text(text.to_owned())).map(|day| day.to_string());
            assert_eq!(read.as_deref(), Some("2026-09-01"), "{text}");
        }
        let september = IstDay::from_ymd(2026, 9, 1).expect("a real date");
        assert_eq!(day_first(september), "01-09-2026");
    }
}
