//! What orders and their book keep: quantities that may still fill, look-ups, the live list, trades.

use super::*;
use crate::command::Place;
use crate::instrument::InstrumentId;
use crate::order::{OrderType, Purpose, Side, Validity};
use crate::price::{Money, Price};
use crate::quantity::Qty;

const NOW: TsNs = TsNs::new(1_000);

fn place(sequence: u32) -> Place {
    Place {
        ts: NOW,
        intent: IntentId::new(1, sequence),
        instrument: InstrumentId::new(2),
        side: Side::Sell,
        purpose: Purpose::Exit,
        order_type: OrderType::Limit,
        validity: Validity::Day,
        qty: Qty::new(100),
        price: Price::new(500),
        trigger: Price::NONE,
    }
}

fn order(sequence: u32) -> Order {
    Order::submitted(&place(sequence), Price::new(7))
}

fn foreign(id: &str) -> Order {
    Order {
        intent: None,
        order_id: BrokerOrderId::new(id).expect("short"),
        ..order(0)
    }
}

fn terms(qty: i64, price: i64) -> Terms {
    Terms {
        order_type: OrderType::StopLimit,
        qty: Qty::new(qty),
        price: Price::new(price),
        trigger: Price::new(600),
    }
}

fn trade(id: &str) -> TradeId {
    TradeId::new(id).expect("short")
}

#[test]
fn a_modify_under_way_counts_with_the_larger_quantity_and_the_dearer_price() {
    let mut changed = order(1);
    changed.filled = Qty::new(30);
    assert_eq!(changed.open_qty(), Qty::new(70));
    changed.ask(terms(150, 400), TsNs::new(2_000));
    assert_eq!(
        (changed.open_qty(), changed.exposure_price()),
        (Qty::new(120), Price::new(500))
    );
    assert_eq!((changed.modifies, changed.action_ts), (1, TsNs::new(2_000)));
    changed.ask(terms(60, 800), TsNs::new(3_000));
    assert_eq!(changed.open_qty(), Qty::new(120), "the first may still come true");
    assert_eq!((changed.exposure_price(), changed.modifies), (Price::new(800), 2));
    changed.confirm();
    assert_eq!(changed.terms(), terms(60, 800));
    assert_eq!((changed.open_qty(), changed.pending), (Qty::new(30), None));
}

#[test]
fn a_modify_that_came_to_nothing_leaves_the_old_terms() {
    let mut changed = order(1);
    let before = changed.terms();
    changed.ask(terms(150, 400), NOW);
    changed.forget_modify();
    assert_eq!((changed.terms(), changed.open_qty()), (before, Qty::new(100)));
    changed.confirm();
    assert_eq!(changed.terms(), before, "there is nothing to confirm");
}

#[test]
fn an_order_that_ended_counts_only_for_fills_that_are_told_and_have_not_come() {
    let mut ended = order(1);
    ended.state = OrderState::Cancelled;
    assert_eq!(ended.open_qty(), Qty::ZERO);
    (ended.reported_filled, ended.filled) = (Qty::new(40), Qty::new(10));
    assert_eq!(ended.open_qty(), Qty::new(30));
    ended.filled = Qty::new(60);
    assert_eq!(ended.open_qty(), Qty::ZERO);
}

#[test]
fn the_average_price_is_turnover_by_quantity() {
    let mut filled = order(1);
    assert_eq!(filled.average_price(), Price::NONE);
    (filled.filled, filled.turnover) = (Qty::new(4), Money::new(4_002));
    assert_eq!(filled.average_price(), Price::new(1_000));
}

#[test]
fn orders_are_found_by_intent_in_whatever_order_they_came_and_others_by_their_id() {
    let mut book = OrderBook::default();
    for sequence in [5, 2, 9] {
        book.add(order(sequence));
        book.add(foreign(&format!("F{sequence}")));
    }
    let id = |text: &str| BrokerOrderId::new(text).expect("short");
    let found = |sequence| book.find(Some(IntentId::new(1, sequence)), &id("F5"));
    assert_eq!([5, 2, 9, 3].map(found), [Some(0), Some(2), Some(4), None]);
    assert_eq!(
        ["F5", "F2", "F9", "F3"].map(|text| book.find(None, &id(text))),
        [Some(1), Some(3), Some(5), None]
    );
    assert_eq!(book.all().len(), 6);
}

#[test]
fn an_order_leaves_the_live_list_with_its_last_trade_and_comes_back_with_the_broker_s_word() {
    let mut book = OrderBook::default();
    let index = book.add(order(1));
    assert_eq!(
        (book.live_count(), book.live_at(0), book.live_at(1)),
        (1, Some(index), None)
    );
    book.get_mut(index).reported_filled = Qty::new(100);
    assert!(book.advance(index, OrderState::Filled, TsNs::new(9)));
    assert_eq!((book.get(index).state_ts, book.live_count()), (TsNs::new(9), 1));
    book.get_mut(index).filled = Qty::new(100);
    book.settle(index);
    assert_eq!(book.live_count(), 0);
    let refused = book.add(Order {
        state: OrderState::Refused,
        ..order(2)
    });
    assert_eq!(book.live_count(), 0);
    assert!(book.advance(refused, OrderState::Open, NOW));
    assert_eq!(book.live().map(|(index, _)| index).collect::<Vec<_>>(), [refused]);
}

#[test]
fn an_illegal_step_changes_nothing_and_an_end_forgets_the_modify() {
    let mut book = OrderBook::default();
    let index = book.add(order(1));
    assert!(book.advance(index, OrderState::Open, TsNs::new(5)));
    book.get_mut(index).ask(terms(150, 400), NOW);
    let before = *book.get(index);
    assert!(!book.advance(index, OrderState::Submitted, TsNs::new(6)));
    assert!(book.advance(index, OrderState::Open, TsNs::new(7)));
    assert_eq!(*book.get(index), before, "the same again is no change");
    assert!(book.advance(index, OrderState::Cancelled, TsNs::new(8)));
    assert_eq!(
        (book.get(index).pending, book.get(index).reserve),
        (None, Qty::ZERO)
    );
}

#[test]
fn a_trade_is_known_by_its_order_and_its_id() {
    let mut book = OrderBook::default();
    let (first, second) = (book.add(order(1)), book.add(order(2)));
    for (index, id) in [(first, "A"), (second, "B"), (first, "C")] {
        assert!(!book.has_trade(index, &trade(id)));
        book.note_trade(index, &trade(id));
    }
    let known = |index| ["A", "B", "C"].map(|id| book.has_trade(index, &trade(id)));
    assert_eq!(
        (known(first), known(second)),
        ([true, false, true], [false, true, false])
    );
    assert_eq!(book.trade_count(), 3);
}

#[test]
fn only_what_is_ours_or_filled_keeps_the_account_from_being_flat() {
    let mut book = OrderBook::default();
    book.add(foreign("F1"));
    assert_eq!(book.unfinished_count(), 0);
    let ended = book.add(foreign("F2"));
    book.get_mut(ended).reported_filled = Qty::new(5);
    assert!(book.advance(ended, OrderState::Cancelled, NOW));
    assert_eq!(book.unfinished_count(), 1, "a fill is on its way");
    book.add(order(1));
    assert_eq!(book.unfinished_count(), 2);
}

#[test]
fn entries_leave_room_for_the_exits_that_they_may_need() {
    let mut book = OrderBook::default();
    let entries_live = ORDERS_LIVE_MAX - POSITIONS_MAX;
    for sequence in 0..ORDERS_LIVE_MAX {
        let room = u32::try_from(entries_live.saturating_sub(sequence)).expect("small");
        assert_eq!(book.room_for_entries(), room, "{sequence}");
        assert!(book.has_room());
        book.add(order(u32::try_from(sequence).expect("small")));
    }
    assert!(!book.has_room());
}

#[test]
fn the_orders_of_a_day_are_bounded_and_its_last_ones_are_kept_for_exits() {
    let mut book = OrderBook::default();
    let ended = |sequence: usize| Order {
        state: OrderState::Refused,
        ..order(u32::try_from(sequence).expect("small"))
    };
    for sequence in 0..ORDERS_PER_DAY_MAX {
        let left = (ORDERS_PER_DAY_MAX - ORDERS_KEPT_FOR_EXITS).saturating_sub(sequence);
        let room = left.min(ORDERS_LIVE_MAX - POSITIONS_MAX);
        assert_eq!(book.room_for_entries() as usize, room, "{sequence}");
        assert!(book.has_room(), "{sequence}");
        book.add(ended(sequence));
    }
    assert_eq!((book.has_room(), book.live_count()), (false, 0));
}

#[test]
fn orders_the_order_of_the_living_and_each_trade_are_in_the_hash_of_the_book() {
    let hash = |book: &OrderBook| {
        let mut hasher = StateHasher::default();
        book.hash_into(&mut hasher);
        hasher.finish()
    };
    let mut book = OrderBook::default();
    let mut hashes = vec![hash(&book)];
    let (first, second) = (book.add(order(1)), book.add(order(2)));
    hashes.push(hash(&book));
    book.note_trade(first, &trade("A"));
    hashes.push(hash(&book));
    book.note_trade(second, &trade("B"));
    hashes.push(hash(&book));
    // The first one ends and lives again: the same orders, now in another order on the list.
    let before = *book.get(first);
    assert!(book.advance(first, OrderState::Refused, NOW));
    *book.get_mut(first) = before;
    book.settle(first);
    assert_eq!(
        book.live().map(|(index, _)| index).collect::<Vec<_>>(),
        [second, first]
    );
    hashes.push(hash(&book));
    let count = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
}

#[test]
fn every_field_that_can_influence_a_command_is_in_the_hash() {
    let hash = |change: &dyn Fn(&mut Order)| {
        let mut hasher = StateHasher::default();
        let mut changed = order(1);
        change(&mut changed);
        hash_order(&changed, &mut hasher);
        hasher.finish()
    };
    let plain = hash(&|_| {});
    let changes: [&dyn Fn(&mut Order); 15] = [
        &|order| order.exit_asked = true,
        &|order| order.is_protective = true,
        &|order| order.is_unwanted = true,
        &|order| order.is_paged = true,
        &|order| order.is_written_off = true,
        &|order| order.modifies = 1,
        &|order| order.pending = Some(terms(1, 1)),
        &|order| order.reserve = Qty::new(1),
        &|order| order.trigger = Price::new(1),
        &|order| order.stop = Price::new(1),
        &|order| order.state = OrderState::Open,
        &|order| order.side = Side::Buy,
        &|order| order.purpose = Purpose::Entry,
        &|order| order.order_type = OrderType::Market,
        &|order| order.validity = Validity::Ioc,
    ];
    let mut hashes: Vec<_> = changes.iter().map(|change| hash(*change)).collect();
    hashes.push(plain);
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), changes.len() + 1);
}
