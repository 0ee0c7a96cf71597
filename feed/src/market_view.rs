//! What the broker has said about the markets on one connection, and how long an old "closed" is believed.
//!
//! Invariants: a new connection knows nothing; "closed" from before the opening is forgotten shortly after it, once.
//! Left out: what follows for the age of data (`liveness`). Facts: fault catalogue rows D2, N9.

use bijli_core::time::{DurationNs, TsNs};

use crate::liveness::MarketDoor;
use crate::upstox::market_info::{Segment, SegmentPhases};

/// After the opening of trading, an older "closed" is believed this much longer.
pub const OPENING_GRACE: DurationNs = DurationNs::from_secs(5);

/// The markets as last told.
#[derive(Clone, Debug)]
pub struct MarketView {
    phases: SegmentPhases,
    told_at: TsNs,
    opens_at: TsNs,
}

impl MarketView {
    /// Nothing was told yet; trading opens at `opens_at`, [`TsNs::NEVER`] if that is not known.
    #[must_use]
    pub fn new(opens_at: TsNs) -> Self {
        Self {
            phases: SegmentPhases::default(),
            told_at: TsNs::NEVER,
            opens_at,
        }
    }

    /// A new connection: what was told before holds no more.
    pub fn restart(&mut self) {
        self.phases = SegmentPhases::default();
    }

    /// The broker told something.
    pub fn told(&mut self, now: TsNs, told: &SegmentPhases) {
        self.phases.update(told);
        self.told_at = now;
    }

    /// The state of each segment.
    #[must_use]
    pub const fn phases(&self) -> &SegmentPhases {
        &self.phases
    }

    /// Open when any market of these keys trades continuously; unknown when the broker named none of them.
    pub fn door<'a>(&self, keys: impl Iterator<Item = &'a str>) -> MarketDoor {
        let mut door = MarketDoor::Unknown;
        for key in keys {
            match Segment::of_key(key).and_then(|segment| self.phases.get(segment)) {
                Some(phase) if phase.is_continuous() => return MarketDoor::Open,
                None => {}
                Some(_) => door = MarketDoor::Closed,
            }
        }
        door
    }

    /// When an old "closed" is looked at again: trading should have begun by the session table.
    #[must_use]
    pub fn doubt_at(&self) -> Option<TsNs> {
        let doubtful = self.opens_at.is_set() && self.told_at < self.opens_at;
        doubtful.then(|| self.opens_at.plus(OPENING_GRACE))
    }

    /// Whether what was told is too old to be believed; answers so once.
    pub fn doubts(&mut self, now: TsNs) -> bool {
        let doubts = self.doubt_at().is_some_and(|at| at <= now);
        if doubts {
            self.told_at = now;
        }
        doubts
    }
}
