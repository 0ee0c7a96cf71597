//! A second engine, rebuilt from the journal alone: the proof that a day replays bit for bit.
//!
//! Every event goes through [`Engine::apply`]; the commands that come out must equal the command records that
//! follow, and the state hash must equal that of every checkpoint. Where a process was killed between an event
//! and its last command record, the commands missing at the seam were never sent, which is counted and no
//! difference. Damage ends a strict replay with an error; a lenient one takes the valid prefix and says so.

use std::fmt;
use std::path::{Path, PathBuf};

use bijli_core::codec::{CodecError, Item};
use bijli_core::journal::{Damage, verify_segments};
use bijli_core::record::{Record, SEGMENT_HEADER_BYTES, record_bytes};
use bijli_core::{Command, Commands, Engine, Event};
use bijli_strategy::SpikeStrategy;
use memmap2::Mmap;
use serde::Serialize;

use crate::run_dir::{RunDirError, segment_paths};
use crate::store::map_read;

/// The bytes of all segments of a journal, with the paths that errors name.
#[derive(Debug)]
pub struct JournalBytes {
    paths: Vec<PathBuf>,
    segments: Vec<Mmap>,
}

/// What a replay does about damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Any damage is an error.
    Strict,
    /// The valid prefix counts: for the journal of a process that runs or was killed.
    Prefix,
}

/// One event that was just applied.
#[derive(Debug)]
pub struct Applied<'a> {
    /// Sequence number of its record.
    pub seq: u64,
    /// Bytes of the journal read so far.
    pub bytes: u64,
    /// The event.
    pub event: &'a Event,
    /// What it caused.
    pub commands: &'a Commands,
    /// The engine after it.
    pub engine: &'a Engine<SpikeStrategy>,
}

/// A place where the replay and the journal part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Sequence number of the record.
    pub seq: u64,
    /// Its segment.
    pub segment: u32,
    /// Where it begins, bytes from the start of its segment.
    pub offset: u64,
    /// What differs.
    pub what: String,
}

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Records read.
    pub records: u64,
    /// Bytes of these records and of their segments' headers.
    pub bytes: u64,
    /// Events applied.
    pub events: u64,
    /// Segments read.
    pub segments: u64,
    /// Hash of the engine's state after the last event.
    pub state_hash: u64,
    /// Whether all commands and hashes were equal.
    pub identical: bool,
    /// The first place where they were not.
    pub first_difference: Option<Difference>,
    /// Whether the journal ends with the mark of an ordered end.
    pub closed: bool,
    /// Hashes compared: checkpoints and closing marks.
    pub hashes_compared: u64,
    /// Commands that a killed process had not journaled yet, and so never sent.
    pub commands_unsent: u64,
    /// What ended a lenient replay before the journal's end.
    pub cut: Option<String>,
    /// Tails that a process start found half written and cut off.
    pub tail_cuts: Vec<CutTail>,
}

/// A half-written tail that a process start cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CutTail {
    /// Sequence number of the record that tells of it.
    pub seq: u64,
    /// Engine time of the start, nanoseconds since 1970, UTC.
    pub ts_ns: i64,
    /// The segment that was cut.
    pub segment: u32,
    /// Where its valid records end, bytes from its start.
    pub cut_offset: u64,
}

/// Why a journal could not be replayed.
#[derive(Debug)]
pub enum ReplayError {
    /// There is nothing to read.
    Missing(RunDirError),
    /// A record or segment is not what its writer wrote.
    Damaged {
        /// The segment's file.
        file: PathBuf,
        /// What is wrong, and where.
        damage: Damage,
    },
    /// A sound record holds no item that this program knows.
    Undecodable {
        /// The segment's file.
        file: PathBuf,
        /// The record's sequence number.
        seq: u64,
        /// Where it begins, bytes from the start of its segment.
        offset: u64,
        /// What is wrong.
        error: CodecError,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(error) => error.fmt(f),
            Self::Damaged { file, damage } => write!(
                f,
                "{}: {damage}. The journal changed after it was written, or was cut: restore this file from a \
                 copy; `replay` without --verify reads what comes before",
                file.display()
            ),
            Self::Undecodable {
                file,
                seq,
                offset,
                error,
            } => {
                write!(f, "{}: record {seq} at byte {offset}: {error}", file.display())
            }
        }
    }
}

impl std::error::Error for ReplayError {}

impl ReplayError {
    /// The record at fault: its sequence number, and where it begins in its segment.
    #[must_use]
    pub const fn place(&self) -> Option<(u64, u64)> {
        match self {
            Self::Missing(_) => None,
            Self::Damaged { damage, .. } => Some((damage.seq, damage.offset)),
            Self::Undecodable { seq, offset, .. } => Some((*seq, *offset)),
        }
    }
}

impl JournalBytes {
    /// Reads the segments of a run, of a journal folder, or one segment file.
    ///
    /// # Errors
    /// [`RunDirError`] when there is nothing to read.
    pub fn open(journal: &Path) -> Result<Self, RunDirError> {
        let paths = segment_paths(journal)?;
        let segments = paths.iter().map(|path| map_read(path)).collect::<Result<_, _>>();
        let segments = segments.map_err(RunDirError::Store)?;
        Ok(Self { paths, segments })
    }

    /// The bytes of each segment, in order.
    #[must_use]
    pub fn segments(&self) -> Vec<&[u8]> {
        self.segments.iter().map(|segment| &segment[..]).collect()
    }

    /// Bytes of all segments, the zeros behind their ends included.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.len() as u64).sum()
    }

    /// The segments' files, in order.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// A record, or its damage with the file that an operator has to look at.
    ///
    /// # Errors
    /// [`ReplayError::Damaged`].
    pub fn checked<'a>(&self, record: Result<Record<'a>, Damage>) -> Result<Record<'a>, ReplayError> {
        record.map_err(|damage| ReplayError::Damaged {
            file: self.file_of(damage.segment),
            damage,
        })
    }

    /// The item of a record, or why it has none, with the file.
    ///
    /// # Errors
    /// [`ReplayError::Undecodable`].
    pub fn decoded(&self, record: &Record<'_>) -> Result<Item, ReplayError> {
        record.item().map_err(|error| ReplayError::Undecodable {
            file: self.file_of(record.segment),
            seq: record.seq,
            offset: record.offset,
            error,
        })
    }

    /// The file of a segment, for messages.
    fn file_of(&self, segment: u32) -> PathBuf {
        let suffix = format!("{segment:05}");
        let named = self.paths.iter().find(|path| {
            path.file_stem()
                .is_some_and(|stem| stem.to_string_lossy().ends_with(&suffix))
        });
        named.or_else(|| self.paths.first()).cloned().unwrap_or_default()
    }
}

/// Replays a journal; `observe` sees each event after it was applied.
///
/// # Errors
/// [`ReplayError`] when there is nothing to read, or on damage under [`Strictness::Strict`].
pub fn replay(
    journal: &JournalBytes,
    strictness: Strictness,
    mut observe: impl FnMut(&Applied<'_>),
) -> Result<(Replayed, Engine<SpikeStrategy>), ReplayError> {
    let segments = journal.segments();
    let mut replica = Replica::new();
    for record in verify_segments(&segments) {
        let taken = journal.checked(record).and_then(|record| {
            replica.take(&record, &journal.decoded(&record)?, &mut observe);
            Ok(())
        });
        match (taken, strictness) {
            (Ok(()), _) => {}
            (Err(error), Strictness::Strict) => return Err(error),
            (Err(error), Strictness::Prefix) => {
                replica.result.cut = Some(error.to_string());
                break;
            }
        }
    }
    Ok(replica.finish())
}

/// The engine being rebuilt and how far the comparison is.
struct Replica {
    engine: Engine<SpikeStrategy>,
    commands: Commands,
    /// Commands of the last event that a record has confirmed.
    confirmed: usize,
    segment: Option<u32>,
    result: Replayed,
}

impl Replica {
    fn new() -> Self {
        Self {
            engine: Engine::new(SpikeStrategy::new()),
            commands: Commands::default(),
            confirmed: 0,
            segment: None,
            result: Replayed::default(),
        }
    }

    fn take(&mut self, record: &Record<'_>, item: &Item, observe: &mut impl FnMut(&Applied<'_>)) {
        self.result.records += 1;
        self.result.bytes += record_bytes(record.payload.len()) as u64;
        if self.segment != Some(record.segment) {
            self.segment = Some(record.segment);
            self.result.segments += 1;
            self.result.bytes += SEGMENT_HEADER_BYTES as u64;
        }
        match item {
            Item::Event(event) => {
                self.settle(record, matches!(event, Event::ProcessStarted(_)));
                self.result.closed = false;
                self.engine.apply(event, &mut self.commands);
                self.confirmed = 0;
                self.result.events += 1;
                observe(&Applied {
                    seq: record.seq,
                    bytes: self.result.bytes,
                    event,
                    commands: &self.commands,
                    engine: &self.engine,
                });
            }
            Item::Command(command) => self.confirm(record, command),
            Item::Checkpoint(mark) => self.compare(record, mark.events, mark.state_hash),
            Item::TailCut(cut) => {
                self.settle(record, true);
                self.result.tail_cuts.push(CutTail {
                    seq: record.seq,
                    ts_ns: record.ts.get(),
                    segment: cut.segment,
                    cut_offset: cut.cut_offset,
                });
            }
            // Written when the disk caught up, which may be between an event and nothing else: no claim here.
            Item::DurableMark(_) => {}
            Item::Closed(mark) => {
                self.compare(record, mark.events, mark.state_hash);
                self.result.closed = true;
            }
        }
    }

    /// A command record must be the next command that the last event caused.
    fn confirm(&mut self, record: &Record<'_>, journaled: &Command) {
        let replayed = self.commands.iter().nth(self.confirmed).copied();
        self.confirmed += 1;
        if replayed != Some(*journaled) {
            let replayed = replayed.map_or("no command".to_owned(), |command| format!("{command:?}"));
            self.differ(
                record,
                format!("the journal has {journaled:?}, the replay {replayed}"),
            );
        }
    }

    /// Commands that no record confirmed are a difference, except at the seam of a killed process.
    fn settle(&mut self, record: &Record<'_>, seam: bool) {
        let missing = self.commands.count().saturating_sub(self.confirmed) as u64;
        self.confirmed = self.commands.count();
        if missing == 0 {
            return;
        }
        if seam {
            self.result.commands_unsent += missing;
        } else {
            self.differ(
                record,
                format!("the replay has {missing} more commands before this record"),
            );
        }
    }

    fn compare(&mut self, record: &Record<'_>, events: u64, state_hash: u64) {
        self.settle(record, false);
        self.result.hashes_compared += 1;
        let found = self.engine.state_hash();
        if events != self.result.events || state_hash != found {
            let replayed = self.result.events;
            self.differ(
                record,
                format!(
                    "the journal has state hash {state_hash:016x} after {events} events, the replay \
                     {found:016x} after {replayed}"
                ),
            );
        }
    }

    fn differ(&mut self, record: &Record<'_>, what: String) {
        self.result.first_difference.get_or_insert(Difference {
            seq: record.seq,
            segment: record.segment,
            offset: record.offset,
            what,
        });
    }

    fn finish(mut self) -> (Replayed, Engine<SpikeStrategy>) {
        self.result.commands_unsent += self.commands.count().saturating_sub(self.confirmed) as u64;
        self.result.state_hash = self.engine.state_hash();
        self.result.identical = self.result.first_difference.is_none();
        (self.result, self.engine)
    }
}

#[cfg(test)]
#[path = "replica_tests.rs"]
mod tests;
