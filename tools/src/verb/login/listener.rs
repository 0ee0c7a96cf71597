//! A listener on loopback that hears one answer: the browser's redirect, or the notifier's post.
//!
//! Invariants: only loopback is bound; a request is bounded in bytes and time; what is heard is printed nowhere, and
//! the page that the browser gets holds nothing of it. Left out: which request is the answer, the caller's decision.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::broker_access::Trouble;
use crate::duty_cycle::{MonoNs, rest};

/// Longest request that is read.
const REQUEST_BYTES_MAX: usize = 16 * 1024;
/// Longest time for one request, and for the page that answers it.
const REQUEST_MAX: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(20);

/// A request that came.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) body: Vec<u8>,
}

impl Asked {
    /// Whether it asks for this path, whatever the query.
    pub(super) fn is_at(&self, path: &str) -> bool {
        self.target.split('?').next() == Some(path)
    }
}

/// What became of a request.
pub(super) enum Heard<T> {
    /// It was the answer.
    Take(T),
    /// It was not: this status and these words go back, and waiting goes on.
    Refuse(&'static str, &'static str),
}

impl<T> Heard<T> {
    pub(super) const fn refuse(status: &'static str, words: &'static str) -> Self {
        Self::Refuse(status, words)
    }
}

/// Listens on loopback.
pub(super) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    path: String,
}

impl Listener {
    /// Listens where a redirect address leads; gives that address, with the port that the system chose for port 0.
    pub(super) fn of_redirect(uri: &str) -> Result<(Self, String), Trouble> {
        let wrong = || {
            Trouble::usage(format!(
                "no browser can come back to {uri} on this machine: give broker.redirect_uri as \
                 http://127.0.0.1:PORT/PATH, or use --headless"
            ))
        };
        let rest = uri.strip_prefix("http://").ok_or_else(wrong)?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (authority, 80),
        };
        let address = match host {
            "127.0.0.1" | "localhost" => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            "[::1]" => SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
            _ => return Err(wrong()),
        };
        let mut listener = Self::at(address)?;
        listener.path = path.split('?').next().unwrap_or("/").to_owned();
        let uri = if port == 0 {
            format!("http://{host}:{}{path}", listener.address.port())
        } else {
            uri.to_owned()
        };
        Ok((listener, uri))
    }

    /// Listens at a loopback address.
    pub(super) fn at(address: SocketAddr) -> Result<Self, Trouble> {
        if !address.ip().is_loopback() {
            return Err(Trouble::usage(format!(
                "{address} is not on loopback: listen there, behind whatever the broker reaches"
            )));
        }
        let failed = |error: std::io::Error| Trouble::error(format!("listening at {address}: {error}"));
        let socket = TcpListener::bind(address).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self {
            socket,
            address,
            path: "/".to_owned(),
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Waits for the answer.
    pub(super) fn wait<T>(
        &self,
        wait_s: u64,
        mut judge: impl FnMut(&Asked) -> Heard<T>,
    ) -> Result<T, Trouble> {
        let begun = MonoNs::now();
        while MonoNs::now().since(begun) < wait_s.saturating_mul(1_000_000_000) {
            let mut stream = match self.socket.accept() {
                Ok((stream, _)) => stream,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                    rest(PAUSE);
                    continue;
                }
                Err(error) => return Err(Trouble::error(format!("listening: {error}"))),
            };
            let Some(asked) = read_request(&mut stream) else {
                answer(&mut stream, "400 Bad Request", "this is no request");
                continue;
            };
            match judge(&asked) {
                Heard::Take(taken) => {
                    answer(
                        &mut stream,
                        "200 OK",
                        "Done. Return to the terminal; this page may be closed.",
                    );
                    return Ok(taken);
                }
                Heard::Refuse(status, words) => answer(&mut stream, status, words),
            }
        }
        Err(Trouble::broker(format!(
            "no answer came within {wait_s} s: nothing was changed"
        )))
    }
}

/// One request, head and body; `None` for what is too long, too slow or not HTTP.
fn read_request(stream: &mut TcpStream) -> Option<Asked> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(REQUEST_MAX)).ok()?;
    stream.set_write_timeout(Some(REQUEST_MAX)).ok()?;
    let begun = MonoNs::now();
    let mut bytes = Vec::new();
    let mut chunk = [0; 2_048];
    loop {
        if let Some(asked) = parsed(&bytes)? {
            return Some(asked);
        }
        let is_late = u128::from(MonoNs::now().since(begun)) > REQUEST_MAX.as_nanos();
        if is_late || bytes.len() > REQUEST_BYTES_MAX {
            return None;
        }
        let count = stream.read(&mut chunk).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
    }
}

/// A whole request, or `Some(None)` while more is to come.
#[expect(clippy::option_option, reason = "wrong, not yet, and whole are three things")]
fn parsed(bytes: &[u8]) -> Option<Option<Asked>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Some(None);
    };
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut words = head.lines().next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let length = head.lines().skip(1).find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    let length: usize = length.map_or(Some(0), |length| length.parse().ok())?;
    let body = &bytes[end + 4..];
    if length > REQUEST_BYTES_MAX {
        return None;
    }
    Some((body.len() >= length).then(|| Asked {
        method: method.to_owned(),
        target: target.to_owned(),
        body: body[..length].to_vec(),
    }))
}

fn answer(stream: &mut TcpStream, status: &str, words: &str) {
    let page = format!("<!doctype html><title>bijli</title><p>{words}</p>\n");
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    // Whoever left before the page came has lost nothing.
    let _sent = stream.write_all(text.as_bytes());
}
