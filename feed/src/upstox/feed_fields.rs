//! One feed's fields, in any order, into a reused [`RawFeed`].
//!
//! Each message has a loop that takes its fields as they come and merges repeated ones as `prost` does: the last
//! number wins, submessages merge, a change of shape forgets the other shape. A full feed goes through the short cuts
//! of `straight` first; what they leave, the loops read.
//! Left out: checking that names are valid UTF-8 (bytes are kept as they are).

use super::raw_feed::{Candle, FeedShape, Interval, Level, Ltpc, RawFeed};
use super::straight;
use super::wire_format::{DecodeError, Reader};

type Outcome = Result<(), DecodeError>;

/// Reads a `Feed` message into `feed`, of which nothing remains.
#[inline]
pub(super) fn fresh_feed(feed: &mut RawFeed, reader: Reader<'_>) -> Outcome {
    feed.request_mode = 0;
    // What is traded, in full, and nothing before it: the common case.
    let mut ahead = reader;
    if ahead.take_key(0x12) {
        let mut full = ahead.bare_message()?;
        if full.take_key(0x0a) {
            let mut body = full.bare_message()?;
            feed.become_shape(FeedShape::Market);
            body.resume(straight::market(feed, body.rest()));
            if !body.rest().is_empty() {
                market(feed, body)?;
            }
            if !full.rest().is_empty() {
                full_feed(feed, full)?;
            }
            if ahead.take_key(0x20) {
                feed.request_mode = ahead.varint()? as i32;
            }
            return if ahead.rest().is_empty() {
                Ok(())
            } else {
                merge_feed(feed, ahead)
            };
        }
    }
    feed.become_shape(FeedShape::Empty);
    merge_feed(feed, reader)
}

/// Merges a `Feed` message into `feed`.
pub(super) fn merge_feed(feed: &mut RawFeed, mut reader: Reader<'_>) -> Outcome {
    while let Some((field, wire)) = reader.key()? {
        match field {
            1 => {
                let inner = reader.message(wire)?;
                if feed.shape != FeedShape::Ltpc {
                    feed.become_shape(FeedShape::Ltpc);
                }
                last_trade(feed, inner)?;
            }
            2 => {
                let inner = reader.message(wire)?;
                if !matches!(
                    feed.shape,
                    FeedShape::FullEmpty | FeedShape::Market | FeedShape::Index
                ) {
                    feed.become_shape(FeedShape::FullEmpty);
                }
                full_feed(feed, inner)?;
            }
            3 => {
                let inner = reader.message(wire)?;
                if feed.shape != FeedShape::FirstLevel {
                    feed.become_shape(FeedShape::FirstLevel);
                }
                first_level(feed, inner)?;
            }
            4 => feed.request_mode = reader.enumeration(wire)?,
            _ => reader.skip(wire)?,
        }
    }
    Ok(())
}

#[inline]
fn full_feed(feed: &mut RawFeed, mut reader: Reader<'_>) -> Outcome {
    while let Some((field, wire)) = reader.key()? {
        match field {
            1 => {
                let inner = reader.message(wire)?;
                if feed.shape != FeedShape::Market {
                    feed.become_shape(FeedShape::Market);
                }
                market(feed, inner)?;
            }
            2 => {
                let inner = reader.message(wire)?;
                if feed.shape != FeedShape::Index {
                    feed.become_shape(FeedShape::Index);
                }
                index(feed, inner)?;
            }
            _ => reader.skip(wire)?,
        }
    }
    Ok(())
}

#[inline]
fn market(feed: &mut RawFeed, mut reader: Reader<'_>) -> Outcome {
    while let Some((field, wire)) = reader.key()? {
        match field {
            1 => last_trade(feed, reader.message(wire)?)?,
            2 => book(feed, reader.message(wire)?)?,
            3 => greeks(feed, reader.message(wire)?)?,
            4 => candles(feed, reader.message(wire)?)?,
            5 => feed.totals.atp = reader.double(wire)?,
            6 => feed.totals.vtt = reader.int64(wire)?,
            7 => feed.totals.oi = reader.double(wire)?,
            8 => feed.totals.iv = reader.double(wire)?,
            9 => feed.totals.tbq = reader.double(wire)?,
            10 => feed.totals.tsq = reader.double(wire)?,
            11 => feed.auction.iep = reader.double(wire)?,
            12 => feed.auction.rp = reader.double(wire)?,
            13 => feed.auction.ieq = reader.int64(wire)?,
            14 => feed.auction.iiq_total = reader.int64(wire)?,
            15 => feed.auction.iiq_market = reader.int64(wire)?,
            16 => feed.auction.eligible = reader.int64(wire)? != 0,
            _ => reader.skip(wire)?,
        }
    }
    Ok(())
}

fn index(feed: &mut RawFeed, mut reader: Reader<'_>) -> Outcome {
    while let Some((field, wire)) = reader.key()? {
        match field {
            1 => last_trade(feed, reader.message(wire)?)?,
            2 => candles(feed, reader.message(wire)?)?,
            _ => reader.skip(wire)?,
        }
    }
    Ok(())
}

fn first_level(feed: &mut RawFeed, mut reader: Reader<'_>) -> Outcome {
    while let Some((field, wire)) = reader.key()? {
        match field {
            1 => last_trade(feed, reader.message(wire)?)?,
            2 => {
                let inner = reader.message(wire)?;
                if !feed.book.present {
                    feed.book.present = true;
                    feed.push_level(Level::default());
                }
                level_fields(&mut feed.book.levels[0], inner)?;
            }
            3 => greeks(feed, reader.message(wire)?)?,
            4 => feed.totals.vtt = reader.int64(wire)?,
            5 => feed.totals.oi = reader.double(wire)?,
            6 => feed.totals.iv = reader.double(wire)?,
            _ => reader.skip(wire)?,
        }
    }
    Ok(())
}

#[inline]
fn last_trade(feed: &mut RawFeed, mut reader: Reader<'_>) -> Outcome {
    if !feed.has_ltpc {
        feed.has_ltpc = true;
        feed.ltpc = Ltpc::default();
    }
    let ltpc = &mut feed.ltpc;
    while let Some((field, wire)) = reader.key()? {
        match field {
            1 => ltpc.ltp = reader.double(wire)?,
            2 => ltpc.ltt_ms = reader.int64(wire)?,
            3 => ltpc.ltq = reader.int64(wire)?,
            4 => ltpc.cp = reader.double(wire)?,
            5 => {
                let mut inner = reader.message(wire)?;
                let mut value = ltpc.iep.unwrap_or_default();
                while let Some((field, wire)) = inner.key()? {
                    match field {
                        1 => value = inner.double(wire)?,
                        _ => inner.skip(wire)?,
                    }
                }
                ltpc.iep = Some(value);
            }
            _ => reader.skip(wire)?,
        }
    }
    Ok(())
}

#[inline]
fn book(feed: &mut RawFeed, mut reader: Reader<'_>) -> Outcome {
    feed.book.present = true;
    while let Some((field, wire)) = reader.key()? {
        if field != 1 {
            reader.skip(wire)?;
            continue;
        }
        let mut level = Level::default();
        level_fields(&mut level, reader.message(wire)?)?;
        feed.push_level(level);
    }
    Ok(())
}

fn level_fields(level: &mut Level, mut reader: Reader<'_>) -> Outcome {
    while let Some((field, wire)) = reader.key()? {
        match field {
            1 => level.bid_qty = reader.int64(wire)?,
            2 => level.bid = reader.double(wire)?,
            3 => level.ask_qty = reader.int64(wire)?,
            4 => level.ask = reader.double(wire)?,
            _ => reader.skip(wire)?,
        }
    }
    Ok(())
}

#[inline]
fn greeks(feed: &mut RawFeed, mut reader: Reader<'_>) -> Outcome {
    if !feed.has_greeks {
        feed.has_greeks = true;
        feed.greeks = super::raw_feed::Greeks::default();
    }
    let greeks = &mut feed.greeks;
    while let Some((field, wire)) = reader.key()? {
        match field {
            1 => greeks.delta = reader.double(wire)?,
            2 => greeks.theta = reader.double(wire)?,
            3 => greeks.gamma = reader.double(wire)?,
            4 => greeks.vega = reader.double(wire)?,
            5 => greeks.rho = reader.double(wire)?,
            _ => reader.skip(wire)?,
        }
    }
    Ok(())
}

#[inline]
fn candles(feed: &mut RawFeed, mut reader: Reader<'_>) -> Outcome {
    feed.candles.present = true;
    while let Some((field, wire)) = reader.key()? {
        if field != 1 {
            reader.skip(wire)?;
            continue;
        }
        feed.push_candle(candle_fields(reader.message(wire)?)?);
    }
    Ok(())
}

fn candle_fields(mut reader: Reader<'_>) -> Result<Candle, DecodeError> {
    let mut candle = Candle::default();
    while let Some((field, wire)) = reader.key()? {
        match field {
            1 => candle.interval = Interval::new(reader.message(wire)?.rest()),
            2 => candle.open = reader.double(wire)?,
            3 => candle.high = reader.double(wire)?,
            4 => candle.low = reader.double(wire)?,
            5 => candle.close = reader.double(wire)?,
            6 => candle.volume = reader.int64(wire)?,
            7 => candle.ts_ms = reader.int64(wire)?,
            _ => reader.skip(wire)?,
        }
    }
    Ok(candle)
}
