//! Reducing risk: exits, their re-pricing, entry time-outs, square-off and flattening.
//!
//! At most one exit order per instrument may be live, and never for more than the position, so an exit can
//! never turn a position round. Nothing here passes the entry gate: exits come before entries, always.

use crate::command::{Cancel, CancelForeign, Command, Commands, Modify, Place};
use crate::instrument::InstrumentId;
use crate::limits::{ORDERS_LIVE_MAX, POSITIONS_MAX};
use crate::order::{OrderState, OrderType, Purpose, Side, Validity};
use crate::orders::{Order, submitted};
use crate::price::{Price, Round};
use crate::quantity::Qty;
use crate::state::State;
use crate::strategy::{ExitReason, Leave};
use crate::time::DurationNs;

/// How long an unanswered cancel or modify is left alone before the broker's word allows another.
const ACTION_GAP: DurationNs = DurationNs::from_secs(2);
/// How long after a failed exit the next one is tried: a price outside the band must not eat the order budget.
const EXIT_AGAIN: DurationNs = DurationNs::from_secs(5);

/// How often a cancel of somebody else's order is asked for before it is left to a person: a refusal that stays must
/// not eat the order budget.
const FOREIGN_CANCELS_MAX: u8 = 5;

/// How long square-off, re-pricing and a kill wait for a reconciliation that does not end.
const RECONCILE_PATIENCE: DurationNs = DurationNs::from_secs(60);

impl State {
    pub(super) fn consider_exit(&mut self, leave: &Leave, commands: &mut Commands) {
        assert!(leave.qty.get() > 0, "an exit has a positive quantity");
        // A person's position is theirs; a leg leaves with its group.
        if self.held.is_manual(leave.instrument) || self.groups.owner(leave.instrument).is_some() {
            return;
        }
        self.place_exit(leave.instrument, leave.qty, leave.reason, commands);
    }

    /// Sends an exit for at most the position, unless one is live already or no price is known.
    pub(super) fn place_exit(
        &mut self,
        id: InstrumentId,
        qty: Qty,
        reason: ExitReason,
        commands: &mut Commands,
    ) {
        self.cancel_entries_of(id, commands);
        let position = self.positions[id.index()].qty;
        let must_wait = self.must_wait_with_exit(id) || self.hedge_must_wait(id);
        if position.is_zero() || must_wait || !commands.has_room() {
            return;
        }
        let contract = &self.instruments[id.index()];
        let qty = qty
            .min(position.abs())
            .min(contract.freeze.floor_to_lot(contract.lot));
        let side = if position.get() > 0 { Side::Sell } else { Side::Buy };
        let price = self.exit_price(id, side);
        if !price.is_set() || qty.is_zero() {
            return;
        }
        let place = Place {
            ts: self.now,
            intent: self.next_intent(),
            instrument: id,
            side,
            purpose: Purpose::Exit,
            order_type: OrderType::Limit,
            validity: Validity::Day,
            qty,
            price,
            trigger: Price::NONE,
        };
        let mut order = submitted(&place, self.touch(id, side));
        order.exit_reason = Some(reason);
        order.strategy = self.protections.owner(id);
        self.orders.add(order);
        self.counts.exits += 1;
        commands.push(Command::Place(place));
    }

    /// Whether an exit must not be sent now: one may be live, the last one failed a moment ago, the market is
    /// shut, or the order table is full. An order presumed absent by the written rule does not block exits: it
    /// still counts in every limit on entries.
    fn must_wait_with_exit(&self, id: InstrumentId) -> bool {
        let exit_of = |order: &Order| order.instrument == id && order.purpose == Purpose::Exit;
        let is_live = self
            .orders
            .live()
            .any(|(_, order)| exit_of(order) && order.state != OrderState::PresumedAbsent);
        let failed = |order: &Order| {
            matches!(
                order.state,
                OrderState::NotSent | OrderState::Refused | OrderState::Rejected
            )
        };
        let failed_just_now = self
            .orders
            .all()
            .iter()
            .rev()
            .take(ORDERS_LIVE_MAX)
            .any(|order| exit_of(order) && failed(order) && self.now.since(order.placed_ts) < EXIT_AGAIN);
        let close = self.hours(id).close;
        let is_shut = close.is_set() && self.now >= close;
        is_live || failed_just_now || is_shut || !self.orders.has_room()
    }

    /// A limit beyond the touch, so that it trades at once yet never far away: the slack while there is time,
    /// the collar once the session forces the issue.
    fn exit_price(&self, id: InstrumentId, side: Side) -> Price {
        let hours = self.hours(id);
        let forced = hours.close.is_set() && self.now >= hours.squareoff_forced;
        let slack_bps = if forced || self.killed {
            self.config.risk.collar_bps
        } else {
            self.config.strategy.exit_slack_bps
        };
        let touch = self.touch(id, side);
        let tick = self.instruments[id.index()].tick;
        match side {
            Side::Buy => touch.moved_bps(slack_bps).on_tick(tick, Round::Up),
            Side::Sell => touch.moved_bps(-slack_bps).on_tick(tick, Round::Down),
        }
    }

    /// Whether timed actions run: after reconciliation, or once it has taken so long that the journal's own
    /// positions must be looked after without it.
    pub(super) fn may_act_by_time(&self) -> bool {
        self.reconciled || self.now.since(self.process_started) >= RECONCILE_PATIENCE
    }

    /// What the passing of time makes due.
    pub(super) fn run_timed_actions(&mut self, commands: &mut Commands) {
        if self.session.is_none() || !self.may_act_by_time() {
            return;
        }
        self.watch_day_loss();
        self.time_out_entries(commands);
        self.reprice_exits(commands);
        self.square_off(commands);
        self.exit_what_was_asked(commands);
        if self.flattening || self.killed {
            self.close_all(ExitReason::Operator, commands);
            self.check_flat(commands);
        }
    }

    fn time_out_entries(&mut self, commands: &mut Commands) {
        let timeout = self.config.strategy.entry_timeout;
        let mut place = 0;
        while let Some(index) = self.orders.live_at(place) {
            let order = self.orders.get(index);
            let hours = self.hours(order.instrument);
            let late = self.now.since(order.placed_ts) >= timeout || self.now >= hours.entries_stop;
            // A group's legs have its time to form.
            if order.purpose == Purpose::Entry && order.group.is_none() && late {
                self.cancel(index, commands);
            }
            place += 1;
        }
    }

    fn reprice_exits(&mut self, commands: &mut Commands) {
        let patience = self.config.strategy.exit_reprice;
        let mut place = 0;
        while let Some(index) = self.orders.live_at(place) {
            place += 1;
            let order = *self.orders.get(index);
            let waiting = order.state == OrderState::Open && self.now.since(order.action_ts) >= patience;
            if order.purpose != Purpose::Exit || !waiting || !commands.has_room() {
                continue;
            }
            let price = self.exit_price(order.instrument, order.side);
            let Some(intent) = order.intent.filter(|_| price.is_set() && price != order.price) else {
                continue;
            };
            let moved = self.orders.advance(index, OrderState::PendingModify, self.now);
            assert!(moved, "an open order may be modified");
            let changed = self.orders.get_mut(index);
            changed.price = price;
            changed.action_ts = self.now;
            commands.push(Command::Modify(Modify {
                ts: self.now,
                intent,
                order_id: order.order_id,
                purpose: order.purpose,
                order_type: OrderType::Limit,
                qty: order.qty,
                price,
                trigger: Price::NONE,
            }));
        }
    }

    /// Closes whatever is open once its market is about to close.
    fn square_off(&mut self, commands: &mut Commands) {
        for id in self.open_copy().iter().flatten() {
            let hours = self.hours(*id);
            if self.now >= hours.squareoff_begin {
                let qty = self.positions[id.index()].qty.abs();
                self.place_exit(*id, qty, ExitReason::SquareOff, commands);
            }
        }
    }

    /// A person's `exit` of one position holds until it is flat or handed back: an order that failed is no end.
    fn exit_what_was_asked(&mut self, commands: &mut Commands) {
        for id in self.open_copy().iter().flatten() {
            if self.held.get(*id).is_some_and(|held| held.exit_asked) {
                let qty = self.positions[id.index()].qty.abs();
                self.place_exit(*id, qty, ExitReason::Operator, commands);
            }
        }
    }

    /// A person's word to be out: cancels every live entry and, in the instruments of our positions, every order of
    /// somebody else, which would stand between a position and its exit; sends an exit for every position.
    pub(super) fn close_all(&mut self, reason: ExitReason, commands: &mut Commands) {
        self.cancel_orders(
            |order| order.purpose == Purpose::Entry || order.intent.is_none(),
            commands,
        );
        for id in self.open_copy().iter().flatten() {
            let qty = self.positions[id.index()].qty.abs();
            self.place_exit(*id, qty, reason, commands);
        }
    }

    fn cancel_entries_of(&mut self, id: InstrumentId, commands: &mut Commands) {
        self.cancel_orders(
            |order| order.instrument == id && order.purpose == Purpose::Entry,
            commands,
        );
    }

    /// Asks for a cancel of every live order that is meant.
    pub(super) fn cancel_orders(&mut self, is_meant: impl Fn(&Order) -> bool, commands: &mut Commands) {
        let mut place = 0;
        while let Some(index) = self.orders.live_at(place) {
            if is_meant(self.orders.get(index)) {
                self.cancel(index, commands);
            }
            place += 1;
        }
    }

    /// Asks for a cancel, unless the order has no broker id yet or was acted on a moment ago. Somebody else's order
    /// is cancelled for a person alone, only where we hold a position, and not without end.
    pub(super) fn cancel(&mut self, index: usize, commands: &mut Commands) {
        let order = *self.orders.get(index);
        let cancellable = matches!(
            order.state,
            OrderState::Accepted | OrderState::Open | OrderState::TriggerPending
        );
        let acted_just_now =
            order.action_ts != order.placed_ts && self.now.since(order.action_ts) < ACTION_GAP;
        let is_allowed = order.intent.is_some() || self.stands_before_an_exit(&order);
        if !is_allowed || !cancellable || order.order_id.is_empty() || acted_just_now || !commands.has_room()
        {
            return;
        }
        if order.intent.is_none() && !self.may_try_again(index) {
            return;
        }
        let moved = self.orders.advance(index, OrderState::PendingCancel, self.now);
        assert!(moved, "an accepted or open order may be cancelled");
        self.orders.get_mut(index).action_ts = self.now;
        commands.push(match order.intent {
            Some(intent) => Command::Cancel(Cancel {
                ts: self.now,
                intent,
                order_id: order.order_id,
            }),
            None => Command::CancelForeign(CancelForeign {
                ts: self.now,
                order_id: order.order_id,
                instrument: order.instrument,
            }),
        });
    }

    /// Whether a person wants to be out of a position in the order's instrument. Where we hold nothing, somebody
    /// else's order protects what is theirs.
    fn stands_before_an_exit(&self, order: &Order) -> bool {
        (self.flattening || self.killed) && !self.positions[order.instrument.index()].qty.is_zero()
    }

    /// Counts a cancel of somebody else's order. The one too many is not sent but told once as a contradiction: the
    /// broker shows the order as live and does not let it be cancelled.
    fn may_try_again(&mut self, index: usize) -> bool {
        let tries = &mut self.orders.get_mut(index).foreign_cancels;
        if *tries > FOREIGN_CANCELS_MAX {
            return false;
        }
        *tries += 1;
        let exhausted = *tries > FOREIGN_CANCELS_MAX;
        if exhausted {
            self.contradict();
        }
        !exhausted
    }

    /// The open positions as they stand, so that the list may change while it is walked.
    fn open_copy(&self) -> [Option<InstrumentId>; POSITIONS_MAX] {
        let mut copy = [None; POSITIONS_MAX];
        for (slot, id) in copy.iter_mut().zip(&self.open) {
            *slot = Some(*id);
        }
        copy
    }
}
