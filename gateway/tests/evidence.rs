//! Rows and trades through the gateway's public face: disorder, repetition, loss, races, and who owns what.

mod scripted;

use bijli_gateway::Gateway;
use scripted::*;

/// A gateway with one acknowledged entry, order 7 of intent 1, and nothing else due.
fn with_order() -> Gateway {
    let mut gateway = gateway();
    gateway.handle_stream_state(at(0), true);
    settle(&mut gateway, at(0));
    gateway.handle_command(at(0), &entry(1));
    answer(&mut gateway, at(0), PLACE, &acked("7"));
    assert_eq!(notes(&mut gateway), ["1 Acked 7"]);
    gateway
}

#[test]
fn a_fill_is_told_by_its_trade_rows_each_once() {
    let mut gateway = with_order();
    gateway.handle_stream_text(at(1), &frame("7", Some(1), "open", 0));
    assert_eq!(gateway.poll_request(at(1)), None, "no fill, no read");
    gateway.handle_stream_text(at(2), &frame("7", Some(1), "open", 25));
    assert_eq!(gateway.in_flight(), 1);
    answer(&mut gateway, at(2), TRADES, &list(&[trade("7", "T1", 25)]));
    gateway.handle_stream_text(at(3), &frame("7", Some(1), "complete", 75));
    let all = [trade("7", "T1", 25), trade("7", "T2", 20), trade("7", "T3", 30)];
    answer(&mut gateway, at(3), TRADES, &list(&all));
    let told = [
        "1 7 is Open 0/75",
        "1 7 is Open 25/75",
        "1 7 traded T1 25@100.05",
        "1 7 is Complete 75/75",
        "1 7 traded T2 20@100.05",
        "1 7 traded T3 30@100.05",
    ];
    assert_eq!(notes(&mut gateway), told);
    assert_eq!((gateway.in_flight(), gateway.unsettled()), (0, 0));
}

#[test]
fn trades_that_lag_behind_the_order_are_read_again_at_growing_pauses() {
    let mut gateway = with_order();
    gateway.handle_stream_text(at(1), &frame("7", Some(1), "complete", 75));
    answer(&mut gateway, at(1), TRADES, &list(&[]));
    assert_eq!(gateway.poll_request(at(250)), None);
    answer(&mut gateway, at(251), TRADES, &lost(true));
    assert_eq!(gateway.poll_request(at(750)), None);
    answer(&mut gateway, at(751), TRADES, &list(&[trade("7", "T1", 75)]));
    let told = ["1 7 is Complete 75/75", "1 7 traded T1 75@100.05"];
    assert_eq!(notes(&mut gateway), told);
    assert_eq!(gateway.unsettled(), 0);
}

#[test]
fn repeated_and_disordered_updates_tell_nothing_twice_and_nothing_backwards() {
    let mut gateway = with_order();
    for (status, filled) in [
        ("complete", 75),
        ("open", 25),
        ("complete", 75),
        ("put order req received", 0),
        ("open", 0),
    ] {
        gateway.handle_stream_text(at(1), &frame("7", Some(1), status, filled));
    }
    let twice = [trade("7", "T1", 75), trade("7", "T1", 75)];
    answer(&mut gateway, at(1), TRADES, &list(&twice));
    assert_eq!(
        notes(&mut gateway),
        ["1 7 is Complete 75/75", "1 7 traded T1 75@100.05"]
    );
    assert_eq!(
        (gateway.counts().rows_stale, gateway.counts().rows_repeated),
        (3, 1)
    );
}

#[test]
fn a_trade_beyond_the_order_is_counted_and_not_told() {
    let mut gateway = with_order();
    gateway.handle_stream_text(at(1), &frame("7", Some(1), "complete", 75));
    let doubled = [trade("7", "T1", 75), trade("7", "T9", 10)];
    answer(&mut gateway, at(1), TRADES, &list(&doubled));
    assert_eq!(
        notes(&mut gateway),
        ["1 7 is Complete 75/75", "1 7 traded T1 75@100.05"]
    );
    assert_eq!(gateway.counts().overfills, 1);
}

#[test]
fn frames_that_never_came_are_repaired_by_reading_the_book() {
    let mut gateway = with_order();
    assert_eq!(gateway.poll_request(at(1_999)), None);
    answer(
        &mut gateway,
        at(2_000),
        BOOK,
        &list(&[row("7", Some(1), "complete", 75)]),
    );
    answer(&mut gateway, at(2_000), TRADES, &list(&[trade("7", "T1", 75)]));
    assert_eq!(
        notes(&mut gateway),
        ["1 7 is Complete 75/75", "1 7 traded T1 75@100.05"]
    );
    assert_eq!(
        gateway.poll_request(at(16_999)),
        None,
        "with nothing live the book is read rarely"
    );
    let _idle = expect(&mut gateway, at(17_000), BOOK);
}

#[test]
fn the_stream_may_be_faster_than_the_reply() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(0), &entry(1));
    let request = expect(&mut gateway, at(0), PLACE);
    gateway.handle_stream_text(at(1), &frame("7", Some(1), "open", 0));
    assert_eq!(notes(&mut gateway), ["1 Acked 7", "1 7 is Open 0/75"]);
    gateway.handle_reply(at(2), request.id, &acked("7"));
    assert_eq!(notes(&mut gateway), Vec::<String>::new());
    assert_eq!(gateway.counts().contradictions, 0);
}

#[test]
fn an_order_seen_on_the_stream_exists_whatever_its_reply_says() {
    for late in [lost(true), lost(false), refusal(400, "UDAPI1052"), reply(500, "")] {
        let mut gateway = gateway();
        settle(&mut gateway, at(0));
        gateway.handle_command(at(0), &entry(1));
        let request = expect(&mut gateway, at(0), PLACE);
        gateway.handle_stream_text(at(1), &frame("7", Some(1), "open", 0));
        gateway.handle_reply(at(2), request.id, &late);
        assert_eq!(notes(&mut gateway), ["1 Acked 7", "1 7 is Open 0/75"], "{late:?}");
    }
}

#[test]
fn a_fill_after_the_cancel_still_counts() {
    let mut gateway = with_order();
    gateway.handle_stream_text(at(1), &frame("7", Some(1), "cancelled", 0));
    gateway.handle_stream_text(at(2), &frame("7", Some(1), "complete", 75));
    answer(&mut gateway, at(2), TRADES, &list(&[trade("7", "T1", 75)]));
    let told = [
        "1 7 is Cancelled 0/75",
        "1 7 is Complete 75/75",
        "1 7 traded T1 75@100.05",
    ];
    assert_eq!(notes(&mut gateway), told);
}

#[test]
fn an_asynchronous_rejection_is_heard() {
    let mut gateway = with_order();
    gateway.handle_stream_text(at(1), &frame("7", Some(1), "rejected", 0));
    assert_eq!(notes(&mut gateway), ["1 7 is Rejected 0/75"]);
}

#[test]
fn orders_of_others_are_told_as_foreign_and_ours_of_an_earlier_process_as_ours() {
    let mut gateway = with_order();
    gateway.handle_stream_text(at(1), &frame("90", None, "open", 0));
    gateway.handle_stream_text(at(1), &frame("91", Some(44), "open", 0));
    let unlisted = String::from_utf8(frame("92", None, "open", 0)).expect("text");
    gateway.handle_stream_text(at(1), unlisted.replace("NSE_EQ|X", "NSE_EQ|Z").as_bytes());
    assert_eq!(
        notes(&mut gateway),
        ["foreign 90 is Open 0/75", "44 91 is Open 0/75"]
    );
    assert_eq!(gateway.counts().orders_unlisted, 1);
}

#[test]
fn a_second_order_under_one_tag_is_nobodys() {
    let mut gateway = with_order();
    gateway.handle_stream_text(at(1), &frame("8", Some(1), "open", 0));
    gateway.handle_stream_text(at(2), &frame("8", Some(1), "complete", 75));
    assert_eq!(
        notes(&mut gateway),
        ["foreign 8 is Open 0/75", "foreign 8 is Complete 75/75"]
    );
    assert_eq!(gateway.counts().duplicate_tags, 1);
}

#[test]
fn other_frames_are_counted_and_garbage_makes_the_book_be_read() {
    let mut gateway = with_order();
    gateway.handle_stream_text(at(1), br#"{"update_type":"position","quantity":1}"#);
    assert_eq!(gateway.poll_request(at(1)), None);
    gateway.handle_stream_text(at(2), b"{\"update_type\":\"ord");
    let _book = expect(&mut gateway, at(2), BOOK);
    assert_eq!(
        (gateway.counts().stream_other, gateway.counts().stream_malformed),
        (1, 1)
    );
}

#[test]
fn a_stream_that_comes_up_or_goes_down_makes_the_book_be_read() {
    let mut gateway = with_order();
    gateway.handle_stream_state(at(1), false);
    answer(&mut gateway, at(1), BOOK, &list(&[row("7", Some(1), "open", 0)]));
    gateway.handle_stream_state(at(2), true);
    let _book = expect(&mut gateway, at(2), BOOK);
    assert!(gateway.is_stream_connected());
}

#[test]
fn a_cancel_in_doubt_is_repeated_only_after_a_read_of_the_book() {
    let mut gateway = with_order();
    gateway.handle_stream_text(at(1), &frame("7", Some(1), "open", 0));
    assert_eq!(notes(&mut gateway), ["1 7 is Open 0/75"]);
    gateway.handle_command(at(1), &cancel(1, "7"));
    answer(&mut gateway, at(1), CANCEL, &lost(true));
    gateway.handle_command(at(2), &cancel(1, "7"));
    let book = expect(&mut gateway, at(2), BOOK);
    assert_eq!(
        gateway.poll_request(at(2)),
        None,
        "the second cancel waits for the book"
    );
    gateway.handle_reply(at(3), book.id, &list(&[row("7", Some(1), "open", 0)]));
    assert_eq!(
        notes(&mut gateway),
        ["1 7 is Open 0/75"],
        "the engine hears that nothing happened"
    );
    answer(&mut gateway, at(3), CANCEL, &acked("7"));
}

#[test]
fn a_refused_cancel_is_answered_with_the_state_of_the_order() {
    let mut gateway = with_order();
    gateway.handle_stream_text(at(1), &frame("7", Some(1), "open", 0));
    let _open = notes(&mut gateway);
    gateway.handle_command(at(1), &cancel(1, "7"));
    answer(&mut gateway, at(1), CANCEL, &refusal(400, "UDAPI100040"));
    answer(&mut gateway, at(1), BOOK, &list(&[row("7", Some(1), "open", 0)]));
    assert_eq!(notes(&mut gateway), ["1 7 is Open 0/75"]);
    answer(
        &mut gateway,
        at(2_001),
        BOOK,
        &list(&[row("7", Some(1), "open", 0)]),
    );
    assert_eq!(notes(&mut gateway), Vec::<String>::new(), "said once");
}

#[test]
fn a_change_of_an_order_that_has_ended_is_dropped() {
    let mut gateway = with_order();
    gateway.handle_stream_text(at(1), &frame("7", Some(1), "cancelled", 0));
    gateway.handle_command(at(1), &cancel(1, "7"));
    assert!(
        gateway
            .poll_request(at(1))
            .is_none_or(|request| request.path == BOOK)
    );
    assert_eq!(
        (gateway.counts().changes_dropped, gateway.readout().cancels),
        (1, 0)
    );
}

#[test]
fn a_reply_that_nobody_waits_for_changes_nothing() {
    let mut gateway = with_order();
    let stray = bijli_gateway::RequestId::new(999);
    gateway.handle_reply(at(1), stray, &acked("8"));
    assert_eq!(notes(&mut gateway), Vec::<String>::new());
    assert_eq!(gateway.counts().replies_unexpected, 1);
}

#[test]
fn the_time_told_by_poll_timeout_is_the_time_of_the_next_request() {
    let mut gateway = with_order();
    for _ in 0..20 {
        let wake = gateway.poll_timeout().expect("the book is always due some time");
        let early = bijli_core::TsNs::new(wake.get() - 1);
        assert_eq!(gateway.poll_request(early), None);
        let request = gateway.poll_request(wake).expect("due now");
        gateway.handle_reply(wake, request.id, &list(&[]));
    }
}

#[test]
fn work_that_waits_for_time_is_not_in_flight() {
    let mut gateway = gateway();
    gateway.handle_stream_state(at(0), true);
    settle(&mut gateway, at(0));
    for number in 0..12 {
        gateway.handle_stream_text(at(1), &frame(&format!("9{number}"), None, "open", 25));
    }
    assert_eq!(gateway.in_flight(), 12);
    let mut reads = 0;
    while let Some(request) = gateway.poll_request(at(1)) {
        reads += 1;
        gateway.handle_reply(at(1), request.id, &list(&[]));
    }
    assert_eq!(reads, 9, "with the first read of the book, ten in a second");
    assert_eq!((gateway.in_flight(), gateway.unsettled()), (0, 12));
}

#[test]
fn a_frame_without_a_tag_that_overtakes_the_reply_is_not_somebody_else_s_order() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(1), &entry(1));
    let placing = expect(&mut gateway, at(1), PLACE);
    gateway.handle_stream_text(at(1), &frame("7", None, "open", 0));
    assert_eq!(
        notes(&mut gateway),
        Vec::<String>::new(),
        "whose it is, the book will say"
    );
    answer(&mut gateway, at(2), BOOK, &list(&[row("7", Some(1), "open", 0)]));
    gateway.handle_reply(at(2), placing.id, &acked("7"));
    assert_eq!(notes(&mut gateway), ["1 Acked 7", "1 7 is Open 0/75"]);
}

#[test]
fn a_completed_order_that_leaves_its_filled_quantity_out_has_its_trades_read() {
    let mut gateway = with_order();
    let complete = String::from_utf8(frame("7", Some(1), "complete", 0)).expect("text");
    let silent = complete.replace("\"filled_quantity\":0", "\"filled_quantity\":null");
    assert_ne!(silent, complete);
    gateway.handle_stream_text(at(1), silent.as_bytes());
    answer(&mut gateway, at(1), TRADES, &list(&[trade("7", "T1", 75)]));
    assert_eq!(
        notes(&mut gateway),
        ["1 7 is Complete 75/75", "1 7 traded T1 75@100.05"]
    );
}
