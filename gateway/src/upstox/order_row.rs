//! Rows of orders, trades and positions as the broker sends them, read tolerantly.
//!
//! Invariants: a row without what identifies it is not a row; an unknown status counts as live; a status is
//! matched exactly as written in the reference. Order rows of the book, of a history and of the order stream
//! differ only in fields that are not read here. Source: the broker's order, trade and position rows, see `PROTOCOL.md`.

use bijli_core::order::{BrokerStatus, IntentId, OrderType, Side, Validity};
use bijli_core::text::Text;
use bijli_core::{Price, Qty};
use serde::Deserialize;

use super::scalar::Scalar;
use crate::evidence::{BrokerOrder, BrokerPosition, BrokerTrade, InstrumentKey};

/// Every status word of the broker and what it means (`PROTOCOL.md`).
const STATUSES: [(&str, BrokerStatus); 17] = {
    use BrokerStatus as S;
    [
        ("put order req received", S::Received),
        ("validation pending", S::Received),
        ("open pending", S::Received),
        ("after market order req received", S::Received),
        ("open", S::Open),
        // What follows a modify or a failed cancel: the order works on.
        ("modified", S::Open),
        ("not modified", S::Open),
        ("not cancelled", S::Open),
        ("trigger pending", S::TriggerPending),
        ("modify validation pending", S::ModifyPending),
        ("modify pending", S::ModifyPending),
        ("modify after market order req received", S::ModifyPending),
        ("cancel pending", S::CancelPending),
        ("complete", S::Complete),
        ("cancelled", S::Cancelled),
        ("cancelled after market order", S::Cancelled),
        ("rejected", S::Rejected),
    ]
};

/// The meaning of a status word.
#[must_use]
pub fn status_of(word: &str) -> BrokerStatus {
    STATUSES
        .iter()
        .find(|(known, _)| *known == word)
        .map_or(BrokerStatus::Unrecognised, |(_, status)| *status)
}

/// An order row in JSON; every field may be missing or of another type.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OrderJson {
    pub(super) update_type: Scalar,
    order_id: Scalar,
    tag: Scalar,
    instrument_token: Scalar,
    instrument_key: Scalar,
    transaction_type: Scalar,
    status: Scalar,
    quantity: Scalar,
    filled_quantity: Scalar,
    price: Scalar,
    trigger_price: Scalar,
    average_price: Scalar,
    order_type: Scalar,
    validity: Scalar,
    order_timestamp: Scalar,
}

impl OrderJson {
    /// The row, or `None` without an order id, an instrument, a side or a quantity.
    pub(super) fn read(&self) -> Option<BrokerOrder> {
        let qty = self.quantity.qty()?;
        let status = self
            .status
            .text()
            .map_or(BrokerStatus::Unrecognised, |word| status_of(word.trim()));
        // A completed order is filled in full, also where the row leaves that out: its trades must be asked for.
        let filled = match self.filled_quantity.qty() {
            Some(filled) => filled,
            None if status == BrokerStatus::Complete => qty,
            None => Qty::ZERO,
        };
        if qty.get() < 0 || filled.get() < 0 || filled > qty {
            return None;
        }
        Some(BrokerOrder {
            order_id: self.order_id.id()?,
            intent: self.tag.text().and_then(IntentId::from_tag),
            key: key_of(&self.instrument_token, &self.instrument_key)?,
            side: side_of(&self.transaction_type)?,
            status,
            qty,
            filled,
            price: self.price.price().unwrap_or(Price::NONE),
            trigger: self.trigger_price.price().unwrap_or(Price::NONE),
            average_price: self.average_price.price().unwrap_or(Price::NONE),
            order_type: order_type_of(&self.order_type),
            validity: match self.validity.text() {
                Some("IOC") => Validity::Ioc,
                Some(_) | None => Validity::Day,
            },
            stamp: stamp_of(&self.order_timestamp),
        })
    }
}

/// A trade row in JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TradeJson {
    order_id: Scalar,
    trade_id: Scalar,
    instrument_token: Scalar,
    instrument_key: Scalar,
    transaction_type: Scalar,
    quantity: Scalar,
    average_price: Scalar,
    price: Scalar,
}

impl TradeJson {
    /// The row, or `None` when anything that a fill needs is missing.
    pub(super) fn read(&self) -> Option<BrokerTrade> {
        let qty = self.quantity.qty().filter(|qty| qty.get() > 0)?;
        // The trade row calls its price an average; the historical row calls it a price.
        let price = self.average_price.price().or_else(|| self.price.price())?;
        Some(BrokerTrade {
            order_id: self.order_id.id()?,
            trade_id: self.trade_id.id()?,
            key: key_of(&self.instrument_token, &self.instrument_key)?,
            is_buy: side_of(&self.transaction_type)? == Side::Buy,
            qty,
            price: Some(price).filter(|price| price.is_set())?,
        })
    }
}

/// A position row in JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PositionJson {
    instrument_token: Scalar,
    instrument_key: Scalar,
    quantity: Scalar,
    day_buy_quantity: Scalar,
    day_sell_quantity: Scalar,
    last_price: Scalar,
}

impl PositionJson {
    /// The row, or `None` without an instrument or a quantity.
    pub(super) fn read(&self) -> Option<BrokerPosition> {
        Some(BrokerPosition {
            key: key_of(&self.instrument_token, &self.instrument_key)?,
            qty: self.quantity.qty()?,
            day_net: self.day_net(),
            last_price: self.last_price.price().filter(|price| price.is_set()),
        })
    }

    fn day_net(&self) -> Option<Qty> {
        let (bought, sold) = (self.day_buy_quantity.qty()?, self.day_sell_quantity.qty()?);
        bought.get().checked_sub(sold.get()).map(Qty::new)
    }
}

fn key_of(token: &Scalar, key: &Scalar) -> Option<InstrumentKey> {
    token.id().or_else(|| key.id())
}

fn side_of(word: &Scalar) -> Option<Side> {
    match word.text()? {
        "BUY" | "B" => Some(Side::Buy),
        "SELL" | "S" => Some(Side::Sell),
        _ => None,
    }
}

/// An unknown order type counts as a limit order: the only sort that is sent from here without a price guard.
fn order_type_of(word: &Scalar) -> OrderType {
    match word.text() {
        Some("MARKET") => OrderType::Market,
        Some("SL") => OrderType::StopLimit,
        Some("SL-M") => OrderType::StopMarket,
        Some(_) | None => OrderType::Limit,
    }
}

/// Only the form that sorts as text is kept.
fn stamp_of(word: &Scalar) -> Text<24> {
    let sortable = |text: &&str| {
        let bytes = text.as_bytes();
        bytes.len() == 19 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[10] == b' ' && bytes[13] == b':'
    };
    word.text()
        .filter(sortable)
        .and_then(Text::new)
        .unwrap_or(Text::EMPTY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(json: &str) -> Option<BrokerOrder> {
        serde_json::from_str::<OrderJson>(json)
            .expect("well-formed JSON")
            .read()
    }

    #[test]
    fn a_full_row_is_read_whatever_the_types_of_its_numbers() {
        let tag = IntentId::new(3, 9).tag();
        let json = format!(
            r#"{{"exchange":"NFO","order_id":"260901025997024","tag":"{tag}","instrument_token":"NSE_FO|45450",
            "transaction_type":"SELL","status":"open","quantity":75.0,"filled_quantity":"25","price":101.5,
            "trigger_price":0,"average_price":101.55,"order_type":"LIMIT","validity":"DAY","parent_order_id":null,
            "order_timestamp":"2026-09-01 14:40:02","unknown_field":{{"a":[1]}}}}"#
        );
        let expected = BrokerOrder {
            order_id: Text::new("260901025997024").expect("short"),
            intent: Some(IntentId::new(3, 9)),
            key: Text::new("NSE_FO|45450").expect("short"),
            side: Side::Sell,
            status: BrokerStatus::Open,
            qty: Qty::new(75),
            filled: Qty::new(25),
            price: Price::from_paise(10_150),
            trigger: Price::NONE,
            average_price: Price::from_paise(10_155),
            order_type: OrderType::Limit,
            validity: Validity::Day,
            stamp: Text::new("2026-09-01 14:40:02").expect("short"),
        };
        assert_eq!(order(&json), Some(expected));
    }

    #[test]
    fn nulls_and_unknown_words_leave_a_live_foreign_order() {
        let row = order(
            r#"{"order_id":"1","instrument_key":"NSE_EQ|X","transaction_type":"BUY","status":"frozen solid",
            "quantity":10,"filled_quantity":null,"tag":"my own","price":null,"order_timestamp":null}"#,
        )
        .expect("an order");
        assert_eq!(row.status, BrokerStatus::Unrecognised);
        assert_eq!(
            (row.intent, row.price, row.stamp.is_empty()),
            (None, Price::NONE, true)
        );
    }

    #[test]
    fn a_row_without_what_identifies_it_is_none() {
        for json in [
            "{}",
            r#"{"order_id":"","instrument_token":"NSE_EQ|X","transaction_type":"BUY","quantity":1}"#,
            r#"{"order_id":"1","transaction_type":"BUY","quantity":1}"#,
            r#"{"order_id":"1","instrument_token":"NSE_EQ|X","transaction_type":"HOLD","quantity":1}"#,
            r#"{"order_id":"1","instrument_token":"NSE_EQ|X","transaction_type":"BUY","quantity":-1}"#,
            r#"{"order_id":"1","instrument_token":"NSE_EQ|X","transaction_type":"BUY","quantity":1,"filled_quantity":2}"#,
        ] {
            assert_eq!(order(json), None, "{json}");
        }
    }

    #[test]
    fn every_status_word_has_one_meaning() {
        for (index, (word, status)) in STATUSES.iter().enumerate() {
            assert_eq!(status_of(word), *status);
            assert!(
                STATUSES[index + 1..].iter().all(|(other, _)| other != word),
                "{word}"
            );
        }
        assert_eq!(status_of("OPEN"), BrokerStatus::Unrecognised);
    }
}
