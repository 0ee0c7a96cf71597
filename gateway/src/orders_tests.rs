//! What rows and trades make of the table of orders.

use bijli_core::Price;
use bijli_core::order::{OrderType, Side, Validity};
use bijli_core::text::Text;

use super::*;

fn at(ms: i64) -> TsNs {
    TsNs::new(1_700_000_000_000_000_000).plus(DurationNs::from_millis(ms))
}

fn row(status: BrokerStatus, filled: i64) -> BrokerOrder {
    BrokerOrder {
        order_id: Text::new("1").expect("short"),
        intent: None,
        key: Text::new("NSE_EQ|X").expect("short"),
        side: Side::Buy,
        status,
        qty: Qty::new(75),
        filled: Qty::new(filled),
        price: Price::from_paise(10_000),
        trigger: Price::NONE,
        average_price: Price::NONE,
        order_type: OrderType::Limit,
        validity: Validity::Day,
        stamp: Text::EMPTY,
    }
}

/// Applies rows in turn; gives what each did and where the order stands in the end.
fn run(rows: &[(BrokerOrder, Source)]) -> (Vec<Applied>, BrokerStatus, i64) {
    let mut table = OrderTable::default();
    let did = rows
        .iter()
        .enumerate()
        .map(|(index, (row, source))| table.apply(at(index as i64), row, (None, None), *source))
        .collect();
    let order = table.get(&rows[0].0.order_id).expect("rows were applied");
    let row = order.row.expect("a row stands");
    (did, row.status, row.filled.get())
}

fn stream(status: BrokerStatus, filled: i64) -> (BrokerOrder, Source) {
    (row(status, filled), Source::Stream)
}

fn read(status: BrokerStatus, filled: i64, ms: i64) -> (BrokerOrder, Source) {
    (row(status, filled), Source::Read(at(ms)))
}

#[test]
fn rows_in_disorder_end_where_rows_in_order_end() {
    use Applied::{Changed, Repeated, Stale};
    use BrokerStatus as S;
    let in_order = [(S::Received, 0), (S::Open, 0), (S::Open, 25), (S::Complete, 75)];
    let in_order = in_order.map(|(status, filled)| stream(status, filled));
    assert_eq!(run(&in_order), (vec![Changed; 4], S::Complete, 75));
    let last_first = [
        stream(S::Complete, 75),
        stream(S::Open, 0),
        stream(S::Received, 0),
    ];
    assert_eq!(run(&last_first), (vec![Changed, Stale, Stale], S::Complete, 75));
    let repeated = [
        stream(S::Open, 25),
        stream(S::Open, 25),
        stream(S::Open, 50),
        stream(S::Open, 25),
    ];
    assert_eq!(
        run(&repeated),
        (vec![Changed, Repeated, Changed, Stale], S::Open, 50)
    );
}

#[test]
fn a_fill_that_races_the_end_is_news_and_the_end_stands() {
    use Applied::Changed;
    use BrokerStatus as S;
    let late_fill = [stream(S::Cancelled, 0), stream(S::Open, 25)];
    assert_eq!(run(&late_fill), (vec![Changed; 2], S::Cancelled, 25));
    let late_end = [stream(S::Cancelled, 0), stream(S::Complete, 75)];
    assert_eq!(run(&late_end), (vec![Changed; 2], S::Complete, 75));
}

#[test]
fn a_read_asked_before_a_stream_update_does_not_undo_it() {
    use Applied::{Changed, Stale};
    use BrokerStatus as S;
    let rows = [
        stream(S::Open, 0),
        stream(S::CancelPending, 0),
        read(S::Open, 0, 0),
    ];
    assert_eq!(run(&rows), (vec![Changed, Changed, Stale], S::CancelPending, 0));
    let rows = [stream(S::CancelPending, 0), read(S::Open, 0, 1)];
    assert_eq!(run(&rows), (vec![Changed; 2], S::Open, 0));
}

#[test]
fn a_completion_without_trades_is_withdrawn_by_a_read_alone() {
    use Applied::{Changed, Contradicted, Stale};
    use BrokerStatus as S;
    let rows = [
        stream(S::Complete, 75),
        stream(S::Rejected, 0),
        read(S::Rejected, 0, 2),
    ];
    assert_eq!(run(&rows), (vec![Changed, Stale, Contradicted], S::Rejected, 0));
}

#[test]
fn an_older_stamp_does_not_undo_a_newer_state() {
    let stamped = |status, stamp| BrokerOrder {
        stamp: Text::new(stamp).expect("short"),
        ..row(status, 0)
    };
    let newer = stamped(BrokerStatus::CancelPending, "2026-09-01 14:40:03");
    let older = stamped(BrokerStatus::Open, "2026-09-01 14:40:02");
    let (did, status, _) = run(&[(newer, Source::Stream), (older, Source::Stream)]);
    assert_eq!(did, [Applied::Changed, Applied::Stale]);
    assert_eq!(status, BrokerStatus::CancelPending);
}

#[test]
fn trades_are_wanted_until_they_add_up_and_never_beyond_the_order() {
    let mut table = OrderTable::default();
    let id = row(BrokerStatus::Open, 0).order_id;
    table.apply(at(0), &row(BrokerStatus::Open, 50), (None, None), Source::Stream);
    assert_eq!(table.next_trades(), Some((at(0), id)));
    table.note_trades_read(at(0), &id);
    assert_eq!(table.next_trades(), Some((at(250), id)));
    assert_eq!(table.add_trade(&id, Qty::new(25), Bound::Row), Added::Taken);
    assert!(table.next_trades().is_some());
    assert_eq!(table.add_trade(&id, Qty::new(25), Bound::Row), Added::Taken);
    assert_eq!(table.next_trades(), None);
    assert_eq!(
        table.add_trade(&id, Qty::new(1), Bound::Row),
        Added::Ahead,
        "told twice under two ids"
    );
    assert_eq!(table.add_trade(&id, Qty::new(26), Bound::Order), Added::Overfills);
}

#[test]
fn a_change_in_doubt_is_settled_only_by_a_later_read() {
    let mut table = OrderTable::default();
    let id = row(BrokerStatus::Open, 0).order_id;
    table.apply(at(0), &row(BrokerStatus::Open, 0), (None, None), Source::Stream);
    table.note_change(&id, Some(at(10)));
    assert!(!table.settle_change(&id, at(9)));
    assert!(table.get(&id).expect("known").change_doubt.is_some());
    assert!(table.settle_change(&id, at(11)));
    assert!(!table.settle_change(&id, at(12)));
}
