//! What can be wrong with a day on disk: file, line and column, what was expected and what was found.

use std::fmt;
use std::path::{Path, PathBuf};

use bijli_core::IstDay;

/// Why a day cannot be read. The text says what was found where, and what is expected there.
#[derive(Debug)]
pub enum DayError {
    /// The operating system refused.
    Io {
        /// What was being done.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// A file breaks its format.
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column in bytes, from 1.
        column: u64,
        /// What belongs there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A file of none of the known shapes.
    Shape {
        /// Which file.
        path: PathBuf,
        /// Its first line.
        found: String,
    },
    /// The exchange was shut, or its hours are unknown, on that day.
    Closed {
        /// Which day.
        day: IstDay,
    },
}

impl DayError {
    pub(crate) fn io(doing: &'static str, path: &Path, error: &std::io::Error) -> Self {
        Self::Io {
            doing,
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }
}

impl fmt::Display for DayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, path, reason } => {
                write!(
                    f,
                    "{doing}: {}: {reason}; check the path and its permissions",
                    path.display()
                )
            }
            Self::Malformed {
                path,
                line,
                column,
                expected,
                found,
            } => write!(
                f,
                "{}, line {line}, column {column}: expected {expected}, found `{found}`; fetch the file again",
                path.display()
            ),
            Self::Shape { path, found } => write!(
                f,
                "{}: no known shape of day: its first line is `{found}`; a day is a directory of recorded V3 \
                 feeds (*.json.gz), a csv.zst of last prices or a csv.zst of one-minute candles",
                path.display()
            ),
            Self::Closed { day } => write!(
                f,
                "{day} is no trading day that the table of exchange hours covers; choose another day"
            ),
        }
    }
}

impl std::error::Error for DayError {}
