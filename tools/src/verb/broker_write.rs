//! What all verbs that change something at the broker share: consent before, and the truth about it after.
//!
//! Invariants: nothing is sent before a person said so, on the terminal or with `--yes`; a write is sent once, and
//! what is not proven done or refused is called unknown. A refusal is a proof only as a 4xx in the broker's own form,
//! the rule that the engine has for orders.

use std::io::{IsTerminal, stderr, stdin};

use bijli_gateway::evidence::{ErrorClass, ReadError};
use bijli_gateway::request::Reply;
use bijli_gateway::upstox::call::Call;

use super::broker_arguments::{BrokerArguments, BrokerSession, Shown, call_trouble, read_trouble};
use crate::broker_access::Trouble;

/// How the trouble of a write begins that may have been carried out.
const UNKNOWN: &str = "UNKNOWN: ";

/// Whether a person agreed.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Consent {
    /// Send it without asking; needed where there is no terminal to ask on.
    #[arg(long)]
    yes: bool,
}

/// Runs a verb that changes something, once somebody agreed to `what`; gives the exit code.
pub(super) fn run_write(
    broker: &BrokerArguments,
    consent: Consent,
    what: &str,
    work: impl FnOnce(&mut BrokerSession) -> Result<Shown, Trouble>,
) -> i32 {
    if let Err(trouble) = consent.is_possible() {
        return broker.refuse(trouble);
    }
    broker.run(|session| {
        consent.ask(session, what)?;
        work(session)
    })
}

/// Sends a write and reads its answer.
pub(super) fn write<T>(
    session: &mut BrokerSession,
    call: &Call,
    read: impl FnOnce(&Reply) -> Result<T, ReadError>,
) -> Result<T, Trouble> {
    assert!(!call.is_read(), "reads are asked, writes are written");
    let reply = session
        .caller()
        .call(call)
        .map_err(|error| call_trouble(&error))?;
    read(&reply).map_err(|error| match fate(&reply, &error) {
        Fate::NotSent => Trouble::error("nothing was sent: the broker could not be reached"),
        Fate::Refused => read_trouble(&call.path, &error),
        Fate::Unknown => unknown(&read_trouble(&call.path, &error).message),
    })
}

/// The trouble of a write that may have been carried out.
pub(super) fn unknown(why: &str) -> Trouble {
    Trouble::error(format!(
        "{UNKNOWN}look before you try again. It may have been carried out ({why})"
    ))
}

/// Whether it is one.
pub(super) fn is_unknown(trouble: &Trouble) -> bool {
    trouble.message.starts_with(UNKNOWN)
}

/// What became of a write without a good answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Not a byte of it left.
    NotSent,
    /// The broker refused it.
    Refused,
    /// Nobody here knows.
    Unknown,
}

/// What a reply without a good answer proves.
pub(super) fn fate(reply: &Reply, error: &ReadError) -> Fate {
    match (reply.outcome, error) {
        (Err(transport), _) if !transport.wrote_bytes => Fate::NotSent,
        (Ok(400..500), ReadError::Refused(refusal)) if refusal.class != ErrorClass::Internal => Fate::Refused,
        _ => Fate::Unknown,
    }
}

impl Consent {
    fn is_possible(self) -> Result<(), Trouble> {
        if self.yes || is_attended() {
            return Ok(());
        }
        Err(Trouble::usage(
            "this changes something at the broker and there is no terminal to ask on: add --yes to send it",
        ))
    }

    fn ask(self, session: &BrokerSession, what: &str) -> Result<(), Trouble> {
        if self.yes {
            return Ok(());
        }
        let broker = if session.is_simulated() {
            "the simulator"
        } else {
            "UPSTOX, FOR REAL"
        };
        eprintln!("to be sent to {broker}:\n  {what}\nwrite yes to send it:");
        let mut line = String::new();
        stdin()
            .read_line(&mut line)
            .map_err(|error| Trouble::error(format!("standard input: {error}")))?;
        if line.trim().eq_ignore_ascii_case("yes") {
            Ok(())
        } else {
            Err(Trouble::error("not agreed to: nothing was sent"))
        }
    }
}

fn is_attended() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bijli_gateway::request::Transport;
    use bijli_gateway::upstox::gtt_api;

    #[test]
    fn only_the_brokers_own_refusal_proves_that_nothing_was_done() {
        let refusal = r#"{"status":"error","errors":[{"errorCode":"UDAPI100010","message":"no"}]}"#;
        let internal = r#"{"status":"error","errors":[{"errorCode":"UDAPI100500","message":"no"}]}"#;
        let sent = |wrote_bytes| Err(Transport { wrote_bytes });
        for (outcome, body, fated) in [
            (sent(false), "", Fate::NotSent),
            (sent(true), "", Fate::Unknown),
            (Ok(404), refusal, Fate::Refused),
            (Ok(200), refusal, Fate::Unknown),
            (Ok(400), internal, Fate::Unknown),
            (Ok(404), "<html>", Fate::Unknown),
            (Ok(502), "", Fate::Unknown),
            (Ok(200), "{}", Fate::Unknown),
        ] {
            let body = body.as_bytes().to_vec();
            let reply = Reply { outcome, body };
            let error = gtt_api::written_of(&reply).expect_err("no answer");
            assert_eq!(fate(&reply, &error), fated, "{reply:?}");
        }
    }
}
