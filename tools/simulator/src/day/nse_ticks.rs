//! A day of last prices and volumes about once a second: `kind,symbol,timestamp,ltp,volume`.
//!
//! The file lies symbol after symbol. One pass checks every row and spills it to an unnamed temporary file;
//! the runs are then merged by time of arrival, which is the running maximum of the sound stamps of a symbol:
//! a row that steps back arrives in file order with its own odd trade time, and a row stamped on another day
//! (1970 among them) where it stands in the file. Books are invented by seed around the last price; indices
//! have none. `BAJAJ_AUTO` and `MM` get their exchange spelling back. Facts: README of the data.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bijli_core::event::DataKind;
use bijli_core::instrument::InstrumentKind;
use bijli_core::session::{Market, SessionTimes};
use bijli_core::{IstDay, Qty, TsNs};

use super::book::{self, Shape};
use super::contract::{self, Wanted};
use super::csv::CsvFile;
use super::tape::{Tape, millis};
use super::{Anomaly, DayError, DayInfo, DayInstrument, DaySource, DayTick, price_of};
use crate::random::Random;

/// First line of such a file.
pub(super) const HEADER: &str = "kind,symbol,timestamp,ltp,volume";
const RECORD_BYTES: usize = 32;
/// Rows of one symbol held in memory during the merge.
const CHUNK_ROWS: u64 = 512;
/// Spelling in file names against the exchange's.
const RENAMED: [(&str, &str); 2] = [("BAJAJ_AUTO", "BAJAJ-AUTO"), ("MM", "M&M")];

/// One row as spilled.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    arrival_ms: i64,
    ltt_ms: i64,
    ltp: f64,
    volume: i64,
}

/// The rows of one symbol in the temporary file.
struct Run {
    instrument: u32,
    rows_next: u64,
    rows_end: u64,
    chunk: Vec<Row>,
    chunk_used: usize,
    current: Row,
    /// Counts rows with the same time of arrival, so that symbols take turns within it.
    turn: u32,
    tape: Tape,
    random: Random,
    shape: Option<Shape>,
    ltt_ms_max: i64,
    volume_max: i64,
}

/// The merged day.
pub struct NseTicksDay {
    path: PathBuf,
    info: DayInfo,
    spill: File,
    runs: Vec<Run>,
    queue: BinaryHeap<Reverse<(i64, u32, u32)>>,
}

impl NseTicksDay {
    /// Reads, checks and spills the file.
    ///
    /// # Errors
    /// [`DayError`] naming line and column of the first bad row.
    pub fn open(path: &Path, seed: u64) -> Result<Self, DayError> {
        let mut pass = Pass::begin(path)?;
        let mut csv = CsvFile::open(path)?;
        while let Some(row) = csv.next_row()? {
            let [kind, symbol, stamp, ltp, volume] = row.fields()?;
            let is_index = match kind.text {
                "index" => true,
                "stock" => false,
                _ => return Err(kind.malformed("`index` or `stock`")),
            };
            if symbol.text.is_empty() || pass.is_torn(symbol.text) {
                return Err(symbol.malformed("a symbol whose rows lie together"));
            }
            pass.take(
                symbol.text,
                is_index,
                stamp.ist_second()?,
                ltp.rupees()?,
                volume.units()?,
            )?;
        }
        pass.finish(seed)
    }

    fn read_chunk(&mut self, index: usize) -> Result<bool, DayError> {
        let run = &mut self.runs[index];
        let rows = (run.rows_end - run.rows_next).min(CHUNK_ROWS);
        let mut bytes = vec![0; rows as usize * RECORD_BYTES];
        self.spill
            .read_exact_at(&mut bytes, run.rows_next * RECORD_BYTES as u64)
            .map_err(|error| DayError::io("reading a temporary file back", &self.path, &error))?;
        run.rows_next += rows;
        run.chunk.clear();
        run.chunk_used = 0;
        run.chunk
            .extend(bytes.chunks_exact(RECORD_BYTES).map(Row::decode));
        Ok(rows > 0)
    }

    /// Makes the next row of a run its current one and queues it.
    fn queue_next(&mut self, index: usize) -> Result<(), DayError> {
        if self.runs[index].chunk_used == self.runs[index].chunk.len() && !self.read_chunk(index)? {
            return Ok(());
        }
        let run = &mut self.runs[index];
        let row = run.chunk[run.chunk_used];
        run.chunk_used += 1;
        run.turn = if row.arrival_ms == run.current.arrival_ms {
            run.turn + 1
        } else {
            0
        };
        run.current = row;
        self.queue.push(Reverse((row.arrival_ms, run.turn, index as u32)));
        Ok(())
    }
}

impl DaySource for NseTicksDay {
    fn info(&self) -> &DayInfo {
        &self.info
    }

    fn next_tick(&mut self, into: &mut DayTick) -> Result<bool, DayError> {
        let Some(Reverse((arrival_ms, _, index))) = self.queue.pop() else {
            return Ok(false);
        };
        let index = index as usize;
        *into = DayTick {
            ts: TsNs::from_millis(arrival_ms),
            ..DayTick::default()
        };
        self.runs[index].write(into);
        self.queue_next(index)?;
        Ok(true)
    }
}

impl Run {
    fn new(index: u32, seen: &Seen, instrument: &DayInstrument, day: IstDay, seed: u64) -> Self {
        Self {
            instrument: index,
            rows_next: seen.rows_start,
            rows_end: seen.rows_end,
            chunk: Vec::new(),
            chunk_used: 0,
            current: Row::default(),
            turn: 0,
            tape: Tape::new(day, 0.0),
            random: Random::new(seed, u64::from(index)),
            shape: instrument.kind.is_tradable().then(|| Shape {
                tick: instrument.tick,
                lot: instrument.lot,
                spread_ticks: 1,
                level_qty: book::level_qty(seen.first_ltp),
            }),
            ltt_ms_max: 0,
            volume_max: 0,
        }
    }

    fn write(&mut self, into: &mut DayTick) {
        let row = self.current;
        let qty = (row.volume - self.tape.volume()).max(0);
        let first = self.ltt_ms_max == 0;
        self.tape.trade(
            row.arrival_ms,
            row.ltp,
            if first { 0 } else { qty },
            if first { 0 } else { qty },
        );
        self.tape.set_volume(row.volume);
        self.tape.set_ltt_ms(row.ltt_ms);
        self.tape.write(into);
        into.instrument = self.instrument;
        into.anomaly = if TsNs::from_millis(row.ltt_ms).ist_day() != into.ts.ist_day() {
            Anomaly::OtherDay
        } else if row.ltt_ms < self.ltt_ms_max {
            Anomaly::TimeBack
        } else if row.volume < self.volume_max {
            Anomaly::VolumeBack
        } else {
            Anomaly::None
        };
        if into.anomaly != Anomaly::OtherDay {
            self.ltt_ms_max = self.ltt_ms_max.max(row.ltt_ms);
            self.volume_max = self.volume_max.max(row.volume);
        }
        if let Some(shape) = &self.shape {
            book::around(&mut self.random, price_of(row.ltp), shape, into);
        }
    }
}

impl Row {
    fn encode(&self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[..8].copy_from_slice(&self.arrival_ms.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.ltt_ms.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.ltp.to_bits().to_le_bytes());
        bytes[24..].copy_from_slice(&self.volume.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Self {
        let word = |from: usize| {
            let word = bytes[from..from + 8]
                .try_into()
                .expect("eight bytes of a record of 32");
            i64::from_le_bytes(word)
        };
        Self {
            arrival_ms: word(0),
            ltt_ms: word(8),
            ltp: f64::from_bits(word(16) as u64),
            volume: word(24),
        }
    }
}

/// What the first pass knows of one symbol.
struct Seen {
    symbol: String,
    is_index: bool,
    first_ltp: f64,
    arrival_ms: i64,
    rows_start: u64,
    rows_end: u64,
}

/// The first pass under way.
struct Pass {
    path: PathBuf,
    times: SessionTimes,
    spill: BufWriter<File>,
    rows: u64,
    seen: Vec<Seen>,
    known: BTreeSet<String>,
}

impl Pass {
    fn begin(path: &Path) -> Result<Self, DayError> {
        let day = super::day_in_name(path).ok_or_else(|| DayError::Shape {
            path: path.to_owned(),
            found: "a file name without a date YYYY-MM-DD".to_owned(),
        })?;
        let times = SessionTimes::of(day, Market::Cash).map_err(|_| DayError::Closed { day })?;
        let failed = |error| DayError::io("making a temporary file", path, &error);
        Ok(Self {
            path: path.to_owned(),
            times,
            spill: BufWriter::with_capacity(1 << 18, tempfile::tempfile().map_err(failed)?),
            rows: 0,
            seen: Vec::new(),
            known: BTreeSet::new(),
        })
    }

    /// Whether rows of this symbol came earlier, with another symbol in between.
    fn is_torn(&self, symbol: &str) -> bool {
        self.seen.last().is_none_or(|last| last.symbol != symbol) && self.known.contains(symbol)
    }

    fn take(
        &mut self,
        symbol: &str,
        is_index: bool,
        second: i64,
        ltp: f64,
        volume: i64,
    ) -> Result<(), DayError> {
        if self.seen.last().is_none_or(|last| last.symbol != symbol) {
            self.known.insert(symbol.to_owned());
            self.seen.push(Seen {
                symbol: symbol.to_owned(),
                is_index,
                first_ltp: ltp,
                arrival_ms: millis(self.times.open),
                rows_start: self.rows,
                rows_end: self.rows,
            });
        }
        let seen = self
            .seen
            .last_mut()
            .expect("the symbol was added where it was missing");
        let ltt_ms = second * 1_000;
        if TsNs::from_millis(ltt_ms).ist_day() == self.times.open.ist_day() {
            seen.arrival_ms = seen.arrival_ms.max(ltt_ms);
        }
        let row = Row {
            arrival_ms: seen.arrival_ms,
            ltt_ms,
            ltp,
            volume,
        };
        self.spill
            .write_all(&row.encode())
            .map_err(|error| DayError::io("writing a temporary file", &self.path, &error))?;
        self.rows += 1;
        seen.rows_end = self.rows;
        Ok(())
    }

    fn finish(self, seed: u64) -> Result<NseTicksDay, DayError> {
        let spill = self
            .spill
            .into_inner()
            .map_err(|error| DayError::io("writing a temporary file", &self.path, error.error()))?;
        let day = self.times.open.ist_day();
        let symbols: BTreeSet<String> = self
            .seen
            .iter()
            .map(|seen| exchange_symbol(&seen.symbol).to_owned())
            .collect();
        let (rows, mut notes) = contract::beside(&self.path, day, Wanted::Symbols(&symbols))?;
        notes.push("books are invented by seed around the last price".to_owned());
        let instruments: Vec<DayInstrument> = self.seen.iter().map(|seen| listed(seen, day, &rows)).collect();
        let runs = self.seen.iter().zip(&instruments).enumerate();
        let runs =
            runs.map(|(index, (seen, instrument))| Run::new(index as u32, seen, instrument, day, seed));
        let mut source = NseTicksDay {
            path: self.path.clone(),
            runs: runs.collect(),
            info: DayInfo {
                day,
                data: DataKind::RealTicks,
                instruments,
                notes,
            },
            spill,
            queue: BinaryHeap::new(),
        };
        for index in 0..source.runs.len() {
            source.queue_next(index)?;
        }
        Ok(source)
    }
}

fn exchange_symbol(symbol: &str) -> &str {
    RENAMED
        .iter()
        .find(|(file, _)| *file == symbol)
        .map_or(symbol, |(_, exchange)| exchange)
}

fn listed(seen: &Seen, day: IstDay, rows: &[DayInstrument]) -> DayInstrument {
    let symbol = exchange_symbol(&seen.symbol);
    if seen.is_index {
        return contract::default_index(symbol);
    }
    rows.iter()
        .find(|row| row.symbol == symbol && row.kind == InstrumentKind::Equity)
        .map_or_else(
            || contract::default_share(symbol, day, price_of(seen.first_ltp)),
            |row| DayInstrument {
                lot: Qty::new(1),
                ..row.clone()
            },
        )
}
