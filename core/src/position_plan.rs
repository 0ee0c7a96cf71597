//! How a position is led from its first fill to its last, beyond the stop, first target and trail of
//! [`crate::config::StrategyConfig`]: further targets, break-even, time exits and scaling in.
//!
//! Everything here is off by default. Zero switches a rule off; distances are favourable moves in basis points of
//! the entry price. Left out: how the rules are obeyed, which is the strategy's `bracket`.

use crate::config::StrategyConfig;
use crate::time::DurationNs;

/// Targets that one position can have.
pub const TARGETS_MAX: usize = 3;

/// One target: how far, and how much of the position is booked there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TargetPlan {
    /// Distance from the entry, basis points of the entry price.
    pub distance_bps: i64,
    /// Part of the largest quantity held, basis points; 0 leaves the target out.
    pub part_bps: i64,
}

/// Rules that lead one position; the default has none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PositionPlan {
    /// Longest time that a position is held; zero: until another rule ends it.
    pub hold_max: DurationNs,
    /// Time of the day, since midnight in India, at which positions are left and after which none is entered;
    /// zero: none before the session's own square-off.
    pub leave_at: DurationNs,
    /// After this move in our favour the stop goes to the entry plus the charges of the round trip; zero: never.
    pub breakeven_bps: i64,
    /// The second target.
    pub second: TargetPlan,
    /// The third target.
    pub third: TargetPlan,
    /// How often a position may be enlarged; zero: never.
    pub scale_in_max: u32,
    /// Move in our favour since the last purchase that allows another, basis points of that price.
    pub scale_in_bps: i64,
    /// Size of one addition, basis points of the quantity before the first one.
    pub scale_in_part_bps: i64,
}

impl PositionPlan {
    /// All targets of a position, the strategy's own first.
    #[must_use]
    pub const fn targets(&self, strategy: &StrategyConfig) -> [TargetPlan; TARGETS_MAX] {
        let first = TargetPlan {
            distance_bps: strategy.target_bps,
            part_bps: strategy.partial_bps,
        };
        [first, self.second, self.third]
    }
}
