//! The exits of one position: fixed stop, first target that books a part, trailing stop for the rest.
//!
//! Longs and shorts mirror each other; below, "better" and "favourable" mean up for longs and down for shorts.
//! - Stop: `stop_bps` of the entry price against us.
//! - Target: `target_bps` in our favour books `partial_bps` of the position, rounded down to lots, with a real
//!   exit; all of it if that rounds to nothing. Once per position. `partial_bps` of zero means no target.
//! - Trail: once the price went `trail_bps` in our favour or the target was booked, the stop follows the best
//!   price since entry at a distance of `trail_bps` of it.
//!
//! Invariants: the stop never loosens while a position lives, also when further fills move its average price;
//! an exit is never larger than the position; a crossed level stays crossed until the position shows it.
//! An exit is wished for once, again only if the position has not changed for [`RETRY_AFTER`]; a full exit may
//! follow a partial one at once. The engine keeps at most one exit order alive and re-prices it.
//!
//! The position itself is the truth: the state follows its quantity and average price, never our own wishes.

use bijli_core::config::StrategyConfig;
use bijli_core::position::Position;
use bijli_core::price::BPS;
use bijli_core::state_hash::StateHasher;
use bijli_core::strategy::ExitReason;
use bijli_core::{DurationNs, Instrument, Price, Qty, TsNs};

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
    /// The contract, for its lot.
    pub instrument: &'a Instrument,
    /// The position after all fills so far.
    pub position: &'a Position,
    /// Distances.
    pub config: &'a StrategyConfig,
}

/// Exit state of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bracket {
    /// Signed quantity that the state belongs to; zero when flat.
    qty: i64,
    entry: Price,
    best: Price,
    /// `NONE` until the first levels are set.
    stop: Price,
    trailing: bool,
    target: Target,
    /// A crossed stop or trail: the position is to be left.
    leaving: Option<ExitReason>,
    wish: Option<Wish>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Target {
    #[default]
    Ahead,
    Reached,
    Booked,
}

/// The last wish: renewed when the position has stood still since `ts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wish {
    reason: ExitReason,
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
            *self = Self::default();
        }
        let grew = qty.saturating_abs() > self.qty.saturating_abs();
        self.qty = qty;
        if let Some(wish) = &mut self.wish {
            wish.ts = moment.now;
        }
        if grew {
            self.entry = moment.position.average_price();
            if !self.best.is_set() {
                self.best = self.entry;
            }
            self.tighten(self.entry.moved_bps(-self.sign() * moment.config.stop_bps));
        } else if self.target == Target::Reached {
            self.target = Target::Booked;
        }
    }

    /// Takes a sound price in and tells what to leave, if anything.
    pub fn handle_price(&mut self, moment: &Moment<'_>, price: Price) -> Option<Exit> {
        self.handle_position(moment);
        if self.qty == 0 || !price.is_set() {
            return None;
        }
        // The crossing is judged by the stop that stood before this price, then the levels follow the price.
        if self.leaving.is_none() && !self.is_better(price, self.stop) {
            let reason = if self.trailing {
                ExitReason::Trail
            } else {
                ExitReason::Stop
            };
            self.leaving = Some(reason);
        }
        self.follow(moment, price);
        let exit = self.due(moment)?;
        if !self.may_wish(exit.reason, moment.now) {
            return None;
        }
        self.wish = Some(Wish {
            reason: exit.reason,
            ts: moment.now,
        });
        Some(exit)
    }

    /// Feeds all state.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.i64(self.qty);
        for price in [self.entry, self.best, self.stop] {
            hasher.i64(price.get());
        }
        hasher.u64(u64::from(self.trailing));
        hasher.u64(self.target as u64);
        hasher.u64(self.leaving.map_or(u64::MAX, |reason| reason as u64));
        hasher.u64(self.wish.map_or(u64::MAX, |wish| wish.reason as u64));
        hasher.i64(self.wish.map_or(0, |wish| wish.ts.get()));
    }

    /// Moves best price, target and trail along with `price`.
    fn follow(&mut self, moment: &Moment<'_>, price: Price) {
        let config = moment.config;
        if self.is_better(price, self.best) {
            self.best = price;
        }
        let reached = |bps: i64| {
            let level = self.entry.moved_bps(self.sign() * bps);
            price == level || self.is_better(price, level)
        };
        let (at_target, at_trail) = (reached(config.target_bps), reached(config.trail_bps));
        if at_target && self.target == Target::Ahead && config.partial_bps > 0 {
            self.target = Target::Reached;
        }
        if at_trail || self.target != Target::Ahead {
            self.tighten(self.best.moved_bps(-self.sign() * config.trail_bps));
            self.trailing = true;
        }
    }

    /// What should be left now, whether or not it was wished for already.
    fn due(&self, moment: &Moment<'_>) -> Option<Exit> {
        let open = Qty::new(self.qty).abs();
        if let Some(reason) = self.leaving {
            return Some(Exit { qty: open, reason });
        }
        if self.target != Target::Reached {
            return None;
        }
        let part = i128::from(open.get()) * i128::from(moment.config.partial_bps) / i128::from(BPS);
        let part = i64::try_from(part).map_or(open, |part| Qty::new(part).min(open));
        let part = part.floor_to_lot(moment.instrument.lot);
        Some(Exit {
            qty: if part.is_zero() { open } else { part },
            reason: ExitReason::Target,
        })
    }

    fn may_wish(&self, reason: ExitReason, now: TsNs) -> bool {
        let Some(wish) = &self.wish else {
            return true;
        };
        let escalates = wish.reason == ExitReason::Target && reason != ExitReason::Target;
        escalates || now.since(wish.ts) >= RETRY_AFTER
    }

    /// Takes `level` as the stop if it is tighter than the one in force. It is a level to compare with, not an
    /// order price: rounding it onto a coarse grid would stop cheap options out at their own entry.
    fn tighten(&mut self, level: Price) {
        if !self.stop.is_set() || self.is_better(level, self.stop) {
            self.stop = level;
        }
    }

    const fn sign(&self) -> i64 {
        self.qty.signum()
    }

    /// Whether `price` is strictly more favourable than `than`.
    fn is_better(&self, price: Price, than: Price) -> bool {
        if self.qty > 0 { price > than } else { price < than }
    }
}
