//! `bijli candles`: download candles to Parquet files, and check files for gaps.
//!
//! One file for each key, length and month (year for days), see [`crate::candle::file`]. What is there and final is
//! not asked for again; what is there in part is fetched whole. Exit codes: 0 done, also with gaps, which are warned
//! of and listed; 1 something was not fetched or a file is refused (what is good stays); 2 wrong usage; 3 no such
//! contract, no such folder; 5 no living token. An interrupt ends the work between two files; a second one at once.
//! Left out: weeks and months, which follow from days, and joining today's candles to the past: they stay provisional.

mod fetcher;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bijli_core::IstDay;
use bijli_gateway::upstox::candle_api::{Span, Timeframe};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use self::fetcher::{Fetcher, Order};
use super::broker_arguments::{BrokerArguments, BrokerSession, Shown};
use super::instrument_name::MasterArguments;
use super::sim::parse_day;
use crate::broker_access::Trouble;
use crate::candle::folder::{FolderReport, Holding, files_under, folder_of};
use crate::candle::period;
use crate::duty_cycle::wall_now;
use crate::exit_code;
use crate::stdout::print_line;

/// Arguments of `candles`.
#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    fetch: FetchArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Read files again: every row, and what is missing between them.
    Check {
        /// Folder of candle files; folders in it count too.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, ClapArgs)]
struct FetchArgs {
    /// Instrument keys or names in any house's spelling.
    #[arg(required = true, value_name = "KEY|SYMBOL", num_args = 1..)]
    names: Vec<String>,
    /// First day, YYYY-MM-DD.
    #[arg(long, value_name = "DATE", value_parser = parse_day, required_unless_present = "intraday", requires = "to")]
    from: Option<IstDay>,
    /// Last day, YYYY-MM-DD; today is not among past days.
    #[arg(long, value_name = "DATE", value_parser = parse_day, requires = "from")]
    to: Option<IstDay>,
    /// Length of a candle: 1m to 300m, 1h to 5h, 1d.
    #[arg(long, value_name = "LENGTH", default_value = "1m", value_parser = period::timeframe)]
    timeframe: Timeframe,
    /// Where the files go.
    #[arg(long, value_name = "DIR", default_value = "candles")]
    out: PathBuf,
    /// Today's candles so far too, in a file of their own.
    #[arg(long)]
    intraday: bool,
    /// Fetch again what is there.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    master: MasterArguments,
    #[command(flatten)]
    broker: BrokerArguments,
}

/// Runs the verb; gives the exit code. When `stop` is raised it ends with whole files.
#[must_use]
pub fn run(args: &Args, stop: &Arc<AtomicBool>) -> i32 {
    match &args.what {
        Some(What::Check { dir, json }) => check(dir, *json),
        None => args.fetch.broker.run(|session| fetch(&args.fetch, session, stop)),
    }
}

fn fetch(args: &FetchArgs, session: &mut BrokerSession, stop: &AtomicBool) -> Result<Shown, Trouble> {
    let span = span_of(args, session.is_simulated())?;
    let contracts = args.master.named(&args.names)?;
    let folders: Vec<PathBuf> = contracts
        .iter()
        .map(|contract| folder_of(&args.out, &contract.key, args.timeframe))
        .collect();
    let order = Order {
        contracts: &contracts,
        timeframe: args.timeframe,
        span,
        out: &args.out,
        is_forced: args.force,
        wants_today: args.intraday,
    };
    let fetched = Fetcher::new(session, &order, stop).run();
    let mut files = Vec::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        files.extend(files_under(folder).map_err(Trouble::error)?);
    }
    let report = FolderReport::of(&files);
    let mut failures = fetched.failures;
    failures.extend(report.refused.iter().cloned());
    if fetched.was_stopped {
        failures.push("interrupted: the files that are there are whole; run it again to go on".to_owned());
    }
    if !failures.is_empty() {
        let done = format!(
            "{} files fetched, {} there before",
            fetched.files, fetched.skipped
        );
        failures.push(done);
        return Err(Trouble {
            code: fetched.code.unwrap_or(exit_code::ERROR),
            message: failures.join("\n"),
        });
    }
    warn(&report.holdings);
    let counts = json!({ "files_fetched": fetched.files, "files_there": fetched.skipped, "requests": fetched.requests });
    let text = format!(
        "{} files fetched with {} requests, {} there before, in {}\n{}",
        fetched.files,
        fetched.requests,
        fetched.skipped,
        args.out.display(),
        text_of(&report.holdings)
    );
    Ok(Shown {
        data: json!({ "fetched": counts, "holdings": data_of(&report.holdings) }),
        text,
    })
}

/// The days that are asked for. Of a real broker the day before today is the last one with a past.
fn span_of(args: &FetchArgs, is_simulated: bool) -> Result<Option<Span>, Trouble> {
    let (Some(first), Some(to)) = (args.from, args.to) else {
        return Ok(None);
    };
    let yesterday = IstDay::new(wall_now().ist_day().get() - 1);
    // A simulator plays another day than ours.
    let last = if is_simulated { to } else { to.min(yesterday) };
    if first > to {
        return Err(Trouble::usage(format!("--from {first} is after --to {to}")));
    }
    let since = args.timeframe.since();
    if last < first.max(since) {
        return Err(Trouble::usage(format!(
            "the broker has such candles from {since} to {yesterday}; nothing of that lies between {first} and {to}"
        )));
    }
    if last < to || first < since {
        eprintln!(
            "warning: asking for {} to {last} only: the broker has no others",
            first.max(since)
        );
    }
    Ok(Some(Span {
        first: first.max(since),
        last,
    }))
}

fn check(dir: &Path, is_json: bool) -> i32 {
    let files = files_under(dir).and_then(|files| {
        if files.is_empty() {
            Err(format!("{}: no candle files", dir.display()))
        } else {
            Ok(files)
        }
    });
    let files = match files {
        Ok(files) => files,
        Err(fault) => {
            if is_json {
                let error = json!({ "exit_code": exit_code::NO_DATA, "message": fault });
                print_line(&json!({ "error": error }).to_string());
            }
            eprintln!("error: {fault}");
            return exit_code::NO_DATA;
        }
    };
    let report = FolderReport::of(&files);
    if is_json {
        let data = json!({ "holdings": data_of(&report.holdings), "refused": report.refused });
        print_line(&json!({ "data": data }).to_string());
    } else {
        print_line(text_of(&report.holdings).trim_end());
    }
    warn(&report.holdings);
    for fault in &report.refused {
        eprintln!("error: {fault}");
    }
    if report.refused.is_empty() {
        exit_code::OK
    } else {
        exit_code::ERROR
    }
}

fn warn(holdings: &[Holding]) {
    let gaps = holdings.iter().filter(|holding| holding.has_gaps()).count();
    if gaps > 0 {
        eprintln!("warning: {gaps} of {} have gaps", holdings.len());
    }
}

fn data_of(holdings: &[Holding]) -> Vec<Value> {
    holdings.iter().map(Holding::data).collect()
}

fn text_of(holdings: &[Holding]) -> String {
    holdings.iter().map(Holding::text).collect()
}
