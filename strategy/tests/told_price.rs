//! A position on which the feed is silent is led by the last price that the broker tells beside it.

use bijli_core::event::PositionReported;
use bijli_core::order::Side;
use bijli_core::strategy::{ExitReason, Intent, Leave};
use bijli_core::{DurationNs, Event, InstrumentId, IstDay, Price, Qty, TsNs};
use desk::{Desk, Fills};

mod desk;

const SHARE: InstrumentId = InstrumentId::new(0);
const ENTRY: i64 = 100_000;

/// A hundred bought, or sold, at 1 000.00 at ten o'clock, the price of the last tick.
fn holding(qty: i64) -> Desk {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    let mut desk = Desk::open(day, &[desk::share(0, "SILENT")], Fills::Never);
    let share = desk.instruments[0];
    let ten = desk.at(DurationNs::from_hm(10, 0));
    desk.tick(
        &desk::tick(&share, ten, Price::from_paise(ENTRY), 1_000),
        &mut Vec::new(),
    );
    let side = if qty > 0 { Side::Buy } else { Side::Sell };
    desk.trade(SHARE, side, Qty::new(qty.abs()), Price::from_paise(ENTRY));
    desk
}

/// What is wished for when the broker tells a price in paise at `now`; 0: it tells none.
fn told(desk: &mut Desk, now: TsNs, paise: i64) -> Vec<Leave> {
    desk.now = now;
    let report = PositionReported {
        ts: now,
        instrument: SHARE,
        qty: desk.positions[SHARE.index()].qty,
        last_price: Price::from_paise(paise),
    };
    let wishes = desk.apply(&Event::PositionReported(report)).iter();
    let leaves = wishes.map(|wish| match wish {
        Intent::Leave(leave) => *leave,
        other => panic!("nothing is entered on a price of this kind: {other:?}"),
    });
    leaves.collect()
}

const fn all(reason: ExitReason) -> Leave {
    Leave {
        instrument: SHARE,
        qty: Qty::new(100),
        reason,
    }
}

#[test]
fn a_price_that_the_broker_tells_reaches_the_stop_of_a_silent_position() {
    for (qty, within, beyond) in [(100, 99_500, 90_000), (-100, 100_500, 110_000)] {
        let mut desk = holding(qty);
        let later = desk.now.plus(DurationNs::from_secs(15));
        let stop = desk.strategy.stop(SHARE);
        assert!(stop.is_set());
        assert_eq!(told(&mut desk, later, 0), [], "it told none");
        assert_eq!(told(&mut desk, later, within), []);
        assert_eq!(desk.strategy.stop(SHARE), stop);
        assert_eq!(told(&mut desk, later, beyond), [all(ExitReason::Stop)]);
    }
}

#[test]
fn the_trail_follows_told_prices_and_never_loosens() {
    let mut desk = holding(100);
    let later = desk.now.plus(DurationNs::from_secs(15));
    let first = desk.strategy.stop(SHARE);
    let gain = told(&mut desk, later, ENTRY * 3);
    assert!(
        gain.iter().all(|leave| leave.reason == ExitReason::Target),
        "{gain:?}"
    );
    let trail = desk.strategy.stop(SHARE);
    assert!(trail > first, "{trail} {first}");
    let left = told(&mut desk, later.plus(DurationNs::from_secs(30)), ENTRY);
    assert_eq!(left, [all(ExitReason::Trail)]);
    assert_eq!(desk.strategy.stop(SHARE), trail);
}

#[test]
fn beside_a_feed_that_speaks_and_outside_hours_a_told_price_leads_nothing() {
    let mut desk = holding(100);
    let early = desk.now.plus(DurationNs::from_millis(14_999));
    assert_eq!(told(&mut desk, early, 90_000), [], "the feed spoke a moment ago");
    let close = desk.at(DurationNs::from_hm(15, 30));
    assert_eq!(told(&mut desk, close, 90_000), [], "nothing trades");
}

#[test]
fn a_price_beyond_what_can_be_summed_is_left_out() {
    let mut desk = holding(-100);
    let later = desk.now.plus(DurationNs::from_secs(15));
    desk.now = later;
    for units in [i64::MAX, i64::MIN, -1] {
        let report = PositionReported {
            ts: later,
            instrument: SHARE,
            qty: Qty::new(-100),
            last_price: Price::new(units),
        };
        assert_eq!(
            desk.apply(&Event::PositionReported(report)).iter().count(),
            0,
            "{units}"
        );
    }
}
