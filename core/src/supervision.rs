//! What operators, the start and the supervision of this process have decided, beside the trading latches.
//!
//! Invariants: a command id acts once within the last 256; nothing here is cleared by a strategy or by a replay;
//! all of it is hashed. Left out: the latches themselves (`State`), and what verbs do (`engine/control.rs`).

use crate::difference::Differences;
use crate::event::ClockDoubt;
use crate::flat_check::FlatCheck;
use crate::funds::Funds;
use crate::price::Money;
use crate::risk::TradingMode;
use crate::start_steps::StartSteps;
use crate::state::State;
use crate::state_hash::StateHasher;
use crate::strategy::{STRATEGIES_MAX, StrategyId};

/// How many command ids are remembered.
pub const COMMAND_IDS: usize = 256;

/// The ids of the last commands that were obeyed.
#[derive(Clone, Copy, Debug)]
pub struct CommandIds {
    ids: [u64; COMMAND_IDS],
    count: u64,
}

impl Default for CommandIds {
    fn default() -> Self {
        Self {
            ids: [0; COMMAND_IDS],
            count: 0,
        }
    }
}

impl CommandIds {
    /// Whether a command with this id was obeyed and is remembered.
    #[must_use]
    pub fn has(&self, id: u64) -> bool {
        let known = usize::try_from(self.count)
            .unwrap_or(COMMAND_IDS)
            .min(COMMAND_IDS);
        self.ids[..known].contains(&id)
    }

    pub(crate) fn note(&mut self, id: u64) {
        self.ids[(self.count % COMMAND_IDS as u64) as usize] = id;
        self.count += 1;
    }

    fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(self.count);
        let known = usize::try_from(self.count)
            .unwrap_or(COMMAND_IDS)
            .min(COMMAND_IDS);
        for id in &self.ids[..known] {
            hasher.u64(*id);
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
    /// The account's funds.
    pub funds: Funds,
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
        self.funds.hash_into(hasher);
    }
}

impl State {
    /// What operators, the start and the supervision have decided.
    #[must_use]
    pub const fn supervision(&self) -> &Supervision {
        &self.supervision
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

    #[test]
    fn the_last_256_ids_are_remembered_and_no_others() {
        let mut ids = CommandIds::default();
        assert!(!ids.has(0), "an id that nobody used is not known");
        for id in 0..300 {
            ids.note(id);
        }
        assert_eq!((0..300).filter(|id| ids.has(*id)).count(), COMMAND_IDS);
        assert!(!ids.has(43) && ids.has(44) && ids.has(299));
    }
}
