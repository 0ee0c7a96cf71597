//! A kill under a burst of orders in the middle of a disk stall, with the real binary and a disk that truly stands still.
//!
//! What is stalled: the file system that holds the whole run directory (the journal's disk tier, the durable mark, the
//! kill latch, the lock), an ext4 of its own in a file, frozen with `fsfreeze`: every write, sync and page that is
//! made writable there waits in the kernel until it is thawed. Memory (`/dev/shm`, the journal's fast tier) is not.
//! The engine runs with `durability = "disk"` and no capture. Needs root and a loop device; where they are missing the
//! test is named as skipped, with the reason.
//!
//! The oracles are the journal in memory (when the kill is latched, and what was decided before and after) and the
//! simulator's record of requests (what was on the wire). The latency from the command to its record is printed, not
//! asserted.

mod world;

#[path = "bad_day/place.rs"]
#[allow(
    dead_code,
    reason = "shared with the scripts of a bad day, which use all of it"
)]
mod place;

use std::collections::BTreeSet;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bijli_core::codec::Item;
use bijli_core::command::Command as EngineCommand;
use bijli_core::event::{Event, Verb};
use bijli_core::journal::scan_published;
use bijli_core::order::Purpose;
use bijli_core::record::{RECORD_HEADER_BYTES, RecordKind, record_bytes};
use bijli_tools::control::{self, ControlRequest};
use serde_json::Value;
use tempfile::TempDir;

use crate::place::{Day, Place, WITHIN, stop, target};

/// A file system of its own, in a file.
struct Disk {
    folder: TempDir,
    is_mounted: bool,
}

const DISK_BYTES: u64 = 600 << 20;
const COMMANDS_TIMED: u64 = 50;
/// Signals come early and often, positions are small and short.
const BURST: &str = "durability = \"disk\"\nreserve_mib = 64\n\
    [strategy]\nscore_min = 0.05\nstop_loss_pct = 0.3\ntake_profit_pct = 0.4\ntrail_pct = 0.2\n\
    [risk]\nmax_positions = 60\nposition_value_pct = 3\ncooldown_s = 1\nentries_per_day_max = 4000\n\
    orders_per_day_max = 6000\ntrades_per_day_max = 4000\nrepeat_entries_max = 250\nloss_streak_max = 250\n";

impl Disk {
    /// Makes and mounts it; why that cannot be done here.
    fn make() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let image = folder.path().join("image");
        let file = std::fs::File::create(&image).map_err(|error| error.to_string())?;
        file.set_len(DISK_BYTES).map_err(|error| error.to_string())?;
        let mut disk = Self {
            folder,
            is_mounted: false,
        };
        let mount = disk.mount();
        std::fs::create_dir(&mount).map_err(|error| error.to_string())?;
        run("mkfs.ext4", &["-q", text(&image)])?;
        run("mount", &["-o", "loop", text(&image), text(&mount)])?;
        disk.is_mounted = true;
        Ok(disk)
    }

    fn mount(&self) -> PathBuf {
        self.folder.path().join("mount")
    }

    /// Stands still until what is given is dropped.
    fn freeze(&self) -> Frozen {
        let mount = self.mount();
        run("fsfreeze", &["--freeze", text(&mount)]).expect("a mounted ext4 can be frozen");
        Frozen(mount)
    }
}

/// A frozen file system: a process that waits for it cannot even be killed.
struct Frozen(PathBuf);

impl Drop for Frozen {
    fn drop(&mut self) {
        run("fsfreeze", &["--unfreeze", text(&self.0)]).expect("it was frozen by us");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted {
            // The engine on it is gone by then, or soon will be.
            let _unmounted = run("umount", &["--lazy", text(&self.mount())]);
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("folders of tests have plain names")
}

/// Runs a program of the system; what it said, or that it is not there.
fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}

/// What the journal in memory says of one process.
#[derive(Debug, Default)]
struct Told {
    /// Sequence number and tag of each entry that was decided.
    entries: Vec<(u64, String)>,
    /// Sequence number of the kill.
    kill: Option<u64>,
    records: u64,
}

/// Reads the journal in a folder, as far as it is published.
fn told(folder: &Path) -> Told {
    let mut told = Told::default();
    for path in segments(folder) {
        // A segment that the disk has is removed meanwhile.
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let Ok(records) = scan_published(&bytes) else {
            continue;
        };
        for record in records.map_while(Result::ok) {
            told.records = record.seq + 1;
            match record.item() {
                Ok(Item::Command(EngineCommand::Place(place))) if place.purpose == Purpose::Entry => {
                    told.entries.push((record.seq, place.intent.tag().to_string()));
                }
                Ok(Item::Event(Event::Controlled(word))) if word.verb == Verb::Kill => {
                    told.kill = told.kill.or(Some(record.seq));
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
    told
}

/// Looks until it is so.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < WITHIN, "never seen: {what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// The tags of all placements that the simulator heard.
fn tags_on_the_wire(place: &Place) -> BTreeSet<String> {
    let requests = place.requests();
    let placements = requests
        .iter()
        .filter(|request| request["method"] == "POST" && target(request).ends_with("/order/place"));
    placements
        .filter_map(|request| {
            let body: Value = serde_json::from_str(request["body"].as_str()?).ok()?;
            body["tag"].as_str().map(str::to_owned)
        })
        .collect()
}

/// The run's folder in memory: where its snapshot leads to.
fn memory_of(run_dir: &Path) -> PathBuf {
    let link = run_dir.join("snapshot.bin");
    let snapshot = until("the snapshot in memory", || std::fs::read_link(&link).ok());
    snapshot.parent().expect("a file lies in a folder").to_owned()
}

/// The end of the journal in memory, read on record by record: fast enough to tell when one appears.
struct Tail {
    file: std::fs::File,
    offset: u64,
}

impl Tail {
    /// Begins at the end of the newest segment that was begun.
    fn of(memory: &Path) -> Self {
        let paths = segments(memory);
        let begun = paths.iter().rev().find_map(|path| {
            let bytes = std::fs::read(path).ok()?;
            let mut records = scan_published(&bytes).ok()?;
            records.by_ref().for_each(drop);
            Some((path, records.offset()))
        });
        let (path, offset) = begun.expect("a process is at work");
        Self {
            file: std::fs::File::open(path).expect("it is written to"),
            offset,
        }
    }

    /// The kind of the next record, once it is published.
    fn next_kind(&mut self) -> Option<u16> {
        let mut head = [0; RECORD_HEADER_BYTES];
        self.file.read_exact_at(&mut head, self.offset).ok()?;
        let used = u32::from_le_bytes(*head.first_chunk()?) as usize;
        let payload_bytes = used.checked_sub(RECORD_HEADER_BYTES)?;
        self.offset += record_bytes(payload_bytes) as u64;
        Some(u16::from_le_bytes([head[24], head[25]]))
    }

    /// Looks for the next record of a kind without pause; how long after `started` it was seen, unless a segment ended
    /// first.
    fn time_until(&mut self, kind: RecordKind, started: Instant) -> Option<Duration> {
        while started.elapsed() < Duration::from_secs(3) {
            while let Some(found) = self.next_kind() {
                if found == kind.get() {
                    return Some(started.elapsed());
                }
            }
        }
        None
    }
}

/// Segments in a folder, in their order.
fn segments(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "bjl"));
    paths.sort();
    paths
}

/// A kill as `ctl kill` sends it.
fn kill_request() -> ControlRequest {
    request("kill", 77)
}

fn request(verb: &str, command_id: u64) -> ControlRequest {
    ControlRequest {
        version: control::version(),
        command_id,
        verb: verb.to_owned(),
        symbol: None,
        strategy: None,
        reason: "the disk stands still".to_owned(),
        answer: None,
    }
}

#[test]
fn a_kill_in_a_burst_of_orders_is_latched_while_the_disk_stands_still_and_no_entry_leaves_after_it() {
    let disk = match Disk::make() {
        Ok(disk) => disk,
        Err(why) => {
            println!("skipped (needs root and a loop device: {why}): a kill in a disk stall");
            return;
        }
    };
    let place = Place::start(Day {
        config: BURST,
        ..Day::default()
    });
    let runs = disk.mount().join("runs");
    place.rewrite(|config| config.replace(text(&place.world.path("runs")), text(&runs)));
    let run_dir = runs.join(place.world.run_dir().file_name().expect("a name"));
    let mut engine = place.world.spawn_engine();
    assert!(
        !engine.ended_within(Duration::from_millis(500)),
        "a configuration that it takes"
    );
    let memory = memory_of(&run_dir);
    until("positions", || {
        (place.world.stats().broker.client_positions >= 2).then_some(())
    });

    let frozen = disk.freeze();
    let records = told(&memory).records;
    // The burst goes on: entries are decided whose records the disk will not take.
    until("an entry decided in the stall", || {
        told(&memory)
            .entries
            .iter()
            .any(|(seq, _)| *seq >= records)
            .then_some(())
    });
    let mut tail = Tail::of(&memory);
    let called = Instant::now();
    let caller = {
        let socket = run_dir.join("control.sock");
        std::thread::spawn(move || control::call(&socket, &kill_request()))
    };
    let waited = tail.time_until(RecordKind::CONTROLLED, called);
    println!("kill: from the call to its record, the disk standing still: {waited:?}");
    let latched = until("the kill in the journal", || told(&memory).kill);
    // Exits need no disk; all the while nothing may leave that adds risk.
    until("exits in the stall", || {
        (place.world.stats().broker.client_positions == 0).then_some(())
    });
    let reply = caller.join().expect("the caller only calls").expect("an answer");
    assert!(
        reply.accepted && reply.message.contains("not on disk"),
        "{reply:?}"
    );
    assert!(!engine.ended_within(Duration::ZERO), "the engine lives");
    time_further_commands(&run_dir, &memory);
    let decided = told(&memory);
    drop(frozen);

    until("the broker's word that nothing is open", || {
        let reply = control::call(&run_dir.join("control.sock"), &kill_request()).ok()?;
        reply.broker_flat.then_some(())
    });
    let end = stop(engine);
    assert_eq!(end.code, Some(0), "{end:?}");
    judge(&place, &decided, (records, latched));
    let journal = run_dir.join("journal");
    judge(&place, &told(&journal), (records, latched));
    assert_replays(&place, &journal);
}

fn assert_replays(place: &Place, journal: &Path) {
    let replayed = place
        .world
        .bijli(&["replay", text(journal), "--verify", "--json"]);
    let replayed: Value = serde_json::from_slice(&replayed.stdout).expect("one JSON object");
    assert_eq!(replayed["identical"], true, "{replayed}");
}

/// One kill is one sample: commands that change nothing any more go the same way, to the journal in memory.
fn time_further_commands(run_dir: &Path, memory: &Path) {
    let socket = run_dir.join("control.sock");
    let mut times = Vec::new();
    for command_id in 1_000..1_000 + COMMANDS_TIMED {
        let mut tail = Tail::of(memory);
        std::thread::scope(|scope| {
            let called = Instant::now();
            let caller = scope.spawn(|| control::call(&socket, &request("pause", command_id)));
            times.extend(tail.time_until(RecordKind::CONTROLLED, called));
            let reply = caller.join().expect("the caller only calls").expect("an answer");
            assert!(reply.accepted, "{reply:?}");
        });
    }
    times.sort();
    let at = |percent: usize| times.get(times.len() * percent / 100).or(times.last());
    println!(
        "{} further commands, the same way: p50 {:?}, p90 {:?}, p99 {:?}, max {:?}",
        times.len(),
        at(50),
        at(90),
        at(99),
        times.last()
    );
}

/// Nothing that adds risk was decided behind the kill, and nothing decided in the stall was ever on the wire.
fn judge(place: &Place, told: &Told, (frozen, latched): (u64, u64)) {
    let on_the_wire = tags_on_the_wire(place);
    let (mut decided, mut left) = (Vec::new(), Vec::new());
    for (seq, tag) in &told.entries {
        assert!(*seq < latched, "an entry was decided behind the kill: {seq}");
        if *seq >= frozen {
            decided.push(tag);
        }
        if on_the_wire.contains(tag) {
            left.push(tag);
        }
    }
    assert!(!decided.is_empty(), "a stall without a burst proves nothing");
    let unwritten: Vec<_> = decided.iter().filter(|tag| left.contains(tag)).collect();
    assert!(
        unwritten.is_empty(),
        "left without a record on the disk: {unwritten:?}"
    );
    assert!(
        left.len() >= 2 && on_the_wire.len() > left.len(),
        "entries were heard before the stall, and exits in it"
    );
    let stats = place.world.stats().broker;
    let ledger = (stats.duplicate_tags, stats.client_positions, stats.flips);
    assert_eq!(ledger, (0, 0, 0), "the broker's ledger");
    println!(
        "{} entries left before the stall; {} decided in it before the kill, none of which left; {} exits",
        left.len(),
        decided.len(),
        on_the_wire.len() - left.len()
    );
}
