//! One engine per account: a lock that the system releases however the process ends, and the account's epochs.
//!
//! The lock file holds the last process epoch in decimal. An epoch reserves every tag that its process can make:
//! epochs are part of each tag, and the next one is on disk, the file's name too, before it is used. So no tag is ever
//! used twice, not even after a power cut that leaves nothing but this file.
//!
//! The file has a name that people chose, in a folder that they chose. Who sends orders holds the broker's own account
//! too, by the client code that the broker tells, as a name in the kernel's abstract socket namespace (unix(7)): one for
//! the whole machine, without a file that stays behind. Left out: epochs of one broker's account under two names.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::store::{StoreError, io_error, sync_dir};

/// Longest part of an abstract name that we use: 108 bytes are the kernel's limit, with the zero before it.
const NAME_MAX: usize = 80;

/// Holds an account for one engine; released when the process ends, however it ends.
#[derive(Debug)]
pub struct AccountLock {
    file: File,
    path: PathBuf,
    /// Never read: its name is what counts.
    _at_broker: Option<UnixDatagram>,
}

impl AccountLock {
    /// Takes the broker's account `at_broker`, for whoever sends orders there, then the lock file at `path`.
    ///
    /// # Errors
    /// [`StoreError::BrokerAccountLocked`] or [`StoreError::AccountLocked`] when another engine has it.
    pub fn take(path: &Path, at_broker: Option<&str>) -> Result<Self, StoreError> {
        let at_broker = at_broker
            .map(|account| hold(account).map_err(|error| not_held(path, account, error)))
            .transpose()?;
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
                _at_broker: at_broker,
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

/// Binds the name of a broker's account; of one that is too long the end, where the client code stands.
fn hold(account: &str) -> io::Result<UnixDatagram> {
    let bytes = account.as_bytes();
    let end = &bytes[bytes.len().saturating_sub(NAME_MAX)..];
    let name = [b"bijli/", end].concat();
    UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name)?)
}

fn not_held(path: &Path, account: &str, error: io::Error) -> StoreError {
    if error.kind() == io::ErrorKind::AddrInUse {
        StoreError::BrokerAccountLocked {
            account: account.to_owned(),
        }
    } else {
        io_error("taking the broker's account for", path)(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_engine_on_the_same_account_is_turned_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("account.lock");
        let mut first = AccountLock::take(&path, None).expect("nobody else");
        assert_eq!(first.next_epoch(0).expect("a plain file"), 1);
        assert_eq!(first.next_epoch(7).expect("a plain file"), 8);
        assert!(matches!(
            AccountLock::take(&path, None),
            Err(StoreError::AccountLocked { .. })
        ));
        drop(first);
        // A child that another test is just starting holds the lock with it until its own program begins.
        let mut second = std::iter::repeat_with(|| AccountLock::take(&path, None))
            .take(1_000_000)
            .find_map(Result::ok)
            .expect("released");
        assert_eq!(second.next_epoch(0).expect("a plain file"), 9);
    }

    #[test]
    fn two_names_are_two_locks_but_the_account_at_the_broker_is_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, two) = (folder.path().join("one.lock"), folder.path().join("two.lock"));
        let long = format!(
            "https://{}.invalid:443/{}",
            "orders".repeat(40),
            std::process::id()
        );
        for at_broker in [&long, &format!("https://broker.invalid/{}", std::process::id())] {
            let first = AccountLock::take(&one, Some(at_broker)).expect("nobody else");
            let refused = AccountLock::take(&two, Some(at_broker));
            let named =
                matches!(&refused, Err(StoreError::BrokerAccountLocked { account }) if account == at_broker);
            assert!(named, "{refused:?}");
            assert!(!two.exists(), "nothing was made under the other name");
            drop(AccountLock::take(&two, Some(&format!("{at_broker}-other"))).expect("another account"));
            std::fs::remove_file(&two).expect("just made");
            drop(first);
            // As above: a child that is just starting holds it for a moment.
            let again = std::iter::repeat_with(|| AccountLock::take(&two, Some(at_broker)));
            assert!(again.take(1_000_000).any(|taken| taken.is_ok()), "released");
            std::fs::remove_file(&two).expect("just made");
        }
    }
}
