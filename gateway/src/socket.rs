//! The only part of this crate that touches sockets and clocks: REST lanes and the order stream.
//!
//! Invariants: a request is written at most once, whatever happens to the connection (no retries, no redirects,
//! no second try on a dead pooled socket); whether a byte of it may have left is known exactly; what is withdrawn
//! before its first byte never leaves, however long connecting took; a body longer
//! than [`crate::upstox::envelope::REPLY_BYTES_MAX`] is no reply; a connection that timed out or sat idle for
//! [`IDLE_MAX`] is not used again; certificates are always verified and the token is printed nowhere. Left out:
//! what replies mean. Source: the broker's API documentation (hosts, stream entry), as told in `upstox/PROTOCOL.md`.

mod address_book;
mod stamped_transport;
mod rest_lane;
mod rest_caller;
mod order_stream;
mod download;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bijli_core::TsNs;
use ureq::http::HeaderValue;

pub use self::download::{DownloadError, DownloadSettings, download};
pub use self::order_stream::{OrderStream, StreamOutput, StreamSettings};
pub use self::rest_caller::RestCaller;
pub use self::rest_lane::{RestLane, RestSettings, TimedReply};
pub use self::stamped_transport::MayLeave;
use crate::error::GatewayError;

/// A connection idle for longer is not used again.
pub const IDLE_MAX: Duration = Duration::from_secs(20);

fn wall_now() -> TsNs {
    let passed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    TsNs::new(i64::try_from(passed.as_nanos()).unwrap_or(i64::MAX))
}

fn bearer(token: &str) -> Result<HeaderValue, GatewayError> {
    let value = printable_header(token).and_then(|_| HeaderValue::from_str(&format!("Bearer {token}")).ok());
    let mut value = value.ok_or(GatewayError::BadToken)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Text of visible ASCII alone, as a header's value.
fn printable_header(text: &str) -> Option<HeaderValue> {
    let printable = !text.is_empty() && text.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    HeaderValue::from_str(text).ok().filter(|_| printable)
}
