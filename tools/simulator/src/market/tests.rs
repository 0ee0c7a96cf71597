//! The desk as a whole: calls in, answers out, on an invented day played to noon.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use bijli_core::{DurationNs, IstDay, TsNs};
use serde_json::Value;

use super::MarketDesk;
use crate::broker::{ApiCall, Host, LOCAL_PEER};
use crate::day::{DaySource, DayTick, synthetic::SyntheticDay};

mod options;
mod history;
mod refusals;
mod shapes;

pub(super) const INDEX: &str = "NSE_INDEX%7CSIM%2050";
pub(super) const SHARE: &str = "NSE_EQ%7CINE9SIM00000";

pub(super) fn day() -> IstDay {
    IstDay::from_ymd(2026, 7, 31).expect("a real date")
}

pub(super) fn noon() -> TsNs {
    day().at(DurationNs::from_hm(12, 0))
}

/// A day of eight shares, played to a moment.
pub(super) fn played_to(until: TsNs, mut check: impl FnMut(&MarketDesk, &DayTick)) -> MarketDesk {
    let mut source = SyntheticDay::new(day(), 8, 7);
    let mut desk = MarketDesk::new(source.info());
    desk.set_plus_plan(true);
    desk.prepare(source.morning());
    let mut tick = DayTick::default();
    while source.next_tick(&mut tick).expect("an invented day is whole") && tick.ts < until {
        desk.apply_tick(&tick);
        check(&desk, &tick);
    }
    desk
}

/// The desk at noon, played once for all tests.
pub(super) fn desk() -> &'static MarketDesk {
    static DESK: OnceLock<MarketDesk> = OnceLock::new();
    DESK.get_or_init(|| played_to(noon(), |_, _| {}))
}

pub(super) fn ask(desk: &MarketDesk, target: &str) -> (u16, Value) {
    let call = ApiCall {
        host: Host::Api,
        method: "GET",
        target,
        bearer: None,
        headers: &[],
        peer: LOCAL_PEER,
        body: b"",
    };
    let reply = desk
        .answer(noon(), &call)
        .unwrap_or_else(|| panic!("{target} is for the desk"));
    (
        reply.status,
        serde_json::from_slice(&reply.body).expect("answers are JSON"),
    )
}

/// The `data` of a good answer.
pub(super) fn data(target: &str) -> Value {
    let (status, body) = ask(desk(), target);
    assert_eq!(
        (status, &body["status"]),
        (200, &Value::from("success")),
        "{target}: {body}"
    );
    body["data"].clone()
}

pub(super) fn rows(target: &str) -> Vec<Value> {
    data(target).as_array().expect("rows").clone()
}

/// The names of an object's fields, in order.
pub(super) fn fields(value: &Value) -> String {
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("an object, not {value}"));
    let names: BTreeSet<&str> = object.keys().map(String::as_str).collect();
    names.into_iter().collect::<Vec<_>>().join(" ")
}

pub(super) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("a number, not {value}"))
}

/// The one row of a map.
pub(super) fn only(map: &Value) -> (String, Value) {
    let object = map.as_object().expect("a map");
    assert_eq!(object.len(), 1, "{map}");
    let (name, row) = object.iter().next().expect("one row");
    (name.clone(), row.clone())
}
