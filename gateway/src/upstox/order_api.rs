//! The order calls: what is sent, and what a reply proves.
//!
//! Invariants: a price is written from its integer, never through a float; slicing and after-market orders are
//! always off; only limit, market and stop orders of one product are ever written. A reply proves an order only
//! with an order id in a successful envelope, and proves its absence only by a structured refusal or by not a
//! byte having left. Source: the broker's order API v3, see `PROTOCOL.md`.

use std::fmt::Write;

use bijli_core::order::{BrokerOrderId, IntentId, OrderType, Side, Validity};
use bijli_core::{Price, Qty};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::call::{Body, Call, Method, PathWriter};
use super::envelope::{class_hint, data_of, refusal_of};
use super::json_body::push_quoted;
use super::order_row::{OrderJson, PositionJson, TradeJson};
use super::scalar::Scalar;
use crate::evidence::{
    BrokerOrder, BrokerPosition, BrokerTrade, ErrorClass, InstrumentKey, Outcome, ReadError, Rows,
};
use crate::request::Reply;

/// Largest quantity that the broker's 32-bit field holds.
pub const QTY_MAX: i64 = i32::MAX as i64;

/// Which margin product orders use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Product {
    /// Intraday: squared off by the broker at the end of the day.
    #[default]
    Intraday,
    /// Delivery, or carried forward for derivatives.
    Delivery,
}

impl Product {
    const fn code(self) -> &'static str {
        match self {
            Self::Intraday => "I",
            Self::Delivery => "D",
        }
    }
}

/// The terms of an order as the broker sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Quantity in units.
    pub qty: Qty,
    /// How it is priced.
    pub order_type: OrderType,
    /// How long it lives.
    pub validity: Validity,
    /// Limit price; [`Price::NONE`] for market orders.
    pub price: Price,
    /// Trigger price; [`Price::NONE`] without one.
    pub trigger: Price,
}

/// The call that places an order under the tag of `intent`.
#[must_use]
pub fn place(intent: IntentId, key: &InstrumentKey, side: Side, terms: &Terms, product: Product) -> Call {
    let side = match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    };
    let mut body = String::with_capacity(320);
    body.push_str("{\"instrument_token\":");
    push_quoted(&mut body, key.as_str());
    push_terms(&mut body, terms);
    let tag = intent.tag();
    write!(
        body,
        ",\"product\":\"{}\",\"transaction_type\":\"{side}\",\"is_amo\":false,\"slice\":false,\"tag\":\"{tag}\"}}",
        product.code()
    )
    .expect("writing to a String cannot fail");
    Call::order(Method::Post, "/v3/order/place", Some(Body::Json(body)))
}

/// The call that changes a live order to `terms`; its quantity is the new total.
#[must_use]
pub fn modify(order_id: &BrokerOrderId, terms: &Terms) -> Call {
    let mut body = String::with_capacity(256);
    body.push_str("{\"order_id\":");
    push_quoted(&mut body, order_id.as_str());
    push_terms(&mut body, terms);
    body.push('}');
    Call::order(Method::Put, "/v3/order/modify", Some(Body::Json(body)))
}

/// The call that cancels a live order.
#[must_use]
pub fn cancel(order_id: &BrokerOrderId) -> Call {
    let path = PathWriter::new("/v3/order/cancel").param("order_id", order_id);
    Call::order(Method::Delete, path.end(), None)
}

/// The day's orders.
#[must_use]
pub fn order_book() -> Call {
    Call::get("/v2/order/retrieve-all")
}

/// The states of the orders that carry the tag of `intent`.
#[must_use]
pub fn history_of_tag(intent: IntentId) -> Call {
    Call::get(format!("/v2/order/history?tag={}", intent.tag()))
}

/// The trades of one order.
#[must_use]
pub fn trades_of_order(order_id: &BrokerOrderId) -> Call {
    Call::get(
        PathWriter::new("/v2/order/trades")
            .param("order_id", order_id)
            .end(),
    )
}

/// The day's trades.
#[must_use]
pub fn trades_of_day() -> Call {
    Call::get("/v2/order/trades/get-trades-for-day")
}

/// Net positions of the day.
#[must_use]
pub fn positions() -> Call {
    Call::get("/v2/portfolio/short-term-positions")
}

fn push_terms(body: &mut String, terms: &Terms) {
    let (order_type, at_market) = match terms.order_type {
        OrderType::Limit => ("LIMIT", false),
        OrderType::Market => ("MARKET", true),
        OrderType::StopLimit => ("SL", false),
        OrderType::StopMarket => ("SL-M", true),
    };
    let validity = match terms.validity {
        Validity::Day => "DAY",
        Validity::Ioc => "IOC",
    };
    let price = if at_market { Price::NONE } else { terms.price };
    write!(
        body,
        ",\"quantity\":{},\"validity\":\"{validity}\",\"price\":{price},\"order_type\":\"{order_type}\",\
         \"disclosed_quantity\":0,\"trigger_price\":{}",
        terms.qty, terms.trigger
    )
    .expect("writing to a String cannot fail");
    if at_market {
        // -1: the broker's own protection band. 0 would ask for none and may be refused.
        body.push_str(",\"market_protection\":-1");
    }
}

#[derive(Deserialize)]
struct Written {
    order_ids: Option<Vec<Scalar>>,
    #[serde(default)]
    order_id: Scalar,
}

/// What the reply to a placement, modify or cancel proves.
#[must_use]
pub fn outcome_of_write(reply: &Reply) -> Outcome {
    let status = match reply.outcome {
        Ok(status) => status,
        Err(transport) if transport.wrote_bytes => return Outcome::Unknown(None),
        Err(_) => return Outcome::NotSent,
    };
    if (200..300).contains(&status) {
        return match data_of::<Written>(reply) {
            Ok(Some(written)) => single_id(&written).map_or(Outcome::Unknown(None), Outcome::Acked),
            Ok(None) => Outcome::Unknown(None),
            // A refusal under a success status contradicts itself: unknown, yet its class is heeded.
            Err(error) => Outcome::Unknown(error.class()),
        };
    }
    if (400..500).contains(&status)
        && let Some(refusal) = refusal_of(&reply.body)
        && refusal.class != ErrorClass::Internal
    {
        return Outcome::Refused(refusal);
    }
    Outcome::Unknown(class_hint(status))
}

/// The order id, if there is exactly one: several would mean slicing, which is off.
fn single_id(written: &Written) -> Option<BrokerOrderId> {
    match &written.order_ids {
        Some(ids) if ids.len() == 1 => ids[0].id(),
        Some(_) => None,
        None => written.order_id.id(),
    }
}

/// Order rows of a book or history reply.
///
/// # Errors
/// [`ReadError`] when the reply is no complete, successful one.
pub fn orders_of(reply: &Reply) -> Result<Rows<BrokerOrder>, ReadError> {
    rows_of(reply, OrderJson::read)
}

/// Trade rows.
///
/// # Errors
/// [`ReadError`] when the reply is no complete, successful one.
pub fn trades_of(reply: &Reply) -> Result<Rows<BrokerTrade>, ReadError> {
    rows_of(reply, TradeJson::read)
}

/// Position rows.
///
/// # Errors
/// [`ReadError`] when the reply is no complete, successful one.
pub fn positions_of(reply: &Reply) -> Result<Rows<BrokerPosition>, ReadError> {
    rows_of(reply, PositionJson::read)
}

fn rows_of<J: DeserializeOwned, T>(reply: &Reply, read: fn(&J) -> Option<T>) -> Result<Rows<T>, ReadError> {
    // No list is not an empty list: a success without data proves no absence.
    let Some(listed) = data_of::<Vec<J>>(reply)? else {
        return Ok(Rows {
            rows: Vec::new(),
            complete: false,
        });
    };
    let rows: Vec<T> = listed.iter().filter_map(read).collect();
    let complete = rows.len() == listed.len();
    Ok(Rows { rows, complete })
}
