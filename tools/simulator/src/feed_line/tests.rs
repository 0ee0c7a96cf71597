//! Every fault of a line: it fires when its chance is whole, and what of it reaches the engine's end.

use bijli_core::event::TickFlags;
use bijli_core::instrument::{InstrumentKind, SectorId};
use bijli_core::text::Text;
use bijli_core::{InstrumentId, Price, Qty};

use super::*;
use crate::day::Level;

const WHOLE: u32 = 1_000_000;
const KEYS: [&str; 2] = ["NSE_EQ|INE0SIM00001", "NSE_FO|70001"];

fn day() -> IstDay {
    IstDay::from_ymd(2026, 7, 31).expect("a real date")
}

fn at(ms: i64) -> TsNs {
    day().at(DurationNs::from_hm(10, 0).plus(DurationNs::from_millis(ms)))
}

fn instruments() -> Vec<Instrument> {
    let row = |(key, id): (&&str, u32)| Instrument {
        id: InstrumentId::new(id),
        kind: InstrumentKind::Equity,
        underlying: InstrumentId::new(id),
        tick: Price::from_paise(5),
        lot: Qty::new(1),
        freeze: Qty::new(1_000),
        key: Text::new(key).expect("short"),
        symbol: Text::new("SIM").expect("short"),
        sector: SectorId::default(),
        prev_close: Price::NONE,
        expiry: IstDay::new(0),
        strike: Price::NONE,
        lower_band: Price::NONE,
        upper_band: Price::NONE,
    };
    KEYS.iter().zip(0..).map(row).collect()
}

/// A line, its clock, and what came out.
struct Bench {
    line: FeedLine,
    ms: i64,
    out: VecDeque<FeedItem>,
}

impl Bench {
    fn new(faults: &[FeedFault]) -> Self {
        let mut ppm = [0; FEED_FAULT_KINDS];
        for fault in faults {
            ppm[*fault as usize] = WHOLE;
        }
        let settings = FeedLineSettings {
            day: day(),
            hours: MarketHours {
                opens_at: day().at(DurationNs::from_hm(9, 15)),
                closes_at: day().at(DurationNs::from_hm(15, 30)),
            },
            seed: 7,
            latency: DurationNs::from_millis(10),
            ppm,
        };
        Self {
            line: FeedLine::new(&instruments(), settings),
            ms: 0,
            out: VecDeque::new(),
        }
    }

    /// A line that is live, and only then has its faults.
    fn live(faults: &[FeedFault]) -> Self {
        let mut bench = Self::new(faults);
        let ppm = std::mem::take(&mut bench.line.dice.ppm);
        bench.trade(4_000);
        assert_eq!(bench.line.session.state(), FeedState::Live);
        bench.line.dice.ppm = ppm;
        bench.out.clear();
        bench
    }

    /// Lets the market move each tenth of a second, and the line be polled each ten milliseconds.
    fn trade(&mut self, length_ms: i64) {
        let end = self.ms + length_ms;
        while self.ms < end {
            if self.ms % 100 == 0 {
                for instrument in 0..KEYS.len() as u32 {
                    let change = self.change(instrument);
                    self.line.take(at(self.ms), &change);
                }
            }
            self.line.poll(at(self.ms), &mut self.out);
            self.ms += 10;
        }
    }

    fn change(&self, instrument: u32) -> DayTick {
        let rupees = 100.0 + (self.ms / 100 % 10) as f64 * 0.05;
        let level = Level {
            bid_qty: 10,
            bid: rupees - 0.05,
            ask_qty: 20,
            ask: rupees + 0.05,
        };
        DayTick {
            ts: at(self.ms),
            instrument,
            ltp: rupees,
            ltt_ms: at(self.ms).get() / 1_000_000,
            ltq: 1,
            levels: [level; crate::day::LEVELS],
            level_count: 5,
            volume: 1_000 + self.ms,
            ..DayTick::default()
        }
    }

    fn ticks(&self) -> Vec<Tick> {
        let ticks = self.out.iter().filter_map(|item| match item {
            FeedItem::Tick(tick) => Some(*tick),
            FeedItem::State { .. } => None,
        });
        ticks.collect()
    }

    fn states(&self) -> Vec<FeedState> {
        let states = self.out.iter().filter_map(|item| match item {
            FeedItem::State { state, .. } => Some(*state),
            FeedItem::Tick(_) => None,
        });
        states.collect()
    }

    fn fired(&self, fault: FeedFault) -> u64 {
        self.line.dice.counts[fault as usize]
    }

    /// All flags of all ticks.
    fn flags(&self) -> TickFlags {
        self.ticks()
            .iter()
            .fold(TickFlags::NONE, |all, tick| all.with(tick.flags))
    }
}

#[test]
fn without_faults_every_change_arrives_sound_and_the_feed_is_live() {
    let bench = Bench::live(&[]);
    let mut next = bench;
    next.trade(1_000);
    assert_eq!(next.ticks().len(), 2 * 10);
    assert!(next.ticks().iter().all(|tick| tick.flags == TickFlags::NONE));
    assert_eq!(next.states(), []);
}

#[test]
fn a_mute_line_is_found_within_its_patience_and_lives_again_once_healed() {
    let mut bench = Bench::live(&[FeedFault::Mute]);
    bench.trade(3_100);
    assert_eq!(bench.states(), [FeedState::Mute]);
    assert!(bench.fired(FeedFault::Mute) > 0 && bench.ticks().is_empty());
    bench.line.heal();
    bench.trade(10_000);
    assert_eq!(bench.line.session.state(), FeedState::Live);
}

#[test]
fn what_was_held_back_comes_in_one_burst() {
    let mut bench = Bench::live(&[FeedFault::FreezeThenBurst]);
    bench.trade(6_100);
    let mut arrivals: Vec<TsNs> = bench.ticks().iter().map(|tick| tick.ts).collect();
    let ticks = arrivals.len();
    arrivals.dedup();
    assert!(
        ticks > 5 && arrivals.len() * 3 < ticks,
        "{ticks} ticks at {} times",
        arrivals.len()
    );
    let doubts = bench
        .ticks()
        .into_iter()
        .filter(|tick| tick.flags != TickFlags::NONE);
    assert_eq!(doubts.count(), 0, "late ticks are true ones");
}

#[test]
fn one_key_stands_still_while_the_other_ticks() {
    let mut bench = Bench::live(&[FeedFault::KeyFrozen]);
    bench.trade(900);
    let of = |id: u32| {
        bench
            .ticks()
            .iter()
            .filter(|tick| tick.instrument.index() == id as usize)
            .count()
    };
    assert_eq!((of(0), of(1)), (0, 9));
    assert_eq!(bench.states(), [], "silence of one is not silence of all");
}

#[test]
fn absent_trades_odd_numbers_spikes_and_bad_books_are_told_by_flags() {
    for (fault, flags) in [
        (FeedFault::NoLastTrade, vec![TickFlags::NO_TRADE]),
        (
            FeedFault::OddNumber,
            vec![TickFlags::BAD_PRICE, TickFlags::OFF_TICK],
        ),
        (FeedFault::BadBook, vec![TickFlags::CROSSED, TickFlags::ONE_SIDED]),
        (
            FeedFault::Skewed,
            vec![TickFlags::TIME_WRONG, TickFlags::TIME_BACK],
        ),
    ] {
        let mut bench = Bench::live(&[fault]);
        bench.trade(5_000);
        assert!(bench.fired(fault) >= 90, "{fault:?}");
        assert!(flags.iter().all(|flag| bench.flags().has(*flag)), "{fault:?}");
        assert!(
            bench.ticks().iter().all(|tick| tick.flags != TickFlags::NONE),
            "{fault:?}"
        );
    }
    let mut bench = Bench::live(&[FeedFault::Spike]);
    bench.trade(300);
    assert!(
        bench
            .ticks()
            .iter()
            .all(|tick| tick.ltp >= Price::from_paise(100_000))
    );
}

#[test]
fn what_comes_again_or_late_is_marked_old() {
    let mut bench = Bench::live(&[FeedFault::Repeated]);
    bench.trade(3_000);
    let old = bench
        .ticks()
        .iter()
        .filter(|tick| tick.flags.has(TickFlags::TIME_BACK))
        .count();
    assert!(old > 10, "{old}");
}

#[test]
fn broken_and_strange_frames_tell_nothing_and_end_nothing_at_once() {
    for fault in [FeedFault::BrokenFrame, FeedFault::UnknownWords] {
        let mut bench = Bench::live(&[fault]);
        bench.trade(300);
        assert!(bench.fired(fault) >= 6, "{fault:?}");
        assert!(bench.ticks().len() < 6, "{fault:?}");
    }
}

#[test]
fn a_flood_brings_every_frame() {
    let mut bench = Bench::live(&[FeedFault::Flood]);
    bench.trade(300);
    assert_eq!(bench.ticks().len(), 2 * 2 * 20 + 2 * 20);
}

#[test]
fn a_dropped_key_is_found_by_the_audit() {
    let mut bench = Bench::new(&[FeedFault::KeyDropped]);
    bench.trade(2_000);
    bench.line.heal();
    assert_eq!(bench.line.session.unseen_count(), 2);
    bench.trade(4_000);
    assert_eq!(bench.line.session.unseen_count(), 0, "it asked again");
}

#[test]
fn a_refused_line_comes_back_and_an_old_snapshot_after_it_is_a_snapshot() {
    let mut bench = Bench::live(&[FeedFault::Refused]);
    bench.trade(100);
    bench.line.dice.ppm = [0; FEED_FAULT_KINDS];
    bench.line.dice.ppm[FeedFault::OldSnapshot as usize] = WHOLE;
    bench.trade(15_000);
    assert_eq!(bench.states(), [FeedState::Down, FeedState::Live]);
    assert!(bench.fired(FeedFault::Refused) > 0 && bench.fired(FeedFault::OldSnapshot) > 0);
    let snapshots: Vec<Tick> = bench
        .ticks()
        .into_iter()
        .filter(|tick| tick.flags.has(TickFlags::SNAPSHOT))
        .collect();
    assert!(!snapshots.is_empty());
    assert!(snapshots.iter().all(|tick| tick.flags.has(TickFlags::TIME_BACK)));
}

#[test]
fn the_same_seed_gives_the_same_items() {
    let run = || {
        let mut bench = Bench::new(&[]);
        bench.line.dice.ppm = [3_000; FEED_FAULT_KINDS];
        bench.trade(60_000);
        bench.out
    };
    let items = run();
    assert!(items.len() > 200, "{}", items.len());
    assert_eq!(items, run());
}
