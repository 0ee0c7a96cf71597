//! Calling a person: which page is told when, and the command that the user gave for it.
//!
//! Invariants: every reason is told when it is first raised; what is raised again within a minute is told once, with the
//! newest count, when the minute is over, so that nothing is lost and nothing is told more often than once a minute and
//! reason. A command is started once per telling and never again for it: one that fails is reported, one that hangs is
//! killed with its whole process group. What was raised before this process started is told once more by it: nobody
//! knows whether the process before it still could. Left out: how a person is reached, which is the command's.

mod call;

use std::path::PathBuf;

use bijli_core::page::PAGE_REASONS;
use bijli_core::readout::PageReadout;

use self::call::Call;
use crate::duty_cycle::MonoNs;
use crate::words;

/// Between two tellings of the same reason.
pub const QUIET_NS: u64 = 60_000_000_000;
/// A command that runs for longer is killed; shorter than [`QUIET_NS`], so a reason has one command at a time.
pub const COMMAND_NS_MAX: u64 = 10_000_000_000;

const _: () = assert!(COMMAND_NS_MAX < QUIET_NS);

/// What is run for a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertSettings {
    /// Program and arguments, run without a shell; empty runs nothing.
    pub command: Vec<String>,
    /// Told to the command as `BIJLI_RUN_DIR`.
    pub run_dir: PathBuf,
}

/// One reason: what waits to be told, and when it was told last.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    waiting: Option<PageReadout>,
    told: Option<MonoNs>,
}

/// Tells pages and looks after the commands.
#[derive(Debug)]
pub struct Alert {
    settings: AlertSettings,
    rows: [Row; PAGE_REASONS.len()],
    calls: Vec<Call>,
}

impl Alert {
    /// Nothing told yet.
    #[must_use]
    pub const fn new(settings: AlertSettings) -> Self {
        Self {
            settings,
            rows: [Row {
                waiting: None,
                told: None,
            }; PAGE_REASONS.len()],
            calls: Vec::new(),
        }
    }

    /// Takes a page that was raised, over an older one of its reason.
    pub fn take(&mut self, page: PageReadout) {
        if let Some(row) = self.rows.get_mut(usize::from(page.reason)) {
            row.waiting = Some(page);
        }
    }

    /// Starts what is due and looks after what runs; gives lines for people.
    #[must_use]
    pub fn step(&mut self, now: MonoNs) -> Vec<String> {
        let mut lines = Vec::new();
        for row in 0..self.rows.len() {
            let is_due = |told: MonoNs| now.since(told) >= QUIET_NS;
            if self.rows[row].told.is_none_or(is_due) {
                self.tell(row, now, &mut lines);
            }
        }
        self.calls.retain_mut(|call| !call.has_ended(now, &mut lines));
        lines
    }

    /// Tells everything that still waits, quiet minute or not: there is no later.
    #[must_use]
    pub fn tell_the_rest(&mut self, now: MonoNs) -> Vec<String> {
        let mut lines = Vec::new();
        for row in 0..self.rows.len() {
            self.tell(row, now, &mut lines);
        }
        lines
    }

    /// Whether a command runs.
    #[must_use]
    pub const fn is_calling(&self) -> bool {
        !self.calls.is_empty()
    }

    fn tell(&mut self, row: usize, now: MonoNs, lines: &mut Vec<String>) {
        let row = &mut self.rows[row];
        let Some(page) = row.waiting.take() else {
            return;
        };
        row.told = Some(now);
        let code = words::page_names(page.reason).0;
        lines.push(format!(
            "PAGE {}; `bijli explain {code}`",
            words::page_text(&page)
        ));
        if !self.settings.command.is_empty() {
            match Call::start(&self.settings, &page, now) {
                Ok(call) => self.calls.push(call),
                Err(error) => lines.push(format!("error: the alert command for {code}: {error}")),
            }
        }
    }
}

#[cfg(test)]
mod tests;
