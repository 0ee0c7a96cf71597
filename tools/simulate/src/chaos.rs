//! Strategies of simulated days: deterministic chaos, pairs ([`crate::pairs`]), and the real one.
//!
//! Chaos is a function of the events alone, as every strategy must be: its choices are hashes of what it is told, so
//! that a replayed journal makes it wish the same again. It wishes for sound and unsound entries, whole and partial
//! exits, and now and then for everything at once.

use bijli_core::event::Tick;
use bijli_core::order::Side;
use bijli_core::price::Round;
use bijli_core::state_hash::StateHasher;
use bijli_core::strategy::{
    Enter, ExitReason, Intent, Intents, Leave, Protect, SCORE_PARTS, Signal, Strategy, StrategyId, View,
};
use bijli_core::{Event, InstrumentId, Price, Qty, TsNs};
use bijli_simulator::random::Random;
use bijli_strategy::SpikeStrategy;

use crate::market::INSTRUMENTS;
use crate::pairs::Pairs;
use crate::plan::{Plan, Temper};
use crate::rows::WorldFault;

/// Chance of another stop for a position on each of its ticks, parts per million; tighter or not.
const PROTECTS_PPM: u32 = 200_000;

/// Chaos.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chaos {
    is_runaway: bool,
    crosses: bool,
    wishes: u64,
    crossings: u32,
    /// The last signal of each instrument: now and then it is wished for again.
    former: [Option<Signal>; INSTRUMENTS],
}

/// Whoever trades on a simulated day.
#[derive(Debug)]
pub enum Player {
    /// Deterministic chaos.
    Chaos(Chaos),
    /// Pairs.
    Pairs(Pairs),
    /// The real strategy.
    Spike(Box<SpikeStrategy>),
}

impl Player {
    /// The strategy of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let temper = plan.temper;
        match temper {
            Temper::Spike => Self::Spike(Box::default()),
            Temper::Pairs => Self::Pairs(Pairs::default()),
            Temper::Chaos | Temper::Runaway => Self::Chaos(Chaos {
                is_runaway: temper == Temper::Runaway,
                crosses: plan.ppm_of(WorldFault::CrossingStrategies) > 0,
                ..Chaos::default()
            }),
        }
    }
}

impl Player {
    /// Wishes beyond reason, and wishes against each other, so far.
    #[must_use]
    pub const fn excesses(&self) -> (u64, u32) {
        match self {
            Self::Chaos(chaos) if chaos.is_runaway => (chaos.wishes, chaos.crossings),
            Self::Chaos(chaos) => (0, chaos.crossings),
            Self::Pairs(_) | Self::Spike(_) => (0, 0),
        }
    }
}

impl Strategy for Player {
    fn handle(&mut self, view: &View<'_>, event: &Event, intents: &mut Intents) {
        match self {
            Self::Chaos(chaos) => {
                if let Event::Ticked(tick) = event {
                    chaos.handle_tick(view, tick, intents);
                }
            }
            Self::Pairs(pairs) => {
                if let Event::Ticked(tick) = event {
                    pairs.handle_tick(view, tick, intents);
                }
            }
            Self::Spike(spike) => spike.handle(view, event, intents),
        }
    }

    fn hash_into(&self, hasher: &mut StateHasher) {
        match self {
            Self::Chaos(chaos) => {
                hasher.u64(chaos.wishes);
                for signal in chaos.former {
                    hasher.i64(signal.map_or(0, |signal| signal.ts.get()));
                }
            }
            Self::Pairs(pairs) => hasher.u64(pairs.wishes),
            Self::Spike(spike) => spike.hash_into(hasher),
        }
    }

    fn best_signal(&self) -> Option<Signal> {
        match self {
            Self::Chaos(_) | Self::Pairs(_) => None,
            Self::Spike(spike) => spike.best_signal(),
        }
    }
}

impl Chaos {
    fn handle_tick(&mut self, view: &View<'_>, tick: &Tick, intents: &mut Intents) {
        let seed = tick.ts.get() as u64 ^ (tick.ltp.get() as u64) << 20 ^ self.wishes << 48;
        let mut dice = Random::new(seed, u64::from(tick.instrument.get()));
        let eagerness = if self.is_runaway {
            900_000
        } else {
            view.config.strategy.score_min_ppm
        };
        let id = tick.instrument;
        let position = view.positions[id.index()].qty;
        let lot = view.instruments[id.index()].lot;
        if !position.is_zero() && dice.happens(eagerness / 2 + 20_000) {
            self.wishes += 1;
            let lots = position.abs().get() / lot.get();
            let part = Qty::new(dice.between(1, lots.max(1)) * lot.get()).min(position.abs());
            let is_whole = dice.between(0, 2) > 0 || part.is_zero();
            intents.push(Intent::Leave(Leave {
                instrument: id,
                qty: if is_whole { position.abs() } else { part },
                reason: [ExitReason::Stop, ExitReason::Target, ExitReason::Trail]
                    [dice.between(0, 2) as usize],
            }));
        }
        if !position.is_zero() && dice.happens(PROTECTS_PPM) {
            let away = dice.between(5, 300) * -position.get().signum();
            intents.push(Intent::Protect(Protect {
                instrument: id,
                stop: tick.ltp.moved_bps(away),
            }));
        }
        if dice.happens(eagerness) {
            self.wishes += 1;
            if let Some(mut enter) = wish(view, tick, &mut dice) {
                let former = &mut self.former[id.index()];
                match *former {
                    Some(signal) if signal.side == enter.signal.side && dice.between(0, 5) == 0 => {
                        enter.signal = signal;
                    }
                    _ => *former = Some(enter.signal),
                }
                intents.push(Intent::Enter(enter));
                if self.crosses && dice.between(0, 3) == 0 {
                    self.crossings += 1;
                    intents.push(Intent::Enter(crossing(&enter)));
                }
            }
        }
    }
}

/// An entry, mostly sound: of a size that fits, at a price near the touch, with a stop behind it.
fn wish(view: &View<'_>, tick: &Tick, dice: &mut Random) -> Option<Enter> {
    let id: InstrumentId = tick.instrument;
    let contract = &view.instruments[id.index()];
    let quote = &view.quotes[id.index()];
    let side = if dice.between(0, 1) == 0 {
        Side::Buy
    } else {
        Side::Sell
    };
    let touch = match side {
        Side::Buy => quote.ask,
        Side::Sell => quote.bid,
    };
    if !touch.is_set() {
        return None;
    }
    let budget = view.config.risk.capital.bps(view.config.risk.position_value_bps);
    let affordable = budget.get() / touch.get() / contract.lot.get();
    let lots = dice.between(1, affordable.clamp(1, 400));
    let odd = dice.between(0, 19);
    let qty = match odd {
        0 => Qty::new(lots * contract.lot.get() + 1),
        1 => Qty::new(contract.freeze.get() + contract.lot.get()),
        _ => Qty::new(lots * contract.lot.get()),
    };
    let slack = match odd {
        2 => 5_000,
        // Far from the market: it rests at the broker until somebody takes it back.
        4 | 5 => -dice.between(20, 90),
        _ => dice.between(-15, 40),
    };
    let limit = match side {
        Side::Buy => touch.moved_bps(slack).on_tick(contract.tick, Round::Up),
        Side::Sell => touch.moved_bps(-slack).on_tick(contract.tick, Round::Down),
    };
    let limit = if odd == 3 {
        Price::new(limit.get() + 1)
    } else {
        limit
    };
    let stop = limit
        .moved_bps(-100 * side.sign())
        .on_tick(contract.tick, Round::Down);
    Some(Enter {
        signal: signal(tick.ts, id, side, tick.ltp),
        qty,
        limit,
        stop,
        adds: false,
    })
}

/// Another strategy wishes for the opposite at the same moment, at a price that would meet the first one.
const fn crossing(enter: &Enter) -> Enter {
    let far = enter.limit.minus(enter.stop).get();
    Enter {
        signal: Signal {
            side: enter.signal.side.opposite(),
            ..enter.signal
        },
        stop: Price::new(enter.limit.get() + far),
        ..*enter
    }
}

const fn signal(ts: TsNs, instrument: InstrumentId, side: Side, price: Price) -> Signal {
    Signal {
        ts,
        instrument,
        side,
        strategy: StrategyId::SPIKE,
        score_ppm: 900_000,
        parts_ppm: [500_000; SCORE_PARTS.len()],
        price,
    }
}
