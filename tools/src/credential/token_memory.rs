//! The token of a running process: answered from memory, renewed from its places by a thread that may be slow.
//!
//! Invariants: whoever asks waits for no file; a token that is known dead replaces none. Only the feed asks: the lanes
//! of orders and reads keep the token of the start, and its death ends the run. Left out: when to look.

use std::sync::{Arc, Mutex};

use bijli_core::TsNs;
use bijli_feed::TokenHandle;
use bijli_gateway::upstox::field::Secret;

use super::Places;

/// A token and the places where a newer one may turn up. Its debug form shows no token.
#[derive(Clone, Debug)]
pub struct TokenMemory {
    places: Places,
    token: Arc<Mutex<Secret>>,
}

impl TokenMemory {
    /// Begins with a token that came from these places.
    #[must_use]
    pub fn new(places: Places, token: Secret) -> Self {
        Self {
            places,
            token: Arc::new(Mutex::new(token)),
        }
    }

    /// Gives the token of the moment, from memory.
    #[must_use]
    pub fn handle(&self) -> TokenHandle {
        let token = Arc::clone(&self.token);
        TokenHandle::asking(move || {
            let token = token.lock().expect("nobody panics while holding it");
            token.expose().to_owned()
        })
    }

    /// Looks into the places again; tells whether another living token was there.
    pub fn renew(&self, now: TsNs) -> bool {
        let Ok((found, _place)) = self.places.living_token(now) else {
            return false;
        };
        let mut token = self.token.lock().expect("nobody panics while holding it");
        let is_new = *token != found.token;
        if is_new {
            *token = found.token;
        }
        is_new
    }
}
