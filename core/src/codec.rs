//! Events, commands and the journal's own marks as fixed little-endian bytes.
//!
//! Every kind of item has a number that is never reused and a version that grows when its bytes change; a
//! reader for every past version stays. The engine time of an item is not in its payload but in the record's
//! header, so that any record can be placed in time without knowing its kind. Invariants: what was encoded
//! decodes to an equal item; bytes that no item encodes to are refused with the field at fault; nothing here
//! panics on input. Left out: meaning (whether an instrument exists, whether a price is sane), which is the
//! engine's to check. The tables stand in `DESIGN.md`, "Payloads", and a test compares them with [`layout_of`].

mod field;
mod layout;

use std::fmt;

use crate::command::{Cancel, CancelForeign, Command, DropEntries, Modify, Place, Reconcile};
use crate::config::{Config, RiskConfig, StrategyConfig};
use crate::event::{
    BandReported, ClockDoubted, Controlled, Event, FeedChanged, FlatChecked, FundsReported, IntentResolved,
    LatchCarried, OrderStreamJudged, OrderUpdated, PositionReported, ProcessStarted, Reconciled,
    SessionOpened, StartStepped, SwitchAnswered, Tick, Traded,
};
use crate::instrument::Instrument;
use crate::order_config::OrderConfig;
use crate::position_plan::{PositionPlan, TargetPlan};
use crate::record::{PAYLOAD_BYTES_MAX, RecordKind};
use crate::session::SessionTimes;
use crate::time::TsNs;

pub(crate) use field::Field;
use layout::Payload;

/// State of the engine after a number of events, to find the place where two runs part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Events applied since the day began.
    pub events: u64,
    /// Hash of the engine's state after them.
    pub state_hash: u64,
}

/// Makes the damaged rest of an earlier segment legal: written as the first record of the next segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailCut {
    /// The segment that was cut.
    pub segment: u32,
    /// Where its valid records end, bytes from its start.
    pub cut_offset: u64,
    /// CRC32C of everything from there to its end.
    pub tail_crc: u32,
}

/// How far the journal is known to be on the disk. Stands in the two slots of the mark file, and now and then
/// as a record: a copy that no second fault of the mark file can take away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DurableMark {
    /// The newest segment that holds durable records.
    pub segment: u32,
    /// Process epoch that wrote that segment.
    pub epoch: u32,
    /// Where its durable records end, bytes from its start.
    pub end_offset: u64,
    /// Every record of the day below this sequence number is durable.
    pub next_seq: u64,
    /// Exits that this process had sent by then without waiting for the disk.
    pub exits_unwaited: u64,
}

/// The day was ended in good order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Events applied since the day began.
    pub events: u64,
    /// Hash of the engine's state after them.
    pub state_hash: u64,
}

/// Everything that a journal holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// What happened, in the order in which the engine saw it.
    Event(Event),
    /// What the engine asked for; stands behind the event that caused it, before it left.
    Command(Command),
    /// The engine's state after so many events.
    Checkpoint(Checkpoint),
    /// The rest of an earlier segment is damaged and known to be.
    TailCut(TailCut),
    /// The day was ended in good order.
    Closed(Closed),
    /// So much of the journal was on the disk.
    DurableMark(DurableMark),
}

impl Item {
    /// The engine time that the item carries itself; `None` for items that are stamped by whoever appends
    /// them.
    #[must_use]
    pub const fn own_ts(&self) -> Option<TsNs> {
        match self {
            Self::Event(Event::Configured(_) | Event::InstrumentListed(_)) => None,
            Self::Event(event) => Some(event.ts()),
            Self::Command(Command::Place(place)) => Some(place.ts),
            Self::Command(Command::Modify(modify)) => Some(modify.ts),
            Self::Command(Command::Cancel(cancel)) => Some(cancel.ts),
            Self::Command(Command::CancelForeign(cancel)) => Some(cancel.ts),
            Self::Command(Command::Reconcile(ask)) => Some(ask.ts),
            Self::Command(Command::DropEntries(drop)) => Some(drop.ts),
            Self::Checkpoint(_) | Self::TailCut(_) | Self::Closed(_) | Self::DurableMark(_) => None,
        }
    }
}

/// Why a payload is not an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecError {
    /// The kind has no meaning in this version of the program.
    UnknownKind {
        /// The kind found.
        kind: RecordKind,
    },
    /// The kind is known, this version of it is not.
    UnknownVersion {
        /// The kind found.
        kind: RecordKind,
        /// The version found.
        version: u8,
    },
    /// The payload has not the length of its kind.
    Length {
        /// The kind found.
        kind: RecordKind,
        /// Bytes that the kind has.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// A field holds bytes that no value encodes to.
    Value {
        /// The kind found.
        kind: RecordKind,
        /// Name of the field.
        field: &'static str,
        /// Where the field begins in the payload.
        offset: usize,
    },
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKind { kind } => write!(
                f,
                "record kind {} is unknown: read the journal with the program that wrote it, or a newer one",
                kind.get()
            ),
            Self::UnknownVersion { kind, version } => write!(
                f,
                "version {version} of record kind {} is unknown: read the journal with the program that wrote \
                 it, or a newer one",
                kind.get()
            ),
            Self::Length {
                kind,
                expected,
                found,
            } => write!(
                f,
                "a payload of record kind {} has {expected} bytes, this one has {found}: the journal was not \
                 written by this program",
                kind.get()
            ),
            Self::Value { kind, field, offset } => write!(
                f,
                "field `{field}` at payload byte {offset} of record kind {} holds no valid value: the journal \
                 was not written by this program",
                kind.get()
            ),
        }
    }
}

impl std::error::Error for CodecError {}

/// Writes the payload of `item` to the front of `into`; returns its kind and how many bytes it has. The
/// rest of `into` is left as it was. The item's own time is not part of it: see [`Item::own_ts`].
#[must_use]
#[inline]
pub fn encode(item: &Item, into: &mut [u8; PAYLOAD_BYTES_MAX]) -> (RecordKind, usize) {
    match item {
        Item::Event(event) => encode_event(event, into),
        Item::Command(Command::Place(place)) => put(RecordKind::PLACE, place, into),
        Item::Command(Command::Modify(modify)) => put(RecordKind::MODIFY, modify, into),
        Item::Command(Command::Cancel(cancel)) => put(RecordKind::CANCEL, cancel, into),
        Item::Command(Command::CancelForeign(cancel)) => put(RecordKind::CANCEL_FOREIGN, cancel, into),
        Item::Command(Command::Reconcile(ask)) => put(RecordKind::RECONCILE, ask, into),
        Item::Command(Command::DropEntries(_)) => (RecordKind::DROP_ENTRIES, 0),
        Item::Checkpoint(checkpoint) => put(RecordKind::CHECKPOINT, checkpoint, into),
        Item::TailCut(cut) => put(RecordKind::TAIL_CUT, cut, into),
        Item::Closed(closed) => put(RecordKind::CLOSED, closed, into),
        Item::DurableMark(mark) => put(RecordKind::DURABLE_MARK, mark, into),
    }
}

#[inline]
fn encode_event(event: &Event, into: &mut [u8; PAYLOAD_BYTES_MAX]) -> (RecordKind, usize) {
    match event {
        Event::SessionOpened(event) => put(RecordKind::SESSION_OPENED, event, into),
        Event::Configured(config) => put(RecordKind::CONFIGURED, config, into),
        Event::InstrumentListed(event) => put(RecordKind::INSTRUMENT_LISTED, event, into),
        Event::ProcessStarted(event) => put(RecordKind::PROCESS_STARTED, event, into),
        Event::Ticked(tick) => put(RecordKind::TICKED, tick, into),
        Event::TimePassed(_) => (RecordKind::TIME_PASSED, 0),
        Event::FeedChanged(event) => put(RecordKind::FEED_CHANGED, event, into),
        Event::IntentResolved(event) => put(RecordKind::INTENT_RESOLVED, event, into),
        Event::OrderUpdated(event) => put(RecordKind::ORDER_UPDATED, event, into),
        Event::Traded(event) => put(RecordKind::TRADED, event, into),
        Event::PositionReported(event) => put(RecordKind::POSITION_REPORTED, event, into),
        Event::Reconciled(event) => put(RecordKind::RECONCILED, event, into),
        Event::Controlled(event) => put(RecordKind::CONTROLLED, event, into),
        Event::FundsReported(event) => put(RecordKind::FUNDS_REPORTED, event, into),
        Event::FlatChecked(event) => put(RecordKind::FLAT_CHECKED, event, into),
        Event::LatchCarried(event) => put(RecordKind::LATCH_CARRIED, event, into),
        Event::ClockDoubted(event) => put(RecordKind::CLOCK_DOUBTED, event, into),
        Event::StartStepped(event) => put(RecordKind::START_STEPPED, event, into),
        Event::SwitchAnswered(event) => put(RecordKind::SWITCH_ANSWERED, event, into),
        Event::BandReported(event) => put(RecordKind::BAND_REPORTED, event, into),
        Event::OrderStreamJudged(event) => put(RecordKind::ORDER_STREAM_JUDGED, event, into),
    }
}

#[inline]
fn put<P: Payload>(kind: RecordKind, payload: &P, into: &mut [u8; PAYLOAD_BYTES_MAX]) -> (RecordKind, usize) {
    const { assert!(P::BYTES <= PAYLOAD_BYTES_MAX) };
    payload.put(&mut into[..P::BYTES]);
    (kind, P::BYTES)
}

/// Reads the item back from the kind, version, time and payload of a record.
///
/// # Errors
/// [`CodecError`] when the bytes are not those of an item; never panics.
#[inline]
pub fn decode(kind: RecordKind, version: u8, ts: TsNs, payload: &[u8]) -> Result<Item, CodecError> {
    let from = Encoded {
        kind,
        version,
        ts,
        payload,
    };
    let event = match kind {
        RecordKind::TICKED => from.take::<Tick>().map(Event::Ticked),
        RecordKind::TIME_PASSED => from.take::<()>().map(|()| Event::TimePassed(ts)),
        RecordKind::SESSION_OPENED => from.take::<SessionOpened>().map(Event::SessionOpened),
        RecordKind::CONFIGURED => from.take::<Config>().map(Event::Configured),
        RecordKind::INSTRUMENT_LISTED => from.take::<Instrument>().map(Event::InstrumentListed),
        RecordKind::PROCESS_STARTED => from.take::<ProcessStarted>().map(Event::ProcessStarted),
        RecordKind::FEED_CHANGED => from.take::<FeedChanged>().map(Event::FeedChanged),
        RecordKind::INTENT_RESOLVED => from.take::<IntentResolved>().map(Event::IntentResolved),
        RecordKind::ORDER_UPDATED => from.take::<OrderUpdated>().map(Event::OrderUpdated),
        RecordKind::TRADED => from.take::<Traded>().map(Event::Traded),
        RecordKind::POSITION_REPORTED => from.take::<PositionReported>().map(Event::PositionReported),
        RecordKind::RECONCILED => from.take::<Reconciled>().map(Event::Reconciled),
        RecordKind::CONTROLLED => from.take::<Controlled>().map(Event::Controlled),
        RecordKind::FUNDS_REPORTED => from.take::<FundsReported>().map(Event::FundsReported),
        RecordKind::FLAT_CHECKED => from.take::<FlatChecked>().map(Event::FlatChecked),
        RecordKind::LATCH_CARRIED => from.take::<LatchCarried>().map(Event::LatchCarried),
        RecordKind::CLOCK_DOUBTED => from.take::<ClockDoubted>().map(Event::ClockDoubted),
        RecordKind::START_STEPPED => from.take::<StartStepped>().map(Event::StartStepped),
        RecordKind::SWITCH_ANSWERED => from.take::<SwitchAnswered>().map(Event::SwitchAnswered),
        RecordKind::BAND_REPORTED => from.take::<BandReported>().map(Event::BandReported),
        RecordKind::ORDER_STREAM_JUDGED => from.take::<OrderStreamJudged>().map(Event::OrderStreamJudged),
        RecordKind::PLACE => return from.take().map(|place| Item::Command(Command::Place(place))),
        RecordKind::MODIFY => return from.take().map(|modify| Item::Command(Command::Modify(modify))),
        RecordKind::CANCEL => return from.take().map(|cancel| Item::Command(Command::Cancel(cancel))),
        RecordKind::CANCEL_FOREIGN => {
            return from
                .take()
                .map(|cancel| Item::Command(Command::CancelForeign(cancel)));
        }
        RecordKind::RECONCILE => return from.take().map(|ask| Item::Command(Command::Reconcile(ask))),
        RecordKind::DROP_ENTRIES => {
            let dropped = Command::DropEntries(DropEntries { ts });
            return from.take::<()>().map(|()| Item::Command(dropped));
        }
        RecordKind::CHECKPOINT => return from.take().map(Item::Checkpoint),
        RecordKind::TAIL_CUT => return from.take().map(Item::TailCut),
        RecordKind::CLOSED => return from.take().map(Item::Closed),
        RecordKind::DURABLE_MARK => return from.take().map(Item::DurableMark),
        _ => return Err(CodecError::UnknownKind { kind }),
    };
    event.map(Item::Event)
}

struct Encoded<'a> {
    kind: RecordKind,
    version: u8,
    ts: TsNs,
    payload: &'a [u8],
}

impl Encoded<'_> {
    #[inline]
    fn take<P: Payload>(&self) -> Result<P, CodecError> {
        let kind = self.kind;
        if self.version != kind.version() {
            return Err(CodecError::UnknownVersion {
                kind,
                version: self.version,
            });
        }
        let found = self.payload.len();
        if found != P::BYTES {
            return Err(CodecError::Length {
                kind,
                expected: P::BYTES,
                found,
            });
        }
        P::take(self.ts, self.payload).map_err(|bad| CodecError::Value {
            kind,
            field: bad.field,
            offset: bad.offset,
        })
    }
}

/// One row of a payload's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRow {
    /// Name of the field.
    pub name: &'static str,
    /// How it is written.
    pub form: &'static str,
    /// Where it begins in the payload.
    pub offset: usize,
    /// How many bytes it takes.
    pub bytes: usize,
}

/// The tables that stand as one field inside payloads, by name.
#[must_use]
pub fn shared_layouts() -> [(&'static str, Vec<FieldRow>); 6] {
    [
        ("SessionTimes", SessionTimes::rows()),
        ("RiskConfig", RiskConfig::rows()),
        ("StrategyConfig", StrategyConfig::rows()),
        ("OrderConfig", OrderConfig::rows()),
        ("PositionPlan", PositionPlan::rows()),
        ("TargetPlan", TargetPlan::rows()),
    ]
}

/// The table of the current version of a kind, or `None` for an unknown kind.
#[must_use]
pub fn layout_of(kind: RecordKind) -> Option<Vec<FieldRow>> {
    Some(match kind {
        RecordKind::SESSION_OPENED => SessionOpened::rows(),
        RecordKind::CONFIGURED => Config::rows(),
        RecordKind::INSTRUMENT_LISTED => Instrument::rows(),
        RecordKind::PROCESS_STARTED => ProcessStarted::rows(),
        RecordKind::TICKED => Tick::rows(),
        RecordKind::TIME_PASSED => <()>::rows(),
        RecordKind::FEED_CHANGED => FeedChanged::rows(),
        RecordKind::INTENT_RESOLVED => IntentResolved::rows(),
        RecordKind::ORDER_UPDATED => OrderUpdated::rows(),
        RecordKind::TRADED => Traded::rows(),
        RecordKind::POSITION_REPORTED => PositionReported::rows(),
        RecordKind::RECONCILED => Reconciled::rows(),
        RecordKind::CONTROLLED => Controlled::rows(),
        RecordKind::FUNDS_REPORTED => FundsReported::rows(),
        RecordKind::FLAT_CHECKED => FlatChecked::rows(),
        RecordKind::LATCH_CARRIED => LatchCarried::rows(),
        RecordKind::CLOCK_DOUBTED => ClockDoubted::rows(),
        RecordKind::START_STEPPED => StartStepped::rows(),
        RecordKind::SWITCH_ANSWERED => SwitchAnswered::rows(),
        RecordKind::BAND_REPORTED => BandReported::rows(),
        RecordKind::ORDER_STREAM_JUDGED => OrderStreamJudged::rows(),
        RecordKind::PLACE => Place::rows(),
        RecordKind::MODIFY => Modify::rows(),
        RecordKind::CANCEL => Cancel::rows(),
        RecordKind::CANCEL_FOREIGN => CancelForeign::rows(),
        RecordKind::RECONCILE => Reconcile::rows(),
        RecordKind::DROP_ENTRIES => <()>::rows(),
        RecordKind::CHECKPOINT => Checkpoint::rows(),
        RecordKind::TAIL_CUT => TailCut::rows(),
        RecordKind::CLOSED => Closed::rows(),
        RecordKind::DURABLE_MARK => DurableMark::rows(),
        _ => return None,
    })
}
