//! Which underlyings move together: the correlation of their one-minute returns, in integers.
//!
//! Definition: a minute's return is its last sound price over that of the minute before, in quarters of a basis point,
//! cut at 10 %; a minute without a price has a return of zero. Two underlyings are compared over the last
//! [`WINDOW_MINUTES`] closed minutes by Pearson's coefficient. Before either has so many minutes, or when one of them
//! did not move at all, nothing is known; the caller says what that means. Invariants: all sums fit 32 bits and all
//! products 128, so the answer is exact and the same on every machine; the sums that an underlying has alone are kept
//! and follow from its returns, so they are not in the state hash. A tick costs one comparison and one store but once a
//! minute; a comparison of two costs one product a minute of the window and happens for entries alone.

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
    returns: Returns,
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
    returns: Returns::NONE,
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
            let (slot, value) = self.closing();
            self.put(slot, value);
        }
        self.base = self.last;
        let silent_from = (self.minute + 1).max(minute - WINDOW_MINUTES as i64);
        for silent in silent_from..minute {
            self.put(slot_of(silent), 0);
        }
        self.minute = minute;
    }

    /// Whether the window is full.
    const fn is_warm(&self) -> bool {
        self.known as usize == WINDOW_MINUTES
    }

    /// Slot and return of the minute under way, as if it ended now; the base must be set.
    #[inline]
    fn closing(&self) -> (usize, i16) {
        (slot_of(self.minute), scaled_return(self.base, self.last))
    }

    fn put(&mut self, slot: usize, value: i16) {
        self.returns.put(slot, value);
        self.known = (self.known + 1).min(WINDOW_MINUTES as u8);
    }
}

const fn slot_of(minute: i64) -> usize {
    (minute % WINDOW_MINUTES as i64) as usize
}

#[inline]
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

/// The window times a sum of products, less the product of the two sums.
const fn moment(products: i32, one: i32, other: i32) -> i64 {
    (WINDOW_MINUTES as i64 * products as i64).wrapping_sub(one as i64 * other as i64)
}

/// The returns of one underlying over the window, to be compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returns {
    values: [i16; WINDOW_MINUTES],
    sums: Sums,
}

/// What one underlying's returns add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sums {
    values: i32,
    squares: i32,
    /// See [`moment`].
    spread: i64,
}

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
        track.is_warm().then_some(track.returns)
    }

    /// The underlying that others are about to be compared with, with `min_ppm` as the smallest correlation, millionths,
    /// that counts.
    #[must_use]
    pub fn beside(&self, underlying: InstrumentId, now: TsNs, min_ppm: u32) -> Beside<'_> {
        Beside {
            tracks: &self.tracks,
            minute: now.get() / MINUTE_NS,
            min_ppm,
            ours: self.returns(underlying, now),
        }
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
            for value in track.returns.values {
                hasher.i64(i64::from(value));
            }
        }
    }
}

/// One underlying that others are compared with at one time.
#[derive(Debug)]
pub struct Beside<'a> {
    tracks: &'a [Track],
    minute: i64,
    min_ppm: u32,
    /// `None` before the window is full.
    ours: Option<Returns>,
}

impl Beside<'_> {
    /// How another underlying moves with this one.
    #[must_use]
    #[inline]
    pub fn relation(&self, other: InstrumentId) -> Relation {
        let (Some(ours), Some(track)) = (&self.ours, self.tracks.get(other.index())) else {
            return Relation::Unknown;
        };
        if !track.is_warm() || !track.base.is_set() || self.minute > track.minute + 1 {
            return self.relation_of_silent(ours, *track);
        }
        let (mut theirs, mut products) = (track.returns.sums, ours.products(&track.returns));
        if self.minute > track.minute {
            // It has not ticked in this minute yet, as most have not when one begins: one slot differs.
            let (slot, value) = track.closing();
            let old = track.returns.values[slot];
            theirs = theirs.replace(old, value);
            let change = i32::from(value) - i32::from(old);
            products = products.wrapping_add(i32::from(ours.values[slot]).wrapping_mul(change));
        }
        ours.sums.relation(&theirs, products, self.min_ppm)
    }

    /// The same where more than a minute is to be closed, or the window is not full.
    #[cold]
    fn relation_of_silent(&self, ours: &Returns, mut track: Track) -> Relation {
        track.advance(self.minute);
        if track.is_warm() {
            ours.relation(&track.returns, self.min_ppm)
        } else {
            Relation::Unknown
        }
    }
}

impl Returns {
    const NONE: Self = Self {
        values: [0; WINDOW_MINUTES],
        sums: Sums {
            values: 0,
            squares: 0,
            spread: 0,
        },
    };

    /// Takes a minute's return in, in place of what its slot held.
    fn put(&mut self, slot: usize, value: i16) {
        self.sums = self.sums.replace(self.values[slot], value);
        self.values[slot] = value;
    }

    /// How the two move, with `min_ppm` as the smallest correlation, millionths, that counts.
    #[must_use]
    pub fn relation(&self, other: &Self, min_ppm: u32) -> Relation {
        self.sums.relation(&other.sums, self.products(other), min_ppm)
    }

    /// Sum of the products of the minutes. Nothing here can overflow (asserted by `SUMS_FIT`), so nothing is checked: then
    /// the compiler takes several minutes at a time, and one decision compares with dozens of positions and orders
    /// (`benches/risk_gate.rs`).
    #[inline]
    fn products(&self, other: &Self) -> i32 {
        let mut sum = 0i32;
        for (x, y) in self.values.iter().zip(&other.values) {
            sum = sum.wrapping_add(i32::from(*x).wrapping_mul(i32::from(*y)));
        }
        sum
    }
}

impl Sums {
    #[inline]
    fn replace(self, old: i16, new: i16) -> Self {
        let (old, new) = (i32::from(old), i32::from(new));
        let (values, squares) = (self.values + new - old, self.squares + new * new - old * old);
        Self {
            values,
            squares,
            spread: moment(squares, values, values),
        }
    }

    /// The relation of two whose minutes' products add up to `products`.
    #[inline]
    fn relation(&self, other: &Self, products: i32, min_ppm: u32) -> Relation {
        let spread = i128::from(self.spread).wrapping_mul(i128::from(other.spread));
        if spread == 0 {
            return Relation::Unknown;
        }
        let shared = i128::from(moment(products, self.values, other.values));
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
        assert_eq!(returns.values[slot_of(29_000_060)], 3_912);
    }

    /// The definition, from nothing but the prices: minute and price, in order.
    fn returns_by_definition(prices: &[(i64, i64)], now: i64) -> Option<Vec<i128>> {
        let first = prices.first()?.0;
        let last_of = |minute: i64| {
            let told = prices.iter().rev().find(|(at, _)| *at <= minute);
            told.map(|(_, price)| Price::new(*price))
        };
        let first_return = now - WINDOW_MINUTES as i64;
        (first < first_return).then(|| {
            let returns = (first_return..now).map(|minute| {
                let (base, last) = (last_of(minute - 1), last_of(minute));
                scaled_return(base.expect("priced"), last.expect("priced")).into()
            });
            returns.collect()
        })
    }

    fn relation_by_definition(one: &[(i64, i64)], other: &[(i64, i64)], now: i64, min_ppm: u32) -> Relation {
        let (Some(x), Some(y)) = (returns_by_definition(one, now), returns_by_definition(other, now)) else {
            return Relation::Unknown;
        };
        let count = WINDOW_MINUTES as i128;
        let moment = |x: &[i128], y: &[i128]| {
            let products: i128 = x.iter().zip(y).map(|(x, y)| x * y).sum();
            count * products - x.iter().sum::<i128>() * y.iter().sum::<i128>()
        };
        let (spread, shared) = (moment(&x, &x) * moment(&y, &y), moment(&x, &y));
        let is_enough = shared * shared * 1_000_000_000_000 >= i128::from(min_ppm).pow(2) * spread;
        match (spread, is_enough) {
            (0, _) => Relation::Unknown,
            (_, false) => Relation::Apart,
            (_, true) if shared > 0 => Relation::Together,
            (_, true) => Relation::Against,
        }
    }

    proptest! {
        #[test]
        fn kept_sums_and_unclosed_minutes_give_the_relation_of_the_definition(
            ticks in prop::collection::vec((0usize..3, 0i64..3, 900_000i64..1_100_000), 0..160),
            jump in prop::sample::select(vec![0i64, 5, WINDOW_MINUTES as i64 - 1, WINDOW_MINUTES as i64 + 3]),
            jump_at in 0usize..160,
            min_ppm in 0u32..600_000,
        ) {
            let mut all = Comovement::default();
            let mut prices = vec![Vec::new(); 3];
            (0..3).for_each(|_| all.list_instrument());
            let mut now = 1;
            for (number, (which, gap, price)) in ticks.into_iter().enumerate() {
                now += gap + if number == jump_at { jump } else { 0 };
                let id = InstrumentId::new(which as u32);
                all.note_price(id, minute(now), Price::new(price));
                prices[which].push((now, price));
                for at in now..now + 3 {
                    for (one, other) in [(0, 1), (1, 0), (1, 2), (2, 0)] {
                        let beside = all.beside(InstrumentId::new(one), minute(at), min_ppm);
                        prop_assert_eq!(
                            beside.relation(InstrumentId::new(other)),
                            relation_by_definition(&prices[one as usize], &prices[other as usize], at, min_ppm)
                        );
                    }
                }
            }
        }

        #[test]
        fn the_integers_agree_with_the_textbook_formula(
            pairs in prop::collection::vec((-4_000i16..=4_000, -4_000i16..=4_000), WINDOW_MINUTES),
            min_ppm in 500_000u32..=1_000_000,
        ) {
            let x: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.0)).collect();
            let y: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.0) * 0.7 + f64::from(pair.1) * 0.7).collect();
            let mut a = Returns::NONE;
            let mut b = a;
            for (slot, (left, right)) in x.iter().zip(&y).enumerate() {
                a.put(slot, *left as i16);
                b.put(slot, *right as i16);
            }
            let y: Vec<f64> = b.values.iter().map(|value| f64::from(*value)).collect();
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
