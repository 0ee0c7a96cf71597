//! One REST call as a value: method, host, path with query, body, and whether the token goes along.
//!
//! Invariants: every name and value that comes from outside is percent-encoded by [`PathWriter`] or
//! [`FormWriter`], so it can break out of neither path nor query nor form; the class of a call follows from its
//! method and path alone, so a call typed by hand is budgeted like a built one. Left out: base addresses and
//! headers, which only the sockets know. Source: the broker's API documentation (hosts, rate classes), see `PROTOCOL.md`.

use std::fmt;

pub use crate::request::{Auth, Body, Host, Method};
use crate::request::{Lane, Request, RequestId};

/// One call of the broker's REST interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// HTTP method.
    pub method: Method,
    /// Which of the broker's hosts answers.
    pub host: Host,
    /// Path with query, percent-encoded.
    pub path: String,
    /// What is sent with it.
    pub body: Option<Body>,
    /// Whether the access token goes along.
    pub auth: Auth,
}

/// Which of the broker's rate limits a call counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallClass {
    /// Writes of orders, standing orders, multi orders, cancel-all and exit-all: counted together.
    Order,
    /// Everything without a class of its own.
    Standard,
    /// Dialog, code exchange, token request and logout: must not wait behind others.
    Login,
    /// Reads of payments out.
    PayoutRead,
    /// Asking for, changing and withdrawing payments out.
    PayoutWrite,
    /// Bids for new issues.
    IpoWrite,
}

impl Call {
    /// A read from the API host with the token.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::api(Method::Get, path, None)
    }

    /// A call of the API host with the token.
    #[must_use]
    pub fn api(method: Method, path: impl Into<String>, body: Option<Body>) -> Self {
        Self {
            method,
            host: Host::Api,
            path: path.into(),
            body,
            auth: Auth::Bearer,
        }
    }

    /// A call of the order host with the token.
    #[must_use]
    pub fn order(method: Method, path: impl Into<String>, body: Option<Body>) -> Self {
        Self {
            host: Host::Order,
            ..Self::api(method, path, body)
        }
    }

    /// The same call without the token.
    #[must_use]
    pub fn without_token(self) -> Self {
        Self {
            auth: Auth::None,
            ..self
        }
    }

    /// Which rate limit it counts against.
    #[must_use]
    pub fn class(&self) -> CallClass {
        class_of(self.method, &self.path)
    }

    /// Whether it only asks, so that asking again changes nothing. The margin calculator asks by POST.
    #[must_use]
    pub fn is_read(&self) -> bool {
        match self.method {
            Method::Get => true,
            Method::Post => bare(&self.path) == "/v2/charges/margin",
            Method::Put | Method::Delete => false,
        }
    }

    /// The call as a request on a lane.
    #[must_use]
    pub fn into_request(self, id: RequestId, lane: Lane) -> Request {
        Request {
            id,
            lane,
            host: self.host,
            method: self.method,
            path: self.path,
            body: self.body,
            auth: self.auth,
        }
    }
}

/// The rate limit that a method on a path counts against.
#[must_use]
pub fn class_of(method: Method, path: &str) -> CallClass {
    let is_read = method == Method::Get;
    let path = bare(path);
    // Both versions of an endpoint count alike.
    let Some(area) = path.strip_prefix("/v2/").or_else(|| path.strip_prefix("/v3/")) else {
        return CallClass::Standard;
    };
    if area.starts_with("order/") && !is_read {
        CallClass::Order
    } else if area.starts_with("login/") || area.starts_with("totp-login/") || area == "logout" {
        CallClass::Login
    } else if area.starts_with("user/payments/payout") && !is_read {
        CallClass::PayoutWrite
    } else if area.starts_with("user/payments/payout") {
        CallClass::PayoutRead
    } else if area.starts_with("ipos/") && !is_read {
        CallClass::IpoWrite
    } else {
        CallClass::Standard
    }
}

/// The host that serves a path: only single-order writes have a host of their own.
#[must_use]
pub fn host_of(path: &str) -> Host {
    let area = bare(path);
    let single = [
        "/v2/order/place",
        "/v2/order/modify",
        "/v2/order/cancel",
        "/v3/order/place",
        "/v3/order/modify",
        "/v3/order/cancel",
    ];
    if single.contains(&area) {
        Host::Order
    } else {
        Host::Api
    }
}

fn bare(path: &str) -> &str {
    path.split_once('?').map_or(path, |(bare, _)| bare)
}

/// Writes a path piece by piece, and then its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathWriter {
    path: String,
    has_query: bool,
}

impl PathWriter {
    /// Begins with a fixed part, which is taken as it is.
    #[must_use]
    pub fn new(fixed: &str) -> Self {
        let mut path = String::with_capacity(fixed.len() + 48);
        path.push_str(fixed);
        Self {
            path,
            has_query: false,
        }
    }

    /// Adds one segment, encoded. Segments come before the query.
    #[must_use]
    pub fn segment(mut self, value: impl fmt::Display) -> Self {
        assert!(!self.has_query, "segments come before the query");
        self.path.push('/');
        push_encoded(&mut self.path, &value.to_string());
        self
    }

    /// Adds a query parameter, its value encoded.
    #[must_use]
    pub fn param(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.path.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        push_pair(&mut self.path, name, &value.to_string());
        self
    }

    /// Adds a query parameter if it is there.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.param(name, value),
            None => self,
        }
    }

    /// Adds a query parameter of several values, joined by commas.
    #[must_use]
    pub fn list<V: fmt::Display>(self, name: &str, values: &[V]) -> Self {
        let joined: Vec<String> = values.iter().map(ToString::to_string).collect();
        self.param(name, joined.join(","))
    }

    /// The path with its query.
    #[must_use]
    pub fn end(self) -> String {
        self.path
    }
}

/// Writes the body of a form.
#[derive(Clone, Default)]
pub struct FormWriter {
    form: String,
}

impl FormWriter {
    /// Adds a field, its value encoded.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        if !self.form.is_empty() {
            self.form.push('&');
        }
        push_pair(&mut self.form, name, value);
        self
    }

    /// The body.
    #[must_use]
    pub fn end(self) -> Body {
        Body::Form(self.form)
    }
}

/// A form holds secrets: none is printed.
impl fmt::Debug for FormWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FormWriter({} bytes)", self.form.len())
    }
}

fn push_pair(into: &mut String, name: &str, value: &str) {
    into.push_str(name);
    into.push('=');
    push_encoded(into, value);
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub(super) fn push_encoded(into: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.push(char::from(DIGITS[usize::from(byte >> 4)]));
            into.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_stays_in_its_place() {
        let path = PathWriter::new("/v2/x")
            .segment("NSE_INDEX|Nifty 50")
            .segment("../?#")
            .list("instrument_key", &["NSE_EQ|A", "NSE_FO|1"])
            .maybe("none", None::<&str>)
            .param("tag", "a&b=c+d%~")
            .end();
        assert_eq!(
            path,
            "/v2/x/NSE_INDEX%7CNifty%2050/..%2F%3F%23?instrument_key=NSE_EQ%7CA%2CNSE_FO%7C1&tag=a%26b%3Dc%2Bd%25~"
        );
        let form = FormWriter::default()
            .field("code", "a b")
            .field("x", "1&y=2")
            .end();
        assert_eq!(form, Body::Form("code=a%20b&x=1%26y%3D2".to_owned()));
    }

    #[test]
    fn the_class_follows_from_method_and_path() {
        use CallClass as C;
        use Method::{Delete, Get, Post, Put};
        for (method, path, class) in [
            (Post, "/v3/order/place", C::Order),
            (Put, "/v2/order/modify", C::Order),
            (Delete, "/v3/order/cancel?order_id=1", C::Order),
            (Post, "/v2/order/multi/place", C::Order),
            (Delete, "/v2/order/multi/cancel", C::Order),
            (Post, "/v2/order/positions/exit?tag=x", C::Order),
            (Delete, "/v3/order/gtt/cancel", C::Order),
            (Get, "/v3/order/gtt", C::Standard),
            (Get, "/v2/order/retrieve-all", C::Standard),
            (Post, "/v2/charges/margin", C::Standard),
            (Post, "/v2/login/authorization/token", C::Login),
            (Post, "/v3/login/auth/token/request/id", C::Login),
            (Delete, "/v2/logout", C::Login),
            (Get, "/v2/user/payments/payout/modes", C::PayoutRead),
            (Post, "/v2/user/payments/payout", C::PayoutWrite),
            (Post, "/v2/ipos/orders", C::IpoWrite),
            (Get, "/elsewhere", C::Standard),
            (Post, "order/place", C::Standard),
        ] {
            assert_eq!(class_of(method, path), class, "{path}");
        }
    }

    #[test]
    fn only_single_order_writes_go_to_the_order_host() {
        assert_eq!(host_of("/v3/order/cancel?order_id=1"), Host::Order);
        assert_eq!(host_of("/v2/order/place"), Host::Order);
        for path in [
            "/v3/order/gtt/place",
            "/v2/order/multi/place",
            "/v2/order/details",
            "/",
        ] {
            assert_eq!(host_of(path), Host::Api, "{path}");
        }
    }

    #[test]
    fn asking_by_post_is_still_asking() {
        let margin = Call::api(Method::Post, "/v2/charges/margin", None);
        assert!(margin.is_read());
        assert!(Call::get("/v2/user/profile").is_read());
        assert!(!Call::api(Method::Post, "/v2/user/kill-switch", None).is_read());
    }

    #[test]
    fn no_secret_is_printed() {
        let form = FormWriter::default().field("client_secret", "hunter2").end();
        let json = Body::Json("{\"client_secret\":\"hunter2\"}".to_owned());
        for body in [form, json] {
            let call = Call::api(Method::Post, "/x", Some(body)).without_token();
            assert!(!format!("{call:?}").contains("hunter2"));
        }
    }
}
