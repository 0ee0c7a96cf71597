//! The exits: a table of days, then laws over arbitrary prices and fills.

use bijli_core::config::StrategyConfig;
use bijli_core::order::Side;
use bijli_core::position::Position;
use bijli_core::strategy::ExitReason::{self, Stop, Target, Trail};
use bijli_core::{DurationNs, Instrument, Price, Qty, TsNs};
use bijli_strategy::bracket::{Bracket, Exit, Moment, RETRY_AFTER};
use proptest::prelude::*;

#[path = "desk/mod.rs"]
mod desk;

/// A bracket with its position and clock; wishes fill only when asked to.
struct Book {
    bracket: Bracket,
    position: Position,
    config: StrategyConfig,
    instrument: Instrument,
    now: TsNs,
}

impl Book {
    fn with_lot(lot: i64) -> Self {
        Self {
            bracket: Bracket::default(),
            position: Position::default(),
            config: StrategyConfig::default(),
            instrument: Instrument {
                lot: Qty::new(lot),
                ..desk::share(0, "ANY")
            },
            now: TsNs::new(1_000_000_000_000),
        }
    }

    fn fill(&mut self, side: Side, qty: i64, paise: i64) {
        self.position
            .fill(side, Qty::new(qty), Price::from_paise(paise))
            .expect("small numbers");
        let (mut bracket, moment) = (self.bracket, self.moment());
        bracket.handle_position(&moment);
        self.bracket = bracket;
    }

    fn price(&mut self, seconds: i64, paise: i64) -> Option<Exit> {
        self.now = self.now.plus(DurationNs::from_secs(seconds));
        let (mut bracket, moment) = (self.bracket, self.moment());
        let exit = bracket.handle_price(&moment, Price::from_paise(paise));
        self.bracket = bracket;
        exit
    }

    fn moment(&self) -> Moment<'_> {
        Moment {
            now: self.now,
            instrument: &self.instrument,
            position: &self.position,
            config: &self.config,
        }
    }
}

/// Opens `qty` at 1 000.00, then shows one price a second, filling each wish in full before the next price.
fn day(qty: i64, lot: i64, prices: &[i64]) -> Vec<(usize, i64, ExitReason)> {
    let mut book = Book::with_lot(lot);
    let (entry, exit) = if qty > 0 {
        (Side::Buy, Side::Sell)
    } else {
        (Side::Sell, Side::Buy)
    };
    book.fill(entry, qty.abs(), 100_000);
    let mut exits = Vec::new();
    for (index, paise) in prices.iter().enumerate() {
        if let Some(wish) = book.price(1, *paise) {
            exits.push((index, wish.qty.get(), wish.reason));
            book.fill(exit, wish.qty.get(), *paise);
        }
    }
    exits
}

#[test]
fn stop_target_and_trail_work_alike_for_longs_and_shorts() {
    for (name, lot, long, short, exits) in [
        (
            "nothing happens inside the bracket",
            1,
            vec![101_999, 95_001],
            vec![98_001, 104_999],
            vec![],
        ),
        (
            "the stop is hit exactly",
            1,
            vec![96_000, 95_000],
            vec![104_000, 105_000],
            vec![(1, 100, Stop)],
        ),
        (
            "a crash goes through the stop",
            1,
            vec![60_000],
            vec![140_000],
            vec![(0, 100, Stop)],
        ),
        (
            "half is booked at the target, the rest trails",
            1,
            vec![103_999, 104_000, 108_000, 105_900, 105_840],
            vec![96_001, 96_000, 92_000, 93_800, 93_840],
            vec![(1, 50, Target), (4, 50, Trail)],
        ),
        (
            "the trail works from two percent on, before the target",
            1,
            vec![102_000, 101_000, 103_000, 100_950, 100_940],
            vec![98_000, 99_000, 97_000, 98_930, 98_940],
            vec![(4, 100, Trail)],
        ),
        (
            "half a position in lots of 30 is one lot",
            30,
            vec![104_000],
            vec![96_000],
            vec![(0, 30, Target)],
        ),
        (
            "half a position below a lot is all of it",
            75,
            vec![104_000, 60_000],
            vec![96_000, 140_000],
            vec![(0, 100, Target)],
        ),
    ] {
        assert_eq!(day(100, lot, &long), exits, "{name}, long");
        assert_eq!(day(-100, lot, &short), exits, "{name}, short");
    }
}

#[test]
fn a_wish_is_repeated_only_after_a_while_and_a_crossed_stop_stays_crossed() {
    let mut book = Book::with_lot(1);
    book.fill(Side::Buy, 100, 100_000);
    let all = Some(Exit {
        qty: Qty::new(100),
        reason: Stop,
    });
    assert_eq!(book.price(1, 94_000), all);
    assert_eq!(book.price(1, 93_000), None);
    assert_eq!(book.price(1, 97_000), None);
    assert_eq!(book.price(1, 97_000), all);
    book.fill(Side::Sell, 40, 97_000);
    assert_eq!(book.price(2, 97_000), None);
    assert_eq!(
        book.price(1, 97_000),
        Some(Exit {
            qty: Qty::new(60),
            reason: Stop
        })
    );
}

#[test]
fn a_full_exit_overtakes_a_partial_one_that_did_not_fill() {
    let mut book = Book::with_lot(1);
    book.fill(Side::Buy, 100, 100_000);
    assert_eq!(
        book.price(1, 104_000),
        Some(Exit {
            qty: Qty::new(50),
            reason: Target
        })
    );
    assert_eq!(
        book.price(1, 101_900),
        Some(Exit {
            qty: Qty::new(100),
            reason: Trail
        })
    );
}

#[test]
fn no_part_of_zero_means_no_target() {
    let mut book = Book::with_lot(1);
    book.config.partial_bps = 0;
    book.fill(Side::Buy, 100, 100_000);
    assert_eq!(book.price(1, 104_000), None);
    assert_eq!(
        book.price(1, 101_900),
        Some(Exit {
            qty: Qty::new(100),
            reason: Trail
        })
    );
}

#[derive(Clone, Debug)]
enum Step {
    Price {
        seconds: i64,
        paise: i64,
    },
    /// Fills this share of the last wish, percent.
    FillWish {
        percent: i64,
    },
    /// Adds to the position in its own direction.
    Add {
        qty: i64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0i64..4, 90_000i64..112_000).prop_map(|(seconds, paise)| Step::Price { seconds, paise }),
        2 => (1i64..=100).prop_map(|percent| Step::FillWish { percent }),
        1 => (1i64..50).prop_map(|qty| Step::Add { qty }),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    #[test]
    fn stops_never_loosen_exits_fit_the_position_and_a_part_is_booked_once(
        long in any::<bool>(),
        lot in 1i64..40,
        opening in 1i64..200,
        steps in steps(),
    ) {
        let mut book = Book::with_lot(lot);
        let (entry, exit) = if long { (Side::Buy, Side::Sell) } else { (Side::Sell, Side::Buy) };
        book.fill(entry, opening, 100_000);
        let (mut stop, mut paise) = (book.bracket.stop(), 100_000);
        let mut wish: Option<Exit> = None;
        let mut last: Option<(TsNs, ExitReason)> = None;
        let mut booked = false;
        for step in steps {
            match step {
                Step::Price { seconds, paise: next } => {
                    paise = next;
                    let Some(exit) = book.price(seconds, paise) else { continue };
                    prop_assert!(exit.qty.get() > 0 && exit.qty <= book.position.qty.abs());
                    prop_assert!(!(booked && exit.reason == Target), "a part is booked once");
                    prop_assert!(exit.reason == Target || exit.qty == book.position.qty.abs());
                    if let Some((ts, reason)) = last {
                        let escalates = reason == Target && exit.reason != Target;
                        prop_assert!(escalates || book.now.since(ts) >= RETRY_AFTER, "no spam");
                    }
                    last = Some((book.now, exit.reason));
                    wish = Some(exit);
                }
                Step::FillWish { percent } => {
                    let Some(wish) = wish.take() else { continue };
                    let qty = (wish.qty.get() * percent / 100).max(1).min(book.position.qty.abs().get());
                    booked |= wish.reason == Target;
                    book.fill(exit, qty, paise);
                    if book.position.is_flat() {
                        prop_assert_eq!(book.bracket, Bracket::default());
                        return Ok(());
                    }
                }
                Step::Add { qty } => book.fill(entry, qty, paise),
            }
            let now = book.bracket.stop();
            prop_assert!(if long { now >= stop } else { now <= stop }, "{} loosened to {}", stop, now);
            stop = now;
        }
    }
}
