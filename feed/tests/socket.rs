//! The whole client against a small broker on loopback: plain and TLS, redirects, refusals, damage, lost connections.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bijli_core::event::FeedState;
use bijli_core::time::{DurationNs, TsNs};
use bijli_feed::feed_note::FeedNote;
use bijli_feed::liveness::MarketHours;
use bijli_feed::planner::capacity::{AccountPlan, Capacity, LimitScope};
use bijli_feed::socket::everything;
use bijli_feed::subscription::Mode;
use bijli_feed::upstox::proto;
use bijli_feed::{FeedClient, FeedOutput, FeedSettings, TokenHandle};
use bijli_wire::http1::{self, RequestHead};
use bijli_wire::tls::{self, Transport};
use bijli_wire::websocket::Side;
use bijli_wire::{Message, WsConnection};
use prost::Message as _;

const KEYS: [&str; 2] = ["NSE_EQ|A", "NSE_EQ|B"];
const TOKEN: &str = "secret";
const PATIENCE: Duration = Duration::from_secs(30);

type Connection = WsConnection<Transport<TcpStream>>;

fn market_open() -> Vec<u8> {
    proto::FeedResponse {
        r#type: 2,
        market_info: Some(proto::MarketInfo {
            segment_status: [("NSE_EQ".to_owned(), 2)].into(),
            ..proto::MarketInfo::default()
        }),
        ..proto::FeedResponse::default()
    }
    .encode_to_vec()
}

fn feed(number: i64) -> Vec<u8> {
    proto::FeedResponse {
        r#type: 1,
        feeds: [(KEYS[0].to_owned(), proto::Feed::default())].into(),
        current_ts: number,
        ..proto::FeedResponse::default()
    }
    .encode_to_vec()
}

/// A broker that answers the entry with a redirect, or refuses a wrong token, and then does as `serve` says.
struct Broker {
    url: String,
    ca_pem: Option<String>,
    /// Targets of all requests, in order.
    targets: Receiver<String>,
}

enum Cipher {
    Plain,
    Tls,
}

impl Broker {
    fn start(cipher: Cipher, serve: impl Fn(usize, Connection) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let (tell, targets) = channel();
        let (scheme, ca_pem, config) = match cipher {
            Cipher::Plain => ("ws", None, None),
            Cipher::Tls => {
                let made =
                    rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
                let pem = made.cert.pem();
                let config = tls::server_config(&pem, &made.signing_key.serialize_pem());
                ("wss", Some(pem), Some(config.expect("a good pair")))
            }
        };
        thread::spawn(move || {
            let mut connections = 0;
            for stream in listener.incoming().map_while(Result::ok) {
                let stream = match &config {
                    None => Transport::Plain(stream),
                    Some(config) => Transport::tls_server(config.clone(), stream).expect("a good pair"),
                };
                if let Some(connection) = answer(stream, connections, &tell) {
                    serve(connections, connection);
                    connections += 1;
                }
            }
        });
        Self {
            url: format!("{scheme}://127.0.0.1:{port}/entry"),
            ca_pem,
            targets,
        }
    }

    fn client(&self, token: &str, busy_poll: bool) -> Client {
        client(&self.url, self.ca_pem.clone(), token, busy_poll)
    }

    fn targets(&self) -> Vec<String> {
        self.targets.try_iter().collect()
    }
}

/// Answers one request; the connection when it ends in an upgrade.
fn answer(
    mut stream: Transport<TcpStream>,
    connections: usize,
    targets: &Sender<String>,
) -> Option<Connection> {
    let mut received = Vec::new();
    let head = loop {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        received.push(byte[0]);
        if let Some((head, _)) = RequestHead::parse(&received).ok()? {
            break head;
        }
    };
    targets.send(head.target.clone()).ok()?;
    let single_use = format!("/feeds?code={connections}");
    let mut answer = Vec::new();
    let upgraded = match (head.path(), head.bearer()) {
        ("/entry", Some(TOKEN)) => {
            http1::write_response(&mut answer, 302, &[("Location", &single_use)], b"");
            false
        }
        ("/entry", _) => {
            http1::write_response(&mut answer, 401, &[], b"{\"status\":\"error\"}");
            false
        }
        _ if head.target == single_use && head.bearer().is_none() => {
            http1::write_upgrade(&mut answer, head.websocket_key()?);
            true
        }
        _ => {
            http1::write_response(&mut answer, 403, &[], b"used");
            false
        }
    };
    stream.write_all(&answer).ok()?;
    stream.flush().ok()?;
    upgraded.then(|| WsConnection::after_upgrade(stream, Side::Server, Vec::new()))
}

/// Sends the market's state and waits for the subscription of both keys.
fn greet(connection: &mut Connection) {
    connection.send_binary(market_open()).expect("sent");
    match next(connection) {
        Some(Message::Binary(request)) => {
            let request: serde_json::Value = serde_json::from_slice(&request).expect("JSON");
            assert_eq!(request["method"], "sub");
            assert_eq!(request["data"]["instrumentKeys"], serde_json::json!(KEYS));
        }
        other => panic!("a subscription comes in a binary frame: {other:?}"),
    }
}

fn next(connection: &mut Connection) -> Option<Message> {
    loop {
        match connection.read() {
            Ok(Some(message)) => return Some(message),
            Ok(None) => {}
            Err(_) => return None,
        }
    }
}

/// Keeps a connection open until the client leaves.
fn linger(mut connection: Connection) {
    while next(&mut connection).is_some() {}
}

struct Client {
    feed: FeedClient,
    start: Instant,
    skipped: Duration,
    frames: Vec<Vec<u8>>,
    states: Vec<FeedState>,
    notes: Vec<FeedNote>,
}

fn client(url: &str, ca_pem: Option<String>, token: &str, busy_poll: bool) -> Client {
    client_asking(url, ca_pem, TokenHandle::fixed(token.to_owned()), busy_poll)
}

fn client_asking(url: &str, ca_pem: Option<String>, token: TokenHandle, busy_poll: bool) -> Client {
    let feed = FeedClient::new(FeedSettings {
        url: url.to_owned(),
        token,
        extra_root_pem: ca_pem,
        keys: KEYS.map(str::to_owned).to_vec(),
        wants: everything(KEYS.len(), Mode::Full),
        capacity: Capacity::of(AccountPlan::Normal, LimitScope::Account).with_sockets_at_most(1),
        busy_poll,
        jitter_seed: 3,
        batch: 100,
        mute_after: DurationNs::from_secs(20),
        hours: MarketHours::UNKNOWN,
    });
    Client {
        feed: feed.expect("good settings"),
        start: Instant::now(),
        skipped: Duration::ZERO,
        frames: Vec::new(),
        states: Vec::new(),
        notes: Vec::new(),
    }
}

impl Client {
    fn now(&self) -> TsNs {
        TsNs::new(1_785_470_000_000_000_000 + (self.start.elapsed() + self.skipped).as_nanos() as i64)
    }

    fn poll(&mut self) -> usize {
        let now = self.now();
        self.feed
            .poll(now, Some(Duration::from_millis(5)), &mut |output| match output {
                FeedOutput::Frame(frame) => self.frames.push(frame.to_vec()),
                FeedOutput::State(state) => self.states.push(state),
                FeedOutput::Note(note) => self.notes.push(note),
            })
    }

    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            assert!(
                self.start.elapsed() < PATIENCE,
                "too late: {:?} {:?}",
                self.states,
                self.notes
            );
            self.poll();
        }
    }
}

#[test]
fn frames_arrive_in_order_and_a_ping_is_answered_after_them() {
    for (cipher, busy_poll) in [(Cipher::Plain, false), (Cipher::Tls, false), (Cipher::Tls, true)] {
        let (tell, ponged) = channel();
        let broker = Broker::start(cipher, move |_, mut connection| {
            greet(&mut connection);
            for number in 1..=200 {
                connection.send_binary(feed(number)).expect("sent");
            }
            connection.send_ping(b"200").expect("sent");
            match next(&mut connection) {
                Some(Message::Pong(payload)) => tell.send(payload.to_vec()).expect("the test listens"),
                other => panic!("a pong: {other:?}"),
            }
            linger(connection);
        });
        let mut client = broker.client(TOKEN, busy_poll);
        let mut seen_at_pong = None;
        client.until(|client| client.states == [FeedState::Live]);
        while seen_at_pong.is_none() {
            client.poll();
            if let Ok(payload) = ponged.try_recv() {
                assert_eq!(payload, b"200");
                seen_at_pong = Some(client.frames.len());
            }
        }
        assert_eq!(seen_at_pong, Some(201), "every frame before the ping");
        let numbers: Vec<i64> = client.frames[1..]
            .iter()
            .map(|frame| {
                proto::FeedResponse::decode(frame.as_slice())
                    .expect("sound")
                    .current_ts
            })
            .collect();
        assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
        assert_eq!(broker.targets(), ["/entry", "/feeds?code=0"]);
        let counters = client.feed.counters();
        assert_eq!((counters.frames, counters.subscribed, counters.seen), (201, 2, 1));
        assert_eq!(unseen(&client.feed), ["NSE_EQ|B"]);
    }
}

fn unseen(feed: &FeedClient) -> Vec<&str> {
    feed.sessions().flat_map(|session| session.unseen()).collect()
}

#[test]
fn one_call_hands_out_a_bounded_number_of_frames() {
    let broker = Broker::start(Cipher::Plain, |_, mut connection| {
        greet(&mut connection);
        for number in 1..=1000 {
            connection.send_binary(feed(number)).expect("sent");
        }
        linger(connection);
    });
    let mut client = broker.client(TOKEN, false);
    while client.frames.len() < 1001 {
        let before = client.frames.len();
        client.poll();
        assert!(client.frames.len() - before <= bijli_feed::socket::FRAMES_PER_POLL_MAX);
        assert!(client.start.elapsed() < PATIENCE);
    }
}

#[test]
fn a_wrong_token_ends_the_attempts_until_there_is_a_new_one() {
    let broker = Broker::start(Cipher::Tls, |_, mut connection| {
        greet(&mut connection);
        linger(connection);
    });
    let token = Arc::new(Mutex::new("wrong".to_owned()));
    let asked = Arc::clone(&token);
    let handle = TokenHandle::asking(move || asked.lock().expect("no panic holds it").clone());
    let mut client = client_asking(&broker.url, broker.ca_pem.clone(), handle, false);
    client.until(|client| client.notes.contains(&FeedNote::TokenDead));
    assert_eq!(
        client.notes[1],
        FeedNote::Refused {
            status: 401,
            body: "{\"status\":\"error\"}".to_owned()
        }
    );
    for _ in 0..100 {
        client.poll();
    }
    assert_eq!(broker.targets(), ["/entry"]);
    TOKEN.clone_into(&mut token.lock().expect("no panic holds it"));
    client.until(|client| client.notes.contains(&FeedNote::Subscribed { keys: 2 }));
}

#[test]
fn a_closed_port_is_tried_again_and_again() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("bound").port()
    };
    let mut client = client(&format!("ws://127.0.0.1:{port}/entry"), None, TOKEN, false);
    client.until(|client| client.notes.contains(&FeedNote::Connecting { attempt: 3 }));
    let refused =
        |note: &&FeedNote| matches!(note, FeedNote::Disconnected { reason } if reason.contains("refused"));
    assert!(
        client.notes.iter().filter(refused).count() >= 3,
        "{:?}",
        client.notes
    );
}

#[test]
fn a_stranger_certificate_is_never_trusted() {
    let broker = Broker::start(Cipher::Tls, |_, connection| linger(connection));
    let mut client = client(&broker.url, None, TOKEN, false);
    client.until(|client| client.notes.contains(&FeedNote::Connecting { attempt: 1 }));
    let told = client.notes.iter().any(
        |note| matches!(note, FeedNote::Disconnected { reason } if reason.contains("TLS") && reason.contains("root")),
    );
    assert!(told, "{:?}", client.notes);
    assert_eq!(broker.targets(), [""; 0]);
}

#[test]
fn a_lost_connection_is_authorised_anew() {
    let broker = Broker::start(Cipher::Plain, |number, mut connection| {
        greet(&mut connection);
        connection.send_binary(feed(number as i64 + 1)).expect("sent");
        if number > 0 {
            linger(connection);
        }
    });
    let mut client = broker.client(TOKEN, false);
    let live = FeedState::Live;
    client.until(|client| client.states == [live, FeedState::Down, live]);
    assert_eq!(
        broker.targets(),
        ["/entry", "/feeds?code=0", "/entry", "/feeds?code=1"]
    );
    assert_eq!(client.feed.counters().reconnects, 1);
}

#[test]
fn broken_frames_are_passed_on_counted_and_told() {
    let broker = Broker::start(Cipher::Plain, |_, mut connection| {
        greet(&mut connection);
        connection.send_binary(b"<html>".to_vec()).expect("sent");
        connection.send_text("not for us").expect("sent");
        connection.send_binary(feed(1)).expect("sent");
        linger(connection);
    });
    let mut client = broker.client(TOKEN, false);
    client.until(|client| client.frames.len() == 3);
    assert_eq!(client.frames[1], b"<html>");
    assert_eq!(client.feed.counters().decode_errors, 1);
    assert_eq!(client.states, [FeedState::Live]);
    assert!(
        client
            .notes
            .iter()
            .any(|note| matches!(note, FeedNote::BrokenFrame(_)))
    );
}

#[test]
fn an_oversized_frame_or_a_broken_rule_ends_the_connection_and_a_new_one_begins() {
    let broker = Broker::start(Cipher::Plain, |number, mut connection| {
        greet(&mut connection);
        match number {
            0 => {
                let head = [&[0x82, 127][..], &(1_u64 << 40).to_be_bytes()].concat();
                connection.stream_mut().write_all(&head).expect("sent");
                linger(connection);
            }
            1 => {
                let masked = [0x82, 0x80, 1, 2, 3, 4];
                connection.stream_mut().write_all(&masked).expect("sent");
                linger(connection);
            }
            _ => {
                connection.send_binary(feed(1)).expect("sent");
                linger(connection);
            }
        }
    });
    let mut client = broker.client(TOKEN, false);
    client.until(|client| client.states.last() == Some(&FeedState::Live));
    let reasons: Vec<_> = client
        .notes
        .iter()
        .filter_map(|note| match note {
            FeedNote::Disconnected { reason } => Some(reason.as_str()),
            _ => None,
        })
        .collect();
    assert!(reasons[0].contains("over the limit"), "{reasons:?}");
    assert!(reasons[1].contains("broke the protocol"), "{reasons:?}");
}

#[test]
fn a_message_that_does_not_become_whole_in_five_seconds_ends_the_connection() {
    let (tell, sent) = channel();
    let broker = Broker::start(Cipher::Plain, move |_, mut connection| {
        greet(&mut connection);
        connection.send_binary(feed(1)).expect("sent");
        connection
            .stream_mut()
            .write_all(&[0x82, 100, 1, 2])
            .expect("sent");
        tell.send(()).expect("the test listens");
        linger(connection);
    });
    let mut client = broker.client(TOKEN, false);
    client.until(|client| client.states == [FeedState::Live]);
    sent.recv_timeout(PATIENCE).expect("the broker trickles");
    for _ in 0..20 {
        client.poll();
    }
    // The same seconds without a message under way would have been a mute feed, no more.
    client.skipped = Duration::from_secs(6);
    client.until(|client| {
        client.notes.iter().any(|note| {
        matches!(note, FeedNote::Disconnected { reason } if reason.contains("did not become whole"))
    })
    });
}

#[test]
fn a_client_that_closes_says_goodbye() {
    let (tell, heard) = channel();
    let broker = Broker::start(Cipher::Tls, move |_, mut connection| {
        greet(&mut connection);
        tell.send(next(&mut connection)).expect("the test listens");
    });
    let mut client = broker.client(TOKEN, false);
    client.until(|client| client.notes.contains(&FeedNote::Subscribed { keys: 2 }));
    client.feed.close();
    let goodbye = Message::Close {
        code: 1000,
        reason: String::new(),
    };
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(Some(goodbye)));
}
