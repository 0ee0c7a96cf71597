//! HTTP beyond the calls themselves: methods, kinds of content, broken requests. Nothing of it may hang, and
//! nothing is answered with a 5xx.

use std::io::{Read, Write};

use bijli_core::IstDay;
use bijli_simulator::{DaySpec, RateLimits, RunningSimulator, SimSettings, Transport, start};
use bijli_wire::http1::ResponseHead;
use serde_json::{Value, json};

use crate::client::{Rest, connect};

const PROFILE: &str = "/v2/user/profile";

fn simulator() -> RunningSimulator {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    start(SimSettings {
        day: DaySpec::Synthetic { day, instruments: 3 },
        rate_limits: RateLimits::Off,
        transport: Transport::Plain,
        ..SimSettings::default()
    })
    .expect("it starts")
}

/// Status, code and kind of content of a reply.
fn told(rest: &mut Rest, method: &str, target: &str, lines: &str, body: &str) -> (u16, String, String) {
    let (head, bytes) = rest.exchange(method, target, lines, body).expect("a reply");
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let code = body["errors"][0]["errorCode"].as_str().unwrap_or_default();
    let kind = head.headers.get("content-type").unwrap_or_default();
    (head.status, code.to_owned(), kind.to_owned())
}

#[test]
fn what_is_not_spoken_is_refused_in_the_envelope() {
    let sim = simulator();
    let mut api = Rest::new(&sim, &sim.api_url);
    for (method, target, lines, body, status, code) in [
        ("GET", "/nowhere", "", "", 404, "UDAPI10000"),
        ("POST", PROFILE, "", "{}", 405, "UDAPI10000"),
        ("OPTIONS", PROFILE, "", "", 405, "UDAPI10000"),
        ("PATCH", "/v2/market/holidays", "", "", 405, "UDAPI10000"),
        ("GET", PROFILE, "Accept: text/html\r\n", "", 406, "UDAPI100036"),
        (
            "PUT",
            "/v2/portfolio/convert-position",
            "Content-Type: text/plain\r\n",
            "{}",
            400,
            "UDAPI100036",
        ),
        ("GET", "/v2/order/details?order_id=%", "", "", 400, ""),
        ("GET", "/v2/order/details?%&&==&order_id=%ff%00", "", "", 400, ""),
        ("POST", "/v2/order/multi/place", "", "[{\"a\":", 400, ""),
        ("POST", "/v3/order/gtt/place", "", "\"\"", 400, ""),
    ] {
        let (found, found_code, kind) = told(&mut api, method, target, lines, body);
        assert_eq!(
            (found, kind.as_str()),
            (status, "application/json"),
            "{method} {target}"
        );
        assert!(
            code.is_empty() && !found_code.is_empty() || found_code == code,
            "{target}: {found_code}"
        );
    }
    let (head, _) = api.exchange("DELETE", PROFILE, "", "").expect("a reply");
    assert_eq!(head.headers.get("allow"), Some("GET"));
    let mut order = Rest::new(&sim, &sim.order_url);
    assert_eq!(
        told(&mut order, "GET", "/v3/order/place", "Accept: */*\r\n", "").0,
        405
    );
    assert_eq!(told(&mut order, "GET", PROFILE, "", "").0, 404, "another host");
}

#[test]
fn head_has_the_heads_of_get_and_no_body() {
    let sim = simulator();
    let mut rest = Rest::new(&sim, &sim.api_url);
    for target in [
        PROFILE,
        "/nowhere",
        "/market-quote/instruments/exchange/NSE.json.gz",
    ] {
        let lines = "User-Agent: test\r\n";
        let (get, body) = rest.exchange("GET", target, lines, "").expect("a reply");
        let (head, _) = rest.exchange("HEAD", target, lines, "").expect("a reply");
        assert_eq!(head, get, "{target}");
        assert_eq!(head.headers.body_bytes().ok(), Some(body.len()));
    }
}

#[test]
fn broken_requests_get_an_answer_and_an_end() {
    let sim = simulator();
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00".as_slice(),
        b"GET\r\n\r\n",
        b"GET / HTTP/3.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
    ] {
        let mut stream = connect(&sim, &sim.api_url);
        stream.write_all(bytes).expect("it is sent");
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).expect("an end");
        let (head, used) = ResponseHead::parse(&reply).expect("HTTP").expect("a whole head");
        assert!((400..500).contains(&head.status), "{bytes:?}: {}", head.status);
        assert_eq!(head.headers.get("content-type"), Some("application/json"));
        let body: Value = serde_json::from_slice(&reply[used..]).expect("JSON");
        assert_eq!(body["status"], json!("error"));
    }
}
