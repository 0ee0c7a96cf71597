//! What the value of an option may be, and how it is read and shown.

use std::net::IpAddr;

/// The word for an option that has no value.
const NONE: &str = "none";

/// A value that is written as one word, number or list.
pub(crate) trait OptionValue: Sized {
    /// Reads a value; `None` for text that is none.
    fn read(text: &str) -> Option<Self>;
    /// The value as it would be written.
    fn show(&self) -> String;
    /// What may be written, in words.
    fn choices() -> String;
}

macro_rules! parsed {
    ($($kind:ty: $choices:literal,)+) => {$(
        impl OptionValue for $kind {
            fn read(text: &str) -> Option<Self> {
                text.parse().ok()
            }

            fn show(&self) -> String {
                self.to_string()
            }

            fn choices() -> String {
                $choices.to_owned()
            }
        }
    )+};
}

parsed! {
    bool: "true or false",
    u16: "a number up to 65535",
    u32: "a number up to 4294967295",
    String: "text",
    IpAddr: "an address",
}

impl<T: OptionValue> OptionValue for Option<T> {
    fn read(text: &str) -> Option<Self> {
        if text == NONE {
            Some(None)
        } else {
            T::read(text).map(Some)
        }
    }

    fn show(&self) -> String {
        self.as_ref().map_or_else(|| NONE.to_owned(), T::show)
    }

    fn choices() -> String {
        format!("{NONE} or {}", T::choices())
    }
}

impl<T: OptionValue> OptionValue for Vec<T> {
    fn read(text: &str) -> Option<Self> {
        if text == NONE {
            return Some(Self::new());
        }
        text.split(',').map(T::read).collect()
    }

    fn show(&self) -> String {
        if self.is_empty() {
            return NONE.to_owned();
        }
        self.iter().map(T::show).collect::<Vec<_>>().join(",")
    }

    fn choices() -> String {
        format!("{NONE}, or {} (several with commas between)", T::choices())
    }
}

/// Makes enums whose cases are words.
macro_rules! option_words {
    ($($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $meaning:literal])+ $case:ident = $word:literal,)+ })+) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[doc = $meaning])+ $case,)+
        }

        impl $crate::options::value::OptionValue for $name {
            fn read(text: &str) -> Option<Self> {
                match text {
                    $($word => Some(Self::$case),)+
                    _ => None,
                }
            }

            fn show(&self) -> String {
                match self {
                    $(Self::$case => $word,)+
                }
                .to_owned()
            }

            fn choices() -> String {
                [$($word),+].join(", ")
            }
        }
    )+};
}

pub(crate) use option_words;
