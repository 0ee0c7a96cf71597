//! Prints, for each recorded day, how many signals the spike score gives and its best score.
//!
//! `cargo run --release -p bijli-strategy --example tune [-- verbose]`; needs recorded days (`$BIJLI_DATA`). The
//! distribution column counts the distinct spikes (two minutes apart) whose score reached 0.60, 0.66, … .

#[path = "../tests/desk/mod.rs"]
mod desk;
#[path = "../tests/recorded/mod.rs"]
mod recorded;

use bijli_core::strategy::{Intent, Strategy};
use desk::{Desk, Fills};

const LEVELS_PPM: [u32; 6] = [600_000, 660_000, 720_000, 780_000, 840_000, 900_000];

fn main() {
    let Some(dir) = recorded::data_dir("tune") else {
        return;
    };
    let verbose = std::env::args().any(|arg| arg == "verbose");
    println!(
        "{:<12} {:>7} {:>8} {:>6} {:>6}  signals at each threshold {LEVELS_PPM:?}",
        "day", "symbols", "ticks", "best", "at .72"
    );
    for set in ["nse-ticks-2021", "nse-eq-1min-2016", "nse-eq-1min-2026"] {
        for file in recorded::days(&dir, set) {
            let ticks = recorded::read(&file);
            let instruments: Vec<_> = ticks
                .keys()
                .enumerate()
                .map(|(index, symbol)| desk::share(index as u32, symbol))
                .collect();
            let mut counts = [0; LEVELS_PPM.len()];
            let (mut best, mut total) = (0, 0);
            for (level, count) in LEVELS_PPM.iter().zip(&mut counts) {
                let mut desk = Desk::open(recorded::day_of(&file), &instruments, Fills::Never);
                desk.config.strategy.score_min_ppm = *level;
                let mut wishes = Vec::new();
                total = 0;
                for (instrument, prints) in instruments.iter().zip(ticks.values()) {
                    for print in prints {
                        desk.tick(
                            &desk::tick(instrument, print.ts, print.ltp, print.volume),
                            &mut wishes,
                        );
                        total += 1;
                    }
                }
                *count = wishes.len();
                best = desk.strategy.best_signal().map_or(0, |signal| signal.score_ppm);
                if verbose && *level == 720_000 {
                    for (ts, wish) in &wishes {
                        if let Intent::Enter(enter) = wish {
                            let symbol = instruments[enter.signal.instrument.index()].symbol;
                            println!(
                                "  {ts} {symbol} {:?} {} {:?}",
                                enter.signal.side, enter.signal.score_ppm, enter.signal.parts_ppm
                            );
                        }
                    }
                }
            }
            println!(
                "{:<12} {:>7} {total:>8} {:>6.3} {:>6}  {counts:?}",
                recorded::day_of(&file).to_string(),
                instruments.len(),
                f64::from(best) / 1e6,
                counts[2]
            );
        }
    }
}
