//! Calls that act on many orders at once: multi place, cancel all, exit all.
//!
//! Buys go before sells. Each line succeeds or fails for itself; the answer is 200, 207 or 400 as all, some or
//! none did. Line caps and what one unreadable line does are options. Source: the broker's API documentation;
//! the codes of an exceeded cap (`UDAPI1110`, `UDAPI1112`) are inferred.

use std::collections::BTreeSet;

use bijli_core::instrument::InstrumentKind;
use bijli_core::order::{OrderType, Side, Validity};
use bijli_core::{Price, Qty, TsNs};
use serde_json::{Value, json};

use super::Broker;
use super::entry::check_service_hours;
use super::entry_check::Body;
use super::faults::Fault;
use super::options::BadLine;
use super::order::{Product, Ticket};
use super::reply::{ApiReply, BAD_INPUT, Refusal, UNEXPECTED};
use super::route::{Answer, Asked, Route};

pub(super) const ROUTES: &[Route] = &[
    Route::post("/v2/order/multi/place", place).order(),
    Route::delete("/v2/order/multi/cancel", cancel).order(),
    Route::post("/v2/order/positions/exit", exit).order(),
];

/// The segments that a filter may name.
pub(super) const SEGMENTS: [&str; 8] = [
    "NSE_EQ", "BSE_EQ", "NSE_FO", "BSE_FO", "MCX_FO", "NCD_FO", "BCD_FO", "NSE_COM",
];
const CORRELATION_CHARS_MAX: usize = 20;

/// What became of the lines of one call.
#[derive(Default)]
struct Batch {
    total: usize,
    succeeded: usize,
    data: Vec<Value>,
    errors: Vec<Value>,
}

impl Batch {
    fn fail(&mut self, refusal: &Refusal, names: &[(&str, &str)]) {
        let mut row = refusal.row();
        let fields = row.as_object_mut().expect("a row is an object");
        for (name, value) in names {
            fields.insert((*name).to_owned(), json!(value));
        }
        self.errors.push(row);
    }

    fn reply(self, data: &Value, payload_errors: Option<usize>) -> ApiReply {
        let (status, word) = match (self.succeeded, self.errors.len()) {
            (_, 0) => (200, "success"),
            (0, _) => (400, "error"),
            _ => (207, "partial_success"),
        };
        let mut summary = json!({
            "total": self.total,
            "success": self.succeeded,
            "error": self.errors.len() - payload_errors.unwrap_or(0),
        });
        if let Some(payload_errors) = payload_errors {
            summary["payload_error"] = json!(payload_errors);
        }
        let errors = if self.errors.is_empty() {
            Value::Null
        } else {
            Value::Array(self.errors)
        };
        let body = json!({ "status": word, "data": data, "errors": errors, "summary": summary });
        ApiReply::json(status, &body)
    }
}

fn place(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    check_service_hours(asked.now)?;
    let Ok(Value::Array(lines)) = serde_json::from_slice(asked.call.body) else {
        return Err(BAD_INPUT);
    };
    let lines_max = broker.settings.options.multi_lines_max as usize;
    if lines.is_empty() || lines.len() > lines_max {
        return Err(BAD_INPUT.at("orders", lines.len()));
    }
    let mut batch = Batch {
        total: lines.len(),
        ..Batch::default()
    };
    let mut seen = BTreeSet::new();
    let mut readable = Vec::new();
    for line in lines {
        let name = line["correlation_id"].as_str().unwrap_or_default().to_owned();
        match readable_line(line, &mut seen) {
            Ok(body) => readable.push((name, body)),
            Err(refusal) => batch.fail(&refusal, &[("correlation_id", &name)]),
        }
    }
    let payload_errors = batch.errors.len();
    if payload_errors > 0 && broker.settings.options.bad_line == BadLine::RefusesAll {
        return Ok(batch.reply(&Value::Null, Some(payload_errors)));
    }
    // Buys first; the order of the lines decides among equals.
    readable.sort_by_key(|(_, body)| body.side() != Ok(Side::Buy));
    for (name, body) in &readable {
        match broker.place_body(asked.now, body) {
            Ok(ids) => {
                batch.succeeded += 1;
                let is_numbered = broker.settings.options.numbers_slices && ids.len() > 1;
                let rows = ids.iter().zip(1..).map(|(id, number)| {
                    let name = if is_numbered {
                        format!("{name}_{number}")
                    } else {
                        name.clone()
                    };
                    json!({ "correlation_id": name, "order_id": id })
                });
                batch.data.extend(rows);
            }
            Err(refusal) => {
                broker.orders_refused += 1;
                batch.fail(&refusal, &[("correlation_id", name)]);
            }
        }
    }
    let data = Value::Array(std::mem::take(&mut batch.data));
    Ok(batch.reply(&data, Some(payload_errors)))
}

/// A line that can be taken for an order at all: an object with a name of its own and a word on slicing.
fn readable_line(line: Value, seen: &mut BTreeSet<String>) -> Result<Body, Refusal> {
    let body = Body::of(line)?;
    let name = body.text("correlation_id", BAD_INPUT)?.to_owned();
    if name.chars().count() > CORRELATION_CHARS_MAX || !seen.insert(name.clone()) {
        return Err(BAD_INPUT.at("correlation_id", name));
    }
    match body.get("slice") {
        Some(Value::Bool(_)) => Ok(body),
        other => Err(BAD_INPUT.at("slice", other.cloned().unwrap_or(Value::Null))),
    }
}

/// The `segment` and `tag` of a call.
fn filters(asked: &Asked<'_>) -> Result<(Option<String>, Option<String>), Refusal> {
    let segment = asked.query("segment");
    match &segment {
        Some(name) if !SEGMENTS.contains(&name.as_str()) => {
            Err(Refusal::new("UDAPI1105", "Invalid segment").at("segment", name.as_str()))
        }
        _ => Ok((segment, asked.query("tag"))),
    }
}

fn cancel(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    check_service_hours(asked.now)?;
    let (segment, tag) = filters(asked)?;
    let wanted: Vec<usize> = (0..broker.orders.len())
        .filter(|index| {
            let order = &broker.orders[*index];
            let named = tag.is_none() || order.ticket.tag == tag;
            !order.is_told_finished() && named && broker.is_in(order.ticket.instrument, segment.as_deref())
        })
        .collect();
    if wanted.is_empty() {
        return Err(Refusal::new("UDAPI1109", "No open or pending order available"));
    }
    if wanted.len() > broker.settings.options.cancel_all_max as usize {
        return Err(Refusal::new("UDAPI1110", "Too many open orders for one call"));
    }
    let mut batch = Batch {
        total: wanted.len(),
        ..Batch::default()
    };
    let mut ids = Vec::new();
    for index in wanted {
        let id = broker.orders[index].id.clone();
        broker.send_cancel(asked.now, index);
        batch.succeeded += 1;
        ids.push(id);
    }
    Ok(batch.reply(&json!({ "order_ids": ids }), None))
}

fn exit(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    check_service_hours(asked.now)?;
    let (segment, tag) = filters(asked)?;
    let mut open: Vec<(u32, Product, Qty)> = broker
        .ledger
        .holdings()
        .filter(|(instrument, product, holding)| {
            !holding.position.is_flat()
                && broker.is_in(*instrument, segment.as_deref())
                && broker.is_exitable(*instrument, *product, tag.as_deref())
        })
        .map(|(instrument, product, holding)| (instrument, product, holding.position.qty))
        .collect();
    if !broker.is_open_anywhere(asked.now) {
        return Err(Refusal::new(
            "UDAPI1113",
            "Positions can be exited in market hours only",
        ));
    }
    if open.is_empty() {
        return Err(Refusal::new("UDAPI1111", "No open position available to exit"));
    }
    if open.len() > broker.settings.options.exit_all_max as usize {
        return Err(Refusal::new("UDAPI1112", "Too many open positions for one call"));
    }
    // What is bought back comes before what is sold.
    open.sort_by_key(|(_, _, qty)| qty.get() > 0);
    let mut batch = Batch {
        total: open.len(),
        ..Batch::default()
    };
    let mut ids = Vec::new();
    for (instrument, product, qty) in open {
        let left_out = broker.dice.fires(Fault::ExitPartial);
        let exited = if left_out {
            Err(UNEXPECTED)
        } else {
            broker.exit_position(asked.now, instrument, product, qty)
        };
        match exited {
            Ok(placed) => {
                batch.succeeded += 1;
                ids.extend(placed);
            }
            Err(refusal) => {
                let key = broker.listing(instrument).instrument.key.clone();
                batch.fail(&refusal, &[("instrument_key", &key)]);
            }
        }
    }
    Ok(batch.reply(&json!({ "order_ids": ids }), None))
}

impl Broker {
    /// Whether an instrument belongs to a segment, or no segment is asked for.
    pub(super) fn is_in(&self, instrument: u32, segment: Option<&str>) -> bool {
        segment.is_none_or(|segment| self.listing(instrument).segment() == segment)
    }

    fn is_open_anywhere(&self, now: TsNs) -> bool {
        self.listings.iter().any(|listing| listing.times.is_open(now))
    }

    /// Delivered shares are left alone, and a tag finds intraday positions of today's orders alone.
    fn is_exitable(&self, instrument: u32, product: Product, tag: Option<&str>) -> bool {
        let share = self.listing(instrument).instrument.kind == InstrumentKind::Equity;
        let covered = !share || product == Product::Intraday;
        covered
            && tag.is_none_or(|tag| {
                product == Product::Intraday
                    && self.orders.iter().any(|order| {
                        order.ticket.instrument == instrument
                            && order.ticket.product == product
                            && order.ticket.tag.as_deref() == Some(tag)
                    })
            })
    }

    fn exit_position(
        &mut self,
        now: TsNs,
        instrument: u32,
        product: Product,
        qty: Qty,
    ) -> Result<Vec<String>, Refusal> {
        let ticket = Ticket {
            instrument,
            side: if qty.get() > 0 { Side::Sell } else { Side::Buy },
            product,
            order_type: OrderType::Market,
            validity: Validity::Day,
            qty: qty.abs(),
            disclosed: Qty::ZERO,
            price: Price::NONE,
            trigger: Price::NONE,
            tag: None,
            is_amo: false,
        };
        let sizes = self.slices(&ticket, true)?;
        Ok(self.enter_all(now, &ticket, &sizes))
    }
}
