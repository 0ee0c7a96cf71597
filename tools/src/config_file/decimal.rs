//! Decimal numbers of the configuration as exact integers: percentages in basis points, scores in millionths.
//!
//! The text of the literal decides, so `4.35` is 435 basis points and nothing near it. The serde side meets
//! only numbers whose text was checked; it rounds the float back to the integer that it came from.

use serde::{Deserialize, Deserializer, de};

/// A percentage, held as whole basis points (1 = 0.01 %).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(i64);

/// A score between 0 and 1, held as millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(u32);

impl Percent {
    /// From whole basis points.
    #[must_use]
    pub const fn from_bps(bps: i64) -> Self {
        Self(bps)
    }

    /// In whole basis points.
    #[must_use]
    pub const fn bps(self) -> i64 {
        self.0
    }
}

impl Score {
    /// From millionths.
    #[must_use]
    pub const fn from_ppm(ppm: u32) -> Self {
        Self(ppm)
    }

    /// In millionths.
    #[must_use]
    pub const fn ppm(self) -> u32 {
        self.0
    }
}

/// Prints as a percentage without trailing zeros: `4.5`.
impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&unscaled(self.0, 2))
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&unscaled(i64::from(self.0), 6))
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        whole(value * 100.0)
            .map(Self)
            .ok_or_else(|| de::Error::custom("a percentage has at most two decimals"))
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        whole(value * 1e6)
            .and_then(|ppm| u32::try_from(ppm).ok())
            .map(Self)
            .ok_or_else(|| de::Error::custom("a score has at most six decimals"))
    }
}

/// The integer that a float stands for, or `None` when it is none within 1e-9 or too large to tell.
fn whole(value: f64) -> Option<i64> {
    let rounded = value.round();
    ((value - rounded).abs() < 1e-9 && rounded.abs() < 1e12).then_some(rounded as i64)
}

/// Why the text of a number could not be scaled to an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DecimalError {
    /// Neither digits nor digits with one point: an exponent, infinity, another radix.
    NotPlain,
    /// More decimals than the key distinguishes.
    TooFine,
    /// Does not fit.
    TooLarge,
}

/// The number written in `text`, times ten to the power of `places`, exactly.
pub(super) fn scaled(text: &str, places: usize) -> Result<i64, DecimalError> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (head, tail) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    if head.is_empty() || !plain(head) || !plain(tail) {
        return Err(DecimalError::NotPlain);
    }
    let tail = tail.replace('_', "");
    let tail = tail.trim_end_matches('0');
    if tail.len() > places {
        return Err(DecimalError::TooFine);
    }
    let all = format!("{}{tail:0<places$}", head.replace('_', ""));
    let value: i64 = all.parse().map_err(|_| DecimalError::TooLarge)?;
    Ok(sign * value)
}

/// The decimal text of an integer that was scaled by ten to the power of `places`, without trailing zeros.
pub(super) fn unscaled(value: i64, places: usize) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = places + 1);
    let (head, tail) = digits.split_at(digits.len() - places);
    let tail = tail.trim_end_matches('0');
    if tail.is_empty() {
        format!("{sign}{head}")
    } else {
        format!("{sign}{head}.{tail}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_scaled_from_its_text_without_a_float_in_between() {
        for (text, places, expected) in [
            ("4.35", 2, Ok(435)),
            ("2", 2, Ok(200)),
            ("+0.10", 2, Ok(10)),
            ("-1.5", 2, Ok(-150)),
            ("1_000.2_5", 2, Ok(100_025)),
            ("0.72", 6, Ok(720_000)),
            ("4.355", 2, Err(DecimalError::TooFine)),
            ("4.3500", 2, Ok(435)),
            ("1e2", 2, Err(DecimalError::NotPlain)),
            ("inf", 2, Err(DecimalError::NotPlain)),
            ("", 2, Err(DecimalError::NotPlain)),
            ("99999999999999999999", 2, Err(DecimalError::TooLarge)),
        ] {
            assert_eq!(scaled(text, places), expected, "{text}");
        }
    }

    #[test]
    fn an_integer_reads_as_the_decimal_that_it_came_from() {
        for (value, places, expected) in [
            (435, 2, "4.35"),
            (200, 2, "2"),
            (-5, 2, "-0.05"),
            (720_000, 6, "0.72"),
            (7, 0, "7"),
        ] {
            assert_eq!(unscaled(value, places), expected);
        }
    }

    #[test]
    fn every_percentage_of_two_decimals_survives_the_float_of_the_typed_reader() {
        for bps in 0..=100_000_i64 {
            let value: f64 = unscaled(bps, 2).parse().expect("plain digits");
            assert_eq!(whole(value * 100.0), Some(bps));
        }
    }
}
