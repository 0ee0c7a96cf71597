//! How much to trade: the smallest of four bounds, rounded down to whole lots, and which bound it was.
//!
//! Bounds, with money = the smaller of capital and equity (a day's winnings are not staked, its losses shrink
//! the stake):
//! - risk: `position_risk_bps` of money over the distance from entry to stop,
//! - value: `position_value_bps` of money over the entry price,
//! - room: what the limits on all positions together (and on options) still leave, over the entry price,
//! - freeze: the exchange's largest quantity of one order (the contract's freeze quantity).
//!
//! Below one lot the quantity is zero; the risk gate then denies the entry by name, so the signal is not lost
//! from sight. The risk gate checks every bound again.

use bijli_core::config::RiskConfig;
use bijli_core::{Instrument, Money, Price, Qty};

/// Which bound was the tightest. Ties go to the first in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SizingRule {
    /// Quantity × distance to the stop.
    Risk,
    /// Quantity × price.
    Value,
    /// What all positions together still leave.
    Room,
    /// Largest quantity of one order.
    Freeze,
}

/// A quantity with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sized {
    /// Whole lots, in units; zero when the bound is below one lot.
    pub qty: Qty,
    /// The bound that decided.
    pub rule: SizingRule,
}

/// The planned order that is to be sized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Limit price of the entry.
    pub entry: Price,
    /// Where it would be stopped out.
    pub stop: Price,
    /// Value that the limits on all positions together still leave.
    pub room: Money,
}

/// The quantity for `plan` under the limits of `risk`.
#[must_use]
pub fn size(plan: &Plan, instrument: &Instrument, risk: &RiskConfig, equity: Money) -> Sized {
    let money = risk.capital.min(equity);
    let distance = plan.entry.minus(plan.stop).get().saturating_abs();
    let bounds = [
        (
            affordable(money.bps(risk.position_risk_bps), distance),
            SizingRule::Risk,
        ),
        (
            affordable(money.bps(risk.position_value_bps), plan.entry.get()),
            SizingRule::Value,
        ),
        (affordable(plan.room, plan.entry.get()), SizingRule::Room),
        (instrument.freeze.get(), SizingRule::Freeze),
    ];
    let (units, rule) = bounds
        .into_iter()
        .min_by_key(|(units, _)| *units)
        .expect("four bounds are given");
    Sized {
        qty: Qty::new(units.max(0)).floor_to_lot(instrument.lot),
        rule,
    }
}

/// How many units `money` covers at `cost` each; without a cost there is no bound to state, so nothing is bought.
fn affordable(money: Money, cost: i64) -> i64 {
    if cost > 0 { money.get().max(0) / cost } else { 0 }
}
