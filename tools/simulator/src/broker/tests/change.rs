//! A change is checked as a placement is, and so is what had no price or no such product when it was placed.

use crate::day::Morning;

use super::*;

impl Bench {
    /// Places an order and changes it: the last two states, and its quantity thereafter.
    fn changed(
        &mut self,
        placed: &[(&str, Value)],
        order_type: &str,
        (price, trigger): (f64, f64),
        qty: i64,
    ) -> (String, [String; 2], i64) {
        let id = self.place(placed).expect("accepted");
        let change = json!({ "order_id": id, "validity": "DAY", "price": price, "order_type": order_type,
            "trigger_price": trigger, "quantity": qty });
        let (status, body) = self.call(Host::Order, "PUT", "/v3/order/modify", &change);
        assert_eq!(status, 200, "{body}");
        let states = self.states(&id);
        let tail: [String; 2] = states[states.len() - 2..].to_vec().try_into().expect("two");
        let row = self.get(&format!("/v2/order/details?order_id={id}"));
        (id, tail, row["quantity"].as_i64().expect("units"))
    }

    fn message(&mut self, id: &str) -> String {
        let row = self.get(&format!("/v2/order/details?order_id={id}"));
        row["status_message"].as_str().unwrap_or_default().to_owned()
    }
}

const REFUSED: [&str; 2] = ["not modified", "open"];
const TAKEN: [&str; 2] = ["modified", "open"];

#[test]
fn a_change_to_the_market_needs_the_cash_of_a_placement() {
    for (order_type, prices) in [
        ("MARKET", (0.0, 0.0)),
        ("SL-M", (0.0, 101.0)),
        ("LIMIT", (99.0, 0.0)),
    ] {
        let mut bench = Bench::new();
        let (_, tail, qty) = bench.changed(&[], order_type, prices, 10_000);
        assert_eq!((tail, qty), (REFUSED.map(str::to_owned), 10), "{order_type}");
    }
    let (_, tail, qty) = Bench::new().changed(&[], "LIMIT", (99.0, 0.0), 5_000);
    assert_eq!(
        (tail, qty),
        (TAKEN.map(str::to_owned), 5_000),
        "a fifth of 495 000 is there"
    );
}

#[test]
fn an_order_that_closes_a_position_cannot_grow_into_an_unpaid_one() {
    let sell = [("transaction_type", json!("SELL")), ("price", json!(105.0))];
    for (wanted, tail, kept) in [(20_000, REFUSED, 10), (11, TAKEN, 11)] {
        let mut bench = Bench::new();
        let market = [("order_type", json!("MARKET")), ("price", json!(0))];
        bench.place(&market).expect("ten are bought");
        let (_, told, qty) = bench.changed(&sell, "LIMIT", (105.0, 0.0), wanted);
        assert_eq!((told, qty), (tail.map(str::to_owned), kept));
    }
}

#[test]
fn a_delivery_sale_cannot_grow_above_what_is_held() {
    let sell = [
        ("transaction_type", json!("SELL")),
        ("price", json!(105.0)),
        ("product", json!("D")),
        ("quantity", json!(2)),
    ];
    for (wanted, tail, kept) in [(51, REFUSED, 2), (10_000, REFUSED, 2), (50, TAKEN, 50)] {
        let options = BrokerOptions {
            demo_holdings: 1,
            ..BrokerOptions::default()
        };
        let mut bench = Bench::with(BrokerSettings {
            options,
            ..settings()
        });
        let (_, told, qty) = bench.changed(&sell, "LIMIT", (105.0, 0.0), wanted);
        assert_eq!((told, qty), (tail.map(str::to_owned), kept));
    }
}

#[test]
fn a_stop_whose_change_is_refused_goes_on_waiting() {
    let mut bench = Bench::new();
    let stop = [
        ("order_type", json!("SL-M")),
        ("price", json!(0)),
        ("trigger_price", json!(99.0)),
        ("transaction_type", json!("SELL")),
    ];
    let (id, tail, qty) = bench.changed(&stop, "SL-M", (0.0, 99.0), 10_000);
    assert_eq!(tail, ["not modified", "trigger pending"]);
    assert_eq!(qty, 10);
    bench.book(0, 9_895, 500, 9_900, 500);
    assert_eq!(bench.trades(&id), [(10, 9_895)]);
}

#[test]
fn a_past_row_tells_the_terms_of_its_time() {
    let mut bench = Bench::new();
    let stop = [
        ("order_type", json!("SL")),
        ("price", json!(98.0)),
        ("trigger_price", json!(98.5)),
        ("transaction_type", json!("SELL")),
    ];
    let (id, tail, _) = bench.changed(&stop, "LIMIT", (105.0, 0.0), 20);
    assert_eq!(tail, TAKEN);
    let terms =
        |row: &Value| ["order_type", "trigger_price", "price", "quantity"].map(|field| row[field].clone());
    let history = bench.get(&format!("/v2/order/history?order_id={id}"));
    let rows: Vec<_> = history.as_array().expect("rows").iter().map(terms).collect();
    let placed = [json!("SL"), json!(98.5), json!(98.0), json!(10)];
    let changed = [json!("LIMIT"), json!(0.0), json!(105.0), json!(20)];
    assert_eq!((&rows[0], rows.last()), (&placed, Some(&changed)));
    assert!(rows.is_sorted_by_key(|row| *row != placed), "{rows:?}");
}

#[test]
fn shares_alone_are_bought_on_the_brokers_money() {
    let mut bench = Bench::new();
    let option = |product: &str| {
        [
            ("instrument_token", json!(CALL)),
            ("quantity", json!(35)),
            ("price", json!(501.0)),
            ("product", json!(product)),
        ]
    };
    let id = bench.place(&option("MTF")).expect("taken in");
    assert_eq!(bench.message(&id), "RMS: product MTF is for shares alone");
    let id = bench.place(&option("I")).expect("taken in");
    assert_eq!(bench.trades(&id), [(35, 50_100)]);
    let convert = json!({ "instrument_token": CALL, "quantity": 35, "old_product": "I", "new_product": "MTF",
        "transaction_type": "BUY" });
    let (status, body) = bench.call(Host::Api, "PUT", "/v2/portfolio/convert-position", &convert);
    assert_eq!((status, code(&body).as_str()), (400, "UDAPI1035"));
}

#[test]
fn before_the_first_tick_a_market_order_costs_the_close_of_the_day_before() {
    let market = |qty: i64| {
        [
            ("order_type", json!("MARKET")),
            ("price", json!(0)),
            ("quantity", json!(qty)),
        ]
    };
    let mut bench = Bench::silent(settings());
    let id = bench.place(&market(10)).expect("taken in");
    assert_eq!(
        bench.message(&id),
        "RMS: no price is known for this instrument yet"
    );
    bench.broker.prepare_desk(Morning {
        closes: vec![100.0, 500.0, 25_000.0],
        ..Morning::default()
    });
    let id = bench.place(&market(10_000)).expect("taken in");
    assert_eq!(
        bench.message(&id),
        "RMS: margin exceeds, add Rs 100000.00 to place this order"
    );
    let id = bench.place(&market(10)).expect("taken in");
    assert_eq!(bench.states(&id).last().map(String::as_str), Some("open"));
    let blocked = bench.broker.margin_used().total();
    assert_eq!(blocked, Money::from_rupees(200), "a fifth of ten at 100");
}
