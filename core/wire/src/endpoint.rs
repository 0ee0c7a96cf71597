//! Where to connect: scheme, host, port and request target, parsed once from a URL.
//!
//! A value of this type holds no control character, space or user info, so it can be written into a request head
//! as it is; a hostile `Location` cannot smuggle a header in. Left out: fragments (dropped), internationalised
//! names (must arrive in their ASCII form), percent-decoding (the target is passed on untouched).
//! Facts: RFC 3986 §3, RFC 6455 §3.

use std::fmt;

use crate::error::WireError;

const URL_BYTES_MAX: usize = 4096;

/// How to speak to the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// WebSocket without TLS; loopback only in earnest use.
    Ws,
    /// WebSocket over TLS.
    Wss,
    /// HTTP without TLS.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// Whether the connection is wrapped in TLS.
    #[must_use]
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Wss | Self::Https)
    }

    /// The port used when the URL names none.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        if self.is_tls() { 443 } else { 80 }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// A parsed URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    scheme: Scheme,
    host: String,
    port: u16,
    target: String,
}

impl Endpoint {
    /// Parses `ws://`, `wss://`, `http://` or `https://` URLs.
    ///
    /// # Errors
    /// [`WireError::BadUrl`] for another scheme, a missing host, a bad port, user info, or characters that may
    /// not stand in a request head.
    pub fn parse(url: &str) -> Result<Self, WireError> {
        let bad = |reason| WireError::BadUrl {
            url: url
                .split('?')
                .next()
                .unwrap_or_default()
                .chars()
                .take(200)
                .collect(),
            reason,
        };
        if url.len() > URL_BYTES_MAX {
            return Err(bad("longer than 4096 bytes"));
        }
        if !url.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
            return Err(bad("holds a space, a control character or a byte outside ASCII"));
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(|| bad("has no scheme"))?;
        let scheme = match scheme {
            "ws" => Scheme::Ws,
            "wss" => Scheme::Wss,
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(bad("scheme is not one of ws, wss, http, https")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let target_offset = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(target_offset);
        let (host, port) = split_port(authority, scheme).ok_or_else(|| bad("port is not 1 to 65535"))?;
        if host.is_empty() || host.contains('@') {
            return Err(bad("has no plain host name"));
        }
        let target = match target.as_bytes().first() {
            None => "/".to_owned(),
            Some(b'/') => target.to_owned(),
            Some(_) => format!("/{target}"),
        };
        Ok(Self {
            scheme,
            host: host.to_owned(),
            port,
            target,
        })
    }

    /// The endpoint that a `Location` header names, seen from this one: absolute, or a path on the same host.
    /// `http` and `https` are read as `ws` and `wss` when this endpoint is a WebSocket one.
    ///
    /// # Errors
    /// As [`Endpoint::parse`]; also when TLS would be given up on the way.
    pub fn redirected(&self, location: &str) -> Result<Self, WireError> {
        let mut next = if location.starts_with('/') && !location.starts_with("//") {
            Self::parse(&format!(
                "{}://{}{location}",
                self.scheme.word(),
                self.host_header()
            ))?
        } else {
            Self::parse(location)?
        };
        if matches!(self.scheme, Scheme::Ws | Scheme::Wss) {
            next.scheme = match next.scheme {
                Scheme::Http => Scheme::Ws,
                Scheme::Https => Scheme::Wss,
                kept @ (Scheme::Ws | Scheme::Wss) => kept,
            };
        }
        if self.scheme.is_tls() && !next.scheme.is_tls() {
            return Err(WireError::BadUrl {
                url: next.to_string(),
                reason: "the redirect would leave TLS",
            });
        }
        Ok(next)
    }

    /// How to speak to it.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Host name or address; an IPv6 address stands without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Port, given or by default.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Path and query, as they stand in the request line.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The value of the `Host` header.
    #[must_use]
    pub fn host_header(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

fn split_port(authority: &str, scheme: Scheme) -> Option<(&str, u16)> {
    let bracket_end = authority.rfind(']').map_or(0, |offset| offset + 1);
    match authority[bracket_end..].rfind(':') {
        None => Some((authority, scheme.default_port())),
        Some(offset) => {
            let (host, port) = authority.split_at(bracket_end + offset);
            let port = port[1..].parse::<u16>().ok().filter(|port| *port > 0)?;
            Some((host, port))
        }
    }
}

/// Prints without the query, which may hold a single-use code.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.target.split('?').next().unwrap_or_default();
        write!(f, "{}://{}{path}", self.scheme.word(), self.host_header())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_falls_into_scheme_host_port_and_target() {
        for (url, host, port, target, tls) in [
            ("wss://api.example/a/b?c=d", "api.example", 443, "/a/b?c=d", true),
            ("ws://127.0.0.1:9000", "127.0.0.1", 9000, "/", false),
            ("https://h?x=1#frag", "h", 443, "/?x=1", true),
            ("ws://[::1]:80/x", "::1", 80, "/x", false),
        ] {
            let endpoint = Endpoint::parse(url).expect("a good URL");
            assert_eq!((endpoint.host(), endpoint.port()), (host, port));
            assert_eq!((endpoint.target(), endpoint.scheme().is_tls()), (target, tls));
        }
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused() {
        for url in [
            "",
            "api.example",
            "ftp://x",
            "ws://",
            "ws://x:0",
            "ws://x:70000",
            "ws://u@x",
            "ws://x/a b",
            "ws://x/\r\nA: b",
        ] {
            assert!(Endpoint::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_redirect_may_be_relative_but_never_leaves_tls() {
        let entry = Endpoint::parse("wss://api.example:8443/entry").expect("a good URL");
        let next = entry.redirected("/feeds?code=1").expect("a path");
        assert_eq!(
            (next.to_string().as_str(), next.target()),
            ("wss://api.example:8443/feeds", "/feeds?code=1")
        );
        assert_eq!(
            entry
                .redirected("https://feeder.example/x")
                .map(|next| next.scheme())
                .ok(),
            Some(Scheme::Wss)
        );
        assert!(entry.redirected("ws://feeder.example/x").is_err());
        assert!(entry.redirected("//feeder.example/x").is_err());
    }
}
