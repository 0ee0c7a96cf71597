//! Round trips between two spinning threads, for whatever carries 64 bytes one way, and what one hop costs here.
//!
//! The hop over bijli's ring is a yardstick for figures of one thread, measured in the same run; the `ring` bench
//! compares carriers by the same round trips.

use std::hint::spin_loop;
use std::thread;
use std::time::{Duration, Instant};

use bijli_core::ring::{Consumer, Producer, ring};

use crate::machine;
use crate::measure::{Bench, Samples};

const ROUND_TRIPS: usize = 20_000;
const SLOTS: usize = 64;
/// Keeps a repetition short on a machine too busy to run both threads at once.
const REPETITION_MAX: Duration = Duration::from_millis(60);
const STOP: u64 = u64::MAX;

/// What is handed over: one cache line.
pub type Message = [u64; 8];

/// Something that carries messages one way, from a sending end to a receiving end.
#[derive(Debug)]
pub struct Carrier<S, R> {
    /// Makes both ends, with room for so many messages.
    pub pair: fn(usize) -> (S, R),
    /// Sends without waiting; false when there is no room.
    pub send: fn(&mut S, Message) -> bool,
    /// Receives without waiting.
    pub receive: fn(&mut R) -> Option<Message>,
}

/// How many round trips a repetition makes, over how much room, and how many parts of one a sample is.
#[derive(Clone, Copy, Debug)]
pub struct Trips {
    /// Round trips of a repetition.
    pub count: usize,
    /// Messages that each way has room for.
    pub slots: usize,
    /// 1 to time whole round trips, 2 to time hops.
    pub parts: u32,
}

/// One repetition of hops of 64 bytes between cores 0 and 1; the caller is pinned to core 0. Empty on a machine
/// with one core.
pub fn hops(bench: &Bench) -> Samples {
    if !machine::has_two_cores() {
        return Samples::new(1);
    }
    let carrier = Carrier {
        pair: ring::<Message>,
        send: |producer: &mut Producer<Message>, message| producer.push(message).is_ok(),
        receive: Consumer::pop,
    };
    let trips = Trips {
        count: ROUND_TRIPS,
        slots: SLOTS,
        parts: 2,
    };
    round_trips(bench, carrier, trips)
}

/// One repetition of round trips, there over one carrier and back over another, between cores 0 and 1; the caller
/// is pinned to core 0. Ends early on a machine too busy to run both threads at once.
pub fn round_trips<S: Send, R: Send>(bench: &Bench, carrier: Carrier<S, R>, trips: Trips) -> Samples {
    let (carrier, mut samples) = (&carrier, Samples::new(1));
    let (mut there, mut arrivals) = (carrier.pair)(trips.slots);
    let (mut back, mut returns) = (carrier.pair)(trips.slots);
    thread::scope(|scope| {
        scope.spawn(move || {
            machine::pin(1);
            loop {
                let message = carrier.receive_spinning(&mut arrivals);
                if message[0] == STOP {
                    return;
                }
                carrier.send_spinning(&mut back, message);
            }
        });
        machine::pin(0);
        let start = Instant::now();
        for trip in 0..bench.scaled(trips.count) as u64 {
            let begin = Instant::now();
            if begin.duration_since(start) > REPETITION_MAX {
                break;
            }
            carrier.send_spinning(&mut there, [trip; 8]);
            let message = carrier.receive_spinning(&mut returns);
            let taken_ns = begin.elapsed().as_nanos() as f64 - bench.stamp_ns();
            samples.add(taken_ns / f64::from(trips.parts));
            assert_eq!(message[0], trip, "the other side sends back what it got");
        }
        carrier.send_spinning(&mut there, [STOP; 8]);
    });
    samples
}

impl<S, R> Carrier<S, R> {
    fn send_spinning(&self, sender: &mut S, message: Message) {
        while !(self.send)(sender, message) {
            spin_loop();
        }
    }

    fn receive_spinning(&self, receiver: &mut R) -> Message {
        loop {
            match (self.receive)(receiver) {
                Some(message) => return message,
                None => spin_loop(),
            }
        }
    }
}
