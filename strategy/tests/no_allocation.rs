//! After the instruments are listed, no event allocates: not a tick, a bar close, a signal, a fill or an exit.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bijli_core::{DurationNs, Event, IstDay, Price};
use desk::{Desk, Dice, Fills};

mod desk;

struct Counting;

thread_local! {
    /// Of this thread alone: the test harness allocates on its own thread whenever it likes.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system allocator unchanged; the counter does not touch memory that it hands out.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending has no counter any more, and is not the one under test.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is that of the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: `place` came from `System.alloc` above with this layout.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_trading_day_allocates_nothing_after_the_listing() {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    let instruments: Vec<_> = (0..20).map(|id| desk::share(id, &format!("S{id}"))).collect();
    let mut desk = Desk::open(day, &instruments, Fills::AtOnce);
    let open = desk.at(DurationNs::from_hm(9, 15));
    let mut dice = Dice(3);
    let (mut prices, mut volumes) = (vec![10_000_000i64; 20], vec![1_000i64; 20]);
    // Room for all wishes of the day, so that only the strategy could allocate.
    let mut wishes = Vec::with_capacity(100_000);
    let before = ALLOCATIONS.get();
    for second in 0..22_000 {
        for (index, instrument) in instruments.iter().enumerate() {
            // Each share runs for 20 s of every half hour, up and down in turn, on fifteen times the volume.
            let spiking = (second + 67 * index as i64) % 1_800 < 20;
            let sign = if second / 1_800 % 2 == 0 { 1 } else { -1 };
            prices[index] += dice.between(-3, 3) * 500 + if spiking { sign * 6_000 } else { 0 };
            volumes[index] += dice.between(50, 150) * if spiking { 15 } else { 1 };
            let ts = open.plus(DurationNs::from_secs(second));
            desk.tick(
                &desk::tick(instrument, ts, Price::new(prices[index]), volumes[index]),
                &mut wishes,
            );
        }
        desk.apply(&Event::TimePassed(desk.now));
    }
    let after = ALLOCATIONS.get();
    assert!(
        wishes.len() > 100,
        "the day has signals and exits: {}",
        wishes.len()
    );
    assert_eq!(after - before, 0);
}
