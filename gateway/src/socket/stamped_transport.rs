//! The connection under a REST lane: TLS, one write per request, and the knowledge of what was written.
//!
//! Invariants: head and body leave together; `wrote` is set before the first byte can leave and never before the
//! connection stands, so `wrote == false` proves that the broker has seen nothing; who may withdraw a request is asked
//! in the same breath, and never again once a byte may have left; connecting and handshake share one timeout. No socket
//! is opened and no clock is read here: both come from the HTTP client underneath.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::unversioned::transport::time::{Duration, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

const BUFFER_BYTES: usize = 32 * 1024;

/// Whether a request may still leave; asked on the lane's thread, and must not block.
pub type MayLeave = Arc<dyn Fn() -> bool + Send + Sync>;

/// What is known of the request being written. Shared with the connections because only they see the bytes.
#[derive(Default)]
pub(crate) struct Stamps {
    /// The head waits for its body, so that both leave in one write.
    pub(crate) hold_head: bool,
    /// A byte of the request may have left.
    pub(crate) wrote: bool,
    /// Asked once, before the first byte; `None` for a request that nothing withdraws.
    pub(crate) may_leave: Option<MayLeave>,
    /// When the last byte was handed to the kernel.
    pub(crate) written: Option<time::Instant>,
}

/// The stamps, seen by a lane and its connections.
pub(crate) type SharedStamps = Arc<Mutex<Stamps>>;

/// The stamps for a moment.
pub(crate) fn lock(stamps: &SharedStamps) -> MutexGuard<'_, Stamps> {
    stamps.lock().expect("nobody panics while holding the stamps")
}

/// Puts TLS and stamps around a TCP connection.
pub(crate) struct StampingConnector {
    /// Whom to trust.
    pub(crate) tls: Arc<ClientConfig>,
    /// Where to stamp.
    pub(crate) stamps: SharedStamps,
}

impl<In: Transport> Connector<In> for StampingConnector {
    type Out = StampingTransport;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<StampingTransport>, ureq::Error> {
        let Some(tcp) = chained else {
            return Ok(None);
        };
        let mut adapter = TransportAdapter::new(tcp.boxed(), Arc::clone(&details.current_time));
        adapter.set_timeout(left_of(details));
        let stream = if details.needs_tls() {
            let host = details.uri.host().unwrap_or_default();
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = ServerName::try_from(host).map_err(|_| ureq::Error::Tls("unusable host name"))?;
            let mut tls = ClientConnection::new(Arc::clone(&self.tls), name)?;
            // The handshake ends here: bytes written later are bytes of the request.
            tls.complete_io(&mut adapter)?;
            Stream::Tls(Box::new(StreamOwned::new(tls, adapter)))
        } else {
            Stream::Plain(adapter)
        };
        Ok(Some(StampingTransport {
            stream,
            buffers: LazyBuffers::new(BUFFER_BYTES, BUFFER_BYTES),
            head: Vec::new(),
            stamps: Arc::clone(&self.stamps),
            clock: Arc::clone(&details.current_time),
        }))
    }
}

/// What connecting has left of the timeout for the handshake.
fn left_of(details: &ConnectionDetails<'_>) -> NextTimeout {
    let mut timeout = details.timeout;
    let now = (details.current_time)();
    if let (Duration::Exact(all), Instant::Exact(begin), Instant::Exact(now)) =
        (timeout.after, details.now, now)
    {
        let left = all.saturating_sub(now.saturating_duration_since(begin));
        timeout.after = Duration::Exact(left);
    }
    timeout
}

impl fmt::Debug for StampingConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StampingConnector")
    }
}

enum Stream {
    Plain(TransportAdapter),
    Tls(Box<StreamOwned<ClientConnection, TransportAdapter>>),
}

impl Stream {
    const fn adapter(&mut self) -> &mut TransportAdapter {
        match self {
            Self::Plain(adapter) => adapter,
            Self::Tls(tls) => &mut tls.sock,
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(adapter) => adapter.write_all(bytes),
            Self::Tls(tls) => tls.write_all(bytes).and_then(|()| tls.flush()),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(adapter) => adapter.read(into),
            Self::Tls(tls) => tls.read(into),
        }
    }
}

/// A connection that notes when bytes of a request may have left and when all of them had.
pub(crate) struct StampingTransport {
    stream: Stream,
    buffers: LazyBuffers,
    /// The head of a request whose body has not come yet.
    head: Vec<u8>,
    stamps: SharedStamps,
    clock: Arc<dyn Fn() -> Instant + Send + Sync>,
}

impl StampingTransport {
    fn send(&mut self, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.adapter().set_timeout(timeout);
        if !begin_writing(&mut lock(&self.stamps)) {
            self.head.clear();
            return Err(io::Error::other("withdrawn before a byte left").into());
        }
        let sent = self.stream.write_all(&self.head);
        self.head.clear();
        sent?;
        if let Instant::Exact(now) = (self.clock)() {
            lock(&self.stamps).written = Some(now);
        }
        Ok(())
    }
}

/// Whether bytes may leave; from a yes on nobody can say that none did.
fn begin_writing(stamps: &mut Stamps) -> bool {
    // The rest of what has begun to leave goes too: a request cut in two may be carried out or not.
    let may = stamps.wrote || stamps.may_leave.as_ref().is_none_or(|may_leave| may_leave());
    stamps.wrote |= may;
    may
}

impl Transport for StampingTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.head.extend_from_slice(&self.buffers.output()[..amount]);
        if std::mem::take(&mut lock(&self.stamps).hold_head) {
            return Ok(());
        }
        self.send(timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        if !self.head.is_empty() {
            self.send(timeout)?;
        }
        self.stream.adapter().set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.head.is_empty() && self.stream.adapter().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }
}

impl fmt::Debug for StampingTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StampingTransport")
    }
}
