//! The engine is killed (SIGKILL) at random instants of simulated days, many times, and must lose nothing.
//!
//! The oracle is the simulator's own ledger: every tag at most once, flat at the end; and what stood in the journal
//! at the instant of a kill, in memory or on the disk, must stand there at the next start. Days take turns with
//! `durability = "process"` and `"disk"`. The number of kills is `BIJLI_KILLS` (12 unless set), six a day at most;
//! the seed is printed, and `BIJLI_SEED` repeats a run.

mod world;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bijli_core::codec::Item;
use bijli_core::event::Event;
use bijli_core::journal::{is_unused, recover, verify_segments};
use bijli_core::{IstDay, Money};
use bijli_simulator::{DaySpec, SimSettings};
use world::{Dice, World, env_number};

/// So few that a day at full speed outlasts them.
const KILLS_PER_DAY: u64 = 6;

#[test]
fn an_engine_killed_at_random_instants_doubles_nothing_and_ends_flat() {
    let kills = env_number("BIJLI_KILLS").unwrap_or(12);
    let seed = env_number("BIJLI_SEED").unwrap_or_else(world::fresh_seed);
    eprintln!("kills: {kills}, seed: {seed} (repeat with BIJLI_SEED={seed})");
    let (mut killed, mut days) = (0, 0);
    while killed < kills {
        let on_disk = days % 2 == 1;
        let wanted = KILLS_PER_DAY.min(kills - killed);
        killed += kill_through_a_day(seed.wrapping_add(days), wanted, on_disk);
        days += 1;
    }
    eprintln!("{killed} kills on {days} days");
}

/// Gives how often the engine was killed before the day was over.
fn kill_through_a_day(seed: u64, wanted: u64, on_disk: bool) -> u64 {
    let what = format!("seed {seed}, on disk: {on_disk}");
    let mut dice = Dice::new(seed);
    let world = world_of(seed, on_disk);
    let mut published = Vec::new();
    for _ in 0..wanted {
        let mut engine = world.spawn_engine();
        let delay = Duration::from_millis(20 + dice.below(380));
        if engine.ended_within(delay) {
            break;
        }
        engine.kill();
        published.push(published_records(&world));
        assert_eq!(
            world.stats().broker.duplicate_tags,
            0,
            "a tag was sent twice, {what}"
        );
    }
    assert!(
        !published.is_empty(),
        "a day that ends before a kill proves nothing, {what}"
    );
    let (code, output) = world.spawn_engine().finish(Duration::from_secs(120));
    assert_eq!(
        code,
        Some(0),
        "the last engine ends the day in order, {what}: {output}"
    );
    let stats = world.stats();
    assert_eq!(stats.broker.duplicate_tags, 0, "{what}");
    assert_eq!(
        stats.broker.open_positions, 0,
        "the broker's ledger is flat, {what}"
    );
    assert!(stats.day_done, "the day was played to its end, {what}");
    assert!(
        stats.broker.orders_seen > 0,
        "a day without orders proves nothing, {what}"
    );
    check_journal(&world, &published, &what);
    published.len() as u64
}

fn world_of(seed: u64, on_disk: bool) -> World {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    let settings = SimSettings {
        day: DaySpec::Synthetic { day, instruments: 60 },
        seed,
        capital: Money::from_rupees(100_000),
        ..SimSettings::default()
    };
    // The journal's section is the last one of the configuration.
    let more = if on_disk { "durability = \"disk\"\n" } else { "" };
    World::with(settings, more)
}

/// Number of the first record that was not published when the engine was killed, and the epoch of the last one that was.
fn published_records(world: &World) -> (u64, u32) {
    let whole = world.run_dir().canonicalize().unwrap_or_default();
    let path_crc = crc32c::crc32c(whole.as_os_str().as_encoded_bytes());
    let name = whole
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let memory = PathBuf::from(format!("/dev/shm/bijli-{name}-{path_crc:08x}"));
    let ends = segments(&memory)
        .into_iter()
        .chain(segments(Path::new(world.journal())));
    ends.filter(|bytes| !is_unused(bytes))
        .filter_map(|bytes| recover(&bytes).ok())
        .map(|found| (found.next_seq, found.header.epoch))
        .max()
        .unwrap_or_default()
}

fn segments(folder: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "bjl"));
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("our own file"))
        .collect()
}

/// The whole day replays to the same commands, and each process began behind everything that was published before.
fn check_journal(world: &World, published: &[(u64, u32)], what: &str) {
    let replayed = world.bijli(&["replay", world.journal(), "--verify", "--json"]);
    assert!(
        replayed.status.success(),
        "{what}: {}",
        String::from_utf8_lossy(&replayed.stderr)
    );
    let answer: serde_json::Value = serde_json::from_slice(&replayed.stdout).expect("one JSON object");
    assert_eq!(
        answer["identical"], true,
        "every process's journal replays to the same commands, {what}"
    );
    let files = segments(Path::new(world.journal()));
    let slices: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let starts: Vec<(u64, u32)> = verify_segments(&slices)
        .map(|record| record.expect("verified just now"))
        .filter_map(|record| match record.item() {
            Ok(Item::Event(Event::ProcessStarted(started))) => Some((record.seq, started.epoch)),
            Ok(_) | Err(_) => None,
        })
        .collect();
    for (end, epoch) in published {
        // A process that was killed before it wrote its first record left no start.
        let later = starts.iter().find(|(_, started)| started > epoch);
        let (seq, _) = later.expect("the last process came to its end");
        assert!(seq >= end, "{what}: of {end} records at a kill {seq} were left");
    }
}
