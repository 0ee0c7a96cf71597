//! What the journal survives, and the few numbers by which engine, gateway and persister agree on it.
//!
//! Invariant: `next_seq` only grows, and only after the records below it are on the disk. Nothing here blocks: the
//! engine's thread reads a flag, the gateway's a number.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bijli_core::codec::DurableMark;

/// A folder in memory that every Linux has.
pub const RAM_DIR: &str = "/dev/shm";

/// About one commit of ticks.
const FAR_BEHIND_RECORDS: u64 = 512;

/// What the journal survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, however it ends.
    #[default]
    Process,
    /// Also a power cut: no entry leaves before its record is on the disk.
    Disk,
}

/// How far the disk is, shared by all threads.
#[derive(Clone, Debug)]
pub struct DurableView(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    next_seq: AtomicU64,
    appended: AtomicU64,
    dead: AtomicBool,
    short: AtomicBool,
    refused: AtomicBool,
    entries_barred: AtomicBool,
    exits_unwaited: AtomicU64,
    entries_given_up: AtomicU64,
}

impl DurableView {
    fn starting_at(next_seq: u64) -> Self {
        Self(Arc::new(Shared {
            next_seq: AtomicU64::new(next_seq),
            appended: AtomicU64::new(next_seq),
            dead: AtomicBool::new(false),
            short: AtomicBool::new(false),
            refused: AtomicBool::new(false),
            entries_barred: AtomicBool::new(false),
            exits_unwaited: AtomicU64::new(0),
            entries_given_up: AtomicU64::new(0),
        }))
    }

    /// Of a journal that no order waits for.
    #[must_use]
    pub fn never_waited_for() -> Self {
        Self::starting_at(u64::MAX)
    }

    /// Of a journal whose records below `next_seq` are on the disk.
    #[must_use]
    pub fn of_disk(next_seq: u64) -> Self {
        Self::starting_at(next_seq)
    }

    /// Every record below this number is as durable as it was asked to be.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.0.next_seq.load(Ordering::Acquire)
    }

    /// Whether orders wait for a disk at all.
    #[must_use]
    pub fn is_waited_for(&self) -> bool {
        self.next_seq() != u64::MAX
    }

    /// Whether the disk failed: nothing more becomes durable in this process.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.0.dead.load(Ordering::Acquire)
    }

    /// Whether the journal's disk has no room for the segments to come: no entry should be made.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.0.short.load(Ordering::Acquire) || self.is_refused()
    }

    /// Whether the disk refused the persister's next segment when it was asked last, whatever it shows as free: a
    /// user's quota is not shown.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.0.refused.load(Ordering::Acquire)
    }

    /// Told by who makes the segments.
    pub fn note_short(&self, is_short: bool) {
        self.0.short.store(is_short, Ordering::Release);
    }

    /// Whether so much waits for the disk that simulated time had better wait too: it can outrun any disk. For room that
    /// a full disk lacks nobody waits.
    #[must_use]
    pub fn is_far_behind(&self) -> bool {
        let behind = self
            .0
            .appended
            .load(Ordering::Relaxed)
            .saturating_sub(self.next_seq());
        behind > FAR_BEHIND_RECORDS && !self.is_dead() && !self.is_short()
    }

    /// Told by the engine's thread once a turn: records below this number stand in the journal.
    pub fn note_appended(&self, next_seq: u64) {
        self.0.appended.store(next_seq, Ordering::Relaxed);
    }

    /// Exits that left without waiting for the disk.
    #[must_use]
    pub fn exits_unwaited(&self) -> u64 {
        self.0.exits_unwaited.load(Ordering::Relaxed)
    }

    /// Entries that the disk was too slow for, and that were never sent.
    #[must_use]
    pub fn entries_given_up(&self) -> u64 {
        self.0.entries_given_up.load(Ordering::Relaxed)
    }

    /// Whether the engine makes no entry any more: what still waits must not leave either.
    #[must_use]
    pub fn entries_barred(&self) -> bool {
        self.0.entries_barred.load(Ordering::Acquire)
    }

    /// Told by the engine's thread after each operator's word.
    pub fn bar_entries(&self, barred: bool) {
        self.0.entries_barred.store(barred, Ordering::Release);
    }

    pub(crate) fn note_refused(&self, is_refused: bool) {
        self.0.refused.store(is_refused, Ordering::Release);
    }

    pub(crate) fn reached(&self, mark: &DurableMark) {
        self.0.next_seq.store(mark.next_seq, Ordering::Release);
    }

    pub(crate) fn die(&self) {
        self.0.dead.store(true, Ordering::Release);
    }

    pub(crate) fn count_exit_unwaited(&self) {
        self.0.exits_unwaited.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_entry_given_up(&self) {
        self.0.entries_given_up.fetch_add(1, Ordering::Relaxed);
    }
}
