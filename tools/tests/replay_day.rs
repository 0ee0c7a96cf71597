//! A day's journal of any length, made as an engine makes it, and how long its replay takes.
//!
//! `BIJLI_REPLAY_EVENTS` events (60 000 unless set; ten million are a full day) of 200 shares whose prices wander, with a
//! timer each 250 ms. Takeover and `replay --verify` must come to the hash of the engine that wrote it; the time is
//! printed and not judged, since machines differ. In release: `cargo test --release -p bijli --test replay_day`.

use std::path::Path;
use std::time::Instant;

use bijli_core::config::Config;
use bijli_core::driver::Driver;
use bijli_core::event::{DataKind, Event, FeedChanged, FeedState, Tick, TickFlags, VenueKind};
use bijli_core::instrument::{Instrument, InstrumentKind};
use bijli_core::text::Text;
use bijli_core::{DurationNs, InstrumentId, IstDay, Price, Qty, SectorId, TsNs};
use bijli_simulator::random::Random;
use bijli_tools::durability::Durability;
use bijli_tools::opening::{DayPlan, open_day};
use bijli_tools::replica::{JournalBytes, Strictness, replay};
use bijli_tools::start_checks::StartChecks;
use bijli_tools::store::remove_unused_segments;
use bijli_tools::topology::venue_start;

const SHARES: u32 = 200;

fn share(id: u32) -> Instrument {
    Instrument {
        id: InstrumentId::new(id),
        kind: InstrumentKind::Equity,
        underlying: InstrumentId::new(id),
        tick: Price::from_paise(5),
        lot: Qty::new(1),
        freeze: Qty::new(100_000),
        prev_close: Price::from_paise(50_000),
        expiry: IstDay::new(0),
        strike: Price::NONE,
        lower_band: Price::NONE,
        upper_band: Price::NONE,
        key: Text::new(&format!("NSE_EQ|{id}")).expect("short"),
        symbol: Text::new(&format!("S{id}")).expect("short"),
        sector: SectorId::OTHER,
    }
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
        instruments: (0..SHARES).map(share).collect(),
        start: venue_start(day),
        segment_bytes: 64 * 1024 * 1024,
        durability: Durability::Process,
        ram_dir: folder.join("memory"),
        reserve_bytes: 0,
        checks: StartChecks::default(),
    }
}

/// Writes a day of so many events and gives the hash of the engine at its end.
fn write_day(plan: &DayPlan, events: u64) -> u64 {
    let mut day = open_day(plan).expect("a fresh folder");
    let mut driver = Driver::new(day.engine);
    let open = plan.day.at(DurationNs::from_hm(9, 15));
    let pause = DurationNs::from_hm(6, 15).get() / events as i64;
    let mut dice = Random::new(7, 7);
    let mut paise = [50_000_i64; SHARES as usize];
    let live = Event::FeedChanged(FeedChanged {
        ts: open,
        state: FeedState::Live,
    });
    driver.take(&live, &mut day.journal, |_| {}).expect("room");
    for number in 0..events as i64 {
        let ts = TsNs::new(open.get() + number * pause);
        let id = dice.between(0, i64::from(SHARES) - 1) as usize;
        paise[id] = (paise[id] + 5 * dice.between(-2, 2)).clamp(10_000, 90_000);
        while let Some(timer) = driver.due_timer(ts) {
            driver.take(&timer, &mut day.journal, |_| {}).expect("room");
        }
        let tick = Event::Ticked(Tick {
            ts,
            ts_event: ts,
            instrument: InstrumentId::new(id as u32),
            flags: TickFlags::NONE,
            ltp: Price::from_paise(paise[id]),
            bid: Price::from_paise(paise[id] - 5),
            ask: Price::from_paise(paise[id] + 5),
            bid_qty: Qty::new(100),
            ask_qty: Qty::new(100),
            ltq: Qty::new(1),
            volume: Qty::new(number),
            ..Tick::default()
        });
        driver.take(&tick, &mut day.journal, |_| {}).expect("room");
        day.maker.poll().expect("room for the next segment");
    }
    day.journal.close().expect("a plain file");
    drop(day.maker);
    remove_unused_segments(&plan.run_dir.join("journal")).expect("a readable folder");
    driver.engine().state_hash()
}

#[test]
fn a_days_journal_replays_to_the_hash_of_the_engine_that_wrote_it() {
    let events = std::env::var("BIJLI_REPLAY_EVENTS");
    let events: u64 = events.map_or(60_000, |text| text.parse().expect("a whole number"));
    let folder = tempfile::tempdir().expect("a folder");
    let plan = plan(folder.path());
    let hash = write_day(&plan, events);
    let started = Instant::now();
    let journal = JournalBytes::open(folder.path()).expect("it was just written");
    let (replayed, engine) = replay(&journal, Strictness::Strict, |_| {}).expect("it is sound");
    let verified = started.elapsed();
    assert!(replayed.identical && replayed.events >= events);
    assert_eq!(engine.state_hash(), hash);
    let started = Instant::now();
    let next = open_day(&plan).expect("it is sound");
    let taken_over = started.elapsed();
    assert_eq!(next.records_recovered, replayed.records);
    eprintln!(
        "{} events, {} MB: verified in {verified:.2?}, taken over in {taken_over:.2?}",
        replayed.events,
        replayed.bytes / 1_000_000
    );
}
