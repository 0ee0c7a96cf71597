//! What a tick leaves behind: the count after the opening, deltas and their age; and the room that limits leave.

use bijli_core::config::{Config, RiskConfig};
use bijli_core::event::{Event, Tick, TickFlags};
use bijli_core::exposure::Candidate;
use bijli_core::instrument::InstrumentKind;
use bijli_core::order::Side;
use bijli_core::strategy::StrategyId;
use bijli_core::{DurationNs, Instrument, InstrumentId, Money, Price, Qty, TsNs};

use crate::house::{House, OTHER, STOCK, at, rupees};

const OPTION: InstrumentId = InstrumentId::new(2);

/// The next instrument of the table: a call on the stock, strike 100.
fn list_call(house: &mut House) {
    let stock = house.engine.state().instruments()[STOCK.index()];
    house.tell(Event::InstrumentListed(Instrument {
        id: OPTION,
        kind: InstrumentKind::Call,
        lot: Qty::new(10),
        strike: Price::from_paise(10_000),
        ..stock
    }));
}

fn tick(ts: TsNs, instrument: InstrumentId) -> Tick {
    Tick {
        ts,
        ts_event: ts,
        instrument,
        ltp: Price::from_paise(10_000),
        bid: Price::from_paise(9_995),
        ask: Price::from_paise(10_005),
        bid_qty: Qty::new(1_000),
        ask_qty: Qty::new(1_000),
        ..Tick::default()
    }
}

fn configure(house: &mut House, change: impl Fn(&mut RiskConfig)) {
    let mut config = Config::default();
    change(&mut config.risk);
    house.tell(Event::Configured(config));
}

#[test]
fn only_sound_live_ticks_of_an_open_market_count_after_the_opening() {
    for (flags, ts, counts) in [
        (TickFlags::NONE, at(10, 0), true),
        (TickFlags::OFF_TICK, at(10, 0), true),
        (TickFlags::SNAPSHOT, at(10, 0), false),
        (TickFlags::CROSSED, at(10, 0), false),
        (TickFlags::ONE_SIDED, at(10, 0), false),
        (TickFlags::NO_TRADE, at(10, 0), false),
        (TickFlags::BAD_PRICE, at(10, 0), false),
        (TickFlags::TIME_WRONG, at(10, 0), false),
        (TickFlags::TIME_BACK, at(10, 0), false),
        (TickFlags::VOLUME_BACK, at(10, 0), false),
        (TickFlags::NONE, at(9, 14), false),
        (TickFlags::NONE, at(9, 15), true),
        (TickFlags::NONE, at(15, 30), false),
    ] {
        let mut house = House::open();
        list_call(&mut house);
        let stocks = [STOCK, OTHER].map(|id| house.engine.state().protections().open_ticks(id));
        house.tell(Event::Ticked(Tick {
            flags,
            ..tick(ts, OPTION)
        }));
        let protections = house.engine.state().protections();
        assert_eq!(
            protections.open_ticks(OPTION),
            u32::from(counts),
            "{flags:?} {ts:?}"
        );
        assert_eq!([STOCK, OTHER].map(|id| protections.open_ticks(id)), stocks);
        let counts = house.engine.state().counts();
        assert_eq!(
            (counts.ticks, counts.anomalies),
            (7, u64::from(!flags.is_sound()))
        );
    }
}

#[test]
fn the_count_after_the_opening_ends_somewhere_and_never_starts_anew() {
    let mut house = House::open();
    let mut former = 0;
    for _ in 0..1_000 {
        house.tick(STOCK, 10_000);
        let count = house.engine.state().protections().open_ticks(STOCK);
        assert!(count == former + 1 || count == former || former == 0);
        former = count;
    }
    assert!(former >= RiskConfig::default().open_ticks_min);
}

#[test]
fn an_option_weighs_its_delta_while_that_is_young_and_its_underlying_afterwards() {
    let mut house = House::open();
    list_call(&mut house);
    let weight = |house: &House| {
        let premium = Price::from_paise(300);
        house.engine.state().delta_value(OPTION, Qty::new(10), premium)
    };
    assert_eq!(
        weight(&house),
        rupees(1_000),
        "no delta yet: ten of the stock at 100"
    );
    let told = house.now;
    let tell = |house: &mut House, delta_ppm, flags| {
        house.tell(Event::Ticked(Tick {
            delta_ppm,
            flags,
            ..tick(house.now, OPTION)
        }))
    };
    tell(&mut house, 400_000, TickFlags::NONE);
    assert_eq!(weight(&house), rupees(400));
    tell(&mut house, -250_000, TickFlags::NONE);
    assert_eq!(
        weight(&house),
        rupees(250),
        "a put's delta weighs without its sign"
    );
    tell(&mut house, 1_500_000, TickFlags::NONE);
    assert_eq!(weight(&house), rupees(1_000), "never more than the underlying");
    tell(&mut house, 400_000, TickFlags::NONE);
    house.wait(DurationNs::from_secs(60));
    tell(&mut house, 900_000, TickFlags::TIME_BACK);
    tell(&mut house, 0, TickFlags::NONE);
    let quote = house.engine.state().quotes()[OPTION.index()];
    assert_eq!(
        (quote.delta_ppm, quote.delta_ts),
        (400_000, told),
        "a doubtful tick tells no delta, and one without a delta takes none away"
    );
    assert_eq!(weight(&house), rupees(400), "just young enough");
    house.wait(DurationNs::new(1));
    assert_eq!(weight(&house), rupees(1_000), "a nanosecond too old");
    assert_eq!(
        house
            .engine
            .state()
            .delta_value(STOCK, Qty::new(10), Price::from_paise(5_000)),
        rupees(500),
        "a share is its own value"
    );
}

/// Ten times the capital for everything together.
fn wide(risk: &mut RiskConfig) {
    risk.total_exposure_bps = 100_000;
    risk.leverage_bps = 100_000;
    risk.instrument_exposure_bps = 100_000;
    risk.underlying_exposure_bps = 100_000;
    risk.sector_exposure_bps = 100_000;
    risk.strategy_exposure_bps = 100_000;
    risk.correlated_exposure_bps = 100_000;
    risk.options_exposure_bps = 100_000;
}

#[test]
fn the_room_is_what_the_tightest_limit_on_positions_leaves() {
    let (mut house, _) = House::bought(STOCK);
    list_call(&mut house);
    house.tick(STOCK, 10_000);
    let candidate = |instrument| Candidate {
        instrument,
        side: Side::Buy,
        strategy: StrategyId::SPIKE,
    };
    // A hundred shares that could be sold at 99.95.
    let held = rupees(9_995);
    let tight: [fn(&mut RiskConfig); 7] = [
        |risk| risk.total_exposure_bps = 2_000,
        |risk| risk.instrument_exposure_bps = 2_000,
        |risk| risk.underlying_exposure_bps = 2_000,
        |risk| risk.sector_exposure_bps = 2_000,
        |risk| risk.strategy_exposure_bps = 2_000,
        |risk| risk.correlated_exposure_bps = 2_000,
        |risk| risk.options_exposure_bps = 2_000,
    ];
    // Which of the three candidates (the stock, another one, the call on the stock) each limit counts the holding for,
    // and whether it binds at all.
    let counted = [
        [true, true, true],
        [true, false, false],
        [true, false, true],
        [true, true, true],
        [true, true, true],
        [true, false, true],
        [false, false, false],
    ];
    let limit = rupees(20_000);
    for (number, (tight, counted)) in tight.into_iter().zip(counted).enumerate() {
        configure(&mut house, |risk| {
            wide(risk);
            tight(risk);
        });
        for (instrument, counted) in [STOCK, OTHER, OPTION].into_iter().zip(counted) {
            let room = house.engine.state().room(&candidate(instrument));
            if number == 6 && instrument != OPTION {
                assert!(room > limit, "options bind options alone");
                continue;
            }
            let used = if counted { held } else { Money::ZERO };
            assert_eq!(Some(room), limit.minus(used), "limit {number} for {instrument:?}");
        }
    }
    configure(&mut house, |risk| {
        wide(risk);
        risk.leverage_bps = 2_000;
    });
    let state = house.engine.state();
    let equity = state.equity();
    assert!(equity < rupees(100_000), "the charges of a purchase");
    assert_eq!(
        Some(state.room(&candidate(OTHER))),
        equity.bps(2_000).minus(held),
        "leverage is of what is left of the capital"
    );
    configure(&mut house, |risk| {
        wide(risk);
        risk.total_exposure_bps = 100;
    });
    assert_eq!(
        house.engine.state().room(&candidate(OTHER)),
        Money::ZERO,
        "a limit that is passed leaves nothing, not less"
    );
}
