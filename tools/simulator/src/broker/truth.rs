//! The ledger as an oracle reads it: what truly happened at broker and exchange, whatever any client was told.
//!
//! No fault touches what is told here: a phantom fill is no fill, a fill told twice is one.

use bijli_core::order::Side;
use bijli_core::{Price, Qty, TsNs};

use super::Broker;
use super::order::{Origin, Status};

/// An order as it truly stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderTruth<'a> {
    /// The broker's id.
    pub id: &'a str,
    /// The client's tag.
    pub tag: Option<&'a str>,
    /// Who placed it.
    pub origin: Origin,
    /// Place of its instrument in the day's list.
    pub instrument: u32,
    /// Buy or sell.
    pub side: Side,
    /// Quantity that it stands for now.
    pub qty: Qty,
    /// Quantity filled.
    pub filled: Qty,
    /// Limit, or [`Price::NONE`].
    pub price: Price,
    /// Trigger, or [`Price::NONE`].
    pub trigger: Price,
    /// Where it stands.
    pub status: Status,
    /// Whether it never leaves the broker, whatever was told of it.
    pub is_phantom: bool,
}

/// A trade that happened and stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeTruth<'a> {
    /// The exchange's id.
    pub id: &'a str,
    /// Place of its order in [`Broker::true_orders`].
    pub order: usize,
    /// Quantity; positive.
    pub qty: Qty,
    /// Price.
    pub price: Price,
    /// When.
    pub ts: TsNs,
}

impl Broker {
    /// Every order that was taken in, oldest first.
    pub fn true_orders(&self) -> impl Iterator<Item = OrderTruth<'_>> {
        self.orders.iter().map(|order| OrderTruth {
            id: &order.id,
            tag: order.ticket.tag.as_deref(),
            origin: order.origin,
            instrument: order.ticket.instrument,
            side: order.ticket.side,
            qty: order.ticket.qty,
            filled: order.filled,
            price: order.ticket.price,
            trigger: order.ticket.trigger,
            status: order.status,
            is_phantom: order.fate.is_phantom,
        })
    }

    /// Every trade that stands, oldest first.
    pub fn true_trades(&self) -> impl Iterator<Item = TradeTruth<'_>> {
        self.ledger.trades.iter().map(|trade| TradeTruth {
            id: &trade.id,
            order: trade.order,
            qty: trade.qty,
            price: trade.price,
            ts: trade.ts,
        })
    }

    /// Net quantity of an instrument over all products: negative when sold short.
    #[must_use]
    pub fn true_position(&self, instrument: u32) -> Qty {
        let of_it = self.ledger.holdings().filter(|(id, _, _)| *id == instrument);
        Qty::new(of_it.map(|(_, _, holding)| holding.position.qty.get()).sum())
    }
}
