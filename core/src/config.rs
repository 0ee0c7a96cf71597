//! The numbers that shape decisions. They enter the engine as one journaled event and are plain integers,
//! so that a replay needs no configuration file. Defaults and their reasons: `ARCHITECTURE.md`, "Defaults".

use crate::order_config::OrderConfig;
use crate::position_plan::PositionPlan;
use crate::price::Money;
use crate::time::DurationNs;

/// Limits of the risk gate. Basis points are of day-start capital unless a field says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RiskConfig {
    /// Capital at the start of the day.
    pub capital: Money,
    /// Largest value of one position, basis points.
    pub position_value_bps: i64,
    /// Largest quantity × |entry − stop| of one position, basis points.
    pub position_risk_bps: i64,
    /// Largest number of open positions, those still being entered included.
    pub positions_max: u32,
    /// Loss of the day (realised + unrealised) that latches entries off, basis points.
    pub daily_loss_bps: i64,
    /// Largest value of all positions together, basis points.
    pub total_exposure_bps: i64,
    /// Largest value of all option positions together, basis points.
    pub options_exposure_bps: i64,
    /// Farthest that an order price may lie from the fresh quote, basis points of the quote.
    pub collar_bps: i64,
    /// A quote older than this cannot justify an entry.
    pub quote_age_max: DurationNs,
    /// No second entry on the same instrument and side within this time.
    pub cooldown: DurationNs,
    /// Largest number of orders in a day, exits not counted.
    pub entries_per_day_max: u32,
    /// Largest value of one instrument, orders with unknown fate included, basis points.
    pub instrument_exposure_bps: i64,
    /// Largest value of all contracts on one underlying, basis points.
    pub underlying_exposure_bps: i64,
    /// Largest value of all positions of one sector, basis points.
    pub sector_exposure_bps: i64,
    /// Largest value of all positions of one strategy, basis points.
    pub strategy_exposure_bps: i64,
    /// Largest value of positions that move together, basis points.
    pub correlated_exposure_bps: i64,
    /// Largest sum of delta × value of the underlying in one direction, basis points.
    pub delta_exposure_bps: i64,
    /// Largest value of all positions together, basis points of the equity of now.
    pub leverage_bps: i64,
    /// Fall of equity below its best of the day that latches entries off, basis points.
    pub drawdown_bps: i64,
    /// Margin that a future or a written option is taken to need, basis points of its value.
    pub futures_margin_bps: i64,
    /// Margin that an intraday position in shares is taken to need, basis points of its value.
    pub intraday_margin_bps: i64,
    /// Part of the Kelly stake that sizing may risk, basis points; 0 leaves the bound out.
    pub kelly_fraction_bps: i64,
    /// Share of winners that the Kelly stake is computed from, basis points.
    pub kelly_win_rate_bps: i64,
    /// Average winner over average loser that the Kelly stake is computed from, millionths.
    pub kelly_payoff_ppm: i64,
    /// Largest value of any order, whatever the capital is said to be.
    pub order_value_max: Money,
    /// How long entries pause after a streak of losses.
    pub loss_streak_pause: DurationNs,
    /// The time in which `repeat_entries_max` counts.
    pub repeat_window: DurationNs,
    /// No second entry of the same side, quantity and price in an instrument within this time.
    pub identical_order_window: DurationNs,
    /// No entry within this time of the opening of the market.
    pub open_quiet: DurationNs,
    /// A price of the underlying older than this cannot justify an entry in a derivative.
    pub underlying_age_max: DurationNs,
    /// A delta older than this counts as 1.
    pub delta_age_max: DurationNs,
    /// Largest number of lots of one order in a derivative.
    pub order_lots_max: u32,
    /// Losing round trips in a row that pause entries.
    pub loss_streak_max: u32,
    /// Largest number of round trips closed in a day.
    pub trades_per_day_max: u32,
    /// Largest number of our orders in a day, exits counted, at which entries end.
    pub orders_per_day_max: u32,
    /// Largest number of entries in any rolling second.
    pub entries_per_second_max: u32,
    /// Largest number of entries in any rolling minute.
    pub entries_per_minute_max: u32,
    /// Entries of one strategy within `repeat_window` that latch it off.
    pub repeat_entries_max: u32,
    /// Wishes of one strategy in a rolling second, denied ones counted, that latch it off.
    pub wishes_per_second_max: u32,
    /// Coherent ticks that an instrument needs after the opening before an entry.
    pub open_ticks_min: u32,
    /// Correlation from which two underlyings count as moving together, millionths.
    pub correlation_min_ppm: u32,
    /// Whether an entry needs a known available margin.
    pub require_margin: bool,
}

/// Parameters of the spike strategy and of the exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrategyConfig {
    /// Smallest spike score that makes a signal, millionths (0 to 1 000 000).
    pub score_min_ppm: u32,
    /// A signal older than this is dead.
    pub signal_life: DurationNs,
    /// Stop distance from the entry, basis points of the entry price.
    pub stop_bps: i64,
    /// Distance of the first target, basis points of the entry price.
    pub target_bps: i64,
    /// Trailing distance from the best price since entry, basis points of that price.
    pub trail_bps: i64,
    /// Part of the position that is booked at the first target, basis points; rounded to lots.
    pub partial_bps: i64,
    /// How far beyond the touch an entry limit is placed, basis points.
    pub entry_slack_bps: i64,
    /// An entry not filled within this time is cancelled.
    pub entry_timeout: DurationNs,
    /// How far beyond the touch an exit limit is placed, basis points.
    pub exit_slack_bps: i64,
    /// An exit not filled within this time is re-priced.
    pub exit_reprice: DurationNs,
}

/// Everything configurable that the engine sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Limits of the risk gate.
    pub risk: RiskConfig,
    /// Parameters of the strategy.
    pub strategy: StrategyConfig,
    /// Parameters of orders.
    pub orders: OrderConfig,
    /// How a position is led beyond stop, first target and trail.
    pub position: PositionPlan,
}

impl Default for RiskConfig {
    fn default() -> Self {
        Self {
            capital: Money::from_rupees(100_000),
            position_value_bps: 3_000,
            position_risk_bps: 500,
            positions_max: 3,
            daily_loss_bps: 200,
            total_exposure_bps: 7_000,
            options_exposure_bps: 5_000,
            collar_bps: 300,
            quote_age_max: DurationNs::from_secs(3),
            cooldown: DurationNs::from_secs(120),
            entries_per_day_max: 100,
            instrument_exposure_bps: 3_000,
            underlying_exposure_bps: 3_000,
            sector_exposure_bps: 3_000,
            strategy_exposure_bps: 7_000,
            correlated_exposure_bps: 5_000,
            delta_exposure_bps: 200_000,
            leverage_bps: 10_000,
            drawdown_bps: 300,
            futures_margin_bps: 2_500,
            intraday_margin_bps: 2_500,
            kelly_fraction_bps: 0,
            kelly_win_rate_bps: 5_000,
            kelly_payoff_ppm: 1_000_000,
            order_value_max: Money::from_rupees(500_000),
            loss_streak_pause: DurationNs::from_secs(1_800),
            repeat_window: DurationNs::from_secs(600),
            identical_order_window: DurationNs::from_secs(1),
            open_quiet: DurationNs::from_secs(5),
            underlying_age_max: DurationNs::from_secs(10),
            delta_age_max: DurationNs::from_secs(60),
            order_lots_max: 20,
            loss_streak_max: 4,
            trades_per_day_max: 50,
            orders_per_day_max: 500,
            entries_per_second_max: 4,
            entries_per_minute_max: 20,
            repeat_entries_max: 30,
            wishes_per_second_max: 100,
            open_ticks_min: 3,
            correlation_min_ppm: 800_000,
            require_margin: false,
        }
    }
}

impl Default for StrategyConfig {
    fn default() -> Self {
        Self {
            score_min_ppm: 720_000,
            signal_life: DurationNs::from_secs(120),
            stop_bps: 500,
            target_bps: 400,
            trail_bps: 200,
            partial_bps: 5_000,
            entry_slack_bps: 10,
            entry_timeout: DurationNs::from_secs(5),
            exit_slack_bps: 30,
            exit_reprice: DurationNs::from_secs(2),
        }
    }
}
