//! Placing an order: from its text to the exchange, or to a refusal.
//!
//! Two ways to fail, as at the real broker: the gateway's check answers with an error and leaves no order; the
//! risk check leaves an order that is `rejected`. Source: the broker's API documentation.

use std::collections::btree_map::Entry;

use bijli_core::{DurationNs, Qty, TsNs};

use super::Broker;
use super::entry_check::{Body, check_disclosed, check_prices, check_protection};
use super::faults::Fault;
use super::order::{Order, Origin, Status, Ticket};
use super::reply::{BAD_KEY, Refusal};

/// Children that one call may be sliced into.
const SLICES_MAX: i64 = 25;
/// Order calls are served from here to midnight.
pub(super) const SERVICE_FROM: DurationNs = DurationNs::from_hm(5, 30);

impl Broker {
    /// Places an order; the ids of what came of it.
    pub(super) fn place(&mut self, now: TsNs, text: &[u8]) -> Result<Vec<String>, Refusal> {
        check_service_hours(now)?;
        self.place_body(now, &Body::parse(text)?)
    }

    /// Places an order of a text that is read already.
    pub(super) fn place_body(&mut self, now: TsNs, body: &Body) -> Result<Vec<String>, Refusal> {
        let ticket = self.check_entry(now, body)?;
        let mut sizes = self.slices(&ticket, body.flag("slice")?)?;
        if sizes.len() > 1 && self.dice.fires(Fault::SlicePartial) {
            sizes.truncate(sizes.len() / 2);
        }
        if let Some(tag) = &ticket.tag
            && !self.tags.insert(tag.clone())
        {
            self.duplicate_tags += 1;
        }
        Ok(self.enter_all(now, &ticket, &sizes))
    }

    /// Takes one order in for every size.
    pub(super) fn enter_all(&mut self, now: TsNs, ticket: &Ticket, sizes: &[Qty]) -> Vec<String> {
        let child = |qty: &Qty| Ticket {
            qty: *qty,
            ..ticket.clone()
        };
        sizes
            .iter()
            .map(|qty| {
                let index = self.enter(now, child(qty), Origin::Client);
                self.orders[index].id.clone()
            })
            .collect()
    }

    fn check_entry(&self, now: TsNs, body: &Body) -> Result<Ticket, Refusal> {
        let key = body.text(
            "instrument_token",
            Refusal::new("UDAPI1026", "Instrument key is required"),
        )?;
        let instrument = self.tradable(key)?;
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
            is_amo: body.flag("is_amo")?,
        };
        check_prices(ticket.order_type, ticket.price, ticket.trigger)?;
        check_disclosed(ticket.disclosed, ticket.qty)?;
        check_protection(body, ticket.order_type)?;
        let is_early_or_late = !self.listing(instrument).times.is_open(now);
        if ticket.is_amo && !is_early_or_late && !self.settings.options.checks_is_amo {
            return Ok(Ticket {
                is_amo: false,
                ..ticket
            });
        }
        if ticket.is_amo && !is_early_or_late {
            let words = "After market orders are not allowed in market hours";
            return Err(Refusal::new("UDAPI100039", words).at("is_amo", true));
        }
        Ok(ticket)
    }

    /// The instrument that an order may name.
    pub(super) fn tradable(&self, key: &str) -> Result<u32, Refusal> {
        if self.settings.options.refuses_mcx && key.starts_with("MCX_FO|") {
            let words = "Orders on MCX are not available through the API";
            return Err(Refusal::new("UDAPI1161", words).at("instrument_key", key));
        }
        let found = self.ids.get(key).copied();
        found
            .filter(|id| self.listing(*id).instrument.kind.is_tradable())
            .ok_or_else(|| BAD_KEY.at("instrument_token", key))
    }

    /// The quantities of the children: one, unless slicing is asked for and needed.
    pub(super) fn slices(&self, ticket: &Ticket, is_sliced: bool) -> Result<Vec<Qty>, Refusal> {
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

    /// Takes an order in and sends it on, keeps it for the open, or rejects it; its place in the book.
    pub(super) fn enter(&mut self, now: TsNs, ticket: Ticket, origin: Origin) -> usize {
        let index = self.orders.len();
        let id = format!("{}{:09}", self.day_prefix, 25_000_001 + index);
        let reference = format!("{}", 577_400_000_001_u64 + index as u64);
        let waits = ticket.is_amo;
        let ticket = if origin == Origin::Client {
            self.echo(ticket)
        } else {
            ticket
        };
        self.orders
            .push(Order::new(id.clone(), reference, ticket, origin));
        match self.order_ids.entry(id) {
            Entry::Vacant(slot) => slot.insert(index),
            Entry::Occupied(_) => unreachable!("order ids count up"),
        };
        if waits {
            self.step(now, index, Status::AmoReceived);
            self.waiting.push(index);
        } else {
            self.submit(now, index);
        }
        index
    }

    /// Checks an order and sends it to the exchange.
    fn submit(&mut self, now: TsNs, index: usize) {
        // An order that is being checked blocks no cash of its own.
        let rejection = self.rejection(now, index);
        self.step(now, index, Status::PutReceived);
        if let Some(words) = rejection {
            self.step(now, index, Status::ValidationPending);
            self.orders[index].message = Some(words);
            self.end(now, index, Status::Rejected);
        } else {
            self.send_off(now, index);
        }
    }

    /// Sends on the after-market orders whose market has opened.
    pub(super) fn release_waiting(&mut self, now: TsNs) {
        let waiting = std::mem::take(&mut self.waiting);
        let (due, still): (Vec<usize>, Vec<usize>) = waiting.into_iter().partition(|index| {
            let order = &self.orders[*index];
            self.listing(order.ticket.instrument).times.is_open(now)
        });
        self.waiting = still;
        for index in due {
            if !self.orders[index].status.is_final() {
                self.submit(now, index);
            }
        }
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
