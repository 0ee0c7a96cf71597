//! A small invented day for the tests of the report.

use bijli_core::command::Place;
use bijli_core::denial::Denial;
use bijli_core::event::{DataKind, Submission, VenueKind};
use bijli_core::order::{BrokerOrderId, IntentId, OrderState, OrderType, Purpose, Side, Validity};
use bijli_core::orders::Order;
use bijli_core::strategy::{ExitReason, Signal, StrategyId};
use bijli_core::time::DurationNs;
use bijli_core::{InstrumentId, IstDay, Money, Price, Qty, TsNs};

use super::day::{Day, EquityPoint, Note, OrderRow, SignalRow};
use super::trips::{BookedFill, Trip, TripBook};

/// An instant of the sample day.
pub(crate) fn at(hours: i64, minutes: i64) -> TsNs {
    IstDay::from_ymd(2026, 7, 31)
        .expect("a real date")
        .at(DurationNs::from_hm(hours, minutes))
}

fn signal(ts: TsNs, instrument: u32, score_ppm: u32) -> Signal {
    Signal {
        ts,
        strategy: StrategyId::SPIKE,
        instrument: InstrumentId::new(instrument),
        side: Side::Buy,
        score_ppm,
        parts_ppm: [900_000, 800_000, 850_000, 700_000, 600_000, 950_000],
        price: Price::new(15_000_000),
    }
}

fn order(sequence: u32, ts: TsNs, side: Side, qty: i64, rupees: i64) -> OrderRow {
    let entry = side == Side::Buy;
    let turnover = Money::from_rupees(rupees * qty);
    let place = Place {
        ts,
        intent: IntentId::new(1, sequence),
        instrument: InstrumentId::new(1),
        side,
        purpose: if entry { Purpose::Entry } else { Purpose::Exit },
        order_type: OrderType::Limit,
        validity: Validity::Day,
        qty: Qty::new(qty),
        price: Price::new((rupees + side.sign()) * 10_000),
        trigger: Price::NONE,
    };
    let mut order = Order::submitted(&place, Price::new(rupees * 10_000 - side.sign() * 500));
    order.order_id = BrokerOrderId::new(&format!("25073100000{sequence:04}")).expect("fits");
    order.state = OrderState::Filled;
    (order.filled, order.reported_filled) = (place.qty, place.qty);
    (order.turnover, order.charges) = (turnover, Money::new(153_400));
    order.strategy = Some(StrategyId::SPIKE);
    order.signal = entry.then(|| signal(ts, 1, 830_000));
    order.exit_reason = (!entry).then_some(ExitReason::Target);
    OrderRow {
        order,
        order_type: Some(OrderType::Limit),
        validity: Some(Validity::Day),
        acked: TsNs::new(ts.get() + 12_000_000),
        submission: Some(Submission::Acked),
        code: String::new(),
    }
}

fn trips(orders: &[OrderRow]) -> Vec<Trip> {
    let mut trips = TripBook::default();
    for (index, row) in orders.iter().enumerate() {
        trips.fill(&BookedFill {
            ts: row.order.placed_ts,
            instrument: row.order.instrument,
            side: row.order.side,
            qty: row.order.qty,
            price: row.order.average_price(),
            charges: row.order.charges,
            decision_price: row.order.decision_price,
            strategy: row.order.strategy,
            signal: row.order.signal,
            reason: match index {
                0 => None,
                1 => Some(ExitReason::Target),
                _ => Some(ExitReason::Trail),
            },
        });
    }
    trips.into_trips()
}

/// A day with one winning round trip in two exits, one denied signal and a feed that went mute.
pub(crate) fn day() -> Day {
    let orders = vec![
        order(1, at(9, 20), Side::Buy, 20, 1_500),
        order(2, at(10, 5), Side::Sell, 10, 1_560),
        order(3, at(11, 40), Side::Sell, 10, 1_540),
    ];
    let net = |rupees| Money::from_rupees(rupees);
    let mut day = Day {
        day: at(9, 15).ist_day(),
        data: Some(DataKind::Synthetic),
        venue: Some(VenueKind::Simulated),
        capital: Money::from_rupees(100_000),
        symbols: vec!["NIFTY".to_owned(), "RELIANCE".to_owned()],
        trips: trips(&orders),
        orders,
        signals: vec![
            SignalRow {
                signal: signal(at(9, 20), 1, 830_000),
                denial: None,
            },
            SignalRow {
                signal: signal(at(9, 31), 1, 790_000),
                denial: Some(Denial::Cooldown),
            },
        ],
        best: Some(signal(at(9, 20), 1, 830_000)),
        denials: vec![(Denial::Cooldown, 1)],
        equity: [
            (9, 15, 0),
            (9, 30, -240),
            (10, 5, 585),
            (11, 0, 310),
            (15, 20, 954),
        ]
        .map(|(hour, minute, rupees)| EquityPoint {
            ts: at(hour, minute),
            net: net(rupees),
        })
        .to_vec(),
        notes: vec![Note {
            ts: at(12, 1),
            kind: "feed",
            text: "feed MUTE <2 s>".to_owned(),
        }],
        acked: 3,
        epochs: 1,
        realised: net(1_000),
        charges: Money::new(460_200),
        net: Money::new(9_539_800),
        last: at(15, 30),
        ..Day::default()
    };
    day.counts.ticks = 123_456;
    day.counts.signals = 2;
    day.counts.entries = 1;
    day.counts.exits = 2;
    day.counts.fills = 3;
    day
}
