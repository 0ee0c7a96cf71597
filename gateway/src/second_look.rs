//! The second look at an order that we changed: what the engine may not have believed is told once more.
//!
//! For two seconds after a change of ours the engine takes no row with other terms at its word, since it may be older than
//! the change; and only news are told. Terms that somebody else gave an order within these seconds would never be heard of
//! again. So the row is told once more by the first read of the book that was asked three seconds after another had settled the
//! change. A row that stands as it stood before the change is not: it tells nothing of anybody, and may be a stale read's.
//! Left out: which read settles a change (`orders`), what the engine makes of other terms.

use bijli_core::{DurationNs, TsNs};

use crate::evidence::BrokerOrder;

/// How long after a change was settled the look is due: the engine's two seconds, on a clock that may run a
/// quarter slower than steady time.
const LOOK_AFTER: DurationNs = DurationNs::from_secs(3);

/// One order's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SecondLook {
    is_owed: bool,
    /// The row as it stood before the first change that no look has followed.
    before: Option<BrokerOrder>,
    /// When it is due; `None` while a change has not been settled.
    due: Option<TsNs>,
}

impl SecondLook {
    /// The engine asks for a change of an order whose row stands so.
    pub(crate) const fn owe(&mut self, row: Option<BrokerOrder>) {
        if !self.is_owed {
            self.is_owed = true;
            self.before = row;
        }
        self.due = None;
    }

    /// A read of the book settles what was asked for.
    pub(crate) const fn settle(&mut self, now: TsNs) {
        if self.is_owed {
            self.due = Some(now.plus(LOOK_AFTER));
        }
    }

    /// A read that was asked at `asked` left the row so; whether it is told although it may be no news.
    pub(crate) fn take(&mut self, asked: TsNs, row: Option<BrokerOrder>) -> bool {
        if self.due.is_none_or(|due| asked < due) {
            return false;
        }
        let before = std::mem::take(self).before;
        row != before
    }
}
