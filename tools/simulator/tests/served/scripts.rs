//! Each fault script against real sockets: what a client sees while it is on, and that it ends.

use std::io::Read;

use crate::client::{Rest, Socket, enter, keys, next_frame, open, subscribe};
use bijli_core::IstDay;
use bijli_simulator::{DaySpec, RateLimits, RunningSimulator, SimSettings, Transport, start};
use serde_json::{Value, json};
use tungstenite::Message;

const PROFILE: &str = "/v2/user/profile";

fn settings() -> SimSettings {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    SimSettings {
        day: DaySpec::Synthetic { day, instruments: 12 },
        rate_limits: RateLimits::Off,
        transport: Transport::Plain,
        ..SimSettings::default()
    }
}

fn simulator() -> RunningSimulator {
    start(settings()).expect("it starts")
}

fn run(sim: &RunningSimulator, script: &Value) -> Value {
    let (status, shown) =
        Rest::new(sim, &sim.api_url)
            .with_token("none")
            .call("PUT", "/sim/script", &script.to_string());
    assert_eq!(status, 200, "{shown}");
    shown
}

fn status(sim: &RunningSimulator, target: &str) -> u16 {
    Rest::new(sim, &sim.api_url).raw("GET", target, "").0
}

/// Reads until the socket ends; the close code, or 1006 without a close frame.
fn close_code(socket: &mut Socket) -> u16 {
    loop {
        match socket.read() {
            Ok(Message::Close(frame)) => return frame.map_or(1005, |frame| frame.code.into()),
            Ok(_) => {}
            Err(_) => return 1006,
        }
    }
}

#[test]
fn a_revoked_token_is_refused_everywhere_and_its_sockets_are_closed() {
    let sim = simulator();
    let mut feed = enter(&sim, &sim.feed_url);
    let mut stream = enter(&sim, &sim.stream_url);
    let shown = run(&sim, &json!({ "revoke_token": true }));
    assert_eq!(shown["token"], Value::Null);
    assert_eq!((close_code(&mut feed), close_code(&mut stream)), (1008, 1008));
    assert_eq!(status(&sim, PROFILE), 401);
    assert_eq!(
        open(&sim, &sim.feed_url, Some(&sim.token))
            .expect_err("refused")
            .0,
        401
    );
    let fresh = run(&sim, &json!({ "issue_token": true }));
    let token = fresh["token"].as_str().expect("a token");
    assert_ne!(token, sim.token);
    let mut rest = Rest::new(&sim, &sim.api_url).with_token(token);
    assert_eq!(rest.call("GET", PROFILE, "").0, 200);
}

#[test]
fn what_becomes_of_sockets_of_a_dead_token_is_an_option() {
    for (word, code) in [("close", 1008), ("cut", 1006)] {
        let mut settings = settings();
        settings
            .options
            .set(&format!("on_token_death={word}"))
            .expect("a choice");
        let sim = start(settings).expect("it starts");
        let mut feed = enter(&sim, &sim.feed_url);
        run(&sim, &json!({ "revoke_token": true }));
        assert_eq!(close_code(&mut feed), code, "{word}");
    }
    let mut settings = settings();
    settings.options.set("on_token_death=stay").expect("a choice");
    let sim = start(settings).expect("it starts");
    let mut feed = enter(&sim, &sim.feed_url);
    run(&sim, &json!({ "revoke_token": true }));
    subscribe(&mut feed, &keys(&sim, "EQ"), "ltpc");
    for _ in 0..10 {
        next_frame(&mut feed).expect("the feed lives");
    }
}

#[test]
fn a_token_dies_at_a_simulated_time_while_the_feed_runs() {
    let sim = simulator();
    run(&sim, &json!({ "token_expires_at": "09:20" }));
    let all = keys(&sim, "EQ");
    let mut feed = enter(&sim, &sim.feed_url);
    subscribe(&mut feed, &all, "ltpc");
    assert_eq!(close_code(&mut feed), 1008);
    assert_eq!(sim.stats().now.to_string(), "2026-07-31 09:20:00");
    assert_eq!(status(&sim, PROFILE), 401);
}

#[test]
fn a_clock_that_runs_overnight_meets_the_death_of_tokens_at_half_past_three() {
    let sim = start(SimSettings {
        overnight: true,
        ..settings()
    })
    .expect("it starts");
    let mut feed = enter(&sim, &sim.feed_url);
    subscribe(&mut feed, &keys(&sim, "INDEX"), "ltpc");
    assert_eq!(close_code(&mut feed), 1008);
    assert_eq!(sim.stats().now.to_string(), "2026-08-01 03:30:00");
    assert_eq!(status(&sim, PROFILE), 401);
}

#[test]
fn a_muted_feed_pings_on_and_speaks_again_when_it_is_over() {
    let sim = simulator();
    let all = keys(&sim, "EQ");
    let mut feed = enter(&sim, &sim.feed_url);
    subscribe(&mut feed, &all, "ltpc");
    for _ in 0..10 {
        next_frame(&mut feed).expect("the feed lives");
    }
    run(&sim, &json!({ "mute_feed": true }));
    let (mut pings, mut frames) = (0, 0);
    while pings < 50 {
        match feed.read().expect("the socket stays open") {
            Message::Ping(_) => pings += 1,
            Message::Binary(_) if pings > 1 => frames += 1,
            _ => {}
        }
    }
    assert_eq!(frames, 0, "time runs and nothing is told");
    run(&sim, &json!({ "mute_feed": false }));
    while next_frame(&mut feed).expect("the feed lives").feeds.is_empty() {}
}

#[test]
fn half_of_the_keys_are_never_heard_of() {
    let sim = simulator();
    run(&sim, &json!({ "never_seen": "half" }));
    let all = keys(&sim, "EQ");
    let mut feed = enter(&sim, &sim.feed_url);
    subscribe(&mut feed, &all, "ltpc");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..300 {
        seen.extend(next_frame(&mut feed).expect("the feed lives").feeds.into_keys());
    }
    assert_eq!(seen.len(), all.len() / 2, "{seen:?}");
}

#[test]
fn a_redirect_leads_to_a_uri_that_was_used_before() {
    let sim = simulator();
    run(&sim, &json!({ "redirect": "replay" }));
    let (first, location) = open(&sim, &sim.feed_url, Some(&sim.token)).expect_err("redirected");
    let second = open(&sim, &location.expect("a location"), None)
        .expect_err("refused")
        .0;
    assert_eq!((first, second), (302, 403));
    run(&sim, &json!({ "redirect": null }));
    let _open = enter(&sim, &sim.feed_url);
}

#[test]
fn handshakes_are_refused_as_often_as_told() {
    let sim = simulator();
    run(
        &sim,
        &json!({ "feed_handshake": { "status": 403, "times": 2 }, "stream_handshake": 401 }),
    );
    let statuses: Vec<u16> = (0..3)
        .map(|_| {
            open(&sim, &sim.feed_url, Some(&sim.token))
                .expect_err("no socket at the entry")
                .0
        })
        .collect();
    assert_eq!(statuses, [403, 403, 302]);
    for _ in 0..3 {
        assert_eq!(
            open(&sim, &sim.stream_url, Some(&sim.token))
                .expect_err("refused")
                .0,
            401
        );
        assert_eq!(status(&sim, "/v2/feed/portfolio-stream-feed/authorize"), 401);
    }
}

#[test]
fn a_storm_of_refusals_strikes_the_calls_it_names() {
    let sim = simulator();
    let order = |sim: &RunningSimulator| {
        Rest::new(sim, &sim.order_url)
            .raw("DELETE", "/v3/order/cancel?order_id=1", "")
            .0
    };
    for (calls, reads, orders) in [("all", 429, 429), ("orders", 200, 429), ("reads", 429, 400)] {
        run(&sim, &json!({ "too_many": calls }));
        assert_eq!((status(&sim, PROFILE), order(&sim)), (reads, orders), "{calls}");
    }
    run(
        &sim,
        &json!({ "too_many": { "calls": "all", "times": 1, "retry_after_s": 7 } }),
    );
    let mut rest = Rest::new(&sim, &sim.api_url);
    let (head, body) = rest.exchange("GET", PROFILE, "", "").expect("a reply");
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(
        (
            head.status,
            head.headers.get("retry-after"),
            &body["errors"][0]["errorCode"]
        ),
        (429, Some("7"), &json!("UDAPI10005"))
    );
    assert_eq!(rest.raw("GET", PROFILE, "").0, 200, "once is once");
}

#[test]
fn the_order_host_goes_down_and_comes_back_while_the_api_host_stays() {
    let sim = simulator();
    let mut kept = Rest::new(&sim, &sim.order_url);
    assert_eq!(kept.raw("DELETE", "/v3/order/cancel?order_id=1", "").0, 400);
    let address = sim.order_url.trim_start_matches("http://").to_owned();
    run(&sim, &json!({ "order_host": "down" }));
    assert_eq!(kept.attempt("DELETE", "/v3/order/cancel?order_id=1", ""), None);
    let refused = std::net::TcpStream::connect(&address).expect_err("nobody listens");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(status(&sim, PROFILE), 200);
    run(&sim, &json!({ "order_host": "drops" }));
    let reply = Rest::new(&sim, &sim.order_url).attempt("DELETE", "/v3/order/cancel?order_id=1", "");
    assert_eq!(reply, None);
    run(&sim, &json!({ "order_host": "up" }));
    let mut rest = Rest::new(&sim, &sim.order_url);
    assert_eq!(rest.raw("DELETE", "/v3/order/cancel?order_id=1", "").0, 400);
}

#[test]
fn answers_may_be_pages_or_nothing() {
    let sim = simulator();
    for (kind, status, holds) in [
        ("html", 200, "<html>"),
        ("html_502", 502, "<html>"),
        ("empty", 200, ""),
    ] {
        run(&sim, &json!({ "reply": { "kind": kind, "times": 1 } }));
        let mut rest = Rest::new(&sim, &sim.api_url);
        let (told, body) = rest.raw("GET", PROFILE, "");
        let text = String::from_utf8(body).expect("text");
        assert!(told == status && text.starts_with(holds), "{kind}: {told} {text}");
        assert_eq!(rest.raw("GET", PROFILE, "").0, 200);
    }
}

#[test]
fn an_order_may_be_carried_out_though_its_answer_is_a_page() {
    let sim = simulator();
    let order = json!({
        "instrument_token": keys(&sim, "EQ")[0], "quantity": 1, "product": "I", "validity": "DAY", "price": 0,
        "tag": "T1", "order_type": "MARKET", "transaction_type": "BUY", "disclosed_quantity": 0,
        "trigger_price": 0, "is_amo": false,
    });
    let mut rest = Rest::new(&sim, &sim.order_url);
    for (carried_out, orders) in [(false, 0), (true, 1)] {
        run(
            &sim,
            &json!({ "reply": { "kind": "html_502", "times": 1, "carried_out": carried_out } }),
        );
        assert_eq!(rest.raw("POST", "/v3/order/place", &order.to_string()).0, 502);
        assert_eq!(sim.stats().broker.orders_seen, orders);
    }
}

#[test]
fn a_small_answer_unpacks_to_a_gibibyte() {
    let sim = simulator();
    run(&sim, &json!({ "reply": { "kind": "gzip_bomb", "times": 1 } }));
    let (head, body) = Rest::new(&sim, &sim.api_url)
        .exchange("GET", PROFILE, "", "")
        .expect("a reply");
    assert_eq!(head.headers.get("content-encoding"), Some("gzip"));
    assert!(body.len() < 2_000_000);
    let mut first = [1; 4096];
    flate2::read::GzDecoder::new(body.as_slice())
        .read_exact(&mut first)
        .expect("gzip");
    assert_eq!(first, [0; 4096]);
}

#[test]
fn a_trickle_comes_byte_by_byte_and_whole_in_the_end() {
    let sim = simulator();
    let mut rest = Rest::new(&sim, &sim.api_url);
    let true_answer = rest.raw("GET", PROFILE, "");
    run(
        &sim,
        &json!({ "reply": { "kind": "trickle", "times": 1, "pace_ms": 1 } }),
    );
    let begun = std::time::Instant::now();
    assert_eq!(rest.raw("GET", PROFILE, ""), true_answer);
    assert!(
        begun.elapsed().as_millis() as usize >= true_answer.1.len(),
        "a byte a millisecond"
    );
    assert_eq!(
        rest.raw("GET", PROFILE, ""),
        true_answer,
        "the next answer is whole at once"
    );
}

#[test]
fn the_master_may_be_cut_changed_empty_or_a_page() {
    let sim = simulator();
    let target = "/market-quote/instruments/exchange/NSE.json.gz";
    let fetch = || Rest::new(&sim, &sim.api_url).raw("GET", target, "").1;
    let rows = |bytes: &[u8]| -> Result<Value, serde_json::Error> {
        serde_json::from_reader(flate2::read::GzDecoder::new(bytes))
    };
    let sound = rows(&fetch()).expect("rows");
    run(&sim, &json!({ "master": "truncated" }));
    assert!(rows(&fetch()).is_err());
    run(&sim, &json!({ "master": "empty" }));
    assert_eq!(fetch(), b"");
    run(&sim, &json!({ "master": "no_rows" }));
    assert_eq!(rows(&fetch()).expect("rows"), json!([]));
    run(&sim, &json!({ "master": "html" }));
    assert!(fetch().starts_with(b"<html>"));
    run(&sim, &json!({ "master": "lot_size" }));
    let changed = rows(&fetch()).expect("rows");
    let lots = |rows: &Value| -> Vec<i64> {
        let rows = rows.as_array().expect("an array").iter();
        let futures = rows.filter(|row| row["instrument_type"] == "FUT");
        futures
            .map(|row| row["lot_size"].as_i64().expect("a lot"))
            .collect()
    };
    assert!(!lots(&sound).is_empty());
    assert_eq!(
        lots(&changed),
        lots(&sound).iter().map(|lot| lot * 2).collect::<Vec<_>>()
    );
    run(&sim, &json!({ "master": null }));
    assert_eq!(rows(&fetch()).expect("rows"), sound);
    let nameless = Rest::new(&sim, &sim.api_url)
        .exchange("GET", target, "", "")
        .expect("a reply");
    assert_eq!(nameless.0.status, 403, "who does not name itself is refused");
}

#[test]
fn scripts_of_the_settings_wait_for_their_simulated_time() {
    let sim = start(SimSettings {
        scripts: vec![
            json!({ "at": "09:17", "never_seen": "half" }),
            json!({ "at": "09:18", "revoke_token": true }),
        ],
        ..settings()
    })
    .expect("it starts");
    assert_eq!(status(&sim, PROFILE), 200);
    let mut feed = enter(&sim, &sim.feed_url);
    subscribe(&mut feed, &keys(&sim, "EQ"), "ltpc");
    assert_eq!(close_code(&mut feed), 1008);
    assert_eq!(sim.stats().now.to_string(), "2026-07-31 09:18:00");
    let (_, shown) = Rest::new(&sim, &sim.api_url).call("GET", "/sim/script", "");
    assert_eq!(shown["never_seen"], "half");
}

#[test]
fn a_wrong_script_is_refused_at_run_time_and_at_the_start() {
    let sim = simulator();
    let mut rest = Rest::new(&sim, &sim.api_url);
    for wrong in ["", "[]", "{\"no_such\": 1}", "{\"mute_feed\": 3}"] {
        let (status, told) = rest.call("PUT", "/sim/script", wrong);
        assert_eq!(status, 400, "{told}");
        assert!(told["error"].is_string());
    }
    let error = start(SimSettings {
        scripts: vec![json!({ "no_such": 1 })],
        ..settings()
    })
    .expect_err("refused");
    assert!(error.to_string().contains("no_such"), "{error}");
}
