//! One order at the broker: what was asked, where it stands, and every state it went through.
//!
//! Status words and ladders: the broker's API documentation. Invariant: the last row of the history is the
//! present state, `filled` equals the sum of its trades, and a finished order never changes again.

use bijli_core::order::{OrderType, Side, Validity};
use bijli_core::{Price, Qty, TsNs};
use bijli_gateway::paper::fill::WorkingOrder;

use super::order_fault::Fate;

/// Where an order stands, in the broker's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Taken in.
    PutReceived,
    /// Before the risk check.
    ValidationPending,
    /// On its way to the exchange.
    OpenPending,
    /// Working, perhaps filled in part.
    Open,
    /// A stop that waits for its price.
    TriggerPending,
    /// Filled.
    Complete,
    /// Refused by the risk check or the exchange.
    Rejected,
    /// Cancelled, perhaps filled in part.
    Cancelled,
    /// A change is being checked.
    ModifyValidationPending,
    /// A change is on its way to the exchange.
    ModifyPending,
    /// A change was made.
    Modified,
    /// A change was refused.
    NotModified,
    /// A cancel is on its way to the exchange.
    CancelPending,
    /// A cancel came too late.
    NotCancelled,
    /// Waits for the market to open.
    AmoReceived,
    /// Waits for the market to open, with a change.
    AmoModified,
    /// Cancelled before the market opened.
    AmoCancelled,
}

impl Status {
    /// The broker's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PutReceived => "put order req received",
            Self::ValidationPending => "validation pending",
            Self::OpenPending => "open pending",
            Self::Open => "open",
            Self::TriggerPending => "trigger pending",
            Self::Complete => "complete",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::ModifyValidationPending => "modify validation pending",
            Self::ModifyPending => "modify pending",
            Self::Modified => "modified",
            Self::NotModified => "not modified",
            Self::CancelPending => "cancel pending",
            Self::NotCancelled => "not cancelled",
            Self::AmoReceived => "after market order req received",
            Self::AmoModified => "modify after market order req received",
            Self::AmoCancelled => "cancelled after market order",
        }
    }

    /// Whether nothing can follow.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Complete | Self::Rejected | Self::Cancelled | Self::AmoCancelled
        )
    }

    /// Whether the order still waits for its market to open.
    #[must_use]
    pub const fn awaits_open(self) -> bool {
        matches!(self, Self::AmoReceived | Self::AmoModified)
    }
}

/// The account's way of holding what an order buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Product {
    /// Closed the same day.
    Intraday,
    /// Kept.
    Delivery,
    /// Kept, partly on the broker's money.
    MarginFunded,
}

impl Product {
    /// The product of the broker's word; cover and bracket orders are not offered.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        [Self::Intraday, Self::Delivery, Self::MarginFunded]
            .into_iter()
            .find(|product| product.word() == word)
    }

    /// The broker's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Intraday => "I",
            Self::Delivery => "D",
            Self::MarginFunded => "MTF",
        }
    }
}

/// Who placed an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client of the API.
    Client,
    /// Somebody else on the same account: a person, another application.
    External,
    /// The broker, closing what it wants closed.
    Broker,
}

/// What a placement asks for, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) instrument: u32,
    pub(super) side: Side,
    pub(super) product: Product,
    pub(super) order_type: OrderType,
    pub(super) validity: Validity,
    pub(super) qty: Qty,
    pub(super) disclosed: Qty,
    pub(super) price: Price,
    pub(super) trigger: Price,
    pub(super) tag: Option<String>,
    pub(super) is_amo: bool,
}

impl Ticket {
    /// Takes a change over.
    pub(super) const fn take(&mut self, change: &Change) {
        self.order_type = change.order_type;
        self.validity = change.validity;
        self.qty = change.qty;
        self.price = change.price;
        self.trigger = change.trigger;
    }

    /// What [`Self::take`] would set.
    pub(super) const fn terms(&self) -> Change {
        Change {
            order_type: self.order_type,
            validity: self.validity,
            qty: self.qty,
            price: self.price,
            trigger: self.trigger,
        }
    }
}

/// One row of an order's history.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) ts: TsNs,
    pub(super) status: Status,
    pub(super) filled: Qty,
    pub(super) average: f64,
    /// What the order asked for then.
    pub(super) terms: Change,
    pub(super) message: Option<String>,
    pub(super) request_number: u32,
}

/// The terms of an order that a change may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) order_type: OrderType,
    pub(super) validity: Validity,
    pub(super) qty: Qty,
    pub(super) price: Price,
    pub(super) trigger: Price,
}

/// One order.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) reference: String,
    pub(super) exchange_id: String,
    pub(super) ticket: Ticket,
    pub(super) status: Status,
    pub(super) message: Option<String>,
    pub(super) filled: Qty,
    /// Sum of price times quantity over the fills, 1/10 000 rupee.
    pub(super) value: i128,
    pub(super) exchange_ts: Option<TsNs>,
    pub(super) updated: TsNs,
    pub(super) request_number: u32,
    pub(super) history: Vec<Moment>,
    /// The order as the exchange works it; `None` before it arrives there.
    pub(super) working: Option<WorkingOrder>,
    pub(super) origin: Origin,
    pub(super) fate: Fate,
}

impl Order {
    pub(super) fn new(id: String, reference: String, ticket: Ticket, origin: Origin) -> Self {
        Self {
            id,
            reference,
            exchange_id: String::new(),
            ticket,
            status: Status::PutReceived,
            message: None,
            filled: Qty::ZERO,
            value: 0,
            exchange_ts: None,
            updated: TsNs::NEVER,
            request_number: 1,
            history: Vec::new(),
            working: None,
            origin,
            fate: Fate::default(),
        }
    }

    /// Takes the next step of the ladder and records it.
    pub(super) fn step(&mut self, now: TsNs, status: Status) {
        assert!(!self.status.is_final(), "a finished order never changes");
        self.status = status;
        self.updated = now;
        self.history.push(Moment {
            ts: now,
            status,
            filled: self.filled,
            average: self.average_rupees(),
            terms: self.ticket.terms(),
            message: self.message.clone(),
            request_number: self.request_number,
        });
    }

    /// Average price of the fills in rupees; 0 without one.
    pub(super) fn average_rupees(&self) -> f64 {
        if self.filled.is_zero() {
            return 0.0;
        }
        let units = self.value as f64 / self.filled.get() as f64;
        units.round() / bijli_core::price::UNITS_PER_RUPEE as f64
    }

    /// Whether it is finished, as far as anybody is told.
    pub(super) const fn is_told_finished(&self) -> bool {
        self.status.is_final() || self.fate.is_phantom
    }

    /// Quantity that still works; nothing once the order is finished.
    pub(super) fn pending(&self) -> Qty {
        if self.status.is_final() {
            Qty::ZERO
        } else {
            self.ticket.qty.minus(self.filled).unwrap_or(Qty::ZERO)
        }
    }
}

/// One trade.
#[derive(Clone, Debug)]
pub(super) struct Trade {
    pub(super) id: String,
    pub(super) order: usize,
    pub(super) qty: Qty,
    pub(super) price: Price,
    pub(super) ts: TsNs,
    /// Told twice by a fault, under this id.
    pub(super) doubled: Option<String>,
}

impl Trade {
    /// Which position it belongs to, and which way it went.
    pub(super) fn booked_under(&self, orders: &[Order]) -> (u32, Product, Side) {
        let ticket = &orders[self.order].ticket;
        (ticket.instrument, ticket.product, ticket.side)
    }
}
