//! Terms that the broker shows of an order and nobody here asked for.

use bijli_core::command::{Command, Modify, Place};
use bijli_core::event::{Event, OrderUpdated, Submission};
use bijli_core::order::BrokerStatus;
use bijli_core::page::PageReason;
use bijli_core::{DurationNs, Price, Qty};

use crate::house::{House, STOCK, id_of, only_place};

/// An exit of a hundred that was just priced anew, and what it was priced anew to.
fn repriced() -> (House, Place, Modify) {
    let (mut house, _) = House::bought(STOCK);
    let exit = only_place(&house.wish_to_leave(STOCK, 100));
    house.resolve(exit.intent, Submission::Acked);
    house.update(&exit, BrokerStatus::Open, 0);
    let patience = house.engine.state().config().strategy.exit_reprice;
    house.now = house.now.plus(patience);
    house.tick(STOCK, 9_950);
    let commands = house.wait(DurationNs::from_secs(1));
    let [Command::Modify(modify)] = commands[..] else {
        panic!("the exit follows the touch: {commands:?}");
    };
    (house, exit, modify)
}

/// A row of the exit once our modify has ended, with so much at the price that we asked for.
fn row(house: &mut House, (exit, modify): (&Place, &Modify), status: BrokerStatus, qty: i64) {
    let filled = if status == BrokerStatus::Complete { qty } else { 0 };
    house.tell(Event::OrderUpdated(OrderUpdated {
        ts: house.now,
        intent: Some(exit.intent),
        order_id: id_of(exit.intent),
        instrument: exit.instrument,
        side: exit.side,
        status,
        qty: Qty::new(qty),
        filled: Qty::new(filled),
        price: modify.price,
        trigger: Price::NONE,
        average_price: Price::NONE,
        modifies_ended: 1,
    }));
}

/// Quantity as held, the most that may fill, and how often a person was told.
fn held(house: &House) -> (i64, i64, u64) {
    let orders = house.engine.state().orders().all();
    let order = orders.last().expect("the exit");
    (
        order.qty.get(),
        order.qty_max().get(),
        house.pages(PageReason::TermsDiffer),
    )
}

#[test]
fn a_larger_quantity_beside_our_own_change_counts_at_once_and_is_believed_when_it_is_told_again() {
    let (mut house, exit, modify) = repriced();
    let of = (&exit, &modify);
    row(&mut house, of, BrokerStatus::Open, 130);
    assert_eq!(held(&house), (100, 130, 0), "it may be older than the modify");
    house.now = house.now.plus(DurationNs::from_secs(3));
    row(&mut house, of, BrokerStatus::Open, 130);
    assert_eq!(held(&house), (130, 130, 1));
    assert!(house.engine.state().is_frozen(STOCK));
}

#[test]
fn a_larger_quantity_that_was_older_than_our_change_counts_until_the_terms_are_told_again() {
    let (mut house, exit, modify) = repriced();
    let of = (&exit, &modify);
    row(&mut house, of, BrokerStatus::Open, 130);
    row(&mut house, of, BrokerStatus::Open, 100);
    assert_eq!(held(&house), (100, 100, 0), "what was asked for is confirmed");
    row(&mut house, of, BrokerStatus::Open, 130);
    assert_eq!(held(&house), (100, 130, 0));
    house.now = house.now.plus(DurationNs::from_secs(3));
    row(&mut house, of, BrokerStatus::Open, 100);
    assert_eq!(held(&house), (100, 100, 0));
    assert!(!house.engine.state().is_frozen(STOCK));
}

#[test]
fn an_order_that_fills_at_a_quantity_that_nobody_here_asked_for_is_booked_whole_and_a_person_is_told() {
    let (mut house, exit, modify) = repriced();
    row(&mut house, (&exit, &modify), BrokerStatus::Complete, 130);
    assert_eq!(held(&house), (130, 130, 1));
    house.trade(&exit, 100, 9_950);
    house.trade(&exit, 30, 9_950);
    assert_eq!(
        (house.position(STOCK), house.pages(PageReason::Overfill)),
        (-30, 0)
    );
}
