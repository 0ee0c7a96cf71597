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
        /// HTTP status of a call beyond a rate limit; one client reports 200 (not documented).
        too_many_status: u16 = 429,
        /// Whether a call beyond a rate limit is answered with the error envelope; otherwise without a body.
        too_many_has_body: bool = true,
        /// Whether the login answer tells token_type and expires_in (sources contradict each other).
        login_tells_expiry: bool = false,
        /// Days that the token lives that only reads (not documented).
        extended_token_days: u16 = 365,
        /// Whether the order host answers GTT calls too (not documented).
        gtt_on_order_host: bool = false,
        /// Whether an after-market order in market hours is refused; otherwise `is_amo` is ignored then (sources
        /// contradict each other).
        checks_is_amo: bool = true,
        /// Whether the quantity of a modification includes what is filled already (not documented).
        modify_includes_filled: bool = true,
        /// Whether the slices of a line of a multi-order call are numbered, as `leg_1`; otherwise all bear its
        /// `correlation_id` (not documented).
        numbers_slices: bool = false,
        /// Whether orders on MCX are refused with `UDAPI1161`, as since September 2026.
        refuses_mcx: bool = true,
        /// How often an order may be modified (not documented; another broker allows 25).
        modifications_max: u32 = 25,
        /// When the broker closes intraday positions and cancels their orders, as 1525 for 15:25 (differs by segment
        /// and has changed); `None` leaves it to the client.
        intraday_square_off: Option<u32> = None,
        /// Whether an order's history lists its newest row first (not documented).
        history_newest_first: bool = false,
        /// Shares held from earlier days, invented: so many instruments of the day's cash list.
        demo_holdings: u32 = 2,
    }
}
