//! `ctl kill --broker-switch`: the broker's own kill switch, after our kill has been shown flat.
//!
//! Invariants: nothing is sent before the engine has journaled who asked for it; the switch is asked for once, and what
//! is not proven done or refused is called unknown; it counts as done only for segments that the broker's answer shows
//! as stopped; what came of it is journaled under the id that asked. The engine is not needed for any of it but the
//! journal: it does not hold the switch, and loses its token by it. Source: the broker's API documentation (kill switch): it needs segments without open positions, cancels
//! pending orders, holds for twelve hours and ends every access token.

use std::path::Path;

use bijli_core::event::SwitchOutcome;
use bijli_gateway::upstox::account_api::{
    KillAction, KillSwitch, SegmentStatus, kill_switch, kill_switches_of, set_kill_switch,
};
use bijli_gateway::upstox::vocabulary::Segment;
use serde_json::{Value, json};

use super::Args;
use crate::broker_access::Trouble;
use crate::control::{self, ControlReply, ControlRequest, SwitchAnswer};
use crate::duty_cycle::wall_now;
use crate::exit_code;
use crate::verb::broker_arguments::BrokerArguments;
use crate::verb::broker_write::{is_unknown, unknown, write};
use crate::words::switch_name;

/// Asks for the switch and tells what came of it beside the kill's own reply; gives the exit code.
pub(super) fn use_it(args: &Args, socket: &Path, killed: &ControlReply) -> i32 {
    let request = request(args);
    let (outcome, unjournaled) = match journal(socket, &request) {
        Ok(()) => {
            let outcome = stop_trading(args);
            let unjournaled = journal_answer(socket, request, &outcome).err();
            (outcome, unjournaled)
        }
        // Not asked for: there is no answer to journal.
        Err(trouble) => (Err(trouble), None),
    };
    let mut said = match &outcome {
        Ok(stopped) => json!({ "done": true, "stopped": stopped }),
        Err(trouble) => json!({ "done": false, "error": trouble.message }),
    };
    if let Some(why) = &unjournaled {
        eprintln!("warning: the broker's answer is not in the journal: {why}");
        said["not_journaled"] = json!(why);
    }
    if args.json {
        let mut whole = serde_json::to_value(killed).expect("plain data serialises");
        whole["broker_switch"] = said;
        println!("{whole}");
    } else {
        super::show_words(args, killed);
    }
    match outcome {
        Ok(stopped) => {
            if !args.json {
                println!("{}", words(&stopped));
            }
            exit_code::OK
        }
        Err(trouble) => {
            eprintln!(
                "error: killed and flat, but the broker's switch: {}",
                trouble.message
            );
            trouble.code
        }
    }
}

fn words(stopped: &[Value]) -> String {
    if stopped.is_empty() {
        return "broker switch: every segment was stopped before".to_owned();
    }
    format!(
        "broker switch: {} stopped at the broker for twelve hours; every access token has ended, the engine's too: \
         `bijli login` gets another",
        names(stopped)
    )
}

fn names(stopped: &[Value]) -> String {
    let names: Vec<&str> = stopped.iter().filter_map(Value::as_str).collect();
    names.join(", ")
}

fn request(args: &Args) -> ControlRequest {
    ControlRequest {
        version: control::version(),
        command_id: wall_now().get().unsigned_abs(),
        verb: "broker-switch".to_owned(),
        symbol: None,
        strategy: None,
        reason: args.reason.clone(),
        answer: None,
    }
}

/// Who asks for it stands in the journal before it is asked for.
fn journal(socket: &Path, request: &ControlRequest) -> Result<(), Trouble> {
    match control::call(socket, request) {
        Ok(reply) if reply.accepted => Ok(()),
        Ok(reply) => Err(Trouble::error(format!(
            "refused by the engine: {}",
            reply.message
        ))),
        Err(error) => Err(Trouble::error(format!(
            "the engine went away before it was journaled: {error}"
        ))),
    }
}

/// What the broker answered stands in the journal too, under the id that asked. The engine, whose token it ended, waits
/// for this; why it did not get there.
fn journal_answer(
    socket: &Path,
    asked: ControlRequest,
    outcome: &Result<Vec<Value>, Trouble>,
) -> Result<(), String> {
    let (outcome, told) = match outcome {
        Ok(stopped) if stopped.is_empty() => {
            (SwitchOutcome::Done, "every segment was stopped before".to_owned())
        }
        Ok(stopped) => (SwitchOutcome::Done, names(stopped)),
        Err(trouble) if is_unknown(trouble) => (SwitchOutcome::Unknown, trouble.message.clone()),
        Err(trouble) => (SwitchOutcome::Refused, trouble.message.clone()),
    };
    let answer = SwitchAnswer {
        outcome: switch_name(outcome).to_owned(),
        words: told,
    };
    let request = ControlRequest {
        answer: Some(answer),
        ..asked
    };
    match control::call(socket, &request) {
        Ok(reply) if reply.accepted => Ok(()),
        Ok(reply) => Err(reply.message),
        Err(error) => Err(format!("the engine went away: {error}")),
    }
}

/// Stops every segment that the account has; gives those that were stopped just now.
fn stop_trading(args: &Args) -> Result<Vec<Value>, Trouble> {
    let broker = BrokerArguments {
        config: args.config.clone(),
        ..BrokerArguments::default()
    };
    let mut session = broker.target()?.open()?;
    let before = session.ask(&kill_switch(), kill_switches_of)?;
    let wanted: Vec<Segment> = before
        .iter()
        .filter(|row| is_trading(row))
        .map(|row| row.segment.clone())
        .collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let changes: Vec<(Segment, KillAction)> = wanted
        .iter()
        .map(|segment| (segment.clone(), KillAction::Disable))
        .collect();
    let after = write(&mut session, &set_kill_switch(&changes), kill_switches_of)?;
    let is_stopped = |segment: &Segment| {
        let row = after.iter().find(|row| row.segment == *segment);
        row.is_some_and(|row| row.kill_switch_enabled)
    };
    let (stopped, left): (Vec<Segment>, Vec<Segment>) = wanted.into_iter().partition(is_stopped);
    if !left.is_empty() {
        let left: Vec<&str> = left.iter().map(Segment::as_str).collect();
        return Err(unknown(&format!(
            "answered with success, yet the broker does not show these as stopped: {}",
            left.join(", ")
        )));
    }
    Ok(stopped.iter().map(|segment| json!(segment.as_str())).collect())
}

fn is_trading(row: &KillSwitch) -> bool {
    !row.kill_switch_enabled && row.segment_status != Some(SegmentStatus::Inactive)
}
