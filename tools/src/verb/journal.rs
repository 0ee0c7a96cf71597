//! `bijli journal tail|stats|verify|export|tie-out`: the event log of a run, for people and for pipes.
//!
//! Read-only, and safe beside a running engine: `tail` reads only what the engine has published. `verify`
//! checks every byte and is meant for a day that has ended.

mod export;
pub(crate) mod line;
mod stats;
mod tie_out;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bijli_core::codec::Item;
use bijli_core::journal::{scan_published, verify_segments};
use bijli_core::record::{Record, RecordKind};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;

use crate::duty_cycle::rest;
use crate::exit_code;
use crate::field_json::payload_json;
use crate::replica::{JournalBytes, ReplayError};
use crate::run_dir::{RunDir, RunDirError, segment_paths};
use crate::stdout::print_line;
use crate::store::map_read;
use line::Narrator;
pub use stats::Stats;

/// How often `tail --follow` looks for more.
const FOLLOW_PERIOD: Duration = Duration::from_millis(100);

/// Arguments of `journal`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// What to do with the journal.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the last records, one line each.
    Tail(TailArgs),
    /// Count records by kind.
    Stats(ReadArgs),
    /// Check every byte of a journal that is no longer written to.
    Verify(ReadArgs),
    /// Write the trade log: orders, trades, positions, signals, decisions and more, as SQLite, Parquet or CSV.
    Export(export::Args),
    /// Compare the day's trades with the broker's tradebook, to the paisa.
    TieOut(tie_out::Args),
}

/// Which journal, and how to answer.
#[derive(Debug, ClapArgs)]
struct ReadArgs {
    /// Journal folder, run directory or segment file; default: the newest run under ./runs.
    journal: Option<PathBuf>,
    /// The run directory; default: the newest under ./runs.
    #[arg(long, value_name = "RUN_DIR", conflicts_with = "journal")]
    dir: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct TailArgs {
    #[command(flatten)]
    read: ReadArgs,
    /// How many records.
    #[arg(short = 'n', long, default_value_t = 20)]
    lines: u64,
    /// Wait for more; Ctrl-C ends.
    #[arg(short = 'f', long)]
    follow: bool,
    /// Only records of this kind, e.g. `Place`; may be given several times.
    #[arg(long, value_name = "KIND", value_parser = known_kind)]
    kind: Vec<String>,
}

fn known_kind(name: &str) -> Result<String, String> {
    let known = || RecordKind::ALL.iter().map(|kind| kind.name());
    match known().find(|known| known.eq_ignore_ascii_case(name)) {
        Some(kind) => Ok(kind.to_owned()),
        None => Err(format!(
            "no such kind; there are {}",
            known().collect::<Vec<_>>().join(", ")
        )),
    }
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    let done = match &args.what {
        What::Tail(tail) => tail.read.path().and_then(|path| run_tail(&path, tail)),
        What::Stats(read) => read.path().and_then(|path| run_stats(&path, read.json)),
        What::Verify(read) => read.path().and_then(|path| run_verify(&path, read.json)),
        What::Export(args) => return export::run(args),
        What::TieOut(args) => return tie_out::run(args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        exit_code::NO_DATA
    })
}

impl ReadArgs {
    fn path(&self) -> Result<PathBuf, RunDirError> {
        match &self.journal {
            Some(journal) => Ok(journal.clone()),
            None => RunDir::named_or_newest(self.dir.as_deref()).map(|run| run.journal()),
        }
    }
}

/// Turns records into lines, those that were asked for.
struct Printer {
    narrator: Narrator,
    json: bool,
    kinds: Vec<String>,
    /// Wanted records that are still to be passed over.
    skip: u64,
}

impl Printer {
    fn new(args: &TailArgs) -> Self {
        Self {
            narrator: Narrator::default(),
            json: args.read.json,
            kinds: args.kind.clone(),
            skip: 0,
        }
    }

    fn wants(&self, record: &Record<'_>) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == record.kind.name())
    }

    /// The line of a record; `None` for one that was not asked for or cannot be decoded.
    fn line(&mut self, record: &Record<'_>) -> Option<String> {
        if record.kind == RecordKind::INSTRUMENT_LISTED {
            self.narrator.learn(&record.item().ok()?);
        }
        if !self.wants(record) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        let item = record.item().ok()?;
        Some(if self.json {
            self.json_line(record, &item)
        } else {
            self.narrator.line(record, &item)
        })
    }

    fn json_line(&self, record: &Record<'_>, item: &Item) -> String {
        json!({
            "seq": record.seq,
            "segment": record.segment,
            "offset": record.offset,
            "ts_ns": record.ts.get(),
            "time_ist": crate::words::stamp_text(record.ts),
            "kind": record.kind.name(),
            "text": self.narrator.words(item),
            "fields": payload_json(record),
        })
        .to_string()
    }
}

fn run_tail(path: &Path, args: &TailArgs) -> Result<i32, RunDirError> {
    let paths = segment_paths(path)?;
    let mut printer = Printer::new(args);
    let mut wanted = 0;
    visit_published(&paths, |record| {
        wanted += u64::from(printer.wants(record));
        true
    })?;
    printer.skip = u64::saturating_sub(wanted, args.lines);
    let mut listening = true;
    let reached = visit_published(&paths, |record| {
        listening = printer.line(record).is_none_or(|line| print_line(&line));
        listening
    })?;
    let Some(mut at) = reached else {
        return Ok(exit_code::NO_DATA);
    };
    if args.follow && listening {
        while follow(path, &mut at, &mut printer)? {
            rest(FOLLOW_PERIOD);
        }
    }
    Ok(exit_code::OK)
}

/// Where the following stands: which segment file, and how many of its records are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    file: usize,
    told: usize,
}

/// Visits every record that is published until the visitor has enough; gives the place reached, `None` where
/// no segment was begun. Damage ends a segment: what comes before it is still worth a look.
fn visit_published(
    paths: &[PathBuf],
    mut visit: impl FnMut(&Record<'_>) -> bool,
) -> Result<Option<Place>, RunDirError> {
    let mut reached = None;
    for (file, path) in paths.iter().enumerate() {
        let map = map_read(path).map_err(RunDirError::Store)?;
        let Ok(records) = scan_published(&map) else {
            break;
        };
        let mut told = 0;
        for record in records.map_while(Result::ok) {
            told += 1;
            if !visit(&record) {
                return Ok(Some(Place { file, told }));
            }
        }
        reached = Some(Place { file, told });
    }
    Ok(reached)
}

/// Prints what was published since; false when nobody listens any more.
fn follow(path: &Path, at: &mut Place, printer: &mut Printer) -> Result<bool, RunDirError> {
    let paths = segment_paths(path)?;
    while let Some(file) = paths.get(at.file) {
        let map = map_read(file).map_err(RunDirError::Store)?;
        let Ok(records) = scan_published(&map) else {
            return Ok(true);
        };
        for record in records.skip(at.told).map_while(Result::ok) {
            at.told += 1;
            if printer.line(&record).is_some_and(|line| !print_line(&line)) {
                return Ok(false);
            }
        }
        let next_begun = paths
            .get(at.file + 1)
            .and_then(|next| map_read(next).ok())
            .is_some_and(|next| scan_published(&next).is_ok());
        if !next_begun {
            return Ok(true);
        }
        *at = Place {
            file: at.file + 1,
            told: 0,
        };
    }
    Ok(true)
}

fn run_stats(path: &Path, as_json: bool) -> Result<i32, RunDirError> {
    let journal = JournalBytes::open(path)?;
    let mut stats = Stats::default();
    for record in verify_segments(&journal.segments()) {
        match record {
            Ok(record) => stats.take(&record),
            Err(damage) => {
                stats.damage = Some(damage.to_string());
                break;
            }
        }
    }
    if as_json {
        print_line(&serde_json::to_string(&stats.json()).expect("plain data"));
    } else {
        print_line(&stats.table());
    }
    Ok(if stats.records() == 0 {
        exit_code::NO_DATA
    } else {
        exit_code::OK
    })
}

fn run_verify(path: &Path, as_json: bool) -> Result<i32, RunDirError> {
    let journal = JournalBytes::open(path)?;
    let mut stats = Stats::default();
    match verify(&journal, &mut stats) {
        Ok(tail_cuts) => {
            if as_json {
                print_line(
                    &json!({"sound": true, "tail_cuts": tail_cuts, "stats": stats.json()}).to_string(),
                );
            } else {
                print_line(&format!(
                    "sound: {} records in {} segments, {} bytes, {tail_cuts} cut tails accounted for",
                    crate::words::count_text(stats.records()),
                    stats.segments(),
                    crate::words::count_text(stats.bytes())
                ));
            }
            Ok(exit_code::OK)
        }
        Err(error) => {
            if as_json {
                print_line(
                    &json!({"sound": false, "error": error.to_string(), "stats": stats.json()}).to_string(),
                );
            }
            eprintln!("error: {error}");
            Ok(exit_code::ERROR)
        }
    }
}

/// Checks every byte and decodes every record; gives the number of legal cut tails.
fn verify(journal: &JournalBytes, stats: &mut Stats) -> Result<u32, ReplayError> {
    let segments = journal.segments();
    let mut records = verify_segments(&segments);
    for record in records.by_ref() {
        let record = journal.checked(record)?;
        journal.decoded(&record)?;
        stats.take(&record);
    }
    Ok(records.tail_cuts())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handmade::HandmadeDay;

    fn tail_args(kind: &[&str], json: bool) -> TailArgs {
        TailArgs {
            read: ReadArgs {
                journal: None,
                dir: None,
                json,
            },
            lines: 2,
            follow: false,
            kind: kind.iter().map(|kind| (*kind).to_owned()).collect(),
        }
    }

    fn lines_of(args: &TailArgs, skip: u64) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        HandmadeDay::new().write(folder.path(), &[4]);
        let mut printer = Printer::new(args);
        printer.skip = skip;
        let mut lines = Vec::new();
        visit_published(&segment_paths(folder.path()).expect("two segments"), |record| {
            lines.extend(printer.line(record));
            true
        })
        .expect("both segments map");
        lines
    }

    #[test]
    fn the_last_records_are_told_in_words_across_segments() {
        let all = lines_of(&tail_args(&[], false), 0);
        assert!(
            all[0].contains("SessionOpened") && all[0].contains("data synthetic venue simulated"),
            "{}",
            all[0]
        );
        let last = lines_of(&tail_args(&[], false), all.len() as u64 - 2);
        assert_eq!(last, all[all.len() - 2..]);
        assert!(last[1].contains("Closed"), "{}", last[1]);
    }

    #[test]
    fn one_kind_alone_is_told_with_symbols_learnt_on_the_way() {
        let lines = lines_of(&tail_args(&["Place", "Traded"], false), 0);
        assert_eq!(lines.len(), 3);
        assert!(lines[0].contains("EXIT SELL 20 RELIANCE LIMIT"), "{}", lines[0]);
        assert!(
            lines[2].contains("RELIANCE SELL 5 at 1500.00 trade T2"),
            "{}",
            lines[2]
        );
    }

    #[test]
    fn machines_get_every_field_of_a_record() {
        let lines = lines_of(&tail_args(&["Traded"], true), 0);
        let json: serde_json::Value = serde_json::from_str(&lines[0]).expect("one object a line");
        assert_eq!(
            (&json["kind"], &json["fields"]["qty"]),
            (&json!("Traded"), &json!(15))
        );
        assert_eq!(json["time_ist"], "2026-07-31 09:21:00.000");
    }

    #[test]
    fn counts_and_the_strict_check_agree_on_a_sound_journal() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        HandmadeDay::new().write(folder.path(), &[4]);
        let journal = JournalBytes::open(folder.path()).expect("two segments");
        let mut stats = Stats::default();
        assert_eq!(verify(&journal, &mut stats).ok(), Some(0));
        let json = stats.json();
        assert_eq!(
            (&json["segments"], &json["closed"], &json["epochs"]),
            (&json!(2), &json!(true), &json!([1]))
        );
        assert_eq!(json["kinds"]["Traded"]["records"], json!(2));
        assert_eq!(json["records"], json!(stats.records()));
        assert!(stats.table().contains("closed in order"));
    }

    #[test]
    fn a_kind_is_known_in_any_case_and_an_unknown_one_is_answered_with_the_list() {
        assert_eq!(known_kind("place"), Ok("Place".to_owned()));
        assert!(known_kind("trade").is_err_and(|words| words.contains("Traded")));
    }
}
