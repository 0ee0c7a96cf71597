//! A small invented engine state for the tests of everything that shows one.

use bijli_core::config::RiskConfig;
use bijli_core::event::{DataKind, FeedState, VenueKind};
use bijli_core::latency::STAGES;
use bijli_core::order::{IntentId, OrderState, Purpose, Side};
use bijli_core::page::PageReason;
use bijli_core::readout::{
    DENIAL_COUNTS, DenialReadout, DifferenceReadout, EngineReadout, FeedReadout, GatewayReadout,
    LatencyReadout, OrderReadout, PageReadout, PositionReadout, SessionReadout, SignalReadout,
    SupervisionReadout,
};
use bijli_core::snapshot::SnapshotWriter;
use bijli_core::strategy::StrategyId;
use bijli_core::text::Text;
use bijli_core::time::DurationNs;
use bijli_core::{Denial, InstrumentId, IstDay, Money, Price, Qty, TsNs};

use super::readouts::{Readouts, Sight};

fn at(hours: i64, minutes: i64) -> TsNs {
    IstDay::from_ymd(2026, 7, 31)
        .expect("a real date")
        .at(DurationNs::from_hm(hours, minutes))
}

fn symbol(text: &str) -> Text<40> {
    Text::new(text).expect("a short symbol")
}

fn signal(minute: i64, name: &str, score_ppm: u32, verdict: u8) -> SignalReadout {
    SignalReadout {
        ts: at(11, minute),
        strategy: StrategyId::SPIKE,
        instrument: InstrumentId::new(7),
        symbol: symbol(name),
        side: Side::Buy,
        score_ppm,
        parts_ppm: [900_000, 800_000, 850_000, 700_000, 600_000, 950_000],
        price: Price::new(15_002_500),
        verdict,
    }
}

fn order(sequence: u32, name: &str, side: Side, state: OrderState) -> OrderReadout {
    OrderReadout {
        intent: IntentId::new(1, sequence),
        symbol: symbol(name),
        side,
        purpose: if side == Side::Buy {
            Purpose::Entry
        } else {
            Purpose::Exit
        },
        strategy: Some(StrategyId::SPIKE),
        state,
        qty: Qty::new(20),
        filled: Qty::new(if state == OrderState::Filled { 20 } else { 5 }),
        price: Price::new(15_010_000),
        ts: at(11, i64::from(sequence)),
    }
}

fn engine() -> EngineReadout {
    EngineReadout {
        now: at(11, 42),
        mode: 1,
        events: 1_234_567,
        ticks_applied: 1_200_000,
        signals: 9,
        best_score_ppm: 871_000,
        entries_sent: 4,
        exits_sent: 3,
        denials: 5,
        fills: 11,
        open_positions: 1,
        orders_live: 1,
        orders_unknown: 0,
        realised: Money::from_rupees(1_250),
        unrealised: Money::new(-1_234_500),
        charges: Money::new(1_105_500),
        equity: Money::from_rupees(101_016),
        day_loss_latched: false,
        kill_latched: false,
        anomalies: 17,
        journal_records: 1_240_000,
        journal_bytes: 158_720_000,
        wall_ns: TsNs::new(1_000_000_000_000),
    }
}

fn feed() -> FeedReadout {
    FeedReadout {
        state: FeedState::Live,
        frames: 52_000,
        bytes: 91_000_000,
        ticks_received: 1_206_000,
        ticks_conflated: 6_000,
        unknown_keys: 0,
        decode_errors: 2,
        reconnects: 1,
        last_frame: at(11, 42),
        subscribed: 180,
        seen: 179,
        never_seen: 1,
        refused: 0,
        refused_keys: Text::new("NSE_EQ|INE000000000").expect("it fits"),
        subscribed_after: DurationNs::from_millis(61),
        stale: 3,
        oldest_key: Text::new("NSE_EQ|INE111111111").expect("it fits"),
        oldest_age: DurationNs::from_secs(9),
        ring_depth_max: 311,
        ring_full: 0,
    }
}

fn gateway() -> GatewayReadout {
    GatewayReadout {
        orders_sent: 7,
        acked: 6,
        refused: 1,
        unknown: 0,
        modifies: 2,
        cancels: 1,
        reads: 19,
        in_flight: 1,
        calls_last_second: 3,
        stream_connected: true,
        token_dead: false,
        error_alert: false,
        write_breaker: 0,
        write_failures: 1,
        write_errors_last_minute: 1,
        read_breaker: 2,
        read_failures: 6,
        read_retries: 2,
        read_errors_last_minute: 3,
    }
}

/// A busy engine: one open position, three signals, two orders.
pub(crate) fn readouts() -> Readouts {
    let mut counts = [0; DENIAL_COUNTS];
    counts[0] = 4;
    counts[usize::from(Denial::Cooldown.number())] = 3;
    counts[usize::from(Denial::PositionsMax.number())] = 2;
    let stage = |index: u64| LatencyReadout {
        count: 1_000 * (5 - index),
        p50: 400 << (2 * index),
        p99: 1_900 << (2 * index),
        p999: 7_000 << (2 * index),
        max: 90_000 << (2 * index),
    };
    let mut latency = [None; STAGES.len()];
    for (index, slot) in latency.iter_mut().enumerate().take(4) {
        *slot = Some(stage(index as u64));
    }
    Readouts {
        session: SessionReadout {
            day: at(9, 15).ist_day(),
            data: DataKind::Synthetic,
            venue: VenueKind::Simulated,
            epoch: 1,
            pid: 4_242,
            started: at(9, 0),
            token_expires: at(27, 30),
        },
        engine: Some(engine()),
        feed: Some(feed()),
        gateway: Some(gateway()),
        latency,
        positions: vec![PositionReadout {
            instrument: InstrumentId::new(7),
            symbol: symbol("RELIANCE"),
            qty: Qty::new(20),
            average: Price::new(15_064_200),
            ltp: Price::new(15_002_500),
            unrealised: Money::new(-1_234_500),
            realised: Money::ZERO,
            stop: Price::new(14_311_000),
            stage: 2,
        }],
        signals: vec![
            signal(41, "RELIANCE", 871_000, 0),
            signal(35, "TATAMOTORS", 740_000, Denial::Cooldown.number()),
            signal(20, "INFY", 725_000, Denial::PositionsMax.number()),
        ],
        orders: vec![
            order(2, "RELIANCE", Side::Sell, OrderState::Open),
            order(1, "RELIANCE", Side::Buy, OrderState::Filled),
        ],
        denials: Some(DenialReadout { counts }),
        supervision: Some(supervision()),
        differences: vec![DifferenceReadout {
            kind: 0,
            symbol: symbol("INFY"),
            ours: Qty::new(20),
            brokers: Qty::ZERO,
            since: at(9, 20),
        }],
        pages: vec![PageReadout {
            reason: PageReason::ExitRejected as u8,
            count: 3,
            symbol: symbol("RELIANCE"),
            first: at(11, 30),
            last: at(11, 41),
        }],
        doubts: Vec::new(),
    }
}

/// The address step (number 5) failed; a difference waits for a person.
fn supervision() -> SupervisionReadout {
    SupervisionReadout {
        start_verdicts: 3 << (8 * 5),
        barring_step: 6,
        barring_note: symbol("203.0.113.7 is not registered"),
        reconciled: true,
        differences: 1,
        controls: 4,
        controls_refused: 1,
        funds_told: true,
        funds_available: Money::from_rupees(70_000),
        funds_used: Money::from_rupees(30_000),
        funds_ts: at(11, 41),
        ..SupervisionReadout::default()
    }
}

/// The same, seen 120 ms after its last write.
pub(crate) fn sight() -> Sight {
    Sight {
        run: "runs/sample".to_owned(),
        readouts: readouts(),
        risk: Some(RiskConfig::default()),
        writer_alive: true,
        taken: TsNs::new(1_000_120_000_000),
    }
}

/// Writes a state as an engine would.
pub(crate) fn write(writer: &SnapshotWriter<'_>, readouts: &Readouts) {
    writer.put_session(&readouts.session);
    if let (Some(engine), Some(feed), Some(gateway), Some(denials)) = (
        &readouts.engine,
        &readouts.feed,
        &readouts.gateway,
        &readouts.denials,
    ) {
        writer.put_engine(engine);
        writer.put_feed(feed);
        writer.put_gateway(gateway);
        writer.put_denials(denials);
    }
    if let Some(supervision) = &readouts.supervision {
        writer.put_supervision(supervision);
    }
    for (slot, difference) in readouts.differences.iter().enumerate() {
        writer.put_difference(slot, Some(difference));
    }
    for page in &readouts.pages {
        writer.put_page(page);
    }
    for (stage, latency) in STAGES.into_iter().zip(readouts.latency) {
        if let Some(latency) = latency {
            writer.put_latency(stage, &latency);
        }
    }
    for (slot, position) in readouts.positions.iter().enumerate() {
        writer.put_position(slot, position);
    }
    for (number, signal) in readouts.signals.iter().enumerate() {
        writer.put_signal(number, signal);
    }
    for (number, order) in readouts.orders.iter().enumerate() {
        writer.put_order(number, order);
    }
}
