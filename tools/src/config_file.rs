//! The configuration file of `run`: one TOML file, typed, units in the names, unknown keys refused.
//!
//! A file is taken in whole or not at all: every mistake in it is found in one pass and named with line and
//! column ([`ConfigError`]). What each key means, its unit, default and range stand in one table, [`KEYS`],
//! from which the commented files under `deploy/config/` and the check of values follow. Percentages become
//! whole basis points from the text of the literal, so no float ever reaches a risk rule. Left out on
//! purpose: what the numbers mean together (that is `config_check`), and anything from the environment.

mod alert_section;
mod decimal;
mod error;
mod keys;
mod orders_section;
mod risk_section;
mod position;
mod sections;
mod verify;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::de::DeTable;

pub use self::alert_section::AlertSection;
pub use self::decimal::{Percent, Score};
pub use self::error::{ConfigError, ConfigErrors, Place};
pub use self::keys::{KEYS, Key, Kind, key_named};
pub use self::orders_section::{EntryValidity, OrdersSection, ProtectiveWord};
pub use self::position::PositionSection;
pub use self::risk_section::RiskSection;
pub use self::sections::{
    BrokerSection, ClockSection, ClockSource, Durability, FeedMode, FeedPlan, FeedSection, JournalSection,
    RunConfig, RunMode, RunSection, Shape, StrategySection, ThreadsSection, UniverseSection, Wait,
};
pub use self::verify::leads_here;

/// A configuration and where in its file each key stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The typed configuration; keys that the file leaves out have their defaults.
    pub config: RunConfig,
    /// The file's name, as the user wrote it.
    pub file: String,
    /// Where each key of the file stands, by `section.name`.
    pub places: BTreeMap<&'static str, Place>,
}

/// Reads and checks a configuration file.
///
/// # Errors
/// [`ConfigErrors`] with every mistake found, or the one that the file cannot be read.
pub fn load(path: &Path) -> Result<Loaded, ConfigErrors> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|cause| {
        ConfigErrors(vec![ConfigError {
            file: file.clone(),
            place: None,
            code: "E-CFG-01",
            what: format!("the file cannot be read: {cause}"),
            help:
                "give the path of a readable UTF-8 file; deploy/config/paper.toml is a commented one to copy"
                    .to_owned(),
        }])
    })?;
    parse(&file, &text)
}

/// Checks the text of a configuration file; `file` is the name that errors carry.
///
/// # Errors
/// [`ConfigErrors`] with every mistake found, in the order of the file.
pub fn parse(file: &str, text: &str) -> Result<Loaded, ConfigErrors> {
    let (tree, syntax) = DeTable::parse_recoverable(text);
    let mut errors: Vec<ConfigError> = syntax
        .iter()
        .map(|cause| ConfigError {
            file: file.to_owned(),
            place: cause.span().map(|span| Place::of(text, span.start)),
            code: "E-CFG-02",
            what: format!("this is not TOML: {}", cause.message()),
            help: "write `key = value` under a `[section]`, text in double quotes".to_owned(),
        })
        .collect();
    let mut places = BTreeMap::new();
    // A tree recovered from broken text would only add errors that are not the user's.
    if errors.is_empty() {
        verify::table(file, text, tree.get_ref(), &mut places, &mut errors);
    }
    if errors.is_empty() {
        match RunConfig::deserialize(toml::de::Deserializer::from(tree)) {
            Ok(config) => match verify::together(file, &config, &places) {
                None => {
                    return Ok(Loaded {
                        config,
                        file: file.to_owned(),
                        places,
                    });
                }
                Some(error) => errors.push(error),
            },
            Err(cause) => errors.push(ConfigError {
                file: file.to_owned(),
                place: cause.span().map(|span| Place::of(text, span.start)),
                code: "E-CFG-04",
                what: cause.message().to_owned(),
                help: "see the comments in deploy/config/paper.toml".to_owned(),
            }),
        }
    }
    errors.sort_by_key(|error| error.place);
    Err(ConfigErrors(errors))
}

#[cfg(test)]
mod tests;
