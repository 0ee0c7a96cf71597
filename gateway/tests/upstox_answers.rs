//! What the readers make of answers: of a sample of each, of broken ones, and of errors.

mod answers;

use bijli_core::text::Text;
use bijli_gateway::evidence::{ErrorClass, Misfit, ReadError, Refusal};
use bijli_gateway::upstox::portfolio_stream::{PortfolioReader, PortfolioUpdate, Told};
use bijli_gateway::upstox::quote_api::{ltp_of, unanswered};
use bijli_gateway::upstox::{auth_api, failure, order_read_api};
use bijli_gateway::{Reply, Transport};
use serde_json::{Value, json};

use self::answers::{READERS, Reader, reply, samples};

/// The reader of this name.
fn reader(name: &str) -> Reader {
    let found = READERS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no reader {name}")).1
}

#[test]
fn each_sample_prints_as_written() {
    for (name, sent, expected) in samples() {
        let read =
            reader(&name)(&reply(200, sent.to_string())).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read, expected, "{name}");
    }
}

#[test]
fn every_reader_has_a_sample() {
    let sampled: Vec<String> = samples().into_iter().map(|(name, ..)| name).collect();
    // These read the rows that others have samples of.
    let shared = ["expired_api::contracts_of", "option_api::contracts_of"];
    for (name, _) in READERS {
        assert!(
            sampled.iter().any(|sampled| sampled == name) || shared.contains(name),
            "{name}"
        );
    }
}

#[test]
fn what_is_no_success_is_an_error_for_every_reader() {
    let refusal = Refusal {
        code: Text::new("UDAPI100050").expect("short"),
        class: ErrorClass::Auth,
    };
    let coded = r#"{"status":"error","errors":[{"errorCode":"UDAPI100050"}]}"#;
    let deep = format!(
        r#"{{"status":"success","data":{}{}}}"#,
        "[".repeat(99),
        "]".repeat(99)
    );
    for (name, read) in READERS {
        for (status, body, expected) in [
            (401, coded, ReadError::Refused(refusal)),
            (200, coded, ReadError::Refused(refusal)),
            (
                502,
                "<html>Bad gateway</html>",
                ReadError::Status(ErrorClass::Internal),
            ),
            (423, "", ReadError::Status(ErrorClass::ServiceClosed)),
            (429, "slow down", ReadError::Status(ErrorClass::Rate)),
            (200, "", ReadError::Malformed),
            (200, "<html>", ReadError::Malformed),
            (200, "[1,2", ReadError::Malformed),
            (200, deep.as_str(), ReadError::Malformed),
            (302, "", ReadError::Status(ErrorClass::Unrecognised)),
        ] {
            assert_eq!(
                read(&reply(status, body)),
                Err(expected),
                "{name} {status} {body:.40}"
            );
        }
        let lost = Reply {
            outcome: Err(Transport { wrote_bytes: true }),
            body: Vec::new(),
        };
        assert_eq!(read(&lost), Err(ReadError::Transport), "{name}");
        let empty = read(&reply(200, r#"{"status":"success","data":null}"#));
        let error = empty.expect_err("a success without data is no answer");
        assert!(
            matches!(error, ReadError::Unfit(misfit) if misfit.missing),
            "{name}: {error}"
        );
    }
}

#[test]
fn an_unusable_field_is_named_with_record_and_row() {
    let rows = |second: Value| {
        let first = json!({"trade_id": 1, "order_id": 1, "instrument_token": "X", "transaction_type": "BUY",
            "quantity": 1, "average_price": 1});
        reply(
            200,
            json!({"status": "success", "data": [first, second]}).to_string(),
        )
    };
    let base = json!({"trade_id": 1, "order_id": 1, "instrument_token": "X", "transaction_type": "BUY",
        "quantity": 1, "average_price": 1});
    for (field, json_name, value, expected, missing) in [
        ("quantity", "quantity", json!("many"), "a quantity", false),
        ("quantity", "quantity", json!(1.5), "a quantity", false),
        ("quantity", "quantity", Value::Null, "a quantity", true),
        ("price", "average_price", json!(-1), "a price in rupees", false),
        ("price", "average_price", json!([1]), "a price in rupees", false),
        ("transaction_type", "transaction_type", json!(7), "a word", false),
        ("trade_id", "trade_id", json!(" "), "a text", false),
    ] {
        let mut row = base.clone();
        row[json_name] = value;
        let misfit = Misfit {
            row: Some(1),
            record: "TradeRow",
            field,
            expected,
            missing,
        };
        assert_eq!(
            order_read_api::trade_rows_of(&rows(row)),
            Err(ReadError::Unfit(misfit)),
            "{json_name}"
        );
    }
    let misfit = Misfit {
        row: Some(1),
        record: "TradeRow",
        field: "",
        expected: "an object",
        missing: false,
    };
    assert_eq!(
        order_read_api::trade_rows_of(&rows(json!(7))),
        Err(ReadError::Unfit(misfit))
    );
}

#[test]
fn keys_without_an_answer_are_named() {
    let body = r#"{"status":"success","data":{"NSE_EQ:A":{"last_price":1,"instrument_token":"NSE_EQ|A"}}}"#;
    let rows = ltp_of(&reply(200, body)).expect("a row");
    assert_eq!(unanswered(&["NSE_EQ|B", "NSE_EQ|A"], &rows), ["NSE_EQ|B"]);
}

#[test]
fn pages_follow_one_another_until_the_last() {
    for (rows, page, next) in [
        (
            1,
            json!({"page_number": 1, "page_size": 1, "total_pages": 2}),
            Some(2),
        ),
        (
            1,
            json!({"page_number": 2, "page_size": 1, "total_pages": 2}),
            None,
        ),
        (2, json!({"page_number": 1, "page_size": 2}), Some(2)),
        (1, json!({"page_number": 1, "page_size": 2}), None),
        (0, json!({"page_number": 1, "page_size": 0}), None),
        (2, Value::Null, None),
    ] {
        let row = json!({"quantity": 1});
        let body =
            json!({"status": "success", "data": vec![row; rows], "metadata": {"page": page}}).to_string();
        let read = bijli_gateway::upstox::profit_loss_api::rows_of(&reply(200, body)).expect("a page");
        assert_eq!(read.next_page(), next, "{page}");
    }
}

#[test]
fn complaints_are_shown_with_place_code_and_remedy() {
    let body = br#"{"status":"error","errors":[{"errorCode":"UDAPI1052","message":"Quantity cannot be zero",
        "propertyPath":"quantity","invalidValue":0,"correlation_id":"leg2"},{"message":"?"},7]}"#;
    let shown: Vec<String> = failure::failures_of(body)
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = [
        "UDAPI1052 line leg2 field quantity value 0: Quantity cannot be zero; give a quantity above zero",
        "no code: ?; look the code up in the broker's error list",
    ];
    assert_eq!(shown, expected);
    assert!(failure::failures_of(b"<html>").is_empty());
}

#[test]
fn a_redirect_gives_up_its_code_and_prints_no_secret() {
    let read =
        auth_api::callback_of("http://127.0.0.1:8080/cb?state=s%20t&code=mk%2B404x#frag").expect("a code");
    assert_eq!(
        (read.code.expose(), read.state.as_deref()),
        ("mk+404x", Some("s t"))
    );
    assert!(!format!("{read:?}").contains("404"));
    for address in [
        "/cb",
        "/cb?error=denied",
        "/cb?code=",
        "/cb?code=%zz",
        "/cb?code=%f",
        "/cb?code=%ff",
    ] {
        assert_eq!(auth_api::callback_of(address), None, "{address}");
    }
    let notice = br#"{"client_id":"k","user_id":"AB","access_token":"eyJ","token_type":"Bearer",
        "expires_at":"1788300000000","issued_at":"1788253802000","message_type":"access_token"}"#;
    let notice = auth_api::notice_of(notice).expect("a notice");
    assert_eq!(notice.access_token.expose(), "eyJ");
    assert_eq!(notice.issued_at.to_string(), "2026-09-01 14:40:02");
    let shown = format!("{notice:?}{}", serde_json::to_string(&notice).expect("prints"));
    assert!(!shown.contains("eyJ"), "{shown}");
    assert_eq!(auth_api::notice_of(b"hello"), Err(ReadError::Malformed));
}

#[test]
fn each_update_of_the_portfolio_stream_is_told_once() {
    let order = |status: &str, filled: i64| {
        json!({"update_type": "order", "order_id": "1", "instrument_token": "NSE_FO|1", "transaction_type": "BUY",
            "status": status, "quantity": 75, "filled_quantity": filled, "order_timestamp": "2026-09-01 14:40:02"})
    };
    let standing = json!({"update_type": "gtt_order", "type": "SINGLE", "gtt_order_id": "GTT-C1", "quantity": 1,
        "instrument_token": "NSE_EQ|X", "created_at": 1_788_253_802_000_000_i64, "rules": []});
    let position =
        json!({"update_type": "position", "instrument_token": "NSE_FO|1", "quantity": -75, "product": "I"});
    let holding = json!({"update_type": "holding", "instrument_token": "NSE_EQ|X", "quantity": 3});
    let mut reader = PortfolioReader::default();
    let mut told = Vec::new();
    for frame in [
        order("open", 0),
        order("open", 0),
        order("open", 25),
        order("complete", 75),
        standing.clone(),
        position,
        holding,
        standing,
        json!({"update_type": "weather"}),
        json!({"update_type": "order"}),
        json!({"quantity": 1}),
        json!({"update_type": "position", "instrument_token": "NSE_FO|1", "quantity": "a few"}),
    ] {
        told.push(match reader.take(frame.to_string().as_bytes()) {
            Told::New(PortfolioUpdate::Order(row)) => {
                format!("order {} {:?}", row.status, row.filled_quantity)
            }
            Told::New(PortfolioUpdate::Standing(row)) => row.gtt_order_id,
            Told::New(PortfolioUpdate::Position(row)) => format!("position {}", row.quantity),
            Told::New(PortfolioUpdate::Holding(row)) => format!("holding {}", row.quantity),
            Told::New(PortfolioUpdate::Unrecognised(word)) => word,
            Told::Repeated => "-".to_owned(),
            Told::Malformed => "?".to_owned(),
        });
    }
    let expected = [
        "order open Some(Qty(0))",
        "-",
        "order open Some(Qty(25))",
        "order complete Some(Qty(75))",
        "GTT-C1",
        "position -75",
        "holding 3",
        "-",
        "weather",
        "?",
        "?",
        "?",
    ];
    assert_eq!(told, expected);
    let counts = serde_json::to_value(reader.counts()).expect("prints");
    let expected = json!({"orders": 3, "standing": 1, "positions": 1, "holdings": 1, "unrecognised": 1,
        "repeated": 2, "malformed": 3});
    assert_eq!(counts, expected);
}
