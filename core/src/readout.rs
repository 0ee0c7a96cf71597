//! What operators read of a running engine: one flat struct per slot of the snapshot.
//!
//! A read-out is a copy for people and dashboards; nothing is ever traded or recovered from it. Its fields lie
//! one behind the other in the order below, each beginning at a whole 8-byte word, so that a new field is one
//! line and changes the layout's hash, which old readers then refuse. Tables: `DESIGN.md`, "Snapshot".

use crate::codec::{Field, FieldRow};
use crate::event::{DataKind, FeedState, VenueKind};
use crate::instrument::InstrumentId;
use crate::order::{IntentId, OrderState, Purpose, Side};
use crate::price::{Money, Price};
use crate::quantity::Qty;
use crate::strategy::{SCORE_PARTS, StrategyId};
use crate::text::Text;
use crate::time::{DurationNs, IstDay, TsNs};

/// Places for a count per denial number; number 0 counts signals that passed.
pub const DENIAL_COUNTS: usize = 96;

/// The contents of one slot.
pub(crate) trait Readout: Sized {
    /// Name of its group of slots.
    const NAME: &'static str;
    /// Bytes of the contents; whole words.
    const BYTES: usize;

    /// Writes all fields; `into` has [`Readout::BYTES`] zero bytes.
    fn put(&self, into: &mut [u8]);

    /// Reads all fields, or names the first that holds no valid value.
    fn take(from: &[u8]) -> Result<Self, &'static str>;

    /// The table of the contents; offsets count from the first content byte.
    fn rows() -> Vec<FieldRow>;
}

const fn padded<F: Field>() -> usize {
    F::BYTES.next_multiple_of(8)
}

fn take_padded<F: Field>(from: &[u8]) -> Option<F> {
    let (value, padding) = from.split_at(F::BYTES);
    if padding.iter().any(|byte| *byte != 0) {
        return None;
    }
    F::take(value)
}

macro_rules! readout {
    ($(#[$about:meta])* $name:ident, $label:literal { $($(#[$doc:meta])* $field:ident: $type:ty),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)+
        }

        impl Readout for $name {
            const NAME: &'static str = $label;
            const BYTES: usize = 0 $(+ padded::<$type>())+;

            fn put(&self, into: &mut [u8]) {
                let rest = into;
                $(
                    let (place, rest) = rest.split_at_mut(padded::<$type>());
                    self.$field.put(&mut place[..<$type as Field>::BYTES]);
                )+
                debug_assert!(rest.is_empty(), "contents are as long as their fields");
            }

            fn take(from: &[u8]) -> Result<Self, &'static str> {
                let rest = from;
                $(
                    let (place, rest) = rest.split_at(padded::<$type>());
                    let $field = take_padded::<$type>(place).ok_or(stringify!($field))?;
                )+
                debug_assert!(rest.is_empty(), "contents are as long as their fields");
                Ok(Self { $($field),+ })
            }

            fn rows() -> Vec<FieldRow> {
                let mut offset = 0;
                let mut row = |name, form, bytes, padded| {
                    offset += padded;
                    FieldRow { name, form, offset: offset - padded, bytes }
                };
                vec![$(row(
                    stringify!($field),
                    <$type as Field>::FORM,
                    <$type as Field>::BYTES,
                    padded::<$type>(),
                )),+]
            }
        }
    };
}

readout! {
    /// Which day, which data, which venue, which process.
    SessionReadout, "session" {
        /// The trading day.
        day: IstDay,
        /// Where prices come from.
        data: DataKind,
        /// Where orders go.
        venue: VenueKind,
        /// Process epoch.
        epoch: u32,
        /// Process id.
        pid: u32,
        /// Engine time of the process start.
        started: TsNs,
        /// When the access token dies; 0 where that is not known.
        token_expires: TsNs,
    }
}

readout! {
    /// The engine's state in numbers.
    #[derive(Default)]
    EngineReadout, "engine" {
        /// Engine time.
        now: TsNs,
        /// Trading mode, by its number.
        mode: u8,
        /// Events applied.
        events: u64,
        /// Ticks among them.
        ticks_applied: u64,
        /// Signals of the strategy, refused ones included.
        signals: u64,
        /// Best spike score of the day, millionths.
        best_score_ppm: u32,
        /// Entry orders handed to the gateway.
        entries_sent: u64,
        /// Exit orders handed to the gateway.
        exits_sent: u64,
        /// Wishes that the risk gate refused.
        denials: u64,
        /// Trades booked.
        fills: u64,
        /// Open positions.
        open_positions: u32,
        /// Orders that may be live.
        orders_live: u32,
        /// Of these, orders with unknown fate.
        orders_unknown: u32,
        /// Result of what was closed, charges not deducted.
        realised: Money,
        /// Result of what is open at last prices.
        unrealised: Money,
        /// Charges of the day.
        charges: Money,
        /// Capital plus results less charges.
        equity: Money,
        /// Whether the daily loss limit latched entries off.
        day_loss_latched: bool,
        /// Whether the kill switch is latched.
        kill_latched: bool,
        /// Doubtful ticks and contradictions seen.
        anomalies: u64,
        /// Records in the journal.
        journal_records: u64,
        /// Bytes of the journal.
        journal_bytes: u64,
        /// Wall clock of this write: an old one means that the engine stands still.
        wall_ns: TsNs,
    }
}

readout! {
    /// The feed in numbers.
    FeedReadout, "feed" {
        /// What the feed can be trusted with.
        state: FeedState,
        /// Frames received.
        frames: u64,
        /// Bytes received.
        bytes: u64,
        /// Ticks made of them.
        ticks_received: u64,
        /// Ticks that a newer one of the same instrument replaced before the engine saw them.
        ticks_conflated: u64,
        /// Feeds of instruments that nobody listed.
        unknown_keys: u64,
        /// Frames that could not be decoded.
        decode_errors: u64,
        /// Connections after the first.
        reconnects: u64,
        /// When the last frame came.
        last_frame: TsNs,
        /// Instruments subscribed.
        subscribed: u32,
        /// Of these, instruments that sent anything.
        seen: u32,
        /// Of these, instruments that were asked for twice in vain.
        never_seen: u32,
        /// Instruments wanted beyond the broker's limits.
        refused: u32,
        /// The first keys that are never seen or refused, with blanks between them.
        refused_keys: Text<160>,
        /// From the open socket to something of every instrument; zero before.
        subscribed_after: DurationNs,
        /// Instruments last heard of longer ago than data may be old for an entry.
        stale: u32,
        /// The instrument heard of the longest ago.
        oldest_key: Text<40>,
        /// How long ago that was.
        oldest_age: DurationNs,
        /// Most ticks that ever waited for the engine.
        ring_depth_max: u64,
        /// Ticks that found the ring full.
        ring_full: u64,
    }
}

readout! {
    /// The gateway in numbers.
    #[derive(Default)]
    GatewayReadout, "gateway" {
        /// Placements that reached the wire.
        orders_sent: u64,
        /// Of these, acknowledged with an order id.
        acked: u64,
        /// Of these, refused by the broker's front.
        refused: u64,
        /// Of these, ended without an answer that can be trusted.
        unknown: u64,
        /// Modifications sent.
        modifies: u64,
        /// Cancels sent.
        cancels: u64,
        /// Reads of books, trades and positions.
        reads: u64,
        /// Calls without a final result, and trade reads outstanding.
        in_flight: u32,
        /// Order calls of the last second.
        calls_last_second: u32,
        /// Whether the order stream is connected.
        stream_connected: bool,
        /// Whether the access token is known dead: nothing is sent any more.
        token_dead: bool,
        /// Whether more than ten calls of the last minute went wrong.
        error_alert: bool,
        /// Breaker of order calls: 0 closed, 1 open (entries wait), 2 half open.
        write_breaker: u8,
        /// Order calls without an answer that a working broker gives. None is ever repeated.
        write_failures: u64,
        /// Order calls of the last minute that went wrong, refusals included.
        write_errors_last_minute: u32,
        /// Breaker of reads: 0 closed, 1 open (polls wait), 2 half open.
        read_breaker: u8,
        /// Reads without an answer that a working broker gives.
        read_failures: u64,
        /// Reads that asked again after a failure.
        read_retries: u64,
        /// Reads of the last minute that went wrong, refusals included.
        read_errors_last_minute: u32,
    }
}

impl GatewayReadout {
    /// Order calls that left: placements, changes and cancels.
    #[must_use]
    pub const fn write_calls(&self) -> u64 {
        self.orders_sent + self.modifies + self.cancels
    }
}

readout! {
    /// How long one stage takes, nanoseconds.
    #[derive(Default)]
    LatencyReadout, "latency" {
        /// Samples taken.
        count: u64,
        /// Median.
        p50: u64,
        /// 99th percentile.
        p99: u64,
        /// 99.9th percentile.
        p999: u64,
        /// Largest.
        max: u64,
    }
}

readout! {
    /// One open position.
    #[derive(Default)]
    PositionReadout, "position" {
        /// Which instrument.
        instrument: InstrumentId,
        /// Its trading symbol.
        symbol: Text<40>,
        /// Net quantity; negative when short.
        qty: Qty,
        /// Average price of the open part.
        average: Price,
        /// Last traded price.
        ltp: Price,
        /// Result of the open part at the last price.
        unrealised: Money,
        /// Result of what was closed today.
        realised: Money,
        /// Where it will be stopped out; [`Price::NONE`] without a stop.
        stop: Price,
        /// Stage of its bracket, by the number of [`crate::held::BracketStage`].
        stage: u8,
    }
}

readout! {
    /// One signal of the strategy and what became of it.
    SignalReadout, "signal" {
        /// Engine time of the signal.
        ts: TsNs,
        /// Which strategy raised it.
        strategy: StrategyId,
        /// Which instrument.
        instrument: InstrumentId,
        /// Its trading symbol.
        symbol: Text<40>,
        /// Buy for a spike upwards.
        side: Side,
        /// The score, millionths.
        score_ppm: u32,
        /// Its parts, millionths, named by [`SCORE_PARTS`].
        parts_ppm: [u32; SCORE_PARTS.len()],
        /// Last price at the signal.
        price: Price,
        /// Number of the denial; 0 when it passed.
        verdict: u8,
    }
}

readout! {
    /// One order.
    OrderReadout, "order" {
        /// Our intent; 0 for an order that is not ours.
        intent: IntentId,
        /// Trading symbol of its instrument.
        symbol: Text<40>,
        /// Buy or sell.
        side: Side,
        /// Entry or exit.
        purpose: Purpose,
        /// The strategy that it is counted under; none for an order that is not ours.
        strategy: Option<StrategyId>,
        /// Where it stands.
        state: OrderState,
        /// Total quantity.
        qty: Qty,
        /// Filled so far.
        filled: Qty,
        /// Limit price.
        price: Price,
        /// Engine time of its last change.
        ts: TsNs,
    }
}

readout! {
    /// How often the risk gate gave each answer.
    DenialReadout, "denial" {
        /// Indexed by denial number; 0 counts passes.
        counts: [u64; DENIAL_COUNTS],
    }
}

impl Default for DenialReadout {
    fn default() -> Self {
        Self {
            counts: [0; DENIAL_COUNTS],
        }
    }
}

readout! {
    /// What operators, the start and the supervision have decided.
    #[derive(Default)]
    SupervisionReadout, "supervision" {
        /// Verdicts of the start's steps, a byte each, the first step lowest.
        start_verdicts: u64,
        /// Number of the first step that bars entries, from 1; 0 when none does.
        barring_step: u8,
        /// What was found there.
        barring_note: Text<40>,
        /// Whether two reads of the broker's books have agreed since the start.
        reconciled: bool,
        /// Whether real money waits for a person to arm.
        disarmed: bool,
        /// Whether an operator wants nothing but exits.
        reduce_only: bool,
        /// Whether a flatten is under way.
        flattening: bool,
        /// Paused strategies, a bit each.
        paused_strategies: u32,
        /// A doubt about time: 0 none, 1 the clock was set, 2 the process stood still.
        clock_doubt: u8,
        /// Trouble with the journal's disk: 0 none, 1 no room for further segments, 2 failed.
        disk_trouble: u8,
        /// Whether the broker was asked what is open and owes the answer.
        flat_asked: bool,
        /// Whether the broker has answered.
        flat_answered: bool,
        /// Positions that the broker shows, those outside the day's table included.
        broker_positions: u32,
        /// Live orders of ours that the broker shows.
        broker_orders: u32,
        /// Differences between the broker's books and ours.
        differences: u64,
        /// Instruments that take no entries by themselves.
        frozen: u32,
        /// Trading symbol of the first of them.
        frozen_first: Text<40>,
        /// Commands obeyed.
        controls: u64,
        /// Commands refused.
        controls_refused: u64,
        /// Whether the broker has told its funds.
        funds_told: bool,
        /// Free for new orders.
        funds_available: Money,
        /// Taken by orders and positions.
        funds_used: Money,
        /// Engine time of that.
        funds_ts: TsNs,
    }
}

readout! {
    /// One difference between the broker's books and ours.
    #[derive(Default)]
    DifferenceReadout, "difference" {
        /// 0 a position, 1 an order that the journal did not know.
        kind: u8,
        /// Trading symbol of its instrument.
        symbol: Text<40>,
        /// What our journal had.
        ours: Qty,
        /// What the broker said last.
        brokers: Qty,
        /// Engine time at which it was found.
        since: TsNs,
    }
}

readout! {
    /// One reason for which a person is called, raised today.
    #[derive(Default)]
    PageReadout, "page" {
        /// Why, by the number of [`crate::page::PageReason`].
        reason: u8,
        /// How often today.
        count: u64,
        /// Trading symbol of the last time; empty where it is about no instrument.
        symbol: Text<40>,
        /// Engine time of the first time.
        first: TsNs,
        /// Engine time of the last time.
        last: TsNs,
    }
}
