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
    /// Show positions, open and closed today.
    Positions(verb::positions::Args),
    /// Show the shares in the account.
    Holdings(verb::holdings::Args),
    /// Show the day's orders, one order, or its history.
    Orders(verb::orders::Args),
    /// Show trades of today, of an order, or of past days.
    Trades(verb::trades::Args),
    /// Show the funds and what uses them.
    Funds(verb::funds::Args),
    /// Ask what margin legs would need.
    Margin(verb::margin::Args),
    /// Ask what an order would cost, beside our own figure.
    Charges(verb::charges::Args),
    /// Show closed trades of a financial year and their result.
    Pnl(verb::pnl::Args),
    /// Convert a position to another product.
    Convert(verb::convert::Args),
    /// List, place, change and withdraw standing orders.
    Gtt(verb::gtt::Args),
    /// Make one raw call of the broker's API.
    Api(verb::api::Args),
    /// Show the market's hours and holidays by the broker, beside our own.
    Market(verb::market::Args),
    /// Show prices of instruments by any name.
    Quote(verb::quote::Args),
    /// Download candles to files, and check files for gaps.
    Candles(verb::candles::Args),
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
    /// Explain a code of the risk gate.
    Explain(verb::explain::Args),
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
    if matches!(command_line.verb, Verb::Candles(_)) {
        end_at_second(&stop);
    }
    if matches!(
        command_line.verb,
        Verb::Demo(_) | Verb::Run(_) | Verb::Sim(_) | Verb::Candles(_)
    ) {
        end_in_order(&stop);
    }
    exit(dispatch(&command_line.verb, &stop))
}

/// Lets an interrupt end the process at once when `stop` is raised already: a call may wait long for its answer.
fn end_at_second(stop: &Arc<AtomicBool>) {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let code = exit_code::ERROR;
        if let Err(error) = signal_hook::flag::register_conditional_shutdown(signal, code, Arc::clone(stop)) {
            eprintln!("warning: a second signal {signal} will not end the process at once: {error}");
        }
    }
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
        Verb::Positions(args) => verb::positions::run(args),
        Verb::Holdings(args) => verb::holdings::run(args),
        Verb::Orders(args) => verb::orders::run(args),
        Verb::Trades(args) => verb::trades::run(args),
        Verb::Funds(args) => verb::funds::run(args),
        Verb::Margin(args) => verb::margin::run(args),
        Verb::Charges(args) => verb::charges::run(args),
        Verb::Pnl(args) => verb::pnl::run(args),
        Verb::Convert(args) => verb::convert::run(args),
        Verb::Gtt(args) => verb::gtt::run(args),
        Verb::Api(args) => verb::api::run(args),
        Verb::Market(args) => verb::market::run(args),
        Verb::Quote(args) => verb::quote::run(args),
        Verb::Candles(args) => verb::candles::run(args, stop),
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
        Verb::Explain(args) => verb::explain::run(args),
    }
}

fn exit(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
