//! Bytes of a feed frame to the text of an order, on one thread and without sockets: decode, normalise, tick kept
//! in the journal, engine with spike strategy and risk gate, command kept in the journal, gateway, request text.
//!
//! A marked trade makes the strategy wish to enter, so that each measured frame yields one order; the spike strategy
//! runs as well, and its wishes are dropped. Between two measured frames, outside of the time, the order is refused
//! by the broker, two seconds of engine time pass and a frame of fifty other instruments goes the same way. Left out:
//! sockets, TLS, HTTP head, waking threads, cold caches after idleness, and the two hand-offs between threads: the
//! last table has what one of them costs, measured in this same run.

use std::cell::RefCell;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use bijli_benches::core_hop::hops;
use bijli_benches::measure::{Bench, Entrant, Row, Samples, print_rows};
use bijli_benches::synthetic_day::{SyntheticMarket, day, opening};
use bijli_benches::{machine, mapped_file};
use bijli_core::codec::Item;
use bijli_core::command::Commands;
use bijli_core::config::Config;
use bijli_core::event::Tick;
use bijli_core::journal::JournalWriter;
use bijli_core::order::Side;
use bijli_core::price::Round;
use bijli_core::record::SegmentHeader;
use bijli_core::state_hash::StateHasher;
use bijli_core::strategy::{Enter, Intent, Intents, SCORE_PARTS, Signal, Strategy, StrategyId, View};
use bijli_core::{DurationNs, Engine, Event, TsNs};
use bijli_feed::upstox::message::Decoder;
use bijli_feed::{KeyIndex, Normaliser};
use bijli_gateway::{Gateway, GatewayConfig, Lane, Reply, Request};
use bijli_strategy::SpikeStrategy;
use memmap2::MmapMut;

const REPETITIONS: usize = 5;
const ORDERS: usize = 2_000;
const INSTRUMENTS: usize = 200;
const FRAME_INSTRUMENTS: usize = 50;
/// Quantity of the last trade that the strategy takes for its cue; ordinary trades have at most 500 units.
const CUE_LTQ: i64 = 7_777;
/// One-minute bars before the first figure: the slowest indicator has two hundred of them behind it.
const WARM_MINUTES: i64 = 205;
/// Half the time from order to order: thirty orders a minute stay within every budget, and an instrument is back
/// after 400 seconds, when its cooldown is over.
const PAUSE: DurationNs = DurationNs::from_secs(1);
/// Room for one repetition: two full frames of ticks, the command and its answer for each order.
const SEGMENT_BYTES: usize = 4_096 + ORDERS * (2 * FRAME_INSTRUMENTS + 10) * 128;

/// Enters on the cue; runs the spike strategy for its cost and drops its wishes.
#[derive(Default)]
struct CueStrategy {
    spike: SpikeStrategy,
    dropped: Intents,
}

impl Strategy for CueStrategy {
    fn handle(&mut self, view: &View<'_>, event: &Event, intents: &mut Intents) {
        self.dropped.clear();
        self.spike.handle(view, event, &mut self.dropped);
        if let Event::Ticked(tick) = event
            && tick.ltq.get() == CUE_LTQ
        {
            intents.push(Intent::Enter(enter(view, tick)));
        }
    }

    fn hash_into(&self, hasher: &mut StateHasher) {
        self.spike.hash_into(hasher);
    }

    fn best_signal(&self) -> Option<Signal> {
        self.spike.best_signal()
    }
}

fn enter(view: &View<'_>, tick: &Tick) -> Enter {
    let instrument = &view.instruments[tick.instrument.index()];
    let stop = tick.ask.moved_bps(-view.config.strategy.stop_bps);
    Enter {
        signal: Signal {
            ts: view.now,
            strategy: StrategyId::SPIKE,
            instrument: tick.instrument,
            side: Side::Buy,
            score_ppm: 900_000,
            parts_ppm: [900_000; SCORE_PARTS.len()],
            price: tick.ltp,
        },
        qty: instrument.lot,
        limit: tick.ask,
        stop: stop.on_tick(instrument.tick, Round::Down),
        adds: false,
    }
}

/// The steps of the way, in their order.
#[derive(Clone, Copy)]
enum Step {
    Decode,
    TickKept,
    Engine,
    CommandKept,
    Gateway,
}

const STEPS: [(Step, &str); 5] = [
    (Step::Decode, "decode and normalise"),
    (Step::TickKept, "tick into the journal"),
    (Step::Engine, "engine, strategy, risk gate"),
    (Step::CommandKept, "command into the journal"),
    (Step::Gateway, "gateway to request text"),
];

/// All that lies between the two sockets.
struct Way<'a> {
    keys: KeyIndex,
    decoder: Decoder,
    normaliser: Normaliser,
    ticks: Vec<Tick>,
    journal: JournalWriter<&'a mut [u8]>,
    engine: Engine<CueStrategy>,
    commands: Commands,
    gateway: Gateway,
    market: SyntheticMarket,
    now: TsNs,
}

impl<'a> Way<'a> {
    /// A day that has been going on for hours, with an empty journal segment in `memory`.
    fn open(memory: &'a mut MmapMut) -> Self {
        memory.fill(0);
        let header = SegmentHeader {
            segment: 0,
            epoch: 1,
            day: day(),
            first_seq: 0,
        };
        let market = SyntheticMarket::new(INSTRUMENTS as u32, 23);
        let table = market.instruments();
        let mut config = Config::default();
        config.risk.entries_per_day_max = u32::MAX;
        let now = day().at(DurationNs::from_hm(9, 15));
        let opening = opening(table, config, now);
        let mut way = Self {
            keys: KeyIndex::new(table),
            decoder: Decoder::new(),
            normaliser: Normaliser::new(table, day()),
            ticks: Vec::with_capacity(INSTRUMENTS),
            journal: JournalWriter::create(&mut memory[..], header).expect("blank mapped memory"),
            engine: Engine::new(CueStrategy::default()),
            commands: Commands::default(),
            gateway: Gateway::new(GatewayConfig::default(), table),
            market,
            now,
        };
        for event in &opening {
            way.engine.apply(event, &mut way.commands);
        }
        for _ in 0..WARM_MINUTES {
            way.now = way.now.plus(DurationNs::from_secs(60));
            for index in 0..INSTRUMENTS {
                let tick = Event::Ticked(way.market.tick(index, way.now));
                way.engine.apply(&tick, &mut way.commands);
            }
        }
        way
    }

    /// The whole way of one frame; `done` hears of each step of its last tick as it ends.
    #[inline]
    fn go(&mut self, frame: &[u8], mut done: impl FnMut(Step)) -> Option<Request> {
        let Self {
            normaliser,
            ticks,
            now,
            ..
        } = self;
        let now = *now;
        ticks.clear();
        self.decoder
            .decode(frame, &self.keys, &mut |id, feed| {
                ticks.push(normaliser.tick(id, feed, now, false));
            })
            .expect("a sound frame");
        done(Step::Decode);
        let mut request = None;
        for tick in ticks.iter() {
            let event = Event::Ticked(*tick);
            let kept = self.journal.append_item(&Item::Event(event), now);
            kept.expect("the segment has room");
            done(Step::TickKept);
            self.engine.apply(&event, &mut self.commands);
            done(Step::Engine);
            for command in self.commands.iter() {
                let kept = self.journal.append_item(&Item::Command(*command), now);
                kept.expect("the segment has room");
                done(Step::CommandKept);
                self.gateway.handle_command(now, command);
                request = self.gateway.poll_request(now);
                done(Step::Gateway);
            }
        }
        request
    }

    /// A frame whose last instrument is `cued`; `count` instruments in all.
    fn frame(&mut self, cued: usize, count: usize, last_ltq: i64) -> Vec<u8> {
        let indices: Vec<usize> = (0..count).rev().map(|n| (cued + n) % INSTRUMENTS).collect();
        self.market.frame(&indices, self.now, last_ltq)
    }

    /// Other instruments pass; then comes a frame with the cue.
    fn next_frame(&mut self, order: usize, count: usize) -> Vec<u8> {
        let cued = order * 77 % INSTRUMENTS;
        self.now = self.now.plus(PAUSE);
        let traffic = self.frame((cued + 100) % INSTRUMENTS, FRAME_INSTRUMENTS, 1);
        let request = self.go(&traffic, |_| ());
        assert!(request.is_none(), "nothing without the cue");
        self.now = self.now.plus(PAUSE);
        self.frame(cued, count, CUE_LTQ)
    }

    /// The broker refuses the order, so that no limit is used up; the reads that follow find nothing.
    fn settle(&mut self, order: Option<Request>) {
        let order = order.expect("each frame with the cue yields an order");
        assert_eq!(order.lane, Lane::Entry, "the cue is an entry");
        assert!(order.body.is_some(), "an order has a body");
        let refusal = br#"{"status":"error","errors":[{"errorCode":"UDAPI1052","message":"refused"}]}"#;
        self.answer(&order, 400, refusal);
        while let Some(read) = self.gateway.poll_request(self.now) {
            self.answer(&read, 200, br#"{"status":"success","data":[]}"#);
        }
        while let Some(event) = self.gateway.poll_event() {
            let kept = self.journal.append_item(&Item::Event(event), self.now);
            kept.expect("the segment has room");
            self.engine.apply(&event, &mut self.commands);
        }
        assert_eq!(
            self.engine.state().orders().live_count(),
            0,
            "the order has ended"
        );
    }

    fn answer(&mut self, request: &Request, status: u16, body: &[u8]) {
        let reply = Reply {
            outcome: Ok(status),
            body: body.to_vec(),
        };
        self.gateway.handle_reply(self.now, request.id, &reply);
    }
}

/// One repetition of frames of `count` instruments, the last of which causes the order.
fn whole(bench: &Bench, memory: &mut MmapMut, count: usize) -> Samples {
    let mut way = Way::open(memory);
    let mut samples = Samples::new(1);
    for order in 0..bench.scaled(ORDERS) {
        let frame = way.next_frame(order, count);
        let begin = Instant::now();
        let request = black_box(way.go(black_box(&frame), |_| ()));
        samples.add(begin.elapsed().as_nanos() as f64 - bench.stamp_ns());
        way.settle(request);
    }
    samples
}

/// One repetition of frames of one instrument, with a stamp after each step.
fn by_steps(bench: &Bench, memory: &mut MmapMut) -> [Samples; STEPS.len()] {
    let mut way = Way::open(memory);
    let mut samples = STEPS.map(|_| Samples::new(1));
    for order in 0..bench.scaled(ORDERS) {
        let frame = way.next_frame(order, 1);
        let begin = Instant::now();
        let mut ends = [begin; STEPS.len()];
        let request = black_box(way.go(black_box(&frame), |step| ends[step as usize] = Instant::now()));
        let mut before = begin;
        for (end, samples) in ends.iter().zip(&mut samples) {
            samples.add(end.duration_since(before).as_nanos() as f64 - bench.stamp_ns());
            before = *end;
        }
        way.settle(request);
    }
    samples
}

fn print_steps(bench: &Bench, memory: &mut MmapMut) {
    let mut rows: Vec<Row> = Vec::new();
    for _ in 0..REPETITIONS {
        for ((_, name), samples) in STEPS.iter().zip(by_steps(bench, memory)) {
            let median = samples.percentile(50.0);
            match rows.iter_mut().find(|row| row.name == *name) {
                Some(row) => {
                    row.samples.merge(&samples);
                    row.medians.push(median);
                }
                None => rows.push(Row {
                    name: (*name).to_owned(),
                    samples,
                    medians: vec![median],
                }),
            }
        }
    }
    print_rows("the steps of a frame of one, a stamp after each", &rows, None);
}

fn main() {
    let bench = Bench::begin("tick to order: bytes of a frame to the text of an order, one thread");
    machine::pin(0);
    let disk = mapped_file::create(Path::new(env!("CARGO_TARGET_TMPDIR")), SEGMENT_BYTES);
    let mut disk = disk.expect("the disk has room for a segment");
    print_steps(&bench, &mut disk);
    let disk = RefCell::new(disk);
    let shm = mapped_file::create(Path::new("/dev/shm"), SEGMENT_BYTES);
    let shm = shm.ok().map(RefCell::new);
    let mut entrants = vec![
        Entrant::new("frame of 1", |bench| whole(bench, &mut disk.borrow_mut(), 1)),
        Entrant::new("last in a frame of 50", |bench| {
            whole(bench, &mut disk.borrow_mut(), FRAME_INSTRUMENTS)
        }),
    ];
    if let Some(shm) = &shm {
        entrants.push(Entrant::new("frame of 1, journal in memory", |bench| {
            whole(bench, &mut shm.borrow_mut(), 1)
        }));
    }
    let hop = "one core-to-core hop";
    if machine::has_two_cores() {
        entrants.push(Entrant::new(hop, hops));
    }
    let rows = bench.compare(REPETITIONS, &mut entrants);
    print_rows("the whole way", &rows, Some(hop));
    println!(
        "cost of measuring: {:.1} ns were taken off each sample, and off each step",
        bench.stamp_ns()
    );
}
