//! Tokens that die: at their hour with positions open, and in the middle of the day.

use bijli_simulator::options::OnTokenDeath;
use serde_json::{Value, json};

use crate::place::{Day, End, FEED_ENTRY, HOLDS, Place, STREAM_ENTRY, is_entry};

/// A call that showed a token in vain.
fn refuses_token(request: &Value) -> bool {
    request["status"] == 401 && request["headers"]["authorization"].is_string()
}

/// Ended for want of a token, with words, and with the open positions named as the broker holds them.
fn assert_ended_without_token(place: &Place, end: &End) {
    assert_eq!(end.code, Some(5), "{end:?}");
    for words in [
        "PAGE TOKEN_DEAD",
        "TOKEN DEAD",
        "still open at the broker: ",
        "`bijli login`",
    ] {
        assert!(end.said.contains(words), "{words}: {end:?}");
    }
    let state = place.status();
    assert_eq!(state["mode"], "TOKEN_DEAD", "{state}");
    assert_eq!(state["token"]["dead"], true);
    assert_eq!(state["process_alive"], false);
    let open = state["positions"].as_array().expect("a list").len() as u64;
    assert!(open > 0, "positions are shown as still open: {state}");
    place.assert_ledger(open);
    let text = place.status_text();
    assert!(
        text.contains("TOKEN DEAD") && text.contains("bijli login"),
        "{text}"
    );
}

#[test]
fn a_token_that_dies_at_its_hour_with_positions_open_ends_the_run_without_one_more_call() {
    let place = Place::start(Day {
        scripts: vec![json!({ "token_expires_at": "11:30" })],
        on_token_death: OnTokenDeath::Stay,
        config: HOLDS,
        ..Day::default()
    });
    let end = place.play();
    assert_ended_without_token(&place, &end);
    assert_eq!(
        place.count(refuses_token),
        0,
        "nothing was asked with the dead token"
    );
    assert_eq!(place.count(|request| is_entry(request, FEED_ENTRY)), 1);
    assert_eq!(place.count(|request| is_entry(request, STREAM_ENTRY)), 1);
}

#[test]
fn a_token_revoked_in_the_middle_of_the_day_ends_the_run_and_raises_no_storm() {
    let place = Place::start(Day {
        scripts: vec![json!({ "at": "11:30", "revoke_token": true })],
        config: HOLDS,
        ..Day::default()
    });
    let end = place.play();
    assert_ended_without_token(&place, &end);
    let handshakes = |entry| place.count(|request| is_entry(request, entry));
    assert!(handshakes(FEED_ENTRY) <= 2, "{}", handshakes(FEED_ENTRY));
    assert!(handshakes(STREAM_ENTRY) <= 2, "{}", handshakes(STREAM_ENTRY));
    let refused = place.count(refuses_token);
    assert!(
        (1..=5).contains(&refused),
        "one of each socket and lane at most: {refused}"
    );
}
