//! What the broker accumulates for one instrument during a day: candles, volume, average price.
//!
//! Used by the sources that know trades alone; recorded V3 feeds bring their own.

use bijli_core::{DurationNs, IstDay, TsNs};

use super::{Candle, DayTick};

const MS_PER_MINUTE: i64 = 60_000;

/// The running day of one instrument.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tape {
    prev_close: f64,
    ltp: f64,
    ltt_ms: i64,
    ltq: i64,
    volume: i64,
    turnover: f64,
    day: Candle,
    minute: Candle,
    minute_done: Candle,
}

impl Tape {
    /// The tape of a day on which nothing has traded yet.
    pub(super) fn new(day: IstDay, prev_close: f64) -> Self {
        Self {
            prev_close,
            day: Candle {
                start_ms: millis(day.at(DurationNs::ZERO)),
                ..Candle::default()
            },
            ..Self::default()
        }
    }

    /// Takes a trade in. `qty` units were traded since the last one, at about this price.
    pub(super) fn trade(&mut self, ltt_ms: i64, rupees: f64, qty: i64, ltq: i64) {
        self.ltp = rupees;
        self.ltt_ms = ltt_ms;
        self.ltq = ltq;
        self.volume += qty;
        self.turnover += rupees * qty as f64;
        let minute_start = ltt_ms.div_euclid(MS_PER_MINUTE) * MS_PER_MINUTE;
        if minute_start > self.minute.start_ms {
            self.minute_done = self.minute;
            self.minute = Candle {
                start_ms: minute_start,
                ..Candle::default()
            };
        }
        widen(&mut self.day, rupees, qty);
        widen(&mut self.minute, rupees, qty);
    }

    /// Sets the volume of the day as recorded, which may fall.
    pub(super) const fn set_volume(&mut self, volume: i64) {
        self.volume = volume;
    }

    /// Sets the time of the last trade as recorded, which may be wrong.
    pub(super) const fn set_ltt_ms(&mut self, ltt_ms: i64) {
        self.ltt_ms = ltt_ms;
    }

    /// Units traded today.
    pub(super) const fn volume(&self) -> i64 {
        self.volume
    }

    /// The close of the day before, rupees.
    pub(super) const fn prev_close(&self) -> f64 {
        self.prev_close
    }

    /// The last price, rupees; 0 before the first trade.
    pub(super) const fn ltp(&self) -> f64 {
        self.ltp
    }

    /// Writes all that is accumulated into a tick.
    pub(super) fn write(&self, into: &mut DayTick) {
        into.ltp = self.ltp;
        into.ltt_ms = self.ltt_ms;
        into.ltq = self.ltq;
        into.prev_close = self.prev_close;
        into.day = self.day;
        into.minute = self.minute_done;
        into.volume = self.volume;
        into.atp = if self.volume > 0 && self.day.volume > 0 {
            (self.turnover / self.day.volume as f64 * 100.0).round() / 100.0
        } else {
            0.0
        };
    }
}

fn widen(candle: &mut Candle, rupees: f64, qty: i64) {
    if candle.open == 0.0 {
        candle.open = rupees;
        candle.high = rupees;
        candle.low = rupees;
    }
    candle.high = candle.high.max(rupees);
    candle.low = candle.low.min(rupees);
    candle.close = rupees;
    candle.volume += qty;
}

/// Milliseconds since the epoch.
pub(super) const fn millis(ts: TsNs) -> i64 {
    ts.get().div_euclid(1_000_000)
}
