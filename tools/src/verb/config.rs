//! `bijli config check FILE`: whether a configuration is accepted, and what its numbers imply.

use std::path::PathBuf;

use clap::Subcommand;

use crate::config_check;
use crate::duty_cycle::wall_now;

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check a file: every mistake with line and column, then what the numbers imply.
    Check {
        /// The configuration file.
        file: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    let Action::Check { file, json } = &args.action;
    let checked = config_check::run(file, *json, wall_now().ist_day());
    print!("{}", checked.output);
    checked.code
}
