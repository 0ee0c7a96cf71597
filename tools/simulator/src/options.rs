//! What is not known for certain about the real service, or differs between accounts, by name.
//!
//! The broker's API documentation leaves these open, or its sources contradict each other; a client must hold
//! under every setting. Each part of the simulator has a table of its own, made by `option_table!`: one entry is
//! one open question, and its documentation comment is the meaning that `bijli sim --options` prints. Left out:
//! faults (a script or a seed injects those) and commodity quantities (no commodity trades in a simulated day).

mod socket;
pub(crate) mod table;
pub(crate) mod value;

use crate::broker::BrokerOptions;
use crate::market::MarketOptions;

pub use socket::{
    CountedPer, LiveEntries, OnTokenDeath, OverLimit, RefusalBody, SnapshotType, SocketOptions,
};

/// One option as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionRow {
    /// Its name.
    pub name: &'static str,
    /// Its value; in a list of defaults, the default.
    pub value: String,
    /// What may be written.
    pub choices: String,
    /// What it decides.
    pub meaning: String,
}

/// Why a setting is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionError {
    /// Not of the form `name=value`.
    Shape(String),
    /// No option has this name.
    Name(String),
    /// The option cannot have this value; the choices follow.
    Value(&'static str, String, String),
}

impl std::fmt::Display for OptionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shape(text) => write!(f, "`{text}` is no option; write name=value"),
            Self::Name(name) => write!(f, "no option is named `{name}`; `bijli sim --options` lists them"),
            Self::Value(name, value, choices) => write!(f, "{name} cannot be `{value}`; write {choices}"),
        }
    }
}

impl std::error::Error for OptionError {}

/// The options of all parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimOptions {
    /// Sockets and HTTP.
    pub socket: SocketOptions,
    /// Login, orders, account.
    pub broker: BrokerOptions,
    /// Quotes and calendar.
    pub market: MarketOptions,
}

impl SimOptions {
    /// All options with their present values.
    #[must_use]
    pub fn rows(&self) -> Vec<OptionRow> {
        let mut rows = self.socket.rows();
        rows.extend(self.broker.rows());
        rows.extend(self.market.rows());
        rows
    }

    /// Sets an option from `name=value`.
    ///
    /// # Errors
    /// [`OptionError`] for another shape, an unknown name, or a value that the option cannot have.
    pub fn set(&mut self, text: &str) -> Result<(), OptionError> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| OptionError::Shape(text.to_owned()))?;
        let is_known =
            self.socket.set(name, value)? || self.broker.set(name, value)? || self.market.set(name, value)?;
        if is_known {
            Ok(())
        } else {
            Err(OptionError::Name(name.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_takes_back_what_it_shows_and_says_what_it_means() {
        let defaults = SimOptions::default();
        let (rows, mut options) = (defaults.rows(), defaults.clone());
        for row in &rows {
            options
                .set(&format!("{}={}", row.name, row.value))
                .unwrap_or_else(|error| panic!("{error}"));
            assert!(row.meaning.ends_with('.') && !row.choices.is_empty(), "{row:?}");
        }
        assert_eq!(options, defaults);
        let names: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), rows.len(), "one name, one option");
    }

    #[test]
    fn a_setting_changes_one_option_and_a_wrong_one_says_what_is_possible() {
        let mut options = SimOptions::default();
        options.set("over_limit_keys=close").expect("a choice");
        options.set("retry_after_s=2").expect("a number");
        options.set("algo_names=alpha,beta").expect("a list");
        let mut expected = SimOptions::default();
        expected.socket.over_limit_keys = OverLimit::Close;
        expected.broker.retry_after_s = Some(2);
        expected.broker.algo_names = vec!["alpha".to_owned(), "beta".to_owned()];
        assert_eq!(options, expected);
        let refusals = [
            "plain",
            "no_such=1",
            "over_limit_keys=perhaps",
            "static_ip_status=70000",
        ];
        let told = refusals.map(|text| options.set(text).expect_err("refused").to_string());
        assert_eq!(
            told,
            [
                "`plain` is no option; write name=value",
                "no option is named `no_such`; `bijli sim --options` lists them",
                "over_limit_keys cannot be `perhaps`; write ignore_extra, ignore_request, close",
                "static_ip_status cannot be `70000`; write a number up to 65535",
            ]
        );
        assert_eq!(options, expected);
    }
}
