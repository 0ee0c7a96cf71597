//! Every fault of a call: it fires when its chance is whole, what the client sees, and what the ledger holds.

use super::*;

const WHOLE: u32 = 1_000_000;

fn bench(fault: Fault) -> Bench {
    bench_of(Faults::NONE.with(fault, WHOLE), 7)
}

fn place(bench: &mut Bench) -> ApiReply {
    bench.raw(Host::Order, "POST", "/v3/order/place", &order(&[]).to_string())
}

fn fired(bench: &Bench, fault: Fault) -> u64 {
    bench.broker.stats().faults.of(fault)
}

/// Every shape of answer that a fault has, over so many seeds.
fn shapes(fault: Fault, of: impl Fn(ApiReply) -> String) -> Vec<String> {
    let answers = (0..40).map(|seed| of(place(&mut bench_of(Faults::NONE.with(fault, WHOLE), seed))));
    let shapes: std::collections::BTreeSet<String> = answers.collect();
    shapes.into_iter().collect()
}

fn kind(reply: ApiReply) -> String {
    let text = String::from_utf8(reply.body).expect("text");
    let body = if text.starts_with('<') {
        "page"
    } else if text.is_empty() {
        "nothing"
    } else {
        "json"
    };
    format!("{} {body}", reply.status)
}

#[test]
fn a_lost_reply_leaves_the_order_at_the_broker() {
    let mut bench = bench(Fault::ReplyLost);
    assert_eq!(place(&mut bench).delivery, Delivery::Never);
    assert_eq!(bench.broker.true_orders().count(), 1);
    assert_eq!(fired(&bench, Fault::ReplyLost), 1);
}

#[test]
fn a_late_reply_is_true_and_three_seconds_to_two_minutes_late() {
    let mut bench = bench(Fault::ReplyLate);
    let Delivery::After(delay) = place(&mut bench).delivery else {
        panic!("it comes later");
    };
    assert!((3..=120).contains(&(delay.get() / 1_000_000_000)));
    assert_eq!(bench.broker.true_orders().count(), 1);
}

#[test]
fn an_error_comes_in_five_shapes_before_or_after_the_order_is_taken_in() {
    let all = ["200 page", "500 json", "502 page", "503 page", "504 nothing"];
    for (fault, orders) in [(Fault::ErrorAfter, 1), (Fault::ErrorBefore, 0)] {
        assert_eq!(shapes(fault, kind), all);
        let mut bench = bench(fault);
        place(&mut bench);
        assert_eq!(bench.broker.true_orders().count(), orders);
        assert_eq!(fired(&bench, fault), 1);
    }
}

#[test]
fn a_burst_of_429_freezes_order_calls_and_a_suspension_all_calls_until_it_is_over() {
    for (fault, reads) in [(Fault::TooMany, 200), (Fault::Suspended, 429)] {
        let mut bench = bench(fault);
        let reply = place(&mut bench);
        assert_eq!((reply.status, reply.headers.is_empty()), (429, true));
        bench.broker.set_faults(Faults::NONE);
        assert_eq!(place(&mut bench).status, 429, "{fault:?}: it goes on");
        let read = bench
            .call(Host::Api, "GET", "/v2/order/retrieve-all", &Value::Null)
            .0;
        assert_eq!(read, reads, "{fault:?}");
        bench.now = bench.now.plus(fault.row().span.1);
        assert_eq!(place(&mut bench).status, 200, "{fault:?}: it is over");
        assert_eq!(bench.broker.true_orders().count(), 1);
    }
}

#[test]
fn success_without_an_id_is_still_an_order() {
    let all = [
        r#"{"data":null,"status":"success"}"#,
        r#"{"data":{"order_ids":[""]},"status":"success"}"#,
        r#"{"data":{"order_ids":[]},"status":"success"}"#,
        r#"{"data":{},"status":"success"}"#,
    ];
    let text = |reply: ApiReply| String::from_utf8(reply.body).expect("text");
    assert_eq!(shapes(Fault::NoOrderId, text), all);
    let mut bench = bench(Fault::NoOrderId);
    place(&mut bench);
    assert_eq!(bench.broker.true_orders().count(), 1);
}

#[test]
fn bad_json_is_cut_doubled_deep_or_huge_on_orders_and_reads_alike() {
    let shape = |reply: ApiReply| {
        let text = String::from_utf8(reply.body).expect("text");
        let doubled = text.matches("\"order_ids\"").count() == 2;
        let word = match text.len() {
            20_000 => "deep",
            _ if doubled => "doubled",
            _ if text.contains("123456789012345678901234567890123456789") => "huge",
            _ => "cut",
        };
        assert_eq!(reply.status, 200);
        word.to_owned()
    };
    assert_eq!(shapes(Fault::BadJson, shape), ["cut", "deep", "doubled", "huge"]);
    let mut bench = bench(Fault::BadJson);
    place(&mut bench);
    bench.raw(Host::Api, "GET", "/v2/order/retrieve-all", "");
    assert_eq!(
        (fired(&bench, Fault::BadJson), bench.broker.true_orders().count()),
        (2, 1)
    );
}

#[test]
fn half_of_the_cancels_and_changes_whose_reply_is_lost_are_carried_out() {
    let changed = |fault: Fault, seed| {
        let mut bench = bench_of(Faults::NONE, seed);
        let id = bench.place(&[]).expect("taken in");
        bench.broker.set_faults(Faults::NONE.with(fault, WHOLE));
        let reply = if fault == Fault::CancelReplyLost {
            let target = format!("/v3/order/cancel?order_id={id}");
            bench.raw(Host::Order, "DELETE", &target, "")
        } else {
            let change = json!({ "order_id": id, "validity": "DAY", "price": 98.0, "order_type": "LIMIT",
                "trigger_price": 0.0, "quantity": 5 });
            bench.raw(Host::Order, "PUT", "/v3/order/modify", &change.to_string())
        };
        assert_eq!((reply.delivery, fired(&bench, fault)), (Delivery::Never, 1));
        let stands = bench.broker.true_orders().next().expect("one order");
        stands.status == Status::Cancelled || stands.qty == Qty::new(5)
    };
    for fault in [Fault::CancelReplyLost, Fault::ModifyReplyLost] {
        let carried_out = (0..40).filter(|seed| changed(fault, *seed)).count();
        assert!((10..=30).contains(&carried_out), "{fault:?}: {carried_out}");
    }
}

#[test]
fn a_redirect_a_hidden_auth_error_and_a_blocked_address_place_nothing() {
    for fault in [Fault::Redirect, Fault::HiddenAuthError, Fault::AddressBlocked] {
        let mut bench = bench(fault);
        let reply = place(&mut bench);
        match fault {
            Fault::Redirect => assert!([302, 307].contains(&reply.status)),
            Fault::AddressBlocked => assert_eq!(reply.status, 403),
            _ => assert!([200, 400].contains(&reply.status)),
        }
        assert_eq!((bench.broker.true_orders().count(), fired(&bench, fault)), (0, 1));
    }
    let mut bench = bench(Fault::AddressBlocked);
    place(&mut bench);
    assert_eq!(bench.get("/v2/order/retrieve-all"), json!([]), "reads go on");
}

#[test]
fn in_silence_calls_are_carried_out_and_nothing_is_answered() {
    let mut bench = bench(Fault::Silence);
    assert_eq!(place(&mut bench).delivery, Delivery::Never);
    bench.broker.set_faults(Faults::NONE);
    let read = bench.raw(Host::Api, "GET", "/v2/order/retrieve-all", "");
    assert_eq!(read.delivery, Delivery::Never);
    assert_eq!(place(&mut bench).delivery, Delivery::Never);
    assert_eq!(bench.broker.true_orders().count(), 2);
    bench.now = bench.now.plus(Fault::Silence.row().span.1);
    assert_eq!(place(&mut bench).delivery, Delivery::Now);
}

#[test]
fn untrue_books_see_nothing_a_part_or_the_past_and_the_ledger_sees_all() {
    let mut seen = std::collections::BTreeSet::new();
    let (mut past_with_positions, mut past_alone) = (0, 0);
    for seed in 0..40 {
        let mut bench = bench_of(Faults::NONE, seed);
        for number in 0..20 {
            bench.now = at(10, 0, number * 4_000);
            bench
                .place(&[("tag", json!(format!("t{number}"))), ("price", json!(100.0))])
                .expect("taken in");
        }
        bench
            .broker
            .set_faults(Faults::NONE.with(Fault::BookUntrue, WHOLE));
        let rows = bench
            .get("/v2/order/retrieve-all")
            .as_array()
            .expect("rows")
            .len();
        seen.insert(rows);
        let held = bench.get("/v2/portfolio/short-term-positions")[0]["quantity"].clone();
        match held.as_u64() {
            Some(200) => past_alone += u32::from(rows < 20),
            held => {
                assert_eq!(held.unwrap_or(0), 10 * rows as u64, "one story, of one moment");
                past_with_positions += 1;
            }
        }
        assert_eq!(
            (
                bench.broker.true_orders().count(),
                fired(&bench, Fault::BookUntrue)
            ),
            (20, 1)
        );
        assert!(rows < 20 || seen.len() > 1, "{rows}");
    }
    assert!(seen.contains(&0) && seen.len() > 5, "{seen:?}");
    assert!(
        past_with_positions > 2 && past_alone > 2,
        "{past_with_positions} {past_alone}"
    );
}

#[test]
fn hidden_positions_come_back() {
    let mut bench = bench_of(Faults::NONE, 7);
    bench.place(&[("price", json!(100.0))]).expect("taken in");
    bench
        .broker
        .set_faults(Faults::NONE.with(Fault::PositionsHidden, WHOLE));
    assert_eq!(bench.get("/v2/portfolio/short-term-positions"), json!([]));
    assert_eq!(bench.broker.true_position(0), Qty::new(10));
    bench.broker.heal(bench.now);
    assert_eq!(bench.get("/v2/portfolio/short-term-positions")[0]["quantity"], 10);
}

#[test]
fn exit_all_leaves_positions_out_and_the_kill_switch_is_refused() {
    let mut bench = bench_of(Faults::NONE, 7);
    bench.place(&[("price", json!(100.0))]).expect("taken in");
    bench
        .broker
        .set_faults(Faults::NONE.with(Fault::ExitPartial, WHOLE));
    let (status, _) = bench.call(Host::Api, "POST", "/v2/order/positions/exit", &json!({}));
    assert_eq!((status, bench.broker.true_position(0)), (400, Qty::new(10)));
    let switch = json!([{ "segment": "NSE_FO", "action": "DISABLE" }]);
    let (status, body) = bench.call(Host::Api, "POST", "/v2/user/kill-switch", &switch);
    assert_eq!((status, code(&body)), (400, "UDAPI1184".to_owned()));
    assert_eq!(fired(&bench, Fault::ExitPartial), 2);
}
