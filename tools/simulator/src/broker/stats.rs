//! What the broker counts, for tests and reports: the oracle that no client can argue with.

use std::collections::BTreeMap;

use bijli_core::Money;

use super::Broker;
use super::faults::{Fault, FaultCounts};
use super::order::Origin;

/// Counts of one day at the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerStats {
    /// Orders taken in, rejected ones included.
    pub orders_seen: u64,
    /// Placements refused by the gateway's first check.
    pub orders_refused: u64,
    /// Different tags seen.
    pub tags_seen: u64,
    /// Placements whose tag had been seen before.
    pub duplicate_tags: u64,
    /// Trades.
    pub fills: u64,
    /// Positions that are not flat.
    pub open_positions: u64,
    /// Instruments that orders of the client alone leave open: what others did on the account is not his.
    pub client_positions: u64,
    /// Fills of the client that turned the position of an instrument over.
    pub flips: u64,
    /// Orders by the word of their state.
    pub orders_by_status: BTreeMap<&'static str, u64>,
    /// Earned on closed quantity, charges not deducted.
    pub realised: Money,
    /// Result of the open quantity at last prices.
    pub unrealised: Money,
    /// Calls refused by a rate limit.
    pub rate_limited: u64,
    /// Faults that fired.
    pub faults: FaultCounts,
}

impl Broker {
    /// Instruments whose fills of everybody leave a position to which the client's own contribute one.
    fn client_positions(&self) -> u64 {
        let mut net: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
        for trade in &self.ledger.trades {
            let order = &self.orders[trade.order];
            let signed = order.ticket.side.sign() * trade.qty.get();
            let (all, own) = net.entry(order.ticket.instrument).or_default();
            *all += signed;
            *own += if order.origin == Origin::Client { signed } else { 0 };
        }
        let open = net.values().filter(|(all, own)| *all != 0 && *own != 0);
        open.count() as u64
    }

    /// How often a fault has fired.
    #[must_use]
    pub const fn fired(&self, fault: Fault) -> u64 {
        self.dice.counts().of(fault)
    }

    /// The counts now.
    #[must_use]
    pub fn stats(&self) -> BrokerStats {
        let mut orders_by_status = BTreeMap::new();
        for order in &self.orders {
            *orders_by_status.entry(order.status.word()).or_default() += 1;
        }
        BrokerStats {
            orders_seen: self.orders.len() as u64,
            orders_refused: self.orders_refused,
            tags_seen: self.tags.len() as u64,
            duplicate_tags: self.duplicate_tags,
            fills: self.ledger.trades.len() as u64,
            open_positions: self.ledger.open_positions(),
            client_positions: self.client_positions(),
            flips: self.flips,
            orders_by_status,
            realised: self.ledger.realised(),
            unrealised: self.ledger.unrealised(|instrument| self.listing(instrument).ltp),
            rate_limited: self.limiter.refused(),
            faults: self.dice.counts(),
        }
    }
}
