//! Market data from the simulated broker to the engine's door through the real machines of the feed, in one process.
//!
//! Changes of the market become the broker's frames ([`crate::feed_frame`]), travel with a latency and with faults
//! of a table, and are read by the session, decoder and normaliser that a real connection has. Invariants: pure,
//! time is an argument; the same calls give the same items; nothing is told that no frame told.
//! Left out: bytes of WebSocket and TLS, several sockets, capture. Facts: `feed/src/upstox/PROTOCOL.md`.

use std::collections::{BTreeMap, VecDeque};

use bijli_core::event::{FeedState, Tick};
use bijli_core::{DurationNs, Instrument, IstDay, TsNs};
use bijli_feed::feed_note::{SessionEvent, Transmit};
pub use bijli_feed::liveness::MarketHours;
use bijli_feed::upstox::message::{self, Decoder, FrameKind as Heard};
use bijli_feed::{FeedCounters, KeyIndex, Mode, Normaliser, Session, SessionSettings};
use serde_json::Value;

use crate::day::DayTick;
use crate::feed_frame::{self, FeedMode, FrameKind};
use crate::market_state::MarketState;

mod distort;
mod table;

use table::FeedDice;
pub use table::{FEED_FAULT_KINDS, FEED_FAULTS, FeedFault, FeedFaultRow};

/// Keys of one request.
const BATCH: usize = 100;
/// Age of data from which the feed counts as mute.
const MUTE_AFTER: DurationNs = DurationNs::from_secs(3);
/// How long after a refusal for its token another one comes.
const NEW_TOKEN_AFTER: DurationNs = DurationNs::from_secs(5);

/// What comes out at the engine's end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FeedItem {
    /// A tick.
    Tick(Tick),
    /// What the feed can be trusted with from now on.
    State {
        /// Since when.
        ts: TsNs,
        /// The state.
        state: FeedState,
    },
}

/// What is on its way.
#[derive(Clone, Debug)]
enum Way {
    Redirected,
    Opened,
    Refused(u16),
    NewToken,
    Frame(Vec<u8>),
    Ask(Vec<u8>),
}

/// What a line is made of.
#[derive(Clone, Debug)]
pub struct FeedLineSettings {
    /// The trading day.
    pub day: IstDay,
    /// When data is due.
    pub hours: MarketHours,
    /// Decides faults and waits.
    pub seed: u64,
    /// Time of everything on its way.
    pub latency: DurationNs,
    /// Chances of the faults, parts per million.
    pub ppm: [u32; FEED_FAULT_KINDS],
}

/// A line.
#[derive(Debug)]
pub struct FeedLine {
    settings: FeedLineSettings,
    session_settings: SessionSettings,
    session: Session,
    decoder: Decoder,
    normaliser: Normaliser,
    keys: KeyIndex,
    instruments: Vec<Instrument>,
    dice: FeedDice,
    /// By arrival; of one time, the first sent comes first.
    on_the_way: BTreeMap<(TsNs, u64), (u64, Way)>,
    sent: u64,
    /// Which connection things on their way belong to.
    connection: u64,
    is_open: bool,
    is_serving: Vec<bool>,
    market: Vec<Option<DayTick>>,
    older: Vec<Option<DayTick>>,
    mute_until: TsNs,
    held_until: TsNs,
    frozen: (usize, TsNs),
    refusal: Option<u16>,
}

impl FeedLine {
    /// A line that connects at the first [`FeedLine::poll`].
    ///
    /// # Panics
    /// When the instruments are no day's table: ids are positions, and each has a key of its own.
    #[must_use]
    pub fn new(instruments: &[Instrument], settings: FeedLineSettings) -> Self {
        let session_settings = SessionSettings {
            keys: instruments
                .iter()
                .map(|row| row.key.as_str().to_owned())
                .collect(),
            mode: Mode::Full,
            batch: BATCH,
            mute_after: MUTE_AFTER,
            jitter_seed: settings.seed,
            hours: settings.hours,
        };
        let count = instruments.len();
        Self {
            session: Session::new(&session_settings).expect("keys of a master are keys"),
            session_settings,
            decoder: Decoder::new(),
            normaliser: Normaliser::new(instruments, settings.day),
            keys: KeyIndex::new(instruments),
            instruments: instruments.to_vec(),
            dice: FeedDice::new(settings.ppm, settings.seed),
            on_the_way: BTreeMap::new(),
            sent: 0,
            connection: 0,
            is_open: false,
            is_serving: vec![false; count],
            market: vec![None; count],
            older: vec![None; count],
            mute_until: TsNs::NEVER,
            held_until: TsNs::NEVER,
            frozen: (count, TsNs::NEVER),
            refusal: None,
            settings,
        }
    }

    /// Another process listens from now on: it connects anew, and knows nothing of earlier ticks.
    pub fn restart(&mut self) {
        self.session = Session::new(&self.session_settings).expect("they were keys before");
        self.normaliser = Normaliser::new(&self.instruments, self.settings.day);
        self.hang_up();
        self.on_the_way.clear();
    }

    /// No fault from now on; what lasts ends.
    pub fn heal(&mut self) {
        self.dice.ppm = [0; FEED_FAULT_KINDS];
        (self.mute_until, self.held_until) = (TsNs::NEVER, TsNs::NEVER);
        self.frozen.1 = TsNs::NEVER;
        self.refusal = None;
        // A subscription of which a key was dropped stays as it is: the line's own audit asks again.
    }

    /// Kinds of fault and how often each has fired.
    pub fn fired(&self) -> impl Iterator<Item = (&'static FeedFaultRow, u64)> {
        FEED_FAULTS.iter().zip(self.dice.counts)
    }

    /// What the session counted.
    #[must_use]
    pub fn counters(&self) -> FeedCounters {
        self.session.counters()
    }

    /// The market of an instrument moved.
    pub fn take(&mut self, now: TsNs, change: &DayTick) {
        let index = change.instrument as usize;
        self.older[index] = self.market[index];
        self.market[index] = Some(*change);
        if self.is_open && self.dice.fires(FeedFault::Refused) {
            self.cut(now);
        }
        if !self.is_open || !self.is_serving[index] || self.is_withheld(now, index) {
            return;
        }
        let mut told = *change;
        self.distort(&mut told);
        let frame = self.frame(now, FrameKind::Live, &[told]);
        let frame = self.damage(now, frame);
        let copies = if self.dice.fires(FeedFault::Flood) { 20 } else { 1 };
        for _ in 0..copies {
            self.send(now, Way::Frame(frame.clone()));
        }
        if self.dice.fires(FeedFault::Repeated) {
            let later = now.plus(self.dice.lasts(FeedFault::Repeated));
            self.send(later, Way::Frame(frame));
        }
    }

    /// What has arrived by now, given to the engine's end.
    pub fn poll(&mut self, now: TsNs, out: &mut VecDeque<FeedItem>) {
        self.session.handle_timeout(now);
        self.drain(now, out);
        while let Some(entry) = self.on_the_way.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let ((at, _), (connection, way)) = entry.remove_entry();
            if connection == self.connection || matches!(way, Way::NewToken) {
                self.arrive(at, now, way, out);
                self.drain(now, out);
            }
        }
    }

    /// When [`FeedLine::poll`] is due next.
    #[must_use]
    pub fn next_due(&self, now: TsNs) -> Option<TsNs> {
        let arrival = self.on_the_way.first_key_value().map(|((at, _), _)| *at);
        self.session.poll_timeout(now).into_iter().chain(arrival).min()
    }

    fn send(&mut self, from: TsNs, way: Way) {
        // What is held back comes all at once, when the holding ends.
        let leaves = match way {
            Way::Frame(_) => from.max(self.held_until),
            _ => from,
        };
        self.sent += 1;
        let arrives = leaves.plus(self.settings.latency);
        self.on_the_way
            .insert((arrives, self.sent), (self.connection, way));
    }

    fn hang_up(&mut self) {
        self.connection += 1;
        self.is_open = false;
        self.is_serving.fill(false);
    }

    fn cut(&mut self, now: TsNs) {
        self.hang_up();
        self.session
            .handle_disconnected(now, "cut by the far side".to_owned());
        let is_token = self.dice.between(FeedFault::Refused, 0, 1) == 0;
        self.refusal = Some(if is_token { 401 } else { 403 });
    }

    /// Whether a fault keeps a change from being told.
    fn is_withheld(&mut self, now: TsNs, index: usize) -> bool {
        if now >= self.mute_until && self.dice.fires(FeedFault::Mute) {
            self.mute_until = now.plus(self.dice.lasts(FeedFault::Mute));
        }
        if now >= self.held_until && self.dice.fires(FeedFault::FreezeThenBurst) {
            self.held_until = now.plus(self.dice.lasts(FeedFault::FreezeThenBurst));
        }
        if now >= self.frozen.1 && self.dice.fires(FeedFault::KeyFrozen) {
            self.frozen = (index, now.plus(self.dice.lasts(FeedFault::KeyFrozen)));
        }
        now < self.mute_until || (index == self.frozen.0 && now < self.frozen.1)
    }

    fn frame(&self, now: TsNs, kind: FrameKind, ticks: &[DayTick]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        feed_frame::begin(&mut bytes, kind);
        for tick in ticks {
            let row = &self.instruments[tick.instrument as usize];
            feed_frame::push(&mut bytes, row.key.as_str(), row.kind, tick, FeedMode::Full);
        }
        feed_frame::finish(&mut bytes, now);
        bytes
    }

    fn tell_market(&mut self, now: TsNs) {
        let mut bytes = Vec::new();
        let state = MarketState::at(self.settings.day, now);
        feed_frame::market_info(&mut bytes, now, &state);
        self.send(now, Way::Frame(bytes));
    }

    /// Carries out what the session asks for, and hands its states on.
    fn drain(&mut self, now: TsNs, out: &mut VecDeque<FeedItem>) {
        while let Some(transmit) = self.session.poll_transmit() {
            match transmit {
                Transmit::Connect(address) => {
                    self.hang_up();
                    let refusal = self.refusal.take();
                    let way = match (refusal, address) {
                        (Some(status), _) => Way::Refused(status),
                        (None, bijli_feed::feed_note::Address::Entry) => Way::Redirected,
                        (None, bijli_feed::feed_note::Address::Redirect(_)) => Way::Opened,
                    };
                    self.send(now, way);
                }
                Transmit::Binary(request) => self.send(now, Way::Ask(request)),
                Transmit::Close => self.hang_up(),
            }
        }
        while let Some(event) = self.session.poll_event() {
            if let SessionEvent::State(state) = event {
                out.push_back(FeedItem::State { ts: now, state });
            }
        }
    }

    fn arrive(&mut self, at: TsNs, now: TsNs, way: Way, out: &mut VecDeque<FeedItem>) {
        match way {
            Way::Redirected => self.session.handle_redirected(now, "/feed?code=1".to_owned()),
            Way::Opened => {
                self.is_open = true;
                self.session.handle_connected(now);
                self.tell_market(at);
            }
            Way::Refused(status) => {
                self.session.handle_refused(now, status, String::new());
                if status == 401 {
                    self.send(at.plus(NEW_TOKEN_AFTER), Way::NewToken);
                }
            }
            Way::NewToken => self.session.handle_new_token(now),
            Way::Ask(request) => self.serve(at, &request),
            Way::Frame(frame) => self.hear(now, &frame, out),
        }
    }

    /// The far side takes a request and answers it with a snapshot.
    fn serve(&mut self, at: TsNs, request: &[u8]) {
        let request: Value = serde_json::from_slice(request).expect("our own session writes JSON");
        let asked = request["data"]["instrumentKeys"].as_array();
        let mut snapshot = Vec::new();
        for key in asked.into_iter().flatten().filter_map(Value::as_str) {
            let place = self.instruments.iter().position(|row| row.key.as_str() == key);
            let Some(index) = place.filter(|_| !self.dice.fires(FeedFault::KeyDropped)) else {
                continue;
            };
            self.is_serving[index] = true;
            let mut shown = self.market[index];
            if shown.is_some() && self.dice.fires(FeedFault::OldSnapshot) {
                let age_ms = self.dice.lasts(FeedFault::OldSnapshot).get() / 1_000_000;
                shown = self.older[index].or(shown).map(|tick| DayTick {
                    ltt_ms: tick.ltt_ms - age_ms,
                    ..tick
                });
            }
            snapshot.extend(shown);
        }
        if !snapshot.is_empty() {
            let frame = self.frame(at, FrameKind::Initial, &snapshot);
            self.send(at, Way::Frame(frame));
        }
    }

    /// Our side hears a frame, as the feed's duty does.
    fn hear(&mut self, now: TsNs, frame: &[u8], out: &mut VecDeque<FeedItem>) {
        self.session.handle_frame(now, frame);
        let Ok((kind, _)) = message::envelope(frame) else {
            return;
        };
        let snapshot = kind == Heard::Initial;
        let normaliser = &mut self.normaliser;
        // A frame that breaks off has told what stood before; the session counted it.
        let _told = self.decoder.decode(frame, &self.keys, &mut |id, feed| {
            out.push_back(FeedItem::Tick(normaliser.tick(id, feed, now, snapshot)));
        });
    }
}

#[cfg(test)]
mod tests;
