//! The journal of this process: on the disk at once, or in memory with a persister; on a full disk too.
//!
//! Invariant: a day under way is begun again as long as the disk, with the room that was kept for that, holds a small
//! segment, since it may hold positions: that room is given back first, then the segments are small ones. With
//! `durability = "disk"` it must also hold what a killed process left in memory beyond the disk, which may be more than
//! was kept: then the start is refused and memory keeps it.

use std::path::Path;
use std::sync::mpsc::Receiver;

use bijli_core::codec::DurableMark;

use super::DayPlan;
use crate::durability::Durability;
use crate::persister::{PersisterTask, RamTier, take_over_ram};
use crate::store::room::{free_bytes, keep_room, release_room};
use crate::store::{
    JournalStart, JournalStore, SegmentMaker, StoreError, remove_unused_segments, small_segment_bytes,
};

pub(super) type Journaling = (
    JournalStore,
    SegmentMaker,
    Option<(PersisterTask, Receiver<DurableMark>)>,
);

/// Completes the disk from what a killed process left in memory, with the room that was kept for a restart where the
/// disk is short before, meanwhile or after it; gives how many records came from there, those before a second attempt
/// left out.
pub(super) fn take_over(plan: &DayPlan) -> Result<u64, StoreError> {
    make_way(plan)?;
    let carried = match take_over_ram(&plan.ram_dir, &plan.run_dir) {
        // Memory holds more than was free, or a quota is not shown.
        Err(StoreError::DiskFull { .. }) if use_room(plan)? => take_over_ram(&plan.ram_dir, &plan.run_dir)?,
        carried => carried?,
    };
    make_way(plan)?;
    Ok(carried)
}

/// Gives the room back that was kept for a restart, if the disk is short of it.
fn make_way(plan: &DayPlan) -> Result<(), StoreError> {
    if free_bytes(&plan.run_dir)? < plan.segment_bytes.saturating_mul(2) {
        use_room(plan)?;
    }
    Ok(())
}

/// Gives the room back that was kept for a restart; gives whether there was any.
fn use_room(plan: &DayPlan) -> Result<bool, StoreError> {
    let was_kept = release_room(&plan.run_dir)?;
    if was_kept {
        eprintln!(
            "WARNING: the disk of {} is full: the room that was kept for a restart is used now; free some disk",
            plan.run_dir.display()
        );
    }
    Ok(was_kept)
}

/// Begins the journal, and keeps room for the next restart where there is some.
pub(super) fn begin(
    plan: &DayPlan,
    journal_dir: &Path,
    start: JournalStart,
) -> Result<Journaling, StoreError> {
    let begun = match try_begin(plan, journal_dir, start) {
        Err(full @ StoreError::DiskFull { .. }) if start.first_seq > 0 => {
            let small = JournalStart {
                segment_bytes: small_segment_bytes(start.segment_bytes),
                ..start
            };
            // A quota is shown nowhere before it refuses.
            use_room(plan)?;
            // Of two tiers one may have its segment already.
            remove_unused_segments(journal_dir)?;
            // What is told is how much would be well.
            try_begin(plan, journal_dir, small).map_err(|error| match error {
                StoreError::DiskFull { .. } => full,
                other => other,
            })?
        }
        begun => begun?,
    };
    if let Err(error) = keep_room(&plan.run_dir, plan.segment_bytes) {
        eprintln!("WARNING: no room is kept for a restart on a full disk: {error}");
    }
    Ok(begun)
}

fn try_begin(plan: &DayPlan, journal_dir: &Path, start: JournalStart) -> Result<Journaling, StoreError> {
    if plan.durability == Durability::Process {
        let (journal, maker) = JournalStore::create(journal_dir, start)?;
        return Ok((journal, maker.wanting(plan.segment_bytes, true), None));
    }
    let ram = RamTier::create(&plan.ram_dir, &plan.run_dir)?;
    remove_unused_segments(ram.dir())?;
    let (journal, maker) = JournalStore::create(ram.dir(), start)?;
    // The disk's copies are as large as the segments in memory.
    let maker = maker.wanting(plan.segment_bytes, false);
    let (task, marks) = PersisterTask::create(journal_dir, ram, start)?;
    let journal = journal.with_disk(journal_dir, task.view().clone());
    Ok((journal, maker, Some((task, marks))))
}

#[cfg(test)]
mod tests {
    use bijli_core::codec::Item;
    use bijli_core::driver::Journal;
    use bijli_core::{Event, TsNs};

    use super::super::tests::{day, plan};
    use super::super::{OpeningError, open_day};
    use super::*;
    use crate::run_dir::segment_paths;
    use crate::store::room::{ROOM_FILE, pretended};

    /// Begins a day on a roomy disk, ends its process, and begins it again where nothing at all is free.
    fn restart_on_a_full_disk(durability: Durability) {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = DayPlan {
            durability,
            ..plan(folder.path(), day(2026, 7, 31))
        };
        drop(open_day(&plan).expect("a fresh folder"));
        assert!(folder.path().join(ROOM_FILE).exists());
        pretended::set_free_bytes(0);
        let second = open_day(&plan).expect("room was kept for this");
        assert_eq!(second.epoch, 2);
        assert!(second.records_recovered > 0);
        assert!(!folder.path().join(ROOM_FILE).exists());
        drop(second);
        // Once more, with what the first restart left of the room; then there is none.
        pretended::set_free_bytes(small_segment_bytes(plan.segment_bytes) * 2);
        assert_eq!(open_day(&plan).expect("small segments").epoch, 3);
        pretended::set_free_bytes(0);
        assert!(matches!(
            open_day(&plan),
            Err(OpeningError::Store(StoreError::DiskFull { .. }))
        ));
        pretended::set_free_bytes(u64::MAX);
        assert_eq!(open_day(&plan).expect("there is room again").epoch, 5);
        assert!(folder.path().join(ROOM_FILE).exists());
    }

    /// A day whose process was killed with so many segments in memory that the disk has nothing of; gives its records.
    fn killed_with_segments_in_memory(plan: &DayPlan, count: usize) -> u64 {
        let mut first = open_day(plan).expect("a fresh folder");
        let (persister, _marks) = first.persister.take().expect("a day that waits for its disk");
        let in_memory = persister.memory_dir().to_owned();
        let mut now = first.engine.state().now().get();
        while segment_paths(&in_memory).expect("a folder").len() < count {
            first.maker.poll().expect("memory has room");
            now += 1;
            let item = Item::Event(Event::TimePassed(TsNs::new(now)));
            first
                .journal
                .append(&item, TsNs::new(now))
                .expect("a spare is ready");
        }
        first.journal.records()
    }

    #[test]
    fn the_room_kept_for_a_restart_is_used_for_what_memory_holds_beyond_the_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = DayPlan {
            durability: Durability::Disk,
            ..plan(folder.path(), day(2026, 7, 31))
        };
        let records = killed_with_segments_in_memory(&plan, 10);
        assert!(folder.path().join(ROOM_FILE).exists());
        // Enough for a start as such, and not for what is in memory.
        pretended::set_free_bytes(plan.segment_bytes * 2);
        let second = open_day(&plan).expect("room was kept for this");
        assert_eq!((second.epoch, second.records_recovered), (2, records));
        assert!(!folder.path().join(ROOM_FILE).exists());
        pretended::set_free_bytes(u64::MAX);
    }

    #[test]
    fn a_start_is_refused_where_memory_holds_more_than_is_free_and_kept_and_loses_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = DayPlan {
            durability: Durability::Disk,
            ..plan(folder.path(), day(2026, 7, 31))
        };
        let records = killed_with_segments_in_memory(&plan, 30);
        pretended::set_free_bytes(plan.segment_bytes * 2);
        let refused = open_day(&plan).expect_err("more than was kept");
        assert!(
            matches!(refused, OpeningError::Store(StoreError::DiskFull { .. })),
            "{refused}"
        );
        pretended::set_free_bytes(u64::MAX);
        let second = open_day(&plan).expect("room again");
        assert_eq!(second.records_recovered, records);
    }

    #[test]
    fn a_day_under_way_is_begun_again_on_a_full_disk() {
        restart_on_a_full_disk(Durability::Process);
    }

    #[test]
    fn a_day_that_waits_for_its_disk_is_begun_again_on_a_full_one() {
        restart_on_a_full_disk(Durability::Disk);
    }
}
