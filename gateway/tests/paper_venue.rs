//! The paper venue through its public face: the same words as the broker, fills from the recorded book alone.

mod scripted;

use bijli_core::event::{Tick, TickFlags, VenueKind};
use bijli_core::order::{OrderType, Purpose, Validity};
use bijli_core::{Command, Event, InstrumentId, Price, Qty};
use bijli_gateway::PaperVenue;
use bijli_gateway::paper::venue::VENUE;
use proptest::prelude::*;
use scripted::*;

fn tick(ms: i64, bid_paise: i64, bid_qty: i64, ask_paise: i64, ask_qty: i64) -> Tick {
    Tick {
        ts: at(ms),
        instrument: InstrumentId::new(0),
        ltp: Price::from_paise(bid_paise),
        bid: Price::from_paise(bid_paise),
        ask: Price::from_paise(ask_paise),
        bid_qty: Qty::new(bid_qty),
        ask_qty: Qty::new(ask_qty),
        ..Tick::default()
    }
}

fn said(venue: &mut PaperVenue) -> Vec<String> {
    std::iter::from_fn(|| venue.poll_event())
        .map(|event| note(&event))
        .collect()
}

fn venue() -> PaperVenue {
    PaperVenue::new(&instruments())
}

#[test]
fn the_venue_calls_itself_paper_in_every_id() {
    let mut venue = venue();
    venue.handle_tick(&tick(0, 9_995, 100, 10_000, 100));
    venue.handle_command(at(1), &entry(1));
    for event in std::iter::from_fn(|| venue.poll_event()) {
        let marked = match event {
            Event::IntentResolved(resolved) => resolved.order_id.as_str().starts_with("PAPER"),
            Event::OrderUpdated(update) => update.order_id.as_str().starts_with("PAPER"),
            Event::Traded(trade) => trade.trade_id.as_str().starts_with("PAPER"),
            _ => false,
        };
        assert!(marked, "{event:?}");
    }
    assert_eq!(VENUE, VenueKind::Paper);
}

#[test]
fn an_order_fills_in_parts_as_the_book_allows() {
    let mut venue = venue();
    venue.handle_command(at(0), &entry(1));
    venue.handle_tick(&tick(1, 9_990, 100, 9_995, 50));
    venue.handle_tick(&tick(2, 9_990, 100, 9_995, 50));
    venue.handle_tick(&tick(3, 9_990, 100, 10_005, 50));
    venue.handle_tick(&tick(4, 9_990, 100, 10_000, 100));
    let told = [
        "1 Acked PAPER0000000000",
        "1 PAPER0000000000 is Open 0/75",
        "1 PAPER0000000000 traded PAPERT00000001 50@100.00",
        "1 PAPER0000000000 is Open 50/75",
        "1 PAPER0000000000 traded PAPERT00000002 25@100.00",
        "1 PAPER0000000000 is Complete 75/75",
    ];
    assert_eq!(said(&mut venue), told);
}

#[test]
fn a_doubtful_book_fills_nothing() {
    for doubt in [
        TickFlags::CROSSED,
        TickFlags::ONE_SIDED,
        TickFlags::BAD_PRICE,
        TickFlags::TIME_WRONG,
    ] {
        let mut venue = venue();
        venue.handle_command(at(0), &entry(1));
        let doubtful = Tick {
            flags: doubt,
            ..tick(1, 9_990, 100, 9_995, 500)
        };
        venue.handle_tick(&doubtful);
        assert_eq!(said(&mut venue).len(), 2, "{doubt:?}");
    }
}

#[test]
fn a_cancel_and_the_close_end_what_works() {
    let mut venue = venue();
    venue.handle_command(at(0), &entry(1));
    venue.handle_command(at(0), &entry(2));
    venue.handle_command(at(1), &cancel(1, "PAPER0000000000"));
    venue.handle_close(at(2));
    venue.handle_tick(&tick(3, 9_990, 100, 9_995, 500));
    venue.handle_command(at(4), &cancel(1, "PAPER0000000000"));
    let told = said(&mut venue);
    let ends = [
        "1 PAPER0000000000 is Cancelled 0/75",
        "2 PAPER0000000001 is Cancelled 0/75",
        "1 PAPER0000000000 is Cancelled 0/75",
    ];
    assert_eq!(told[4..], ends);
}

#[test]
fn a_modify_moves_the_limit_and_may_fill_at_once() {
    let mut venue = venue();
    venue.handle_tick(&tick(0, 10_000, 100, 10_005, 100));
    venue.handle_command(at(1), &entry(1));
    venue.handle_command(at(2), &modify(1, "PAPER0000000000", Purpose::Entry));
    let told = said(&mut venue);
    let filled = [
        "1 PAPER0000000000 traded PAPERT00000001 75@100.05",
        "1 PAPER0000000000 is Complete 75/75",
    ];
    assert_eq!(told[2..], filled);
}

/// A sale of 75 with these terms, prices in paise, in a book that neither fills nor releases it.
fn stop(venue: &mut PaperVenue, order_type: OrderType, price: i64, trigger: i64) {
    venue.handle_tick(&tick(0, 10_000, 500, 10_005, 500));
    let Command::Place(base) = place(1, Purpose::Exit) else {
        unreachable!("place makes a placement");
    };
    let (price, trigger) = (Price::from_paise(price), Price::from_paise(trigger));
    let place = bijli_core::command::Place {
        order_type,
        price,
        trigger,
        ..base
    };
    venue.handle_command(at(1), &Command::Place(place));
}

/// Asks for new terms of it; gives what the venue says to that.
fn change(venue: &mut PaperVenue, order_type: OrderType, qty: i64, price: i64, trigger: i64) -> Vec<String> {
    let _placed = said(venue);
    let Command::Modify(base) = modify(1, "PAPER0000000000", Purpose::Exit) else {
        unreachable!("modify makes a change");
    };
    let change = bijli_core::command::Modify {
        order_type,
        qty: Qty::new(qty),
        price: Price::from_paise(price),
        trigger: Price::from_paise(trigger),
        ..base
    };
    venue.handle_command(at(2), &Command::Modify(change));
    said(venue)
}

#[test]
fn a_change_of_a_stop_moves_its_trigger_its_limit_or_makes_another_order_of_it() {
    use OrderType::{Limit, Market, StopLimit, StopMarket};
    let waits = "1 PAPER0000000000 is TriggerPending 0/75";
    let rests = "1 PAPER0000000000 is Open 0/75";
    let done = "1 PAPER0000000000 is Complete 75/75";
    let sold = "1 PAPER0000000000 traded PAPERT00000001 75@100.00";
    // Before: type, limit, trigger. Then: type, quantity, limit, trigger. The bid is 100.00, and so the last price.
    for (before, (order_type, qty, price, trigger), told) in [
        // The trigger alone: still ahead, then already reached.
        (
            (StopLimit, 9_900, 9_950),
            (StopLimit, 75, 9_900, 9_995),
            vec![waits],
        ),
        (
            (StopLimit, 9_900, 9_950),
            (StopLimit, 75, 9_900, 10_000),
            vec![sold, done],
        ),
        ((StopMarket, 0, 9_950), (StopMarket, 75, 0, 9_960), vec![waits]),
        (
            (StopMarket, 0, 9_950),
            (StopMarket, 75, 0, 10_000),
            vec![sold, done],
        ),
        // The limit alone.
        (
            (StopLimit, 9_900, 9_950),
            (StopLimit, 75, 9_940, 9_950),
            vec![waits],
        ),
        ((Limit, 10_100, 0), (Limit, 75, 10_050, 0), vec![rests]),
        ((Limit, 10_100, 0), (Limit, 75, 10_000, 0), vec![sold, done]),
        // A stop becomes an exit at once, of either kind; a resting order becomes a stop.
        (
            (StopLimit, 9_900, 9_950),
            (Limit, 75, 10_000, 0),
            vec![sold, done],
        ),
        ((StopLimit, 9_900, 9_950), (Limit, 75, 10_010, 0), vec![rests]),
        ((StopMarket, 0, 9_950), (Market, 75, 0, 0), vec![sold, done]),
        ((Limit, 10_100, 0), (StopLimit, 75, 9_900, 9_950), vec![waits]),
        ((Limit, 10_100, 0), (StopMarket, 75, 0, 9_950), vec![waits]),
        // The quantity alone.
        (
            (StopLimit, 9_900, 9_950),
            (StopLimit, 40, 9_900, 9_950),
            vec!["1 PAPER0000000000 is TriggerPending 0/40"],
        ),
    ] {
        let mut venue = venue();
        stop(&mut venue, before.0, before.1, before.2);
        let heard = change(&mut venue, order_type, qty, price, trigger);
        assert_eq!(
            heard,
            told,
            "{before:?} to {:?}",
            (order_type, qty, price, trigger)
        );
    }
}

#[test]
fn a_change_of_a_stop_that_does_not_fit_changes_nothing() {
    use OrderType::{Limit, StopLimit, StopMarket};
    // Before: type and limit, the trigger is 99.50. Then: type, quantity, limit, trigger.
    for (before, (order_type, qty, price, trigger)) in [
        ((StopLimit, 9_900), (StopLimit, 75, 9_900, 0)),
        ((StopLimit, 9_900), (StopLimit, 75, 0, 10_000)),
        ((StopLimit, 9_900), (StopLimit, 75, 9_900, 10_001)),
        ((StopMarket, 0), (StopMarket, 75, 0, 0)),
        ((StopLimit, 9_900), (Limit, 0, 10_000, 0)),
    ] {
        let mut venue = venue();
        stop(&mut venue, before.0, before.1, 9_950);
        let heard = change(&mut venue, order_type, qty, price, trigger);
        let waits = "1 PAPER0000000000 is TriggerPending 0/75";
        assert_eq!(heard, [waits], "{before:?}");
    }
}

#[test]
fn a_stop_that_was_released_stays_so_whatever_its_new_trigger() {
    let mut venue = venue();
    stop(&mut venue, OrderType::StopLimit, 10_100, 10_000);
    let rests = ["1 PAPER0000000000 is Open 0/75"];
    assert_eq!(change(&mut venue, OrderType::StopLimit, 75, 10_100, 9_000), rests);
    let waits = ["1 PAPER0000000000 is TriggerPending 0/75"];
    assert_eq!(change(&mut venue, OrderType::Limit, 75, 10_100, 0), rests);
    assert_eq!(change(&mut venue, OrderType::StopLimit, 75, 10_100, 9_000), waits);
}

#[test]
fn orders_the_broker_would_refuse_are_refused_with_its_codes() {
    let mut venue = venue();
    let Command::Place(good) = entry(1) else {
        unreachable!("an entry is a placement");
    };
    let bad = [
        (
            bijli_core::command::Place {
                qty: Qty::ZERO,
                ..good
            },
            "1 Refused UDAPI1052",
        ),
        (
            bijli_core::command::Place {
                price: Price::NONE,
                intent: intent(2),
                ..good
            },
            "2 Refused UDAPI1008",
        ),
        (
            bijli_core::command::Place {
                instrument: InstrumentId::new(9),
                intent: intent(3),
                ..good
            },
            "3 Refused UDAPI100011",
        ),
        (
            bijli_core::command::Place {
                order_type: OrderType::StopMarket,
                intent: intent(4),
                ..good
            },
            "4 Refused UDAPI1036",
        ),
    ];
    for (place, told) in bad {
        venue.handle_command(at(0), &Command::Place(place));
        assert_eq!(said(&mut venue), [told]);
    }
    let off_grid = bijli_core::command::Place {
        price: Price::new(1),
        intent: intent(5),
        ..good
    };
    venue.handle_command(at(0), &Command::Place(off_grid));
    let told = ["5 Acked PAPER0000000000", "5 PAPER0000000000 is Rejected 0/75"];
    assert_eq!(said(&mut venue), told);
}

proptest! {
    #[test]
    fn trades_never_beat_the_book_and_never_exceed_the_order(
        steps in prop::collection::vec((0..4_u8, 1..60_i64, 1..20_i64, 0..200_i64), 1..60),
    ) {
        let mut venue = venue();
        let mut book = Tick::default();
        let (mut sequence, mut filled) = (0, std::collections::BTreeMap::new());
        for (ms, (what, level, spread, qty)) in (0..).zip(steps) {
            if what == 0 {
                sequence += 1;
                let Command::Place(base) = place(sequence, if qty % 2 == 0 { Purpose::Entry } else { Purpose::Exit }) else {
                    unreachable!("place makes a placement");
                };
                let order_type = if qty % 3 == 0 { OrderType::Market } else { OrderType::Limit };
                let validity = if qty % 5 == 0 { Validity::Ioc } else { Validity::Day };
                let price = Price::from_paise(level * 5);
                venue.handle_command(at(ms), &Command::Place(bijli_core::command::Place { order_type, validity, price, ..base }));
            } else {
                book = tick(ms, level * 5, qty, (level + spread) * 5, qty + 1);
                venue.handle_tick(&book);
            }
            while let Some(event) = venue.poll_event() {
                if let Event::Traded(trade) = event {
                    let fair = match trade.side {
                        bijli_core::order::Side::Buy => trade.price >= book.ask,
                        bijli_core::order::Side::Sell => trade.price <= book.bid,
                    };
                    prop_assert!(fair, "{trade:?} against {book:?}");
                    let sum: &mut i64 = filled.entry(trade.order_id).or_default();
                    *sum += trade.qty.get();
                    prop_assert!(*sum <= 75);
                }
            }
        }
    }
}
