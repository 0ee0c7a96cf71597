//! Order words and the order state machine: which state may follow which, as one table.
//!
//! An order begins with our intent and ends only on broker evidence. `Unknown` is a state of its own: a
//! reply that did not come says nothing, and time alone never ends it (rule 4 of `ARCHITECTURE.md`).

use crate::text::Text;

/// Id of an intent: process epoch in the upper half, running number in the lower. Never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId(u64);

/// The broker's id of an order, at most 24 characters (Upstox: 15 digits).
pub type BrokerOrderId = Text<24>;
/// The exchange's id of a trade.
pub type TradeId = Text<24>;
/// The handle that we give an order at the broker: alphanumeric, at most 20 characters (Kite's limit).
pub type Tag = Text<20>;

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Side {
    /// Buy.
    Buy = 0,
    /// Sell.
    Sell = 1,
}

/// How an order is priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OrderType {
    /// At the limit price or better.
    Limit = 0,
    /// At market, with the broker's price protection.
    Market = 1,
    /// Becomes a limit order at the trigger price.
    StopLimit = 2,
    /// Becomes a market order at the trigger price.
    StopMarket = 3,
}

/// How long an order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Validity {
    /// Until the end of the day.
    Day = 0,
    /// Fill what is there, cancel the rest.
    Ioc = 1,
}

/// Why an order exists: only exits may pass when risk must not grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// Opens or enlarges a position.
    Entry = 0,
    /// Reduces a position.
    Exit = 1,
}

/// Where an order stands, as far as evidence goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OrderState {
    /// Journaled and handed to the gateway; nothing heard yet.
    Submitted = 0,
    /// The broker took it in; not yet at the exchange.
    Accepted = 1,
    /// Working at the exchange, perhaps partly filled.
    Open = 2,
    /// A stop waiting for its trigger.
    TriggerPending = 3,
    /// A change of price or quantity is under way.
    PendingModify = 4,
    /// A cancel is under way; the order still counts as live.
    PendingCancel = 5,
    /// The reply did not come: it may or may not exist at the broker.
    Unknown = 6,
    /// By the written rule it does not exist at the broker, yet it still counts in exposure (rule 4).
    PresumedAbsent = 7,
    /// Nothing reached the wire. Final.
    NotSent = 8,
    /// The broker's front refused it. Final.
    Refused = 9,
    /// Fully filled. Final, though late trades still apply.
    Filled = 10,
    /// Cancelled at the exchange, perhaps partly filled. Final.
    Cancelled = 11,
    /// Rejected by the broker's risk system or the exchange. Final.
    Rejected = 12,
}

/// What the broker says of an order, with the spellings of all brokers mapped onto one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BrokerStatus {
    /// Taken in or being validated.
    Received = 0,
    /// Working at the exchange.
    Open = 1,
    /// Waiting for its trigger.
    TriggerPending = 2,
    /// A modify is under way.
    ModifyPending = 3,
    /// A cancel is under way.
    CancelPending = 4,
    /// Fully filled.
    Complete = 5,
    /// Cancelled.
    Cancelled = 6,
    /// Rejected.
    Rejected = 7,
    /// A word that this version does not know: counts as live and is counted.
    Unrecognised = 8,
}

impl IntentId {
    /// The id of the `sequence`-th intent of process epoch `epoch`.
    #[must_use]
    pub const fn new(epoch: u32, sequence: u32) -> Self {
        Self(((epoch as u64) << 32) | sequence as u64)
    }

    /// Wraps the raw number, as stored.
    #[must_use]
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// The raw number, as stored.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The process epoch.
    #[must_use]
    pub const fn epoch(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The running number within the epoch.
    #[must_use]
    pub const fn sequence(self) -> u32 {
        self.0 as u32
    }

    /// The tag that this intent carries at the broker: `BJ`, epoch and sequence in base 32, two check
    /// characters. One intent has one tag for ever.
    #[must_use]
    pub fn tag(self) -> Tag {
        let mut bytes = *b"BJ0000000000000000";
        base32(self.epoch(), &mut bytes[2..9]);
        base32(self.sequence(), &mut bytes[9..16]);
        let check = check_of(&bytes[..16]);
        base32(check, &mut bytes[16..18]);
        Tag::from_bytes(&bytes).expect("base 32 digits are printable and eighteen of them fit")
    }

    /// The intent of a tag, or `None` if the tag is not one of ours.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let bytes: &[u8; 18] = tag.as_bytes().try_into().ok()?;
        if &bytes[..2] != b"BJ" || from_base32(&bytes[16..18])? != check_of(&bytes[..16]) {
            return None;
        }
        Some(Self::new(from_base32(&bytes[2..9])?, from_base32(&bytes[9..16])?))
    }
}

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

fn base32(mut value: u32, into: &mut [u8]) {
    for slot in into.iter_mut().rev() {
        *slot = DIGITS[(value % 32) as usize];
        value /= 32;
    }
}

fn from_base32(digits: &[u8]) -> Option<u32> {
    let mut value: u64 = 0;
    for digit in digits {
        let worth = DIGITS.iter().position(|known| known == digit)?;
        value = value * 32 + worth as u64;
    }
    u32::try_from(value).ok()
}

/// Ten bits over the body of a tag.
fn check_of(body: &[u8]) -> u32 {
    crc32c::crc32c(body) % 1024
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// +1 for a buy, -1 for a sell.
    #[must_use]
    pub const fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }
}

/// All states, in the order of their numbers.
pub const ORDER_STATES: [OrderState; 13] = [
    OrderState::Submitted,
    OrderState::Accepted,
    OrderState::Open,
    OrderState::TriggerPending,
    OrderState::PendingModify,
    OrderState::PendingCancel,
    OrderState::Unknown,
    OrderState::PresumedAbsent,
    OrderState::NotSent,
    OrderState::Refused,
    OrderState::Filled,
    OrderState::Cancelled,
    OrderState::Rejected,
];

/// Row: from; bit n: may go to the state numbered n. A state may always be repeated.
///
/// An acknowledgement proves nothing beyond itself: an accepted order may still be rejected, and a stop at its trigger.
/// A completion is provisional until trades back it: it may be withdrawn (the caller checks that none does). What was
/// refused, or not sent, ends there by its reply; a row of the broker that shows it alive is believed all the same.
const LEGAL: [u16; 13] = {
    use OrderState as S;
    let live = bits(&[
        S::Accepted,
        S::Open,
        S::TriggerPending,
        S::PendingModify,
        S::PendingCancel,
    ]);
    let ended = bits(&[S::Filled, S::Cancelled, S::Rejected]);
    let mut table = [0; 13];
    table[S::Submitted as usize] = live | ended | bits(&[S::Unknown, S::NotSent, S::Refused]);
    table[S::Accepted as usize] = live | ended;
    table[S::Open as usize] = bits(&[S::TriggerPending, S::PendingModify, S::PendingCancel]) | ended;
    table[S::TriggerPending as usize] = bits(&[S::Open, S::PendingModify, S::PendingCancel]) | ended;
    table[S::PendingModify as usize] = bits(&[S::Open, S::TriggerPending, S::PendingCancel]) | ended;
    table[S::PendingCancel as usize] = bits(&[S::Open, S::TriggerPending, S::PendingModify]) | ended;
    table[S::Unknown as usize] = live | ended | bits(&[S::PresumedAbsent]);
    table[S::PresumedAbsent as usize] = live | ended;
    table[S::NotSent as usize] = live | ended;
    table[S::Refused as usize] = live | ended;
    table[S::Filled as usize] = bits(&[S::Cancelled, S::Rejected]);
    // A cancel that raced a fill: the exchange's last word may still turn one end into another.
    table[S::Cancelled as usize] = bits(&[S::Filled]);
    table
};

const fn bits(states: &[OrderState]) -> u16 {
    let mut set = 0;
    let mut index = 0;
    while index < states.len() {
        set |= 1 << states[index] as u16;
        index += 1;
    }
    set
}

impl OrderState {
    /// Whether `next` may follow this state on evidence from the gateway or the broker.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        self as u8 == next as u8 || LEGAL[self as usize] & (1 << next as u16) != 0
    }

    /// Whether nothing more is expected.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::NotSent | Self::Refused | Self::Filled | Self::Cancelled | Self::Rejected
        )
    }

    /// Whether the order may be resting at the broker, so that it counts in every limit.
    #[must_use]
    pub const fn may_be_live(self) -> bool {
        !self.is_final()
    }

    /// The name as people read it in tables and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::Accepted => "ACCEPTED",
            Self::Open => "OPEN",
            Self::TriggerPending => "TRIGGER_PENDING",
            Self::PendingModify => "PENDING_UPDATE",
            Self::PendingCancel => "PENDING_CANCEL",
            Self::Unknown => "UNKNOWN",
            Self::PresumedAbsent => "PRESUMED_ABSENT",
            Self::NotSent => "NOT_SENT",
            Self::Refused => "REFUSED",
            Self::Filled => "FILLED",
            Self::Cancelled => "CANCELED",
            Self::Rejected => "REJECTED",
        }
    }
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
