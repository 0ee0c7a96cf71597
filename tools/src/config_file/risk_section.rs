//! `[risk]`: the limits of the risk gate as a person writes them, and as the engine takes them.
//!
//! Invariants: the defaults are the engine's own, so that there is one source for both; nothing is lost on the way to
//! the engine's integers. Ranges stand in the table of keys; what the numbers mean together in `config_check`.

use bijli_core::config::RiskConfig;
use bijli_core::{DurationNs, Money};
use serde::Deserialize;

use super::sections::millis;
use super::{Percent, Score};

/// `[risk]`; percentages are of day-start capital unless a key says otherwise.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RiskSection {
    /// Day-start capital.
    pub capital_rupees: i64,
    /// Largest value of one position.
    pub position_value_pct: Percent,
    /// Largest loss of one position at its stop.
    pub position_risk_pct: Percent,
    /// Open positions, those being entered included.
    pub max_positions: u32,
    /// Loss of the day that latches entries off.
    pub daily_loss_pct: Percent,
    /// Largest value of all positions.
    pub total_exposure_pct: Percent,
    /// Largest value of all option positions.
    pub options_exposure_pct: Percent,
    /// Farthest that an order price may lie from the quote, of the quote.
    pub collar_pct: Percent,
    /// Oldest quote that can justify an entry.
    pub quote_age_max_ms: i64,
    /// Pause before the same instrument and side again.
    pub cooldown_s: i64,
    /// Entries of one day.
    pub entries_per_day_max: u32,
    /// Largest value of one instrument, live orders and those of unknown fate included.
    pub instrument_exposure_pct: Percent,
    /// Largest value of all contracts on one underlying: the share, its futures, its options.
    pub underlying_exposure_pct: Percent,
    /// Largest value of all positions of one sector (see `[sectors]`); whatever has no sector counts together.
    pub sector_exposure_pct: Percent,
    /// Largest value of all positions of one strategy.
    pub strategy_exposure_pct: Percent,
    /// Largest value of positions that gain and lose together, the new one included.
    pub correlated_exposure_pct: Percent,
    /// Correlation of one-minute returns of two underlyings, over 32 minutes, from which they count as moving together.
    pub correlation_min: Score,
    /// Largest sum of delta x value of the underlying, of all positions in one direction.
    pub delta_exposure_pct: Percent,
    /// A delta older than this counts as 1.
    pub delta_age_max_s: i64,
    /// Largest value of all positions together, of what the account is worth now.
    pub leverage_pct: Percent,
    /// Whether an entry needs the available margin as the broker tells it; without it a margin that is not known is no reason to deny.
    pub require_margin: bool,
    /// Margin that a future or a written option is taken to need.
    pub futures_margin_pct: Percent,
    /// Margin that an intraday position in shares is taken to need.
    pub intraday_margin_pct: Percent,
    /// Fall below the best of the day, realised and unrealised, that stops entries until tomorrow.
    pub drawdown_pct: Percent,
    /// Round trips lost in a row, charges deducted, that pause entries.
    pub loss_streak_max: u32,
    /// How long entries pause after such a streak.
    pub loss_streak_pause_s: i64,
    /// Round trips of one day, from flat to flat, that end entries.
    pub trades_per_day_max: u32,
    /// Orders of one day, exits counted, that end entries; exits are never stopped.
    pub orders_per_day_max: u32,
    /// Largest value of any order, whatever capital_rupees says.
    pub order_value_max_rupees: i64,
    /// Largest number of lots of one order in a derivative.
    pub order_lots_max: u32,
    /// Entries in any rolling second.
    pub entries_per_second_max: u32,
    /// Entries in any rolling minute.
    pub entries_per_minute_max: u32,
    /// Entries of one strategy within repeat_window_s that latch it off until a person clears it.
    pub repeat_entries_max: u32,
    /// The time in which repeat_entries_max counts.
    pub repeat_window_s: i64,
    /// Wishes of one strategy in a rolling second, denied ones counted, that latch it off until a person clears it.
    pub wishes_per_second_max: u32,
    /// No second entry of the same side, quantity and price in an instrument within this time.
    pub identical_order_window_ms: i64,
    /// No entry within this time of the opening of the market.
    pub open_quiet_s: i64,
    /// Coherent ticks with both sides of the book that an instrument needs after the opening before an entry.
    pub open_ticks_min: u32,
    /// A price of the underlying older than this cannot justify an entry in a derivative; an underlying that never ticked is not asked.
    pub underlying_age_max_s: i64,
    /// Part of the Kelly stake that one position may risk at its stop; 0 leaves this bound out.
    pub kelly_fraction_pct: Percent,
    /// Share of winners for the Kelly stake: a figure of yours from many trades, never taken from the day.
    pub kelly_win_rate_pct: Percent,
    /// Average winner over average loser for the Kelly stake, likewise a figure of yours.
    pub kelly_payoff: Score,
}

/// The engine's own defaults: one source for both.
impl Default for RiskSection {
    fn default() -> Self {
        let risk = RiskConfig::default();
        Self {
            capital_rupees: risk.capital.get() / Money::from_rupees(1).get(),
            position_value_pct: Percent::from_bps(risk.position_value_bps),
            position_risk_pct: Percent::from_bps(risk.position_risk_bps),
            max_positions: risk.positions_max,
            daily_loss_pct: Percent::from_bps(risk.daily_loss_bps),
            total_exposure_pct: Percent::from_bps(risk.total_exposure_bps),
            options_exposure_pct: Percent::from_bps(risk.options_exposure_bps),
            collar_pct: Percent::from_bps(risk.collar_bps),
            quote_age_max_ms: millis(risk.quote_age_max),
            cooldown_s: millis(risk.cooldown) / 1_000,
            entries_per_day_max: risk.entries_per_day_max,
            instrument_exposure_pct: Percent::from_bps(risk.instrument_exposure_bps),
            underlying_exposure_pct: Percent::from_bps(risk.underlying_exposure_bps),
            sector_exposure_pct: Percent::from_bps(risk.sector_exposure_bps),
            strategy_exposure_pct: Percent::from_bps(risk.strategy_exposure_bps),
            correlated_exposure_pct: Percent::from_bps(risk.correlated_exposure_bps),
            correlation_min: Score::from_ppm(risk.correlation_min_ppm),
            delta_exposure_pct: Percent::from_bps(risk.delta_exposure_bps),
            delta_age_max_s: millis(risk.delta_age_max) / 1_000,
            leverage_pct: Percent::from_bps(risk.leverage_bps),
            require_margin: risk.require_margin,
            futures_margin_pct: Percent::from_bps(risk.futures_margin_bps),
            intraday_margin_pct: Percent::from_bps(risk.intraday_margin_bps),
            drawdown_pct: Percent::from_bps(risk.drawdown_bps),
            loss_streak_max: risk.loss_streak_max,
            loss_streak_pause_s: millis(risk.loss_streak_pause) / 1_000,
            trades_per_day_max: risk.trades_per_day_max,
            orders_per_day_max: risk.orders_per_day_max,
            order_value_max_rupees: risk.order_value_max.get() / Money::from_rupees(1).get(),
            order_lots_max: risk.order_lots_max,
            entries_per_second_max: risk.entries_per_second_max,
            entries_per_minute_max: risk.entries_per_minute_max,
            repeat_entries_max: risk.repeat_entries_max,
            repeat_window_s: millis(risk.repeat_window) / 1_000,
            wishes_per_second_max: risk.wishes_per_second_max,
            identical_order_window_ms: millis(risk.identical_order_window),
            open_quiet_s: millis(risk.open_quiet) / 1_000,
            open_ticks_min: risk.open_ticks_min,
            underlying_age_max_s: millis(risk.underlying_age_max) / 1_000,
            kelly_fraction_pct: Percent::from_bps(risk.kelly_fraction_bps),
            kelly_win_rate_pct: Percent::from_bps(risk.kelly_win_rate_bps),
            kelly_payoff: Score::from_ppm(
                u32::try_from(risk.kelly_payoff_ppm).expect("the default is small"),
            ),
        }
    }
}

impl RiskSection {
    /// What the engine gets to see: integers only.
    #[must_use]
    pub fn engine_config(&self) -> RiskConfig {
        RiskConfig {
            capital: Money::from_rupees(self.capital_rupees),
            position_value_bps: self.position_value_pct.bps(),
            position_risk_bps: self.position_risk_pct.bps(),
            positions_max: self.max_positions,
            daily_loss_bps: self.daily_loss_pct.bps(),
            total_exposure_bps: self.total_exposure_pct.bps(),
            options_exposure_bps: self.options_exposure_pct.bps(),
            collar_bps: self.collar_pct.bps(),
            quote_age_max: DurationNs::from_millis(self.quote_age_max_ms),
            cooldown: DurationNs::from_secs(self.cooldown_s),
            entries_per_day_max: self.entries_per_day_max,
            instrument_exposure_bps: self.instrument_exposure_pct.bps(),
            underlying_exposure_bps: self.underlying_exposure_pct.bps(),
            sector_exposure_bps: self.sector_exposure_pct.bps(),
            strategy_exposure_bps: self.strategy_exposure_pct.bps(),
            correlated_exposure_bps: self.correlated_exposure_pct.bps(),
            correlation_min_ppm: self.correlation_min.ppm(),
            delta_exposure_bps: self.delta_exposure_pct.bps(),
            delta_age_max: DurationNs::from_secs(self.delta_age_max_s),
            leverage_bps: self.leverage_pct.bps(),
            require_margin: self.require_margin,
            futures_margin_bps: self.futures_margin_pct.bps(),
            intraday_margin_bps: self.intraday_margin_pct.bps(),
            drawdown_bps: self.drawdown_pct.bps(),
            loss_streak_max: self.loss_streak_max,
            loss_streak_pause: DurationNs::from_secs(self.loss_streak_pause_s),
            trades_per_day_max: self.trades_per_day_max,
            orders_per_day_max: self.orders_per_day_max,
            order_value_max: Money::from_rupees(self.order_value_max_rupees),
            order_lots_max: self.order_lots_max,
            entries_per_second_max: self.entries_per_second_max,
            entries_per_minute_max: self.entries_per_minute_max,
            repeat_entries_max: self.repeat_entries_max,
            repeat_window: DurationNs::from_secs(self.repeat_window_s),
            wishes_per_second_max: self.wishes_per_second_max,
            identical_order_window: DurationNs::from_millis(self.identical_order_window_ms),
            open_quiet: DurationNs::from_secs(self.open_quiet_s),
            open_ticks_min: self.open_ticks_min,
            underlying_age_max: DurationNs::from_secs(self.underlying_age_max_s),
            kelly_fraction_bps: self.kelly_fraction_pct.bps(),
            kelly_win_rate_bps: self.kelly_win_rate_pct.bps(),
            kelly_payoff_ppm: i64::from(self.kelly_payoff.ppm()),
        }
    }
}
