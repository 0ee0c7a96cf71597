//! Whether the exchange would take the order: lots, freeze quantity (of each order that it is cut into), tick, collar, band, protection, the side of the
//! stop, and whether it could trade with an order of our own.
//!
//! Invariant: an order that passes is one that the exchange's own validation takes, as far as its rules are known here.

use super::bands::{protection_reach, within_day_band, within_protection};
use super::{EntryFacts, refuse_if, slice_count};
use crate::config::Config;
use crate::denial::Denial;
use crate::order::Side;
use crate::planted::{Bug, planted};
use crate::price::{BPS, Money, Price};
use crate::quote::Quote;
use crate::strategy::Enter;

pub(super) fn check_ticket(facts: &EntryFacts<'_>, enter: &Enter, config: &Config) -> Result<(), Denial> {
    let (instrument, side) = (facts.instrument, enter.signal.side);
    refuse_if(
        enter.qty.get() <= 0 || !enter.qty.is_whole_lots(instrument.lot),
        Denial::QuantityNotLots,
    )?;
    refuse_if(
        slice_count(instrument, enter.qty).is_none() && !planted(Bug::NoFreeze),
        Denial::FreezeQuantity,
    )?;
    let lots = enter.qty.get() / instrument.lot.get();
    refuse_if(
        instrument.kind.is_derivative() && lots > i64::from(config.risk.order_lots_max),
        Denial::OrderLots,
    )?;
    refuse_if(
        !enter.limit.is_set() || !enter.limit.is_on_tick(instrument.tick),
        Denial::PriceOffTick,
    )?;
    refuse_if(
        !within_collar(facts.quote, enter.limit, config.risk.collar_bps) && !planted(Bug::NoCollar),
        Denial::PriceCollar,
    )?;
    refuse_if(!within_day_band(instrument, enter.limit), Denial::PriceBand)?;
    let reference = facts.quote.ltp;
    let reach = protection_reach(instrument.kind, facts.on_index, reference, facts.day);
    refuse_if(
        !within_protection(reach, reference, side, enter.limit),
        Denial::PriceProtection,
    )?;
    let stop_is_beyond = match side {
        Side::Buy => enter.stop < enter.limit,
        Side::Sell => enter.stop > enter.limit,
    };
    refuse_if(!enter.stop.is_set() || !stop_is_beyond, Denial::StopOnWrongSide)?;
    let could_match = could_match(facts.opposing, side, enter.limit) && !planted(Bug::SelfMatch);
    refuse_if(could_match, Denial::SelfMatch)
}

/// Whether `price` lies within `collar_bps` of the middle of a fresh book.
fn within_collar(quote: &Quote, price: Price, collar_bps: i64) -> bool {
    let middle = Price::new((quote.bid.get() + quote.ask.get()) / 2);
    let reach = Money::new(middle.get()).share(collar_bps, BPS);
    price.minus(middle).get().abs() <= reach.get()
}

/// Whether an order of `side` at `limit` could trade with ours on the other side; one without a limit always could.
fn could_match(opposing: Option<Price>, side: Side, limit: Price) -> bool {
    opposing.is_some_and(|price| match side {
        _ if !price.is_set() => true,
        Side::Buy => limit >= price,
        Side::Sell => limit <= price,
    })
}
