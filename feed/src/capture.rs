//! Raw frames as they arrived, appended to a byte buffer: the truth about what the broker sent.
//!
//! Invariants: a record counts only when its checksum matches, so a torn end is harmless; nothing written is changed
//! again; a zero length word means the end. Left out: files, segments and when to sync (tools); reading ([`crate::playback`]).
//!
//! Layout, version 1, little endian. A segment starts with the 16 bytes of [`SEGMENT_HEAD`]. Then, back to back:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | length of the record, its 16 bytes of head included; 0 = end of records |
//! | 4 | 4 | CRC32C of the length, the stamp and the frame |
//! | 8 | 8 | receive stamp, UTC nanoseconds |
//! | 16 | length − 16 | the frame |

use std::fmt;

use bijli_core::limits::FRAME_BYTES_MAX;
use bijli_core::time::TsNs;

/// What a segment starts with: a name, and the version of the layout.
pub const SEGMENT_HEAD: [u8; 16] = *b"BIJLI-CAPTURE\x00\x01\x00";
/// Bytes before the frame in each record.
pub const RECORD_HEAD_BYTES: usize = 16;

/// A buffer without room for a frame: the caller starts the next segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureError {
    /// No room for the segment head or the frame.
    Full {
        /// Bytes wanted.
        bytes: usize,
        /// Bytes left.
        room_bytes: usize,
    },
    /// A frame over the limit of any frame.
    FrameTooLarge {
        /// Its bytes.
        bytes: usize,
    },
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { bytes, room_bytes } => write!(
                f,
                "capturing a frame: {bytes} bytes do not fit the {room_bytes} bytes left; start the next segment"
            ),
            Self::FrameTooLarge { bytes } => write!(
                f,
                "capturing a frame: {bytes} bytes are over the limit of {FRAME_BYTES_MAX}; the socket should have refused it"
            ),
        }
    }
}

impl std::error::Error for CaptureError {}

/// Appends frames to one segment.
#[derive(Debug)]
pub struct CaptureWriter<B> {
    bytes: B,
    used_bytes: usize,
}

impl<B: AsMut<[u8]>> CaptureWriter<B> {
    /// Starts a segment in a zeroed buffer.
    ///
    /// # Errors
    /// [`CaptureError::Full`] when not even the segment head fits.
    pub fn create(mut bytes: B) -> Result<Self, CaptureError> {
        let buffer = bytes.as_mut();
        let room_bytes = buffer.len();
        let Some(head) = buffer.first_chunk_mut::<{ SEGMENT_HEAD.len() }>() else {
            return Err(CaptureError::Full {
                bytes: SEGMENT_HEAD.len(),
                room_bytes,
            });
        };
        *head = SEGMENT_HEAD;
        Ok(Self {
            bytes,
            used_bytes: SEGMENT_HEAD.len(),
        })
    }

    /// Appends a frame with its receive stamp and answers the record's offset.
    ///
    /// # Errors
    /// [`CaptureError::Full`] when it does not fit; [`CaptureError::FrameTooLarge`] when it never will.
    pub fn append(&mut self, ts_recv: TsNs, frame: &[u8]) -> Result<usize, CaptureError> {
        if frame.len() > FRAME_BYTES_MAX {
            return Err(CaptureError::FrameTooLarge { bytes: frame.len() });
        }
        let offset = self.used_bytes;
        let bytes = RECORD_HEAD_BYTES + frame.len();
        let buffer = &mut self.bytes.as_mut()[offset..];
        let room_bytes = buffer.len();
        let Some(record) = buffer.get_mut(..bytes) else {
            return Err(CaptureError::Full { bytes, room_bytes });
        };
        let length = (bytes as u32).to_le_bytes();
        let stamp = ts_recv.get().to_le_bytes();
        record[RECORD_HEAD_BYTES..].copy_from_slice(frame);
        record[8..16].copy_from_slice(&stamp);
        record[4..8].copy_from_slice(&checksum(length, stamp, frame).to_le_bytes());
        record[..4].copy_from_slice(&length);
        self.used_bytes += bytes;
        Ok(offset)
    }

    /// Bytes in use.
    #[must_use]
    pub const fn used_bytes(&self) -> usize {
        self.used_bytes
    }

    /// The buffer.
    #[must_use]
    pub fn into_inner(self) -> B {
        self.bytes
    }
}

/// The checksum of a record.
pub(crate) fn checksum(length: [u8; 4], stamp: [u8; 8], frame: &[u8]) -> u32 {
    let head = crc32c::crc32c_append(crc32c::crc32c(&length), &stamp);
    crc32c::crc32c_append(head, frame)
}
