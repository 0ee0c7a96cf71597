//! `[orders]`: how orders are written, in the words of the file.
//!
//! Left out: what the words do to an order, which is the engine's. Percentages are of the price.

use bijli_core::order::Validity;
use bijli_core::order_config::{OrderConfig, ProtectiveStop};
use serde::Deserialize;

use super::Percent;

/// How long an entry lives at the venue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryValidity {
    /// Until it is filled, times out or the day ends.
    #[default]
    Day,
    /// What is there at once, and nothing later.
    Ioc,
}

/// What rests at the broker behind each position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProtectiveWord {
    /// Nothing.
    #[default]
    None,
    /// A stop-limit order.
    Broker,
}

/// `[orders]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrdersSection {
    /// How long an entry lives at the venue.
    pub entry_validity: EntryValidity,
    /// Whether the last resort of an exit is a market order.
    pub exit_market_last: bool,
    /// What rests at the broker behind each position.
    pub protective_stop: ProtectiveWord,
    /// How much farther than the engine's stop the broker's lies.
    pub protective_gap_pct: Percent,
    /// How far beyond its trigger its limit lies.
    pub protective_slack_pct: Percent,
}

/// The engine's own defaults: one source for both.
impl Default for OrdersSection {
    fn default() -> Self {
        let orders = OrderConfig::default();
        Self {
            entry_validity: EntryValidity::Day,
            exit_market_last: orders.exit_market_last,
            protective_stop: ProtectiveWord::None,
            protective_gap_pct: Percent::from_bps(orders.protective_gap_bps),
            protective_slack_pct: Percent::from_bps(orders.protective_slack_bps),
        }
    }
}

impl OrdersSection {
    /// What the engine gets to see.
    #[must_use]
    pub const fn engine_config(&self) -> OrderConfig {
        OrderConfig {
            entry_validity: match self.entry_validity {
                EntryValidity::Day => Validity::Day,
                EntryValidity::Ioc => Validity::Ioc,
            },
            exit_market_last: self.exit_market_last,
            protective_stop: match self.protective_stop {
                ProtectiveWord::None => ProtectiveStop::None,
                ProtectiveWord::Broker => ProtectiveStop::Broker,
            },
            protective_gap_bps: self.protective_gap_pct.bps(),
            protective_slack_bps: self.protective_slack_pct.bps(),
        }
    }
}
