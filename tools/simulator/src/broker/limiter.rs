//! The broker's rate limits, counted in calendar windows of whatever clock the caller measures calls on.
//!
//! Source: reference sheet 5.7 (order calls 10 a second, others 50; 500 a minute and 2000 in half an hour
//! each). That windows are calendar windows is the rule that Kite states; for Upstox it is not known.

use bijli_core::TsNs;
use bijli_core::limits::BROKER_ORDER_CALLS_PER_S;
use bijli_core::time::NS_PER_S;

/// Whether calls beyond the limits are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimits {
    /// Refused with 429 and `UDAPI10005`.
    Enforced,
    /// Never refused.
    Off,
}

/// Which allowance a call draws on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallClass {
    /// Place, modify, cancel.
    Order,
    /// Everything else.
    Other,
}

const READ_CALLS_PER_S: u32 = 50;
const SECONDS: [i64; 3] = [1, 60, 1_800];
const ORDER_CALLS_MAX: [u32; 3] = [BROKER_ORDER_CALLS_PER_S, 500, 2_000];
const OTHER_CALLS_MAX: [u32; 3] = [READ_CALLS_PER_S, 500, 2_000];

/// Calls of one class in the window under way of each length.
#[derive(Clone, Copy, Debug, Default)]
struct Windows([(i64, u32); 3]);

impl Windows {
    fn take(&mut self, now: TsNs, calls_max: &[u32; 3]) -> bool {
        let mut within = true;
        for ((window, seconds), max) in self.0.iter_mut().zip(SECONDS).zip(calls_max) {
            let number = now.get().div_euclid(seconds * NS_PER_S);
            if window.0 != number {
                *window = (number, 0);
            }
            // A refused call counts too, as it does at brokers that suspend repeated breaches.
            window.1 = window.1.saturating_add(1);
            within = within && window.1 <= *max;
        }
        within
    }
}

/// The allowances of one user.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limiter {
    limits: RateLimits,
    order: Windows,
    other: Windows,
    refused: u64,
}

impl Limiter {
    pub(super) fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            order: Windows::default(),
            other: Windows::default(),
            refused: 0,
        }
    }

    /// Whether a call may go on.
    pub(super) fn admits(&mut self, now: TsNs, class: CallClass) -> bool {
        if self.limits == RateLimits::Off {
            return true;
        }
        let within = match class {
            CallClass::Order => self.order.take(now, &ORDER_CALLS_MAX),
            CallClass::Other => self.other.take(now, &OTHER_CALLS_MAX),
        };
        self.refused += u64::from(!within);
        within
    }

    /// Calls refused so far.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_order_call_of_a_second_is_refused_and_the_next_second_is_free() {
        let mut limiter = Limiter::new(RateLimits::Enforced);
        let at = |ms: i64| TsNs::from_millis(1_000_000_000_000 + ms);
        for call in 0..10 {
            assert!(limiter.admits(at(call), CallClass::Order));
        }
        assert!(!limiter.admits(at(999), CallClass::Order));
        assert!(limiter.admits(at(999), CallClass::Other));
        assert!(limiter.admits(at(1_000), CallClass::Order));
        assert_eq!(limiter.refused(), 1);
    }

    #[test]
    fn five_hundred_order_calls_exhaust_a_minute() {
        let mut limiter = Limiter::new(RateLimits::Enforced);
        let minute = 1_000_000_020_000;
        let admitted = (0..540)
            .filter(|call| limiter.admits(TsNs::from_millis(minute + call * 110), CallClass::Order))
            .count();
        assert_eq!(admitted, 500);
    }
}
