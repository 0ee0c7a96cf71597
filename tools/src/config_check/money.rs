//! What the percentages are in rupees and lots: the sizes, the losses that end a day, and the Kelly stake.
//!
//! The trade that lots are shown by is that of the other rules: lots of 65 at a premium of 100 rupees.

use bijli_core::Money;
use bijli_core::price::BPS;
use bijli_strategy::sizing::kelly_stake_bps;

use super::Finding;
use super::rules::{Rules, SAMPLE_LOT, SAMPLE_PREMIUM, sample_turnover};
use crate::config_file::{Percent, RunConfig};
use crate::words;

pub(super) fn money(config: &RunConfig, findings: &mut Vec<Finding>) {
    let mut rules = Rules(findings);
    let amounts = Amounts::of(config);
    sizes(config, &amounts, &mut rules);
    losses(config, &amounts, &mut rules);
    lots(config, &amounts, &mut rules);
    kelly(config, &amounts, &mut rules);
}

/// The limits in money.
pub(super) struct Amounts {
    pub(super) capital: Money,
    /// Largest value of one position, and of one order.
    pub(super) position: Money,
    /// What the limits let one position lose at its stop.
    pub(super) at_stop: Money,
    pub(super) day_loss: Money,
}

impl Amounts {
    pub(super) fn of(config: &RunConfig) -> Self {
        let risk = &config.risk;
        let capital = Money::from_rupees(risk.capital_rupees);
        let position = capital
            .bps(risk.position_value_pct.bps())
            .min(Money::from_rupees(risk.order_value_max_rupees));
        let at_stop = position
            .bps(config.strategy.stop_loss_pct.bps())
            .min(capital.bps(risk.position_risk_pct.bps()));
        Self {
            capital,
            position,
            at_stop,
            day_loss: capital.bps(risk.daily_loss_pct.bps()),
        }
    }
}

fn shown(amount: Money) -> String {
    format!("₹{}", words::rupees(amount))
}

fn sizes(config: &RunConfig, amounts: &Amounts, rules: &mut Rules<'_>) {
    let risk = &config.risk;
    let of_capital = |percent: Percent| shown(amounts.capital.bps(percent.bps()));
    let what = format!(
        "of {}: one position up to {}; all together {}, options {}; one instrument {}, one underlying {}, one sector {}, \
         one strategy {}, what moves together {}",
        shown(amounts.capital),
        shown(amounts.position),
        of_capital(risk.total_exposure_pct),
        of_capital(risk.options_exposure_pct),
        of_capital(risk.instrument_exposure_pct),
        of_capital(risk.underlying_exposure_pct),
        of_capital(risk.sector_exposure_pct),
        of_capital(risk.strategy_exposure_pct),
        of_capital(risk.correlated_exposure_pct),
    );
    rules.info("MONEY-01", "risk.capital_rupees", what);
}

fn losses(config: &RunConfig, amounts: &Amounts, rules: &mut Rules<'_>) {
    let risk = &config.risk;
    let tenths = amounts.day_loss.get() * 10 / amounts.at_stop.get().max(1);
    let what = format!(
        "entries end for the day at a loss of {}, or {} below the best of the day; a position of full size loses {} at its \
         stop, so {}.{} of them end it",
        shown(amounts.day_loss),
        shown(amounts.capital.bps(risk.drawdown_pct.bps())),
        shown(amounts.at_stop),
        tenths / 10,
        tenths % 10
    );
    rules.info("MONEY-02", "risk.daily_loss_pct", what);
}

fn lots(config: &RunConfig, amounts: &Amounts, rules: &mut Rules<'_>) {
    let risk = &config.risk;
    let options = amounts.capital.bps(risk.options_exposure_pct.bps());
    let value = amounts.position.min(options).get();
    let stop_bps = config.strategy.stop_loss_pct.bps();
    // What may be lost at the stop allows a position of so much.
    let at_risk = amounts.capital.bps(risk.position_risk_pct.bps()).get() * BPS / stop_bps;
    let value = value.min(at_risk);
    let one = sample_turnover();
    let fit = (value / one.get()).min(i64::from(risk.order_lots_max));
    let dearest = Money::new(value / SAMPLE_LOT.get());
    let what = format!(
        "in lots of {SAMPLE_LOT} at {SAMPLE_PREMIUM} a position is {fit} lots ({}, of which {} is lost at the stop); above a \
         premium of {} not one lot fits",
        shown(Money::new(one.get() * fit)),
        shown(Money::new(one.get() * fit).bps(stop_bps)),
        shown(dearest)
    );
    // Whoever allows no options at all needs no lots.
    if fit > 0 || risk.options_exposure_pct.bps() == 0 {
        return rules.info("MONEY-03", "risk.position_value_pct", what);
    }
    let needed = (one.get() * BPS + amounts.capital.get() - 1) / amounts.capital.get();
    let help = format!(
        "position_value_pct and options_exposure_pct of {} or more, or more capital",
        Percent::from_bps(needed)
    );
    rules.warn("MONEY-03", "risk.position_value_pct", what, help);
}

fn kelly(config: &RunConfig, amounts: &Amounts, rules: &mut Rules<'_>) {
    let risk = &config.risk;
    if risk.kelly_fraction_pct.bps() == 0 {
        return;
    }
    let stake_bps = kelly_stake_bps(&risk.engine_config());
    let (wins, payoff_ppm) = (risk.kelly_win_rate_pct, risk.kelly_payoff.ppm());
    let stake = Percent::from_bps(stake_bps.max(0));
    if stake_bps <= 0 {
        // Winners at which the stake is nothing: 1 / (1 + payoff).
        let even_bps = BPS * 1_000_000 / (1_000_000 + i64::from(payoff_ppm));
        let what = format!(
            "kelly_win_rate_pct = {wins} with kelly_payoff = {} makes no Kelly stake: nothing would ever be entered",
            risk.kelly_payoff
        );
        let help = format!(
            "kelly_fraction_pct = 0, or a win rate above {} % that many trades have shown",
            Percent::from_bps(even_bps)
        );
        let keys = ("risk.kelly_fraction_pct", "risk.kelly_payoff");
        return rules.contradiction("KELLY-01", keys, what, help);
    }
    let at_risk = amounts.capital.bps(stake_bps).bps(risk.kelly_fraction_pct.bps());
    let binding = if at_risk < amounts.at_stop {
        "Kelly binds"
    } else {
        "Kelly never binds"
    };
    let what = format!(
        "a Kelly stake of {stake} % x {} % lets a position lose {} at its stop; the other limits {}: {binding}",
        risk.kelly_fraction_pct,
        shown(at_risk),
        shown(amounts.at_stop)
    );
    rules.info("KELLY-02", "risk.kelly_fraction_pct", what);
}
