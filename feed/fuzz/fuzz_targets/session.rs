//! Any row of happenings to a session: two bytes each, or a frame. It neither panics nor spins.
#![no_main]

use bijli_core::time::{DurationNs, TsNs};
use bijli_feed::feed_note::Transmit;
use bijli_feed::{Mode, Session, SessionSettings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut session = Session::new(&SessionSettings {
        keys: vec!["NSE_FO|45450".to_owned(), "NSE_EQ|INE002A01018".to_owned()],
        mode: Mode::Full,
        batch: 1,
        mute_after: DurationNs::from_secs(3),
        jitter_seed: 1,
        opens_at: TsNs::new(1_000_000_000_000),
    })
    .expect("good keys");
    let mut now = TsNs::new(1);
    let (mut dialling, mut open) = (false, false);
    let mut rest = bytes;
    while let [what, argument, after @ ..] = rest {
        rest = after;
        match what % 8 {
            0 | 1 => {
                now = now.plus(DurationNs::from_millis(
                    i64::from(*argument) * i64::from(what / 8),
                ))
            }
            2 if dialling => {
                (dialling, open) = (false, true);
                session.handle_connected(now);
            }
            3 if dialling => session.handle_redirected(now, "/x".to_owned()),
            4 if dialling => session.handle_refused(now, 300 + u16::from(*argument), String::new()),
            5 if dialling || open => session.handle_disconnected(now, String::new()),
            6 => session.handle_new_token(now),
            7 if open => {
                let (frame, after) = rest.split_at(usize::from(*argument).min(rest.len()));
                rest = after;
                session.handle_frame(now, frame);
            }
            _ => {}
        }
        session.handle_timeout(now);
        while session.poll_event().is_some() {}
        while let Some(transmit) = session.poll_transmit() {
            match transmit {
                Transmit::Connect(_) => (dialling, open) = (true, false),
                Transmit::Close => (dialling, open) = (false, false),
                Transmit::Binary(_) => assert!(open),
            }
        }
    }
});
