//! Where a live view comes from: the snapshot of a run directory, mapped for reading and copied on demand.
//!
//! Invariants: nothing is written and nothing locked, so any number of readers may come and be killed; a
//! snapshot that is missing, half-made or of another version is a message, never a crash, and is tried again
//! at the next look. The writing process is looked for under `/proc`.

use std::fmt;
use std::fs;
use std::path::Path;

use bijli_core::Event;
use bijli_core::codec::Item;
use bijli_core::config::RiskConfig;
use bijli_core::journal::scan_published;
use bijli_core::snapshot::{SnapshotError, SnapshotReader};
use memmap2::Mmap;

use super::readouts::{Readouts, Sight};
use crate::duty_cycle::wall_now;
use crate::run_dir::{RunDir, segment_paths};
use crate::store::map_read;

/// The configuration stands among the first records of a journal; no need to look further.
const RECORDS_SEARCHED_MAX: usize = 16;

/// Why there is no live state to show.
#[derive(Debug)]
pub enum NoSight {
    /// There is no snapshot file.
    Missing(String),
    /// The file is no snapshot that this program can read.
    Unreadable(String, SnapshotError),
}

impl fmt::Display for NoSight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(
                f,
                "no live state: {what}; is the engine starting, or was it never here?"
            ),
            Self::Unreadable(path, error) => write!(f, "{path}: {error}"),
        }
    }
}

impl std::error::Error for NoSight {}

/// Looks at one run directory.
#[derive(Debug)]
pub struct SnapshotSource {
    run: RunDir,
    map: Option<Mmap>,
    risk: Option<RiskConfig>,
}

impl SnapshotSource {
    /// Looks at `run`, whose snapshot may come later.
    #[must_use]
    pub const fn new(run: RunDir) -> Self {
        Self {
            run,
            map: None,
            risk: None,
        }
    }

    /// Copies the state as it is now.
    ///
    /// # Errors
    /// [`NoSight`] when there is none to be read; the next look tries afresh.
    pub fn look(&mut self) -> Result<Sight, NoSight> {
        let sight = self.try_look();
        if sight.is_err() {
            self.map = None;
        }
        sight
    }

    fn try_look(&mut self) -> Result<Sight, NoSight> {
        let path = self.run.snapshot();
        let map = match self.map.take() {
            Some(map) => map,
            None => map_read(&path).map_err(|error| NoSight::Missing(error.to_string()))?,
        };
        let map = self.map.insert(map);
        let unreadable = |error| NoSight::Unreadable(path.display().to_string(), error);
        let reader = SnapshotReader::open(map).map_err(unreadable)?;
        let readouts = Readouts::read(&reader).map_err(unreadable)?;
        if self.risk.is_none() {
            self.risk = configured_risk(&self.run.journal());
        }
        Ok(Sight {
            run: self.run.path().display().to_string(),
            writer_alive: is_running(readouts.session.pid),
            readouts,
            risk: self.risk,
            taken: wall_now(),
        })
    }
}

/// Whether a process is there and not merely waiting to be buried.
fn is_running(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    // The state follows the name, which stands in parentheses and may itself hold any.
    let state = stat.rsplit_once(')').map_or("", |(_, rest)| rest.trim_start());
    !state.starts_with(['Z', 'X'])
}

/// The limits that the journal's first records name.
fn configured_risk(journal: &Path) -> Option<RiskConfig> {
    let paths = segment_paths(journal).ok()?;
    let first = map_read(paths.first()?).ok()?;
    let records = scan_published(&first).ok()?;
    records
        .take(RECORDS_SEARCHED_MAX)
        .map_while(Result::ok)
        .find_map(|record| match record.item() {
            Ok(Item::Event(Event::Configured(config))) => Some(config.risk),
            Ok(_) | Err(_) => None,
        })
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use bijli_core::snapshot::{SNAPSHOT_BYTES, SnapshotWriter};

    #[test]
    fn the_limits_come_from_the_journals_first_records() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(configured_risk(folder.path()), None);
        crate::handmade::HandmadeDay::new().write(folder.path(), &[]);
        assert_eq!(configured_risk(folder.path()), Some(RiskConfig::default()));
    }

    #[test]
    fn a_process_that_ended_is_not_running() {
        assert!(is_running(std::process::id()));
        assert!(!is_running(u32::MAX));
    }

    #[test]
    fn a_snapshot_that_is_missing_then_begun_then_whole_is_told_step_by_step() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let run = RunDir::new(folder.path());
        let mut source = SnapshotSource::new(run.clone());
        assert!(matches!(source.look(), Err(NoSight::Missing(_))));
        for bytes in [vec![], vec![0; 100], vec![0; SNAPSHOT_BYTES]] {
            fs::write(run.snapshot(), bytes).expect("a fresh file");
            assert!(matches!(source.look(), Err(NoSight::Unreadable(..))));
        }
        let mut bytes = vec![0; SNAPSHOT_BYTES];
        let mut readouts = sample::readouts();
        readouts.session.pid = std::process::id();
        sample::write(&SnapshotWriter::create(&mut bytes).expect("aligned"), &readouts);
        fs::write(run.snapshot(), &bytes).expect("a fresh file");
        let sight = source.look().expect("a whole snapshot");
        assert!(sight.writer_alive && sight.risk.is_none());
        assert_eq!(sight.readouts, readouts);
        bytes[16] ^= 1;
        fs::write(run.snapshot(), &bytes).expect("a fresh file");
        let mut fresh = SnapshotSource::new(run);
        assert!(
            fresh
                .look()
                .is_err_and(|error| error.to_string().contains("layout"))
        );
    }
}
