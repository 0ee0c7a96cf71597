//! `bijli report`: writes the report of a run again, from its journal alone.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::exit_code;
use crate::replica::ReplayError;
use crate::report::{self, ReportError};
use crate::run_dir::RunDir;
use crate::stdout::print_line;

/// Arguments of `report`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The run directory; default: the newest under ./runs.
    dir: Option<PathBuf>,
    /// Print the summary as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    let written = RunDir::named_or_newest(args.dir.as_deref())
        .map_err(|error| ReportError::Replay(ReplayError::Missing(error)))
        .and_then(|run| report::kept_facts(&run).and_then(|facts| report::write(run.path(), &facts)));
    match written {
        Ok(summary) => {
            if args.json {
                print_line(&serde_json::to_string(&summary).expect("plain data"));
            } else {
                print_line(&summary.to_string());
            }
            if summary.journal.replay_identical {
                exit_code::OK
            } else {
                exit_code::ERROR
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            match error {
                ReportError::Replay(ReplayError::Missing(_)) => exit_code::NO_DATA,
                ReportError::Replay(_) | ReportError::Io(..) | ReportError::Malformed(..) => exit_code::ERROR,
            }
        }
    }
}
