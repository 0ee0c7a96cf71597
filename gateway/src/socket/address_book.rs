//! Addresses of the broker's hosts, looked up once and kept while they work.
//!
//! The HTTP client asks for addresses before every request, warm connection or not, and looks a name up on a
//! thread of its own: that must not stand in the way of an order. A lane forgets them after a lost connection,
//! so that a host that moved is found again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The addresses known so far, by host and port; copies share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressBook {
    known: Arc<Mutex<BTreeMap<String, Vec<SocketAddr>>>>,
    lookup: Arc<DefaultResolver>,
}

impl AddressBook {
    /// Forgets all addresses: the next request looks them up anew.
    pub(crate) fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Resolver for AddressBook {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let key = uri.authority().map(ToString::to_string).unwrap_or_default();
        let known = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if let Some(known) = known {
            let mut addresses = self.empty();
            known.into_iter().for_each(|address| addresses.push(address));
            return Ok(addresses);
        }
        let found = self.lookup.resolve(uri, config, timeout)?;
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, found.iter().copied().collect());
        Ok(found)
    }
}
