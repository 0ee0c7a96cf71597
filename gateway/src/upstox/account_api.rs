//! The account: profile, kill switch, registered addresses.
//!
//! Invariants: a changed kill switch or address kills the token, so a new login follows. A disabled segment stays so
//! for 12 hours. Funds are in `funds_api.rs`. Source: the broker's user documentation.

use bijli_core::TsNs;

use super::answer::{data, record, words};
use super::call::{Body, Call, Method};
use super::json_body::{ObjectWriter, list};
use super::vocabulary::Segment;
use crate::evidence::ReadError;
use crate::request::Reply;

/// Who the account belongs to and what it may do.
#[must_use]
pub fn profile() -> Call {
    Call::get("/v2/user/profile")
}

record! {
    /// Who the account belongs to and what it may do.
    pub struct Profile {
        /// The client code.
        pub user_id: String,
        /// The client's name.
        pub user_name: Option<String>,
        /// The client's address for mail.
        pub email: Option<String>,
        /// The broker's name.
        pub broker: Option<String>,
        /// The sort of account.
        pub user_type: Option<String>,
        /// Exchanges that it may trade on.
        pub exchanges: Option<Vec<String>>,
        /// Products that it may use.
        pub products: Option<Vec<String>>,
        /// Order types that it may use.
        pub order_types: Option<Vec<String>>,
        /// Whether the broker may deliver shares sold, by the old paper.
        pub poa: Option<bool>,
        /// The same by the new paper.
        pub ddpi: Option<bool>,
        /// Whether it is active.
        pub is_active: Option<bool>,
    }
}

/// Who the account belongs to.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn profile_of(reply: &Reply) -> Result<Profile, ReadError> {
    data(reply)
}

/// Where the kill switch stands.
#[must_use]
pub fn kill_switch() -> Call {
    Call::get("/v2/user/kill-switch")
}

words! {
    /// What is done to trading in a segment.
    pub enum KillAction {
        /// Trading is allowed again, at the earliest after 12 hours.
        Enable = "ENABLE",
        /// Trading is stopped; needs a segment without open positions, cancels open orders.
        Disable = "DISABLE",
    }
}

/// Sets the kill switch of several segments, all or none.
#[must_use]
pub fn set_kill_switch(changes: &[(Segment, KillAction)]) -> Call {
    let rows = changes.iter().map(|(segment, action)| {
        ObjectWriter::new()
            .text("segment", segment.as_str())
            .text("action", action.as_str())
            .end()
    });
    Call::api(Method::Post, "/v2/user/kill-switch", Some(Body::Json(list(rows))))
}

words! {
    /// Whether an account has a segment.
    pub enum SegmentStatus {
        /// It has.
        Active = "ACTIVE",
        /// It has not.
        Inactive = "INACTIVE",
    }
}

record! {
    /// The kill switch of one segment.
    pub struct KillSwitch {
        /// Which segment.
        pub segment: Segment,
        /// Whether the account has it.
        pub segment_status: Option<SegmentStatus>,
        /// Whether trading in it is stopped.
        pub kill_switch_enabled: bool,
    }
}

/// The kill switch of every segment; the reply to reading and to setting it.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn kill_switches_of(reply: &Reply) -> Result<Vec<KillSwitch>, ReadError> {
    data(reply)
}

/// The addresses that orders may come from.
#[must_use]
pub fn static_ip() -> Call {
    Call::get("/v2/user/ip")
}

/// Addresses to register; allowed once in a calendar week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses<'a> {
    /// The address that is used.
    pub primary: &'a str,
    /// The one for when that fails; another than the first.
    pub secondary: Option<&'a str>,
}

/// Registers addresses. All tokens die.
#[must_use]
pub fn set_static_ip(addresses: &Addresses<'_>) -> Call {
    let body = ObjectWriter::new()
        .text("primary_ip", addresses.primary)
        .maybe(addresses.secondary, |object, secondary| {
            object.text("secondary_ip", secondary)
        });
    Call::api(Method::Put, "/v2/user/ip", Some(body.body()))
}

record! {
    /// The addresses that orders may come from.
    pub struct StaticIp {
        /// The address that is used.
        pub primary_ip: Option<String>,
        /// The one for when that fails.
        pub secondary_ip: Option<String>,
        /// When the first was registered.
        pub primary_ip_updated_at: Option<TsNs>,
        /// When the second was registered.
        pub secondary_ip_updated_at: Option<TsNs>,
        /// Whether tokens died; only after a change.
        pub access_tokens_invalidated: Option<bool>,
    }
}

/// The addresses; the reply to reading and to registering them.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn static_ip_of(reply: &Reply) -> Result<StaticIp, ReadError> {
    data(reply)
}
