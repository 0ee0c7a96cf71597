//! The kill switch on disk: `ACCOUNT.latch` beside the account's lock, so that a kill outlives days and journals.
//!
//! Invariants: written and synced after the engine has journaled and latched the kill, and before the operator is
//! told that it will outlive the day; removed after the engine has journaled the arming. At a start the journal or
//! the file is enough: whichever says killed. A file that cannot be read counts as latched. Left out: the latch of
//! the process at work, which is the engine's own and waits for no disk.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bijli_core::TsNs;
use bijli_core::text::Text;
use serde::{Deserialize, Serialize};

/// Who latched it, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kill {
    /// Engine time, nanoseconds since 1970 UTC.
    pub since_ns: i64,
    /// User id of the operator.
    pub uid: u32,
    /// The operator's words.
    pub reason: String,
}

impl Kill {
    /// When it was latched.
    #[must_use]
    pub const fn since(&self) -> TsNs {
        TsNs::new(self.since_ns)
    }

    /// The operator's words as the journal keeps them.
    #[must_use]
    pub fn reason(&self) -> Text<40> {
        Text::new(&self.reason).unwrap_or(Text::EMPTY)
    }
}

/// The file of one account.
#[derive(Clone, Debug)]
pub struct KillLatch {
    path: PathBuf,
}

impl KillLatch {
    /// The latch beside an account's lock file.
    #[must_use]
    pub fn beside(account_lock: &Path) -> Self {
        Self {
            path: account_lock.with_extension("latch"),
        }
    }

    /// The kill that holds; `None` when none does.
    #[must_use]
    pub fn read(&self) -> Option<Kill> {
        match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            read => {
                let kill = read.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
                Some(kill.unwrap_or_else(|| Kill {
                    since_ns: 1,
                    uid: 0,
                    reason: "the latch file cannot be read".to_owned(),
                }))
            }
        }
    }

    /// Latches, durably.
    ///
    /// # Errors
    /// When the file cannot be written or synced.
    pub fn set(&self, kill: &Kill) -> io::Result<()> {
        let fresh = self.path.with_extension("latch-new");
        let mut file = fs::File::create(&fresh)?;
        file.write_all(&serde_json::to_vec(kill)?)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        self.sync_folder()
    }

    /// A person armed.
    ///
    /// # Errors
    /// When the file cannot be removed: then the next start is killed again.
    pub fn clear(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => self.sync_folder(),
        }
    }

    fn sync_folder(&self) -> io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_is_kept_until_it_is_cleared_and_a_damaged_file_still_holds() {
        let folder = tempfile::tempdir().expect("a folder");
        let latch = KillLatch::beside(&folder.path().join("main.lock"));
        assert_eq!(latch.read(), None);
        let kill = Kill {
            since_ns: 7,
            uid: 1_000,
            reason: "fear".to_owned(),
        };
        latch.set(&kill).expect("a plain folder");
        assert_eq!(latch.read(), Some(kill));
        fs::write(folder.path().join("main.latch"), "{\"since").expect("our file");
        assert!(latch.read().is_some());
        latch.clear().expect("our file");
        latch.clear().expect("nothing left to do");
        assert_eq!(latch.read(), None);
    }
}
