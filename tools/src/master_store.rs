//! Instrument masters on disk: one accepted file a day, kept some days, each with where it came from.
//!
//! Invariants: a file is judged before it has a name here, so a bad one never replaces a good one; `DAY.json` names
//! the day's file and is put in place in one step, after the file is on disk; a file whose check sum is not the one
//! noted is not read; the newest day is never removed. Left out: fetching (the caller fills a candidate), judging
//! ([`bijli_feed::upstox::catalogue::acceptance`]).

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bijli_core::TsNs;
use bijli_feed::upstox::catalogue::Catalogue;
use bijli_feed::upstox::catalogue::acceptance::{Refusal, Terms, Warning, judge};
use bijli_feed::upstox::master::MasterError;
use serde::{Deserialize, Serialize};

use crate::store::{StoreError, io_error, make_dir, remove_file};

/// Longest packed file that is taken: some twenty times the largest known (3,485,022 bytes).
pub const PACKED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Days kept unless told otherwise.
pub const KEEP_DAYS: usize = 7;
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

    /// What is stored, oldest day first.
    ///
    /// # Errors
    /// When the folder or a note in it cannot be read.
    pub fn days(&self) -> Result<Vec<Provenance>, MasterStoreError> {
        let mut days = Vec::new();
        for path in self.paths()? {
            if path.extension().is_some_and(|extension| extension == "json") {
                days.push(read_provenance(&path)?);
            }
        }
        days.sort_by(|a, b| a.day.cmp(&b.day));
        Ok(days)
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
        let judged = self.judge(candidate, terms);
        let (catalogue, warnings, crc32c) = match judged {
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
        let last = self.newest()?.map(|provenance| self.load(&provenance));
        // A damaged last master cannot be compared with; it must not keep a good one out either.
        let last = last.and_then(Result::ok);
        let warnings = judge(&catalogue, last.as_ref(), terms).map_err(MasterStoreError::Refused)?;
        Ok((catalogue, warnings, crc32c))
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

    /// Removes all but the newest `keep` days, and files that no note names any more.
    fn prune(&self, keep: usize) -> Result<(), MasterStoreError> {
        let mut days = self.days()?;
        let old = days.len().saturating_sub(keep);
        for provenance in days.drain(..old) {
            remove_file(&self.root.join(format!("{}.json", provenance.day)))?;
        }
        let named: Vec<PathBuf> = days.iter().map(|kept| self.path_of(kept)).collect();
        for path in self.paths()? {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            let ours = name.starts_with(|sign: char| sign.is_ascii_digit()) && name.ends_with(".json.gz");
            if ours && !named.contains(&path) {
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

fn read_provenance(path: &Path) -> Result<Provenance, MasterStoreError> {
    let text = fs::read_to_string(path).map_err(io_error("reading", path))?;
    serde_json::from_str(&text).map_err(|error| MasterStoreError::Provenance {
        path: path.to_owned(),
        reason: error.to_string(),
    })
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
