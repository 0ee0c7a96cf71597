//! Where the broker's reads contradict one another, and for how long they have done so.
//!
//! A stale read contradicts a fresh one for as long as it is stale; a trade that the exchange took back, or a position
//! read that is broken, contradicts for ever. Time tells the two apart: what stood in five rounds over a minute is what
//! the broker means. Invariants: a contradiction that a round does not show is forgotten; the count does not depend on how
//! often the question was asked anew. Left out: which reads make a round (`reconcile`).

use std::collections::{BTreeMap, BTreeSet};

use bijli_core::order::{BrokerOrderId, TradeId};
use bijli_core::{DurationNs, Qty, TsNs};

use crate::evidence::InstrumentKey;

/// A contradiction is the broker's own once so many rounds in a row showed it, over so long a time.
const ROUNDS_MIN: u32 = 5;
const STANDS_FOR: DurationNs = DurationNs::from_secs(60);

/// One way in which the reads of a round do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contradiction {
    /// An order tells of fills that its trades do not add up to.
    Fill {
        /// The order.
        order_id: BrokerOrderId,
        /// What it tells.
        filled: Qty,
    },
    /// An order's row tells of less than was told before.
    Older {
        /// The order.
        order_id: BrokerOrderId,
        /// What it tells.
        filled: Qty,
    },
    /// A trade of an order that was told before is not among the day's.
    Lost {
        /// The order.
        order_id: BrokerOrderId,
        /// The trade.
        trade_id: TradeId,
    },
    /// Trades of an order that is not in the book.
    Stray {
        /// The order that is missing.
        order_id: BrokerOrderId,
    },
    /// A position that is not the sum of the day's fills.
    Held {
        /// The instrument.
        key: InstrumentKey,
        /// What the positions tell as traded today; `None` where they have no row.
        day_net: Option<Qty>,
        /// What the orders' rows tell as filled.
        fills: Qty,
    },
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    since: TsNs,
    rounds: u32,
}

/// The contradictions of the last round, and how long each has stood.
#[derive(Clone, Debug, Default)]
pub struct Contradictions(BTreeMap<Contradiction, Standing>);

impl Contradictions {
    /// Takes in what a round that ended at `now` contradicts; whether the broker means all of it. A round without
    /// contradictions is meant.
    pub fn are_meant(&mut self, now: TsNs, shown: BTreeSet<Contradiction>) -> bool {
        self.0.retain(|known, _| shown.contains(known));
        let mut all = true;
        for contradiction in shown {
            let standing = self.0.entry(contradiction).or_insert(Standing {
                since: now,
                rounds: 0,
            });
            standing.rounds = standing.rounds.saturating_add(1);
            all &= standing.rounds >= ROUNDS_MIN && now.since(standing.since) >= STANDS_FOR;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use bijli_core::text::Text;

    use super::*;

    fn at(secs: i64) -> TsNs {
        TsNs::new(1_700_000_000_000_000_000).plus(DurationNs::from_secs(secs))
    }

    fn missing(id: &str) -> Contradiction {
        Contradiction::Stray {
            order_id: Text::new(id).expect("short"),
        }
    }

    #[test]
    fn a_contradiction_is_meant_after_five_rounds_and_a_minute() {
        let mut doubts = Contradictions::default();
        let mut meant = Vec::new();
        for secs in [0, 1, 2, 59, 60, 61] {
            meant.push(doubts.are_meant(at(secs), BTreeSet::from([missing("1")])));
        }
        assert_eq!(meant, [false, false, false, false, true, true]);
        let mut slow = Contradictions::default();
        let rounds =
            [0, 30, 60, 90, 120].map(|secs| slow.are_meant(at(secs), BTreeSet::from([missing("1")])));
        assert_eq!(rounds, [false, false, false, false, true], "five rounds it takes");
    }

    #[test]
    fn each_has_its_own_minute_and_begins_anew_once_a_round_does_not_show_it() {
        let mut doubts = Contradictions::default();
        for secs in 0..=60 {
            doubts.are_meant(at(secs), BTreeSet::from([missing("1")]));
        }
        assert!(!doubts.are_meant(at(61), BTreeSet::from([missing("1"), missing("2")])));
        assert!(doubts.are_meant(at(62), BTreeSet::from([missing("1")])));
        assert!(doubts.are_meant(at(63), BTreeSet::new()), "nothing to doubt");
        assert!(!doubts.are_meant(at(64), BTreeSet::from([missing("1")])));
    }
}
