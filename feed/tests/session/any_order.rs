//! Anything in any order: a session neither panics, nor spins, nor opens two connections.

use bijli_core::event::FeedState::Down;
use bijli_core::time::DurationNs;
use bijli_feed::feed_note::{SessionEvent, Transmit};
use proptest::prelude::*;

use crate::world::{CLOSE, Did, OPEN, World, feeds, market, settings};

/// What may happen to a session at any moment.
#[derive(Clone, Debug)]
enum Happening {
    Time(i64),
    Connected,
    Redirected,
    Refused(u16),
    Disconnected,
    NewToken,
    Frame(Vec<u8>),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (0..4_000_i64).prop_map(Happening::Time),
        1 => (0..90_000_i64).prop_map(Happening::Time),
        4 => Just(Happening::Connected),
        2 => Just(Happening::Redirected),
        1 => proptest::sample::select(vec![401_u16, 403, 429, 500]).prop_map(Happening::Refused),
        1 => Just(Happening::Disconnected),
        1 => Just(Happening::NewToken),
        4 => proptest::sample::select(vec![market(OPEN), market(CLOSE), market(77), feeds(&["NSE_EQ|A"]), Vec::new()])
            .prop_map(Happening::Frame),
        1 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Happening::Frame),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_a_session_neither_panics_nor_spins_nor_opens_two_connections(
        happenings in proptest::collection::vec(happening(), 1..120)
    ) {
        let mut world = World::new(&settings(&["NSE_EQ|A", "NSE_EQ|B"]));
        // Whether an attempt is under way, as its owner would know.
        let (mut dialling, mut open) = (false, false);
        for happening in happenings {
            let mut did = match happening {
                Happening::Time(ms) => world.pass(DurationNs::from_millis(ms)),
                _ => Vec::new(),
            };
            let now = world.now;
            match happening {
                Happening::Connected if dialling => {
                    (dialling, open) = (false, true);
                    world.session.handle_connected(now);
                }
                Happening::Redirected if dialling => world.session.handle_redirected(now, "/x".to_owned()),
                Happening::Refused(status) if dialling => {
                    world.session.handle_refused(now, status, String::new());
                }
                Happening::Disconnected if dialling || open => {
                    world.session.handle_disconnected(now, "dropped".to_owned());
                }
                Happening::NewToken => world.session.handle_new_token(now),
                Happening::Frame(frame) if open => world.session.handle_frame(now, &frame),
                _ => {}
            }
            did.extend(world.drain());
            for did in did {
                match did {
                    Did::Asked(Transmit::Connect(_)) => {
                        prop_assert!(!open, "an open connection is closed first");
                        dialling = true;
                    }
                    Did::Asked(Transmit::Close) => (dialling, open) = (false, false),
                    Did::Asked(Transmit::Binary(_)) => prop_assert!(open, "nothing is sent into the void"),
                    Did::Told(SessionEvent::State(state)) => prop_assert!(open || state == Down),
                    Did::Told(SessionEvent::Note(_)) => {}
                }
            }
            prop_assert!(open || world.session.state() == Down);
        }
    }
}
