//! The last half minute of one instrument: where price and cumulative volume stood some seconds ago.
//!
//! Fed with closed one-second bars, it answers "what changed since at least [`WINDOW_S`] seconds ago".
//! Invariants: seconds rise strictly; the base is the newest point at least a window old, so it lags by
//! more than a window only where no tick came. A silence longer than [`SILENCE_MAX_S`] empties it: what
//! moved while nobody listened is no spike, and its pile of volume is no surge.
//!
//! Leaves out: what a change means; that is [`crate::spike`].

use bijli_core::state_hash::StateHasher;
use bijli_core::{Price, Qty};

/// How far back the window looks, seconds.
pub const WINDOW_S: i64 = 30;
/// A longer silence than this empties the window, seconds.
pub const SILENCE_MAX_S: i64 = 60;
/// One point a second at most, the base included.
const POINTS: usize = 32;

const _: () = assert!(POINTS as i64 > WINDOW_S);
const _: () = assert!(POINTS.is_power_of_two());

/// Where an instrument stood at the end of one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// The second, counted from 1970-01-01 UTC.
    pub second: i64,
    /// Last price of that second.
    pub price: Price,
    /// Volume traded until its end, counted from an arbitrary start.
    pub volume: Qty,
}

/// A ring of points, one per second in which a tick came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RollingWindow {
    points: [Point; POINTS],
    oldest: u32,
    count: u32,
}

impl RollingWindow {
    /// Adds the end of a second; one that is not later than the newest is ignored.
    pub fn push(&mut self, point: Point) {
        if self.count > 0 {
            let newest = self.points[self.slot(self.count - 1)];
            if point.second <= newest.second {
                return;
            }
            if point.second - newest.second > SILENCE_MAX_S {
                self.count = 0;
            }
        }
        if self.count as usize == POINTS {
            self.oldest = self.oldest.wrapping_add(1);
            self.count -= 1;
        }
        let slot = self.slot(self.count);
        self.points[slot] = point;
        self.count += 1;
        // Only the newest point that is old enough can still be a base, for this second and for all later ones.
        while self.count > 1 && self.points[self.slot(1)].second <= point.second - WINDOW_S {
            self.oldest = self.oldest.wrapping_add(1);
            self.count -= 1;
        }
    }

    /// The newest point that lies at least a window before `second`; `None` while there is none, or when
    /// the newest point is so old that the instrument was silent.
    #[must_use]
    pub fn base(&self, second: i64) -> Option<&Point> {
        if self.count == 0 {
            return None;
        }
        let newest = &self.points[self.slot(self.count - 1)];
        if second - newest.second > SILENCE_MAX_S {
            return None;
        }
        let mut base = None;
        for step in 0..self.count {
            let point = &self.points[self.slot(step)];
            if point.second > second - WINDOW_S {
                break;
            }
            base = Some(point);
        }
        base
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(u64::from(self.count));
        for step in 0..self.count {
            let point = &self.points[self.slot(step)];
            hasher.i64(point.second);
            hasher.i64(point.price.get());
            hasher.i64(point.volume.get());
        }
    }

    const fn slot(&self, step: u32) -> usize {
        self.oldest.wrapping_add(step) as usize % POINTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(second: i64) -> Point {
        Point {
            second,
            price: Price::new(second + 1_000),
            volume: Qty::new(second * 10),
        }
    }

    #[test]
    fn a_silence_empties_the_window_until_it_is_full_again() {
        let mut window = RollingWindow::default();
        for second in 0..=40 {
            window.push(point(second));
        }
        assert_eq!(window.base(41), Some(&point(11)));
        assert_eq!(window.base(101), None);
        window.push(point(140));
        assert_eq!(window.base(141), None);
        window.push(point(160));
        assert_eq!(window.base(170), Some(&point(140)));
    }

    proptest! {
        #[test]
        fn the_base_is_what_a_plain_search_finds(gaps in prop::collection::vec(1i64..80, 1..200)) {
            let mut window = RollingWindow::default();
            let mut plain: Vec<Point> = Vec::new();
            let mut second = 0;
            for gap in gaps {
                second += gap;
                if plain.last().is_some_and(|newest| second - newest.second > SILENCE_MAX_S) {
                    plain.clear();
                }
                let expected = plain.iter().rev().find(|point| point.second <= second - WINDOW_S);
                prop_assert_eq!(window.base(second), expected);
                window.push(point(second));
                plain.push(point(second));
            }
        }
    }
}
