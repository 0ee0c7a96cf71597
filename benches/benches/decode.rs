//! Bytes of a full-mode frame to fields: our decoder beside `prost`, and beside `prost` with a reused message.
//!
//! Before anything is timed, all decoders must agree on a checksum of every field that the frames use. Ours looks
//! the key up in an index of 200 instruments and visits feeds in place; `prost` fills a map of owned messages,
//! which is dropped (or cleared) within its time. The recorded set is the broker's own messages, re-encoded; it
//! lies under `$BIJLI_DATA` or `../shared/data` and is left out where that is missing.

use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::path::PathBuf;
use std::time::Instant;

use bijli_benches::machine;
use bijli_benches::measure::{Bench, Entrant, Samples, print_rows};
use bijli_benches::synthetic_day::{SyntheticMarket, day};
use bijli_core::DurationNs;
use bijli_feed::KeyIndex;
use bijli_feed::upstox::message::{Decoder, RawFeed};
use bijli_feed::upstox::proto;
use prost::Message;

const REPETITIONS: usize = 7;
const INSTRUMENTS: u32 = 200;
/// Feeds of one sample of the synthetic sets.
const FEEDS_PER_SAMPLE: usize = 50;
/// Samples before the synthetic frames repeat: enough that no branch is learned by heart.
const SAMPLES_BEFORE_REPEAT: usize = 32;
/// Feeds that one repetition decodes.
const FEEDS_PER_REPETITION: usize = 200_000;
const RECORDED: &str = "upstox-feed/reencoded/live_feed-full_d5-2026-01-23.len32le.pb.zst";

/// Frames to decode; each part of the list is one sample.
struct FrameSet {
    name: String,
    keys: KeyIndex,
    samples: Vec<Vec<Vec<u8>>>,
    feeds_per_sample: usize,
}

impl FrameSet {
    /// Full-mode frames of `per_frame` instruments each.
    fn synthetic(per_frame: usize) -> Self {
        let mut market = SyntheticMarket::new(INSTRUMENTS, 7);
        let keys = KeyIndex::new(market.instruments());
        let mut ts = day().at(DurationNs::from_hm(10, 0));
        let mut next = 0;
        let mut frame = || {
            ts = ts.plus(DurationNs::from_millis(100));
            // A stride without a common divisor visits all instruments, never one twice in a frame.
            let indices: Vec<usize> = (0..per_frame)
                .map(|n| (next + n) * 77 % INSTRUMENTS as usize)
                .collect();
            next += per_frame;
            market.frame(&indices, ts, 25)
        };
        let frames_per_sample = FEEDS_PER_SAMPLE / per_frame;
        let samples = (0..SAMPLES_BEFORE_REPEAT)
            .map(|_| (0..frames_per_sample).map(|_| frame()).collect())
            .collect();
        Self {
            name: format!("synthetic frames of {per_frame}"),
            keys,
            samples,
            feeds_per_sample: FEEDS_PER_SAMPLE,
        }
    }

    /// The recorded messages, all of them in one sample; `None` where they are missing.
    fn recorded() -> Option<Self> {
        let root = std::env::var_os("BIJLI_DATA").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")),
            PathBuf::from,
        );
        let Ok(file) = File::open(root.join(RECORDED)) else {
            println!("skipped (no market data): recorded frames");
            return None;
        };
        let mut bytes = Vec::new();
        zstd::Decoder::new(file)
            .and_then(|mut decoder| decoder.read_to_end(&mut bytes))
            .expect("a sound zstd file");
        let mut frames = Vec::new();
        let mut rest = bytes.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (frame, after) = after.split_at(u32::from_le_bytes(*length) as usize);
            frames.push(frame.to_vec());
            rest = after;
        }
        let decoded: Vec<_> = frames.iter().map(|frame| by_prost(frame)).collect();
        let mut keys: Vec<&str> = decoded
            .iter()
            .flat_map(|frame| frame.feeds.keys().map(String::as_str))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let feeds_per_sample = decoded.iter().map(|frame| frame.feeds.len()).sum();
        Some(Self {
            name: format!("recorded: {} frames, {} keys", frames.len(), keys.len()),
            keys: KeyIndex::of_keys(keys.into_iter()),
            samples: vec![frames],
            feeds_per_sample,
        })
    }

    fn frames(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.samples.iter().flatten()
    }

    /// Times the decoder, sample by sample; nanoseconds per instrument.
    fn timed(&self, bench: &Bench, mut decode: impl FnMut(&[u8])) -> Samples {
        let mut samples = Samples::new(self.feeds_per_sample);
        let count = (bench.scaled(FEEDS_PER_REPETITION) / self.feeds_per_sample).max(1);
        for frames in self.samples.iter().cycle().take(count) {
            let begin = Instant::now();
            for frame in frames {
                decode(black_box(frame));
            }
            let sample_ns = begin.elapsed().as_nanos() as f64 - bench.stamp_ns();
            samples.add(sample_ns / self.feeds_per_sample as f64);
        }
        samples
    }
}

fn by_prost(frame: &[u8]) -> proto::FeedResponse {
    proto::FeedResponse::decode(frame).expect("a sound frame")
}

/// Mixes the words of one feed in their order.
#[derive(Default)]
struct Checksum(u64);

impl Checksum {
    fn word(&mut self, word: i64) {
        self.0 = (self.0.rotate_left(7) ^ word.cast_unsigned()).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn floats(&mut self, values: &[f64]) {
        for value in values {
            self.word(value.to_bits().cast_signed());
        }
    }
}

fn sum_of_ours(feed: &RawFeed) -> u64 {
    let mut sum = Checksum::default();
    if let Some(ltpc) = feed.ltpc() {
        sum.floats(&[ltpc.ltp, ltpc.cp]);
        sum.word(ltpc.ltt_ms);
        sum.word(ltpc.ltq);
    }
    for level in feed.levels() {
        sum.floats(&[level.bid, level.ask]);
        sum.word(level.bid_qty);
        sum.word(level.ask_qty);
    }
    if let Some(greeks) = feed.greeks() {
        sum.floats(&[greeks.delta, greeks.theta, greeks.gamma, greeks.vega, greeks.rho]);
    }
    for candle in feed.candles() {
        sum.floats(&[candle.open, candle.high, candle.low, candle.close]);
        sum.word(candle.volume);
        sum.word(candle.ts_ms);
        candle
            .interval
            .as_bytes()
            .iter()
            .for_each(|byte| sum.word(i64::from(*byte)));
    }
    let totals = feed.totals();
    sum.floats(&[totals.atp, totals.oi, totals.iv, totals.tbq, totals.tsq]);
    sum.word(totals.vtt);
    sum.0
}

fn sum_of_prost(feed: &proto::Feed) -> u64 {
    use proto::feed::FeedUnion::FullFeed;
    use proto::full_feed::FullFeedUnion::{IndexFf, MarketFf};
    let Some(FullFeed(full)) = &feed.feed_union else {
        panic!("the frames are of mode full");
    };
    let mut index_as_market = proto::MarketFullFeed::default();
    let market = match &full.full_feed_union {
        Some(MarketFf(market)) => market,
        Some(IndexFf(index)) => {
            index_as_market.ltpc = index.ltpc;
            index_as_market.market_ohlc.clone_from(&index.market_ohlc);
            &index_as_market
        }
        None => &index_as_market,
    };
    let mut sum = Checksum::default();
    if let Some(ltpc) = &market.ltpc {
        sum.floats(&[ltpc.ltp, ltpc.cp]);
        sum.word(ltpc.ltt);
        sum.word(ltpc.ltq);
    }
    for level in market.market_level.iter().flat_map(|book| &book.bid_ask_quote) {
        sum.floats(&[level.bid_p, level.ask_p]);
        sum.word(level.bid_q);
        sum.word(level.ask_q);
    }
    if let Some(greeks) = &market.option_greeks {
        sum.floats(&[greeks.delta, greeks.theta, greeks.gamma, greeks.vega, greeks.rho]);
    }
    for candle in market.market_ohlc.iter().flat_map(|candles| &candles.ohlc) {
        sum.floats(&[candle.open, candle.high, candle.low, candle.close]);
        sum.word(candle.vol);
        sum.word(candle.ts);
        candle.interval.bytes().for_each(|byte| sum.word(i64::from(byte)));
    }
    sum.floats(&[market.atp, market.oi, market.iv, market.tbq, market.tsq]);
    sum.word(market.vtt);
    sum.0
}

/// All decoders must read the same fields from every frame, of every instrument.
fn check(set: &FrameSet) {
    let mut decoder = Decoder::new();
    let mut reused = proto::FeedResponse::default();
    for frame in set.frames() {
        let mut ours = Vec::new();
        let head = decoder
            .decode(frame, &set.keys, &mut |id, feed| {
                ours.push((id, sum_of_ours(feed)));
            })
            .expect("a sound frame");
        assert_eq!(head.unknown_keys, 0, "the index holds every key");
        ours.sort_unstable();
        reused.clear();
        reused.merge(frame.as_slice()).expect("a sound frame");
        for message in [&by_prost(frame), &reused] {
            let mut theirs: Vec<_> = message
                .feeds
                .iter()
                .map(|(key, feed)| {
                    let id = set.keys.get(key.as_bytes()).expect("every key is in the index");
                    (id, sum_of_prost(feed))
                })
                .collect();
            theirs.sort_unstable();
            assert_eq!(ours, theirs, "all decoders read the same fields");
        }
    }
}

fn race(bench: &Bench, set: &FrameSet) {
    check(set);
    let bytes: usize = set.frames().map(Vec::len).sum();
    let feeds = set.feeds_per_sample * set.samples.len();
    let mut decoder = Decoder::new();
    let mut reused = proto::FeedResponse::default();
    let rows = bench.compare(
        REPETITIONS,
        &mut [
            Entrant::new("prost", |bench| {
                set.timed(bench, |frame| drop(black_box(by_prost(frame))))
            }),
            Entrant::new("prost, message reused", |bench| {
                set.timed(bench, |frame| {
                    reused.clear();
                    reused.merge(frame).expect("a sound frame");
                    black_box(&reused);
                })
            }),
            Entrant::new("ours, keys looked up", |bench| {
                set.timed(bench, |frame| {
                    let head = decoder.decode(frame, &set.keys, &mut |id, feed| {
                        black_box((id, feed));
                    });
                    black_box(head).expect("a sound frame");
                })
            }),
        ],
    );
    let title = format!(
        "{}, {} bytes per instrument; per instrument",
        set.name,
        bytes / feeds
    );
    print_rows(&title, &rows, Some("prost"));
}

fn main() {
    let bench = Bench::begin("decode: a full-mode frame to fields");
    machine::pin(0);
    race(&bench, &FrameSet::synthetic(1));
    race(&bench, &FrameSet::synthetic(50));
    if let Some(recorded) = FrameSet::recorded() {
        race(&bench, &recorded);
    }
}
