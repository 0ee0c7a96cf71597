//! How long ago each instrument was heard of: the age that a stale-price check and an operator look at.
//!
//! Invariants: one stamp an instrument, the newest; the summary is a scan, not for the hot path, and counts only what
//! is subscribed now.
//! Left out: what age is too old for what (the engine's stale-data denial, the operator's eyes).

use bijli_core::instrument::InstrumentId;
use bijli_core::time::{DurationNs, TsNs};

/// The newest stamp of each instrument.
#[derive(Clone, Debug)]
pub struct SeenAges {
    last: Vec<TsNs>,
}

/// What the ages amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgeSummary {
    /// Instruments heard of at all.
    pub heard: u32,
    /// Of these, instruments last heard of longer ago than asked for.
    pub old: u32,
    /// The one heard of the longest ago, and how long.
    pub oldest: Option<(InstrumentId, DurationNs)>,
}

impl SeenAges {
    /// Ages of so many instruments, none heard of yet.
    #[must_use]
    pub fn new(instruments: usize) -> Self {
        Self {
            last: vec![TsNs::NEVER; instruments],
        }
    }

    /// An instrument was heard of.
    #[inline]
    pub fn saw(&mut self, instrument: InstrumentId, now: TsNs) {
        self.last[instrument.index()] = now;
    }

    /// The age of an instrument's data; `None` before any came.
    #[must_use]
    pub fn age(&self, instrument: InstrumentId, now: TsNs) -> Option<DurationNs> {
        let last = self.last[instrument.index()];
        last.is_set().then(|| now.since(last))
    }

    /// The ages of what `is_subscribed` tells, at once; those above `old_after` count as old. What is not listened to
    /// any more grows old without anything being wrong.
    #[must_use]
    pub fn summary(
        &self,
        now: TsNs,
        old_after: DurationNs,
        is_subscribed: impl Fn(InstrumentId) -> bool,
    ) -> AgeSummary {
        let mut summary = AgeSummary::default();
        for index in 0..self.last.len() {
            let id = InstrumentId::new(index as u32);
            let Some(age) = self.age(id, now).filter(|_| is_subscribed(id)) else {
                continue;
            };
            summary.heard += 1;
            summary.old += u32::from(age > old_after);
            if summary.oldest.is_none_or(|(_, oldest)| age > oldest) {
                summary.oldest = Some((id, age));
            }
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_named_and_the_old_are_counted() {
        let id = InstrumentId::new;
        let at = |seconds| TsNs::new(1).plus(DurationNs::from_secs(seconds));
        let mut ages = SeenAges::new(4);
        ages.saw(id(0), at(1));
        ages.saw(id(2), at(7));
        ages.saw(id(3), at(2));
        ages.saw(id(0), at(5));
        assert_eq!(ages.age(id(1), at(8)), None);
        assert_eq!(ages.age(id(0), at(8)), Some(DurationNs::from_secs(3)));
        let expected = AgeSummary {
            heard: 3,
            old: 1,
            oldest: Some((id(3), DurationNs::from_secs(6))),
        };
        assert_eq!(ages.summary(at(8), DurationNs::from_secs(3), |_| true), expected);
        let without_it = AgeSummary {
            heard: 2,
            old: 0,
            oldest: Some((id(0), DurationNs::from_secs(3))),
        };
        let still_subscribed = |instrument| instrument != id(3);
        assert_eq!(
            ages.summary(at(8), DurationNs::from_secs(3), still_subscribed),
            without_it
        );
    }
}
