//! The `bijli` binary: one verb per job. Every verb gives one of the exit codes of `exit_code`.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bijli_tools::{exit_code, verb};
use clap::{Parser, Subcommand};

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "bijli",
    version,
    about = "Spike trading for Indian derivatives: start with `bijli demo`, no account needed"
)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Trade one simulated day from end to end; needs no account.
    Demo(verb::demo::Args),
    /// Run the engine by a configuration file.
    Run(verb::run::Args),
    /// Get the day's access token, look at it, or end it.
    Login(verb::login::Args),
    /// Show the account: profile, funds, kill switch, addresses, token.
    Account(verb::account::Args),
    /// Serve the broker simulator.
    Sim(verb::sim::Args),
    /// Replay a journal and compare every command and hash.
    Replay(verb::replay::Args),
    /// Read a journal: tail, stats, verify.
    Journal(verb::journal::Args),
    /// Write a run's report again from its journal.
    Report(verb::report::Args),
    /// Show the raw mapped state of a run.
    Snapshot(verb::snapshot::Args),
    /// Show the state of a run once.
    Status(verb::status::Args),
    /// Watch a run in the terminal.
    Top(verb::top::Args),
    /// Show latency percentiles by stage.
    Latency(verb::latency::Args),
    /// Control a running engine.
    Ctl(verb::ctl::Args),
    /// Fetch, find and compare the day's contracts.
    Instruments(verb::instruments::Args),
    /// Check a configuration file and what its numbers imply.
    Config(verb::config::Args),
}

fn main() -> ExitCode {
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => {
            let wrong = error.use_stderr();
            // The message is for a person; where it cannot be printed there is nobody to read it.
            let _printed = error.print();
            return exit(if wrong { exit_code::USAGE } else { exit_code::OK });
        }
    };
    let stop = Arc::new(AtomicBool::new(false));
    if matches!(command_line.verb, Verb::Demo(_) | Verb::Run(_) | Verb::Sim(_)) {
        end_in_order(&stop);
    }
    exit(dispatch(&command_line.verb, &stop))
}

/// Lets an interrupt raise `stop` where work must end in order; elsewhere it ends the process at once.
fn end_in_order(stop: &Arc<AtomicBool>) {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        if let Err(error) = signal_hook::flag::register(signal, Arc::clone(stop)) {
            eprintln!("warning: signal {signal} will end the process at once: {error}");
        }
    }
}

fn dispatch(verb: &Verb, stop: &Arc<AtomicBool>) -> i32 {
    match verb {
        Verb::Demo(args) => verb::demo::run(args, stop),
        Verb::Run(args) => verb::run::run(args, stop),
        Verb::Login(args) => verb::login::run(args),
        Verb::Account(args) => verb::account::run(args),
        Verb::Sim(args) => verb::sim::run(args, stop),
        Verb::Replay(args) => verb::replay::run(args),
        Verb::Journal(args) => verb::journal::run(args),
        Verb::Report(args) => verb::report::run(args),
        Verb::Snapshot(args) => verb::snapshot::run(args),
        Verb::Status(args) => verb::status::run(args),
        Verb::Top(args) => verb::top::run(args),
        Verb::Latency(args) => verb::latency::run(args),
        Verb::Ctl(args) => verb::ctl::run(args),
        Verb::Instruments(args) => verb::instruments::run(args),
        Verb::Config(args) => verb::config::run(args),
    }
}

fn exit(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
