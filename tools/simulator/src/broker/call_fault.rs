//! Faults of the wire and of the broker's front: calls refused, answered with nonsense, or answered by nobody.
//!
//! Invariant: whether a call is carried out is decided before it is answered, and the ledger knows the truth.
//! Bodies are what gateways in front of a service really send; sources: the broker's API documentation (errors).

use serde_json::json;

use super::Broker;
use super::faults::Fault;
use super::reply::{ApiReply, Delivery, UNEXPECTED};
use super::route::{Asked, Route};

const PAGE: &str = "<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>";

/// What becomes of the answer to a call that is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Truth,
    Error,
    Lost,
    Late,
}

impl Broker {
    /// Answers an order call, or does with it what the dice want.
    pub(super) fn write_with_faults(&mut self, asked: &Asked<'_>, route: &Route) -> ApiReply {
        let is_refused = self.dice.fires(Fault::ErrorBefore);
        if is_refused {
            return self.error_reply(Fault::ErrorBefore);
        }
        let lost = match asked.call.method {
            "DELETE" => Fault::CancelReplyLost,
            "PUT" => Fault::ModifyReplyLost,
            _ => Fault::ReplyLost,
        };
        let ending = self.ending(lost);
        let is_half_lost = ending == Ending::Lost && lost != Fault::ReplyLost;
        if is_half_lost && self.dice.between(lost, 0, 1) == 0 {
            let mut nothing = ApiReply::success(&json!({}));
            nothing.delivery = Delivery::Never;
            return nothing;
        }
        let answer = self
            .check_order_caller(asked.call)
            .and_then(|()| (route.answer)(self, asked));
        let mut reply = answer.unwrap_or_else(|refusal| {
            self.orders_refused += u64::from(asked.call.method == "POST");
            refusal.reply()
        });
        match ending {
            Ending::Truth => {}
            Ending::Error => reply = self.error_reply(Fault::ErrorAfter),
            Ending::Lost => reply.delivery = Delivery::Never,
            Ending::Late => reply.delivery = Delivery::After(self.dice.lasts(Fault::ReplyLate)),
        }
        reply
    }

    /// One ending at most, though every kind rolls: what one does must not move another.
    fn ending(&mut self, lost: Fault) -> Ending {
        let kinds = [
            (Fault::ErrorAfter, Ending::Error),
            (lost, Ending::Lost),
            (Fault::ReplyLate, Ending::Late),
        ];
        let rolled = kinds.map(|(fault, _)| self.dice.rolls(fault));
        let Some(place) = rolled.iter().position(|rolls| *rolls) else {
            return Ending::Truth;
        };
        self.dice.count(kinds[place].0);
        kinds[place].1
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
}
