//! The engine's duty: journal each input, apply it, journal what it caused, hand it on.
//!
//! Order of inputs within a turn: operators, then the broker, then the feed. Nothing here formats, locks,
//! allocates or calls the system per event; the clock is read once a turn and on sampled events.

mod operators;
mod pages;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

use bijli_core::clock_watch::ClockWatch;
use bijli_core::codec::{Closed, DurableMark, Item};
use bijli_core::disk_watch::{DiskTrouble, DiskWatch};
use bijli_core::driver::{Driver, Journal};
use bijli_core::engine_time::EngineTime;
use bijli_core::event::{Event, FeedChanged, FeedState, StartStepped, Tick};
use bijli_core::latency::Stage;
use bijli_core::readout::PageReadout;
use bijli_core::ring::{Consumer, Producer};
use bijli_core::risk::TradingMode;
use bijli_core::start_steps::{StartStep, StepVerdict};
use bijli_core::{Command, DurationNs, Engine, TsNs};
use bijli_strategy::SpikeStrategy;

use crate::control::ControlCall;
use crate::durability::DurableView;
use crate::duty::feed_aim::InUse;
use crate::duty::token_watch::TokenWatch;
use crate::duty::{Ended, FeedItem, Outbound};
use crate::duty_cycle::{Bell, ClockSource, Duty, EngineClock, Moment, MonoNs, Turn};
use crate::latency_recorder::LatencyRecorder;
use crate::screen::EngineScreen;
use crate::store::{JournalStore, StoreError};

/// Feed items taken in one turn: whatever a turn of the feed can bring, so that nothing waits for a second one.
const FEED_BATCH: usize = 1_024;
/// Broker events taken in one turn.
const BROKER_BATCH: usize = 64;
/// One event in this many is timed on its own, journaling included.
const SAMPLE_EVERY: u64 = 64;
/// A session is over this long after its last market closed.
const AFTER_CLOSE: DurationNs = DurationNs::from_secs(60);

pub use operators::open_lines;

use self::pages::PagesTold;

/// The ends of the rings that the engine holds.
#[derive(Debug)]
pub struct EngineLinks {
    /// Market data in.
    pub feed: Consumer<FeedItem>,
    /// The broker's evidence in.
    pub broker: Consumer<Event>,
    /// Operators in.
    pub calls: Receiver<ControlCall>,
    /// Orders out.
    pub orders: Producer<Outbound>,
    /// Applied ticks out, to a venue on paper.
    pub paper_ticks: Option<Producer<Tick>>,
    /// Instruments that the feed must go on listening to.
    pub in_use: InUse,
    /// Wakes the gateway.
    pub gateway_bell: Bell,
    /// Commands handed on so far: what the feed waits for in lockstep.
    pub orders_pushed: Arc<AtomicU64>,
    /// What the gateway still has in hand: commands, replies and events not yet delivered.
    pub gateway_busy: Arc<AtomicU64>,
    /// Commands the gateway took so far.
    pub orders_taken: Arc<AtomicU64>,
    /// What is known of the token: dead, it ends the run.
    pub token: TokenWatch,
    /// Raised while no entry may leave: looked at by the lane of entries just before each write.
    pub entries_barred: Arc<AtomicBool>,
    /// Whether a kill stands: what its file on disk is kept by.
    pub killed: Arc<AtomicBool>,
    /// How far the journal's disk is.
    pub durability: DurabilityLink,
    /// Pages out, to whoever calls a person.
    pub pages: SyncSender<PageReadout>,
}

/// The engine's end of the persister.
#[derive(Debug)]
pub struct DurabilityLink {
    /// How far the disk is.
    pub view: DurableView,
    /// Wakes the persister for a commit.
    pub bell: Option<Bell>,
    /// Marks to be put into the journal.
    pub marks: Option<Receiver<DurableMark>>,
}

impl DurabilityLink {
    fn commit_now(&self) {
        if let Some(bell) = &self.bell {
            bell.ring();
        }
    }
}

/// The engine and everything that it alone writes.
#[derive(Debug)]
pub struct EngineDuty {
    driver: Driver<SpikeStrategy>,
    journal: JournalStore,
    links: EngineLinks,
    screen: EngineScreen,
    clock: EngineClock,
    ring: LatencyRecorder,
    apply: LatencyRecorder,
    /// Whether the feed said that the market is closed.
    market_closed: bool,
    time: ClockWatch,
    follower: EngineTime,
    /// The times of the turn at hand.
    turned: Moment,
    ended: bool,
    disk: DiskWatch,
    pages_told: PagesTold,
    /// When somebody asked for the broker's switch, until its answer is journaled.
    switch_asked: Option<MonoNs>,
    stop: Arc<AtomicBool>,
    failure: Option<StoreError>,
}

impl EngineDuty {
    /// A duty around a recovered or fresh engine.
    #[must_use]
    pub fn new(
        engine: Engine<SpikeStrategy>,
        journal: JournalStore,
        links: EngineLinks,
        screen: EngineScreen,
        clock: EngineClock,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            driver: Driver::new(engine),
            journal,
            links,
            screen,
            ring: LatencyRecorder::new(Stage::Ring),
            apply: LatencyRecorder::new(Stage::Engine),
            market_closed: false,
            time: ClockWatch::default(),
            follower: clock.follower(),
            turned: Moment::default(),
            clock,
            ended: false,
            disk: DiskWatch::default(),
            pages_told: PagesTold::default(),
            switch_asked: None,
            stop,
            failure: None,
        }
    }

    /// Journals an event, applies it and hands on what it caused.
    fn take(&mut self, event: &Event, cause_recv: Option<MonoNs>) {
        if self.failure.is_some() {
            return;
        }
        if let Err(failure) = self.act_on(event, cause_recv) {
            // Without a journal nothing may be done: the process stops, and a restart reconciles.
            self.failure = Some(failure);
        }
    }

    fn act_on(&mut self, event: &Event, cause_recv: Option<MonoNs>) -> Result<(), StoreError> {
        let events = self.driver.engine().state().counts().events;
        let started = events.is_multiple_of(SAMPLE_EVERY).then(MonoNs::now);
        let (links, turned) = (&mut self.links, self.turned);
        // The event's own record; those of its commands follow one by one.
        let mut seq = self.journal.records();
        self.driver.take(event, &mut self.journal, |command| {
            seq += 1;
            if let Command::Place(place) = command {
                links.in_use.mark(place.instrument);
            }
            let outbound = Outbound {
                command: *command,
                seq,
                decided: turned.steady_at(command.ts()),
                cause_recv,
            };
            // A full order ring would lose an order: the limits make it larger than any burst.
            links
                .orders
                .push(outbound)
                .expect("the order ring holds more than all live orders");
            links.orders_pushed.fetch_add(1, Ordering::Release);
        })?;
        self.links.in_use.heed(event);
        if matches!(event, Event::Controlled(_)) {
            self.bar_entries();
        }
        if let Some(started) = started {
            self.apply.record(MonoNs::now().since(started));
        }
        if self.driver.command_count() > 0 {
            self.links.durability.commit_now();
            self.links.gateway_bell.ring();
            self.screen.orders_changed();
        }
        Ok(())
    }

    /// Runs the timers that engine time has passed.
    fn advance_to(&mut self, ts: TsNs) {
        while let Some(timer) = self.driver.due_timer(ts) {
            self.take(&timer, None);
        }
    }

    fn take_feed_item(&mut self, item: FeedItem, taken: MonoNs) {
        match item {
            FeedItem::Tick { tick, recv, decoded } => {
                self.ring.record(taken.since(decoded));
                self.advance_to(tick.ts);
                if let Some(paper) = &mut self.links.paper_ticks {
                    // Before the order that it may cause. A paper venue that lags misses a book and matches
                    // against the next one.
                    let _kept = paper.push(tick);
                }
                self.take(&Event::Ticked(tick), Some(recv));
            }
            FeedItem::Clock(ts) => self.advance_to(ts),
            FeedItem::State { ts, state } => {
                self.market_closed |= state == FeedState::Closed;
                self.take(&Event::FeedChanged(FeedChanged { ts, state }), None);
            }
        }
    }

    /// Puts the persister's marks into the journal, and pauses entries once its disk failed, or while it has no room
    /// for the segments to come: then again after each word that would end the pause.
    fn heed_disk(&mut self, now: TsNs) {
        if let Some(mark) = self
            .links
            .durability
            .marks
            .as_ref()
            .and_then(|marks| marks.try_recv().ok())
            && self.failure.is_none()
        {
            self.failure = self.journal.append(&Item::DurableMark(mark), now).err();
        }
        let view = &self.links.durability.view;
        let trouble = match (view.is_short(), view.is_dead()) {
            (true, _) => Some(DiskTrouble::Full),
            (false, true) => Some(DiskTrouble::Failed),
            (false, false) => None,
        };
        let is_paused = self.driver.engine().state().is_paused();
        if let Some(trouble) = self.disk.look(trouble, is_paused) {
            let ts = now.max(self.driver.engine().state().now());
            // The number of the next record: no other pause has it, also where time stands still.
            let pause = trouble.pause(ts, rustix::process::geteuid().as_raw(), self.journal.records());
            self.take(&Event::Controlled(pause), None);
        }
    }

    /// Tells the engine that the token died, before the run ends for it: a person is called by that.
    fn heed_token(&mut self, now: TsNs) {
        let state = self.driver.engine().state();
        let is_told = state.supervision().start.verdict(StartStep::Token) == StepVerdict::Failed;
        if self.links.token.is_dead() && !is_told {
            let ts = now.max(state.now());
            self.take(&Event::StartStepped(StartStepped::token_died(ts)), None);
        }
    }

    /// Tells the gate how much is journaled and whether entries may still leave; the last thing of a turn.
    fn tell_gate(&self) {
        let view = &self.links.durability.view;
        view.note_appended(self.journal.records());
        view.bar_entries(self.driver.engine().state().mode() != TradingMode::Active);
    }

    /// Whether the day is over and nothing is left to do.
    fn is_over(&self, now: TsNs) -> bool {
        let state = self.driver.engine().state();
        let Some(session) = state.session() else {
            return false;
        };
        let close = session.cash.close.max(session.derivatives.close);
        let last_word = match self.clock.source() {
            // A simulated venue says when its day is over; its clock stops there.
            ClockSource::Venue => self.market_closed && state.now() >= session.cash.close,
            ClockSource::Wall => now >= close.plus(AFTER_CLOSE),
        };
        last_word && self.links.feed.depth() == 0 && self.is_answered()
    }

    /// Whether the gateway has nothing in hand and nothing to tell.
    fn is_answered(&self) -> bool {
        self.links.broker.depth() == 0
            && self.links.orders_pushed.load(Ordering::Acquire)
                == self.links.orders_taken.load(Ordering::Acquire)
            && self.links.gateway_busy.load(Ordering::Acquire) == 0
    }
}

/// What the engine's duty leaves behind.
#[derive(Debug)]
pub struct EngineEnd {
    /// The engine at the end.
    pub engine: Engine<SpikeStrategy>,
    /// The journal, not yet closed.
    pub journal: JournalStore,
    /// Hash of the engine's state at the end.
    pub state_hash: u64,
    /// Histograms of the stages ring and engine.
    pub recorders: [LatencyRecorder; 2],
    /// Whether the day came to its end, rather than being stopped.
    pub day_over: bool,
    /// Whether the token died, which ended the run.
    pub token_dead: bool,
    /// Why the engine had to stop, if it had to.
    pub failure: Option<StoreError>,
}

impl Duty<Ended> for EngineDuty {
    fn turn(&mut self, moment: Moment) -> Turn {
        let mut work_count = 0;
        self.turned = moment;
        self.watch_clock();
        while let Ok(call) = self.links.calls.try_recv() {
            self.take_call(&call, moment.now);
            work_count += 1;
        }
        self.heed_disk(moment.now);
        self.heed_token(moment.now);
        for _ in 0..BROKER_BATCH {
            let Some(event) = self.links.broker.pop() else {
                break;
            };
            self.take(&event, None);
            self.screen.orders_changed();
            work_count += 1;
        }
        if self.links.feed.depth() > 0 {
            let taken = MonoNs::now();
            for _ in 0..FEED_BATCH {
                let Some(item) = self.links.feed.pop() else { break };
                self.take_feed_item(item, taken);
                work_count += 1;
            }
        }
        if self.clock.source() == ClockSource::Wall {
            self.advance_to(moment.now);
        }
        self.tell_gate();
        self.pages_told
            .tell(self.driver.engine().state(), &self.links.pages);
        self.screen.refresh(
            moment,
            self.driver.engine(),
            &self.journal,
            [&self.ring, &self.apply],
        );
        if self.failure.is_some() || self.is_over(moment.now) {
            self.ended = true;
            self.stop.store(true, Ordering::Release);
            return Turn::Finished;
        }
        if self.links.token.is_dead() && self.is_answered() && !self.awaits_switch_answer() {
            // Nothing can be sent any more, and no lane takes another token: what is open is for people to know.
            self.stop.store(true, Ordering::Release);
            return Turn::Finished;
        }
        Turn::Did(work_count)
    }

    fn finish(mut self: Box<Self>) -> Ended {
        let (events, now) = (
            self.driver.engine().state().counts().events,
            self.driver.engine().state().now(),
        );
        let state_hash = self.driver.engine().state_hash();
        if self.ended && self.failure.is_none() {
            let closed = Item::Closed(Closed { events, state_hash });
            self.failure = self.journal.append(&closed, now).err();
        }
        let moment = Moment {
            mono: MonoNs::now(),
            now,
            steady: now,
            machine: now,
        };
        self.screen.force(
            moment,
            self.driver.engine(),
            &self.journal,
            [&self.ring, &self.apply],
        );
        Ended::Engine(Box::new(EngineEnd {
            engine: self.driver.into_engine(),
            journal: self.journal,
            state_hash,
            recorders: [self.ring, self.apply],
            day_over: self.ended && self.failure.is_none(),
            token_dead: self.links.token.is_dead(),
            failure: self.failure,
        }))
    }
}

#[cfg(test)]
#[path = "engine/disk_tests.rs"]
mod disk_tests;
