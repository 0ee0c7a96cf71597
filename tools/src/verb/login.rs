//! `bijli login`: gets the day's access token and keeps it; looks at it; ends it.
//!
//! Three ways: the dialog in a browser on this machine (its redirect is heard on loopback), the same without one
//! (`--headless`: the redirected address is pasted), or a request that the account's owner approves on the phone
//! (`--request`: the broker posts the token to a notifier address that leads here). Invariants: a code is exchanged
//! once, and only if it came with the `state` of this login; a posted token, which nobody signs, is kept only if it
//! is for our application, was issued while we wait, and the broker accepts it as the named user's; it never outlives
//! the broker's rule, whatever the post says; no secret is an argument, and none is printed. Source: the broker's
//! login documentation.

mod listener;
mod pasted;

use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;

use bijli_core::{DurationNs, TsNs};
use bijli_gateway::evidence::ReadError;
use bijli_gateway::socket::RestCaller;
use bijli_gateway::upstox::account_api;
use bijli_gateway::upstox::auth_api::{self, Dialog, Exchange, Notice, TokenRequest};
use bijli_gateway::upstox::field::Secret;
use bijli_gateway::upstox::token;
use serde_json::json;

use self::listener::{Heard, Listener};
use super::broker_arguments::{
    BrokerArguments, Shown, Target, call_trouble, credential_trouble, read_trouble,
};
use crate::broker_access::{Access, Trouble};
use crate::credential::{CredentialError, Name, Place, StoredToken};
use crate::duty_cycle::wall_now;
use crate::exit_code;
use crate::words;

/// Farthest that the broker's clock and ours may be apart.
const CLOCKS_APART_MAX: DurationNs = DurationNs::from_secs(60);

/// Arguments of `login`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    broker: BrokerArguments,
    /// No browser here: paste the address that the dialog led to, or its code.
    #[arg(long, group = "way")]
    headless: bool,
    /// Ask the account's owner to approve on the phone; the broker posts the token to the notifier address, which must
    /// lead to --listen.
    #[arg(long, group = "way", requires = "listen")]
    request: bool,
    /// Loopback address where the notifier's post arrives.
    #[arg(long, value_name = "ADDRESS:PORT", requires = "request")]
    listen: Option<SocketAddr>,
    /// Show whether a token is kept and how long it lives; asks nobody.
    #[arg(long, group = "way")]
    status: bool,
    /// End the token at the broker and forget it here.
    #[arg(long, group = "way")]
    logout: bool,
    /// Keep the token in the kernel's keyring instead of the token file.
    #[arg(long)]
    keyring: bool,
    /// How long to wait for the answer, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    wait: u64,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    let target = match args.broker.target() {
        Ok(target) => target,
        Err(trouble) => return args.broker.show(false, Err(trouble)),
    };
    let outcome = match (args.status, args.logout, args.request) {
        (true, ..) => status(&target),
        (_, true, _) => logout(&target),
        (.., true) => by_request(args, &target),
        _ => by_dialog(args, &target),
    };
    args.broker.show(target.is_simulated, outcome)
}

/// The application that logs in.
struct Application {
    id: String,
    secret: Secret,
}

impl Application {
    fn of(target: &Target) -> Result<Self, Trouble> {
        if let Some(printed) = target
            .printed
            .as_ref()
            .filter(|printed| !printed.client_id.is_empty())
        {
            return Ok(Self {
                id: printed.client_id.clone(),
                secret: Secret::new(printed.client_secret.clone()),
            });
        }
        let find = |name| {
            target
                .places
                .application(name)
                .map_err(|error| credential_trouble(&error))
        };
        Ok(Self {
            id: find(Name::ClientId)?.expose().to_owned(),
            secret: find(Name::ClientSecret)?,
        })
    }
}

fn by_dialog(args: &Args, target: &Target) -> Result<Shown, Trouble> {
    let application = Application::of(target)?;
    let state = fresh_state()?;
    let (listener, redirect_uri) = if args.headless {
        (None, target.redirect_uri.clone())
    } else {
        let (listener, uri) = Listener::of_redirect(&target.redirect_uri)?;
        (Some(listener), uri)
    };
    let dialog = Dialog {
        client_id: &application.id,
        redirect_uri: &redirect_uri,
        state: Some(&state),
    };
    let url = auth_api::dialog_url(&target.access.api_url, &dialog);
    eprintln!("open this address in a browser and log in:\n{url}");
    let code = match listener {
        Some(listener) => {
            eprintln!("waiting {} s for the browser to come back ...", args.wait);
            heard_code(&listener, args.wait, &state)?
        }
        None => pasted::code(&state)?,
    };
    let exchange = auth_api::exchange(&Exchange {
        code: code.expose(),
        client_id: &application.id,
        client_secret: application.secret.expose(),
        redirect_uri: &redirect_uri,
    });
    let issued = wall_now();
    let reply = tokenless(target)?
        .call(&exchange)
        .map_err(|error| call_trouble(&error))?;
    let grant = auth_api::grant_of(&reply).map_err(|error| spent(&exchange.path, &error))?;
    let token = StoredToken::issued_at(grant.access_token, issued);
    keep(args, target, &token, grant.user_id.as_deref().unwrap_or("-"))
}

/// Waits until the browser brings a code with the right state. Another state is refused and waited past: any page in
/// the browser may call a port of this machine.
fn heard_code(listener: &Listener, wait_s: u64, state: &str) -> Result<Secret, Trouble> {
    listener.wait(wait_s, |asked| {
        if asked.method != "GET" || !asked.is_at(listener.path()) {
            return Heard::refuse("404 Not Found", "nothing is here");
        }
        let Some(callback) = auth_api::callback_of(&asked.target) else {
            return Heard::refuse("400 Bad Request", "the dialog sent no code");
        };
        if callback.state.as_deref() != Some(state) {
            eprintln!("refused: a code came that does not belong to this login (wrong state)");
            return Heard::refuse("400 Bad Request", "this code does not belong to this login");
        }
        Heard::Take(callback.code)
    })
}

fn by_request(args: &Args, target: &Target) -> Result<Shown, Trouble> {
    let application = Application::of(target)?;
    let address = args
        .listen
        .ok_or_else(|| Trouble::usage("--request needs --listen"))?;
    let listener = Listener::at(address)?;
    let request = auth_api::request_token(&TokenRequest {
        client_id: &application.id,
        client_secret: application.secret.expose(),
    });
    let begun = wall_now();
    let reply = tokenless(target)?
        .call(&request)
        .map_err(|error| call_trouble(&error))?;
    let asked =
        auth_api::token_requested_of(&reply).map_err(|error| read_trouble("token request", &error))?;
    let notifier = asked
        .notifier_url
        .unwrap_or_else(|| "an unknown address".to_owned());
    eprintln!("approve the login on the phone; the broker will post the token to {notifier}");
    eprintln!("waiting {} s at http://{} ...", args.wait, listener.address());
    let (token, user) = listener.wait(args.wait, |posted| {
        let notice = auth_api::notice_of(&posted.body);
        match notice {
            Ok(notice) if posted.method == "POST" && notice.client_id == application.id => {
                match accepted(target, notice, begun) {
                    Ok(kept) => Heard::Take(kept),
                    Err(trouble) => {
                        eprintln!(
                            "refused: a token was posted that cannot be taken: {}",
                            trouble.message
                        );
                        Heard::refuse("400 Bad Request", "not accepted")
                    }
                }
            }
            _ => Heard::refuse("400 Bad Request", "no notice for this application"),
        }
    })?;
    keep(args, target, &token, &user)
}

/// A posted token is believed when the broker takes it: the post itself is signed by nobody. `begun` is when the login
/// began.
fn accepted(target: &Target, notice: Notice, begun: TsNs) -> Result<(StoredToken, String), Trouble> {
    let (issued, now) = (notice.issued_at, wall_now());
    // A simulated day has its own time.
    if !target.is_simulated && !is_of_this_login(issued, begun, now) {
        return Err(Trouble::broker("it was not issued during this login"));
    }
    let token = StoredToken {
        token: notice.access_token,
        issued,
        expires: notice.expires_at.min(token::expiry(issued)),
    };
    let mut caller = caller_with(target, &token)?;
    let call = account_api::profile();
    let reply = caller.call(&call).map_err(|error| call_trouble(&error))?;
    let profile = account_api::profile_of(&reply).map_err(|error| read_trouble(&call.path, &error))?;
    if profile.user_id != notice.user_id {
        return Err(Trouble::broker("it is another user's than the notice says"));
    }
    Ok((token, profile.user_id))
}

/// Whether a token was issued between the login's beginning and now, as far as two clocks agree.
fn is_of_this_login(issued: TsNs, begun: TsNs, now: TsNs) -> bool {
    issued.plus(CLOCKS_APART_MAX) >= begun && issued <= now.plus(CLOCKS_APART_MAX)
}

fn keep(args: &Args, target: &Target, token: &StoredToken, user: &str) -> Result<Shown, Trouble> {
    let place = target
        .places
        .keep_token(token, args.keyring)
        .map_err(|error| credential_trouble(&error))?;
    let life = words::token_text(token.expires, wall_now(), false);
    Ok(Shown {
        data: json!({
            "user_id": user,
            "kept_in": place.to_string(),
            "issued_ist": words::stamp_text(token.issued),
            "expires_ist": words::stamp_text(token.expires),
        }),
        text: format!("logged in as {user}\nkept in {place}\n{life}"),
    })
}

fn status(target: &Target) -> Result<Shown, Trouble> {
    let now = wall_now();
    let (token, place) = match target.places.living_token(now) {
        Ok(found) => found,
        Err(error @ CredentialError::Missing { .. }) => {
            return Err(Trouble {
                code: exit_code::NO_DATA,
                message: error.to_string(),
            });
        }
        Err(error) => return Err(credential_trouble(&error)),
    };
    let time = |ts: TsNs| ts.is_set().then(|| words::stamp_text(ts));
    let left_s = token
        .expires
        .is_set()
        .then(|| token.expires.since(now).get() / 1_000_000_000);
    Ok(Shown {
        data: json!({
            "kept_in": place.to_string(),
            "issued_ist": time(token.issued),
            "expires_ist": time(token.expires),
            "left_s": left_s,
        }),
        text: format!(
            "kept in {place}\n{}\nwhether the broker still accepts it, `bijli account` tells",
            words::token_text(token.expires, now, false)
        ),
    })
}

fn logout(target: &Target) -> Result<Shown, Trouble> {
    let living = target.places.living_token(wall_now());
    let (token, place) = living
        .or_else(|_| target.places.token())
        .map_err(|error| credential_trouble(&error))?;
    let ended = if token.is_dead(wall_now()) {
        "it was dead already"
    } else {
        let call = auth_api::logout();
        let mut caller = caller_with(target, &token)?;
        let reply = caller.call(&call).map_err(|error| call_trouble(&error))?;
        match auth_api::logged_out_of(&reply) {
            Ok(_) => "ended at the broker",
            Err(error) if reply.outcome == Ok(401) => {
                let _known_dead = error;
                "the broker had ended it already"
            }
            Err(error) => return Err(read_trouble(&call.path, &error)),
        }
    };
    let cleared = target
        .places
        .forget_token()
        .map_err(|error| credential_trouble(&error))?;
    let mut text = format!("{ended}\nforgotten in {} place(s)", cleared.len());
    if let Place::ServiceManager(path) = &place {
        text.push_str(&format!(
            "\nthe credential {} is the service manager's: remove it there",
            path.display()
        ));
    }
    let cleared: Vec<String> = cleared.iter().map(ToString::to_string).collect();
    Ok(Shown {
        data: json!({ "ended": ended, "forgotten_in": cleared }),
        text,
    })
}

fn tokenless(target: &Target) -> Result<RestCaller, Trouble> {
    RestCaller::without_token(&target.access.rest()).map_err(|error| Trouble::usage(error.to_string()))
}

fn caller_with(target: &Target, token: &StoredToken) -> Result<RestCaller, Trouble> {
    let access = Access {
        token: token.token.expose().to_owned(),
        ..target.access.clone()
    };
    RestCaller::new(&access.rest(), token.expires).map_err(|error| Trouble::usage(error.to_string()))
}

/// A code is burnt by its exchange, however that ends.
fn spent(path: &str, error: &ReadError) -> Trouble {
    let trouble = read_trouble(path, error);
    Trouble {
        code: exit_code::BROKER,
        message: format!(
            "{}; the login code is spent: begin again with `bijli login`",
            trouble.message
        ),
    }
}

/// Sixteen random bytes that tie the dialog's answer to this login.
fn fresh_state() -> Result<String, Trouble> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|error| Trouble::error(format!("/dev/urandom: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_posted_token_must_have_been_issued_while_the_login_waited() {
        let at = |seconds| TsNs::new(1_790_000_000_000_000_000).plus(DurationNs::from_secs(seconds));
        for (issued, taken) in [
            (at(-61), false),
            (at(-60), true),
            (at(0), true),
            (at(300), true),
            (at(360), true),
            (at(361), false),
            (TsNs::new(i64::MAX), false),
            (TsNs::NEVER, false),
        ] {
            assert_eq!(is_of_this_login(issued, at(0), at(300)), taken, "{issued:?}");
        }
    }
}
