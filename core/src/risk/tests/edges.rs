//! Checks of one fact: the last value that passes and the first that is denied.

use super::*;

/// One check: it passes at the first value and is denied at the second.
macro_rules! edge {
    ($name:ident, $denial:ident, |$facts:ident, $enter:ident| $place:expr, $inside:expr, $beyond:expr) => {
        #[test]
        fn $name() {
            assert_eq!(
                verdict(|$facts, $enter| {
                    let _ = (&$facts, &$enter);
                    $place = $inside;
                }),
                Ok(())
            );
            assert_eq!(
                verdict(|$facts, $enter| {
                    let _ = (&$facts, &$enter);
                    $place = $beyond;
                }),
                Err(Denial::$denial)
            );
        }
    };
}

#[test]
fn a_sound_entry_passes() {
    assert_eq!(verdict(|_, _| {}), Ok(()));
}

#[test]
fn modes_are_found_by_their_numbers_and_have_the_names_that_people_read() {
    let names = [
        "RECONCILING",
        "ACTIVE",
        "PAUSED",
        "REDUCE-ONLY",
        "HALTED",
        "KILLED",
    ];
    for (number, name) in (0u8..).zip(names) {
        let mode = TradingMode::from_number(number).expect("a number of the table");
        assert_eq!((mode as u8, mode.name()), (number, name));
    }
    assert_eq!(TradingMode::from_number(6), None);
}

#[test]
fn only_an_active_engine_enters() {
    for (mode, denial) in [
        (TradingMode::Killed, Denial::Killed),
        (TradingMode::Reconciling, Denial::NotReady),
        (TradingMode::Halted, Denial::Halted),
        (TradingMode::ReduceOnly, Denial::ReduceOnly),
        (TradingMode::Paused, Denial::Paused),
    ] {
        assert_eq!(verdict(|facts, _| facts.mode = mode), Err(denial));
    }
    let reduced_by_loss = verdict(|facts, _| {
        (facts.mode, facts.day_loss_latched) = (TradingMode::ReduceOnly, true);
    });
    assert_eq!(reduced_by_loss, Err(Denial::DailyLossReached));
}

edge!(
    the_latched_loss_of_the_day_denies,
    DailyLossReached,
    |facts, enter| facts.day_loss_latched,
    false,
    true
);
edge!(
    the_loss_of_the_day_denies_at_its_limit,
    DailyLossReached,
    |facts, enter| facts.result,
    Money::new(-19_999_999),
    Money::from_rupees(-2_000)
);
edge!(
    the_latched_drawdown_denies,
    DrawdownReached,
    |facts, enter| facts.drawdown_latched,
    false,
    true
);
edge!(
    a_latched_strategy_is_denied,
    StrategyLatched,
    |facts, enter| facts.strategy_latched,
    false,
    true
);
edge!(
    a_day_that_the_calendar_does_not_know_denies,
    DayUnknown,
    |facts, enter| facts.day_is_known,
    true,
    false
);
edge!(
    closed_hours_deny,
    SessionClosed,
    |facts, enter| facts.session_allows,
    true,
    false
);
edge!(
    a_mute_feed_denies,
    FeedNotLive,
    |facts, enter| facts.feed,
    FeedState::Live,
    FeedState::Mute
);
edge!(
    a_frozen_instrument_is_denied,
    InstrumentNotTradable,
    |facts, enter| facts.frozen,
    false,
    true
);
edge!(
    an_old_signal_is_dead,
    SignalExpired,
    |facts, enter| enter.signal.ts,
    ago(DurationNs::from_secs(120)),
    ago(DurationNs::new(120_000_000_001))
);
edge!(
    a_signal_makes_one_entry,
    DuplicateSignal,
    |facts, enter| facts.signal_is_used,
    false,
    true
);
edge!(
    the_opening_is_waited_for,
    OpeningQuiet,
    |facts, enter| facts.session_open,
    ago(DurationNs::from_secs(5)),
    ago(DurationNs::new(4_999_999_999))
);
edge!(
    the_first_ticks_are_waited_for,
    OpeningQuiet,
    |facts, enter| facts.open_ticks,
    3,
    2
);
edge!(
    a_stale_underlying_denies,
    UnderlyingStale,
    |facts, enter| facts.underlying_ts,
    ago(DurationNs::from_secs(10)),
    ago(DurationNs::new(10_000_000_001))
);
edge!(
    the_cooldown_denies,
    Cooldown,
    |facts, enter| facts.last_entry_ts,
    ago(DurationNs::from_secs(120)),
    ago(DurationNs::new(119_999_999_999))
);
edge!(
    a_streak_of_losses_pauses,
    LossStreak,
    |facts, enter| facts.paused_until,
    NOW,
    NOW.plus(JUST_UNDER)
);
edge!(
    the_same_order_is_not_sent_twice,
    IdenticalOrder,
    |facts, enter| facts.last_identical_ts,
    ago(SECOND),
    ago(DurationNs::new(999_999_999))
);
edge!(
    a_busy_instrument_is_denied,
    InstrumentBusy,
    |facts, enter| facts.busy,
    false,
    true
);
edge!(
    one_unknown_order_blocks_its_underlying,
    UnknownOutstanding,
    |facts, enter| facts.unknown_here,
    0,
    1
);
edge!(
    two_unknown_orders_block_everything,
    UnknownOutstanding,
    |facts, enter| facts.unknown_total,
    1,
    2
);
edge!(
    positions_are_bounded,
    PositionsMax,
    |facts, enter| facts.positions_open,
    2,
    3
);
edge!(
    entries_of_a_day_are_bounded,
    EntriesPerDayMax,
    |facts, enter| facts.entries_today,
    99,
    100
);
edge!(
    round_trips_of_a_day_are_bounded,
    TradesPerDayMax,
    |facts, enter| facts.trips_today,
    49,
    50
);
edge!(
    orders_of_a_day_are_bounded,
    OrdersPerDayMax,
    |facts, enter| facts.orders_today,
    499,
    500
);
edge!(
    a_full_order_table_denies,
    OrdersMax,
    |facts, enter| facts.orders_room,
    1,
    0
);
edge!(
    lots_are_whole,
    QuantityNotLots,
    |facts, enter| enter.qty,
    Qty::new(10),
    Qty::new(7)
);
edge!(
    a_quantity_is_positive,
    QuantityNotLots,
    |facts, enter| enter.qty,
    Qty::new(5),
    Qty::ZERO
);
edge!(
    a_quantity_is_not_negative,
    QuantityNotLots,
    |facts, enter| enter.qty,
    Qty::new(5),
    Qty::new(-5)
);
edge!(
    prices_lie_on_the_grid,
    PriceOffTick,
    |facts, enter| enter.limit,
    Price::from_paise(10_010),
    Price::from_paise(10_011)
);
edge!(
    a_price_is_needed,
    PriceOffTick,
    |facts, enter| enter.limit,
    Price::from_paise(10_010),
    Price::NONE
);
edge!(
    the_collar_bounds_the_price_above,
    PriceCollar,
    |facts, enter| enter.limit,
    Price::from_paise(10_300),
    Price::from_paise(10_305)
);
edge!(
    the_collar_bounds_the_price_below,
    PriceCollar,
    |facts, enter| enter.limit,
    Price::from_paise(9_700),
    Price::from_paise(9_695)
);
edge!(
    a_stop_lies_beyond_the_entry,
    StopOnWrongSide,
    |facts, enter| enter.stop,
    Price::from_paise(10_005),
    Price::from_paise(10_010)
);
edge!(
    a_stop_is_needed,
    StopOnWrongSide,
    |facts, enter| enter.stop,
    Price::from_paise(9_510),
    Price::NONE
);
edge!(
    an_own_sale_at_the_price_is_not_met,
    SelfMatch,
    |facts, enter| facts.opposing,
    Some(Price::from_paise(10_015)),
    Some(Price::from_paise(10_010))
);
edge!(
    an_own_order_without_a_limit_is_not_met,
    SelfMatch,
    |facts, enter| facts.opposing,
    None,
    Some(Price::NONE)
);
edge!(
    a_position_is_bounded_in_value,
    PositionValue,
    |facts, enter| (enter.qty, enter.stop),
    (Qty::new(295), Price::from_paise(9_510)),
    (Qty::new(300), Price::from_paise(9_510))
);
edge!(
    a_position_is_bounded_in_risk,
    PositionRisk,
    |facts, enter| (enter.qty, enter.stop),
    (Qty::new(250), Price::from_paise(8_010)),
    (Qty::new(250), Price::from_paise(8_005))
);
edge!(
    an_instrument_is_bounded,
    InstrumentExposure,
    |facts, enter| facts.exposures.instrument,
    Money::from_rupees(19_990),
    Money::new(199_900_001)
);
edge!(
    everything_together_is_bounded,
    TotalExposure,
    |facts, enter| facts.exposures.total,
    Money::from_rupees(59_990),
    Money::new(599_900_001)
);
edge!(
    an_underlying_is_bounded,
    UnderlyingExposure,
    |facts, enter| facts.exposures.underlying,
    Money::from_rupees(19_990),
    Money::new(199_900_001)
);
edge!(
    a_sector_is_bounded,
    SectorExposure,
    |facts, enter| facts.exposures.sector,
    Money::from_rupees(19_990),
    Money::new(199_900_001)
);
edge!(
    a_strategy_is_bounded,
    StrategyExposure,
    |facts, enter| facts.exposures.strategy,
    Money::from_rupees(59_990),
    Money::new(599_900_001)
);
edge!(
    what_moves_together_is_bounded,
    CorrelatedExposure,
    |facts, enter| facts.exposures.correlated,
    Money::from_rupees(39_990),
    Money::new(399_900_001)
);
edge!(
    delta_is_bounded,
    DeltaExposure,
    |facts, enter| (facts.exposures.delta, facts.delta_value),
    (Money::from_rupees(1_999_999), Money::from_rupees(1)),
    (Money::from_rupees(1_999_999), Money::new(10_001))
);
edge!(
    leverage_is_bounded_by_the_equity_of_now,
    Leverage,
    |facts, enter| facts.equity,
    Money::from_rupees(10_010),
    Money::new(100_099_999)
);
edge!(
    margin_is_not_overdrawn,
    MarginShort,
    |facts, enter| (facts.margin_need, facts.margin_available),
    (Money::from_rupees(5), Some(Money::from_rupees(5))),
    (Money::from_rupees(5), Some(Money::new(49_999)))
);
edge!(
    a_sum_that_does_not_fit_denies,
    Overflow,
    |facts, enter| facts.exposures.instrument,
    Money::ZERO,
    Money::new(i64::MAX)
);
