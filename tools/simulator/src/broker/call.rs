//! A call as it reaches the broker, whatever carried it: a socket or a world simulated in one process.

use std::net::{IpAddr, Ipv4Addr};

use bijli_core::TsNs;

/// Which of the broker's hosts is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Everything but single-order writes.
    Api,
    /// Place, modify and cancel.
    Order,
}

/// The clocks of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// Simulated time.
    pub now: TsNs,
    /// What rate limits are counted on: the simulated time that the client is known to have reached.
    pub limits: TsNs,
}

impl Moments {
    /// One clock for both.
    #[must_use]
    pub const fn at(now: TsNs) -> Self {
        Self { now, limits: now }
    }
}

/// One call of the API.
#[derive(Clone, Copy, Debug)]
pub struct ApiCall<'a> {
    /// Which host.
    pub host: Host,
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'a str,
    /// Path with query, percent-encoded.
    pub target: &'a str,
    /// The bearer token.
    pub bearer: Option<&'a str>,
    /// All other headers; names compare without case.
    pub headers: &'a [(&'a str, &'a str)],
    /// Where the call comes from, as far as the static-IP rule is concerned.
    pub peer: IpAddr,
    /// JSON or form body; empty without one.
    pub body: &'a [u8],
}

/// The address of a caller that sits in the same process or on the same machine.
pub const LOCAL_PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl<'a> ApiCall<'a> {
    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// The decoded value of a field of a form body.
    #[must_use]
    pub fn form(&self, name: &str) -> Option<String> {
        pair_value(std::str::from_utf8(self.body).ok()?, name)
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The parts of the path, decoded.
    #[must_use]
    pub fn path_words(&self) -> Vec<String> {
        self.path()
            .trim_start_matches('/')
            .split('/')
            .map(percent_decoded)
            .collect()
    }

    /// The decoded value of a query parameter.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        pair_value(self.target.split_once('?')?.1, name)
    }
}

fn pair_value(pairs: &str, name: &str) -> Option<String> {
    pairs.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then(|| percent_decoded(value))
    })
}

/// `%7C` and `+` turned back; broken escapes stay as they are.
pub(super) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let value = escape
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match value {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_and_broken_escapes_stay() {
        let call = ApiCall {
            host: Host::Api,
            method: "GET",
            target: "/v2/order/history?tag=a%7Cb+c&order_id=12%3&empty",
            bearer: None,
            headers: &[("x-algo-name", "trend")],
            peer: LOCAL_PEER,
            body: b"code=a%2Bb&client_id=c",
        };
        assert_eq!(call.header("X-Algo-Name"), Some("trend"));
        assert_eq!(call.form("code").as_deref(), Some("a+b"));
        assert_eq!(call.form("grant_type"), None);
        assert_eq!(call.path(), "/v2/order/history");
        assert_eq!(call.query("tag").as_deref(), Some("a|b c"));
        assert_eq!(call.query("order_id").as_deref(), Some("12%3"));
        assert_eq!(call.query("empty").as_deref(), Some(""));
        assert_eq!(call.query("none"), None);
    }
}
