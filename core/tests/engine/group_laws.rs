//! Laws of groups over arbitrary evidence: whatever fills, fails, moves or is asked for, cover goes last, nothing
//! grows after the end of forming, and a second engine that hears the same comes to the same state.

use bijli_core::command::{Command, Place};
use bijli_core::event::{Event, Submission, Traded, Verb};
use bijli_core::group::{EnterGroup, GroupState, LEGS_MAX, LegPlan, LegRole};
use bijli_core::order::{BrokerStatus, Purpose, Side, TradeId};
use bijli_core::strategy::{Intent, SCORE_PARTS, Signal, StrategyId};
use bijli_core::{DurationNs, Price, Qty};
use proptest::prelude::*;

use crate::house::{House, OTHER, STOCK, id_of, rupees};

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The n-th order that may be live is answered.
    Answer(usize, Submission),
    /// It fills in part or in full, percent of what is open.
    Fill(usize, i64),
    /// The broker's word that it is gone.
    Cancelled(usize),
    Price(bool, i64),
    Wait(i64),
    Control(Verb),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let submission = prop_oneof![
        6 => Just(Submission::Acked),
        1 => Just(Submission::Refused),
        1 => Just(Submission::NotSent),
        1 => Just(Submission::Unknown),
    ];
    let verb = prop_oneof![
        Just(Verb::Pause),
        Just(Verb::Resume),
        Just(Verb::Exit),
        Just(Verb::Flatten),
        Just(Verb::Kill)
    ];
    let step = prop_oneof![
        6 => (0usize..4, submission).prop_map(|(place, submission)| Step::Answer(place, submission)),
        8 => (0usize..4, 1i64..=100).prop_map(|(place, percent)| Step::Fill(place, percent.max(30))),
        2 => (0usize..4).prop_map(Step::Cancelled),
        4 => (any::<bool>(), 9_600i64..10_400).prop_map(|(first, paise)| Step::Price(first, paise)),
        4 => (0i64..6).prop_map(Step::Wait),
        1 => verb.prop_map(Step::Control),
    ];
    prop::collection::vec(step, 1..60)
}

fn hedged(house: &House) -> EnterGroup {
    let leg = |instrument, side, role, limit, stop| LegPlan {
        instrument,
        side,
        role,
        qty: Qty::new(100),
        limit: Price::from_paise(limit),
        stop: Price::from_paise(stop),
    };
    let mut legs = [None; LEGS_MAX];
    legs[0] = Some(leg(OTHER, Side::Sell, LegRole::Main, 9_990, 10_490));
    legs[1] = Some(leg(STOCK, Side::Buy, LegRole::Hedge, 10_010, 9_510));
    EnterGroup {
        signal: Signal {
            ts: house.now,
            strategy: StrategyId::SPIKE,
            instrument: OTHER,
            side: Side::Sell,
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

/// One step; gives the commands that it caused.
fn take(house: &mut House, step: Step, number: u64) -> Vec<Command> {
    let live = |house: &House, place: usize| {
        let orders = house.engine.state().orders();
        orders.live().nth(place).map(|(_, order)| *order)
    };
    match step {
        Step::Answer(place, submission) => {
            let intent = live(house, place).and_then(|order| order.intent);
            intent.map_or(Vec::new(), |intent| house.resolve(intent, submission))
        }
        Step::Fill(place, percent) => {
            let Some(order) = live(house, place).filter(|order| order.open_qty().get() > 0) else {
                return Vec::new();
            };
            let intent = order.intent.expect("all are ours");
            house.tell(Event::Traded(Traded {
                ts: house.now,
                intent: Some(intent),
                order_id: id_of(intent),
                trade_id: TradeId::new(&format!("L{number}")).expect("short text"),
                instrument: order.instrument,
                side: order.side,
                qty: Qty::new((order.open_qty().get() * percent / 100).max(1)),
                price: order.price,
            }))
        }
        Step::Cancelled(place) => {
            let Some(order) = live(house, place) else {
                return Vec::new();
            };
            let place = Place {
                ts: house.now,
                intent: order.intent.expect("all are ours"),
                instrument: order.instrument,
                side: order.side,
                purpose: order.purpose,
                order_type: bijli_core::order::OrderType::Limit,
                validity: bijli_core::order::Validity::Day,
                qty: order.qty,
                price: order.price,
                trigger: Price::NONE,
            };
            house.update(&place, BrokerStatus::Cancelled, order.filled.get())
        }
        Step::Price(first, paise) => house.tick(if first { STOCK } else { OTHER }, paise),
        Step::Wait(seconds) => house.wait(DurationNs::from_secs(seconds)),
        Step::Control(verb) => house.control(verb, number + 1),
    }
}

/// Checks what must hold after a step that found the group in `before` and caused `commands`.
fn check(house: &House, before: GroupState, commands: &[Command]) -> Result<(), TestCaseError> {
    let state = house.engine.state();
    let sold = house.position(OTHER) < 0;
    for command in commands {
        let Command::Place(place) = command else { continue };
        if place.purpose == Purpose::Entry {
            prop_assert_eq!(before, GroupState::Forming, "legs are sent while it forms");
            let covered = house.position(STOCK) == 100 || place.instrument == STOCK;
            prop_assert!(covered, "nothing is sold before its cover is bought");
        } else {
            let held = house.position(place.instrument).abs();
            prop_assert!(place.qty.get() <= held, "an exit fits its position");
            let manual = state.groups().all()[0].state == GroupState::Manual || before == GroupState::Manual;
            prop_assert!(
                manual || place.instrument == OTHER || !sold,
                "cover is not sold while what it covers is open"
            );
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn cover_comes_first_and_goes_last_whatever_happens(steps in steps()) {
        let mut houses = [House::open(), House::open()];
        for house in &mut houses {
            let wish = hedged(house);
            let commands = house.wish(Intent::EnterGroup(wish));
            prop_assert!(!commands.is_empty());
            check(house, GroupState::Forming, &commands)?;
        }
        for (number, step) in (0u64..).zip(steps) {
            let before = houses[0].engine.state().groups().all()[0].state;
            let [first, second] = houses.each_mut().map(|house| take(house, step, number));
            prop_assert_eq!(&first, &second);
            check(&houses[0], before, &first)?;
        }
        prop_assert_eq!(houses[0].engine.state_hash(), houses[1].engine.state_hash());
    }

    #[test]
    fn a_group_always_ends_once_the_broker_answers(steps in steps()) {
        let mut house = House::open();
        let wish = hedged(&house);
        house.wish(Intent::EnterGroup(wish));
        for (number, step) in (0u64..).zip(steps) {
            take(&mut house, step, number);
        }
        // From here on everything is acknowledged and filled, and an operator wants to be out.
        house.control(Verb::Kill, 1_000);
        for round in 0..40u64 {
            for place in 0..4 {
                take(&mut house, Step::Answer(place, Submission::Acked), 0);
            }
            take(&mut house, Step::Fill(0, 100), 2_000 + round);
            house.tick(STOCK, 10_000);
            house.tick(OTHER, 10_000);
            house.wait(DurationNs::from_secs(3));
        }
        prop_assert_eq!(house.engine.state().groups().all()[0].state, GroupState::Closed);
        prop_assert_eq!((house.position(STOCK), house.position(OTHER)), (0, 0));
    }
}
