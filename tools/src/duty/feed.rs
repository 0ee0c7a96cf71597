//! The feed's duty: frames in, ticks out, each instrument's newest tick kept when the engine lags.
//!
//! Market data conflates: when the ring is full the newest tick of an instrument replaces the waiting one and
//! is counted; cumulative volume makes that lossless for volume. Clock and state changes are never dropped.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use bijli_core::event::{FeedState, Tick};
use bijli_core::instrument::InstrumentId;
use bijli_core::latency::Stage;
use bijli_core::readout::FeedReadout;
use bijli_core::ring::Producer;
use bijli_core::text::Text;
use bijli_core::{DurationNs, Instrument, IstDay, TsNs};
use bijli_feed::seen_ages::SeenAges;
use bijli_feed::upstox::message::{Decoder, FrameKind, envelope};
use bijli_feed::{FeedClient, FeedNote, FeedOutput, KeyIndex, Normaliser};

use crate::capture_store::CaptureStore;
use crate::duty::feed_aim::FeedAim;
use crate::duty::token_watch::TokenWatch;
use crate::duty::{Ended, FeedItem, FeedWord};
use crate::duty_cycle::{Bell, ClockSource, Duty, EngineClock, Moment, MonoNs, Turn};
use crate::latency_recorder::LatencyRecorder;
use crate::screen::{FeedScreen, empty_feed};

/// How long the feed stands still for an order in flight before it takes one more batch without the answer.
const LOCKSTEP_MAX_NS: u64 = 50_000_000;

/// Holds simulated time while an order is on its way, so that a day at full speed trades as one in real time.
#[derive(Debug)]
pub struct Lockstep {
    /// Commands that the engine handed on.
    pub pushed: Arc<AtomicU64>,
    /// Commands that the gateway took.
    pub taken: Arc<AtomicU64>,
    /// What the gateway still has in hand.
    pub busy: Arc<AtomicU64>,
}

impl Lockstep {
    fn is_waiting(&self) -> bool {
        self.pushed.load(Ordering::Acquire) != self.taken.load(Ordering::Acquire)
            || self.busy.load(Ordering::Acquire) != 0
    }
}

/// What the feed duty is built from.
pub struct FeedParts {
    /// The connection.
    pub client: FeedClient,
    /// The day's instruments.
    pub instruments: Vec<Instrument>,
    /// The trading day.
    pub day: IstDay,
    /// What is to be listened to.
    pub aim: FeedAim,
    /// Data older than this refuses an entry; counted for the operator's eyes.
    pub quote_age_max: DurationNs,
    /// Ticks to the engine.
    pub ring: Producer<FeedItem>,
    /// Wakes this thread.
    pub own_bell: Bell,
    /// Wakes the engine.
    pub engine_bell: Bell,
    /// Engine time, moved here when the venue is the clock.
    pub clock: EngineClock,
    /// Only with the venue's clock.
    pub lockstep: Option<Lockstep>,
    /// How long a turn may wait for the socket; `None` = not at all.
    pub wait: Option<Duration>,
    /// Words for an operator, printed elsewhere.
    pub notes: Sender<FeedWord>,
    /// What is known of the token.
    pub token: TokenWatch,
    /// Where raw frames are kept, if they are.
    pub capture: Option<CaptureStore>,
    /// Where the numbers are shown.
    pub screen: FeedScreen,
}

/// The feed and everything that it alone writes.
pub struct FeedDuty {
    client: FeedClient,
    wait: Option<Duration>,
    lockstep: Option<Lockstep>,
    held_since: Option<MonoNs>,
    own_bell: Bell,
    notes: Sender<FeedWord>,
    token: TokenWatch,
    screen: FeedScreen,
    intake: Intake,
}

/// From frame to ring.
#[derive(Debug)]
struct Intake {
    decoder: Decoder,
    keys: KeyIndex,
    normaliser: Normaliser,
    /// The ticks of the frame at hand.
    batch: Vec<Tick>,
    outbox: Outbox,
    clock: EngineClock,
    engine_bell: Bell,
    capture: Option<CaptureStore>,
    /// The machine's clock at the turn at hand.
    machine: TsNs,
    decode: LatencyRecorder,
    readout: FeedReadout,
    ages: SeenAges,
    aim: FeedAim,
    /// Older data refuses an entry.
    quote_age_max: DurationNs,
}

/// What waits because the ring is full.
#[derive(Debug)]
struct Outbox {
    ring: Producer<FeedItem>,
    /// The newest waiting tick of each instrument.
    waiting: Vec<Option<(Tick, MonoNs, MonoNs)>>,
    /// Instruments with a waiting tick, oldest first.
    order: VecDeque<InstrumentId>,
    clock: Option<TsNs>,
    states: VecDeque<(TsNs, FeedState)>,
    conflated: u64,
}

impl FeedDuty {
    /// A duty around a connection.
    #[must_use]
    pub fn new(parts: FeedParts) -> Self {
        let count = parts.instruments.len();
        let outbox = Outbox {
            ring: parts.ring,
            waiting: vec![None; count],
            order: VecDeque::with_capacity(count),
            clock: None,
            states: VecDeque::with_capacity(64),
            conflated: 0,
        };
        let intake = Intake {
            decoder: Decoder::new(),
            keys: KeyIndex::new(&parts.instruments),
            normaliser: Normaliser::new(&parts.instruments, parts.day),
            batch: Vec::with_capacity(count.max(64)),
            outbox,
            clock: parts.clock,
            engine_bell: parts.engine_bell,
            capture: parts.capture,
            machine: TsNs::NEVER,
            decode: LatencyRecorder::new(Stage::Decode),
            readout: empty_feed(),
            ages: SeenAges::new(count),
            aim: parts.aim,
            quote_age_max: parts.quote_age_max,
        };
        Self {
            client: parts.client,
            wait: parts.wait,
            lockstep: parts.lockstep,
            held_since: None,
            own_bell: parts.own_bell,
            notes: parts.notes,
            token: parts.token,
            screen: parts.screen,
            intake,
        }
    }

    /// Whether simulated time must stand still in this turn.
    fn is_held(&mut self, moment: Moment) -> bool {
        let Some(lockstep) = &self.lockstep else {
            return false;
        };
        if !lockstep.is_waiting() {
            self.held_since = None;
            return false;
        }
        let since = *self.held_since.get_or_insert(moment.mono);
        let held = moment.mono.since(since) < LOCKSTEP_MAX_NS;
        if !held {
            // An answer that does not come must not stop the day: time creeps on, one batch at a time.
            self.held_since = Some(moment.mono);
        }
        held
    }

    /// Listens to other strikes when an underlying has moved on. Rare, so it may allocate.
    fn follow(&mut self, moment: Moment) {
        if self.intake.aim.take_due()
            && let Err(error) = self.client.aim(moment.machine, &self.intake.aim.wants())
        {
            // The keys are those of the day's table, which were good when the client was made.
            let reason = error.to_string();
            let _told = self.notes.send(FeedWord::Note(FeedNote::Disconnected { reason }));
        }
    }

    fn show(&mut self, moment: Moment) {
        if self.screen.is_due(moment) {
            self.put_screen();
        }
    }

    fn put_screen(&mut self) {
        let counters = self.client.counters();
        let readout = &mut self.intake.readout;
        readout.reconnects = counters.reconnects;
        readout.subscribed = counters.subscribed;
        readout.seen = counters.seen;
        readout.never_seen = counters.never_seen;
        readout.subscribed_after = counters.subscribed_after;
        readout.refused = self.client.refused().count() as u32;
        readout.refused_keys = first_keys(self.client.refused().chain(self.client.never_seen()));
        readout.ticks_conflated = self.intake.outbox.conflated;
        let client = &self.client;
        let ages = self
            .intake
            .ages
            .summary(self.intake.clock.now(), self.intake.quote_age_max, |id| {
                client.is_placed(id)
            });
        readout.stale = ages.old;
        let oldest = ages.oldest.map(|(id, age)| (client.key(id), age));
        let (key, age) = oldest.unwrap_or_default();
        readout.oldest_key = key.and_then(Text::new).unwrap_or_default();
        readout.oldest_age = age;
        let ring = self.intake.outbox.ring.counters();
        readout.ring_depth_max = ring.depth_max();
        readout.ring_full = ring.full();
        self.screen.put(readout, &self.intake.decode);
    }
}

/// What the feed's duty leaves behind.
#[derive(Debug)]
pub struct FeedEnd {
    /// The last numbers.
    pub readout: FeedReadout,
    /// Histogram of the stage decode.
    pub decode: LatencyRecorder,
    /// Frames that should have been captured and could not be.
    pub frames_not_captured: u64,
}

impl Duty<Ended> for FeedDuty {
    fn turn(&mut self, moment: Moment) -> Turn {
        self.intake.outbox.flush();
        // In lockstep nothing is conflated: an engine that lags holds the venue instead.
        if self.is_held(moment) || (self.lockstep.is_some() && !self.intake.outbox.is_empty()) {
            return Turn::Did(0);
        }
        if self.token.is_dead() {
            self.client.bury_token();
        }
        let (intake, notes, token) = (&mut self.intake, &self.notes, &self.token);
        intake.machine = moment.machine;
        self.own_bell.set_polling(true);
        let work_count = self
            .client
            .poll(moment.machine, self.wait, &mut |output| match output {
                FeedOutput::Frame(frame) => intake.take_frame(frame),
                // Rare words for an operator; whoever prints them may be gone at the very end.
                FeedOutput::State(state) => {
                    intake.take_state(state);
                    drop(notes.send(FeedWord::State(state)));
                }
                FeedOutput::Note(note) => {
                    if note == FeedNote::TokenDead {
                        token.doubt();
                    }
                    drop(notes.send(FeedWord::Note(note)));
                }
            });
        self.own_bell.set_polling(false);
        if work_count > 0 {
            self.intake.engine_bell.ring();
        }
        self.follow(moment);
        self.show(moment);
        if work_count == 0 && self.wait.is_some() {
            return Turn::Rested;
        }
        Turn::Did(work_count)
    }

    fn finish(mut self: Box<Self>) -> Ended {
        self.put_screen();
        let frames_not_captured = self.intake.capture.as_ref().map_or(0, CaptureStore::frames_lost);
        Ended::Feed(Box::new(FeedEnd {
            readout: self.intake.readout,
            decode: self.intake.decode,
            frames_not_captured,
        }))
    }
}

impl Intake {
    fn take_frame(&mut self, frame: &[u8]) {
        if let Some(capture) = &mut self.capture {
            capture.append(self.machine, frame);
        }
        let recv = MonoNs::now();
        self.readout.frames += 1;
        self.readout.bytes += frame.len() as u64;
        // The frame's own time stands behind its feeds: look at the envelope first.
        let Ok((kind, current_ts)) = envelope(frame) else {
            self.readout.decode_errors += 1;
            return;
        };
        if self.clock.source() == ClockSource::Venue {
            self.clock.advance(current_ts);
        }
        let now = self.clock.now();
        self.readout.last_frame = now;
        let snapshot = kind == FrameKind::Initial;
        let (normaliser, batch) = (&mut self.normaliser, &mut self.batch);
        batch.clear();
        let outcome = self.decoder.decode(frame, &self.keys, &mut |id, feed| {
            batch.push(normaliser.tick(id, feed, now, snapshot));
        });
        let decoded = MonoNs::now();
        match outcome {
            Ok(head) => self.readout.unknown_keys += u64::from(head.unknown_keys),
            Err(_) => self.readout.decode_errors += 1,
        }
        self.readout.ticks_received += self.batch.len() as u64;
        for tick in &self.batch {
            self.ages.saw(tick.instrument, now);
            if tick.flags.is_sound() {
                self.aim.handle_price(tick.instrument, tick.ltp);
            }
            self.outbox.push(*tick, recv, decoded);
        }
        match self.batch.len() as u64 {
            0 => self.outbox.push_clock(now),
            ticks => self.decode.record(decoded.since(recv) / ticks),
        }
    }

    fn take_state(&mut self, state: FeedState) {
        self.readout.state = state;
        let ts = self.clock.now();
        self.outbox.push_state(ts, state);
    }
}

/// As many keys as the read-out has room for, with blanks between them.
fn first_keys<'a>(keys: impl Iterator<Item = &'a str>) -> Text<160> {
    let (mut text, mut bytes) = ([b' '; 160], 0);
    for key in keys {
        let start = if bytes == 0 { 0 } else { bytes + 1 };
        let Some(place) = text.get_mut(start..start + key.len()) else {
            break;
        };
        place.copy_from_slice(key.as_bytes());
        bytes = start + key.len();
    }
    Text::from_bytes(&text[..bytes]).unwrap_or_default()
}

impl Outbox {
    fn is_empty(&self) -> bool {
        self.order.is_empty() && self.states.is_empty() && self.clock.is_none()
    }

    fn push(&mut self, tick: Tick, recv: MonoNs, decoded: MonoNs) {
        if self.is_empty() && self.ring.push(FeedItem::Tick { tick, recv, decoded }).is_ok() {
            return;
        }
        let slot = &mut self.waiting[tick.instrument.index()];
        match slot {
            Some(_) => self.conflated += 1,
            None => self.order.push_back(tick.instrument),
        }
        *slot = Some((tick, recv, decoded));
    }

    fn push_clock(&mut self, ts: TsNs) {
        if !self.is_empty() || self.ring.push(FeedItem::Clock(ts)).is_err() {
            self.clock = Some(ts);
        }
    }

    fn push_state(&mut self, ts: TsNs, state: FeedState) {
        if !self.is_empty() || self.ring.push(FeedItem::State { ts, state }).is_err() {
            self.states.push_back((ts, state));
        }
    }

    /// Hands on what waits, as far as there is room: ticks first, then states, then the clock.
    fn flush(&mut self) {
        while let Some(id) = self.order.front() {
            let Some((tick, recv, decoded)) = self.waiting[id.index()] else {
                break;
            };
            if self.ring.push(FeedItem::Tick { tick, recv, decoded }).is_err() {
                return;
            }
            self.waiting[id.index()] = None;
            self.order.pop_front();
        }
        while let Some((ts, state)) = self.states.front().copied() {
            if self.ring.push(FeedItem::State { ts, state }).is_err() {
                return;
            }
            self.states.pop_front();
        }
        if let Some(ts) = self.clock
            && self.ring.push(FeedItem::Clock(ts)).is_ok()
        {
            self.clock = None;
        }
    }
}
