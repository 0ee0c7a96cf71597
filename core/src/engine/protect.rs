//! The stop at the broker behind each position, where the configuration asks for one.
//!
//! It lies farther than the engine's own stop, so that the engine acts first; it works when this machine does not. It
//! is for exactly what no other exit covers, follows the position's size, and only ever tightens. When the engine wants
//! out, that very order becomes the exit, so the two never add up; where that fails it is cancelled, and the exit placed
//! once the cancel is confirmed. A stop that is rejected at its trigger, or released, means: leave now.
//! Left out: stops that the broker keeps for longer than a day.

use super::cancels::ACTION_GAP;
use super::exits::{EXIT_AGAIN, exit_side};
use crate::command::Commands;
use crate::event::FeedState;
use crate::instrument::InstrumentId;
use crate::limits::MODIFIES_PER_ORDER_MAX;
use crate::order::{OrderState, OrderType, Side};
use crate::order_config::ProtectiveStop;
use crate::orders::{Order, Terms};
use crate::page::PageReason;
use crate::planted::{Bug, planted};
use crate::price::Price;
use crate::quantity::Qty;
use crate::state::State;
use crate::strategy::{ExitReason, Protect};

/// Stops at the broker that may fail behind one position before a person must look.
const ARM_FAILURES_MAX: u32 = 5;
/// A trail moves the stop at the broker in steps of this, basis points of it: each step is an order call.
const STEP_BPS: i64 = 10;
/// Modifies kept for making an exit of a stop.
const MODIFIES_KEPT: u8 = 10;

impl State {
    pub(super) fn consider_protect(&mut self, protect: &Protect, commands: &mut Commands) {
        let id = protect.instrument;
        let position = self.positions[id.index()].qty;
        if !position.is_zero() {
            self.exit_plans
                .get_mut(id, position.get() > 0)
                .protect(protect.stop);
            self.maintain_protection(id, commands);
        }
    }

    /// An entry filled: until a strategy says better, its position is protected where the entry said.
    pub(super) fn protect_entry(&mut self, entry: &Order) {
        let position = self.positions[entry.instrument.index()].qty;
        if entry.stop.is_set() && position.get().signum() == entry.side.sign() {
            self.exit_plans
                .get_mut(entry.instrument, position.get() > 0)
                .protect(entry.stop);
        }
    }

    /// The market went through the stop at the broker, or the stop was rejected there.
    pub(super) fn leave_after_stop(&mut self, id: InstrumentId) {
        let all = self.positions[id.index()].qty.abs();
        self.want_exit(id, all, ExitReason::Stop);
    }

    /// A stop at the broker is gone and nobody here asked for that: the next one waits a little.
    pub(super) fn note_lost_protection(&mut self, id: InstrumentId) {
        self.page(PageReason::ProtectionLost, Some(id));
        let position = self.positions[id.index()].qty;
        if !position.is_zero() {
            let again = self.now.plus(EXIT_AGAIN);
            let plan = self.exit_plans.get_mut(id, position.get() > 0);
            plan.arm_not_before = again;
            plan.arm_failures = plan.arm_failures.saturating_add(1);
        }
    }

    /// Makes room for an exit: where the whole position goes, each stop becomes an exit; where a part stays, stops
    /// shrink to that.
    pub(super) fn yield_protection(
        &mut self,
        id: InstrumentId,
        side: Side,
        keep: Qty,
        commands: &mut Commands,
    ) {
        if !keep.is_zero() {
            self.shrink_protection(id, side, keep.get(), commands);
            return;
        }
        let attempts = self
            .exit_plans
            .get(id)
            .and_then(|plan| plan.leaving)
            .map_or(0, |leaving| leaving.attempts);
        let mut place = 0;
        while let Some(index) = self.orders.live_at(place) {
            place += 1;
            let order = *self.orders.get(index);
            if order.instrument != id || !order.is_protective {
                continue;
            }
            let exit = self.exit_terms(id, side, attempts);
            match (order.state, exit) {
                (OrderState::TriggerPending, Some(exit)) if order.modifies < MODIFIES_PER_ORDER_MAX => {
                    let terms = Terms {
                        order_type: exit.order_type,
                        qty: order.qty,
                        price: exit.price,
                        trigger: Price::NONE,
                    };
                    self.modify(index, terms, commands);
                    if self.orders.get(index).state == OrderState::PendingModify {
                        let exit = self.orders.get_mut(index);
                        exit.is_protective = false;
                        exit.exit_reason = self
                            .exit_plans
                            .get(id)
                            .and_then(|plan| plan.leaving)
                            .map(|leaving| leaving.reason);
                    }
                }
                _ => self.cancel(index, commands),
            }
        }
    }

    /// Brings the stops at the broker in line with the position: size, level, or their absence.
    pub(super) fn maintain_protection(&mut self, id: InstrumentId, commands: &mut Commands) {
        let position = self.positions[id.index()].qty;
        let Some(plan) = self.exit_plans.get(id).copied() else {
            return;
        };
        let keep = plan.leaving.map_or(i64::MAX, |leaving| leaving.keep.get());
        if self.config.orders.protective_stop == ProtectiveStop::None
            || position.is_zero()
            || self.held.is_manual(id)
            || keep == 0
            || !plan.stop.is_set()
        {
            return;
        }
        let side = exit_side(position);
        let counted = self.counted_exits(id, side);
        let others = counted.total - counted.protective;
        let want = (position.abs().get() - others).min(keep).max(0);
        if counted.protective > want {
            self.shrink_protection(id, side, want, commands);
            return;
        }
        let Some(terms) = self.protective_terms(id, side, plan.stop) else {
            return;
        };
        self.raise_protection(id, &terms, commands);
        let may_arm = self.hours(id).is_open(self.now)
            && self.feed == FeedState::Live
            && self.now >= plan.arm_not_before
            && plan.arm_failures < ARM_FAILURES_MAX;
        // Measured anew: a stop that is being changed counts with the larger of old and new.
        let room = position.abs().get() - self.counted_exits(id, side).total;
        let missing = (want - counted.protective).min(room);
        if may_arm && missing > 0 && !self.is_entry_in_the_way(id, side) {
            let terms = Terms {
                qty: Qty::new(missing),
                ..terms
            };
            self.place_sliced(id, side, terms, (ExitReason::Stop, true), commands);
        }
    }

    /// A stop-limit order beyond the stop; `None` where no such price fits, or the market is there already, where the
    /// engine's own stop acts.
    fn protective_terms(&self, id: InstrumentId, side: Side, stop: Price) -> Option<Terms> {
        let orders = &self.config.orders;
        let trigger = self.beyond(id, side, stop, orders.protective_gap_bps, stop);
        let price = self.beyond(id, side, trigger, orders.protective_slack_bps, trigger);
        let ltp = self.quotes[id.index()].ltp;
        let is_ahead = match side {
            Side::Sell => trigger < ltp,
            Side::Buy => trigger > ltp,
        };
        (trigger.is_set() && price.is_set() && ltp.is_set() && is_ahead).then_some(Terms {
            order_type: OrderType::StopLimit,
            qty: Qty::ZERO,
            price,
            trigger,
        })
    }

    /// Moves stops at the broker along with the strategy's, in steps, never back.
    fn raise_protection(&mut self, id: InstrumentId, wanted: &Terms, commands: &mut Commands) {
        let mut place = 0;
        while let Some(index) = self.orders.live_at(place) {
            place += 1;
            let order = *self.orders.get(index);
            let from = order.terms_asked().trigger;
            let gain = (wanted.trigger.get() - from.get()) * -order.side.sign();
            let step = from.moved_bps(STEP_BPS).minus(from).get().max(1);
            if order.instrument == id
                && self.may_change(&order)
                && order.modifies + MODIFIES_KEPT < MODIFIES_PER_ORDER_MAX
                && (gain >= step || (gain != 0 && planted(Bug::StopLoosens)))
            {
                let terms = Terms {
                    qty: order.qty,
                    ..*wanted
                };
                self.modify(index, terms, commands);
            }
        }
    }

    /// Takes stops at the broker back to `want` units in all, newest first.
    fn shrink_protection(&mut self, id: InstrumentId, side: Side, want: i64, commands: &mut Commands) {
        let mut excess = self.counted_exits(id, side).protective - want;
        for place in (0..self.orders.live_count()).rev() {
            let index = self.orders.live_at(place).expect("a place below the count");
            let order = *self.orders.get(index);
            if excess <= 0 || order.instrument != id || !order.is_protective {
                continue;
            }
            let open = order.open_qty().get();
            excess -= open;
            if excess >= 0 || order.state == OrderState::Accepted {
                self.cancel(index, commands);
            } else if self.may_change(&order) {
                // The last one keeps what the others leave over.
                let qty = Qty::new(order.filled.get() - excess);
                let terms = Terms {
                    qty,
                    ..order.terms_asked()
                };
                self.modify(index, terms, commands);
            }
        }
    }

    /// Whether an unreleased stop may be changed now.
    fn may_change(&self, order: &Order) -> bool {
        order.is_protective
            && order.state == OrderState::TriggerPending
            && self.now.since(order.action_ts) >= ACTION_GAP
    }
}
