//! A day of recorded V3 feeds in mode full_d5: one gzipped JSON array an instrument, merged by arrival.
//!
//! All recorded fields are kept as they are, odd ones included; nothing is invented. The recorder's clock ran
//! 4 to 5 seconds behind the exchange's, so server time is its stamp plus [`RECEIVER_LAG`]. Frames after the
//! close and the cut of 125 s in the recorded day are played too. Facts: README of the data, `full_d5`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bijli_core::event::DataKind;
use bijli_core::{DurationNs, IstDay, TsNs};
use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::contract::{self, Wanted};
use super::json_array::JsonArray;
use super::{Anomaly, Candle, DayError, DayInfo, DaySource, DayTick, Greeks, LEVELS, Level, price_of};

/// How far the recorder's clock ran behind the server's.
pub const RECEIVER_LAG: DurationNs = DurationNs::from_secs(5);
const FILE_SUFFIX: &str = ".json.gz";

#[derive(Deserialize)]
struct Element<'a> {
    #[serde(borrow, rename = "instrumentKey")]
    key: &'a str,
    #[serde(borrow, rename = "_insertion_time")]
    arrived: &'a str,
    #[serde(rename = "fullFeed")]
    full: FullFeed,
}

#[derive(Deserialize)]
struct FullFeed {
    #[serde(rename = "marketFF")]
    market: MarketFeed,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MarketFeed {
    ltpc: Ltpc,
    #[serde(rename = "marketLevel")]
    book: MarketLevel,
    #[serde(rename = "optionGreeks")]
    greeks: Option<RecordedGreeks>,
    #[serde(rename = "marketOHLC")]
    candles: MarketOhlc,
    atp: f64,
    #[serde(deserialize_with = "integer")]
    vtt: i64,
    oi: f64,
    iv: f64,
    tbq: f64,
    tsq: f64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ltpc {
    ltp: f64,
    #[serde(deserialize_with = "integer")]
    ltt: i64,
    #[serde(deserialize_with = "integer")]
    ltq: i64,
    cp: f64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MarketLevel {
    #[serde(rename = "bidAskQuote")]
    levels: Vec<RecordedLevel>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RecordedLevel {
    #[serde(deserialize_with = "integer")]
    bid_q: i64,
    bid_p: f64,
    #[serde(deserialize_with = "integer")]
    ask_q: i64,
    ask_p: f64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RecordedGreeks {
    delta: f64,
    theta: f64,
    gamma: f64,
    vega: f64,
    rho: f64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MarketOhlc {
    ohlc: Vec<RecordedCandle>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RecordedCandle {
    interval: String,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    #[serde(deserialize_with = "integer")]
    vol: i64,
    #[serde(deserialize_with = "integer")]
    ts: i64,
}

/// Protobuf's JSON form writes 64-bit integers as strings.
fn integer<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let text = <&str>::deserialize(from)?;
    text.parse()
        .map_err(|_| de::Error::custom(format!("a 64-bit integer in quotes, not `{text}`")))
}

/// One instrument's file, with its next tick already read.
struct Lane {
    array: JsonArray,
    key: String,
    pending: Option<DayTick>,
    ts_last: TsNs,
    ltt_ms_max: i64,
    volume_max: i64,
}

/// The merged day.
pub struct FullD5Day {
    info: DayInfo,
    lanes: Vec<Lane>,
}

impl FullD5Day {
    /// Opens every `*.json.gz` of a directory.
    ///
    /// # Errors
    /// [`DayError`] when there is none, or one of them is damaged at its start.
    pub fn open(directory: &Path) -> Result<Self, DayError> {
        let mut lanes = Vec::new();
        for path in files_of(directory)? {
            let mut lane = Lane {
                array: JsonArray::open(&path)?,
                key: String::new(),
                pending: None,
                ts_last: TsNs::NEVER,
                ltt_ms_max: 0,
                volume_max: 0,
            };
            lane.advance(lanes.len() as u32)?;
            if lane.pending.is_some() {
                lanes.push(lane);
            }
        }
        let Some(day) = lanes
            .iter()
            .filter_map(|lane| lane.pending)
            .map(|tick| tick.ts)
            .min()
        else {
            return Err(DayError::Shape {
                path: directory.to_owned(),
                found: "no recorded feed in the directory".to_owned(),
            });
        };
        let info = describe(directory, day.ist_day(), &lanes)?;
        Ok(Self { info, lanes })
    }
}

impl DaySource for FullD5Day {
    fn info(&self) -> &DayInfo {
        &self.info
    }

    fn next_tick(&mut self, into: &mut DayTick) -> Result<bool, DayError> {
        let first = self
            .lanes
            .iter()
            .enumerate()
            .filter_map(|(index, lane)| lane.pending.as_ref().map(|tick| (tick.ts, index)))
            .min();
        let Some((_, index)) = first else {
            return Ok(false);
        };
        let lane = &mut self.lanes[index];
        *into = lane.pending.take().expect("the lane was chosen for its tick");
        lane.advance(index as u32)?;
        Ok(true)
    }
}

impl Lane {
    fn advance(&mut self, instrument: u32) -> Result<(), DayError> {
        let Some(element) = self.array.next::<Element<'_>>()? else {
            self.pending = None;
            return Ok(());
        };
        let arrived = ist_micros(element.arrived);
        let key = element.key.to_owned();
        let full = element.full;
        let Some(micros) = arrived else {
            return Err(self
                .array
                .malformed("`_insertion_time` as YYYY-MM-DD HH:MM:SS.ffffff".to_owned(), key));
        };
        if self.key.is_empty() {
            self.key = key;
        } else if self.key != key {
            return Err(self
                .array
                .malformed(format!("the instrument key `{}`", self.key), key));
        }
        // Arrival never steps back within a file; should it, the order of the file wins.
        self.ts_last = self.ts_last.max(TsNs::new(micros * 1_000).plus(RECEIVER_LAG));
        let mut tick = tick_of(&full.market);
        tick.ts = self.ts_last;
        tick.instrument = instrument;
        tick.anomaly = self.oddity(&tick);
        self.pending = Some(tick);
        Ok(())
    }

    fn oddity(&mut self, tick: &DayTick) -> Anomaly {
        let odd = if TsNs::from_millis(tick.ltt_ms).ist_day() != tick.ts.ist_day() {
            return Anomaly::OtherDay;
        } else if tick.ltt_ms < self.ltt_ms_max {
            Anomaly::TimeBack
        } else if tick.volume < self.volume_max {
            Anomaly::VolumeBack
        } else {
            Anomaly::None
        };
        self.ltt_ms_max = self.ltt_ms_max.max(tick.ltt_ms);
        self.volume_max = self.volume_max.max(tick.volume);
        odd
    }
}

fn tick_of(market: &MarketFeed) -> DayTick {
    let mut tick = DayTick {
        ltp: market.ltpc.ltp,
        ltt_ms: market.ltpc.ltt,
        ltq: market.ltpc.ltq,
        prev_close: market.ltpc.cp,
        level_count: market.book.levels.len().min(LEVELS) as u8,
        greeks: market.greeks.as_ref().map(|greeks| Greeks {
            delta: greeks.delta,
            theta: greeks.theta,
            gamma: greeks.gamma,
            vega: greeks.vega,
            rho: greeks.rho,
        }),
        atp: market.atp,
        volume: market.vtt,
        oi: market.oi,
        iv: market.iv,
        total_bid_qty: market.tbq,
        total_ask_qty: market.tsq,
        ..DayTick::default()
    };
    for (level, recorded) in tick.levels.iter_mut().zip(&market.book.levels) {
        *level = Level {
            bid_qty: recorded.bid_q,
            bid: recorded.bid_p,
            ask_qty: recorded.ask_q,
            ask: recorded.ask_p,
        };
    }
    for recorded in &market.candles.ohlc {
        let candle = Candle {
            open: recorded.open,
            high: recorded.high,
            low: recorded.low,
            close: recorded.close,
            volume: recorded.vol,
            start_ms: recorded.ts,
        };
        match recorded.interval.as_str() {
            "1d" => tick.day = candle,
            "I1" => tick.minute = candle,
            _ => {}
        }
    }
    tick
}

fn files_of(directory: &Path) -> Result<Vec<PathBuf>, DayError> {
    let failed = |error: std::io::Error| DayError::io("listing a day directory", directory, &error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.to_str().is_some_and(|name| name.ends_with(FILE_SUFFIX)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn describe(directory: &Path, day: IstDay, lanes: &[Lane]) -> Result<DayInfo, DayError> {
    let keys: BTreeSet<String> = lanes.iter().map(|lane| lane.key.clone()).collect();
    let (rows, mut notes) = contract::beside(directory, day, Wanted::Keys(&keys))?;
    let lag_s = RECEIVER_LAG.get() / bijli_core::time::NS_PER_S;
    notes.push(format!("server time is the recorder's clock plus {lag_s} s"));
    let mut instruments = Vec::new();
    for lane in lanes {
        let tick = lane.pending.as_ref().expect("a lane without a tick was not kept");
        let row = rows.iter().find(|row| row.key == lane.key).cloned();
        instruments.push(row.unwrap_or_else(|| {
            notes.push(format!(
                "{}: in no instrument master near the day; contract facts are defaults",
                lane.key
            ));
            let delta = tick.greeks.map(|greeks| greeks.delta);
            contract::default_of_key(&lane.key, day, price_of(tick.ltp), delta)
        }));
    }
    Ok(DayInfo {
        day,
        data: DataKind::Real,
        instruments,
        notes,
    })
}

/// `YYYY-MM-DD HH:MM:SS[.ffffff]` in India as microseconds since the epoch.
pub(super) fn ist_micros(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = bytes.get(from..to)?;
        digits.iter().try_fold(0, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
    if marks.iter().any(|(at, mark)| bytes.get(*at) != Some(mark)) {
        return None;
    }
    let day = IstDay::from_ymd(
        i32::try_from(number(0, 4)?).ok()?,
        u32::try_from(number(5, 7)?).ok()?,
        u32::try_from(number(8, 10)?).ok()?,
    )?;
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = match bytes.get(19) {
        None => 0,
        Some(b'.') if bytes.len() > 20 && bytes.len() <= 26 => {
            number(20, bytes.len())? * 10_i64.pow(26 - bytes.len() as u32)
        }
        Some(_) => return None,
    };
    let midnight = day.at(DurationNs::ZERO).get() / 1_000;
    Some(midnight + ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorders_stamp_is_read_as_indian_time_and_damage_is_refused() {
        assert_eq!(ist_micros("1970-01-01 05:30:00"), Some(0));
        assert_eq!(
            ist_micros("2025-12-15 15:42:33.631000"),
            Some(1_765_793_553_631_000)
        );
        assert_eq!(ist_micros("2025-12-15 15:42:33.6"), Some(1_765_793_553_600_000));
        for text in [
            "",
            "2025-12-15",
            "2025-13-15 15:42:33",
            "2025-12-15 24:00:00",
            "2025-12-15 15:42:33.",
            "2025-12-15T15:42:33",
        ] {
            assert_eq!(ist_micros(text), None, "{text}");
        }
    }
}
