//! Makes a struct of options with its defaults, list and setter from one table.
//!
//! Each documentation comment must be one sentence that ends with a full stop; it is shown to people.

/// See the file.
macro_rules! option_table {
    ($(#[doc = $about:literal])+ $table:ident { $($(#[doc = $meaning:literal])+ $name:ident: $kind:ty = $default:expr,)+ }) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $table {
            $($(#[doc = $meaning])+ pub $name: $kind,)+
        }

        impl Default for $table {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl $table {
            /// All options with their present values.
            #[must_use]
            pub fn rows(&self) -> Vec<$crate::options::OptionRow> {
                use $crate::options::value::OptionValue;
                vec![$($crate::options::OptionRow {
                    name: stringify!($name),
                    value: self.$name.show(),
                    choices: <$kind as OptionValue>::choices(),
                    meaning: concat!($($meaning),+).trim().to_owned(),
                },)+]
            }

            /// Sets an option; `false` when it is not of this table.
            ///
            /// # Errors
            /// [`OptionError`](crate::options::OptionError) for a value that the option cannot have.
            pub fn set(&mut self, name: &str, value: &str) -> Result<bool, $crate::options::OptionError> {
                use $crate::options::value::OptionValue;
                match name {
                    $(stringify!($name) => {
                        self.$name = <$kind as OptionValue>::read(value).ok_or_else(|| {
                            $crate::options::OptionError::Value(
                                stringify!($name),
                                value.to_owned(),
                                <$kind as OptionValue>::choices(),
                            )
                        })?;
                    })+
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }
    };
}

pub(crate) use option_table;
