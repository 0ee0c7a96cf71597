//! Exits and the stop at the broker: never more than the position, cut at the freeze quantity, and never given up.

use bijli_core::command::{Command, Modify, Place};
use bijli_core::event::{Event, OrderUpdated, Submission};
use bijli_core::order::{BrokerStatus, OrderState, OrderType, Purpose, Side};
use bijli_core::order_config::ProtectiveStop;
use bijli_core::page::PageReason;
use bijli_core::risk::TradingMode;
use bijli_core::strategy::{Intent, Protect};
use bijli_core::{DurationNs, Price, Qty};

use crate::house::{House, STOCK, only_place};

const SECOND: DurationNs = DurationNs::from_secs(1);

fn only_modify(commands: &[Command]) -> Modify {
    match commands {
        [Command::Modify(modify)] => *modify,
        other => panic!("expected one modify, got {other:?}"),
    }
}

/// A hundred bought at 100.05 with the entry's stop at 95.10, and its stop at the broker working.
fn protected() -> (House, Place) {
    let mut house = House::open();
    let mut config = *house.engine.state().config();
    config.orders.protective_stop = ProtectiveStop::Broker;
    house.tell(Event::Configured(config));
    let entry = only_place(&house.wish_to_buy(STOCK));
    house.resolve(entry.intent, Submission::Acked);
    house.update(&entry, BrokerStatus::Open, 0);
    house.trade(&entry, 100, 10_005);
    let stop = house
        .engine
        .state()
        .orders()
        .all()
        .last()
        .copied()
        .expect("two orders");
    assert!(stop.is_protective);
    let place = Place {
        ts: stop.placed_ts,
        intent: stop.intent.expect("ours"),
        instrument: STOCK,
        side: stop.side,
        purpose: stop.purpose,
        order_type: stop.order_type,
        validity: stop.validity,
        qty: stop.qty,
        price: stop.price,
        trigger: stop.trigger,
    };
    house.resolve(place.intent, Submission::Acked);
    house.update(&place, BrokerStatus::TriggerPending, 0);
    (house, place)
}

/// What may still sell, all orders together.
fn selling(house: &House) -> i64 {
    let orders = house.engine.state().orders();
    orders
        .live()
        .filter(|(_, order)| order.purpose == Purpose::Exit)
        .map(|(_, order)| order.open_qty().get())
        .sum()
}

#[test]
fn a_stop_rests_at_the_broker_for_exactly_what_was_filled_and_farther_than_our_own() {
    let (house, stop) = protected();
    assert_eq!((stop.order_type, stop.qty), (OrderType::StopLimit, Qty::new(100)));
    // The entry's stop is 95.10: half a percent farther is 94.62, on the tick below 94.60; one percent beyond, 93.65.
    assert_eq!(
        (stop.trigger, stop.price),
        (Price::from_paise(9_460), Price::from_paise(9_365))
    );
    assert_eq!(selling(&house), 100);
}

#[test]
fn the_stop_at_the_broker_tightens_with_ours_and_never_loosens() {
    let (mut house, stop) = protected();
    house.now = house.now.plus(DurationNs::from_secs(3));
    let protect = |paise| {
        Intent::Protect(Protect {
            instrument: STOCK,
            stop: Price::from_paise(paise),
        })
    };
    assert_eq!(house.wish(protect(9_400)), [], "looser");
    let raised = only_modify(&house.wish(protect(9_700)));
    assert_eq!(
        (raised.intent, raised.order_type, raised.qty),
        (stop.intent, OrderType::StopLimit, Qty::new(100))
    );
    assert!(raised.trigger > stop.trigger && raised.price > stop.price);
}

#[test]
fn when_the_engine_wants_out_the_stop_itself_becomes_the_exit() {
    let (mut house, stop) = protected();
    let exit = only_modify(&house.wish_to_leave(STOCK, 100));
    assert_eq!(
        (exit.intent, exit.order_type, exit.qty, exit.trigger),
        (stop.intent, OrderType::Limit, Qty::new(100), Price::NONE)
    );
    assert_eq!(selling(&house), 100);
    let working = Place {
        price: exit.price,
        ..stop
    };
    house.update(&working, BrokerStatus::Open, 0);
    house.trade(&working, 100, 9_990);
    assert_eq!((house.position(STOCK), selling(&house)), (0, 0));
}

#[test]
fn a_stop_that_could_not_be_made_an_exit_is_cancelled_and_only_then_replaced() {
    let (mut house, stop) = protected();
    house.wish_to_leave(STOCK, 100);
    house.update(&stop, BrokerStatus::TriggerPending, 0);
    let commands = house.wait(DurationNs::from_secs(2));
    assert!(
        matches!(commands[..], [Command::Cancel(cancel)] if cancel.intent == stop.intent),
        "{commands:?}"
    );
    assert_eq!(house.wait(SECOND), [], "the cancel is not confirmed");
    let exit = only_place(&house.update(&stop, BrokerStatus::Cancelled, 0));
    assert_eq!((exit.order_type, exit.qty), (OrderType::Limit, Qty::new(100)));
}

#[test]
fn a_part_is_booked_after_the_stop_made_room_for_it() {
    let (mut house, stop) = protected();
    house.now = house.now.plus(DurationNs::from_secs(3));
    let smaller = only_modify(&house.wish_to_leave(STOCK, 40));
    assert_eq!(
        (smaller.order_type, smaller.qty, smaller.trigger),
        (OrderType::StopLimit, Qty::new(60), stop.trigger)
    );
    assert_eq!(selling(&house), 100, "the larger of old and new counts");
    let shrunk = Place {
        qty: Qty::new(60),
        ..stop
    };
    let exit = only_place(&house.update(&shrunk, BrokerStatus::TriggerPending, 0));
    assert_eq!(exit.qty, Qty::new(40));
    assert_eq!(selling(&house), 100);
}

#[test]
fn a_stop_rejected_at_its_trigger_is_left_by_at_once_and_told() {
    let (mut house, stop) = protected();
    let exit = only_place(&house.update(&stop, BrokerStatus::Rejected, 0));
    assert_eq!((exit.purpose, exit.qty), (Purpose::Exit, Qty::new(100)));
    assert_eq!(house.pages(PageReason::ProtectionLost), 1);
}

#[test]
fn a_purged_stop_comes_back_in_open_hours() {
    let (mut house, stop) = protected();
    assert_eq!(house.update(&stop, BrokerStatus::Cancelled, 0), []);
    assert_eq!(house.pages(PageReason::ProtectionLost), 1);
    let again = only_place(&house.wait(DurationNs::from_secs(5)));
    assert_eq!(
        (again.order_type, again.qty),
        (OrderType::StopLimit, Qty::new(100))
    );
}

#[test]
fn exits_beyond_a_position_that_shrank_are_cancelled() {
    let (mut house, stop) = protected();
    house.now = house.now.plus(DurationNs::from_secs(3));
    let commands = house.report_position(STOCK, 0);
    assert!(
        matches!(commands[..], [Command::Cancel(cancel)] if cancel.intent == stop.intent),
        "{commands:?}"
    );
}

#[test]
fn an_exit_larger_than_the_freeze_quantity_is_cut_and_adds_up() {
    let (mut house, _) = House::bought(STOCK);
    house.report_position(STOCK, 250_000);
    let exits: Vec<i64> = house
        .wish_to_leave(STOCK, 250_000)
        .iter()
        .map(|command| match command {
            Command::Place(place) => place.qty.get(),
            other => panic!("expected placements, got {other:?}"),
        })
        .collect();
    assert_eq!(exits, [100_000, 100_000, 50_000]);
    assert_eq!(house.wish_to_leave(STOCK, 250_000), [], "all of it is on its way");
}

#[test]
fn a_late_fill_of_a_cancelled_order_is_booked_and_told() {
    let mut house = House::open();
    let entry = only_place(&house.wish_to_buy(STOCK));
    house.resolve(entry.intent, Submission::Acked);
    house.update(&entry, BrokerStatus::Cancelled, 0);
    house.trade(&entry, 30, 10_005);
    assert_eq!(house.position(STOCK), 30);
    assert_eq!(house.engine.state().counts().late_fills, 1);
    assert_eq!(house.pages(PageReason::LateFill), 1);
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
}

#[test]
fn a_trade_beyond_the_order_is_not_booked_and_halts() {
    let (mut house, entry) = House::bought(STOCK);
    house.trade(&entry, 1, 10_005);
    assert_eq!(house.position(STOCK), 100);
    assert_eq!(house.pages(PageReason::Overfill), 1);
    assert_eq!(house.engine.state().mode(), TradingMode::Halted);
}

#[test]
fn an_exit_that_appears_after_all_is_cancelled_as_far_as_it_is_too_much() {
    let (mut house, _) = House::bought(STOCK);
    let lost = only_place(&house.wish_to_leave(STOCK, 100));
    house.resolve(lost.intent, Submission::Unknown);
    house.resolve(lost.intent, Submission::PresumedAbsent);
    let second = only_place(&house.report_position(STOCK, 100));
    house.resolve(second.intent, Submission::Acked);
    house.now = house.now.plus(DurationNs::from_secs(3));
    let mut commands = house.update(&lost, BrokerStatus::Open, 0);
    commands.extend(house.wait(SECOND));
    let ends_the_lost =
        |command: &Command| matches!(command, Command::Cancel(cancel) if cancel.intent == lost.intent);
    assert!(commands.iter().any(ends_the_lost), "{commands:?}");
    assert_eq!(house.pages(PageReason::AbsentAppeared), 1);
    assert_eq!(
        house.engine.state().orders().get(1).state,
        OrderState::PendingCancel
    );
}

/// 40 of 100 are bought, and the entry's cancel is asked for because the position is to be left; what was commanded.
fn leaving_beside_an_entry() -> (House, Place, Vec<Command>) {
    let mut house = House::open();
    let place = only_place(&house.wish_to_buy(STOCK));
    house.resolve(place.intent, Submission::Acked);
    house.update(&place, BrokerStatus::Open, 40);
    house.trade(&place, 40, 10_010);
    let commands = house.wish_to_leave(STOCK, 40);
    (house, place, commands)
}

#[test]
fn an_exit_waits_for_its_entry_s_cancel_and_then_goes_at_a_price_that_cannot_meet_it() {
    let (mut house, entry, commands) = leaving_beside_an_entry();
    assert!(
        matches!(commands[..], [Command::Cancel(cancel)] if cancel.intent == entry.intent),
        "{commands:?}"
    );
    assert_eq!(house.wait(DurationNs::from_millis(1_900)), []);
    house.tick(STOCK, 10_000);
    let behind = only_place(&house.wait(DurationNs::from_millis(200)));
    assert_eq!((behind.side, behind.purpose), (Side::Sell, Purpose::Exit));
    let tick = Price::from_paise(5).get();
    assert_eq!(behind.price.get(), entry.price.get() + tick, "one tick behind it");
    house.resolve(behind.intent, Submission::Acked);
    house.update(&behind, BrokerStatus::Open, 0);
    house.update(&entry, BrokerStatus::Cancelled, 40);
    house.tick(STOCK, 10_000);
    let commands = house.wait(DurationNs::from_secs(3));
    let [Command::Modify(modify)] = commands[..] else {
        panic!("the exit is priced anew: {commands:?}");
    };
    assert!(modify.price < entry.price, "alone it goes to the touch");
}

/// The row of a stop that waits as it was placed.
fn waiting(house: &House, stop: &Place) -> OrderUpdated {
    OrderUpdated {
        ts: house.now,
        intent: Some(stop.intent),
        order_id: crate::house::id_of(stop.intent),
        instrument: stop.instrument,
        side: stop.side,
        status: BrokerStatus::TriggerPending,
        qty: stop.qty,
        filled: Qty::ZERO,
        price: stop.price,
        trigger: stop.trigger,
        average_price: Price::NONE,
        modifies_ended: 0,
    }
}

#[test]
fn a_smaller_quantity_frees_nothing_while_a_later_modify_is_under_way() {
    let (mut house, stop) = protected();
    let row = |house: &mut House, qty: i64, modifies_ended: u8| {
        house.tell(Event::OrderUpdated(OrderUpdated {
            qty: Qty::new(qty),
            modifies_ended,
            ..waiting(house, &stop)
        }))
    };
    house.wait(DurationNs::from_secs(3));
    let smaller = only_modify(&house.wish_to_leave(STOCK, 60));
    assert_eq!(smaller.qty, Qty::new(40));
    assert_eq!(
        row(&mut house, 40, 0),
        [],
        "it may be older than the modify, or of another one"
    );
    assert_eq!(selling(&house), 100);
    let freed = only_place(&row(&mut house, 40, 1));
    assert_eq!(freed.qty, Qty::new(60));
    assert_eq!(selling(&house), 100, "never more than the position");
}

#[test]
fn a_stop_whose_trigger_somebody_moved_is_taken_as_it_is_and_bars_entries_there() {
    let (mut house, stop) = protected();
    let row = |house: &mut House, status: BrokerStatus, trigger: Price| {
        house.tell(Event::OrderUpdated(OrderUpdated {
            status,
            trigger,
            ..waiting(house, &stop)
        }));
        let order = house
            .engine
            .state()
            .orders()
            .all()
            .last()
            .copied()
            .expect("the stop");
        let told = house.pages(PageReason::TermsDiffer);
        (order.trigger, house.engine.state().is_frozen(STOCK), told)
    };
    let kept = (stop.trigger, false, 0);
    house.wait(DurationNs::from_secs(3));
    assert_eq!(row(&mut house, BrokerStatus::TriggerPending, stop.trigger), kept);
    assert_eq!(
        row(&mut house, BrokerStatus::TriggerPending, Price::NONE),
        kept,
        "not told"
    );
    let moved = Price::new(stop.trigger.get() - 5_000);
    assert_eq!(
        row(&mut house, BrokerStatus::TriggerPending, moved),
        (moved, true, 1)
    );
}

#[test]
fn a_stop_of_a_position_that_turned_round_is_cancelled() {
    let (mut house, stop) = protected();
    house.wait(DurationNs::from_secs(3));
    let commands = house.report_position(STOCK, -50);
    let cancels =
        |command: &Command| matches!(command, Command::Cancel(cancel) if cancel.intent == stop.intent);
    assert!(commands.iter().any(cancels), "{commands:?}");
}

#[test]
fn an_exit_at_the_same_price_is_tried_again_only_after_its_patience() {
    let (mut house, _) = House::bought(STOCK);
    let exit = only_place(&house.wish_to_leave(STOCK, 100));
    house.resolve(exit.intent, Submission::Acked);
    house.update(&exit, BrokerStatus::Open, 0);
    let patience = house.engine.state().config().strategy.exit_reprice;
    house.wait(patience);
    for _ in 0..8 {
        assert_eq!(
            house.wait(DurationNs::from_millis(1)),
            [],
            "the touch has not moved"
        );
    }
}
