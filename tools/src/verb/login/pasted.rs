//! The pasted answer of a login without a browser on this machine: the redirected address, or its code alone.
//!
//! Invariants: what is typed or pasted is not shown on the terminal; a whole address counts only with the state of
//! this login. A bare code carries no state: then the person who pasted it vouches for it.

use std::io::{IsTerminal, stdin};

use bijli_gateway::upstox::auth_api;
use bijli_gateway::upstox::field::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::broker_access::Trouble;

/// Longest line that is taken.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// Reads one line from standard input.
pub(super) fn code(state: &str) -> Result<Secret, Trouble> {
    let quiet = stdin().is_terminal().then(Quiet::begin).flatten();
    if quiet.is_some() {
        eprintln!("paste the address that the browser was led to, or the code in it; it is not shown:");
    } else {
        eprintln!("waiting for the redirected address, or its code, on standard input");
    }
    let mut line = String::new();
    let read = stdin().read_line(&mut line);
    drop(quiet);
    read.map_err(|error| Trouble::error(format!("standard input: {error}")))?;
    code_of(line.trim(), state)
}

fn code_of(line: &str, state: &str) -> Result<Secret, Trouble> {
    if line.is_empty() || line.len() > LINE_BYTES_MAX {
        return Err(Trouble::usage(
            "nothing was pasted: give the redirected address, or the code in it",
        ));
    }
    if !line.contains('?') && !line.contains("://") {
        return Ok(Secret::new(line.to_owned()));
    }
    let callback = auth_api::callback_of(line).ok_or_else(|| {
        Trouble::broker("the pasted address holds no code: the dialog refused, or it was cut")
    })?;
    if callback.state.as_deref() == Some(state) {
        Ok(callback.code)
    } else {
        Err(Trouble::broker(
            "the pasted code does not belong to this login (wrong state): open the address above and log in again",
        ))
    }
}

/// While this lives, the terminal does not show what is typed.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> Option<Self> {
        let before = tcgetattr(stdin()).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin(), OptionalActions::Flush, &quiet).ok()?;
        Some(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // If the terminal is gone there is nothing to put right.
        let _restored = tcsetattr(stdin(), OptionalActions::Flush, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_counts_alone_or_in_an_address_with_the_state_of_this_login() {
        for line in ["mk404x", "http://127.0.0.1:8765/callback?code=mk404x&state=s1"] {
            assert_eq!(
                code_of(line, "s1").map(|code| code.expose().to_owned()),
                Ok("mk404x".to_owned())
            );
        }
        for line in [
            "",
            "http://127.0.0.1/callback?state=s1",
            "http://127.0.0.1/callback?code=mk404x",
            "http://127.0.0.1/callback?code=mk404x&state=s2",
        ] {
            assert!(code_of(line, "s1").is_err(), "{line}");
        }
    }
}
