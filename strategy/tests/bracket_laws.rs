//! The exits: a table of days, then laws over arbitrary prices and fills.

use bijli_core::order::Side;
use bijli_core::position_plan::{PositionPlan, TargetPlan};
use bijli_core::strategy::ExitReason::{self, Stop, Target, Time, Trail};
use bijli_core::{DurationNs, Price, Qty, TsNs};
use bijli_strategy::bracket::{Bracket, Exit, RETRY_AFTER};
use book::Book;
use proptest::prelude::*;

mod book;
mod desk;

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
    book.config.strategy.partial_bps = 0;
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
    /// Time passes without a price.
    Wait {
        seconds: i64,
    },
    /// Fills this share of the last wish, percent.
    FillWish {
        percent: i64,
    },
    /// Adds to the position in its own direction.
    Add {
        qty: i64,
    },
    /// A person takes the position, or hands it back.
    Manual(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0i64..4, 90_000i64..116_000).prop_map(|(seconds, paise)| Step::Price { seconds, paise }),
        1 => (0i64..60).prop_map(|seconds| Step::Wait { seconds }),
        4 => (1i64..=100).prop_map(|percent| Step::FillWish { percent }),
        2 => (1i64..50).prop_map(|qty| Step::Add { qty }),
        1 => any::<bool>().prop_map(Step::Manual),
    ];
    prop::collection::vec(step, 1..120)
}

/// Any plan that `config check` lets pass, and some with rules left out.
fn plans() -> impl Strategy<Value = PositionPlan> {
    let off_or = |range: std::ops::Range<i64>| prop_oneof![Just(0), range];
    let target = |distance: std::ops::Range<i64>| {
        (distance, prop_oneof![Just(0), 1i64..2_500]).prop_map(|(distance_bps, part_bps)| TargetPlan {
            distance_bps,
            part_bps,
        })
    };
    (
        off_or(60..600),
        off_or(10..400),
        target(500..800),
        target(800..1_400),
    )
        .prop_map(|(hold_s, breakeven_bps, second, third)| PositionPlan {
            hold_max: DurationNs::from_secs(hold_s),
            breakeven_bps,
            second,
            third,
            ..PositionPlan::default()
        })
}

/// Runs `steps` on a fresh position and checks every law on the way; gives each step's wish.
fn run(book: &mut Book, long: bool, opening: i64, steps: &[Step]) -> Vec<Option<Exit>> {
    let (entry, exit) = if long {
        (Side::Buy, Side::Sell)
    } else {
        (Side::Sell, Side::Buy)
    };
    let mirrored = |paise: i64| if long { paise } else { 200_000 - paise };
    book.fill(entry, opening, 100_000);
    let (mut stop, mut paise) = (book.bracket.stop(), 100_000);
    let mut wish: Option<Exit> = None;
    let mut last: Option<(TsNs, Exit)> = None;
    let mut wishes = Vec::new();
    for step in steps {
        let mut told = None;
        match step {
            Step::Price { seconds, paise: next } => {
                paise = mirrored(*next);
                told = book.price(*seconds, paise);
            }
            Step::Wait { seconds } => told = book.wait(*seconds),
            Step::FillWish { percent } => {
                if let Some(wish) = wish.take() {
                    let open = book.position.qty.abs().get();
                    book.fill(exit, (wish.qty.get() * percent / 100).clamp(1, open), paise);
                }
            }
            Step::Add { qty } => book.fill(entry, *qty, paise),
            Step::Manual(is_manual) => book.is_manual = *is_manual,
        }
        if book.position.is_flat() {
            assert_eq!(book.bracket, Bracket::default());
            return wishes;
        }
        if let Some(exit) = told {
            assert!(!book.is_manual, "nobody trades what a person has");
            assert!(exit.qty.get() > 0 && exit.qty <= book.position.qty.abs());
            assert!(exit.reason == Target || exit.qty == book.position.qty.abs());
            if let Some((ts, before)) = last {
                let part = before.reason == Target;
                let escalates = part && (exit.reason != Target || exit.qty != before.qty);
                assert!(escalates || book.now.since(ts) >= RETRY_AFTER, "no spam");
            }
            last = Some((book.now, exit));
            wish = Some(exit);
        }
        wishes.push(told);
        let now = book.bracket.stop();
        assert!(
            if long { now >= stop } else { now <= stop },
            "{stop} loosened to {now}"
        );
        stop = now;
    }
    wishes
}

proptest! {
    #[test]
    fn stops_never_loosen_and_exits_fit_the_position(
        long in any::<bool>(),
        lot in 1i64..40,
        opening in 1i64..200,
        plan in plans(),
        steps in steps(),
    ) {
        let mut book = Book::with_lot(lot);
        book.config.position = plan;
        run(&mut book, long, opening, &steps);
    }

    #[test]
    fn longs_and_shorts_mirror_each_other(
        lot in 1i64..40,
        opening in 1i64..200,
        plan in plans(),
        steps in steps(),
    ) {
        // Distances are of the entry price; the trail's is of the best price, so it is put out of the way, and
        // nothing is added at other prices.
        let steps: Vec<Step> =
            steps.into_iter().filter(|step| !matches!(step, Step::Add { .. })).collect();
        let wishes = [true, false].map(|long| {
            let mut book = Book::with_lot(lot);
            book.config.position = plan;
            book.config.strategy.trail_bps = 9_999;
            run(&mut book, long, opening, &steps)
        });
        prop_assert_eq!(&wishes[0], &wishes[1]);
    }

    #[test]
    fn targets_book_their_parts_once_however_their_orders_fill(
        lot in 1i64..40,
        opening in 1i64..400,
        plan in plans(),
        moves in prop::collection::vec((0i64..5, 100_000i64..116_000, 0i64..=100), 1..80),
    ) {
        let mut book = Book::with_lot(lot);
        book.config.position = plan;
        // Nothing but targets: no trail, no time.
        book.config.strategy.trail_bps = 9_999;
        book.config.position.hold_max = DurationNs::new(0);
        book.config.position.breakeven_bps = 0;
        book.fill(Side::Buy, opening, 100_000);
        let (mut best, mut booked) = (0, 0);
        for (seconds, paise, percent) in moves {
            best = best.max(paise);
            let reached = [(10_400, 5_000), (10_000 + plan.second.distance_bps, plan.second.part_bps),
                (10_000 + plan.third.distance_bps, plan.third.part_bps)];
            let reached: Vec<i64> =
                reached.iter().filter(|(at, part)| *part > 0 && best * 10 >= at * 100).map(|(_, part)| *part).collect();
            let floor = |part: i64| (opening * part / 10_000) / lot * lot;
            let all = reached.iter().any(|part| floor(*part) == 0) || reached.iter().sum::<i64>() >= 10_000;
            let most = if all { opening } else { reached.iter().map(|part| floor(*part)).sum() };
            let wish = book.price(seconds, paise);
            if let Some(wish) = wish {
                prop_assert_eq!(wish.reason, Target);
                prop_assert_eq!(booked + wish.qty.get(), most, "what is wished for is what is missing");
                let filled = wish.qty.get() * percent / 100;
                if filled > 0 {
                    booked += filled;
                    book.fill(Side::Sell, filled, paise);
                }
            }
            prop_assert!(booked <= most);
            if book.position.is_flat() {
                return Ok(());
            }
        }
    }

    #[test]
    fn every_crossed_level_is_wished_for_on_the_price_that_crossed_it(
        opening in 10i64..200,
        plan in plans(),
        prices in prop::collection::vec((0i64..4, 90_000i64..116_000), 1..80),
    ) {
        let mut book = Book::with_lot(1);
        book.config.position = plan;
        book.fill(Side::Buy, opening, 100_000);
        for (seconds, paise) in prices {
            let stop = book.bracket.stop();
            let wish = book.price(seconds, paise);
            if Price::from_paise(paise) <= stop {
                let wish = wish.expect("a crossed stop is wished for at once");
                prop_assert_eq!(wish.qty, book.position.qty);
                prop_assert!(matches!(wish.reason, Stop | Trail | Time));
                return Ok(());
            }
            if wish.is_some_and(|wish| wish.reason == Time) {
                return Ok(());
            }
        }
    }
}
