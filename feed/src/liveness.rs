//! The data-age watchdog: is what we hear young enough to be trusted?
//!
//! A socket that answers pings may still have gone mute, so only market data counts as a sign of life. Invariants:
//! while the broker says that the market is closed, or the session table says so, silence has no deadline, so quiet
//! hours cannot cause a storm of reconnections; an old "closed" is forgotten when trading has begun by the table.
//! Left out: the age of single instruments (`seen_ages`). Facts: fault catalogue rows D1, D2, N9.

use bijli_core::time::{DurationNs, TsNs};

/// What the broker last said about the markets we listen to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MarketDoor {
    /// Nothing, or nothing recent enough: silence counts as trouble.
    #[default]
    Unknown,
    /// At least one trades continuously.
    Open,
    /// None trades continuously.
    Closed,
}

/// When continuous trading begins and ends by the session table. [`TsNs::NEVER`] stands for "not known".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketHours {
    /// Its first moment.
    pub opens_at: TsNs,
    /// The first moment after it.
    pub closes_at: TsNs,
}

impl MarketHours {
    /// Nobody knows: silence counts as trouble at any time unless the broker says "closed".
    pub const UNKNOWN: Self = Self {
        opens_at: TsNs::NEVER,
        closes_at: TsNs::NEVER,
    };

    /// No trading at all, as on a holiday.
    #[must_use]
    pub const fn none_since(midnight: TsNs) -> Self {
        Self {
            opens_at: TsNs::NEVER,
            closes_at: midnight,
        }
    }

    /// Whether data is due.
    fn hold(&self, now: TsNs) -> bool {
        let begun = !self.opens_at.is_set() || now >= self.opens_at;
        let over = self.closes_at.is_set() && now >= self.closes_at;
        begun && !over
    }
}

/// How fresh the data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// Nothing arrived on this connection yet, and not long enough for alarm.
    Awaited,
    /// Young enough.
    Young,
    /// Too old to trade on; the connection may recover.
    Mute,
    /// So old that a new connection is worth more than waiting.
    Dead,
    /// The market is closed: silence means nothing.
    Quiet,
}

/// Watches the age of data on one connection after the other.
#[derive(Clone, Copy, Debug)]
pub struct Liveness {
    mute_after: DurationNs,
    dead_after: DurationNs,
    /// From when the age counts: the last data, or since when data is due.
    since: TsNs,
    heard: bool,
    door: MarketDoor,
    hours: MarketHours,
}

impl Liveness {
    /// A watchdog that calls data too old after `mute_after`, and the connection dead after twice that, within
    /// these hours.
    ///
    /// # Panics
    /// When `mute_after` is not positive.
    #[must_use]
    pub const fn new(mute_after: DurationNs, hours: MarketHours) -> Self {
        assert!(mute_after.get() > 0, "the watchdog needs a positive patience");
        Self {
            mute_after,
            dead_after: DurationNs::new(mute_after.get().saturating_mul(2)),
            since: TsNs::NEVER,
            heard: false,
            door: MarketDoor::Unknown,
            hours,
        }
    }

    /// A connection is open: data is due from now on. What was said about the market holds no more.
    pub const fn connected(&mut self, now: TsNs) {
        self.since = now;
        self.heard = false;
        self.door = MarketDoor::Unknown;
    }

    /// Requests were sent; their answers are due from now on.
    pub const fn asked(&mut self, now: TsNs) {
        if !self.heard {
            self.since = now;
        }
    }

    /// Market data arrived.
    pub const fn heard(&mut self, now: TsNs) {
        self.since = now;
        self.heard = true;
    }

    /// The broker spoke about the market, or what it said has become too old ([`MarketDoor::Unknown`]).
    pub fn door(&mut self, now: TsNs, door: MarketDoor) {
        if self.door == MarketDoor::Closed && door != MarketDoor::Closed {
            // It was right to be silent until now.
            self.since = now;
            self.heard = false;
        }
        self.door = door;
    }

    /// How fresh the data is.
    #[must_use]
    pub fn freshness(&self, now: TsNs) -> Freshness {
        if self.door == MarketDoor::Closed {
            return Freshness::Quiet;
        }
        let age = self.age(now);
        let due = self.hours.hold(now);
        if due && age >= self.dead_after {
            Freshness::Dead
        } else if due && age >= self.mute_after {
            Freshness::Mute
        } else if self.heard && age < self.mute_after {
            Freshness::Young
        } else if due {
            Freshness::Awaited
        } else {
            Freshness::Quiet
        }
    }

    /// When freshness changes next by the mere passing of time.
    #[must_use]
    pub fn deadline(&self, now: TsNs) -> Option<TsNs> {
        let opening = self.hours.opens_at;
        let opening = (opening.is_set() && now < opening).then_some(opening);
        let next = match self.freshness(now) {
            Freshness::Awaited | Freshness::Young => Some(self.since_due(now).plus(self.mute_after)),
            Freshness::Mute => Some(self.since_due(now).plus(self.dead_after)),
            Freshness::Dead | Freshness::Quiet => None,
        };
        if self.door == MarketDoor::Closed {
            return None;
        }
        [next, opening].into_iter().flatten().min()
    }

    /// How old the data is.
    #[must_use]
    pub fn age(&self, now: TsNs) -> DurationNs {
        now.since(self.since_due(now))
    }

    /// From when the age counts: silence before the opening was right.
    fn since_due(&self, now: TsNs) -> TsNs {
        let opening = self.hours.opens_at;
        if opening.is_set() && now >= opening {
            self.since.max(opening)
        } else {
            self.since
        }
    }
}
