//! How a process takes over a trading day: lock the account, recover the journal, begin a new segment.
//!
//! Recovery is replay: the engine is rebuilt from the records that a former process left, strictly, except for
//! the torn end of its last segment, which is named in the first record of ours; where just that record is torn, its
//! segment is set aside and begun anew. Damage anywhere else refuses the start: a person decides what the day is then.

mod journaling;
#[cfg(test)]
mod power_tests;
mod supervise;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;

use bijli_core::codec::DurableMark;
use bijli_core::driver::{DayFacts, Driver};
use bijli_core::event::{DataKind, SessionOpened, VenueKind};
use bijli_core::journal::{Corruption, Damage, Past, ReplayFault, is_blank, replay_segments};
use bijli_core::record::SegmentHeader;
use bijli_core::session::{ClosedDay, Market, SessionTimes};
use bijli_core::state::State;
use bijli_core::{Engine, Instrument, IstDay, TsNs, config::Config};
use bijli_strategy::SpikeStrategy;
use memmap2::Mmap;

use crate::account_lock::AccountLock;
use crate::durability::Durability;
use crate::persister::PersisterTask;
use crate::run_dir::segment_paths;
use crate::start_checks::{StartChecks, StartFacts, is_other_program, program_name};
use crate::store::room::check_reserve;
use crate::store::{
    JournalStart, JournalStore, SegmentMaker, StoreError, make_dir, map_read, read_mark_file,
    remove_unused_segments, set_torn_segments_aside,
};

/// The day to take over.
#[derive(Clone, Debug)]
pub struct DayPlan {
    /// Folder of the run.
    pub run_dir: PathBuf,
    /// Lock file of the account.
    pub account_lock: PathBuf,
    /// The broker's address and client code where orders are sent to it, which one engine may; `None` on paper.
    pub at_broker: Option<String>,
    /// The trading day.
    pub day: IstDay,
    /// Where prices come from.
    pub data: DataKind,
    /// Where orders go.
    pub venue: VenueKind,
    /// Risk limits and strategy parameters.
    pub config: Config,
    /// The day's instruments, in the order of their ids.
    pub instruments: Vec<Instrument>,
    /// Engine time of a fresh start.
    pub start: TsNs,
    /// Size of a journal segment.
    pub segment_bytes: u64,
    /// What the journal survives.
    pub durability: Durability,
    /// Where the fast tier of a journal lies that waits for its disk, this process's or one of earlier today.
    pub ram_dir: PathBuf,
    /// What must be free on the disk when a day is begun.
    pub reserve_bytes: u64,
    /// What was found out before.
    pub checks: StartChecks,
}

/// A day taken over.
#[derive(Debug)]
pub struct OpenDay {
    /// The engine, fresh or rebuilt.
    pub engine: Engine<SpikeStrategy>,
    /// The journal, at its end.
    pub journal: JournalStore,
    /// Makes the journal's further segments.
    pub maker: SegmentMaker,
    /// Brings the journal onto the disk, and where its marks come out; `None` = it is written there at once.
    pub persister: Option<(PersisterTask, Receiver<DurableMark>)>,
    /// This process's epoch.
    pub epoch: u32,
    /// Records that were replayed; zero for a fresh day.
    pub records_recovered: u64,
    /// What raw frames leave free on the disk: the journal's reserve.
    pub capture_keeps_free: u64,
    /// Held until the process ends.
    pub lock: AccountLock,
}

impl OpenDay {
    /// The folder in memory of a journal that waits for its disk.
    #[must_use]
    pub fn memory_dir(&self) -> Option<&Path> {
        self.persister.as_ref().map(|(task, _)| task.memory_dir())
    }

    /// Whether the day makes no entry to its end, because it was begun on a stale instrument master: its journal
    /// keeps that master's contracts. No configuration file can ask for that.
    #[must_use]
    pub fn is_without_entries(&self) -> bool {
        self.engine.state().config().risk.entries_per_day_max == 0
    }
}

/// Why a day cannot be taken over.
#[derive(Debug)]
pub enum OpeningError {
    /// The exchange is shut on that day, or nobody knows.
    Closed(IstDay, ClosedDay),
    /// A file could not be had.
    Store(StoreError),
    /// The journal of the day is damaged before its end.
    Damaged(PathBuf, Damage),
    /// The journal of the day lacks records that were on the disk.
    Corrupt(PathBuf, Corruption),
    /// The journal of the day cannot be read.
    Unreadable(PathBuf, String),
    /// Another program opened what is open now.
    OtherProgram,
    /// The journal is of another day.
    OtherDay(IstDay, IstDay),
    /// The journal was begun on other data or for another venue.
    OtherVenue {
        /// As the journal has it.
        found: (DataKind, VenueKind),
        /// As asked for now.
        wanted: (DataKind, VenueKind),
    },
    /// The opening was cut short and its instruments are not today's.
    OtherInstruments,
    /// This program does not do what the one before it did: its orders would not be those at the broker.
    Diverged {
        /// The first record that differs.
        seq: u64,
    },
}

impl fmt::Display for OpeningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(day, ClosedDay::Uncovered) => write!(
                f,
                "{day} lies outside the table of session hours: bring core/src/session.rs up to date; hours are never guessed"
            ),
            Self::Closed(day, ClosedDay::Weekend) => write!(f, "{day} is a weekend: no session"),
            Self::Closed(day, ClosedDay::Holiday) => write!(f, "{day} is a trading holiday"),
            Self::Store(error) => error.fmt(f),
            Self::Damaged(path, damage) => write!(
                f,
                "{}: {damage}; move the journal aside only after the broker's book was checked by hand",
                path.display()
            ),
            Self::Corrupt(path, what) => write!(
                f,
                "{}: {what}. That is no torn end but rot, or a file was changed: nothing is traded on it. Keep the whole \
                 run directory, flatten at the broker by hand and check the disk; then begin with a restored copy, or \
                 move the run directory aside, under the same account name: its .lock counts process starts, so that \
                 no tag comes twice, and its .latch holds a kill",
                path.display()
            ),
            Self::Unreadable(path, what) => write!(f, "{}: {what}", path.display()),
            Self::OtherVenue { found, wanted } => write!(
                f,
                "the run directory holds a day begun as {found:?}, not as {wanted:?}; a day does not change \
                 between paper and real money: use another account name"
            ),
            Self::OtherProgram => f.write_str(
                "another version of this program opened the positions of this day: go back to it, or flatten first, \
                 or accept the change with --accept-upgrade",
            ),
            Self::OtherInstruments => f.write_str(
                "the opening of the day was cut short and its instruments are not those of now; nothing was sent: \
                 remove the run directory and start again",
            ),
            Self::Diverged { seq } => write!(
                f,
                "record {seq}: this program decides otherwise than the one that wrote the journal; recover with \
                 that version, or flatten at the broker and start another run directory"
            ),
            Self::OtherDay(found, wanted) => {
                write!(
                    f,
                    "the run directory holds the journal of {found}, not of {wanted}; use another one"
                )
            }
        }
    }
}

impl std::error::Error for OpeningError {}

impl From<StoreError> for OpeningError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Takes over the day: recovers what a former process left, or begins it.
///
/// # Errors
/// [`OpeningError`]; nothing was sent and nothing of an existing journal was changed then.
pub fn open_day(plan: &DayPlan) -> Result<OpenDay, OpeningError> {
    let hours =
        |market| SessionTimes::of(plan.day, market).map_err(|closed| OpeningError::Closed(plan.day, closed));
    let (cash, derivatives) = (hours(Market::Cash)?, hours(Market::Derivatives)?);
    if let Some(folder) = plan.account_lock.parent() {
        make_dir(folder)?;
    }
    let mut lock = AccountLock::take(&plan.account_lock, plan.at_broker.as_deref())?;
    let journal_dir = plan.run_dir.join("journal");
    make_dir(&journal_dir)?;
    let carried = journaling::take_over(plan)?;
    if carried > 0 {
        eprintln!("journal: {carried} records were in memory alone and are on the disk now");
    }
    remove_unused_segments(&journal_dir)?;
    let past = recover_past(&journal_dir, plan.day)?;
    check_same_day(past.engine.state(), plan)?;
    if past.last.is_none() {
        // A day under way is never turned away: it may hold positions.
        check_reserve(&journal_dir, plan.reserve_bytes)?;
    }
    let program = if plan.checks.is_real {
        program_name()
    } else {
        String::new()
    };
    if !plan.checks.accept_upgrade && is_other_program(past.engine.state(), &program) {
        return Err(OpeningError::OtherProgram);
    }
    let epoch = lock.next_epoch(past.engine.state().epoch())?;
    let start = JournalStart {
        day: plan.day,
        epoch,
        segment: past.next_segment,
        first_seq: past.next_seq,
        segment_bytes: plan.segment_bytes,
    };
    set_torn_segments_aside(&journal_dir, past.next_segment)?;
    let (mut journal, maker, persister) = journaling::begin(plan, &journal_dir, start)?;
    let facts = DayFacts {
        opened: SessionOpened {
            ts: plan.start,
            day: plan.day,
            data: plan.data,
            venue: plan.venue,
            cash,
            derivatives,
        },
        config: plan.config,
        instruments: &plan.instruments,
    };
    let mut driver = Driver::new(past.engine);
    driver.begin(past.tail_cut, &facts, epoch, &mut journal)?;
    let found = StartFacts {
        records: past.records,
        program,
        starts: supervise::note_start(plan),
    };
    supervise::tell(&mut driver, &mut journal, plan, &found)?;
    Ok(OpenDay {
        engine: driver.into_engine(),
        journal,
        maker,
        persister,
        epoch,
        records_recovered: past.records,
        capture_keeps_free: plan.reserve_bytes.max(plan.segment_bytes.saturating_mul(4)),
        lock,
    })
}

/// Refuses a journal that was begun as something else than what is asked for now.
fn check_same_day(state: &State, plan: &DayPlan) -> Result<(), OpeningError> {
    let Some(session) = state.session() else {
        return Ok(());
    };
    let (found, wanted) = ((session.data, session.venue), (plan.data, plan.venue));
    if found != wanted {
        return Err(OpeningError::OtherVenue { found, wanted });
    }
    let listed = state.instruments();
    if state.epoch() == 0 && plan.instruments.get(..listed.len()) != Some(listed) {
        return Err(OpeningError::OtherInstruments);
    }
    Ok(())
}

/// What former processes of the day left.
fn recover_past(journal_dir: &Path, day: IstDay) -> Result<Past<SpikeStrategy>, OpeningError> {
    let paths = segment_paths(journal_dir).unwrap_or_default();
    let maps: Vec<Mmap> = paths
        .iter()
        .map(|path| map_read(path))
        .collect::<Result<_, _>>()?;
    let slices: Vec<&[u8]> = maps
        .iter()
        .map(|map| &map[..])
        .filter(|bytes| !is_blank(bytes))
        .collect();
    let last_path = || {
        slices
            .len()
            .checked_sub(1)
            .map_or(journal_dir, |last| &*paths[last])
    };
    if let Some(Ok((header, _))) = slices.last().map(|last| SegmentHeader::parse(last)) {
        check_day(&header, day)?;
    }
    let marks = read_mark_file(journal_dir)?;
    replay_segments(&slices, marks.as_deref(), SpikeStrategy::new()).map_err(|fault| match fault {
        ReplayFault::Corrupt(what) => OpeningError::Corrupt(last_path().to_owned(), what),
        ReplayFault::Unreadable(error) => OpeningError::Unreadable(last_path().to_owned(), error.to_string()),
        ReplayFault::Item(error) => OpeningError::Unreadable(last_path().to_owned(), error.to_string()),
        ReplayFault::Damaged(damage) => {
            let path = paths
                .get(damage.segment as usize)
                .map_or(last_path(), |path| &**path);
            OpeningError::Damaged(path.to_owned(), damage)
        }
        ReplayFault::Diverged { seq } => OpeningError::Diverged { seq },
    })
}

fn check_day(header: &SegmentHeader, day: IstDay) -> Result<(), OpeningError> {
    if header.day == day {
        Ok(())
    } else {
        Err(OpeningError::OtherDay(header.day, day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn plan(folder: &Path, day: IstDay) -> DayPlan {
        DayPlan {
            run_dir: folder.to_owned(),
            account_lock: folder.join("account.lock"),
            at_broker: None,
            day,
            data: DataKind::Synthetic,
            venue: VenueKind::Simulated,
            config: Config::default(),
            instruments: Vec::new(),
            start: TsNs::new(1),
            segment_bytes: 64 * 1024,
            durability: Durability::Process,
            ram_dir: folder.join("memory"),
            reserve_bytes: 0,
            checks: StartChecks::default(),
        }
    }

    pub(super) fn day(year: i32, month: u32, date: u32) -> IstDay {
        IstDay::from_ymd(year, month, date).expect("a real date")
    }

    #[test]
    fn a_day_is_taken_over_with_its_state_and_a_new_epoch() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = plan(folder.path(), day(2026, 7, 31));
        let first = open_day(&plan).expect("a fresh folder");
        let hash = first.engine.state_hash();
        assert_eq!((first.epoch, first.records_recovered), (1, 0));
        drop(first);
        let second = open_day(&plan).expect("the journal is sound");
        assert_eq!((second.epoch, second.records_recovered), (2, 6));
        assert_ne!(second.engine.state_hash(), hash, "the epoch is part of the state");
    }

    #[test]
    fn where_all_but_the_lock_file_is_lost_no_tag_can_come_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = plan(folder.path(), day(2026, 7, 31));
        let mut epochs = Vec::new();
        for _ in 0..3 {
            epochs.push(open_day(&plan).expect("a fresh journal").epoch);
            std::fs::remove_dir_all(folder.path().join("journal")).expect("our own folder");
        }
        // Tags differ wherever epochs do: the epoch is one of their fields.
        assert_eq!(epochs, [1, 2, 3]);
    }

    #[test]
    fn rot_is_answered_under_the_same_account_with_its_lock_and_latch() {
        let path = PathBuf::from("runs/2026-07-31-main/journal/segment-00000.bjl");
        let said = OpeningError::Corrupt(path, Corruption::MarksLost).to_string();
        for words in ["the same account name", ".lock", ".latch"] {
            assert!(said.contains(words), "{said}");
        }
        assert!(!said.contains("another account"), "{said}");
    }

    #[test]
    fn a_day_is_begun_only_with_room_for_it_but_one_under_way_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = plan(folder.path(), day(2026, 7, 31));
        let greedy = DayPlan {
            reserve_bytes: u64::MAX,
            ..plan.clone()
        };
        assert!(matches!(
            open_day(&greedy),
            Err(OpeningError::Store(StoreError::Reserve { .. }))
        ));
        drop(open_day(&plan).expect("a fresh folder"));
        assert_eq!(open_day(&greedy).expect("a day under way").epoch, 2);
    }

    #[test]
    fn a_day_that_waits_for_its_disk_is_taken_over_from_memory() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = DayPlan {
            durability: Durability::Disk,
            ..plan(folder.path(), day(2026, 7, 31))
        };
        let first = open_day(&plan).expect("a fresh folder");
        let records = first.journal.records();
        // Killed before the persister's first commit: the disk has nothing, memory everything.
        drop(first);
        let second = open_day(&plan).expect("memory is sound");
        assert_eq!((second.records_recovered, second.epoch), (records, 2));
        drop(second);
        // Power loss: memory is empty, and the second process had made nothing durable but the copy of the first.
        std::fs::remove_dir_all(folder.path().join("memory")).expect("our own folder");
        let third = open_day(&plan).expect("the disk has the first process's records");
        assert_eq!((third.records_recovered, third.epoch), (records, 3));
    }

    #[test]
    fn a_day_begun_without_entries_stays_so_and_can_tell() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = plan(folder.path(), day(2026, 7, 31));
        let mut stale = plan.clone();
        stale.config.risk.entries_per_day_max = 0;
        for plan in [&stale, &plan] {
            assert!(open_day(plan).expect("fresh, then sound").is_without_entries());
        }
        let other = tempfile::tempdir().expect("a folder");
        let fresh = DayPlan {
            run_dir: other.path().to_owned(),
            account_lock: other.path().join("account.lock"),
            ..plan
        };
        assert!(!open_day(&fresh).expect("a fresh folder").is_without_entries());
    }

    #[test]
    fn a_day_does_not_change_between_paper_and_real_money() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = plan(folder.path(), day(2026, 7, 31));
        drop(open_day(&plan).expect("a fresh folder"));
        let live = DayPlan {
            venue: VenueKind::Live,
            ..plan
        };
        assert!(matches!(open_day(&live), Err(OpeningError::OtherVenue { .. })));
    }

    #[test]
    fn two_engines_on_one_account_are_impossible() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = plan(folder.path(), day(2026, 7, 31));
        let _first = open_day(&plan).expect("a fresh folder");
        assert!(matches!(
            open_day(&plan),
            Err(OpeningError::Store(StoreError::AccountLocked { .. }))
        ));
    }

    #[test]
    fn a_day_without_a_session_or_of_another_journal_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        for closed in [day(2026, 11, 21), day(2026, 11, 24), day(2027, 1, 4)] {
            let refused = open_day(&plan(folder.path(), closed));
            assert!(matches!(refused, Err(OpeningError::Closed(_, _))));
        }
        drop(open_day(&plan(folder.path(), day(2026, 7, 31))).expect("a fresh folder"));
        let refused = open_day(&plan(folder.path(), day(2026, 7, 30)));
        assert!(matches!(refused, Err(OpeningError::OtherDay(_, _))));
    }
}
