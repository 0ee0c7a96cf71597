//! Posts the broker's messages to the application, from a thread of its own, so that a slow application holds
//! nothing up.
//!
//! Only plain HTTP to loopback is spoken: the simulator reaches nobody else. Undelivered messages are counted
//! and not repeated.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use bijli_wire::http1::ResponseHead;
use bijli_wire::{Endpoint, Scheme};

use crate::broker::Webhook;

const TIMEOUT: Duration = Duration::from_secs(5);

/// The thread that posts, and its counts.
pub(super) struct Postman {
    letters: Sender<Webhook>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    delivered: AtomicU64,
    failed: AtomicU64,
}

impl Postman {
    /// Starts the thread; it ends when the postman is dropped.
    pub(super) fn start() -> std::io::Result<Self> {
        let (letters, waiting) = channel::<Webhook>();
        let counts = Arc::new(Counts::default());
        let told = Arc::clone(&counts);
        std::thread::Builder::new()
            .name("bijli-sim-hooks".to_owned())
            .spawn(move || {
                for letter in waiting {
                    let is_delivered = post(&letter).is_some_and(|status| (200..300).contains(&status));
                    // Relaxed: the counts order nothing.
                    let count = if is_delivered {
                        &told.delivered
                    } else {
                        &told.failed
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })?;
        Ok(Self { letters, counts })
    }

    pub(super) fn send(&self, letter: Webhook) {
        if self.letters.send(letter).is_err() {
            self.counts.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Messages delivered, and not.
    pub(super) fn counts(&self) -> (u64, u64) {
        (
            self.counts.delivered.load(Ordering::Relaxed),
            self.counts.failed.load(Ordering::Relaxed),
        )
    }
}

/// The status that the application answered with.
fn post(letter: &Webhook) -> Option<u16> {
    let endpoint = Endpoint::parse(&letter.url).ok()?;
    if endpoint.scheme() != Scheme::Http {
        return None;
    }
    let address: SocketAddr = (endpoint.host(), endpoint.port())
        .to_socket_addrs()
        .ok()?
        .next()?;
    if !address.ip().is_loopback() {
        return None;
    }
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT).ok()?;
    stream.set_read_timeout(Some(TIMEOUT)).ok()?;
    stream.set_write_timeout(Some(TIMEOUT)).ok()?;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        endpoint.target(),
        endpoint.host_header(),
        letter.body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(letter.body.as_bytes()).ok()?;
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        if let Some((head, _)) = ResponseHead::parse(&bytes).ok()? {
            return Some(head.status);
        }
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}
