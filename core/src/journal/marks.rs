//! The mark file: how far the journal is on the disk, kept twice.
//!
//! Two slots of one sector each, written in turn and each with a checksum of its own: a write that is cut off
//! can spoil the slot being written, never the other. Invariant: a mark is written only after everything below
//! it was synced, and counts as published only after it was synced itself, so a sound mark never claims too much.
//! Left out: who writes it (`persister`), what follows from it (`rot`). Bytes: `DESIGN.md`, "Mark file".

use crate::codec::{DurableMark, Field};
use crate::record::{u32_at, u64_at};
use crate::time::IstDay;

/// What a disk writes as a whole: 512 bytes, the smallest sector in use.
pub const SECTOR_BYTES: usize = 512;
/// Size of the mark file: two slots.
pub const MARK_FILE_BYTES: usize = 2 * SECTOR_BYTES;

const MAGIC: [u8; 8] = *b"BIJLMARK";
const VERSION: u32 = 1;
const BODY_BYTES: usize = 64;
const CRC_AT: usize = BODY_BYTES - 4;

/// The newest sound mark of a mark file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredMark {
    /// Counts the marks of the day; its parity says in which slot it stands.
    pub generation: u64,
    /// The trading day.
    pub day: IstDay,
    /// What is durable.
    pub mark: DurableMark,
}

impl StoredMark {
    /// Where its slot begins in the mark file.
    #[must_use]
    pub const fn slot_offset(&self) -> u64 {
        (self.generation % 2) * SECTOR_BYTES as u64
    }

    /// The slot's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SECTOR_BYTES] {
        let mut slot = [0; SECTOR_BYTES];
        slot[..8].copy_from_slice(&MAGIC);
        slot[8..12].copy_from_slice(&VERSION.to_le_bytes());
        slot[12..16].copy_from_slice(&self.day.get().to_le_bytes());
        slot[16..24].copy_from_slice(&self.generation.to_le_bytes());
        slot[24..28].copy_from_slice(&self.mark.segment.to_le_bytes());
        slot[28..32].copy_from_slice(&self.mark.epoch.to_le_bytes());
        slot[32..40].copy_from_slice(&self.mark.end_offset.to_le_bytes());
        slot[40..48].copy_from_slice(&self.mark.next_seq.to_le_bytes());
        slot[48..56].copy_from_slice(&self.mark.exits_unwaited.to_le_bytes());
        let crc = crc32c::crc32c(&slot[..CRC_AT]);
        slot[CRC_AT..BODY_BYTES].copy_from_slice(&crc.to_le_bytes());
        slot
    }

    fn parse(slot: &[u8; SECTOR_BYTES], parity: u64) -> Option<Self> {
        let sound = slot[..8] == MAGIC
            && u32_at(slot, 8) == VERSION
            && u32_at(slot, CRC_AT) == crc32c::crc32c(&slot[..CRC_AT])
            && slot[BODY_BYTES..] == [0; SECTOR_BYTES - BODY_BYTES];
        let stored = Self {
            generation: u64_at(slot, 16),
            day: IstDay::take(&slot[12..16])?,
            mark: DurableMark {
                segment: u32_at(slot, 24),
                epoch: u32_at(slot, 28),
                end_offset: u64_at(slot, 32),
                next_seq: u64_at(slot, 40),
                exits_unwaited: u64_at(slot, 48),
            },
        };
        (sound && stored.generation % 2 == parity).then_some(stored)
    }
}

/// What a mark file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// Zeros: made, but no commit was ever completed.
    Blank,
    /// The newest sound mark.
    Found(StoredMark),
    /// Written to, and neither slot is sound: not what a power cut can do, since it touches one slot at most.
    Lost,
}

/// Reads a mark file, or what is left of one.
#[must_use]
pub fn read_marks(file: &[u8]) -> Marks {
    let slots = [0, 1].map(|slot: usize| file.get(slot * SECTOR_BYTES..)?.first_chunk());
    let newest = (0u64..)
        .zip(slots)
        .filter_map(|(parity, slot)| StoredMark::parse(slot?, parity))
        .max_by_key(|stored| stored.generation);
    if let Some(stored) = newest {
        return Marks::Found(stored);
    }
    // The first mark goes to slot 1 while slot 0 is blank: cut off there, nothing was ever claimed.
    let first_is_blank = file.len() == MARK_FILE_BYTES && file[..SECTOR_BYTES] == [0; SECTOR_BYTES];
    if first_is_blank { Marks::Blank } else { Marks::Lost }
}
