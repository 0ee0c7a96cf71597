//! The journal's fast tier: a folder in memory, and what a start makes of one that a killed process left.
//!
//! Invariants: a segment in memory is believed only where it carries on exactly what the disk has; then the disk's
//! copy is completed and synced before the one in memory goes, so a start that is killed too finds it again. What
//! is not believed is kept under another name.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bijli_core::journal::{is_blank, is_unused, recover};

use super::ram_folder;
use crate::run_dir;
use crate::store::{StoreError, io_error, make_dir, map_read, refusal, segment_path, set_aside, sync_dir};

/// `f_type` of tmpfs and of ramfs.
const MEMORY_FILE_SYSTEMS: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// The folder of one run in memory.
#[derive(Debug)]
pub struct RamTier {
    dir: PathBuf,
}

impl RamTier {
    /// Makes the run's folder under `ram_dir`; says so where that is no memory.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn create(ram_dir: &Path, run_dir: &Path) -> Result<Self, StoreError> {
        let dir = ram_folder(ram_dir, run_dir);
        make_dir(&dir)?;
        let system = rustix::fs::statfs(&dir).map_err(|error| io_error("looking at", &dir)(error.into()))?;
        if !MEMORY_FILE_SYSTEMS.contains(&(system.f_type as u64)) {
            eprintln!(
                "WARNING: {} is no folder in memory (tmpfs, ramfs): the engine may wait for its disk",
                dir.display()
            );
        }
        Ok(Self { dir })
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Removes the folder with what was made ahead: the disk has everything.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn remove(&self) -> Result<(), StoreError> {
        fs::remove_dir_all(&self.dir).map_err(io_error("removing", &self.dir))
    }
}

/// Completes the disk's journal from what a killed process left in memory; gives how many records came from there.
///
/// # Errors
/// When a file cannot be read or written, [`StoreError::DiskFull`] for want of room; both copies stay then, and a second
/// call goes on where this one stopped.
pub fn take_over_ram(ram_dir: &Path, run_dir: &Path) -> Result<u64, StoreError> {
    let (ram, journal_dir) = (ram_folder(ram_dir, run_dir), run_dir.join("journal"));
    let mut records = 0;
    for path in run_dir::segment_paths(&ram).unwrap_or_default() {
        if is_unused(&map_read(&path)?) {
            forget(&path)?;
            continue;
        }
        match carry_over(&path, &journal_dir)? {
            Some(count) => {
                records += count;
                forget(&path)?;
            }
            None => {
                let aside = set_aside(&path, "not-believed")?;
                eprintln!(
                    "WARNING: {} does not carry on what the disk has; it is kept as {} and left out",
                    path.display(),
                    aside.display()
                );
            }
        }
    }
    Ok(records)
}

/// Removes a segment from memory, which gives the disk nothing back.
fn forget(path: &Path) -> Result<(), StoreError> {
    fs::remove_file(path).map_err(io_error("removing", path))
}

/// Writes the records of a segment in memory that its disk copy lacks; `None` if the two do not fit together.
fn carry_over(ram_path: &Path, journal_dir: &Path) -> Result<Option<u64>, StoreError> {
    let ram = map_read(ram_path)?;
    let Ok(whole) = recover(&ram) else {
        return Ok(None);
    };
    let segment = whole.header.segment;
    let path = segment_path(journal_dir, segment);
    let file = if path.exists() {
        let options = OpenOptions::new().write(true).open(&path);
        options.map_err(io_error("opening", &path))?
    } else {
        unallocated_file(&path, ram.len() as u64)?
    };
    let disk = map_read(&path)?;
    let end = whole.end_offset as usize;
    let (has, had_records) = if is_blank(&disk) {
        if !follows_the_disk(journal_dir, &whole.header)? {
            return Ok(None);
        }
        (0, 0)
    } else {
        match recover(&disk) {
            Ok(found) => (found.end_offset as usize, found.records),
            Err(_) => return Ok(None),
        }
    };
    if disk.len() != ram.len() || has > end || disk[..has] != ram[..has] {
        return Ok(None);
    }
    drop(disk);
    #[cfg(test)]
    if !crate::store::room::pretended::take_unallocated(&file, end as u64) {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        return Err(refusal("writing", &path, (end - has) as u64)(full));
    }
    write_and_sync(&file, &path, &ram[has..end], has as u64)?;
    sync_dir(journal_dir)?;
    Ok(Some(whole.records - had_records))
}

/// A file that takes room only where it is written: nobody goes on in this segment, and the disk may be full.
fn unallocated_file(path: &Path, bytes: u64) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    let made = options.create_new(true).read(true).write(true).open(path);
    let file = made.map_err(refusal("making the file", path, bytes))?;
    file.set_len(bytes).map_err(io_error("making the file", path))?;
    Ok(file)
}

fn write_and_sync(file: &File, path: &Path, bytes: &[u8], offset: u64) -> Result<(), StoreError> {
    let count = bytes.len() as u64;
    let written = file.write_all_at(bytes, offset);
    written.map_err(refusal("writing", path, count))?;
    // Not asked again: after a sync that failed the pages may look clean.
    file.sync_all().map_err(io_error("syncing", path))
}

/// Whether a segment that the disk has nothing of begins where the one before it ends.
fn follows_the_disk(
    journal_dir: &Path,
    header: &bijli_core::record::SegmentHeader,
) -> Result<bool, StoreError> {
    let Some(before) = header.segment.checked_sub(1) else {
        return Ok(header.first_seq == 0);
    };
    let path = segment_path(journal_dir, before);
    if !path.exists() {
        return Ok(false);
    }
    let before = recover(&map_read(&path)?);
    Ok(before.is_ok_and(|before| before.header.day == header.day && before.next_seq == header.first_seq))
}
