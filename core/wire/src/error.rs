//! The one error type of this crate: what went wrong, while doing what, and what an operator may do.
//!
//! Facts about close codes: RFC 6455 §7.4.

use std::{fmt, io};

/// Why a wire step failed for good. The connection it happened on cannot be used any more.
#[derive(Debug)]
pub enum WireError {
    /// The transport failed.
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// TLS refused the peer, the certificate or the configuration.
    Tls {
        /// What was being done.
        doing: &'static str,
        /// What the TLS library said.
        reason: String,
    },
    /// The peer broke the protocol.
    Protocol {
        /// What was being done.
        doing: &'static str,
        /// Which rule was broken.
        reason: String,
    },
    /// A frame, message or head is larger than this side accepts.
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// Its size where known, otherwise the size seen so far.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A URL that cannot be used.
    BadUrl {
        /// The URL without its query, which may hold a secret.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The connection has ended; nothing more will arrive.
    Closed,
    /// The peer does not read: what waits to be sent has reached its bound.
    SendBacklogFull,
}

impl WireError {
    /// The close code that answers this error (RFC 6455 §7.4.1).
    #[must_use]
    pub const fn close_code(&self) -> u16 {
        match self {
            Self::Protocol { .. } | Self::Tls { .. } | Self::BadUrl { .. } => 1002,
            Self::TooLarge { .. } => 1009,
            Self::Io { .. } | Self::Closed | Self::SendBacklogFull => 1001,
        }
    }

    pub(crate) fn io(doing: &'static str, source: io::Error) -> Self {
        // A TLS failure reaches us wrapped in an I/O error; the operator's remedy differs, so tell them apart.
        if let Some(tls) = source
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            return Self::Tls {
                doing,
                reason: tls.to_string(),
            };
        }
        if source.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Closed;
        }
        Self::Io { doing, source }
    }

    /// The peer broke a rule that is kept outside this crate.
    pub fn protocol(doing: &'static str, reason: impl Into<String>) -> Self {
        Self::Protocol {
            doing,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, source } => {
                write!(
                    f,
                    "{doing}: {source}; check that the far side runs and is reachable"
                )
            }
            Self::Tls { doing, reason } => {
                write!(
                    f,
                    "{doing}: TLS: {reason}; check the host name, the clock and the extra root certificate"
                )
            }
            Self::Protocol { doing, reason } => {
                write!(
                    f,
                    "{doing}: the peer broke the protocol: {reason}; reconnect, and report it if it repeats"
                )
            }
            Self::TooLarge {
                what,
                bytes,
                bytes_max,
            } => {
                write!(
                    f,
                    "{what} of {bytes} bytes is over the limit of {bytes_max}; the peer is not to be trusted"
                )
            }
            Self::BadUrl { url, reason } => {
                write!(f, "URL `{url}`: {reason}; correct it in the configuration")
            }
            Self::Closed => write!(f, "the connection has ended; reconnect"),
            Self::SendBacklogFull => write!(f, "the peer does not read what we send; reconnect"),
        }
    }
}

impl std::error::Error for WireError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Tls { .. }
            | Self::Protocol { .. }
            | Self::TooLarge { .. }
            | Self::BadUrl { .. }
            | Self::Closed
            | Self::SendBacklogFull => None,
        }
    }
}
