//! What all verbs that call the broker share: which broker, which token, how answers and refusals are shown.
//!
//! A verb flattens [`BrokerArguments`] into its own and hands its work to [`BrokerArguments::run`], which opens a
//! [`BrokerSession`], prints what the work gives, and makes the exit code:
//!
//! | code | when |
//! |---:|---|
//! | 0 | answered |
//! | 1 | no reply, an unreadable one, an open breaker, a spent budget, the broker's own trouble |
//! | 2 | wrong arguments or configuration |
//! | 3 | the broker has no such thing |
//! | 5 | the broker refused, or there is no living token: `bijli login` |
//!
//! With `--json` stdout holds one object: `{"broker", "data"}` or `{"broker", "error": {"exit_code", "message"}}`;
//! `broker` is `upstox` or `simulator`. Left out: what is asked, which each verb decides.

use std::path::{Path, PathBuf};

use bijli_core::TsNs;
use bijli_gateway::evidence::{ErrorClass, ReadError};
use bijli_gateway::request::Reply;
use bijli_gateway::rest::policy::CallError;
use bijli_gateway::socket::RestCaller;
use bijli_gateway::upstox::answer::Paged;
use bijli_gateway::upstox::call::Call;
use bijli_gateway::upstox::field::Secret;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::broker_access::{Access, Trouble};
use crate::config_file::{self, BrokerSection, leads_here};
use crate::credential::{CredentialError, Places, StoredToken};
use crate::duty_cycle::wall_now;
use crate::exit_code;
use crate::stdout::print_line;

/// Read when no file is named.
const CONFIG_DEFAULT: &str = "bijli.toml";
/// Most pages of one list.
const PAGES_MAX: u32 = 1_000;

/// Which broker, and how its answers are shown.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct BrokerArguments {
    /// Configuration whose section `broker` counts; default: bijli.toml where there is one, else the real broker.
    #[arg(long, value_name = "FILE", conflicts_with = "broker")]
    pub config: Option<PathBuf>,
    /// A simulator instead: the file that holds the JSON line which `bijli sim` printed.
    #[arg(long, value_name = "FILE")]
    pub broker: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// A broker by its addresses, and where its secrets are.
#[derive(Clone)]
pub struct Target {
    /// Addresses; the token is empty until one is found.
    pub access: Access,
    /// Whether it is a simulator: nothing there is real.
    pub is_simulated: bool,
    /// Where secrets are looked for.
    pub places: Places,
    /// Where the login dialog sends the code.
    pub redirect_uri: String,
    /// What the simulator printed, if that is the target.
    pub printed: Option<Printed>,
}

/// What `bijli sim` prints, as far as a client needs it.
#[derive(Clone, Deserialize)]
pub struct Printed {
    api_url: String,
    order_url: String,
    feed_url: String,
    stream_url: String,
    token: String,
    /// The application's key.
    #[serde(default)]
    pub client_id: String,
    /// The application's secret.
    #[serde(default)]
    pub client_secret: String,
    ca_pem_path: Option<PathBuf>,
}

/// An open way to the broker.
#[derive(Debug)]
pub struct BrokerSession {
    caller: RestCaller,
    token: Secret,
    is_simulated: bool,
    /// Where the token came from, for people.
    pub token_place: String,
}

/// What a verb shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// For scripts.
    pub data: Value,
    /// For people.
    pub text: String,
}

impl BrokerArguments {
    /// Opens the broker, does the work, shows what came of it; gives the exit code.
    #[must_use]
    pub fn run(&self, work: impl FnOnce(&mut BrokerSession) -> Result<Shown, Trouble>) -> i32 {
        let target = match self.target() {
            Ok(target) => target,
            Err(trouble) => return self.show(false, Err(trouble)),
        };
        let is_simulated = target.is_simulated;
        self.show(
            is_simulated,
            target.open().and_then(|mut session| work(&mut session)),
        )
    }

    /// Shows why a verb did not even begin; gives the exit code.
    #[must_use]
    pub fn refuse(&self, trouble: Trouble) -> i32 {
        let is_simulated = self.target().is_ok_and(|target| target.is_simulated);
        self.show(is_simulated, Err(trouble))
    }

    /// Which broker is meant.
    ///
    /// # Errors
    /// [`Trouble`] for a file that cannot be used.
    pub fn target(&self) -> Result<Target, Trouble> {
        if let Some(path) = &self.broker {
            return simulator_target(path);
        }
        let path = match &self.config {
            Some(path) => Some(path.clone()),
            None => Some(PathBuf::from(CONFIG_DEFAULT)).filter(|path| path.is_file()),
        };
        let section = match path {
            Some(path) => {
                let loaded = config_file::load(&path).map_err(|errors| Trouble::usage(errors.to_string()))?;
                loaded.config.broker
            }
            None => BrokerSection::default(),
        };
        configured_target(&section)
    }

    /// Shows what came of a verb's work; gives the exit code.
    #[must_use]
    pub fn show(&self, is_simulated: bool, outcome: Result<Shown, Trouble>) -> i32 {
        let broker = if is_simulated { "simulator" } else { "upstox" };
        match outcome {
            Ok(shown) if self.json => {
                print_line(&json!({ "broker": broker, "data": shown.data }).to_string());
                exit_code::OK
            }
            Ok(shown) => {
                if is_simulated {
                    print_line("*** SIMULATED BROKER ***");
                }
                print_line(shown.text.trim_end());
                exit_code::OK
            }
            Err(trouble) => {
                if self.json {
                    let error = json!({ "exit_code": trouble.code, "message": trouble.message });
                    print_line(&json!({ "broker": broker, "error": error }).to_string());
                }
                eprintln!("error: {}", trouble.message);
                trouble.code
            }
        }
    }
}

impl Target {
    /// Opens the broker with a living token.
    ///
    /// # Errors
    /// [`Trouble`] where there is no living token or an address cannot be used. Nothing is sent.
    pub fn open(&self) -> Result<BrokerSession, Trouble> {
        let (token, token_place) = self.living_token()?;
        let access = Access {
            token: token.token.expose().to_owned(),
            ..self.access.clone()
        };
        let caller = RestCaller::new(&access.rest(), token.expires);
        Ok(BrokerSession {
            caller: caller.map_err(|error| Trouble::usage(error.to_string()))?,
            token: token.token,
            is_simulated: self.is_simulated,
            token_place,
        })
    }

    /// The token and where it came from. A simulator's printed token counts where nothing newer was kept.
    fn living_token(&self) -> Result<(StoredToken, String), Trouble> {
        let found = self.places.living_token(wall_now());
        match (found, &self.printed) {
            (Ok((token, place)), _) => Ok((token, place.to_string())),
            (Err(CredentialError::Missing { .. } | CredentialError::Expired { .. }), Some(printed)) => {
                let token = StoredToken {
                    token: Secret::new(printed.token.clone()),
                    issued: TsNs::NEVER,
                    expires: TsNs::NEVER,
                };
                Ok((token, "the simulator's printed line".to_owned()))
            }
            (Err(error), _) => Err(credential_trouble(&error)),
        }
    }
}

impl BrokerSession {
    /// Makes a call and reads its answer.
    ///
    /// # Errors
    /// [`Trouble`] with the exit code that fits.
    pub fn ask<T>(
        &mut self,
        call: &Call,
        read: impl FnOnce(&Reply) -> Result<T, ReadError>,
    ) -> Result<T, Trouble> {
        let reply = self.caller.call(call).map_err(|error| call_trouble(&error))?;
        read(&reply).map_err(|error| read_trouble(&call.path, &error))
    }

    /// Reads all pages of a list, the first one first.
    ///
    /// # Errors
    /// [`Trouble`] with the exit code that fits, and for a list that does not end or changed while it was read.
    pub fn ask_all<T>(
        &mut self,
        call: impl Fn(u32) -> Call,
        read: impl Fn(&Reply) -> Result<Paged<T>, ReadError>,
    ) -> Result<Vec<T>, Trouble> {
        let mut rows = Vec::new();
        for number in 1..=PAGES_MAX {
            let page = self.ask(&call(number), &read)?;
            let goes_on = page.next_page().is_some();
            let total = page.page.as_ref().and_then(|page| page.total_records);
            rows.extend(page.rows);
            if goes_on {
                continue;
            }
            return match total {
                Some(total) if i64::try_from(rows.len()) != Ok(total) => Err(Trouble::error(format!(
                    "the list has {total} rows and {} were read: it changed meanwhile; ask again",
                    rows.len()
                ))),
                _ => Ok(rows),
            };
        }
        Err(Trouble::error(format!(
            "the list has more than {PAGES_MAX} pages"
        )))
    }

    /// A text without the token that this session shows.
    #[must_use]
    pub fn withheld(&self, text: &str) -> String {
        match self.token.expose() {
            "" => text.to_owned(),
            token => text.replace(token, "(withheld)"),
        }
    }

    /// The caller itself, for calls whose reply is more than one answer.
    pub const fn caller(&mut self) -> &mut RestCaller {
        &mut self.caller
    }

    /// Whether the broker is a simulator.
    #[must_use]
    pub const fn is_simulated(&self) -> bool {
        self.is_simulated
    }

    /// When the token dies; [`TsNs::NEVER`] where that is not known.
    #[must_use]
    pub const fn token_expires(&self) -> TsNs {
        self.caller.token().expires()
    }
}

/// What a row is called: its symbol, or where there is none its key.
#[must_use]
pub fn symbol_of(symbol: Option<&str>, key: &str) -> String {
    symbol.unwrap_or(key).to_owned()
}

/// A denial of our own policy, as trouble.
#[must_use]
pub fn call_trouble(error: &CallError) -> Trouble {
    match error {
        CallError::TokenDead(_) => Trouble::broker(error.to_string()),
        CallError::BreakerOpen(..) | CallError::BudgetSpent(..) => Trouble::error(error.to_string()),
    }
}

/// A reply without the answer, as trouble. Query values stay out of the words: they may be an account's.
#[must_use]
pub fn read_trouble(path: &str, error: &ReadError) -> Trouble {
    let bare = path.split_once('?').map_or(path, |(bare, _)| bare);
    let message = format!("{bare}: {error}");
    match error.class() {
        Some(ErrorClass::NotFound) => Trouble {
            code: exit_code::NO_DATA,
            message,
        },
        Some(ErrorClass::Internal | ErrorClass::Rate) | None => Trouble::error(message),
        Some(_) => Trouble::broker(message),
    }
}

/// A secret that cannot be had, as trouble.
#[must_use]
pub fn credential_trouble(error: &CredentialError) -> Trouble {
    if error.needs_login() {
        Trouble::broker(error.to_string())
    } else {
        Trouble::error(error.to_string())
    }
}

/// The broker of a configuration.
///
/// # Errors
/// [`Trouble`] for a certificate that cannot be read.
pub fn configured_target(section: &BrokerSection) -> Result<Target, Trouble> {
    let extra_root_pem = section
        .extra_root_pem_file
        .as_deref()
        .map(|path| read_text(path, "certificate"))
        .transpose()?;
    Ok(Target {
        is_simulated: [
            &section.api_url,
            &section.order_url,
            &section.feed_url,
            &section.stream_url,
        ]
        .into_iter()
        .all(|url| leads_here(url)),
        access: Access {
            api_url: section.api_url.clone(),
            order_url: section.order_url.clone(),
            feed_url: section.feed_url.clone(),
            stream_url: section.stream_url.clone(),
            token: String::new(),
            extra_root_pem,
            algo_name: section.algo_name.clone(),
        },
        places: Places::of_this_process(&section.token_file),
        redirect_uri: section.redirect_uri.clone(),
        printed: None,
    })
}

fn simulator_target(path: &Path) -> Result<Target, Trouble> {
    let text = read_text(path, "simulator's line")?;
    let line = text.lines().next().unwrap_or_default();
    let printed: Printed = serde_json::from_str(line).map_err(|error| {
        Trouble::usage(format!(
            "{} is not the line that `bijli sim` prints: {error}",
            path.display()
        ))
    })?;
    let extra_root_pem = printed
        .ca_pem_path
        .as_deref()
        .map(|path| read_text(path, "certificate"))
        .transpose()?;
    Ok(Target {
        is_simulated: true,
        access: Access {
            api_url: printed.api_url.clone(),
            order_url: printed.order_url.clone(),
            feed_url: printed.feed_url.clone(),
            stream_url: printed.stream_url.clone(),
            token: String::new(),
            extra_root_pem,
            algo_name: None,
        },
        // Secrets of the real broker are not for a simulator: only what stands beside its line counts.
        places: Places::new(None, path.with_file_name("upstox.token"), None),
        redirect_uri: "http://127.0.0.1:0/callback".to_owned(),
        printed: Some(printed),
    })
}

fn read_text(path: &Path, what: &str) -> Result<String, Trouble> {
    std::fs::read_to_string(path)
        .map_err(|error| Trouble::usage(format!("reading the {what} {}: {error}", path.display())))
}
