//! The decoder of the hot path: a frame in, one visit per known instrument out, nothing allocated.
//!
//! Invariants: never panics, whatever the bytes; whatever `prost` accepts is accepted with equal values, except for
//! groups, which are refused; feeds of unknown keys are counted and passed over unread. Beyond [`LEVELS_MAX`] levels
//! and [`CANDLES_MAX`] candles the rest is counted. Where a key stands twice, it is visited twice, the last visit
//! being what `prost` keeps. An error ends the frame: feeds before the damage were visited already.
//!
//! Left out: what the numbers mean (`normalise`), and the auction words of `market_info` ([`super::market_info`]).
//! Facts: `FeedResponse` in `proto/market_data_feed_v3.proto`; tested against `prost` in `tests/`.
//!
//! [`LEVELS_MAX`]: super::raw_feed::LEVELS_MAX
//! [`CANDLES_MAX`]: super::raw_feed::CANDLES_MAX

use bijli_core::instrument::InstrumentId;
use bijli_core::time::TsNs;

use crate::key_index::KeyIndex;

use super::feed_fields;
use super::market_info::SegmentPhases;
pub use super::raw_feed::RawFeed;
use super::wire_format::Reader;
pub use super::wire_format::{DecodeError, DecodeErrorKind};

/// What sort of message a frame is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// The snapshot after a subscription. Also what an empty frame claims to be: trust it only with feeds in it.
    #[default]
    Initial,
    /// Live changes.
    Live,
    /// The state of the markets.
    MarketInfo,
    /// A kind that is not known here.
    Unknown(i32),
}

impl FrameKind {
    const fn from_number(number: i32) -> Self {
        match number {
            0 => Self::Initial,
            1 => Self::Live,
            2 => Self::MarketInfo,
            other => Self::Unknown(other),
        }
    }
}

/// What a frame says as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameHead {
    /// What sort of message it is.
    pub kind: FrameKind,
    /// The broker's clock; [`TsNs::NEVER`] when it says nothing.
    pub current_ts: TsNs,
    /// Feeds visited.
    pub feeds: u32,
    /// Feeds passed over because their key is not in the table.
    pub unknown_keys: u32,
    /// The state of the segments that it names.
    pub market: SegmentPhases,
}

/// Decodes frames with a feed that is reused from one to the next.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    feed: RawFeed,
}

impl Decoder {
    /// A decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Visits every feed of a known instrument in order, then answers what the frame says as a whole.
    ///
    /// # Errors
    /// [`DecodeError`] where the frame is broken; feeds before that place were visited.
    #[inline]
    pub fn decode(
        &mut self,
        frame: &[u8],
        keys: &KeyIndex,
        visit: &mut impl FnMut(InstrumentId, &RawFeed),
    ) -> Result<FrameHead, DecodeError> {
        let mut head = FrameHead::default();
        let mut reader = Reader::new(frame);
        // As encoders write it: kind, feeds, clock, each possibly absent. What stands otherwise, the loop reads.
        if reader.take_key(0x08) {
            head.kind = FrameKind::from_number(reader.varint()? as i32);
        }
        while reader.take_key(0x12) {
            self.visit_entry(reader.map_entry()?, keys, &mut head, visit)?;
        }
        if reader.take_key(0x18) {
            head.current_ts = TsNs::from_millis(reader.varint()?.cast_signed());
        }
        while let Some((field, wire)) = reader.key()? {
            match field {
                1 => head.kind = FrameKind::from_number(reader.enumeration(wire)?),
                2 => self.visit_entry(reader.map_entry()?, keys, &mut head, visit)?,
                3 => head.current_ts = TsNs::from_millis(reader.int64(wire)?),
                4 => head.market.merge(reader.message(wire)?)?,
                _ => reader.skip(wire)?,
            }
        }
        Ok(head)
    }

    #[inline(always)]
    fn visit_entry(
        &mut self,
        entry: Reader<'_>,
        keys: &KeyIndex,
        head: &mut FrameHead,
        visit: &mut impl FnMut(InstrumentId, &RawFeed),
    ) -> Result<(), DecodeError> {
        match self.entry(entry, keys)? {
            Some(instrument) => {
                head.feeds = head.feeds.saturating_add(1);
                visit(instrument, &self.feed);
            }
            None => head.unknown_keys = head.unknown_keys.saturating_add(1),
        }
        Ok(())
    }

    /// Reads one entry of the map into `self.feed`, unless its key is unknown.
    #[inline]
    fn entry(
        &mut self,
        mut reader: Reader<'_>,
        keys: &KeyIndex,
    ) -> Result<Option<InstrumentId>, DecodeError> {
        let whole = reader;
        if reader.take_key(0x0a) {
            let key = reader.bare_message()?.rest();
            if reader.take_key(0x12) {
                let feed = reader.bare_message()?;
                if reader.rest().is_empty() {
                    let Some(instrument) = keys.get(key) else {
                        return Ok(None);
                    };
                    feed_fields::fresh_feed(&mut self.feed, feed)?;
                    return Ok(Some(instrument));
                }
            }
        }
        self.unusual_entry(whole, keys)
    }

    /// An entry whose key and value do not stand once each, in order.
    #[cold]
    fn unusual_entry(
        &mut self,
        reader: Reader<'_>,
        keys: &KeyIndex,
    ) -> Result<Option<InstrumentId>, DecodeError> {
        let mut key: &[u8] = &[];
        let mut fields = reader;
        while let Some((field, wire)) = fields.key()? {
            match field {
                1 => key = fields.message(wire)?.rest(),
                _ => fields.skip(wire)?,
            }
        }
        let Some(instrument) = keys.get(key) else {
            return Ok(None);
        };
        self.feed.reset();
        let mut fields = reader;
        while let Some((field, wire)) = fields.key()? {
            match field {
                2 => feed_fields::merge_feed(&mut self.feed, fields.message(wire)?)?,
                _ => fields.skip(wire)?,
            }
        }
        Ok(Some(instrument))
    }
}

/// As [`Decoder::decode`] with a decoder of its own; for tests and tools.
///
/// # Errors
/// As [`Decoder::decode`].
pub fn decode(
    frame: &[u8],
    keys: &KeyIndex,
    visit: &mut impl FnMut(InstrumentId, &RawFeed),
) -> Result<FrameHead, DecodeError> {
    Decoder::new().decode(frame, keys, visit)
}

/// The kind and the broker's clock, read without looking into any feed: the clock stands behind the feeds, yet a
/// replay needs it before them.
///
/// # Errors
/// [`DecodeError`] where the frame is broken at its top level.
pub fn envelope(frame: &[u8]) -> Result<(FrameKind, TsNs), DecodeError> {
    let mut reader = Reader::new(frame);
    let (mut kind, mut current_ts) = (FrameKind::default(), TsNs::NEVER);
    while let Some((field, wire)) = reader.key()? {
        match field {
            1 => kind = FrameKind::from_number(reader.enumeration(wire)?),
            2 => {
                reader.map_entry()?;
            }
            3 => current_ts = TsNs::from_millis(reader.int64(wire)?),
            _ => reader.skip(wire)?,
        }
    }
    Ok((kind, current_ts))
}

/// Tells every key of a frame, in order, without looking into the feeds, and what the frame says as a whole. `feeds`
/// counts all of them, `unknown_keys` stays 0.
///
/// # Errors
/// [`DecodeError`] where the frame is broken at its top level or in a key.
pub fn survey(frame: &[u8], mut on_key: impl FnMut(&[u8])) -> Result<FrameHead, DecodeError> {
    let mut head = FrameHead::default();
    let mut reader = Reader::new(frame);
    while let Some((field, wire)) = reader.key()? {
        match field {
            1 => head.kind = FrameKind::from_number(reader.enumeration(wire)?),
            2 => {
                let mut entry = reader.map_entry()?;
                let mut key: &[u8] = &[];
                while let Some((field, wire)) = entry.key()? {
                    match field {
                        1 => key = entry.message(wire)?.rest(),
                        _ => entry.skip(wire)?,
                    }
                }
                head.feeds = head.feeds.saturating_add(1);
                on_key(key);
            }
            3 => head.current_ts = TsNs::from_millis(reader.int64(wire)?),
            4 => head.market.merge(reader.message(wire)?)?,
            _ => reader.skip(wire)?,
        }
    }
    Ok(head)
}
