//! Many seeds on many cores: the only place here with threads and a wall clock.
//!
//! A seed is lived through by one thread alone; threads share the number of the next seed and nothing else. A panic
//! inside a world is a violation of I40, told with its message.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use crate::coverage::{Coverage, FULL_RUN_SEEDS};
use crate::outcome::{Outcome, Violation, Work};
use crate::plan::Plan;
use crate::rows::{Fired, RowId};
use crate::shrink::shrink;
use crate::world;

/// Seeds of a run that says nothing else.
const SEEDS: u64 = 1_000;
/// One seed in so many is lived through twice, and both lives must be the same.
const TWICE_EVERY: u64 = 64;
/// Violations after which a run gives up.
const VIOLATIONS_MAX: usize = 10;

thread_local! {
    /// Where this thread panicked last.
    static PANICKED_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What is asked for.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "simulate",
    about = "The deterministic simulation tester: whole days of faults, one seed each."
)]
pub struct Options {
    /// How many seeds: a thousand, with `--planted` up to ten thousand for each bug.
    #[arg(long)]
    pub seeds: Option<u64>,
    /// One seed alone, with the last things that happened.
    #[arg(long)]
    pub seed: Option<u64>,
    /// The first seed; by default the clock decides, and it is printed.
    #[arg(long)]
    pub from: Option<u64>,
    /// Threads; by default one a core.
    #[arg(long)]
    pub jobs: Option<usize>,
    /// Stop after so many minutes, whatever was lived through.
    #[arg(long)]
    pub minutes: Option<u64>,
    /// With `--seed`: how many of the last happenings are printed; more than forty show whole answers of the broker.
    #[arg(long, default_value_t = world::TRACE_LINES)]
    pub trace: usize,
    /// Only these classes of fault, by id or name, separated by commas; `none` for a day without faults.
    #[arg(long)]
    pub only: Option<String>,
    /// Every day has these classes of fault too, whatever it drew; for those that change nothing else of a day (H4).
    #[arg(long, value_delimiter = ',', value_parser = row_of)]
    pub with: Vec<RowId>,
    /// Cut the day off after so many steps.
    #[arg(long)]
    pub until: Option<u64>,
    /// Fail where a class of fault fired less often than a run of this size owes.
    #[arg(long)]
    pub require_coverage: bool,
    /// Invariants that are not asked, by id: to look beyond one that is known not to hold.
    #[arg(long, value_delimiter = ',')]
    pub without: Vec<String>,
    /// Plant each deliberate bug in turn, or the one named, and look for it; needs the feature `planted`, which the
    /// chore turns on.
    #[arg(long, num_args = 0..=1, default_missing_value = "all", value_name = "BUG")]
    pub planted: Option<String>,
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What all threads found together.
#[derive(Default)]
struct Sum {
    coverage: Coverage,
    work: Work,
    lived: u64,
    violations: Vec<(u64, Violation)>,
}

/// Lives what is asked for.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    // A panic is told with its seed, not in the middle of everything else.
    std::panic::set_hook(Box::new(|panic| {
        PANICKED_AT.set(panic.location().map(ToString::to_string).unwrap_or_default());
    }));
    let rows = match options.only.as_deref().map(rows_of).transpose() {
        Ok(rows) => rows,
        Err(unknown) => {
            eprintln!("error: there is no fault `{unknown}`; `FAULTS.md` lists them");
            return ExitCode::from(2);
        }
    };
    if !options.without.is_empty() {
        println!("NOT ASKED: {}", options.without.join(" "));
    }
    if let Some(name) = &options.planted {
        return run_planted(options, name);
    }
    match options.seed {
        Some(seed) => run_one(seed, rows.as_deref(), options),
        None => run_many(rows.as_deref(), options),
    }
}

fn rows_of(text: &str) -> Result<Vec<RowId>, String> {
    if text == "none" {
        return Ok(Vec::new());
    }
    text.split(',').map(row_of).collect()
}

fn row_of(id: &str) -> Result<RowId, String> {
    RowId::of_id(id).ok_or_else(|| id.to_owned())
}

pub(crate) fn plan_of(seed: u64, rows: Option<&[RowId]>, options: &Options) -> Plan {
    let mut plan = Plan::of(seed);
    if let Some(rows) = rows {
        plan = plan.only(rows);
    }
    plan = options.with.iter().fold(plan, |plan, row| plan.with(*row));
    plan.until = options.until;
    plan.unasked.extend_from_slice(&options.without);
    plan
}

/// A life in which a panic is a violation like any other.
pub(crate) fn live(plan: &Plan, lines: usize) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| world::run(plan, lines))).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Outcome {
            seed: plan.seed,
            hash: 0,
            fired: Fired::default(),
            work: Work::default(),
            violation: Some(Violation {
                invariant: "I40",
                found: format!("a panic at {}: {}", PANICKED_AT.take(), text.unwrap_or_default()),
                step: 0,
                now: plan.start(),
            }),
            trace: Vec::new(),
        }
    })
}

fn run_one(seed: u64, rows: Option<&[RowId]>, options: &Options) -> ExitCode {
    let plan = plan_of(seed, rows, options);
    let ids: Vec<&str> = plan.rows().map(RowId::id).collect();
    println!(
        "seed {seed}, {:?}, {:?}, faults: {}",
        plan.temper,
        plan.venue,
        ids.join(" ")
    );
    let outcome = live(&plan, options.trace);
    for line in &outcome.trace {
        println!("{line}");
    }
    println!("{:?}", outcome.work);
    match &outcome.violation {
        Some(violation) => {
            println!("VIOLATION {violation}");
            ExitCode::FAILURE
        }
        None => {
            println!("nothing broke; hash {:016x}", outcome.hash);
            ExitCode::SUCCESS
        }
    }
}

fn lock(sum: &Mutex<Sum>) -> MutexGuard<'_, Sum> {
    // No thread panics while it holds the lock; if one did, what it counted still stands.
    sum.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run_many(rows: Option<&[RowId]>, options: &Options) -> ExitCode {
    let from = options.from.unwrap_or_else(fresh_seed);
    let seeds = options.seeds.unwrap_or(SEEDS);
    let jobs = options.jobs.unwrap_or_else(cores);
    println!(
        "seeds {from} to {}, {jobs} threads, commit {}",
        from + seeds - 1,
        commit()
    );
    let began = Instant::now();
    let deadline = options
        .minutes
        .map(|minutes| began + Duration::from_secs(60 * minutes));
    let (next, stop, sum) = (
        AtomicU64::new(from),
        AtomicBool::new(false),
        Mutex::new(Sum::default()),
    );
    let bar = progress_bar(seeds, options);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                let mut coverage = Coverage::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
                    if seed >= from + seeds || late || stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let plan = plan_of(seed, rows, options);
                    let outcome = live_checked(&plan);
                    coverage.add(&outcome);
                    bar.inc(1);
                    let mut sum = lock(&sum);
                    sum.lived += 1;
                    sum.work = sum.work.plus(outcome.work);
                    if let Some(violation) = outcome.violation {
                        sum.violations.push((seed, violation));
                        let enough = sum.violations.len() >= VIOLATIONS_MAX;
                        stop.fetch_or(enough, Ordering::Relaxed);
                    }
                }
                lock(&sum).coverage.merge(&coverage);
            });
        }
    });
    bar.finish_and_clear();
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    report(&sum, began.elapsed(), options)
}

#[cfg(not(feature = "planted"))]
fn run_planted(_options: &Options, _name: &str) -> ExitCode {
    eprintln!("error: this build holds no bugs; `cargo xtask simulate --planted` builds one that does");
    ExitCode::from(2)
}

#[cfg(feature = "planted")]
fn run_planted(options: &Options, name: &str) -> ExitCode {
    crate::planted::run(options, name)
}

/// A seed that the clock decides.
pub(crate) fn fresh_seed() -> u64 {
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    clock.map_or(1, |since| since.as_secs() % 1_000_000_000 * 1_000)
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Lives a plan, now and then twice.
fn live_checked(plan: &Plan) -> Outcome {
    let mut outcome = live(plan, 0);
    if plan.seed.is_multiple_of(TWICE_EVERY) && outcome.violation.is_none() {
        let again = live(plan, 0);
        if again != outcome {
            outcome.violation = Some(Violation {
                invariant: "G4",
                found: format!("two lives differ: {:016x} and {:016x}", outcome.hash, again.hash),
                step: 0,
                now: plan.start(),
            });
        }
    }
    outcome
}

fn progress_bar(seeds: u64, options: &Options) -> ProgressBar {
    if options.json {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{elapsed_precise} {bar:40} {pos}/{len} seeds, {per_sec}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(seeds).with_style(style)
}

fn report(sum: &Sum, took: Duration, options: &Options) -> ExitCode {
    let seconds = took.as_secs_f64();
    let missing = sum.coverage.missing(sum.lived);
    let owes = options.only.is_none() && (options.require_coverage || sum.lived >= FULL_RUN_SEEDS * 2 / 5);
    if options.json {
        let violations: Vec<serde_json::Value> = sum
            .violations
            .iter()
            .map(|(seed, violation)| serde_json::json!({ "seed": seed, "violation": violation.to_string() }))
            .collect();
        let text = serde_json::json!({
            "seeds": sum.lived,
            "seconds": seconds,
            "steps": sum.work.steps,
            "events": sum.work.events,
            "order_calls": sum.work.order_calls,
            "violations": violations,
            "faults": sum.coverage.json(),
        });
        println!("{text}");
    } else {
        println!("{}", sum.coverage.table());
        println!(
            "{} seeds in {seconds:.1} s, {:.0} a second; {:?}",
            sum.lived,
            sum.lived as f64 / seconds,
            sum.work
        );
    }
    for (seed, violation) in &sum.violations {
        println!("VIOLATION seed {seed}, commit {}: {violation}", commit());
    }
    if let Some((seed, violation)) = sum
        .violations
        .first()
        .filter(|_| options.only.is_none() && options.without.is_empty() && options.with.is_empty())
    {
        tell_smallest(*seed, violation);
    }
    if owes && !missing.is_empty() {
        let ids: Vec<&str> = missing.iter().map(|row| row.id()).collect();
        println!("NOT FIRED OFTEN ENOUGH: {}", ids.join(" "));
        return ExitCode::FAILURE;
    }
    if sum.violations.is_empty() {
        println!("0 violations");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn tell_smallest(seed: u64, violation: &Violation) {
    let shrunk = shrink(seed, violation, live);
    let plan = Plan::of(seed).only(&shrunk.rows);
    println!("\nthe smallest telling of seed {seed}:");
    for line in live(&plan, world::TRACE_LINES).trace {
        println!("{line}");
    }
    println!(
        "VIOLATION {}\nlive it again: {}",
        shrunk.violation,
        shrunk.command(seed)
    );
}

/// The commit that is tested, where it can be told.
pub(crate) fn commit() -> String {
    let told = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output();
    let text = told
        .ok()
        .filter(|told| told.status.success())
        .map(|told| told.stdout);
    let text = text.and_then(|text| String::from_utf8(text).ok());
    text.map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
}
