//! Orders as a person writes them: every field of the broker's order form, placed, changed and placed many at once.
//!
//! The engine's own orders go through `order_api.rs`, which writes less and decides more. Invariants: price and
//! trigger stand exactly where the order type wants them; market protection only on orders that may run.
//! Source: the broker's order API v3; see "Writes" in `PROTOCOL.md`.

use bijli_core::order::{OrderType, Side, Validity};
use bijli_core::{Price, Qty};

use super::call::{Body, Call, Method};
use super::json_body::ObjectWriter;
use super::vocabulary::{ProductWord, order_type_word, side_word, validity_word};

/// How an order is priced, with the prices that this needs and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pricing {
    /// At any price within the protection.
    Market(Protection),
    /// At this price or better.
    Limit(Price),
    /// A limit order once the trigger is touched.
    StopLimit {
        /// Limit price.
        price: Price,
        /// Trigger price.
        trigger: Price,
    },
    /// A market order once the trigger is touched.
    StopMarket {
        /// Trigger price.
        trigger: Price,
        /// How far it may run.
        protection: Protection,
    },
}

/// How far from the last price an order without limit may run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// The broker's own band.
    #[default]
    Automatic,
    /// This many percent, 1 to 25.
    Percent(u8),
    /// The field is left out, which the broker reads as automatic.
    Unsaid,
}

impl Protection {
    const fn value(self) -> Option<i16> {
        match self {
            Self::Automatic => Some(-1),
            Self::Percent(percent) => Some(percent as i16),
            Self::Unsaid => None,
        }
    }
}

impl Pricing {
    const fn order_type(self) -> OrderType {
        match self {
            Self::Market(_) => OrderType::Market,
            Self::Limit(_) => OrderType::Limit,
            Self::StopLimit { .. } => OrderType::StopLimit,
            Self::StopMarket { .. } => OrderType::StopMarket,
        }
    }

    const fn price(self) -> Price {
        match self {
            Self::Limit(price) | Self::StopLimit { price, .. } => price,
            Self::Market(_) | Self::StopMarket { .. } => Price::NONE,
        }
    }

    const fn trigger(self) -> Price {
        match self {
            Self::StopLimit { trigger, .. } | Self::StopMarket { trigger, .. } => trigger,
            Self::Market(_) | Self::Limit(_) => Price::NONE,
        }
    }

    const fn protection(self) -> Option<i16> {
        match self {
            Self::Market(protection) | Self::StopMarket { protection, .. } => protection.value(),
            Self::Limit(_) | Self::StopLimit { .. } => None,
        }
    }
}

/// When an order is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// The running session.
    Now,
    /// The next one: an after-market order.
    Next,
}

/// Whether the broker may cut an order at the exchange's freeze quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slicing {
    /// One order or none.
    Whole,
    /// As many as needed.
    Sliced,
}

/// A filled-in order form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Instrument key, e.g. `NSE_FO|45450`.
    pub instrument_key: String,
    /// Buy or sell.
    pub side: Side,
    /// Units; lots for commodities.
    pub qty: Qty,
    /// How it is priced.
    pub pricing: Pricing,
    /// How long it lives.
    pub validity: Validity,
    /// Margin product.
    pub product: ProductWord,
    /// Units shown in the book; none shows all.
    pub disclosed: Qty,
    /// Our mark on it, up to 40 characters.
    pub tag: Option<String>,
    /// Which session it is for.
    pub session: Session,
    /// Whether it may be cut.
    pub slicing: Slicing,
}

impl Ticket {
    pub(super) fn write(&self) -> ObjectWriter {
        ObjectWriter::new()
            .number("quantity", self.qty)
            .text("product", self.product.as_str())
            .text("validity", validity_word(self.validity))
            .price("price", self.pricing.price())
            .maybe(self.tag.as_deref(), |object, tag| object.text("tag", tag))
            .text("instrument_token", &self.instrument_key)
            .text("order_type", order_type_word(self.pricing.order_type()))
            .text("transaction_type", side_word(self.side))
            .number("disclosed_quantity", self.disclosed)
            .price("trigger_price", self.pricing.trigger())
            .flag("is_amo", self.session == Session::Next)
            .flag("slice", self.slicing == Slicing::Sliced)
            .maybe(self.pricing.protection(), |object, value| {
                object.number("market_protection", value)
            })
    }
}

/// Places an order. Its reply is read by [`super::order_api::outcome_of_write`], or by
/// [`super::order_read_api::placed_of`] where it may have been sliced.
#[must_use]
pub fn place(ticket: &Ticket) -> Call {
    Call::order(Method::Post, "/v3/order/place", Some(ticket.write().body()))
}

/// New terms of a live order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which order.
    pub order_id: String,
    /// The new total quantity; none leaves it.
    pub qty: Option<Qty>,
    /// How it is priced from now on.
    pub pricing: Pricing,
    /// How long it lives.
    pub validity: Validity,
    /// Units shown in the book; none leaves it.
    pub disclosed: Option<Qty>,
}

/// Changes an order.
#[must_use]
pub fn modify(change: &Change) -> Call {
    let body = ObjectWriter::new()
        .maybe(change.qty, |object, qty| object.number("quantity", qty))
        .text("validity", validity_word(change.validity))
        .price("price", change.pricing.price())
        .text("order_id", &change.order_id)
        .text("order_type", order_type_word(change.pricing.order_type()))
        .maybe(change.disclosed, |object, qty| {
            object.number("disclosed_quantity", qty)
        })
        .price("trigger_price", change.pricing.trigger())
        .maybe(change.pricing.protection(), |object, value| {
            object.number("market_protection", value)
        });
    Call::order(Method::Put, "/v3/order/modify", Some(Body::Json(body.end())))
}
