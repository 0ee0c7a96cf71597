//! Calls on many orders at once, and orders that wait for the market to open.

use super::*;
use crate::broker::BadLine;

const MULTI: &str = "/v2/order/multi/place";
const CANCEL: &str = "/v2/order/multi/cancel";
const EXIT: &str = "/v2/order/positions/exit";

fn line(name: &str, changes: &[(&str, Value)]) -> Value {
    let mut body = order(changes);
    body["correlation_id"] = json!(name);
    body
}

impl Bench {
    fn many(&mut self, lines: &[Value]) -> (u16, Value) {
        self.call(Host::Api, "POST", MULTI, &Value::Array(lines.to_vec()))
    }

    fn sides_of_book(&mut self) -> Vec<String> {
        let rows = self.get("/v2/order/retrieve-all");
        rows.as_array()
            .expect("rows")
            .iter()
            .map(|row| row["transaction_type"].as_str().expect("a side").to_owned())
            .collect()
    }
}

#[test]
fn buys_go_before_sells_and_every_line_is_told_by_its_name() {
    let mut bench = Bench::new();
    let (status, body) = bench.many(&[
        line(
            "s",
            &[("transaction_type", json!("SELL")), ("price", json!(101.0))],
        ),
        line("b", &[]),
    ]);
    let names: Vec<&Value> = body["data"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| &row["correlation_id"])
        .collect();
    assert_eq!(
        (status, &body["status"], names),
        (200, &json!("success"), vec![&json!("b"), &json!("s")])
    );
    assert_eq!(body["errors"], Value::Null);
    assert_eq!(
        body["summary"],
        json!({ "total": 2, "success": 2, "error": 0, "payload_error": 0 })
    );
    assert_eq!(bench.sides_of_book(), ["BUY", "SELL"]);
}

#[test]
fn one_refused_line_leaves_the_others_and_the_answer_is_partial() {
    let mut bench = Bench::new();
    let bad = line("bad", &[("quantity", json!(0))]);
    let (status, body) = bench.many(&[bad.clone(), line("good", &[])]);
    assert_eq!((status, &body["status"]), (207, &json!("partial_success")));
    assert_eq!(code(&body), "UDAPI1052");
    assert_eq!(body["errors"][0]["correlation_id"], "bad");
    assert_eq!(
        body["summary"],
        json!({ "total": 2, "success": 1, "error": 1, "payload_error": 0 })
    );
    let (status, body) = bench.many(&[bad]);
    assert_eq!((status, &body["status"]), (400, &json!("error")));
    assert_eq!(
        body["summary"],
        json!({ "total": 1, "success": 0, "error": 1, "payload_error": 0 })
    );
}

#[test]
fn an_unreadable_line_refuses_all_or_is_skipped_as_the_option_says() {
    for (bad_line, status, placed) in [(BadLine::RefusesAll, 400, 0), (BadLine::IsSkipped, 207, 1)] {
        let options = BrokerOptions {
            bad_line,
            ..BrokerOptions::default()
        };
        let mut bench = Bench::with(BrokerSettings {
            options,
            ..settings()
        });
        let mut unsliced = line("u", &[]);
        unsliced.as_object_mut().expect("an object").remove("slice");
        let lines = [
            line("a", &[]),
            line("a", &[]),
            unsliced,
            line("a-name-of-21-letters-", &[]),
            json!(7),
        ];
        let (found, body) = bench.many(&lines);
        assert_eq!(
            (found, &body["summary"]["payload_error"]),
            (status, &json!(4)),
            "{bad_line:?}"
        );
        assert_eq!(bench.sides_of_book().len(), placed);
    }
}

#[test]
fn the_number_of_lines_is_capped_and_the_list_must_be_one() {
    let mut bench = Bench::new();
    let lines: Vec<Value> = (0..11).map(|number| line(&number.to_string(), &[])).collect();
    assert_eq!(bench.many(&lines).0, 400);
    assert_eq!(bench.many(&[]).0, 400);
    assert_eq!(bench.call(Host::Api, "POST", MULTI, &order(&[])).0, 400);
    assert_eq!(bench.many(&lines[..10]).0, 200);
}

#[test]
fn cancel_all_takes_what_its_filters_name() {
    let mut bench = Bench::new();
    let (_, body) = bench.call(Host::Api, "DELETE", CANCEL, &Value::Null);
    assert_eq!(code(&body), "UDAPI1109");
    let share = bench.place(&[("tag", json!("A"))]).expect("accepted");
    let call = [
        ("instrument_token", json!(CALL)),
        ("quantity", json!(35)),
        ("price", json!(400.0)),
        ("tag", json!("B")),
    ];
    let option = bench.place(&call).expect("accepted");
    let (_, body) = bench.call(
        Host::Api,
        "DELETE",
        &format!("{CANCEL}?segment=NSE"),
        &Value::Null,
    );
    assert_eq!(code(&body), "UDAPI1105");
    let (_, body) = bench.call(
        Host::Api,
        "DELETE",
        &format!("{CANCEL}?segment=NSE_FO&tag=A"),
        &Value::Null,
    );
    assert_eq!(code(&body), "UDAPI1109");
    let (status, body) = bench.call(
        Host::Api,
        "DELETE",
        &format!("{CANCEL}?segment=NSE_FO"),
        &Value::Null,
    );
    assert_eq!((status, &body["data"]["order_ids"]), (200, &json!([option])));
    assert_eq!(body["summary"], json!({ "total": 1, "success": 1, "error": 0 }));
    let (_, body) = bench.call(Host::Api, "DELETE", &format!("{CANCEL}?tag=A"), &Value::Null);
    assert_eq!(body["data"]["order_ids"], json!([share]));
    for number in 0..11 {
        bench.place(&[("quantity", json!(1 + number))]).expect("accepted");
    }
    let (_, body) = bench.call(Host::Api, "DELETE", CANCEL, &Value::Null);
    assert_eq!(code(&body), "UDAPI1110");
}

#[test]
fn exit_all_closes_shorts_first_slices_and_leaves_delivered_shares() {
    let options = BrokerOptions::default();
    let capital = Money::from_rupees(10_000_000);
    let mut bench = Bench::with(BrokerSettings {
        capital,
        options,
        ..settings()
    });
    let exit = |bench: &mut Bench, query: &str| {
        bench.call(Host::Api, "POST", &format!("{EXIT}{query}"), &Value::Null)
    };
    assert_eq!(code(&exit(&mut bench, "").1), "UDAPI1111");
    bench.book(1, 50_000, 2_000, 50_100, 2_000);
    let buy_option = [
        ("instrument_token", json!(CALL)),
        ("quantity", json!(700)),
        ("price", json!(501.0)),
        ("product", json!("D")),
        ("slice", json!(true)),
    ];
    bench.place(&buy_option).expect("accepted");
    bench
        .place(&[
            ("transaction_type", json!("SELL")),
            ("price", json!(99.0)),
            ("tag", json!("short")),
        ])
        .expect("accepted");
    bench
        .place(&[("product", json!("D")), ("price", json!(100.0))])
        .expect("accepted");
    bench.book(0, 9_995, 500, 10_000, 500);
    bench.book(1, 50_000, 2_000, 50_100, 2_000);
    let (status, body) = exit(&mut bench, "?tag=short");
    assert_eq!(
        (status, body["data"]["order_ids"].as_array().map(Vec::len)),
        (200, Some(1))
    );
    assert_eq!(code(&exit(&mut bench, "?tag=short").1), "UDAPI1111");
    let (status, body) = exit(&mut bench, "");
    assert_eq!(
        body["data"]["order_ids"].as_array().map(Vec::len),
        Some(2),
        "700 is frozen at 595"
    );
    assert_eq!(
        (status, &body["summary"]),
        (200, &json!({ "total": 1, "success": 1, "error": 0 }))
    );
    let rows = bench.get("/v2/portfolio/short-term-positions");
    let open: Vec<i64> = rows
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["quantity"].as_i64().expect("units"))
        .filter(|qty| *qty != 0)
        .collect();
    assert_eq!(open, [10], "the delivered shares stay");
    bench.now = at(16, 0, 0);
    assert_eq!(code(&exit(&mut bench, "").1), "UDAPI1113");
}

#[test]
fn an_after_market_order_waits_for_the_open_and_can_be_changed_or_taken_back() {
    let mut bench = Bench::new();
    bench.now = at(8, 0, 0);
    let amo = [("is_amo", json!(true))];
    let (kept, dropped) = (
        bench.place(&amo).expect("taken"),
        bench.place(&amo).expect("taken"),
    );
    let row = bench.get(&format!("/v2/order/details?order_id={kept}"));
    assert_eq!((&row["variety"], &row["is_amo"]), (&json!("AMO"), &json!(true)));
    bench.cancel(&dropped);
    let change = json!({ "order_id": kept, "validity": "DAY", "price": 99.5, "order_type": "LIMIT",
        "trigger_price": 0, "quantity": 20 });
    bench.call(Host::Order, "PUT", "/v3/order/modify", &change);
    bench.now = at(9, 15, 0);
    assert_eq!(
        bench.states(&kept),
        [
            "after market order req received",
            "modify after market order req received",
            "put order req received",
            "validation pending",
            "open pending",
            "open",
        ]
    );
    assert_eq!(
        bench.states(&dropped),
        ["after market order req received", "cancelled after market order"]
    );
    assert_eq!(bench.place(&amo), Err("UDAPI100039".to_owned()));
}
