//! `bijli top`: the terminal dashboard of a running engine. Read-only; `q` quits, `?` helps.

use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args as ClapArgs;

use crate::dashboard::{self, SnapshotSource};
use crate::exit_code;
use crate::run_dir::RunDir;

/// Arguments of `top`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The run directory; default: the newest under ./runs.
    #[arg(long, value_name = "RUN_DIR")]
    dir: Option<PathBuf>,
    /// Pictures per second.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=20))]
    hz: u64,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    let run = match RunDir::named_or_newest(args.dir.as_deref()) {
        Ok(run) => run,
        Err(error) => {
            eprintln!("error: {error}");
            return exit_code::NO_DATA;
        }
    };
    if !stdout().is_terminal() {
        eprintln!("error: `top` draws on a terminal; use `bijli status --json` in pipes and scripts");
        return exit_code::USAGE;
    }
    show(run, Duration::from_millis(1_000 / args.hz), &|| true)
}

/// Shows a run of this very process until it ends or `q` is pressed; gives the exit code.
pub fn watch(run_dir: &Path, is_running: &dyn Fn() -> bool) -> i32 {
    show(RunDir::new(run_dir), Duration::from_millis(200), is_running)
}

fn show(run: RunDir, refresh: Duration, is_running: &dyn Fn() -> bool) -> i32 {
    let name = run.path().display().to_string();
    match dashboard::run(&mut SnapshotSource::new(run), &name, refresh, || !is_running()) {
        Ok(_) => exit_code::OK,
        Err(error) => {
            eprintln!("error: drawing on the terminal: {error}");
            exit_code::ERROR
        }
    }
}
