//! What a synthetic day promises: prices on the grid, sound books, a rising volume, and the planted spikes.

use std::collections::BTreeMap;

use bijli_core::event::DataKind;
use bijli_core::{DurationNs, IstDay, TsNs};
use bijli_simulator::day::{DaySource, DayTick, price_of, spike, synthetic::SyntheticDay};

const OPEN_MS: i64 = 22_500_000;

fn date() -> IstDay {
    IstDay::from_ymd(2026, 7, 31).expect("a real date")
}

fn ticks(seed: u64, stocks: u32) -> Vec<DayTick> {
    let mut day = SyntheticDay::new(date(), stocks, seed);
    assert_eq!(day.info().data, DataKind::Synthetic);
    let (mut all, mut tick) = (Vec::new(), DayTick::default());
    while day.next_tick(&mut tick).expect("invented days are sound") {
        all.push(tick);
    }
    all
}

#[test]
fn every_tick_is_sound_on_the_grid_and_in_order() {
    let day = SyntheticDay::new(date(), 30, 5);
    let rows = &day.info().instruments;
    let (open, close) = (
        date().at(DurationNs::from_hm(9, 15)),
        date().at(DurationNs::from_hm(15, 30)),
    );
    let mut volume: BTreeMap<u32, i64> = BTreeMap::new();
    let mut last = TsNs::NEVER;
    for tick in ticks(5, 30) {
        let row = &rows[tick.instrument as usize];
        assert!(tick.ts >= last && tick.ts >= open && tick.ts < close);
        last = tick.ts;
        assert!(
            price_of(tick.ltp).is_on_tick(row.tick) && tick.ltp > 0.0,
            "{row:?} {}",
            tick.ltp
        );
        assert!(
            tick.ltt_ms * 1_000_000 <= tick.ts.get() && tick.day.low <= tick.ltp && tick.ltp <= tick.day.high
        );
        let seen = volume.entry(tick.instrument).or_default();
        assert!(tick.volume >= *seen);
        *seen = tick.volume;
        assert_eq!(tick.level_count > 0, row.kind.is_tradable());
        if row.kind.is_tradable() {
            assert!(tick.levels[0].bid < tick.levels[0].ask);
        }
    }
    assert_eq!(volume.len(), 32);
    let mut symbols: Vec<&str> = rows.iter().map(|row| row.symbol.as_str()).collect();
    symbols.sort_unstable();
    symbols.dedup();
    assert_eq!(symbols.len(), 32, "symbols are unique");
}

#[test]
fn planted_spikes_are_there_in_price_and_in_volume() {
    let all = ticks(9, 60);
    let open_ms = date().at(DurationNs::from_hm(9, 15)).get() / 1_000_000;
    let spikes = spike::plant(9, 60, OPEN_MS);
    assert_eq!(spikes.len(), 18);
    for spike in spikes {
        let of_stock: Vec<(i64, &DayTick)> = all
            .iter()
            .filter(|tick| tick.instrument == spike.stock)
            .map(|tick| (tick.ts.get() / 1_000_000 - open_ms, tick))
            .collect();
        let at = |ms: i64| {
            of_stock
                .iter()
                .rfind(|(when, _)| *when <= ms)
                .expect("ticks before")
                .1
        };
        let (before, after) = (at(spike.start_ms), at(spike.start_ms + spike.length_ms + 2_000));
        let moved_bps = (after.ltp / before.ltp - 1.0) * 10_000.0;
        let share = moved_bps / spike.move_bps as f64;
        assert!((0.5..1.6).contains(&share), "{spike:?} moved {moved_bps:.0} bps");
        let in_spike = (after.volume - before.volume) * 1_000 / (spike.length_ms + 2_000);
        let usual = (before.volume - at(spike.start_ms - 300_000).volume) / 300;
        assert!(
            in_spike > usual * 3,
            "{spike:?}: {in_spike} units a second against {usual}"
        );
    }
}

#[test]
fn without_a_spike_half_a_minute_moves_little() {
    let spikes: BTreeMap<u32, spike::Spike> = spike::plant(9, 60, OPEN_MS)
        .into_iter()
        .map(|spike| (spike.stock, spike))
        .collect();
    let mut last: BTreeMap<u32, (i64, f64)> = BTreeMap::new();
    let mut large = 0;
    for tick in ticks(9, 60)
        .iter()
        .filter(|tick| tick.instrument < 60 && !spikes.contains_key(&tick.instrument))
    {
        let second = tick.ts.get() / 30_000_000_000;
        let (seen, price) = *last.entry(tick.instrument).or_insert((second, tick.ltp));
        if second > seen {
            large += u32::from((tick.ltp / price - 1.0).abs() > 0.008);
            last.insert(tick.instrument, (second, tick.ltp));
        }
    }
    assert_eq!(large, 0, "what is not planted does not look like a spike");
}
