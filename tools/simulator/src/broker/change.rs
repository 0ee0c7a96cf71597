//! Modifying and cancelling an order.
//!
//! Both keep the order id. A finished order answers with an error; a change that the exchange refuses is
//! `not modified`, and a cancel that a fill overtook `not cancelled`. Source: the broker's API documentation.

use bijli_core::{Qty, TsNs};
use serde_json::Value;

use super::Broker;
use super::call::ApiCall;
use super::entry::check_service_hours;
use super::entry_check::{Body, check_disclosed, check_order_id, check_prices, check_protection, positive};
use super::errand::Errand;
use super::order::{Change, Order, Status};
use super::reply::{BAD_INPUT, NO_SUCH_ORDER, Refusal};

impl Broker {
    /// Changes an order; its id.
    pub(super) fn modify(&mut self, now: TsNs, text: &[u8]) -> Result<String, Refusal> {
        check_service_hours(now)?;
        let body = Body::parse(text)?;
        let id = body
            .text("order_id", Refusal::new("UDAPI1003", "Order id is required"))?
            .to_owned();
        let index = self.index_of(&id)?;
        let order = &self.orders[index];
        if order.is_told_finished() {
            return Err(Refusal::new(
                "UDAPI100041",
                "The order is already finished and cannot be modified",
            )
            .at("order_id", id));
        }
        if body.get("price").is_none() {
            return Err(Refusal::new("UDAPI1008", "Price is required").at("price", Value::Null));
        }
        if body.get("trigger_price").is_none() {
            return Err(BAD_INPUT.at("trigger_price", Value::Null));
        }
        let change = Change {
            validity: body.validity()?,
            order_type: body.order_type()?,
            qty: self.wanted_total(order, body.units("quantity")?)?,
            price: body.price("price")?,
            trigger: body.price("trigger_price")?,
        };
        check_prices(change.order_type, change.price, change.trigger)?;
        check_protection(&body, change.order_type)?;
        if let Some(disclosed) = body.units("disclosed_quantity")? {
            check_disclosed(disclosed, change.qty)?;
            self.orders[index].ticket.disclosed = disclosed;
        }
        if self.is_modified_too_often(index) {
            return Err(BAD_INPUT
                .with_message("The order has been modified as often as an order may be")
                .at("order_id", id));
        }
        self.orders[index].fate.modified += 1;
        self.orders[index].request_number += 1;
        if self.orders[index].status.awaits_open() {
            self.orders[index].ticket.take(&change);
            self.step(now, index, Status::AmoModified);
        } else {
            self.send_change(now, index, change);
            self.invite_hand(now, index);
        }
        Ok(id)
    }

    /// The new total of an order.
    fn wanted_total(&self, order: &Order, told: Option<Qty>) -> Result<Qty, Refusal> {
        let Some(told) = told else {
            return Ok(order.ticket.qty);
        };
        let wanted = positive(told)?;
        if self.settings.options.modify_includes_filled {
            return Ok(wanted);
        }
        wanted.plus(order.filled).ok_or(BAD_INPUT)
    }

    /// Checks a change and sends it to the exchange; an order whose change is refused stands where it stood.
    pub(super) fn send_change(&mut self, now: TsNs, index: usize, change: Change) {
        let stood = self.orders[index].status;
        self.step(now, index, Status::ModifyValidationPending);
        if let Some(words) = self.change_rejection(index, &change) {
            self.orders[index].message = Some(words);
            self.step(now, index, Status::NotModified);
            self.orders[index].message = None;
            self.step(now, index, stood);
        } else {
            self.step(now, index, Status::ModifyPending);
            self.dispatch(now, index, Errand::Change(change));
        }
    }

    /// Cancels an order; its id.
    pub(super) fn cancel(&mut self, now: TsNs, call: &ApiCall<'_>) -> Result<String, Refusal> {
        check_service_hours(now)?;
        let id = call
            .query("order_id")
            .filter(|id| !id.is_empty())
            .ok_or_else(|| Refusal::new("UDAPI1023", "Order id is required").at("order_id", Value::Null))?;
        let index = self.index_of(&id)?;
        if self.orders[index].is_told_finished() {
            return Err(Refusal::new(
                "UDAPI100040",
                "The order is already finished and cannot be cancelled",
            )
            .at("order_id", id));
        }
        self.send_cancel(now, index);
        Ok(id)
    }

    /// Sends a cancel to the exchange; an order that has not left yet is simply taken back.
    pub(super) fn send_cancel(&mut self, now: TsNs, index: usize) {
        if self.orders[index].status.awaits_open() {
            self.end(now, index, Status::AmoCancelled);
        } else {
            self.step(now, index, Status::CancelPending);
            self.dispatch(now, index, Errand::Cancel);
        }
    }

    /// The place of an order in the book.
    pub(super) fn index_of(&self, id: &str) -> Result<usize, Refusal> {
        check_order_id(id)?;
        self.order_ids
            .get(id)
            .copied()
            .ok_or_else(|| NO_SUCH_ORDER.at("order_id", id))
    }
}
