//! From an access token to an open socket: redirect or authorize, then a single-use URI on the feeder's host.
//!
//! The second version of the market feed, which the broker has discontinued, is a path like any unknown one.
//! Source: the broker's API documentation (market feed, portfolio stream). A bad token is answered 401, a used or invented code 403, a
//! connection beyond the user's limit 403. Entries and authorize calls count as standard calls, beyond which they
//! are answered 429.

use std::time::Instant;

use bijli_wire::http1::{self, RequestHead};
use serde_json::json;

use super::connection::{Health, Listener, Protocol};
use super::event_loop::EventLoop;
use super::garbage::PAGE;
use super::http::JSON;
use super::script::Limited;
use crate::broker::{ApiReply, SocketGrant, surface_refusal};
use crate::options::RefusalBody;
use crate::websocket::Assembler;

pub(super) const MARKET_ENTRY: &str = "/v3/feed/market-data-feed";
pub(super) const MARKET_AUTHORIZE: &str = "/v3/feed/market-data-feed/authorize";
pub(super) const PORTFOLIO_ENTRY: &str = "/v2/feed/portfolio-stream-feed";
pub(super) const PORTFOLIO_AUTHORIZE: &str = "/v2/feed/portfolio-stream-feed/authorize";
pub(super) const MARKET_FEEDER: &str = "/market-data-feeder/v3/upstox-developer-api/feeds";
const PORTFOLIO_FEEDER: &str = "/upstox-developer-api/order-updates/feed";
/// Codes whose token is remembered.
const CODES_MAX: usize = 64;

impl EventLoop {
    /// Answers the socket entry with a redirect to a fresh single-use URI.
    pub(super) fn redirect(&mut self, token: usize, head: &RequestHead) {
        if let Some(status) = self.scripted_refusal(is_market(head)) {
            return self.refuse_handshake(token, status);
        }
        match self.fresh_uri(head) {
            Ok(uri) => self.answer(token, 302, &[("Location", &uri)], b""),
            Err(reply) if reply.status == 401 => self.refuse_handshake(token, 401),
            Err(reply) => self.deliver(token, &reply),
        }
    }

    /// A fresh single-use URI as JSON, in both spellings.
    pub(super) fn authorized(&mut self, head: &RequestHead) -> ApiReply {
        if let Some(status) = self.scripted_refusal(is_market(head)) {
            return surface_refusal(status);
        }
        match self.fresh_uri(head) {
            Ok(uri) => {
                let data = json!({ "authorized_redirect_uri": uri, "authorizedRedirectUri": uri });
                ApiReply::success(&data)
            }
            Err(reply) => reply,
        }
    }

    /// The status that a script refuses the next handshake with.
    fn scripted_refusal(&mut self, is_market: bool) -> Option<u16> {
        let slot = if is_market {
            &mut self.script.feed_handshake
        } else {
            &mut self.script.stream_handshake
        };
        Limited::take(slot, |_| true)
    }

    /// Refuses a handshake the way that the options want it.
    fn refuse_handshake(&mut self, token: usize, status: u16) {
        let close = ("Connection", "close");
        match self.seat.options.handshake_refusal_body {
            RefusalBody::Empty => self.answer(token, status, &[close], b""),
            RefusalBody::Html => {
                self.answer(
                    token,
                    status,
                    &[("Content-Type", "text/html"), close],
                    PAGE.as_bytes(),
                );
            }
            RefusalBody::Envelope => {
                let reply = match status {
                    401 => self.broker.bad_token_reply(),
                    _ => surface_refusal(status),
                };
                self.answer(token, status, &[JSON[0], close], &reply.body);
            }
        }
        if let Some(connection) = self.connections[token].as_mut() {
            connection.health = Health::Closing;
        }
    }

    /// A URI for whoever has a good token and calls left; otherwise the refusal.
    fn fresh_uri(&mut self, head: &RequestHead) -> Result<String, ApiReply> {
        if !self.broker.admits(self.player.now(), head.bearer()) {
            return Err(self.broker.bad_token_reply());
        }
        let at = self.moments();
        if let Some(refused) = self.broker.count_standard_call(at) {
            return Err(refused);
        }
        let (path, grant) = if is_market(head) {
            (MARKET_FEEDER, SocketGrant::Market)
        } else {
            (
                PORTFOLIO_FEEDER,
                SocketGrant::Portfolio(update_types(head.query())),
            )
        };
        let query = self.broker.issue_socket_code(grant);
        if self.script.replays_redirect {
            // As if somebody had been there first.
            let _used = self.broker.redeem_socket_code(&query);
        }
        if self.code_bearers.len() >= CODES_MAX {
            self.code_bearers.pop_front();
        }
        let bearer = head.bearer().unwrap_or_default().to_owned();
        self.code_bearers.push_back((query.clone(), bearer));
        let scheme = if self.seat.tls.is_some() { "wss" } else { "ws" };
        Ok(format!(
            "{scheme}://{}{path}?{query}",
            self.seat.addresses[Listener::Feeder as usize]
        ))
    }

    /// Opens a WebSocket for a single-use URI, or refuses.
    pub(super) fn open_socket(&mut self, token: usize, head: &RequestHead) {
        let (feeds, streams) = self.count_sockets();
        let grant = match head.path() {
            MARKET_FEEDER | PORTFOLIO_FEEDER => self.broker.redeem_socket_code(head.query()),
            _ => None,
        };
        let fits = match (&grant, head.path()) {
            (Some(SocketGrant::Market), MARKET_FEEDER) => {
                feeds < self.seat.options.feed_connections_max as usize
            }
            (Some(SocketGrant::Portfolio(_)), PORTFOLIO_FEEDER) => {
                streams < self.seat.options.stream_connections_max as usize
            }
            _ => false,
        };
        let (true, Some(key), Some(grant)) = (fits, head.websocket_key(), grant) else {
            return self.refuse_handshake(token, if fits { 400 } else { 403 });
        };
        let place = self
            .code_bearers
            .iter()
            .position(|(query, _)| query == head.query());
        let bearer = place.and_then(|place| self.code_bearers.remove(place));
        let Some(connection) = self.connections[token].as_mut() else {
            return;
        };
        connection.bearer = bearer.map(|(_, bearer)| bearer);
        connection.pinged = Instant::now();
        http1::write_upgrade(&mut connection.outbox, key);
        self.replied = Some(101);
        match grant {
            SocketGrant::Market => {
                connection.protocol = Protocol::Feed(Assembler::default());
                self.player.join(token);
            }
            SocketGrant::Portfolio(kinds) => {
                connection.protocol = Protocol::Stream(Assembler::default(), kinds);
            }
        }
    }
}

fn is_market(head: &RequestHead) -> bool {
    head.path().starts_with(MARKET_ENTRY)
}

/// The kinds of update that a query asks for; orders when it does not say.
fn update_types(query: &str) -> Vec<String> {
    let asked = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("update_types="));
    let asked = asked.unwrap_or("order").replace("%2C", ",").replace("%2c", ",");
    asked.split(',').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_streamed_unless_the_query_says_otherwise() {
        assert_eq!(update_types(""), ["order"]);
        assert_eq!(
            update_types("update_types=order%2Cposition"),
            ["order", "position"]
        );
        assert_eq!(update_types("a=b&update_types=position"), ["position"]);
    }
}
