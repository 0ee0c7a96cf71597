//! What one hop from core to core costs here: half a round trip over bijli's ring, both threads spinning.
//!
//! A yardstick for figures of one thread, measured in the same run; the `ring` bench looks into it thoroughly.

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

type Message = [u64; 8];

/// One repetition of hops of 64 bytes between cores 0 and 1; the caller is pinned to core 0. Empty on a machine
/// with one core.
pub fn hops(bench: &Bench) -> Samples {
    let mut samples = Samples::new(1);
    if !machine::has_two_cores() {
        return samples;
    }
    let (mut there, mut arrivals) = ring::<Message>(SLOTS);
    let (mut back, mut returns) = ring::<Message>(SLOTS);
    thread::scope(|scope| {
        scope.spawn(move || {
            machine::pin(1);
            loop {
                let message = receive(&mut arrivals);
                if message[0] == STOP {
                    return;
                }
                send(&mut back, message);
            }
        });
        machine::pin(0);
        let start = Instant::now();
        for trip in 0..bench.scaled(ROUND_TRIPS) as u64 {
            let begin = Instant::now();
            if begin.duration_since(start) > REPETITION_MAX {
                break;
            }
            send(&mut there, [trip; 8]);
            let message = receive(&mut returns);
            samples.add((begin.elapsed().as_nanos() as f64 - bench.stamp_ns()) / 2.0);
            assert_eq!(message[0], trip, "the other side sends back what it got");
        }
        send(&mut there, [STOP; 8]);
    });
    samples
}

fn send(producer: &mut Producer<Message>, message: Message) {
    while producer.push(message).is_err() {
        spin_loop();
    }
}

fn receive(consumer: &mut Consumer<Message>) -> Message {
    loop {
        match consumer.pop() {
            Some(message) => return message,
            None => spin_loop(),
        }
    }
}
