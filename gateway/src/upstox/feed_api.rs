//! Asking for the single-use addresses of the two streams.
//!
//! Invariant: an address lets its holder listen once, so it is a secret. Left out: opening it.
//! Source: the broker's feed documentation (authorize calls).

use super::answer::{data, record, words};
use super::call::{Call, PathWriter};
use super::field::Secret;
use crate::evidence::ReadError;
use crate::request::Reply;

words! {
    /// A sort of update on the portfolio stream.
    pub enum UpdateKind {
        /// Orders.
        Order = "order",
        /// Holdings.
        Holding = "holding",
        /// Positions.
        Position = "position",
        /// Standing orders.
        Gtt = "gtt_order",
    }
}

/// The address of the market data stream, version 3.
#[must_use]
pub fn authorize_market() -> Call {
    Call::get("/v3/feed/market-data-feed/authorize")
}

/// The address of the portfolio stream; no kinds asks for the broker's default, which is orders.
#[must_use]
pub fn authorize_portfolio(kinds: &[UpdateKind]) -> Call {
    let path = PathWriter::new("/v2/feed/portfolio-stream-feed/authorize");
    let path = if kinds.is_empty() {
        path
    } else {
        path.list("update_types", kinds)
    };
    Call::get(path.end())
}

record! {
    /// Where a stream may be opened, once.
    pub struct Authorized {
        /// The address; good for one connection, without the token.
        pub authorized_redirect_uri: Secret | "authorizedRedirectUri",
    }
}

/// Where the stream may be opened.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn authorized_of(reply: &Reply) -> Result<Authorized, ReadError> {
    data(reply)
}
