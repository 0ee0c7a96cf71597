//! The closed list of what the engine can ask for. Fixed size, copyable; journaled before it leaves.

use crate::instrument::InstrumentId;
use crate::limits::COMMANDS_PER_EVENT_MAX;
use crate::order::{BrokerOrderId, IntentId, OrderType, Purpose, Side, Validity};
use crate::price::Price;
use crate::quantity::Qty;
use crate::time::TsNs;

/// Place a new order. The tag is [`IntentId::tag`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Engine time of the decision.
    pub ts: TsNs,
    /// Our intent; reaches the wire at most once.
    pub intent: IntentId,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Entry or exit: decides its place in the queue.
    pub purpose: Purpose,
    /// How it is priced.
    pub order_type: OrderType,
    /// How long it lives.
    pub validity: Validity,
    /// Quantity in units; a multiple of the lot.
    pub qty: Qty,
    /// Limit price on the tick grid; [`Price::NONE`] for market orders.
    pub price: Price,
    /// Trigger price of stop orders; [`Price::NONE`] otherwise.
    pub trigger: Price,
}

/// Change the terms of a live order: every term is named, also those that stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modify {
    /// Engine time of the decision.
    pub ts: TsNs,
    /// The order's intent.
    pub intent: IntentId,
    /// The broker's id of the order.
    pub order_id: BrokerOrderId,
    /// Entry or exit: decides its place in the queue.
    pub purpose: Purpose,
    /// How it is priced from now on.
    pub order_type: OrderType,
    /// New total quantity, what is filled included.
    pub qty: Qty,
    /// New limit price; [`Price::NONE`] for market orders.
    pub price: Price,
    /// New trigger price of stop orders; [`Price::NONE`] otherwise.
    pub trigger: Price,
}

/// Cancel a live order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Engine time of the decision.
    pub ts: TsNs,
    /// The order's intent.
    pub intent: IntentId,
    /// The broker's id of the order; empty takes the placement back as long as not one byte of it has left, and does
    /// nothing afterwards.
    pub order_id: BrokerOrderId,
}

/// Cancel an order that somebody else placed on the account: only a person's `flatten` or `kill` asks for it, and
/// only in an instrument of a position, where it stands before the exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelForeign {
    /// Engine time of the decision.
    pub ts: TsNs,
    /// The broker's id of the order.
    pub order_id: BrokerOrderId,
    /// What it trades.
    pub instrument: InstrumentId,
}

/// Read the broker's orders, trades and positions until two rounds agree, and tell what they show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconcile {
    /// Engine time of the question: no read may be older.
    pub ts: TsNs,
    /// Whether the engine wants to hear in numbers what is still open.
    pub flat: bool,
}

/// Send no entry that has not left yet: each ends as not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropEntries {
    /// Engine time of the decision.
    pub ts: TsNs,
}

/// Everything that the engine can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Place a new order.
    Place(Place),
    /// Change a live order.
    Modify(Modify),
    /// Cancel a live order.
    Cancel(Cancel),
    /// Cancel a live order of somebody else.
    CancelForeign(CancelForeign),
    /// Ask the broker what is open.
    Reconcile(Reconcile),
    /// Take back what has not left yet.
    DropEntries(DropEntries),
}

impl Command {
    /// Whether this can only lower risk: exits and cancels go before entries in every queue.
    #[must_use]
    pub const fn reduces_risk(&self) -> bool {
        match self {
            Self::Place(place) => matches!(place.purpose, Purpose::Exit),
            Self::Modify(modify) => matches!(modify.purpose, Purpose::Exit),
            Self::Cancel(_) | Self::CancelForeign(_) | Self::Reconcile(_) | Self::DropEntries(_) => true,
        }
    }

    /// Engine time of the decision.
    #[must_use]
    pub const fn ts(&self) -> TsNs {
        match self {
            Self::Place(place) => place.ts,
            Self::Modify(modify) => modify.ts,
            Self::Cancel(cancel) => cancel.ts,
            Self::CancelForeign(cancel) => cancel.ts,
            Self::Reconcile(ask) => ask.ts,
            Self::DropEntries(drop) => drop.ts,
        }
    }

    /// The intent that the command is about; `None` for an order that is not ours and for no order at all.
    #[must_use]
    pub const fn intent(&self) -> Option<IntentId> {
        match self {
            Self::Place(place) => Some(place.intent),
            Self::Modify(modify) => Some(modify.intent),
            Self::Cancel(cancel) => Some(cancel.intent),
            Self::CancelForeign(_) | Self::Reconcile(_) | Self::DropEntries(_) => None,
        }
    }
}

/// What one event caused: a fixed buffer, filled by the engine and drained before the next event.
#[derive(Debug)]
pub struct Commands {
    items: [Option<Command>; COMMANDS_PER_EVENT_MAX],
    count: usize,
}

impl Default for Commands {
    fn default() -> Self {
        Self {
            items: [None; COMMANDS_PER_EVENT_MAX],
            count: 0,
        }
    }
}

impl Commands {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// Adds a command.
    ///
    /// # Panics
    /// When an event causes more than [`COMMANDS_PER_EVENT_MAX`] commands, which the limits of positions
    /// and orders rule out.
    pub fn push(&mut self, command: Command) {
        assert!(
            self.count < COMMANDS_PER_EVENT_MAX,
            "limits bound the commands of one event"
        );
        self.items[self.count] = Some(command);
        self.count += 1;
    }

    /// Whether there is room for another.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        self.count < COMMANDS_PER_EVENT_MAX
    }

    /// The commands, in the order in which they were caused.
    pub fn iter(&self) -> impl Iterator<Item = &Command> {
        self.items[..self.count].iter().flatten()
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }
}
