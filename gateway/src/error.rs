//! The one error type of this crate: what cannot be set up, why, and what an operator may do.
//!
//! Only setting up can fail. What happens later on the wire is an outcome, never an error: see [`crate::evidence`].

use std::fmt;

use bijli_wire::WireError;

/// Why a connection cannot even be prepared.
#[derive(Debug)]
pub enum GatewayError {
    /// The access token cannot stand in a header. Its text is not repeated here.
    BadToken,
    /// The name of the algorithm cannot stand in a header.
    BadAlgoName,
    /// A URL or certificate cannot be used.
    Wire(WireError),
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadToken => f.write_str(
                "preparing the broker connection: the access token is empty or holds characters that no \
                 header may carry; log in again and paste the token without spaces or line breaks",
            ),
            Self::BadAlgoName => f.write_str(
                "preparing the broker connection: the algorithm name is empty or holds characters that no header \
                 may carry; write it as registered with the exchange, or leave it out",
            ),
            Self::Wire(error) => write!(f, "preparing the broker connection: {error}"),
        }
    }
}

impl std::error::Error for GatewayError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::BadToken | Self::BadAlgoName => None,
            Self::Wire(error) => Some(error),
        }
    }
}

impl From<WireError> for GatewayError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}
