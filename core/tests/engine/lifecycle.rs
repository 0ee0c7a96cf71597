//! An order's life: from wish to fill, with late, lost, doubled and reordered evidence.

use bijli_core::command::Command;
use bijli_core::event::{Event, Submission};
use bijli_core::order::{BrokerStatus, OrderState, Purpose, Side};
use bijli_core::page::PageReason;
use bijli_core::risk::TradingMode;
use bijli_core::{Denial, DurationNs, Price, Qty};

use crate::house::{House, OTHER, STOCK, only_place};

#[test]
fn a_wish_becomes_one_order_and_its_fill_a_position() {
    let mut house = House::open();
    let place = only_place(&house.wish_to_buy(STOCK));
    assert_eq!(
        (place.side, place.purpose, place.qty),
        (Side::Buy, Purpose::Entry, Qty::new(100))
    );
    house.resolve(place.intent, Submission::Acked);
    house.update(&place, BrokerStatus::Open, 40);
    assert_eq!(house.position(STOCK), 0, "an order row moves no position");
    house.trade(&place, 40, 10_005);
    house.trade(&place, 60, 10_005);
    assert_eq!(house.position(STOCK), 100);
    let order = house.engine.state().orders().get(0);
    assert_eq!(order.state, OrderState::Filled);
    assert_eq!(order.average_price(), Price::from_paise(10_005));
    assert!(house.engine.state().charges().get() > 0);
}

#[test]
fn a_trade_told_twice_counts_once() {
    let (mut house, place) = House::bought(STOCK);
    let trade = house.trade(&place, 0, 0);
    assert_eq!(
        house.engine.state().mode(),
        TradingMode::Halted,
        "a trade of nothing is a contradiction"
    );
    let (mut house, place) = House::bought(STOCK);
    let mut again = trade;
    again.qty = Qty::new(100);
    again.price = Price::from_paise(10_005);
    again.trade_id = bijli_core::order::TradeId::new("T1").expect("short text");
    again.intent = Some(place.intent);
    house.tell(Event::Traded(again));
    assert_eq!(house.position(STOCK), 100);
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
}

#[test]
fn a_filled_order_keeps_the_instrument_busy_until_its_trades_have_come() {
    let mut house = House::open();
    let place = only_place(&house.wish_to_buy(STOCK));
    house.resolve(place.intent, Submission::Acked);
    house.update(&place, BrokerStatus::Complete, 100);
    assert_eq!(house.engine.state().orders().live_count(), 1);
    house.wait(DurationNs::from_secs(121));
    house.tick(STOCK, 10_000);
    assert_eq!(house.wish_to_buy(STOCK), []);
    assert_eq!(
        house.engine.state().signal(0).and_then(|judged| judged.denial),
        Some(Denial::InstrumentBusy)
    );
    house.trade(&place, 100, 10_005);
    assert_eq!(house.engine.state().orders().live_count(), 0);
}

#[test]
fn an_update_that_arrives_late_changes_nothing() {
    let mut house = House::open();
    let place = only_place(&house.wish_to_buy(STOCK));
    house.update(&place, BrokerStatus::Complete, 100);
    house.update(&place, BrokerStatus::Open, 0);
    house.update(&place, BrokerStatus::Received, 0);
    house.resolve(place.intent, Submission::Acked);
    assert_eq!(house.engine.state().orders().get(0).state, OrderState::Filled);
}

#[test]
fn an_unknown_order_blocks_entries_on_it_and_two_block_all() {
    let mut house = House::open();
    let place = only_place(&house.wish_to_buy(STOCK));
    house.resolve(place.intent, Submission::Unknown);
    house.wait(DurationNs::from_secs(3_600));
    assert_eq!(
        house.engine.state().orders().get(0).state,
        OrderState::Unknown,
        "time alone ends nothing"
    );
    house.tick(STOCK, 10_000);
    house.tick(OTHER, 10_000);
    assert_eq!(house.wish_to_buy(STOCK), []);
    let second = only_place(&house.wish_to_buy(OTHER));
    house.resolve(second.intent, Submission::Unknown);
    assert_eq!(house.engine.state().orders().live_count(), 2);
    house.update(&place, BrokerStatus::Complete, 100);
    house.trade(&place, 100, 10_005);
    assert_eq!(house.position(STOCK), 100, "evidence ends the unknown");
}

#[test]
fn an_entry_that_does_not_fill_in_time_is_cancelled_and_a_racing_fill_still_counts() {
    let mut house = House::open();
    let place = only_place(&house.wish_to_buy(STOCK));
    house.resolve(place.intent, Submission::Acked);
    house.update(&place, BrokerStatus::Open, 0);
    let commands = house.wait(DurationNs::from_secs(5));
    assert!(matches!(commands[..], [Command::Cancel(cancel)] if cancel.intent == place.intent));
    assert_eq!(house.wait(DurationNs::from_secs(1)), [], "one cancel is enough");
    house.trade(&place, 30, 10_005);
    house.update(&place, BrokerStatus::Cancelled, 30);
    assert_eq!(house.position(STOCK), 30);
    assert_eq!(house.engine.state().orders().live_count(), 0);
}

#[test]
fn an_exit_is_never_larger_than_the_position_and_never_doubled() {
    let (mut house, _) = House::bought(STOCK);
    let exit = only_place(&house.wish_to_leave(STOCK, 5_000));
    assert_eq!(
        (exit.side, exit.purpose, exit.qty),
        (Side::Sell, Purpose::Exit, Qty::new(100))
    );
    assert_eq!(house.wish_to_leave(STOCK, 100), []);
    house.resolve(exit.intent, Submission::Acked);
    house.update(&exit, BrokerStatus::Open, 0);
    house.tick(STOCK, 9_900);
    let commands = house.wait(DurationNs::from_secs(2));
    assert!(matches!(commands[..], [Command::Modify(modify)] if modify.price < exit.price));
    house.trade(&exit, 100, 9_890);
    assert_eq!(house.position(STOCK), 0);
    assert!(house.engine.state().realised().get() < 0);
}

#[test]
fn a_position_that_the_broker_sees_differently_is_taken_over_and_stops_entries() {
    let (mut house, _) = House::bought(STOCK);
    house.report_position(STOCK, 70);
    assert_eq!(house.position(STOCK), 70);
    assert_eq!(house.engine.state().mode(), TradingMode::ReduceOnly);
    let exit = only_place(&house.wish_to_leave(STOCK, 100));
    assert_eq!(exit.qty, Qty::new(70));
}

#[test]
fn a_restart_turns_an_unanswered_placement_into_unknown() {
    let mut house = House::open();
    let place = only_place(&house.wish_to_buy(STOCK));
    house.start(2);
    assert_eq!(house.engine.state().orders().get(0).state, OrderState::Unknown);
    assert_eq!(house.engine.state().mode(), TradingMode::Reconciling);
    house.update(&place, BrokerStatus::Complete, 100);
    house.trade(&place, 100, 10_005);
    house.reconcile();
    let exit = only_place(&house.wish_to_leave(STOCK, 100));
    assert_eq!(exit.intent.epoch(), 2, "a new process never reuses an intent");
}

#[test]
fn an_exit_presumed_absent_blocks_the_next_one_until_the_broker_s_position_is_read() {
    let (mut house, _) = House::bought(STOCK);
    let exit = only_place(&house.wish_to_leave(STOCK, 100));
    house.resolve(exit.intent, Submission::Unknown);
    assert_eq!(
        house.wish_to_leave(STOCK, 100),
        [],
        "an exit of unknown fate may be live"
    );
    house.resolve(exit.intent, Submission::PresumedAbsent);
    assert_eq!(house.wish_to_leave(STOCK, 100), [], "it still counts");
    let pages = *house.engine.state().pages().get(PageReason::ExitBlocked);
    assert_eq!((pages.count, pages.instrument), (1, Some(STOCK)));
    let again = only_place(&house.report_position(STOCK, 100));
    assert_ne!(again.intent, exit.intent);
    assert_eq!(again.qty, Qty::new(100));
    assert_eq!(house.pages(PageReason::ExitOverAbsent), 1);
}

#[test]
fn a_sold_entry_presumed_absent_does_not_bar_for_ever_the_exit_of_what_the_broker_shows_bought() {
    let mut house = House::open();
    let entry = only_place(&house.wish_to_sell(STOCK));
    house.resolve(entry.intent, Submission::Unknown);
    house.resolve(entry.intent, Submission::PresumedAbsent);
    // A sale was taken back at the exchange, or somebody else bought: what the broker holds is ours to leave.
    house.report_position(STOCK, 75);
    let exit = only_place(&house.wish_to_leave(STOCK, 75));
    assert_eq!((exit.side, exit.qty), (Side::Sell, Qty::new(75)));
    assert_eq!(house.pages(PageReason::ExitOverAbsent), 1);
}

#[test]
fn an_order_that_lives_although_it_was_refused_stops_entries() {
    let mut house = House::open();
    let place = only_place(&house.wish_to_buy(STOCK));
    house.resolve(place.intent, Submission::Refused);
    house.update(&place, BrokerStatus::Open, 0);
    assert_eq!(house.engine.state().mode(), TradingMode::Halted);
}

#[test]
fn a_row_of_another_side_under_our_tag_stops_entries_and_changes_nothing() {
    let mut house = House::open();
    let place = only_place(&house.wish_to_buy(STOCK));
    let other = bijli_core::command::Place {
        side: Side::Sell,
        ..place
    };
    house.update(&other, BrokerStatus::Open, 0);
    assert_eq!(house.engine.state().mode(), TradingMode::Halted);
    assert_eq!(house.engine.state().orders().get(0).state, OrderState::Submitted);
}

#[test]
fn a_completion_that_is_taken_back_frees_the_instrument() {
    let (mut house, _) = House::bought(STOCK);
    let exit = only_place(&house.wish_to_leave(STOCK, 100));
    house.resolve(exit.intent, Submission::Acked);
    house.update(&exit, BrokerStatus::Complete, 100);
    house.update(&exit, BrokerStatus::Rejected, 0);
    assert_eq!(house.engine.state().orders().live_count(), 0);
    assert_eq!(house.engine.state().orders().get(1).state, OrderState::Rejected);
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
    assert_eq!(house.pages(PageReason::FillWithdrawn), 1);
    // A stale book tells of the completion once more, and a fresh one takes it back again.
    house.update(&exit, BrokerStatus::Complete, 100);
    house.update(&exit, BrokerStatus::Rejected, 0);
    assert_eq!(house.engine.state().orders().live_count(), 0);
    assert_eq!(
        only_place(&house.wait(DurationNs::from_secs(5))).qty,
        Qty::new(100),
        "the wish to leave stands"
    );
}

#[test]
fn a_fill_that_came_with_the_broker_s_position_does_not_count_again_with_its_trade() {
    let mut house = House::open();
    let place = only_place(&house.wish_to_buy(STOCK));
    house.resolve(place.intent, Submission::Acked);
    house.update(&place, BrokerStatus::Open, 40);
    house.trade(&place, 40, 10_005);
    house.update(&place, BrokerStatus::Complete, 100);
    house.report_position(STOCK, 100);
    assert_eq!(
        house.position(STOCK),
        100,
        "the broker is the truth about positions"
    );
    assert_eq!(
        house.engine.state().orders().live_count(),
        0,
        "nothing is waited for"
    );
    let charges = house.engine.state().charges();
    house.trade(&place, 60, 10_005);
    assert_eq!(house.position(STOCK), 100);
    assert!(house.engine.state().charges() > charges, "it cost what it cost");
    let order = house.engine.state().orders().get(0);
    assert_eq!((order.filled, order.absorbed), (Qty::new(100), Qty::ZERO));
}

#[test]
fn a_position_that_missing_trades_do_not_explain_leaves_them_awaited() {
    let mut house = House::open();
    let place = only_place(&house.wish_to_buy(STOCK));
    house.resolve(place.intent, Submission::Acked);
    house.update(&place, BrokerStatus::Complete, 100);
    house.report_position(STOCK, 30);
    assert_eq!(house.engine.state().orders().live_count(), 1);
    house.trade(&place, 100, 10_005);
    assert_eq!(house.position(STOCK), 130, "the next report says what is true");
}

#[test]
fn a_completion_that_no_trade_shows_for_a_minute_bars_the_exit_no_longer_and_is_told() {
    let (mut house, _) = House::bought(STOCK);
    let exit = only_place(&house.wish_to_leave(STOCK, 100));
    house.resolve(exit.intent, Submission::Acked);
    house.update(&exit, BrokerStatus::Complete, 100);
    house.wait(DurationNs::from_secs(59));
    house.report_position(STOCK, 100);
    assert_eq!(
        house.engine.state().orders().live_count(),
        1,
        "its trades may be late"
    );
    assert!(
        house.pages(PageReason::ExitBlocked) > 0,
        "a person is told meanwhile"
    );
    house.wait(DurationNs::from_secs(1));
    house.tick(STOCK, 10_000);
    let again = only_place(&house.report_position(STOCK, 100));
    assert_eq!((again.purpose, again.qty), (Purpose::Exit, Qty::new(100)));
    assert_eq!(house.pages(PageReason::FillWithdrawn), 1);
}

#[test]
fn a_hostile_position_is_taken_over_without_a_panic() {
    let (mut house, _) = House::bought(STOCK);
    house.report_position(STOCK, i64::MIN + 1);
    assert_eq!(house.engine.state().mode(), TradingMode::ReduceOnly);
}
