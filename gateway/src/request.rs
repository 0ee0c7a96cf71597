//! What crosses the border between the gateway's state machine and its sockets: requests and replies.
//!
//! Invariant: a [`Request`] is performed at most once by whoever takes it; nothing here says "again".
//! Left out: headers and hosts, which only `socket.rs` knows, so no secret is ever in a request.

use std::fmt;

/// Number of a request; its reply carries it back. Never reused within a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// Wraps a running number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The running number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Which connection carries a request; at most one request is in flight on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Lane {
    /// Exits, cancels and changes of exits: whatever lowers risk.
    Exit = 0,
    /// Entries and changes of entries.
    Entry = 1,
    /// Reads of orders, trades and positions.
    Read = 2,
}

/// All lanes, in the order in which they are served.
pub const LANES: [Lane; 3] = [Lane::Exit, Lane::Entry, Lane::Read];

/// Which of the broker's hosts answers (`upstox/PROTOCOL.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// Everything but single-order writes.
    Api,
    /// Place, modify and cancel.
    Order,
}

/// HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// DELETE
    Delete,
}

/// What a request carries, in the form its content type says.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// `application/json`
    Json(String),
    /// `application/x-www-form-urlencoded`; used where an application shows its secret.
    Form(String),
}

impl Body {
    /// The body as it is sent.
    #[must_use]
    pub const fn text(&self) -> &str {
        match self {
            Self::Json(text) | Self::Form(text) => text.as_str(),
        }
    }
}

/// Prints the text unless it holds a secret.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(text) if !text.contains("secret") => write!(f, "Json({text})"),
            Self::Json(text) => write!(f, "Json({} bytes)", text.len()),
            Self::Form(text) => write!(f, "Form({} bytes)", text.len()),
        }
    }
}

/// Whether the access token goes along with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Auth {
    /// `Authorization: Bearer <token>`.
    Bearer,
    /// No such header: login, holidays, timings and candles need none.
    None,
}

/// One HTTP request, without host name and headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Comes back with the reply.
    pub id: RequestId,
    /// Which connection.
    pub lane: Lane,
    /// Which host.
    pub host: Host,
    /// Which method.
    pub method: Method,
    /// Path with query, percent-encoded.
    pub path: String,
    /// What is sent with it.
    pub body: Option<Body>,
    /// Whether the access token goes along.
    pub auth: Auth,
}

/// No complete HTTP reply came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transport {
    /// Whether any byte of the request may have reached the wire. `false` is a proof that none did.
    pub wrote_bytes: bool,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status of a completely received reply, or why there is none.
    pub outcome: Result<u16, Transport>,
    /// Body of the reply; empty without one.
    pub body: Vec<u8>,
}
