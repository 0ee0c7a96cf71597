//! Trades and positions: the broker's own books, from which every read is answered.
//!
//! Invariant: a position equals the sum of the trades of its instrument and product.

use std::collections::BTreeMap;

use bijli_core::order::Side;
use bijli_core::position::Position;
use bijli_core::{Money, Price, Qty, TsNs};

use super::order::{Product, Trade};

/// A position with what the broker's rows tell beyond net quantity and result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holding {
    pub(super) position: Position,
    pub(super) bought_value: Money,
    pub(super) sold_value: Money,
}

const IN_RANGE: &str = "what moves between products was in range before it moved";

impl Holding {
    /// Takes open quantity out, as if it had never been traded.
    fn give(&mut self, qty: Qty, cost: Money) {
        let sign = self.position.qty.get().signum();
        let position = &mut self.position;
        position.qty = Qty::new(position.qty.get() - sign * qty.get());
        position.cost = position.cost.minus(cost).expect(IN_RANGE);
        let (units, value) = if sign > 0 {
            (&mut position.bought, &mut self.bought_value)
        } else {
            (&mut position.sold, &mut self.sold_value)
        };
        *units = Qty::new(units.get() - qty.get());
        *value = Money::new(value.get() - sign * cost.get());
    }

    /// Takes quantity in at a whole cost: positive for bought, negative for sold quantity.
    fn receive(&mut self, side: Side, qty: Qty, cost: Money) {
        let position = &mut self.position;
        let against = if position.qty.get().signum() == -side.sign() {
            qty.get().min(position.qty.abs().get())
        } else {
            0
        };
        let mut opening = cost;
        if against > 0 {
            let closing = cost.share(against, qty.get());
            let own = position.cost.share(against, position.qty.abs().get());
            position.cost = position.cost.minus(own).expect(IN_RANGE);
            let gain = Money::new(-closing.get() - own.get());
            position.realised = position.realised.plus(gain).expect(IN_RANGE);
            opening = cost.minus(closing).expect(IN_RANGE);
        }
        position.cost = position.cost.plus(opening).expect(IN_RANGE);
        position.qty = Qty::new(position.qty.get() + side.sign() * qty.get());
        let (units, value) = match side {
            Side::Buy => (&mut position.bought, &mut self.bought_value),
            Side::Sell => (&mut position.sold, &mut self.sold_value),
        };
        *units = units.plus(qty).expect(IN_RANGE);
        *value = Money::new(value.get() + side.sign() * cost.get());
    }
}

/// The books of one day.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) trades: Vec<Trade>,
    holdings: BTreeMap<(u32, Product), Holding>,
    withdrawn: usize,
    has_converted: bool,
}

impl Ledger {
    /// Books a trade into its position.
    pub(super) fn book(&mut self, trade: Trade, instrument: u32, product: Product, side: Side) {
        self.enter(&trade, (instrument, product, side));
        self.trades.push(trade);
    }

    /// Trades ever booked, withdrawn ones included.
    pub(super) fn traded(&self) -> usize {
        self.trades.len() + self.withdrawn
    }

    /// Whether quantity has moved between products, which trades alone do not tell.
    pub(super) const fn has_converted(&self) -> bool {
        self.has_converted
    }

    /// Takes a trade back: every position is again the sum of the trades that stand.
    ///
    /// # Panics
    /// When quantity has moved between products.
    pub(super) fn withdraw(&mut self, place: usize, of: impl Fn(&Trade) -> (u32, Product, Side)) -> Trade {
        assert!(!self.has_converted, "positions are sums of trades alone");
        let withdrawn = self.trades.remove(place);
        self.withdrawn += 1;
        for holding in self.holdings.values_mut() {
            *holding = Holding::default();
        }
        let trades = std::mem::take(&mut self.trades);
        for trade in &trades {
            self.enter(trade, of(trade));
        }
        self.trades = trades;
        withdrawn
    }

    /// The books as they stood at `then`, by the trades that were not withdrawn since.
    pub(super) fn as_of(&self, then: TsNs, of: impl Fn(&Trade) -> (u32, Product, Side)) -> Self {
        let mut past = Self::default();
        for trade in self.trades.iter().filter(|trade| trade.ts <= then) {
            past.enter(trade, of(trade));
        }
        past
    }

    fn enter(&mut self, trade: &Trade, (instrument, product, side): (u32, Product, Side)) {
        const FITS: &str = "order entry bounds price and quantity far below the range of money";
        let holding = self.holdings.entry((instrument, product)).or_default();
        holding.position.fill(side, trade.qty, trade.price).expect(FITS);
        let value = trade.price.times(trade.qty).expect(FITS);
        let sum = match side {
            Side::Buy => &mut holding.bought_value,
            Side::Sell => &mut holding.sold_value,
        };
        *sum = sum.plus(value).expect(FITS);
    }

    /// Moves a quantity of an open position to another product at what it cost, so that nothing is earned or
    /// lost where the other product holds nothing against it.
    ///
    /// # Panics
    /// When the position is smaller.
    pub(super) fn convert(&mut self, instrument: u32, from: Product, to: Product, qty: Qty) {
        self.has_converted = true;
        let giver = self.holdings.entry((instrument, from)).or_default();
        let open = giver.position.qty;
        assert!(qty.get() > 0 && qty <= open.abs(), "a position gives what it has");
        let cost = giver.position.cost.share(qty.get(), open.abs().get());
        giver.give(qty, cost);
        let side = if open.get() > 0 { Side::Buy } else { Side::Sell };
        self.holdings
            .entry((instrument, to))
            .or_default()
            .receive(side, qty, cost);
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
