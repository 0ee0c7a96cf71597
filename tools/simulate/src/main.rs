//! `cargo xtask simulate`: lives seeds through and tells what broke.
//!
//! Exit codes: 0 nothing broke, 1 something did or a fault never fired, 2 usage.

use std::process::ExitCode;

use bijli_simulate::runner::{Options, run};
use clap::Parser;

fn main() -> ExitCode {
    run(&Options::parse())
}
