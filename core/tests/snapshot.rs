//! The snapshot through its public face: whole slots or errors, for any number of readers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bijli_core::event::{DataKind, FeedState, VenueKind};
use bijli_core::latency::STAGES;
use bijli_core::order::{IntentId, OrderState, Purpose, Side};
use bijli_core::readout::{
    DENIAL_COUNTS, DenialReadout, EngineReadout, FeedReadout, GatewayReadout, LatencyReadout, OrderReadout,
    PositionReadout, SessionReadout, SignalReadout,
};
use bijli_core::snapshot::{
    ORDER_SLOTS, POSITION_SLOTS, SIGNAL_SLOTS, SNAPSHOT_BYTES, SnapshotError, SnapshotReader, SnapshotWriter,
    layout, layout_hash,
};
use bijli_core::strategy::StrategyId;
use bijli_core::text::Text;
use bijli_core::time::DurationNs;
use bijli_core::{InstrumentId, IstDay, Money, Price, Qty, TsNs};

fn position(n: i64) -> PositionReadout {
    PositionReadout {
        instrument: InstrumentId::new(n as u32),
        symbol: Text::new(&format!("NIFTY{n}")).expect("short"),
        qty: Qty::new(-n),
        average: Price::new(n),
        ltp: Price::new(n + 1),
        unrealised: Money::new(-n),
        realised: Money::new(n),
        stop: Price::NONE,
        stage: 2,
    }
}

fn signal(n: i64) -> SignalReadout {
    SignalReadout {
        ts: TsNs::new(n),
        strategy: StrategyId::SPIKE,
        instrument: InstrumentId::new(3),
        symbol: Text::new("RELIANCE").expect("short"),
        side: Side::Sell,
        score_ppm: 800_000,
        parts_ppm: [1, 2, 3, 4, 5, 6],
        price: Price::new(9),
        verdict: 12,
    }
}

fn order(n: i64) -> OrderReadout {
    OrderReadout {
        intent: IntentId::new(1, n as u32),
        symbol: Text::new("INFY").expect("short"),
        side: Side::Buy,
        purpose: Purpose::Exit,
        strategy: Some(StrategyId::SPIKE),
        state: OrderState::Unknown,
        qty: Qty::new(75),
        filled: Qty::new(25),
        price: Price::new(123),
        ts: TsNs::new(n),
    }
}

fn session() -> SessionReadout {
    SessionReadout {
        day: IstDay::new(20_000),
        data: DataKind::RealBars,
        venue: VenueKind::Paper,
        epoch: 3,
        pid: 4,
        started: TsNs::new(5),
        token_expires: TsNs::new(6),
    }
}

fn feed() -> FeedReadout {
    FeedReadout {
        state: FeedState::Mute,
        frames: 1,
        bytes: 2,
        ticks_received: 3,
        ticks_conflated: 4,
        unknown_keys: 5,
        decode_errors: 6,
        reconnects: 7,
        last_frame: TsNs::new(8),
        subscribed: 9,
        seen: 10,
        never_seen: 13,
        refused: 14,
        refused_keys: Text::new("NSE_EQ|A NSE_EQ|B").expect("it fits"),
        subscribed_after: DurationNs::new(15),
        stale: 16,
        oldest_key: Text::new("NSE_EQ|C").expect("it fits"),
        oldest_age: DurationNs::new(17),
        ring_depth_max: 11,
        ring_full: 12,
    }
}

#[test]
fn what_is_put_is_read_and_what_was_not_put_is_absent() {
    let mut memory = vec![0; SNAPSHOT_BYTES];
    let writer = SnapshotWriter::create(&mut memory).expect("enough aligned memory");
    let reader = writer.reader();
    assert_eq!(reader.engine(), Err(SnapshotError::Empty { slot: "engine" }));
    assert_eq!(reader.latency(STAGES[0]), Ok(None));
    assert_eq!(
        (
            reader.positions().count(),
            reader.signals().count(),
            reader.orders().count()
        ),
        (0, 0, 0)
    );

    let session = session();
    let engine = EngineReadout {
        now: TsNs::new(1),
        equity: Money::new(-2),
        kill_latched: true,
        ..Default::default()
    };
    let feed = feed();
    let gateway = GatewayReadout {
        orders_sent: 9,
        stream_connected: true,
        ..Default::default()
    };
    writer.put_session(&session);
    writer.put_engine(&engine);
    writer.put_feed(&feed);
    writer.put_gateway(&gateway);
    for (n, stage) in STAGES.into_iter().enumerate() {
        writer.put_latency(
            stage,
            &LatencyReadout {
                count: n as u64,
                ..Default::default()
            },
        );
    }
    let mut counts = [0; DENIAL_COUNTS];
    counts[31] = u64::MAX;
    writer.put_denials(&DenialReadout { counts });
    writer.put_position(0, &position(7));
    writer.put_position(POSITION_SLOTS - 1, &position(8));
    writer.put_signal(SIGNAL_SLOTS + 1, &signal(1));
    writer.put_order(ORDER_SLOTS - 1, &order(2));

    assert_eq!(reader.session(), Ok(session));
    assert_eq!(reader.engine(), Ok(engine));
    assert_eq!(reader.feed(), Ok(feed));
    assert_eq!(reader.gateway(), Ok(gateway));
    assert_eq!(reader.denials(), Ok(DenialReadout { counts }));
    for (n, stage) in STAGES.into_iter().enumerate() {
        assert_eq!(
            reader.latency(stage).map(|found| found.map(|found| found.count)),
            Ok(Some(n as u64))
        );
    }
    assert_eq!(
        reader.positions().collect::<Vec<_>>(),
        [Ok(position(7)), Ok(position(8))]
    );
    assert_eq!(reader.signals().collect::<Vec<_>>(), [Ok(signal(1))]);
    assert_eq!(reader.orders().collect::<Vec<_>>(), [Ok(order(2))]);
    writer.clear_position(0);
    assert_eq!((reader.position(0), reader.positions().count()), (Ok(None), 1));
}

struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn all_equal(n: u64) -> LatencyReadout {
    LatencyReadout {
        count: n,
        p50: n,
        p99: n,
        p999: n,
        max: n,
    }
}

#[test]
fn ten_million_reads_beside_a_writer_see_no_torn_slot() {
    const READS: u64 = 10_000_000;
    let mut memory = vec![0; SNAPSHOT_BYTES];
    let writer = SnapshotWriter::create(&mut memory).expect("enough aligned memory");
    let reader = writer.reader();
    writer.put_latency(STAGES[1], &LatencyReadout::default());
    writer.put_denials(&DenialReadout::default());
    let stop = AtomicBool::new(false);
    let (mut busy, mut changes, mut last) = (0, 0, 0);
    thread::scope(|scope| {
        // Stops the writer when a torn read fails the test, too.
        let _stop = StopAtEnd(&stop);
        scope.spawn(|| {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                n += 1;
                writer.put_latency(STAGES[1], &all_equal(n));
                writer.put_denials(&DenialReadout {
                    counts: [n; DENIAL_COUNTS],
                });
            }
        });
        for read in 0..READS {
            // One in sixteen reads the widest slot of all.
            let seen = if read % 16 == 0 {
                reader.denials().map(|found| {
                    assert!(
                        found.counts.iter().all(|count| *count == found.counts[0]),
                        "torn: {found:?}"
                    );
                    found.counts[0]
                })
            } else {
                reader.latency(STAGES[1]).map(|found| {
                    let found = found.expect("written before the first read");
                    let LatencyReadout {
                        count,
                        p50,
                        p99,
                        p999,
                        max,
                    } = found;
                    assert_eq!([p50, p99, p999, max], [count; 4], "torn");
                    count
                })
            };
            match seen {
                Ok(seen) => {
                    changes += u64::from(seen != last);
                    last = seen;
                }
                Err(error) => {
                    assert!(matches!(error, SnapshotError::Busy { .. }), "{error}");
                    busy += 1;
                }
            }
        }
    });
    assert!(
        changes > 100,
        "the writer wrote beside the reader: {changes} changes seen, {busy} gave up"
    );
    assert!(busy < READS / 10, "{busy} reads of {READS} gave up");
}

#[test]
fn a_slot_whose_writer_died_inside_is_an_error_not_a_hang() {
    let mut memory = vec![0; SNAPSHOT_BYTES];
    let writer = SnapshotWriter::create(&mut memory).expect("enough aligned memory");
    writer.put_engine(&EngineReadout::default());
    let engine = layout()
        .into_iter()
        .find(|group| group.name == "engine")
        .expect("a group")
        .offset;
    memory[engine] |= 1;
    let reader = SnapshotReader::open(&memory).expect("a sound header");
    assert_eq!(reader.engine(), Err(SnapshotError::Busy { slot: "engine" }));

    let writer = SnapshotWriter::create(&mut memory).expect("a new process makes it anew");
    assert_eq!(
        writer.reader().engine(),
        Err(SnapshotError::Empty { slot: "engine" })
    );
    writer.put_engine(&EngineReadout::default());
    assert_eq!(writer.reader().engine(), Ok(EngineReadout::default()));
}

#[test]
fn a_reader_trusts_nothing() {
    let mut memory = vec![0; SNAPSHOT_BYTES + 8];
    let odd = 1 + memory.as_ptr().align_offset(8);
    let open = |memory: &[u8]| SnapshotReader::open(memory).map(|_| ());
    assert_eq!(
        open(&memory[..SNAPSHOT_BYTES - 1]),
        Err(SnapshotError::TooSmall {
            bytes: SNAPSHOT_BYTES - 1
        })
    );
    assert_eq!(
        open(&memory[odd..odd + SNAPSHOT_BYTES]),
        Err(SnapshotError::Misaligned)
    );
    assert_eq!(open(&memory), Err(SnapshotError::NotASnapshot));
    let writer = SnapshotWriter::create(&mut memory).expect("enough aligned memory");
    writer.put_engine(&EngineReadout::default());
    let groups = layout();
    for at in 8..512 {
        memory[at] ^= 1;
        assert!(
            matches!(open(&memory), Err(SnapshotError::Layout { .. })),
            "header byte {at}"
        );
        memory[at] ^= 1;
    }
    let engine = groups
        .iter()
        .find(|group| group.name == "engine")
        .expect("a group");
    let latched = engine
        .fields
        .iter()
        .find(|field| field.name == "kill_latched")
        .expect("a field");
    memory[engine.offset + latched.offset] = 2;
    let reader = SnapshotReader::open(&memory).expect("a sound header");
    assert_eq!(
        reader.engine(),
        Err(SnapshotError::Value {
            slot: "engine",
            field: "kill_latched"
        })
    );
}

#[test]
fn any_bytes_as_a_snapshot_never_panic() {
    let mut memory = vec![0; SNAPSHOT_BYTES];
    SnapshotWriter::create(&mut memory).expect("enough aligned memory");
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    for _ in 0..200 {
        for group in layout() {
            for slot in 0..group.slots {
                let begin = group.offset + slot * group.slot_bytes;
                for byte in &mut memory[begin..begin + group.slot_bytes] {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    *byte = (state >> 56) as u8 & if state & 3 == 0 { 0xFF } else { 0x01 };
                }
                memory[begin] &= !1;
                memory[begin + 8..begin + 16].copy_from_slice(&1u64.to_le_bytes());
            }
        }
        let reader = SnapshotReader::open(&memory).expect("a sound header");
        let _ = (
            reader.session(),
            reader.engine(),
            reader.feed(),
            reader.gateway(),
            reader.denials(),
            reader.supervision(),
        );
        let _ = STAGES.map(|stage| reader.latency(stage));
        let _ = (
            reader.positions().count(),
            reader.signals().count(),
            reader.orders().count(),
            reader.differences().count(),
            reader.pages().count(),
        );
    }
}

#[test]
fn the_layout_is_pinned() {
    let groups: Vec<_> = layout()
        .iter()
        .map(|group| (group.name, group.offset, group.slot_bytes, group.slots))
        .collect();
    let expected = [
        ("session", 512, 128, 1),
        ("engine", 640, 256, 1),
        ("feed", 896, 384, 1),
        ("gateway", 1_280, 192, 1),
        ("latency", 1_472, 64, 5),
        ("position", 1_792, 128, 64),
        ("signal", 9_984, 192, 16),
        ("order", 13_056, 128, 64),
        ("denial", 21_248, 832, 1),
        ("supervision", 22_080, 320, 1),
        ("difference", 22_400, 128, 16),
        ("page", 24_448, 128, 23),
    ];
    assert_eq!(groups, expected);
    assert_eq!((SNAPSHOT_BYTES, layout_hash()), (27_392, 0x392f_56a4_6017_b5a0));

    let mut memory = vec![0xEE; SNAPSHOT_BYTES];
    SnapshotWriter::create(&mut memory).expect("enough aligned memory");
    let hex: String = memory[..128].iter().map(|byte| format!("{byte:02x}")).collect();
    let header = "42494a4c534e41500200000000000000a0b51760a4562f39006b000000000000\
        0c00000000000000000200000000000080000000000000000100000000000000\
        8002000000000000000100000000000001000000000000008003000000000000\
        800100000000000001000000000000000005000000000000c000000000000000";
    assert_eq!(hex, header);
}
