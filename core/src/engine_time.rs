//! Engine time of a process whose wall clock may be set: it follows that forward, never goes back and never stands.
//!
//! Two times: the *steady* one, the wall clock's at the start of the process and what a clock that never steps has
//! counted since, by which lengths of time are measured; and engine time, which has to meet the market's hours and is as
//! far ahead of it as the wall clock is. Where the wall clock is set back, engine time runs on, a quarter slower, until
//! that is there again: stops, exits and a kill wait for no clock, and the day rather ends early than late.
//! Invariant: from one look to the next engine time goes back by [`LOOK_MAX`] / [`SLOWER_BY`] at most, and an engine keeps
//! the newest stamp it was told. Left out: reading clocks, and what a step means (`clock_watch`).

use crate::time::{DurationNs, TsNs};

/// While it waits for the wall clock, engine time runs slower by one part in so many.
pub const SLOWER_BY: i64 = 4;
/// So much steady time at most is made good by one look.
pub const LOOK_MAX: DurationNs = DurationNs::from_millis(100);

/// How far engine time is ahead of the steady one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineTime {
    ahead: DurationNs,
    looked: TsNs,
}

impl EngineTime {
    /// Of a process that begins at `steady` by the wall clock and takes over a journal whose newest stamp is `newest`
    /// ([`TsNs::NEVER`] without one): engine time does not begin before that.
    #[must_use]
    pub fn beginning(steady: TsNs, newest: TsNs) -> Self {
        Self {
            ahead: newest.since(steady).max(DurationNs::ZERO),
            looked: steady,
        }
    }

    /// Looks at both clocks, the wall clock read first.
    pub fn look(&mut self, steady: TsNs, wall: TsNs) {
        let passed = steady.since(self.looked).min(LOOK_MAX).max(DurationNs::ZERO);
        let slower = self.ahead.minus(DurationNs::new(passed.get() / SLOWER_BY));
        self.ahead = wall.since(steady).max(slower);
        self.looked = steady;
    }

    /// How far engine time is ahead of the steady one; below zero where the wall clock was set back and is there.
    #[must_use]
    pub const fn ahead(&self) -> DurationNs {
        self.ahead
    }

    /// Engine time at an instant of the steady one.
    #[must_use]
    pub const fn at(&self, steady: TsNs) -> TsNs {
        steady.plus(self.ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: TsNs = TsNs::new(1_700_000_000_000_000_000);

    fn at(ms: i64) -> TsNs {
        START.plus(DurationNs::from_millis(ms))
    }

    /// Engine time after each of so many steady milliseconds of looks a millisecond apart, the wall clock being
    /// `shift` milliseconds ahead.
    fn run(time: &mut EngineTime, from: i64, to: i64, shift: i64) -> Vec<TsNs> {
        let mut shown = Vec::new();
        for ms in from..=to {
            time.look(at(ms), at(ms + shift));
            shown.push(time.at(at(ms)));
        }
        shown
    }

    #[test]
    fn it_follows_the_wall_clock_forward_at_once() {
        let mut time = EngineTime::beginning(START, TsNs::NEVER);
        assert_eq!(run(&mut time, 0, 1, 0), [at(0), at(1)]);
        assert_eq!(run(&mut time, 2, 3, 3_600_000), [at(3_600_002), at(3_600_003)]);
    }

    #[test]
    fn set_back_it_runs_on_a_quarter_slower_until_the_wall_clock_is_there() {
        let mut time = EngineTime::beginning(START, TsNs::NEVER);
        let shown = run(&mut time, 0, 40_000, -9_000);
        assert!(
            shown.is_sorted_by(|former, next| former < next),
            "it neither stands nor goes back"
        );
        assert_eq!(shown[20_000], at(15_000));
        assert_eq!(shown[36_000], at(27_000), "nine seconds take thirty-six");
        assert_eq!(shown[40_000], at(31_000), "then it is the wall clock's");
        assert_eq!(time.ahead(), DurationNs::from_secs(-9));
        run(&mut time, 40_001, 40_001, 0);
        assert_eq!(time.ahead(), DurationNs::ZERO, "set right, at once");
    }

    #[test]
    fn a_long_pause_between_two_looks_is_not_made_good_at_once() {
        let mut time = EngineTime::beginning(START, TsNs::NEVER);
        time.look(at(10_000), at(0));
        assert_eq!(time.at(at(10_000)), at(9_975));
    }

    #[test]
    fn it_begins_where_the_journal_ended_that_a_faster_clock_wrote() {
        let mut time = EngineTime::beginning(START, at(2_000));
        assert_eq!(time.at(START), at(2_000));
        assert_eq!(run(&mut time, 0, 8_000, 0)[8_000], at(8_000));
        assert_eq!(EngineTime::beginning(START, at(-2_000)).at(START), START);
    }
}
