//! The bounded hand-off between two threads: one pushes, one pops, neither waits, nothing is allocated
//! after the start.
//!
//! Invariants: what is popped is what was pushed, in that order, each once; a push into a full ring gives the
//! value back and is counted, so that the caller's policy (conflate a tick, halt on an order) decides. The
//! indices and slots are those of the `rtrb` crate, whose padding and orderings are proven by its own tests;
//! here are the counters that other threads may read. `benches/ring.rs` keeps the choice open: the counters
//! cost nothing in a round trip and some nanoseconds per message in a saturated stream; a ring with the
//! sequence number inside the message's cache line needs three quarters of `rtrb`'s time for a round trip, but
//! one and a half to three times its time for batches of 50, the shape of a feed frame, and its line
//! holds 56 bytes where a tick has 104. So `rtrb` stays. Left out: waiting, which is the business of the duty
//! cycle.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

/// A ring of `slots` places.
///
/// # Panics
/// When `slots` is zero: a ring that is always full cannot be meant.
#[must_use]
pub fn ring<T: Copy + Send>(slots: usize) -> (Producer<T>, Consumer<T>) {
    assert!(slots > 0, "a ring has at least one slot");
    let (producer, consumer) = rtrb::RingBuffer::new(slots);
    let counters = Arc::new(RingCounters::default());
    let producer = Producer {
        inner: producer,
        pushed: 0,
        counters: Arc::clone(&counters),
    };
    let consumer = Consumer {
        inner: consumer,
        counters,
    };
    (producer, consumer)
}

/// What happened in a ring so far; any thread may read it. Each counter has one writing thread, so plain
/// stores suffice; they are relaxed because nothing else is published through them.
#[derive(Debug, Default)]
pub struct RingCounters {
    producer: CachePadded<ProducerCounters>,
    consumer: CachePadded<ConsumerCounters>,
}

#[derive(Debug, Default)]
struct ProducerCounters {
    pushed: AtomicU64,
    full: AtomicU64,
}

#[derive(Debug, Default)]
struct ConsumerCounters {
    depth_max: AtomicU64,
}

impl RingCounters {
    /// Values pushed.
    #[must_use]
    pub fn pushed(&self) -> u64 {
        self.producer.pushed.load(Ordering::Relaxed)
    }

    /// Values turned away because the ring was full.
    #[must_use]
    pub fn full(&self) -> u64 {
        self.producer.full.load(Ordering::Relaxed)
    }

    /// The most values that the consumer ever found waiting when it looked. It looks when it has taken all
    /// that it knew of, so a backlog that grows meanwhile is seen at its next look.
    #[must_use]
    pub fn depth_max(&self) -> u64 {
        self.consumer.depth_max.load(Ordering::Relaxed)
    }
}

/// The pushing end; belongs to one thread.
pub struct Producer<T> {
    inner: rtrb::Producer<T>,
    pushed: u64,
    counters: Arc<RingCounters>,
}

impl<T: Copy + Send> Producer<T> {
    /// Adds a value at the end.
    ///
    /// # Errors
    /// The value itself when the ring is full; that is counted.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), T> {
        match self.inner.push(value) {
            Ok(()) => {
                self.note_pushed(1);
                Ok(())
            }
            Err(rtrb::PushError::Full(value)) => {
                self.note_full(1);
                Err(value)
            }
        }
    }

    /// Adds as many of `values` as there is room for, in order and published together; returns how many.
    /// Those left over are counted as turned away.
    #[inline]
    pub fn push_batch(&mut self, values: &[T]) -> usize {
        let (fitting, left_over) = self.inner.push_partial_slice(values);
        self.note_pushed(fitting.len() as u64);
        if !left_over.is_empty() {
            self.note_full(left_over.len() as u64);
        }
        fitting.len()
    }

    /// Places free now; the consumer may free more at any time.
    #[must_use]
    pub fn free_slots(&self) -> usize {
        self.inner.slots()
    }

    /// The counters of this ring, to be read by any thread.
    #[must_use]
    pub fn counters(&self) -> Arc<RingCounters> {
        Arc::clone(&self.counters)
    }

    fn note_pushed(&mut self, count: u64) {
        self.pushed += count;
        self.counters
            .producer
            .pushed
            .store(self.pushed, Ordering::Relaxed);
    }

    fn note_full(&mut self, count: u64) {
        // This thread is the only writer, so a load and a store make an addition.
        let full = &self.counters.producer.full;
        full.store(full.load(Ordering::Relaxed) + count, Ordering::Relaxed);
    }
}

/// The popping end; belongs to one thread.
pub struct Consumer<T> {
    inner: rtrb::Consumer<T>,
    counters: Arc<RingCounters>,
}

impl<T: Copy + Send> Consumer<T> {
    /// Takes the oldest value, if there is one.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if self.inner.cached_slots() == 0 && self.look() == 0 {
            return None;
        }
        self.inner.pop().ok()
    }

    /// Hands up to `max` of the oldest values to `f`, in order; returns how many. Their places become free
    /// together, after the last of them.
    #[inline]
    pub fn pop_batch(&mut self, max: usize, f: impl FnMut(T)) -> usize {
        let count = self.look().min(max);
        if count == 0 {
            return 0;
        }
        let chunk = self
            .inner
            .read_chunk(count)
            .expect("values seen by the only consumer stay until it takes them");
        chunk.into_iter().for_each(f);
        count
    }

    /// Values waiting now; the producer may add more at any time.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.look()
    }

    /// The counters of this ring, to be read by any thread.
    #[must_use]
    pub fn counters(&self) -> Arc<RingCounters> {
        Arc::clone(&self.counters)
    }

    fn look(&self) -> usize {
        let depth = self.inner.slots();
        let depth_max = &self.counters.consumer.depth_max;
        if depth as u64 > depth_max.load(Ordering::Relaxed) {
            depth_max.store(depth as u64, Ordering::Relaxed);
        }
        depth
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_full_ring_gives_the_value_back_and_counts_it() {
        let (mut producer, mut consumer) = ring(2);
        assert_eq!(
            [producer.push(1), producer.push(2), producer.push(3)],
            [Ok(()), Ok(()), Err(3)]
        );
        assert_eq!(producer.push_batch(&[4, 5]), 0);
        assert_eq!((producer.free_slots(), consumer.depth()), (0, 2));
        assert_eq!(
            [consumer.pop(), consumer.pop(), consumer.pop()],
            [Some(1), Some(2), None]
        );
        let counters = producer.counters();
        assert_eq!(
            (counters.pushed(), counters.full(), counters.depth_max()),
            (2, 3, 2)
        );
    }

    #[test]
    fn a_batch_is_cut_to_the_room_there_is() {
        let (mut producer, mut consumer) = ring(4);
        let mut taken = Vec::new();
        assert_eq!(producer.push_batch(&[1, 2, 3]), 3);
        assert_eq!(consumer.pop_batch(2, |value| taken.push(value)), 2);
        assert_eq!(producer.push_batch(&[4, 5, 6, 7]), 3);
        assert_eq!(consumer.pop_batch(usize::MAX, |value| taken.push(value)), 4);
        assert_eq!(consumer.pop_batch(8, |_| unreachable!("the ring is empty")), 0);
        assert_eq!(taken, [1, 2, 3, 4, 5, 6]);
        assert_eq!((consumer.counters().pushed(), consumer.counters().full()), (6, 1));
    }

    #[test]
    fn two_threads_hand_over_every_value_once_and_in_order() {
        const VALUES: u64 = 2_000_000;
        let (mut producer, mut consumer) = ring::<[u64; 4]>(64);
        let counters = producer.counters();
        let sender = thread::spawn(move || {
            let mut next = 0;
            while next < VALUES {
                // Singles and batches take turns, so both ways in race both ways out.
                let sent = if next % 3 == 0 {
                    let batch: Vec<_> = (next..VALUES.min(next + 7)).map(|n| [n; 4]).collect();
                    producer.push_batch(&batch) as u64
                } else {
                    u64::from(producer.push([next; 4]).is_ok())
                };
                next += sent;
                if sent == 0 {
                    thread::yield_now();
                }
            }
        });
        let mut expected = 0;
        while expected < VALUES {
            let mut check = |value: [u64; 4]| {
                assert_eq!(value, [expected; 4]);
                expected += 1;
            };
            let single = consumer.pop().map(&mut check).is_some();
            if consumer.pop_batch(5, check) == 0 && !single {
                thread::yield_now();
            }
        }
        sender.join().expect("the sender only pushes");
        assert_eq!(consumer.pop(), None);
        assert_eq!(counters.pushed(), VALUES);
        assert!((1..=64).contains(&counters.depth_max()));
    }

    proptest! {
        #[test]
        fn a_ring_behaves_as_a_bounded_queue(steps in prop::collection::vec((0u8..4, 0usize..9), 1..200)) {
            let (mut producer, mut consumer) = ring(5);
            let mut model = std::collections::VecDeque::new();
            let mut next = 0u32;
            for (step, count) in steps {
                match step {
                    0 => {
                        let fits = model.len() < 5;
                        prop_assert_eq!(producer.push(next).is_ok(), fits);
                        if fits { model.push_back(next); }
                        next += 1;
                    }
                    1 => {
                        let batch: Vec<u32> = (next..).take(count).collect();
                        let fitting = count.min(5 - model.len());
                        prop_assert_eq!(producer.push_batch(&batch), fitting);
                        model.extend(&batch[..fitting]);
                        next += count as u32;
                    }
                    2 => prop_assert_eq!(consumer.pop(), model.pop_front()),
                    _ => {
                        let mut taken = Vec::new();
                        consumer.pop_batch(count, |value| taken.push(value));
                        let expected: Vec<u32> = model.drain(..count.min(model.len())).collect();
                        prop_assert_eq!(taken, expected);
                    }
                }
                prop_assert_eq!(consumer.depth(), model.len());
                prop_assert_eq!(producer.free_slots(), 5 - model.len());
            }
        }
    }
}
