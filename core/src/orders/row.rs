//! One order of the day: what was asked for, what the broker says, and what may still fill.
//!
//! Invariants: what may still fill is never understated: the largest quantity of any modify without a known end counts.

use crate::command::Place;
use crate::event::OrderUpdated;
use crate::group::GroupId;
use crate::instrument::InstrumentId;
use crate::order::{BrokerOrderId, BrokerStatus, IntentId, OrderState, OrderType, Purpose, Side, Validity};
use crate::planted::{Bug, planted};
use crate::price::{Money, Price};
use crate::quantity::Qty;
use crate::strategy::{ExitReason, Signal, StrategyId};
use crate::time::{DurationNs, TsNs};

/// What an order says at the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How it is priced.
    pub order_type: OrderType,
    /// Total quantity, what is filled included.
    pub qty: Qty,
    /// Limit price; [`Price::NONE`] for market orders.
    pub price: Price,
    /// Trigger price of stop orders; [`Price::NONE`] otherwise.
    pub trigger: Price,
}

impl Terms {
    /// Whether a row shows a stop that waits for another trigger than these terms ask for. One that was released, or
    /// is no stop, may show any.
    pub(crate) fn is_other_trigger(&self, row: &OrderUpdated) -> bool {
        let is_stop = matches!(self.order_type, OrderType::StopLimit | OrderType::StopMarket);
        let waits = row.status == BrokerStatus::TriggerPending && row.trigger.is_set();
        is_stop && waits && row.trigger != self.trigger
    }
}

/// One order and all that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Our intent; `None` for an order that somebody else placed on the account.
    pub intent: Option<IntentId>,
    /// The broker's id; empty until known.
    pub order_id: BrokerOrderId,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Entry or exit.
    pub purpose: Purpose,
    /// Where it stands.
    pub state: OrderState,
    /// How it is priced, as last confirmed.
    pub order_type: OrderType,
    /// How long it lives.
    pub validity: Validity,
    /// Total quantity, as last confirmed; limits use [`Order::open_qty`], which knows of modifies under way.
    pub qty: Qty,
    /// Filled so far, by trade rows.
    pub filled: Qty,
    /// Filled so far, by the broker's order rows; trades may lag behind.
    pub reported_filled: Qty,
    /// Filled without trades, and in our position since that was the broker's: such a trade moves no position any more.
    pub absorbed: Qty,
    /// Limit price, as last confirmed.
    pub price: Price,
    /// Trigger price, as last confirmed; [`Price::NONE`] without one.
    pub trigger: Price,
    /// What the newest modify asked for, until the broker shows it, or shows for long enough that it had no effect.
    pub pending: Option<Terms>,
    /// The largest quantity that a modify without a known end asked for.
    pub reserve: Qty,
    /// Modifies sent: brokers allow so many of one order.
    pub modifies: u8,
    /// Turnover of the applied trades.
    pub turnover: Money,
    /// Charges of the applied trades.
    pub charges: Money,
    /// Touch price at the decision: what slippage is measured against.
    pub decision_price: Price,
    /// Engine time of the decision.
    pub placed_ts: TsNs,
    /// Engine time of our last action on it: placement, modify or cancel.
    pub action_ts: TsNs,
    /// Engine time of the last change of state.
    pub state_ts: TsNs,
    /// Engine time at which its cancel was first asked for.
    pub cancel_since: TsNs,
    /// Cancels asked for, of an order that somebody else placed; always 0 for our own.
    pub foreign_cancels: u8,
    /// Whether it rests behind a position as its stop at the broker, not yet released.
    pub is_protective: bool,
    /// Whether it should not exist and what is left of it is cancelled: it was thought absent or refused.
    pub is_unwanted: bool,
    /// Whether a person asked to be out of its instrument after it was placed: it is cancelled, and what it fills is left.
    pub exit_asked: bool,
    /// Whether a person was told that it stands still.
    pub is_paged: bool,
    /// Presumed absent, and the broker's own position was read since: exits need not wait for it any more.
    pub is_written_off: bool,
    /// The stop of the position that an entry opens; [`Price::NONE`] for others.
    pub stop: Price,
    /// The strategy that it is counted under; `None` where none of ours asked for it.
    pub strategy: Option<StrategyId>,
    /// The group whose leg it enters.
    pub group: Option<GroupId>,
    /// The signal behind an entry.
    pub signal: Option<Signal>,
    /// The reason behind an exit.
    pub exit_reason: Option<ExitReason>,
    /// The newest of its trades in the day's table.
    pub(crate) last_trade: Option<u32>,
}

impl Order {
    /// Since when a call of ours about it has been without an answer, or a change without an effect, as far as anybody
    /// told; `None` where none is.
    #[must_use]
    pub fn unanswered_since(&self) -> Option<TsNs> {
        self.intent?;
        match self.state {
            OrderState::Submitted | OrderState::Unknown => Some(self.placed_ts),
            OrderState::PendingModify => Some(self.action_ts.max(self.state_ts)),
            OrderState::PendingCancel => Some(self.cancel_since),
            _ => None,
        }
    }

    /// The order that `place` asks for, before anything is heard of it.
    #[must_use]
    pub fn submitted(place: &Place, decision_price: Price) -> Self {
        Self {
            intent: Some(place.intent),
            order_id: BrokerOrderId::EMPTY,
            instrument: place.instrument,
            side: place.side,
            purpose: place.purpose,
            state: OrderState::Submitted,
            order_type: place.order_type,
            validity: place.validity,
            qty: place.qty,
            filled: Qty::ZERO,
            reported_filled: Qty::ZERO,
            absorbed: Qty::ZERO,
            price: place.price,
            trigger: place.trigger,
            pending: None,
            reserve: Qty::ZERO,
            modifies: 0,
            turnover: Money::ZERO,
            charges: Money::ZERO,
            decision_price,
            placed_ts: place.ts,
            action_ts: place.ts,
            state_ts: place.ts,
            cancel_since: TsNs::NEVER,
            foreign_cancels: 0,
            is_protective: false,
            is_unwanted: false,
            exit_asked: false,
            is_paged: false,
            is_written_off: false,
            stop: Price::NONE,
            strategy: None,
            group: None,
            signal: None,
            exit_reason: None,
            last_trade: None,
        }
    }

    /// The most that it can ever fill: while a modify is under way the larger of old and new.
    #[must_use]
    pub fn qty_max(&self) -> Qty {
        self.qty.max(self.reserve)
    }

    /// What may still be filled, or was filled by the order's row without its trades having come.
    #[must_use]
    pub fn open_qty(&self) -> Qty {
        let is_unanswered = self.state == OrderState::Submitted;
        let bound = if is_unanswered && planted(Bug::UnansweredNotLive) {
            Qty::ZERO
        } else if self.state.may_be_live() {
            self.qty_max()
        } else {
            self.reported_filled
        };
        Qty::new((bound.get() - self.filled.get() - self.absorbed.get()).max(0))
    }

    /// Filled by the order's row, with neither trades nor the broker's position to show for it.
    #[must_use]
    pub fn missing_qty(&self) -> Qty {
        Qty::new((self.reported_filled.get() - self.filled.get() - self.absorbed.get()).max(0))
    }

    /// Whether it ended so long ago with fills that no trade has shown.
    #[must_use]
    pub fn lacks_trades_since(&self, length: DurationNs, now: TsNs) -> bool {
        self.state.is_final() && !self.missing_qty().is_zero() && now.since(self.state_ts) >= length
    }

    /// The dearer of the confirmed price and the one that a modify under way asked for: what exposure is counted at.
    #[must_use]
    pub fn exposure_price(&self) -> Price {
        let asked = self.pending.map_or(Price::NONE, |terms| terms.price);
        self.price.max(asked).max(self.trigger)
    }

    /// Average price of the applied trades; [`Price::NONE`] without any.
    #[must_use]
    pub fn average_price(&self) -> Price {
        if self.filled.is_zero() {
            Price::NONE
        } else {
            Price::new(self.turnover.get() / self.filled.get())
        }
    }

    /// The terms as last confirmed.
    #[must_use]
    pub const fn terms(&self) -> Terms {
        Terms {
            order_type: self.order_type,
            qty: self.qty,
            price: self.price,
            trigger: self.trigger,
        }
    }

    /// The terms that the newest modify under way asks for, else those last confirmed: what a change begins from.
    #[must_use]
    pub fn terms_asked(&self) -> Terms {
        self.pending.unwrap_or(self.terms())
    }

    /// Notes that a modify to `terms` is on its way.
    pub(crate) fn ask(&mut self, terms: Terms, now: TsNs) {
        self.reserve = self.reserve.max(terms.qty);
        self.pending = Some(terms);
        self.modifies = self.modifies.saturating_add(1);
        self.action_ts = now;
    }

    /// The broker shows what the newest modify asked for.
    pub(crate) fn confirm(&mut self) {
        if let Some(terms) = self.pending.take() {
            self.order_type = terms.order_type;
            self.qty = terms.qty;
            self.price = terms.price;
            self.trigger = terms.trigger;
        }
        self.reserve = Qty::ZERO;
    }

    /// The newest modify had no effect.
    pub(crate) fn forget_modify(&mut self) {
        self.pending = None;
        self.reserve = Qty::ZERO;
    }
}
