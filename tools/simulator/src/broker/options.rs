//! What is not known for sure of the real broker, or differs between accounts, as named choices.
//!
//! Every default is the reading that the broker's documentation makes most likely; a test of a client sets the
//! other one. Nothing here is a fault: faults are in [`super::faults`].

use std::net::IpAddr;

/// What becomes of older access tokens when the user logs in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relogin {
    /// They live on until 03:30.
    KeepsTokens,
    /// They die at once.
    RevokesTokens,
}

/// What becomes of a list of orders of which one cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLine {
    /// No order of the list is placed.
    RefusesAll,
    /// The readable ones are placed.
    IsSkipped,
}

/// Choices of one simulated broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerOptions {
    /// The redirect URI that the application is registered with; `None` takes any on loopback.
    pub redirect_uri: Option<String>,
    /// Where the access token is posted after a token request; `None` posts it nowhere.
    pub notifier_url: Option<String>,
    /// Where order updates are posted; `None` posts them nowhere.
    pub order_webhook_url: Option<String>,
    /// Whether the user approves token requests at once; otherwise never.
    pub approves_token_requests: bool,
    /// What a new login does to older tokens (UNVERIFIED; default: nothing).
    pub relogin: Relogin,
    /// Registered algorithm names; any other in `X-Algo-Name` is refused.
    pub algo_names: Vec<String>,
    /// Addresses that order calls may come from; empty leaves them free.
    pub order_ips: Vec<IpAddr>,
    /// HTTP status of an order call from elsewhere (UNVERIFIED; default 403).
    pub static_ip_status: u16,
    /// Lines of a multi-order call (UNVERIFIED; default 10).
    pub multi_lines_max: u32,
    /// Open orders that cancel-all takes (UNVERIFIED; default 10).
    pub cancel_all_max: u32,
    /// Open positions that exit-all takes (UNVERIFIED; default 10).
    pub exit_all_max: u32,
    /// What an unreadable line of a multi-order call does (UNVERIFIED; default: refuses all).
    pub bad_line: BadLine,
    /// Whether every line of a multi-order call counts against the rate limit (UNVERIFIED; default: no).
    pub multi_counts_lines: bool,
    /// Seconds told in `Retry-After` beside a 429 (UNVERIFIED; default: no such header).
    pub retry_after_s: Option<u32>,
    /// Whether orders on MCX are refused with `UDAPI1161`, as since September 2026.
    pub refuses_mcx: bool,
    /// Whether an order's history lists its newest row first (UNVERIFIED; default: oldest first).
    pub history_newest_first: bool,
    /// Shares held from earlier days, invented: so many instruments of the day's cash list.
    pub demo_holdings: u32,
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self {
            redirect_uri: None,
            notifier_url: None,
            order_webhook_url: None,
            approves_token_requests: true,
            relogin: Relogin::KeepsTokens,
            algo_names: Vec::new(),
            order_ips: Vec::new(),
            static_ip_status: 403,
            multi_lines_max: 10,
            cancel_all_max: 10,
            exit_all_max: 10,
            bad_line: BadLine::RefusesAll,
            multi_counts_lines: false,
            retry_after_s: None,
            refuses_mcx: true,
            history_newest_first: false,
            demo_holdings: 0,
        }
    }
}
