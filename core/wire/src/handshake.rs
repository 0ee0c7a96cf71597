//! The client side of a WebSocket opening, one step at a time, over any byte stream.
//!
//! The broker answers the entry URL with a redirect instead of an upgrade, so a redirect is an outcome and not an
//! error; following it is the caller's decision. Invariants: an upgrade counts only with the right accept key; a
//! refusal keeps its status and the start of its body. Left out: subprotocols, extensions, cookies.
//! Facts: RFC 6455 §4; redirect and refusal codes: the broker's market feed V3 and portfolio feed pages.

use std::io::{self, Read, Write};

use crate::endpoint::Endpoint;
use crate::error::WireError;
use crate::http1::{self, ResponseHead};
use crate::websocket::{Message, Side, WsConnection};

/// Most bytes of a refusal's body that are kept.
pub const REFUSAL_BODY_BYTES_MAX: usize = 2048;
const READ_BYTES: usize = 4096;

/// What to ask for.
#[derive(Clone, Copy, Debug)]
pub struct WsRequest<'a> {
    /// Where the stream leads to.
    pub endpoint: &'a Endpoint,
    /// Bearer token for the `Authorization` header; absent on the single-use address.
    pub bearer: Option<&'a str>,
}

/// How far the opening has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// Not finished; call again when the stream is ready.
    Pending,
    /// The WebSocket is open.
    Connected,
    /// The peer sends us elsewhere (301, 302, 303, 307 or 308).
    Redirected {
        /// The `Location` header as sent; resolve it with [`Endpoint::redirected`].
        location: String,
    },
    /// The peer refused.
    Refused {
        /// HTTP status.
        status: u16,
        /// Start of the body, made printable.
        body: String,
    },
}

#[derive(Debug)]
enum State<S> {
    Opening(Box<Opening<S>>),
    Open(Box<WsConnection<S>>),
    Over,
}

/// A WebSocket client: first the opening, then the connection.
#[derive(Debug)]
pub struct WsClient<S> {
    state: State<S>,
}

impl<S: Read + Write> WsClient<S> {
    /// Prepares the opening on a stream; nothing is sent before [`WsClient::handshake`].
    ///
    /// # Errors
    /// [`WireError::BadUrl`] when the bearer token cannot stand in a header.
    pub fn start(stream: S, request: &WsRequest<'_>) -> Result<Self, WireError> {
        let key = tungstenite::handshake::client::generate_key();
        Ok(Self {
            state: State::Opening(Box::new(Opening {
                stream,
                head: request_head(request, &key)?,
                written_bytes: 0,
                flushed: false,
                received: Vec::with_capacity(READ_BYTES),
                accept: tungstenite::handshake::derive_accept_key(key.as_bytes()),
                refusal: None,
            })),
        })
    }

    /// Goes as far as the stream allows. After `Redirected` or `Refused` the client is over.
    ///
    /// # Errors
    /// [`WireError`] when the transport fails or the answer is no proper WebSocket answer; the client is over then.
    pub fn handshake(&mut self) -> Result<Handshake, WireError> {
        let mut opening = match std::mem::replace(&mut self.state, State::Over) {
            State::Opening(opening) => opening,
            State::Open(connection) => {
                self.state = State::Open(connection);
                return Ok(Handshake::Connected);
            }
            State::Over => return Err(WireError::Closed),
        };
        match opening.advance()? {
            Progress::Blocked => {
                self.state = State::Opening(opening);
                Ok(Handshake::Pending)
            }
            Progress::Upgraded { head_bytes } => {
                let rest = opening.received.split_off(head_bytes);
                let connection = WsConnection::after_upgrade(opening.stream, Side::Client, rest);
                self.state = State::Open(Box::new(connection));
                Ok(Handshake::Connected)
            }
            Progress::Elsewhere(outcome) => Ok(outcome),
        }
    }

    /// The open connection, once [`Handshake::Connected`] was seen.
    pub fn connection(&mut self) -> Option<&mut WsConnection<S>> {
        match &mut self.state {
            State::Open(connection) => Some(connection),
            State::Opening(_) | State::Over => None,
        }
    }

    /// The next message; `Ok(None)` when the stream has no whole message now.
    ///
    /// # Errors
    /// [`WireError::Closed`] before the opening or after the end; otherwise as [`WsConnection::read`].
    pub fn read(&mut self) -> Result<Option<Message>, WireError> {
        self.connection().ok_or(WireError::Closed)?.read()
    }

    /// Whether a message has begun to arrive and is not whole yet.
    pub fn has_partial_message(&mut self) -> bool {
        self.connection()
            .is_some_and(|connection| connection.has_partial_message())
    }

    /// Sends a binary message.
    ///
    /// # Errors
    /// [`WireError::Closed`] before the opening or after the end; otherwise as [`WsConnection::send_binary`].
    pub fn send_binary(&mut self, bytes: impl Into<tungstenite::Bytes>) -> Result<(), WireError> {
        self.connection().ok_or(WireError::Closed)?.send_binary(bytes)
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// [`WireError::Closed`] before the opening or after the end; otherwise as [`WsConnection::send_text`].
    pub fn send_text(&mut self, text: impl Into<tungstenite::Utf8Bytes>) -> Result<(), WireError> {
        self.connection().ok_or(WireError::Closed)?.send_text(text)
    }

    /// Starts the closing handshake.
    ///
    /// # Errors
    /// [`WireError::Closed`] before the opening or after the end; otherwise as [`WsConnection::close`].
    pub fn close(&mut self, code: u16, reason: &'static str) -> Result<(), WireError> {
        self.connection().ok_or(WireError::Closed)?.close(code, reason)
    }

    /// The stream underneath, for registering it with a poller; `None` when the client is over.
    pub fn stream_mut(&mut self) -> Option<&mut S> {
        match &mut self.state {
            State::Opening(opening) => Some(&mut opening.stream),
            State::Open(connection) => Some(connection.stream_mut()),
            State::Over => None,
        }
    }
}

enum Progress {
    Blocked,
    Upgraded { head_bytes: usize },
    Elsewhere(Handshake),
}

#[derive(Debug)]
struct Refusal {
    status: u16,
    head_bytes: usize,
    /// What is still to come; `None` when the peer did not say.
    body_bytes: Option<usize>,
}

#[derive(Debug)]
struct Opening<S> {
    stream: S,
    head: Vec<u8>,
    written_bytes: usize,
    flushed: bool,
    received: Vec<u8>,
    accept: String,
    refusal: Option<Refusal>,
}

impl<S: Read + Write> Opening<S> {
    fn advance(&mut self) -> Result<Progress, WireError> {
        if !self.send_request()? {
            return Ok(Progress::Blocked);
        }
        loop {
            let arrived = self.receive()?;
            if self.refusal.is_none() {
                match ResponseHead::parse(&self.received)? {
                    Some((head, head_bytes)) => {
                        if let Some(progress) = self.judge(&head, head_bytes)? {
                            return Ok(progress);
                        }
                    }
                    None if arrived == Some(0) => return Err(WireError::Closed),
                    None => {}
                }
            }
            if let Some(refusal) = &self.refusal {
                let body = &self.received[refusal.head_bytes..];
                let wanted = refusal
                    .body_bytes
                    .unwrap_or(REFUSAL_BODY_BYTES_MAX)
                    .min(REFUSAL_BODY_BYTES_MAX);
                let waits_in_vain = arrived.is_none() && refusal.body_bytes.is_none();
                if body.len() >= wanted || arrived == Some(0) || waits_in_vain {
                    return Ok(Progress::Elsewhere(Handshake::Refused {
                        status: refusal.status,
                        body: printable(&body[..body.len().min(wanted)]),
                    }));
                }
            }
            if arrived.is_none() {
                return Ok(Progress::Blocked);
            }
        }
    }

    /// Whether the whole request has left.
    fn send_request(&mut self) -> Result<bool, WireError> {
        const DOING: &str = "sending the WebSocket request";
        if self.flushed {
            return Ok(true);
        }
        while self.written_bytes < self.head.len() {
            match self.stream.write(&self.head[self.written_bytes..]) {
                Ok(0) => return Err(WireError::Closed),
                Ok(bytes) => self.written_bytes += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(WireError::io(DOING, error)),
            }
        }
        match self.stream.flush() {
            Ok(()) => {
                self.flushed = true;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(WireError::io(DOING, error)),
        }
    }

    /// Bytes that arrived; `None` when the stream would block, `Some(0)` at its end.
    fn receive(&mut self) -> Result<Option<usize>, WireError> {
        let mut buffer = [0; READ_BYTES];
        match self.stream.read(&mut buffer) {
            Ok(bytes) => {
                self.received.extend_from_slice(&buffer[..bytes]);
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Some(0)),
            Err(error) => Err(WireError::io("reading the WebSocket answer", error)),
        }
    }

    fn judge(&mut self, head: &ResponseHead, head_bytes: usize) -> Result<Option<Progress>, WireError> {
        const DOING: &str = "reading the WebSocket answer";
        match head.status {
            101 => {
                let upgraded = head.headers.has_token("upgrade", "websocket")
                    && head.headers.has_token("connection", "upgrade");
                if !upgraded {
                    return Err(WireError::protocol(DOING, "101 without the upgrade headers"));
                }
                if head.headers.get("sec-websocket-accept") != Some(self.accept.as_str()) {
                    return Err(WireError::protocol(DOING, "101 with a wrong accept key"));
                }
                if head.headers.get("sec-websocket-extensions").is_some() {
                    return Err(WireError::protocol(DOING, "an extension nobody asked for"));
                }
                Ok(Some(Progress::Upgraded { head_bytes }))
            }
            301 | 302 | 303 | 307 | 308 => match head.headers.get("location") {
                Some(location) => Ok(Some(Progress::Elsewhere(Handshake::Redirected {
                    location: location.to_owned(),
                }))),
                None => Err(WireError::protocol(DOING, "a redirect without a Location")),
            },
            status if status >= 200 => {
                self.refusal = Some(Refusal {
                    status,
                    head_bytes,
                    body_bytes: stated_body_bytes(head),
                });
                Ok(None)
            }
            status => Err(WireError::protocol(DOING, format!("status {status}"))),
        }
    }
}

fn stated_body_bytes(head: &ResponseHead) -> Option<usize> {
    head.headers.get("content-length")?;
    head.headers.body_bytes().ok()
}

fn request_head(request: &WsRequest<'_>, key: &str) -> Result<Vec<u8>, WireError> {
    let mut head = format!("GET {} HTTP/1.1\r\n", request.endpoint.target());
    let host = request.endpoint.host_header();
    http1::write_headers(
        &mut head,
        &[
            ("Host", &host),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", key),
            ("Accept", "*/*"),
        ],
    );
    if let Some(token) = request.bearer {
        if token.is_empty() || !token.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
            return Err(WireError::BadUrl {
                url: request.endpoint.to_string(),
                reason: "the access token is empty or not printable ASCII",
            });
        }
        http1::write_headers(&mut head, &[("Authorization", &format!("Bearer {token}"))]);
    }
    head.push_str("\r\n");
    Ok(head.into_bytes())
}

fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect()
}
