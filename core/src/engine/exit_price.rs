//! What an exit costs: the ladder of prices from the touch to the last resort.
//!
//! Slack beyond the touch while there is time; the collar once patience or the session ends; some collars more when a
//! kill or the close forces it; a market order with the broker's price protection last, where the configuration allows
//! one. What was refused at the far end is not asked for again and again: every other attempt after a refusal goes back
//! to the collar, since a price beyond the bands of the day is refused for ever. No limit leaves the exchange's bands. A
//! crossed, one-sided or old book prices nothing by itself: then the worst of what is known of touch and last trade
//! stands in for it, and the last price that the broker tells beside the position where that is newer: while an exit works
//! and the feed is silent on its instrument, the broker is asked again and again. If it tells none either, nobody knows
//! what the exchange measures an order by: then its protection does not bind, and the ladder climbs by time, up to the
//! day's band. While an entry of ours may still be live on the other side, no exit is priced through it: the two would
//! trade with each other.

use super::exits::REREAD_AGAIN;
use crate::command::Commands;
use crate::event::PositionReported;
use crate::instrument::{InstrumentId, InstrumentKind};
use crate::order::{OrderType, Side};
use crate::page::PageReason;
use crate::planted::{Bug, planted};
use crate::price::{Price, Round};
use crate::risk::bands::{clamp_to_bands, within_day_band};
use crate::state::State;
use crate::time::{DurationNs, TsNs};

/// Attempts after which an exit goes to the collar.
const COLLAR_AFTER: u32 = 4;
/// Attempts after which a forced exit goes beyond it.
const EDGE_AFTER: u32 = 8;
/// Attempts after which a forced exit may become a market order.
const MARKET_AFTER: u32 = 12;
/// How far beyond the touch the last limit price lies, in collars, unless the exchange's bands cut it off before that.
const EDGE_COLLARS: i64 = 4;

/// How many half collars a ladder climbs beyond that, one with each attempt, where no price is known; then it begins anew,
/// since what was refused above may be taken later.
const CLIMB: u32 = 32;
/// How long such a question may stay without an answer before it is put again: each one begins the reads anew.
const ANSWER_PATIENCE: DurationNs = DurationNs::from_secs(60);
/// How old the broker's price may be: the exchange measures orders by the trades of the last half minute.
const TOLD_AGE_MAX: DurationNs = DurationNs::from_secs(30);

/// Attempts after which a person is told that nobody takes the other side.
pub(super) const TELL_AFTER: u32 = EDGE_AFTER;

/// How an exit is written now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ExitTerms {
    pub(super) order_type: OrderType,
    /// [`Price::NONE`] for a market order.
    pub(super) price: Price,
}

impl State {
    /// The broker's last price, as it tells it beside a position.
    pub(super) fn note_told_price(&mut self, report: &PositionReported) {
        if report.last_price.is_set() {
            let quote = &mut self.quotes[report.instrument.index()];
            (quote.told, quote.told_ts) = (report.last_price, self.now);
        }
    }

    /// An exit is priced: where the feed is silent on its instrument, a person is told once and the broker is asked, whose
    /// positions show a last price.
    pub(super) fn seek_price(&mut self, id: InstrumentId, commands: &mut Commands) {
        let (now, quote) = (self.now, self.quotes[id.index()]);
        let position = self.positions[id.index()].qty;
        if position.is_zero() {
            return;
        }
        let plan = self.exit_plans.get_mut(id, position.get() > 0);
        if !quote.is_silent(now) {
            plan.unheard_since = TsNs::NEVER;
            return;
        }
        if !plan.unheard_since.is_set() {
            plan.unheard_since = now;
            self.page(PageReason::ExitUnheard, Some(id));
        }
        self.ask_for_price(id, REREAD_AGAIN, commands);
    }

    /// Asks the broker what a position costs, `again` after the last question if that was answered. One question is for
    /// all positions.
    pub(super) fn ask_for_price(&mut self, id: InstrumentId, again: DurationNs, commands: &mut Commands) {
        let asked = self.exit_plans.last_reread();
        let is_answered = self.quotes[id.index()].told_ts >= asked;
        let pause = if is_answered { again } else { ANSWER_PATIENCE };
        if !asked.is_set() || self.now.since(asked) >= pause {
            self.ask_for_positions(id, commands);
        }
    }

    /// Whether neither the feed nor the broker has told a price of the instrument of an exit for long.
    fn is_blind(&self, id: InstrumentId) -> bool {
        let quote = &self.quotes[id.index()];
        let is_silent = quote.is_silent(self.now);
        let unheard = self.exit_plans.get(id).map(|plan| plan.unheard_since);
        unheard.is_some_and(|since| {
            is_silent && since.is_set() && self.now.since(since.max(quote.told_ts)) >= TOLD_AGE_MAX
        })
    }

    /// How the next exit of `side` is written; `None` while no price is known at all.
    pub(super) fn exit_terms(&self, id: InstrumentId, side: Side, attempts: u32) -> Option<ExitTerms> {
        let hours = self.hours(id);
        let forced = self.killed || (hours.close.is_set() && self.now >= hours.squareoff_forced);
        let was_refused = self
            .exit_plans
            .get(id)
            .is_some_and(|plan| plan.not_before.is_set());
        let is_blind = self.is_blind(id);
        let goes_far = (forced || is_blind) && !(was_refused && attempts % 2 == 1);
        let may_be_market =
            forced && goes_far && attempts >= MARKET_AFTER && self.config.orders.exit_market_last;
        if may_be_market && self.entries_against(id, side).next().is_none() {
            return Some(ExitTerms {
                order_type: OrderType::Market,
                price: Price::NONE,
            });
        }
        let collar = self.config.risk.collar_bps;
        let slack_bps = if goes_far && attempts >= EDGE_AFTER {
            let climbed = if is_blind {
                (attempts - EDGE_AFTER) % CLIMB
            } else {
                0
            };
            collar.saturating_mul(2 * EDGE_COLLARS + i64::from(climbed)) / 2
        } else if forced || attempts >= COLLAR_AFTER {
            collar
        } else {
            self.config.strategy.exit_slack_bps
        };
        let touch = self.exit_reference(id, side);
        let known = self.quotes[id.index()].last_known();
        // An old price is no measure of what the exchange takes; that a band is old, it shows all the same.
        let binds_nothing = is_blind && within_day_band(&self.instruments[id.index()], known);
        let reference = if binds_nothing { Price::NONE } else { known };
        let price = self.beyond(id, side, touch, slack_bps, reference);
        let price = self.behind_our_entries(id, side, price);
        price.is_set().then_some(ExitTerms {
            order_type: OrderType::Limit,
            price,
        })
    }

    /// `price`, or the nearest one at which an exit of `side` cannot match an entry of ours that may still be live;
    /// [`Price::NONE`] where the exchange takes none.
    fn behind_our_entries(&self, id: InstrumentId, side: Side, price: Price) -> Price {
        let contract = &self.instruments[id.index()];
        let (low, high) = (contract.lower_band.max(contract.tick), contract.upper_band);
        let mut behind = price;
        for entry in self.entries_against(id, side) {
            if !entry.price.is_set() {
                // A market order meets every price.
                return Price::NONE;
            }
            let tick = contract.tick.get();
            behind = match side {
                Side::Sell => behind.max(Price::new(entry.price.get() + tick)),
                Side::Buy => behind.min(Price::new(entry.price.get() - tick)),
            };
        }
        let is_inside = behind >= low && (!high.is_set() || behind <= high);
        if is_inside { behind } else { Price::NONE }
    }

    /// `price` moved so far that an order of `side` gives way by `bps`, on the tick grid and inside the exchange's bands
    /// around `reference`, which is what trades when the order does.
    pub(super) fn beyond(
        &self,
        id: InstrumentId,
        side: Side,
        price: Price,
        bps: i64,
        reference: Price,
    ) -> Price {
        let contract = &self.instruments[id.index()];
        let moved = match side {
            Side::Buy => price.moved_bps(bps).on_tick(contract.tick, Round::Up),
            Side::Sell => price.moved_bps(-bps).on_tick(contract.tick, Round::Down),
        };
        let Some(session) = self.session.filter(|_| price.is_set()) else {
            return Price::NONE;
        };
        if planted(Bug::PriceOffTick) {
            return price.moved_bps(bps * side.sign());
        }
        let on_index = self.instruments[contract.underlying.index()].kind == InstrumentKind::Index;
        clamp_to_bands(
            contract,
            on_index,
            reference,
            side,
            moved.max(contract.tick),
            session.day,
        )
    }

    /// The price that an exit is measured from: the fresh touch, else the worst of an old touch, the last trade and what
    /// the broker has told since.
    fn exit_reference(&self, id: InstrumentId, side: Side) -> Price {
        let quote = &self.quotes[id.index()];
        let touch = match side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        };
        let is_fresh = self.now.since(quote.book_ts) <= self.config.risk.quote_age_max;
        if touch.is_set() && is_fresh {
            return touch;
        }
        let known = [touch, quote.ltp, quote.last_known()];
        let known = known.into_iter().filter(|price| price.is_set());
        let worst = match side {
            Side::Buy => known.max(),
            Side::Sell => known.min(),
        };
        worst.unwrap_or(Price::NONE)
    }
}
