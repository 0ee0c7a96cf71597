//! A day's journal replayed as every start does it: each byte checked, each record decoded, each event applied, each
//! command compared with the one that the journal has.
//!
//! The journal is the folder that `BIJLI_JOURNAL` names, for instance `runs/STARTED-demo/journal` after
//! `bijli demo --headless --instruments 1500` (ten million events); without it nothing is measured, which is said. The
//! files are read once before the clock starts: whether the disk is fast is another question. Left out: taking the
//! broker's books over, which waits for the broker.

use std::path::PathBuf;
use std::time::Instant;

use bijli_benches::machine;
use bijli_core::journal::replay_segments;
use bijli_strategy::SpikeStrategy;

const REPETITIONS: usize = 3;

fn main() {
    println!("\n== recovery: a day's journal replayed");
    machine::print();
    let Some(folder) = std::env::var_os("BIJLI_JOURNAL") else {
        println!("skipped: BIJLI_JOURNAL names no journal folder");
        return;
    };
    machine::pin(0);
    let files = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "bjl"));
    paths.sort();
    let segments: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| std::fs::read(path).expect("a readable segment"))
        .collect();
    let slices: Vec<&[u8]> = segments.iter().map(Vec::as_slice).collect();
    for _ in 0..REPETITIONS {
        let begun = Instant::now();
        let past = replay_segments(&slices, None, SpikeStrategy::new());
        let elapsed = begun.elapsed();
        let past = past.expect("a sound journal of this version");
        let events = past.engine.state().counts().events;
        println!(
            "{} records, {events} events in {:.2} s: {:.0} ns an event",
            past.records,
            elapsed.as_secs_f64(),
            elapsed.as_nanos() as f64 / events as f64
        );
    }
}
