//! Why the engine could not start.

use std::path::PathBuf;

use crate::store::StoreError;

/// Why the engine could not start.
#[derive(Debug)]
pub enum StartError {
    /// A file could not be had.
    Store(StoreError),
    /// The control socket could not be bound.
    Control(PathBuf, std::io::Error),
    /// A connection's settings are of no use.
    Connection(String),
    /// The system refused a thread.
    Thread(std::io::Error),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Control(path, error) => write!(f, "binding the control socket {}: {error}", path.display()),
            Self::Connection(what) => f.write_str(what),
            Self::Thread(error) => write!(f, "starting a thread: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
