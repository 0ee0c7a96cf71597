//! Whether the order stream is mute: connected, and silent about orders that change.
//!
//! A change that a read brings, and that the stream does not tell within five seconds, is untold; three in a row, without
//! any word of the stream about an order between them, and a person is called, once. The next word ends that, and so does a
//! connection that goes or comes. Invariant: while the stream is down nothing is expected of it. Left out: what a
//! person is told (`PAGES.md`); reads of the book, which go on as ever and bring what the stream does not.

use std::collections::VecDeque;

use bijli_core::order::BrokerOrderId;
use bijli_core::{DurationNs, TsNs};

/// How long the stream may take to tell what a read has brought.
const TELLS_WITHIN: DurationNs = DurationNs::from_secs(5);
/// Untold changes in a row that make it mute.
const UNTOLD_MAX: u32 = 3;

/// What is expected of the stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamWatch {
    /// Changes that a read brought, oldest first.
    awaited: VecDeque<(TsNs, BrokerOrderId)>,
    untold: u32,
    is_mute: bool,
}

impl StreamWatch {
    /// A read brought a change of an order.
    pub(crate) fn note_read(&mut self, now: TsNs, id: BrokerOrderId) {
        self.awaited.push_back((now, id));
    }

    /// The stream tells of an order; whether it was mute until now.
    pub(crate) fn note_told(&mut self, id: &BrokerOrderId) -> bool {
        self.awaited.retain(|(_, awaited)| awaited != id);
        self.untold = 0;
        std::mem::take(&mut self.is_mute)
    }

    /// The stream came up or went down; whether it was mute until now.
    pub(crate) fn begin_anew(&mut self) -> bool {
        std::mem::take(self).is_mute
    }

    /// Time passes; whether the stream has just become mute.
    pub(crate) fn look(&mut self, now: TsNs) -> bool {
        let is_over = |(since, _): &(TsNs, BrokerOrderId)| now.since(*since) >= TELLS_WITHIN;
        while self.awaited.front().is_some_and(is_over) {
            self.awaited.pop_front();
            self.untold = self.untold.saturating_add(1);
        }
        let becomes = self.untold >= UNTOLD_MAX && !self.is_mute;
        self.is_mute |= becomes;
        becomes
    }
}

#[cfg(test)]
mod tests {
    use bijli_core::text::Text;

    use super::*;

    fn at(secs: i64) -> TsNs {
        TsNs::new(1_700_000_000_000_000_000).plus(DurationNs::from_secs(secs))
    }

    fn id(name: &str) -> BrokerOrderId {
        Text::new(name).expect("short")
    }

    /// A watch that expects changes of orders 1, 2 and 3, read in seconds 0, 1 and 2.
    fn expecting() -> StreamWatch {
        let mut watch = StreamWatch::default();
        for (secs, name) in [(0, "1"), (1, "2"), (2, "3")] {
            watch.note_read(at(secs), id(name));
        }
        watch
    }

    #[test]
    fn the_third_untold_change_in_a_row_is_told_once() {
        let mut watch = expecting();
        let looks: Vec<bool> = (3..12).map(|secs| watch.look(at(secs))).collect();
        let seventh = [false, false, false, false, true, false, false, false, false];
        assert_eq!(looks, seventh);
        assert!(watch.note_told(&id("9")), "any word ends it");
        assert!(!watch.note_told(&id("9")));
    }

    #[test]
    fn a_word_between_begins_the_count_anew_and_a_change_that_is_told_in_time_does_not_count() {
        let mut watch = expecting();
        assert!(!watch.look(at(6)), "two are untold");
        assert!(!watch.note_told(&id("3")));
        assert!(!watch.look(at(60)));
        let mut late = expecting();
        late.note_told(&id("1"));
        assert!(!late.look(at(60)), "two of three are left");
    }

    #[test]
    fn nothing_is_expected_over_a_connection_that_ended() {
        let mut watch = expecting();
        assert!(!watch.begin_anew());
        assert!(!watch.look(at(60)));
        let mut mute = expecting();
        assert!(mute.look(at(60)) && mute.begin_anew());
    }
}
