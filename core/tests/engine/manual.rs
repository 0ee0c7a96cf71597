//! What a person touches: strategies leave it alone, safety does not, and it ends flat or handed back. And the wish
//! to enlarge a position, which only its own strategy may have.

use bijli_core::command::{Cancel, Command, Place};
use bijli_core::event::{Event, OrderUpdated, Submission, Verb};
use bijli_core::held::BracketStage;
use bijli_core::order::{BrokerOrderId, BrokerStatus, Purpose, Side};
use bijli_core::risk::TradingMode;
use bijli_core::strategy::{Enter, Intent, SCORE_PARTS, Signal, StrategyId};
use bijli_core::{Denial, DurationNs, Price, Qty};

use crate::house::{House, OTHER, STOCK, only_place};

fn foreign_order(house: &House) -> Event {
    Event::OrderUpdated(foreign(house, BrokerStatus::Open))
}

fn cancelled(house: &House) -> Event {
    Event::OrderUpdated(foreign(house, BrokerStatus::Cancelled))
}

fn foreign(house: &House, status: BrokerStatus) -> OrderUpdated {
    OrderUpdated {
        ts: house.now,
        intent: None,
        order_id: BrokerOrderId::new("999999999999999").expect("fifteen digits"),
        instrument: STOCK,
        side: Side::Sell,
        status,
        qty: Qty::new(50),
        filled: Qty::ZERO,
        price: Price::from_paise(10_500),
        trigger: Price::NONE,
        average_price: Price::NONE,
        modifies_ended: 0,
    }
}

#[test]
fn an_order_of_somebody_else_makes_the_position_manual_and_its_strategy_silent() {
    let (mut house, _) = House::bought(STOCK);
    assert_eq!(house.engine.state().bracket_stage(STOCK), BracketStage::Live);
    let event = foreign_order(&house);
    house.tell(event);
    assert_eq!(house.engine.state().bracket_stage(STOCK), BracketStage::Manual);
    assert_eq!(house.wish_to_leave(STOCK, 100), []);
    house.control(Verb::Resume, 1);
    assert_eq!(house.engine.state().bracket_stage(STOCK), BracketStage::Live);
}

#[test]
fn a_persons_exit_is_tried_again_until_the_position_is_flat() {
    let (mut house, _) = House::bought(STOCK);
    let first = only_place(&house.control(Verb::Exit, 1));
    assert!(house.engine.state().held().is_manual(STOCK));
    house.resolve(first.intent, Submission::Refused);
    assert_eq!(house.wish_to_leave(STOCK, 100), [], "the strategy has no say");
    assert_eq!(house.wait(DurationNs::from_secs(1)), []);
    house.tick(STOCK, 10_000);
    let second = only_place(&house.wait(DurationNs::from_secs(5)));
    house.resolve(second.intent, Submission::Acked);
    house.update(&second, BrokerStatus::Open, 0);
    house.trade(&second, 100, 9_990);
    assert_eq!(house.position(STOCK), 0);
    assert_eq!(house.engine.state().held().all(), [], "flat: nobody's any more");
}

fn is_leaving(commands: &[Command], qty: i64) -> bool {
    let leaves = |command: &Command| {
        matches!(command, Command::Place(place) if place.purpose == Purpose::Exit
            && (place.instrument, place.side, place.qty.get()) == (STOCK, Side::Sell, qty))
    };
    commands.iter().any(leaves)
}

/// An entry that a person's exit came behind, while nothing is held and its answer is under way.
fn unanswered_and_unwanted() -> (House, Place) {
    let mut house = House::open();
    let entry = only_place(&house.wish_to_buy(STOCK));
    let withdrawal = Command::Cancel(Cancel {
        ts: house.now,
        intent: entry.intent,
        order_id: BrokerOrderId::EMPTY,
    });
    assert_eq!(
        house.control(Verb::Exit, 1),
        [withdrawal],
        "it has no number at the broker yet, and may not have left"
    );
    (house, entry)
}

#[test]
fn a_persons_exit_takes_back_an_entry_that_works_while_nothing_is_held() {
    let mut house = House::open();
    let entry = only_place(&house.wish_to_buy(STOCK));
    let other = only_place(&house.wish_to_buy(OTHER));
    for place in [&entry, &other] {
        house.resolve(place.intent, Submission::Acked);
        house.update(place, BrokerStatus::Open, 0);
    }
    let commands = house.control(Verb::Exit, 1);
    assert!(
        matches!(commands[..], [Command::Cancel(cancel)] if cancel.intent == entry.intent),
        "{commands:?}"
    );
    house.update(&entry, BrokerStatus::Cancelled, 0);
    assert_eq!(house.wait(DurationNs::from_secs(1)), []);
}

#[test]
fn an_unanswered_entry_is_taken_back_as_soon_as_it_can_be_and_what_it_filled_is_left() {
    let (mut house, entry) = unanswered_and_unwanted();
    house.resolve(entry.intent, Submission::Acked);
    house.update(&entry, BrokerStatus::Open, 0);
    let commands = house.wait(DurationNs::from_millis(250));
    assert!(
        matches!(commands[..], [Command::Cancel(cancel)] if cancel.intent == entry.intent),
        "{commands:?}"
    );
    house.trade(&entry, 40, 10_005);
    let commands = house.update(&entry, BrokerStatus::Cancelled, 40);
    assert!(is_leaving(&commands, 40), "{commands:?}");
    assert!(house.engine.state().held().is_manual(STOCK));
    assert_eq!(house.wish_to_leave(STOCK, 40), [], "its strategy has no say");
}

#[test]
fn an_unwanted_entry_that_fills_at_once_is_left_at_once_and_after_a_restart_too() {
    for restarts in [false, true] {
        let (mut house, entry) = unanswered_and_unwanted();
        if restarts {
            house.start(2);
            house.reconcile();
            house.tick(STOCK, 10_000);
        }
        house.update(&entry, BrokerStatus::Complete, 100);
        let fill = house.fill_of(&entry, 100, 10_005);
        let commands = house.tell(Event::Traded(fill));
        assert!(is_leaving(&commands, 100), "{restarts}: {commands:?}");
        let exit = only_place(&commands);
        house.resolve(exit.intent, Submission::Acked);
        house.trade(&exit, 100, 9_990);
        assert_eq!(house.engine.state().held().all(), []);
    }
}

#[test]
fn a_fill_of_an_unwanted_entry_that_only_the_brokers_position_shows_is_left() {
    let (mut house, entry) = unanswered_and_unwanted();
    house.resolve(entry.intent, Submission::Unknown);
    let commands = house.report_position(STOCK, 100);
    assert!(
        house
            .engine
            .state()
            .held()
            .get(STOCK)
            .is_some_and(|held| held.exit_asked)
    );
    // The entry may be live still, and the two must not meet: for so long the exit waits.
    let later = house.wait(DurationNs::from_secs(2));
    assert!(
        is_leaving(&commands, 100) || is_leaving(&later, 100),
        "{commands:?} {later:?}"
    );
    // What moves the other way is none of its.
    let (mut house, entry) = unanswered_and_unwanted();
    house.resolve(entry.intent, Submission::Unknown);
    house.report_position(STOCK, -100);
    assert!(!house.engine.state().held().is_manual(STOCK));
}

#[test]
fn a_late_fill_behind_a_persons_exit_is_left_and_a_later_entry_is_kept() {
    let (mut house, entry) = unanswered_and_unwanted();
    house.resolve(entry.intent, Submission::Refused);
    house.wait(DurationNs::from_secs(121));
    house.tick(STOCK, 10_000);
    house.tick(OTHER, 10_000);
    let again = only_place(&house.wish_to_buy(STOCK));
    house.resolve(again.intent, Submission::Acked);
    house.trade(&again, 100, 10_005);
    assert_eq!(house.engine.state().bracket_stage(STOCK), BracketStage::Live);
    assert_eq!(house.wait(DurationNs::from_secs(1)), [], "that was another wish");
    // An addition is unanswered when the position is left: the exit reaches it too.
    let (mut house, _) = House::bought(STOCK);
    house.wait(DurationNs::from_secs(121));
    house.tick(STOCK, 10_000);
    house.tick(OTHER, 10_000);
    let wish = addition(&house, StrategyId::SPIKE, Side::Buy, 50);
    let addition = only_place(&house.wish(wish));
    house.control(Verb::Exit, 1);
    house.resolve(addition.intent, Submission::Acked);
    let exit = only_place(&house.update(&addition, BrokerStatus::Cancelled, 0));
    house.resolve(exit.intent, Submission::Acked);
    house.trade(&exit, 100, 9_990);
    assert_eq!(house.position(STOCK), 0);
    let fill = house.fill_of(&addition, 50, 10_005);
    let commands = house.tell(Event::Traded(fill));
    assert!(is_leaving(&commands, 50), "{commands:?}");
}

#[test]
fn an_entry_that_a_person_hands_back_is_its_strategys_again() {
    for instrument in [Some(STOCK), None] {
        let (mut house, entry) = unanswered_and_unwanted();
        house.control_of(Some(OTHER), Verb::Resume, 2);
        house.control_of(instrument, Verb::Resume, 3);
        house.resolve(entry.intent, Submission::Acked);
        assert_eq!(house.wait(DurationNs::from_secs(1)), []);
        house.trade(&entry, 100, 10_005);
        assert_eq!(house.engine.state().bracket_stage(STOCK), BracketStage::Live);
    }
}

#[test]
fn flatten_and_kill_go_on_trading_what_a_person_has() {
    for verb in [Verb::Flatten, Verb::Kill] {
        let (mut house, _) = House::bought(STOCK);
        let event = foreign_order(&house);
        house.tell(event);
        let commands = house.control(verb, 1);
        let makes_way = |command: &Command| matches!(command, Command::CancelForeign(_));
        assert!(commands.iter().any(makes_way), "{verb:?}: {commands:?}");
        let event = cancelled(&house);
        let commands = house.tell(event);
        let leaves =
            |command: &Command| matches!(command, Command::Place(place) if place.instrument == STOCK);
        assert!(commands.iter().any(leaves), "{verb:?}: {commands:?}");
    }
}

#[test]
fn the_stage_follows_a_position_from_entry_to_flat() {
    let mut house = House::open();
    let mut stages = vec![house.engine.state().bracket_stage(STOCK)];
    let entry = only_place(&house.wish_to_buy(STOCK));
    stages.push(house.engine.state().bracket_stage(STOCK));
    house.resolve(entry.intent, Submission::Acked);
    house.trade(&entry, 100, 10_005);
    stages.push(house.engine.state().bracket_stage(STOCK));
    let part = only_place(&house.wish_to_leave(STOCK, 40));
    house.resolve(part.intent, Submission::Acked);
    house.trade(&part, 40, 10_400);
    stages.push(house.engine.state().bracket_stage(STOCK));
    let rest = only_place(&house.wish_to_leave(STOCK, 60));
    stages.push(house.engine.state().bracket_stage(STOCK));
    house.resolve(rest.intent, Submission::Acked);
    house.trade(&rest, 60, 10_300);
    stages.push(house.engine.state().bracket_stage(STOCK));
    use BracketStage as B;
    assert_eq!(
        stages,
        [B::None, B::Forming, B::Live, B::Booked, B::Closing, B::Closed]
    );
}

fn addition(house: &House, strategy: StrategyId, side: Side, qty: i64) -> Intent {
    let (limit, stop) = match side {
        Side::Buy => (10_010, 9_700),
        Side::Sell => (9_990, 10_300),
    };
    Intent::Enter(Enter {
        signal: Signal {
            ts: house.now,
            strategy,
            instrument: STOCK,
            side,
            score_ppm: 900_000,
            parts_ppm: [0; SCORE_PARTS.len()],
            price: Price::from_paise(10_000),
        },
        qty: Qty::new(qty),
        limit: Price::from_paise(limit),
        stop: Price::from_paise(stop),
        adds: true,
    })
}

#[test]
fn a_declared_addition_of_the_same_strategy_and_side_passes_and_nothing_else_does() {
    let other = StrategyId::new(1).expect("there are several");
    let ready = || {
        let (mut house, _) = House::bought(STOCK);
        house.wait(DurationNs::from_secs(121));
        house.tick(STOCK, 10_000);
        house.tick(OTHER, 10_000);
        house
    };
    for (strategy, side, qty, denial) in [
        (StrategyId::SPIKE, Side::Buy, 50, None),
        (other, Side::Buy, 50, Some(Denial::InstrumentBusy)),
        (StrategyId::SPIKE, Side::Sell, 50, Some(Denial::InstrumentBusy)),
        // 100 are held at 100.00: together they would be 30 020 rupees, and 30 % of capital is 30 000.
        (StrategyId::SPIKE, Side::Buy, 200, Some(Denial::PositionValue)),
    ] {
        let mut house = ready();
        let wish = addition(&house, strategy, side, qty);
        let commands = house.wish(wish);
        assert_eq!(
            commands.len(),
            usize::from(denial.is_none()),
            "{strategy:?} {side:?} {qty}"
        );
        let judged = house.engine.state().signal(0).expect("it is remembered");
        assert_eq!(judged.denial, denial);
    }
    let mut house = ready();
    let event = foreign_order(&house);
    house.tell(event);
    let wish = addition(&house, StrategyId::SPIKE, Side::Buy, 50);
    assert_eq!(house.wish(wish), [], "not to what a person has");
}

#[test]
fn one_instrument_is_paused_and_resumed_alone() {
    let mut house = House::open();
    house.control_of(Some(STOCK), Verb::Pause, 1);
    assert_eq!(
        house.engine.state().mode(),
        TradingMode::Active,
        "the account is not"
    );
    assert_eq!(house.wish_to_buy(STOCK), []);
    let judged = house.engine.state().signal(0).expect("a wish was judged");
    assert_eq!(judged.denial, Some(Denial::InstrumentNotTradable));
    assert_eq!(house.wish_to_buy(OTHER).len(), 1);
    house.control(Verb::Resume, 2);
    assert!(
        house.engine.state().is_frozen(STOCK),
        "it was paused by name and is resumed by name"
    );
    house.control(Verb::Pause, 3);
    house.control_of(Some(STOCK), Verb::Resume, 4);
    assert!(!house.engine.state().is_frozen(STOCK));
    assert_eq!(
        house.engine.state().mode(),
        TradingMode::Paused,
        "one instrument ends no pause of the account"
    );
    house.control(Verb::Resume, 5);
    assert_eq!(house.wish_to_buy(STOCK).len(), 1);
}

#[test]
fn an_instrument_is_handed_back_by_name_once_the_order_of_somebody_else_has_ended() {
    let (mut house, _) = House::bought(STOCK);
    let event = foreign_order(&house);
    house.tell(event);
    let stage = |house: &House| house.engine.state().bracket_stage(STOCK);
    house.control_of(Some(STOCK), Verb::Resume, 1);
    assert_eq!(stage(&house), BracketStage::Manual, "their order may still fill");
    assert_eq!(house.engine.state().supervision().refused, 1);
    let event = cancelled(&house);
    house.tell(event);
    house.control_of(Some(OTHER), Verb::Resume, 2);
    assert_eq!(
        stage(&house),
        BracketStage::Manual,
        "another name says nothing of this one"
    );
    house.control_of(Some(STOCK), Verb::Resume, 3);
    assert_eq!(stage(&house), BracketStage::Live);
    assert!(!house.engine.state().is_frozen(STOCK));
    assert!(
        !house.wish_to_leave(STOCK, 100).is_empty(),
        "its strategy leads it again"
    );
}
