//! The risk gate on one wish to enter: gathering the facts and all checks, in a book of positions and working orders.
//!
//! 200 instruments in 20 sectors, every fourth an option; an hour of one-minute returns behind them, so that the
//! correlation of underlyings is computed, not unknown; margin told; all controls on. The book was traded through
//! the engine: positions by filled entries, working orders by accepted ones. Wishes go over every instrument that is
//! not busy and ticks, so no two in a row touch the same lines. Each wish is judged once before it is timed. The floor
//! is the least that any gate with an exposure limit does: one sum over the same book and one comparison. Left out: what
//! follows a verdict (the order's record, the journal) and what precedes it (score, sizing).

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;

use bijli_benches::machine;
use bijli_benches::measure::{Bench, Entrant, Samples, print_rows};
use bijli_benches::synthetic_day::{SyntheticMarket, day, opening};
use bijli_core::command::{Command, Commands, Place};
use bijli_core::config::Config;
use bijli_core::denial::Denial;
use bijli_core::event::{FundsReported, OrderUpdated, Traded};
use bijli_core::instrument::InstrumentKind;
use bijli_core::order::{BrokerOrderId, BrokerStatus, Purpose, Side, TradeId};
use bijli_core::risk::{EntryFacts, check_entry};
use bijli_core::state::State;
use bijli_core::state_hash::StateHasher;
use bijli_core::strategy::{Enter, Intent, Intents, SCORE_PARTS, Signal, Strategy, StrategyId, View};
use bijli_core::{DurationNs, Engine, Event, Money, Price, Qty, SectorId, TsNs};

const REPETITIONS: usize = 5;
const CALLS: usize = 20_000;
const PER_BATCH: usize = 50;
const INSTRUMENTS: u32 = 200;
const SECTORS: u32 = 20;
const WARM_MINUTES: i64 = 60;

/// Wishes what it was told to, at the next event that is time alone.
#[derive(Debug)]
struct Wisher(Rc<Cell<Option<Enter>>>);

impl Strategy for Wisher {
    fn handle(&mut self, _: &View<'_>, event: &Event, intents: &mut Intents) {
        if let (Event::TimePassed(_), Some(enter)) = (event, self.0.take()) {
            intents.push(Intent::Enter(enter));
        }
    }

    fn hash_into(&self, _: &mut StateHasher) {}

    fn best_signal(&self) -> Option<Signal> {
        None
    }
}

/// What an account holds in the middle of its day.
#[derive(Clone, Copy)]
struct Book {
    held: usize,
    working: usize,
    margin: Money,
    /// Whether a minute just began, and nothing has ticked in it yet.
    at_minute: bool,
    /// For how many minutes before nothing ticked that is held or works.
    silent_minutes: i64,
}

const RICH: Money = Money::from_rupees(10_000_000);

/// An engine with a book, and wishes that its gate has judged.
struct Desk {
    engine: Engine<Wisher>,
    wish: Rc<Cell<Option<Enter>>>,
    market: SyntheticMarket,
    commands: Commands,
    now: TsNs,
}

impl Desk {
    fn open(book: Book) -> Self {
        let wish = Rc::new(Cell::new(None));
        let mut desk = Self {
            engine: Engine::new(Wisher(Rc::clone(&wish))),
            wish,
            market: SyntheticMarket::new(INSTRUMENTS, 17),
            commands: Commands::default(),
            now: day().at(DurationNs::from_hm(9, 15)),
        };
        let mut instruments = desk.market.instruments().to_vec();
        for instrument in &mut instruments {
            let sector = instrument.underlying.get() % SECTORS;
            instrument.sector = SectorId::new(u8::try_from(sector).expect("few sectors"));
            instrument.lower_band = Price::from_paise(1_000);
            instrument.upper_band = Price::from_paise(200_000);
        }
        for event in opening(&instruments, config(), desk.now) {
            desk.apply(&event);
        }
        desk.tell_margin(RICH);
        for _ in 0..WARM_MINUTES {
            desk.pass(60);
        }
        for index in 0..book.held + book.working {
            desk.pass(5);
            // Every third: shares and options of many underlyings.
            let place = desk.enter(index * 3 % INSTRUMENTS as usize);
            desk.answer(index, &place, index < book.held);
        }
        for _ in 0..book.silent_minutes {
            desk.now = desk.now.plus(DurationNs::from_secs(60));
            for index in (0..INSTRUMENTS as usize).filter(|index| index % 3 != 0) {
                let tick = desk.market.tick(index, desk.now);
                desk.apply(&Event::Ticked(tick));
            }
        }
        if book.at_minute {
            desk.pass(59);
            desk.now = desk.now.plus(DurationNs::from_secs(1));
            desk.apply(&Event::TimePassed(desk.now));
        }
        desk.tell_margin(book.margin);
        let state = desk.engine.state();
        assert_eq!(state.open_positions().len(), book.held, "each position is open");
        assert_eq!(state.orders().live_count(), book.working, "each order works");
        desk
    }

    fn apply(&mut self, event: &Event) {
        self.engine.apply(event, &mut self.commands);
    }

    fn tell_margin(&mut self, available: Money) {
        self.apply(&Event::FundsReported(FundsReported {
            ts: self.now,
            available,
            used: Money::ZERO,
        }));
    }

    /// Time passes, and every instrument ticks at its end.
    fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus(DurationNs::from_secs(seconds));
        for index in 0..INSTRUMENTS as usize {
            let tick = self.market.tick(index, self.now);
            self.apply(&Event::Ticked(tick));
        }
    }

    fn enter(&mut self, index: usize) -> Place {
        self.wish.set(Some(sound_wish(self.engine.state(), index)));
        self.apply(&Event::TimePassed(self.now));
        let placed = self.commands.iter().find_map(|command| match command {
            Command::Place(place) if place.purpose == Purpose::Entry => Some(*place),
            _ => None,
        });
        placed.unwrap_or_else(|| panic!("a sound wish is placed: {:?}", self.engine.state().signal(0)))
    }

    /// The broker's word on an entry: it works, and if so told, it is filled.
    fn answer(&mut self, number: usize, place: &Place, is_filled: bool) {
        let mut update = OrderUpdated {
            ts: self.now,
            intent: Some(place.intent),
            order_id: BrokerOrderId::new(&format!("B{number}")).expect("a short id"),
            instrument: place.instrument,
            side: place.side,
            status: BrokerStatus::Open,
            qty: place.qty,
            filled: Qty::ZERO,
            price: place.price,
            trigger: Price::NONE,
            average_price: Price::NONE,
            modifies_ended: 0,
        };
        self.apply(&Event::OrderUpdated(update));
        if is_filled {
            self.apply(&Event::Traded(Traded {
                ts: self.now,
                intent: Some(place.intent),
                order_id: update.order_id,
                trade_id: TradeId::new(&format!("T{number}")).expect("a short id"),
                instrument: place.instrument,
                side: place.side,
                qty: place.qty,
                price: place.price,
            }));
            update.status = BrokerStatus::Complete;
            update.filled = place.qty;
            update.average_price = place.price;
            self.apply(&Event::OrderUpdated(update));
        }
    }

    /// A wish for every instrument that is not busy, changed by `change`; each is judged as `expected`.
    fn wishes(&self, change: impl Fn(&mut Enter), expected: Result<(), Denial>) -> Vec<Enter> {
        let state = self.engine.state();
        let is_busy = |index: usize| {
            let id = state.instruments()[index].id;
            !state.positions()[index].is_flat()
                || state.orders().live().any(|(_, order)| order.instrument == id)
        };
        let newest = state.quotes().iter().map(|quote| quote.ltp_ts).max();
        let ticks = |index: usize| {
            let underlying = state.instruments()[index].underlying.index();
            [index, underlying].map(|index| Some(state.quotes()[index].ltp_ts)) == [newest; 2]
        };
        let free = (0..INSTRUMENTS as usize).filter(|index| !is_busy(*index) && ticks(*index));
        let wishes: Vec<Enter> = free
            .map(|index| {
                let mut enter = sound_wish(state, index);
                change(&mut enter);
                enter
            })
            .collect();
        for enter in &wishes {
            assert_eq!(judge(state, enter), expected, "{enter:?}");
        }
        wishes
    }
}

/// Every control set to bind at some number, none out of the way, on an account that can hold the largest book here.
fn config() -> Config {
    let mut config = Config::default();
    let risk = &mut config.risk;
    risk.capital = Money::from_rupees(5_000_000);
    risk.positions_max = 64;
    risk.entries_per_day_max = 200;
    risk.repeat_entries_max = 150;
    risk.kelly_fraction_bps = 2_500;
    risk.require_margin = true;
    config.strategy.entry_timeout = DurationNs::from_secs(3_600);
    config
}

/// A wish with which nothing is wrong: a purchase at the ask, with a stop five percent below.
fn sound_wish(state: &State, index: usize) -> Enter {
    let instrument = &state.instruments()[index];
    let quote = &state.quotes()[index];
    let is_option = instrument.kind == InstrumentKind::Call;
    Enter {
        signal: Signal {
            ts: state.now(),
            strategy: StrategyId::SPIKE,
            instrument: instrument.id,
            side: Side::Buy,
            score_ppm: 900_000,
            parts_ppm: [900_000; SCORE_PARTS.len()],
            price: quote.ltp,
        },
        qty: if is_option { instrument.lot } else { Qty::new(20) },
        limit: quote.ask,
        stop: Price::new(quote.ask.get() * 95 / 100),
        adds: false,
    }
}

fn judge(state: &State, enter: &Enter) -> Result<(), Denial> {
    check_entry(&state.entry_facts(enter), enter, state.config())
}

/// The floor: what is at stake in all, once, against one limit.
fn least_gate(state: &State, enter: &Enter) -> bool {
    let mut at_stake = enter.limit.get() * enter.qty.get();
    for id in state.open_positions() {
        let ltp = state.quotes()[id.index()].ltp;
        at_stake += state.positions()[id.index()].exposure(ltp).get();
    }
    for (_, order) in state.orders().live() {
        at_stake += order.price.get() * order.open_qty().get();
    }
    let risk = &state.config().risk;
    at_stake <= risk.capital.bps(risk.total_exposure_bps).get()
}

fn timed<R>(bench: &Bench, wishes: &[Enter], per_batch: usize, call: impl Fn(&Enter) -> R) -> Samples {
    bench.batches(CALLS, per_batch, |index| {
        call(black_box(&wishes[index % wishes.len()]))
    })
}

/// The whole gate, and the floor, over one book.
fn race(bench: &Bench, title: &str, book: Book) {
    let desk = Desk::open(book);
    let short = Desk::open(Book {
        margin: Money::ZERO,
        ..book
    });
    let (state, short_state) = (desk.engine.state(), short.engine.state());
    let accepted = desk.wishes(|_| (), Ok(()));
    let expired = desk.wishes(
        |enter| enter.signal.ts = enter.signal.ts.plus(DurationNs::from_secs(-600)),
        Err(Denial::SignalExpired),
    );
    let off_tick = desk.wishes(
        |enter| enter.limit = Price::new(enter.limit.get() + 1),
        Err(Denial::PriceOffTick),
    );
    let marginless = short.wishes(|_| (), Err(Denial::MarginShort));
    let facts: Vec<EntryFacts<'_>> = accepted.iter().map(|enter| state.entry_facts(enter)).collect();
    let gate = |bench: &Bench, wishes: &[Enter], per_batch| {
        timed(bench, wishes, per_batch, |enter| judge(state, enter))
    };
    let rows = bench.compare(
        REPETITIONS,
        &mut [
            Entrant::new("floor: one sum, one limit", |bench| {
                timed(bench, &accepted, PER_BATCH, |enter| least_gate(state, enter))
            }),
            Entrant::new("accepted", |bench| gate(bench, &accepted, PER_BATCH)),
            Entrant::new("denied early (SIGNAL_EXPIRED)", |bench| {
                gate(bench, &expired, PER_BATCH)
            }),
            Entrant::new("denied midway (PRICE_OFF_TICK)", |bench| {
                gate(bench, &off_tick, PER_BATCH)
            }),
            Entrant::new("denied last (MARGIN_SHORT)", |bench| {
                timed(bench, &marginless, PER_BATCH, |enter| judge(short_state, enter))
            }),
            Entrant::new("facts alone", |bench| {
                timed(bench, &accepted, PER_BATCH, |enter| state.entry_facts(enter))
            }),
            Entrant::new("checks alone", |bench| {
                bench.batches(CALLS, PER_BATCH, |index| {
                    let at = index % accepted.len();
                    check_entry(black_box(&facts[at]), &accepted[at], state.config())
                })
            }),
            Entrant::new("accepted, timed singly", |bench| gate(bench, &accepted, 1)),
        ],
    );
    print_rows(title, &rows, Some("floor: one sum, one limit"));
}

fn main() {
    let bench = Bench::begin("risk gate: one wish to enter");
    machine::pin(0);
    let book = |held, working| Book {
        held,
        working,
        margin: RICH,
        at_minute: false,
        silent_minutes: 0,
    };
    race(&bench, "nothing held, nothing working", book(0, 0));
    race(&bench, "three held, two working: the default limits", book(3, 2));
    race(&bench, "ten held, six working", book(10, 6));
    race(&bench, "twenty-five held, ten working", book(25, 10));
    race(&bench, "forty held, twenty working", book(40, 20));
    let at_minute = Book {
        at_minute: true,
        ..book(40, 20)
    };
    race(&bench, "the same as a minute begins", at_minute);
    let silent = Book {
        silent_minutes: 5,
        ..book(40, 20)
    };
    race(
        &bench,
        "forty held, twenty working, none of which ticked for five minutes",
        silent,
    );
}
