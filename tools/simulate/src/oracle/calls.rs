//! I42: for whom a person must have been called, folded from the journal: placements that nobody answered, and a token that
//! died.
//!
//! Any word on an order counts as an answer, so the fold is milder than the engine, which looks at what the word said.
//! What is owed is looked at as the engine's timers run: between them nobody can be called. Left out: changes without an
//! effect, and whoever stopped entries (`facts`).

use std::collections::BTreeMap;

use bijli_core::codec::Item;
use bijli_core::event::Submission;
use bijli_core::page::PageReason;
use bijli_core::state::State;
use bijli_core::{Command, DurationNs, Event, TsNs};

use super::silence::Silence;
use super::{Broken, broken};

/// Within which a person is called.
const CALL_WITHIN: DurationNs = DurationNs::from_secs(5);

/// The fold.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// Intents without an answer, and when they were placed.
    unanswered: BTreeMap<u64, TsNs>,
    /// When the newest of those was placed that are owed a call.
    owed_since: TsNs,
    process_started: TsNs,
    silence: Silence,
}

impl Calls {
    /// Takes a record in.
    pub fn learn(&mut self, item: &Item) {
        match item {
            Item::Command(Command::Place(place)) => {
                self.unanswered.insert(place.intent.get(), place.ts);
            }
            Item::Event(event) => self.learn_event(event),
            _ => {}
        }
    }

    fn learn_event(&mut self, event: &Event) {
        self.silence.learn(event);
        let answered = match event {
            Event::TimePassed(now) => {
                let owed = self
                    .unanswered
                    .values()
                    .filter(|since| now.since(**since) >= CALL_WITHIN);
                self.owed_since = owed.copied().max().unwrap_or_default().max(self.owed_since);
                None
            }
            Event::ProcessStarted(started) => {
                self.process_started = started.ts;
                None
            }
            Event::IntentResolved(resolved) => {
                (resolved.submission != Submission::Unknown).then_some(resolved.intent)
            }
            Event::OrderUpdated(update) => update.intent,
            Event::Traded(traded) => traded.intent,
            _ => None,
        };
        if let Some(intent) = answered {
            self.unanswered.remove(&intent.get());
        }
    }

    /// An engine's turn is over.
    ///
    /// # Errors
    /// When an order has been without an answer for too long and nobody was called since it was placed, the token is
    /// dead and nobody was called in this process, or nobody was told of a silent position.
    pub fn check(&mut self, state: &State, token_is_dead: bool) -> Result<(), Broken> {
        self.silence.check(state)?;
        let told = |reason| state.pages().get(reason).last_ts;
        if told(PageReason::OrderLaneSilent) < self.owed_since {
            return broken(
                "I42",
                format!(
                    "an order placed at {} has no answer, and nobody was called",
                    self.owed_since
                ),
            );
        }
        let token_told = told(PageReason::TokenDead);
        if token_is_dead && (!token_told.is_set() || token_told < self.process_started) {
            return broken("I42", "the token is dead, and nobody was called".to_owned());
        }
        Ok(())
    }
}
