//! All records of a day over its segments, with every byte accounted for.
//!
//! Invariants: segments follow one another by number, day, epoch and sequence; the damaged rest of a segment
//! is accepted only if the first record of the next one is a [`TailCut`] that names exactly that place and
//! the checksum of exactly those bytes. Hence no byte of a day that has ended can change unnoticed. Segments
//! prepared in advance and never begun may follow the last one and must be zeros.

use super::recovery::{is_blank, rest_crc};
use super::scan::{Damage, Fault, Scan};
use super::{JournalError, scan};
use crate::codec::{Item, TailCut};
use crate::record::{HeaderFault, Record, RecordKind, SegmentHeader};

/// The records of a day in order; ends after the first damage.
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    segments: &'a [&'a [u8]],
    index: usize,
    current: Option<Scan<'a>>,
    /// The next record is the first of its segment.
    at_first: bool,
    records: u64,
    cuts: u32,
    done: bool,
}

/// Reads a whole day strictly: every byte of every segment must be what its writers wrote. Segments come in
/// the order of their numbers. Streams, so a day of any length takes no memory.
#[must_use]
pub fn verify_segments<'a>(segments: &'a [&'a [u8]]) -> Segments<'a> {
    Segments {
        segments,
        index: 0,
        current: None,
        at_first: false,
        records: 0,
        cuts: 0,
        done: false,
    }
}

impl<'a> Segments<'a> {
    /// Records yielded so far.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// Damaged rests accepted so far, each with its [`TailCut`].
    #[must_use]
    pub const fn tail_cuts(&self) -> u32 {
        self.cuts
    }

    /// Header of the segment being read; `None` before the first.
    #[must_use]
    pub fn header(&self) -> Option<&SegmentHeader> {
        self.current.as_ref().map(Scan::header)
    }

    /// Sequence number of the next record.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.current.as_ref().map_or(0, Scan::next_seq)
    }

    /// Moves on to the segment at `index`. `Ok(false)`: there is none.
    fn enter(&mut self, index: usize, damage: Option<Damage>) -> Result<bool, Damage> {
        let ended = match self.segments.get(index) {
            None => true,
            Some(bytes) => is_begun(bytes).is_err(),
        };
        if ended {
            // What was made in advance and never begun proves nothing about the damage before it.
            return match damage {
                Some(damage) => Err(damage),
                None => self.check_blank(index).map(|()| false),
            };
        }
        let next =
            scan(self.segments[index]).map_err(|error| self.header_damage(index, header_fault(error)))?;
        if let Some(before) = &self.current {
            if let Some(fault) = misfit(&before.header, before.next_seq, &next.header) {
                return Err(damage.unwrap_or(Damage {
                    segment: before.header.segment.wrapping_add(1),
                    seq: before.next_seq,
                    offset: 0,
                    fault,
                }));
            }
            self.check_cut(before, &next, damage)?;
            self.cuts += u32::from(damage.is_some());
        }
        self.index = index;
        self.current = Some(next);
        self.at_first = true;
        Ok(true)
    }

    /// Every segment from `index` on must be zeros; the first segment of all must exist.
    fn check_blank(&self, index: usize) -> Result<(), Damage> {
        for (index, bytes) in self.segments.iter().enumerate().skip(index) {
            if !is_blank(bytes) {
                let fault = is_begun(bytes).err().unwrap_or(HeaderFault::Magic);
                return Err(self.header_damage(index, fault));
            }
        }
        match &self.current {
            Some(_) => Ok(()),
            None => Err(self.header_damage(0, HeaderFault::Absent)),
        }
    }

    /// Whether `next` says of the segment before it what is true of it.
    fn check_cut(&self, before: &Scan<'_>, next: &Scan<'_>, damage: Option<Damage>) -> Result<(), Damage> {
        let Some(cut) = leading_cut(next)? else {
            return damage.map_or(Ok(()), Err);
        };
        let truth = TailCut {
            segment: before.header.segment,
            cut_offset: before.offset(),
            tail_crc: rest_crc(before),
        };
        if cut == truth {
            return Ok(());
        }
        Err(damage.unwrap_or(Damage {
            segment: next.header.segment,
            seq: next.next_seq,
            offset: next.offset(),
            fault: Fault::TailCut,
        }))
    }

    fn header_damage(&self, index: usize, fault: HeaderFault) -> Damage {
        let (segment, seq) = self.current.as_ref().map_or((index as u32, 0), |before| {
            let ahead = (index - self.index) as u32;
            (before.header.segment.wrapping_add(ahead), before.next_seq)
        });
        Damage {
            segment,
            seq,
            offset: 0,
            fault: Fault::Header(fault),
        }
    }

    /// A tail cut anywhere but first in a segment that follows another proves nothing and is refused.
    fn check_place(&self, record: &Record<'_>) -> Result<(), Damage> {
        if record.kind == RecordKind::TAIL_CUT && !(self.at_first && self.index > 0) {
            return Err(Damage {
                segment: record.segment,
                seq: record.seq,
                offset: record.offset,
                fault: Fault::TailCut,
            });
        }
        Ok(())
    }

    #[cold]
    fn cross(&mut self, damage: Option<Damage>) -> Option<Damage> {
        let index = if self.current.is_some() { self.index + 1 } else { 0 };
        match self.enter(index, damage) {
            Ok(true) => None,
            Ok(false) => {
                self.done = true;
                None
            }
            Err(damage) => {
                self.done = true;
                Some(damage)
            }
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Record<'a>, Damage>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            let damage = match self.current.as_mut().and_then(Iterator::next) {
                Some(Ok(record)) => {
                    let checked = self.check_place(&record);
                    self.at_first = false;
                    self.records += u64::from(checked.is_ok());
                    self.done = checked.is_err();
                    return Some(checked.map(|()| record));
                }
                Some(Err(damage)) => Some(damage),
                None => None,
            };
            if let Some(damage) = self.cross(damage) {
                return Some(Err(damage));
            }
        }
        None
    }
}

/// Whether anybody began to write a segment here: not if its first word is still zero.
fn is_begun(bytes: &[u8]) -> Result<(), HeaderFault> {
    match SegmentHeader::parse(bytes) {
        Err(HeaderFault::Absent) => Err(HeaderFault::Absent),
        Err(HeaderFault::Short { bytes: count }) if is_blank(bytes) => {
            Err(HeaderFault::Short { bytes: count })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn header_fault(error: JournalError) -> HeaderFault {
    match error {
        JournalError::Header(fault) => fault,
        JournalError::Full { .. }
        | JournalError::PayloadTooLong { .. }
        | JournalError::SegmentBytes { .. }
        | JournalError::Misaligned
        | JournalError::NotBlank { .. } => unreachable!("a scan fails only for its header"),
    }
}

/// Why `new` is not the segment after `old`, whose records end before number `next_seq`.
pub(super) fn misfit(old: &SegmentHeader, next_seq: u64, new: &SegmentHeader) -> Option<Fault> {
    if new.segment != old.segment.wrapping_add(1) {
        Some(Fault::SegmentNumber { found: new.segment })
    } else if new.day != old.day {
        Some(Fault::Day)
    } else if new.epoch < old.epoch {
        Some(Fault::Epoch { found: new.epoch })
    } else if new.first_seq != next_seq {
        Some(Fault::FirstSequence { found: new.first_seq })
    } else {
        None
    }
}

/// The tail cut that a segment begins with, if it does.
fn leading_cut(segment: &Scan<'_>) -> Result<Option<TailCut>, Damage> {
    let first = segment.clone().next().transpose()?;
    Ok(match first.map(|record| record.item()) {
        Some(Ok(Item::TailCut(cut))) => Some(cut),
        Some(Ok(_) | Err(_)) | None => None,
    })
}
