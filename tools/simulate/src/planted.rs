//! Deliberate bugs, one at a time: each must break an invariant within so many seeds, or the tester is blind there.
//!
//! A seed counts only if the same day without the bug breaks nothing, so no other defect can stand in for it. Bugs are
//! spread over threads, since each is planted for its own thread alone. A wall clock tells how long each took.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bijli_core::planted::{BUGS, Bug, plant};

use crate::outcome::Violation;
use crate::runner::{Options, commit, cores, fresh_seed, live, plan_of};

/// Seeds within which a bug must be found, unless fewer are asked for.
const SEEDS: u64 = 10_000;

/// What came of the search for one bug.
struct Search {
    bug: Bug,
    about: &'static str,
    /// Seeds that were lived, and the violation of the last one.
    seeds: u64,
    found: Option<(u64, Violation)>,
    took: Duration,
}

/// Plants each bug that is asked for in turn and lives seeds until it shows.
pub(crate) fn run(options: &Options, name: &str) -> ExitCode {
    let is_meant = |bug: Bug| name == "all" || format!("{bug:?}").eq_ignore_ascii_case(name);
    let bugs: Vec<(Bug, &'static str)> = BUGS.into_iter().filter(|(bug, _)| is_meant(*bug)).collect();
    if bugs.is_empty() {
        eprintln!("error: there is no bug `{name}`; `FAULTS.md` lists them");
        return ExitCode::from(2);
    }
    let from = options.from.unwrap_or_else(fresh_seed);
    let jobs = options.jobs.unwrap_or_else(cores);
    let budget = options.seeds.unwrap_or(SEEDS);
    println!(
        "{} bugs, up to {budget} seeds each from {from}, {jobs} threads, commit {}",
        bugs.len(),
        commit()
    );
    let next = AtomicUsize::new(0);
    let searches = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some((bug, about)) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let search = look_for(*bug, about, from..from + budget, options);
                    tell(&search);
                    searches
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(search);
                }
            });
        }
    });
    let searches = searches.into_inner().unwrap_or_else(PoisonError::into_inner);
    let found = searches.iter().filter(|search| search.found.is_some()).count();
    println!("{found} of {} planted bugs found", searches.len());
    if found == searches.len() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn look_for(bug: Bug, about: &'static str, seeds: std::ops::Range<u64>, options: &Options) -> Search {
    let began = Instant::now();
    let mut search = Search {
        bug,
        about,
        seeds: 0,
        found: None,
        took: Duration::ZERO,
    };
    for seed in seeds {
        let plan = plan_of(seed, None, options);
        search.seeds += 1;
        plant(Some(bug));
        let broken = live(&plan, 0).violation;
        plant(None);
        let Some(violation) = broken else {
            continue;
        };
        if live(&plan, 0).violation.is_none() {
            search.found = Some((seed, violation));
            break;
        }
    }
    search.took = began.elapsed();
    search
}

fn tell(search: &Search) {
    let Search {
        bug,
        about,
        seeds,
        found,
        took,
    } = search;
    let seconds = took.as_secs_f64();
    let name = format!("{bug:?}");
    match found {
        Some((seed, violation)) => {
            let found: String = violation.to_string().chars().take(110).collect();
            println!("{name:<24} {seeds:>5} seeds {seconds:>6.1} s  {found}  (seed {seed}; {about})");
        }
        None => println!("{name:<24} {seeds:>5} seeds {seconds:>6.1} s  NOT FOUND  ({about})"),
    }
}
