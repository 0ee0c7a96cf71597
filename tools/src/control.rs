//! The operator's socket: a Unix stream socket that checks who is calling and passes commands to the engine.
//!
//! Frames are a 4-byte little-endian length and a JSON body of at most 4 KiB. Only the service's own user and
//! root may call. A command is answered after the engine has journaled and applied it, or refused with a
//! reason; the socket never touches engine state itself.

mod server;

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use bijli_core::event::{SwitchOutcome, Verb};
use bijli_core::strategy::StrategyId;
use bijli_core::text::Text;
use serde::{Deserialize, Serialize};

use crate::words;

pub use server::{ControlServer, LatchWord};

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
    /// Chosen by the client; the same command under the same id is obeyed once, another one under it is refused. A
    /// kill acts under any id while nothing is killed.
    pub command_id: u64,
    /// One of [`VERBS`].
    pub verb: String,
    /// For `exit`, `pause` and `resume`: the trading symbol or instrument key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// For `pause`, `resume` and `arm`: only this strategy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// Why; needed for `arm`. At most 40 printable characters.
    #[serde(default)]
    pub reason: String,
    /// With `broker-switch`, under the id that asked: what the broker answered, to be journaled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<SwitchAnswer>,
}

/// What came of the broker's own kill switch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchAnswer {
    /// `done`, `refused` or `unknown`.
    pub outcome: String,
    /// The segments stopped, or the broker's words; what is longer than 120 characters is cut, what is not printable
    /// ASCII shows as `?`.
    pub words: String,
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
    /// What is open, by our books, one line each.
    #[serde(default)]
    pub open: Vec<String>,
    /// Whether the broker itself has shown, since the command, that nothing is open.
    #[serde(default)]
    pub broker_flat: bool,
    /// What the broker showed; empty before it was asked and answered.
    #[serde(default)]
    pub broker_says: String,
    /// Whether the command was new, rather than a repeated id.
    #[serde(default)]
    pub is_new: bool,
    /// Engine time of the answer, nanoseconds since 1970 UTC.
    #[serde(default)]
    pub now_ns: i64,
    /// Why it was refused; empty when accepted.
    pub message: String,
}

/// A checked command on its way to the engine, with the way back.
#[derive(Debug)]
pub struct ControlCall {
    /// What is asked.
    pub verb: Verb,
    /// For `exit`, `pause` and `resume`: which instrument, as typed.
    pub symbol: Option<String>,
    /// Only this strategy.
    pub strategy: Option<StrategyId>,
    /// User id of the peer.
    pub uid: u32,
    /// The client's command id.
    pub command_id: u64,
    /// The operator's words.
    pub reason: Text<40>,
    /// What the broker answered to its switch, which the same command asked for before.
    pub answer: Option<(SwitchOutcome, Text<120>)>,
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
            open: Vec::new(),
            broker_flat: false,
            broker_says: String::new(),
            is_new: false,
            now_ns: 0,
            message: message.into(),
        }
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
            "unknown verb {:?}: {}",
            request.verb,
            VERBS.map(|(name, _)| name).join(", ")
        )
    })?;
    if verb == Verb::Exit && request.symbol.is_none() {
        return Err("exit needs a symbol".to_owned());
    }
    if request.symbol.is_some() && !matches!(verb, Verb::Exit | Verb::Pause | Verb::Resume | Verb::Kill) {
        return Err("only exit, pause and resume may be about one instrument".to_owned());
    }
    if request.symbol.is_some() && request.strategy.is_some() {
        return Err("about one instrument or about one strategy, not both".to_owned());
    }
    if verb == Verb::Arm && request.reason.trim().is_empty() {
        return Err("arm needs a reason: --reason TEXT".to_owned());
    }
    let strategy = match request
        .strategy
        .as_deref()
        .map(|name| (name, StrategyId::of_name(name)))
    {
        None => None,
        Some((_, Some(id))) if matches!(verb, Verb::Pause | Verb::Resume | Verb::Arm) => Some(id),
        Some((_, Some(_))) => return Err("only pause, resume and arm may be about one strategy".to_owned()),
        Some((name, None)) => return Err(format!("unknown strategy {name:?}")),
    };
    let reason = Text::new(&request.reason)
        .ok_or_else(|| "a reason is at most 40 printable ASCII characters".to_owned())?;
    let answer = request
        .answer
        .map(|answer| answer_of(verb, &answer))
        .transpose()?;
    Ok(ControlCall {
        verb,
        // A kill is about everything: a word too many must not keep it from acting.
        symbol: request.symbol.filter(|_| verb != Verb::Kill),
        strategy,
        uid,
        command_id: request.command_id,
        reason,
        answer,
        reply,
    })
}

fn answer_of(verb: Verb, answer: &SwitchAnswer) -> Result<(SwitchOutcome, Text<120>), String> {
    if verb != Verb::BrokerSwitch {
        return Err("only broker-switch has an answer".to_owned());
    }
    let outcome = [
        SwitchOutcome::Done,
        SwitchOutcome::Refused,
        SwitchOutcome::Unknown,
    ]
    .into_iter()
    .find(|outcome| words::switch_name(*outcome) == answer.outcome)
    .ok_or_else(|| format!("unknown outcome {:?}", answer.outcome))?;
    // The broker's words are journaled as far as they go: an answer must not be lost for its length.
    let plain = |c: char| if (' '..='~').contains(&c) { c } else { '?' };
    let told: String = answer.words.chars().take(120).map(plain).collect();
    let told = Text::new(&told).expect("120 printable characters at most");
    Ok((outcome, told))
}

/// Every verb by its name.
pub const VERBS: [(&str, Verb); 8] = [
    ("pause", Verb::Pause),
    ("resume", Verb::Resume),
    ("exit", Verb::Exit),
    ("flatten", Verb::Flatten),
    ("kill", Verb::Kill),
    ("arm", Verb::Arm),
    ("reduce-only", Verb::ReduceOnly),
    ("broker-switch", Verb::BrokerSwitch),
];

fn verb_of(name: &str) -> Option<Verb> {
    VERBS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, verb)| *verb)
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
            strategy: None,
            reason: String::new(),
            answer: None,
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
        while server.poll(&wake) > 0 {
            server.wait().expect("a socket that can be waited on");
        }
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
        let mut flatten_one = request("flatten");
        flatten_one.symbol = Some("RELIANCE".to_owned());
        let mut both = request("pause");
        (both.symbol, both.strategy) = (Some("RELIANCE".to_owned()), Some("spike".to_owned()));
        let answered = |verb: &str, outcome: &str| ControlRequest {
            answer: Some(SwitchAnswer {
                outcome: outcome.to_owned(),
                words: String::new(),
            }),
            ..request(verb)
        };
        let cases: [(Vec<u8>, &str); 10] = [
            (body(&answered("pause", "done")), "only broker-switch"),
            (body(&answered("broker-switch", "well")), "unknown outcome"),
            (body(&flatten_one), "about one instrument"),
            (body(&both), "not both"),
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
    fn an_oversized_frame_is_dropped_and_counted() {
        let folder = tempfile::tempdir().expect("a folder for the socket");
        let path = folder.path().join("control.sock");
        let (mut server, _engine_end) = ControlServer::bind(&path).expect("a fresh path");
        let mut client = UnixStream::connect(&path).expect("the server listens");
        client
            .write_all(&[0xff, 0xff, 0xff, 0x7f, 0])
            .expect("room for five bytes");
        assert_eq!(server.poll(&|| ()), 0);
        assert_eq!(server.refused().load(std::sync::atomic::Ordering::Relaxed), 1);
        assert!(read_frame(&mut client).is_err(), "hung up on");
    }

    #[test]
    fn silent_peers_hold_nobody_up() {
        let folder = tempfile::tempdir().expect("a folder for the socket");
        let path = folder.path().join("control.sock");
        let (mut server, engine_end) = ControlServer::bind(&path).expect("a fresh path");
        let silent: Vec<UnixStream> = (0..7)
            .map(|_| UnixStream::connect(&path).expect("the server listens"))
            .collect();
        let mut client = UnixStream::connect(&path).expect("the server listens");
        write_frame(&mut client, &body(&request("kill"))).expect("a small frame");
        assert_eq!(server.poll(&|| ()), silent.len() + 1);
        let call = engine_end
            .try_recv()
            .expect("the kill went past them at the first look");
        assert_eq!(call.verb, Verb::Kill);
    }

    /// What a client hears whose command the engine took; `keeper` sees what the latch on disk is to say, and answers.
    fn latched(verb: &str, is_new: bool, room: usize, keeper: impl Fn(Option<LatchWord>)) -> ControlReply {
        let folder = tempfile::tempdir().expect("a folder for the socket");
        let path = folder.path().join("control.sock");
        let (mut server, engine_end) = ControlServer::bind(&path).expect("a fresh path");
        let (latch, words) = std::sync::mpsc::sync_channel(room);
        server.keep_latch(latch);
        let mut client = UnixStream::connect(&path).expect("the server listens");
        let mut request = request(verb);
        "test".clone_into(&mut request.reason);
        write_frame(&mut client, &body(&request)).expect("a small frame");
        assert_eq!(server.poll(&|| ()), 1);
        let call = engine_end.try_recv().expect("a call was handed over");
        let mut reply = ControlReply::refused("");
        (reply.accepted, reply.is_new) = (true, is_new);
        call.reply.try_send(reply).expect("room for one answer");
        let in_hand = server.poll(&|| ());
        let word = words.try_recv().ok();
        let waits = matches!(word, Some(LatchWord::Set { .. }));
        assert_eq!(in_hand, usize::from(waits), "answered once it is on disk");
        keeper(word);
        assert_eq!(server.poll(&|| ()), 0);
        serde_json::from_slice(&read_frame(&mut client).expect("a reply")).expect("readable")
    }

    #[test]
    fn a_kill_is_reported_only_once_its_latch_is_on_disk_and_a_failing_disk_is_named_every_time() {
        for is_new in [true, false] {
            for fails in [false, true] {
                let heard = latched("kill", is_new, 1, |word| {
                    let Some(LatchWord::Set { written, .. }) = word else {
                        panic!("the kill goes to disk");
                    };
                    let outcome = if fails {
                        Err(io::ErrorKind::StorageFull.into())
                    } else {
                        Ok(())
                    };
                    written.send(outcome).expect("the server waits");
                });
                assert!(heard.accepted);
                assert_eq!(heard.message.contains("not on disk"), fails, "{heard:?}");
            }
        }
    }

    #[test]
    fn a_kill_that_finds_no_room_on_its_way_to_disk_is_not_reported_as_if_it_were_there() {
        let heard = latched("kill", true, 0, |word| assert!(word.is_none()));
        assert!(
            heard.accepted && heard.message.contains("not on disk: the disk does not answer"),
            "{heard:?}"
        );
    }

    #[test]
    fn an_arming_takes_the_latch_off_the_disk_once_and_a_repeated_one_does_not() {
        for is_new in [true, false] {
            let heard = latched("arm", is_new, 1, |word| {
                assert_eq!(matches!(word, Some(LatchWord::Clear)), is_new, "{word:?}");
            });
            assert!(heard.accepted);
        }
    }
}
