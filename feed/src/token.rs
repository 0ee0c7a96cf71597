//! The access token as something to be asked for, not to be kept: a new login is seen by the next connection.
//!
//! Invariants: never printed. Left out: where tokens come from and when they die.

use std::fmt;
use std::sync::Arc;

/// Gives the token of the moment. Asked on the feed's thread before each connection, and once a second while the
/// broker accepts none: it must answer from memory.
#[derive(Clone)]
pub struct TokenHandle(Arc<dyn Fn() -> String + Send + Sync>);

impl TokenHandle {
    /// A token that stays what it is.
    #[must_use]
    pub fn fixed(token: String) -> Self {
        Self(Arc::new(move || token.clone()))
    }

    /// A token that someone may renew.
    #[must_use]
    pub fn asking(source: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// The token now.
    #[must_use]
    pub fn now(&self) -> String {
        (self.0)()
    }
}

/// Prints without the token.
impl fmt::Debug for TokenHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHandle(..)")
    }
}
