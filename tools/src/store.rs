//! Files at rest: run directories, mapped journal segments and the mapped snapshot.
//!
//! The only place that maps files. Journal segments are allocated in full before they are used, so a full disk
//! is an error at the start and never a fault in the middle of a store; the next segment is made by the
//! housekeeping thread while the engine writes the current one.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use bijli_core::codec::Item;
use bijli_core::driver::Journal;
use bijli_core::journal::{JournalError, JournalWriter};
use bijli_core::record::SegmentHeader;
use bijli_core::{IstDay, TsNs};
use memmap2::{Advice, Mmap, MmapMut};
use rustix::fs::{FallocateFlags, fallocate};

use crate::run_dir;

/// Size of a journal segment unless configured: about half a million ticks.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// How long the engine may wait for a segment that should have been ready.
const SPARE_DEADLINE: Duration = Duration::from_secs(5);

/// Why a file could not be had.
#[derive(Debug)]
pub enum StoreError {
    /// The operating system refused something.
    Io {
        /// While doing what.
        doing: &'static str,
        /// On which path.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// The disk has no room for a journal segment.
    DiskFull {
        /// Which file.
        path: PathBuf,
        /// How much was asked for.
        bytes: u64,
    },
    /// Another engine holds the account.
    AccountLocked {
        /// The lock file.
        path: PathBuf,
    },
    /// The account's epoch cannot be read from its lock file.
    EpochLost {
        /// The lock file.
        path: PathBuf,
    },
    /// The journal refused a record or a segment.
    Journal(JournalError),
    /// The next segment was not made in time.
    NoSpare,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, path, error } => write!(f, "{doing} {}: {error}", path.display()),
            Self::DiskFull { path, bytes } => write!(
                f,
                "no room for {} MiB at {}: free some disk, or set journal.segment_mib smaller",
                bytes / (1024 * 1024),
                path.display()
            ),
            Self::AccountLocked { path } => write!(
                f,
                "another engine runs on this account (it holds {}): stop it first; two engines would double orders",
                path.display()
            ),
            Self::EpochLost { path } => write!(
                f,
                "{} does not hold the number of process starts; write a number above the last epoch that `bijli \
                 status` or the journals show, or tags might be used twice",
                path.display()
            ),
            Self::Journal(error) => error.fmt(f),
            Self::NoSpare => {
                f.write_str("the next journal segment was not made in time: is the disk full or stalled?")
            }
        }
    }
}

impl std::error::Error for StoreError {}

impl From<JournalError> for StoreError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

pub(crate) fn io_error<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |error| StoreError::Io {
        doing,
        path: path.to_owned(),
        error,
    }
}

/// Makes a folder with its parents.
///
/// # Errors
/// When the system refuses it.
pub fn make_dir(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(io_error("making the folder", path))
}

/// Maps an existing file for reading.
///
/// # Errors
/// When it cannot be opened or mapped.
pub fn map_read(path: &Path) -> Result<Mmap, StoreError> {
    let file = File::open(path).map_err(io_error("opening", path))?;
    // SAFETY: our files are never shortened while mapped: segments keep their size from birth, and the snapshot
    // is replaced only by a new run directory. Readers check every byte that they use.
    unsafe { Mmap::map(&file) }.map_err(io_error("mapping", path))
}

/// Makes a file of `bytes` zeros, allocated on disk, and maps it for writing with every page touched.
///
/// # Errors
/// [`StoreError::DiskFull`] when there is no room; other refusals as [`StoreError::Io`].
pub fn map_new(path: &Path, bytes: u64) -> Result<MmapMut, StoreError> {
    let file = OpenOptions::new()
        .create_new(true)
        .read(true)
        .write(true)
        .open(path)
        .map_err(io_error("making the file", path))?;
    if let Err(error) = fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        drop(file);
        // The empty file is of no use to anybody; if it cannot be removed the error below says where it is.
        let _removed = fs::remove_file(path);
        return Err(match error {
            rustix::io::Errno::NOSPC | rustix::io::Errno::FBIG | rustix::io::Errno::DQUOT => {
                StoreError::DiskFull {
                    path: path.to_owned(),
                    bytes,
                }
            }
            other => io_error("allocating", path)(other.into()),
        });
    }
    map_write(&file, path)
}

/// Maps an existing file for writing.
///
/// # Errors
/// When it cannot be opened or mapped.
pub fn map_existing(path: &Path) -> Result<MmapMut, StoreError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(io_error("opening", path))?;
    map_write(&file, path)
}

fn map_write(file: &File, path: &Path) -> Result<MmapMut, StoreError> {
    // SAFETY: the file is ours alone to write (the account lock) and keeps its size while mapped; readers of
    // the snapshot use atomic words and distrust what they read.
    let map = unsafe { MmapMut::map_mut(file) }.map_err(io_error("mapping", path))?;
    // Older kernels do not know this advice; then pages are touched as they are used.
    let _populated = map.advise(Advice::PopulateWrite);
    Ok(map)
}

/// The journal segments of a folder that is there, in order; none is no error.
fn segment_paths(journal_dir: &Path) -> Vec<PathBuf> {
    run_dir::segment_paths(journal_dir).unwrap_or_default()
}

fn segment_path(journal_dir: &Path, segment: u32) -> PathBuf {
    journal_dir.join(format!("segment-{segment:05}.bjl"))
}

/// The journal as the engine writes it: one segment at a time, the next one ready.
#[derive(Debug)]
pub struct JournalStore {
    writer: JournalWriter<MmapMut>,
    spares: Receiver<MmapMut>,
    path: PathBuf,
    dir: PathBuf,
    bytes_before: u64,
}

/// Makes segments ahead of their use; belongs to the housekeeping thread.
#[derive(Debug)]
pub struct SegmentMaker {
    dir: PathBuf,
    name: fn(&Path, u32) -> PathBuf,
    next_segment: u32,
    segment_bytes: u64,
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

    /// Ends the writing: everything reaches the disk, the unused rest gives its blocks back.
    ///
    /// # Errors
    /// When the system refuses to sync.
    pub fn close(self) -> Result<(), StoreError> {
        let used = self.writer.used_bytes() as u64;
        let map = self.writer.into_inner();
        let size = map.len() as u64;
        map.flush().map_err(io_error("syncing", &self.path))?;
        drop(map);
        let file = OpenOptions::new()
            .write(true)
            .open(&self.path)
            .map_err(io_error("opening", &self.path))?;
        let keep = used.next_multiple_of(4_096).min(size);
        // A file system without holes keeps its zeros; that costs space alone.
        let _punched = fallocate(
            &file,
            FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE,
            keep,
            size - keep,
        );
        file.sync_all().map_err(io_error("syncing", &self.path))
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
            spares,
            ready: None,
        };
        (maker, ends)
    }

    /// Keeps one segment ready; gives whether one was made.
    ///
    /// # Errors
    /// When a segment cannot be allocated: entries should stop while the current one still has room.
    pub fn poll(&mut self) -> Result<bool, StoreError> {
        if self.ready.is_none() {
            let path = (self.name)(&self.dir, self.next_segment);
            self.ready = Some(map_new(&path, self.segment_bytes)?);
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

/// Brings what is mapped of the newest segments onto the disk: after it, a power cut loses none of that.
///
/// # Errors
/// When the system refuses to sync: the disk can no longer be trusted.
pub fn sync_journal(journal_dir: &Path) -> Result<(), StoreError> {
    // Those made ahead, the one being written and the one before it: a roll may lie between two calls.
    for path in segment_paths(journal_dir).iter().rev().take(4) {
        let file = File::open(path).map_err(io_error("opening", path))?;
        file.sync_data().map_err(io_error("syncing", path))?;
    }
    Ok(())
}

/// Name of the mark file within a journal's folder.
pub const MARK_FILE: &str = "durable.mark";

/// The bytes of a journal's mark file; `None` = the day never waited for a disk.
///
/// # Errors
/// When it is there and cannot be read.
pub fn read_mark_file(journal_dir: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let path = journal_dir.join(MARK_FILE);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("reading", &path)(error)),
    }
}

/// Makes the names of a folder durable: a synced file without its name is lost all the same.
///
/// # Errors
/// When the system refuses to sync.
pub fn sync_dir(path: &Path) -> Result<(), StoreError> {
    let folder = File::open(path).map_err(io_error("opening", path))?;
    folder.sync_all().map_err(io_error("syncing", path))
}

/// Removes one file.
///
/// # Errors
/// When the system refuses it.
pub fn remove_file(path: &Path) -> Result<(), StoreError> {
    fs::remove_file(path).map_err(io_error("removing", path))
}

/// Removes segments that were made ahead and never begun.
///
/// # Errors
/// When the folder cannot be read.
pub fn remove_unused_segments(journal_dir: &Path) -> Result<(), StoreError> {
    for path in segment_paths(journal_dir) {
        if bijli_core::journal::is_unused(&map_read(&path)?) {
            remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_disk_without_room_is_named_before_anything_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("huge");
        let refused = map_new(&path, 1 << 60).expect_err("no disk is that large");
        assert!(
            matches!(refused, StoreError::DiskFull { .. } | StoreError::Io { .. }),
            "{refused}"
        );
        assert!(!path.exists());
    }
}
