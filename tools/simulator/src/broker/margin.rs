//! The risk check before an order goes to the exchange: lot, step, freeze, hours, holdings, switch and cash.
//!
//! A refusal here is an order with status `rejected` and a sentence, not an HTTP error: a 200 only means that the
//! gateway took the order in. Rates are simple and stated: an intraday share blocks a fifth of its value, a
//! delivered one all of it, one bought on the broker's money a third, a future or a sold option 15 % of its
//! (strike) value, a bought option its premium. What reduces a position or sells held shares blocks nothing.
//! Real SPAN margins are left out. Today's profit is not cash until tomorrow; today's loss is gone at once.

use bijli_core::instrument::InstrumentKind;
use bijli_core::order::{OrderType, Side};
use bijli_core::{Money, Price, Qty, TsNs};

use super::Broker;
use super::ledger::reducible;
use super::order::{Product, Ticket};
use crate::day::DayInstrument;

const INTRADAY_BPS: i64 = 2_000;
const DERIVATIVE_BPS: i64 = 1_500;
const FUNDED_BPS: i64 = 3_333;
const WHOLE_BPS: i64 = 10_000;

/// What cash is blocked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MarginUse {
    /// Intraday shares.
    VarElm,
    /// Futures and sold options.
    SpanExposure,
    /// Bought options.
    Premium,
    /// Shares to be delivered.
    Delivery,
    /// Shares bought on the broker's money.
    Funded,
}

const USES: usize = 5;

/// Cash blocked, by what for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Blocked([Money; USES]);

impl Blocked {
    fn add(mut self, (purpose, cash): (MarginUse, Money)) -> Self {
        let sum = &mut self.0[purpose as usize];
        *sum = sum.plus(cash).unwrap_or(*sum);
        self
    }

    pub(super) const fn of(&self, purpose: MarginUse) -> Money {
        self.0[purpose as usize]
    }

    pub(super) fn total(&self) -> Money {
        self.0
            .iter()
            .fold(Money::ZERO, |sum, part| sum.plus(*part).unwrap_or(sum))
    }
}

impl Broker {
    /// Why an order is rejected, or `None` when it may go to the exchange.
    pub(super) fn rejection(&self, now: TsNs, index: usize) -> Option<String> {
        let ticket = &self.orders[index].ticket;
        let listing = self.listing(ticket.instrument);
        if self.switch.is_off(listing.segment()) {
            return Some(format!(
                "RMS: the kill switch is on for segment {}",
                listing.segment()
            ));
        }
        if !listing.times.is_open(now) {
            return Some("RMS: market is closed for this instrument".to_owned());
        }
        if let Some(words) = contract_rejection(&listing.instrument, ticket.qty, ticket.price, ticket.trigger)
        {
            return Some(words);
        }
        let holding = self.ledger.holding(ticket.instrument, ticket.product);
        let reduces = reducible(&holding.position, ticket.side);
        let mut opening = Qty::new((ticket.qty.get() - reduces.get()).max(0));
        let share = listing.instrument.kind == InstrumentKind::Equity;
        if share && ticket.product != Product::Intraday && ticket.side == Side::Sell {
            if opening > self.sellable(index) {
                return Some("RMS: no holdings to sell; use product I to sell short".to_owned());
            }
            opening = Qty::ZERO;
        }
        let (_, needed) = self.margin_of(ticket, opening);
        let free = self.free_beside(Some(index));
        if needed > free {
            let short = needed.minus(free).unwrap_or(needed);
            return Some(format!("RMS: margin exceeds, add Rs {short} to place this order"));
        }
        None
    }

    /// Held shares that neither a sale of today nor another live order has spoken for.
    fn sellable(&self, index: usize) -> Qty {
        let ticket = &self.orders[index].ticket;
        if ticket.product != Product::Delivery {
            return Qty::ZERO;
        }
        let position = self.ledger.holding(ticket.instrument, Product::Delivery).position;
        let pending: i64 = self
            .orders
            .iter()
            .enumerate()
            .filter(|(other, order)| {
                let of_same = (order.ticket.instrument, order.ticket.product, order.ticket.side)
                    == (ticket.instrument, ticket.product, ticket.side);
                *other != index && of_same && !order.status.is_final()
            })
            .map(|(_, order)| order.pending().get())
            .sum();
        let held = self.shares.held(ticket.instrument).get();
        Qty::new((held + position.qty.get().min(0) - pending).max(0))
    }

    /// Cash that no position and no order blocks.
    pub(super) fn margin_free(&self) -> Money {
        self.free_beside(None)
    }

    /// Cash that no position and no order but one blocks.
    fn free_beside(&self, index: Option<usize>) -> Money {
        let lost = Money::new(self.ledger.realised().get().min(0));
        let spent = self.used_beside(index).total().plus(self.payments.leaving());
        self.settings
            .capital
            .plus(lost)
            .and_then(|cash| cash.minus(spent?))
            .unwrap_or(Money::ZERO)
    }

    /// Cash that positions and live orders block.
    pub(super) fn margin_used(&self) -> Blocked {
        self.used_beside(None)
    }

    fn used_beside(&self, index: Option<usize>) -> Blocked {
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
        positions.chain(orders).fold(Blocked::default(), Blocked::add)
    }

    /// Cash that so much more value in an order would block; nothing for an order that reduces a position.
    pub(super) fn blocked_for(&self, index: usize, value: Money) -> Money {
        let order = &self.orders[index];
        let ticket = &order.ticket;
        let holding = self.ledger.holding(ticket.instrument, ticket.product);
        if reducible(&holding.position, ticket.side) >= order.pending() {
            return Money::ZERO;
        }
        let (instrument, product, side) = (ticket.instrument, ticket.product, ticket.side);
        self.blocked(instrument, product, side, value, order.pending()).1
    }

    fn margin_of(&self, ticket: &Ticket, opening: Qty) -> (MarginUse, Money) {
        let priced = match ticket.order_type {
            OrderType::Limit | OrderType::StopLimit => ticket.price,
            OrderType::Market => self.listing(ticket.instrument).ltp,
            OrderType::StopMarket => ticket.trigger,
        };
        let value = priced.times(opening).unwrap_or(Money::new(i64::MAX));
        self.blocked(ticket.instrument, ticket.product, ticket.side, value, opening)
    }

    /// What a quantity of an instrument worth so much blocks, and what for.
    pub(super) fn blocked(
        &self,
        instrument: u32,
        product: Product,
        side: Side,
        value: Money,
        qty: Qty,
    ) -> (MarginUse, Money) {
        let instrument = &self.listing(instrument).instrument;
        match (instrument.kind, side, product) {
            (InstrumentKind::Equity, _, Product::Intraday) => (MarginUse::VarElm, value.bps(INTRADAY_BPS)),
            (InstrumentKind::Equity, Side::Buy, Product::MarginFunded) => {
                (MarginUse::Funded, value.bps(FUNDED_BPS))
            }
            // Only shares that are held can be sold for delivery.
            (InstrumentKind::Equity, Side::Sell, _) => (MarginUse::Delivery, Money::ZERO),
            (InstrumentKind::Future, _, _) => (MarginUse::SpanExposure, value.bps(DERIVATIVE_BPS)),
            (InstrumentKind::Call | InstrumentKind::Put, Side::Sell, _) => {
                let strike = if instrument.strike.is_set() {
                    instrument.strike.times(qty)
                } else {
                    None
                };
                (
                    MarginUse::SpanExposure,
                    strike.unwrap_or(value).bps(DERIVATIVE_BPS),
                )
            }
            (InstrumentKind::Call | InstrumentKind::Put, Side::Buy, _) => {
                (MarginUse::Premium, value.bps(WHOLE_BPS))
            }
            (InstrumentKind::Equity | InstrumentKind::Index, _, _) => {
                (MarginUse::Delivery, value.bps(WHOLE_BPS))
            }
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
