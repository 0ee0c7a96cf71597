//! Pages, as the engine's duty hands them on: each that was raised since the last turn, newest count.
//!
//! Sending never waits: a channel that is full keeps the rest for the next turn. Nothing allocates.

use std::sync::mpsc::{SyncSender, TrySendError};

use bijli_core::page::PAGE_REASONS;
use bijli_core::readout::PageReadout;
use bijli_core::state::State;

use crate::screen::page_readout;

/// How often each reason had been raised when it was handed on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PagesTold {
    counts: [u64; PAGE_REASONS.len()],
    total: u64,
}

impl PagesTold {
    pub(super) fn tell(&mut self, state: &State, pages: &SyncSender<PageReadout>) {
        let total = state.pages().total();
        if total == self.total {
            return;
        }
        for (reason, page) in state.pages().raised() {
            let told = &mut self.counts[reason as usize];
            if *told == page.count {
                continue;
            }
            if let Err(TrySendError::Full(_)) = pages.try_send(page_readout(state, reason, page)) {
                return;
            }
            *told = page.count;
        }
        self.total = total;
    }
}
