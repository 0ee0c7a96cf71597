//! Modifies, until a row of their order says what became of them.

mod scripted;

use bijli_core::Event;
use bijli_core::order::{OrderState, Purpose};
use bijli_gateway::{Gateway, KnownOrder, Reply};
use scripted::*;

/// How many modifies of an order had ended, as its last row tells.
fn modifies_ended(gateway: &mut Gateway) -> Option<u8> {
    let rows = std::iter::from_fn(|| gateway.poll_event()).filter_map(|event| match event {
        Event::OrderUpdated(update) => Some(update.modifies_ended),
        _ => None,
    });
    rows.last()
}

/// An open order's row with another price than the last one, so that it is news.
fn priced(rupees: i64) -> String {
    row("7", Some(1), "open", 0).replace("\"price\":100.0", &format!("\"price\":{rupees}.0"))
}

/// The same row with what [`modify`] asks for.
fn as_asked() -> String {
    row("7", Some(1), "open", 0).replace("\"price\":100.0", "\"price\":100.05")
}

/// A row as the order stream sends it.
fn pushed(row: &str) -> Vec<u8> {
    row.replacen('{', r#"{"update_type":"order","#, 1).into_bytes()
}

/// A gateway whose order 7 is open as the row of [`row`] and whose modify was answered so at 1 s.
fn modified(answered: &Reply) -> Gateway {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_stream_text(at(0), &frame("7", Some(1), "open", 0));
    gateway.handle_command(at(900), &modify(1, "7", Purpose::Exit));
    assert_eq!(modifies_ended(&mut gateway), Some(0));
    answer(&mut gateway, at(1_000), MODIFY, answered);
    gateway
}

/// Rows of the book as the reads until `to` find them; what each that was told counts as ended.
fn read_until(gateway: &mut Gateway, (from, to): (i64, i64), row: &str) -> Vec<u8> {
    let mut told = Vec::new();
    for ms in (from..to).step_by(100) {
        while let Some(request) = gateway.poll_request(at(ms)) {
            gateway.handle_reply(at(ms), request.id, &list(&[row.to_owned()]));
        }
        told.extend(modifies_ended(gateway));
    }
    told
}

#[test]
fn a_row_as_before_the_modify_says_nothing_of_it_however_late_it_is_read() {
    let as_before = row("7", Some(1), "open", 0);
    for (answered, what) in [(acked("7"), "taken in"), (reply(502, ""), "unknown")] {
        for read_at in [1_100, 10_000] {
            let mut gateway = modified(&answered);
            let told = read_until(&mut gateway, (read_at, read_at + 10_000), &as_before);
            assert_eq!(told, [0], "{what}, read at {read_at} ms");
            assert_eq!(
                read_until(&mut gateway, (30_000, 40_000), &as_asked()),
                [1],
                "{what}: it shows"
            );
        }
    }
}

#[test]
fn another_row_than_before_and_than_was_asked_for_ends_a_modify_two_seconds_after_its_answer() {
    let other = priced(90);
    let mut gateway = modified(&acked("7"));
    assert_eq!(
        read_until(&mut gateway, (1_100, 20_000), &other),
        [0, 1],
        "it may be older than the modify; the second look is not"
    );
    let mut gateway = modified(&acked("7"));
    assert_eq!(read_until(&mut gateway, (3_000, 20_000), &other)[0], 1);
}

#[test]
fn a_modify_that_was_refused_or_never_left_has_ended() {
    for answered in [refusal(400, "UDAPI100041"), lost(false)] {
        let mut gateway = modified(&answered);
        let told = read_until(&mut gateway, (1_100, 10_000), &row("7", Some(1), "open", 0));
        assert_eq!(told, [1]);
    }
}

#[test]
fn a_modify_to_the_terms_that_stand_ends_with_the_next_book() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_stream_text(at(0), &pushed(&as_asked()));
    gateway.handle_command(at(900), &modify(1, "7", Purpose::Exit));
    answer(&mut gateway, at(1_000), MODIFY, &acked("7"));
    assert_eq!(read_until(&mut gateway, (1_100, 10_000), &as_asked()), [1]);
}

#[test]
fn a_row_counts_only_modifies_that_had_ended_when_it_was_asked_for() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    let stream = |gateway: &mut Gateway, ms: i64| {
        gateway.handle_stream_text(at(ms), &pushed(&priced(100 + ms)));
        modifies_ended(gateway)
    };
    assert_eq!(stream(&mut gateway, 1), Some(0));
    gateway.handle_command(at(2), &modify(1, "7", Purpose::Exit));
    assert_eq!(stream(&mut gateway, 3), Some(0), "it waits here");
    let sent = expect(&mut gateway, at(4), MODIFY);
    assert_eq!(stream(&mut gateway, 5), Some(0), "it is on the wire");
    let taken = reply(200, r#"{"status":"success","data":{"order_id":"7"}}"#);
    gateway.handle_reply(at(6), sent.id, &taken);
    assert_eq!(stream(&mut gateway, 7), Some(0), "taken in is not done");
    answer(&mut gateway, at(8), BOOK, &list(&[priced(108)]));
    let ended = modifies_ended(&mut gateway);
    assert_eq!(ended, Some(0), "the book was asked for after it and may be older");
    gateway.handle_stream_text(at(8), &pushed(&as_asked()));
    assert_eq!(modifies_ended(&mut gateway), Some(1), "it shows");
    gateway.handle_command(at(9), &modify(1, "7", Purpose::Exit));
    let sent = expect(&mut gateway, at(9), MODIFY);
    gateway.handle_reply(at(10), sent.id, &refusal(400, "UDAPI100041"));
    assert_eq!(stream(&mut gateway, 11), Some(2), "refused for certain");
}

#[test]
fn while_the_broker_is_at_a_modify_the_next_one_waits_and_a_cancel_does_not() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_stream_text(at(1), &frame("7", Some(1), "open", 0));
    gateway.handle_command(at(2), &modify(1, "7", Purpose::Exit));
    gateway.handle_command(at(2), &modify(1, "7", Purpose::Exit));
    let taken = reply(200, r#"{"status":"success","data":{"order_id":"7"}}"#);
    answer(&mut gateway, at(3), MODIFY, &taken);
    let pending = list(&[row("7", Some(1), "modify pending", 0)]);
    answer(&mut gateway, at(4), BOOK, &pending);
    assert_eq!(
        modifies_ended(&mut gateway),
        Some(0),
        "a pending modify has not ended"
    );
    assert_eq!(gateway.poll_request(at(5)), None, "nor does the next one leave");
    gateway.handle_command(at(6), &cancel(1, "7"));
    let sent = expect(&mut gateway, at(6), CANCEL);
    gateway.handle_reply(at(7), sent.id, &refusal(400, "UDAPI100040"));
    answer(&mut gateway, at(8), BOOK, &list(&[as_asked()]));
    assert_eq!(modifies_ended(&mut gateway), Some(1), "the second one waits here");
    expect(&mut gateway, at(9), MODIFY);
}

#[test]
fn modifies_of_a_former_process_have_ended_once_this_one_has_read_the_book() {
    let mut gateway = gateway();
    let former = KnownOrder {
        modifies: 3,
        ..known(1, Some("7"), OrderState::Open)
    };
    gateway.adopt(&[former]);
    gateway.handle_stream_text(at(0), &frame("7", Some(1), "open", 0));
    assert_eq!(
        modifies_ended(&mut gateway),
        Some(2),
        "the last may be on its way"
    );
    answer(&mut gateway, at(1), BOOK, &list(&[row("7", Some(1), "open", 1)]));
    assert_eq!(modifies_ended(&mut gateway), Some(3));
}

#[test]
fn a_modify_of_a_former_process_may_still_arrive_for_as_long_as_that_would_have_waited() {
    let mut gateway = gateway();
    gateway.adopt(&[KnownOrder {
        modifies: 1,
        is_changing: true,
        ..known(1, Some("7"), OrderState::Open)
    }]);
    let book = list(&[row("7", Some(1), "open", 0)]);
    answer(&mut gateway, at(0), BOOK, &book);
    assert_eq!(modifies_ended(&mut gateway), Some(0), "it may be on its way");
    gateway.handle_command(at(1), &modify(1, "7", Purpose::Exit));
    for ms in (1..5_000).step_by(100) {
        while let Some(request) = gateway.poll_request(at(ms)) {
            assert_eq!(request.path, BOOK, "no second change is on its way beside it");
            gateway.handle_reply(at(ms), request.id, &book);
        }
    }
    gateway.handle_command(at(4_990), &cancel(1, "7"));
    let sent = expect(&mut gateway, at(4_990), CANCEL);
    gateway.handle_reply(at(4_991), sent.id, &refusal(400, "UDAPI100040"));
    for ms in (5_000..9_000).step_by(100) {
        while let Some(request) = gateway.poll_request(at(ms)) {
            if request.path == MODIFY {
                return;
            }
            gateway.handle_reply(at(ms), request.id, &book);
        }
    }
    panic!("the modify leaves once a book was read after that");
}
