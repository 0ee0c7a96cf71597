//! Every fault of an order: it fires when its chance is whole, what the client sees, and what the ledger holds.

use super::*;
use crate::broker::Origin;

const WHOLE: u32 = 1_000_000;

fn bench(faults: Faults) -> Bench {
    bench_of(faults, 7)
}

fn only(fault: Fault) -> Faults {
    Faults::NONE.with(fault, WHOLE)
}

fn fired(bench: &Bench, fault: Fault) -> u64 {
    bench.broker.stats().faults.of(fault)
}

fn true_status(bench: &Bench) -> (Status, i64) {
    let order = bench.broker.true_orders().next().expect("an order");
    (order.status, order.filled.get())
}

fn wait(bench: &mut Bench, seconds: i64) {
    bench.now = bench.now.plus(DurationNs::from_secs(seconds));
    bench.broker.advance(bench.now);
}

fn updates(bench: &mut Bench) -> Vec<String> {
    let texts = std::iter::from_fn(|| bench.broker.poll_update());
    texts
        .filter(|update| update.kind == "order")
        .map(|update| {
            let row: Value = serde_json::from_str(&update.text).expect("JSON");
            row["status"].as_str().expect("a word").to_owned()
        })
        .collect()
}

#[test]
fn a_late_rejection_follows_an_order_that_never_reached_the_exchange() {
    let mut bench = bench(only(Fault::RejectedLate));
    let id = bench.place(&[("price", json!(100.0))]).expect("taken in");
    assert!(!true_status(&bench).0.is_final());
    wait(&mut bench, 300);
    assert_eq!(true_status(&bench), (Status::Rejected, 0));
    assert_eq!(bench.states(&id).last().map(String::as_str), Some("rejected"));
    assert_eq!(fired(&bench, Fault::RejectedLate), 1);
}

#[test]
fn the_exchange_rejects_for_freeze_and_band_though_the_risk_check_passed() {
    for fault in [Fault::FreezeReject, Fault::BandReject] {
        let mut bench = bench(only(fault));
        bench.place(&[("price", json!(100.0))]).expect("taken in");
        assert_eq!(true_status(&bench), (Status::Rejected, 0), "{fault:?}");
        assert_eq!(fired(&bench, fault), 1);
    }
    let mut bench = bench(only(Fault::BandReject));
    let market = [("price", json!(0.0)), ("order_type", json!("MARKET"))];
    bench.place(&market).expect("taken in");
    assert_eq!(
        true_status(&bench),
        (Status::Complete, 10),
        "a market order names no price"
    );
}

#[test]
fn a_stop_is_rejected_when_it_is_released_and_not_before() {
    let mut bench = bench(only(Fault::StopReject));
    let stop = [
        ("price", json!(101.0)),
        ("trigger_price", json!(100.5)),
        ("order_type", json!("SL")),
    ];
    bench.place(&stop).expect("taken in");
    assert_eq!(true_status(&bench), (Status::TriggerPending, 0));
    assert_eq!(fired(&bench, Fault::StopReject), 0, "nothing has shown yet");
    bench.book(0, 10_050, 500, 10_055, 500);
    assert_eq!(true_status(&bench), (Status::Rejected, 0));
    assert_eq!(fired(&bench, Fault::StopReject), 1);
}

#[test]
fn a_stuck_order_waits_and_its_cancel_waits_with_it() {
    let mut bench = bench(only(Fault::Stuck));
    let id = bench.place(&[]).expect("taken in");
    assert_eq!(bench.cancel(&id).0, 200);
    assert_eq!(true_status(&bench).0, Status::CancelPending);
    wait(&mut bench, 600);
    assert_eq!(true_status(&bench), (Status::Cancelled, 0));
    let second = bench
        .place(&[("price", json!(100.0)), ("tag", json!("t2"))])
        .expect("taken in");
    wait(&mut bench, 600);
    assert_eq!(
        bench.states(&second),
        [
            "put order req received",
            "validation pending",
            "open pending",
            "open",
            "complete"
        ]
    );
    assert_eq!(fired(&bench, Fault::Stuck), 2);
}

#[test]
fn a_phantom_is_told_complete_without_trade_or_exchange_id_and_rejected_later() {
    let mut bench = bench(only(Fault::Phantom));
    let id = bench.place(&[("price", json!(100.0))]).expect("taken in");
    let row = bench.get(&format!("/v2/order/details?order_id={id}"));
    assert_eq!(
        (
            &row["status"],
            &row["filled_quantity"],
            &row["exchange_order_id"],
            &row["pending_quantity"]
        ),
        (&json!("complete"), &json!(10), &json!(""), &json!(0))
    );
    assert_eq!(bench.trades(&id), []);
    assert_eq!(bench.get("/v2/portfolio/short-term-positions"), json!([]));
    assert_eq!(bench.cancel(&id).0, 400, "it is told finished");
    assert_eq!(bench.broker.stats().fills, 0);
    wait(&mut bench, 60);
    assert_eq!(true_status(&bench), (Status::Rejected, 0));
    assert_eq!(updates(&mut bench).last().map(String::as_str), Some("rejected"));
    assert_eq!(fired(&bench, Fault::Phantom), 1);
}

#[test]
fn one_phantom_in_four_is_never_taken_back() {
    let stay = (0..80).filter(|seed| {
        let mut bench = bench_of(only(Fault::Phantom), *seed);
        let id = bench.place(&[("price", json!(100.0))]).expect("taken in");
        wait(&mut bench, 120);
        let row = bench.get(&format!("/v2/order/details?order_id={id}"));
        assert_eq!(
            (bench.trades(&id), bench.broker.true_position(0)),
            (vec![], Qty::ZERO)
        );
        row["status"] == "complete"
    });
    let stay = stay.count();
    assert!((10..=30).contains(&stay), "{stay} of 80");
}

#[test]
fn a_part_fills_and_the_rest_is_cancelled() {
    let mut bench = bench(only(Fault::PartialFill));
    let id = bench.place(&[("price", json!(100.0))]).expect("taken in");
    let (status, filled) = true_status(&bench);
    assert!(status == Status::Cancelled && (1..10).contains(&filled));
    assert_eq!(bench.trades(&id), [(filled, 10_000)]);
    assert_eq!(bench.broker.true_position(0).get(), filled);
    assert_eq!(fired(&bench, Fault::PartialFill), 1);
}

#[test]
fn a_fill_overtakes_a_cancel_and_is_a_true_trade() {
    let mut bench = bench(only(Fault::FillOnCancel));
    let id = bench.place(&[]).expect("taken in");
    assert_eq!(bench.cancel(&id).0, 200);
    assert_eq!(true_status(&bench), (Status::Complete, 10));
    assert_eq!(bench.trades(&id), [(10, 9_900)]);
    assert_eq!(bench.broker.true_position(0), Qty::new(10));
    let states = bench.states(&id);
    assert_eq!(
        states[states.len() - 3..],
        ["cancel pending", "not cancelled", "complete"]
    );
    assert_eq!(fired(&bench, Fault::FillOnCancel), 1);
}

#[test]
fn an_order_may_be_modified_so_often_and_by_fault_not_at_all() {
    let change = |id: &str, price: f64| json!({ "order_id": id, "validity": "DAY", "price": price, "order_type": "LIMIT", "trigger_price": 0.0 });
    let mut bench = bench(Faults::NONE);
    let id = bench.place(&[]).expect("taken in");
    let statuses: Vec<u16> = (0..26)
        .map(|number| {
            let body = change(&id, 98.0 + f64::from(number % 2));
            bench.call(Host::Order, "PUT", "/v3/order/modify", &body).0
        })
        .collect();
    assert_eq!((&statuses[..25], statuses[25]), (&[200; 25][..], 400));
    let mut early = self::bench(only(Fault::ModifyLimit));
    let id = early.place(&[]).expect("taken in");
    let (status, _) = early.call(Host::Order, "PUT", "/v3/order/modify", &change(&id, 98.0));
    assert_eq!((status, fired(&early, Fault::ModifyLimit)), (400, 1));
}

#[test]
fn a_fill_told_twice_bears_one_id_or_two_and_is_one_trade() {
    let mut bench = bench(only(Fault::DuplicateFill));
    let mut is_renamed = std::collections::BTreeSet::new();
    for number in 0..20 {
        bench.book(0, 9_995, 500 + number, 10_000, 500 + number);
        let tag = json!(format!("t{number}"));
        let id = bench
            .place(&[("price", json!(100.0)), ("tag", tag)])
            .expect("taken in");
        let rows = bench.get(&format!("/v2/order/trades?order_id={id}"));
        assert_eq!(rows.as_array().map(Vec::len), Some(2));
        is_renamed.insert(rows[0]["trade_id"] != rows[1]["trade_id"]);
    }
    assert_eq!(is_renamed.len(), 2, "both kinds");
    assert_eq!(
        (bench.broker.stats().fills, bench.broker.true_position(0)),
        (20, Qty::new(200))
    );
}

#[test]
fn updates_are_overtaken_or_dropped_while_the_ledger_goes_on() {
    let mut bench = bench(only(Fault::UpdateReordered));
    bench.place(&[("price", json!(100.0))]).expect("taken in");
    let told = updates(&mut bench);
    let steps = [
        "put order req received",
        "validation pending",
        "open pending",
        "open",
        "complete",
    ];
    assert_ne!(told, steps);
    wait(&mut bench, 2);
    let all = told.into_iter().chain(updates(&mut bench));
    assert_eq!(
        all.collect::<std::collections::BTreeSet<String>>(),
        steps.map(str::to_owned).into(),
        "none is lost"
    );
    let mut silent = self::bench(only(Fault::UpdateDropped));
    silent.place(&[("price", json!(100.0))]).expect("taken in");
    assert_eq!(updates(&mut silent), Vec::<String>::new());
    assert_eq!(silent.broker.true_position(0), Qty::new(10));
}

#[test]
fn an_echo_differs_in_price_quantity_or_product_and_the_ledger_holds_what_was_taken_in() {
    let mut seen = std::collections::BTreeSet::new();
    let mut bench = bench(only(Fault::EchoDiffers));
    for number in 0..30 {
        let changes = [
            ("instrument_token", json!(CALL)),
            ("quantity", json!(70)),
            ("price", json!(400.0)),
            ("tag", json!(format!("t{number}"))),
        ];
        let id = bench.place(&changes).expect("taken in");
        let row = bench.get(&format!("/v2/order/details?order_id={id}"));
        let order = bench.broker.true_orders().last().expect("it");
        assert_eq!(row["quantity"], order.qty.get());
        let off = (
            row["price"] != 400.0,
            row["quantity"] != 70,
            row["product"] != "I",
        );
        assert!(off.0 || off.1 || off.2, "{row}");
        seen.insert(off);
    }
    assert_eq!((seen.len(), fired(&bench, Fault::EchoDiffers)), (3, 30));
}

#[test]
fn only_the_first_half_of_the_slices_is_placed() {
    let mut bench = bench(only(Fault::SlicePartial));
    let changes = [
        ("instrument_token", json!(CALL)),
        ("quantity", json!(595 * 4)),
        ("price", json!(100.0)),
        ("slice", json!(true)),
    ];
    bench.place(&changes).expect("taken in");
    assert_eq!(
        (
            bench.broker.true_orders().count(),
            fired(&bench, Fault::SlicePartial)
        ),
        (2, 1)
    );
}

#[test]
fn only_a_client_s_orders_are_struck() {
    let faults = only(Fault::ExternalOrder).with(Fault::FreezeReject, WHOLE);
    let mut bench = bench(faults);
    wait(&mut bench, 60);
    let order = bench.broker.true_orders().next().expect("somebody's");
    assert_eq!((order.origin, order.tag), (Origin::External, None));
    assert_ne!(order.status, Status::Rejected);
    assert_eq!(fired(&bench, Fault::FreezeReject), 0);
}

#[test]
fn somebody_else_changes_an_order_after_the_client_did() {
    let mut bench = bench(only(Fault::ChangedByHand));
    let id = bench.place(&[("price", json!(99.0))]).expect("taken in");
    let terms = |bench: &Bench| {
        let order = bench.broker.true_orders().next().expect("an order");
        (order.qty.get(), order.price.get())
    };
    let asked = terms(&bench);
    wait(&mut bench, 10);
    assert_eq!((terms(&bench), fired(&bench, Fault::ChangedByHand)), (asked, 0));
    let change = json!({ "order_id": id, "validity": "DAY", "price": 99.05, "order_type": "LIMIT",
        "trigger_price": 0, "quantity": 10 });
    let (status, body) = bench.call(Host::Order, "PUT", "/v3/order/modify", &change);
    assert_eq!(status, 200, "{body}");
    let changed = terms(&bench);
    wait(&mut bench, 2);
    let (qty, price) = terms(&bench);
    assert!((qty, price) != changed && qty <= changed.0 && price <= changed.1);
    assert_eq!(
        (true_status(&bench).0, fired(&bench, Fault::ChangedByHand)),
        (Status::Open, 1)
    );
}
