//! Kill switch, addresses, withdrawals, new shares and mutual funds.

use super::*;

const SWITCH: &str = "/v2/user/kill-switch";
const ADDRESS: &str = "/v2/user/ip";
const PAYOUT: &str = "/v2/user/payments/payout";

impl Bench {
    fn refused(&mut self, method: &str, target: &str, body: &Value) -> (u16, String) {
        let (status, body) = self.call(Host::Api, method, target, body);
        assert_eq!(body["status"], "error", "{target}");
        (status, code(&body))
    }

    /// The bench with a token of a new login.
    fn relogin(&mut self) {
        let key = self.broker.client_id().to_owned();
        let call = ApiCall {
            host: Host::Api,
            method: "POST",
            target: "/v2/totp-login/authorization/token",
            bearer: None,
            headers: &[("x-api-key", &key)],
            peer: LOCAL_PEER,
            body: br#"{"totp":"123456","pin":"123456"}"#,
        };
        let reply = self.broker.handle(Moments::at(self.now), &call);
        let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        self.token = body["access_token"].as_str().expect("a token").to_owned();
    }

    fn switched_off(&mut self) -> Vec<String> {
        let rows = self.get(SWITCH);
        assert_eq!(rows.as_array().map(Vec::len), Some(8));
        rows.as_array()
            .expect("rows")
            .iter()
            .filter(|row| row["kill_switch_enabled"] == json!(true) && row["segment_status"] == "INACTIVE")
            .map(|row| row["segment"].as_str().expect("a segment").to_owned())
            .collect()
    }
}

fn switched(segment: &str, action: &str) -> Value {
    json!([{ "segment": segment, "action": action }])
}

#[test]
fn the_kill_switch_cancels_ends_the_token_and_cools_for_twelve_hours() {
    let mut bench = Bench::new();
    let order = bench.place(&[]).expect("accepted");
    let (status, body) = bench.call(Host::Api, "POST", SWITCH, &switched("NSE_EQ", "DISABLE"));
    assert_eq!((status, body["data"].as_array().map(Vec::len)), (200, Some(8)));
    assert_eq!(
        bench.refused("GET", SWITCH, &Value::Null),
        (401, "UDAPI100050".to_owned())
    );
    bench.relogin();
    assert_eq!(bench.switched_off(), ["NSE_EQ"]);
    assert_eq!(bench.states(&order).last().map(String::as_str), Some("cancelled"));
    let refused = bench.place(&[]).expect("taken in");
    let row = bench.get(&format!("/v2/order/details?order_id={refused}"));
    assert_eq!(row["status"], "rejected");
    assert!(
        row["status_message"]
            .as_str()
            .expect("words")
            .contains("kill switch")
    );
    bench.now = at(21, 59, 0);
    let enable = switched("NSE_EQ", "ENABLE");
    assert_eq!(
        bench.refused("POST", SWITCH, &enable),
        (400, "UDAPI1185".to_owned())
    );
    bench.now = at(22, 0, 0);
    assert_eq!(bench.call(Host::Api, "POST", SWITCH, &enable).0, 200);
    bench.relogin();
    assert!(bench.switched_off().is_empty());
}

#[test]
fn the_kill_switch_changes_all_or_nothing_and_never_over_an_open_position() {
    let mut bench = Bench::new();
    bench.place(&[("price", json!(100.0))]).expect("accepted");
    let cases = [
        (switched("NSE_EQ", "DISABLE"), "UDAPI1184"),
        (switched("NSE_MF", "DISABLE"), "UDAPI1186"),
        (switched("NSE_FO", "STOP"), "UDAPI1188"),
        (json!([]), "UDAPI100036"),
        (json!({ "segment": "NSE_FO", "action": "DISABLE" }), "UDAPI100036"),
        (
            json!([{ "segment": "NSE_FO", "action": "DISABLE" }, { "segment": "NSE_EQ", "action": "DISABLE" }]),
            "UDAPI1184",
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(
            bench.refused("POST", SWITCH, &body),
            (400, expected.to_owned()),
            "{body}"
        );
        assert!(bench.switched_off().is_empty(), "{body}");
    }
}

#[test]
fn an_address_that_was_set_is_enforced_though_none_was_before() {
    for (address, placed) in [
        ("127.0.0.9", Err("UDAPI1154".to_owned())),
        ("127.0.0.1", Ok("260731025000001".to_owned())),
    ] {
        let mut bench = Bench::new();
        let (status, _) = bench.call(Host::Api, "PUT", ADDRESS, &json!({ "primary_ip": address }));
        assert_eq!(status, 200);
        bench.relogin();
        assert_eq!(bench.place(&[]), placed, "{address}");
    }
}

#[test]
fn addresses_change_once_a_week_and_end_the_token() {
    let options = BrokerOptions {
        order_ips: vec![LOCAL_PEER],
        ..no_holdings()
    };
    let mut bench = Bench::with(BrokerSettings {
        options,
        ..settings()
    });
    assert_eq!(bench.get(ADDRESS)["primary_ip"], "127.0.0.1");
    for (body, code) in [
        (json!({}), "UDAPI100036"),
        (json!({ "primary_ip": "127.0.0" }), "UDAPI100069"),
        (
            json!({ "primary_ip": "127.0.0.2", "secondary_ip": "127.0.0.2" }),
            "UDAPI100069",
        ),
    ] {
        assert_eq!(
            bench.refused("PUT", ADDRESS, &body),
            (400, code.to_owned()),
            "{body}"
        );
    }
    let (status, body) = bench.call(
        Host::Api,
        "PUT",
        ADDRESS,
        &json!({ "primary_ip": "::1", "secondary_ip": "127.0.0.9" }),
    );
    assert_eq!(
        (status, &body["data"]),
        (
            200,
            &json!({ "primary_ip": "::1", "secondary_ip": "127.0.0.9",
                "primary_ip_updated_at": "2026-07-31 10:00:00",
                "secondary_ip_updated_at": "2026-07-31 10:00:00", "access_tokens_invalidated": true })
        )
    );
    assert_eq!(bench.refused("GET", ADDRESS, &Value::Null).0, 401);
    bench.relogin();
    assert_eq!(
        bench.place(&[]),
        Err("UDAPI1154".to_owned()),
        "the old address is free no more"
    );
    let back = json!({ "primary_ip": "127.0.0.1" });
    assert_eq!(
        bench.refused("PUT", ADDRESS, &back),
        (403, "UDAPI1179".to_owned())
    );
    // 2026-07-31 is a Friday: the next calendar week begins on Monday.
    bench.now = TsNs::new(bench.now.get() + 3 * 86_400 * 1_000_000_000);
    bench.relogin();
    assert_eq!(bench.call(Host::Api, "PUT", ADDRESS, &back).0, 200);
}

#[test]
fn one_withdrawal_waits_takes_its_money_and_can_be_changed_or_called_back() {
    let mut bench = Bench::new();
    let total = |bench: &mut Bench| {
        bench.get("/v3/user/get-funds-and-margin")["available_to_trade"]["total"]
            .as_f64()
            .expect("rupees")
    };
    let asked = |mode: &str, amount: f64| json!({ "mode": mode, "amount": amount });
    for (body, expected) in [
        (json!({ "amount": 1 }), "UDAPI1215"),
        (asked("UPI", 500.0), "UDAPI1216"),
        (json!({ "mode": "NEFT" }), "UDAPI1217"),
        (asked("NEFT", 99.0), "UDAPI1218"),
        (asked("NEFT", 100_001.0), "UDAPI100500"),
    ] {
        assert_eq!(
            bench.refused("POST", PAYOUT, &body),
            (400, expected.to_owned()),
            "{body}"
        );
    }
    let (_, body) = bench.call(Host::Api, "POST", PAYOUT, &asked("NEFT", 1_000.0));
    let id = body["data"]["transaction_id"].as_str().expect("an id").to_owned();
    assert_eq!(
        (body["data"]["status"].as_str(), total(&mut bench)),
        (Some("received"), 99_000.0)
    );
    assert_eq!(
        bench.refused("POST", PAYOUT, &asked("NEFT", 500.0)).1,
        "UDAPI100500"
    );
    let own = format!("{PAYOUT}/{id}");
    bench.call(Host::Api, "PUT", &own, &json!({ "amount": 1_500 }));
    assert_eq!(total(&mut bench), 98_500.0);
    assert_eq!(bench.get(PAYOUT)[0]["amount"], json!(1_500.0));
    bench.call(Host::Api, "DELETE", &own, &Value::Null);
    assert_eq!(total(&mut bench), 100_000.0);
    assert_eq!(bench.refused("DELETE", &own, &Value::Null).1, "UDAPI100500");
    assert_eq!(
        bench.refused("DELETE", &format!("{PAYOUT}/none"), &Value::Null).1,
        "UDAPI100500"
    );
    let (_, body) = bench.call(Host::Api, "POST", PAYOUT, &asked("IMPS", 200.0));
    let instant = format!(
        "{PAYOUT}/{}",
        body["data"]["transaction_id"].as_str().expect("an id")
    );
    assert_eq!(
        bench.refused("PUT", &instant, &json!({ "amount": 300 })).1,
        "UDAPI100500"
    );
    bench.now = at(5, 29, 59_999);
    for target in ["/v2/user/get-funds-and-margin", "/v3/user/get-funds-and-margin"] {
        assert_eq!(
            bench.refused("GET", target, &Value::Null),
            (423, "UDAPI100072".to_owned())
        );
    }
    assert_eq!(bench.place(&[]), Err("UDAPI100074".to_owned()));
}

#[test]
fn an_application_for_new_shares_is_checked_kept_and_withdrawn() {
    let mut bench = Bench::new();
    let id = bench.get("/v2/ipos")[0]["id"].clone();
    let details = bench.get(&format!("/v2/ipos/{}", id.as_str().expect("an id")));
    let lot = details["minimum_quantity"].clone();
    let body = |changes: &[(&str, Value)]| {
        let mut body = json!({ "id": id, "upi": "a@bank", "category": "IND",
            "bids": [{ "quantity": lot, "price": details["maximum_price"] }] });
        for (name, value) in changes {
            body[*name] = value.clone();
        }
        body
    };
    let bid = |qty: Value, price: Value| json!([{ "quantity": qty, "price": price }]);
    for (changes, expected) in [
        (("id", json!(null)), "UDAPI1226"),
        (("upi", json!(null)), "UDAPI1227"),
        (("category", json!(null)), "UDAPI1228"),
        (("category", json!("EMP")), "UDAPI1229"),
        (("bids", json!([])), "UDAPI1231"),
        (("bids", bid(json!(null), json!(370))), "UDAPI1232"),
        (("bids", bid(json!(20), json!(null))), "UDAPI1233"),
        (("bids", json!([1, 2, 3, 4])), "UDAPI1235"),
        (("upi", json!("nobody")), "UDAPI1236"),
        (("id", json!("other-ipo")), "UDAPI100500"),
        (("bids", bid(json!(30), json!(380))), "UDAPI100500"),
        (("bids", bid(json!(20), json!(350))), "UDAPI100500"),
    ] {
        let body = body(&[changes]);
        assert_eq!(
            bench.refused("POST", "/v2/ipos/orders", &body),
            (400, expected.to_owned()),
            "{body}"
        );
    }
    for (query, expected) in [
        ("status=shut", "UDAPI1219"),
        ("issue_type=big", "UDAPI1220"),
        ("records=31", "UDAPI1173"),
    ] {
        assert_eq!(
            bench.refused("GET", &format!("/v2/ipos?{query}"), &Value::Null).1,
            expected
        );
    }
    assert_eq!(bench.get("/v2/ipos?status=listed"), json!([]));
    assert_eq!(
        bench.refused("GET", "/v2/ipos/other-ipo", &Value::Null).1,
        "UDAPI100500"
    );
    let (_, answer) = bench.call(Host::Api, "POST", "/v2/ipos/orders", &body(&[]));
    let own = format!(
        "/v2/ipos/orders/{}",
        answer["data"]["order_id"].as_str().expect("an id")
    );
    assert_eq!(bench.get(&own), bench.get("/v2/ipos/orders")[0]);
    bench.call(Host::Api, "DELETE", &own, &Value::Null);
    assert_eq!(bench.get(&own)["status"], "application_deleted");
    assert_eq!(bench.refused("DELETE", &own, &Value::Null).1, "UDAPI100500");
}

#[test]
fn lists_of_funds_are_paged_and_filtered() {
    let mut bench = Bench::new();
    let row = bench.get("/v2/mf/orders")[0].clone();
    assert_eq!(
        bench.get(&format!(
            "/v2/mf/orders/{}",
            row["order_id"].as_str().expect("an id")
        )),
        row
    );
    assert_eq!(bench.get("/v2/mf/orders?status=FAILED"), json!([]));
    assert_eq!(bench.get("/v2/mf/orders?page_number=2"), json!([]));
    for (query, expected) in [
        ("status=LOST", "UDAPI1197"),
        ("records=31", "UDAPI1173"),
        ("records=0", "UDAPI1196"),
        ("page_number=0", "UDAPI1174"),
        ("page_number=x", "UDAPI100036"),
    ] {
        assert_eq!(
            bench
                .refused("GET", &format!("/v2/mf/orders?{query}"), &Value::Null)
                .1,
            expected,
            "{query}"
        );
    }
    assert_eq!(
        bench.refused("GET", "/v2/mf/orders/none", &Value::Null).1,
        "UDAPI100010"
    );
    let plan = &bench.get("/v2/mf/sips")[0];
    assert_eq!(
        plan["completed_instalments"]
            .as_i64()
            .zip(plan["pending_instalments"].as_i64())
            .map(|(a, b)| a + b),
        plan["instalments"].as_i64()
    );
}
