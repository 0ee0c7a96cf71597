//! The gateway's state machine: commands and replies in, requests and events out. No clock, no socket.
//!
//! Invariants: a placement leaves at most once and never again; at most one request is in flight per lane; work
//! that lowers risk goes first in queue and budget; an entry that was decided too long ago is not sent; fills come from
//! trade rows alone, each once; nothing is sent with a token known dead; a wall clock that is set moves no pause, no budget and no minute. After every call drain
//! [`Gateway::poll_request`] and [`Gateway::poll_event`]. Left out: gates on risk (the engine's), sockets and
//! threads (`socket.rs` and the wiring). The broker's facts stand in `upstox/PROTOCOL.md`.

mod bands;
mod counts;
mod health;
mod known_order;
mod reads;
mod reconciling;
mod self_check;
mod stream;
mod writes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bijli_core::limits::{ORDER_RING_SLOTS, ORDERS_PER_DAY_MAX};
use bijli_core::order::{BrokerOrderId, IntentId, OrderState, TradeId};
use bijli_core::orders::OrderBook;
use bijli_core::readout::GatewayReadout;
use bijli_core::state::State;
use bijli_core::{Command, DurationNs, Event, Instrument, InstrumentId, Price, Qty, TsNs};

use crate::budget::{Budget, Risk};
use crate::contradictions::Contradictions;
use crate::evidence::InstrumentKey;
use crate::intent::IntentTable;
use crate::orders::OrderTable;
use crate::reconcile::{Part, Reconciler};
use crate::request::{LANES, Lane, Reply, Request, RequestId};
use crate::stream_watch::StreamWatch;
use crate::times::Times;
use crate::upstox::call::Call;
use crate::upstox::order_api::Product;

pub use self::counts::Counts;

use self::bands::{BandReader, Page};
use self::health::Health;

pub use self::known_order::KnownOrder;

/// What the gateway may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayConfig {
    /// Margin product of every order.
    pub product: Product,
    /// Pause between reads of the order book while anything is live.
    pub poll_live: DurationNs,
    /// Pause between reads of the order book otherwise.
    pub poll_idle: DurationNs,
    /// How often orders, trades and positions are compared with the broker's although nothing is amiss.
    pub compare_every: DurationNs,
    /// An entry that was decided longer ago than this is not sent any more.
    pub entry_age_max: DurationNs,
    /// Pause between two reads of the day's price bands; zero: they are never read.
    pub band_pause: DurationNs,
    /// Spreads the pauses of several processes.
    pub jitter_seed: u64,
    /// When the access token dies; [`TsNs::NEVER`] where that is not known.
    pub token_expires: TsNs,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            product: Product::Intraday,
            poll_live: DurationNs::from_secs(2),
            poll_idle: DurationNs::from_secs(15),
            compare_every: DurationNs::from_secs(300),
            entry_age_max: DurationNs::from_secs(2),
            band_pause: DurationNs::ZERO,
            jitter_seed: 0,
            token_expires: TsNs::NEVER,
        }
    }
}

/// A command in our queue, decided at `since`.
#[derive(Clone, Copy, Debug)]
struct Queued {
    command: Command,
    since: TsNs,
}

/// What a request in flight was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Place(IntentId),
    Change(BrokerOrderId),
    Book,
    HistoryOf(IntentId),
    TradesOf(BrokerOrderId),
    Reconcile(Part),
    /// A read of a reconciliation that was begun anew since: its answer is older than the question.
    Superseded,
    Funds,
    Bands(Page),
}

#[derive(Clone, Copy, Debug)]
struct InFlight {
    id: RequestId,
    asked: Asked,
    at: TsNs,
    /// When it is too old to begin to leave; `None` = never.
    leaves_before: Option<TsNs>,
}

/// Facts of an instrument that an order is checked against and addressed with.
#[derive(Clone, Copy, Debug)]
struct Listed {
    key: InstrumentKey,
    tick: Price,
    lot: Qty,
    freeze: Qty,
    is_option: bool,
}

/// The gateway.
#[derive(Debug)]
pub struct Gateway {
    config: GatewayConfig,
    listed: Vec<Listed>,
    keys: BTreeMap<InstrumentKey, InstrumentId>,
    intents: IntentTable,
    orders: OrderTable,
    trades: BTreeSet<(BrokerOrderId, TradeId)>,
    exits: VecDeque<Queued>,
    entries: VecDeque<Queued>,
    in_flight: [Option<InFlight>; LANES.len()],
    order_budget: Budget,
    read_budget: Budget,
    reconciler: Option<Reconciler>,
    doubts: Contradictions,
    /// Instruments in which the broker, or a former process, knew of a position.
    held: BTreeSet<InstrumentId>,
    /// When two rounds agreed last; `None` before the first.
    compared: Option<TsNs>,
    /// Whether no entry leaves before two rounds have agreed.
    entries_wait_for_books: bool,
    /// When the engine asked whether anything is open; its answer is owed.
    flat_asked: Option<TsNs>,
    /// When funds are read next; `None` before the first reconciliation.
    funds_due: Option<TsNs>,
    bands: BandReader,
    last_book: TsNs,
    book_wanted: Option<TsNs>,
    stream_connected: bool,
    stream_watch: StreamWatch,
    health: Health,
    /// Orders that a former process was changing when it ended: not dated before the first call tells the time.
    former_changes: Vec<BrokerOrderId>,
    /// Steady time: every length of time is measured by it.
    now: TsNs,
    /// Engine time: the stamp of events.
    stamp: TsNs,
    next_request: u64,
    events: VecDeque<Event>,
    readout: GatewayReadout,
    counts: Counts,
}

impl Gateway {
    /// A gateway for the day's instrument table.
    #[must_use]
    pub fn new(config: GatewayConfig, instruments: &[Instrument]) -> Self {
        assert!(
            config.poll_live.get() > 0 && config.poll_idle.get() > 0,
            "reads of the book have a pause"
        );
        let listed = instruments.iter().map(|instrument| Listed {
            key: instrument.key,
            tick: instrument.tick,
            lot: instrument.lot,
            freeze: instrument.freeze,
            is_option: instrument.kind.is_option(),
        });
        Self {
            config,
            listed: listed.collect(),
            keys: instruments.iter().map(|listed| (listed.key, listed.id)).collect(),
            intents: IntentTable::default(),
            orders: OrderTable::default(),
            trades: BTreeSet::new(),
            exits: VecDeque::with_capacity(64),
            entries: VecDeque::with_capacity(64),
            in_flight: [None; LANES.len()],
            order_budget: Budget::orders(config.jitter_seed),
            read_budget: Budget::reads(config.jitter_seed.wrapping_add(1)),
            reconciler: None,
            doubts: Contradictions::default(),
            held: BTreeSet::new(),
            compared: None,
            entries_wait_for_books: false,
            flat_asked: None,
            funds_due: None,
            bands: BandReader::new(config.band_pause, instruments),
            last_book: TsNs::NEVER,
            book_wanted: None,
            stream_connected: false,
            stream_watch: StreamWatch::default(),
            health: Health::new(config.token_expires),
            former_changes: Vec::new(),
            now: TsNs::NEVER,
            stamp: TsNs::NEVER,
            next_request: 1,
            events: VecDeque::with_capacity(64),
            readout: GatewayReadout::default(),
            counts: Counts::default(),
        }
    }

    /// A gateway that knows the orders of former processes and begins by reconciling with the broker.
    #[must_use]
    pub fn taking_over(config: GatewayConfig, state: &State) -> Self {
        let mut gateway = Self::new(config, state.instruments());
        let known: Vec<KnownOrder> = state.orders().all().iter().map(KnownOrder::of).collect();
        gateway.adopt(&known);
        gateway.held.extend(state.open_positions().iter().copied());
        gateway.adopt_trades(state.orders());
        gateway.want_rounds();
        gateway
    }

    /// Remembers the orders of the journal after a restart. Those without a broker id are unknown from now on and
    /// end only on evidence; nothing is placed again.
    pub fn adopt(&mut self, known: &[KnownOrder]) {
        for order in known {
            let sent = !matches!(order.state, OrderState::NotSent | OrderState::Refused);
            let order_id = (!order.order_id.is_empty()).then_some(order.order_id);
            if let Some(intent) = order.intent.filter(|_| sent) {
                self.intents.remember(self.now, intent, order_id);
            }
            if let Some(order_id) = order_id {
                self.orders.expect(order_id, order.intent, Some(order.instrument));
                if order.modifies > 0 {
                    // One of them may still be under way: the book says.
                    self.orders.note_modifies(&order_id, order.modifies);
                    self.orders.owe_second_look(&order_id);
                    self.orders.note_change(&order_id, Some(self.now));
                }
                self.former_changes.extend(order.is_changing.then_some(order_id));
            }
        }
        self.want_book();
    }

    /// Remembers the trades that the engine has booked: none of them counts again under another id.
    fn adopt_trades(&mut self, orders: &OrderBook) {
        for (index, order) in orders.all().iter().enumerate() {
            let ids = orders.trade_ids(index).map(|id| (order.order_id, id));
            self.trades.extend(ids);
            self.orders.note_traded(&order.order_id, order.filled);
        }
    }

    /// Takes a command of the engine into the queue that was decided when its stamp says.
    ///
    /// # Panics
    /// When an intent is placed a second time.
    pub fn handle_command(&mut self, now: impl Into<Times>, command: &Command) {
        let now = now.into();
        self.handle_decided(now, now.steady_at(command.ts()), command);
    }

    /// Takes a command of the engine into the queue that was decided at `decided`, steady time.
    ///
    /// # Panics
    /// When an intent is placed a second time.
    pub fn handle_decided(&mut self, now: impl Into<Times>, decided: TsNs, command: &Command) {
        self.advance(now);
        match command {
            Command::Reconcile(ask) => return self.begin_reconcile(ask),
            Command::DropEntries(_) => return self.drop_entries(),
            Command::Cancel(cancel) if cancel.order_id.is_empty() => return self.withdraw(cancel.intent),
            Command::Place(_) | Command::Modify(_) | Command::Cancel(_) | Command::CancelForeign(_) => {}
        }
        if let Command::Place(place) = command {
            self.intents.queue(place);
            if !self.is_placeable(place) {
                self.counts.gate_refusals += 1;
                self.give_up(place.intent);
                return;
            }
        }
        self.note_asked(command);
        if self.refuses_change(command) {
            return;
        }
        let full = self.exits.len() + self.entries.len() >= ORDER_RING_SLOTS
            || self.intents.count() > ORDERS_PER_DAY_MAX;
        if self.token_dead() || full {
            self.drop_command(command);
            return;
        }
        // An entry ages from its decision: after a standstill the market that it was decided on is gone, however short
        // its wait here.
        let queued = Queued {
            command: *command,
            since: decided.min(self.now),
        };
        if command.reduces_risk() {
            self.exits.push_back(queued);
        } else {
            self.entries.push_back(queued);
        }
    }

    /// The next request to perform, if a lane is free for one. It must be performed exactly once.
    pub fn poll_request(&mut self, now: impl Into<Times>) -> Option<Request> {
        self.advance(now);
        self.expire_entries();
        self.begin_due_comparison();
        self.next_write(Lane::Exit)
            .or_else(|| self.next_write(Lane::Entry))
            .or_else(|| self.next_read_request())
    }

    /// The intent that a request in flight places; `None` for any other request.
    #[must_use]
    pub fn placed_by(&self, id: RequestId) -> Option<IntentId> {
        let flight = self.in_flight.iter().flatten().find(|flight| flight.id == id)?;
        match flight.asked {
            Asked::Place(intent) => Some(intent),
            _ => None,
        }
    }

    /// When a request in flight becomes too old to begin to leave, steady time: whoever performs it must not write a byte of it from
    /// then on. `None` for what may leave at any time.
    #[must_use]
    pub fn leaves_before(&self, id: RequestId) -> Option<TsNs> {
        let flight = self.in_flight.iter().flatten().find(|flight| flight.id == id)?;
        flight.leaves_before
    }

    /// Takes the reply to a request in.
    pub fn handle_reply(&mut self, now: impl Into<Times>, id: RequestId, reply: &Reply) {
        self.advance(now);
        let is_meant = |lane: &Lane| self.in_flight[*lane as usize].is_some_and(|flight| flight.id == id);
        let Some(lane) = LANES.into_iter().find(is_meant) else {
            self.counts.replies_unexpected += 1;
            return;
        };
        let flight = self.in_flight[lane as usize]
            .take()
            .expect("the reply was meant for it");
        match flight.asked {
            Asked::Place(intent) => self.take_placement(intent, reply),
            Asked::Change(order_id) => self.take_change(&order_id, reply),
            Asked::Book => self.take_book(flight.at, reply),
            Asked::HistoryOf(intent) => self.take_history(flight.at, intent, reply),
            Asked::TradesOf(_) => self.take_trades_reply(reply),
            Asked::Reconcile(part) => self.take_reconcile(flight.at, part, reply),
            Asked::Superseded => {}
            Asked::Funds => self.take_funds(reply),
            Asked::Bands(page) => self.take_bands(page, reply),
        }
        self.judge(lane, reply);
    }

    /// Takes one text frame of the order stream in.
    pub fn handle_stream_text(&mut self, now: impl Into<Times>, frame: &[u8]) {
        self.advance(now);
        self.take_stream_frame(frame);
    }

    /// The order stream came up or went down.
    pub fn handle_stream_state(&mut self, now: impl Into<Times>, connected: bool) {
        self.advance(now);
        if connected == self.stream_connected {
            return;
        }
        self.stream_connected = connected;
        self.forget_stream();
        // What was pushed meanwhile is lost: read it, and trust no silence of that time.
        self.want_book();
        self.intents.forget_absence();
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: impl Into<Times>) {
        self.advance(now);
        self.expire_entries();
        self.watch_stream();
    }

    /// When [`Gateway::poll_request`] may have something without anything else happening, steady time.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<TsNs> {
        let mut wake: Option<TsNs> = None;
        let mut note = |ts: TsNs| wake = Some(wake.map_or(ts, |known| known.min(ts)));
        if self.is_free(Lane::Exit) && self.exits.iter().any(|queued| self.may_leave(&queued.command)) {
            note(self.order_budget.free_at(self.now, Risk::Lowers));
        }
        if let Some(first) = self.entries.front() {
            note(first.since.plus(self.config.entry_age_max));
            let ready = self.entries.iter().any(|queued| self.may_leave(&queued.command));
            if self.is_free(Lane::Entry) && ready && !self.entries_wait_their_turn() {
                let breaker = self.health.writes.free_at(self.now);
                note(breaker.max(self.order_budget.free_at(self.now, Risk::Raises)));
            }
        }
        if self.is_free(Lane::Read) && !self.token_dead() {
            let (due, _, risk) = self.next_read();
            note(due.max(self.read_budget.free_at(self.now, risk)));
        }
        wake
    }

    /// The next event for the engine.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Work that can end without engine time passing: writes in flight or free to leave, and reads in flight or
    /// due that bring trades, unknown orders or reconciliation. Regular polls of the book do not count, nor does
    /// what waits for a budget, a pause or an inquiry.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        let asked = self
            .in_flight
            .iter()
            .flatten()
            .filter(|flight| !matches!(flight.asked, Asked::Book | Asked::Funds | Asked::Bands(_)))
            .count();
        let now = self.now;
        let ready = |queue: &VecDeque<Queued>, risk| {
            let free = self.order_budget.free_at(now, risk) <= now;
            queue
                .iter()
                .filter(|queued| free && self.may_leave(&queued.command))
                .count()
        };
        let entries = if self.entries_are_held() {
            0
        } else {
            ready(&self.entries, Risk::Raises)
        };
        let reads = match &self.reconciler {
            _ if self.read_budget.free_at(now, Risk::Lowers) > now => 0,
            _ if self.token_dead() => 0,
            Some(reconciler) if self.is_free(Lane::Read) => usize::from(reconciler.next_read().0 <= now),
            Some(_) => 0,
            None => self.orders.trades_due(now),
        };
        asked + ready(&self.exits, Risk::Lowers) + entries + reads
    }

    /// Everything that has no final answer yet: queued and sent commands, unknown intents, orders whose trades
    /// have not all been read.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        let asked = self.in_flight.iter().flatten().count();
        let waiting = self.exits.len() + self.entries.len() + self.intents.unknown().len();
        asked + waiting + self.orders.trades_wanted()
    }

    /// Counters of what should not happen.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    fn is_free(&self, lane: Lane) -> bool {
        self.in_flight[lane as usize].is_none()
    }

    fn dispatch(&mut self, lane: Lane, asked: Asked, call: Call) -> Request {
        assert!(self.is_free(lane), "one request in flight per lane");
        let id = RequestId::new(self.next_request);
        self.next_request += 1;
        let at = self.now;
        self.in_flight[lane as usize] = Some(InFlight {
            id,
            asked,
            at,
            leaves_before: None,
        });
        self.health.note_sent(at, lane);
        call.into_request(id, lane)
    }

    fn want_book(&mut self) {
        self.book_wanted = Some(self.book_wanted.map_or(self.now, |wanted| wanted.min(self.now)));
    }

    fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }
}
