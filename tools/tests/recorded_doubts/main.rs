//! The recorded full_d5 day from frame to decision: each thing that is wrong with it is counted, none traded on.
//!
//! The day (2025-12-15) was cut for 125 s, its trade times and volumes step back, its recorder's clock ran 4 to 5 s
//! behind the exchange's, and frames go on after the close. What the pipeline counts is held against a count made
//! of the files alone (`count`). Needs the market data, as in `real_days`.

mod count;
mod pipeline;

use std::path::{Path, PathBuf};

use bijli_core::DurationNs;

use count::Counts;
use pipeline::{Clock, Outcome, run};

const CUT: DurationNs = DurationNs::from_secs(125);

fn folder(test: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let root = std::env::var_os("BIJLI_DATA").map_or(root, PathBuf::from);
    let found = root.join("upstox-feed/full_d5-2025-12-15");
    if found.is_dir() {
        return Some(found);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "no market data under CI: set BIJLI_DATA"
    );
    eprintln!("skipped (no market data): {test}");
    None
}

/// What must hold whichever clock stamped the frames.
fn check(outcome: &Outcome, counts: &Counts) {
    assert_eq!(outcome.ticks, counts.frames);
    assert_eq!(outcome.doubts, counts.doubts);
    assert_eq!(outcome.engine_anomalies, counts.unsound);
    assert_eq!(outcome.after_close, counts.after_close);
    assert_eq!(outcome.silent_spells, counts.silences);
    assert_eq!(
        outcome.entries_on_doubt, 0,
        "no entry is decided on a doubtful tick"
    );
    assert_eq!(outcome.entries_while_not_live, 0, "nor while the feed is silent");
    assert_eq!(
        outcome.entries_after_stop, 0,
        "nor when entries have ended, so nor after the close"
    );
}

#[test]
fn by_the_exchange_s_clock_every_step_back_and_silence_is_counted_and_none_traded_on() {
    let Some(folder) =
        folder("by_the_exchange_s_clock_every_step_back_and_silence_is_counted_and_none_traded_on")
    else {
        return;
    };
    let counts = count::of(&folder, Clock::Exchange);
    let outcome = run(&folder, Clock::Exchange);
    println!("{outcome:?}");
    check(&outcome, &counts);
    assert!(
        counts.doubts.time_back > 0 && counts.doubts.volume_back > 0,
        "the day has them"
    );
    assert!(counts.after_close > 0, "the day goes on after the close");
    let cuts: Vec<_> = counts
        .gaps
        .iter()
        .filter(|gap| gap.length >= DurationNs::from_secs(100))
        .collect();
    assert_eq!(cuts.len(), 1, "one cut in hours: {cuts:?}");
    assert!(
        (cuts[0].length.get() - CUT.get()).abs() < 1_000_000_000,
        "{cuts:?}"
    );
    assert!(
        outcome.entries > 0,
        "a day on which nothing is entered proves nothing"
    );
}

#[test]
fn by_the_recorder_s_late_clock_frames_from_the_future_are_counted_and_none_traded_on() {
    let Some(folder) =
        folder("by_the_recorder_s_late_clock_frames_from_the_future_are_counted_and_none_traded_on")
    else {
        return;
    };
    let counts = count::of(&folder, Clock::Recorder);
    let outcome = run(&folder, Clock::Recorder);
    println!("{outcome:?}");
    check(&outcome, &counts);
    let of_day = counts.doubts.time_wrong as f64 / counts.frames as f64;
    assert!(of_day > 0.3, "a clock that is off by seconds shows: {of_day}");
}
