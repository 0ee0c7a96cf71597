//! Arbitrary journal items and small journals, shared by the tests of the durable formats.
//!
//! Every value that the vocabulary's types admit may come out, extremes included: meaning is not the codec's.

#![allow(dead_code, reason = "each test file uses its own part")]

use bijli_core::codec::{Checkpoint, Closed, DurableMark, Item, TailCut};
use bijli_core::command::{Cancel, CancelForeign, Command, DropEntries, Modify, Place, Reconcile};
use bijli_core::config::Config;
use bijli_core::event::{
    Controlled, DataKind, Event, FeedChanged, FeedState, IntentResolved, OrderUpdated, PositionReported,
    ProcessStarted, Reconciled, SessionOpened, Submission, Tick, TickFlags, Traded, VenueKind, Verb,
};
use bijli_core::instrument::{Instrument, InstrumentKind};
use bijli_core::journal::JournalWriter;
use bijli_core::order::{BrokerStatus, IntentId, OrderType, Purpose, Side, Validity};
use bijli_core::record::SegmentHeader;
use bijli_core::session::SessionTimes;
use bijli_core::strategy::{STRATEGIES_MAX, StrategyId};
use bijli_core::text::Text;
use bijli_core::{DurationNs, InstrumentId, IstDay, Price, Qty, SectorId, TsNs};
use proptest::prelude::*;
use proptest::sample::select;

mod configured;
mod supervision;

use configured::configured;
use supervision::supervision;

fn ts() -> impl Strategy<Value = TsNs> {
    any::<i64>().prop_map(TsNs::new)
}

fn length() -> impl Strategy<Value = DurationNs> {
    any::<i64>().prop_map(DurationNs::new)
}

fn price() -> impl Strategy<Value = Price> {
    any::<i64>().prop_map(Price::new)
}

fn qty() -> impl Strategy<Value = Qty> {
    any::<i64>().prop_map(Qty::new)
}

fn day() -> impl Strategy<Value = IstDay> {
    (-719_468i32..=2_932_896).prop_map(IstDay::new)
}

fn instrument() -> impl Strategy<Value = InstrumentId> {
    any::<u32>().prop_map(InstrumentId::new)
}

fn intent() -> impl Strategy<Value = IntentId> {
    any::<u64>().prop_map(IntentId::from_raw)
}

fn side() -> impl Strategy<Value = Side> {
    select(vec![Side::Buy, Side::Sell])
}

fn purpose() -> impl Strategy<Value = Purpose> {
    select(vec![Purpose::Entry, Purpose::Exit])
}

fn text<const N: usize>() -> impl Strategy<Value = Text<N>> {
    prop::collection::vec(0x20u8..0x7f, 0..=N)
        .prop_map(|bytes| Text::from_bytes(&bytes).expect("printable and short enough"))
}

fn times() -> impl Strategy<Value = SessionTimes> {
    (ts(), ts(), ts(), ts(), ts()).prop_map(
        |(open, entries_stop, squareoff_begin, squareoff_forced, close)| SessionTimes {
            open,
            entries_stop,
            squareoff_begin,
            squareoff_forced,
            close,
        },
    )
}

fn session_opened() -> impl Strategy<Value = Event> {
    use DataKind as D;
    let data = select(vec![D::Synthetic, D::Real, D::RealTicks, D::RealBars, D::Live]);
    let venue = select(vec![VenueKind::Simulated, VenueKind::Paper, VenueKind::Live]);
    (ts(), day(), data, venue, times(), times()).prop_map(|(ts, day, data, venue, cash, derivatives)| {
        Event::SessionOpened(SessionOpened {
            ts,
            day,
            data,
            venue,
            cash,
            derivatives,
        })
    })
}

fn instrument_listed() -> impl Strategy<Value = Event> {
    use InstrumentKind as K;
    let kind = select(vec![K::Equity, K::Index, K::Future, K::Call, K::Put]);
    let ids = (instrument(), instrument(), day(), kind);
    (ids, [price(), price(), price()], [qty(), qty()], text(), text()).prop_map(
        |((id, underlying, expiry, kind), prices, quantities, key, symbol)| {
            Event::InstrumentListed(Instrument {
                id,
                kind,
                underlying,
                tick: prices[0],
                lot: quantities[0],
                freeze: quantities[1],
                prev_close: prices[1],
                expiry,
                strike: prices[2],
                lower_band: prices[1],
                upper_band: prices[0],
                sector: SectorId::new(kind as u8),
                key,
                symbol,
            })
        },
    )
}

/// Any tick at all.
pub(crate) fn tick() -> impl Strategy<Value = Tick> {
    let stamps = (ts(), ts(), instrument(), any::<u32>());
    (stamps, any::<[i64; 4]>(), any::<[i64; 5]>(), any::<[i32; 2]>()).prop_map(
        |((ts, ts_event, instrument, flags), prices, quantities, greeks)| Tick {
            ts,
            ts_event,
            instrument,
            flags: TickFlags::from_bits(flags),
            ltp: Price::new(prices[0]),
            bid: Price::new(prices[1]),
            ask: Price::new(prices[2]),
            bid_qty: Qty::new(quantities[0]),
            ask_qty: Qty::new(quantities[1]),
            ltq: Qty::new(quantities[2]),
            volume: Qty::new(quantities[3]),
            oi: Qty::new(quantities[4]),
            atp: Price::new(prices[3]),
            iv_ppm: greeks[0],
            delta_ppm: greeks[1],
        },
    )
}

fn intent_resolved() -> impl Strategy<Value = Event> {
    use Submission as S;
    let submission = select(vec![
        S::Acked,
        S::Refused,
        S::NotSent,
        S::Unknown,
        S::PresumedAbsent,
    ]);
    (ts(), intent(), submission, text(), text()).prop_map(|(ts, intent, submission, order_id, code)| {
        Event::IntentResolved(IntentResolved {
            ts,
            intent,
            submission,
            order_id,
            code,
        })
    })
}

fn order_updated() -> impl Strategy<Value = Event> {
    use BrokerStatus as B;
    let status = select(vec![
        B::Received,
        B::Open,
        B::TriggerPending,
        B::ModifyPending,
        B::CancelPending,
        B::Complete,
        B::Cancelled,
        B::Rejected,
        B::Unrecognised,
    ]);
    let names = (
        ts(),
        prop::option::of(intent()),
        text(),
        instrument(),
        side(),
        status,
    );
    (names, [qty(), qty()], [price(), price(), price()]).prop_map(
        |((ts, intent, order_id, instrument, side, status), quantities, prices)| {
            Event::OrderUpdated(OrderUpdated {
                ts,
                intent,
                order_id,
                instrument,
                side,
                status,
                qty: quantities[0],
                filled: quantities[1],
                price: prices[0],
                trigger: prices[2],
                average_price: prices[1],
                modifies_ended: side as u8 * 7,
            })
        },
    )
}

fn traded() -> impl Strategy<Value = Event> {
    let names = (
        ts(),
        prop::option::of(intent()),
        text(),
        text(),
        instrument(),
        side(),
    );
    (names, qty(), price()).prop_map(
        |((ts, intent, order_id, trade_id, instrument, side), qty, price)| {
            Event::Traded(Traded {
                ts,
                intent,
                order_id,
                trade_id,
                instrument,
                side,
                qty,
                price,
            })
        },
    )
}

fn controlled() -> impl Strategy<Value = Event> {
    let verb = select(vec![
        Verb::Pause,
        Verb::Resume,
        Verb::Exit,
        Verb::Flatten,
        Verb::Kill,
        Verb::Arm,
        Verb::ReduceOnly,
        Verb::BrokerSwitch,
    ]);
    let strategy =
        (0..STRATEGIES_MAX as u8).prop_map(|number| StrategyId::new(number).expect("in the table"));
    let who = (
        ts(),
        verb,
        prop::option::of(instrument()),
        prop::option::of(strategy),
        any::<u32>(),
        any::<u64>(),
    );
    (who, text()).prop_map(|((ts, verb, instrument, strategy, uid, command_id), reason)| {
        Event::Controlled(Controlled {
            ts,
            verb,
            instrument,
            strategy,
            uid,
            command_id,
            reason,
        })
    })
}

fn small_event() -> impl Strategy<Value = Event> {
    let feed = select(vec![
        FeedState::Down,
        FeedState::Live,
        FeedState::Mute,
        FeedState::Closed,
    ]);
    prop_oneof![
        ts().prop_map(Event::TimePassed),
        (ts(), any::<u32>()).prop_map(|(ts, epoch)| Event::ProcessStarted(ProcessStarted { ts, epoch })),
        (ts(), feed).prop_map(|(ts, state)| Event::FeedChanged(FeedChanged { ts, state })),
        (ts(), instrument(), qty(), price()).prop_map(|(ts, instrument, qty, last_price)| {
            Event::PositionReported(PositionReported {
                ts,
                instrument,
                qty,
                last_price,
            })
        }),
        (ts(), any::<[u32; 2]>()).prop_map(|(ts, [broker_orders, foreign_orders])| {
            Event::Reconciled(Reconciled {
                ts,
                broker_orders,
                foreign_orders,
            })
        }),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    use OrderType as T;
    let names = || {
        let order_type = select(vec![T::Limit, T::Market, T::StopLimit, T::StopMarket]);
        let validity = select(vec![Validity::Day, Validity::Ioc]);
        (
            ts(),
            intent(),
            instrument(),
            side(),
            purpose(),
            order_type,
            validity,
        )
    };
    prop_oneof![
        (names(), qty(), price(), price()).prop_map(
            |((ts, intent, instrument, side, purpose, order_type, validity), qty, price, trigger)| {
                Command::Place(Place {
                    ts,
                    intent,
                    instrument,
                    side,
                    purpose,
                    order_type,
                    validity,
                    qty,
                    price,
                    trigger,
                })
            }
        ),
        (names(), qty(), price(), price(), text()).prop_map(
            |((ts, intent, _, _, purpose, order_type, _), qty, price, trigger, order_id)| {
                Command::Modify(Modify {
                    ts,
                    intent,
                    order_id,
                    purpose,
                    order_type,
                    qty,
                    price,
                    trigger,
                })
            }
        ),
        (ts(), intent(), text()).prop_map(|(ts, intent, order_id)| Command::Cancel(Cancel {
            ts,
            intent,
            order_id
        })),
        (ts(), any::<bool>()).prop_map(|(ts, flat)| Command::Reconcile(Reconcile { ts, flat })),
        ts().prop_map(|ts| Command::DropEntries(DropEntries { ts })),
        (ts(), text(), instrument()).prop_map(|(ts, order_id, instrument)| {
            Command::CancelForeign(CancelForeign {
                ts,
                order_id,
                instrument,
            })
        }),
    ]
}

/// Any item at all.
pub(crate) fn item() -> impl Strategy<Value = Item> {
    let event = prop_oneof![
        session_opened(),
        configured(),
        instrument_listed(),
        tick().prop_map(Event::Ticked),
        intent_resolved(),
        order_updated(),
        traded(),
        controlled(),
        small_event(),
        supervision(),
    ];
    prop_oneof![
        6 => event.prop_map(Item::Event),
        2 => command().prop_map(Item::Command),
        1 => mark(),
    ]
}

fn mark() -> impl Strategy<Value = Item> {
    prop_oneof![
        any::<[u64; 2]>()
            .prop_map(|[events, state_hash]| Item::Checkpoint(Checkpoint { events, state_hash })),
        any::<[u64; 2]>().prop_map(|[events, state_hash]| Item::Closed(Closed { events, state_hash })),
        (any::<[u64; 3]>(), any::<[u32; 2]>()).prop_map(|(numbers, [segment, epoch])| {
            Item::DurableMark(DurableMark {
                segment,
                epoch,
                end_offset: numbers[0],
                next_seq: numbers[1],
                exits_unwaited: numbers[2],
            })
        }),
        (any::<u64>(), any::<[u32; 2]>()).prop_map(|(cut_offset, [segment, tail_crc])| {
            Item::TailCut(TailCut {
                segment,
                cut_offset,
                tail_crc,
            })
        }),
    ]
}

/// The header of the day's segment `segment`, beginning with record `first_seq`.
pub(crate) fn header(segment: u32, first_seq: u64) -> SegmentHeader {
    SegmentHeader {
        segment,
        epoch: 1 + segment,
        day: IstDay::from_ymd(2026, 7, 31).expect("a real date"),
        first_seq,
    }
}

/// `count` items of changing kinds and sizes, none of them a tail cut.
pub(crate) fn day_items(count: u64) -> Vec<Item> {
    (0..count)
        .map(|n| {
            let ts = TsNs::new(1_785_469_500_000_000_000 + n as i64);
            match n % 7 {
                0 => Item::Event(Event::TimePassed(ts)),
                1 => Item::Command(Command::Cancel(Cancel {
                    ts,
                    intent: IntentId::new(1, n as u32),
                    order_id: Text::new("260731000000123").expect("short"),
                })),
                2 => Item::Event(Event::Configured(Config::default())),
                3 => Item::Checkpoint(Checkpoint {
                    events: n,
                    state_hash: !n,
                }),
                _ => Item::Event(Event::Ticked(Tick {
                    ts,
                    volume: Qty::new(n as i64),
                    ..Tick::default()
                })),
            }
        })
        .collect()
}

/// A segment of `bytes` that holds `items`.
pub(crate) fn segment_of(header: SegmentHeader, items: &[Item], bytes: usize) -> Vec<u8> {
    let mut writer = JournalWriter::create(vec![0; bytes], header).expect("blank memory");
    for item in items {
        writer.append_item(item, TsNs::new(7)).expect("there is room");
    }
    writer.into_inner()
}
