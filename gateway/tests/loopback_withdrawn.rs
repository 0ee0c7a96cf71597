//! REST lanes against hosts on loopback that stall: what is withdrawn before its first byte never leaves, what is not
//! withdrawn does, and the refresh of a connection gives way.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use bijli_gateway::socket::{MayLeave, RestLane, RestSettings};
use bijli_gateway::{Auth, Body, Host, Lane, Method, Request, RequestId, Transport};
use bijli_wire::tls;

const UNSENT: Result<u16, Transport> = Err(Transport { wrote_bytes: false });

fn lane(url: &str, pem: Option<String>, timeout: Duration) -> RestLane {
    RestLane::new(&RestSettings {
        api_url: url.to_owned(),
        order_url: url.to_owned(),
        token: "token".to_owned(),
        extra_root_pem: pem,
        algo_name: None,
        timeout,
    })
    .expect("usable settings")
}

const PATIENT: Duration = Duration::from_secs(30);

fn post(lane: Lane, body: String) -> Request {
    Request {
        id: RequestId::new(1),
        lane,
        host: Host::Order,
        method: Method::Post,
        path: "/v3/order/place".to_owned(),
        body: Some(Body::Json(body)),
        auth: Auth::Bearer,
    }
}

/// Reads until head and so many bytes of body came or the client hung up; answers what is whole.
fn serve(stream: &mut (impl Read + Write), body_bytes: usize) -> String {
    let mut text = Vec::new();
    let mut bytes = [0; 65_536];
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        text.extend_from_slice(&bytes[..count]);
        let head = text.windows(4).position(|end| end == b"\r\n\r\n");
        if head.is_some_and(|head| text.len() >= head + 4 + body_bytes) {
            let _heard = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            let _heard = stream.flush();
            break;
        }
    }
    String::from_utf8(text).expect("requests are text")
}

/// A TLS host that waits for the client's hello and calls `stalled` before it goes on with the handshake; gives its
/// address, its root and the first request that it read.
fn stalling_host(stalled: impl FnOnce() + Send + 'static) -> (String, String, JoinHandle<String>) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let config = tls::server_config(&pem, &key).expect("they belong together");
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let url = format!("https://{}", listener.local_addr().expect("bound"));
    let thread = spawn(move || {
        let (stream, _): (TcpStream, _) = listener.accept().expect("a client");
        stream.peek(&mut [0]).expect("the client's hello");
        stalled();
        let mut stream = tls::Transport::tls_server(config, stream).expect("a usable configuration");
        serve(&mut stream, 2)
    });
    (url, pem, thread)
}

/// Leave until it is taken back.
fn leave() -> (Arc<AtomicBool>, MayLeave) {
    let given = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&given);
    (given, Arc::new(move || asked.load(Ordering::SeqCst)))
}

#[test]
fn an_entry_withdrawn_while_its_host_stalled_the_handshake_leaves_not_one_byte() {
    let (given, may_leave) = leave();
    let (url, pem, thread) = stalling_host(move || given.store(false, Ordering::SeqCst));
    let mut lane = lane(&url, Some(pem), PATIENT);
    let timed = lane.perform_while(&post(Lane::Entry, "{}".to_owned()), may_leave);
    assert_eq!((timed.reply.outcome, timed.write_ns), (UNSENT, 0));
    assert_eq!(thread.join().expect("the host ended"), "");
}

#[test]
fn what_is_not_withdrawn_leaves_after_the_same_stall() {
    let (_given, may_leave) = leave();
    let (url, pem, thread) = stalling_host(|| ());
    let mut entries = lane(&url, Some(pem), PATIENT);
    let timed = entries.perform_while(&post(Lane::Entry, "{}".to_owned()), may_leave);
    assert_eq!(timed.reply.outcome, Ok(200));
    assert!(thread.join().expect("the host ended").starts_with("POST "));
    // Others may be withdrawn meanwhile: an exit has no such word.
    let (given, _) = leave();
    let (url, pem, thread) = stalling_host(move || given.store(false, Ordering::SeqCst));
    let mut exits = lane(&url, Some(pem), PATIENT);
    let timed = exits.perform(&post(Lane::Exit, "{}".to_owned()));
    assert_eq!(timed.reply.outcome, Ok(200));
    assert!(thread.join().expect("the host ended").starts_with("POST "));
}

#[test]
fn what_is_withdrawn_already_does_not_even_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (given, may_leave) = leave();
    given.store(false, Ordering::SeqCst);
    let timed = lane(&url, None, PATIENT).perform_while(&post(Lane::Entry, "{}".to_owned()), may_leave);
    assert_eq!(timed.reply.outcome, UNSENT);
    listener.set_nonblocking(true).expect("a listener");
    assert!(listener.accept().is_err(), "nobody came");
}

#[test]
fn what_has_begun_to_leave_is_not_cut_in_two() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    // Longer than any buffer: it leaves in several writes.
    let body = "x".repeat(200_000);
    let length = body.len();
    let thread = spawn(move || serve(&mut listener.accept().expect("a client").0, length));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    // Twice yes: at once and before the first byte.
    let may_leave: MayLeave = Arc::new(move || count.fetch_add(1, Ordering::SeqCst) < 2);
    let timed = lane(&url, None, PATIENT).perform_while(&post(Lane::Entry, body.clone()), may_leave);
    assert_eq!(timed.reply.outcome, Ok(200));
    assert!(thread.join().expect("the host ended").ends_with(&body));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[test]
fn a_refresh_gives_way_while_a_request_to_the_same_stalling_host_still_waits() {
    for scheme in ["http", "https"] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let url = format!("{scheme}://{}", listener.local_addr().expect("bound"));
        let other = url.clone();
        let waiting = spawn(move || lane(&other, None, PATIENT).perform(&post(Lane::Exit, "{}".to_owned())));
        let (first, _) = listener.accept().expect("the request");
        let (closed, hung_up) = channel();
        let second = spawn(move || {
            let (mut stream, _) = listener.accept().expect("the refresh");
            let _hello = stream.read_to_end(&mut Vec::new());
            closed.send(()).expect("the test listens");
        });
        let mut refreshed = lane(&url, None, PATIENT);
        assert_eq!(refreshed.keep_warm(Host::Order, Duration::ZERO), Some(false));
        hung_up.recv().expect("its connection is closed");
        assert!(!waiting.is_finished(), "a request has the patience of its lane");
        drop(first);
        let timed = waiting.join().expect("the lane does not panic");
        let wrote_bytes = scheme == "http";
        assert_eq!(timed.reply.outcome, Err(Transport { wrote_bytes }));
        second.join().expect("the host ended");
    }
}
