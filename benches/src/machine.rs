//! What a figure depends on: processor, cores, kernel, other load. Read from `/proc`; unknown where that is
//! missing.

use std::fs;
use std::sync::OnceLock;
use std::thread;

use core_affinity::CoreId;

/// Prints one line with the facts of this machine and its load now.
pub fn print() {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let kernel = first_line("/proc/sys/kernel/osrelease");
    let load = first_line("/proc/loadavg");
    let load: Vec<&str> = load.split(' ').take(3).collect();
    println!(
        "machine: {}, {cores} cores, kernel {kernel}, load {}",
        processor(),
        load.join(" ")
    );
    let running: f64 = load.first().and_then(|load| load.parse().ok()).unwrap_or(0.0);
    if running > cores as f64 {
        println!("WARNING: more is running than there are cores; figures of spinning threads say nothing");
    }
    if cfg!(debug_assertions) {
        println!("WARNING: built without optimiser; these figures say nothing");
    }
}

/// Pins the calling thread to the `index`-th core of this process; returns whether that worked.
pub fn pin(index: usize) -> bool {
    cores()
        .get(index)
        .copied()
        .is_some_and(core_affinity::set_for_current)
}

/// Whether two threads can spin at once.
#[must_use]
pub fn has_two_cores() -> bool {
    cores().len() >= 2
}

/// The cores that this process may run on. Asked once and before anything is pinned: a pinned thread, and
/// every thread that it starts, sees its own core alone.
fn cores() -> &'static [CoreId] {
    static CORES: OnceLock<Vec<CoreId>> = OnceLock::new();
    CORES.get_or_init(|| core_affinity::get_core_ids().unwrap_or_default())
}

fn processor() -> String {
    let facts = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = facts
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(
        || "unknown processor".to_owned(),
        |(_, name)| name.trim().to_owned(),
    )
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}
