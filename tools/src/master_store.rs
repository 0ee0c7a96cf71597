//! Instrument masters on disk: one accepted file a day, kept some days, each with where it came from.
//!
//! Invariants: a file is judged before it has a name here, so a bad one never replaces a good one; `DAY.json` names
//! the day's file and is put in place in one step, after the file is on disk; a file whose check sum is not the one
//! noted is not read; the newest day is never removed; a note that cannot be read is named and blocks no other day;
//! one process at a time puts in place and removes. A file that cannot be the day's own (an earlier day's, or fetched
//! before the broker's hour) is noted as stale and never replaces the day's own. Left out: fetching (the caller fills
//! a candidate), judging ([`bijli_feed::upstox::catalogue::acceptance`]). Source of the hour: the broker's API
//! documentation (instruments are refreshed daily around 6 AM).

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bijli_core::{DurationNs, IstDay, TsNs};
use bijli_feed::upstox::catalogue::Catalogue;
use bijli_feed::upstox::catalogue::acceptance::{Refusal, Terms, Warning, judge};
use bijli_feed::upstox::master::MasterError;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::store::{StoreError, io_error, make_dir, remove_file};

/// Longest packed file that is taken: some twenty times the largest known (3,485,022 bytes).
pub const PACKED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Days kept unless told otherwise.
pub const KEEP_DAYS: usize = 7;
/// From when on the broker's file is that of the day, Indian time.
const REFRESHED_AT: DurationNs = DurationNs::from_hm(6, 0);
/// The newest file under a name that does not change; for people and other programs.
const CURRENT: &str = "current.json.gz";
/// The last file that was refused, for looking into.
const REFUSED: &str = "refused.json.gz";

/// Where a stored master came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The day it is for, `YYYY-MM-DD`.
    pub day: String,
    /// Name of the file beside this one.
    pub file: String,
    /// Where it was fetched, or the path it was copied from.
    pub source: String,
    /// When, nanoseconds since the epoch.
    pub fetched_at_ns: i64,
    /// Length of the file.
    pub file_bytes: u64,
    /// CRC-32C of the file, hexadecimal.
    pub crc32c: String,
    /// Contracts in it.
    pub rows: usize,
    /// Length of the text, unpacked.
    pub text_bytes: u64,
    /// What was accepted, but had to be heard.
    pub warnings: Vec<String>,
    /// Why it is not the day's own, though kept under the day; nothing new is to be entered on it.
    #[serde(default)]
    pub stale: Option<String>,
}

/// What a folder of masters holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Days whose notes can be read, oldest first.
    pub days: Vec<Provenance>,
    /// Days whose notes cannot be read, and why.
    pub unread: Vec<(String, String)>,
}

/// The newest master that loads.
#[derive(Debug, Default)]
pub struct Sound {
    /// It and where it came from; `None` when no stored one loads.
    pub master: Option<(Provenance, Catalogue)>,
    /// What was passed over on the way, and why.
    pub skipped: Vec<String>,
}

/// A folder of masters.
#[derive(Clone, Debug)]
pub struct MasterStore {
    root: PathBuf,
}

/// A master that was taken in.
#[derive(Debug)]
pub struct Accepted {
    /// All of it.
    pub catalogue: Catalogue,
    /// Where it came from.
    pub provenance: Provenance,
    /// What must be heard.
    pub warnings: Vec<Warning>,
}

/// Why a master was not taken in or could not be read.
#[derive(Debug)]
pub enum MasterStoreError {
    /// A file could not be had.
    Store(StoreError),
    /// The file does not read as a master.
    Unreadable(MasterError),
    /// The file is a page for people, such as an error page of the host.
    WebPage,
    /// The file reads, but is not good enough.
    Refused(Vec<Refusal>),
    /// The file is not the day's own, and the day's own is there.
    NotNewer(String),
    /// The file in the store is not the one that was put there.
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// What is noted about a day cannot be read.
    Provenance {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl fmt::Display for MasterStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Unreadable(error) => error.fmt(f),
            Self::WebPage => f.write_str(
                "the file is a web page (HTML), no instrument master; look at the address with a browser",
            ),
            Self::Refused(refusals) => {
                let reasons: Vec<String> = refusals.iter().map(ToString::to_string).collect();
                write!(f, "the master is refused: {}", reasons.join("; "))
            }
            Self::NotNewer(reason) => write!(f, "the day's own master is there already, and {reason}"),
            Self::Damaged { path } => write!(
                f,
                "{}: the file is not the one that was stored; run `bijli instruments sync`",
                path.display()
            ),
            Self::Provenance { path, reason } => write!(f, "{}: {reason}", path.display()),
        }
    }
}

impl std::error::Error for MasterStoreError {}

impl From<StoreError> for MasterStoreError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl MasterStore {
    /// The masters under a folder, which need not be there yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// What is stored; files that are not called `YYYY-MM-DD.json` are not ours.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn stored(&self) -> Result<Stored, MasterStoreError> {
        let mut stored = Stored::default();
        for path in self.paths()? {
            let Some(day) = day_of_note(&path) else { continue };
            match read_provenance(&path, &day) {
                Ok(provenance) => stored.days.push(provenance),
                Err(error) => stored.unread.push((day, error.to_string())),
            }
        }
        stored.days.sort_by(|a, b| a.day.cmp(&b.day));
        Ok(stored)
    }

    /// The days whose notes can be read, oldest first.
    ///
    /// # Errors
    /// As [`MasterStore::stored`].
    pub fn days(&self) -> Result<Vec<Provenance>, MasterStoreError> {
        Ok(self.stored()?.days)
    }

    /// The newest master that loads: the days are walked backwards, and what does not load is named.
    ///
    /// # Errors
    /// As [`MasterStore::stored`].
    pub fn newest_sound(&self) -> Result<Sound, MasterStoreError> {
        let stored = self.stored()?;
        let mut sound = Sound {
            master: None,
            skipped: stored.unread.into_iter().map(|(_, reason)| reason).collect(),
        };
        for provenance in stored.days.into_iter().rev() {
            match self.load(&provenance) {
                Ok(catalogue) => {
                    sound.master = Some((provenance, catalogue));
                    break;
                }
                Err(error) => sound
                    .skipped
                    .push(format!("master of {}: {error}", provenance.day)),
            }
        }
        Ok(sound)
    }

    /// The newest master's origin.
    ///
    /// # Errors
    /// As [`MasterStore::days`].
    pub fn newest(&self) -> Result<Option<Provenance>, MasterStoreError> {
        Ok(self.days()?.pop())
    }

    /// Path of a stored master's file.
    #[must_use]
    pub fn path_of(&self, provenance: &Provenance) -> PathBuf {
        self.root.join(&provenance.file)
    }

    /// Reads a stored master whole and checks that it is the one that was stored.
    ///
    /// # Errors
    /// [`MasterStoreError::Damaged`], or what the file does not read for.
    pub fn load(&self, provenance: &Provenance) -> Result<Catalogue, MasterStoreError> {
        let path = self.path_of(provenance);
        let (outcome, crc32c) = read_summed(&path)?;
        if crc32c != provenance.crc32c {
            return Err(MasterStoreError::Damaged { path });
        }
        outcome.map_err(MasterStoreError::Unreadable)
    }

    /// A new file to fetch a master into. It has a name of this process and counts for nothing until
    /// [`MasterStore::accept`].
    ///
    /// # Errors
    /// When the folder or the file cannot be made.
    pub fn candidate(&self) -> Result<(PathBuf, File), MasterStoreError> {
        make_dir(&self.root)?;
        let path = self.root.join(format!(".incoming-{}", std::process::id()));
        let file = File::create(&path).map_err(io_error("making", &path))?;
        Ok((path, file))
    }

    /// Judges a candidate and, if it is good, makes it the master of its day; else keeps it aside as
    /// `refused.json.gz`. Of the days `keep` stay.
    ///
    /// # Errors
    /// Why it is not good; what was stored before is untouched then.
    pub fn accept(
        &self,
        candidate: &Path,
        (source, fetched_at): (&str, TsNs),
        terms: &Terms,
        keep: usize,
    ) -> Result<Accepted, MasterStoreError> {
        let _held = self.lock()?;
        let judged = self.judge(candidate, terms).and_then(|judged| {
            let stale = self.staleness(candidate, &judged.2, fetched_at, terms.day)?;
            Ok((judged, stale))
        });
        let ((catalogue, warnings, crc32c), stale) = match judged {
            Ok(judged) => judged,
            Err(error) => {
                let aside = self.root.join(REFUSED);
                fs::rename(candidate, &aside).map_err(io_error("keeping aside", &aside))?;
                return Err(error);
            }
        };
        let metadata = fs::metadata(candidate).map_err(io_error("looking at", candidate))?;
        let provenance = Provenance {
            day: terms.day.to_string(),
            file: format!("{}-{crc32c}.json.gz", terms.day),
            source: source.to_owned(),
            fetched_at_ns: fetched_at.get(),
            file_bytes: metadata.len(),
            crc32c,
            rows: catalogue.len(),
            text_bytes: catalogue.extent().text_bytes,
            warnings: warnings.iter().map(ToString::to_string).collect(),
            stale,
        };
        self.put_in_place(candidate, &provenance)?;
        self.prune(keep.max(1))?;
        Ok(Accepted {
            catalogue,
            provenance,
            warnings,
        })
    }

    fn judge(
        &self,
        candidate: &Path,
        terms: &Terms,
    ) -> Result<(Catalogue, Vec<Warning>, String), MasterStoreError> {
        let (outcome, crc32c) = read_summed(candidate)?;
        let catalogue = match outcome {
            Ok(catalogue) => catalogue,
            Err(_) if is_web_page(candidate)? => return Err(MasterStoreError::WebPage),
            Err(error) => return Err(MasterStoreError::Unreadable(error)),
        };
        // A damaged last master cannot be compared with; it must not keep a good one out either.
        let last = self.newest_sound()?.master.map(|(_, catalogue)| catalogue);
        let warnings = judge(&catalogue, last.as_ref(), terms).map_err(MasterStoreError::Refused)?;
        Ok((catalogue, warnings, crc32c))
    }

    /// Why a good file is not that of its day, if it is not.
    fn staleness(
        &self,
        candidate: &Path,
        crc32c: &str,
        fetched_at: TsNs,
        day: IstDay,
    ) -> Result<Option<String>, MasterStoreError> {
        let bytes = fs::metadata(candidate)
            .map_err(io_error("looking at", candidate))?
            .len();
        let day_text = day.to_string();
        let days = self.days()?;
        let same = days
            .iter()
            .find(|known| known.day < day_text && known.crc32c == crc32c && known.file_bytes == bytes);
        let reason = match same {
            Some(known) => format!("the file is that of {}, unchanged", known.day),
            None if fetched_at < day.at(REFRESHED_AT) => {
                "the file was fetched before 06:00 of the day, when the broker renews it".to_owned()
            }
            None => return Ok(None),
        };
        let own = days
            .iter()
            .find(|known| known.day == day_text && known.stale.is_none());
        if own.is_some_and(|own| self.load(own).is_ok()) {
            return Err(MasterStoreError::NotNewer(reason));
        }
        Ok(Some(reason))
    }

    /// Waits for other processes that put in place or remove; held until dropped.
    fn lock(&self) -> Result<File, StoreError> {
        make_dir(&self.root)?;
        let folder = File::open(&self.root).map_err(io_error("opening", &self.root))?;
        rustix::io::retry_on_intr(|| flock(&folder, FlockOperation::LockExclusive))
            .map_err(|error| io_error("locking", &self.root)(error.into()))?;
        Ok(folder)
    }

    /// File first, then the note that names it, then the name for people: a crash between leaves the day before.
    fn put_in_place(&self, candidate: &Path, provenance: &Provenance) -> Result<(), MasterStoreError> {
        let sync = |path: &Path| -> Result<(), StoreError> {
            let file = File::open(path).map_err(io_error("opening", path))?;
            file.sync_all().map_err(io_error("syncing", path))
        };
        let rename = |from: &Path, to: &Path| fs::rename(from, to).map_err(io_error("putting in place", to));
        sync(candidate)?;
        rename(candidate, &self.path_of(provenance))?;
        let note = self.root.join(format!("{}.json", provenance.day));
        let draft = self.root.join(format!(".note-{}", std::process::id()));
        let text = serde_json::to_string_pretty(provenance).expect("plain data serialises");
        fs::write(&draft, text).map_err(io_error("writing", &draft))?;
        sync(&draft)?;
        rename(&draft, &note)?;
        if self.newest()?.is_some_and(|newest| newest.day == provenance.day) {
            let link = self.root.join(format!(".link-{}", std::process::id()));
            std::os::unix::fs::symlink(&provenance.file, &link).map_err(io_error("linking", &link))?;
            rename(&link, &self.root.join(CURRENT))?;
        }
        sync(&self.root)?;
        Ok(())
    }

    /// Removes all but the newest `keep` days, and files that no note names any more. What an unreadable note may
    /// name stays as long as its day would.
    fn prune(&self, keep: usize) -> Result<(), MasterStoreError> {
        let Stored { mut days, mut unread } = self.stored()?;
        let old = days.len().saturating_sub(keep);
        let gone: Vec<String> = days.drain(..old).map(|provenance| provenance.day).collect();
        let (kept, outlived): (Vec<_>, Vec<_>) = unread
            .drain(..)
            .map(|(day, _)| day)
            .partition(|day| gone.is_empty() || days.first().is_none_or(|oldest| *day > oldest.day));
        for day in gone.iter().chain(&outlived) {
            remove_file(&self.root.join(format!("{day}.json")))?;
        }
        let named: Vec<PathBuf> = days.iter().map(|kept| self.path_of(kept)).collect();
        for path in self.paths()? {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            let ours = name.starts_with(|sign: char| sign.is_ascii_digit()) && name.ends_with(".json.gz");
            let unread = kept.iter().any(|day| name.starts_with(day.as_str()));
            if ours && !unread && !named.contains(&path) {
                remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Everything in the folder; nothing when it is not there.
    fn paths(&self) -> Result<Vec<PathBuf>, MasterStoreError> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error("reading the folder", &self.root)(error).into()),
        };
        let mut paths = Vec::new();
        for entry in entries {
            paths.push(entry.map_err(io_error("reading the folder", &self.root))?.path());
        }
        paths.sort();
        Ok(paths)
    }
}

/// The day that a file's name makes it the note of.
fn day_of_note(path: &Path) -> Option<String> {
    let day = path.file_name()?.to_str()?.strip_suffix(".json")?;
    let fits = |(place, sign): (usize, u8)| match place {
        4 | 7 => sign == b'-',
        _ => sign.is_ascii_digit(),
    };
    (day.len() == 10 && day.bytes().enumerate().all(fits)).then(|| day.to_owned())
}

fn read_provenance(path: &Path, day: &str) -> Result<Provenance, MasterStoreError> {
    let wrong = |reason: String| MasterStoreError::Provenance {
        path: path.to_owned(),
        reason,
    };
    let text = fs::read_to_string(path).map_err(io_error("reading", path))?;
    let provenance: Provenance = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if provenance.day != day || provenance.file.contains('/') {
        return Err(wrong(format!("the note is not one of {day}")));
    }
    Ok(provenance)
}

/// Reads a master and sums its bytes on the way. The sum is that of the whole file when the reading is good.
fn read_summed(path: &Path) -> Result<(Result<Catalogue, MasterError>, String), StoreError> {
    struct Summed(File, u32);
    impl Read for Summed {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(into)?;
            self.1 = crc32c::crc32c_append(self.1, &into[..count]);
            Ok(count)
        }
    }
    let file = File::open(path).map_err(io_error("opening", path))?;
    let mut summed = Summed(file, 0);
    let outcome = Catalogue::load(&mut summed);
    Ok((outcome, format!("{:08x}", summed.1)))
}

fn is_web_page(path: &Path) -> Result<bool, StoreError> {
    let mut start = [0; 64];
    let mut file = File::open(path).map_err(io_error("opening", path))?;
    let count = file.read(&mut start).map_err(io_error("reading", path))?;
    Ok(start[..count].trim_ascii_start().starts_with(b"<"))
}
