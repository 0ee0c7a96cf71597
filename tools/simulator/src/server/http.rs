//! Requests on the REST hosts: what is served by the simulator itself, and what is passed to the broker.
//!
//! Invariants: every request gets one answer, JSON unless it is a file, a redirect or a fault; nothing that a
//! client sends panics or hangs. Facts: RFC 9110 for 405 and 406.

use std::time::{Duration, Instant};

use bijli_wire::http1::{self, RequestHead};

use super::connection::{Connection, Health, Held, Listener, Protocol};
use super::control::OWN_PATHS;
use super::event_loop::EventLoop;
use super::{surface, upgrade};
use crate::broker::{ApiCall, ApiReply, Delivery, Host, Moments};

/// Real time that a reply is held back at most.
const HELD_MAX: Duration = Duration::from_millis(500);
const BODY_BYTES_MAX: usize = 256 * 1024;
pub(super) const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

/// One request, whole.
pub(super) struct Request {
    pub(super) head: RequestHead,
    pub(super) body: Vec<u8>,
}

impl EventLoop {
    /// Answers the requests that lie in a connection's inbox, in order.
    pub(super) fn serve_http(&mut self, token: usize) {
        while let Some(connection) = self.connections[token].as_mut() {
            let is_http = matches!(connection.protocol, Protocol::Http);
            if connection.health != Health::Open || connection.is_held() || !is_http {
                return;
            }
            let mut request = match take_request(connection) {
                Ok(Some(request)) => request,
                Ok(None) => return,
                Err(status) => {
                    let reply = surface::refusal(status);
                    self.answer(token, status, &[JSON[0], ("Connection", "close")], &reply.body);
                    self.close(token);
                    return;
                }
            };
            let listener = connection.listener;
            let ends = request.head.headers.has_token("connection", "close");
            // A HEAD is answered as the GET would be, less its body.
            connection.is_head = request.head.method == "HEAD";
            if connection.is_head {
                "GET".clone_into(&mut request.head.method);
            }
            self.serve_recorded(token, listener, &request);
            let is_http = self.connections[token]
                .as_ref()
                .is_some_and(|connection| matches!(connection.protocol, Protocol::Http));
            if ends && is_http {
                self.close(token);
            }
        }
    }

    fn close(&mut self, token: usize) {
        if let Some(connection) = self.connections[token].as_mut()
            && connection.health == Health::Open
        {
            connection.health = Health::Closing;
        }
    }

    fn serve_recorded(&mut self, token: usize, listener: Listener, request: &Request) {
        if listener == Listener::Api && request.head.path().starts_with(OWN_PATHS) {
            return self.serve_own(token, request);
        }
        self.recorder.take(listener, &request.head, &request.body);
        self.replied = None;
        match listener {
            Listener::Feeder => self.open_socket(token, &request.head),
            Listener::Api => self.serve_api(token, request),
            Listener::Order => self.serve_call(token, Host::Order, request),
        }
        self.recorder.set_status(self.replied);
    }

    fn serve_api(&mut self, token: usize, request: &Request) {
        let head = &request.head;
        match (head.method.as_str(), head.path()) {
            ("GET", upgrade::MARKET_ENTRY | upgrade::PORTFOLIO_ENTRY) => {
                if !self.storms(token, request) {
                    self.redirect(token, head);
                }
            }
            ("GET", path) if path.starts_with(super::files::FILES) => self.serve_file(token, head),
            _ => self.serve_call(token, Host::Api, request),
        }
    }

    fn serve_call(&mut self, token: usize, host: Host, request: &Request) {
        if self.answers_with_fault(token, host, request) {
            return;
        }
        let reply = self.true_reply(token, host, request);
        self.deliver(token, &reply);
    }

    /// What a call is answered when no script strikes it.
    pub(super) fn true_reply(&mut self, token: usize, host: Host, request: &Request) -> ApiReply {
        let head = &request.head;
        if let Some(status) = surface::unacceptable(head, &request.body) {
            return surface::refusal(status);
        }
        match (host, head.method.as_str(), head.path()) {
            (Host::Api, "GET", upgrade::MARKET_AUTHORIZE | upgrade::PORTFOLIO_AUTHORIZE) => {
                self.authorized(head)
            }
            _ => self.call_broker(token, host, request),
        }
    }

    /// The moments of a call that comes in now.
    pub(super) fn moments(&self) -> Moments {
        Moments {
            now: self.player.now(),
            limits: self.pace.limits_clock(&self.player),
        }
    }

    /// Passes a call to the broker.
    fn call_broker(&mut self, token: usize, host: Host, request: &Request) -> ApiReply {
        let at = self.moments();
        let headers: Vec<(&str, &str)> = request.head.headers.iter().collect();
        let peer = self.connections[token].as_ref().map(|connection| connection.peer);
        let call = ApiCall {
            host,
            method: &request.head.method,
            target: &request.head.target,
            bearer: request.head.bearer(),
            headers: &headers,
            peer: peer.unwrap_or(crate::broker::LOCAL_PEER),
            body: &request.body,
        };
        let reply = self.broker.handle(at, &call);
        self.push_updates();
        self.end_dead_sockets();
        reply
    }

    /// Sends a broker's reply the way that it says.
    pub(super) fn deliver(&mut self, token: usize, reply: &ApiReply) {
        let own = reply.headers.iter().map(|(name, value)| (*name, value.as_str()));
        // A fault answers with a page.
        let is_page = reply.headers.iter().any(|(name, _)| *name == JSON[0].0);
        let kind = JSON.into_iter().filter(|_| !is_page);
        let headers: Vec<(&str, &str)> = kind.chain(own).collect();
        let (now, has_listener) = (self.player.now(), self.player.has_listener());
        let Some(connection) = self.connections[token].as_mut() else {
            return;
        };
        match reply.delivery {
            // Simulated time that stands still would hold the reply for ever.
            Delivery::After(delay) if has_listener => {
                let mut bytes = Vec::new();
                http1::write_response(&mut bytes, reply.status, &headers, &reply.body);
                connection.held = Some(Held {
                    due: now.plus(delay),
                    at_latest: Instant::now() + HELD_MAX,
                    bytes,
                });
                self.replied = Some(reply.status);
            }
            Delivery::Now | Delivery::After(_) => self.answer(token, reply.status, &headers, &reply.body),
            Delivery::Never => connection.health = Health::Dead,
        }
    }

    /// Writes an answer; its body stays away from whoever asked for the head alone.
    pub(super) fn answer(&mut self, token: usize, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        if let Some(connection) = self.connections[token].as_mut() {
            http1::write_response(&mut connection.outbox, status, headers, body);
            if connection.is_head {
                let kept = connection.outbox.len() - body.len();
                connection.outbox.truncate(kept);
            }
            self.replied = Some(status);
        }
    }

    /// Lets go of replies whose time has come.
    pub(super) fn release_held(&mut self) {
        let (now, has_listener) = (self.player.now(), self.player.has_listener());
        for connection in self.connections.iter_mut().flatten() {
            let is_over =
                |held: &mut Held| held.due <= now || !has_listener || held.at_latest <= Instant::now();
            if let Some(held) = connection.held.take_if(is_over) {
                connection.outbox.extend_from_slice(&held.bytes);
            }
            connection.drip(Instant::now());
        }
    }
}

/// The next whole request, or the status that answers a broken one.
fn take_request(connection: &mut Connection) -> Result<Option<Request>, u16> {
    let Some((head, head_bytes)) = RequestHead::parse(&connection.inbox).map_err(|_| 400_u16)? else {
        return Ok(None);
    };
    let body_bytes = head.headers.body_bytes().map_err(|_| 400_u16)?;
    if body_bytes > BODY_BYTES_MAX {
        return Err(413);
    }
    let end = head_bytes + body_bytes;
    if connection.inbox.len() < end {
        return Ok(None);
    }
    let body = connection.inbox[head_bytes..end].to_vec();
    connection.inbox.drain(..end);
    Ok(Some(Request { head, body }))
}
