//! Evidence from the broker: submission results, order rows, trade rows and positions.
//!
//! Whatever a broker sends is taken in or counted, never a reason to panic. Rows that come late or out of
//! order are dropped by the table of legal transitions. Contradictions halt entries. A trade is booked and remembered
//! together or not at all.

use crate::charges::ChargedFill;
use crate::command::Place;
use crate::difference::{Difference, DifferenceKind};
use crate::event::{IntentResolved, OrderUpdated, PositionReported, Submission, Traded};
use crate::instrument::InstrumentId;
use crate::order::{BrokerStatus, IntentId, OrderState, OrderType, Purpose, Side, Validity};
use crate::orders::Order;
use crate::page::PageReason;
use crate::planted::{Bug, planted};
use crate::position::Position;
use crate::price::{Money, Price};
use crate::protections::TripFill;
use crate::quantity::Qty;
use crate::state::State;
use crate::time::DurationNs;

/// How long the trades of an order that ended may be under way before the broker's position speaks instead.
const FILL_PATIENCE: DurationNs = DurationNs::from_secs(60);

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
        let before = *self.orders.get(index);
        // The order stream may be faster than the reply; then the reply adds nothing.
        let awaited = matches!(before.state, OrderState::Submitted | OrderState::Unknown);
        if !awaited {
            return;
        }
        if self.orders.advance(index, next, self.now) {
            self.note_move(&before, index);
        } else {
            self.counts.stale_updates += 1;
        }
    }

    pub(super) fn update_order(&mut self, update: &OrderUpdated) {
        let index = match self.orders.find(update.intent, &update.order_id) {
            Some(index) => index,
            None => self.adopt_order(update),
        };
        let before = *self.orders.get(index);
        if before.instrument != update.instrument || before.side != update.side {
            self.contradict();
            return;
        }
        let next = state_of(update.status);
        let order = self.orders.get_mut(index);
        order.order_id = update.order_id;
        if is_withdrawn(&before, update, next) {
            order.reported_filled = update.filled;
            self.page(PageReason::FillWithdrawn, Some(before.instrument));
        } else {
            order.reported_filled = order.reported_filled.max(update.filled);
        }
        let Some(next) = next else {
            // The word says nothing, its fills do: their trades are waited for.
            self.counts.stale_updates += 1;
            self.orders.settle(index);
            return;
        };
        self.note_life_after_denial(index, next, update.filled);
        if matches!(next, OrderState::Open | OrderState::TriggerPending) && before.state.may_become(next) {
            self.take_terms(index, update);
        }
        // A completion that trades back, or that no row takes back whole, stands.
        let is_backed = before.state == OrderState::Filled
            && next != OrderState::Filled
            && !is_withdrawn(&before, update, Some(next));
        if !is_backed && next.is_final() && before.state.may_become(next) {
            self.take_last_qty(index, update);
        }
        if is_backed || !self.orders.advance(index, next, self.now) {
            self.counts.stale_updates += 1;
            self.orders.settle(index);
            return;
        }
        self.note_move(&before, index);
    }

    /// An order that was thought absent, or refused, and lives or filled: what is left of it is not wanted.
    fn note_life_after_denial(&mut self, index: usize, next: OrderState, filled: Qty) {
        let order = self.orders.get_mut(index);
        if !next.may_be_live() && filled.is_zero() {
            return;
        }
        let instrument = Some(order.instrument);
        match order.state {
            OrderState::PresumedAbsent => {
                order.is_unwanted = true;
                order.is_written_off = false;
                self.page(PageReason::AbsentAppeared, instrument);
            }
            OrderState::Refused | OrderState::NotSent => {
                order.is_unwanted = true;
                self.page(PageReason::AbsentAppeared, instrument);
                self.contradict();
            }
            _ => {}
        }
    }

    /// What a change of state means beyond the order: failed exits and lost protection are tried again, later, and a
    /// stop that was released or rejected at its trigger means that the position is to be left now.
    fn note_move(&mut self, before: &Order, index: usize) {
        let order = *self.orders.get(index);
        if order.purpose != Purpose::Exit || order.intent.is_none() || order.state == before.state {
            return;
        }
        let is_failed = matches!(
            order.state,
            OrderState::Rejected | OrderState::Refused | OrderState::NotSent
        );
        let was_armed = before.state == OrderState::TriggerPending;
        if order.is_protective && order.state == OrderState::Open && was_armed {
            self.orders.get_mut(index).is_protective = false;
            self.leave_after_stop(order.instrument);
        } else if order.is_protective && is_failed {
            self.note_lost_protection(order.instrument);
            if was_armed {
                self.leave_after_stop(order.instrument);
            }
        } else if order.is_protective && order.state == OrderState::Cancelled {
            if before.state != OrderState::PendingCancel {
                self.note_lost_protection(order.instrument);
            }
        } else if is_failed {
            self.note_failed_exit(order.instrument);
        } else if order.state == OrderState::Open && !order.is_protective {
            self.exit_plans.note_exit_works(order.instrument);
        }
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
        let place = Place {
            ts: self.now,
            intent: update.intent.unwrap_or(IntentId::from_raw(0)),
            instrument: update.instrument,
            side: update.side,
            purpose: self.purpose_of(update.instrument, update.side),
            order_type: OrderType::Limit,
            validity: Validity::Day,
            qty: update.qty,
            price: update.price,
            trigger: Price::NONE,
        };
        self.orders.add(Order {
            intent: update.intent,
            order_id: update.order_id,
            state: OrderState::Unknown,
            reported_filled: update.filled,
            ..Order::submitted(&place, Price::NONE)
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
        let order = *self.orders.get(index);
        let is_other = order.instrument != trade.instrument || order.side != trade.side;
        if is_other || trade.qty.get() <= 0 || !trade.price.is_set() {
            self.contradict();
            return;
        }
        let is_late = order.state == OrderState::Cancelled && planted(Bug::LateFillDropped);
        if is_late || self.orders.has_trade(index, &trade.trade_id) {
            self.counts.stale_updates += 1;
            return;
        }
        let filled = order.filled.plus(trade.qty);
        if filled.is_none_or(|filled| filled > order.qty_max()) {
            self.page(PageReason::Overfill, Some(order.instrument));
            self.contradict();
            return;
        }
        if self.book_trade(index, trade) {
            self.orders.note_trade(index, &trade.trade_id);
            self.note_late_fill(&order);
            self.follow_position(trade.instrument);
            self.protect_entry(&order);
            if order.exit_asked {
                self.leave_late_entry(trade.instrument);
            }
            if trade.intent.is_none() {
                self.person_acted(trade.instrument, false);
            }
            self.watch_day_loss();
        } else {
            self.contradict();
        }
    }

    /// A fill of an order that had ended, and whose end did not tell of it.
    fn note_late_fill(&mut self, before: &Order) {
        let is_told = before.filled < before.reported_filled;
        if !before.state.is_final() || is_told {
            return;
        }
        self.counts.late_fills += 1;
        self.page(PageReason::LateFill, Some(before.instrument));
        if before.state != OrderState::Cancelled {
            self.contradict();
        }
    }

    /// Books a trade into position, result and order; `false`, and nothing changes, when a sum leaves its range.
    fn book_trade(&mut self, index: usize, trade: &Traded) -> bool {
        let order = *self.orders.get(index);
        let (Some(turnover), Some(filled)) = (trade.price.times(trade.qty), order.filled.plus(trade.qty))
        else {
            return false;
        };
        let absorbed = order.absorbed.min(trade.qty);
        let moving = Qty::new(trade.qty.get() - absorbed.get());
        let position = &mut self.positions[trade.instrument.index()];
        let (qty_before, realised_before) = (position.qty, position.realised);
        if !moving.is_zero() && position.fill(trade.side, moving, trade.price).is_err() {
            return false;
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
        booked.absorbed = Qty::new(order.absorbed.get() - absorbed.get());
        booked.turnover = Money::new(order.turnover.get().saturating_add(turnover.get()));
        booked.charges = Money::new(order.charges.get().saturating_add(charges.get()));
        if filled >= order.qty_max() && !matches!(order.state, OrderState::Refused | OrderState::NotSent) {
            self.orders.advance(index, OrderState::Filled, self.now);
        }
        self.orders.settle(index);
        true
    }

    /// Keeps the list of open positions and the plans in step with a changed position.
    fn follow_position(&mut self, instrument: InstrumentId) {
        self.track_open(instrument);
        self.exit_plans
            .follow(instrument, self.positions[instrument.index()].qty);
    }

    /// The broker is the truth about positions: a difference is taken over and leaves reduce-only.
    pub(super) fn compare_position(&mut self, report: &PositionReported) {
        self.write_off_absent(report.instrument);
        let ours = self.positions[report.instrument.index()];
        let is_late_entry = self.may_be_late_entry(report.instrument, ours.qty, report.qty);
        self.absorb_missing(report.instrument, ours.qty, report.qty);
        self.write_off_fills_without_trades(report.instrument);
        if ours.qty == report.qty || planted(Bug::BrokerPositionIgnored) {
            self.supervision.differences.follow(report.instrument, report.qty);
            return;
        }
        self.position_break = true;
        self.page(PageReason::PositionDiffers, Some(report.instrument));
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
        self.follow_position(report.instrument);
        if is_late_entry {
            self.leave_late_entry(report.instrument);
        }
    }

    /// Whether the broker's position may show a fill, whose trade has not come, of an entry that a person does not want.
    fn may_be_late_entry(&self, instrument: InstrumentId, ours: Qty, brokers: Qty) -> bool {
        let way = brokers.get().cmp(&ours.get()) as i64;
        let is_it = |order: &Order| order.instrument == instrument && order.side.sign() == way;
        self.orders
            .live()
            .any(|(_, order)| order.exit_asked && is_it(order))
    }

    /// The broker's position does not show fills with which an order ended a minute ago, and no trade does: they did
    /// not happen, or were taken back. The order bars no exit any more; a trade that comes after all is booked.
    fn write_off_fills_without_trades(&mut self, instrument: InstrumentId) {
        for place in (0..self.orders.live_count()).rev() {
            let index = self.orders.live_at(place).expect("a place below the count");
            let order = *self.orders.get(index);
            let is_stale = order.lacks_trades_since(FILL_PATIENCE, self.now);
            if order.instrument == instrument && is_stale {
                self.orders.get_mut(index).reported_filled =
                    Qty::new(order.filled.get() + order.absorbed.get());
                self.orders.settle(index);
                self.page(PageReason::FillWithdrawn, Some(instrument));
            }
        }
    }

    /// The broker's position shows fills whose trades have not come, and nothing else: they are in it from now on.
    fn absorb_missing(&mut self, instrument: InstrumentId, ours: Qty, brokers: Qty) {
        let is_missing = |order: &Order| order.instrument == instrument && !order.missing_qty().is_zero();
        let live = self
            .orders
            .live()
            .filter(|(_, order)| is_missing(order))
            .map(|(_, order)| i128::from(order.side.sign() * order.missing_qty().get()));
        if ours == brokers || live.sum::<i128>() != i128::from(brokers.get()) - i128::from(ours.get()) {
            return;
        }
        for place in (0..self.orders.live_count()).rev() {
            let index = self.orders.live_at(place).expect("a place below the count");
            if is_missing(self.orders.get(index)) {
                let order = self.orders.get_mut(index);
                order.absorbed = Qty::new(order.absorbed.get() + order.missing_qty().get());
                self.orders.settle(index);
            }
        }
    }

    /// The broker's own position was read after these orders were presumed absent: what it still shows may be left. An
    /// entry of the other side stands as much in the way as an exit, where somebody else dealt meanwhile.
    fn write_off_absent(&mut self, instrument: InstrumentId) {
        let mut place = 0;
        while let Some(index) = self.orders.live_at(place) {
            let order = self.orders.get_mut(index);
            if order.instrument == instrument && order.state == OrderState::PresumedAbsent {
                order.is_written_off = true;
            }
            place += 1;
        }
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
        self.page(PageReason::Contradiction, None);
    }

    /// Tells a person.
    pub(super) fn page(&mut self, reason: PageReason, instrument: Option<InstrumentId>) {
        self.pages.raise(reason, instrument, self.now);
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

/// Whether a row takes back a completion that no trade backs; one that came after the rejection, out of a stale book, too.
fn is_withdrawn(order: &Order, update: &OrderUpdated, next: Option<OrderState>) -> bool {
    matches!(order.state, OrderState::Filled | OrderState::Rejected)
        && update.filled < order.reported_filled
        && order.filled <= update.filled
        && matches!(next, Some(OrderState::Cancelled | OrderState::Rejected))
}
