//! Trades and positions: the broker's own books, from which every read is answered.
//!
//! Invariant: a position equals the sum of the trades of its instrument and product.

use std::collections::BTreeMap;

use bijli_core::order::Side;
use bijli_core::position::Position;
use bijli_core::{Money, Price, Qty};

use super::order::{Product, Trade};

/// A position with what the broker's rows tell beyond net quantity and result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holding {
    pub(super) position: Position,
    pub(super) bought_value: Money,
    pub(super) sold_value: Money,
}

/// The books of one day.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) trades: Vec<Trade>,
    holdings: BTreeMap<(u32, Product), Holding>,
}

impl Ledger {
    /// Books a trade into its position.
    pub(super) fn book(&mut self, trade: Trade, instrument: u32, product: Product, side: Side) {
        const FITS: &str = "order entry bounds price and quantity far below the range of money";
        let holding = self.holdings.entry((instrument, product)).or_default();
        holding.position.fill(side, trade.qty, trade.price).expect(FITS);
        let value = trade.price.times(trade.qty).expect(FITS);
        let sum = match side {
            Side::Buy => &mut holding.bought_value,
            Side::Sell => &mut holding.sold_value,
        };
        *sum = sum.plus(value).expect(FITS);
        self.trades.push(trade);
    }

    /// Every position that was touched today, flat ones included, in a fixed order.
    pub(super) fn holdings(&self) -> impl Iterator<Item = (u32, Product, &Holding)> {
        self.holdings
            .iter()
            .map(|((instrument, product), holding)| (*instrument, *product, holding))
    }

    /// One position; flat if never touched.
    pub(super) fn holding(&self, instrument: u32, product: Product) -> Holding {
        self.holdings
            .get(&(instrument, product))
            .copied()
            .unwrap_or_default()
    }

    /// Positions that are not flat.
    pub(super) fn open_positions(&self) -> u64 {
        self.holdings
            .values()
            .filter(|holding| !holding.position.is_flat())
            .count() as u64
    }

    /// What was earned on closed quantity, charges not deducted.
    pub(super) fn realised(&self) -> Money {
        self.holdings.values().fold(Money::ZERO, |sum, holding| {
            sum.plus(holding.position.realised).unwrap_or(sum)
        })
    }

    /// Result of the open quantity at the prices that `mark` tells.
    pub(super) fn unrealised(&self, mark: impl Fn(u32) -> Price) -> Money {
        self.holdings()
            .fold(Money::ZERO, |sum, (instrument, _, holding)| {
                sum.plus(holding.position.unrealised(mark(instrument)))
                    .unwrap_or(sum)
            })
    }
}

/// The net quantity that an order of this side would reduce.
pub(super) fn reducible(position: &Position, side: Side) -> Qty {
    if position.qty.get().signum() == -side.sign() {
        position.qty.abs()
    } else {
        Qty::ZERO
    }
}
