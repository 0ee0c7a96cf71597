//! What a broker says, after parsing and before it is believed: order rows, trade rows, positions, outcomes.
//!
//! These words are the same for every broker; a broker's own spelling ends in its folder. Nothing here has been
//! checked against what we know: that is the business of `orders`, `intent` and `reconcile`.

use bijli_core::event::Submission;
use bijli_core::order::{BrokerOrderId, BrokerStatus, IntentId, OrderType, Side, TradeId, Validity};
use bijli_core::text::Text;
use bijli_core::{Price, Qty};

/// The broker's key of an instrument, e.g. `NSE_FO|45450`.
pub type InstrumentKey = Text<40>;

/// One row of the order book, of an order's history, or of the order stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerOrder {
    /// The broker's order id; never empty.
    pub order_id: BrokerOrderId,
    /// Our intent, when the tag is one of ours.
    pub intent: Option<IntentId>,
    /// Which instrument.
    pub key: InstrumentKey,
    /// Buy or sell.
    pub side: Side,
    /// Where it stands.
    pub status: BrokerStatus,
    /// Total quantity.
    pub qty: Qty,
    /// Filled so far.
    pub filled: Qty,
    /// Limit price; [`Price::NONE`] for market orders.
    pub price: Price,
    /// Trigger price; [`Price::NONE`] without one.
    pub trigger: Price,
    /// Average price of the filled part.
    pub average_price: Price,
    /// How it is priced.
    pub order_type: OrderType,
    /// How long it lives.
    pub validity: Validity,
    /// The broker's time of the row, `YYYY-MM-DD HH:MM:SS`, which sorts as text; empty when absent.
    pub stamp: Text<24>,
}

/// One trade row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BrokerTrade {
    /// The order that traded.
    pub order_id: BrokerOrderId,
    /// The exchange's trade id.
    pub trade_id: TradeId,
    /// Which instrument.
    pub key: InstrumentKey,
    /// Whether it bought.
    pub is_buy: bool,
    /// Quantity; positive.
    pub qty: Qty,
    /// Price; positive.
    pub price: Price,
}

impl BrokerTrade {
    /// Side of the trade.
    #[must_use]
    pub const fn side(&self) -> Side {
        if self.is_buy { Side::Buy } else { Side::Sell }
    }
}

/// One position row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerPosition {
    /// Which instrument.
    pub key: InstrumentKey,
    /// Net quantity; negative when short.
    pub qty: Qty,
    /// Bought less sold today, if the row tells: the sum of the day's trades.
    pub day_net: Option<Qty>,
    /// Last price of the instrument, if the row tells one.
    pub last_price: Option<Price>,
}

/// Rows of one read, and whether every row could be read: only then may absence mean anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows<T> {
    /// The readable rows.
    pub rows: Vec<T>,
    /// Whether there was no unreadable row beside them.
    pub complete: bool,
}

/// What sort of refusal an error code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The token is dead or was never alive.
    Auth,
    /// Too many calls.
    Rate,
    /// The request itself is wrong.
    Validation,
    /// The order has ended and can be neither changed nor cancelled.
    OrderFinished,
    /// No such order.
    NotFound,
    /// The order service is closed at this hour.
    ServiceClosed,
    /// The account, application or address may not do this.
    Restricted,
    /// The broker's own trouble: says nothing about what was done.
    Internal,
    /// A code that this version does not know.
    Unrecognised,
}

/// A structured refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The broker's code, as sent.
    pub code: Text<24>,
    /// What sort it is.
    pub class: ErrorClass,
}

/// How a submission ended, by what the reply proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The broker answered with an order id.
    Acked(BrokerOrderId),
    /// The broker's front refused it in its own words.
    Refused(Refusal),
    /// Not one byte reached the wire.
    NotSent,
    /// Anything else; the class is kept where the reply hinted at one.
    Unknown(Option<ErrorClass>),
}

impl Outcome {
    /// The word of the event that tells the engine.
    #[must_use]
    pub const fn submission(&self) -> Submission {
        match self {
            Self::Acked(_) => Submission::Acked,
            Self::Refused(_) => Submission::Refused,
            Self::NotSent => Submission::NotSent,
            Self::Unknown(_) => Submission::Unknown,
        }
    }

    /// The class of error, where there is one.
    #[must_use]
    pub const fn class(&self) -> Option<ErrorClass> {
        match self {
            Self::Refused(refusal) => Some(refusal.class),
            Self::Unknown(class) => *class,
            Self::Acked(_) | Self::NotSent => None,
        }
    }
}

/// Why a read gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// No complete reply came.
    Transport,
    /// The broker refused in its own words.
    Refused(Refusal),
    /// The status says failure but the body is not the broker's error form; the class as far as the status tells.
    Status(ErrorClass),
    /// The body could not be read.
    Malformed,
    /// The body is a success, but a field that is needed is not there or not what it should be.
    Unfit(Misfit),
}

/// Which field of an answer cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Number of the row in the outermost list, from 0; none when the answer is no list.
    pub row: Option<u32>,
    /// The record that the field belongs to; empty for the answer as a whole.
    pub record: &'static str,
    /// Name of the field; empty for a record or an answer as a whole.
    pub field: &'static str,
    /// What should stand there, e.g. "a price in rupees".
    pub expected: &'static str,
    /// Whether there is nothing at all, rather than something else.
    pub missing: bool,
}

impl ReadError {
    /// The class of error, where there is one.
    #[must_use]
    pub const fn class(&self) -> Option<ErrorClass> {
        match self {
            Self::Refused(refusal) => Some(refusal.class),
            Self::Status(class) => Some(*class),
            Self::Transport | Self::Malformed | Self::Unfit(_) => None,
        }
    }
}
