//! A group before the gate: judged together before its first order, cut at the freeze quantity, written as entries are.

use bijli_core::config::Config;
use bijli_core::event::{Event, FundsReported, Submission};
use bijli_core::group::{EnterGroup, GroupState, LegPlan, LegRole};
use bijli_core::order::{Purpose, Side, Validity};
use bijli_core::strategy::Intent;
use bijli_core::{Denial, DurationNs, Money, Qty};

use crate::groups::{fill, group_of, hedged, leg, places, state};
use crate::house::{House, OTHER, STOCK};

/// The freeze quantity of the house's stocks.
const FREEZE: i64 = 100_000;

fn configured(change: impl FnOnce(&mut Config)) -> House {
    let mut house = House::open();
    let mut config = Config::default();
    change(&mut config);
    house.tell(Event::Configured(config));
    house
}

/// What the gate says to a bought and a sold leg worth 20 000 rupees together; no order may leave of what it denies.
fn verdict(house: &mut House) -> Option<Denial> {
    verdict_of(house, hedged(house))
}

fn verdict_of(house: &mut House, wish: EnterGroup) -> Option<Denial> {
    let commands = house.wish(Intent::EnterGroup(wish));
    let judged = house.engine.state().signal(0).expect("it was just judged");
    assert_eq!(commands.is_empty(), judged.denial.is_some());
    judged.denial
}

#[test]
fn what_the_legs_are_worth_together_is_limited_before_the_first_order() {
    type Limit = fn(&mut Config) -> &mut i64;
    let rows: [(Limit, Denial); 7] = [
        (
            |config| &mut config.risk.total_exposure_bps,
            Denial::TotalExposure,
        ),
        (
            |config| &mut config.risk.position_value_bps,
            Denial::PositionValue,
        ),
        (
            |config| &mut config.risk.underlying_exposure_bps,
            Denial::UnderlyingExposure,
        ),
        (
            |config| &mut config.risk.sector_exposure_bps,
            Denial::SectorExposure,
        ),
        (
            |config| &mut config.risk.strategy_exposure_bps,
            Denial::StrategyExposure,
        ),
        (
            |config| &mut config.risk.correlated_exposure_bps,
            Denial::CorrelatedExposure,
        ),
        (|config| &mut config.risk.leverage_bps, Denial::Leverage),
    ];
    for (limit, denial) in rows {
        for (bps, expected) in [(2_000, None), (1_999, Some(denial))] {
            let mut house = configured(|config| *limit(config) = bps);
            assert_eq!(verdict(&mut house), expected, "{bps} {denial:?}");
        }
    }
}

#[test]
fn the_margin_of_all_legs_together_must_be_there_before_the_first_order() {
    // A quarter of 20 000 rupees.
    let needed = Money::from_rupees(5_000);
    for (less, expected) in [(0, None), (1, Some(Denial::MarginShort))] {
        let mut house = House::open();
        house.tell(Event::FundsReported(FundsReported {
            ts: house.now,
            available: Money::new(needed.get() - less),
            used: Money::ZERO,
        }));
        assert_eq!(verdict(&mut house), expected);
    }
}

#[test]
fn legs_that_go_the_same_way_add_up_in_delta_and_opposed_ones_do_not() {
    let main = |instrument, side| leg(instrument, side, LegRole::Main);
    for (other, bps, expected) in [
        (Side::Buy, 2_002, None),
        (Side::Buy, 2_001, Some(Denial::DeltaExposure)),
        (Side::Sell, 1_001, None),
    ] {
        let mut house = configured(|config| config.risk.delta_exposure_bps = bps);
        let wish = group_of(&house, &[main(STOCK, Side::Buy), main(OTHER, other)]);
        assert_eq!(verdict_of(&mut house, wish), expected, "{other:?} {bps}");
    }
}

#[test]
fn the_orders_of_all_legs_count_before_the_first_one_leaves() {
    type Limit = fn(&mut Config) -> &mut u32;
    let rows: [(Limit, Denial); 4] = [
        (
            |config| &mut config.risk.entries_per_day_max,
            Denial::EntriesPerDayMax,
        ),
        (
            |config| &mut config.risk.orders_per_day_max,
            Denial::OrdersPerDayMax,
        ),
        (
            |config| &mut config.risk.entries_per_second_max,
            Denial::OrderRate,
        ),
        (|config| &mut config.risk.positions_max, Denial::PositionsMax),
    ];
    for (limit, denial) in rows {
        for (max, expected) in [(2, None), (1, Some(denial))] {
            let mut house = configured(|config| *limit(config) = max);
            assert_eq!(verdict(&mut house), expected, "{max} {denial:?}");
        }
    }
}

/// A house with money and rates for legs beyond the freeze quantity, and such legs: 150 000 of each.
fn large() -> (House, EnterGroup) {
    let house = configured(|config| {
        config.risk.capital = Money::from_rupees(500_000_000);
        config.risk.order_value_max = config.risk.capital;
    });
    let double = |plan: LegPlan| LegPlan {
        qty: Qty::new(FREEZE * 3 / 2),
        ..plan
    };
    let mut wish = hedged(&house);
    wish.legs = wish.legs.map(|plan| plan.map(double));
    (wish.loss, wish.gain) = (Money::ZERO, Money::ZERO);
    (house, wish)
}

#[test]
fn legs_are_cut_at_the_freeze_quantity_and_the_hedge_is_whole_before_the_rest() {
    let (mut house, wish) = large();
    let quantities = |orders: &[bijli_core::command::Place]| -> Vec<i64> {
        orders.iter().map(|order| order.qty.get()).collect()
    };
    let hedge = places(&house.wish(Intent::EnterGroup(wish)));
    assert_eq!(quantities(&hedge), [FREEZE, FREEZE / 2]);
    assert_eq!(
        places(&fill(&mut house, &hedge[0], FREEZE, 10_005)),
        [],
        "a piece is no cover"
    );
    let sold = places(&fill(&mut house, &hedge[1], FREEZE / 2, 10_005));
    assert_eq!(quantities(&sold), [FREEZE, FREEZE / 2]);
    fill(&mut house, &sold[0], FREEZE, 9_995);
    assert_eq!(state(&house), GroupState::Forming);
    fill(&mut house, &sold[1], FREEZE / 2, 9_995);
    assert_eq!(state(&house), GroupState::Live);
    assert_eq!(house.engine.state().counts().entries, 4);
}

#[test]
fn a_piece_that_comes_to_nothing_fails_its_leg_and_what_filled_is_unwound() {
    let (mut house, wish) = large();
    let hedge = places(&house.wish(Intent::EnterGroup(wish)));
    fill(&mut house, &hedge[0], FREEZE, 10_005);
    let exits = places(&house.resolve(hedge[1].intent, Submission::Refused));
    assert_eq!(state(&house), GroupState::Unwinding);
    assert_eq!(exits.len(), 1, "{exits:?}");
    assert_eq!(
        (exits[0].purpose, exits[0].side, exits[0].qty),
        (Purpose::Exit, Side::Sell, Qty::new(FREEZE))
    );
    fill(&mut house, &exits[0], FREEZE, 10_000);
    house.wait(DurationNs::from_secs(1));
    assert_eq!(state(&house), GroupState::Closed);
    assert_eq!((house.position(STOCK), house.position(OTHER)), (0, 0));
}

#[test]
fn a_piece_that_is_presumed_absent_keeps_no_hedge_whatever_became_of_the_others() {
    let (mut house, wish) = large();
    let hedge = places(&house.wish(Intent::EnterGroup(wish)));
    fill(&mut house, &hedge[0], FREEZE, 10_005);
    let sold = places(&fill(&mut house, &hedge[1], FREEZE / 2, 10_005));
    house.resolve(sold[1].intent, Submission::Unknown);
    assert_eq!(places(&house.resolve(sold[0].intent, Submission::Refused)), []);
    assert_eq!(
        state(&house),
        GroupState::Unwinding,
        "and the other piece may exist"
    );
    let exits = places(&house.resolve(sold[1].intent, Submission::PresumedAbsent));
    let left: i64 = exits.iter().map(|exit| exit.qty.get()).sum();
    assert_eq!(
        (exits[0].instrument, exits[0].side, left),
        (STOCK, Side::Sell, FREEZE * 3 / 2)
    );
}

#[test]
fn legs_live_as_long_as_entries_are_configured_to() {
    for validity in [Validity::Day, Validity::Ioc] {
        let mut house = configured(|config| config.orders.entry_validity = validity);
        let wish = hedged(&house);
        let hedge = places(&house.wish(Intent::EnterGroup(wish)));
        assert_eq!(hedge[0].validity, validity);
    }
}
