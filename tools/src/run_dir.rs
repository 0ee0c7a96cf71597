//! A run directory as its readers see it: which files it holds, which run is meant, the journal's segments.
//!
//! Read-only. A run directory is made by the engine's process; here nothing is created and nothing locked, so
//! a reader can never disturb a running engine. Layout: `ARCHITECTURE.md`, "A run directory".

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// Where run directories are looked for when none is named.
pub const RUNS: &str = "runs";

/// Name of the mapped live state in a run directory.
pub const SNAPSHOT_FILE: &str = "snapshot.bin";

/// One run directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir(PathBuf);

/// Why there is nothing to read.
#[derive(Debug)]
pub enum RunDirError {
    /// No run was named and there is none to be found.
    NoRuns,
    /// The directory or file that was named is not there.
    Missing(PathBuf),
    /// There is no journal segment in it.
    NoSegments(PathBuf),
    /// The operating system refused to list a folder.
    Io(PathBuf, std::io::Error),
    /// The operating system refused to map a file.
    Store(StoreError),
}

impl fmt::Display for RunDirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRuns => write!(
                f,
                "no run found under `{RUNS}`: start one with `bijli demo` or `bijli run`, or name a run \
                 directory with --dir"
            ),
            Self::Missing(path) => {
                write!(
                    f,
                    "{} is not there: name an existing run directory or journal",
                    path.display()
                )
            }
            Self::NoSegments(path) => write!(
                f,
                "{} holds no journal segment (segment-00000.bjl, …): name the `journal` folder of a run",
                path.display()
            ),
            Self::Io(path, error) => write!(f, "reading the folder {}: {error}", path.display()),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RunDirError {}

impl RunDir {
    /// A run directory by its path.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The named run directory, else the newest one under `./runs`.
    ///
    /// # Errors
    /// [`RunDirError`] when it is not there.
    pub fn named_or_newest(named: Option<&Path>) -> Result<Self, RunDirError> {
        match named {
            Some(path) if path.is_dir() => Ok(Self::new(path)),
            Some(path) => Err(RunDirError::Missing(path.to_owned())),
            None => Self::newest_under(Path::new(RUNS)),
        }
    }

    /// The run under `runs` whose journal got its last segment last; of equals, the one whose name comes last.
    ///
    /// # Errors
    /// [`RunDirError::NoRuns`] when there is none.
    pub fn newest_under(runs: &Path) -> Result<Self, RunDirError> {
        let entries = fs::read_dir(runs).map_err(|_| RunDirError::NoRuns)?;
        let dated = entries.filter_map(|entry| {
            let path = entry.ok()?.path();
            let changed = fs::metadata(path.join("journal")).ok()?.modified().ok()?;
            Some((changed, path))
        });
        dated.max().map(|(_, path)| Self(path)).ok_or(RunDirError::NoRuns)
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Folder of the journal's segments.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    /// The mapped live state.
    #[must_use]
    pub fn snapshot(&self) -> PathBuf {
        self.0.join(SNAPSHOT_FILE)
    }

    /// Percentiles of each stage of a finished run.
    #[must_use]
    pub fn latency_json(&self) -> PathBuf {
        self.0.join("latency.json")
    }

    /// What the run's process knew and the journal does not.
    #[must_use]
    pub fn facts_json(&self) -> PathBuf {
        self.0.join("facts.json")
    }
}

/// The segments of a journal, in the order of their numbers: those of a folder, or the one file named. A run
/// directory is taken as its journal folder.
///
/// # Errors
/// [`RunDirError`] when there is none.
pub fn segment_paths(journal: &Path) -> Result<Vec<PathBuf>, RunDirError> {
    if journal.is_file() {
        return Ok(vec![journal.to_owned()]);
    }
    if !journal.is_dir() {
        return Err(RunDirError::Missing(journal.to_owned()));
    }
    let inner = journal.join("journal");
    let folder = if inner.is_dir() { inner.as_path() } else { journal };
    let entries = fs::read_dir(folder).map_err(|error| RunDirError::Io(folder.to_owned(), error))?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "bjl"))
        .collect();
    if paths.is_empty() {
        return Err(RunDirError::NoSegments(folder.to_owned()));
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_run_is_the_one_whose_journal_changed_last() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        assert!(matches!(
            RunDir::newest_under(runs.path()),
            Err(RunDirError::NoRuns)
        ));
        for name in ["2026-07-31T10-00-00-demo/journal", "notes"] {
            fs::create_dir_all(runs.path().join(name)).expect("a fresh folder");
        }
        let newest = RunDir::newest_under(runs.path()).expect("one run has a journal");
        assert!(newest.path().ends_with("2026-07-31T10-00-00-demo"));
        fs::create_dir_all(runs.path().join("2026-07-31T11-00-00-demo/journal")).expect("a fresh folder");
        let newest = RunDir::newest_under(runs.path()).expect("two runs have journals");
        assert!(newest.path().ends_with("2026-07-31T11-00-00-demo"));
    }

    #[test]
    fn segments_come_in_order_from_a_run_a_folder_or_a_file() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let journal = run.path().join("journal");
        fs::create_dir(&journal).expect("a fresh folder");
        assert!(matches!(
            segment_paths(run.path()),
            Err(RunDirError::NoSegments(_))
        ));
        for name in ["segment-00001.bjl", "segment-00000.bjl", "other.txt"] {
            fs::write(journal.join(name), b"").expect("a fresh file");
        }
        let paths = segment_paths(run.path()).expect("two segments");
        assert_eq!(
            paths,
            [
                journal.join("segment-00000.bjl"),
                journal.join("segment-00001.bjl")
            ]
        );
        assert_eq!(segment_paths(&journal).expect("two segments"), paths);
        assert_eq!(segment_paths(&paths[1]).expect("one segment"), paths[1..]);
        assert!(matches!(
            segment_paths(Path::new("/nowhere")),
            Err(RunDirError::Missing(_))
        ));
    }
}
