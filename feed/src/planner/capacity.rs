//! How many keys a broker's plan allows, and a count that is checked against it.
//!
//! Invariants: a limit with several modes in use is never above the one of a single mode, so whatever fits, each
//! part of it fits too. Whether the broker counts per user or per socket is not verified: the careful reading, per
//! user, is the default of both plans. Left out: who is to be left out when something does not fit (`planner`).
//! Facts: the limits of the broker's API documentation, market feed V3, table of connections and keys.

use crate::subscription::Mode;

/// Sockets that any plan may open.
pub const SOCKETS_MAX: usize = 5;

/// What the account is subscribed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountPlan {
    /// The usual plan.
    #[default]
    Normal,
    /// The dearer plan: more sockets, and thirty levels for a few keys.
    Plus,
}

/// What the limits of keys are counted over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitScope {
    /// All sockets of the account together.
    #[default]
    Account,
    /// Each socket for itself.
    Socket,
}

/// Most keys of each mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLimits {
    single: [usize; Mode::COUNT],
    mixed: [usize; Mode::COUNT],
}

impl KeyLimits {
    /// Limits by [`Mode::index`]: with that mode alone, and beside other modes.
    ///
    /// # Panics
    /// When a mode beside others would be allowed more than alone.
    #[must_use]
    pub const fn new(single: [usize; Mode::COUNT], mixed: [usize; Mode::COUNT]) -> Self {
        let mut index = 0;
        while index < Mode::COUNT {
            assert!(mixed[index] <= single[index], "mixing modes never allows more");
            index += 1;
        }
        Self { single, mixed }
    }
}

/// What may be open and subscribed at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Sockets that may be open; 1 to [`SOCKETS_MAX`].
    pub sockets: usize,
    /// Most keys.
    pub limits: KeyLimits,
    /// What the limits are counted over.
    pub scope: LimitScope,
}

impl Capacity {
    /// The capacity of a plan. Beside other modes thirty levels keep the limit that they have alone: the larger
    /// number found elsewhere is not verified.
    #[must_use]
    pub const fn of(plan: AccountPlan, scope: LimitScope) -> Self {
        let (sockets, deep) = match plan {
            AccountPlan::Normal => (2, 0),
            AccountPlan::Plus => (SOCKETS_MAX, 50),
        };
        Self {
            sockets,
            limits: KeyLimits::new([5000, 3000, 2000, deep], [2000, 2000, 1500, deep]),
            scope,
        }
    }

    /// The same with at most `sockets` sockets.
    #[must_use]
    pub fn with_sockets_at_most(self, sockets: usize) -> Self {
        Self {
            sockets: self.sockets.min(sockets).max(1),
            ..self
        }
    }

    /// An empty count.
    #[must_use]
    pub fn load(&self) -> Load {
        Load {
            counts: [[0; Mode::COUNT]; SOCKETS_MAX],
        }
    }
}

/// Keys by socket and mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    counts: [[usize; Mode::COUNT]; SOCKETS_MAX],
}

impl Load {
    /// Counts a key.
    pub const fn add(&mut self, socket: usize, mode: Mode) {
        self.counts[socket][mode.index()] += 1;
    }

    /// Counts a key no more.
    pub const fn remove(&mut self, socket: usize, mode: Mode) {
        self.counts[socket][mode.index()] -= 1;
    }

    /// Keys of a socket.
    #[must_use]
    pub fn keys_on(&self, socket: usize) -> usize {
        self.counts[socket].iter().sum()
    }

    /// Whether a socket serves other modes than this one.
    #[must_use]
    pub fn has_other_modes(&self, socket: usize, mode: Mode) -> bool {
        self.keys_on(socket) > self.counts[socket][mode.index()]
    }

    /// Whether this load is allowed.
    #[must_use]
    pub fn fits(&self, capacity: &Capacity) -> bool {
        let within = |counts: &[usize; Mode::COUNT]| {
            let modes = counts.iter().filter(|count| **count > 0).count();
            let limits = match modes {
                0 | 1 => &capacity.limits.single,
                _ => &capacity.limits.mixed,
            };
            counts.iter().zip(limits).all(|(count, limit)| count <= limit)
        };
        match capacity.scope {
            LimitScope::Socket => self.counts.iter().all(within),
            LimitScope::Account => {
                let mut total = [0; Mode::COUNT];
                for counts in &self.counts {
                    for (sum, count) in total.iter_mut().zip(counts) {
                        *sum += count;
                    }
                }
                within(&total)
            }
        }
    }
}
