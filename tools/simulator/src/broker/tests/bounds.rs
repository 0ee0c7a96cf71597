//! Numbers of any size in any field are answered; none ends the broker.

use super::*;

const NUMBERS: [&str; 9] = [
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "2147483647",
    "10000000",
    "9999999",
    "1e308",
    "-1",
    "0",
];

#[test]
fn a_number_of_any_size_in_a_query_is_answered() {
    let (reports, period) = ("/v2/trade/profit-loss", "segment=EQ&financial_year=2627");
    let (past, paged) = ("/v2/charges/historical-trades", "page_number=1&page_size=1");
    let charges = format!("/v2/charges/brokerage?instrument_token={SHARE}&product=D");
    let expired = "/v2/expired-instruments/historical-candle";
    let targets = [
        format!("{reports}/data?{period}&{paged}&from_date=01-04-{{}}"),
        format!("{reports}/data?{period}&{paged}&to_date={{}}-04-2026"),
        format!("{reports}/data?{period}&page_number={{}}&page_size=5000"),
        format!("{reports}/metadata?segment=EQ&financial_year={{}}"),
        format!("{reports}/charges?{period}&from_date=01-{{}}-2026"),
        format!("{past}?start_date={{}}-01-01&end_date=2026-07-31&{paged}"),
        format!("{past}?start_date=2026-07-01&end_date=2026-07-31&page_number={{}}&page_size=30"),
        format!("{charges}&transaction_type=SELL&quantity={{}}&price=10000000"),
        format!("{charges}&transaction_type=BUY&quantity=10000000&price={{}}"),
        "/v2/ipos?page_number={}&records=30".to_owned(),
        "/v2/mf/orders?page_number={}&records=30".to_owned(),
        format!("/v3/historical-candle/{SHARE}/minutes/{{}}/2026-07-30").replace('|', "%7C"),
        format!("/v3/historical-candle/{SHARE}/days/1/{{}}-07-30").replace('|', "%7C"),
        format!("{expired}/NSE_FO%7C{{}}%7C28-07-2026/day/2026-07-30/2026-07-01"),
    ];
    let mut bench = Bench::new();
    bench.broker.set_plus_plan(true);
    for target in targets {
        for number in NUMBERS {
            let target = target.replace("{}", number);
            let status = bench.raw(Host::Api, "GET", &target, "").status;
            assert!([200, 400, 404].contains(&status), "{target}: {status}");
        }
    }
}

/// Calls with numbers in their bodies.
fn calls() -> [(Host, &'static str, &'static str, Value); 7] {
    let buys = |body: Value| {
        let mut body = body;
        body["transaction_type"] = json!("BUY");
        body["product"] = json!("D");
        body
    };
    let change = json!({ "order_id": "260731025000001", "validity": "DAY", "price": 99.0, "order_type": "LIMIT",
        "trigger_price": 0, "quantity": 10, "disclosed_quantity": 0, "market_protection": -1 });
    let rule = json!({ "strategy": "ENTRY", "trigger_type": "IMMEDIATE", "trigger_price": 99.0,
        "market_protection": 1, "trailing_gap": 0 });
    let gtt = buys(json!({ "type": "SINGLE", "quantity": 1, "instrument_token": SHARE, "rules": [rule] }));
    let leg = buys(json!({ "instrument_key": SHARE, "quantity": 10_000_000, "price": 10_000_000 }));
    let convert = json!({ "instrument_token": SHARE, "quantity": 1, "old_product": "I", "new_product": "D",
        "transaction_type": "BUY" });
    let payout = json!({ "mode": "NEFT", "amount": 100 });
    [
        (Host::Order, "POST", "/v3/order/place", order(&[])),
        (
            Host::Order,
            "POST",
            "/v3/order/place",
            order(&[("slice", json!(true))]),
        ),
        (Host::Order, "PUT", "/v3/order/modify", change),
        (Host::Api, "POST", "/v3/order/gtt/place", gtt),
        (
            Host::Api,
            "POST",
            "/v2/charges/margin",
            json!({ "instruments": [leg] }),
        ),
        (Host::Api, "POST", "/v2/user/payments/payout", payout),
        (Host::Api, "PUT", "/v2/portfolio/convert-position", convert),
    ]
}

#[test]
fn a_number_of_any_size_in_a_body_is_answered() {
    let mut bench = Bench::new();
    bench.place(&[]).expect("the order that is changed");
    for (host, method, target, body) in calls() {
        for place in numbers_in(&body) {
            for number in NUMBERS {
                let mut text = body.clone();
                *text.pointer_mut(&place).expect("it was found") =
                    serde_json::from_str(number).expect("a number");
                let status = bench.raw(host, method, target, &text.to_string()).status;
                assert!([200, 400].contains(&status), "{method} {target} {text}: {status}");
            }
        }
    }
    bench.now = at(15, 31, 0);
    bench.broker.advance(bench.now);
}

/// Where numbers stand in a value.
fn numbers_in(value: &Value) -> Vec<String> {
    let below = |name: String, value: &Value| -> Vec<String> {
        let places = numbers_in(value).into_iter();
        places.map(|place| format!("/{name}{place}")).collect()
    };
    match value {
        Value::Number(_) => vec![String::new()],
        Value::Array(rows) => rows
            .iter()
            .enumerate()
            .flat_map(|(at, row)| below(at.to_string(), row))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, field)| below(name.clone(), field))
            .collect(),
        _ => Vec::new(),
    }
}
