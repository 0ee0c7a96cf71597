//! Quantities in units (shares or contract units, never lots). Signed: a short position is negative.

use std::fmt;

/// A count of units. Lots exist only at the edges, where the lot size of the instrument is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Qty(i64);

impl Qty {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Wraps a count of units.
    #[must_use]
    pub const fn new(units: i64) -> Self {
        Self(units)
    }

    /// The raw count of units.
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

    /// The size without its sign. Saturates.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// Whether there is anything at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The largest multiple of `lot` not above this size; `lot` must be positive.
    #[must_use]
    pub const fn floor_to_lot(self, lot: Self) -> Self {
        assert!(lot.0 > 0, "a lot is positive");
        Self(self.0 / lot.0 * lot.0)
    }

    /// Whether this is a whole number of lots.
    #[must_use]
    pub const fn is_whole_lots(self, lot: Self) -> bool {
        lot.0 > 0 && self.0 % lot.0 == 0
    }
}

impl fmt::Display for Qty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
