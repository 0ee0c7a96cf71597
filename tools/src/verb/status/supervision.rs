//! What `status` says of start, supervision, differences and funds.

use bijli_core::readout::SupervisionReadout;
use bijli_core::start_steps::{START_STEPS, StepVerdict};
use bijli_core::strategy::STRATEGY_NAMES;
use serde_json::{Value, json};

use crate::dashboard::Readouts;
use crate::words;

/// Rows for people: why nothing is entered, what the broker showed, what differs, funds.
pub(crate) fn rows(readouts: &Readouts) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let Some(supervision) = &readouts.supervision else {
        return rows;
    };
    let waits = waits(supervision);
    if !waits.is_empty() {
        rows.push(("waits for", waits.join("; ")));
    }
    if let Some(shown) = flat_words(supervision) {
        rows.push(("broker", shown));
    }
    rows.extend(readouts.differences.iter().map(|row| {
        let text = format!(
            "*** {} {}: ours {}, the broker's {}, since {} ***",
            row.symbol,
            kind_name(row.kind),
            row.ours,
            row.brokers,
            words::clock_text(row.since)
        );
        ("differs", text)
    }));
    if supervision.frozen > 0 {
        let (count, first) = (supervision.frozen, supervision.frozen_first);
        let text =
            format!("{count} instruments take no entries, {first} first; `ctl resume SYMBOL` ends that");
        rows.push(("frozen", text));
    }
    if supervision.funds_told {
        let text = format!(
            "₹{} available, ₹{} used, told {}",
            words::rupees(supervision.funds_available),
            words::rupees(supervision.funds_used),
            words::clock_text(supervision.funds_ts)
        );
        rows.push(("funds", text));
    }
    if supervision.controls_refused > 0 {
        let text = format!(
            "{} commands obeyed, {} refused",
            supervision.controls, supervision.controls_refused
        );
        rows.push(("control", text));
    }
    rows
}

/// Everything that keeps entries back, in words.
fn waits(supervision: &SupervisionReadout) -> Vec<String> {
    let mut waits = Vec::new();
    let step = usize::from(supervision.barring_step).checked_sub(1);
    if let Some(step) = step.and_then(|number| START_STEPS.get(number)) {
        waits.push(format!(
            "start step {}: {}",
            step.name(),
            supervision.barring_note
        ));
    }
    if !supervision.reconciled {
        waits.push("two agreeing reads of the broker's books".to_owned());
    }
    if supervision.differences > 0 {
        let count = supervision.differences;
        waits.push(format!(
            "a person to look at {count} differences with the broker, then `ctl arm`"
        ));
    }
    if supervision.disarmed {
        waits.push("a person to arm: real money".to_owned());
    }
    match supervision.clock_doubt {
        1 => waits.push("a person to arm: the wall clock was set".to_owned()),
        2 => waits.push("the broker, after the process stood still".to_owned()),
        _ => {}
    }
    match supervision.disk_trouble {
        1 => waits.push("room on the journal's disk, which is full, then `ctl resume`".to_owned()),
        2 => waits.push("another disk: that of the journal failed".to_owned()),
        _ => {}
    }
    if supervision.flattening {
        waits.push("the flatten under way".to_owned());
    }
    if supervision.reduce_only {
        waits.push("`ctl resume`: reduce-only by an operator".to_owned());
    }
    for name in paused_strategies(supervision) {
        waits.push(format!("`ctl resume --strategy {name}`"));
    }
    waits
}

fn paused_strategies(supervision: &SupervisionReadout) -> Vec<&'static str> {
    let is_paused = |number: &usize| supervision.paused_strategies >> number & 1 == 1;
    let numbers = (0..STRATEGY_NAMES.len()).filter(is_paused);
    numbers.map(|number| STRATEGY_NAMES[number]).collect()
}

fn flat_words(supervision: &SupervisionReadout) -> Option<String> {
    match (supervision.flat_answered, supervision.flat_asked) {
        (true, _) if supervision.broker_positions == 0 && supervision.broker_orders == 0 => {
            Some("FLAT: two agreeing reads show nothing open".to_owned())
        }
        (true, _) => Some(format!(
            "NOT FLAT: shows {} positions, {} live orders",
            supervision.broker_positions, supervision.broker_orders
        )),
        (false, true) => Some("asked whether anything is open".to_owned()),
        (false, false) => None,
    }
}

const fn kind_name(kind: u8) -> &'static str {
    match kind {
        0 => "position",
        _ => "order that the journal did not know",
    }
}

/// The same for scripts.
pub(crate) fn json(readouts: &Readouts) -> Option<Value> {
    let supervision = readouts.supervision.as_ref()?;
    let steps = START_STEPS.iter().enumerate().map(|(number, step)| {
        let verdict = (supervision.start_verdicts >> (8 * number) & 0xff) as u8;
        let name = StepVerdict::from_number(verdict).unwrap_or_default().name();
        (step.name().to_owned(), json!(name))
    });
    Some(json!({
        "start": steps.collect::<serde_json::Map<_, _>>(),
        "waits_for": waits(supervision),
        "reconciled": supervision.reconciled,
        "armed": !supervision.disarmed,
        "reduce_only": supervision.reduce_only,
        "flattening": supervision.flattening,
        "paused_strategies": paused_strategies(supervision),
        "broker": {
            "asked": supervision.flat_asked,
            "answered": supervision.flat_answered,
            "positions": supervision.broker_positions,
            "live_orders": supervision.broker_orders,
        },
        "differences": readouts.differences.iter().map(|row| json!({
            "kind": kind_name(row.kind),
            "symbol": row.symbol.as_str(),
            "ours": row.ours.get(),
            "brokers": row.brokers.get(),
            "since_ist": words::stamp_text(row.since),
        })).collect::<Vec<_>>(),
        "frozen": { "count": supervision.frozen, "first": supervision.frozen_first.as_str() },
        "funds": supervision.funds_told.then(|| json!({
            "available_rupees": supervision.funds_available.rupees(),
            "used_rupees": supervision.funds_used.rupees(),
            "told_ist": words::stamp_text(supervision.funds_ts),
        })),
        "commands": { "obeyed": supervision.controls, "refused": supervision.controls_refused },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::sample;

    #[test]
    fn people_and_scripts_see_what_differs_and_what_the_day_waits_for() {
        let readouts = sample::sight().readouts;
        let text: Vec<String> = rows(&readouts)
            .into_iter()
            .map(|(name, words)| format!("{name} {words}"))
            .collect();
        for words in [
            "waits for start step address: 203.0.113.7 is not registered",
            "then `ctl arm`",
            "differs *** INFY position: ours 20, the broker's 0",
            "funds ₹",
        ] {
            assert!(text.iter().any(|row| row.contains(words)), "{words}: {text:?}");
        }
        for (trouble, words) in [
            (1, "room on the journal's disk, which is full"),
            (2, "another disk"),
        ] {
            let supervision = SupervisionReadout {
                disk_trouble: trouble,
                ..SupervisionReadout::default()
            };
            assert!(waits(&supervision).iter().any(|wait| wait.contains(words)));
        }
        let json = json(&readouts).expect("there is one");
        assert_eq!(json["start"]["address"], "failed");
        assert_eq!(json["differences"][0]["brokers"], 0);
    }
}
