//! The wires between gateway and broker: latency, loss and silence of requests, replies and stream frames.
//!
//! Invariants: a request reaches the broker at most once; exactly one reply reaches a process for each request, be
//! it the news that none came; a reply that comes after its time-out is dropped, for the connection was closed.

use std::collections::{BTreeMap, BTreeSet};

use bijli_core::{DurationNs, TsNs};
use bijli_gateway::{Reply, Request, RequestId, Transport};
use bijli_simulator::broker::{ApiReply, Delivery};
use bijli_simulator::random::Random;

use crate::plan::Plan;
use crate::process::Arrival;
use crate::rows::{Fired, WorldFault};

/// How long a lane waits for its reply.
pub const TIMEOUT: DurationNs = DurationNs::from_secs(5);

/// What is on its way.
#[derive(Clone, Debug)]
pub enum Parcel {
    /// A request to the broker.
    Request(u32, Request),
    /// News for the process of this epoch.
    News(u32, Arrival),
}

/// The wires.
#[derive(Debug)]
pub struct Network {
    flying: BTreeMap<(TsNs, u64), Parcel>,
    number: u64,
    awaited: BTreeSet<(u32, RequestId)>,
    random: Random,
    odd: Random,
    latency: DurationNs,
    /// Everything vanishes until then.
    parted_until: TsNs,
    /// The stream is silent until then, and nobody knows.
    silent_until: TsNs,
    /// When the order stream of the process is up.
    stream_up: Option<TsNs>,
    last_frame: TsNs,
}

impl Network {
    /// Quiet wires.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self {
            flying: BTreeMap::new(),
            number: 0,
            awaited: BTreeSet::new(),
            random: Random::new(plan.seed, 0x2e01),
            odd: Random::new(plan.seed, 0x2e02),
            latency: plan.latency,
            parted_until: TsNs::NEVER,
            silent_until: TsNs::NEVER,
            stream_up: None,
            last_frame: TsNs::NEVER,
        }
    }

    fn put(&mut self, due: TsNs, parcel: Parcel) {
        self.number += 1;
        self.flying.insert((due, self.number), parcel);
    }

    fn one_way(&mut self) -> DurationNs {
        let latency = self.latency.get();
        DurationNs::new(self.random.between(latency / 2, latency * 3 / 2))
    }

    /// When something arrives next.
    #[must_use]
    pub fn next_due(&self) -> Option<TsNs> {
        self.flying.keys().next().map(|key| key.0)
    }

    /// What arrives by now, one at a time.
    pub fn poll(&mut self, now: TsNs) -> Option<Parcel> {
        loop {
            let entry = self.flying.first_entry().filter(|entry| entry.key().0 <= now)?;
            let parcel = entry.remove();
            match &parcel {
                Parcel::News(epoch, Arrival::Reply(id, _)) if !self.awaited.remove(&(*epoch, *id)) => {}
                Parcel::News(..) | Parcel::Request(..) => return Some(parcel),
            }
        }
    }

    /// A process came up: its streams connect. News for the one before it is never delivered.
    pub fn begin_process(&mut self, now: TsNs, epoch: u32) {
        self.awaited.clear();
        self.connect_stream(now, epoch);
    }

    fn connect_stream(&mut self, now: TsNs, epoch: u32) {
        let due = now.plus(DurationNs::from_millis(self.random.between(50, 900)));
        self.stream_up = Some(due);
        self.put(due, Parcel::News(epoch, Arrival::Stream(true)));
    }

    /// The order stream is cut; it comes back after a moment.
    pub fn cut_stream(&mut self, now: TsNs, epoch: u32) {
        self.put(now, Parcel::News(epoch, Arrival::Stream(false)));
        let back = now.plus(DurationNs::from_millis(self.random.between(300, 4_000)));
        self.stream_up = None;
        self.connect_stream(back, epoch);
    }

    fn draw_outages(&mut self, now: TsNs, plan: &Plan, fired: &mut Fired) {
        let mut span = |network: &mut Self, fault| {
            let happens = network.odd.happens(plan.ppm_of(fault) / 40);
            happens.then(|| {
                fired.count(fault);
                now.plus(DurationNs::from_millis(network.odd.between(1_000, 15_000)))
            })
        };
        if let Some(until) = span(self, WorldFault::Partition) {
            self.parted_until = until;
        }
        if let Some(until) = span(self, WorldFault::SilentStream) {
            self.silent_until = until;
        }
    }

    /// A request leaves the gateway. Tells whether a byte of it was written.
    pub fn send(&mut self, now: TsNs, epoch: u32, request: Request, plan: &Plan, fired: &mut Fired) -> bool {
        let id = request.id;
        self.awaited.insert((epoch, id));
        let under_fire = now < plan.calm;
        let lost = |wrote_bytes| {
            let reply = Reply {
                outcome: Err(Transport { wrote_bytes }),
                body: Vec::new(),
            };
            Parcel::News(epoch, Arrival::Reply(id, reply))
        };
        let mut way = self.one_way();
        if under_fire {
            self.draw_outages(now, plan, fired);
            if self.odd.happens(plan.ppm_of(WorldFault::ConnectRefused) / 4) {
                fired.count(WorldFault::ConnectRefused);
                self.put(now.plus(way), lost(false));
                return false;
            }
            if self.odd.happens(plan.ppm_of(WorldFault::DeadPooledSocket) / 4) {
                fired.count(WorldFault::DeadPooledSocket);
                self.put(now.plus(way), lost(true));
                return true;
            }
        }
        self.put(now.plus(TIMEOUT), lost(true));
        let mut arrives = now >= self.parted_until;
        if under_fire && self.odd.happens(plan.ppm_of(WorldFault::Jitter) / 2) {
            fired.count(WorldFault::Jitter);
            way = DurationNs::from_millis(self.odd.between(50, 5_000));
            arrives &= self.odd.between(0, 19) > 0;
        }
        if arrives {
            self.put(now.plus(way), Parcel::Request(epoch, request));
        }
        true
    }

    /// The broker answered a request of a process.
    pub fn answer(&mut self, now: TsNs, epoch: u32, id: RequestId, reply: ApiReply) {
        let way = self.one_way();
        if now < self.parted_until {
            return;
        }
        let (outcome, held) = match reply.delivery {
            Delivery::Now => (Ok(reply.status), DurationNs::ZERO),
            Delivery::After(length) => (Ok(reply.status), length),
            Delivery::Never => (Err(Transport { wrote_bytes: true }), DurationNs::ZERO),
        };
        let body = if outcome.is_ok() { reply.body } else { Vec::new() };
        let news = Arrival::Reply(id, Reply { outcome, body });
        self.put(now.plus(way).plus(held), Parcel::News(epoch, news));
    }

    /// The broker pushed a frame: it comes in order, unless nobody listens.
    pub fn push_frame(&mut self, now: TsNs, epoch: u32, text: String) {
        let listens = self.stream_up.is_some_and(|up| up <= now);
        if !listens || now < self.silent_until || now < self.parted_until {
            return;
        }
        let due = now.plus(self.one_way()).max(self.last_frame);
        self.last_frame = due;
        self.put(due, Parcel::News(epoch, Arrival::Frame(text.into_bytes())));
    }
}
