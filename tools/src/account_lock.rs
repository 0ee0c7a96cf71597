//! One engine per account: a lock that the system releases however the process ends, and the account's epochs.
//!
//! The lock file holds the last process epoch in decimal. An epoch reserves every tag that its process can make:
//! epochs are part of each tag, and the next one is on disk, the file's name too, before it is used. So no tag is ever
//! used twice, not even after a power cut that leaves nothing but this file.
//!
//! The file has a name that people chose, in a folder that they chose. Who sends orders holds the broker's own account
//! too, by the client code that the broker tells, as a name in the kernel's abstract socket namespace (unix(7)): one for
//! the whole machine, without a file that stays behind. Tags must differ at the broker, whatever name people gave the
//! account: a second file beside the lock, `CLIENT.epoch`, counts for the client code, and the next epoch is above both.
//! Where it is begun it is begun above every lock file of the folder: any of them may have counted for that account.
//! Left out: epochs of one broker's account in two folders.

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
    count: EpochFile,
    at_broker: Option<AtBroker>,
}

/// The broker's account, held.
#[derive(Debug)]
struct AtBroker {
    /// Never read: its name is what counts.
    _name: UnixDatagram,
    count: EpochFile,
}

/// A file that holds the last epoch, and is locked for as long as it is open.
#[derive(Debug)]
struct EpochFile {
    file: File,
    path: PathBuf,
}

impl AccountLock {
    /// Takes the broker's account `at_broker`, for whoever sends orders there, then the lock file at `path`.
    ///
    /// # Errors
    /// [`StoreError::BrokerAccountLocked`] or [`StoreError::AccountLocked`] when another engine has it.
    pub fn take(path: &Path, at_broker: Option<&str>) -> Result<Self, StoreError> {
        let name = at_broker
            .map(|account| hold(account).map_err(|error| not_held(path, account, error)))
            .transpose()?;
        let count = EpochFile::lock(path)?.ok_or_else(|| StoreError::AccountLocked {
            path: path.to_owned(),
        })?;
        let at_broker = match (name, at_broker) {
            (Some(name), Some(account)) => {
                let locked = || StoreError::BrokerAccountLocked {
                    account: account.to_owned(),
                };
                Some(AtBroker {
                    _name: name,
                    count: EpochFile::lock(&epoch_path(path, account))?.ok_or_else(locked)?,
                })
            }
            _ => None,
        };
        Ok(Self { count, at_broker })
    }

    /// The lock file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.count.path
    }

    /// The next process epoch of the account, under its name and at the broker, on disk before it is given: a tag is never
    /// used twice, not even after a power cut. `at_least` is an epoch that some journal proves to have been used.
    ///
    /// # Errors
    /// When a file cannot be read or written, or holds no number.
    pub fn next_epoch(&mut self, at_least: u32) -> Result<u32, StoreError> {
        let mut last = self.count.read()?.unwrap_or(0).max(at_least);
        if let Some(at_broker) = &mut self.at_broker {
            last = last.max(match at_broker.count.read()? {
                Some(epoch) => epoch,
                None => largest_beside(&self.count.path)?,
            });
        }
        let next = last
            .checked_add(1)
            .expect("four thousand million starts are enough");
        if let Some(at_broker) = &mut self.at_broker {
            at_broker.count.write(next)?;
        }
        self.count.write(next)?;
        Ok(next)
    }
}

impl EpochFile {
    /// Opens a file, made where there is none, and locks it; `None` when somebody else has it.
    fn lock(path: &Path) -> Result<Option<Self>, StoreError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(io_error("opening the lock", path))?;
        let is_ours = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        Ok(is_ours.then(|| Self {
            file,
            path: path.to_owned(),
        }))
    }

    /// The last epoch; `None` in a file that was just made.
    fn read(&mut self) -> Result<Option<u32>, StoreError> {
        let mut text = String::new();
        self.file.rewind().map_err(io_error("reading", &self.path))?;
        self.file
            .read_to_string(&mut text)
            .map_err(io_error("reading", &self.path))?;
        let lost = |_| StoreError::EpochLost {
            path: self.path.clone(),
        };
        match text.trim() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(lost),
        }
    }

    fn write(&mut self, epoch: u32) -> Result<(), StoreError> {
        self.file.rewind().map_err(io_error("writing", &self.path))?;
        writeln!(self.file, "{epoch}").map_err(io_error("writing", &self.path))?;
        self.file.sync_all().map_err(io_error("syncing", &self.path))?;
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            // The name too: a file that a power cut unmakes would begin again with epoch 1.
            sync_dir(folder)?;
        }
        Ok(())
    }
}

/// Where the epochs of a broker's account are counted: beside the lock file, under the client code, the end of `account`.
fn epoch_path(lock: &Path, account: &str) -> PathBuf {
    let client = account.rsplit('/').next().unwrap_or_default();
    // Codes that differ in odd characters alone share a count, which costs numbers and nothing else.
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = client.chars().take(NAME_MAX).map(plain).collect();
    lock.with_file_name(format!("{name}.epoch"))
}

/// The largest epoch that any lock file of the folder holds.
fn largest_beside(lock: &Path) -> Result<u32, StoreError> {
    let folder = match lock.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut largest = 0;
    for entry in std::fs::read_dir(folder).map_err(io_error("listing", folder))? {
        let path = entry.map_err(io_error("listing", folder))?.path();
        if path.extension().is_some_and(|extension| extension == "lock") {
            // What holds no number is told when it is its turn, under its own name.
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            largest = largest.max(text.trim().parse().unwrap_or(0));
        }
    }
    Ok(largest)
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

    /// As above: a child that is just starting holds a lock for a moment longer.
    fn start(lock: &Path, at_broker: Option<&str>) -> u32 {
        let taken = std::iter::repeat_with(|| AccountLock::take(lock, at_broker));
        let mut lock = taken
            .take(1_000_000)
            .find_map(Result::ok)
            .expect("nobody for long");
        lock.next_epoch(0).expect("plain files")
    }

    #[test]
    fn names_of_one_account_at_the_broker_count_together_and_no_count_falls() {
        let folder = tempfile::tempdir().expect("a folder");
        let [one, two, paper] =
            ["one", "two", "paper"].map(|name| folder.path().join(format!("{name}.lock")));
        let account = format!("https://broker.invalid/C{}", std::process::id());
        let other = format!("https://broker.invalid/D{}", std::process::id());
        // Counts of before, when each name counted for itself: any of them may have been at this account today.
        std::fs::write(&one, "5\n").expect("our own folder");
        std::fs::write(folder.path().join("third.lock"), "40\n").expect("our own folder");
        assert_eq!(start(&one, Some(&account)), 41);
        assert_eq!(start(&two, Some(&account)), 42);
        assert_eq!(start(&one, Some(&account)), 43);
        // Another account begins above all that stands there, and moves nobody else.
        assert_eq!(start(&two, Some(&other)), 44);
        assert_eq!(start(&one, Some(&account)), 44);
        // A name whose own count is ahead takes the account with it.
        std::fs::write(&two, "90\n").expect("our own folder");
        assert_eq!(start(&two, Some(&account)), 91);
        assert_eq!(start(&one, Some(&account)), 92);
        // Paper sends nothing to the broker, and counts for itself.
        assert_eq!((start(&paper, None), start(&paper, None)), (1, 2));
    }

    #[test]
    fn a_count_at_the_broker_that_is_no_number_stops_the_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let lock = folder.path().join("one.lock");
        let account = format!("https://broker.invalid/E/{}", std::process::id());
        let count = folder.path().join(format!("{}.epoch", std::process::id()));
        std::fs::write(&count, "rot").expect("our own folder");
        let mut taken = AccountLock::take(&lock, Some(&account)).expect("nobody else");
        let refused = taken.next_epoch(0);
        assert!(
            matches!(&refused, Err(StoreError::EpochLost { path }) if *path == count),
            "{refused:?}"
        );
    }
}
