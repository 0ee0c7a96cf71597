//! What came of one simulated day.

use std::fmt;

use bijli_core::TsNs;

use crate::rows::Fired;

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its id in the catalogue.
    pub invariant: &'static str,
    /// What was found.
    pub found: String,
    /// Step of the world.
    pub step: u64,
    /// Virtual time.
    pub now: TsNs,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.now.to_string();
        write!(
            f,
            "{} at step {} ({}): {}",
            self.invariant,
            self.step,
            &text[11..],
            self.found
        )
    }
}

/// What was counted besides faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Steps of the world.
    pub steps: u64,
    /// Events that engines applied.
    pub events: u64,
    /// Ticks of the market.
    pub ticks: u64,
    /// Order calls that left.
    pub order_calls: u64,
    /// Reads that left.
    pub reads: u64,
    /// Trades at the exchange.
    pub trades: u64,
    /// Processes started.
    pub processes: u64,
}

impl Work {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            steps: self.steps + other.steps,
            events: self.events + other.events,
            ticks: self.ticks + other.ticks,
            order_calls: self.order_calls + other.order_calls,
            reads: self.reads + other.reads,
            trades: self.trades + other.trades,
            processes: self.processes + other.processes,
        }
    }
}

/// What came of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Everything that happened, in one number.
    pub hash: u64,
    /// How often each fault fired.
    pub fired: Fired,
    /// What was done.
    pub work: Work,
    /// The first invariant that did not hold.
    pub violation: Option<Violation>,
    /// The last things that happened, if they were written down.
    pub trace: Vec<String>,
}
