//! Faults that a broker shows, injected by seed. The chances are in parts per million; the default is none.
//!
//! Each kind draws from its own stream of the seed, so switching one on does not move the others.

use bijli_core::DurationNs;

use crate::random::Random;

/// How often which fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// An order call is carried out, and its reply never sent.
    pub drop_reply_ppm: u32,
    /// An order call is carried out, and its reply held back by [`Faults::delay`].
    pub delay_reply_ppm: u32,
    /// How long a held reply is held, in simulated time.
    pub delay: DurationNs,
    /// An order call is answered with 500 and not carried out.
    pub error_before_ppm: u32,
    /// An order call is carried out and answered with 500.
    pub error_after_ppm: u32,
    /// An update of the order stream is not sent.
    pub drop_update_ppm: u32,
    /// A fill is told twice: its update and its trade row appear twice, under one trade id.
    pub duplicate_fill_ppm: u32,
    /// A WebSocket connection is cut, drawn once per connection and simulated second.
    pub drop_socket_ppm: u32,
}

impl Faults {
    /// A broker without faults.
    pub const NONE: Self = Self {
        drop_reply_ppm: 0,
        delay_reply_ppm: 0,
        delay: DurationNs::ZERO,
        error_before_ppm: 0,
        error_after_ppm: 0,
        drop_update_ppm: 0,
        duplicate_fill_ppm: 0,
        drop_socket_ppm: 0,
    };
}

impl Default for Faults {
    fn default() -> Self {
        Self::NONE
    }
}

/// How many faults of each kind have fired: a fault that never fires proves nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// Replies dropped.
    pub dropped_replies: u64,
    /// Replies held back.
    pub delayed_replies: u64,
    /// Errors before acceptance.
    pub errors_before: u64,
    /// Errors after acceptance.
    pub errors_after: u64,
    /// Stream updates dropped.
    pub dropped_updates: u64,
    /// Fills told twice.
    pub duplicate_fills: u64,
    /// Connections cut.
    pub dropped_sockets: u64,
}

/// What happens to one order call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallFault {
    None,
    ErrorBefore,
    ErrorAfter,
    DropReply,
    DelayReply,
}

/// The dice.
#[derive(Clone, Debug)]
pub(crate) struct FaultDice {
    faults: Faults,
    calls: Random,
    updates: Random,
    fills: Random,
    sockets: Random,
    counts: FaultCounts,
}

impl FaultDice {
    pub(crate) const fn new(faults: Faults, seed: u64) -> Self {
        Self {
            faults,
            calls: Random::new(seed, 0xfa01),
            updates: Random::new(seed, 0xfa02),
            fills: Random::new(seed, 0xfa03),
            sockets: Random::new(seed, 0xfa04),
            counts: FaultCounts {
                dropped_replies: 0,
                delayed_replies: 0,
                errors_before: 0,
                errors_after: 0,
                dropped_updates: 0,
                duplicate_fills: 0,
                dropped_sockets: 0,
            },
        }
    }

    pub(super) const fn counts(&self) -> FaultCounts {
        self.counts
    }

    pub(super) const fn delay(&self) -> DurationNs {
        self.faults.delay
    }

    pub(super) const fn call(&mut self) -> CallFault {
        if self.calls.happens(self.faults.error_before_ppm) {
            self.counts.errors_before += 1;
            CallFault::ErrorBefore
        } else if self.calls.happens(self.faults.error_after_ppm) {
            self.counts.errors_after += 1;
            CallFault::ErrorAfter
        } else if self.calls.happens(self.faults.drop_reply_ppm) {
            self.counts.dropped_replies += 1;
            CallFault::DropReply
        } else if self.calls.happens(self.faults.delay_reply_ppm) {
            self.counts.delayed_replies += 1;
            CallFault::DelayReply
        } else {
            CallFault::None
        }
    }

    pub(super) const fn drops_update(&mut self) -> bool {
        let fires = self.updates.happens(self.faults.drop_update_ppm);
        self.counts.dropped_updates += fires as u64;
        fires
    }

    pub(super) const fn doubles_fill(&mut self) -> bool {
        let fires = self.fills.happens(self.faults.duplicate_fill_ppm);
        self.counts.duplicate_fills += fires as u64;
        fires
    }

    pub(crate) const fn drops_socket(&mut self) -> bool {
        let fires = self.sockets.happens(self.faults.drop_socket_ppm);
        self.counts.dropped_sockets += fires as u64;
        fires
    }
}
