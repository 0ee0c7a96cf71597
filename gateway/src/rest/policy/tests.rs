//! The policy against servers that answer as told, on a clock that is an argument.

use proptest::prelude::*;

use super::*;
use crate::request::{Body, Transport};
use crate::rest::breaker::{BreakerState, OPEN_AFTER};
use crate::rest::retry::TRIES_MAX;

fn at(ms: i64) -> TsNs {
    TsNs::new(1_700_000_000_000_000_000).plus(DurationNs::from_millis(ms))
}

fn policy() -> Policy {
    Policy::new(TsNs::NEVER, 7)
}

fn reply(status: u16, body: &str) -> Reply {
    Reply {
        outcome: Ok(status),
        body: body.as_bytes().to_vec(),
    }
}

fn good() -> Reply {
    reply(200, r#"{"status":"success","data":{}}"#)
}

fn lost() -> Reply {
    Reply {
        outcome: Err(Transport { wrote_bytes: true }),
        body: Vec::new(),
    }
}

fn read() -> Call {
    Call::get("/v2/user/profile")
}

fn place() -> Call {
    Call::order(Method::Post, "/v3/order/place", Some(Body::Json("{}".to_owned())))
}

fn cancel() -> Call {
    Call::order(Method::Delete, "/v3/order/cancel?order_id=1", None)
}

/// What one call came to.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Answered,
    Denied(CallError),
}

/// Makes a call to its end on a clock of its own; gives the time after it, how often it was sent, how it ended.
fn call(
    policy: &mut Policy,
    mut now: TsNs,
    call: &Call,
    answer: &Reply,
    asked: Option<DurationNs>,
) -> (TsNs, u32, End) {
    let mut retry = policy.begin();
    let mut sent = 0;
    loop {
        match policy.ask(now, call, &retry) {
            Err(error) => return (now, sent, End::Denied(error)),
            Ok(Step::WaitUntil(until)) => {
                assert!(until > now, "waiting ends");
                now = until;
            }
            Ok(Step::Send) => {
                sent += 1;
                match policy.heed(now, call, answer, (&mut retry, asked)) {
                    Some(pause) => now = now.plus(pause),
                    None => return (now, sent, End::Answered),
                }
            }
        }
    }
}

#[test]
fn a_read_is_asked_four_times_and_a_write_once() {
    for (call_made, times) in [(read(), TRIES_MAX), (place(), 1), (cancel(), 1)] {
        let (_, sent, end) = call(&mut policy(), at(0), &call_made, &lost(), None);
        assert_eq!((sent, end), (times, End::Answered), "{call_made:?}");
    }
    let (_, sent, _) = call(&mut policy(), at(0), &read(), &reply(404, "{}"), None);
    assert_eq!(sent, 1, "a refusal is an answer");
}

#[test]
fn a_server_that_asks_for_a_pause_gets_it() {
    let pause = Some(DurationNs::from_secs(3));
    let (end, sent, _) = call(&mut policy(), at(0), &read(), &reply(429, "{}"), pause);
    assert_eq!(sent, TRIES_MAX);
    assert!(end >= at(9_000), "three pauses of three seconds at least");
    let (_, sent, _) = call(
        &mut policy(),
        at(0),
        &read(),
        &reply(429, "{}"),
        Some(DurationNs::from_secs(3_600)),
    );
    assert_eq!(sent, 1, "an hour is not waited for");
}

#[test]
fn five_failures_in_a_row_stop_a_class_and_cancels_pass_all_the_same() {
    let mut policy = policy();
    for _ in 0..OPEN_AFTER {
        let (_, sent, _) = call(&mut policy, at(0), &place(), &lost(), None);
        assert_eq!(sent, 1);
    }
    let (_, sent, end) = call(&mut policy, at(2_000), &place(), &good(), None);
    assert_eq!(sent, 0);
    assert!(
        matches!(end, End::Denied(CallError::BreakerOpen(CallClass::Order, _))),
        "{end:?}"
    );
    assert_eq!(
        call(&mut policy, at(2_000), &read(), &good(), None).1,
        1,
        "another class"
    );
    assert_eq!(
        policy.numbers(at(2_000))[&CallClass::Order].breaker,
        BreakerState::Open
    );
    assert_eq!(
        call(&mut policy, at(2_000), &cancel(), &good(), None).1,
        1,
        "a cancel passes"
    );
    assert_eq!(
        call(&mut policy, at(2_001), &place(), &good(), None).1,
        1,
        "and its success closes"
    );
}

#[test]
fn a_dead_token_sends_nothing_but_what_needs_none() {
    let mut policy = Policy::new(at(1_000), 1);
    assert_eq!(call(&mut policy, at(999), &read(), &good(), None).1, 1);
    let (_, sent, end) = call(&mut policy, at(1_000), &read(), &good(), None);
    assert_eq!(
        (sent, end),
        (
            0,
            End::Denied(CallError::TokenDead(TokenDeath::Expired(at(1_000))))
        )
    );
    let free = read().without_token();
    assert_eq!(call(&mut policy, at(1_000), &free, &good(), None).1, 1);

    let mut policy = self::policy();
    assert_eq!(call(&mut policy, at(0), &free, &reply(401, "{}"), None).1, 1);
    let dead = r#"{"status":"error","errors":[{"errorCode":"UDAPI100050"}]}"#;
    assert_eq!(
        call(&mut policy, at(0), &read(), &reply(401, dead), None).1,
        1,
        "it was not the token's 401"
    );
    let (_, sent, end) = call(&mut policy, at(100), &cancel(), &good(), None);
    assert_eq!(
        (sent, end),
        (0, End::Denied(CallError::TokenDead(TokenDeath::Refused)))
    );
}

#[test]
fn a_bare_401_is_asked_again_and_kills_the_token_only_when_it_lasts() {
    let mut policy = policy();
    let mut retry = policy.begin();
    let page = reply(401, "<html>");
    assert_eq!(policy.ask(at(0), &read(), &retry), Ok(Step::Send));
    assert!(policy.heed(at(0), &read(), &page, (&mut retry, None)).is_some());
    assert_eq!(policy.ask(at(900), &read(), &retry), Ok(Step::Send));
    assert_eq!(policy.heed(at(900), &read(), &good(), (&mut retry, None)), None);
    assert_eq!(policy.token().doubted_since(), None);
    assert_eq!(call(&mut policy, at(1_000), &cancel(), &page, None).1, 1);
    assert_eq!(policy.token().death(at(1_000)), None, "a write confirms nothing");
    assert_eq!(
        call(&mut policy, at(2_000), &read(), &page, None),
        (at(2_000), 1, End::Answered),
        "the read that confirms is the answer"
    );
    assert_eq!(policy.token().death(at(2_000)), Some(TokenDeath::Refused));
}

#[test]
fn other_reads_wait_out_the_pause_too_and_what_lowers_risk_does_not() {
    for (asked, least) in [(Some(DurationNs::from_secs(30)), 30_000), (None, 4_000)] {
        let mut policy = policy();
        for made in [read(), cancel()] {
            let mut retry = policy.begin();
            assert_eq!(policy.ask(at(0), &made, &retry), Ok(Step::Send));
            let _pause = policy.heed(at(0), &made, &reply(429, "{}"), (&mut retry, asked));
        }
        let (end, sent, _) = call(
            &mut policy,
            at(1),
            &Call::get("/v2/user/get-funds-and-margin"),
            &good(),
            None,
        );
        assert!(
            sent == 1 && end >= at(least) && end <= at(least * 3 / 2),
            "{asked:?}: {end}"
        );
        assert_eq!(
            call(&mut policy, at(2_000), &cancel(), &good(), None),
            (at(2_000), 1, End::Answered)
        );
    }
    let mut policy = policy();
    let long = Some(DurationNs::from_secs(90));
    assert_eq!(call(&mut policy, at(0), &read(), &reply(429, "{}"), long).1, 1);
    assert_eq!(
        call(&mut policy, at(1_000), &read(), &good(), None),
        (
            at(1_000),
            0,
            End::Denied(CallError::BudgetSpent(CallClass::Standard, at(90_000)))
        )
    );
}

#[test]
fn only_what_takes_risk_away_passes_an_open_breaker() {
    use crate::upstox::account_api::set_kill_switch;
    use crate::upstox::gtt_api;
    use crate::upstox::vocabulary::Segment;
    let switch = |actions: &[KillAction]| {
        let changes: Vec<_> = actions
            .iter()
            .map(|action| (Segment::NseFo, action.clone()))
            .collect();
        set_kill_switch(&changes)
    };
    let (stop, allow) = (KillAction::Disable, KillAction::Enable);
    for (made, passes) in [
        (cancel(), true),
        (Call::order(Method::Delete, "/v2/order/multi/cancel", None), true),
        (
            Call::api(Method::Post, "/v2/order/positions/exit?segment=NSE_FO", None),
            true,
        ),
        (gtt_api::cancel("GTT-1"), false),
        (switch(std::slice::from_ref(&stop)), true),
        (switch(&[stop, allow.clone()]), false),
        (switch(&[allow]), false),
        (Call::api(Method::Post, "/v2/user/kill-switch", None), false),
        (place(), false),
        (read(), false),
    ] {
        let mut policy = policy();
        for _ in 0..OPEN_AFTER {
            policy.class(made.class()).health.note(at(0), Verdict::Failed);
        }
        let (_, sent, _) = call(&mut policy, at(1), &made, &good(), None);
        assert_eq!(sent == 1, passes, "{made:?}");
    }
}

#[test]
fn after_a_logout_the_token_is_dead() {
    let mut policy = policy();
    let logout = Call::api(Method::Delete, LOGOUT_PATH, None);
    assert_eq!(
        call(&mut policy, at(0), &logout, &reply(500, "{}"), None).2,
        End::Answered
    );
    assert_eq!(policy.token().death(at(1)), None, "it may still be alive");
    assert_eq!(call(&mut policy, at(2_000), &logout, &good(), None).1, 1);
    assert_eq!(policy.token().death(at(1)), Some(TokenDeath::LoggedOut));
}

#[test]
fn a_full_window_is_waited_for_and_a_full_half_hour_is_told() {
    let mut policy = policy();
    let mut now = at(0);
    for _ in 0..1_600 {
        let (after, sent, _) = call(&mut policy, now, &read(), &good(), None);
        assert_eq!(sent, 1);
        now = after;
    }
    assert!(now >= at(180_000), "four minutes of four hundred calls");
    let (_, sent, end) = call(&mut policy, now, &read(), &good(), None);
    assert!(
        matches!(end, End::Denied(CallError::BudgetSpent(CallClass::Standard, _))),
        "{end:?}"
    );
    assert_eq!(sent, 0);
}

proptest! {
    #[test]
    fn no_class_ever_exceeds_a_window_of_the_broker_and_no_write_is_repeated(
        steps in prop::collection::vec((0..400_i64, 0..4_usize, 0..4_usize), 1..400),
    ) {
        let mut policy = policy();
        let calls = [read(), place(), cancel(), Call::api(Method::Post, "/v2/ipos/apply", None)];
        let answers = [good(), lost(), reply(429, "{}"), reply(400, "{}")];
        let mut sent: BTreeMap<CallClass, Vec<TsNs>> = BTreeMap::new();
        let mut now = at(0);
        for (pause, which, answer) in steps {
            now = now.plus(DurationNs::from_millis(pause));
            let made = &calls[which];
            let mut retry = policy.begin();
            let mut times = 0;
            while let Ok(step) = policy.ask(now, made, &retry) {
                match step {
                    Step::WaitUntil(until) => now = until,
                    Step::Send => {
                        times += 1;
                        sent.entry(made.class()).or_default().push(now);
                        let Some(pause) = policy.heed(now, made, &answers[answer], (&mut retry, None)) else {
                            break;
                        };
                        now = now.plus(pause);
                    }
                }
            }
            prop_assert!(made.is_read() || times <= 1);
            prop_assert!(times <= TRIES_MAX);
        }
        for (class, stamps) in sent {
            let (second, minute) = match class {
                CallClass::Order => (10, 500),
                CallClass::IpoWrite => (1, 10),
                _ => (50, 500),
            };
            for (index, ts) in stamps.iter().enumerate() {
                let within = |seconds| {
                    let length = DurationNs::from_secs(seconds);
                    stamps[..=index].iter().filter(|other| ts.since(**other) < length).count()
                };
                prop_assert!(within(1) <= second && within(60) <= minute, "{:?}", class);
            }
        }
    }
}
