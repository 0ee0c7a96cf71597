//! The hash of everything that can influence a later command: equal hashes mean equal futures.

use std::hash::Hasher;

use twox_hash::XxHash64;

/// Collects state in a fixed order; XXH64 with seed 0 over little-endian words.
#[derive(Debug)]
pub struct StateHasher(XxHash64);

impl Default for StateHasher {
    fn default() -> Self {
        Self(XxHash64::with_seed(0))
    }
}

impl StateHasher {
    /// Adds an unsigned word.
    pub fn u64(&mut self, value: u64) {
        self.0.write(&value.to_le_bytes());
    }

    /// Adds a signed word.
    pub fn i64(&mut self, value: i64) {
        self.u64(value as u64);
    }

    /// Adds a float by its bits.
    pub fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    /// Adds bytes and their count.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.u64(bytes.len() as u64);
        self.0.write(bytes);
    }

    /// The hash of all that was added.
    #[must_use]
    pub fn finish(&self) -> u64 {
        self.0.finish()
    }
}
