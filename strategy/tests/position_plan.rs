//! The plan of a position rule by rule: further targets, break-even, time exits, additions, and a person's hand.

use bijli_core::config::Config;
use bijli_core::order::Side;
use bijli_core::position_plan::TargetPlan;
use bijli_core::strategy::ExitReason::{self, Stop, Target, Time, Trail};
use bijli_core::{DurationNs, Price, Qty};
use bijli_strategy::bracket::{Exit, RETRY_AFTER, is_past_leaving};
use book::Book;

mod book;
mod desk;

fn exit(qty: i64, reason: ExitReason) -> Option<Exit> {
    Some(Exit {
        qty: Qty::new(qty),
        reason,
    })
}

const fn target(distance_bps: i64, part_bps: i64) -> TargetPlan {
    TargetPlan {
        distance_bps,
        part_bps,
    }
}

/// A hundred bought at 1 000.00 under the default stop, target and trail.
fn bought() -> Book {
    let mut book = Book::with_lot(1);
    book.fill(Side::Buy, 100, 100_000);
    book
}

#[test]
fn three_targets_book_their_parts_of_the_whole_and_the_rest_trails() {
    let mut book = bought();
    book.config.strategy.partial_bps = 3_000;
    book.config.position.second = target(600, 3_000);
    book.config.position.third = target(800, 2_000);
    let mut exits = Vec::new();
    for paise in [104_000, 106_000, 107_999, 108_000, 105_841, 105_840] {
        if let Some(wish) = book.price(1, paise) {
            exits.push((paise, wish.qty.get(), wish.reason));
            book.fill(Side::Sell, wish.qty.get(), paise);
        }
    }
    assert_eq!(
        exits,
        [
            (104_000, 30, Target),
            (106_000, 30, Target),
            (108_000, 20, Target),
            (105_840, 20, Trail)
        ]
    );
}

#[test]
fn a_jump_over_two_targets_books_both_and_parts_that_make_a_whole_book_all() {
    let mut book = bought();
    book.config.position.second = target(600, 2_500);
    assert_eq!(book.price(1, 107_000), exit(75, Target));
    let mut book = bought();
    book.config.strategy.partial_bps = 3_333;
    book.config.position.second = target(600, 3_333);
    book.config.position.third = target(700, 3_334);
    assert_eq!(book.price(1, 107_000), exit(100, Target));
}

#[test]
fn a_partly_filled_booking_is_continued_and_not_repeated() {
    let mut book = bought();
    assert_eq!(book.price(1, 104_000), exit(50, Target));
    book.fill(Side::Sell, 20, 104_000);
    assert_eq!(book.price(1, 104_000), None);
    assert_eq!(
        book.price(RETRY_AFTER.get() / 1_000_000_000, 104_000),
        exit(30, Target)
    );
    book.fill(Side::Sell, 30, 104_000);
    assert_eq!(book.price(60, 104_500), None, "all of the part is booked");
}

#[test]
fn a_further_target_does_not_wait_for_the_one_before_it() {
    let mut book = bought();
    book.config.strategy.partial_bps = 2_500;
    book.config.position.second = target(600, 2_500);
    assert_eq!(book.price(1, 104_000), exit(25, Target));
    assert_eq!(book.price(1, 106_000), exit(50, Target));
}

#[test]
fn break_even_pays_the_charges_of_the_round_trip_and_is_called_a_stop() {
    for (side, good, at_entry) in [(Side::Buy, 101_500, 100_000), (Side::Sell, 98_500, 100_000)] {
        let mut book = Book::with_lot(1);
        book.config.position.breakeven_bps = 150;
        book.fill(side, 100, 100_000);
        assert_eq!(book.price(1, good), None);
        let margin = book.bracket.stop().minus(Price::from_paise(100_000)).get() * side.sign();
        // Shares, one lakh each way on 2026-07-31: brokerage 20 + 20, exchange 6.14, fee 0.20, tax on the three
        // 8.3412, stamp 3, transaction tax 25: 82.6812 rupees over a hundred shares.
        assert_eq!(margin, 8_269, "rounded up to 1/10 000 rupee");
        assert_eq!(book.price(1, at_entry), exit(100, Stop));
    }
}

#[test]
fn break_even_waits_until_the_price_has_passed_the_charges() {
    let mut book = bought();
    book.config.position.breakeven_bps = 1;
    assert_eq!(book.price(1, 100_050), None);
    assert_eq!(book.bracket.stop(), Price::from_paise(95_000));
    assert_eq!(book.price(1, 100_100), None);
    assert!(book.bracket.stop() > Price::from_paise(100_000));
}

#[test]
fn a_position_is_left_after_its_longest_time_with_a_price_or_without() {
    for with_price in [true, false] {
        let mut book = bought();
        book.config.position.hold_max = DurationNs::from_secs(600);
        let mut pass = |seconds| {
            if with_price {
                book.price(seconds, 100_500)
            } else {
                book.wait(seconds)
            }
        };
        assert_eq!(pass(599), None);
        assert_eq!(pass(1), exit(100, Time));
        assert_eq!(pass(1), None, "wished for once");
        assert_eq!(pass(2), exit(100, Time), "and again while nothing moves");
    }
}

#[test]
fn a_position_is_left_at_the_plans_time_of_the_day_and_none_is_entered_after_it() {
    let mut book = bought();
    book.config.position.leave_at = DurationNs::from_hm(10, 30);
    assert_eq!(book.wait(1_799), None);
    assert!(!is_past_leaving(&book.config, book.now));
    assert_eq!(book.wait(1), exit(100, Time));
    assert!(is_past_leaving(&book.config, book.now));
    assert!(!is_past_leaving(&Config::default(), book.now));
}

#[test]
fn stop_goes_before_time_time_before_trail_trail_before_target() {
    let overdue = || {
        let mut book = bought();
        book.config.position.hold_max = DurationNs::from_secs(10);
        book
    };
    assert_eq!(overdue().price(10, 90_000), exit(100, Stop));
    let mut book = overdue();
    assert_eq!(book.price(1, 102_000), None);
    assert_eq!(
        book.price(9, 99_000),
        exit(100, Time),
        "the trail was crossed too"
    );
    assert_eq!(
        overdue().price(10, 104_000),
        exit(100, Time),
        "the target was reached too"
    );
    let mut book = bought();
    assert_eq!(book.price(1, 104_000), exit(50, Target));
    assert_eq!(
        book.price(1, 101_000),
        exit(100, Trail),
        "the booking has not filled"
    );
}

#[test]
fn additions_follow_the_price_and_end_at_their_number() {
    let mut book = Book::with_lot(10);
    book.config.strategy.trail_bps = 5_000;
    book.config.position.scale_in_max = 2;
    book.config.position.scale_in_bps = 100;
    book.config.position.scale_in_part_bps = 5_500;
    book.fill(Side::Buy, 100, 100_000);
    let mut added = Vec::new();
    for paise in [100_999, 101_000, 101_500, 102_009, 102_010, 103_500] {
        let price = Price::from_paise(paise);
        if let Some(qty) = book.bracket.addition(&book.moment(), price) {
            added.push((paise, qty.get()));
            book.bracket.note_addition(price);
            let stop = book.bracket.stop();
            book.fill(Side::Buy, qty.get(), paise);
            assert!(book.bracket.stop() >= stop, "the stop never loosens");
        }
    }
    assert_eq!(
        added,
        [(101_000, 50), (102_010, 50)],
        "whole lots of the first size"
    );
}

#[test]
fn nothing_is_added_by_default_after_a_target_or_to_what_a_person_has() {
    let mut book = bought();
    assert_eq!(
        book.bracket.addition(&book.moment(), Price::from_paise(103_000)),
        None
    );
    book.config.position.scale_in_max = 1;
    book.config.position.scale_in_bps = 100;
    book.config.position.scale_in_part_bps = 5_000;
    let price = Price::from_paise(104_000);
    book.is_manual = true;
    assert_eq!(book.bracket.addition(&book.moment(), price), None);
    book.is_manual = false;
    assert_eq!(book.bracket.addition(&book.moment(), price), Some(Qty::new(50)));
    assert_eq!(book.price(1, 104_000), exit(50, Target));
    assert_eq!(book.bracket.addition(&book.moment(), price), None);
}

#[test]
fn a_persons_position_is_left_alone_and_its_levels_still_follow() {
    let mut book = bought();
    book.is_manual = true;
    assert_eq!(book.price(1, 94_000), None, "the stop was crossed");
    assert_eq!(book.price(1, 110_000), None, "the target was reached");
    assert_eq!(book.bracket.stop(), Price::from_paise(107_800));
    book.is_manual = false;
    assert_eq!(book.price(1, 109_000), exit(50, Target), "handed back");
    assert_eq!(book.price(1, 107_800), exit(100, Trail));
}
