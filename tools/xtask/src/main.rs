//! The project's chores: one command that checks everything, on a fresh machine as on a busy one.
//!
//! Steps run in a fixed order, stream what they print, and the first failure ends the run with exit code 1 and
//! its name. A tool that is missing is installed; where that cannot be done, it is an error under `CI=true` and
//! a loud line in the closing summary elsewhere, never silence. No dependencies, so that it builds in a second.

mod checks;
mod install;
mod referee;
mod simulate;
mod step;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use step::Run;

const HELP: &str = "\
Chores of the project. Run them from anywhere inside it.

  cargo xtask test    everything below in this order, and all tests: what CI runs
  cargo xtask lint    format and clippy, warnings denied
  cargo xtask docs    the documentation of every crate, warnings denied
  cargo xtask referee [--only TEXT] [--mode plain|tls] [--json]
                      the broker's own SDKs and OpenAPI definition against the simulator
  cargo xtask simulate [--seeds N] [--seed S] [--only IDS] [--help]
                      whole days of faults in virtual time, one seed each (tools/simulate/FAULTS.md)
  cargo xtask simulate --planted [BUG] [--seeds N]
                      each deliberate bug, or the one named, must break an invariant
  cargo xtask deny    licences, bans and sources of all dependencies; advisories if the database can be had
  cargo xtask help    this text

CI=true makes a tool that cannot be installed an error. Exit codes: 0 all passed, 1 a step failed, 2 usage.
";

/// A chore: what it is called, and what it does.
type Chore = fn(&mut Run) -> Result<(), step::Failed>;

fn chore(name: &str) -> Option<Chore> {
    match name {
        "test" => Some(checks::test),
        "lint" => Some(checks::lint),
        "docs" => Some(checks::docs),
        "referee" => Some(referee::referee),
        "simulate" => Some(simulate::simulate),
        "deny" => Some(checks::deny),
        _ => None,
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        None | Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Some(name) => match (chore(name), &arguments[1..]) {
            (Some(chore), rest) if rest.is_empty() || name == "referee" || name == "simulate" => {
                Run::new(root(), rest.to_vec()).finish(chore)
            }
            (Some(_), _) => usage(&format!("`{name}` takes no arguments")),
            (None, _) => usage(&format!("there is no chore `{name}`")),
        },
    }
}

fn usage(what: &str) -> ExitCode {
    eprintln!("error: {what}\n\n{HELP}");
    ExitCode::from(2)
}

/// The folder of the workspace, two above this crate.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("the crate sits two folders below the workspace")
        .to_path_buf()
}
