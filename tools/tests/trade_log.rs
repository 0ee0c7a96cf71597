//! The trade log of a day of real processes: the journal, the database, the summary, the mapped state and the
//! broker's own ledger give one result to the paisa, and the tie-out finds one changed paisa.

mod world;

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use world::World;

/// Rupees of a read-out as whole paise.
fn paise(value: &Value) -> i64 {
    let rupees = value.as_f64().unwrap_or_else(|| panic!("no number: {value}"));
    (rupees * 100.0).round() as i64
}

fn json_of(world: &World, arguments: &[&str], code: i32) -> Value {
    let output = world.bijli(arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
}

fn number(database: &Connection, sql: &str) -> i64 {
    database
        .query_row(sql, [], |row| row.get(0))
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Runs one simulated day to its end; gives its summary.
fn run_day(world: &World) -> Value {
    let (code, said) = world.spawn_engine().finish(Duration::from_secs(240));
    assert_eq!(code, Some(0), "{said}");
    let line = said
        .lines()
        .find(|line| line.starts_with('{'))
        .expect("the summary");
    serde_json::from_str(line).expect("one JSON object")
}

#[test]
fn one_day_has_one_result_in_every_book_and_ties_with_the_broker() {
    let world = World::start(11, 60);
    let summary = run_day(&world);
    assert!(
        summary["fills"].as_u64() > Some(0),
        "a day without fills proves nothing: {summary}"
    );
    results_agree(&world, &summary);
    report_and_log_agree(&world);
    let path = world.path("book.json");
    let book = ties_with_the_broker(&world, &path);
    changed_books_do_not_tie(&world, &book);
}

/// Changes are as many as the orders count, and no stage is left out.
fn changes_and_stages_agree(e4: &impl Fn(&str) -> i64) {
    assert_eq!(e4("SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_eq!(
        e4("SELECT count(*) FROM order_changes"),
        e4("SELECT sum(modifies) FROM orders")
    );
    let torn = "SELECT count(*) FROM (SELECT before, lag(after, 1, '-') OVER (PARTITION BY instrument_no ORDER BY \
                stage_no) AS was FROM position_stages) WHERE before <> was";
    assert_eq!(e4(torn), 0, "each stage begins where the one before it ended");
    assert!(
        e4("SELECT count(*) FROM position_stages WHERE after = 'CLOSED'")
            >= e4("SELECT count(*) FROM positions"),
        "the day ends flat, so each round trip was closed"
    );
}

/// Journal, database, summary, mapped state and broker.
fn results_agree(world: &World, summary: &Value) {
    let file = world.path("log.sqlite").display().to_string();
    let exported = json_of(
        world,
        &["journal", "export", world.journal(), "--sqlite", &file, "--json"],
        0,
    );
    let session = &exported["sessions"][0];
    assert_eq!(session["replay_identical"], true);
    assert_eq!(session["warning"], "SYNTHETIC DATA, SIMULATED VENUE");
    let database = Connection::open(&file).expect("the database");
    let e4 = |sql: &str| number(&database, sql);
    let (realised, charges) = (
        e4("SELECT realised_e4 FROM sessions"),
        e4("SELECT charges_e4 FROM sessions"),
    );
    changes_and_stages_agree(&e4);
    assert_eq!(e4("SELECT sum(gross_e4) FROM positions"), realised);
    assert_eq!(e4("SELECT sum(charges_e4) FROM trades"), charges);
    assert_eq!(e4("SELECT sum(net_e4) FROM positions"), realised - charges);
    assert_eq!(
        e4("SELECT sum(CASE side WHEN 'SELL' THEN value_e4 ELSE -value_e4 END) FROM trades"),
        realised
    );
    assert_eq!(
        e4("SELECT sum(CASE side WHEN 'BUY' THEN qty ELSE -qty END) FROM trades"),
        0
    );
    let cent = |units: i64| (units as f64 / 100.0).round() as i64;
    assert_eq!(paise(&summary["gross_pnl_rupees"]), cent(realised));
    assert_eq!(paise(&summary["charges_rupees"]), cent(charges));
    assert_eq!(
        paise(&summary["net_pnl_rupees"]),
        cent(e4("SELECT net_e4 FROM performance_days"))
    );
    let written = fs::read_to_string(world.run_dir().join("summary.json")).expect("the report");
    let written: Value = serde_json::from_str(&written).expect("one JSON object");
    assert_eq!(written["net_pnl_rupees"], summary["net_pnl_rupees"]);
    // The process is gone, which the state says with exit code 3; its last numbers stand.
    let run = world.run_dir().display().to_string();
    let status = json_of(world, &["status", "--dir", &run, "--json"], 3);
    assert_eq!(paise(&status["engine"]["realised_rupees"]), cent(realised));
    assert_eq!(paise(&status["engine"]["charges_rupees"]), cent(charges));
    assert_eq!(
        world.stats().broker.realised.get(),
        realised,
        "the simulator's own ledger"
    );
    assert_eq!(
        world.stats().broker.fills,
        e4("SELECT count(*) FROM trades") as u64,
        "every fill of the broker is a row"
    );
    for (sql, key) in [
        ("SELECT total_trades FROM performance_days", "trades"),
        ("SELECT winning_trades FROM performance_days", "trades_won"),
        ("SELECT signals FROM performance_days", "signals"),
        ("SELECT count(*) FROM decisions", "signals"),
        ("SELECT count(*) FROM orders WHERE is_ours = 1", "orders_sent"),
        ("SELECT count(*) FROM trades", "fills"),
    ] {
        assert_eq!(summary[key].as_i64(), Some(number(&database, sql)), "{key}");
    }
    let passed = "SELECT count(*) FROM decisions WHERE verdict = 'PASSED' AND order_no IS NULL";
    assert_eq!(
        number(&database, passed),
        0,
        "every passed signal leads to its order"
    );
}

/// The report's round trips and those of the log are the same.
fn report_and_log_agree(world: &World) {
    let folder = world.path("csv").display().to_string();
    json_of(
        world,
        &["journal", "export", world.journal(), "--csv", &folder, "--json"],
        0,
    );
    let cells = |path: &Path, names: [&str; 3]| -> Vec<Vec<String>> {
        let text = fs::read_to_string(path).expect("a file");
        let mut lines = text
            .lines()
            .map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        let head = lines.next().expect("a head");
        let places = names.map(|name| head.iter().position(|known| known == name).expect("a column"));
        lines
            .map(|line| places.iter().map(|place| line[*place].clone()).collect())
            .collect()
    };
    let report = cells(
        &world.run_dir().join("trades.csv"),
        ["entry_ist", "gross_rupees", "mae_rupees"],
    );
    let log = cells(
        &world.path("csv/positions.csv"),
        ["entry_ist", "gross_rupees", "mae_rupees"],
    );
    assert!(!report.is_empty());
    assert_eq!(report, log);
}

/// The broker's answer, saved by our verb and asked for on the spot.
fn ties_with_the_broker(world: &World, path: &Path) -> Value {
    let config = world.path("sim.toml").display().to_string();
    let book = json_of(world, &["trades", "--config", &config, "--json"], 0);
    fs::write(path, book.to_string()).expect("a small file");
    let file = path.display().to_string();
    let tie = json_of(
        world,
        &[
            "journal",
            "tie-out",
            world.journal(),
            "--tradebook",
            &file,
            "--json",
        ],
        0,
    );
    assert_eq!(
        (&tie["ties"], &tie["tie_out"]["discrepancies"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(tie["journal_trades"], tie["tradebook_trades"]);
    let live = json_of(
        world,
        &[
            "journal",
            "tie-out",
            world.journal(),
            "--live",
            "--config",
            &config,
            "--json",
        ],
        0,
    );
    assert_eq!(live["tie_out"], tie["tie_out"]);
    book
}

/// One paisa, one unit, one row too few, and a contract note that is dearer by more than a rupee.
fn changed_books_do_not_tie(world: &World, book: &Value) {
    let refused = |book: &Value, more: &[&str], kind: &str| {
        let path = world.path("changed.json");
        fs::write(&path, book.to_string()).expect("a small file");
        let file = path.display().to_string();
        let arguments = ["journal", "tie-out", world.journal(), "--tradebook", &file];
        let tie = json_of(world, &[&arguments, more, &["--json"]].concat(), 1);
        assert_eq!(tie["ties"], false);
        let found = &tie["tie_out"]["discrepancies"];
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
        assert_eq!(found[0]["kind"], kind);
        let words = world.bijli(&[&arguments, more].concat());
        let words = String::from_utf8_lossy(&words.stdout).into_owned();
        assert!(words.contains("DOES NOT TIE") && words.contains(kind), "{words}");
        found[0]["trade_id"].clone()
    };
    let row = &book["data"][0];
    let mut paisa = book.clone();
    let price = row["price"].as_f64().expect("a price");
    paisa["data"][0]["price"] = json!(((price + 0.01) * 100.0).round() / 100.0);
    assert_eq!(refused(&paisa, &[], "PRICE"), row["trade_id"]);
    let mut unit = book.clone();
    unit["data"][0]["quantity"] = json!(row["quantity"].as_i64().expect("a quantity") + 1);
    assert_eq!(refused(&unit, &[], "QTY"), row["trade_id"]);
    let mut missing = book.clone();
    missing["data"].as_array_mut().expect("a list").remove(0);
    assert_eq!(refused(&missing, &[], "MISSING_IN_TRADEBOOK"), row["trade_id"]);
    refused(book, &["--broker-charges", "99999"], "CHARGES");
}

#[test]
fn a_book_or_a_journal_that_is_not_there_is_told_with_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let nothing = folder.path().join("nothing").display().to_string();
    for arguments in [
        vec!["journal", "export", &nothing, "--csv", &nothing],
        vec!["journal", "tie-out", &nothing, "--tradebook", &nothing],
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_bijli"))
            .args(&arguments)
            .output()
            .expect("the binary was built for this test");
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("nothing"),
            "{output:?}"
        );
    }
}
