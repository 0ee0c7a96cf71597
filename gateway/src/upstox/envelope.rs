//! The form that every reply has: `status`, `data`, `errors`, and what may be concluded from its absence.
//!
//! Invariants: a reply is bounded in size ([`REPLY_BYTES_MAX`]) and depth ([`DEPTH_MAX`]); a known key that
//! stands twice makes the reply unreadable; nothing but a complete, successful envelope is a success.
//! Source: the broker's API documentation (envelope, both spellings of the error code).

use bijli_core::text::Text;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error_code::{class_of, class_of_status};
use super::scalar::Scalar;
use crate::evidence::{ErrorClass, ReadError, Refusal};
use crate::request::Reply;

/// Longest body that is looked at.
pub const REPLY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Deepest nesting of lists and objects that is looked at; real replies have four levels.
pub const DEPTH_MAX: usize = 16;

#[derive(Deserialize)]
struct Envelope<D> {
    #[serde(default)]
    status: Scalar,
    data: Option<D>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    status: Scalar,
    errors: Option<Vec<FailureRow>>,
}

#[derive(Deserialize)]
struct FailureRow {
    #[serde(default)]
    error_code: Scalar,
    /// The deprecated spelling, still sent beside the other.
    #[serde(default, rename = "errorCode")]
    error_code_camel: Scalar,
}

/// A successful reply as a tree: its data and what stands beside them.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Whole {
    status: Scalar,
    /// The answer itself; null when there is none.
    pub(super) data: Value,
    /// The lines that failed, of a write that is made of several.
    pub(super) errors: Value,
    /// How many lines went through.
    pub(super) summary: Value,
    metadata: Value,
    // The page of a list stands under one of three spellings, depending on the endpoint.
    meta_data: Value,
    #[serde(rename = "metaData")]
    meta_data_camel: Value,
}

impl Whole {
    /// Whether some lines went through and others did not.
    pub(super) fn is_partial(&self) -> bool {
        self.status.text() == Some(PARTIAL)
    }

    /// What stands beside the data: latency or page.
    pub(super) fn aside(&self, name: &str) -> Option<&Value> {
        let places = [&self.metadata, &self.meta_data, &self.meta_data_camel];
        places.into_iter().find_map(|place| place.get(name))
    }
}

const PARTIAL: &str = "partial_success";

/// The tree of a successful reply; a partial success counts only where lines can fail one by one.
///
/// # Errors
/// [`ReadError`] for everything else, with the class of error as far as the reply tells it.
pub(super) fn whole_of(reply: &Reply, partial: Partial) -> Result<Whole, ReadError> {
    let status = reply.outcome.map_err(|_| ReadError::Transport)?;
    if !is_bounded(&reply.body) {
        return Err(ReadError::Malformed);
    }
    if (200..300).contains(&status)
        && let Ok(whole) = serde_json::from_slice::<Whole>(&reply.body)
        && (whole.status.text() == Some("success") || (partial == Partial::Counts && whole.is_partial()))
    {
        return Ok(whole);
    }
    Err(failure_of(status, &reply.body))
}

/// Whether `partial_success` is a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Partial {
    /// The call has lines that fail one by one.
    Counts,
    /// The call has none.
    Never,
}

/// The tree of a reply that comes without the envelope, as the token endpoint's does.
///
/// # Errors
/// [`ReadError`] as for any other reply.
pub(super) fn bare_of(reply: &Reply) -> Result<Value, ReadError> {
    let status = reply.outcome.map_err(|_| ReadError::Transport)?;
    if !is_bounded(&reply.body) {
        return Err(ReadError::Malformed);
    }
    if (200..300).contains(&status)
        && let Ok(tree @ Value::Object(_)) = serde_json::from_slice(&reply.body)
        && refusal_of(&reply.body).is_none()
    {
        return Ok(tree);
    }
    Err(failure_of(status, &reply.body))
}

/// Whether a reply of a write proves that it was carried out, at least in part.
///
/// # Errors
/// [`ReadError`] for everything else, with the class of error as far as the reply tells it.
pub fn success_of(reply: &Reply) -> Result<(), ReadError> {
    whole_of(reply, Partial::Counts).map(|_whole| ())
}

fn failure_of(status: u16, body: &[u8]) -> ReadError {
    match refusal_of(body) {
        Some(refusal) => ReadError::Refused(refusal),
        None if (200..300).contains(&status) => ReadError::Malformed,
        None => ReadError::Status(class_of_status(status)),
    }
}

/// The `data` of a successful reply; `None` inside when the reply says success and carries none.
///
/// # Errors
/// [`ReadError`] for everything else, with the class of error as far as the reply tells it.
pub(super) fn data_of<D: DeserializeOwned>(reply: &Reply) -> Result<Option<D>, ReadError> {
    let status = reply.outcome.map_err(|_| ReadError::Transport)?;
    if !is_bounded(&reply.body) {
        return Err(ReadError::Malformed);
    }
    if (200..300).contains(&status)
        && let Ok(envelope) = serde_json::from_slice::<Envelope<D>>(&reply.body)
        && envelope.status.text() == Some("success")
    {
        return Ok(envelope.data);
    }
    Err(failure_of(status, &reply.body))
}

/// The structured refusal in a body: an error envelope whose first row carries a code of the broker.
#[must_use]
pub fn refusal_of(body: &[u8]) -> Option<Refusal> {
    if !is_bounded(body) {
        return None;
    }
    let failure: Failure = serde_json::from_slice(body).ok()?;
    if failure.status.text() != Some("error") {
        return None;
    }
    let errors = failure.errors?;
    let row = errors.first()?;
    let code: Text<24> = row.error_code.id().or_else(|| row.error_code_camel.id())?;
    let known_form = code.as_str().starts_with("UDAPI");
    known_form.then(|| Refusal {
        code,
        class: class_of(code.as_str()),
    })
}

/// Whether a body is short and flat enough to be parsed. The parser skips what it does not know without counting
/// levels, so they are counted here; brackets inside strings do not count.
pub(super) fn is_bounded(body: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return false;
        }
    }
    body.len() <= REPLY_BYTES_MAX
}

/// The class that a status gives where the body tells nothing.
pub(super) const fn class_hint(status: u16) -> Option<ErrorClass> {
    match class_of_status(status) {
        ErrorClass::Unrecognised => None,
        class => Some(class),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            outcome: Ok(status),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn only_a_complete_successful_envelope_gives_data() {
        let good = reply(
            200,
            r#"{"status":"success","data":[1,2],"metadata":{"latency":3}}"#,
        );
        assert_eq!(data_of::<Vec<u32>>(&good), Ok(Some(vec![1, 2])));
        let empty = reply(200, r#"{"status":"success","data":null}"#);
        assert_eq!(data_of::<Vec<u32>>(&empty), Ok(None));
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for body in [
            "",
            "<html>",
            "[]",
            r#"{"status":"success","data":[1,2"#,
            r#"{"status":"partial_success","data":[1]}"#,
            r#"{"status":"success","status":"success","data":[1]}"#,
            r#"{"data":[1]}"#,
            &format!(r#"{{"status":"success","data":[1],"x":{deep}}}"#),
            r#"{"status":"success","data":[99999999999999999999999]}"#,
        ] {
            let read = data_of::<Vec<u32>>(&reply(200, body));
            assert_eq!(read, Err(ReadError::Malformed), "{body}");
        }
    }

    #[test]
    fn both_spellings_of_the_error_code_are_read() {
        for body in [
            r#"{"status":"error","errors":[{"error_code":"UDAPI100050"}]}"#,
            r#"{"status":"error","errors":[{"errorCode":"UDAPI100050","message":null}]}"#,
            r#"{"status":"error","errors":[{"errorCode":"UDAPI100050","error_code":"UDAPI100050"}]}"#,
        ] {
            let refusal = refusal_of(body.as_bytes()).expect("a structured refusal");
            assert_eq!(refusal.class, ErrorClass::Auth);
            assert_eq!(refusal.code.as_str(), "UDAPI100050");
        }
        for body in [
            r#"{"status":"error","errors":[]}"#,
            r#"{"status":"error"}"#,
            r#"{"status":"error","errors":[{"error_code":"E7"}]}"#,
            r#"{"status":"success","errors":[{"error_code":"UDAPI1"}]}"#,
            "Unauthorized",
        ] {
            assert_eq!(refusal_of(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn a_body_without_the_form_leaves_only_the_status() {
        let read = data_of::<Vec<u32>>(&reply(401, "no"));
        assert_eq!(read, Err(ReadError::Status(ErrorClass::Auth)));
        let read = data_of::<Vec<u32>>(&reply(503, "<html>"));
        assert_eq!(read, Err(ReadError::Status(ErrorClass::Internal)));
    }
}
