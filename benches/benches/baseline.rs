//! What measuring itself costs here, and the small steps that every other figure contains.

use std::hint::black_box;
use std::time::{Instant, SystemTime};

use bijli_benches::measure::{Bench, Entrant, print_rows};
use bijli_benches::{Samples, machine};

const REPETITIONS: usize = 5;
const CALLS: usize = 400_000;
const PER_BATCH: usize = 100;

fn main() {
    let bench = Bench::begin("baseline: the cost of measuring");
    machine::pin(0);
    let mut sink = Samples::new(1);
    let line = [7u8; 120];
    let source = [[3u8; 128]; 64];
    let mut target = vec![[0u8; 128]; 4_096];
    let rows = bench.compare(
        REPETITIONS,
        &mut [
            Entrant::new("nothing, timed singly", |bench| bench.each(CALLS, |_| ())),
            Entrant::new("nothing", |bench| bench.batches(CALLS, PER_BATCH, black_box)),
            Entrant::new("Instant::now", |bench| {
                bench.batches(CALLS, PER_BATCH, |_| Instant::now())
            }),
            Entrant::new("SystemTime::now", |bench| {
                bench.batches(CALLS, PER_BATCH, |_| SystemTime::now())
            }),
            Entrant::new("histogram record", |bench| {
                bench.batches(CALLS, PER_BATCH, |index| sink.add(index as f64))
            }),
            Entrant::new("CRC32C of 120 bytes", |bench| {
                bench.batches(CALLS, PER_BATCH, |_| crc32c::crc32c(black_box(&line)))
            }),
            Entrant::new("copy of 128 bytes", |bench| {
                bench.batches(CALLS, PER_BATCH, |index| {
                    target[index % 4_096] = source[index % 64]
                })
            }),
            Entrant::new("system call (getppid)", |bench| {
                bench.batches(CALLS, PER_BATCH, |_| std::os::unix::process::parent_id())
            }),
        ],
    );
    print_rows("steps", &rows, None);
}
