//! The wiring of a running engine as one table: which thread runs which duties, on which core.
//!
//! The only place of the engine's process that starts threads. Hot threads run duties; lane threads make one
//! blocking call at a time; the order-stream thread reads one socket; housekeeping does everything that may
//! be slow. Nothing is shared but rings, channels and counters.

mod alert_thread;
mod feed_part;
mod slow_threads;
mod start_error;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread::JoinHandle;

use bijli_core::limits::{ORDER_RING_SLOTS, TICK_RING_SLOTS};
use bijli_core::readout::SessionReadout;
use bijli_core::ring::{Consumer, Producer, ring};
use bijli_core::{Event, IstDay, TsNs};
use bijli_feed::FeedSettings;
use bijli_feed::planner::warm_strikes::WarmWidth;
use bijli_gateway::socket::{RestSettings, StreamSettings};
use bijli_gateway::{Gateway, PaperVenue};

pub use self::start_error::StartError;

use self::alert_thread::{Alerting, start_alert};
use self::feed_part::{FeedInputs, feed_duty};
use self::slow_threads::{
    Housekeeping, Persisting, SinkEnds, sink_duty, start_control, start_housekeeping, start_persister,
    start_stderr,
};
use crate::account_lock::AccountLock;
use crate::capture_store::begin_capture;
use crate::control::{ControlCall, ControlServer, LatchWord};
use crate::credential::TokenMemory;
use crate::durability::DurableView;
use crate::duty::durable_gate::DurableGate;
use crate::duty::engine::{DurabilityLink, EngineDuty, EngineLinks};
use crate::duty::feed_aim::InUse;
use crate::duty::token_watch::TokenWatch;
use crate::duty::{Ended, Outbound};
use crate::duty_cycle::{Bell, ClockSource, Duty, EngineClock, Wait, run_duties};
use crate::kill_latch::{KillLatch, LatchKeeper};
use crate::opening::OpenDay;
use crate::screen::{EngineScreen, GatewayScreen, Screen, open_screen};
use crate::stderr::say;
use crate::store::{SegmentMaker, SegmentSupply};

/// A duty, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Socket to ticks.
    Feed,
    /// Ticks and evidence to commands.
    Engine,
    /// Commands to requests, replies to evidence.
    Gateway,
}

/// How the duties are spread over threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// All on one thread: the fastest on fewer than four cores.
    Fused,
    /// Feed and engine on one, the gateway on another.
    Two,
    /// One thread each.
    Three,
}

/// One hot thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadRow {
    /// In which shape.
    pub shape: Shape,
    /// Its name in `top -H` and traces.
    pub name: &'static str,
    /// What it runs, in this order within a turn.
    pub roles: &'static [Role],
}

/// All hot threads of all shapes.
pub const HOT_THREADS: [ThreadRow; 6] = [
    ThreadRow {
        shape: Shape::Fused,
        name: "bijli-fused",
        roles: &[Role::Feed, Role::Engine, Role::Gateway],
    },
    ThreadRow {
        shape: Shape::Two,
        name: "bijli-engine",
        roles: &[Role::Feed, Role::Engine],
    },
    ThreadRow {
        shape: Shape::Two,
        name: "bijli-gateway",
        roles: &[Role::Gateway],
    },
    ThreadRow {
        shape: Shape::Three,
        name: "bijli-feed",
        roles: &[Role::Feed],
    },
    ThreadRow {
        shape: Shape::Three,
        name: "bijli-engine",
        roles: &[Role::Engine],
    },
    ThreadRow {
        shape: Shape::Three,
        name: "bijli-gateway",
        roles: &[Role::Gateway],
    },
];

/// Where and how the hot threads run.
#[derive(Clone, Debug)]
pub struct Placement {
    /// How the duties are spread.
    pub shape: Shape,
    /// How a hot thread rests.
    pub wait: Wait,
    /// Cores for the hot threads, in the order of their rows; fewer or none leaves them unpinned.
    pub cores: Vec<usize>,
}

impl Placement {
    /// The shape for the cores that this process may use: spinning on more threads than cores is a thousand
    /// times slower than one fused thread.
    #[must_use]
    pub fn for_this_machine() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shape = if cores >= 4 { Shape::Three } else { Shape::Fused };
        Self {
            shape,
            wait: Wait::Park,
            cores: Vec::new(),
        }
    }
}

/// What is connected to what. Holds the token, so it is not printable.
pub struct Connections {
    /// The market feed.
    pub feed: FeedSettings,
    /// How many strikes around the money are listened to; `None` = every option of the table.
    pub warm_strikes: Option<WarmWidth>,
    /// The broker's REST hosts.
    pub rest: RestSettings,
    /// The order stream.
    pub stream: StreamSettings,
    /// When the access token dies, in engine time; [`TsNs::NEVER`] where that is not known.
    pub token_expires: TsNs,
    /// Where the feed's token is renewed.
    pub token_memory: Option<TokenMemory>,
    /// Where engine time comes from.
    pub clock: ClockSource,
    /// Folder of the run: snapshot, control socket.
    pub run_dir: PathBuf,
    /// Where raw frames are kept; `None` = nowhere.
    pub capture_dir: Option<PathBuf>,
    /// What is run when a person is to be called: program and arguments; empty = nothing.
    pub alert_command: Vec<String>,
}

/// A running engine.
#[derive(Debug)]
pub struct Running {
    hot: Vec<JoinHandle<Vec<Ended>>>,
    others: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    /// Raised when nothing more is journaled: the persister brings the rest onto the disk and ends.
    drain: Arc<AtomicBool>,
    _lock: AccountLock,
}

/// Counters that tie the duties together in lockstep.
#[derive(Clone, Debug, Default)]
struct Traffic {
    pushed: Arc<AtomicU64>,
    taken: Arc<AtomicU64>,
    busy: Arc<AtomicU64>,
}

/// Where orders go.
#[derive(Debug)]
pub enum OrderSink {
    /// To a broker, over its REST hosts and its order stream.
    Broker(Box<Gateway>),
    /// Nowhere: matched in this process. The events tell what became of a former process's orders.
    Paper(Box<PaperVenue>, Vec<Event>),
}

/// Starts all threads of an opened day. Raising `stop` ends them in order.
///
/// # Errors
/// When the snapshot, the control socket or a connection's settings cannot be had; nothing runs then.
pub fn start(
    day: OpenDay,
    sink: OrderSink,
    connections: Connections,
    placement: &Placement,
    stop: Arc<AtomicBool>,
) -> Result<Running, StartError> {
    let (control, calls, latch_words) = bind_control(&connections.run_dir)?;
    let common = Common::of(&day, &connections, placement.shape, stop)?;
    let (feed_out, feed_in) = ring(TICK_RING_SLOTS);
    let (orders_out, orders_in) = ring::<Outbound>(ORDER_RING_SLOTS);
    let (events_out, events_in) = ring(ORDER_RING_SLOTS);
    let (notes_out, notes) = channel();
    let session = session_readout(&day, connections.token_expires);
    let (persisting, durability) = Persisting::of(day.persister, &common.bells);
    let screen = engine_screen(common.screen, &session, &control, &durability);
    let (pages, alerting) = Alerting::of(connections.alert_command, &connections.run_dir);
    let (capture, capture_maker) = begin_capture(connections.capture_dir.as_deref(), day.capture_keeps_free);
    let in_use = InUse::at_start(day.engine.state());
    let inputs = FeedInputs {
        settings: connections.feed,
        warm_strikes: connections.warm_strikes,
        in_use: in_use.clone(),
        ring: feed_out,
        notes: notes_out,
        capture,
        wait: placement.wait,
    };
    let feed = feed_duty(&common, day.engine.state(), inputs)?;
    let ends = common.sink_ends(orders_in, events_out, durability.view.clone());
    let (gateway, paper_ticks, mut others) = sink_duty(sink, &connections.rest, &connections.stream, ends)?;
    let supply = start_supply(day.maker, capture_maker, &connections.run_dir, &durability);
    let links = EngineLinks {
        feed: feed_in,
        broker: events_in,
        calls,
        orders: orders_out,
        paper_ticks,
        in_use,
        gateway_bell: common.bells[Role::Gateway as usize].clone(),
        orders_pushed: Arc::clone(&common.traffic.pushed),
        gateway_busy: Arc::clone(&common.traffic.busy),
        orders_taken: Arc::clone(&common.traffic.taken),
        token: common.token.clone(),
        durability,
        entries_barred: Arc::clone(&common.entries_barred),
        killed: Arc::clone(&common.killed),
        pages,
    };
    let (clock, stop) = (common.clock.clone(), || Arc::clone(&common.stop));
    let engine = EngineDuty::new(day.engine, day.journal, links, screen, clock, stop());
    let house = Housekeeping {
        latch: LatchKeeper::new(KillLatch::beside(day.lock.path()), Arc::clone(&common.killed)),
        latch_words,
        supply,
        notes,
        token_memory: connections.token_memory,
        stop: stop(),
    };
    others.push(start_control(control, common.bells.clone(), stop())?);
    let drain = start_keepers(house, persisting, alerting, &mut others)?;
    let hot = start_hot([Box::new(feed), Box::new(engine), gateway], placement, &common)?;
    Ok(Running {
        hot,
        others,
        stop: common.stop,
        drain,
        _lock: day.lock,
    })
}

/// Housekeeping, whoever calls a person, and the persister where the day waits for its disk; gives what makes the
/// persister end.
fn start_keepers(
    house: Housekeeping,
    persisting: Option<Persisting>,
    alerting: Alerting,
    others: &mut Vec<JoinHandle<()>>,
) -> Result<Arc<AtomicBool>, StartError> {
    start_stderr()?;
    others.push(start_housekeeping(house)?);
    others.push(start_alert(alerting)?);
    let drain = Arc::default();
    others.extend(start_persister(persisting, &drain)?);
    Ok(drain)
}

/// What the engine shows of itself, of the calls that were turned away and of the journal's disk.
fn engine_screen(
    screen: Screen,
    session: &SessionReadout,
    control: &ControlServer,
    durability: &DurabilityLink,
) -> EngineScreen {
    let mut screen = EngineScreen::new(screen, session);
    screen.show_refusals(control.refused());
    screen.show_disk(durability.view.clone());
    screen
}

/// What makes segments; it has looked at the disk before the engine runs (the lanes and the stream run already).
fn start_supply(
    journal: SegmentMaker,
    capture: Option<SegmentMaker>,
    run_dir: &Path,
    durability: &DurabilityLink,
) -> SegmentSupply {
    let (supply, news) = SegmentSupply::new(journal, capture, run_dir.to_owned(), durability.view.clone());
    news.iter().for_each(say);
    supply
}

/// The operators' socket, the engine's end of it, and what the kill latch on disk is to say.
type Control = (ControlServer, Receiver<ControlCall>, Receiver<LatchWord>);

fn bind_control(run_dir: &Path) -> Result<Control, StartError> {
    let path = run_dir.join("control.sock");
    let bound = ControlServer::bind(&path);
    let (mut control, calls) = bound.map_err(|error| StartError::Control(path, error))?;
    let (latch, latch_words) = sync_channel(4);
    control.keep_latch(latch);
    Ok((control, calls, latch_words))
}

/// What all duties share.
struct Common {
    screen: Screen,
    clock: EngineClock,
    /// Indexed by role.
    bells: [Bell; 3],
    traffic: Traffic,
    token: TokenWatch,
    entries_barred: Arc<AtomicBool>,
    killed: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Common {
    fn of(
        day: &OpenDay,
        connections: &Connections,
        shape: Shape,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, StartError> {
        Ok(Self {
            screen: open_screen(&connections.run_dir, day.memory_dir())?,
            clock: EngineClock::new(connections.clock, day.engine.state().now()),
            bells: bells_of(shape),
            traffic: Traffic::default(),
            token: TokenWatch::dying_at(connections.token_expires),
            entries_barred: Arc::new(AtomicBool::new(day.engine.state().is_killed())),
            killed: Arc::new(AtomicBool::new(day.engine.state().is_killed())),
            stop,
        })
    }

    fn sink_ends(
        &self,
        orders: Consumer<Outbound>,
        events: Producer<Event>,
        durable: DurableView,
    ) -> SinkEnds {
        SinkEnds {
            orders,
            events,
            engine_bell: self.bells[Role::Engine as usize].clone(),
            own_bell: self.bells[Role::Gateway as usize].clone(),
            traffic: self.traffic.clone(),
            screen: GatewayScreen::new(self.screen),
            token: self.token.clone(),
            gate: DurableGate::new(durable, self.clock.source()),
            entries_barred: Arc::clone(&self.entries_barred),
            stop: Arc::clone(&self.stop),
        }
    }
}

impl Running {
    /// Whether the hot threads still run.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.hot.iter().any(|thread| !thread.is_finished())
    }

    /// Waits for the end and gives what each duty left behind.
    ///
    /// # Panics
    /// When a thread panicked: a broken assumption stops the process.
    #[must_use]
    pub fn join(self) -> Vec<Ended> {
        let ended = self
            .hot
            .into_iter()
            .flat_map(|thread| thread.join().expect("a hot thread does not panic"));
        let ended: Vec<Ended> = ended.collect();
        self.stop.store(true, Ordering::Release);
        self.drain.store(true, Ordering::Release);
        for thread in self.others {
            thread.join().expect("a helping thread does not panic");
        }
        ended
    }
}

fn session_readout(day: &OpenDay, token_expires: TsNs) -> SessionReadout {
    let state = day.engine.state();
    let session = state.session().expect("a day is opened before it is started");
    SessionReadout {
        day: session.day,
        data: session.data,
        venue: session.venue,
        epoch: day.epoch,
        pid: std::process::id(),
        started: state.now(),
        token_expires,
    }
}

/// One bell per thread; duties on the same thread share it.
fn bells_of(shape: Shape) -> [Bell; 3] {
    let (first, second, third) = (Bell::default(), Bell::default(), Bell::default());
    match shape {
        Shape::Fused => [first.clone(), first.clone(), first],
        Shape::Two => [first.clone(), first, second],
        Shape::Three => [first, second, third],
    }
}

fn start_hot(
    duties: [Box<dyn Duty<Ended>>; 3],
    placement: &Placement,
    common: &Common,
) -> Result<Vec<JoinHandle<Vec<Ended>>>, StartError> {
    let mut parts = duties.map(Some);
    let rows = HOT_THREADS.iter().filter(|row| row.shape == placement.shape);
    let mut threads = Vec::new();
    for (index, row) in rows.enumerate() {
        let own: Vec<Box<dyn Duty<Ended>>> = row
            .roles
            .iter()
            .filter_map(|role| parts[*role as usize].take())
            .collect();
        let bell = common.bells[row.roles[0] as usize].clone();
        let (clock, stop, wait) = (common.clock.clone(), Arc::clone(&common.stop), placement.wait);
        let core = placement.cores.get(index).copied();
        threads.push(spawn(row.name, move || {
            if let Some(core) = core
                && !core_affinity::set_for_current(core_affinity::CoreId { id: core })
            {
                say(format_args!(
                    "warning: this thread could not be pinned to core {core}"
                ));
            }
            run_duties(own, &clock, wait, &bell, &stop)
        })?);
    }
    Ok(threads)
}

fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, StartError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(StartError::Thread)
}

/// The first engine time of a day on the venue's clock: before the pre-open.
#[must_use]
pub fn venue_start(day: IstDay) -> TsNs {
    day.at(bijli_core::DurationNs::from_hm(9, 0))
}
