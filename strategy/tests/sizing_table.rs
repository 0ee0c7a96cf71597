//! Quantity and binding rule, row by row, and the laws behind them.

use bijli_core::config::RiskConfig;
use bijli_core::instrument::InstrumentKind;
use bijli_core::price::Money;
use bijli_core::{Instrument, Price, Qty};
use bijli_strategy::sizing::{Plan, Sized, SizingRule, kelly_stake_bps, size};
use proptest::prelude::*;

#[path = "desk/mod.rs"]
mod desk;

fn contract(lot: i64, freeze: i64) -> Instrument {
    Instrument {
        lot: Qty::new(lot),
        freeze: Qty::new(freeze),
        ..desk::share(0, "ANY")
    }
}

#[test]
fn the_tightest_of_all_bounds_decides_and_whole_lots_remain() {
    let rupees = |rupees: i64| Price::from_paise(rupees * 100);
    // One lakh: 30 % value = 30 000, 5 % risk = 5 000 rupees.
    for (entry, stop, lot, freeze, equity, room, qty, rule) in [
        (1_000, 950, 1, 100_000, 100_000, 70_000, 30, SizingRule::Value),
        (1_000, 1_050, 1, 100_000, 100_000, 70_000, 30, SizingRule::Value),
        (100, 50, 1, 100_000, 100_000, 70_000, 100, SizingRule::Risk),
        (100, 95, 75, 100_000, 100_000, 70_000, 300, SizingRule::Value),
        // Four orders a second, each of whole lots within the freeze quantity.
        (100, 95, 1, 74, 100_000, 70_000, 296, SizingRule::Freeze),
        (100, 95, 1, 75, 100_000, 70_000, 300, SizingRule::Value),
        (100, 95, 25, 74, 100_000, 70_000, 200, SizingRule::Freeze),
        (100, 95, 75, 74, 100_000, 70_000, 0, SizingRule::Freeze),
        (1_000, 950, 75, 1_800, 100_000, 70_000, 0, SizingRule::Value),
        (1_000, 950, 1, 100_000, 50_000, 70_000, 15, SizingRule::Value),
        (1_000, 950, 1, 100_000, 200_000, 70_000, 30, SizingRule::Value),
        (1_000, 950, 1, 100_000, -1, 70_000, 0, SizingRule::Risk),
        (1_000, 1_000, 1, 100_000, 100_000, 70_000, 0, SizingRule::Risk),
        (1_000, 950, 1, 100_000, 100_000, 10_000, 10, SizingRule::Room),
        (1_000, 950, 1, 100_000, 100_000, -1, 0, SizingRule::Room),
    ] {
        let plan = Plan {
            entry: rupees(entry),
            stop: rupees(stop),
            room: Money::from_rupees(room),
        };
        let sized = size(
            &plan,
            &contract(lot, freeze),
            &RiskConfig::default(),
            Money::from_rupees(equity),
        );
        assert_eq!(
            sized,
            Sized {
                qty: Qty::new(qty),
                rule
            },
            "entry {entry} stop {stop} lot {lot}"
        );
    }
}

#[test]
fn a_derivative_is_bought_up_to_its_lots_and_a_share_without_such_a_bound() {
    let risk = RiskConfig {
        order_lots_max: 2,
        ..RiskConfig::default()
    };
    let plan = Plan {
        entry: Price::from_paise(1_000),
        stop: Price::from_paise(990),
        room: Money::from_rupees(70_000),
    };
    for (kind, lot, qty, rule) in [
        (InstrumentKind::Call, 75, 150, SizingRule::Lots),
        (InstrumentKind::Put, 75, 150, SizingRule::Lots),
        (InstrumentKind::Future, 75, 150, SizingRule::Lots),
        // Thirty thousand rupees at ten each.
        (InstrumentKind::Equity, 75, 3_000, SizingRule::Value),
        // Two lots would be four thousand: the value is the tighter bound.
        (InstrumentKind::Call, 2_000, 2_000, SizingRule::Value),
    ] {
        let instrument = Instrument {
            kind,
            ..contract(lot, 100_000)
        };
        let sized = size(&plan, &instrument, &risk, Money::from_rupees(100_000));
        let qty = Qty::new(qty);
        assert_eq!(sized, Sized { qty, rule }, "{kind:?} in lots of {lot}");
    }
}

#[test]
fn the_kelly_stake_is_winners_less_losers_over_payoff_and_only_ever_lowers_a_size() {
    let plan = Plan {
        entry: Price::from_paise(10_000),
        stop: Price::from_paise(9_000),
        room: Money::from_rupees(70_000),
    };
    // One lakh; a stop ten rupees away: a stake of 1 % is a hundred shares, and the value bound is three hundred.
    for (win_rate_bps, payoff_ppm, fraction_bps, stake_bps, qty, rule) in [
        (5_000, 2_000_000, 0, 2_500, 300, SizingRule::Value), // off
        (5_000, 2_000_000, 10_000, 2_500, 300, SizingRule::Value),
        (5_000, 2_000_000, 1_000, 2_500, 250, SizingRule::Kelly),
        (5_000, 2_000_000, 500, 2_500, 125, SizingRule::Kelly),
        (6_000, 1_000_000, 1_000, 2_000, 200, SizingRule::Kelly),
        (5_000, 3_000_000, 1_000, 3_333, 300, SizingRule::Value), // losers over payoff are rounded up
        (5_000, 1_000_000, 10_000, 0, 0, SizingRule::Kelly),      // fair: nothing to win
        (4_000, 1_000_000, 10_000, -2_000, 0, SizingRule::Kelly),
        (10_000, 1, 100, 10_000, 100, SizingRule::Kelly),
    ] {
        let risk = RiskConfig {
            kelly_win_rate_bps: win_rate_bps,
            kelly_payoff_ppm: payoff_ppm,
            kelly_fraction_bps: fraction_bps,
            ..RiskConfig::default()
        };
        let row = (win_rate_bps, payoff_ppm, fraction_bps);
        assert_eq!(kelly_stake_bps(&risk), stake_bps, "{row:?}");
        let sized = size(&plan, &contract(1, 100_000), &risk, Money::from_rupees(100_000));
        let qty = Qty::new(qty);
        assert_eq!(sized, Sized { qty, rule }, "{row:?}");
    }
}

#[test]
fn a_payoff_of_nothing_stakes_nothing() {
    let risk = RiskConfig {
        kelly_payoff_ppm: 0,
        ..RiskConfig::default()
    };
    assert!(kelly_stake_bps(&risk) < 0);
}

proptest! {
    #[test]
    fn no_bound_is_ever_passed_and_one_more_lot_would_pass_one(
        entry in 1i64..1_000_000_000,
        distance in 1i64..100_000_000,
        lot in 1i64..10_000,
        freeze in 1i64..100_000,
        equity in 0i64..10_000_000,
        room in 0i64..100_000,
    ) {
        let risk = RiskConfig::default();
        let plan = Plan { entry: Price::new(entry), stop: Price::new(entry + distance), room: Money::from_rupees(room) };
        let equity = Money::from_rupees(equity);
        let sized = size(&plan, &contract(lot, freeze), &risk, equity);
        let money = equity.min(risk.capital);
        let within = |qty: i64| {
            qty <= freeze / lot * lot * 4
                && qty * entry <= money.bps(risk.position_value_bps).get()
                && qty * entry <= plan.room.get()
                && qty * distance <= money.bps(risk.position_risk_bps).get()
        };
        let qty = sized.qty.get();
        prop_assert!(qty >= 0 && qty % lot == 0);
        prop_assert!(qty == 0 || within(qty));
        prop_assert!(!within(qty + lot));
    }
}
