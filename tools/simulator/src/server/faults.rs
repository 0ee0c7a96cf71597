//! Faults of a script that strike REST calls and hosts: storms of refusals, answers that are none, a host that is
//! gone, tokens that die under open sockets.

use std::time::{Duration, Instant};

use mio::net::TcpListener;
use mio::{Interest, Token};

use super::connection::{Health, Listener, Protocol};
use super::event_loop::EventLoop;
use super::garbage::{PAGE, gzip_bomb};
use super::http::{JSON, Request};
use super::script::{BadReply, Calls, Garbage, Limited, OrderHost};
use crate::broker::{ApiReply, Delivery, Host};
use crate::options::OnTokenDeath;
use crate::websocket;

/// Close code of a refusal by policy.
pub(super) const POLICY: u16 = 1008;

impl EventLoop {
    /// Answers a call the way that a script wants; `false` when no script strikes it.
    pub(super) fn answers_with_fault(&mut self, token: usize, host: Host, request: &Request) -> bool {
        if self.storms(token, request) {
            return true;
        }
        match Limited::take(&mut self.script.reply, |_| true) {
            None => false,
            Some(bad) => {
                self.answer_badly(token, host, request, bad);
                true
            }
        }
    }

    /// Answers a call with the 429 of a script's storm; `false` when none strikes it.
    pub(super) fn storms(&mut self, token: usize, request: &Request) -> bool {
        let is_order = request.head.method != "GET" && request.head.path().contains("/order/");
        let fits = |calls| match calls {
            Calls::All => true,
            Calls::Orders => is_order,
            Calls::Reads => !is_order,
        };
        let Some(storm) = Limited::take(&mut self.script.too_many, |storm| fits(storm.calls)) else {
            return false;
        };
        let reply = self.broker.too_many_reply(storm.retry_after_s);
        self.deliver(token, &reply);
        true
    }

    fn answer_badly(&mut self, token: usize, host: Host, request: &Request, bad: BadReply) {
        let true_reply = bad.is_carried_out.then(|| self.true_reply(token, host, request));
        let html = [("Content-Type", "text/html")];
        match bad.garbage {
            Garbage::Html => self.answer(token, 200, &html, PAGE.as_bytes()),
            Garbage::Html502 => self.answer(token, 502, &html, PAGE.as_bytes()),
            Garbage::Empty => self.answer(token, 200, &JSON, b""),
            Garbage::GzipBomb => {
                let headers = [JSON[0], ("Content-Encoding", "gzip")];
                self.answer(token, 200, &headers, &gzip_bomb());
            }
            Garbage::Trickle => {
                let mut reply = true_reply.unwrap_or_else(|| ApiReply {
                    status: 200,
                    body: Vec::new(),
                    headers: Vec::new(),
                    delivery: Delivery::Now,
                });
                if let Delivery::After(_) = reply.delivery {
                    // It is slow enough.
                    reply.delivery = Delivery::Now;
                }
                self.deliver(token, &reply);
                if let Some(connection) = self.connections[token].as_mut() {
                    connection.slow_down(Duration::from_millis(bad.pace_ms.into()), Instant::now());
                }
            }
        }
    }

    /// Brings the order host into a state.
    pub(super) fn set_order_host(&mut self, wanted: OrderHost) -> Result<(), String> {
        let index = Listener::Order as usize;
        if wanted != OrderHost::Up {
            for connection in self.connections.iter_mut().flatten() {
                if connection.listener == Listener::Order {
                    connection.health = Health::Dead;
                }
            }
        }
        if wanted == OrderHost::Down {
            if let Some(mut listener) = self.listeners[index].take() {
                let _gone = self.poll.registry().deregister(&mut listener);
            }
            return Ok(());
        }
        if self.listeners[index].is_none() {
            let address = self.seat.addresses[index];
            let failed = |error: std::io::Error| format!("listening on {address} again: {error}");
            let mut listener = TcpListener::bind(address).map_err(failed)?;
            self.poll
                .registry()
                .register(&mut listener, Token(index), Interest::READABLE)
                .map_err(failed)?;
            self.listeners[index] = Some(listener);
        }
        Ok(())
    }

    /// Ends sockets whose token is dead, as the options want it.
    pub(super) fn end_dead_sockets(&mut self) {
        let now = self.player.now();
        for connection in self.connections.iter_mut().flatten() {
            let is_socket = !matches!(connection.protocol, Protocol::Http);
            if !is_socket
                || connection.health != Health::Open
                || self.broker.admits(now, connection.bearer.as_deref())
            {
                continue;
            }
            match self.seat.options.on_token_death {
                OnTokenDeath::Stay => {}
                OnTokenDeath::Cut => connection.health = Health::Dead,
                OnTokenDeath::Close => {
                    websocket::write_close(&mut connection.outbox, POLICY, "the token is dead");
                    connection.health = Health::Closing;
                }
            }
        }
    }

    /// Pings open sockets that were not pinged for their period.
    pub(super) fn ping_idle(&mut self) {
        let period = Duration::from_millis(self.seat.options.ping_period_ms.into());
        if period.is_zero() {
            return;
        }
        let now = Instant::now();
        for connection in self.connections.iter_mut().flatten() {
            let is_socket = !matches!(connection.protocol, Protocol::Http);
            if is_socket && connection.health == Health::Open && now - connection.pinged >= period {
                websocket::write(&mut connection.outbox, websocket::Opcode::Ping, b"");
                connection.pinged = now;
            }
        }
    }
}
