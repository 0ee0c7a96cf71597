//! Feed entries and authorize calls are calls as others are: limits and scripts strike them too.

use crate::client::{Rest, open};
use bijli_core::IstDay;
use bijli_simulator::{DaySpec, RateLimits, RunningSimulator, SimSettings, Transport, start};
use serde_json::{Value, json};

const ENTRIES: [&str; 2] = ["/v3/feed/market-data-feed", "/v2/feed/portfolio-stream-feed"];
/// Standard calls of half an hour.
const HALF_HOUR_MAX: usize = 2_000;

fn simulator(rate_limits: RateLimits) -> RunningSimulator {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    start(SimSettings {
        day: DaySpec::Synthetic { day, instruments: 12 },
        rate_limits,
        transport: Transport::Plain,
        ..SimSettings::default()
    })
    .expect("it starts")
}

fn run(sim: &RunningSimulator, script: &Value) {
    let (status, shown) = Rest::new(sim, &sim.api_url).call("PUT", "/sim/script", &script.to_string());
    assert_eq!(status, 200, "{shown}");
}

#[test]
fn entries_and_authorize_calls_draw_on_the_standard_allowance() {
    for entry in ENTRIES {
        for (target, admitted) in [(entry.to_owned(), 302), (format!("{entry}/authorize"), 200)] {
            let sim = simulator(RateLimits::Enforced);
            let mut rest = Rest::new(&sim, &sim.api_url);
            let refused = (0..=HALF_HOUR_MAX).find_map(|_| {
                let (status, body) = rest.raw("GET", &target, "");
                (status != admitted).then_some((status, body))
            });
            let (status, body) = refused.expect("more than half an hour allows");
            let body: Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(
                (status, &body["errors"][0]["errorCode"]),
                (429, &json!("UDAPI10005")),
                "{target}"
            );
        }
    }
}

#[test]
fn a_storm_strikes_entries_and_authorize_calls_as_reads() {
    let sim = simulator(RateLimits::Off);
    for (calls, expected) in [("all", [429, 429]), ("reads", [429, 429]), ("orders", [302, 200])] {
        run(&sim, &json!({ "too_many": calls }));
        for entry in ENTRIES {
            let mut rest = Rest::new(&sim, &sim.api_url);
            let told =
                [entry.to_owned(), format!("{entry}/authorize")].map(|target| rest.raw("GET", &target, "").0);
            assert_eq!(told, expected, "{calls}: {entry}");
        }
    }
}

#[test]
fn a_trickle_tells_the_truth_about_sockets_and_with_its_headers() {
    let sim = simulator(RateLimits::Off);
    let trickle = json!({ "reply": { "kind": "trickle", "times": 1, "pace_ms": 1 } });
    let mut rest = Rest::new(&sim, &sim.api_url);
    for entry in ENTRIES {
        run(&sim, &trickle);
        let (status, body) = rest.call("GET", &format!("{entry}/authorize"), "");
        assert_eq!(status, 200, "{body}");
        let uri = body["data"]["authorized_redirect_uri"].as_str().expect("a URI");
        let _open = open(&sim, uri, None).expect("its code is good");
    }
    let mut ask = || {
        let (head, body) = rest
            .exchange("DELETE", "/v2/user/profile", "", "")
            .expect("a reply");
        let allowed = head.headers.get("allow").map(str::to_owned);
        (head.status, allowed, body)
    };
    let at_once = ask();
    assert_eq!((at_once.0, at_once.1.as_deref()), (405, Some("GET")));
    run(&sim, &trickle);
    assert_eq!(ask(), at_once);
}
