//! What is not known for sure of the real broker, or differs between accounts, as named choices.
//!
//! Every default is the reading that the broker's documentation makes most likely; a test of a client sets the
//! other one. Nothing here is a fault: faults are in [`super::faults`].

use std::net::IpAddr;

use crate::options::table::option_table;
use crate::options::value::option_words;

option_words! {
    /// What becomes of older access tokens when the user logs in again.
    Relogin {
        /// They live on until 03:30.
        KeepsTokens = "keeps_tokens",
        /// They die at once.
        RevokesTokens = "revokes_tokens",
    }
    /// What becomes of a list of orders of which one cannot be read.
    BadLine {
        /// No order of the list is placed.
        RefusesAll = "refuses_all",
        /// The readable ones are placed.
        IsSkipped = "is_skipped",
    }
}

option_table! {
    /// Choices of one simulated broker.
    BrokerOptions {
        /// The redirect URI that the application is registered with; `None` takes any on loopback.
        redirect_uri: Option<String> = None,
        /// Where the access token is posted after a token request; `None` posts it nowhere.
        notifier_url: Option<String> = None,
        /// Where order updates are posted; `None` posts them nowhere.
        order_webhook_url: Option<String> = None,
        /// Whether the user approves token requests at once; otherwise never.
        approves_token_requests: bool = true,
        /// What a new login does to older tokens (not documented).
        relogin: Relogin = Relogin::KeepsTokens,
        /// Registered algorithm names; any other in `X-Algo-Name` is refused.
        algo_names: Vec<String> = Vec::new(),
        /// Addresses that order calls may come from; empty leaves them free.
        order_ips: Vec<IpAddr> = Vec::new(),
        /// HTTP status of an order call from elsewhere (not documented).
        static_ip_status: u16 = 403,
        /// Lines of a multi-order call (not documented).
        multi_lines_max: u32 = 10,
        /// Open orders that cancel-all takes (not documented).
        cancel_all_max: u32 = 10,
        /// Open positions that exit-all takes (not documented).
        exit_all_max: u32 = 10,
        /// What an unreadable line of a multi-order call does (not documented).
        bad_line: BadLine = BadLine::RefusesAll,
        /// Whether every line of a multi-order call counts against the rate limit (not documented).
        multi_counts_lines: bool = false,
        /// Seconds told in `Retry-After` beside a 429 (not documented).
        retry_after_s: Option<u32> = None,
        /// Whether orders on MCX are refused with `UDAPI1161`, as since September 2026.
        refuses_mcx: bool = true,
        /// Whether an order's history lists its newest row first (not documented).
        history_newest_first: bool = false,
        /// Shares held from earlier days, invented: so many instruments of the day's cash list.
        demo_holdings: u32 = 2,
    }
}
