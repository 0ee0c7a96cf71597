//! The closed list of what can happen to the engine. Fixed size, copyable, never changed after it is made.
//!
//! Time, randomness, configuration and operator actions reach the engine only as one of these, so a journal
//! of events replays a day bit for bit. Stamps say whose clock: `ts_event` is the venue's, `ts` the engine's.

mod supervision;

pub use supervision::{
    ClockDoubt, ClockDoubted, FlatChecked, FundsReported, LatchCarried, OrderStreamJudged, StartStepped,
    SwitchAnswered, SwitchOutcome,
};

use crate::config::Config;
use crate::instrument::{Instrument, InstrumentId};
use crate::order::{BrokerOrderId, BrokerStatus, IntentId, Side, TradeId};
use crate::price::Price;
use crate::quantity::Qty;
use crate::session::SessionTimes;
use crate::strategy::StrategyId;
use crate::text::Text;
use crate::time::{IstDay, TsNs};

/// Where prices come from; carried to every screen and report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DataKind {
    /// Invented by the simulator.
    Synthetic = 0,
    /// Recorded feed messages with their books.
    Real = 1,
    /// Recorded last prices; the books around them are synthesised.
    RealTicks = 2,
    /// Recorded one-minute bars; ticks and books are synthesised.
    RealBars = 3,
    /// A live broker feed.
    Live = 4,
}

impl DataKind {
    /// The word for it in reports and between programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Synthetic => "synthetic",
            Self::Real => "real",
            Self::RealTicks => "real-ticks",
            Self::RealBars => "real-bars",
            Self::Live => "live",
        }
    }
}

/// Where orders go; carried to every screen and report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum VenueKind {
    /// The broker simulator, over its real protocol.
    Simulated = 0,
    /// Matched in this process against the recorded or live book.
    Paper = 1,
    /// The broker: real money.
    Live = 2,
}

/// The first event of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOpened {
    /// Engine time.
    pub ts: TsNs,
    /// The trading day.
    pub day: IstDay,
    /// Where prices come from.
    pub data: DataKind,
    /// Where orders go.
    pub venue: VenueKind,
    /// Hours of the cash market.
    pub cash: SessionTimes,
    /// Hours of the derivatives market.
    pub derivatives: SessionTimes,
}

/// A process took over the day: the first one, or one after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessStarted {
    /// Engine time.
    pub ts: TsNs,
    /// Counts process starts; part of every intent id, so ids are never reused.
    pub epoch: u32,
}

/// Doubts about a tick, found where floats became integers. A doubtful tick is counted, never traded on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TickFlags(u32);

impl TickFlags {
    /// No doubt.
    pub const NONE: Self = Self(0);
    /// Part of the snapshot that follows a subscription, not a live change.
    pub const SNAPSHOT: Self = Self(1);
    /// No last-trade block: the prices are absent, not zero.
    pub const NO_TRADE: Self = Self(1 << 1);
    /// Trade time before that of an earlier tick of the instrument.
    pub const TIME_BACK: Self = Self(1 << 2);
    /// Cumulative volume below that of an earlier tick.
    pub const VOLUME_BACK: Self = Self(1 << 3);
    /// Trade time more than two seconds ahead of the receive time, or on another day.
    pub const TIME_WRONG: Self = Self(1 << 4);
    /// Bid at or above ask.
    pub const CROSSED: Self = Self(1 << 5);
    /// A price that is not finite, negative, or too large.
    pub const BAD_PRICE: Self = Self(1 << 6);
    /// No bid or no ask.
    pub const ONE_SIDED: Self = Self(1 << 7);
    /// A price off the tick grid, rounded onto it.
    pub const OFF_TICK: Self = Self(1 << 8);

    /// Wraps raw bits, as stored.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The raw bits, as stored.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether a price of this tick may enter indicators and decisions.
    #[must_use]
    pub const fn is_sound(self) -> bool {
        !self.has(Self(
            Self::NO_TRADE.0
                | Self::TIME_BACK.0
                | Self::VOLUME_BACK.0
                | Self::TIME_WRONG.0
                | Self::BAD_PRICE.0,
        ))
    }

    /// Whether the top of book may price an order.
    #[must_use]
    pub const fn has_sound_book(self) -> bool {
        !self.has(Self(Self::CROSSED.0 | Self::ONE_SIDED.0 | Self::BAD_PRICE.0))
    }
}

/// The newest market of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// Engine time: when our socket had it.
    pub ts: TsNs,
    /// Venue time of the last trade.
    pub ts_event: TsNs,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Doubts.
    pub flags: TickFlags,
    /// Last traded price.
    pub ltp: Price,
    /// Best bid; [`Price::NONE`] without one.
    pub bid: Price,
    /// Best ask; [`Price::NONE`] without one.
    pub ask: Price,
    /// Quantity at the best bid.
    pub bid_qty: Qty,
    /// Quantity at the best ask.
    pub ask_qty: Qty,
    /// Quantity of the last trade.
    pub ltq: Qty,
    /// Volume traded today, cumulative: conflation loses none of it.
    pub volume: Qty,
    /// Open interest.
    pub oi: Qty,
    /// Average traded price of the day.
    pub atp: Price,
    /// Implied volatility of an option as sent by the broker, millionths (0.1277 = 127 700); 0 = none.
    pub iv_ppm: i32,
    /// Delta of an option as sent by the broker, millionths; 0 = none.
    pub delta_ppm: i32,
}

/// What the feed can be trusted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FeedState {
    /// No connection.
    Down = 0,
    /// Connected and subscribed; data is young enough.
    Live = 1,
    /// Connected, yet no market data for longer than the watchdog allows.
    Mute = 2,
    /// The broker says that the market is closed.
    Closed = 3,
}

/// The feed's state changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedChanged {
    /// Engine time.
    pub ts: TsNs,
    /// The new state.
    pub state: FeedState,
}

/// How the submission of a placement ended, as far as the gateway knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Submission {
    /// The broker answered with an order id.
    Acked = 0,
    /// The broker's front refused it with a structured error.
    Refused = 1,
    /// Not one byte reached the wire.
    NotSent = 2,
    /// Anything else: it may exist.
    Unknown = 3,
    /// The written rule for absence is met (five complete reads over a minute).
    PresumedAbsent = 4,
}

/// The gateway tells how a placement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntentResolved {
    /// Engine time.
    pub ts: TsNs,
    /// Which intent.
    pub intent: IntentId,
    /// How it ended.
    pub submission: Submission,
    /// The broker's order id when acknowledged.
    pub order_id: BrokerOrderId,
    /// The broker's error code when refused.
    pub code: Text<24>,
}

/// What the broker says of one order, from the order stream or from a book read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderUpdated {
    /// Engine time.
    pub ts: TsNs,
    /// Our intent, from the tag; `None` for an order that is not ours.
    pub intent: Option<IntentId>,
    /// The broker's order id.
    pub order_id: BrokerOrderId,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Side of the order.
    pub side: Side,
    /// The broker's word for its state.
    pub status: BrokerStatus,
    /// Total quantity.
    pub qty: Qty,
    /// Filled so far.
    pub filled: Qty,
    /// Limit price as the broker has it.
    pub price: Price,
    /// Trigger price as the broker has it; [`Price::NONE`] where it tells none.
    pub trigger: Price,
    /// Average price of the filled part.
    pub average_price: Price,
    /// How many of our modifies of it had ended when the row was asked for: what it shows is younger than these.
    pub modifies_ended: u8,
}

/// One trade row: the only truth about fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traded {
    /// Engine time.
    pub ts: TsNs,
    /// Our intent; `None` for an order that is not ours.
    pub intent: Option<IntentId>,
    /// The broker's order id.
    pub order_id: BrokerOrderId,
    /// The exchange's trade id; applied once.
    pub trade_id: TradeId,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Side of the order.
    pub side: Side,
    /// Quantity of this trade; positive.
    pub qty: Qty,
    /// Price of this trade.
    pub price: Price,
}

/// The broker's net position in one instrument, read during reconciliation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionReported {
    /// Engine time.
    pub ts: TsNs,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Net quantity; negative when short.
    pub qty: Qty,
    /// The last price as the broker shows it beside the position; [`Price::NONE`] where it shows none.
    pub last_price: Price,
}

/// The band of the day in which the exchange takes prices of one instrument, as the broker's quote shows it. It may
/// move within the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BandReported {
    /// Engine time.
    pub ts: TsNs,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Lowest price; [`Price::NONE`] where none is known.
    pub lower: Price,
    /// Highest price; [`Price::NONE`] where none is known.
    pub upper: Price,
}

/// Reconciliation ended: two agreeing reads of orders, trades and positions were taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// Engine time.
    pub ts: TsNs,
    /// Orders that the broker knows today.
    pub broker_orders: u32,
    /// Of these, orders that are not ours.
    pub foreign_orders: u32,
}

/// What an operator may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Verb {
    /// Stop new entries; exits go on.
    Pause = 0,
    /// Allow entries again; of one instrument: also its strategies' hold on a position that a person took over.
    Resume = 1,
    /// Close one instrument.
    Exit = 2,
    /// Close everything, then stay paused.
    Flatten = 3,
    /// Latch, cancel, close everything; stays latched over restarts.
    Kill = 4,
    /// Clear the kill latch with a reason.
    Arm = 5,
    /// Cancel entries and allow nothing but exits, until `resume`.
    ReduceOnly = 6,
    /// After a kill, flat by the broker's word: a person is about to use the broker's own kill switch.
    BrokerSwitch = 7,
}

/// An operator's command, after the peer was checked and before anything is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Controlled {
    /// Engine time.
    pub ts: TsNs,
    /// What is asked.
    pub verb: Verb,
    /// For [`Verb::Exit`]: which instrument; for [`Verb::Pause`] and [`Verb::Resume`]: only this one.
    pub instrument: Option<InstrumentId>,
    /// For [`Verb::Pause`], [`Verb::Resume`] and [`Verb::Arm`]: only this strategy.
    pub strategy: Option<StrategyId>,
    /// User id of the peer.
    pub uid: u32,
    /// Command id chosen by the client; see [`Heard`](crate::supervision::Heard).
    pub command_id: u64,
    /// The operator's words.
    pub reason: Text<40>,
}

impl Controlled {
    /// Ids from here on are the process's own words to itself (a disk that is full): far from what people's programs
    /// use, and nobody's wish.
    pub const OWN_IDS: u64 = u64::MAX - (1 << 40);

    /// Whether no person asked for this.
    #[must_use]
    pub const fn is_own(&self) -> bool {
        self.command_id >= Self::OWN_IDS
    }
}

/// Everything that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The first event of a day.
    SessionOpened(SessionOpened),
    /// The numbers that shape decisions.
    Configured(Config),
    /// One row of the day's instrument table, in the order of ids.
    InstrumentListed(Instrument),
    /// A process took over the day.
    ProcessStarted(ProcessStarted),
    /// New market of one instrument.
    Ticked(Tick),
    /// Time passed; timed actions are due.
    TimePassed(TsNs),
    /// The feed's state changed.
    FeedChanged(FeedChanged),
    /// A placement ended.
    IntentResolved(IntentResolved),
    /// The broker's word on an order.
    OrderUpdated(OrderUpdated),
    /// A trade row.
    Traded(Traded),
    /// The broker's net position.
    PositionReported(PositionReported),
    /// Reconciliation ended.
    Reconciled(Reconciled),
    /// An operator's command.
    Controlled(Controlled),
    /// The account's funds.
    FundsReported(FundsReported),
    /// What the broker shows after a kill or a flatten.
    FlatChecked(FlatChecked),
    /// The broker answered its own kill switch.
    SwitchAnswered(SwitchAnswered),
    /// A kill of a former day still holds.
    LatchCarried(LatchCarried),
    /// This machine's time cannot be trusted.
    ClockDoubted(ClockDoubted),
    /// A step of the start was judged.
    StartStepped(StartStepped),
    /// The day's price band of an instrument.
    BandReported(BandReported),
    /// The order stream fell silent, or speaks again.
    OrderStreamJudged(OrderStreamJudged),
}

impl Event {
    /// Engine time of the event; [`TsNs::NEVER`] for configuration and instruments, which have none.
    #[must_use]
    pub const fn ts(&self) -> TsNs {
        match self {
            Self::SessionOpened(event) => event.ts,
            Self::Configured(_) | Self::InstrumentListed(_) => TsNs::NEVER,
            Self::ProcessStarted(event) => event.ts,
            Self::Ticked(event) => event.ts,
            Self::TimePassed(ts) => *ts,
            Self::FeedChanged(event) => event.ts,
            Self::IntentResolved(event) => event.ts,
            Self::OrderUpdated(event) => event.ts,
            Self::Traded(event) => event.ts,
            Self::PositionReported(event) => event.ts,
            Self::Reconciled(event) => event.ts,
            Self::Controlled(event) => event.ts,
            Self::FundsReported(event) => event.ts,
            Self::FlatChecked(event) => event.ts,
            Self::SwitchAnswered(event) => event.ts,
            Self::LatchCarried(event) => event.ts,
            Self::ClockDoubted(event) => event.ts,
            Self::StartStepped(event) => event.ts,
            Self::BandReported(event) => event.ts,
            Self::OrderStreamJudged(event) => event.ts,
        }
    }
}
