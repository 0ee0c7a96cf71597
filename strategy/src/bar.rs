//! Bars of one second, one minute and five minutes from ticks with cumulative volume.
//!
//! Bars are aligned to the Indian clock: 09:15:00 starts a bar of each period. India is 5 h 30 min ahead of
//! UTC, a multiple of every period here, so cutting UTC time gives the same edges.
//!
//! Invariants and policies:
//! - Volume comes from the day's cumulative volume, so a conflated tick loses none of it. The first tick only
//!   sets the base; a cumulative volume that steps back adds nothing until it has passed its old height.
//! - A bar exists only if a tick fell into it: a gap makes no phantom bars, and what was traded during the
//!   gap is booked to the bar of the first tick after it.
//! - A bar closes when the first tick of a later bar arrives, never by the clock alone, so it is read as
//!   still forming until then.
//! - A tick from before the forming bar is folded into it: a closed bar never changes.
//!
//! Leaves out: which ticks are sound and whether the session is open; the caller decides both.

use bijli_core::state_hash::StateHasher;
use bijli_core::{DurationNs, Price, Qty, TsNs};

/// Length of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum BarPeriod {
    /// One second.
    Second = 0,
    /// One minute.
    Minute = 1,
    /// Five minutes.
    FiveMinutes = 2,
}

impl BarPeriod {
    /// The length of time that a bar covers.
    #[must_use]
    pub const fn length(self) -> DurationNs {
        DurationNs::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::FiveMinutes => 300,
        })
    }

    /// The start of the bar that holds `ts`.
    #[must_use]
    pub const fn start_of(self, ts: TsNs) -> TsNs {
        let length = self.length().get();
        TsNs::new(ts.get().div_euclid(length) * length)
    }
}

/// What was traded in one period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// When the period begins.
    pub start: TsNs,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Quantity traded; never negative.
    pub volume: Qty,
    /// Ticks that made it.
    pub ticks: u32,
}

/// Turns the day's cumulative volume into what each tick adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VolumeMeter {
    highest: Option<Qty>,
}

impl VolumeMeter {
    /// What was traded since the last tick; zero for the first tick and for a volume that stepped back.
    pub fn apply(&mut self, cumulative: Qty) -> Qty {
        let Some(highest) = self.highest else {
            self.highest = Some(cumulative);
            return Qty::ZERO;
        };
        if cumulative <= highest {
            return Qty::ZERO;
        }
        self.highest = Some(cumulative);
        Qty::new(cumulative.get() - highest.get())
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.i64(self.highest.map_or(i64::MIN, Qty::get));
    }
}

/// Builds the bars of one period for one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarBuilder {
    period: BarPeriod,
    /// No ticks yet while `forming.ticks` is zero.
    forming: Bar,
    end: TsNs,
}

impl BarBuilder {
    /// A builder without a tick.
    #[must_use]
    pub fn new(period: BarPeriod) -> Self {
        Self {
            period,
            forming: Bar::default(),
            end: TsNs::NEVER,
        }
    }

    /// Takes one price and what was traded with it; gives the bar that this tick closed, if it closed one.
    pub fn apply(&mut self, ts: TsNs, price: Price, traded: Qty) -> Option<Bar> {
        if self.forming.ticks > 0 && ts < self.end {
            let bar = &mut self.forming;
            bar.high = bar.high.max(price);
            bar.low = bar.low.min(price);
            bar.close = price;
            bar.volume = Qty::new(bar.volume.get().saturating_add(traded.get()));
            bar.ticks = bar.ticks.saturating_add(1);
            return None;
        }
        let closed = (self.forming.ticks > 0).then_some(self.forming);
        let start = self.period.start_of(ts);
        self.end = start.plus(self.period.length());
        self.forming = Bar {
            start,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: traded,
            ticks: 1,
        };
        closed
    }

    /// The bar that still grows; `None` before the first tick.
    #[must_use]
    pub fn forming(&self) -> Option<&Bar> {
        (self.forming.ticks > 0).then_some(&self.forming)
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        let bar = &self.forming;
        hasher.i64(self.end.get());
        hasher.i64(bar.start.get());
        for price in [bar.open, bar.high, bar.low, bar.close] {
            hasher.i64(price.get());
        }
        hasher.i64(bar.volume.get());
        hasher.u64(u64::from(bar.ticks));
    }
}

/// The three periods of one instrument, fed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bars {
    meter: VolumeMeter,
    second: BarBuilder,
    minute: BarBuilder,
    five_minutes: BarBuilder,
}

impl Default for Bars {
    fn default() -> Self {
        Self {
            meter: VolumeMeter::default(),
            second: BarBuilder::new(BarPeriod::Second),
            minute: BarBuilder::new(BarPeriod::Minute),
            five_minutes: BarBuilder::new(BarPeriod::FiveMinutes),
        }
    }
}

impl Bars {
    /// Takes the cumulative volume of a tick that belongs to no bar, such as one before the open.
    pub fn note_volume(&mut self, cumulative: Qty) {
        self.meter.apply(cumulative);
    }

    /// Takes one tick in and calls `on_close` for each bar that it closed, shortest period first.
    pub fn apply(
        &mut self,
        ts: TsNs,
        price: Price,
        cumulative: Qty,
        mut on_close: impl FnMut(BarPeriod, &Bar),
    ) {
        let traded = self.meter.apply(cumulative);
        for builder in [&mut self.second, &mut self.minute, &mut self.five_minutes] {
            if let Some(bar) = builder.apply(ts, price, traded) {
                on_close(builder.period, &bar);
            }
        }
    }

    /// The bar of `period` that still grows; `None` before the first tick.
    #[must_use]
    pub fn forming(&self, period: BarPeriod) -> Option<&Bar> {
        match period {
            BarPeriod::Second => self.second.forming(),
            BarPeriod::Minute => self.minute.forming(),
            BarPeriod::FiveMinutes => self.five_minutes.forming(),
        }
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        self.meter.hash_into(hasher);
        self.second.hash_into(hasher);
        self.minute.hash_into(hasher);
        self.five_minutes.hash_into(hasher);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bijli_core::IstDay;
    use proptest::prelude::*;

    fn open() -> TsNs {
        IstDay::from_ymd(2026, 7, 31)
            .expect("a real date")
            .at(DurationNs::from_hm(9, 15))
    }

    fn at(millis: i64) -> TsNs {
        open().plus(DurationNs::from_millis(millis))
    }

    #[test]
    fn every_period_starts_a_bar_at_the_open() {
        for period in [BarPeriod::Second, BarPeriod::Minute, BarPeriod::FiveMinutes] {
            assert_eq!(period.start_of(open()), open());
            assert_eq!(
                period.start_of(at(-1)),
                open().plus(DurationNs::new(-period.length().get()))
            );
        }
    }

    #[test]
    fn a_gap_makes_no_bar_and_its_volume_goes_to_the_first_tick_after_it() {
        let mut bars = Bars::default();
        let mut minutes = Vec::new();
        for (millis, price, volume) in [
            (0, 100, 1_000),
            (10_000, 103, 1_200),
            (20_000, 99, 1_150),
            (59_999, 101, 1_300),
            (240_000, 110, 5_300),
            (250_000, 111, 5_400),
            (360_000, 112, 5_500),
        ] {
            bars.apply(at(millis), Price::new(price), Qty::new(volume), |period, bar| {
                if period == BarPeriod::Minute {
                    minutes.push(*bar);
                }
            });
        }
        let bar = |start: i64, prices: [i64; 4], volume, ticks| Bar {
            start: at(start),
            open: Price::new(prices[0]),
            high: Price::new(prices[1]),
            low: Price::new(prices[2]),
            close: Price::new(prices[3]),
            volume: Qty::new(volume),
            ticks,
        };
        assert_eq!(
            minutes,
            [
                bar(0, [100, 103, 99, 101], 300, 4),
                bar(240_000, [110, 111, 110, 111], 4_100, 2),
            ]
        );
        let five = bars.forming(BarPeriod::FiveMinutes).expect("ticks came");
        assert_eq!((five.start, five.ticks), (at(300_000), 1));
    }

    proptest! {
        #[test]
        fn conflation_loses_no_volume_and_no_bar_is_inconsistent(
            ticks in prop::collection::vec((0i64..90_000, 1i64..1_000, 0i64..500), 2..200),
            keep in prop::collection::vec(any::<bool>(), 200),
        ) {
            let (mut all, mut some) = (Vec::new(), Vec::new());
            let traded_after_first: i64 = ticks[1..].iter().map(|tick| tick.2).sum();
            let (mut ts, mut volume) = (0, 7);
            for (index, (gap, price, traded)) in ticks.iter().enumerate() {
                ts += gap;
                volume += traded;
                let tick = (at(ts), Price::new(*price), Qty::new(volume));
                all.push(tick);
                if index == 0 || index + 1 == ticks.len() || keep[index] {
                    some.push(tick);
                }
            }
            for ticks in [all, some] {
                let mut bars = Bars::default();
                let mut seen = [0i64; 3];
                for (ts, price, volume) in ticks {
                    bars.apply(ts, price, volume, |period, bar| {
                        assert!(bar.low <= bar.open && bar.open <= bar.high);
                        assert!(bar.low <= bar.close && bar.close <= bar.high);
                        assert!(bar.volume >= Qty::ZERO && bar.ticks > 0);
                        assert_eq!(period.start_of(bar.start), bar.start);
                        seen[period as usize] += bar.volume.get();
                    });
                }
                for period in [BarPeriod::Second, BarPeriod::Minute, BarPeriod::FiveMinutes] {
                    let forming = bars.forming(period).expect("ticks came");
                    prop_assert_eq!(seen[period as usize] + forming.volume.get(), traded_after_first);
                }
            }
        }
    }
}
