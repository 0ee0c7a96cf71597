//! REST lanes against small servers on loopback: one write per request, no second try, and exact knowledge of
//! whether a byte may have left.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use bijli_gateway::socket::{RestLane, RestSettings, TimedReply};
use bijli_gateway::{Auth, Body, GatewayError, Host, Lane, Method, Request, RequestId, Transport};
use bijli_wire::tls;

const TOKEN: &str = "secret-token-of-the-test";

fn lane(url: &str, pem: Option<String>) -> RestLane {
    RestLane::new(&RestSettings {
        api_url: url.to_owned(),
        order_url: url.to_owned(),
        token: TOKEN.to_owned(),
        extra_root_pem: pem,
        algo_name: None,
        timeout: Duration::from_secs(2),
    })
    .expect("usable settings")
}

fn post(tag: &str) -> Request {
    Request {
        id: RequestId::new(1),
        lane: Lane::Entry,
        host: Host::Order,
        method: Method::Post,
        path: "/v3/order/place".to_owned(),
        body: Some(Body::Json(format!("{{\"tag\":\"{tag}\"}}"))),
        auth: Auth::Bearer,
    }
}

/// What a server does with one connection; every request it reads goes to the sender.
type Script = fn(&mut dyn ReadWrite, &Sender<String>);

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

/// A server that gives each connection its own script, in turn.
struct Server {
    url: String,
    requests: Receiver<String>,
    thread: JoinHandle<()>,
}

impl Server {
    fn start(scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let (sender, requests) = channel();
        let thread = spawn(move || {
            for script in scripts {
                let (mut stream, _) = listener.accept().expect("a client");
                script(&mut stream, &sender);
            }
        });
        Self {
            url,
            requests,
            thread,
        }
    }

    /// All requests that arrived until the server ended.
    fn end(self) -> Vec<String> {
        self.thread.join().expect("the server's own assertions hold");
        self.requests.iter().collect()
    }
}

/// Reads one request with its body; `None` at the end of the stream.
fn read_request(stream: &mut dyn ReadWrite) -> Option<String> {
    let mut text = String::new();
    let mut bytes = [0; 65_536];
    loop {
        let count = stream.read(&mut bytes).ok().filter(|count| *count > 0)?;
        text.push_str(std::str::from_utf8(&bytes[..count]).expect("requests are text"));
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0_usize) {
                return Some(text);
            }
        }
    }
}

fn answer(stream: &mut dyn ReadWrite, status: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .expect("the client reads");
}

fn one_ok(stream: &mut dyn ReadWrite, seen: &Sender<String>) {
    if let Some(request) = read_request(stream) {
        seen.send(request).expect("the test listens");
        answer(stream, "200 OK", "{}");
    }
}

fn outcome(timed: &TimedReply) -> Result<u16, Transport> {
    assert!(timed.total_ns >= timed.write_ns);
    timed.reply.outcome
}

const LOST: Result<u16, Transport> = Err(Transport { wrote_bytes: true });
const UNSENT: Result<u16, Transport> = Err(Transport { wrote_bytes: false });

#[test]
fn a_request_carries_token_and_body_and_the_connection_stays_warm() {
    let server = Server::start(vec![|stream, seen| {
        for _ in 0..3 {
            one_ok(stream, seen);
        }
    }]);
    let mut lane = lane(&server.url, None);
    for tag in ["A", "B"] {
        let timed = lane.perform(&post(tag));
        assert_eq!(
            (outcome(&timed), timed.reply.body.as_slice()),
            (Ok(200), b"{}".as_slice())
        );
        assert!(timed.write_ns > 0);
    }
    let cancel = Request {
        method: Method::Delete,
        path: "/v3/order/cancel?order_id=7".to_owned(),
        body: None,
        ..post("")
    };
    assert_eq!(outcome(&lane.perform(&cancel)), Ok(200));
    let requests = server.end();
    assert_eq!(requests.len(), 3, "all on one connection");
    assert!(requests[0].starts_with("POST /v3/order/place HTTP/1.1\r\n"));
    let head = requests[0].to_lowercase();
    assert!(head.contains("authorization: bearer secret-token-of-the-test\r\n"));
    assert!(head.contains("content-type: application/json\r\n"));
    assert!(requests[1].ends_with("\r\n\r\n{\"tag\":\"B\"}"));
    assert!(requests[2].starts_with("DELETE /v3/order/cancel?order_id=7 HTTP/1.1\r\n"));
}

#[test]
fn a_write_without_a_body_says_that_it_has_none() {
    let server = Server::start(vec![one_ok]);
    let exit_all = Request {
        path: "/v2/order/positions/exit".to_owned(),
        body: None,
        ..post("")
    };
    assert_eq!(outcome(&lane(&server.url, None).perform(&exit_all)), Ok(200));
    let head = server.end()[0].to_lowercase();
    assert!(head.contains("content-length: 0\r\n"), "{head}");
    assert!(!head.contains("transfer-encoding"), "{head}");
}

#[test]
fn head_and_body_leave_in_one_write() {
    let server = Server::start(vec![|stream, seen| {
        let mut bytes = [0; 65_536];
        let count = stream.read(&mut bytes).expect("a request");
        seen.send(String::from_utf8_lossy(&bytes[..count]).into_owned())
            .expect("the test listens");
        answer(stream, "200 OK", "");
    }]);
    assert_eq!(outcome(&lane(&server.url, None).perform(&post("A"))), Ok(200));
    assert!(
        server.end()[0].ends_with("{\"tag\":\"A\"}"),
        "the first read holds all of it"
    );
}

#[test]
fn a_body_that_was_taken_and_never_answered_is_not_sent_again() {
    let server = Server::start(vec![
        |stream, seen| {
            one_ok(stream, seen);
            // The warm connection takes the second request and dies.
            let second = read_request(stream).expect("the second request");
            seen.send(second).expect("the test listens");
        },
        one_ok,
    ]);
    let mut lane = lane(&server.url, None);
    assert_eq!(outcome(&lane.perform(&post("A"))), Ok(200));
    assert_eq!(outcome(&lane.perform(&post("B"))), LOST);
    assert_eq!(outcome(&lane.perform(&post("C"))), Ok(200));
    let tags: Vec<String> = server
        .end()
        .iter()
        .map(|text| text[text.len() - 3..].to_owned())
        .collect();
    assert_eq!(tags, ["A\"}", "B\"}", "C\"}"], "each exactly once");
}

#[test]
fn a_connection_that_the_server_closed_while_idle_is_replaced_before_anything_is_written() {
    let (closed, wait) = channel::<()>();
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let thread = spawn(move || {
        let (sender, seen) = channel();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().expect("a client");
            one_ok(&mut stream, &sender);
            drop(stream);
            closed.send(()).expect("the test listens");
        }
        drop(sender);
        seen.iter().count()
    });
    let mut lane = lane(&url, None);
    for tag in ["A", "B"] {
        assert_eq!(outcome(&lane.perform(&post(tag))), Ok(200));
        wait.recv().expect("the server closed");
    }
    assert_eq!(thread.join().expect("the server ended"), 2);
}

#[test]
fn without_a_connection_nothing_was_sent_and_that_is_certain() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    for url in [format!("http://{address}"), format!("https://{address}")] {
        let timed = lane(&url, None).perform(&post("A"));
        assert_eq!((outcome(&timed), timed.write_ns), (UNSENT, 0), "{url}");
    }
}

#[test]
fn a_failed_tls_handshake_means_not_sent() {
    let server = Server::start(vec![|stream, _| {
        let mut hello = [0; 1_024];
        let _count = stream.read(&mut hello);
        answer(stream, "400 Bad Request", "this is no TLS");
    }]);
    let url = server.url.replace("http://", "https://");
    assert_eq!(outcome(&lane(&url, None).perform(&post("A"))), UNSENT);
    server.end();
}

#[test]
fn silence_ends_in_a_timeout_and_the_connection_is_never_used_again() {
    let server = Server::start(vec![
        |stream, seen| {
            seen.send(read_request(stream).expect("a request"))
                .expect("the test listens");
            assert_eq!(
                read_request(stream),
                None,
                "the client hangs up and asks nothing more here"
            );
        },
        one_ok,
    ]);
    let mut lane = lane(&server.url, None);
    assert_eq!(outcome(&lane.perform(&post("A"))), LOST);
    assert_eq!(outcome(&lane.perform(&post("B"))), Ok(200));
    assert_eq!(server.end().len(), 2);
}

#[test]
fn redirects_are_reported_and_not_followed() {
    for status in ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let location = url.clone();
        let thread = spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let first = read_request(&mut stream);
            let head =
                format!("HTTP/1.1 {status}\r\nLocation: {location}/elsewhere\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(head.as_bytes()).expect("the client reads");
            let more = read_request(&mut stream);
            (first.is_some(), more.is_some())
        });
        let timed = lane(&url, None).perform(&post("A"));
        let expected: u16 = status[..3].parse().expect("digits");
        assert_eq!(outcome(&timed), Ok(expected));
        assert_eq!(
            thread.join().expect("the server ended"),
            (true, false),
            "{status}"
        );
    }
}

#[test]
fn a_reply_that_is_cut_short_or_endless_is_no_reply() {
    let scripts: [Script; 3] = [
        |stream, _| {
            let _request = read_request(stream);
            let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"status\":");
        },
        |stream, _| {
            let _request = read_request(stream);
            let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n");
            let _sent = stream.write_all(&vec![b' '; 9 * 1024 * 1024]);
        },
        |stream, _| {
            let _request = read_request(stream);
            let _sent = stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n");
        },
    ];
    for script in scripts {
        let server = Server::start(vec![script]);
        assert_eq!(outcome(&lane(&server.url, None).perform(&post("A"))), LOST);
        server.end();
    }
}

/// A TLS server for 127.0.0.1 that answers one request; gives its URL and root.
fn tls_server() -> (String, String, JoinHandle<Option<String>>) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let config = tls::server_config(&pem, &key).expect("they belong together");
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let url = format!("https://{}", listener.local_addr().expect("bound"));
    let thread = spawn(move || {
        let (stream, _): (TcpStream, _) = listener.accept().expect("a client");
        let mut stream = tls::Transport::tls_server(config, stream).expect("a usable configuration");
        let request = read_request(&mut stream)?;
        answer(&mut stream, "200 OK", "{}");
        let _flushed = stream.flush();
        Some(request)
    });
    (url, pem, thread)
}

#[test]
fn our_own_root_is_trusted_and_a_strange_one_is_not() {
    let (url, pem, thread) = tls_server();
    let timed = lane(&url, Some(pem)).perform(&post("A"));
    assert_eq!(
        (outcome(&timed), timed.reply.body.as_slice()),
        (Ok(200), b"{}".as_slice())
    );
    let request = thread.join().expect("the server ended").expect("a request");
    assert!(request.ends_with("{\"tag\":\"A\"}"));
    let (url, _, thread) = tls_server();
    assert_eq!(outcome(&lane(&url, None).perform(&post("A"))), UNSENT);
    assert_eq!(thread.join().expect("the server ended"), None);
}

#[test]
fn a_lane_is_kept_warm_only_when_it_was_idle() {
    let server = Server::start(vec![|stream, seen| {
        one_ok(stream, seen);
        one_ok(stream, seen);
    }]);
    let mut lane = lane(&server.url, None);
    assert_eq!(lane.keep_warm(Host::Order, Duration::from_secs(10)), Some(true));
    assert_eq!(lane.keep_warm(Host::Order, Duration::from_secs(10)), None);
    assert_eq!(outcome(&lane.perform(&post("A"))), Ok(200));
    let requests = server.end();
    assert!(requests[0].starts_with("GET / HTTP/1.1\r\n"));
    assert!(
        requests[1].starts_with("POST "),
        "on the connection that was warmed"
    );
}

#[test]
fn a_token_that_cannot_be_sent_is_refused_and_never_printed() {
    for token in ["", "two words", "line\nbreak", "\u{915}"] {
        let settings = RestSettings {
            api_url: "http://127.0.0.1:1".to_owned(),
            order_url: "http://127.0.0.1:1".to_owned(),
            token: token.to_owned(),
            extra_root_pem: None,
            algo_name: None,
            timeout: Duration::from_secs(1),
        };
        let error = RestLane::new(&settings).expect_err("unusable");
        assert!(matches!(error, GatewayError::BadToken));
        assert!(error.to_string().contains("log in again"));
    }
    let shown = format!("{:?}", lane("http://127.0.0.1:1", None));
    assert!(!shown.contains(TOKEN), "{shown}");
}

#[test]
fn a_login_form_goes_without_token_and_the_algorithm_name_only_with_order_calls() {
    let server = Server::start(vec![|stream, seen| {
        for _ in 0..3 {
            one_ok(stream, seen);
        }
    }]);
    let settings = RestSettings {
        api_url: server.url.clone(),
        order_url: server.url.clone(),
        token: TOKEN.to_owned(),
        extra_root_pem: None,
        algo_name: Some("tortoise".to_owned()),
        timeout: Duration::from_secs(2),
    };
    let mut lane = RestLane::new(&settings).expect("usable settings");
    let exchange = Request {
        path: "/v2/login/authorization/token".to_owned(),
        body: Some(Body::Form("code=a%20b".to_owned())),
        auth: Auth::None,
        ..post("")
    };
    let withdrawal = Request {
        method: Method::Delete,
        path: "/v3/order/gtt/cancel".to_owned(),
        ..post("A")
    };
    let read = Request {
        method: Method::Get,
        path: "/v3/order/gtt".to_owned(),
        body: None,
        ..post("")
    };
    for request in [&exchange, &withdrawal, &read] {
        assert_eq!(outcome(&lane.perform(request)), Ok(200));
    }
    let mut login = RestLane::without_token(&settings).expect("usable settings");
    assert_eq!(outcome(&login.perform(&read)), UNSENT, "no token, no request");
    let requests = server.end();
    let has = |request: &str, header: &str| request.to_lowercase().contains(header);
    assert!(has(
        &requests[0],
        "content-type: application/x-www-form-urlencoded\r\n"
    ));
    assert!(requests[0].ends_with("\r\n\r\ncode=a%20b"));
    let signs: Vec<[bool; 3]> = requests
        .iter()
        .map(|request| {
            [
                has(request, "authorization: bearer "),
                has(request, "x-algo-name: tortoise\r\n"),
                has(request, "user-agent: bijli\r\n"),
            ]
        })
        .collect();
    assert_eq!(
        signs,
        [[false, false, true], [true, true, true], [true, false, true]]
    );
    assert!(
        requests[1].ends_with("{\"tag\":\"A\"}"),
        "a DELETE carries its body"
    );
}
