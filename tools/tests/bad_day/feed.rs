//! A feed that goes mute, redirects to a spent address, refuses, hides instruments, or trickles.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use bijli_simulator::Speed;
use serde_json::{Value, json};

use crate::place::{Day, FEED_ENTRY, Place, STREAM_ENTRY, WITHIN, is_entry, stop, summary_of, target};

fn feed_entries(place: &Place) -> usize {
    place.count(|request| is_entry(request, FEED_ENTRY))
}

/// Every handshake at an entry shows the token, and none at the address that it redirects to.
fn assert_token_at_entries_alone(place: &Place) {
    for request in place.requests() {
        let shows = request["headers"]["authorization"].is_string();
        if is_entry(&request, FEED_ENTRY) || is_entry(&request, STREAM_ENTRY) {
            assert!(shows, "{request}");
        } else if request["host"] == "feeder" {
            assert!(!shows, "{request}");
        }
    }
}

#[test]
fn a_feed_that_goes_mute_under_pings_stops_entries_is_authorised_anew_and_heals() {
    // Half a real second is three simulated ones.
    let place = Place::start(Day {
        speed: Speed::Times(6.0),
        feed: "mute_after_ms = 500\n",
        ..Day::default()
    });
    let engine = place.world.spawn_engine();
    place.until("live", |state| {
        state["feed"]["state"] == "LIVE" && state["mode"] == "ACTIVE"
    });
    place.script(&json!({ "mute_feed": true }));
    place.until("mute", |state| state["feed"]["state"] == "MUTE");
    let orders = place.world.stats().broker.orders_seen;
    place.until_seen("two more authorisations", |place| feed_entries(place) >= 3);
    assert_eq!(
        place.world.stats().broker.orders_seen,
        orders,
        "nothing is entered on a mute feed"
    );
    place.script(&json!({ "mute_feed": false }));
    let healed = place.until("live again", |state| state["feed"]["state"] == "LIVE");
    assert!(healed["feed"]["reconnects"].as_u64() >= Some(1), "{healed}");
    assert_token_at_entries_alone(&place);
    let end = stop(engine);
    assert_eq!(end.code, Some(0), "{end:?}");
    for words in [
        "feed: MUTE: no market data on an open socket; entries are denied with FEED_NOT_LIVE",
        "disconnected: no market data for",
        "feed: LIVE again",
    ] {
        assert!(end.said.contains(words), "{words}: {end:?}");
    }
}

/// Lets handshakes fail from the start, four times at least, then heals; the day must be played to its end.
fn refused_then_healed(fault: &Value, heal: &Value, words: &[&str]) -> Place {
    let place = Place::start(Day {
        scripts: vec![fault.clone()],
        ..Day::default()
    });
    let begun = Instant::now();
    let engine = place.world.spawn_engine();
    place.until_seen("four attempts", |place| feed_entries(place) >= 4);
    let attempts = feed_entries(&place);
    let most = begun.elapsed().as_secs() as usize + 2;
    assert!(
        attempts <= most,
        "a second between them at least: {attempts} > {most}"
    );
    let state = place.status();
    assert_eq!(state["feed"]["state"], "DOWN", "{state}");
    assert_eq!(place.world.stats().broker.orders_seen, 0);
    place.script(heal);
    let (code, said) = engine.finish(WITHIN * 2);
    assert_eq!(code, Some(0), "{said}");
    for words in words {
        assert!(said.contains(words), "{words}: {said}");
    }
    place.assert_ledger(0);
    assert_token_at_entries_alone(&place);
    place
}

#[test]
fn a_redirect_to_a_spent_address_is_answered_with_a_fresh_authorisation_each_time() {
    let place = refused_then_healed(
        &json!({ "redirect": "replay" }),
        &json!({ "redirect": null }),
        &[
            "feed: refused with status 403",
            "feed: ALERT: 3 attempts in a row have failed",
        ],
    );
    let spent = place.count(|request| request["host"] == "feeder" && request["status"] == 403);
    assert!(spent >= 3, "{spent}");
}

#[test]
fn handshakes_that_are_forbidden_over_and_over_are_paced_told_and_survived() {
    refused_then_healed(
        &json!({ "feed_handshake": 403, "stream_handshake": 403 }),
        &json!({ "feed_handshake": null, "stream_handshake": null }),
        &[
            "feed: refused with status 403",
            "feed: ALERT: 3 attempts in a row have failed",
        ],
    );
}

#[test]
fn a_token_that_the_feed_alone_turns_away_is_not_shown_to_it_again_at_once_and_the_run_goes_on() {
    let place = Place::start(Day {
        scripts: vec![json!({ "feed_handshake": 401 })],
        ..Day::default()
    });
    let engine = place.world.spawn_engine();
    let reads = |place: &Place| {
        place.count(|request| request["status"] == 200 && target(request) == "/v2/order/retrieve-all")
    };
    place.until_seen("the book is asked whether the token lives", |place| {
        feed_entries(place) == 1 && reads(place) >= 1
    });
    let state = place.status();
    assert_eq!(state["token"]["dead"], false, "{state}");
    assert_eq!(feed_entries(&place), 1);
    let end = stop(engine);
    assert!(
        end.said
            .contains("the broker turns the access token away: log in again with `bijli login`"),
        "{end:?}"
    );
}

#[test]
fn half_of_the_keys_never_seen_are_named_and_not_traded() {
    let place = Place::start(Day {
        speed: Speed::Times(60.0),
        scripts: vec![json!({ "never_seen": "half" })],
        ..Day::default()
    });
    let engine = place.world.spawn_engine();
    let state = place.until("the audit", |state| {
        state["feed"]["never_seen"].as_u64() > Some(0)
    });
    let number = |name: &str| state["feed"][name].as_u64().expect("a count");
    assert_eq!(number("seen") + number("never_seen"), number("subscribed"));
    assert!(number("never_seen") >= number("subscribed") / 3, "{state}");
    let named = state["feed"]["refused_keys"].as_array().expect("a list");
    assert!(!named.is_empty());
    let text = place.status_text();
    assert!(
        text.contains("never seen") && text.contains("not traded"),
        "{text}"
    );
    for key in named {
        let key = key.as_str().expect("a key");
        let ordered = place.count(|request| {
            request["body"].as_str().is_some_and(|body| body.contains(key)) && request["method"] == "POST"
        });
        assert_eq!(ordered, 0, "{key}");
    }
    let end = stop(engine);
    assert!(
        end.said
            .contains("were never heard of and are not traded, among them"),
        "{end:?}"
    );
    assert!(
        summary_of(&end)["ticks_applied"].as_u64() > Some(0),
        "the other half goes on"
    );
}

#[test]
fn a_handshake_that_trickles_is_given_up_after_ten_seconds_and_begun_anew() {
    let place = Place::start(Day::default());
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    let (tell, heard) = channel();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.expect("a client");
            socket
                .set_read_timeout(Some(Duration::from_secs(1)))
                .expect("a socket");
            let (mut sink, mut request) = ([0; 4_096], Vec::new());
            for byte in b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/"
                .iter()
                .cycle()
            {
                match socket.read(&mut sink) {
                    Ok(0) => break,
                    Ok(count) => request.extend_from_slice(&sink[..count]),
                    // Nothing came within the second: the next byte.
                    Err(_) => {}
                }
                if socket.write_all(&[*byte]).is_err() {
                    break;
                }
            }
            if tell.send(request).is_err() {
                return;
            }
        }
    });
    place.set("feed_url", &format!("ws://127.0.0.1:{port}{FEED_ENTRY}"));
    let engine = place.world.spawn_engine();
    let request = heard.recv_timeout(WITHIN).expect("it was given up");
    assert!(String::from_utf8_lossy(&request).contains(FEED_ENTRY));
    assert_eq!(place.status()["feed"]["state"], "DOWN");
    let end = stop(engine);
    assert!(end.said.contains("no connection within ten seconds"), "{end:?}");
    assert_eq!(place.world.stats().broker.orders_seen, 0);
}
