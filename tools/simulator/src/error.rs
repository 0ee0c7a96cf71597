//! Why a simulator cannot start.

use std::fmt;
use std::net::SocketAddr;

use crate::day::DayError;

/// Why a simulator cannot start; the text says what to do.
#[derive(Debug)]
pub enum SimError {
    /// The day cannot be read.
    Day(DayError),
    /// Asked to listen where others could reach it.
    NotLoopback(SocketAddr),
    /// An address cannot be listened on.
    Listen {
        /// Which.
        address: SocketAddr,
        /// The system's words.
        reason: String,
    },
    /// The speed is no positive number.
    Speed(f64),
    /// The system refused something else.
    Io {
        /// What was being done.
        doing: &'static str,
        /// The system's words.
        reason: String,
    },
    /// The certificate could not be made.
    Certificate(String),
}

impl SimError {
    pub(crate) fn io(doing: &'static str, error: &std::io::Error) -> Self {
        Self::Io {
            doing,
            reason: error.to_string(),
        }
    }
}

impl From<DayError> for SimError {
    fn from(error: DayError) -> Self {
        Self::Day(error)
    }
}

impl fmt::Display for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(error) => write!(f, "{error}"),
            Self::NotLoopback(address) => write!(
                f,
                "the simulator listens on loopback alone, not on {address}; use 127.0.0.1 and a port"
            ),
            Self::Listen { address, reason } => {
                write!(
                    f,
                    "listening on {address}: {reason}; choose another port, or 0 for any free one"
                )
            }
            Self::Speed(times) => write!(
                f,
                "a speed of {times} times is not possible; use a number above 0, or max"
            ),
            Self::Io { doing, reason } => write!(f, "{doing}: {reason}; check the limits of the system"),
            Self::Certificate(reason) => write!(f, "making the simulator's certificate: {reason}"),
        }
    }
}

impl std::error::Error for SimError {}
