//! The addresses that order calls may come from: one or two, changed at most once in a calendar week.
//!
//! A change ends every access token. Addresses are enforced once the option `order_ips` names some or a call has
//! set them. Source: the broker's API documentation (static IP); the code of a change too soon is inferred.

use std::net::{IpAddr, Ipv4Addr};

use bijli_core::{DurationNs, IstDay, TsNs};
use serde_json::{Value, json};

use super::Broker;
use super::entry_check::Body;
use super::reply::{ApiReply, BAD_INPUT, Refusal};
use super::route::{Answer, Asked, Route};

pub(super) const ROUTES: &[Route] = &[Route::get("/v2/user/ip", read), Route::put("/v2/user/ip", set)];

/// Registered when the options name none, and two weeks before the day.
const DEFAULT: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
];
const REGISTERED_DAYS_AGO: i32 = 14;

/// The registered addresses.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    is_enforced: bool,
    primary: Option<IpAddr>,
    secondary: Option<IpAddr>,
    primary_changed: Option<TsNs>,
    secondary_changed: Option<TsNs>,
}

impl Addresses {
    pub(super) fn new(registered: &[IpAddr], today: IstDay) -> Self {
        let is_enforced = !registered.is_empty();
        let addresses = if is_enforced { registered } else { &DEFAULT };
        let day = IstDay::new(today.get() - REGISTERED_DAYS_AGO);
        let changed = Some(day.at(DurationNs::from_hm(11, 0)));
        let secondary = addresses.get(1).copied();
        Self {
            is_enforced,
            primary: addresses.first().copied(),
            secondary,
            primary_changed: changed,
            secondary_changed: changed.filter(|_| secondary.is_some()),
        }
    }

    /// Whether an order call may come from here.
    pub(super) fn admits(&self, peer: IpAddr) -> bool {
        !self.is_enforced || self.primary == Some(peer) || self.secondary == Some(peer)
    }

    fn row(&self, invalidated: bool) -> Value {
        let text = |address: Option<IpAddr>| address.map(|address| address.to_string());
        let stamp = |ts: Option<TsNs>| ts.map(|ts| ts.to_string());
        json!({
            "primary_ip": text(self.primary),
            "secondary_ip": text(self.secondary),
            "primary_ip_updated_at": stamp(self.primary_changed),
            "secondary_ip_updated_at": stamp(self.secondary_changed),
            "access_tokens_invalidated": invalidated,
        })
    }

    fn was_changed_in_week_of(&self, now: TsNs) -> bool {
        let week = |ts: TsNs| monday_of(ts.ist_day());
        [self.primary_changed, self.secondary_changed]
            .into_iter()
            .flatten()
            .any(|changed| week(changed) == week(now))
    }
}

fn monday_of(day: IstDay) -> i32 {
    day.get() - i32::try_from(day.weekday()).unwrap_or(0)
}

fn read(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    Ok(ApiReply::success(&broker.addresses.row(false)))
}

fn set(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let body = Body::parse(asked.call.body)?;
    let invalid = || Refusal::new("UDAPI100069", "Check the addresses").with_status(400);
    let parsed = |name: &'static str| match body.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(value) => {
            let address = value.as_str().and_then(|text| text.parse::<IpAddr>().ok());
            address.map(Some).ok_or_else(|| invalid().at(name, value.clone()))
        }
    };
    let primary = parsed("primary_ip")?.ok_or_else(|| BAD_INPUT.at("primary_ip", Value::Null))?;
    let secondary = parsed("secondary_ip")?;
    if secondary == Some(primary) {
        return Err(invalid().at("secondary_ip", primary.to_string()));
    }
    let addresses = &mut broker.addresses;
    if addresses.was_changed_in_week_of(asked.now) {
        let words = "Addresses can be changed once in a calendar week";
        return Err(Refusal::new("UDAPI1179", words).at("primary_ip", primary.to_string()));
    }
    addresses.is_enforced = true;
    addresses.primary_changed = Some(asked.now);
    addresses.secondary_changed = secondary.map(|_| asked.now);
    addresses.primary = Some(primary);
    addresses.secondary = secondary;
    let row = addresses.row(true);
    broker.account.revoke_all();
    Ok(ApiReply::success(&row))
}
