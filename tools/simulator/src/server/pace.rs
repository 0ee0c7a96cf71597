//! How far simulated time may run: the clock of the wall for a given speed, the clients' pongs for the fastest.

use std::time::{Duration, Instant};

use bijli_core::TsNs;

use crate::error::SimError;
use crate::play::Player;
use crate::settings::Speed;

/// Bytes that may wait for one feed client before time waits too (fastest speed) or the client is cut off.
pub(super) const BACKLOG_BYTES_MAX: usize = 256 * 1024;
pub(super) const BACKLOG_CUT_BYTES: usize = 8 * 1024 * 1024;

/// What the event loop does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Play a window now.
    Play,
    /// Nothing before this much real time has passed.
    After(Duration),
    /// Nothing before a client does something.
    Wait,
}

/// A speed must be a positive number.
pub(super) fn check(speed: Speed) -> Result<(), SimError> {
    match speed {
        Speed::Times(times) if !(times.is_finite() && times > 0.0) => Err(SimError::Speed(times)),
        Speed::Times(_) | Speed::Max => Ok(()),
    }
}

/// The pace of a day.
#[derive(Debug)]
pub(super) struct Pace {
    speed: Speed,
    begun: Instant,
    from: TsNs,
}

impl Pace {
    pub(super) fn new(speed: Speed, from: TsNs) -> Self {
        Self {
            speed,
            begun: Instant::now(),
            from,
        }
    }

    pub(super) fn waits_for_clients(&self) -> bool {
        self.speed == Speed::Max
    }

    /// What to do now; `backlog_bytes` is what waits for the slowest feed client.
    pub(super) fn next(&self, player: &Player, backlog_bytes: usize) -> Next {
        if player.is_done() {
            return Next::Wait;
        }
        match self.speed {
            Speed::Max if player.is_awaited() && backlog_bytes < BACKLOG_BYTES_MAX => Next::Play,
            Speed::Max => Next::Wait,
            Speed::Times(times) => {
                let simulated_s = player.window_end().since(self.from).get() as f64 / 1e9;
                let due = Duration::from_secs_f64((simulated_s / times).clamp(0.0, 1e9));
                match due.checked_sub(self.begun.elapsed()) {
                    None | Some(Duration::ZERO) => Next::Play,
                    Some(rest) => Next::After(rest),
                }
            }
        }
    }

    /// What rate limits are counted on. At the fastest speed simulated time runs ahead of what the client has
    /// seen, so its calls belong to the second that it has confirmed; with nobody listening simulated time
    /// stands still, and the wall's clock keeps a waiting client from being refused for ever.
    pub(super) fn limits_clock(&self, player: &Player) -> TsNs {
        match (self.speed, player.confirmed()) {
            (Speed::Times(_), _) => player.now(),
            (Speed::Max, Some(confirmed)) => confirmed,
            (Speed::Max, None) => {
                TsNs::new(i64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(i64::MAX))
            }
        }
    }
}
