//! The strategy from end to end: a planted spike, a crash, a target, and what must not make a signal.

use bijli_core::event::TickFlags;
use bijli_core::instrument::InstrumentKind;
use bijli_core::order::Side;
use bijli_core::strategy::{Enter, ExitReason, Intent, Leave, Strategy};
use bijli_core::{DurationNs, Instrument, InstrumentId, IstDay, Price, Qty, TsNs};
use desk::{Desk, Dice, Fills};

mod desk;

const SPIKE_AT_S: i64 = 3_600;
const STEP_S: i64 = 2;

/// What becomes of the price after the hour of quiet: targets in basis points of the price at that moment, the
/// time to get there, and the volume of each tick against the usual one.
struct Leg {
    bps: i64,
    seconds: i64,
    volume_times: i64,
}

const fn leg(bps: i64, seconds: i64, volume_times: i64) -> Leg {
    Leg {
        bps,
        seconds,
        volume_times,
    }
}

const UP: Leg = leg(120, 20, 10);
const DOWN: Leg = leg(-120, 20, 10);

fn day() -> IstDay {
    IstDay::from_ymd(2026, 7, 31).expect("a real date")
}

fn stage(fills: Fills, instrument: Instrument) -> Desk {
    Desk::open(day(), &[instrument], fills)
}

/// An hour of noise at 1 000 rupees from `open_s` after the open, then the legs; flags go on each tick.
fn play(desk: &mut Desk, start: TsNs, legs: &[Leg], flags: TickFlags) -> Vec<(TsNs, Intent)> {
    let instrument = desk.instruments[0];
    let mut dice = Dice(7);
    let (mut wishes, mut second, mut volume, mut price) = (Vec::new(), 0, 50_000, 10_000_000);
    let mut show = |desk: &mut Desk, second: i64, price: i64, volume: i64| {
        let ltp = Price::new(price / 500 * 500);
        let mut tick = desk::tick(
            &instrument,
            start.plus(DurationNs::from_secs(second)),
            ltp,
            volume,
        );
        tick.flags = flags;
        desk.tick(&tick, &mut wishes);
    };
    while second < SPIKE_AT_S {
        price = 10_000_000 + (price - 10_000_000) * 9 / 10 + dice.between(-4, 4) * 500;
        volume += dice.between(50, 150);
        show(desk, second, price, volume);
        second += STEP_S;
    }
    let from = price;
    let mut reached = 0;
    for leg in legs {
        for step in 1..=leg.seconds / STEP_S {
            let bps_units = reached * leg.seconds + (leg.bps - reached) * step * STEP_S;
            price = from + from * bps_units / (leg.seconds * 10_000) + dice.between(-2, 2) * 500;
            volume += dice.between(50, 150) * leg.volume_times;
            show(desk, second, price, volume);
            second += STEP_S;
        }
        reached = leg.bps;
    }
    wishes
}

fn play_at_open(desk: &mut Desk, legs: &[Leg]) -> Vec<(TsNs, Intent)> {
    play(desk, desk.at(DurationNs::from_hm(9, 15)), legs, TickFlags::NONE)
}

fn entries(wishes: &[(TsNs, Intent)]) -> Vec<&Enter> {
    wishes
        .iter()
        .filter_map(|(_, intent)| match intent {
            Intent::Enter(enter) => Some(enter),
            _ => None,
        })
        .collect()
}

fn leaves(wishes: &[(TsNs, Intent)]) -> Vec<(i64, ExitReason)> {
    wishes
        .iter()
        .filter_map(|(_, intent)| match intent {
            Intent::Leave(Leave { qty, reason, .. }) => Some((qty.get(), *reason)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_planted_spike_makes_exactly_one_entry_in_its_direction() {
    for (spike, side) in [(UP, Side::Buy), (DOWN, Side::Sell)] {
        let after = leg(spike.bps, 600, 1);
        let mut desk = stage(Fills::Never, desk::share(0, "SPIKY"));
        let wishes = play_at_open(&mut desk, &[spike, after]);
        let [enter] = entries(&wishes)[..] else {
            panic!("one entry, not {wishes:?}")
        };
        let signal = enter.signal;
        assert_eq!((signal.side, signal.instrument), (side, InstrumentId::new(0)));
        let since_spike = signal.ts.since(desk.at(DurationNs::from_hm(10, 15))).get() / 1_000_000_000;
        assert!(
            (0..=20).contains(&since_spike),
            "signal {since_spike} s after the spike began"
        );
        assert!(signal.score_ppm >= desk.config.strategy.score_min_ppm);
        // One lakh, 30 % of it, a price near 1 010 or 990: 29 or 30 shares.
        assert_eq!(enter.qty.get(), 300_000_000 / enter.limit.get());
        let slack = (enter.limit.get() - signal.price.get()) * side.sign();
        assert!(
            (500..=500 + signal.price.get() / 1_000).contains(&slack),
            "slack {slack}"
        );
        assert!(
            enter.limit.is_on_tick(desk.instruments[0].tick)
                && enter.stop.is_on_tick(desk.instruments[0].tick)
        );
        let risk_bps = (enter.limit.get() - enter.stop.get()) * side.sign() * 10_000 / enter.limit.get();
        assert_eq!(risk_bps, 500);
        assert!(
            desk.strategy
                .best_signal()
                .is_some_and(|best| best.score_ppm >= signal.score_ppm)
        );
    }
}

#[test]
fn noise_makes_no_entry_however_long_it_lasts() {
    let mut desk = stage(Fills::Never, desk::share(0, "QUIET"));
    let wishes = play_at_open(&mut desk, &[leg(0, 14_000, 1)]);
    assert_eq!(wishes, []);
}

#[test]
fn a_crash_through_the_stop_makes_exactly_one_exit() {
    let mut desk = stage(Fills::AtOnce, desk::share(0, "CRASH"));
    let wishes = play_at_open(
        &mut desk,
        &[UP, leg(100, 300, 1), leg(-700, 200, 1), leg(-700, 60, 1)],
    );
    let qty = entries(&wishes)[0].qty.get();
    assert_eq!(entries(&wishes).len(), 1);
    assert_eq!(leaves(&wishes), [(qty, ExitReason::Stop)]);
    assert!(desk.positions[0].is_flat());
    assert_eq!(desk.strategy.stop(InstrumentId::new(0)), Price::NONE);
}

#[test]
fn a_run_books_half_at_the_target_and_trails_the_rest() {
    let mut desk = stage(Fills::AtOnce, desk::share(0, "RUN"));
    let wishes = play_at_open(&mut desk, &[UP, leg(900, 900, 1), leg(500, 600, 1)]);
    let qty = entries(&wishes)[0].qty.get();
    assert_eq!(
        leaves(&wishes),
        [(qty / 2, ExitReason::Target), (qty - qty / 2, ExitReason::Trail)]
    );
    assert!(desk.positions[0].is_flat());
}

#[test]
fn doubtful_snapshot_late_and_untradable_ticks_make_no_entry() {
    let plain = desk::share(0, "ANY");
    let at = |desk: &Desk, hour, minute| desk.at(DurationNs::from_hm(hour, minute));
    for (name, instrument, start, flags) in [
        ("a doubtful price", plain, (9, 15), TickFlags::TIME_BACK),
        ("no trade", plain, (9, 15), TickFlags::NO_TRADE),
        ("a snapshot", plain, (9, 15), TickFlags::SNAPSHOT),
        ("no ask", plain, (9, 15), TickFlags::ONE_SIDED),
        (
            "an hour before the end of entries",
            plain,
            (14, 0),
            TickFlags::NONE,
        ),
        (
            "an index",
            Instrument {
                kind: InstrumentKind::Index,
                ..plain
            },
            (9, 15),
            TickFlags::NONE,
        ),
    ] {
        let mut desk = stage(Fills::Never, instrument);
        let start = at(&desk, start.0, start.1);
        assert_eq!(
            play(&mut desk, start, &[UP, leg(120, 60, 1)], flags),
            [],
            "{name}"
        );
    }
}

#[test]
fn a_signal_too_small_for_a_lot_is_raised_with_no_quantity() {
    let mut desk = stage(
        Fills::Never,
        Instrument {
            lot: Qty::new(75),
            ..desk::share(0, "LOTS")
        },
    );
    let wishes = play_at_open(&mut desk, &[UP, leg(120, 60, 1)]);
    assert_eq!(
        entries(&wishes).iter().map(|enter| enter.qty).collect::<Vec<_>>(),
        [Qty::ZERO]
    );
}

#[test]
fn a_price_that_cannot_be_summed_is_left_out() {
    let mut desk = stage(Fills::Never, desk::share(0, "WILD"));
    let before = desk.hash();
    for (ltp, volume) in [
        (i64::MAX, 1),
        (0, 1),
        (-5, 1),
        (10_000_000, i64::MAX),
        (10_000_000, -1),
    ] {
        let mut tick = desk::tick(&desk.instruments[0], desk.now, Price::new(10_000_000), volume);
        tick.ltp = Price::new(ltp);
        desk.tick(&tick, &mut Vec::new());
    }
    assert_eq!(desk.hash(), before);
}

#[test]
fn the_same_events_twice_give_the_same_wishes_and_the_same_hash_at_every_step() {
    let run = || {
        let mut desk = stage(Fills::AtOnce, desk::share(0, "TWICE"));
        let wishes = play_at_open(&mut desk, &[UP, leg(900, 900, 1), leg(500, 600, 1)]);
        (wishes, desk.hash())
    };
    assert_eq!(run(), run());
}

#[test]
fn every_tick_that_moves_a_price_moves_the_hash() {
    let mut desk = stage(Fills::Never, desk::share(0, "HASH"));
    let mut seen = vec![desk.hash()];
    for second in 0..400 {
        let ts = desk
            .at(DurationNs::from_hm(9, 15))
            .plus(DurationNs::from_secs(second));
        let tick = desk::tick(
            &desk.instruments[0],
            ts,
            Price::new(10_000_000 + second % 7 * 500),
            1_000 + second,
        );
        desk.tick(&tick, &mut Vec::new());
        let hash = desk.hash();
        assert!(!seen.contains(&hash), "second {second}");
        seen.push(hash);
    }
}
