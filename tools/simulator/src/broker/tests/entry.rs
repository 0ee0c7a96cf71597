//! Placing: every refusal of the gateway, every rejection of the risk check, slicing.

use super::*;

#[test]
fn each_bad_field_is_refused_with_its_own_code() {
    let table: [(&str, Vec<(&str, Value)>); 24] = [
        ("UDAPI1052", vec![("quantity", json!(0))]),
        ("UDAPI1052", vec![("quantity", json!(-5))]),
        ("UDAPI100036", vec![("quantity", json!("ten"))]),
        ("UDAPI100036", vec![("quantity", Value::Null)]),
        ("UDAPI100036", vec![("product", json!("X"))]),
        ("UDAPI100036", vec![("transaction_type", json!("HOLD"))]),
        ("UDAPI100036", vec![("price", json!(-1.0))]),
        ("UDAPI1026", vec![("instrument_token", Value::Null)]),
        ("UDAPI100011", vec![("instrument_token", json!("NSE_EQ|NONE"))]),
        (
            "UDAPI100011",
            vec![("instrument_token", json!("NSE_INDEX|SIM 50"))],
        ),
        ("UDAPI1007", vec![("validity", Value::Null)]),
        ("UDAPI1055", vec![("validity", json!("GTC"))]),
        ("UDAPI1004", vec![("order_type", Value::Null)]),
        ("UDAPI1056", vec![("order_type", json!("ICEBERG"))]),
        ("UDAPI1029", vec![("price", json!(0))]),
        ("UDAPI1030", vec![("order_type", json!("MARKET"))]),
        ("UDAPI1031", vec![("order_type", json!("SL"))]),
        (
            "UDAPI1032",
            vec![("order_type", json!("SL-M")), ("trigger_price", json!(99.0))],
        ),
        (
            "UDAPI1036",
            vec![("order_type", json!("SL-M")), ("price", json!(0))],
        ),
        (
            "UDAPI1039",
            vec![("quantity", json!(100)), ("disclosed_quantity", json!(9))],
        ),
        ("UDAPI1119", vec![("tag", json!("x".repeat(41)))]),
        (
            "UDAPI1158",
            vec![
                ("order_type", json!("MARKET")),
                ("price", json!(0)),
                ("market_protection", json!(0)),
            ],
        ),
        (
            "UDAPI1159",
            vec![
                ("order_type", json!("MARKET")),
                ("price", json!(0)),
                ("market_protection", json!(26)),
            ],
        ),
        ("UDAPI100039", vec![("is_amo", json!(true))]),
    ];
    let mut bench = Bench::new();
    for (code, changes) in &table {
        assert_eq!(bench.place(changes), Err((*code).to_owned()), "{changes:?}");
    }
    let reply = bench.raw(Host::Order, "POST", "/v3/order/place", "not json");
    assert_eq!(reply.status, 400);
    assert_eq!(
        bench.broker.stats().orders_seen,
        0,
        "a refused placement leaves no order"
    );
    assert_eq!(bench.broker.stats().orders_refused, 25);
}

#[test]
fn what_the_risk_check_refuses_is_a_rejected_order_with_a_reason() {
    let table: [(&str, Vec<(&str, Value)>); 6] = [
        (
            "lot size 35",
            vec![
                ("instrument_token", json!(CALL)),
                ("quantity", json!(36)),
                ("price", json!(1.0)),
            ],
        ),
        (
            "freeze quantity 595",
            vec![
                ("instrument_token", json!(CALL)),
                ("quantity", json!(630)),
                ("price", json!(1.0)),
            ],
        ),
        ("tick size 0.05", vec![("price", json!(99.03))]),
        (
            "tick size 0.05",
            vec![("order_type", json!("SL")), ("trigger_price", json!(99.01))],
        ),
        (
            "margin exceeds, add Rs 98000.00",
            vec![("quantity", json!(10_000))],
        ),
        (
            "no holdings",
            vec![("product", json!("D")), ("transaction_type", json!("SELL"))],
        ),
    ];
    let mut bench = Bench::new();
    for (words, changes) in &table {
        let id = bench.place(changes).expect("the gateway takes it in");
        assert_eq!(
            bench.states(&id),
            ["put order req received", "validation pending", "rejected"]
        );
        let row = bench.get(&format!("/v2/order/details?order_id={id}"));
        let told = row["status_message"].as_str().expect("a reason");
        assert!(told.contains(words), "{told}");
        assert_eq!(
            (row["pending_quantity"].as_i64(), row["average_price"].as_f64()),
            (Some(0), Some(0.0))
        );
    }
    bench.now = at(15, 30, 0);
    let id = bench.place(&[]).expect("taken in");
    assert_eq!(
        bench.states(&id).last().map(String::as_str),
        Some("rejected"),
        "after the close"
    );
}

#[test]
fn a_large_order_is_sliced_at_the_freeze_quantity() {
    let mut bench = Bench::new();
    let body = order(&[
        ("instrument_token", json!(CALL)),
        ("quantity", json!(1_225)),
        ("price", json!(1.0)),
        ("slice", json!(true)),
    ]);
    let (_, reply) = bench.call(Host::Order, "POST", "/v3/order/place", &body);
    assert_eq!(reply["data"]["order_ids"].as_array().map(Vec::len), Some(3));
    let sizes: Vec<i64> = bench
        .get("/v2/order/retrieve-all")
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["quantity"].as_i64().expect("units"))
        .collect();
    assert_eq!(sizes, [595, 595, 35]);
    assert_eq!(
        bench.place(&[
            ("instrument_token", json!(CALL)),
            ("quantity", json!(35_000)),
            ("price", json!(1.0)),
            ("slice", json!(true))
        ]),
        Err("UDAPI1118".to_owned())
    );
}
