//! A torn tail or rot? What a power cut can do to a journal whose durable end is known, and what it cannot.
//!
//! Invariants: nothing below the mark may be missing or changed, so damage there is corruption, whatever stands
//! behind; above it any unsynced sector may be missing, but nothing can lie further than one commit behind the
//! mark, so a sound record there says that the mark or what lies between was lost. Corruption is never
//! repaired here: a person decides what the day is then.

use std::fmt;

use super::marks::{Marks, StoredMark, read_marks};
use super::persister::COMMIT_BYTES_MAX;
use super::recovery::Recovered;
use crate::codec::{DurableMark, Item};
use crate::record::{RECORD_ALIGN_BYTES, Record, SegmentHeader, read_at, u64_at};

/// Damage that no crash can cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corruption {
    /// Records that were on the disk are gone or changed.
    BelowMark {
        /// The segment whose sound records end too early; `None` = there is none at all.
        segment: Option<u32>,
        /// Where they end, bytes from its start.
        end_offset: u64,
        /// The number of the first record that is missing.
        seq: u64,
        /// What was durable.
        mark: DurableMark,
    },
    /// Sound records stand where nothing could have been written yet.
    BeyondWindow {
        /// The segment.
        segment: u32,
        /// Where its sound records end.
        end_offset: u64,
        /// Where the first of the others stands.
        at: u64,
    },
    /// The mark file was written to and none of its slots is sound.
    MarksLost,
    /// The mark file is of another day.
    OtherDay,
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BelowMark {
                segment: Some(segment),
                end_offset,
                seq,
                mark,
            } => write!(
                f,
                "sound records of segment {segment} end at byte {end_offset}, before record {seq}, yet those below \
                 {} (byte {} of segment {}) were on the disk",
                mark.next_seq, mark.end_offset, mark.segment
            ),
            Self::BelowMark { mark, .. } => {
                write!(
                    f,
                    "there is no segment, yet records below {} were on the disk",
                    mark.next_seq
                )
            }
            Self::BeyondWindow {
                segment,
                end_offset,
                at,
            } => write!(
                f,
                "sound records of segment {segment} end at byte {end_offset}, and others stand at byte {at}: further \
                 than one commit"
            ),
            Self::MarksLost => f.write_str("neither slot of the mark file is sound"),
            Self::OtherDay => f.write_str("the mark file belongs to another day"),
        }
    }
}

/// Judges the end of a day against its mark file: `last` is the newest segment with records and what recovery
/// made of it. Gives the stored mark, if there is one.
///
/// # Errors
/// [`Corruption`]; nobody may trade on such a journal.
pub fn check_durable(
    last: Option<(&[u8], &Recovered)>,
    mark_file: &[u8],
) -> Result<Option<StoredMark>, Corruption> {
    let stored = match read_marks(mark_file) {
        Marks::Blank => None,
        Marks::Found(stored) => Some(stored),
        Marks::Lost => return Err(Corruption::MarksLost),
    };
    let Some((bytes, last)) = last else {
        return match stored {
            Some(StoredMark { mark, .. }) => Err(below(None, mark)),
            None => Ok(None),
        };
    };
    if stored.is_some_and(|stored| stored.day != last.header.day) {
        return Err(Corruption::OtherDay);
    }
    let mark = stored.map(|stored| stored.mark);
    if let Some(mark) = mark
        && last.next_seq < mark.next_seq
    {
        return Err(below(Some(last), mark));
    }
    check_rest(bytes, last, window_end(last, mark))?;
    Ok(stored)
}

/// Where nothing can stand yet, bytes from the start of the last segment; `None` where no mark speaks of it: a
/// process that did not wait for the disk, or had not yet got there.
fn window_end(last: &Recovered, mark: Option<DurableMark>) -> Option<u64> {
    let mark = mark.filter(|mark| mark.epoch == last.header.epoch)?;
    let window = COMMIT_BYTES_MAX as u64;
    if mark.segment == last.header.segment {
        Some(mark.end_offset.saturating_add(window))
    } else {
        Some(window)
    }
}

/// Looks behind the sound records for others that prove more.
fn check_rest(bytes: &[u8], last: &Recovered, window_end: Option<u64>) -> Result<(), Corruption> {
    let from = last.end_offset as usize;
    let places = (from..bytes.len()).step_by(RECORD_ALIGN_BYTES);
    for at in places.filter(|at| bytes[*at..].iter().take(4).any(|byte| *byte != 0)) {
        let Some(record) = sound_record(bytes, at, &last.header) else {
            continue;
        };
        if let Ok(Item::DurableMark(mark)) = record.item()
            && last.next_seq < mark.next_seq
        {
            return Err(below(Some(last), mark));
        }
        if window_end.is_some_and(|end| record.offset >= end) {
            return Err(Corruption::BeyondWindow {
                segment: last.header.segment,
                end_offset: last.end_offset,
                at: record.offset,
            });
        }
    }
    Ok(())
}

/// A record of this segment at this place, whatever its number.
fn sound_record<'a>(bytes: &'a [u8], at: usize, header: &SegmentHeader) -> Option<Record<'a>> {
    let seq = u64_at(bytes.get(at..at + 16)?, 8);
    read_at(bytes, at, (header.segment, seq, header.seal()))
        .ok()
        .flatten()
}

fn below(last: Option<&Recovered>, mark: DurableMark) -> Corruption {
    Corruption::BelowMark {
        segment: last.map(|last| last.header.segment),
        end_offset: last.map_or(0, |last| last.end_offset),
        seq: last.map_or(0, |last| last.next_seq),
        mark,
    }
}
