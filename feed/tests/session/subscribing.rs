//! What is asked for, when, and who has not answered.

use bijli_core::time::DurationNs;
use bijli_feed::feed_note::FeedNote;
use bijli_feed::subscription::Method;
use bijli_feed::{Mode, Session, SessionSettings};

use crate::world::{OPEN, START, World, feeds, market, note, requests, settings};

#[test]
fn subscriptions_do_not_wait_for_ever_for_the_market_to_be_told() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    world.open();
    assert_eq!(requests(&world.pass(DurationNs::from_millis(999))).len(), 0);
    assert_eq!(requests(&world.pass(DurationNs::from_millis(1))).len(), 1);
}

#[test]
fn ten_seconds_after_the_last_request_the_keys_that_never_answered_are_named() {
    let mut world = World::new(&settings(&["NSE_EQ|A", "NSE_EQ|B", "NSE_EQ|C"]));
    world.open();
    world.frame(&market(OPEN));
    let did = world.busy(&["NSE_EQ|A", "NSE_EQ|C", "NSE_EQ|Z"], 12);
    assert!(did.contains(&note(FeedNote::Audited { wanted: 3, unseen: 1 })));
    assert_eq!(world.session.unseen().collect::<Vec<_>>(), ["NSE_EQ|B"]);
    assert_eq!(world.session.unseen_count(), 1);
    let counters = world.session.counters();
    assert_eq!((counters.subscribed, counters.seen), (3, 2));
    world.frame(&feeds(&["NSE_EQ|B"]));
    assert_eq!(world.session.unseen_count(), 0);
}

#[test]
fn a_key_that_does_not_answer_is_asked_for_once_more_and_then_named() {
    let mut world = World::new(&settings(&["NSE_EQ|A", "NSE_EQ|B", "NSE_EQ|C"]));
    world.open();
    world.frame(&market(OPEN));
    let did = world.busy(&["NSE_EQ|A"], 12);
    let asked: Vec<_> = requests(&did)
        .into_iter()
        .map(|request| request["data"]["instrumentKeys"].clone())
        .collect();
    let again = serde_json::json!([["NSE_EQ|C"], ["NSE_EQ|B", "NSE_EQ|C"]]);
    assert_eq!(
        serde_json::json!(asked),
        again,
        "the rest of the first round, then one more"
    );
    assert!(did.contains(&note(FeedNote::AskedAgain { keys: 2 })));
    let first = vec!["NSE_EQ|B".to_owned(), "NSE_EQ|C".to_owned()];
    assert!(did.contains(&note(FeedNote::NeverSeen { keys: 2, first })));
    assert_eq!(world.session.counters().never_seen, 2);
    assert_eq!(
        requests(&world.busy(&["NSE_EQ|A"], 60)).len(),
        0,
        "and never again"
    );
    world.frame(&feeds(&["NSE_EQ|C"]));
    assert_eq!(world.session.never_seen().collect::<Vec<_>>(), ["NSE_EQ|B"]);
}

#[test]
fn the_time_from_connection_to_the_last_first_answer_is_counted() {
    let mut world = World::new(&settings(&["NSE_EQ|A", "NSE_EQ|B", "NSE_EQ|C"]));
    world.open();
    world.frame(&market(OPEN));
    world.pass(DurationNs::from_millis(50));
    world.frame(&feeds(&["NSE_EQ|A", "NSE_EQ|B"]));
    assert_eq!(world.session.counters().subscribed_after, DurationNs::ZERO);
    world.pass(DurationNs::from_millis(10));
    let after = DurationNs::from_millis(60);
    let did = world.frame(&feeds(&["NSE_EQ|C"]));
    assert!(did.contains(&note(FeedNote::AllSeen { keys: 3, after })));
    assert_eq!(world.session.counters().subscribed_after, after);
    let did = world.busy(&["NSE_EQ|C"], 20);
    assert!(
        requests(&did).is_empty(),
        "nobody is asked twice who has answered"
    );
}

#[test]
fn what_was_changed_meanwhile_is_asked_for_at_once_and_after_a_reconnection() {
    let mut world = World::new(&settings(&["NSE_EQ|A", "NSE_EQ|B"]));
    world.open();
    world.frame(&market(OPEN));
    let key = |key: &str| vec![key.to_owned()];
    let session = &mut world.session;
    let change = |session: &mut Session, method, name: &str| {
        session
            .change(START, method, &key(name), Mode::Ltpc)
            .expect("good keys");
    };
    change(session, Method::Unsubscribe, "NSE_EQ|A");
    change(session, Method::ChangeMode, "NSE_EQ|B");
    change(session, Method::Subscribe, "NSE_EQ|C");
    let asked: Vec<_> = requests(&world.pass(DurationNs::from_secs(1)))
        .into_iter()
        .map(|request| (request["method"].clone(), request["data"].clone()))
        .collect();
    let json = serde_json::json!([
        ["unsub", {"instrumentKeys": ["NSE_EQ|A"]}],
        ["change_mode", {"mode": "ltpc", "instrumentKeys": ["NSE_EQ|B"]}],
        ["sub", {"mode": "ltpc", "instrumentKeys": ["NSE_EQ|C"]}],
    ]);
    assert_eq!(serde_json::json!(asked), json);

    world.session.handle_disconnected(world.now, "dropped".to_owned());
    world.drain();
    world.pass(DurationNs::from_secs(1));
    world.session.handle_redirected(world.now, "/x".to_owned());
    world.session.handle_connected(world.now);
    world.drain();
    let again = requests(&world.pass(DurationNs::from_secs(1)));
    let keys = serde_json::json!(["NSE_EQ|B", "NSE_EQ|C"]);
    assert_eq!(again[0]["data"]["instrumentKeys"], keys);
}

#[test]
fn five_thousand_keys_in_batches_of_a_hundred_are_asked_for_in_two_and_a_half_seconds() {
    let keys: Vec<String> = (0..5000).map(|key| format!("NSE_FO|{key}")).collect();
    let mut world = World::new(&SessionSettings {
        keys,
        batch: 100,
        ..settings(&[])
    });
    world.open();
    let mut asked = requests(&world.frame(&market(OPEN)));
    asked.extend(requests(&world.pass(DurationNs::from_millis(49 * 50))));
    assert_eq!(asked.len(), 50);
    let mut all: Vec<_> = asked
        .iter()
        .flat_map(|request| {
            request["data"]["instrumentKeys"]
                .as_array()
                .expect("a list")
                .clone()
        })
        .map(|key| key.to_string())
        .collect();
    all.dedup();
    assert_eq!(all.len(), 5000);
}
