//! REST calls that are refused as too many, answered with pages and bombs, trickle, or find nobody.

use std::time::Instant;

use serde_json::{Value, json};

use crate::place::{Day, End, Place, WITHIN, summary_of, target};

/// The day goes on from here with the fault, which ends by itself.
fn play_with(fault: Value) -> (Place, End) {
    let place = Place::start(Day {
        scripts: vec![fault],
        ..Day::default()
    });
    let end = place.play();
    assert_eq!(end.code, Some(0), "{end:?}");
    place.assert_ledger(0);
    let orders = orders_of(&place);
    assert!(!orders.contains(",UNKNOWN,"), "every doubt was settled: {orders}");
    assert_eq!(summary_of(&end)["journal"]["replay_identical"], true);
    (place, end)
}

/// The report's table of orders.
fn orders_of(place: &Place) -> String {
    std::fs::read_to_string(place.world.run_dir().join("orders.csv")).expect("part of the report")
}

fn is_placement(request: &Value) -> bool {
    request["method"] == "POST" && target(request).ends_with("/order/place")
}

fn survives_a_storm(retry_after_s: Option<u32>) {
    let storm =
        json!({ "at": "10:00", "too_many": { "calls": "all", "times": 25, "retry_after_s": retry_after_s } });
    let (place, _end) = play_with(storm);
    let refused = place.count(|request| request["status"] == 429);
    assert_eq!(refused, 25, "the storm passed over");
    // An idle lane keeps its connection warm by asking for nothing at all; that is no call of the gateway.
    let warm = place.count(|request| request["status"] == 429 && target(request) == "/") as u64;
    assert_eq!(
        place.world.stats().broker.rate_limited,
        0,
        "no call beyond the limits"
    );
    let requests = place.requests();
    let last = requests.iter().rposition(|request| request["status"] == 429);
    let after = &requests[last.expect("there was one")..];
    let exits = after
        .iter()
        .filter(|request| is_placement(request) && request["status"] == 200);
    assert!(exits.count() > 0, "orders pass again");
    let state = place.status();
    let classes = &state["gateway"]["classes"];
    let failures = classes["orders"]["failures"]
        .as_u64()
        .zip(classes["reads"]["failures"].as_u64());
    assert!(
        failures.is_some_and(|(orders, reads)| orders + reads + warm >= 25),
        "{state}"
    );
}

#[test]
fn a_storm_of_refusals_freezes_and_passes() {
    survives_a_storm(None);
}

#[test]
fn a_storm_of_refusals_that_asks_for_patience_is_given_it() {
    survives_a_storm(Some(2));
}

#[test]
fn with_the_order_host_down_the_breaker_opens_nothing_is_doubled_and_exits_pass_when_it_is_back() {
    let place = Place::start(Day {
        scripts: vec![json!({ "at": "10:00", "order_host": "down" })],
        ..Day::default()
    });
    let engine = place.world.spawn_engine();
    let open = place.until("the breaker opens", |state| {
        state["gateway"]["classes"]["orders"]["breaker"] == "OPEN"
    });
    assert_eq!(
        open["gateway"]["classes"]["reads"]["breaker"], "closed",
        "the API host is up"
    );
    let calls = place.count(is_placement);
    assert_eq!(calls, place.count(is_placement), "nothing arrives");
    place.script(&json!({ "order_host": "up" }));
    let (code, said) = engine.finish(WITHIN * 2);
    assert_eq!(code, Some(0), "{said}");
    place.assert_ledger(0);
    assert!(place.count(is_placement) > calls, "orders pass again");
    let state = place.status();
    assert_eq!(
        state["gateway"]["classes"]["orders"]["breaker"], "closed",
        "{state}"
    );
    assert_eq!(state["engine"]["orders_unknown"], 0);
}

fn survives_pages(kind: &str, carried_out: bool) {
    // Just before an entry: reads alone would use the pages up within the hour.
    let fault = json!({ "at": "10:54", "reply": { "kind": kind, "times": 150, "carried_out": carried_out } });
    let (place, _end) = play_with(fault);
    let failed = place.status()["gateway"]["classes"]["orders"]["failures"].as_u64();
    assert!(failed > Some(0), "an order was answered with a page");
    let (placed, taken) = (
        place.count(is_placement) as u64,
        place.world.stats().broker.tags_seen,
    );
    let absent = orders_of(&place).matches("PRESUMED_ABSENT").count() as u64;
    assert_eq!(
        placed,
        taken + absent,
        "each placement is known at the broker, or known not to be"
    );
    assert_eq!(absent > 0, !carried_out);
}

#[test]
fn pages_instead_of_answers_make_orders_unknown_and_evidence_settles_them() {
    survives_pages("html", true);
}

#[test]
fn pages_of_a_gateway_over_orders_that_were_taken_are_settled_by_evidence() {
    survives_pages("html_502", true);
}

#[test]
fn pages_of_a_gateway_over_orders_that_were_not_taken_end_by_the_rule() {
    survives_pages("html_502", false);
}

#[test]
fn bombs_are_cut_off_long_before_they_fill_the_memory() {
    let place = Place::start(Day {
        scripts: vec![
            json!({ "at": "10:00", "reply": { "kind": "gzip_bomb", "times": 40, "carried_out": true } }),
        ],
        ..Day::default()
    });
    let mut engine = place.world.spawn_engine();
    let (begun, mut peak_kib) = (Instant::now(), 0);
    while !engine.ended_within(std::time::Duration::from_millis(20)) {
        assert!(begun.elapsed() < WITHIN * 2);
        peak_kib = peak_kib.max(peak_of(engine.pid()).unwrap_or(0));
    }
    let (code, said) = engine.finish(WITHIN);
    assert_eq!(code, Some(0), "{said}");
    place.assert_ledger(0);
    assert!(peak_kib > 0 && peak_kib < 256 * 1024, "{peak_kib} KiB");
    assert!(place.status()["gateway"]["classes"]["reads"]["failures"].as_u64() > Some(0));
}

/// The most memory that a process has had, KiB.
fn peak_of(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn answers_that_trickle_are_given_up_and_what_they_meant_is_found_out() {
    let fault = json!({ "at": "10:00", "reply": { "kind": "trickle", "times": 2, "pace_ms": 1_000 } });
    let (place, _end) = play_with(fault);
    let reads = &place.status()["gateway"]["classes"];
    let failed = reads["reads"]["failures"]
        .as_u64()
        .zip(reads["orders"]["failures"].as_u64());
    assert!(
        failed.is_some_and(|(reads, orders)| reads + orders >= 2),
        "{reads}"
    );
}
