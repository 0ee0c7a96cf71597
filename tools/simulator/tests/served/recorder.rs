//! Recorded requests: what a client sent, for whoever compares it with what another client sends.

use crate::client::{Rest, enter, keys, open, subscribe};
use bijli_core::IstDay;
use bijli_simulator::{DaySpec, SimSettings, Transport, start};
use serde_json::{Value, json};

fn settings() -> SimSettings {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    SimSettings {
        day: DaySpec::Synthetic { day, instruments: 12 },
        transport: Transport::Plain,
        records_requests: true,
        ..SimSettings::default()
    }
}

/// Host, method, target and status of each record.
fn told(records: &Value) -> Vec<(String, String, String, Option<u64>)> {
    let word = |value: &Value| value.as_str().expect("text").to_owned();
    let rows = records.as_array().expect("an array").iter();
    rows.map(|row| {
        (
            word(&row["host"]),
            word(&row["method"]),
            word(&row["target"]),
            row["status"].as_u64(),
        )
    })
    .collect()
}

#[test]
fn calls_handshakes_and_feed_requests_are_kept_in_order_until_they_are_cleared() {
    let sim = start(settings()).expect("it starts");
    let mut control = Rest::new(&sim, &sim.api_url);
    let body = "{\"quantity\": 0}";
    Rest::new(&sim, &sim.order_url)
        .exchange(
            "POST",
            "/v3/order/place?x=%7C",
            "X-Algo-Name: a\r\nX-Two: 1\r\nX-Two: 2\r\n",
            body,
        )
        .expect("a reply");
    assert_eq!(
        open(&sim, &sim.stream_url, Some("wrong")).expect_err("refused").0,
        401
    );
    let mut feed = enter(&sim, &sim.feed_url);
    subscribe(&mut feed, &keys(&sim, "INDEX"), "ltpc");
    while sim.stats().ticks_sent == 0 {
        std::thread::yield_now();
    }
    let (_, records) = control.call("GET", "/sim/requests", "");
    let rows = told(&records);
    let seen: Vec<(&str, &str, Option<u64>)> = rows
        .iter()
        .map(|(host, method, _, status)| (host.as_str(), method.as_str(), *status))
        .collect();
    assert_eq!(
        seen,
        [
            ("order", "POST", Some(400)),
            ("api", "GET", Some(401)),
            ("api", "GET", Some(302)),
            ("feeder", "GET", Some(101)),
            ("api", "GET", Some(200)),
            ("feeder", "WS", Some(101)),
        ]
    );
    let placed = &records[0];
    assert_eq!(
        (&placed["target"], &placed["body"]),
        (&json!("/v3/order/place?x=%7C"), &json!(body))
    );
    assert_eq!(
        (&placed["headers"]["x-algo-name"], &placed["headers"]["x-two"]),
        (&json!("a"), &json!("1, 2"))
    );
    let request: Value = serde_json::from_str(records[5]["body"].as_str().expect("text")).expect("JSON");
    assert_eq!(request["method"], "sub");
    assert_eq!(control.call("DELETE", "/sim/requests", "").0, 200);
    assert_eq!(control.call("GET", "/sim/requests", ""), (200, json!([])));
}

#[test]
fn nothing_is_kept_unless_asked_and_the_oldest_give_way() {
    let silent = start(SimSettings {
        records_requests: false,
        ..settings()
    })
    .expect("it starts");
    let mut rest = Rest::new(&silent, &silent.api_url);
    rest.raw("GET", "/v2/user/profile", "");
    assert_eq!(rest.call("GET", "/sim/requests", ""), (200, json!([])));
    let sim = start(settings()).expect("it starts");
    let mut rest = Rest::new(&sim, &sim.api_url);
    for _ in 0..4_100 {
        rest.raw("GET", "/nowhere", "");
    }
    let (_, records) = rest.call("GET", "/sim/requests", "");
    let records = records.as_array().expect("an array");
    assert_eq!((records.len(), &records[0]["n"]), (4_096, &json!(5)));
}
