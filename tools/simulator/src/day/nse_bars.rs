//! A day of one-minute candles, each expanded to ticks by seed: about eight a minute.
//!
//! A candle becomes a path open, low and high in an order that the seed chooses, close, with prices between on
//! the grid and the volume split over them, so that bars built from the ticks equal the recorded ones. A minute
//! without a trade gives at most one tick that repeats the last trade with a new book. Books are invented.
//! A symbol that never trades all day is an index: no book, not tradable. The file is read twice: once to check
//! every row and learn the symbols, then minute by minute. Facts: README of the data, `nse-eq-1min-*`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bijli_core::event::DataKind;
use bijli_core::price::Round;
use bijli_core::{IstDay, Price, TsNs};

use super::book::{self, Shape};
use super::contract::{self, Wanted};
use super::csv::{CsvFile, Row};
use super::full_d5::ist_micros;
use super::recorded_past::RecordedPast;
use super::tape::Tape;
use super::{Anomaly, Candle, DayError, DayInfo, DayInstrument, DaySource, DayTick, Morning, Past, price_of};
use crate::random::Random;

/// Ticks that a traded minute becomes.
const TICKS_PER_BAR: usize = 8;
const MS_PER_MINUTE: i64 = 60_000;

/// Which of the two column layouts a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// `Code,Date,Open,High,Low,Close,Volume`.
    Code,
    /// `date,timestamp,symbol,open,high,low,close,volume,source`.
    Symbol,
}

impl Layout {
    pub(super) fn of(header: &str) -> Option<Self> {
        match header {
            "Code,Date,Open,High,Low,Close,Volume" => Some(Self::Code),
            "date,timestamp,symbol,open,high,low,close,volume,source" => Some(Self::Symbol),
            _ => None,
        }
    }
}

/// One candle as recorded, prices exact.
#[derive(Clone, Copy, Debug)]
struct Bar {
    minute_ms: i64,
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    volume: i64,
}

/// One instrument during the expansion.
struct Lane {
    tape: Tape,
    random: Random,
    tick: Price,
    shape: Option<Shape>,
}

/// The expanded day.
pub struct NseBarsDay {
    info: DayInfo,
    past: RecordedPast,
    layout: Layout,
    csv: CsvFile,
    ids: BTreeMap<String, u32>,
    lanes: Vec<Lane>,
    held: Option<(u32, Bar)>,
    /// Ticks of the minute under way, last first.
    ready: Vec<DayTick>,
}

impl NseBarsDay {
    /// Checks the whole file, then stands at its first minute.
    ///
    /// # Errors
    /// [`DayError`] naming line and column of the first bad row.
    pub fn open(path: &Path, seed: u64) -> Result<Self, DayError> {
        let mut csv = CsvFile::open(path)?;
        let layout = Layout::of(csv.header()).ok_or_else(|| DayError::Shape {
            path: path.to_owned(),
            found: csv.header().to_owned(),
        })?;
        let Survey { day, seen } = survey(&mut csv, layout)?.ok_or_else(|| DayError::Shape {
            path: path.to_owned(),
            found: "a header without rows".to_owned(),
        })?;
        let symbols: BTreeSet<String> = seen.keys().cloned().collect();
        let (rows, mut notes) = contract::beside(path, day, Wanted::Symbols(&symbols))?;
        notes.push(format!(
            "each candle is expanded by seed to {TICKS_PER_BAR} ticks; books are invented"
        ));
        let instruments: Vec<DayInstrument> = seen
            .iter()
            .map(|(symbol, seen)| listed(symbol, seen, day, &rows))
            .collect();
        let lanes = instruments.iter().enumerate().map(|(index, instrument)| Lane {
            tape: Tape::new(day, 0.0),
            random: Random::new(seed, index as u64),
            tick: instrument.tick,
            shape: instrument.kind.is_tradable().then(|| Shape {
                tick: instrument.tick,
                lot: instrument.lot,
                spread_ticks: 1,
                level_qty: book::level_qty(seen[symbol_of(instrument, &seen)].first.rupees()),
            }),
        });
        Ok(Self {
            past: RecordedPast::beside(path, day, layout),
            layout,
            csv: CsvFile::open(path)?,
            ids: seen.keys().cloned().zip(0..).collect(),
            lanes: lanes.collect(),
            info: DayInfo {
                day,
                data: DataKind::RealBars,
                instruments,
                notes,
            },
            held: None,
            ready: Vec::new(),
        })
    }

    /// Reads one minute and expands it; `false` at the end of the file.
    fn read_minute(&mut self) -> Result<bool, DayError> {
        assert!(self.ready.is_empty(), "the minute before was played");
        let mut minute_ms = None;
        loop {
            let next = match self.held.take() {
                Some(held) => Some(held),
                None => self.read_bar()?,
            };
            let Some((id, bar)) = next else { break };
            if *minute_ms.get_or_insert(bar.minute_ms) != bar.minute_ms {
                self.held = Some((id, bar));
                break;
            }
            self.lanes[id as usize].expand(id, &bar, &mut self.ready);
        }
        self.ready
            .sort_by_key(|tick| std::cmp::Reverse((tick.ts, tick.instrument)));
        Ok(minute_ms.is_some())
    }

    fn read_bar(&mut self) -> Result<Option<(u32, Bar)>, DayError> {
        let Some(row) = self.csv.next_row()? else {
            return Ok(None);
        };
        let (symbol, bar) = read_row(row, self.layout)?;
        let id = self.ids.get(symbol).expect("the first pass saw every symbol");
        Ok(Some((*id, bar)))
    }
}

impl DaySource for NseBarsDay {
    fn info(&self) -> &DayInfo {
        &self.info
    }

    fn morning(&self) -> Morning {
        Morning {
            past: Past::Recorded(self.past.clone()),
            ..Morning::default()
        }
    }

    fn next_tick(&mut self, into: &mut DayTick) -> Result<bool, DayError> {
        loop {
            if let Some(tick) = self.ready.pop() {
                *into = tick;
                return Ok(true);
            }
            if !self.read_minute()? {
                return Ok(false);
            }
        }
    }
}

impl Lane {
    fn expand(&mut self, id: u32, bar: &Bar, into: &mut Vec<DayTick>) {
        if bar.volume == 0 && self.shape.is_some() {
            let ms = bar.minute_ms + self.random.between(0, MS_PER_MINUTE - 1);
            if self.tape.ltp() > 0.0 {
                into.push(self.tick_at(id, ms));
            }
            return;
        }
        let prices = self.path(bar);
        let mut left = bar.volume;
        for (step, price) in prices.iter().enumerate() {
            let ms = bar.minute_ms + offset_ms(&mut self.random, step);
            let still = (TICKS_PER_BAR - step) as i64;
            let qty = if still == 1 {
                left
            } else {
                (left / still * self.random.between(40, 160) / 100).min(left)
            };
            left -= qty;
            let ltq = if qty > 0 { self.random.between(1, qty) } else { 0 };
            self.tape.trade(ms, price.rupees(), qty, ltq);
            into.push(self.tick_at(id, ms));
        }
    }

    fn tick_at(&mut self, id: u32, ms: i64) -> DayTick {
        let mut tick = DayTick {
            ts: TsNs::from_millis(ms),
            instrument: id,
            anomaly: Anomaly::None,
            ..DayTick::default()
        };
        self.tape.write(&mut tick);
        if let Some(shape) = &self.shape {
            book::around(&mut self.random, price_of(tick.ltp), shape, &mut tick);
        }
        tick
    }

    /// Open, first extreme, second extreme, close, with one price between each two and one more at the end.
    fn path(&mut self, bar: &Bar) -> [Price; TICKS_PER_BAR] {
        let low_first = self.random.happens(500_000);
        let (first, second) = if low_first {
            (bar.low, bar.high)
        } else {
            (bar.high, bar.low)
        };
        let mut between = |from: Price, to: Price| {
            let share = self.random.between(20, 80);
            let price = Price::new(from.get() + (to.get() - from.get()) * share / 100);
            // Off-grid recorded prices stay; what is invented between them is on the grid and inside the bar.
            let on_grid = price.on_tick(self.tick, Round::Down);
            on_grid.clamp(bar.low, bar.high)
        };
        [
            bar.open,
            between(bar.open, first),
            first,
            between(first, second),
            second,
            between(second, bar.close),
            between(second, bar.close),
            bar.close,
        ]
    }
}

/// Evenly spread over the minute with some unrest; the first within 2 s, the last in the last 3 s.
fn offset_ms(random: &mut Random, step: usize) -> i64 {
    let last = TICKS_PER_BAR - 1;
    if step == 0 {
        random.between(0, 1_999)
    } else if step == last {
        random.between(57_000, MS_PER_MINUTE - 1)
    } else {
        let width = 55_000 / (last as i64 - 1);
        let from = 2_000 + (step as i64 - 1) * width;
        random.between(from, from + width - 1)
    }
}

/// What the first pass learns of one symbol.
struct Seen {
    first: Price,
    volume: i64,
}

/// What the first pass learns of the file.
struct Survey {
    day: IstDay,
    seen: BTreeMap<String, Seen>,
}

/// Checks every row; `None` for a file without rows.
fn survey(csv: &mut CsvFile, layout: Layout) -> Result<Option<Survey>, DayError> {
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    let mut day = None;
    let mut minute_ms = i64::MIN;
    while let Some(row) = csv.next_row()? {
        let (symbol, bar) = read_row(row, layout)?;
        let of_bar = TsNs::from_millis(bar.minute_ms).ist_day();
        if *day.get_or_insert(of_bar) != of_bar {
            return Err(row.at_start("a minute of the file's one day"));
        }
        if bar.minute_ms < minute_ms {
            return Err(row.at_start("rows sorted by minute"));
        }
        minute_ms = bar.minute_ms;
        match seen.get_mut(symbol) {
            Some(known) => known.volume += bar.volume,
            None => {
                let first = Seen {
                    first: bar.open,
                    volume: bar.volume,
                };
                seen.insert(symbol.to_owned(), first);
            }
        }
    }
    Ok(day.map(|day| Survey { day, seen }))
}

/// The recorded candles of one symbol in a file.
///
/// # Errors
/// [`DayError`] naming line and column of the first bad row.
pub(super) fn candles_of(path: &Path, wanted: &str) -> Result<Vec<Candle>, DayError> {
    let mut csv = CsvFile::open(path)?;
    let layout = Layout::of(csv.header()).ok_or_else(|| DayError::Shape {
        path: path.to_owned(),
        found: csv.header().to_owned(),
    })?;
    let mut candles = Vec::new();
    while let Some(row) = csv.next_row()? {
        let (symbol, bar) = read_row(row, layout)?;
        if symbol == wanted {
            candles.push(Candle {
                open: bar.open.rupees(),
                high: bar.high.rupees(),
                low: bar.low.rupees(),
                close: bar.close.rupees(),
                volume: bar.volume,
                start_ms: bar.minute_ms,
            });
        }
    }
    Ok(candles)
}

fn read_row(row: Row<'_>, layout: Layout) -> Result<(&str, Bar), DayError> {
    let (symbol, minute_ms, prices, volume) = match layout {
        Layout::Code => {
            let [symbol, date, open, high, low, close, volume] = row.fields()?;
            (
                symbol,
                date.ist_second()? * 1_000,
                [open, high, low, close],
                volume,
            )
        }
        Layout::Symbol => {
            let [date, time, symbol, open, high, low, close, volume, _source] = row.fields()?;
            let micros = ist_micros(&format!("{} {}:00", date.text, time.text))
                .ok_or_else(|| time.malformed("a date YYYY-MM-DD and a minute HH:MM"))?;
            (symbol, micros / 1_000, [open, high, low, close], volume)
        }
    };
    if symbol.text.is_empty() {
        return Err(symbol.malformed("a symbol"));
    }
    let mut exact = [Price::NONE; 4];
    for (price, field) in exact.iter_mut().zip(&prices) {
        *price = price_of(field.rupees()?);
    }
    let [open, high, low, close] = exact;
    if low > open.min(close) || high < open.max(close) {
        return Err(prices[1].malformed("a high and a low around open and close"));
    }
    let bar = Bar {
        minute_ms,
        open,
        high,
        low,
        close,
        volume: volume.units()?,
    };
    Ok((symbol.text, bar))
}

fn listed(symbol: &str, seen: &Seen, day: IstDay, rows: &[DayInstrument]) -> DayInstrument {
    let is_index = seen.volume == 0;
    let row = rows
        .iter()
        .find(|row| row.symbol == symbol && row.kind.is_tradable() != is_index);
    match row {
        Some(row) => row.clone(),
        None if is_index => contract::default_index(symbol),
        None => contract::default_share(symbol, day, seen.first),
    }
}

fn symbol_of<'a>(instrument: &'a DayInstrument, seen: &BTreeMap<String, Seen>) -> &'a str {
    assert!(seen.contains_key(&instrument.symbol), "a listed symbol was seen");
    &instrument.symbol
}
