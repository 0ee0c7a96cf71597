//! The trade log as CSV: one file a table, for spreadsheets.
//!
//! Columns are those of the schema, but that money is rupees with a point (`_e4` becomes `_rupees`) and an
//! instant is an Indian time with milliseconds (`_ns` becomes `_ist`). All files are written beside their places
//! first; a failure leaves the old ones.

use std::fs;
use std::path::{Path, PathBuf};

use bijli_core::{Money, TsNs};

use super::sheet::{Cell, Kind, Table};
use super::{DayLog, TradeLogError, schema};
use crate::report::csv;
use crate::words;

/// Writes `TABLE.csv` of every table into a folder, which is made; gives rows by table.
///
/// # Errors
/// [`TradeLogError`] when a file cannot be written.
pub fn write(folder: &Path, logs: &[DayLog]) -> Result<Vec<(&'static str, u64)>, TradeLogError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        |error| TradeLogError::Io(path, error)
    };
    fs::create_dir_all(folder).map_err(io(folder))?;
    let mut drafts: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut counts = Vec::new();
    for table in schema::TABLES {
        let (text, rows) = text_of(table, logs);
        let place = folder.join(format!("{}.csv", table.name));
        let draft = place.with_extension("csv.part");
        fs::write(&draft, text).map_err(io(&draft))?;
        drafts.push((draft, place));
        counts.push((table.name, rows));
    }
    for (draft, place) in &drafts {
        fs::rename(draft, place).map_err(io(place))?;
    }
    Ok(counts)
}

/// The text of one table's file, and how many rows it has.
fn text_of(table: &'static Table, logs: &[DayLog]) -> (String, u64) {
    let heads: Vec<String> = table.heads().map(|(name, kind)| head(name, kind)).collect();
    let kinds: Vec<Kind> = table.heads().map(|(_, kind)| kind).collect();
    let mut sheet = csv::Table::new(&heads.join(","));
    let mut rows = 0;
    for row in logs.iter().flat_map(|log| table.rows(log)) {
        let cells: Vec<String> = row
            .iter()
            .zip(&kinds)
            .map(|(cell, kind)| shown(cell, *kind))
            .collect();
        sheet.row(&cells);
        rows += 1;
    }
    (sheet.into_text(), rows)
}

fn head(name: &str, kind: Kind) -> String {
    let renamed = match kind {
        Kind::Money => name.strip_suffix("_e4").map(|stem| format!("{stem}_rupees")),
        Kind::Stamp => name.strip_suffix("_ns").map(|stem| format!("{stem}_ist")),
        Kind::Int | Kind::Flag | Kind::Real | Kind::Text => None,
    };
    renamed.unwrap_or_else(|| name.to_owned())
}

fn shown(cell: &Cell, kind: Kind) -> String {
    match (cell, kind) {
        (Cell::Null, _) => String::new(),
        (Cell::Int(value), Kind::Money) => Money::new(*value).to_string(),
        (Cell::Int(value), Kind::Stamp) => words::stamp_text(TsNs::new(*value)),
        (Cell::Int(value), _) => value.to_string(),
        (Cell::Real(value), _) => value.to_string(),
        (Cell::Text(text), _) => text.clone(),
    }
}
