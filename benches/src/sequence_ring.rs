//! A candidate, not used by bijli: a ring whose sequence number travels in the message's own cache line.
//!
//! A message of seven words and its sequence number fill one line, so a hand-off moves one line instead of the
//! two (slot and index) that an index-based ring moves. That wins round trips and single messages; batches,
//! where an index is shared by many messages, it loses. It exists to keep the question open in the bench: a
//! successor that beats `rtrb` in all three should replace it. Written with atomic words alone, without `unsafe`.
//! Left out: everything that the bench does not need.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

/// Words of a message; with its sequence number, one cache line.
pub const MESSAGE_WORDS: usize = 7;

#[derive(Debug, Default)]
#[repr(align(64))]
struct Line {
    /// The turn of the message in it, counted from one; zero at first.
    turn: AtomicU64,
    words: [AtomicU64; MESSAGE_WORDS],
}

#[derive(Debug)]
struct Shared {
    lines: Box<[Line]>,
    taken: CachePadded<AtomicU64>,
}

/// The pushing end.
#[derive(Debug)]
pub struct SequenceProducer {
    shared: Arc<Shared>,
    pushed: u64,
    taken_seen: u64,
}

/// The popping end.
#[derive(Debug)]
pub struct SequenceConsumer {
    shared: Arc<Shared>,
    popped: u64,
    published: u64,
}

/// A ring of `slots` places.
///
/// # Panics
/// When `slots` is not a power of two.
#[must_use]
pub fn sequence_ring(slots: usize) -> (SequenceProducer, SequenceConsumer) {
    assert!(slots.is_power_of_two(), "slots are a power of two");
    let shared = Arc::new(Shared {
        lines: (0..slots).map(|_| Line::default()).collect(),
        taken: CachePadded::default(),
    });
    let producer = SequenceProducer {
        shared: Arc::clone(&shared),
        pushed: 0,
        taken_seen: 0,
    };
    (
        producer,
        SequenceConsumer {
            shared,
            popped: 0,
            published: 0,
        },
    )
}

impl SequenceProducer {
    /// Adds a message at the end; `false` when the ring is full.
    #[inline]
    pub fn push(&mut self, message: &[u64; MESSAGE_WORDS]) -> bool {
        let slots = self.shared.lines.len();
        if self.pushed - self.taken_seen == slots as u64 {
            // Pairs with the Release store in `publish`: the line's old words were read.
            self.taken_seen = self.shared.taken.load(Ordering::Acquire);
            if self.pushed - self.taken_seen == slots as u64 {
                return false;
            }
        }
        let line = &self.shared.lines[self.pushed as usize & (slots - 1)];
        for (place, word) in line.words.iter().zip(message) {
            place.store(*word, Ordering::Relaxed);
        }
        self.pushed += 1;
        // Pairs with the Acquire load in `pop`: the words are there.
        line.turn.store(self.pushed, Ordering::Release);
        true
    }
}

impl SequenceConsumer {
    /// Takes the oldest message, if there is one.
    #[inline]
    pub fn pop(&mut self) -> Option<[u64; MESSAGE_WORDS]> {
        let slots = self.shared.lines.len();
        let line = &self.shared.lines[self.popped as usize & (slots - 1)];
        if line.turn.load(Ordering::Acquire) != self.popped + 1 {
            self.publish();
            return None;
        }
        let mut message = [0; MESSAGE_WORDS];
        for (word, place) in message.iter_mut().zip(&line.words) {
            *word = place.load(Ordering::Relaxed);
        }
        self.popped += 1;
        if self.popped - self.published >= slots as u64 / 8 {
            self.publish();
        }
        Some(message)
    }

    /// Frees the lines read so far, many at once: the producer's load of this word costs a cache miss each time.
    fn publish(&mut self) {
        if self.published != self.popped {
            self.published = self.popped;
            // Pairs with the Acquire load in `push`.
            self.shared.taken.store(self.popped, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_threads_hand_over_every_message_once_and_in_order() {
        const MESSAGES: u64 = 200_000;
        let (mut producer, mut consumer) = sequence_ring(64);
        let sender = std::thread::spawn(move || {
            for n in 0..MESSAGES {
                while !producer.push(&[n; MESSAGE_WORDS]) {
                    std::thread::yield_now();
                }
            }
        });
        for n in 0..MESSAGES {
            let message = loop {
                match consumer.pop() {
                    Some(message) => break message,
                    None => std::thread::yield_now(),
                }
            };
            assert_eq!(message, [n; MESSAGE_WORDS]);
        }
        sender.join().expect("the sender only pushes");
        assert_eq!(consumer.pop(), None);
    }
}
