//! Orders of unknown fate as the gateway tells of them, on true time.
//!
//! The stamps of its events are engine time, which follows the wall clock's steps, and an engine that stood still hears them
//! late: so they are judged at the moment at which they are told. What a dead process left unknown is looked for
//! from the start of the next one.

use std::collections::BTreeMap;

use bijli_core::event::{Event, Submission};
use bijli_core::{DurationNs, TsNs};

use super::{Broken, broken};

/// Nobody presumes sooner that an order does not exist.
const ABSENT_AFTER: DurationNs = DurationNs::from_secs(60);

/// Since when each fate is unknown.
#[derive(Debug, Default)]
pub struct Doubts {
    began: TsNs,
    since: BTreeMap<u64, TsNs>,
}

impl Doubts {
    /// A process came up: it looks for everything anew.
    pub fn begin_process(&mut self, now: TsNs) {
        self.began = now;
        self.since.clear();
    }

    /// Whether a minute of not knowing is under way.
    #[must_use]
    pub fn is_any(&self) -> bool {
        !self.since.is_empty()
    }

    /// I04: the gateway tells something at `now`.
    ///
    /// # Errors
    /// When it presumes an order absent before a minute of not knowing is over.
    pub fn take(&mut self, now: TsNs, event: &Event) -> Result<(), Broken> {
        let Event::IntentResolved(resolved) = event else {
            return Ok(());
        };
        let intent = resolved.intent.get();
        if resolved.submission == Submission::Unknown {
            self.since.insert(intent, now);
            return Ok(());
        }
        let since = self.since.remove(&intent).unwrap_or(self.began);
        if resolved.submission == Submission::PresumedAbsent && now.since(since) < ABSENT_AFTER {
            let waited = now.since(since).get() / 1_000_000;
            return broken("I04", format!("{resolved:?} after {waited} ms of not knowing"));
        }
        Ok(())
    }
}
