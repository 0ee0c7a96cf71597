//! A trading day that never was: invented stocks on a random walk, with planted spikes, all from one seed.
//!
//! Arithmetic is in integers, so a seed means the same day on every machine and in every build. Each stock
//! ticks every few seconds, faster during its spike; prices move on the exchange's grid, volume has the usual
//! shape of a day (high, low, high). The two indices are averages of the stocks. Names are invented on purpose:
//! nothing synthetic may look real. Left out: correlation between stocks, auctions, circuit breakers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bijli_core::event::DataKind;
use bijli_core::instrument::InstrumentKind;
use bijli_core::price::Round;
use bijli_core::session::Market;
use bijli_core::{IstDay, Price, Qty, TsNs};

use super::book::{self, Shape};
use super::spike::{Spike, plant};
use super::tape::{Tape, millis};
use super::tick_size::cash_tick;
use super::{DayError, DayInfo, DayInstrument, DaySource, DayTick, Morning, Past, derivatives};
use crate::random::Random;

const PREFIXES: [&str; 30] = [
    "AVINTA", "BRALOK", "CHAVEN", "DEVRAN", "ESHVAR", "FALGON", "GANDUR", "HIMVEL", "INDRAX", "JALMAT",
    "KAVERO", "LUMVAR", "MADHUX", "NARVEL", "OJASTI", "PRAVIK", "QUANTI", "RUDVAN", "SAMVIR", "TARUMO",
    "UDVIRA", "VAYUNO", "WAKRIN", "XENTRA", "YAMIKO", "ZORVEL", "AKSHOM", "BHUVIN", "DHARUX", "NILGRA",
];
const SUFFIXES: [&str; 6] = ["STL", "PHR", "FIN", "AUT", "CHM", "INF"];
/// The index that has weekly options.
pub(super) const BROAD_INDEX: &str = "SIM 50";
const INDICES: [(&str, i64); 2] = [(BROAD_INDEX, 24_800), ("SIM BANK", 55_300)];
/// Stocks that an index averages at most.
const INDEX_MEMBERS: usize = 50;
const INDEX_EVERY_MS: i64 = 1_000;
/// The walk has this many parts to 1/10 000 rupee, so that small steps are not rounded away.
const FINE: i64 = 1_024;
/// Share of ticks that change the book alone.
const QUOTE_ONLY_PPM: u32 = 200_000;
/// Ticks come so much faster during a spike.
const SPIKE_HURRY: i64 = 5;
/// Usual volume of the day against its average, per half hour from the open, percent.
const VOLUME_SHAPE: [i64; 14] = [220, 150, 115, 95, 80, 72, 66, 64, 66, 72, 84, 105, 150, 190];

/// One invented stock under way.
struct Stock {
    random: Random,
    tape: Tape,
    fair: i64,
    open_fair: i64,
    last_ms: i64,
    interval_ms: i64,
    walk_ppm: i64,
    trade_qty: i64,
    shape: Shape,
    spike: Option<Spike>,
}

/// The invented day.
pub struct SyntheticDay {
    info: DayInfo,
    stocks: Vec<Stock>,
    indices: Vec<Tape>,
    queue: BinaryHeap<Reverse<(i64, u32)>>,
    seed: u64,
    open_ms: i64,
    close_ms: i64,
}

impl SyntheticDay {
    /// Invents a day of `stocks` stocks and two indices. A day on which the exchange is shut gets the hours
    /// 09:15 to 15:30.
    #[must_use]
    pub fn new(day: IstDay, stocks: u32, seed: u64) -> Self {
        let times = super::hours(day, Market::Cash);
        let (open_ms, close_ms) = (millis(times.open), millis(times.close));
        let mut spikes = plant(seed, stocks, close_ms - open_ms);
        let mut info = DayInfo {
            day,
            data: DataKind::Synthetic,
            instruments: Vec::new(),
            notes: vec!["every price of this day is invented".to_owned()],
        };
        let mut queue = BinaryHeap::new();
        let mut all = Vec::new();
        for index in 0..stocks {
            let spike = spikes
                .iter()
                .position(|spike| spike.stock == index)
                .map(|at| spikes.swap_remove(at));
            let mut stock = Stock::invent(seed, index, day, spike);
            stock.last_ms = open_ms;
            info.instruments.push(listed(index, &stock));
            queue.push(Reverse((open_ms + stock.random.between(0, 3_000), index)));
            all.push(stock);
        }
        for (place, (symbol, _)) in INDICES.iter().enumerate() {
            info.instruments.push(super::contract::default_index(symbol));
            queue.push(Reverse((open_ms + 200, stocks + place as u32)));
        }
        Self {
            indices: INDICES
                .iter()
                .map(|(_, level)| Tape::new(day, *level as f64))
                .collect(),
            stocks: all,
            info,
            queue,
            seed,
            open_ms,
            close_ms,
        }
    }

    fn index_tick(&mut self, place: usize, ms: i64, into: &mut DayTick) {
        let stride = place + 1;
        let (mut sum, mut members) = (0_i64, 0_i64);
        for stock in self.stocks.iter().step_by(stride).take(INDEX_MEMBERS) {
            sum += (i128::from(stock.fair) * 10_000_000 / i128::from(stock.open_fair)) as i64;
            members += 1;
        }
        let ratio = if members == 0 { 10_000_000 } else { sum / members };
        let units = i128::from(INDICES[place].1 * 10_000) * i128::from(ratio) / 10_000_000;
        let level = Price::new(units as i64).on_tick(Price::from_paise(5), Round::Down);
        let tape = &mut self.indices[place];
        tape.trade(ms, level.rupees(), 0, 0);
        tape.write(into);
    }
}

impl DaySource for SyntheticDay {
    fn info(&self) -> &DayInfo {
        &self.info
    }

    fn morning(&self) -> Morning {
        let tapes = self.stocks.iter().map(|stock| &stock.tape).chain(&self.indices);
        let closes: Vec<f64> = tapes.map(Tape::prev_close).collect();
        Morning {
            contracts: derivatives::listed(self.info.day, &self.info.instruments, &closes),
            closes,
            past: Past::Invented(self.seed),
        }
    }

    fn next_tick(&mut self, into: &mut DayTick) -> Result<bool, DayError> {
        let Some(Reverse((ms, instrument))) = self.queue.pop() else {
            return Ok(false);
        };
        *into = DayTick {
            ts: TsNs::from_millis(ms),
            instrument,
            ..DayTick::default()
        };
        let index = instrument as usize;
        let interval_ms = if let Some(stock) = self.stocks.get_mut(index) {
            stock.tick(ms, self.open_ms, into);
            stock.next_interval(ms - self.open_ms)
        } else {
            self.index_tick(index - self.stocks.len(), ms, into);
            INDEX_EVERY_MS
        };
        if ms + interval_ms < self.close_ms {
            self.queue.push(Reverse((ms + interval_ms, instrument)));
        }
        Ok(true)
    }
}

impl Stock {
    fn invent(seed: u64, index: u32, day: IstDay, spike: Option<Spike>) -> Self {
        let mut random = Random::new(seed, 0x1_0000 + u64::from(index));
        // Prices are spread evenly in magnitude: 90 to 6 000 rupees.
        let decade = [90, 200, 450, 1_000, 2_400, 6_000];
        let band = random.between(0, 4) as usize;
        let paise = random.between(decade[band] * 100, decade[band + 1] * 100);
        let prev_close = Price::from_paise(paise / 5 * 5);
        let gap_bps = random.bell() * 40 / 1_000;
        let fair = prev_close.moved_bps(gap_bps).get() * FINE;
        let rupees_traded = random.between(60_000, 900_000);
        let tick = cash_tick(day, prev_close);
        let trade_qty = (rupees_traded * 100 / paise).max(1);
        Self {
            tape: Tape::new(day, prev_close.on_tick(tick, Round::Down).rupees()),
            fair,
            open_fair: fair,
            last_ms: 0,
            interval_ms: random.between(1_800, 5_600),
            walk_ppm: random.between(70, 130),
            trade_qty,
            shape: Shape {
                tick,
                lot: Qty::new(1),
                spread_ticks: random.between(1, 2),
                level_qty: (trade_qty / 2).max(20),
            },
            spike,
            random,
        }
    }

    /// Moves the fair price on to `ms`, then trades or quotes around it.
    fn tick(&mut self, ms: i64, open_ms: i64, into: &mut DayTick) {
        let since_open = ms - open_ms;
        let passed = ms - self.last_ms;
        self.walk(passed);
        self.push_spike(since_open - passed, since_open);
        self.last_ms = ms;
        let side = if self.random.happens(500_000) { 1 } else { -1 };
        let units = self.fair / FINE + side * self.shape.tick.get() * self.shape.spread_ticks / 2;
        let price = Price::new(units.max(self.shape.tick.get() * 10)).on_tick(self.shape.tick, Round::Down);
        let spiking = self.is_spiking(since_open);
        if spiking || self.tape.ltp() == 0.0 || !self.random.happens(QUOTE_ONLY_PPM) {
            let qty = self.qty(since_open, spiking);
            let ltq = self.random.between(1, qty);
            let ltt_ms = ms - self.random.between(0, 90.min(since_open));
            self.tape.trade(ltt_ms, price.rupees(), qty, ltq);
        }
        self.tape.write(into);
        let shape = Shape {
            spread_ticks: self.shape.spread_ticks + i64::from(spiking),
            ..self.shape
        };
        let last = super::price_of(self.tape.ltp());
        // A quote without a trade follows the fair price, not the stale trade.
        let centre = if last == price { last } else { price };
        book::around(&mut self.random, centre, &shape, into);
    }

    /// Standard deviation grows with the square root of time.
    fn walk(&mut self, passed_ms: i64) {
        let root = (passed_ms.unsigned_abs() * 1_000).isqrt();
        let step = i128::from(self.fair) * i128::from(self.random.bell() * self.walk_ppm) * i128::from(root);
        self.fair += (step / (1_000 * 1_000_000 * 1_000)) as i64;
    }

    /// Adds the part of spike and aftermath that falls into the time from `from_ms` to `to_ms` after the open.
    fn push_spike(&mut self, from_ms: i64, to_ms: i64) {
        let Some(spike) = self.spike else { return };
        let overlap = |start: i64, length: i64| (to_ms.min(start + length) - from_ms.max(start)).max(0);
        let during = overlap(spike.start_ms, spike.length_ms);
        let after = overlap(spike.start_ms + spike.length_ms, spike.after_ms);
        let part = |bps: i64, share: i64, whole: i64| {
            let units = i128::from(self.open_fair) * i128::from(bps) * i128::from(share);
            (units / (i128::from(whole) * 10_000)) as i64
        };
        let moved =
            part(spike.move_bps, during, spike.length_ms) + part(spike.after_bps, after, spike.after_ms);
        self.fair += moved;
    }

    fn is_spiking(&self, since_open: i64) -> bool {
        self.spike
            .is_some_and(|spike| (spike.start_ms..spike.start_ms + spike.length_ms).contains(&since_open))
    }

    fn qty(&mut self, since_open: i64, spiking: bool) -> i64 {
        let half_hour = (since_open / 1_800_000).clamp(0, VOLUME_SHAPE.len() as i64 - 1) as usize;
        let usual = self.trade_qty * VOLUME_SHAPE[half_hour] / 100 * self.random.between(10, 190) / 100;
        // During a spike ticks are denser, so each carries its share of the whole surge.
        let times = if spiking {
            self.spike.map_or(1, |spike| spike.volume_times)
        } else {
            SPIKE_HURRY
        };
        (usual * times / SPIKE_HURRY).max(1)
    }

    fn next_interval(&mut self, since_open: i64) -> i64 {
        let usual = self.interval_ms * self.random.between(60, 140) / 100;
        if self.is_spiking(since_open) {
            return usual / SPIKE_HURRY;
        }
        // Do not sleep through the start of the spike.
        let until = self.spike.map_or(i64::MAX, |spike| spike.start_ms - since_open);
        if until > 0 { usual.min(until) } else { usual }
    }
}

fn listed(index: u32, stock: &Stock) -> DayInstrument {
    let place = index as usize;
    let round = place / (PREFIXES.len() * SUFFIXES.len());
    let name = format!(
        "{}{}{}",
        PREFIXES[place % PREFIXES.len()],
        SUFFIXES[place / PREFIXES.len() % SUFFIXES.len()],
        if round == 0 {
            String::new()
        } else {
            round.to_string()
        }
    );
    DayInstrument {
        key: format!("NSE_EQ|INE9SIM{index:05}"),
        name: format!("{name} LTD (SYNTHETIC)"),
        symbol: name,
        kind: InstrumentKind::Equity,
        tick: stock.shape.tick,
        lot: Qty::new(1),
        freeze: Qty::new(100_000),
        expiry: None,
        strike: Price::NONE,
        underlying: None,
    }
}
