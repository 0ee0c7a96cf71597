//! How one field of an answer is read from the broker's JSON and printed in ours.
//!
//! Invariants: reading never panics; a scalar that is optional and unreadable is absent, a scalar that is needed
//! and unreadable names itself; a list or object of the wrong form is an error even where it is optional, for a part
//! of an answer would be lost in silence otherwise. Prices and money are printed as rupees, instants as Indian time.
//! Left out: floats into orders; what is read as `f64` is a ratio or a greek.

use std::fmt;

use bijli_core::{IstDay, Money, Price, Qty, TsNs};
use serde::ser::{SerializeSeq, Serializer};
use serde_json::{Map, Value};

use super::scalar::Scalar;
use super::stamp;
use crate::evidence::Misfit;

/// A type that a field of an answer can have.
pub(super) trait Field: Sized {
    /// What should stand there, in words.
    const EXPECTED: &'static str;
    /// Whether it is one value rather than a list or an object.
    const IS_SCALAR: bool = true;

    /// Reads a value that is there and not null.
    fn read(value: &Value) -> Result<Self, Misfit>;

    /// What stands for a value that is not there.
    fn absent() -> Option<Self> {
        None
    }

    /// Prints it.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// The complaint that a value is not what it should be; record, field and row are filled in on the way out.
pub(super) const fn misfit(expected: &'static str) -> Misfit {
    Misfit {
        row: None,
        record: "",
        field: "",
        expected,
        missing: false,
    }
}

/// Reads the member of an object that stands under the first of `names` that is there.
pub(super) fn member<T: Field>(
    object: &Map<String, Value>,
    record: &'static str,
    names: &[&'static str],
) -> Result<T, Misfit> {
    let found = names.iter().filter_map(|name| object.get(*name));
    let found = found.filter(|value| !value.is_null()).map(T::read);
    // Where both spellings stand there and one of them is empty, the other counts.
    let mut first_error = None;
    for read in found {
        match read {
            Ok(value) => return Ok(value),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    let error = match first_error {
        Some(error) => error,
        None => {
            let missing = Misfit {
                missing: true,
                ..misfit(T::EXPECTED)
            };
            return T::absent().ok_or(named(missing, record, names[0]));
        }
    };
    Err(named(error, record, names[0]))
}

/// The innermost record and field stay.
fn named(error: Misfit, record: &'static str, field: &'static str) -> Misfit {
    if error.record.is_empty() {
        return Misfit {
            record,
            field,
            ..error
        };
    }
    error
}

/// Prints a field through `Field::write`.
pub(super) struct Shown<'a, T>(pub(super) &'a T);

impl<T: Field> serde::Serialize for Shown<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

impl<T: Field> Field for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const IS_SCALAR: bool = T::IS_SCALAR;

    fn read(value: &Value) -> Result<Self, Misfit> {
        match T::read(value) {
            Ok(read) => Ok(Some(read)),
            Err(_) if T::IS_SCALAR => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.write(serializer),
            None => serializer.serialize_none(),
        }
    }
}

impl<T: Field> Field for Vec<T> {
    const EXPECTED: &'static str = "a list";
    const IS_SCALAR: bool = false;

    fn read(value: &Value) -> Result<Self, Misfit> {
        let list = value.as_array().ok_or(misfit(Self::EXPECTED))?;
        let rows = list.iter().enumerate();
        rows.map(|(index, row)| {
            let read = match row {
                Value::Null => T::absent().ok_or(misfit(T::EXPECTED)),
                row => T::read(row),
            };
            read.map_err(|error| Misfit {
                row: Some(u32::try_from(index).unwrap_or(u32::MAX)),
                ..error
            })
        })
        .collect()
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.len()))?;
        for row in self {
            list.serialize_element(&Shown(row))?;
        }
        list.end()
    }
}

/// A scalar type: what it is called, how it is read, how it is printed.
macro_rules! scalar {
    ($type:ty, $expected:literal, $read:expr, $write:expr) => {
        impl Field for $type {
            const EXPECTED: &'static str = $expected;

            fn read(value: &Value) -> Result<Self, Misfit> {
                let read: fn(&Scalar) -> Option<$type> = $read;
                read(&Scalar::of(value)).ok_or(misfit(Self::EXPECTED))
            }

            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let write: fn(&$type, S) -> Result<S::Ok, S::Error> = $write;
                write(self, serializer)
            }
        }
    };
}

scalar!(String, "a text", text, |text, s| s.serialize_str(text));
scalar!(bool, "true or false", flag, |flag, s| s.serialize_bool(*flag));
scalar!(
    i64,
    "a whole number",
    |scalar| Some(scalar.qty()?.get()),
    |number, s| s.serialize_i64(*number)
);
scalar!(f64, "a number", Scalar::number, |number, s| s
    .serialize_f64(*number));
scalar!(Price, "a price in rupees", Scalar::price, |price, s| s
    .serialize_f64(price.rupees()));
scalar!(Money, "an amount in rupees", Scalar::money, |money, s| s
    .serialize_f64(money.rupees()));
scalar!(Qty, "a quantity", Scalar::qty, |qty, s| s
    .serialize_i64(qty.get()));
scalar!(TsNs, "an instant", stamp::instant, |at, s| s
    .serialize_str(&stamp::written(*at)));
scalar!(IstDay, "a day", stamp::day, |day, s| s.collect_str(day));

/// Text, or a number written out: some ids arrive unquoted. Text of blanks alone is none.
fn text(scalar: &Scalar) -> Option<String> {
    match scalar {
        Scalar::Text(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Scalar::Integer(number) => Some(number.to_string()),
        Scalar::Decimal(number) => Some(number.to_string()),
        Scalar::Nothing | Scalar::Flag(_) => None,
    }
}

fn flag(scalar: &Scalar) -> Option<bool> {
    match scalar {
        Scalar::Flag(flag) => Some(*flag),
        Scalar::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Scalar::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Scalar::Text(_) | Scalar::Integer(_) | Scalar::Decimal(_) | Scalar::Nothing => None,
    }
}

/// Text that lets its holder act for the account: printed nowhere, neither by debug nor as JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

scalar!(Secret, "a text", |scalar| text(scalar).map(Secret), |_, s| s
    .serialize_str("(withheld)"));

/// A share that the broker writes in percent and we keep as a fraction: 12.77 there is 0.1277 here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PercentAsFraction(pub f64);

scalar!(
    PercentAsFraction,
    "a share in percent",
    |scalar| Some(PercentAsFraction(scalar.number()? / 100.0)),
    |share, s| s.serialize_f64(share.0)
);

/// A price that the broker writes in paise: 5.0 there is 0.05 rupee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PaiseAsPrice(pub Price);

scalar!(
    PaiseAsPrice,
    "a price in paise",
    |scalar| scalar
        .price()
        .map(|paise| PaiseAsPrice(Price::new(paise.get() / 100))),
    |price, s| s.serialize_f64(price.0.rupees())
);
