//! `bijli demo`: the main job in one command, no account needed.
//!
//! Starts the broker simulator on loopback, connects to it as a real client would (TLS WebSocket feed, TLS
//! REST orders, order stream), trades a day under the default limits, shows it live and leaves a report.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bijli_core::config::Config;
use bijli_core::event::VenueKind;
use bijli_core::{Instrument, Money};
use bijli_feed::liveness::MarketHours;
use bijli_gateway::upstox::token;
use bijli_simulator::{RunningSimulator, start};
use indicatif::{ProgressBar, ProgressStyle};

use crate::broker_access::{Access, Choice, fetch_instruments};
use crate::config_file::FeedSection;
use crate::day_run::{Finished, RunError, RunPlan, run_day, run_name};
use crate::durability::{Durability, RAM_DIR};
use crate::duty_cycle::{ClockSource, rest, wall_now};
use crate::exit_code;
use crate::opening::DayPlan;
use crate::report::Summary;
use crate::sector_table::{SectorLists, SectorTable};
use crate::start_checks::StartChecks;
use crate::store::SEGMENT_BYTES;
use crate::topology::{Placement, Running, venue_start};
use crate::verb::sim::DayArgs;
use crate::verb::top;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    day: DayArgs,
    /// No dashboard: one progress line, or nothing where stderr is no terminal.
    #[arg(long)]
    headless: bool,
    /// Print the summary as one JSON object, the last line of stdout.
    #[arg(long)]
    json: bool,
    /// Where run directories are made.
    #[arg(long, default_value = "runs")]
    out: PathBuf,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args, stop: &Arc<AtomicBool>) -> i32 {
    let simulator = match start(args.day.settings()) {
        Ok(simulator) => simulator,
        Err(error) => {
            eprintln!("error: {error}");
            return exit_code::ERROR;
        }
    };
    let outcome = trade(args, &simulator, stop);
    let flat_at_broker = simulator.stats().is_flat();
    simulator.stop();
    match outcome {
        Ok(finished) => {
            show(args, &finished.summary);
            let flat = finished.summary.open_positions == 0 && flat_at_broker;
            if flat || !finished.day_over {
                exit_code::OK
            } else {
                exit_code::NOT_FLAT
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            match error {
                RunError::Broker(_) => exit_code::BROKER,
                _ => exit_code::ERROR,
            }
        }
    }
}

fn trade(args: &Args, simulator: &RunningSimulator, stop: &Arc<AtomicBool>) -> Result<Finished, RunError> {
    let access = Access {
        api_url: simulator.api_url.clone(),
        order_url: simulator.order_url.clone(),
        feed_url: simulator.feed_url.clone(),
        stream_url: simulator.stream_url.clone(),
        token: simulator.token.clone(),
        extra_root_pem: simulator.ca_pem.clone(),
        algo_name: None,
    };
    let master_url = simulator.master_url.clone();
    let mut instruments = fetch_instruments(&access, &master_url, Choice::Everything)
        .map_err(|trouble| RunError::Broker(trouble.message))?;
    SectorTable::new(&SectorLists::default())
        .expect("the shipped table has few sectors")
        .assign(&mut instruments);
    let run_dir = args.out.join(run_name(wall_now(), "demo"));
    let plan = plan(args, simulator, &access, instruments, run_dir.clone());
    let progress = Progress {
        simulator,
        run_dir: &run_dir,
    };
    run_day(
        plan,
        stop,
        |running| {
            if args.headless || !std::io::stdout().is_terminal() {
                progress.follow(running);
            } else {
                let _code = top::watch(&run_dir, &|| running.is_running());
            }
        },
        || Some(simulator.stats().ticks_sent),
    )
}

fn plan(
    args: &Args,
    simulator: &RunningSimulator,
    access: &Access,
    instruments: Vec<Instrument>,
    run_dir: PathBuf,
) -> RunPlan {
    let mut config = Config::default();
    config.risk.capital = Money::from_rupees(args.day.capital);
    let facts = [
        ("command", "demo".to_owned()),
        (
            "day source",
            args.day
                .day
                .as_ref()
                .map_or("invented".to_owned(), |path| path.display().to_string()),
        ),
        ("speed", format!("{:?}", args.day.speed)),
        ("seed", args.day.seed.to_string()),
    ];
    RunPlan {
        warm_strikes: None,
        feed: access.feed(&instruments, &FeedSection::default(), MarketHours::UNKNOWN),
        rest: access.rest(),
        stream: access.stream(),
        token_expires: token::expiry(venue_start(simulator.day)),
        token_memory: None,
        day: DayPlan {
            account_lock: run_dir.join("account.lock"),
            at_broker: None,
            run_dir,
            day: simulator.day,
            data: simulator.data,
            venue: VenueKind::Simulated,
            config,
            instruments,
            start: venue_start(simulator.day),
            segment_bytes: SEGMENT_BYTES,
            durability: Durability::Process,
            ram_dir: PathBuf::from(RAM_DIR),
            reserve_bytes: 0,
            checks: StartChecks::default(),
        },
        clock: ClockSource::Venue,
        placement: Placement::for_this_machine(),
        capture: false,
        alert_command: Vec::new(),
        facts: facts
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    }
}

/// What a headless demo shows.
struct Progress<'a> {
    simulator: &'a RunningSimulator,
    run_dir: &'a Path,
}

impl Progress<'_> {
    /// Follows simulated time on a bar over the session; plain where stderr is no terminal.
    fn follow(&self, running: &Running) {
        let open = self.simulator.day.at(bijli_core::DurationNs::from_hm(9, 15));
        let minutes = 375;
        let bar = ProgressBar::new(minutes);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} min, {elapsed} of real time");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(format!("{} -> {}", self.simulator.day, self.run_dir.display()));
        while running.is_running() {
            let stats = self.simulator.stats();
            let passed = stats.now.since(open).get() / 60_000_000_000;
            bar.set_position(u64::try_from(passed).unwrap_or(0).min(minutes));
            rest(Duration::from_millis(50));
        }
        bar.finish_and_clear();
    }
}

fn show(args: &Args, summary: &Summary) {
    if args.json {
        println!(
            "{}",
            serde_json::to_string(summary).expect("plain data serialises")
        );
    } else {
        println!("{summary}");
    }
}
