//! The first process of a day dies at a micro-step of its journal: before a record, or behind it.
//!
//! Between two records lies all that the process does: an event applied, a command handed on, a request sent, a reply
//! heard; so every such gap is a kill point. The rest of the day is the oracle's: what was recovered is a prefix and
//! replays to the same hash, no tag is sent twice, the ledger is flat at the end. `BIJLI_KILL_POINTS` points (24 unless
//! set) of a day without other faults, from a fresh seed; `BIJLI_SEED` repeats a run.

use std::time::{SystemTime, UNIX_EPOCH};

use bijli_simulate::plan::Plan;
use bijli_simulate::world;
use bijli_simulator::random::Random;

/// Points of one day; then comes a day of another seed.
const POINTS_PER_DAY: u64 = 500;

fn env_number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a whole number, not {text:?}")),
    )
}

#[test]
fn a_process_killed_at_any_micro_step_of_its_journal_loses_and_doubles_nothing() {
    let points = env_number("BIJLI_KILL_POINTS").unwrap_or(24);
    let seed = env_number("BIJLI_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        now.as_nanos() as u64
    });
    eprintln!("kill points: {points}, seed: {seed} (repeat with BIJLI_SEED={seed})");
    let (mut made, mut killed, mut day) = (0, 0, 0);
    while made < points {
        let plan = Plan::of(seed.wrapping_add(day)).only(&[]);
        let whole = world::run(&plan, 0);
        assert_eq!(whole.violation, None, "a day without faults, seed {}", plan.seed);
        // Every event is a record, and every record two micro-steps; commands make it more. A process that dies in
        // the last seconds, long after the close, is not up again when the last look is taken.
        let steps = whole.work.events * 2 * 9 / 10;
        let count = POINTS_PER_DAY.min(points - made).min(steps);
        let mut dice = Random::new(plan.seed, 0x6b11);
        for part in 0..count {
            let (low, high) = (steps * part / count, steps * (part + 1) / count - 1);
            let point = dice.between(low as i64, high as i64) as u64;
            let killed_day = Plan {
                kill_at: Some(point),
                ..plan.clone()
            };
            let outcome = world::run(&killed_day, 0);
            assert_eq!(
                outcome.violation, None,
                "seed {}, killed at micro-step {point}",
                plan.seed
            );
            killed += u64::from(outcome.work.processes > whole.work.processes);
        }
        made += count;
        day += 1;
    }
    eprintln!("{made} points on {day} days, {killed} processes died there");
    // A process that dies while it takes an empty day over never was one.
    assert!(
        killed * 10 >= made * 9,
        "of {made} points only {killed} killed a process"
    );
}
