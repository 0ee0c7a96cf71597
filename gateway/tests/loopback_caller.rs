//! The blocking caller against a small server on loopback: reads come again as asked, writes never, and nothing
//! leaves with a dead token.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use bijli_core::{DurationNs, TsNs};
use bijli_gateway::request::Body;
use bijli_gateway::rest::policy::CallError;
use bijli_gateway::rest::token_gate::TokenDeath;
use bijli_gateway::socket::{RestCaller, RestSettings};
use bijli_gateway::upstox::call::{Call, CallClass};
use bijli_gateway::{Method, Transport};

const GOOD: &str = "200 OK\r\nContent-Length: 32\r\n\r\n{\"status\":\"success\",\"data\":true}\n";
const DOWN: &str = "503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

/// Answers one connection after the other, each request with the next answer; gives the request lines.
fn serve(answers: Vec<&'static str>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let server = spawn(move || {
        let mut lines = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut bytes = [0; 4_096];
            let count = stream.read(&mut bytes).expect("a request");
            let head = String::from_utf8_lossy(&bytes[..count]).into_owned();
            lines.push(head.lines().next().unwrap_or_default().to_owned());
            let text = format!(
                "HTTP/1.1 {}",
                answer.replacen("\r\n", "\r\nConnection: close\r\n", 1)
            );
            stream.write_all(text.as_bytes()).expect("the client reads");
        }
        lines
    });
    (url, server)
}

fn caller(url: &str, expires: TsNs) -> RestCaller {
    let settings = RestSettings {
        api_url: url.to_owned(),
        order_url: url.to_owned(),
        token: "secret-token-of-the-test".to_owned(),
        extra_root_pem: None,
        algo_name: None,
        timeout: Duration::from_secs(5),
    };
    RestCaller::new(&settings, expires).expect("usable settings")
}

#[test]
fn a_read_comes_again_after_trouble_and_heeds_retry_after() {
    let busy = "429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 2\r\n\r\n{}";
    let (url, server) = serve(vec![DOWN, busy, GOOD]);
    let mut caller = caller(&url, TsNs::NEVER);
    let reply = caller.call(&Call::get("/v2/user/profile")).expect("it was sent");
    assert_eq!(reply.outcome, Ok(200));
    let numbers = caller.numbers()[&CallClass::Standard];
    assert_eq!((numbers.calls, numbers.failures, numbers.retries), (3, 2, 2));
    assert_eq!(server.join().expect("the server ended").len(), 3);
}

#[test]
fn a_write_goes_out_once_whatever_comes_back() {
    let (url, server) = serve(vec![DOWN]);
    let mut caller = caller(&url, TsNs::NEVER);
    let body = Some(Body::Json("{}".to_owned()));
    let place = Call::order(Method::Post, "/v3/order/place", body);
    assert_eq!(caller.call(&place).map(|reply| reply.outcome), Ok(Ok(503)));
    assert_eq!(
        server.join().expect("the server ended"),
        ["POST /v3/order/place HTTP/1.1"]
    );
    let lost = caller.call(&place).expect("it was tried");
    assert!(
        matches!(lost.outcome, Err(Transport { .. })),
        "nobody listens any more"
    );
}

#[test]
fn with_a_dead_token_nobody_is_called() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.set_nonblocking(true).expect("a socket");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let long_ago = TsNs::new(1).plus(DurationNs::from_secs(1));
    let mut caller = caller(&url, long_ago);
    let denied = caller.call(&Call::get("/v2/user/profile"));
    assert_eq!(denied, Err(CallError::TokenDead(TokenDeath::Expired(long_ago))));
    assert!(listener.accept().is_err(), "nobody came");
    assert!(!format!("{caller:?}").contains("secret"));
}
