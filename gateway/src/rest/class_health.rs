//! How one class of calls fares: its breaker, its errors, its counts. One account, whoever makes the calls.
//!
//! Invariants: every call that leaves is counted once, every reply judged once. Left out: whether a call may leave
//! while the breaker is open, which is the caller's decision; budgets ([`crate::budget`]).

use bijli_core::TsNs;

use super::breaker::{Breaker, BreakerState, Pauses};
use super::error_rate::ErrorRate;
use super::verdict::Verdict;

/// A class in numbers, for screens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassNumbers {
    /// Where its breaker stands.
    pub breaker: BreakerState,
    /// Calls that left.
    pub calls: u64,
    /// Of these, calls without an answer that a working broker gives.
    pub failures: u64,
    /// Of these, reads that were asked again after a failure.
    pub retries: u64,
    /// Errors of the last minute, refusals included.
    pub errors_last_minute: u32,
}

/// The health of one class of calls.
#[derive(Clone, Debug)]
pub struct ClassHealth {
    breaker: Breaker,
    errors: ErrorRate,
    calls: u64,
    failures: u64,
    retries: u64,
}

impl ClassHealth {
    /// Nothing was called yet.
    #[must_use]
    pub fn new(pauses: Pauses) -> Self {
        Self {
            breaker: Breaker::new(pauses),
            errors: ErrorRate::default(),
            calls: 0,
            failures: 0,
            retries: 0,
        }
    }

    /// The earliest time at which the breaker lets a call pass, at least `now`.
    #[must_use]
    pub fn free_at(&self, now: TsNs) -> TsNs {
        self.breaker.free_at(now)
    }

    /// Whether the breaker lets a call pass now.
    #[must_use]
    pub fn is_free(&self, now: TsNs) -> bool {
        self.free_at(now) <= now
    }

    /// A call leaves now.
    pub fn note_sent(&mut self, now: TsNs) {
        self.calls += 1;
        self.breaker.note_sent(now);
    }

    /// The call that leaves asks again what failed before.
    pub const fn note_retry(&mut self) {
        self.retries += 1;
    }

    /// A call ended so.
    pub fn note(&mut self, now: TsNs, verdict: Verdict) {
        if verdict.is_error() {
            self.errors.note(now);
        }
        if verdict.is_trouble() {
            self.failures += 1;
            self.breaker.note_trouble(now);
        } else {
            self.breaker.note_well();
        }
    }

    /// The numbers at `now`.
    #[must_use]
    pub fn numbers(&self, now: TsNs) -> ClassNumbers {
        ClassNumbers {
            breaker: self.breaker.state(now),
            calls: self.calls,
            failures: self.failures,
            retries: self.retries,
            errors_last_minute: self.errors.last_minute(now),
        }
    }
}
