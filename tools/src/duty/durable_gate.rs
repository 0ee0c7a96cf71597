//! Between engine and gateway: core's gate ([`bijli_core::durable_gate`]) over the persister's numbers, and its counts.
//!
//! Invariant: what the gate lets pass without the disk, and what it gives up, is counted. On paper nothing leaves, so
//! nothing waits. Left out: the rules, which are core's.

use bijli_core::Command;
use bijli_core::durable_gate::{self, DiskView, Journaled};

use crate::durability::DurableView;
use crate::duty::Outbound;
use crate::duty_cycle::{ClockSource, MonoNs};

/// How long a placement waits for the disk.
const WAIT_MAX_NS: u64 = durable_gate::WAIT_MAX_NS;
/// The same on a simulated clock, which stands still meanwhile: the price does not run away.
const SIMULATED_WAIT_MAX_NS: u64 = 2_000_000_000;

/// What became of a command.
#[derive(Clone, Copy, Debug)]
pub enum Passed {
    /// It may leave.
    Send(Outbound),
    /// It is an entry that must not leave any more: it was never sent.
    GivenUp(Outbound),
}

/// The commands that wait.
#[derive(Debug)]
pub struct DurableGate {
    view: DurableView,
    gate: durable_gate::DurableGate<Outbound>,
}

impl Journaled for Outbound {
    fn command(&self) -> &Command {
        &self.command
    }

    fn seq(&self) -> u64 {
        self.seq
    }
}

impl DurableGate {
    /// A gate that nothing waits at.
    #[must_use]
    pub const fn new(view: DurableView, clock: ClockSource) -> Self {
        let wait_max_ns = match clock {
            ClockSource::Wall => WAIT_MAX_NS,
            ClockSource::Venue => SIMULATED_WAIT_MAX_NS,
        };
        Self {
            view,
            gate: durable_gate::DurableGate::new(wait_max_ns),
        }
    }

    /// Takes a command from the engine at `now`.
    pub fn offer(&mut self, outbound: Outbound, now: MonoNs) {
        self.gate.offer(outbound, now.0);
    }

    /// How many wait; one more while the disk is far behind, which a simulated clock waits for.
    #[must_use]
    pub fn waiting_count(&self) -> usize {
        self.gate.waiting_count() + usize::from(self.view.is_far_behind())
    }

    /// The next command that need not wait any longer.
    pub fn pop(&mut self, now: MonoNs) -> Option<Passed> {
        let disk = DiskView {
            next_seq: self.view.next_seq(),
            is_dead: self.view.is_dead(),
            entries_barred: self.view.entries_barred(),
        };
        Some(match self.gate.pop(now.0, &disk)? {
            durable_gate::Passed::Send(outbound) => Passed::Send(outbound),
            durable_gate::Passed::SendUnwaited(outbound) => {
                self.view.count_exit_unwaited();
                Passed::Send(outbound)
            }
            durable_gate::Passed::GivenUp(outbound) => {
                self.view.count_entry_given_up();
                Passed::GivenUp(outbound)
            }
        })
    }
}

#[cfg(test)]
#[path = "durable_gate_tests.rs"]
mod tests;
