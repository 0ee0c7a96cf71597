//! Positions changed to another product, holdings, funds, margins, charges and reports.

use super::*;

const CONVERT: &str = "/v2/portfolio/convert-position";

fn wish(from: &str, to: &str, side: &str, qty: i64) -> Value {
    json!({ "instrument_token": SHARE, "old_product": from, "new_product": to, "transaction_type": side,
        "quantity": qty })
}

fn holding_one() -> Bench {
    let options = BrokerOptions {
        demo_holdings: 1,
        ..BrokerOptions::default()
    };
    Bench::with(BrokerSettings {
        options,
        ..settings()
    })
}

impl Bench {
    fn quantities(&mut self) -> Vec<(String, i64)> {
        let rows = self.get("/v2/portfolio/short-term-positions");
        rows.as_array()
            .expect("rows")
            .iter()
            .map(|row| {
                let product = row["product"].as_str().expect("a product").to_owned();
                (product, row["quantity"].as_i64().expect("units"))
            })
            .collect()
    }

    fn convert(&mut self, body: &Value) -> Result<Value, String> {
        let (status, body) = self.call(Host::Api, "PUT", CONVERT, body);
        if status == 200 {
            Ok(body["data"].clone())
        } else {
            Err(code(&body))
        }
    }
}

#[test]
fn a_conversion_moves_quantity_at_cost_and_refuses_what_is_not_there() {
    let mut bench = Bench::new();
    bench.place(&[("price", json!(100.0))]).expect("accepted");
    assert_eq!(
        bench.convert(&wish("I", "D", "BUY", 4)),
        Ok(json!({ "status": "complete" }))
    );
    assert_eq!(bench.quantities(), [("I".to_owned(), 6), ("D".to_owned(), 4)]);
    let rows = bench.get("/v2/portfolio/short-term-positions");
    assert_eq!(
        (
            &rows[0]["buy_value"],
            &rows[1]["buy_value"],
            &rows[1]["buy_price"]
        ),
        (&json!(600.0), &json!(400.0), &json!(100.0))
    );
    for (body, expected) in [
        (wish("I", "D", "BUY", 7), "UDAPI1035"),
        (wish("I", "D", "SELL", 1), "UDAPI1035"),
        (wish("MTF", "D", "BUY", 1), "UDAPI1035"),
        (wish("I", "I", "BUY", 1), "UDAPI1035"),
        (wish("I", "CO", "BUY", 1), "UDAPI100036"),
        (wish("I", "D", "BUY", 0), "UDAPI1052"),
    ] {
        assert_eq!(bench.convert(&body), Err(expected.to_owned()), "{body}");
    }
    bench.book(0, 9_995, 5_000, 10_000, 5_000);
    for (product, qty) in [("D", 490), ("I", 510)] {
        bench
            .place(&[
                ("price", json!(100.0)),
                ("quantity", json!(qty)),
                ("product", json!(product)),
            ])
            .expect("accepted");
    }
    assert_eq!(
        bench.convert(&wish("I", "D", "BUY", 510)),
        Err("UDAPI100500".to_owned()),
        "delivery needs cash that is not there"
    );
}

#[test]
fn a_short_converted_against_a_long_closes_it_at_what_both_cost() {
    let mut bench = Bench::new();
    let option = |side: &str, product: &str, price: f64| {
        [
            ("instrument_token", json!(CALL)),
            ("quantity", json!(35)),
            ("price", json!(price)),
            ("transaction_type", json!(side)),
            ("product", json!(product)),
        ]
    };
    bench.place(&option("BUY", "D", 501.0)).expect("accepted");
    bench.book(1, 50_500, 70, 50_600, 70);
    bench.place(&option("SELL", "I", 505.0)).expect("accepted");
    let mut body = wish("I", "D", "SELL", 35);
    body["instrument_token"] = json!(CALL);
    bench.convert(&body).expect("converted");
    assert_eq!(bench.quantities(), [("I".to_owned(), 0), ("D".to_owned(), 0)]);
    let rows = bench.get("/v2/portfolio/short-term-positions");
    assert_eq!(
        (&rows[0]["realised"], &rows[1]["realised"]),
        (&json!(0.0), &json!(140.0))
    );
}

#[test]
fn held_shares_can_be_sold_once_and_the_stream_tells_it() {
    let mut bench = holding_one();
    let row = bench.get("/v2/portfolio/long-term-holdings")[0].clone();
    assert_eq!(
        (&row["quantity"], &row["cnc_used_quantity"]),
        (&json!(50), &json!(0))
    );
    assert!(
        row["company_name"]
            .as_str()
            .expect("a name")
            .contains("simulated")
    );
    let pnl = (row["last_price"].as_f64().expect("a price")
        - row["average_price"].as_f64().expect("a price"))
        * 50.0;
    assert!((pnl - row["pnl"].as_f64().expect("rupees")).abs() < 0.01);
    let sale = [
        ("product", json!("D")),
        ("transaction_type", json!("SELL")),
        ("price", json!(99.95)),
        ("quantity", json!(30)),
    ];
    let state = |bench: &mut Bench, id: String| bench.states(&id).last().cloned().expect("a state");
    let id = bench.place(&sale).expect("taken");
    assert_eq!(state(&mut bench, id), "complete");
    assert_eq!(
        bench.get("/v2/portfolio/long-term-holdings")[0]["cnc_used_quantity"],
        30
    );
    let id = bench.place(&sale).expect("taken");
    assert_eq!(state(&mut bench, id), "rejected", "20 are left");
    let told = std::iter::from_fn(|| bench.broker.poll_update())
        .find(|update| update.kind == "holding")
        .expect("the holding was told");
    let told: Value = serde_json::from_str(&told.text).expect("JSON");
    assert_eq!(
        (
            &told["update_type"],
            &told["cnc_used_quantity"],
            &told["instrument_key"]
        ),
        (&json!("holding"), &json!(30), &json!(SHARE))
    );
}

#[test]
fn funds_add_up_and_both_versions_agree_whatever_is_open() {
    let mut bench = Bench::new();
    let check = |bench: &mut Bench| {
        let tree = bench.get("/v3/user/get-funds-and-margin")["available_to_trade"].clone();
        let sum = |value: &Value| -> f64 {
            value
                .as_object()
                .expect("an object")
                .values()
                .filter_map(Value::as_f64)
                .sum()
        };
        let cash = &tree["cash_available_to_trade"];
        let used = &cash["margin_used"];
        let parts = sum(used) - used["total"].as_f64().expect("rupees")
            + used["loss"]["total"].as_f64().expect("rupees")
            + used["delivery_margin"]["total"].as_f64().expect("rupees");
        let near = |a: f64, b: f64| assert!((a - b).abs() < 0.001, "{a} {b} {tree}");
        near(used["total"].as_f64().expect("rupees"), parts);
        near(
            cash["total"].as_f64().expect("rupees"),
            sum(&cash["cash"]) - parts,
        );
        near(
            tree["total"].as_f64().expect("rupees"),
            cash["total"].as_f64().expect("rupees")
                + tree["pledge_available_to_trade"]["total"]
                    .as_f64()
                    .expect("rupees"),
        );
        let old = bench.get("/v2/user/get-funds-and-margin");
        assert_eq!(old["equity"]["available_margin"], tree["total"]);
        assert_eq!(old["commodity"]["available_margin"], json!(0.0));
    };
    check(&mut bench);
    bench
        .place(&[("price", json!(100.0)), ("product", json!("D"))])
        .expect("accepted");
    bench
        .place(&[("price", json!(100.0)), ("product", json!("MTF"))])
        .expect("accepted");
    bench
        .place(&[("price", json!(99.0)), ("transaction_type", json!("SELL"))])
        .expect("accepted");
    let option = [
        ("instrument_token", json!(CALL)),
        ("quantity", json!(35)),
        ("price", json!(501.0)),
    ];
    bench.place(&option).expect("accepted");
    check(&mut bench);
    bench.book(0, 10_500, 500, 10_505, 500);
    bench
        .place(&[("price", json!(106.0))])
        .expect("the short is bought back at a loss");
    check(&mut bench);
    let equity = bench.get("/v2/user/get-funds-and-margin?segment=SEC");
    assert!(equity.get("commodity").is_none());
    let (status, body) = bench.call(
        Host::Api,
        "GET",
        "/v2/user/get-funds-and-margin?segment=EQ",
        &Value::Null,
    );
    assert_eq!((status, code(&body).as_str()), (400, "UDAPI1019"));
}

#[test]
fn margins_of_legs_add_up_and_bad_legs_have_their_codes() {
    let mut bench = Bench::new();
    let leg = |key: &str, qty: i64, side: &str| {
        json!({ "instrument_key": key, "quantity": qty, "product": "D",
        "transaction_type": side })
    };
    let ask = |bench: &mut Bench, legs: Value| {
        bench.call(
            Host::Api,
            "POST",
            "/v2/charges/margin",
            &json!({ "instruments": legs }),
        )
    };
    let (_, body) = ask(&mut bench, json!([leg(SHARE, 10, "BUY"), leg(CALL, 35, "SELL")]));
    let data = &body["data"];
    assert_eq!(data["margins"][0]["equity_margin"], json!(999.5));
    // 15 % of 35 contracts at 500, a fifth of it exposure.
    assert_eq!(
        (
            &data["margins"][1]["span_margin"],
            &data["margins"][1]["exposure_margin"]
        ),
        (&json!(2_100.0), &json!(525.0))
    );
    assert_eq!(
        (&data["required_margin"], &data["final_margin"]),
        (&json!(3_624.5), &json!(3_624.5))
    );
    let priced = json!([{ "instrument_key": CALL, "quantity": 35, "product": "CO", "transaction_type": "BUY",
        "price": 10.0 }]);
    assert_eq!(
        ask(&mut bench, priced).1["data"]["margins"][0]["net_buy_premium"],
        json!(350.0)
    );
    let with = |name: &str, value: Value| {
        let mut leg = leg(SHARE, 10, "BUY");
        leg[name] = value;
        json!([leg])
    };
    for (legs, expected) in [
        (with("price", json!(-1)), "UDAPI1095"),
        (with("quantity", json!(0)), "UDAPI1096"),
        (with("quantity", json!(null)), "UDAPI1097"),
        (with("instrument_key", json!("RELIANCE")), "UDAPI1098"),
        (with("instrument_key", json!(null)), "UDAPI1099"),
        (with("product", json!(null)), "UDAPI1100"),
        (with("transaction_type", json!(null)), "UDAPI1101"),
        (Value::Array(vec![leg(SHARE, 1, "BUY"); 21]), "UDAPI1102"),
        (Value::Array(vec![leg(SHARE, 1, "BUY"); 2]), "UDAPI1103"),
        (json!([leg(CALL, 34, "BUY")]), "UDAPI1104"),
        (with("instrument_key", json!("NSE_EQ|NONE")), "UDAPI100011"),
    ] {
        let (status, body) = ask(&mut bench, legs.clone());
        assert_eq!((status, code(&body).as_str()), (400, expected), "{legs}");
    }
}

#[test]
fn charges_follow_the_dated_table_and_delivery_has_its_own_tax() {
    let mut bench = Bench::new();
    let target = |changes: &[(&str, &str)]| {
        let mut fields = vec![
            ("instrument_token", "NSE_EQ%7CINE9SIM00001"),
            ("quantity", "1500"),
            ("product", "I"),
            ("transaction_type", "SELL"),
            ("price", "100"),
        ];
        for (name, value) in changes {
            fields.retain(|(field, _)| field != name);
            fields.push((name, value));
        }
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!("/v2/charges/brokerage?{}", pairs.join("&"))
    };
    let charges = bench.get(&target(&[]))["charges"].clone();
    // 150 000 rupees: 20 brokerage, 0.025 % tax, 0.00307 % exchange, 0.0001 % regulator, 18 % on three of them.
    assert_eq!(
        charges["taxes"],
        json!({ "gst": 4.4559, "stt": 37.5, "stamp_duty": 0.0 })
    );
    assert_eq!(
        (&charges["brokerage"], &charges["total"]),
        (&json!(20.0), &json!(66.7109))
    );
    assert_eq!(charges["other_charges"], charges["otherTaxes"]);
    let delivered = bench.get(&target(&[("product", "D"), ("transaction_type", "BUY")]))["charges"].clone();
    assert_eq!(delivered["taxes"]["stt"], json!(150.0));
    assert_eq!(delivered["taxes"]["stamp_duty"], json!(22.5));
    for (changes, expected) in [
        (("instrument_token", ""), "UDAPI1059"),
        (("quantity", ""), "UDAPI1060"),
        (("price", ""), "UDAPI1061"),
        (("transaction_type", ""), "UDAPI1062"),
        (("product", ""), "UDAPI1063"),
        (("quantity", "0"), "UDAPI1064"),
        (("price", "0"), "UDAPI1065"),
        (("price", "NaN"), "UDAPI1065"),
        (("price", "inf"), "UDAPI1065"),
        (("product", "OCO"), "UDAPI100036"),
        (("instrument_token", "NSE_EQ%7CNONE"), "UDAPI100011"),
    ] {
        let (status, body) = bench.call(Host::Api, "GET", &target(&[changes]), &Value::Null);
        assert_eq!((status, code(&body).as_str()), (400, expected), "{changes:?}");
    }
}

#[test]
fn reports_tell_past_and_present_trades_and_what_was_closed() {
    let mut bench = holding_one();
    bench.place(&[("price", json!(100.0))]).expect("accepted");
    bench
        .place(&[("price", json!(99.0)), ("transaction_type", json!("SELL"))])
        .expect("accepted");
    let history = "/v2/charges/historical-trades?start_date=2026-07-01&end_date=2026-07-31";
    let (_, body) = bench.call(
        Host::Api,
        "GET",
        &format!("{history}&page_number=2&page_size=4&segment=EQ"),
        &Value::Null,
    );
    assert_eq!(
        body["metaData"]["page"],
        json!({ "page_number": 2, "page_size": 4, "total_records": 6, "total_pages": 2 })
    );
    let rows: Vec<(&Value, &Value)> = body["data"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (&row["trade_date"], &row["transaction_type"]))
        .collect();
    assert_eq!(
        rows,
        [
            (&json!("2026-07-31"), &json!("BUY")),
            (&json!("2026-07-31"), &json!("SELL"))
        ]
    );
    let report = |name: &str| format!("/v2/trade/profit-loss/{name}?segment=EQ&financial_year=2627");
    let count = bench.get(&report("metadata"))["trades_count"].clone();
    let rows = bench.get(&format!("{}&page_number=1&page_size=5000", report("data")));
    assert_eq!(rows.as_array().map(|rows| json!(rows.len())), Some(count));
    let today = bench.get(&format!(
        "{}&page_number=1&page_size=10&from_date=31-07-2026&to_date=31-07-2026",
        report("data")
    ));
    assert_eq!(
        today[0],
        json!({ "quantity": 10.0, "isin": "INE9SIM00001", "scrip_name": "AVINTASTL", "trade_type": "EQ",
            "buy_date": "07-07-2026", "buy_average": 97.0, "sell_date": "31-07-2026", "sell_average": 99.95,
            "buy_amount": 970.0, "sell_amount": 999.5 }),
        "first in, first out"
    );
    let charges = bench.get(&report("charges"))["charges_breakdown"].clone();
    let sum = |value: &Value| -> f64 {
        value
            .as_object()
            .expect("parts")
            .values()
            .filter_map(Value::as_f64)
            .sum()
    };
    let parts =
        charges["brokerage"].as_f64().expect("rupees") + sum(&charges["taxes"]) + sum(&charges["charges"]);
    assert!((parts - charges["total"].as_f64().expect("rupees")).abs() < 0.001);
    assert!(parts > 0.0);
}

#[test]
fn a_report_refuses_what_it_cannot_mean() {
    let mut bench = Bench::new();
    for (target, expected) in [
        ("profit-loss/metadata?financial_year=2627", "UDAPI1067"),
        ("profit-loss/metadata?segment=XX&financial_year=2627", "UDAPI1066"),
        ("profit-loss/metadata?segment=EQ", "UDAPI1070"),
        (
            "profit-loss/metadata?segment=EQ&financial_year=20262027",
            "UDAPI1073",
        ),
        ("profit-loss/metadata?segment=EQ&financial_year=2628", "UDAPI1073"),
        (
            "profit-loss/charges?segment=EQ&financial_year=2627&from_date=31-03-2026",
            "UDAPI1105",
        ),
        (
            "profit-loss/charges?segment=EQ&financial_year=2627&from_date=2026-05-01",
            "UDAPI1088",
        ),
        (
            "profit-loss/charges?segment=EQ&financial_year=2627&from_date=01-04-9999999",
            "UDAPI1088",
        ),
        (
            "profit-loss/data?segment=EQ&financial_year=2627&page_size=1",
            "UDAPI1071",
        ),
        (
            "profit-loss/data?segment=EQ&financial_year=2627&page_number=1",
            "UDAPI1072",
        ),
        (
            "profit-loss/data?segment=EQ&financial_year=2627&page_number=1&page_size=0",
            "UDAPI1106",
        ),
        (
            "profit-loss/data?segment=EQ&financial_year=2627&page_number=1&page_size=5001",
            "UDAPI1107",
        ),
    ] {
        let (status, body) = bench.call(Host::Api, "GET", &format!("/v2/trade/{target}"), &Value::Null);
        assert_eq!((status, code(&body).as_str()), (400, expected), "{target}");
    }
    for (query, expected) in [
        ("end_date=2026-07-31", "UDAPI1068"),
        ("start_date=2026-07-31", "UDAPI1069"),
        ("start_date=31-07-2026&end_date=2026-07-31", "UDAPI1088"),
        ("start_date=2023-04-01&end_date=2026-07-31", "UDAPI1093"),
        ("start_date=2026-07-31&end_date=2026-07-01", "UDAPI1093"),
        (
            "start_date=2026-07-01&end_date=2026-07-31&segment=XX",
            "UDAPI1066",
        ),
    ] {
        let target = format!("/v2/charges/historical-trades?{query}&page_number=1&page_size=10");
        let (status, body) = bench.call(Host::Api, "GET", &target, &Value::Null);
        assert_eq!((status, code(&body).as_str()), (400, expected), "{query}");
    }
}
