//! The engine's duty allocates nothing per event in steady state: ring, journal, books, strategy, screen.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;

use bijli_core::config::Config;
use bijli_core::event::{DataKind, FeedState, Tick, TickFlags, VenueKind};
use bijli_core::instrument::{Instrument, InstrumentKind};
use bijli_core::readout::SessionReadout;
use bijli_core::ring::{Producer, ring};
use bijli_core::text::Text;
use bijli_core::{DurationNs, InstrumentId, IstDay, Price, Qty, SectorId, TsNs};
use bijli_tools::durability::{Durability, DurableView};
use bijli_tools::duty::FeedItem;
use bijli_tools::duty::engine::{DurabilityLink, EngineDuty, EngineLinks};
use bijli_tools::duty::feed_aim::InUse;
use bijli_tools::duty::token_watch::TokenWatch;
use bijli_tools::duty_cycle::{Bell, ClockSource, Duty, EngineClock, Moment, MonoNs, Turn};
use bijli_tools::opening::{DayPlan, open_day};
use bijli_tools::screen::{EngineScreen, open_screen};
use bijli_tools::start_checks::StartChecks;
use bijli_tools::topology::venue_start;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on unchanged to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending has no counter any more, and is not the one under test.
        let _ended = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is that of the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; the pointer came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const INSTRUMENTS: u32 = 200;

fn instruments() -> Vec<Instrument> {
    let row = |id| Instrument {
        id: InstrumentId::new(id),
        kind: InstrumentKind::Equity,
        underlying: InstrumentId::new(id),
        tick: Price::from_paise(5),
        lot: Qty::new(1),
        freeze: Qty::new(100_000),
        prev_close: Price::NONE,
        expiry: IstDay::new(0),
        strike: Price::NONE,
        lower_band: Price::NONE,
        upper_band: Price::NONE,
        sector: SectorId::OTHER,
        key: Text::new(&format!("NSE_EQ|{id}")).expect("short text"),
        symbol: Text::new(&format!("S{id}")).expect("short text"),
    };
    (0..INSTRUMENTS).map(row).collect()
}

fn plan(folder: &Path) -> DayPlan {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    DayPlan {
        run_dir: folder.to_owned(),
        account_lock: folder.join("account.lock"),
        at_broker: None,
        day,
        data: DataKind::Synthetic,
        venue: VenueKind::Simulated,
        config: Config::default(),
        instruments: instruments(),
        start: venue_start(day),
        segment_bytes: 64 * 1024 * 1024,
        durability: Durability::Process,
        ram_dir: folder.join("memory"),
        reserve_bytes: 0,
        checks: StartChecks::default(),
    }
}

/// A calm market: prices step up and down by one tick, volumes grow evenly.
fn tick(step: i64, id: u32, ts: TsNs) -> Tick {
    let paise = 50_000 + i64::from(id) * 100 + (step * 7 + i64::from(id)) % 3 * 5;
    Tick {
        ts,
        ts_event: ts,
        instrument: InstrumentId::new(id),
        flags: TickFlags::NONE,
        ltp: Price::from_paise(paise),
        bid: Price::from_paise(paise - 5),
        ask: Price::from_paise(paise + 5),
        bid_qty: Qty::new(100),
        ask_qty: Qty::new(100),
        ltq: Qty::new(1),
        volume: Qty::new(step * 10),
        ..Tick::default()
    }
}

/// Feeds `seconds` of market to the duty, two hundred ticks a second; gives the ticks fed.
fn play(duty: &mut EngineDuty, feed: &mut Producer<FeedItem>, from: i64, seconds: i64) -> u64 {
    let open = IstDay::from_ymd(2026, 7, 31)
        .expect("a real date")
        .at(DurationNs::from_hm(9, 15));
    for step in from..from + seconds {
        let ts = open.plus(DurationNs::from_secs(step));
        for id in 0..INSTRUMENTS {
            let now = MonoNs::now();
            let item = FeedItem::Tick {
                tick: tick(step, id, ts),
                recv: now,
                decoded: now,
            };
            assert!(feed.push(item).is_ok(), "the ring is drained every second");
        }
        for _ in 0..4 {
            let moment = Moment {
                mono: MonoNs::now(),
                now: ts,
                steady: ts,
                machine: ts,
            };
            assert!(matches!(duty.turn(moment), Turn::Did(_)));
        }
    }
    seconds as u64 * u64::from(INSTRUMENTS)
}

#[test]
fn two_hundred_thousand_ticks_allocate_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let day = open_day(&plan(folder.path())).expect("a fresh folder");
    let screen = open_screen(folder.path(), None).expect("a fresh file");
    let session = SessionReadout {
        day: IstDay::from_ymd(2026, 7, 31).expect("a real date"),
        data: DataKind::Synthetic,
        venue: VenueKind::Simulated,
        epoch: day.epoch,
        pid: std::process::id(),
        started: TsNs::new(1),
        token_expires: TsNs::NEVER,
    };
    let (mut feed, feed_in) = ring(8_192);
    let (_broker, broker_in) = ring(64);
    let (orders, _orders_out) = ring(4_096);
    let (_calls, calls_in) = sync_channel(1);
    let (pages, _pages_in) = sync_channel(1);
    let links = EngineLinks {
        pages,
        durability: DurabilityLink {
            view: DurableView::never_waited_for(),
            bell: None,
            marks: None,
        },
        entries_barred: Arc::default(),
        killed: Arc::default(),
        in_use: InUse::new(INSTRUMENTS as usize),
        feed: feed_in,
        broker: broker_in,
        calls: calls_in,
        orders,
        paper_ticks: None,
        gateway_bell: Bell::default(),
        orders_pushed: Arc::default(),
        gateway_busy: Arc::default(),
        orders_taken: Arc::default(),
        token: TokenWatch::default(),
    };
    let clock = EngineClock::new(ClockSource::Venue, TsNs::new(1));
    let stop = Arc::new(AtomicBool::new(false));
    let mut duty = EngineDuty::new(
        day.engine,
        day.journal,
        links,
        EngineScreen::new(screen, &session),
        clock,
        stop,
    );
    assert!(
        feed.push(FeedItem::State {
            ts: TsNs::new(1),
            state: FeedState::Live
        })
        .is_ok()
    );
    play(&mut duty, &mut feed, 0, 500);
    let before = COUNT.with(Cell::get);
    let ticks = play(&mut duty, &mut feed, 500, 1_000);
    let allocated = COUNT.with(Cell::get) - before;
    assert_eq!((ticks, allocated), (200_000, 0));
}
