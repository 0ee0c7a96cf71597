//! Every fault that comes with time: it fires when its chance is whole, what is seen of it, what the ledger holds.

use super::*;
use crate::broker::Origin;

const WHOLE: u32 = 1_000_000;

/// A broker with ten shares held, and a fault switched on after.
fn held(faults: Faults) -> Bench {
    let mut bench = Bench::with(BrokerSettings {
        capital: Money::from_rupees(100_000),
        ..settings()
    });
    bench.place(&[("price", json!(100.0))]).expect("taken in");
    bench.broker.set_faults(faults);
    bench
}

fn only(fault: Fault) -> Faults {
    Faults::NONE.with(fault, WHOLE)
}

fn wait(bench: &mut Bench, seconds: i64) {
    bench.now = bench.now.plus(DurationNs::from_secs(seconds));
    bench.broker.advance(bench.now);
}

fn fired(bench: &Bench, fault: Fault) -> u64 {
    bench.broker.stats().faults.of(fault)
}

#[test]
fn somebody_else_trades_on_the_account_each_minute() {
    let mut bench = held(only(Fault::ExternalOrder));
    wait(&mut bench, 59);
    assert_eq!(fired(&bench, Fault::ExternalOrder), 0);
    wait(&mut bench, 121);
    assert_eq!(fired(&bench, Fault::ExternalOrder), 3);
    let orders = bench.get("/v2/order/retrieve-all");
    assert_eq!(orders.as_array().map(Vec::len), Some(4), "the book tells them");
    let external = bench
        .broker
        .true_orders()
        .filter(|order| order.origin == Origin::External);
    assert_eq!(external.count(), 3);
}

#[test]
fn the_broker_closes_a_position_and_it_is_flat() {
    let mut bench = held(only(Fault::BrokerSquareOff));
    wait(&mut bench, 60);
    let order = bench.broker.true_orders().last().expect("its order");
    assert_eq!((order.origin, order.filled), (Origin::Broker, Qty::new(10)));
    assert_eq!(bench.broker.true_position(0), Qty::ZERO);
    wait(&mut bench, 600);
    assert_eq!(
        fired(&bench, Fault::BrokerSquareOff),
        1,
        "nothing is left to close"
    );
}

#[test]
fn intraday_positions_are_closed_at_the_hour_that_the_options_name() {
    let mut bench = Bench::with(BrokerSettings {
        options: BrokerOptions {
            intraday_square_off: Some(1_015),
            ..no_holdings()
        },
        ..settings()
    });
    bench.place(&[("price", json!(100.0))]).expect("taken in");
    bench.place(&[("tag", json!("rests"))]).expect("taken in");
    wait(&mut bench, 899);
    assert_eq!(bench.broker.true_position(0), Qty::new(10));
    wait(&mut bench, 1);
    assert_eq!(bench.broker.true_position(0), Qty::ZERO);
    let states: Vec<Status> = bench.broker.true_orders().map(|order| order.status).collect();
    assert_eq!(states, [Status::Complete, Status::Cancelled, Status::Complete]);
}

#[test]
fn a_purge_cancels_what_works_and_a_halt_fills_and_takes_nothing_until_it_is_over() {
    let mut bench = held(Faults::NONE);
    bench.place(&[("tag", json!("rests"))]).expect("taken in");
    bench.broker.set_faults(only(Fault::Purge));
    wait(&mut bench, 60);
    let last = bench.broker.true_orders().last().expect("it").status;
    assert_eq!((last, fired(&bench, Fault::Purge)), (Status::Cancelled, 1));
    bench.broker.set_faults(only(Fault::MarketHalt));
    wait(&mut bench, 60);
    bench.broker.set_faults(Faults::NONE);
    assert!(bench.broker.is_halted(bench.now));
    bench
        .place(&[("price", json!(100.0)), ("tag", json!("halted"))])
        .expect("taken in");
    let last = bench.broker.true_orders().last().expect("it").status;
    assert_eq!(last, Status::Rejected);
    wait(&mut bench, 6_300);
    assert!(!bench.broker.is_halted(bench.now));
    bench.book(0, 9_995, 600, 10_000, 600);
    bench
        .place(&[("price", json!(100.0)), ("tag", json!("again"))])
        .expect("taken in");
    assert_eq!(bench.broker.true_position(0), Qty::new(20));
}

#[test]
fn a_cleared_book_tells_what_came_before_no_more() {
    let mut bench = held(only(Fault::BookCleared));
    wait(&mut bench, 120);
    assert_eq!(fired(&bench, Fault::BookCleared), 0, "not in market hours");
    bench.now = at(15, 29, 0);
    wait(&mut bench, 120);
    assert!(fired(&bench, Fault::BookCleared) > 0);
    assert_eq!(bench.get("/v2/order/retrieve-all"), json!([]));
    assert_eq!(bench.get("/v2/order/trades/get-trades-for-day"), json!([]));
    assert_eq!(bench.get("/v2/portfolio/short-term-positions")[0]["quantity"], 10);
    assert_eq!(bench.broker.true_orders().count(), 1);
}

#[test]
fn tokens_die_at_an_early_hour_or_at_once() {
    for (fault, seconds) in [(Fault::TokenExpires, 120), (Fault::TokenRevoked, 60)] {
        let mut bench = held(only(fault));
        wait(&mut bench, 60);
        bench.broker.set_faults(Faults::NONE);
        wait(&mut bench, seconds - 60);
        let (status, _) = bench.call(Host::Api, "GET", "/v2/user/profile", &Value::Null);
        assert_eq!((status, fired(&bench, fault)), (401, 1), "{fault:?}");
    }
}

#[test]
fn a_raised_margin_asks_for_more_and_goes_back() {
    let used = |bench: &mut Bench| {
        bench.get("/v2/user/get-funds-and-margin?segment=SEC")["equity"]["used_margin"]
            .as_f64()
            .expect("a number")
    };
    let mut bench = held(only(Fault::MarginRaised));
    assert_eq!(used(&mut bench), 200.0);
    wait(&mut bench, 60);
    assert!((240.0..=400.0).contains(&used(&mut bench)));
    bench.broker.heal(bench.now);
    assert_eq!(used(&mut bench), 200.0);
}

#[test]
fn a_withdrawn_trade_is_as_if_it_had_never_been() {
    let mut bench = held(only(Fault::TradeBust));
    wait(&mut bench, 60);
    assert_eq!(
        (bench.broker.stats().fills, fired(&bench, Fault::TradeBust)),
        (0, 1)
    );
    assert_eq!(bench.broker.true_position(0), Qty::ZERO);
    assert_eq!(bench.get("/v2/order/trades/get-trades-for-day"), json!([]));
    bench.broker.set_faults(Faults::NONE);
    let id = bench
        .place(&[("price", json!(100.0)), ("tag", json!("later"))])
        .expect("taken in");
    let rows = bench.get(&format!("/v2/order/trades?order_id={id}"));
    assert_eq!(rows[0]["trade_id"], "50000002", "no trade id is used again");
}

#[test]
fn healing_ends_what_lasts_and_lets_what_waits_arrive() {
    let faults = only(Fault::Stuck).with(Fault::Silence, WHOLE);
    let mut bench = held(faults);
    let body = order(&[("price", json!(100.0)), ("tag", json!("waits"))]);
    let reply = bench.raw(Host::Order, "POST", "/v3/order/place", &body.to_string());
    assert_eq!(reply.delivery, Delivery::Never);
    bench.broker.heal(bench.now);
    assert_eq!(bench.broker.true_position(0), Qty::new(20));
    assert_eq!(*bench.broker.faults(), Faults::NONE);
    assert_eq!(
        bench.get("/v2/order/retrieve-all").as_array().map(Vec::len),
        Some(2)
    );
}
