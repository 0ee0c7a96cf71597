//! What the threads know together of the access token: whether somebody doubts it, and whether it is dead.
//!
//! Invariants: death is for good, since no lane of this process can take another token. A refusal at the feed alone
//! is a doubt: a call of the gateway settles it, so that one odd handshake does not end the exits of a day. The hour
//! is kept for paper, where no gateway knows it. Left out: the token itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bijli_core::TsNs;

/// Shared by feed, engine, gateway and order stream.
#[derive(Clone, Debug, Default)]
pub struct TokenWatch {
    flags: Arc<Flags>,
    expires: TsNs,
}

#[derive(Debug, Default)]
struct Flags {
    is_doubted: AtomicBool,
    is_dead: AtomicBool,
}

impl TokenWatch {
    /// Of a token that dies at `expires`, engine time; [`TsNs::NEVER`] where that is not known.
    #[must_use]
    pub fn dying_at(expires: TsNs) -> Self {
        Self {
            expires,
            ..Self::default()
        }
    }

    /// Buries the token once its hour is there, for a run that has no gateway to know it.
    pub fn heed_hour(&self, now: TsNs) {
        if self.expires.is_set() && now >= self.expires {
            self.bury();
        }
    }

    /// The feed was turned away: someone who can should ask the broker.
    pub fn doubt(&self) {
        self.flags.is_doubted.store(true, Ordering::Release);
    }

    /// Whether there was a doubt since the last call.
    #[must_use]
    pub fn take_doubt(&self) -> bool {
        self.flags.is_doubted.swap(false, Ordering::AcqRel)
    }

    /// The token is known dead.
    pub fn bury(&self) {
        self.flags.is_dead.store(true, Ordering::Release);
    }

    /// Whether it is known dead: nothing is sent with it, and the run ends.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.flags.is_dead.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_buries_the_token_for_all_who_watch_it_and_an_unknown_hour_never_does() {
        let (watch, unknown) = (TokenWatch::dying_at(TsNs::new(30)), TokenWatch::default());
        let other = watch.clone();
        watch.heed_hour(TsNs::new(29));
        assert!(!other.is_dead());
        watch.heed_hour(TsNs::new(30));
        unknown.heed_hour(TsNs::new(i64::MAX));
        assert!(other.is_dead() && !unknown.is_dead());
    }
}
