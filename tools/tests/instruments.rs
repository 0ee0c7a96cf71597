//! `bijli instruments` as a person and a script meet it: the binary, its exit codes and its JSON, on the broker's
//! real masters.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A file of the data set, or `None` after saying so; under `CI=true` its absence is an error.
fn data(path: &str, test: &str) -> Option<PathBuf> {
    let root = std::env::var_os("BIJLI_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let file = root.join(path);
    if file.exists() {
        return Some(file);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "no market data at {}",
        file.display()
    );
    println!("skipped (no market data): {test}");
    None
}

fn bijli(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bijli"))
        .current_dir(folder)
        .arg("instruments")
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn stats_of_the_real_master_are_what_the_file_holds() {
    let test = "stats_of_the_real_master_are_what_the_file_holds";
    let Some(file) = data("instruments/upstox-complete-c2025-12-09.json.gz", test) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let output = bijli(folder.path(), &["stats", &file.to_string_lossy(), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let stats = json(&output);
    println!("{stats}");
    let counts = ["contracts", "derivatives", "text_bytes", "file_bytes"].map(|name| stats[name].as_u64());
    assert_eq!(
        counts,
        [Some(126_978), Some(105_573), Some(59_762_214), Some(3_485_022)]
    );
    assert_eq!(stats["segments"]["NSE_FO"]["contracts"], 38_752);
    assert_eq!(stats["segments"]["NSE_FO"]["underlyings"], 214);
    assert_eq!(stats["segments"]["NSE_FO"]["expiries"], 18);
    assert!(stats["load_ms"].as_u64().is_some() && stats["rss_bytes"].as_u64() > Some(0));
}

#[test]
fn a_master_goes_through_sync_find_and_diff_with_the_right_codes() {
    let test = "a_master_goes_through_sync_find_and_diff_with_the_right_codes";
    let file = |day| data(&format!("instruments/upstox-NSE-{day}.json.gz"), test);
    let (Some(first), Some(second)) = (file("2026-01-06"), file("2026-01-07")) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| bijli(folder.path(), arguments);
    assert_eq!(run(&["stats"]).status.code(), Some(3), "nothing is stored yet");
    for (day, file) in [("2026-01-06", &first), ("2026-01-07", &second)] {
        let output = run(&["sync", "--day", day, "--file", &file.to_string_lossy(), "--json"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(json(&output)["stored"]["day"], day);
    }
    let difference = json(&run(&["diff", "2026-01-06", "2026-01-07", "--json"]));
    let count = |name: &str| difference[name].as_array().map(Vec::len);
    assert_eq!(
        ["expired", "removed", "listed", "changed"].map(count),
        [Some(166), Some(1), Some(1_568), Some(0)]
    );
    let text = String::from_utf8(run(&["diff", "2026-01-06", "2026-01-07"]).stdout).expect("text");
    assert!(text.starts_with("80102 -> 81503 contracts: 166 expired, 1 removed, 1568 listed, 0 changes\n"));
    assert!(
        text.contains("NSE_FO     NIFTY            2026-01-06      166        0        0\n"),
        "{text}"
    );

    let found = run(&["find", "nifty", "26000", "ce", "27", "jan", "26", "--json"]);
    assert_eq!(found.status.code(), Some(0), "{found:?}");
    let key = json(&found)["found"]["instrument_key"]
        .as_str()
        .map(str::to_owned);
    let same = json(&run(&["find", "NIFTY26JAN26000CE", "--json"]));
    assert_eq!(same["found"]["instrument_key"].as_str(), key.as_deref());
    let old = String::from_utf8(run(&["find", "NSE_EQ|RELIANCE"]).stdout).expect("text");
    assert!(
        old.contains("the feed rejects `NSE_EQ|RELIANCE`: the key is NSE_EQ|INE002A01018"),
        "{old}"
    );
    let missing = run(&["find", "RELIANC", "--json"]);
    assert_eq!(missing.status.code(), Some(3));
    assert_eq!(json(&missing)["nearest"][0]["trading_symbol"], "RELIANCE");

    let stale = run(&["sync", "--day", "2026-02-10", "--file", &first.to_string_lossy()]);
    let told = String::from_utf8_lossy(&stale.stderr).into_owned();
    assert_eq!(stale.status.code(), Some(1), "{told}");
    assert!(told.contains("expired before the day: the file is old"), "{told}");
    assert_eq!(run(&["find"]).status.code(), Some(2));
    assert_eq!(run(&["diff", "2026-01-06", "2026-01-08"]).status.code(), Some(3));
}
