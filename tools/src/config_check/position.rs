//! Rules on `[position]`: which of its numbers contradict one another or the strategy's, and what charges allow.

use bijli_core::IstDay;
use bijli_core::price::BPS;

use super::Finding;
use super::rules::{Rules, sample_charges, sample_turnover};
use crate::config_file::{Percent, RunConfig};

/// Targets, break-even, times and additions of one position.
pub(super) fn position(config: &RunConfig, day: IstDay, findings: &mut Vec<Finding>) {
    let mut rules = Rules(findings);
    targets(config, &mut rules);
    break_even(config, day, &mut rules);
    times(config, &mut rules);
    additions(config, &mut rules);
}

fn targets(config: &RunConfig, rules: &mut Rules<'_>) {
    let (first, plan) = (&config.strategy, &config.position);
    let ladder = [
        ("take_profit_pct", first.take_profit_pct, first.partial_pct),
        ("second_target_pct", plan.second_target_pct, plan.second_part_pct),
        ("third_target_pct", plan.third_target_pct, plan.third_part_pct),
    ];
    let parts = ladder.iter().map(|(_, _, part)| part.bps());
    let sum: i64 = parts.sum();
    if sum > BPS {
        let what = format!(
            "the parts {} % + {} % + {} % book {} % of a position",
            first.partial_pct,
            plan.second_part_pct,
            plan.third_part_pct,
            Percent::from_bps(sum)
        );
        let help = "parts that make 100 % at most".to_owned();
        rules.error("EXIT-02", "position.second_part_pct", what, help);
    }
    let on: Vec<_> = ladder.iter().filter(|(_, _, part)| part.bps() > 0).collect();
    for pair in on.windows(2) {
        let ((nearer, near, _), (farther, far, _)) = (pair[0], pair[1]);
        if far <= near {
            let what = format!("{farther} = {far} is not beyond {nearer} = {near}");
            let help = format!("{farther} above {near}");
            rules.error("EXIT-03", "position.second_target_pct", what, help);
        }
    }
}

/// The stop that break-even sets lies beyond the entry by the charges of the round trip.
fn break_even(config: &RunConfig, day: IstDay, rules: &mut Rules<'_>) {
    let move_pct = config.position.breakeven_pct;
    if move_pct.bps() == 0 {
        return;
    }
    let charges = sample_charges(day, 0).1;
    let turnover = sample_turnover();
    let needed = Percent::from_bps((charges.get() * BPS + turnover.get() - 1) / turnover.get());
    let what = format!(
        "break-even after {move_pct} % puts the stop {needed} % beyond the entry for the sample of one option lot (charges {charges})"
    );
    if needed >= move_pct {
        let help = format!("breakeven_pct above {needed}, or larger orders, which carry less charges");
        rules.warn("EXIT-04", "position.breakeven_pct", what, help);
    } else {
        rules.info("EXIT-04", "position.breakeven_pct", what);
    }
}

fn times(config: &RunConfig, rules: &mut Rules<'_>) {
    let (hold_s, hhmm) = (config.position.hold_max_s, config.position.leave_at_hhmm);
    if hhmm % 100 >= 60 {
        let what = format!("leave_at_hhmm = {hhmm} is no time of the day");
        rules.error(
            "TIME-03",
            "position.leave_at_hhmm",
            what,
            "hours and minutes, as 1445".to_owned(),
        );
    }
    if hold_s > 0 && hold_s * 1_000 <= config.strategy.entry_timeout_ms {
        let what = format!(
            "hold_max_s = {hold_s} ends before entry_timeout_ms = {}: an entry may still fill while its position is left",
            config.strategy.entry_timeout_ms
        );
        let help = "hold_max_s of a minute or more".to_owned();
        rules.warn("TIME-04", "position.hold_max_s", what, help);
    }
}

/// What a position can grow to, and whether an addition can ever be reached.
fn additions(config: &RunConfig, rules: &mut Rules<'_>) {
    let plan = &config.position;
    if plan.scale_in_max == 0 {
        return;
    }
    let (step, part) = (plan.scale_in_pct, plan.scale_in_part_pct);
    if part.bps() == 0 || step.bps() == 0 {
        let what = format!(
            "scale_in_max = {} with scale_in_pct = {step} and scale_in_part_pct = {part} never adds, or adds at any price",
            plan.scale_in_max
        );
        let help = "a move and a part above 0, or scale_in_max = 0".to_owned();
        return rules.error("SCALE-01", "position.scale_in_max", what, help);
    }
    let whole = Percent::from_bps(BPS + i64::from(plan.scale_in_max) * part.bps());
    rules.info(
        "SCALE-02",
        "position.scale_in_max",
        format!(
            "a position may grow to {whole} % of its first size; position_value_pct = {} still bounds it",
            config.risk.position_value_pct
        ),
    );
    let target = config.strategy.take_profit_pct;
    if config.strategy.partial_pct.bps() > 0 && step >= target {
        let what = format!(
            "scale_in_pct = {step} is not below take_profit_pct = {target}: nothing is added after a target"
        );
        let help = format!("scale_in_pct below {target}");
        rules.warn("SCALE-03", "position.scale_in_pct", what, help);
    }
}
