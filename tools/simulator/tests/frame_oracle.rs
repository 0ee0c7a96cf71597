//! The hand-written messages against a generated codec: whatever is written is read back, byte for byte.

use bijli_core::TsNs;
use bijli_core::instrument::InstrumentKind;
use bijli_feed::upstox::proto::{FeedResponse, MarketFullFeed, feed, full_feed};
use bijli_simulator::day::{Candle, DayTick, Greeks, Level};
use bijli_simulator::feed_frame::{FeedMode, FrameKind, begin, finish, push};
use proptest::prelude::*;
use prost::Message as _;

fn price() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        (1_i64..100_000_000).prop_map(|units| units as f64 / 100.0),
        any_double()
    ]
}

/// The oracle drops a negative zero, which Google's runtime keeps; prices have none.
fn any_double() -> impl Strategy<Value = f64> {
    any::<f64>().prop_map(|value| if value == 0.0 { 0.0 } else { value })
}

fn count() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 0_i64..1_000_000_000, any::<i64>()]
}

fn candle() -> impl Strategy<Value = Candle> {
    (price(), price(), price(), price(), count(), count()).prop_map(
        |(open, high, low, close, volume, start_ms)| Candle {
            open,
            high,
            low,
            close,
            volume,
            start_ms,
        },
    )
}

fn level() -> impl Strategy<Value = Level> {
    (count(), price(), count(), price()).prop_map(|(bid_qty, bid, ask_qty, ask)| Level {
        bid_qty,
        bid,
        ask_qty,
        ask,
    })
}

prop_compose! {
    fn tick()(
        (ltp, ltt_ms, ltq, prev_close) in (price(), count(), count(), price()),
        levels in prop::array::uniform5(level()),
        level_count in 0_u8..=5,
        greeks in prop::option::of((price(), price(), price(), price(), price())),
        (day, minute) in (candle(), candle()),
        (atp, volume, oi, iv) in (price(), count(), price(), price()),
        (total_bid_qty, total_ask_qty) in (price(), price()),
    ) -> DayTick {
        DayTick {
            ltp, ltt_ms, ltq, prev_close, levels, level_count, day, minute, atp, volume, oi, iv, total_bid_qty,
            total_ask_qty,
            greeks: greeks.map(|(delta, theta, gamma, vega, rho)| Greeks { delta, theta, gamma, vega, rho }),
            ..DayTick::default()
        }
    }
}

fn written(key: &str, kind: InstrumentKind, tick: &DayTick, mode: FeedMode) -> Vec<u8> {
    let mut bytes = Vec::new();
    begin(&mut bytes, FrameKind::Live);
    push(&mut bytes, key, kind, tick, mode);
    finish(&mut bytes, TsNs::from_millis(1_740_729_566_040));
    bytes
}

fn market(frame: &FeedResponse, key: &str) -> MarketFullFeed {
    let Some(feed::FeedUnion::FullFeed(full)) = frame.feeds[key].feed_union.clone() else {
        panic!("another member");
    };
    match full.full_feed_union {
        Some(full_feed::FullFeedUnion::MarketFf(market)) => market,
        _ => panic!("another member"),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_what_a_generated_codec_writes(
        tick in tick(),
        index in any::<bool>(),
        mode in prop::sample::select(vec![FeedMode::Ltpc, FeedMode::Full, FeedMode::OptionGreeks]),
    ) {
        let kind = if index { InstrumentKind::Index } else { InstrumentKind::Call };
        let bytes = written("NSE_FO|45450", kind, &tick, mode);
        let frame = FeedResponse::decode(bytes.as_slice()).expect("well-formed");
        prop_assert_eq!(frame.feeds.len(), 1);
        prop_assert_eq!(frame.encode_to_vec(), bytes);
    }

    #[test]
    fn every_field_of_a_full_tick_stands_in_its_place(tick in tick()) {
        let key = "NSE_EQ|INE002A01018";
        let bytes = written(key, InstrumentKind::Equity, &tick, FeedMode::Full);
        let frame = FeedResponse::decode(bytes.as_slice()).expect("well-formed");
        prop_assert_eq!((frame.current_ts, frame.r#type, frame.feeds[key].request_mode), (1_740_729_566_040, 1, 1));
        let market = market(&frame, key);
        let ltpc = market.ltpc.expect("always there");
        prop_assert_eq!((ltpc.ltp.to_bits(), ltpc.ltt, ltpc.ltq, ltpc.cp.to_bits()), (tick.ltp.to_bits(), tick.ltt_ms, tick.ltq, tick.prev_close.to_bits()));
        prop_assert_eq!((market.vtt, market.oi.to_bits(), market.iv.to_bits()), (tick.volume, tick.oi.to_bits(), tick.iv.to_bits()));
        prop_assert_eq!((market.atp.to_bits(), market.tbq.to_bits(), market.tsq.to_bits()), (tick.atp.to_bits(), tick.total_bid_qty.to_bits(), tick.total_ask_qty.to_bits()));
        prop_assert_eq!(market.option_greeks.is_some(), tick.greeks.is_some());
        let book = market.market_level.expect("always there").bid_ask_quote;
        prop_assert_eq!(book.len(), tick.level_count as usize);
        for (sent, level) in book.iter().zip(&tick.levels) {
            prop_assert_eq!((sent.bid_q, sent.bid_p.to_bits(), sent.ask_q, sent.ask_p.to_bits()), (level.bid_qty, level.bid.to_bits(), level.ask_qty, level.ask.to_bits()));
        }
    }
}
