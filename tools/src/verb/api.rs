//! `bijli api`: one raw call, for finding out what the broker really answers.
//!
//! Invariants: anything but GET needs `--write` and consent, and is sent once; the call goes to the host that the path
//! belongs to and counts against its limits like any other; tokens and secrets in an answer are withheld, and what is
//! printed moves no cursor. The exit code follows the status: 0 for 2xx, 3 for what is not there, 5 for other
//! refusals, 1 for trouble on the way or at the broker, and for a write whose answer proves neither. Left out: headers.

use bijli_gateway::evidence::{ErrorClass, ReadError};
use bijli_gateway::request::{Body, Method, Reply};
use bijli_gateway::upstox::call::{Call, host_of};
use bijli_gateway::upstox::envelope::{refusal_of, success_of};
use serde_json::{Value, json};

use super::broker_arguments::{BrokerArguments, BrokerSession, Shown, call_trouble, read_trouble};
use super::broker_write::{Consent, Fate, fate, run_write, unknown};
use super::table::one_line;
use crate::broker_access::Trouble;
use crate::exit_code;

/// Fields of answers that let their holder act for the account.
const SECRET_FIELDS: [&str; 6] = [
    "access_token",
    "extended_token",
    "refresh_token",
    "client_secret",
    "authorized_redirect_uri",
    "authorizedRedirectUri",
];
const WITHHELD: &str = "(withheld)";

/// Arguments of `api`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// GET, or with --write POST, PUT or DELETE.
    #[arg(value_parser = method)]
    method: Method,
    /// Path with its query, such as /v2/user/profile; it begins with /v2/ or /v3/.
    #[arg(value_parser = path)]
    path: String,
    /// JSON to send with it.
    #[arg(long, value_name = "JSON", value_parser = body)]
    data: Option<Value>,
    /// Allow a method that may change something.
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    broker: BrokerArguments,
}

fn method(text: &str) -> Result<Method, String> {
    match text.to_ascii_uppercase().as_str() {
        "GET" => Ok(Method::Get),
        "POST" => Ok(Method::Post),
        "PUT" => Ok(Method::Put),
        "DELETE" => Ok(Method::Delete),
        _ => Err("write GET, POST, PUT or DELETE".to_owned()),
    }
}

/// A path as it may be sent: what no address may hold is percent-encoded, what is encoded stays.
fn path(text: &str) -> Result<String, String> {
    if !text.starts_with("/v2/") && !text.starts_with("/v3/") {
        return Err("a path begins with /v2/ or /v3/".to_owned());
    }
    if text.contains('#') || text.chars().any(char::is_control) {
        return Err("a path holds no `#` and no control characters".to_owned());
    }
    let bare = text.split('?').next().unwrap_or_default();
    if bare.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err("a path climbs nowhere".to_owned());
    }
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/?&=%,:;@!$'()*+".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(encoded)
}

fn body(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    if let Err(trouble) = args.check() {
        return args.broker.refuse(trouble);
    }
    let call = Call {
        host: host_of(&args.path),
        ..Call::api(
            args.method,
            args.path.clone(),
            args.data.as_ref().map(|data| Body::Json(data.to_string())),
        )
    };
    let mut code = exit_code::OK;
    let work = |session: &mut BrokerSession| {
        let reply = session
            .caller()
            .call(&call)
            .map_err(|error| call_trouble(&error))?;
        let status = status_of(&call, &reply)?;
        code = code_of(&call, status, &reply);
        Ok(shown(session, status, &reply.body))
    };
    let ran = if args.method == Method::Get {
        args.broker.run(work)
    } else {
        run_write(&args.broker, args.consent, &args.what(), work)
    };
    if ran == exit_code::OK { code } else { ran }
}

impl Args {
    /// All that is sent.
    fn what(&self) -> String {
        let with = self.data.as_ref().map_or_else(
            || "without data".to_owned(),
            |data| format!("with {}", one_line(&data.to_string())),
        );
        format!("{} {} {with}", method_name(self.method), self.path)
    }

    fn check(&self) -> Result<(), Trouble> {
        match self.method {
            Method::Get if self.data.is_some() => Err(Trouble::usage("a GET carries no data")),
            Method::Get => Ok(()),
            _ if self.write => Ok(()),
            method => Err(Trouble::usage(format!(
                "{} may change something at the broker: add --write to allow it",
                method_name(method)
            ))),
        }
    }
}

const fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
    }
}

/// The status, or what it means that there is none.
fn status_of(call: &Call, reply: &Reply) -> Result<u16, Trouble> {
    let none = ReadError::Transport;
    reply.outcome.map_err(|_| {
        let trouble = read_trouble(&call.path, &none);
        match fate(reply, &none) {
            Fate::Unknown if !call.is_read() => unknown(&trouble.message),
            _ => trouble,
        }
    })
}

fn code_of(call: &Call, status: u16, reply: &Reply) -> i32 {
    if !call.is_read()
        && let Err(error) = success_of(reply)
        && fate(reply, &error) == Fate::Unknown
    {
        eprintln!("error: {}", unknown(&format!("status {status}")).message);
        return exit_code::ERROR;
    }
    let class = refusal_of(&reply.body).map(|refusal| refusal.class);
    match (status, class) {
        (200..300, _) => exit_code::OK,
        (404, _) | (400..500, Some(ErrorClass::NotFound)) => exit_code::NO_DATA,
        (408 | 429, _) => exit_code::ERROR,
        (400..500, _) => exit_code::BROKER,
        _ => exit_code::ERROR,
    }
}

fn shown(session: &BrokerSession, status: u16, body: &[u8]) -> Shown {
    let mut value = serde_json::from_slice(body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()));
    withhold(&mut value, &|text| session.withheld(text));
    let text = match &value {
        Value::String(text) => visible(text),
        value => serde_json::to_string_pretty(value).expect("a tree of JSON prints"),
    };
    Shown {
        data: json!({ "status": status, "body": value }),
        text: format!("{status}\n{text}"),
    }
}

/// Takes secrets out of an answer.
fn withhold(value: &mut Value, token_free: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = token_free(text),
        Value::Array(values) => values.iter_mut().for_each(|value| withhold(value, token_free)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if SECRET_FIELDS.contains(&name.as_str()) && !value.is_null() {
                    *value = Value::String(WITHHELD.to_owned());
                } else {
                    withhold(value, token_free);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Text that is no JSON, without what moves a cursor.
fn visible(text: &str) -> String {
    let shown = |sign: char| {
        if sign.is_control() && !matches!(sign, '\n' | '\t') {
            ' '
        } else {
            sign
        }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_its_place_and_keeps_what_is_encoded() {
        assert_eq!(
            path("/v2/quotes?instrument_key=NSE_EQ|INE,NSE_INDEX%7CNifty 50").as_deref(),
            Ok("/v2/quotes?instrument_key=NSE_EQ%7CINE,NSE_INDEX%7CNifty%2050")
        );
        for wrong in [
            "",
            "v2/x",
            "/v1/x",
            "//evil/v2/x",
            "https://evil/v2/x",
            "/v2/../v3/x",
            "/v2/x#y",
            "/v2/x\r\ny",
        ] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_raw_write_is_done_or_refused_only_where_the_broker_says_so() {
        let refusal = r#"{"status":"error","errors":[{"errorCode":"UDAPI100010","message":"no"}]}"#;
        let code = |method, status, body: &str| {
            let call = Call::api(method, "/v3/order/place", None);
            let reply = Reply {
                outcome: Ok(status),
                body: body.as_bytes().to_vec(),
            };
            code_of(&call, status, &reply)
        };
        for (status, body, write, read) in [
            (
                200,
                r#"{"status":"success","data":{}}"#,
                exit_code::OK,
                exit_code::OK,
            ),
            (200, refusal, exit_code::ERROR, exit_code::OK),
            (200, "<html>", exit_code::ERROR, exit_code::OK),
            (200, "", exit_code::ERROR, exit_code::OK),
            (400, "<html>", exit_code::ERROR, exit_code::BROKER),
            (404, "<html>", exit_code::ERROR, exit_code::NO_DATA),
            (408, "", exit_code::ERROR, exit_code::ERROR),
            (400, refusal, exit_code::NO_DATA, exit_code::NO_DATA),
            (502, refusal, exit_code::ERROR, exit_code::ERROR),
        ] {
            assert_eq!(
                (code(Method::Post, status, body), code(Method::Get, status, body)),
                (write, read),
                "{status} {body}"
            );
        }
    }

    #[test]
    fn tokens_are_withheld_wherever_they_stand() {
        let mut value = json!({
            "access_token": "abc", "extended_token": null, "said": ["the token-of-the-day is here", 1],
            "inner": { "client_secret": { "x": 1 }, "user": "SIM001" },
        });
        withhold(&mut value, &|text| text.replace("token-of-the-day", WITHHELD));
        assert_eq!(
            value,
            json!({
                "access_token": WITHHELD, "extended_token": null, "said": ["the (withheld) is here", 1],
                "inner": { "client_secret": WITHHELD, "user": "SIM001" },
            })
        );
        assert_eq!(visible("<p>\u{1b}[2J\n"), "<p> [2J\n");
    }
}
