//! Operator commands: what each verb does in each mode. Kill outranks flatten, flatten outranks pause.
//!
//! Invariants: a command id acts once; what is to be refused changes nothing, however it came; neither strategy nor
//! replay clears what a person latched. A kill ends by `arm` alone. A flatten ends by itself, once the broker shows
//! that nothing is open, and leaves PAUSED; nothing but a kill, which does more, ends it sooner.

use crate::command::Commands;
use crate::event::{Controlled, Verb};
use crate::instrument::InstrumentId;
use crate::order::Purpose;
use crate::planted::{Bug, planted};
use crate::start_steps::StartStep;
use crate::state::State;
use crate::strategy::{ExitReason, StrategyId};

/// Why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// Only arming, with a reason, ends a kill.
    Killed,
    /// A flatten is under way and ends by itself.
    Flattening,
    /// The broker's books have not been read to agreement yet.
    NotReconciled,
    /// The verb is about the account, not about one strategy.
    NotOfOneStrategy,
    /// A step of the start failed and a person's word does not replace it.
    StartStep(StartStep),
}

impl Objection {
    /// What the operator is told.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Killed => "killed: only `arm --reason` ends that",
            Self::Flattening => "a flatten is under way: it ends when the broker shows nothing open",
            Self::NotReconciled => {
                "not reconciled: two reads of the broker's books must agree first; see `bijli status`"
            }
            Self::NotOfOneStrategy => "only pause, resume and arm may be about one strategy",
            Self::StartStep(_) => "a step of the start has not passed; see `bijli status`",
        }
    }
}

impl State {
    /// Why a verb would be refused now; `None` when it would be obeyed.
    #[must_use]
    pub fn objection_to(&self, verb: Verb, strategy: Option<StrategyId>) -> Option<Objection> {
        if strategy.is_some() {
            let may = matches!(verb, Verb::Pause | Verb::Resume | Verb::Arm);
            return (!may).then_some(Objection::NotOfOneStrategy);
        }
        match verb {
            Verb::Resume if planted(Bug::ResumeClearsKill) => None,
            Verb::Resume if self.killed => Some(Objection::Killed),
            Verb::Resume if self.flattening => Some(Objection::Flattening),
            Verb::Arm if self.session.is_none() || !self.reconciled => Some(Objection::NotReconciled),
            Verb::Arm => self.supervision.start.unyielding().map(Objection::StartStep),
            Verb::Pause | Verb::Resume | Verb::Exit | Verb::Flatten | Verb::Kill | Verb::ReduceOnly => None,
        }
    }

    pub(super) fn obey(&mut self, control: &Controlled, commands: &mut Commands) {
        if self.supervision.command_ids.has(control.command_id) && !planted(Bug::CommandTwice) {
            return;
        }
        if self.objection_to(control.verb, control.strategy).is_some() {
            self.supervision.refused += 1;
            return;
        }
        self.supervision.command_ids.note(control.command_id);
        self.counts.controls += 1;
        if let Some(strategy) = control.strategy {
            self.steer_strategy(control.verb, strategy);
            return;
        }
        match control.verb {
            Verb::Pause => {
                self.paused = true;
                self.drop_entries(commands);
            }
            Verb::Resume => {
                self.paused = false;
                self.killed &= !planted(Bug::ResumeClearsKill);
                self.supervision.reduce_only = false;
                self.held.hand_back(control.instrument);
                self.hand_groups_back(control.instrument);
            }
            Verb::Exit => {
                if let Some(id) = control.instrument {
                    self.person_acted(id, true);
                    let qty = self.positions[id.index()].qty.abs();
                    self.leave(id, qty, ExitReason::Operator, commands);
                }
            }
            Verb::ReduceOnly => {
                self.supervision.reduce_only = true;
                self.drop_entries(commands);
                self.cancel_orders(|order| order.purpose == Purpose::Entry, commands);
            }
            Verb::Flatten if self.killed => {}
            Verb::Flatten => {
                self.flattening = true;
                self.leave_everything(commands);
            }
            Verb::Kill => {
                self.killed = true;
                self.flattening = false;
                self.leave_everything(commands);
            }
            Verb::Arm => self.arm(),
        }
    }

    /// The verbs that may be about one strategy; with any other verb the engine's duty refuses the name.
    fn steer_strategy(&mut self, verb: Verb, strategy: StrategyId) {
        let paused = &mut self.supervision.paused_strategies[strategy.index()];
        match verb {
            Verb::Pause => *paused = true,
            Verb::Resume => *paused = false,
            // A person answers for a runaway: what it did so far no longer counts.
            Verb::Arm => {
                *paused = false;
                self.protections.clear_latch(strategy);
            }
            Verb::Exit | Verb::Flatten | Verb::Kill | Verb::ReduceOnly => {}
        }
    }

    fn leave_everything(&mut self, commands: &mut Commands) {
        self.supervision.flat_check.restart();
        self.drop_entries(commands);
        self.close_all(ExitReason::Operator, commands);
    }

    /// Somebody else traded in the instrument of a position of ours, or asked to be out of it: strategies leave it
    /// alone until it is flat or handed back.
    pub(super) fn person_acted(&mut self, instrument: InstrumentId, exit_asked: bool) {
        self.held.take_over(instrument, exit_asked);
        self.group_taken_over(instrument);
    }

    /// A person takes responsibility: latches and halts are cleared; the daily loss limit and a flatten under way
    /// are not.
    fn arm(&mut self) {
        self.disarmed = false;
        self.killed = false;
        self.halted = false;
        self.position_break = false;
        self.paused = false;
        self.supervision.reduce_only = false;
        self.supervision.clock_doubt = None;
        self.supervision.start.arm();
        self.supervision.differences.clear();
    }
}
