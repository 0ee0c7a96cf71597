//! I42, of the order stream: a person is called where it is up and tells nothing while orders change.
//!
//! What the stream tells is known from the frames that reach the process, what changes from what the gateway tells:
//! while no frame comes, that was read. Owed: a page, once three changes in a row are older than the five
//! seconds that the stream has for each, and two more for threads that stand still. Any frame, and a connection that goes or comes, begins anew.

use std::collections::BTreeMap;

use bijli_core::order::{BrokerOrderId, BrokerStatus};
use bijli_core::page::PageReason;
use bijli_core::state::State;
use bijli_core::{DurationNs, Event, Qty, TsNs};

use super::{Broken, broken};
use crate::process::Arrival;

/// Within which a person is called.
const CALL_WITHIN: DurationNs = DurationNs::from_secs(7);
/// Changes in a row that the stream did not tell.
const UNTOLD_MAX: usize = 3;

/// What is known of the stream of the process that is up.
#[derive(Clone, Debug, Default)]
pub struct OrderStream {
    is_up: bool,
    /// Changes since the last word, oldest first: when each was told.
    untold: Vec<TsNs>,
    told: BTreeMap<BrokerOrderId, (BrokerStatus, Qty)>,
    /// Pages that had been raised when the last word came.
    pages: u64,
    is_anew: bool,
    /// When the last word came.
    heard: TsNs,
}

impl OrderStream {
    /// Something reaches the process.
    pub fn hear(&mut self, now: TsNs, arrival: &Arrival) {
        match arrival {
            Arrival::Frame(_) => {}
            Arrival::Stream(is_up) => self.is_up = *is_up,
            Arrival::Reply(..) => return,
        }
        self.untold.clear();
        self.is_anew = true;
        self.heard = now;
    }

    /// The gateway tells something. What it tells in the turn in which a frame came may be that frame's.
    pub fn take(&mut self, now: TsNs, event: &Event) {
        let Event::OrderUpdated(update) = event else {
            return;
        };
        let shown = (update.status, update.filled);
        let before = self.told.insert(update.order_id, shown);
        let is_news = before.is_some_and(|before| before != shown);
        if is_news && self.is_up && self.heard != now {
            self.untold.push(now);
        }
    }

    /// The engine has heard all that the gateway told.
    ///
    /// # Errors
    /// When nobody was called.
    pub fn check(&mut self, now: TsNs, state: &State) -> Result<(), Broken> {
        let pages = state.pages().get(PageReason::OrderStreamMute).count;
        if std::mem::take(&mut self.is_anew) {
            self.pages = pages;
        }
        let owed = self.untold.get(UNTOLD_MAX - 1);
        if owed.is_some_and(|since| now.since(*since) > CALL_WITHIN) && pages == self.pages {
            return broken(
                "I42",
                "the order stream is mute, and nobody was called".to_owned(),
            );
        }
        Ok(())
    }
}
