//! Price limits of the day as the broker serves them: what lies outside of them is denied here, before the exchange.

use serde_json::Value;

use crate::place::{Day, Place, summary_of, target};

/// Plays a day with price limits so far from the close before; gives how often an entry was denied for them.
fn denied_with(band_bps: u16) -> u64 {
    let place = Place::start(Day {
        band_bps,
        ..Day::default()
    });
    let end = place.play();
    assert_eq!(end.code, Some(0), "{end:?}");
    assert_eq!(summary_of(&end)["journal"]["replay_identical"], true);
    let asked = place.count(|request| target(request).starts_with("/v2/market-quote/quotes"));
    assert!(asked >= 2, "sixty stocks are more than a page: {asked}");
    let tail = ["journal", "tail", "-n", "1000", "--kind", "BandReported"];
    let journal = place.world.bijli(&[&tail[..], &[place.world.journal()]].concat());
    let told = String::from_utf8_lossy(&journal.stdout)
        .lines()
        .filter(|line| line.contains("BandReported"))
        .count();
    assert_eq!(told, 60, "each stock has its band, told once");
    let state = place.status();
    let denials = state["denials"].as_object().expect("counts by code");
    denials.get("PRICE_BAND").and_then(Value::as_u64).unwrap_or(0)
}

#[test]
fn an_entry_outside_of_the_limits_that_the_broker_serves_is_denied() {
    assert!(denied_with(20) > 0);
    assert_eq!(denied_with(5_000), 0, "and none inside of wide ones");
}
