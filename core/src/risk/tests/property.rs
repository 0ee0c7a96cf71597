//! Whatever the facts: an entry that passes keeps every limit, computed again without the code under test.

use proptest::prelude::*;

use super::*;
use crate::price::BPS;

proptest! {
    #[test]
    fn whatever_passes_keeps_every_limit_computed_again(
        qty in 0i64..2_000, paise in 9_600i64..10_400, stop in 1i64..11_000, buy in any::<bool>(), option in any::<bool>(),
        sums in prop::array::uniform8(0i64..800_000_000), equity in -1_000_000_000i64..2_000_000_000,
        delta in 0i64..30_000_000_000, limits in prop::array::uniform9(1i64..20_000),
    ) {
        let instrument = Instrument {
            kind: if option { InstrumentKind::Call } else { InstrumentKind::Equity },
            ..instrument()
        };
        let (quote, mut config) = (quote(), Config::default());
        let risk = &mut config.risk;
        [
            risk.position_value_bps, risk.position_risk_bps, risk.instrument_exposure_bps, risk.total_exposure_bps,
            risk.options_exposure_bps, risk.sector_exposure_bps, risk.strategy_exposure_bps,
            risk.correlated_exposure_bps, risk.leverage_bps,
        ] = limits;
        risk.order_lots_max = 1_000;
        let risk = config.risk;
        let mut facts = facts(&instrument, &quote);
        let [total, options, held, underlying, sector, strategy, correlated, committed] = sums.map(Money::new);
        facts.exposures = Exposures {
            total, options, instrument: held, underlying, sector, strategy, correlated, delta: Money::new(delta),
            margin_committed: committed, unknown_relations: 0,
        };
        (facts.equity, facts.margin_available) = (Money::new(equity), Some(Money::from_rupees(50_000)));
        let mut enter = enter();
        enter.signal.side = if buy { Side::Buy } else { Side::Sell };
        (enter.qty, enter.limit) = (Qty::new(qty), Price::from_paise(paise));
        enter.stop = Price::from_paise(stop);
        if check_entry(&facts, &enter, &config).is_ok() {
            let wide = i128::from;
            let (qty, limit, stop) = (wide(qty), wide(enter.limit.get()), wide(enter.stop.get()));
            let value = qty * limit;
            let within = |sum: i128, bps: i64, of: Money| sum * wide(BPS) <= wide(of.get()) * wide(bps) + wide(BPS);
            prop_assert!(qty > 0 && qty % 5 == 0 && qty <= 1_000 && limit % 500 == 0);
            let stop_is_beyond = if buy { stop < limit } else { stop > limit };
            prop_assert!(stop_is_beyond);
            prop_assert!((limit - 1_000_000).abs() * wide(BPS) <= 1_000_000 * wide(risk.collar_bps));
            prop_assert!(value <= wide(risk.order_value_max.get()));
            prop_assert!(within(value, risk.position_value_bps, risk.capital));
            prop_assert!(within(qty * (limit - stop).abs(), risk.position_risk_bps, risk.capital));
            for (sum, bps) in [
                (held, risk.instrument_exposure_bps), (total, risk.total_exposure_bps),
                (underlying, risk.underlying_exposure_bps), (sector, risk.sector_exposure_bps),
                (strategy, risk.strategy_exposure_bps), (correlated, risk.correlated_exposure_bps),
            ] {
                prop_assert!(within(wide(sum.get()) + value, bps, risk.capital));
            }
            prop_assert!(!option || within(wide(options.get()) + value, risk.options_exposure_bps, risk.capital));
            prop_assert!(within(wide(total.get()) + value, risk.leverage_bps, facts.equity));
            prop_assert!(within(wide(delta), risk.delta_exposure_bps, risk.capital));
            prop_assert!(committed <= Money::from_rupees(50_000));
        }
    }
}
