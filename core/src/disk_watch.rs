//! When trouble of the journal's disk pauses entries.
//!
//! Invariants: a trouble is told once; while there is no room, again after each word that ended the pause. Left out:
//! how the trouble is seen, and what a disk that failed or is full still takes (`tools`).

use crate::TsNs;
use crate::event::{Controlled, Verb};
use crate::planted::{Bug, planted};
use crate::text::Text;

/// What ails the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskTrouble {
    /// It failed: nothing more becomes durable until the process starts anew.
    Failed,
    /// It has no room for the segments to come.
    Full,
}

impl DiskTrouble {
    /// The pause that a process asks itself for at `ts`, as the user `uid`; `number` is unlike any other's of this day.
    #[must_use]
    pub fn pause(self, ts: TsNs, uid: u32, number: u64) -> Controlled {
        let reason = match self {
            Self::Failed => "the disk of the journal failed",
            Self::Full => "the disk of the journal is full",
        };
        Controlled {
            ts,
            verb: Verb::Pause,
            instrument: None,
            strategy: None,
            uid,
            command_id: Controlled::OWN_IDS + number,
            reason: Text::new(reason).expect("short enough"),
        }
    }
}

/// What the engine was told of the disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskWatch {
    is_told: bool,
}

impl DiskWatch {
    /// Looks at one turn's disk; gives the trouble that entries are to be paused for now. `is_paused` is the engine's
    /// pause of everything.
    pub fn look(&mut self, trouble: Option<DiskTrouble>, is_paused: bool) -> Option<DiskTrouble> {
        let is_full = trouble == Some(DiskTrouble::Full);
        if is_full && planted(Bug::FullDiskIgnored) {
            return None;
        }
        let was_ended = is_full && !is_paused;
        let is_news = !self.is_told || was_ended;
        self.is_told = trouble.is_some();
        trouble.filter(|_| is_news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_told_once_and_a_full_disk_again_whenever_the_pause_was_ended() {
        let (failed, full) = (Some(DiskTrouble::Failed), Some(DiskTrouble::Full));
        let mut watch = DiskWatch::default();
        let told = [
            (None, false, None),
            (full, false, full),
            (full, true, None),
            (full, false, full),
            (full, true, None),
            (None, true, None),
            (full, true, full),
            (None, true, None),
            (failed, false, failed),
            (failed, true, None),
            (failed, false, None),
            (None, false, None),
        ];
        for (turn, (trouble, is_paused, expected)) in told.into_iter().enumerate() {
            assert_eq!(watch.look(trouble, is_paused), expected, "turn {turn}");
        }
    }

    #[test]
    fn the_pause_is_the_process_s_own() {
        let pause = DiskTrouble::Full.pause(TsNs::new(7), 1_000, 3);
        assert!(pause.is_own());
        assert_eq!(
            (pause.verb, pause.instrument, pause.strategy),
            (Verb::Pause, None, None)
        );
        assert_eq!(pause.reason.as_str(), "the disk of the journal is full");
    }
}
