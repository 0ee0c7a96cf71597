//! How a client comes by a token: login dialog, code exchange, token request with its notifier, TOTP, logout.
//!
//! Invariants: a code is burnt by its first exchange, failed or not; the token answers stand without envelope.
//! The user's own part (typing a password, approving on a phone) happens at once. Source: the broker's API
//! documentation (login); which of two codes answers which wrong field is partly inferred.

use bijli_core::TsNs;
use serde_json::{Value, json};

use super::Broker;
use super::account::{TokenKind, USER_ID, next_token_death};
use super::entry_check::Body;
use super::limiter::CallClass;
use super::options::Relogin;
use super::reply::{ApiReply, Refusal};
use super::route::{Answer, Asked, Route};
use super::webhook::Webhook;

pub(super) const ROUTES: &[Route] = &[
    Route::open_get("/v2/login/authorization/dialog", dialog),
    Route::post("/v2/login/authorization/token", exchange).public(),
    Route::post("/v3/login/auth/token/request/{}", request_token).public(),
    Route::post("/v2/totp-login/authorization/token", totp)
        .public()
        .class(CallClass::Totp),
    Route::delete("/v2/logout", logout),
];

const KEY_REQUIRED: Refusal = Refusal::new("UDAPI1017", "API Key is required");
const REDIRECT_REQUIRED: Refusal = Refusal::new("UDAPI1018", "Redirect URI is required");
const CODE_REQUIRED: Refusal = Refusal::new("UDAPI1022", "Code is required");
const GRANT_REQUIRED: Refusal = Refusal::new("UDAPI1023", "Grant type is required");
const SECRET_REQUIRED: Refusal = Refusal::new("UDAPI1024", "App Secret is required");
const BAD_PAIR: Refusal = Refusal::new("UDAPI100068", "Check your 'client_id' and 'redirect_uri'");
const BAD_LOGIN: Refusal = Refusal::new("UDAPI100069", "Check your login parameters");
const BAD_CODE: Refusal = Refusal::new("UDAPI100057", "Invalid Auth code");
const BAD_CREDENTIALS: Refusal = Refusal::new("UDAPI100016", "Invalid Credentials");

fn dialog(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let client = asked.query("client_id").ok_or(KEY_REQUIRED)?;
    let redirect = asked.query("redirect_uri").ok_or(REDIRECT_REQUIRED)?;
    if client != broker.account.client_id() || !broker.takes_redirect(&redirect) {
        return Err(BAD_PAIR);
    }
    if asked.query("response_type").is_some_and(|kind| kind != "code") {
        return Err(BAD_LOGIN);
    }
    let code = broker.account.issue_code(redirect.clone());
    let glue = if redirect.contains('?') { '&' } else { '?' };
    let mut location = format!("{redirect}{glue}code={code}");
    if let Some(state) = asked.query("state") {
        location.push_str("&state=");
        location.push_str(&percent_encoded(&state));
    }
    Ok(ApiReply::redirect(location))
}

fn exchange(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let field = |name| asked.call.form(name).filter(|value| !value.is_empty());
    let code = field("code").ok_or(CODE_REQUIRED)?;
    // Whatever is wrong with the rest, the code has been shown and is worth nothing any more.
    let issued_for = broker.account.burn_code(&code);
    let client = field("client_id").ok_or(KEY_REQUIRED)?;
    let secret = field("client_secret").ok_or(SECRET_REQUIRED)?;
    let redirect = field("redirect_uri").ok_or(REDIRECT_REQUIRED)?;
    let grant = field("grant_type").ok_or(GRANT_REQUIRED)?;
    if client != broker.account.client_id() || secret != broker.account.client_secret() {
        return Err(BAD_LOGIN);
    }
    if !broker.takes_redirect(&redirect) {
        return Err(BAD_PAIR);
    }
    if grant != "authorization_code" {
        return Err(BAD_LOGIN);
    }
    match issued_for {
        None => Err(BAD_CODE),
        Some(issued_for) if issued_for != redirect => Err(BAD_PAIR),
        Some(_) => Ok(broker.grant(asked.now)),
    }
}

fn totp(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let key = asked.call.header("x-api-key").ok_or(KEY_REQUIRED)?;
    if key != broker.account.client_id() {
        return Err(BAD_CREDENTIALS);
    }
    let body = Body::parse(asked.call.body)?;
    for name in ["totp", "pin"] {
        let digits = body.get(name).and_then(Value::as_str).unwrap_or_default();
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BAD_LOGIN.at(name, Value::Null));
        }
    }
    broker.account.revoke_all();
    Ok(broker.grant(asked.now))
}

fn request_token(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let body = Body::parse(asked.call.body)?;
    let secret = body.text("client_secret", SECRET_REQUIRED)?;
    if asked.arguments[0] != broker.account.client_id() || secret != broker.account.client_secret() {
        return Err(BAD_LOGIN);
    }
    let dies = next_token_death(asked.now);
    let url = broker.settings.options.notifier_url.clone();
    if broker.settings.options.approves_token_requests
        && let Some(url) = &url
    {
        let token = broker.new_token(asked.now);
        let body = json!({
            "client_id": broker.account.client_id(),
            "user_id": USER_ID,
            "access_token": token,
            "token_type": "Bearer",
            "expires_at": millis(dies),
            "issued_at": millis(asked.now),
            "message_type": "access_token",
        });
        broker.webhooks.push_back(Webhook::new(url, &body));
    }
    Ok(ApiReply::success(&json!({
        "authorization_expiry": millis(dies),
        "notifier_url": url.unwrap_or_else(|| "https://notifier.example.invalid/".to_owned()),
    })))
}

fn logout(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    broker.account.log_out(asked.call.bearer);
    Ok(ApiReply::success(&json!(true)))
}

impl Broker {
    /// The application's key.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.account.client_id()
    }

    /// The application's secret.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        self.account.client_secret()
    }

    /// A token that only reads, good for a year.
    #[must_use]
    pub fn reader_token(&self) -> &str {
        self.account.reader_token()
    }

    /// Kills every access token, as a login elsewhere or an administrator would.
    pub fn revoke_token(&mut self) {
        self.account.revoke_all();
    }

    /// Lets the access tokens that are out die at another moment than their 03:30.
    pub fn expire_tokens_at(&mut self, moment: TsNs) {
        self.account.expire_all_at(moment);
    }

    /// When the last of the access tokens that are out dies; `None` when none is out.
    #[must_use]
    pub fn tokens_die(&self) -> Option<TsNs> {
        self.account.tokens_die()
    }

    /// A fresh access token, as the user gets it from the broker's console.
    pub fn issue_token(&mut self, now: TsNs) -> String {
        self.new_token(now)
    }

    fn takes_redirect(&self, uri: &str) -> bool {
        match &self.settings.options.redirect_uri {
            Some(registered) => uri == registered,
            None => ["http://127.0.0.1", "http://localhost", "http://[::1]"]
                .iter()
                .filter_map(|origin| uri.strip_prefix(origin))
                .any(|rest| rest.is_empty() || rest.starts_with([':', '/', '?'])),
        }
    }

    fn new_token(&mut self, now: TsNs) -> String {
        if self.settings.options.relogin == Relogin::RevokesTokens {
            self.account.revoke_all();
        }
        self.account.issue_token(TokenKind::Access, next_token_death(now))
    }

    /// The answer to a login: flat, without envelope.
    fn grant(&mut self, now: TsNs) -> ApiReply {
        let token = self.new_token(now);
        let mut body = self.profile();
        let fields = body.as_object_mut().expect("a profile is an object");
        fields.insert("access_token".to_owned(), json!(token));
        fields.insert("extended_token".to_owned(), json!(self.account.reader_token()));
        if self.settings.options.login_tells_expiry {
            let seconds = next_token_death(now).since(now).get() / 1_000_000_000;
            body["token_type"] = json!("Bearer");
            body["expires_in"] = json!(seconds);
        }
        ApiReply::json(200, &body)
    }
}

fn millis(ts: TsNs) -> String {
    (ts.get() / 1_000_000).to_string()
}

/// Text as it may stand in a query.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
