//! From an access token to an open socket: redirect or authorize, then a single-use URI on the feeder's host.
//!
//! Source: reference sheet 3.1 and 4. A bad token is answered 401, a used or invented code 403, a third feed
//! connection of the user 403 (two are allowed by the normal plan).

use bijli_wire::http1::{self, RequestHead};
use serde_json::json;

use super::connection::{Health, Protocol};
use super::event_loop::EventLoop;
use crate::broker::SocketGrant;
use crate::websocket::Assembler;

pub(super) const MARKET_ENTRY: &str = "/v3/feed/market-data-feed";
pub(super) const MARKET_AUTHORIZE: &str = "/v3/feed/market-data-feed/authorize";
pub(super) const PORTFOLIO_ENTRY: &str = "/v2/feed/portfolio-stream-feed";
pub(super) const PORTFOLIO_AUTHORIZE: &str = "/v2/feed/portfolio-stream-feed/authorize";
const MARKET_FEEDER: &str = "/market-data-feeder/v3/upstox-developer-api/feeds";
const PORTFOLIO_FEEDER: &str = "/upstox-developer-api/order-updates/feed";
/// Feed connections of one user.
const FEED_CONNECTIONS_MAX: usize = 2;

impl EventLoop {
    /// Answers the socket entry with a redirect to a fresh single-use URI.
    pub(super) fn redirect(&mut self, token: usize, head: &RequestHead) {
        match self.fresh_uri(head) {
            Some(uri) => self.answer(token, 302, &[("Location", &uri)], b""),
            None => self.refuse_token(token),
        }
    }

    /// Answers with a fresh single-use URI as JSON, in both spellings.
    pub(super) fn authorize(&mut self, token: usize, head: &RequestHead) {
        let Some(uri) = self.fresh_uri(head) else {
            return self.refuse_token(token);
        };
        let body = json!({
            "status": "success",
            "data": { "authorized_redirect_uri": uri, "authorizedRedirectUri": uri },
        });
        self.answer(
            token,
            200,
            &[("Content-Type", "application/json")],
            body.to_string().as_bytes(),
        );
    }

    fn refuse_token(&mut self, token: usize) {
        let reply = self.broker.bad_token_reply();
        self.deliver(token, &reply);
    }

    fn fresh_uri(&mut self, head: &RequestHead) -> Option<String> {
        if !self.broker.admits(self.player.now(), head.bearer()) {
            return None;
        }
        let is_market = head.path().starts_with(MARKET_ENTRY);
        let (path, grant) = if is_market {
            (MARKET_FEEDER, SocketGrant::Market)
        } else {
            (
                PORTFOLIO_FEEDER,
                SocketGrant::Portfolio(update_types(head.query())),
            )
        };
        let query = self.broker.issue_socket_code(grant);
        let scheme = if self.seat.tls.is_some() { "wss" } else { "ws" };
        Some(format!("{scheme}://{}{path}?{query}", self.seat.feeder))
    }

    /// Opens a WebSocket for a single-use URI, or refuses.
    pub(super) fn open_socket(&mut self, token: usize, head: &RequestHead) {
        let feeds = self.count_feeds();
        let grant = match head.path() {
            MARKET_FEEDER | PORTFOLIO_FEEDER => self.broker.redeem_socket_code(head.query()),
            _ => None,
        };
        let fits = match (&grant, head.path()) {
            (Some(SocketGrant::Market), MARKET_FEEDER) => feeds < FEED_CONNECTIONS_MAX,
            (Some(SocketGrant::Portfolio(_)), PORTFOLIO_FEEDER) => true,
            _ => false,
        };
        let key = head.websocket_key();
        let Some(connection) = self.connections[token].as_mut() else {
            return;
        };
        let (true, Some(key), Some(grant)) = (fits, key, grant) else {
            let status = if fits { 400 } else { 403 };
            http1::write_response(&mut connection.outbox, status, &[("Connection", "close")], b"");
            connection.health = Health::Closing;
            return;
        };
        http1::write_upgrade(&mut connection.outbox, key);
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
