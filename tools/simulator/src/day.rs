//! A trading day as a stream of ticks in server time, whatever it was recorded as, or invented.
//!
//! Invariants: ticks come in order of [`DayTick::ts`]; nothing holds a whole day in memory; a source is
//! determined by its files and its seed. Prices stay the doubles that were recorded, since they go out on the
//! wire as doubles; whoever needs exact numbers rounds them once with [`price_of`].
//! Formats: `README.md` of the data directory; shapes are told apart by path, see [`open`].

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use bijli_core::event::DataKind;
use bijli_core::instrument::InstrumentKind;
use bijli_core::price::UNITS_PER_RUPEE;
use bijli_core::session::{Market, SessionTimes};
use bijli_core::{DurationNs, IstDay, Price, Qty, TsNs};

use crate::settings::DaySpec;

pub mod error;
pub mod tick_size;
pub mod contract;
mod csv;
mod json_array;
mod tape;
mod book;
pub mod spike;
pub mod synthetic;
pub mod derivatives;
pub mod full_d5;
pub mod nse_ticks;
pub mod nse_bars;
pub mod recorded_past;

pub use error::DayError;

/// Levels of the book in mode `full`.
pub const LEVELS: usize = 5;

/// One level of both sides; zero quantity and price mean an empty side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// Units wanted.
    pub bid_qty: i64,
    /// Price wanted at, rupees.
    pub bid: f64,
    /// Units offered.
    pub ask_qty: i64,
    /// Price offered at, rupees.
    pub ask: f64,
}

/// Open, high, low, close and volume of a day or a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Candle {
    /// First price, rupees.
    pub open: f64,
    /// Highest price, rupees.
    pub high: f64,
    /// Lowest price, rupees.
    pub low: f64,
    /// Last price, rupees.
    pub close: f64,
    /// Units traded.
    pub volume: i64,
    /// Start, epoch milliseconds; 0 when there is no such candle yet.
    pub start_ms: i64,
}

/// What the broker says of an option's risk.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Greeks {
    /// Change of price per rupee of the underlying.
    pub delta: f64,
    /// Change of price per day, rupees.
    pub theta: f64,
    /// Change of delta per rupee of the underlying.
    pub gamma: f64,
    /// Change of price per percent of volatility, rupees.
    pub vega: f64,
    /// Change of price per percent of interest, rupees.
    pub rho: f64,
}

/// What is odd about a tick as recorded; odd ticks are sent all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anomaly {
    /// Nothing.
    #[default]
    None,
    /// Last trade time before that of an earlier tick of the instrument.
    TimeBack,
    /// Last trade time on another day.
    OtherDay,
    /// Volume of the day below that of an earlier tick.
    VolumeBack,
}

/// The market of one instrument at one moment, complete.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DayTick {
    /// Server time: when the broker would have sent it.
    pub ts: TsNs,
    /// Position in [`DayInfo::instruments`].
    pub instrument: u32,
    /// Last traded price, rupees; 0 before the first trade.
    pub ltp: f64,
    /// Time of the last trade, epoch milliseconds; may be wrong in recorded days, and is sent as it is.
    pub ltt_ms: i64,
    /// Quantity of the last trade, units.
    pub ltq: i64,
    /// Previous close, rupees; 0 if unknown.
    pub prev_close: f64,
    /// The book, best first.
    pub levels: [Level; LEVELS],
    /// How many of [`DayTick::levels`] are sent; 0 for indices.
    pub level_count: u8,
    /// Greeks; `None` when the block is absent.
    pub greeks: Option<Greeks>,
    /// The day so far.
    pub day: Candle,
    /// The last complete minute.
    pub minute: Candle,
    /// Average traded price of the day, rupees.
    pub atp: f64,
    /// Units traded today.
    pub volume: i64,
    /// Open interest, units.
    pub oi: f64,
    /// Implied volatility, fraction.
    pub iv: f64,
    /// All units wanted.
    pub total_bid_qty: f64,
    /// All units offered.
    pub total_ask_qty: f64,
    /// What is odd about it.
    pub anomaly: Anomaly,
}

/// The contract facts of one instrument of the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayInstrument {
    /// The broker's key, e.g. `NSE_EQ|INE002A01018`.
    pub key: String,
    /// Trading symbol.
    pub symbol: String,
    /// Long name.
    pub name: String,
    /// Sort of contract.
    pub kind: InstrumentKind,
    /// Smallest price step.
    pub tick: Price,
    /// Quantity step.
    pub lot: Qty,
    /// Largest quantity of one order.
    pub freeze: Qty,
    /// Last day of trading of a derivative.
    pub expiry: Option<IstDay>,
    /// Strike of an option; [`Price::NONE`] otherwise.
    pub strike: Price,
    /// Key and symbol of the underlying of a derivative.
    pub underlying: Option<(String, String)>,
}

/// What is known about a day before its first tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayInfo {
    /// The trading day.
    pub day: IstDay,
    /// Where the prices come from.
    pub data: DataKind,
    /// All instruments that may tick.
    pub instruments: Vec<DayInstrument>,
    /// What had to be assumed, in sentences for an operator.
    pub notes: Vec<String>,
}

/// What stands before the first tick of an invented day, besides its instruments.
#[derive(Clone, Debug, Default)]
pub struct Morning {
    /// Contracts that are listed but not in the stream of ticks.
    pub contracts: Vec<DayInstrument>,
    /// The close of the day before, rupees, one an instrument of the day; empty when it is not known.
    pub closes: Vec<f64>,
    /// Where earlier days come from.
    pub past: Past,
}

/// Where the days before the played one come from.
#[derive(Clone, Debug, Default)]
pub enum Past {
    /// Nowhere: there are none.
    #[default]
    Unknown,
    /// Invented by this seed.
    Invented(u64),
    /// Recorded in files beside the day's own.
    Recorded(recorded_past::RecordedPast),
}

/// A stream of ticks.
pub trait DaySource: Send {
    /// What is known about the day.
    fn info(&self) -> &DayInfo;

    /// What is known besides; nothing unless a source says more.
    fn morning(&self) -> Morning {
        Morning::default()
    }

    /// Writes the next tick into `into`; `false` at the end of the day.
    ///
    /// # Errors
    /// [`DayError`] naming file, line and column when the rest of the day cannot be read.
    fn next_tick(&mut self, into: &mut DayTick) -> Result<bool, DayError>;
}

/// Opens a day. A directory is read as recorded V3 feeds; `kind,symbol,timestamp,ltp,volume` as last prices;
/// the two layouts of minute candles as bars.
///
/// # Errors
/// [`DayError`] when the path does not exist, has none of the three shapes, or is damaged at its start.
pub fn open(spec: &DaySpec, seed: u64) -> Result<Box<dyn DaySource>, DayError> {
    match spec {
        DaySpec::Synthetic { day, instruments } => {
            Ok(Box::new(synthetic::SyntheticDay::new(*day, *instruments, seed)))
        }
        DaySpec::Path(path) => open_path(path, seed),
    }
}

fn open_path(path: &Path, seed: u64) -> Result<Box<dyn DaySource>, DayError> {
    let facts = std::fs::metadata(path).map_err(|error| DayError::io("opening a day", path, &error))?;
    if facts.is_dir() {
        return Ok(Box::new(full_d5::FullD5Day::open(path)?));
    }
    let header = csv::CsvFile::open(path)?.header().to_owned();
    if header == nse_ticks::HEADER {
        Ok(Box::new(nse_ticks::NseTicksDay::open(path, seed)?))
    } else if nse_bars::Layout::of(&header).is_some() {
        Ok(Box::new(nse_bars::NseBarsDay::open(path, seed)?))
    } else {
        Err(DayError::Shape {
            path: path.to_owned(),
            found: header,
        })
    }
}

/// The hours of a market; a day that the table of hours does not cover is taken as 09:15 to 15:30.
#[must_use]
pub fn hours(day: IstDay, market: Market) -> SessionTimes {
    SessionTimes::of(day, market).unwrap_or(SessionTimes {
        open: day.at(DurationNs::from_hm(9, 15)),
        close: day.at(DurationNs::from_hm(15, 30)),
        ..SessionTimes::default()
    })
}

/// A recorded price in exact units, rounded to the nearest; [`Price::NONE`] for what is no price.
#[must_use]
pub fn price_of(rupees: f64) -> Price {
    let units = rupees * UNITS_PER_RUPEE as f64;
    if units.is_finite() && (0.0..9.0e15).contains(&units) {
        Price::new(units.round() as i64)
    } else {
        Price::NONE
    }
}

/// The day that a file name starts with, `YYYY-MM-DD`, or the one that a directory name ends with.
fn day_in_name(path: &Path) -> Option<IstDay> {
    let name = path.file_name()?.to_str()?;
    let text = name
        .get(..10)
        .filter(|text| text.as_bytes()[4] == b'-')
        .or_else(|| name.get(name.len().checked_sub(10)?..))?;
    day_of_text(text)
}

/// Years whose moments are numbers of nanoseconds that can be counted.
const YEARS: RangeInclusive<i32> = 1970..=2199;

/// A day written `YYYY-MM-DD`, within [`YEARS`]: clients ask for any day, and its moments must be countable.
pub(crate) fn day_of_text(text: &str) -> Option<IstDay> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next()?.parse().ok().filter(|year| YEARS.contains(year))?;
    let month = parts.next()?.parse().ok()?;
    IstDay::from_ymd(year, month, parts.next()?.parse().ok()?)
}

/// Where the files of other kinds lie when the day is part of a data directory.
fn sibling(path: &Path, up: usize, name: &str) -> Option<PathBuf> {
    let path = std::fs::canonicalize(path).ok()?;
    let found = path.ancestors().nth(up)?.join(name);
    found.is_dir().then_some(found)
}
