//! Positions whose own prices do not come from a feed that lives: the broker does not serve the subscription, or nobody
//! trades. Nothing watches their stops then, and a person is called, once for each such time.
//!
//! Silence is counted from when a timer first notices it: after a doubt of the clock, which makes every quote old, prices
//! have as long to come as ever. Left out: a feed that is gone as a whole (`supervise`), and what an exit does without
//! prices (`exit_price`).

use crate::event::FeedState;
use crate::instrument::InstrumentId;
use crate::page::PageReason;
use crate::planted::{Bug, planted};
use crate::state::State;
use crate::time::DurationNs;

/// How old prices are that count as silence.
const SILENT_AFTER: DurationNs = DurationNs::from_secs(15);
/// For how long it may be noticed before somebody is called: a share that few trade is silent for moments.
const PATIENCE: DurationNs = DurationNs::from_secs(45);

impl State {
    /// Calls a person for each position on which the feed has been silent for a minute of trading.
    pub(super) fn watch_positions(&mut self) {
        for place in 0..self.open.len() {
            let id = self.open[place];
            if self.is_silence_due(id) && !planted(Bug::SilentPositionUntold) {
                self.page(PageReason::PositionUnheard, Some(id));
            }
        }
    }

    /// Whether somebody is to be called for this one now; then it counts as told.
    fn is_silence_due(&mut self, id: InstrumentId) -> bool {
        let (now, hours) = (self.now, self.hours(id));
        let is_trading = hours.open.is_set() && hours.open <= now && now < hours.close;
        let is_heard = now.since(self.quotes[id.index()].heard_ts()) < SILENT_AFTER;
        let is_silent = is_trading && self.feed == FeedState::Live && !is_heard;
        let is_long = self.positions[id.index()].qty.get() > 0;
        let silence = &mut self.exit_plans.get_mut(id, is_long).silence;
        silence.follow(is_silent, now);
        silence.take_due(now, PATIENCE)
    }
}
