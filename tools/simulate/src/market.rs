//! A small invented market: a walk of prices with jumps, thin books, empty sides, and its rules of trading.
//!
//! Invariant: what the exchange matches against and what the feed tells come from here alone.

use bijli_core::event::{DataKind, Tick, TickFlags};
use bijli_core::instrument::{InstrumentKind, SectorId};
use bijli_core::price::Round;
use bijli_core::text::Text;
use bijli_core::{DurationNs, Instrument, InstrumentId, Price, Qty, TsNs};
use bijli_gateway::paper::fill::Book;
use bijli_simulator::day::{DayInfo, DayInstrument};
use bijli_simulator::random::Random;

use crate::plan::{Plan, day};
use crate::rows::{Fired, WorldFault};

/// Key, symbol, kind, underlying, price in paise, lot and freeze of each instrument.
type Contract = (&'static str, &'static str, InstrumentKind, u32, i64, i64, i64);
const CONTRACTS: [Contract; 6] = [
    (
        "NSE_EQ|INE0SIM00001",
        "ALPHA",
        InstrumentKind::Equity,
        0,
        50_000,
        1,
        100_000,
    ),
    (
        "NSE_EQ|INE0SIM00002",
        "BETA",
        InstrumentKind::Equity,
        1,
        150_000,
        1,
        400,
    ),
    (
        "NSE_FO|70001",
        "ALPHA FUT",
        InstrumentKind::Future,
        0,
        50_100,
        25,
        500,
    ),
    (
        "NSE_FO|70002",
        "INDEX CE",
        InstrumentKind::Call,
        5,
        9_000,
        75,
        1_800,
    ),
    ("NSE_FO|70003", "INDEX PE", InstrumentKind::Put, 5, 7_000, 75, 300),
    (
        "NSE_INDEX|Sim 50",
        "SIM 50",
        InstrumentKind::Index,
        5,
        2_500_000,
        1,
        1,
    ),
];
/// How many instruments there are.
pub const INSTRUMENTS: usize = CONTRACTS.len();
/// Smallest step of every price.
pub const TICK: Price = Price::from_paise(5);

/// One instrument's market.
#[derive(Clone, Copy, Debug)]
struct Quoted {
    mid: i64,
    next: TsNs,
    volume: i64,
}

/// The market.
#[derive(Debug)]
pub struct Market {
    quoted: [Quoted; INSTRUMENTS],
    random: Random,
    odd: Random,
    pause: DurationNs,
    close: TsNs,
}

/// A change of one instrument's market.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Which instrument.
    pub instrument: u32,
    /// What the exchange matches against.
    pub book: Book,
    /// What the feed tells, stamped with the venue's time.
    pub tick: Tick,
}

impl Market {
    /// The market of a plan, before its first tick.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let mut random = Random::new(plan.seed, 0x3a01);
        let quoted = CONTRACTS.map(|(_, _, _, _, paise, _, _)| Quoted {
            mid: Price::from_paise(paise).get(),
            next: plan
                .start()
                .plus(DurationNs::from_millis(random.between(100, 3_000))),
            volume: 1_000,
        });
        Self {
            quoted,
            random,
            odd: Random::new(plan.seed, 0x3a02),
            pause: plan.tick_pause,
            close: plan.hours.close,
        }
    }

    /// When the next instrument moves.
    #[must_use]
    pub fn next_due(&self) -> TsNs {
        let next = self.quoted.iter().map(|quoted| quoted.next).min();
        let next = next.expect("there are instruments");
        if next >= self.close {
            self.close.plus(DurationNs::from_secs(3_600))
        } else {
            next
        }
    }

    /// The next change that is due.
    pub fn poll(&mut self, now: TsNs, plan: &Plan, fired: &mut Fired) -> Option<Change> {
        let index = self.quoted.iter().position(|quoted| quoted.next <= now)?;
        let under_fire = now < plan.calm;
        let quoted = &mut self.quoted[index];
        let pause = self.pause.get();
        quoted.next = now.plus(DurationNs::new(self.random.between(pause / 4, pause * 7 / 4)));
        let step = quoted.mid * self.random.bell() / 1_000 * 4 / 10_000;
        quoted.mid = (quoted.mid + step).max(TICK.get() * 40);
        if under_fire && self.odd.happens(plan.ppm_of(WorldFault::Gap) / 20) {
            fired.count(WorldFault::Gap);
            let jump = self.odd.between(-900, 900);
            quoted.mid = (quoted.mid + quoted.mid * jump / 10_000).max(TICK.get() * 40);
        }
        let lot = CONTRACTS[index].5;
        let half = TICK.get() * self.random.between(1, 3) / 2;
        let mut depth = || Qty::new(lot * self.random.between(1, 30));
        let mut book = Book {
            bid: Price::new(quoted.mid - half).on_tick(TICK, Round::Down),
            ask: Price::new(quoted.mid + half).on_tick(TICK, Round::Up),
            bid_qty: depth(),
            ask_qty: depth(),
            ltp: Price::new(quoted.mid).on_tick(TICK, Round::Down),
        };
        if book.ask <= book.bid {
            book.ask = Price::new(book.bid.get() + TICK.get());
        }
        let mut flags = TickFlags::NONE;
        if under_fire && self.odd.happens(plan.ppm_of(WorldFault::NoBid) / 4) {
            fired.count(WorldFault::NoBid);
            (book.bid, book.bid_qty) = (Price::NONE, Qty::ZERO);
            flags = flags.with(TickFlags::ONE_SIDED);
        }
        quoted.volume += self.random.between(0, 200);
        let change = Change {
            instrument: index as u32,
            book,
            tick: tick_of(index, now, book, flags, quoted.volume),
        };
        Some(change)
    }
}

fn tick_of(index: usize, now: TsNs, book: Book, flags: TickFlags, volume: i64) -> Tick {
    Tick {
        ts: now,
        ts_event: now,
        instrument: InstrumentId::new(index as u32),
        flags,
        ltp: book.ltp,
        bid: book.bid,
        ask: book.ask,
        bid_qty: book.bid_qty,
        ask_qty: book.ask_qty,
        ltq: Qty::new(1),
        volume: Qty::new(volume),
        atp: book.ltp,
        ..Tick::default()
    }
}

/// The table of instruments as the engine lists it.
#[must_use]
pub fn instruments() -> Vec<Instrument> {
    let rows = CONTRACTS.iter().zip(0_u32..);
    rows.map(
        |((key, symbol, kind, underlying, paise, lot, freeze), id)| Instrument {
            id: InstrumentId::new(id),
            kind: *kind,
            underlying: InstrumentId::new(*underlying),
            tick: TICK,
            lot: Qty::new(*lot),
            freeze: Qty::new(*freeze),
            prev_close: Price::from_paise(*paise),
            lower_band: Price::NONE,
            upper_band: Price::NONE,
            sector: SectorId::OTHER,
            expiry: day(),
            strike: if kind.is_option() {
                Price::from_paise(2_500_000)
            } else {
                Price::NONE
            },
            key: Text::new(key).expect("keys are short"),
            symbol: Text::new(symbol).expect("symbols are short"),
        },
    )
    .collect()
}

/// The same table as the broker keeps it.
#[must_use]
pub fn day_info() -> DayInfo {
    let listed = instruments();
    let rows = listed.iter().map(|row| DayInstrument {
        key: row.key.to_string(),
        symbol: row.symbol.to_string(),
        name: row.symbol.to_string(),
        kind: row.kind,
        tick: row.tick,
        lot: row.lot,
        freeze: row.freeze,
        expiry: row.kind.is_derivative().then_some(row.expiry),
        strike: row.strike,
        underlying: row.kind.is_derivative().then(|| {
            let under = &listed[row.underlying.index()];
            (under.key.to_string(), under.symbol.to_string())
        }),
    });
    DayInfo {
        day: day(),
        data: DataKind::Synthetic,
        instruments: rows.collect(),
        notes: Vec::new(),
    }
}
