//! One feed of one instrument as the broker sent it: every field, nothing rounded, nothing judged.
//!
//! Invariants: absent is not zero where the broker can tell them apart (blocks have a presence of their own);
//! only the first counted levels and candles are meaningful and only they can be seen;
//! a value of this type is reused, never allocated. Left out: rounding and doubts, which belong to `normalise`.
//! Facts: `proto/market_data_feed_v3.proto`.

/// Levels of the book that are kept: mode `full_d30` sends thirty.
pub const LEVELS_MAX: usize = 30;
/// Candles that are kept: the broker sends a day candle and a minute candle.
pub const CANDLES_MAX: usize = 4;
/// Longest candle interval name that is kept whole.
pub const INTERVAL_BYTES_MAX: usize = 7;

/// Which of the broker's shapes the feed had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FeedShape {
    /// No shape at all: an empty feed.
    #[default]
    Empty = 0,
    /// Mode `ltpc`: last trade only.
    Ltpc = 1,
    /// A full feed that names neither a market nor an index.
    FullEmpty = 2,
    /// Modes `full` and `full_d30`, for what is traded.
    Market = 3,
    /// Modes `full` and `full_d30`, for an index: no book, no volume.
    Index = 4,
    /// Mode `option_greeks`: last trade, first level, Greeks.
    FirstLevel = 5,
}

/// The last trade.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ltpc {
    /// Last traded price, rupees.
    pub ltp: f64,
    /// Time of the last trade, epoch milliseconds.
    pub ltt_ms: i64,
    /// Quantity of the last trade, units.
    pub ltq: i64,
    /// Previous close, rupees.
    pub cp: f64,
    /// Indicative equilibrium price of the closing auction, rupees, when the broker states one.
    pub iep: Option<f64>,
}

/// One level of the book; a side that is not there has quantity and price 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// Quantity bid, units.
    pub bid_qty: i64,
    /// Bid price, rupees.
    pub bid: f64,
    /// Quantity asked, units.
    pub ask_qty: i64,
    /// Ask price, rupees.
    pub ask: f64,
}

/// Sensitivities of an option as the broker computes them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Greeks {
    /// Change of the premium per rupee of the underlying.
    pub delta: f64,
    /// Change of the premium per day.
    pub theta: f64,
    /// Change of delta per rupee of the underlying.
    pub gamma: f64,
    /// Change of the premium per point of volatility.
    pub vega: f64,
    /// Change of the premium per point of interest rate.
    pub rho: f64,
}

/// Name of a candle's length, such as `1d` or `I1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Interval {
    bytes: [u8; INTERVAL_BYTES_MAX],
    count: u8,
}

impl Interval {
    /// The day so far.
    pub const DAY: Self = Self::of([b'1', b'd']);
    /// The running or the last minute.
    pub const MINUTE: Self = Self::of([b'I', b'1']);

    pub(crate) const fn of(name: [u8; 2]) -> Self {
        Self {
            bytes: [name[0], name[1], 0, 0, 0, 0, 0],
            count: 2,
        }
    }

    /// Keeps a name; a name of more than seven bytes keeps its first seven and is marked as cut.
    #[must_use]
    pub fn new(name: &[u8]) -> Self {
        let kept = name.len().min(INTERVAL_BYTES_MAX);
        let mut bytes = [0; INTERVAL_BYTES_MAX];
        bytes[..kept].copy_from_slice(&name[..kept]);
        let count = if name.len() > INTERVAL_BYTES_MAX {
            u8::MAX
        } else {
            kept as u8
        };
        Self { bytes, count }
    }

    /// The name's bytes, at most seven.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.count).min(INTERVAL_BYTES_MAX)]
    }

    /// Whether the broker's name was longer than what is kept.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.count == u8::MAX
    }
}

/// One candle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Candle {
    /// How long it is.
    pub interval: Interval,
    /// First price, rupees.
    pub open: f64,
    /// Highest price, rupees.
    pub high: f64,
    /// Lowest price, rupees.
    pub low: f64,
    /// Last price, rupees.
    pub close: f64,
    /// Volume, units.
    pub volume: i64,
    /// Start of the candle, epoch milliseconds; a day candle starts at 00:00 in India.
    pub ts_ms: i64,
}

/// The book, best level first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Book {
    pub(crate) levels: [Level; LEVELS_MAX],
    pub(crate) count: u8,
    pub(crate) dropped: u32,
    pub(crate) present: bool,
}

/// The candles.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Candles {
    pub(crate) candles: [Candle; CANDLES_MAX],
    pub(crate) count: u8,
    pub(crate) dropped: u32,
    pub(crate) present: bool,
}

/// Numbers of a whole day that stand outside the blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DayTotals {
    /// Average traded price, rupees.
    pub atp: f64,
    /// Volume traded today, units, cumulative.
    pub vtt: i64,
    /// Open interest, units.
    pub oi: f64,
    /// Implied volatility, a fraction: 0.1277 is 12.77 %.
    pub iv: f64,
    /// Total quantity on the buy side, units.
    pub tbq: f64,
    /// Total quantity on the sell side, units.
    pub tsq: f64,
}

/// The closing auction's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Auction {
    /// Indicative equilibrium price, rupees.
    pub iep: f64,
    /// Reference price, rupees.
    pub rp: f64,
    /// Indicative equilibrium quantity, units.
    pub ieq: i64,
    /// Indicative imbalance quantity, units.
    pub iiq_total: i64,
    /// Of the imbalance, market orders, units.
    pub iiq_market: i64,
    /// Whether the instrument takes part in the closing auction.
    pub eligible: bool,
}

/// Everything that one feed of one instrument says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawFeed {
    pub(crate) shape: FeedShape,
    pub(crate) request_mode: i32,
    pub(crate) has_ltpc: bool,
    pub(crate) has_greeks: bool,
    pub(crate) ltpc: Ltpc,
    pub(crate) greeks: Greeks,
    pub(crate) totals: DayTotals,
    pub(crate) auction: Auction,
    pub(crate) book: Book,
    pub(crate) candles: Candles,
}

impl RawFeed {
    /// Which of the broker's shapes it had.
    #[must_use]
    pub const fn shape(&self) -> FeedShape {
        self.shape
    }

    /// The mode the broker says it serves: 0 `ltpc`, 1 `full`, 2 `option_greeks`, 3 `full_d30`; others unknown.
    #[must_use]
    pub const fn request_mode(&self) -> i32 {
        self.request_mode
    }

    /// The last trade; `None` when the feed does not speak of one.
    #[must_use]
    pub const fn ltpc(&self) -> Option<&Ltpc> {
        if self.has_ltpc { Some(&self.ltpc) } else { None }
    }

    /// The book, best level first, at most [`LEVELS_MAX`] levels; empty without one.
    #[must_use]
    pub fn levels(&self) -> &[Level] {
        &self.book.levels[..usize::from(self.book.count)]
    }

    /// Whether the feed has a book block, which may still be empty.
    #[must_use]
    pub const fn has_book(&self) -> bool {
        self.book.present
    }

    /// Levels beyond [`LEVELS_MAX`] that were not kept.
    #[must_use]
    pub const fn levels_dropped(&self) -> u32 {
        self.book.dropped
    }

    /// The Greeks; `None` when the feed has none.
    #[must_use]
    pub const fn greeks(&self) -> Option<&Greeks> {
        if self.has_greeks { Some(&self.greeks) } else { None }
    }

    /// The candles, at most [`CANDLES_MAX`]; empty without any.
    #[must_use]
    pub fn candles(&self) -> &[Candle] {
        &self.candles.candles[..usize::from(self.candles.count)]
    }

    /// Whether the feed has a candle block, which may still be empty.
    #[must_use]
    pub const fn has_candles(&self) -> bool {
        self.candles.present
    }

    /// Candles beyond [`CANDLES_MAX`] that were not kept.
    #[must_use]
    pub const fn candles_dropped(&self) -> u32 {
        self.candles.dropped
    }

    /// Numbers of the day; zero where the feed says nothing.
    #[must_use]
    pub const fn totals(&self) -> &DayTotals {
        &self.totals
    }

    /// Numbers of the closing auction; zero where the feed says nothing.
    #[must_use]
    pub const fn auction(&self) -> &Auction {
        &self.auction
    }

    /// Forgets everything. Levels and candles stay in memory, unseen: clearing them costs more than decoding.
    pub(crate) fn reset(&mut self) {
        self.request_mode = 0;
        self.become_shape(FeedShape::Empty);
    }

    /// A shape replaces whatever another shape had said.
    pub(crate) fn become_shape(&mut self, shape: FeedShape) {
        self.shape = shape;
        self.has_ltpc = false;
        self.has_greeks = false;
        self.totals = DayTotals::default();
        self.auction = Auction::default();
        (self.book.count, self.book.dropped, self.book.present) = (0, 0, false);
        (self.candles.count, self.candles.dropped, self.candles.present) = (0, 0, false);
    }

    pub(crate) fn push_level(&mut self, level: Level) {
        match self.book.levels.get_mut(usize::from(self.book.count)) {
            Some(slot) => {
                *slot = level;
                self.book.count += 1;
            }
            None => self.book.dropped = self.book.dropped.saturating_add(1),
        }
    }

    pub(crate) fn push_candle(&mut self, candle: Candle) {
        match self.candles.candles.get_mut(usize::from(self.candles.count)) {
            Some(slot) => {
                *slot = candle;
                self.candles.count += 1;
            }
            None => self.candles.dropped = self.candles.dropped.saturating_add(1),
        }
    }
}
