//! Leaves a class of calls alone that keeps failing, and tries it again with one call at a time.
//!
//! Invariants: [`OPEN_AFTER`] troubles in a row open it; while open nothing passes; after its pause exactly one
//! call passes, the probe; a probe that fares well closes it, one in trouble opens it again for twice as long, up
//! to the longest pause. What passes is the caller's choice: a caller that must send anyway still says how it
//! went. Left out: what counts as trouble ([`super::verdict`]).

use bijli_core::{DurationNs, TsNs};

/// Troubles in a row that open a breaker.
pub const OPEN_AFTER: u32 = 5;
/// A probe of which nothing was heard for so long does not hold the next one up.
const PROBE_LOST_AFTER: DurationNs = DurationNs::from_secs(30);

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum BreakerState {
    /// Calls pass.
    #[default]
    Closed = 0,
    /// No call passes until the pause is over.
    Open = 1,
    /// The pause is over: one call may try, or is trying.
    HalfOpen = 2,
}

/// How long a breaker stays open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pauses {
    /// The first time.
    pub first: DurationNs,
    /// At most.
    pub max: DurationNs,
}

impl Pauses {
    /// For calls that can wait: 5 s, doubling to a minute.
    pub const PATIENT: Self = Self {
        first: DurationNs::from_secs(5),
        max: DurationNs::from_secs(60),
    };
    /// For calls that money waits for: 2 s, doubling to 15 s.
    pub const URGENT: Self = Self {
        first: DurationNs::from_secs(2),
        max: DurationNs::from_secs(15),
    };
}

/// A circuit breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    pauses: Pauses,
    troubles_in_row: u32,
    /// Set while not closed: the pause in force.
    pause: DurationNs,
    opened: TsNs,
    /// Set while a probe is under way.
    probing_since: TsNs,
    times_opened: u64,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub const fn new(pauses: Pauses) -> Self {
        Self {
            pauses,
            troubles_in_row: 0,
            pause: DurationNs::ZERO,
            opened: TsNs::NEVER,
            probing_since: TsNs::NEVER,
            times_opened: 0,
        }
    }

    /// Where it stands at `now`.
    #[must_use]
    pub fn state(&self, now: TsNs) -> BreakerState {
        if !self.opened.is_set() {
            BreakerState::Closed
        } else if now < self.opened.plus(self.pause) {
            BreakerState::Open
        } else {
            BreakerState::HalfOpen
        }
    }

    /// The earliest time at which a call may pass, at least `now`.
    #[must_use]
    pub fn free_at(&self, now: TsNs) -> TsNs {
        match self.state(now) {
            BreakerState::Closed => now,
            BreakerState::Open => self.opened.plus(self.pause),
            BreakerState::HalfOpen if self.probing_since.is_set() => {
                now.max(self.probing_since.plus(PROBE_LOST_AFTER))
            }
            BreakerState::HalfOpen => now,
        }
    }

    /// Says that a call leaves now, with or without this breaker's leave: while half open it is the probe.
    pub fn note_sent(&mut self, now: TsNs) {
        if self.state(now) == BreakerState::HalfOpen {
            self.probing_since = now;
        }
    }

    /// Says that a call was answered by a host that works: closes.
    pub const fn note_well(&mut self) {
        self.troubles_in_row = 0;
        self.opened = TsNs::NEVER;
        self.probing_since = TsNs::NEVER;
    }

    /// Says that a call met trouble. While open nothing is learned by it: the pause runs on.
    pub fn note_trouble(&mut self, now: TsNs) {
        self.troubles_in_row = self.troubles_in_row.saturating_add(1);
        match self.state(now) {
            BreakerState::Closed if self.troubles_in_row >= OPEN_AFTER => self.open(now, self.pauses.first),
            BreakerState::HalfOpen => {
                let doubled = self.pause.plus(self.pause).min(self.pauses.max);
                self.open(now, doubled);
            }
            BreakerState::Closed | BreakerState::Open => {}
        }
    }

    /// How often it opened.
    #[must_use]
    pub const fn times_opened(&self) -> u64 {
        self.times_opened
    }

    const fn open(&mut self, now: TsNs, pause: DurationNs) {
        self.pause = pause;
        self.opened = now;
        self.probing_since = TsNs::NEVER;
        self.times_opened += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> TsNs {
        TsNs::new(1_700_000_000_000_000_000).plus(DurationNs::from_millis(ms))
    }

    fn open_at(ms: i64) -> Breaker {
        let mut breaker = Breaker::new(Pauses::PATIENT);
        for _ in 0..OPEN_AFTER {
            assert_eq!(breaker.state(at(ms)), BreakerState::Closed);
            breaker.note_trouble(at(ms));
        }
        breaker
    }

    #[test]
    fn five_troubles_in_a_row_open_it_and_one_good_answer_between_does_not() {
        let mut breaker = Breaker::new(Pauses::PATIENT);
        for _ in 0..4 {
            breaker.note_trouble(at(0));
        }
        breaker.note_well();
        for _ in 0..4 {
            breaker.note_trouble(at(1));
        }
        assert_eq!(breaker.state(at(1)), BreakerState::Closed);
        breaker.note_trouble(at(2));
        assert_eq!(breaker.state(at(2)), BreakerState::Open);
        assert_eq!(breaker.free_at(at(2)), at(5_002));
        assert_eq!(breaker.times_opened(), 1);
    }

    #[test]
    fn after_its_pause_one_probe_passes_and_decides() {
        let mut breaker = open_at(0);
        assert_eq!(breaker.state(at(4_999)), BreakerState::Open);
        assert_eq!(breaker.free_at(at(5_000)), at(5_000));
        breaker.note_sent(at(5_000));
        assert!(breaker.free_at(at(5_001)) > at(5_001), "one probe at a time");
        breaker.note_trouble(at(5_100));
        assert_eq!(breaker.free_at(at(5_100)), at(15_100), "twice the pause");
        breaker.note_sent(at(15_100));
        breaker.note_well();
        assert_eq!(breaker.state(at(15_101)), BreakerState::Closed);
        assert_eq!(breaker.free_at(at(15_101)), at(15_101));
    }

    #[test]
    fn a_probe_that_is_never_heard_of_does_not_close_the_way_for_ever() {
        let mut breaker = open_at(0);
        breaker.note_sent(at(5_000));
        assert_eq!(breaker.free_at(at(6_000)), at(35_000));
        assert_eq!(breaker.free_at(at(40_000)), at(40_000));
    }

    /// The rule in plain words over the whole history: when it opened, for how long, and who probes.
    #[derive(Default)]
    struct Model {
        in_row: u32,
        opened: Option<(i64, i64)>,
    }

    proptest! {
        #[test]
        fn it_stands_where_a_plain_model_says(
            steps in prop::collection::vec((0..4_000_i64, 0..4_u8), 1..300),
        ) {
            let mut breaker = Breaker::new(Pauses::PATIENT);
            let mut model = Model::default();
            let mut ms = 0;
            for (pause, kind) in steps {
                ms += pause;
                let is_paused = model.opened.is_some_and(|(from, length)| ms < from + length);
                let expected = match (model.opened, is_paused) {
                    (None, _) => BreakerState::Closed,
                    (Some(_), true) => BreakerState::Open,
                    (Some(_), false) => BreakerState::HalfOpen,
                };
                prop_assert_eq!(breaker.state(at(ms)), expected);
                prop_assert_eq!(breaker.free_at(at(ms)) > at(ms), is_paused);
                // A call that passes, or is sent all the same (kind 3), and how it goes.
                if is_paused && kind != 3 {
                    continue;
                }
                breaker.note_sent(at(ms));
                if kind == 0 {
                    breaker.note_well();
                    model = Model::default();
                } else {
                    breaker.note_trouble(at(ms));
                    model.in_row += 1;
                    match model.opened {
                        None if model.in_row >= OPEN_AFTER => model.opened = Some((ms, 5_000)),
                        Some((_, length)) if !is_paused => model.opened = Some((ms, (length * 2).min(60_000))),
                        _ => {}
                    }
                }
            }
        }
    }
}
