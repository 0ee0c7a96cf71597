//! When the keys of a connection are counted: who has not answered is asked once more, then given up.
//!
//! Invariants: for each round of requests one second asking and one verdict, in this order; a later round starts the
//! clock anew, the second asking itself does not. Left out: who has answered (`subscription`). Facts: fault catalogue row D14.

use bijli_core::time::{DurationNs, TsNs};

/// From the last request to asking once more: a snapshot comes within milliseconds, or not at all.
pub const ASK_AGAIN_AFTER: DurationNs = DurationNs::from_secs(3);
/// From the last request to the verdict.
pub const AUDIT_AFTER: DurationNs = DurationNs::from_secs(10);

const _: () = assert!(ASK_AGAIN_AFTER.get() < AUDIT_AFTER.get());

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditStep {
    /// Ask once more for what has not answered.
    AskAgain,
    /// What has not answered by now will not.
    Verdict,
}

/// The clock of the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit {
    again_at: TsNs,
    verdict_at: TsNs,
    /// Whether the requests under way are the second asking.
    asking_again: bool,
}

impl Audit {
    /// Nothing was asked for.
    pub const IDLE: Self = Self {
        again_at: TsNs::NEVER,
        verdict_at: TsNs::NEVER,
        asking_again: false,
    };

    /// The last request of a round was sent. Answers whether it was a round of its own.
    pub const fn all_sent(&mut self, now: TsNs) -> bool {
        if self.asking_again {
            self.asking_again = false;
            return false;
        }
        self.again_at = now.plus(ASK_AGAIN_AFTER);
        self.verdict_at = now.plus(AUDIT_AFTER);
        true
    }

    /// Whether a verdict is still to come.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.verdict_at.is_set()
    }

    /// When [`Audit::step`] has something next.
    #[must_use]
    pub fn due(&self) -> Option<TsNs> {
        let times = [self.again_at, self.verdict_at];
        times.into_iter().filter(|at| at.is_set()).min()
    }

    /// What is due now; each step is told once.
    pub fn step(&mut self, now: TsNs) -> Option<AuditStep> {
        if self.again_at.is_set() && self.again_at <= now {
            self.again_at = TsNs::NEVER;
            self.asking_again = true;
            return Some(AuditStep::AskAgain);
        }
        if self.verdict_at.is_set() && self.verdict_at <= now {
            self.verdict_at = TsNs::NEVER;
            return Some(AuditStep::Verdict);
        }
        None
    }
}
