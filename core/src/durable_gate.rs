//! Between engine and gateway: a placement leaves once its record is on the disk.
//!
//! Invariants: an entry never passes before its record is durable; after the longest wait, or on a dead disk, it is
//! given up and was never sent. An exit waits as long and then goes, told apart: being stuck in a position is worse
//! than an order that a power cut may make us find by its tag. What waits when the engine stops making entries (a
//! pause, a kill) never leaves. Nothing overtakes a waiting placement of its own intent. Left out: who carries the
//! commands, and where the readings of the monotonic clock come from.

use std::collections::VecDeque;

use crate::command::Command;
use crate::order::Purpose;
use crate::planted::{Bug, planted};

/// How long a placement waits for the disk.
pub const WAIT_MAX_NS: u64 = 20_000_000;

/// What can wait at the gate: a command, and the number of its record.
pub trait Journaled {
    /// The command, already journaled.
    fn command(&self) -> &Command;
    /// Sequence number of its record.
    fn seq(&self) -> u64;
}

/// How far the journal's disk is, and whether the engine makes entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskView {
    /// Every record below this number is on the disk.
    pub next_seq: u64,
    /// Whether the disk failed: nothing more becomes durable.
    pub is_dead: bool,
    /// Whether the engine makes no entry any more: what still waits must not leave either.
    pub entries_barred: bool,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed<T> {
    /// It may leave.
    Send(T),
    /// It is an exit that leaves although its record is not on the disk.
    SendUnwaited(T),
    /// It is an entry that must not leave any more: it was never sent.
    GivenUp(T),
}

/// The commands that wait.
#[derive(Debug)]
pub struct DurableGate<T> {
    wait_max_ns: u64,
    waiting: VecDeque<(T, u64)>,
}

impl<T: Journaled> DurableGate<T> {
    /// A gate that nothing waits at, and at which nothing waits longer than this.
    #[must_use]
    pub const fn new(wait_max_ns: u64) -> Self {
        Self {
            wait_max_ns,
            waiting: VecDeque::new(),
        }
    }

    /// Takes a command from the engine at `now_ns` on the monotonic clock.
    pub fn offer(&mut self, command: T, now_ns: u64) {
        self.waiting.push_back((command, now_ns));
    }

    /// How many wait.
    #[must_use]
    pub fn waiting_count(&self) -> usize {
        self.waiting.len()
    }

    /// The next command that need not wait any longer.
    pub fn pop(&mut self, now_ns: u64, disk: &DiskView) -> Option<Passed<T>> {
        let place = (0..self.waiting.len()).find(|index| {
            let (waiting, since) = &self.waiting[*index];
            let is_late = disk.is_dead || now_ns.saturating_sub(*since) >= self.wait_max_ns;
            self.is_first_of_its_intent(*index) && (is_late || is_ripe(waiting, disk))
        })?;
        let (passing, _) = self.waiting.remove(place)?;
        let Command::Place(order) = passing.command() else {
            return Some(Passed::Send(passing));
        };
        let is_durable = passing.seq() < disk.next_seq || planted(Bug::DiskNotAwaited);
        Some(match order.purpose {
            Purpose::Exit if is_durable => Passed::Send(passing),
            Purpose::Exit => Passed::SendUnwaited(passing),
            Purpose::Entry if is_durable && !disk.entries_barred => Passed::Send(passing),
            Purpose::Entry => Passed::GivenUp(passing),
        })
    }

    /// Whether no earlier command of the same intent waits.
    fn is_first_of_its_intent(&self, index: usize) -> bool {
        let intent = self.waiting[index].0.command().intent();
        let mut earlier = self.waiting.iter().take(index);
        intent.is_none() || !earlier.any(|(other, _)| other.command().intent() == intent)
    }
}

fn is_ripe<T: Journaled>(waiting: &T, disk: &DiskView) -> bool {
    let Command::Place(order) = waiting.command() else {
        return true;
    };
    waiting.seq() < disk.next_seq
        || planted(Bug::DiskNotAwaited)
        || (order.purpose == Purpose::Entry && disk.entries_barred)
}
