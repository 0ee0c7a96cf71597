//! The gateway's duty: commands to requests, replies and the order stream to events.
//!
//! The state machine is pure; blocking calls happen on lane threads, one per lane, so that a slow entry never
//! stands before an exit. Events to the engine are never dropped: they wait here while its ring is full.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};

use bijli_core::event::{Event, IntentResolved, Submission};
use bijli_core::latency::Stage;
use bijli_core::order::{BrokerOrderId, IntentId};
use bijli_core::readout::GatewayReadout;
use bijli_core::ring::Consumer;
use bijli_core::text::Text;
use bijli_core::{DurationNs, TsNs};
use bijli_gateway::Gateway;
use bijli_gateway::request::{LANES, Lane, Reply, Request, RequestId};

use crate::duty::durable_gate::{DurableGate, Passed};
use crate::duty::event_outbox::EventOutbox;
use crate::duty::token_watch::TokenWatch;
use crate::duty::{Ended, Outbound};
use crate::duty_cycle::{Duty, Moment, MonoNs, Turn};
use crate::latency_recorder::LatencyRecorder;
use crate::screen::GatewayScreen;

/// Commands taken in one turn.
const BATCH: usize = 64;

/// Work for a lane thread.
#[derive(Debug)]
pub struct LaneJob {
    /// The request, performed once.
    pub request: Request,
    /// When the frame behind it was read; `None` when no frame was.
    pub cause_recv: Option<MonoNs>,
    /// Whether it places an order.
    pub places: bool,
    /// From then on not a byte of it may leave; `None` for what may leave at any time.
    pub leaves_before: Option<MonoNs>,
}

/// What a lane thread brings back.
#[derive(Debug)]
pub struct LaneDone {
    /// Which request.
    pub id: RequestId,
    /// How it ended.
    pub reply: Reply,
    /// The pause that the server asked for.
    pub retry_after: Option<DurationNs>,
    /// Over which lane it went.
    pub lane: Lane,
    /// Time from the job's start until its bytes were handed to the socket.
    pub write_ns: u64,
    /// When that was.
    pub written: MonoNs,
    /// When the frame behind it was read.
    pub cause_recv: Option<MonoNs>,
    /// Whether it placed an order.
    pub places: bool,
}

/// What the order-stream thread brings.
#[derive(Debug)]
pub enum StreamNews {
    /// A text frame.
    Text(Vec<u8>),
    /// Connected or not.
    Connected(bool),
    /// The broker does not accept the token.
    TokenRefused,
    /// A 401 that is not in the broker's own words.
    TokenDoubted,
}

/// The ends of rings and channels that the gateway holds.
#[derive(Debug)]
pub struct GatewayLinks {
    /// Orders from the engine.
    pub orders: Consumer<Outbound>,
    /// Evidence to the engine.
    pub events: EventOutbox,
    /// Jobs for the lanes, indexed by lane.
    pub lanes: [Sender<LaneJob>; LANES.len()],
    /// What the lanes bring back.
    pub done: Receiver<LaneDone>,
    /// What the order stream brings.
    pub stream: Receiver<StreamNews>,
    /// Commands taken so far.
    pub taken: Arc<AtomicU64>,
    /// What is still in hand here.
    pub busy: Arc<AtomicU64>,
    /// What is known of the token.
    pub token: TokenWatch,
}

/// The gateway and everything that it alone writes.
#[derive(Debug)]
pub struct GatewayDuty {
    gateway: Gateway,
    links: GatewayLinks,
    /// Which frame stood behind which intent, until its request leaves.
    causes: VecDeque<(IntentId, Option<MonoNs>)>,
    in_lanes: u64,
    order_write: LatencyRecorder,
    tick_to_order: LatencyRecorder,
    gate: DurableGate,
    screen: GatewayScreen,
}

impl GatewayDuty {
    /// A duty around a state machine whose reconciliation was begun.
    #[must_use]
    pub fn new(gateway: Gateway, links: GatewayLinks, gate: DurableGate, screen: GatewayScreen) -> Self {
        Self {
            gateway,
            links,
            causes: VecDeque::new(),
            in_lanes: 0,
            order_write: LatencyRecorder::new(Stage::OrderWrite),
            tick_to_order: LatencyRecorder::new(Stage::TickToOrder),
            gate,
            screen,
        }
    }

    fn take_commands(&mut self, moment: Moment) -> usize {
        let mut count = 0;
        while count < BATCH {
            let Some(outbound) = self.links.orders.pop() else {
                break;
            };
            self.gate.offer(outbound, moment.mono);
            // Counted as busy before as taken, so that nothing seems finished in between.
            self.show_busy();
            self.links.taken.fetch_add(1, Ordering::Release);
            count += 1;
        }
        count + self.pass_gate(moment)
    }

    /// Hands on what need not wait for the journal's disk any longer.
    fn pass_gate(&mut self, moment: Moment) -> usize {
        let mut count = 0;
        while let Some(passed) = self.gate.pop(moment.mono) {
            count += 1;
            let outbound = match passed {
                Passed::Send(outbound) => outbound,
                Passed::GivenUp(outbound) => {
                    self.give_up(moment, &outbound);
                    continue;
                }
            };
            if let Some(intent) = outbound.command.intent() {
                self.causes.push_back((intent, outbound.cause_recv));
            }
            self.gateway
                .handle_decided(moment.times(), outbound.decided, &outbound.command);
        }
        count
    }

    /// Tells the engine that an entry was never sent.
    fn give_up(&mut self, moment: Moment, outbound: &Outbound) {
        let Some(intent) = outbound.command.intent() else {
            return;
        };
        self.links.events.push(Event::IntentResolved(IntentResolved {
            ts: moment.now,
            intent,
            submission: Submission::NotSent,
            order_id: BrokerOrderId::EMPTY,
            code: Text::new("NOT_DURABLE").expect("short enough"),
        }));
    }

    fn take_replies(&mut self, moment: Moment) -> usize {
        let mut count = 0;
        if self.links.token.take_doubt() {
            self.gateway.handle_token_doubted(moment.times());
        }
        while let Ok(done) = self.links.done.try_recv() {
            self.in_lanes -= 1;
            if done.places && done.reply.outcome.is_ok() {
                self.order_write.record(done.write_ns);
                if let Some(recv) = done.cause_recv {
                    self.tick_to_order.record(done.written.since(recv));
                }
            }
            if let Some(pause) = done.retry_after {
                self.gateway
                    .handle_retry_after(moment.times(), done.lane, &done.reply, pause);
            }
            self.gateway.handle_reply(moment.times(), done.id, &done.reply);
            count += 1;
        }
        while let Ok(news) = self.links.stream.try_recv() {
            match news {
                StreamNews::Text(text) => self.gateway.handle_stream_text(moment.times(), &text),
                StreamNews::Connected(connected) => {
                    self.gateway.handle_stream_state(moment.times(), connected)
                }
                StreamNews::TokenRefused => self.gateway.handle_token_refused(moment.times()),
                StreamNews::TokenDoubted => self.gateway.handle_token_doubted(moment.times()),
            }
            count += 1;
        }
        count
    }

    fn send_requests(&mut self, moment: Moment) -> usize {
        let mut count = 0;
        while let Some(request) = self.gateway.poll_request(moment.times()) {
            let intent = self.gateway.placed_by(request.id);
            let cause_recv = intent.and_then(|intent| self.cause_of(intent));
            let lane = request.lane as usize;
            let leaves_before = self.gateway.leaves_before(request.id);
            let job = LaneJob {
                request,
                cause_recv,
                places: intent.is_some(),
                leaves_before: leaves_before.map(|ts| mono_at(moment, ts)),
            };
            // A lane thread lives as long as this duty does; only then is its end dropped.
            self.links.lanes[lane]
                .send(job)
                .expect("lanes outlive the gateway");
            self.in_lanes += 1;
            count += 1;
        }
        count
    }

    /// The frame behind an intent; forgets it and all older ones.
    fn cause_of(&mut self, intent: IntentId) -> Option<MonoNs> {
        let place = self.causes.iter().position(|(known, _)| *known == intent)?;
        self.causes.remove(place).and_then(|(_, cause)| cause)
    }

    fn hand_on_events(&mut self) -> usize {
        while let Some(event) = self.gateway.poll_event() {
            self.links.events.push(event);
        }
        self.links.events.flush()
    }

    fn show_busy(&self) {
        if self.gateway.token_dead() {
            self.links.token.bury();
        }
        let waiting = self.gate.waiting_count() + self.links.events.waiting_count();
        let busy = self.gateway.in_flight() as u64 + self.in_lanes + waiting as u64;
        self.links.busy.store(busy, Ordering::Release);
    }

    fn put_screen(&mut self) {
        self.screen
            .put(&self.gateway.readout(), [&self.order_write, &self.tick_to_order]);
    }
}

/// What a clock that never steps will show at an instant of the steady time.
fn mono_at(moment: Moment, ts: TsNs) -> MonoNs {
    let left = u64::try_from(ts.since(moment.steady).get()).unwrap_or(0);
    MonoNs(moment.mono.0.saturating_add(left))
}

/// What the gateway's duty leaves behind.
#[derive(Debug)]
pub struct GatewayEnd {
    /// The last numbers.
    pub readout: GatewayReadout,
    /// Histograms of the stages order_write and tick_to_order.
    pub recorders: [LatencyRecorder; 2],
}

impl Duty<Ended> for GatewayDuty {
    fn turn(&mut self, moment: Moment) -> Turn {
        let mut work_count = self.take_commands(moment);
        work_count += self.take_replies(moment);
        self.gateway.handle_timeout(moment.times());
        work_count += self.send_requests(moment);
        work_count += self.hand_on_events();
        self.show_busy();
        if self.causes.len() > BATCH * 4 {
            self.causes.pop_front();
        }
        if self.screen.is_due(moment) {
            self.put_screen();
        }
        Turn::Did(work_count)
    }

    fn finish(mut self: Box<Self>) -> Ended {
        self.put_screen();
        Ended::Gateway(Box::new(GatewayEnd {
            readout: self.gateway.readout(),
            recorders: [self.order_write, self.tick_to_order],
        }))
    }
}
