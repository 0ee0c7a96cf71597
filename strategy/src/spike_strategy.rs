//! The spike strategy: enters in the direction of a spike, leaves by the bracket.
//!
//! On each sound tick of continuous trading: bars and indicators, then exits, then the score. A score at or
//! above `score_min` is a signal and becomes one entry wish; no second one on that instrument and side until the
//! score fell below half the threshold or the cooldown passed. The risk gate judges every wish,
//! so a signal that cannot be traded (too small for a lot, already in a position) is denied there by name.
//!
//! Entries need: a tradable instrument inside its entry hours, a live tick (not part of a subscription's
//! snapshot), a fresh quote with both sides. Exits need a sound price during continuous trading only; a
//! snapshot's price is good enough to leave on.
//!
//! With additions in the plan, a score of that height on the side of an own position enlarges it. A position that a
//! person took over is neither enlarged nor left. The passing of time is taken in for the time exits. While the feed is
//! silent on what is held, the last price that the broker tells beside the position leads it, its stop with it.
//!
//! Square-off, kill, flatten, entry time-outs and re-pricing of exits belong to the engine.

use bijli_core::event::{PositionReported, Tick, TickFlags};
use bijli_core::exposure::Candidate;
use bijli_core::limits::POSITIONS_MAX;
use bijli_core::order::Side;
use bijli_core::price::Round;
use bijli_core::quote::Quote;
use bijli_core::state_hash::StateHasher;
use bijli_core::strategy::{Enter, Intent, Intents, Leave, Signal, Strategy, StrategyId, View};
use bijli_core::{Event, Instrument, InstrumentId, Price, Qty, TsNs};

use crate::bracket::{Bracket, Exit, Moment, is_past_leaving};
use crate::sizing::{self, Plan};
use crate::spike::SpikeScore;
use crate::tracker::Tracker;

/// State of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Watch {
    bracket: Bracket,
    /// When the last signal of each side was raised; [`TsNs::NEVER`] when that side is armed.
    raised: [TsNs; 2],
    tracker: Tracker,
}

/// Enters on spikes, leaves by stop, target and trail.
#[derive(Debug, Default)]
pub struct SpikeStrategy {
    /// Indexed by instrument id.
    watches: Vec<Watch>,
    /// Instruments with a position that a bracket follows.
    followed: Vec<InstrumentId>,
    best: Option<Signal>,
}

impl SpikeStrategy {
    /// A strategy before its first event.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The stop in force for an open position; [`Price::NONE`] without one.
    #[must_use]
    pub fn stop(&self, instrument: InstrumentId) -> Price {
        self.watches
            .get(instrument.index())
            .map_or(Price::NONE, |watch| watch.bracket.stop())
    }
}

impl Strategy for SpikeStrategy {
    fn handle(&mut self, view: &View<'_>, event: &Event, intents: &mut Intents) {
        match event {
            Event::SessionOpened(_) => {
                self.watches.clear();
                self.followed.clear();
                self.followed.reserve(POSITIONS_MAX);
                self.best = None;
            }
            Event::InstrumentListed(instrument) => {
                let needed = instrument.id.index() + 1;
                if self.watches.len() < needed {
                    self.watches.resize_with(needed, Watch::default);
                }
            }
            Event::Ticked(tick) => self.handle_tick(view, tick, intents),
            Event::TimePassed(_) => self.handle_time(view, intents),
            Event::Traded(traded) => self.follow_position(view, traded.instrument),
            Event::PositionReported(report) => {
                self.follow_position(view, report.instrument);
                self.handle_told_price(view, report, intents);
            }
            Event::Configured(_)
            | Event::ProcessStarted(_)
            | Event::FeedChanged(_)
            | Event::IntentResolved(_)
            | Event::OrderUpdated(_)
            | Event::Reconciled(_)
            | Event::Controlled(_)
            | Event::FundsReported(_)
            | Event::FlatChecked(_)
            | Event::SwitchAnswered(_)
            | Event::LatchCarried(_)
            | Event::ClockDoubted(_)
            | Event::StartStepped(_)
            | Event::BandReported(_)
            | Event::OrderStreamJudged(_) => {}
        }
    }

    fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(self.watches.len() as u64);
        hasher.u64(self.followed.len() as u64);
        for watch in &self.watches {
            watch.bracket.hash_into(hasher);
            for ts in watch.raised {
                hasher.i64(ts.get());
            }
            watch.tracker.hash_into(hasher);
        }
        hasher.u64(u64::from(self.best.is_some()));
        if let Some(best) = &self.best {
            hash_signal(best, hasher);
        }
    }

    fn best_signal(&self) -> Option<Signal> {
        self.best
    }
}

impl SpikeStrategy {
    fn handle_tick(&mut self, view: &View<'_>, tick: &Tick, intents: &mut Intents) {
        let index = tick.instrument.index();
        let Some(watch) = self.watches.get_mut(index) else {
            return;
        };
        let instrument = &view.instruments[index];
        if !instrument.kind.is_tradable()
            || !tick.flags.is_sound()
            || !Tracker::can_take(tick.ltp, tick.volume)
        {
            return;
        }
        let session = view.session(tick.instrument);
        if !session.is_open(view.now) {
            watch.tracker.note_volume(tick.volume);
            return;
        }
        watch.tracker.apply(tick.ts, tick.ltp, tick.volume);
        let moment = moment(view, tick.instrument);
        if let Some(exit) = watch.bracket.handle_price(&moment, tick.ltp) {
            intents.push(leave(tick.instrument, &exit));
        }
        let may_enter = session.allows_entries(view.now) && !is_past_leaving(view.config, view.now);
        if tick.flags.has(TickFlags::SNAPSHOT) || !may_enter {
            return;
        }
        let Some(signal) = watch.signal_of(view.now, tick) else {
            return;
        };
        if self.best.is_none_or(|best| signal.score_ppm > best.score_ppm) {
            self.best = Some(signal);
        }
        watch.rearm(view, &signal);
        let quote = &view.quotes[index];
        if !watch.may_raise(view, &signal) || !quote.is_fresh(view.now, view.config.risk.quote_age_max) {
            return;
        }
        let addition = watch.addition(&moment, &signal);
        let Some(enter) = enter(view, &signal, instrument, quote) else {
            return;
        };
        watch.raised[signal.side as usize] = view.now;
        intents.push(Intent::Enter(match addition {
            Some(qty) => watch.enlarging(enter, qty, instrument),
            None => enter,
        }));
    }

    /// Time exits need no tick; the market must trade.
    fn handle_time(&mut self, view: &View<'_>, intents: &mut Intents) {
        for instrument in &self.followed {
            if !view.session(*instrument).is_open(view.now) {
                continue;
            }
            let bracket = &mut self.watches[instrument.index()].bracket;
            if let Some(exit) = bracket.handle_time(&moment(view, *instrument)) {
                intents.push(leave(*instrument, &exit));
            }
        }
    }

    /// The broker told a price beside a position: where the feed is silent on it, that is the price by which it is led.
    fn handle_told_price(&mut self, view: &View<'_>, report: &PositionReported, intents: &mut Intents) {
        let (index, price) = (report.instrument.index(), report.last_price);
        let Some(watch) = self.watches.get_mut(index) else {
            return;
        };
        let is_open = view.session(report.instrument).is_open(view.now);
        if !is_open || !view.quotes[index].is_silent(view.now) || !Tracker::can_take(price, Qty::ZERO) {
            return;
        }
        if let Some(exit) = watch
            .bracket
            .handle_price(&moment(view, report.instrument), price)
        {
            intents.push(leave(report.instrument, &exit));
        }
    }

    fn follow_position(&mut self, view: &View<'_>, instrument: InstrumentId) {
        let Some(watch) = self.watches.get_mut(instrument.index()) else {
            return;
        };
        watch.bracket.handle_position(&moment(view, instrument));
        let place = self.followed.iter().position(|id| *id == instrument);
        match place {
            Some(place) if watch.bracket.is_flat() => {
                self.followed.remove(place);
            }
            None if !watch.bracket.is_flat() => self.followed.push(instrument),
            Some(_) | None => {}
        }
    }
}

impl Watch {
    fn signal_of(&self, now: TsNs, tick: &Tick) -> Option<Signal> {
        let SpikeScore {
            side,
            score_ppm,
            parts_ppm,
        } = self.tracker.facts()?.score()?;
        Some(Signal {
            ts: now,
            strategy: StrategyId::SPIKE,
            instrument: tick.instrument,
            side,
            score_ppm,
            parts_ppm,
            price: tick.ltp,
        })
    }

    /// Both sides are armed again once no spike is left in either direction.
    fn rearm(&mut self, view: &View<'_>, signal: &Signal) {
        if signal.score_ppm < view.config.strategy.score_min_ppm / 2 {
            self.raised = [TsNs::NEVER; 2];
        }
    }

    /// How much the plan lets this signal add to a position on its side.
    fn addition(&self, moment: &Moment<'_>, signal: &Signal) -> Option<Qty> {
        let same_side = moment.position.qty.get().signum() == signal.side.sign();
        let addition = self.bracket.addition(moment, signal.price);
        addition.filter(|_| same_side)
    }

    /// The entry as an addition: of the plan's size, to be stopped out where the position is.
    fn enlarging(&mut self, entry: Enter, qty: Qty, instrument: &Instrument) -> Enter {
        self.bracket.note_addition(entry.signal.price);
        let round = match entry.signal.side {
            Side::Buy => Round::Down,
            Side::Sell => Round::Up,
        };
        Enter {
            qty,
            stop: self.bracket.stop().on_tick(instrument.tick, round),
            adds: true,
            ..entry
        }
    }

    fn may_raise(&self, view: &View<'_>, signal: &Signal) -> bool {
        let raised = self.raised[signal.side as usize];
        let cooled = !raised.is_set() || view.now.since(raised) >= view.config.risk.cooldown;
        cooled && signal.score_ppm >= view.config.strategy.score_min_ppm
    }
}

fn moment<'a>(view: &View<'a>, instrument: InstrumentId) -> Moment<'a> {
    Moment {
        now: view.now,
        instrument: &view.instruments[instrument.index()],
        position: &view.positions[instrument.index()],
        config: view.config,
        is_manual: view.held.is_manual(instrument),
    }
}

const fn leave(instrument: InstrumentId, exit: &Exit) -> Intent {
    Intent::Leave(Leave {
        instrument,
        qty: exit.qty,
        reason: exit.reason,
    })
}

/// The entry order for a signal: the touch plus slack, rounded toward the touch; the stop rounded away from the
/// entry, so that the risk is never understated. `None` where prices are so small that no stop fits.
fn enter(view: &View<'_>, signal: &Signal, instrument: &Instrument, quote: &Quote) -> Option<Enter> {
    // A falling premium is no reason to write an option: its loss has no bound that the risk gate could see.
    if instrument.kind.is_option() && signal.side == Side::Sell {
        return None;
    }
    let config = &view.config.strategy;
    let tick = instrument.tick;
    let (limit, stop) = match signal.side {
        Side::Buy => {
            let limit = quote
                .ask
                .moved_bps(config.entry_slack_bps)
                .on_tick(tick, Round::Down);
            let stop = limit.moved_bps(-config.stop_bps).on_tick(tick, Round::Down);
            (limit, stop)
        }
        Side::Sell => {
            let limit = quote
                .bid
                .moved_bps(-config.entry_slack_bps)
                .on_tick(tick, Round::Up);
            let stop = limit.moved_bps(config.stop_bps).on_tick(tick, Round::Up);
            (limit, stop)
        }
    };
    if !limit.is_set() || !stop.is_set() || limit == stop {
        return None;
    }
    let plan = Plan {
        entry: limit,
        stop,
        room: view.room(&Candidate {
            instrument: instrument.id,
            side: signal.side,
            strategy: signal.strategy,
        }),
    };
    let sized = sizing::size(&plan, instrument, &view.config.risk, view.equity);
    Some(Enter {
        signal: *signal,
        qty: sized.qty,
        limit,
        stop,
        adds: false,
    })
}

fn hash_signal(signal: &Signal, hasher: &mut StateHasher) {
    hasher.i64(signal.ts.get());
    hasher.u64(u64::from(signal.strategy.get()));
    hasher.u64(u64::from(signal.instrument.get()));
    hasher.u64(signal.side as u64);
    hasher.u64(u64::from(signal.score_ppm));
    for part in signal.parts_ppm {
        hasher.u64(u64::from(part));
    }
    hasher.i64(signal.price.get());
}
