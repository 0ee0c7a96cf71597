//! Reducing risk: exits, their re-pricing, square-off and flattening.
//!
//! What may still fill against a position (open, pending, unknown, presumed absent, of whomever) never adds up to more
//! than the position, so no exit can turn it round. The one exception is written down: an exit presumed absent stops
//! counting once the broker's own position was read after that, since only that read says what is left to close. A wish
//! stands until the position shows it. Nothing here passes the entry gate: exits come before entries, always.

use super::cancels::ACTION_GAP;
use super::exit_price::TELL_AFTER;
use crate::command::{Command, Commands, Modify, Place, Reconcile};
use crate::instrument::InstrumentId;
use crate::limits::{MODIFIES_PER_ORDER_MAX, POSITIONS_MAX, SLICES_MAX};
use crate::order::{OrderState, OrderType, Purpose, Side, Validity};
use crate::orders::{Order, Terms};
use crate::page::PageReason;
use crate::planted::{Bug, planted};
use crate::price::Price;
use crate::quantity::Qty;
use crate::risk::slice_max;
use crate::state::State;
use crate::strategy::{ExitReason, Leave};
use crate::time::{DurationNs, TsNs};

/// How long after a failed exit the next one is tried: a price outside the band must not eat the order budget.
pub(super) const EXIT_AGAIN: DurationNs = DurationNs::from_secs(5);
/// How often a person is told again of an exit that cannot be sent or finds nobody.
const TELL_AGAIN: DurationNs = DurationNs::from_secs(30);
/// How often the broker's positions are asked for while an exit that is presumed absent stands in the way.
pub(super) const REREAD_AGAIN: DurationNs = DurationNs::from_secs(15);
/// How long the trades of an exit that ended may be under way before a person is told and positions are read.
const TRADES_PATIENCE: DurationNs = DurationNs::from_secs(10);
/// How long a modify may be under way before the order is cancelled instead.
const MODIFY_PATIENCE: DurationNs = DurationNs::from_secs(5);
/// How long square-off, re-pricing and a kill wait for a reconciliation that does not end.
const RECONCILE_PATIENCE: DurationNs = DurationNs::from_secs(60);

/// What may still fill against a position.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    /// All of it.
    pub(super) total: i64,
    /// Of this, stops at the broker that have not been released.
    pub(super) protective: i64,
    /// Of this, orders presumed absent and of somebody else: no command of ours takes them away.
    beyond_us: i64,
    /// Whether any of them is presumed absent, or ended long ago with fills that no trade has shown.
    has_absent: bool,
    /// Orders of ours that are not protective.
    slices: usize,
}

impl State {
    pub(super) fn consider_exit(&mut self, leave: &Leave, commands: &mut Commands) {
        assert!(leave.qty.get() > 0, "an exit has a positive quantity");
        // A person's position is theirs; a leg leaves with its group.
        if self.held.is_manual(leave.instrument) || self.groups.owner(leave.instrument).is_some() {
            return;
        }
        self.leave(leave.instrument, leave.qty, leave.reason, commands);
    }

    /// Leaves `qty` of a position, or all of it if that is less, as soon as it may be done.
    pub(super) fn leave(&mut self, id: InstrumentId, qty: Qty, reason: ExitReason, commands: &mut Commands) {
        self.cancel_entries_of(id, commands);
        self.want_exit(id, qty, reason);
        self.work_exit(id, commands);
    }

    /// Remembers that `qty` of a position is to be left.
    pub(super) fn want_exit(&mut self, id: InstrumentId, qty: Qty, reason: ExitReason) {
        let position = self.positions[id.index()].qty;
        if position.is_zero() {
            return;
        }
        let keep = Qty::new(position.abs().get().saturating_sub(qty.get()).max(0));
        self.exit_plans.get_mut(id, position.get() > 0).want(keep, reason);
    }

    /// Sends what is due of a wish to leave, as far as orders that may be live leave room for it.
    pub(super) fn work_exit(&mut self, id: InstrumentId, commands: &mut Commands) {
        let leaving = self.exit_plans.get(id).and_then(|plan| plan.leaving);
        let position = self.positions[id.index()].qty;
        let Some(leaving) = leaving.filter(|_| !position.is_zero()) else {
            return;
        };
        let outranks_a_person = matches!(
            leaving.reason,
            ExitReason::Operator | ExitReason::SquareOff | ExitReason::Unwind
        );
        if self.held.is_manual(id) && !outranks_a_person {
            // A person took the position over: what a strategy wished for before is not carried on.
            self.exit_plans.get_mut(id, position.get() > 0).leaving = None;
            return;
        }
        self.cancel_entries_of(id, commands);
        let mut side = exit_side(position);
        if planted(Bug::OperatorExitWrongSide) && leaving.reason == ExitReason::Operator {
            side = side.opposite();
        }
        if self.must_wait_with_exit(id, side) || (self.paused && planted(Bug::PauseStopsExits)) {
            return;
        }
        let size = position.abs().get();
        let keep = leaving.keep.max(self.kept_as_cover(id, leaving.reason));
        let mut counted = self.counted_exits(id, side);
        if planted(Bug::ExitBesideExit) {
            counted = Counted::default();
        }
        let due = size - keep.get() - (counted.total - counted.protective);
        let room = size - counted.total;
        if due > room && counted.protective > 0 {
            self.yield_protection(id, side, keep, commands);
        }
        if room <= 0 && due + counted.beyond_us > 0 && counted.beyond_us > 0 {
            self.page_at_times(PageReason::ExitBlocked, id);
            if counted.has_absent {
                self.ask_for_positions(id, commands);
            }
        }
        if due.min(room) > 0 && leaving.keep.get() > 0 && planted(Bug::PartWithoutOrder) {
            let kept = leaving.keep.get() * position.get().signum();
            self.positions[id.index()].qty = Qty::new(kept);
            return;
        }
        if due.min(room) > 0 && counted.slices < SLICES_MAX {
            self.place_exits(id, side, Qty::new(due.min(room)), commands);
        } else if due.min(room) > 0 {
            self.page_at_times(PageReason::ExitBlocked, id);
        }
    }

    /// What may still fill against the position that an order of `side` reduces.
    pub(super) fn counted_exits(&self, id: InstrumentId, side: Side) -> Counted {
        let mut counted = Counted::default();
        for (_, order) in self.orders.live() {
            let is_forgotten = order.state == OrderState::Unknown && planted(Bug::ExitBesideUnknown);
            if order.instrument != id || order.side != side || order.is_written_off || is_forgotten {
                continue;
            }
            let open = order.open_qty().get();
            counted.total = counted.total.saturating_add(open);
            if order.is_protective {
                counted.protective = counted.protective.saturating_add(open);
            } else if order.intent.is_some() {
                counted.slices += 1;
            }
            let is_absent = order.state == OrderState::PresumedAbsent
                || order.lacks_trades_since(TRADES_PATIENCE, self.now);
            counted.has_absent |= is_absent;
            if is_absent || order.intent.is_none() {
                counted.beyond_us = counted.beyond_us.saturating_add(open);
            }
        }
        counted
    }

    /// An exit presumed absent stands before the next one: the broker's own position decides, so it is read again.
    pub(super) fn ask_for_positions(&mut self, id: InstrumentId, commands: &mut Commands) {
        let now = self.now;
        let is_long = self.positions[id.index()].qty.get() > 0;
        let plan = self.exit_plans.get_mut(id, is_long);
        let is_due = !plan.reread.is_set() || now.since(plan.reread) >= REREAD_AGAIN;
        if is_due && commands.has_room() {
            plan.reread = now;
            commands.push(Command::Reconcile(Reconcile { ts: now, flat: false }));
        }
    }

    /// Places an exit, cut at the freeze quantity.
    fn place_exits(&mut self, id: InstrumentId, side: Side, qty: Qty, commands: &mut Commands) {
        let position = self.positions[id.index()].qty;
        let plan = self.exit_plans.get_mut(id, position.get() > 0);
        let Some(leaving) = &mut plan.leaving else {
            return;
        };
        leaving.attempts = leaving.attempts.saturating_add(1);
        leaving.attempted = self.now;
        let (reason, attempts) = (leaving.reason, leaving.attempts);
        let Some(terms) = self.exit_terms(id, side, attempts - 1) else {
            self.seek_price(id, commands);
            self.page_at_times(PageReason::NoExitPrice, id);
            return;
        };
        let is_over_absent =
            |order: &Order| order.instrument == id && order.side == side && order.is_written_off;
        if self.orders.live().any(|(_, order)| is_over_absent(order)) {
            self.page(PageReason::ExitOverAbsent, Some(id));
        }
        let terms = Terms {
            order_type: terms.order_type,
            qty,
            price: terms.price,
            trigger: Price::NONE,
        };
        self.place_sliced(id, side, terms, (reason, false), commands);
        if attempts > 1 {
            // The one before found nobody or was refused, perhaps because the price known is old.
            self.seek_price(id, commands);
        }
    }

    /// Places `terms` as orders of at most the freeze quantity each, with an intent of its own each; what does not fit
    /// now is due again as these end.
    pub(super) fn place_sliced(
        &mut self,
        id: InstrumentId,
        side: Side,
        terms: Terms,
        (reason, is_protective): (ExitReason, bool),
        commands: &mut Commands,
    ) {
        let largest = slice_max(&self.instruments[id.index()]);
        let mut left = terms.qty;
        for _ in 0..SLICES_MAX {
            let qty = if planted(Bug::NoFreeze) {
                left
            } else {
                left.min(largest)
            };
            if qty.get() <= 0 || !commands.has_room() || !self.orders.has_room() {
                return;
            }
            let place = Place {
                ts: self.now,
                intent: self.next_intent(),
                instrument: id,
                side,
                purpose: Purpose::Exit,
                order_type: terms.order_type,
                validity: Validity::Day,
                qty,
                price: terms.price,
                trigger: terms.trigger,
            };
            self.orders.add(Order {
                is_protective,
                exit_reason: Some(reason),
                strategy: self.protections.owner(id),
                ..Order::submitted(&place, self.touch(id, side))
            });
            self.counts.exits += 1;
            commands.push(Command::Place(place));
            left = Qty::new(left.get() - qty.get());
        }
    }

    /// Whether an exit must not be sent now: the last one failed a moment ago, an entry of ours could match it, the
    /// market is shut, or the order table is full.
    fn must_wait_with_exit(&self, id: InstrumentId, side: Side) -> bool {
        let failed_just_now = self
            .exit_plans
            .get(id)
            .is_some_and(|plan| self.now < plan.not_before);
        let close = self.hours(id).close;
        let is_shut = close.is_set() && self.now >= close;
        failed_just_now
            || is_shut
            || !self.orders.has_room()
            || self.hedge_must_wait(id)
            || self.is_entry_in_the_way(id, side)
    }

    /// An exit was refused or rejected: the next one waits a little.
    pub(super) fn note_failed_exit(&mut self, id: InstrumentId) {
        self.page(PageReason::ExitRejected, Some(id));
        let position = self.positions[id.index()].qty;
        if !position.is_zero() {
            let again = self.now.plus(EXIT_AGAIN);
            self.exit_plans
                .get_mut(id, position.get() > 0)
                .note_failure(self.now, again);
        }
    }

    /// Tells a person of a position that cannot be left, now and then.
    pub(super) fn page_at_times(&mut self, reason: PageReason, id: InstrumentId) {
        let now = self.now;
        let position = self.positions[id.index()].qty;
        if position.is_zero() {
            return;
        }
        let plan = self.exit_plans.get_mut(id, position.get() > 0);
        if plan.paged == TsNs::NEVER || now.since(plan.paged) >= TELL_AGAIN {
            plan.paged = now;
            self.page(reason, Some(id));
        }
    }

    /// Whether timed actions run: after reconciliation, or once it has taken so long that the journal's own
    /// positions must be looked after without it.
    pub(super) fn may_act_by_time(&self) -> bool {
        self.session.is_some()
            && (self.reconciled || self.now.since(self.process_started) >= RECONCILE_PATIENCE)
    }

    /// What the passing of time makes due.
    pub(super) fn run_timed_actions(&mut self, commands: &mut Commands) {
        self.watch_feed();
        self.watch_positions(commands);
        self.watch_order_lane();
        if !self.may_act_by_time() {
            return;
        }
        self.watch_day_loss();
        self.time_out_entries(commands);
        self.tidy_orders(commands);
        self.reprice_exits(commands);
        self.square_off(commands);
        self.exit_what_was_asked(commands);
        if self.flattening || self.killed {
            self.close_all(ExitReason::Operator, commands);
            self.check_flat(commands);
        }
        for id in self.shorts_first().iter().flatten() {
            self.follow_up(*id, commands);
        }
    }

    /// What evidence about an instrument makes due: too many exits go, wishes to leave and protection follow.
    pub(super) fn follow_up(&mut self, id: InstrumentId, commands: &mut Commands) {
        self.trim_exits(id, commands);
        self.work_exit(id, commands);
        self.maintain_protection(id, commands);
    }

    /// Prices exits anew that found nobody in time, and ends those whose change came to nothing.
    fn reprice_exits(&mut self, commands: &mut Commands) {
        let patience = self.config.strategy.exit_reprice;
        let mut place = 0;
        while let Some(index) = self.orders.live_at(place) {
            place += 1;
            let order = *self.orders.get(index);
            if order.purpose != Purpose::Exit || order.intent.is_none() {
                continue;
            }
            let waited = self.now.since(order.action_ts);
            match order.state {
                // Between "modified" and "waiting for its trigger" a stop may be called open; one that stays so works.
                OrderState::Open if order.is_protective && waited >= MODIFY_PATIENCE => {
                    self.orders.get_mut(index).is_protective = false;
                    self.leave_after_stop(order.instrument);
                }
                OrderState::Open if !order.is_protective && waited >= patience => {
                    self.reprice(index, commands);
                    self.seek_price(order.instrument, commands);
                }
                // The modify that should have made an exit of this stop did nothing.
                OrderState::TriggerPending if !order.is_protective && waited >= ACTION_GAP => {
                    self.cancel(index, commands);
                }
                OrderState::PendingModify if waited >= MODIFY_PATIENCE => self.cancel(index, commands),
                _ => {}
            }
        }
    }

    fn reprice(&mut self, index: usize, commands: &mut Commands) {
        let order = *self.orders.get(index);
        let (id, position) = (order.instrument, self.positions[order.instrument.index()].qty);
        if position.is_zero() || order.side != exit_side(position) || !commands.has_room() {
            self.cancel(index, commands);
            return;
        }
        let mut attempts = 0;
        let (now, patience) = (self.now, self.config.strategy.exit_reprice);
        if let Some(leaving) = &mut self.exit_plans.get_mut(id, position.get() > 0).leaving {
            // A price that stays the same is no attempt that failed: the next one has its time too.
            if now.since(leaving.attempted) >= patience {
                leaving.attempts = leaving.attempts.saturating_add(1);
                leaving.attempted = now;
            }
            attempts = leaving.attempts;
        }
        if attempts > TELL_AFTER {
            self.page_at_times(PageReason::ExitNotFilling, id);
        }
        let Some(next) = self.exit_terms(id, order.side, attempts) else {
            self.page_at_times(PageReason::NoExitPrice, id);
            return;
        };
        let is_same = order.order_type == next.order_type && order.price == next.price;
        if is_same || order.order_type == OrderType::Market {
            return;
        }
        let qty = if planted(Bug::ModifyTheRest) {
            order.open_qty()
        } else {
            order.qty
        };
        let terms = Terms {
            order_type: next.order_type,
            qty,
            price: next.price,
            trigger: Price::NONE,
        };
        self.modify(index, terms, commands);
    }

    /// Asks for new terms of a live order; where the broker counts no further modify, for its cancel instead. What is
    /// to be done after that is due again once it ended.
    pub(super) fn modify(&mut self, index: usize, terms: Terms, commands: &mut Commands) {
        let order = *self.orders.get(index);
        let Some(intent) = order.intent.filter(|_| order.modifies < MODIFIES_PER_ORDER_MAX) else {
            self.cancel(index, commands);
            return;
        };
        if order.order_id.is_empty() || !commands.has_room() {
            return;
        }
        let moved = self.orders.advance(index, OrderState::PendingModify, self.now);
        assert!(moved, "a working order may be modified");
        self.orders.get_mut(index).ask(terms, self.now);
        commands.push(Command::Modify(Modify {
            ts: self.now,
            intent,
            order_id: order.order_id,
            purpose: order.purpose,
            order_type: terms.order_type,
            qty: terms.qty,
            price: terms.price,
            trigger: terms.trigger,
        }));
    }

    /// Closes whatever is open once its market is about to close, or that of what covers it.
    fn square_off(&mut self, commands: &mut Commands) {
        for id in self.shorts_first().iter().flatten() {
            if self.is_square_off_due(*id) {
                let qty = self.positions[id.index()].qty.abs();
                self.leave(*id, qty, ExitReason::SquareOff, commands);
            }
        }
    }

    /// A person's `exit` of one position holds until it is flat or handed back: an order that failed is no end.
    fn exit_what_was_asked(&mut self, commands: &mut Commands) {
        for id in self.shorts_first().iter().flatten() {
            if self.held.get(*id).is_some_and(|held| held.exit_asked) {
                let qty = self.positions[id.index()].qty.abs();
                self.leave(*id, qty, ExitReason::Operator, commands);
            }
        }
    }

    /// A person's word to be out: cancels every live entry and, in the instruments of our positions, every order of
    /// somebody else, which would stand between a position and its exit; sends an exit for every position, shorts
    /// first, whose buying back needs the margin that selling longs would free too late, and then what covered them.
    pub(super) fn close_all(&mut self, reason: ExitReason, commands: &mut Commands) {
        self.cancel_orders(
            |order| {
                let is_entry = order.purpose == Purpose::Entry && !planted(Bug::KillForgetsEntries);
                is_entry || order.intent.is_none()
            },
            commands,
        );
        for id in self.shorts_first().iter().flatten() {
            let qty = self.positions[id.index()].qty.abs();
            self.leave(*id, qty, reason, commands);
        }
    }

    /// The open positions as they stand, so that the list may change while it is walked; what was sold goes first.
    fn shorts_first(&self) -> [Option<InstrumentId>; POSITIONS_MAX] {
        let mut copy = [None; POSITIONS_MAX];
        let is_short = |id: &&InstrumentId| self.positions[id.index()].qty.get() < 0;
        let shorts = self.open.iter().filter(is_short);
        let longs = self.open.iter().filter(|id| !is_short(id));
        for (slot, id) in copy.iter_mut().zip(shorts.chain(longs)) {
            *slot = Some(*id);
        }
        copy
    }
}

/// The side of an order that reduces a position of `qty`.
pub(super) fn exit_side(qty: Qty) -> Side {
    if qty.get() > 0 { Side::Sell } else { Side::Buy }
}
