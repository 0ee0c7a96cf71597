//! Prints what one tick costs the strategy: 200 instruments in random order, all indicators warm.
//!
//! `cargo run --release -p bijli-strategy --example cost`. The cost of the loop with its book-keeping is measured alone
//! and printed beside it. A wall-clock figure of the machine at hand; nothing is asserted. The state hash at the end must be
//! the same in debug and release builds.

#[path = "../tests/desk/mod.rs"]
mod desk;

use std::time::Instant;

use bijli_core::event::Tick;
use bijli_core::instrument::InstrumentKind;
use bijli_core::{DurationNs, Instrument, IstDay, Price};
use desk::{Desk, Dice, Fills};

const INSTRUMENTS: u32 = 200;
/// A round is half a second of engine time with one tick per instrument on average: a hundred minutes to warm up.
const WARM_ROUNDS: i64 = 12_000;
const ROUNDS: i64 = 12_000;

fn main() {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    let shares: Vec<_> = (0..INSTRUMENTS)
        .map(|id| desk::share(id, &format!("S{id}")))
        .collect();
    let indices: Vec<_> = shares
        .iter()
        .map(|share| Instrument {
            kind: InstrumentKind::Index,
            ..*share
        })
        .collect();
    // Indices are turned away at the door: what is left is the loop, the quotes and the call.
    let (idle_ns, _) = measure(day, &indices);
    let (full_ns, hash) = measure(day, &shares);
    println!(
        "loop and books {idle_ns:.1} ns, with strategy {full_ns:.1} ns: {:.1} ns per tick",
        full_ns - idle_ns
    );
    println!("state hash {hash:016x}");
}

fn measure(day: IstDay, instruments: &[Instrument]) -> (f64, u64) {
    let mut desk = Desk::open(day, instruments, Fills::Never);
    let open = desk.at(DurationNs::from_hm(9, 15));
    let mut dice = Dice(11);
    let mut prices = vec![10_000_000_i64; instruments.len()];
    let mut volumes = vec![0_i64; instruments.len()];
    let mut wishes = Vec::with_capacity(1_000_000);
    let mut spent = std::time::Duration::ZERO;
    let mut batch: Vec<Tick> = Vec::with_capacity(instruments.len());
    for round in 0..WARM_ROUNDS + ROUNDS {
        batch.clear();
        let ts = open.plus(DurationNs::from_millis(round * 500));
        for _ in instruments {
            let index = dice.between(0, instruments.len() as i64 - 1) as usize;
            prices[index] += dice.between(-2, 2) * 500;
            volumes[index] += dice.between(0, 200);
            batch.push(desk::tick(
                &instruments[index],
                ts,
                Price::new(prices[index]),
                volumes[index],
            ));
        }
        let begin = Instant::now();
        for tick in &batch {
            desk.tick(tick, &mut wishes);
        }
        if round >= WARM_ROUNDS {
            spent += begin.elapsed();
        }
    }
    let ticks = ROUNDS as f64 * instruments.len() as f64;
    (spent.as_nanos() as f64 / ticks, desk.hash())
}
