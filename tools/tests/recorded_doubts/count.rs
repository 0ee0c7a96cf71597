//! What is wrong with the recorded day, counted from its JSON files alone: no decoder, no player, no normaliser.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

use bijli_core::{DurationNs, IstDay, TsNs};
use flate2::read::GzDecoder;
use serde::Deserialize;

use crate::pipeline::{Clock, Doubts, closes_at};

/// A silence of all instruments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) begins: TsNs,
    pub(crate) length: DurationNs,
}

/// The counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) frames: u64,
    pub(crate) doubts: Doubts,
    /// Frames with at least one doubt about the trade.
    pub(crate) unsound: u64,
    pub(crate) after_close: u64,
    /// Gaps of three seconds and more that begin in hours.
    pub(crate) silences: u64,
    pub(crate) gaps: Vec<Gap>,
}

/// What a count needs of a frame.
#[derive(Deserialize)]
struct Frame {
    #[serde(rename = "_insertion_time")]
    arrived: String,
    #[serde(rename = "fullFeed")]
    full: Full,
}

#[derive(Deserialize)]
struct Full {
    #[serde(rename = "marketFF")]
    market: Traded,
}

#[derive(Deserialize)]
struct Traded {
    ltpc: Last,
    /// Zero is left out.
    vtt: Option<String>,
}

#[derive(Deserialize)]
struct Last {
    ltt: Option<String>,
}

/// The frames of each file, read once for all tests.
fn files(folder: &Path) -> &'static [Vec<Frame>] {
    static FILES: OnceLock<Vec<Vec<Frame>>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .expect("the folder is part of the data")
            .map(|entry| entry.expect("readable").path())
            .collect();
        paths.sort();
        let read = |path| {
            let mut text = Vec::new();
            let file = File::open(path).expect("readable");
            GzDecoder::new(file).read_to_end(&mut text).expect("sound gzip");
            serde_json::from_slice(&text).expect("a list of frames")
        };
        paths.into_iter().map(read).collect()
    })
}

/// Counts the day; frames are as old as `clock` says.
pub(crate) fn of(folder: &Path, clock: Clock) -> Counts {
    let (mut counts, mut arrivals) = (Counts::default(), Vec::new());
    for frames in files(folder) {
        let (mut newest_ms, mut most) = (0, 0);
        for frame in frames {
            let arrived = arrival(&frame.arrived).plus(clock.lag());
            arrivals.push(arrived);
            counts.frames += 1;
            counts.after_close += u64::from(arrived >= closes_at());
            let market = &frame.full.market;
            let (trade_ms, volume) = (
                integer(market.ltpc.ltt.as_deref()),
                integer(market.vtt.as_deref()),
            );
            let is_ahead = TsNs::from_millis(trade_ms) > arrived.plus(DurationNs::from_secs(2));
            let other_day = TsNs::from_millis(trade_ms).ist_day() != arrived.ist_day();
            let is_wrong = is_ahead || other_day;
            let is_back = !is_wrong && trade_ms < newest_ms;
            let is_less = volume < most;
            if !is_wrong {
                newest_ms = newest_ms.max(trade_ms);
            }
            most = most.max(volume);
            counts.doubts.time_wrong += u64::from(is_wrong);
            counts.doubts.time_back += u64::from(is_back);
            counts.doubts.volume_back += u64::from(is_less);
            counts.unsound += u64::from(is_wrong || is_back || is_less);
        }
    }
    arrivals.sort_unstable();
    for pair in arrivals.windows(2) {
        let gap = Gap {
            begins: pair[0],
            length: pair[1].since(pair[0]),
        };
        let silent_from = gap.begins.plus(DurationNs::from_secs(3));
        if pair[1] >= silent_from && silent_from < closes_at() {
            counts.silences += 1;
            counts.gaps.push(gap);
        }
    }
    counts
}

/// 64-bit integers are text in the JSON form of protobuf.
fn integer(text: Option<&str>) -> i64 {
    text.map_or(0, |text| text.parse().expect("a number"))
}

/// `2025-12-15 09:32:48.123456`, Indian time.
fn arrival(text: &str) -> TsNs {
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().expect("digits");
    let day =
        IstDay::from_ymd(number(0..4) as i32, number(5..7) as u32, number(8..10) as u32).expect("a date");
    let seconds = (number(11..13) * 60 + number(14..16)) * 60 + number(17..19);
    let fraction = text.get(20..).unwrap_or("0");
    let micros: i64 = format!("{fraction:0<6}").parse().expect("digits");
    day.at(DurationNs::new(seconds * 1_000_000_000 + micros * 1_000))
}
