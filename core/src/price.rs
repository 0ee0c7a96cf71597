//! Prices and money as checked integers.
//!
//! One unit is 1/10 000 of a rupee, which holds every NSE tick exactly (0.01, 0.05 and the 0.0025 of
//! currency pairs). Floats never come in here: the feed's doubles are rounded once, in `normalise`.

use std::fmt;

use crate::quantity::Qty;

/// Units in one rupee.
pub const UNITS_PER_RUPEE: i64 = 10_000;
/// Units in one paisa.
pub const UNITS_PER_PAISA: i64 = 100;
/// One whole in basis points.
pub const BPS: i64 = 10_000;

/// A price in 1/10 000 rupee. Zero means "no price".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(i64);

/// An amount of money in 1/10 000 rupee; may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// Which way a price is moved onto the tick grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// To the grid price at or below.
    Down,
    /// To the grid price at or above.
    Up,
}

impl Price {
    /// The price that stands for "none".
    pub const NONE: Self = Self(0);

    /// Wraps a count of 1/10 000 rupee.
    #[must_use]
    pub const fn new(units: i64) -> Self {
        Self(units)
    }

    /// From whole paise, as instrument masters give tick sizes.
    #[must_use]
    pub const fn from_paise(paise: i64) -> Self {
        Self(paise.saturating_mul(UNITS_PER_PAISA))
    }

    /// The raw count of 1/10 000 rupee.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether this is a price at all (strictly positive).
    #[must_use]
    pub const fn is_set(self) -> bool {
        self.0 > 0
    }

    /// Price times quantity. `None` on overflow.
    #[must_use]
    pub const fn times(self, qty: Qty) -> Option<Money> {
        match self.0.checked_mul(qty.get()) {
            Some(units) => Some(Money(units)),
            None => None,
        }
    }

    /// This price moved by `bps` basis points of itself, rounded toward zero. Saturates.
    #[must_use]
    pub const fn moved_bps(self, bps: i64) -> Self {
        Self(self.0.saturating_add(ratio(self.0, bps, BPS)))
    }

    /// The distance to another price; may be negative. Saturates.
    #[must_use]
    pub const fn minus(self, other: Self) -> Money {
        Money(self.0.saturating_sub(other.0))
    }

    /// This price on the grid of `tick`, which must be positive. Saturates.
    #[must_use]
    pub const fn on_tick(self, tick: Self, round: Round) -> Self {
        assert!(tick.0 > 0, "a tick size is positive");
        let below = self.0.div_euclid(tick.0).saturating_mul(tick.0);
        match round {
            Round::Up if below != self.0 => Self(below.saturating_add(tick.0)),
            Round::Down | Round::Up => Self(below),
        }
    }

    /// Whether the price lies on the grid of `tick`.
    #[must_use]
    pub const fn is_on_tick(self, tick: Self) -> bool {
        tick.0 > 0 && self.0 % tick.0 == 0
    }

    /// Rupees as a float: for read-outs and indicators, never for an order.
    #[must_use]
    pub fn rupees(self) -> f64 {
        self.0 as f64 / UNITS_PER_RUPEE as f64
    }
}

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Wraps a count of 1/10 000 rupee.
    #[must_use]
    pub const fn new(units: i64) -> Self {
        Self(units)
    }

    /// From whole rupees. Saturates.
    #[must_use]
    pub const fn from_rupees(rupees: i64) -> Self {
        Self(rupees.saturating_mul(UNITS_PER_RUPEE))
    }

    /// The raw count of 1/10 000 rupee.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum, or `None` on overflow.
    #[must_use]
    pub const fn plus(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// The difference, or `None` on overflow.
    #[must_use]
    pub const fn minus(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// `bps` basis points of this amount, rounded toward zero. Saturates.
    #[must_use]
    pub const fn bps(self, bps: i64) -> Self {
        Self(ratio(self.0, bps, BPS))
    }

    /// This amount times `part` over `whole`, rounded toward zero; `whole` must not be zero. Saturates.
    #[must_use]
    pub const fn share(self, part: i64, whole: i64) -> Self {
        Self(ratio(self.0, part, whole))
    }

    /// Rupees as a float: for read-outs only.
    #[must_use]
    pub fn rupees(self) -> f64 {
        self.0 as f64 / UNITS_PER_RUPEE as f64
    }
}

/// `value * part / whole` without overflow in between; saturates at the ends of the range.
const fn ratio(value: i64, part: i64, whole: i64) -> i64 {
    assert!(whole != 0, "a share of nothing");
    // Nearly always it fits, and dividing twice as many bits takes a call.
    if let Some(product) = value.checked_mul(part)
        && let Some(quotient) = product.checked_div(whole)
    {
        return quotient;
    }
    let wide = value as i128 * part as i128 / whole as i128;
    if wide > i64::MAX as i128 {
        i64::MAX
    } else if wide < i64::MIN as i128 {
        i64::MIN
    } else {
        wide as i64
    }
}

/// Rupees with two decimals, four where the price needs them.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_rupees(f, self.0)
    }
}

/// Rupees with two decimals, four where the amount needs them.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_rupees(f, self.0)
    }
}

fn write_rupees(f: &mut fmt::Formatter<'_>, units: i64) -> fmt::Result {
    let sign = if units < 0 { "-" } else { "" };
    let whole = units.unsigned_abs() / UNITS_PER_RUPEE as u64;
    let part = units.unsigned_abs() % UNITS_PER_RUPEE as u64;
    if part.is_multiple_of(UNITS_PER_PAISA as u64) {
        write!(f, "{sign}{whole}.{:02}", part / UNITS_PER_PAISA as u64)
    } else {
        write!(f, "{sign}{whole}.{part:04}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_rounded_onto_the_tick_in_both_directions() {
        let tick = Price::from_paise(5);
        for (units, down, up) in [
            (1_000_000, 1_000_000, 1_000_000),
            (1_000_123, 1_000_000, 1_000_500),
        ] {
            assert_eq!(Price::new(units).on_tick(tick, Round::Down), Price::new(down));
            assert_eq!(Price::new(units).on_tick(tick, Round::Up), Price::new(up));
        }
    }

    #[test]
    fn money_prints_paise_and_no_more_unless_it_must() {
        assert_eq!(Money::new(-12_345_600).to_string(), "-1234.56");
        assert_eq!(Price::new(25).to_string(), "0.0025");
    }

    #[test]
    fn a_product_that_does_not_fit_is_none() {
        assert_eq!(Price::new(i64::MAX).times(Qty::new(2)), None);
        assert_eq!(Money::new(i64::MAX).plus(Money::new(1)), None);
    }
}
