//! A strategy that forms pairs: something bought first, and only then what it covers sold.
//!
//! Like chaos a function of the events alone. Each instrument has one partner, so that whoever looks from outside
//! knows what must cover what without asking the engine. Left out: groups of more than two legs.

use bijli_core::event::Tick;
use bijli_core::group::{EnterGroup, GroupState, LEGS_MAX, LeaveGroup, LegPlan, LegRole};
use bijli_core::order::Side;
use bijli_core::price::Round;
use bijli_core::strategy::{ExitReason, Intent, Intents, SCORE_PARTS, Signal, StrategyId, View};
use bijli_core::{DurationNs, InstrumentId, Money, Price, Qty};
use bijli_simulator::random::Random;

/// The instrument that covers what is sold of another, or is covered by it.
#[must_use]
pub const fn partner(instrument: u32) -> Option<u32> {
    match instrument {
        0 => Some(2),
        2 => Some(0),
        3 => Some(4),
        4 => Some(3),
        _ => None,
    }
}

/// The strategy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pairs {
    /// Pairs wished for so far.
    pub wishes: u64,
}

impl Pairs {
    /// Takes a tick in: now and then it wishes for a pair, or out of one.
    pub fn handle_tick(&mut self, view: &View<'_>, tick: &Tick, intents: &mut Intents) {
        let seed = tick.ts.get() as u64 ^ (tick.ltp.get() as u64) << 20 ^ self.wishes << 48;
        let mut dice = Random::new(seed, u64::from(tick.instrument.get()) | 0x1000);
        let eagerness = view.config.strategy.score_min_ppm;
        if let Some(group) = view.groups.owner(tick.instrument) {
            if group.state == GroupState::Live && dice.happens(eagerness / 4) {
                intents.push(Intent::LeaveGroup(LeaveGroup {
                    group: group.id,
                    reason: ExitReason::Target,
                }));
            }
            return;
        }
        if !dice.happens(eagerness) {
            return;
        }
        let sold = tick.instrument;
        let wish = partner(sold.get()).and_then(|bought| {
            let bought = InstrumentId::new(bought);
            // Both are bought and sold in whole lots of either.
            let lot = view.instruments[bought.index()]
                .lot
                .max(view.instruments[sold.index()].lot);
            let qty = Qty::new(lot.get() * dice.between(1, 2));
            let hedge = leg(view, bought, Side::Buy, qty, &mut dice)?;
            let main = leg(view, sold, Side::Sell, qty, &mut dice)?;
            Some((hedge, main))
        });
        if let Some((hedge, main)) = wish {
            self.wishes += 1;
            intents.push(Intent::EnterGroup(pair(tick, hedge, main, &mut dice)));
        }
    }
}

fn pair(tick: &Tick, hedge: LegPlan, main: LegPlan, dice: &mut Random) -> EnterGroup {
    let mut legs = [None; LEGS_MAX];
    // The order in which they are told must not matter.
    let hedge_first = dice.between(0, 1) == 0;
    (legs[0], legs[1]) = if hedge_first {
        (Some(hedge), Some(main))
    } else {
        (Some(main), Some(hedge))
    };
    EnterGroup {
        signal: Signal {
            ts: tick.ts,
            strategy: StrategyId::SPIKE,
            instrument: tick.instrument,
            side: Side::Sell,
            score_ppm: 900_000,
            parts_ppm: [500_000; SCORE_PARTS.len()],
            price: tick.ltp,
        },
        legs,
        loss: Money::from_rupees(dice.between(0, 4) * dice.between(5, 100)),
        gain: Money::from_rupees(dice.between(0, 4) * dice.between(5, 100)),
        form_within: DurationNs::from_millis(dice.between(500, 9_000)),
    }
}

fn leg(view: &View<'_>, id: InstrumentId, side: Side, qty: Qty, dice: &mut Random) -> Option<LegPlan> {
    let quote = &view.quotes[id.index()];
    let tick = view.instruments[id.index()].tick;
    let (touch, round) = match side {
        Side::Buy => (quote.ask, Round::Up),
        Side::Sell => (quote.bid, Round::Down),
    };
    if !touch.is_set() {
        return None;
    }
    let slack = dice.between(-10, 60) * side.sign();
    let limit = touch.moved_bps(slack).on_tick(tick, round);
    let stop: Price = limit
        .moved_bps(-dice.between(40, 200) * side.sign())
        .on_tick(tick, Round::Down);
    Some(LegPlan {
        instrument: id,
        side,
        role: if side == Side::Buy {
            LegRole::Hedge
        } else {
            LegRole::Main
        },
        qty,
        limit,
        stop,
    })
}
