//! Token, breakers and alert of the gateway: what holds calls back, and what nothing holds back.

mod scripted;

use bijli_core::order::Purpose;
use bijli_core::{DurationNs, TsNs};
use bijli_gateway::{Gateway, GatewayConfig, Lane};
use proptest::prelude::*;
use scripted::*;

/// Spends five order calls on a host that gives no answer; the lookups find nothing.
fn lose_five_entries(gateway: &mut Gateway) {
    for n in 0..5 {
        let now = at(10_000 * i64::from(n));
        gateway.handle_command(now, &entry_of(now, n + 1));
        answer(gateway, now, PLACE, &reply(503, "<html>"));
        let _unknown = notes(gateway);
    }
}

#[test]
fn an_open_breaker_of_writes_stops_entries_and_an_exit_passes_and_closes_it() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    lose_five_entries(&mut gateway);
    assert_eq!(gateway.readout().write_breaker, 1);
    assert_eq!(gateway.readout().write_failures, 5);
    let now = at(40_001);
    gateway.handle_command(now, &entry_of(now, 6));
    let request = gateway.poll_request(now).expect("a lookup of what is unknown");
    assert_eq!(request.lane, Lane::Read, "no entry leaves");
    gateway.handle_command(now, &exit(7));
    let request = gateway.poll_request(now).expect("an exit is tried all the same");
    assert_eq!(request.lane, Lane::Exit);
    gateway.handle_reply(now, request.id, &acked("7"));
    assert_eq!(gateway.readout().write_breaker, 0);
    let request = gateway.poll_request(now).expect("the entry that waited");
    assert_eq!(request.lane, Lane::Entry);
}

#[test]
fn after_the_pause_one_entry_is_the_probe() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    lose_five_entries(&mut gateway);
    gateway.handle_command(at(41_999), &entry_of(at(41_999), 6));
    let request = gateway.poll_request(at(41_999)).expect("a lookup");
    assert_eq!(request.lane, Lane::Read);
    let request = expect(&mut gateway, at(42_000), PLACE);
    assert_eq!(request.lane, Lane::Entry);
    gateway.handle_reply(at(42_100), request.id, &reply(503, "<html>"));
    assert_eq!(gateway.readout().write_breaker, 1);
    gateway.handle_command(at(46_000), &entry_of(at(46_000), 7));
    assert!(
        gateway
            .poll_request(at(46_000))
            .is_none_or(|request| request.lane == Lane::Read)
    );
    assert_eq!(
        expect(&mut gateway, at(46_100), PLACE).lane,
        Lane::Entry,
        "twice the pause"
    );
}

#[test]
fn refusals_of_orders_open_no_breaker_but_raise_the_alert() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    for n in 0..11 {
        let now = at(5_000 * i64::from(n));
        gateway.handle_command(now, &entry_of(now, n + 1));
        answer(&mut gateway, now, PLACE, &refusal(400, "UDAPI1052"));
        assert_eq!(gateway.readout().error_alert, n >= 10, "{n}");
        answer(&mut gateway, now, BOOK, &list(&[]));
    }
    let readout = gateway.readout();
    assert_eq!((readout.write_breaker, readout.write_failures), (0, 0));
    assert_eq!(readout.write_errors_last_minute, 11);
    gateway.handle_timeout(at(120_000));
    assert!(!gateway.readout().error_alert);
}

#[test]
fn a_broken_read_host_is_polled_rarely_but_never_keeps_an_exit_or_its_evidence_waiting() {
    let mut gateway = gateway();
    for n in 0..5 {
        answer(&mut gateway, at(15_000 * n), BOOK, &lost(true));
    }
    let readout = gateway.readout();
    assert_eq!(
        (readout.read_breaker, readout.read_failures, readout.read_retries),
        (1, 5, 4)
    );
    gateway.handle_stream_state(at(60_100), true);
    assert_eq!(
        gateway.poll_request(at(60_100)),
        None,
        "a wanted poll waits for the breaker"
    );
    gateway.handle_command(at(60_200), &exit(1));
    answer(&mut gateway, at(60_200), PLACE, &reply(503, "<html>"));
    assert_eq!(notes(&mut gateway), ["1 Unknown "]);
    let request = gateway.poll_request(at(60_450)).expect("evidence is asked for");
    assert_eq!(request.lane, Lane::Read);
}

#[test]
fn at_its_hour_the_token_is_dead_and_nothing_leaves() {
    let config = GatewayConfig {
        token_expires: at(60_000),
        ..GatewayConfig::default()
    };
    let mut gateway = Gateway::new(config, &instruments());
    settle(&mut gateway, at(0));
    gateway.handle_command(at(59_000), &entry_of(at(59_000), 1));
    answer(&mut gateway, at(59_000), PLACE, &acked("1"));
    assert_eq!(notes(&mut gateway), ["1 Acked 1"]);
    assert!(!gateway.token_dead());
    gateway.handle_command(at(59_999), &exit(2));
    gateway.handle_timeout(at(60_000));
    assert_eq!(notes(&mut gateway), ["2 NotSent "], "what waited was never sent");
    assert!(gateway.readout().token_dead);
    gateway.handle_command(at(60_001), &exit(3));
    assert_eq!(notes(&mut gateway), ["3 NotSent "]);
    assert_eq!(gateway.poll_request(at(600_000)), None);
}

#[test]
fn a_token_that_the_order_stream_was_turned_away_with_is_dead_everywhere() {
    let mut gateway = gateway();
    gateway.handle_token_refused(at(0));
    assert!(gateway.token_dead());
    assert_eq!(
        (gateway.poll_request(at(1)), gateway.poll_timeout()),
        (None, None)
    );
}

#[test]
fn a_pause_that_the_broker_asked_for_holds_entries_and_polls_and_no_exit() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    let busy = refusal(429, "UDAPI10005");
    gateway.handle_retry_after(at(0), Lane::Entry, &busy, DurationNs::from_secs(1));
    gateway.handle_command(at(1), &entry(1));
    assert_eq!(gateway.poll_request(at(999)), None);
    gateway.handle_command(at(999), &exit(2));
    assert_eq!(expect(&mut gateway, at(999), PLACE).lane, Lane::Exit);
    gateway.handle_retry_after(at(999), Lane::Read, &busy, DurationNs::from_secs(30));
    assert_eq!(expect(&mut gateway, at(1_000), PLACE).lane, Lane::Entry);
    assert_eq!(gateway.poll_request(at(29_000)), None, "no poll of the book");
    assert_eq!(expect(&mut gateway, at(30_999), BOOK).lane, Lane::Read);
}

#[test]
fn no_pause_of_reads_holds_what_an_exit_waits_for() {
    let long = DurationNs::from_secs(600);
    let (down, busy) = (reply(503, "<html>"), refusal(429, "UDAPI10005"));
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(1), &exit(1));
    answer(&mut gateway, at(1), PLACE, &acked("E"));
    gateway.handle_command(at(2), &modify(1, "E", Purpose::Exit));
    answer(&mut gateway, at(2), MODIFY, &lost(true));
    // The book that would settle the change is turned away for ten minutes, and for rate three times.
    for (ms, trouble) in [(3, &down), (2_003, &busy), (4_003, &busy), (6_003, &busy)] {
        let request = expect(&mut gateway, at(ms), BOOK);
        gateway.handle_retry_after(at(ms), Lane::Read, trouble, long);
        gateway.handle_reply(at(ms), request.id, trouble);
        let _told = notes(&mut gateway);
    }
    gateway.handle_command(at(6_100), &modify(1, "E", Purpose::Exit));
    assert_eq!(
        gateway.poll_request(at(6_100)),
        None,
        "in doubt until a book was read"
    );
    assert_eq!(
        gateway.poll_timeout(),
        Some(at(8_003)),
        "two seconds, not ten minutes"
    );
    answer(
        &mut gateway,
        at(8_003),
        BOOK,
        &list(&[row("E", Some(1), "open", 0)]),
    );
    assert_eq!(expect(&mut gateway, at(8_003), MODIFY).lane, Lane::Exit);
}

#[test]
fn no_pause_of_reads_holds_the_lookup_of_an_unknown_exit_nor_the_book_of_a_working_one() {
    let long = DurationNs::from_secs(600);
    let busy = refusal(429, "UDAPI10005");
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_retry_after(at(0), Lane::Read, &busy, long);
    gateway.handle_command(at(1), &exit(1));
    answer(&mut gateway, at(1), PLACE, &lost(true));
    answer(
        &mut gateway,
        at(251),
        HISTORY,
        &list(&[row("E", Some(1), "open", 0)]),
    );
    assert_eq!(
        notes(&mut gateway),
        ["1 Unknown ", "1 Acked E", "1 E is Open 0/75"]
    );
    let request = expect(&mut gateway, at(2_001), BOOK);
    gateway.handle_reply(at(2_001), request.id, &list(&[row("E", Some(1), "cancelled", 0)]));
    assert_eq!(
        gateway.poll_request(at(50_000)),
        None,
        "nothing of money waits any more"
    );
}

#[test]
fn retry_after_is_heeded_beside_trouble_alone_and_for_a_minute_at_most() {
    let long = DurationNs::from_secs(99_999_999);
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    for calm in [list(&[]), refusal(400, "UDAPI1052")] {
        gateway.handle_retry_after(at(0), Lane::Read, &calm, long);
    }
    answer(&mut gateway, at(15_000), BOOK, &list(&[]));
    gateway.handle_retry_after(at(15_000), Lane::Read, &reply(503, ""), long);
    assert_eq!(gateway.poll_request(at(74_999)), None);
    assert_eq!(expect(&mut gateway, at(75_000), BOOK).lane, Lane::Read);
}

#[test]
fn a_penalty_does_not_shorten_the_pause_that_came_with_it() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(1), &entry(1));
    let request = expect(&mut gateway, at(1), PLACE);
    let busy = refusal(429, "UDAPI10005");
    gateway.handle_retry_after(at(1), request.lane, &busy, DurationNs::from_secs(30));
    gateway.handle_reply(at(1), request.id, &busy);
    answer(&mut gateway, at(1), BOOK, &list(&[]));
    gateway.handle_command(at(29_000), &entry_of(at(29_000), 2));
    let request = expect(&mut gateway, at(29_000), BOOK);
    gateway.handle_reply(at(29_000), request.id, &list(&[]));
    assert_eq!(
        gateway.poll_request(at(30_000)),
        None,
        "the penalty alone ends within six seconds"
    );
    assert_eq!(expect(&mut gateway, at(30_001), PLACE).lane, Lane::Entry);
}

#[test]
fn a_401_of_something_between_costs_entries_a_second_and_no_exit() {
    let page = reply(401, "<html>");
    let mut gateway = gateway();
    answer(&mut gateway, at(0), BOOK, &page);
    assert!(!gateway.token_dead());
    gateway.handle_command(at(1), &entry(1));
    gateway.handle_command(at(1), &exit(2));
    assert_eq!(expect(&mut gateway, at(1), PLACE).lane, Lane::Exit);
    assert_eq!(
        gateway.poll_request(at(999)),
        None,
        "the entry waits for the read"
    );
    answer(&mut gateway, at(1_000), BOOK, &list(&[]));
    assert_eq!(expect(&mut gateway, at(1_000), PLACE).lane, Lane::Entry);
    assert!(!gateway.token_dead());
}

#[test]
fn a_doubt_of_the_token_is_confirmed_by_a_read_whoever_raised_it() {
    let page = reply(401, "<html>");
    for from_stream in [true, false] {
        let mut gateway = gateway();
        settle(&mut gateway, at(0));
        if from_stream {
            gateway.handle_token_doubted(at(1));
        } else {
            gateway.handle_command(at(1), &entry(1));
            answer(&mut gateway, at(1), PLACE, &page);
            let _unknown = notes(&mut gateway);
        }
        assert!(!gateway.token_dead());
        gateway.handle_command(at(2), &exit(2));
        answer(&mut gateway, at(2), PLACE, &page);
        assert_eq!(notes(&mut gateway), ["2 Unknown "]);
        while let Some(request) = gateway.poll_request(at(900)) {
            gateway.handle_reply(at(900), request.id, &page);
        }
        assert!(!gateway.token_dead(), "too soon to be sure");
        let request = gateway.poll_request(at(1_001)).expect("the read that decides");
        assert_eq!(request.lane, Lane::Read);
        gateway.handle_reply(at(1_001), request.id, &page);
        assert!(gateway.token_dead(), "from the stream: {from_stream}");
    }
}

#[test]
fn a_refusal_that_names_another_cause_than_the_token_buries_none() {
    for code in ["UDAPI1154", "UDAPI100067", "UDAPI100073"] {
        let mut gateway = gateway();
        settle(&mut gateway, at(0));
        for n in 0..3 {
            let now = at(2_000 * i64::from(n));
            gateway.handle_command(now, &exit(n + 1));
            answer(&mut gateway, now, PLACE, &refusal(401, code));
            answer(&mut gateway, now, BOOK, &refusal(401, code));
        }
        assert!(!gateway.token_dead(), "{code}");
    }
    let mut gateway = gateway();
    answer(&mut gateway, at(0), BOOK, &refusal(400, "UDAPI100016"));
    assert!(!gateway.token_dead());
}

/// How a call of the property test is answered.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Good,
    Trouble,
    Refusal,
    TokenDead,
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        6 => Just(Answer::Good),
        8 => Just(Answer::Trouble),
        3 => Just(Answer::Refusal),
        1 => Just(Answer::TokenDead),
    ]
}

proptest! {
    #[test]
    fn whatever_the_broker_answers_a_live_token_sends_exits_and_a_dead_one_nothing(
        steps in prop::collection::vec((100..3_000_i64, any::<bool>(), answers()), 1..120),
    ) {
        let expires = at(150_000);
        let config = GatewayConfig { token_expires: expires, ..GatewayConfig::default() };
        let mut gateway = Gateway::new(config, &instruments());
        let (mut ms, mut refused) = (0, false);
        for (n, (pause, is_exit, answer)) in steps.into_iter().enumerate() {
            ms += pause;
            let (now, n) = (at(ms), n as u32 + 1);
            let command = if is_exit { exit(n) } else { entry_of(now, n) };
            gateway.handle_command(now, &command);
            let dead = refused || now >= expires;
            prop_assert_eq!(gateway.token_dead(), dead);
            let mut exits = 0;
            while let Some(request) = gateway.poll_request(now) {
                prop_assert!(!dead, "{:?} with a dead token", request.path);
                exits += u32::from(request.lane == Lane::Exit);
                let reply = match answer {
                    Answer::Good if request.lane == Lane::Read => list(&[]),
                    Answer::Good => acked(&n.to_string()),
                    Answer::Trouble => lost(true),
                    Answer::Refusal => refusal(400, "UDAPI1052"),
                    Answer::TokenDead => refusal(401, "UDAPI100050"),
                };
                refused |= matches!(answer, Answer::TokenDead);
                gateway.handle_reply(now, request.id, &reply);
                if refused {
                    break;
                }
            }
            prop_assert_eq!(exits, u32::from(is_exit && !dead), "at {} ms", ms);
        }
    }
}

#[test]
fn without_a_known_hour_no_token_dies_by_time() {
    let mut gateway = gateway();
    gateway.handle_timeout(TsNs::new(i64::MAX));
    assert!(!gateway.token_dead());
}
