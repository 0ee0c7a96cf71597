//! What a start found out before the day is opened, and the file that counts starts.
//!
//! Invariants: every step is journaled as an event, passed or not, so that `status` and a replay know why nothing is
//! entered; a simulated day needs no address, counts no starts and compares no programs. A start is forgotten once a
//! run has ended in order. Left out: what a failed step bars (`bijli_core::start_steps`).

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bijli_core::config::Config;
use bijli_core::event::{Event, StartStepped};
use bijli_core::self_test::self_test;
use bijli_core::start_steps::{StartStep, StepVerdict};
use bijli_core::state::State;
use bijli_core::state_hash::StateHasher;
use bijli_core::text::Text;
use bijli_core::{DurationNs, IstDay, TsNs};

use crate::store::map_read;

/// So many starts within [`LOOP_WINDOW`], none of which ended in order, are a crash loop.
const LOOP_STARTS: usize = 3;
const LOOP_WINDOW: DurationNs = DurationNs::from_secs(300);

/// What the verb found before it opened the day.
#[derive(Clone, Debug, Default)]
pub struct StartChecks {
    /// Steps that were judged already.
    pub found: Vec<(StartStep, StepVerdict, String)>,
    /// Whether this is a day of the real market, where starts are counted and programs compared.
    pub is_real: bool,
    /// Whether a person accepts that another program takes over open positions.
    pub accept_upgrade: bool,
    /// The wall clock at the start.
    pub started: TsNs,
}

impl StartChecks {
    /// The steps as events, in their order. `program` names this program, `starts` counts those of late.
    #[must_use]
    pub fn events(&self, ts: TsNs, config: &Config, day: IstDay, facts: &StartFacts) -> Vec<Event> {
        let mut steps = vec![
            (
                StartStep::Journal,
                StepVerdict::Passed,
                format!("{} records", facts.records),
            ),
            (StartStep::Account, StepVerdict::Passed, String::new()),
        ];
        if self.is_real {
            steps.push((StartStep::Program, StepVerdict::Passed, facts.program.clone()));
            let (verdict, note) = match facts.starts {
                Some(starts) if starts < LOOP_STARTS => {
                    (StepVerdict::Passed, format!("{starts} starts in 5 minutes"))
                }
                Some(starts) => (StepVerdict::Failed, format!("{starts} starts in 5 minutes")),
                None => (StepVerdict::Failed, "starts cannot be counted".to_owned()),
            };
            steps.push((StartStep::CrashLoop, verdict, note));
        }
        steps.extend(self.found.iter().cloned());
        steps.push(match self_test(config, day) {
            Ok(count) => (
                StartStep::RiskGate,
                StepVerdict::Passed,
                format!("{count} bad orders denied"),
            ),
            Err(what) => (
                StartStep::RiskGate,
                StepVerdict::Failed,
                format!("let pass: {what}"),
            ),
        });
        let told = steps.into_iter().map(|(step, verdict, note)| {
            let note: String = note.chars().filter(char::is_ascii).take(40).collect();
            let note = Text::new(&note).unwrap_or(Text::EMPTY);
            Event::StartStepped(StartStepped {
                ts,
                step,
                verdict,
                note,
            })
        });
        told.collect()
    }
}

/// What the opening itself found.
#[derive(Clone, Debug, Default)]
pub struct StartFacts {
    /// Records replayed.
    pub records: u64,
    /// This program, as [`program_name`] has it.
    pub program: String,
    /// Starts within five minutes, this one included; `None` = they could not be counted.
    pub starts: Option<usize>,
}

/// Version and hash of the running program.
#[must_use]
pub fn program_name() -> String {
    let bytes = std::env::current_exe().ok().and_then(|path| map_read(&path).ok());
    let hash = bytes.map_or(0, |bytes| {
        let mut hasher = StateHasher::default();
        hasher.bytes(&bytes);
        hasher.finish()
    });
    format!("{} {hash:016x}", env!("CARGO_PKG_VERSION"))
}

/// Whether another program opened what is open now.
#[must_use]
pub fn is_other_program(state: &State, program: &str) -> bool {
    let former = state.supervision().start.note(StartStep::Program).as_str();
    let is_open = !state.open_positions().is_empty() || state.orders().live_count() > 0;
    is_open && !former.is_empty() && former != program
}

/// Counts the starts of an account that have not ended in order: `ACCOUNT.starts`.
#[derive(Clone, Debug)]
pub struct StartCount {
    path: PathBuf,
}

impl StartCount {
    /// Beside an account's lock file.
    #[must_use]
    pub fn beside(account_lock: &Path) -> Self {
        Self {
            path: account_lock.with_extension("starts"),
        }
    }

    /// Notes a start at `now`, by the wall clock; gives how many there were within five minutes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn note(&self, now: TsNs) -> io::Result<usize> {
        let former = fs::read_to_string(&self.path).unwrap_or_default();
        let mut starts: Vec<TsNs> = former
            .lines()
            .filter_map(|line| line.parse().ok().map(TsNs::new))
            .filter(|start| now.since(*start).get().abs() <= LOOP_WINDOW.get())
            .collect();
        starts.push(now);
        let text: String = starts.iter().map(|start| format!("{}\n", start.get())).collect();
        self.replace(text.as_bytes())?;
        Ok(starts.len())
    }

    /// Beside and renamed: where there is no room for it the former count stays.
    fn replace(&self, text: &[u8]) -> io::Result<()> {
        let fresh = self.path.with_extension("starts-new");
        let written = fs::File::create(&fresh).and_then(|mut file| {
            file.write_all(text)?;
            file.sync_all()
        });
        let placed = written.and_then(|()| fs::rename(&fresh, &self.path));
        if placed.is_err() {
            // One that stays is written over by the next start.
            let _gone = fs::remove_file(&fresh);
        }
        placed
    }

    /// The run has ended in order.
    pub fn forget(&self) {
        // Without the file there is nothing to forget; one that stays only makes the next start more careful.
        let _gone = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_within_five_minutes_count_until_one_ends_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let count = StartCount::beside(&folder.path().join("main.lock"));
        let at = |s: i64| TsNs::new(1_700_000_000_000_000_000).plus(DurationNs::from_secs(s));
        let noted: Vec<usize> = [0, 100, 250, 390, 700]
            .into_iter()
            .map(|s| count.note(at(s)).expect("a plain folder"))
            .collect();
        assert_eq!(noted, [1, 2, 3, 3, 1]);
        count.forget();
        assert_eq!(count.note(at(701)).expect("a plain folder"), 1);
    }

    #[test]
    fn a_start_that_finds_no_room_to_be_counted_keeps_the_former_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let count = StartCount::beside(&folder.path().join("main.lock"));
        let at = |s: i64| TsNs::new(1_700_000_000_000_000_000).plus(DurationNs::from_secs(s));
        assert_eq!(count.note(at(0)).expect("a plain folder"), 1);
        assert_eq!(count.note(at(10)).expect("a plain folder"), 2);
        // A device that refuses every write as a full disk does.
        let fresh = folder.path().join("main.starts-new");
        std::os::unix::fs::symlink("/dev/full", fresh).expect("a plain folder");
        let refused = count.note(at(20)).expect_err("no room");
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        assert_eq!(count.note(at(30)).expect("room again"), 3);
    }

    #[test]
    fn the_third_start_and_one_that_cannot_be_counted_bar_entries_on_a_real_day_only() {
        let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
        let rows = [
            (Some(2), true, false),
            (Some(3), true, true),
            (Some(3), false, false),
            (None, true, true),
            (None, false, false),
        ];
        for (starts, is_real, bars) in rows {
            let facts = StartFacts {
                starts,
                ..StartFacts::default()
            };
            let checks = StartChecks {
                is_real,
                ..StartChecks::default()
            };
            let told = checks.events(TsNs::new(1), &Config::default(), day, &facts);
            let failed = told.iter().any(|event| {
                matches!(event, Event::StartStepped(step) if step.step == StartStep::CrashLoop
                    && step.verdict == StepVerdict::Failed)
            });
            assert_eq!(failed, bars, "{starts:?}, real: {is_real}");
        }
    }
}
