//! Which underlyings move together: the correlation of their one-minute returns, in integers.
//!
//! Definition: a minute's return is its last sound price over that of the minute before, in quarters of a basis point,
//! cut at 10 %; a minute without a price has a return of zero. Two underlyings are compared over the last
//! [`WINDOW_MINUTES`] closed minutes by Pearson's coefficient. Before either has so many minutes, or when one of them
//! did not move at all, nothing is known; the caller says what that means. Invariants: all sums fit 32 bits and all
//! products 128, so the answer is exact and the same on every machine; the sums that an underlying has alone are kept,
//! those that it would have if its minute ended now too, and all of them follow from its returns and last two prices, so
//! they are not in the state hash. A tick costs three products and no division but once a minute; a comparison of two
//! costs one product a minute of the window, also as a minute begins, and happens for entries alone. Only of what has not
//! ticked for a whole minute the sums are made anew for each comparison.

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
struct Track {
    returns: Returns,
    /// Number of the minute under way since 1970; 0 before the first price.
    minute: i64,
    /// Last price of the minute before; none in the first minute.
    base: Price,
    /// Last price.
    last: Price,
    /// [`inverse_of`] the base.
    inverse: u64,
    /// Spread of the window if the minute under way ended now; 0 without a base.
    ahead_spread: i64,
    /// What the return of the minute under way, if it ended now, is above `held`; 0 without a base.
    ahead_change: i16,
    /// Return that the slot of the minute under way still holds: kept here so that a tick reads one line of the cache.
    held: i16,
    /// Slots written, up to the window.
    known: u8,
}

/// Two lines of the cache: the returns, and all that a tick reads and writes.
const _: () = assert!(size_of::<Track>() == 128);

const NO_TRACK: Track = Track {
    returns: Returns::NONE,
    minute: 0,
    base: Price::NONE,
    last: Price::NONE,
    inverse: 0,
    ahead_spread: 0,
    ahead_change: 0,
    held: 0,
    known: 0,
};

impl Track {
    /// Closes the minutes before `minute`.
    fn advance(&mut self, minute: i64) {
        if minute <= self.minute || self.minute == 0 {
            return;
        }
        if self.base.is_set() {
            self.put(slot_of(self.minute), self.held + self.ahead_change);
        }
        self.base = self.last;
        self.inverse = inverse_of(self.base);
        let silent_from = (self.minute + 1).max(minute - WINDOW_MINUTES as i64);
        for silent in silent_from..minute {
            self.put(slot_of(silent), 0);
        }
        self.minute = minute;
        self.held = self.returns.values[slot_of(minute)];
    }

    /// Whether the window is full.
    const fn is_warm(&self) -> bool {
        self.known as usize == WINDOW_MINUTES
    }

    /// Return of the minute under way, as if it ended now: [`scaled_return`], for nearly every base without a division.
    #[inline]
    fn closing(&self) -> i16 {
        if self.inverse == 0 {
            return scaled_return(self.base, self.last);
        }
        let change = self.last.get().wrapping_sub(self.base.get());
        let units = (u128::from(change.unsigned_abs()) * u128::from(self.inverse)) >> 64;
        let size = (units as u64).min(RETURN_MAX.unsigned_abs()) as i16;
        if change < 0 { -size } else { size }
    }

    /// Works out anew what the window would have if the minute ended now.
    #[inline]
    fn look_ahead(&mut self) {
        let value = self.closing();
        self.ahead_change = value - self.held;
        self.ahead_spread = self.returns.sums.replace(self.held, value).spread;
    }

    fn put(&mut self, slot: usize, value: i16) {
        self.returns.put(slot, value);
        self.known = (self.known + 1).min(WINDOW_MINUTES as u8);
    }
}

const fn slot_of(minute: i64) -> usize {
    (minute.cast_unsigned() % WINDOW_MINUTES as u64) as usize
}

/// Bases, exclusive, whose [`inverse_of`] gives every return exactly.
const INVERSE_BASES: (i64, i64) = (RETURN_UNITS, 1 << 33);

/// Units of a return that a change by one is, times 2^64, rounded up; 0 where that is not exact. With a base below 2^33, a
/// change that is not cut is at most a tenth of it, and a change times what was rounded off stays below 2^64 over the
/// base: too little to reach the next whole unit.
fn inverse_of(base: Price) -> u64 {
    let (above, below) = INVERSE_BASES;
    if base.get() <= above || base.get() >= below {
        return 0;
    }
    let units = u128::from(RETURN_UNITS.unsigned_abs()) << 64;
    (units / u128::from(base.get().unsigned_abs())) as u64 + 1
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
        if track.base.is_set() {
            track.look_ahead();
        }
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
        let minute = now.get() / MINUTE_NS;
        let ours = self.returns(underlying, now);
        Beside {
            tracks: &self.tracks,
            minute,
            least: ours.map_or(0, |ours| ours.sums.least(min_ppm)),
            closed: ours.map_or(0, |ours| ours.values[slot_of(minute - 1)].into()),
            ours,
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
    /// See [`Sums::least`].
    least: u128,
    /// Our return of the minute before.
    closed: i32,
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
        let behind = self.minute.wrapping_sub(track.minute);
        if !track.is_warm() || !track.base.is_set() || behind > 1 {
            return self.relation_of_silent(ours, track);
        }
        let mut products = products(&ours.values, &track.returns.values);
        let mut theirs = (track.returns.sums.values, track.returns.sums.spread);
        if behind == 1 {
            // It has not ticked in this minute yet, as most have not when one begins: one slot differs.
            let change = i32::from(track.ahead_change);
            theirs = (theirs.0.wrapping_add(change), track.ahead_spread);
            products = products.wrapping_add(self.closed.wrapping_mul(change));
        }
        ours.sums.relation(theirs, products, self.least)
    }

    /// The same where more than a minute is to be closed, or the window is not full.
    #[cold]
    #[inline(never)]
    fn relation_of_silent(&self, ours: &Returns, track: &Track) -> Relation {
        let silent = self.minute.wrapping_sub(track.minute).wrapping_sub(1);
        if track.is_warm() && track.base.is_set() && (1..WINDOW_MINUTES as i64).contains(&silent) {
            let kept = track.returns.without_newest(silent as i16, self.minute);
            let (held, change) = (track.held, i32::from(track.ahead_change));
            let theirs = Sums::of(&kept).replace(held, held + track.ahead_change);
            let ours_then = i32::from(ours.values[slot_of(track.minute)]);
            let products = products(&ours.values, &kept).wrapping_add(ours_then.wrapping_mul(change));
            return ours
                .sums
                .relation((theirs.values, theirs.spread), products, self.least);
        }
        let mut track = *track;
        track.advance(self.minute);
        if track.is_warm() {
            let products = products(&ours.values, &track.returns.values);
            let theirs = &track.returns.sums;
            ours.sums
                .relation((theirs.values, theirs.spread), products, self.least)
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
        let least = self.sums.least(min_ppm);
        self.sums.relation(
            (other.sums.values, other.sums.spread),
            products(&self.values, &other.values),
            least,
        )
    }

    /// The returns at the begin of `minute`, where the last `silent` minutes before it had none. Inlined, its loop and the
    /// sums over what it gives are not taken several at a time (`benches/risk_gate.rs`).
    #[inline(never)]
    fn without_newest(&self, silent: i16, minute: i64) -> [i16; WINDOW_MINUTES] {
        let newest = slot_of(minute - 1) as i16;
        let mut kept = self.values;
        for (slot, value) in kept.iter_mut().enumerate() {
            let age = newest.wrapping_sub(slot as i16) & (WINDOW_MINUTES as i16 - 1);
            *value = if age < silent { 0 } else { *value };
        }
        kept
    }
}

/// Sum of the products of the minutes. Nothing here can overflow (asserted by `SUMS_FIT`), so nothing is checked: then
/// the compiler takes several minutes at a time, and one decision compares with dozens of positions and orders
/// (`benches/risk_gate.rs`).
#[inline]
fn products(one: &[i16; WINDOW_MINUTES], other: &[i16; WINDOW_MINUTES]) -> i32 {
    let mut sum = 0i32;
    for (x, y) in one.iter().zip(other) {
        sum = sum.wrapping_add(i32::from(*x).wrapping_mul(i32::from(*y)));
    }
    sum
}

impl Sums {
    /// From nothing but the returns; by itself for the same reason as [`Returns::without_newest`].
    #[inline(never)]
    fn of(values: &[i16; WINDOW_MINUTES]) -> Self {
        let (sum, squares) = (products(values, &[1; WINDOW_MINUTES]), products(values, values));
        Self {
            values: sum,
            squares,
            spread: moment(squares, sum, sum),
        }
    }

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

    /// What the square of a shared moment, times the square of a million, must be at least for each unit of the other's
    /// spread; below 2^75.
    fn least(&self, min_ppm: u32) -> u128 {
        let min = u64::from(min_ppm.min(NEVER_PPM));
        u128::from(min * min) * u128::from(self.spread.unsigned_abs())
    }

    /// The relation of two whose minutes' products add up to `products`; `least` is [`Sums::least`] of this one. That is
    /// |shared| / sqrt(spread x spread) >= min, squared so that no root is needed.
    #[inline]
    fn relation(&self, (values, spread): (i32, i64), products: i32, least: u128) -> Relation {
        if self.spread == 0 || spread == 0 {
            return Relation::Unknown;
        }
        let shared = moment(products, self.values, values);
        let size = u128::from(shared.unsigned_abs());
        let square = size.wrapping_mul(size).wrapping_mul(1_000_000_000_000);
        if square < least.wrapping_mul(u128::from(spread.unsigned_abs())) {
            Relation::Apart
        } else if shared > 0 {
            Relation::Together
        } else {
            Relation::Against
        }
    }
}

#[cfg(test)]
mod tests;
