//! What a restart may use of a segment: the valid prefix, and what lies behind it.
//!
//! Invariant: recovery invents nothing. It stops at the first place that is not exactly what a writer wrote,
//! even if sound records follow, since unsynced sectors reach a disk in any order. It changes no byte: the
//! damaged rest stays for the inquest and is made legal by a [`TailCut`] in the next segment. A segment of which nothing is
//! sound but its header is begun anew and kept for the inquest under another name (`replay`).

use super::scan::Scan;
use super::{JournalError, scan};
use crate::codec::TailCut;
use crate::record::{HeaderFault, SEGMENT_HEADER_BYTES, SegmentHeader};

/// The usable part of one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The segment's header.
    pub header: SegmentHeader,
    /// Valid records.
    pub records: u64,
    /// Sequence number of the next record.
    pub next_seq: u64,
    /// Where the valid records end, bytes from the start of the segment.
    pub end_offset: u64,
    /// What lies behind.
    pub tail: Tail,
}

/// What lies behind the valid records of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Zeros to the full size of the segment.
    Clean,
    /// Anything else.
    Torn {
        /// Where it begins: the end of the valid records.
        offset: u64,
        /// CRC32C of everything from there to the end of the bytes.
        crc: u32,
    },
}

impl Recovered {
    /// The record that must come first in the next segment; `None` after a clean end.
    #[must_use]
    pub const fn tail_cut(&self) -> Option<TailCut> {
        match self.tail {
            Tail::Clean => None,
            Tail::Torn { offset, crc } => Some(TailCut {
                segment: self.header.segment,
                cut_offset: offset,
                tail_crc: crc,
            }),
        }
    }
}

/// Finds the valid prefix of a segment that nobody writes to any more. Sequence numbers are checked from the
/// header's own first one; whether that one follows the segment before is for `verify_segments`.
///
/// # Errors
/// [`JournalError::Header`] when there is no sound header, so no record can be trusted.
pub fn recover(bytes: &[u8]) -> Result<Recovered, JournalError> {
    let mut records = scan(bytes)?;
    let torn = records.by_ref().any(|record| record.is_err());
    let end_offset = records.offset();
    let tail = if torn {
        Tail::Torn {
            offset: end_offset,
            crc: rest_crc(&records),
        }
    } else {
        Tail::Clean
    };
    Ok(Recovered {
        header: *records.header(),
        records: records.next_seq().wrapping_sub(records.header().first_seq),
        next_seq: records.next_seq(),
        end_offset,
        tail,
    })
}

/// Whether a segment is nothing but zeros: made in advance, never begun.
#[must_use]
pub fn is_blank(bytes: &[u8]) -> bool {
    first_nonzero(bytes).is_none()
}

/// Whether a segment holds nothing worth keeping: zeros, or a header whose process did not come to write a record, or
/// not even the header's first word, which is stored last. Whoever takes the day over begins it anew; else the first
/// record, which may be a [`TailCut`], would be missing.
#[must_use]
pub fn is_unused(bytes: &[u8]) -> bool {
    match scan(bytes) {
        Ok(mut records) => records.next().is_none(),
        Err(JournalError::Header(HeaderFault::Absent)) => is_blank(&bytes[SEGMENT_HEADER_BYTES..]),
        Err(_) => is_blank(bytes),
    }
}

/// CRC32C of everything behind the records that a scan has yielded.
pub(super) fn rest_crc(scan: &Scan<'_>) -> u32 {
    crc32c::crc32c(scan.bytes.get(scan.offset..).unwrap_or(&[]))
}

/// Place of the first byte that is not zero.
pub(super) fn first_nonzero(bytes: &[u8]) -> Option<u64> {
    const PAGE: usize = 4_096;
    // Comparing pages is a memory comparison, far quicker than a walk over bytes in builds without optimiser.
    let page = bytes
        .chunks(PAGE)
        .position(|page| page != &[0; PAGE][..page.len()])?;
    let within = bytes[page * PAGE..].iter().position(|byte| *byte != 0)?;
    Some((page * PAGE + within) as u64)
}
