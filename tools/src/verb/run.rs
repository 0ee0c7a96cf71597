//! `bijli run --config FILE`: the engine on a real feed, in paper mode, against the simulator, or live.
//!
//! A restart finds the journal of the same account and day, recovers it and reconciles before anything else.
//! Live trading begins disarmed: only exits pass until `bijli ctl arm --reason …`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bijli_core::event::{DataKind, VenueKind};
use bijli_core::session::{ClosedDay, Market, SessionTimes};
use bijli_core::start_steps::{StartStep, StepVerdict};
use bijli_core::{DurationNs, Instrument, IstDay, TsNs};
use bijli_feed::FeedSettings;
use bijli_feed::liveness::MarketHours;
use bijli_gateway::upstox::token;

use crate::broker_access::{
    Access, Choice, Trouble, account_at_broker, check_address, fetch_instruments, read_instruments,
    simulated_day,
};
use crate::config_check::{self, Finding, Severity};
use crate::config_file::{self, RunConfig, RunMode, leads_here};
use crate::credential::TokenMemory;
use crate::day_run::{Finished, RunError, RunPlan, run_day};
use crate::durability::Durability;
use crate::duty_cycle::{ClockSource, Wait, rest, wall_now};
use crate::exit_code;
use crate::master_store::MasterStore;
use crate::master_sync::{self, Origin};
use crate::opening::DayPlan;
use crate::sector_table::SectorTable;
use crate::start_checks::StartChecks;
use crate::stderr::{say, settle};
use crate::stdout::print_line;
use crate::topology::{Placement, Running, Shape, venue_start};
use crate::verb::broker_arguments::{configured_target, credential_trouble};
use crate::verb::top;
use crate::words;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file; see deploy/config/paper.toml.
    #[arg(long)]
    config: PathBuf,
    /// Show the dashboard while running.
    #[arg(long)]
    top: bool,
    /// Print the summary as one JSON object at the end.
    #[arg(long)]
    json: bool,
    /// Take over positions that another version of this program opened.
    #[arg(long)]
    accept_upgrade: bool,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args, stop: &Arc<AtomicBool>) -> i32 {
    let loaded = match config_file::load(&args.config) {
        Ok(loaded) => loaded,
        Err(errors) => {
            eprintln!("{errors}");
            return exit_code::USAGE;
        }
    };
    let findings = config_check::check(&loaded.config, wall_now().ist_day());
    let refused: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    if loaded.config.run.mode != RunMode::Sim && !refused.is_empty() {
        for finding in refused {
            eprintln!("{}: {}", finding.code(), finding.what);
        }
        eprintln!("error: see `bijli config check {}`", args.config.display());
        return exit_code::USAGE;
    }
    for finding in config_check::check_machine(&loaded.config) {
        eprintln!("WARNING: {}: {}", finding.key, finding.what);
    }
    let plan = match plan(&loaded.config, args.accept_upgrade) {
        Ok(plan) => plan,
        Err(trouble) => {
            eprintln!("error: {}", trouble.message);
            return trouble.code;
        }
    };
    let run_dir = plan.day.run_dir.clone();
    eprintln!("run directory: {}", run_dir.display());
    let outcome = run_day(
        plan,
        stop,
        |running| watch(args, &run_dir, running, stop),
        || None,
    );
    let code = match outcome {
        Ok(finished) => finish(args, &finished),
        Err(error) => {
            say(format_args!("error: {error}"));
            match error {
                RunError::Broker(_) => exit_code::BROKER,
                RunError::Opening(_) | RunError::Start(_) | RunError::Engine(_) | RunError::Report(_) => {
                    exit_code::ERROR
                }
            }
        }
    };
    settle();
    code
}

fn watch(args: &Args, run_dir: &Path, running: &Running, stop: &AtomicBool) {
    if args.top && std::io::stdout().is_terminal() {
        let _code = top::watch(run_dir, &|| running.is_running());
        // Leaving the dashboard does not stop the engine; an interrupt does.
    }
    while running.is_running() && !stop.load(Ordering::Acquire) {
        rest(Duration::from_millis(100));
    }
}

fn finish(args: &Args, finished: &Finished) -> i32 {
    let summary = if args.json {
        serde_json::to_string(&finished.summary).expect("plain data serialises")
    } else {
        finished.summary.to_string()
    };
    // The exit code counts, whether anybody reads or not.
    let _read = print_line(&summary);
    if let Some(open) = &finished.left_without_token {
        say("error: TOKEN DEAD: the run has ended, since nothing can be sent");
        match open.as_slice() {
            [] => say("no position is open"),
            open => say(format_args!("still open at the broker: {}", open.join("; "))),
        }
        say("log in again with `bijli login` and start again: the run takes up where it stopped");
        return exit_code::BROKER;
    }
    if finished.killed_not_flat {
        say(
            "error: KILLED, and the broker had not shown that nothing is open when the run ended: look there, and close \
             by hand what is",
        );
        return exit_code::NOT_FLAT;
    }
    if finished.day_over && finished.summary.open_positions > 0 {
        return exit_code::NOT_FLAT;
    }
    if finished.summary.ticks_applied == 0 {
        say("no tick came: the venue's day was over already, or nothing was subscribed");
        return exit_code::NO_DATA;
    }
    exit_code::OK
}

fn plan(config: &RunConfig, accept_upgrade: bool) -> Result<RunPlan, Trouble> {
    let (access, wall_expires, token_memory) = access(config)?;
    let clock = match config.clock.source {
        config_file::ClockSource::Wall => ClockSource::Wall,
        config_file::ClockSource::Venue => ClockSource::Venue,
    };
    refuse_mixed_clocks(config, clock)?;
    let at_broker = account_at_broker(&access)?;
    let (day, data, start, token_expires) = day_of(&access, clock, wall_expires)?;
    let choice = match config.run.mode {
        RunMode::Sim => Choice::Everything,
        RunMode::Paper | RunMode::Live => Choice::Configured(&config.universe),
    };
    let (mut instruments, stale) = instruments(config, &access, clock, day, choice)?;
    SectorTable::new(&config.sectors)
        .map_err(Trouble::error)?
        .assign(&mut instruments);
    let mut engine_config = config.engine_config();
    if stale.is_some() {
        // Lots and strikes may be of another day: what is open may be closed, nothing new is entered.
        engine_config.risk.entries_per_day_max = 0;
    }
    let hours = market_hours(day, clock);
    let venue = venue_of(config.run.mode);
    let checks = StartChecks {
        found: found(config, &access, venue, (token_expires, stale.as_deref())),
        is_real: clock == ClockSource::Wall,
        accept_upgrade,
        started: wall_now(),
    };
    let root = &config.run.run_dir;
    Ok(RunPlan {
        feed: FeedSettings {
            token: token_memory.handle(),
            ..access.feed(&instruments, &config.feed, hours)
        },
        warm_strikes: config.feed.warm_width(),
        rest: access.rest(),
        stream: access.stream(),
        token_expires,
        token_memory: Some(token_memory),
        day: DayPlan {
            run_dir: root.join(format!("{day}-{}", config.run.account)),
            account_lock: root.join(format!("{}.lock", config.run.account)),
            at_broker: (venue != VenueKind::Paper).then_some(at_broker),
            day,
            data,
            venue,
            config: engine_config,
            instruments,
            start,
            segment_bytes: config.journal.segment_mib.saturating_mul(1024 * 1024),
            durability: match config.journal.durability {
                config_file::Durability::Process => Durability::Process,
                config_file::Durability::Disk => Durability::Disk,
            },
            ram_dir: config.journal.ram_dir.clone(),
            reserve_bytes: config.journal.reserve_mib.saturating_mul(1024 * 1024),
            checks,
        },
        clock,
        placement: placement(config),
        capture: config.feed.capture,
        alert_command: config.alert.command.clone(),
        facts: [("command".to_owned(), "run".to_owned())]
            .into_iter()
            .chain(stale.map(|reason| ("stale_master".to_owned(), reason)))
            .collect(),
    })
}

const fn venue_of(mode: RunMode) -> VenueKind {
    match mode {
        RunMode::Paper => VenueKind::Paper,
        RunMode::Live => VenueKind::Live,
        RunMode::Sim => VenueKind::Simulated,
    }
}

/// What was found out before the day is opened. The token was tried just now: without it nothing comes so far.
fn found(
    config: &RunConfig,
    access: &Access,
    venue: VenueKind,
    (token_expires, stale): (TsNs, Option<&str>),
) -> Vec<(StartStep, StepVerdict, String)> {
    let token = if token_expires.is_set() {
        format!("dies {}", words::stamp_text(token_expires))
    } else {
        "alive".to_owned()
    };
    let (address, seen) = match venue {
        VenueKind::Live => check_address(access, config.broker.source_ip.as_deref()),
        VenueKind::Paper | VenueKind::Simulated => (StepVerdict::NotNeeded, "no real money".to_owned()),
    };
    let (day, master) = match stale {
        None => (StepVerdict::Passed, String::new()),
        Some(_) => (StepVerdict::Failed, "the master is not of this day".to_owned()),
    };
    vec![
        (StartStep::Token, StepVerdict::Passed, token),
        (StartStep::Address, address, seen),
        (StartStep::Day, day, master),
    ]
}

/// The day's instruments and, when their master is not the day's own, the reason. On this machine's clock the master
/// comes through the store; a simulated day brings its own.
fn instruments(
    config: &RunConfig,
    access: &Access,
    clock: ClockSource,
    day: IstDay,
    choice: Choice<'_>,
) -> Result<(Vec<Instrument>, Option<String>), Trouble> {
    let universe = &config.universe;
    if let Some(path) = &universe.master_file {
        return Ok((read_instruments(path, choice)?, None));
    }
    if clock == ClockSource::Venue {
        return Ok((fetch_instruments(access, &universe.master_url, choice)?, None));
    }
    let origin = Origin::Url {
        url: universe.master_url.clone(),
        extra_root_pem: access.extra_root_pem.clone(),
    };
    let chosen = master_sync::choose(&MasterStore::new(&universe.master_dir), &origin, day)?;
    for warning in &chosen.warnings {
        eprintln!("warning: instrument master of {}: {warning}", chosen.day);
    }
    if let Some(reason) = &chosen.stale {
        eprintln!("WARNING: {reason}; no entry is made today, exits are");
    }
    Ok((read_instruments(&chosen.path, choice)?, chosen.stale))
}

/// When data is due: from the opening to the later close of shares and derivatives, never on a day that is shut.
/// A simulated venue keeps its own time.
fn market_hours(day: IstDay, clock: ClockSource) -> MarketHours {
    if clock == ClockSource::Venue {
        return MarketHours::UNKNOWN;
    }
    let of = |market| SessionTimes::of(day, market);
    match (of(Market::Cash), of(Market::Derivatives)) {
        (Ok(cash), Ok(derivatives)) => MarketHours {
            opens_at: cash.open,
            closes_at: cash.close.max(derivatives.close),
        },
        (Err(ClosedDay::Uncovered), _) | (_, Err(ClosedDay::Uncovered)) => MarketHours::UNKNOWN,
        (Err(_), _) | (_, Err(_)) => MarketHours::none_since(day.at(DurationNs::ZERO)),
    }
}

/// Simulated time and real trading do not mix.
fn refuse_mixed_clocks(config: &RunConfig, clock: ClockSource) -> Result<(), Trouble> {
    match (config.run.mode, clock) {
        (RunMode::Sim, ClockSource::Wall) => Err(Trouble::usage(
            "mode \"sim\" plays days of its own: set clock.source = \"venue\"",
        )),
        (RunMode::Live, ClockSource::Venue) => Err(Trouble::usage(
            "live trading runs on this machine's clock: set clock.source = \"wall\"",
        )),
        (RunMode::Paper, ClockSource::Wall) if leads_here(&config.broker.feed_url) => Err(Trouble::usage(
            "a feed on this machine is a simulator's: set clock.source = \"venue\", or its prices would be \
                 called live",
        )),
        (RunMode::Sim | RunMode::Live | RunMode::Paper, _) => Ok(()),
    }
}

/// The day, its data, its first moment, and when the token dies: a simulated day has its own night.
fn day_of(
    access: &Access,
    clock: ClockSource,
    wall_expires: TsNs,
) -> Result<(IstDay, DataKind, TsNs, TsNs), Trouble> {
    if clock == ClockSource::Venue {
        let (day, data, told) = simulated_day(access)?;
        let start = venue_start(day);
        return Ok((day, data, start, told.unwrap_or_else(|| token::expiry(start))));
    }
    let now = wall_now();
    Ok((now.ist_day(), DataKind::Live, now, wall_expires))
}

/// Addresses, the token, when it dies by the wall clock, and where a newer one turns up.
fn access(config: &RunConfig) -> Result<(Access, TsNs, TokenMemory), Trouble> {
    let target = configured_target(&config.broker)?;
    let (token, _place) = target
        .places
        .living_token(wall_now())
        .map_err(|error| credential_trouble(&error))?;
    let access = Access {
        token: token.token.expose().to_owned(),
        ..target.access
    };
    let memory = TokenMemory::new(target.places, token.token);
    Ok((access, token.expires, memory))
}

fn placement(config: &RunConfig) -> Placement {
    let threads = &config.threads;
    let automatic = Placement::for_this_machine();
    let shape = match threads.shape {
        config_file::Shape::Auto => automatic.shape,
        config_file::Shape::Fused => Shape::Fused,
        config_file::Shape::Split => Shape::Two,
        config_file::Shape::Three => Shape::Three,
    };
    let wait = match threads.wait {
        config_file::Wait::Spin => Wait::Spin,
        config_file::Wait::SpinYield => Wait::SpinYield,
        config_file::Wait::Park => Wait::Park,
    };
    let wanted = match shape {
        Shape::Fused => vec![threads.engine_core],
        Shape::Two => vec![threads.engine_core, threads.gateway_core],
        Shape::Three => vec![threads.feed_core, threads.engine_core, threads.gateway_core],
    };
    // Pinning some threads of a shape and not others would leave the rest to chance: all or none.
    let cores = wanted
        .into_iter()
        .collect::<Option<Vec<usize>>>()
        .unwrap_or_default();
    Placement { shape, wait, cores }
}
