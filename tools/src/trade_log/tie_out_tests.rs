//! The tie-out against books that were changed in one place, and against sums made in 128 bits.

use super::*;
use bijli_core::InstrumentId;
use bijli_core::text::Text;
use proptest::prelude::*;

fn trade(number: usize, buy: bool, qty: i64, units: i64) -> SideTrade {
    SideTrade {
        trade_id: format!("T{number}"),
        order_id: format!("O{}", number / 2),
        key: format!("NSE_EQ|{}", number % 3),
        symbol: format!("SHARE{}", number % 3),
        side: if buy { Side::Buy } else { Side::Sell },
        qty: Qty::new(qty),
        price: Price::new(units),
    }
}

fn day() -> Vec<SideTrade> {
    [
        (true, 10, 15_000_000),
        (true, 5, 2_000_000),
        (false, 7, 900),
        (false, 10, 15_100_000),
    ]
    .into_iter()
    .enumerate()
    .map(|(number, (buy, qty, units))| trade(number, buy, qty, units))
    .collect()
}

fn kinds(tie: &TieOut) -> Vec<(&'static str, &str)> {
    tie.discrepancies
        .iter()
        .map(|row| (row.kind, row.trade_id.as_str()))
        .collect()
}

/// The handmade day, in which a position was carried, and the book that the broker would have of it.
fn handmade() -> (tempfile::TempDir, DayLog, Tradebook) {
    let (folder, log) = super::super::tests::made();
    let book_row = |trade: SideTrade| BookTrade {
        trade_id: trade.trade_id,
        order_id: trade.order_id,
        key: trade.key,
        symbol: trade.symbol,
        side: trade.side,
        qty: trade.qty,
        price: trade.price,
        charges: None,
    };
    let book = Tradebook {
        trades: our_trades(&log).into_iter().map(book_row).collect(),
        ..Tradebook::default()
    };
    (folder, log, book)
}

#[test]
fn a_carried_position_leaves_the_result_of_its_own_instrument_alone_out() {
    let (_folder, mut log, book) = handmade();
    let tie = tie_out(&log, &book, None);
    assert!(tie.ties() && tie.carried_positions == 1, "{tie:?}");
    // The engine would have made five rupees in another instrument, out of no trade at all.
    let mut other = log.closing[0];
    let mut row = log.instruments[0];
    row.id = InstrumentId::new(4_000);
    row.symbol = Text::new("OTHER").expect("short");
    log.instruments.push(row);
    other.instrument = row.id;
    other.position.realised = Money::from_rupees(5);
    log.closing.push(other);
    let tie = tie_out(&log, &book, None);
    assert!(!tie.ties());
    let found: Vec<_> = tie
        .discrepancies
        .iter()
        .map(|row| {
            (
                row.kind,
                row.symbol.as_str(),
                row.ours.as_str(),
                row.theirs.as_str(),
            )
        })
        .collect();
    assert_eq!(found, [("ENGINE_RESULT", "OTHER", "5.00", "0.00")]);
}

#[test]
fn charges_that_were_not_compared_are_told_so() {
    let (_folder, log, mut book) = handmade();
    assert!(!tie_out(&log, &book, None).charges_compared);
    assert!(tie_out(&log, &book, Some(log.day.charges)).charges_compared);
    book.trades[0].charges = Some(Money::from_rupees(1));
    let is_told_by_all = book.trades.iter().all(|trade| trade.charges.is_some());
    assert_eq!(tie_out(&log, &book, None).charges_compared, is_told_by_all);
}

#[test]
fn a_book_of_another_day_does_not_tie_with_a_day_without_trades() {
    let (_folder, mut log, _) = handmade();
    log.day.fills.clear();
    log.closing.clear();
    assert!(tie_out(&log, &Tradebook::default(), None).ties());
    for (other_days, remarks) in [(7, 0), (0, 3)] {
        let book = Tradebook {
            other_days,
            remarks,
            ..Tradebook::default()
        };
        let tie = tie_out(&log, &book, None);
        assert!(!tie.ties());
        assert_eq!(kinds(&tie), [("NO_ROWS_OF_THE_DAY", "")]);
    }
}

#[test]
fn equal_books_tie_in_any_order_and_without_order_ids() {
    let mut book = day();
    book.reverse();
    let tie = compare(&day(), &book);
    assert!(tie.ties() && tie.matched == 4, "{tie:?}");
    assert_eq!(tie.instruments[0].journal.gross_average_e4, Some(1_000_000));
    for trade in &mut book {
        trade.order_id.clear();
        trade.key.clear();
        trade.symbol = "A Company Ltd".to_owned();
    }
    assert!(compare(&day(), &book).ties());
}

#[test]
fn one_paisa_one_unit_one_side_one_missing_and_one_too_many_are_each_named() {
    let changed = |change: &dyn Fn(&mut Vec<SideTrade>)| {
        let mut book = day();
        change(&mut book);
        let tie = compare(&day(), &book);
        assert!(!tie.ties());
        tie
    };
    let paisa = changed(&|book| book[1].price = Price::new(2_000_100));
    assert_eq!(kinds(&paisa), [("PRICE", "T1")]);
    assert_eq!(
        (&*paisa.discrepancies[0].ours, &*paisa.discrepancies[0].theirs),
        ("200.00", "200.01")
    );
    let sums = &paisa.instruments[1];
    assert_eq!(sums.tradebook.bought_e4 - sums.journal.bought_e4, 500);
    assert_eq!(
        kinds(&changed(&|book| book[0].qty = Qty::new(11))),
        [("QTY", "T0")]
    );
    assert_eq!(
        kinds(&changed(&|book| book[2].side = Side::Buy)),
        [("SIDE", "T2")]
    );
    assert_eq!(
        kinds(&changed(&|book| book[2].key = "NSE_EQ|9".to_owned())),
        [("INSTRUMENT", "T2")]
    );
    assert_eq!(
        kinds(&changed(&|book| {
            book.remove(3);
        })),
        [("MISSING_IN_TRADEBOOK", "T3")]
    );
    assert_eq!(
        kinds(&changed(&|book| book.push(trade(9, true, 1, 1)))),
        [("MISSING_IN_JOURNAL", "T9")]
    );
    assert_eq!(
        kinds(&changed(&|book| book.push(book[0].clone()))),
        [("TWICE_IN_TRADEBOOK", "T0")]
    );
}

/// The result of what was closed first in first out, unit by unit: slow and plain.
fn fifo_by_units(fills: &[(bool, i64, i64)]) -> i128 {
    let mut open: VecDeque<(bool, i64)> = VecDeque::new();
    let mut gross = 0;
    for (buy, qty, price) in fills {
        for _ in 0..*qty {
            match open.front() {
                Some((side, entry)) if side != buy => {
                    let gain = if *side { price - entry } else { entry - price };
                    gross += i128::from(gain);
                    open.pop_front();
                }
                Some(_) | None => open.push_back((*buy, *price)),
            }
        }
    }
    gross
}

proptest! {
    #[test]
    fn sums_of_any_fills_are_those_of_wide_integers(
        fills in prop::collection::vec((any::<bool>(), 1i64..40, 1i64..1_000_000_000), 0..60),
    ) {
        let trades: Vec<SideTrade> =
            fills.iter().map(|(buy, qty, units)| trade(0, *buy, *qty, *units)).collect();
        let sums = sums_of(&trades.iter().collect::<Vec<_>>());
        let side = |wanted: bool| fills.iter().filter(move |(buy, ..)| *buy == wanted);
        let value = |wanted: bool| -> i128 { side(wanted).map(|(_, qty, units)| i128::from(qty * units)).sum() };
        let qty = |wanted: bool| -> i128 { side(wanted).map(|(_, qty, _)| i128::from(*qty)).sum() };
        prop_assert_eq!((sums.bought_e4, sums.sold_e4), (value(true), value(false)));
        prop_assert_eq!(sums.net_qty, qty(true) - qty(false));
        prop_assert_eq!(sums.gross_fifo_e4, fifo_by_units(&fills));
        if sums.net_qty == 0 {
            let gross = value(false) - value(true);
            prop_assert_eq!(sums.gross_average_e4.map(i128::from), Some(gross));
            prop_assert_eq!(sums.gross_fifo_e4, gross);
        }
    }

    #[test]
    fn any_one_change_is_found(number in 0usize..4, what in 0u8..3, by in 1i64..1_000) {
        let mut book = day();
        match what {
            0 => book[number].price = Price::new(book[number].price.get() + by),
            1 => book[number].qty = Qty::new(book[number].qty.get() + by),
            _ => { book.remove(number); }
        }
        let tie = compare(&day(), &book);
        prop_assert!(!tie.ties());
        prop_assert_eq!(tie.discrepancies.len(), 1);
    }
}
