//! The feed's only place with I/O: a non-blocking client over a few sockets that does what their sessions ask.
//!
//! Invariants: each socket holds one connection at a time; a bounded number of frames per [`FeedClient::poll`]; frames
//! are handed out as slices of the WebSocket library's own buffer, those of one socket in order, and a server's PING
//! is answered after the frames before it were handed out; what may be asked for next waits until what frees its room
//! was sent. With `busy_poll` no call waits; otherwise a call waits in epoll, never longer than a session allows.
//! Left out: decoding, stamps (the caller reads its clock in the closure), reading the clock at all. Host names are
//! looked up when the client is made; later lookups, which block, only when a host has moved.

mod addresses;
mod line;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::time::Duration;

use bijli_core::event::FeedState;
use bijli_core::instrument::InstrumentId;
use bijli_core::time::{DurationNs, TsNs};
use bijli_wire::tls;
use bijli_wire::{Endpoint, WireError};
use mio::{Events, Poll, Token, Waker};

use crate::feed_note::{FeedCounters, FeedNote, SessionEvent};
use crate::liveness::MarketHours;
use crate::planner::capacity::Capacity;
use crate::planner::{Planner, Priority, Step, Want};
use crate::session::{Session, SessionSettings};
use crate::subscription::{BadKey, Method, Mode};
use crate::token::TokenHandle;
use addresses::Addresses;
use line::{Line, LineOutput, Shared};

pub use line::PARTIAL_MAX;

/// Most frames handed out per call: a burst must not keep the thread from its other duties, nor let ticks queue.
pub const FRAMES_PER_POLL_MAX: usize = 2;

const WAKER: Token = Token(usize::MAX - 1);

/// What shapes the client.
#[derive(Clone)]
pub struct FeedSettings {
    /// Entry address, `wss://…`; `ws://` without TLS for loopback.
    pub url: String,
    /// Access token, sent as bearer to the entry alone.
    pub token: TokenHandle,
    /// PEM text of a root certificate to trust besides the public ones.
    pub extra_root_pem: Option<String>,
    /// The day's instrument keys; positions in this list are what wishes name.
    pub keys: Vec<String>,
    /// Wishes to begin with.
    pub wants: Vec<Want>,
    /// What the broker allows.
    pub capacity: Capacity,
    /// Whether to spin on the sockets instead of waiting in epoll.
    pub busy_poll: bool,
    /// Seed of the waits between attempts.
    pub jitter_seed: u64,
    /// Keys per subscription request.
    pub batch: usize,
    /// Age of data from which the feed counts as mute.
    pub mute_after: DurationNs,
    /// When data is due by the session table.
    pub hours: MarketHours,
}

/// The wish for all of `instruments` keys in one mode.
#[must_use]
pub fn everything(instruments: usize, mode: Mode) -> Vec<Want> {
    let want = |id| Want {
        instrument: InstrumentId::new(id),
        mode,
        priority: Priority::Universe,
    };
    (0..instruments as u32).map(want).collect()
}

/// Prints without the token.
impl fmt::Debug for FeedSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedSettings")
            .field("url", &self.url)
            .field("keys", &self.keys.len())
            .field("wants", &self.wants.len())
            .field("capacity", &self.capacity)
            .field("busy_poll", &self.busy_poll)
            .finish_non_exhaustive()
    }
}

/// What one call of [`FeedClient::poll`] hands out.
#[derive(Debug)]
pub enum FeedOutput<'a> {
    /// A binary frame as it arrived, broken or not.
    Frame(&'a [u8]),
    /// The feed's state changed: the worst of its sockets'.
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

/// A feed over one or more connections that keep themselves alive.
pub struct FeedClient {
    shared: Shared,
    lines: Vec<Line>,
    /// The connection that is read first in the next call.
    turn: usize,
    states: States,
    keys: Vec<String>,
    planner: Planner,
    steps: VecDeque<Step>,
    refused: Vec<InstrumentId>,
    poller: Poll,
    ready: Events,
    busy_poll: bool,
}

impl FeedClient {
    /// A client that makes its first attempts at the first [`FeedClient::poll`]. Looks up the entry's host.
    ///
    /// # Errors
    /// [`FeedClientError`] when the settings cannot be used.
    pub fn new(settings: FeedSettings) -> Result<Self, FeedClientError> {
        let entry = Endpoint::parse(&settings.url).map_err(FeedClientError::Wire)?;
        let poller = Poll::new().map_err(FeedClientError::Poller)?;
        let mut addresses = Addresses::default();
        // Without a network now there may be one later: the attempt will tell.
        let _looked_up = addresses.find(&entry);
        let lines = (0..settings.capacity.sockets)
            .map(|number| {
                let session = Session::new(&SessionSettings {
                    keys: Vec::new(),
                    mode: Mode::default(),
                    batch: settings.batch,
                    mute_after: settings.mute_after,
                    jitter_seed: settings.jitter_seed.wrapping_add(number as u64),
                    hours: settings.hours,
                })?;
                Ok(Line::new(number, session, &entry))
            })
            .collect::<Result<Vec<Line>, BadKey>>()
            .map_err(FeedClientError::Key)?;
        let mut client = Self {
            shared: Shared {
                entry,
                token: settings.token,
                token_buried: false,
                tls: tls::client_config(settings.extra_root_pem.as_deref()).map_err(FeedClientError::Wire)?,
                registry: poller.registry().try_clone().map_err(FeedClientError::Poller)?,
                addresses,
            },
            lines,
            turn: 0,
            states: States::new(settings.capacity.sockets),
            planner: Planner::new(settings.capacity, settings.keys.len()),
            keys: settings.keys,
            steps: VecDeque::new(),
            refused: Vec::new(),
            poller,
            ready: Events::with_capacity(16),
            busy_poll: settings.busy_poll,
        };
        client
            .aim(TsNs::NEVER, &settings.wants)
            .map_err(FeedClientError::Key)?;
        Ok(client)
    }

    /// One duty cycle: takes in what arrived, does what is due, hands everything to `on`, and answers the work done
    /// (frames, state changes and notes). `now` is the machine's clock. Waits up to `wait` for bytes, unless the
    /// client spins or `wait` is `None`.
    pub fn poll(&mut self, now: TsNs, wait: Option<Duration>, on: &mut impl FnMut(FeedOutput<'_>)) -> usize {
        self.take_steps(now);
        self.states.settle(on);
        let mut work = self.drain(now, on);
        self.handle_timeout(now);
        work += self.drain(now, on);
        if work == 0 {
            self.wait(now, wait);
        }
        work += self.advance(now, on);
        self.handle_timeout(now);
        work + self.drain(now, on)
    }

    /// Takes `wants` for what is wanted from now on; the requests follow as room and pace allow. Keys that do not fit
    /// are named by [`FeedClient::refused`].
    ///
    /// # Errors
    /// [`BadKey`] when a key cannot be one; nothing is changed then.
    pub fn aim(&mut self, now: TsNs, wants: &[Want]) -> Result<(), BadKey> {
        for key in wants.iter().map(|want| &self.keys[want.instrument.index()]) {
            BadKey::check(key)?;
        }
        let change = self.planner.aim(wants);
        self.refused = change.refused;
        self.steps.extend(change.steps);
        self.take_steps(now);
        Ok(())
    }

    /// The key of an instrument.
    #[must_use]
    pub fn key(&self, instrument: InstrumentId) -> Option<&str> {
        self.keys.get(instrument.index()).map(String::as_str)
    }

    /// Whether an instrument has its place on a socket now.
    #[must_use]
    pub fn is_placed(&self, instrument: InstrumentId) -> bool {
        self.planner.place(instrument).is_some()
    }

    /// What was wanted and does not fit into the broker's limits: not subscribed, so not to be traded.
    pub fn refused(&self) -> impl Iterator<Item = &str> {
        self.refused.iter().map(|id| self.keys[id.index()].as_str())
    }

    /// What was asked for twice in vain: not served by the broker.
    pub fn never_seen(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().flat_map(|line| line.session.never_seen())
    }

    /// The sessions of the sockets, for their states, counters and unseen keys.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.lines.iter().map(|line| &line.session)
    }

    /// Ends the wait of a [`FeedClient::poll`] from another thread: there is other work. One per client.
    ///
    /// # Errors
    /// When the operating system has no waker for us.
    pub fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poller.registry(), WAKER)
    }

    /// Counts since the start, over all sockets; the slowest of them tells how long subscribing took.
    #[must_use]
    pub fn counters(&self) -> FeedCounters {
        let mut all = FeedCounters::default();
        for session in self.sessions() {
            all.add(&session.counters());
        }
        all
    }

    /// The worst state of all sockets that have something to do.
    #[must_use]
    pub const fn state(&self) -> FeedState {
        self.states.worst
    }

    /// The token is known dead: open connections are read on, new ones wait for another token.
    pub fn bury_token(&mut self) {
        self.shared.token_buried = true;
        for line in &mut self.lines {
            line.session.bury_token();
        }
    }

    /// Says goodbye and drops the connections; for an orderly end.
    pub fn close(&mut self) {
        for line in &mut self.lines {
            line.hang_up();
        }
    }

    /// Hands the sessions what may be asked for: a step of another sort waits until those before it were sent.
    fn take_steps(&mut self, now: TsNs) {
        let mut method = None;
        while let Some(step) = self.steps.front() {
            let in_row = method.is_some_and(|method| method == step.method && method != Method::ChangeMode);
            if !in_row && self.lines.iter().any(|line| line.session.is_asking()) {
                return;
            }
            method = Some(step.method);
            let keys: Vec<String> = step
                .instruments
                .iter()
                .map(|id| self.keys[id.index()].clone())
                .collect();
            let session = &mut self.lines[step.socket].session;
            // Keys were checked when they were wished for.
            let _checked = session.change(now, step.method, &keys, step.mode);
            self.states.enlist(step.socket, session.wanted());
            self.steps.pop_front();
        }
    }

    fn handle_timeout(&mut self, now: TsNs) {
        for line in &mut self.lines {
            line.handle_timeout(&self.shared, now);
        }
    }

    fn drain(&mut self, now: TsNs, on: &mut impl FnMut(FeedOutput<'_>)) -> usize {
        let (lines, states) = (&mut self.lines, &mut self.states);
        let mut work = 0;
        for (index, line) in lines.iter_mut().enumerate() {
            work += line.drain(&mut self.shared, now, &mut |event| states.pass(index, event, on));
        }
        work
    }

    /// Reads the connections in turn, within the bound of frames.
    fn advance(&mut self, now: TsNs, on: &mut impl FnMut(FeedOutput<'_>)) -> usize {
        let (count, mut work) = (self.lines.len(), 0);
        for step in 0..count {
            let index = (self.turn + step) % count;
            let (line, states) = (&mut self.lines[index], &mut self.states);
            if !line.more && !self.busy_poll {
                continue;
            }
            let room = FRAMES_PER_POLL_MAX - work.min(FRAMES_PER_POLL_MAX);
            work += line.advance(&mut self.shared, now, room, &mut |output| match output {
                LineOutput::Frame(frame) => on(FeedOutput::Frame(frame)),
                LineOutput::Event(event) => states.pass(index, event, on),
            });
            if work >= FRAMES_PER_POLL_MAX {
                self.turn = (index + 1) % count;
                break;
            }
        }
        work
    }

    fn wait(&mut self, now: TsNs, wait: Option<Duration>) {
        if self.busy_poll {
            return;
        }
        let due = self.lines.iter().filter_map(|line| line.due(now)).min();
        let due = due.map_or(Duration::MAX, |due| {
            Duration::from_nanos(due.since(now).get().max(0).unsigned_abs())
        });
        let wait = match wait {
            Some(wait) if self.lines.iter().all(|line| !line.more) => wait.min(due),
            Some(_) | None => Duration::ZERO,
        };
        // Interrupted or broken, the sockets are tried all the same and tell what is wrong.
        let _woken = self.poller.poll(&mut self.ready, Some(wait));
        for event in &self.ready {
            if let Some(line) = self.lines.get_mut(event.token().0) {
                line.more = true;
            }
        }
        if !wait.is_zero() {
            // After a wait in vain every socket is tried: one call against a lost edge.
            self.lines.iter_mut().for_each(|line| line.more = true);
        }
    }
}

/// The states of the sockets as told last, and the worst of them.
#[derive(Clone, Debug)]
struct States {
    /// `None` for a socket that nothing was ever asked for.
    told: Vec<Option<FeedState>>,
    worst: FeedState,
}

impl States {
    fn new(sockets: usize) -> Self {
        Self {
            told: vec![None; sockets],
            worst: FeedState::Down,
        }
    }

    /// So many keys are wanted on a socket.
    fn enlist(&mut self, socket: usize, wanted: usize) {
        let told = &mut self.told[socket];
        *told = (wanted > 0).then(|| told.unwrap_or(FeedState::Down));
    }

    /// Passes on what a socket's session tells; its state only where that changes the worst of all.
    fn pass(&mut self, socket: usize, event: SessionEvent, on: &mut impl FnMut(FeedOutput<'_>)) {
        match event {
            SessionEvent::Note(note) => on(FeedOutput::Note(note)),
            SessionEvent::State(state) => {
                if let Some(told) = &mut self.told[socket] {
                    *told = state;
                }
                self.settle(on);
            }
        }
    }

    /// Tells the worst state where it has changed.
    fn settle(&mut self, on: &mut impl FnMut(FeedOutput<'_>)) {
        let worst = self
            .told
            .iter()
            .flatten()
            .copied()
            .max_by_key(|state| rank(*state));
        let worst = worst.unwrap_or(FeedState::Down);
        if self.worst != worst {
            self.worst = worst;
            on(FeedOutput::State(worst));
        }
    }
}

/// The worse, the higher: half a feed is no feed to enter on.
const fn rank(state: FeedState) -> u8 {
    match state {
        FeedState::Closed => 0,
        FeedState::Live => 1,
        FeedState::Mute => 2,
        FeedState::Down => 3,
    }
}
