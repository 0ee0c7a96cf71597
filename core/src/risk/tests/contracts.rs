//! Checks that look at the contract, the market, the configuration or several facts at once.

use super::*;

#[test]
fn what_is_committed_counts_against_the_margin() {
    let need = |committed| {
        verdict(|facts, _| {
            (facts.margin_need, facts.margin_available) = (Money::new(5), Some(Money::new(10)));
            facts.exposures.margin_committed = Money::new(committed);
        })
    };
    assert_eq!((need(5), need(6)), (Ok(()), Err(Denial::MarginShort)));
}

#[test]
fn an_unknown_margin_denies_only_where_it_is_required() {
    let with = |require| {
        verdict_of(instrument(), quote(), |_, _, config| {
            config.risk.require_margin = require
        })
    };
    assert_eq!((with(false), with(true)), (Ok(()), Err(Denial::MarginUnknown)));
}

#[test]
fn an_order_is_bounded_in_value_whatever_the_capital() {
    let with = |rupees| {
        verdict_of(instrument(), quote(), |_, _, config| {
            config.risk.order_value_max = Money::from_rupees(rupees);
        })
    };
    assert_eq!((with(10_010), with(10_009)), (Ok(()), Err(Denial::OrderValue)));
}

/// A wish for `qty` where the exchange freezes orders above `freeze`, with room in the rates for ten of them.
fn cut_at(
    freeze: i64,
    qty: i64,
    change: impl FnOnce(&mut EntryFacts<'_>, &mut Config),
) -> Result<(), Denial> {
    let frozen = Instrument {
        freeze: Qty::new(freeze),
        ..instrument()
    };
    verdict_of(frozen, quote(), |facts, enter, config| {
        enter.qty = Qty::new(qty);
        config.risk.entries_per_second_max = 10;
        change(facts, config);
    })
}

#[test]
fn an_entry_may_be_cut_into_ten_orders_at_the_freeze_quantity() {
    let with = |freeze, qty| cut_at(freeze, qty, |_, _| {});
    for qty in [10, 15, 100] {
        assert_eq!(with(10, qty), Ok(()), "{qty}");
    }
    assert_eq!(with(10, 105), Err(Denial::FreezeQuantity));
    // Pieces are whole lots: of twelve units ten.
    assert_eq!(
        (with(12, 100), with(12, 105)),
        (Ok(()), Err(Denial::FreezeQuantity))
    );
    assert_eq!(with(4, 5), Err(Denial::FreezeQuantity), "not one lot fits");
}

#[test]
fn an_entry_that_is_cut_is_judged_whole() {
    let with = |rupees| {
        cut_at(10, 100, |_, config| {
            config.risk.order_value_max = Money::from_rupees(rupees);
        })
    };
    assert_eq!((with(10_010), with(10_009)), (Ok(()), Err(Denial::OrderValue)));
    let with = |lots| {
        let future = Instrument {
            kind: InstrumentKind::Future,
            freeze: Qty::new(25),
            ..instrument()
        };
        verdict_of(future, quote(), |_, _, config| config.risk.order_lots_max = lots)
    };
    assert_eq!((with(20), with(19)), (Ok(()), Err(Denial::OrderLots)));
}

#[test]
fn every_order_that_an_entry_is_cut_into_counts_in_rates_and_counts() {
    // Thirty units in three orders, beside so many that were sent or come before.
    for (inside, beyond, denial) in [(7, 8, Denial::OrderRate), (17, 18, Denial::OrderRate)] {
        let with = |sent: u32| {
            let mut times = RecentTimes::NONE;
            for _ in 0..sent {
                times.push(ago(if inside == 7 { JUST_UNDER } else { SECOND }));
            }
            let (instrument, quote) = (
                Instrument {
                    freeze: Qty::new(10),
                    ..instrument()
                },
                quote(),
            );
            let mut config = Config::default();
            config.risk.entries_per_second_max = 10;
            let facts = EntryFacts {
                entry_times: &times,
                ..facts(&instrument, &quote)
            };
            let enter = Enter {
                qty: Qty::new(30),
                ..enter()
            };
            check_entry(&facts, &enter, &config)
        };
        assert_eq!((with(inside), with(beyond)), (Ok(()), Err(denial)));
    }
    type Set = fn(&mut EntryFacts<'_>, u32);
    let rows: [(Set, u32, u32, Denial); 4] = [
        (
            |facts, count| facts.entries_today = count,
            97,
            98,
            Denial::EntriesPerDayMax,
        ),
        (
            |facts, count| facts.orders_today = count,
            497,
            498,
            Denial::OrdersPerDayMax,
        ),
        (|facts, count| facts.orders_ahead = count, 7, 8, Denial::OrderRate),
        (|facts, count| facts.orders_room = count, 3, 2, Denial::OrdersMax),
    ];
    for (set, inside, beyond, denial) in rows {
        let with = |count| cut_at(10, 30, |facts, _| set(facts, count));
        assert_eq!((with(inside), with(beyond)), (Ok(()), Err(denial)));
    }
}

#[test]
fn lots_of_a_derivative_are_bounded_and_those_of_a_share_are_not() {
    let with = |kind, max| {
        verdict_of(Instrument { kind, ..instrument() }, quote(), |_, _, config| {
            config.risk.order_lots_max = max;
        })
    };
    assert_eq!(with(InstrumentKind::Future, 20), Ok(()));
    assert_eq!(with(InstrumentKind::Future, 19), Err(Denial::OrderLots));
    assert_eq!(with(InstrumentKind::Equity, 1), Ok(()));
}

#[test]
fn the_band_of_the_day_bounds_the_price_on_both_sides() {
    let with = |lower, upper| {
        let banded = Instrument {
            lower_band: Price::from_paise(lower),
            upper_band: Price::from_paise(upper),
            ..instrument()
        };
        verdict_of(banded, quote(), |_, _, _| {})
    };
    assert_eq!(with(0, 10_010), Ok(()));
    assert_eq!(with(0, 10_005), Err(Denial::PriceBand));
    assert_eq!(with(10_010, 0), Ok(()));
    assert_eq!(with(10_015, 0), Err(Denial::PriceBand));
}

#[test]
fn the_exchanges_protection_bounds_the_price_of_a_derivative() {
    let with = |paise, collar_bps| {
        let future = Instrument {
            kind: InstrumentKind::Future,
            ..instrument()
        };
        verdict_of(future, quote(), |_, enter, config| {
            (enter.limit, config.risk.collar_bps) = (Price::from_paise(paise), collar_bps);
        })
    };
    // 3 % of the last trade at 100.00, while the collar is wider.
    assert_eq!(with(10_300, 500), Ok(()));
    assert_eq!(with(10_305, 500), Err(Denial::PriceProtection));
}

#[test]
fn options_together_are_bounded() {
    let with = |units| {
        let option = Instrument {
            kind: InstrumentKind::Call,
            ..instrument()
        };
        verdict_of(option, quote(), |facts, _, _| {
            facts.exposures.options = Money::new(units)
        })
    };
    assert_eq!(
        (with(399_900_000), with(399_900_001)),
        (Ok(()), Err(Denial::OptionsExposure))
    );
}

#[test]
fn an_index_cannot_be_traded() {
    let index = Instrument {
        kind: InstrumentKind::Index,
        ..instrument()
    };
    assert_eq!(
        verdict_of(index, quote(), |_, _, _| {}),
        Err(Denial::InstrumentNotTradable)
    );
}

#[test]
fn a_quote_is_fresh_in_trade_and_book() {
    let with = |trade_age, book_age| {
        let aged = Quote {
            ltp_ts: ago(DurationNs::new(trade_age)),
            book_ts: ago(DurationNs::new(book_age)),
            ..quote()
        };
        verdict_of(instrument(), aged, |_, _, _| {})
    };
    let limit = 3_000_000_000;
    assert_eq!(with(limit, limit), Ok(()));
    assert_eq!(with(limit + 1, 0), Err(Denial::QuoteStale));
    assert_eq!(with(0, limit + 1), Err(Denial::QuoteStale));
}

#[test]
fn a_wild_trade_beside_a_sound_book_denies() {
    let with = |paise| {
        let wild = Quote {
            ltp: Price::from_paise(paise),
            ..quote()
        };
        verdict_of(instrument(), wild, |_, _, _| {})
    };
    for paise in [9_700, 10_300] {
        assert_eq!(with(paise), Ok(()), "{paise}");
    }
    for paise in [1_000, 9_690, 10_310, 100_000] {
        assert_eq!(with(paise), Err(Denial::QuoteIncoherent), "{paise}");
    }
}

#[test]
fn a_sale_is_checked_the_other_way_round() {
    let sale = |limit, stop, opposing: Option<i64>| {
        verdict(|facts, enter| {
            enter.signal.side = Side::Sell;
            (enter.limit, enter.stop) = (Price::from_paise(limit), Price::from_paise(stop));
            facts.opposing = opposing.map(Price::from_paise);
        })
    };
    assert_eq!(sale(9_990, 10_490, None), Ok(()));
    assert_eq!(sale(9_990, 9_990, None), Err(Denial::StopOnWrongSide));
    assert_eq!(sale(9_990, 10_490, Some(9_985)), Ok(()));
    assert_eq!(sale(9_990, 10_490, Some(9_990)), Err(Denial::SelfMatch));
    assert_eq!(
        sale(9_990, 10_490, Some(0)),
        Err(Denial::SelfMatch),
        "a purchase without a limit meets any sale"
    );
}

#[test]
fn entries_of_a_second_and_of_a_minute_are_bounded() {
    let with = |count: u32, age: DurationNs| {
        let mut times = RecentTimes::NONE;
        for _ in 0..count {
            times.push(ago(age));
        }
        let (instrument, quote) = (instrument(), quote());
        let facts = EntryFacts {
            entry_times: &times,
            ..facts(&instrument, &quote)
        };
        check_entry(&facts, &enter(), &Config::default())
    };
    let minute = DurationNs::from_secs(60);
    assert_eq!(
        (with(3, JUST_UNDER), with(4, JUST_UNDER)),
        (Ok(()), Err(Denial::OrderRate))
    );
    assert_eq!(
        (with(19, SECOND), with(20, SECOND)),
        (Ok(()), Err(Denial::OrderRate))
    );
    assert_eq!(with(200, minute), Ok(()));
}
