//! The power goes while a process writes its very first record, on real files: the next start sets that segment aside
//! and names once more what was torn before it, and the start after reads everything.

use std::fs;
use std::path::PathBuf;

use bijli_core::journal::{find_end, verify_segments};
use bijli_core::record::SEGMENT_HEADER_BYTES;

use super::tests::{day, plan};
use super::*;
use crate::duty_cycle::{Bell, MonoNs};
use crate::store::{MARK_FILE, segment_path};

/// A run directory whose machine loses power.
struct Machine {
    folder: tempfile::TempDir,
    plan: DayPlan,
}

impl Machine {
    fn new(durability: Durability) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = DayPlan {
            durability,
            ..plan(folder.path(), day(2026, 7, 31))
        };
        Self { folder, plan }
    }

    fn journal_dir(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    fn segment(&self, number: u32) -> PathBuf {
        segment_path(&self.journal_dir(), number)
    }

    fn read(&self, number: u32) -> Vec<u8> {
        fs::read(self.segment(number)).expect("the segment is there")
    }

    /// A process takes the day over and commits what it wrote, and its memory is lost; gives its epoch.
    fn live(&self) -> u32 {
        let mut open = open_day(&self.plan).expect("a power cut refuses no start");
        if let Some((persister, _marks)) = &mut open.persister {
            while persister.step(MonoNs(1), &Bell::default()) != crate::persister::Step::Idle {}
            fs::remove_dir_all(persister.memory_dir()).expect("our own folder");
        }
        open.epoch
    }

    /// As `live`, and the last segment has a torn tail behind its records.
    fn live_and_tear_the_tail(&self, segment: u32) {
        self.live();
        let mut bytes = self.read(segment);
        let end = find_end(&[&bytes], None).expect("sound").expect("records");
        bytes[end.last.end_offset as usize + 100] = 0x5A;
        fs::write(self.segment(segment), bytes).expect("our own file");
    }

    /// As `live`, and the first record of `segment`, its first one, is torn; the mark of it did not come to the disk.
    /// Gives the segment's bytes.
    fn live_and_tear_the_first_record(&self, segment: u32) -> Vec<u8> {
        let marks = read_mark_file(&self.journal_dir()).expect("readable");
        self.live();
        if let Some(marks) = marks {
            fs::write(self.journal_dir().join(MARK_FILE), marks).expect("our own file");
        }
        self.tear_first_record(segment)
    }

    fn tear_first_record(&self, segment: u32) -> Vec<u8> {
        let mut bytes = self.read(segment);
        bytes[SEGMENT_HEADER_BYTES + 9] ^= 1;
        fs::write(self.segment(segment), &bytes).expect("our own file");
        bytes
    }

    /// Tails that are named by the day's segments up to number `last`, every byte of which must be accounted for.
    fn cuts_named(&self, last: u32) -> u32 {
        let bytes: Vec<Vec<u8>> = (0..=last).map(|number| self.read(number)).collect();
        let slices: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        let mut records = verify_segments(&slices);
        assert_eq!(records.by_ref().find_map(Result::err), None);
        records.tail_cuts()
    }
}

fn torn_twice(durability: Durability) {
    let machine = Machine::new(durability);
    machine.live_and_tear_the_tail(0);
    let first = machine.live_and_tear_the_first_record(1);
    let second = machine.live_and_tear_the_first_record(1);
    assert_ne!(first, second, "another process");
    assert_eq!(machine.live(), 4);
    assert_eq!(machine.cuts_named(1), 1);
    // And the start after that, which the journal was damaged for.
    assert_eq!(machine.live(), 5);
    assert_eq!(machine.cuts_named(2), 1);
    for (name, bytes) in [("torn", first), ("torn-2", second)] {
        let kept = machine.segment(1).with_extension(name);
        assert_eq!(fs::read(kept).expect("kept for the inquest"), bytes);
    }
}

#[test]
fn a_day_torn_twice_is_taken_over_again_and_again() {
    torn_twice(Durability::Process);
}

#[test]
fn a_day_that_waits_for_its_disk_and_is_torn_twice_is_taken_over_again_and_again() {
    torn_twice(Durability::Disk);
}

#[test]
fn a_first_segment_torn_in_its_first_record_is_a_fresh_day() {
    for durability in [Durability::Process, Durability::Disk] {
        let machine = Machine::new(durability);
        let torn = machine.live_and_tear_the_first_record(0);
        if durability == Durability::Disk {
            // No mark was there before.
            fs::write(machine.journal_dir().join(MARK_FILE), [0; 1_024]).expect("our own file");
        }
        assert_eq!(machine.live(), 2);
        assert_eq!(machine.cuts_named(0), 0);
        let kept = machine.segment(0).with_extension("torn");
        assert_eq!(fs::read(kept).expect("kept for the inquest"), torn);
    }
}

#[test]
fn a_first_record_that_was_on_the_disk_refuses_the_start_and_stays_where_it_is() {
    let machine = Machine::new(Durability::Disk);
    machine.live_and_tear_the_tail(0);
    machine.live();
    let torn = machine.tear_first_record(1);
    let refused = open_day(&machine.plan).expect_err("rot");
    assert!(
        matches!(
            refused,
            OpeningError::Corrupt(_, Corruption::BelowMark { segment: Some(1), .. })
        ),
        "{refused}"
    );
    assert_eq!(machine.read(1), torn);
}

#[test]
fn a_start_killed_between_header_and_its_first_word_leaves_no_riddle() {
    let machine = Machine::new(Durability::Process);
    machine.live_and_tear_the_tail(0);
    machine.live();
    let mut cut_off = machine.read(1);
    cut_off[..8].fill(0);
    cut_off[SEGMENT_HEADER_BYTES..].fill(0);
    fs::write(machine.segment(1), cut_off).expect("our own file");
    assert_eq!(machine.live(), 3);
    assert_eq!(machine.cuts_named(1), 1);
}
