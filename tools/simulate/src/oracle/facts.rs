//! What the journal says, folded anew by code that shares nothing with the engine's.
//!
//! The checks that belong to a record are made when it is written: an entry is judged by what had been told until
//! then.

use std::collections::{BTreeMap, BTreeSet};

use bijli_core::codec::Item;
use bijli_core::command::Place;
use bijli_core::event::{ClockDoubt, Event, FeedState, Submission, Tick, TickFlags};
use bijli_core::instrument::Instrument;
use bijli_core::order::{BrokerOrderId, BrokerStatus, IntentId, OrderType, Purpose, TradeId};
use bijli_core::risk::TradingMode;
use bijli_core::state::State;
use bijli_core::{Command, Price, Qty, TsNs};
use bijli_simulator::broker::faults::Fault;

use super::changes::Changes;
use super::cover::Cover;
use super::people::People;
use super::unwanted::Unwanted;
use super::{Broken, broken};
use crate::market::{INSTRUMENTS, TICK, instruments};
use crate::plan::{Plan, Temper};
use crate::rows::{RowId, WorldFault};

/// What is known of one placement's fate from what the engine was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing was told yet.
    Pending,
    /// Its fate is unknown; since when, `doubts` knows.
    Unknown,
    /// The written rule says that it is absent.
    PresumedAbsent,
    /// The broker knows it, or will never.
    Known,
}

/// The last that was told of an instrument's market without a doubt; either part can be missing from a tick.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    trade_ts: TsNs,
    book_ts: TsNs,
    bid: Price,
    ask: Price,
}

/// The fold.
#[derive(Clone, Debug)]
pub struct Facts {
    plan: Plan,
    listed: Vec<Instrument>,
    /// Placements by intent.
    pub places: BTreeMap<u64, Place>,
    /// What became of them.
    pub fates: BTreeMap<u64, Fate>,
    /// Placements whose records a power cut took.
    pub orphans: BTreeSet<u64>,
    /// Changes asked for, by order.
    pub changes: Changes,
    /// What people ordered.
    pub people: People,
    /// Pairs.
    pub cover: Cover,
    /// Entries that a person's exit came behind.
    pub(super) unwanted: Unwanted,
    /// When an order of each instrument was last of unknown fate.
    pub doubted_until: [TsNs; INSTRUMENTS],
    /// Traded quantity told, by order.
    pub traded: BTreeMap<BrokerOrderId, i64>,
    trades: BTreeSet<(BrokerOrderId, TradeId)>,
    /// What the feed was last called.
    pub feed: FeedState,
    reconciled: bool,
    /// Pages that the engine had raised.
    pub pages: u64,
    /// Whether the engine made entries when it was looked at last, and whether a person has spoken since.
    was_active: bool,
    has_person_spoken: bool,
    /// Whether the engine's limit on the day's loss was latched.
    pub was_loss_latched: bool,
    /// Positions that the broker was said to have, since when nothing traded.
    reported: BTreeMap<u32, Qty>,
    /// Entries of the engine's book that were looked at, and when each signal made its own.
    orders_seen: usize,
    signals: BTreeMap<(u32, u8, usize, TsNs), TsNs>,
    /// The newest stamp of the journal.
    now: TsNs,
    quotes: Vec<Told>,
    /// The newest order of each entry: of an instrument and side at one moment.
    entries: BTreeMap<(u32, u8, i64), Place>,
}

impl Facts {
    /// Before the first record.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let listed = instruments();
        Self {
            plan: plan.clone(),
            quotes: vec![Told::default(); listed.len()],
            listed,
            places: BTreeMap::new(),
            fates: BTreeMap::new(),
            orphans: BTreeSet::new(),
            changes: Changes::default(),
            people: People::new(plan.venue),
            cover: Cover::new(plan.temper == Temper::Pairs),
            unwanted: Unwanted::default(),
            doubted_until: [TsNs::NEVER; INSTRUMENTS],
            traded: BTreeMap::new(),
            trades: BTreeSet::new(),
            feed: FeedState::Down,
            reconciled: false,
            pages: 0,
            was_active: false,
            has_person_spoken: false,
            was_loss_latched: false,
            reported: BTreeMap::new(),
            orders_seen: 0,
            signals: BTreeMap::new(),
            now: TsNs::NEVER,
            entries: BTreeMap::new(),
        }
    }

    /// A record is written: judges it, then learns it.
    ///
    /// # Errors
    /// The first invariant that it breaks.
    pub fn take(&mut self, item: &Item) -> Result<(), Broken> {
        match item {
            Item::Command(Command::Place(place)) => {
                self.check_terms(place)?;
                if place.purpose == Purpose::Entry {
                    self.check_entry(place)?;
                }
            }
            Item::Command(Command::Modify(modify)) => {
                let place = self.places.get(&modify.intent.get());
                self.changes.check(modify, place, TICK)?;
            }
            Item::Event(event) => self.check_event(event)?,
            Item::Command(_)
            | Item::Checkpoint(_)
            | Item::TailCut(_)
            | Item::Closed(_)
            | Item::DurableMark(_) => {}
        }
        self.learn(item);
        Ok(())
    }

    /// Placements of an earlier fold that this one does not know were lost with a power cut.
    pub fn inherit_orphans(&mut self, earlier: &Self) {
        let lost = earlier
            .places
            .keys()
            .filter(|intent| !self.places.contains_key(intent));
        let lost: Vec<u64> = lost.chain(&earlier.orphans).copied().collect();
        self.orphans.extend(lost);
        self.was_loss_latched = earlier.was_loss_latched;
        self.pages = earlier.pages;
    }

    /// Learns a record without judging it.
    pub fn learn(&mut self, item: &Item) {
        match item {
            Item::Event(event) => self.learn_event(event),
            Item::Command(command) => match command {
                Command::Place(place) => {
                    self.places.insert(place.intent.get(), *place);
                    self.fates.insert(place.intent.get(), Fate::Pending);
                    if place.purpose == Purpose::Entry {
                        let key = (place.instrument.get(), place.side as u8, place.ts.get());
                        self.entries.insert(key, *place);
                    }
                }
                Command::Modify(modify) => self.changes.learn(modify),
                Command::Cancel(cancel) => {
                    self.changes.note(cancel.order_id);
                    self.people.learn_cancel(&cancel.order_id);
                }
                Command::CancelForeign(cancel) => self.changes.note(cancel.order_id),
                Command::Reconcile(_) | Command::DropEntries(_) => {}
            },
            Item::Checkpoint(_) | Item::TailCut(_) | Item::Closed(_) | Item::DurableMark(_) => {}
        }
    }

    fn learn_event(&mut self, event: &Event) {
        self.now = self.now.max(event.ts());
        match event {
            Event::ProcessStarted(_) => {
                self.reconciled = false;
                self.people.begin_process();
                self.feed = FeedState::Down;
                for fate in self.fates.values_mut().filter(|fate| **fate == Fate::Pending) {
                    *fate = Fate::Unknown;
                }
            }
            Event::FeedChanged(changed) => self.feed = changed.state,
            Event::Ticked(tick) => self.learn_quote(tick),
            Event::Reconciled(_) => self.reconciled = true,
            Event::ClockDoubted(doubted) => self.learn_doubt(doubted.doubt),
            Event::IntentResolved(resolved) => {
                let fate = match resolved.submission {
                    Submission::Unknown => Fate::Unknown,
                    Submission::PresumedAbsent => Fate::PresumedAbsent,
                    Submission::Acked | Submission::Refused | Submission::NotSent => Fate::Known,
                };
                self.learn_fate(resolved.intent, fate);
            }
            Event::OrderUpdated(update) => {
                if let Some(intent) = update
                    .intent
                    .filter(|_| update.status != BrokerStatus::Unrecognised)
                {
                    self.learn_fate(intent, Fate::Known);
                }
                self.changes.learn_told(update);
                let place = update.intent.and_then(|intent| self.places.get(&intent.get()));
                if let Some(place) = place.filter(|place| place.purpose == Purpose::Entry) {
                    self.people.learn_entry(place.intent.get(), update);
                }
                if update.intent.is_none() {
                    self.cover.learn_hand(update.instrument);
                    self.unwanted.excuse(update.instrument.get());
                }
            }
            Event::Traded(trade) => {
                self.reported.remove(&trade.instrument.get());
                if self.trades.insert((trade.order_id, trade.trade_id)) {
                    self.unwanted.learn_trade(trade);
                    *self.traded.entry(trade.order_id).or_default() += trade.qty.get();
                    let is_known = |intent: IntentId| self.places.contains_key(&intent.get());
                    self.cover.learn_trade(trade, trade.intent.is_some_and(is_known));
                }
            }
            Event::PositionReported(report) => {
                self.reported.insert(report.instrument.get(), report.qty);
                self.unwanted.learn_position(report.instrument, report.qty.get());
            }
            Event::Controlled(control) => {
                self.has_person_spoken = true;
                let is_new = self.people.learn(control, self.reconciled);
                if is_new {
                    self.unwanted.learn(control, &self.places);
                }
                if let Some(instrument) = control.instrument {
                    self.cover.learn_hand(instrument);
                }
            }
            _ => {}
        }
    }

    /// Time was lost or cannot be trusted: what was told before is old.
    fn learn_doubt(&mut self, doubt: ClockDoubt) {
        self.quotes.fill(Told::default());
        match doubt {
            ClockDoubt::Stepped => self.people.clock_stepped = true,
            ClockDoubt::StoodStill => self.reconciled = false,
        }
    }

    fn learn_fate(&mut self, intent: IntentId, fate: Fate) {
        let known = self.fates.entry(intent.get()).or_insert(Fate::Known);
        let was_doubted = matches!(known, Fate::Unknown);
        // What is known to exist does not become unknown by a late word.
        if *known != Fate::Known {
            *known = fate;
        }
        if let Some(place) = self.places.get(&intent.get()).filter(|_| was_doubted) {
            self.doubted_until[place.instrument.index()] = self.now;
        }
    }

    fn learn_quote(&mut self, tick: &Tick) {
        let told = &mut self.quotes[tick.instrument.index()];
        if tick.flags.is_sound() {
            told.trade_ts = tick.ts;
        }
        if tick.flags.has_sound_book() && !tick.flags.has(TickFlags::TIME_WRONG) {
            *told = Told {
                book_ts: tick.ts,
                bid: tick.bid,
                ask: tick.ask,
                ..*told
            };
        }
    }

    /// I13: every order is of whole lots, on the grid, within the freeze quantity.
    fn check_terms(&self, place: &Place) -> Result<(), Broken> {
        let Some(contract) = self.listed.get(place.instrument.index()) else {
            return broken("I13", format!("an order in no instrument: {place:?}"));
        };
        let is_whole = place.qty.get() > 0 && place.qty.is_whole_lots(contract.lot);
        let on_grid = |price: Price| price.is_set() && price.is_on_tick(contract.tick);
        let is_limited = matches!(place.order_type, OrderType::Limit | OrderType::StopLimit);
        let is_stop = matches!(place.order_type, OrderType::StopLimit | OrderType::StopMarket);
        let is_priced = (!is_limited || on_grid(place.price)) && (!is_stop || on_grid(place.trigger));
        if !is_whole || place.qty > contract.freeze || !is_priced || !contract.kind.is_tradable() {
            return broken("I13", format!("terms outside the contract's: {place:?}"));
        }
        Ok(())
    }

    fn check_entry(&self, place: &Place) -> Result<(), Broken> {
        if self.people.killed {
            return broken("I18", format!("an entry while a kill is latched: {place:?}"));
        }
        if self.people.paused {
            return broken("I19", format!("an entry while entries are paused: {place:?}"));
        }
        if self.people.clock_stepped {
            return broken("I21", format!("an entry after a step of the clock: {place:?}"));
        }
        if !self.reconciled || !self.people.armed {
            return broken(
                "I41",
                format!("an entry before reconciliation or arming: {place:?}"),
            );
        }
        let hours = &self.plan.hours;
        if self.feed != FeedState::Live || place.ts < hours.open || place.ts >= hours.entries_stop {
            return broken(
                "I20",
                format!("an entry on a {:?} feed or outside hours: {place:?}", self.feed),
            );
        }
        let told = &self.quotes[place.instrument.index()];
        let age_max = self.plan.config.risk.quote_age_max;
        let is_fresh = |ts: TsNs| ts.is_set() && place.ts.since(ts) <= age_max;
        if !is_fresh(told.trade_ts) || !is_fresh(told.book_ts) {
            return broken("I20", format!("an entry without a fresh quote: {place:?}"));
        }
        let middle = (told.bid.get() + told.ask.get()) / 2;
        let reach = middle * self.plan.config.risk.collar_bps / 10_000 + 1;
        if (place.price.get() - middle).abs() > reach {
            return broken(
                "I13",
                format!("an entry outside the collar of {middle}: {place:?}"),
            );
        }
        let key = (place.instrument.get(), place.side as u8, place.ts.get());
        // A further piece of the same entry comes only after one that is as large as the exchange takes.
        let contract = &self.listed[place.instrument.index()];
        let is_piece = |former: &Place| {
            let largest = contract.freeze.floor_to_lot(contract.lot);
            former.qty == largest && former.price == place.price
        };
        if self.entries.get(&key).is_some_and(|former| !is_piece(former)) {
            return broken("I15", format!("a second entry on one signal: {place:?}"));
        }
        self.cover.check_entry(place)?;
        self.check_unknown(place)
    }

    /// I11: no entry beside an order of unknown fate on its underlying, and none beside two anywhere.
    fn check_unknown(&self, place: &Place) -> Result<(), Broken> {
        let underlying = |index: usize| self.listed[index].underlying;
        let unknown = self
            .fates
            .iter()
            .filter(|(_, fate)| matches!(fate, Fate::Unknown | Fate::PresumedAbsent))
            .filter_map(|(intent, _)| self.places.get(intent));
        let (mut here, mut all) = (0, 0);
        for other in unknown {
            here += u32::from(underlying(other.instrument.index()) == underlying(place.instrument.index()));
            all += 1;
        }
        if here > 0 || all > 1 {
            return broken(
                "I11",
                format!("{here} unknown on the underlying, {all} in all: {place:?}"),
            );
        }
        Ok(())
    }

    fn check_event(&mut self, event: &Event) -> Result<(), Broken> {
        if let Event::IntentResolved(resolved) = event
            && resolved.submission == Submission::PresumedAbsent
        {
            match self.fates.get(&resolved.intent.get()) {
                Some(Fate::Unknown) => {}
                // A new process looked for what its predecessor did not find, and does not find it either.
                Some(Fate::PresumedAbsent) => {}
                // Killed before the command was journaled: the replayed engine doubts it, and it never left.
                _ if !self.places.contains_key(&resolved.intent.get()) => {}
                fate => {
                    return broken("I04", format!("{resolved:?} was {fate:?}"));
                }
            }
        }
        if let Event::TimePassed(_) = event {
            self.people.check_timer(self.reconciled, &self.unwanted)?;
            let (fates, places) = (&self.fates, &self.places);
            let is_doubtful = |index: usize| {
                let is_here = |place: &Place| place.instrument.index() == index;
                let of_it = |intent: &u64| places.get(intent).is_some_and(is_here);
                let mut doubts = fates.iter().filter(|(_, fate)| matches!(fate, Fate::Unknown));
                doubts.any(|(intent, _)| of_it(intent))
            };
            // A busted trade leaves a difference for a person, a kill between event and command an order to doubt.
            let spoils = [
                RowId::of_broker(Fault::TradeBust),
                RowId::of_world(WorldFault::Kill9),
                RowId::of_world(WorldFault::CrashAtSignal),
                RowId::of_world(WorldFault::CrashInRecovery),
            ];
            let is_spoilt = spoils.iter().any(|row| self.plan.ppm[row.index()] > 0);
            if !is_spoilt && event.ts() < self.plan.hours.close {
                self.cover.check_time(event.ts(), &self.plan, is_doubtful)?;
            }
        }
        Ok(())
    }

    /// What must be true of the engine whatever happens.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn check_state(&mut self, state: &State) -> Result<(), Broken> {
        // An arm may be refused: then the kill stands, and the engine alone says so.
        self.people.killed |= state.is_killed();
        if self.people.killed && !state.is_killed() {
            return broken("I19", "a kill came unlatched without an arm".to_owned());
        }
        self.unwanted.check(state)?;
        self.check_positions(state)?;
        self.check_signals(state)?;
        self.check_pages(state)?;
        if self.was_loss_latched && !state.is_day_loss_latched() {
            return broken("I17", "the day's loss limit came unlatched".to_owned());
        }
        self.was_loss_latched = state.is_day_loss_latched();
        if state.now() != self.now {
            return broken("I21", format!("engine time {} after {}", state.now(), self.now));
        }
        Ok(())
    }

    /// I07: what the broker was said to have is what the engine has.
    fn check_positions(&mut self, state: &State) -> Result<(), Broken> {
        for (instrument, qty) in std::mem::take(&mut self.reported) {
            let ours = state.positions()[instrument as usize].qty;
            if ours != qty {
                return broken(
                    "I07",
                    format!("instrument {instrument}: {ours} held, {qty} told by the broker"),
                );
            }
        }
        Ok(())
    }

    /// I42: what a person must see stays, over restarts too; and whoever did not stop entries himself is called.
    fn check_pages(&mut self, state: &State) -> Result<(), Broken> {
        let raised = state.pages().total();
        if raised < self.pages {
            return broken(
                "I42",
                format!("{} pages were raised, {raised} are left", self.pages),
            );
        }
        let is_active = state.mode() == TradingMode::Active;
        if self.was_active && !is_active && !self.has_person_spoken && raised == self.pages {
            return broken("I42", format!("{:?}, and nobody was called", state.mode()));
        }
        (self.was_active, self.has_person_spoken) = (is_active, false);
        self.pages = raised;
        Ok(())
    }

    /// I15: a signal makes entries at one moment only.
    fn check_signals(&mut self, state: &State) -> Result<(), Broken> {
        let orders = state.orders().all();
        for order in &orders[self.orders_seen.min(orders.len())..] {
            let Some(signal) = order.signal.filter(|_| order.group.is_none()) else {
                continue;
            };
            let key = (
                order.instrument.get(),
                order.side as u8,
                signal.strategy.index(),
                signal.ts,
            );
            let first = *self.signals.entry(key).or_insert(order.placed_ts);
            if first != order.placed_ts {
                return broken("I15", format!("a second entry on one signal: {order:?}"));
            }
        }
        self.orders_seen = orders.len();
        Ok(())
    }
}
