//! Two sources of one market: reordering, doubles, gaps, silence and lag, against a model that keeps everything.

use bijli_core::event::{FeedState, Tick, TickFlags};
use bijli_core::instrument::InstrumentId;
use bijli_core::price::Price;
use bijli_core::quantity::Qty;
use bijli_core::time::{DurationNs, TsNs};
use bijli_feed::arbiter::{Arbiter, ArbiterSettings, Source, Verdict};
use proptest::prelude::*;

const INSTRUMENTS: usize = 3;
const START: TsNs = TsNs::new(1_785_470_000_000_000_000);

fn at(ms: i64) -> TsNs {
    START.plus(DurationNs::from_millis(ms))
}

fn tick(instrument: u32, trade_ms: i64, volume: i64) -> Tick {
    Tick {
        ts_event: at(trade_ms),
        instrument: InstrumentId::new(instrument),
        ltp: Price::from_paise(10_000 + volume),
        volume: Qty::new(volume),
        ..Tick::default()
    }
}

/// An arbiter of two live sources.
fn arbiter() -> Arbiter {
    let mut arbiter = Arbiter::new(ArbiterSettings::default(), INSTRUMENTS);
    for source in [Source::Primary, Source::Backup] {
        arbiter.handle_state(source, START, FeedState::Live);
    }
    arbiter
}

#[test]
fn the_backup_takes_over_from_a_silent_primary_and_gives_back_after_ten_good_seconds() {
    let mut arbiter = arbiter();
    let mut passed = Vec::new();
    // The primary is silent from second 5 to second 20; both tell a trade every 100 ms, the backup 20 ms later.
    for step in 0..400_i64 {
        let ms = step * 100;
        if !(5_000..20_000).contains(&ms)
            && let Verdict::Pass(_) = arbiter.offer(Source::Primary, at(ms), &tick(0, ms, step))
        {
            passed.push((Source::Primary, step));
        }
        if let Verdict::Pass(_) = arbiter.offer(Source::Backup, at(ms + 20), &tick(0, ms, step)) {
            passed.push((Source::Backup, step));
        }
    }
    let steps: Vec<i64> = passed.iter().map(|(_, step)| *step).collect();
    assert!(steps.is_sorted_by(|a, b| a < b), "each trade once, in order");
    let of = |source| {
        passed
            .iter()
            .filter(move |(from, _)| *from == source)
            .map(|(_, step)| *step)
    };
    let backup: Vec<i64> = of(Source::Backup).collect();
    // Mute three seconds after the last trade at 4.9 s; well again from 20 s on, back in charge ten seconds later.
    assert_eq!((backup.first(), backup.last()), (Some(&79), Some(&299)));
    assert_eq!(
        steps.len() as i64,
        400 - 29,
        "the trades between 5.0 and 7.8 s are lost, as they were not heard in time"
    );
    let (primary, backup) = (arbiter.counts(Source::Primary), arbiter.counts(Source::Backup));
    assert_eq!((primary.taken_over, backup.taken_over), (1, 1));
    assert_eq!((primary.first, backup.first), (250, 150));
}

#[test]
fn a_primary_that_lags_is_left_and_one_that_only_hiccups_is_not() {
    let mut arbiter = arbiter();
    let feed = |arbiter: &mut Arbiter, ms: i64, lag_ms: i64| {
        arbiter.offer(Source::Backup, at(ms), &tick(0, ms, ms));
        arbiter.offer(Source::Primary, at(ms), &tick(0, ms - lag_ms, ms - lag_ms));
        arbiter.in_charge()
    };
    for ms in (1_000..5_000).step_by(100) {
        assert_eq!(
            feed(&mut arbiter, ms, if ms < 2_500 { 2_100 } else { 0 }),
            Source::Primary
        );
    }
    let mut left_at = None;
    for ms in (5_000..12_000).step_by(100) {
        if feed(&mut arbiter, ms, 2_600) == Source::Backup {
            left_at.get_or_insert(ms);
        }
    }
    // Behind from the first trade on that the other told more than two seconds before.
    assert!((9_000..9_700).contains(&left_at.expect("left")), "{left_at:?}");
}

#[test]
fn a_source_with_less_volume_cannot_lower_what_is_known() {
    let mut arbiter = arbiter();
    arbiter.offer(Source::Primary, at(1), &tick(0, 1, 1_000));
    arbiter.offer(Source::Backup, at(2), &tick(0, 1, 900));
    arbiter.handle_state(Source::Primary, at(3), FeedState::Down);
    assert_eq!(arbiter.in_charge(), Source::Backup);
    assert_eq!(
        arbiter.offer(Source::Backup, at(4), &tick(0, 1, 950)),
        Verdict::Behind
    );
    let newer = arbiter.offer(Source::Backup, at(5), &tick(0, 2, 960));
    let held = Tick {
        volume: Qty::new(1_000),
        ..tick(0, 2, 960)
    };
    assert_eq!(newer, Verdict::Pass(held));
    assert_eq!(arbiter.counts(Source::Backup).volume_held, 1);
}

#[test]
fn a_doubtful_tick_passes_with_its_doubt_and_leaves_no_mark() {
    let mut arbiter = arbiter();
    let wrong = Tick {
        flags: TickFlags::TIME_WRONG,
        ..tick(0, 9_000_000, 9_000_000)
    };
    assert_eq!(
        arbiter.offer(Source::Primary, at(1), &wrong),
        Verdict::Pass(wrong)
    );
    let sound = tick(0, 2, 2);
    assert_eq!(
        arbiter.offer(Source::Primary, at(2), &sound),
        Verdict::Pass(sound)
    );
    assert_eq!(arbiter.counts(Source::Primary).first, 1);
}

#[test]
fn two_silent_sources_change_nothing() {
    let mut arbiter = arbiter();
    arbiter.offer(Source::Primary, at(0), &tick(0, 0, 1));
    for second in 0..60 {
        arbiter.handle_timeout(at(second * 1_000));
    }
    assert_eq!(arbiter.in_charge(), Source::Primary);
}

/// One delivery of a trade: by whom, how late, how often.
fn delivery() -> impl Strategy<Value = (bool, i64, i64, u32, u8)> {
    // source, delay, volume error, instrument, copies
    (
        any::<bool>(),
        0..6_000_i64,
        -3..=0_i64,
        0..INSTRUMENTS as u32,
        0..3_u8,
    )
}

/// When, what was told by whom, whose state became what.
type Happening = (i64, Option<(Source, Tick)>, Option<(Source, FeedState)>);

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_arrives_time_and_volume_of_what_passes_never_step_back(
        deliveries in proptest::collection::vec(delivery(), 1..200),
        states in proptest::collection::vec((0..20_000_i64, any::<bool>(), 0..4_u8), 0..12),
    ) {
        let mut events: Vec<Happening> = Vec::new();
        let of = |primary: bool| if primary { Source::Primary } else { Source::Backup };
        for (trade, (primary, delay, error, instrument, copies)) in deliveries.into_iter().enumerate() {
            let trade_ms = trade as i64 * 100;
            for copy in 0..=i64::from(copies) {
                let told = tick(instrument, trade_ms, (trade as i64 * 10 + error).max(1));
                events.push((trade_ms + delay + copy * 40, Some((of(primary), told)), None));
            }
        }
        for (ms, primary, state) in states {
            let state = [FeedState::Down, FeedState::Live, FeedState::Mute, FeedState::Live][usize::from(state)];
            events.push((ms, None, Some((of(primary), state))));
        }
        events.sort_by_key(|(ms, _, _)| *ms);
        let mut arbiter = arbiter();
        // The model keeps every tick that passed, and everything that was ever told.
        let mut passed: Vec<Tick> = Vec::new();
        let mut told: Vec<(Source, Tick)> = Vec::new();
        for (ms, offered, state) in events {
            if let Some((source, state)) = state {
                arbiter.handle_state(source, at(ms), state);
            }
            let Some((source, tick)) = offered else { continue };
            let verdict = arbiter.offer(source, at(ms), &tick);
            told.push((source, tick));
            prop_assert_eq!(verdict == Verdict::Standby, source != arbiter.in_charge());
            let before: Vec<&Tick> = passed.iter().filter(|known| known.instrument == tick.instrument).collect();
            let newest = before.iter().map(|known| known.ts_event).max();
            let most = before.iter().map(|known| known.volume).max();
            if let Verdict::Pass(given) = verdict {
                prop_assert!(newest.is_none_or(|newest| given.ts_event >= newest), "time steps back");
                prop_assert!(most.is_none_or(|most| given.volume >= most), "volume steps back");
                prop_assert_eq!(given.ltp, tick.ltp, "prices are nobody's to change");
                passed.push(given);
            } else if verdict == Verdict::Behind {
                let is_older = newest.is_some_and(|newest| tick.ts_event <= newest);
                prop_assert!(is_older, "nothing newer is ever dropped");
            }
        }
        let counts = [Source::Primary, Source::Backup].map(|source| arbiter.counts(source));
        prop_assert_eq!(counts.iter().map(|counts| counts.passed).sum::<u64>(), passed.len() as u64);
        prop_assert_eq!(counts.iter().map(|counts| counts.offered).sum::<u64>(), told.len() as u64);
        let mut firsts = [0, 0];
        for (index, (source, tick)) in told.iter().enumerate() {
            let earlier = told[..index].iter().filter(|(_, known)| known.instrument == tick.instrument);
            let best = earlier.map(|(_, known)| (known.ts_event, known.volume)).max();
            firsts[*source as usize] += u64::from(best.is_none_or(|best| (tick.ts_event, tick.volume) > best));
        }
        prop_assert_eq!(counts.map(|counts| counts.first), firsts);
    }
}
