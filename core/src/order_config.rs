//! How orders are written: how long entries live, what an exit may become in the end, what rests at the broker.
//!
//! Defaults and their reasons: `ARCHITECTURE.md`, "Defaults".

use crate::order::Validity;

/// What rests at the broker behind each position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ProtectiveStop {
    /// Nothing: the engine's own stop alone.
    #[default]
    None = 0,
    /// A stop-limit order beyond the engine's own stop.
    Broker = 1,
}

/// Parameters of orders. Basis points are of the price that they are measured from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderConfig {
    /// How long an entry lives at the venue.
    pub entry_validity: Validity,
    /// Whether an exit that found nobody at the edge of its price band may become a market order, which the broker
    /// protects; only once the session forces the issue, or after a kill.
    pub exit_market_last: bool,
    /// What rests at the broker behind each position.
    pub protective_stop: ProtectiveStop,
    /// How much farther than the engine's own stop the broker's trigger lies, so that the engine acts first.
    pub protective_gap_bps: i64,
    /// How far beyond its trigger the limit of the protective order lies.
    pub protective_slack_bps: i64,
}

impl Default for OrderConfig {
    fn default() -> Self {
        Self {
            entry_validity: Validity::Day,
            exit_market_last: false,
            protective_stop: ProtectiveStop::None,
            protective_gap_bps: 50,
            protective_slack_bps: 100,
        }
    }
}
