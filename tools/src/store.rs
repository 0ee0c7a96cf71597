//! Files at rest: run directories, mapped journal segments and the mapped snapshot.
//!
//! The only place that maps files. Journal segments are allocated in full before they are used, so a full disk
//! is an error at the start and never a fault in the middle of a store; the next segment is made by the
//! housekeeping thread while the engine writes the current one.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use bijli_core::journal::JournalError;
use memmap2::{Advice, Mmap, MmapMut};
use rustix::fs::{FallocateFlags, fallocate};

use crate::run_dir;

mod journal_store;
pub mod room;
mod segment_supply;

pub use journal_store::{JournalStart, JournalStore, SegmentMaker, small_segment_bytes};
pub use segment_supply::SegmentSupply;

/// Size of a journal segment unless configured: about half a million ticks.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

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
    /// Another engine on this machine sends orders for the same account of the broker, maybe under another name.
    BrokerAccountLocked {
        /// The broker's address and the client code there.
        account: String,
    },
    /// The account's epoch cannot be read from its lock file, or from the file that counts at the broker.
    EpochLost {
        /// Which file.
        path: PathBuf,
    },
    /// The journal refused a record or a segment.
    Journal(JournalError),
    /// The next segment was not made in time.
    NoSpare,
    /// The disk has less room than a day may need.
    Reserve {
        /// Where.
        path: PathBuf,
        /// How much must be free.
        needed_bytes: u64,
        /// How much is.
        free_bytes: u64,
    },
    /// What is free is kept for the journal.
    KeptFree {
        /// Where.
        path: PathBuf,
        /// How much is kept.
        kept_bytes: u64,
        /// How much is free.
        free_bytes: u64,
    },
    /// The end of the journal is in memory alone: the disk failed.
    NotOnDisk {
        /// The folder in memory.
        ram: PathBuf,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, path, error } => write!(f, "{doing} {}: {error}", path.display()),
            Self::DiskFull { path, bytes } => write!(
                f,
                "no room for {} MiB at {}: free some disk, or set journal.segment_mib smaller",
                bytes.div_ceil(1024 * 1024),
                path.display()
            ),
            Self::AccountLocked { path } => write!(
                f,
                "another engine runs on this account (it holds {}): stop it first; two engines would double orders",
                path.display()
            ),
            Self::BrokerAccountLocked { account } => write!(
                f,
                "another engine runs on this account of the broker ({account}), maybe under another name or run_dir: \
                 stop it first; two engines would double orders"
            ),
            Self::EpochLost { path } => write!(
                f,
                "{} does not hold the number of process starts; write a number above the last epoch that `bijli \
                 status` or the journals show, or tags might be used twice",
                path.display()
            ),
            Self::Journal(error) => error.fmt(f),
            Self::Reserve {
                path,
                needed_bytes,
                free_bytes,
            } => write!(
                f,
                "{} has {} MiB free and a day may need {}: free some disk, or set journal.reserve_mib smaller",
                path.display(),
                free_bytes / (1024 * 1024),
                needed_bytes / (1024 * 1024)
            ),
            Self::KeptFree {
                path,
                kept_bytes,
                free_bytes,
            } => write!(
                f,
                "{} has {} MiB free, and {} are kept free for the journal",
                path.display(),
                free_bytes / (1024 * 1024),
                kept_bytes / (1024 * 1024)
            ),
            Self::NotOnDisk { ram } => write!(
                f,
                "the journal's disk failed, so its end is in memory alone: copy {} before the machine stops; the next \
                 start takes it over from there",
                ram.display()
            ),
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

/// What a refusal means where `bytes` were to take room: a full disk, a quota and a limit of size are no failure.
pub(crate) fn refusal<'a>(
    doing: &'static str,
    path: &'a Path,
    bytes: u64,
) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StoreError::DiskFull {
                path: path.to_owned(),
                bytes,
            }
        }
        _ => io_error(doing, path)(error),
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

/// Makes a file of `bytes` zeros, allocated in full, and maps it for writing with every page touched.
///
/// # Errors
/// [`StoreError::DiskFull`] when there is no room; other refusals as [`StoreError::Io`].
pub fn map_new(path: &Path, bytes: u64) -> Result<MmapMut, StoreError> {
    map_write(&new_file(path, bytes)?, path)
}

/// Makes a file of `bytes` zeros, allocated in full.
///
/// # Errors
/// [`StoreError::DiskFull`] when there is no room; other refusals as [`StoreError::Io`].
pub fn new_file(path: &Path, bytes: u64) -> Result<File, StoreError> {
    let file = OpenOptions::new()
        .create_new(true)
        .read(true)
        .write(true)
        .open(path)
        .map_err(refusal("making the file", path, bytes))?;
    let allocated = fallocate(&file, FallocateFlags::empty(), 0, bytes);
    #[cfg(test)]
    let allocated = allocated.and_then(|()| {
        room::pretended::take(bytes)
            .then_some(())
            .ok_or(rustix::io::Errno::NOSPC)
    });
    if let Err(error) = allocated {
        drop(file);
        // The empty file is of no use to anybody; if it cannot be removed the error below says where it is.
        let _removed = fs::remove_file(path);
        return Err(refusal("allocating", path, bytes)(error.into()));
    }
    Ok(file)
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

pub(crate) fn segment_path(journal_dir: &Path, segment: u32) -> PathBuf {
    journal_dir.join(format!("segment-{segment:05}.bjl"))
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

/// Gives the blocks of a segment behind its used bytes back; its size stays.
///
/// # Errors
/// When the system refuses to sync.
pub(crate) fn punch_unused(path: &Path, used_bytes: u64) -> Result<(), StoreError> {
    let file = OpenOptions::new()
        .write(true)
        .open(path)
        .map_err(io_error("opening", path))?;
    let size = file.metadata().map_err(io_error("reading", path))?.len();
    let keep = used_bytes.next_multiple_of(4_096).min(size);
    // A file system without holes keeps its zeros; that costs space alone.
    let _punched = fallocate(
        &file,
        FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE,
        keep,
        size - keep,
    );
    file.sync_all().map_err(io_error("syncing", path))
}

/// Removes one file.
///
/// # Errors
/// When the system refuses it.
pub fn remove_file(path: &Path) -> Result<(), StoreError> {
    #[cfg(test)]
    room::pretended::give_back(fs::metadata(path).map_or(0, |found| found.len()));
    fs::remove_file(path).map_err(io_error("removing", path))
}

/// Removes segments that were made ahead and never begun, or begun without a record.
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

/// Sets the segments from number `next` on aside, all of them torn in their first record: number `next` is begun anew. The
/// new names are durable when this returns; killed before, the next start does it again.
///
/// # Errors
/// When the system refuses to rename or to sync.
pub fn set_torn_segments_aside(journal_dir: &Path, next: u32) -> Result<(), StoreError> {
    let next = segment_path(journal_dir, next);
    let torn: Vec<PathBuf> = segment_paths(journal_dir)
        .into_iter()
        .filter(|path| *path >= next)
        .collect();
    for path in &torn {
        let aside = set_aside(path, "torn")?;
        eprintln!(
            "WARNING: {} is torn in its first record, as a power cut does it: it is kept as {} and begun anew",
            path.display(),
            aside.display()
        );
    }
    if torn.is_empty() {
        Ok(())
    } else {
        sync_dir(journal_dir)
    }
}

/// Gives a segment a name that no reader takes for one and that nothing bears yet; gives that name.
///
/// # Errors
/// When the system refuses it.
pub(crate) fn set_aside(path: &Path, why: &str) -> Result<PathBuf, StoreError> {
    let mut aside = path.with_extension(why);
    for number in 2.. {
        if !aside.exists() {
            break;
        }
        aside = path.with_extension(format!("{why}-{number}"));
    }
    fs::rename(path, &aside).map_err(io_error("renaming", path))?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_aside_is_no_segment_any_more_and_never_takes_the_place_of_what_was() {
        let folder = tempfile::tempdir().expect("a folder");
        for written in [b"first", b"later", b"third"] {
            fs::write(segment_path(folder.path(), 3), written).expect("a fresh file");
            set_torn_segments_aside(folder.path(), 3).expect("our own folder");
        }
        fs::write(segment_path(folder.path(), 2), b"kept").expect("a fresh file");
        set_torn_segments_aside(folder.path(), 3).expect("our own folder");
        assert_eq!(segment_paths(folder.path()), [segment_path(folder.path(), 2)]);
        for (name, written) in [("torn", "first"), ("torn-2", "later"), ("torn-3", "third")] {
            let aside = segment_path(folder.path(), 3).with_extension(name);
            assert_eq!(fs::read_to_string(aside).expect("it is kept"), written);
        }
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
