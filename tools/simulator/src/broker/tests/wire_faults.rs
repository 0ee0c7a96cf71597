//! Tokens, hosts, limits, injected faults and the close.

use super::*;

#[test]
fn tokens_hosts_and_limits_are_kept() {
    let mut bench = Bench::with(BrokerSettings {
        rate_limits: RateLimits::Enforced,
        ..settings()
    });
    let (status, body) = bench.call(Host::Api, "POST", "/v3/order/place", &order(&[]));
    assert_eq!((status, code(&body)), (404, "UDAPI10000".to_owned()));
    let (status, _) = bench.call(Host::Order, "GET", "/v2/order/retrieve-all", &Value::Null);
    assert_eq!(status, 404);
    bench.now = at(10, 0, 1_000);
    let codes: Vec<u16> = (0..12)
        .map(|_| bench.call(Host::Order, "POST", "/v3/order/place", &order(&[])).0)
        .collect();
    assert_eq!(
        codes,
        [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 429, 429]
    );
    assert_eq!(bench.broker.stats().orders_seen, 10);
    let good = std::mem::replace(&mut bench.token, "wrong".to_owned());
    let (status, body) = bench.call(Host::Api, "GET", "/v2/user/profile", &Value::Null);
    assert_eq!((status, code(&body)), (401, "UDAPI100050".to_owned()));
    bench.token = good;
    assert_eq!(bench.get("/v2/user/profile")["user_id"], "SIM001");
    bench.call(Host::Api, "DELETE", "/v2/logout", &Value::Null);
    assert_eq!(
        bench.call(Host::Api, "GET", "/v2/user/profile", &Value::Null).0,
        401
    );
}

#[test]
fn faults_fire_by_seed_and_the_ledger_stays_true() {
    let late = DurationNs::from_millis(700);
    let faults = Faults::NONE
        .with(Fault::ReplyLost, 200_000)
        .with(Fault::ReplyLate, 200_000)
        .lasting(Fault::ReplyLate, late, late)
        .with(Fault::ErrorBefore, 200_000)
        .with(Fault::ErrorAfter, 200_000)
        .with(Fault::UpdateDropped, 300_000)
        .with(Fault::DuplicateFill, 500_000);
    let run = |seed: u64| {
        let mut bench = Bench::with(BrokerSettings {
            faults,
            seed,
            ..settings()
        });
        let deliveries: Vec<(u16, Delivery)> = (0..100)
            .map(|number| {
                bench.book(0, 9_995, 500 + number, 10_000, 500 + number);
                let body = order(&[
                    ("price", json!(100.0)),
                    ("tag", json!(format!("t{number}"))),
                    ("quantity", json!(1)),
                ]);
                let reply = bench.raw(Host::Order, "POST", "/v3/order/place", &body.to_string());
                (reply.status, reply.delivery)
            })
            .collect();
        (
            deliveries,
            bench.broker.stats(),
            bench.get("/v2/portfolio/short-term-positions")[0]["quantity"].as_i64(),
        )
    };
    let (deliveries, stats, net) = run(3);
    let fired = stats.faults;
    for fault in [
        Fault::ReplyLost,
        Fault::ReplyLate,
        Fault::ErrorBefore,
        Fault::ErrorAfter,
        Fault::DuplicateFill,
        Fault::UpdateDropped,
    ] {
        assert!(fired.of(fault) >= 5, "{fired:?}");
    }
    assert_eq!(stats.orders_seen, 100 - fired.of(Fault::ErrorBefore));
    assert_eq!(stats.fills, stats.orders_seen, "a fill told twice is one fill");
    assert_eq!(net, i64::try_from(stats.fills).ok());
    assert!(deliveries.contains(&(200, Delivery::After(late))));
    assert_eq!(run(3).0, deliveries);
    assert_ne!(run(4).0, deliveries);
}

#[test]
fn the_close_cancels_what_still_works() {
    let mut bench = Bench::new();
    let id = bench.place(&[]).expect("accepted");
    bench.now = at(15, 30, 0);
    bench.broker.advance(bench.now);
    assert_eq!(bench.states(&id).last().map(String::as_str), Some("cancelled"));
    assert_eq!(bench.broker.stats().open_positions, 0);
}
