//! The books that a strategy sees, kept without an engine: quotes, positions that fill at once, the clock.
//!
//! Shared by the tests and the examples of this crate. Leaves out the risk gate, orders and their delays.
#![allow(dead_code, unreachable_pub)]

use bijli_core::config::Config;
use bijli_core::event::{SessionOpened, Tick, TickFlags, Traded};
use bijli_core::group::GroupBook;
use bijli_core::held::HeldBook;
use bijli_core::instrument::InstrumentKind;
use bijli_core::order::Side;
use bijli_core::position::Position;
use bijli_core::quote::Quote;
use bijli_core::session::{Market, SessionTimes};
use bijli_core::state_hash::StateHasher;
use bijli_core::strategy::{Enter, Intent, Intents, Leave, Strategy, View};
use bijli_core::text::Text;
use bijli_core::{DurationNs, Event, Instrument, InstrumentId, IstDay, Money, Price, Qty, SectorId, TsNs};
use bijli_strategy::SpikeStrategy;

/// Whether wishes become fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fills {
    /// Wishes are only recorded.
    Never,
    /// Wishes fill in full at the touch before the next tick, if nothing contradicts them.
    AtOnce,
}

/// A strategy with its books.
pub struct Desk {
    pub strategy: SpikeStrategy,
    pub config: Config,
    pub day: IstDay,
    pub now: TsNs,
    pub instruments: Vec<Instrument>,
    pub quotes: Vec<Quote>,
    pub positions: Vec<Position>,
    pub fills: Fills,
    /// Nobody takes a position over here.
    pub held: HeldBook,
    pub groups: GroupBook,
    session: SessionTimes,
    intents: Intents,
}

/// A share with a tick of five paise and a lot of one.
pub fn share(id: u32, symbol: &str) -> Instrument {
    Instrument {
        id: InstrumentId::new(id),
        kind: InstrumentKind::Equity,
        underlying: InstrumentId::new(id),
        tick: Price::from_paise(5),
        lot: Qty::new(1),
        freeze: Qty::new(100_000),
        prev_close: Price::NONE,
        expiry: IstDay::default(),
        strike: Price::NONE,
        lower_band: Price::NONE,
        upper_band: Price::NONE,
        sector: SectorId::OTHER,
        key: Text::new(&format!("NSE_EQ|{id}")).expect("short"),
        symbol: Text::new(symbol).expect("a short symbol"),
    }
}

impl Desk {
    /// A day with these instruments, opened and listed.
    pub fn open(day: IstDay, instruments: &[Instrument], fills: Fills) -> Self {
        let session = SessionTimes::of(day, Market::Cash).expect("a trading day");
        let mut desk = Self {
            strategy: SpikeStrategy::new(),
            config: Config::default(),
            day,
            now: session.open,
            instruments: instruments.to_vec(),
            quotes: vec![Quote::default(); instruments.len()],
            positions: vec![Position::default(); instruments.len()],
            fills,
            held: HeldBook::default(),
            groups: GroupBook::default(),
            session,
            intents: Intents::default(),
        };
        desk.apply(&Event::SessionOpened(SessionOpened {
            ts: session.open,
            day,
            data: bijli_core::event::DataKind::Synthetic,
            venue: bijli_core::event::VenueKind::Simulated,
            cash: session,
            derivatives: session,
        }));
        for instrument in instruments {
            desk.apply(&Event::InstrumentListed(*instrument));
        }
        desk
    }

    /// The instant that lies so long after midnight.
    pub fn at(&self, time_of_day: DurationNs) -> TsNs {
        self.day.at(time_of_day)
    }

    /// Takes an event into the books, then into the strategy; gives its wishes.
    pub fn apply(&mut self, event: &Event) -> &Intents {
        if let Event::Ticked(tick) = event {
            self.now = tick.ts;
            self.quotes[tick.instrument.index()].apply(tick);
        }
        self.intents.clear();
        let view = View {
            now: self.now,
            config: &self.config,
            instruments: &self.instruments,
            quotes: &self.quotes,
            positions: &self.positions,
            held: &self.held,
            groups: &self.groups,
            cash: &self.session,
            derivatives: &self.session,
            equity: Money::from_rupees(100_000),
            exposure_total: Money::ZERO,
            exposure_options: Money::ZERO,
            books: None,
        };
        self.strategy.handle(&view, event, &mut self.intents);
        &self.intents
    }

    /// Applies a tick, records its wishes in `wishes` and fills them if the desk fills.
    pub fn tick(&mut self, tick: &Tick, wishes: &mut Vec<(TsNs, Intent)>) {
        let first = wishes.len();
        self.apply(&Event::Ticked(*tick));
        wishes.extend(self.intents.iter().map(|intent| (self.now, *intent)));
        if self.fills == Fills::AtOnce {
            for (_, wish) in &wishes[first..] {
                self.fill(wish);
            }
        }
    }

    /// Fills a wish in full at the touch and tells the strategy, unless a position or its absence forbids it.
    pub fn fill(&mut self, intent: &Intent) {
        let (instrument, side, qty) = match intent {
            Intent::Enter(Enter { signal, qty, .. }) => (signal.instrument, signal.side, *qty),
            Intent::Leave(Leave { instrument, qty, .. }) => {
                let long = self.positions[instrument.index()].qty.get() > 0;
                (*instrument, if long { Side::Sell } else { Side::Buy }, *qty)
            }
            Intent::Protect(_) | Intent::EnterGroup(_) | Intent::LeaveGroup(_) => return,
        };
        let is_entry = matches!(intent, Intent::Enter(_));
        if qty.get() <= 0 || is_entry != self.positions[instrument.index()].is_flat() {
            return;
        }
        let quote = &self.quotes[instrument.index()];
        let price = if side == Side::Buy { quote.ask } else { quote.bid };
        self.trade(instrument, side, qty, price);
    }

    /// Books one fill and tells the strategy.
    pub fn trade(&mut self, instrument: InstrumentId, side: Side, qty: Qty, price: Price) {
        self.positions[instrument.index()]
            .fill(side, qty, price)
            .expect("small numbers");
        self.apply(&Event::Traded(Traded {
            ts: self.now,
            intent: None,
            order_id: Text::EMPTY,
            trade_id: Text::EMPTY,
            instrument,
            side,
            qty,
            price,
        }));
    }

    /// The hash of the strategy's state.
    pub fn hash(&self) -> u64 {
        let mut hasher = StateHasher::default();
        self.strategy.hash_into(&mut hasher);
        hasher.finish()
    }
}

/// A sound tick with a book one step wide around its price.
pub fn tick(instrument: &Instrument, ts: TsNs, ltp: Price, volume: i64) -> Tick {
    Tick {
        ts,
        ts_event: ts,
        instrument: instrument.id,
        flags: TickFlags::NONE,
        ltp,
        bid: Price::new(ltp.get() - instrument.tick.get()),
        ask: Price::new(ltp.get() + instrument.tick.get()),
        bid_qty: Qty::new(1_000),
        ask_qty: Qty::new(1_000),
        ltq: Qty::new(1),
        volume: Qty::new(volume),
        ..Tick::default()
    }
}

/// A small generator of reproducible numbers (Steele, Lea, Flood: SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// An integer from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.bits() % (high - low + 1) as u64) as i64
    }
}
