//! Positions that belong together: several legs, entered and left as one, under one stop and one target in money.
//!
//! A group passes the risk gate whole or not at all. Bought hedges are filled before what they cover is sold, and on
//! the way out what was sold is bought back before its hedge is sold. A leg that is refused, or not filled when the
//! time to form is over, ends the whole: what was filled is unwound at once, the rest cancelled. A single order with
//! a stop and a target is a group of one leg.
//!
//! Invariants: a group changes state by the table below alone; its legs trade instruments that nothing else of ours
//! trades while it lives; everything follows from journaled events. Left out: how legs are sent and left, which is
//! the engine's (`engine/groups.rs`).

use crate::instrument::InstrumentId;
use crate::order::Side;
use crate::price::{Money, Price};
use crate::quantity::Qty;
use crate::state_hash::StateHasher;
use crate::strategy::{ExitReason, Signal};
use crate::time::{DurationNs, TsNs};

/// Legs that one group can have.
pub const LEGS_MAX: usize = 4;
/// Groups that can live at one moment.
pub const GROUPS_MAX: usize = 16;

/// Number of a group within the day: 1, 2, 3, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(u32);

impl GroupId {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// What a leg is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LegRole {
    /// It carries the idea.
    Main = 0,
    /// It bounds the loss of what is sold: always bought.
    Hedge = 1,
}

/// One leg as a strategy wishes for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegPlan {
    /// Which instrument; no two legs share one.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// What it is for.
    pub role: LegRole,
    /// Quantity in units; a multiple of the lot.
    pub qty: Qty,
    /// Limit price on the tick grid.
    pub limit: Price,
    /// Where the leg ends the group; the risk gate checks quantity × distance.
    pub stop: Price,
}

/// A wish to open a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnterGroup {
    /// Why.
    pub signal: Signal,
    /// The legs, without gaps.
    pub legs: [Option<LegPlan>; LEGS_MAX],
    /// Combined loss, charges not deducted, that ends the group; zero: only the legs' own stops do.
    pub loss: Money,
    /// Combined gain, charges not deducted, that ends the group; zero: none does.
    pub gain: Money,
    /// Time in which every leg must fill.
    pub form_within: DurationNs,
}

/// A wish to leave a group as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaveGroup {
    /// Which group.
    pub group: GroupId,
    /// Why.
    pub reason: ExitReason,
}

/// Where a group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum GroupState {
    /// Legs are being entered.
    Forming = 0,
    /// Every leg is filled.
    Live = 1,
    /// On its way out.
    Closing = 2,
    /// It could not be formed: what was filled is on its way out.
    Unwinding = 3,
    /// A person acted on a leg: only what protects the account trades it.
    Manual = 4,
    /// Flat, and nothing at work. Final.
    Closed = 5,
}

/// All states, in the order of their numbers.
pub const GROUP_STATES: [GroupState; 6] = [
    GroupState::Forming,
    GroupState::Live,
    GroupState::Closing,
    GroupState::Unwinding,
    GroupState::Manual,
    GroupState::Closed,
];

/// What can happen to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupEvent {
    /// The last leg is filled.
    AllFilled,
    /// A leg was denied, refused, rejected or cancelled before it was filled.
    LegFailed,
    /// Part of a filled leg is gone, and not by the group's own doing.
    LegLost,
    /// The time to form is over.
    DeadlinePassed,
    /// A leg's stop, or the stop or target of the whole, was crossed.
    LevelCrossed,
    /// The strategy, an operator or the session's end asks for the way out.
    CloseAsked,
    /// A person acted on a leg.
    PersonActed,
    /// A person hands it back, and every leg is as it was planned.
    ResumedWhole,
    /// A person hands it back, and the legs are no longer what they were.
    ResumedBroken,
    /// No leg has a position, and no order of the group is at work.
    WentFlat,
}

/// All events, for tables over them.
pub const GROUP_EVENTS: [GroupEvent; 10] = [
    GroupEvent::AllFilled,
    GroupEvent::LegFailed,
    GroupEvent::LegLost,
    GroupEvent::DeadlinePassed,
    GroupEvent::LevelCrossed,
    GroupEvent::CloseAsked,
    GroupEvent::PersonActed,
    GroupEvent::ResumedWhole,
    GroupEvent::ResumedBroken,
    GroupEvent::WentFlat,
];

impl GroupState {
    /// The state after `event`; `None` where it changes nothing.
    #[must_use]
    pub const fn after(self, event: GroupEvent) -> Option<Self> {
        use GroupEvent as E;
        match (self, event) {
            (Self::Forming, E::AllFilled) | (Self::Manual, E::ResumedWhole) => Some(Self::Live),
            (
                Self::Forming,
                E::LegFailed | E::LegLost | E::DeadlinePassed | E::LevelCrossed | E::CloseAsked,
            )
            | (Self::Manual, E::ResumedBroken) => Some(Self::Unwinding),
            (Self::Live, E::LegLost | E::LevelCrossed | E::CloseAsked) => Some(Self::Closing),
            (Self::Forming | Self::Live | Self::Closing | Self::Unwinding, E::PersonActed) => {
                Some(Self::Manual)
            }
            (Self::Live | Self::Closing | Self::Unwinding | Self::Manual, E::WentFlat) => Some(Self::Closed),
            _ => None,
        }
    }

    /// The word on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forming => "FORMING",
            Self::Live => "LIVE",
            Self::Closing => "CLOSING",
            Self::Unwinding => "UNWINDING",
            Self::Manual => "MANUAL",
            Self::Closed => "CLOSED",
        }
    }
}

/// The entry orders of a leg: several where it is cut at the freeze quantity. They follow one another in the day's
/// table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegOrders {
    /// Index of the first.
    pub first: u32,
    /// How many.
    pub count: u32,
}

impl LegOrders {
    /// Whether the leg was sent.
    #[must_use]
    pub const fn is_sent(self) -> bool {
        self.count > 0
    }

    /// Their indices.
    pub fn indices(self) -> impl Iterator<Item = usize> {
        (self.first..self.first + self.count).map(|index| index as usize)
    }
}

/// One leg and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// As it was wished for.
    pub plan: LegPlan,
    /// Its entry orders; none before it is sent.
    pub orders: LegOrders,
    /// Result that the instrument had booked before the group began.
    pub realised_before: Money,
}

/// A group and all that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its number.
    pub id: GroupId,
    /// Why it was opened.
    pub signal: Signal,
    /// Where it stands.
    pub state: GroupState,
    /// The legs, without gaps.
    pub legs: [Option<Leg>; LEGS_MAX],
    /// Combined loss that ends it; zero: none.
    pub loss: Money,
    /// Combined gain that ends it; zero: none.
    pub gain: Money,
    /// When every leg must be filled.
    pub deadline: TsNs,
    /// Engine time of the last change of state.
    pub since: TsNs,
    /// Why it is being left.
    pub reason: Option<ExitReason>,
}

impl Group {
    /// The legs.
    pub fn legs(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter().flatten()
    }

    /// Whether a leg trades `instrument`.
    #[must_use]
    pub fn trades(&self, instrument: InstrumentId) -> bool {
        self.legs().any(|leg| leg.plan.instrument == instrument)
    }

    /// Whether it has not ended.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.state != GroupState::Closed
    }

    /// Follows the table; tells whether the state changed.
    pub(crate) fn step(&mut self, event: GroupEvent, now: TsNs) -> bool {
        let Some(next) = self.state.after(event) else {
            return false;
        };
        self.state = next;
        self.since = now;
        true
    }
}

/// The groups that live, and the last ones that ended.
#[derive(Debug)]
pub struct GroupBook {
    groups: Vec<Group>,
    begun: u32,
}

impl Default for GroupBook {
    fn default() -> Self {
        Self {
            groups: Vec::with_capacity(GROUPS_MAX),
            begun: 0,
        }
    }
}

impl GroupBook {
    /// Those that live and some that ended, in no order that means anything.
    #[must_use]
    pub fn all(&self) -> &[Group] {
        &self.groups
    }

    /// A group by its number, while it is remembered.
    #[must_use]
    pub fn get(&self, id: GroupId) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// The group that lives and trades `instrument`.
    #[must_use]
    pub fn owner(&self, instrument: InstrumentId) -> Option<&Group> {
        let mut alive = self.groups.iter().filter(|group| group.is_alive());
        alive.find(|group| group.trades(instrument))
    }

    /// Whether any group lives.
    #[must_use]
    pub fn has_living(&self) -> bool {
        self.groups.iter().any(Group::is_alive)
    }

    /// Whether another one fits.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.groups.len() < GROUPS_MAX || self.groups.iter().any(|group| !group.is_alive())
    }

    pub(crate) fn count(&self) -> usize {
        self.groups.len()
    }

    pub(crate) fn at(&self, place: usize) -> &Group {
        &self.groups[place]
    }

    pub(crate) fn at_mut(&mut self, place: usize) -> &mut Group {
        &mut self.groups[place]
    }

    /// Begins a group in the place of one that ended, if there is none left; gives its place.
    pub(crate) fn begin(&mut self, wish: &EnterGroup, legs: [Option<Leg>; LEGS_MAX], now: TsNs) -> usize {
        assert!(self.has_room(), "a group begins where one fits");
        self.begun += 1;
        let group = Group {
            id: GroupId(self.begun),
            signal: wish.signal,
            state: GroupState::Forming,
            legs,
            loss: wish.loss,
            gain: wish.gain,
            deadline: now.plus(wish.form_within),
            since: now,
            reason: None,
        };
        if self.groups.len() < GROUPS_MAX {
            self.groups.push(group);
            return self.groups.len() - 1;
        }
        let ended = self.groups.iter().position(|group| !group.is_alive());
        let place = ended.expect("one that ended makes room");
        self.groups[place] = group;
        place
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(u64::from(self.begun));
        for group in &self.groups {
            hasher.u64(u64::from(group.id.0));
            hasher.u64(group.state as u64);
            for money in [group.loss, group.gain] {
                hasher.i64(money.get());
            }
            for ts in [group.deadline, group.since, group.signal.ts] {
                hasher.i64(ts.get());
            }
            hasher.u64(group.reason.map_or(u64::MAX, |reason| reason as u64));
            for leg in group.legs() {
                hash_leg(leg, hasher);
            }
        }
    }
}

fn hash_leg(leg: &Leg, hasher: &mut StateHasher) {
    let plan = &leg.plan;
    hasher.u64(u64::from(plan.instrument.get()));
    hasher.u64(plan.side as u64 | (plan.role as u64) << 8);
    hasher.i64(plan.qty.get());
    hasher.i64(plan.limit.get());
    hasher.i64(plan.stop.get());
    hasher.u64(u64::from(leg.orders.first) << 32 | u64::from(leg.orders.count));
    hasher.i64(leg.realised_before.get());
}
