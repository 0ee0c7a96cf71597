//! Three messages made with the broker's own descriptors, and some whose meaning is settled by hand.

use bijli_core::time::TsNs;
use bijli_feed::KeyIndex;
use bijli_feed::upstox::market_info::{MarketPhase, Segment};
use bijli_feed::upstox::message::{self, DecodeErrorKind, FrameHead, FrameKind};
use bijli_feed::upstox::raw_feed::{FeedShape, Interval, Level, Ltpc, RawFeed};

use crate::oracle::{compare, table};

pub(crate) const MARKET_INFO: &str = "08021895b3c18bb732220c0a0a0a064e53455f464f1002";
pub(crate) const INITIAL: &str = "122d0a0c4e53455f464f7c3435343530121d0a1b099a99999999696b4010d39ec4dcd432184b21cdcccccccce07e4018d786c5dcd432";
pub(crate) const LIVE: &str = "08011288010a134e53455f45517c494e453030324130313031381271126d0a6b0a140900000000000da7402a090900000000000ea74012180a16080a11cdcccccccc0ca74018142133333333330da74022330a310a02493111000000000000f03f19000000000000004021000000000000e03f29000000000000f83f300938a0bbc3dcd43230e807800101200118d886c5dcd432";

/// Bytes from hexadecimal digits.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    hex.as_bytes()
        .chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

fn decode_all(frame: &[u8], keys: &[&str]) -> (FrameHead, Vec<(u32, RawFeed)>) {
    let keys = KeyIndex::new(&table(keys.iter().copied()));
    let mut visits = Vec::new();
    let head = message::decode(frame, &keys, &mut |id, feed| {
        visits.push((id.get(), feed.clone()))
    })
    .expect("a good frame");
    (head, visits)
}

#[test]
fn the_market_info_vector_tells_the_state_of_a_segment() {
    let (head, visits) = decode_all(&bytes(MARKET_INFO), &[]);
    assert_eq!(head.kind, FrameKind::MarketInfo);
    assert_eq!(head.current_ts, TsNs::from_millis(1_732_775_008_661));
    assert_eq!(head.market.get(Segment::NseFo), Some(MarketPhase::NormalOpen));
    assert_eq!(head.market.get(Segment::NseEq), None);
    assert!(visits.is_empty());
}

#[test]
fn the_initial_vector_holds_one_last_trade() {
    let (head, visits) = decode_all(&bytes(INITIAL), &["NSE_FO|1", "NSE_FO|45450"]);
    assert_eq!(
        (head.kind, head.feeds, head.unknown_keys),
        (FrameKind::Initial, 1, 0)
    );
    let [(1, feed)] = visits.as_slice() else {
        panic!("one visit of the second instrument: {visits:?}");
    };
    let ltpc = Ltpc {
        ltp: 219.3,
        ltt_ms: 1_740_729_552_723,
        ltq: 75,
        cp: 494.05,
        iep: None,
    };
    assert_eq!((feed.shape(), feed.ltpc()), (FeedShape::Ltpc, Some(&ltpc)));
}

#[test]
fn the_live_vector_holds_book_candle_and_auction_fields() {
    let (head, visits) = decode_all(&bytes(LIVE), &["NSE_EQ|INE002A01018"]);
    assert_eq!(
        (head.kind, head.current_ts),
        (FrameKind::Live, TsNs::from_millis(1_740_729_566_040))
    );
    let feed = &visits[0].1;
    assert_eq!((feed.shape(), feed.request_mode()), (FeedShape::Market, 1));
    let ltpc = feed.ltpc().expect("a last trade");
    assert_eq!((ltpc.ltp, ltpc.iep, ltpc.ltt_ms), (2950.5, Some(2951.0), 0));
    let level = Level {
        bid_qty: 10,
        bid: 2950.4,
        ask_qty: 20,
        ask: 2950.6,
    };
    assert_eq!(feed.levels(), [level]);
    let candle = feed.candles()[0];
    assert_eq!((candle.interval, candle.volume), (Interval::MINUTE, 9));
    assert_eq!(
        [candle.open, candle.high, candle.low, candle.close],
        [1.0, 2.0, 0.5, 1.5]
    );
    assert_eq!((feed.totals().vtt, feed.auction().eligible), (1000, true));
    assert_eq!(feed.greeks(), None);
}

#[test]
fn the_vectors_mean_the_same_to_both_decoders_at_every_length() {
    let instruments = table(["NSE_FO|45450", "NSE_EQ|INE002A01018"]);
    for vector in [MARKET_INFO, INITIAL, LIVE] {
        let whole = bytes(vector);
        assert!(compare(&whole, &instruments));
        for cut in 0..whole.len() {
            compare(&whole[..cut], &instruments);
        }
    }
}

#[test]
fn an_unknown_key_is_counted_and_passed_over() {
    let (head, visits) = decode_all(&bytes(LIVE), &["NSE_EQ|INE002A01019"]);
    assert_eq!((head.feeds, head.unknown_keys, visits.len()), (0, 1, 0));
}

#[test]
fn an_empty_frame_is_a_snapshot_of_nothing() {
    assert_eq!(decode_all(&[], &[]).0, FrameHead::default());
}

#[test]
fn damage_is_named_with_its_place() {
    let keys = KeyIndex::new(&[]);
    for (frame, kind, offset) in [
        (&[0x08][..], DecodeErrorKind::Truncated, 1),
        (&[0x08, 0x01, 0x12, 0x05, 0x0a], DecodeErrorKind::Truncated, 4),
        (&[0x0b], DecodeErrorKind::Group, 0),
        (&[0x07], DecodeErrorKind::BadKey, 0),
        (&[0x00, 0x00], DecodeErrorKind::BadKey, 0),
        (&[0x0a, 0x00], DecodeErrorKind::WrongWireType, 1),
        (
            &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
            DecodeErrorKind::BadVarint,
            1,
        ),
    ] {
        let error = message::decode(frame, &keys, &mut |_, _| {}).expect_err("a broken frame");
        assert_eq!((error.kind(), error.offset()), (kind, offset), "{frame:?}");
    }
}
