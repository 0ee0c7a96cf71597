//! What an entry of the feed holds beyond a recorded tick: deeper levels, the candle of half an hour, what the
//! closing auction shows, or less than everything.
//!
//! All of it is worked out from ticks, and flagged with the day as what it is: recorded days have five levels and
//! no auction, so deeper levels and auction figures are invented. Source of the fields: the broker's feed schema.

use bijli_core::instrument::InstrumentKind;

use crate::day::{Candle, DayInstrument, DayTick, Level};
use crate::feed_frame::Auction;

/// Levels of mode `full_d30`.
pub(crate) const DEEP_LEVELS: usize = 30;
const HALF_HOUR_MS: i64 = 1_800_000;

/// The book with thirty levels: those of the tick, then one at each further price step.
pub(crate) fn deep_levels(instrument: &DayInstrument, tick: &DayTick) -> Vec<Level> {
    let told = &tick.levels[..tick.level_count as usize];
    let mut levels = told.to_vec();
    let Some(last) = told.last() else {
        return levels;
    };
    let step = instrument.tick.rupees();
    for number in told.len()..DEEP_LEVELS {
        let away = step * (number + 1 - told.len()) as f64;
        let pattern = &told[number % told.len()];
        let mut level = Level::default();
        if last.bid_qty > 0 && last.bid > away {
            (level.bid_qty, level.bid) = (pattern.bid_qty, paisa_rounded(last.bid - away));
        }
        if last.ask_qty > 0 {
            (level.ask_qty, level.ask) = (pattern.ask_qty, paisa_rounded(last.ask + away));
        }
        levels.push(level);
    }
    levels
}

fn paisa_rounded(rupees: f64) -> f64 {
    (rupees * 100.0).round() / 100.0
}

/// What the closing auction would show of a share: invented from its last tick.
pub(crate) fn auction(instrument: &DayInstrument, tick: &DayTick) -> Option<Auction> {
    (instrument.kind == InstrumentKind::Equity && tick.ltp > 0.0).then(|| {
        let (bid, ask) = (tick.total_bid_qty as i64, tick.total_ask_qty as i64);
        Auction {
            price: tick.ltp,
            reference: tick.ltp,
            qty: bid.min(ask),
            imbalance: bid - ask,
            imbalance_market: (bid - ask) / 10,
        }
    })
}

/// The tick with what stayed since the one before left out; prices of the last trade always stand.
pub(crate) fn changes(before: &DayTick, tick: &DayTick) -> DayTick {
    let mut less = *tick;
    let (old, new) = (before.level_count as usize, tick.level_count as usize);
    if before.levels[..old] == tick.levels[..new] {
        less.level_count = 0;
    }
    if before.greeks == tick.greeks {
        less.greeks = None;
    }
    if before.day == tick.day {
        less.day = Candle::default();
    }
    if before.minute == tick.minute {
        less.minute = Candle::default();
    }
    if before.volume == tick.volume {
        less.volume = 0;
    }
    for (old, new) in [
        (before.atp, &mut less.atp),
        (before.oi, &mut less.oi),
        (before.iv, &mut less.iv),
        (before.total_bid_qty, &mut less.total_bid_qty),
        (before.total_ask_qty, &mut less.total_ask_qty),
    ] {
        if old == *new {
            *new = 0.0;
        }
    }
    less
}

/// The last complete half hour of one instrument, and the one under way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HalfHour {
    pub(crate) done: Candle,
    under_way: Candle,
    volume: i64,
}

impl HalfHour {
    pub(crate) fn apply(&mut self, tick: &DayTick) {
        if tick.ltp <= 0.0 {
            return;
        }
        let now_ms = tick.ts.get().div_euclid(1_000_000);
        let start_ms = now_ms.div_euclid(HALF_HOUR_MS) * HALF_HOUR_MS;
        let traded = (tick.volume - self.volume).max(0);
        self.volume = tick.volume;
        let candle = &mut self.under_way;
        if candle.start_ms != start_ms {
            self.done = *candle;
            *candle = Candle {
                open: tick.ltp,
                high: tick.ltp,
                low: tick.ltp,
                close: tick.ltp,
                volume: traded,
                start_ms,
            };
            return;
        }
        candle.high = candle.high.max(tick.ltp);
        candle.low = candle.low.min(tick.ltp);
        candle.close = tick.ltp;
        candle.volume += traded;
    }
}

#[cfg(test)]
mod tests {
    use bijli_core::{Price, Qty, TsNs};

    use super::*;

    fn share() -> DayInstrument {
        DayInstrument {
            key: "NSE_EQ|X".to_owned(),
            symbol: "X".to_owned(),
            name: "X".to_owned(),
            kind: InstrumentKind::Equity,
            tick: Price::from_paise(5),
            lot: Qty::new(1),
            freeze: Qty::new(100),
            expiry: None,
            strike: Price::NONE,
            underlying: None,
        }
    }

    fn tick(levels: usize) -> DayTick {
        let mut tick = DayTick {
            ltp: 100.0,
            level_count: levels as u8,
            ..DayTick::default()
        };
        for (number, level) in tick.levels.iter_mut().take(levels).enumerate() {
            let away = 0.05 * number as f64;
            *level = Level {
                bid_qty: 10 + number as i64,
                bid: paisa_rounded(99.95 - away),
                ask_qty: 20,
                ask: paisa_rounded(100.0 + away),
            };
        }
        tick
    }

    #[test]
    fn thirty_levels_go_on_step_by_step_from_what_was_told() {
        let levels = deep_levels(&share(), &tick(5));
        assert_eq!(levels.len(), DEEP_LEVELS);
        assert_eq!(levels[..5], tick(5).levels);
        for (near, far) in levels.iter().zip(&levels[1..]) {
            assert_eq!(paisa_rounded(near.bid - far.bid), 0.05);
            assert_eq!(paisa_rounded(far.ask - near.ask), 0.05);
            assert!(far.bid_qty >= 10 && far.ask_qty == 20);
        }
        assert!(deep_levels(&share(), &tick(0)).is_empty());
    }

    #[test]
    fn what_stayed_is_left_out() {
        let before = DayTick {
            atp: 5.0,
            oi: 7.0,
            volume: 9,
            ..tick(5)
        };
        let after = DayTick {
            atp: 6.0,
            ltp: 101.0,
            ..before
        };
        let less = changes(&before, &after);
        let expected = DayTick {
            level_count: 0,
            oi: 0.0,
            volume: 0,
            ..after
        };
        assert_eq!(less, expected);
    }

    #[test]
    fn a_half_hour_is_told_once_it_is_over() {
        let mut candle = HalfHour::default();
        let at = |minute: i64, ltp: f64, volume: i64| DayTick {
            ts: TsNs::from_millis(HALF_HOUR_MS * 1_000_000 + minute * 60_000),
            ltp,
            volume,
            ..DayTick::default()
        };
        for tick in [at(1, 10.0, 5), at(2, 12.0, 9), at(29, 9.0, 10)] {
            candle.apply(&tick);
            assert_eq!(candle.done.start_ms, 0);
        }
        candle.apply(&at(30, 8.0, 11));
        let expected = Candle {
            open: 10.0,
            high: 12.0,
            low: 9.0,
            close: 9.0,
            volume: 10,
            start_ms: HALF_HOUR_MS * 1_000_000,
        };
        assert_eq!(candle.done, expected);
    }
}
