//! Whether the access token can still be alive: no call leaves with one that is known dead.
//!
//! Invariants: a token is dead from its expiry on, after the broker refused it in its own code, and after a logout;
//! a 401 without such a code only raises a doubt, which a second one to a read [`CONFIRM_AFTER`] later confirms and
//! any success ends; the dead do not come back, only another token does. Left out: how a token is had, and deaths that only a reply tells
//! (change of address, kill switch). Source: the broker's token documentation (03:30 IST, `upstox/token.rs`).

use std::fmt;

use bijli_core::{DurationNs, TsNs};

use super::verdict::Verdict;

/// A doubt is confirmed no earlier: what stands between here and the broker may stumble for a moment.
pub const CONFIRM_AFTER: DurationNs = DurationNs::from_secs(1);

/// Why a token is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenDeath {
    /// Its time was over.
    Expired(TsNs),
    /// The broker refused it.
    Refused,
    /// It was logged out.
    LoggedOut,
}

impl fmt::Display for TokenDeath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired(at) => write!(f, "the access token died at {at} IST"),
            Self::Refused => f.write_str("the broker does not accept the access token"),
            Self::LoggedOut => f.write_str("the access token was logged out"),
        }
    }
}

/// What is known about one token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenGate {
    expires: TsNs,
    death: Option<TokenDeath>,
    doubted: Option<TsNs>,
}

impl TokenGate {
    /// A token that dies at `expires`; [`TsNs::NEVER`] where that is not known.
    #[must_use]
    pub const fn new(expires: TsNs) -> Self {
        Self {
            expires,
            death: None,
            doubted: None,
        }
    }

    /// Why the token is dead at `now`; `None` while it may be alive.
    #[must_use]
    pub fn death(&self, now: TsNs) -> Option<TokenDeath> {
        let is_over = self.expires.is_set() && now >= self.expires;
        self.death
            .or_else(|| is_over.then_some(TokenDeath::Expired(self.expires)))
    }

    /// Takes in how a call with this token fared: the one place where replies kill it. Only reads confirm a doubt,
    /// since they may be asked again.
    pub fn note(&mut self, now: TsNs, verdict: Verdict, is_read: bool) {
        match verdict {
            Verdict::TokenDead => self.bury(TokenDeath::Refused),
            Verdict::TokenDoubted => {
                let since = *self.doubted.get_or_insert(now);
                if is_read && now.since(since) >= CONFIRM_AFTER {
                    self.bury(TokenDeath::Refused);
                }
            }
            Verdict::Served => self.doubted = None,
            Verdict::Refused(_) | Verdict::TooMany | Verdict::Failed => {}
        }
    }

    /// Since when it is doubted; `None` without a doubt.
    #[must_use]
    pub const fn doubted_since(&self) -> Option<TsNs> {
        self.doubted
    }

    /// The broker refused it, or it was logged out.
    pub fn bury(&mut self, death: TokenDeath) {
        self.death.get_or_insert(death);
    }

    /// When it dies; [`TsNs::NEVER`] where that is not known.
    #[must_use]
    pub const fn expires(&self) -> TsNs {
        self.expires
    }

    /// How long it has; zero when dead, `None` where that is not known.
    #[must_use]
    pub fn left(&self, now: TsNs) -> Option<DurationNs> {
        if self.death(now).is_some() {
            return Some(DurationNs::ZERO);
        }
        self.expires.is_set().then(|| self.expires.since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> TsNs {
        TsNs::new(1_700_000_000_000_000_000).plus(DurationNs::from_secs(seconds))
    }

    #[test]
    fn a_token_is_dead_from_the_second_of_its_expiry_on() {
        let gate = TokenGate::new(at(100));
        assert_eq!(
            (gate.death(at(99)), gate.left(at(99))),
            (None, Some(DurationNs::from_secs(1)))
        );
        let death = Some(TokenDeath::Expired(at(100)));
        assert_eq!(
            (gate.death(at(100)), gate.left(at(100))),
            (death, Some(DurationNs::ZERO))
        );
        assert_eq!(gate.death(at(1_000_000)), death);
    }

    #[test]
    fn a_doubt_is_confirmed_by_a_later_read_alone_and_ended_by_a_success() {
        let (doubted, dead) = (Verdict::TokenDoubted, Some(TokenDeath::Refused));
        let mut gate = TokenGate::new(TsNs::NEVER);
        gate.note(at(0), doubted, true);
        gate.note(at(0), doubted, true);
        gate.note(at(5), doubted, false);
        assert_eq!((gate.death(at(5)), gate.doubted_since()), (None, Some(at(0))));
        gate.note(at(6), Verdict::Served, true);
        assert_eq!(gate.doubted_since(), None);
        gate.note(at(7), doubted, true);
        gate.note(at(8), Verdict::Failed, true);
        assert_eq!(gate.death(at(8)), None);
        gate.note(at(8), doubted, true);
        assert_eq!(gate.death(at(8)), dead);
        let mut gate = TokenGate::new(TsNs::NEVER);
        gate.note(at(0), Verdict::TokenDead, false);
        assert_eq!(gate.death(at(0)), dead);
    }

    #[test]
    fn a_refused_token_stays_dead_and_keeps_its_first_reason() {
        let mut gate = TokenGate::new(TsNs::NEVER);
        assert_eq!((gate.death(at(0)), gate.left(at(0))), (None, None));
        gate.bury(TokenDeath::Refused);
        gate.bury(TokenDeath::LoggedOut);
        assert_eq!(gate.death(at(0)), Some(TokenDeath::Refused));
        assert_eq!(gate.left(at(0)), Some(DurationNs::ZERO));
    }
}
