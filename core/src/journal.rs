//! The journal: every input of the day in the order in which the engine saw it, and what it asked for.
//!
//! It works over byte slices; whoever maps files hands them in. A day is a row of segments, each written once
//! from front to back by one process and never changed after. Invariants: a record is published by one 8-byte
//! store after all its other bytes, so a killed process loses nothing that it had published and leaves nothing
//! half-written that reads as a record; sequence numbers run on over segments without gaps; nothing follows
//! the end but zeros, unless the next segment says so in a [`TailCut`](crate::codec::TailCut). A process never
//! appends to a segment of an earlier process: it opens the next one. Left out: files and threads.
//! The rules and the bytes stand in `DESIGN.md`.

mod marks;
mod persister;
mod recovery;
mod replay;
mod rot;
mod scan;
mod segments;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::codec::{Item, encode};
use crate::record::{
    HeaderFault, PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES, RecordHead, RecordKind, SEGMENT_HEADER_BYTES,
    SegmentHeader, finish, is_segment_bytes, record_bytes,
};
use crate::time::TsNs;

pub use marks::{MARK_FILE_BYTES, Marks, SECTOR_BYTES, StoredMark, read_marks};
pub use persister::{COMMIT_BYTES_MAX, DiskFile, JournalDisk, PersistError, Persister};
pub use recovery::{Recovered, Tail, is_blank, is_unused, recover};
pub use replay::{Ending, Past, ReplayFault, find_end, replay_segments};
pub use rot::{Corruption, check_durable};
pub use scan::{Damage, Fault, Scan, scan, scan_published};
pub use segments::{Segments, verify_segments};

/// Why a journal could not be written or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalError {
    /// The record does not fit into the rest of the segment; nothing was written.
    Full {
        /// Bytes that the record needs.
        needed_bytes: usize,
        /// Bytes that are left.
        room_bytes: usize,
    },
    /// The payload is longer than any record may be; nothing was written.
    PayloadTooLong {
        /// Bytes of the payload.
        bytes: usize,
    },
    /// A segment cannot have this size: at least 128 bytes, a multiple of 64.
    SegmentBytes {
        /// Bytes given.
        bytes: usize,
    },
    /// The segment's memory does not begin at a multiple of eight.
    Misaligned,
    /// A new segment must be zeros all through.
    NotBlank {
        /// The first byte that is not zero.
        offset: u64,
    },
    /// There is no sound segment header.
    Header(HeaderFault),
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full {
                needed_bytes,
                room_bytes,
            } => write!(
                f,
                "journal segment is full: the record needs {needed_bytes} bytes, {room_bytes} are left; open \
                 the next segment"
            ),
            Self::PayloadTooLong { bytes } => {
                write!(
                    f,
                    "a payload of {bytes} bytes exceeds the {PAYLOAD_BYTES_MAX} bytes of a record"
                )
            }
            Self::SegmentBytes { bytes } => write!(
                f,
                "a journal segment has at least 128 bytes and a multiple of 64, not {bytes}; create it with \
                 its full size"
            ),
            Self::Misaligned => write!(
                f,
                "journal memory must begin at a multiple of 8 bytes; map it as a file"
            ),
            Self::NotBlank { offset } => write!(
                f,
                "a new journal segment must hold zeros, byte {offset} does not; use a fresh file, and keep \
                 this one"
            ),
            Self::Header(fault) => write!(f, "journal segment: {fault}"),
        }
    }
}

impl std::error::Error for JournalError {}

/// Appends records to one segment; belongs to one thread.
#[derive(Debug)]
pub struct JournalWriter<B> {
    open: OpenSegment<B>,
    payload: [u8; PAYLOAD_BYTES_MAX],
}

#[derive(Debug)]
struct OpenSegment<B> {
    bytes: B,
    header: SegmentHeader,
    seal: u32,
    segment_bytes: usize,
    used_bytes: usize,
    next_seq: u64,
}

impl<B: AsMut<[u8]>> JournalWriter<B> {
    /// Begins a segment in `bytes`, which must be zeros: all of it is read, which also touches every page.
    ///
    /// # Errors
    /// [`JournalError`] when the memory cannot be a segment or holds something already; it is left unchanged.
    pub fn create(mut bytes: B, header: SegmentHeader) -> Result<Self, JournalError> {
        let segment = bytes.as_mut();
        let segment_bytes = segment.len();
        if !is_segment_bytes(segment_bytes as u64) {
            return Err(JournalError::SegmentBytes { bytes: segment_bytes });
        }
        if !segment.as_ptr().cast::<AtomicU64>().is_aligned() {
            return Err(JournalError::Misaligned);
        }
        if let Some(offset) = recovery::first_nonzero(segment) {
            return Err(JournalError::NotBlank { offset });
        }
        let first = header.to_bytes(segment_bytes as u64);
        segment[8..SEGMENT_HEADER_BYTES].copy_from_slice(&first[8..]);
        let word = u64::from_le_bytes(*first.first_chunk().expect("a header has 64 bytes"));
        publish(&mut segment[..8], word);
        let open = OpenSegment {
            bytes,
            header,
            seal: header.seal(),
            segment_bytes,
            used_bytes: SEGMENT_HEADER_BYTES,
            next_seq: header.first_seq,
        };
        Ok(Self {
            open,
            payload: [0; PAYLOAD_BYTES_MAX],
        })
    }

    /// Appends a record of the current version of `kind`; returns its sequence number. Allocates nothing.
    ///
    /// # Errors
    /// [`JournalError::Full`] or [`JournalError::PayloadTooLong`]; nothing is written then.
    #[inline]
    pub fn append(&mut self, kind: RecordKind, ts: TsNs, payload: &[u8]) -> Result<u64, JournalError> {
        self.open.append(kind, ts, payload)
    }

    /// Appends an item; returns its sequence number. The record bears the item's own time; `ts` is for items
    /// that have none.
    ///
    /// # Errors
    /// [`JournalError::Full`]; nothing is written then.
    #[inline]
    pub fn append_item(&mut self, item: &Item, ts: TsNs) -> Result<u64, JournalError> {
        let ts = item.own_ts().unwrap_or(ts);
        if let Some(place) = self.open.payload_place() {
            // Straight into the segment: no second copy (`benches/journal_append.rs`).
            let (kind, payload_bytes) = encode(item, place);
            return Ok(self.open.finish(kind, ts, payload_bytes));
        }
        let (kind, payload_bytes) = encode(item, &mut self.payload);
        self.open.append(kind, ts, &self.payload[..payload_bytes])
    }

    /// The segment's header.
    #[must_use]
    pub const fn header(&self) -> &SegmentHeader {
        &self.open.header
    }

    /// Bytes written so far, the segment header included.
    #[must_use]
    pub const fn used_bytes(&self) -> usize {
        self.open.used_bytes
    }

    /// Bytes left for records.
    #[must_use]
    pub const fn room_bytes(&self) -> usize {
        self.open.room_bytes()
    }

    /// Sequence number of the next record.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.open.next_seq
    }

    /// Gives the memory back.
    #[must_use]
    pub fn into_inner(self) -> B {
        self.open.bytes
    }
}

impl<B: AsRef<[u8]>> JournalWriter<B> {
    /// The segment as it stands, to its full size.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.open.bytes.as_ref()
    }
}

impl<B> OpenSegment<B> {
    const fn room_bytes(&self) -> usize {
        self.segment_bytes - self.used_bytes
    }
}

impl<B: AsMut<[u8]>> OpenSegment<B> {
    #[inline]
    fn append(&mut self, kind: RecordKind, ts: TsNs, payload: &[u8]) -> Result<u64, JournalError> {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(JournalError::PayloadTooLong { bytes: payload.len() });
        }
        let needed_bytes = record_bytes(payload.len());
        let room_bytes = self.room_bytes();
        if needed_bytes > room_bytes {
            return Err(JournalError::Full {
                needed_bytes,
                room_bytes,
            });
        }
        let payload_at = self.used_bytes + RECORD_HEADER_BYTES;
        self.bytes.as_mut()[payload_at..payload_at + payload.len()].copy_from_slice(payload);
        Ok(self.finish(kind, ts, payload.len()))
    }

    /// Where the next payload goes, if a record of the largest size fits.
    #[inline]
    fn payload_place(&mut self) -> Option<&mut [u8; PAYLOAD_BYTES_MAX]> {
        let room = &mut self.bytes.as_mut()[self.used_bytes..];
        room.get_mut(RECORD_HEADER_BYTES..)?.first_chunk_mut()
    }

    /// Publishes the record whose payload stands in its place already; it fits.
    #[inline]
    fn finish(&mut self, kind: RecordKind, ts: TsNs, payload_bytes: usize) -> u64 {
        let seq = self.next_seq;
        let end = self.used_bytes + record_bytes(payload_bytes);
        let line = &mut self.bytes.as_mut()[self.used_bytes..end];
        let word = finish(line, &RecordHead { seq, ts, kind }, payload_bytes, self.seal);
        publish(&mut line[..8], word);
        self.used_bytes = end;
        self.next_seq += 1;
        seq
    }
}

/// Stores the first word of a record or segment, which makes it one.
#[inline]
fn publish(place: &mut [u8], word: u64) {
    assert_eq!(place.len(), 8);
    let pointer = place.as_mut_ptr().cast::<u64>();
    assert!(pointer.is_aligned());
    // SAFETY: eight bytes, aligned (both asserted), and borrowed exclusively for the call, so within this
    // program nothing else accesses them meanwhile; other processes that map the file read them as one word.
    let place = unsafe { AtomicU64::from_ptr(pointer) };
    // Release: whoever sees the word sees every byte written before. Pairs with the fence in `scan`.
    place.store(word.to_le(), Ordering::Release);
}
