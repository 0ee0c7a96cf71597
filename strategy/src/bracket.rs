//! The exits of one position: fixed stop, up to three targets that book a part each, break-even, trailing stop for
//! the rest, time exits; and when it may be enlarged.
//!
//! Longs and shorts mirror each other; below, "better" and "favourable" mean up for longs and down for shorts.
//! - Stop: `stop_bps` of the entry price against us.
//! - Targets: at each distance in our favour a part of the largest quantity held is booked, rounded down to lots,
//!   with a real exit; all of it if that rounds to nothing or the reached parts are the whole. A part of zero means
//!   no target. A partly filled booking is continued by what is missing.
//! - Break-even: after the configured move the stop goes to the entry plus the charges of the round trip.
//! - Trail: once the price went `trail_bps` in our favour or a target was reached, the stop follows the best
//!   price since entry at a distance of `trail_bps` of it.
//! - Time: a position is left after the longest holding time, or at a time of the day.
//! - Additions: see [`Bracket::addition`].
//!
//! One rule decides when several are due on one price: stop, then time, then trail, then targets. The first three
//! leave the whole position and the rule that began to leave keeps its name until it is flat.
//!
//! Invariants: the stop never loosens while a position lives, also when further fills move its average price; an exit
//! is never larger than the position; a target is booked once; a crossed level stays crossed until the position
//! shows it, and is wished for on the price that crossed it. The same wish is repeated only if the position has not
//! changed for [`RETRY_AFTER`]. The engine keeps at most one exit order alive and re-prices it.
//!
//! While a person has the position (`Moment::is_manual`), levels follow the price and nothing is wished for.
//! The position itself is the truth: the state follows its quantity and average price, never our own wishes.

mod level;

use bijli_core::config::{Config, StrategyConfig};
use bijli_core::position::Position;
use bijli_core::price::BPS;
use bijli_core::state_hash::StateHasher;
use bijli_core::strategy::ExitReason;
use bijli_core::{DurationNs, Instrument, Price, Qty, TsNs};

use level::{Guard, break_even};

/// A wish that changed nothing is repeated after this time.
pub const RETRY_AFTER: DurationNs = DurationNs::from_secs(3);

/// A wish to reduce: how much and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Units, positive, at most the position.
    pub qty: Qty,
    /// Why.
    pub reason: ExitReason,
}

/// What is known at the moment of a decision.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Engine time.
    pub now: TsNs,
    /// The contract, for its lot and its charges.
    pub instrument: &'a Instrument,
    /// The position after all fills so far.
    pub position: &'a Position,
    /// Distances, parts and times.
    pub config: &'a Config,
    /// Whether a person took the position over.
    pub is_manual: bool,
}

impl Moment<'_> {
    const fn strategy(&self) -> &StrategyConfig {
        &self.config.strategy
    }
}

/// Exit state of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bracket {
    /// Signed quantity that the state belongs to; zero when flat.
    qty: i64,
    /// Largest quantity held, without its sign: what parts are parts of.
    peak: i64,
    /// When the first fill came.
    opened: TsNs,
    entry: Price,
    best: Price,
    /// `NONE` until the first levels are set.
    stop: Price,
    /// Which rule set the stop in force.
    guard: Guard,
    broke_even: bool,
    /// Bit n: target n was reached.
    reached: u8,
    /// Units of reached targets that are still held.
    booking: i64,
    additions: Additions,
    /// A crossed stop or trail, or a time: the position is to be left.
    leaving: Option<ExitReason>,
    wish: Option<Wish>,
}

/// Enlargements so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Additions {
    count: u32,
    /// Price at the last one; `NONE` before the first.
    last: Price,
    /// Quantity before the first one.
    base: i64,
}

/// The last wish: renewed when the position has stood still since `ts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wish {
    exit: Exit,
    ts: TsNs,
}

impl Bracket {
    /// The stop in force; [`Price::NONE`] when flat.
    #[must_use]
    pub const fn stop(&self) -> Price {
        self.stop
    }

    /// The best price since entry; [`Price::NONE`] when flat.
    #[must_use]
    pub const fn best(&self) -> Price {
        self.best
    }

    /// Whether there is no position.
    #[must_use]
    pub const fn is_flat(&self) -> bool {
        self.qty == 0
    }

    /// Follows the position after fills: begins, grows, shrinks, turns or ends with it.
    pub fn handle_position(&mut self, moment: &Moment<'_>) {
        let qty = moment.position.qty.get();
        if qty == self.qty {
            return;
        }
        if qty == 0 {
            *self = Self::default();
            return;
        }
        if qty.signum() != self.qty.signum() {
            *self = Self {
                opened: moment.now,
                ..Self::default()
            };
        }
        let grown_by = qty.saturating_abs().saturating_sub(self.qty.saturating_abs());
        self.qty = qty;
        self.peak = self.peak.max(qty.saturating_abs());
        if let Some(wish) = &mut self.wish {
            wish.ts = moment.now;
        }
        if grown_by > 0 {
            self.entry = moment.position.average_price();
            if !self.best.is_set() {
                self.best = self.entry;
            }
            self.broke_even = false;
            let level = self.entry.moved_bps(-self.sign() * moment.strategy().stop_bps);
            self.tighten(level, Guard::Stop);
        } else {
            self.booking = self.booking.saturating_add(grown_by).max(0);
            if let Some(wish) = &mut self.wish {
                wish.exit.qty = Qty::new(wish.exit.qty.get().saturating_add(grown_by).max(0));
            }
        }
    }

    /// Takes a sound price in and tells what to leave, if anything.
    pub fn handle_price(&mut self, moment: &Moment<'_>, price: Price) -> Option<Exit> {
        self.handle_position(moment);
        if self.qty == 0 || !price.is_set() {
            return None;
        }
        // The crossing is judged by the stop that stood before this price, then the levels follow the price.
        if self.leaving.is_none() && !moment.is_manual {
            let crossed = !self.is_better(price, self.stop);
            self.leaving = match self.guard {
                Guard::Stop | Guard::BreakEven if crossed => Some(ExitReason::Stop),
                _ if self.is_overdue(moment) => Some(ExitReason::Time),
                Guard::Trail if crossed => Some(ExitReason::Trail),
                Guard::Stop | Guard::BreakEven | Guard::Trail => None,
            };
        }
        self.follow(moment, price);
        self.wish_for(moment)
    }

    /// Takes the passing of time in, while the market trades, and tells what to leave: without a price only the
    /// time exits can begin.
    pub fn handle_time(&mut self, moment: &Moment<'_>) -> Option<Exit> {
        self.handle_position(moment);
        if self.qty == 0 || moment.is_manual {
            return None;
        }
        if self.leaving.is_none() && self.is_overdue(moment) {
            self.leaving = Some(ExitReason::Time);
        }
        if self.leaving != Some(ExitReason::Time) {
            return None;
        }
        self.wish_for(moment)
    }

    /// How much may be added at `price`, if the plan has additions: the price moved by `scale_in_bps` in our favour
    /// since the entry or the last addition, no target was reached and nothing is being left. The caller tells by
    /// [`Bracket::note_addition`] that it wished for it; a wish that was denied counts as one.
    #[must_use]
    pub fn addition(&self, moment: &Moment<'_>, price: Price) -> Option<Qty> {
        let plan = &moment.config.position;
        if self.qty == 0 || self.additions.count >= plan.scale_in_max {
            return None;
        }
        if moment.is_manual || self.leaving.is_some() || self.reached != 0 {
            return None;
        }
        let since = if self.additions.count == 0 {
            self.entry
        } else {
            self.additions.last
        };
        if !self.is_past(price, since.moved_bps(self.sign() * plan.scale_in_bps)) {
            return None;
        }
        let base = if self.additions.count == 0 {
            self.peak
        } else {
            self.additions.base
        };
        let part = share(base, plan.scale_in_part_bps).floor_to_lot(moment.instrument.lot);
        (part.get() > 0).then_some(part)
    }

    /// An addition was wished for at `price`.
    pub fn note_addition(&mut self, price: Price) {
        if self.additions.count == 0 {
            self.additions.base = self.peak;
        }
        self.additions.count += 1;
        self.additions.last = price;
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        for value in [self.qty, self.peak, self.opened.get(), self.booking] {
            hasher.i64(value);
        }
        for price in [self.entry, self.best, self.stop, self.additions.last] {
            hasher.i64(price.get());
        }
        hasher.u64(self.guard as u64 | u64::from(self.broke_even) << 8 | u64::from(self.reached) << 16);
        hasher.u64(u64::from(self.additions.count));
        hasher.i64(self.additions.base);
        hasher.u64(self.leaving.map_or(u64::MAX, |reason| reason as u64));
        hasher.u64(self.wish.map_or(u64::MAX, |wish| wish.exit.reason as u64));
        hasher.i64(self.wish.map_or(0, |wish| wish.exit.qty.get()));
        hasher.i64(self.wish.map_or(0, |wish| wish.ts.get()));
    }

    /// Whether the position was held long enough, or the time of the day has come.
    fn is_overdue(&self, moment: &Moment<'_>) -> bool {
        let plan = &moment.config.position;
        let held_out = plan.hold_max.get() > 0 && moment.now.since(self.opened) >= plan.hold_max;
        held_out || is_past_leaving(moment.config, moment.now)
    }

    /// Moves best price, targets, break-even and trail along with `price`.
    fn follow(&mut self, moment: &Moment<'_>, price: Price) {
        let config = moment.strategy();
        if self.is_better(price, self.best) {
            self.best = price;
        }
        let trailed = self.has_moved(price, config.trail_bps);
        self.reach_targets(moment, price);
        let plan = &moment.config.position;
        if plan.breakeven_bps > 0 && !self.broke_even && self.has_moved(price, plan.breakeven_bps) {
            let level = break_even(moment, self.entry, self.qty);
            // A level that the price has not passed yet would stop the position out at once.
            if level.is_set() && self.is_better(price, level) {
                self.tighten(level, Guard::BreakEven);
                self.broke_even = true;
            }
        }
        if trailed || self.reached != 0 {
            let level = self.best.moved_bps(-self.sign() * config.trail_bps);
            self.tighten(level, Guard::Trail);
        }
    }

    /// Adds the parts of targets that `price` reaches for the first time to what is to be booked.
    fn reach_targets(&mut self, moment: &Moment<'_>, price: Price) {
        let targets = moment.config.position.targets(moment.strategy());
        let open = self.qty.saturating_abs();
        for (index, target) in targets.iter().enumerate() {
            let bit = 1 << index;
            if target.part_bps <= 0 || self.reached & bit != 0 || !self.has_moved(price, target.distance_bps)
            {
                continue;
            }
            self.reached |= bit;
            let parts = targets.iter().enumerate();
            let parts = parts.filter(|(other, _)| self.reached & (1 << other) != 0);
            let booked_bps = parts.fold(0i64, |sum, (_, target)| {
                sum.saturating_add(target.part_bps.max(0))
            });
            let part = share(self.peak, target.part_bps).floor_to_lot(moment.instrument.lot);
            self.booking = if part.is_zero() || booked_bps >= BPS {
                open
            } else {
                self.booking.saturating_add(part.get()).min(open)
            };
        }
    }

    /// What should be left now and was not wished for a moment ago.
    fn wish_for(&mut self, moment: &Moment<'_>) -> Option<Exit> {
        if moment.is_manual {
            return None;
        }
        let exit = self.due()?;
        if !self.may_wish(&exit, moment.now) {
            return None;
        }
        self.wish = Some(Wish { exit, ts: moment.now });
        Some(exit)
    }

    /// What should be left now, whether or not it was wished for already.
    fn due(&self) -> Option<Exit> {
        let open = Qty::new(self.qty).abs();
        if let Some(reason) = self.leaving {
            return Some(Exit { qty: open, reason });
        }
        (self.booking > 0).then(|| Exit {
            qty: Qty::new(self.booking).min(open),
            reason: ExitReason::Target,
        })
    }

    /// A full exit overtakes a partial one, and a further target the one before it; all else waits.
    fn may_wish(&self, exit: &Exit, now: TsNs) -> bool {
        let Some(wish) = &self.wish else {
            return true;
        };
        let was_part = wish.exit.reason == ExitReason::Target;
        let escalates = was_part && (exit.reason != ExitReason::Target || exit.qty > wish.exit.qty);
        escalates || now.since(wish.ts) >= RETRY_AFTER
    }

    /// Takes `level` as the stop if it is tighter than the one in force. It is a level to compare with, not an
    /// order price: rounding it onto a coarse grid would stop cheap options out at their own entry.
    fn tighten(&mut self, level: Price, guard: Guard) {
        if !self.stop.is_set() || self.is_better(level, self.stop) {
            self.stop = level;
            self.guard = guard;
        }
    }

    const fn sign(&self) -> i64 {
        self.qty.signum()
    }

    /// Whether `price` lies `bps` of the entry price in our favour, or farther.
    fn has_moved(&self, price: Price, bps: i64) -> bool {
        self.is_past(price, self.entry.moved_bps(self.sign() * bps))
    }

    fn is_past(&self, price: Price, level: Price) -> bool {
        price == level || self.is_better(price, level)
    }

    /// Whether `price` is strictly more favourable than `than`.
    fn is_better(&self, price: Price, than: Price) -> bool {
        if self.qty > 0 { price > than } else { price < than }
    }
}

/// Whether the plan's time of the day to leave has come: nothing is entered any more either.
#[must_use]
pub fn is_past_leaving(config: &Config, now: TsNs) -> bool {
    let leave_at = config.position.leave_at;
    leave_at.get() > 0 && now.ist_time_of_day() >= leave_at
}

/// `bps` of `qty` units, saturating.
fn share(qty: i64, bps: i64) -> Qty {
    let part = i128::from(qty) * i128::from(bps) / i128::from(BPS);
    Qty::new(i64::try_from(part).unwrap_or(i64::MAX))
}
