//! One feed in, one tick out: every doubt, both ways of rounding, and the marks that doubtful numbers must not move.

use bijli_core::event::{Tick, TickFlags};
use bijli_core::instrument::{Instrument, InstrumentId, InstrumentKind, SectorId};
use bijli_core::price::Price;
use bijli_core::quantity::Qty;
use bijli_core::text::Text;
use bijli_core::time::{DurationNs, IstDay, TsNs};
use bijli_feed::upstox::message;
use bijli_feed::upstox::proto::{self, feed::FeedUnion, full_feed::FullFeedUnion};
use bijli_feed::{KeyIndex, Normaliser};
use proptest::prelude::*;
use prost::Message;

const KEY: &str = "NSE_FO|1";

fn day() -> IstDay {
    IstDay::from_ymd(2026, 7, 31).expect("a real date")
}

fn noon() -> TsNs {
    day().at(DurationNs::from_hm(12, 0))
}

fn noon_ms() -> i64 {
    noon().get() / 1_000_000
}

fn table() -> Vec<Instrument> {
    vec![Instrument {
        id: InstrumentId::new(0),
        kind: InstrumentKind::Future,
        underlying: InstrumentId::new(0),
        tick: Price::from_paise(5),
        lot: Qty::new(1),
        freeze: Qty::new(1000),
        prev_close: Price::NONE,
        expiry: day(),
        strike: Price::NONE,
        lower_band: Price::NONE,
        upper_band: Price::NONE,
        sector: SectorId::OTHER,
        key: Text::new(KEY).expect("a short key"),
        symbol: Text::new("X").expect("a short symbol"),
    }]
}

struct Bench {
    normaliser: Normaliser,
    keys: KeyIndex,
}

impl Bench {
    fn new() -> Self {
        Self {
            normaliser: Normaliser::new(&table(), day()),
            keys: KeyIndex::new(&table()),
        }
    }

    fn tick(&mut self, union: FeedUnion) -> Tick {
        let feed = proto::Feed {
            request_mode: 1,
            feed_union: Some(union),
        };
        let frame = proto::FeedResponse {
            feeds: [(KEY.to_owned(), feed)].into(),
            ..proto::FeedResponse::default()
        }
        .encode_to_vec();
        let mut ticks = Vec::new();
        message::decode(&frame, &self.keys, &mut |instrument, feed| {
            ticks.push(self.normaliser.tick(instrument, feed, noon(), false));
        })
        .expect("a good frame");
        assert_eq!(ticks.len(), 1, "one feed is one tick");
        ticks[0]
    }

    fn market(&mut self, market: proto::MarketFullFeed) -> Tick {
        self.tick(FeedUnion::FullFeed(proto::FullFeed {
            full_feed_union: Some(FullFeedUnion::MarketFf(market)),
        }))
    }
}

fn quote(bid_q: i64, bid_p: f64, ask_q: i64, ask_p: f64) -> Option<proto::MarketLevel> {
    let quote = proto::Quote {
        bid_q,
        bid_p,
        ask_q,
        ask_p,
    };
    Some(proto::MarketLevel {
        bid_ask_quote: vec![quote],
    })
}

fn sound() -> proto::MarketFullFeed {
    proto::MarketFullFeed {
        ltpc: Some(proto::Ltpc {
            ltp: 638.0,
            ltt: noon_ms(),
            ltq: 70,
            cp: 771.7,
            iep: None,
        }),
        market_level: quote(35, 637.15, 70, 638.7),
        option_greeks: Some(proto::OptionGreeks {
            delta: 0.5707,
            ..proto::OptionGreeks::default()
        }),
        atp: 640.123_456,
        vtt: 240_275,
        oi: 1500.0,
        iv: 0.1277,
        ..proto::MarketFullFeed::default()
    }
}

#[test]
fn a_sound_feed_becomes_a_tick_in_integers() {
    let tick = Bench::new().market(sound());
    assert_eq!(
        tick,
        Tick {
            ts: noon(),
            ts_event: noon(),
            instrument: InstrumentId::new(0),
            flags: TickFlags::NONE,
            ltp: Price::from_paise(63_800),
            bid: Price::from_paise(63_715),
            ask: Price::from_paise(63_870),
            bid_qty: Qty::new(35),
            ask_qty: Qty::new(70),
            ltq: Qty::new(70),
            volume: Qty::new(240_275),
            oi: Qty::new(1500),
            atp: Price::new(6_401_235),
            iv_ppm: 127_700,
            delta_ppm: 570_700,
        }
    );
}

#[test]
fn a_feed_without_a_last_trade_is_not_a_trade_at_zero() {
    let mut bench = Bench::new();
    let absent = proto::MarketFullFeed {
        ltpc: None,
        ..sound()
    };
    let empty = proto::MarketFullFeed {
        ltpc: Some(proto::Ltpc::default()),
        ..sound()
    };
    for feed in [absent, empty] {
        let tick = bench.market(feed);
        assert_eq!(tick.flags, TickFlags::NO_TRADE);
        assert_eq!((tick.ltp, tick.ts_event), (Price::NONE, TsNs::NEVER));
        assert!(!tick.flags.is_sound() && tick.flags.has_sound_book());
    }
}

#[test]
fn what_is_no_price_is_flagged_and_left_out() {
    for price in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.05, 1e308, 1.1e7] {
        let mut feed = sound();
        feed.ltpc.as_mut().expect("set above").ltp = price;
        let tick = Bench::new().market(feed);
        assert_eq!(
            (tick.flags, tick.ltp),
            (TickFlags::BAD_PRICE, Price::NONE),
            "{price}"
        );
        let tick = Bench::new().market(proto::MarketFullFeed {
            market_level: quote(35, 637.15, 70, price),
            ..sound()
        });
        let flags = TickFlags::BAD_PRICE.with(TickFlags::ONE_SIDED);
        assert_eq!((tick.flags, tick.ask), (flags, Price::NONE), "{price}");
    }
}

#[test]
fn float_noise_is_rounded_away_and_a_price_between_ticks_is_flagged() {
    for (rupees, paise, flags) in [
        (52.049_999_2, 5_205, TickFlags::NONE),
        (f64::from(59_200.05_f32), 5_920_005, TickFlags::NONE),
        (100.02, 10_000, TickFlags::OFF_TICK),
        (100.025, 10_005, TickFlags::OFF_TICK),
        (100.03, 10_005, TickFlags::OFF_TICK),
    ] {
        let mut feed = sound();
        feed.ltpc.as_mut().expect("set above").ltp = rupees;
        let tick = Bench::new().market(feed);
        assert_eq!(
            (tick.ltp, tick.flags),
            (Price::from_paise(paise), flags),
            "{rupees}"
        );
    }
}

#[test]
fn a_book_that_is_crossed_empty_or_one_sided_is_flagged() {
    for (book, flags) in [
        (quote(1, 638.0, 1, 638.0), TickFlags::CROSSED),
        (quote(1, 638.05, 1, 638.0), TickFlags::CROSSED),
        (quote(0, 637.0, 1, 638.0), TickFlags::ONE_SIDED),
        (quote(1, 637.0, 1, 0.0), TickFlags::ONE_SIDED),
        (quote(-5, 637.0, 1, 638.0), TickFlags::ONE_SIDED),
        (Some(proto::MarketLevel::default()), TickFlags::ONE_SIDED),
        (None, TickFlags::ONE_SIDED),
    ] {
        let tick = Bench::new().market(proto::MarketFullFeed {
            market_level: book.clone(),
            ..sound()
        });
        assert_eq!(tick.flags, flags, "{book:?}");
    }
}

#[test]
fn time_that_goes_back_is_flagged_and_time_from_the_future_moves_no_mark() {
    let mut bench = Bench::new();
    let at = |bench: &mut Bench, lead_ms: i64| {
        let mut feed = sound();
        feed.ltpc.as_mut().expect("set above").ltt = noon_ms() + lead_ms;
        bench.market(feed).flags
    };
    assert_eq!(at(&mut bench, -1000), TickFlags::NONE);
    assert_eq!(at(&mut bench, 2001), TickFlags::TIME_WRONG);
    assert_eq!(at(&mut bench, -86_400_000), TickFlags::TIME_WRONG);
    assert_eq!(at(&mut bench, i64::MAX - noon_ms()), TickFlags::TIME_WRONG);
    assert_eq!(at(&mut bench, -noon_ms()), TickFlags::TIME_WRONG);
    assert_eq!(at(&mut bench, -500), TickFlags::NONE);
    assert_eq!(at(&mut bench, -501), TickFlags::TIME_BACK);
    assert_eq!(at(&mut bench, -500), TickFlags::NONE, "the same trade again");
    assert_eq!(at(&mut bench, 2000), TickFlags::NONE);
}

#[test]
fn volume_that_goes_back_is_flagged_and_volume_beyond_belief_moves_no_mark() {
    let mut bench = Bench::new();
    let of = |bench: &mut Bench, vtt: i64| {
        let tick = bench.market(proto::MarketFullFeed { vtt, ..sound() });
        (tick.flags, tick.volume.get())
    };
    assert_eq!(of(&mut bench, 100), (TickFlags::NONE, 100));
    assert_eq!(of(&mut bench, i64::MAX), (TickFlags::VOLUME_BACK, 0));
    assert_eq!(of(&mut bench, -1), (TickFlags::VOLUME_BACK, 0));
    assert_eq!(of(&mut bench, 99), (TickFlags::VOLUME_BACK, 99));
    assert_eq!(of(&mut bench, 100), (TickFlags::NONE, 100));
    assert_eq!(
        of(&mut bench, 0),
        (TickFlags::NONE, 100),
        "zero is how nothing is said"
    );
    assert_eq!(of(&mut bench, 101), (TickFlags::NONE, 101));
}

#[test]
fn an_index_and_a_last_trade_have_no_book_and_keep_the_volume() {
    let mut bench = Bench::new();
    bench.market(sound());
    let index = proto::IndexFullFeed {
        ltpc: sound().ltpc,
        market_ohlc: None,
    };
    let index = FeedUnion::FullFeed(proto::FullFeed {
        full_feed_union: Some(FullFeedUnion::IndexFf(index)),
    });
    let ltpc = FeedUnion::Ltpc(sound().ltpc.expect("set above"));
    for union in [index, ltpc] {
        let tick = bench.tick(union);
        assert_eq!(tick.flags, TickFlags::ONE_SIDED);
        assert_eq!((tick.volume, tick.bid), (Qty::new(240_275), Price::NONE));
    }
}

#[test]
fn a_first_level_feed_has_a_book_and_a_volume() {
    let tick = Bench::new().tick(FeedUnion::FirstLevelWithGreeks(proto::FirstLevelWithGreeks {
        ltpc: sound().ltpc,
        first_depth: sound().market_level.map(|book| book.bid_ask_quote[0]),
        vtt: 7,
        ..proto::FirstLevelWithGreeks::default()
    }));
    assert_eq!(tick.flags, TickFlags::NONE);
    assert_eq!((tick.bid, tick.volume), (Price::from_paise(63_715), Qty::new(7)));
}

#[test]
fn a_snapshot_says_so() {
    let mut normaliser = Normaliser::new(&table(), day());
    let feed = bijli_feed::upstox::raw_feed::RawFeed::default();
    let tick = normaliser.tick(InstrumentId::new(0), &feed, noon(), true);
    assert!(tick.flags.has(TickFlags::SNAPSHOT) && tick.flags.has(TickFlags::NO_TRADE));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_price_is_on_the_tick_and_near_what_was_sent_or_it_is_flagged(rupees in 0.01..99_999.0_f64) {
        let mut feed = sound();
        feed.ltpc.as_mut().expect("set above").ltp = rupees;
        let tick = Bench::new().market(feed);
        prop_assert!(tick.ltp.is_on_tick(Price::from_paise(5)));
        let off_rupees = (tick.ltp.rupees() - rupees).abs();
        prop_assert!(off_rupees <= 0.025_1);
        if off_rupees > 0.005_1 {
            prop_assert!(tick.flags.has(TickFlags::OFF_TICK));
        }
    }

    #[test]
    fn any_numbers_at_all_make_one_tick_without_a_panic(
        doubles in proptest::array::uniform9(any::<f64>()), ints in proptest::array::uniform5(any::<i64>())
    ) {
        let mut bench = Bench::new();
        for _ in 0..2 {
            let tick = bench.market(proto::MarketFullFeed {
                ltpc: Some(proto::Ltpc { ltp: doubles[0], ltt: ints[0], ltq: ints[1], cp: doubles[1], iep: None }),
                market_level: quote(ints[2], doubles[2], ints[3], doubles[3]),
                option_greeks: Some(proto::OptionGreeks { delta: doubles[4], ..proto::OptionGreeks::default() }),
                atp: doubles[5], vtt: ints[4], oi: doubles[6], iv: doubles[7], tbq: doubles[8],
                ..proto::MarketFullFeed::default()
            });
            prop_assert!(tick.ltp.get() >= 0 && tick.volume.get() >= 0 && tick.bid_qty.get() >= 0);
        }
    }
}
