//! The report of a run: what one day came to, as files that need nothing else to be read.
//!
//! Everything is built from a replay of the journal, so a report never says what the journal does not, plus
//! the few facts that only the run's process knew ([`RunFacts`]). `facts.json` keeps these, so that `report`
//! can write the same files again from a run directory alone.

pub mod csv;
pub mod day;
pub mod page;
pub mod plots;
#[cfg(test)]
pub(crate) mod sample;
pub mod summary;
pub mod tables;
pub mod trips;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use summary::Summary;

use crate::latency_report::LatencyReport;
use crate::replica::{JournalBytes, ReplayError, Strictness, replay};
use crate::run_dir::RunDir;
use day::DayCollector;
use page::PageParts;

/// What the run's process knew and the journal does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunFacts {
    /// Ticks that the simulator sent, where there was one.
    #[serde(default)]
    pub ticks_sent: Option<u64>,
    /// Ticks that the feed decoded.
    #[serde(default)]
    pub ticks_received: Option<u64>,
    /// Ticks that a newer one replaced before the engine saw them.
    #[serde(default)]
    pub ticks_conflated: Option<u64>,
    /// From the open socket to something of every instrument, microseconds.
    #[serde(default)]
    pub subscribed_after_us: Option<u64>,
    /// Latency of each stage.
    #[serde(default)]
    pub latency: LatencyReport,
    /// Whatever else the page should tell: command, speed, seed, machine, placement of threads.
    #[serde(default)]
    pub facts: Vec<(String, String)>,
}

/// Why there is no report.
#[derive(Debug)]
pub enum ReportError {
    /// The journal could not be replayed.
    Replay(ReplayError),
    /// A file could not be written or read.
    Io(PathBuf, std::io::Error),
    /// A file of the run directory is not what was written into it.
    Malformed(PathBuf, serde_json::Error),
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replay(error) => write!(f, "replaying the journal for the report: {error}"),
            Self::Io(path, error) => {
                write!(
                    f,
                    "{}: {error}: check space and rights of the run directory",
                    path.display()
                )
            }
            Self::Malformed(path, error) => {
                write!(
                    f,
                    "{}: {error}: remove the file to make the report without it",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for ReportError {}

/// Replays the journal of `run_dir` and writes the whole report into it: `summary.json`, `orders.csv`,
/// `trades.csv`, `latency.json`, `latency.hgrm`, `facts.json` and `report.html`.
///
/// A journal that was cut gives a report of its valid prefix, which then says so and is not identical.
///
/// # Errors
/// [`ReportError`] when the journal is not there or a file cannot be written.
pub fn write(run_dir: &Path, facts: &RunFacts) -> Result<Summary, ReportError> {
    let run = RunDir::new(run_dir);
    let journal = JournalBytes::open(&run.journal())
        .map_err(|error| ReportError::Replay(ReplayError::Missing(error)))?;
    let mut collector = DayCollector::default();
    let (mut replayed, engine) = replay(&journal, Strictness::Prefix, |applied| {
        collector.observe(applied.event, applied.commands, applied.engine.state());
    })
    .map_err(ReportError::Replay)?;
    replayed.identical &= replayed.cut.is_none();
    let day = collector.finish(engine.state(), engine.best_signal());
    let summary = Summary::of(&day, &replayed, facts, &run_dir.display().to_string());
    let difference = replayed
        .first_difference
        .as_ref()
        .map(|difference| difference.what.clone());
    let page = page::html(&PageParts {
        day: &day,
        summary: &summary,
        facts,
        difference: replayed.cut.as_deref().or(difference.as_deref()),
    });
    for (name, text) in [
        ("orders.csv", csv::orders_csv(&day)),
        ("trades.csv", csv::trades_csv(&day)),
        ("latency.hgrm", facts.latency.to_hgrm()),
        ("latency.json", pretty(&facts.latency)),
        ("facts.json", pretty(facts)),
        ("report.html", page),
        ("summary.json", pretty(&summary)),
    ] {
        write_file(&run_dir.join(name), &text)?;
    }
    Ok(summary)
}

/// The facts that an earlier report of the run kept; none where the run was cut before its report.
///
/// # Errors
/// [`ReportError`] when they are there and cannot be read.
pub fn kept_facts(run: &RunDir) -> Result<RunFacts, ReportError> {
    let path = run.facts_json();
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| ReportError::Malformed(path, error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(RunFacts::default()),
        Err(error) => Err(ReportError::Io(path, error)),
    }
}

fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("plain data with text keys");
    text.push('\n');
    text
}

/// Writes beside the place and renames, so that nobody ever reads half a file.
fn write_file(path: &Path, text: &str) -> Result<(), ReportError> {
    let beside = path.with_extension("part");
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|error| ReportError::Io(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handmade::HandmadeDay;

    fn written(made: &HandmadeDay, facts: &RunFacts) -> (tempfile::TempDir, Summary) {
        let run = tempfile::tempdir().expect("a temporary folder");
        made.write(&run.path().join("journal"), &[6]);
        let summary = write(run.path(), facts).expect("a report");
        (run, summary)
    }

    #[test]
    fn the_report_of_a_handmade_day_adds_up_and_every_file_is_there() {
        let made = HandmadeDay::new();
        let facts = RunFacts {
            ticks_received: Some(3),
            ..RunFacts::default()
        };
        let (run, summary) = written(&made, &facts);
        assert!(summary.journal.replay_identical && summary.journal.closed);
        assert_eq!(summary.journal.state_hash, format!("{:016x}", made.state_hash()));
        assert_eq!(
            (summary.orders_sent, summary.orders_acked, summary.fills),
            (1, 1, 2)
        );
        assert_eq!(
            (summary.trades, summary.open_positions, summary.ticks_applied),
            (1, 0, 3)
        );
        // Adopted at the last price, 1500: fifteen left at 1479, five at 1500.
        assert_eq!(summary.gross_pnl_rupees, -315.0);
        assert!(summary.charges_rupees > 0.0);
        for name in [
            "summary.json",
            "orders.csv",
            "trades.csv",
            "latency.json",
            "latency.hgrm",
            "facts.json",
            "report.html",
        ] {
            assert!(run.path().join(name).is_file(), "{name}");
        }
        assert_eq!(
            kept_facts(&RunDir::new(run.path())).expect("facts were kept"),
            facts
        );
    }

    #[test]
    fn the_trips_of_a_handmade_day_carry_reason_excursions_and_the_engines_charges() {
        let (run, summary) = written(&HandmadeDay::new(), &RunFacts::default());
        let trades = fs::read_to_string(run.path().join("trades.csv")).expect("trades.csv");
        let row = trades.lines().nth(1).expect("one round trip");
        assert!(
            row.starts_with("1,RELIANCE,LONG,2026-07-31 09:17:00.000,2026-07-31 09:23:00.000,360,20,"),
            "{row}"
        );
        let cells: Vec<&str> = row.split(',').collect();
        assert_eq!((cells[9], cells[18]), ("-315.00", "operator"));
        assert_eq!(cells[10].parse::<f64>().ok(), Some(summary.charges_rupees));
        // Worst: fifteen left at 1479 and five still marked there. Best: nothing was ever won.
        assert_eq!((cells[13], cells[15]), ("-420.00", "0.00"));
    }

    #[test]
    fn a_cut_journal_gives_a_report_that_says_so() {
        let run = tempfile::tempdir().expect("a temporary folder");
        HandmadeDay::new().write(&run.path().join("journal"), &[]);
        let segment = run.path().join("journal/segment-00000.bjl");
        let mut bytes = fs::read(&segment).expect("the segment");
        bytes[1_500] ^= 1;
        fs::write(&segment, bytes).expect("the segment");
        let summary = write(run.path(), &RunFacts::default()).expect("a report of the prefix");
        assert!(!summary.journal.replay_identical);
        let page = fs::read_to_string(run.path().join("report.html")).expect("report.html");
        assert!(page.contains("DIFFERS") && page.contains("segment-00000.bjl"));
    }

    #[test]
    fn a_run_without_a_journal_has_no_report() {
        let run = tempfile::tempdir().expect("a temporary folder");
        assert!(matches!(
            write(run.path(), &RunFacts::default()),
            Err(ReportError::Replay(ReplayError::Missing(_)))
        ));
    }
}
