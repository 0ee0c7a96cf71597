//! What the loss of the day is measured at: the price that a position could be left at, and no silence that hides one.

use bijli_core::command::Command;
use bijli_core::event::Submission;
use bijli_core::event::{Event, PositionReported, Tick, TickFlags};
use bijli_core::order::BrokerStatus;
use bijli_core::{DurationNs, Money, Price, Qty};

use crate::house::{House, STOCK, only_place};

/// A tick of these prices in paise; zero: the tick tells none.
fn tick(house: &mut House, [ltp, bid, ask]: [i64; 3]) -> Vec<Command> {
    let flags = match (ltp, bid.min(ask)) {
        (0, _) => TickFlags::NO_TRADE,
        (_, 0) => TickFlags::ONE_SIDED,
        _ => TickFlags::NONE,
    };
    house.tell(Event::Ticked(Tick {
        ts: house.now,
        ts_event: house.now,
        instrument: STOCK,
        flags,
        ltp: Price::from_paise(ltp),
        bid: Price::from_paise(bid),
        ask: Price::from_paise(ask),
        bid_qty: Qty::new(1_000),
        ask_qty: Qty::new(1_000),
        ..Tick::default()
    }))
}

/// A house that sold a hundred at 100.00.
fn sold() -> House {
    let mut house = House::open();
    let place = only_place(&house.wish_to_sell(STOCK));
    house.resolve(place.intent, Submission::Acked);
    house.update(&place, BrokerStatus::Open, 0);
    house.trade(&place, 100, 10_000);
    house
}

fn mark(house: &House) -> Price {
    house.engine.state().exit_mark(STOCK)
}

const STALE: DurationNs = DurationNs::from_millis(3_001);

#[test]
fn a_fresh_book_marks_a_long_at_the_bid_and_a_short_at_the_ask() {
    let (mut long, mut short) = (House::bought(STOCK).0, sold());
    for house in [&mut long, &mut short] {
        // The last trade lies outside the book: what could be had now counts.
        tick(house, [9_000, 9_900, 9_910]);
    }
    assert_eq!(
        (mark(&long), mark(&short)),
        (Price::from_paise(9_900), Price::from_paise(9_910))
    );
    for house in [&mut long, &mut short] {
        tick(house, [11_000, 9_900, 9_910]);
    }
    assert_eq!(
        (mark(&long), mark(&short)),
        (Price::from_paise(9_900), Price::from_paise(9_910))
    );
}

#[test]
fn a_stale_book_marks_at_the_worse_of_touch_and_last_trade() {
    for (ltp, of_long, of_short) in [(9_000, 9_000, 9_910), (11_000, 9_900, 11_000)] {
        let (mut long, mut short) = (House::bought(STOCK).0, sold());
        for house in [&mut long, &mut short] {
            tick(house, [ltp, 9_900, 9_910]);
            house.now = house.now.plus(DurationNs::from_millis(3_000));
            house.tell(Event::TimePassed(house.now));
        }
        let fresh = (Price::from_paise(9_900), Price::from_paise(9_910));
        assert_eq!((mark(&long), mark(&short)), fresh, "as old as a quote may be");
        for house in [&mut long, &mut short] {
            house.now = house.now.plus(DurationNs::new(1));
            house.tell(Event::TimePassed(house.now));
        }
        let stale = (Price::from_paise(of_long), Price::from_paise(of_short));
        assert_eq!((mark(&long), mark(&short)), stale, "{ltp}");
    }
}

#[test]
fn a_book_that_vanishes_hides_no_fall_of_the_trades() {
    let (mut house, _) = House::bought(STOCK);
    tick(&mut house, [10_000, 9_995, 10_005]);
    // Nobody bids any more, and trades go on below the last bid.
    house.now = house.now.plus(DurationNs::from_millis(10));
    tick(&mut house, [9_500, 0, 9_510]);
    assert_eq!(mark(&house), Price::from_paise(9_500));
    // Nor does a trade above it make the position worth more.
    house.now = house.now.plus(DurationNs::from_millis(10));
    tick(&mut house, [11_000, 0, 11_010]);
    assert_eq!(mark(&house), Price::from_paise(9_995));
}

#[test]
fn the_days_loss_latches_at_the_price_one_could_leave_at_on_either_side() {
    // A hundred bought at 100.05: the limit of the day is 3 000 rupees with charges, so 30 rupees a share and less.
    let limit = {
        let house = House::bought(STOCK).0;
        let state = house.engine.state();
        let risk = &state.config().risk;
        risk.capital.bps(risk.daily_loss_bps).get() - state.charges().get()
    };
    let per_share = limit / 100;
    let edge = (1_000_500 - per_share) / 500 * 500;
    for (bid, latches) in [(edge + 500, false), (edge, true)] {
        let (mut house, _) = House::bought(STOCK);
        house.tell(Event::Ticked(Tick {
            ts: house.now,
            ts_event: house.now,
            instrument: STOCK,
            ltp: Price::from_paise(10_000),
            bid: Price::new(bid),
            ask: Price::from_paise(10_005),
            bid_qty: Qty::new(1),
            ask_qty: Qty::new(1),
            ..Tick::default()
        }));
        let state = house.engine.state();
        assert_eq!(
            state.result() <= Money::new(-limit - state.charges().get()),
            latches
        );
        assert_eq!(state.is_day_loss_latched(), latches, "{bid}");
    }
}

#[test]
fn silence_uncovers_a_loss_that_a_friendly_book_covered() {
    let (mut house, _) = House::bought(STOCK);
    tick(&mut house, [5_000, 10_000, 10_005]);
    assert!(!house.engine.state().is_day_loss_latched());
    house.wait(STALE);
    assert!(house.engine.state().is_day_loss_latched());
    tick(&mut house, [10_000, 10_000, 10_005]);
    assert!(house.engine.state().is_day_loss_latched(), "for the day");
}

#[test]
fn a_worse_price_that_the_broker_tells_of_a_silent_instrument_is_the_mark_and_latches_the_loss_of_the_day() {
    for (qty, better, worse) in [(100, 10_500, 5_000), (-100, 9_500, 15_000)] {
        let mut house = if qty > 0 { House::bought(STOCK).0 } else { sold() };
        tick(&mut house, [10_000, 9_990, 10_010]);
        let told = |house: &mut House, paise: i64| {
            house.tell(Event::PositionReported(PositionReported {
                ts: house.now,
                instrument: STOCK,
                qty: Qty::new(qty),
                last_price: Price::from_paise(paise),
            }));
            mark(house)
        };
        let touch = Price::from_paise(if qty > 0 { 9_990 } else { 10_010 });
        house.now = house.now.plus(DurationNs::from_secs(1));
        assert_eq!(told(&mut house, worse), touch, "the book is fresh");
        house.now = house.now.plus(DurationNs::from_secs(13));
        assert_eq!(told(&mut house, worse), touch, "the feed spoke a moment ago");
        house.now = house.now.plus(DurationNs::from_secs(1));
        let known = told(&mut house, better);
        assert_eq!(known, touch, "no silence makes a mark better");
        assert_eq!(told(&mut house, worse), Price::from_paise(worse));
        let capital = house.engine.state().config().risk.capital;
        assert!(house.engine.state().result() < Money::new(-capital.get() / 20));
        assert!(!house.engine.state().is_day_loss_latched());
        house.wait(DurationNs::from_secs(1));
        assert!(house.engine.state().is_day_loss_latched());
        tick(&mut house, [10_000, 9_990, 10_010]);
        assert_eq!(mark(&house), touch, "the feed speaks again");
    }
}
