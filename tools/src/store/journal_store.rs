//! The journal as the engine writes it: mapped segments, one after the other, the next one ready.
//!
//! Invariant: nothing is appended where the next segment is not to be had. With `durability = "disk"` the segments
//! lie in memory and the persister copies them; at the end both are compared by how far the disk got.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use bijli_core::codec::Item;
use bijli_core::driver::Journal;
use bijli_core::journal::{JournalError, JournalWriter};
use bijli_core::record::SegmentHeader;
use bijli_core::{IstDay, TsNs};
use memmap2::MmapMut;

use super::room::free_bytes;
use super::{StoreError, io_error, map_new, punch_unused, segment_path};
use crate::durability::DurableView;

/// How long the engine may wait for a segment that should have been ready.
const SPARE_DEADLINE: Duration = Duration::from_secs(5);

/// The journal as the engine writes it: one segment at a time, the next one ready.
#[derive(Debug)]
pub struct JournalStore {
    writer: JournalWriter<MmapMut>,
    spares: Receiver<MmapMut>,
    path: PathBuf,
    dir: PathBuf,
    bytes_before: u64,
    /// Where the disk's copy lies and how far it is, if `dir` is a folder in memory.
    disk: Option<(PathBuf, DurableView)>,
}

/// Makes segments ahead of their use; belongs to the housekeeping thread.
#[derive(Debug)]
pub struct SegmentMaker {
    dir: PathBuf,
    name: fn(&Path, u32) -> PathBuf,
    next_segment: u32,
    segment_bytes: u64,
    /// Size of a whole segment.
    wanted_bytes: u64,
    /// Whether a smaller segment will do where the disk has no room for a whole one.
    may_shrink: bool,
    /// What must be free besides; 0 = nothing.
    keep_free_bytes: u64,
    spares: SyncSender<MmapMut>,
    ready: Option<MmapMut>,
}

/// Where a process begins to write.
#[derive(Clone, Copy, Debug)]
pub struct JournalStart {
    /// The trading day.
    pub day: IstDay,
    /// Process epoch.
    pub epoch: u32,
    /// Number of the first segment of this process.
    pub segment: u32,
    /// Sequence number of its first record.
    pub first_seq: u64,
    /// Size of each segment.
    pub segment_bytes: u64,
}

impl Journal for JournalStore {
    type Error = StoreError;

    /// Fails also when the next segment is not to be had.
    fn append(&mut self, item: &Item, ts: TsNs) -> Result<(), StoreError> {
        match self.writer.append_item(item, ts) {
            Ok(_) => Ok(()),
            Err(JournalError::Full { .. }) => {
                self.roll()?;
                self.writer.append_item(item, ts)?;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl JournalStore {
    /// Begins a new segment in `dir` and gives the maker of those to come.
    ///
    /// # Errors
    /// When the first segment cannot be allocated.
    pub fn create(dir: &Path, start: JournalStart) -> Result<(Self, SegmentMaker), StoreError> {
        let path = segment_path(dir, start.segment);
        let header = SegmentHeader {
            segment: start.segment,
            epoch: start.epoch,
            day: start.day,
            first_seq: start.first_seq,
        };
        let writer = JournalWriter::create(map_new(&path, start.segment_bytes)?, header)?;
        let (maker, engine_end) =
            SegmentMaker::new(dir, segment_path, start.segment + 1, start.segment_bytes);
        Ok((
            Self {
                writer,
                spares: engine_end,
                path,
                dir: dir.to_owned(),
                bytes_before: 0,
                disk: None,
            },
            maker,
        ))
    }

    fn roll(&mut self) -> Result<(), StoreError> {
        let next = match self.spares.recv_timeout(SPARE_DEADLINE) {
            Ok(next) => next,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Err(StoreError::NoSpare);
            }
        };
        let done = *self.writer.header();
        let header = SegmentHeader {
            segment: done.segment + 1,
            first_seq: self.writer.next_seq(),
            ..done
        };
        self.bytes_before += self.writer.used_bytes() as u64;
        self.writer = JournalWriter::create(next, header)?;
        self.path = segment_path(&self.dir, header.segment);
        Ok(())
    }

    /// Records written so far over the whole day.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.writer.next_seq()
    }

    /// Bytes written by this process.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes_before + self.writer.used_bytes() as u64
    }

    /// Says that this journal lies in memory, that the disk's copy is in `journal_dir`, and who knows how far that is.
    #[must_use]
    pub fn with_disk(mut self, journal_dir: &Path, view: DurableView) -> Self {
        self.disk = Some((journal_dir.to_owned(), view));
        self
    }

    /// Ends the writing: everything reaches the disk, the unused rest gives its blocks back.
    ///
    /// # Errors
    /// When the system refuses to sync, or the disk lacks records that are in memory.
    pub fn close(self) -> Result<(), StoreError> {
        let used = self.writer.used_bytes() as u64;
        let (records, segment) = (self.writer.next_seq(), self.writer.header().segment);
        let map = self.writer.into_inner();
        let Some((journal_dir, view)) = self.disk else {
            map.flush().map_err(io_error("syncing", &self.path))?;
            drop(map);
            return punch_unused(&self.path, used);
        };
        drop(map);
        if view.next_seq() < records {
            return Err(StoreError::NotOnDisk { ram: self.dir });
        }
        punch_unused(&segment_path(&journal_dir, segment), used)?;
        std::fs::remove_dir_all(&self.dir).map_err(io_error("removing", &self.dir))
    }
}

impl SegmentMaker {
    /// A maker of segments in `dir`, named by `name`, from number `first` on; and where they come out.
    #[must_use]
    pub fn new(
        dir: &Path,
        name: fn(&Path, u32) -> PathBuf,
        first: u32,
        segment_bytes: u64,
    ) -> (Self, Receiver<MmapMut>) {
        let (spares, ends) = sync_channel(1);
        let maker = Self {
            dir: dir.to_owned(),
            name,
            next_segment: first,
            segment_bytes,
            wanted_bytes: segment_bytes,
            may_shrink: false,
            keep_free_bytes: 0,
            spares,
            ready: None,
        };
        (maker, ends)
    }

    /// Says how large a whole segment is, where this journal had to begin with a small one. If segments may differ,
    /// whole ones are made from here on, and small ones where the disk has no room; else all are like the first.
    #[must_use]
    pub const fn wanting(mut self, wanted_bytes: u64, may_differ: bool) -> Self {
        self.wanted_bytes = wanted_bytes;
        self.may_shrink = may_differ;
        if may_differ {
            self.segment_bytes = wanted_bytes;
        }
        self
    }

    /// Makes no segment that would leave less than this on the disk.
    #[must_use]
    pub const fn keeping_free(mut self, bytes: u64) -> Self {
        self.keep_free_bytes = bytes;
        self
    }

    /// Where the segments are made.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Size of a whole segment.
    #[must_use]
    pub const fn wanted_bytes(&self) -> u64 {
        self.wanted_bytes
    }

    fn make(&self, path: &Path) -> Result<MmapMut, StoreError> {
        if self.keep_free_bytes > 0 {
            let free_bytes = free_bytes(&self.dir)?;
            if free_bytes < self.keep_free_bytes.saturating_add(self.segment_bytes) {
                return Err(StoreError::KeptFree {
                    path: self.dir.clone(),
                    kept_bytes: self.keep_free_bytes,
                    free_bytes,
                });
            }
        }
        match map_new(path, self.segment_bytes) {
            // What is told is how much would be well.
            Err(full @ StoreError::DiskFull { .. }) if self.may_shrink => {
                map_new(path, small_segment_bytes(self.segment_bytes)).map_err(|_| full)
            }
            made => made,
        }
    }

    /// Keeps one segment ready; gives whether one was made.
    ///
    /// # Errors
    /// When a segment cannot be allocated: entries stop while the current one still has room (`segment_supply`).
    pub fn poll(&mut self) -> Result<bool, StoreError> {
        if self.ready.is_none() {
            let path = (self.name)(&self.dir, self.next_segment);
            self.ready = Some(self.make(&path)?);
            self.next_segment += 1;
        }
        let Some(map) = self.ready.take() else {
            return Ok(false);
        };
        match self.spares.try_send(map) {
            Ok(()) => Ok(true),
            Err(TrySendError::Full(map) | TrySendError::Disconnected(map)) => {
                self.ready = Some(map);
                Ok(false)
            }
        }
    }
}

/// Size of a segment where the disk has no room for one of `segment_bytes`: small enough to be found on nearly any
/// disk, large enough for the better part of a busy minute.
#[must_use]
pub fn small_segment_bytes(segment_bytes: u64) -> u64 {
    (segment_bytes / 16).max(4_096).min(segment_bytes)
}

#[cfg(test)]
mod tests {
    use memmap2::Mmap;

    use super::*;
    use crate::store::{map_read, remove_unused_segments, segment_paths};

    fn start(segment_bytes: u64) -> JournalStart {
        JournalStart {
            day: IstDay::new(20_000),
            epoch: 1,
            segment: 0,
            first_seq: 0,
            segment_bytes,
        }
    }

    #[test]
    fn a_journal_rolls_over_segments_and_reads_back_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut store, mut maker) =
            JournalStore::create(folder.path(), start(4_096)).expect("a small segment");
        for number in 0..1_000 {
            maker.poll().expect("room for a small segment");
            let ts = TsNs::new(number);
            store
                .append(&Item::Event(bijli_core::Event::TimePassed(ts)), ts)
                .expect("a spare is ready");
        }
        store.close().expect("a plain file");
        drop(maker);
        remove_unused_segments(folder.path()).expect("a readable folder");
        let maps: Vec<Mmap> = segment_paths(folder.path())
            .iter()
            .map(|path| map_read(path).expect("a readable segment"))
            .collect();
        assert!(maps.len() > 10);
        let slices: Vec<&[u8]> = maps.iter().map(|map| &map[..]).collect();
        let records = bijli_core::journal::verify_segments(&slices).map(|record| record.expect("sound"));
        assert_eq!(records.count(), 1_000);
    }
}
