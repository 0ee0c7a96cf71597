//! The risk check before an order goes to the exchange: lot, step, freeze, hours, holdings and cash.
//!
//! A refusal here is an order with status `rejected` and a sentence, not an HTTP error (reference sheet 5.2: a
//! 200 only means that the gateway took the order in). Rates are simple and stated: an intraday share blocks a
//! fifth of its value, a delivered one all of it, a future or a sold option 15 % of its (strike) value, a bought
//! option its premium. What reduces a position blocks nothing. Real SPAN margins are left out.

use bijli_core::instrument::InstrumentKind;
use bijli_core::order::{OrderType, Side};
use bijli_core::{Money, Price, Qty, TsNs};

use super::Broker;
use super::ledger::reducible;
use super::order::{Product, Ticket};
use crate::day::DayInstrument;

const INTRADAY_BPS: i64 = 2_000;
const DERIVATIVE_BPS: i64 = 1_500;
const WHOLE_BPS: i64 = 10_000;

impl Broker {
    /// Why an order is rejected, or `None` when it may go to the exchange.
    pub(super) fn rejection(&self, now: TsNs, index: usize) -> Option<String> {
        let ticket = &self.orders[index].ticket;
        let listing = self.listing(ticket.instrument);
        if !listing.times.is_open(now) {
            return Some("RMS: market is closed for this instrument".to_owned());
        }
        if let Some(words) = contract_rejection(&listing.instrument, ticket.qty, ticket.price, ticket.trigger)
        {
            return Some(words);
        }
        let holding = self.ledger.holding(ticket.instrument, ticket.product);
        let reduces = reducible(&holding.position, ticket.side);
        let share = listing.instrument.kind == InstrumentKind::Equity;
        if share && ticket.product != Product::Intraday && ticket.side == Side::Sell && reduces < ticket.qty {
            return Some("RMS: no holdings to sell; use product I to sell short".to_owned());
        }
        let opening = Qty::new((ticket.qty.get() - reduces.get()).max(0));
        let needed = self.margin_of(ticket, opening);
        let free = self.free_beside(Some(index));
        if needed > free {
            let short = needed.minus(free).unwrap_or(needed);
            return Some(format!("RMS: margin exceeds, add Rs {short} to place this order"));
        }
        None
    }

    /// Cash that no position and no order blocks.
    pub(super) fn margin_free(&self) -> Money {
        self.free_beside(None)
    }

    /// Cash that no position and no order but one blocks.
    fn free_beside(&self, index: Option<usize>) -> Money {
        let cash = self
            .settings
            .capital
            .plus(self.ledger.realised())
            .unwrap_or(self.settings.capital);
        cash.minus(self.used_beside(index)).unwrap_or(Money::ZERO)
    }

    /// Cash that positions and live orders block.
    pub(super) fn margin_used(&self) -> Money {
        self.used_beside(None)
    }

    fn used_beside(&self, index: Option<usize>) -> Money {
        let positions = self.ledger.holdings().map(|(instrument, product, holding)| {
            let side = if holding.position.qty.get() < 0 {
                Side::Sell
            } else {
                Side::Buy
            };
            let cost = Money::new(holding.position.cost.get().abs());
            self.blocked(instrument, product, side, cost, holding.position.qty.abs())
        });
        // Per instrument, orders that would only reduce the position block nothing.
        let orders = self
            .orders
            .iter()
            .enumerate()
            .filter(|(own, order)| Some(*own) != index && !order.status.is_final())
            .map(|(_, order)| {
                let holding = self.ledger.holding(order.ticket.instrument, order.ticket.product);
                let reduces = reducible(&holding.position, order.ticket.side);
                let opening = Qty::new((order.pending().get() - reduces.get()).max(0));
                self.margin_of(&order.ticket, opening)
            });
        positions
            .chain(orders)
            .fold(Money::ZERO, |sum, part| sum.plus(part).unwrap_or(sum))
    }

    /// Cash that so much more value in an order would block; nothing for an order that reduces a position.
    pub(super) fn blocked_for(&self, index: usize, value: Money) -> Money {
        let order = &self.orders[index];
        let ticket = &order.ticket;
        let holding = self.ledger.holding(ticket.instrument, ticket.product);
        if reducible(&holding.position, ticket.side) >= order.pending() {
            return Money::ZERO;
        }
        self.blocked(
            ticket.instrument,
            ticket.product,
            ticket.side,
            value,
            order.pending(),
        )
    }

    fn margin_of(&self, ticket: &Ticket, opening: Qty) -> Money {
        let priced = match ticket.order_type {
            OrderType::Limit | OrderType::StopLimit => ticket.price,
            OrderType::Market => self.listing(ticket.instrument).ltp,
            OrderType::StopMarket => ticket.trigger,
        };
        let value = priced.times(opening).unwrap_or(Money::new(i64::MAX));
        self.blocked(ticket.instrument, ticket.product, ticket.side, value, opening)
    }

    fn blocked(&self, instrument: u32, product: Product, side: Side, value: Money, qty: Qty) -> Money {
        let instrument = &self.listing(instrument).instrument;
        match (instrument.kind, side) {
            (InstrumentKind::Equity, _) if product == Product::Intraday => value.bps(INTRADAY_BPS),
            (InstrumentKind::Future, _) => value.bps(DERIVATIVE_BPS),
            (InstrumentKind::Call | InstrumentKind::Put, Side::Sell) => {
                let strike = if instrument.strike.is_set() {
                    instrument.strike.times(qty)
                } else {
                    None
                };
                strike.unwrap_or(value).bps(DERIVATIVE_BPS)
            }
            (
                InstrumentKind::Equity | InstrumentKind::Index | InstrumentKind::Call | InstrumentKind::Put,
                Side::Buy | Side::Sell,
            ) => value.bps(WHOLE_BPS),
        }
    }
}

/// Lot, freeze and step of price and trigger.
pub(super) fn contract_rejection(
    instrument: &DayInstrument,
    qty: Qty,
    price: Price,
    trigger: Price,
) -> Option<String> {
    if qty.get() % instrument.lot.get() != 0 {
        return Some(format!(
            "RMS: quantity must be a multiple of the lot size {}",
            instrument.lot
        ));
    }
    if qty > instrument.freeze {
        return Some(format!(
            "RMS: quantity is above the freeze quantity {}",
            instrument.freeze
        ));
    }
    let off = |price: Price| price.is_set() && !price.is_on_tick(instrument.tick);
    if off(price) || off(trigger) {
        return Some(format!(
            "Exchange: price must be a multiple of the tick size {}",
            instrument.tick
        ));
    }
    None
}
