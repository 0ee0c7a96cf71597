//! Which rounds are believed.

use bijli_core::Price;
use bijli_core::order::{BrokerStatus, OrderType, Side, Validity};
use bijli_core::text::Text;

use super::*;

fn at(ms: i64) -> TsNs {
    TsNs::new(1_700_000_000_000_000_000).plus(DurationNs::from_millis(ms))
}

fn position(key: &str, qty: i64) -> BrokerPosition {
    BrokerPosition {
        key: Text::new(key).expect("short"),
        qty: Qty::new(qty),
        day_net: None,
        last_price: None,
    }
}

/// The order that the trades of these tests belong to.
fn order(filled: i64) -> BrokerOrder {
    BrokerOrder {
        order_id: Text::new("1").expect("short"),
        intent: None,
        key: Text::new("NSE_EQ|X").expect("short"),
        side: Side::Buy,
        status: BrokerStatus::Open,
        qty: Qty::new(10),
        filled: Qty::new(filled),
        price: Price::from_paise(100),
        trigger: Price::NONE,
        average_price: Price::from_paise(100),
        order_type: OrderType::Limit,
        validity: Validity::Day,
        stamp: Text::EMPTY,
    }
}

fn trade(id: &str) -> BrokerTrade {
    BrokerTrade {
        order_id: Text::new("1").expect("short"),
        trade_id: Text::new(id).expect("short"),
        key: Text::new("NSE_EQ|X").expect("short"),
        is_buy: true,
        qty: Qty::new(1),
        price: Price::from_paise(100),
    }
}

fn full<T>(rows: Vec<T>) -> Rows<T> {
    Rows { rows, complete: true }
}

/// Plays rounds of (trades, positions); gives the index of the round that is believed.
fn play(rounds: &[(Vec<BrokerTrade>, Vec<BrokerPosition>)]) -> Option<usize> {
    let mut reconciler = Reconciler::new(at(0));
    let doubts = &mut Contradictions::default();
    let mut now = at(0);
    for (index, (trades, positions)) in rounds.iter().enumerate() {
        let (due, part) = reconciler.next_read();
        assert_eq!(part, Part::Orders);
        if index > 0 {
            assert_eq!(due, now.plus(ROUND_GAP), "rounds keep their distance");
        }
        now = due;
        let filled = i64::try_from(trades.len()).expect("few");
        let book = if filled > 0 {
            vec![order(filled)]
        } else {
            Vec::new()
        };
        assert_eq!(
            reconciler.handle(now, now, Answer::Orders(full(book)), doubts),
            None
        );
        let trades = Answer::Trades(full(trades.clone()));
        assert_eq!(reconciler.handle(now, now, trades, doubts), None);
        let positions = Answer::Positions(full(positions.clone()));
        assert_eq!(reconciler.handle(now, now, positions, doubts), None);
        // Funds differ from round to round and spoil nothing.
        let funds = BrokerFunds {
            available: Money::from_rupees(1_000 - now.get() % 997),
            used: Money::ZERO,
        };
        if reconciler
            .handle(now, now, Answer::Funds(Some(funds)), doubts)
            .is_some()
        {
            return Some(index);
        }
    }
    None
}

#[test]
fn the_first_two_rounds_that_agree_are_believed() {
    let long = vec![position("NSE_EQ|X", 1)];
    let rounds = [
        (vec![], vec![]),
        (vec![trade("1")], long.clone()),
        (vec![trade("2"), trade("1")], long.clone()),
        (vec![trade("1"), trade("2")], long),
    ];
    assert_eq!(play(&rounds), Some(3));
    assert_eq!(play(&rounds[..3]), None);
}

#[test]
fn flat_rows_and_products_do_not_spoil_agreement() {
    let split = vec![
        position("NSE_EQ|X", 3),
        position("NSE_EQ|X", -2),
        position("NSE_EQ|Y", 0),
    ];
    let rounds = [(vec![], vec![position("NSE_EQ|X", 1)]), (vec![], split)];
    assert_eq!(play(&rounds), Some(1));
}

#[test]
fn a_failed_or_incomplete_read_restarts_the_round_after_a_pause() {
    let incomplete = Rows {
        rows: vec![trade("1")],
        complete: false,
    };
    for bad in [Answer::Failed, Answer::Trades(incomplete)] {
        let mut reconciler = Reconciler::new(at(0));
        let doubts = &mut Contradictions::default();
        let orders = Answer::Orders(full(Vec::new()));
        assert_eq!(reconciler.handle(at(10), at(0), orders, doubts), None);
        assert_eq!(reconciler.handle(at(20), at(10), bad, doubts), None);
        assert_eq!(reconciler.next_read(), (at(1_020), Part::Orders));
        assert_eq!(reconciler.rounds(), 0);
    }
}

#[test]
fn rounds_that_contradict_themselves_count_only_once_they_do_so_for_a_minute() {
    let long = vec![position("NSE_EQ|X", 1)];
    let round = |filled, trades, positions| Round {
        orders: vec![order(filled)],
        trades,
        positions,
        ..Round::default()
    };
    assert!(
        round(1, vec![trade("1")], long.clone())
            .contradictions()
            .is_empty()
    );
    assert!(
        round(1, vec![trade("1"), trade("9")], long.clone())
            .contradictions()
            .is_empty(),
        "told twice"
    );
    assert!(
        round(2, vec![trade("1"), trade("2")], long.clone())
            .contradictions()
            .is_empty(),
        "two fills alike"
    );
    assert!(
        !round(2, vec![trade("1")], long.clone())
            .contradictions()
            .is_empty(),
        "a fill without its trade"
    );
    assert!(
        !round(0, vec![trade("1")], long).contradictions().is_empty(),
        "a trade without its fill"
    );
    let dealt = |net| BrokerPosition {
        day_net: Some(Qty::new(net)),
        ..position("NSE_EQ|X", 1)
    };
    assert!(
        round(1, vec![trade("1")], vec![dealt(3), dealt(-2)])
            .contradictions()
            .is_empty(),
        "over all products"
    );
    assert!(
        !round(0, Vec::new(), vec![dealt(1)]).contradictions().is_empty(),
        "a position of today without a trade"
    );
    assert!(
        !round(1, vec![trade("1")], Vec::new()).contradictions().is_empty(),
        "a trade without a position"
    );
    let empty_positions: Vec<_> = (0..80).map(|_| (vec![trade("1")], Vec::new())).collect();
    let believed = play(&empty_positions).expect("the broker means it");
    assert!(
        (60..70).contains(&believed),
        "after a minute, in round {believed}"
    );
}
