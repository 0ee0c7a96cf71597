//! The gate that every call passes: path, token, rate limit, address and algorithm name, then its answer.
//!
//! Invariants: a path on the wrong host is answered like an unknown one, so that a client's mix-up shows; a call
//! is counted once; faults strike order calls alone. Source: the broker's API documentation (hosts, errors).

use bijli_core::DurationNs;

use super::Broker;
use super::account::TokenKind;
use super::call::{ApiCall, Host, Moments};
use super::limiter::CallClass;
use super::reply::{ApiReply, BAD_TOKEN, NOT_SUPPORTED, READ_ONLY_TOKEN, Refusal, TOO_MANY};
use super::route::{Access, Asked, find, methods_of};
use crate::market::MarketDesk;

impl Broker {
    /// Answers one call.
    pub fn handle(&mut self, at: Moments, call: &ApiCall<'_>) -> ApiReply {
        self.advance(at.now);
        let call = &self.taken_for_api(call);
        let found = find(call);
        let (access, class) = match &found {
            Some((route, _)) => (route.access, route.class),
            None if MarketDesk::is_public(call) => (Access::Public, CallClass::Other),
            None => (Access::Reader, CallClass::Other),
        };
        if let Err(refusal) = self.check_token(at, call, access) {
            return refusal.reply();
        }
        if !self.limiter.admits(at.limits, class, self.weight(call, class)) {
            return self.too_many();
        }
        match found {
            None if call.host == Host::Api => self
                .desk
                .answer(at.now, call)
                .unwrap_or_else(|| self.unknown(at, call)),
            None => self.unknown(at, call),
            Some((route, arguments)) => {
                let asked = Asked {
                    now: at.now,
                    call,
                    arguments,
                };
                if class == CallClass::Order {
                    let reply = self.write_with_faults(&asked, route);
                    self.run_gtts(at.now);
                    reply
                } else {
                    self.read_with_faults(&asked, route)
                }
            }
        }
    }

    /// The answer to a call that nothing answers: the path is unknown, or has other methods.
    fn unknown(&self, at: Moments, call: &ApiCall<'_>) -> ApiReply {
        let mut methods = methods_of(call);
        let as_get = ApiCall {
            method: "GET",
            ..*call
        };
        if methods.is_empty() && call.host == Host::Api && call.method != "GET" {
            let is_market = self.desk.answer(at.now, &as_get).is_some();
            methods.extend(is_market.then_some("GET"));
        }
        if methods.is_empty() {
            return NOT_SUPPORTED.reply();
        }
        let mut reply = NOT_SUPPORTED.with_status(405).reply();
        reply.headers.push(("Allow", methods.join(", ")));
        reply
    }

    /// A GTT call on the order host is taken for one on the API host, if the options have it so.
    fn taken_for_api<'a>(&self, call: &ApiCall<'a>) -> ApiCall<'a> {
        let is_gtt = call.path().starts_with("/v3/order/gtt");
        if self.settings.options.gtt_on_order_host && is_gtt {
            return ApiCall {
                host: Host::Api,
                ..*call
            };
        }
        *call
    }

    fn check_token(&self, at: Moments, call: &ApiCall<'_>, access: Access) -> Result<(), Refusal> {
        if access == Access::Public {
            return Ok(());
        }
        // A client that keeps up is at most a second behind: its calls belong to the time that it has seen.
        let keeps_up = at.now.since(at.limits) <= DurationNs::from_secs(2);
        let seen = if keeps_up { at.limits } else { at.now };
        match self.account.kind_of(seen, call.bearer) {
            None => Err(BAD_TOKEN),
            Some(TokenKind::Access) => Ok(()),
            Some(TokenKind::Reader) if access == Access::Reader && call.method == "GET" => Ok(()),
            Some(TokenKind::Reader) => Err(READ_ONLY_TOKEN),
        }
    }

    /// The refusal of a call beyond a rate limit; with a `Retry-After` of its own when one is given.
    #[must_use]
    pub fn too_many_reply(&self, retry_after_s: Option<u32>) -> ApiReply {
        let mut reply = self.too_many();
        if let Some(seconds) = retry_after_s {
            reply.headers = vec![("Retry-After", seconds.to_string())];
        }
        reply
    }

    /// Counts a standard call that is answered elsewhere; the refusal when it is one too many.
    pub fn count_standard_call(&mut self, at: Moments) -> Option<ApiReply> {
        let is_admitted = self.limiter.admits(at.limits, CallClass::Other, 1);
        (!is_admitted).then(|| self.too_many())
    }

    fn too_many(&self) -> ApiReply {
        let options = &self.settings.options;
        let mut reply = TOO_MANY.with_status(options.too_many_status).reply();
        if !options.too_many_has_body {
            reply.body.clear();
        }
        if let Some(seconds) = self.settings.options.retry_after_s {
            reply.headers.push(("Retry-After", seconds.to_string()));
        }
        reply
    }

    /// How many calls a call counts as.
    fn weight(&self, call: &ApiCall<'_>, class: CallClass) -> u32 {
        if class != CallClass::Order || !self.settings.options.multi_counts_lines {
            return 1;
        }
        match serde_json::from_slice(call.body) {
            Ok(serde_json::Value::Array(lines)) => u32::try_from(lines.len()).unwrap_or(u32::MAX).max(1),
            _ => 1,
        }
    }

    /// Order calls come from a registered address, and name a registered algorithm or none.
    pub(super) fn check_order_caller(&self, call: &ApiCall<'_>) -> Result<(), Refusal> {
        let options = &self.settings.options;
        if !self.addresses.admits(call.peer) {
            return Err(self.address_refusal());
        }
        match call.header("x-algo-name") {
            Some(name) if !options.algo_names.iter().any(|known| known == name) => {
                Err(Refusal::new("UDAPI1156", "Unknown algorithm name").at("X-Algo-Name", name))
            }
            _ => Ok(()),
        }
    }
}
