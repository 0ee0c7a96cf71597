//! What the entry would put at stake: alone, together with all that is at stake already, and for the account.
//!
//! Invariants: every sum is checked, and one that does not fit denies; a limit is passed by being at it, never above.

use super::{EntryFacts, refuse_if};
use crate::config::Config;
use crate::denial::Denial;
use crate::price::{Money, Price};
use crate::strategy::Enter;

fn value_of(enter: &Enter) -> Result<Money, Denial> {
    enter.limit.times(enter.qty).ok_or(Denial::Overflow)
}

pub(super) fn check_position(facts: &EntryFacts<'_>, enter: &Enter, config: &Config) -> Result<(), Denial> {
    let risk = &config.risk;
    let value = value_of(enter)?;
    refuse_if(value > risk.order_value_max, Denial::OrderValue)?;
    let whole = value.plus(facts.held_value).ok_or(Denial::Overflow)?;
    refuse_if(
        whole > risk.capital.bps(risk.position_value_bps),
        Denial::PositionValue,
    )?;
    let distance = Price::new(enter.limit.minus(enter.stop).get().abs());
    let at_risk = distance
        .times(enter.qty)
        .and_then(|at_risk| at_risk.plus(facts.held_at_risk))
        .ok_or(Denial::Overflow)?;
    refuse_if(
        at_risk > risk.capital.bps(risk.position_risk_bps),
        Denial::PositionRisk,
    )?;
    let instrument = facts.exposures.instrument.plus(value).ok_or(Denial::Overflow)?;
    refuse_if(
        instrument > risk.capital.bps(risk.instrument_exposure_bps),
        Denial::InstrumentExposure,
    )
}

pub(super) fn check_exposures(facts: &EntryFacts<'_>, enter: &Enter, config: &Config) -> Result<(), Denial> {
    let (risk, sums) = (&config.risk, &facts.exposures);
    let value = value_of(enter)?;
    let mut limits = [
        (sums.total, risk.total_exposure_bps, Denial::TotalExposure),
        (
            sums.underlying,
            risk.underlying_exposure_bps,
            Denial::UnderlyingExposure,
        ),
        (sums.sector, risk.sector_exposure_bps, Denial::SectorExposure),
        (
            sums.strategy,
            risk.strategy_exposure_bps,
            Denial::StrategyExposure,
        ),
        (
            sums.correlated,
            risk.correlated_exposure_bps,
            Denial::CorrelatedExposure,
        ),
        // Replaced for options; for all others the same as the first.
        (sums.total, risk.total_exposure_bps, Denial::TotalExposure),
    ];
    if facts.instrument.kind.is_option() {
        limits[5] = (sums.options, risk.options_exposure_bps, Denial::OptionsExposure);
    }
    for (used, limit_bps, denial) in limits {
        let together = used.plus(value).ok_or(Denial::Overflow)?;
        refuse_if(together > risk.capital.bps(limit_bps), denial)?;
    }
    let delta = sums.delta.plus(facts.delta_value).ok_or(Denial::Overflow)?;
    refuse_if(
        delta > risk.capital.bps(risk.delta_exposure_bps),
        Denial::DeltaExposure,
    )
}

pub(super) fn check_account(facts: &EntryFacts<'_>, enter: &Enter, config: &Config) -> Result<(), Denial> {
    let (risk, sums) = (&config.risk, &facts.exposures);
    let total = sums.total.plus(value_of(enter)?).ok_or(Denial::Overflow)?;
    refuse_if(total > facts.equity.bps(risk.leverage_bps), Denial::Leverage)?;
    let Some(available) = facts.margin_available else {
        return refuse_if(risk.require_margin, Denial::MarginUnknown);
    };
    let needed = sums
        .margin_committed
        .plus(facts.margin_need)
        .ok_or(Denial::Overflow)?;
    refuse_if(needed > available, Denial::MarginShort)
}
