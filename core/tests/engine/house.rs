//! A small house around the engine: one instrument, a scripted strategy and short ways to make events.

use std::cell::RefCell;
use std::rc::Rc;

use bijli_core::command::{Command, Commands, Place, Reconcile};
use bijli_core::config::Config;
use bijli_core::event::{
    Controlled, DataKind, Event, FeedChanged, FeedState, FlatChecked, IntentResolved, OrderUpdated,
    PositionReported, ProcessStarted, Reconciled, SessionOpened, Submission, Tick, TickFlags, Traded,
    VenueKind, Verb,
};
use bijli_core::instrument::{Instrument, InstrumentKind};
use bijli_core::order::{BrokerOrderId, BrokerStatus, IntentId, Side, TradeId};
use bijli_core::page::PageReason;
use bijli_core::session::{Market, SessionTimes};
use bijli_core::state_hash::StateHasher;
use bijli_core::strategy::{
    Enter, ExitReason, Intent, Intents, Leave, SCORE_PARTS, Signal, Strategy, StrategyId, View,
};
use bijli_core::text::Text;
use bijli_core::{DurationNs, Engine, InstrumentId, IstDay, Money, Price, Qty, SectorId, TsNs};

pub(crate) const STOCK: InstrumentId = InstrumentId::new(0);
pub(crate) const OTHER: InstrumentId = InstrumentId::new(1);

/// Wishes whatever was put into its letter box.
#[derive(Default, Debug)]
pub(crate) struct Script(Rc<RefCell<Vec<Intent>>>);

impl Strategy for Script {
    fn handle(&mut self, _: &View<'_>, _: &Event, intents: &mut Intents) {
        for intent in self.0.borrow_mut().drain(..) {
            intents.push(intent);
        }
    }

    fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(self.0.borrow().len() as u64);
    }

    fn best_signal(&self) -> Option<Signal> {
        None
    }
}

pub(crate) struct House {
    pub(crate) engine: Engine<Script>,
    wishes: Rc<RefCell<Vec<Intent>>>,
    commands: Commands,
    pub(crate) now: TsNs,
    trade_count: u32,
}

pub(crate) fn at(hour: i64, minute: i64) -> TsNs {
    IstDay::from_ymd(2026, 7, 31)
        .expect("a real date")
        .at(DurationNs::from_hm(hour, minute))
}

impl House {
    /// A reconciled engine with two stocks at ten in the morning and a live feed.
    pub(crate) fn open() -> Self {
        Self::open_for([Market::Cash, Market::Derivatives].map(hours_of))
    }

    /// The same, on a day with these hours of shares and of derivatives.
    pub(crate) fn open_for([cash, derivatives]: [SessionTimes; 2]) -> Self {
        let wishes = Rc::new(RefCell::new(Vec::new()));
        let engine = Engine::new(Script(Rc::clone(&wishes)));
        let mut house = Self {
            engine,
            wishes,
            commands: Commands::default(),
            now: at(10, 0),
            trade_count: 0,
        };
        house.tell(Event::SessionOpened(SessionOpened {
            ts: house.now,
            day: at(10, 0).ist_day(),
            data: DataKind::Synthetic,
            venue: VenueKind::Simulated,
            cash,
            derivatives,
        }));
        house.tell(Event::Configured(Config::default()));
        for id in [STOCK, OTHER] {
            house.tell(Event::InstrumentListed(stock(id)));
        }
        house.start(1);
        house.reconcile();
        for _ in 0..3 {
            house.tick(STOCK, 10_000);
            house.tick(OTHER, 10_000);
        }
        house
    }

    /// Applies an event; gives the commands it caused.
    pub(crate) fn tell(&mut self, event: Event) -> Vec<Command> {
        self.engine.apply(&event, &mut self.commands);
        self.commands.iter().copied().collect()
    }

    pub(crate) fn start(&mut self, epoch: u32) {
        self.tell(Event::ProcessStarted(ProcessStarted { ts: self.now, epoch }));
        self.tell(Event::FeedChanged(FeedChanged {
            ts: self.now,
            state: FeedState::Live,
        }));
    }

    /// A round of the broker's books ends.
    pub(crate) fn reconcile(&mut self) -> Vec<Command> {
        self.tell(Event::Reconciled(Reconciled {
            ts: self.now,
            broker_orders: 0,
            foreign_orders: 0,
        }))
    }

    /// A tick with the last price in paise, one tick of spread and plenty on both sides.
    pub(crate) fn tick(&mut self, instrument: InstrumentId, paise: i64) -> Vec<Command> {
        self.tell(Event::Ticked(Tick {
            ts: self.now,
            ts_event: self.now,
            instrument,
            flags: TickFlags::NONE,
            ltp: Price::from_paise(paise),
            bid: Price::from_paise(paise - 5),
            ask: Price::from_paise(paise + 5),
            bid_qty: Qty::new(1_000),
            ask_qty: Qty::new(1_000),
            ..Tick::default()
        }))
    }

    /// Time passes and the timed actions run.
    pub(crate) fn wait(&mut self, length: DurationNs) -> Vec<Command> {
        self.now = self.now.plus(length);
        self.tell(Event::TimePassed(self.now))
    }

    pub(crate) fn wish(&mut self, intent: Intent) -> Vec<Command> {
        self.wishes.borrow_mut().push(intent);
        self.tell(Event::FeedChanged(FeedChanged {
            ts: self.now,
            state: FeedState::Live,
        }))
    }

    /// Wishes to buy a hundred at 100.10 with a stop 5 % below.
    pub(crate) fn wish_to_buy(&mut self, instrument: InstrumentId) -> Vec<Command> {
        self.wish_to_enter(instrument, Side::Buy, 100)
    }

    /// Wishes to sell a hundred at 99.90 with a stop 5 % above.
    pub(crate) fn wish_to_sell(&mut self, instrument: InstrumentId) -> Vec<Command> {
        self.wish_to_enter(instrument, Side::Sell, 100)
    }

    /// Wishes for `qty` at ten paise beyond the last price, with a stop 5 % away.
    pub(crate) fn wish_to_enter(&mut self, instrument: InstrumentId, side: Side, qty: i64) -> Vec<Command> {
        let signal = Signal {
            ts: self.now,
            strategy: StrategyId::SPIKE,
            instrument,
            side,
            score_ppm: 900_000,
            parts_ppm: [0; SCORE_PARTS.len()],
            price: Price::from_paise(10_000),
        };
        self.wish(Intent::Enter(Enter {
            signal,
            qty: Qty::new(qty),
            limit: Price::from_paise(10_000 + 10 * side.sign()),
            stop: Price::from_paise(10_000 - 490 * side.sign()),
            adds: false,
        }))
    }

    pub(crate) fn wish_to_leave(&mut self, instrument: InstrumentId, qty: i64) -> Vec<Command> {
        self.wish(Intent::Leave(Leave {
            instrument,
            qty: Qty::new(qty),
            reason: ExitReason::Stop,
        }))
    }

    pub(crate) fn resolve(&mut self, intent: IntentId, submission: Submission) -> Vec<Command> {
        let order_id = match submission {
            Submission::Acked => id_of(intent),
            _ => BrokerOrderId::EMPTY,
        };
        let code = Text::EMPTY;
        self.tell(Event::IntentResolved(IntentResolved {
            ts: self.now,
            intent,
            submission,
            order_id,
            code,
        }))
    }

    /// Modifies that were asked of an intent's order: the rows of this house are younger than all of them.
    pub(crate) fn modifies_of(&self, intent: IntentId) -> u8 {
        let orders = self.engine.state().orders();
        let index = orders.find(Some(intent), &BrokerOrderId::EMPTY);
        index.map_or(0, |index| orders.get(index).modifies)
    }

    pub(crate) fn update(&mut self, place: &Place, status: BrokerStatus, filled: i64) -> Vec<Command> {
        self.tell(Event::OrderUpdated(OrderUpdated {
            ts: self.now,
            intent: Some(place.intent),
            order_id: id_of(place.intent),
            instrument: place.instrument,
            side: place.side,
            status,
            qty: place.qty,
            filled: Qty::new(filled),
            price: place.price,
            trigger: place.trigger,
            average_price: place.price,
            modifies_ended: self.modifies_of(place.intent),
        }))
    }

    pub(crate) fn trade(&mut self, place: &Place, qty: i64, paise: i64) -> Traded {
        let trade = self.fill_of(place, qty, paise);
        self.tell(Event::Traded(trade));
        trade
    }

    /// The next trade of a placement's order, not told yet.
    pub(crate) fn fill_of(&mut self, place: &Place, qty: i64, paise: i64) -> Traded {
        self.trade_count += 1;
        Traded {
            ts: self.now,
            intent: Some(place.intent),
            order_id: id_of(place.intent),
            trade_id: TradeId::new(&format!("T{}", self.trade_count)).expect("short text"),
            instrument: place.instrument,
            side: place.side,
            qty: Qty::new(qty),
            price: Price::from_paise(paise),
        }
    }

    pub(crate) fn control(&mut self, verb: Verb, command_id: u64) -> Vec<Command> {
        self.control_of((verb == Verb::Exit).then_some(STOCK), verb, command_id)
    }

    /// A word about one instrument.
    pub(crate) fn control_of(
        &mut self,
        instrument: Option<InstrumentId>,
        verb: Verb,
        command_id: u64,
    ) -> Vec<Command> {
        self.tell(Event::Controlled(Controlled {
            strategy: None,
            ts: self.now,
            verb,
            instrument,
            uid: 1_000,
            command_id,
            reason: Text::new("test").expect("short text"),
        }))
    }

    /// The broker answers the engine's question whether anything is open: nothing is.
    pub(crate) fn shown_flat(&mut self, asked: &[Command]) -> Vec<Command> {
        self.shown(asked, 0, 0)
    }

    /// The broker answers the engine's question with so many positions and live orders.
    pub(crate) fn shown(&mut self, asked: &[Command], open_positions: u32, live_orders: u32) -> Vec<Command> {
        let [Command::Reconcile(Reconcile { ts, flat: true })] = asked else {
            panic!("expected a question to the broker, got {asked:?}");
        };
        self.tell(Event::FlatChecked(FlatChecked {
            ts: self.now,
            asked: *ts,
            open_positions,
            unlisted_positions: 0,
            unlisted_key: Text::EMPTY,
            live_orders,
            foreign_orders: 0,
        }))
    }

    /// Buys a hundred of `instrument`, all the way to the fill.
    pub(crate) fn bought(instrument: InstrumentId) -> (Self, Place) {
        let mut house = Self::open();
        let place = only_place(&house.wish_to_buy(instrument));
        house.resolve(place.intent, Submission::Acked);
        house.update(&place, BrokerStatus::Open, 0);
        house.trade(&place, 100, 10_005);
        (house, place)
    }

    pub(crate) fn report_position(&mut self, instrument: InstrumentId, qty: i64) -> Vec<Command> {
        self.tell(Event::PositionReported(PositionReported {
            ts: self.now,
            instrument,
            qty: Qty::new(qty),
            last_price: Price::NONE,
        }))
    }

    /// How often a person was told of this.
    pub(crate) fn pages(&self, reason: PageReason) -> u64 {
        self.engine.state().pages().get(reason).count
    }

    pub(crate) fn position(&self, instrument: InstrumentId) -> i64 {
        self.engine.state().positions()[instrument.index()].qty.get()
    }
}

pub(crate) fn id_of(intent: IntentId) -> BrokerOrderId {
    BrokerOrderId::new(&format!("26073100{:07}", intent.sequence())).expect("fifteen digits")
}

pub(crate) fn only_place(commands: &[Command]) -> Place {
    match commands {
        [Command::Place(place)] => *place,
        other => panic!("expected one placement, got {other:?}"),
    }
}

pub(crate) fn hours_of(market: Market) -> SessionTimes {
    SessionTimes::of(at(10, 0).ist_day(), market).expect("a trading day")
}

pub(crate) fn stock(id: InstrumentId) -> Instrument {
    Instrument {
        id,
        kind: InstrumentKind::Equity,
        underlying: id,
        tick: Price::from_paise(5),
        lot: Qty::new(1),
        freeze: Qty::new(100_000),
        prev_close: Price::from_paise(9_900),
        expiry: IstDay::new(0),
        strike: Price::NONE,
        lower_band: Price::NONE,
        upper_band: Price::NONE,
        sector: SectorId::OTHER,
        key: Text::new(&format!("NSE_EQ|{}", id.get())).expect("short text"),
        symbol: Text::new(&format!("STOCK{}", id.get())).expect("short text"),
    }
}

pub(crate) fn rupees(amount: i64) -> Money {
    Money::from_rupees(amount)
}
