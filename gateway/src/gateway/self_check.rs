//! The last look at an order before it may leave: does it agree with the day's table and with what we ever send.
//!
//! The engine's own gates come before this one; it is here so that no defect of theirs reaches the wire. Allowed are
//! limit and stop orders for the day, immediate-or-cancel limits, and market orders that reduce a position; never
//! orders for the next session, never cut by the broker (the builders in `upstox/order_api.rs` cannot write those).
//! A stop without a limit is not sent on an option: the exchange refuses it there (`upstox/PROTOCOL.md`).

use bijli_core::command::{Modify, Place};
use bijli_core::order::{OrderType, Purpose, Validity};
use bijli_core::{Command, Price, Qty};

use super::{Gateway, Listed};
use crate::upstox::order_api::QTY_MAX;

impl Gateway {
    /// Whether a placement may leave.
    pub(super) fn is_placeable(&self, place: &Place) -> bool {
        let Some(listed) = self.listed.get(place.instrument.index()) else {
            return false;
        };
        let is_limit = place.order_type == OrderType::Limit;
        let reduces = place.purpose == Purpose::Exit;
        (is_limit || (reduces && place.validity == Validity::Day))
            && are_terms_sound(listed, place.order_type, place.qty, place.price, place.trigger)
    }

    /// Drops a change of terms that must not leave; tells whether it did.
    pub(super) fn refuses_change(&mut self, command: &Command) -> bool {
        let Command::Modify(modify) = command else {
            return false;
        };
        let refuses = !self.is_changeable(modify);
        if refuses {
            self.counts.gate_refusals += 1;
            self.drop_command(command);
        }
        refuses
    }

    /// Whether a change of terms may leave; of an order whose instrument is not known here, only its shape is judged.
    fn is_changeable(&self, modify: &Modify) -> bool {
        let order = self.orders.get(&modify.order_id);
        let place = self.intents.get(modify.intent).and_then(|intent| intent.place);
        let instrument = place
            .map(|place| place.instrument)
            .or_else(|| order.and_then(|order| order.instrument));
        let Some(listed) = instrument.and_then(|id| self.listed.get(id.index())) else {
            return modify.qty.get() > 0 && modify.qty.get() <= QTY_MAX;
        };
        are_terms_sound(
            listed,
            modify.order_type,
            modify.qty,
            modify.price,
            modify.trigger,
        )
    }
}

/// Whether price and trigger stand where the type wants them and nowhere else, on the tick grid, and the quantity is
/// whole lots within the freeze quantity.
fn are_terms_sound(listed: &Listed, order_type: OrderType, qty: Qty, price: Price, trigger: Price) -> bool {
    let fits = |price: Price| price.is_set() && price.is_on_tick(listed.tick);
    let shape = match order_type {
        OrderType::Limit => fits(price) && !trigger.is_set(),
        OrderType::Market => !price.is_set() && !trigger.is_set(),
        OrderType::StopLimit => fits(price) && fits(trigger),
        OrderType::StopMarket => !price.is_set() && fits(trigger) && !listed.is_option,
    };
    let largest = listed.freeze.get().min(QTY_MAX);
    shape && qty.get() > 0 && qty.get() <= largest && qty.is_whole_lots(listed.lot)
}
