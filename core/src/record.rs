//! The bytes of a journal: the header of a segment and the records behind it.
//!
//! Invariants: a record begins at a multiple of 64 bytes and validates alone; its checksum covers everything
//! but its first eight bytes, and also the segment's id and epoch, so a record that lies in the wrong place,
//! or in a recycled block, never validates; the first word is stored last, so a record is there as a whole or
//! not at all for whoever reads the same memory. A zero first word ends the segment. Tables: `DESIGN.md`.
//! Left out: what payloads mean (`codec`), and what to do about damage (`journal`).

use std::fmt;

use crate::codec::{CodecError, Field, Item, decode};
use crate::limits::RECORD_BYTES_MAX;
use crate::planted::{Bug, planted};
use crate::time::{IstDay, TsNs};

/// Records and the segment header begin at multiples of this.
pub const RECORD_ALIGN_BYTES: usize = 64;
/// Bytes in front of every payload.
pub const RECORD_HEADER_BYTES: usize = 32;
/// Bytes in front of the first record of a segment.
pub const SEGMENT_HEADER_BYTES: usize = 64;
/// Largest payload.
pub const PAYLOAD_BYTES_MAX: usize = RECORD_BYTES_MAX - RECORD_HEADER_BYTES;
/// Version of the segment header and of the record header.
pub const SEGMENT_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"BIJLIJNL";
/// The last four bytes of the segment header are the CRC32C of those before.
const HEADER_CRC_AT: usize = SEGMENT_HEADER_BYTES - 4;
/// The checksum of a record covers everything from here to the end of its padding.
const CHECKED_FROM: usize = 8;

const _: () = assert!(RECORD_BYTES_MAX.is_multiple_of(RECORD_ALIGN_BYTES));
const _: () = assert!(SEGMENT_HEADER_BYTES.is_multiple_of(RECORD_ALIGN_BYTES));

/// What sort of item a record holds. Numbers are never reused: 1 to 63 events, 64 to 127 commands, 128 and
/// above the journal's own marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKind(u16);

macro_rules! kinds {
    ($($name:ident = $number:literal, $label:literal;)+) => {
        impl RecordKind {
            $(#[doc = concat!("Record kind ", stringify!($number), ", `", $label, "`.")]
            pub const $name: Self = Self($number);)+

            /// Every kind that this program writes.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name as the vocabulary has it, or `unknown`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($number => $label,)+
                    _ => "unknown",
                }
            }
        }
    };
}

kinds! {
    SESSION_OPENED = 1, "SessionOpened";
    CONFIGURED = 2, "Configured";
    INSTRUMENT_LISTED = 3, "InstrumentListed";
    PROCESS_STARTED = 4, "ProcessStarted";
    TICKED = 5, "Ticked";
    TIME_PASSED = 6, "TimePassed";
    FEED_CHANGED = 7, "FeedChanged";
    INTENT_RESOLVED = 8, "IntentResolved";
    ORDER_UPDATED = 9, "OrderUpdated";
    TRADED = 10, "Traded";
    POSITION_REPORTED = 11, "PositionReported";
    RECONCILED = 12, "Reconciled";
    CONTROLLED = 13, "Controlled";
    FUNDS_REPORTED = 14, "FundsReported";
    FLAT_CHECKED = 15, "FlatChecked";
    LATCH_CARRIED = 16, "LatchCarried";
    CLOCK_DOUBTED = 17, "ClockDoubted";
    START_STEPPED = 18, "StartStepped";
    SWITCH_ANSWERED = 19, "SwitchAnswered";
    BAND_REPORTED = 20, "BandReported";
    ORDER_STREAM_JUDGED = 21, "OrderStreamJudged";
    PLACE = 64, "Place";
    MODIFY = 65, "Modify";
    CANCEL = 66, "Cancel";
    CANCEL_FOREIGN = 67, "CancelForeign";
    RECONCILE = 75, "Reconcile";
    DROP_ENTRIES = 76, "DropEntries";
    CHECKPOINT = 128, "Checkpoint";
    TAIL_CUT = 129, "TailCut";
    CLOSED = 130, "Closed";
    DURABLE_MARK = 131, "DurableMark";
}

impl RecordKind {
    /// Wraps a number, as stored.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number, as stored.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The version in which this program writes the kind.
    #[must_use]
    pub const fn version(self) -> u8 {
        match self {
            Self::CONFIGURED
            | Self::INSTRUMENT_LISTED
            | Self::POSITION_REPORTED
            | Self::MODIFY
            | Self::CONTROLLED => 2,
            Self::ORDER_UPDATED => 3,
            _ => 1,
        }
    }
}

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Number of the segment within the day; the next one has the next number.
    pub segment: u32,
    /// Process epoch that wrote it; never falls from one segment to the next.
    pub epoch: u32,
    /// The trading day.
    pub day: IstDay,
    /// Sequence number of its first record; carries on from the segment before.
    pub first_seq: u64,
}

/// Why the front of a segment is not a segment header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderFault {
    /// Fewer bytes than a header has.
    Short {
        /// Bytes found.
        bytes: u64,
    },
    /// The first word is zero: prepared but never begun, or its creation was cut off.
    Absent,
    /// The first word is not that of a segment.
    Magic,
    /// A version that this program does not know.
    Version {
        /// The version found.
        version: u32,
    },
    /// The checksum does not fit.
    Checksum {
        /// As stored.
        stored: u32,
        /// As computed over the bytes found.
        computed: u32,
    },
    /// The checksum fits, a field cannot be.
    Field,
}

impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { bytes } => write!(f, "segment header cut off after {bytes} bytes"),
            Self::Absent => write!(f, "segment header was never written"),
            Self::Magic => write!(
                f,
                "segment header does not begin with `BIJLIJNL`: not a journal segment"
            ),
            Self::Version { version } => {
                write!(
                    f,
                    "segment version {version} is unknown: use the program that wrote it, or a newer one"
                )
            }
            Self::Checksum { stored, computed } => {
                write!(
                    f,
                    "segment header says checksum {stored:08x}, its bytes have {computed:08x}"
                )
            }
            Self::Field => write!(f, "segment header holds a field that no writer writes"),
        }
    }
}

impl SegmentHeader {
    /// The header's bytes for a segment of `segment_bytes`.
    #[must_use]
    pub fn to_bytes(&self, segment_bytes: u64) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&SEGMENT_VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.segment.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.day.get().to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_seq.to_le_bytes());
        bytes[32..40].copy_from_slice(&segment_bytes.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..HEADER_CRC_AT]);
        bytes[HEADER_CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the header at the front of a segment; returns it with the number of bytes that the segment had
    /// when it was made.
    ///
    /// # Errors
    /// [`HeaderFault`] when there is no sound header.
    pub fn parse(segment: &[u8]) -> Result<(Self, u64), HeaderFault> {
        let Some(bytes) = segment.first_chunk::<SEGMENT_HEADER_BYTES>() else {
            return Err(HeaderFault::Short {
                bytes: segment.len() as u64,
            });
        };
        if bytes[..8] == [0; 8] {
            return Err(HeaderFault::Absent);
        }
        if bytes[..8] != MAGIC {
            return Err(HeaderFault::Magic);
        }
        let (stored, computed) = (
            u32_at(bytes, HEADER_CRC_AT),
            crc32c::crc32c(&bytes[..HEADER_CRC_AT]),
        );
        if stored != computed {
            return Err(HeaderFault::Checksum { stored, computed });
        }
        let version = u32_at(bytes, 8);
        if version != SEGMENT_VERSION {
            return Err(HeaderFault::Version { version });
        }
        let Some(day) = IstDay::take(&bytes[20..24]) else {
            return Err(HeaderFault::Field);
        };
        let header = Self {
            segment: u32_at(bytes, 12),
            epoch: u32_at(bytes, 16),
            day,
            first_seq: u64_at(bytes, 24),
        };
        let segment_bytes = u64_at(bytes, 32);
        if !is_segment_bytes(segment_bytes) || bytes[40..HEADER_CRC_AT].iter().any(|byte| *byte != 0) {
            return Err(HeaderFault::Field);
        }
        Ok((header, segment_bytes))
    }

    /// Where the checksum of every record of this segment starts from: CRC32C of segment id and epoch.
    pub(crate) fn seal(&self) -> u32 {
        let mut place = [0; 8];
        place[..4].copy_from_slice(&self.segment.to_le_bytes());
        place[4..].copy_from_slice(&self.epoch.to_le_bytes());
        crc32c::crc32c(&place)
    }
}

/// Whether a segment may have so many bytes: a header, at least one line, whole lines.
pub(crate) const fn is_segment_bytes(bytes: u64) -> bool {
    bytes >= (SEGMENT_HEADER_BYTES + RECORD_ALIGN_BYTES) as u64
        && bytes.is_multiple_of(RECORD_ALIGN_BYTES as u64)
}

/// One record, checked, its payload not yet decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its segment.
    pub segment: u32,
    /// Its sequence number within the day.
    pub seq: u64,
    /// What it holds.
    pub kind: RecordKind,
    /// Version of the payload.
    pub version: u8,
    /// Engine time of the item.
    pub ts: TsNs,
    /// The payload without padding.
    pub payload: &'a [u8],
    /// Where the record begins, bytes from the start of its segment.
    pub offset: u64,
}

impl Record<'_> {
    /// Decodes the payload.
    ///
    /// # Errors
    /// [`CodecError`] when a sound record holds no item that this program knows.
    #[inline]
    pub fn item(&self) -> Result<Item, CodecError> {
        decode(self.kind, self.version, self.ts, self.payload)
    }
}

/// Bytes that a record with such a payload takes, padding included.
#[must_use]
pub const fn record_bytes(payload_bytes: usize) -> usize {
    (RECORD_HEADER_BYTES + payload_bytes).next_multiple_of(RECORD_ALIGN_BYTES)
}

/// What a record header says, apart from the word that is stored last.
pub(crate) struct RecordHead {
    pub(crate) seq: u64,
    pub(crate) ts: TsNs,
    pub(crate) kind: RecordKind,
}

/// Writes the header in front of the first `payload_bytes` of the payload and zeros behind them, over `line`, a
/// whole padded record; returns the first word, which the caller must store last to publish the record.
#[inline]
pub(crate) fn finish(line: &mut [u8], head: &RecordHead, payload_bytes: usize, seal: u32) -> u64 {
    let used = RECORD_HEADER_BYTES + payload_bytes;
    line[8..16].copy_from_slice(&head.seq.to_le_bytes());
    line[16..24].copy_from_slice(&head.ts.get().to_le_bytes());
    line[24..26].copy_from_slice(&head.kind.get().to_le_bytes());
    line[26] = head.kind.version();
    line[27] = 0;
    line[28..32].copy_from_slice(&(payload_bytes as u32).to_le_bytes());
    line[used..].fill(0);
    let crc = crc32c::crc32c_append(seal, &line[CHECKED_FROM..]);
    u64::from(crc) << 32 | used as u64
}

/// What is wrong with a record that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordFault {
    Length(u32),
    BeyondEnd(u32),
    Checksum { stored: u32, computed: u32 },
    Sequence(u64),
    Header,
}

/// Reads the record at `offset`, where sequence number `seq` is due; `None` where the segment ends.
/// `bytes` is cut to the segment's size and `offset` a multiple of 64 not beyond it.
#[inline]
pub(crate) fn read_at<'a>(
    bytes: &'a [u8],
    offset: usize,
    (segment, seq, seal): (u32, u64, u32),
) -> Result<Option<Record<'a>>, RecordFault> {
    let rest = &bytes[offset..];
    let Some(first) = rest.first_chunk::<8>() else {
        return if rest.iter().any(|byte| *byte != 0) {
            Err(RecordFault::BeyondEnd(0))
        } else {
            Ok(None)
        };
    };
    let first = u64::from_le_bytes(*first);
    let (used, stored) = (first as u32, (first >> 32) as u32);
    if used == 0 {
        return Ok(None);
    }
    if !(RECORD_HEADER_BYTES..=RECORD_BYTES_MAX).contains(&(used as usize)) {
        return Err(RecordFault::Length(used));
    }
    let payload_bytes = used as usize - RECORD_HEADER_BYTES;
    let Some(line) = rest.get(..record_bytes(payload_bytes)) else {
        return Err(RecordFault::BeyondEnd(used));
    };
    let computed = crc32c::crc32c_append(seal, &line[CHECKED_FROM..]);
    if stored != computed && !planted(Bug::ChecksumIgnored) {
        return Err(RecordFault::Checksum { stored, computed });
    }
    let found = u64_at(line, 8);
    if found != seq {
        return Err(RecordFault::Sequence(found));
    }
    if u32_at(line, 28) as usize != payload_bytes || line[27] != 0 {
        return Err(RecordFault::Header);
    }
    Ok(Some(Record {
        segment,
        seq,
        kind: RecordKind(u16::from_le_bytes([line[24], line[25]])),
        version: line[26],
        ts: TsNs::new(u64_at(line, 16) as i64),
        payload: &line[RECORD_HEADER_BYTES..used as usize],
        offset: offset as u64,
    }))
}

#[inline]
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(
        *bytes[at..]
            .first_chunk()
            .expect("four bytes of a header that was measured"),
    )
}

#[inline]
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(
        *bytes[at..]
            .first_chunk()
            .expect("eight bytes of a header that was measured"),
    )
}
