//! The simulator without TLS: the same service for clients that cannot be told to trust a certificate.

use crate::client::{Rest, enter, keys, next_frame, open, subscribe};
use bijli_core::IstDay;
use bijli_simulator::{DaySpec, RunningSimulator, SimSettings, Transport, start};

fn plain() -> RunningSimulator {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    start(SimSettings {
        day: DaySpec::Synthetic { day, instruments: 12 },
        transport: Transport::Plain,
        ..SimSettings::default()
    })
    .expect("it starts")
}

#[test]
fn rest_feed_and_stream_work_without_tls_and_the_redirect_stays_plain() {
    let sim = plain();
    assert_eq!(sim.ca_pem, None);
    assert!(sim.api_url.starts_with("http://") && sim.order_url.starts_with("http://"));
    assert!(sim.feed_url.starts_with("ws://") && sim.stream_url.starts_with("ws://"));
    let profile = Rest::new(&sim, &sim.api_url).get("/v2/user/profile");
    assert_eq!(profile["broker"], "UPSTOX");
    let mut stranger = Rest::new(&sim, &sim.api_url).with_token("wrong");
    assert_eq!(stranger.call("GET", "/v2/user/profile", "").0, 401);
    let (_, location) = open(&sim, &sim.feed_url, Some(&sim.token)).expect_err("redirected");
    assert!(location.is_some_and(|uri| uri.starts_with("ws://")));
    let _stream = enter(&sim, &sim.stream_url);
    let mut feed = enter(&sim, &sim.feed_url);
    subscribe(&mut feed, &keys(&sim, "EQ"), "full");
    let types: Vec<i32> = (0..20)
        .map(|_| next_frame(&mut feed).expect("the feed lives").r#type)
        .collect();
    assert_eq!(types[..3], [2, 0, 1], "market info, snapshot, live");
    assert!(types[3..].iter().all(|kind| *kind == 1));
}

#[test]
fn a_client_that_speaks_tls_to_a_plain_listener_is_turned_away() {
    let sim = plain();
    let mut rest = Rest::new(&sim, &sim.api_url);
    assert_eq!(rest.raw("\u{16}\u{3}\u{1}", "/", "").0, 400);
}
