//! The operator's socket: a Unix stream socket that checks who is calling and passes commands to the engine.
//!
//! Frames are a 4-byte little-endian length and a JSON body of at most 4 KiB. Only the service's own user and
//! root may call. A command is answered after the engine has journaled and applied it, or refused with a
//! reason; the socket never touches engine state itself.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use bijli_core::event::Verb;
use bijli_core::text::Text;
use serde::{Deserialize, Serialize};

/// Largest body of a control frame.
const BODY_BYTES_MAX: usize = 4 * 1024;
/// How long a peer may take to send or take a frame.
const PEER_DEADLINE: Duration = Duration::from_secs(1);
/// How long the engine may take to answer.
const ENGINE_DEADLINE: Duration = Duration::from_secs(2);
/// The protocol's version.
const VERSION: u32 = 1;

/// What an operator sends.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlRequest {
    /// Protocol version: 1.
    pub version: u32,
    /// Chosen by the client; a repeated id is obeyed once.
    pub command_id: u64,
    /// `pause`, `resume`, `exit`, `flatten`, `kill` or `arm`.
    pub verb: String,
    /// For `exit`: the trading symbol or instrument key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Why; needed for `arm`. At most 40 printable characters.
    #[serde(default)]
    pub reason: String,
}

/// What the operator hears.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ControlReply {
    /// Whether the command was journaled and applied.
    pub accepted: bool,
    /// The trading mode after it.
    pub mode: String,
    /// Positions still open.
    pub open_positions: u64,
    /// Orders that may still be live, without resting ones of others.
    pub live_orders: u64,
    /// Why it was refused; empty when accepted.
    pub message: String,
}

/// A checked command on its way to the engine, with the way back.
#[derive(Debug)]
pub struct ControlCall {
    /// What is asked.
    pub verb: Verb,
    /// For `exit`: which instrument, as typed.
    pub symbol: Option<String>,
    /// User id of the peer.
    pub uid: u32,
    /// The client's command id.
    pub command_id: u64,
    /// The operator's words.
    pub reason: Text<40>,
    /// Where the engine answers.
    pub reply: SyncSender<ControlReply>,
}

impl ControlReply {
    /// A refusal with its reason.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self {
            accepted: false,
            mode: String::new(),
            open_positions: 0,
            live_orders: 0,
            message: message.into(),
        }
    }
}

/// Listens for operators. Polled by the housekeeping thread; never blocks longer than a peer's deadline.
#[derive(Debug)]
pub struct ControlServer {
    listener: UnixListener,
    path: PathBuf,
    calls: SyncSender<ControlCall>,
}

impl ControlServer {
    /// Binds the socket at `path`, readable and writable by its owner alone, and gives the engine's end.
    ///
    /// # Errors
    /// When the path cannot be bound, for instance because its folder is missing.
    pub fn bind(path: &Path) -> io::Result<(Self, Receiver<ControlCall>)> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let (calls, engine_end) = sync_channel(16);
        Ok((
            Self {
                listener,
                path: path.to_owned(),
                calls,
            },
            engine_end,
        ))
    }

    /// Serves whoever is waiting; gives how many were served. `wake` is called after a command was handed over.
    pub fn poll(&mut self, wake: &dyn Fn()) -> usize {
        let mut served = 0;
        while served < 8 {
            let Ok((stream, _)) = self.listener.accept() else {
                break;
            };
            served += 1;
            let answered = self.serve(stream, wake);
            if let Err(error) = answered {
                // A peer that hangs up or stalls is its own problem; nothing was lost here.
                eprintln!("control: a peer was dropped: {error}");
            }
        }
        served
    }

    fn serve(&self, mut stream: UnixStream, wake: &dyn Fn()) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PEER_DEADLINE))?;
        stream.set_write_timeout(Some(PEER_DEADLINE))?;
        let peer = rustix::net::sockopt::socket_peercred(&stream)?;
        let (peer, own) = (peer.uid.as_raw(), rustix::process::geteuid().as_raw());
        let reply = if peer == own || peer == 0 {
            self.pass_on(&read_frame(&mut stream)?, peer, wake)
        } else {
            ControlReply::refused(format!(
                "user {peer} may not control this engine; run as user {own}"
            ))
        };
        write_frame(&mut stream, &serde_json::to_vec(&reply)?)
    }

    fn pass_on(&self, body: &[u8], uid: u32, wake: &dyn Fn()) -> ControlReply {
        let request: ControlRequest = match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(error) => return ControlReply::refused(format!("not a control request: {error}")),
        };
        let (answer, heard) = sync_channel(1);
        let call = match check(request, uid, answer) {
            Ok(call) => call,
            Err(message) => return ControlReply::refused(message),
        };
        if self.calls.try_send(call).is_err() {
            return ControlReply::refused("the engine takes no commands now; try again");
        }
        wake();
        match heard.recv_timeout(ENGINE_DEADLINE) {
            Ok(reply) => reply,
            Err(RecvTimeoutError::Timeout) => {
                ControlReply::refused("the engine did not answer in two seconds; look at `bijli status`")
            }
            Err(RecvTimeoutError::Disconnected) => ControlReply::refused("the engine has stopped"),
        }
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        // The path may be gone already; there is nothing to be done about it at this point.
        let _gone = std::fs::remove_file(&self.path);
    }
}

fn check(request: ControlRequest, uid: u32, reply: SyncSender<ControlReply>) -> Result<ControlCall, String> {
    if request.version != VERSION {
        return Err(format!(
            "version {} is not spoken here, only {VERSION}",
            request.version
        ));
    }
    let verb = verb_of(&request.verb).ok_or_else(|| {
        format!(
            "unknown verb {:?}: pause, resume, exit, flatten, kill or arm",
            request.verb
        )
    })?;
    if verb == Verb::Exit && request.symbol.is_none() {
        return Err("exit needs a symbol".to_owned());
    }
    if verb == Verb::Arm && request.reason.trim().is_empty() {
        return Err("arm needs a reason: --reason TEXT".to_owned());
    }
    let reason = Text::new(&request.reason)
        .ok_or_else(|| "a reason is at most 40 printable ASCII characters".to_owned())?;
    Ok(ControlCall {
        verb,
        symbol: request.symbol,
        uid,
        command_id: request.command_id,
        reason,
        reply,
    })
}

fn verb_of(name: &str) -> Option<Verb> {
    Some(match name {
        "pause" => Verb::Pause,
        "resume" => Verb::Resume,
        "exit" => Verb::Exit,
        "flatten" => Verb::Flatten,
        "kill" => Verb::Kill,
        "arm" => Verb::Arm,
        _ => return None,
    })
}

/// Sends one command to the engine that listens at `path`.
///
/// # Errors
/// When nobody listens there or the conversation breaks off.
pub fn call(path: &Path, request: &ControlRequest) -> io::Result<ControlReply> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(ENGINE_DEADLINE + PEER_DEADLINE))?;
    stream.set_write_timeout(Some(PEER_DEADLINE))?;
    write_frame(&mut stream, &serde_json::to_vec(request)?)?;
    Ok(serde_json::from_slice(&read_frame(&mut stream)?)?)
}

/// The version that [`call`] speaks.
#[must_use]
pub const fn version() -> u32 {
    VERSION
}

fn read_frame(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > BODY_BYTES_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a control frame is at most 4 KiB",
        ));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

fn write_frame(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    stream.write_all(&length.to_le_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(verb: &str) -> ControlRequest {
        ControlRequest {
            version: VERSION,
            command_id: 1,
            verb: verb.to_owned(),
            symbol: None,
            reason: String::new(),
        }
    }

    fn talk(body: &[u8], engine_answers: bool) -> ControlReply {
        let folder = tempfile::tempdir().expect("a folder for the socket");
        let path = folder.path().join("control.sock");
        let (mut server, engine_end) = ControlServer::bind(&path).expect("a fresh path");
        let mut client = UnixStream::connect(&path).expect("the server listens");
        write_frame(&mut client, body).expect("a small frame");
        let wake = || {
            if engine_answers {
                let call = engine_end.try_recv().expect("a call was handed over");
                let mut reply = ControlReply::refused("");
                reply.accepted = true;
                call.reply.try_send(reply).expect("room for one answer");
            }
        };
        assert_eq!(server.poll(&wake), 1);
        serde_json::from_slice(&read_frame(&mut client).expect("a reply")).expect("a readable reply")
    }

    fn body(request: &ControlRequest) -> Vec<u8> {
        serde_json::to_vec(request).expect("plain data")
    }

    #[test]
    fn a_command_of_our_own_user_reaches_the_engine() {
        assert!(talk(&body(&request("pause")), true).accepted);
    }

    #[test]
    fn bad_requests_are_refused_with_a_reason_and_reach_nobody() {
        let mut wrong_version = request("pause");
        wrong_version.version = 9;
        let cases: [(Vec<u8>, &str); 6] = [
            (b"garbage".to_vec(), "not a control request"),
            (
                br#"{"version":1,"command_id":1,"verb":"pause","extra":1}"#.to_vec(),
                "not a control request",
            ),
            (body(&wrong_version), "version 9"),
            (body(&request("explode")), "unknown verb"),
            (body(&request("exit")), "needs a symbol"),
            (body(&request("arm")), "needs a reason"),
        ];
        for (body, expected) in cases {
            let reply = talk(&body, false);
            assert!(!reply.accepted);
            assert!(reply.message.contains(expected), "{}", reply.message);
        }
    }

    #[test]
    fn an_oversized_frame_is_dropped_without_reading_it() {
        let mut bytes: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0];
        assert!(read_frame(&mut bytes).is_err());
    }
}
