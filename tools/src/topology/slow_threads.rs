//! The threads that may be slow, and the order sinks that feed them: REST lanes, the order stream, housekeeping.
//!
//! Each thread blocks on one thing at a time and hands its results over channels; none of them touches the
//! engine's state. What a lane was given may wait for its connection: an entry that grew too old there, or that a
//! person bars meanwhile, does not leave.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use bijli_core::Event;
use bijli_core::codec::DurableMark;
use bijli_core::event::{FeedState, Tick};
use bijli_core::limits::TICK_RING_SLOTS;
use bijli_core::ring::{Consumer, Producer, ring};
use bijli_feed::FeedNote;
use bijli_gateway::request::{Host, LANES, Lane};
use bijli_gateway::socket::{MayLeave, OrderStream, RestLane, RestSettings, StreamOutput, StreamSettings};
use bijli_gateway::{Gateway, PaperVenue};

use super::{OrderSink, Role, StartError, Traffic, spawn};
use crate::control::{ControlServer, LatchWord};
use crate::credential::TokenMemory;
use crate::durability::DurableView;
use crate::duty::durable_gate::DurableGate;
use crate::duty::engine::DurabilityLink;
use crate::duty::event_outbox::EventOutbox;
use crate::duty::gateway::{GatewayDuty, GatewayLinks, LaneDone, LaneJob, StreamNews};
use crate::duty::paper::{PaperDuty, PaperLinks};
use crate::duty::token_watch::TokenWatch;
use crate::duty::{Ended, FeedWord, Outbound};
use crate::duty_cycle::{Bell, Duty, MonoNs, wall_now};
use crate::kill_latch::LatchKeeper;
use crate::persister::{PersisterTask, Step};
use crate::screen::GatewayScreen;
use crate::stderr::{self, say};
use crate::store::SegmentSupply;

/// What an order sink is wired to.
pub(super) struct SinkEnds {
    pub(super) orders: Consumer<Outbound>,
    pub(super) events: Producer<Event>,
    pub(super) engine_bell: Bell,
    pub(super) own_bell: Bell,
    pub(super) traffic: Traffic,
    pub(super) screen: GatewayScreen,
    pub(super) token: TokenWatch,
    pub(super) gate: DurableGate,
    pub(super) entries_barred: Arc<AtomicBool>,
    pub(super) stop: Arc<AtomicBool>,
}

/// The duty, where ticks for paper go, and the threads that help it.
type Sink = (Box<dyn Duty<Ended>>, Option<Producer<Tick>>, Vec<JoinHandle<()>>);

pub(super) fn sink_duty(
    sink: OrderSink,
    rest: &RestSettings,
    stream: &StreamSettings,
    ends: SinkEnds,
) -> Result<Sink, StartError> {
    match sink {
        OrderSink::Broker(gateway) => {
            let (duty, threads) = broker_duty(*gateway, rest, stream, ends)?;
            Ok((duty, None, threads))
        }
        OrderSink::Paper(venue, opening) => {
            let (ticks_out, ticks_in) = ring(TICK_RING_SLOTS);
            Ok((
                paper_duty(*venue, opening, ticks_in, ends),
                Some(ticks_out),
                Vec::new(),
            ))
        }
    }
}

type BrokerParts = (Box<dyn Duty<Ended>>, Vec<JoinHandle<()>>);

fn broker_duty(
    gateway: Gateway,
    rest: &RestSettings,
    stream_settings: &StreamSettings,
    ends: SinkEnds,
) -> Result<BrokerParts, StartError> {
    let (lanes, done, mut threads) = start_lanes(rest, &ends.own_bell, (&ends.stop, &ends.entries_barred))?;
    let (news, stream) = channel();
    let flags = (ends.stop, ends.token.clone());
    threads.push(start_stream(stream_settings, news, ends.own_bell, flags)?);
    let links = GatewayLinks {
        orders: ends.orders,
        events: EventOutbox::new(ends.events, ends.engine_bell, VecDeque::new()),
        lanes,
        done,
        stream,
        taken: ends.traffic.taken,
        busy: ends.traffic.busy,
        token: ends.token,
    };
    Ok((
        Box::new(GatewayDuty::new(gateway, links, ends.gate, ends.screen)),
        threads,
    ))
}

fn paper_duty(
    venue: PaperVenue,
    opening: Vec<Event>,
    ticks: Consumer<Tick>,
    ends: SinkEnds,
) -> Box<dyn Duty<Ended>> {
    let links = PaperLinks {
        orders: ends.orders,
        ticks,
        events: EventOutbox::new(ends.events, ends.engine_bell, opening.into()),
        taken: ends.traffic.taken,
        busy: ends.traffic.busy,
        token: ends.token,
    };
    Box::new(PaperDuty::new(venue, links, ends.screen))
}

/// A connection idle for so long is refreshed; the broker drops idle ones at about twenty seconds.
const IDLE_MAX: Duration = Duration::from_secs(10);

type Lanes = (
    [Sender<LaneJob>; LANES.len()],
    Receiver<LaneDone>,
    Vec<JoinHandle<()>>,
);

/// One thread per lane, each with its own warm connection and one call at a time.
fn start_lanes(
    settings: &RestSettings,
    bell: &Bell,
    (stop, entries_barred): (&Arc<AtomicBool>, &Arc<AtomicBool>),
) -> Result<Lanes, StartError> {
    let (done_sender, done) = channel();
    let mut senders = Vec::new();
    let mut threads = Vec::new();
    for (lane, name) in LANES.iter().zip(["bijli-exits", "bijli-entries", "bijli-reads"]) {
        let mut line = RestLane::new(settings)
            .map_err(|error| StartError::Connection(format!("{lane:?} lane: {error}")))?;
        let (sender, jobs) = channel::<LaneJob>();
        let (done_sender, bell, stop) = (done_sender.clone(), bell.clone(), Arc::clone(stop));
        // What lowers risk is never barred.
        let barred = (*lane == Lane::Entry).then(|| Arc::clone(entries_barred));
        let host = if *lane == Lane::Read {
            Host::Api
        } else {
            Host::Order
        };
        threads.push(spawn(name, move || {
            // The first order must not pay for the handshake, nor one after a quiet while.
            line.keep_warm(host, Duration::ZERO);
            while !stop.load(Ordering::Acquire) {
                let Ok(job) = jobs.recv_timeout(Duration::from_millis(100)) else {
                    line.keep_warm(host, IDLE_MAX);
                    continue;
                };
                let may_leave = may_leave(barred.clone(), job.leaves_before);
                let done = perform(&mut line, job, may_leave);
                if done_sender.send(done).is_err() {
                    break;
                }
                bell.ring();
            }
        })?);
        senders.push(sender);
    }
    let senders = senders.try_into().expect("one sender per lane");
    Ok((senders, done, threads))
}

/// Whether a job may leave, asked until its first byte does: not once a person bars it, nor when its time is over.
fn may_leave(barred: Option<Arc<AtomicBool>>, leaves_before: Option<MonoNs>) -> MayLeave {
    Arc::new(move || {
        let is_barred = barred
            .as_ref()
            .is_some_and(|barred| barred.load(Ordering::SeqCst));
        !is_barred && leaves_before.is_none_or(|end| MonoNs::now() < end)
    })
}

fn perform(line: &mut RestLane, job: LaneJob, may_leave: MayLeave) -> LaneDone {
    let started = MonoNs::now();
    let timed = line.perform_while(&job.request, may_leave);
    LaneDone {
        id: job.request.id,
        reply: timed.reply,
        retry_after: timed.retry_after,
        lane: job.request.lane,
        write_ns: timed.write_ns,
        written: MonoNs(started.0.saturating_add(timed.write_ns)),
        cause_recv: job.cause_recv,
        places: job.places,
    }
}

fn start_stream(
    settings: &StreamSettings,
    news: Sender<StreamNews>,
    bell: Bell,
    (stop, token): (Arc<AtomicBool>, TokenWatch),
) -> Result<JoinHandle<()>, StartError> {
    let mut stream = OrderStream::new(settings)
        .map_err(|error| StartError::Connection(format!("order stream: {error}")))?;
    spawn("bijli-stream", move || {
        while !stop.load(Ordering::Acquire) {
            if token.is_dead() {
                stream.bury_token();
            }
            let item = match stream.poll(Duration::from_millis(100)) {
                StreamOutput::Text(text) => StreamNews::Text(text.into_bytes()),
                StreamOutput::State(connected) => StreamNews::Connected(connected),
                StreamOutput::TokenRefused => StreamNews::TokenRefused,
                StreamOutput::TokenDoubted => StreamNews::TokenDoubted,
                StreamOutput::Idle => continue,
            };
            if news.send(item).is_err() {
                break;
            }
            bell.ring();
        }
    })
}

/// Everything that may be slow.
pub(super) struct Housekeeping {
    /// The kill switch on disk, and what it should say.
    pub(super) latch: LatchKeeper,
    pub(super) latch_words: Receiver<LatchWord>,
    pub(super) supply: SegmentSupply,
    /// What the feed has to tell.
    pub(super) notes: Receiver<FeedWord>,
    /// Where the feed's token is renewed; `None` = it stays.
    pub(super) token_memory: Option<TokenMemory>,
    pub(super) stop: Arc<AtomicBool>,
}

const HOUSEKEEPING_PERIOD: Duration = Duration::from_millis(10);
/// Between two looks whether there was another login.
const TOKEN_LOOK_PERIOD_NS: u64 = 5_000_000_000;

pub(super) fn start_housekeeping(mut house: Housekeeping) -> Result<JoinHandle<()>, StartError> {
    spawn("bijli-housekeep", move || {
        let mut in_trouble = false;
        let mut looked = MonoNs::now();
        while !house.stop.load(Ordering::Acquire) {
            keep_latch(&mut house.latch, &house.latch_words);
            for word in house.notes.try_iter() {
                tell(&word, &mut in_trouble);
            }
            if let Some(memory) = &house.token_memory
                && MonoNs::now().since(looked) >= TOKEN_LOOK_PERIOD_NS
            {
                looked = MonoNs::now();
                if memory.renew(wall_now()) {
                    say("feed: there is another access token; the next connection shows it");
                }
            }
            for line in house.supply.poll() {
                say(line);
            }
            std::thread::park_timeout(HOUSEKEEPING_PERIOD);
        }
        keep_latch(&mut house.latch, &house.latch_words);
        // The last words, which may say why the run ends.
        house
            .notes
            .try_iter()
            .for_each(|word| tell(&word, &mut in_trouble));
    })
}

/// The one thread that writes to standard error while the engine runs. Nobody waits for it: it may be stuck for ever.
pub(super) fn start_stderr() -> Result<(), StartError> {
    if let Some(lines) = stderr::open() {
        let _unwaited = spawn("bijli-stderr", move || stderr::write_lines(&lines))?;
    }
    Ok(())
}

/// The thread that brings the journal onto the disk.
pub(super) struct Persisting {
    task: PersisterTask,
    own_bell: Bell,
    gateway_bell: Bell,
}

impl Persisting {
    /// The thread's parts, if the day waits for its disk, and the engine's end of it.
    pub(super) fn of(
        persister: Option<(PersisterTask, Receiver<DurableMark>)>,
        bells: &[Bell; 3],
    ) -> (Option<Self>, DurabilityLink) {
        let Some((task, marks)) = persister else {
            let link = DurabilityLink {
                view: DurableView::never_waited_for(),
                bell: None,
                marks: None,
            };
            return (None, link);
        };
        let own_bell = Bell::default();
        let link = DurabilityLink {
            view: task.view().clone(),
            bell: Some(own_bell.clone()),
            marks: Some(marks),
        };
        let gateway_bell = bells[Role::Gateway as usize].clone();
        let persisting = Self {
            task,
            own_bell,
            gateway_bell,
        };
        (Some(persisting), link)
    }
}

/// Between two commits that nobody waits for.
const COMMIT_PERIOD: Duration = Duration::from_millis(2);

pub(super) fn start_persister(
    persisting: Option<Persisting>,
    drain: &Arc<AtomicBool>,
) -> Result<Option<JoinHandle<()>>, StartError> {
    let Some(mut persisting) = persisting else {
        return Ok(None);
    };
    let drain = Arc::clone(drain);
    let thread = spawn("bijli-persist", move || {
        loop {
            // Asked first: what was published before it was raised is committed below.
            let ends = drain.load(Ordering::Acquire);
            let step = persisting.task.step(MonoNs::now(), &persisting.gateway_bell);
            match step {
                Step::Full => {}
                Step::Some if ends => {}
                Step::Idle | Step::Dead if ends => break,
                Step::Some | Step::Idle | Step::Dead => persisting.own_bell.listen(COMMIT_PERIOD),
            }
        }
    })?;
    Ok(Some(thread))
}

/// Between two looks at the operators' socket where it cannot be waited on.
const CONTROL_PAUSE: Duration = Duration::from_micros(500);

/// Operators have a thread of their own: no disk that stalls and no slow peer stands before a kill.
pub(super) fn start_control(
    mut control: ControlServer,
    bells: [Bell; 3],
    stop: Arc<AtomicBool>,
) -> Result<JoinHandle<()>, StartError> {
    spawn("bijli-control", move || {
        while !stop.load(Ordering::Acquire) {
            control.poll(&|| bells.iter().for_each(Bell::ring));
            if control.wait().is_err() {
                std::thread::park_timeout(CONTROL_PAUSE);
            }
        }
        // A command that the engine took at its end is still answered.
        let _in_hand = control.poll(&|| ());
    })
}

fn keep_latch(latch: &mut LatchKeeper, words: &Receiver<LatchWord>) {
    let asked = words.try_iter().filter_map(|word| latch.take(word));
    let asked: Vec<String> = asked.collect();
    for wrong in asked.into_iter().chain(latch.heed(MonoNs::now())) {
        say(format_args!("error: {wrong}"));
    }
}

/// Prints what an operator should know; that all is well only after trouble.
fn tell(word: &FeedWord, in_trouble: &mut bool) {
    match word {
        FeedWord::Note(note) if is_worth_telling(note) => {
            *in_trouble = true;
            say(format_args!("feed: {note}"));
        }
        FeedWord::State(FeedState::Mute) => {
            *in_trouble = true;
            say("feed: MUTE: no market data on an open socket; entries are denied with FEED_NOT_LIVE");
        }
        FeedWord::State(FeedState::Live) if *in_trouble => {
            *in_trouble = false;
            say("feed: LIVE again");
        }
        FeedWord::Note(_) | FeedWord::State(FeedState::Live | FeedState::Down | FeedState::Closed) => {}
    }
}

/// Whether a note tells of trouble rather than of the usual course.
fn is_worth_telling(note: &FeedNote) -> bool {
    !matches!(
        note,
        FeedNote::Connecting { .. }
            | FeedNote::Connected
            | FeedNote::Subscribed { .. }
            | FeedNote::AllSeen { .. }
            | FeedNote::Audited { unseen: 0, .. }
            | FeedNote::MarketTold(_)
    )
}

#[cfg(test)]
#[path = "slow_threads_tests.rs"]
mod tests;
