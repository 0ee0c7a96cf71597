//! The simulated disk: a journal in memory, and what a kill or a power cut leaves of it.
//!
//! Records are written by core's own writer into blank segments. A kill strikes before or after any single record;
//! what was published survives it. A power cut also takes what was younger than the last commit, torn anywhere; a
//! disk that stalls or failed commits nothing; one that is full takes what is in hand, and ends nothing here.

use std::collections::VecDeque;

use bijli_core::codec::Item;
use bijli_core::driver::Journal;
use bijli_core::journal::{JournalError, JournalWriter};
use bijli_core::order::{IntentId, Purpose};
use bijli_core::record::SegmentHeader;
use bijli_core::{Command, DurationNs, TsNs};
use bijli_simulator::random::Random;

use crate::plan::day;

/// Bytes of one segment.
const SEGMENT_BYTES: usize = 512 * 1024;
/// What a power cut can take: everything written within this time before it.
const COMMIT_WINDOW: DurationNs = DurationNs::from_millis(5);
/// Bytes of a segment before its first record.
const HEADER_BYTES: usize = 64;

/// The process was killed in the middle of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Killed;

/// The journal of one process.
#[derive(Debug)]
pub struct MemoryJournal {
    done: Vec<Vec<u8>>,
    writer: JournalWriter<Vec<u8>>,
    /// Items since the oracle last looked.
    pub fresh: Vec<Item>,
    /// Micro-steps until the kill: two a record, one before and one behind it.
    pub kill_in: Option<u64>,
    /// Whether the kill comes between the next command and the event that caused it.
    pub kill_at_command: bool,
    marks: VecDeque<Mark>,
    /// What lies on the disk for certain.
    committed: Mark,
    /// Entries whose records do not lie there yet: number of the record, and intent.
    uncommitted: VecDeque<(u64, IntentId)>,
    /// The disk is busy with something else until then.
    pub stalled_until: TsNs,
    /// The disk failed: nothing more is committed in this process.
    pub is_dead: bool,
    /// The disk has no room for the segments to come; those at hand go on.
    pub is_full: bool,
}

/// How far the journal was at one moment.
#[derive(Clone, Copy, Debug)]
struct Mark {
    ts: TsNs,
    segments: usize,
    bytes: usize,
    next_seq: u64,
}

impl MemoryJournal {
    /// A journal whose first segment follows those of `done`.
    #[must_use]
    pub fn create(done: Vec<Vec<u8>>, epoch: u32, segment: u32, first_seq: u64) -> Self {
        let header = SegmentHeader {
            segment,
            epoch,
            day: day(),
            first_seq,
        };
        let segments = done.len();
        Self {
            done,
            writer: blank(header),
            fresh: Vec::new(),
            kill_in: None,
            kill_at_command: false,
            marks: VecDeque::new(),
            committed: Mark {
                ts: TsNs::NEVER,
                segments,
                bytes: HEADER_BYTES,
                next_seq: first_seq,
            },
            uncommitted: VecDeque::new(),
            stalled_until: TsNs::NEVER,
            is_dead: false,
            is_full: false,
        }
    }

    /// The number of the next record.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.writer.next_seq()
    }

    /// Every record below this number lies on the disk.
    #[must_use]
    pub const fn durable_seq(&self) -> u64 {
        self.committed.next_seq
    }

    /// Whether the record of an entry of this process lies on the disk.
    #[must_use]
    pub fn is_on_disk(&self, intent: IntentId) -> bool {
        self.uncommitted.iter().all(|(_, other)| *other != intent)
    }

    /// A turn ends: what stands in the journal now is on its way to the disk.
    pub fn mark(&mut self, now: TsNs) {
        let next_seq = self.writer.next_seq();
        if self.marks.back().is_none_or(|newest| newest.next_seq != next_seq) {
            self.marks.push_back(Mark {
                ts: now,
                segments: self.done.len(),
                bytes: self.writer.used_bytes(),
                next_seq,
            });
        }
    }

    /// Time passes at the disk: what is old enough lies on it, unless it stalls or has failed.
    pub fn commit(&mut self, now: TsNs) {
        if self.is_dead || now < self.stalled_until {
            return;
        }
        while let Some(mark) = self
            .marks
            .pop_front_if(|mark| now.since(mark.ts) >= COMMIT_WINDOW)
        {
            self.committed = mark;
        }
        let durable = self.committed.next_seq;
        while self.uncommitted.pop_front_if(|(seq, _)| *seq < durable).is_some() {}
    }

    /// What a kill leaves.
    #[must_use]
    pub fn into_image(self) -> Vec<Vec<u8>> {
        let mut image = self.done;
        image.push(self.writer.into_inner());
        image
    }

    /// What a power cut leaves: a part of what was not yet committed, cut between records or, torn, anywhere. Tells
    /// whether anything was lost.
    #[must_use]
    pub fn into_cut_image(mut self, now: TsNs, torn: bool, dice: &mut Random) -> (Vec<Vec<u8>>, bool) {
        self.commit(now);
        let safe = if self.committed.segments == self.done.len() {
            self.committed.bytes
        } else {
            // A segment goes to the disk whole before the next one begins.
            HEADER_BYTES
        };
        let used = self.writer.used_bytes();
        let mut last = self.writer.into_inner();
        let mut cut = safe + dice.between(0, (used - safe) as i64) as usize;
        if !torn {
            cut = cut / 64 * 64;
            while cut > safe && !is_record_edge(&last, cut) {
                cut -= 64;
            }
        }
        last[cut..].fill(0);
        let mut image = self.done;
        image.push(last);
        (image, cut < used)
    }

    /// Everything that was written so far, in order, for a replay.
    #[must_use]
    pub fn image(&self) -> Vec<Vec<u8>> {
        let mut image = self.done.clone();
        image.push(self.writer.bytes().to_vec());
        image
    }

    fn step(&mut self) -> Result<(), Killed> {
        match &mut self.kill_in {
            Some(0) => Err(Killed),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// Whether the valid records of a segment can end here: a record begins here.
fn is_record_edge(segment: &[u8], cut: usize) -> bool {
    let mut short = segment[..cut].to_vec();
    short.resize(segment.len(), 0);
    bijli_core::journal::recover(&short)
        .is_ok_and(|found| found.end_offset == cut as u64 && found.tail_cut().is_none())
}

fn blank(header: SegmentHeader) -> JournalWriter<Vec<u8>> {
    JournalWriter::create(vec![0; SEGMENT_BYTES], header).expect("a large allocation is aligned and zero")
}

impl Journal for MemoryJournal {
    type Error = Killed;

    fn append(&mut self, item: &Item, ts: TsNs) -> Result<(), Killed> {
        self.step()?;
        if let Item::Command(Command::Place(place)) = item
            && place.purpose == Purpose::Entry
        {
            self.uncommitted.push_back((self.writer.next_seq(), place.intent));
        }
        if self.kill_at_command && matches!(item, Item::Command(_)) {
            return Err(Killed);
        }
        if let Err(error) = self.writer.append_item(item, ts) {
            assert!(matches!(error, JournalError::Full { .. }), "{error}");
            let old = *self.writer.header();
            let next = SegmentHeader {
                segment: old.segment + 1,
                first_seq: self.writer.next_seq(),
                ..old
            };
            let full = std::mem::replace(&mut self.writer, blank(next));
            self.done.push(full.into_inner());
            self.writer
                .append_item(item, ts)
                .expect("a record fits into an empty segment");
        }
        self.fresh.push(*item);
        self.step()
    }
}
