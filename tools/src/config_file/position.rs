//! `[position]`: how a position is led beyond stop, first target and trail. Everything is off by default.

use bijli_core::DurationNs;
use bijli_core::position_plan::{PositionPlan, TargetPlan};
use serde::Deserialize;

use super::Percent;

/// `[position]`; percentages are of prices unless they say part.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PositionSection {
    /// Longest time that a position is held; 0 for none.
    pub hold_max_s: i64,
    /// Time of the day at which positions are left, hours and minutes; 0 for none.
    pub leave_at_hhmm: i64,
    /// Move after which the stop pays for the round trip; 0 for never.
    pub breakeven_pct: Percent,
    /// Distance of the second target.
    pub second_target_pct: Percent,
    /// Part booked there; 0 leaves it out.
    pub second_part_pct: Percent,
    /// Distance of the third target.
    pub third_target_pct: Percent,
    /// Part booked there; 0 leaves it out.
    pub third_part_pct: Percent,
    /// How often a position is enlarged.
    pub scale_in_max: u32,
    /// Move that allows an addition.
    pub scale_in_pct: Percent,
    /// Size of an addition.
    pub scale_in_part_pct: Percent,
}

/// Rules that are off, with distances that make sense once a part or a number switches them on.
impl Default for PositionSection {
    fn default() -> Self {
        Self {
            hold_max_s: 0,
            leave_at_hhmm: 0,
            breakeven_pct: Percent::from_bps(0),
            second_target_pct: Percent::from_bps(0),
            second_part_pct: Percent::from_bps(0),
            third_target_pct: Percent::from_bps(0),
            third_part_pct: Percent::from_bps(0),
            scale_in_max: 0,
            scale_in_pct: Percent::from_bps(0),
            scale_in_part_pct: Percent::from_bps(0),
        }
    }
}

impl PositionSection {
    /// What the engine gets to see.
    #[must_use]
    pub const fn plan(&self) -> PositionPlan {
        PositionPlan {
            hold_max: DurationNs::from_secs(self.hold_max_s),
            leave_at: DurationNs::from_hm(self.leave_at_hhmm / 100, self.leave_at_hhmm % 100),
            breakeven_bps: self.breakeven_pct.bps(),
            second: TargetPlan {
                distance_bps: self.second_target_pct.bps(),
                part_bps: self.second_part_pct.bps(),
            },
            third: TargetPlan {
                distance_bps: self.third_target_pct.bps(),
                part_bps: self.third_part_pct.bps(),
            },
            scale_in_max: self.scale_in_max,
            scale_in_bps: self.scale_in_pct.bps(),
            scale_in_part_bps: self.scale_in_part_pct.bps(),
        }
    }
}
