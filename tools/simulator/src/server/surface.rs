//! What is wrong with a request before its meaning is looked at: kinds of content asked for and sent.
//!
//! Source: RFC 9110 (405, 406) and the broker's API documentation (406 when something else than JSON is
//! asked for; the login code is exchanged as a form, all else as JSON). A body without a named kind is taken, one of another kind is bad
//! input: the documentation has no status of its own for it.

use bijli_wire::http1::RequestHead;

use crate::broker::{ApiReply, surface_refusal};

/// The one call whose body is a form.
const FORM_PATH: &str = "/v2/login/authorization/token";
const JSON_KIND: &str = "application/json";
const FORM_KIND: &str = "application/x-www-form-urlencoded";

/// The status that refuses the request whatever it means.
pub(super) fn unacceptable(head: &RequestHead, body: &[u8]) -> Option<u16> {
    let is_asked = head.headers.get("accept").is_none_or(takes_json);
    if !is_asked {
        return Some(406);
    }
    let kind = head.headers.get("content-type").map(essence);
    let wanted = if head.path() == FORM_PATH {
        FORM_KIND
    } else {
        JSON_KIND
    };
    let is_foreign = kind.is_some_and(|kind| !kind.eq_ignore_ascii_case(wanted));
    (!body.is_empty() && is_foreign).then_some(400)
}

/// The refusal in the broker's envelope.
pub(super) fn refusal(status: u16) -> ApiReply {
    surface_refusal(status)
}

/// A kind of content without its parameters.
fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

fn takes_json(accept: &str) -> bool {
    accept.split(',').any(|part| {
        let kind = essence(part).to_ascii_lowercase();
        [JSON_KIND, "application/*", "*/*", "*", ""].contains(&kind.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(lines: &str, body: &[u8]) -> Option<u16> {
        let text = format!("POST /v3/order/place HTTP/1.1\r\n{lines}\r\n");
        let (head, _) = RequestHead::parse(text.as_bytes())
            .expect("a good head")
            .expect("a whole head");
        unacceptable(&head, body)
    }

    #[test]
    fn json_is_spoken_and_nothing_else() {
        for accept in [
            "*/*",
            "application/json",
            "text/html, application/*;q=0.5",
            "Application/JSON; charset=utf-8",
        ] {
            assert_eq!(status(&format!("Accept: {accept}\r\n"), b"{}"), None, "{accept}");
        }
        assert_eq!(status("Accept: text/html, image/*\r\n", b"{}"), Some(406));
        assert_eq!(
            status("Content-Type: application/json; charset=utf-8\r\n", b"{}"),
            None
        );
        assert_eq!(status("Content-Type: text/plain\r\n", b"{}"), Some(400));
        assert_eq!(status("Content-Type: text/plain\r\n", b""), None);
        assert_eq!(status("", b"{}"), None);
    }
}
