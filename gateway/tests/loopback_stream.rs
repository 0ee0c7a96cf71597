//! The order stream against small WebSocket servers on loopback: redirect, frames, loss, refusal.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::spawn;
use std::time::{Duration, Instant};

use bijli_gateway::socket::{OrderStream, StreamOutput, StreamSettings};
use tungstenite::Message;

fn stream(url: String) -> OrderStream {
    OrderStream::new(&StreamSettings {
        url,
        token: "secret-token-of-the-test".to_owned(),
        extra_root_pem: None,
        jitter_seed: 1,
    })
    .expect("usable settings")
}

/// Reads the head of a request and answers it with this one.
fn answer_head(stream: &mut TcpStream, answer: &str) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a whole head");
        head.push(byte[0]);
    }
    stream.write_all(answer.as_bytes()).expect("the client reads");
    String::from_utf8(head).expect("a head is text")
}

/// The next output that is not `Idle`.
fn next(stream: &mut OrderStream) -> StreamOutput {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(20) {
        match stream.poll(Duration::from_millis(50)) {
            StreamOutput::Idle => {}
            output => return output,
        }
    }
    panic!("the stream stayed silent: {:?}", stream.last_error());
}

fn text(words: &str) -> StreamOutput {
    StreamOutput::Text(words.to_owned())
}

#[test]
fn the_redirect_is_followed_without_the_token_and_asked_anew_after_a_loss() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    let server = spawn(move || {
        let mut heads = Vec::new();
        for round in 0..2 {
            let (mut entry, _) = listener.accept().expect("the entry");
            let answer = format!("HTTP/1.1 302 Found\r\nLocation: ws://{address}/feed?code={round}\r\n\r\n");
            heads.push(answer_head(&mut entry, &answer));
            drop(entry);
            let (feed, _) = listener.accept().expect("the feed");
            let mut peeked = [0; 2_048];
            let mut count = 0;
            while !peeked[..count].windows(4).any(|four| four == b"\r\n\r\n") {
                count = feed.peek(&mut peeked).expect("a head");
            }
            heads.push(String::from_utf8_lossy(&peeked[..count]).into_owned());
            let mut socket = tungstenite::accept(feed).expect("a handshake");
            socket
                .send(Message::text(format!("update {round}")))
                .expect("the client reads");
            socket
                .send(Message::Ping(b"still there?".to_vec().into()))
                .expect("the client reads");
            let pong = socket.read().expect("a sign of life");
            assert_eq!(pong, Message::Pong(b"still there?".to_vec().into()));
            socket.close(None).expect("the client reads");
        }
        heads
    });
    let mut stream = stream(format!("ws://{address}/v2/feed/portfolio-stream-feed"));
    let heard: Vec<StreamOutput> = (0..6).map(|_| next(&mut stream)).collect();
    let expected = [
        StreamOutput::State(true),
        text("update 0"),
        StreamOutput::State(false),
        StreamOutput::State(true),
        text("update 1"),
        StreamOutput::State(false),
    ];
    assert_eq!(heard, expected);
    assert_eq!(stream.connections(), 2);
    let heads = server.join().expect("the server's own assertions hold");
    assert!(heads[0].starts_with("GET /v2/feed/portfolio-stream-feed?update_types=order HTTP/1.1\r\n"));
    for (head, code) in [(&heads[1], "code=0"), (&heads[3], "code=1")] {
        assert!(head.starts_with("GET /feed?code="), "{head}");
        assert!(head.contains(code), "each address is used once");
        assert!(
            !head.to_lowercase().contains("authorization"),
            "the address is its own permission"
        );
    }
    for entry in [&heads[0], &heads[2]] {
        assert!(entry.contains("Authorization: Bearer secret-token-of-the-test\r\n"));
    }
}

#[test]
fn a_refusal_is_kept_as_the_reason_and_the_stream_tries_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    let server = spawn(move || {
        for _ in 0..2 {
            let (mut entry, _) = listener.accept().expect("the entry");
            answer_head(
                &mut entry,
                "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\nbad times",
            );
        }
        let (feed, _) = listener.accept().expect("a third try");
        let _open = tungstenite::accept(feed).expect("a handshake");
    });
    let mut stream = stream(format!("ws://{address}/feed"));
    assert_eq!(next(&mut stream), StreamOutput::State(true));
    let reason = stream.last_error().expect("two refusals");
    assert!(reason.contains("503") && reason.contains("bad times"), "{reason}");
    assert!(!reason.contains("secret-token"));
    server.join().expect("the server ended");
}

#[test]
fn a_refused_token_is_told_once_and_not_shown_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    let server = spawn(move || {
        let (mut entry, _) = listener.accept().expect("the entry");
        let body = r#"{"status":"error","errors":[{"errorCode":"UDAPI100050"}]}"#;
        let head = format!(
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        answer_head(&mut entry, &(head + body));
        listener
    });
    let mut stream = stream(format!("ws://{address}/feed"));
    assert_eq!(next(&mut stream), StreamOutput::TokenRefused);
    let listener = server.join().expect("the server ended");
    listener.set_nonblocking(true).expect("a socket");
    for _ in 0..5 {
        assert_eq!(stream.poll(Duration::from_millis(100)), StreamOutput::Idle);
    }
    assert!(listener.accept().is_err(), "nobody came again");
}

#[test]
fn a_401_that_is_not_in_the_brokers_words_is_told_as_a_doubt_and_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    let server = spawn(move || {
        let (mut entry, _) = listener.accept().expect("the entry");
        answer_head(
            &mut entry,
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno",
        );
        let (feed, _) = listener.accept().expect("the next try");
        let _open = tungstenite::accept(feed).expect("a handshake");
    });
    let mut stream = stream(format!("ws://{address}/feed"));
    assert_eq!(next(&mut stream), StreamOutput::TokenDoubted);
    assert_eq!(next(&mut stream), StreamOutput::State(true));
    server.join().expect("the server ended");
}

#[test]
fn a_second_redirect_is_not_followed() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    let server = spawn(move || {
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: ws://{address}/again\r\n\r\n");
        let mut paths = Vec::new();
        for _ in 0..3 {
            let (mut connection, _) = listener.accept().expect("a client");
            let head = answer_head(&mut connection, &answer);
            paths.push(head.split(' ').nth(1).unwrap_or_default().to_owned());
        }
        paths
    });
    let mut stream = stream(format!("ws://{address}/feed"));
    while !server.is_finished() {
        assert_eq!(stream.poll(Duration::from_millis(20)), StreamOutput::Idle);
    }
    let paths = server.join().expect("the server ended");
    assert_eq!(
        paths,
        ["/feed?update_types=order", "/again", "/feed?update_types=order"]
    );
}

#[test]
fn a_closed_port_leaves_the_caller_unharmed_and_the_reason_told() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let mut stream = stream(format!("ws://{address}/feed"));
    for _ in 0..20 {
        assert_eq!(stream.poll(Duration::ZERO), StreamOutput::Idle);
    }
    assert!(
        stream
            .last_error()
            .is_some_and(|reason| reason.contains("connecting the order stream"))
    );
}

#[test]
fn a_poll_without_waiting_still_gets_what_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    let server = spawn(move || {
        let (feed, _) = listener.accept().expect("the feed");
        let mut socket = tungstenite::accept(feed).expect("a handshake");
        for number in 0..3 {
            socket
                .send(Message::text(format!("update {number}")))
                .expect("the client reads");
        }
        // Stay until the client has gone.
        while socket.read().is_ok() {}
    });
    let mut stream = stream(format!("ws://{address}/feed"));
    let mut heard = Vec::new();
    let begin = Instant::now();
    while heard.len() < 4 && begin.elapsed() < Duration::from_secs(20) {
        match stream.poll(Duration::ZERO) {
            StreamOutput::Idle => std::thread::yield_now(),
            output => heard.push(output),
        }
    }
    let expected = [
        StreamOutput::State(true),
        text("update 0"),
        text("update 1"),
        text("update 2"),
    ];
    assert_eq!(heard, expected);
    drop(stream);
    server.join().expect("the server ended");
}
