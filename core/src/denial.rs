//! Why our own risk gate refused an order: stable numbers and codes, each with its meaning.
//!
//! A denial is ours, before anything is sent; a rejection is the broker's or the exchange's.

/// One reason to refuse. The numbers are stored in snapshots and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Denial {
    /// No session is open, or the start-up reconciliation has not ended.
    NotReady = 1,
    /// The instrument's session does not allow entries now.
    SessionClosed = 2,
    /// The kill switch is latched.
    Killed = 3,
    /// An internal contradiction stopped all entries.
    Halted = 4,
    /// Only orders that reduce a position may pass.
    ReduceOnly = 5,
    /// An operator paused entries.
    Paused = 6,
    /// The daily loss limit was reached; latched for the day.
    DailyLossReached = 7,
    /// Orders do not exist for this instrument, or it is frozen after a foreign order.
    InstrumentNotTradable = 8,
    /// The quote is too old, doubtful or missing.
    QuoteStale = 9,
    /// The feed is down, mute or closed.
    FeedNotLive = 10,
    /// The signal outlived its life.
    SignalExpired = 11,
    /// The same instrument and side was entered too recently.
    Cooldown = 12,
    /// As many positions as allowed are open or being opened.
    PositionsMax = 13,
    /// The instrument already has a position or a live order.
    InstrumentBusy = 14,
    /// An order with unknown fate blocks new risk.
    UnknownOutstanding = 15,
    /// As many entries as allowed were sent today.
    EntriesPerDayMax = 16,
    /// The quantity is not a positive whole number of lots.
    QuantityNotLots = 17,
    /// The quantity exceeds the freeze quantity.
    FreezeQuantity = 18,
    /// The price is not on the tick grid.
    PriceOffTick = 19,
    /// The price lies too far from the fresh quote.
    PriceCollar = 20,
    /// The position would be worth more than allowed.
    PositionValue = 21,
    /// Quantity times distance to the stop is more than allowed.
    PositionRisk = 22,
    /// All positions together would be worth more than allowed.
    TotalExposure = 23,
    /// All option positions together would be worth more than allowed.
    OptionsExposure = 24,
    /// The order table of the day is full.
    OrdersMax = 25,
    /// The stop lies on the wrong side of the entry price.
    StopOnWrongSide = 26,
    /// A product of price and quantity does not fit.
    Overflow = 27,
}

/// All denials in the order of their numbers.
pub const DENIALS: [Denial; 27] = [
    Denial::NotReady,
    Denial::SessionClosed,
    Denial::Killed,
    Denial::Halted,
    Denial::ReduceOnly,
    Denial::Paused,
    Denial::DailyLossReached,
    Denial::InstrumentNotTradable,
    Denial::QuoteStale,
    Denial::FeedNotLive,
    Denial::SignalExpired,
    Denial::Cooldown,
    Denial::PositionsMax,
    Denial::InstrumentBusy,
    Denial::UnknownOutstanding,
    Denial::EntriesPerDayMax,
    Denial::QuantityNotLots,
    Denial::FreezeQuantity,
    Denial::PriceOffTick,
    Denial::PriceCollar,
    Denial::PositionValue,
    Denial::PositionRisk,
    Denial::TotalExposure,
    Denial::OptionsExposure,
    Denial::OrdersMax,
    Denial::StopOnWrongSide,
    Denial::Overflow,
];

impl Denial {
    /// The stable code, as shown to people and machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotReady => "NOT_READY",
            Self::SessionClosed => "SESSION_CLOSED",
            Self::Killed => "KILLED",
            Self::Halted => "HALTED",
            Self::ReduceOnly => "REDUCE_ONLY",
            Self::Paused => "PAUSED",
            Self::DailyLossReached => "DAILY_LOSS_REACHED",
            Self::InstrumentNotTradable => "INSTRUMENT_NOT_TRADABLE",
            Self::QuoteStale => "QUOTE_STALE",
            Self::FeedNotLive => "FEED_NOT_LIVE",
            Self::SignalExpired => "SIGNAL_EXPIRED",
            Self::Cooldown => "COOLDOWN",
            Self::PositionsMax => "POSITIONS_MAX",
            Self::InstrumentBusy => "INSTRUMENT_BUSY",
            Self::UnknownOutstanding => "UNKNOWN_OUTSTANDING",
            Self::EntriesPerDayMax => "ENTRIES_PER_DAY_MAX",
            Self::QuantityNotLots => "QUANTITY_NOT_LOTS",
            Self::FreezeQuantity => "FREEZE_QUANTITY",
            Self::PriceOffTick => "PRICE_OFF_TICK",
            Self::PriceCollar => "PRICE_COLLAR",
            Self::PositionValue => "POSITION_VALUE",
            Self::PositionRisk => "POSITION_RISK",
            Self::TotalExposure => "TOTAL_EXPOSURE",
            Self::OptionsExposure => "OPTIONS_EXPOSURE",
            Self::OrdersMax => "ORDERS_MAX",
            Self::StopOnWrongSide => "STOP_ON_WRONG_SIDE",
            Self::Overflow => "OVERFLOW",
        }
    }

    /// The number, 1 to 27; 0 is kept for "passed".
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The denial of a number; `None` for 0 and numbers not in use.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        DENIALS.get(usize::from(number).checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_codes_are_dense_and_unique() {
        let mut codes: Vec<_> = DENIALS.iter().map(|denial| denial.code()).collect();
        for (index, denial) in DENIALS.iter().enumerate() {
            assert_eq!(usize::from(denial.number()), index + 1);
            assert_eq!(Denial::from_number(denial.number()), Some(*denial));
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), DENIALS.len());
        assert_eq!(Denial::from_number(0), None);
    }
}
