//! What the broker answers: status, JSON envelope, error codes, and how the answer is delivered.
//!
//! Errors carry both spellings of every key, as the real service does. Codes: the broker's API documentation;
//! message texts are ours, since clients must match on codes. HTTP status of codes without a known one is 400.

use bijli_core::DurationNs;
use serde_json::{Value, json};

/// How a reply reaches the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// At once.
    Now,
    /// After this much simulated time.
    After(DurationNs),
    /// Never: the connection is closed instead.
    Never,
}

/// A reply to an API call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiReply {
    /// HTTP status.
    pub status: u16,
    /// JSON text.
    pub body: Vec<u8>,
    /// Headers beyond the content's own: `Location`, `Retry-After`.
    pub headers: Vec<(&'static str, String)>,
    /// How it is delivered.
    pub delivery: Delivery,
}

/// A refusal with the broker's code.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    status: u16,
    code: &'static str,
    message: &'static str,
    property: Option<&'static str>,
    value: Value,
}

impl Refusal {
    pub(crate) const fn new(code: &'static str, message: &'static str) -> Self {
        let status = match code.as_bytes() {
            b"UDAPI100050" | b"UDAPI100016" | b"UDAPI100057" | b"UDAPI100068" | b"UDAPI100069" => 401,
            b"UDAPI10005" => 429,
            b"UDAPI10000" => 404,
            b"UDAPI100500" => 500,
            b"UDAPI100067" | b"UDAPI1154" | b"UDAPI1179" => 403,
            b"UDAPI100072" => 423,
            _ => 400,
        };
        Self {
            status,
            code,
            message,
            property: None,
            value: Value::Null,
        }
    }

    /// Names the field at fault.
    pub(crate) fn at(mut self, property: &'static str, value: impl Into<Value>) -> Self {
        self.property = Some(property);
        self.value = value.into();
        self
    }

    pub(crate) const fn code(&self) -> &'static str {
        self.code
    }

    /// The same refusal under another HTTP status.
    pub(crate) const fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same refusal in other words.
    pub(crate) const fn with_message(mut self, message: &'static str) -> Self {
        self.message = message;
        self
    }

    /// One row of a list of errors, in both spellings.
    pub(crate) fn row(&self) -> Value {
        json!({
            "errorCode": self.code,
            "message": self.message,
            "propertyPath": self.property,
            "invalidValue": self.value,
            "error_code": self.code,
            "property_path": self.property,
            "invalid_value": self.value,
        })
    }

    pub(crate) fn reply(&self) -> ApiReply {
        ApiReply::json(self.status, &json!({ "status": "error", "errors": [self.row()] }))
    }
}

/// The answer to a request that is refused before its meaning is looked at.
pub(crate) fn surface_refusal(status: u16) -> ApiReply {
    let refusal = match status {
        404 => NOT_SUPPORTED,
        405 => Refusal::new("UDAPI10000", "This method is not supported by this path"),
        406 => Refusal::new("UDAPI100036", "Only JSON is spoken here"),
        413 => Refusal::new("UDAPI100036", "The body is too long"),
        _ => BAD_INPUT,
    };
    refusal.with_status(status).reply()
}

impl ApiReply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            body: body.to_string().into_bytes(),
            headers: Vec::new(),
            delivery: Delivery::Now,
        }
    }

    /// A redirect.
    pub(crate) fn redirect(location: String) -> Self {
        Self {
            status: 302,
            body: Vec::new(),
            headers: vec![("Location", location)],
            delivery: Delivery::Now,
        }
    }

    pub(crate) fn success(data: &Value) -> Self {
        Self::json(200, &json!({ "status": "success", "data": data }))
    }

    /// Success of a version 3 order call, which tells its latency.
    pub(crate) fn order_success(data: &Value, latency_ms: i64) -> Self {
        let body = json!({ "status": "success", "data": data, "metadata": { "latency": latency_ms } });
        Self::json(200, &body)
    }
}

pub(crate) const NOT_SUPPORTED: Refusal = Refusal::new(
    "UDAPI10000",
    "This request is not supported by this host of the API",
);
pub(crate) const TOO_MANY: Refusal = Refusal::new("UDAPI10005", "Too Many Request Sent");
pub(crate) const BAD_TOKEN: Refusal = Refusal::new("UDAPI100050", "Invalid token used to access API");
pub(crate) const READ_ONLY_TOKEN: Refusal = Refusal::new(
    "UDAPI100067",
    "This call is not permitted with a token that only reads",
);
pub(crate) const UNEXPECTED: Refusal = Refusal::new("UDAPI100500", "Something went wrong");
pub(crate) const BAD_INPUT: Refusal = Refusal::new("UDAPI100036", "Invalid input");
pub(crate) const BAD_KEY: Refusal = Refusal::new("UDAPI100011", "Invalid Instrument key");
pub(crate) const NO_SUCH_ORDER: Refusal = Refusal::new("UDAPI100010", "Order not found");
