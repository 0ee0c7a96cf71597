//! The risk gate inside the engine: what it remembers, what it counts, and that a restart forgets none of it.

use bijli_core::command::Command;
use bijli_core::config::Config;
use bijli_core::event::{BandReported, Event, Submission};
use bijli_core::exposure::{Candidate, Exposures};
use bijli_core::order::{BrokerStatus, Purpose, Side};
use bijli_core::strategy::StrategyId;
use bijli_core::{Denial, DurationNs, InstrumentId, Money, Price};

use crate::house::{House, OTHER, STOCK, only_place, rupees};

const MINUTE: DurationNs = DurationNs::from_secs(60);

fn last_denial(house: &House) -> Option<Denial> {
    house.engine.state().signal(0).and_then(|judged| judged.denial)
}

fn configure(house: &mut House, change: impl FnOnce(&mut Config)) {
    let mut config = Config::default();
    change(&mut config);
    house.tell(Event::Configured(config));
}

fn restart(house: &mut House) {
    let epoch = house.engine.state().epoch() + 1;
    house.start(epoch);
    house.reconcile();
}

/// Moves time on and keeps the quotes fresh.
fn later(house: &mut House, length: DurationNs) {
    house.wait(length);
    house.tick(STOCK, 10_000);
    house.tick(OTHER, 10_000);
}

/// Buys a hundred at 100.05 and sells them at `paise`.
fn round_trip(house: &mut House, instrument: InstrumentId, paise: i64) {
    let entry = only_place(&house.wish_to_buy(instrument));
    house.resolve(entry.intent, Submission::Acked);
    house.update(&entry, BrokerStatus::Open, 0);
    house.trade(&entry, 100, 10_005);
    let exit = only_place(&house.wish_to_leave(instrument, 100));
    house.resolve(exit.intent, Submission::Acked);
    house.update(&exit, BrokerStatus::Open, 0);
    house.trade(&exit, 100, paise);
    assert_eq!(house.position(instrument), 0);
}

fn beside(house: &House, instrument: InstrumentId) -> Exposures {
    house.engine.state().exposures(&Candidate {
        instrument,
        side: Side::Buy,
        strategy: StrategyId::SPIKE,
    })
}

#[test]
fn a_signal_makes_one_entry_whatever_became_of_it_and_over_a_restart() {
    let mut house = House::open();
    let entry = only_place(&house.wish_to_buy(STOCK));
    house.resolve(entry.intent, Submission::Refused);
    assert_eq!(house.wish_to_buy(STOCK), []);
    assert_eq!(last_denial(&house), Some(Denial::DuplicateSignal));
    restart(&mut house);
    assert_eq!(house.wish_to_buy(STOCK), []);
    assert_eq!(last_denial(&house), Some(Denial::DuplicateSignal));
    later(&mut house, DurationNs::from_secs(120));
    only_place(&house.wish_to_buy(STOCK));
}

#[test]
fn orders_of_unknown_fate_and_presumed_absent_ones_count_in_every_exposure() {
    let mut house = House::open();
    let entry = only_place(&house.wish_to_buy(STOCK));
    let value = rupees(10_010);
    for submission in [Submission::Unknown, Submission::PresumedAbsent] {
        house.resolve(entry.intent, submission);
        let same = beside(&house, STOCK);
        assert_eq!(
            [
                same.total,
                same.instrument,
                same.underlying,
                same.sector,
                same.strategy,
                same.correlated,
                same.delta
            ],
            [value; 7],
            "{submission:?}"
        );
        assert_eq!(same.margin_committed, Money::new(value.get() / 4));
        let other = beside(&house, OTHER);
        assert_eq!(
            [other.total, other.sector, other.strategy, other.delta],
            [value; 4]
        );
        assert_eq!(
            [
                other.instrument,
                other.underlying,
                other.correlated,
                other.options
            ],
            [Money::ZERO; 4]
        );
        assert_eq!(other.unknown_relations, 1);
    }
}

#[test]
fn what_is_filled_and_what_is_still_open_add_up_to_the_order() {
    let mut house = House::open();
    let entry = only_place(&house.wish_to_buy(STOCK));
    house.resolve(entry.intent, Submission::Acked);
    house.update(&entry, BrokerStatus::Open, 0);
    house.trade(&entry, 40, 10_005);
    // Forty at the bid of 99.95 and sixty at the limit of 100.10.
    let expected = Money::new(40 * 999_500 + 60 * 1_001_000);
    assert_eq!(beside(&house, STOCK).total, expected);
    assert_eq!(beside(&house, STOCK).strategy, expected);
}

#[test]
fn losses_in_a_row_pause_entries_and_a_restart_does_not_end_the_pause() {
    let mut house = House::open();
    configure(&mut house, |config| config.risk.loss_streak_max = 2);
    round_trip(&mut house, STOCK, 10_000);
    assert_eq!(house.engine.state().protections().losses_in_a_row(), 1);
    round_trip(&mut house, OTHER, 10_000);
    assert_eq!(house.engine.state().protections().trips_closed(), 2);
    later(&mut house, DurationNs::from_secs(121));
    assert_eq!(house.wish_to_buy(STOCK), []);
    assert_eq!(last_denial(&house), Some(Denial::LossStreak));
    restart(&mut house);
    assert_eq!(house.wish_to_buy(STOCK), []);
    assert_eq!(last_denial(&house), Some(Denial::LossStreak));
    later(&mut house, DurationNs::from_secs(1_800));
    only_place(&house.wish_to_buy(STOCK));
}

#[test]
fn a_winner_ends_the_streak_and_charges_make_a_flat_trip_a_loser() {
    let mut house = House::open();
    configure(&mut house, |config| config.risk.loss_streak_max = 2);
    round_trip(&mut house, STOCK, 10_005);
    assert_eq!(house.engine.state().protections().losses_in_a_row(), 1);
    round_trip(&mut house, OTHER, 11_000);
    assert_eq!(house.engine.state().protections().losses_in_a_row(), 0);
    later(&mut house, DurationNs::from_secs(121));
    round_trip(&mut house, STOCK, 10_000);
    assert!(!house.engine.state().protections().paused_until().is_set());
}

#[test]
fn a_fall_from_the_best_of_the_day_latches_over_a_restart_though_the_day_is_up() {
    let mut house = House::bought(STOCK).0;
    configure(&mut house, |config| config.risk.drawdown_bps = 100);
    house.tick(STOCK, 11_500);
    house.tick(STOCK, 10_600);
    assert!(!house.engine.state().protections().is_drawdown_latched());
    house.tick(STOCK, 10_400);
    assert!(house.engine.state().result() > Money::ZERO);
    house.tick(STOCK, 11_500);
    restart(&mut house);
    house.tick(OTHER, 10_000);
    assert_eq!(house.wish_to_buy(OTHER), []);
    assert_eq!(last_denial(&house), Some(Denial::DrawdownReached));
}

#[test]
fn a_runaway_is_throttled_then_latched_off_and_its_exits_still_pass() {
    let (mut house, _) = House::bought(STOCK);
    let mut placed = 0;
    for _ in 0..1_000 {
        placed += house.wish_to_buy(OTHER).len();
    }
    assert_eq!(placed, 1);
    assert_eq!(last_denial(&house), Some(Denial::StrategyLatched));
    restart(&mut house);
    later(&mut house, MINUTE);
    assert_eq!(house.wish_to_buy(STOCK), []);
    assert_eq!(last_denial(&house), Some(Denial::StrategyLatched));
    let exit = house.wish_to_leave(STOCK, 100);
    assert!(
        matches!(exit[..], [Command::Place(place)] if place.purpose == Purpose::Exit),
        "{exit:?}"
    );
}

#[test]
fn entering_and_leaving_again_and_again_latches_the_strategy_off() {
    let mut house = House::open();
    configure(&mut house, |config| {
        config.risk.repeat_entries_max = 3;
        config.risk.cooldown = DurationNs::from_secs(10);
    });
    for _ in 0..3 {
        round_trip(&mut house, STOCK, 11_000);
        later(&mut house, DurationNs::from_secs(30));
    }
    assert_eq!(house.wish_to_buy(STOCK), []);
    assert_eq!(last_denial(&house), Some(Denial::StrategyLatched));
    later(&mut house, DurationNs::from_secs(3_600));
    assert_eq!(house.wish_to_buy(STOCK), [], "time does not clear it");
}

#[test]
fn round_trips_of_the_day_are_counted_by_fills() {
    let mut house = House::open();
    configure(&mut house, |config| config.risk.trades_per_day_max = 1);
    round_trip(&mut house, STOCK, 11_000);
    assert_eq!(house.wish_to_buy(OTHER), []);
    assert_eq!(last_denial(&house), Some(Denial::TradesPerDayMax));
}

#[test]
fn the_same_memory_comes_from_the_same_events() {
    let day = || {
        let mut house = House::open();
        round_trip(&mut house, STOCK, 9_990);
        later(&mut house, MINUTE);
        house.wish_to_buy(OTHER);
        house.engine.state_hash()
    };
    assert_eq!(day(), day());
}

fn band(house: &mut House, lower: i64, upper: i64) {
    let event = Event::BandReported(BandReported {
        ts: house.now,
        instrument: STOCK,
        lower: Price::from_paise(lower),
        upper: Price::from_paise(upper),
    });
    assert_eq!(house.tell(event), []);
}

#[test]
fn the_band_that_the_broker_shows_bounds_entries_from_then_on_and_over_a_restart() {
    // The wish is to buy at 100.10.
    for (bands, expected) in [
        (&[(9_000, 10_010)][..], None),
        (&[(9_000, 10_005)], Some(Denial::PriceBand)),
        (&[(10_010, 11_000)], None),
        (&[(10_015, 11_000)], Some(Denial::PriceBand)),
        (&[(0, 10_005)], Some(Denial::PriceBand)),
        (&[(10_015, 0)], Some(Denial::PriceBand)),
        (&[(9_000, 10_005), (9_000, 10_500)], None),
        (&[(9_000, 10_005), (0, 0)], None),
        (&[(9_000, 10_005), (11_000, 9_000)], None),
    ] {
        for restarts in [false, true] {
            let mut house = House::open();
            for (lower, upper) in bands {
                band(&mut house, *lower, *upper);
            }
            if restarts {
                restart(&mut house);
            }
            house.wish_to_buy(STOCK);
            assert_eq!(last_denial(&house), expected, "{bands:?}");
        }
    }
}

#[test]
fn a_band_is_part_of_the_state() {
    let hash = |upper| {
        let mut house = House::open();
        band(&mut house, 9_000, upper);
        house.engine.state_hash()
    };
    assert_eq!(hash(11_000), hash(11_000));
    assert_ne!(hash(11_000), hash(11_005));
}
