//! Frames by seed: real messages with other numbers in them, random messages, and damaged ones of both.
//!
//! Invariants: the same seed and the same real messages give the same frames. Without real messages the shapes of
//! all modes are drawn alone.

use bijli_feed::upstox::proto::{self, feed::FeedUnion, full_feed::FullFeedUnion};
use prost::Message;

use crate::scramble::{Kind, Random, scramble};

const SEGMENTS: [&str; 6] = ["NSE_EQ", "NSE_FO", "NSE_INDEX", "BSE_EQ", "MCX_FO", "XYZ"];
const KEYS: [&str; 6] = [
    "NSE_FO|45450",
    "NSE_EQ|INE002A01018",
    "NSE_INDEX|Nifty 50",
    "BSE_FO|1128392",
    "X",
    "MCX_FO|A key far longer than any that the broker has ever given",
];

/// The source of frames.
pub(crate) struct Frames {
    random: Random,
    real: Vec<proto::FeedResponse>,
}

impl Frames {
    /// Frames of a seed; `real` holds messages, each behind its length in four bytes.
    pub(crate) fn new(seed: u64, real: &[u8]) -> Self {
        let (mut messages, mut rest) = (Vec::new(), real);
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (message, after) = after.split_at(u32::from_le_bytes(*length) as usize);
            messages.push(proto::FeedResponse::decode(message).expect("the file holds sound messages"));
            rest = after;
        }
        Self {
            random: Random::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            real: messages,
        }
    }

    /// The next frame.
    pub(crate) fn next_into(&mut self, frame: &mut Vec<u8>) {
        let is_real = !self.real.is_empty() && self.random.below(100) < 55;
        let message = if is_real {
            self.real_shaped()
        } else {
            self.message()
        };
        frame.clear();
        message.encode(frame).expect("a vector grows");
        match self.random.below(10) {
            0 => *frame = scramble(Kind::Response, frame, &mut self.random),
            1..=3 => self.damage(frame),
            _ => {}
        }
    }

    /// A real message, cut to a few feeds, with some numbers changed.
    fn real_shaped(&mut self) -> proto::FeedResponse {
        let mut message = self.real[self.random.below(self.real.len())].clone();
        let keep = if self.random.below(20) == 0 {
            usize::MAX
        } else {
            1 + self.random.below(4)
        };
        let start = self.random.below(message.feeds.len());
        message.feeds = message.feeds.into_iter().skip(start).take(keep).collect();
        message.current_ts += self.random.below(100_000) as i64;
        for feed in message.feeds.values_mut() {
            let Some(FeedUnion::FullFeed(full)) = &mut feed.feed_union else {
                continue;
            };
            match &mut full.full_feed_union {
                Some(FullFeedUnion::MarketFf(market)) => self.move_market(market),
                Some(FullFeedUnion::IndexFf(index)) => self.move_ltpc(index.ltpc.as_mut()),
                None => {}
            }
        }
        message
    }

    fn move_market(&mut self, market: &mut proto::MarketFullFeed) {
        self.move_ltpc(market.ltpc.as_mut());
        market.vtt += self.random.below(10_000) as i64;
        market.atp = self.paise();
        for quote in market
            .market_level
            .iter_mut()
            .flat_map(|book| &mut book.bid_ask_quote)
        {
            (quote.bid_q, quote.bid_p) = (self.random.below(100_000) as i64, self.paise());
            (quote.ask_q, quote.ask_p) = (self.random.below(100_000) as i64, self.paise());
        }
        if self.random.below(50) == 0 {
            market.ltpc = None;
        }
        if self.random.below(50) == 0 {
            market.option_greeks = None;
        }
    }

    fn move_ltpc(&mut self, ltpc: Option<&mut proto::Ltpc>) {
        if let Some(ltpc) = ltpc {
            ltpc.ltp = self.paise();
            ltpc.ltt += self.random.below(60_000) as i64;
            ltpc.ltq = self.random.below(5_000) as i64;
        }
    }

    fn paise(&mut self) -> f64 {
        self.random.below(100_000_000) as f64 / 100.0
    }

    fn double(&mut self) -> f64 {
        match self.random.below(8) {
            0 => 0.0,
            1 => -0.0,
            2 => f64::from_bits(self.word()),
            3 => [f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, f64::MAX][self.random.below(4)],
            _ => self.paise(),
        }
    }

    fn int(&mut self) -> i64 {
        match self.random.below(6) {
            0 => 0,
            1 => self.word().cast_signed(),
            2 => -(self.random.below(1_000) as i64),
            _ => self.random.below(2_000_000_000) as i64,
        }
    }

    fn word(&mut self) -> u64 {
        (self.random.below(1 << 32) as u64) << 32 | self.random.below(1 << 32) as u64
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.random.below(4) > 0).then(|| make(self))
    }

    fn message(&mut self) -> proto::FeedResponse {
        let feeds = (0..self.random.below(4))
            .map(|_| (self.key(), self.feed()))
            .collect();
        proto::FeedResponse {
            r#type: self.random.below(5) as i32 - 1,
            feeds,
            current_ts: self.int(),
            market_info: (self.random.below(5) == 0).then(|| self.market_info()),
        }
    }

    fn key(&mut self) -> String {
        match self.random.below(4) {
            0 => format!("NSE_FO|{}", self.random.below(100_000)),
            _ => KEYS[self.random.below(KEYS.len())].to_owned(),
        }
    }

    fn market_info(&mut self) -> proto::MarketInfo {
        let word = |frames: &mut Self| SEGMENTS[frames.random.below(SEGMENTS.len())].to_owned();
        let statuses = (0..self.random.below(4)).map(|_| (word(self), self.random.below(8) as i32 - 1));
        let segment_status = statuses.collect();
        let mut words = || {
            let many = (0..self.random.below(3)).map(|_| {
                let status = ["CTS_CLOSE", "CAS_LM_START", "a word too long for its place", ""];
                let status = status[self.random.below(4)].to_owned();
                let updated_time = self.int();
                (word(self), proto::StatusInfo { status, updated_time })
            });
            many.collect()
        };
        proto::MarketInfo {
            segment_status,
            cas_market_status: words(),
            pre_open_session_status: words(),
        }
    }

    fn feed(&mut self) -> proto::Feed {
        let feed_union = match self.random.below(8) {
            0 => None,
            1 => Some(FeedUnion::Ltpc(self.ltpc())),
            2 | 3 => Some(FeedUnion::FirstLevelWithGreeks(self.first())),
            _ => Some(FeedUnion::FullFeed(self.full())),
        };
        proto::Feed {
            request_mode: self.random.below(6) as i32 - 1,
            feed_union,
        }
    }

    fn full(&mut self) -> proto::FullFeed {
        let full_feed_union = match self.random.below(8) {
            0 => None,
            1 | 2 => Some(FullFeedUnion::IndexFf(proto::IndexFullFeed {
                ltpc: self.maybe(Self::ltpc),
                market_ohlc: self.maybe(Self::candles),
            })),
            _ => Some(FullFeedUnion::MarketFf(self.market())),
        };
        proto::FullFeed { full_feed_union }
    }

    fn market(&mut self) -> proto::MarketFullFeed {
        proto::MarketFullFeed {
            ltpc: self.maybe(Self::ltpc),
            market_level: self.maybe(Self::book),
            option_greeks: self.maybe(Self::greeks),
            market_ohlc: self.maybe(Self::candles),
            atp: self.double(),
            vtt: self.int(),
            oi: self.double(),
            iv: self.double(),
            tbq: self.double(),
            tsq: self.double(),
            iep: self.double(),
            rp: self.double(),
            ieq: self.int(),
            iiq_total: self.int(),
            iiq_m: self.int(),
            cas_eligible: self.random.below(2) == 0,
        }
    }

    fn first(&mut self) -> proto::FirstLevelWithGreeks {
        proto::FirstLevelWithGreeks {
            ltpc: self.maybe(Self::ltpc),
            first_depth: self.maybe(Self::quote),
            option_greeks: self.maybe(Self::greeks),
            vtt: self.int(),
            oi: self.double(),
            iv: self.double(),
        }
    }

    fn ltpc(&mut self) -> proto::Ltpc {
        proto::Ltpc {
            ltp: self.double(),
            ltt: self.int(),
            ltq: self.int(),
            cp: self.double(),
            iep: (self.random.below(5) == 0).then(|| self.double()),
        }
    }

    fn quote(&mut self) -> proto::Quote {
        proto::Quote {
            bid_q: self.int(),
            bid_p: self.double(),
            ask_q: self.int(),
            ask_p: self.double(),
        }
    }

    fn book(&mut self) -> proto::MarketLevel {
        let levels = if self.random.below(12) == 0 {
            self.random.below(34)
        } else {
            5
        };
        proto::MarketLevel {
            bid_ask_quote: (0..levels).map(|_| self.quote()).collect(),
        }
    }

    fn greeks(&mut self) -> proto::OptionGreeks {
        proto::OptionGreeks {
            delta: self.double(),
            theta: self.double(),
            gamma: self.double(),
            vega: self.double(),
            rho: self.double(),
        }
    }

    fn candles(&mut self) -> proto::MarketOhlc {
        let candle = |frames: &mut Self| proto::Ohlc {
            interval: ["1d", "I1", "I30", "", "a long name"][frames.random.below(5)].to_owned(),
            open: frames.double(),
            high: frames.double(),
            low: frames.double(),
            close: frames.double(),
            vol: frames.int(),
            ts: frames.int(),
        };
        proto::MarketOhlc {
            ohlc: (0..self.random.below(6)).map(|_| candle(self)).collect(),
        }
    }

    /// One to three changes of single bytes, or a cut.
    fn damage(&mut self, frame: &mut Vec<u8>) {
        for _ in 0..=self.random.below(3) {
            if frame.is_empty() {
                return;
            }
            let at = self.random.below(frame.len());
            match self.random.below(5) {
                0 => frame.truncate(at),
                1 => frame[at] ^= 1 << self.random.below(8),
                2 => frame[at] = self.random.below(256) as u8,
                3 => frame.insert(at, self.random.below(256) as u8),
                _ => {
                    frame.remove(at);
                }
            }
        }
    }
}
