//! The journal of this process: on the disk at once, or in memory with a persister; on a full disk too.
//!
//! Invariant: a day under way is begun again as long as the disk holds a small segment, since it may hold positions:
//! the room that was kept for that is given back first, then the segments are small ones.

use std::path::Path;
use std::sync::mpsc::Receiver;

use bijli_core::codec::DurableMark;

use super::DayPlan;
use crate::durability::Durability;
use crate::persister::{PersisterTask, RamTier};
use crate::store::room::{free_bytes, keep_room, release_room};
use crate::store::{
    JournalStart, JournalStore, SegmentMaker, StoreError, remove_unused_segments, small_segment_bytes,
};

pub(super) type Journaling = (
    JournalStore,
    SegmentMaker,
    Option<(PersisterTask, Receiver<DurableMark>)>,
);

/// Gives the room back that was kept for a restart, if the disk is short of it.
pub(super) fn make_way(plan: &DayPlan) -> Result<(), StoreError> {
    let is_short = free_bytes(&plan.run_dir)? < plan.segment_bytes.saturating_mul(2);
    if is_short && release_room(&plan.run_dir)? {
        eprintln!(
            "WARNING: the disk of {} is full: the room that was kept for a restart is used now; free some disk",
            plan.run_dir.display()
        );
    }
    Ok(())
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
    use super::super::tests::{day, plan};
    use super::super::{OpeningError, open_day};
    use super::*;
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

    #[test]
    fn a_day_under_way_is_begun_again_on_a_full_disk() {
        restart_on_a_full_disk(Durability::Process);
    }

    #[test]
    fn a_day_that_waits_for_its_disk_is_begun_again_on_a_full_one() {
        restart_on_a_full_disk(Durability::Disk);
    }
}
