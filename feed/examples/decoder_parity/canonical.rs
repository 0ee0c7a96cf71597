//! What a frame says, in one form of bytes: the same fields in the same order whoever decoded it, doubles by their
//! bits. `decoder_parity.py` builds the same form from the broker's classes; the two change together.
//!
//! All numbers are little-endian. Counts come before lists, a flag byte before what may be absent.

use std::collections::BTreeMap;

use bijli_core::text::Text;
use bijli_feed::KeyIndex;
use bijli_feed::upstox::market_info::{self, SEGMENTS, Segment, SessionStatus};
use bijli_feed::upstox::message::{self, DecodeError, FrameHead, FrameKind};

use crate::oracle::{Flat, of_raw};

/// Whether a key can be an instrument's: printable ASCII of at most 40 bytes.
pub(crate) fn is_possible(key: &str) -> bool {
    Text::<40>::new(key).is_some()
}

/// Decodes a frame and writes its canonical form; `keys` are those of `index`, in order.
pub(crate) fn write(
    frame: &[u8],
    index: &KeyIndex,
    keys: &[String],
    into: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let mut feeds = BTreeMap::new();
    let head = message::decode(frame, index, &mut |instrument, feed| {
        // A key that stands twice is one entry: the last.
        feeds.insert(instrument, of_raw(feed));
    })?;
    let market = market_info::read(frame)?;
    put_head(into, &head);
    into.push(u8::from(market.is_some()));
    if let Some(market) = market {
        for segment in SEGMENTS {
            let phase = market.phases.get(segment);
            into.push(u8::from(phase.is_some()));
            into.push(phase.map_or(0, |phase| phase as u8));
        }
        put_words(into, &market.closing_auction);
        put_words(into, &market.pre_open);
    }
    into.extend((feeds.len() as u32).to_le_bytes());
    for (instrument, feed) in &feeds {
        let key = keys[instrument.index()].as_bytes();
        into.push(key.len() as u8);
        into.extend(key);
        put_feed(into, feed);
    }
    Ok(())
}

fn put_head(into: &mut Vec<u8>, head: &FrameHead) {
    let kind = match head.kind {
        FrameKind::Initial => 0,
        FrameKind::Live => 1,
        FrameKind::MarketInfo => 2,
        FrameKind::Unknown(number) => number,
    };
    into.extend(kind.to_le_bytes());
    into.extend(head.current_ts.get().to_le_bytes());
}

fn put_words(into: &mut Vec<u8>, words: &[(Segment, SessionStatus)]) {
    let mut sorted: Vec<_> = words.iter().collect();
    sorted.sort_by_key(|(segment, _)| *segment);
    into.push(sorted.len() as u8);
    for (segment, status) in sorted {
        into.push(*segment as u8);
        into.extend(status.word.padded());
        into.extend(status.updated.get().to_le_bytes());
    }
}

fn put_feed(into: &mut Vec<u8>, feed: &Flat) {
    into.push(feed.shape);
    into.extend(feed.mode.to_le_bytes());
    into.push(u8::from(feed.ltpc.is_some()));
    if let Some((ltp, ltt, ltq, cp, iep)) = feed.ltpc {
        put_words_of(into, &[ltp, ltt as u64, ltq as u64, cp]);
        into.push(u8::from(iep.is_some()));
        put_words_of(into, &[iep.unwrap_or(0)]);
    }
    into.push(u8::from(feed.levels.is_some()));
    if let Some(levels) = &feed.levels {
        into.extend((levels.len() as u32).to_le_bytes());
        into.extend((feed.levels_dropped as u32).to_le_bytes());
        for (bid_qty, bid, ask_qty, ask) in levels {
            put_words_of(into, &[*bid_qty as u64, *bid, *ask_qty as u64, *ask]);
        }
    }
    into.push(u8::from(feed.greeks.is_some()));
    if let Some(greeks) = &feed.greeks {
        put_words_of(into, greeks);
    }
    into.push(u8::from(feed.candles.is_some()));
    if let Some(candles) = &feed.candles {
        into.extend((candles.len() as u32).to_le_bytes());
        into.extend((feed.candles_dropped as u32).to_le_bytes());
        for (name, prices, volume, ts) in candles {
            into.push(name.len() as u8);
            into.extend(name);
            put_words_of(into, prices);
            put_words_of(into, &[*volume as u64, *ts as u64]);
        }
    }
    let (atp, vtt, oi, iv, tbq, tsq) = feed.totals;
    put_words_of(into, &[atp, vtt as u64, oi, iv, tbq, tsq]);
    let (iep, rp, ieq, total, market, eligible) = feed.auction;
    put_words_of(into, &[iep, rp, ieq as u64, total as u64, market as u64]);
    into.push(u8::from(eligible));
}

fn put_words_of(into: &mut Vec<u8>, words: &[u64]) {
    for word in words {
        into.extend(word.to_le_bytes());
    }
}
