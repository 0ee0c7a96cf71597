//! How much room a disk has, and the file that keeps some of it for a restart.
//!
//! A process that finds its disk full while positions are open must be able to begin again: it needs a segment and a
//! few small files. A file of the run directory holds that room from the morning on, and a start that finds the
//! disk short of it gives it back; it is kept again once there is room. Against somebody who goes on writing, nothing here helps.

use std::path::{Path, PathBuf};

use super::{StoreError, io_error, new_file, remove_file};

/// What a start needs beside its segment: the count of starts, a kill's latch, the snapshot.
const SMALL_FILES_BYTES: u64 = 1024 * 1024;

/// Name of the file that keeps room for a restart, in the run directory.
pub const ROOM_FILE: &str = "restart.room";

/// What is free on the disk of `path` for a process without privileges.
///
/// # Errors
/// When the system does not tell.
pub fn free_bytes(path: &Path) -> Result<u64, StoreError> {
    let disk = rustix::fs::statvfs(path).map_err(|error| io_error("looking at", path)(error.into()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    #[cfg(test)]
    let free = free.min(pretended::free_bytes());
    Ok(free)
}

/// Refuses a disk with less room than `needed_bytes`.
///
/// # Errors
/// [`StoreError::Reserve`].
pub fn check_reserve(path: &Path, needed_bytes: u64) -> Result<(), StoreError> {
    let free_bytes = free_bytes(path)?;
    if free_bytes >= needed_bytes {
        return Ok(());
    }
    Err(StoreError::Reserve {
        path: path.to_owned(),
        needed_bytes,
        free_bytes,
    })
}

/// Keeps a segment's room for a restart, and some for its small files, unless that is done already or would leave less
/// than two segments; gives whether it is kept now.
///
/// # Errors
/// When the disk does not tell its room, or refuses it.
pub fn keep_room(run_dir: &Path, segment_bytes: u64) -> Result<bool, StoreError> {
    let path = path_in(run_dir);
    let bytes = segment_bytes.saturating_add(SMALL_FILES_BYTES);
    let leaves = segment_bytes.saturating_mul(2);
    if path.exists() {
        return Ok(true);
    }
    if free_bytes(run_dir)? < bytes.saturating_add(leaves) {
        return Ok(false);
    }
    new_file(&path, bytes).map(|_| true)
}

/// Gives the room back; gives whether there was any.
///
/// # Errors
/// When the file cannot be removed.
pub fn release_room(run_dir: &Path) -> Result<bool, StoreError> {
    let path = path_in(run_dir);
    if !path.exists() {
        return Ok(false);
    }
    remove_file(&path)?;
    Ok(true)
}

fn path_in(run_dir: &Path) -> PathBuf {
    run_dir.join(ROOM_FILE)
}

/// A disk as full as a test of this thread wants it.
#[cfg(test)]
pub(crate) mod pretended {
    use std::cell::Cell;
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;

    thread_local! {
        static FREE: Cell<u64> = const { Cell::new(u64::MAX) };
        static OVER_QUOTA: Cell<bool> = const { Cell::new(false) };
    }

    /// From here on so much is free, and what is allocated is taken from it; `u64::MAX` ends the pretence.
    pub(crate) fn set_free_bytes(bytes: u64) {
        FREE.set(bytes);
    }

    /// From here on nothing more is given, whatever is free.
    pub(crate) fn set_over_quota(is_over: bool) {
        OVER_QUOTA.set(is_over);
    }

    pub(crate) fn free_bytes() -> u64 {
        FREE.get()
    }

    /// Takes room for a file; gives whether there was enough.
    pub(crate) fn take(bytes: u64) -> bool {
        let free = FREE.get();
        let has_room = free >= bytes && !OVER_QUOTA.get();
        if has_room && free < u64::MAX {
            FREE.set(free - bytes);
        }
        has_room
    }

    /// Takes what a file lacks where it is written up to `end`; gives whether there was enough.
    pub(crate) fn take_unallocated(file: &File, end: u64) -> bool {
        let has = file.metadata().map_or(0, |found| found.blocks() * 512);
        take(end.saturating_sub(has))
    }

    pub(crate) fn give_back(bytes: u64) {
        FREE.set(FREE.get().saturating_add(bytes));
    }
}
