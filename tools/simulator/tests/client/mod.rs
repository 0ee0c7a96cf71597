//! A blocking client for the tests: REST over TLS or plain by hand, WebSockets by tungstenite.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use bijli_feed::upstox::proto::FeedResponse;
use bijli_simulator::RunningSimulator;
use bijli_wire::http1::ResponseHead;
use bijli_wire::{Endpoint, tls};
use prost::Message as _;
use rustls::{ClientConnection, StreamOwned};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{HandshakeError, Message, WebSocket};

/// A connection, with TLS when the simulator has a certificate.
#[derive(Debug)]
pub(crate) enum Wire {
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    Plain(TcpStream),
}

pub(crate) type Socket = WebSocket<Wire>;

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Tls(stream) => stream.read(into),
            Self::Plain(stream) => stream.read(into),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Tls(stream) => stream.write(bytes),
            Self::Plain(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Tls(stream) => stream.flush(),
            Self::Plain(stream) => stream.flush(),
        }
    }
}

/// Connects to the host of a URL.
pub(crate) fn connect(sim: &RunningSimulator, url: &str) -> Wire {
    let endpoint = Endpoint::parse(url).expect("a URL of the simulator");
    let socket = TcpStream::connect((endpoint.host(), endpoint.port())).expect("it listens");
    socket.set_nodelay(true).expect("a socket option");
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a socket option");
    if sim.ca_pem.is_none() {
        return Wire::Plain(socket);
    }
    let config = tls::client_config(sim.ca_pem.as_deref()).expect("a root certificate");
    let name = endpoint.host().to_owned().try_into().expect("an address");
    Wire::Tls(Box::new(StreamOwned::new(
        ClientConnection::new(Arc::clone(&config), name).expect("a client"),
        socket,
    )))
}

/// A keep-alive connection to one REST host.
pub(crate) struct Rest {
    stream: Wire,
    token: String,
}

impl Rest {
    pub(crate) fn new(sim: &RunningSimulator, url: &str) -> Self {
        Self {
            stream: connect(sim, url),
            token: sim.token.clone(),
        }
    }

    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.token = token.to_owned();
        self
    }

    pub(crate) fn raw(&mut self, method: &str, target: &str, body: &str) -> (u16, Vec<u8>) {
        self.attempt(method, target, body)
            .expect("a reply before the end of the connection")
    }

    /// A call that may lose its reply: `None` when the connection ends instead.
    pub(crate) fn attempt(&mut self, method: &str, target: &str, body: &str) -> Option<(u16, Vec<u8>)> {
        let reply = self.exchange(method, target, "User-Agent: test\r\n", body)?;
        Some((reply.0.status, reply.1))
    }

    /// A call with header lines of its own, and the whole reply; `None` when the connection ends instead.
    pub(crate) fn exchange(
        &mut self,
        method: &str,
        target: &str,
        lines: &str,
        body: &str,
    ) -> Option<(ResponseHead, Vec<u8>)> {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{lines}Content-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).ok()?;
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            if let Some((head, used)) = ResponseHead::parse(&bytes).expect("HTTP") {
                let told = head.headers.body_bytes().expect("a length");
                let wanted = used + if method == "HEAD" { 0 } else { told };
                if bytes.len() >= wanted {
                    return Some((head, bytes[used..wanted].to_vec()));
                }
            }
            let count = self.stream.read(&mut chunk).unwrap_or(0);
            if count == 0 {
                return None;
            }
            bytes.extend_from_slice(&chunk[..count]);
        }
    }

    pub(crate) fn call(&mut self, method: &str, target: &str, body: &str) -> (u16, Value) {
        let (status, bytes) = self.raw(method, target, body);
        (status, serde_json::from_slice(&bytes).expect("JSON"))
    }

    pub(crate) fn get(&mut self, target: &str) -> Value {
        let (status, body) = self.call("GET", target, "");
        assert_eq!(status, 200, "{body}");
        body["data"].clone()
    }
}

/// Opens a WebSocket, or says with which status it was refused and where it was sent.
pub(crate) fn open(
    sim: &RunningSimulator,
    url: &str,
    token: Option<&str>,
) -> Result<Socket, (u16, Option<String>)> {
    let mut request = url.into_client_request().expect("a URL");
    if let Some(token) = token {
        let bearer = format!("Bearer {token}").parse().expect("a header");
        request.headers_mut().insert("Authorization", bearer);
    }
    match tungstenite::client::client(request, connect(sim, url)) {
        Ok((socket, _)) => Ok(socket),
        Err(HandshakeError::Failure(tungstenite::Error::Http(reply))) => {
            let location = reply
                .headers()
                .get("location")
                .map(|value| value.to_str().expect("text").to_owned());
            Err((reply.status().as_u16(), location))
        }
        Err(other) => panic!("another failure: {other}"),
    }
}

/// Follows the redirect of an entry.
pub(crate) fn enter(sim: &RunningSimulator, url: &str) -> Socket {
    let (status, location) = open(sim, url, Some(&sim.token)).expect_err("an entry redirects");
    assert_eq!(status, 302);
    open(sim, &location.expect("a location"), None).expect("a fresh code opens")
}

pub(crate) fn subscribe(socket: &mut Socket, keys: &[String], mode: &str) {
    let request = json!({ "guid": "g", "method": "sub", "data": { "mode": mode, "instrumentKeys": keys } });
    socket
        .send(Message::binary(request.to_string().into_bytes()))
        .expect("it is sent");
}

/// The next feed message; pings on the way are answered by the library.
pub(crate) fn next_frame(socket: &mut Socket) -> Option<FeedResponse> {
    loop {
        match socket.read() {
            Ok(Message::Binary(bytes)) => {
                return Some(FeedResponse::decode(bytes.as_ref()).expect("protobuf"));
            }
            Ok(Message::Close(_)) | Err(tungstenite::Error::ConnectionClosed) => return None,
            Ok(_) => {}
            Err(error) => panic!("the feed broke: {error}"),
        }
    }
}

/// Keys of the master by instrument type.
pub(crate) fn keys(sim: &RunningSimulator, kind: &str) -> Vec<String> {
    let mut rest = Rest::new(sim, &sim.api_url);
    let (status, packed) = rest.raw("GET", "/market-quote/instruments/exchange/NSE.json.gz", "");
    assert_eq!(status, 200);
    let rows: Value =
        serde_json::from_reader(flate2::read::GzDecoder::new(packed.as_slice())).expect("gzipped JSON");
    let rows = rows.as_array().expect("an array").iter();
    let of_kind = rows.filter(|row| row["instrument_type"] == kind);
    of_kind
        .map(|row| row["instrument_key"].as_str().expect("a key").to_owned())
        .collect()
}
