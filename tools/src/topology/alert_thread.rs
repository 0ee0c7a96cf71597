//! The thread that calls a person: it alone waits for the user's command, so nothing else ever does.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use bijli_core::page::PAGE_REASONS;
use bijli_core::readout::PageReadout;

use super::{StartError, spawn};
use crate::alert::{Alert, AlertSettings, COMMAND_NS_MAX};
use crate::duty_cycle::{MonoNs, rest};
use crate::stderr::say;

/// Between two looks at a running command, and at pages that wait out their minute.
const LOOK_PERIOD: Duration = Duration::from_millis(50);

/// The thread's end of the pages, and what it runs.
pub(super) struct Alerting {
    pages: Receiver<PageReadout>,
    settings: AlertSettings,
}

impl Alerting {
    /// The engine's end, and the thread's parts. A page that finds the channel full is handed on a turn later.
    pub(super) fn of(command: Vec<String>, run_dir: &Path) -> (SyncSender<PageReadout>, Self) {
        let (sender, pages) = sync_channel(2 * PAGE_REASONS.len());
        let settings = AlertSettings {
            command,
            run_dir: run_dir.to_owned(),
        };
        (sender, Self { pages, settings })
    }
}

/// Ends when the engine's end of the channel is gone and the last commands are over or killed.
pub(super) fn start_alert(alerting: Alerting) -> Result<JoinHandle<()>, StartError> {
    spawn("bijli-alert", move || {
        let mut alert = Alert::new(alerting.settings);
        loop {
            match alerting.pages.recv_timeout(LOOK_PERIOD) {
                Ok(page) => alert.take(page),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            say_all(&alert.step(MonoNs::now()));
        }
        let ended = MonoNs::now();
        say_all(&alert.tell_the_rest(ended));
        // A killed command is gone at once; one that the kernel does not let go is left to it.
        while alert.is_calling() && MonoNs::now().since(ended) < 2 * COMMAND_NS_MAX {
            say_all(&alert.step(MonoNs::now()));
            rest(Duration::from_millis(2));
        }
    })
}

fn say_all(lines: &[String]) {
    lines.iter().for_each(say);
}
