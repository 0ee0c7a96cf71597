//! I42: a position on whose instrument no tick came for a minute of trading, from a feed that lives, was told to a person.
//!
//! Any tick counts as heard, so the fold is milder than the engine, which listens to sound ones. Left out: how soon within
//! `CALL_WITHIN`, and that it is told once.

use std::collections::BTreeMap;

use bijli_core::event::FeedState;
use bijli_core::page::PageReason;
use bijli_core::state::State;
use bijli_core::{DurationNs, Event, InstrumentId, TsNs};

use super::{Broken, broken};

/// A minute, and what a timer or a standing process may add.
const CALL_WITHIN: DurationNs = DurationNs::from_secs(66);

/// When each instrument was last heard, or was flat, or nothing could be heard at all.
#[derive(Clone, Debug, Default)]
pub struct Silence {
    heard: BTreeMap<InstrumentId, TsNs>,
    /// The engine's last timer.
    timed: TsNs,
}

impl Silence {
    /// Takes an event in.
    pub fn learn(&mut self, event: &Event) {
        match event {
            Event::Ticked(tick) => {
                self.heard.insert(tick.instrument, tick.ts);
            }
            Event::TimePassed(now) => self.timed = *now,
            // From here on each has its minute.
            Event::ProcessStarted(_) | Event::ClockDoubted(_) | Event::FeedChanged(_) => self.heard.clear(),
            _ => {}
        }
    }

    /// An engine's turn is over.
    ///
    /// # Errors
    /// When nothing was heard of a position for too long, and nobody was called since.
    pub fn check(&mut self, state: &State) -> Result<(), Broken> {
        let now = self.timed;
        let told = state.pages().get(PageReason::PositionUnheard).last_ts;
        for instrument in state.instruments() {
            let (id, hours) = (instrument.id, state.hours(instrument.id));
            let is_trading = hours.open <= now && now < hours.close;
            let is_held = !state.positions()[id.index()].is_flat();
            let since = self.heard.entry(id).or_insert(now);
            if !(is_held && is_trading && state.feed() == FeedState::Live) {
                *since = now;
            } else if now.since(*since) >= CALL_WITHIN && told < *since {
                return broken(
                    "I42",
                    format!("nothing heard of {id:?} since {since}, and nobody was called"),
                );
            }
        }
        Ok(())
    }
}
