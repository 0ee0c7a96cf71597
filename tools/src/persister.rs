//! The persister's work on real files: reads what the engine published in memory, commits it, says how far it got.
//!
//! The protocol is the core's ([`Persister`]); here are its files. Invariants: the fast tier's segment is removed only
//! when the disk has all of it; after a disk failure nothing is retried and nothing more removed, so memory keeps
//! what the disk may lack. Runs on a thread of its own (`topology`), since a sync may take seconds.

mod disk_tier;
mod ram_tier;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bijli_core::codec::DurableMark;
use bijli_core::journal::{COMMIT_BYTES_MAX, PersistError, Persister, read_marks};
use bijli_core::record::SEGMENT_HEADER_BYTES;

use self::disk_tier::DiskTier;
pub use self::ram_tier::{RamTier, take_over_ram};
use crate::durability::DurableView;
use crate::duty_cycle::{Bell, MonoNs};
use crate::stderr::say;
use crate::store::{JournalStart, StoreError, io_error, read_mark_file, remove_file, segment_path};

/// How often a mark goes into the journal as a record.
const MARK_PERIOD_NS: u64 = 1_000_000_000;
/// Between two questions for a segment that a full disk refused.
const ASK_AGAIN_NS: u64 = 1_000_000_000;

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A full commit: more is waiting.
    Full,
    /// A commit, or the next segment was begun.
    Some,
    /// There was nothing to do.
    Idle,
    /// The disk is dead.
    Dead,
}

/// Commits the journal of one process.
#[derive(Debug)]
pub struct PersisterTask {
    persister: Persister<DiskTier>,
    ram: RamTier,
    segment_file: File,
    window: Box<[u8]>,
    view: DurableView,
    marks: SyncSender<DurableMark>,
    told: MonoNs,
    /// When the disk had no room for the next segment.
    refused: Option<MonoNs>,
}

impl PersisterTask {
    /// Makes the first disk segment of this process and the mark file, and opens the fast tier's segment. Gives also
    /// where marks come out that the engine puts into the journal.
    ///
    /// # Errors
    /// When a file cannot be had.
    pub fn create(
        journal_dir: &Path,
        ram: RamTier,
        start: JournalStart,
    ) -> Result<(Self, Receiver<DurableMark>), StoreError> {
        let disk = DiskTier::create(journal_dir, start.segment, start.segment_bytes)?;
        let file = read_mark_file(journal_dir)?.unwrap_or_default();
        let persister = Persister::new(
            disk,
            start.day,
            (start.segment, start.first_seq),
            read_marks(&file),
        );
        let path = segment_path(ram.dir(), start.segment);
        let (marks, marks_out) = sync_channel(1);
        let task = Self {
            persister,
            segment_file: File::open(&path).map_err(io_error("opening", &path))?,
            ram,
            window: vec![0; COMMIT_BYTES_MAX].into_boxed_slice(),
            view: DurableView::of_disk(start.first_seq),
            marks,
            told: MonoNs::default(),
            refused: None,
        };
        Ok((task, marks_out))
    }

    /// The folder in memory.
    #[must_use]
    pub fn memory_dir(&self) -> &Path {
        self.ram.dir()
    }

    /// How far the disk is.
    #[must_use]
    pub const fn view(&self) -> &DurableView {
        &self.view
    }

    /// One commit, if there is something to commit; `gateway` is rung after it.
    pub fn step(&mut self, now: MonoNs, gateway: &Bell) -> Step {
        if self.view.is_dead() {
            return Step::Dead;
        }
        match self.try_step(now) {
            Ok(Step::Idle) => Step::Idle,
            Ok(step) => {
                gateway.ring();
                step
            }
            Err(error) => {
                self.view.die();
                gateway.ring();
                say(format_args!(
                    "error: the journal's disk failed and is not asked again: {error}; entries are frozen, exits go \
                     on; the newest records are in {} until the machine stops: copy that folder now",
                    self.ram.dir().display()
                ));
                Step::Dead
            }
        }
    }

    fn try_step(&mut self, now: MonoNs) -> Result<Step, StoreError> {
        let count = read_window(&self.segment_file, self.persister.end_offset(), &mut self.window)
            .map_err(io_error("reading", self.ram.dir()))?;
        let exits_unwaited = self.view.exits_unwaited();
        match self.persister.commit(&self.window[..count], exits_unwaited) {
            Ok(Some(mark)) => {
                self.view.reached(&mark);
                if now.since(self.told) >= MARK_PERIOD_NS && self.marks.try_send(mark).is_ok() {
                    self.told = now;
                }
                let left = count as u64 + self.persister.end_offset();
                Ok(if left >= mark.end_offset + COMMIT_BYTES_MAX as u64 / 2 {
                    Step::Full
                } else {
                    Step::Some
                })
            }
            Ok(None) => {
                self.prepare_next(now)?;
                Ok(if self.enter_next()? {
                    Step::Full
                } else {
                    Step::Idle
                })
            }
            Err(PersistError::Disk(error)) => Err(error),
            Err(PersistError::Dead) => unreachable!("a dead disk is not asked again"),
        }
    }

    /// One step towards the next segment. A full disk is not a failed one: what is allocated is still written, the
    /// next segment is asked for again, and the refusal is noted, so that no entry is made meanwhile; housekeeping says
    /// it.
    fn prepare_next(&mut self, now: MonoNs) -> Result<(), StoreError> {
        if self.refused.is_some_and(|at| now.since(at) < ASK_AGAIN_NS) {
            return Ok(());
        }
        let is_refused = match self.persister.disk_mut().prepare() {
            Err(StoreError::DiskFull { .. }) => true,
            prepared => prepared.map(|()| false)?,
        };
        self.refused = is_refused.then_some(now);
        self.view.note_refused(is_refused);
        Ok(())
    }

    /// Goes on to the next segment, if the engine has begun it, this one is durable to its end and the disk has room.
    fn enter_next(&mut self) -> Result<bool, StoreError> {
        if !self.persister.disk_mut().has_next() {
            return Ok(false);
        }
        let done = self.persister.segment();
        let path = segment_path(self.ram.dir(), done + 1);
        let Ok(next) = File::open(&path) else {
            return Ok(false);
        };
        let mut front = [0; SEGMENT_HEADER_BYTES];
        let count = read_window(&next, 0, &mut front).map_err(io_error("reading", &path))?;
        if !self.persister.enter_next(&front[..count]) {
            return Ok(false);
        }
        self.persister.disk_mut().advance(done + 1)?;
        self.segment_file = next;
        remove_file(&segment_path(self.ram.dir(), done))?;
        Ok(true)
    }
}

/// Reads what there is, up to the window's size.
fn read_window(file: &File, from: u64, window: &mut [u8]) -> std::io::Result<usize> {
    let mut count = 0;
    while count < window.len() {
        match file.read_at(&mut window[count..], from + count as u64)? {
            0 => break,
            read => count += read,
        }
    }
    Ok(count)
}

/// The folder of the fast tier that belongs to a run, under `ram_dir`.
fn ram_folder(ram_dir: &Path, run_dir: &Path) -> PathBuf {
    let whole = run_dir.canonicalize().unwrap_or_else(|_| run_dir.to_owned());
    let name = run_dir
        .file_name()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    let path_crc = crc32c::crc32c(whole.as_os_str().as_encoded_bytes());
    ram_dir.join(format!("bijli-{name}-{path_crc:08x}"))
}

#[cfg(test)]
#[path = "persister/tests.rs"]
mod tests;
