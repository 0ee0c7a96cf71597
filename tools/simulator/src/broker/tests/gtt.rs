//! Orders with rules: every step of the machine, and every refusal.

use super::*;

const PLACE: &str = "/v3/order/gtt/place";

fn rule(strategy: &str, trigger_type: &str, price: f64) -> Value {
    json!({ "strategy": strategy, "trigger_type": trigger_type, "trigger_price": price })
}

fn gtt(kind: &str, rules: &[Value]) -> Value {
    json!({ "type": kind, "quantity": 10, "product": "D", "instrument_token": SHARE,
        "transaction_type": "BUY", "rules": rules })
}

fn bracket() -> Value {
    let rules = [
        rule("ENTRY", "BELOW", 99.0),
        rule("TARGET", "IMMEDIATE", 102.0),
        rule("STOPLOSS", "IMMEDIATE", 98.0),
    ];
    gtt("MULTIPLE", &rules)
}

impl Bench {
    fn place_gtt(&mut self, body: &Value) -> Result<String, String> {
        let (status, body) = self.call(Host::Api, "POST", PLACE, body);
        if status == 200 {
            Ok(body["data"]["gtt_order_ids"][0]
                .as_str()
                .expect("an id")
                .to_owned())
        } else {
            Err(code(&body))
        }
    }

    fn rule_words(&mut self, id: &str) -> Vec<String> {
        let rows = self.get(&format!("/v3/order/gtt?gtt_order_id={id}"));
        let rules = rows[0]["rules"].as_array().expect("rules").clone();
        rules
            .iter()
            .map(|rule| rule["status"].as_str().expect("a word").to_owned())
            .collect()
    }

    /// Moves the price of the share, plenty on both sides.
    fn price(&mut self, paise: i64) {
        self.book(0, paise, 5_000, paise + 5, 5_000);
    }

    fn net(&mut self) -> i64 {
        let rows = self.get("/v2/portfolio/short-term-positions");
        rows.as_array()
            .expect("rows")
            .iter()
            .filter_map(|row| row["quantity"].as_i64())
            .sum()
    }
}

#[test]
fn an_entry_fires_at_its_price_as_a_limit_order_and_is_then_gone_from_the_list() {
    let mut bench = Bench::new();
    let id = bench
        .place_gtt(&gtt("SINGLE", &[rule("ENTRY", "ABOVE", 101.0)]))
        .expect("taken");
    assert!(id.starts_with("GTT-C260731"), "{id}");
    bench.price(10_095);
    assert_eq!(bench.rule_words(&id), ["SCHEDULED"]);
    bench.price(10_100);
    assert_eq!(bench.rule_words(&id), ["COMPLETED"]);
    assert_eq!(bench.get("/v3/order/gtt"), json!([]));
    let child = &bench.get("/v2/order/retrieve-all")[0];
    assert_eq!(
        (&child["order_type"], &child["price"], &child["average_price"]),
        (&json!("LIMIT"), &json!(101.55), &json!(101.05)),
        "half a percent of give, on the step, filled at the touch"
    );
}

#[test]
fn a_bracket_enters_and_leaves_at_its_target_or_its_stop_and_never_at_both() {
    for (exit_at, words) in [
        (10_200, ["COMPLETED", "COMPLETED", "CANCELLED"]),
        (9_800, ["COMPLETED", "CANCELLED", "COMPLETED"]),
    ] {
        let mut bench = Bench::new();
        let id = bench.place_gtt(&bracket()).expect("taken");
        assert_eq!(bench.rule_words(&id), ["SCHEDULED", "INACTIVE", "INACTIVE"]);
        bench.price(9_790);
        assert_eq!(bench.net(), 0, "bought, and stopped out by the same price");
        let mut bench = Bench::new();
        let id = bench.place_gtt(&bracket()).expect("taken");
        bench.price(9_895);
        assert_eq!(bench.rule_words(&id), ["COMPLETED", "SCHEDULED", "SCHEDULED"]);
        assert_eq!(bench.net(), 10);
        bench.price(exit_at);
        assert_eq!(bench.rule_words(&id), words);
        assert_eq!(bench.net(), 0);
        for price in [9_700, 10_300, 9_700] {
            bench.price(price);
        }
        assert_eq!(bench.net(), 0, "what is over stays over");
    }
}

#[test]
fn a_short_bracket_mirrors_the_long_one() {
    let mut bench = Bench::new();
    let mut body = gtt(
        "MULTIPLE",
        &[
            rule("ENTRY", "IMMEDIATE", 99.9),
            rule("TARGET", "IMMEDIATE", 97.0),
            rule("STOPLOSS", "IMMEDIATE", 103.0),
        ],
    );
    body["transaction_type"] = json!("SELL");
    body["product"] = json!("I");
    let id = bench.place_gtt(&body).expect("taken");
    assert_eq!(bench.net(), -10, "an immediate entry asks for no price");
    let rows = bench.get(&format!("/v3/order/gtt?gtt_order_id={id}"));
    let sides: Vec<&Value> = rows[0]["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|rule| &rule["transaction_type"])
        .collect();
    assert_eq!(sides, ["SELL", "BUY", "BUY"]);
    bench.price(10_300);
    assert_eq!(bench.rule_words(&id), ["COMPLETED", "CANCELLED", "COMPLETED"]);
    assert_eq!(bench.net(), 0);
}

#[test]
fn a_trailing_stop_follows_the_price_up_by_whole_gaps_and_never_down() {
    let mut bench = Bench::new();
    let mut stop = rule("STOPLOSS", "IMMEDIATE", 95.0);
    stop["trailing_gap"] = json!(1.0);
    let id = bench
        .place_gtt(&gtt("MULTIPLE", &[rule("ENTRY", "IMMEDIATE", 100.0), stop]))
        .expect("taken");
    let trigger = |bench: &mut Bench| {
        bench.get(&format!("/v3/order/gtt?gtt_order_id={id}"))[0]["rules"][1]["trigger_price"].clone()
    };
    bench.price(10_150);
    assert_eq!(trigger(&mut bench), json!(96.0), "from 99.95 one whole gap");
    bench.price(10_400);
    assert_eq!(trigger(&mut bench), json!(99.0));
    bench.price(9_950);
    assert_eq!(trigger(&mut bench), json!(99.0));
    bench.price(9_900);
    assert_eq!(bench.net(), 0);
}

#[test]
fn a_rejected_child_fails_its_rule_and_cancels_the_rest() {
    let mut bench = Bench::new();
    let mut body = bracket();
    body["quantity"] = json!(50_000);
    let id = bench
        .place_gtt(&body)
        .expect("no cash is asked for before the trigger");
    bench.price(9_895);
    assert_eq!(bench.rule_words(&id), ["FAILED", "CANCELLED", "CANCELLED"]);
    let rows = bench.get("/v3/order/gtt");
    let message = rows[0]["rules"][0]["message"].as_str().expect("a reason");
    assert!(message.contains("margin"), "{message}");
}

#[test]
fn a_change_keeps_the_id_and_an_open_entry_locks_quantity_and_trigger_type() {
    let mut bench = Bench::new();
    let id = bench.place_gtt(&bracket()).expect("taken");
    let change = |rules: &[Value], qty: i64| json!({ "type": "MULTIPLE", "gtt_order_id": id, "quantity": qty, "rules": rules });
    let rules = [
        rule("ENTRY", "IMMEDIATE", 99.0),
        rule("TARGET", "IMMEDIATE", 103.0),
        rule("STOPLOSS", "IMMEDIATE", 97.0),
    ];
    let (status, body) = bench.call(Host::Api, "PUT", "/v3/order/gtt/modify", &change(&rules, 20));
    assert_eq!((status, &body["data"]["gtt_order_ids"]), (200, &json!([id])));
    assert_eq!(
        bench.rule_words(&id),
        ["OPEN", "INACTIVE", "INACTIVE"],
        "its limit rests below the market"
    );
    let mut waiting = rules.clone();
    waiting[0]["trigger_type"] = json!("BELOW");
    let (_, body) = bench.call(Host::Api, "PUT", "/v3/order/gtt/modify", &change(&waiting, 20));
    assert_eq!(code(&body), "UDAPI1150");
    let (_, body) = bench.call(Host::Api, "PUT", "/v3/order/gtt/modify", &change(&rules, 30));
    assert_eq!(code(&body), "UDAPI100036");
    let mut higher = rules;
    higher[0]["trigger_price"] = json!(100.0);
    bench.call(Host::Api, "PUT", "/v3/order/gtt/modify", &change(&higher, 20));
    assert_eq!(bench.rule_words(&id), ["COMPLETED", "SCHEDULED", "SCHEDULED"]);
    assert_eq!(bench.net(), 20);
}

#[test]
fn a_cancel_ends_what_has_not_triggered_and_a_finished_order_refuses() {
    let mut bench = Bench::new();
    let id = bench.place_gtt(&bracket()).expect("taken");
    let named = json!({ "gtt_order_id": id });
    let (status, _) = bench.call(Host::Api, "DELETE", "/v3/order/gtt/cancel", &named);
    assert_eq!(
        (status, bench.rule_words(&id)),
        (200, vec!["CANCELLED".to_owned(); 3])
    );
    bench.price(9_800);
    assert_eq!(bench.net(), 0);
    let (_, body) = bench.call(Host::Api, "DELETE", "/v3/order/gtt/cancel", &named);
    assert_eq!(code(&body), "UDAPI100040");
    let unknown = json!({ "gtt_order_id": "GTT-C1" });
    let (_, body) = bench.call(Host::Api, "DELETE", "/v3/order/gtt/cancel", &unknown);
    assert_eq!(code(&body), "UDAPI100010");
}

#[test]
fn intraday_orders_with_rules_expire_at_the_close_and_others_live_a_year() {
    let mut bench = Bench::new();
    let long = bench.place_gtt(&bracket()).expect("taken");
    let mut body = bracket();
    body["product"] = json!("I");
    let short = bench.place_gtt(&body).expect("taken");
    let row = &bench.get(&format!("/v3/order/gtt?gtt_order_id={long}"))[0];
    let life_us = row["expires_at"].as_i64().expect("µs") - row["created_at"].as_i64().expect("µs");
    assert_eq!(life_us, 365 * 24 * 3_600 * 1_000_000);
    bench.now = at(15, 31, 0);
    bench.broker.advance(bench.now);
    assert_eq!(bench.rule_words(&short), ["EXPIRED"; 3]);
    assert_eq!(bench.rule_words(&long), ["SCHEDULED", "INACTIVE", "INACTIVE"]);
}

#[test]
fn the_stream_tells_every_step_in_its_own_words() {
    let mut bench = Bench::new();
    bench.place_gtt(&bracket()).expect("taken");
    bench.price(9_895);
    bench.price(10_200);
    let told: Vec<Vec<String>> = std::iter::from_fn(|| bench.broker.poll_update())
        .filter(|update| update.kind == "gtt_order")
        .map(|update| {
            let row: Value = serde_json::from_str(&update.text).expect("JSON");
            assert_eq!(
                (&row["update_type"], &row["exchange"]),
                (&json!("gtt_order"), &json!("NSE_EQ"))
            );
            let rules = row["rules"].as_array().expect("rules").clone();
            rules
                .iter()
                .map(|rule| rule["status"].as_str().expect("a word").to_owned())
                .collect()
        })
        .collect();
    assert_eq!(told.first().expect("told"), &["PENDING"; 3]);
    assert_eq!(
        told.last().expect("told"),
        &["COMPLETED", "COMPLETED", "CANCELLED"]
    );
}

#[test]
fn what_cannot_be_an_order_with_rules_is_refused_by_its_own_code() {
    let mut bench = Bench::new();
    let entry = rule("ENTRY", "BELOW", 99.0);
    let target = rule("TARGET", "IMMEDIATE", 102.0);
    let mut gapped = rule("STOPLOSS", "IMMEDIATE", 90.0);
    gapped["trailing_gap"] = json!(0.5);
    let mut protected = entry.clone();
    protected["market_protection"] = json!(26);
    let mut gap_on_target = target.clone();
    gap_on_target["trailing_gap"] = json!(5);
    let cases = [
        (gtt("DOUBLE", std::slice::from_ref(&entry)), "UDAPI1126"),
        (gtt("SINGLE", &[entry.clone(), target.clone()]), "UDAPI1136"),
        (gtt("MULTIPLE", std::slice::from_ref(&entry)), "UDAPI1137"),
        (gtt("SINGLE", std::slice::from_ref(&target)), "UDAPI1141"),
        (
            gtt("MULTIPLE", &[entry.clone(), rule("TARGET", "ABOVE", 102.0)]),
            "UDAPI1143",
        ),
        (gtt("MULTIPLE", &[entry.clone(), gapped]), "UDAPI1151"),
        (gtt("SINGLE", &[protected]), "UDAPI1159"),
        (gtt("MULTIPLE", &[entry.clone(), entry.clone()]), "UDAPI100036"),
        (gtt("MULTIPLE", &[entry.clone(), gap_on_target]), "UDAPI100036"),
        (gtt("SINGLE", &[rule("ENTRY", "BELOW", 99.01)]), "UDAPI100036"),
        (gtt("SINGLE", &[rule("ENTRY", "BELOW", 0.0)]), "UDAPI100036"),
        (gtt("SINGLE", &[rule("ENTRY", "NEAR", 99.0)]), "UDAPI100036"),
    ];
    for (body, expected) in cases {
        assert_eq!(bench.place_gtt(&body), Err(expected.to_owned()), "{body}");
    }
    for (name, value, expected) in [
        ("quantity", json!(0), "UDAPI1052"),
        ("instrument_token", json!("NSE_EQ|NONE"), "UDAPI100011"),
        ("instrument_token", json!("MCX_FO|1"), "UDAPI1161"),
        ("product", json!("CO"), "UDAPI100036"),
        ("transaction_type", json!("HOLD"), "UDAPI100036"),
    ] {
        let mut body = gtt("SINGLE", std::slice::from_ref(&entry));
        body[name] = value;
        assert_eq!(bench.place_gtt(&body), Err(expected.to_owned()), "{body}");
    }
}
