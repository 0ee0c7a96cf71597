//! One form for what both decoders see, bit for bit, and the comparison of the two.

use std::collections::BTreeMap;

use bijli_core::instrument::{Instrument, InstrumentId, InstrumentKind, SectorId};
use bijli_core::price::Price;
use bijli_core::quantity::Qty;
use bijli_core::text::Text;
use bijli_core::time::{IstDay, TsNs};
use bijli_feed::KeyIndex;
use bijli_feed::upstox::market_info::{self, MarketPhase, Segment};
use bijli_feed::upstox::message::{self, DecodeErrorKind, FrameKind};
use bijli_feed::upstox::raw_feed::{CANDLES_MAX, FeedShape, INTERVAL_BYTES_MAX, LEVELS_MAX, RawFeed};
use bijli_feed::upstox::{proto, raw_feed};
use prost::Message;

/// Name, four prices, volume, start.
pub(crate) type FlatCandle = (Vec<u8>, [u64; 4], i64, i64);

/// Everything a feed says, floats as bits so that no-numbers compare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flat {
    pub(crate) shape: u8,
    pub(crate) mode: i32,
    pub(crate) ltpc: Option<(u64, i64, i64, u64, Option<u64>)>,
    pub(crate) levels: Option<Vec<(i64, u64, i64, u64)>>,
    pub(crate) levels_dropped: usize,
    pub(crate) greeks: Option<[u64; 5]>,
    pub(crate) candles: Option<Vec<FlatCandle>>,
    pub(crate) candles_dropped: usize,
    pub(crate) totals: (u64, i64, u64, u64, u64, u64),
    pub(crate) auction: (u64, u64, i64, i64, i64, bool),
}

/// A table of the given keys.
pub(crate) fn table<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<Instrument> {
    keys.into_iter()
        .zip(0..)
        .map(|(key, id)| Instrument {
            id: InstrumentId::new(id),
            kind: InstrumentKind::Future,
            underlying: InstrumentId::new(id),
            tick: Price::from_paise(5),
            lot: Qty::new(1),
            freeze: Qty::new(1),
            prev_close: Price::NONE,
            expiry: IstDay::new(0),
            strike: Price::NONE,
            lower_band: Price::NONE,
            upper_band: Price::NONE,
            sector: SectorId::OTHER,
            key: Text::new(key).expect("a short key"),
            symbol: Text::new("X").expect("a short symbol"),
        })
        .collect()
}

pub(crate) fn of_raw(feed: &RawFeed) -> Flat {
    let bits = f64::to_bits;
    let (totals, auction) = (feed.totals(), feed.auction());
    Flat {
        shape: feed.shape() as u8,
        mode: feed.request_mode(),
        ltpc: feed
            .ltpc()
            .map(|l| (bits(l.ltp), l.ltt_ms, l.ltq, bits(l.cp), l.iep.map(bits))),
        levels: feed.has_book().then(|| {
            let level = |l: &raw_feed::Level| (l.bid_qty, bits(l.bid), l.ask_qty, bits(l.ask));
            feed.levels().iter().map(level).collect()
        }),
        levels_dropped: feed.levels_dropped() as usize,
        greeks: feed
            .greeks()
            .map(|g| [g.delta, g.theta, g.gamma, g.vega, g.rho].map(bits)),
        candles: feed.has_candles().then(|| {
            feed.candles()
                .iter()
                .map(|c| {
                    let prices = [c.open, c.high, c.low, c.close].map(bits);
                    (c.interval.as_bytes().to_vec(), prices, c.volume, c.ts_ms)
                })
                .collect()
        }),
        candles_dropped: feed.candles_dropped() as usize,
        totals: (
            bits(totals.atp),
            totals.vtt,
            bits(totals.oi),
            bits(totals.iv),
            bits(totals.tbq),
            bits(totals.tsq),
        ),
        auction: (
            bits(auction.iep),
            bits(auction.rp),
            auction.ieq,
            auction.iiq_total,
            auction.iiq_market,
            auction.eligible,
        ),
    }
}

fn of_prost(feed: &proto::Feed) -> Flat {
    use proto::feed::FeedUnion;
    use proto::full_feed::FullFeedUnion;
    let mut flat = Flat {
        mode: feed.request_mode,
        ..Flat::default()
    };
    let mut shape = FeedShape::Empty;
    match &feed.feed_union {
        None => {}
        Some(FeedUnion::Ltpc(ltpc)) => {
            shape = FeedShape::Ltpc;
            set_ltpc(&mut flat, Some(ltpc));
        }
        Some(FeedUnion::FullFeed(full)) => match &full.full_feed_union {
            None => shape = FeedShape::FullEmpty,
            Some(FullFeedUnion::MarketFf(market)) => {
                shape = FeedShape::Market;
                set_market(&mut flat, market);
            }
            Some(FullFeedUnion::IndexFf(index)) => {
                shape = FeedShape::Index;
                set_ltpc(&mut flat, index.ltpc.as_ref());
                set_candles(&mut flat, index.market_ohlc.as_ref());
            }
        },
        Some(FeedUnion::FirstLevelWithGreeks(first)) => {
            shape = FeedShape::FirstLevel;
            set_ltpc(&mut flat, first.ltpc.as_ref());
            flat.levels = first.first_depth.as_ref().map(|quote| vec![level(quote)]);
            set_greeks(&mut flat, first.option_greeks.as_ref());
            (flat.totals.1, flat.totals.2, flat.totals.3) =
                (first.vtt, first.oi.to_bits(), first.iv.to_bits());
        }
    }
    flat.shape = shape as u8;
    flat
}

fn level(quote: &proto::Quote) -> (i64, u64, i64, u64) {
    (
        quote.bid_q,
        quote.bid_p.to_bits(),
        quote.ask_q,
        quote.ask_p.to_bits(),
    )
}

fn set_market(flat: &mut Flat, market: &proto::MarketFullFeed) {
    set_ltpc(flat, market.ltpc.as_ref());
    if let Some(book) = &market.market_level {
        let quotes = &book.bid_ask_quote;
        flat.levels = Some(quotes.iter().take(LEVELS_MAX).map(level).collect());
        flat.levels_dropped = quotes.len().saturating_sub(LEVELS_MAX);
    }
    set_greeks(flat, market.option_greeks.as_ref());
    set_candles(flat, market.market_ohlc.as_ref());
    flat.totals = (
        market.atp.to_bits(),
        market.vtt,
        market.oi.to_bits(),
        market.iv.to_bits(),
        market.tbq.to_bits(),
        market.tsq.to_bits(),
    );
    flat.auction = (
        market.iep.to_bits(),
        market.rp.to_bits(),
        market.ieq,
        market.iiq_total,
        market.iiq_m,
        market.cas_eligible,
    );
}

fn set_ltpc(flat: &mut Flat, ltpc: Option<&proto::Ltpc>) {
    flat.ltpc = ltpc.map(|l| {
        let iep = l.iep.map(f64::to_bits);
        (l.ltp.to_bits(), l.ltt, l.ltq, l.cp.to_bits(), iep)
    });
}

fn set_greeks(flat: &mut Flat, greeks: Option<&proto::OptionGreeks>) {
    flat.greeks = greeks.map(|g| [g.delta, g.theta, g.gamma, g.vega, g.rho].map(f64::to_bits));
}

fn set_candles(flat: &mut Flat, candles: Option<&proto::MarketOhlc>) {
    let Some(candles) = candles else { return };
    let kept = candles.ohlc.iter().take(CANDLES_MAX).map(|c| {
        let name = c.interval.bytes().take(INTERVAL_BYTES_MAX).collect();
        let prices = [c.open, c.high, c.low, c.close].map(f64::to_bits);
        (name, prices, c.vol, c.ts)
    });
    flat.candles = Some(kept.collect());
    flat.candles_dropped = candles.ohlc.len().saturating_sub(CANDLES_MAX);
}

/// Decodes with both and compares everything. Answers whether `prost` accepted the frame.
pub(crate) fn compare(frame: &[u8], instruments: &[Instrument]) -> bool {
    let keys = KeyIndex::new(instruments);
    let mut visits = BTreeMap::new();
    let mut visited = 0;
    let ours = message::decode(frame, &keys, &mut |instrument, feed| {
        visited += 1;
        visits.insert(instrument, of_raw(feed));
    });
    let surveyed = message::survey(frame, |_| {});
    let Ok(theirs) = proto::FeedResponse::decode(frame) else {
        return false;
    };
    let head = match ours {
        // The one deliberate difference: groups, which proto3 has no more, are refused.
        Err(error) if error.kind() == DecodeErrorKind::Group => return true,
        Err(error) => panic!("prost accepts what we refuse: {error}: {frame:02x?}"),
        Ok(head) => head,
    };
    let kind = match theirs.r#type {
        0 => FrameKind::Initial,
        1 => FrameKind::Live,
        2 => FrameKind::MarketInfo,
        other => FrameKind::Unknown(other),
    };
    assert_eq!(head.kind, kind);
    assert_eq!(head.current_ts, TsNs::from_millis(theirs.current_ts));
    assert_eq!(head.feeds, visited);
    let surveyed = surveyed.expect("what decodes can be surveyed");
    assert_eq!(
        (surveyed.kind, surveyed.current_ts, surveyed.market),
        (head.kind, head.current_ts, head.market)
    );
    assert_eq!(surveyed.feeds, head.feeds + head.unknown_keys);
    assert_eq!(
        message::envelope(frame),
        Ok((head.kind, head.current_ts)),
        "the envelope alone"
    );
    let mut unknown = 0;
    for (key, feed) in &theirs.feeds {
        match keys.get(key.as_bytes()) {
            Some(instrument) => assert_eq!(visits.remove(&instrument), Some(of_prost(feed)), "feed of {key}"),
            None => unknown += 1,
        }
    }
    assert!(visits.is_empty(), "no feed that prost does not have");
    // A key that stands twice is one entry for prost.
    assert!(head.unknown_keys >= unknown);
    compare_market(frame, &head, theirs.market_info.as_ref());
    true
}

fn compare_market(frame: &[u8], head: &message::FrameHead, theirs: Option<&proto::MarketInfo>) {
    let whole = market_info::read(frame).expect("what prost accepts is accepted");
    assert_eq!(whole.is_some(), theirs.is_some());
    let (Some(whole), Some(theirs)) = (whole, theirs) else {
        return;
    };
    assert_eq!(whole.phases, head.market);
    for (word, number) in &theirs.segment_status {
        if let Some(segment) = Segment::from_word(word.as_bytes()) {
            assert_eq!(head.market.get(segment), Some(MarketPhase::from_number(*number)));
        }
    }
    for (ours, theirs) in [
        (&whole.closing_auction, &theirs.cas_market_status),
        (&whole.pre_open, &theirs.pre_open_session_status),
    ] {
        let known = |word: &String| Segment::from_word(word.as_bytes());
        assert_eq!(ours.len(), theirs.keys().filter_map(known).count());
        for (word, status) in theirs {
            let Some(segment) = known(word) else { continue };
            let found = ours.iter().find(|(of, _)| *of == segment).expect("every segment");
            assert_eq!(found.1.word, Text::new(&status.status).unwrap_or_default());
            assert_eq!(found.1.updated, TsNs::from_millis(status.updated_time));
        }
    }
}
