//! Recorded days: a handful of signals, not thousands; the same ones every time.

use bijli_core::strategy::Strategy;
use desk::{Desk, Fills};

mod desk;
mod recorded;

fn signals(file: &std::path::Path) -> (usize, Option<u32>, u64) {
    let ticks = recorded::read(file);
    let instruments: Vec<_> = ticks
        .keys()
        .enumerate()
        .map(|(index, symbol)| desk::share(index as u32, symbol))
        .collect();
    let mut desk = Desk::open(recorded::day_of(file), &instruments, Fills::Never);
    let mut wishes = Vec::new();
    for (instrument, prints) in instruments.iter().zip(ticks.values()) {
        for print in prints {
            desk.tick(
                &desk::tick(instrument, print.ts, print.ltp, print.volume),
                &mut wishes,
            );
        }
    }
    let best = desk.strategy.best_signal().map(|signal| signal.score_ppm);
    (wishes.len(), best, desk.hash())
}

#[test]
fn a_recorded_day_gives_a_handful_of_signals_and_the_same_ones_again() {
    let Some(dir) = recorded::data_dir("a_recorded_day_gives_a_handful_of_signals") else {
        return;
    };
    for (set, most) in [
        ("nse-ticks-2021", 30),
        ("nse-eq-1min-2016", 200),
        ("nse-eq-1min-2026", 30),
    ] {
        let file = &recorded::days(&dir, set)[0];
        let (count, best, hash) = signals(file);
        assert!(count <= most, "{set}: {count} signals");
        assert!(best.is_some_and(|best| best > 500_000), "{set}: best {best:?}");
        assert_eq!(signals(file), (count, best, hash), "{set}");
    }
}
