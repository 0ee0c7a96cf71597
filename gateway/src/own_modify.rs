//! Our newest modify of an order, and whether a row may be older than it.
//!
//! The broker's answer says that a modify was taken in, not that it shows: a read behind the answer may come from a
//! book that knows nothing of it yet. Invariant: a row that stands as before the modify says nothing of it, however long
//! ago the answer came, and another row only once its two seconds are over; a row with what was asked for ends it at
//! once. Left out: a modify that waits or is on the wire (`gateway/writes`), what the engine makes of a row.

use bijli_core::command::Modify;
use bijli_core::order::OrderType;
use bijli_core::{DurationNs, TsNs};

use crate::evidence::BrokerOrder;

/// How long behind the answer a row may be older than the modify: the engine's two seconds, which count from its wish, and
/// that may have waited long before it left.
const SHOWS_WITHIN: DurationNs = DurationNs::from_secs(2);

/// One order's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnModify {
    asked: Modify,
    /// The row as it stood when the modify left.
    before: Option<BrokerOrder>,
    /// When it was answered, or given up that it will be; `None` on the wire.
    answered: Option<TsNs>,
}

impl OwnModify {
    /// It leaves while the order's row stands so.
    pub(crate) const fn leave(asked: Modify, before: Option<BrokerOrder>) -> Self {
        Self {
            asked,
            before,
            answered: None,
        }
    }

    /// The first answer is its own: nothing else is asked of an order while its modify is on the wire.
    pub(crate) fn answer(&mut self, now: TsNs) {
        self.answered.get_or_insert(now);
    }

    /// Whether it is on the wire.
    pub(crate) const fn is_on_wire(&self) -> bool {
        self.answered.is_none()
    }

    /// Whether the row that stands at `now` may be older than the modify. Terms that the order had before it are no
    /// evidence either way.
    pub(crate) fn may_be_unseen(&self, now: TsNs, row: Option<BrokerOrder>) -> bool {
        let (Some(answered), Some(row)) = (self.answered, row) else {
            return false;
        };
        if self.before.is_some_and(|before| self.is_shown_by(&before)) || self.is_shown_by(&row) {
            return false;
        }
        self.before == Some(row) || now.since(answered) < SHOWS_WITHIN
    }

    /// A trigger counts only where one was asked for.
    fn is_shown_by(&self, row: &BrokerOrder) -> bool {
        let asked = &self.asked;
        let is_priced = asked.order_type != OrderType::Market;
        asked.qty == row.qty
            && asked.order_type == row.order_type
            && (!is_priced || asked.price == row.price)
            && (!asked.trigger.is_set() || asked.trigger == row.trigger)
    }
}
