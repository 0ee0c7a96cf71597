//! The broker's own messages as our decoder reads them, in the JSON form of protobuf: nothing lost, nothing added.

use std::fs::File;
use std::io::Read;

use bijli_feed::KeyIndex;
use bijli_feed::upstox::market_info::{MarketPhase, SEGMENTS};
use bijli_feed::upstox::message::{self, FrameKind};
use bijli_feed::upstox::raw_feed::{FeedShape, RawFeed};
use serde_json::{Map, Value, json};

use crate::market_data;
use crate::oracle::table;
use crate::real_messages::{MARKET_INFO, RECORDED, messages};

const TEST: &str = "a_hundred_and_four_real_messages_give_back_their_json_exactly";

/// An object without what the JSON form leaves out: zeros, empty text, empty objects and lists.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let is_zero = |value: &Value| match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "0",
        Value::Array(list) => list.is_empty(),
        Value::Object(_) => false,
    };
    let kept = fields.into_iter().filter(|(_, value)| !is_zero(value));
    Value::Object(kept.map(|(name, value)| (name.to_owned(), value)).collect())
}

/// 64-bit integers are text in this form.
fn int(number: i64) -> Value {
    json!(number.to_string())
}

fn ltpc(feed: &RawFeed) -> Value {
    feed.ltpc().map_or(Value::Null, |trade| {
        object([
            ("ltp", json!(trade.ltp)),
            ("ltt", int(trade.ltt_ms)),
            ("ltq", int(trade.ltq)),
            ("cp", json!(trade.cp)),
            ("iep", json!(trade.iep)),
        ])
    })
}

fn candles(feed: &RawFeed) -> Value {
    assert_eq!(feed.candles_dropped(), 0);
    let candle = |candle: &bijli_feed::upstox::raw_feed::Candle| {
        object([
            (
                "interval",
                json!(String::from_utf8_lossy(candle.interval.as_bytes())),
            ),
            ("open", json!(candle.open)),
            ("high", json!(candle.high)),
            ("low", json!(candle.low)),
            ("close", json!(candle.close)),
            ("vol", int(candle.volume)),
            ("ts", int(candle.ts_ms)),
        ])
    };
    let all: Vec<Value> = feed.candles().iter().map(candle).collect();
    if feed.has_candles() {
        object([("ohlc", json!(all))])
    } else {
        Value::Null
    }
}

fn market(feed: &RawFeed) -> Value {
    let (totals, auction) = (feed.totals(), feed.auction());
    let level = |level: &bijli_feed::upstox::raw_feed::Level| {
        object([
            ("bidQ", int(level.bid_qty)),
            ("bidP", json!(level.bid)),
            ("askQ", int(level.ask_qty)),
            ("askP", json!(level.ask)),
        ])
    };
    let levels: Vec<Value> = feed.levels().iter().map(level).collect();
    let greeks = feed.greeks().map_or(Value::Null, |greeks| {
        object([
            ("delta", json!(greeks.delta)),
            ("theta", json!(greeks.theta)),
            ("gamma", json!(greeks.gamma)),
            ("vega", json!(greeks.vega)),
            ("rho", json!(greeks.rho)),
        ])
    });
    let book = if feed.has_book() {
        object([("bidAskQuote", json!(levels))])
    } else {
        Value::Null
    };
    object([
        ("ltpc", ltpc(feed)),
        ("marketLevel", book),
        ("optionGreeks", greeks),
        ("marketOHLC", candles(feed)),
        ("atp", json!(totals.atp)),
        ("vtt", int(totals.vtt)),
        ("oi", json!(totals.oi)),
        ("iv", json!(totals.iv)),
        ("tbq", json!(totals.tbq)),
        ("tsq", json!(totals.tsq)),
        ("iep", json!(auction.iep)),
        ("rp", json!(auction.rp)),
        ("ieq", int(auction.ieq)),
        ("iiqTotal", int(auction.iiq_total)),
        ("iiqM", int(auction.iiq_market)),
        ("casEligible", json!(auction.eligible)),
    ])
}

fn feed(feed: &RawFeed) -> Value {
    let full = match feed.shape() {
        FeedShape::Market => object([("marketFF", market(feed))]),
        FeedShape::Index => {
            let index = object([("ltpc", ltpc(feed)), ("marketOHLC", candles(feed))]);
            object([("indexFF", index)])
        }
        other => panic!("the recorded messages hold full feeds alone, not {other:?}"),
    };
    let mode = ["", "full_d5", "option_greeks", "full_d30"][feed.request_mode() as usize];
    object([("fullFeed", full), ("requestMode", json!(mode))])
}

fn phase_word(phase: MarketPhase) -> &'static str {
    match phase {
        MarketPhase::PreOpenStart => "PRE_OPEN_START",
        MarketPhase::PreOpenEnd => "PRE_OPEN_END",
        MarketPhase::NormalOpen => "NORMAL_OPEN",
        MarketPhase::NormalClose => "NORMAL_CLOSE",
        MarketPhase::ClosingStart => "CLOSING_START",
        MarketPhase::ClosingEnd => "CLOSING_END",
        MarketPhase::Unknown => panic!("the recorded messages know no other state"),
    }
}

/// What our decoder reads, as JSON.
fn read(frame: &[u8]) -> Value {
    let mut keys = Vec::new();
    message::survey(frame, |key| {
        keys.push(String::from_utf8(key.to_vec()).expect("UTF-8"))
    })
    .expect("sound");
    let index = KeyIndex::new(&table(keys.iter().map(String::as_str)));
    let mut feeds = Map::new();
    let head = message::decode(frame, &index, &mut |instrument, raw| {
        feeds.insert(keys[instrument.index()].clone(), feed(raw));
    })
    .expect("a sound message");
    assert_eq!(head.unknown_keys, 0);
    let phases: Map<String, Value> = SEGMENTS
        .into_iter()
        .filter_map(|segment| {
            Some((
                segment.word().to_owned(),
                json!(phase_word(head.market.get(segment)?)),
            ))
        })
        .collect();
    let market = if head.market.is_empty() {
        Value::Null
    } else {
        object([("segmentStatus", json!(phases))])
    };
    let kind = match head.kind {
        FrameKind::Initial => "",
        FrameKind::Live => "live_feed",
        FrameKind::MarketInfo => "market_info",
        FrameKind::Unknown(number) => panic!("a message of kind {number}"),
    };
    let feeds = if feeds.is_empty() {
        Value::Null
    } else {
        Value::Object(feeds)
    };
    object([
        ("type", json!(kind)),
        ("feeds", feeds),
        ("currentTs", int(head.current_ts.get() / 1_000_000)),
        ("marketInfo", market),
    ])
}

/// Whole numbers and doubles are one in JSON.
fn as_doubles(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64().expect("a number")),
        Value::Array(list) => Value::Array(list.into_iter().map(as_doubles).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (name, as_doubles(value)))
                .collect(),
        ),
        other => other,
    }
}

#[test]
fn a_hundred_and_four_real_messages_give_back_their_json_exactly() {
    let (Some(live), Some(first)) = (messages(RECORDED, TEST), messages(MARKET_INFO, TEST)) else {
        return;
    };
    let open =
        |path: &str| File::open(market_data::file(path, TEST).expect("beside the other")).expect("readable");
    let mut text = Vec::new();
    zstd::Decoder::new(open(
        "upstox-feed/envelopes/live_feed-full_d5-2026-01-23.json.zst",
    ))
    .and_then(|mut decoder| decoder.read_to_end(&mut text))
    .expect("a sound zstd file");
    let recorded: Vec<Value> = serde_json::from_slice(&text).expect("a list");
    let at_connect = serde_json::Deserializer::from_reader(open(
        "upstox-feed/envelopes/market_info+index-2025-02-27.json",
    ))
    .into_iter::<Value>()
    .map(|document| document.expect("sound JSON"));
    let expected: Vec<Value> = recorded.into_iter().chain(at_connect).collect();
    let frames: Vec<Vec<u8>> = live.into_iter().chain(first).collect();
    assert_eq!((frames.len(), expected.len()), (104, 104));
    for (frame, mut expected) in frames.iter().zip(expected) {
        // The recorder's own database key.
        expected.as_object_mut().expect("an object").remove("_id");
        assert_eq!(as_doubles(read(frame)), as_doubles(expected));
    }
}
