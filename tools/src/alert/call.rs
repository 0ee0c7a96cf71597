//! One run of the user's command: a child process in a group of its own, never waited for.
//!
//! It gets no standard input, and its output goes nowhere: a program that writes without end fills nothing.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use bijli_core::readout::PageReadout;
use rustix::process::{Pid, Signal, kill_process_group};

use super::{AlertSettings, COMMAND_NS_MAX};
use crate::duty_cycle::MonoNs;
use crate::words;

/// A running command.
#[derive(Debug)]
pub(super) struct Call {
    child: Child,
    code: &'static str,
    started: MonoNs,
    is_killed: bool,
}

impl Call {
    pub(super) fn start(settings: &AlertSettings, page: &PageReadout, now: MonoNs) -> std::io::Result<Self> {
        let (code, _) = words::page_names(page.reason);
        let (program, arguments) = settings
            .command
            .split_first()
            .expect("nothing is started for an empty command");
        let child = Command::new(program)
            .args(arguments)
            .env("BIJLI_PAGE", code)
            .env("BIJLI_PAGE_TEXT", words::page_text(page))
            .env("BIJLI_PAGE_COUNT", page.count.to_string())
            .env("BIJLI_PAGE_SYMBOL", page.symbol.as_str())
            .env("BIJLI_PAGE_TIME", words::stamp_text(page.last))
            .env("BIJLI_RUN_DIR", &settings.run_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self {
            child,
            code,
            started: now,
            is_killed: false,
        })
    }

    /// Whether it is over, one way or another; says so where it did not go well, and kills it after its time.
    pub(super) fn has_ended(&mut self, now: MonoNs, lines: &mut Vec<String>) -> bool {
        let code = self.code;
        match self.child.try_wait() {
            Ok(Some(status)) => {
                if !status.success() && !self.is_killed {
                    lines.push(format!("error: the alert command for {code} failed: {status}"));
                }
                true
            }
            Ok(None) => {
                if !self.is_killed && now.since(self.started) >= COMMAND_NS_MAX {
                    self.kill();
                    let limit_s = COMMAND_NS_MAX / 1_000_000_000;
                    lines.push(format!(
                        "error: the alert command for {code} did not end within {limit_s} s and was killed"
                    ));
                }
                false
            }
            Err(error) => {
                lines.push(format!("error: the alert command for {code}: {error}"));
                true
            }
        }
    }

    fn kill(&mut self) {
        self.is_killed = true;
        // A group that is gone already needs no signal.
        let _gone = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
    }
}
