//! The first check of an order's text: fields, types and combinations, each with the broker's own code.
//!
//! Codes: the broker's API documentation. Contract facts (lot, step, freeze) and cash are not checked here but in
//! the risk check, whose refusals are rejected orders.

use bijli_core::order::{OrderType, Side, Validity};
use bijli_core::price::UNITS_PER_RUPEE;
use bijli_core::{Price, Qty};
use serde_json::{Map, Value};

use super::order::Product;
use super::reply::{BAD_INPUT, Refusal};

/// Longest tag.
pub(super) const TAG_CHARS_MAX: usize = 40;
/// Largest order value is bounded so that sums stay far inside the range of money: price in rupees, units.
pub(super) const RUPEES_MAX: f64 = 10_000_000.0;
pub(super) const QTY_MAX: i64 = 10_000_000;

type Checked<T> = Result<T, Refusal>;

/// The body of an order call.
pub(super) struct Body(Map<String, Value>);

impl Body {
    pub(super) fn parse(text: &[u8]) -> Checked<Self> {
        match serde_json::from_slice(text) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            _ => Err(BAD_INPUT),
        }
    }

    /// The body that a JSON value is.
    pub(super) fn of(value: Value) -> Checked<Self> {
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            other => Err(BAD_INPUT.at("orders", other)),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &'static str, missing: Refusal) -> Checked<&str> {
        match self.get(name) {
            None => Err(missing.at(name, Value::Null)),
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            Some(other) => Err(missing.at(name, other.clone())),
        }
    }

    /// A price in rupees as exact units; absent and 0 are "no price".
    pub(super) fn price(&self, name: &'static str) -> Checked<Price> {
        let Some(value) = self.get(name) else {
            return Ok(Price::NONE);
        };
        let rupees = value
            .as_f64()
            .filter(|rupees| (0.0..=RUPEES_MAX).contains(rupees));
        let Some(rupees) = rupees else {
            return Err(BAD_INPUT.at(name, value.clone()));
        };
        Ok(Price::new((rupees * UNITS_PER_RUPEE as f64).round() as i64))
    }

    /// A whole number of units, written as a whole number.
    pub(super) fn units(&self, name: &'static str) -> Checked<Option<Qty>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value
                .as_i64()
                .filter(|units| (-QTY_MAX..=QTY_MAX).contains(units))
            {
                Some(units) => Ok(Some(Qty::new(units))),
                None => Err(BAD_INPUT.at(name, value.clone())),
            },
        }
    }

    /// A yes or no; absent is no.
    pub(super) fn flag(&self, name: &'static str) -> Checked<bool> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(BAD_INPUT.at(name, other.clone())),
        }
    }

    pub(super) fn side(&self) -> Checked<Side> {
        match self.text("transaction_type", BAD_INPUT)? {
            "BUY" => Ok(Side::Buy),
            "SELL" => Ok(Side::Sell),
            other => Err(BAD_INPUT.at("transaction_type", other)),
        }
    }

    pub(super) fn product(&self) -> Checked<Product> {
        self.product_of("product")
    }

    pub(super) fn product_of(&self, name: &'static str) -> Checked<Product> {
        let word = self.text(name, BAD_INPUT)?;
        Product::of_word(word).ok_or_else(|| BAD_INPUT.at(name, word))
    }

    pub(super) fn validity(&self) -> Checked<Validity> {
        match self.text("validity", Refusal::new("UDAPI1007", "Validity is required"))? {
            "DAY" => Ok(Validity::Day),
            "IOC" => Ok(Validity::Ioc),
            other => Err(Refusal::new("UDAPI1055", "Invalid validity").at("validity", other)),
        }
    }

    pub(super) fn order_type(&self) -> Checked<OrderType> {
        match self.text("order_type", Refusal::new("UDAPI1004", "Order type is required"))? {
            "LIMIT" => Ok(OrderType::Limit),
            "MARKET" => Ok(OrderType::Market),
            "SL" => Ok(OrderType::StopLimit),
            "SL-M" => Ok(OrderType::StopMarket),
            other => Err(Refusal::new("UDAPI1056", "Invalid order type").at("order_type", other)),
        }
    }

    pub(super) fn quantity(&self) -> Checked<Qty> {
        let qty = self
            .units("quantity")?
            .ok_or_else(|| BAD_INPUT.at("quantity", Value::Null))?;
        positive(qty)
    }

    pub(super) fn tag(&self) -> Checked<Option<String>> {
        match self.get("tag") {
            None => Ok(None),
            Some(Value::String(tag)) if tag.chars().count() <= TAG_CHARS_MAX => {
                Ok(Some(tag.clone()).filter(|tag| !tag.is_empty()))
            }
            Some(Value::String(tag)) => {
                Err(Refusal::new("UDAPI1119", "Tag is longer than 40 characters").at("tag", tag.as_str()))
            }
            Some(other) => Err(BAD_INPUT.at("tag", other.clone())),
        }
    }
}

/// A quantity above zero.
pub(super) fn positive(qty: Qty) -> Checked<Qty> {
    if qty.get() > 0 {
        Ok(qty)
    } else {
        Err(Refusal::new("UDAPI1052", "Quantity cannot be zero").at("quantity", qty.get()))
    }
}

/// Price and trigger must be those that the order type takes.
pub(super) fn check_prices(order_type: OrderType, price: Price, trigger: Price) -> Checked<()> {
    let refusal = match order_type {
        OrderType::Limit if !price.is_set() => {
            Refusal::new("UDAPI1029", "Price is required for a LIMIT order")
        }
        OrderType::Market if price.is_set() => {
            Refusal::new("UDAPI1030", "Price is not required for a MARKET order")
        }
        OrderType::StopLimit if !price.is_set() || !trigger.is_set() => Refusal::new(
            "UDAPI1031",
            "Price and trigger price are required for an SL order",
        ),
        OrderType::StopMarket if price.is_set() => Refusal::new(
            "UDAPI1032",
            "Only the trigger price is required for an SL-M order",
        ),
        OrderType::StopMarket if !trigger.is_set() => {
            Refusal::new("UDAPI1036", "Trigger price is required for an SL-M order").at("trigger_price", 0)
        }
        OrderType::Limit | OrderType::Market | OrderType::StopLimit | OrderType::StopMarket => return Ok(()),
    };
    Err(refusal.at("price", price.rupees()))
}

/// Nothing, or at least a tenth of the quantity.
pub(super) fn check_disclosed(disclosed: Qty, qty: Qty) -> Checked<()> {
    let shown = disclosed.get();
    if shown == 0 || (shown >= 0 && shown <= qty.get() && shown * 10 >= qty.get()) {
        Ok(())
    } else {
        Err(
            Refusal::new("UDAPI1039", "Disclosed quantity is below 10 percent")
                .at("disclosed_quantity", shown),
        )
    }
}

/// -1 (automatic) or 1 to 25 percent; a market order without protection is barred.
pub(super) fn check_protection(body: &Body, order_type: OrderType) -> Checked<()> {
    const NAME: &str = "market_protection";
    let Some(value) = body.get(NAME) else {
        return Ok(());
    };
    let at_market = matches!(order_type, OrderType::Market | OrderType::StopMarket);
    let refusal = match value.as_f64() {
        Some(percent) if percent == -1.0 || (1.0..=25.0).contains(&percent) => return Ok(()),
        Some(0.0) if !at_market => return Ok(()),
        Some(0.0) => Refusal::new("UDAPI1158", "Market orders without protection are not allowed"),
        Some(percent) if percent > 25.0 => Refusal::new("UDAPI1159", "Market protection is above 25 percent"),
        _ => Refusal::new("UDAPI1160", "Invalid market protection"),
    };
    Err(refusal.at(NAME, value.clone()))
}

/// Letters, digits and `-`.
pub(super) fn check_order_id(id: &str) -> Checked<()> {
    if !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        Ok(())
    } else {
        Err(Refusal::new("UDAPI1010", "Order id accepts only letters, digits and '-'").at("order_id", id))
    }
}
