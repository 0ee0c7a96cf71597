//! Reconciliation: read orders, trades, positions and funds until two rounds agree, then believe them.
//!
//! Invariants: two rounds are at least a second apart; a round with an unreadable row or a failed
//! read counts for nothing; the order of rows never matters. Funds move with every price: they must be readable, yet
//! two rounds never disagree over them. Left out: what the engine does about a difference.
//! One read may be empty or stale; two that agree, a second apart, are believed. Reads that are stale together agree
//! too, so a round must not contradict itself either: fills without their trades, trades without their order, positions
//! that are not the sum of the day's fills say that one of the reads is older than another. A contradiction that stays for a minute is the broker's;
//! the caller keeps count of them (`contradictions`), since a younger question begins the rounds anew.

use std::collections::{BTreeMap, BTreeSet};

use bijli_core::order::BrokerOrderId;
use bijli_core::planted::{Bug, planted};
use bijli_core::{DurationNs, Money, Qty, TsNs};

use crate::contradictions::{Contradiction, Contradictions};
use crate::evidence::{BrokerOrder, BrokerPosition, BrokerTrade, InstrumentKey, Rows};

/// Least time between the end of one round and the begin of the next.
pub const ROUND_GAP: DurationNs = DurationNs::from_secs(1);

/// The account's funds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerFunds {
    /// Free for new orders.
    pub available: Money,
    /// Taken by orders and positions.
    pub used: Money,
}

/// One round of reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// When its first read was asked.
    pub asked: TsNs,
    /// The day's orders.
    pub orders: Vec<BrokerOrder>,
    /// The day's trades.
    pub trades: Vec<BrokerTrade>,
    /// Net positions.
    pub positions: Vec<BrokerPosition>,
    /// Funds; `None` while the broker's service for them is shut for the night.
    pub funds: Option<BrokerFunds>,
}

impl Round {
    /// Net quantity by instrument, over all products; instruments that are flat are left out.
    #[must_use]
    pub fn net_positions(&self) -> BTreeMap<InstrumentKey, i64> {
        let mut net = BTreeMap::new();
        for row in &self.positions {
            let sum: &mut i64 = net.entry(row.key).or_default();
            *sum = sum.saturating_add(row.qty.get());
        }
        net.retain(|_, qty| *qty != 0);
        net
    }

    /// Where the reads do not fit one another: a fill without its trades, trades without their order, a position that
    /// is not the sum of the day's fills. A trade told under two ids counts once or twice.
    #[must_use]
    pub fn contradictions(&self) -> BTreeSet<Contradiction> {
        let mut found = BTreeSet::new();
        let mut traded: BTreeMap<BrokerOrderId, Between> = BTreeMap::new();
        let (mut ids, mut terms) = (BTreeSet::new(), BTreeSet::new());
        for trade in &self.trades {
            if ids.insert((trade.order_id, trade.trade_id)) {
                let is_sure = terms.insert((trade.order_id, trade.is_buy, trade.qty, trade.price));
                let sum = traded.entry(trade.order_id).or_default();
                sum.add(trade.qty.get(), is_sure);
            }
        }
        let mut dealt: BTreeMap<InstrumentKey, Qty> = BTreeMap::new();
        for row in &self.orders {
            if !traded.remove(&row.order_id).unwrap_or_default().holds(row.filled) {
                found.insert(Contradiction::Fill {
                    order_id: row.order_id,
                    filled: row.filled,
                });
            }
            if !row.filled.is_zero() {
                let net = dealt.entry(row.key).or_default();
                *net = Qty::new(net.get().saturating_add(row.side.sign() * row.filled.get()));
            }
        }
        found.extend(
            traded
                .into_keys()
                .map(|order_id| Contradiction::Stray { order_id }),
        );
        for (key, day_net) in self.day_positions() {
            let fills = dealt.remove(&key).unwrap_or_default();
            if day_net.is_some_and(|net| net != fills) {
                found.insert(Contradiction::Held { key, day_net, fills });
            }
        }
        let unheld = dealt.into_iter().map(|(key, fills)| Contradiction::Held {
            key,
            day_net: None,
            fills,
        });
        found.extend(unheld);
        found
    }

    /// What the positions tell as traded today, over all products; `None` where a row does not tell.
    fn day_positions(&self) -> BTreeMap<InstrumentKey, Option<Qty>> {
        let mut positions: BTreeMap<InstrumentKey, Option<Qty>> = BTreeMap::new();
        for row in &self.positions {
            let sum = positions.entry(row.key).or_insert(Some(Qty::ZERO));
            *sum = sum.zip(row.day_net).and_then(|(sum, net)| sum.plus(net));
        }
        positions
    }

    /// Whether two rounds tell the same story.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        order_facts(self) == order_facts(other)
            && trade_facts(self) == trade_facts(other)
            && self.net_positions() == other.net_positions()
    }
}

/// A sum of trades of which some may be told twice.
#[derive(Clone, Copy, Debug, Default)]
struct Between {
    least: i64,
    most: i64,
}

impl Between {
    /// Adds a quantity; one that is not sure may count or not.
    const fn add(&mut self, qty: i64, is_sure: bool) {
        if is_sure {
            self.least = self.least.saturating_add(qty);
        }
        self.most = self.most.saturating_add(qty);
    }

    fn holds(self, qty: Qty) -> bool {
        (self.least..=self.most).contains(&qty.get())
    }
}

fn order_facts(round: &Round) -> Vec<impl Ord + use<>> {
    let mut facts: Vec<_> = round
        .orders
        .iter()
        .map(|row| (row.order_id, row.status as u8, row.qty, row.filled, row.price))
        .collect();
    facts.sort_unstable();
    facts
}

fn trade_facts(round: &Round) -> Vec<BrokerTrade> {
    let mut facts = round.trades.clone();
    facts.sort_unstable();
    facts
}

/// Which read comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The order book.
    Orders,
    /// The day's trades.
    Trades,
    /// The positions.
    Positions,
    /// The account's funds.
    Funds,
}

/// What one read brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The order book.
    Orders(Rows<BrokerOrder>),
    /// The day's trades.
    Trades(Rows<BrokerTrade>),
    /// The positions.
    Positions(Rows<BrokerPosition>),
    /// The account's funds; `None` while their service is shut for the night.
    Funds(Option<BrokerFunds>),
    /// Nothing usable.
    Failed,
}

/// The rounds so far.
#[derive(Clone, Debug)]
pub struct Reconciler {
    part: Part,
    round: Round,
    former: Option<Round>,
    next_at: TsNs,
    rounds: u32,
    /// Reads in a row that brought nothing usable.
    failures: u32,
    /// Where this round is behind what was known before it.
    behind: BTreeSet<Contradiction>,
}

impl Reconciler {
    /// Begins with a first round at `now`.
    #[must_use]
    pub fn new(now: TsNs) -> Self {
        Self {
            part: Part::Orders,
            round: Round::default(),
            former: None,
            next_at: now,
            rounds: 0,
            failures: 0,
            behind: BTreeSet::new(),
        }
    }

    /// The next read and when it is due.
    #[must_use]
    pub const fn next_read(&self) -> (TsNs, Part) {
        (self.next_at, self.part)
    }

    /// Rounds read to their end so far.
    #[must_use]
    pub const fn rounds(&self) -> u32 {
        self.rounds
    }

    /// The round under way shows less than what is known: it is older than that, or the broker took something back.
    pub fn note_behind(&mut self, contradiction: Contradiction) {
        self.behind.insert(contradiction);
    }

    /// Takes the answer to the read that [`Reconciler::next_read`] named and that was asked at `asked`. Gives the
    /// round to believe once two have agreed. `doubts` are the contradictions of rounds so far, of this question and
    /// former ones.
    pub fn handle(
        &mut self,
        now: TsNs,
        asked: TsNs,
        answer: Answer,
        doubts: &mut Contradictions,
    ) -> Option<Round> {
        let has_failed = answer == Answer::Failed;
        let complete = match (self.part, answer) {
            (Part::Orders, Answer::Orders(read)) => {
                self.round.asked = asked;
                self.round.orders = read.rows;
                read.complete
            }
            (Part::Trades, Answer::Trades(read)) => {
                self.round.trades = read.rows;
                read.complete
            }
            (Part::Positions, Answer::Positions(read)) => {
                self.round.positions = read.rows;
                read.complete
            }
            (Part::Funds, Answer::Funds(funds)) => {
                self.round.funds = funds;
                true
            }
            (_, Answer::Failed) => false,
            (part, _) => unreachable!("the reader answers {part:?} with its own rows"),
        };
        self.failures = if has_failed {
            self.failures.saturating_add(1)
        } else {
            0
        };
        if !complete {
            self.begin_round(now);
            return None;
        }
        self.part = match self.part {
            Part::Orders => Part::Trades,
            Part::Trades => Part::Positions,
            Part::Positions => Part::Funds,
            Part::Funds => return self.end_round(now, doubts),
        };
        None
    }

    fn end_round(&mut self, now: TsNs, doubts: &mut Contradictions) -> Option<Round> {
        self.rounds += 1;
        let round = std::mem::take(&mut self.round);
        let mut shown = round.contradictions();
        shown.append(&mut self.behind);
        if !doubts.are_meant(now, shown) && !planted(Bug::OneReadBelieved) {
            self.begin_round(now);
            return None;
        }
        if self
            .former
            .as_ref()
            .is_some_and(|former| former.agrees_with(&round))
            || planted(Bug::OneReadBelieved)
        {
            return Some(round);
        }
        self.former = Some(round);
        self.begin_round(now);
        None
    }

    /// The next round waits the longer, the more reads have failed: they must not eat up what other reads need.
    fn begin_round(&mut self, now: TsNs) {
        let gap = ROUND_GAP.get() << self.failures.saturating_sub(1).min(3);
        self.round = Round::default();
        self.behind.clear();
        self.part = Part::Orders;
        self.next_at = now.plus(DurationNs::new(gap));
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
