//! WebSocket and TLS over a pipe in memory that blocks at every byte: no step may depend on how bytes are cut.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::rc::Rc;

use bijli_core::limits::FRAME_BYTES_MAX;
use bijli_wire::http1::{self, RequestHead};
use bijli_wire::tls::{self, Transport};
use bijli_wire::websocket::Side;
use bijli_wire::{Endpoint, Handshake, Message, WireError, WsClient, WsConnection, WsRequest};

/// Bytes on their way in one direction.
#[derive(Default)]
struct Way {
    bytes: VecDeque<u8>,
    ended: bool,
}

/// One end of a pipe. About every second call would block, and no call moves more than `step_bytes`.
struct End {
    into: Rc<RefCell<Way>>,
    out: Rc<RefCell<Way>>,
    step_bytes: usize,
    random: u32,
}

fn pipe(step_bytes: usize) -> (End, End) {
    let (a, b) = (Rc::default(), Rc::default());
    let end = |into: &Rc<RefCell<Way>>, out: &Rc<RefCell<Way>>| End {
        into: Rc::clone(into),
        out: Rc::clone(out),
        step_bytes,
        random: 0x9e37_79b9,
    };
    (end(&a, &b), end(&b, &a))
}

impl End {
    fn turn(&mut self) -> io::Result<()> {
        // Xorshift: a plain alternation could fall in step with the caller for ever.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        if self.random & 1 == 1 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(())
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.out.borrow_mut().ended = true;
    }
}

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.turn()?;
        let mut way = self.into.borrow_mut();
        if way.bytes.is_empty() {
            return if way.ended {
                Ok(0)
            } else {
                Err(io::ErrorKind::WouldBlock.into())
            };
        }
        let bytes = buffer.len().min(self.step_bytes).min(way.bytes.len());
        for (slot, byte) in buffer.iter_mut().zip(way.bytes.drain(..bytes)) {
            *slot = byte;
        }
        Ok(bytes)
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.turn()?;
        let taken = bytes.len().min(self.step_bytes);
        self.out.borrow_mut().bytes.extend(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.turn()
    }
}

fn endpoint() -> Endpoint {
    Endpoint::parse("ws://localhost:9/feed?code=1").expect("a good URL")
}

fn start<S: Read + Write>(stream: S) -> WsClient<S> {
    let request = WsRequest {
        endpoint: &endpoint(),
        bearer: Some("token"),
    };
    WsClient::start(stream, &request).expect("a good request")
}

/// Reads one request head, however it is cut.
fn read_head<S: Read>(stream: &mut S, received: &mut Vec<u8>) -> Option<RequestHead> {
    let mut byte = [0];
    while let Ok(1) = stream.read(&mut byte) {
        received.push(byte[0]);
        if let Some((head, _)) = RequestHead::parse(received).expect("a good head") {
            return Some(head);
        }
    }
    None
}

fn write_all<S: Write>(stream: &mut S, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    while stream.flush().is_err() {}
}

/// Drives both ends until the server has answered with `answer` and the client has an outcome.
fn outcome<S: Read + Write>(
    client: &mut WsClient<S>,
    server: &mut S,
    answer: impl Fn(&RequestHead) -> Vec<u8>,
) -> Result<Handshake, WireError> {
    let (mut received, mut answered) = (Vec::new(), false);
    for _ in 0..100_000 {
        match client.handshake()? {
            Handshake::Pending => {}
            done => return Ok(done),
        }
        if !answered && let Some(head) = read_head(server, &mut received) {
            write_all(server, &answer(&head));
            answered = true;
        }
    }
    panic!("no outcome");
}

fn upgrade(head: &RequestHead) -> Vec<u8> {
    assert_eq!(
        (head.bearer(), head.target.as_str()),
        (Some("token"), "/feed?code=1")
    );
    let mut answer = Vec::new();
    http1::write_upgrade(&mut answer, head.websocket_key().expect("an upgrade"));
    answer
}

fn read<S: Read + Write>(connection: &mut WsConnection<S>) -> Result<Message, WireError> {
    for _ in 0..100_000 {
        if let Some(message) = connection.read()? {
            return Ok(message);
        }
    }
    panic!("nothing arrives");
}

#[test]
fn a_client_is_upgraded_and_messages_go_both_ways_however_bytes_are_cut() {
    for step_bytes in [1, 3, 7, 4096] {
        let (ours, mut theirs) = pipe(step_bytes);
        let mut client = start(ours);
        let done = outcome(&mut client, &mut theirs, upgrade);
        assert_eq!(done.expect("an upgrade"), Handshake::Connected);
        let mut server = WsConnection::after_upgrade(theirs, Side::Server, Vec::new());

        server.send_binary(vec![1, 2, 3]).expect("sent");
        server.send_ping(b"7").expect("sent");
        server.send_text("seven").expect("sent");
        while server.wants_write() {
            server.flush().expect("flushed");
        }
        let connection = client.connection().expect("open");
        let messages: Vec<_> = (0..3).map(|_| read(connection).expect("a message")).collect();
        assert_eq!(
            messages,
            [
                Message::Binary(vec![1, 2, 3].into()),
                Message::Ping(b"7".to_vec().into()),
                Message::Text("seven".into())
            ]
        );
        while connection.wants_write() {
            connection.flush().expect("flushed");
        }
        assert_eq!(
            read(&mut server).expect("a message"),
            Message::Pong(b"7".to_vec().into())
        );

        connection.close(1000, "bye").expect("sent");
        while connection.wants_write() {
            connection.flush().expect("flushed");
        }
        let goodbye = Message::Close {
            code: 1000,
            reason: "bye".to_owned(),
        };
        assert_eq!(read(&mut server).expect("a message"), goodbye);
        assert!(matches!(read(&mut server), Err(WireError::Closed)));
    }
}

#[test]
fn bytes_that_follow_the_upgrade_at_once_are_not_lost() {
    let (ours, mut theirs) = pipe(4096);
    let mut client = start(ours);
    let done = outcome(&mut client, &mut theirs, |head| {
        [upgrade(head), vec![0x82, 2, 8, 1, 0x82, 0]].concat()
    });
    assert_eq!(done.expect("an upgrade"), Handshake::Connected);
    let connection = client.connection().expect("open");
    assert_eq!(
        read(connection).expect("a message"),
        Message::Binary(vec![8, 1].into())
    );
    assert_eq!(
        read(connection).expect("a message"),
        Message::Binary(Vec::new().into())
    );
}

#[test]
fn a_redirect_and_a_refusal_are_outcomes() {
    let answer = |status, headers: &[(&str, &str)], body: &[u8]| {
        let mut bytes = Vec::new();
        http1::write_response(&mut bytes, status, headers, body);
        bytes
    };
    for (bytes, expected) in [
        (
            answer(302, &[("Location", "wss://feeder/x?code=2")], b""),
            Handshake::Redirected {
                location: "wss://feeder/x?code=2".to_owned(),
            },
        ),
        (
            answer(401, &[], b"{\"errors\":\n[]}"),
            Handshake::Refused {
                status: 401,
                body: "{\"errors\": []}".to_owned(),
            },
        ),
        (
            b"HTTP/1.1 503 Busy\r\n\r\n".to_vec(),
            Handshake::Refused {
                status: 503,
                body: String::new(),
            },
        ),
        (
            answer(500, &[], &[b'x'; 5000]),
            Handshake::Refused {
                status: 500,
                body: "x".repeat(2048),
            },
        ),
    ] {
        for step_bytes in [1, 4096] {
            let (ours, mut theirs) = pipe(step_bytes);
            let mut client = start(ours);
            let done = outcome(&mut client, &mut theirs, |_| bytes.clone()).expect("an answer");
            assert_eq!(done, expected);
            assert!(matches!(client.handshake(), Err(WireError::Closed)), "over");
        }
    }
}

#[test]
fn an_answer_that_is_no_proper_upgrade_is_an_error() {
    let good = |head: &RequestHead| String::from_utf8(upgrade(head)).expect("text");
    type Spoil = fn(String) -> String;
    let spoils: [Spoil; 6] = [
        |_| "SSH-2.0-OpenSSH\r\n\r\n".to_owned(),
        |good| good.replace("Accept: ", "Accept: x"),
        |good| good.replace("Upgrade: websocket", "Upgrade: h2c"),
        |good| {
            good.replace(
                "\r\n\r\n",
                "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
            )
        },
        |_| "HTTP/1.1 302 Found\r\n\r\n".to_owned(),
        |_| "HTTP/1.1 100 Continue\r\n\r\n".to_owned(),
    ];
    for spoil in spoils {
        let (ours, mut theirs) = pipe(4096);
        let mut client = start(ours);
        let done = outcome(&mut client, &mut theirs, |head| spoil(good(head)).into_bytes());
        assert!(matches!(done, Err(WireError::Protocol { .. })), "{done:?}");
    }
}

#[test]
fn a_peer_that_hangs_up_during_the_opening_is_an_error() {
    let (ours, theirs) = pipe(4096);
    let mut client = start(ours);
    drop(theirs);
    let done = loop {
        match client.handshake() {
            Ok(Handshake::Pending) => {}
            done => break done,
        }
    };
    assert!(matches!(done, Err(WireError::Closed)), "{done:?}");
}

#[test]
fn a_token_that_would_break_out_of_its_header_is_refused() {
    for token in ["", "a\r\nX: y", "a b", "\u{20b9}"] {
        let request = WsRequest {
            endpoint: &endpoint(),
            bearer: Some(token),
        };
        assert!(matches!(
            WsClient::start(pipe(1).0, &request),
            Err(WireError::BadUrl { .. })
        ));
    }
}

#[test]
fn frames_that_break_the_rules_or_the_bound_end_the_connection() {
    let too_long = (FRAME_BYTES_MAX as u64 + 1).to_be_bytes();
    let huge = (1_u64 << 63).to_be_bytes();
    for (bytes, expected) in [
        ([&[0x82, 127][..], &too_long].concat(), 1009),
        ([&[0x82, 127][..], &huge].concat(), 1009),
        (vec![0x82, 0x80, 1, 2, 3, 4], 1002),
        (vec![0x09, 0], 1002),
        ([&[0x89, 126, 0, 126][..], &[0; 126]].concat(), 1002),
        (vec![0x81, 1, 0xff], 1002),
        (vec![0xf2, 0], 1002),
        (vec![0x80, 0], 1002),
        (vec![0x83, 0], 1002),
    ] {
        let (ours, mut theirs) = pipe(4096);
        let mut connection = WsConnection::after_upgrade(ours, Side::Client, Vec::new());
        write_all(&mut theirs, &bytes);
        theirs.out.borrow_mut().ended = true;
        let error = read(&mut connection).expect_err("a broken frame");
        assert_eq!(error.close_code(), expected, "{bytes:02x?}: {error}");
    }
}

#[test]
fn a_peer_that_never_reads_is_given_up() {
    let mut connection = WsConnection::after_upgrade(Stuck, Side::Server, Vec::new());
    let outcome = (0..100).try_for_each(|_| connection.send_binary(vec![0; FRAME_BYTES_MAX / 2]));
    assert!(matches!(outcome, Err(WireError::SendBacklogFull)), "{outcome:?}");
}

struct Stuck;

impl Read for Stuck {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Stuck {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// A certificate for `name`, signed by itself, and its key, both PEM text.
fn certificate(name: &str) -> (String, String) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn tls_outcome(cert_name: &str, root_pem: Option<&str>, host: &str) -> Result<Handshake, WireError> {
    let (cert, key) = certificate(cert_name);
    let config = tls::client_config(root_pem.or(Some(cert.as_str())))?;
    let (ours, theirs) = pipe(5);
    let mut client = start(Transport::tls_client(config, host, ours)?);
    let mut server = Transport::tls_server(tls::server_config(&cert, &key)?, theirs)?;
    outcome(&mut client, &mut server, upgrade)
}

#[test]
fn the_same_opening_works_inside_tls() {
    let done = tls_outcome("localhost", None, "localhost");
    assert_eq!(done.expect("an upgrade"), Handshake::Connected);
}

#[test]
fn a_stranger_or_a_wrong_name_is_refused_by_tls() {
    let (other_root, _) = certificate("localhost");
    for (cert_name, root, host) in [
        ("localhost", Some(other_root.as_str()), "localhost"),
        ("elsewhere", None, "localhost"),
        ("localhost", None, "127.0.0.1"),
    ] {
        let done = tls_outcome(cert_name, root, host);
        assert!(matches!(done, Err(WireError::Tls { .. })), "{done:?}");
    }
}

#[test]
fn pem_text_that_is_none_is_refused() {
    assert!(tls::client_config(None).is_ok());
    assert!(tls::client_config(Some("")).is_err());
    assert!(tls::client_config(Some("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----")).is_err());
    let (cert, key) = certificate("localhost");
    let (_, other_key) = certificate("localhost");
    assert!(tls::server_config(&cert, &key).is_ok());
    assert!(tls::server_config(&cert, &other_key).is_err());
    assert!(tls::server_config(&cert, "").is_err());
    assert!(tls::server_config("", &key).is_err());
}
