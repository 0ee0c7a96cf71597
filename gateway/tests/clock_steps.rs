//! A wall clock that is set by an hour, either way, moves nothing that the gateway measures: the same calls leave at the
//! same moments, and an order is doubted for the same minute.

mod scripted;

use bijli_core::order::Purpose;
use bijli_core::{Event, TsNs};
use bijli_gateway::{Gateway, GatewayConfig, Lane, Times};
use scripted::*;

const HOUR_MS: i64 = 3_600_000;
/// When the clock is set.
const STEP_MS: i64 = 5_300;
/// How long the broker takes to answer.
const LATENCY_MS: i64 = 70;

/// The instant `ms` after ten o'clock, of which engine time tells `shift` more from the step on.
fn times(ms: i64, shift: i64) -> Times {
    let told = if ms < STEP_MS { ms } else { ms + shift };
    Times {
        steady: at(ms),
        engine: at(told),
    }
}

/// Calls that left and events that were told, each with the real millisecond.
type Happened = (Vec<(i64, Lane, String)>, Vec<(i64, String)>);

/// An entry whose fate is unknown; a kill's cancels and exits around the step; entries beside them; then two minutes.
fn live(shift: i64) -> Happened {
    let mut gateway = gateway();
    gateway.handle_stream_state(times(0, shift), true);
    let (mut calls, mut told, mut replies) = (Vec::new(), Vec::new(), Vec::new());
    for ms in (0..130_000).step_by(10) {
        let now = times(ms, shift);
        let command = match ms {
            10 => Some(entry(1)),
            5_000..5_200 => Some(exit(100 + u32::try_from(ms % 1_000 / 10).expect("small"))),
            5_200..5_400 => Some(cancel(1, &format!("7{ms}"))),
            90_000 => Some(place(50, Purpose::Entry)),
            90_100 => Some(place(51, Purpose::Entry)),
            _ => None,
        };
        if let Some(command) = command {
            gateway.handle_decided(now, at(ms), &command);
        }
        while let Some(request) = gateway.poll_request(now) {
            let reply = match request.lane {
                _ if calls.len() < 2 && request.lane == Lane::Entry => lost(true),
                Lane::Read => list(&[]),
                Lane::Exit | Lane::Entry => acked(&format!("9{}", calls.len())),
            };
            replies.push((ms + LATENCY_MS, request.id, reply));
            calls.push((ms, request.lane, request.path));
        }
        while replies.first().is_some_and(|(due, _, _)| *due <= ms) {
            let (_, id, reply) = replies.remove(0);
            gateway.handle_reply(now, id, &reply);
        }
        gateway.handle_timeout(now);
        told.extend(notes(&mut gateway).into_iter().map(|note| (ms, note)));
    }
    (calls, told)
}

fn moment_of(told: &[(i64, String)], note: &str) -> Option<i64> {
    let found = told.iter().find(|(_, known)| known.starts_with(note));
    found.map(|(ms, _)| *ms)
}

#[test]
fn calls_leave_and_doubts_last_as_if_no_clock_had_been_set() {
    let (calls, told) = live(0);
    let writes: Vec<i64> = calls
        .iter()
        .filter(|(_, lane, _)| *lane != Lane::Read)
        .map(|(ms, _, _)| *ms)
        .collect();
    assert_eq!(writes.len(), 43, "every exit, cancel and entry left: {calls:?}");
    assert!(
        writes.windows(9).all(|nine| nine[8] - nine[0] > 1_000),
        "at most eight in any second: {writes:?}"
    );
    let unknown = moment_of(&told, "1 Unknown").expect("a reply was lost");
    let absent = moment_of(&told, "1 PresumedAbsent").expect("nobody knows it");
    assert!(absent - unknown >= 60_000, "a minute of {unknown} to {absent} ms");
    for shift in [-HOUR_MS, HOUR_MS, -600, 600] {
        assert_eq!(live(shift), (calls.clone(), told.clone()), "set by {shift} ms");
    }
}

#[test]
fn events_are_stamped_with_engine_time_and_the_token_dies_at_its_hour_by_it() {
    let config = GatewayConfig {
        token_expires: at(HOUR_MS),
        ..GatewayConfig::default()
    };
    let mut gateway = Gateway::new(config, &instruments());
    gateway.handle_decided(times(STEP_MS, 500), at(STEP_MS), &entry(1));
    answer(&mut gateway, at(STEP_MS), PLACE, &lost(true));
    let stamps: Vec<TsNs> = std::iter::from_fn(|| gateway.poll_event())
        .map(|event: Event| event.ts())
        .collect();
    assert_eq!(stamps, [at(STEP_MS + 500)]);
    gateway.handle_timeout(times(STEP_MS, HOUR_MS - STEP_MS - 1));
    assert!(!gateway.token_dead());
    gateway.handle_timeout(times(STEP_MS, HOUR_MS - STEP_MS));
    assert!(gateway.token_dead());
}

#[test]
fn an_entry_is_as_old_as_the_steady_time_says() {
    for shift in [-HOUR_MS, HOUR_MS] {
        let mut gateway = gateway();
        settle(&mut gateway, at(0));
        gateway.start_reconcile(at(STEP_MS - 1_000));
        gateway.handle_decided(at(STEP_MS - 1_000), at(STEP_MS - 1_000), &entry(1));
        gateway.handle_timeout(times(STEP_MS + 990, shift));
        assert_eq!(notes(&mut gateway), Vec::<String>::new(), "1.99 s old");
        gateway.handle_timeout(times(STEP_MS + 1_000, shift));
        assert_eq!(notes(&mut gateway), ["1 NotSent "]);
    }
}
