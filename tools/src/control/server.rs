//! The listening side of the operators' socket: many peers, none of whom can hold up another.
//!
//! Invariants: no peer is waited for alone, so one that is slow, silent or sends garbage costs nobody a kill; at most
//! eight peers are heard at a time, each for at most a second; only the service's own user and root are heard at
//! all; what is refused is told to the peer, printed and counted. Left out: what a command does (the engine's).

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use bijli_core::TsNs;
use bijli_core::event::Verb;
use rustix::event::{PollFd, PollFlags, Timespec};

use super::{
    BODY_BYTES_MAX, ControlCall, ControlReply, ControlRequest, ENGINE_DEADLINE, PEER_DEADLINE, check,
};
use crate::duty_cycle::MonoNs;
use crate::kill_latch::Kill;
use crate::stderr::say;
use crate::words;

/// Peers that are heard at a time; more of them wait in the system's own queue.
const PEERS_MAX: usize = 8;
/// How long a silent socket is waited for: as long as the end of the day waits for its thread.
const IDLE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};
/// The same while a peer's answer comes from the engine or the disk, neither of which is heard in the wait.
const BUSY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 500_000,
};

/// What the kill switch on disk should say from now on.
#[derive(Debug)]
pub enum LatchWord {
    /// Killed; the answer says when it is on disk.
    Set {
        /// Who killed, when and why.
        kill: Kill,
        /// Whether the kill acted, rather than being repeated: then these are the words that are kept.
        is_new: bool,
        /// Where the answer is waited for.
        written: SyncSender<io::Result<()>>,
    },
    /// Armed.
    Clear,
}

/// Where a peer stands.
#[derive(Debug)]
enum Stage {
    /// Its frame is not complete.
    Speaking(Vec<u8>),
    /// The engine has its command.
    Waiting {
        heard: Receiver<ControlReply>,
        kill: Option<Kill>,
        arms: bool,
    },
    /// Its kill is on the way to disk.
    Latching {
        reply: ControlReply,
        written: Receiver<io::Result<()>>,
    },
    /// It was answered, or is of no use.
    Done,
}

#[derive(Debug)]
struct Peer {
    stream: UnixStream,
    uid: u32,
    since: MonoNs,
    stage: Stage,
}

/// Listens for operators. Polled by a thread of its own; blocks in [`ControlServer::wait`] alone.
#[derive(Debug)]
pub struct ControlServer {
    listener: UnixListener,
    path: PathBuf,
    calls: SyncSender<ControlCall>,
    latch: Option<SyncSender<LatchWord>>,
    peers: Vec<Peer>,
    refused: Arc<AtomicU64>,
}

impl ControlServer {
    /// Binds the socket at `path`, readable and writable by its owner alone, and gives the engine's end.
    ///
    /// # Errors
    /// When the path cannot be bound, for instance because its folder is missing.
    pub fn bind(path: &Path) -> io::Result<(Self, Receiver<ControlCall>)> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let (calls, engine_end) = sync_channel(16);
        let server = Self {
            listener,
            path: path.to_owned(),
            calls,
            latch: None,
            peers: Vec::with_capacity(PEERS_MAX),
            refused: Arc::default(),
        };
        Ok((server, engine_end))
    }

    /// Where a kill is kept over days; without it a kill lives in the journal alone.
    pub fn keep_latch(&mut self, latch: SyncSender<LatchWord>) {
        self.latch = Some(latch);
    }

    /// How many commands were refused, by whomever.
    #[must_use]
    pub fn refused(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.refused)
    }

    /// Hears whoever is there; gives how many peers are in hand. `wake` is called after a command was handed over.
    pub fn poll(&mut self, wake: &dyn Fn()) -> usize {
        while self.peers.len() < PEERS_MAX {
            let Ok((stream, _)) = self.listener.accept() else {
                break;
            };
            if let Err(error) = self.welcome(stream) {
                say(format_args!("control: a peer was dropped: {error}"));
            }
        }
        let mut peers = std::mem::take(&mut self.peers);
        for peer in &mut peers {
            self.advance(peer, wake);
        }
        peers.retain(|peer| !matches!(peer.stage, Stage::Done));
        self.peers = peers;
        self.peers.len()
    }

    /// Waits until somebody speaks, for a hundredth of a second at most: a kill is heard as it comes. While the engine or
    /// the disk owes an answer, for half a millisecond.
    ///
    /// # Errors
    /// What the system says; a signal is none.
    pub fn wait(&self) -> io::Result<()> {
        let is_heard = |peer: &&Peer| matches!(peer.stage, Stage::Speaking(_));
        let owes = self.peers.iter().any(|peer| !is_heard(&peer));
        let mut ears = Vec::with_capacity(PEERS_MAX + 1);
        if self.peers.len() < PEERS_MAX {
            ears.push(PollFd::new(&self.listener, PollFlags::IN));
        }
        let speaking = self.peers.iter().filter(is_heard);
        ears.extend(speaking.map(|peer| PollFd::new(&peer.stream, PollFlags::IN)));
        match rustix::event::poll(&mut ears, Some(if owes { &BUSY } else { &IDLE })) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn welcome(&mut self, stream: UnixStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        let peer = rustix::net::sockopt::socket_peercred(&stream)?;
        let (uid, own) = (peer.uid.as_raw(), rustix::process::geteuid().as_raw());
        let mut peer = Peer {
            stream,
            uid,
            since: MonoNs::now(),
            stage: Stage::Speaking(Vec::new()),
        };
        if uid != own && uid != 0 {
            let message = format!("user {uid} may not control this engine; run as user {own}");
            self.refuse(&mut peer, message);
        } else {
            self.peers.push(peer);
        }
        Ok(())
    }

    fn advance(&self, peer: &mut Peer, wake: &dyn Fn()) {
        let age_ns = u128::from(MonoNs::now().since(peer.since));
        match std::mem::replace(&mut peer.stage, Stage::Done) {
            Stage::Speaking(mut bytes) => match hear(&mut peer.stream, &mut bytes) {
                Ok(Some(body)) => self.pass_on(peer, &body, wake),
                Ok(None) if age_ns < PEER_DEADLINE.as_nanos() => peer.stage = Stage::Speaking(bytes),
                Ok(None) => self.refuse(peer, "a request comes within a second".to_owned()),
                // A peer that hangs up or sends too much is its own problem; nothing was lost here.
                Err(error) => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    say(format_args!(
                        "control: a peer of uid {} was dropped: {error}",
                        peer.uid
                    ));
                }
            },
            Stage::Waiting { heard, kill, arms } => match heard.try_recv() {
                Ok(reply) => self.take_answer(peer, reply, kill, arms),
                Err(TryRecvError::Empty) if age_ns < ENGINE_DEADLINE.as_nanos() => {
                    peer.stage = Stage::Waiting { heard, kill, arms };
                }
                Err(TryRecvError::Empty) => {
                    self.refuse(peer, words::ENGINE_LATE.to_owned());
                }
                Err(TryRecvError::Disconnected) => self.refuse(peer, "the engine has stopped".to_owned()),
            },
            Stage::Latching { mut reply, written } => match written.try_recv() {
                Ok(Ok(())) => send(peer, &reply),
                Err(TryRecvError::Empty) if age_ns < ENGINE_DEADLINE.as_nanos() => {
                    peer.stage = Stage::Latching { reply, written };
                }
                failed => {
                    let why = match failed {
                        Ok(Err(error)) => error.to_string(),
                        Ok(Ok(())) | Err(_) => words::DISK_SILENT.to_owned(),
                    };
                    say_not_on_disk(&mut reply, &why);
                    send(peer, &reply);
                }
            },
            Stage::Done => {}
        }
    }

    fn pass_on(&self, peer: &mut Peer, body: &[u8], wake: &dyn Fn()) {
        let request: ControlRequest = match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(error) => return self.refuse(peer, format!("not a control request: {error}")),
        };
        let (answer, heard) = sync_channel(1);
        let call = match check(request, peer.uid, answer) {
            Ok(call) => call,
            Err(message) => return self.refuse(peer, message),
        };
        let kill = (call.verb == Verb::Kill).then(|| Kill {
            since_ns: 0,
            uid: call.uid,
            reason: call.reason.to_string(),
        });
        let arms = call.verb == Verb::Arm && call.strategy.is_none();
        if self.calls.try_send(call).is_err() {
            return self.refuse(peer, "the engine takes no commands now; try again".to_owned());
        }
        wake();
        peer.stage = Stage::Waiting { heard, kill, arms };
        // Mostly the engine answers before anybody looks again.
    }

    /// The engine has spoken: a kill goes to disk before it is reported, every time that it is reported; an arming after
    /// it was journaled, and once.
    fn take_answer(&self, peer: &mut Peer, mut reply: ControlReply, kill: Option<Kill>, arms: bool) {
        if !reply.accepted {
            self.refused.fetch_add(1, Ordering::Relaxed);
            say(format_args!(
                "control: refused to uid {}: {}",
                peer.uid, reply.message
            ));
            return send(peer, &reply);
        }
        if let (Some(kill), Some(latch)) = (kill, &self.latch) {
            let (written_in, written) = sync_channel(1);
            let word = LatchWord::Set {
                kill: Kill {
                    since_ns: TsNs::new(reply.now_ns).get().max(1),
                    ..kill
                },
                is_new: reply.is_new,
                written: written_in,
            };
            if latch.try_send(word).is_ok() {
                peer.stage = Stage::Latching { reply, written };
                return;
            }
            say_not_on_disk(&mut reply, words::DISK_SILENT);
        }
        if let (true, true, Some(latch)) = (arms, reply.is_new, &self.latch) {
            // A clearing that finds no room leaves the next start killed, which is the safe side.
            let _sent = latch.try_send(LatchWord::Clear);
        }
        send(peer, &reply);
    }

    fn refuse(&self, peer: &mut Peer, message: String) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        say(format_args!("control: refused to uid {}: {message}", peer.uid));
        send(peer, &ControlReply::refused(message));
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        // The path may be gone already; there is nothing to be done about it at this point.
        let _gone = std::fs::remove_file(&self.path);
    }
}

/// Reads what is there; gives the body once the frame is complete.
fn hear(stream: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    let mut chunk = [0; 1_024];
    loop {
        if let Some(length) = bytes.first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            if length > BODY_BYTES_MAX {
                return Err(io::Error::new(
                    ErrorKind::InvalidData,
                    "a control frame is at most 4 KiB",
                ));
            }
            if let Some(body) = bytes.get(4..4 + length) {
                return Ok(Some(body.to_vec()));
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn say_not_on_disk(reply: &mut ControlReply, why: &str) {
    if !reply.message.is_empty() {
        reply.message.push_str("; ");
    }
    reply.message.push_str(words::LATCH_NOT_ON_DISK);
    reply.message.push_str(why);
}

/// A reply fits the socket's buffer; a peer that does not take it is gone.
fn send(peer: &mut Peer, reply: &ControlReply) {
    peer.stage = Stage::Done;
    let body = serde_json::to_vec(reply).expect("plain data serialises");
    let length = u32::try_from(body.len()).expect("a reply is short");
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend_from_slice(&body);
    // It may have hung up; the command stands all the same.
    let _taken = peer.stream.write_all(&frame);
}
