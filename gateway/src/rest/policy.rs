//! When a caller of single calls may send, must wait or is denied, and whether it asks again.
//!
//! Invariants: one budget and one breaker per class of calls; a write is never asked again, whatever came back;
//! what lowers risk (cancels of orders, exits, stopping a segment) is held by no breaker and no pause and may use the
//! reserve of its budget; all else of a class, other calls too, waits out the pause that the server asked of one;
//! nothing is sent with a token known dead. Left out: sleeping and sending ([`crate::socket`]), what replies mean.
//! The broker counts per user: another process of the same account eats from the same limits and is not seen here,
//! which is why only 80 % of them are used. Source of the limits: the broker's documentation.

use std::collections::BTreeMap;
use std::fmt;

use bijli_core::{DurationNs, TsNs};

use super::breaker::Pauses;
use super::class_health::{ClassHealth, ClassNumbers};
use super::retry::Retry;
use super::token_gate::{TokenDeath, TokenGate};
use super::verdict::Verdict;
use crate::budget::{Budget, Risk};
use crate::request::{Auth, Body, Method, Reply};
use crate::upstox::account_api::KillAction;
use crate::upstox::call::{Call, CallClass};

/// Longest wait for room in a budget; the minute's window empties within it.
pub const BUDGET_WAIT_MAX: DurationNs = DurationNs::from_secs(60);
const LOGOUT_PATH: &str = "/v2/logout";
/// Writes that can only lower risk, whatever their method.
const RISK_LOWERING: [&str; 2] = ["/v2/order/positions/exit", "/v3/order/positions/exit"];
const KILL_SWITCH_PATH: &str = "/v2/user/kill-switch";
const GTT_CANCEL_PATH: &str = "/v3/order/gtt/cancel";

/// Why a call was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The token is dead.
    TokenDead(TokenDeath),
    /// Calls of this class kept failing; the next one is tried at this time.
    BreakerOpen(CallClass, TsNs),
    /// The budget of this class is spent until this time.
    BudgetSpent(CallClass, TsNs),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TokenDead(death) => write!(f, "{death}: nothing was sent; log in with `bijli login`"),
            Self::BreakerOpen(class, until) => write!(
                f,
                "the broker's {class:?} calls kept failing: nothing was sent; the next try is due at {until} IST"
            ),
            Self::BudgetSpent(class, until) => write!(
                f,
                "the broker's limit of {class:?} calls is reached: nothing was sent; there is room at {until} IST"
            ),
        }
    }
}

impl std::error::Error for CallError {}

/// What a caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sends now.
    Send,
    /// Waits until then and asks again.
    WaitUntil(TsNs),
}

#[derive(Debug)]
struct Class {
    budget: Budget,
    health: ClassHealth,
    /// The server wants to be left alone until then.
    not_before: TsNs,
}

/// The policy of one process.
#[derive(Debug)]
pub struct Policy {
    token: TokenGate,
    classes: BTreeMap<CallClass, Class>,
    jitter_seed: u64,
    calls: u64,
}

impl Policy {
    /// A policy for a token that dies at `token_expires`; [`TsNs::NEVER`] where that is not known.
    #[must_use]
    pub const fn new(token_expires: TsNs, jitter_seed: u64) -> Self {
        Self {
            token: TokenGate::new(token_expires),
            classes: BTreeMap::new(),
            jitter_seed,
            calls: 0,
        }
    }

    /// The tries of a new call.
    pub const fn begin(&mut self) -> Retry {
        self.calls += 1;
        Retry::new(self.jitter_seed.wrapping_add(self.calls))
    }

    /// Whether `call` may leave now; if so it is counted as sent.
    ///
    /// # Errors
    /// [`CallError`] where waiting would not help or take too long.
    pub fn ask(&mut self, now: TsNs, call: &Call, retry: &Retry) -> Result<Step, CallError> {
        if call.auth == Auth::Bearer
            && let Some(death) = self.token.death(now)
        {
            return Err(CallError::TokenDead(death));
        }
        let (name, risk) = (call.class(), risk_of(call));
        let class = self.class(name);
        let until = class.health.free_at(now);
        if until > now && !lowers_risk(call) {
            return Err(CallError::BreakerOpen(name, until));
        }
        let mut free = class.budget.free_at(now, risk);
        if !lowers_risk(call) {
            free = free.max(class.not_before);
        }
        if free.since(now) > BUDGET_WAIT_MAX {
            return Err(CallError::BudgetSpent(name, free));
        }
        if free > now || !class.budget.take(now, risk) {
            return Ok(Step::WaitUntil(free));
        }
        class.health.note_sent(now);
        if retry.tries() > 1 {
            class.health.note_retry();
        }
        Ok(Step::Send)
    }

    /// Judges a reply. Gives the pause before the same read is asked again; `None` when this is the answer.
    /// `asked` is the pause that the server asked for.
    pub fn heed(
        &mut self,
        now: TsNs,
        call: &Call,
        reply: &Reply,
        (retry, asked): (&mut Retry, Option<DurationNs>),
    ) -> Option<DurationNs> {
        let verdict = Verdict::of(reply);
        let class = self.class(call.class());
        class.health.note(now, verdict);
        if verdict == Verdict::TooMany {
            class.budget.penalise(now);
        }
        // What the server asks for goes before our own guess.
        let not_before = match asked.filter(|_| verdict.is_trouble()) {
            Some(asked) => now.plus(asked),
            None if verdict == Verdict::TooMany => class.budget.frozen_until(),
            None => class.not_before,
        };
        class.not_before = class.not_before.max(not_before);
        let with_token = call.auth == Auth::Bearer;
        if with_token {
            self.token.note(now, verdict, call.is_read());
        }
        if verdict == Verdict::Served && call.method == Method::Delete && call.path == LOGOUT_PATH {
            self.token.bury(TokenDeath::LoggedOut);
        }
        // Asked again, a read with a doubted token confirms or ends the doubt.
        let hopeless = self.token.death(now).is_some() || (!with_token && verdict == Verdict::TokenDoubted);
        if call.is_read() && verdict.may_pass_later() && !hopeless {
            retry.next_pause(asked)
        } else {
            None
        }
    }

    /// What is known about the token.
    #[must_use]
    pub const fn token(&self) -> &TokenGate {
        &self.token
    }

    /// The numbers of every class that was called.
    #[must_use]
    pub fn numbers(&self, now: TsNs) -> BTreeMap<CallClass, ClassNumbers> {
        let classes = self.classes.iter();
        classes
            .map(|(name, class)| (*name, class.health.numbers(now)))
            .collect()
    }

    fn class(&mut self, name: CallClass) -> &mut Class {
        let seed = self.jitter_seed;
        self.classes.entry(name).or_insert_with(|| Class {
            budget: Budget::of_class(name, seed),
            health: ClassHealth::new(Pauses::PATIENT),
            not_before: TsNs::NEVER,
        })
    }
}

fn risk_of(call: &Call) -> Risk {
    if call.class() == CallClass::Order && !lowers_risk(call) {
        Risk::Raises
    } else {
        Risk::Lowers
    }
}

/// Whether a call is a write that can only take orders or positions away, or stops trading. Withdrawing a standing
/// order (GTT) is none: its rules are stop losses too. A cancel of an order may take a stop away as well, but is
/// what people stop the worst with.
fn lowers_risk(call: &Call) -> bool {
    let bare = call
        .path
        .split_once('?')
        .map_or(call.path.as_str(), |(bare, _)| bare);
    if call.is_read() || bare == GTT_CANCEL_PATH {
        return false;
    }
    let cancels = call.class() == CallClass::Order && call.method == Method::Delete;
    cancels || RISK_LOWERING.contains(&bare) || (bare == KILL_SWITCH_PATH && only_stops(call))
}

/// Whether every row of a kill switch call stops its segment; one that allows trading again raises risk.
fn only_stops(call: &Call) -> bool {
    let body = call.body.as_ref().map_or("", Body::text);
    let Ok(rows) = serde_json::from_str::<Vec<serde_json::Value>>(body) else {
        return false;
    };
    let stop = KillAction::Disable.as_str();
    !rows.is_empty()
        && rows
            .iter()
            .all(|row| row.get("action").and_then(|word| word.as_str()) == Some(stop))
}

#[cfg(test)]
mod tests;
