//! `bijli account`: whose account it is, what it may do, its money, its switches, its addresses, its token.
//!
//! Each part is asked for by itself: one that the broker does not tell at this hour (funds at night) is named as
//! such and hides none of the others. The profile must come, or the verb fails.

use std::fmt::Write as _;

use bijli_core::Money;
use bijli_gateway::upstox::account_api::{self, KillSwitch, Profile, StaticIp};
use bijli_gateway::upstox::funds_api::{self, Funds};
use serde::Serialize;
use serde_json::{Value, json};

use super::broker_arguments::{BrokerArguments, BrokerSession, Shown};
use crate::broker_access::Trouble;
use crate::duty_cycle::wall_now;
use crate::words;

/// Arguments of `account`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    broker: BrokerArguments,
}

/// Everything that is shown.
struct Account {
    profile: Profile,
    funds: Result<Funds, Trouble>,
    switches: Result<Vec<KillSwitch>, Trouble>,
    addresses: Result<StaticIp, Trouble>,
    token: String,
    token_place: String,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    args.broker.run(|session| {
        let account = Account::ask(session)?;
        Ok(Shown {
            data: account.data(session),
            text: account.text(),
        })
    })
}

impl Account {
    fn ask(session: &mut BrokerSession) -> Result<Self, Trouble> {
        Ok(Self {
            profile: session.ask(&account_api::profile(), account_api::profile_of)?,
            funds: session.ask(&funds_api::funds_v3(), funds_api::funds_v3_of),
            switches: session.ask(&account_api::kill_switch(), account_api::kill_switches_of),
            addresses: session.ask(&account_api::static_ip(), account_api::static_ip_of),
            token: words::token_text(session.token_expires(), wall_now(), false),
            token_place: session.token_place.clone(),
        })
    }

    fn data(&self, session: &BrokerSession) -> Value {
        let expires = session.token_expires();
        json!({
            "profile": self.profile,
            "funds": part(&self.funds),
            "kill_switch": part(&self.switches),
            "static_ip": part(&self.addresses),
            "token": {
                "expires_ist": expires.is_set().then(|| words::stamp_text(expires)),
                "found_in": self.token_place,
            },
        })
    }

    fn text(&self) -> String {
        let profile = &self.profile;
        let list = |words: &Option<Vec<String>>| words.as_deref().unwrap_or_default().join(" ");
        let name = profile.user_name.as_deref().unwrap_or("-");
        let active = match profile.is_active {
            Some(true) => "active",
            Some(false) => "NOT ACTIVE",
            None => "activity not told",
        };
        let mut rows = vec![
            ("client", format!("{}  {name}  {active}", profile.user_id)),
            ("exchanges", list(&profile.exchanges)),
            ("products", list(&profile.products)),
            ("orders", list(&profile.order_types)),
        ];
        rows.extend(self.funds_rows());
        rows.push(("kill", self.switch_text()));
        rows.push(("address", self.address_text()));
        rows.push(("token", format!("{}, from {}", self.token, self.token_place)));
        let mut text = String::new();
        for (name, words) in rows {
            let _ = writeln!(text, "{name:<10} {words}");
        }
        text
    }

    fn funds_rows(&self) -> Vec<(&'static str, String)> {
        let funds = match &self.funds {
            Ok(funds) => funds,
            Err(trouble) => return vec![("funds", unavailable(trouble))],
        };
        let rupees = |amount: Money| format!("₹{}", words::rupees(amount));
        let available = &funds.available_to_trade;
        let mut rows = vec![("funds", format!("{} to trade", rupees(available.total)))];
        let cash = available.cash_available_to_trade.as_ref();
        if let Some(cash) = cash.and_then(|cash| cash.cash.as_ref())
            && let Some(opening) = cash.opening_balance
        {
            rows.push(("opening", rupees(opening)));
        }
        if let Some(used) = cash
            .and_then(|cash| cash.margin_used.as_ref())
            .and_then(|used| used.total)
        {
            rows.push(("margin", format!("{} used", rupees(used))));
        }
        rows
    }

    fn switch_text(&self) -> String {
        match &self.switches {
            Ok(switches) => {
                let stopped = switches.iter().filter(|switch| switch.kill_switch_enabled);
                let names: Vec<&str> = stopped.map(|switch| switch.segment.as_str()).collect();
                if names.is_empty() {
                    "no segment stopped".to_owned()
                } else {
                    format!("TRADING STOPPED in {}", names.join(" "))
                }
            }
            Err(trouble) => unavailable(trouble),
        }
    }

    fn address_text(&self) -> String {
        match &self.addresses {
            Ok(addresses) => {
                let word = |address: &Option<String>| address.clone().unwrap_or_else(|| "none".to_owned());
                format!(
                    "{} registered, {} in reserve",
                    word(&addresses.primary_ip),
                    word(&addresses.secondary_ip)
                )
            }
            Err(trouble) => unavailable(trouble),
        }
    }
}

/// A part that was told, or why it was not.
fn part<T: Serialize>(told: &Result<T, Trouble>) -> Value {
    match told {
        Ok(told) => json!(told),
        Err(trouble) => json!({ "unavailable": trouble.message }),
    }
}

fn unavailable(trouble: &Trouble) -> String {
    format!("not told: {}", trouble.message)
}
