//! What the engine is about to do with each open position: how much of it is to be left, and where it is protected.
//!
//! A wish to leave stands until the position shows it, so a rejected, cancelled or blocked exit is tried again.
//! Invariants: a plan belongs to one position and dies with it, or when it turns round; what may stay never grows; a
//! stop never loosens; all of it is in the state hash. Left out: prices and orders (`engine/exits.rs`).

use crate::instrument::InstrumentId;
use crate::limits::POSITIONS_MAX;
use crate::outage::Outage;
use crate::planted::{Bug, planted};
use crate::price::Price;
use crate::quantity::Qty;
use crate::state_hash::StateHasher;
use crate::strategy::ExitReason;
use crate::time::TsNs;

/// How much of a position is to be left, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaving {
    /// How much of the position may stay; zero: all of it goes.
    pub(crate) keep: Qty,
    pub(crate) reason: ExitReason,
    /// Orders placed and priced anew for it so far: each makes the next one cheaper to take.
    pub(crate) attempts: u32,
    /// When the last of them was counted.
    pub(crate) attempted: TsNs,
}

/// The plan of one open position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExitPlan {
    pub(crate) instrument: InstrumentId,
    pub(crate) is_long: bool,
    pub(crate) leaving: Option<Leaving>,
    /// No exit before this: the last one failed a moment ago.
    pub(crate) not_before: TsNs,
    /// Rounds of exits that failed one after the other: none of them came to work at the exchange.
    pub(crate) failures: u32,
    /// Where the position is to be protected; [`Price::NONE`] while nobody has said.
    pub(crate) stop: Price,
    /// No stop at the broker before this: the last one failed a moment ago.
    pub(crate) arm_not_before: TsNs,
    /// Stops at the broker that failed, for this position.
    pub(crate) arm_failures: u32,
    /// When a page about a blocked or unpriced exit was last raised.
    pub(crate) paged: TsNs,
    /// When the broker's positions were last asked for on its behalf.
    pub(crate) reread: TsNs,
    /// Since when an exit works without prices of the feed; [`TsNs::NEVER`] while they come.
    pub(crate) unheard_since: TsNs,
    /// For how long a feed that lives has been silent on it.
    pub(crate) silence: Outage,
}

/// The plans of all open positions that have one.
#[derive(Debug)]
pub(crate) struct ExitPlans {
    plans: Vec<ExitPlan>,
}

impl Default for ExitPlans {
    fn default() -> Self {
        Self {
            plans: Vec::with_capacity(POSITIONS_MAX),
        }
    }
}

impl ExitPlan {
    const fn new(instrument: InstrumentId, is_long: bool) -> Self {
        Self {
            instrument,
            is_long,
            leaving: None,
            not_before: TsNs::NEVER,
            failures: 0,
            stop: Price::NONE,
            arm_not_before: TsNs::NEVER,
            arm_failures: 0,
            paged: TsNs::NEVER,
            reread: TsNs::NEVER,
            unheard_since: TsNs::NEVER,
            silence: Outage::NONE,
        }
    }

    /// Takes a wish in. A part that is being booked is not booked twice by a wish repeated for the same reason.
    pub(crate) fn want(&mut self, keep: Qty, reason: ExitReason) {
        let (attempts, attempted) = match self.leaving {
            Some(leaving) if keep >= leaving.keep => return,
            Some(leaving) if !keep.is_zero() && leaving.reason == reason => return,
            Some(leaving) => (leaving.attempts, leaving.attempted),
            None => (0, TsNs::NEVER),
        };
        self.leaving = Some(Leaving {
            keep,
            reason,
            attempts,
            attempted,
        });
    }

    /// An exit failed: no other one before `again`. Those that were sent together fail as one.
    pub(crate) fn note_failure(&mut self, now: TsNs, again: TsNs) {
        if now >= self.not_before {
            self.failures = self.failures.saturating_add(1);
        }
        self.not_before = again;
    }

    /// Takes `stop` as the level to protect at, unless the one in force is tighter.
    pub(crate) fn protect(&mut self, stop: Price) {
        let is_tighter = if self.is_long {
            stop > self.stop
        } else {
            stop < self.stop
        };
        if stop.is_set() && (!self.stop.is_set() || is_tighter || planted(Bug::StopLoosens)) {
            self.stop = stop;
        }
    }
}

impl ExitPlans {
    /// The plan of a position, if it has one.
    pub(crate) fn get(&self, instrument: InstrumentId) -> Option<&ExitPlan> {
        self.plans.iter().find(|plan| plan.instrument == instrument)
    }

    /// The plan of a position, to be changed; made if there is none.
    pub(crate) fn get_mut(&mut self, instrument: InstrumentId, is_long: bool) -> &mut ExitPlan {
        let found = self.plans.iter().position(|plan| plan.instrument == instrument);
        let place = found.unwrap_or_else(|| {
            self.plans.push(ExitPlan::new(instrument, is_long));
            self.plans.len() - 1
        });
        &mut self.plans[place]
    }

    /// When the broker's positions were last asked for on behalf of any position.
    pub(crate) fn last_reread(&self) -> TsNs {
        let asked = self.plans.iter().map(|plan| plan.reread);
        asked.max().unwrap_or(TsNs::NEVER)
    }

    /// An exit came to work at the exchange.
    pub(crate) fn note_exit_works(&mut self, instrument: InstrumentId) {
        let plan = self.plans.iter_mut().find(|plan| plan.instrument == instrument);
        if let Some(plan) = plan {
            plan.failures = 0;
        }
    }

    /// Keeps the plans in step with a position that has `qty` now.
    pub(crate) fn follow(&mut self, instrument: InstrumentId, qty: Qty) {
        let is_over = |plan: &ExitPlan| qty.is_zero() || plan.is_long != (qty.get() > 0);
        self.plans
            .retain(|plan| plan.instrument != instrument || !is_over(plan));
        let Some(plan) = self.plans.iter_mut().find(|plan| plan.instrument == instrument) else {
            return;
        };
        if plan.leaving.is_some_and(|leaving| qty.abs() <= leaving.keep) {
            plan.leaving = None;
        }
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(self.plans.len() as u64);
        for plan in &self.plans {
            hasher.u64(u64::from(plan.instrument.get()) << 1 | u64::from(plan.is_long));
            hasher.i64(plan.leaving.map_or(-1, |leaving| leaving.keep.get()));
            hasher.u64(plan.leaving.map_or(0, |leaving| {
                u64::from(leaving.attempts) << 8 | leaving.reason as u64
            }));
            hasher.i64(plan.leaving.map_or(0, |leaving| leaving.attempted.get()));
            for ts in [plan.not_before, plan.arm_not_before, plan.paged, plan.reread] {
                hasher.i64(ts.get());
            }
            hasher.i64(plan.unheard_since.get());
            plan.silence.hash_into(hasher);
            hasher.i64(plan.stop.get());
            hasher.u64(u64::from(plan.arm_failures) | u64::from(plan.failures) << 32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: InstrumentId = InstrumentId::new(3);

    fn kept(plan: &ExitPlan) -> Option<i64> {
        plan.leaving.map(|leaving| leaving.keep.get())
    }

    #[test]
    fn a_wish_grows_but_a_repeated_part_is_booked_once() {
        let mut plan = ExitPlan::new(ID, true);
        plan.want(Qty::new(50), ExitReason::Target);
        plan.want(Qty::new(25), ExitReason::Target);
        assert_eq!(kept(&plan), Some(50), "the same part, wished for again");
        plan.want(Qty::new(60), ExitReason::Operator);
        assert_eq!(kept(&plan), Some(50), "a wish never shrinks");
        plan.want(Qty::new(25), ExitReason::Operator);
        assert_eq!(kept(&plan), Some(25));
        plan.want(Qty::ZERO, ExitReason::Operator);
        assert_eq!(kept(&plan), Some(0));
    }

    #[test]
    fn a_stop_never_loosens_on_either_side() {
        for (is_long, wishes, expected) in [(true, [100, 90, 110, 0], 110), (false, [100, 110, 90, 0], 90)] {
            let mut plan = ExitPlan::new(ID, is_long);
            for stop in wishes {
                plan.protect(Price::new(stop));
            }
            assert_eq!(plan.stop, Price::new(expected));
        }
    }

    #[test]
    fn a_plan_ends_with_its_position_and_a_wish_with_its_quantity() {
        let mut plans = ExitPlans::default();
        plans.get_mut(ID, true).want(Qty::new(50), ExitReason::Target);
        plans.follow(ID, Qty::new(51));
        assert_eq!(plans.get(ID).map(kept), Some(Some(50)));
        plans.follow(ID, Qty::new(50));
        assert_eq!(plans.get(ID).map(kept), Some(None));
        plans.follow(InstrumentId::new(9), Qty::ZERO);
        assert!(plans.get(ID).is_some(), "another position ended");
        for qty in [0, -50] {
            plans.get_mut(ID, true);
            plans.follow(ID, Qty::new(qty));
            assert_eq!(plans.get(ID), None, "{qty}");
        }
    }
}
