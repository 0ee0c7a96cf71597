//! A five-level book invented around a price by seed, on the instrument's price grid.
//!
//! Invariants: bids fall, asks rise, the best bid lies below the best ask, every quantity is a positive
//! multiple of the lot. It is invented: days that use it say so in their data kind.

use bijli_core::price::Round;
use bijli_core::{Price, Qty};

use super::{DayTick, LEVELS, Level};
use crate::random::Random;

/// How a book is shaped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Price grid.
    pub(super) tick: Price,
    /// Quantity step.
    pub(super) lot: Qty,
    /// Steps from best bid to best ask; at least 1.
    pub(super) spread_ticks: i64,
    /// Typical units of one level.
    pub(super) level_qty: i64,
}

/// Units of a level of about two lakh rupees.
pub(super) fn level_qty(rupees: f64) -> i64 {
    ((200_000.0 / rupees.max(1.0)) as i64).max(10)
}

/// Puts an invented book into `into`: the last price is at the bid or at the ask.
pub(super) fn around(random: &mut Random, ltp: Price, shape: &Shape, into: &mut DayTick) {
    assert!(shape.spread_ticks >= 1, "a book is not crossed");
    let step = shape.tick.get();
    let at_bid = random.happens(500_000);
    // The lowest bid of the book must still be a price.
    let floor = step * LEVELS as i64;
    let best_bid = if at_bid {
        ltp.on_tick(shape.tick, Round::Down).get()
    } else {
        ltp.on_tick(shape.tick, Round::Up).get() - shape.spread_ticks * step
    }
    .max(floor);
    let best_ask = best_bid + shape.spread_ticks * step;
    let (mut all_bids, mut all_asks) = (0, 0);
    for (depth, level) in into.levels.iter_mut().enumerate() {
        let below = step * depth as i64;
        *level = Level {
            bid_qty: qty_at(random, shape, depth),
            bid: Price::new(best_bid - below).rupees(),
            ask_qty: qty_at(random, shape, depth),
            ask: Price::new(best_ask + below).rupees(),
        };
        all_bids += level.bid_qty;
        all_asks += level.ask_qty;
    }
    into.level_count = LEVELS as u8;
    into.total_bid_qty = (all_bids * random.between(15, 40)) as f64;
    into.total_ask_qty = (all_asks * random.between(15, 40)) as f64;
}

/// Deeper levels hold more; now and then the touch is almost bare, so that orders fill in parts.
fn qty_at(random: &mut Random, shape: &Shape, depth: usize) -> i64 {
    let bare = depth == 0 && random.happens(60_000);
    let percent = if bare {
        random.between(1, 5)
    } else {
        random.between(30, 220 + 40 * depth as i64)
    };
    let lot = shape.lot.get();
    (shape.level_qty * percent / 100 / lot).max(1) * lot
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::day::price_of;

    proptest! {
        #[test]
        fn an_invented_book_is_in_order_and_on_the_grid(seed in any::<u64>(), units in 500_i64..500_000_000, lot in 1_i64..100, spread in 1_i64..4) {
            let shape = Shape { tick: Price::from_paise(5), lot: Qty::new(lot), spread_ticks: spread, level_qty: 200 };
            let mut tick = DayTick::default();
            around(&mut Random::new(seed, 0), Price::new(units), &shape, &mut tick);
            for level in &tick.levels {
                prop_assert!(level.bid < level.ask && level.bid > 0.0);
                prop_assert!(price_of(level.bid).is_on_tick(shape.tick) && price_of(level.ask).is_on_tick(shape.tick));
                prop_assert!(level.bid_qty > 0 && level.bid_qty % lot == 0 && level.ask_qty % lot == 0);
            }
            for pair in tick.levels.windows(2) {
                prop_assert!(pair[1].bid < pair[0].bid && pair[1].ask > pair[0].ask);
            }
        }
    }
}
