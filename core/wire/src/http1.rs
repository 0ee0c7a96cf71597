//! HTTP/1.1 heads: parse a request or response head from a growing buffer, write requests and responses.
//!
//! Invariants: a head is at most [`HEAD_BYTES_MAX`] bytes and [`HEADERS_MAX`] lines; names compare without case;
//! nothing is parsed twice once complete. Left out: chunked bodies (a head that asks for them is refused),
//! trailers, continuation lines, pipelining (the caller keeps the bytes after the head).
//! Facts: RFC 9112.

use std::fmt::Write as _;

use crate::error::WireError;

/// Largest head accepted, in bytes.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most header lines accepted.
pub const HEADERS_MAX: usize = 96;

/// Header lines in order of arrival.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The first value of a header, found without regard to case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether a comma-separated header holds a token, without regard to case.
    #[must_use]
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.0
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .flat_map(|(_, value)| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(token))
    }

    /// All lines in order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Length of the body; 0 without a `Content-Length`.
    ///
    /// # Errors
    /// [`WireError::Protocol`] for a length that is no number, two that differ, or a chunked body.
    pub fn body_bytes(&self) -> Result<usize, WireError> {
        const DOING: &str = "reading an HTTP head";
        if self.get("transfer-encoding").is_some() {
            return Err(WireError::protocol(
                DOING,
                "a body with a transfer encoding is not supported",
            ));
        }
        let mut lengths = self
            .0
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case("content-length"))
            .map(|(_, value)| value.as_str());
        let Some(first) = lengths.next() else {
            return Ok(0);
        };
        if lengths.any(|other| other != first) {
            return Err(WireError::protocol(DOING, "two lengths that differ"));
        }
        first
            .parse()
            .map_err(|_| WireError::protocol(DOING, "a Content-Length that is no number"))
    }

    fn from_parsed(parsed: &[httparse::Header<'_>]) -> Self {
        Self(
            parsed
                .iter()
                .map(|header| {
                    (
                        header.name.to_owned(),
                        String::from_utf8_lossy(header.value).into_owned(),
                    )
                })
                .collect(),
        )
    }
}

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Header lines.
    pub headers: Headers,
}

impl RequestHead {
    /// Parses a head from the start of `bytes`. `Ok(None)` asks for more bytes; otherwise the head and its length.
    ///
    /// # Errors
    /// [`WireError::Protocol`] for a broken head, [`WireError::TooLarge`] for an endless one.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, WireError> {
        let mut lines = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut lines);
        let Some(head_bytes) = complete(request.parse(bytes), bytes.len())? else {
            return Ok(None);
        };
        let head = Self {
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            headers: Headers::from_parsed(request.headers),
        };
        Ok(Some((head, head_bytes)))
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The raw query, empty without one; not percent-decoded.
    #[must_use]
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The bearer token of the `Authorization` header.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        let (kind, token) = self.headers.get("authorization")?.split_once(' ')?;
        kind.eq_ignore_ascii_case("bearer").then_some(token.trim())
    }

    /// The `Sec-WebSocket-Key` when this is a proper WebSocket upgrade (RFC 6455 §4.2.1).
    #[must_use]
    pub fn websocket_key(&self) -> Option<&str> {
        let proper = self.method == "GET"
            && self.headers.has_token("upgrade", "websocket")
            && self.headers.has_token("connection", "upgrade")
            && self.headers.get("sec-websocket-version") == Some("13");
        if proper {
            self.headers.get("sec-websocket-key")
        } else {
            None
        }
    }
}

/// The head of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// Status code.
    pub status: u16,
    /// Header lines.
    pub headers: Headers,
}

impl ResponseHead {
    /// Parses a head from the start of `bytes`. `Ok(None)` asks for more bytes; otherwise the head and its length.
    ///
    /// # Errors
    /// [`WireError::Protocol`] for a broken head, [`WireError::TooLarge`] for an endless one.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, WireError> {
        let mut lines = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut lines);
        let Some(head_bytes) = complete(response.parse(bytes), bytes.len())? else {
            return Ok(None);
        };
        let head = Self {
            status: response.code.unwrap_or_default(),
            headers: Headers::from_parsed(response.headers),
        };
        Ok(Some((head, head_bytes)))
    }
}

fn complete(
    parsed: Result<httparse::Status<usize>, httparse::Error>,
    bytes: usize,
) -> Result<Option<usize>, WireError> {
    match parsed {
        Ok(httparse::Status::Complete(head_bytes)) if head_bytes <= HEAD_BYTES_MAX => Ok(Some(head_bytes)),
        Ok(httparse::Status::Partial) if bytes < HEAD_BYTES_MAX => Ok(None),
        Ok(_) => Err(WireError::TooLarge {
            what: "HTTP head",
            bytes,
            bytes_max: HEAD_BYTES_MAX,
        }),
        Err(error) => Err(WireError::protocol("reading an HTTP head", error.to_string())),
    }
}

/// The usual words for a status code; empty for a rare one.
#[must_use]
pub const fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        207 => "Multi-Status",
        302 => "Found",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        423 => "Locked",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

/// Appends a response with a `Content-Length` to `into`. `headers` are written as they stand.
pub fn write_response(into: &mut Vec<u8>, status: u16, headers: &[(&str, &str)], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    write_headers(&mut head, headers);
    write!(head, "Content-Length: {}\r\n\r\n", body.len()).expect("text grows without failing");
    into.extend_from_slice(head.as_bytes());
    into.extend_from_slice(body);
}

/// Appends the `101` answer to a WebSocket upgrade with this key (RFC 6455 §4.2.2).
pub fn write_upgrade(into: &mut Vec<u8>, websocket_key: &str) {
    let accept = tungstenite::handshake::derive_accept_key(websocket_key.as_bytes());
    let head = format!(
        "HTTP/1.1 101 {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n",
        reason(101)
    );
    into.extend_from_slice(head.as_bytes());
}

pub(crate) fn write_headers(into: &mut String, headers: &[(&str, &str)]) {
    for (name, value) in headers {
        into.push_str(name);
        into.push_str(": ");
        into.push_str(value);
        into.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPGRADE: &[u8] = b"GET /feed?code=1 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\
        Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a2V5\r\n\
        Authorization: Bearer token\r\n\r\nrest";

    #[test]
    fn a_head_is_read_only_when_it_is_whole() {
        let whole = UPGRADE.len() - 4;
        for cut in 0..whole {
            assert_eq!(
                RequestHead::parse(&UPGRADE[..cut]).ok(),
                Some(None),
                "cut at {cut}"
            );
        }
        let (head, bytes) = RequestHead::parse(UPGRADE)
            .expect("a good head")
            .expect("a whole head");
        assert_eq!(bytes, whole);
        assert_eq!((head.path(), head.query()), ("/feed", "code=1"));
        assert_eq!(
            (head.bearer(), head.websocket_key()),
            (Some("token"), Some("a2V5"))
        );
    }

    #[test]
    fn a_broken_or_endless_head_is_refused() {
        assert!(matches!(
            RequestHead::parse(b"\x16\x03\x01"),
            Err(WireError::Protocol { .. })
        ));
        let endless = [b"GET / HTTP/1.1\r\nA: ".as_slice(), &[b'x'; HEAD_BYTES_MAX]].concat();
        assert!(matches!(
            RequestHead::parse(&endless),
            Err(WireError::TooLarge { .. })
        ));
    }

    #[test]
    fn a_response_survives_the_way_there_and_back() {
        let mut bytes = Vec::new();
        write_response(&mut bytes, 302, &[("Location", "ws://x/y")], b"moved");
        let (head, head_bytes) = ResponseHead::parse(&bytes)
            .expect("a good head")
            .expect("a whole head");
        assert_eq!(
            (head.status, head.headers.get("location")),
            (302, Some("ws://x/y"))
        );
        assert_eq!(head.headers.body_bytes().ok(), Some(5));
        assert_eq!(&bytes[head_bytes..], b"moved");
    }

    #[test]
    fn a_body_of_doubtful_length_is_refused() {
        for lines in [
            "Content-Length: x\r\n",
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            "Transfer-Encoding: chunked\r\n",
        ] {
            let text = format!("HTTP/1.1 200 OK\r\n{lines}\r\n");
            let (head, _) = ResponseHead::parse(text.as_bytes())
                .expect("a good head")
                .expect("a whole head");
            assert!(head.headers.body_bytes().is_err(), "{lines}");
        }
    }
}
