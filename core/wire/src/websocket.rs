//! An open WebSocket, ours or the peer's side, over any byte stream.
//!
//! Invariants: a PING is answered before the next message is handed out, so a PONG tells the peer that every
//! earlier message was taken in; no frame or message is longer than [`FRAME_BYTES_MAX`]; what waits to be sent is
//! bounded. On a non-blocking stream no call waits. Left out: compression and other extensions.
//! Facts: RFC 6455; framing and masking are done by `tungstenite`.

use std::io::{self, Read, Write};

use bijli_core::limits::FRAME_BYTES_MAX;
use tungstenite::error::CapacityError;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocket, WebSocketConfig};
pub use tungstenite::{Bytes, Utf8Bytes};

use crate::error::WireError;

/// Most bytes that may wait for a peer that does not read.
pub const SEND_BACKLOG_BYTES_MAX: usize = 2 * FRAME_BYTES_MAX;
const READ_BUFFER_BYTES: usize = 128 * 1024;

const _: () = assert!(SEND_BACKLOG_BYTES_MAX > FRAME_BYTES_MAX);

/// One whole message or control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A binary message.
    Binary(Bytes),
    /// A text message.
    Text(Utf8Bytes),
    /// The peer asked for a sign of life; it is being answered already.
    Ping(Bytes),
    /// The answer to our ping.
    Pong(Bytes),
    /// The peer closes; 1005 stands for "no code given".
    Close {
        /// Close code of RFC 6455 §7.4.
        code: u16,
        /// The peer's words.
        reason: String,
    },
}

/// Which side of the connection we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// We opened it; what we send is masked.
    Client,
    /// We accepted it.
    Server,
}

/// An open WebSocket connection.
#[derive(Debug)]
pub struct WsConnection<S> {
    socket: WebSocket<Counted<S>>,
    unflushed: bool,
    /// Bytes received when the last whole message was handed out.
    bytes_at_message: u64,
}

/// A stream that counts what it gives: a message that never becomes whole shows in nothing else.
#[derive(Debug)]
struct Counted<S> {
    stream: S,
    bytes: u64,
}

impl<S: Read> Read for Counted<S> {
    #[inline]
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.stream.read(into)?;
        self.bytes += bytes as u64;
        Ok(bytes)
    }
}

impl<S: Write> Write for Counted<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl<S: Read + Write> WsConnection<S> {
    /// Takes over a stream right after the HTTP upgrade; `already_read` are bytes that followed the head.
    #[must_use]
    pub fn after_upgrade(stream: S, side: Side, already_read: Vec<u8>) -> Self {
        let role = match side {
            Side::Client => Role::Client,
            Side::Server => Role::Server,
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(SEND_BACKLOG_BYTES_MAX)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let stream = Counted { stream, bytes: 0 };
        Self {
            socket: WebSocket::from_partially_read(stream, already_read, role, Some(config)),
            unflushed: false,
            bytes_at_message: 0,
        }
    }

    /// The next message; `Ok(None)` when the stream has no whole message now.
    ///
    /// # Errors
    /// [`WireError::Closed`] at the end of the stream; other errors when the peer breaks the protocol or the
    /// transport fails. After an error the connection is of no further use.
    pub fn read(&mut self) -> Result<Option<Message>, WireError> {
        if self.unflushed {
            self.flush()?;
        }
        let message = match self.socket.read() {
            Ok(message) => message,
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return Ok(None);
            }
            Err(error) => return Err(translate(error, "reading a WebSocket message")),
        };
        self.bytes_at_message = self.socket.get_ref().bytes;
        let message = match message {
            tungstenite::Message::Binary(bytes) => Message::Binary(bytes),
            tungstenite::Message::Text(text) => Message::Text(text),
            tungstenite::Message::Ping(bytes) => {
                self.flush()?;
                Message::Ping(bytes)
            }
            tungstenite::Message::Pong(bytes) => Message::Pong(bytes),
            tungstenite::Message::Close(frame) => {
                let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                    (u16::from(frame.code), frame.reason.to_string())
                });
                // The peer may be gone already; its close frame is what matters.
                let _answered = self.flush();
                Message::Close { code, reason }
            }
            tungstenite::Message::Frame(_) => {
                return Err(WireError::protocol("reading a WebSocket message", "a bare frame"));
            }
        };
        Ok(Some(message))
    }

    /// Sends a binary message, or queues what the stream does not take now.
    ///
    /// # Errors
    /// [`WireError::SendBacklogFull`] when the peer does not read; [`WireError::Closed`] after a close; transport errors.
    pub fn send_binary(&mut self, bytes: impl Into<Bytes>) -> Result<(), WireError> {
        self.send(tungstenite::Message::Binary(bytes.into()))
    }

    /// Sends a text message, or queues what the stream does not take now.
    ///
    /// # Errors
    /// As [`WsConnection::send_binary`].
    pub fn send_text(&mut self, text: impl Into<Utf8Bytes>) -> Result<(), WireError> {
        self.send(tungstenite::Message::Text(text.into()))
    }

    /// Sends a ping; the payload is cut to the 125 bytes that the protocol allows.
    ///
    /// # Errors
    /// As [`WsConnection::send_binary`].
    pub fn send_ping(&mut self, payload: &[u8]) -> Result<(), WireError> {
        let payload = &payload[..payload.len().min(125)];
        self.send(tungstenite::Message::Ping(Bytes::copy_from_slice(payload)))
    }

    /// Sends an unasked pong. Pings are answered by [`WsConnection::read`] without this.
    ///
    /// # Errors
    /// As [`WsConnection::send_binary`].
    pub fn send_pong(&mut self, payload: &[u8]) -> Result<(), WireError> {
        let payload = &payload[..payload.len().min(125)];
        self.send(tungstenite::Message::Pong(Bytes::copy_from_slice(payload)))
    }

    /// Starts the closing handshake. Reads go on until [`WireError::Closed`].
    ///
    /// # Errors
    /// As [`WsConnection::send_binary`].
    pub fn close(&mut self, code: u16, reason: &'static str) -> Result<(), WireError> {
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: Utf8Bytes::from_static(reason),
        };
        let outcome = self.socket.close(Some(frame));
        self.settle(outcome, "closing a WebSocket")
    }

    /// Pushes queued bytes on; `Ok` also when the stream would block.
    ///
    /// # Errors
    /// Transport errors.
    pub fn flush(&mut self) -> Result<(), WireError> {
        let outcome = self.socket.flush();
        self.settle(outcome, "flushing a WebSocket")
    }

    /// Whether bytes wait for the stream to become writable.
    #[must_use]
    pub const fn wants_write(&self) -> bool {
        self.unflushed
    }

    /// Whether bytes have come since the last whole message: another one is under way.
    #[must_use]
    pub fn has_partial_message(&self) -> bool {
        self.socket.get_ref().bytes > self.bytes_at_message
    }

    /// The stream underneath.
    pub fn stream(&self) -> &S {
        &self.socket.get_ref().stream
    }

    /// The stream underneath, for registering it with a poller.
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.socket.get_mut().stream
    }

    fn send(&mut self, message: tungstenite::Message) -> Result<(), WireError> {
        match self.socket.write(message) {
            Ok(()) => self.flush(),
            // The frame stands in the buffer; the stream takes it later.
            outcome @ Err(_) => self.settle(outcome, "sending a WebSocket message"),
        }
    }

    fn settle(
        &mut self,
        outcome: Result<(), tungstenite::Error>,
        doing: &'static str,
    ) -> Result<(), WireError> {
        match outcome {
            Ok(()) => {
                self.unflushed = false;
                Ok(())
            }
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                self.unflushed = true;
                Ok(())
            }
            Err(error) => Err(translate(error, doing)),
        }
    }
}

fn translate(error: tungstenite::Error, doing: &'static str) -> WireError {
    match error {
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => WireError::Closed,
        tungstenite::Error::Protocol(
            tungstenite::error::ProtocolError::ResetWithoutClosingHandshake
            | tungstenite::error::ProtocolError::SendAfterClosing,
        ) => WireError::Closed,
        tungstenite::Error::Io(source) => WireError::io(doing, source),
        tungstenite::Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
            WireError::TooLarge {
                what: "WebSocket message",
                bytes: size,
                bytes_max: max_size,
            }
        }
        tungstenite::Error::WriteBufferFull(_) => WireError::SendBacklogFull,
        other => WireError::protocol(doing, other.to_string()),
    }
}
