//! Which faults fired how often, over all seeds of a run: a fault that never fires proves nothing.

use std::fmt::Write;

use crate::outcome::Outcome;
use crate::rows::{ROWS, RowId};

/// Times that every row must have fired in a full run.
pub const FULL_RUN_FIRED: u64 = 100;
/// Seeds of a full run.
pub const FULL_RUN_SEEDS: u64 = 50_000;

/// Sums over seeds.
#[derive(Clone, Debug)]
pub struct Coverage {
    fired: [u64; ROWS],
    seeds: [u64; ROWS],
}

impl Default for Coverage {
    fn default() -> Self {
        Self {
            fired: [0; ROWS],
            seeds: [0; ROWS],
        }
    }
}

impl Coverage {
    /// Adds one day.
    pub fn add(&mut self, outcome: &Outcome) {
        for (index, count) in outcome.fired.0.iter().enumerate() {
            self.fired[index] += u64::from(*count);
            self.seeds[index] += u64::from(*count > 0);
        }
    }

    /// Adds what another thread saw.
    pub fn merge(&mut self, other: &Self) {
        for index in 0..ROWS {
            self.fired[index] += other.fired[index];
            self.seeds[index] += other.seeds[index];
        }
    }

    /// Rows that fired less often than a run of so many seeds owes: its share of a full run, and at least once.
    #[must_use]
    pub fn missing(&self, seeds: u64) -> Vec<RowId> {
        let owed = (FULL_RUN_FIRED * seeds / FULL_RUN_SEEDS).max(1);
        RowId::all()
            .filter(|row| row.can_fire() && self.fired[row.index()] < owed)
            .collect()
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!("{:<6} {:<32} {:>10} {:>8}\n", "row", "fault", "fired", "seeds");
        for row in RowId::all() {
            let (fired, seeds) = (self.fired[row.index()], self.seeds[row.index()]);
            writeln!(text, "{:<6} {:<32} {fired:>10} {seeds:>8}", row.id(), row.name())
                .expect("writing to a String cannot fail");
        }
        text
    }

    /// The same as rows of JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        RowId::all()
            .map(|row| {
                serde_json::json!({
                    "id": row.id(),
                    "name": row.name(),
                    "fired": self.fired[row.index()],
                    "seeds": self.seeds[row.index()],
                })
            })
            .collect()
    }
}
