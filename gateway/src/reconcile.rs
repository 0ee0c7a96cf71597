//! Reconciliation: read orders, trades, positions and funds until two rounds agree, then believe them.
//!
//! Invariants: two rounds are at least a second apart in engine time; a round with an unreadable row or a failed
//! read counts for nothing; the order of rows never matters. Funds move with every price: they must be readable, yet
//! two rounds never disagree over them. Left out: what the engine does about a difference.
//! One read may be empty or stale; two that agree, a second apart, are believed. Reads that are stale together agree
//! too, so a round must not contradict itself either: fills without their trades, trades without their order, positions
//! that are not the sum of the day's trades say that one of the reads is older than another. A contradiction that stays for a minute is the broker's;
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
    /// is not the sum of the day's trades. A trade told under two ids counts once or twice.
    #[must_use]
    pub fn contradictions(&self) -> BTreeSet<Contradiction> {
        let mut found = BTreeSet::new();
        let mut traded: BTreeMap<BrokerOrderId, Between> = BTreeMap::new();
        let mut dealt: BTreeMap<InstrumentKey, Between> = BTreeMap::new();
        let (mut ids, mut terms) = (BTreeSet::new(), BTreeSet::new());
        for trade in &self.trades {
            if !ids.insert((trade.order_id, trade.trade_id)) {
                continue;
            }
            let is_sure = terms.insert((trade.order_id, trade.is_buy, trade.qty, trade.price));
            let qty = trade.qty.get();
            traded.entry(trade.order_id).or_default().add(qty, is_sure);
            let signed = if trade.is_buy { qty } else { -qty };
            dealt.entry(trade.key).or_default().add(signed, is_sure);
        }
        for row in &self.orders {
            if !traded.remove(&row.order_id).unwrap_or_default().holds(row.filled) {
                found.insert(Contradiction::Fill {
                    order_id: row.order_id,
                    filled: row.filled,
                });
            }
        }
        found.extend(
            traded
                .into_keys()
                .map(|order_id| Contradiction::Stray { order_id }),
        );
        for (key, day_net) in self.day_positions() {
            let sum = dealt.remove(&key).unwrap_or_default();
            if day_net.is_some_and(|net| !sum.holds(net)) {
                found.insert(Contradiction::Held { key, day_net });
            }
        }
        found.extend(
            dealt
                .into_keys()
                .map(|key| Contradiction::Held { key, day_net: None }),
        );
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
    /// Adds a signed quantity; one that is not sure may count or not.
    const fn add(&mut self, qty: i64, is_sure: bool) {
        if is_sure || qty < 0 {
            self.least = self.least.saturating_add(qty);
        }
        if is_sure || qty > 0 {
            self.most = self.most.saturating_add(qty);
        }
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
        if !doubts.are_meant(now, round.contradictions()) {
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

    fn begin_round(&mut self, now: TsNs) {
        self.round = Round::default();
        self.part = Part::Orders;
        self.next_at = now.plus(ROUND_GAP);
    }
}

#[cfg(test)]
mod tests {
    use bijli_core::Price;
    use bijli_core::order::{BrokerStatus, OrderType, Side, Validity};
    use bijli_core::text::Text;

    use super::*;

    fn at(ms: i64) -> TsNs {
        TsNs::new(1_700_000_000_000_000_000).plus(DurationNs::from_millis(ms))
    }

    fn position(key: &str, qty: i64) -> BrokerPosition {
        BrokerPosition {
            key: Text::new(key).expect("short"),
            qty: Qty::new(qty),
            day_net: None,
        }
    }

    /// The order that the trades of these tests belong to.
    fn order(filled: i64) -> BrokerOrder {
        BrokerOrder {
            order_id: Text::new("1").expect("short"),
            intent: None,
            key: Text::new("NSE_EQ|X").expect("short"),
            side: Side::Buy,
            status: BrokerStatus::Open,
            qty: Qty::new(10),
            filled: Qty::new(filled),
            price: Price::from_paise(100),
            trigger: Price::NONE,
            average_price: Price::from_paise(100),
            order_type: OrderType::Limit,
            validity: Validity::Day,
            stamp: Text::EMPTY,
        }
    }

    fn trade(id: &str) -> BrokerTrade {
        BrokerTrade {
            order_id: Text::new("1").expect("short"),
            trade_id: Text::new(id).expect("short"),
            key: Text::new("NSE_EQ|X").expect("short"),
            is_buy: true,
            qty: Qty::new(1),
            price: Price::from_paise(100),
        }
    }

    fn full<T>(rows: Vec<T>) -> Rows<T> {
        Rows { rows, complete: true }
    }

    /// Plays rounds of (trades, positions); gives the index of the round that is believed.
    fn play(rounds: &[(Vec<BrokerTrade>, Vec<BrokerPosition>)]) -> Option<usize> {
        let mut reconciler = Reconciler::new(at(0));
        let doubts = &mut Contradictions::default();
        let mut now = at(0);
        for (index, (trades, positions)) in rounds.iter().enumerate() {
            let (due, part) = reconciler.next_read();
            assert_eq!(part, Part::Orders);
            if index > 0 {
                assert_eq!(due, now.plus(ROUND_GAP), "rounds keep their distance");
            }
            now = due;
            let filled = i64::try_from(trades.len()).expect("few");
            let book = if filled > 0 {
                vec![order(filled)]
            } else {
                Vec::new()
            };
            assert_eq!(
                reconciler.handle(now, now, Answer::Orders(full(book)), doubts),
                None
            );
            let trades = Answer::Trades(full(trades.clone()));
            assert_eq!(reconciler.handle(now, now, trades, doubts), None);
            let positions = Answer::Positions(full(positions.clone()));
            assert_eq!(reconciler.handle(now, now, positions, doubts), None);
            // Funds differ from round to round and spoil nothing.
            let funds = BrokerFunds {
                available: Money::from_rupees(1_000 - now.get() % 997),
                used: Money::ZERO,
            };
            if reconciler
                .handle(now, now, Answer::Funds(Some(funds)), doubts)
                .is_some()
            {
                return Some(index);
            }
        }
        None
    }

    #[test]
    fn the_first_two_rounds_that_agree_are_believed() {
        let long = vec![position("NSE_EQ|X", 1)];
        let rounds = [
            (vec![], vec![]),
            (vec![trade("1")], long.clone()),
            (vec![trade("2"), trade("1")], long.clone()),
            (vec![trade("1"), trade("2")], long),
        ];
        assert_eq!(play(&rounds), Some(3));
        assert_eq!(play(&rounds[..3]), None);
    }

    #[test]
    fn flat_rows_and_products_do_not_spoil_agreement() {
        let split = vec![
            position("NSE_EQ|X", 3),
            position("NSE_EQ|X", -2),
            position("NSE_EQ|Y", 0),
        ];
        let rounds = [(vec![], vec![position("NSE_EQ|X", 1)]), (vec![], split)];
        assert_eq!(play(&rounds), Some(1));
    }

    #[test]
    fn a_failed_or_incomplete_read_restarts_the_round_after_a_pause() {
        let incomplete = Rows {
            rows: vec![trade("1")],
            complete: false,
        };
        for bad in [Answer::Failed, Answer::Trades(incomplete)] {
            let mut reconciler = Reconciler::new(at(0));
            let doubts = &mut Contradictions::default();
            let orders = Answer::Orders(full(Vec::new()));
            assert_eq!(reconciler.handle(at(10), at(0), orders, doubts), None);
            assert_eq!(reconciler.handle(at(20), at(10), bad, doubts), None);
            assert_eq!(reconciler.next_read(), (at(1_020), Part::Orders));
            assert_eq!(reconciler.rounds(), 0);
        }
    }

    #[test]
    fn rounds_that_contradict_themselves_count_only_once_they_do_so_for_a_minute() {
        let long = vec![position("NSE_EQ|X", 1)];
        let round = |filled, trades, positions| Round {
            orders: vec![order(filled)],
            trades,
            positions,
            ..Round::default()
        };
        assert!(
            round(1, vec![trade("1")], long.clone())
                .contradictions()
                .is_empty()
        );
        assert!(
            round(1, vec![trade("1"), trade("9")], long.clone())
                .contradictions()
                .is_empty(),
            "told twice"
        );
        assert!(
            round(2, vec![trade("1"), trade("2")], long.clone())
                .contradictions()
                .is_empty(),
            "two fills alike"
        );
        assert!(
            !round(2, vec![trade("1")], long.clone())
                .contradictions()
                .is_empty(),
            "a fill without its trade"
        );
        assert!(
            !round(0, vec![trade("1")], long).contradictions().is_empty(),
            "a trade without its fill"
        );
        let dealt = |net| BrokerPosition {
            day_net: Some(Qty::new(net)),
            ..position("NSE_EQ|X", 1)
        };
        assert!(
            round(1, vec![trade("1")], vec![dealt(3), dealt(-2)])
                .contradictions()
                .is_empty(),
            "over all products"
        );
        assert!(
            !round(0, Vec::new(), vec![dealt(1)]).contradictions().is_empty(),
            "a position of today without a trade"
        );
        assert!(
            !round(1, vec![trade("1")], Vec::new()).contradictions().is_empty(),
            "a trade without a position"
        );
        let empty_positions: Vec<_> = (0..80).map(|_| (vec![trade("1")], Vec::new())).collect();
        let believed = play(&empty_positions).expect("the broker means it");
        assert!(
            (60..70).contains(&believed),
            "after a minute, in round {believed}"
        );
    }
}
