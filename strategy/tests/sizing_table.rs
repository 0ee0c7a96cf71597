//! Quantity and binding rule, row by row, and the laws behind them.

use bijli_core::config::RiskConfig;
use bijli_core::price::Money;
use bijli_core::{Instrument, Price, Qty};
use bijli_strategy::sizing::{Plan, Sized, SizingRule, size};
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
