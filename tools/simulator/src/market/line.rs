//! One instrument of the played day: its newest tick and the minutes so far.
//!
//! Minutes are built from trades by their own time. A tick that brings the exchange's own candle of a minute
//! corrects the one that was built, since a feed shows the last trade of several. A trade time that steps back
//! changes no finished minute: its price is left out and its units count in the minute under way. Volume that
//! steps back counts as none traded. Trades outside the exchange's hours make no candle.

use bijli_core::IstDay;
use bijli_core::session::{Market, SessionTimes};

use super::bar::{Bar, MS_PER_MINUTE};
use crate::day::{DayInstrument, DayTick, hours};

#[derive(Debug)]
pub(super) struct Line {
    pub(super) instrument: DayInstrument,
    pub(super) times: SessionTimes,
    /// The newest tick, as it was.
    pub(super) latest: DayTick,
    /// One bar a traded minute.
    pub(super) bars: Vec<Bar>,
    /// Lowest and highest open interest of the day.
    pub(super) oi_range: Option<(f64, f64)>,
    volume_max: Option<i64>,
}

impl Line {
    pub(super) fn new(day: IstDay, instrument: DayInstrument) -> Self {
        let market = if instrument.kind.is_derivative() {
            Market::Derivatives
        } else {
            Market::Cash
        };
        Self {
            instrument,
            times: hours(day, market),
            latest: DayTick::default(),
            bars: Vec::new(),
            oi_range: None,
            volume_max: None,
        }
    }

    pub(super) fn apply(&mut self, tick: &DayTick) {
        let traded = self.traded(tick);
        if tick.ltp > 0.0 {
            self.trade(tick, traded);
        }
        self.correct(tick);
        if tick.oi > 0.0 {
            let (low, high) = self.oi_range.unwrap_or((tick.oi, tick.oi));
            self.oi_range = Some((low.min(tick.oi), high.max(tick.oi)));
        }
        self.latest = *tick;
    }

    /// Opening of the session, epoch milliseconds.
    pub(super) const fn open_ms(&self) -> i64 {
        self.times.open.get() / 1_000_000
    }

    const fn is_in_hours(&self, start_ms: i64) -> bool {
        start_ms >= self.open_ms() && start_ms < self.times.close.get() / 1_000_000
    }

    /// Units traded since the last tick. A recording that begins in the middle of the day does not tell when
    /// the volume of its first tick was traded.
    fn traded(&mut self, tick: &DayTick) -> i64 {
        let first = tick.ltt_ms < self.open_ms() + MS_PER_MINUTE;
        let before = self.volume_max.unwrap_or(if first { 0 } else { tick.volume });
        self.volume_max = Some(before.max(tick.volume));
        (tick.volume - before).max(0)
    }

    fn trade(&mut self, tick: &DayTick, traded: i64) {
        let start_ms = tick.ltt_ms.div_euclid(MS_PER_MINUTE) * MS_PER_MINUTE;
        let is_in_hours = self.is_in_hours(start_ms);
        match self.bars.last_mut() {
            Some(bar) if bar.candle.start_ms == start_ms => {
                bar.trade(tick.ltp, traded);
                bar.oi = tick.oi;
            }
            Some(bar) if start_ms < bar.candle.start_ms => bar.candle.volume += traded,
            _ if is_in_hours => {
                let mut bar = Bar::at(start_ms, tick.ltp);
                bar.candle.volume = traded;
                bar.oi = tick.oi;
                self.bars.push(bar);
            }
            _ => {}
        }
    }

    fn correct(&mut self, tick: &DayTick) {
        let minute = tick.minute;
        if minute.start_ms == 0 || !self.is_in_hours(minute.start_ms) {
            return;
        }
        match self
            .bars
            .binary_search_by_key(&minute.start_ms, |bar| bar.candle.start_ms)
        {
            Ok(at) => self.bars[at].candle = minute,
            Err(at) => self.bars.insert(
                at,
                Bar {
                    candle: minute,
                    oi: tick.oi,
                },
            ),
        }
    }
}
