//! `candles`: files, what is fetched again, gaps, and rows that are refused.

use std::path::{Path, PathBuf};

use bijli_gateway::upstox::candle_api::Span;
use bijli_tools::candle::file::CandleFile;
use serde_json::json;

use crate::world::{World, day};

fn command<'a>(names: &[&'a str], span: (&'a str, &'a str), more: &[&'a str]) -> Vec<&'a str> {
    let mut command = vec!["candles"];
    command.extend(names);
    command.extend(["--from", span.0, "--to", span.1, "--master", "master.json"]);
    command.extend(more);
    command
}

#[test]
fn candles_become_files_once_and_only_what_is_missing_is_asked_for() {
    let world = World::start();
    let key = world.keys("NSE_EQ", &["EQ"])[0];
    let sim = ["--broker", "sim.json", "--timeframe", "5m", "--json"];
    let first = world.run(&command(&[key], ("2026-06-15", "2026-07-10"), &sim));
    assert_eq!(first.code, Some(0), "{first:?}");
    assert_eq!(
        world.requests().len(),
        1,
        "June and July lie within a month's span"
    );
    let data = first.json()["data"].clone();
    assert_eq!(
        data["fetched"],
        json!({"files_fetched": 2, "files_there": 0, "requests": 1})
    );
    // 20 weekdays less Muharram on 26 June, 75 candles each.
    let holding = &data["holdings"][0];
    assert_eq!(
        (&holding["candles"], &holding["gaps"]["any"]),
        (&json!(19 * 75), &json!(false)),
        "{holding}"
    );
    assert_eq!(first.json()["broker"], "simulator");

    file_equals_answer(&world, key);

    world.requests();
    let again = world.run(&command(&[key], ("2026-06-15", "2026-07-10"), &sim));
    assert_eq!(world.requests(), Vec::<String>::new(), "{again:?}");
    assert_eq!(
        again.json()["data"]["fetched"],
        json!({"files_fetched": 0, "files_there": 2, "requests": 0})
    );
    let more = world.run(&command(&[key], ("2026-06-15", "2026-07-20"), &sim));
    assert_eq!(more.code, Some(0), "{more:?}");
    let asked = world.requests();
    assert!(
        asked.len() == 1 && asked[0].ends_with("/2026-07-20/2026-07-01"),
        "{asked:?}"
    );
    let forced = world.run(&command(
        &[key],
        ("2026-06-15", "2026-06-30"),
        &[&sim[..], &["--force"]].concat(),
    ));
    assert_eq!(forced.json()["data"]["fetched"]["files_fetched"], 1, "{forced:?}");
    let text = world.bijli("candles check candles");
    let expected = format!(
        "{} 5m: 2026-06-15 to 2026-07-20, {} candles in 2 files, no gaps  SIMULATED\n",
        world.symbol(key),
        25 * 75
    );
    assert_eq!((text.code, text.out), (Some(0), expected), "{}", text.err);
}

/// The file of June says where it is from and holds what the simulator answers.
fn file_equals_answer(world: &World, key: &str) {
    let folder = world.path("candles").join(key.replace('|', "_")).join("5m");
    let file = CandleFile::read(&folder.join("2026-06.parquet")).expect("ours");
    let label = &file.label;
    assert_eq!(
        (label.source.as_str(), label.is_simulated, label.is_final),
        ("simulator", true, true)
    );
    assert_eq!(
        (label.key.as_str(), label.symbol.as_str()),
        (key, world.symbol(key))
    );
    let (first_day, last_day) = (day(2026, 6, 15), day(2026, 6, 30));
    assert_eq!(
        label.span,
        Span {
            first: first_day,
            last: last_day
        }
    );
    let target = format!(
        "/v3/historical-candle/{}/minutes/5/2026-06-30/2026-06-15",
        key.replace('|', "%7C")
    );
    let theirs = world.data(&target)["candles"].as_array().expect("rows").clone();
    assert_eq!(file.candles.len(), theirs.len());
    for (ours, theirs) in file.candles.iter().rev().zip(&theirs) {
        let prices = [ours.open, ours.high, ours.low, ours.close].map(|price| json!(price.rupees()));
        assert_eq!(
            Some(&prices[..]),
            theirs.as_array().map(|cells| &cells[1..5]),
            "{theirs}"
        );
        assert_eq!(
            json!([ours.volume.get(), ours.oi.get()]),
            json!([theirs[5], theirs[6]])
        );
        let begin = ours.begin.to_string().replace(' ', "T") + "+05:30";
        assert_eq!(theirs[0], begin);
    }
}

#[test]
fn dropped_candles_are_found_by_the_calendar_and_again_by_check() {
    let world = World::start();
    let broker = world.tampered(|_, answer| {
        let rows = answer["data"]["candles"].as_array_mut().expect("rows");
        rows.retain(|row| {
            let begin = row[0].as_str().expect("a time");
            !begin.starts_with("2026-07-07") && !begin.starts_with("2026-07-08T10:1")
        });
    });
    let key = world.keys("NSE_EQ", &["EQ"])[0];
    let span = ("2026-07-06", "2026-07-10");
    let left = world.run(&command(&[key], span, &["--broker", broker, "--json"]));
    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(left.err.contains("warning: 1 of 1 have gaps"), "{left:?}");
    let gaps = json!({
        "any": true, "missing_days": ["2026-07-07"], "missing_candles": 10,
        "holes": [{"first_ist": "2026-07-08 10:10:00", "last_ist": "2026-07-08 10:19:00", "candles": 10}],
        "undecided_days": [], "unexpected_days": [], "outside_hours": 0,
    });
    assert_eq!(left.json()["data"]["holdings"][0]["gaps"], gaps);
    let check = world.bijli("candles check candles --json");
    assert_eq!(check.code, Some(0), "{check:?}");
    assert_eq!(check.json()["data"]["holdings"][0]["gaps"], gaps);
    let text = world.bijli("candles check candles");
    assert!(
        text.out
            .contains("  1 trading days without a candle: 2026-07-07\n"),
        "{text:?}"
    );
}

#[test]
fn todays_candles_stay_provisional_in_a_file_of_their_own() {
    let world = World::start();
    let broker = world.tampered(|target, answer| {
        assert!(target.contains("/intraday/"), "{target}");
        let row = |time| {
            json!([
                format!("2026-07-31T{time}:00+05:30"),
                10.5,
                11.0,
                10.0,
                10.25,
                100,
                0
            ])
        };
        answer["data"]["candles"] = json!([row("09:18"), row("09:17"), row("09:15")]);
    });
    let key = world.keys("NSE_EQ", &["EQ"])[0];
    let left = world.run(&["candles", key, "--intraday", "--broker", broker, "--json"]);
    assert_eq!(left.code, Some(0), "{left:?}");
    let gaps = &left.json()["data"]["holdings"][0]["gaps"];
    assert_eq!(
        (&gaps["missing_candles"], &gaps["missing_days"]),
        (&json!(1), &json!([])),
        "{gaps}"
    );
    let path = &files(&world.path("candles"))[0];
    assert!(path.ends_with("1m/today-2026-07-31.parquet"), "{path:?}");
    let file = CandleFile::read(path).expect("ours");
    assert_eq!((file.label.is_final, file.candles.len()), (false, 3));
    assert_eq!(
        world
            .run(&["candles", key, "--intraday", "--broker", broker])
            .code,
        Some(0),
        "again"
    );
    assert_eq!(files(&world.path("candles")).len(), 1);
}

#[test]
fn rows_that_contradict_themselves_are_refused_with_file_and_row_and_other_keys_go_on() {
    let world = World::start();
    let broker = world.tampered(|target, answer| {
        let rows = answer["data"]["candles"].as_array_mut().expect("rows");
        let last = rows.len() - 1;
        match target.rsplit('/').nth(1).expect("the last day") {
            "2026-03-13" => rows[last - 4] = rows[last - 3].clone(),
            "2026-04-10" => rows.swap(last - 4, last - 3),
            "2026-05-15" => rows[last - 4][2] = json!(0.05),
            _ => {}
        }
    });
    let shares = world.keys("NSE_EQ", &["EQ"]);
    let tell = ["--broker", broker, "--timeframe", "15m"];
    for (span, file, fault) in [
        (
            ("2026-03-09", "2026-03-13"),
            "2026-03",
            "row 5 (2026-03-09 10:00:00 IST): its time is there twice",
        ),
        (
            ("2026-04-06", "2026-04-10"),
            "2026-04",
            "row 5 (2026-04-06 10:00:00 IST): it is out of order",
        ),
        (
            ("2026-05-11", "2026-05-15"),
            "2026-05",
            "row 5 (2026-05-11 10:15:00 IST): a price lies outside",
        ),
    ] {
        let left = world.run(&command(&[shares[0]], span, &tell));
        assert_eq!(left.code, Some(1), "{left:?}");
        assert!(
            left.err.contains(&format!("{file}.parquet: ")) && left.err.contains(fault),
            "{left:?}"
        );
    }
    let names: Vec<PathBuf> = files(&world.path("candles"));
    assert_eq!(names, Vec::<PathBuf>::new(), "nothing of it is kept");
    let left = world.run(&command(
        &[shares[0], shares[1]],
        ("2026-07-06", "2026-07-10"),
        &tell,
    ));
    assert_eq!(
        (left.code, files(&world.path("candles")).len()),
        (Some(0), 2),
        "{left:?}"
    );
    std::fs::write(&files(&world.path("candles"))[0], b"PAR1 and no more").expect("writable");
    let check = world.bijli("candles check candles --json");
    assert_eq!(
        (
            check.code,
            check.json()["data"]["holdings"].as_array().map(Vec::len)
        ),
        (Some(1), Some(1))
    );
    assert!(check.err.contains("2026-07.parquet: "), "{check:?}");
    let again = world.run(&command(&[shares[0]], ("2026-07-06", "2026-07-10"), &tell));
    assert!(
        again.code == Some(1) && again.err.contains("use --force"),
        "{again:?}"
    );
}

fn files(root: &Path) -> Vec<PathBuf> {
    bijli_tools::candle::folder::files_under(root).unwrap_or_default()
}

#[test]
fn days_fill_a_file_a_year_and_wrong_wishes_have_their_exit_codes() {
    let world = World::start();
    let index = world.keys("NSE_INDEX", &["INDEX"])[0];
    let days = ["--broker", "sim.json", "--timeframe", "1d", "--json"];
    let left = world.run(&command(&[index], ("2024-12-02", "2026-07-30"), &days));
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_eq!(
        left.json()["data"]["fetched"],
        json!({"files_fetched": 3, "files_there": 0, "requests": 1})
    );
    let holding = &left.json()["data"]["holdings"][0];
    assert_eq!(
        (&holding["gaps"]["any"], &holding["files"]),
        (&json!(false), &json!(3)),
        "{holding}"
    );
    let key = world.keys("NSE_EQ", &["EQ"])[0];
    for (words, code) in [
        (vec!["candles", key, "--broker", "sim.json"], 2),
        (command(&[key], ("2026-07-10", "2026-07-01"), &days), 2),
        (
            command(&[key], ("2020-01-01", "2020-02-01"), &["--broker", "sim.json"]),
            2,
        ),
        (
            command(&[key], ("2026-07-01", "2026-07-10"), &["--timeframe", "2d"]),
            2,
        ),
        (command(&["NOBODYATALL"], ("2026-07-01", "2026-07-10"), &days), 3),
        (vec!["candles", "check", "nowhere", "--json"], 3),
    ] {
        let left = world.run(&words);
        assert_eq!(left.code, Some(code), "{words:?}: {left:?}");
    }
}
