//! Prices that the exchange would refuse: the day's band of a contract and the limit price protection of derivatives.
//!
//! Both bound the price of an order, entry or exit. A side that is not known does not bind: the exchange has the last
//! word. Sources: for the protection NSE circular NSE/FAOP/54242 of 2022-10-28, in force from 2022-10-31, and the
//! exchange's page of questions on it (index and stock contracts); its reference price is the exchange's own average
//! of the last 30 seconds, for which the last sound trade stands in here. The band of the day is what the broker's full
//! quote calls the circuit limits; the gateway reads it. The exchange moves it within the day for contracts with
//! derivatives (NSE, "Price Bands": it flexes once trades come near): one that the last trade lies outside of is old, and
//! holds no exit back. Left out: fetching bands (the gateway's `bands`).

use crate::instrument::{Instrument, InstrumentKind};
use crate::order::Side;
use crate::price::{BPS, Money, Price, Round};
use crate::time::IstDay;

/// The day from which the table below is in force; before it there was no such protection.
pub const PROTECTION_FROM: (i32, u32, u32) = (2022, 10, 31);

/// Up to this reference price the reach is an amount, above it a share of the reference.
struct Reach {
    small_to: Price,
    small: Money,
    large_bps: i64,
}

const OPTION_REACH: Reach = Reach {
    small_to: Price::from_paise(5_000),
    small: Money::from_rupees(20),
    large_bps: 4_000,
};
const INDEX_FUTURE_REACH: Reach = Reach {
    small_to: Price::from_paise(1_000_000),
    small: Money::from_rupees(200),
    large_bps: 200,
};
const STOCK_FUTURE_REACH: Reach = Reach {
    small_to: Price::from_paise(5_000),
    small: Money::new(15_000),
    large_bps: 300,
};

/// How far an order's price may lie beyond `reference` against whoever sends it, on `day`; `None` where no protection
/// applies or no reference is known.
#[must_use]
pub fn protection_reach(
    kind: InstrumentKind,
    on_index: bool,
    reference: Price,
    day: IstDay,
) -> Option<Money> {
    let (year, month, date) = PROTECTION_FROM;
    if !reference.is_set() || Some(day) < IstDay::from_ymd(year, month, date) {
        return None;
    }
    let table = match kind {
        InstrumentKind::Call | InstrumentKind::Put => &OPTION_REACH,
        InstrumentKind::Future if on_index => &INDEX_FUTURE_REACH,
        InstrumentKind::Future => &STOCK_FUTURE_REACH,
        InstrumentKind::Equity | InstrumentKind::Index => return None,
    };
    Some(if reference <= table.small_to {
        table.small
    } else {
        Money::new(reference.get()).share(table.large_bps, BPS)
    })
}

/// Whether `price` lies inside the day's band, as far as that is known.
#[must_use]
pub const fn within_day_band(instrument: &Instrument, price: Price) -> bool {
    let above_lower = !instrument.lower_band.is_set() || price.get() >= instrument.lower_band.get();
    let below_upper = !instrument.upper_band.is_set() || price.get() <= instrument.upper_band.get();
    above_lower && below_upper
}

/// Whether the protection lets an order of `side` at `price` pass: a buy is bounded above, a sale below. `reach` is
/// that of [`protection_reach`].
#[must_use]
pub const fn within_protection(reach: Option<Money>, reference: Price, side: Side, price: Price) -> bool {
    let Some(reach) = reach else {
        return true;
    };
    match side {
        Side::Buy => price.get() <= reference.get().saturating_add(reach.get()),
        Side::Sell => price.get() >= reference.get().saturating_sub(reach.get()),
    }
}

/// The nearest price to `price` on the tick grid that the exchange takes: inside the day's band, unless the last trade
/// `reference` shows that band to be old, and within the protection around `reference`. A price that was fine stays as
/// it is; [`Price::NONE`] stays none. `on_index` tells whether the underlying is an index.
#[must_use]
pub fn clamp_to_bands(
    instrument: &Instrument,
    on_index: bool,
    reference: Price,
    side: Side,
    price: Price,
    day: IstDay,
) -> Price {
    if !price.is_set() {
        return price;
    }
    let tick = instrument.tick;
    let mut clamped = price;
    if let Some(reach) = protection_reach(instrument.kind, on_index, reference, day) {
        let (low, high) = (
            Price::new(reference.get().saturating_sub(reach.get())).on_tick(tick, Round::Up),
            Price::new(reference.get().saturating_add(reach.get())).on_tick(tick, Round::Down),
        );
        clamped = match side {
            Side::Buy => clamped.min(high),
            Side::Sell => clamped.max(low),
        };
    }
    let is_old = reference.is_set() && !within_day_band(instrument, reference);
    if instrument.upper_band.is_set() && !is_old {
        clamped = clamped.min(instrument.upper_band.on_tick(tick, Round::Down));
    }
    if instrument.lower_band.is_set() && !is_old {
        clamped = clamped.max(instrument.lower_band.on_tick(tick, Round::Up));
    }
    clamped.max(tick)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::{InstrumentId, SectorId};
    use crate::quantity::Qty;
    use crate::text::Text;
    use InstrumentKind::{Call, Equity, Future, Index};
    use proptest::prelude::*;

    fn day() -> IstDay {
        IstDay::from_ymd(2026, 11, 20).expect("a real date")
    }

    fn contract(kind: InstrumentKind, lower: i64, upper: i64) -> Instrument {
        Instrument {
            id: InstrumentId::new(0),
            kind,
            underlying: InstrumentId::new(0),
            tick: Price::from_paise(5),
            lot: Qty::new(1),
            freeze: Qty::new(1_000),
            prev_close: Price::NONE,
            expiry: IstDay::new(0),
            strike: Price::NONE,
            lower_band: Price::new(lower),
            upper_band: Price::new(upper),
            sector: SectorId::OTHER,
            key: Text::EMPTY,
            symbol: Text::EMPTY,
        }
    }

    #[test]
    fn the_reach_follows_the_circular() {
        let rupees = |amount| Some(Money::from_rupees(amount));
        for (kind, on_index, paise, reach) in [
            (Call, true, 5_000, rupees(20)),
            (Call, false, 5_005, Some(Money::new(200_200))),
            (Call, false, 10_000, rupees(40)),
            (Future, true, 1_000_000, rupees(200)),
            (Future, true, 2_500_000, rupees(500)),
            (Future, false, 5_000, Some(Money::new(15_000))),
            (Future, false, 100_000, rupees(30)),
            (Equity, false, 100_000, None),
            (Index, true, 100_000, None),
            (Call, true, 0, None),
        ] {
            let reference = Price::from_paise(paise);
            assert_eq!(
                protection_reach(kind, on_index, reference, day()),
                reach,
                "{kind:?} {paise}"
            );
        }
        let before = IstDay::from_ymd(2022, 10, 30).expect("a real date");
        let reference = Price::from_paise(10_000);
        assert_eq!(protection_reach(Call, true, reference, before), None);
        let first = IstDay::from_ymd(2022, 10, 31).expect("a real date");
        assert_eq!(protection_reach(Call, true, reference, first), rupees(40));
    }

    #[test]
    fn the_protection_bounds_buys_above_and_sales_below() {
        let (reach, reference) = (Some(Money::from_rupees(40)), Price::from_paise(10_000));
        for (side, paise, passes) in [
            (Side::Buy, 14_000, true),
            (Side::Buy, 14_005, false),
            (Side::Buy, 5, true),
            (Side::Sell, 6_000, true),
            (Side::Sell, 5_995, false),
            (Side::Sell, 90_000, true),
        ] {
            assert_eq!(
                within_protection(reach, reference, side, Price::from_paise(paise)),
                passes
            );
        }
        assert!(within_protection(
            None,
            reference,
            Side::Buy,
            Price::new(i64::MAX)
        ));
    }

    #[test]
    fn the_day_band_binds_only_where_it_is_known() {
        for (lower, upper, price, passes) in [
            (0, 0, 1, true),
            (500, 1_000, 500, true),
            (500, 1_000, 499, false),
            (500, 1_000, 1_000, true),
            (500, 1_000, 1_001, false),
            (0, 1_000, 1, true),
            (500, 0, 1_000_000, true),
        ] {
            assert_eq!(
                within_day_band(&contract(Equity, lower, upper), Price::new(price)),
                passes
            );
        }
    }

    proptest! {
        #[test]
        fn a_clamped_price_is_one_that_the_exchange_takes(
            reference in 1i64..2_000_000, price in 1i64..8_000_000, buy in any::<bool>(), future in any::<bool>(),
            lower in 0i64..500_000, width in 0i64..4_000_000,
        ) {
            let side = if buy { Side::Buy } else { Side::Sell };
            // A band that leaves room for the protection's own bound; the band has the last word otherwise.
            let contract = contract(if future { Future } else { Call }, lower, lower + width + 1_000);
            let (reference, price) = (Price::new(reference), Price::new(price).on_tick(contract.tick, Round::Up));
            let reach = protection_reach(contract.kind, false, reference, day());
            let clamped = clamp_to_bands(&contract, false, reference, side, price, day());
            prop_assert!(clamped.is_on_tick(contract.tick) && clamped.is_set());
            let is_old = !within_day_band(&contract, reference);
            prop_assert!(is_old || within_day_band(&contract, clamped));
            let bound = match side {
                Side::Buy => contract.lower_band <= reference,
                Side::Sell => reference <= contract.upper_band,
            };
            prop_assert!(!bound || within_protection(reach, reference, side, clamped));
            let was_fine = is_old || within_day_band(&contract, price);
            if was_fine && within_protection(reach, reference, side, price) {
                prop_assert_eq!(clamped, price);
            }
        }
    }

    #[test]
    fn a_band_that_the_last_trade_lies_outside_of_holds_no_exit_back() {
        let clamped = |reference, side, price| {
            let (reference, price) = (Price::new(reference), Price::new(price));
            clamp_to_bands(
                &contract(Equity, 90_000, 110_000),
                false,
                reference,
                side,
                price,
                day(),
            )
            .get()
        };
        for (reference, sale, purchase) in [
            (110_000, 90_000, 110_000),
            (90_000, 90_000, 110_000),
            (0, 90_000, 110_000),
        ] {
            assert_eq!(clamped(reference, Side::Sell, 80_000), sale);
            assert_eq!(clamped(reference, Side::Buy, 120_000), purchase);
        }
        for reference in [110_500, 89_500] {
            assert_eq!(clamped(reference, Side::Sell, 80_000), 80_000);
            assert_eq!(clamped(reference, Side::Buy, 120_000), 120_000);
        }
    }

    #[test]
    fn no_price_stays_no_price() {
        let clamped = clamp_to_bands(
            &contract(Call, 1, 2),
            false,
            Price::new(1),
            Side::Buy,
            Price::NONE,
            day(),
        );
        assert_eq!(clamped, Price::NONE);
    }
}
