//! Whether this machine's time can be trusted: the wall clock against the monotonic one, and turns that came late.
//!
//! Invariants: one doubt per cause, not one per turn; a simulated day keeps its own time and is never doubted.
//! Left out: what the engine does about a doubt. Both clocks stand still while a machine is suspended, so what a
//! suspension leaves is the step of the wall clock after it. Readings of the monotonic clock are nanoseconds since
//! any instant before the first of them, and never zero.

use crate::event::ClockDoubt;
use crate::time::{DurationNs, TsNs};

/// The wall clock may move so much otherwise than the monotonic one, in all.
const STEP_MAX: DurationNs = DurationNs::from_millis(500);
/// Two turns may be so far apart; a busy machine stays well below.
const GAP_MAX: DurationNs = DurationNs::from_secs(1);

/// The two clocks as they stood.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClockWatch {
    /// Both at the first turn, and after each doubt.
    anchor: Option<(u64, TsNs)>,
    last_turn: u64,
}

impl ClockWatch {
    /// Looks at one turn's clocks, monotonic and wall; gives a doubt and its length.
    pub fn look(&mut self, mono: u64, wall: TsNs) -> Option<(ClockDoubt, DurationNs)> {
        let (mono_then, wall_then) = *self.anchor.get_or_insert((mono, wall));
        let gap = passed(mono, self.last_turn);
        let is_late = self.last_turn != 0 && gap > GAP_MAX;
        self.last_turn = mono;
        let step = DurationNs::new(wall.since(wall_then).get() - passed(mono, mono_then).get());
        if step.get().abs() > STEP_MAX.get() {
            self.anchor = Some((mono, wall));
            return Some((ClockDoubt::Stepped, step));
        }
        is_late.then_some((ClockDoubt::StoodStill, gap))
    }
}

fn passed(now: u64, then: u64) -> DurationNs {
    DurationNs::new(i64::try_from(now.saturating_sub(then)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn wall(ns: u64) -> TsNs {
        TsNs::new(1_700_000_000_000_000_000 + i64::try_from(ns).expect("small"))
    }

    #[test]
    fn a_step_either_way_is_told_once_and_slow_drift_below_half_a_second_never() {
        let mut watch = ClockWatch::default();
        for turn in 1..1_000 {
            // A tenth of a second in a thousand turns.
            assert_eq!(watch.look(turn * S / 2, wall(turn * (S / 2 + S / 10_000))), None);
        }
        let mut back = ClockWatch::default();
        assert_eq!(back.look(S, wall(9 * S)), None);
        let hour = DurationNs::from_secs(3_600);
        let stepped = back.look(S + 1, TsNs::new(wall(9 * S).get() - hour.get() + 1));
        assert_eq!(stepped, Some((ClockDoubt::Stepped, DurationNs::new(-hour.get()))));
        assert_eq!(
            back.look(S + 2, TsNs::new(wall(9 * S).get() - hour.get() + 2)),
            None
        );
    }

    #[test]
    fn a_turn_that_came_a_second_late_is_told() {
        let mut watch = ClockWatch::default();
        assert_eq!(watch.look(S, wall(S)), None);
        assert_eq!(watch.look(2 * S, wall(2 * S)), None);
        let late = watch.look(5 * S, wall(5 * S));
        assert_eq!(late, Some((ClockDoubt::StoodStill, DurationNs::from_secs(3))));
    }
}
