//! What a former process knew of an order: all that a gateway needs to take it over.

use bijli_core::order::{BrokerOrderId, IntentId, OrderState, Side};
use bijli_core::{DurationNs, InstrumentId, Qty};

/// How long after its end the last request of a former process may still arrive at the broker: as long as a lane waits
/// for a reply.
pub(super) const FORMER_CHANGE_MAX: DurationNs = DurationNs::from_secs(5);

/// An order as the journal knew it when the process before this one ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownOrder {
    /// Our intent; `None` for somebody else's order.
    pub intent: Option<IntentId>,
    /// The broker's id; empty when it was never learned.
    pub order_id: BrokerOrderId,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Total quantity.
    pub qty: Qty,
    /// Filled so far, by applied trades.
    pub filled: Qty,
    /// Where it stood.
    pub state: OrderState,
    /// Modifies that were asked of it.
    pub modifies: u8,
    /// Whether the outcome of the newest of them is not known.
    pub is_changing: bool,
}

impl KnownOrder {
    /// The order as the engine's book has it.
    #[must_use]
    pub const fn of(order: &bijli_core::orders::Order) -> Self {
        Self {
            intent: order.intent,
            order_id: order.order_id,
            instrument: order.instrument,
            side: order.side,
            qty: order.qty,
            filled: order.filled,
            state: order.state,
            modifies: order.modifies,
            is_changing: order.pending.is_some(),
        }
    }
}
