//! Caps and rates against one another: which limit makes another impossible, and which never binds.

use bijli_core::Money;
use bijli_core::limits::{BROKER_ORDER_CALLS_PER_S, ORDER_CALLS_PER_S_MAX, ORDER_CALLS_RESERVED_FOR_EXITS};
use bijli_gateway::budget::{CALLS_PER_MINUTE_MAX, ENTRY_SHARE_PERCENT};

use super::Finding;
use super::money::Amounts;
use super::rules::{Rules, any_of, set_percent};
use crate::config_file::{Percent, RunConfig};
use crate::words;

pub(super) fn caps(config: &RunConfig, findings: &mut Vec<Finding>) {
    let mut rules = Rules(findings);
    of_all(config, &mut rules);
    of_kinds(config, &mut rules);
    orders(config, &mut rules);
    days(config, &mut rules);
    rates(config, &mut rules);
}

/// A limit on everything below the limit of one position: that size can never be.
fn of_all(config: &RunConfig, rules: &mut Rules<'_>) {
    let risk = &config.risk;
    let value = risk.position_value_pct;
    for (key, name, cap, of) in [
        (
            "risk.total_exposure_pct",
            "total_exposure_pct",
            risk.total_exposure_pct,
            "capital",
        ),
        ("risk.leverage_pct", "leverage_pct", risk.leverage_pct, "equity"),
    ] {
        if cap < value {
            let what = format!(
                "{name} = {cap} keeps all positions together below {cap} % of {of}, yet position_value_pct = {value} allows \
                 more to one alone"
            );
            let help = any_of(&[
                set_percent("position_value_pct", cap.bps()),
                set_percent(name, value.bps()),
            ]);
            rules.contradiction("RISK-09", (key, "risk.position_value_pct"), what, help);
        }
    }
}

/// Limits of a kind: below one position they are its true size; else so many of full size fit.
fn of_kinds(config: &RunConfig, rules: &mut Rules<'_>) {
    let risk = &config.risk;
    let value = risk.position_value_pct;
    let kinds: [(&'static str, &str, Percent, &str); 6] = [
        (
            "risk.instrument_exposure_pct",
            "instrument_exposure_pct",
            risk.instrument_exposure_pct,
            "an instrument",
        ),
        (
            "risk.underlying_exposure_pct",
            "underlying_exposure_pct",
            risk.underlying_exposure_pct,
            "an underlying",
        ),
        (
            "risk.sector_exposure_pct",
            "sector_exposure_pct",
            risk.sector_exposure_pct,
            "a sector",
        ),
        (
            "risk.strategy_exposure_pct",
            "strategy_exposure_pct",
            risk.strategy_exposure_pct,
            "a strategy",
        ),
        (
            "risk.correlated_exposure_pct",
            "correlated_exposure_pct",
            risk.correlated_exposure_pct,
            "what moves together",
        ),
        (
            "risk.delta_exposure_pct",
            "delta_exposure_pct",
            risk.delta_exposure_pct,
            "one direction",
        ),
    ];
    let mut fitting = Vec::new();
    for (key, name, cap, kind) in kinds {
        if cap < value {
            let what = format!("{name} = {cap} keeps a position below position_value_pct = {value}");
            let help = any_of(&[
                set_percent("position_value_pct", cap.bps()),
                set_percent(name, value.bps()),
            ]);
            rules.warn("RISK-10", key, what, help);
        } else {
            fitting.push(format!("{kind} {}", cap.bps() / value.bps()));
        }
    }
    if !fitting.is_empty() {
        let what = format!("positions of full size that fit: {}", fitting.join(", "));
        rules.info("RISK-11", "risk.position_value_pct", what);
    }
}

fn orders(config: &RunConfig, rules: &mut Rules<'_>) {
    let risk = &config.risk;
    let largest = Money::from_rupees(risk.order_value_max_rupees);
    let wished = Money::from_rupees(risk.capital_rupees).bps(risk.position_value_pct.bps());
    if largest < wished {
        let what = format!(
            "position_value_pct = {} is ₹{}, above order_value_max_rupees: an entry is cut to ₹{}",
            risk.position_value_pct,
            words::rupees(wished),
            words::rupees(largest)
        );
        let help = format!("order_value_max_rupees = {}", (wished.get() + 9_999) / 10_000);
        rules.warn("RISK-12", "risk.order_value_max_rupees", what, help);
    }
}

/// What ends a day, and what comes before it.
fn days(config: &RunConfig, rules: &mut Rules<'_>) {
    let (risk, amounts) = (&config.risk, Amounts::of(config));
    if risk.drawdown_pct <= risk.daily_loss_pct {
        let what = format!(
            "drawdown_pct = {} is reached before daily_loss_pct = {}, which never binds",
            risk.drawdown_pct, risk.daily_loss_pct
        );
        rules.info("RISK-13", "risk.drawdown_pct", what);
    }
    let streak = i64::from(risk.loss_streak_max);
    let lost = Money::new(amounts.at_stop.get().saturating_mul(streak));
    if lost > amounts.day_loss {
        let what = format!(
            "{streak} positions of full size at their stops lose ₹{}: the day's limit of ₹{} comes before \
             loss_streak_max",
            words::rupees(lost),
            words::rupees(amounts.day_loss)
        );
        rules.info("RISK-14", "risk.loss_streak_max", what);
    }
    let (trips, all) = (risk.trades_per_day_max, risk.orders_per_day_max);
    if all < trips.saturating_mul(2) {
        let what = format!(
            "trades_per_day_max = {trips} round trips take {} orders or more, above orders_per_day_max = {all}",
            trips.saturating_mul(2)
        );
        let help = format!("trades_per_day_max = {}", (all / 2).max(1));
        rules.warn("RATE-03", "risk.orders_per_day_max", what, help);
    }
}

fn rates(config: &RunConfig, rules: &mut Rules<'_>) {
    let risk = &config.risk;
    let (second, minute) = (risk.entries_per_second_max, risk.entries_per_minute_max);
    let for_entries = ORDER_CALLS_PER_S_MAX - ORDER_CALLS_RESERVED_FOR_EXITS;
    let what = format!(
        "entries: {second} a second of {for_entries} ({ORDER_CALLS_PER_S_MAX} order calls, {ORDER_CALLS_RESERVED_FOR_EXITS} \
         kept for exits; the broker allows {BROKER_ORDER_CALLS_PER_S}), {minute} a minute of {} (of {CALLS_PER_MINUTE_MAX} \
         order calls)",
        CALLS_PER_MINUTE_MAX * ENTRY_SHARE_PERCENT / 100
    );
    rules.info("RATE-01", "risk.entries_per_second_max", what);
    if minute < second {
        let what = format!(
            "entries_per_minute_max = {minute} is below entries_per_second_max = {second}, which can never be reached"
        );
        let help = format!("entries_per_second_max = {minute}");
        let keys = ("risk.entries_per_minute_max", "risk.entries_per_second_max");
        rules.contradiction("RATE-02", keys, what, help);
    }
    if risk.repeat_entries_max < minute && risk.repeat_window_s >= 60 {
        let what = format!(
            "entries_per_minute_max = {minute} allows what latches the strategy off as a runaway: repeat_entries_max = {} \
             within {} s",
            risk.repeat_entries_max, risk.repeat_window_s
        );
        let help = format!(
            "repeat_entries_max above {minute}, or entries_per_minute_max below {}",
            risk.repeat_entries_max
        );
        let keys = ("risk.repeat_entries_max", "risk.entries_per_minute_max");
        rules.contradiction("RATE-04", keys, what, help);
    }
}
