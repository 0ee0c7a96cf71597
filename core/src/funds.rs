//! The account's funds as the broker last told them, with their age.
//!
//! Invariant: nothing is reckoned here; between two reports the risk gate's own limits hold. Left out: when they
//! are read (the gateway's: with every reconciliation, then once a minute).

use crate::event::FundsReported;
use crate::price::Money;
use crate::state_hash::StateHasher;
use crate::time::TsNs;

/// What the broker last said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    told: bool,
    /// Free for new orders.
    pub available: Money,
    /// Taken by orders and positions.
    pub used: Money,
    /// Engine time of the report.
    pub ts: TsNs,
}

impl Funds {
    /// Free for new orders; `None` before the first report.
    #[must_use]
    pub const fn margin_available(&self) -> Option<Money> {
        if self.told { Some(self.available) } else { None }
    }

    pub(crate) const fn tell(&mut self, report: &FundsReported) {
        *self = Self {
            told: true,
            available: report.available,
            used: report.used,
            ts: report.ts,
        };
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(self.told.into());
        hasher.i64(self.available.get());
        hasher.i64(self.used.get());
        hasher.i64(self.ts.get());
    }
}
