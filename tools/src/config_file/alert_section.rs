//! `[alert]`: what calls a person, in the words of the file.
//!
//! Whether the program is there is a question to this machine, which `config_check` asks.

use serde::Deserialize;

/// `[alert]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertSection {
    /// Program and arguments, run without a shell for each page; empty runs nothing.
    pub command: Vec<String>,
}
