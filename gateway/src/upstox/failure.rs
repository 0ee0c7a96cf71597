//! The lines of an error envelope with all that the broker says: for people, and for writes made of several lines.
//!
//! Invariants: reading never fails, and no line that is an object is lost, code or not; message texts are shown, never matched.
//! Source: the broker's API documentation (error envelope, both spellings).

use serde_json::Value;

use super::answer::record;
use super::envelope::is_bounded;
use super::field::Field;

record! {
    /// One complaint of the broker.
    pub struct Failure {
        /// The broker's code, e.g. `UDAPI1052`.
        pub error_code: Option<String> | "errorCode",
        /// What the broker says, for people.
        pub message: Option<String>,
        /// Which field of the request is meant.
        pub property_path: Option<String> | "propertyPath",
        /// What stood there.
        pub invalid_value: Option<String> | "invalidValue",
        /// Which line of a multi-order request is meant.
        pub correlation_id: Option<String> | "correlationId",
        /// Which order is meant.
        pub order_id: Option<String> | "orderId",
        /// Which instrument is meant.
        pub instrument_key: Option<String> | "instrumentKey",
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let code = self.error_code.as_deref().unwrap_or_default();
        f.write_str(if code.is_empty() { "no code" } else { code })?;
        let told = [
            ("line", &self.correlation_id),
            ("order", &self.order_id),
            ("instrument", &self.instrument_key),
            ("field", &self.property_path),
            ("value", &self.invalid_value),
        ];
        for (name, value) in told {
            if let Some(value) = value {
                write!(f, " {name} {value}")?;
            }
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        write!(f, "; {}", super::error_code::remedy_of(code))
    }
}

/// All complaints in the body of a reply.
#[must_use]
pub fn failures_of(body: &[u8]) -> Vec<Failure> {
    if !is_bounded(body) {
        return Vec::new();
    }
    let tree: Value = serde_json::from_slice(body).unwrap_or_default();
    tree.get("errors").map(failures_in).unwrap_or_default()
}

/// The complaints in a list of errors.
pub(super) fn failures_in(errors: &Value) -> Vec<Failure> {
    let rows = errors.as_array().into_iter().flatten();
    rows.filter_map(|row| Failure::read(row).ok()).collect()
}
