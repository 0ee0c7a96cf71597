//! Groups of legs: all pass or none, hedges first in and last out, one stop and target in money, a person's hand.

use bijli_core::command::{Command, Place};
use bijli_core::event::{Event, ProcessStarted, Submission, Traded, Verb};
use bijli_core::group::{
    EnterGroup, GROUP_EVENTS, GROUP_STATES, GroupEvent, GroupState, LEGS_MAX, LeaveGroup, LegPlan, LegRole,
};
use bijli_core::held::BracketStage;
use bijli_core::order::{BrokerStatus, Purpose, Side, TradeId};
use bijli_core::strategy::{ExitReason, Intent, SCORE_PARTS, Signal, StrategyId};
use bijli_core::{Denial, DurationNs, InstrumentId, Money, Price, Qty};

use crate::house::{House, OTHER, STOCK, at, id_of, rupees};

const SECOND: DurationNs = DurationNs::from_secs(1);

pub(crate) fn leg(instrument: InstrumentId, side: Side, role: LegRole) -> LegPlan {
    let (limit, stop) = match side {
        Side::Buy => (10_010, 9_510),
        Side::Sell => (9_990, 10_490),
    };
    LegPlan {
        instrument,
        side,
        role,
        qty: Qty::new(100),
        limit: Price::from_paise(limit),
        stop: Price::from_paise(stop),
    }
}

pub(crate) fn group_of(house: &House, plans: &[LegPlan]) -> EnterGroup {
    let mut legs = [None; LEGS_MAX];
    for (slot, plan) in legs.iter_mut().zip(plans) {
        *slot = Some(*plan);
    }
    EnterGroup {
        signal: Signal {
            ts: house.now,
            strategy: StrategyId::SPIKE,
            instrument: plans[0].instrument,
            side: plans[0].side,
            score_ppm: 900_000,
            parts_ppm: [0; SCORE_PARTS.len()],
            price: Price::from_paise(10_000),
        },
        legs,
        loss: rupees(300),
        gain: rupees(400),
        form_within: DurationNs::from_secs(10),
    }
}

/// A share bought as the hedge of another one that is sold.
pub(crate) fn hedged(house: &House) -> EnterGroup {
    group_of(
        house,
        &[
            leg(OTHER, Side::Sell, LegRole::Main),
            leg(STOCK, Side::Buy, LegRole::Hedge),
        ],
    )
}

pub(crate) fn places(commands: &[Command]) -> Vec<Place> {
    let placed = commands.iter().filter_map(|command| match command {
        Command::Place(place) => Some(*place),
        _ => None,
    });
    placed.collect()
}

pub(crate) fn state(house: &House) -> GroupState {
    house.engine.state().groups().all()[0].state
}

/// Fills an order and gives the commands that the fill caused.
pub(crate) fn fill(house: &mut House, place: &Place, qty: i64, paise: i64) -> Vec<Command> {
    house.resolve(place.intent, Submission::Acked);
    house.update(place, BrokerStatus::Open, 0);
    let trade_id = format!(
        "G{}{}",
        place.intent.sequence(),
        house.engine.state().counts().events
    );
    house.tell(Event::Traded(Traded {
        ts: house.now,
        intent: Some(place.intent),
        order_id: id_of(place.intent),
        trade_id: TradeId::new(&trade_id).expect("short text"),
        instrument: place.instrument,
        side: place.side,
        qty: Qty::new(qty),
        price: Price::from_paise(paise),
    }))
}

/// A group whose hedge is filled at 100.05 and whose other leg was just sent. Gives the house and both entries.
fn covered() -> (House, Place, Place) {
    let mut house = House::open();
    let wish = hedged(&house);
    let hedge = places(&house.wish(Intent::EnterGroup(wish)))[0];
    let sold = places(&fill(&mut house, &hedge, 100, 10_005))[0];
    (house, hedge, sold)
}

/// A live group: hedge at 100.05, sold leg at 99.95. Gives the house and both entries.
pub(crate) fn live() -> (House, Place, Place) {
    let (mut house, hedge, sold) = covered();
    fill(&mut house, &sold, 100, 9_995);
    assert_eq!(state(&house), GroupState::Live);
    (house, hedge, sold)
}

#[test]
fn the_table_says_for_every_state_and_event_what_follows() {
    use GroupEvent as E;
    use GroupState as S;
    let expected = |state, event| match (state, event) {
        (S::Closed, _) => None,
        (S::Manual, E::ResumedWhole) => Some(S::Live),
        (S::Manual, E::ResumedBroken) => Some(S::Unwinding),
        (S::Manual, E::WentFlat) => Some(S::Closed),
        (S::Manual, _) | (_, E::ResumedWhole | E::ResumedBroken) => None,
        (_, E::PersonActed) => Some(S::Manual),
        (S::Forming, E::AllFilled) => Some(S::Live),
        (S::Forming, E::WentFlat) => None,
        (S::Forming, _) => Some(S::Unwinding),
        (_, E::WentFlat) => Some(S::Closed),
        (S::Live, E::LegLost | E::LevelCrossed | E::CloseAsked) => Some(S::Closing),
        (S::Live | S::Closing | S::Unwinding, _) => None,
    };
    for state in GROUP_STATES {
        for event in GROUP_EVENTS {
            assert_eq!(
                state.after(event),
                expected(state, event),
                "{state:?} on {event:?}"
            );
        }
    }
}

#[test]
fn a_hedge_is_filled_before_what_it_covers_is_sold() {
    let mut house = House::open();
    let wish = hedged(&house);
    let first = places(&house.wish(Intent::EnterGroup(wish)));
    assert_eq!(first.len(), 1, "the hedge alone: {first:?}");
    assert_eq!((first[0].instrument, first[0].side), (STOCK, Side::Buy));
    assert_eq!(
        places(&fill(&mut house, &first[0], 40, 10_005)),
        [],
        "a part is no cover"
    );
    let second = places(&fill(&mut house, &first[0], 60, 10_005));
    assert_eq!((second[0].instrument, second[0].side), (OTHER, Side::Sell));
    assert_eq!(state(&house), GroupState::Forming);
    fill(&mut house, &second[0], 100, 9_995);
    assert_eq!(state(&house), GroupState::Live);
    let orders = house.engine.state().orders().all();
    let id = house.engine.state().groups().all()[0].id;
    assert!(
        orders.iter().all(|order| order.group == Some(id)),
        "orders know their group"
    );
    assert_eq!(house.engine.state().bracket_stage(STOCK), BracketStage::Live);
    assert_eq!(
        house.engine.state().counts().signals,
        1,
        "one group is one signal"
    );
}

#[test]
fn two_bought_legs_go_out_together() {
    let mut house = House::open();
    let legs = [
        leg(STOCK, Side::Buy, LegRole::Main),
        leg(OTHER, Side::Buy, LegRole::Main),
    ];
    let wish = group_of(&house, &legs);
    assert_eq!(places(&house.wish(Intent::EnterGroup(wish))).len(), 2);
}

#[test]
fn the_whole_group_passes_the_gate_or_none_of_it() {
    let mut large = [
        leg(STOCK, Side::Buy, LegRole::Main),
        leg(OTHER, Side::Buy, LegRole::Main),
    ];
    for leg in &mut large {
        // 16 016 rupees each: both are within 30 % of capital, together they are not.
        leg.qty = Qty::new(160);
    }
    let mut stale = [
        leg(STOCK, Side::Buy, LegRole::Main),
        leg(OTHER, Side::Buy, LegRole::Main),
    ];
    stale[1].limit = Price::from_paise(10_500);
    let mut risky = large;
    for leg in &mut risky {
        leg.qty = Qty::new(140);
        leg.stop = Price::from_paise(8_000);
    }
    for (legs, denial) in [
        (large, Denial::PositionValue),
        (stale, Denial::PriceCollar),
        (risky, Denial::PositionRisk),
    ] {
        let mut house = House::open();
        let wish = group_of(&house, &legs);
        assert_eq!(house.wish(Intent::EnterGroup(wish)), [], "{denial:?}");
        let judged = house.engine.state().signal(0).expect("it is remembered");
        assert_eq!(judged.denial, Some(denial));
        assert_eq!(house.engine.state().groups().all(), []);
    }
}

#[test]
fn a_leg_that_is_refused_unwinds_what_was_filled_at_once() {
    let (mut house, _, sold) = covered();
    let exits = places(&house.resolve(sold.intent, Submission::Refused));
    assert_eq!(state(&house), GroupState::Unwinding);
    assert_eq!(
        (exits[0].instrument, exits[0].side, exits[0].purpose, exits[0].qty),
        (STOCK, Side::Sell, Purpose::Exit, Qty::new(100))
    );
    assert_eq!(house.engine.state().bracket_stage(STOCK), BracketStage::Closing);
    fill(&mut house, &exits[0], 100, 9_990);
    assert_eq!(state(&house), GroupState::Closed);
    assert_eq!(house.position(STOCK), 0);
}

#[test]
fn a_leg_that_does_not_fill_in_time_is_cancelled_and_the_rest_unwound() {
    let (mut house, _, sold) = covered();
    house.resolve(sold.intent, Submission::Acked);
    house.update(&sold, BrokerStatus::Open, 0);
    fill_part(&mut house, &sold, 30);
    assert_eq!(
        house.wait(DurationNs::from_secs(9)),
        [],
        "an entry's own time-out is not a leg's"
    );
    let commands = house.wait(SECOND);
    assert_eq!(state(&house), GroupState::Unwinding);
    let cancelled =
        |command: &Command| matches!(command, Command::Cancel(cancel) if cancel.intent == sold.intent);
    assert!(commands.iter().any(cancelled), "{commands:?}");
    assert_eq!(
        places(&commands),
        [],
        "an exit waits for the end of an entry that it could match"
    );
    // The cancel races a fill: what came late is bought back too, and only then the hedge is sold.
    fill_part(&mut house, &sold, 20);
    let exits = places(&house.update(&sold, BrokerStatus::Cancelled, 50));
    assert_eq!(exits.len(), 1, "the hedge waits for what it covers");
    assert_eq!(
        (exits[0].instrument, exits[0].side, exits[0].qty),
        (OTHER, Side::Buy, Qty::new(50))
    );
    house.tick(STOCK, 10_000);
    house.tick(OTHER, 10_000);
    let hedge_exit = places(&fill(&mut house, &exits[0], 50, 10_005));
    fill(&mut house, &hedge_exit[0], 100, 9_990);
    assert_eq!(state(&house), GroupState::Closed);
    let after: Vec<_> = house
        .engine
        .state()
        .orders()
        .all()
        .iter()
        .filter(|order| order.purpose == Purpose::Exit)
        .map(|order| (order.instrument, order.qty.get()))
        .collect();
    assert_eq!(after, [(OTHER, 50), (STOCK, 100)]);
}

#[test]
fn a_hedge_does_not_wait_for_a_leg_that_is_presumed_absent() {
    let (mut house, _, sold) = covered();
    house.resolve(sold.intent, Submission::Unknown);
    house.wait(DurationNs::from_secs(11));
    assert_eq!(state(&house), GroupState::Unwinding);
    assert_eq!(
        house.wait(SECOND),
        [],
        "what it covers may exist: the hedge stays"
    );
    house.tick(STOCK, 10_000);
    let exits = places(&house.resolve(sold.intent, Submission::PresumedAbsent));
    assert_eq!(
        exits
            .iter()
            .map(|exit| (exit.instrument, exit.side, exit.qty.get()))
            .collect::<Vec<_>>(),
        [(STOCK, Side::Sell, 100)]
    );
}

#[test]
fn a_process_that_takes_the_day_over_leaves_the_legs_of_a_group_alone_until_the_books_are_read() {
    let (mut house, _, sold) = covered();
    house.resolve(sold.intent, Submission::Acked);
    house.update(&sold, BrokerStatus::Open, 0);
    house.wait(DurationNs::from_secs(11));
    assert_eq!(state(&house), GroupState::Unwinding);
    house.update(&sold, BrokerStatus::Open, 0);
    house.now = house.now.plus(DurationNs::from_secs(3));
    let started = ProcessStarted {
        ts: house.now,
        epoch: house.engine.state().epoch() + 1,
    };
    assert_eq!(house.tell(Event::ProcessStarted(started)), []);
    let commands = house.reconcile();
    let cancelled =
        |command: &Command| matches!(command, Command::Cancel(cancel) if cancel.intent == sold.intent);
    assert!(commands.iter().any(cancelled), "{commands:?}");
}

fn fill_part(house: &mut House, place: &Place, qty: i64) {
    house.trade(place, qty, place.price.get() / 100);
}

#[test]
fn the_stop_and_target_of_the_whole_are_in_money() {
    for (stock, other, reason) in [
        // The hedge loses 200, what is sold loses 110: 310 together, with no leg at its own stop.
        (9_810, 10_100, Some(ExitReason::Stop)),
        (10_210, 9_780, Some(ExitReason::Target)),
        (9_900, 10_050, None),
    ] {
        let (mut house, ..) = live();
        house.tick(STOCK, stock);
        let orders = places(&house.tick(OTHER, other));
        let reasons: Vec<_> = house
            .engine
            .state()
            .orders()
            .all()
            .iter()
            .filter_map(|order| order.exit_reason)
            .collect();
        match reason {
            Some(reason) => {
                assert_eq!(state(&house), GroupState::Closing, "{reason:?}");
                assert_eq!(orders.len(), 1, "shorts first");
                assert_eq!((orders[0].instrument, orders[0].side), (OTHER, Side::Buy));
                assert_eq!(reasons, [reason]);
                let hedge = places(&fill(&mut house, &orders[0], 100, other));
                assert_eq!((hedge[0].instrument, hedge[0].side), (STOCK, Side::Sell));
                fill(&mut house, &hedge[0], 100, stock);
                assert_eq!(state(&house), GroupState::Closed);
            }
            None => assert_eq!((state(&house), reasons), (GroupState::Live, vec![])),
        }
    }
}

#[test]
fn a_single_order_with_stop_and_target_is_a_group_of_one() {
    let mut house = House::open();
    let mut wish = group_of(&house, &[leg(STOCK, Side::Buy, LegRole::Main)]);
    wish.loss = Money::ZERO;
    let entry = places(&house.wish(Intent::EnterGroup(wish)))[0];
    assert_eq!(house.engine.state().bracket_stage(STOCK), BracketStage::Forming);
    fill(&mut house, &entry, 100, 10_005);
    house.tick(STOCK, 9_515);
    assert_eq!(state(&house), GroupState::Live);
    let exits = places(&house.tick(STOCK, 9_510));
    assert_eq!((exits.len(), state(&house)), (1, GroupState::Closing));
    fill(&mut house, &exits[0], 100, 9_505);
    assert_eq!(state(&house), GroupState::Closed);
    assert_eq!(house.engine.state().bracket_stage(STOCK), BracketStage::Closed);
}

#[test]
fn a_strategy_leaves_its_group_whole_and_never_by_the_leg() {
    let (mut house, ..) = live();
    assert_eq!(house.wish_to_leave(STOCK, 100), [], "a leg leaves with its group");
    let id = house.engine.state().groups().all()[0].id;
    let orders = places(&house.wish(Intent::LeaveGroup(LeaveGroup {
        group: id,
        reason: ExitReason::Time,
    })));
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].instrument, OTHER);
    assert_eq!(
        house.engine.state().orders().all()[2].exit_reason,
        Some(ExitReason::Time)
    );
}

#[test]
fn kill_and_square_off_close_groups_shorts_first() {
    let (mut house, ..) = live();
    let orders = places(&house.control(Verb::Kill, 1));
    assert_eq!(
        orders.iter().map(|order| order.instrument).collect::<Vec<_>>(),
        [OTHER]
    );
    assert_eq!(state(&house), GroupState::Closing);
    let (mut house, ..) = live();
    house.now = at(15, 15);
    let orders = places(&house.wait(SECOND));
    assert_eq!(
        orders.iter().map(|order| order.instrument).collect::<Vec<_>>(),
        [OTHER]
    );
    assert_eq!(state(&house), GroupState::Closing);
}

#[test]
fn what_a_person_touches_is_manual_until_handed_back() {
    let (mut house, ..) = live();
    let exits = places(&house.control(Verb::Exit, 1));
    assert_eq!(
        exits[0].instrument, STOCK,
        "a person's word goes before the order of legs"
    );
    assert_eq!(state(&house), GroupState::Manual);
    assert_eq!(house.engine.state().bracket_stage(STOCK), BracketStage::Manual);
    fill(&mut house, &exits[0], 100, 10_000);
    house.tick(OTHER, 12_000);
    assert_eq!(state(&house), GroupState::Manual, "far beyond its stop");
    assert_eq!(house.position(OTHER), -100);
    house.control(Verb::Resume, 2);
    assert_eq!(
        state(&house),
        GroupState::Unwinding,
        "it is no longer what it was"
    );
    let last = house
        .engine
        .state()
        .orders()
        .all()
        .last()
        .copied()
        .expect("orders");
    assert_eq!(
        (last.instrument, last.side, last.purpose),
        (OTHER, Side::Buy, Purpose::Exit)
    );
}

#[test]
fn a_mode_that_bars_entries_bars_the_second_leg_and_unwinds_the_first() {
    let mut house = House::open();
    let wish = hedged(&house);
    let hedge = places(&house.wish(Intent::EnterGroup(wish)))[0];
    house.control(Verb::Pause, 1);
    let orders = places(&fill(&mut house, &hedge, 100, 10_005));
    assert_eq!(state(&house), GroupState::Unwinding);
    assert_eq!((orders[0].instrument, orders[0].purpose), (STOCK, Purpose::Exit));
}
