//! The hand-off between two threads: bijli's ring beside `rtrb` (which it wraps), crossbeam's `ArrayQueue`, the
//! standard library's bounded channel, and a candidate with the sequence number in the message's line.
//!
//! Messages have 64 bytes; both threads spin, pinned to cores 0 and 1. The round trip goes over two rings; the
//! burst is the time per message of a full stream. The last lines answer whether an own ring beats `rtrb`.

use std::hint::{black_box, spin_loop};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use bijli_benches::core_hop::{self, Carrier, Message, Trips};
use bijli_benches::machine;
use bijli_benches::measure::{Bench, Entrant, Row, Samples, print_rows};
use bijli_benches::sequence_ring::{MESSAGE_WORDS, SequenceConsumer, SequenceProducer, sequence_ring};
use bijli_core::ring::{Consumer, Producer, ring};
use crossbeam_queue::ArrayQueue;
use crossbeam_utils::CachePadded;

const REPETITIONS: usize = 7;
const ROUND_TRIPS: usize = 30_000;
const STREAM: usize = 400_000;
/// Keeps the whole bench within its time on a busy machine.
const REPETITION_MAX: Duration = Duration::from_millis(60);
const SLOTS: usize = 1_024;
/// Messages of one sample of a full stream.
const WINDOW: u64 = 4_000;
const BATCH: usize = 50;

/// One end that sends without waiting.
trait Send64: Send {
    fn send(&mut self, message: Message) -> bool;

    /// Sends a prefix of the batch; returns how many.
    fn send_batch(&mut self, batch: &[Message]) -> usize {
        batch.iter().take_while(|message| self.send(**message)).count()
    }
}

/// One end that receives without waiting.
trait Receive64: Send {
    fn receive(&mut self) -> Option<Message>;

    /// Receives whatever is there, at most `max`; returns the count and the sum of the first words.
    fn receive_batch(&mut self, max: usize) -> (usize, u64) {
        let mut sum = 0;
        for count in 0..max {
            match self.receive() {
                Some(message) => sum += message[0],
                None => return (count, sum),
            }
        }
        (max, sum)
    }
}

impl Send64 for Producer<Message> {
    fn send(&mut self, message: Message) -> bool {
        self.push(message).is_ok()
    }

    fn send_batch(&mut self, batch: &[Message]) -> usize {
        self.push_batch(batch)
    }
}

impl Receive64 for Consumer<Message> {
    fn receive(&mut self) -> Option<Message> {
        self.pop()
    }

    fn receive_batch(&mut self, max: usize) -> (usize, u64) {
        let mut sum = 0;
        let count = self.pop_batch(max, |message| sum += message[0]);
        (count, sum)
    }
}

impl Send64 for rtrb::Producer<Message> {
    fn send(&mut self, message: Message) -> bool {
        self.push(message).is_ok()
    }

    fn send_batch(&mut self, batch: &[Message]) -> usize {
        self.push_partial_slice(batch).0.len()
    }
}

impl Receive64 for rtrb::Consumer<Message> {
    fn receive(&mut self) -> Option<Message> {
        self.pop().ok()
    }

    fn receive_batch(&mut self, max: usize) -> (usize, u64) {
        let count = self.slots().min(max);
        let chunk = self.read_chunk(count).expect("seen by the only consumer");
        (count, chunk.into_iter().map(|message| message[0]).sum())
    }
}

impl Send64 for Arc<ArrayQueue<Message>> {
    fn send(&mut self, message: Message) -> bool {
        self.push(message).is_ok()
    }
}

impl Receive64 for Arc<ArrayQueue<Message>> {
    fn receive(&mut self) -> Option<Message> {
        self.pop()
    }
}

impl Send64 for SyncSender<Message> {
    fn send(&mut self, message: Message) -> bool {
        self.try_send(message).is_ok()
    }
}

impl Receive64 for Receiver<Message> {
    fn receive(&mut self) -> Option<Message> {
        self.try_recv().ok()
    }
}

impl Send64 for SequenceProducer {
    fn send(&mut self, message: Message) -> bool {
        self.push(
            message
                .first_chunk::<MESSAGE_WORDS>()
                .expect("seven words of eight"),
        )
    }
}

impl Receive64 for SequenceConsumer {
    fn receive(&mut self) -> Option<Message> {
        self.pop().map(|[a, b, c, d, e, f, g]| [a, b, c, d, e, f, g, 0])
    }
}

/// One repetition of round trips: there over one ring, back over another.
fn round_trips<S: Send64, R: Receive64>(bench: &Bench, pair: fn(usize) -> (S, R)) -> Samples {
    let carrier = Carrier {
        pair,
        send: S::send,
        receive: R::receive,
    };
    let trips = Trips {
        count: ROUND_TRIPS,
        slots: SLOTS,
        parts: 1,
    };
    core_hop::round_trips(bench, carrier, trips)
}

/// One repetition of a full stream, in batches of `batch`; each sample is the time per message over a window
/// shorter than a scheduler's slice. Ends early on a machine too busy to run both threads at once.
fn stream<S: Send64, R: Receive64>(bench: &Bench, pair: fn(usize) -> (S, R), batch: usize) -> Samples {
    let (mut sender, mut receiver) = pair(SLOTS);
    let count = bench.scaled(STREAM) / batch * batch;
    let total = CachePadded::new(AtomicU64::new(u64::MAX));
    let mut samples = Samples::new(WINDOW as usize);
    thread::scope(|scope| {
        scope.spawn(|| {
            machine::pin(1);
            total.store(send_stream(&mut sender, count, batch), Ordering::Release);
        });
        machine::pin(0);
        let (mut received, mut sum) = (0, 0);
        let (mut window_begin, mut window_first) = (Instant::now(), 0);
        while received != total.load(Ordering::Acquire) {
            let (more, part) = if batch == 1 {
                receiver.receive().map_or((0, 0), |message| (1, message[0]))
            } else {
                receiver.receive_batch(batch)
            };
            received += more as u64;
            sum += part;
            if received - window_first >= WINDOW {
                let now = Instant::now();
                let window_ns = now.duration_since(window_begin).as_nanos() as f64;
                samples.add(window_ns / (received - window_first) as f64);
                (window_begin, window_first) = (now, received);
            }
            if more == 0 {
                spin_loop();
            }
        }
        assert_eq!(
            black_box(sum),
            (received - 1) * received / 2,
            "every message came once"
        );
    });
    samples
}

/// Sends numbered messages, `count` of them unless that takes too long; returns how many.
fn send_stream(sender: &mut impl Send64, count: usize, batch: usize) -> u64 {
    let start = Instant::now();
    let mut messages = vec![[0; 8]; batch];
    for first in (0..count).step_by(batch) {
        if first % SLOTS < batch && start.elapsed() > REPETITION_MAX {
            return first as u64;
        }
        for (message, n) in messages.iter_mut().zip(first as u64..) {
            message[0] = n;
        }
        let mut sent = 0;
        while sent < batch {
            let more = if batch == 1 {
                usize::from(sender.send(messages[0]))
            } else {
                sender.send_batch(&messages[sent..])
            };
            sent += more;
            if more == 0 {
                spin_loop();
            }
        }
    }
    count as u64
}

fn array_queue(slots: usize) -> (Arc<ArrayQueue<Message>>, Arc<ArrayQueue<Message>>) {
    let queue = Arc::new(ArrayQueue::new(slots));
    (Arc::clone(&queue), queue)
}

fn verdict(what: &str, rows: &[Row], own: &str) {
    let find = |name: &str| rows.iter().find(|row| row.name == name);
    if let (Some(own_row), Some(rtrb)) = (find(own), find("rtrb")) {
        let ratio = own_row.ratio_to(rtrb);
        let word = if ratio < 0.95 {
            "beats rtrb"
        } else if ratio <= 1.05 {
            "equals rtrb"
        } else {
            "is slower than rtrb"
        };
        println!("{what}: `{own}` takes {ratio:.2} of rtrb's time: it {word} here");
    }
}

fn main() {
    let bench = Bench::begin("ring: hand-off of 64 bytes between two spinning threads");
    if !machine::has_two_cores() {
        println!("skipped: two threads cannot spin on one core");
        return;
    }
    let trips = bench.compare(
        REPETITIONS,
        &mut [
            Entrant::new("rtrb", |bench| {
                round_trips(bench, rtrb::RingBuffer::<Message>::new)
            }),
            Entrant::new("bijli ring", |bench| round_trips(bench, ring::<Message>)),
            Entrant::new("sequence in the line", |bench| round_trips(bench, sequence_ring)),
            Entrant::new("crossbeam ArrayQueue", |bench| round_trips(bench, array_queue)),
            Entrant::new("std sync_channel", |bench| round_trips(bench, sync_channel)),
        ],
    );
    print_rows("round trip", &trips, Some("rtrb"));
    let singles = bench.compare(
        REPETITIONS,
        &mut [
            Entrant::new("rtrb", |bench| stream(bench, rtrb::RingBuffer::<Message>::new, 1)),
            Entrant::new("bijli ring", |bench| stream(bench, ring::<Message>, 1)),
            Entrant::new("sequence in the line", |bench| stream(bench, sequence_ring, 1)),
            Entrant::new("crossbeam ArrayQueue", |bench| stream(bench, array_queue, 1)),
            Entrant::new("std sync_channel", |bench| stream(bench, sync_channel, 1)),
        ],
    );
    print_rows("full stream, one by one, per message", &singles, Some("rtrb"));
    let batches = bench.compare(
        REPETITIONS,
        &mut [
            Entrant::new("rtrb", |bench| {
                stream(bench, rtrb::RingBuffer::<Message>::new, BATCH)
            }),
            Entrant::new("bijli ring", |bench| stream(bench, ring::<Message>, BATCH)),
            Entrant::new("sequence in the line", |bench| {
                stream(bench, sequence_ring, BATCH)
            }),
        ],
    );
    print_rows(
        "full stream in batches of 50, per message",
        &batches,
        Some("rtrb"),
    );
    println!();
    for own in ["bijli ring", "sequence in the line"] {
        verdict("round trip", &trips, own);
        verdict("one by one", &singles, own);
        verdict("batches of 50", &batches, own);
    }
}
