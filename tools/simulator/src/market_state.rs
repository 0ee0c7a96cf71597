//! What `market_info` says: the state of each segment by the clock, the closing auction, the pre-open session.
//!
//! Source: the exchange's hours (`bijli_core::session`) and the words of the broker's feed. Shares have a closing
//! auction on days on which they close before the derivatives. The pre-open session is not played: a day that
//! begins earlier is told open. Currencies and commodities keep round hours and never tick.

use bijli_core::session::Market;
use bijli_core::{DurationNs, IstDay, TsNs};

use crate::day::hours;

/// Numbers of the schema's `MarketStatus`.
const NORMAL_OPEN: u64 = 2;
const NORMAL_CLOSE: u64 = 3;
const CLOSING_START: u64 = 4;
const CLOSING_END: u64 = 5;

/// Segments and the hours that they keep.
const SEGMENTS: [(&str, Hours); 11] = [
    ("NSE_EQ", Hours::Cash),
    ("NSE_FO", Hours::Derivatives),
    ("NSE_COM", Hours::Until(23, 30)),
    ("NSE_INDEX", Hours::Index),
    ("NCD_FO", Hours::Until(17, 0)),
    ("BSE_EQ", Hours::Cash),
    ("BSE_FO", Hours::Derivatives),
    ("BSE_INDEX", Hours::Index),
    ("BCD_FO", Hours::Until(17, 0)),
    ("MCX_FO", Hours::Until(23, 30)),
    ("MCX_INDEX", Hours::Until(23, 30)),
];
/// Steps of the closing auction, in minutes after the close of continuous trading.
const AUCTION: [(i64, &str); 4] = [
    (0, "CTS_CLOSE"),
    (5, "CAS_LM_START"),
    (15, "CAS_M_STOP"),
    (20, "CAS_STOP"),
];
const AUCTION_SEGMENTS: [&str; 2] = ["NSE_EQ", "BSE_EQ"];

#[derive(Clone, Copy)]
enum Hours {
    /// With a closing auction, if the day has one.
    Cash,
    Index,
    Derivatives,
    Until(i64, i64),
}

/// A word and the time since which it holds, epoch milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Segment.
    pub segment: &'static str,
    /// The word.
    pub word: &'static str,
    /// Since when, epoch milliseconds.
    pub since_ms: i64,
}

/// The state of the market at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketState {
    /// Number of the status of each segment.
    pub segments: Vec<(&'static str, u64)>,
    /// Where the closing auction stands; empty on days without one, and before it.
    pub auction: Vec<Told>,
    /// Where the pre-open session stands: over.
    pub pre_open: Vec<Told>,
}

impl MarketState {
    /// The state at `now` on a trading day.
    #[must_use]
    pub fn at(day: IstDay, now: TsNs) -> Self {
        let segments = SEGMENTS
            .iter()
            .map(|(segment, hours)| (*segment, status(day, now, *hours)))
            .collect();
        let close = hours(day, Market::Cash).close;
        let step = AUCTION
            .iter()
            .map(|(minutes, word)| (close.plus(DurationNs::from_secs(minutes * 60)), *word))
            .rfind(|(since, _)| has_auction(day) && *since <= now);
        let told = |segment, word, since: TsNs| Told {
            segment,
            word,
            since_ms: since.get() / 1_000_000,
        };
        let pre_open_end = day.at(DurationNs::from_hm(9, 8));
        Self {
            segments,
            auction: step.map_or_else(Vec::new, |(since, word)| {
                AUCTION_SEGMENTS
                    .map(|segment| told(segment, word, since))
                    .to_vec()
            }),
            pre_open: AUCTION_SEGMENTS
                .map(|segment| told(segment, "PRE_OPEN_M_END", pre_open_end))
                .to_vec(),
        }
    }

    /// Whether orders for the closing auction are collected.
    #[must_use]
    pub fn is_collecting(&self) -> bool {
        self.auction
            .iter()
            .any(|told| ["CAS_LM_START", "CAS_M_STOP"].contains(&told.word))
    }
}

/// Whether shares have a closing auction on a day.
#[must_use]
pub fn has_auction(day: IstDay) -> bool {
    hours(day, Market::Cash).close < hours(day, Market::Derivatives).close
}

fn status(day: IstDay, now: TsNs, kept: Hours) -> u64 {
    let close = match kept {
        Hours::Cash | Hours::Index => hours(day, Market::Cash).close,
        Hours::Derivatives => hours(day, Market::Derivatives).close,
        Hours::Until(hour, minute) => day.at(DurationNs::from_hm(hour, minute)),
    };
    let auction_end = close.plus(DurationNs::from_secs(AUCTION[3].0 * 60));
    match kept {
        _ if now < close => NORMAL_OPEN,
        Hours::Cash if has_auction(day) && now < auction_end => CLOSING_START,
        Hours::Cash if has_auction(day) => CLOSING_END,
        _ => NORMAL_CLOSE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(day: (i32, u32, u32), hour: i64, minute: i64) -> (u64, u64, Option<&'static str>) {
        let day = IstDay::from_ymd(day.0, day.1, day.2).expect("a real date");
        let state = MarketState::at(day, day.at(DurationNs::from_hm(hour, minute)));
        let of = |name: &str| {
            let found = state.segments.iter().find(|(segment, _)| *segment == name);
            found.expect("a segment").1
        };
        (
            of("NSE_EQ"),
            of("NSE_FO"),
            state.auction.first().map(|told| told.word),
        )
    }

    #[test]
    fn a_day_without_auction_closes_at_once() {
        let day = (2026, 7, 31);
        assert_eq!(seen(day, 9, 14), (2, 2, None));
        assert_eq!(seen(day, 15, 29), (2, 2, None));
        assert_eq!(seen(day, 15, 30), (3, 3, None));
    }

    #[test]
    fn a_day_with_auction_goes_through_its_steps_while_derivatives_trade_on() {
        let day = (2026, 8, 3);
        assert_eq!(seen(day, 15, 14), (2, 2, None));
        assert_eq!(seen(day, 15, 15), (4, 2, Some("CTS_CLOSE")));
        assert_eq!(seen(day, 15, 20), (4, 2, Some("CAS_LM_START")));
        assert_eq!(seen(day, 15, 30), (4, 2, Some("CAS_M_STOP")));
        assert_eq!(seen(day, 15, 35), (5, 2, Some("CAS_STOP")));
        assert_eq!(seen(day, 15, 40), (5, 3, Some("CAS_STOP")));
    }
}
