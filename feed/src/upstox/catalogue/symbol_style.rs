//! How other houses spell a derivative, taken apart: underlying, expiry, strike, sort.
//!
//! A spelling may read in several ways (`25120926000` is a week of January or 9 December); all of them are answered
//! and the catalogue knows which exist. Invariants: a guess has a positive strike if and only if it is an option.
//! Left out: the broker's own spelling, which is looked up whole. Sources: the exchange's end-of-day files
//! (`NIFTY26JAN26000CE`, weekly `NIFTY2611326000CE`), the tick vendors' symbol lists (`NIFTY26011326000CE`,
//! `NIFTY13JAN2626000CE`, `NIFTY-I`).

use std::collections::BTreeMap;

use bijli_core::instrument::InstrumentKind;
use bijli_core::price::{Price, UNITS_PER_RUPEE};
use bijli_core::time::IstDay;

use super::find::Style;

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

/// When a contract expires, as far as its spelling tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Day(IstDay),
    /// The last expiry of a month.
    Month {
        year: i32,
        month: u32,
    },
    /// The nearest, the next, and so on.
    Nth(usize),
    /// Not told.
    Any,
}

/// One reading of a spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guess {
    pub(super) underlying: u16,
    pub(super) when: When,
    pub(super) strike: Price,
    pub(super) kind: InstrumentKind,
    pub(super) style: Style,
}

/// Every reading of `text`, which is plain: capitals without blanks. Underlyings may be prefixes of one another.
pub(super) fn guesses(text: &str, underlyings: &BTreeMap<String, u16>) -> Vec<Guess> {
    let mut guesses = Vec::new();
    for cut in (1..text.len()).rev().filter(|cut| text.is_char_boundary(*cut)) {
        let (name, rest) = text.split_at(cut);
        let loose: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        if let Some(underlying) = underlyings.get(name).or_else(|| underlyings.get(&loose)) {
            read(rest, |when, strike, kind, style| {
                guesses.push(Guess {
                    underlying: *underlying,
                    when,
                    strike,
                    kind,
                    style,
                });
            });
        }
    }
    guesses
}

/// Every reading of what follows the underlying.
fn read(rest: &str, mut found: impl FnMut(When, Price, InstrumentKind, Style)) {
    if let Some(nth) = ["-I", "-II", "-III"].iter().position(|mark| *mark == rest) {
        return found(
            When::Nth(nth),
            Price::NONE,
            InstrumentKind::Future,
            Style::Continuous,
        );
    }
    if rest == "FUT" {
        return found(When::Any, Price::NONE, InstrumentKind::Future, Style::NoExpiry);
    }
    if let Some(mark) = rest.strip_suffix("FUT").or_else(|| rest.strip_prefix("FUT")) {
        for (when, style, left) in dates(mark) {
            if left.is_empty() {
                found(when, Price::NONE, InstrumentKind::Future, style);
            }
        }
        return;
    }
    for (kind, mark) in [(InstrumentKind::Call, "CE"), (InstrumentKind::Put, "PE")] {
        if let Some(body) = rest.strip_suffix(mark) {
            if let Some(strike) = strike(body) {
                found(When::Any, strike, kind, Style::NoExpiry);
            }
            for (when, style, left) in dates(body) {
                if let Some(strike) = strike(left) {
                    found(when, strike, kind, style);
                }
            }
        }
        // The mark before the strike (`29DEC26CE27000`), or strike and mark before the date.
        for (at, _) in rest.match_indices(mark) {
            let (before, after) = (&rest[..at], &rest[at + mark.len()..]);
            if let Some(strike) = strike(after) {
                for (when, style, left) in dates(before) {
                    if left.is_empty() {
                        found(when, strike, kind, style);
                    }
                }
            }
            if let Some(strike) = strike(before) {
                for (when, style, left) in dates(after) {
                    if left.is_empty() {
                        found(when, strike, kind, style);
                    }
                }
            }
        }
    }
}

/// Every date that `text` may begin with, and what is left behind it.
fn dates(text: &str) -> Vec<(When, Style, &str)> {
    let mut found = Vec::new();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits >= 2
        && let Some(month) = month_named(text.get(2..5))
    {
        let first = number(&text[..2]);
        let after = &text[5..];
        let year = 2000 + first;
        found.push((When::Month { year, month }, Style::ExchangeMonth, after));
        for year_digits in [2, 4] {
            let year = after
                .get(..year_digits)
                .filter(|year| all_digits(year))
                .map(number);
            let year = year.map(|year| if year_digits == 2 { 2000 + year } else { year });
            if let Some(day) = year.and_then(|year| IstDay::from_ymd(year, month, first.cast_unsigned())) {
                found.push((When::Day(day), Style::DayMonthYear, &after[year_digits..]));
            }
        }
    }
    if digits >= 6
        && let Some(day) = day_of(&text[..2], number(&text[2..4]), &text[4..6])
    {
        found.push((When::Day(day), Style::SixDigits, &text[6..]));
    }
    if digits >= 2
        && let Some(month) = text.get(2..3).and_then(month_sign)
        && let Some(day_text) = text.get(3..5).filter(|day| all_digits(day))
        && let Some(day) = day_of(&text[..2], month, day_text)
    {
        found.push((When::Day(day), Style::ExchangeWeek, &text[5..]));
    }
    found
}

fn day_of(year: &str, month: i32, day: &str) -> Option<IstDay> {
    IstDay::from_ymd(
        2000 + number(year),
        u32::try_from(month).ok()?,
        number(day).cast_unsigned(),
    )
}

fn month_named(name: Option<&str>) -> Option<u32> {
    let index = MONTHS.iter().position(|month| Some(*month) == name)?;
    u32::try_from(index + 1).ok()
}

/// The month of a weekly contract: 1 to 9, O, N, D.
fn month_sign(sign: &str) -> Option<i32> {
    match sign {
        "O" => Some(10),
        "N" => Some(11),
        "D" => Some(12),
        _ => sign.parse().ok().filter(|month| *month > 0),
    }
}

/// Rupees with up to four decimals, above zero.
fn strike(text: &str) -> Option<Price> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if !all_digits(whole) || !all_digits(part) || whole.len() > 9 || part.len() > 4 {
        return None;
    }
    let rupees: i64 = whole.parse().ok()?;
    let units: i64 = format!("{part:0<4}").parse().ok()?;
    Some(Price::new(rupees * UNITS_PER_RUPEE + units)).filter(|strike| strike.is_set())
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The value of up to four digits.
fn number(digits: &str) -> i32 {
    digits
        .bytes()
        .fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'))
}
