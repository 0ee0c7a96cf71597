//! One tick through the engine with the spike strategy: what a long list of instruments costs, and what open
//! positions cost; passing time; and the hash of everything the engine knows.
//!
//! Ticks come in random order, on instruments whose indicators are warm. Two of them per instrument and second of
//! engine time. The score to trade on is set out of reach and the stops far away: no tick causes a command, which
//! is checked. Left out: decode, journal, and orders being placed and answered.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Instant;

use bijli_benches::machine;
use bijli_benches::measure::{Bench, Entrant, Samples, print_rows};
use bijli_benches::synthetic_day::{SyntheticMarket, day, opening};
use bijli_core::command::Commands;
use bijli_core::config::Config;
use bijli_core::event::{OrderUpdated, Traded};
use bijli_core::order::{BrokerOrderId, BrokerStatus, Side, TradeId};
use bijli_core::{DurationNs, Engine, Event, Price, Qty, TsNs};
use bijli_strategy::SpikeStrategy;

const REPETITIONS: usize = 5;
const TICKS: usize = 60_000;
const PER_BATCH: usize = 50;
const HASHES: usize = 40;
/// One-minute bars before the first figure: the slowest indicator has two hundred of them behind it.
const WARM_MINUTES: i64 = 205;
const TICKS_PER_INSTRUMENT_AND_S: i64 = 2;
/// As many positions as the default limits allow, on the first instruments that are shares.
const HELD: [usize; 3] = [0, 1, 2];

/// Which instruments tick.
#[derive(Clone, Copy)]
enum Ticking {
    All,
    HeldOnly,
}

/// An engine in the middle of its day, and the market that it watches.
struct Desk {
    engine: Engine<SpikeStrategy>,
    market: SyntheticMarket,
    commands: Commands,
    now: TsNs,
    step: DurationNs,
}

impl Desk {
    fn open(count: u32, holds: bool) -> Self {
        let mut config = Config::default();
        config.strategy.score_min_ppm = 1_000_001;
        for distance in [
            &mut config.strategy.stop_bps,
            &mut config.strategy.target_bps,
            &mut config.strategy.trail_bps,
        ] {
            *distance = 9_000;
        }
        config.risk.daily_loss_bps = 10_000;
        let mut desk = Self {
            engine: Engine::new(SpikeStrategy::new()),
            market: SyntheticMarket::new(count, 11),
            commands: Commands::default(),
            now: day().at(DurationNs::from_hm(9, 15)),
            step: DurationNs::from_millis(1_000 / TICKS_PER_INSTRUMENT_AND_S),
        };
        for event in opening(desk.market.instruments(), config, desk.now) {
            desk.apply(&event);
        }
        for _ in 0..WARM_MINUTES {
            desk.now = desk.now.plus(DurationNs::from_secs(60));
            for index in 0..count as usize {
                let tick = desk.market.tick(index, desk.now);
                desk.apply(&Event::Ticked(tick));
            }
        }
        if holds {
            HELD.iter().for_each(|index| desk.buy(*index));
        }
        assert!(
            desk.engine.best_signal().is_some(),
            "indicators are warm enough to score"
        );
        desk.step = DurationNs::new(desk.step.get() / i64::from(count));
        desk
    }

    /// Somebody else's order is filled on our account: a position without an order of ours.
    fn buy(&mut self, index: usize) {
        let ts = self.now;
        let instrument = self.market.instruments()[index].id;
        let order_id = BrokerOrderId::new(&format!("F{index}")).expect("a short id");
        let price = self.engine.state().quotes()[index].ltp;
        let qty = Qty::new(20);
        let mut update = OrderUpdated {
            ts,
            intent: None,
            order_id,
            instrument,
            side: Side::Buy,
            status: BrokerStatus::Open,
            qty,
            filled: Qty::ZERO,
            price,
            trigger: Price::NONE,
            average_price: Price::NONE,
            modifies_ended: 0,
        };
        self.apply(&Event::OrderUpdated(update));
        self.apply(&Event::Traded(Traded {
            ts,
            intent: None,
            order_id,
            trade_id: TradeId::new(&format!("T{index}")).expect("a short id"),
            instrument,
            side: Side::Buy,
            qty,
            price,
        }));
        update.status = BrokerStatus::Complete;
        update.filled = qty;
        self.apply(&Event::OrderUpdated(update));
        assert!(
            !self.engine.state().positions()[index].is_flat(),
            "the fill opened a position"
        );
    }

    fn apply(&mut self, event: &Event) {
        self.engine.apply(event, &mut self.commands);
        assert_eq!(self.commands.count(), 0, "nothing here causes a command");
    }

    fn next(&mut self, ticking: Ticking) -> Event {
        self.now = self.now.plus(self.step);
        let any = self.market.any();
        let index = match ticking {
            Ticking::All => any,
            Ticking::HeldOnly => HELD[any % HELD.len()],
        };
        Event::Ticked(self.market.tick(index, self.now))
    }

    /// Times ticks; `per_batch` of them are made before the clock starts.
    fn timed_ticks(&mut self, bench: &Bench, ticking: Ticking, per_batch: usize) -> Samples {
        let mut samples = Samples::new(per_batch);
        let mut batch = Vec::with_capacity(per_batch);
        for _ in 0..(bench.scaled(TICKS) / per_batch).max(1) {
            batch.clear();
            batch.extend((0..per_batch).map(|_| self.next(ticking)));
            let mut commands = 0;
            let begin = Instant::now();
            for event in &batch {
                self.engine.apply(black_box(event), &mut self.commands);
                commands += self.commands.count();
            }
            let batch_ns = begin.elapsed().as_nanos() as f64 - bench.stamp_ns();
            samples.add(batch_ns / per_batch as f64);
            assert_eq!(commands, 0, "nothing here causes a command");
        }
        samples
    }

    fn timed_time(&mut self, bench: &Bench) -> Samples {
        let now = self.now;
        bench.batches(TICKS, PER_BATCH, |_| {
            self.engine
                .apply(black_box(&Event::TimePassed(now)), &mut self.commands);
        })
    }

    fn timed_hash(&self, bench: &Bench) -> Samples {
        bench.each(HASHES, |_| self.engine.state_hash())
    }
}

fn race(bench: &Bench) {
    use Ticking::{All, HeldOnly};
    let open = |count, holds| RefCell::new(Desk::open(count, holds));
    let [few, few_held, few_only] = [false, true, true].map(|holds| open(200, holds));
    let [many, many_held, many_only] = [false, true, true].map(|holds| open(3_000, holds));
    let ticks = |desk: &RefCell<Desk>, bench: &Bench, ticking, per_batch| {
        desk.borrow_mut().timed_ticks(bench, ticking, per_batch)
    };
    let rows = bench.compare(
        REPETITIONS,
        &mut [
            Entrant::new("200, flat", |bench| ticks(&few, bench, All, PER_BATCH)),
            Entrant::new("200, three held", |bench| ticks(&few_held, bench, All, PER_BATCH)),
            Entrant::new("200, only the held tick", |bench| {
                ticks(&few_only, bench, HeldOnly, PER_BATCH)
            }),
            Entrant::new("3 000, flat", |bench| ticks(&many, bench, All, PER_BATCH)),
            Entrant::new("3 000, three held", |bench| {
                ticks(&many_held, bench, All, PER_BATCH)
            }),
            Entrant::new("3 000, only the held tick", |bench| {
                ticks(&many_only, bench, HeldOnly, PER_BATCH)
            }),
            Entrant::new("200, flat, timed singly", |bench| ticks(&few, bench, All, 1)),
            Entrant::new("200, only the held tick, timed singly", |bench| {
                ticks(&few_only, bench, HeldOnly, 1)
            }),
            Entrant::new("3 000, flat, timed singly", |bench| ticks(&many, bench, All, 1)),
            Entrant::new("200, three held, time passes", |bench| {
                few_held.borrow_mut().timed_time(bench)
            }),
        ],
    );
    print_rows("apply of one event", &rows, Some("200, flat"));
    let rows = bench.compare(
        REPETITIONS,
        &mut [
            Entrant::new("200 instruments", |bench| few_held.borrow().timed_hash(bench)),
            Entrant::new("3 000 instruments", |bench| many_held.borrow().timed_hash(bench)),
        ],
    );
    print_rows("state_hash of everything", &rows, Some("200 instruments"));
}

fn main() {
    let bench = Bench::begin("engine: one event applied");
    machine::pin(0);
    race(&bench);
}
