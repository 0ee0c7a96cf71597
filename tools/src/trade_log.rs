//! The trade log: everything that a day's journal says of trading, as tables for people and programs.
//!
//! One replay of a journal gives a [`DayLog`]; [`schema::TABLES`] says once, for every format, which columns that
//! has and what they mean; [`sqlite`], [`parquet_files`] and [`csv_files`] only write them. Invariants: everything
//! is derived, so a log can be thrown away and made again, byte for byte; a round trip, a slippage, a charge is
//! computed where the report computes it, never a second time; money is exact, in 1/10 000 rupee. Tables, columns
//! and units for users: `TRADE_LOG.md`. Left out: wire times of orders, which no journal holds (`latency.json`).

pub mod collect;
pub mod csv_files;
pub mod day_log;
pub mod parquet_files;
pub mod performance;
pub mod schema;
pub mod sheet;
pub mod sqlite;
mod stages;
mod tables_books;
mod tables_changes;
mod tables_day;
mod tables_orders;
pub mod tie_out;
pub mod tradebook;

use std::fmt;
use std::path::PathBuf;

use bijli_core::IstDay;

pub use collect::collect;
pub use day_log::DayLog;

use crate::replica::ReplayError;

/// Why there is no trade log.
#[derive(Debug)]
pub enum TradeLogError {
    /// The journal could not be replayed.
    Replay(ReplayError),
    /// The journal holds no session: nothing was begun.
    NoSession(PathBuf),
    /// Two of the journals are the same session.
    Twice(IstDay),
    /// The database holds that day from another journal.
    OtherJournal(PathBuf, IstDay),
    /// A file that is there is not ours, or of another version.
    Foreign(PathBuf, String),
    /// A file could not be written.
    Io(PathBuf, std::io::Error),
    /// The database refused.
    Sqlite(PathBuf, rusqlite::Error),
    /// The table file could not be made.
    Parquet(PathBuf, parquet::errors::ParquetError),
}

impl fmt::Display for TradeLogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replay(error @ (ReplayError::Damaged { .. } | ReplayError::Undecodable { .. })) => {
                write!(f, "{error}; `--prefix` takes the sound records before it")
            }
            Self::Replay(error) => error.fmt(f),
            Self::NoSession(path) => {
                write!(f, "{} holds no session yet: nothing to tell", path.display())
            }
            Self::Twice(day) => write!(
                f,
                "two of the journals are the same session of {day}: export one of them, a log holds a session once"
            ),
            Self::OtherJournal(path, day) => write!(
                f,
                "{} holds {day} from another journal, opened at another time: name another file, or let this one take \
                 its place with --replace",
                path.display()
            ),
            Self::Foreign(path, why) => write!(f, "{}: {why}", path.display()),
            Self::Io(path, error) => write!(f, "{}: {error}: check space and rights", path.display()),
            Self::Sqlite(path, error) => write!(f, "{}: the database says: {error}", path.display()),
            Self::Parquet(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for TradeLogError {}

/// The sentence that must stand beside numbers which are not real money's; `None` for a live day.
#[must_use]
pub fn warning_of(log: &DayLog) -> Option<String> {
    let words = crate::words::banner_words(log.session.data, log.session.venue);
    (!words.is_empty()).then(|| words.join(", "))
}

/// Puts days in order and gives each its Sharpe ratio over those before it.
///
/// # Errors
/// [`TradeLogError::Twice`] if a session is there twice.
pub fn rate(logs: &mut [DayLog]) -> Result<(), TradeLogError> {
    logs.sort_by_key(|log| (log.session.data as u8, log.session.venue as u8, log.session.id));
    if let Some(pair) = logs
        .windows(2)
        .find(|pair| pair[0].session.id == pair[1].session.id)
    {
        return Err(TradeLogError::Twice(pair[0].session.day));
    }
    let kind = |log: &DayLog| (log.session.data, log.session.venue);
    for days in logs.chunk_by_mut(|one, next| kind(one) == kind(next)) {
        let returns: Vec<f64> = days
            .iter()
            .map(|log| performance::daily_return(log.day.net.get(), log.day.capital.get()))
            .collect();
        for (log, ratio) in days.iter_mut().zip(performance::sharpe_ratios(&returns)) {
            log.performance.sharpe = ratio;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
