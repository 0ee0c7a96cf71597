//! Logging in and out: dialog address, code exchange, token request with notifier, logout.
//!
//! Invariants: no secret is printed by debug or as JSON; a login code is good for one exchange, even for one that
//! fails, so none of these calls is ever repeated. Left out: who listens for the redirect, and where tokens are
//! kept. Source: the broker's login documentation; see "Login" in `PROTOCOL.md`.

use std::fmt;

use bijli_core::TsNs;
use serde_json::Value;

use super::answer::{bare, data, in_data, record};
use super::call::{Call, FormWriter, Method, PathWriter};
use super::field::Secret;
use super::json_body::ObjectWriter;
use crate::evidence::ReadError;
use crate::request::Reply;

/// What the login dialog needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Dialog<'a> {
    /// The application's key.
    pub client_id: &'a str,
    /// Where the dialog sends the code; exactly as registered.
    pub redirect_uri: &'a str,
    /// Comes back with the code; ties the answer to the question.
    pub state: Option<&'a str>,
}

/// The call that answers with a redirect to the login page. A browser makes it, see [`dialog_url`].
#[must_use]
pub fn dialog(dialog: &Dialog<'_>) -> Call {
    let path = PathWriter::new("/v2/login/authorization/dialog")
        .param("response_type", "code")
        .param("client_id", dialog.client_id)
        .param("redirect_uri", dialog.redirect_uri)
        .maybe("state", dialog.state);
    Call::get(path.end()).without_token()
}

/// The address to open in a browser.
#[must_use]
pub fn dialog_url(api_url: &str, asked: &Dialog<'_>) -> String {
    format!("{}{}", api_url.trim_end_matches('/'), dialog(asked).path)
}

/// What the dialog sent to the redirect address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The login code; single use.
    pub code: Secret,
    /// What was given to the dialog.
    pub state: Option<String>,
}

/// Reads the address (or the target of the request) that the dialog redirected to; `None` without a code.
#[must_use]
pub fn callback_of(address: &str) -> Option<Callback> {
    let (_, query) = address.split_once('?')?;
    let query = query.split('#').next()?;
    let value_of = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(found, _)| *found == name)
            .and_then(|(_, value)| decoded(value))
    };
    let code = value_of("code").filter(|code| !code.is_empty())?;
    Some(Callback {
        code: Secret::new(code),
        state: value_of("state"),
    })
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let (high, low) = (
                    char::from(rest.next()?).to_digit(16)?,
                    char::from(rest.next()?).to_digit(16)?,
                );
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// What turns a login code into a token.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    /// The code of the callback.
    pub code: &'a str,
    /// The application's key.
    pub client_id: &'a str,
    /// The application's secret.
    pub client_secret: &'a str,
    /// As given to the dialog.
    pub redirect_uri: &'a str,
}

impl fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// The call that turns a login code into a token. Never to be repeated.
#[must_use]
pub fn exchange(exchange: &Exchange<'_>) -> Call {
    let form = FormWriter::default()
        .field("code", exchange.code)
        .field("client_id", exchange.client_id)
        .field("client_secret", exchange.client_secret)
        .field("redirect_uri", exchange.redirect_uri)
        .field("grant_type", "authorization_code");
    Call::api(Method::Post, "/v2/login/authorization/token", Some(form.end())).without_token()
}

record! {
    /// A token and whose it is.
    pub struct Grant {
        /// The access token; dies at the next 03:30 in India.
        pub access_token: Secret,
        /// A token for reading, where the account has one.
        pub extended_token: Option<Secret>,
        /// The client code.
        pub user_id: Option<String>,
        /// The client's name.
        pub user_name: Option<String>,
        /// The client's address for mail.
        pub email: Option<String>,
        /// Exchanges that the account may trade on.
        pub exchanges: Option<Vec<String>>,
        /// Products that the account may use.
        pub products: Option<Vec<String>>,
        /// Order types that the account may use.
        pub order_types: Option<Vec<String>>,
        /// Whether the account is active.
        pub is_active: Option<bool>,
    }
}

/// The token of an exchange; the reply has no envelope.
///
/// # Errors
/// [`ReadError`] when the reply holds no token.
pub fn grant_of(reply: &Reply) -> Result<Grant, ReadError> {
    bare(reply)
}

/// Who asks the account's owner for a token.
#[derive(Clone, Copy)]
pub struct TokenRequest<'a> {
    /// The application's key.
    pub client_id: &'a str,
    /// The application's secret.
    pub client_secret: &'a str,
}

impl fmt::Debug for TokenRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRequest")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Asks the account's owner, on the phone, to approve a token, which the broker then posts to the notifier address.
#[must_use]
pub fn request_token(request: &TokenRequest<'_>) -> Call {
    let path = PathWriter::new("/v3/login/auth/token/request").segment(request.client_id);
    let body = ObjectWriter::new()
        .text("client_secret", request.client_secret)
        .body();
    Call::api(Method::Post, path.end(), Some(body)).without_token()
}

record! {
    /// A token request that waits for approval.
    pub struct TokenRequested {
        /// When the request lapses.
        pub authorization_expiry: TsNs | "authorizationExpiry",
        /// Where the token will be posted.
        pub notifier_url: Option<String> | "notifierUrl",
    }
}

/// What became of a token request.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn token_requested_of(reply: &Reply) -> Result<TokenRequested, ReadError> {
    data(reply)
}

record! {
    /// What the broker posts to the notifier address. Nobody signs it: check it by using the token.
    pub struct Notice {
        /// The application's key.
        pub client_id: String,
        /// The client code.
        pub user_id: String,
        /// The token.
        pub access_token: Secret,
        /// When the token was issued.
        pub issued_at: TsNs,
        /// When the token dies.
        pub expires_at: TsNs,
        /// The sort of token; `Bearer`.
        pub token_type: Option<String>,
        /// The sort of notice; `access_token`.
        pub message_type: Option<String>,
    }
}

/// Reads what was posted to the notifier address.
///
/// # Errors
/// [`ReadError`] when it is no notice.
pub fn notice_of(body: &[u8]) -> Result<Notice, ReadError> {
    if !super::envelope::is_bounded(body) {
        return Err(ReadError::Malformed);
    }
    let tree: Value = serde_json::from_slice(body).map_err(|_| ReadError::Malformed)?;
    in_data(&tree)
}

/// Ends the token.
#[must_use]
pub fn logout() -> Call {
    Call::api(Method::Delete, "/v2/logout", None)
}

/// Whether the token was ended.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn logged_out_of(reply: &Reply) -> Result<bool, ReadError> {
    data(reply)
}
