//! One accepted connection: TLS, or nothing, over a non-blocking socket with bounded buffers on both sides.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bijli_core::TsNs;
use mio::net::TcpStream;
use rustls::{ServerConfig, ServerConnection};

use crate::websocket::Assembler;

/// Most bytes of a request, or of feed requests that were not taken yet.
const INBOX_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes handed to TLS at once; a record holds 16 KiB.
const TLS_CHUNK_BYTES: usize = 64 * 1024;
/// Bytes asked of a plain socket at once.
const READ_BYTES: usize = 16 * 1024;

/// Which of the broker's hosts a connection reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listener {
    Api,
    Order,
    Feeder,
}

/// What is spoken on a connection.
#[derive(Debug)]
pub(super) enum Protocol {
    /// HTTP/1.1 with keep-alive.
    Http,
    /// The market feed; its outgoing bytes come from the player.
    Feed(Assembler),
    /// The portfolio stream, with the kinds of update that were asked for.
    Stream(Assembler, Vec<String>),
}

/// How a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Open,
    /// Ends once everything was written.
    Closing,
    /// Everything was written; what the peer still sends is read and dropped, so that no reset overtakes
    /// what it has not read yet.
    Draining,
    /// Is over.
    Dead,
}

/// A reply that a fault holds back.
pub(super) struct Held {
    /// Until this simulated time.
    pub(super) due: TsNs,
    /// And no longer than this, since a client may keep simulated time waiting for the reply.
    pub(super) at_latest: Instant,
    pub(super) bytes: Vec<u8>,
}

/// A reply that goes out byte by byte.
struct Slow {
    bytes: VecDeque<u8>,
    pace: Duration,
    next: Instant,
}

pub(super) struct Connection {
    socket: TcpStream,
    /// `None` on a plain connection.
    tls: Option<Box<ServerConnection>>,
    pub(super) listener: Listener,
    pub(super) protocol: Protocol,
    pub(super) inbox: Vec<u8>,
    pub(super) outbox: Vec<u8>,
    outbox_used: usize,
    pub(super) health: Health,
    /// A reply that a fault holds back; nothing else is answered before it.
    pub(super) held: Option<Held>,
    /// A reply that a fault lets out byte by byte.
    slow: Option<Slow>,
    /// Where the client sits.
    pub(super) peer: IpAddr,
    /// Whether the request under way asks for the head of its answer alone.
    pub(super) is_head: bool,
    /// The token that opened a socket.
    pub(super) bearer: Option<String>,
    /// When a socket was pinged last, or opened.
    pub(super) pinged: Instant,
}

impl Connection {
    /// Plain without a configuration.
    pub(super) fn new(
        (socket, peer): (TcpStream, IpAddr),
        config: Option<&Arc<ServerConfig>>,
        listener: Listener,
    ) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let tls = match config {
            None => None,
            Some(config) => {
                let mut tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                tls.set_buffer_limit(None);
                Some(Box::new(tls))
            }
        };
        Ok(Self {
            socket,
            tls,
            listener,
            protocol: Protocol::Http,
            inbox: Vec::new(),
            outbox: Vec::new(),
            outbox_used: 0,
            health: Health::Open,
            held: None,
            slow: None,
            peer,
            is_head: false,
            bearer: None,
            pinged: Instant::now(),
        })
    }

    pub(super) fn socket_mut(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    /// Whether a reply is held back: nothing is answered before it.
    pub(super) const fn is_held(&self) -> bool {
        self.held.is_some() || self.slow.is_some()
    }

    /// Lets what waits to be written out byte by byte.
    pub(super) fn slow_down(&mut self, pace: Duration, now: Instant) {
        let bytes = self.outbox.drain(self.outbox_used..).collect();
        self.outbox_used = 0;
        self.outbox.clear();
        self.slow = Some(Slow {
            bytes,
            pace,
            next: now,
        });
    }

    /// Lets the bytes of a slow reply out whose time has come.
    pub(super) fn drip(&mut self, now: Instant) {
        let Some(slow) = &mut self.slow else { return };
        while slow.next <= now {
            match slow.bytes.pop_front() {
                Some(byte) => self.outbox.push(byte),
                None => {
                    self.slow = None;
                    return;
                }
            }
            slow.next += slow.pace;
        }
    }

    /// Bytes that wait to be written.
    pub(super) fn backlog_bytes(&self) -> usize {
        self.outbox.len() - self.outbox_used
    }

    /// Reads all that has arrived into the inbox.
    pub(super) fn receive(&mut self) {
        while self.health != Health::Dead {
            let outcome = match &mut self.tls {
                Some(tls) => tls.read_tls(&mut self.socket),
                None => self.read_plain(),
            };
            match outcome {
                Ok(0) => self.health = Health::Dead,
                Ok(_) => {
                    if !self.decrypt() {
                        return;
                    }
                    if self.health == Health::Draining {
                        self.inbox.clear();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.health = Health::Dead,
            }
        }
    }

    fn read_plain(&mut self) -> io::Result<usize> {
        let from = self.inbox.len();
        if from >= INBOX_BYTES_MAX {
            return Ok(0);
        }
        self.inbox.resize(from + READ_BYTES, 0);
        let outcome = self.socket.read(&mut self.inbox[from..]);
        self.inbox
            .truncate(from + outcome.as_ref().copied().unwrap_or_default());
        outcome
    }

    fn decrypt(&mut self) -> bool {
        let Some(tls) = &mut self.tls else {
            return true;
        };
        let Ok(state) = tls.process_new_packets() else {
            // Tell the peer why, as far as it still listens.
            self.write_out();
            self.health = Health::Dead;
            return false;
        };
        let bytes = state.plaintext_bytes_to_read();
        let from = self.inbox.len();
        if from + bytes > INBOX_BYTES_MAX {
            self.health = Health::Dead;
            return false;
        }
        self.inbox.resize(from + bytes, 0);
        if tls.reader().read_exact(&mut self.inbox[from..]).is_err() {
            self.health = Health::Dead;
            return false;
        }
        true
    }

    /// Writes as much as the socket takes.
    pub(super) fn transmit(&mut self) {
        while self.health != Health::Dead {
            if self.wants_write() {
                if !self.write_out() {
                    return;
                }
            } else if self.backlog_bytes() > 0 && self.can_speak() {
                self.encrypt();
            } else if self.health == Health::Closing && self.backlog_bytes() == 0 && !self.is_held() {
                if let Some(tls) = &mut self.tls {
                    tls.send_close_notify();
                    self.write_out();
                }
                let is_shut = self.socket.shutdown(std::net::Shutdown::Write).is_ok();
                self.health = if is_shut { Health::Draining } else { Health::Dead };
            } else {
                return;
            }
        }
    }

    /// Whether bytes are ready for the socket.
    fn wants_write(&self) -> bool {
        match &self.tls {
            Some(tls) => tls.wants_write(),
            None => self.backlog_bytes() > 0,
        }
    }

    fn can_speak(&self) -> bool {
        self.tls.as_ref().is_none_or(|tls| !tls.is_handshaking())
    }

    /// Hands the next piece of the outbox to TLS.
    fn encrypt(&mut self) {
        let end = self.outbox.len().min(self.outbox_used + TLS_CHUNK_BYTES);
        let chunk = &self.outbox[self.outbox_used..end];
        if let Some(tls) = &mut self.tls
            && tls.writer().write_all(chunk).is_err()
        {
            self.health = Health::Dead;
        }
        self.use_up(end);
    }

    /// Counts the outbox as handed on up to `end`.
    fn use_up(&mut self, end: usize) {
        self.outbox_used = end;
        if self.backlog_bytes() == 0 {
            self.outbox.clear();
            self.outbox_used = 0;
        }
    }

    /// `false` when the socket takes no more now, or is broken.
    fn write_out(&mut self) -> bool {
        let written = match &mut self.tls {
            Some(tls) => tls.write_tls(&mut self.socket),
            None => self.socket.write(&self.outbox[self.outbox_used..]),
        };
        match written {
            Ok(0) => {
                self.health = Health::Dead;
                false
            }
            Ok(bytes) => {
                if self.tls.is_none() {
                    self.use_up(self.outbox_used + bytes);
                }
                true
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(_) => {
                self.health = Health::Dead;
                false
            }
        }
    }
}
