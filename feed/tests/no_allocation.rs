//! The path from frame to tick allocates nothing once its parts are made.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bijli_core::instrument::{Instrument, InstrumentId, InstrumentKind, SectorId};
use bijli_core::price::Price;
use bijli_core::quantity::Qty;
use bijli_core::text::Text;
use bijli_core::time::{IstDay, TsNs};
use bijli_feed::upstox::message::Decoder;
use bijli_feed::{KeyIndex, Normaliser};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches a plain cell of the calling thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn seed(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/message/");
    std::fs::read(format!("{folder}{name}")).expect("the corpus stands in the repository")
}

#[test]
fn from_frame_to_tick_nothing_is_allocated() {
    let table: Vec<Instrument> = (0..)
        .zip((45425..45475).map(|number| format!("NSE_FO|{number}")))
        .map(|(id, key)| Instrument {
            id: InstrumentId::new(id),
            kind: InstrumentKind::Future,
            underlying: InstrumentId::new(id),
            tick: Price::from_paise(5),
            lot: Qty::new(1),
            freeze: Qty::new(1),
            prev_close: Price::NONE,
            expiry: IstDay::new(0),
            strike: Price::NONE,
            lower_band: Price::NONE,
            upper_band: Price::NONE,
            sector: SectorId::OTHER,
            key: Text::new(&key).expect("a short key"),
            symbol: Text::new(&key).expect("a short symbol"),
        })
        .collect();
    let keys = KeyIndex::new(&table);
    let mut normaliser = Normaliser::new(&table, IstDay::new(20_000));
    let mut decoder = Decoder::new();
    let frames = [
        "fifty-feeds",
        "full-40-levels",
        "unknown-fields",
        "two-shapes",
        "golden-a-market-info",
        "bad-garbage-4096",
        "bad-truncated-in-double",
    ]
    .map(seed);
    let mut ticks = 0;
    let before = ALLOCATIONS.with(Cell::get);
    for _ in 0..100 {
        for frame in &frames {
            let _good_or_bad = decoder.decode(frame, &keys, &mut |instrument, feed| {
                let tick = normaliser.tick(instrument, feed, TsNs::new(1), false);
                ticks += u32::from(tick.ltp.is_set());
            });
        }
    }
    assert_eq!(ALLOCATIONS.with(Cell::get), before);
    assert_eq!(ticks, 5_300);
}
