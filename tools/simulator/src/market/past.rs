//! The days before an invented day, invented too: closes walk back from the close of the day before, and each
//! day's minutes are a bridge from its open to its close.
//!
//! Determined by seed, instrument and date: any window of any day shows the same candles. Only sums, products
//! and quotients of floats are used, so a seed means the same on every machine. Days of the past keep today's
//! hours of the session table. History begins in January 2000, minutes in January 2022, as at the broker.

use bijli_core::price::Round;
use bijli_core::session::Market;
use bijli_core::{IstDay, Price};

use super::bar::{Bar, MS_PER_MINUTE};
use super::derived::{purpose, unit};
use crate::day::derivatives::trading_day_before;
use crate::day::{DayInstrument, hours, price_of};
use crate::random::Random;

/// The past of one instrument.
pub(super) struct InventedPast<'a> {
    pub(super) instrument: &'a DayInstrument,
    /// Close of the last day before the played one, rupees.
    pub(super) close: f64,
    /// The played day.
    pub(super) day: IstDay,
    pub(super) seed: u64,
}

/// One day of the walk.
struct PastDay {
    day: IstDay,
    open: f64,
    close: f64,
}

impl InventedPast<'_> {
    /// The minutes of the trading days from `from` to `to`, both included, oldest first.
    pub(super) fn minutes(&self, from: IstDay, to: IstDay) -> Vec<Bar> {
        self.days(from, to)
            .iter()
            .flat_map(|day| self.bars(day))
            .collect()
    }

    /// The day candles from `from` to `to`, oldest first; each starts at midnight.
    pub(super) fn day_bars(&self, from: IstDay, to: IstDay) -> Vec<Bar> {
        let days = self.days(from, to);
        days.iter().filter_map(|day| self.day_bar(day)).collect()
    }

    /// Day and close of the trading days from `from` on, oldest first.
    pub(super) fn closes(&self, from: IstDay) -> Vec<(IstDay, f64)> {
        let days = self.days(from, self.day);
        days.iter().map(|day| (day.day, day.close)).collect()
    }

    fn day_bar(&self, day: &PastDay) -> Option<Bar> {
        let minutes = self.bars(day);
        let (first, rest) = minutes.split_first()?;
        let mut whole = *first;
        for bar in rest {
            whole.join(bar);
        }
        whole.candle.start_ms = day.day.at(bijli_core::DurationNs::ZERO).get() / 1_000_000;
        Some(whole)
    }

    fn on_grid(&self, rupees: f64) -> f64 {
        let price = price_of(rupees).on_tick(self.instrument.tick, Round::Down);
        Price::new(price.get().max(self.instrument.tick.get())).rupees()
    }

    /// The walk back, oldest first.
    fn days(&self, from: IstDay, to: IstDay) -> Vec<PastDay> {
        let name = purpose(&self.instrument.key);
        let (mut day, mut close) = (trading_day_before(self.day), self.close);
        let mut found = Vec::new();
        while day >= from && close > 0.0 {
            let mut random = Random::new(self.seed ^ name, day.get().unsigned_abs().into());
            let moved = random.bell() as f64 * 12e-6;
            let gap = random.bell() as f64 * 4e-6;
            let before = (close / (1.0 + moved)).clamp(self.close / 20.0, self.close * 20.0);
            if day <= to {
                found.push(PastDay {
                    day,
                    open: before * (1.0 + gap),
                    close,
                });
            }
            (day, close) = (trading_day_before(day), self.on_grid(before));
        }
        found.reverse();
        found
    }

    fn bars(&self, day: &PastDay) -> Vec<Bar> {
        let market = if self.instrument.kind.is_derivative() {
            Market::Derivatives
        } else {
            Market::Cash
        };
        let times = hours(day.day, market);
        let open_ms = times.open.get() / 1_000_000;
        let count = (times.close.get() / 1_000_000 - open_ms) / MS_PER_MINUTE;
        let name = purpose(&self.instrument.key) ^ day.day.get().unsigned_abs() as u64;
        let mut random = Random::new(self.seed, name);
        let wide = self.close * 8e-7;
        let units = (1_000_000.0 / self.close.max(1.0) * (0.5 + unit(&mut random))) as i64;
        let has_volume = self.instrument.kind.is_tradable();
        // A walk that is pulled to the straight line from open to close, so that it ends there.
        let (mut away, mut last) = (0.0, self.on_grid(day.open));
        let mut bars = Vec::new();
        for minute in 0..count {
            away += random.bell() as f64 * wide;
            let left = (count - 1 - minute) as f64 / count as f64;
            let line = day.close + (day.open - day.close) * left;
            let next = if minute + 1 == count {
                day.close
            } else {
                self.on_grid(line + away * left)
            };
            let mut bar = Bar::at(open_ms + minute * MS_PER_MINUTE, last);
            bar.trade(next, 0);
            let shadow = wide * random.between(0, 600) as f64;
            bar.candle.high = self.on_grid(bar.candle.high + shadow).max(bar.candle.high);
            bar.candle.low = self.on_grid(bar.candle.low - shadow).min(bar.candle.low);
            let volume = random.between(0, 2 * units.max(1));
            bar.candle.volume = if has_volume { volume } else { 0 };
            last = next;
            bars.push(bar);
        }
        bars
    }
}
