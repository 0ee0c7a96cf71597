//! The feed's only file with I/O: a non-blocking client over TCP, TLS and WebSocket that does what the session asks.
//!
//! Invariants: one connection at a time; a bounded number of frames per [`FeedClient::poll`]; frames are handed out as
//! slices of the WebSocket library's own buffer, in order, and a server's PING is answered after the frames before
//! it were handed out. With `busy_poll` no call waits; otherwise a call waits in epoll, never longer than the session
//! allows. Left out: decoding, stamps (the caller reads its clock in the closure), reading the clock at all.
//! Resolving a host name blocks the thread while connecting.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use bijli_core::event::FeedState;
use bijli_core::time::{DurationNs, TsNs};
use bijli_wire::tls::{self, Transport};
use bijli_wire::{Endpoint, Handshake, Message, WireError, WsClient, WsRequest};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};

use crate::feed_note::{Address, FeedCounters, FeedNote, SessionEvent, Transmit};
use crate::session::{Session, SessionSettings};
use crate::subscription::{BadKey, Method, Mode};

/// Most frames handed out per call: a burst must not keep the thread from its other duties, nor let ticks queue.
pub const FRAMES_PER_POLL_MAX: usize = 2;

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

/// What shapes the client.
#[derive(Clone)]
pub struct FeedSettings {
    /// Entry address, `wss://…`; `ws://` without TLS for loopback.
    pub url: String,
    /// Access token, sent as bearer to the entry alone.
    pub token: String,
    /// PEM text of a root certificate to trust besides the public ones.
    pub extra_root_pem: Option<String>,
    /// Instrument keys to subscribe to.
    pub keys: Vec<String>,
    /// How much of each.
    pub mode: Mode,
    /// Whether to spin on the socket instead of waiting in epoll.
    pub busy_poll: bool,
    /// Seed of the waits between attempts.
    pub jitter_seed: u64,
    /// Keys per subscription request.
    pub batch: usize,
    /// Age of data from which the feed counts as mute.
    pub mute_after: DurationNs,
    /// When continuous trading begins by the session table; [`TsNs::NEVER`] if unknown.
    pub opens_at: TsNs,
}

/// Prints without the token.
impl fmt::Debug for FeedSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedSettings")
            .field("url", &self.url)
            .field("keys", &self.keys.len())
            .field("mode", &self.mode)
            .field("busy_poll", &self.busy_poll)
            .finish_non_exhaustive()
    }
}

/// What one call of [`FeedClient::poll`] hands out.
#[derive(Debug)]
pub enum FeedOutput<'a> {
    /// A binary frame as it arrived, broken or not.
    Frame(&'a [u8]),
    /// The feed's state changed.
    State(FeedState),
    /// Something worth telling an operator.
    Note(FeedNote),
}

/// Why a client could not be made.
#[derive(Debug)]
pub enum FeedClientError {
    /// The address or the extra root certificate cannot be used.
    Wire(WireError),
    /// An instrument key cannot be one.
    Key(BadKey),
    /// The operating system has no poller for us.
    Poller(io::Error),
}

impl fmt::Display for FeedClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(error) => write!(f, "setting up the feed: {error}"),
            Self::Key(error) => write!(f, "setting up the feed: {error}"),
            Self::Poller(error) => {
                write!(
                    f,
                    "setting up the feed: no epoll: {error}; check the limit of open files"
                )
            }
        }
    }
}

impl std::error::Error for FeedClientError {}

type Client = WsClient<Transport<TcpStream>>;

enum Line {
    Idle,
    Opening(Client),
    Open(Client),
}

/// A feed connection that keeps itself alive.
pub struct FeedClient {
    session: Session,
    entry: Endpoint,
    /// Where the attempt in progress leads to; a redirect is resolved against it.
    target: Endpoint,
    token: String,
    tls: Arc<tls::ClientConfig>,
    poller: Poll,
    ready: Events,
    busy_poll: bool,
    line: Line,
    /// Addresses of the target that were not tried yet.
    candidates: VecDeque<SocketAddr>,
    bearer: bool,
    /// Whether the stream may hold more than was read: epoll tells of new bytes only.
    more: bool,
}

impl FeedClient {
    /// A client that makes its first attempt at the first [`FeedClient::poll`].
    ///
    /// # Errors
    /// [`FeedClientError`] when the settings cannot be used.
    pub fn new(settings: FeedSettings) -> Result<Self, FeedClientError> {
        let entry = Endpoint::parse(&settings.url).map_err(FeedClientError::Wire)?;
        let session = Session::new(&SessionSettings {
            keys: settings.keys,
            mode: settings.mode,
            batch: settings.batch,
            mute_after: settings.mute_after,
            jitter_seed: settings.jitter_seed,
            opens_at: settings.opens_at,
        })
        .map_err(FeedClientError::Key)?;
        Ok(Self {
            session,
            target: entry.clone(),
            entry,
            token: settings.token,
            tls: tls::client_config(settings.extra_root_pem.as_deref()).map_err(FeedClientError::Wire)?,
            poller: Poll::new().map_err(FeedClientError::Poller)?,
            ready: Events::with_capacity(4),
            busy_poll: settings.busy_poll,
            line: Line::Idle,
            candidates: VecDeque::new(),
            bearer: false,
            more: false,
        })
    }

    /// One duty cycle: takes in what arrived, does what is due, hands everything to `on`, and answers the work done
    /// (frames, state changes and notes). `now` is the machine's clock. Waits up to `wait` for bytes, unless the
    /// client spins or `wait` is `None`.
    pub fn poll(&mut self, now: TsNs, wait: Option<Duration>, on: &mut impl FnMut(FeedOutput<'_>)) -> usize {
        let mut work = self.drain(now, on);
        self.session.handle_timeout(now);
        work += self.drain(now, on);
        if work == 0 {
            self.wait(now, wait);
        }
        work += self.advance(now, on);
        self.session.handle_timeout(now);
        work + self.drain(now, on)
    }

    /// Uses another token from the next attempt on; wakes a client whose token was dead.
    pub fn set_token(&mut self, now: TsNs, token: String) {
        self.token = token;
        self.session.handle_new_token(now);
    }

    /// Changes what is subscribed to while the client runs.
    ///
    /// # Errors
    /// [`BadKey`] when a key cannot be one; nothing is changed then.
    pub fn change(&mut self, now: TsNs, method: Method, keys: &[String], mode: Mode) -> Result<(), BadKey> {
        self.session.change(now, method, keys, mode)
    }

    /// The session, for its state, its counters and its unseen keys.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Ends the wait of a [`FeedClient::poll`] from another thread: there is other work. One per client.
    ///
    /// # Errors
    /// When the operating system has no waker for us.
    pub fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poller.registry(), WAKER)
    }

    /// Counts since the start.
    #[must_use]
    pub fn counters(&self) -> FeedCounters {
        self.session.counters()
    }

    /// Says goodbye and drops the connection; for an orderly end.
    pub fn close(&mut self) {
        self.hang_up();
    }

    /// Performs what the session asks for and passes on what it tells.
    fn drain(&mut self, now: TsNs, on: &mut impl FnMut(FeedOutput<'_>)) -> usize {
        let mut work = 0;
        loop {
            if let Some(event) = self.session.poll_event() {
                work += 1;
                on(match event {
                    SessionEvent::State(state) => FeedOutput::State(state),
                    SessionEvent::Note(note) => FeedOutput::Note(note),
                });
            } else if let Some(transmit) = self.session.poll_transmit() {
                self.perform(now, transmit);
            } else {
                return work;
            }
        }
    }

    fn perform(&mut self, now: TsNs, transmit: Transmit) {
        match transmit {
            Transmit::Connect(address) => {
                self.hang_up();
                if let Err(error) = self.resolve(address) {
                    self.session.handle_disconnected(now, error.to_string());
                    return;
                }
                self.dial(now);
            }
            Transmit::Binary(bytes) => {
                if let Line::Open(client) = &mut self.line
                    && let Err(error) = client.send_binary(bytes)
                {
                    self.lose(now, &error);
                }
            }
            Transmit::Close => self.hang_up(),
        }
    }

    fn resolve(&mut self, address: Address) -> Result<(), WireError> {
        (self.target, self.bearer) = match address {
            Address::Entry => (self.entry.clone(), true),
            Address::Redirect(location) => (self.target.redirected(&location)?, false),
        };
        let doing = "looking up the feed's host";
        let found = (self.target.host(), self.target.port())
            .to_socket_addrs()
            .map_err(|source| WireError::Io { doing, source })?;
        self.candidates = found.collect();
        Ok(())
    }

    /// Tries the next address of the target.
    fn dial(&mut self, now: TsNs) {
        let mut last = WireError::Closed;
        while let Some(address) = self.candidates.pop_front() {
            match self.open_line(address) {
                Ok(client) => {
                    self.line = Line::Opening(client);
                    self.more = true;
                    return;
                }
                Err(error) => last = error,
            }
        }
        self.session
            .handle_disconnected(now, format!("{}: {last}", self.target));
    }

    fn open_line(&mut self, address: SocketAddr) -> Result<Client, WireError> {
        let doing = "connecting to the feed";
        let failed = |source| WireError::Io { doing, source };
        let mut stream = TcpStream::connect(address).map_err(failed)?;
        // A subscription or PONG must not wait for an acknowledgement; without it the feed still works.
        let _best_effort = stream.set_nodelay(true);
        self.poller
            .registry()
            .register(&mut stream, SOCKET, Interest::READABLE | Interest::WRITABLE)
            .map_err(failed)?;
        let transport = if self.target.scheme().is_tls() {
            Transport::tls_client(Arc::clone(&self.tls), self.target.host(), stream)?
        } else {
            Transport::Plain(stream)
        };
        let bearer = self.bearer.then_some(self.token.as_str());
        WsClient::start(
            transport,
            &WsRequest {
                endpoint: &self.target,
                bearer,
            },
        )
    }

    fn wait(&mut self, now: TsNs, wait: Option<Duration>) {
        if self.busy_poll {
            return;
        }
        let due = self.session.poll_timeout(now).map_or(Duration::MAX, |due| {
            Duration::from_nanos(due.since(now).get().max(0).unsigned_abs())
        });
        let wait = match wait {
            Some(wait) if !self.more => wait.min(due),
            Some(_) | None => Duration::ZERO,
        };
        match self.poller.poll(&mut self.ready, Some(wait)) {
            // After a wait in vain the socket is tried all the same: one call against a lost edge.
            Ok(()) => self.more |= self.ready.iter().any(|event| event.token() == SOCKET) || !wait.is_zero(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => {
                let doing = "waiting for the feed";
                self.lose(now, &WireError::Io { doing, source });
            }
        }
    }

    /// Goes as far as the connection allows, within the bound of frames.
    fn advance(&mut self, now: TsNs, on: &mut impl FnMut(FeedOutput<'_>)) -> usize {
        if !self.more && !self.busy_poll {
            return 0;
        }
        match &mut self.line {
            Line::Idle => 0,
            Line::Opening(client) => {
                let progress = client.handshake();
                self.opened(now, progress);
                0
            }
            Line::Open(_) => self.read_frames(now, on),
        }
    }

    fn opened(&mut self, now: TsNs, progress: Result<Handshake, WireError>) {
        match progress {
            Ok(Handshake::Pending) => self.more = false,
            Ok(Handshake::Connected) => {
                if let Line::Opening(client) = std::mem::replace(&mut self.line, Line::Idle) {
                    self.line = Line::Open(client);
                    self.candidates.clear();
                    self.session.handle_connected(now);
                }
            }
            Ok(Handshake::Redirected { location }) => {
                self.line = Line::Idle;
                self.session.handle_redirected(now, location);
            }
            Ok(Handshake::Refused { status, body }) => {
                self.line = Line::Idle;
                self.session.handle_refused(now, status, body);
            }
            Err(WireError::Io { .. }) if !self.candidates.is_empty() => {
                self.line = Line::Idle;
                self.dial(now);
            }
            Err(error) => self.lose(now, &error),
        }
    }

    fn read_frames(&mut self, now: TsNs, on: &mut impl FnMut(FeedOutput<'_>)) -> usize {
        for work in 0..FRAMES_PER_POLL_MAX {
            let Line::Open(client) = &mut self.line else {
                return work;
            };
            match client.read() {
                Ok(Some(Message::Binary(frame))) => {
                    on(FeedOutput::Frame(&frame));
                    self.session.handle_frame(now, &frame);
                    // The session may have given the connection up over this frame.
                    self.drain(now, on);
                }
                Ok(Some(Message::Close { code, reason })) => {
                    let reason = format!("closed by the far side with code {code} {reason}");
                    self.line = Line::Idle;
                    self.session.handle_disconnected(now, reason);
                    return work + 1;
                }
                Ok(Some(Message::Text(_) | Message::Ping(_) | Message::Pong(_))) => {}
                Ok(None) => {
                    self.more = false;
                    return work;
                }
                Err(error) => {
                    self.lose(now, &error);
                    return work + 1;
                }
            }
        }
        self.more = true;
        FRAMES_PER_POLL_MAX
    }

    fn lose(&mut self, now: TsNs, error: &WireError) {
        if let Line::Open(client) = &mut self.line {
            // A last word to the far side; it may be gone already.
            let _best_effort = client.close(error.close_code(), "");
        }
        self.line = Line::Idle;
        self.session
            .handle_disconnected(now, format!("{}: {error}", self.target));
    }

    fn hang_up(&mut self) {
        if let Line::Open(client) = &mut self.line {
            // The broker refuses a new connection while it believes in the old one, so tell it.
            let _best_effort = client.close(1000, "");
        }
        self.line = Line::Idle;
        self.more = false;
    }
}
