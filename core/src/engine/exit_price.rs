//! What an exit costs: the ladder of prices from the touch to the last resort.
//!
//! Slack beyond the touch while there is time; the collar once patience or the session ends; some collars more when a
//! kill or the close forces it; a market order with the broker's price protection last, where the configuration allows
//! one. What was refused at the far end is not asked for again and again: every other attempt after a refusal goes back
//! to the collar, since a price beyond the bands of the day is refused for ever. No limit leaves the exchange's bands. A
//! crossed, one-sided or old book prices nothing by itself: then the worse of what is known of touch and last trade
//! stands in for it. While an entry of ours may still be live on the other side, no exit is priced through it: the two
//! would trade with each other.

use crate::instrument::{InstrumentId, InstrumentKind};
use crate::order::{OrderType, Side};
use crate::planted::{Bug, planted};
use crate::price::{Price, Round};
use crate::risk::bands::clamp_to_bands;
use crate::state::State;

/// Attempts after which an exit goes to the collar.
const COLLAR_AFTER: u32 = 4;
/// Attempts after which a forced exit goes beyond it.
const EDGE_AFTER: u32 = 8;
/// Attempts after which a forced exit may become a market order.
const MARKET_AFTER: u32 = 12;
/// How far beyond the touch the last limit price lies, in collars, unless the exchange's bands cut it off before that.
const EDGE_COLLARS: i64 = 4;

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
    /// How the next exit of `side` is written; `None` while no price is known at all.
    pub(super) fn exit_terms(&self, id: InstrumentId, side: Side, attempts: u32) -> Option<ExitTerms> {
        let hours = self.hours(id);
        let forced = self.killed || (hours.close.is_set() && self.now >= hours.squareoff_forced);
        let was_refused = self
            .exit_plans
            .get(id)
            .is_some_and(|plan| plan.not_before.is_set());
        let goes_far = forced && !(was_refused && attempts % 2 == 1);
        let may_be_market = goes_far && attempts >= MARKET_AFTER && self.config.orders.exit_market_last;
        if may_be_market && self.entries_against(id, side).next().is_none() {
            return Some(ExitTerms {
                order_type: OrderType::Market,
                price: Price::NONE,
            });
        }
        let collar = self.config.risk.collar_bps;
        let slack_bps = if goes_far && attempts >= EDGE_AFTER {
            collar.saturating_mul(EDGE_COLLARS)
        } else if forced || attempts >= COLLAR_AFTER {
            collar
        } else {
            self.config.strategy.exit_slack_bps
        };
        let touch = self.exit_reference(id, side);
        let price = self.beyond(id, side, touch, slack_bps, self.quotes[id.index()].ltp);
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

    /// The price that an exit is measured from: the fresh touch, else the worse of an old touch and the last trade.
    fn exit_reference(&self, id: InstrumentId, side: Side) -> Price {
        let quote = &self.quotes[id.index()];
        let touch = match side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        };
        let is_fresh = self.now.since(quote.book_ts) <= self.config.risk.quote_age_max;
        match (touch.is_set(), quote.ltp.is_set()) {
            (true, true) if !is_fresh => match side {
                Side::Buy => touch.max(quote.ltp),
                Side::Sell => touch.min(quote.ltp),
            },
            (true, _) => touch,
            (false, _) => quote.ltp,
        }
    }
}
