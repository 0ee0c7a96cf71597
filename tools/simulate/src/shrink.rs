//! From a failing seed to its smallest telling: fewer classes of fault, then a shorter day.

use crate::outcome::{Outcome, Violation};
use crate::plan::Plan;
use crate::rows::RowId;

/// Runs that shrinking may take.
const RUNS_MAX: usize = 80;

/// The smallest day found that breaks the same invariant.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// Classes of fault that are needed.
    pub rows: Vec<RowId>,
    /// The step at which it breaks.
    pub until: u64,
    /// How it breaks then.
    pub violation: Violation,
}

/// Takes classes of fault away one at a time as long as the same invariant breaks.
pub fn shrink(seed: u64, violation: &Violation, live: impl Fn(&Plan, usize) -> Outcome) -> Shrunk {
    let plan = Plan::of(seed);
    let mut best = Shrunk {
        rows: plan.rows().collect(),
        until: violation.step,
        violation: violation.clone(),
    };
    let mut runs = 0;
    let mut place = 0;
    while place < best.rows.len() && runs < RUNS_MAX {
        runs += 1;
        let mut rows = best.rows.clone();
        rows.remove(place);
        let outcome = live(&plan.clone().only(&rows), 0);
        match outcome.violation {
            Some(found) if found.invariant == violation.invariant => {
                best = Shrunk {
                    rows,
                    until: found.step,
                    violation: found,
                };
                place = 0;
            }
            Some(_) | None => place += 1,
        }
    }
    best
}

impl Shrunk {
    /// The command line that lives it again.
    #[must_use]
    pub fn command(&self, seed: u64) -> String {
        let ids: Vec<&str> = self.rows.iter().map(|row| row.id()).collect();
        let only = if ids.is_empty() {
            "none".to_owned()
        } else {
            ids.join(",")
        };
        format!("cargo xtask simulate --seed {seed} --only {only}")
    }
}
