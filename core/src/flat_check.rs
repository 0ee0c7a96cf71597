//! Whether the broker itself shows that nothing is open: asked after a kill or a flatten, never taken for granted.
//!
//! Invariants: the question goes out only while our own books are flat; any position or live order makes an
//! answer worthless, and after it is gone the question is asked anew; an answer counts only when all of its reads
//! are younger than the question. Left out: reading (the gateway's), closing (`engine/exits.rs`).

use crate::event::FlatChecked;
use crate::state_hash::StateHasher;
use crate::time::{DurationNs, TsNs};

/// Pause before the question is repeated after an answer that shows something open.
const ASK_AGAIN: DurationNs = DurationNs::from_secs(5);

/// How far the broker's word has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlatCheck {
    asked: TsNs,
    answer: Option<FlatChecked>,
}

impl FlatCheck {
    /// The answer to the question at hand; `None` while it is open.
    #[must_use]
    pub const fn answer(&self) -> Option<&FlatChecked> {
        self.answer.as_ref()
    }

    /// Whether a question is out and unanswered.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        self.asked.is_set() && self.answer.is_none()
    }

    /// Whether the broker showed no position at all and no live order of ours, and nothing has opened since.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.answer.is_some_and(|answer| answer.is_flat())
    }

    /// Whether the broker showed nothing that this engine could close.
    #[must_use]
    pub fn is_ours_flat(&self) -> bool {
        self.answer.is_some_and(|answer| answer.is_ours_flat())
    }

    /// Forgets question and answer.
    pub(crate) fn restart(&mut self) {
        *self = Self::default();
    }

    /// Whether the question is due now; then it counts as asked.
    pub(crate) fn ask(&mut self, books_are_flat: bool, now: TsNs) -> bool {
        if !books_are_flat {
            self.restart();
            return false;
        }
        // One question at a time: each one begins its reads anew, and many would never be answered.
        let is_answered = |answer: &FlatChecked| answer.asked >= self.asked;
        let again = self.answer.is_some_and(|answer| {
            is_answered(&answer) && !answer.is_flat() && now.since(answer.ts) >= ASK_AGAIN
        });
        let due = !self.asked.is_set() || again;
        if due {
            self.asked = now;
            // The last answer stays on the screens until the next one comes, unless it was a good one.
            if !again {
                self.answer = None;
            }
        }
        due
    }

    /// Takes an answer; one to an older question proves nothing.
    pub(crate) fn take(&mut self, checked: &FlatChecked) {
        if self.asked.is_set() && checked.asked >= self.asked {
            self.answer = Some(*checked);
        }
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.i64(self.asked.get());
        hasher.u64(self.answer.is_some().into());
        if let Some(answer) = &self.answer {
            hasher.i64(answer.ts.get());
            hasher.i64(answer.asked.get());
            hasher.u64(u64::from(answer.open_positions) << 32 | u64::from(answer.live_orders));
            hasher.u64(u64::from(answer.unlisted_positions));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    fn at(s: i64) -> TsNs {
        TsNs::new(1).plus(DurationNs::from_secs(s))
    }

    fn shown(asked: TsNs, ts: TsNs, open_positions: u32) -> FlatChecked {
        FlatChecked {
            ts,
            asked,
            open_positions,
            unlisted_positions: 0,
            unlisted_key: Text::EMPTY,
            live_orders: 0,
            foreign_orders: 0,
        }
    }

    #[test]
    fn only_an_answer_to_the_question_at_hand_counts_and_only_until_something_opens() {
        let mut check = FlatCheck::default();
        assert!(
            !check.ask(false, at(1)),
            "nobody asks while our own books are open"
        );
        assert!(check.ask(true, at(2)));
        assert!(!check.ask(true, at(3)), "asked once");
        check.take(&shown(at(1), at(3), 0));
        assert!(!check.is_flat(), "an answer to an older question");
        check.take(&shown(at(2), at(4), 0));
        assert!(check.is_flat());
        assert!(!check.ask(true, at(90)), "a good answer is not asked for again");
        check.ask(false, at(91));
        assert!(!check.is_flat(), "something opened");
        assert!(check.ask(true, at(92)));
    }

    #[test]
    fn an_answer_that_shows_something_open_is_asked_for_again_after_a_pause() {
        let mut check = FlatCheck::default();
        assert!(check.ask(true, at(1)));
        check.take(&shown(at(1), at(2), 1));
        assert!(!check.is_flat());
        assert!(!check.ask(true, at(6)));
        assert!(check.ask(true, at(7)));
        assert!(
            !check.ask(true, at(8)) && !check.ask(true, at(70)),
            "the last answer is to an older question"
        );
        assert!(!check.is_flat());
        check.take(&shown(at(7), at(71), 0));
        assert!(check.is_flat());
    }
}
