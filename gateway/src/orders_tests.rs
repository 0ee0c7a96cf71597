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
    assert!(!table.settle_change(at(9), &id, at(9)));
    assert!(table.get(&id).expect("known").change_doubt.is_some());
    assert!(table.settle_change(at(11), &id, at(11)));
    assert!(!table.settle_change(at(12), &id, at(12)));
}

/// Which reads of the book, one a second from the change on that is asked for at 0 and answered at 0.5 s, are told although
/// they may bring no news; `rows` tells how the order stands from which second on.
fn told_again(rows: &[(i64, BrokerOrder)]) -> Vec<i64> {
    let mut table = OrderTable::default();
    let id = rows[0].1.order_id;
    table.apply(at(0), &rows[0].1, (None, None), Source::Stream);
    table.owe_second_look(&id);
    table.note_change(&id, Some(at(500)));
    let tells = |second: &i64| {
        let now = at(1_000 * second);
        let stands = rows.iter().rev().find(|(since, _)| since <= second);
        let (_, row) = stands.expect("the first stands from the beginning");
        table.apply(now, row, (None, None), Source::Read(now));
        table.settle_change(now, &id, now)
    };
    (0..20).filter(tells).collect()
}

#[test]
fn what_came_beside_a_change_is_told_once_more_three_seconds_after_it_was_settled() {
    let open = row(BrokerStatus::Open, 0);
    let other = BrokerOrder {
        price: Price::from_paise(9_995),
        ..open
    };
    assert_eq!(told_again(&[(0, open), (1, other)]), [1, 4]);
    assert_eq!(
        told_again(&[(0, open), (2, other)]),
        [1, 4],
        "told as news at 2, too"
    );
    assert_eq!(
        told_again(&[(0, open)]),
        [1],
        "nothing has changed, or the reads are stale"
    );
    let ended = row(BrokerStatus::Cancelled, 0);
    assert_eq!(
        told_again(&[(0, open), (2, ended)]),
        [1],
        "its terms mean nothing any more"
    );
}

#[test]
fn the_second_look_waits_until_the_last_change_is_settled_and_knows_how_the_order_stood_before_the_first() {
    let mut table = OrderTable::default();
    let open = row(BrokerStatus::Open, 0);
    let id = open.order_id;
    let other = BrokerOrder {
        qty: Qty::new(150),
        ..open
    };
    table.apply(at(0), &open, (None, None), Source::Stream);
    table.owe_second_look(&id);
    table.note_change(&id, None);
    table.apply(at(1_000), &other, (None, None), Source::Stream);
    assert!(table.settle_change(at(1_000), &id, at(1_000)));
    table.owe_second_look(&id);
    assert!(
        !table.settle_change(at(4_500), &id, at(4_500)),
        "another is under way"
    );
    table.note_change(&id, None);
    assert!(table.settle_change(at(5_000), &id, at(5_000)));
    let told = [7_999, 8_000, 8_001].map(|ms| table.settle_change(at(ms), &id, at(ms)));
    assert_eq!(told, [false, true, false]);
}
