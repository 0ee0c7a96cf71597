//! Short cuts for messages in the order and fullness that the broker really sends.
//!
//! [`market`] takes the fields of a full feed as long as they come in ascending order and in the usual form, and
//! answers what it has not taken, at a field's boundary; the general loop of `feed_fields` reads the rest. Leaf
//! messages are read by assumption: every field is there, all are loaded without asking, and one question at the end
//! says whether all tags and the length were as assumed. So a short cut can only be fast or absent, never wrong, and
//! it never reports damage: whatever is unusual is left to the general loop. Lengths, not contents, stand on the
//! critical path; positions live in registers.
//! Left out: anything optional within a leaf; varints of more than eight bytes (values of 2^56 and up).

use super::raw_feed::{Candle, Greeks, Interval, Level, Ltpc, RawFeed};

const STOP_BITS: u64 = 0x8080_8080_8080_8080;

/// A varint at the low end of a word.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShortVarint {
    pub(super) value: u64,
    /// 1 to 8; 9 when the word holds no end.
    pub(super) bytes: usize,
}

/// Reads a varint of up to eight bytes without a branch.
#[inline(always)]
pub(super) const fn short_varint(word: u64) -> ShortVarint {
    let stops = !word & STOP_BITS;
    let kept = word & (stops ^ stops.wrapping_sub(1));
    let pairs = (kept & 0x007f_007f_007f_007f) | ((kept & 0x7f00_7f00_7f00_7f00) >> 1);
    let quads = (pairs & 0x0000_3fff_0000_3fff) | ((pairs & 0x3fff_0000_3fff_0000) >> 2);
    ShortVarint {
        value: (quads & 0x0fff_ffff) | ((quads & 0x0fff_ffff_0000_0000) >> 4),
        // The stop bit stands at 7, 15, … 63, or at 64 when there is none.
        bytes: (stops.trailing_zeros() as usize >> 3) + 1,
    }
}

/// Reads a varint of a length that is known from its surroundings, from the word that ends with it.
#[inline(always)]
fn varint_before(word: &[u8; 8], bytes: usize) -> Option<u64> {
    // 1 to 8 bytes become a shift of 56 to 0 bits; anything else is turned down by one comparison.
    let missing = 8_usize.wrapping_sub(bytes);
    if missing > 7 {
        return None;
    }
    let varint = short_varint(u64::from_le_bytes(*word) >> (8 * missing));
    (varint.bytes == bytes).then_some(varint.value)
}

#[inline(always)]
fn double(bytes: &[u8; 8]) -> f64 {
    f64::from_le_bytes(*bytes)
}

/// Cuts an array out of a longer one, at places known when this is compiled.
macro_rules! part {
    ($from:expr, $at:literal) => {
        $from[$at..]
            .first_chunk::<8>()
            .expect("the array is longer than that")
    };
}

/// Takes fields 1 to 10 of a full feed, which must be fresh, as far as they are usual; answers the rest.
#[inline]
pub(super) fn market<'a>(feed: &mut RawFeed, message: &'a [u8]) -> &'a [u8] {
    let mut rest = message;
    if let Some((body, after)) = block(rest, 0x0a) {
        let Some(found) = ltpc(body) else { return rest };
        (feed.has_ltpc, feed.ltpc) = (true, found);
        rest = after;
    }
    if let Some((body, after)) = block(rest, 0x12) {
        let Some(()) = book(feed, body) else { return rest };
        rest = after;
    }
    if let Some((body, after)) = block(rest, 0x1a) {
        let Some(found) = greeks(body) else { return rest };
        (feed.has_greeks, feed.greeks) = (true, found);
        rest = after;
    }
    if let Some((body, after)) = block(rest, 0x22) {
        let Some(()) = candles(feed, body) else {
            return rest;
        };
        rest = after;
    }
    totals(feed, rest)
}

#[inline(always)]
fn totals<'a>(feed: &mut RawFeed, message: &'a [u8]) -> &'a [u8] {
    let totals = &mut feed.totals;
    let mut rest = take_double(message, 0x29, &mut totals.atp);
    if let Some((0x30, after)) = rest.split_first()
        && let Some(word) = after.first_chunk::<8>()
    {
        let vtt = short_varint(u64::from_le_bytes(*word));
        let Some(after) = after.get(vtt.bytes..).filter(|_| vtt.bytes < 9) else {
            return rest;
        };
        totals.vtt = vtt.value.cast_signed();
        rest = after;
    }
    rest = take_double(rest, 0x39, &mut totals.oi);
    rest = take_double(rest, 0x41, &mut totals.iv);
    rest = take_double(rest, 0x49, &mut totals.tbq);
    take_double(rest, 0x51, &mut totals.tsq)
}

#[inline(always)]
fn take_double<'a>(rest: &'a [u8], key: u8, into: &mut f64) -> &'a [u8] {
    match rest.split_first_chunk::<9>() {
        Some((field, after)) if field[0] == key => {
            *into = double(part!(field, 1));
            after
        }
        _ => rest,
    }
}

/// A submessage under a key of one byte with a length of one or two bytes: its body, and what follows it.
#[inline(always)]
pub(super) fn block(rest: &[u8], key: u8) -> Option<(&[u8], &[u8])> {
    let (found, low, high) = match rest {
        [found, low, ..] if *low < 0x80 => {
            return rest[2..]
                .split_at_checked(usize::from(*low))
                .filter(|_| *found == key);
        }
        [found, low, high, ..] if *high < 0x80 => (*found, *low, *high),
        _ => return None,
    };
    let bytes = usize::from(low & 0x7f) | usize::from(high) << 7;
    rest[3..].split_at_checked(bytes).filter(|_| found == key)
}

/// Usual levels only, or nothing taken.
#[inline]
fn book(feed: &mut RawFeed, body: &[u8]) -> Option<()> {
    let mut rest = body;
    let mut count = 0;
    while let Some((body, after)) = block(rest, 0x0a) {
        *feed.book.levels.get_mut(count)? = level(body)?;
        count += 1;
        rest = after;
    }
    if !rest.is_empty() {
        return None;
    }
    (feed.book.count, feed.book.present) = (count as u8, true);
    Some(())
}

/// Usual candles only, or nothing taken.
#[inline]
fn candles(feed: &mut RawFeed, body: &[u8]) -> Option<()> {
    let mut rest = body;
    let mut count = 0;
    while let Some((body, after)) = block(rest, 0x0a) {
        *feed.candles.candles.get_mut(count)? = candle(body)?;
        count += 1;
        rest = after;
    }
    if !rest.is_empty() {
        return None;
    }
    (feed.candles.count, feed.candles.present) = (count as u8, true);
    Some(())
}

/// A level with both sides: `08 v 11 d 18 v 21 d`.
#[inline(always)]
fn level(message: &[u8]) -> Option<Level> {
    let start = message.first_chunk::<9>()?;
    let end = message.last_chunk::<17>()?;
    let bid_qty = short_varint(u64::from_le_bytes(*part!(start, 1)));
    let middle = message.get(bid_qty.bytes + 1..)?.first_chunk::<10>()?;
    let ask_qty = varint_before(part!(end, 0), message.len().wrapping_sub(bid_qty.bytes + 20))?;
    let tags = (start[0] ^ 0x08) | (middle[0] ^ 0x11) | (middle[9] ^ 0x18) | (end[8] ^ 0x21);
    (tags == 0 && bid_qty.bytes < 9).then_some(Level {
        bid_qty: bid_qty.value.cast_signed(),
        bid: double(part!(middle, 1)),
        ask_qty: ask_qty.cast_signed(),
        ask: double(part!(end, 9)),
    })
}

/// A last trade without an auction price: `09 d 10 v 18 v 21 d`.
#[inline(always)]
fn ltpc(message: &[u8]) -> Option<Ltpc> {
    let start = message.first_chunk::<18>()?;
    let end = message.last_chunk::<17>()?;
    let ltt_ms = short_varint(u64::from_le_bytes(*part!(start, 10)));
    let ltq = varint_before(part!(end, 0), message.len().wrapping_sub(ltt_ms.bytes + 20))?;
    let tags =
        (start[0] ^ 0x09) | (start[9] ^ 0x10) | (*message.get(ltt_ms.bytes + 10)? ^ 0x18) | (end[8] ^ 0x21);
    (tags == 0 && ltt_ms.bytes < 9).then_some(Ltpc {
        ltp: double(part!(start, 1)),
        ltt_ms: ltt_ms.value.cast_signed(),
        ltq: ltq.cast_signed(),
        cp: double(part!(end, 9)),
        iep: None,
    })
}

/// All five Greeks: `09 d 11 d 19 d 21 d 29 d`.
#[inline(always)]
fn greeks(message: &[u8]) -> Option<Greeks> {
    let message: &[u8; 45] = message.try_into().ok()?;
    let tags = (message[0] ^ 0x09)
        | (message[9] ^ 0x11)
        | (message[18] ^ 0x19)
        | (message[27] ^ 0x21)
        | (message[36] ^ 0x29);
    (tags == 0).then_some(Greeks {
        delta: double(part!(message, 1)),
        theta: double(part!(message, 10)),
        gamma: double(part!(message, 19)),
        vega: double(part!(message, 28)),
        rho: double(part!(message, 37)),
    })
}

/// A candle with a name of two letters and a volume: `0a 02 x x 11 d 19 d 21 d 29 d 30 v 38 v`.
#[inline(always)]
fn candle(message: &[u8]) -> Option<Candle> {
    let start = message.first_chunk::<49>()?;
    let end = message.last_chunk::<8>()?;
    let volume = short_varint(u64::from_le_bytes(*part!(start, 41)));
    let ts_ms = varint_before(end, message.len().wrapping_sub(volume.bytes + 42))?;
    let tags = (start[0] ^ 0x0a)
        | (start[1] ^ 0x02)
        | (start[4] ^ 0x11)
        | (start[13] ^ 0x19)
        | (start[22] ^ 0x21)
        | (start[31] ^ 0x29)
        | (start[40] ^ 0x30)
        | (*message.get(volume.bytes + 41)? ^ 0x38);
    (tags == 0 && volume.bytes < 9).then_some(Candle {
        interval: Interval::of([start[2], start[3]]),
        open: double(part!(start, 5)),
        high: double(part!(start, 14)),
        low: double(part!(start, 23)),
        close: double(part!(start, 32)),
        volume: volume.value.cast_signed(),
        ts_ms: ts_ms.cast_signed(),
    })
}
