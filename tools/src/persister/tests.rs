//! The persister on real files: what it makes durable, what a start finds, what a failed disk leaves.

use std::fs;

use bijli_core::codec::Item;
use bijli_core::driver::Journal;
use bijli_core::journal::{Marks, find_end, verify_segments};
use bijli_core::{Event, IstDay, TsNs};

use super::*;
use crate::run_dir::segment_paths;
use crate::store::room::pretended;
use crate::store::{JournalStore, SegmentMaker, make_dir, map_read, remove_unused_segments};

const SEGMENT_BYTES: u64 = 4_096;

struct Run {
    folder: tempfile::TempDir,
    journal: JournalStore,
    maker: SegmentMaker,
    task: PersisterTask,
    next: i64,
}

fn start(segment: u32, first_seq: u64) -> JournalStart {
    JournalStart {
        day: IstDay::new(20_000),
        epoch: segment + 1,
        segment,
        first_seq,
        segment_bytes: SEGMENT_BYTES,
    }
}

impl Run {
    fn begin() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let journal_dir = folder.path().join("journal");
        make_dir(&journal_dir).expect("a folder");
        let ram = RamTier::create(&folder.path().join("memory"), folder.path()).expect("a folder");
        let (journal, maker) = JournalStore::create(ram.dir(), start(0, 0)).expect("a small segment");
        let (task, _marks) = PersisterTask::create(&journal_dir, ram, start(0, 0)).expect("a small segment");
        let journal = journal.with_disk(&journal_dir, task.view().clone());
        Self {
            folder,
            journal,
            maker,
            task,
            next: 0,
        }
    }

    fn append(&mut self, count: i64) {
        for _ in 0..count {
            self.maker.poll().expect("room for a small segment");
            let ts = TsNs::new(self.next);
            let item = Item::Event(Event::TimePassed(ts));
            self.journal.append(&item, ts).expect("a spare is ready");
            self.next += 1;
        }
    }

    fn commit_all(&mut self) {
        while self.task.step(MonoNs(1), &Bell::default()) != Step::Idle {}
    }

    /// Records on the disk, as a start finds them.
    fn on_disk(&self) -> u64 {
        let dir = self.folder.path().join("journal");
        let maps: Vec<_> = segment_paths(&dir)
            .expect("segments")
            .iter()
            .map(|path| map_read(path).expect("a file"))
            .collect();
        let slices: Vec<&[u8]> = maps.iter().map(|map| &map[..]).collect();
        let marks = read_mark_file(&dir)
            .expect("readable")
            .expect("the mark file was made");
        let ending = find_end(&slices, Some(&marks)).expect("nothing is damaged");
        let Some(ending) = ending else { return 0 };
        let sound = verify_segments(&slices[..ending.segments])
            .filter(Result::is_ok)
            .count();
        assert_eq!(sound as u64, ending.last.next_seq);
        ending.last.next_seq
    }
}

#[test]
fn what_was_committed_is_on_the_disk_over_many_segments_and_leaves_memory() {
    let mut run = Run::begin();
    for _ in 0..20 {
        run.append(37);
        run.commit_all();
        assert_eq!(run.task.view().next_seq(), run.next as u64);
        assert_eq!(run.on_disk(), run.next as u64);
    }
    let in_memory = segment_paths(run.task.ram.dir()).expect("the current one").len();
    assert!(
        in_memory <= 3,
        "durable segments leave memory, {in_memory} are there"
    );
    let ram_dir = run.task.ram.dir().to_owned();
    run.journal.close().expect("the disk has everything");
    assert!(!ram_dir.exists());
    remove_unused_segments(&run.folder.path().join("journal")).expect("a readable folder");
}

#[test]
fn a_full_disk_is_no_failed_one_and_gets_the_rest_once_it_has_room() {
    let mut run = Run::begin();
    run.append(10);
    run.commit_all();
    pretended::set_free_bytes(0);
    // Memory has room: the engine goes on, over what the disk has allocated and further.
    for now in 1..20 {
        pretended::set_free_bytes(u64::MAX);
        run.append(30);
        pretended::set_free_bytes(0);
        let step = run.task.step(MonoNs(now * ASK_AGAIN_NS), &Bell::default());
        assert_ne!(step, Step::Dead, "at {now}");
    }
    let full = run.task.view().next_seq();
    assert!(full < run.next as u64 && !run.task.view().is_dead());
    assert_eq!(run.on_disk(), full);
    pretended::set_free_bytes(u64::MAX);
    let later = MonoNs(30 * ASK_AGAIN_NS);
    while run.task.step(later, &Bell::default()) != Step::Idle {}
    assert_eq!(run.task.view().next_seq(), run.next as u64);
    assert_eq!(run.on_disk(), run.next as u64);
}

#[test]
fn a_quota_that_is_shown_nowhere_makes_the_journal_short_at_once_and_until_a_segment_is_given() {
    let mut run = Run::begin();
    run.append(10);
    run.commit_all();
    assert!(!run.task.view().is_short());
    for now in 1..20 {
        pretended::set_over_quota(false);
        run.append(30);
        pretended::set_over_quota(true);
        let step = run.task.step(MonoNs(now * ASK_AGAIN_NS), &Bell::default());
        assert_ne!(step, Step::Dead, "at {now}");
    }
    assert!(run.task.view().next_seq() < run.next as u64);
    assert!(run.task.view().is_short());
    pretended::set_over_quota(false);
    run.task.step(MonoNs(20 * ASK_AGAIN_NS - 1), &Bell::default());
    assert!(run.task.view().is_short(), "not asked again yet");
    let later = MonoNs(30 * ASK_AGAIN_NS);
    while run.task.step(later, &Bell::default()) != Step::Idle {}
    assert_eq!(run.on_disk(), run.next as u64);
    assert!(!run.task.view().is_short());
}

#[test]
fn a_journal_whose_end_is_in_memory_alone_does_not_close() {
    let mut run = Run::begin();
    run.append(5);
    run.commit_all();
    run.append(1);
    let ram_dir = run.task.ram.dir().to_owned();
    assert!(matches!(run.journal.close(), Err(StoreError::NotOnDisk { .. })));
    assert!(ram_dir.exists());
}

#[test]
fn a_start_completes_the_disk_from_the_memory_of_a_killed_process() {
    let mut run = Run::begin();
    run.append(100);
    run.commit_all();
    // The disk stalls; the engine goes on over several segments, and the process is killed.
    run.append(150);
    drop(run.maker);
    let (folder, ram) = (run.folder.path().to_owned(), folder_in_memory(&run.folder));
    drop((run.journal, run.task));
    let kept = ram.join("copy");
    fs::create_dir(&kept).expect("a folder");
    let carried = take_over_ram(&ram, &folder).expect("readable");
    assert_eq!(carried, 150);
    assert_eq!(
        take_over_ram(&ram, &folder).expect("readable"),
        0,
        "a second start finds it done"
    );
    remove_unused_segments(&folder.join("journal")).expect("readable");
    let maps: Vec<_> = segment_paths(&folder)
        .expect("segments")
        .iter()
        .map(|path| map_read(path).expect("a file"))
        .collect();
    let slices: Vec<&[u8]> = maps.iter().map(|map| &map[..]).collect();
    assert_eq!(verify_segments(&slices).filter(Result::is_ok).count(), 250);
}

fn folder_in_memory(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("memory")
}

#[test]
fn memory_that_contradicts_the_disk_is_kept_aside_and_not_believed() {
    let mut run = Run::begin();
    run.append(20);
    run.commit_all();
    run.append(5);
    let (folder, memory) = (run.folder.path().to_owned(), folder_in_memory(&run.folder));
    let segment = segment_path(run.task.ram.dir(), 0);
    let Run {
        journal,
        task,
        folder: _folder,
        ..
    } = run;
    drop((journal, task));
    let mut bytes = fs::read(&segment).expect("a file");
    bytes[64 + 8] ^= 1;
    fs::write(&segment, bytes).expect("a file");
    assert_eq!(take_over_ram(&memory, &folder).expect("readable"), 0);
    assert!(segment.with_extension("not-believed").exists());
    let map = map_read(&segment_path(&folder.join("journal"), 0)).expect("a file");
    let found = bijli_core::journal::recover(&map).expect("a sound header");
    assert_eq!(found.records, 20);
}

#[test]
fn a_disk_that_fails_is_dead_for_good_and_memory_keeps_everything() {
    let mut run = Run::begin();
    run.append(10);
    run.commit_all();
    // The place of a coming segment is taken by a folder: it cannot be made, as on a broken disk.
    let journal_dir = run.folder.path().join("journal");
    fs::create_dir_all(segment_path(&journal_dir, 2)).expect("a folder");
    run.append(300);
    let mut last = Step::Some;
    for _ in 0..1_000 {
        last = run.task.step(MonoNs(1), &Bell::default());
    }
    assert_eq!(last, Step::Dead);
    assert!(run.task.view().is_dead());
    let durable = run.task.view().next_seq();
    fs::remove_dir(segment_path(&journal_dir, 2)).expect("a folder");
    assert_eq!(
        run.task.step(MonoNs(2), &Bell::default()),
        Step::Dead,
        "it is not asked again"
    );
    assert_eq!(run.task.view().next_seq(), durable);
    assert_eq!(run.on_disk(), durable);
    assert!(matches!(
        read_marks(&read_mark_file(&journal_dir).expect("readable").expect("made")),
        Marks::Found(_)
    ));
}
