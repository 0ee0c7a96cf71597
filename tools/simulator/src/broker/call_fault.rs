//! Faults of the wire and of the broker's front: calls refused, answered with nonsense, or answered by nobody.
//!
//! Invariant: whether a call is carried out is decided before it is answered, and the ledger knows the truth.
//! Of the kinds that strike one call the first of the list has its way; all of them roll, so that none moves
//! another. Bodies are those of gateways in front of a service; codes: the broker's API documentation.

use bijli_core::TsNs;
use serde_json::json;

use super::Broker;
use super::faults::Fault;
use super::reply::{ApiReply, Delivery, Refusal, UNEXPECTED};
use super::route::{Access, Asked, Route};

const PAGE: &str = "<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>";
/// How deep a deep answer is.
const LEVELS: usize = 20_000;
/// What can keep an order call from being carried out.
const BEFORE: [Fault; 6] = [
    Fault::Suspended,
    Fault::TooMany,
    Fault::AddressBlocked,
    Fault::HiddenAuthError,
    Fault::Redirect,
    Fault::ErrorBefore,
];

impl Broker {
    /// Answers an order call, or does with it what the dice want.
    pub(super) fn write_with_faults(&mut self, asked: &Asked<'_>, route: &Route) -> ApiReply {
        let now = asked.now;
        if let Some(fault) = self.pick(&BEFORE) {
            return self.refuse_by_fault(now, fault);
        }
        if let Some(reply) = self.refusal_under_way(now, true) {
            return reply;
        }
        let lost = match asked.call.method {
            "DELETE" => Fault::CancelReplyLost,
            "PUT" => Fault::ModifyReplyLost,
            _ => Fault::ReplyLost,
        };
        let after = [
            Fault::Silence,
            Fault::ErrorAfter,
            Fault::NoOrderId,
            Fault::BadJson,
            lost,
            Fault::ReplyLate,
        ];
        let is_placement = lost == Fault::ReplyLost;
        let ending = self.pick_of(&after, |fault| fault != Fault::NoOrderId || is_placement);
        if ending == Some(lost) && !is_placement && self.dice.between(lost, 0, 1) == 0 {
            return lost_reply(ApiReply::success(&json!({})));
        }
        let answer = self
            .check_order_caller(asked.call)
            .and_then(|()| (route.answer)(self, asked));
        let reply = answer.unwrap_or_else(|refusal| {
            self.orders_refused += u64::from(asked.call.method == "POST");
            refusal.reply()
        });
        self.end_badly(now, reply, ending)
    }

    /// Answers a read of the account, or does with it what the dice want.
    pub(super) fn read_with_faults(&mut self, asked: &Asked<'_>, route: &Route) -> ApiReply {
        let is_struck = route.access == Access::Reader && asked.call.method == "GET";
        if is_struck && let Some(reply) = self.refusal_under_way(asked.now, false) {
            return reply;
        }
        if is_struck && self.dice.fires(Fault::HiddenAuthError) {
            return self.hidden_auth_error();
        }
        let answer = (route.answer)(self, asked);
        let reply = answer.unwrap_or_else(|refusal| refusal.reply());
        if !is_struck {
            return reply;
        }
        let ending = self.pick(&[Fault::BadJson]);
        self.end_badly(asked.now, reply, ending)
    }

    /// The first of some kinds that rolls, counted.
    fn pick(&mut self, faults: &[Fault]) -> Option<Fault> {
        self.pick_of(faults, |_| true)
    }

    fn pick_of(&mut self, faults: &[Fault], fits: impl Fn(Fault) -> bool) -> Option<Fault> {
        let mut picked = None;
        for fault in faults.iter().copied().filter(|fault| fits(*fault)) {
            let rolls = self.dice.rolls(fault);
            picked = picked.or(rolls.then_some(fault));
        }
        if let Some(fault) = picked {
            self.dice.count(fault);
        }
        picked
    }

    /// The refusal of a state that began before.
    fn refusal_under_way(&self, now: TsNs, is_order: bool) -> Option<ApiReply> {
        let episodes = &self.episodes;
        if episodes.suspended.is_on(now) || is_order && episodes.too_many.is_on(now) {
            return Some(self.bare_too_many());
        }
        (is_order && episodes.address_blocked.is_on(now)).then(|| self.address_refusal().reply())
    }

    fn refuse_by_fault(&mut self, now: TsNs, fault: Fault) -> ApiReply {
        let length = self.dice.lasts(fault);
        match fault {
            Fault::Suspended => {
                self.episodes.suspended.begin(now, length);
                self.bare_too_many()
            }
            Fault::TooMany => {
                self.episodes.too_many.begin(now, length);
                self.bare_too_many()
            }
            Fault::AddressBlocked => {
                self.episodes.address_blocked.begin(now, length);
                self.address_refusal().reply()
            }
            Fault::HiddenAuthError => self.hidden_auth_error(),
            Fault::Redirect => {
                let mut reply = ApiReply::redirect("https://127.0.0.1:9/v3/order/place".to_owned());
                reply.status = if self.dice.between(fault, 0, 1) == 0 {
                    302
                } else {
                    307
                };
                reply
            }
            _ => self.error_reply(fault),
        }
    }

    /// A 429 that does not say when to come back, whatever the options say of true ones.
    fn bare_too_many(&self) -> ApiReply {
        let mut reply = self.too_many_reply(None);
        reply.headers.clear();
        reply
    }

    /// The refusal of an address that is not registered.
    pub(super) fn address_refusal(&self) -> Refusal {
        Refusal::new("UDAPI1154", "This address is not registered for order calls")
            .with_status(self.settings.options.static_ip_status)
    }

    fn hidden_auth_error(&mut self) -> ApiReply {
        let page = |status, words: &str| ApiReply {
            status,
            body: words.as_bytes().to_vec(),
            headers: Vec::new(),
            delivery: Delivery::Now,
        };
        match self.dice.between(Fault::HiddenAuthError, 0, 2) {
            0 => page(
                200,
                r#"{"status":"error","message":"Invalid token used to access API"}"#,
            ),
            1 => page(
                400,
                r#"{"status":"error","errors":[{"message":"Session has expired, please log in"}]}"#,
            ),
            _ => page(200, "Unauthorized"),
        }
    }

    /// What is sent in place of a reply.
    fn end_badly(&mut self, now: TsNs, reply: ApiReply, ending: Option<Fault>) -> ApiReply {
        if ending == Some(Fault::Silence) {
            let length = self.dice.lasts(Fault::Silence);
            self.episodes.silent.begin(now, length);
        }
        if self.episodes.silent.is_on(now) {
            return lost_reply(reply);
        }
        match ending {
            None => reply,
            Some(Fault::ErrorAfter) => self.error_reply(Fault::ErrorAfter),
            Some(Fault::NoOrderId) => self.no_order_id(),
            Some(Fault::BadJson) => self.bad_json(reply),
            Some(Fault::ReplyLate) => ApiReply {
                delivery: Delivery::After(self.dice.lasts(Fault::ReplyLate)),
                ..reply
            },
            Some(_) => lost_reply(reply),
        }
    }

    /// An answer of a service that is out of order, or of the gateway before it.
    fn error_reply(&mut self, fault: Fault) -> ApiReply {
        let page = |status| ApiReply {
            status,
            body: PAGE.as_bytes().to_vec(),
            headers: vec![("Content-Type", "text/html".to_owned())],
            delivery: Delivery::Now,
        };
        match self.dice.between(fault, 0, 4) {
            0 => UNEXPECTED.reply(),
            1 => page(502),
            2 => page(503),
            3 => ApiReply {
                body: Vec::new(),
                ..page(504)
            },
            _ => page(200),
        }
    }

    fn no_order_id(&mut self) -> ApiReply {
        let datas = [
            json!({}),
            json!({ "order_ids": [] }),
            json!(null),
            json!({ "order_ids": [""] }),
        ];
        let choice = self.dice.between(Fault::NoOrderId, 0, 3) as usize;
        ApiReply::success(&datas[choice])
    }

    fn bad_json(&mut self, mut reply: ApiReply) -> ApiReply {
        const HUGE: &str =
            r#"{"status":"success","data":{"order_ids":[123456789012345678901234567890123456789]}}"#;
        let choice = self.dice.between(Fault::BadJson, 0, 3);
        match choice {
            0 => {
                let whole = reply.body.len() as i64;
                let kept = self.dice.between(Fault::BadJson, 0, (whole - 1).max(0));
                reply.body.truncate(kept as usize);
            }
            1 => {
                let whole = reply.body.strip_prefix(b"{").unwrap_or_default().to_vec();
                reply.body = br#"{"status":"success","data":{"order_ids":["990101000000001"]},"#.to_vec();
                reply.body.extend(whole);
            }
            2 => reply.body = b"[".repeat(LEVELS),
            _ => reply.body = HUGE.as_bytes().to_vec(),
        }
        reply
    }
}

fn lost_reply(reply: ApiReply) -> ApiReply {
    ApiReply {
        delivery: Delivery::Never,
        ..reply
    }
}
