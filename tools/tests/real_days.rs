//! The main job on recorded days: one of each shape, all of them with `BIJLI_ALL_DAYS=1`.
//!
//! Needs the market data (`$BIJLI_DATA`, else `../shared/data` beside the workspace); without it the test says
//! so and is skipped, except under `CI=true`, where that is an error.

use std::path::{Path, PathBuf};
use std::process::Command;

fn market_data(test: &str) -> Option<PathBuf> {
    let given = std::env::var_os("BIJLI_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let found = given.into_iter().chain([beside]).find(|path| path.is_dir());
    if found.is_none() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "no market data under CI: set BIJLI_DATA"
        );
        eprintln!("skipped (no market data): {test}");
    }
    found
}

/// The days of one folder, in order: files whose name ends in `.csv.zst`.
fn days_in(folder: &Path) -> Vec<PathBuf> {
    let mut days: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is part of the data")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.to_string_lossy().ends_with(".csv.zst"))
        .collect();
    days.sort();
    days
}

fn run_day(day: &Path, kind: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_bijli"))
        .args(["demo", "--headless", "--json", "--speed", "max", "--day"])
        .arg(day)
        .current_dir(folder.path())
        .output()
        .expect("the binary was built for this test");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{}: {said}", day.display());
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().expect("the summary is the last line");
    let summary: serde_json::Value = serde_json::from_str(last).expect("one JSON object");
    let number = |key: &str| summary[key].as_u64().expect("a count");
    assert_eq!(summary["data"], kind, "{}", day.display());
    assert_eq!(
        number("ticks_received"),
        number("ticks_sent"),
        "{}",
        day.display()
    );
    assert_eq!(
        number("ticks_applied"),
        number("ticks_received") - number("ticks_conflated")
    );
    assert_eq!(number("open_positions"), 0, "{}", day.display());
    assert_eq!(summary["journal"]["replay_identical"], true, "{}", day.display());
    assert_eq!(summary["journal"]["closed"], true, "{}", day.display());
    assert!(
        summary["best_score"].as_f64().expect("a score") > 0.0,
        "{}",
        day.display()
    );
}

#[test]
fn recorded_days_go_from_socket_to_order_and_replay_bit_for_bit() {
    let Some(data) = market_data("recorded_days_go_from_socket_to_order_and_replay_bit_for_bit") else {
        return;
    };
    let all = std::env::var("BIJLI_ALL_DAYS").as_deref() == Ok("1");
    let count = if all { usize::MAX } else { 1 };
    run_day(&data.join("upstox-feed/full_d5-2025-12-15"), "real");
    for (folder, kind) in [
        ("nse-ticks-2021", "real-ticks"),
        ("nse-eq-1min-2016", "real-bars"),
        ("nse-eq-1min-2026", "real-bars"),
    ] {
        for day in days_in(&data.join(folder)).iter().take(count) {
            run_day(day, kind);
        }
    }
}
