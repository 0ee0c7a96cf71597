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
use super::order::{Change, Product, Ticket};
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
        if ticket.product == Product::MarginFunded && listing.instrument.kind != InstrumentKind::Equity {
            return Some("RMS: product MTF is for shares alone".to_owned());
        }
        contract_rejection(&listing.instrument, ticket.qty, ticket.price, ticket.trigger)
            .or_else(|| self.band_rejection(ticket))
            .or_else(|| self.holdings_rejection(index, ticket))
            .or_else(|| self.unpriced_rejection(ticket))
            .or_else(|| {
                let (_, needed) = self.margin_of(ticket, self.opening(ticket, ticket.qty));
                self.cash_rejection(index, needed, "place")
            })
    }

    /// Why a change of an order is refused: holdings, price and cash are asked for as when it was placed, less what
    /// is filled. A change that blocks no more cash than before passes, whatever cash is left.
    pub(super) fn change_rejection(&self, index: usize, change: &Change) -> Option<String> {
        let order = &self.orders[index];
        let mut changed = order.ticket.clone();
        changed.take(change);
        let rest = Qty::new((change.qty.get() - order.filled.get()).max(0));
        let left = Ticket { qty: rest, ..changed };
        let (_, before) = self.margin_of(&order.ticket, self.opening(&order.ticket, order.pending()));
        let (_, needed) = self.margin_of(&left, self.opening(&left, rest));
        self.band_rejection(&left)
            .or_else(|| self.holdings_rejection(index, &left))
            .or_else(|| self.unpriced_rejection(&left))
            .or_else(|| {
                self.cash_rejection(index, needed, "modify")
                    .filter(|_| needed > before)
            })
    }

    /// Whether a ticket sells shares that must be there to be delivered.
    fn sells_held(&self, ticket: &Ticket) -> bool {
        let share = self.listing(ticket.instrument).instrument.kind == InstrumentKind::Equity;
        share && ticket.product != Product::Intraday && ticket.side == Side::Sell
    }

    /// How much of a quantity a ticket opens: what reduces a position does not.
    fn opening(&self, ticket: &Ticket, qty: Qty) -> Qty {
        let holding = self.ledger.holding(ticket.instrument, ticket.product);
        Qty::new((qty.get() - reducible(&holding.position, ticket.side).get()).max(0))
    }

    /// A price beyond the band of the day is refused, on either side.
    fn band_rejection(&self, ticket: &Ticket) -> Option<String> {
        let (lower, upper) = self.desk.price_band(ticket.instrument)?;
        let is_outside = ticket.price.is_set() && !(lower..=upper).contains(&ticket.price);
        is_outside.then(|| format!("Exchange: price is outside the band of {lower} to {upper}"))
    }

    fn holdings_rejection(&self, index: usize, ticket: &Ticket) -> Option<String> {
        let lacks = self.sells_held(ticket) && self.opening(ticket, ticket.qty) > self.sellable(index);
        lacks.then(|| "RMS: no holdings to sell; use product I to sell short".to_owned())
    }

    /// At the market, something must tell what the quantity is worth.
    fn unpriced_rejection(&self, ticket: &Ticket) -> Option<String> {
        let opens = !self.sells_held(ticket) && !self.opening(ticket, ticket.qty).is_zero();
        let is_unpriced =
            ticket.order_type == OrderType::Market && !self.last_price(ticket.instrument).is_set();
        (opens && is_unpriced).then(|| "RMS: no price is known for this instrument yet".to_owned())
    }

    fn cash_rejection(&self, index: usize, needed: Money, verb: &str) -> Option<String> {
        let free = self.free_beside(Some(index));
        let short = needed.minus(free).unwrap_or(needed);
        (needed > free).then(|| format!("RMS: margin exceeds, add Rs {short} to {verb} this order"))
    }

    /// The last price, or before the first tick the close of the day before; none if neither is known.
    fn last_price(&self, instrument: u32) -> Price {
        let ltp = self.listing(instrument).ltp;
        let close = self.desk.close_before(instrument);
        if !ltp.is_set() && close > 0.0 {
            return crate::day::price_of(close);
        }
        ltp
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
            .map(|(_, order)| self.margin_of(&order.ticket, self.opening(&order.ticket, order.pending())));
        positions.chain(orders).fold(Blocked::default(), Blocked::add)
    }

    fn margin_of(&self, ticket: &Ticket, opening: Qty) -> (MarginUse, Money) {
        let priced = match ticket.order_type {
            OrderType::Limit | OrderType::StopLimit => ticket.price,
            OrderType::Market => self.last_price(ticket.instrument),
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
        let raised = |value: Money, bps: i64| {
            let is_raised = self.episodes.margin_raised.is_on(self.episodes.clock);
            let by = if is_raised {
                self.episodes.margin_bps
            } else {
                WHOLE_BPS
            };
            value.bps(bps * by / WHOLE_BPS)
        };
        match (instrument.kind, side, product) {
            (InstrumentKind::Equity, _, Product::Intraday) => {
                (MarginUse::VarElm, raised(value, INTRADAY_BPS))
            }
            (InstrumentKind::Equity, Side::Buy, Product::MarginFunded) => {
                (MarginUse::Funded, value.bps(FUNDED_BPS))
            }
            // Only shares that are held can be sold for delivery.
            (InstrumentKind::Equity, Side::Sell, _) => (MarginUse::Delivery, Money::ZERO),
            (InstrumentKind::Future, _, _) => (MarginUse::SpanExposure, raised(value, DERIVATIVE_BPS)),
            (InstrumentKind::Call | InstrumentKind::Put, Side::Sell, _) => {
                let strike = if instrument.strike.is_set() {
                    instrument.strike.times(qty)
                } else {
                    None
                };
                (
                    MarginUse::SpanExposure,
                    raised(strike.unwrap_or(value), DERIVATIVE_BPS),
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
