//! Arbitrary configurations, table by table.

use bijli_core::Money;
use bijli_core::config::{Config, RiskConfig, StrategyConfig};
use bijli_core::event::Event;
use bijli_core::order::Validity;
use bijli_core::order_config::{OrderConfig, ProtectiveStop};
use bijli_core::position_plan::{PositionPlan, TargetPlan};
use proptest::prelude::*;
use proptest::sample::select;

use super::length;

fn position_plan() -> impl Strategy<Value = PositionPlan> {
    let target = |numbers: [i64; 2]| TargetPlan {
        distance_bps: numbers[0],
        part_bps: numbers[1],
    };
    (
        any::<[[i64; 2]; 2]>(),
        any::<[i64; 3]>(),
        [length(), length()],
        any::<u32>(),
    )
        .prop_map(move |(targets, numbers, lengths, scale_in_max)| PositionPlan {
            hold_max: lengths[0],
            leave_at: lengths[1],
            breakeven_bps: numbers[0],
            second: target(targets[0]),
            third: target(targets[1]),
            scale_in_max,
            scale_in_bps: numbers[1],
            scale_in_part_bps: numbers[2],
        })
}

fn risk() -> impl Strategy<Value = RiskConfig> {
    let lengths = prop::collection::vec(length(), 6);
    (
        any::<[i64; 21]>(),
        length(),
        length(),
        lengths,
        any::<[u32; 12]>(),
        any::<bool>(),
    )
        .prop_map(
            |(numbers, quote_age_max, cooldown, lengths, counts, flag)| RiskConfig {
                capital: Money::new(numbers[0]),
                position_value_bps: numbers[1],
                position_risk_bps: numbers[2],
                positions_max: counts[0],
                daily_loss_bps: numbers[3],
                total_exposure_bps: numbers[4],
                options_exposure_bps: numbers[5],
                collar_bps: numbers[6],
                quote_age_max,
                cooldown,
                entries_per_day_max: counts[1],
                instrument_exposure_bps: numbers[7],
                underlying_exposure_bps: numbers[8],
                sector_exposure_bps: numbers[9],
                strategy_exposure_bps: numbers[10],
                correlated_exposure_bps: numbers[11],
                delta_exposure_bps: numbers[12],
                leverage_bps: numbers[13],
                drawdown_bps: numbers[14],
                futures_margin_bps: numbers[15],
                intraday_margin_bps: numbers[16],
                kelly_fraction_bps: numbers[17],
                kelly_win_rate_bps: numbers[18],
                kelly_payoff_ppm: numbers[19],
                order_value_max: Money::new(numbers[20]),
                loss_streak_pause: lengths[0],
                repeat_window: lengths[1],
                identical_order_window: lengths[2],
                open_quiet: lengths[3],
                underlying_age_max: lengths[4],
                delta_age_max: lengths[5],
                order_lots_max: counts[2],
                loss_streak_max: counts[3],
                trades_per_day_max: counts[4],
                orders_per_day_max: counts[5],
                entries_per_second_max: counts[6],
                entries_per_minute_max: counts[7],
                repeat_entries_max: counts[8],
                wishes_per_second_max: counts[9],
                open_ticks_min: counts[10],
                correlation_min_ppm: counts[11],
                require_margin: flag,
            },
        )
}

fn strategy() -> impl Strategy<Value = StrategyConfig> {
    (any::<[i64; 6]>(), [length(), length(), length()], any::<u32>()).prop_map(
        |(numbers, lengths, score_min_ppm)| StrategyConfig {
            score_min_ppm,
            signal_life: lengths[0],
            stop_bps: numbers[0],
            target_bps: numbers[1],
            trail_bps: numbers[2],
            partial_bps: numbers[3],
            entry_slack_bps: numbers[4],
            entry_timeout: lengths[1],
            exit_slack_bps: numbers[5],
            exit_reprice: lengths[2],
        },
    )
}

fn orders() -> impl Strategy<Value = OrderConfig> {
    let validity = select(vec![Validity::Day, Validity::Ioc]);
    let protective = select(vec![ProtectiveStop::None, ProtectiveStop::Broker]);
    (any::<[i64; 2]>(), validity, any::<bool>(), protective).prop_map(
        |(numbers, entry_validity, exit_market_last, protective_stop)| OrderConfig {
            entry_validity,
            exit_market_last,
            protective_stop,
            protective_gap_bps: numbers[0],
            protective_slack_bps: numbers[1],
        },
    )
}

pub(super) fn configured() -> impl Strategy<Value = Event> {
    (risk(), strategy(), orders(), position_plan()).prop_map(|(risk, strategy, orders, position)| {
        Event::Configured(Config {
            risk,
            strategy,
            orders,
            position,
        })
    })
}
