//! Which underlyings move together: the correlation of their one-minute returns, in integers.
//!
//! Definition: a minute's return is its last sound price over that of the minute before, in quarters of a basis point,
//! cut at 10 %; a minute without a price has a return of zero. Two underlyings are compared over the last
//! [`WINDOW_MINUTES`] closed minutes by Pearson's coefficient. Before either has so many minutes, or when one of them
//! did not move at all, nothing is known; the caller says what that means. Invariants: all sums fit 32 bits and all
//! products 128, so the answer is exact and the same on every machine. A tick costs one comparison and one store but
//! once a minute; a comparison of two costs some tens of operations and happens for entries alone.

use crate::instrument::InstrumentId;
use crate::price::Price;
use crate::state_hash::StateHasher;
use crate::time::{DurationNs, TsNs};

/// Minutes over which two underlyings are compared; also the warm-up.
pub const WINDOW_MINUTES: usize = 32;

const MINUTE_NS: i64 = DurationNs::from_secs(60).get();
const RETURN_UNITS: i64 = 40_000;
const RETURN_MAX: i64 = 4_000;

/// One underlying's returns; the slot of a minute is its number modulo the window.
#[derive(Clone, Copy, Debug)]
struct Track {
    returns: [i16; WINDOW_MINUTES],
    /// Number of the minute under way since 1970; 0 before the first price.
    minute: i64,
    /// Last price of the minute before; none in the first minute.
    base: Price,
    /// Last price.
    last: Price,
    /// Slots written, up to the window.
    known: u8,
}

const NO_TRACK: Track = Track {
    returns: [0; WINDOW_MINUTES],
    minute: 0,
    base: Price::NONE,
    last: Price::NONE,
    known: 0,
};

impl Track {
    /// Closes the minutes before `minute`.
    fn advance(&mut self, minute: i64) {
        if minute <= self.minute || self.minute == 0 {
            return;
        }
        if self.base.is_set() {
            self.put(self.minute, scaled_return(self.base, self.last));
        }
        self.base = self.last;
        let silent_from = (self.minute + 1).max(minute - WINDOW_MINUTES as i64);
        for silent in silent_from..minute {
            self.put(silent, 0);
        }
        self.minute = minute;
    }

    fn put(&mut self, minute: i64, value: i16) {
        self.returns[(minute % WINDOW_MINUTES as i64) as usize] = value;
        self.known = (self.known + 1).min(WINDOW_MINUTES as u8);
    }
}

fn scaled_return(base: Price, last: Price) -> i16 {
    let units = last.minus(base).share(RETURN_UNITS, base.get()).get();
    units.clamp(-RETURN_MAX, RETURN_MAX) as i16
}

/// A sum of products over the window stays below 2^30, a moment (such a sum times the window) below 2^35, a product of
/// two moments below 2^70, and that times the square of a million below 2^110.
const SUMS_FIT: bool = WINDOW_MINUTES == 32 && WINDOW_MINUTES as i64 * RETURN_MAX.pow(2) < 1 << 30;
const _: () = assert!(SUMS_FIT);
/// No correlation is larger than a million millionths; a threshold above it is never reached.
const NEVER_PPM: u32 = 1_000_001;

/// The returns of one underlying over the window, to be compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returns([i16; WINDOW_MINUTES]);

/// Whether two underlyings move together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Not enough minutes, or one of them did not move.
    Unknown,
    /// Less than the threshold.
    Apart,
    /// They gain and lose together.
    Together,
    /// One gains when the other loses.
    Against,
}

/// The returns of all underlyings, by instrument id.
#[derive(Debug, Default)]
pub struct Comovement {
    tracks: Vec<Track>,
}

impl Comovement {
    /// Makes room for the next instrument of the table.
    pub(crate) fn list_instrument(&mut self) {
        self.tracks.push(NO_TRACK);
    }

    /// Takes in a sound price of an underlying.
    #[inline]
    pub(crate) fn note_price(&mut self, underlying: InstrumentId, now: TsNs, price: Price) {
        let track = &mut self.tracks[underlying.index()];
        let minute = now.get() / MINUTE_NS;
        if minute != track.minute {
            track.advance(minute);
            track.minute = track.minute.max(minute);
        }
        track.last = price;
    }

    /// The returns of an underlying over the window that ends before the minute of `now`; `None` before it has so many.
    #[must_use]
    pub fn returns(&self, underlying: InstrumentId, now: TsNs) -> Option<Returns> {
        let mut track = *self.tracks.get(underlying.index())?;
        track.advance(now.get() / MINUTE_NS);
        (usize::from(track.known) == WINDOW_MINUTES).then_some(Returns(track.returns))
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        for track in &self.tracks {
            hasher.i64(track.minute);
            if track.minute == 0 {
                continue;
            }
            hasher.i64(track.base.get());
            hasher.i64(track.last.get());
            hasher.u64(u64::from(track.known));
            for value in track.returns {
                hasher.i64(i64::from(value));
            }
        }
    }
}

impl Returns {
    /// How the two move, with `min_ppm` as the smallest correlation, millionths, that counts.
    #[must_use]
    pub fn relation(&self, other: &Self, min_ppm: u32) -> Relation {
        // Nothing here can overflow (asserted by `SUMS_FIT`), so nothing is checked: then the compiler takes several
        // minutes at a time, and this is half of the risk gate's time (`benches/risk_gate.rs`).
        let (mut sx, mut sy, mut sxx, mut syy, mut sxy) = (0i32, 0i32, 0i32, 0i32, 0i32);
        for (x, y) in self.0.iter().zip(&other.0) {
            let (x, y) = (i32::from(*x), i32::from(*y));
            sx = sx.wrapping_add(x);
            sy = sy.wrapping_add(y);
            sxx = sxx.wrapping_add(x.wrapping_mul(x));
            syy = syy.wrapping_add(y.wrapping_mul(y));
            sxy = sxy.wrapping_add(x.wrapping_mul(y));
        }
        let count = WINDOW_MINUTES as i64;
        let moment = |products: i32, one: i32, other: i32| {
            i128::from(count * i64::from(products) - i64::from(one) * i64::from(other))
        };
        let spread = moment(sxx, sx, sx).wrapping_mul(moment(syy, sy, sy));
        if spread == 0 {
            return Relation::Unknown;
        }
        let shared = moment(sxy, sx, sy);
        // |shared| / sqrt(spread) >= min, squared so that no root is needed.
        let min = i128::from(u64::from(min_ppm.min(NEVER_PPM)).pow(2));
        let shared_square = shared.wrapping_mul(shared).wrapping_mul(1_000_000_000_000);
        if shared_square < min.wrapping_mul(spread) {
            Relation::Apart
        } else if shared > 0 {
            Relation::Together
        } else {
            Relation::Against
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: InstrumentId = InstrumentId::new(0);
    const B: InstrumentId = InstrumentId::new(1);

    fn minute(number: i64) -> TsNs {
        TsNs::new((29_000_000 + number) * MINUTE_NS)
    }

    /// Both priced once a minute, by `price_of` the minute and which of them it is.
    fn priced(minutes: i64, price_of: impl Fn(i64, InstrumentId) -> i64) -> Comovement {
        let mut all = Comovement::default();
        for id in [A, B] {
            all.list_instrument();
            for number in 0..minutes {
                all.note_price(id, minute(number), Price::new(price_of(number, id)));
            }
        }
        all
    }

    fn relation(all: &Comovement, number: i64) -> Relation {
        match (all.returns(A, minute(number)), all.returns(B, minute(number))) {
            (Some(a), Some(b)) => a.relation(&b, 800_000),
            _ => Relation::Unknown,
        }
    }

    fn zigzag(number: i64) -> i64 {
        1_000_000 + [0, 3_000, 1_000, 7_000, 2_000][(number % 5) as usize]
    }

    #[test]
    fn the_same_path_is_together_and_its_mirror_against() {
        assert_eq!(
            relation(&priced(40, |number, _| zigzag(number)), 40),
            Relation::Together
        );
        let mirrored = priced(40, |number, id| {
            if id == A {
                zigzag(number)
            } else {
                2_000_000 - zigzag(number)
            }
        });
        assert_eq!(relation(&mirrored, 40), Relation::Against);
        let shifted = priced(40, |number, id| zigzag(number + i64::from(id.get()) * 2));
        assert_eq!(relation(&shifted, 40), Relation::Apart);
    }

    #[test]
    fn nothing_is_known_before_the_window_is_full_nor_of_what_stands_still() {
        let minutes = WINDOW_MINUTES as i64;
        let short = priced(minutes, |number, _| zigzag(number));
        assert_eq!(relation(&short, minutes), Relation::Unknown);
        let enough = priced(minutes + 1, |number, _| zigzag(number));
        assert_eq!(relation(&enough, minutes), Relation::Unknown);
        assert_eq!(relation(&enough, minutes + 1), Relation::Together);
        let still = priced(40, |number, id| if id == A { zigzag(number) } else { 500 });
        assert_eq!(relation(&still, 40), Relation::Unknown);
    }

    #[test]
    fn silent_minutes_are_minutes_without_a_return() {
        let mut all = priced(40, |number, _| zigzag(number));
        // After a window of silence nothing moved at all.
        assert_eq!(relation(&all, 40 + WINDOW_MINUTES as i64), Relation::Unknown);
        let jump = minute(60);
        all.note_price(A, jump, Price::new(1_100_000));
        let late = minute(61);
        let returns = all.returns(A, late).expect("the window is full");
        assert_eq!(returns.0[((29_000_060) % WINDOW_MINUTES as i64) as usize], 3_912);
    }

    proptest! {
        #[test]
        fn the_integers_agree_with_the_textbook_formula(
            pairs in prop::collection::vec((-4_000i16..=4_000, -4_000i16..=4_000), WINDOW_MINUTES),
            min_ppm in 500_000u32..=1_000_000,
        ) {
            let x: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.0)).collect();
            let y: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.0) * 0.7 + f64::from(pair.1) * 0.7).collect();
            let mut a = Returns([0; WINDOW_MINUTES]);
            let mut b = a;
            for (slot, (left, right)) in x.iter().zip(&y).enumerate() {
                a.0[slot] = *left as i16;
                b.0[slot] = *right as i16;
            }
            let y: Vec<f64> = b.0.iter().map(|value| f64::from(*value)).collect();
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let (mx, my) = (mean(&x), mean(&y));
            let sum = |f: &dyn Fn(f64, f64) -> f64| x.iter().zip(&y).map(|(x, y)| f(x - mx, y - my)).sum::<f64>();
            let spread = (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
            prop_assume!(spread > 0.0);
            let correlation = sum(&|x, y| x * y) / spread;
            prop_assume!((correlation.abs() - f64::from(min_ppm) / 1e6).abs() > 1e-9);
            let expected = if correlation.abs() < f64::from(min_ppm) / 1e6 {
                Relation::Apart
            } else if correlation > 0.0 {
                Relation::Together
            } else {
                Relation::Against
            };
            prop_assert_eq!(a.relation(&b, min_ppm), expected);
            prop_assert_eq!(b.relation(&a, min_ppm), expected);
        }
    }
}
