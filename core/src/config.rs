//! The numbers that shape decisions. They enter the engine as one journaled event and are plain integers,
//! so that a replay needs no configuration file. Defaults and their reasons: `ARCHITECTURE.md`, "Defaults".

use crate::order_config::OrderConfig;
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
