//! Rules on money and orders: limits, charges, prices and times. Each states the arithmetic in its sentence.

use bijli_core::charges::ChargedFill;
use bijli_core::instrument::InstrumentKind;
use bijli_core::limits::ORDER_CALLS_PER_S_MAX;
use bijli_core::order::Side;
use bijli_core::price::BPS;
use bijli_core::{IstDay, Money, Price, Qty};

use super::{Finding, Severity};
use crate::config_file::{Percent, RunConfig};

/// The trade that charges are shown by: one lot of 65 at a premium of 100 rupees.
pub(super) const SAMPLE_LOT: Qty = Qty::new(65);
pub(super) const SAMPLE_PREMIUM: Price = Price::from_paise(10_000);

/// Where findings go.
pub(super) struct Rules<'a>(pub(super) &'a mut Vec<Finding>);

impl Rules<'_> {
    fn add(&mut self, severity: Severity, rule: &'static str, key: &'static str, what: String, help: String) {
        self.0.push(Finding {
            severity,
            rule,
            key,
            beside: None,
            what,
            help,
        });
    }

    /// Two keys of which one makes the other impossible.
    pub(super) fn contradiction(
        &mut self,
        rule: &'static str,
        (key, beside): (&'static str, &'static str),
        what: String,
        help: String,
    ) {
        self.0.push(Finding {
            severity: Severity::Error,
            rule,
            key,
            beside: Some(beside),
            what,
            help,
        });
    }

    pub(super) fn error(&mut self, rule: &'static str, key: &'static str, what: String, help: String) {
        self.add(Severity::Error, rule, key, what, help);
    }

    pub(super) fn warn(&mut self, rule: &'static str, key: &'static str, what: String, help: String) {
        self.add(Severity::Warning, rule, key, what, help);
    }

    pub(super) fn info(&mut self, rule: &'static str, key: &'static str, what: String) {
        self.add(Severity::Info, rule, key, what, String::new());
    }
}

/// Joins remedies that can stand alone: `a, or b, or c`.
pub(super) fn any_of(remedies: &[Option<String>]) -> String {
    remedies
        .iter()
        .flatten()
        .cloned()
        .collect::<Vec<_>>()
        .join(", or ")
}

/// A remedy that sets a percentage key, if a positive value of whole basis points would do.
pub(super) fn set_percent(key: &str, bps: i64) -> Option<String> {
    (bps > 0).then(|| format!("{key} = {}", Percent::from_bps(bps)))
}

/// What the limits of the risk gate allow together, and what that costs.
pub(super) fn risk(config: &RunConfig, day: IstDay, findings: &mut Vec<Finding>) {
    let mut rules = Rules(findings);
    losses(config, &mut rules);
    exposures(config, &mut rules);
    win_rate(config, day, &mut rules);
    charges(config, day, &mut rules);
}

/// Losses are compared as parts per hundred million, the product of two counts of basis points.
fn losses(config: &RunConfig, rules: &mut Rules<'_>) {
    let (risk, stop) = (&config.risk, config.strategy.stop_loss_pct);
    let (value, limit, day_limit) = (
        risk.position_value_pct,
        risk.position_risk_pct,
        risk.daily_loss_pct,
    );
    let positions = i64::from(risk.max_positions);
    let at_stop = value.bps() * stop.bps();
    let one = at_stop.min(limit.bps() * BPS);
    let (all, cap) = (positions * one, day_limit.bps() * BPS);
    let shown = |part: i64| Percent::from_bps(part / BPS);
    let smaller = [
        (cap / one >= 1).then(|| format!("max_positions = {}", cap / one)),
        set_percent("position_value_pct", cap / (positions * stop.bps())),
        set_percent("stop_loss_pct", cap / (positions * value.bps())),
    ];
    if one > cap {
        rules.warn(
            "RISK-01",
            "risk.daily_loss_pct",
            format!(
                "one position at its stop loses {} % of capital, above daily_loss_pct = {day_limit}",
                shown(one)
            ),
            any_of(&[
                set_percent("stop_loss_pct", cap / value.bps()),
                set_percent("daily_loss_pct", (one + BPS - 1) / BPS),
            ]),
        );
    }
    if all > cap && positions > 1 {
        let factors = if one == at_stop {
            format!("{positions} positions x {value} % x {stop} % stop")
        } else {
            format!("{positions} positions x {limit} % at risk each")
        };
        rules.warn(
            "RISK-02",
            "risk.max_positions",
            format!(
                "{factors} = {} % of capital, above daily_loss_pct = {day_limit}",
                shown(all)
            ),
            any_of(&smaller),
        );
    }
    if at_stop < limit.bps() * BPS {
        rules.info(
            "RISK-03",
            "risk.position_risk_pct",
            format!(
                "position_risk_pct = {limit} never binds: {value} % x {stop} % stop puts {} % of capital at risk",
                shown(at_stop)
            ),
        );
    }
}

fn exposures(config: &RunConfig, rules: &mut Rules<'_>) {
    let risk = &config.risk;
    let (value, total, options) = (
        risk.position_value_pct,
        risk.total_exposure_pct,
        risk.options_exposure_pct,
    );
    let positions = i64::from(risk.max_positions);
    if positions * value.bps() > total.bps() {
        let fit = total.bps() / value.bps();
        rules.warn(
            "RISK-04",
            "risk.total_exposure_pct",
            format!(
                "{positions} positions x {value} % = {} % of capital, above total_exposure_pct = {total}: {fit} of full size fit",
                Percent::from_bps(positions * value.bps())
            ),
            any_of(&[
                (fit > 0).then(|| format!("max_positions = {fit}")),
                set_percent("position_value_pct", total.bps() / positions),
            ]),
        );
    }
    if options < value {
        rules.warn(
            "RISK-06",
            "risk.options_exposure_pct",
            format!(
                "options_exposure_pct = {options} keeps option positions below position_value_pct = {value}"
            ),
            any_of(&[
                set_percent("position_value_pct", options.bps()),
                set_percent("options_exposure_pct", value.bps()),
            ]),
        );
    }
    if total.bps() > BPS {
        rules.info(
            "RISK-08",
            "risk.total_exposure_pct",
            format!("positions may be worth {total} % of capital: the broker must grant margin for what is above 100 %"),
        );
    }
}

/// What the sample is bought for.
pub(super) fn sample_turnover() -> Money {
    SAMPLE_PREMIUM
        .times(SAMPLE_LOT)
        .expect("one lot at a few hundred rupees fits")
}

/// What a round trip of the sample costs when it ends `exit_bps` away from its entry.
pub(super) fn sample_charges(day: IstDay, exit_bps: i64) -> (Money, Money) {
    let exit = SAMPLE_PREMIUM.moved_bps(exit_bps);
    let leg = |side, price: Price| {
        let turnover = price
            .times(SAMPLE_LOT)
            .expect("one lot at a few hundred rupees fits");
        let fill = ChargedFill {
            day,
            kind: InstrumentKind::Call,
            side,
            turnover,
            order_turnover_before: Money::ZERO,
        };
        (turnover, fill.total())
    };
    let ((bought, buy_charges), (sold, sell_charges)) =
        (leg(Side::Buy, SAMPLE_PREMIUM), leg(Side::Sell, exit));
    let gross = sold.minus(bought).expect("small amounts");
    (gross, buy_charges.plus(sell_charges).expect("small amounts"))
}

/// Share of winners, in thousandths rounded to the nearest, at which gains and losses balance; `None` when
/// a winner gains nothing.
fn needed_winners(gain: i64, loss: i64) -> Option<i64> {
    (gain > 0).then(|| (loss * 1_000 + (gain + loss) / 2) / (gain + loss))
}

/// After charges, for the sample.
fn needed_winners_net(day: IstDay, target_bps: i64, stop_bps: i64) -> Option<i64> {
    let ((gain, winner_charges), (loss, loser_charges)) =
        (sample_charges(day, target_bps), sample_charges(day, -stop_bps));
    needed_winners(
        gain.get() - winner_charges.get(),
        loser_charges.get() - loss.get(),
    )
}

fn win_rate(config: &RunConfig, day: IstDay, rules: &mut Rules<'_>) {
    let (stop, target) = (config.strategy.stop_loss_pct, config.strategy.take_profit_pct);
    let Some(gross) = needed_winners(target.bps(), stop.bps()) else {
        return;
    };
    let net = needed_winners_net(day, target.bps(), stop.bps());
    let thousandths = |share: i64| format!("{}.{} %", share / 10, share % 10);
    let after = match net {
        Some(share) => format!("{} after", thousandths(share)),
        None => "more than all of them after".to_owned(),
    };
    let what = format!(
        "target {target} % / stop {stop} % needs {} winners before charges, {after} (one lot of {SAMPLE_LOT} at {SAMPLE_PREMIUM}, \
         charges {} on a winner, every trade ending at its target or its stop)",
        thousandths(gross),
        sample_charges(day, target.bps()).1
    );
    if net.is_some_and(|share| share <= 500) {
        return rules.info("RISK-05", "strategy.take_profit_pct", what);
    }
    let even = (target.bps()..=BPS)
        .find(|candidate| needed_winners_net(day, *candidate, stop.bps()).is_some_and(|share| share <= 500));
    let help = match even {
        Some(bps) => format!(
            "take_profit_pct = {} would need 50 %; larger orders carry less charges",
            Percent::from_bps(bps)
        ),
        None => "a nearer stop, or larger orders, which carry less charges".to_owned(),
    };
    rules.warn("RISK-05", "strategy.take_profit_pct", what, help);
}

fn charges(config: &RunConfig, day: IstDay, rules: &mut Rules<'_>) {
    let risk = &config.risk;
    let one = sample_charges(day, 0).1;
    let entries = i64::from(risk.entries_per_day_max);
    let all = Money::new(one.get() * entries);
    let cap = Money::from_rupees(risk.capital_rupees).bps(risk.daily_loss_pct.bps());
    if all > cap {
        rules.warn(
            "RISK-07",
            "risk.entries_per_day_max",
            format!(
                "{entries} entries of one lot of {SAMPLE_LOT} at {SAMPLE_PREMIUM} cost {all} rupees in charges alone, above \
                 the daily loss of {cap}"
            ),
            any_of(&[(cap.get() / one.get() > 0).then(|| format!("entries_per_day_max = {}", cap.get() / one.get()))]),
        );
    }
}

/// Prices and times of one trade.
pub(super) fn strategy(config: &RunConfig, findings: &mut Vec<Finding>) {
    let mut rules = Rules(findings);
    prices(config, &mut rules);
    times(config, &mut rules);
    order_calls(config, &mut rules);
}

fn prices(config: &RunConfig, rules: &mut Rules<'_>) {
    let (risk, strategy) = (&config.risk, &config.strategy);
    for (key, name, slack) in [
        (
            "strategy.entry_slack_pct",
            "entry_slack_pct",
            strategy.entry_slack_pct,
        ),
        (
            "strategy.exit_slack_pct",
            "exit_slack_pct",
            strategy.exit_slack_pct,
        ),
    ] {
        if slack > risk.collar_pct {
            let what = format!(
                "{name} = {slack} is beyond collar_pct = {}: every such order would be denied",
                risk.collar_pct
            );
            rules.error(
                "PRICE-01",
                key,
                what,
                format!("{name} well below {}", risk.collar_pct),
            );
        }
    }
    if strategy.trail_pct >= strategy.take_profit_pct {
        let what = format!(
            "trail_pct = {} is not below take_profit_pct = {}: what is kept after the target can still end in a loss",
            strategy.trail_pct, strategy.take_profit_pct
        );
        rules.warn(
            "EXIT-01",
            "strategy.trail_pct",
            what,
            format!("trail_pct below {}", strategy.take_profit_pct),
        );
    }
}

fn times(config: &RunConfig, rules: &mut Rules<'_>) {
    let (risk, strategy) = (&config.risk, &config.strategy);
    if strategy.entry_timeout_ms >= strategy.signal_life_s * 1_000 {
        let what = format!(
            "entry_timeout_ms = {} outlives signal_life_s = {}: an entry may fill after its signal died",
            strategy.entry_timeout_ms, strategy.signal_life_s
        );
        rules.warn(
            "TIME-01",
            "strategy.entry_timeout_ms",
            what,
            "entry_timeout_ms of a few seconds".to_owned(),
        );
    }
    if risk.cooldown_s < strategy.signal_life_s {
        let what = format!(
            "cooldown_s = {} is shorter than signal_life_s = {}: one spike may be entered twice",
            risk.cooldown_s, strategy.signal_life_s
        );
        rules.warn(
            "TIME-02",
            "risk.cooldown_s",
            what,
            format!("cooldown_s = {}", strategy.signal_life_s),
        );
    }
}

/// Exits that do not fill are priced anew; the broker's limit bounds how often all of them can be.
fn order_calls(config: &RunConfig, rules: &mut Rules<'_>) {
    let (risk, strategy) = (&config.risk, &config.strategy);
    let (positions, reprice_ms) = (i64::from(risk.max_positions), strategy.exit_reprice_ms);
    let tenths = (positions * 10_000 + reprice_ms - 1) / reprice_ms;
    let what = format!(
        "re-pricing {positions} exits every {reprice_ms} ms takes up to {}.{} of {ORDER_CALLS_PER_S_MAX} order calls a second",
        tenths / 10,
        tenths % 10
    );
    if tenths > i64::from(ORDER_CALLS_PER_S_MAX) * 10 {
        let enough = positions * 1_000 / i64::from(ORDER_CALLS_PER_S_MAX) + 1;
        rules.warn(
            "ORDER-01",
            "strategy.exit_reprice_ms",
            what,
            format!("exit_reprice_ms = {enough}"),
        );
    } else {
        rules.info("ORDER-01", "strategy.exit_reprice_ms", what);
    }
}
