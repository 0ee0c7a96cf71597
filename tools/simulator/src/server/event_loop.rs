//! The one thread: accepts, reads, lets simulated time pass, writes.
//!
//! Each turn first takes in what clients sent, then plays one window of the day if the pace allows, then writes;
//! so an order is matched at the simulated time at which it was read, before any later tick.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use rustls::ServerConfig;
use serde_json::Value;

use super::connection::{Connection, Health, Listener, Protocol};
use super::pace::{BACKLOG_CUT_BYTES, Next, Pace};
use super::record::Recorder;
use super::script::{OrderHost, Scheduled, Script, schedule};
use super::upgrade;
use super::webhook::Postman;
use crate::broker::Broker;
use crate::options::SocketOptions;
use crate::play::Player;
use crate::random::Random;
use crate::settings::Speed;
use crate::stats::{SimStats, StatsHandle};
use crate::websocket::{self, Opcode};

/// Listeners: API, orders, feeder.
pub(super) const HOSTS: usize = 3;
const WAKER: Token = Token(HOSTS);
/// Tokens of connections begin here.
const CONNECTIONS_FROM: usize = HOSTS + 1;
const CONNECTIONS_MAX: usize = 256;
/// Nothing waits longer than this, so that the stop flag is seen even if a wake-up is lost.
const WAIT_MAX: Duration = Duration::from_millis(250);
/// While a reply is let out byte by byte.
const WAIT_SLOW: Duration = Duration::from_millis(5);
/// The stream of the seed that draws the times of scripts.
const SCRIPT_DICE: u64 = 0x5c01;
/// Close codes.
const GOING_AWAY: u16 = 1001;
const INTERNAL_ERROR: u16 = 1011;
const TRY_AGAIN: u16 = 1013;

/// What the thread is given besides day and broker.
pub(super) struct Seat {
    pub(super) stats: StatsHandle,
    pub(super) is_stopping: Arc<AtomicBool>,
    pub(super) speed: Speed,
    /// `None` serves without TLS.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// Of the three hosts.
    pub(super) addresses: [SocketAddr; HOSTS],
    pub(super) options: SocketOptions,
    pub(super) records_requests: bool,
    /// Scripts to begin with, and the seed of their times.
    pub(super) scripts: Vec<Value>,
    pub(super) seed: u64,
}

pub(super) struct EventLoop {
    pub(super) poll: Poll,
    /// The one of a host that a script took down is missing.
    pub(super) listeners: [Option<TcpListener>; HOSTS],
    pub(super) connections: Vec<Option<Connection>>,
    pub(super) player: Player,
    pub(super) broker: Broker,
    pub(super) pace: Pace,
    pub(super) seat: Seat,
    pub(super) recorder: Recorder,
    pub(super) script: Script,
    pub(super) scheduled: Vec<Scheduled>,
    pub(super) script_dice: Random,
    /// Status of the answer to the request under way.
    pub(super) replied: Option<u16>,
    /// Codes of single-use URIs and the tokens that they were given to; newest last.
    pub(super) code_bearers: VecDeque<(String, String)>,
    postman: Postman,
    text_frames_ignored: u64,
    updates_sent: u64,
    day_error: Option<String>,
}

impl EventLoop {
    pub(super) fn new(
        player: Player,
        broker: Broker,
        mut listeners: [TcpListener; HOSTS],
        seat: Seat,
    ) -> io::Result<(Self, Arc<Waker>)> {
        let poll = Poll::new()?;
        for (index, listener) in listeners.iter_mut().enumerate() {
            poll.registry()
                .register(listener, Token(index), Interest::READABLE)?;
        }
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let mut serving = Self {
            poll,
            listeners: listeners.map(Some),
            connections: Vec::new(),
            pace: Pace::new(seat.speed, player.now()),
            player,
            broker,
            recorder: Recorder::new(seat.records_requests),
            script: Script::default(),
            scheduled: Vec::new(),
            script_dice: Random::new(seat.seed, SCRIPT_DICE),
            replied: None,
            code_bearers: VecDeque::new(),
            postman: Postman::start()?,
            text_frames_ignored: 0,
            updates_sent: 0,
            day_error: None,
            seat,
        };
        serving.player.set_options(serving.seat.options.clone());
        serving.begin_scripts().map_err(io::Error::other)?;
        serving.seat.stats.set(serving.count());
        Ok((serving, waker))
    }

    /// Serves until told to stop.
    pub(super) fn run(&mut self) {
        let mut events = Events::with_capacity(CONNECTIONS_MAX);
        // Pairs with the store in `RunningSimulator`.
        while !self.seat.is_stopping.load(Ordering::Acquire) {
            let wait = match self.next() {
                Next::Play => Duration::ZERO,
                Next::After(rest) => rest.min(self.wait_max()),
                Next::Wait => self.wait_max(),
            };
            match self.poll.poll(&mut events, Some(wait)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return,
            }
            let mut is_changed = !events.is_empty();
            for event in &events {
                match event.token() {
                    Token(index) if index < HOSTS => self.accept(index),
                    WAKER => {}
                    Token(token) => self.receive(token - CONNECTIONS_FROM),
                }
            }
            is_changed |= self.play();
            self.release_held();
            self.ping_idle();
            self.post_webhooks();
            // Counts are told before bytes leave: who has read the end of the day finds it counted.
            if is_changed {
                self.seat.stats.set(self.count());
            }
            if self.transmit() {
                self.seat.stats.set(self.count());
            }
        }
        self.say_goodbye();
    }

    fn next(&self) -> Next {
        if self.day_error.is_some() {
            return Next::Wait;
        }
        let feeds = self
            .connections
            .iter()
            .flatten()
            .filter(|each| matches!(each.protocol, Protocol::Feed(_)));
        let backlog_bytes = feeds.map(Connection::backlog_bytes).max().unwrap_or_default();
        self.pace.next(&self.player, backlog_bytes)
    }

    fn wait_max(&self) -> Duration {
        let is_slow = self.connections.iter().flatten().any(Connection::is_held);
        if is_slow { WAIT_SLOW } else { WAIT_MAX }
    }

    /// Carries out or schedules the scripts of the settings.
    fn begin_scripts(&mut self) -> Result<(), String> {
        for script in std::mem::take(&mut self.seat.scripts) {
            match schedule(self.player.info().day, &mut self.script_dice, &script)? {
                Some(waiting) => self.scheduled.push(waiting),
                None => {
                    self.run_script(&script)?;
                }
            }
        }
        Ok(())
    }

    fn post_webhooks(&mut self) {
        while let Some(letter) = self.broker.poll_webhook() {
            self.postman.send(letter);
        }
    }

    fn accept(&mut self, index: usize) {
        let listener = [Listener::Api, Listener::Order, Listener::Feeder][index];
        // An accept that fails (too many open files, a peer that left) loses that peer alone.
        while let Some(Ok((mut socket, address))) = self.listeners[index].as_ref().map(TcpListener::accept) {
            if listener == Listener::Order && self.script.order_host == OrderHost::Drops {
                continue;
            }
            let free = self.connections.iter().position(Option::is_none);
            let slot = free.unwrap_or(self.connections.len());
            if slot >= CONNECTIONS_MAX {
                continue;
            }
            let interest = Interest::READABLE | Interest::WRITABLE;
            let registered =
                self.poll
                    .registry()
                    .register(&mut socket, Token(slot + CONNECTIONS_FROM), interest);
            let (Ok(()), Ok(connection)) = (
                registered,
                Connection::new((socket, address.ip()), self.seat.tls.as_ref(), listener),
            ) else {
                continue;
            };
            if slot == self.connections.len() {
                self.connections.push(Some(connection));
            } else {
                self.connections[slot] = Some(connection);
            }
        }
    }

    fn receive(&mut self, token: usize) {
        let Some(Some(connection)) = self.connections.get_mut(token) else {
            return;
        };
        connection.receive();
        if matches!(connection.protocol, Protocol::Http) {
            self.serve_http(token);
        }
        // A request that opened a socket may be followed by its first frames at once.
        self.serve_socket(token);
    }

    fn serve_socket(&mut self, token: usize) {
        while let Some(connection) = self.connections[token].as_mut() {
            let (assembler, is_feed) = match &mut connection.protocol {
                Protocol::Http => return,
                Protocol::Feed(assembler) => (assembler, true),
                Protocol::Stream(assembler, _) => (assembler, false),
            };
            if connection.health != Health::Open {
                return;
            }
            let message = match assembler.next(&mut connection.inbox) {
                Ok(Some(message)) => message,
                Ok(None) => return,
                Err(broken) => {
                    websocket::write_close(&mut connection.outbox, broken.0, "");
                    connection.health = Health::Closing;
                    return;
                }
            };
            match message.opcode {
                Opcode::Ping => websocket::write(&mut connection.outbox, Opcode::Pong, &message.payload),
                Opcode::Close => {
                    websocket::write(&mut connection.outbox, Opcode::Close, &message.payload);
                    connection.health = Health::Closing;
                }
                Opcode::Pong if is_feed => {
                    if let Some(subscriber) = self.player.subscriber(token) {
                        subscriber.handle_pong(&message.payload);
                    }
                }
                Opcode::Binary if is_feed => {
                    self.recorder
                        .take_message(upgrade::MARKET_FEEDER, &message.payload);
                    self.player.handle_request(token, &message.payload);
                }
                Opcode::Text if is_feed => self.text_frames_ignored += 1,
                // The real feed takes no notice of text, and the stream of nothing at all.
                Opcode::Text | Opcode::Binary | Opcode::Pong | Opcode::Continuation => {}
            }
        }
    }

    /// Plays windows while the pace allows, at most one simulated second; whether time moved.
    fn play(&mut self) -> bool {
        let mut has_moved = false;
        while self.next() == Next::Play {
            has_moved = true;
            match self.player.play_window(&mut self.broker) {
                Ok(ends_second) => {
                    self.push_updates();
                    self.run_scheduled();
                    if ends_second {
                        self.cut_by_fault();
                        self.end_dead_sockets();
                        break;
                    }
                }
                Err(error) => {
                    self.day_error = Some(error.to_string());
                    self.end_feeds_early();
                    break;
                }
            }
        }
        self.collect_feeds();
        has_moved
    }

    /// A damaged day cannot go on: whoever listens is told so instead of being left to wait.
    fn end_feeds_early(&mut self) {
        self.collect_feeds();
        for connection in self.connections.iter_mut().flatten() {
            if matches!(connection.protocol, Protocol::Feed(_)) && connection.health == Health::Open {
                websocket::write_close(
                    &mut connection.outbox,
                    INTERNAL_ERROR,
                    "the day's files are damaged",
                );
                connection.health = Health::Closing;
            }
        }
    }

    /// Moves what the player wrote into the connections.
    fn collect_feeds(&mut self) {
        let waits = self.pace.waits_for_clients();
        for (name, subscriber) in self.player.subscribers() {
            let Some(connection) = self.connections[name].as_mut() else {
                continue;
            };
            connection.outbox.append(subscriber.outbox());
            if !waits && connection.backlog_bytes() > BACKLOG_CUT_BYTES {
                websocket::write_close(&mut connection.outbox, TRY_AGAIN, "too slow");
                connection.health = Health::Dead;
            }
            if subscriber.is_closed() && connection.health == Health::Open {
                connection.health = Health::Closing;
            }
        }
    }

    /// Sends the broker's news to the portfolio streams.
    pub(super) fn push_updates(&mut self) {
        while let Some(update) = self.broker.poll_update() {
            let mut is_sent = false;
            for connection in self.connections.iter_mut().flatten() {
                if let Protocol::Stream(_, kinds) = &connection.protocol
                    && connection.health == Health::Open
                    && kinds.iter().any(|kind| kind == update.kind)
                {
                    websocket::write(&mut connection.outbox, Opcode::Text, update.text.as_bytes());
                    is_sent = true;
                }
            }
            self.updates_sent += u64::from(is_sent);
        }
    }

    fn cut_by_fault(&mut self) {
        for connection in self.connections.iter_mut().flatten() {
            let is_socket = !matches!(connection.protocol, Protocol::Http);
            if is_socket && self.broker.drops_socket() {
                connection.health = Health::Dead;
            }
        }
    }

    /// Writes what waits; whether somebody has left.
    fn transmit(&mut self) -> bool {
        let mut has_lost = false;
        for token in 0..self.connections.len() {
            let Some(connection) = self.connections[token].as_mut() else {
                continue;
            };
            connection.transmit();
            // Simulated time does not wait for somebody who is leaving.
            if connection.health != Health::Open {
                self.player.leave(token);
            }
            if connection.health == Health::Dead {
                let _gone = self.poll.registry().deregister(connection.socket_mut());
                self.connections[token] = None;
                has_lost = true;
            } else if !connection.is_held() && !connection.inbox.is_empty() {
                // Requests that stood behind a held reply.
                self.serve_http(token);
                if let Some(connection) = self.connections[token].as_mut() {
                    connection.transmit();
                }
            }
        }
        has_lost
    }

    fn say_goodbye(&mut self) {
        for connection in self.connections.iter_mut().flatten() {
            if !matches!(connection.protocol, Protocol::Http) && connection.health == Health::Open {
                websocket::write_close(&mut connection.outbox, GOING_AWAY, "stopping");
            }
            connection.health = Health::Closing;
            connection.transmit();
        }
        self.seat.stats.set(self.count());
    }

    /// Open sockets of the market feed and of the portfolio stream.
    pub(super) fn count_sockets(&self) -> (usize, usize) {
        let open = self.connections.iter().flatten();
        open.filter(|each| each.health == Health::Open)
            .fold((0, 0), |(feeds, streams), each| match each.protocol {
                Protocol::Http => (feeds, streams),
                Protocol::Feed(_) => (feeds + 1, streams),
                Protocol::Stream(..) => (feeds, streams + 1),
            })
    }

    /// The counts now.
    pub(super) fn count(&self) -> SimStats {
        let (ticks_played, anomalies_played) = self.player.played();
        let (ticks_sent, frames_sent) = self.player.sent();
        let (unknown_keys, keys_over_limit) = self.player.refused_keys();
        let (webhooks_delivered, webhooks_failed) = self.postman.counts();
        let (feeds, streams) = self.count_sockets();
        SimStats {
            now: self.player.now(),
            day_done: self.player.is_done(),
            day_error: self.day_error.clone(),
            ticks_played,
            anomalies_played,
            ticks_sent,
            frames_sent,
            feed_clients: feeds as u64,
            stream_clients: streams as u64,
            updates_sent: self.updates_sent,
            unknown_keys,
            keys_over_limit,
            text_frames_ignored: self.text_frames_ignored,
            webhooks_delivered,
            webhooks_failed,
            broker: self.broker.stats(),
        }
    }
}
