//! What a strategy is to the engine: events in, intents out, nothing else.
//!
//! A strategy sees the engine's books read-only and never learns which broker is behind them, nor whether the
//! day is live, paper or replayed.

use crate::config::Config;
use crate::event::Event;
use crate::exposure::Candidate;
use crate::group::{EnterGroup, GroupBook, LeaveGroup};
use crate::held::HeldBook;
use crate::instrument::{Instrument, InstrumentId};
use crate::limits::INTENTS_PER_EVENT_MAX;
use crate::order::Side;
use crate::position::Position;
use crate::price::{Money, Price};
use crate::quantity::Qty;
use crate::quote::Quote;
use crate::session::SessionTimes;
use crate::state::State;
use crate::state_hash::StateHasher;
use crate::time::TsNs;

/// Strategies that an engine can tell apart.
pub const STRATEGIES_MAX: usize = 8;

/// Names of the strategies, by number. A number never changes its meaning: it stands in snapshots.
pub const STRATEGY_NAMES: [&str; STRATEGIES_MAX] = [
    "spike", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth",
];

/// Which strategy wished for something: 0 to [`STRATEGIES_MAX`] - 1, named by [`STRATEGY_NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StrategyId(u8);

impl StrategyId {
    /// The spike strategy.
    pub const SPIKE: Self = Self(0);

    /// The strategy of a number; `None` outside the table of names.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if (number as usize) < STRATEGIES_MAX {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The strategy of a name; `None` for a name that is not in the table.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let index = STRATEGY_NAMES.iter().position(|known| *known == name)?;
        Self::new(u8::try_from(index).ok()?)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The number as an array index, below [`STRATEGIES_MAX`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The name as people know it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        STRATEGY_NAMES[self.0 as usize]
    }
}

/// Names of the parts of a spike score, in the order of [`Signal::parts_ppm`].
pub const SCORE_PARTS: [&str; 6] = ["price", "volume", "momentum", "trend", "macd", "rsi"];

/// A spike: which way, how strong, and what made it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Engine time of the tick that showed it.
    pub ts: TsNs,
    /// Which strategy raised it.
    pub strategy: StrategyId,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Buy for a spike upwards, sell for one downwards.
    pub side: Side,
    /// The score, millionths (0 to 1 000 000).
    pub score_ppm: u32,
    /// Its parts, each 0 to 1 000 000, named by [`SCORE_PARTS`].
    pub parts_ppm: [u32; SCORE_PARTS.len()],
    /// Last price at the signal.
    pub price: Price,
}

/// A wish to open a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enter {
    /// Why.
    pub signal: Signal,
    /// Quantity in units, lot-rounded by the sizing rule.
    pub qty: Qty,
    /// Limit price on the tick grid.
    pub limit: Price,
    /// Where it would be stopped out: the risk gate checks quantity × distance.
    pub stop: Price,
    /// Whether it enlarges the strategy's own position on the same side, which an ordinary entry must not.
    pub adds: bool,
}

/// Why a position is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitReason {
    /// The stop was crossed.
    Stop = 0,
    /// The first target was reached: part of the position is booked.
    Target = 1,
    /// The trailing stop was crossed.
    Trail = 2,
    /// The session ends.
    SquareOff = 3,
    /// An operator asked for it.
    Operator = 4,
    /// It was held for as long as the plan allows, or until the time of the day that the plan names.
    Time = 5,
    /// The group that it belongs to could not be formed.
    Unwind = 6,
}

/// A wish to reduce a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leave {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// How much of it, in units; positive, at most the position.
    pub qty: Qty,
    /// Why.
    pub reason: ExitReason,
}

/// Where a position is to be protected at the broker. It never loosens: a level farther than the one in force changes
/// nothing while the position lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protect {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// The stop of the position as the strategy keeps it; the order at the broker lies farther, by configuration.
    pub stop: Price,
}

/// What a strategy may wish for. The risk gate decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Open a position.
    Enter(Enter),
    /// Reduce a position.
    Leave(Leave),
    /// Keep a stop at the broker behind a position, where the configuration asks for one.
    Protect(Protect),
    /// Open several positions as one.
    EnterGroup(EnterGroup),
    /// Leave a group as a whole.
    LeaveGroup(LeaveGroup),
}

/// The wishes of one event: a fixed buffer.
#[derive(Debug)]
pub struct Intents {
    items: [Option<Intent>; INTENTS_PER_EVENT_MAX],
    count: usize,
}

impl Default for Intents {
    fn default() -> Self {
        Self {
            items: [None; INTENTS_PER_EVENT_MAX],
            count: 0,
        }
    }
}

impl Intents {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// Adds a wish.
    ///
    /// # Panics
    /// When one event raises more than [`INTENTS_PER_EVENT_MAX`] wishes.
    pub fn push(&mut self, intent: Intent) {
        assert!(
            self.count < INTENTS_PER_EVENT_MAX,
            "a strategy wishes within the limit"
        );
        self.items[self.count] = Some(intent);
        self.count += 1;
    }

    /// The wishes, in the order in which they were raised.
    pub fn iter(&self) -> impl Iterator<Item = &Intent> {
        self.items[..self.count].iter().flatten()
    }
}

/// The engine's books as a strategy may read them. The event in question is already in them.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Engine time.
    pub now: TsNs,
    /// Parameters.
    pub config: &'a Config,
    /// The day's table, indexed by id.
    pub instruments: &'a [Instrument],
    /// Last known markets, indexed by id.
    pub quotes: &'a [Quote],
    /// Positions, indexed by id.
    pub positions: &'a [Position],
    /// The open positions, and which of them a person took over.
    pub held: &'a HeldBook,
    /// Groups of positions.
    pub groups: &'a GroupBook,
    /// Hours of the cash market.
    pub cash: &'a SessionTimes,
    /// Hours of the derivatives market.
    pub derivatives: &'a SessionTimes,
    /// Equity now: capital plus realised and unrealised result of the day, charges deducted.
    pub equity: Money,
    /// Value of all positions and live entries.
    pub exposure_total: Money,
    /// Of these, options.
    pub exposure_options: Money,
    /// The engine's whole books; `None` where a strategy is tried without an engine.
    pub books: Option<&'a State>,
}

impl<'a> View<'a> {
    /// What the limits on positions together still leave for an entry; never negative. The risk gate asks again.
    #[must_use]
    pub fn room(&self, candidate: &Candidate) -> Money {
        if let Some(books) = self.books {
            return books.room(candidate);
        }
        let risk = &self.config.risk;
        let left = |limit_bps, used: Money| risk.capital.bps(limit_bps).get().saturating_sub(used.get());
        let total = left(risk.total_exposure_bps, self.exposure_total);
        let is_option = self.instruments[candidate.instrument.index()].kind.is_option();
        let options = left(risk.options_exposure_bps, self.exposure_options);
        Money::new(if is_option { total.min(options) } else { total }.max(0))
    }

    /// Hours that `instrument` keeps.
    #[must_use]
    pub fn session(&self, instrument: InstrumentId) -> &'a SessionTimes {
        if self.instruments[instrument.index()].kind.is_derivative() {
            self.derivatives
        } else {
            self.cash
        }
    }
}

/// A strategy: a pure state machine. Same events, same intents, same hash.
pub trait Strategy {
    /// Takes one event in, after the engine's own books have; adds wishes to `intents`.
    fn handle(&mut self, view: &View<'_>, event: &Event, intents: &mut Intents);

    /// Feeds every bit of state that can influence a later intent.
    fn hash_into(&self, hasher: &mut StateHasher);

    /// The strongest spike of the day so far, whether or not it became a signal.
    fn best_signal(&self) -> Option<Signal>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_strategy_is_found_by_its_number_and_its_name() {
        for (index, name) in STRATEGY_NAMES.iter().enumerate() {
            let id = StrategyId::of_name(name).expect("a name of the table");
            assert_eq!((id.index(), id.name()), (index, *name));
            assert_eq!(StrategyId::new(id.get()), Some(id));
        }
        assert_eq!(StrategyId::SPIKE.name(), "spike");
        assert_eq!(StrategyId::new(STRATEGIES_MAX as u8), None);
        assert_eq!(StrategyId::of_name("unheard of"), None);
    }
}
