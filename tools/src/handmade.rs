//! A small day made by hand for tests: a journal as an engine would have written it.
//!
//! One share; a position that the broker reports; an operator who flattens it; the exit's fill in two parts.

use std::path::Path;

use bijli_core::codec::{Checkpoint, Closed, Item};
use bijli_core::config::Config;
use bijli_core::event::{
    Controlled, DataKind, Event, FeedChanged, FeedState, IntentResolved, PositionReported, ProcessStarted,
    Reconciled, SessionOpened, Submission, Tick, Traded, VenueKind, Verb,
};
use bijli_core::instrument::{Instrument, InstrumentKind};
use bijli_core::journal::JournalWriter;
use bijli_core::order::{IntentId, Side};
use bijli_core::record::SegmentHeader;
use bijli_core::session::{Market, SessionTimes};
use bijli_core::text::Text;
use bijli_core::time::DurationNs;
use bijli_core::{Commands, Engine, InstrumentId, IstDay, Price, Qty, SectorId, TsNs};
use bijli_strategy::SpikeStrategy;

const SEGMENT_BYTES: usize = 1 << 14;

/// A journal being made, with the engine that decides what it holds.
pub(crate) struct HandmadeDay {
    engine: Engine<SpikeStrategy>,
    commands: Commands,
    events: u64,
    items: Vec<(Item, TsNs)>,
}

/// An instant of the day, minutes after the open.
pub(crate) fn minute(minutes: i64) -> TsNs {
    day().at(DurationNs::from_hm(9, 15 + minutes))
}

fn day() -> IstDay {
    IstDay::from_ymd(2026, 7, 31).expect("a real date")
}

pub(crate) fn share() -> Instrument {
    Instrument {
        id: InstrumentId::new(0),
        kind: InstrumentKind::Equity,
        underlying: InstrumentId::new(0),
        tick: Price::from_paise(5),
        lot: Qty::new(1),
        freeze: Qty::new(10_000),
        prev_close: Price::new(15_000_000),
        expiry: IstDay::new(0),
        strike: Price::NONE,
        lower_band: Price::NONE,
        upper_band: Price::NONE,
        sector: SectorId::OTHER,
        key: Text::new("NSE_EQ|INE002A01018").expect("fits"),
        symbol: Text::new("RELIANCE").expect("fits"),
    }
}

fn tick(minutes: i64, rupees: i64) -> Event {
    let price = Price::new(rupees * 10_000);
    Event::Ticked(Tick {
        ts: minute(minutes),
        ts_event: minute(minutes),
        ltp: price,
        bid: Price::new(price.get() - 500),
        ask: Price::new(price.get() + 500),
        bid_qty: Qty::new(100),
        ask_qty: Qty::new(100),
        ltq: Qty::new(1),
        volume: Qty::new(1_000 + minutes),
        ..Tick::default()
    })
}

fn trade(minutes: i64, number: u32, qty: i64, rupees: i64) -> Event {
    Event::Traded(Traded {
        ts: minute(minutes),
        intent: Some(IntentId::new(1, 1)),
        order_id: Text::new("250731000001").expect("fits"),
        trade_id: Text::new(&format!("T{number}")).expect("fits"),
        instrument: InstrumentId::new(0),
        side: Side::Sell,
        qty: Qty::new(qty),
        price: Price::new(rupees * 10_000),
    })
}

impl HandmadeDay {
    /// A day with everything that a replay meets, closed in order.
    pub(crate) fn new() -> Self {
        let mut made = Self::opened();
        made.mark();
        let events = [
            Event::PositionReported(PositionReported {
                ts: minute(2),
                instrument: InstrumentId::new(0),
                qty: Qty::new(20),
                last_price: Price::NONE,
            }),
            Event::Reconciled(Reconciled {
                ts: minute(2),
                broker_orders: 0,
                foreign_orders: 0,
            }),
            tick(3, 1_480),
            Event::Controlled(Controlled {
                strategy: None,
                ts: minute(4),
                verb: Verb::Flatten,
                instrument: None,
                uid: 1_000,
                command_id: 7,
                reason: Text::new("lunch").expect("fits"),
            }),
            Event::IntentResolved(IntentResolved {
                ts: minute(5),
                intent: IntentId::new(1, 1),
                submission: Submission::Acked,
                order_id: Text::new("250731000001").expect("fits"),
                code: Text::EMPTY,
            }),
            trade(6, 1, 15, 1_479),
            tick(7, 1_520),
            trade(8, 2, 5, 1_500),
            Event::FeedChanged(FeedChanged {
                ts: minute(9),
                state: FeedState::Mute,
            }),
        ];
        for event in events {
            made.apply(event);
        }
        let closed = Closed {
            events: made.events,
            state_hash: made.engine.state_hash(),
        };
        made.items.push((Item::Closed(closed), minute(10)));
        made
    }

    fn opened() -> Self {
        let mut made = Self {
            engine: Engine::new(SpikeStrategy::new()),
            commands: Commands::default(),
            events: 0,
            items: Vec::new(),
        };
        let times = |market| SessionTimes::of(day(), market).expect("a trading day");
        let events = [
            Event::SessionOpened(SessionOpened {
                ts: minute(0),
                day: day(),
                data: DataKind::Synthetic,
                venue: VenueKind::Simulated,
                cash: times(Market::Cash),
                derivatives: times(Market::Derivatives),
            }),
            Event::Configured(Config::default()),
            Event::InstrumentListed(share()),
            Event::ProcessStarted(ProcessStarted {
                ts: minute(0),
                epoch: 1,
            }),
            Event::FeedChanged(FeedChanged {
                ts: minute(0),
                state: FeedState::Live,
            }),
            tick(1, 1_500),
        ];
        for event in events {
            made.apply(event);
        }
        made
    }

    fn apply(&mut self, event: Event) {
        self.engine.apply(&event, &mut self.commands);
        self.events += 1;
        self.items.push((Item::Event(event), self.engine.state().now()));
        for command in self.commands.iter() {
            self.items
                .push((Item::Command(*command), self.engine.state().now()));
        }
    }

    fn mark(&mut self) {
        let mark = Checkpoint {
            events: self.events,
            state_hash: self.engine.state_hash(),
        };
        self.items
            .push((Item::Checkpoint(mark), self.engine.state().now()));
    }

    /// The items in order, to be tampered with.
    pub(crate) fn items(&mut self) -> &mut Vec<(Item, TsNs)> {
        &mut self.items
    }

    /// Hash of the engine's state at the end.
    pub(crate) fn state_hash(&self) -> u64 {
        self.engine.state_hash()
    }

    /// Events in the journal.
    pub(crate) const fn events(&self) -> u64 {
        self.events
    }

    /// Writes the journal into a folder, a new segment behind each of `cuts` items.
    pub(crate) fn write(&self, folder: &Path, cuts: &[usize]) {
        std::fs::create_dir_all(folder).expect("a folder for the journal");
        let mut rest = self.items.as_slice();
        let mut first_seq = 0;
        for (segment, count) in cuts.iter().copied().chain([usize::MAX]).enumerate() {
            let (items, after) = rest.split_at(count.min(rest.len()));
            let header = SegmentHeader {
                segment: segment as u32,
                epoch: 1,
                day: day(),
                first_seq,
            };
            let mut writer = JournalWriter::create(vec![0; SEGMENT_BYTES], header).expect("a fresh segment");
            for (item, ts) in items {
                first_seq = 1 + writer.append_item(item, *ts).expect("the segment has room");
            }
            let path = folder.join(format!("segment-{segment:05}.bjl"));
            std::fs::write(path, writer.into_inner()).expect("a fresh file");
            rest = after;
        }
    }
}
