//! Reads a capture segment back, frame by frame, without copying.
//!
//! Invariants: a frame is handed out only when its checksum matches; damage in the middle is named and stepped over; a
//! damaged end is a torn tail, which a crash leaves and which ends the frames quietly ([`Playback::tail`] tells).
//! Left out: files and pacing (tools). Layout: [`crate::capture`].

use std::fmt;

use bijli_core::time::TsNs;

use crate::capture::{RECORD_HEAD_BYTES, SEGMENT_HEAD, checksum};

/// One captured frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured<'a> {
    /// When our socket had it.
    pub ts_recv: TsNs,
    /// The frame.
    pub frame: &'a [u8],
    /// Where its record starts in the segment, in bytes.
    pub offset: usize,
}

/// Why a segment or a record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaybackError {
    /// The bytes do not start as a segment of a known version.
    NotACapture,
    /// A record in the middle whose checksum does not match; records after it are sound.
    Damaged {
        /// Number of the record in the segment, the first being 0.
        record: u64,
        /// Where it starts in the segment, in bytes.
        offset: usize,
    },
}

impl fmt::Display for PlaybackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotACapture => {
                write!(
                    f,
                    "reading a capture: it does not start as a capture segment of version 1; is it the right file?"
                )
            }
            Self::Damaged { record, offset } => write!(
                f,
                "reading a capture: record {record} at byte {offset} is damaged; its frame is left out"
            ),
        }
    }
}

impl std::error::Error for PlaybackError {}

/// How a segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// As it was left by its writer.
    Clean,
    /// In a record that was not finished.
    Torn {
        /// Number of the unfinished record.
        record: u64,
        /// Where it starts in the segment, in bytes.
        offset: usize,
    },
}

/// The frames of a segment, in order.
#[derive(Clone, Debug)]
pub struct Playback<'a> {
    bytes: &'a [u8],
    offset: usize,
    record: u64,
    tail: Tail,
}

enum Found<'a> {
    End,
    Sound(Captured<'a>),
    /// With the length that it claims, if that can be.
    Broken(Option<usize>),
}

impl<'a> Playback<'a> {
    /// Opens a segment.
    ///
    /// # Errors
    /// [`PlaybackError::NotACapture`] when the bytes start otherwise.
    pub fn new(bytes: &'a [u8]) -> Result<Self, PlaybackError> {
        if !bytes.starts_with(&SEGMENT_HEAD) {
            return Err(PlaybackError::NotACapture);
        }
        Ok(Self {
            bytes,
            offset: SEGMENT_HEAD.len(),
            record: 0,
            tail: Tail::Clean,
        })
    }

    /// How the segment ends; known once the frames have ended.
    #[must_use]
    pub const fn tail(&self) -> Tail {
        self.tail
    }

    fn look(&self, offset: usize) -> Found<'a> {
        let rest = &self.bytes[offset..];
        let Some((length, after)) = rest.split_first_chunk::<4>() else {
            // Fewer bytes than a length word: nothing can have been written, unless something is there.
            return if rest.iter().all(|byte| *byte == 0) {
                Found::End
            } else {
                Found::Broken(None)
            };
        };
        let bytes = u32::from_le_bytes(*length) as usize;
        if bytes == 0 {
            // A writer writes the length last: a record torn before that has a body behind a zero length.
            let untouched = after.iter().take(RECORD_HEAD_BYTES - 4).all(|byte| *byte == 0);
            return if untouched {
                Found::End
            } else {
                Found::Broken(None)
            };
        }
        let Some(record) = rest.get(..bytes).filter(|_| bytes >= RECORD_HEAD_BYTES) else {
            return Found::Broken(None);
        };
        let (head, frame) = record.split_at(RECORD_HEAD_BYTES);
        let crc = u32::from_le_bytes(head[4..8].try_into().expect("four bytes"));
        let stamp: [u8; 8] = head[8..16].try_into().expect("eight bytes");
        if checksum(*length, stamp, frame) != crc {
            return Found::Broken(Some(bytes));
        }
        Found::Sound(Captured {
            ts_recv: TsNs::new(i64::from_le_bytes(stamp)),
            frame,
            offset,
        })
    }
}

impl<'a> Iterator for Playback<'a> {
    type Item = Result<Captured<'a>, PlaybackError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.tail != Tail::Clean {
            return None;
        }
        let (record, offset) = (self.record, self.offset);
        match self.look(offset) {
            Found::End => None,
            Found::Sound(captured) => {
                self.offset += RECORD_HEAD_BYTES + captured.frame.len();
                self.record += 1;
                Some(Ok(captured))
            }
            Found::Broken(Some(bytes)) if matches!(self.look(offset + bytes), Found::Sound(_)) => {
                self.offset += bytes;
                self.record += 1;
                Some(Err(PlaybackError::Damaged { record, offset }))
            }
            Found::Broken(_) => {
                self.tail = Tail::Torn { record, offset };
                None
            }
        }
    }
}
