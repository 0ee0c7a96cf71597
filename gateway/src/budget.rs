//! How many calls may go out: rolling windows on steady time, with a part kept free for lowering risk.
//!
//! Invariants: never more than [`ORDER_CALLS_PER_S_MAX`] order calls in any rolling second (ends included);
//! entries never use the last [`ORDER_CALLS_RESERVED_FOR_EXITS`] of them; longer windows are used to 80 %, by
//! entries to 70 % of that. A refusal for rate halves the budget and freezes entries, with growing pauses.
//! Left out: which command goes first (the queue's business). Source of the limits: the broker's
//! documentation (orders 10 a second, other calls 50, each 500 a minute and 2 000 in 30 minutes; narrower ones for
//! payouts and issues are known from other clients only).

use std::collections::VecDeque;

use bijli_core::limits::{ORDER_CALLS_PER_S_MAX, ORDER_CALLS_RESERVED_FOR_EXITS};
use bijli_core::planted::{Bug, planted};
use bijli_core::{DurationNs, TsNs};

use crate::jitter::Jitter;
use crate::upstox::call::CallClass;

/// Calls in any rolling minute: 80 % of the broker's 500.
pub const CALLS_PER_MINUTE_MAX: usize = 400;
/// Calls in any rolling half hour: 80 % of the broker's 2 000.
pub const CALLS_PER_HALF_HOUR_MAX: usize = 1_600;
/// Read calls in any rolling second; the broker allows fifty.
pub const READ_CALLS_PER_S_MAX: u32 = 10;

const SECOND: DurationNs = DurationNs::from_secs(1);
const MINUTE: DurationNs = DurationNs::from_secs(60);
const HALF_HOUR: DurationNs = DurationNs::from_secs(1_800);
/// Part of the longer windows that entries may use, per cent.
pub const ENTRY_SHARE_PERCENT: usize = 70;
/// The most that the budget is halved: to one call a second.
const PENALTY_MAX: u32 = 3;
/// Quiet time after which one halving is taken back.
const FORGIVE_AFTER: DurationNs = DurationNs::from_secs(30);
/// Longest freeze, whoever asks for it.
pub const FREEZE_MAX: DurationNs = DurationNs::from_secs(60);

const _: () = assert!(ORDER_CALLS_PER_S_MAX >> PENALTY_MAX >= 1);
const _: () = assert!(CALLS_PER_MINUTE_MAX < CALLS_PER_HALF_HOUR_MAX);

/// What a call does to risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    /// May use everything that is left.
    Lowers,
    /// Must leave the reserve alone and waits out freezes.
    Raises,
}

/// How many calls each rolling window may hold.
#[derive(Clone, Copy, Debug)]
struct Windows {
    second: u32,
    minute: usize,
    half_hour: usize,
}

impl Windows {
    /// 80 % of the broker's limits of a class. Logging in is held to its narrowest form; the broker names no limit
    /// for the others.
    const fn of(class: CallClass) -> Self {
        let (second, minute, half_hour) = match class {
            CallClass::Order => (
                ORDER_CALLS_PER_S_MAX,
                CALLS_PER_MINUTE_MAX,
                CALLS_PER_HALF_HOUR_MAX,
            ),
            CallClass::Standard => (40, CALLS_PER_MINUTE_MAX, CALLS_PER_HALF_HOUR_MAX),
            CallClass::PayoutRead => (8, CALLS_PER_MINUTE_MAX, CALLS_PER_HALF_HOUR_MAX),
            CallClass::PayoutWrite | CallClass::IpoWrite => (1, 8, 240),
            CallClass::Login => (1, 8, 48),
        };
        Self {
            second,
            minute,
            half_hour,
        }
    }
}

/// A budget of calls.
#[derive(Debug)]
pub struct Budget {
    windows: Windows,
    reserve: u32,
    /// Times of the calls of the last half hour, oldest first; bounded by the half-hour limit.
    calls: VecDeque<TsNs>,
    penalty: u32,
    penalised: TsNs,
    frozen_until: TsNs,
    jitter: Jitter,
}

impl Budget {
    /// The budget of order calls. `jitter_seed` spreads the pauses of several processes.
    #[must_use]
    pub fn orders(jitter_seed: u64) -> Self {
        let mut budget = Self::of_class(CallClass::Order, jitter_seed);
        budget.windows.second += u32::from(planted(Bug::BudgetOffByOne));
        if planted(Bug::ReserveForAll) {
            budget.reserve = 0;
        }
        budget
    }

    /// The engine's budget of reads: far below their limits, which tools of the same account use too.
    #[must_use]
    pub fn reads(jitter_seed: u64) -> Self {
        let windows = Windows {
            second: READ_CALLS_PER_S_MAX,
            ..Windows::of(CallClass::Standard)
        };
        Self::new(windows, 0, jitter_seed)
    }

    /// The budget of a class of calls. Of order calls a part is kept for what lowers risk.
    #[must_use]
    pub fn of_class(class: CallClass, jitter_seed: u64) -> Self {
        let reserve = match class {
            CallClass::Order => ORDER_CALLS_RESERVED_FOR_EXITS,
            CallClass::Standard
            | CallClass::Login
            | CallClass::PayoutRead
            | CallClass::PayoutWrite
            | CallClass::IpoWrite => 0,
        };
        Self::new(Windows::of(class), reserve, jitter_seed)
    }

    fn new(windows: Windows, reserve: u32, jitter_seed: u64) -> Self {
        Self {
            windows,
            reserve,
            calls: VecDeque::with_capacity(windows.half_hour),
            penalty: 0,
            penalised: TsNs::NEVER,
            frozen_until: TsNs::NEVER,
            jitter: Jitter::new(jitter_seed),
        }
    }

    /// Takes one call if the budget allows it now.
    pub fn take(&mut self, now: TsNs, risk: Risk) -> bool {
        if self.free_at(now, risk) > now {
            return false;
        }
        while self
            .calls
            .front()
            .is_some_and(|first| now.since(*first) > HALF_HOUR)
        {
            self.calls.pop_front();
        }
        assert!(
            self.calls.len() < self.windows.half_hour,
            "the half-hour window was checked"
        );
        // Engine time may stand still but a stamp never goes back behind an earlier one.
        let stamp = self.calls.back().map_or(now, |last| now.max(*last));
        self.calls.push_back(stamp);
        assert!(
            self.calls_within(stamp, SECOND) <= self.windows.second as usize,
            "the rolling second was checked"
        );
        true
    }

    /// The earliest time at which a call may go out, at least `now`.
    #[must_use]
    pub fn free_at(&self, now: TsNs, risk: Risk) -> TsNs {
        let penalty = self.penalty_at(now);
        let second = match risk {
            Risk::Lowers => (self.windows.second >> penalty).max(1) as usize,
            Risk::Raises => (self.windows.second >> penalty).saturating_sub(self.reserve) as usize,
        };
        let share = |max: usize| match risk {
            Risk::Lowers => max,
            Risk::Raises => max * ENTRY_SHARE_PERCENT / 100,
        };
        if second == 0 {
            // Only forgiveness brings room back.
            let forgiven = i64::from(self.penalty - penalty + 1);
            return self
                .penalised
                .plus(DurationNs::new(forgiven * FORGIVE_AFTER.get()));
        }
        let windows = [
            (SECOND, second),
            (MINUTE, share(self.windows.minute)),
            (HALF_HOUR, share(self.windows.half_hour)),
        ];
        let mut free = match risk {
            Risk::Lowers => now,
            Risk::Raises => now.max(self.frozen_until),
        };
        for (length, max) in windows {
            if self.calls.len() >= max {
                // The `max`-th call from the back must have left the window, its end included.
                let oldest = self.calls[self.calls.len() - max];
                free = free.max(oldest.plus(length).plus(DurationNs::new(1)));
            }
        }
        free
    }

    /// The broker refused for rate: entries freeze with a growing, jittered pause and the budget halves.
    pub fn penalise(&mut self, now: TsNs) {
        self.penalty = (self.penalty_at(now) + 1).min(PENALTY_MAX);
        self.penalised = now;
        let pause = DurationNs::from_secs(1 << (2 * self.penalty));
        let jitter = self.jitter.below(pause.get() as u64 / 2);
        let pause = pause.plus(DurationNs::new(jitter as i64));
        self.freeze(now, pause);
    }

    /// The broker asked for a pause: calls that must not jump the queue wait so long, at most [`FREEZE_MAX`]. A
    /// freeze never shortens another.
    pub fn freeze(&mut self, now: TsNs, pause: DurationNs) {
        self.frozen_until = self.frozen_until.max(now.plus(pause.min(FREEZE_MAX)));
    }

    /// When the last freeze ends.
    #[must_use]
    pub const fn frozen_until(&self) -> TsNs {
        self.frozen_until
    }

    /// Whether entries are frozen.
    #[must_use]
    pub fn is_frozen(&self, now: TsNs) -> bool {
        now < self.frozen_until
    }

    /// Calls in the rolling second that ends now.
    #[must_use]
    pub fn calls_last_second(&self, now: TsNs) -> u32 {
        self.calls_within(now, SECOND) as u32
    }

    fn calls_within(&self, now: TsNs, length: DurationNs) -> usize {
        self.calls
            .iter()
            .rev()
            .take_while(|ts| now.since(**ts) <= length)
            .count()
    }

    /// How often the budget is still halved: one halving less per quiet half minute.
    fn penalty_at(&self, now: TsNs) -> u32 {
        let quiet = now.since(self.penalised).get().max(0) / FORGIVE_AFTER.get();
        self.penalty
            .saturating_sub(u32::try_from(quiet).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> TsNs {
        TsNs::new(1_700_000_000_000_000_000).plus(DurationNs::from_millis(ms))
    }

    #[test]
    fn entries_leave_three_calls_of_every_second_to_exits() {
        let mut budget = Budget::orders(1);
        let entries = (0..20).filter(|_| budget.take(at(0), Risk::Raises)).count();
        let exits = (0..20).filter(|_| budget.take(at(0), Risk::Lowers)).count();
        assert_eq!((entries, exits), (5, 3));
        assert_eq!(budget.calls_last_second(at(0)), 8);
    }

    #[test]
    fn the_next_free_moment_is_told_exactly() {
        let mut budget = Budget::orders(1);
        for ms in 0..8 {
            assert!(budget.take(at(ms), Risk::Lowers));
        }
        let free = budget.free_at(at(10), Risk::Lowers);
        assert_eq!(free, at(1_000).plus(DurationNs::new(1)));
        assert!(!budget.take(at(1_000), Risk::Lowers));
        assert!(budget.take(free, Risk::Lowers));
    }

    #[test]
    fn a_refusal_for_rate_freezes_entries_and_halves_the_budget_until_it_is_forgiven() {
        let mut budget = Budget::orders(7);
        budget.penalise(at(0));
        assert!(budget.is_frozen(at(3_999)));
        assert!(!budget.take(at(100), Risk::Raises));
        let exits = (0..20).filter(|_| budget.take(at(100), Risk::Lowers)).count();
        assert_eq!(exits, 4);
        budget.penalise(at(200));
        budget.penalise(at(300));
        let exits = (0..20).filter(|_| budget.take(at(5_000), Risk::Lowers)).count();
        assert_eq!(exits, 1);
        let later = at(300 + 3 * 30_000);
        assert_eq!((0..20).filter(|_| budget.take(later, Risk::Raises)).count(), 5);
    }

    #[test]
    fn a_freeze_is_capped_and_no_penalty_shortens_it() {
        let mut budget = Budget::reads(7);
        budget.freeze(at(0), DurationNs::from_secs(30));
        budget.penalise(at(0));
        assert_eq!(budget.free_at(at(1_500), Risk::Raises), at(30_000));
        assert!(
            budget.take(at(1_500), Risk::Lowers),
            "what lowers risk waits for no freeze"
        );
        budget.freeze(at(0), DurationNs::from_secs(99_999_999));
        assert_eq!(budget.frozen_until(), at(0).plus(FREEZE_MAX));
    }

    #[test]
    fn the_longer_windows_hold_entries_to_their_share() {
        let mut budget = Budget::orders(1);
        let sent = (0..60_000)
            .step_by(50)
            .filter(|ms| budget.take(at(*ms), Risk::Raises))
            .count();
        assert_eq!(sent, CALLS_PER_MINUTE_MAX * 70 / 100);
        let exits = (0..400)
            .filter(|n| budget.take(at(60_000 + n), Risk::Lowers))
            .count();
        assert_eq!(exits, 8);
    }

    proptest! {
        #[test]
        fn no_rolling_second_ever_holds_more_than_the_limit(
            steps in prop::collection::vec((0..400_i64, any::<bool>(), 0..40_u8), 1..400),
        ) {
            let mut budget = Budget::orders(3);
            let mut sent: Vec<(TsNs, bool)> = Vec::new();
            let mut ms = 0;
            for (pause, raises, refusal) in steps {
                ms += pause;
                if refusal == 0 {
                    budget.penalise(at(ms));
                }
                let risk = if raises { Risk::Raises } else { Risk::Lowers };
                let told = budget.free_at(at(ms), risk);
                if budget.take(at(ms), risk) {
                    sent.push((at(ms), raises));
                    prop_assert_eq!(told, at(ms));
                }
            }
            for (index, (ts, raises)) in sent.iter().enumerate() {
                let before = sent[..=index].iter().filter(|(other, _)| ts.since(*other) <= SECOND).count();
                prop_assert!(before <= ORDER_CALLS_PER_S_MAX as usize);
                if *raises {
                    let reserved = ORDER_CALLS_RESERVED_FOR_EXITS as usize;
                    prop_assert!(before <= ORDER_CALLS_PER_S_MAX as usize - reserved);
                }
            }
        }
    }
}
