//! Checks of one call as a whole, shared by the tables of what the builders send.

use bijli_core::IstDay;
use bijli_gateway::upstox::call::Call;
use bijli_gateway::{Auth, Body, Host, Method};
use serde_json::Value;

pub(crate) const OPTION: &str = "NSE_FO|45450";

pub(crate) fn day(year: i32, month: u32, day: u32) -> IstDay {
    IstDay::from_ymd(year, month, day).expect("a real date")
}

pub(crate) fn body(call: &Call) -> Value {
    match &call.body {
        Some(Body::Json(text)) => serde_json::from_str(text).expect("well-formed"),
        Some(Body::Form(text)) => Value::String(text.clone()),
        None => Value::Null,
    }
}

/// Checks one call whole: `GET /path?a=b`, its body, its host and whether the token goes along.
pub(crate) fn check(call: &Call, line: &str, json: &Value, host: Host, auth: Auth) {
    let method = match call.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
    };
    assert_eq!(format!("{method} {}", call.path), line);
    assert_eq!(body(call), *json, "{line}");
    assert_eq!((call.host, call.auth), (host, auth), "{line}");
}

pub(crate) fn read(call: &Call, path: &str) {
    check(
        call,
        &format!("GET {path}"),
        &Value::Null,
        Host::Api,
        Auth::Bearer,
    );
    assert!(call.is_read());
}

pub(crate) fn open_read(call: &Call, path: &str) {
    check(call, &format!("GET {path}"), &Value::Null, Host::Api, Auth::None);
}
