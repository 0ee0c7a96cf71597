//! Addresses of the hosts that the feed talks to, looked up as rarely as possible: a lookup blocks its thread.
//!
//! Invariants: a host is looked up when it is not known or none of its addresses took a connection; at most
//! [`HOSTS_MAX`] are kept. Left out: the age of an address; one that has moved fails, and is then looked up anew.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use bijli_wire::Endpoint;

/// Hosts that are kept: the entry, and where its redirects lead to.
pub(super) const HOSTS_MAX: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Addresses {
    known: Vec<(String, u16, Vec<SocketAddr>)>,
}

impl Addresses {
    /// The addresses of a host.
    pub(super) fn find(&mut self, endpoint: &Endpoint) -> io::Result<Vec<SocketAddr>> {
        if let Some((_, _, found)) = self.known.iter().find(|known| is_of(known, endpoint)) {
            return Ok(found.clone());
        }
        let found: Vec<SocketAddr> = (endpoint.host(), endpoint.port()).to_socket_addrs()?.collect();
        if self.known.len() >= HOSTS_MAX {
            self.known.remove(0);
        }
        self.known
            .push((endpoint.host().to_owned(), endpoint.port(), found.clone()));
        Ok(found)
    }

    /// None of its addresses took a connection: the next attempt looks it up again.
    pub(super) fn forget(&mut self, endpoint: &Endpoint) {
        self.known.retain(|known| !is_of(known, endpoint));
    }
}

fn is_of((host, port, _): &(String, u16, Vec<SocketAddr>), endpoint: &Endpoint) -> bool {
    (host.as_str(), *port) == (endpoint.host(), endpoint.port())
}
