//! Market feed messages as protobuf bytes, written straight from ticks.
//!
//! Invariants: fields stand in ascending order and zero values are left out, so the bytes equal those of the
//! broker's own generated classes; keys keep the order of pushing. A message may hold one entry per key, which
//! its caller sees to. Field numbers: PROTOCOL.md; checked against its golden vectors and, in the
//! integration tests, against a generated decoder.

use bijli_core::TsNs;
use bijli_core::instrument::InstrumentKind;

use crate::day::{Candle, DayTick, Level};
use crate::market_state::{MarketState, Told};

/// What a subscription asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedMode {
    /// Last price alone.
    Ltpc,
    /// Five levels, candles and all else.
    Full,
    /// Last price, best level and Greeks.
    OptionGreeks,
    /// As [`FeedMode::Full`], with thirty levels; for accounts of the Plus plan.
    FullD30,
}

impl FeedMode {
    /// The mode of a request's word; `None` for words unknown.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "ltpc" => Some(Self::Ltpc),
            "full" | "full_d5" => Some(Self::Full),
            "option_greeks" => Some(Self::OptionGreeks),
            "full_d30" => Some(Self::FullD30),
            _ => None,
        }
    }

    const fn number(self) -> u64 {
        match self {
            Self::Ltpc => 0,
            Self::Full => 1,
            Self::OptionGreeks => 2,
            Self::FullD30 => 3,
        }
    }
}

/// Sort of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// The answer to a subscription.
    Initial,
    /// Changes.
    Live,
    /// State of the exchange's segments.
    MarketInfo,
}

/// What the closing auction shows of a share.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Auction {
    /// Price at which most would trade, rupees.
    pub price: f64,
    /// Reference price, rupees.
    pub reference: f64,
    /// Units that would trade.
    pub qty: i64,
    /// Units wanted less units offered beyond that.
    pub imbalance: i64,
    /// Of these, units of market orders.
    pub imbalance_market: i64,
}

/// What an entry holds beyond its tick.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras<'a> {
    /// The book in place of the tick's own.
    pub levels: Option<&'a [Level]>,
    /// The last complete half hour.
    pub half_hour: Option<&'a Candle>,
    /// The closing auction, while it runs.
    pub auction: Option<Auction>,
    /// Whether the instrument takes part in closing auctions.
    pub is_auction_eligible: bool,
    /// Whether an empty book is left out instead of told empty.
    pub omits_empty_book: bool,
}

/// Starts a message.
pub fn begin(into: &mut Vec<u8>, kind: FrameKind) {
    varint_field(
        into,
        1,
        match kind {
            FrameKind::Initial => 0,
            FrameKind::Live => 1,
            FrameKind::MarketInfo => 2,
        },
    );
}

/// Adds the market of one instrument.
pub fn push(into: &mut Vec<u8>, key: &str, kind: InstrumentKind, tick: &DayTick, mode: FeedMode) {
    push_with(into, key, kind, tick, mode, &Extras::default());
}

/// Adds the market of one instrument, with what the tick does not hold.
pub fn push_with(
    into: &mut Vec<u8>,
    key: &str,
    kind: InstrumentKind,
    tick: &DayTick,
    mode: FeedMode,
    extras: &Extras<'_>,
) {
    nested(into, 2, |entry| {
        text_field(entry, 1, key);
        nested(entry, 2, |feed| match mode {
            FeedMode::Ltpc => nested(feed, 1, |ltpc| put_ltpc(ltpc, tick, extras)),
            FeedMode::Full | FeedMode::FullD30 => {
                nested(feed, 2, |full| match kind {
                    InstrumentKind::Index => nested(full, 2, |index| put_index(index, tick, extras)),
                    InstrumentKind::Equity
                    | InstrumentKind::Future
                    | InstrumentKind::Call
                    | InstrumentKind::Put => nested(full, 1, |market| put_market(market, tick, extras)),
                });
                varint_field(feed, 4, mode.number());
            }
            FeedMode::OptionGreeks => {
                nested(feed, 3, |first| put_first_level(first, tick, extras));
                varint_field(feed, 4, mode.number());
            }
        });
    });
}

/// Ends a message with the server's time.
pub fn finish(into: &mut Vec<u8>, now: TsNs) {
    int_field(into, 3, now.get().div_euclid(1_000_000));
}

/// A whole `market_info` message.
pub fn market_info(into: &mut Vec<u8>, now: TsNs, state: &MarketState) {
    begin(into, FrameKind::MarketInfo);
    finish(into, now);
    nested(into, 4, |info| {
        for (segment, status) in &state.segments {
            nested(info, 1, |entry| {
                text_field(entry, 1, segment);
                varint_field(entry, 2, *status);
            });
        }
        for (field, list) in [(2, &state.auction), (3, &state.pre_open)] {
            for told in list {
                nested(info, field, |entry| put_told(entry, told));
            }
        }
    });
}

fn put_told(into: &mut Vec<u8>, told: &Told) {
    text_field(into, 1, told.segment);
    nested(into, 2, |status| {
        text_field(status, 1, told.word);
        int_field(status, 2, told.since_ms);
    });
}

fn put_ltpc(into: &mut Vec<u8>, tick: &DayTick, extras: &Extras<'_>) {
    double_field(into, 1, tick.ltp);
    int_field(into, 2, tick.ltt_ms);
    int_field(into, 3, tick.ltq);
    double_field(into, 4, tick.prev_close);
    if let Some(auction) = &extras.auction {
        nested(into, 5, |wrapped| double_field(wrapped, 1, auction.price));
    }
}

fn put_market(into: &mut Vec<u8>, tick: &DayTick, extras: &Extras<'_>) {
    nested(into, 1, |ltpc| put_ltpc(ltpc, tick, extras));
    let levels = extras.levels.unwrap_or(&tick.levels[..tick.level_count as usize]);
    if !(levels.is_empty() && extras.omits_empty_book) {
        nested(into, 2, |book| {
            for level in levels {
                nested(book, 1, |quote| put_level(quote, level));
            }
        });
    }
    put_greeks(into, 3, tick);
    nested(into, 4, |candles| put_candles(candles, tick, extras));
    double_field(into, 5, tick.atp);
    int_field(into, 6, tick.volume);
    double_field(into, 7, tick.oi);
    double_field(into, 8, tick.iv);
    double_field(into, 9, tick.total_bid_qty);
    double_field(into, 10, tick.total_ask_qty);
    if let Some(auction) = &extras.auction {
        double_field(into, 11, auction.price);
        double_field(into, 12, auction.reference);
        int_field(into, 13, auction.qty);
        int_field(into, 14, auction.imbalance);
        int_field(into, 15, auction.imbalance_market);
    }
    varint_field(into, 16, u64::from(extras.is_auction_eligible));
}

fn put_index(into: &mut Vec<u8>, tick: &DayTick, extras: &Extras<'_>) {
    nested(into, 1, |ltpc| put_ltpc(ltpc, tick, extras));
    nested(into, 2, |candles| put_candles(candles, tick, extras));
}

fn put_first_level(into: &mut Vec<u8>, tick: &DayTick, extras: &Extras<'_>) {
    nested(into, 1, |ltpc| put_ltpc(ltpc, tick, extras));
    if tick.level_count > 0 {
        nested(into, 2, |quote| put_level(quote, &tick.levels[0]));
    }
    put_greeks(into, 3, tick);
    int_field(into, 4, tick.volume);
    double_field(into, 5, tick.oi);
    double_field(into, 6, tick.iv);
}

fn put_greeks(into: &mut Vec<u8>, field: u64, tick: &DayTick) {
    if let Some(greeks) = &tick.greeks {
        nested(into, field, |block| {
            double_field(block, 1, greeks.delta);
            double_field(block, 2, greeks.theta);
            double_field(block, 3, greeks.gamma);
            double_field(block, 4, greeks.vega);
            double_field(block, 5, greeks.rho);
        });
    }
}

fn put_level(into: &mut Vec<u8>, level: &Level) {
    int_field(into, 1, level.bid_qty);
    double_field(into, 2, level.bid);
    int_field(into, 3, level.ask_qty);
    double_field(into, 4, level.ask);
}

fn put_candles(into: &mut Vec<u8>, tick: &DayTick, extras: &Extras<'_>) {
    let half_hour = extras.half_hour.map(|candle| ("I30", candle));
    for (interval, candle) in [("1d", &tick.day), ("I1", &tick.minute)]
        .into_iter()
        .chain(half_hour)
    {
        if candle.start_ms != 0 {
            nested(into, 1, |block| put_candle(block, interval, candle));
        }
    }
}

fn put_candle(into: &mut Vec<u8>, interval: &str, candle: &Candle) {
    text_field(into, 1, interval);
    double_field(into, 2, candle.open);
    double_field(into, 3, candle.high);
    double_field(into, 4, candle.low);
    double_field(into, 5, candle.close);
    int_field(into, 6, candle.volume);
    int_field(into, 7, candle.start_ms);
}

fn varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

fn varint_field(into: &mut Vec<u8>, field: u64, value: u64) {
    if value != 0 {
        varint(into, field << 3);
        varint(into, value);
    }
}

/// Negative numbers take ten bytes, as protobuf's `int64` does.
fn int_field(into: &mut Vec<u8>, field: u64, value: i64) {
    varint_field(into, field, value as u64);
}

fn double_field(into: &mut Vec<u8>, field: u64, value: f64) {
    if value.to_bits() != 0 {
        varint(into, field << 3 | 1);
        into.extend_from_slice(&value.to_bits().to_le_bytes());
    }
}

fn text_field(into: &mut Vec<u8>, field: u64, text: &str) {
    if !text.is_empty() {
        varint(into, field << 3 | 2);
        varint(into, text.len() as u64);
        into.extend_from_slice(text.as_bytes());
    }
}

/// Writes a nested message; its length is put in front afterwards, moving the bytes if it takes more than one.
fn nested(into: &mut Vec<u8>, field: u64, write: impl FnOnce(&mut Vec<u8>)) {
    varint(into, field << 3 | 2);
    let at = into.len();
    into.push(0);
    write(into);
    let bytes = into.len() - at - 1;
    if bytes < 0x80 {
        into[at] = bytes as u8;
        return;
    }
    let mut length = [0; 10];
    let mut used = 0;
    let mut left = bytes;
    while left >= 0x80 {
        length[used] = left as u8 | 0x80;
        left >>= 7;
        used += 1;
    }
    length[used] = left as u8;
    used += 1;
    let end = into.len();
    into.resize(end + used - 1, 0);
    into.copy_within(at + 1..end, at + used);
    into[at..at + used].copy_from_slice(&length[..used]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn an_initial_ltpc_message_has_the_golden_bytes() {
        let tick = DayTick {
            ltp: 219.3,
            ltt_ms: 1_740_729_552_723,
            ltq: 75,
            prev_close: 494.05,
            ..DayTick::default()
        };
        let mut bytes = Vec::new();
        begin(&mut bytes, FrameKind::Initial);
        push(
            &mut bytes,
            "NSE_FO|45450",
            InstrumentKind::Call,
            &tick,
            FeedMode::Ltpc,
        );
        finish(&mut bytes, TsNs::from_millis(1_740_729_566_039));
        assert_eq!(
            hex(&bytes),
            "122d0a0c4e53455f464f7c3435343530121d0a1b099a99999999696b4010d39ec4dcd432184b21cdcccccccce07e4018d786c5dcd432"
        );
    }

    #[test]
    fn a_live_full_message_has_the_golden_bytes_where_it_has_no_auction_fields() {
        let tick = DayTick {
            ltp: 2_950.5,
            levels: [Level {
                bid_qty: 10,
                bid: 2_950.4,
                ask_qty: 20,
                ask: 2_950.6,
            }; 5],
            level_count: 1,
            minute: Candle {
                open: 1.0,
                high: 2.0,
                low: 0.5,
                close: 1.5,
                volume: 9,
                start_ms: 1_740_729_540_000,
            },
            volume: 1_000,
            ..DayTick::default()
        };
        let mut bytes = Vec::new();
        begin(&mut bytes, FrameKind::Live);
        push(
            &mut bytes,
            "NSE_EQ|INE002A01018",
            InstrumentKind::Equity,
            &tick,
            FeedMode::Full,
        );
        finish(&mut bytes, TsNs::from_millis(1_740_729_566_040));
        // The sheet's vector C less `iep` (11 bytes) and `casEligible` (3 bytes), with lengths to match.
        assert_eq!(
            hex(&bytes),
            "0801127a0a134e53455f45517c494e453030324130313031381263125f0a5d0a090900000000000da7401218\
             0a16080a11cdcccccccc0ca74018142133333333330da74022330a310a02493111000000000000f03f190000\
             00000000004021000000000000e03f29000000000000f83f300938a0bbc3dcd43230e807200118d886c5dcd432"
        );
    }

    #[test]
    fn market_info_tells_every_segment_and_the_golden_entry_among_them() {
        let day = bijli_core::IstDay::from_ymd(2024, 11, 28).expect("a real date");
        let now = TsNs::from_millis(1_732_775_008_661);
        let mut bytes = Vec::new();
        market_info(&mut bytes, now, &MarketState::at(day, now));
        let text = hex(&bytes);
        assert!(text.starts_with("08021895b3c18bb73222"), "{text}");
        assert!(text.contains("0a0a0a064e53455f464f1002"), "{text}");
    }

    #[test]
    fn a_long_nested_message_gets_its_length_in_two_bytes() {
        let mut bytes = Vec::new();
        nested(&mut bytes, 1, |block| block.extend_from_slice(&[7; 300]));
        assert_eq!((bytes.len(), &bytes[..3]), (303, &[0x0a, 0xac, 0x02][..]));
        assert!(bytes[3..].iter().all(|byte| *byte == 7));
    }
}
