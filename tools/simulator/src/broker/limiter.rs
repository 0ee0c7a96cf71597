//! The broker's rate limits, counted in calendar windows of whatever clock the caller measures calls on.
//!
//! Source: the broker's API documentation (rate limits); payout, share issues and TOTP as other clients report
//! them. That windows are calendar windows is the rule that Kite states; for Upstox it is not known.

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
    /// Every call that places, changes or cancels orders, GTT included.
    Order,
    /// Reads of withdrawals.
    PayoutRead,
    /// Withdrawals.
    PayoutWrite,
    /// Applications for new shares.
    IpoWrite,
    /// Logins by one-time password.
    Totp,
    /// Everything else.
    Other,
}

const UNLIMITED: u32 = u32::MAX;
const SECONDS: [i64; 3] = [1, 60, 1_800];
const CLASSES: usize = 6;

impl CallClass {
    /// Calls allowed in a second, a minute and half an hour.
    const fn calls_max(self) -> [u32; 3] {
        match self {
            Self::Order => [BROKER_ORDER_CALLS_PER_S, 500, 2_000],
            Self::PayoutRead => [10, 500, 2_000],
            Self::PayoutWrite => [UNLIMITED, 10, 300],
            Self::IpoWrite => [1, 10, 300],
            Self::Totp => [1, 10, 60],
            Self::Other => [50, 500, 2_000],
        }
    }
}

/// Calls of one class in the window under way of each length.
#[derive(Clone, Copy, Debug, Default)]
struct Windows([(i64, u32); 3]);

impl Windows {
    fn take(&mut self, now: TsNs, calls_max: [u32; 3], calls: u32) -> bool {
        let mut within = true;
        for ((window, seconds), max) in self.0.iter_mut().zip(SECONDS).zip(calls_max) {
            let number = now.get().div_euclid(seconds * NS_PER_S);
            if window.0 != number {
                *window = (number, 0);
            }
            // A refused call counts too, as it does at brokers that suspend repeated breaches.
            window.1 = window.1.saturating_add(calls);
            within = within && window.1 <= max;
        }
        within
    }
}

/// The allowances of one user.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limiter {
    limits: RateLimits,
    windows: [Windows; CLASSES],
    refused: u64,
}

impl Limiter {
    pub(super) fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            windows: [Windows::default(); CLASSES],
            refused: 0,
        }
    }

    /// Whether a call that counts as so many may go on.
    pub(super) fn admits(&mut self, now: TsNs, class: CallClass, calls: u32) -> bool {
        if self.limits == RateLimits::Off {
            return true;
        }
        let within = self.windows[class as usize].take(now, class.calls_max(), calls);
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
    fn each_class_has_its_own_second_and_the_next_second_is_free() {
        let at = |ms: i64| TsNs::from_millis(1_000_000_000_000 + ms);
        for (class, max) in [
            (CallClass::Order, 10),
            (CallClass::PayoutRead, 10),
            (CallClass::PayoutWrite, 10),
            (CallClass::IpoWrite, 1),
            (CallClass::Totp, 1),
            (CallClass::Other, 50),
        ] {
            let mut limiter = Limiter::new(RateLimits::Enforced);
            for call in 0..max {
                assert!(limiter.admits(at(call), class, 1), "{class:?}: call {call}");
            }
            assert!(!limiter.admits(at(999), class, 1), "{class:?}");
            let other = if class == CallClass::Other {
                CallClass::Order
            } else {
                CallClass::Other
            };
            assert!(limiter.admits(at(999), other, 1), "another class is free");
            assert_eq!(limiter.refused(), 1);
            assert!(limiter.admits(at(60_000), class, 1), "{class:?}: the next window");
        }
    }

    #[test]
    fn five_hundred_order_calls_exhaust_a_minute() {
        let mut limiter = Limiter::new(RateLimits::Enforced);
        let minute = 1_000_000_020_000;
        let admitted = (0..540)
            .filter(|call| limiter.admits(TsNs::from_millis(minute + call * 110), CallClass::Order, 1))
            .count();
        assert_eq!(admitted, 500);
    }

    #[test]
    fn a_call_of_many_lines_may_count_as_many() {
        let mut limiter = Limiter::new(RateLimits::Enforced);
        let now = TsNs::from_millis(1_000_000_000_000);
        assert!(limiter.admits(now, CallClass::Order, 10));
        assert!(!limiter.admits(now, CallClass::Order, 1));
    }
}
