//! A JSON value whose type nobody promised: integer or float, number in a string, null, or something else.
//!
//! Invariants: reading one never fails on well-formed JSON; numbers become prices and quantities by one rounding
//! to 1/10 000, which is exact for every exchange tick; what is no number is absent, never zero by accident.
//! The broker's own clients accept integers for floats and null for any text; so does this.

use std::fmt;

use bijli_core::price::UNITS_PER_RUPEE;
use bijli_core::text::Text;
use bijli_core::{Money, Price, Qty};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Larger quantities are no quantities: sums of them must stay far inside 64 bits.
const UNITS_MAX: i64 = 1_000_000_000_000;

/// Largest amount of rupees that is still read as a price; beyond it a float no longer holds 1/10 000.
const RUPEES_MAX: f64 = 1e11;

/// One tolerant JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Scalar {
    /// Absent, null, a list, an object, or a number outside every range.
    #[default]
    Nothing,
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Decimal(f64),
    /// Text.
    Text(String),
    /// A truth value.
    Flag(bool),
}

impl Scalar {
    /// The scalar that a parsed value is; lists and objects are none.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Bool(flag) => Self::Flag(*flag),
            Value::String(text) => Self::Text(text.clone()),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Integer(whole),
                (None, Some(decimal)) if !number.is_u64() => Self::Decimal(decimal),
                (None, _) => Self::Nothing,
            },
            Value::Null | Value::Array(_) | Value::Object(_) => Self::Nothing,
        }
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing | Self::Integer(_) | Self::Decimal(_) | Self::Flag(_) => None,
        }
    }

    /// The text, or a whole number written out: some ids arrive unquoted.
    pub(crate) fn id<const N: usize>(&self) -> Option<Text<N>> {
        let text = match self {
            Self::Text(text) => Text::new(text.trim()),
            Self::Integer(number) => Text::new(&number.to_string()),
            Self::Nothing | Self::Decimal(_) | Self::Flag(_) => None,
        };
        text.filter(|text| !text.is_empty())
    }

    /// A whole, non-negative or negative count of units.
    pub(crate) fn qty(&self) -> Option<Qty> {
        self.units()
            .filter(|units| (-UNITS_MAX..=UNITS_MAX).contains(units))
            .map(Qty::new)
    }

    fn units(&self) -> Option<i64> {
        match self {
            Self::Integer(units) => Some(*units),
            Self::Decimal(units) => whole(*units),
            Self::Text(text) => text.parse().ok().or_else(|| whole(text.parse().ok()?)),
            Self::Nothing | Self::Flag(_) => None,
        }
    }

    /// Any number; a text that spells a finite one counts.
    pub(crate) fn number(&self) -> Option<f64> {
        let number = match self {
            Self::Integer(number) => *number as f64,
            Self::Decimal(number) => *number,
            Self::Text(text) => text.trim().parse().ok()?,
            Self::Nothing | Self::Flag(_) => return None,
        };
        number.is_finite().then_some(number)
    }

    /// An amount of rupees of either sign. A negative zero is zero.
    pub(crate) fn money(&self) -> Option<Money> {
        if let Self::Integer(rupees) = self {
            let fits = rupees.unsigned_abs() <= RUPEES_MAX as u64;
            return fits.then(|| Money::new(rupees * UNITS_PER_RUPEE));
        }
        let rupees = self.number()?;
        let fits = (-RUPEES_MAX..=RUPEES_MAX).contains(&rupees);
        fits.then(|| Money::new((rupees * UNITS_PER_RUPEE as f64).round() as i64))
    }

    /// A price in rupees; zero is [`Price::NONE`]. Negative numbers are absent.
    pub(crate) fn price(&self) -> Option<Price> {
        let rupees = match self {
            Self::Integer(rupees) => return rupees_to_price(*rupees),
            Self::Decimal(rupees) => *rupees,
            Self::Text(text) => text.parse().ok()?,
            Self::Nothing | Self::Flag(_) => return None,
        };
        let fits = (0.0..=RUPEES_MAX).contains(&rupees);
        fits.then(|| Price::new((rupees * UNITS_PER_RUPEE as f64).round() as i64))
    }
}

fn rupees_to_price(rupees: i64) -> Option<Price> {
    let fits = (0..=RUPEES_MAX as i64).contains(&rupees);
    fits.then(|| Price::new(rupees * UNITS_PER_RUPEE))
}

fn whole(number: f64) -> Option<i64> {
    let fits = number.fract() == 0.0 && number.abs() < 9e15;
    fits.then_some(number as i64)
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(number).map_or(Scalar::Nothing, Scalar::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Decimal(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Scalar, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Scalar {
        serde_json::from_str(json).expect("well-formed JSON")
    }

    #[test]
    fn numbers_are_taken_in_every_spelling() {
        for json in ["75", "75.0", "\"75\"", "\"75.0\""] {
            assert_eq!(read(json).qty(), Some(Qty::new(75)), "{json}");
        }
        for json in ["101.05", "\"101.05\"", "101.0500000001", "1.0105e2"] {
            assert_eq!(read(json).price(), Some(Price::from_paise(10_105)), "{json}");
        }
        assert_eq!(read("-75").qty(), Some(Qty::new(-75)));
        assert_eq!(read("0").price(), Some(Price::NONE));
    }

    #[test]
    fn what_is_no_number_is_absent() {
        for json in [
            "null",
            "[1]",
            "{\"a\":1}",
            "true",
            "\"x\"",
            "18446744073709551615",
            "922337203685477",
            "100000000001",
            "\"NaN\"",
            "-0.05",
        ] {
            assert_eq!(read(json).price(), None, "{json}");
        }
        for json in ["922337203685477", "-100000000001", "-9223372036854775808"] {
            assert_eq!(read(json).money(), None, "{json}");
        }
        assert_eq!(read("75.5").qty(), None);
        assert_eq!(read("1e300").qty(), None);
        assert_eq!(read("\"inf\"").price(), None);
    }

    proptest! {
        #[test]
        fn every_tick_survives_the_way_through_a_json_float(units in 0..50_000_000_000_i64) {
            let price = Price::new(units);
            let json = format!("{:.4}", price);
            prop_assert_eq!(read(&json).price(), Some(price));
            let quoted = format!("\"{price}\"");
            prop_assert_eq!(read(&quoted).price(), Some(price));
        }
    }
}
