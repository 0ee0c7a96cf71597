//! The single place where the feed's floats become integers, and where a tick's doubts are found.
//!
//! Invariants: one feed in, exactly one tick out, whatever the numbers; a price is rounded once, half away from
//! zero, to 1/10 000 rupee and then onto the instrument's tick; a doubtful number can never raise the marks that
//! later ticks are judged by. Absent is not zero: the wire leaves zero out, so a zero last price, volume or time
//! reads as "not said". Left out: what to do about a doubt (the engine's business).
//! Facts: meaning of the flags in `bijli_core::event::TickFlags`; fault catalogue rows D4 to D8, D10, D18.

use bijli_core::event::{Tick, TickFlags};
use bijli_core::instrument::{Instrument, InstrumentId};
use bijli_core::price::{Price, UNITS_PER_RUPEE};
use bijli_core::quantity::Qty;
use bijli_core::time::{DurationNs, IstDay, TsNs};

use crate::upstox::raw_feed::{FeedShape, RawFeed};

/// A last trade may be stamped this much ahead of our own clock before it counts as wrong.
pub const CLOCK_LEAD_MAX: DurationNs = DurationNs::from_secs(2);
/// Prices above one crore rupees are no prices: the dearest share trades at a hundredth of that.
pub const PRICE_RUPEES_MAX: f64 = 1e7;
/// Quantities above a million million units are no quantities.
pub const QTY_UNITS_MAX: i64 = 1_000_000_000_000;
/// A price this close to the grid, as a share of the tick, is float noise: the broker's doubles may have been
/// single precision before.
const NOISE_TICK_SHARE: i64 = 10;

const _: () = assert!(PRICE_RUPEES_MAX * (UNITS_PER_RUPEE as f64) < i64::MAX as f64);

/// What earlier ticks of an instrument have established.
#[derive(Clone, Copy, Debug)]
struct Marks {
    tick: Price,
    ts_event_max: TsNs,
    volume_max: i64,
}

/// Turns raw feeds into ticks, remembering per instrument how far time and volume have come.
#[derive(Clone, Debug)]
pub struct Normaliser {
    marks: Vec<Marks>,
    day: IstDay,
}

impl Normaliser {
    /// A normaliser for one day's table.
    ///
    /// # Panics
    /// When an instrument has no positive tick size: the master refuses such rows.
    #[must_use]
    pub fn new(instruments: &[Instrument], day: IstDay) -> Self {
        let marks = instruments
            .iter()
            .map(|instrument| {
                assert!(instrument.tick.is_set(), "a tick size is positive");
                Marks {
                    tick: instrument.tick,
                    ts_event_max: TsNs::NEVER,
                    volume_max: 0,
                }
            })
            .collect();
        Self { marks, day }
    }

    /// The tick that a feed amounts to. `now` is our own clock; `snapshot` says that the feed came with a
    /// subscription rather than with a change.
    ///
    /// # Panics
    /// When `instrument` is not of the table: ids come from the same day's index.
    #[must_use]
    pub fn tick(&mut self, instrument: InstrumentId, feed: &RawFeed, now: TsNs, snapshot: bool) -> Tick {
        let day = self.day;
        let marks = &mut self.marks[instrument.index()];
        let mut tick = Tick {
            ts: now,
            instrument,
            flags: if snapshot {
                TickFlags::SNAPSHOT
            } else {
                TickFlags::NONE
            },
            ..Tick::default()
        };
        last_trade(&mut tick, marks, feed, day);
        top_of_book(&mut tick, marks.tick, feed);
        totals(&mut tick, marks, feed);
        tick
    }
}

fn last_trade(tick: &mut Tick, marks: &mut Marks, feed: &RawFeed, day: IstDay) {
    let Some(ltpc) = feed.ltpc() else {
        tick.flags = tick.flags.with(TickFlags::NO_TRADE);
        return;
    };
    tick.ltp = on_grid(price(ltpc.ltp, &mut tick.flags), marks.tick, &mut tick.flags);
    if ltpc.ltp == 0.0 {
        tick.flags = tick.flags.with(TickFlags::NO_TRADE);
        return;
    }
    tick.ltq = qty(ltpc.ltq);
    tick.ts_event = TsNs::from_millis(ltpc.ltt_ms);
    if tick.ts_event > tick.ts.plus(CLOCK_LEAD_MAX) || tick.ts_event.ist_day() != day {
        tick.flags = tick.flags.with(TickFlags::TIME_WRONG);
    } else if tick.ts_event < marks.ts_event_max {
        tick.flags = tick.flags.with(TickFlags::TIME_BACK);
    } else {
        marks.ts_event_max = tick.ts_event;
    }
}

fn top_of_book(tick: &mut Tick, grid: Price, feed: &RawFeed) {
    if let Some(level) = feed.levels().first() {
        tick.bid = on_grid(price(level.bid, &mut tick.flags), grid, &mut tick.flags);
        tick.ask = on_grid(price(level.ask, &mut tick.flags), grid, &mut tick.flags);
        (tick.bid, tick.bid_qty) = side(tick.bid, qty(level.bid_qty));
        (tick.ask, tick.ask_qty) = side(tick.ask, qty(level.ask_qty));
    }
    if !tick.bid.is_set() || !tick.ask.is_set() {
        tick.flags = tick.flags.with(TickFlags::ONE_SIDED);
    } else if tick.bid >= tick.ask {
        tick.flags = tick.flags.with(TickFlags::CROSSED);
    }
}

fn totals(tick: &mut Tick, marks: &mut Marks, feed: &RawFeed) {
    let totals = feed.totals();
    tick.atp = price(totals.atp, &mut tick.flags);
    tick.oi = qty(units(totals.oi));
    tick.iv_ppm = ppm(totals.iv);
    tick.delta_ppm = feed.greeks().map_or(0, |greeks| ppm(greeks.delta));
    let says_volume = matches!(feed.shape(), FeedShape::Market | FeedShape::FirstLevel) && totals.vtt != 0;
    if !says_volume {
        tick.volume = Qty::new(marks.volume_max);
        return;
    }
    tick.volume = qty(totals.vtt);
    if !(0..=QTY_UNITS_MAX).contains(&totals.vtt) || totals.vtt < marks.volume_max {
        tick.flags = tick.flags.with(TickFlags::VOLUME_BACK);
    } else {
        marks.volume_max = totals.vtt;
    }
}

/// Rounds rupees to 1/10 000 rupee, half away from zero; [`Price::NONE`] and a flag for what is no price.
fn price(rupees: f64, flags: &mut TickFlags) -> Price {
    if !(0.0..=PRICE_RUPEES_MAX).contains(&rupees) {
        *flags = flags.with(TickFlags::BAD_PRICE);
        return Price::NONE;
    }
    Price::new((rupees * UNITS_PER_RUPEE as f64).round() as i64)
}

/// Moves a price onto the nearest multiple of the tick, half away from zero, and says so unless it was noise.
fn on_grid(price: Price, grid: Price, flags: &mut TickFlags) -> Price {
    let above = price.get() % grid.get();
    if above == 0 {
        return price;
    }
    let (nearest, moved) = if above * 2 >= grid.get() {
        (price.get() - above + grid.get(), grid.get() - above)
    } else {
        (price.get() - above, above)
    };
    if moved * NOISE_TICK_SHARE > grid.get() {
        *flags = flags.with(TickFlags::OFF_TICK);
    }
    Price::new(nearest)
}

/// A side of the book needs a price and a quantity.
fn side(price: Price, qty: Qty) -> (Price, Qty) {
    if price.is_set() && qty.get() > 0 {
        (price, qty)
    } else {
        (Price::NONE, Qty::new(0))
    }
}

/// What is no quantity reads as none.
fn qty(units: i64) -> Qty {
    Qty::new(if (0..=QTY_UNITS_MAX).contains(&units) {
        units
    } else {
        0
    })
}

/// The broker sends some quantities as doubles.
fn units(units: f64) -> i64 {
    // A cast saturates, and turns what is no number into zero.
    units.round() as i64
}

/// Millionths; what is no number reads as none, since the broker's Greeks of dead options may be anything.
fn ppm(value: f64) -> i32 {
    (value * 1e6).round() as i32
}
