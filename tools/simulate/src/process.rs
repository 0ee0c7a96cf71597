//! The process under test: core's driver and the real gateway, with rings between them that die with it.
//!
//! What is real: `Driver` (journal, apply, journal, hand on), recovery and opening, the watches over clock and
//! disk, the gate that waits for the disk, `Gateway` and its taking over. What mirrors `tools/src/duty`: the order of work within a
//! turn (the clock, operators, the disk, broker, feed, timers; commands, replies, requests, events), and engine time,
//! which follows a wall clock that may be wrong; the world's time is its steady one.

use std::collections::VecDeque;

use bijli_core::clock_watch::ClockWatch;
use bijli_core::disk_watch::{DiskTrouble, DiskWatch};
use bijli_core::driver::{DayFacts, Driver};
use bijli_core::durable_gate::{DiskView, DurableGate, Journaled, Passed, WAIT_MAX_NS};
use bijli_core::engine_time::EngineTime;
use bijli_core::event::{
    ClockDoubted, Controlled, DataKind, FeedChanged, IntentResolved, SessionOpened, StartStepped, Submission,
};
use bijli_core::journal::{ReplayFault, is_unused, replay_segments};
use bijli_core::order::BrokerOrderId;
use bijli_core::risk::TradingMode;
use bijli_core::start_steps::{StartStep, StepVerdict};
use bijli_core::state::State;
use bijli_core::text::Text;
use bijli_core::{Command, DurationNs, Event, TsNs};
use bijli_gateway::{Gateway, GatewayConfig, Reply, Request, RequestId, Times};

use crate::chaos::Player;
use crate::disk::{Killed, MemoryJournal};
use crate::feed_side::FeedItem;
use crate::market::instruments;
use crate::plan::{Plan, day};

/// Broker events taken in one turn, as the duty has it.
const BROKER_BATCH: usize = 64;

/// A command on its way from engine to gateway.
#[derive(Clone, Copy, Debug)]
struct Handed {
    command: Command,
    /// Number of its record.
    seq: u64,
    /// When it was decided, steady time.
    decided: TsNs,
}

impl Journaled for Handed {
    fn command(&self) -> &Command {
        &self.command
    }

    fn seq(&self) -> u64 {
        self.seq
    }
}

/// A running process.
#[derive(Debug)]
pub struct Process {
    driver: Driver<Player>,
    /// Its journal.
    pub journal: MemoryJournal,
    /// Its gateway.
    pub gateway: Gateway,
    handed: VecDeque<Handed>,
    gate: DurableGate<Handed>,
    /// Whether an entry waits until its record is on the disk.
    awaits_disk: bool,
    entries_barred: bool,
    disk: DiskWatch,
    time: ClockWatch,
    engine_time: EngineTime,
    /// Both times at the engine's turn.
    turned: Times,
    evidence: VecDeque<Event>,
    /// Operators' calls.
    pub calls: VecDeque<Controlled>,
    /// Market data that has arrived.
    pub feed: VecDeque<FeedItem>,
    /// Counts process starts.
    pub epoch: u32,
}

/// Why a process did not come up.
#[derive(Debug)]
pub enum StartFault {
    /// Killed on the way, with the journal that it leaves.
    Killed(Box<MemoryJournal>),
    /// The journal is refused.
    Refused(ReplayFault),
}

/// What reached the gateway since its last turn.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// A reply, or that none came.
    Reply(RequestId, Reply),
    /// A frame of the order stream.
    Frame(Vec<u8>),
    /// The order stream came up or went down.
    Stream(bool),
}

impl Process {
    /// Recovers the day from its segments, takes it over and begins to reconcile, at `steady` by the world's time and at
    /// `wall` by the machine's clock.
    ///
    /// # Errors
    /// [`StartFault`].
    pub fn start(
        mut segments: Vec<Vec<u8>>,
        plan: &Plan,
        (steady, wall): (TsNs, TsNs),
        epoch: u32,
        kill_in: Option<u64>,
    ) -> Result<Self, StartFault> {
        // As the store does: a segment that was created and never written to is taken away.
        segments.retain(|bytes| !is_unused(bytes));
        let slices: Vec<&[u8]> = segments.iter().map(Vec::as_slice).collect();
        let past = replay_segments(&slices, None, Player::of(plan)).map_err(StartFault::Refused)?;
        // And one that a power cut tore in its first record is set aside and begun anew.
        segments.truncate(past.next_segment as usize);
        let listed = instruments();
        let facts = DayFacts {
            opened: SessionOpened {
                ts: wall,
                day: day(),
                data: DataKind::Synthetic,
                venue: plan.venue,
                cash: plan.hours,
                derivatives: plan.hours,
            },
            config: plan.config,
            instruments: &listed,
        };
        let mut journal = MemoryJournal::create(segments, epoch, past.next_segment, past.next_seq);
        let first_death = plan.kill_at.filter(|_| epoch == 1);
        journal.kill_in = first_death.or(kill_in);
        let mut driver = Driver::new(past.engine);
        if driver.begin(past.tail_cut, &facts, epoch, &mut journal).is_err() {
            return Err(StartFault::Killed(Box::new(journal)));
        }
        let config = GatewayConfig {
            jitter_seed: plan.seed,
            // A day here is minutes long.
            compare_every: DurationNs::from_secs(15 + (plan.seed % 25) as i64),
            ..GatewayConfig::default()
        };
        let gateway = Gateway::taking_over(config, driver.engine().state());
        let mut engine_time = EngineTime::beginning(steady, driver.engine().state().now());
        engine_time.look(steady, wall);
        Ok(Self {
            driver,
            journal,
            gateway,
            handed: VecDeque::new(),
            gate: DurableGate::new(WAIT_MAX_NS),
            awaits_disk: plan.awaits_disk,
            entries_barred: false,
            disk: DiskWatch::default(),
            time: ClockWatch::default(),
            engine_time,
            turned: Times::from(steady),
            evidence: VecDeque::new(),
            calls: VecDeque::new(),
            feed: VecDeque::new(),
            epoch,
        })
    }

    /// What the engine knows.
    #[must_use]
    pub const fn state(&self) -> &State {
        self.driver.engine().state()
    }

    /// The strategy at work.
    #[must_use]
    pub const fn player(&self) -> &Player {
        self.driver.engine().strategy()
    }

    /// The hash of all that can influence a later command.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        self.driver.engine().state_hash()
    }

    /// Whether anything lies between engine and gateway.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.handed.is_empty()
            && self.gate.waiting_count() == 0
            && self.evidence.is_empty()
            && self.calls.is_empty()
            && self.feed.is_empty()
    }

    /// Whether the engine has taken all that the gateway told.
    #[must_use]
    pub fn has_heard_all(&self) -> bool {
        self.evidence.is_empty()
    }

    /// Engine time at an instant of the steady one.
    #[must_use]
    pub const fn engine_time(&self, steady: TsNs) -> TsNs {
        self.engine_time.at(steady)
    }

    /// The gateway's turn; gives what it wants to send, and what it told the engine.
    pub fn gateway_turn(
        &mut self,
        steady: TsNs,
        arrivals: &mut VecDeque<Arrival>,
    ) -> (Vec<Request>, Vec<Event>) {
        let mono = steady.get().unsigned_abs();
        let now = Times {
            steady,
            engine: self.engine_time(steady),
        };
        while let Some(handed) = self.handed.pop_front() {
            self.gate.offer(handed, mono);
        }
        let disk = DiskView {
            next_seq: if self.awaits_disk {
                self.journal.durable_seq()
            } else {
                u64::MAX
            },
            is_dead: self.awaits_disk && self.journal.is_dead,
            entries_barred: self.entries_barred,
        };
        while let Some(passed) = self.gate.pop(mono, &disk) {
            match passed {
                Passed::Send(handed) | Passed::SendUnwaited(handed) => {
                    self.gateway.handle_decided(now, handed.decided, &handed.command);
                }
                Passed::GivenUp(handed) => self.evidence.extend(never_sent(now.engine, &handed.command)),
            }
        }
        while let Some(arrival) = arrivals.pop_front() {
            match arrival {
                Arrival::Reply(id, reply) => self.gateway.handle_reply(now, id, &reply),
                Arrival::Frame(text) => self.gateway.handle_stream_text(now, &text),
                Arrival::Stream(is_up) => self.gateway.handle_stream_state(now, is_up),
            }
        }
        self.gateway.handle_timeout(now);
        let wanted = std::iter::from_fn(|| self.gateway.poll_request(now)).collect();
        let told: Vec<Event> = std::iter::from_fn(|| self.gateway.poll_event()).collect();
        self.evidence.extend(&told);
        (wanted, told)
    }

    /// The engine's turn. What the feed brought was stamped before the engine looked at the `wall` clock.
    ///
    /// # Errors
    /// [`Killed`] in the middle of it.
    pub fn engine_turn(&mut self, steady: TsNs, wall: TsNs) -> Result<(), Killed> {
        let stamped = self.engine_time.ahead();
        self.engine_time.look(steady, wall);
        let now = self.engine_time(steady);
        self.turned = Times { steady, engine: now };
        if let Some((doubt, length)) = self.time.look(steady.get().unsigned_abs(), wall) {
            let ts = now.max(self.state().now());
            self.take(&Event::ClockDoubted(ClockDoubted { ts, doubt, length }))?;
        }
        while let Some(mut control) = self.calls.pop_front() {
            control.ts = now.max(self.state().now());
            self.take(&Event::Controlled(control))?;
        }
        self.heed_disk(now)?;
        self.heed_token(now)?;
        for _ in 0..BROKER_BATCH {
            let Some(event) = self.evidence.pop_front() else {
                break;
            };
            self.take(&event)?;
        }
        while let Some(item) = self.feed.pop_front() {
            match item {
                FeedItem::Tick(mut tick) => {
                    tick.ts = tick.ts.plus(stamped);
                    self.advance_to(tick.ts)?;
                    self.take(&Event::Ticked(tick))?;
                }
                FeedItem::State { ts, state } => {
                    let ts = ts.plus(stamped);
                    self.take(&Event::FeedChanged(FeedChanged { ts, state }))?;
                }
            }
        }
        self.advance_to(now)?;
        self.entries_barred = self.state().mode() != TradingMode::Active;
        Ok(())
    }

    /// Pauses entries once the journal's disk has failed, and while it has no room.
    fn heed_disk(&mut self, now: TsNs) -> Result<(), Killed> {
        let has_failed = self.awaits_disk && self.journal.is_dead;
        let trouble = match (self.journal.is_full, has_failed) {
            (true, _) => Some(DiskTrouble::Full),
            (false, true) => Some(DiskTrouble::Failed),
            (false, false) => None,
        };
        match self.disk.look(trouble, self.state().is_paused()) {
            Some(trouble) => {
                let ts = now.max(self.state().now());
                self.take(&Event::Controlled(trouble.pause(ts, 0, self.journal.next_seq())))
            }
            None => Ok(()),
        }
    }

    /// Tells the engine that the token died, before the run ends for it.
    fn heed_token(&mut self, now: TsNs) -> Result<(), Killed> {
        let is_told = self.state().supervision().start.verdict(StartStep::Token) == StepVerdict::Failed;
        if !self.gateway.token_dead() || is_told {
            return Ok(());
        }
        let ts = now.max(self.state().now());
        self.take(&Event::StartStepped(StartStepped::token_died(ts)))
    }

    fn advance_to(&mut self, ts: TsNs) -> Result<(), Killed> {
        while let Some(timer) = self.driver.due_timer(ts) {
            self.take(&timer)?;
        }
        Ok(())
    }

    fn take(&mut self, event: &Event) -> Result<(), Killed> {
        let (handed, turned) = (&mut self.handed, self.turned);
        // The event's own record; those of its commands follow one by one.
        let mut seq = self.journal.next_seq();
        self.driver.take(event, &mut self.journal, |command| {
            seq += 1;
            handed.push_back(Handed {
                command: *command,
                seq,
                decided: turned.steady_at(command.ts()),
            });
        })
    }

    /// When it has to be woken without anything happening.
    #[must_use]
    pub fn next_wake(&self, now: TsNs) -> TsNs {
        let soon = now.plus(DurationNs::new(50_000));
        if !self.handed.is_empty() || !self.evidence.is_empty() {
            return soon;
        }
        if self.gate.waiting_count() > 0 {
            return now.plus(DurationNs::from_millis(1));
        }
        let timer = now.plus(bijli_core::driver::TIMER_PERIOD);
        let gateway = self.gateway.poll_timeout().unwrap_or(timer);
        timer.min(gateway.max(soon))
    }
}

/// What the engine is told of an entry that the disk was too slow for.
fn never_sent(now: TsNs, command: &Command) -> Option<Event> {
    let intent = command.intent()?;
    Some(Event::IntentResolved(IntentResolved {
        ts: now,
        intent,
        submission: Submission::NotSent,
        order_id: BrokerOrderId::EMPTY,
        code: Text::new("NOT_DURABLE").expect("short enough"),
    }))
}
