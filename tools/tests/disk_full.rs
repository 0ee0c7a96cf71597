//! A disk that gets full while the real binary trades: raw frames stop, entries pause, a restart and a kill go through.
//!
//! The test starts itself again inside `unshare --mount` (as root, or as root of a user namespace) and mounts a small
//! file system in memory over the folder of the runs: journal, capture, lock, kill latch and snapshot all lie there.
//! A ballast file takes what is free, to the last page. Where no such namespace can be had the test is named as
//! skipped, with the reason. The oracles are the journal (what was decided while entries were paused), the
//! simulator's ledger, and a replay. Played with both kinds of `durability`. Left out: what a real disk's file system keeps
//! for root.

mod namespace;
mod world;

#[path = "bad_day/place.rs"]
#[allow(
    dead_code,
    reason = "shared with the scripts of a bad day, which use all of it"
)]
mod place;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use bijli_core::codec::Item;
use bijli_core::command::Command as EngineCommand;
use bijli_core::event::{Event, Verb};
use bijli_core::journal::scan_published;
use bijli_core::order::Purpose;
use bijli_simulator::Speed;
use serde_json::Value;

use crate::namespace::{BUSY, is_inside, play_inside, shell};
use crate::place::{Day, Place, WITHIN, stop};
use crate::world::EngineProcess;

const TEST: &str =
    "on_a_full_disk_raw_frames_stop_entries_pause_and_come_back_and_a_restart_and_a_kill_go_through";
/// Room for the journal's segments and one of raw frames, but not for a second one beside the reserve.
const DISK_MIB: u64 = 300;
#[test]
fn on_a_full_disk_raw_frames_stop_entries_pause_and_come_back_and_a_restart_and_a_kill_go_through() {
    if is_inside() {
        for durability in ["process", "disk"] {
            play(durability);
        }
    } else if let Err(why) = play_inside("mount", "mount -t tmpfs -o size=1m none /mnt", TEST) {
        println!("skipped (no mount namespace: {why}): a day on a full disk");
    }
}

/// A day on a disk of its own, with one engine after the other.
struct Desk {
    place: Place,
    runs: PathBuf,
    starts: u32,
}

impl Desk {
    fn new(durability: &str) -> Self {
        let place = Place::start(Day {
            config: BUSY,
            speed: Speed::Times(60.0),
            ..Day::default()
        });
        place.rewrite(|config| {
            let journal = format!("segment_mib = 32\nreserve_mib = 64\ndurability = {durability:?}\n");
            config
                .replace("segment_mib = 16\n", &journal)
                .replace("capture = false", "capture = true")
        });
        let runs = place.world.path("runs");
        fs::create_dir(&runs).expect("a folder");
        let mount = format!("mount -t tmpfs -o size={DISK_MIB}m none {}", runs.display());
        shell(&mount).expect("tried outside");
        Self {
            place,
            runs,
            starts: 0,
        }
    }

    /// Starts an engine that writes its log where there is room.
    fn start(&mut self) -> EngineProcess {
        self.starts += 1;
        let log = File::create(self.log_path()).expect("room for a log");
        self.place.world.spawn_engine_saying_to(Stdio::from(log))
    }

    fn log_path(&self) -> PathBuf {
        self.place.world.path(&format!("log-{}", self.starts))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_path()).expect("the log of the engine at work")
    }

    /// Waits until the engine at work has said something.
    fn until_said(&self, words: &str) {
        let started = Instant::now();
        while !self.log().contains(words) {
            assert!(started.elapsed() < WITHIN, "never said: {words}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Takes all that is free on the disk, to the last page.
    fn fill(&self) {
        let ballast = File::options()
            .append(true)
            .create(true)
            .open(self.runs.join("ballast"));
        let mut ballast = ballast.expect("a name takes no page");
        let zeros = vec![0; 1 << 20];
        for bytes in [1 << 20, 4_096] {
            while ballast.write_all(&zeros[..bytes]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.runs.join("ballast")).expect("our file");
    }

    fn ctl(&self, words: &[&str]) -> std::process::Output {
        let run_dir = self.place.world.run_dir().display().to_string();
        let arguments = [&["ctl"], words, &["--dir", &run_dir]].concat();
        self.place.world.bijli(&arguments)
    }

    fn entries_decided(&self) -> usize {
        decided(&self.place.world.run_dir().join("journal")).len()
    }
}

fn play(durability: &str) {
    let mut desk = Desk::new(durability);
    let engine = desk.start();
    let positions = |desk: &Desk| desk.place.world.stats().broker.client_positions;
    desk.place.until_seen("positions", |_| positions(&desk) >= 2);
    assert!(
        desk.log().contains("raw frames are not kept any more"),
        "{}",
        desk.log()
    );

    desk.fill();
    desk.until_said("error: the journal's disk is full");
    assert_paused(&desk);
    let resumed = desk.ctl(&["resume"]);
    assert_eq!(resumed.status.code(), Some(0), "{resumed:?}");
    let said = String::from_utf8_lossy(&resumed.stdout).into_owned();
    assert!(said.contains("PAUSED") && said.contains("disk is full"), "{said}");
    assert_paused(&desk);
    desk.make_room();
    desk.until_said("the journal's disk has room again");
    let before = desk.entries_decided();
    let resumed = desk.ctl(&["resume"]);
    assert!(
        String::from_utf8_lossy(&resumed.stdout).contains("ACTIVE"),
        "{resumed:?}"
    );
    desk.place
        .until_seen("entries after the resume", |_| desk.entries_decided() > before);

    desk.place.until_seen("positions", |_| positions(&desk) >= 2);
    desk.fill();
    engine.kill();
    desk.fill();
    let left = positions(&desk);
    let engine = desk.start();
    desk.until_said("error: the journal's disk is full");
    assert_paused(&desk);
    assert!(!desk.place.world.run_dir().join("restart.room").exists());
    desk.fill();
    let killed = desk.ctl(&["kill", "--wait", "60"]);
    assert_eq!(
        killed.status.code(),
        Some(0),
        "flat by the broker's word: {killed:?}"
    );
    let latch = fs::metadata(desk.runs.join("test.latch")).expect("it outlives the day");
    println!(
        "{durability}: {left} positions were closed by a kill after a restart on a full disk; its latch has {} bytes",
        latch.len()
    );
    let end = stop(engine);
    assert_eq!(end.code, Some(0), "{end:?} {}", desk.log());
    judge(&desk, left);
}

fn assert_paused(desk: &Desk) {
    let state = desk.place.until("paused", |state| state["mode"] == "PAUSED");
    let waits = state["supervision"]["waits_for"].to_string();
    assert!(waits.contains("room on the journal's disk"), "{state}");
}

/// Nothing was sent twice, nothing is open, no entry was decided while the disk was full, and a replay agrees.
fn judge(desk: &Desk, left: u64) {
    assert!(left >= 1, "a restart with nothing open proves nothing");
    let stats = desk.place.world.stats().broker;
    let ledger = (stats.duplicate_tags, stats.client_positions, stats.flips);
    assert_eq!(ledger, (0, 0, 0), "the broker's ledger");
    let journal = desk.place.world.journal();
    let entries = decided(Path::new(journal));
    let in_pause: Vec<_> = entries.iter().filter(|(_, is_paused)| *is_paused).collect();
    assert!(in_pause.is_empty(), "decided on a full disk: {in_pause:?}");
    let replayed = desk.place.world.bijli(&["replay", journal, "--verify", "--json"]);
    let replayed: Value = serde_json::from_slice(&replayed.stdout).expect("one JSON object");
    assert_eq!(replayed["identical"], true, "{replayed}");
}

/// Sequence number of each entry that was decided, and whether entries were paused then.
fn decided(journal: &Path) -> Vec<(u64, bool)> {
    let files = fs::read_dir(journal).into_iter().flatten();
    let mut paths: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "bjl"));
    paths.sort();
    let (mut entries, mut is_paused) = (Vec::new(), false);
    for path in paths {
        let bytes = fs::read(&path).expect("a journal keeps its segments");
        let Ok(records) = scan_published(&bytes) else {
            continue;
        };
        for record in records.map_while(Result::ok) {
            match record.item() {
                Ok(Item::Command(EngineCommand::Place(place))) if place.purpose == Purpose::Entry => {
                    entries.push((record.seq, is_paused));
                }
                Ok(Item::Event(Event::Controlled(word))) => match word.verb {
                    Verb::Pause => is_paused = true,
                    Verb::Resume => is_paused = false,
                    _ => {}
                },
                Ok(_) | Err(_) => {}
            }
        }
    }
    entries
}
