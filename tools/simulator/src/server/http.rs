//! Requests on the REST hosts: what is served by the simulator itself, and what is passed to the broker.

use std::time::{Duration, Instant};

use bijli_wire::http1::{self, RequestHead};

use super::connection::{Connection, Health, Held, Listener, Protocol};
use super::event_loop::EventLoop;
use super::upgrade;
use crate::broker::{ApiCall, ApiReply, Delivery, Host, LOCAL_PEER, Moments};

/// Where the broker keeps the instruments of the exchange.
pub(super) const MASTER_PATH: &str = "/market-quote/instruments/exchange/NSE.json.gz";
const MASTER_ALL_PATH: &str = "/market-quote/instruments/exchange/complete.json.gz";
const STATS_PATH: &str = "/sim/stats";
/// Real time that a reply is held back at most.
const HELD_MAX: Duration = Duration::from_millis(500);
const BODY_BYTES_MAX: usize = 256 * 1024;
const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

/// One request, whole.
struct Request {
    head: RequestHead,
    body: Vec<u8>,
}

impl EventLoop {
    /// Answers the requests that lie in a connection's inbox, in order.
    pub(super) fn serve_http(&mut self, token: usize) {
        while let Some(connection) = self.connections[token].as_mut() {
            let is_http = matches!(connection.protocol, Protocol::Http);
            if connection.health != Health::Open || connection.held.is_some() || !is_http {
                return;
            }
            let request = match take_request(connection) {
                Ok(Some(request)) => request,
                Ok(None) => return,
                Err(status) => {
                    http1::write_response(&mut connection.outbox, status, &[("Connection", "close")], b"");
                    connection.health = Health::Closing;
                    return;
                }
            };
            let listener = connection.listener;
            let ends = request.head.headers.has_token("connection", "close");
            match listener {
                Listener::Feeder => self.open_socket(token, &request.head),
                Listener::Api => self.serve_api(token, &request),
                Listener::Order => self.pass_on(token, Host::Order, &request),
            }
            if let Some(connection) = self.connections[token].as_mut()
                && ends
                && connection.health == Health::Open
                && matches!(connection.protocol, Protocol::Http)
            {
                connection.health = Health::Closing;
            }
        }
    }

    fn serve_api(&mut self, token: usize, request: &Request) {
        let head = &request.head;
        match (head.method.as_str(), head.path()) {
            ("GET", upgrade::MARKET_ENTRY | upgrade::PORTFOLIO_ENTRY) => self.redirect(token, head),
            ("GET", upgrade::MARKET_AUTHORIZE | upgrade::PORTFOLIO_AUTHORIZE) => self.authorize(token, head),
            ("GET", MASTER_PATH | MASTER_ALL_PATH) => self.serve_master(token, head),
            ("GET", STATS_PATH) => {
                let mut counts = self.count().to_json();
                let info = self.player.info();
                counts["day"] = info.day.to_string().into();
                counts["data"] = info.data.name().into();
                self.answer(token, 200, &JSON, counts.to_string().as_bytes());
            }
            _ => self.pass_on(token, Host::Api, request),
        }
    }

    fn serve_master(&mut self, token: usize, head: &RequestHead) {
        // The real file server refuses requests that do not say who they are.
        if head.headers.get("user-agent").is_none() {
            return self.answer(token, 403, &[], b"a User-Agent is required");
        }
        let master = std::mem::take(&mut self.seat.master);
        self.answer(token, 200, &[("Content-Type", "application/gzip")], &master);
        self.seat.master = master;
    }

    fn pass_on(&mut self, token: usize, host: Host, request: &Request) {
        let at = Moments {
            now: self.player.now(),
            limits: self.pace.limits_clock(&self.player),
        };
        let headers: Vec<(&str, &str)> = request.head.headers.iter().collect();
        let call = ApiCall {
            host,
            method: &request.head.method,
            target: &request.head.target,
            bearer: request.head.bearer(),
            headers: &headers,
            peer: LOCAL_PEER,
            body: &request.body,
        };
        let reply = self.broker.handle(at, &call);
        self.deliver(token, &reply);
        self.push_updates();
    }

    /// Sends a broker's reply the way that it says.
    pub(super) fn deliver(&mut self, token: usize, reply: &ApiReply) {
        let mut bytes = Vec::new();
        let own = reply.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<(&str, &str)> = JSON.into_iter().chain(own).collect();
        http1::write_response(&mut bytes, reply.status, &headers, &reply.body);
        let (now, has_listener) = (self.player.now(), self.player.has_listener());
        let Some(connection) = self.connections[token].as_mut() else {
            return;
        };
        match reply.delivery {
            Delivery::Now => connection.outbox.extend_from_slice(&bytes),
            // Simulated time that stands still would hold the reply for ever.
            Delivery::After(_) if !has_listener => connection.outbox.extend_from_slice(&bytes),
            Delivery::After(delay) => {
                connection.held = Some(Held {
                    due: now.plus(delay),
                    at_latest: Instant::now() + HELD_MAX,
                    bytes,
                });
            }
            Delivery::Never => connection.health = Health::Dead,
        }
    }

    pub(super) fn answer(&mut self, token: usize, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        if let Some(connection) = self.connections[token].as_mut() {
            http1::write_response(&mut connection.outbox, status, headers, body);
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
