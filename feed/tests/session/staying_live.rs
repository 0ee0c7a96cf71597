//! Silence, damage, closed markets and opening ones.

use bijli_core::event::FeedState::{Closed, Down, Live, Mute};
use bijli_core::time::DurationNs;
use bijli_feed::SessionSettings;
use bijli_feed::feed_note::Transmit;
use bijli_feed::liveness::MarketHours;
use bijli_feed::session::BROKEN_FRAMES_MAX;

use crate::world::{CLOSE, Did, OPEN, START, World, connects, feeds, market, settings, states};

#[test]
fn silence_in_an_open_market_is_mute_then_a_new_authorisation() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    world.open();
    world.frame(&market(OPEN));
    world.busy(&["NSE_EQ|A"], 1);
    assert_eq!(states(&world.pass(DurationNs::from_millis(2_999))), []);
    assert_eq!(states(&world.pass(DurationNs::from_millis(1))), [Mute]);
    let did = world.pass(DurationNs::from_millis(3_000));
    assert_eq!(states(&did), [Down]);
    assert!(did.contains(&Did::Asked(Transmit::Close)));
    let did = world.pass(DurationNs::from_millis(250));
    assert_eq!(connects(&did), 1, "within the first wait");
}

#[test]
fn a_mute_feed_that_speaks_again_is_live_again_without_a_new_connection() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    world.open();
    world.frame(&market(OPEN));
    world.busy(&["NSE_EQ|A"], 1);
    let mut did = world.pass(DurationNs::from_secs(4));
    did.extend(world.frame(&feeds(&["NSE_EQ|A"])));
    assert_eq!((states(&did), connects(&did)), (vec![Mute, Live], 0));
}

#[test]
fn a_closed_market_may_be_silent_all_night() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    world.open();
    let mut did = world.frame(&market(CLOSE));
    did.extend(world.pass(DurationNs::from_secs(12 * 3600)));
    assert_eq!((states(&did), connects(&did)), (vec![Closed], 0));
    assert!(!did.contains(&Did::Asked(Transmit::Close)));
    let did = world.frame(&market(OPEN));
    assert_eq!(states(&did), [], "open, yet nothing heard");
    assert_eq!(states(&world.frame(&feeds(&["NSE_EQ|A"]))), [Live]);
}

#[test]
fn another_segment_that_trades_on_does_not_open_ours() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    world.open();
    // MCX is open in this message; we listen to NSE alone.
    assert_eq!(states(&world.frame(&market(CLOSE))), [Closed]);
}

#[test]
fn a_connection_that_died_overnight_is_found_out_when_trading_begins() {
    let opens_at = START.plus(DurationNs::from_secs(3600));
    let mut world = World::new(&SessionSettings {
        hours: MarketHours {
            opens_at,
            ..MarketHours::UNKNOWN
        },
        ..settings(&["NSE_EQ|A"])
    });
    world.open();
    world.frame(&market(CLOSE));
    let did = world.pass(DurationNs::from_secs(3600));
    assert_eq!(connects(&did), 0);
    let did = world.pass(DurationNs::from_secs(12));
    assert_eq!((states(&did), connects(&did)), (vec![Mute, Down], 1));
}

#[test]
fn a_broker_that_says_closed_during_hours_is_believed_when_it_repeats_it() {
    let mut world = World::new(&SessionSettings {
        hours: MarketHours {
            opens_at: START.plus(DurationNs::from_secs(60)),
            ..MarketHours::UNKNOWN
        },
        ..settings(&["NSE_EQ|A"])
    });
    world.open();
    world.frame(&market(CLOSE));
    world.pass(DurationNs::from_secs(61));
    world.frame(&market(CLOSE));
    let did = world.pass(DurationNs::from_secs(3600));
    assert_eq!((states(&did), connects(&did)), (vec![], 0));
}

#[test]
fn an_opening_market_does_not_keep_a_session_awake() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    world.attempt();
    world.session.handle_disconnected(world.now, "dropped".to_owned());
    world.attempt();
    world.session.handle_redirected(world.now, "/x".to_owned());
    world.session.handle_connected(world.now);
    world.drain();
    world.frame(&market(CLOSE));
    world.pass(DurationNs::from_secs(9));
    world.frame(&market(OPEN));
    assert_eq!(states(&world.pass(DurationNs::from_secs(4))), [Mute]);
}

#[test]
fn broken_frames_are_told_and_many_in_a_row_end_the_connection() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    world.open();
    world.frame(&market(OPEN));
    for _ in 0..BROKEN_FRAMES_MAX - 1 {
        assert!(!world.frame(b"<html>").contains(&Did::Asked(Transmit::Close)));
    }
    world.frame(&feeds(&["NSE_EQ|A"]));
    for _ in 0..BROKEN_FRAMES_MAX - 1 {
        world.frame(b"<html>");
    }
    let did = world.frame(b"<html>");
    assert_eq!(states(&did), [Down]);
    let counters = world.session.counters();
    assert_eq!(counters.decode_errors, u64::from(2 * BROKEN_FRAMES_MAX - 1));
}

#[test]
fn an_empty_frame_is_no_sign_of_life() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    world.open();
    world.frame(&market(OPEN));
    let mut did = Vec::new();
    for _ in 0..8 {
        did.extend(world.frame(&[]));
        did.extend(world.pass(DurationNs::from_millis(500)));
    }
    assert_eq!(states(&did), [Mute]);
}

#[test]
fn a_broker_that_says_nothing_before_the_opening_is_not_pestered_and_mute_three_seconds_after_it() {
    let opens_at = START.plus(DurationNs::from_secs(3600));
    let mut world = World::new(&SessionSettings {
        hours: MarketHours {
            opens_at,
            closes_at: opens_at.plus(DurationNs::from_secs(22_500)),
        },
        ..settings(&["NSE_EQ|A"])
    });
    world.open();
    let mut did = world.pass(DurationNs::from_millis(3_600_000 + 2_999));
    did.retain(|did| !matches!(did, Did::Told(_)));
    assert_eq!(connects(&did), 0);
    assert_eq!(world.session.state(), Closed);
    assert_eq!(states(&world.pass(DurationNs::from_millis(1))), [Mute]);
}

#[test]
fn after_the_close_and_on_a_holiday_silence_means_nothing() {
    let closes_at = START.plus(DurationNs::from_secs(60));
    for (hours, said) in [
        (
            MarketHours {
                opens_at: START,
                closes_at,
            },
            Some(OPEN),
        ),
        (MarketHours::none_since(START), None),
    ] {
        let mut world = World::new(&SessionSettings {
            hours,
            ..settings(&["NSE_EQ|A"])
        });
        world.open();
        if let Some(said) = said {
            world.frame(&market(said));
        }
        world.busy(&["NSE_EQ|A"], 60);
        let did = world.pass(DurationNs::from_secs(12 * 3600));
        assert_eq!((states(&did), connects(&did)), (vec![Closed], 0));
    }
}

#[test]
fn pings_do_not_hide_that_a_feed_is_mute_and_an_hour_of_it_makes_no_storm() {
    let mut world = World::new(&settings(&["NSE_EQ|A"]));
    world.open();
    world.frame(&market(OPEN));
    world.busy(&["NSE_EQ|A"], 1);
    let mut attempts = 0;
    let end = world.now.plus(DurationNs::from_secs(3600));
    while world.now < end {
        // Pings are answered below the session, so all that it sees of them is that time passes.
        let did = world.pass(DurationNs::from_secs(1));
        attempts += connects(&did);
        if connects(&did) > 0 {
            world.session.handle_redirected(world.now, "/x".to_owned());
            world.session.handle_connected(world.now);
            world.drain();
            world.frame(&market(OPEN));
        }
    }
    assert!((100..400).contains(&attempts), "{attempts} attempts in an hour");
}
