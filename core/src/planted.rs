//! Deliberate bugs, to show that the simulation tester finds bugs of their kind. Never part of a release.
//!
//! Without the feature `planted` every question here is the constant `false` and the compiler drops what hangs on it;
//! no package turns the feature on by default, and a house rule checks that. With it, a thread of the tester plants
//! one bug at a time for itself alone. What each bug does stands where it is asked for.

macro_rules! bugs {
    ($($bug:ident $name:literal;)+) => {
        /// A bug that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Bug {
            $(#[doc = $name] $bug,)+
        }

        /// Every bug with its name.
        pub const BUGS: [(Bug, &str); [$($name),+].len()] = [$((Bug::$bug, $name),)+];
    };
}

bugs! {
    ResendOnTimeout "a placement without a reply is sent again";
    TrustEmptyBook "an empty order book proves that an order does not exist";
    DedupeBeforeApply "a trade is marked as seen before it is taken";
    ForgetKillOnRestart "a kill is forgotten when a process starts";
    ForgetDoubtOnRestart "a placement that a dead process left unanswered is not doubted";
}

#[cfg(feature = "planted")]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Whether this bug is planted in this thread.
#[cfg(feature = "planted")]
#[must_use]
pub fn planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Whether this bug is planted: never, without the feature.
#[cfg(not(feature = "planted"))]
#[must_use]
#[inline(always)]
pub const fn planted(_bug: Bug) -> bool {
    false
}

/// Plants one bug in this thread, or takes it out.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}
