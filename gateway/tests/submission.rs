//! Placements through the gateway's public face: every outcome, order of work, budget, token, doubt and its end.

mod scripted;

use bijli_core::command::{CancelForeign, Modify, Place};
use bijli_core::instrument::InstrumentKind;
use bijli_core::order::{OrderType, Purpose, Validity};
use bijli_core::{Command, Instrument, InstrumentId, Price, Qty};
use bijli_gateway::{Gateway, GatewayConfig, Host, Lane, Reply};
use scripted::*;

/// Places one entry, answers it, and gives the events.
fn outcome(reply: &Reply) -> Vec<String> {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(1), &entry(1));
    answer(&mut gateway, at(1), PLACE, reply);
    notes(&mut gateway)
}

#[test]
fn every_outcome_of_a_placement_is_told_once() {
    for (reply, told) in [
        (acked("7"), "1 Acked 7"),
        (refusal(400, "UDAPI1052"), "1 Refused UDAPI1052"),
        (refusal(403, "UDAPI1154"), "1 Refused UDAPI1154"),
        (refusal(423, "UDAPI100074"), "1 Refused UDAPI100074"),
        (refusal(429, "UDAPI10005"), "1 Refused UDAPI10005"),
        (refusal(401, "UDAPI100050"), "1 Refused UDAPI100050"),
        (lost(false), "1 NotSent "),
        (lost(true), "1 Unknown "),
        (
            reply(200, r#"{"status":"success","data":{"order_ids":[]}}"#),
            "1 Unknown ",
        ),
        (reply(200, "<html>"), "1 Unknown "),
        (reply(302, ""), "1 Unknown "),
        (reply(500, ""), "1 Unknown "),
        (refusal(502, "UDAPI100500"), "1 Unknown "),
        (refusal(400, "UDAPI100500"), "1 Unknown "),
        (reply(504, "<html>"), "1 Unknown "),
    ] {
        assert_eq!(outcome(&reply), [told], "{reply:?}");
    }
}

#[test]
fn exits_and_cancels_go_before_entries_whatever_came_first() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(1), &entry(1));
    gateway.handle_command(at(1), &exit(2));
    gateway.handle_command(at(1), &cancel(9, "90"));
    gateway.handle_command(at(1), &entry(3));
    let first = expect(&mut gateway, at(1), PLACE);
    assert_eq!((first.lane, first.host), (Lane::Exit, Host::Order));
    assert!(
        first
            .body
            .as_ref()
            .is_some_and(|body| body.text().contains("SELL"))
    );
    assert_eq!(
        gateway.poll_request(at(1)),
        None,
        "an entry waits while a cancel does"
    );
    gateway.handle_reply(at(2), first.id, &acked("2"));
    let second = expect(&mut gateway, at(2), CANCEL);
    assert_eq!(second.lane, Lane::Exit);
    let third = expect(&mut gateway, at(2), PLACE);
    assert_eq!(third.lane, Lane::Entry);
    assert_eq!(gateway.poll_request(at(2)), None, "one request per lane");
}

#[test]
fn entries_use_five_calls_of_a_second_and_exits_the_rest() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    let mut sent = [0, 0];
    for sequence in 1..=12 {
        gateway.handle_command(at(1), &entry(sequence));
    }
    for (index, lane) in [(0, Lane::Entry), (1, Lane::Exit)] {
        while let Some(request) = gateway.poll_request(at(2)) {
            if request.lane == lane {
                sent[index] += 1;
            }
            gateway.handle_reply(
                at(2),
                request.id,
                &acked(request.path.as_str().get(..3).unwrap_or("1")),
            );
        }
        for sequence in 20..32 {
            if index == 0 {
                gateway.handle_command(at(2), &exit(sequence));
            }
        }
    }
    assert_eq!(sent, [5, 3]);
    assert_eq!(gateway.readout().calls_last_second, 8);
    assert_eq!(gateway.in_flight(), 0, "what waits for the budget does not count");
    assert_eq!(gateway.unsettled(), 16);
}

#[test]
fn an_entry_that_waited_too_long_is_never_sent() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(0), &entry(1));
    let _held = expect(&mut gateway, at(0), PLACE);
    gateway.handle_command(at(0), &entry(2));
    gateway.handle_command(at(0), &exit(3));
    assert_eq!(expect(&mut gateway, at(1), PLACE).lane, Lane::Exit);
    gateway.handle_timeout(at(1_999));
    assert_eq!(notes(&mut gateway), Vec::<String>::new());
    gateway.handle_timeout(at(2_000));
    assert_eq!(notes(&mut gateway), ["2 NotSent "]);
}

#[test]
fn an_entry_ages_from_its_decision_however_late_it_comes_here() {
    // The process stood still between decision and queue.
    for (taken, sent) in [(1_999, true), (2_000, false), (60_000, false)] {
        let mut gateway = gateway();
        settle(&mut gateway, at(taken));
        gateway.handle_command(at(taken), &entry_of(at(0), 1));
        gateway.handle_command(at(taken), &exit(2));
        let first = expect(&mut gateway, at(taken), PLACE);
        assert_eq!(
            (first.lane, gateway.leaves_before(first.id)),
            (Lane::Exit, None),
            "exits have no age"
        );
        let next = gateway
            .poll_request(at(taken))
            .filter(|request| request.lane == Lane::Entry);
        // Whoever connects for it may not write it any later than it would leave here.
        assert_eq!(
            next.and_then(|request| gateway.leaves_before(request.id)),
            sent.then_some(at(2_000)),
            "{taken}"
        );
        let told: &[&str] = if sent { &[] } else { &["1 NotSent "] };
        assert_eq!(notes(&mut gateway), told, "{taken}");
    }
}

#[test]
fn a_decision_stamped_ahead_of_our_clock_grows_no_younger_by_that() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(0), &entry_of(at(5_000), 1));
    gateway.handle_timeout(at(2_000));
    assert_eq!(notes(&mut gateway), ["1 NotSent "]);
}

#[test]
fn a_dead_token_sends_nothing_more_and_says_so() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    for command in [entry(1), exit(2), entry(3), cancel(4, "40")] {
        gateway.handle_command(at(1), &command);
    }
    let request = expect(&mut gateway, at(1), PLACE);
    gateway.handle_reply(at(2), request.id, &refusal(401, "UDAPI100050"));
    assert!(gateway.token_dead());
    assert_eq!(
        notes(&mut gateway),
        ["2 Refused UDAPI100050", "1 NotSent ", "3 NotSent "]
    );
    gateway.handle_command(at(3), &exit(5));
    assert_eq!(notes(&mut gateway), ["5 NotSent "]);
    assert_eq!(gateway.poll_request(at(600_000)), None, "not even a read");
}

#[test]
fn a_401_without_the_brokers_form_leaves_the_order_unknown_and_a_read_to_decide_on_the_token() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(1), &entry(1));
    answer(&mut gateway, at(1), PLACE, &reply(401, "<html>"));
    assert_eq!(notes(&mut gateway), ["1 Unknown "]);
    assert!(!gateway.token_dead());
    answer(&mut gateway, at(1_001), HISTORY, &reply(401, "<html>"));
    assert!(gateway.token_dead());
}

#[test]
fn a_refusal_for_rate_freezes_entries_and_lets_exits_through() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(1), &entry(1));
    answer(&mut gateway, at(1), PLACE, &refusal(429, "UDAPI10005"));
    answer(&mut gateway, at(1), BOOK, &list(&[]));
    gateway.handle_command(at(2), &entry(2));
    assert_eq!(gateway.poll_request(at(2)), None);
    gateway.handle_command(at(3), &exit(3));
    answer(&mut gateway, at(3), PLACE, &acked("3"));
    assert_eq!(notes(&mut gateway), ["1 Refused UDAPI10005", "3 Acked 3"]);
    assert_eq!(gateway.counts().rate_refusals, 1);
}

#[test]
fn a_command_that_contradicts_the_days_table_is_not_sent() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    let broken = [
        |place: &mut Place| place.qty = Qty::ZERO,
        |place: &mut Place| place.price = Price::new(1),
        |place: &mut Place| place.price = Price::NONE,
        |place: &mut Place| place.instrument = InstrumentId::new(9),
        |place: &mut Place| {
            place.instrument = InstrumentId::new(1);
            place.qty = Qty::new(76);
        },
    ];
    for (sequence, spoil) in (1..).zip(broken) {
        let Command::Place(mut place) = entry(sequence) else {
            unreachable!("an entry is a placement");
        };
        spoil(&mut place);
        gateway.handle_command(at(1), &Command::Place(place));
        assert_eq!(notes(&mut gateway), [format!("{sequence} NotSent ")]);
    }
    assert_eq!(gateway.counts().gate_refusals, 5);
    assert_eq!(gateway.poll_request(at(1)), None);
}

/// A share on a grid of five paise, frozen at ten thousand, and an option of the same table.
fn table() -> Vec<Instrument> {
    let mut table = instruments();
    let option = Instrument {
        id: InstrumentId::new(2),
        kind: InstrumentKind::Call,
        lot: Qty::new(75),
        ..table[1]
    };
    table.push(option);
    table
}

/// Type, paise of limit and trigger (0: none), quantity, instrument; whether the terms may leave, whoever asks.
const LAST_LOOK: [(OrderType, i64, i64, i64, u32, bool); 24] = {
    use OrderType::{Limit, Market, StopLimit, StopMarket};
    [
        (Limit, 10_000, 0, 75, 0, true),
        (Limit, 10_001, 0, 75, 0, false), // off the grid
        (Limit, 0, 0, 75, 0, false),
        (Limit, 10_000, 9_995, 75, 0, false), // a trigger where none belongs
        (Limit, 10_000, 0, 0, 0, false),
        (Limit, 10_000, 0, -75, 0, false),
        (Limit, 10_000, 0, 10_000, 0, true),
        (Limit, 10_000, 0, 10_001, 0, false), // beyond the freeze quantity
        (Limit, 10_000, 0, 150, 1, true),
        (Limit, 10_000, 0, 76, 1, false), // part of a lot
        (Market, 0, 0, 75, 0, true),
        (Market, 10_000, 0, 75, 0, false),
        (Market, 0, 10_000, 75, 0, false),
        (StopLimit, 9_990, 9_995, 75, 0, true),
        (StopLimit, 9_990, 0, 75, 0, false),
        (StopLimit, 0, 9_995, 75, 0, false),
        (StopLimit, 9_991, 9_995, 75, 0, false),
        (StopLimit, 9_990, 9_996, 75, 0, false),
        (StopLimit, 9_990, 9_995, 75, 2, true),
        (StopMarket, 0, 9_995, 75, 0, true),
        (StopMarket, 9_990, 9_995, 75, 0, false),
        (StopMarket, 0, 0, 75, 0, false),
        (StopMarket, 0, 9_996, 75, 0, false),
        (StopMarket, 0, 9_995, 75, 2, false), // the exchange refuses it on an option
    ]
};

#[test]
fn the_last_look_lets_only_terms_leave_whose_shape_and_numbers_fit_their_type() {
    for (order_type, price, trigger, qty, instrument, fits) in LAST_LOOK {
        let (price, trigger) = (Price::from_paise(price), Price::from_paise(trigger));
        let (instrument, qty) = (InstrumentId::new(instrument), Qty::new(qty));
        let row = (order_type, price, trigger, qty, instrument);
        for purpose in [Purpose::Entry, Purpose::Exit] {
            for validity in [Validity::Day, Validity::Ioc] {
                let Command::Place(base) = place(1, purpose) else {
                    unreachable!("place makes a placement");
                };
                let terms = Place {
                    instrument,
                    order_type,
                    validity,
                    qty,
                    price,
                    trigger,
                    ..base
                };
                let mut gateway = Gateway::new(GatewayConfig::default(), &table());
                settle(&mut gateway, at(0));
                gateway.handle_command(at(1), &Command::Place(terms));
                // Only an exit for the day may be anything but a limit order.
                let may =
                    order_type == OrderType::Limit || (purpose == Purpose::Exit && validity == Validity::Day);
                assert_eq!(
                    gateway.poll_request(at(1)).is_some(),
                    fits && may,
                    "{row:?} {purpose:?} {validity:?}"
                );
                assert_eq!(gateway.counts().gate_refusals, u64::from(!(fits && may)));
            }
        }
    }
}

#[test]
fn the_last_look_judges_a_change_like_a_placement_and_a_refused_one_leaves_the_order_alone() {
    for (order_type, price, trigger, qty, instrument, fits) in LAST_LOOK {
        let mut gateway = Gateway::new(GatewayConfig::default(), &table());
        settle(&mut gateway, at(0));
        let Command::Place(base) = exit(1) else {
            unreachable!("an exit is a placement");
        };
        let instrument = InstrumentId::new(instrument);
        gateway.handle_command(at(1), &Command::Place(Place { instrument, ..base }));
        answer(&mut gateway, at(1), PLACE, &acked("7"));
        let told = notes(&mut gateway);
        let change = Modify {
            ts: at(2),
            intent: intent(1),
            order_id: order_id("7"),
            purpose: Purpose::Exit,
            order_type,
            qty: Qty::new(qty),
            price: Price::from_paise(price),
            trigger: Price::from_paise(trigger),
        };
        gateway.handle_command(at(2), &Command::Modify(change));
        // Beside it only reads may be asked for.
        let requests = std::iter::from_fn(|| gateway.poll_request(at(2)));
        let changes = requests
            .filter(|request| request.path.starts_with(MODIFY))
            .count();
        assert_eq!(changes, usize::from(fits), "{change:?}");
        assert_eq!(gateway.counts().gate_refusals, u64::from(!fits));
        assert_eq!(told, ["1 Acked 7"]);
    }
}

#[test]
#[should_panic(expected = "an intent is placed once in its life")]
fn the_same_intent_is_never_placed_twice() {
    let mut gateway = gateway();
    gateway.handle_command(at(0), &entry(1));
    gateway.handle_command(at(1), &entry(1));
}

#[test]
fn a_lost_reply_is_looked_up_by_tag_and_the_order_adopted_not_sent_again() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(0), &entry(1));
    answer(&mut gateway, at(0), PLACE, &lost(true));
    assert_eq!(notes(&mut gateway), ["1 Unknown "]);
    assert_eq!(gateway.poll_request(at(249)), None);
    answer(&mut gateway, at(250), HISTORY, &refusal(400, "UDAPI100010"));
    assert_eq!(gateway.poll_request(at(749)), None);
    let states = ["put order req received", "open pending", "open"].map(|state| row("7", Some(1), state, 0));
    answer(&mut gateway, at(750), HISTORY, &list(&states));
    assert_eq!(notes(&mut gateway), ["1 Acked 7", "1 7 is Open 0/75"]);
    let later: Vec<_> = (751..2_000)
        .step_by(50)
        .filter_map(|ms| gateway.poll_request(at(ms)))
        .collect();
    assert_eq!(
        later,
        [],
        "nothing is asked, least of all placed, once the doubt is over"
    );
}

/// Runs an unknown placement for `seconds` with a book of these rows; gives events and paths of requests.
fn search(seconds: i64, connected: bool, book: &[String]) -> (Vec<String>, usize) {
    let mut gateway = gateway();
    gateway.handle_stream_state(at(0), connected);
    answer(&mut gateway, at(0), BOOK, &list(book));
    let _first = notes(&mut gateway);
    gateway.handle_command(at(0), &entry(1));
    answer(&mut gateway, at(0), PLACE, &lost(true));
    let mut placements = 0;
    for ms in (0..seconds * 1_000).step_by(50) {
        while let Some(request) = gateway.poll_request(at(ms)) {
            placements += usize::from(request.path == PLACE);
            let rows = if request.path.starts_with(BOOK) { book } else { &[] };
            gateway.handle_reply(at(ms), request.id, &list(rows));
        }
    }
    (notes(&mut gateway), placements)
}

#[test]
fn absence_is_presumed_only_after_a_minute_of_controlled_reads() {
    let known = [row("90", None, "complete", 0)];
    assert_eq!(search(59, true, &known), (vec!["1 Unknown ".to_owned()], 0));
    let both = vec!["1 Unknown ".to_owned(), "1 PresumedAbsent ".to_owned()];
    assert_eq!(search(70, true, &known), (both.clone(), 0));
    assert_eq!(
        search(70, true, &[]),
        (both, 0),
        "an empty day is its own control"
    );
    let doubt = vec!["1 Unknown ".to_owned()];
    assert_eq!(
        search(300, false, &known),
        (doubt, 0),
        "without the stream silence proves nothing"
    );
}

#[test]
fn an_emptied_or_partial_book_proves_no_absence() {
    let mut gateway = gateway();
    gateway.handle_stream_state(at(0), true);
    let known = [row("90", None, "complete", 0), row("91", None, "complete", 0)];
    answer(&mut gateway, at(0), BOOK, &list(&known));
    gateway.handle_command(at(0), &entry(1));
    answer(&mut gateway, at(0), PLACE, &lost(true));
    let _first = notes(&mut gateway);
    for ms in (0..200_000).step_by(50) {
        while let Some(request) = gateway.poll_request(at(ms)) {
            let rows = if ms % 4_000 < 2_000 { &known[..1] } else { &[] };
            gateway.handle_reply(at(ms), request.id, &list(rows));
        }
    }
    assert_eq!(notes(&mut gateway), Vec::<String>::new());
    assert_eq!(gateway.unsettled(), 1);
}

#[test]
fn an_order_presumed_absent_that_appears_is_adopted() {
    let mut gateway = gateway();
    gateway.handle_stream_state(at(0), true);
    settle(&mut gateway, at(0));
    gateway.handle_command(at(0), &entry(1));
    answer(&mut gateway, at(0), PLACE, &lost(true));
    for ms in (0..70_000).step_by(50) {
        while let Some(request) = gateway.poll_request(at(ms)) {
            gateway.handle_reply(at(ms), request.id, &list(&[]));
        }
    }
    assert_eq!(notes(&mut gateway), ["1 Unknown ", "1 PresumedAbsent "]);
    gateway.handle_stream_text(at(80_000), &frame("7", Some(1), "open", 0));
    assert_eq!(notes(&mut gateway), ["1 Acked 7", "1 7 is Open 0/75"]);
}

#[test]
fn a_modify_carries_the_terms_of_its_placement_and_uses_the_lane_of_its_purpose() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(0), &exit(1));
    answer(&mut gateway, at(0), PLACE, &acked("7"));
    gateway.handle_command(at(1), &modify(1, "7", Purpose::Exit));
    gateway.handle_command(at(1), &modify(2, "8", Purpose::Entry));
    let first = expect(&mut gateway, at(1), MODIFY);
    assert_eq!(first.lane, Lane::Exit);
    assert!(
        first
            .body
            .as_ref()
            .is_some_and(|body| body.text().contains("\"price\":100.05"))
    );
    assert_eq!(expect(&mut gateway, at(1), MODIFY).lane, Lane::Entry);
}

#[test]
fn a_foreign_order_is_cancelled_by_its_broker_id_alone() {
    let mut gateway = gateway();
    settle(&mut gateway, at(0));
    gateway.handle_command(at(1), &entry(1));
    gateway.handle_command(
        at(1),
        &Command::CancelForeign(CancelForeign {
            ts: at(1),
            order_id: order_id("90"),
            instrument: InstrumentId::new(0),
        }),
    );
    let request = expect(&mut gateway, at(1), CANCEL);
    assert_eq!((request.lane, request.host), (Lane::Exit, Host::Order));
    assert!(request.path.ends_with("order_id=90"), "{}", request.path);
}
