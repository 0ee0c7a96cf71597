//! What a contract that does not tick is worth: its candles, book, volume and open interest, derived from the
//! minutes of its underlying.
//!
//! Prices follow Black's formula with a smile that the seed fixes for the day; a call and a put of one strike
//! have one volatility, so parity holds to a price step. Everything is a function of the seed and the
//! underlying's candles: asked twice, the same answer; the last candle's close is the last price. Volume and
//! open interest are invented. Only days that are invented as a whole have such contracts.

use bijli_core::instrument::InstrumentKind;
use bijli_core::price::Round;
use bijli_core::session::{Market, SessionTimes};
use bijli_core::{DurationNs, IstDay, Price, TsNs};

use super::bar::{Bar, MS_PER_MINUTE};
use super::black76::{Option76, forward};
use crate::day::{DayInstrument, DayTick, Greeks, LEVELS, Level, hours, price_of};
use crate::random::Random;

const MS_PER_DAY: f64 = 86_400_000.0;
/// Days from listing to expiry.
const LISTED_DAYS: i32 = 92;

/// A number that a text stands for, to give its stream of randomness a name (FNV-1a, 64 bits).
pub(super) fn purpose(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A number from 0 to 1 out of a stream.
pub(super) fn unit(random: &mut Random) -> f64 {
    random.between(0, 1_000_000) as f64 / 1_000_000.0
}

/// A contract with what its prices are made from.
#[derive(Clone, Debug)]
pub(super) struct Derived {
    pub(super) instrument: DayInstrument,
    /// Number of the underlying.
    pub(super) underlying: u32,
    expiry_ms: i64,
    /// Volatility; 0 for a future.
    pub(super) vol: f64,
    /// Lots a minute in the middle of the day.
    activity: i64,
    /// Lots of open interest at the open of the played day.
    interest: f64,
    /// Share of it that a day adds.
    drift: f64,
    day: IstDay,
    times: SessionTimes,
    seed: u64,
}

impl Derived {
    /// A contract as it stands on `day`, whose underlying closed at `reference` rupees the day before.
    pub(super) fn new(
        instrument: DayInstrument,
        underlying: u32,
        reference: f64,
        day: IstDay,
        seed: u64,
    ) -> Self {
        let expiry = instrument.expiry.unwrap_or(day);
        let root = instrument.underlying.as_ref().map_or(0, |(key, _)| purpose(key));
        let mut of_root = Random::new(seed, root);
        let calm = instrument
            .underlying
            .as_ref()
            .is_some_and(|(key, _)| key.starts_with("NSE_INDEX"));
        let base = if calm {
            0.11 + 0.05 * unit(&mut of_root)
        } else {
            0.24 + 0.18 * unit(&mut of_root)
        };
        let is_option = instrument.kind.is_option();
        let away = if is_option {
            (instrument.strike.rupees() / reference.max(1.0)).ln() / (base * 0.25)
        } else {
            0.0
        };
        let mut own = Random::new(seed, purpose(&instrument.key));
        let near = 1.0 / (1.0 + away * away);
        Self {
            underlying,
            expiry_ms: hours(expiry, Market::Derivatives).close.get() / 1_000_000,
            vol: if is_option {
                (base * (1.0 - 0.06 * away + 0.08 * away * away)).clamp(0.05, 1.5)
            } else {
                0.0
            },
            activity: 1 + (200.0 * near * (0.3 + unit(&mut own))) as i64,
            interest: 200.0 + 40_000.0 * near * (0.2 + unit(&mut own)),
            drift: 0.16 * unit(&mut own) - 0.08,
            day,
            times: hours(day, Market::Derivatives),
            seed: own.word(),
            instrument,
        }
    }

    fn years(&self, ms: i64) -> f64 {
        (self.expiry_ms - ms).max(0) as f64 / MS_PER_DAY / 365.0
    }

    /// The option at one moment; `None` for a future.
    pub(super) fn option(&self, spot: f64, ms: i64) -> Option<Option76> {
        self.instrument.kind.is_option().then(|| Option76 {
            is_call: self.instrument.kind == InstrumentKind::Call,
            spot,
            strike: self.instrument.strike.rupees(),
            years: self.years(ms),
            vol: self.vol,
        })
    }

    /// The price at a spot, on the grid and never below its first step; 0 without a spot.
    pub(super) fn price(&self, spot: f64, ms: i64) -> f64 {
        if spot <= 0.0 {
            return 0.0;
        }
        let worth = self
            .option(spot, ms)
            .map_or_else(|| forward(spot, self.years(ms)), Option76::price);
        let step = self.instrument.tick.get();
        // Half a step up, then down: the nearest.
        let nearest = Price::new(price_of(worth).get() + step / 2).on_tick(self.instrument.tick, Round::Down);
        Price::new(nearest.get().max(step)).rupees()
    }

    /// The close of the day before.
    pub(super) fn prev_close(&self, reference: f64) -> f64 {
        let before = crate::day::derivatives::trading_day_before(self.day);
        let close = hours(before, Market::Derivatives).close;
        self.price(reference, close.get() / 1_000_000)
    }

    /// The first day of its life: contracts of an invented day are listed for a quarter.
    pub(super) fn listed_since(&self) -> IstDay {
        IstDay::new(self.instrument.expiry.unwrap_or(self.day).get() - LISTED_DAYS)
    }

    /// Units of open interest at a moment: grows or falls a little every day, by a straight line in the session.
    pub(super) fn oi(&self, ms: i64) -> f64 {
        let day = TsNs::from_millis(ms).ist_day();
        let (open, close) = (
            self.times.open.ist_time_of_day(),
            self.times.close.ist_time_of_day(),
        );
        let passed = TsNs::from_millis(ms).ist_time_of_day().minus(open).get() as f64;
        let session = close.minus(open).get() as f64;
        let days = f64::from(day.get() - self.day.get()) + (passed / session).clamp(0.0, 1.0);
        let lots = self.interest * (1.0 + self.drift * days).clamp(0.05, 3.0);
        (lots as i64 * self.instrument.lot.get()) as f64
    }

    /// Open interest at the end of the day before.
    pub(super) fn prev_oi(&self) -> f64 {
        self.oi(self.day.at(DurationNs::ZERO).get() / 1_000_000)
    }

    /// The bar of a minute of the underlying.
    pub(super) fn bar(&self, under: &Bar) -> Bar {
        let ms = under.candle.start_ms;
        let price = |rupees| self.price(rupees, ms);
        let mut bar = Bar::at(ms, price(under.candle.open));
        for rupees in [under.candle.high, under.candle.low, under.candle.close] {
            bar.trade(price(rupees), 0);
        }
        let mut random = Random::new(self.seed, ms.unsigned_abs());
        bar.candle.volume = random.between(0, 2 * self.activity) * self.instrument.lot.get();
        bar.oi = self.oi(ms + MS_PER_MINUTE);
        bar
    }

    /// The market of the contract, given the minutes of its underlying so far.
    pub(super) fn tick(&self, under: &DayTick, under_bars: &[Bar], reference: f64) -> DayTick {
        let prev_close = self.prev_close(reference);
        let bars: Vec<Bar> = under_bars.iter().map(|bar| self.bar(bar)).collect();
        let (Some(last), Some(spot)) = (bars.last(), under_bars.last()) else {
            return DayTick {
                prev_close,
                oi: self.prev_oi(),
                ..DayTick::default()
            };
        };
        let ms = last.candle.start_ms;
        let mut day = bars[0];
        for bar in &bars[1..] {
            day.join(bar);
        }
        day.candle.start_ms = self.day.at(DurationNs::ZERO).get() / 1_000_000;
        let turnover: f64 = bars
            .iter()
            .map(|bar| bar.candle.close * bar.candle.volume as f64)
            .sum();
        let option = self.option(spot.candle.close, ms);
        let mut tick = DayTick {
            ts: under.ts,
            ltp: last.candle.close,
            ltt_ms: under.ltt_ms,
            ltq: self.instrument.lot.get(),
            prev_close,
            greeks: option.map(|option| greeks_of(&option)),
            day: day.candle,
            minute: bars[bars.len().saturating_sub(2)].candle,
            volume: day.candle.volume,
            atp: if day.candle.volume > 0 {
                (turnover / day.candle.volume as f64 * 100.0).round() / 100.0
            } else {
                0.0
            },
            oi: last.oi,
            iv: (self.vol * 10_000.0).round() / 10_000.0,
            ..DayTick::default()
        };
        self.put_book(&mut tick, ms);
        tick
    }

    fn put_book(&self, tick: &mut DayTick, ms: i64) {
        let mut random = Random::new(self.seed, 0xb00c ^ ms.unsigned_abs());
        let (last, step, lot) = (
            price_of(tick.ltp).get(),
            self.instrument.tick.get(),
            self.instrument.lot.get(),
        );
        tick.level_count = LEVELS as u8;
        for (level, away) in tick.levels.iter_mut().zip(1_i64..) {
            let bid = last - away * step;
            *level = Level {
                bid_qty: if bid > 0 { random.between(1, 40) * lot } else { 0 },
                bid: Price::new(bid.max(0)).rupees(),
                ask_qty: random.between(1, 40) * lot,
                ask: Price::new(last + away * step).rupees(),
            };
            tick.total_bid_qty += (level.bid_qty * 9) as f64;
            tick.total_ask_qty += (level.ask_qty * 9) as f64;
        }
    }
}

/// Greeks to four places, as the broker sends them.
fn greeks_of(option: &Option76) -> Greeks {
    let round = |value: f64| (value * 10_000.0).round() / 10_000.0;
    let sensitivity = option.sensitivity();
    Greeks {
        delta: round(sensitivity.delta),
        theta: round(sensitivity.theta),
        gamma: round(sensitivity.gamma),
        vega: round(sensitivity.vega),
        rho: round(sensitivity.rho),
    }
}
