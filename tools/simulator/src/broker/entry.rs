//! Placing an order: from its text to the exchange, or to a refusal.
//!
//! Two ways to fail, as at the real broker: the gateway's check answers with an error and leaves no order; the
//! risk check leaves an order that is `rejected`. Source: reference sheet 5.2, 5.4.

use std::collections::btree_map::Entry;

use bijli_core::{DurationNs, Qty, TsNs};

use super::entry_check::{Body, check_disclosed, check_prices, check_protection};
use super::order::{Order, Status, Ticket};
use super::reply::{BAD_KEY, Refusal};
use super::{Broker, Errand};

/// Children that one call may be sliced into.
const SLICES_MAX: i64 = 25;
/// Order calls are served from here to midnight.
const SERVICE_FROM: DurationNs = DurationNs::from_hm(5, 30);

impl Broker {
    /// Places an order; the ids of what came of it.
    pub(super) fn place(&mut self, now: TsNs, text: &[u8]) -> Result<Vec<String>, Refusal> {
        let ticket = self.check_entry(now, text)?;
        let is_sliced = Body::parse(text)?.is_true("slice");
        let sizes = self.slices(&ticket, is_sliced)?;
        if let Some(tag) = &ticket.tag
            && !self.tags.insert(tag.clone())
        {
            self.duplicate_tags += 1;
        }
        Ok(sizes
            .iter()
            .map(|qty| {
                self.enter(
                    now,
                    Ticket {
                        qty: *qty,
                        ..ticket.clone()
                    },
                )
            })
            .collect())
    }

    fn check_entry(&self, now: TsNs, text: &[u8]) -> Result<Ticket, Refusal> {
        check_service_hours(now)?;
        let body = Body::parse(text)?;
        let key = body.text(
            "instrument_token",
            Refusal::new("UDAPI1026", "Instrument key is required"),
        )?;
        let instrument = *self
            .ids
            .get(key)
            .ok_or_else(|| BAD_KEY.at("instrument_token", key))?;
        if !self.listing(instrument).instrument.kind.is_tradable() {
            return Err(BAD_KEY.at("instrument_token", key));
        }
        let ticket = Ticket {
            instrument,
            qty: body.quantity()?,
            product: body.product()?,
            validity: body.validity()?,
            order_type: body.order_type()?,
            side: body.side()?,
            price: body.price("price")?,
            trigger: body.price("trigger_price")?,
            disclosed: body.units("disclosed_quantity")?.unwrap_or(Qty::ZERO),
            tag: body.tag()?,
        };
        check_prices(ticket.order_type, ticket.price, ticket.trigger)?;
        check_disclosed(ticket.disclosed, ticket.qty)?;
        check_protection(&body, ticket.order_type)?;
        if body.is_true("is_amo") && self.listing(instrument).times.is_open(now) {
            let words = "After market orders are not allowed in market hours";
            return Err(Refusal::new("UDAPI100039", words).at("is_amo", true));
        }
        Ok(ticket)
    }

    /// The quantities of the children: one, unless slicing is asked for and needed.
    fn slices(&self, ticket: &Ticket, is_sliced: bool) -> Result<Vec<Qty>, Refusal> {
        let instrument = &self.listing(ticket.instrument).instrument;
        let largest = instrument.freeze.floor_to_lot(instrument.lot);
        if !is_sliced || ticket.qty <= largest || largest.is_zero() {
            return Ok(vec![ticket.qty]);
        }
        let whole = ticket.qty.get() / largest.get();
        let rest = ticket.qty.get() % largest.get();
        if whole + i64::from(rest > 0) > SLICES_MAX {
            return Err(Refusal::new("UDAPI1118", "Too many slices").at("quantity", ticket.qty.get()));
        }
        let mut sizes = vec![largest; whole as usize];
        sizes.extend((rest > 0).then_some(Qty::new(rest)));
        Ok(sizes)
    }

    /// Takes an order in and sends it on, or rejects it.
    fn enter(&mut self, now: TsNs, ticket: Ticket) -> String {
        let index = self.orders.len();
        let id = format!("{}{:09}", self.day_prefix, 25_000_001 + index);
        let reference = format!("{}", 577_400_000_001_u64 + index as u64);
        let rejection = self.rejection(now, &ticket);
        self.orders.push(Order::new(id.clone(), reference, ticket));
        match self.order_ids.entry(id.clone()) {
            Entry::Vacant(slot) => slot.insert(index),
            Entry::Occupied(_) => unreachable!("order ids count up"),
        };
        self.step(now, index, Status::PutReceived);
        self.step(now, index, Status::ValidationPending);
        if let Some(words) = rejection {
            self.orders[index].message = Some(words);
            self.end(now, index, Status::Rejected);
        } else {
            self.step(now, index, Status::OpenPending);
            self.dispatch(now, index, Errand::Arrive);
        }
        id
    }
}

/// Order calls rest from midnight to half past five.
pub(super) fn check_service_hours(now: TsNs) -> Result<(), Refusal> {
    if now.ist_time_of_day() >= SERVICE_FROM {
        Ok(())
    } else {
        Err(Refusal::new(
            "UDAPI100074",
            "The order service is closed from 00:00 to 05:30",
        ))
    }
}
