//! `bijli journal export`: the trade log of one day or many, as a database, Parquet files or CSV files.
//!
//! Everything comes from a strict replay: a damaged journal is an error that names file and record, and nothing
//! is written. Exit code 1 also where a replay differs from the journal, since then its rows are in doubt.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::{Map, Value, json};

use crate::duty_cycle::MonoNs;
use crate::exit_code;
use crate::replica::{JournalBytes, ReplayError, Strictness};
use crate::run_dir::RunDir;
use crate::stdout::print_line;
use crate::trade_log::{self, DayLog, TradeLogError, csv_files, parquet_files, sqlite};
use crate::verb::replay::progress_bar;
use crate::words;

/// Arguments of `journal export`.
#[derive(Debug, ClapArgs)]
#[group(id = "target", required = true, multiple = true, args = ["sqlite", "parquet", "csv"])]
pub(super) struct Args {
    /// Journal folders, run directories or segment files; default: the newest run under ./runs.
    journals: Vec<PathBuf>,
    /// The run directory; default: the newest under ./runs.
    #[arg(long, value_name = "RUN_DIR", conflicts_with = "journals")]
    dir: Option<PathBuf>,
    /// Add the days to this database; a day that is there already from the same journal is replaced.
    #[arg(long, value_name = "FILE")]
    sqlite: Option<PathBuf>,
    /// Let days take the place of those that the database has from other journals.
    #[arg(long, requires = "sqlite")]
    replace: bool,
    /// Write one Parquet file a table into this folder.
    #[arg(long, value_name = "FOLDER")]
    parquet: Option<PathBuf>,
    /// Write one CSV file a table into this folder, in rupees and Indian times.
    #[arg(long, value_name = "FOLDER")]
    csv: Option<PathBuf>,
    /// Take what is sound before damage or before the end of a running day.
    #[arg(long)]
    prefix: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was written: format, place, rows by table.
type Written = (&'static str, PathBuf, Vec<(&'static str, u64)>);

/// Runs the verb; gives the exit code.
pub(super) fn run(args: &Args) -> i32 {
    let begun = MonoNs::now();
    let done = args.collect().and_then(|logs| {
        let written = args.write(&logs)?;
        Ok((logs, written))
    });
    match done {
        Ok((logs, written)) => {
            let elapsed_ns = MonoNs::now().since(begun);
            if args.json {
                print_line(&json_of(&logs, &written, elapsed_ns).to_string());
            } else {
                print_line(&text_of(&logs, &written, elapsed_ns));
            }
            code_of(&logs)
        }
        Err(error) => {
            if args.json {
                print_line(&error_json(&error).to_string());
            }
            eprintln!("error: {error}");
            match error {
                TradeLogError::Replay(ReplayError::Missing(_)) | TradeLogError::NoSession(_) => {
                    exit_code::NO_DATA
                }
                TradeLogError::Twice(_) | TradeLogError::OtherJournal(_, _) => exit_code::USAGE,
                _ => exit_code::ERROR,
            }
        }
    }
}

/// Opens a journal and walks it, with a bar on a terminal.
///
/// # Errors
/// [`TradeLogError`] as [`trade_log::collect`].
pub(super) fn collect(path: &Path, prefix: bool) -> Result<DayLog, TradeLogError> {
    let missing = |error| TradeLogError::Replay(ReplayError::Missing(error));
    let journal = JournalBytes::open(path).map_err(missing)?;
    let bar = progress_bar("journal", journal.total_bytes());
    let strictness = if prefix {
        Strictness::Prefix
    } else {
        Strictness::Strict
    };
    let log = trade_log::collect(&journal, strictness, |bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    log
}

/// The journal that is meant.
///
/// # Errors
/// [`TradeLogError`] when there is none.
pub(super) fn journal_of(named: Option<&Path>, dir: Option<&Path>) -> Result<PathBuf, TradeLogError> {
    match named {
        Some(journal) => Ok(journal.to_owned()),
        None => RunDir::named_or_newest(dir)
            .map(|run| run.journal())
            .map_err(|error| TradeLogError::Replay(ReplayError::Missing(error))),
    }
}

impl Args {
    fn collect(&self) -> Result<Vec<DayLog>, TradeLogError> {
        let paths = match self.journals.as_slice() {
            [] => vec![journal_of(None, self.dir.as_deref())?],
            named => named.to_vec(),
        };
        let mut logs: Vec<DayLog> = paths
            .iter()
            .map(|path| collect(path, self.prefix))
            .collect::<Result<_, _>>()?;
        trade_log::rate(&mut logs)?;
        Ok(logs)
    }

    fn write(&self, logs: &[DayLog]) -> Result<Vec<Written>, TradeLogError> {
        let mut written = Vec::new();
        if let Some(path) = &self.sqlite {
            let put = if self.replace {
                sqlite::replace
            } else {
                sqlite::write
            };
            written.push(("sqlite", path.clone(), put(path, logs)?));
        }
        if let Some(folder) = &self.parquet {
            written.push(("parquet", folder.clone(), parquet_files::write(folder, logs)?));
        }
        if let Some(folder) = &self.csv {
            written.push(("csv", folder.clone(), csv_files::write(folder, logs)?));
        }
        Ok(written)
    }
}

fn code_of(logs: &[DayLog]) -> i32 {
    if logs.iter().all(|log| log.replayed.identical) {
        exit_code::OK
    } else {
        exit_code::ERROR
    }
}

fn json_of(logs: &[DayLog], written: &[Written], elapsed_ns: u64) -> Value {
    let sessions: Vec<Value> = logs
        .iter()
        .map(|log| {
            json!({
                "session_id": log.session.id,
                "day": log.session.day.to_string(),
                "data": log.session.data.name(),
                "venue": words::venue_name(log.session.venue),
                "warning": trade_log::warning_of(log),
                "events": log.replayed.events,
                "records": log.replayed.records,
                "state_hash": format!("{:016x}", log.replayed.state_hash),
                "replay_identical": log.replayed.identical,
                "closed": log.replayed.closed,
                "cut": log.replayed.cut,
                "orders": log.day.orders.len(),
                "trades": log.day.fills.len(),
                "positions": log.day.trips.len(),
                "net_rupees": log.day.net.to_string(),
            })
        })
        .collect();
    let mut places = Map::new();
    for (format, place, counts) in written {
        let rows: Map<String, Value> = counts
            .iter()
            .map(|(table, rows)| ((*table).to_owned(), json!(rows)))
            .collect();
        places.insert((*format).to_owned(), json!({ "path": place, "rows": rows }));
    }
    json!({ "sessions": sessions, "written": places, "elapsed_ns": elapsed_ns })
}

fn error_json(error: &TradeLogError) -> Value {
    let mut object = json!({ "error": error.to_string() });
    if let TradeLogError::Replay(replay) = error
        && let Some((record, offset)) = replay.place()
    {
        object["record"] = json!(record);
        object["offset"] = json!(offset);
    }
    object
}

fn text_of(logs: &[DayLog], written: &[Written], elapsed_ns: u64) -> String {
    let mut lines = Vec::new();
    for log in logs {
        if let Some(warning) = trade_log::warning_of(log) {
            lines.push(format!("*** {warning} ***"));
        }
        lines.push(format!(
            "{} {} events: {} orders, {} trades, {} positions, {} signals, net {}",
            log.session.day,
            words::count_text(log.replayed.events),
            log.day.orders.len(),
            log.day.fills.len(),
            log.day.trips.len(),
            log.day.signals.len(),
            words::signed_rupees(log.day.net),
        ));
        if let Some(cut) = &log.replayed.cut {
            lines.push(format!("only the sound part before: {cut}"));
        }
        if let Some(difference) = &log.replayed.first_difference {
            lines.push(format!(
                "IN DOUBT: the replay differs from the journal at record {}: {}",
                difference.seq, difference.what
            ));
        }
    }
    for (format, place, counts) in written {
        let rows: u64 = counts.iter().map(|(_, rows)| rows).sum();
        let rows = words::count_text(rows);
        lines.push(format!(
            "{format}: {} ({rows} rows in {} tables)",
            place.display(),
            counts.len()
        ));
    }
    lines.push(format!("{:.2} s", elapsed_ns as f64 / 1e9));
    lines.join("\n")
}
