//! An invented trading day: instruments, walking prices, ticks, and the feed frames that would carry them.
//!
//! Everything follows from a seed, so two runs measure the same bytes. Three instruments of four are shares, every
//! fourth is a call with Greeks. A full feed has five levels and two candles (the day's and the minute's), as the
//! broker sends it in mode `full`. Left out: any likeness to a real market beyond sizes and field widths.

use bijli_core::config::Config;
use bijli_core::event::{
    DataKind, FeedChanged, FeedState, ProcessStarted, Reconciled, SessionOpened, Tick, VenueKind,
};
use bijli_core::instrument::InstrumentKind;
use bijli_core::session::{Market, SessionTimes};
use bijli_core::text::Text;
use bijli_core::{Event, Instrument, InstrumentId, IstDay, Price, Qty, SectorId, TsNs};
use bijli_feed::upstox::proto;
use prost::Message;

/// Price step of every instrument, paise.
const TICK_PAISE: i64 = 5;
const LEVELS: i64 = 5;
/// `live_feed` on the wire.
const LIVE_FEED: i32 = 1;
/// `full_d5` on the wire.
const MODE_FULL: i32 = 1;

/// A small generator of reproducible numbers (Steele, Lea, Flood: SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

/// Instruments whose prices walk.
#[derive(Clone, Debug)]
pub struct SyntheticMarket {
    instruments: Vec<Instrument>,
    paise: Vec<i64>,
    volumes: Vec<i64>,
    dice: Dice,
}

impl Dice {
    /// Starts from a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// An integer from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.bits() % (high - low + 1) as u64) as i64
    }
}

/// The day on which everything happens.
#[must_use]
pub fn day() -> IstDay {
    IstDay::from_ymd(2026, 7, 31).expect("a trading day")
}

/// A day's table of `count` instruments, at most ten thousand.
#[must_use]
pub fn instruments(count: u32) -> Vec<Instrument> {
    assert!(count <= 10_000, "keys have four digits");
    (0..count).map(instrument).collect()
}

fn instrument(index: u32) -> Instrument {
    let id = InstrumentId::new(index);
    let is_call = index % 4 == 3;
    let key = if is_call {
        format!("NSE_FO|{}", 45_000 + index)
    } else {
        format!("NSE_EQ|INE{index:04}A0101")
    };
    Instrument {
        id,
        kind: if is_call {
            InstrumentKind::Call
        } else {
            InstrumentKind::Equity
        },
        underlying: if is_call { InstrumentId::new(index - 1) } else { id },
        tick: Price::from_paise(TICK_PAISE),
        lot: Qty::new(if is_call { 75 } else { 1 }),
        freeze: Qty::new(100_000),
        prev_close: Price::from_paise(99_000),
        expiry: if is_call {
            IstDay::new(day().get() + 20)
        } else {
            IstDay::new(0)
        },
        strike: if is_call {
            Price::from_paise(100_000)
        } else {
            Price::NONE
        },
        lower_band: Price::NONE,
        upper_band: Price::NONE,
        sector: SectorId::OTHER,
        key: Text::new(&key).expect("a key of at most forty bytes"),
        symbol: Text::new(&format!("S{index}")).expect("a short symbol"),
    }
}

/// What an engine hears before its first tick: session, configuration, instruments, start, live feed,
/// reconciliation.
#[must_use]
pub fn opening(instruments: &[Instrument], config: Config, ts: TsNs) -> Vec<Event> {
    let hours = |market| SessionTimes::of(day(), market).expect("a trading day");
    let opened = SessionOpened {
        ts,
        day: day(),
        data: DataKind::Synthetic,
        venue: VenueKind::Simulated,
        cash: hours(Market::Cash),
        derivatives: hours(Market::Derivatives),
    };
    let mut events = vec![Event::SessionOpened(opened), Event::Configured(config)];
    events.extend(instruments.iter().copied().map(Event::InstrumentListed));
    events.push(Event::ProcessStarted(ProcessStarted { ts, epoch: 1 }));
    events.push(Event::FeedChanged(FeedChanged {
        ts,
        state: FeedState::Live,
    }));
    events.push(Event::Reconciled(Reconciled {
        ts,
        broker_orders: 0,
        foreign_orders: 0,
    }));
    events
}

impl SyntheticMarket {
    /// A market of `count` instruments: shares at 1 000 rupees, calls at 100.
    #[must_use]
    pub fn new(count: u32, seed: u64) -> Self {
        let instruments = instruments(count);
        let start = |instrument: &Instrument| {
            if instrument.kind.is_option() {
                10_000
            } else {
                100_000
            }
        };
        Self {
            paise: instruments.iter().map(start).collect(),
            volumes: vec![0; instruments.len()],
            instruments,
            dice: Dice::new(seed),
        }
    }

    /// The day's table.
    #[must_use]
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// The broker's key of an instrument.
    #[must_use]
    pub fn key(&self, index: usize) -> &str {
        self.instruments[index].key.as_str()
    }

    /// Any instrument.
    pub fn any(&mut self) -> usize {
        self.dice.between(0, self.instruments.len() as i64 - 1) as usize
    }

    /// Moves the price of an instrument by at most two steps; answers price in paise and volume.
    fn step(&mut self, index: usize) -> (i64, i64) {
        let moved = self.paise[index] + self.dice.between(-2, 2) * TICK_PAISE;
        self.paise[index] = moved.max(100 * TICK_PAISE);
        self.volumes[index] += self.dice.between(1, 200);
        (self.paise[index], self.volumes[index])
    }

    /// The next tick of an instrument.
    pub fn tick(&mut self, index: usize, ts: TsNs) -> Tick {
        let (paise, volume) = self.step(index);
        Tick {
            ts,
            ts_event: ts,
            instrument: self.instruments[index].id,
            ltp: Price::from_paise(paise),
            bid: Price::from_paise(paise - TICK_PAISE),
            ask: Price::from_paise(paise + TICK_PAISE),
            bid_qty: Qty::new(1_000),
            ask_qty: Qty::new(1_000),
            ltq: Qty::new(1),
            volume: Qty::new(volume),
            ..Tick::default()
        }
    }

    /// The next full feed of an instrument, with its last trade of `ltq` units.
    pub fn feed(&mut self, index: usize, ts: TsNs, ltq: i64) -> proto::Feed {
        let (paise, volume) = self.step(index);
        let ts_ms = ts.get() / 1_000_000;
        let rupees = |paise: i64| paise as f64 / 100.0;
        let is_option = self.instruments[index].kind.is_option();
        let levels = (1..=LEVELS).map(|level| proto::Quote {
            bid_q: self.dice.between(1, 5_000),
            bid_p: rupees(paise - level * TICK_PAISE),
            ask_q: self.dice.between(1, 5_000),
            ask_p: rupees(paise + level * TICK_PAISE),
        });
        let market_level = proto::MarketLevel {
            bid_ask_quote: levels.collect(),
        };
        let candle = |interval: &str, vol, ts| proto::Ohlc {
            interval: interval.to_owned(),
            open: rupees(paise + 35),
            high: rupees(paise + 120),
            low: rupees(paise - 85),
            close: rupees(paise),
            vol,
            ts,
        };
        let midnight_ms = day().at(bijli_core::DurationNs::from_hm(0, 0)).get() / 1_000_000;
        let market = proto::MarketFullFeed {
            ltpc: Some(proto::Ltpc {
                ltp: rupees(paise),
                ltt: ts_ms,
                ltq,
                cp: 990.0,
                iep: None,
            }),
            market_level: Some(market_level),
            option_greeks: is_option.then_some(proto::OptionGreeks {
                delta: 0.4821,
                theta: -7.1403,
                gamma: 0.0013,
                vega: 11.8205,
                rho: 2.9134,
            }),
            market_ohlc: Some(proto::MarketOhlc {
                ohlc: vec![
                    candle("1d", volume, midnight_ms),
                    candle("I1", volume % 9_000, ts_ms / 60_000 * 60_000),
                ],
            }),
            atp: rupees(paise) + 0.37,
            vtt: volume,
            oi: if is_option { 1_234_575.0 } else { 0.0 },
            iv: if is_option { 0.1277 } else { 0.0 },
            tbq: 410_233.0,
            tsq: 398_120.0,
            ..proto::MarketFullFeed::default()
        };
        proto::Feed {
            request_mode: MODE_FULL,
            feed_union: Some(proto::feed::FeedUnion::FullFeed(proto::FullFeed {
                full_feed_union: Some(proto::full_feed::FullFeedUnion::MarketFf(market)),
            })),
        }
    }

    /// A live frame with the next full feeds of `indices`, in this order; the last trade of the last one has
    /// `last_ltq` units.
    pub fn frame(&mut self, indices: &[usize], ts: TsNs, last_ltq: i64) -> Vec<u8> {
        // Messages of one type may be joined by joining their bytes; an unordered map would shuffle the feeds.
        let head = proto::FeedResponse {
            r#type: LIVE_FEED,
            ..proto::FeedResponse::default()
        };
        let mut bytes = head.encode_to_vec();
        for (place, index) in indices.iter().enumerate() {
            let is_last = place + 1 == indices.len();
            let ltq = if is_last {
                last_ltq
            } else {
                self.dice.between(1, 500)
            };
            let feed = self.feed(*index, ts, ltq);
            let part = proto::FeedResponse {
                feeds: [(self.key(*index).to_owned(), feed)].into(),
                ..proto::FeedResponse::default()
            };
            bytes.extend(part.encode_to_vec());
        }
        let tail = proto::FeedResponse {
            current_ts: ts.get() / 1_000_000,
            ..proto::FeedResponse::default()
        };
        bytes.extend(tail.encode_to_vec());
        bytes
    }
}
