//! Faults of reads: books that see nothing, a part, or what was; positions that are gone.
//!
//! The ledger is untouched: only what is told of it differs.

use bijli_core::{DurationNs, TsNs};

use super::Broker;
use super::episode::Sight;
use super::faults::Fault;
use super::order::{Moment, Trade};

/// How old a stale book is, at most.
const STALE_S_MAX: i64 = 60;

impl Broker {
    /// Rolls for a read of orders or trades; it sees what [`Broker::seen`] lets it.
    pub(super) fn look_at_book(&mut self, now: TsNs) {
        if self.episodes.book.is_on(now) || !self.dice.fires(Fault::BookUntrue) {
            return;
        }
        // A fault without length strikes one read: it ends when time moves on.
        let length = self.dice.lasts(Fault::BookUntrue).plus(DurationNs::new(1));
        self.episodes.book.begin(now, length);
        self.episodes.sight = match self.dice.between(Fault::BookUntrue, 0, 2) {
            0 => Sight::Empty,
            1 => Sight::Partial(
                self.dice.between(Fault::BookUntrue, 0, i64::from(u32::MAX)) as u64 * 0x1_0000_0001,
            ),
            _ => {
                let age = DurationNs::from_secs(self.dice.between(Fault::BookUntrue, 1, STALE_S_MAX));
                let then = TsNs::new(now.get() - age.get());
                match self.dice.between(Fault::BookUntrue, 0, 1) {
                    0 => Sight::Stale(then),
                    _ => Sight::AllStale(then),
                }
            }
        };
    }

    /// The state in which a read sees an order; `None` when it does not see it.
    pub(super) fn seen(&self, now: TsNs, index: usize) -> Option<&Moment> {
        let history = &self.orders[index].history;
        if index < self.episodes.cleared {
            return None;
        }
        if !self.episodes.book.is_on(now) {
            return history.last();
        }
        match self.episodes.sight {
            Sight::Empty => None,
            Sight::Partial(places) => history.last().filter(|_| places >> (index % 64) & 1 == 1),
            Sight::Stale(then) | Sight::AllStale(then) => {
                history.iter().rev().find(|moment| moment.ts <= then)
            }
        }
    }

    /// Whether a read sees a trade.
    pub(super) fn sees_trade(&self, now: TsNs, trade: &Trade) -> bool {
        let is_stale = match self.episodes.sight {
            Sight::Stale(then) | Sight::AllStale(then) => self.episodes.book.is_on(now) && trade.ts > then,
            Sight::Empty | Sight::Partial(_) => false,
        };
        !is_stale && self.seen(now, trade.order).is_some()
    }

    /// Whether a read of positions sees any.
    pub(super) fn sees_positions(&mut self, now: TsNs) -> bool {
        if !self.episodes.positions_hidden.is_on(now) && self.dice.fires(Fault::PositionsHidden) {
            let length = self.dice.lasts(Fault::PositionsHidden).plus(DurationNs::new(1));
            self.episodes.positions_hidden.begin(now, length);
        }
        !self.episodes.positions_hidden.is_on(now)
    }

    /// The time whose positions are told; `None`: this one's.
    pub(super) fn positions_of(&self, now: TsNs) -> Option<TsNs> {
        match self.episodes.sight {
            // What was converted is in no trade.
            Sight::AllStale(then) if self.episodes.book.is_on(now) && !self.ledger.has_converted() => {
                Some(then)
            }
            _ => None,
        }
    }
}
