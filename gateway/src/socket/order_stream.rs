//! The order stream: connects, follows the single-use redirect, reconnects for ever with growing, jittered pauses.
//!
//! Invariants: the token goes to the entry alone, never to where it redirects; one redirect is followed; a stream
//! without a frame for [`SILENCE_MAX`] is dead. Left out: what the frames mean.
//! Source: the broker's portfolio stream feed, as told in `upstox/PROTOCOL.md`.

use std::fmt;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bijli_wire::websocket::Message;
use bijli_wire::{Endpoint, Handshake, WireError, WsClient, WsRequest, tls};
use rustls::ClientConfig;

use super::bearer;
use crate::backoff::Backoff;
use crate::error::GatewayError;
use crate::request::Reply;
use crate::rest::verdict::Verdict;

/// Longest wait for a TCP connection of the order stream.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Longest opening of the order stream: TLS, upgrade and redirect.
const OPENING_MAX: Duration = Duration::from_secs(10);
/// The broker pings an idle stream; without any frame for this long the connection counts as dead.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// An open stream that lasted this long was a good one: the pauses begin anew.
const GOOD_AFTER: Duration = Duration::from_secs(5);

/// Where and how the order stream connects.
#[derive(Clone)]
pub struct StreamSettings {
    /// Entry URL, e.g. `wss://api.upstox.com/v2/feed/portfolio-stream-feed`; only order updates are asked for.
    pub url: String,
    /// Access token.
    pub token: String,
    /// A root certificate to trust beside the public ones.
    pub extra_root_pem: Option<String>,
    /// Spreads the reconnections of several processes.
    pub jitter_seed: u64,
}

/// What the order stream has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamOutput {
    /// One text frame.
    Text(String),
    /// The stream came up (`true`) or went down.
    State(bool),
    /// The broker does not accept the token: no more connections are tried.
    TokenRefused,
    /// A 401 that is not in the broker's own words: the token may be dead. Connecting goes on.
    TokenDoubted,
    /// Nothing within the time given.
    Idle,
}

type Client = WsClient<tls::Transport<TcpStream>>;

enum Link {
    Waiting {
        until: Instant,
    },
    Opening(Opening),
    Open {
        client: Client,
        since: Instant,
        last_frame: Instant,
    },
}

struct Opening {
    client: Client,
    endpoint: Endpoint,
    deadline: Instant,
    redirected: bool,
}

/// The order stream: connects, follows the single-use redirect, reconnects for ever with growing, jittered pauses.
pub struct OrderStream {
    entry: Endpoint,
    token: String,
    tls: Arc<ClientConfig>,
    link: Link,
    backoff: Backoff,
    connections: u64,
    last_error: Option<String>,
    token_dead: bool,
}

impl OrderStream {
    /// Prepares the stream; the first [`OrderStream::poll`] connects.
    ///
    /// # Errors
    /// [`GatewayError`] for a URL, token or certificate that cannot be used.
    pub fn new(settings: &StreamSettings) -> Result<Self, GatewayError> {
        let mut url = settings.url.clone();
        if !url.contains("update_types=") {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str("update_types=order");
        }
        let _usable = bearer(&settings.token)?;
        Ok(Self {
            entry: Endpoint::parse(&url)?,
            token: settings.token.clone(),
            tls: tls::client_config(settings.extra_root_pem.as_deref())?,
            link: Link::Waiting {
                until: Instant::now(),
            },
            backoff: Backoff::new(settings.jitter_seed),
            connections: 0,
            last_error: None,
            token_dead: false,
        })
    }

    /// The next thing the stream has to say, waiting at most `wait` for it. Only connecting may take longer: up to
    /// three seconds for a host that does not answer.
    pub fn poll(&mut self, wait: Duration) -> StreamOutput {
        let deadline = Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.step(left) {
                Ok(Some(output)) => return output,
                Ok(None) => {}
                Err(error) => {
                    if let Some(output) = self.lose(&error) {
                        return output;
                    }
                }
            }
            if Instant::now() >= deadline {
                return StreamOutput::Idle;
            }
        }
    }

    /// The token is dead: an open connection is read on, a new one is not tried.
    pub const fn bury_token(&mut self) {
        self.token_dead = true;
    }

    /// How often the stream came up.
    #[must_use]
    pub const fn connections(&self) -> u64 {
        self.connections
    }

    /// Why the stream last went down or did not come up.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    fn step(&mut self, wait: Duration) -> Result<Option<StreamOutput>, WireError> {
        match &mut self.link {
            Link::Waiting { until } => {
                let pause = until.saturating_duration_since(Instant::now());
                if pause > wait || self.token_dead {
                    std::thread::sleep(wait);
                    return Ok(None);
                }
                std::thread::sleep(pause);
                let entry = self.entry.clone();
                self.open(entry, false)?;
                Ok(None)
            }
            Link::Opening(opening) => {
                set_wait(opening.client.stream_mut(), wait)?;
                match opening.client.handshake()? {
                    Handshake::Pending if Instant::now() >= opening.deadline => Err(WireError::Closed),
                    Handshake::Pending => Ok(None),
                    Handshake::Connected => Ok(Some(self.connected())),
                    Handshake::Redirected { .. } if opening.redirected => {
                        Err(refused(302, "a second redirect"))
                    }
                    Handshake::Redirected { location } => {
                        let next = opening.endpoint.redirected(&location)?;
                        self.open(next, true)?;
                        Ok(None)
                    }
                    Handshake::Refused { status: 401, body } if !opening.redirected => {
                        let error = refused(401, &body);
                        let reply = Reply {
                            outcome: Ok(401),
                            body: body.into_bytes(),
                        };
                        let verdict = Verdict::of(&reply);
                        self.token_dead |= verdict == Verdict::TokenDead;
                        let _was_not_open = self.lose(&error);
                        Ok(match verdict {
                            Verdict::TokenDead => Some(StreamOutput::TokenRefused),
                            Verdict::TokenDoubted => Some(StreamOutput::TokenDoubted),
                            _ => None,
                        })
                    }
                    Handshake::Refused { status, body } => Err(refused(status, &body)),
                }
            }
            Link::Open {
                client, last_frame, ..
            } => {
                set_wait(client.stream_mut(), wait)?;
                match client.read()? {
                    Some(message) => {
                        *last_frame = Instant::now();
                        text_of(message)
                    }
                    None if last_frame.elapsed() >= SILENCE_MAX => Err(WireError::Closed),
                    None => Ok(None),
                }
            }
        }
    }

    fn open(&mut self, endpoint: Endpoint, redirected: bool) -> Result<(), WireError> {
        let socket = connect(&endpoint)?;
        let stream = if endpoint.scheme().is_tls() {
            tls::Transport::tls_client(Arc::clone(&self.tls), endpoint.host(), socket)?
        } else {
            tls::Transport::Plain(socket)
        };
        let request = WsRequest {
            endpoint: &endpoint,
            // The redirect's address is its own, single-use permission.
            bearer: (!redirected).then_some(self.token.as_str()),
        };
        let client = WsClient::start(stream, &request)?;
        self.link = Link::Opening(Opening {
            client,
            endpoint,
            deadline: Instant::now() + OPENING_MAX,
            redirected,
        });
        Ok(())
    }

    fn connected(&mut self) -> StreamOutput {
        let now = Instant::now();
        let waiting = Link::Waiting { until: now };
        if let Link::Opening(opening) = std::mem::replace(&mut self.link, waiting) {
            self.link = Link::Open {
                client: opening.client,
                since: now,
                last_frame: now,
            };
        }
        self.connections += 1;
        StreamOutput::State(true)
    }

    /// The connection is gone or never came: waits with a growing pause, and tells if it was open.
    fn lose(&mut self, error: &WireError) -> Option<StreamOutput> {
        let since = match self.link {
            Link::Open { since, .. } => Some(since),
            Link::Waiting { .. } | Link::Opening(_) => None,
        };
        if since.is_some_and(|since| since.elapsed() >= GOOD_AFTER) {
            self.backoff.reset();
        }
        let until = Instant::now() + self.backoff.next_pause();
        self.link = Link::Waiting { until };
        self.last_error = Some(error.to_string());
        since.map(|_| StreamOutput::State(false))
    }
}

impl fmt::Debug for OrderStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderStream")
            .field("entry", &self.entry)
            .field("connections", &self.connections)
            .field("last_error", &self.last_error)
            .finish_non_exhaustive()
    }
}

/// Text is handed on, signs of life are answered already, binary frames mean nothing here.
fn text_of(message: Message) -> Result<Option<StreamOutput>, WireError> {
    match message {
        Message::Text(text) => Ok(Some(StreamOutput::Text(text.to_string()))),
        Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => Ok(None),
        Message::Close { .. } => Err(WireError::Closed),
    }
}

fn refused(status: u16, body: &str) -> WireError {
    WireError::Protocol {
        doing: "opening the order stream",
        reason: format!("status {status}: {body}"),
    }
}

fn failed(doing: &'static str, source: std::io::Error) -> WireError {
    WireError::Io { doing, source }
}

/// How long the next read may wait; zero means not at all.
fn set_wait(stream: Option<&mut tls::Transport<TcpStream>>, wait: Duration) -> Result<(), WireError> {
    let socket = stream.ok_or(WireError::Closed)?.socket();
    let set = if wait.is_zero() {
        socket.set_nonblocking(true)
    } else {
        socket
            .set_nonblocking(false)
            .and_then(|()| socket.set_read_timeout(Some(wait)))
    };
    set.map_err(|source| failed("waiting on the order stream", source))
}

fn connect(endpoint: &Endpoint) -> Result<TcpStream, WireError> {
    const DOING: &str = "connecting the order stream";
    let resolved = (endpoint.host(), endpoint.port()).to_socket_addrs();
    let mut addresses: Vec<SocketAddr> = resolved.map_err(|source| failed(DOING, source))?.collect();
    // The registered address is of one family; see the REST lanes.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT_MAX) {
            Ok(socket) => {
                let prepared = socket
                    .set_nodelay(true)
                    .and_then(|()| socket.set_write_timeout(Some(CONNECT_MAX)));
                return prepared.map(|()| socket).map_err(|source| failed(DOING, source));
            }
            Err(error) => last = error,
        }
    }
    Err(failed(DOING, last))
}
