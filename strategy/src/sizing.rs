//! How much to trade: the smallest of six bounds, rounded down to whole lots, and which bound it was.
//!
//! Bounds, with money = the smaller of capital and equity (a day's winnings are not staked, its losses shrink
//! the stake):
//! - risk: `position_risk_bps` of money over the distance from entry to stop,
//! - value: `position_value_bps` of money, and never more than `order_value_max`, over the entry price,
//! - room: what the limits on all positions together still leave, over the entry price,
//! - freeze: the exchange's largest quantity of one order (the contract's freeze quantity in whole lots) times the
//!   orders that one entry may be cut into and that the rates of a second and of a minute let leave at once,
//! - lots: `order_lots_max` of a derivative,
//! - Kelly, where it is on: `kelly_fraction_bps` of the Kelly stake of money over the distance from entry to stop.
//!
//! The Kelly stake is the share of money whose loss at the stop makes money grow fastest in the long run: p - (1 - p) / b
//! with p winners and b = average winner over average loser (J. L. Kelly, "A New Interpretation of Information Rate",
//! 1956). Both are figures of the configuration: a handful of trades says nothing about them. Where the stake is not
//! positive, nothing is bought.
//!
//! Below one lot the quantity is zero; the risk gate then denies the entry by name, so the signal is not lost
//! from sight. The risk gate checks every bound again, save Kelly's, which is a wish and no limit.

use bijli_core::config::RiskConfig;
use bijli_core::limits::SLICES_MAX;
use bijli_core::price::BPS;
use bijli_core::risk::slice_max;
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
    /// Largest quantity of one order, times the orders that one entry may be cut into.
    Freeze,
    /// Largest number of lots of one order in a derivative.
    Lots,
    /// Part of the Kelly stake.
    Kelly,
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
            affordable(
                money.bps(risk.position_value_bps).min(risk.order_value_max),
                plan.entry.get(),
            ),
            SizingRule::Value,
        ),
        (affordable(plan.room, plan.entry.get()), SizingRule::Room),
        (cut_max(instrument, risk), SizingRule::Freeze),
        (lots_max(instrument, risk), SizingRule::Lots),
        (kelly_max(risk, money, distance), SizingRule::Kelly),
    ];
    let (units, rule) = bounds
        .into_iter()
        .min_by_key(|(units, _)| *units)
        .expect("six bounds are given");
    Sized {
        qty: Qty::new(units.max(0)).floor_to_lot(instrument.lot),
        rule,
    }
}

/// How many units `money` covers at `cost` each; without a cost there is no bound to state, so nothing is bought.
fn affordable(money: Money, cost: i64) -> i64 {
    if cost > 0 { money.get().max(0) / cost } else { 0 }
}

fn cut_max(instrument: &Instrument, risk: &RiskConfig) -> i64 {
    let orders = risk.entries_per_second_max.min(risk.entries_per_minute_max);
    let orders = i64::from(orders).min(SLICES_MAX as i64);
    slice_max(instrument).get().saturating_mul(orders)
}

fn lots_max(instrument: &Instrument, risk: &RiskConfig) -> i64 {
    if instrument.kind.is_derivative() {
        i64::from(risk.order_lots_max).saturating_mul(instrument.lot.get())
    } else {
        i64::MAX
    }
}

fn kelly_max(risk: &RiskConfig, money: Money, distance: i64) -> i64 {
    if risk.kelly_fraction_bps == 0 {
        return i64::MAX;
    }
    let at_risk = money.bps(kelly_stake_bps(risk)).bps(risk.kelly_fraction_bps);
    affordable(at_risk, distance)
}

/// Share of money that Kelly's rule would risk on one trade, basis points; rounded against the trade, negative when the
/// figures promise a loss.
#[must_use]
pub fn kelly_stake_bps(risk: &RiskConfig) -> i64 {
    let losers_bps = BPS - risk.kelly_win_rate_bps;
    let payoff_ppm = risk.kelly_payoff_ppm.max(1);
    // Losers over payoff, rounded up.
    let cost_bps = (losers_bps * 1_000_000 + payoff_ppm - 1) / payoff_ppm;
    risk.kelly_win_rate_bps - cost_bps
}
