//! From the hash of a name to the rows that may bear it. Open addressing, one half full at most.
//!
//! Invariants: every row that was put in is answered for its hash, in the order of putting in; a row that is
//! answered may be a stranger, so the asker compares. Left out: guarding against chosen collisions (names come from
//! the broker's own master, whose rows are bounded).

use super::ListingId;

const EMPTY: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct TextIndex {
    slots: Box<[Slot]>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    row: u32,
}

impl TextIndex {
    /// Room for so many entries.
    pub(super) fn with_room(entries: usize) -> Self {
        let slot_count = (entries.max(1) * 2).next_power_of_two();
        let empty = Slot { tag: 0, row: EMPTY };
        Self {
            slots: vec![empty; slot_count].into_boxed_slice(),
        }
    }

    /// Puts a row in; no more than there is room for.
    pub(super) fn put(&mut self, hash: u64, row: ListingId) {
        let mut at = self.start(hash);
        while self.slots[at].row != EMPTY {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = Slot {
            tag: tag(hash),
            row: row.0,
        };
    }

    /// The rows that may bear a name of this hash.
    pub(super) fn rows(&self, hash: u64) -> impl Iterator<Item = ListingId> {
        let start = self.start(hash);
        let wrapped = self.slots[start..].iter().chain(&self.slots[..start]);
        wrapped
            .take_while(|slot| slot.row != EMPTY)
            .filter(move |slot| slot.tag == tag(hash))
            .map(|slot| ListingId(slot.row))
    }

    fn start(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }
}

/// The half of a hash that the position does not use.
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// FNV-1a with a last mixing, so that both halves of the result depend on every byte.
pub(super) fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    let sum = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (sum ^ (sum >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A name without blanks, in capitals: what every comparison but that of keys is made with.
pub(super) fn plain(text: &str) -> impl Iterator<Item = u8> + Clone {
    text.bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| byte.to_ascii_uppercase())
}

/// A name's letters and digits alone, in capitals: how a careless hand spells it.
pub(super) fn letters(text: &str) -> impl Iterator<Item = u8> + Clone {
    plain(text).filter(u8::is_ascii_alphanumeric)
}
