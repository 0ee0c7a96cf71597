//! Evidence from the broker: submission results, order rows, trade rows and positions.
//!
//! Whatever a broker sends is taken in or counted, never a reason to panic. Rows that come late or out of
//! order are dropped by the table of legal transitions. Contradictions halt entries.

use crate::charges::ChargedFill;
use crate::difference::{Difference, DifferenceKind};
use crate::event::{IntentResolved, OrderUpdated, PositionReported, Submission, Traded};
use crate::instrument::InstrumentId;
use crate::order::{BrokerStatus, OrderState, Purpose, Side};
use crate::orders::Order;
use crate::position::Position;
use crate::price::{Money, Price};
use crate::protections::TripFill;
use crate::quantity::Qty;
use crate::state::State;

impl State {
    pub(super) fn resolve_intent(&mut self, resolved: &IntentResolved) {
        let Some(index) = self.orders.find(Some(resolved.intent), &resolved.order_id) else {
            self.contradict();
            return;
        };
        let next = match resolved.submission {
            Submission::Acked => {
                self.orders.get_mut(index).order_id = resolved.order_id;
                OrderState::Accepted
            }
            Submission::Refused => OrderState::Refused,
            Submission::NotSent => OrderState::NotSent,
            Submission::Unknown => OrderState::Unknown,
            Submission::PresumedAbsent => OrderState::PresumedAbsent,
        };
        // The order stream may be faster than the reply; then the reply adds nothing.
        let awaited = matches!(
            self.orders.get(index).state,
            OrderState::Submitted | OrderState::Unknown
        );
        if awaited && !self.orders.advance(index, next, self.now) {
            self.counts.stale_updates += 1;
        }
    }

    pub(super) fn update_order(&mut self, update: &OrderUpdated) {
        let index = match self.orders.find(update.intent, &update.order_id) {
            Some(index) => index,
            None => self.adopt_order(update),
        };
        if self.is_contradicted(index, update) {
            self.contradict();
            return;
        }
        let order = self.orders.get_mut(index);
        order.order_id = update.order_id;
        order.reported_filled = order.reported_filled.max(update.filled);
        let Some(next) = state_of(update.status) else {
            self.counts.stale_updates += 1;
            return;
        };
        // "Received" after "open" is an old row; the table cannot tell, since both are live.
        let stale = next == OrderState::Accepted
            && order.state != OrderState::Accepted
            && !matches!(
                order.state,
                OrderState::Submitted | OrderState::Unknown | OrderState::PresumedAbsent
            );
        if next == OrderState::Open {
            order.qty = update.qty.max(order.filled);
            order.price = update.price;
        }
        if stale || !self.orders.advance(index, next, self.now) {
            self.counts.stale_updates += 1;
        }
    }

    /// Whether a row cannot be about this order as we know it: another instrument or side, life after we were
    /// told that it never began, or a completion taken back. The last one also drops its claim to a fill.
    fn is_contradicted(&mut self, index: usize, update: &OrderUpdated) -> bool {
        let order = *self.orders.get(index);
        let is_other = order.instrument != update.instrument || order.side != update.side;
        let next = state_of(update.status);
        let never_began = matches!(order.state, OrderState::Refused | OrderState::NotSent);
        let lives = next.is_some_and(OrderState::may_be_live) || update.filled.get() > 0;
        let withdrawn = order.state == OrderState::Filled
            && update.filled < order.reported_filled
            && order.filled <= update.filled
            && matches!(next, Some(OrderState::Cancelled | OrderState::Rejected));
        if withdrawn {
            self.orders.get_mut(index).reported_filled = update.filled;
            self.orders.settle(index);
        }
        is_other || (never_began && lives) || withdrawn
    }

    /// An order that we did not know: counted in every limit, and its instrument is left alone.
    fn adopt_order(&mut self, update: &OrderUpdated) -> usize {
        self.frozen[update.instrument.index()] = true;
        self.supervision.differences.note(Difference {
            kind: DifferenceKind::Order,
            instrument: update.instrument,
            ours: Qty::ZERO,
            brokers: update.qty,
            since: self.now,
        });
        if update.intent.is_none() {
            self.person_acted(update.instrument, false);
        }
        self.orders.add(Order {
            intent: update.intent,
            order_id: update.order_id,
            instrument: update.instrument,
            side: update.side,
            purpose: self.purpose_of(update.instrument, update.side),
            state: OrderState::Unknown,
            qty: update.qty,
            filled: Qty::ZERO,
            reported_filled: update.filled,
            price: update.price,
            turnover: Money::ZERO,
            charges: Money::ZERO,
            decision_price: Price::NONE,
            placed_ts: self.now,
            action_ts: self.now,
            state_ts: self.now,
            foreign_cancels: 0,
            strategy: None,
            group: None,
            signal: None,
            exit_reason: None,
        })
    }

    /// An unknown order that opposes the position can only be an exit.
    fn purpose_of(&self, instrument: InstrumentId, side: Side) -> Purpose {
        let position = self.positions[instrument.index()].qty.get();
        if position.signum() == -side.sign() {
            Purpose::Exit
        } else {
            Purpose::Entry
        }
    }

    pub(super) fn take_trade(&mut self, trade: &Traded) {
        let Some(index) = self.orders.find(trade.intent, &trade.order_id) else {
            // A trade row before any order row: the reconciliation will bring the order; positions are compared.
            self.contradict();
            return;
        };
        if trade.qty.get() <= 0 || !trade.price.is_set() {
            self.contradict();
            return;
        }
        if !self.orders.is_new_trade(index, &trade.trade_id) {
            self.counts.stale_updates += 1;
            return;
        }
        self.book_trade(index, trade);
        self.track_open(trade.instrument);
        if trade.intent.is_none() {
            self.person_acted(trade.instrument, false);
        }
        self.watch_day_loss();
    }

    fn book_trade(&mut self, index: usize, trade: &Traded) {
        let order = *self.orders.get(index);
        let (Some(turnover), Some(filled)) = (trade.price.times(trade.qty), order.filled.plus(trade.qty))
        else {
            self.contradict();
            return;
        };
        let position = &mut self.positions[trade.instrument.index()];
        let (qty_before, realised_before) = (position.qty, position.realised);
        if position.fill(trade.side, trade.qty, trade.price).is_err() {
            self.contradict();
            return;
        }
        let qty_after = position.qty;
        let gained = position.realised.get() - realised_before.get();
        let charges = ChargedFill {
            day: trade.ts.ist_day(),
            kind: self.instruments[trade.instrument.index()].kind,
            side: trade.side,
            turnover,
            order_turnover_before: order.turnover,
        }
        .total();
        self.realised = Money::new(self.realised.get().saturating_add(gained));
        self.charges = Money::new(self.charges.get().saturating_add(charges.get()));
        self.counts.fills += 1;
        let fill = TripFill {
            instrument: trade.instrument,
            qty_before,
            qty_after,
            gained: Money::new(gained),
            charges,
        };
        self.protections.note_fill(&fill, self.now, &self.config.risk);
        let booked = self.orders.get_mut(index);
        booked.filled = filled;
        booked.turnover = Money::new(order.turnover.get().saturating_add(turnover.get()));
        booked.charges = Money::new(order.charges.get().saturating_add(charges.get()));
        if filled > order.qty {
            self.contradict();
        }
        if filled >= order.qty {
            self.orders.advance(index, OrderState::Filled, self.now);
        }
        self.orders.settle(index);
    }

    /// The broker is the truth about positions: a difference is taken over and leaves reduce-only.
    pub(super) fn compare_position(&mut self, report: &PositionReported) {
        let ours = self.positions[report.instrument.index()];
        if ours.qty == report.qty {
            self.supervision.differences.follow(report.instrument, report.qty);
            return;
        }
        self.position_break = true;
        self.supervision.differences.note(Difference {
            kind: DifferenceKind::Position,
            instrument: report.instrument,
            ours: ours.qty,
            brokers: report.qty,
            since: self.now,
        });
        let mark = self.adoption_price(report.instrument);
        let cost = Money::new(mark.get().saturating_mul(report.qty.get()));
        self.positions[report.instrument.index()] = Position {
            qty: report.qty,
            cost,
            ..ours
        };
        self.protections.forget_trip(report.instrument);
        self.track_open(report.instrument);
    }

    fn adoption_price(&self, instrument: InstrumentId) -> Price {
        let quote = &self.quotes[instrument.index()];
        let average = self.positions[instrument.index()].average_price();
        let listed = self.instruments[instrument.index()].prev_close;
        let known = [quote.ltp, average, listed]
            .into_iter()
            .find(|price| price.is_set());
        known.unwrap_or(self.instruments[instrument.index()].tick)
    }

    /// Evidence that contradicts itself stops entries until a person looks.
    pub(super) fn contradict(&mut self) {
        self.counts.contradictions += 1;
        self.halted = true;
    }
}

/// What a broker's status means for us; `None` for a word that says nothing certain.
const fn state_of(status: BrokerStatus) -> Option<OrderState> {
    Some(match status {
        BrokerStatus::Received => OrderState::Accepted,
        BrokerStatus::Open => OrderState::Open,
        BrokerStatus::TriggerPending => OrderState::TriggerPending,
        BrokerStatus::ModifyPending => OrderState::PendingModify,
        BrokerStatus::CancelPending => OrderState::PendingCancel,
        BrokerStatus::Complete => OrderState::Filled,
        BrokerStatus::Cancelled => OrderState::Cancelled,
        BrokerStatus::Rejected => OrderState::Rejected,
        BrokerStatus::Unrecognised => return None,
    })
}
