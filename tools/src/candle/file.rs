//! One Parquet file of candles: its columns, what it says of itself, how it is written and read.
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `ts` | timestamp, microseconds, UTC | when the candle began |
//! | `open` `high` `low` `close` | 64-bit integer | prices in 1/10000 rupee |
//! | `volume` | 64-bit integer | units traded |
//! | `oi` | 64-bit integer | open interest in units, 0 where there is none |
//!
//! The file's metadata has the keys `bijli.version`, `.source`, `.simulated`, `.fetched_at_ns`, `.instrument_key`,
//! `.symbol`, `.timeframe`, `.first_day`, `.last_day`, `.final` and `.price_unit`. Invariants: rows are strictly in
//! order of time, within the days that the file claims, and consistent, or the file is neither written nor read; a
//! file has its name only when it is whole and on disk. Left out: other programs' files, which have no such metadata.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use bijli_core::{IstDay, Price, Qty, TsNs};
use bijli_gateway::upstox::candle_api::{Candle, Span, Timeframe};
use parquet::basic::{Compression, Encoding, Type, ZstdLevel};
use parquet::column::reader::ColumnReader;
use parquet::data_type::Int64Type;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::period::{timeframe, timeframe_text};
use crate::store::io_error;

const VERSION: &str = "1";
const PRICE_UNIT: &str = "1/10000 rupee";
const SCHEMA: &str = "message candles {
    required int64 ts (TIMESTAMP(MICROS,true));
    required int64 open; required int64 high; required int64 low; required int64 close;
    required int64 volume; required int64 oi;
}";
const COLUMNS: [&str; 7] = ["ts", "open", "high", "low", "close", "volume", "oi"];
const NS_PER_US: i64 = 1_000;
/// Most rows that are read: a month of minutes has some 10,000, a year of days 366.
const ROWS_MAX: i64 = 100_000;

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Whose candles: `upstox` or `simulator`.
    pub source: String,
    /// Whether nothing in it is real.
    pub is_simulated: bool,
    /// When it was fetched.
    pub fetched_at: TsNs,
    /// Instrument key.
    pub key: String,
    /// Symbol; empty if it was not known.
    pub symbol: String,
    /// Length of its candles.
    pub timeframe: Timeframe,
    /// Days that were asked for.
    pub span: Span,
    /// Whether nothing can be added to these days any more.
    pub is_final: bool,
}

/// A file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandleFile {
    /// What it says of itself.
    pub label: Label,
    /// Oldest first.
    pub candles: Vec<Candle>,
}

/// What is wrong with a row: its number from 1, its time, and the fault.
///
/// # Errors
/// The first row that is doubled, out of order, outside `span` or contradicts itself.
pub fn check_rows(candles: &[Candle], span: Span) -> Result<(), String> {
    let mut before = None;
    for (row, candle) in (1..).zip(candles) {
        let day = candle.begin.ist_day();
        let range = [candle.open, candle.high, candle.low, candle.close];
        let fault = match before {
            Some(before) if before == candle.begin => "its time is there twice",
            Some(before) if before > candle.begin => "it is out of order",
            _ if day < span.first || day > span.last => "its day was not asked for",
            _ if !candle.is_consistent() => "a price lies outside its high and low",
            _ if range.iter().any(|price| price.get() <= 0) => "a price is not above zero",
            _ if candle.volume.get() < 0 || candle.oi.get() < 0 => "a quantity is below zero",
            _ => {
                before = Some(candle.begin);
                continue;
            }
        };
        return Err(format!("row {row} ({} IST): {fault}", candle.begin));
    }
    Ok(())
}

impl CandleFile {
    /// Writes the file beside its place and then puts it there in one step.
    ///
    /// # Errors
    /// A sentence with the path: a row that is refused, or what the system refused.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        check_rows(&self.candles, self.label.span).map_err(|fault| format!("{}: {fault}", path.display()))?;
        let bytes = self
            .bytes()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let draft = path.with_extension("part");
        let put = || {
            let mut file = File::create(&draft).map_err(io_error("making", &draft))?;
            file.write_all(&bytes).map_err(io_error("writing", &draft))?;
            file.sync_all().map_err(io_error("syncing", &draft))?;
            fs::rename(&draft, path).map_err(io_error("putting in place", path))
        };
        put().map_err(|error| error.to_string())
    }

    fn bytes(&self) -> Result<Vec<u8>, ParquetError> {
        let level = ZstdLevel::try_new(9)?;
        // Neighbours differ by little: differences pack to a few bits, a dictionary would not.
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::DELTA_BINARY_PACKED)
            .set_created_by(concat!("bijli ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(self.label.pairs()))
            .build();
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let mut bytes = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties))?;
        if !self.candles.is_empty() {
            let mut group = writer.next_row_group()?;
            let mut columns = (0..COLUMNS.len()).map(|column| self.column(column));
            while let Some(mut column) = group.next_column()? {
                let values = columns
                    .next()
                    .expect("the schema has as many columns as the list");
                column.typed::<Int64Type>().write_batch(&values, None, None)?;
                column.close()?;
            }
            group.close()?;
        }
        writer.close()?;
        Ok(bytes)
    }

    fn column(&self, column: usize) -> Vec<i64> {
        let value = |candle: &Candle| match column {
            0 => candle.begin.get() / NS_PER_US,
            1 => candle.open.get(),
            2 => candle.high.get(),
            3 => candle.low.get(),
            4 => candle.close.get(),
            5 => candle.volume.get(),
            _ => candle.oi.get(),
        };
        self.candles.iter().map(value).collect()
    }

    /// Reads a file and checks every row.
    ///
    /// # Errors
    /// A sentence with the path: what does not read, is not ours, or which row is refused.
    pub fn read(path: &Path) -> Result<Self, String> {
        let named = |fault: String| format!("{}: {fault}", path.display());
        let file = File::open(path).map_err(|error| named(error.to_string()))?;
        let reader = SerializedFileReader::new(file).map_err(|error| named(error.to_string()))?;
        let label = label_of(&reader).map_err(named)?;
        let candles = rows_of(&reader).map_err(named)?;
        check_rows(&candles, label.span).map_err(named)?;
        Ok(Self { label, candles })
    }
}

/// What a file says of itself; its rows are not looked at.
///
/// # Errors
/// A sentence with the path: what does not read or is not ours.
pub fn read_label(path: &Path) -> Result<Label, String> {
    let named = |fault: String| format!("{}: {fault}", path.display());
    let file = File::open(path).map_err(|error| named(error.to_string()))?;
    let reader = SerializedFileReader::new(file).map_err(|error| named(error.to_string()))?;
    label_of(&reader).map_err(named)
}

impl Label {
    fn pairs(&self) -> Vec<KeyValue> {
        let pair = |key: &str, value: String| KeyValue::new(format!("bijli.{key}"), value);
        vec![
            pair("version", VERSION.to_owned()),
            pair("source", self.source.clone()),
            pair("simulated", self.is_simulated.to_string()),
            pair("fetched_at_ns", self.fetched_at.get().to_string()),
            pair("instrument_key", self.key.clone()),
            pair("symbol", self.symbol.clone()),
            pair("timeframe", timeframe_text(self.timeframe)),
            pair("first_day", self.span.first.to_string()),
            pair("last_day", self.span.last.to_string()),
            pair("final", self.is_final.to_string()),
            pair("price_unit", PRICE_UNIT.to_owned()),
        ]
    }
}

fn label_of(reader: &SerializedFileReader<File>) -> Result<Label, String> {
    let metadata = reader.metadata().file_metadata();
    let pairs = metadata.key_value_metadata();
    let text = |key: &str| -> Result<&str, String> {
        let name = format!("bijli.{key}");
        let pair = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == name));
        let value = pair.and_then(|pair| pair.value.as_deref());
        value.ok_or_else(|| format!("no candle file of ours: its metadata has no {name}"))
    };
    let day = |key: &str| -> Result<IstDay, String> {
        crate::verb::sim::parse_day(text(key)?).map_err(|fault| format!("bijli.{key}: {fault}"))
    };
    let flag = |key: &str| -> Result<bool, String> {
        text(key)?
            .parse()
            .map_err(|_| format!("bijli.{key} is neither true nor false"))
    };
    for (key, known) in [("version", VERSION), ("price_unit", PRICE_UNIT)] {
        if text(key)? != known {
            return Err(format!(
                "bijli.{key} is `{}`; this program knows `{known}`",
                text(key)?
            ));
        }
    }
    let fetched_at_ns = text("fetched_at_ns")?.parse();
    Ok(Label {
        source: text("source")?.to_owned(),
        is_simulated: flag("simulated")?,
        fetched_at: TsNs::new(fetched_at_ns.map_err(|_| "bijli.fetched_at_ns is no number")?),
        key: text("instrument_key")?.to_owned(),
        symbol: text("symbol")?.to_owned(),
        timeframe: timeframe(text("timeframe")?)?,
        span: Span {
            first: day("first_day")?,
            last: day("last_day")?,
        },
        is_final: flag("final")?,
    })
}

fn rows_of(reader: &SerializedFileReader<File>) -> Result<Vec<Candle>, String> {
    let metadata = reader.metadata();
    let columns = metadata.file_metadata().schema_descr().columns();
    let fits = columns.len() == COLUMNS.len()
        && columns.iter().zip(COLUMNS).all(|(column, name)| {
            column.name() == name
                && column.physical_type() == Type::INT64
                && column.max_def_level() == 0
                && column.max_rep_level() == 0
        });
    if !fits {
        return Err(format!("its columns are not {}", COLUMNS.join(", ")));
    }
    let rows = metadata.file_metadata().num_rows();
    if !(0..=ROWS_MAX).contains(&rows) {
        return Err(format!("it claims {rows} rows; {ROWS_MAX} are the most"));
    }
    let mut values: [Vec<i64>; 7] = Default::default();
    for group in 0..metadata.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|error| error.to_string())?;
        for (column, values) in values.iter_mut().enumerate() {
            let column = group
                .get_column_reader(column)
                .map_err(|error| error.to_string())?;
            read_column(column, values)?;
        }
    }
    let [times, opens, highs, lows, closes, volumes, ois] = &values;
    if values
        .iter()
        .any(|column| i64::try_from(column.len()) != Ok(rows))
    {
        return Err(format!("its columns do not have the {rows} rows that it claims"));
    }
    let candle = |row: usize| Candle {
        begin: TsNs::new(times[row].saturating_mul(NS_PER_US)),
        open: Price::new(opens[row]),
        high: Price::new(highs[row]),
        low: Price::new(lows[row]),
        close: Price::new(closes[row]),
        volume: Qty::new(volumes[row]),
        oi: Qty::new(ois[row]),
    };
    Ok((0..times.len()).map(candle).collect())
}

fn read_column(column: ColumnReader, values: &mut Vec<i64>) -> Result<(), String> {
    let ColumnReader::Int64ColumnReader(mut column) = column else {
        return Err("a column holds no 64-bit integers".to_owned());
    };
    let most = usize::try_from(ROWS_MAX).unwrap_or(usize::MAX);
    loop {
        let left = most.saturating_sub(values.len());
        let read = column.read_records(left, None, None, values);
        let (records, ..) = read.map_err(|error| error.to_string())?;
        if records == 0 || left == 0 {
            return Ok(());
        }
    }
}
