//! The two times that the gateway is told at every call.
//!
//! Lengths of time (budgets, pauses, breakers, the minute of absence, the age of an entry) are measured by the steady
//! time, which no setting of the machine's clock moves; engine time stamps events and meets the token's hour. Left out:
//! where both come from (`bijli_core::engine_time`).

use bijli_core::TsNs;

/// One instant by both times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The wall clock's time when the process began, and what a clock that never steps has counted since.
    pub steady: TsNs,
    /// Engine time.
    pub engine: TsNs,
}

impl Times {
    /// The steady time at which engine time was `ts`, as both run now.
    #[must_use]
    pub const fn steady_at(self, ts: TsNs) -> TsNs {
        self.steady.plus(ts.since(self.engine))
    }
}

/// Of a clock that nobody sets both times are the same: a simulated day's.
impl From<TsNs> for Times {
    fn from(now: TsNs) -> Self {
        Self {
            steady: now,
            engine: now,
        }
    }
}
