//! The kill switch: trading in a segment is stopped by the user, and started again after twelve hours.
//!
//! A change is made as a whole or not at all, needs flat positions in its segments, cancels their pending orders
//! and ends every access token. Source: the broker's API documentation (kill switch).

use std::collections::BTreeMap;

use bijli_core::{DurationNs, TsNs};
use serde_json::{Value, json};

use super::Broker;
use super::entry_check::Body;
use super::faults::Fault;
use super::multi::SEGMENTS;
use super::reply::{ApiReply, BAD_INPUT, Refusal};
use super::route::{Answer, Asked, Route};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v2/user/kill-switch", read),
    Route::post("/v2/user/kill-switch", set),
];

const OPEN_POSITIONS: &str = "The segment cannot be changed until all open positions are closed";
const COOLING: DurationNs = DurationNs::from_secs(12 * 3_600);

/// Segments that are switched off, and since when.
#[derive(Clone, Debug, Default)]
pub(super) struct KillSwitch(BTreeMap<String, TsNs>);

impl KillSwitch {
    pub(super) fn is_off(&self, segment: &str) -> bool {
        self.0.contains_key(segment)
    }

    fn rows(&self) -> Value {
        SEGMENTS
            .iter()
            .map(|segment| {
                let off = self.is_off(segment);
                json!({
                    "segment": segment,
                    "segment_status": if off { "INACTIVE" } else { "ACTIVE" },
                    "kill_switch_enabled": off,
                })
            })
            .collect()
    }
}

fn read(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    Ok(ApiReply::success(&broker.switch.rows()))
}

fn set(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let Ok(Value::Array(lines)) = serde_json::from_slice(asked.call.body) else {
        return Err(BAD_INPUT);
    };
    if lines.is_empty() {
        return Err(BAD_INPUT);
    }
    if broker.dice.fires(Fault::ExitPartial) {
        return Err(Refusal::new("UDAPI1184", OPEN_POSITIONS));
    }
    let mut changes = Vec::new();
    for line in lines {
        changes.push(broker.switch_change(asked.now, &Body::of(line)?)?);
    }
    for (segment, stops) in changes {
        if stops {
            broker.switch.0.entry(segment.clone()).or_insert(asked.now);
            broker.cancel_segment(asked.now, &segment);
        } else {
            broker.switch.0.remove(&segment);
        }
    }
    broker.account.revoke_all();
    Ok(ApiReply::success(&broker.switch.rows()))
}

impl Broker {
    /// One wished change, if it may be made: the segment, and whether it is stopped.
    fn switch_change(&self, now: TsNs, line: &Body) -> Result<(String, bool), Refusal> {
        let unknown = Refusal::new("UDAPI1186", "The specified segment does not exist");
        let segment = line.text("segment", unknown.clone())?;
        if !SEGMENTS.contains(&segment) {
            return Err(unknown.at("segment", segment));
        }
        let invalid = Refusal::new("UDAPI1188", "Allowed actions are ENABLE and DISABLE");
        match line.text("action", invalid.clone())? {
            "DISABLE" if self.has_open_position(segment) => {
                Err(Refusal::new("UDAPI1184", OPEN_POSITIONS).at("segment", segment))
            }
            "DISABLE" => Ok((segment.to_owned(), true)),
            "ENABLE"
                if self
                    .switch
                    .0
                    .get(segment)
                    .is_some_and(|since| now < since.plus(COOLING)) =>
            {
                let words = "The segment cannot be enabled while the cooling period lasts";
                Err(Refusal::new("UDAPI1185", words).at("segment", segment))
            }
            "ENABLE" => Ok((segment.to_owned(), false)),
            other => Err(invalid.at("action", other)),
        }
    }

    fn has_open_position(&self, segment: &str) -> bool {
        self.ledger.holdings().any(|(instrument, _, holding)| {
            !holding.position.is_flat() && self.is_in(instrument, Some(segment))
        })
    }

    fn cancel_segment(&mut self, now: TsNs, segment: &str) {
        for index in 0..self.orders.len() {
            let order = &self.orders[index];
            if !order.status.is_final() && self.is_in(order.ticket.instrument, Some(segment)) {
                self.send_cancel(now, index);
            }
        }
        for index in self.live_gtts.clone() {
            if self.is_in(self.gtts[index].instrument, Some(segment)) {
                self.call_off(index);
                self.tell_gtt(index);
            }
        }
    }
}
