//! The day as it reaches subscribers: simulated time moved on in small windows, each tick matched at the broker
//! and written into every subscriber's messages.
//!
//! Pure but for the files that a recorded day is read from: no socket, no clock. Time moves only when
//! [`Player::play_window`] is called. Invariants: every simulated second has at least one message, empty if
//! nothing happened; a message holds a key at most once and at most [`FEEDS_PER_FRAME_MAX`] keys; after each
//! simulated second every subscriber is pinged.

use std::collections::BTreeMap;

use bijli_core::session::Market;
use bijli_core::{DurationNs, IstDay, Price, Qty, TsNs};
use bijli_gateway::paper::fill::Book;

use crate::broker::Broker;
use crate::day::{Anomaly, DayError, DayInfo, DaySource, DayTick, Morning, hours, price_of};
use crate::feed_extra::HalfHour;
use crate::market_state::{self, MarketState};
use crate::options::SocketOptions;
use crate::subscriber::Subscriber;

pub(crate) mod entry;
mod request;

/// Close codes.
const NORMAL: u16 = 1000;
const POLICY: u16 = 1008;
const END_OF_DAY: &str = "end of the day";
/// Keys of one message.
pub const FEEDS_PER_FRAME_MAX: u32 = 50;
/// Ticks of this much simulated time go into one message.
const WINDOW: DurationNs = DurationNs::from_millis(200);
const SECOND: DurationNs = DurationNs::from_secs(1);
/// The clock runs on for so long after the close.
const AFTER_CLOSE: DurationNs = DurationNs::from_secs(60);

const _: () = assert!(SECOND.get() % WINDOW.get() == 0);

/// A day under way.
pub struct Player {
    source: Box<dyn DaySource>,
    info: DayInfo,
    pending: DayTick,
    has_pending: bool,
    latest: Vec<DayTick>,
    now: TsNs,
    end: TsNs,
    is_done: bool,
    ticks_played: u64,
    anomalies_played: u64,
    ids: BTreeMap<String, u32>,
    options: SocketOptions,
    is_muted: bool,
    is_half_hidden: bool,
    unknown_keys: u64,
    keys_over_limit: u64,
    /// What `market_info` said last.
    state_told: MarketState,
    has_auction: bool,
    /// Half hours of each instrument; empty unless the options ask for them.
    half_hours: Vec<HalfHour>,
    subscribers: BTreeMap<usize, Subscriber>,
    /// Feed entries and messages of subscribers that have left.
    sent_before: (u64, u64),
}

impl Player {
    /// Stands one second before the first tick of the day.
    ///
    /// # Errors
    /// [`DayError`] when the first tick cannot be read.
    pub fn new(mut source: Box<dyn DaySource>) -> Result<Self, DayError> {
        let info = source.info().clone();
        let mut pending = DayTick::default();
        let has_pending = source.next_tick(&mut pending)?;
        let open = hours(info.day, Market::Cash).open;
        let close = hours(info.day, Market::Cash)
            .close
            .max(hours(info.day, Market::Derivatives).close);
        let first = if has_pending { pending.ts } else { open };
        let latest = (0..info.instruments.len() as u32).map(|instrument| DayTick {
            instrument,
            ..DayTick::default()
        });
        Ok(Self {
            latest: latest.collect(),
            ids: info
                .instruments
                .iter()
                .map(|row| row.key.clone())
                .zip(0..)
                .collect(),
            options: SocketOptions::default(),
            is_muted: false,
            is_half_hidden: false,
            unknown_keys: 0,
            keys_over_limit: 0,
            state_told: MarketState::at(info.day, floor(first, SECOND)),
            has_auction: market_state::has_auction(info.day),
            half_hours: Vec::new(),
            source,
            info,
            pending,
            has_pending,
            now: floor(first, SECOND).plus(DurationNs::ZERO.minus(SECOND)),
            end: close.plus(AFTER_CLOSE),
            is_done: false,
            ticks_played: 0,
            anomalies_played: 0,
            subscribers: BTreeMap::new(),
            sent_before: (0, 0),
        })
    }

    /// Lets the clock run on until the next morning, past the hour at which tokens die.
    pub fn run_overnight(&mut self) {
        self.end = IstDay::new(self.info.day.get() + 1).at(DurationNs::from_hm(3, 31));
    }

    /// What is known of the day.
    #[must_use]
    pub const fn info(&self) -> &DayInfo {
        &self.info
    }

    /// What is known besides the ticks.
    #[must_use]
    pub fn morning(&self) -> Morning {
        self.source.morning()
    }

    /// Simulated time.
    #[must_use]
    pub const fn now(&self) -> TsNs {
        self.now
    }

    /// Whether the day has been played to its end.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.is_done
    }

    /// Ticks taken from the source, and how many of them were odd.
    #[must_use]
    pub const fn played(&self) -> (u64, u64) {
        (self.ticks_played, self.anomalies_played)
    }

    /// Feed entries and messages sent to all subscribers together, those that left included.
    #[must_use]
    pub fn sent(&self) -> (u64, u64) {
        self.subscribers
            .values()
            .fold(self.sent_before, |(ticks, frames), subscriber| {
                let (more_ticks, more_frames) = subscriber.sent();
                (ticks + more_ticks, frames + more_frames)
            })
    }

    /// Adds a subscriber under a name of the caller's, and greets it with the state of the market.
    pub fn join(&mut self, name: usize) {
        let mut subscriber = Subscriber::new(self.info.instruments.len());
        subscriber.send_market_info(self.now, &self.market_state());
        if self.is_done {
            subscriber.send_close(NORMAL, END_OF_DAY);
        }
        self.subscribers.insert(name, subscriber);
    }

    /// Removes a subscriber.
    pub fn leave(&mut self, name: usize) {
        if let Some(subscriber) = self.subscribers.remove(&name) {
            let (ticks, frames) = subscriber.sent();
            self.sent_before = (self.sent_before.0 + ticks, self.sent_before.1 + frames);
        }
    }

    /// A subscriber by its name.
    pub fn subscriber(&mut self, name: usize) -> Option<&mut Subscriber> {
        self.subscribers.get_mut(&name)
    }

    /// All subscribers with their names.
    pub fn subscribers(&mut self) -> impl Iterator<Item = (usize, &mut Subscriber)> {
        self.subscribers
            .iter_mut()
            .map(|(name, subscriber)| (*name, subscriber))
    }

    /// Whether somebody listens and everybody has answered the last ping.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        let mut listening = self
            .subscribers
            .values()
            .filter(|subscriber| subscriber.is_subscribed())
            .peekable();
        listening.peek().is_some() && listening.all(Subscriber::is_acked)
    }

    /// Whether anybody listens.
    #[must_use]
    pub fn has_listener(&self) -> bool {
        self.subscribers.values().any(Subscriber::is_subscribed)
    }

    /// The simulated time that every listener has answered for; `None` without a listener.
    #[must_use]
    pub fn confirmed(&self) -> Option<TsNs> {
        let listening = self
            .subscribers
            .values()
            .filter(|subscriber| subscriber.is_subscribed());
        listening.map(Subscriber::confirmed).min()
    }

    /// When the window that is next to be played ends.
    #[must_use]
    pub const fn window_end(&self) -> TsNs {
        floor(self.now, WINDOW).plus(WINDOW)
    }

    /// Plays one window of simulated time. Returns whether a simulated second ended with it.
    ///
    /// # Errors
    /// [`DayError`] when the day's files turn out damaged; time does not move on then.
    ///
    /// # Panics
    /// When the day is done.
    pub fn play_window(&mut self, broker: &mut Broker) -> Result<bool, DayError> {
        assert!(!self.is_done, "a day is played once");
        let end = self.window_end();
        while self.has_pending && self.pending.ts < end {
            self.now = self.now.max(self.pending.ts);
            self.play_tick(broker);
            self.has_pending = self.source.next_tick(&mut self.pending)?;
        }
        for subscriber in self.subscribers.values_mut() {
            subscriber.flush(self.now);
        }
        self.now = end;
        broker.advance(end);
        let ends_second = floor(end, SECOND) == end;
        if ends_second {
            self.tell_market_state();
            for subscriber in self.subscribers.values_mut() {
                subscriber.end_second(end, self.is_muted);
            }
        }
        if !self.has_pending && ends_second && end >= self.end {
            self.finish();
        }
        Ok(ends_second)
    }

    fn play_tick(&mut self, broker: &mut Broker) {
        let tick = self.pending;
        let index = tick.instrument as usize;
        if let Some(candle) = self.half_hours.get_mut(index) {
            candle.apply(&tick);
        }
        broker.apply_tick(&tick);
        broker.apply_book(self.now, tick.instrument, book_of(&tick));
        if !self.is_muted && !self.is_hidden(tick.instrument) {
            self.push_to_all(&tick);
        }
        self.latest[index] = tick;
        self.ticks_played += 1;
        self.anomalies_played += u64::from(tick.anomaly != Anomaly::None);
    }

    fn finish(&mut self) {
        self.is_done = true;
        let state = self.market_state();
        for subscriber in self.subscribers.values_mut() {
            subscriber.send_market_info(self.now, &state);
            subscriber.send_close(NORMAL, END_OF_DAY);
        }
    }
}

/// The touch of a tick in exact units.
fn book_of(tick: &DayTick) -> Book {
    let level = tick.levels[0];
    let side = |rupees: f64, qty: i64| {
        let price = if qty > 0 { price_of(rupees) } else { Price::NONE };
        (price, Qty::new(if price.is_set() { qty } else { 0 }))
    };
    let (bid, bid_qty) = side(level.bid, level.bid_qty);
    let (ask, ask_qty) = side(level.ask, level.ask_qty);
    Book {
        bid,
        ask,
        bid_qty,
        ask_qty,
        ltp: price_of(tick.ltp),
    }
}

const fn floor(ts: TsNs, step: DurationNs) -> TsNs {
    TsNs::new(ts.get().div_euclid(step.get()) * step.get())
}
