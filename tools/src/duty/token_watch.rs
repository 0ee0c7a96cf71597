//! What the threads know together of the access token: whether somebody doubts it, and whether it is dead.
//!
//! Invariants: death is for good, since no lane of this process can take another token. A refusal at the feed alone
//! is a doubt: a call of the gateway settles it, so that one odd handshake does not end the exits of a day. Left
//! out: the token itself and its hour, which the gateway knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared by feed, engine, gateway and order stream.
#[derive(Clone, Debug, Default)]
pub struct TokenWatch(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    is_doubted: AtomicBool,
    is_dead: AtomicBool,
}

impl TokenWatch {
    /// The feed was turned away: someone who can should ask the broker.
    pub fn doubt(&self) {
        self.0.is_doubted.store(true, Ordering::Release);
    }

    /// Whether there was a doubt since the last call.
    #[must_use]
    pub fn take_doubt(&self) -> bool {
        self.0.is_doubted.swap(false, Ordering::AcqRel)
    }

    /// The token is known dead.
    pub fn bury(&self) {
        self.0.is_dead.store(true, Ordering::Release);
    }

    /// Whether it is known dead: nothing is sent with it, and the run ends.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.0.is_dead.load(Ordering::Acquire)
    }
}
