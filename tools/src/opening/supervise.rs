//! What a start tells the engine before anything runs: its steps, and a kill that holds from before.
//!
//! Invariants: the journal's word or the latch file's is enough to be killed, and whichever lacks it learns it here;
//! everything enters as journaled events. Left out: finding it out (`start_checks`), keeping it (`kill_latch`).

use bijli_core::driver::Driver;
use bijli_core::event::{Event, LatchCarried};
use bijli_strategy::SpikeStrategy;

use super::{DayPlan, OpeningError};
use crate::kill_latch::{Kill, KillLatch};
use crate::start_checks::{StartCount, StartFacts};
use crate::store::JournalStore;

/// Counts this start, where starts are counted; `None` where that cannot be done: a full disk keeps no day under way
/// from going on, but its entries wait for a person.
pub(super) fn note_start(plan: &DayPlan) -> Option<usize> {
    if !plan.checks.is_real {
        return Some(0);
    }
    let count = StartCount::beside(&plan.account_lock).note(plan.checks.started);
    count
        .inspect_err(|error| eprintln!("WARNING: this start cannot be counted: {error}"))
        .ok()
}

/// Tells the engine how the start went, and of a kill that holds: the journal's word or the file's is enough, and
/// whichever lacks it learns it here.
pub(super) fn tell(
    driver: &mut Driver<SpikeStrategy>,
    journal: &mut JournalStore,
    plan: &DayPlan,
    found: &StartFacts,
) -> Result<(), OpeningError> {
    let latch = KillLatch::beside(&plan.account_lock);
    let ts = driver.engine().state().now();
    let mut events = plan.checks.events(ts, &plan.config, plan.day, found);
    match (latch.read(), driver.engine().state().is_killed()) {
        (Some(kill), false) => events.push(Event::LatchCarried(LatchCarried {
            ts,
            since: kill.since(),
            uid: kill.uid,
            reason: kill.reason(),
        })),
        (None, true) => {
            // The journal's word is enough to be killed, and while that holds the file is tried again.
            if let Err(error) = latch.set(&Kill::by_journal(ts)) {
                eprintln!("WARNING: the kill latch is not on disk yet: {error}");
            }
        }
        (Some(_), true) | (None, false) => {}
    }
    for event in events {
        driver.take(&event, journal, |command| {
            panic!("an opening causes no commands: {command:?}")
        })?;
    }
    Ok(())
}
