//! What a process does with an event, whoever owns its clock, files and threads: journal it, apply it, journal what
//! it caused, hand that on. Live duty and simulated world run these same lines.
//!
//! Invariants: an event stands in the journal before it is applied, and a command before it is handed on (rule 3 of
//! `ARCHITECTURE.md`); after an error of the journal nothing more is applied. Left out: where time comes from, what
//! a journal is made of, who takes the commands.

use crate::codec::{Checkpoint, Item, TailCut};
use crate::command::{Command, Commands};
use crate::config::Config;
use crate::engine::Engine;
use crate::event::{Event, ProcessStarted, SessionOpened};
use crate::instrument::Instrument;
use crate::planted::{Bug, planted};
use crate::strategy::Strategy;
use crate::time::{DurationNs, TsNs};

/// How often timed actions run, in engine time.
pub const TIMER_PERIOD: DurationNs = DurationNs::from_millis(250);
/// A gap longer than this is made up for by one late timer instead of all that were missed.
const TIMER_GAP_MAX: DurationNs = DurationNs::from_secs(60);
/// Events between two checkpoints of the state hash in the journal.
const CHECKPOINT_EVERY: u64 = 262_144;

/// Where records go.
pub trait Journal {
    /// Why a record could not be written.
    type Error;

    /// Appends an item; `ts` stamps items that have no time of their own.
    ///
    /// # Errors
    /// When it cannot be written: then nothing may be done that is not journaled.
    fn append(&mut self, item: &Item, ts: TsNs) -> Result<(), Self::Error>;
}

/// What a day begins with.
#[derive(Clone, Copy, Debug)]
pub struct DayFacts<'a> {
    /// The session; its `ts` is the engine time of a fresh start.
    pub opened: SessionOpened,
    /// Risk limits and strategy parameters.
    pub config: Config,
    /// The day's instruments, in the order of their ids.
    pub instruments: &'a [Instrument],
}

/// The engine with its timers and its buffer of commands.
#[derive(Debug)]
pub struct Driver<S> {
    engine: Engine<S>,
    commands: Commands,
    next_timer: TsNs,
}

impl<S: Strategy> Driver<S> {
    /// Around a recovered or fresh engine.
    #[must_use]
    pub fn new(engine: Engine<S>) -> Self {
        Self {
            engine,
            commands: Commands::default(),
            next_timer: TsNs::NEVER,
        }
    }

    /// The engine, to be read.
    #[must_use]
    pub const fn engine(&self) -> &Engine<S> {
        &self.engine
    }

    /// Gives the engine back.
    #[must_use]
    pub fn into_engine(self) -> Engine<S> {
        self.engine
    }

    /// How many commands the last event caused.
    #[must_use]
    pub const fn command_count(&self) -> usize {
        self.commands.count()
    }

    /// Journals an event, applies it, and journals and hands on each command that it caused.
    ///
    /// # Errors
    /// The journal's; what was handed on until then stands in it.
    pub fn take<J: Journal>(
        &mut self,
        event: &Event,
        journal: &mut J,
        mut hand_on: impl FnMut(&Command),
    ) -> Result<(), J::Error> {
        journal.append(&Item::Event(*event), event.ts())?;
        self.engine.apply(event, &mut self.commands);
        for command in self.commands.iter() {
            if planted(Bug::HandOnBeforeJournal) {
                hand_on(command);
            }
            journal.append(&Item::Command(*command), event.ts())?;
            if !planted(Bug::HandOnBeforeJournal) {
                hand_on(command);
            }
        }
        let events = self.engine.state().counts().events;
        if events.is_multiple_of(CHECKPOINT_EVERY) {
            let checkpoint = Checkpoint {
                events,
                state_hash: self.engine.state_hash(),
            };
            journal.append(&Item::Checkpoint(checkpoint), self.engine.state().now())?;
        }
        Ok(())
    }

    /// The next timer that engine time `ts` has passed; ask until there is none. The first call starts them.
    pub fn due_timer(&mut self, ts: TsNs) -> Option<Event> {
        if !self.next_timer.is_set() {
            self.next_timer = ts.plus(TIMER_PERIOD);
            return None;
        }
        let due = self.next_timer;
        if due > ts {
            return None;
        }
        // After a long gap one late timer does the work of all that were missed.
        self.next_timer = if ts.since(due) > TIMER_GAP_MAX {
            ts.plus(TIMER_PERIOD)
        } else {
            due.plus(TIMER_PERIOD)
        };
        Some(Event::TimePassed(due))
    }

    /// Takes the day over: the cut of a torn tail, what is missing of the opening, and the start of this process. A
    /// process that died while it wrote the opening left a part of it.
    ///
    /// # Errors
    /// The journal's.
    ///
    /// # Panics
    /// When the opening causes commands: nobody is there yet to take them.
    pub fn begin<J: Journal>(
        &mut self,
        cut: Option<TailCut>,
        facts: &DayFacts<'_>,
        epoch: u32,
        journal: &mut J,
    ) -> Result<(), J::Error> {
        let state = self.engine.state();
        let (is_opening, has_session) = (state.epoch() == 0, state.session().is_some());
        let listed = state.instruments().len();
        let now = state.now().max(facts.opened.ts);
        if let Some(cut) = cut.filter(|_| !planted(Bug::TailCutForgotten)) {
            journal.append(&Item::TailCut(cut), now)?;
        }
        let mut tell = |event: Event| {
            self.take(&event, journal, |command| {
                panic!("an opening causes no commands: {command:?}")
            })
        };
        if is_opening {
            if !has_session {
                tell(Event::SessionOpened(facts.opened))?;
            }
            tell(Event::Configured(facts.config))?;
            for instrument in facts.instruments.iter().skip(listed) {
                tell(Event::InstrumentListed(*instrument))?;
            }
        }
        tell(Event::ProcessStarted(ProcessStarted { ts: now, epoch }))
    }
}
