//! Whether somebody can be called: the program of `[alert]` on this machine.
//!
//! The one rule that asks the machine. `config check` counts what it finds as an error; `run` says it and goes on, for
//! a day that is under way must not stay without its engine because of a script.

use std::path::Path;

use rustix::fs::{Access, access};

use super::Finding;
use super::rules::Rules;
use crate::config_file::{RunConfig, RunMode};

pub(super) fn alert(config: &RunConfig, findings: &mut Vec<Finding>) {
    let mut rules = Rules(findings);
    let key = "alert.command";
    let Some(program) = config.alert.command.first() else {
        if config.run.mode == RunMode::Live {
            rules.warn(
                "ALERT-01",
                key,
                "nobody is called: pages stand on the screen and in the log alone".to_owned(),
                "command = [\"/full/path/of/a/program\", ...] that reaches you".to_owned(),
            );
        }
        return;
    };
    let path = Path::new(program);
    let trouble = if !path.is_absolute() {
        Some((
            "is not a full path: a service finds no program by its name alone",
            "write the path from / on",
        ))
    } else if !path.is_file() {
        Some((
            "is not there, or is no file",
            "correct the path, or put the program there",
        ))
    } else if access(path, Access::EXEC_OK).is_err() {
        Some((
            "may not be executed by you",
            "chmod +x it, and check as the user that `run` has",
        ))
    } else {
        None
    };
    if let Some((what, help)) = trouble {
        rules.error("ALERT-02", key, format!("`{program}` {what}"), help.to_owned());
    }
}
