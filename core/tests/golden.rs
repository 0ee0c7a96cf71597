//! The bytes of today's version of every kind of record and of both headers.

mod items;

use bijli_core::codec::{Checkpoint, Closed, DurableMark, Item, TailCut, decode, encode};
use bijli_core::command::{Cancel, CancelForeign, Command, DropEntries, Modify, Place, Reconcile};
use bijli_core::config::Config;
use bijli_core::event::{
    BandReported, ClockDoubt, ClockDoubted, Controlled, DataKind, Event, FeedChanged, FeedState, FlatChecked,
    FundsReported, IntentResolved, LatchCarried, OrderStreamJudged, OrderUpdated, PositionReported,
    ProcessStarted, Reconciled, SessionOpened, StartStepped, Submission, SwitchAnswered, SwitchOutcome, Tick,
    TickFlags, Traded, VenueKind, Verb,
};
use bijli_core::instrument::{Instrument, InstrumentKind};
use bijli_core::order::{BrokerStatus, IntentId, OrderType, Purpose, Side, Validity};
use bijli_core::record::{PAYLOAD_BYTES_MAX, RecordKind};
use bijli_core::session::{Market, SessionTimes};
use bijli_core::start_steps::{StartStep, StepVerdict};
use bijli_core::strategy::StrategyId;
use bijli_core::text::Text;
use bijli_core::{DurationNs, InstrumentId, IstDay, Money, Price, Qty, SectorId, TsNs};
use items::{header, segment_of};

const TS: TsNs = TsNs::new(1_785_469_500_123_456_789);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text<const N: usize>(text: &str) -> Text<N> {
    Text::new(text).expect("printable and short enough")
}

#[track_caller]
fn golden(item: Item, kind: RecordKind, expected: &str) {
    let mut payload = [0; PAYLOAD_BYTES_MAX];
    let (found, count) = encode(&item, &mut payload);
    assert_eq!((found, hex(&payload[..count]).as_str()), (kind, expected));
    assert_eq!(decode(kind, kind.version(), TS, &payload[..count]), Ok(item));
}

#[test]
fn session_opened_version_1() {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    let hours = |market| SessionTimes::of(day, market).expect("a trading day");
    let event = SessionOpened {
        ts: TS,
        day,
        data: DataKind::RealTicks,
        venue: VenueKind::Paper,
        cash: hours(Market::Cash),
        derivatives: SessionTimes {
            open: TsNs::new(1),
            ..hours(Market::Derivatives)
        },
    };
    golden(
        Item::Event(Event::SessionOpened(event)),
        RecordKind::SESSION_OPENED,
        "0058cbe80c43c71800f0f080e055c71800181f0db256c71800d083e6f756c71800404d998357c718\
        010000000000000000f0f080e055c71800181f0db256c71800d083e6f756c71800404d998357c718\
        b95000000201",
    );
}

#[test]
fn configured_version_2() {
    golden(
        Item::Event(Event::Configured(Config::default())),
        RecordKind::CONFIGURED,
        "00ca9a3b00000000b80b000000000000f401000000000000c800000000000000581b000000000000\
        88130000000000002c01000000000000005ed0b20000000000b08ef01b0000000300000064000000\
        b80b000000000000b80b000000000000b80b000000000000581b0000000000008813000000000000\
        400d03000000000010270000000000002c01000000000000c409000000000000c409000000000000\
        0000000000000000881300000000000040420f000000000000f2052a0100000000505c18a3010000\
        0070c9b28b00000000ca9a3b0000000000f2052a0100000000e40b5402000000005847f80d000000\
        140000000400000032000000f401000004000000140000001e000000640000000300000000350c00\
        0000b08ef01b000000f4010000000000009001000000000000c80000000000000088130000000000\
        000a0000000000000000f2052a010000001e00000000000000009435770000000080fc0a00320000\
        00000000006400000000000000000000\
        00000000000000000000000000000000000000000000000000000000000000000000000000000000\
        000000000000000000000000000000000000000000000000000000000000000000000000",
    );
}

#[test]
fn instrument_listed_version_2() {
    let event = Instrument {
        id: InstrumentId::new(5),
        kind: InstrumentKind::Put,
        underlying: InstrumentId::new(2),
        tick: Price::new(500),
        lot: Qty::new(75),
        freeze: Qty::new(1_800),
        prev_close: Price::new(1_234_500),
        expiry: IstDay::new(20_671),
        strike: Price::new(245_000_000),
        lower_band: Price::new(1_111_000),
        upper_band: Price::new(1_358_000),
        sector: SectorId::new(7),
        key: text("NSE_FO|45450"),
        symbol: text("NIFTY 24500 PE"),
    };
    golden(
        Item::Event(Event::InstrumentListed(event)),
        RecordKind::INSTRUMENT_LISTED,
        "f4010000000000004b00000000000000080700000000000044d612000000000040679a0e00000000\
        0500000002000000bf500000044e53455f464f7c3435343530000000000000000000000000000000\
        000000000000000000000000004e4946545920323435303020504500000000000000000000000000\
        00000000000000000000000000d8f3100000000000b0b814000000000007",
    );
}

#[test]
fn process_started_version_1() {
    let event = ProcessStarted {
        ts: TS,
        epoch: 0x0102_0304,
    };
    golden(
        Item::Event(Event::ProcessStarted(event)),
        RecordKind::PROCESS_STARTED,
        "04030201",
    );
}

#[test]
fn ticked_version_1() {
    let tick = Tick {
        ts: TS,
        ts_event: TsNs::new(1_785_469_500_000_000_000),
        instrument: InstrumentId::new(0x0001_0203),
        flags: TickFlags::SNAPSHOT.with(TickFlags::OFF_TICK),
        ltp: Price::new(1),
        bid: Price::new(2),
        ask: Price::new(3),
        bid_qty: Qty::new(4),
        ask_qty: Qty::new(5),
        ltq: Qty::new(6),
        volume: Qty::new(7),
        oi: Qty::new(8),
        atp: Price::new(-9),
        iv_ppm: 127_700,
        delta_ppm: -500_000,
    };
    golden(
        Item::Event(Event::Ticked(tick)),
        RecordKind::TICKED,
        "0058cbe80c43c7180302010001010000010000000000000002000000000000000300000000000000\
        04000000000000000500000000000000060000000000000007000000000000000800000000000000\
        f7ffffffffffffffd4f20100e05ef8ff",
    );
}

#[test]
fn time_passed_version_1() {
    golden(Item::Event(Event::TimePassed(TS)), RecordKind::TIME_PASSED, "");
}

#[test]
fn feed_changed_version_1() {
    let event = FeedChanged {
        ts: TS,
        state: FeedState::Mute,
    };
    golden(
        Item::Event(Event::FeedChanged(event)),
        RecordKind::FEED_CHANGED,
        "02",
    );
}

#[test]
fn intent_resolved_version_1() {
    let event = IntentResolved {
        ts: TS,
        intent: IntentId::new(2, 3),
        submission: Submission::Refused,
        order_id: Text::EMPTY,
        code: text("UDAPI100049"),
    };
    golden(
        Item::Event(Event::IntentResolved(event)),
        RecordKind::INTENT_RESOLVED,
        "03000000020000000000000000000000000000000000000000000000000000005544415049313030\
        3034390000000000000000000000000001",
    );
}

#[test]
fn order_updated_version_3() {
    let event = OrderUpdated {
        ts: TS,
        intent: Some(IntentId::new(1, 2)),
        order_id: text("260731000000001"),
        instrument: InstrumentId::new(4),
        side: Side::Sell,
        status: BrokerStatus::TriggerPending,
        qty: Qty::new(150),
        filled: Qty::new(75),
        price: Price::new(1_000_500),
        trigger: Price::new(1_000_750),
        average_price: Price::new(1_000_250),
        modifies_ended: 3,
    };
    golden(
        Item::Event(Event::OrderUpdated(event)),
        RecordKind::ORDER_UPDATED,
        "96000000000000004b0000000000000034440f00000000002e450f00000000003a430f00000000003236303733313030\
        3030303030303100000000000000000004000000010201020000000100000003",
    );
}

#[test]
fn traded_version_1() {
    let event = Traded {
        ts: TS,
        intent: None,
        order_id: text("260731000000001"),
        trade_id: text("12345678"),
        instrument: InstrumentId::new(4),
        side: Side::Buy,
        qty: Qty::new(75),
        price: Price::new(1_000_250),
    };
    golden(
        Item::Event(Event::Traded(event)),
        RecordKind::TRADED,
        "4b000000000000003a430f0000000000323630373331303030303030303031000000000000000000\
        3132333435363738000000000000000000000000000000000400000000000000000000000000",
    );
}

#[test]
fn position_reported_version_2_and_reconciled_version_1() {
    let event = PositionReported {
        ts: TS,
        instrument: InstrumentId::new(9),
        qty: Qty::new(-75),
        last_price: Price::from_paise(10_000),
    };
    golden(
        Item::Event(Event::PositionReported(event)),
        RecordKind::POSITION_REPORTED,
        "b5ffffffffffffff40420f000000000009000000",
    );
    let event = Reconciled {
        ts: TS,
        broker_orders: 12,
        foreign_orders: 1,
    };
    golden(
        Item::Event(Event::Reconciled(event)),
        RecordKind::RECONCILED,
        "0c00000001000000",
    );
}

#[test]
fn controlled_version_2() {
    let event = Controlled {
        ts: TS,
        verb: Verb::Exit,
        instrument: Some(InstrumentId::new(6)),
        uid: 1_000,
        command_id: 0x1122_3344_5566_7788,
        strategy: Some(StrategyId::SPIKE),
        reason: text("too hot"),
    };
    golden(
        Item::Event(Event::Controlled(event)),
        RecordKind::CONTROLLED,
        "8877665544332211746f6f20686f7400000000000000000000000000000000000000000000000000\
        0000000000000000e80300000201060000000100",
    );
}

#[test]
fn events_of_supervision_version_1() {
    let funds = FundsReported {
        ts: TS,
        available: Money::new(0x0102),
        used: Money::new(0x0304),
    };
    golden(
        Item::Event(Event::FundsReported(funds)),
        RecordKind::FUNDS_REPORTED,
        "02010000000000000403000000000000",
    );
    let checked = FlatChecked {
        ts: TS,
        asked: TsNs::new(5),
        open_positions: 1,
        unlisted_positions: 2,
        unlisted_key: text("NSE_EQ|Z"),
        live_orders: 3,
        foreign_orders: 4,
    };
    golden(
        Item::Event(Event::FlatChecked(checked)),
        RecordKind::FLAT_CHECKED,
        "0500000000000000010000000200000003000000040000004e53455f45517c5a0000000000000000\
        000000000000000000000000000000000000000000000000",
    );
    let carried = LatchCarried {
        ts: TS,
        since: TsNs::new(6),
        uid: 1_000,
        reason: text("fear"),
    };
    golden(
        Item::Event(Event::LatchCarried(carried)),
        RecordKind::LATCH_CARRIED,
        "06000000000000006665617200000000000000000000000000000000000000000000000000000000\
        0000000000000000e8030000",
    );
}

#[test]
fn doubts_steps_and_questions_version_1() {
    let doubted = ClockDoubted {
        ts: TS,
        doubt: ClockDoubt::StoodStill,
        length: DurationNs::new(7),
    };
    golden(
        Item::Event(Event::ClockDoubted(doubted)),
        RecordKind::CLOCK_DOUBTED,
        "070000000000000001",
    );
    let stepped = StartStepped {
        ts: TS,
        step: StartStep::RiskGate,
        verdict: StepVerdict::Failed,
        note: text("oh"),
    };
    golden(
        Item::Event(Event::StartStepped(stepped)),
        RecordKind::START_STEPPED,
        "6f680000000000000000000000000000000000000000000000000000000000000000000000000000\
        0703",
    );
    let answered = SwitchAnswered {
        ts: TS,
        command_id: 0x0102,
        uid: 0x0304,
        outcome: SwitchOutcome::Unknown,
        words: text("no"),
    };
    golden(
        Item::Event(Event::SwitchAnswered(answered)),
        RecordKind::SWITCH_ANSWERED,
        &format!("02010000000000006e6f{}0403000002", "00".repeat(118)),
    );
    let band = BandReported {
        ts: TS,
        instrument: InstrumentId::new(7),
        lower: Price::new(0x0102),
        upper: Price::new(0x0304),
    };
    golden(
        Item::Event(Event::BandReported(band)),
        RecordKind::BAND_REPORTED,
        "0201000000000000040300000000000007000000",
    );
    golden(
        Item::Event(Event::OrderStreamJudged(OrderStreamJudged {
            ts: TS,
            is_mute: true,
        })),
        RecordKind::ORDER_STREAM_JUDGED,
        "01",
    );
    golden(
        Item::Command(Command::Reconcile(Reconcile { ts: TS, flat: true })),
        RecordKind::RECONCILE,
        "01",
    );
    golden(
        Item::Command(Command::DropEntries(DropEntries { ts: TS })),
        RecordKind::DROP_ENTRIES,
        "",
    );
}

#[test]
fn commands_in_today_s_versions() {
    let intent = IntentId::new(1, 2);
    let place = Place {
        ts: TS,
        intent,
        instrument: InstrumentId::new(3),
        side: Side::Sell,
        purpose: Purpose::Exit,
        order_type: OrderType::StopLimit,
        validity: Validity::Ioc,
        qty: Qty::new(75),
        price: Price::new(100),
        trigger: Price::new(200),
    };
    golden(
        Item::Command(Command::Place(place)),
        RecordKind::PLACE,
        "02000000010000004b000000000000006400000000000000c8000000000000000300000001010201",
    );
    let order_id = text("260731000000001");
    let purpose = Purpose::Entry;
    let modify = Modify {
        ts: TS,
        intent,
        order_id,
        purpose,
        order_type: OrderType::StopLimit,
        qty: Qty::new(75),
        price: Price::new(100),
        trigger: Price::new(200),
    };
    golden(
        Item::Command(Command::Modify(modify)),
        RecordKind::MODIFY,
        "02000000010000003236303733313030303030303030310000000000000000004b00000000000000\
        6400000000000000c8000000000000000002",
    );
    let cancel = Cancel {
        ts: TS,
        intent,
        order_id,
    };
    golden(
        Item::Command(Command::Cancel(cancel)),
        RecordKind::CANCEL,
        "0200000001000000323630373331303030303030303031000000000000000000",
    );
    let foreign = CancelForeign {
        ts: TS,
        order_id,
        instrument: InstrumentId::new(7),
    };
    golden(
        Item::Command(Command::CancelForeign(foreign)),
        RecordKind::CANCEL_FOREIGN,
        "32363037333130303030303030303100000000000000000007000000",
    );
}

#[test]
fn marks_version_1() {
    let (events, state_hash) = (1_000_000, 0x0123_4567_89AB_CDEF);
    golden(
        Item::Checkpoint(Checkpoint { events, state_hash }),
        RecordKind::CHECKPOINT,
        "40420f0000000000efcdab8967452301",
    );
    let cut = TailCut {
        segment: 3,
        cut_offset: 0x1_0000,
        tail_crc: 0xDEAD_BEEF,
    };
    golden(
        Item::TailCut(cut),
        RecordKind::TAIL_CUT,
        "000001000000000003000000efbeadde",
    );
    golden(
        Item::Closed(Closed { events, state_hash }),
        RecordKind::CLOSED,
        "40420f0000000000efcdab8967452301",
    );
    let mark = DurableMark {
        segment: 3,
        epoch: 2,
        end_offset: 0x1_0040,
        next_seq: 1_000_000,
        exits_unwaited: 5,
    };
    golden(
        Item::DurableMark(mark),
        RecordKind::DURABLE_MARK,
        "400001000000000040420f000000000005000000000000000300000002000000",
    );
}

#[test]
fn a_segment_of_two_records_version_1() {
    let process = Item::Event(Event::ProcessStarted(ProcessStarted { ts: TS, epoch: 3 }));
    let time = Item::Event(Event::TimePassed(TsNs::new(TS.get() + 1)));
    let segment = segment_of(header(2, 41), &[process, time], 256);
    let expected = [
        "42494a4c494a4e4c010000000200000003000000b950000029000000000000000001000000000000\
         0000000000000000000000000000000000000000c42c9fd3",
        "240000004e5d6b6e2900000000000000152527f00c43c71804000100040000000300000000000000\
         000000000000000000000000000000000000000000000000",
        "20000000b1a996da2a00000000000000162527f00c43c71806000100000000000000000000000000\
         000000000000000000000000000000000000000000000000",
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000\
         000000000000000000000000000000000000000000000000",
    ];
    assert_eq!(segment.chunks(64).map(hex).collect::<Vec<_>>(), expected);
}
