//! The positions at hand: since when, how large they were, whether a person took them over, and the stage of each as
//! people read it.
//!
//! A position is MANUAL once a person acted on it: `exit SYMBOL`, or an order or fill of somebody else in its
//! instrument. From then on strategies do not trade it; what protects the account (square-off, flatten, kill) still
//! does. It ends when the position is flat or a person resumes. A position that the broker merely reports otherwise
//! than our books is no person's act: it stops entries everywhere and keeps its stop.
//!
//! Invariants: one entry per open position, so the list is as bounded as they are; it changes by fills, reports and
//! operators alone, all of which are events.

use crate::group::GroupState;
use crate::instrument::InstrumentId;
use crate::limits::POSITIONS_MAX;
use crate::order::Purpose;
use crate::quantity::Qty;
use crate::state::State;
use crate::state_hash::StateHasher;
use crate::time::TsNs;

/// One open position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Engine time of the fill or report that opened it.
    pub since: TsNs,
    /// Net quantity now.
    pub qty: Qty,
    /// Largest quantity so far, without its sign.
    pub peak: Qty,
    /// Whether a person took it over.
    pub is_manual: bool,
    /// Whether a person asked to be out: tried again until it is flat.
    pub exit_asked: bool,
}

/// All open positions, in the order of opening.
#[derive(Debug)]
pub struct HeldBook {
    items: Vec<Held>,
}

impl Default for HeldBook {
    fn default() -> Self {
        Self {
            items: Vec::with_capacity(POSITIONS_MAX),
        }
    }
}

impl HeldBook {
    /// The open position in `instrument`.
    #[must_use]
    pub fn get(&self, instrument: InstrumentId) -> Option<&Held> {
        self.items.iter().find(|held| held.instrument == instrument)
    }

    /// All of them, in the order of opening.
    #[must_use]
    pub fn all(&self) -> &[Held] {
        &self.items
    }

    /// Whether a person took the position over.
    #[must_use]
    pub fn is_manual(&self, instrument: InstrumentId) -> bool {
        self.get(instrument).is_some_and(|held| held.is_manual)
    }

    /// Follows a position to its new quantity.
    pub(crate) fn follow(&mut self, instrument: InstrumentId, qty: Qty, now: TsNs) {
        let place = self.items.iter().position(|held| held.instrument == instrument);
        let fresh = Held {
            instrument,
            since: now,
            qty,
            peak: qty.abs(),
            is_manual: false,
            exit_asked: false,
        };
        match place {
            Some(place) if qty.is_zero() => {
                self.items.remove(place);
            }
            Some(place) => {
                let held = &mut self.items[place];
                if held.qty.get().signum() == qty.get().signum() {
                    held.qty = qty;
                    held.peak = held.peak.max(qty.abs());
                } else {
                    *held = fresh;
                }
            }
            None if !qty.is_zero() => self.items.push(fresh),
            None => {}
        }
    }

    /// A person acted on the position, if there is one.
    pub(crate) fn take_over(&mut self, instrument: InstrumentId, exit_asked: bool) {
        if let Some(held) = self.items.iter_mut().find(|held| held.instrument == instrument) {
            held.is_manual = true;
            held.exit_asked |= exit_asked;
        }
    }

    /// A person hands positions back: that of `instrument`, or all of them.
    pub(crate) fn hand_back(&mut self, instrument: Option<InstrumentId>) {
        for held in &mut self.items {
            if instrument.is_none_or(|id| id == held.instrument) {
                held.is_manual = false;
                held.exit_asked = false;
            }
        }
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(self.items.len() as u64);
        for held in &self.items {
            hasher.u64(u64::from(held.instrument.get()));
            hasher.i64(held.since.get());
            hasher.i64(held.qty.get());
            hasher.i64(held.peak.get());
            hasher.u64(u64::from(held.is_manual) | u64::from(held.exit_asked) << 1);
        }
    }
}

/// The stage of a position's bracket, as people read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BracketStage {
    /// Nothing was ever asked for.
    #[default]
    None = 0,
    /// An entry may be live, or legs of its group are not filled yet.
    Forming = 1,
    /// A position under its rules.
    Live = 2,
    /// The same, after part of it was booked.
    Booked = 3,
    /// On its way out as a whole.
    Closing = 4,
    /// Flat again.
    Closed = 5,
    /// A person took it over.
    Manual = 6,
}

impl BracketStage {
    /// The word on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "-",
            Self::Forming => "FORMING",
            Self::Live => "LIVE",
            Self::Booked => "BOOKED",
            Self::Closing => "CLOSING",
            Self::Closed => "CLOSED",
            Self::Manual => "MANUAL",
        }
    }

    /// The stage of a stored number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::None,
            1 => Self::Forming,
            2 => Self::Live,
            3 => Self::Booked,
            4 => Self::Closing,
            5 => Self::Closed,
            6 => Self::Manual,
            _ => return None,
        })
    }
}

impl State {
    /// What is known of the open positions.
    #[must_use]
    pub const fn held(&self) -> &HeldBook {
        &self.held
    }

    /// The stage of the bracket in `instrument`.
    #[must_use]
    pub fn bracket_stage(&self, instrument: InstrumentId) -> BracketStage {
        let live_qty = |purpose| {
            let same = self
                .orders
                .live()
                .filter(|(_, order)| order.instrument == instrument);
            same.filter(|(_, order)| order.purpose == purpose && order.state.may_be_live())
                .fold(0i64, |sum, (_, order)| sum.saturating_add(order.open_qty().get()))
        };
        let Some(held) = self.held.get(instrument) else {
            let position = &self.positions[instrument.index()];
            return if live_qty(Purpose::Entry) > 0 {
                BracketStage::Forming
            } else if position.bought.is_zero() && position.sold.is_zero() {
                BracketStage::None
            } else {
                BracketStage::Closed
            };
        };
        if let Some(group) = self.groups.owner(instrument)
            && !held.is_manual
        {
            return match group.state {
                GroupState::Forming => BracketStage::Forming,
                GroupState::Live => BracketStage::Live,
                GroupState::Closing | GroupState::Unwinding => BracketStage::Closing,
                GroupState::Manual => BracketStage::Manual,
                GroupState::Closed => BracketStage::Closed,
            };
        }
        if held.is_manual {
            BracketStage::Manual
        } else if live_qty(Purpose::Exit) >= held.qty.abs().get() {
            BracketStage::Closing
        } else if held.qty.abs() < held.peak {
            BracketStage::Booked
        } else {
            BracketStage::Live
        }
    }
}
