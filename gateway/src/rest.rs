//! What holds for every REST call, whoever makes it: how often, again or not, stop or go on, with which token.
//!
//! Pure: the time is an argument. Read in this order: what a reply says about the way it
//! came ([`verdict`]), whether to ask again ([`retry`], [`retry_after`]), when to leave a host alone
//! ([`breaker`]), when to raise the alarm ([`error_rate`]), whether the token can be alive ([`token_gate`]), a
//! class of calls as a whole ([`class_health`]), all of it for a caller of single calls ([`policy`]). The budgets stand
//! in [`crate::budget`].
//! Rules: only reads are ever repeated; nothing is sent with a token known dead.

pub mod verdict;
pub mod retry_after;
pub mod retry;
pub mod breaker;
pub mod error_rate;
pub mod token_gate;
pub mod class_health;
pub mod policy;
