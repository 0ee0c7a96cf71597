//! Wire grammars shared by the feed, the gateway and the simulator: TLS, WebSocket and HTTP/1.1.
//!
//! Nothing here opens a socket, reads a clock or starts a thread. Every piece works over a byte stream that its
//! owner brings along (`Read + Write`, blocking or not), so the same code serves loopback tests and the broker.
//! A stream that answers `WouldBlock` is never an error here: the step is simply not finished yet.
//!
//! Left out on purpose: compression (`permessage-deflate` is never offered), HTTP/2, proxies, cookies.
//!
//! Read in this order: [`error`], [`endpoint`], [`tls`], [`http1`], [`websocket`], [`handshake`].

pub mod error;
pub mod endpoint;
pub mod tls;
pub mod http1;
pub mod websocket;
pub mod handshake;

pub use endpoint::{Endpoint, Scheme};
pub use error::WireError;
pub use handshake::{Handshake, WsClient, WsRequest};
pub use websocket::{Message, WsConnection};
