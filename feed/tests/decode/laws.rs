//! Laws over random messages: whatever `prost` reads, in whatever order and however damaged, is read alike.

use std::collections::BTreeMap;

use bijli_feed::upstox::proto::{self, feed::FeedUnion, full_feed::FullFeedUnion};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use prost::Message;

use crate::oracle::{compare, table};
use crate::scramble::{Kind, Random, scramble};

const KEYS: [&str; 4] = ["NSE_FO|45450", "NSE_EQ|INE002A01018", "NSE_INDEX|Nifty 50", "X"];

fn double() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.0..1e6, any::<f64>(), Just(f64::NAN)]
}

fn int() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 0..200_000_i64, 0..2_000_000_000_000_i64, any::<i64>()]
}

prop_compose! {
    fn ltpc()(ltp in double(), ltt in int(), ltq in int(), cp in double(), iep in option::weighted(0.2, double()))
        -> proto::Ltpc { proto::Ltpc { ltp, ltt, ltq, cp, iep } }
}

prop_compose! {
    fn quote()(bid_q in int(), bid_p in double(), ask_q in int(), ask_p in double()) -> proto::Quote {
        proto::Quote { bid_q, bid_p, ask_q, ask_p }
    }
}

prop_compose! {
    fn greeks()(delta in double(), theta in double(), gamma in double(), vega in double(), rho in double())
        -> proto::OptionGreeks { proto::OptionGreeks { delta, theta, gamma, vega, rho } }
}

prop_compose! {
    fn candle()(interval in "1d|I1|I30|[a-z]{0,9}", open in double(), high in double(), low in double(),
        close in double(), vol in int(), ts in int()) -> proto::Ohlc {
        proto::Ohlc { interval, open, high, low, close, vol, ts }
    }
}

fn candles() -> BoxedStrategy<Option<proto::MarketOhlc>> {
    option::of(vec(candle(), 0..6).prop_map(|ohlc| proto::MarketOhlc { ohlc })).boxed()
}

fn book() -> BoxedStrategy<Option<proto::MarketLevel>> {
    let levels = prop_oneof![4 => vec(quote(), 5), 1 => vec(quote(), 0..34)];
    option::of(levels.prop_map(|bid_ask_quote| proto::MarketLevel { bid_ask_quote })).boxed()
}

prop_compose! {
    fn market()(ltpc in option::of(ltpc()), market_level in book(), option_greeks in option::of(greeks()),
        market_ohlc in candles(), (atp, oi, iv, tbq, tsq, iep, rp) in (double(), double(), double(), double(),
        double(), double(), double()), vtt in int(), ieq in int(), iiq_total in int(), iiq_m in int(),
        cas_eligible in any::<bool>()) -> proto::MarketFullFeed {
        proto::MarketFullFeed { ltpc, market_level, option_greeks, market_ohlc, atp, vtt, oi, iv, tbq, tsq, iep, rp,
            ieq, iiq_total, iiq_m, cas_eligible }
    }
}

prop_compose! {
    fn first()(ltpc in option::of(ltpc()), first_depth in option::of(quote()), option_greeks in option::of(greeks()),
        vtt in int(), oi in double(), iv in double()) -> proto::FirstLevelWithGreeks {
        proto::FirstLevelWithGreeks { ltpc, first_depth, option_greeks, vtt, oi, iv }
    }
}

fn full() -> BoxedStrategy<proto::FullFeed> {
    let index = (option::of(ltpc()), candles())
        .prop_map(|(ltpc, market_ohlc)| FullFeedUnion::IndexFf(proto::IndexFullFeed { ltpc, market_ohlc }));
    let either = prop_oneof![3 => market().prop_map(FullFeedUnion::MarketFf).boxed(), 1 => index.boxed()];
    // Boxed from here on: unboxed strategies of this size do not fit a test thread's stack.
    option::weighted(0.95, either.boxed())
        .prop_map(|full_feed_union| proto::FullFeed { full_feed_union })
        .boxed()
}

fn feed() -> BoxedStrategy<proto::Feed> {
    let shape = prop_oneof![
        1 => ltpc().prop_map(FeedUnion::Ltpc),
        4 => full().prop_map(FeedUnion::FullFeed),
        1 => first().prop_map(FeedUnion::FirstLevelWithGreeks).boxed(),
    ];
    (option::weighted(0.95, shape), 0..5_i32)
        .prop_map(|(feed_union, request_mode)| proto::Feed {
            request_mode,
            feed_union,
        })
        .boxed()
}

fn market_info() -> BoxedStrategy<proto::MarketInfo> {
    let segment = || "NSE_EQ|NSE_FO|NSE_INDEX|MCX_FO|XYZ";
    let word = || {
        ("[A-Z_]{0,26}", int()).prop_map(|(status, updated_time)| proto::StatusInfo { status, updated_time })
    };
    (
        btree_map(segment(), -1..7_i32, 0..4),
        btree_map(segment(), word(), 0..3),
        btree_map(segment(), word(), 0..3),
    )
        .prop_map(
            |(segment_status, cas_market_status, pre_open_session_status)| proto::MarketInfo {
                segment_status,
                cas_market_status,
                pre_open_session_status,
            },
        )
        .boxed()
}

fn response() -> BoxedStrategy<proto::FeedResponse> {
    let key =
        prop_oneof![4 => proptest::sample::select(KEYS.map(str::to_owned).to_vec()), 1 => "[A-Z|]{0,12}"];
    (
        0..5_i32,
        btree_map(key, feed(), 0..4),
        int(),
        option::weighted(0.3, market_info()),
    )
        .prop_map(
            |(r#type, feeds, current_ts, market_info): (_, BTreeMap<_, _>, _, _)| proto::FeedResponse {
                r#type,
                feeds,
                current_ts,
                market_info,
            },
        )
        .boxed()
}

fn cases(count: u32) -> ProptestConfig {
    ProptestConfig {
        cases: count,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_message_as_prost_writes_it_is_read_alike(response in response()) {
        prop_assert!(compare(&response.encode_to_vec(), &table(KEYS)));
    }

    #[test]
    fn a_message_in_any_order_with_doubles_and_unknown_fields_is_read_alike(
        response in response(), seed in any::<u64>()
    ) {
        let frame = scramble(Kind::Response, &response.encode_to_vec(), &mut Random::new(seed));
        prop_assert!(compare(&frame, &table(KEYS)));
    }

    #[test]
    fn two_messages_one_after_the_other_merge_alike(
        first in feed(), second in feed(), key in proptest::sample::select(KEYS.to_vec())
    ) {
        let merged = [first.encode_to_vec(), second.encode_to_vec()].concat();
        let mut entry = vec![0x0a, key.len() as u8];
        entry.extend(key.bytes());
        entry.push(0x12);
        prost::encoding::encode_varint(merged.len() as u64, &mut entry);
        entry.extend(merged);
        let mut frame = vec![0x12];
        prost::encoding::encode_varint(entry.len() as u64, &mut frame);
        frame.extend(entry);
        prop_assert!(compare(&frame, &table(KEYS)));
    }

    #[test]
    fn a_damaged_message_never_panics_and_is_read_alike_where_prost_still_reads_it(
        response in response(), seed in any::<u64>(), scrambled in any::<bool>()
    ) {
        let instruments = table(KEYS);
        let mut random = Random::new(seed);
        let mut whole = response.encode_to_vec();
        if scrambled {
            whole = scramble(Kind::Response, &whole, &mut random);
        }
        for _ in 0..20 {
            let mut frame = whole.clone();
            for _ in 0..=random.below(3) {
                if !frame.is_empty() {
                    let at = random.below(frame.len());
                    match random.below(4) {
                        0 => frame.truncate(at),
                        1 => frame[at] ^= 1 << random.below(8),
                        2 => frame[at] = random.below(256) as u8,
                        _ => { frame.remove(at); }
                    }
                }
            }
            compare(&frame, &instruments);
        }
    }
}
