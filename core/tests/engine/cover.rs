//! Positions on one underlying that no group holds together: what is sold is bought back before what covers it goes.

use bijli_core::command::{Command, Place};
use bijli_core::event::{Event, Submission, Verb};
use bijli_core::group::{GroupState, LegRole};
use bijli_core::instrument::{Instrument, InstrumentKind};
use bijli_core::order::{BrokerStatus, Side};
use bijli_core::session::{Market, SessionTimes};
use bijli_core::strategy::Intent;
use bijli_core::{DurationNs, InstrumentId, Qty};

use crate::groups::{fill, group_of, leg, places, state};
use crate::house::{House, OTHER, STOCK, at, hours_of, stock};

const FUTURE: InstrumentId = InstrumentId::new(2);
const TIMER: DurationNs = DurationNs::from_millis(250);

/// A house with a future on the first stock.
fn with_future(hours: [SessionTimes; 2], freeze: i64) -> House {
    let mut house = House::open_for(hours);
    house.tell(Event::InstrumentListed(Instrument {
        kind: InstrumentKind::Future,
        underlying: STOCK,
        lot: Qty::new(50),
        freeze: Qty::new(freeze),
        ..stock(FUTURE)
    }));
    for _ in 0..3 {
        house.tick(FUTURE, 10_000);
    }
    house
}

/// The broker shows so much of the stock and of its future, in this order.
fn shown(house: &mut House, bought: i64, sold: i64) {
    house.report_position(STOCK, bought);
    house.report_position(FUTURE, sold);
    assert_eq!(house.reconcile(), [], "nobody asked to be out");
}

/// A house that holds so much of the stock and of its future, and knows of no group.
fn holding(bought: i64, sold: i64) -> House {
    let mut house = with_future([Market::Cash, Market::Derivatives].map(hours_of), 1_000);
    shown(&mut house, bought, sold);
    house
}

/// A house that holds a hundred of both in a group.
fn live() -> House {
    let mut house = holding(0, 0);
    let legs = [
        leg(STOCK, Side::Buy, LegRole::Hedge),
        leg(FUTURE, Side::Sell, LegRole::Main),
    ];
    let wish = group_of(&house, &legs);
    let hedge = places(&house.wish(Intent::EnterGroup(wish)))[0];
    let sold = places(&fill(&mut house, &hedge, 100, 10_005))[0];
    fill(&mut house, &sold, 100, 9_995);
    assert_eq!(state(&house), GroupState::Live);
    house
}

fn orders(commands: &[Command]) -> Vec<(InstrumentId, Side, i64)> {
    places(commands)
        .iter()
        .map(|place| (place.instrument, place.side, place.qty.get()))
        .collect()
}

/// The one exit that follows from `commands`: of the short, all of it.
fn buying_back(commands: &[Command], qty: i64) -> Place {
    assert_eq!(orders(commands), [(FUTURE, Side::Buy, qty)]);
    places(commands)[0]
}

fn refuse(house: &mut House, exit: &Place) {
    house.resolve(exit.intent, Submission::Refused);
}

/// Five seconds later the short's exit is tried again, and refused.
fn refused_again(house: &mut House) -> Vec<(InstrumentId, Side, i64)> {
    house.now = house.now.plus(DurationNs::from_secs(5));
    let commands = house.wait(TIMER);
    let again = places(&commands)
        .into_iter()
        .find(|place| place.instrument == FUTURE);
    refuse(house, &again.expect("it is tried without end"));
    orders(&commands)
}

#[test]
fn every_way_out_of_the_account_buys_back_what_is_sold_before_its_cover_goes() {
    let ways: [fn(&mut House) -> Vec<Command>; 3] = [
        |house| house.control(Verb::Kill, 1),
        |house| house.control(Verb::Flatten, 1),
        |house| {
            house.now = at(15, 15);
            house.wait(TIMER)
        },
    ];
    for (way, out) in ways.into_iter().enumerate() {
        let mut house = holding(100, -100);
        let exit = buying_back(&out(&mut house), 100);
        assert_eq!(orders(&house.wait(TIMER)), [], "way {way}: the cover waits");
        fill(&mut house, &exit, 100, 10_000);
        assert_eq!(
            orders(&house.wait(TIMER)),
            [(STOCK, Side::Sell, 100)],
            "way {way}"
        );
    }
}

#[test]
fn legs_that_come_back_after_their_group_was_forgotten_leave_as_they_would_have_with_it() {
    let mut house = live();
    shown(&mut house, 0, 0);
    assert_eq!(state(&house), GroupState::Closed);
    shown(&mut house, 100, -100);
    house.now = at(15, 15);
    let exit = buying_back(&house.wait(TIMER), 100);
    fill(&mut house, &exit, 100, 10_000);
    assert_eq!(orders(&house.wait(TIMER)), [(STOCK, Side::Sell, 100)]);
}

#[test]
fn no_more_of_a_long_waits_than_is_still_sold() {
    let mut house = holding(250, -100);
    house.report_position(OTHER, 70);
    let commands = house.control(Verb::Kill, 1);
    let now = [
        (FUTURE, Side::Buy, 100),
        (STOCK, Side::Sell, 150),
        (OTHER, Side::Sell, 70),
    ];
    assert_eq!(orders(&commands), now, "another underlying covers nothing");
    fill(&mut house, &places(&commands)[1], 150, 10_000);
    fill(&mut house, &places(&commands)[0], 50, 10_000);
    assert_eq!(orders(&house.wait(TIMER)), [(STOCK, Side::Sell, 50)]);
}

#[test]
fn what_does_not_wait_goes_in_whole_lots() {
    let mut house = holding(-30, 150);
    let commands = house.control(Verb::Kill, 1);
    let now = [(STOCK, Side::Buy, 30), (FUTURE, Side::Sell, 100)];
    assert_eq!(orders(&commands), now);
    fill(&mut house, &places(&commands)[1], 100, 10_000);
    fill(&mut house, &places(&commands)[0], 29, 10_000);
    assert_eq!(orders(&house.wait(TIMER)), []);
    fill(&mut house, &places(&commands)[0], 1, 10_000);
    assert_eq!(orders(&house.wait(TIMER)), [(FUTURE, Side::Sell, 50)]);
}

#[test]
fn a_short_that_nobody_wants_to_be_out_of_keeps_no_long() {
    let mut house = holding(100, -100);
    assert_eq!(
        orders(&house.wish_to_leave(STOCK, 100)),
        [(STOCK, Side::Sell, 100)]
    );
    let mut house = holding(100, -100);
    assert_eq!(orders(&house.control(Verb::Exit, 1)), [(STOCK, Side::Sell, 100)]);
}

#[test]
fn a_person_who_names_the_cover_has_it_sold_beside_a_kill() {
    let mut house = holding(100, -100);
    buying_back(&house.control(Verb::Kill, 1), 100);
    assert_eq!(orders(&house.control(Verb::Exit, 2)), [(STOCK, Side::Sell, 100)]);
}

#[test]
fn a_short_whose_exits_are_refused_for_two_minutes_keeps_its_cover_no_longer() {
    for mut house in [holding(100, -100), live()] {
        let exit = buying_back(&house.control(Verb::Kill, 1), 100);
        refuse(&mut house, &exit);
        for attempt in 2..=24 {
            let placed = refused_again(&mut house);
            assert_eq!(placed, [(FUTURE, Side::Buy, 100)], "attempt {attempt}");
        }
        house.wait(TIMER);
        let sold = house
            .engine
            .state()
            .orders()
            .all()
            .last()
            .map(|order| (order.instrument, order.side));
        assert_eq!(sold, Some((STOCK, Side::Sell)));
    }
}

#[test]
fn pieces_that_are_refused_together_are_refused_once() {
    let mut house = with_future([Market::Cash, Market::Derivatives].map(hours_of), 50);
    shown(&mut house, 500, -500);
    let mut commands = house.control(Verb::Kill, 1);
    for _ in 0..4 {
        assert_eq!(orders(&commands), [(FUTURE, Side::Buy, 50); 10]);
        for piece in &places(&commands) {
            refuse(&mut house, piece);
        }
        house.now = house.now.plus(DurationNs::from_secs(5));
        commands = house.wait(TIMER);
    }
}

#[test]
fn refusals_before_an_exit_that_works_do_not_count() {
    let mut house = holding(100, -100);
    let mut exit = buying_back(&house.control(Verb::Kill, 1), 100);
    for _ in 1..24 {
        refuse(&mut house, &exit);
        house.now = house.now.plus(DurationNs::from_secs(5));
        exit = buying_back(&house.wait(TIMER), 100);
    }
    house.resolve(exit.intent, Submission::Acked);
    house.update(&exit, BrokerStatus::Open, 0);
    house.update(&exit, BrokerStatus::Rejected, 0);
    assert_eq!(orders(&house.wait(TIMER)), []);
}

#[test]
fn in_the_last_ten_seconds_a_cover_stays_for_an_exit_that_works_alone() {
    for (submission, kept) in [(Submission::Acked, true), (Submission::Unknown, false)] {
        let mut house = holding(100, -100);
        house.now = at(15, 29);
        let exit = buying_back(&house.wait(TIMER), 100);
        house.resolve(exit.intent, submission);
        if submission == Submission::Acked {
            house.update(&exit, BrokerStatus::Open, 0);
        }
        house.now = at(15, 30).plus(DurationNs::from_millis(-10_500));
        assert_eq!(orders(&house.wait(TIMER)), [], "{submission:?}");
        let sold = if kept {
            vec![]
        } else {
            vec![(STOCK, Side::Sell, 100)]
        };
        assert_eq!(orders(&house.wait(TIMER)), sold, "{submission:?}");
    }
}

#[test]
fn what_is_sold_goes_with_a_cover_whose_market_closes_first() {
    let cash = SessionTimes {
        squareoff_begin: at(15, 0),
        squareoff_forced: at(15, 5),
        close: at(15, 15),
        ..hours_of(Market::Cash)
    };
    let mut house = with_future([cash, hours_of(Market::Derivatives)], 1_000);
    shown(&mut house, 100, -100);
    house.now = at(15, 0);
    let exit = buying_back(&house.wait(TIMER), 100);
    fill(&mut house, &exit, 100, 10_000);
    assert_eq!(orders(&house.wait(TIMER)), [(STOCK, Side::Sell, 100)]);
    let mut house = with_future([cash, hours_of(Market::Derivatives)], 1_000);
    shown(&mut house, 0, -100);
    house.now = at(15, 0);
    assert_eq!(orders(&house.wait(TIMER)), [], "it has its own market's time");
}
