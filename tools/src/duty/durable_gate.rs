//! Between engine and gateway: a placement leaves once its record is on the disk.
//!
//! Invariants: an entry never passes before its record is durable; after 20 ms, or on a dead disk, it is given up and
//! was never sent. An exit waits as long and then goes, counted: being stuck in a position is worse than an order
//! that a power cut may make us find by its tag. What waits when the engine stops making entries (a pause, a kill)
//! never leaves. Nothing overtakes a waiting placement of its own intent. Left out: where the waiting time comes
//! from; on paper nothing leaves, so nothing waits.

use std::collections::VecDeque;

use bijli_core::Command;
use bijli_core::order::Purpose;

use crate::durability::DurableView;
use crate::duty::Outbound;
use crate::duty_cycle::{ClockSource, MonoNs};

/// How long a placement waits for the disk.
const WAIT_MAX_NS: u64 = 20_000_000;
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
    wait_max_ns: u64,
    waiting: VecDeque<(Outbound, MonoNs)>,
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
            wait_max_ns,
            waiting: VecDeque::new(),
        }
    }

    /// Takes a command from the engine at `now`.
    pub fn offer(&mut self, outbound: Outbound, now: MonoNs) {
        self.waiting.push_back((outbound, now));
    }

    /// How many wait; one more while the disk is far behind, which a simulated clock waits for.
    #[must_use]
    pub fn waiting_count(&self) -> usize {
        self.waiting.len() + usize::from(self.view.is_far_behind())
    }

    /// The next command that need not wait any longer.
    pub fn pop(&mut self, now: MonoNs) -> Option<Passed> {
        let durable = self.view.next_seq();
        let place = (0..self.waiting.len()).find(|index| {
            let (outbound, since) = &self.waiting[*index];
            self.is_first_of_its_intent(*index)
                && (self.is_ripe(outbound, durable) || self.is_late(now, *since))
        })?;
        let (outbound, _) = self.waiting.remove(place)?;
        let Command::Place(order) = &outbound.command else {
            return Some(Passed::Send(outbound));
        };
        let is_durable = outbound.seq < durable;
        match order.purpose {
            Purpose::Exit => {
                if !is_durable {
                    self.view.count_exit_unwaited();
                }
                Some(Passed::Send(outbound))
            }
            Purpose::Entry if is_durable && !self.view.entries_barred() => Some(Passed::Send(outbound)),
            Purpose::Entry => {
                self.view.count_entry_given_up();
                Some(Passed::GivenUp(outbound))
            }
        }
    }

    /// Whether no earlier command of the same intent waits.
    fn is_first_of_its_intent(&self, index: usize) -> bool {
        let intent = self.waiting[index].0.command.intent();
        intent.is_none()
            || !self
                .waiting
                .iter()
                .take(index)
                .any(|(other, _)| other.command.intent() == intent)
    }

    fn is_ripe(&self, outbound: &Outbound, durable: u64) -> bool {
        let Command::Place(order) = &outbound.command else {
            return true;
        };
        outbound.seq < durable || (order.purpose == Purpose::Entry && self.view.entries_barred())
    }

    fn is_late(&self, now: MonoNs, since: MonoNs) -> bool {
        self.view.is_dead() || now.since(since) >= self.wait_max_ns
    }
}

#[cfg(test)]
#[path = "durable_gate_tests.rs"]
mod tests;
