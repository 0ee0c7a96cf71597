//! Reducing risk: exits, their re-pricing, entry time-outs, square-off and flattening.
//!
//! At most one exit order per instrument may be live, and never for more than the position, so an exit can
//! never turn a position round. Nothing here passes the entry gate: exits come before entries, always.

use crate::command::{Cancel, Command, Commands, Modify, Place};
use crate::instrument::InstrumentId;
use crate::limits::POSITIONS_MAX;
use crate::order::{OrderState, OrderType, Purpose, Side, Validity};
use crate::orders::submitted;
use crate::price::{Price, Round};
use crate::quantity::Qty;
use crate::state::State;
use crate::strategy::{ExitReason, Leave};
use crate::time::DurationNs;

/// How long an unanswered cancel or modify is left alone before the broker's word allows another.
const ACTION_GAP: DurationNs = DurationNs::from_secs(2);

impl State {
    pub(super) fn consider_exit(&mut self, leave: &Leave, commands: &mut Commands) {
        assert!(leave.qty.get() > 0, "an exit has a positive quantity");
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
        let exit_is_live = self
            .orders
            .live()
            .any(|(_, order)| order.instrument == id && order.purpose == Purpose::Exit);
        if position.is_zero() || exit_is_live || !commands.has_room() || !self.orders.has_room() {
            return;
        }
        let side = if position.get() > 0 { Side::Sell } else { Side::Buy };
        let price = self.exit_price(id, side);
        if !price.is_set() {
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
            qty: qty.min(position.abs()).min(self.instruments[id.index()].freeze),
            price,
            trigger: Price::NONE,
        };
        let mut order = submitted(&place, self.touch(id, side));
        order.exit_reason = Some(reason);
        self.orders.add(order);
        self.counts.exits += 1;
        commands.push(Command::Place(place));
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

    /// What the passing of time makes due.
    pub(super) fn run_timed_actions(&mut self, commands: &mut Commands) {
        if self.session.is_none() || !self.reconciled {
            return;
        }
        self.watch_day_loss();
        self.time_out_entries(commands);
        self.reprice_exits(commands);
        self.square_off(commands);
        if self.flattening || self.killed {
            self.close_all(ExitReason::Operator, commands);
            if self.open.is_empty() && self.orders.live_count() == 0 {
                self.flattening = false;
                self.paused = true;
            }
        }
    }

    fn time_out_entries(&mut self, commands: &mut Commands) {
        let timeout = self.config.strategy.entry_timeout;
        let mut place = 0;
        while let Some(index) = self.orders.live_at(place) {
            let order = self.orders.get(index);
            let hours = self.hours(order.instrument);
            let late = self.now.since(order.placed_ts) >= timeout || self.now >= hours.entries_stop;
            if order.purpose == Purpose::Entry && late {
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
                qty: order.qty,
                price,
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

    /// Cancels every live entry and sends an exit for every position.
    pub(super) fn close_all(&mut self, reason: ExitReason, commands: &mut Commands) {
        let mut place = 0;
        while let Some(index) = self.orders.live_at(place) {
            if self.orders.get(index).purpose == Purpose::Entry {
                self.cancel(index, commands);
            }
            place += 1;
        }
        for id in self.open_copy().iter().flatten() {
            let qty = self.positions[id.index()].qty.abs();
            self.place_exit(*id, qty, reason, commands);
        }
    }

    fn cancel_entries_of(&mut self, id: InstrumentId, commands: &mut Commands) {
        let mut place = 0;
        while let Some(index) = self.orders.live_at(place) {
            let order = self.orders.get(index);
            if order.instrument == id && order.purpose == Purpose::Entry {
                self.cancel(index, commands);
            }
            place += 1;
        }
    }

    /// Asks for a cancel, unless the order has no broker id yet or was acted on a moment ago.
    fn cancel(&mut self, index: usize, commands: &mut Commands) {
        let order = *self.orders.get(index);
        let cancellable = matches!(
            order.state,
            OrderState::Accepted | OrderState::Open | OrderState::TriggerPending
        );
        let acted_just_now =
            order.action_ts != order.placed_ts && self.now.since(order.action_ts) < ACTION_GAP;
        let Some(intent) = order.intent else { return };
        if !cancellable || order.order_id.is_empty() || acted_just_now || !commands.has_room() {
            return;
        }
        let moved = self.orders.advance(index, OrderState::PendingCancel, self.now);
        assert!(moved, "an accepted or open order may be cancelled");
        self.orders.get_mut(index).action_ts = self.now;
        commands.push(Command::Cancel(Cancel {
            ts: self.now,
            intent,
            order_id: order.order_id,
        }));
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
