//! What can be quoted or traded: a dense id and the contract facts of the day.

use crate::price::Price;
use crate::quantity::Qty;
use crate::text::Text;
use crate::time::IstDay;

/// Dense index of an instrument within one day's table: 0, 1, 2, … Valid for that day alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentId(u32);

impl InstrumentId {
    /// Wraps a dense index.
    #[must_use]
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// The dense index.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The dense index as an array index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What sort of contract an instrument is; decides session hours, charges and exposure class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum InstrumentKind {
    /// A share in the cash market.
    Equity = 0,
    /// An index: quoted, never traded.
    Index = 1,
    /// A future.
    Future = 2,
    /// A call option.
    Call = 3,
    /// A put option.
    Put = 4,
}

impl InstrumentKind {
    /// Whether orders exist for it at all.
    #[must_use]
    pub const fn is_tradable(self) -> bool {
        !matches!(self, Self::Index)
    }

    /// Whether it is a call or a put.
    #[must_use]
    pub const fn is_option(self) -> bool {
        matches!(self, Self::Call | Self::Put)
    }

    /// Whether it keeps the hours of the derivatives market.
    #[must_use]
    pub const fn is_derivative(self) -> bool {
        matches!(self, Self::Future | Self::Call | Self::Put)
    }
}

/// The sector of an underlying: a number that the configuration's table of sectors gives for one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectorId(u8);

impl SectorId {
    /// Every underlying that the table of sectors does not name; counted together, as if it were one sector.
    pub const OTHER: Self = Self(0);

    /// Wraps a number; 0 is [`SectorId::OTHER`].
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// The facts of one contract for one day, from that day's instrument master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Dense id; equals the position in the day's table.
    pub id: InstrumentId,
    /// Sort of contract.
    pub kind: InstrumentKind,
    /// Id of the underlying; the instrument's own id when it has none in the table.
    pub underlying: InstrumentId,
    /// Smallest price step; positive.
    pub tick: Price,
    /// Order quantity must be a multiple of this; positive.
    pub lot: Qty,
    /// Largest quantity of one order; positive.
    pub freeze: Qty,
    /// Previous close; [`Price::NONE`] if unknown.
    pub prev_close: Price,
    /// Last day of trading; day 0 for cash instruments.
    pub expiry: IstDay,
    /// Strike of an option; [`Price::NONE`] otherwise.
    pub strike: Price,
    /// Lowest price that the exchange takes today; [`Price::NONE`] if unknown.
    pub lower_band: Price,
    /// Highest price that the exchange takes today; [`Price::NONE`] if unknown.
    pub upper_band: Price,
    /// Sector of the underlying.
    pub sector: SectorId,
    /// The broker's key, e.g. `NSE_FO|45450`.
    pub key: Text<40>,
    /// The trading symbol as people know it, e.g. `RELIANCE`.
    pub symbol: Text<40>,
}
