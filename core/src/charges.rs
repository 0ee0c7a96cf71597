//! What a fill costs: brokerage, taxes and fees as a dated table, never constants in the code around it.
//!
//! Sources: Finance Act rates of STT (from 2024-10-01 and 2026-04-01), NSE/FA/73061 (transaction charges with
//! IPFT), SEBI turnover fee, uniform stamp duty, Upstox's published brokerage. Amounts are exact to 1/10 000
//! rupee; the contract note's rounding of STT to whole rupees is left to the tie-out. Days before the first
//! row use the first row, whose figures for those years are only nearly right.

use crate::instrument::InstrumentKind;
use crate::order::Side;
use crate::price::Money;
use crate::time::IstDay;

/// Parts per billion in one whole.
const PPB: i64 = 1_000_000_000;
const GST_PPB: i64 = 180_000_000;
const SEBI_PPB: i64 = 1_000;
/// The most that one executed order costs in brokerage.
const BROKERAGE_CAP: Money = Money::from_rupees(20);

/// Rates of one kind of instrument, parts per billion of turnover.
#[derive(Clone, Copy)]
struct Rates {
    /// Securities transaction tax, sell side.
    stt: i64,
    /// Exchange transaction charge with IPFT, both sides.
    exchange: i64,
    /// Stamp duty, buy side.
    stamp: i64,
    /// Brokerage below its cap; `None` is the cap flat.
    brokerage: Option<i64>,
}

struct Regime {
    first_day: (i32, u32, u32),
    equity: Rates,
    future: Rates,
    option: Rates,
}

const EQUITY: Rates = Rates {
    stt: 250_000,
    exchange: 30_700,
    stamp: 30_000,
    brokerage: Some(1_000_000),
};
const FUTURE: Rates = Rates {
    stt: 500_000,
    exchange: 18_300,
    stamp: 20_000,
    brokerage: Some(500_000),
};
const OPTION: Rates = Rates {
    stt: 1_500_000,
    exchange: 355_300,
    stamp: 30_000,
    brokerage: None,
};

/// Each row holds from its first day until the day before the next row's.
const REGIMES: [Regime; 3] = [
    Regime {
        first_day: (2010, 10, 18),
        equity: Rates {
            exchange: 34_500,
            ..EQUITY
        },
        future: Rates {
            stt: 125_000,
            exchange: 20_000,
            ..FUTURE
        },
        option: Rates {
            stt: 625_000,
            exchange: 530_000,
            ..OPTION
        },
    },
    Regime {
        first_day: (2024, 10, 1),
        equity: EQUITY,
        future: Rates {
            stt: 200_000,
            ..FUTURE
        },
        option: Rates {
            stt: 1_000_000,
            ..OPTION
        },
    },
    Regime {
        first_day: (2026, 4, 1),
        equity: EQUITY,
        future: FUTURE,
        option: OPTION,
    },
];

/// One fill, as the charges see it.
#[derive(Clone, Copy, Debug)]
pub struct ChargedFill {
    /// The trading day.
    pub day: IstDay,
    /// Sort of contract.
    pub kind: InstrumentKind,
    /// Side of the order.
    pub side: Side,
    /// Price times quantity of this fill; not negative.
    pub turnover: Money,
    /// Turnover of earlier fills of the same order: brokerage is per executed order.
    pub order_turnover_before: Money,
}

/// The charges of one fill, each on its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChargeParts {
    /// The broker's own charge.
    pub brokerage: Money,
    /// The exchange's transaction charge, investor protection included.
    pub exchange: Money,
    /// Turnover fee of the regulator.
    pub sebi: Money,
    /// Tax on the three above.
    pub gst: Money,
    /// Stamp duty of a purchase.
    pub stamp: Money,
    /// Securities transaction tax of a sale.
    pub stt: Money,
}

impl ChargeParts {
    /// All of them together.
    #[must_use]
    pub const fn total(&self) -> Money {
        Money::new(
            self.brokerage.get()
                + self.exchange.get()
                + self.sebi.get()
                + self.gst.get()
                + self.stamp.get()
                + self.stt.get(),
        )
    }
}

impl ChargedFill {
    /// All charges of this fill together.
    #[must_use]
    pub fn total(&self) -> Money {
        self.parts().total()
    }

    /// The charges of this fill, each on its own.
    #[must_use]
    pub fn parts(&self) -> ChargeParts {
        assert!(self.turnover.get() >= 0, "turnover has no sign");
        let rates = self.rates();
        let brokerage = self.brokerage_until(
            self.turnover
                .get()
                .saturating_add(self.order_turnover_before.get()),
            rates,
        ) - self.brokerage_until(self.order_turnover_before.get(), rates);
        let exchange = of(self.turnover, rates.exchange);
        let sebi = of(self.turnover, SEBI_PPB);
        let gst = of(Money::new(brokerage + exchange + sebi), GST_PPB);
        let (stamp, stt) = match self.side {
            Side::Buy => (of(self.turnover, rates.stamp), 0),
            Side::Sell => (0, of(self.turnover, rates.stt)),
        };
        ChargeParts {
            brokerage: Money::new(brokerage),
            exchange: Money::new(exchange),
            sebi: Money::new(sebi),
            gst: Money::new(gst),
            stamp: Money::new(stamp),
            stt: Money::new(stt),
        }
    }

    fn brokerage_until(&self, turnover: i64, rates: Rates) -> i64 {
        if turnover == 0 {
            return 0;
        }
        rates.brokerage.map_or(BROKERAGE_CAP.get(), |ppb| {
            of(Money::new(turnover), ppb).min(BROKERAGE_CAP.get())
        })
    }

    fn rates(&self) -> Rates {
        let reached = |regime: &&Regime| {
            let (year, month, day) = regime.first_day;
            IstDay::from_ymd(year, month, day) <= Some(self.day)
        };
        let regime = REGIMES.iter().rev().find(reached).unwrap_or(&REGIMES[0]);
        match self.kind {
            InstrumentKind::Equity | InstrumentKind::Index => regime.equity,
            InstrumentKind::Future => regime.future,
            InstrumentKind::Call | InstrumentKind::Put => regime.option,
        }
    }
}

fn of(amount: Money, ppb: i64) -> i64 {
    amount.share(ppb, PPB).get()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(kind: InstrumentKind, buy_rupees: i64, sell_rupees: i64) -> f64 {
        let day = IstDay::from_ymd(2026, 11, 20).expect("a real date");
        let fill = |side, rupees| {
            let turnover = Money::from_rupees(rupees);
            ChargedFill {
                day,
                kind,
                side,
                turnover,
                order_turnover_before: Money::ZERO,
            }
            .total()
            .rupees()
        };
        fill(Side::Buy, buy_rupees) + fill(Side::Sell, sell_rupees)
    }

    #[test]
    fn the_worked_round_trips_come_out_to_the_paisa() {
        for (kind, buy, sell, expected) in [
            (InstrumentKind::Equity, 150_000, 150_500, 100.57),
            (InstrumentKind::Future, 1_625_000, 1_628_250, 967.91),
            (InstrumentKind::Call, 6_500, 7_150, 63.86),
        ] {
            let total = round_trip(kind, buy, sell);
            assert!((total - expected).abs() < 0.015, "{kind:?}: {total}");
        }
    }

    #[test]
    fn an_order_filled_in_parts_pays_the_brokerage_of_one_order() {
        let day = IstDay::from_ymd(2026, 11, 20).expect("a real date");
        let whole = |turnover, before| {
            ChargedFill {
                day,
                kind: InstrumentKind::Equity,
                side: Side::Buy,
                turnover: Money::from_rupees(turnover),
                order_turnover_before: Money::from_rupees(before),
            }
            .total()
        };
        let parts = whole(15_000, 0).get() + whole(15_000, 15_000).get();
        assert!(
            (parts - whole(30_000, 0).get()).abs() <= 4,
            "parts may differ by rounding alone"
        );
    }

    /// What each charge of a whole order is by the published rates, in units times one billion, rounded nowhere:
    /// brokerage, exchange, regulator, stamp, transaction tax.
    fn published(kind: InstrumentKind, side: Side, turnover: i64) -> [i128; 5] {
        let (exchange, stt, stamp) = match kind {
            InstrumentKind::Equity | InstrumentKind::Index => (30_700, 250_000, 30_000),
            InstrumentKind::Future => (18_300, 500_000, 20_000),
            InstrumentKind::Call | InstrumentKind::Put => (355_300, 1_500_000, 30_000),
        };
        let (turnover, twenty_rupees) = (i128::from(turnover), 200_000 * 1_000_000_000);
        let brokerage = match kind {
            _ if turnover == 0 => 0,
            InstrumentKind::Call | InstrumentKind::Put => twenty_rupees,
            InstrumentKind::Future => (turnover * 500_000).min(twenty_rupees),
            InstrumentKind::Equity | InstrumentKind::Index => (turnover * 1_000_000).min(twenty_rupees),
        };
        let (bought, sold) = match side {
            Side::Buy => (1, 0),
            Side::Sell => (0, 1),
        };
        [
            brokerage,
            turnover * exchange,
            turnover * 1_000,
            turnover * stamp * bought,
            turnover * stt * sold,
        ]
    }

    proptest! {
        #[test]
        fn fills_of_an_order_pay_what_the_whole_order_would_but_for_rounding(
            fills in prop::collection::vec(0i64..3_000_000_000, 1..12),
            kind in prop::sample::select(vec![
                InstrumentKind::Equity, InstrumentKind::Future, InstrumentKind::Call, InstrumentKind::Put,
            ]),
            buy in any::<bool>(),
        ) {
            let side = if buy { Side::Buy } else { Side::Sell };
            let day = IstDay::from_ymd(2026, 11, 20).expect("a real date");
            let (mut before, mut gst, mut sums) = (0, 0, [0i128; 5]);
            for fill in &fills {
                let parts = ChargedFill {
                    day,
                    kind,
                    side,
                    turnover: Money::new(*fill),
                    order_turnover_before: Money::new(before),
                }
                .parts();
                before += fill;
                gst += i128::from(parts.gst.get());
                let paid = [parts.brokerage, parts.exchange, parts.sebi, parts.stamp, parts.stt];
                for (sum, part) in sums.iter_mut().zip(paid) {
                    prop_assert!(part.get() >= 0);
                    *sum += i128::from(part.get());
                }
            }
            let billion = 1_000_000_000i128;
            let count = fills.len() as i128;
            let whole = published(kind, side, before);
            // The brokerage is that of one order, rounded once, however many fills there are.
            prop_assert!((sums[0] * billion - whole[0]).abs() < billion);
            for (sum, exact) in sums.iter().zip(whole) {
                prop_assert!((sum * billion - exact).abs() < billion * count);
            }
            // The tax is on the sum of the first three.
            let taxed: i128 = sums[..3].iter().sum();
            prop_assert!((gst * 100 - taxed * 18).abs() < 100 * count);
        }
    }
}
