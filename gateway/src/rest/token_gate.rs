//! Whether the access token can still be alive: no call leaves with one that is known dead.
//!
//! Invariants: a token is dead from its expiry on, after the broker refused it, and after a logout; the dead do
//! not come back, only another token does. Left out: how a token is had, and deaths that only a reply tells
//! (change of address, kill switch). Source: the broker's token documentation (03:30 IST, `upstox/token.rs`).

use std::fmt;

use bijli_core::{DurationNs, TsNs};

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
}

impl TokenGate {
    /// A token that dies at `expires`; [`TsNs::NEVER`] where that is not known.
    #[must_use]
    pub const fn new(expires: TsNs) -> Self {
        Self { expires, death: None }
    }

    /// Why the token is dead at `now`; `None` while it may be alive.
    #[must_use]
    pub fn death(&self, now: TsNs) -> Option<TokenDeath> {
        let is_over = self.expires.is_set() && now >= self.expires;
        self.death
            .or_else(|| is_over.then_some(TokenDeath::Expired(self.expires)))
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
    fn a_refused_token_stays_dead_and_keeps_its_first_reason() {
        let mut gate = TokenGate::new(TsNs::NEVER);
        assert_eq!((gate.death(at(0)), gate.left(at(0))), (None, None));
        gate.bury(TokenDeath::Refused);
        gate.bury(TokenDeath::LoggedOut);
        assert_eq!(gate.death(at(0)), Some(TokenDeath::Refused));
        assert_eq!(gate.left(at(0)), Some(DurationNs::ZERO));
    }
}
