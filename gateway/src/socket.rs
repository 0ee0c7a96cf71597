//! The only file of this crate that touches sockets and clocks: REST lanes and the order stream.
//!
//! Invariants: a request is written at most once, whatever happens to the connection (no retries, no redirects,
//! no second try on a dead pooled socket); whether a byte of it may have left is known exactly; a body longer
//! than [`REPLY_BYTES_MAX`] is no reply; a connection that timed out or sat idle for [`IDLE_MAX`] is not used
//! again; certificates are always verified and the token is printed nowhere. Left out: what replies mean.
//! Source: the broker's API documentation (hosts, stream entry), as told in `upstox/PROTOCOL.md`.

mod address_book;
mod stamped_transport;

use std::fmt;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bijli_wire::websocket::Message;
use bijli_wire::{Endpoint, Handshake, WireError, WsClient, WsRequest, tls};
use rustls::ClientConfig;
use ureq::http::{HeaderValue, Request as HttpRequest, header};
use ureq::unversioned::transport::{Connector, TcpConnector};
use ureq::{Agent, config::IpFamily};

use self::address_book::AddressBook;
use self::stamped_transport::{SharedStamps, StampingConnector, Stamps, lock};
use crate::backoff::Backoff;
use crate::error::GatewayError;
use crate::request::{Host, Lane, Method, Reply, Request, RequestId, Transport};
use crate::upstox::envelope::REPLY_BYTES_MAX;

/// A connection idle for longer is not used again.
pub const IDLE_MAX: Duration = Duration::from_secs(20);
/// Longest wait for a TCP connection of the order stream.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Longest opening of the order stream: TLS, upgrade and redirect.
const OPENING_MAX: Duration = Duration::from_secs(10);
/// The broker pings an idle stream; without any frame for this long the connection counts as dead.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// An open stream that lasted this long was a good one: the pauses begin anew.
const GOOD_AFTER: Duration = Duration::from_secs(5);

/// Where and how a REST lane connects.
#[derive(Clone)]
pub struct RestSettings {
    /// Base URL of reads, e.g. `https://api.upstox.com`.
    pub api_url: String,
    /// Base URL of place, modify and cancel.
    pub order_url: String,
    /// Access token.
    pub token: String,
    /// A root certificate to trust beside the public ones.
    pub extra_root_pem: Option<String>,
    /// Longest time for one request from start to the end of its reply.
    pub timeout: Duration,
}

/// A reply with the times that were taken around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedReply {
    /// The reply.
    pub reply: Reply,
    /// From the call until the last byte of the request was handed to the kernel; 0 if nothing was written.
    pub write_ns: u64,
    /// From the call until the reply was complete or given up.
    pub total_ns: u64,
}

/// One warm connection per host, one request at a time.
pub struct RestLane {
    agent: Agent,
    api_url: String,
    order_url: String,
    authorization: HeaderValue,
    stamps: SharedStamps,
    addresses: AddressBook,
    last_use: Option<Instant>,
}

impl RestLane {
    /// Prepares a lane; nothing is connected yet.
    ///
    /// # Errors
    /// [`GatewayError`] for a URL, token or certificate that cannot be used.
    pub fn new(settings: &RestSettings) -> Result<Self, GatewayError> {
        let tls = tls::client_config(settings.extra_root_pem.as_deref())?;
        let stamps = SharedStamps::default();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            // The order host answers on IPv4 only for some accounts, and the registered address is of one family.
            .ip_family(IpFamily::Ipv4Only)
            .timeout_global(Some(settings.timeout))
            .max_idle_age(IDLE_MAX)
            .user_agent("bijli")
            .build();
        let wrap = StampingConnector {
            tls,
            stamps: Arc::clone(&stamps),
        };
        let connector = ().chain(TcpConnector::default()).chain(wrap);
        let addresses = AddressBook::default();
        Ok(Self {
            agent: Agent::with_parts(config, connector, addresses.clone()),
            addresses,
            api_url: base_url(&settings.api_url)?,
            order_url: base_url(&settings.order_url)?,
            authorization: bearer(&settings.token)?,
            stamps,
            last_use: None,
        })
    }

    /// Performs a request once and waits for its end.
    pub fn perform(&mut self, request: &Request) -> TimedReply {
        let begin = Instant::now();
        *lock(&self.stamps) = Stamps {
            hold_head: request.body.is_some(),
            ..Stamps::default()
        };
        let answered = self.exchange(request);
        let stamps = lock(&self.stamps);
        let reply = match answered {
            Ok((status, body)) => Reply {
                outcome: Ok(status),
                body,
            },
            Err(_) => {
                self.addresses.forget();
                Reply {
                    outcome: Err(Transport {
                        wrote_bytes: stamps.wrote,
                    }),
                    body: Vec::new(),
                }
            }
        };
        let written = stamps.written.map(|at| at.duration_since(begin));
        drop(stamps);
        self.last_use = Some(Instant::now());
        TimedReply {
            reply,
            write_ns: written.map_or(0, nanoseconds),
            total_ns: nanoseconds(begin.elapsed()),
        }
    }

    /// Opens or refreshes the connection to a host that was idle for `idle`, with a read that changes nothing.
    /// Tells whether the host answered; `None` when there was no need.
    pub fn keep_warm(&mut self, host: Host, idle: Duration) -> Option<bool> {
        if self.last_use.is_some_and(|last| last.elapsed() < idle) {
            return None;
        }
        let request = Request {
            id: RequestId::new(0),
            lane: Lane::Read,
            host,
            method: Method::Get,
            path: "/".to_owned(),
            body: None,
        };
        Some(self.perform(&request).reply.outcome.is_ok())
    }

    fn exchange(&self, request: &Request) -> Result<(u16, Vec<u8>), ureq::Error> {
        let base = match request.host {
            Host::Api => &self.api_url,
            Host::Order => &self.order_url,
        };
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        };
        let head = HttpRequest::builder()
            .method(method)
            .uri(format!("{base}{}", request.path))
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::ACCEPT, "application/json");
        let response = match &request.body {
            Some(body) => {
                let typed = head.header(header::CONTENT_TYPE, "application/json");
                self.agent.run(typed.body(body.as_str())?)?
            }
            None => self.agent.run(head.body(())?)?,
        };
        let status = response.status().as_u16();
        let limit = u64::try_from(REPLY_BYTES_MAX).expect("the limit is small");
        let body = response
            .into_body()
            .into_with_config()
            .limit(limit)
            .read_to_vec()?;
        Ok((status, body))
    }
}

impl fmt::Debug for RestLane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestLane")
            .field("api_url", &self.api_url)
            .field("order_url", &self.order_url)
            .finish_non_exhaustive()
    }
}

fn base_url(url: &str) -> Result<String, GatewayError> {
    let _usable = Endpoint::parse(url)?;
    Ok(url.trim_end_matches('/').to_owned())
}

fn bearer(token: &str) -> Result<HeaderValue, GatewayError> {
    let printable = !token.is_empty() && token.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    let value = HeaderValue::from_str(&format!("Bearer {token}"));
    let mut value = value.ok().filter(|_| printable).ok_or(GatewayError::BadToken)?;
    value.set_sensitive(true);
    Ok(value)
}

fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

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
                if pause > wait {
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
