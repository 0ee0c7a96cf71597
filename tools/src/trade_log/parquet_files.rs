//! The trade log as Parquet: one file a table, for data frames.
//!
//! Columns, units and values are those of the database: money in 1/10 000 rupee as 64-bit integers, instants as
//! timestamps with nanoseconds, UTC. The metadata says `bijli.version`, `bijli.money_unit` and, where any of the
//! days is not real money, `bijli.warning`. All files are written beside their places first.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::sheet::{Cell, Kind, Table};
use super::{DayLog, TradeLogError, schema, warning_of};

/// Writes `TABLE.parquet` of every table into a folder, which is made; gives rows by table.
///
/// # Errors
/// [`TradeLogError`] when a file cannot be made or written.
pub fn write(folder: &Path, logs: &[DayLog]) -> Result<Vec<(&'static str, u64)>, TradeLogError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        |error| TradeLogError::Io(path, error)
    };
    fs::create_dir_all(folder).map_err(io(folder))?;
    let mut drafts: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut counts = Vec::new();
    for table in schema::TABLES {
        let place = folder.join(format!("{}.parquet", table.name));
        let draft = place.with_extension("parquet.part");
        let rows: Vec<Vec<Cell>> = logs.iter().flat_map(|log| table.rows(log)).collect();
        let bytes =
            bytes_of(table, logs, &rows).map_err(|error| TradeLogError::Parquet(place.clone(), error))?;
        fs::write(&draft, bytes).map_err(io(&draft))?;
        File::open(&draft)
            .and_then(|file| file.sync_all())
            .map_err(io(&draft))?;
        drafts.push((draft, place));
        counts.push((table.name, rows.len() as u64));
    }
    for (draft, place) in &drafts {
        fs::rename(draft, place).map_err(io(place))?;
    }
    Ok(counts)
}

fn bytes_of(table: &'static Table, logs: &[DayLog], rows: &[Vec<Cell>]) -> Result<Vec<u8>, ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(9)?))
        .set_created_by(concat!("bijli ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(label(logs)))
        .build();
    let message = Arc::new(parse_message_type(&message_of(table))?);
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, message, Arc::new(properties))?;
    if !rows.is_empty() {
        let mut group = writer.next_row_group()?;
        for (column, (_, kind)) in table.heads().enumerate() {
            write_column(&mut group, rows, column, kind)?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(bytes)
}

fn label(logs: &[DayLog]) -> Vec<KeyValue> {
    let mut pairs = vec![
        KeyValue::new("bijli.version".to_owned(), schema::VERSION.to_string()),
        KeyValue::new("bijli.money_unit".to_owned(), "1/10000 rupee".to_owned()),
    ];
    if let Some(warning) = logs.iter().find_map(warning_of) {
        pairs.push(KeyValue::new("bijli.warning".to_owned(), warning));
    }
    pairs
}

fn message_of(table: &'static Table) -> String {
    let columns: Vec<String> = table
        .heads()
        .map(|(name, kind)| match kind {
            Kind::Int | Kind::Money | Kind::Flag => format!("optional int64 {name};"),
            Kind::Stamp => format!("optional int64 {name} (TIMESTAMP(NANOS,true));"),
            Kind::Real => format!("optional double {name};"),
            Kind::Text => format!("optional binary {name} (STRING);"),
        })
        .collect();
    format!("message {} {{ {} }}", table.name, columns.join(" "))
}

fn write_column<W: std::io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[Vec<Cell>],
    column: usize,
    kind: Kind,
) -> Result<(), ParquetError> {
    let cells = || rows.iter().map(|row| &row[column]);
    let there: Vec<i16> = cells().map(|cell| i16::from(*cell != Cell::Null)).collect();
    let mut writer = group
        .next_column()?
        .expect("the schema has as many columns as the table");
    match kind {
        Kind::Int | Kind::Money | Kind::Flag | Kind::Stamp => {
            let values: Vec<i64> = cells()
                .filter_map(|cell| {
                    if let Cell::Int(value) = cell {
                        Some(*value)
                    } else {
                        None
                    }
                })
                .collect();
            writer
                .typed::<Int64Type>()
                .write_batch(&values, Some(&there), None)?;
        }
        Kind::Real => {
            let values: Vec<f64> = cells()
                .filter_map(|cell| {
                    if let Cell::Real(value) = cell {
                        Some(*value)
                    } else {
                        None
                    }
                })
                .collect();
            writer
                .typed::<DoubleType>()
                .write_batch(&values, Some(&there), None)?;
        }
        Kind::Text => {
            let values: Vec<ByteArray> = cells()
                .filter_map(|cell| {
                    if let Cell::Text(text) = cell {
                        Some(ByteArray::from(text.as_str()))
                    } else {
                        None
                    }
                })
                .collect();
            writer
                .typed::<ByteArrayType>()
                .write_batch(&values, Some(&there), None)?;
        }
    }
    writer.close()
}
