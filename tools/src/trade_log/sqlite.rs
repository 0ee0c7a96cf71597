//! The trade log as one SQLite file, to which days are added.
//!
//! Invariants: the file is changed as a copy beside it and put in place in one step, so a reader sees the old log
//! or the new one; a session that is there already is replaced if it was opened at the same instant, and what is there of
//! another journal only on request; the content does not depend on the order in which
//! days were added. Tables have no hidden row numbers and all keys hold the session, so a dump of a log that was
//! made again equals the old one byte for byte. Left out: two writers at once; the later one wins.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{Connection, OptionalExtension, ToSql, Transaction, params_from_iter};

use super::performance::{daily_return, sharpe_ratios};
use super::sheet::{Cell, Table};
use super::{DayLog, TradeLogError, schema};

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Int(value) => ToSqlOutput::Owned(Value::Integer(*value)),
            Self::Real(value) => ToSqlOutput::Owned(Value::Real(*value)),
            Self::Text(text) => ToSqlOutput::from(text.as_str()),
        })
    }
}

/// Adds days to the database at `path`, which is made if it is not there; gives rows by table, those written now.
///
/// # Errors
/// [`TradeLogError`] when the file that is there is not a trade log of this version, or holds one of the days from
/// another journal, or nothing can be written.
pub fn write(path: &Path, logs: &[DayLog]) -> Result<Vec<(&'static str, u64)>, TradeLogError> {
    for log in logs.iter().filter(|_| path.exists()) {
        check_is_ours(path)?;
        let opened =
            opened_ns(path, log.session.id).map_err(|error| TradeLogError::Sqlite(path.to_owned(), error))?;
        if opened.is_some_and(|opened| opened != log.session.opened.get()) {
            return Err(TradeLogError::OtherJournal(path.to_owned(), log.session.day));
        }
    }
    replace(path, logs)
}

/// When the session was opened that the database has under this id.
fn opened_ns(path: &Path, session_id: i64) -> rusqlite::Result<Option<i64>> {
    let database = Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    database
        .query_row(
            "SELECT opened_ns FROM sessions WHERE session_id = ?1",
            [session_id],
            |row| row.get(0),
        )
        .optional()
}

/// The same, whatever journal the days that are there come from.
///
/// # Errors
/// As [`write()`], but for other journals.
pub fn replace(path: &Path, logs: &[DayLog]) -> Result<Vec<(&'static str, u64)>, TradeLogError> {
    let draft = draft_of(path);
    let written = put_into(path, &draft, logs);
    if written.is_err() {
        // What is left of the draft would only confuse; the error to tell is the first one.
        let _removed = fs::remove_file(&draft);
    }
    written
}

fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn put_into(path: &Path, draft: &Path, logs: &[DayLog]) -> Result<Vec<(&'static str, u64)>, TradeLogError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        |error| TradeLogError::Io(path, error)
    };
    let is_new = !path.exists();
    if draft.exists() {
        fs::remove_file(draft).map_err(io(draft))?;
    }
    if !is_new {
        check_is_ours(path)?;
        fs::copy(path, draft).map_err(io(draft))?;
    }
    let counts = fill(draft, is_new, logs).map_err(|error| TradeLogError::Sqlite(draft.to_owned(), error))?;
    File::open(draft)
        .and_then(|file| file.sync_all())
        .map_err(io(draft))?;
    fs::rename(draft, path).map_err(io(path))?;
    Ok(counts)
}

/// Refuses a file that is not a trade log of this version, or that somebody writes to in his own way.
fn check_is_ours(path: &Path) -> Result<(), TradeLogError> {
    let refuse = |why: String| Err(TradeLogError::Foreign(path.to_owned(), why));
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if Path::new(&log).exists() {
        return refuse("another program has it open for writing: close that first".to_owned());
    }
    let read = |name: &str| -> rusqlite::Result<i64> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        Connection::open_with_flags(path, flags)?.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
    };
    match (read("application_id"), read("user_version")) {
        (Ok(schema::APPLICATION_ID), Ok(schema::VERSION)) => Ok(()),
        (Ok(schema::APPLICATION_ID), Ok(version)) => refuse(format!(
            "a trade log of version {version}, this program writes {}: export all days into a new file",
            schema::VERSION
        )),
        (Ok(_), Ok(_)) => refuse("a database, but no trade log: name another file".to_owned()),
        (Err(error), _) | (_, Err(error)) => refuse(format!("no database ({error}): name another file")),
    }
}

fn fill(draft: &Path, is_new: bool, logs: &[DayLog]) -> rusqlite::Result<Vec<(&'static str, u64)>> {
    let mut database = Connection::open(draft)?;
    // The draft is thrown away if anything fails, and synced as a whole before it gets its name.
    database
        .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;")?;
    if is_new {
        make_schema(&database)?;
    }
    let transaction = database.transaction()?;
    let mut counts: Vec<(&'static str, u64)> = schema::TABLES.iter().map(|table| (table.name, 0)).collect();
    for log in logs {
        transaction.execute("DELETE FROM sessions WHERE session_id = ?1", [log.session.id])?;
        for (table, count) in schema::TABLES.into_iter().zip(&mut counts) {
            count.1 += insert(&transaction, table, log)?;
        }
    }
    rate_days(&transaction)?;
    transaction.commit()?;
    database.execute_batch("VACUUM")?;
    Ok(counts)
}

fn make_schema(database: &Connection) -> rusqlite::Result<()> {
    database.execute_batch(&format!(
        "PRAGMA application_id = {}; PRAGMA user_version = {}; PRAGMA page_size = 4096;",
        schema::APPLICATION_ID,
        schema::VERSION
    ))?;
    for table in schema::TABLES {
        database.execute_batch(&schema::create(table))?;
    }
    database.execute_batch(schema::VIEWS)?;
    database.execute_batch(
        "CREATE TABLE schema_version (version INTEGER NOT NULL, units TEXT NOT NULL) STRICT",
    )?;
    database.execute(
        "INSERT INTO schema_version VALUES (?1, ?2)",
        (
            schema::VERSION,
            "_e4: 1/10000 rupee; _ns: nanoseconds, instants since 1970 UTC; _ppm: millionths; _bps: 1/10000",
        ),
    )?;
    Ok(())
}

fn insert(transaction: &Transaction<'_>, table: &'static Table, log: &DayLog) -> rusqlite::Result<u64> {
    let places: Vec<String> = (1..=table.heads().count())
        .map(|place| format!("?{place}"))
        .collect();
    let sql = format!("INSERT INTO {} VALUES ({})", table.name, places.join(", "));
    let mut statement = transaction.prepare(&sql)?;
    let mut rows = 0;
    for row in table.rows(log) {
        statement.execute(params_from_iter(row))?;
        rows += 1;
    }
    Ok(rows)
}

/// Sharpe ratios of all days again: one more day changes those after it.
fn rate_days(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut read = transaction.prepare(
        "SELECT session_id, s.data || '/' || s.venue, s.net_e4, s.capital_e4 FROM sessions s \
         ORDER BY 2, 1",
    )?;
    let days: Vec<(i64, String, i64, i64)> = read
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut write =
        transaction.prepare("UPDATE performance_days SET sharpe_ratio = ?2 WHERE session_id = ?1")?;
    for kind in days.chunk_by(|one, next| one.1 == next.1) {
        let returns: Vec<f64> = kind.iter().map(|day| daily_return(day.2, day.3)).collect();
        for (day, ratio) in kind.iter().zip(sharpe_ratios(&returns)) {
            write.execute((day.0, ratio))?;
        }
    }
    Ok(())
}
