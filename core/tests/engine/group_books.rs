//! A group and the broker's own books: positions come one by one and are acted on together.

use bijli_core::DurationNs;
use bijli_core::command::Command;
use bijli_core::event::Submission;
use bijli_core::group::GroupState;
use bijli_core::order::{BrokerStatus, Side};

use crate::groups::{live, places, state};
use crate::house::{OTHER, STOCK};

#[test]
fn a_leg_that_vanishes_takes_the_group_with_it_once_all_positions_of_the_round_are_told() {
    let cases: [(i64, i64, &[_]); 3] = [
        // Nothing sold stays without its cover.
        (-100, 0, &[(OTHER, Side::Buy, 100)]),
        (0, 100, &[(STOCK, Side::Sell, 100)]),
        (0, 0, &[]),
    ];
    for (sold, bought, exits) in cases {
        let (mut house, ..) = live();
        assert_eq!(house.report_position(OTHER, sold), []);
        assert_eq!(house.report_position(STOCK, bought), []);
        assert_eq!(state(&house), GroupState::Live);
        let placed: Vec<_> = places(&house.reconcile())
            .iter()
            .map(|place| (place.instrument, place.side, place.qty.get()))
            .collect();
        assert_eq!(placed, exits);
        assert_ne!(state(&house), GroupState::Live);
    }
}

#[test]
fn an_exit_that_rests_over_a_leg_that_the_broker_shows_flat_is_cancelled_when_the_round_ends() {
    let (mut house, ..) = live();
    assert_eq!(house.report_position(STOCK, 0), []);
    let exit = places(&house.reconcile())[0];
    assert_eq!((exit.instrument, exit.side), (OTHER, Side::Buy));
    house.resolve(exit.intent, Submission::Acked);
    house.update(&exit, BrokerStatus::Open, 0);
    house.now = house.now.plus(DurationNs::from_millis(500));
    assert_eq!(house.report_position(OTHER, 0), []);
    let commands = house.reconcile();
    let is_cancel =
        |command: &Command| matches!(command, Command::Cancel(cancel) if cancel.intent == exit.intent);
    assert!(commands.iter().any(is_cancel), "{commands:?}");
}
