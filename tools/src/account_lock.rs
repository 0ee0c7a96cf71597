//! One engine per account: a lock that the system releases however the process ends, and the account's epochs.
//!
//! The lock file holds the last process epoch in decimal. An epoch reserves every tag that its process can make:
//! epochs are part of each tag, and the next one is on disk, the file's name too, before it is used. So no tag is ever
//! used twice, not even after a power cut that leaves nothing but this file.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::store::{StoreError, io_error, sync_dir};

/// Holds an account for one engine; released when the process ends, however it ends.
#[derive(Debug)]
pub struct AccountLock {
    file: File,
    path: PathBuf,
}

impl AccountLock {
    /// Takes the lock file at `path`.
    ///
    /// # Errors
    /// [`StoreError::AccountLocked`] when another engine has it.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(io_error("opening the lock", path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self {
                file,
                path: path.to_owned(),
            }),
            Err(_) => Err(StoreError::AccountLocked {
                path: path.to_owned(),
            }),
        }
    }

    /// The lock file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next process epoch of the account, on disk before it is given: a tag is never used twice, not even
    /// after a power cut. `at_least` is an epoch that some journal proves to have been used.
    ///
    /// # Errors
    /// When the lock file cannot be read or written.
    pub fn next_epoch(&mut self, at_least: u32) -> Result<u32, StoreError> {
        let mut text = String::new();
        self.file.rewind().map_err(io_error("reading", &self.path))?;
        self.file
            .read_to_string(&mut text)
            .map_err(io_error("reading", &self.path))?;
        let last: u32 = match text.trim() {
            "" => 0,
            text => text.parse().map_err(|_| StoreError::EpochLost {
                path: self.path.clone(),
            })?,
        };
        let next = last
            .max(at_least)
            .checked_add(1)
            .expect("four thousand million starts are enough");
        self.file.rewind().map_err(io_error("writing", &self.path))?;
        writeln!(self.file, "{next}").map_err(io_error("writing", &self.path))?;
        self.file.sync_all().map_err(io_error("syncing", &self.path))?;
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            // The name too: a lock file that a power cut unmakes would begin again with epoch 1.
            sync_dir(folder)?;
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_engine_on_the_same_account_is_turned_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("account.lock");
        let mut first = AccountLock::take(&path).expect("nobody else");
        assert_eq!(first.next_epoch(0).expect("a plain file"), 1);
        assert_eq!(first.next_epoch(7).expect("a plain file"), 8);
        assert!(matches!(
            AccountLock::take(&path),
            Err(StoreError::AccountLocked { .. })
        ));
        drop(first);
        // A child that another test is just starting holds the lock with it until its own program begins.
        let mut second = std::iter::repeat_with(|| AccountLock::take(&path))
            .take(1_000_000)
            .find_map(Result::ok)
            .expect("released");
        assert_eq!(second.next_epoch(0).expect("a plain file"), 9);
    }
}
