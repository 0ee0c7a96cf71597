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
    /// Orders do not exist for this instrument, or it takes no entries after a foreign order or by a person's word.
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
    /// The calendar does not know the day, or the session is of another one.
    DayUnknown = 28,
    /// The market opened a moment ago, or the instrument has not ticked enough since.
    OpeningQuiet = 29,
    /// The last trade lies far outside the book: one of the two is wrong.
    QuoteIncoherent = 30,
    /// The price of the underlying of a derivative is too old.
    UnderlyingStale = 31,
    /// Equity fell too far below the best of the day; latched for the day.
    DrawdownReached = 32,
    /// Too many trades in a row lost; entries pause.
    LossStreak = 33,
    /// As many round trips as allowed were closed today.
    TradesPerDayMax = 34,
    /// As many orders as allowed were sent today.
    OrdersPerDayMax = 35,
    /// As many entries as allowed were sent in the last second or minute.
    OrderRate = 36,
    /// The strategy repeated itself like a runaway and is latched off until a person clears it.
    StrategyLatched = 37,
    /// The signal already made an entry.
    DuplicateSignal = 38,
    /// The same entry was sent a moment ago.
    IdenticalOrder = 39,
    /// An order of the account on the other side could trade with it.
    SelfMatch = 40,
    /// The price lies outside the day's band of the exchange.
    PriceBand = 41,
    /// The price lies beyond the exchange's limit price protection.
    PriceProtection = 42,
    /// The order would be worth more than any order may be.
    OrderValue = 43,
    /// The order has more lots than allowed.
    OrderLots = 44,
    /// The instrument would be worth more than allowed.
    InstrumentExposure = 45,
    /// All contracts on the underlying together would be worth more than allowed.
    UnderlyingExposure = 46,
    /// All positions of the sector together would be worth more than allowed.
    SectorExposure = 47,
    /// All positions of the strategy together would be worth more than allowed.
    StrategyExposure = 48,
    /// Positions that move together would be worth more than allowed.
    CorrelatedExposure = 49,
    /// Delta times value of the underlyings would be more than allowed.
    DeltaExposure = 50,
    /// All positions together would be worth more than allowed for the equity of now.
    Leverage = 51,
    /// The available margin is not known, and the configuration asks for it.
    MarginUnknown = 52,
    /// The order needs more margin than is available.
    MarginShort = 53,
}

/// All denials in the order of their numbers.
pub const DENIALS: [Denial; 53] = [
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
    Denial::DayUnknown,
    Denial::OpeningQuiet,
    Denial::QuoteIncoherent,
    Denial::UnderlyingStale,
    Denial::DrawdownReached,
    Denial::LossStreak,
    Denial::TradesPerDayMax,
    Denial::OrdersPerDayMax,
    Denial::OrderRate,
    Denial::StrategyLatched,
    Denial::DuplicateSignal,
    Denial::IdenticalOrder,
    Denial::SelfMatch,
    Denial::PriceBand,
    Denial::PriceProtection,
    Denial::OrderValue,
    Denial::OrderLots,
    Denial::InstrumentExposure,
    Denial::UnderlyingExposure,
    Denial::SectorExposure,
    Denial::StrategyExposure,
    Denial::CorrelatedExposure,
    Denial::DeltaExposure,
    Denial::Leverage,
    Denial::MarginUnknown,
    Denial::MarginShort,
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
            Self::DayUnknown => "DAY_UNKNOWN",
            Self::OpeningQuiet => "OPENING_QUIET",
            Self::QuoteIncoherent => "QUOTE_INCOHERENT",
            Self::UnderlyingStale => "UNDERLYING_STALE",
            Self::DrawdownReached => "DRAWDOWN_REACHED",
            Self::LossStreak => "LOSS_STREAK",
            Self::TradesPerDayMax => "TRADES_PER_DAY_MAX",
            Self::OrdersPerDayMax => "ORDERS_PER_DAY_MAX",
            Self::OrderRate => "ORDER_RATE",
            Self::StrategyLatched => "STRATEGY_LATCHED",
            Self::DuplicateSignal => "DUPLICATE_SIGNAL",
            Self::IdenticalOrder => "IDENTICAL_ORDER",
            Self::SelfMatch => "SELF_MATCH",
            Self::PriceBand => "PRICE_BAND",
            Self::PriceProtection => "PRICE_PROTECTION",
            Self::OrderValue => "ORDER_VALUE",
            Self::OrderLots => "ORDER_LOTS",
            Self::InstrumentExposure => "INSTRUMENT_EXPOSURE",
            Self::UnderlyingExposure => "UNDERLYING_EXPOSURE",
            Self::SectorExposure => "SECTOR_EXPOSURE",
            Self::StrategyExposure => "STRATEGY_EXPOSURE",
            Self::CorrelatedExposure => "CORRELATED_EXPOSURE",
            Self::DeltaExposure => "DELTA_EXPOSURE",
            Self::Leverage => "LEVERAGE",
            Self::MarginUnknown => "MARGIN_UNKNOWN",
            Self::MarginShort => "MARGIN_SHORT",
        }
    }

    /// The number, from 1; 0 is kept for "passed".
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
