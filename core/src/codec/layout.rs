//! The fields of every payload in the order in which they are written, in today's version of each kind.
//!
//! Invariants: fields follow one another without gaps, so offsets are sums of sizes; a change of any line
//! here changes bytes on disk, breaks the golden-byte tests and needs a new version of the kind. `ts` in
//! braces is the engine time, which stands in the record's header instead.

use super::{Checkpoint, Closed, DurableMark, Field, FieldRow, TailCut};
use crate::command::{Cancel, CancelForeign, Modify, Place, Reconcile};
use crate::config::{Config, RiskConfig, StrategyConfig};
use crate::event::{
    BandReported, ClockDoubt, ClockDoubted, Controlled, DataKind, FeedChanged, FeedState, FlatChecked,
    FundsReported, IntentResolved, LatchCarried, OrderStreamJudged, OrderUpdated, PositionReported,
    ProcessStarted, Reconciled, SessionOpened, StartStepped, Submission, SwitchAnswered, SwitchOutcome, Tick,
    TickFlags, Traded, VenueKind, Verb,
};
use crate::instrument::{Instrument, InstrumentId, InstrumentKind, SectorId};
use crate::order::{BrokerOrderId, BrokerStatus, IntentId, OrderType, Purpose, Side, TradeId, Validity};
use crate::order_config::{OrderConfig, ProtectiveStop};
use crate::position_plan::{PositionPlan, TargetPlan};
use crate::price::{Money, Price};
use crate::quantity::Qty;
use crate::session::SessionTimes;
use crate::start_steps::{StartStep, StepVerdict};
use crate::strategy::StrategyId;
use crate::text::Text;
use crate::time::{DurationNs, IstDay, TsNs};

/// The first field of a payload that holds no valid value.
pub(super) struct BadField {
    pub(super) field: &'static str,
    pub(super) offset: usize,
}

/// A row of fields, one behind the other.
pub(super) trait Payload: Sized {
    /// Bytes of the whole row.
    const BYTES: usize;

    /// Writes all fields; `into` has [`Payload::BYTES`] bytes.
    fn put(&self, into: &mut [u8]);

    /// Reads all fields; `from` has [`Payload::BYTES`] bytes.
    fn take(ts: TsNs, from: &[u8]) -> Result<Self, BadField>;

    /// The table of the row.
    fn rows() -> Vec<FieldRow>;
}

macro_rules! layout {
    ($owner:ident $({ $ts:ident })? $($field:ident: $type:ty),+ $(,)?) => {
        impl Payload for $owner {
            const BYTES: usize = 0 $(+ <$type as Field>::BYTES)+;

            #[inline]
            fn put(&self, into: &mut [u8]) {
                let rest = into;
                $(
                    let (place, rest) = rest.split_at_mut(<$type as Field>::BYTES);
                    Field::put(&self.$field, place);
                )+
                debug_assert!(rest.is_empty(), "a payload is as long as its fields");
            }

            #[inline]
            fn take(ts: TsNs, from: &[u8]) -> Result<Self, BadField> {
                let _ = ts;
                let mut offset = 0;
                $(
                    let end = offset + <$type as Field>::BYTES;
                    let Some($field) = <$type as Field>::take(&from[offset..end]) else {
                        return Err(BadField { field: stringify!($field), offset });
                    };
                    offset = end;
                )+
                debug_assert!(offset == from.len(), "a payload is as long as its fields");
                Ok(Self { $($ts: ts,)? $($field),+ })
            }

            fn rows() -> Vec<FieldRow> {
                let mut offset = 0;
                let mut row = |name, form, bytes| {
                    offset += bytes;
                    FieldRow { name, form, offset: offset - bytes, bytes }
                };
                vec![$(row(stringify!($field), <$type as Field>::FORM, <$type as Field>::BYTES)),+]
            }
        }
    };
}

/// Rows that appear as one field of another row.
macro_rules! nested {
    ($($owner:ident),+) => {$(
        impl Field for $owner {
            const BYTES: usize = <Self as Payload>::BYTES;
            const FORM: &'static str = concat!("table `", stringify!($owner), "`");

            #[inline]
            fn put(&self, into: &mut [u8]) {
                Payload::put(self, into);
            }

            #[inline]
            fn take(from: &[u8]) -> Option<Self> {
                <Self as Payload>::take(TsNs::NEVER, from).ok()
            }
        }
    )+};
}

nested!(
    SessionTimes,
    RiskConfig,
    StrategyConfig,
    OrderConfig,
    PositionPlan,
    TargetPlan
);

/// The payload of an item that is nothing but its time.
impl Payload for () {
    const BYTES: usize = 0;

    fn put(&self, _into: &mut [u8]) {}

    fn take(_ts: TsNs, _from: &[u8]) -> Result<Self, BadField> {
        Ok(())
    }

    fn rows() -> Vec<FieldRow> {
        Vec::new()
    }
}

layout! { SessionTimes
    open: TsNs, entries_stop: TsNs, squareoff_begin: TsNs, squareoff_forced: TsNs, close: TsNs,
}

layout! { SessionOpened { ts }
    cash: SessionTimes, derivatives: SessionTimes, day: IstDay, data: DataKind, venue: VenueKind,
}

layout! { RiskConfig
    capital: Money, position_value_bps: i64, position_risk_bps: i64, daily_loss_bps: i64,
    total_exposure_bps: i64, options_exposure_bps: i64, collar_bps: i64, quote_age_max: DurationNs,
    cooldown: DurationNs, positions_max: u32, entries_per_day_max: u32,
    instrument_exposure_bps: i64,
    underlying_exposure_bps: i64,
    sector_exposure_bps: i64,
    strategy_exposure_bps: i64,
    correlated_exposure_bps: i64,
    delta_exposure_bps: i64,
    leverage_bps: i64,
    drawdown_bps: i64,
    futures_margin_bps: i64,
    intraday_margin_bps: i64,
    kelly_fraction_bps: i64,
    kelly_win_rate_bps: i64,
    kelly_payoff_ppm: i64,
    order_value_max: Money,
    loss_streak_pause: DurationNs,
    repeat_window: DurationNs,
    identical_order_window: DurationNs,
    open_quiet: DurationNs,
    underlying_age_max: DurationNs,
    delta_age_max: DurationNs,
    order_lots_max: u32,
    loss_streak_max: u32,
    trades_per_day_max: u32,
    orders_per_day_max: u32,
    entries_per_second_max: u32,
    entries_per_minute_max: u32,
    repeat_entries_max: u32,
    wishes_per_second_max: u32,
    open_ticks_min: u32,
    correlation_min_ppm: u32,
    require_margin: bool,
}

layout! { StrategyConfig
    signal_life: DurationNs, stop_bps: i64, target_bps: i64, trail_bps: i64, partial_bps: i64,
    entry_slack_bps: i64, entry_timeout: DurationNs, exit_slack_bps: i64, exit_reprice: DurationNs,
    score_min_ppm: u32,
}

layout! { OrderConfig
    protective_gap_bps: i64, protective_slack_bps: i64, entry_validity: Validity, exit_market_last: bool,
    protective_stop: ProtectiveStop,
}

layout! { TargetPlan
    distance_bps: i64, part_bps: i64,
}

layout! { PositionPlan
    hold_max: DurationNs, leave_at: DurationNs, breakeven_bps: i64, second: TargetPlan, third: TargetPlan,
    scale_in_bps: i64, scale_in_part_bps: i64, scale_in_max: u32,
}

layout! { Config
    risk: RiskConfig, strategy: StrategyConfig, orders: OrderConfig, position: PositionPlan,
}

layout! { Instrument
    tick: Price, lot: Qty, freeze: Qty, prev_close: Price, strike: Price, id: InstrumentId,
    underlying: InstrumentId, expiry: IstDay, kind: InstrumentKind, key: Text<40>, symbol: Text<40>,
    lower_band: Price, upper_band: Price, sector: SectorId,
}

layout! { ProcessStarted { ts }
    epoch: u32,
}

layout! { Tick { ts }
    ts_event: TsNs, instrument: InstrumentId, flags: TickFlags, ltp: Price, bid: Price, ask: Price,
    bid_qty: Qty, ask_qty: Qty, ltq: Qty, volume: Qty, oi: Qty, atp: Price, iv_ppm: i32, delta_ppm: i32,
}

layout! { FeedChanged { ts }
    state: FeedState,
}

layout! { IntentResolved { ts }
    intent: IntentId, order_id: BrokerOrderId, code: Text<24>, submission: Submission,
}

layout! { OrderUpdated { ts }
    qty: Qty, filled: Qty, price: Price, trigger: Price, average_price: Price, order_id: BrokerOrderId,
    instrument: InstrumentId, side: Side, status: BrokerStatus, intent: Option<IntentId>,
    modifies_ended: u8,
}

layout! { Traded { ts }
    qty: Qty, price: Price, order_id: BrokerOrderId, trade_id: TradeId, instrument: InstrumentId,
    side: Side, intent: Option<IntentId>,
}

layout! { PositionReported { ts }
    qty: Qty, last_price: Price, instrument: InstrumentId,
}

layout! { SwitchAnswered { ts }
    command_id: u64, words: Text<120>, uid: u32, outcome: SwitchOutcome,
}

layout! { BandReported { ts }
    lower: Price, upper: Price, instrument: InstrumentId,
}

layout! { OrderStreamJudged { ts }
    is_mute: bool,
}

layout! { Reconciled { ts }
    broker_orders: u32, foreign_orders: u32,
}

layout! { Controlled { ts }
    command_id: u64, reason: Text<40>, uid: u32, verb: Verb, instrument: Option<InstrumentId>,
    strategy: Option<StrategyId>,
}

layout! { FundsReported { ts }
    available: Money, used: Money,
}

layout! { FlatChecked { ts }
    asked: TsNs, open_positions: u32, unlisted_positions: u32, live_orders: u32, foreign_orders: u32,
    unlisted_key: Text<40>,
}

layout! { LatchCarried { ts }
    since: TsNs, reason: Text<40>, uid: u32,
}

layout! { ClockDoubted { ts }
    length: DurationNs, doubt: ClockDoubt,
}

layout! { StartStepped { ts }
    note: Text<40>, step: StartStep, verdict: StepVerdict,
}

layout! { Place { ts }
    intent: IntentId, qty: Qty, price: Price, trigger: Price, instrument: InstrumentId, side: Side,
    purpose: Purpose, order_type: OrderType, validity: Validity,
}

layout! { Modify { ts }
    intent: IntentId, order_id: BrokerOrderId, qty: Qty, price: Price, trigger: Price, purpose: Purpose,
    order_type: OrderType,
}

layout! { Cancel { ts }
    intent: IntentId, order_id: BrokerOrderId,
}

layout! { CancelForeign { ts }
    order_id: BrokerOrderId, instrument: InstrumentId,
}

layout! { Reconcile { ts }
    flat: bool,
}

layout! { Checkpoint
    events: u64, state_hash: u64,
}

layout! { TailCut
    cut_offset: u64, segment: u32, tail_crc: u32,
}

layout! { Closed
    events: u64, state_hash: u64,
}

layout! { DurableMark
    end_offset: u64, next_seq: u64, exits_unwaited: u64, segment: u32, epoch: u32,
}

/// Header of 32 bytes and payload of 96 fill two cache lines exactly.
const _: () = assert!(<Tick as Payload>::BYTES == 96);
