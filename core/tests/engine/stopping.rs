//! Everything that stops or unwinds: operator commands, the loss limit and the end of the day.

use bijli_core::command::{CancelForeign, Command};
use bijli_core::event::{Event, OrderUpdated, PositionReported, Submission, Verb};
use bijli_core::order::{BrokerOrderId, BrokerStatus, Purpose, Side};
use bijli_core::risk::TradingMode;
use bijli_core::{Denial, DurationNs, Price, Qty, TsNs};

use crate::house::{House, OTHER, STOCK, at, only_place, rupees};

fn last_denial(house: &House) -> Option<Denial> {
    house.engine.state().signal(0).and_then(|judged| judged.denial)
}

#[test]
fn pause_stops_entries_and_lets_exits_pass() {
    let (mut house, _) = House::bought(STOCK);
    house.control(Verb::Pause, 1);
    assert_eq!(house.wish_to_buy(OTHER), []);
    assert_eq!(last_denial(&house), Some(Denial::Paused));
    assert_eq!(
        only_place(&house.wish_to_leave(STOCK, 100)).purpose,
        Purpose::Exit
    );
    house.control(Verb::Resume, 2);
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
}

#[test]
fn a_kill_cancels_closes_and_stays_over_a_restart_until_armed() {
    let (mut house, _) = House::bought(STOCK);
    let entry = only_place(&house.wish_to_buy(OTHER));
    house.resolve(entry.intent, Submission::Acked);
    let commands = house.control(Verb::Kill, 7);
    assert!(
        commands
            .iter()
            .any(|command| matches!(command, Command::Cancel(_)))
    );
    assert!(
        commands
            .iter()
            .any(|c| matches!(c, Command::Place(place) if place.purpose == Purpose::Exit))
    );
    assert!(commands.iter().all(Command::reduces_risk));
    house.start(2);
    house.reconcile();
    assert_eq!(house.engine.state().mode(), TradingMode::Killed);
    house.control(Verb::Resume, 8);
    assert_eq!(
        house.engine.state().mode(),
        TradingMode::Killed,
        "resume does not clear a kill"
    );
    house.control(Verb::Arm, 9);
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
}

#[test]
fn the_same_command_id_is_obeyed_once() {
    let mut house = House::open();
    house.control(Verb::Pause, 5);
    house.control(Verb::Resume, 6);
    house.control(Verb::Pause, 6);
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
    assert_eq!(house.engine.state().counts().controls, 2);
}

#[test]
fn flatten_ends_flat_and_paused() {
    let (mut house, _) = House::bought(STOCK);
    let exit = only_place(&house.control(Verb::Flatten, 1));
    house.resolve(exit.intent, Submission::Acked);
    house.trade(&exit, 100, 9_990);
    house.update(&exit, BrokerStatus::Complete, 100);
    house.wait(DurationNs::from_secs(1));
    assert_eq!(
        (house.position(STOCK), house.engine.state().mode()),
        (0, TradingMode::Paused)
    );
}

#[test]
fn the_daily_loss_limit_latches_on_unrealised_losses_and_survives_a_recovery_of_the_price() {
    let (mut house, _) = House::bought(STOCK);
    house.tick(STOCK, 7_900);
    assert!(house.engine.state().result() <= rupees(-2_000));
    assert!(house.engine.state().is_day_loss_latched());
    house.tick(STOCK, 10_500);
    assert_eq!(house.wish_to_buy(OTHER), []);
    assert_eq!(last_denial(&house), Some(Denial::DailyLossReached));
    house.control(Verb::Arm, 1);
    assert!(
        house.engine.state().is_day_loss_latched(),
        "arming does not forgive the loss limit"
    );
}

#[test]
fn no_entry_after_three_and_everything_closed_from_a_quarter_past() {
    let (mut house, _) = House::bought(STOCK);
    house.now = at(15, 0);
    house.tick(OTHER, 10_000);
    assert_eq!(house.wish_to_buy(OTHER), []);
    assert_eq!(last_denial(&house), Some(Denial::SessionClosed));
    house.now = TsNs::new(at(15, 15).get() - 1);
    house.tick(STOCK, 10_000);
    assert_eq!(house.wait(DurationNs::ZERO), []);
    let exit = only_place(&house.wait(DurationNs::new(1)));
    assert_eq!((exit.purpose, exit.qty.get()), (Purpose::Exit, 100));
    house.resolve(exit.intent, Submission::Acked);
    house.update(&exit, BrokerStatus::Open, 0);
    house.now = at(15, 20);
    let commands = house.wait(DurationNs::ZERO);
    assert!(
        matches!(commands[..], [Command::Reconcile(_), Command::Modify(modify)] if modify.price < exit.price),
        "priced anew; its own price is minutes old: {commands:?}"
    );
}

#[test]
fn an_exit_that_is_rejected_is_asked_for_again_at_square_off() {
    let (mut house, _) = House::bought(STOCK);
    house.now = at(15, 16);
    house.tick(STOCK, 10_000);
    let exit = only_place(&house.wait(DurationNs::ZERO));
    house.resolve(exit.intent, Submission::Refused);
    assert_eq!(
        house.wait(DurationNs::from_secs(4)),
        [],
        "a failed exit is not hammered"
    );
    let again = only_place(&house.wait(DurationNs::from_secs(1)));
    assert_ne!(again.intent, exit.intent);
}

/// An order that a person placed at the broker's own screen, selling the whole position.
fn sold_by_hand(house: &mut House, status: BrokerStatus) -> (BrokerOrderId, Vec<Command>) {
    let order_id = BrokerOrderId::new("260731009999999").expect("fifteen digits");
    let commands = house.tell(Event::OrderUpdated(OrderUpdated {
        ts: house.now,
        intent: None,
        order_id,
        instrument: STOCK,
        side: Side::Sell,
        status,
        qty: Qty::new(100),
        filled: Qty::ZERO,
        price: Price::from_paise(12_000),
        trigger: Price::NONE,
        average_price: Price::from_paise(12_000),
        modifies_ended: 0,
    }));
    (order_id, commands)
}

#[test]
fn a_person_s_own_exit_is_left_alone_by_stops_and_by_time() {
    let (mut house, _) = House::bought(STOCK);
    sold_by_hand(&mut house, BrokerStatus::Open);
    assert_eq!(
        house.wish_to_leave(STOCK, 100),
        [],
        "two exits could turn the position round"
    );
    for _ in 0..9 {
        house.tick(STOCK, 10_000);
        assert_eq!(house.wait(DurationNs::from_secs(10)), []);
    }
}

#[test]
fn a_kill_cancels_a_foreign_order_in_its_way_and_then_closes() {
    let (mut house, _) = House::bought(STOCK);
    let (order_id, _) = sold_by_hand(&mut house, BrokerStatus::Open);
    let cancel = Command::CancelForeign(CancelForeign {
        ts: house.now,
        order_id,
        instrument: STOCK,
    });
    assert_eq!(house.control(Verb::Kill, 1), [cancel]);
    assert!(cancel.reduces_risk());
    assert_eq!(
        house.wait(DurationNs::from_secs(1)),
        [],
        "one cancel is on its way"
    );
    let (_, commands) = sold_by_hand(&mut house, BrokerStatus::Cancelled);
    let exit = only_place(&commands);
    assert_eq!(
        (exit.instrument, exit.side, exit.qty),
        (STOCK, Side::Sell, Qty::new(100))
    );
}

#[test]
fn an_order_of_somebody_else_is_left_alone_where_we_hold_nothing_and_does_not_keep_us_from_being_flat() {
    for verb in [Verb::Flatten, Verb::Kill] {
        let mut house = House::open();
        sold_by_hand(&mut house, BrokerStatus::Open);
        assert_eq!(house.control(verb, 1), []);
        let asked = house.wait(DurationNs::from_secs(90));
        assert!(
            matches!(asked[..], [Command::Reconcile(_)]),
            "only the broker is asked: {asked:?}"
        );
        let orders = house.engine.state().orders();
        assert_eq!((orders.live_count(), orders.unfinished_count()), (1, 0));
    }
    let mut house = House::open();
    sold_by_hand(&mut house, BrokerStatus::Open);
    house.control(Verb::Flatten, 1);
    let asked = house.wait(DurationNs::from_secs(1));
    house.shown_flat(&asked);
    house.wait(DurationNs::from_secs(1));
    house.tell(Event::PositionReported(PositionReported {
        ts: house.now,
        instrument: STOCK,
        qty: Qty::new(100),
        last_price: Price::NONE,
    }));
    let later = house.wait(DurationNs::from_secs(5));
    assert_eq!(
        later,
        [],
        "the flatten had ended: what came after it is not closed"
    );
}

#[test]
fn a_foreign_order_that_cannot_be_cancelled_is_tried_five_times_and_then_told() {
    let (mut house, _) = House::bought(STOCK);
    let (order_id, _) = sold_by_hand(&mut house, BrokerStatus::Open);
    let mut commands = house.control(Verb::Kill, 1);
    for _ in 0..20 {
        sold_by_hand(&mut house, BrokerStatus::Open);
        house.tick(STOCK, 10_000);
        commands.extend(house.wait(DurationNs::from_secs(3)));
    }
    let of_that_order =
        |command: &Command| matches!(command, Command::CancelForeign(cancel) if cancel.order_id == order_id);
    assert!(commands.iter().all(of_that_order), "{commands:?}");
    assert_eq!((commands.len(), house.position(STOCK)), (5, 100));
    assert_eq!(house.engine.state().counts().contradictions, 1);
}
