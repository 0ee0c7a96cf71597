//! Declares what answers look like, and reads them out of replies.
//!
//! Invariants: a record reads its fields by name and by the other spellings listed with it, ignores what it does
//! not know, and says of which record which field in which row was wrong. Records and words print themselves as JSON
//! under the names declared here. Left out: what is in which answer, which the areas declare.

use serde::ser::Serializer;
use serde_json::Value;

use super::envelope::{Partial, Whole, bare_of, whole_of};
use super::field::{Field, misfit};
use crate::evidence::{Misfit, ReadError};
use crate::request::Reply;

/// Declares a record: a struct whose fields are read from an object, each by its own name or one of the spellings
/// after `|`. `Option` is for what may be missing or null; anything else has to be there.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$about:meta])* pub $field:ident: $type:ty $(| $spelling:literal)*,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$about])* pub $field: $type,)*
        }

        impl $crate::upstox::field::Field for $name {
            const EXPECTED: &'static str = "an object";
            const IS_SCALAR: bool = false;

            fn read(value: &serde_json::Value) -> Result<Self, $crate::evidence::Misfit> {
                use $crate::upstox::field::{member, misfit};
                let Some(object) = value.as_object() else {
                    return Err($crate::evidence::Misfit {
                        record: stringify!($name),
                        ..misfit("an object")
                    });
                };
                Ok(Self {
                    $($field: member(object, stringify!($name), &[stringify!($field) $(, $spelling)*])?,)*
                })
            }

            fn write<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $(map.serialize_entry(stringify!($field), &$crate::upstox::field::Shown(&self.$field))?;)*
                map.end()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::upstox::field::Field::write(self, serializer)
            }
        }
    };
}

/// Declares words: an enum of the broker's spellings that keeps those it does not know.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$about:meta])* $word:ident = $spelling:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$about])* $word,)*
            /// A word that this version does not know, as sent.
            Other(String),
        }

        impl $name {
            /// The broker's spelling.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$word => $spelling,)*
                    Self::Other(word) => word,
                }
            }

            /// From the broker's spelling; every word is taken.
            #[must_use]
            pub fn from_word(word: &str) -> Self {
                match word {
                    $($spelling => Self::$word,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::upstox::field::Field for $name {
            const EXPECTED: &'static str = "a word";

            fn read(value: &serde_json::Value) -> Result<Self, $crate::evidence::Misfit> {
                let word = value.as_str().map(str::trim).filter(|word| !word.is_empty());
                let word = word.ok_or($crate::upstox::field::misfit("a word"))?;
                Ok(Self::from_word(word))
            }

            fn write<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(super) use {record, words};

record! {
    /// Where a list that comes in pages stands.
    pub struct Page {
        /// Number of this page, from 1.
        pub page_number: i64,
        /// Rows that a page holds.
        pub page_size: Option<i64> | "records",
        /// Rows of all pages.
        pub total_records: Option<i64>,
        /// How many pages there are.
        pub total_pages: Option<i64>,
    }
}

/// Rows of one page.
#[derive(Clone, Debug, PartialEq)]
pub struct Paged<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the page stands; absent where the broker left it out.
    pub page: Option<Page>,
}

impl<T> Paged<T> {
    /// The number of the page after this one, or `None` if this is known to be the last.
    #[must_use]
    pub fn next_page(&self) -> Option<i64> {
        let page = self.page.as_ref()?;
        let is_last = match (page.total_pages, page.page_size) {
            (Some(total), _) => page.page_number >= total,
            (None, Some(size)) => i64::try_from(self.rows.len()).is_ok_and(|rows| rows < size),
            (None, None) => true,
        };
        (!is_last && !self.rows.is_empty()).then(|| page.page_number.saturating_add(1))
    }
}

impl<T: serde::Serialize> serde::Serialize for Paged<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("rows", &self.rows)?;
        map.serialize_entry("page", &self.page)?;
        map.end()
    }
}

/// Reads the data of a successful reply.
pub(super) fn data<T: Field>(reply: &Reply) -> Result<T, ReadError> {
    in_data(&whole_of(reply, Partial::Never)?.data)
}

/// Reads a value that has to be there.
pub(super) fn in_data<T: Field>(value: &Value) -> Result<T, ReadError> {
    let read = match value {
        Value::Null => Err(Misfit {
            missing: true,
            ..misfit(T::EXPECTED)
        }),
        value => T::read(value),
    };
    read.map_err(ReadError::Unfit)
}

/// Reads a reply that comes without an envelope.
pub(super) fn bare<T: Field>(reply: &Reply) -> Result<T, ReadError> {
    in_data(&bare_of(reply)?)
}

/// Reads a list that comes in pages.
pub(super) fn paged<T: Field>(reply: &Reply) -> Result<Paged<T>, ReadError> {
    let whole = whole_of(reply, Partial::Never)?;
    Ok(Paged {
        rows: in_data(&whole.data)?,
        page: page_of(&whole)?,
    })
}

/// The page of a list, under whichever spelling it stands.
pub(super) fn page_of(whole: &Whole) -> Result<Option<Page>, ReadError> {
    match whole.aside("page") {
        None | Some(Value::Null) => Ok(None),
        Some(page) => in_data(page).map(Some),
    }
}

/// Reads an object whose values are rows; its keys are handed on.
pub(super) fn keyed<T: Field>(value: &Value) -> Result<Vec<(String, T)>, ReadError> {
    let Some(object) = value.as_object() else {
        return Err(ReadError::Unfit(Misfit {
            missing: value.is_null(),
            ..misfit("an object of rows")
        }));
    };
    let rows = object.iter().enumerate();
    rows.map(|(index, (key, row))| match T::read(row) {
        Ok(row) => Ok((key.clone(), row)),
        Err(error) => Err(ReadError::Unfit(Misfit {
            row: Some(u32::try_from(index).unwrap_or(u32::MAX)),
            ..error
        })),
    })
    .collect()
}
