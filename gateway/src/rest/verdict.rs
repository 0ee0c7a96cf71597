//! What a reply says about the way it came: served, refused, or no answer that a working broker gives.
//!
//! Invariants: only the broker's own code for it calls a token dead; a 401 whose code names another cause is judged
//! by that code; a verdict looks at status and error form only, never at the data of a success. Left out: what the
//! reply means for an order, which is [`crate::evidence`]'s. Source: the broker's API documentation (statuses,
//! error codes); a limit refusal under another status than 429 is known from other clients only.

use crate::evidence::ErrorClass;
use crate::request::Reply;
use crate::upstox::envelope::refusal_of;
use crate::upstox::error_code::class_of_status;

/// The code of an access token that is not accepted.
const TOKEN_REFUSED: &str = "UDAPI100050";

/// How a call fared, as far as the way to the broker is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The broker did what was asked.
    Served,
    /// The broker said no in its own words.
    Refused(ErrorClass),
    /// The broker says in its own code that the access token is dead.
    TokenDead,
    /// A 401 that names no other cause: the token may be dead, or something between here and the broker said it.
    TokenDoubted,
    /// Too many calls.
    TooMany,
    /// No reply, a server's own trouble, a redirect, or something that is not the broker's form at all.
    Failed,
}

impl Verdict {
    /// The verdict on a reply.
    #[must_use]
    pub fn of(reply: &Reply) -> Self {
        let Ok(status) = reply.outcome else {
            return Self::Failed;
        };
        let refusal = refusal_of(&reply.body);
        let class = refusal.map(|refusal| refusal.class);
        if refusal.is_some_and(|refusal| refusal.code.as_str() == TOKEN_REFUSED) {
            return Self::TokenDead;
        }
        if status == 429 || class == Some(ErrorClass::Rate) {
            return Self::TooMany;
        }
        if status == 401 && matches!(class, None | Some(ErrorClass::Auth | ErrorClass::Unrecognised)) {
            return Self::TokenDoubted;
        }
        match status {
            200..=299 if looks_like_json(&reply.body) => class.map_or(Self::Served, Self::Refused),
            400..=499 => Self::Refused(class.unwrap_or(class_of_status(status))),
            _ => Self::Failed,
        }
    }

    /// Whether the host may be in trouble: five such verdicts in a row open a [`crate::rest::breaker::Breaker`].
    /// A refusal is an answer of a host that works. Too many calls counts all the same: whoever goes on is
    /// suspended. A dead token does not: it ends all calls by itself, and the host is well; a doubted one does.
    #[must_use]
    pub const fn is_trouble(self) -> bool {
        matches!(self, Self::Failed | Self::TooMany | Self::TokenDoubted)
    }

    /// Whether it counts towards the alert. "No such order" is an answer, and "the order has ended" is what a
    /// cancel that met a fill hears; all other refusals should not happen.
    #[must_use]
    pub const fn is_error(self) -> bool {
        !matches!(
            self,
            Self::Served | Self::Refused(ErrorClass::NotFound | ErrorClass::OrderFinished)
        )
    }

    /// Whether the same read may fare better later.
    #[must_use]
    pub const fn may_pass_later(self) -> bool {
        self.is_trouble()
    }
}

/// Whether a body begins as the broker's answers do; a page of a proxy does not.
fn looks_like_json(body: &[u8]) -> bool {
    body.iter()
        .find(|byte| !byte.is_ascii_whitespace())
        .is_some_and(|byte| matches!(byte, b'{' | b'['))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Transport;

    fn verdict(status: u16, body: &str) -> Verdict {
        Verdict::of(&Reply {
            outcome: Ok(status),
            body: body.as_bytes().to_vec(),
        })
    }

    fn error(code: &str) -> String {
        format!(r#"{{"status":"error","errors":[{{"errorCode":"{code}"}}]}}"#)
    }

    #[test]
    fn each_reply_has_one_verdict() {
        let success = r#"{"status":"success","data":{}}"#;
        for (status, body, expected) in [
            (200, success.to_owned(), Verdict::Served),
            (207, success.to_owned(), Verdict::Served),
            (200, "<html>maintenance</html>".to_owned(), Verdict::Failed),
            (200, String::new(), Verdict::Failed),
            (302, String::new(), Verdict::Failed),
            (500, error("UDAPI100500"), Verdict::Failed),
            (503, "<html>".to_owned(), Verdict::Failed),
            (401, "<html>".to_owned(), Verdict::TokenDoubted),
            (401, error("UDAPI100016"), Verdict::TokenDoubted),
            (401, error("UDAPI9"), Verdict::TokenDoubted),
            (401, error("UDAPI100050"), Verdict::TokenDead),
            (401, error("UDAPI1154"), Verdict::Refused(ErrorClass::Restricted)),
            (
                401,
                error("UDAPI100073"),
                Verdict::Refused(ErrorClass::Restricted),
            ),
            (401, error("UDAPI10005"), Verdict::TooMany),
            (400, error("UDAPI100016"), Verdict::Refused(ErrorClass::Auth)),
            (403, error("UDAPI100050"), Verdict::TokenDead),
            (429, "<html>".to_owned(), Verdict::TooMany),
            (400, error("UDAPI10005"), Verdict::TooMany),
            (200, error("UDAPI10005"), Verdict::TooMany),
            (400, error("UDAPI1052"), Verdict::Refused(ErrorClass::Validation)),
            (400, error("UDAPI100010"), Verdict::Refused(ErrorClass::NotFound)),
            (
                423,
                error("UDAPI100072"),
                Verdict::Refused(ErrorClass::ServiceClosed),
            ),
            (403, String::new(), Verdict::Refused(ErrorClass::Restricted)),
        ] {
            assert_eq!(verdict(status, &body), expected, "{status} {body}");
        }
        let lost = Reply {
            outcome: Err(Transport { wrote_bytes: true }),
            body: Vec::new(),
        };
        assert_eq!(Verdict::of(&lost), Verdict::Failed);
    }

    #[test]
    fn a_refusal_is_an_error_but_no_trouble_of_the_host() {
        let refused = Verdict::Refused(ErrorClass::Validation);
        assert!(refused.is_error() && !refused.is_trouble() && !refused.may_pass_later());
        let absent = Verdict::Refused(ErrorClass::NotFound);
        assert!(!absent.is_error() && !absent.is_trouble());
        assert!(Verdict::TokenDead.is_error() && !Verdict::TokenDead.is_trouble());
        assert!(Verdict::TooMany.is_trouble() && Verdict::Failed.is_trouble());
    }
}
