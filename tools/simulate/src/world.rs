//! One simulated day: market, exchange, broker, wires, disk, people and the process under test, in virtual time.
//!
//! A step is one instant: the market moves, parcels arrive, the process takes its turns, then the oracle looks.
//! Between two steps nothing happens, so time jumps. Faults strike until the plan's instant of calm; then liveness
//! is owed. Invariant: everything that happens follows from the plan.

mod life;
mod turns;

use std::collections::VecDeque;

use bijli_core::{DurationNs, TsNs};
use bijli_simulator::RateLimits;
use bijli_simulator::broker::{Broker, BrokerOptions, BrokerSettings};
use bijli_simulator::random::Random;

use crate::feed_side::{DirectFeed, FeedSide};
use crate::market::{Market, day_info};
use crate::network::Network;
use crate::operator::Operator;
use crate::oracle::{Broken, Oracle};
use crate::outcome::{Outcome, Violation, Work};
use crate::plan::Plan;
use crate::process::{Arrival, Process};
use crate::rows::{Fired, RowId, WorldFault};
use crate::wire_feed::WireFeed;

/// Lines of the trace that are kept where nobody asks for more.
pub const TRACE_LINES: usize = 40;

/// A day under way.
pub struct World {
    plan: Plan,
    now: TsNs,
    step: u64,
    market: Market,
    broker: Broker,
    token: String,
    network: Network,
    feed: Box<dyn FeedSide>,
    operator: Operator,
    oracle: Oracle,
    process: Option<Process>,
    arrivals: VecDeque<Arrival>,
    /// What lies on the disk while no process is up.
    disk: Vec<Vec<u8>>,
    epoch: u32,
    starts_at: Option<TsNs>,
    /// Since when a process is up.
    up_since: TsNs,
    /// Restarts that are killed on their way.
    starts_to_kill: u32,
    /// Which fault will have killed the process that is up.
    death: WorldFault,
    /// The process does nothing until then.
    frozen_until: TsNs,
    disk_full_until: TsNs,
    /// The gateway's thread does nothing until then.
    gateway_until: TsNs,
    /// The engine's thread hangs in an append until then.
    engine_until: TsNs,
    /// How far the machine's wall clock is ahead, until somebody sets it right.
    clock_shift: DurationNs,
    clock_right_at: TsNs,
    crash: Random,
    last_second: i64,
    is_quiet: bool,
    fired: Fired,
    work: Work,
    hash: u64,
    lines: usize,
    trace: Option<VecDeque<String>>,
}

/// Lives a plan through and keeps the last `lines` happenings; 0 for none.
#[must_use]
pub fn run(plan: &Plan, lines: usize) -> Outcome {
    let mut world = World::new(plan, lines);
    let lived = world.live();
    world.into_outcome(lived)
}

impl World {
    fn new(plan: &Plan, lines: usize) -> Self {
        let settings = BrokerSettings {
            capital: bijli_core::Money::from_rupees(5_000_000),
            seed: plan.seed,
            faults: plan.broker_faults(),
            rate_limits: RateLimits::Enforced,
            exchange_delay: plan.exchange_delay,
            options: BrokerOptions {
                demo_holdings: 0,
                ..BrokerOptions::default()
            },
        };
        let broker = Broker::new(&day_info(), settings);
        Self {
            now: plan.start(),
            step: 0,
            market: Market::new(plan),
            token: broker.token().to_owned(),
            broker,
            network: Network::new(plan),
            feed: if plan.by_frames {
                Box::new(WireFeed::new(plan))
            } else {
                Box::new(DirectFeed::new(plan))
            },
            operator: Operator::new(plan),
            oracle: Oracle::new(plan),
            process: None,
            arrivals: VecDeque::new(),
            disk: Vec::new(),
            epoch: 0,
            starts_at: Some(plan.start()),
            up_since: TsNs::NEVER,
            starts_to_kill: 0,
            death: WorldFault::Kill9,
            frozen_until: TsNs::NEVER,
            disk_full_until: TsNs::NEVER,
            gateway_until: TsNs::NEVER,
            engine_until: TsNs::NEVER,
            clock_shift: DurationNs::ZERO,
            clock_right_at: TsNs::NEVER,
            crash: Random::new(plan.seed, 0xc001),
            last_second: 0,
            is_quiet: false,
            fired: Fired::default(),
            work: Work::default(),
            hash: 0,
            lines,
            trace: (lines > 0).then(VecDeque::new),
            plan: plan.clone(),
        }
    }

    fn live(&mut self) -> Result<(), Broken> {
        while self.now < self.plan.end && self.plan.until.is_none_or(|until| self.step < until) {
            self.step += 1;
            let taken = self.take_step();
            self.judge(taken)?;
            self.now = self.next_instant();
        }
        if self.plan.until.is_none() {
            let seen = self.oracle.ended(&self.plan, &self.broker, self.process.as_ref());
            self.judge(seen)?;
        }
        Ok(())
    }

    /// Lets pass what is broken and not asked for.
    fn judge(&self, seen: Result<(), Broken>) -> Result<(), Broken> {
        seen.or_else(|broken| {
            let is_unasked = self.plan.unasked.iter().any(|id| id == broken.0);
            if is_unasked { Ok(()) } else { Err(broken) }
        })
    }

    /// When anything happens next: always later than now.
    fn next_instant(&self) -> TsNs {
        let soon = TsNs::new(self.now.get() + 20_000);
        let mut next = self
            .market
            .next_due()
            .min(self.operator.next_due())
            .min(self.plan.end);
        let others = [
            self.network.next_due(),
            // While no process is up nobody takes what the feed brings.
            self.process.as_ref().and_then(|_| self.feed.next_due()),
            self.broker.next_errand(),
            self.starts_at,
            (self.now < self.plan.calm).then_some(self.plan.calm),
        ];
        for due in others.into_iter().flatten() {
            next = next.min(due);
        }
        if let Some(process) = &self.process {
            let wake = if self.now < self.gateway_until {
                self.gateway_until
            } else {
                process.next_wake(self.now)
            };
            // While its engine hangs, the gateway alone has work.
            let hangs = self.now < self.engine_until;
            let wake = if hangs {
                wake.max(self.now.plus(DurationNs::from_millis(2)))
            } else {
                wake
            };
            let wake = wake.max(self.frozen_until);
            next = next.min(wake);
        }
        next.max(soon)
    }

    /// What the machine's wall clock shows.
    const fn wall(&self) -> TsNs {
        self.now.plus(self.clock_shift)
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let text = self.now.to_string();
            trace.push_back(format!("{:>6} {} {}", self.step, &text[11..], line()));
            if trace.len() > self.lines {
                trace.pop_front();
            }
        }
    }

    fn mix(&mut self, word: u64) {
        self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn into_outcome(mut self, lived: Result<(), Broken>) -> Outcome {
        let stats = self.broker.stats();
        for (row, count) in stats.faults.rows() {
            // A cut connection is a row of the broker's streams and of the feed's alike.
            self.fired.0[RowId::of_broker(row.fault).index()] += count as u32;
        }
        if let Some(process) = &self.process {
            let (runaway, crossings) = process.player().excesses();
            self.fired.0[RowId::of_world(WorldFault::Runaway).index()] = runaway.min(1_000_000) as u32;
            self.fired.0[RowId::of_world(WorldFault::CrossingStrategies).index()] = crossings;
        }
        self.work.steps = self.step;
        self.work.order_calls = self.oracle.wire.order_calls;
        self.work.reads = self.oracle.wire.reads;
        self.work.trades = stats.fills;
        let state = self.process.as_ref().map_or(0, Process::state_hash);
        self.mix(state);
        self.mix(stats.fills << 32 | stats.orders_seen);
        self.mix(stats.realised.get() as u64);
        let violation = lived.err().map(|(invariant, found)| Violation {
            invariant,
            found,
            step: self.step,
            now: self.now,
        });
        Outcome {
            seed: self.plan.seed,
            hash: self.hash,
            fired: self.fired,
            work: self.work,
            violation,
            trace: self.trace.map(Vec::from).unwrap_or_default(),
        }
    }
}
