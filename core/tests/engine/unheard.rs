//! Exits in an instrument whose prices do not come: the broker's last price stands in, and without it the ladder climbs.

use bijli_core::command::{Command, Modify, Place, Reconcile};
use bijli_core::event::{Event, PositionReported, Submission};
use bijli_core::instrument::InstrumentKind;
use bijli_core::order::{BrokerStatus, OrderType};
use bijli_core::page::PageReason;
use bijli_core::{DurationNs, Instrument, InstrumentId, Price, Qty};

use crate::house::{House, OTHER, STOCK, only_place};

const SECOND: DurationNs = DurationNs::from_secs(1);
const FUTURE: InstrumentId = InstrumentId::new(2);

/// The broker shows a position with its last price in paise; 0: it shows none.
fn tell(house: &mut House, instrument: InstrumentId, qty: i64, paise: i64) -> Vec<Command> {
    house.tell(Event::PositionReported(PositionReported {
        ts: house.now,
        instrument,
        qty: Qty::new(qty),
        last_price: Price::from_paise(paise),
    }))
}

fn rest(house: &mut House, exit: &Place) {
    house.resolve(exit.intent, Submission::Acked);
    house.update(exit, BrokerStatus::Open, 0);
}

/// Lives through `seconds`, one timer each; every modify takes effect at once. Gives the prices of modifies in paise and
/// how often the broker was asked.
fn live(house: &mut House, exits: &mut [Place], seconds: i64) -> (Vec<i64>, usize) {
    let (mut prices, mut questions) = (Vec::new(), 0);
    for _ in 0..seconds {
        for command in house.wait(SECOND) {
            match command {
                Command::Modify(Modify { intent, price, .. }) => {
                    let exit = exits.iter_mut().find(|exit| exit.intent == intent);
                    let exit = exit.expect("only exits are modified");
                    exit.price = price;
                    prices.push(price.get() / 100);
                    house.update(exit, BrokerStatus::Open, 0);
                }
                Command::Reconcile(Reconcile { flat: false, .. }) => questions += 1,
                other => panic!("unexpected: {other:?}"),
            }
        }
    }
    (prices, questions)
}

/// A hundred of a stock future at 100.00, on whose price the exchange's protection reaches three percent.
fn in_a_future(qty: i64) -> House {
    let mut house = House::open();
    let stock = house.engine.state().instruments()[STOCK.index()];
    house.tell(Event::InstrumentListed(Instrument {
        id: FUTURE,
        kind: InstrumentKind::Future,
        ..stock
    }));
    house.tick(FUTURE, 10_000);
    tell(&mut house, FUTURE, qty, 0);
    house
}

#[test]
fn the_broker_s_last_price_moves_an_exit_whose_own_prices_do_not_come() {
    for (qty, told, taken) in [(100, 9_000, 8_980), (-100, 11_000, 11_020)] {
        let mut house = in_a_future(qty);
        let mut exits = [only_place(&house.wish_to_leave(FUTURE, 100))];
        rest(&mut house, &exits[0]);
        let (_, questions) = live(&mut house, &mut exits, 16);
        assert_eq!((questions, house.pages(PageReason::ExitUnheard)), (1, 1));
        let out_of_reach = exits[0].price;
        tell(&mut house, FUTURE, qty, told);
        let (prices, _) = live(&mut house, &mut exits, 3);
        let [price] = prices[..] else {
            panic!("one modify to the price that was told: {prices:?}");
        };
        let is_reached = if qty > 0 { price <= taken } else { price >= taken };
        assert!(is_reached, "{out_of_reach} became {price}, {told} was told");
        let reach = told * 3 / 100;
        assert!((price - told).abs() <= reach, "the exchange takes it: {price}");
    }
}

#[test]
fn what_the_broker_told_stands_behind_a_fresh_touch_and_behind_a_younger_trade() {
    let (mut house, _) = House::bought(STOCK);
    tell(&mut house, STOCK, 100, 5_000);
    house.now = house.now.plus(SECOND);
    house.tick(STOCK, 10_000);
    let exit = only_place(&house.wish_to_leave(STOCK, 100));
    assert!(exit.price >= Price::from_paise(9_900), "{}", exit.price);
    let (mut house, _) = House::bought(STOCK);
    tell(&mut house, STOCK, 100, 5_000);
    house.tick(STOCK, 10_000);
    house.wait(DurationNs::from_secs(10));
    let exit = only_place(&house.wish_to_leave(STOCK, 100));
    assert!(exit.price >= Price::from_paise(9_900), "{}", exit.price);
}

#[test]
fn a_price_that_only_the_broker_knows_is_enough_to_leave_by() {
    let mut house = House::open();
    let stock = house.engine.state().instruments()[STOCK.index()];
    house.tell(Event::InstrumentListed(Instrument { id: FUTURE, ..stock }));
    tell(&mut house, FUTURE, 100, 10_000);
    let exit = only_place(&house.wish_to_leave(FUTURE, 100));
    assert_eq!(exit.order_type, OrderType::Limit);
    assert!(exit.price < Price::from_paise(10_000) && exit.price > Price::from_paise(9_700));
    assert_eq!(house.pages(PageReason::NoExitPrice), 0);
}

#[test]
fn where_nobody_tells_a_price_the_ladder_climbs_by_time_alone_to_the_band_of_the_day() {
    let mut house = in_a_future(-100);
    let mut exits = [only_place(&house.wish_to_leave(FUTURE, 100))];
    rest(&mut house, &exits[0]);
    let (prices, _) = live(&mut house, &mut exits, 40);
    let kept = prices.iter().max().copied().expect("it went to the collar");
    assert!(kept <= 10_300, "the last trade is measure enough: {prices:?}");
    let (prices, _) = live(&mut house, &mut exits, 20);
    let far = prices.iter().max().copied().expect("priced anew");
    assert!(
        far > 11_200,
        "nobody knows what the exchange measures by: {prices:?}"
    );
    assert!(prices.windows(2).all(|pair| pair[0] < pair[1]), "{prices:?}");
    house.tick(FUTURE, 10_000);
    let (prices, _) = live(&mut house, &mut exits, 2);
    assert!(prices[..] == [10_305] || prices[..] == [10_300], "{prices:?}");
}

#[test]
fn one_question_is_for_all_positions_and_waits_for_its_answer() {
    let (mut house, _) = House::bought(STOCK);
    tell(&mut house, OTHER, 100, 0);
    let mut exits = Vec::new();
    for instrument in [STOCK, OTHER] {
        let exit = only_place(&house.wish_to_leave(instrument, 100));
        rest(&mut house, &exit);
        exits.push(exit);
    }
    assert_eq!(live(&mut house, &mut exits, 14).1, 0);
    assert_eq!(live(&mut house, &mut exits, 40).1, 1, "two positions, no answer");
    for instrument in [STOCK, OTHER] {
        tell(&mut house, instrument, 100, 10_000);
    }
    assert_eq!(live(&mut house, &mut exits, 10).1, 1, "it was answered");
    assert_eq!(house.pages(PageReason::ExitUnheard), 2, "once for each position");
}

#[test]
fn an_absurd_price_beside_a_position_stops_nothing() {
    for units in [i64::MAX, i64::MAX - 1, 1, -1, i64::MIN + 1, i64::MIN] {
        for qty in [100, -100] {
            let mut house = in_a_future(qty);
            house.wait(DurationNs::from_secs(20));
            house.tell(Event::PositionReported(PositionReported {
                ts: house.now,
                instrument: FUTURE,
                qty: Qty::new(qty),
                last_price: Price::new(units),
            }));
            let exit = only_place(&house.wish_to_leave(FUTURE, 100));
            rest(&mut house, &exit);
            for _ in 0..90 {
                house.wait(SECOND);
            }
            assert_eq!(house.position(FUTURE), qty, "{units}");
        }
    }
}
