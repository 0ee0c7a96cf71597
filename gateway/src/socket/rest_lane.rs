//! A REST lane: one warm connection per host, one request at a time.
//!
//! Invariants: as told in [`super`]: written at most once, whether a byte left is known, what was withdrawn before its
//! first byte never leaves, bounded replies, the token only with [`Auth::Bearer`]. Left out: what replies mean, and when to ask.
//! Source: the broker's API documentation (headers), as told in `upstox/PROTOCOL.md`.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bijli_core::DurationNs;
use bijli_wire::{Endpoint, tls};
use ureq::http::{HeaderValue, Request as HttpRequest, Response as HttpResponse, header};
use ureq::unversioned::transport::{Connector, TcpConnector};
use ureq::{Agent, AsSendBody, Body as HttpBody, config::IpFamily};

use super::address_book::AddressBook;
use super::stamped_transport::{MayLeave, SharedStamps, StampingConnector, Stamps, lock};
use super::{IDLE_MAX, bearer, printable_header, wall_now};
use crate::error::GatewayError;
use crate::request::{Auth, Body, Host, Lane, Method, Reply, Request, RequestId, Transport};
use crate::rest::retry_after;
use crate::upstox::call::{CallClass, class_of};
use crate::upstox::envelope::REPLY_BYTES_MAX;

/// How long a refresh of a connection may take: an order may wait behind it.
const WARM_TIMEOUT: Duration = Duration::from_millis(500);

/// Names a registered algorithm on order calls.
const ALGO_NAME: &str = "X-Algo-Name";

/// Where and how a REST lane connects.
#[derive(Clone)]
pub struct RestSettings {
    /// Base URL of reads, e.g. `https://api.upstox.com`.
    pub api_url: String,
    /// Base URL of place, modify and cancel.
    pub order_url: String,
    /// Access token.
    pub token: String,
    /// A root certificate to trust beside the public ones.
    pub extra_root_pem: Option<String>,
    /// Name of the algorithm registered with the exchange, sent with order calls; none for an unregistered one.
    pub algo_name: Option<String>,
    /// Longest time for one request from start to the end of its reply.
    pub timeout: Duration,
}

/// A reply with the times that were taken around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedReply {
    /// The reply.
    pub reply: Reply,
    /// From the call until the last byte of the request was handed to the kernel; 0 if nothing was written.
    pub write_ns: u64,
    /// From the call until the reply was complete or given up.
    pub total_ns: u64,
    /// The pause that the server asked for, by its `Retry-After`.
    pub retry_after: Option<DurationNs>,
}

/// A reply as far as it is looked at.
struct Answered {
    status: u16,
    body: Vec<u8>,
    retry_after: Option<DurationNs>,
}

/// One warm connection per host, one request at a time.
pub struct RestLane {
    agent: Agent,
    api_url: String,
    order_url: String,
    /// None on a lane for logging in: what needs a token is not sent from it.
    authorization: Option<HeaderValue>,
    algo_name: Option<HeaderValue>,
    stamps: SharedStamps,
    addresses: AddressBook,
    last_use: Option<Instant>,
}

impl RestLane {
    /// Prepares a lane; nothing is connected yet.
    ///
    /// # Errors
    /// [`GatewayError`] for a URL, token or certificate that cannot be used.
    pub fn new(settings: &RestSettings) -> Result<Self, GatewayError> {
        let authorization = bearer(&settings.token)?;
        Self::with(settings, Some(authorization))
    }

    /// A lane for calls that need no token, such as the exchange of a login code; the token of the settings is not
    /// looked at, and a request that asks for it is not sent.
    ///
    /// # Errors
    /// [`GatewayError`] for a URL or certificate that cannot be used.
    pub fn without_token(settings: &RestSettings) -> Result<Self, GatewayError> {
        Self::with(settings, None)
    }

    fn with(settings: &RestSettings, authorization: Option<HeaderValue>) -> Result<Self, GatewayError> {
        let tls = tls::client_config(settings.extra_root_pem.as_deref())?;
        let stamps = SharedStamps::default();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            // The order host answers on IPv4 only for some accounts, and the registered address is of one family.
            .ip_family(IpFamily::Ipv4Only)
            .timeout_global(Some(settings.timeout))
            .max_idle_age(IDLE_MAX)
            .user_agent("bijli")
            .build();
        let wrap = StampingConnector {
            tls,
            stamps: Arc::clone(&stamps),
        };
        let connector = ().chain(TcpConnector::default()).chain(wrap);
        let addresses = AddressBook::default();
        Ok(Self {
            agent: Agent::with_parts(config, connector, addresses.clone()),
            addresses,
            api_url: base_url(&settings.api_url)?,
            order_url: base_url(&settings.order_url)?,
            authorization,
            algo_name: settings.algo_name.as_deref().map(algo_name).transpose()?,
            stamps,
            last_use: None,
        })
    }

    /// Performs a request once and waits for its end.
    pub fn perform(&mut self, request: &Request) -> TimedReply {
        self.carry_out(request, None, None)
    }

    /// Performs a request once unless it is withdrawn: `may_leave` is asked at once, and again when the connection
    /// stands, just before the first byte. After a no not one byte leaves, and the reply says so.
    pub fn perform_while(&mut self, request: &Request, may_leave: MayLeave) -> TimedReply {
        if may_leave() {
            return self.carry_out(request, Some(may_leave), None);
        }
        let outcome = Err(Transport { wrote_bytes: false });
        TimedReply {
            reply: Reply {
                outcome,
                body: Vec::new(),
            },
            write_ns: 0,
            total_ns: 0,
            retry_after: None,
        }
    }

    /// `timeout` in place of the lane's own.
    fn carry_out(
        &mut self,
        request: &Request,
        may_leave: Option<MayLeave>,
        timeout: Option<Duration>,
    ) -> TimedReply {
        let begin = Instant::now();
        *lock(&self.stamps) = Stamps {
            hold_head: request.body.is_some(),
            may_leave,
            ..Stamps::default()
        };
        let answered = self.exchange(request, timeout);
        let stamps = lock(&self.stamps);
        let (outcome, body, retry_after) = match answered {
            Ok(answered) => (Ok(answered.status), answered.body, answered.retry_after),
            Err(_) => {
                self.addresses.forget();
                let wrote_bytes = stamps.wrote;
                (Err(Transport { wrote_bytes }), Vec::new(), None)
            }
        };
        let written = stamps.written.map(|at| at.duration_since(begin));
        drop(stamps);
        self.last_use = Some(Instant::now());
        TimedReply {
            reply: Reply { outcome, body },
            retry_after,
            write_ns: written.map_or(0, nanoseconds),
            total_ns: nanoseconds(begin.elapsed()),
        }
    }

    /// Opens or refreshes the connection to a host that was idle for `idle`, with a read that changes nothing and is
    /// given up after half a second: an order may wait behind it.
    /// Tells whether the host answered; `None` when there was no need.
    pub fn keep_warm(&mut self, host: Host, idle: Duration) -> Option<bool> {
        if self.last_use.is_some_and(|last| last.elapsed() < idle) {
            return None;
        }
        let request = Request {
            id: RequestId::new(0),
            lane: Lane::Read,
            host,
            method: Method::Get,
            path: "/".to_owned(),
            body: None,
            // Nothing is asked for, so the token stays at home; it may be dead.
            auth: Auth::None,
        };
        let timed = self.carry_out(&request, None, Some(WARM_TIMEOUT));
        Some(timed.reply.outcome.is_ok())
    }

    fn exchange(&self, request: &Request, timeout: Option<Duration>) -> Result<Answered, ureq::Error> {
        let base = match request.host {
            Host::Api => &self.api_url,
            Host::Order => &self.order_url,
        };
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        };
        let mut head = HttpRequest::builder()
            .method(method)
            .uri(format!("{base}{}", request.path))
            .header(header::ACCEPT, "application/json");
        if request.auth == Auth::Bearer {
            let authorization = self.authorization.as_ref().ok_or(ureq::Error::HostNotFound)?;
            head = head.header(header::AUTHORIZATION, authorization);
        }
        if let Some(name) = &self.algo_name
            && class_of(request.method, &request.path) == CallClass::Order
        {
            head = head.header(ALGO_NAME, name);
        }
        let response = match &request.body {
            Some(body) => {
                let typed = head.header(header::CONTENT_TYPE, content_type(body));
                self.run(typed.body(body.text())?, timeout)?
            }
            // A write without a body says so by its length; left unsaid, it would go out in chunks.
            None if matches!(request.method, Method::Post | Method::Put) => {
                self.run(head.body("")?, timeout)?
            }
            None => self.run(head.body(())?, timeout)?,
        };
        let status = response.status().as_u16();
        let text = |name| response.headers().get(name)?.to_str().ok();
        let retry_after = text(header::RETRY_AFTER)
            .and_then(|asked| retry_after::pause(asked, text(header::DATE), wall_now()));
        let limit = u64::try_from(REPLY_BYTES_MAX).expect("the limit is small");
        let body = response
            .into_body()
            .into_with_config()
            .limit(limit)
            .read_to_vec()?;
        Ok(Answered {
            status,
            body,
            retry_after,
        })
    }

    fn run(
        &self,
        request: HttpRequest<impl AsSendBody>,
        timeout: Option<Duration>,
    ) -> Result<HttpResponse<HttpBody>, ureq::Error> {
        let Some(timeout) = timeout else {
            return self.agent.run(request);
        };
        let hurried = self.agent.configure_request(request);
        self.agent.run(hurried.timeout_global(Some(timeout)).build())
    }
}

impl fmt::Debug for RestLane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestLane")
            .field("api_url", &self.api_url)
            .field("order_url", &self.order_url)
            .finish_non_exhaustive()
    }
}

fn base_url(url: &str) -> Result<String, GatewayError> {
    let _usable = Endpoint::parse(url)?;
    Ok(url.trim_end_matches('/').to_owned())
}

fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

const fn content_type(body: &Body) -> &'static str {
    match body {
        Body::Json(_) => "application/json",
        Body::Form(_) => "application/x-www-form-urlencoded",
    }
}

fn algo_name(name: &str) -> Result<HeaderValue, GatewayError> {
    printable_header(name).ok_or(GatewayError::BadAlgoName)
}
