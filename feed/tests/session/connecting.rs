//! From the first attempt to the open connection, and what happens when there is none.

use bijli_core::event::FeedState::Live;
use bijli_core::time::DurationNs;
use bijli_feed::feed_note::{Address, FeedNote, SessionEvent, Transmit};
use bijli_feed::session::ALARM_ATTEMPTS;
use bijli_feed::{Session, SessionSettings};

use crate::world::{CLOSE, Did, OPEN, START, World, connects, feeds, market, note, requests, settings};

#[test]
fn a_connection_is_authorised_redirected_told_the_market_subscribed_in_batches_and_live() {
    let mut world = World::new(&settings(&["NSE_EQ|A", "NSE_EQ|B", "NSE_EQ|C"]));
    assert_eq!(
        world.due(),
        [
            note(FeedNote::Connecting { attempt: 0 }),
            Did::Asked(Transmit::Connect(Address::Entry))
        ]
    );
    let location = "wss://feeder/feeds?requestId=r&code=c".to_owned();
    world.session.handle_redirected(world.now, location.clone());
    assert_eq!(
        world.drain(),
        [Did::Asked(Transmit::Connect(Address::Redirect(location)))]
    );
    world.session.handle_connected(world.now);
    assert_eq!(world.drain(), [note(FeedNote::Connected)]);

    let did = world.frame(&market(OPEN));
    let [
        Did::Told(SessionEvent::Note(FeedNote::MarketTold(_))),
        Did::Asked(Transmit::Binary(first)),
    ] = did.as_slice()
    else {
        panic!("told, then asked for the first batch: {did:?}");
    };
    let first: serde_json::Value = serde_json::from_slice(first).expect("JSON");
    assert_eq!(
        first,
        serde_json::json!({"guid": "bijli-1", "method": "sub",
            "data": {"mode": "full", "instrumentKeys": ["NSE_EQ|A", "NSE_EQ|B"]}})
    );
    let did = world.pass(DurationNs::from_millis(50));
    assert_eq!(requests(&did)[0]["data"]["instrumentKeys"][0], "NSE_EQ|C");
    assert_eq!(did[0], note(FeedNote::Subscribed { keys: 3 }));
    assert_eq!(
        world.frame(&feeds(&["NSE_EQ|A"])),
        [Did::Told(SessionEvent::State(Live))]
    );
}

#[test]
fn a_server_that_accepts_and_drops_is_not_stormed_even_at_night() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    let mut attempts = 0;
    let end = START.plus(DurationNs::from_secs(600));
    while world.now < end {
        let did = world.pass(DurationNs::from_millis(10));
        if connects(&did) > 0 {
            attempts += 1;
            world.session.handle_redirected(world.now, "/x".to_owned());
            world.session.handle_connected(world.now);
            world.session.handle_frame(world.now, &market(CLOSE));
            world.session.handle_disconnected(world.now, "dropped".to_owned());
            world.drain();
        }
    }
    // Ceilings of 0.25 to 30 s and then 30 s each: some fifty at the very most.
    assert!((20..60).contains(&attempts), "{attempts}");
}

#[test]
fn a_connection_that_held_makes_the_next_wait_short_again() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    for _ in 0..8 {
        world.attempt();
        world.session.handle_disconnected(world.now, "refused".to_owned());
        world.drain();
    }
    world.attempt();
    world.session.handle_redirected(world.now, "/x".to_owned());
    world.session.handle_connected(world.now);
    world.drain();
    world.frame(&market(OPEN));
    world.busy(&["NSE_EQ|A"], 11);
    world.session.handle_disconnected(world.now, "dropped".to_owned());
    world.drain();
    assert_eq!(connects(&world.pass(DurationNs::from_millis(250))), 1);
}

#[test]
fn waits_are_the_same_for_the_same_seed_and_never_end() {
    let attempts = |seed| {
        let mut world = World::new(&SessionSettings {
            jitter_seed: seed,
            ..settings(&["NSE_EQ|A"])
        });
        let mut at = Vec::new();
        while at.len() < 50 {
            if connects(&world.pass(DurationNs::from_millis(1))) > 0 {
                at.push(world.now);
                world.session.handle_disconnected(world.now, "no".to_owned());
                world.drain();
            }
        }
        at
    };
    assert_eq!(attempts(5), attempts(5));
    assert_ne!(attempts(5), attempts(6));
}

#[test]
fn a_refused_token_ends_all_attempts_until_there_is_a_new_one() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    world.due();
    world.session.handle_refused(world.now, 401, "bad".to_owned());
    assert_eq!(
        world.drain(),
        [
            note(FeedNote::Refused {
                status: 401,
                body: "bad".to_owned()
            }),
            note(FeedNote::TokenDead),
            Did::Asked(Transmit::Close)
        ]
    );
    assert_eq!(world.pass(DurationNs::from_secs(86_400)), []);
    world.session.handle_new_token(world.now);
    assert_eq!(connects(&world.due()), 1);
}

#[test]
fn a_used_address_or_a_full_house_is_tried_again_from_the_entry() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    for status in [403, 401, 500] {
        world.attempt();
        world.session.handle_redirected(world.now, "/x".to_owned());
        world.drain();
        world.session.handle_refused(world.now, status, String::new());
        assert!(!world.drain().contains(&note(FeedNote::TokenDead)), "{status}");
    }
    let refused_at = world.now;
    world.attempt();
    assert!(world.now.since(refused_at) <= DurationNs::from_secs(1));
}

#[test]
fn three_failures_in_a_row_raise_one_alarm() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    let mut did = Vec::new();
    for _ in 0..6 {
        did.extend(world.attempt());
        world.session.handle_refused(world.now, 403, String::new());
        did.extend(world.drain());
    }
    let alarm = note(FeedNote::Alarm {
        attempts: ALARM_ATTEMPTS,
    });
    assert_eq!(did.iter().filter(|did| **did == alarm).count(), 1);
}

#[test]
fn a_second_redirect_is_a_failure() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    world.due();
    world.session.handle_redirected(world.now, "/x".to_owned());
    world.drain();
    world.session.handle_redirected(world.now, "/y".to_owned());
    let did = world.drain();
    assert!(
        did.iter()
            .all(|did| !matches!(did, Did::Asked(Transmit::Connect(_))))
    );
    assert!(did.contains(&Did::Asked(Transmit::Close)));
}

#[test]
fn an_attempt_that_leads_nowhere_is_given_up_after_ten_seconds() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    world.due();
    let did = world.pass(DurationNs::from_secs(10));
    let reason = "no connection within ten seconds".to_owned();
    assert!(did.contains(&note(FeedNote::Disconnected { reason })));
}

#[test]
fn a_key_that_cannot_be_one_is_refused() {
    for key in [
        "",
        "NSE_EQ|\u{20b9}",
        "NSE_EQ|0123456789012345678901234567890123456789",
    ] {
        assert!(Session::new(&settings(&[key])).is_err(), "{key}");
    }
}
