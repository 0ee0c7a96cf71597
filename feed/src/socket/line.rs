//! One connection of the feed: a session and the TCP, TLS and WebSocket that do what it asks.
//!
//! Invariants: one connection at a time, the old one closed before the new one is opened; a bounded number of frames
//! per [`Line::advance`]; a message that does not become whole within [`PARTIAL_MAX`] ends the connection.
//! Left out: which keys (the client's planner), the clock. Facts: fault catalogue rows D15, D17.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use bijli_core::time::{DurationNs, TsNs};
use bijli_wire::tls::{self, Transport};
use bijli_wire::{Endpoint, Handshake, Message, WireError, WsClient, WsRequest};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::addresses::Addresses;
use crate::feed_note::{Address, SessionEvent, Transmit};
use crate::session::Session;
use crate::token::TokenHandle;

/// From the first byte of a message to its last.
pub const PARTIAL_MAX: DurationNs = DurationNs::from_secs(5);
/// Between two looks whether a dead token was replaced.
const TOKEN_LOOK_GAP: DurationNs = DurationNs::from_secs(1);
/// A token that was refused to the feed, and that nobody else found dead, is tried again after this long.
const DOUBT_PAUSE: DurationNs = DurationNs::from_secs(30);

type Client = WsClient<Transport<TcpStream>>;

enum Wire {
    Idle,
    Opening(Client),
    Open(Client),
}

/// What all connections share.
pub(super) struct Shared {
    pub(super) entry: Endpoint,
    pub(super) token: TokenHandle,
    /// Whether the token is known dead, not only refused to the feed.
    pub(super) token_buried: bool,
    pub(super) tls: Arc<tls::ClientConfig>,
    pub(super) registry: Registry,
    pub(super) addresses: Addresses,
}

/// One connection.
pub(super) struct Line {
    pub(super) session: Session,
    number: Token,
    wire: Wire,
    /// Where the attempt in progress leads to; a redirect is resolved against it.
    target: Endpoint,
    /// Addresses of the target that were not tried yet.
    candidates: VecDeque<SocketAddr>,
    /// The token of the last attempt.
    token: String,
    bearer: bool,
    /// Whether the stream may hold more than was read: epoll tells of new bytes only.
    pub(super) more: bool,
    partial_since: TsNs,
    token_look_at: TsNs,
    /// Since when the token is refused here.
    doubted_since: TsNs,
}

impl Line {
    pub(super) fn new(number: usize, session: Session, entry: &Endpoint) -> Self {
        Self {
            session,
            number: Token(number),
            wire: Wire::Idle,
            target: entry.clone(),
            candidates: VecDeque::new(),
            token: String::new(),
            bearer: false,
            more: false,
            partial_since: TsNs::NEVER,
            token_look_at: TsNs::NEVER,
            doubted_since: TsNs::NEVER,
        }
    }

    /// What is due by the passing of time.
    pub(super) fn handle_timeout(&mut self, shared: &Shared, now: TsNs) {
        if self.session.is_token_dead() && now >= self.token_look_at {
            self.token_look_at = now.plus(TOKEN_LOOK_GAP);
            if !self.doubted_since.is_set() {
                self.doubted_since = now;
            }
            let outlived = !shared.token_buried && now.since(self.doubted_since) >= DOUBT_PAUSE;
            if outlived || shared.token.now() != self.token {
                self.session.handle_new_token(now);
            }
        }
        if !self.session.is_token_dead() {
            self.doubted_since = TsNs::NEVER;
        }
        if self.partial_since.is_set() && now.since(self.partial_since) >= PARTIAL_MAX {
            self.lose(
                now,
                &WireError::protocol("receiving a message", "it did not become whole in time"),
            );
        }
        self.session.handle_timeout(now);
    }

    /// When [`Line::handle_timeout`] is due next.
    pub(super) fn due(&self, now: TsNs) -> Option<TsNs> {
        let look = self.session.is_token_dead().then_some(self.token_look_at);
        let partial = self
            .partial_since
            .is_set()
            .then(|| self.partial_since.plus(PARTIAL_MAX));
        [self.session.poll_timeout(now), look, partial]
            .into_iter()
            .flatten()
            .min()
    }

    /// Performs what the session asks for and passes on what it tells.
    pub(super) fn drain(
        &mut self,
        shared: &mut Shared,
        now: TsNs,
        on: &mut impl FnMut(SessionEvent),
    ) -> usize {
        let mut work = 0;
        loop {
            if let Some(event) = self.session.poll_event() {
                work += 1;
                on(event);
            } else if let Some(transmit) = self.session.poll_transmit() {
                self.perform(shared, now, transmit);
            } else {
                return work;
            }
        }
    }

    /// Goes as far as the connection allows: hands out at most `frames_max` frames, answers the work done.
    pub(super) fn advance(
        &mut self,
        shared: &mut Shared,
        now: TsNs,
        frames_max: usize,
        on: &mut impl FnMut(LineOutput<'_>),
    ) -> usize {
        match &mut self.wire {
            Wire::Idle => {
                self.more = false;
                0
            }
            Wire::Opening(client) => {
                let progress = client.handshake();
                self.opened(shared, now, progress);
                0
            }
            Wire::Open(_) => self.read_frames(shared, now, frames_max, on),
        }
    }

    /// Says goodbye and drops the connection.
    pub(super) fn hang_up(&mut self) {
        if let Wire::Open(client) = &mut self.wire {
            // The broker refuses a new connection while it believes in the old one, so tell it.
            let _best_effort = client.close(1000, "");
        }
        self.let_go();
        self.more = false;
    }

    fn let_go(&mut self) {
        self.wire = Wire::Idle;
        self.partial_since = TsNs::NEVER;
    }

    fn perform(&mut self, shared: &mut Shared, now: TsNs, transmit: Transmit) {
        match transmit {
            Transmit::Connect(address) => {
                self.hang_up();
                if let Err(error) = self.resolve(shared, address) {
                    self.session.handle_disconnected(now, error.to_string());
                    return;
                }
                self.dial(shared, now);
            }
            Transmit::Binary(bytes) => {
                if let Wire::Open(client) = &mut self.wire
                    && let Err(error) = client.send_binary(bytes)
                {
                    self.lose(now, &error);
                }
            }
            Transmit::Close => self.hang_up(),
        }
    }

    fn resolve(&mut self, shared: &mut Shared, address: Address) -> Result<(), WireError> {
        (self.target, self.bearer) = match address {
            Address::Entry => {
                self.token = shared.token.now();
                (shared.entry.clone(), true)
            }
            Address::Redirect(location) => (self.target.redirected(&location)?, false),
        };
        let doing = "looking up the feed's host";
        let found = shared.addresses.find(&self.target);
        self.candidates = found.map_err(|source| WireError::Io { doing, source })?.into();
        Ok(())
    }

    /// Tries the next address of the target.
    fn dial(&mut self, shared: &mut Shared, now: TsNs) {
        let mut last = WireError::Closed;
        while let Some(address) = self.candidates.pop_front() {
            match self.open_wire(shared, address) {
                Ok(client) => {
                    self.wire = Wire::Opening(client);
                    self.more = true;
                    return;
                }
                Err(error) => last = error,
            }
        }
        shared.addresses.forget(&self.target);
        self.session
            .handle_disconnected(now, format!("{}: {last}", self.target));
    }

    fn open_wire(&self, shared: &Shared, address: SocketAddr) -> Result<Client, WireError> {
        let doing = "connecting to the feed";
        let failed = |source| WireError::Io { doing, source };
        let mut stream = TcpStream::connect(address).map_err(failed)?;
        // A subscription or PONG must not wait for an acknowledgement; without it the feed still works.
        let _best_effort = stream.set_nodelay(true);
        shared
            .registry
            .register(&mut stream, self.number, Interest::READABLE | Interest::WRITABLE)
            .map_err(failed)?;
        let transport = if self.target.scheme().is_tls() {
            Transport::tls_client(Arc::clone(&shared.tls), self.target.host(), stream)?
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

    fn opened(&mut self, shared: &mut Shared, now: TsNs, progress: Result<Handshake, WireError>) {
        match progress {
            Ok(Handshake::Pending) => self.more = false,
            Ok(Handshake::Connected) => {
                if let Wire::Opening(client) = std::mem::replace(&mut self.wire, Wire::Idle) {
                    self.wire = Wire::Open(client);
                    self.candidates.clear();
                    self.session.handle_connected(now);
                }
            }
            Ok(Handshake::Redirected { location }) => {
                self.let_go();
                self.session.handle_redirected(now, location);
            }
            Ok(Handshake::Refused { status, body }) => {
                self.let_go();
                self.session.handle_refused(now, status, body);
            }
            Err(WireError::Io { .. }) if !self.candidates.is_empty() => {
                self.let_go();
                self.dial(shared, now);
            }
            Err(error) => {
                if matches!(error, WireError::Io { .. }) {
                    shared.addresses.forget(&self.target);
                }
                self.lose(now, &error);
            }
        }
    }

    fn read_frames(
        &mut self,
        shared: &mut Shared,
        now: TsNs,
        frames_max: usize,
        on: &mut impl FnMut(LineOutput<'_>),
    ) -> usize {
        for work in 0..frames_max {
            let Wire::Open(client) = &mut self.wire else {
                return work;
            };
            let read = client.read();
            self.watch_partial(now, matches!(read, Ok(None)));
            match read {
                Ok(Some(Message::Binary(frame))) => {
                    on(LineOutput::Frame(&frame));
                    self.session.handle_frame(now, &frame);
                    // The session may have given the connection up over this frame.
                    self.drain(shared, now, &mut |event| on(LineOutput::Event(event)));
                }
                Ok(Some(Message::Close { code, reason })) => {
                    let reason = format!("closed by the far side with code {code} {reason}");
                    self.let_go();
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
        frames_max
    }

    /// Keeps the time since which a message has been on its way.
    fn watch_partial(&mut self, now: TsNs, came_to_the_end: bool) {
        let Wire::Open(client) = &mut self.wire else {
            return;
        };
        if !came_to_the_end || !client.has_partial_message() {
            self.partial_since = TsNs::NEVER;
        } else if !self.partial_since.is_set() {
            self.partial_since = now;
        }
    }

    fn lose(&mut self, now: TsNs, error: &WireError) {
        if let Wire::Open(client) = &mut self.wire {
            // A last word to the far side; it may be gone already.
            let _best_effort = client.close(error.close_code(), "");
        }
        self.let_go();
        self.session
            .handle_disconnected(now, format!("{}: {error}", self.target));
    }
}

/// What a connection hands out.
#[derive(Debug)]
pub(super) enum LineOutput<'a> {
    Frame(&'a [u8]),
    Event(SessionEvent),
}
