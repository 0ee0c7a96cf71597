//! Positions whose own prices do not come: the broker does not serve the subscription, nobody trades, or the feed is gone as
//! a whole.
//!
//! After a minute the broker is asked what they cost, again and again: its positions show a last price, by which a
//! strategy judges its stop while the feed is older. Beside a feed that lives a person is called too, once for each such
//! time. For that silence is counted from when a timer first notices it: after a doubt of the clock, which makes every quote
//! old, prices have as long to come as ever; a question costs less than a call and comes at once then. Left out: who calls a person for a feed that is gone (`supervise`), what an exit does
//! without prices (`exit_price`), and what follows from a price that was told (the strategies).

use crate::command::Commands;
use crate::event::FeedState;
use crate::instrument::InstrumentId;
use crate::page::PageReason;
use crate::planted::{Bug, planted};
use crate::state::State;
use crate::time::DurationNs;

/// For how long it may be noticed before somebody is called: a share that few trade is silent for moments.
const PATIENCE: DurationNs = DurationNs::from_secs(45);
/// How long prices may be missing before the broker is asked, whoever was called.
const ASK_AFTER: DurationNs = DurationNs::from_secs(60);
/// How often it is asked: entries wait while it answers.
const ASK_AGAIN: DurationNs = DurationNs::from_secs(30);

impl State {
    /// Calls a person for each position on which the feed has been silent for a minute of trading, and asks the broker.
    pub(super) fn watch_positions(&mut self, commands: &mut Commands) {
        for place in 0..self.open.len() {
            let id = self.open[place];
            if self.is_silence_due(id) && !planted(Bug::SilentPositionUntold) {
                self.page(PageReason::PositionUnheard, Some(id));
            }
            if self.reconciled && self.is_trading(id) && self.is_unheard_for(id, ASK_AFTER) {
                self.ask_for_price(id, ASK_AGAIN, commands);
            }
        }
    }

    /// Whether somebody is to be called for this one now; then it counts as told.
    fn is_silence_due(&mut self, id: InstrumentId) -> bool {
        let (now, quote) = (self.now, self.quotes[id.index()]);
        let is_silent = self.is_trading(id) && self.feed == FeedState::Live && quote.is_silent(now);
        let is_long = self.positions[id.index()].qty.get() > 0;
        let silence = &mut self.exit_plans.get_mut(id, is_long).silence;
        silence.follow(is_silent, now);
        silence.take_due(now, PATIENCE)
    }

    fn is_trading(&self, id: InstrumentId) -> bool {
        let hours = self.hours(id);
        hours.open.is_set() && hours.open <= self.now && self.now < hours.close
    }

    fn is_unheard_for(&self, id: InstrumentId, time: DurationNs) -> bool {
        self.now.since(self.quotes[id.index()].heard_ts()) >= time
    }
}
