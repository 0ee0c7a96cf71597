//! The terms that the broker shows of an order, held against those that were asked for.
//!
//! A row may be older than our newest change of the order: for a while after one, other terms are not believed. The gateway
//! tells the row once more when that while is over (`bijli-gateway`, `second_look`). Invariant: what may still fill is
//! never understated: a larger quantity counts from the first row that shows it.

use crate::event::OrderUpdated;
use crate::order::OrderType;
use crate::page::PageReason;
use crate::state::State;
use crate::time::DurationNs;

/// How long after a modify a row with the old terms is not believed, whatever the venue says of its age.
const MODIFY_ECHO: DurationNs = DurationNs::from_secs(2);

impl State {
    /// The terms that the broker shows: those of the newest modify confirm it; others, once every modify has ended, mean
    /// that it had no effect. Terms that were asked for twice, or a smaller quantity, prove nothing while a modify is under
    /// way: the row may be older than it. A working order whose terms nobody here asked for is taken as it is, and its
    /// instrument takes no entries.
    pub(super) fn take_terms(&mut self, index: usize, update: &OrderUpdated) {
        let now = self.now;
        let order = self.orders.get_mut(index);
        let price = if update.price.is_set() {
            update.price
        } else {
            order.price
        };
        let under_way = order.modifies.saturating_sub(update.modifies_ended);
        let is_settled = under_way == 0 && now.since(order.action_ts) >= MODIFY_ECHO;
        let is_limited = matches!(order.order_type, OrderType::Limit | OrderType::StopLimit);
        if let Some(asked) = order.pending
            && asked.qty == update.qty
            && (asked.price == price || asked.order_type == OrderType::Market)
            && !asked.is_other_trigger(update)
        {
            let is_other = asked.price != order.price || asked.trigger != order.trigger;
            let is_news = asked.qty > order.qty || (asked.qty == order.qty && is_other);
            if under_way == 0 || (under_way == 1 && is_news) {
                order.confirm();
            }
            return;
        }
        if is_settled {
            order.forget_modify();
        }
        let has_moved = order.terms().is_other_trigger(update);
        let differs = update.qty != order.qty || (is_limited && price != order.price) || has_moved;
        if !differs {
            return;
        }
        if order.modifies > 0 && !is_settled {
            // Not believed yet; what it might fill counts.
            order.reserve = order.reserve.max(update.qty);
            return;
        }
        order.qty = update.qty.max(order.filled);
        order.price = price;
        if has_moved {
            order.trigger = update.trigger;
        }
        self.note_other_terms(index);
    }

    /// The row with which an order ends: what it fills may come before any row that shows the order's last quantity alive.
    pub(super) fn take_last_qty(&mut self, index: usize, update: &OrderUpdated) {
        let order = self.orders.get_mut(index);
        let is_asked = update.qty <= order.qty_max();
        order.qty = order.qty.max(update.qty);
        if !is_asked {
            self.note_other_terms(index);
        }
    }

    /// Somebody else gave an order its terms. Of one of ours its instrument takes no entries, and a person is told.
    fn note_other_terms(&mut self, index: usize) {
        let order = self.orders.get(index);
        let instrument = order.instrument;
        if order.intent.is_some() {
            self.frozen[instrument.index()] = true;
            self.page(PageReason::TermsDiffer, Some(instrument));
        }
    }
}
