//! What operators, the start and the supervision of this process have decided, beside the trading latches.
//!
//! Invariants: a command id acts once within the last 256 and for one command alone; nothing here is cleared by a strategy or by a replay;
//! all of it is hashed. Left out: the latches themselves (`State`), and what verbs do (`engine/control.rs`).

use crate::difference::Differences;
use crate::event::{ClockDoubt, Controlled, SwitchAnswered, Verb};
use crate::flat_check::FlatCheck;
use crate::funds::Funds;
use crate::instrument::InstrumentId;
use crate::outage::Outage;
use crate::price::Money;
use crate::risk::TradingMode;
use crate::start_steps::StartSteps;
use crate::state::State;
use crate::state_hash::StateHasher;
use crate::strategy::{STRATEGIES_MAX, StrategyId};

/// How many command ids are remembered.
pub const COMMAND_IDS: usize = 256;

/// Whether a command was heard before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Its id is not known, or it is a kill and nothing is killed.
    New,
    /// The same command by the same user was obeyed: it acts once.
    Repeated,
    /// Its id belongs to another command: whoever sent it must not believe that it was obeyed.
    OtherCommand,
}

/// What a command id was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Obeyed {
    id: u64,
    uid: u32,
    verb: Verb,
    instrument: Option<InstrumentId>,
    strategy: Option<StrategyId>,
}

impl Obeyed {
    const fn of(control: &Controlled) -> Self {
        Self {
            id: control.command_id,
            uid: control.uid,
            verb: control.verb,
            instrument: control.instrument,
            strategy: control.strategy,
        }
    }
}

/// The last commands that were obeyed, by their ids.
#[derive(Clone, Copy, Debug)]
pub struct CommandIds {
    obeyed: [Option<Obeyed>; COMMAND_IDS],
    count: u64,
}

impl Default for CommandIds {
    fn default() -> Self {
        Self {
            obeyed: [None; COMMAND_IDS],
            count: 0,
        }
    }
}

impl CommandIds {
    /// Whether a command was obeyed and is remembered, or its id for something else.
    #[must_use]
    pub fn heard(&self, control: &Controlled) -> Heard {
        let asked = Obeyed::of(control);
        let mut heard = Heard::New;
        for known in self.obeyed.iter().flatten() {
            if *known == asked {
                return Heard::Repeated;
            }
            if known.id == asked.id {
                heard = Heard::OtherCommand;
            }
        }
        heard
    }

    pub(crate) fn note(&mut self, control: &Controlled) {
        self.obeyed[(self.count % COMMAND_IDS as u64) as usize] = Some(Obeyed::of(control));
        self.count += 1;
    }

    fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(self.count);
        for known in self.obeyed.iter().flatten() {
            hasher.u64(known.id);
            hasher.u64(u64::from(known.uid) << 8 | known.verb as u64);
            hasher.u64(known.instrument.map_or(0, |id| id.index() as u64 + 1));
            hasher.u64(known.strategy.map_or(0, |id| id.index() as u64 + 1));
        }
    }
}

/// Everything that supervises.
#[derive(Clone, Copy, Debug, Default)]
pub struct Supervision {
    /// Ids of the commands obeyed.
    pub command_ids: CommandIds,
    /// Commands that came as events although they were to be refused.
    pub refused: u64,
    /// Strategies that an operator paused, by number.
    pub paused_strategies: [bool; STRATEGIES_MAX],
    /// An operator wants nothing but exits.
    pub reduce_only: bool,
    /// The last doubt about the clock that nobody has looked at.
    pub clock_doubt: Option<ClockDoubt>,
    /// How this process's start went.
    pub start: StartSteps,
    /// Where the broker's books differ from ours.
    pub differences: Differences,
    /// Whether the broker shows that nothing is open.
    pub flat_check: FlatCheck,
    /// What came of the broker's own kill switch when it was last asked for.
    pub switch_answer: Option<SwitchAnswered>,
    /// The account's funds.
    pub funds: Funds,
    /// How long market data has been missing.
    pub feed_outage: Outage,
}

impl Supervision {
    /// Whether entries are barred, besides the trading latches.
    pub(crate) const fn bars_entries(&self) -> bool {
        self.reduce_only || self.start.is_barred() || matches!(self.clock_doubt, Some(ClockDoubt::Stepped))
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        self.command_ids.hash_into(hasher);
        hasher.u64(self.reduce_only.into());
        for paused in self.paused_strategies {
            hasher.u64(paused.into());
        }
        hasher.u64(self.clock_doubt.map_or(0, |doubt| doubt as u64 + 1));
        self.start.hash_into(hasher);
        self.differences.hash_into(hasher);
        self.flat_check.hash_into(hasher);
        if let Some(answer) = &self.switch_answer {
            hasher.u64(answer.command_id);
            hasher.u64(u64::from(answer.uid) << 8 | answer.outcome as u64);
        }
        self.funds.hash_into(hasher);
        self.feed_outage.hash_into(hasher);
    }
}

impl State {
    /// What operators, the start and the supervision have decided.
    #[must_use]
    pub const fn supervision(&self) -> &Supervision {
        &self.supervision
    }

    /// Whether a command was heard before. A kill that finds nothing killed is always new, whatever its id.
    #[must_use]
    pub fn heard(&self, control: &Controlled) -> Heard {
        match (self.supervision.command_ids.heard(control), control.verb) {
            (_, Verb::Kill) if !self.killed => Heard::New,
            // Another kill's word under a used id: it closes what is left once more.
            (Heard::OtherCommand, Verb::Kill) => Heard::New,
            (heard, _) => heard,
        }
    }

    /// Whether two reads of the broker's books have agreed since the start, and nothing has put them in doubt since.
    #[must_use]
    pub const fn is_reconciled(&self) -> bool {
        self.reconciled
    }

    /// Whether real money waits for a person to arm.
    #[must_use]
    pub const fn is_disarmed(&self) -> bool {
        self.disarmed
    }

    /// Whether entries wait for a person to resume or to arm, whatever else bars them.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.paused
    }

    /// Whether a flatten is under way.
    #[must_use]
    pub const fn is_flattening(&self) -> bool {
        self.flattening
    }

    /// Who may open risk for one strategy: as for all, but that it may be paused alone.
    #[must_use]
    pub fn mode_of(&self, strategy: StrategyId) -> TradingMode {
        match self.mode() {
            TradingMode::Active if self.supervision.paused_strategies[strategy.index()] => {
                TradingMode::Paused
            }
            mode => mode,
        }
    }

    /// What the broker says is free for new orders; `None` before its first word.
    #[must_use]
    pub const fn margin_available(&self) -> Option<Money> {
        self.supervision.funds.margin_available()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;
    use crate::time::TsNs;

    fn word(id: u64, uid: u32, verb: Verb) -> Controlled {
        Controlled {
            ts: TsNs::new(1),
            verb,
            instrument: None,
            strategy: None,
            uid,
            command_id: id,
            reason: Text::EMPTY,
        }
    }

    #[test]
    fn the_last_256_ids_are_remembered_and_no_others() {
        let pause = |id| word(id, 1, Verb::Pause);
        let mut ids = CommandIds::default();
        assert_eq!(
            ids.heard(&pause(0)),
            Heard::New,
            "an id that nobody used is not known"
        );
        for id in 0..300 {
            ids.note(&pause(id));
        }
        let known = |id| ids.heard(&pause(id)) == Heard::Repeated;
        assert_eq!((0..300).filter(|id| known(*id)).count(), COMMAND_IDS);
        assert!(!known(43) && known(44) && known(299));
    }

    #[test]
    fn an_id_counts_as_repeated_for_the_same_words_of_the_same_user_alone() {
        let mut ids = CommandIds::default();
        ids.note(&word(7, 1, Verb::Exit));
        assert_eq!(ids.heard(&word(7, 1, Verb::Exit)), Heard::Repeated);
        let of_one = |instrument, strategy| Controlled {
            instrument,
            strategy,
            ..word(7, 1, Verb::Exit)
        };
        for other in [
            word(7, 2, Verb::Exit),
            word(7, 1, Verb::Pause),
            of_one(Some(InstrumentId::new(0)), None),
            of_one(None, Some(StrategyId::SPIKE)),
        ] {
            assert_eq!(ids.heard(&other), Heard::OtherCommand, "{other:?}");
        }
    }
}
