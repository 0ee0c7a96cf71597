//! An order stream that is connected and tells nothing is told of once, until it tells again.

mod scripted;

use bijli_core::event::OrderStreamJudged;
use bijli_core::{DurationNs, Event};
use bijli_gateway::Gateway;

use scripted::*;

/// Answers every read with a book in which an order of ours fills by one a second, from the third second on, and hears
/// frames of it in these seconds; in which second the stream was called mute, and when no more.
fn judgements(is_up: bool, told: &[i64], secs: i64) -> Vec<(i64, bool)> {
    let mut gateway = gateway();
    gateway.handle_stream_state(at(0), is_up);
    settle(&mut gateway, at(0));
    gateway.handle_command(at(0), &entry(1));
    answer(&mut gateway, at(0), PLACE, &acked("7"));
    let mut judged = Vec::new();
    for ms in (0..secs * 1_000).step_by(100) {
        let filled = (ms / 1_000 - 2).max(0);
        if told.contains(&(ms / 1_000)) && ms % 1_000 == 0 {
            gateway.handle_stream_text(at(ms), &frame("7", Some(1), "open", filled));
        }
        read_all(&mut gateway, ms, filled);
        gateway.handle_timeout(at(ms));
        while let Some(event) = gateway.poll_event() {
            if let Event::OrderStreamJudged(OrderStreamJudged { ts, is_mute }) = event {
                judged.push((ts.since(at(0)).get() / DurationNs::from_secs(1).get(), is_mute));
            }
        }
    }
    judged
}

fn read_all(gateway: &mut Gateway, ms: i64, filled: i64) {
    while let Some(request) = gateway.poll_request(at(ms)) {
        let is_book = request.path.starts_with(BOOK);
        let rows = is_book.then(|| row("7", Some(1), "open", filled));
        gateway.handle_reply(at(ms), request.id, &list(rows.as_slice()));
    }
}

#[test]
fn three_changes_in_a_row_that_only_the_book_brought_make_the_stream_mute_until_it_speaks() {
    let judged = judgements(true, &[25], 30);
    let [(first, true), (25, false)] = judged[..] else {
        panic!("once, and once no more: {judged:?}");
    };
    // Reads every two seconds: the third change is read by 10 s, and its five seconds are over by 15 s.
    assert!((10..=15).contains(&first), "{first}");
}

#[test]
fn a_stream_that_tells_now_and_then_or_is_known_to_be_down_is_not_mute() {
    let told: Vec<i64> = (3..40).step_by(4).collect();
    assert_eq!(judgements(true, &told, 40), []);
    assert_eq!(judgements(false, &[], 40), []);
}
