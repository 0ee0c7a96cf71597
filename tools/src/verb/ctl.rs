//! `bijli ctl pause|resume|exit|flatten|kill|arm|reduce-only`: an operator's hand on a running engine.
//!
//! `kill` and `flatten` wait until the broker itself has shown, in two fresh reads that agree, that nothing is open.
//! Exit code 6 says that it did not within the limit, with a list of what is open; exit code 0 is given for nothing
//! less. The engine stays up and goes on closing, whatever this verb says.

mod broker_switch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use crate::control::{self, ControlReply, ControlRequest};
use crate::duty_cycle::{MonoNs, rest, wall_now};
use crate::exit_code;
use crate::run_dir::RunDir;

/// What may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CtlVerb {
    /// Stop new entries; exits go on. `pause SYMBOL` for one instrument, `--strategy` for one strategy alone.
    Pause,
    /// Allow entries again and hand positions back to their strategies; `resume SYMBOL` for one instrument. Refused
    /// while killed or flattening.
    Resume,
    /// Close one instrument: `exit SYMBOL`.
    Exit,
    /// Close everything, then stay paused.
    Flatten,
    /// Latch, cancel, close everything; stays latched over restarts and days until `arm`.
    Kill,
    /// Clear the kill latch, halts and differences; needs `--reason`.
    Arm,
    /// Cancel resting entries and allow nothing but exits, until `resume`.
    ReduceOnly,
}

/// Arguments of `ctl`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[arg(value_enum)]
    verb: CtlVerb,
    /// For `exit`, `pause` and `resume`: trading symbol or instrument key.
    symbol: Option<String>,
    /// For `pause`, `resume` and `arm`: only this strategy.
    #[arg(long)]
    strategy: Option<String>,
    /// Why; needed for `arm`, journaled with every command.
    #[arg(long, default_value = "")]
    reason: String,
    /// The run directory; default: the newest under ./runs.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// How long `kill` and `flatten` wait for the broker's word, seconds.
    #[arg(long, alias = "wait-s", default_value_t = 60)]
    wait: u64,
    /// After `kill`, once flat by the broker's word: stop every segment with the broker's own kill switch. The broker
    /// holds that for twelve hours and ends every access token, the engine's too.
    #[arg(long)]
    broker_switch: bool,
    /// For `--broker-switch`: the configuration whose section `broker` counts; default: bijli.toml.
    #[arg(long, value_name = "FILE", requires = "broker_switch")]
    config: Option<PathBuf>,
    /// Print the reply as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    if let Err(message) = check(args) {
        eprintln!("error: {message}");
        return exit_code::USAGE;
    }
    let socket = match RunDir::named_or_newest(args.dir.as_deref()) {
        Ok(dir) => dir.path().join("control.sock"),
        Err(error) => {
            eprintln!("error: {error}");
            return exit_code::NO_DATA;
        }
    };
    let request = request(args);
    let reply = match control::call(&socket, &request) {
        Ok(reply) => reply,
        Err(error) => {
            eprintln!(
                "error: no engine answers at {} ({error}): has the run ended? `bijli status` tells",
                socket.display()
            );
            return exit_code::NO_DATA;
        }
    };
    if !reply.accepted {
        show(args, &reply);
        return exit_code::ERROR;
    }
    if !matches!(args.verb, CtlVerb::Kill | CtlVerb::Flatten) {
        show(args, &reply);
        return exit_code::OK;
    }
    let reply = match wait_for_flat(args, &socket, &request, reply) {
        Ok(reply) => reply,
        Err(code) => {
            if args.broker_switch {
                eprintln!(
                    "error: the broker's switch was not used: the broker refuses it until everything is closed"
                );
            }
            return code;
        }
    };
    if args.broker_switch {
        return broker_switch::use_it(args, &socket, &reply);
    }
    show(args, &reply);
    exit_code::OK
}

fn check(args: &Args) -> Result<(), String> {
    let of_one = matches!(args.verb, CtlVerb::Exit | CtlVerb::Pause | CtlVerb::Resume);
    if args.symbol.is_some() && !of_one {
        return Err(format!(
            "{} takes no symbol; only exit, pause and resume do",
            name(args.verb)
        ));
    }
    if args.broker_switch && args.verb != CtlVerb::Kill {
        return Err("--broker-switch belongs to kill".to_owned());
    }
    Ok(())
}

fn request(args: &Args) -> ControlRequest {
    ControlRequest {
        version: control::version(),
        // Unique per call: the wall clock in nanoseconds never gives the same number twice to one operator.
        command_id: wall_now().get().unsigned_abs(),
        verb: name(args.verb).to_owned(),
        symbol: args.symbol.clone(),
        strategy: args.strategy.clone(),
        reason: args.reason.clone(),
        answer: None,
    }
}

/// Asks again with the same command id, which changes nothing more, until the broker has shown that nothing is open.
fn wait_for_flat(
    args: &Args,
    socket: &Path,
    request: &ControlRequest,
    first: ControlReply,
) -> Result<ControlReply, i32> {
    let started = MonoNs::now();
    let mut reply = first;
    while !reply.broker_flat {
        if MonoNs::now().since(started) > args.wait.saturating_mul(1_000_000_000) {
            show(args, &reply);
            eprintln!(
                "error: not flat by the broker's word after {} s; the engine goes on closing, look at `bijli status`",
                args.wait
            );
            show_open(&reply);
            return Err(exit_code::NOT_FLAT);
        }
        rest(Duration::from_millis(100));
        match control::call(socket, request) {
            // A reply that is refused (an engine that is busy) says nothing about what is open.
            Ok(next) if next.accepted => reply = next,
            Ok(_) => {}
            Err(error) => {
                show(args, &reply);
                eprintln!(
                    "error: the engine went away before the broker had shown that nothing is open: {error}"
                );
                show_open(&reply);
                return Err(exit_code::NOT_FLAT);
            }
        }
    }
    Ok(reply)
}

fn show_open(reply: &ControlReply) {
    for line in &reply.open {
        eprintln!("open: {line}");
    }
    if !reply.broker_says.is_empty() {
        eprintln!("{}", reply.broker_says);
    }
}

fn show(args: &Args, reply: &ControlReply) {
    if args.json {
        println!("{}", serde_json::to_string(reply).expect("plain data serialises"));
    } else {
        show_words(args, reply);
    }
}

fn show_words(args: &Args, reply: &ControlReply) {
    if reply.accepted {
        println!(
            "{}: {}, {} open positions, {} live orders",
            name(args.verb),
            reply.mode,
            reply.open_positions,
            reply.live_orders
        );
        if reply.broker_flat {
            println!("{}", reply.broker_says);
        }
        if !reply.message.is_empty() {
            println!("note: {}", reply.message);
        }
    } else {
        eprintln!("refused: {}", reply.message);
    }
}

const fn name(verb: CtlVerb) -> &'static str {
    match verb {
        CtlVerb::Pause => "pause",
        CtlVerb::Resume => "resume",
        CtlVerb::Exit => "exit",
        CtlVerb::Flatten => "flatten",
        CtlVerb::Kill => "kill",
        CtlVerb::Arm => "arm",
        CtlVerb::ReduceOnly => "reduce-only",
    }
}
