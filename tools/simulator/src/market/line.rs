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

#[cfg(test)]
mod tests {
    use bijli_core::DurationNs;
    use proptest::prelude::*;

    use super::*;
    use crate::day::contract::default_share;
    use crate::day::{Candle, price_of};

    fn day() -> IstDay {
        IstDay::from_ymd(2026, 7, 31).expect("a real date")
    }

    fn tick(second: i64, rupees: u32, volume: i64) -> DayTick {
        DayTick {
            ltp: f64::from(rupees),
            ltt_ms: day().at(DurationNs::from_hm(9, 15)).get() / 1_000_000 + second * 1_000,
            volume,
            ..DayTick::default()
        }
    }

    /// Minute by minute from the whole list, trades that step back left out and their units kept.
    fn model(ticks: &[DayTick]) -> Vec<Candle> {
        let (mut all, mut newest_ms, mut before): (Vec<Candle>, i64, i64) = (Vec::new(), i64::MIN, 0);
        for tick in ticks {
            let start_ms = tick.ltt_ms / 60_000 * 60_000;
            let units = (tick.volume - before).max(0);
            before = before.max(tick.volume);
            if start_ms > newest_ms {
                newest_ms = start_ms;
                all.push(Candle {
                    open: tick.ltp,
                    high: tick.ltp,
                    low: tick.ltp,
                    close: tick.ltp,
                    volume: units,
                    start_ms,
                });
                continue;
            }
            let last = all.last_mut().expect("a minute was begun");
            last.volume += units;
            if start_ms == newest_ms {
                last.high = last.high.max(tick.ltp);
                last.low = last.low.min(tick.ltp);
                last.close = tick.ltp;
            }
        }
        all
    }

    proptest! {
        #[test]
        fn minutes_equal_those_of_a_plain_model(
            steps in prop::collection::vec((-90_i64..240, 1_u32..5_000, -50_i64..500), 1..120),
        ) {
            let (mut second, mut volume) = (0, 0);
            let ticks: Vec<DayTick> = steps
                .iter()
                .map(|(passed, rupees, traded)| {
                    second = (second + passed).clamp(0, 22_400);
                    volume = (volume + traded).max(0);
                    tick(second, *rupees, volume)
                })
                .collect();
            let mut line = Line::new(day(), default_share("TEST", day(), price_of(100.0)));
            for each in &ticks {
                line.apply(each);
            }
            let first_is_early = ticks[0].ltt_ms < line.open_ms() + MS_PER_MINUTE;
            let mut wanted = model(&ticks);
            if !first_is_early {
                wanted[0].volume -= ticks[0].volume;
            }
            let built: Vec<Candle> = line.bars.iter().map(|bar| bar.candle).collect();
            prop_assert_eq!(built, wanted);
        }
    }

    #[test]
    fn trades_out_of_hours_make_no_candle_and_a_told_minute_corrects_the_built_one() {
        let mut line = Line::new(day(), default_share("TEST", day(), price_of(100.0)));
        line.apply(&tick(-30, 90, 5));
        line.apply(&tick(5, 100, 10));
        line.apply(&tick(375 * 60, 120, 20));
        assert_eq!(line.bars.len(), 1);
        let told = Candle {
            open: 99.0,
            high: 105.0,
            low: 98.0,
            close: 101.0,
            volume: 77,
            start_ms: line.open_ms(),
        };
        line.apply(&DayTick {
            minute: told,
            ..tick(70, 102, 30)
        });
        assert_eq!(line.bars[0].candle, told);
        assert_eq!(line.bars.len(), 2);
        assert_eq!(line.latest.ltp, 102.0);
    }
}
