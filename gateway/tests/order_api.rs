//! What the order calls send, byte for byte, and what every sort of reply proves.

use bijli_core::order::{BrokerOrderId, IntentId, OrderType, Side, Validity};
use bijli_core::text::Text;
use bijli_core::{Price, Qty};
use bijli_gateway::evidence::{ErrorClass, Outcome, ReadError, Refusal};
use bijli_gateway::upstox::call::Call;
use bijli_gateway::upstox::order_api::{self, Product, Terms};
use bijli_gateway::{Auth, Body, Host, Method, Reply, Transport};
use proptest::prelude::*;

fn terms(order_type: OrderType, price_paise: i64, trigger_paise: i64) -> Terms {
    Terms {
        qty: Qty::new(75),
        order_type,
        validity: Validity::Day,
        price: Price::from_paise(price_paise),
        trigger: Price::from_paise(trigger_paise),
    }
}

fn place(terms: &Terms) -> Call {
    let key = Text::new("NSE_FO|45450").expect("short");
    order_api::place(IntentId::new(1, 2), &key, Side::Buy, terms, Product::Intraday)
}

fn reply(status: u16, body: &str) -> Reply {
    Reply {
        outcome: Ok(status),
        body: body.as_bytes().to_vec(),
    }
}

fn lost(wrote_bytes: bool) -> Reply {
    Reply {
        outcome: Err(Transport { wrote_bytes }),
        body: Vec::new(),
    }
}

fn refused(code: &str, class: ErrorClass) -> Outcome {
    let code = Text::new(code).expect("short");
    Outcome::Refused(Refusal { code, class })
}

#[test]
fn a_limit_order_is_written_field_by_field() {
    let call = place(&terms(OrderType::Limit, 10_150, 0));
    let tag = IntentId::new(1, 2).tag();
    let body = format!(
        "{{\"instrument_token\":\"NSE_FO|45450\",\"quantity\":75,\"validity\":\"DAY\",\"price\":101.50,\
         \"order_type\":\"LIMIT\",\"disclosed_quantity\":0,\"trigger_price\":0.00,\"product\":\"I\",\
         \"transaction_type\":\"BUY\",\"is_amo\":false,\"slice\":false,\"tag\":\"{tag}\"}}"
    );
    let expected = Call {
        method: Method::Post,
        host: Host::Order,
        path: "/v3/order/place".to_owned(),
        body: Some(Body::Json(body)),
        auth: Auth::Bearer,
    };
    assert_eq!(call, expected);
}

#[test]
fn market_protection_stands_on_market_and_stop_market_orders_alone() {
    for (order_type, word, protected, price) in [
        (OrderType::Limit, "LIMIT", false, 101.5),
        (OrderType::StopLimit, "SL", false, 101.5),
        (OrderType::Market, "MARKET", true, 0.0),
        (OrderType::StopMarket, "SL-M", true, 0.0),
    ] {
        let body = place(&terms(order_type, 10_150, 10_000)).body.expect("a body");
        let json: serde_json::Value = serde_json::from_str(body.text()).expect("well-formed");
        assert_eq!(json["order_type"], word);
        assert_eq!(json["price"].as_f64(), Some(price), "{word}");
        assert_eq!(json["trigger_price"].as_f64(), Some(100.0));
        let protection = json.get("market_protection").and_then(serde_json::Value::as_i64);
        assert_eq!(protection, protected.then_some(-1), "{word}");
    }
}

#[test]
fn a_modify_names_the_order_and_every_term() {
    let order_id = BrokerOrderId::new("260901025997024").expect("short");
    let call = order_api::modify(&order_id, &terms(OrderType::Limit, 10_155, 0));
    assert_eq!(
        (call.method, call.path.as_str()),
        (Method::Put, "/v3/order/modify")
    );
    let expected = "{\"order_id\":\"260901025997024\",\"quantity\":75,\"validity\":\"DAY\",\"price\":101.55,\
                    \"order_type\":\"LIMIT\",\"disclosed_quantity\":0,\"trigger_price\":0.00}";
    assert_eq!(call.body.as_ref().map(Body::text), Some(expected));
}

#[test]
fn an_id_from_outside_cannot_break_out_of_a_path() {
    let hostile = BrokerOrderId::new("1&tag=x #/..").expect("printable");
    let call = order_api::cancel(&hostile);
    assert_eq!(call.path, "/v3/order/cancel?order_id=1%26tag%3Dx%20%23%2F..");
    assert_eq!((call.method, call.body), (Method::Delete, None));
    let quoted = BrokerOrderId::new("1\",\"x\":\"\\").expect("printable");
    let body = order_api::modify(&quoted, &terms(OrderType::Limit, 1, 0)).body;
    let json: serde_json::Value = serde_json::from_str(body.expect("a body").text()).expect("well-formed");
    assert_eq!(json["order_id"], "1\",\"x\":\"\\");
}

#[test]
fn only_an_order_id_proves_an_order() {
    let acked = Outcome::Acked(BrokerOrderId::new("260901000000101").expect("short"));
    for body in [
        r#"{"status":"success","data":{"order_ids":["260901000000101"]},"metadata":{"latency":30}}"#,
        r#"{"status":"success","data":{"order_ids":[260901000000101]}}"#,
        r#"{"status":"success","data":{"order_id":"260901000000101"}}"#,
    ] {
        assert_eq!(order_api::outcome_of_write(&reply(200, body)), acked, "{body}");
    }
}

#[test]
fn everything_that_is_neither_proof_nor_structured_refusal_is_unknown() {
    let deep = format!(
        "{{\"status\":\"success\",\"data\":{}1{}}}",
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    let huge = format!(
        "{{\"status\":\"success\",\"pad\":\"{}\"}}",
        "x".repeat(9 * 1024 * 1024)
    );
    for (status, body) in [
        (200, ""),
        (200, "<html>502 Bad Gateway</html>"),
        (200, r#"{"status":"success","data":{"order_ids":["2609010000001"#),
        (200, r#"{"status":"success","data":{"order_ids":[]}}"#),
        (200, r#"{"status":"success","data":{"order_ids":["1","2"]}}"#),
        (200, r#"{"status":"success","data":{"order_ids":[""]}}"#),
        (200, r#"{"status":"success","data":{"order_ids":[null]}}"#),
        (
            200,
            r#"{"status":"success","data":{"order_ids":["a much longer id than any broker gives"]}}"#,
        ),
        (200, r#"{"status":"success","data":null}"#),
        (200, r#"{"status":"success"}"#),
        (
            200,
            r#"{"status":"success","data":{"order_id":"1"},"data":{"order_id":"2"}}"#,
        ),
        (
            200,
            r#"{"status":"success","data":{"order_id":"1","order_id":"2"}}"#,
        ),
        (200, r#"{"status":"success","data":{"order_id":1e400}}"#),
        (200, &deep),
        (200, &huge),
        (204, ""),
        (302, r#"{"status":"success","data":{"order_id":"1"}}"#),
        (307, ""),
        (400, ""),
        (400, "<html>"),
        (400, r#"{"status":"error","errors":[{"error_code":"SOMETHING"}]}"#),
        (400, r#"{"status":"error","errors":[]}"#),
        (408, ""),
    ] {
        let outcome = order_api::outcome_of_write(&reply(status, body));
        let shown = &body[..body.len().min(90)];
        assert_eq!(outcome, Outcome::Unknown(None), "{status} {shown}");
    }
}

#[test]
fn an_unknown_outcome_keeps_the_hint_that_its_status_or_code_gives() {
    let coded = |code: &str| format!(r#"{{"status":"error","errors":[{{"errorCode":"{code}"}}]}}"#);
    for (status, body, class) in [
        (401, "<html>".to_owned(), ErrorClass::Auth),
        (403, String::new(), ErrorClass::Restricted),
        (404, String::new(), ErrorClass::NotFound),
        (429, "slow down".to_owned(), ErrorClass::Rate),
        (500, coded("UDAPI100500"), ErrorClass::Internal),
        (502, "<html>".to_owned(), ErrorClass::Internal),
        (503, coded("UDAPI100050"), ErrorClass::Internal),
        (504, String::new(), ErrorClass::Internal),
        // A refusal under a success status, and one that says the broker itself is in trouble.
        (200, coded("UDAPI10005"), ErrorClass::Rate),
        (200, coded("UDAPI100050"), ErrorClass::Auth),
    ] {
        let outcome = order_api::outcome_of_write(&reply(status, &body));
        assert_eq!(outcome, Outcome::Unknown(Some(class)), "{status} {body}");
    }
    let internal = order_api::outcome_of_write(&reply(400, &coded("UDAPI100500")));
    assert!(matches!(internal, Outcome::Unknown(_)));
}

#[test]
fn a_structured_refusal_is_believed_with_its_code() {
    for (status, code, class) in [
        (400, "UDAPI1052", ErrorClass::Validation),
        (401, "UDAPI100050", ErrorClass::Auth),
        (403, "UDAPI1154", ErrorClass::Restricted),
        (423, "UDAPI100074", ErrorClass::ServiceClosed),
        (429, "UDAPI10005", ErrorClass::Rate),
        (400, "UDAPI999999", ErrorClass::Unrecognised),
    ] {
        let body =
            format!(r#"{{"status":"error","errors":[{{"error_code":"{code}","errorCode":"{code}"}}]}}"#);
        let outcome = order_api::outcome_of_write(&reply(status, &body));
        assert_eq!(outcome, refused(code, class), "{status} {code}");
    }
}

#[test]
fn only_zero_written_bytes_mean_not_sent() {
    assert_eq!(order_api::outcome_of_write(&lost(false)), Outcome::NotSent);
    assert_eq!(order_api::outcome_of_write(&lost(true)), Outcome::Unknown(None));
}

#[test]
fn a_read_without_a_list_proves_no_absence() {
    let none = order_api::orders_of(&reply(200, r#"{"status":"success","data":null}"#)).expect("a success");
    assert_eq!((none.rows.len(), none.complete), (0, false));
    let empty = order_api::orders_of(&reply(200, r#"{"status":"success","data":[]}"#)).expect("a success");
    assert_eq!((empty.rows.len(), empty.complete), (0, true));
    let body = r#"{"status":"success","data":[{"order_id":"1"},
        {"order_id":"2","instrument_token":"NSE_EQ|X","transaction_type":"BUY","quantity":1,"status":"open"}]}"#;
    let partial = order_api::orders_of(&reply(200, body)).expect("a success");
    assert_eq!((partial.rows.len(), partial.complete), (1, false));
    assert_eq!(order_api::orders_of(&lost(true)), Err(ReadError::Transport));
}

#[test]
fn trades_and_positions_are_read_as_the_broker_writes_them() {
    let trades = r#"{"status":"success","data":[{"exchange":"NSE","product":"D","trading_symbol":"X",
        "instrument_token":"NSE_EQ|X","order_type":"MARKET","transaction_type":"SELL","quantity":3,
        "exchange_order_id":"9","order_id":"1","exchange_timestamp":"03-Aug-2026 15:03:42",
        "average_price":299.4,"trade_id":"50091502","order_ref_id":"7","order_timestamp":"03-Aug-2026 15:03:42"}]}"#;
    let trades = order_api::trades_of(&reply(200, trades)).expect("a success");
    assert!(trades.complete);
    let trade = trades.rows[0];
    assert_eq!(
        (trade.side(), trade.qty, trade.price),
        (Side::Sell, Qty::new(3), Price::from_paise(29_940))
    );
    assert_eq!(trade.trade_id.as_str(), "50091502");
    let positions = r#"{"status":"success","data":[{"exchange":"NFO","multiplier":1.0,"average_price":null,
        "instrument_token":"NSE_FO|1","quantity":-75,"last_price":518.2,"realised":-0.0},
        {"instrument_token":"NSE_FO|2","quantity":75,"last_price":0.0},{"instrument_token":"NSE_FO|3","quantity":0}]}"#;
    let positions = order_api::positions_of(&reply(200, positions)).expect("a success");
    let told: Vec<_> = positions
        .rows
        .iter()
        .map(|row| (row.qty, row.last_price))
        .collect();
    let expected = [
        (Qty::new(-75), Some(Price::from_paise(51_820))),
        (Qty::new(75), None),
        (Qty::ZERO, None),
    ];
    assert_eq!((&told[..], positions.complete), (&expected[..], true));
}

proptest! {
    #[test]
    fn no_bytes_whatsoever_make_a_reader_panic(
        status in 0..600_u16,
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let reply = Reply { outcome: Ok(status), body };
        let outcome = order_api::outcome_of_write(&reply);
        prop_assert!(!matches!(outcome, Outcome::Acked(_) | Outcome::NotSent));
        let _orders = order_api::orders_of(&reply);
        let _trades = order_api::trades_of(&reply);
        let _positions = order_api::positions_of(&reply);
        let _update = bijli_gateway::upstox::order_stream::read(&reply.body);
    }

    #[test]
    fn a_cut_reply_is_never_an_acknowledgement(cut in 0..88_usize) {
        let whole = r#"{"status":"success","data":{"order_ids":["260901000000101"]},"metadata":{"latency":30}}"#;
        prop_assume!(cut < whole.len());
        let outcome = order_api::outcome_of_write(&reply(200, &whole[..cut]));
        prop_assert_eq!(outcome, Outcome::Unknown(None));
    }

    #[test]
    fn every_price_is_written_as_its_exact_decimal(units in 1..20_000_000_000_i64) {
        let terms = Terms { price: Price::new(units), ..terms(OrderType::Limit, 0, 0) };
        let body = place(&terms).body.expect("a body");
        let written = body.text().split("\"price\":").nth(1).and_then(|rest| rest.split(',').next()).expect("a price");
        let (whole, part) = written.split_once('.').expect("a decimal point");
        let scale = 10_i64.pow(4 - u32::try_from(part.len()).expect("short"));
        let back = whole.parse::<i64>().expect("digits") * 10_000 + part.parse::<i64>().expect("digits") * scale;
        prop_assert_eq!(back, units);
    }
}
