//! Candles with open interest, and how small ones become large ones.
//!
//! Invariants: a list of bars is in order of time without doubles; a bar of `n` minutes starts a whole number
//! of `n` minutes after the open of its day, as the broker cuts them.

use crate::day::Candle;

/// Milliseconds of a minute.
pub(super) const MS_PER_MINUTE: i64 = 60_000;

/// A candle with the open interest at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Bar {
    pub(super) candle: Candle,
    /// Units; 0 where there is none.
    pub(super) oi: f64,
}

impl Bar {
    /// A bar of one price.
    pub(super) const fn at(start_ms: i64, rupees: f64) -> Self {
        Self {
            candle: Candle {
                open: rupees,
                high: rupees,
                low: rupees,
                close: rupees,
                volume: 0,
                start_ms,
            },
            oi: 0.0,
        }
    }

    /// Takes a price and the units traded up to it in.
    pub(super) const fn trade(&mut self, rupees: f64, units: i64) {
        self.candle.high = self.candle.high.max(rupees);
        self.candle.low = self.candle.low.min(rupees);
        self.candle.close = rupees;
        self.candle.volume += units;
    }

    /// Takes a later bar in.
    pub(super) const fn join(&mut self, later: &Self) {
        self.candle.high = self.candle.high.max(later.candle.high);
        self.candle.low = self.candle.low.min(later.candle.low);
        self.candle.close = later.candle.close;
        self.candle.volume += later.candle.volume;
        self.oi = later.oi;
    }
}

/// Joins bars that `bucket` gives the same start.
pub(super) fn joined(bars: &[Bar], bucket: impl Fn(i64) -> i64) -> Vec<Bar> {
    let mut all: Vec<Bar> = Vec::new();
    for bar in bars {
        let start_ms = bucket(bar.candle.start_ms);
        match all.last_mut() {
            Some(last) if last.candle.start_ms == start_ms => last.join(bar),
            _ => {
                let mut first = *bar;
                first.candle.start_ms = start_ms;
                all.push(first);
            }
        }
    }
    all
}

/// Joins bars of one day to bars of so many minutes, counted from the open.
pub(super) fn of_minutes(bars: &[Bar], open_ms: i64, minutes: i64) -> Vec<Bar> {
    let step_ms = minutes * MS_PER_MINUTE;
    joined(bars, |start_ms| {
        open_ms + (start_ms - open_ms).div_euclid(step_ms) * step_ms
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bar(minute: i64, rupees: f64, volume: i64) -> Bar {
        let mut bar = Bar::at(minute * MS_PER_MINUTE, rupees);
        bar.candle.volume = volume;
        bar.oi = rupees * 2.0;
        bar
    }

    #[test]
    fn bars_are_cut_from_the_open_and_not_from_the_hour() {
        let minutes = [bar(15, 5.0, 1), bar(44, 9.0, 2), bar(45, 3.0, 4), bar(76, 4.0, 8)];
        let halves = of_minutes(&minutes, 15 * MS_PER_MINUTE, 30);
        let starts: Vec<i64> = halves
            .iter()
            .map(|bar| bar.candle.start_ms / MS_PER_MINUTE)
            .collect();
        assert_eq!(starts, [15, 45, 75]);
        let first = Candle {
            open: 5.0,
            high: 9.0,
            low: 5.0,
            close: 9.0,
            volume: 3,
            start_ms: 15 * MS_PER_MINUTE,
        };
        assert_eq!((halves[0].candle, halves[0].oi), (first, 18.0));
    }

    proptest! {
        #[test]
        fn joining_keeps_volume_extremes_and_ends(prices in prop::collection::vec(1_u32..1000, 1..300), step in 1_i64..120) {
            let bars: Vec<Bar> = prices.iter().zip(0..).map(|(price, minute)| bar(minute, f64::from(*price), i64::from(*price))).collect();
            let joined = of_minutes(&bars, 0, step);
            prop_assert_eq!(joined.len() as i64, (bars.len() as i64 + step - 1) / step);
            for (large, small) in joined.iter().zip(bars.chunks(step as usize)) {
                let closes = small.iter().map(|bar| bar.candle.close);
                prop_assert_eq!(large.candle.high, closes.clone().fold(f64::MIN, f64::max));
                prop_assert_eq!(large.candle.low, closes.clone().fold(f64::MAX, f64::min));
                prop_assert_eq!(large.candle.open, small[0].candle.open);
                prop_assert_eq!(large.candle.close, small[small.len() - 1].candle.close);
                prop_assert_eq!(large.candle.volume, small.iter().map(|bar| bar.candle.volume).sum::<i64>());
            }
        }
    }
}
