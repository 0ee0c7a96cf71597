//! The risk gate is shown orders that it must refuse, by a whole engine of its own, before a day may enter anything.
//!
//! Invariants: the engine under test is thrown away and its commands go nowhere; it has the day's configuration; each
//! bad order differs from a sound one in one thing. Left out: whether the limits are wise (`config check`), and that
//! sound orders pass, which the day's limits may rightly deny.

use crate::command::Commands;
use crate::config::Config;
use crate::engine::Engine;
use crate::event::{
    DataKind, Event, FeedChanged, FeedState, ProcessStarted, Reconciled, SessionOpened, Tick, VenueKind,
};
use crate::instrument::{Instrument, InstrumentId, InstrumentKind, SectorId};
use crate::order::Side;
use crate::price::Price;
use crate::quantity::Qty;
use crate::session::SessionTimes;
use crate::state_hash::StateHasher;
use crate::strategy::{Enter, Intent, Intents, SCORE_PARTS, Signal, Strategy, StrategyId, View};
use crate::text::Text;
use crate::time::{DurationNs, IstDay, TsNs};

const THE_ONE: InstrumentId = InstrumentId::new(0);

/// Wishes what it was given, at the next event.
#[derive(Debug, Default)]
struct Probe(Option<Enter>);

impl Strategy for Probe {
    fn handle(&mut self, _: &View<'_>, event: &Event, intents: &mut Intents) {
        if let (Event::FeedChanged(_), Some(enter)) = (event, self.0) {
            intents.push(Intent::Enter(enter));
        }
    }

    fn hash_into(&self, _: &mut StateHasher) {}

    fn best_signal(&self) -> Option<Signal> {
        None
    }
}

/// Shows the gate every bad order.
///
/// # Errors
/// The first bad order that it let pass, in words.
pub fn self_test(config: &Config, day: IstDay) -> Result<u32, &'static str> {
    let sound = sound_order(day);
    let bad = bad_orders(&sound);
    for (what, enter) in bad {
        if places(config, day, enter, true) {
            return Err(what);
        }
    }
    if places(config, day, sound, false) {
        return Err("an order before reconciliation");
    }
    Ok(u32::try_from(bad.len() + 1).expect("a short list"))
}

/// An order that nothing is wrong with.
fn sound_order(day: IstDay) -> Enter {
    let now = day.at(DurationNs::from_hm(11, 0));
    Enter {
        signal: Signal {
            ts: now,
            strategy: StrategyId::SPIKE,
            instrument: THE_ONE,
            side: Side::Buy,
            score_ppm: 1_000_000,
            parts_ppm: [0; SCORE_PARTS.len()],
            price: Price::from_paise(10_000),
        },
        qty: Qty::new(10),
        limit: Price::from_paise(10_005),
        stop: Price::from_paise(9_900),
        adds: false,
    }
}

/// One thing is wrong with each.
fn bad_orders(sound: &Enter) -> [(&'static str, Enter); 8] {
    let sound = *sound;
    let stale = Signal {
        ts: TsNs::new(sound.signal.ts.get() - DurationNs::from_secs(86_400).get()),
        ..sound.signal
    };
    [
        (
            "no quantity",
            Enter {
                qty: Qty::ZERO,
                ..sound
            },
        ),
        (
            "a negative quantity",
            Enter {
                qty: Qty::new(-10),
                ..sound
            },
        ),
        (
            "part of a lot",
            Enter {
                qty: Qty::new(7),
                ..sound
            },
        ),
        (
            "more than may be cut at the freeze quantity",
            Enter {
                qty: Qty::new(10_010),
                ..sound
            },
        ),
        (
            "a price off the tick grid",
            Enter {
                limit: Price::new(1_000_501),
                ..sound
            },
        ),
        (
            "a price far from the market",
            Enter {
                limit: Price::from_paise(20_000),
                ..sound
            },
        ),
        (
            "a stop on the wrong side",
            Enter {
                stop: Price::from_paise(10_500),
                ..sound
            },
        ),
        (
            "a signal of yesterday",
            Enter {
                signal: stale,
                ..sound
            },
        ),
    ]
}

/// Whether an engine in the middle of a quiet session sends anything for this wish.
fn places(config: &Config, day: IstDay, enter: Enter, reconciled: bool) -> bool {
    let now = day.at(DurationNs::from_hm(11, 0));
    let mut engine = Engine::new(Probe(Some(enter)));
    let mut commands = Commands::default();
    let at = |hour, minute| day.at(DurationNs::from_hm(hour, minute));
    let hours = SessionTimes {
        open: at(9, 15),
        entries_stop: at(15, 0),
        squareoff_begin: at(15, 10),
        squareoff_forced: at(15, 15),
        close: at(15, 30),
    };
    let opened = SessionOpened {
        ts: now,
        day,
        data: DataKind::Synthetic,
        venue: VenueKind::Simulated,
        cash: hours,
        derivatives: hours,
    };
    let mut tell = |event: Event| {
        engine.apply(&event, &mut commands);
        commands.count() > 0
    };
    tell(Event::SessionOpened(opened));
    tell(Event::Configured(*config));
    tell(Event::InstrumentListed(instrument()));
    tell(Event::ProcessStarted(ProcessStarted { ts: now, epoch: 1 }));
    if reconciled {
        tell(Event::Reconciled(Reconciled {
            ts: now,
            broker_orders: 0,
            foreign_orders: 0,
        }));
    }
    // As many as an instrument needs after the opening, else that alone would refuse everything.
    for _ in 0..config.risk.open_ticks_min.max(1) {
        tell(Event::Ticked(tick(now)));
    }
    tell(Event::FeedChanged(FeedChanged {
        ts: now,
        state: FeedState::Live,
    }))
}

fn tick(now: TsNs) -> Tick {
    Tick {
        ts: now,
        ts_event: now,
        instrument: THE_ONE,
        ltp: Price::from_paise(10_000),
        bid: Price::from_paise(9_995),
        ask: Price::from_paise(10_005),
        bid_qty: Qty::new(1_000),
        ask_qty: Qty::new(1_000),
        ..Tick::default()
    }
}

fn instrument() -> Instrument {
    Instrument {
        kind: InstrumentKind::Equity,
        tick: Price::from_paise(5),
        lot: Qty::new(10),
        freeze: Qty::new(1_000),
        prev_close: Price::from_paise(9_900),
        key: Text::new("SELF|TEST").expect("short"),
        symbol: Text::new("SELFTEST").expect("short"),
        id: THE_ONE,
        underlying: THE_ONE,
        expiry: IstDay::new(0),
        strike: Price::NONE,
        lower_band: Price::NONE,
        upper_band: Price::NONE,
        sector: SectorId::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_refuses_every_bad_order_and_the_probe_can_place_a_sound_one() {
        let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
        let mut config = Config::default();
        assert_eq!(self_test(&config, day), Ok(9));
        config.risk.collar_bps = 1_000_000;
        assert_eq!(self_test(&config, day), Err("a price far from the market"));
    }
}
