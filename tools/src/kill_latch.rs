//! The kill switch on disk: `ACCOUNT.latch` beside the account's lock, so that a kill outlives days and journals.
//!
//! Invariants: written and synced after the engine has journaled and latched the kill, and before the operator is
//! told that it will outlive the day; removed after the engine has journaled the arming, and not under a kill that came
//! since. What the engine holds decides: a kill that nobody waited for gets its file too. At a start the journal or the
//! file is enough: whichever says killed. A file that cannot be read counts as latched. Left out: the latch of
//! the process at work, which is the engine's own and waits for no disk.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bijli_core::TsNs;
use bijli_core::text::Text;
use serde::{Deserialize, Serialize};

use crate::control::LatchWord;
use crate::duty_cycle::{MonoNs, wall_now};

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

    /// A kill of which the engine's own books tell and no file.
    #[must_use]
    pub fn by_journal(now: TsNs) -> Self {
        Self {
            since_ns: now.get().max(1),
            uid: 0,
            reason: "by the journal of the day".to_owned(),
        }
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
                let bytes = read.ok();
                let is_empty = bytes.as_ref().is_some_and(Vec::is_empty);
                let kill = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
                let reason = if is_empty {
                    "the disk had no room for the reason"
                } else {
                    "the latch file cannot be read"
                };
                Some(kill.unwrap_or_else(|| Kill {
                    since_ns: 1,
                    uid: 0,
                    reason: reason.to_owned(),
                }))
            }
        }
    }

    /// Whether a next start would find a kill here.
    #[must_use]
    pub fn holds(&self) -> bool {
        let found = fs::symlink_metadata(&self.path);
        found.map_or_else(|error| error.kind() != io::ErrorKind::NotFound, |_| true)
    }

    /// Latches, durably. Where the disk has no room for who, when and why, the file says nothing, which holds too.
    ///
    /// # Errors
    /// When the file cannot be written or synced.
    pub fn set(&self, kill: &Kill) -> io::Result<()> {
        let fresh = self.path.with_extension("latch-new");
        let mut file = fs::File::create(&fresh)?;
        match write_synced(&mut file, &serde_json::to_vec(kill)?) {
            Err(error) if is_full(&error) => {
                file.set_len(0)?;
                file.sync_all()?;
            }
            written => written?,
        }
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

fn write_synced(file: &mut fs::File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// Between two tries to write a file that could not be written.
const TRY_AGAIN_NS: u64 = 1_000_000_000;

/// Keeps the file as the engine is. Owned by a thread that may wait for a disk.
#[derive(Debug)]
pub struct LatchKeeper {
    latch: KillLatch,
    /// Whether the engine is killed: stored by the engine before it answers.
    killed: Arc<AtomicBool>,
    tried: Option<MonoNs>,
    complained: bool,
}

impl LatchKeeper {
    /// A keeper of one account's file.
    #[must_use]
    pub const fn new(latch: KillLatch, killed: Arc<AtomicBool>) -> Self {
        Self {
            latch,
            killed,
            tried: None,
            complained: false,
        }
    }

    /// What an operator's command means for the file; gives what went wrong.
    pub fn take(&mut self, word: LatchWord) -> Option<String> {
        match word {
            LatchWord::Set {
                kill,
                is_new,
                written,
            } => {
                let outcome = if is_new || !self.latch.holds() {
                    self.latch.set(&kill)
                } else {
                    Ok(())
                };
                let wrong = outcome.as_ref().err().map(not_set);
                // Whoever waited may have given up.
                let _heard = written.try_send(outcome);
                wrong
            }
            // Somebody killed again since.
            LatchWord::Clear if self.killed.load(Ordering::SeqCst) => None,
            LatchWord::Clear => {
                let failed = self.latch.clear().err();
                failed.map(|error| format!("the kill latch stays on disk, the next start is killed: {error}"))
            }
        }
    }

    /// Writes the file of a kill that has none; gives what went wrong, once until it goes well.
    pub fn heed(&mut self, now: MonoNs) -> Option<String> {
        if !self.killed.load(Ordering::SeqCst) || self.latch.holds() {
            self.complained = false;
            self.tried = None;
            return None;
        }
        if self.tried.is_some_and(|tried| now.since(tried) < TRY_AGAIN_NS) {
            return None;
        }
        self.tried = Some(now);
        let error = self.latch.set(&Kill::by_journal(wall_now())).err()?;
        let said = std::mem::replace(&mut self.complained, true);
        (!said).then(|| not_set(&error))
    }
}

fn not_set(error: &io::Error) -> String {
    format!("the kill latch is not on disk: {error}")
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
        fs::write(folder.path().join("main.latch"), "").expect("our file");
        let kill = latch.read().expect("it holds without words");
        assert_eq!(kill.reason().as_str(), "the disk had no room for the reason");
        latch.clear().expect("our file");
        latch.clear().expect("nothing left to do");
        assert_eq!(latch.read(), None);
    }

    /// A folder, its latch, whether the engine is killed, and the keeper.
    fn kept() -> (tempfile::TempDir, KillLatch, Arc<AtomicBool>, LatchKeeper) {
        let folder = tempfile::tempdir().expect("a folder");
        let latch = KillLatch::beside(&folder.path().join("main.lock"));
        let killed = Arc::new(AtomicBool::new(false));
        let keeper = LatchKeeper::new(latch.clone(), Arc::clone(&killed));
        (folder, latch, killed, keeper)
    }

    fn word(is_new: bool, reason: &str) -> (LatchWord, std::sync::mpsc::Receiver<io::Result<()>>) {
        let (written, heard) = std::sync::mpsc::sync_channel(1);
        let kill = Kill {
            since_ns: 7,
            uid: 1_000,
            reason: reason.to_owned(),
        };
        (
            LatchWord::Set {
                kill,
                is_new,
                written,
            },
            heard,
        )
    }

    #[test]
    fn a_kill_that_nobody_asked_to_write_gets_its_file_as_soon_as_the_disk_takes_it() {
        let (folder, latch, killed, mut keeper) = kept();
        assert_eq!((keeper.heed(MonoNs(1)), latch.holds()), (None, false));
        killed.store(true, Ordering::SeqCst);
        let obstacle = folder.path().join("main.latch-new");
        fs::create_dir(&obstacle).expect("a folder");
        let said = keeper.heed(MonoNs(1)).expect("the file cannot be written");
        assert!(said.contains("not on disk"), "{said}");
        assert_eq!(keeper.heed(MonoNs(1 + TRY_AGAIN_NS)), None, "said once");
        fs::remove_dir(&obstacle).expect("our folder");
        assert_eq!(keeper.heed(MonoNs(2 * TRY_AGAIN_NS)), None);
        assert!(!latch.holds(), "not tried all the time");
        assert_eq!(keeper.heed(MonoNs(1 + 2 * TRY_AGAIN_NS)), None);
        assert!(latch.holds());
    }

    #[test]
    fn an_arming_clears_nothing_under_a_later_kill_and_a_repeated_kill_keeps_the_first_words() {
        let (_folder, latch, killed, mut keeper) = kept();
        killed.store(true, Ordering::SeqCst);
        let (set, heard) = word(true, "first");
        assert_eq!(keeper.take(set), None);
        assert!(heard.try_recv().expect("an answer").is_ok());
        let (again, heard) = word(false, "again");
        assert_eq!(keeper.take(again), None);
        assert!(heard.try_recv().expect("an answer").is_ok());
        assert_eq!(latch.read().expect("it holds").reason, "first");
        assert_eq!((keeper.take(LatchWord::Clear), latch.holds()), (None, true));
        killed.store(false, Ordering::SeqCst);
        assert_eq!((keeper.take(LatchWord::Clear), latch.holds()), (None, false));
    }
}
