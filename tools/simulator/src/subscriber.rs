//! One client of the market feed: what it subscribed to, the message under way, and the pings it owes.
//!
//! Everything it is sent collects in one buffer of whole WebSocket frames, so that its owner can hand many
//! messages to TLS at once. Pure: no socket, no clock.

use bijli_core::TsNs;

use crate::day::{DayInstrument, DayTick};
use crate::feed_frame::{self, Extras, FeedMode, FrameKind};
use crate::key_limits::KeyCounts;
use crate::market_state::MarketState;
use crate::play::FEEDS_PER_FRAME_MAX;
use crate::play::entry::push_entry;
use crate::websocket::{self, Opcode};

/// One client.
#[derive(Debug)]
pub struct Subscriber {
    modes: Vec<Option<FeedMode>>,
    keys: KeyCounts,
    /// The message that last held each instrument.
    held_by: Vec<u64>,
    message: Vec<u8>,
    message_number: u64,
    message_feeds: u32,
    is_quiet: bool,
    pinged: u64,
    pinged_at: TsNs,
    acked: u64,
    confirmed: TsNs,
    ticks_sent: u64,
    frames_sent: u64,
    is_closed: bool,
    outbox: Vec<u8>,
}

impl Subscriber {
    pub(crate) fn new(instruments: usize) -> Self {
        Self {
            modes: vec![None; instruments],
            keys: KeyCounts::default(),
            held_by: vec![0; instruments],
            message: Vec::new(),
            message_number: 1,
            message_feeds: 0,
            is_quiet: true,
            pinged: 0,
            pinged_at: TsNs::NEVER,
            acked: 0,
            confirmed: TsNs::NEVER,
            ticks_sent: 0,
            frames_sent: 0,
            is_closed: false,
            outbox: Vec::new(),
        }
    }

    /// Whole WebSocket frames that wait to be sent; the taker empties it.
    pub const fn outbox(&mut self) -> &mut Vec<u8> {
        &mut self.outbox
    }

    /// Whether anything is subscribed.
    #[must_use]
    pub fn is_subscribed(&self) -> bool {
        self.keys.total() > 0
    }

    /// Whether a close frame was sent: nothing follows it.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Whether the last ping was answered.
    #[must_use]
    pub const fn is_acked(&self) -> bool {
        self.acked >= self.pinged
    }

    /// The simulated time of the last ping that was answered.
    #[must_use]
    pub const fn confirmed(&self) -> TsNs {
        self.confirmed
    }

    /// Feed entries and messages sent.
    #[must_use]
    pub const fn sent(&self) -> (u64, u64) {
        (self.ticks_sent, self.frames_sent)
    }

    /// Takes the answer to a ping.
    pub fn handle_pong(&mut self, payload: &[u8]) {
        let Ok(bytes) = payload.try_into() else { return };
        let number = u64::from_be_bytes(bytes);
        if number == self.pinged && number > self.acked {
            self.acked = number;
            self.confirmed = self.pinged_at;
        }
    }

    /// Subscribes and answers with a snapshot, then pings: a client that sends its requests in batches has
    /// sent all of them before it answers, so simulated time waits for the last.
    ///
    /// While the feed is `muted` the ping comes alone.
    pub(crate) fn subscribe<'a>(
        &mut self,
        now: TsNs,
        instruments: &[u32],
        mode: FeedMode,
        snapshot: Option<(
            FrameKind,
            impl Iterator<Item = (&'a DayInstrument, &'a DayTick, Extras<'a>)>,
        )>,
    ) {
        if self.is_closed {
            return;
        }
        for id in instruments {
            self.set_mode(*id, mode);
        }
        self.flush(now);
        if let Some((kind, rows)) = snapshot {
            feed_frame::begin(&mut self.message, kind);
            for (instrument, tick, extras) in rows {
                push_entry(&mut self.message, instrument, tick, mode, &extras);
                self.ticks_sent += 1;
            }
            feed_frame::finish(&mut self.message, now);
            self.send_message();
        }
        self.ping(now);
    }

    /// The mode in which an instrument is subscribed.
    pub(crate) fn mode(&self, instrument: u32) -> Option<FeedMode> {
        self.modes[instrument as usize]
    }

    /// The keys subscribed.
    pub(crate) const fn keys(&self) -> KeyCounts {
        self.keys
    }

    pub(crate) fn set_mode(&mut self, instrument: u32, mode: FeedMode) {
        if let Some(before) = self.modes[instrument as usize].replace(mode) {
            self.keys.remove(before);
        }
        self.keys.add(mode);
    }

    pub(crate) fn unsubscribe(&mut self, instruments: &[u32]) {
        for id in instruments {
            if let Some(before) = self.modes[*id as usize].take() {
                self.keys.remove(before);
            }
        }
    }

    /// Adds a tick to the message under way, if the instrument is subscribed.
    pub(crate) fn push(
        &mut self,
        now: TsNs,
        instrument: &DayInstrument,
        tick: &DayTick,
        extras: &Extras<'_>,
    ) {
        let index = tick.instrument as usize;
        let Some(mode) = self.modes[index] else { return };
        if self.message_feeds >= FEEDS_PER_FRAME_MAX || self.held_by[index] == self.message_number {
            self.flush(now);
        }
        if self.message_feeds == 0 {
            feed_frame::begin(&mut self.message, FrameKind::Live);
        }
        push_entry(&mut self.message, instrument, tick, mode, extras);
        self.held_by[index] = self.message_number;
        self.message_feeds += 1;
        self.ticks_sent += 1;
    }

    /// Sends the message under way, if there is one.
    pub(crate) fn flush(&mut self, now: TsNs) {
        if self.message_feeds > 0 {
            feed_frame::finish(&mut self.message, now);
            self.send_message();
        }
    }

    /// Ends a simulated second: an empty message if there was none, then a ping.
    pub(crate) fn end_second(&mut self, now: TsNs, is_muted: bool) {
        if self.is_closed || !self.is_subscribed() {
            return;
        }
        if self.is_quiet && !is_muted {
            feed_frame::begin(&mut self.message, FrameKind::Live);
            feed_frame::finish(&mut self.message, now);
            self.send_message();
        }
        self.is_quiet = true;
        self.ping(now);
    }

    pub(crate) fn send_market_info(&mut self, now: TsNs, state: &MarketState) {
        if self.is_closed {
            return;
        }
        self.flush(now);
        feed_frame::market_info(&mut self.message, now, state);
        self.send_message();
    }

    pub(crate) fn send_close(&mut self, code: u16, reason: &str) {
        websocket::write_close(&mut self.outbox, code, reason);
        self.is_closed = true;
        self.keys = KeyCounts::default();
        self.modes.fill(None);
    }

    fn ping(&mut self, now: TsNs) {
        self.pinged += 1;
        self.pinged_at = now;
        websocket::write(&mut self.outbox, Opcode::Ping, &self.pinged.to_be_bytes());
    }

    fn send_message(&mut self) {
        websocket::write(&mut self.outbox, Opcode::Binary, &self.message);
        self.message.clear();
        self.message_feeds = 0;
        self.message_number += 1;
        self.frames_sent += 1;
        self.is_quiet = false;
    }
}
