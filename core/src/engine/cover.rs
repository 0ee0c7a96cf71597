//! What is sold is bought back before what covers it is sold, with or without a group that knows the two.
//!
//! A group may be gone when its legs are not: the broker showed none of them for a while, a day was taken over without
//! its records, a person took the group over. So where the account or a session's positions go out, of each long as much
//! stays as is sold of the same underlying and on its way out. Whether it is a call beside a put is not asked: a wait of
//! moments costs less than a short without cover. Timers look again.
//!
//! A cover stays for as long as its short can be bought back: not once that market is shut; not beside exits that have
//! been refused for minutes, maybe for want of the money that is in the cover; and not over the close for the sake of an
//! order that nobody knows, or of somebody else. Where an exit of the short works and merely finds nobody, the cover is
//! all that bounds the loss, and stays. A group that lives looks after its own legs so too, but has no last call. A
//! person's `exit` of the cover goes before this order, and so does a stop of its own. Left out: contracts whose
//! underlying the day's table does not have.

use crate::instrument::InstrumentId;
use crate::order::{OrderState, Purpose};
use crate::planted::{Bug, planted};
use crate::quantity::Qty;
use crate::state::State;
use crate::strategy::ExitReason;
use crate::time::DurationNs;

/// Rounds of exits that failed one after the other, one in five seconds, after which a short keeps no cover any more.
const REFUSED_AFTER: u32 = 24;
/// So long before its market shuts a cover waits for exits alone that work.
const LAST_CALL: DurationNs = DurationNs::from_secs(10);

impl State {
    /// How much of a long stays because it may be all that covers what is sold of its underlying.
    pub(super) fn kept_as_cover(&self, id: InstrumentId, reason: ExitReason) -> Qty {
        let qty = self.positions[id.index()].qty;
        let is_of_account = matches!(reason, ExitReason::Operator | ExitReason::SquareOff);
        let is_named = self.held.get(id).is_some_and(|held| held.exit_asked);
        if qty.get() <= 0 || !is_of_account || is_named || planted(Bug::HedgeSoldFirst) {
            return Qty::ZERO;
        }
        let close = self.hours(id).close;
        let is_last_call = close.is_set() && self.now.plus(LAST_CALL) >= close;
        let sold = self
            .beside(id)
            .filter(|other| self.is_being_bought_back(*other))
            .filter(|other| !is_last_call || self.is_exit_working(*other))
            .map(|other| self.positions[other.index()].qty.abs().get());
        let sold = sold.fold(0, i64::saturating_add).min(qty.get());
        // What goes goes in whole lots.
        let lot = self.instruments[id.index()].lot.get();
        let goes = if sold == 0 {
            qty.get()
        } else {
            (qty.get() - sold) / lot * lot
        };
        Qty::new(qty.get() - goes)
    }

    /// Whether a position is to be closed because its market is about to close. What is sold goes with what covers it,
    /// also where the market of that closes first.
    pub(super) fn is_square_off_due(&self, id: InstrumentId) -> bool {
        let is_short = self.positions[id.index()].qty.get() < 0;
        let is_cover_due = |other: InstrumentId| {
            let is_long = self.positions[other.index()].qty.get() > 0;
            is_long && self.is_about_to_close(other)
        };
        self.is_about_to_close(id) || is_short && self.beside(id).any(is_cover_due)
    }

    fn is_about_to_close(&self, id: InstrumentId) -> bool {
        let hours = self.hours(id);
        let begin = if planted(Bug::SquareOffAtClose) {
            hours.close
        } else {
            hours.squareoff_begin
        };
        self.now >= begin
    }

    /// Other open positions on the same underlying.
    fn beside(&self, id: InstrumentId) -> impl Iterator<Item = InstrumentId> {
        let underlying = self.instruments[id.index()].underlying;
        let is_beside = move |other: &InstrumentId| {
            *other != id && self.instruments[other.index()].underlying == underlying
        };
        self.open.iter().copied().filter(is_beside)
    }

    /// Whether a short is on its way out as a whole, and can get there.
    fn is_being_bought_back(&self, id: InstrumentId) -> bool {
        let leaving = self.exit_plans.get(id).and_then(|plan| plan.leaving);
        let is_whole = leaving.is_some_and(|leaving| leaving.keep.is_zero());
        is_whole && self.positions[id.index()].qty.get() < 0 && self.can_be_left(id)
    }

    /// Whether exits of a position can be sent and are not refused over and over.
    pub(super) fn can_be_left(&self, id: InstrumentId) -> bool {
        let close = self.hours(id).close;
        let is_shut = close.is_set() && self.now >= close;
        let failures = self.exit_plans.get(id).map_or(0, |plan| plan.failures);
        !is_shut && failures < REFUSED_AFTER
    }

    /// Whether an exit of ours works at the exchange.
    fn is_exit_working(&self, id: InstrumentId) -> bool {
        self.orders.live().any(|(_, order)| {
            order.instrument == id
                && order.intent.is_some()
                && order.purpose == Purpose::Exit
                && matches!(order.state, OrderState::Open | OrderState::PendingModify)
        })
    }
}
