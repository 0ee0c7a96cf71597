//! Operator commands: what each verb does in each mode. Kill outranks flatten, flatten outranks pause.
//!
//! Invariants: a command id acts once, and for one command; no id keeps a kill from acting while nothing is killed; what is to be refused changes nothing, however it came; neither strategy nor
//! replay clears what a person latched. A kill ends by `arm` alone. A flatten ends by itself, once the broker shows
//! that nothing is open, and leaves PAUSED; nothing but a kill, which does more, ends it sooner.

use crate::command::Commands;
use crate::event::{Controlled, Verb};
use crate::instrument::InstrumentId;
use crate::order::Purpose;
use crate::orders::Order;
use crate::planted::{Bug, planted};
use crate::start_steps::StartStep;
use crate::state::State;
use crate::strategy::{ExitReason, StrategyId};
use crate::supervision::Heard;

/// Why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// Only arming, with a reason, ends a kill.
    Killed,
    /// A flatten is under way and ends by itself.
    Flattening,
    /// The broker's books have not been read to agreement yet.
    NotReconciled,
    /// The broker's switch is for after a kill.
    NotKilled,
    /// The broker's switch needs an account that the broker itself shows flat.
    NotFlat,
    /// An order of somebody else in the instrument may still be live.
    ForeignOrder,
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
            Self::NotKilled => "the broker's switch is for after a kill: `kill` first",
            Self::NotFlat => {
                "the broker has not shown that nothing is open, and refuses its switch until it is so"
            }
            Self::ForeignOrder => {
                "an order of somebody else may still be live there: cancel it at the broker first"
            }
            Self::NotOfOneStrategy => "only pause, resume and arm may be about one strategy",
            Self::StartStep(_) => "a step of the start has not passed; see `bijli status`",
        }
    }
}

impl State {
    /// Why a verb would be refused now; `None` when it would be obeyed.
    #[must_use]
    pub fn objection_to(
        &self,
        verb: Verb,
        strategy: Option<StrategyId>,
        instrument: Option<InstrumentId>,
    ) -> Option<Objection> {
        if strategy.is_some() {
            let may = matches!(verb, Verb::Pause | Verb::Resume | Verb::Arm);
            return (!may).then_some(Objection::NotOfOneStrategy);
        }
        match verb {
            Verb::Resume if planted(Bug::ResumeClearsKill) => None,
            Verb::Resume if self.killed => Some(Objection::Killed),
            Verb::Resume if self.flattening => Some(Objection::Flattening),
            Verb::Resume => instrument
                .is_some_and(|id| self.has_foreign_order(id))
                .then_some(Objection::ForeignOrder),
            Verb::BrokerSwitch if !self.killed => Some(Objection::NotKilled),
            Verb::BrokerSwitch => {
                let is_flat = self.supervision.flat_check.is_flat();
                (!is_flat).then_some(Objection::NotFlat)
            }
            Verb::Arm if self.session.is_none() || !self.reconciled => Some(Objection::NotReconciled),
            Verb::Arm => self.supervision.start.unyielding().map(Objection::StartStep),
            Verb::Pause | Verb::Exit | Verb::Flatten | Verb::Kill | Verb::ReduceOnly => None,
        }
    }

    pub(super) fn obey(&mut self, control: &Controlled, commands: &mut Commands) {
        match self.heard(control) {
            Heard::Repeated if !planted(Bug::CommandTwice) => return,
            Heard::OtherCommand => {
                self.supervision.refused += 1;
                return;
            }
            Heard::New | Heard::Repeated => {}
        }
        let objection = self.objection_to(control.verb, control.strategy, control.instrument);
        if objection.is_some() {
            self.supervision.refused += 1;
            return;
        }
        self.supervision.command_ids.note(control);
        self.counts.controls += 1;
        if let Some(strategy) = control.strategy {
            self.steer_strategy(control.verb, strategy);
            return;
        }
        match control.verb {
            Verb::Pause => match control.instrument {
                Some(id) => self.frozen[id.index()] = true,
                None => {
                    self.paused = true;
                    self.drop_entries(commands);
                }
            },
            Verb::Resume => self.resume(control.instrument),
            Verb::Exit => {
                if let Some(id) = control.instrument {
                    self.person_acted(id, true);
                    if !planted(Bug::ExitForgetsEntries) {
                        self.orders.note_exit_asked(Some(id), true);
                        self.withdraw_entries(id, commands);
                    }
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
            // Nothing here uses it: what is to be done stands in the journal, with who asked for it.
            Verb::BrokerSwitch => {}
        }
    }

    /// Entries are allowed again and positions handed back: of one instrument, which says nothing about the others, or
    /// of the account, which leaves instruments alone that take no entries by themselves.
    fn resume(&mut self, instrument: Option<InstrumentId>) {
        match instrument {
            Some(id) => self.frozen[id.index()] = false,
            None => {
                self.paused = false;
                self.killed &= !planted(Bug::ResumeClearsKill);
                self.supervision.reduce_only = false;
            }
        }
        self.held.hand_back(instrument);
        self.orders.note_exit_asked(instrument, false);
        self.hand_groups_back(instrument);
    }

    /// Whether an order of somebody else in the instrument may be live.
    fn has_foreign_order(&self, instrument: InstrumentId) -> bool {
        let is_foreign = |order: &Order| order.instrument == instrument && order.intent.is_none();
        self.orders.live().any(|(_, order)| is_foreign(order))
    }

    /// Whether an instrument takes no entries: somebody else ordered there, the broker holds an order at other terms, or
    /// a person paused it.
    #[must_use]
    pub fn is_frozen(&self, instrument: InstrumentId) -> bool {
        self.frozen[instrument.index()]
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
            Verb::Exit | Verb::Flatten | Verb::Kill | Verb::ReduceOnly | Verb::BrokerSwitch => {}
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

    /// An entry filled although a person had asked to be out of its instrument: that word covers what it fills.
    pub(super) fn leave_late_entry(&mut self, instrument: InstrumentId) {
        self.person_acted(instrument, true);
        let all = self.positions[instrument.index()].qty.abs();
        self.want_exit(instrument, all, ExitReason::Operator);
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
