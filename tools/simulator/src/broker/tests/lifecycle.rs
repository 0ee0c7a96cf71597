//! From the exchange on: fills, parts, stops, changes, cancels and their races.

use super::*;

#[test]
fn a_marketable_limit_order_walks_the_whole_ladder_and_fills_at_the_touch() {
    let mut bench = Bench::new();
    let id = bench.place(&[("price", json!(100.5))]).expect("accepted");
    assert_eq!(id.len(), 15);
    assert!(id.starts_with("260731"), "{id}");
    let ladder = [
        "put order req received",
        "validation pending",
        "open pending",
        "open",
        "complete",
    ];
    assert_eq!(bench.states(&id), ladder);
    assert_eq!(bench.trades(&id), [(10, 10_000)]);
    let position = &bench.get("/v2/portfolio/short-term-positions")[0];
    assert_eq!(
        (position["quantity"].as_i64(), position["buy_price"].as_f64()),
        (Some(10), Some(100.0))
    );
    let told: Vec<String> = std::iter::from_fn(|| bench.broker.poll_update())
        .filter(|update| update.kind == "order")
        .map(|update| serde_json::from_str::<Value>(&update.text).expect("JSON")["status"].to_string())
        .collect();
    assert_eq!(told, ladder.map(|word| format!("\"{word}\"")));
}

#[test]
fn an_order_fills_in_parts_as_the_book_refills() {
    let mut bench = Bench::new();
    let id = bench
        .place(&[
            ("quantity", json!(100)),
            ("price", json!(100.0)),
            ("product", json!("D")),
        ])
        .expect("accepted");
    assert_eq!(bench.trades(&id), [(100, 10_000)]);
    let more = bench
        .place(&[("quantity", json!(800)), ("price", json!(100.0))])
        .expect("accepted");
    assert_eq!(
        bench.trades(&more),
        [(400, 10_000)],
        "the touch showed 500 and 100 are gone"
    );
    let row = bench.get(&format!("/v2/order/details?order_id={more}"));
    assert_eq!(
        (row["status"].as_str(), row["filled_quantity"].as_i64()),
        (Some("open"), Some(400))
    );
    bench.book(0, 9_990, 500, 9_995, 250);
    assert_eq!(
        bench.trades(&more),
        [(400, 10_000), (250, 10_000)],
        "a rested order fills at its own price"
    );
    bench.book(0, 10_005, 500, 10_010, 250);
    assert_eq!(bench.states(&more).last().map(String::as_str), Some("open"));
    bench.cancel(&more);
    let row = bench.get(&format!("/v2/order/details?order_id={more}"));
    assert_eq!(
        (row["status"].as_str(), row["filled_quantity"].as_i64()),
        (Some("cancelled"), Some(650))
    );
}

#[test]
fn stops_immediate_orders_and_market_orders_behave_as_their_names_say() {
    let mut bench = Bench::new();
    let stop = bench.place(&[
        ("order_type", json!("SL-M")),
        ("price", json!(0)),
        ("trigger_price", json!(99.0)),
        ("transaction_type", json!("SELL")),
    ]);
    let stop = stop.expect("accepted");
    assert_eq!(
        bench.states(&stop).last().map(String::as_str),
        Some("trigger pending")
    );
    bench.book(0, 9_895, 500, 9_900, 500);
    let tail = bench.states(&stop);
    assert_eq!(tail[3..], ["trigger pending", "open", "complete"]);
    assert_eq!(bench.trades(&stop), [(10, 9_895)]);
    let ioc = bench
        .place(&[
            ("validity", json!("IOC")),
            ("quantity", json!(600)),
            ("price", json!(99.0)),
        ])
        .expect("accepted");
    assert_eq!(bench.states(&ioc).last().map(String::as_str), Some("cancelled"));
    assert_eq!(bench.trades(&ioc), [(500, 9_900)]);
    bench.book(0, 9_895, 500, 9_900, 20);
    let market = bench
        .place(&[
            ("order_type", json!("MARKET")),
            ("price", json!(0)),
            ("quantity", json!(30)),
        ])
        .expect("accepted");
    assert_eq!(bench.trades(&market), [(20, 9_900), (10, 9_905)]);
}

#[test]
fn a_modify_keeps_the_id_and_a_finished_order_refuses_change() {
    let mut bench = Bench::new();
    let id = bench.place(&[]).expect("accepted");
    let change = |id: &str, price: f64, qty: i64| json!({ "order_id": id, "validity": "DAY", "price": price, "order_type": "LIMIT", "trigger_price": 0, "quantity": qty });
    let (status, body) = bench.call(Host::Order, "PUT", "/v3/order/modify", &change(&id, 99.5, 20));
    assert_eq!(
        (status, body["data"]["order_id"].as_str()),
        (200, Some(id.as_str()))
    );
    let walked = bench.states(&id);
    assert_eq!(
        walked[3..],
        [
            "open",
            "modify validation pending",
            "modify pending",
            "modified",
            "open"
        ]
    );
    let row = bench.get(&format!("/v2/order/details?order_id={id}"));
    assert_eq!(
        (row["order_request_id"].as_str(), row["quantity"].as_i64()),
        (Some("2"), Some(20))
    );
    bench.call(Host::Order, "PUT", "/v3/order/modify", &change(&id, 99.53, 20));
    assert_eq!(bench.states(&id)[10..], ["not modified", "open"], "off the grid");
    bench.call(Host::Order, "PUT", "/v3/order/modify", &change(&id, 100.0, 20));
    assert_eq!(bench.states(&id).last().map(String::as_str), Some("complete"));
    let (_, body) = bench.call(Host::Order, "PUT", "/v3/order/modify", &change(&id, 99.0, 20));
    assert_eq!(code(&body), "UDAPI100041");
    let (_, body) = bench.cancel(&id);
    assert_eq!(code(&body), "UDAPI100040");
    for (target, expected) in [
        ("?order_id=999999999999999", "UDAPI100010"),
        ("", "UDAPI1023"),
        ("?order_id=a%20b", "UDAPI1010"),
    ] {
        let (_, body) = bench.call(
            Host::Order,
            "DELETE",
            &format!("/v3/order/cancel{target}"),
            &Value::Null,
        );
        assert_eq!(code(&body), expected);
    }
}

#[test]
fn a_fill_that_overtakes_a_cancel_wins() {
    let mut bench = Bench::with(BrokerSettings {
        exchange_delay: DurationNs::from_millis(50),
        ..settings()
    });
    let id = bench.place(&[]).expect("accepted");
    assert_eq!(bench.states(&id).last().map(String::as_str), Some("open pending"));
    bench.now = at(10, 0, 50);
    assert_eq!(bench.states(&id).last().map(String::as_str), Some("open"));
    bench.cancel(&id);
    bench.now = at(10, 0, 70);
    bench.book(0, 9_890, 500, 9_895, 500);
    bench.now = at(10, 0, 200);
    assert_eq!(
        bench.states(&id)[4..],
        ["cancel pending", "not cancelled", "complete"]
    );
    assert_eq!(bench.trades(&id), [(10, 9_900)]);
    let id = bench.place(&[("price", json!(98.0))]).expect("accepted");
    bench.now = at(10, 1, 0);
    bench.cancel(&id);
    bench.now = at(10, 1, 49);
    assert_eq!(
        bench.states(&id).last().map(String::as_str),
        Some("cancel pending")
    );
    bench.now = at(10, 1, 50);
    assert_eq!(bench.states(&id).last().map(String::as_str), Some("cancelled"));
}

#[test]
fn tags_find_their_orders_and_a_second_use_is_counted() {
    let mut bench = Bench::new();
    bench.place(&[("tag", json!("one"))]).expect("accepted");
    bench.place(&[("tag", json!("two"))]).expect("accepted");
    bench.place(&[("tag", json!("one"))]).expect("accepted");
    let stats = bench.broker.stats();
    assert_eq!(
        (stats.orders_seen, stats.tags_seen, stats.duplicate_tags),
        (3, 2, 1)
    );
    assert_eq!(
        bench.get("/v2/order/history?tag=two").as_array().map(Vec::len),
        Some(4)
    );
    assert_eq!(
        bench.get("/v2/order/history?tag=none").as_array().map(Vec::len),
        Some(0)
    );
    assert_eq!(
        bench.get("/v2/order/retrieve-all").as_array().map(Vec::len),
        Some(3)
    );
}

#[test]
fn order_updates_are_posted_to_the_application_if_it_named_an_address() {
    let options = BrokerOptions {
        order_webhook_url: Some("http://127.0.0.1:9/orders".to_owned()),
        ..no_holdings()
    };
    let mut bench = Bench::with(BrokerSettings {
        options,
        ..settings()
    });
    let id = bench.place(&[]).expect("accepted");
    let change = json!({ "order_id": id, "validity": "DAY", "price": 99.0, "order_type": "LIMIT",
        "trigger_price": 0, "quantity": 10, "disclosed_quantity": 5 });
    bench.call(Host::Order, "PUT", "/v3/order/modify", &change);
    let row = bench.get(&format!("/v2/order/details?order_id={id}"));
    assert_eq!(row["disclosed_quantity"], 5);
    let posted: Vec<String> = std::iter::from_fn(|| bench.broker.poll_webhook())
        .map(|hook| {
            assert_eq!(hook.url, "http://127.0.0.1:9/orders");
            hook.body
        })
        .collect();
    let streamed: Vec<String> = std::iter::from_fn(|| bench.broker.poll_update())
        .filter(|update| update.kind == "order")
        .map(|update| update.text)
        .collect();
    assert_eq!(posted, streamed);
    assert_eq!(posted.len(), 8);
}
