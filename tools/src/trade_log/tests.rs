//! The trade log of a handmade day: what its tables say, that it can be made again byte for byte, and that files
//! which are not ours stay as they are.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::*;
use crate::handmade::HandmadeDay;
use crate::replica::{JournalBytes, Strictness};

/// A folder with the journal of the handmade day, and its log.
pub(super) fn made() -> (tempfile::TempDir, DayLog) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    HandmadeDay::new().write(&folder.path().join("journal"), &[6]);
    let log = log_of(folder.path());
    (folder, log)
}

fn log_of(folder: &Path) -> DayLog {
    let journal = JournalBytes::open(&folder.join("journal")).expect("two segments");
    collect(&journal, Strictness::Strict, |_| {}).expect("a sound journal")
}

/// The same day under another date, as another session.
fn on_day(mut log: DayLog, date: u32) -> DayLog {
    let day = IstDay::from_ymd(2026, 7, date).expect("a real date");
    log.session = day_log::Session::new(day, log.session.data, log.session.venue, log.session.opened);
    log
}

/// Schema and all rows as text, in the order in which the file holds them.
fn dump(path: &Path) -> String {
    let database = Connection::open(path).expect("a database");
    let mut text = String::new();
    let mut names = Vec::new();
    let mut read = database
        .prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY rowid")
        .expect("SQL");
    let mut rows = read.query([]).expect("rows");
    while let Some(row) = rows.next().expect("a row") {
        let (kind, name, sql): (String, String, Option<String>) = (
            row.get(0).expect("text"),
            row.get(1).expect("text"),
            row.get(2).expect("text"),
        );
        text.push_str(&format!("{kind} {name} {sql:?}\n"));
        if kind != "index" {
            names.push(name);
        }
    }
    for name in names {
        let mut read = database.prepare(&format!("SELECT * FROM {name}")).expect("SQL");
        let columns = read.column_count();
        let mut rows = read.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let cells: Vec<Value> = (0..columns)
                .map(|column| row.get(column).expect("a value"))
                .collect();
            text.push_str(&format!("{name} {cells:?}\n"));
        }
    }
    text
}

fn number(database: &Connection, sql: &str) -> i64 {
    database
        .query_row(sql, [], |row| row.get(0))
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn words(database: &Connection, sql: &str) -> String {
    database
        .query_row(sql, [], |row| row.get(0))
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

#[test]
fn the_database_of_a_handmade_day_says_what_happened() {
    let (folder, log) = made();
    let path = folder.path().join("log.sqlite");
    sqlite::write(&path, std::slice::from_ref(&log)).expect("a database");
    let database = Connection::open(&path).expect("a database");
    assert_eq!(
        number(&database, "SELECT count(*) FROM pragma_foreign_key_check"),
        0
    );
    assert_eq!(words(&database, "PRAGMA integrity_check"), "ok");
    assert_eq!(number(&database, "PRAGMA user_version"), schema::VERSION);
    assert_eq!(
        number(&database, "SELECT version FROM schema_version"),
        schema::VERSION
    );
    assert_eq!(
        number(&database, "SELECT session_id FROM sessions"),
        2_026_073_100
    );
    assert_eq!(
        words(
            &database,
            "SELECT data || venue || is_synthetic || is_simulated || is_real_money FROM sessions"
        ),
        "syntheticsimulated110"
    );
}

#[test]
fn the_rows_of_a_handmade_day_are_those_counted_by_hand() {
    let (folder, log) = made();
    let path = folder.path().join("log.sqlite");
    sqlite::write(&path, std::slice::from_ref(&log)).expect("a database");
    let database = Connection::open(&path).expect("a database");
    // Twenty adopted at 1500; flattened by hand: fifteen at 1479, five at 1500.
    assert_eq!(
        words(
            &database,
            "SELECT side || qty || filled_qty || state || exit_reason || submission FROM orders"
        ),
        "SELL2020FILLEDoperatorACKED"
    );
    assert_eq!(number(&database, "SELECT gross_e4 FROM positions"), -3_150_000);
    assert_eq!(number(&database, "SELECT is_adopted FROM positions"), 1);
    assert_eq!(number(&database, "SELECT mae_e4 FROM positions"), -4_200_000);
    // Ticks at 1480 and 1520 and the fills: the range while it was open.
    assert_eq!(
        number(&database, "SELECT adverse_price_e4 FROM positions"),
        14_790_000
    );
    assert_eq!(
        number(&database, "SELECT favourable_price_e4 FROM positions"),
        15_200_000
    );
    assert_eq!(
        words(
            &database,
            "SELECT verb || uid || reason || applied || commands FROM controls"
        ),
        "flatten1000lunch11"
    );
    assert_eq!(number(&database, "SELECT count(*) FROM order_changes"), 0);
    let stages = "SELECT group_concat(after, ' ') FROM (SELECT after FROM position_stages ORDER BY stage_no)";
    assert_eq!(words(&database, stages), "LIVE CLOSING CLOSED");
    assert_eq!(
        number(
            &database,
            "SELECT count(*) FROM states WHERE kind = 'position_break'"
        ),
        1
    );
    assert_eq!(
        number(&database, "SELECT decision_to_ack_ns FROM orders"),
        60_000_000_000
    );
    assert_eq!(
        number(&database, "SELECT count(*) FROM closing_positions WHERE qty <> 0"),
        0
    );
    for table in ["trades", "orders", "positions"] {
        let sum = number(&database, &format!("SELECT sum(charges_e4) FROM {table}"));
        assert_eq!(sum, log.day.charges.get(), "{table}");
    }
    let parts = "sum(brokerage_e4 + exchange_e4 + sebi_e4 + gst_e4 + stamp_e4 + stt_e4)";
    assert_eq!(
        number(&database, &format!("SELECT {parts} FROM trades")),
        log.day.charges.get()
    );
}

#[test]
fn views_keep_the_names_of_older_systems() {
    let (folder, log) = made();
    let path = folder.path().join("log.sqlite");
    sqlite::write(&path, &[log]).expect("a database");
    let database = Connection::open(&path).expect("a database");
    for (view, columns) in [
        (
            "trade_performance",
            "id, trade_id, strategy, symbol, entry_time, exit_time, entry_price, exit_price, quantity, pnl, \
             pnl_percent, hold_time_minutes, exit_reason, created_at",
        ),
        (
            "daily_performance",
            "id, date, total_trades, winning_trades, losing_trades, total_pnl, largest_win, largest_loss, \
             sharpe_ratio, max_drawdown",
        ),
        ("fills_by_hour", "day, hour, fills, turnover"),
        ("slippage_by_symbol", "symbol, orders, mean_bps"),
        (
            "tax_sheet",
            "day, symbol, bought, sold, charges, of_these_stt, net",
        ),
    ] {
        let sql = format!("SELECT count(*) FROM (SELECT {columns} FROM {view})");
        assert_eq!(number(&database, &sql), 1, "{view}");
    }
    assert_eq!(
        words(
            &database,
            "SELECT symbol || ' ' || entry_time || ' ' || exit_time FROM trade_performance"
        ),
        "RELIANCE 2026-07-31 09:17:00 2026-07-31 09:23:00"
    );
    assert_eq!(
        words(
            &database,
            "SELECT CAST(hold_time_minutes AS TEXT) FROM trade_performance"
        ),
        "6.0"
    );
}

#[test]
fn a_log_made_again_equals_the_old_one_whatever_the_order_of_days() {
    let (folder, _) = made();
    let [one, other] = ["one.sqlite", "other.sqlite"].map(|name| folder.path().join(name));
    let log = || log_of(folder.path());
    for date in [29, 30, 31, 30] {
        sqlite::write(&one, &[on_day(log(), date)]).expect("a database");
    }
    sqlite::write(&other, &[on_day(log(), 31), on_day(log(), 29), on_day(log(), 30)]).expect("a database");
    let text = dump(&one);
    assert!(text.contains("performance_days") && text.len() > 5_000, "{text}");
    assert_eq!(text, dump(&other));
    sqlite::write(&one, &[on_day(log(), 31)]).expect("a database");
    assert_eq!(text, dump(&one), "a day that is there is replaced");
    let database = Connection::open(&one).expect("a database");
    assert_eq!(number(&database, "SELECT count(*) FROM sessions"), 3);
}

#[test]
fn a_day_of_another_journal_is_replaced_on_request_alone() {
    let (folder, log) = made();
    let path = folder.path().join("x.sqlite");
    sqlite::write(&path, std::slice::from_ref(&log)).expect("a database");
    let before = fs::read(&path).expect("the file");
    let mut other = log_of(folder.path());
    other.session.opened = bijli_core::TsNs::new(other.session.opened.get() + 1);
    let error = sqlite::write(&path, std::slice::from_ref(&other)).expect_err("another journal");
    assert!(
        matches!(&error, TradeLogError::OtherJournal(named, day) if *named == path && *day == log.session.day),
        "{error}"
    );
    assert!(error.to_string().contains("--replace"), "{error}");
    assert_eq!(fs::read(&path).expect("the file"), before);
    sqlite::replace(&path, std::slice::from_ref(&other)).expect("asked for");
    let database = Connection::open(&path).expect("a database");
    let opened = number(&database, "SELECT opened_ns FROM sessions");
    assert_eq!(opened, other.session.opened.get());
    assert_eq!(number(&database, "SELECT count(*) FROM sessions"), 1);
}

#[test]
fn a_file_that_is_no_trade_log_is_left_alone() {
    let (folder, _) = made();
    let path = folder.path().join("x.sqlite");
    let refused = |words: &str| {
        let before = fs::read(&path).expect("the file");
        let error = sqlite::write(&path, &[log_of(folder.path())]).expect_err("not ours");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(fs::read(&path).expect("the file"), before);
        assert!(!folder.path().join("x.sqlite.part").exists());
    };
    fs::write(
        &path,
        "my notes, by no means a database; at least a hundred bytes of them: ".repeat(9),
    )
    .expect("a file");
    refused("no database");
    fs::remove_file(&path).expect("the file");
    let database = Connection::open(&path).expect("a database");
    database.execute_batch("CREATE TABLE mine (x)").expect("SQL");
    refused("no trade log");
    let batch = format!(
        "PRAGMA application_id = {}; PRAGMA user_version = 99",
        schema::APPLICATION_ID
    );
    database.execute_batch(&batch).expect("SQL");
    drop(database);
    refused("version 99");
}

#[test]
fn parquet_and_csv_hold_the_same_rows_as_the_database() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let (folder, log) = made();
    let logs = [log];
    let database = sqlite::write(&folder.path().join("x.sqlite"), &logs).expect("a database");
    let parquet = parquet_files::write(&folder.path().join("parquet"), &logs).expect("files");
    let csv = csv_files::write(&folder.path().join("csv"), &logs).expect("files");
    assert_eq!((&database, &database), (&parquet, &csv));
    for (table, rows) in &database {
        let text = fs::read_to_string(folder.path().join(format!("csv/{table}.csv"))).expect("a file");
        assert_eq!(text.lines().count() as u64, rows + 1, "{table}");
        let file = fs::File::open(folder.path().join(format!("parquet/{table}.parquet"))).expect("a file");
        let reader = SerializedFileReader::new(file).expect("a Parquet file");
        let metadata = reader.metadata().file_metadata();
        assert_eq!(metadata.num_rows() as u64, *rows, "{table}");
        let pairs = metadata.key_value_metadata().expect("a label");
        assert!(
            pairs.iter().any(|pair| pair.key == "bijli.warning"),
            "simulated data is flagged"
        );
    }
    let trades = fs::read_to_string(folder.path().join("csv/trades.csv")).expect("a file");
    let head: Vec<&str> = trades.lines().next().expect("a head").split(',').collect();
    let cell = |name: &str| {
        let place = head.iter().position(|known| *known == name).expect("a column");
        trades
            .lines()
            .nth(1)
            .expect("a row")
            .split(',')
            .nth(place)
            .expect("a cell")
            .to_owned()
    };
    assert_eq!(
        (cell("price_rupees"), cell("qty")),
        ("1479.00".to_owned(), "15".to_owned())
    );
    assert_eq!(cell("trade_ist"), "2026-07-31 09:21:00.000");
}

#[test]
fn a_session_is_not_exported_twice_and_days_are_rated_in_order() {
    let (folder, log) = made();
    let again = log_of(folder.path());
    assert!(matches!(rate(&mut [log, again]), Err(TradeLogError::Twice(_))));
    let mut logs = [
        on_day(log_of(folder.path()), 31),
        on_day(log_of(folder.path()), 30),
    ];
    logs[0].day.net = bijli_core::Money::ZERO;
    rate(&mut logs).expect("two sessions");
    assert_eq!(logs[0].session.id, 2_026_073_000);
    assert!(logs[0].performance.sharpe.is_none() && logs[1].performance.sharpe.is_some());
}

#[test]
fn damage_is_named_and_only_a_prefix_is_told_when_asked_for() {
    let (folder, whole) = made();
    let segment = folder.path().join("journal/segment-00001.bjl");
    let mut bytes = fs::read(&segment).expect("the segment");
    bytes[700] ^= 1;
    fs::write(&segment, bytes).expect("the segment");
    let journal = JournalBytes::open(&folder.path().join("journal")).expect("two segments");
    let error = collect(&journal, Strictness::Strict, |_| {}).expect_err("damage");
    let said = error.to_string();
    assert!(
        said.contains("segment-00001.bjl") && said.contains("--prefix"),
        "{said}"
    );
    let part = collect(&journal, Strictness::Prefix, |_| {}).expect("a prefix");
    assert!(part.replayed.cut.is_some() && part.replayed.events < whole.replayed.events);
}
