//! From the broker's key to the dense instrument id: `NSE_FO|45450` to 17, without allocating or copying.
//!
//! Open addressing over a table of twice to four times as many slots as keys; each hit is verified against the full
//! key, so a foreign key can never pass for a known one. Invariants: built once a day, never changed; every
//! instrument of the table is found; keys are distinct.
//! Left out: guarding against chosen collisions (keys come from the broker's own master).

use bijli_core::instrument::{Instrument, InstrumentId};

const KEY_BYTES_MAX: usize = 40;
const WORDS: usize = KEY_BYTES_MAX / 8;
const EMPTY: u32 = u32::MAX;
/// Odd numbers without a pattern (golden ratio and square roots of primes), one for each word and one for the length.
const SPREAD: [u64; WORDS + 1] = [
    0x9e37_79b9_7f4a_7c15,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x1f83_d9ab_fb41_bd6b,
];

#[derive(Clone, Copy, Debug)]
struct Slot {
    id: u32,
    key_bytes: u32,
    words: [u64; WORDS],
}

/// Finds the instrument of a key.
#[derive(Clone, Debug)]
pub struct KeyIndex {
    slots: Box<[Slot]>,
    shift: u32,
    instruments: u32,
}

impl KeyIndex {
    /// Builds the index of a day's table.
    ///
    /// # Panics
    /// When an instrument's id is not its position in the table: ids are dense by construction; or
    /// when two instruments share a key.
    #[must_use]
    pub fn new(instruments: &[Instrument]) -> Self {
        for (position, instrument) in instruments.iter().enumerate() {
            assert!(
                instrument.id.index() == position,
                "instrument ids are positions in the day's table"
            );
        }
        let index = Self::of_keys(instruments.iter().map(|instrument| instrument.key.as_str()));
        assert!(
            index.instruments as usize == instruments.len(),
            "every instrument of the day's table has a key of its own"
        );
        index
    }

    /// Builds the index of bare keys. Ids count distinct keys in order, so of a list without doubles they are its
    /// positions.
    ///
    /// # Panics
    /// When a key is longer than 40 bytes.
    #[must_use]
    pub fn of_keys<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let keys: Vec<&str> = keys.collect();
        let slots = (keys.len() * 2).next_power_of_two().max(2);
        let empty = Slot {
            id: EMPTY,
            key_bytes: 0,
            words: [0; WORDS],
        };
        let mut index = Self {
            slots: vec![empty; slots].into_boxed_slice(),
            shift: 64 - slots.trailing_zeros(),
            instruments: 0,
        };
        for key in keys {
            index.insert(key.as_bytes());
        }
        index
    }

    /// The instrument of a key, given as the broker's bytes; `None` for a key that is not in the table.
    #[must_use]
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<InstrumentId> {
        let words = pack(key)?;
        let mask = self.slots.len() - 1;
        let mut at = self.home(&words, key.len());
        loop {
            let slot = &self.slots[at & mask];
            if slot.id == EMPTY {
                return None;
            }
            if slot.key_bytes as usize == key.len() && slot.words == words {
                return Some(InstrumentId::new(slot.id));
            }
            at += 1;
        }
    }

    /// Distinct keys in the table.
    #[must_use]
    pub const fn instruments(&self) -> u32 {
        self.instruments
    }

    fn insert(&mut self, key: &[u8]) {
        let words = pack(key).expect("a key has at most 40 bytes");
        if self.get(key).is_some() {
            return;
        }
        let mask = self.slots.len() - 1;
        let mut at = self.home(&words, key.len());
        // At most half of the slots are taken, so an empty one follows.
        while self.slots[at & mask].id != EMPTY {
            at += 1;
        }
        self.slots[at & mask] = Slot {
            id: self.instruments,
            key_bytes: key.len() as u32,
            words,
        };
        self.instruments += 1;
    }

    #[inline]
    fn home(&self, words: &[u64; WORDS], key_bytes: usize) -> usize {
        // Products side by side, not one after another: their latencies overlap.
        let mut mixed = (key_bytes as u64).wrapping_mul(SPREAD[WORDS]);
        for (word, spread) in words.iter().zip(SPREAD) {
            mixed = mixed.wrapping_add(word.wrapping_mul(spread));
        }
        (mixed.wrapping_mul(SPREAD[0]) >> self.shift) as usize
    }
}

/// The key as words, padded with zeros; `None` when it is longer than any key can be.
#[inline]
fn pack(key: &[u8]) -> Option<[u64; WORDS]> {
    if key.len() > KEY_BYTES_MAX {
        return None;
    }
    let mut words = [0; WORDS];
    let (chunks, rest) = key.as_chunks::<8>();
    for (word, chunk) in words.iter_mut().zip(chunks) {
        *word = u64::from_le_bytes(*chunk);
    }
    if let Some(word) = words.get_mut(chunks.len()) {
        *word = match key.last_chunk::<8>() {
            // The last eight bytes less those that stand in the chunk before.
            Some(last) if !rest.is_empty() => u64::from_le_bytes(*last) >> (64 - 8 * rest.len()),
            Some(_) => 0,
            None => rest
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
    }
    Some(words)
}
