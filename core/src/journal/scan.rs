//! Reading one segment from front to back, and the names of everything that can be wrong with it.
//!
//! Invariants: a scan yields the valid prefix and then, at most once, the damage that ended it; it never
//! panics, whatever the bytes. Any byte of a segment that differs from what was written is found: records and
//! header are checksummed, everything behind the end must be zero, and the header knows the segment's size.

use std::fmt;
use std::sync::atomic::{Ordering, fence};

use super::JournalError;
use super::recovery::first_nonzero;
use crate::record::{
    HeaderFault, Record, RecordFault, SEGMENT_HEADER_BYTES, SegmentHeader, read_at, record_bytes,
};

/// A place where a journal is not what its writer wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub segment: u32,
    /// Sequence number of the record that stands, or would stand, there.
    pub seq: u64,
    /// Where it begins, bytes from the start of the segment.
    pub offset: u64,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong at a damaged place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The record says a length that no record has.
    Length {
        /// The length found.
        bytes: u32,
    },
    /// The record reaches beyond the end of the segment or of the file.
    BeyondEnd {
        /// The length found.
        bytes: u32,
    },
    /// The checksum does not fit.
    Checksum {
        /// As stored.
        stored: u32,
        /// As computed over the bytes found.
        computed: u32,
    },
    /// A sound record, but another one than is due here.
    Sequence {
        /// Its sequence number.
        found: u64,
    },
    /// The checksum fits, yet header fields contradict one another.
    RecordHeader,
    /// The segment has ended, but a byte behind its end is not zero.
    TailNotZero {
        /// That byte, from the start of the segment.
        at: u64,
    },
    /// The segment has not the size that its header says.
    SegmentBytes {
        /// As its header says.
        stored: u64,
        /// As found.
        found: u64,
    },
    /// The segment has no sound header.
    Header(HeaderFault),
    /// The segment's number does not follow that of the one before.
    SegmentNumber {
        /// The number found.
        found: u32,
    },
    /// The segment belongs to another day than the one before.
    Day,
    /// The segment's epoch is lower than that of the one before.
    Epoch {
        /// The epoch found.
        found: u32,
    },
    /// The segment does not begin with the sequence number that is due.
    FirstSequence {
        /// The number found.
        found: u64,
    },
    /// A record that legalises damage does not describe the segment before it, or stands elsewhere than first.
    TailCut,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            segment,
            seq,
            offset,
            fault,
        } = self;
        write!(f, "record {seq} at byte {offset} of segment {segment}: ")?;
        match fault {
            Fault::Length { bytes } => write!(f, "says a length of {bytes} bytes, which no record has"),
            Fault::BeyondEnd { bytes } => write!(f, "its {bytes} bytes reach beyond the segment's end"),
            Fault::Checksum { stored, computed } => {
                write!(f, "says checksum {stored:08x}, its bytes have {computed:08x}")
            }
            Fault::Sequence { found } => write!(f, "record {found} stands in its place"),
            Fault::RecordHeader => write!(f, "its header fields contradict one another"),
            Fault::TailNotZero { at } => {
                write!(
                    f,
                    "the journal ends here, yet byte {at} behind the end is not zero"
                )
            }
            Fault::SegmentBytes { stored, found } => {
                write!(f, "the segment was made with {stored} bytes and has {found}")
            }
            Fault::Header(fault) => write!(f, "{fault}"),
            Fault::SegmentNumber { found } => write!(f, "segment {found} stands in its segment's place"),
            Fault::Day => write!(f, "the segment belongs to another day"),
            Fault::Epoch { found } => write!(f, "the segment was written by earlier process epoch {found}"),
            Fault::FirstSequence { found } => write!(f, "the segment begins with record {found} instead"),
            Fault::TailCut => {
                write!(
                    f,
                    "this tail cut does not describe the end of the segment before it"
                )
            }
        }
    }
}

impl std::error::Error for Damage {}

/// The records of one segment; ends after the first damage.
#[derive(Clone, Debug)]
pub struct Scan<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) header: SegmentHeader,
    pub(super) offset: usize,
    pub(super) next_seq: u64,
    segment_bytes: u64,
    seal: u32,
    limit: usize,
    past_end: PastEnd,
    done: bool,
}

/// What a scan does where the records end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PastEnd {
    /// Everything behind must be zero.
    Checked,
    /// A writer may be at work there.
    Ignored,
}

/// Reads a segment that nobody writes to any more.
///
/// # Errors
/// [`JournalError::Header`] when it has no sound header. Damage further on is the last item of the scan.
pub fn scan(bytes: &[u8]) -> Result<Scan<'_>, JournalError> {
    Scan::open(bytes, PastEnd::Checked)
}

/// Reads the published records of a segment that may still be written to, for a live view: what lies behind
/// the last of them is not looked at. Call it again to see more.
///
/// # Errors
/// [`JournalError::Header`] when it has no sound header.
pub fn scan_published(bytes: &[u8]) -> Result<Scan<'_>, JournalError> {
    Scan::open(bytes, PastEnd::Ignored)
}

impl<'a> Scan<'a> {
    fn open(bytes: &'a [u8], past_end: PastEnd) -> Result<Self, JournalError> {
        let (header, segment_bytes) = SegmentHeader::parse(bytes).map_err(JournalError::Header)?;
        let limit = usize::try_from(segment_bytes)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        Ok(Self {
            bytes,
            header,
            offset: SEGMENT_HEADER_BYTES,
            next_seq: header.first_seq,
            segment_bytes,
            seal: header.seal(),
            limit,
            past_end,
            done: false,
        })
    }

    /// The segment's header.
    #[must_use]
    pub const fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// Where the next record would begin, bytes from the start of the segment.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset as u64
    }

    /// Sequence number of the next record.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    fn damage(&self, fault: Fault) -> Damage {
        Damage {
            segment: self.header.segment,
            seq: self.next_seq,
            offset: self.offset as u64,
            fault,
        }
    }

    /// What is wrong behind the last record.
    fn tail_fault(&self) -> Option<Fault> {
        if self.past_end == PastEnd::Ignored {
            return None;
        }
        let found = self.bytes.len() as u64;
        let tail = self.bytes.get(self.offset..).unwrap_or(&[]);
        if let Some(at) = first_nonzero(tail) {
            return Some(Fault::TailNotZero {
                at: self.offset as u64 + at,
            });
        }
        (found != self.segment_bytes).then_some(Fault::SegmentBytes {
            stored: self.segment_bytes,
            found,
        })
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Result<Record<'a>, Damage>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let place = (self.header.segment, self.next_seq, self.seal);
        let read = if self.offset <= self.limit {
            read_at(&self.bytes[..self.limit], self.offset, place)
        } else {
            Ok(None)
        };
        // Pairs with the Release store in `publish`: a live writer's record is whole once its word is seen.
        fence(Ordering::Acquire);
        let fault = match read {
            Ok(Some(record)) => {
                self.offset += record_bytes(record.payload.len());
                self.next_seq = self.next_seq.wrapping_add(1);
                return Some(Ok(record));
            }
            Ok(None) => self.tail_fault(),
            Err(RecordFault::Length(bytes)) => Some(Fault::Length { bytes }),
            Err(RecordFault::BeyondEnd(bytes)) => Some(Fault::BeyondEnd { bytes }),
            Err(RecordFault::Checksum { stored, computed }) => Some(Fault::Checksum { stored, computed }),
            Err(RecordFault::Sequence(found)) => Some(Fault::Sequence { found }),
            Err(RecordFault::Header) => Some(Fault::RecordHeader),
        };
        self.done = true;
        fault.map(|fault| Err(self.damage(fault)))
    }
}
