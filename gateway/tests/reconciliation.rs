//! Reconciliation at start and what is remembered over a restart, through the gateway's public face.

mod scripted;

use bijli_core::command::Reconcile;
use bijli_core::order::OrderState;
use bijli_core::{Command, Event, Price, TsNs};
use bijli_gateway::Gateway;
use scripted::*;

/// Answers one round of reads.
fn round(gateway: &mut Gateway, now: TsNs, orders: &[String], trades: &[String], positions: &[String]) {
    answer(gateway, now, BOOK, &list(orders));
    answer(gateway, now, TRADES_OF_DAY, &list(trades));
    answer(gateway, now, POSITIONS, &list(positions));
    answer(gateway, now, FUNDS, &funds(1_000));
}

#[test]
fn an_empty_day_reconciles_in_two_rounds_a_second_apart() {
    let mut gateway = gateway();
    gateway.start_reconcile(at(0));
    round(&mut gateway, at(0), &[], &[], &[]);
    assert_eq!(gateway.poll_request(at(999)), None);
    assert_eq!(gateway.poll_timeout(), Some(at(1_000)));
    assert_eq!(gateway.in_flight(), 0, "waiting for time is not work in flight");
    assert!(gateway.is_reconciling());
    round(&mut gateway, at(1_000), &[], &[], &[]);
    assert_eq!(notes(&mut gateway), ["reconciled 0 0"]);
    assert!(!gateway.is_reconciling());
}

#[test]
fn a_day_under_way_is_told_orders_first_then_trades_positions_and_the_end() {
    let mut gateway = gateway();
    gateway.adopt(&[
        known(1, Some("7"), OrderState::Open),
        known(2, None, OrderState::Unknown),
    ]);
    gateway.start_reconcile(at(0));
    let orders = [
        row("7", Some(1), "complete", 75),
        row("8", Some(2), "open", 0),
        row("9", Some(33), "cancelled", 0),
        row("90", None, "complete", 75),
    ];
    let trades = [trade("7", "T1", 75), trade("90", "T2", 75)];
    let mut positions = [
        position("NSE_EQ|X", 150),
        position_at("NSE_FO|45450", -75, 518.2),
        position("NSE_EQ|Z", 3),
    ];
    round(&mut gateway, at(0), &orders, &trades, &positions);
    // A price that moves contradicts nothing: the younger is told.
    positions[1] = position_at("NSE_FO|45450", -75, 519.05);
    round(&mut gateway, at(1_000), &orders, &trades, &positions);
    let told = [
        "1 7 is Complete 75/75",
        "2 Acked 8",
        "2 8 is Open 0/75",
        "33 9 is Cancelled 0/75",
        "foreign 90 is Complete 75/75",
        "1 7 traded T1 75@100.05",
        "foreign 90 traded T2 75@100.05",
        "position 0 150",
        "position 1 -75 at 519.05",
        "reconciled 4 1",
    ];
    assert_eq!(notes(&mut gateway), told);
    assert_eq!(gateway.unsettled(), 0);
}

#[test]
fn rounds_that_disagree_or_fail_are_read_again() {
    let mut gateway = gateway();
    gateway.start_reconcile(at(0));
    let open = [row("90", None, "open", 0)];
    let done = [row("90", None, "cancelled", 0)];
    round(&mut gateway, at(0), &open, &[], &[]);
    round(&mut gateway, at(1_000), &done, &[], &[]);
    answer(&mut gateway, at(2_000), BOOK, &lost(true));
    assert_eq!(gateway.poll_request(at(2_999)), None);
    answer(&mut gateway, at(3_000), BOOK, &list(&done));
    answer(
        &mut gateway,
        at(3_000),
        TRADES_OF_DAY,
        &reply(200, r#"{"status":"success","data":null}"#),
    );
    assert_eq!(notes(&mut gateway), Vec::<String>::new());
    round(&mut gateway, at(4_000), &done, &[], &[]);
    assert_eq!(
        notes(&mut gateway),
        ["foreign 90 is Cancelled 0/75", "position 0 0", "reconciled 1 1"]
    );
}

#[test]
fn positions_emptied_by_a_dead_token_are_not_believed() {
    let mut gateway = gateway();
    gateway.start_reconcile(at(0));
    answer(&mut gateway, at(0), BOOK, &refusal(401, "UDAPI100050"));
    assert!(gateway.token_dead());
    assert_eq!(
        gateway.poll_request(at(600_000)),
        None,
        "nothing is sent any more"
    );
    assert_eq!(gateway.poll_timeout(), None);
    assert_eq!(notes(&mut gateway), Vec::<String>::new());
    assert!(gateway.is_reconciling());
}

#[test]
fn entries_wait_for_the_end_of_reconciliation_and_exits_do_not() {
    let mut gateway = gateway();
    gateway.start_reconcile(at(0));
    gateway.handle_command(at(0), &entry(1));
    gateway.handle_command(at(0), &exit(2));
    answer(&mut gateway, at(0), PLACE, &acked("2"));
    // A book without the order that was just acknowledged would be no evidence.
    let book = [row("2", Some(2), "open", 0)];
    round(&mut gateway, at(0), &book, &[], &[]);
    assert_eq!(gateway.poll_request(at(500)), None);
    round(&mut gateway, at(1_000), &book, &[], &[]);
    answer(&mut gateway, at(1_000), PLACE, &acked("1"));
    assert_eq!(
        notes(&mut gateway),
        [
            "2 Acked 2",
            "2 2 is Open 0/75",
            "position 0 0",
            "reconciled 1 0",
            "1 Acked 1"
        ]
    );
}

#[test]
fn an_adopted_intent_is_never_placed_again() {
    let mut gateway = gateway();
    gateway.adopt(&[
        known(1, None, OrderState::Submitted),
        known(2, None, OrderState::NotSent),
    ]);
    let mut paths = Vec::new();
    for ms in (0..20_000).step_by(50) {
        while let Some(request) = gateway.poll_request(at(ms)) {
            paths.push(request.path.split('?').next().unwrap_or_default().to_owned());
            gateway.handle_reply(at(ms), request.id, &list(&[]));
        }
    }
    assert!(paths.iter().all(|path| path != PLACE));
    let lookups = paths.iter().filter(|path| path.ends_with("/history")).count();
    assert_eq!(lookups, 6, "at once, then after 0.5, 1, 2, 4 and 8 s");
    assert_eq!(notes(&mut gateway), Vec::<String>::new());
}

fn ask(flat: bool) -> Command {
    Command::Reconcile(Reconcile { ts: at(0), flat })
}

#[test]
fn the_engine_s_question_is_answered_by_two_fresh_rounds_that_agree() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(0), &ask(true));
    let dealt = [row("7", Some(1), "complete", 75), row("90", None, "open", 0)];
    let trades = [trade("7", "T1", 75)];
    let positions = [position("NSE_EQ|X", 75), position("MCX_FO|1", 2)];
    round(&mut gateway, at(0), &dealt, &trades, &positions);
    assert_eq!(
        notes(&mut gateway),
        Vec::<String>::new(),
        "one look proves nothing"
    );
    round(&mut gateway, at(1_000), &dealt, &trades, &positions);
    let told = notes(&mut gateway);
    assert_eq!(told[told.len() - 1], "flat 1 1MCX_FO|1 0 1", "{told:?}");
    let closed = [position("NSE_EQ|X", 0)];
    let all = [dealt[0].clone(), row("90", None, "cancelled", 0)];
    gateway.handle_command(at(2_000), &ask(true));
    round(&mut gateway, at(2_000), &all, &trades, &closed);
    round(&mut gateway, at(3_000), &all, &trades, &closed);
    let told = notes(&mut gateway);
    assert_eq!(told[told.len() - 1], "flat 0 0 0 0", "{told:?}");
}

#[test]
fn a_completion_that_the_broker_takes_back_is_told_by_the_first_book_that_shows_it() {
    let mut gateway = gateway();
    gateway.start_reconcile(at(0));
    round(&mut gateway, at(0), &[], &[], &[]);
    round(&mut gateway, at(1_000), &[], &[], &[]);
    gateway.handle_command(at(1_000), &exit(1));
    answer(&mut gateway, at(1_000), PLACE, &acked("7"));
    gateway.handle_stream_text(at(1_000), &frame("7", Some(1), "complete", 75));
    notes(&mut gateway);
    // A position that does not fit: the engine asks, and nothing else may be believed for a minute.
    gateway.handle_command(at(1_100), &ask(false));
    answer(
        &mut gateway,
        at(1_100),
        BOOK,
        &list(&[row("7", Some(1), "rejected", 0)]),
    );
    assert_eq!(notes(&mut gateway), ["1 7 is Rejected 0/75"]);
    assert!(gateway.is_reconciling());
}

#[test]
fn rounds_that_were_begun_before_the_question_are_no_answer_to_it() {
    let mut gateway = gateway();
    gateway.start_reconcile(at(0));
    round(&mut gateway, at(0), &[], &[], &[]);
    gateway.handle_command(at(500), &ask(true));
    round(&mut gateway, at(1_000), &[], &[], &[]);
    assert_eq!(notes(&mut gateway), Vec::<String>::new());
    round(&mut gateway, at(2_000), &[], &[], &[]);
    assert_eq!(notes(&mut gateway), ["reconciled 0 0", "flat 0 0 0 0"]);
}

#[test]
fn a_book_that_lacks_an_order_seen_before_is_no_evidence_of_anything() {
    let mut gateway = gateway();
    answer(&mut gateway, at(0), BOOK, &list(&[row("7", Some(1), "open", 0)]));
    notes(&mut gateway);
    gateway.handle_command(at(100), &ask(true));
    for ms in [100, 1_100, 2_100] {
        answer(&mut gateway, at(ms), BOOK, &list(&[]));
    }
    assert_eq!(notes(&mut gateway), Vec::<String>::new());
    assert!(gateway.is_reconciling());
}

#[test]
fn funds_come_with_every_reconciliation_and_then_once_a_minute() {
    let mut gateway = gateway();
    gateway.start_reconcile(at(0));
    round(&mut gateway, at(0), &[], &[], &[]);
    round(&mut gateway, at(1_000), &[], &[], &[]);
    let mut told = Vec::new();
    for ms in (1_000..130_000).step_by(250) {
        while let Some(request) = gateway.poll_request(at(ms)) {
            let reply = if request.path == FUNDS {
                funds(500)
            } else {
                list(&[])
            };
            gateway.handle_reply(at(ms), request.id, &reply);
        }
        while let Some(event) = gateway.poll_event() {
            if let Event::FundsReported(funds) = event {
                told.push((funds.ts, funds.available));
            }
        }
    }
    let rupees = bijli_core::Money::from_rupees;
    let expected = [
        (at(1_000), rupees(1_000)),
        (at(61_000), rupees(500)),
        (at(121_000), rupees(500)),
    ];
    assert_eq!(told, expected);
}

#[test]
fn funds_that_are_shut_for_the_night_hold_nothing_up_and_unreadable_ones_do() {
    for (reply, ends) in [
        (refusal(423, "UDAPI100072"), true),
        (refusal(500, "UDAPI500"), false),
    ] {
        let mut gateway = gateway();
        gateway.start_reconcile(at(0));
        for ms in [0, 1_000] {
            answer(&mut gateway, at(ms), BOOK, &list(&[]));
            answer(&mut gateway, at(ms), TRADES_OF_DAY, &list(&[]));
            answer(&mut gateway, at(ms), POSITIONS, &list(&[]));
            answer(&mut gateway, at(ms), FUNDS, &reply);
        }
        assert_eq!(gateway.is_reconciling(), !ends, "{reply:?}");
    }
}

#[test]
fn under_way_unreadable_funds_hold_up_what_a_person_asked_and_nothing_else() {
    for (flat, ends) in [(false, true), (true, false)] {
        let mut gateway = gateway();
        gateway.start_reconcile(at(0));
        for ms in [0, 1_000] {
            round(&mut gateway, at(ms), &[], &[], &[]);
        }
        assert!(!gateway.is_reconciling());
        gateway.handle_command(at(10_000), &ask(flat));
        for ms in [10_000, 11_000] {
            answer(&mut gateway, at(ms), BOOK, &list(&[]));
            answer(&mut gateway, at(ms), TRADES_OF_DAY, &list(&[]));
            answer(&mut gateway, at(ms), POSITIONS, &list(&[]));
            answer(&mut gateway, at(ms), FUNDS, &refusal(500, "UDAPI500"));
        }
        assert_eq!(gateway.is_reconciling(), !ends, "flat: {flat}");
    }
}

#[test]
fn a_read_that_is_older_than_the_question_is_no_answer_to_it() {
    let mut gateway = gateway();
    gateway.start_reconcile(at(0));
    answer(&mut gateway, at(0), BOOK, &list(&[]));
    let late = gateway
        .poll_request(at(0))
        .expect("the day's trades are read next");
    let ask = Command::Reconcile(Reconcile {
        ts: at(10),
        flat: true,
    });
    gateway.handle_command(at(10), &ask);
    gateway.handle_reply(at(20), late.id, &list(&[]));
    round(&mut gateway, at(20), &[], &[], &[]);
    round(&mut gateway, at(1_020), &[], &[], &[]);
    assert_eq!(notes(&mut gateway)[0], "reconciled 0 0");
}

#[test]
fn the_trigger_of_a_stop_is_told_and_another_one_is_news() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    let trigger = |gateway: &mut Gateway, rupees: &str| {
        let row = String::from_utf8(frame("7", Some(1), "trigger pending", 0)).expect("text");
        let row = row.replace("\"trigger_price\":0", &format!("\"trigger_price\":{rupees}"));
        gateway.handle_stream_text(at(1), row.as_bytes());
        gateway.poll_event().map(|event| match event {
            Event::OrderUpdated(update) => update.trigger,
            other => panic!("an order's row: {other:?}"),
        })
    };
    assert_eq!(trigger(&mut gateway, "101.5"), Some(Price::from_paise(10_150)));
    assert_eq!(trigger(&mut gateway, "101.5"), None);
    assert_eq!(trigger(&mut gateway, "99"), Some(Price::from_paise(9_900)));
    assert_eq!(trigger(&mut gateway, "null"), Some(Price::NONE));
}

/// trade.
fn live_without_trades(gateway: &mut Gateway, (from, to): (i64, i64)) -> Vec<String> {
    let mut told = Vec::new();
    for ms in (from..to).step_by(100) {
        while let Some(request) = gateway.poll_request(at(ms)) {
            let rows = match request.path.as_str() {
                BOOK => list(&[row("7", Some(1), "complete", 75)]),
                FUNDS => funds(1_000),
                _ => list(&[]),
            };
            gateway.handle_reply(at(ms), request.id, &rows);
        }
        told.extend(notes(gateway));
    }
    told
}

#[test]
fn trades_that_never_come_are_compared_with_the_positions_and_given_up_after_a_minute() {
    let mut gateway = gateway();
    gateway.start_reconcile(at(0));
    round(&mut gateway, at(0), &[], &[], &[]);
    round(&mut gateway, at(1_000), &[], &[], &[]);
    assert_eq!(notes(&mut gateway), ["reconciled 0 0"]);
    gateway.handle_stream_text(at(1_500), &frame("7", Some(1), "complete", 75));
    let before = live_without_trades(&mut gateway, (1_500, 60_000));
    assert_eq!(before, ["1 7 is Complete 75/75"], "no belief within a minute");
    assert!(gateway.is_reconciling());
    assert!(gateway.unsettled() > 0);
    let after = live_without_trades(&mut gateway, (60_000, 90_000));
    assert_eq!(after, ["position 0 0", "reconciled 1 0"]);
    assert_eq!(gateway.unsettled(), 0, "nothing is waited for any more");
}

#[test]
fn now_and_then_everything_is_compared_and_entries_do_not_wait_for_that() {
    let mut gateway = gateway();
    gateway.start_reconcile(at(0));
    round(&mut gateway, at(0), &[], &[], &[]);
    round(&mut gateway, at(1_000), &[], &[], &[]);
    notes(&mut gateway);
    gateway.poll_request(at(300_999));
    assert!(!gateway.is_reconciling());
    gateway.poll_request(at(301_000));
    assert!(gateway.is_reconciling());
    gateway.handle_command(at(301_001), &entry_of(at(301_001), 1));
    expect(&mut gateway, at(301_001), PLACE);
}
