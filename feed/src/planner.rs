//! Which key is subscribed on which socket, and how to get from what is subscribed to what is wanted.
//!
//! Invariants: the plan holds every admitted instrument exactly once; at no step between two plans is a limit of the
//! broker exceeded; what is new is subscribed before what is old is dropped, wherever there is room; an instrument
//! with a position is never dropped; what does not fit is named, the least important first; equal wishes give equal
//! plans. Small changes leave everything else where it is. Left out: pacing and batches (`session`,
//! `subscription`), whether the broker really serves a key (the audit of `subscription`).
//! Facts: limits in [`capacity`]; fault catalogue row D14.

pub mod capacity;
pub mod warm_strikes;

use bijli_core::instrument::InstrumentId;

use crate::subscription::{Method, Mode};
use capacity::{Capacity, Load, SOCKETS_MAX};

/// Most instruments dropped at once to make room, so that the feed is never thin for long.
const ROOM_AT_ONCE: usize = 100;

/// How much an instrument matters, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// We hold it or have an order in it: never dropped.
    Position,
    /// An underlying, or a strike around the money.
    Warm,
    /// The rest of what is watched.
    Universe,
}

/// One instrument that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// Which.
    pub instrument: InstrumentId,
    /// How much of it.
    pub mode: Mode,
    /// How much it matters.
    pub priority: Priority,
}

/// Part of the way to a plan: one request's worth of meaning, cut into batches by the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// On which socket.
    pub socket: usize,
    /// What is asked for.
    pub method: Method,
    /// In which mode; without meaning for [`Method::Unsubscribe`].
    pub mode: Mode,
    /// For which instruments.
    pub instruments: Vec<InstrumentId>,
}

/// Where an instrument is subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// On which socket.
    pub socket: usize,
    /// In which mode.
    pub mode: Mode,
    /// How much it matters.
    pub priority: Priority,
}

/// The way to a new plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// What is to be asked for, in this order.
    pub steps: Vec<Step>,
    /// What does not fit, the most important first. Not subscribed, so not to be traded.
    pub refused: Vec<InstrumentId>,
    /// Instruments that keep an older mode or place, or wait, because only dropping a position would make room; they
    /// get another chance with the next aim.
    pub unfinished: usize,
}

/// What is subscribed.
#[derive(Clone, Debug)]
pub struct Planner {
    capacity: Capacity,
    /// By instrument.
    places: Vec<Option<Place>>,
    load: Load,
}

impl Planner {
    /// A planner of a table of so many instruments; nothing is subscribed.
    ///
    /// # Panics
    /// When the capacity allows no socket, or more than any plan has.
    #[must_use]
    pub fn new(capacity: Capacity, instruments: usize) -> Self {
        assert!(capacity.sockets > 0, "a feed needs a socket");
        assert!(capacity.sockets <= SOCKETS_MAX, "no plan has that many sockets");
        Self {
            capacity,
            places: vec![None; instruments],
            load: capacity.load(),
        }
    }

    /// Takes `wants` for what is wanted from now on and answers how to get there. Where an instrument is wanted
    /// twice, the more important wish holds; of two equally important ones, the first.
    ///
    /// # Panics
    /// When an instrument is not of the table.
    #[must_use]
    pub fn aim(&mut self, wants: &[Want]) -> Change {
        let (target, refused) = self.admit(wants);
        let mut route = Route {
            capacity: self.capacity,
            load: self.load,
            steps: Vec::new(),
        };
        let stuck = route.walk(&mut self.places, &target);
        self.load = route.load;
        assert!(self.load.fits(&self.capacity), "a plan keeps within the limits");
        let unfinished = stuck.len();
        let unserved = stuck.into_iter().filter(|index| self.places[*index].is_none());
        let refused = refused
            .into_iter()
            .chain(unserved.map(|index| InstrumentId::new(index as u32)));
        Change {
            refused: refused.collect(),
            steps: route.steps,
            unfinished,
        }
    }

    /// Where an instrument is subscribed; `None` when it is not.
    #[must_use]
    pub fn place(&self, instrument: InstrumentId) -> Option<Place> {
        self.places[instrument.index()]
    }

    /// How many instruments are subscribed.
    #[must_use]
    pub fn subscribed(&self) -> usize {
        self.places.iter().flatten().count()
    }

    /// Sockets that the plan may use.
    #[must_use]
    pub const fn sockets(&self) -> usize {
        self.capacity.sockets
    }

    /// Chooses who is let in and where: the most important first, each where it is already if it can stay.
    fn admit(&self, wants: &[Want]) -> (Vec<Option<Place>>, Vec<InstrumentId>) {
        let mut order: Vec<&Want> = wants.iter().collect();
        order.sort_by_key(|want| want.priority);
        let (mut target, mut load) = self.keep_positions(&order);
        let mut is_decided = vec![false; self.places.len()];
        let mut refused = Vec::new();
        for want in order {
            let index = want.instrument.index();
            if std::mem::replace(&mut is_decided[index], true) {
                continue;
            }
            let kept = target[index];
            if let Some(place) = kept {
                load.remove(place.socket, place.mode);
            }
            let found = self.socket_for(want, &mut load).map(|socket| Place {
                socket,
                mode: want.mode,
                priority: want.priority,
            });
            if let (None, Some(place)) = (found, kept) {
                load.add(place.socket, place.mode);
            }
            target[index] = found.or(kept);
            if target[index].is_none() {
                refused.push(want.instrument);
            }
        }
        (target, refused)
    }

    /// The positions that are subscribed stay as they are, whatever else is wanted; together they fit, as they do now.
    fn keep_positions(&self, wants: &[&Want]) -> (Vec<Option<Place>>, Load) {
        let mut target: Vec<Option<Place>> = vec![None; self.places.len()];
        let mut load = self.capacity.load();
        for want in wants.iter().filter(|want| want.priority == Priority::Position) {
            let index = want.instrument.index();
            if let (None, Some(place)) = (target[index], self.places[index]) {
                let priority = Priority::Position;
                target[index] = Some(Place { priority, ..place });
                load.add(place.socket, place.mode);
            }
        }
        (target, load)
    }

    /// The socket that can take a key, counted into `load`; the present one if it can.
    fn socket_for(&self, want: &Want, load: &mut Load) -> Option<usize> {
        let present = self.places[want.instrument.index()].map(|place| place.socket);
        let mut sockets: Vec<usize> = (0..self.capacity.sockets).collect();
        sockets.sort_by_key(|socket| {
            let (foreign, mixes) = (present != Some(*socket), load.has_other_modes(*socket, want.mode));
            (foreign, mixes, load.keys_on(*socket), *socket)
        });
        for socket in sockets {
            load.add(socket, want.mode);
            if load.fits(&self.capacity) {
                return Some(socket);
            }
            load.remove(socket, want.mode);
        }
        None
    }
}

/// The way from one plan to the next.
struct Route {
    capacity: Capacity,
    load: Load,
    steps: Vec<Step>,
}

impl Route {
    /// Turns `places` into `target`: what is new first as far as there is room, then some that are old, and again.
    /// Answers those that could not be brought to their place without dropping a position; they stay as they are.
    fn walk(&mut self, places: &mut [Option<Place>], target: &[Option<Place>]) -> Vec<usize> {
        let mut left = departures(places, target).into_iter();
        let mut arrivals = arrivals(places, target);
        loop {
            arrivals.retain(|&index| !self.arrive(places, index, target));
            let room = if arrivals.is_empty() {
                usize::MAX
            } else {
                arrivals.len().min(ROOM_AT_ONCE)
            };
            let mut departing: Vec<usize> = left.by_ref().take(room).collect();
            if departing.is_empty() {
                departing.extend(in_the_way(places, target, &arrivals));
            }
            if departing.is_empty() {
                break;
            }
            for index in departing {
                self.depart(places, index);
            }
        }
        for (place, target) in places.iter_mut().zip(target) {
            if let (Some(place), Some(target)) = (place, target) {
                place.priority = target.priority;
            }
        }
        arrivals
    }

    /// Brings one instrument to its place, if there is room for it now.
    fn arrive(&mut self, places: &mut [Option<Place>], index: usize, target: &[Option<Place>]) -> bool {
        let goal = target[index].expect("what arrives has a place to go to");
        let old = places[index];
        let before = self.load;
        match old {
            Some(place) if place.socket == goal.socket => self.load.remove(place.socket, place.mode),
            Some(_) | None => {}
        }
        self.load.add(goal.socket, goal.mode);
        if !self.load.fits(&self.capacity) {
            self.load = before;
            return false;
        }
        match old {
            Some(place) if place.socket == goal.socket => {
                self.push(goal.socket, Method::ChangeMode, goal.mode, index);
            }
            Some(place) => {
                self.push(goal.socket, Method::Subscribe, goal.mode, index);
                self.load.remove(place.socket, place.mode);
                self.push(place.socket, Method::Unsubscribe, place.mode, index);
            }
            None => self.push(goal.socket, Method::Subscribe, goal.mode, index),
        }
        places[index] = Some(goal);
        true
    }

    fn depart(&mut self, places: &mut [Option<Place>], index: usize) {
        let place = places[index].take().expect("what departs is subscribed");
        self.load.remove(place.socket, place.mode);
        self.push(place.socket, Method::Unsubscribe, place.mode, index);
    }

    fn push(&mut self, socket: usize, method: Method, mode: Mode, index: usize) {
        let instrument = InstrumentId::new(index as u32);
        // Within a run of additions, or of removals, the order is of no matter to the limits; changes keep theirs.
        let run = self
            .steps
            .iter_mut()
            .rev()
            .take_while(|step| step.method == method);
        let reach = if method == Method::ChangeMode {
            1
        } else {
            usize::MAX
        };
        let known = run
            .take(reach)
            .find(|step| (step.socket, step.mode) == (socket, mode));
        match known {
            Some(step) => step.instruments.push(instrument),
            None => self.steps.push(Step {
                socket,
                method,
                mode,
                instruments: vec![instrument],
            }),
        }
    }
}

/// Of those that wait for room, the least important one that takes some itself and is no position.
fn in_the_way(places: &[Option<Place>], target: &[Option<Place>], waiting: &[usize]) -> Option<usize> {
    let is_position = |place: Option<Place>| place.is_some_and(|place| place.priority == Priority::Position);
    let may_go = |index: &usize| {
        places[*index].is_some() && !is_position(places[*index]) && !is_position(target[*index])
    };
    waiting.iter().copied().rev().find(may_go)
}

/// What is subscribed and not wanted, the least important first.
fn departures(places: &[Option<Place>], target: &[Option<Place>]) -> Vec<usize> {
    let mut found: Vec<usize> = (0..places.len())
        .filter(|&index| places[index].is_some() && target[index].is_none())
        .collect();
    found.sort_by_key(|&index| std::cmp::Reverse(places[index].map(|place| place.priority)));
    found
}

/// What is wanted elsewhere, otherwise, or not there yet; the most important first.
fn arrivals(places: &[Option<Place>], target: &[Option<Place>]) -> Vec<usize> {
    let same = |place: Option<Place>, goal: Place| {
        place.is_some_and(|place| (place.socket, place.mode) == (goal.socket, goal.mode))
    };
    let mut found: Vec<(Priority, usize)> = (0..places.len())
        .filter_map(|index| {
            let goal = target[index]?;
            (!same(places[index], goal)).then_some((goal.priority, index))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, index)| index).collect()
}
