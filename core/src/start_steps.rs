//! The steps of a start as a table: no entry before each of them has passed.
//!
//! Order: journal recovered, account locked, program the same, no crash loop, token alive, address registered,
//! day covered by calendar and master, risk gate tested, then two agreeing reads of the broker's books, orders
//! resolved, protection rebuilt, armed. Invariants: a step that was told as waiting or failed bars entries until
//! it is told as passed; one process start forgets the verdicts of the former. Exits never wait for a step.
//! Left out: doing the steps (`tools`), and the last four, which are read from the engine's own state.

use crate::state_hash::StateHasher;
use crate::text::Text;

/// One step that is judged outside the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum StartStep {
    /// The journal of the day was replayed strictly.
    Journal = 0,
    /// No other engine has the account.
    Account = 1,
    /// The program is the one that opened the positions, or there are none.
    Program = 2,
    /// The process has not been restarted over and over.
    CrashLoop = 3,
    /// The access token is alive.
    Token = 4,
    /// The broker's registered address is ours; real money only.
    Address = 5,
    /// Calendar and instrument master are those of the day.
    Day = 6,
    /// The risk gate denied every bad order that it was shown.
    RiskGate = 7,
}

/// All steps, in the order in which they are taken.
pub const START_STEPS: [StartStep; 8] = [
    StartStep::Journal,
    StartStep::Account,
    StartStep::Program,
    StartStep::CrashLoop,
    StartStep::Token,
    StartStep::Address,
    StartStep::Day,
    StartStep::RiskGate,
];

impl StartStep {
    /// The name for people and machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Account => "account",
            Self::Program => "program",
            Self::CrashLoop => "crash-loop",
            Self::Token => "token",
            Self::Address => "address",
            Self::Day => "day",
            Self::RiskGate => "risk-gate",
        }
    }

    /// Whether a person's word is enough to go on after a failure. Where it is not, the cause must go first.
    #[must_use]
    pub const fn yields_to_arm(self) -> bool {
        matches!(self, Self::CrashLoop)
    }
}

/// How a step stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum StepVerdict {
    /// Not judged: by a program that knows no such step, or not yet.
    #[default]
    Untold = 0,
    /// Under way.
    Waiting = 1,
    /// Passed.
    Passed = 2,
    /// Failed.
    Failed = 3,
    /// Not needed here, e.g. an address where no real money is.
    NotNeeded = 4,
}

impl StepVerdict {
    /// The name for people and machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Untold => "untold",
            Self::Waiting => "waiting",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotNeeded => "not needed",
        }
    }

    /// The verdict of a stored number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Untold,
            1 => Self::Waiting,
            2 => Self::Passed,
            3 => Self::Failed,
            4 => Self::NotNeeded,
            _ => return None,
        })
    }
}

/// The steps of this process's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StartSteps {
    verdicts: [StepVerdict; START_STEPS.len()],
    notes: [Text<40>; START_STEPS.len()],
}

impl StartSteps {
    /// How a step stands.
    #[must_use]
    pub const fn verdict(&self, step: StartStep) -> StepVerdict {
        self.verdicts[step as usize]
    }

    /// What was found at a step, or why it waits.
    #[must_use]
    pub const fn note(&self, step: StartStep) -> &Text<40> {
        &self.notes[step as usize]
    }

    /// The first step that bars entries.
    #[must_use]
    pub fn barring(&self) -> Option<StartStep> {
        START_STEPS.into_iter().find(|step| self.bars(*step))
    }

    /// The first step that bars entries and that no person's word can replace.
    #[must_use]
    pub fn unyielding(&self) -> Option<StartStep> {
        START_STEPS
            .into_iter()
            .find(|step| self.bars(*step) && !step.yields_to_arm())
    }

    const fn bars(&self, step: StartStep) -> bool {
        matches!(self.verdict(step), StepVerdict::Waiting | StepVerdict::Failed)
    }

    /// Whether any step bars entries.
    #[must_use]
    pub const fn is_barred(&self) -> bool {
        let mut place = 0;
        while place < START_STEPS.len() {
            if self.bars(START_STEPS[place]) {
                return true;
            }
            place += 1;
        }
        false
    }

    pub(crate) fn tell(&mut self, step: StartStep, verdict: StepVerdict, note: Text<40>) {
        self.verdicts[step as usize] = verdict;
        self.notes[step as usize] = note;
    }

    /// A person looked: the steps that yield to that have passed.
    pub(crate) fn arm(&mut self) {
        for step in START_STEPS {
            if self.bars(step) && step.yields_to_arm() {
                self.verdicts[step as usize] = StepVerdict::Passed;
            }
        }
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        for verdict in self.verdicts {
            hasher.u64(verdict as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_or_failed_step_bars_until_it_is_told_as_passed() {
        let mut steps = StartSteps::default();
        assert!(!steps.is_barred(), "what was never told bars nothing");
        for verdict in [StepVerdict::Waiting, StepVerdict::Failed] {
            for step in START_STEPS {
                steps.tell(step, verdict, Text::EMPTY);
                assert!(steps.is_barred());
                assert_eq!(steps.barring(), Some(step));
                steps.arm();
                assert_eq!(steps.is_barred(), !step.yields_to_arm(), "{step:?}");
                steps.tell(step, StepVerdict::Passed, Text::EMPTY);
                assert!(!steps.is_barred());
            }
        }
    }

    #[test]
    fn steps_stand_in_the_order_of_their_numbers() {
        for (number, step) in START_STEPS.iter().enumerate() {
            assert_eq!(*step as usize, number);
        }
    }
}
