//! Cancels: of entries that stand in the way, of exits that are too many, of what should not exist.
//!
//! A cancelled order stays live in every limit until the broker says that it ended. A cancel is asked for again only
//! after the broker's word on the last one, and never in a burst.

use super::exits::exit_side;
use crate::command::{Cancel, CancelForeign, Command, Commands};
use crate::instrument::InstrumentId;
use crate::order::{OrderState, Purpose, Side};
use crate::orders::Order;
use crate::page::PageReason;
use crate::planted::{Bug, planted};
use crate::state::State;
use crate::time::DurationNs;

/// How long an unanswered cancel or modify is left alone before the broker's word allows another.
pub(super) const ACTION_GAP: DurationNs = DurationNs::from_secs(2);
/// How long a change may be under way before the order is cancelled instead.
const CHANGE_PATIENCE: DurationNs = DurationNs::from_secs(5);
/// How long an exit waits for our own entry against it to be cancelled; then it goes, priced behind the entry.
const ENTRY_CLEAR: DurationNs = DurationNs::from_secs(2);
/// How long an order may stand in between before a person is told, and an exit among them is cancelled.
const STUCK_AFTER: DurationNs = DurationNs::from_secs(30);
/// How often a cancel of somebody else's order is asked for before it is left to a person: a refusal that stays must
/// not eat the order budget.
const FOREIGN_CANCELS_MAX: u8 = 5;

impl State {
    pub(super) fn time_out_entries(&mut self, commands: &mut Commands) {
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

    pub(super) fn cancel_entries_of(&mut self, id: InstrumentId, commands: &mut Commands) {
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

    /// Entries of ours that may still be live against an exit of `side`: the two could match each other.
    pub(super) fn entries_against(&self, id: InstrumentId, side: Side) -> impl Iterator<Item = &Order> {
        self.orders.live().map(|(_, order)| order).filter(move |order| {
            order.instrument == id
                && order.intent.is_some()
                && order.purpose == Purpose::Entry
                && order.side != side
                && order.state != OrderState::PresumedAbsent
                // A completion that no trade shows may be none.
                && (order.state.may_be_live() || !order.missing_qty().is_zero())
        })
    }

    /// Whether an exit of `side` waits for an entry of ours to be cancelled. It does not wait for long: after that it
    /// goes, priced behind the entry.
    pub(super) fn is_entry_in_the_way(&self, id: InstrumentId, side: Side) -> bool {
        self.entries_against(id, side).any(|order| {
            let since = if order.cancel_since.is_set() {
                order.cancel_since
            } else {
                order.placed_ts
            };
            self.now.since(since) < ENTRY_CLEAR
        })
    }

    /// Cancels our exits where those that may be live exceed the position, newest first and protection before the
    /// rest: the broker's own square-off, or a person's order, must not find ours beside it.
    pub(super) fn trim_exits(&mut self, id: InstrumentId, commands: &mut Commands) {
        let position = self.positions[id.index()].qty;
        let side = exit_side(position);
        let mut excess = self.counted_exits(id, side).total - position.abs().get();
        if position.is_zero() {
            self.cancel_exits(id, None, &mut i64::MAX.clone(), commands);
            return;
        }
        // What was to leave the position before it turned round would enlarge it now.
        for is_protective in [true, false] {
            let other = Some((side.opposite(), is_protective));
            self.cancel_exits(id, other, &mut i64::MAX.clone(), commands);
        }
        if excess > 0 {
            self.page_at_times(PageReason::ExitsExceed, id);
            for is_protective in [true, false] {
                self.cancel_exits(id, Some((side, is_protective)), &mut excess, commands);
            }
        }
    }

    /// Cancels exits of ours, newest first, until `excess` is covered; of one side and role, or all of them.
    fn cancel_exits(
        &mut self,
        id: InstrumentId,
        only: Option<(Side, bool)>,
        excess: &mut i64,
        commands: &mut Commands,
    ) {
        for place in (0..self.orders.live_count()).rev() {
            let index = self.orders.live_at(place).expect("a place below the count");
            let order = *self.orders.get(index);
            let is_meant = only.is_none_or(|only| only == (order.side, order.is_protective));
            let is_ours = order.intent.is_some() && order.purpose == Purpose::Exit;
            if order.instrument == id && is_ours && is_meant && *excess > 0 {
                *excess = excess.saturating_sub(order.open_qty().get());
                self.cancel(index, commands);
            }
        }
    }

    /// Cancels what should not be there and tells of what stands still.
    pub(super) fn tidy_orders(&mut self, commands: &mut Commands) {
        let mut place = 0;
        while let Some(index) = self.orders.live_at(place) {
            place += 1;
            let order = *self.orders.get(index);
            if order.intent.is_some() && (order.is_unwanted || order.exit_asked) {
                self.cancel(index, commands);
            }
            self.watch_stuck(index, commands);
        }
    }

    /// An order that nobody has moved on for long: told once; an exit that the broker has not passed on is cancelled.
    fn watch_stuck(&mut self, index: usize, commands: &mut Commands) {
        use OrderState as S;
        let order = *self.orders.get(index);
        let reason = match order.state {
            S::Submitted | S::Accepted | S::PendingModify | S::PendingCancel => PageReason::OrderStuck,
            S::Unknown => PageReason::OrderUnknown,
            _ => return,
        };
        let since = order.state_ts.max(order.action_ts);
        if order.intent.is_none() || order.is_paged || self.now.since(since) < STUCK_AFTER {
            return;
        }
        self.orders.get_mut(index).is_paged = true;
        self.page(reason, Some(order.instrument));
        if order.purpose == Purpose::Exit && order.state == S::Accepted {
            self.cancel(index, commands);
        }
    }

    /// Asks for a cancel, unless the order has no broker id yet or was acted on a moment ago. Somebody else's order
    /// is cancelled for a person alone, only where we hold a position, and not without end.
    pub(super) fn cancel(&mut self, index: usize, commands: &mut Commands) {
        let order = *self.orders.get(index);
        let is_patience_over = self.now.since(order.action_ts) >= CHANGE_PATIENCE;
        let cancellable = match order.state {
            OrderState::Accepted | OrderState::Open | OrderState::TriggerPending => true,
            OrderState::PendingModify => is_patience_over,
            _ => false,
        };
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
        let next = if planted(Bug::CancelIsTheEnd) {
            OrderState::Cancelled
        } else {
            OrderState::PendingCancel
        };
        let moved = self.orders.advance(index, next, self.now);
        assert!(moved, "an accepted or open order may be cancelled");
        let cancelled = self.orders.get_mut(index);
        cancelled.action_ts = self.now;
        if !cancelled.cancel_since.is_set() {
            cancelled.cancel_since = self.now;
        }
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
}
