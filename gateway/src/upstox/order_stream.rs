//! The portfolio stream: JSON in text frames, one update each.
//!
//! Invariants: only `update_type` "order" becomes an update; other types are named and counted; a frame that
//! cannot be read changes nothing. A stream update is a hint: fills come from trade rows alone.
//! Source: the broker's portfolio stream feed, see `PROTOCOL.md`.

use super::order_row::OrderJson;
use crate::evidence::BrokerOrder;

/// Longest frame that is looked at.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;

/// What one text frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamUpdate {
    /// An order changed.
    Order(BrokerOrder),
    /// Another sort of update: position, holding, standing order.
    Other,
    /// Not readable.
    Malformed,
}

/// Reads one text frame.
#[must_use]
pub fn read(frame: &[u8]) -> StreamUpdate {
    if frame.len() > FRAME_BYTES_MAX {
        return StreamUpdate::Malformed;
    }
    let Ok(row) = serde_json::from_slice::<OrderJson>(frame) else {
        return StreamUpdate::Malformed;
    };
    match row.update_type.text() {
        Some("order") => row.read().map_or(StreamUpdate::Malformed, StreamUpdate::Order),
        Some(_) => StreamUpdate::Other,
        None => StreamUpdate::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use bijli_core::Qty;
    use bijli_core::order::BrokerStatus;

    use super::*;

    #[test]
    fn the_order_update_of_the_reference_is_read() {
        let frame = br#"{"update_type":"order","user_id":"AB1234","userId":"AB1234","exchange":"NFO",
            "instrument_token":"NSE_FO|45450","instrument_key":"NSE_FO|45450","trading_symbol":"NIFTY25JUL24000CE",
            "tradingsymbol":"NIFTY25JUL24000CE","product":"I","order_type":"LIMIT","average_price":0,"price":101.5,
            "trigger_price":0,"quantity":75,"disclosed_quantity":0,"pending_quantity":75,"transaction_type":"BUY",
            "order_ref_id":"577448216584","exchange_order_id":"","parent_order_id":null,"validity":"DAY",
            "status":"put order req received","is_amo":false,"variety":"SIMPLE","tag":null,"exchange_timestamp":null,
            "status_message":"","order_id":"260901025997024","order_request_id":"1",
            "order_timestamp":"2026-09-01 14:40:02","filled_quantity":0,"guid":null,"placed_by":"AB1234",
            "status_message_raw":null}"#;
        let StreamUpdate::Order(order) = read(frame) else {
            panic!("an order update");
        };
        assert_eq!(order.order_id.as_str(), "260901025997024");
        assert_eq!((order.status, order.qty), (BrokerStatus::Received, Qty::new(75)));
    }

    #[test]
    fn other_updates_are_told_apart_from_garbage() {
        for (frame, expected) in [
            (
                r#"{"update_type":"position","quantity":-75}"#,
                StreamUpdate::Other,
            ),
            (
                r#"{"update_type":"gtt_order","rules":[{"strategy":"ENTRY"}]}"#,
                StreamUpdate::Other,
            ),
            (r#"{"update_type":"order"}"#, StreamUpdate::Malformed),
            (r#"{"quantity":1}"#, StreamUpdate::Malformed),
            ("", StreamUpdate::Malformed),
            ("[1,2", StreamUpdate::Malformed),
        ] {
            assert_eq!(read(frame.as_bytes()), expected, "{frame}");
        }
        assert_eq!(read(&vec![b' '; FRAME_BYTES_MAX + 1]), StreamUpdate::Malformed);
    }
}
