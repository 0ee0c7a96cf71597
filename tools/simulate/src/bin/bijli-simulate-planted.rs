//! `cargo xtask simulate --planted`: the tester over an engine that holds deliberate bugs.
//!
//! A program of its own, so that no run without bugs can pick up a build that has them.

use std::process::ExitCode;

use bijli_simulate::runner::{Options, run};
use clap::Parser;

fn main() -> ExitCode {
    run(&Options::parse())
}
