//! Net position and result of one instrument, from fills alone.

use crate::order::Side;
use crate::price::{Money, Price};
use crate::quantity::Qty;

/// What a fill could not be booked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionOverflow;

/// A net position. `cost` is what the open part was bought or sold for, so no average is ever rounded away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Net quantity; negative when short.
    pub qty: Qty,
    /// Signed cost of the open part: positive for longs, negative for shorts.
    pub cost: Money,
    /// Result of what was closed today, charges not deducted.
    pub realised: Money,
    /// Quantity bought today.
    pub bought: Qty,
    /// Quantity sold today.
    pub sold: Qty,
}

impl Position {
    /// Books one fill.
    ///
    /// # Errors
    /// [`PositionOverflow`] when a sum leaves the range of money; nothing is changed then.
    pub fn fill(&mut self, side: Side, qty: Qty, price: Price) -> Result<(), PositionOverflow> {
        assert!(qty.get() > 0, "a fill has a positive quantity");
        let closing = if self.qty.get().signum() == -side.sign() {
            qty.get().min(self.qty.abs().get())
        } else {
            0
        };
        let opening = qty.get() - closing;
        let mut next = *self;
        if closing > 0 {
            let cost = self.cost.share(closing, self.qty.abs().get());
            let value = price.times(Qty::new(closing)).ok_or(PositionOverflow)?;
            // Selling out of a long earns the value and gives up its cost; buying back a short, the reverse.
            let value = Money::new(-side.sign() * value.get());
            next.realised = value
                .minus(cost)
                .and_then(|gain| self.realised.plus(gain))
                .ok_or(PositionOverflow)?;
            next.cost = self.cost.minus(cost).ok_or(PositionOverflow)?;
        }
        if opening > 0 {
            let value = price.times(Qty::new(opening)).ok_or(PositionOverflow)?;
            next.cost = next
                .cost
                .plus(Money::new(side.sign() * value.get()))
                .ok_or(PositionOverflow)?;
        }
        next.qty = Qty::new(side.sign() * qty.get())
            .plus(self.qty)
            .ok_or(PositionOverflow)?;
        match side {
            Side::Buy => next.bought = self.bought.plus(qty).ok_or(PositionOverflow)?,
            Side::Sell => next.sold = self.sold.plus(qty).ok_or(PositionOverflow)?,
        }
        assert_eq!(
            next.qty.is_zero(),
            next.cost.get() == 0,
            "a flat position has no cost"
        );
        *self = next;
        Ok(())
    }

    /// Average price of the open part; [`Price::NONE`] when flat.
    #[must_use]
    pub fn average_price(&self) -> Price {
        if self.qty.is_zero() {
            Price::NONE
        } else {
            Price::new(self.cost.get() / self.qty.get())
        }
    }

    /// Result of the open part at `mark`; saturates.
    #[must_use]
    #[inline]
    pub fn unrealised(&self, mark: Price) -> Money {
        // Nearly always it fits.
        let value = mark.get().checked_mul(self.qty.get());
        if let Some(result) = value.and_then(|value| value.checked_sub(self.cost.get())) {
            return Money::new(result);
        }
        let value = i128::from(mark.get()) * i128::from(self.qty.get()) - i128::from(self.cost.get());
        Money::new(value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// Value of the open part at `mark`, without its sign; saturates.
    #[must_use]
    pub fn exposure(&self, mark: Price) -> Money {
        Money::new(mark.get().saturating_mul(self.qty.abs().get()))
    }

    /// Whether nothing is open.
    #[must_use]
    pub const fn is_flat(&self) -> bool {
        self.qty.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_round_trip_earns_the_difference_on_either_side() {
        for (first, entry, exit, gain) in [
            (Side::Buy, 1_000_000, 1_050_000, 500_000),
            (Side::Sell, 1_000_000, 1_050_000, -500_000),
        ] {
            let mut position = Position::default();
            position
                .fill(first, Qty::new(10), Price::new(entry))
                .expect("small numbers");
            position
                .fill(first.opposite(), Qty::new(10), Price::new(exit))
                .expect("small numbers");
            assert!(position.is_flat());
            assert_eq!(position.realised, Money::new(gain));
        }
    }

    proptest! {
        #[test]
        fn realised_plus_unrealised_equals_cash_plus_value(
            fills in prop::collection::vec((any::<bool>(), 1i64..1_000, 1i64..10_000_000), 1..50),
            mark in 1i64..10_000_000,
        ) {
            let mut position = Position::default();
            let (mut cash, mut net) = (0i64, 0i64);
            for (buy, qty, price) in fills {
                let side = if buy { Side::Buy } else { Side::Sell };
                position.fill(side, Qty::new(qty), Price::new(price)).expect("small numbers");
                cash -= side.sign() * qty * price;
                net += side.sign() * qty;
            }
            prop_assert_eq!(position.qty.get(), net);
            let total = position.realised.get() + position.unrealised(Price::new(mark)).get();
            prop_assert_eq!(total, cash + net * mark);
        }

        /// Beside the position a list of every unit that is open, with the price at which it was opened.
        #[test]
        fn the_average_lies_among_the_prices_at_which_what_is_open_was_opened(
            fills in prop::collection::vec((any::<bool>(), 1i64..100, 1i64..10_000_000), 1..50),
        ) {
            let mut position = Position::default();
            let (mut opened, mut net, mut closings) = (Vec::new(), 0i64, 0);
            let (mut bought, mut sold) = (0, 0);
            for (buy, qty, price) in fills {
                let side = if buy { Side::Buy } else { Side::Sell };
                let signed = side.sign() * qty;
                *(if buy { &mut bought } else { &mut sold }) += qty;
                position.fill(side, Qty::new(qty), Price::new(price)).expect("small numbers");
                let turned = net.signum() * (net + signed).signum() <= 0;
                if turned {
                    opened.clear();
                    closings = 0;
                }
                net += signed;
                if net.signum() == side.sign() {
                    opened.push(price);
                } else {
                    closings += 1;
                }
                prop_assert_eq!(position.qty.get(), net);
                prop_assert_eq!((position.bought.get(), position.sold.get()), (bought, sold));
                prop_assert_eq!(position.is_flat(), net == 0);
                if net == 0 {
                    prop_assert_eq!((position.cost.get(), position.average_price()), (0, Price::NONE));
                    continue;
                }
                // Each part that was closed took its share of the cost along, rounded by less than one unit of money.
                let (low, high) = (opened.iter().min().expect("open"), opened.iter().max().expect("open"));
                let cost = position.cost.get();
                prop_assert_eq!(cost.signum(), net.signum());
                prop_assert!(cost.abs() >= low * net.abs() - closings && cost.abs() <= high * net.abs() + closings);
                prop_assert_eq!(position.average_price().get(), cost / net);
            }
        }
    }
}
