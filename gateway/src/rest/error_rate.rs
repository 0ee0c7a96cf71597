//! How many errors the last minute held, and whether that is an alarm.
//!
//! Invariants: the alert stands exactly while more than [`ERRORS_PER_MINUTE_MAX`] errors lie in the rolling
//! minute; memory is bounded ([`COUNTED_MAX`] errors, the oldest forgotten first, which only understates a flood).
//! Left out: who is told, which is the screens' business.

use std::collections::VecDeque;

use bijli_core::{DurationNs, TsNs};

/// Errors of a rolling minute that are no alarm yet.
pub const ERRORS_PER_MINUTE_MAX: u32 = 10;
/// Errors that are counted at most.
pub const COUNTED_MAX: usize = 1_000;
const MINUTE: DurationNs = DurationNs::from_secs(60);

const _: () = assert!(COUNTED_MAX > ERRORS_PER_MINUTE_MAX as usize);

/// The errors of the last minute.
#[derive(Clone, Debug, Default)]
pub struct ErrorRate {
    errors: VecDeque<TsNs>,
}

impl ErrorRate {
    /// Counts an error.
    pub fn note(&mut self, now: TsNs) {
        let stamp = self.errors.back().map_or(now, |last| now.max(*last));
        while self.errors.front().is_some_and(|first| is_past(*first, stamp))
            || self.errors.len() >= COUNTED_MAX
        {
            self.errors.pop_front();
        }
        self.errors.push_back(stamp);
    }

    /// Errors of the minute that ends at `now`.
    #[must_use]
    pub fn last_minute(&self, now: TsNs) -> u32 {
        let recent = self.errors.iter().rev().take_while(|ts| !is_past(**ts, now));
        u32::try_from(recent.count()).unwrap_or(u32::MAX)
    }

    /// Whether there are too many.
    #[must_use]
    pub fn is_alert(&self, now: TsNs) -> bool {
        self.last_minute(now) > ERRORS_PER_MINUTE_MAX
    }
}

fn is_past(error: TsNs, now: TsNs) -> bool {
    now.since(error) >= MINUTE
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> TsNs {
        TsNs::new(1_700_000_000_000_000_000).plus(DurationNs::from_millis(ms))
    }

    #[test]
    fn the_eleventh_error_of_a_minute_is_an_alert_until_the_first_is_a_minute_old() {
        let mut rate = ErrorRate::default();
        for second in 0..10 {
            rate.note(at(second * 1_000));
        }
        assert!(!rate.is_alert(at(9_000)));
        rate.note(at(10_000));
        assert!(rate.is_alert(at(10_000)));
        assert!(rate.is_alert(at(59_999)));
        assert!(!rate.is_alert(at(60_000)));
        assert_eq!(rate.last_minute(at(60_000)), 10);
        assert_eq!(rate.last_minute(at(600_000)), 0);
    }

    proptest! {
        #[test]
        fn the_count_is_the_plain_count_of_the_last_minute(
            pauses in prop::collection::vec(0..9_000_i64, 1..400),
        ) {
            let mut rate = ErrorRate::default();
            let mut all = Vec::new();
            let mut ms = 0;
            for pause in pauses {
                ms += pause;
                all.push(ms);
                rate.note(at(ms));
                let plain = all.iter().filter(|then| ms - **then < 60_000).count() as u32;
                prop_assert_eq!(rate.last_minute(at(ms)), plain);
                prop_assert_eq!(rate.is_alert(at(ms)), plain > ERRORS_PER_MINUTE_MAX);
            }
        }
    }
}
