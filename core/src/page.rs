//! What a person must see: one latched count per reason, with where and when.
//!
//! A page never stops anything by itself; whatever stops (a halt, a freeze) does so beside it. Invariants: counts
//! never fall within a day; nothing clears them but the next day; all of it is in the state hash.

use crate::instrument::InstrumentId;
use crate::state::State;
use crate::state_hash::StateHasher;
use crate::time::TsNs;

/// Why a person is called. The numbers are stored and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum PageReason {
    /// Evidence contradicts itself; entries are halted.
    Contradiction = 0,
    /// A trade came for an order that had ended without it; it was booked.
    LateFill = 1,
    /// A trade would fill an order beyond its quantity; it was not booked.
    Overfill = 2,
    /// An exit was refused or rejected; it is tried again.
    ExitRejected = 3,
    /// An exit cannot be sent: orders that may be live already cover the position.
    ExitBlocked = 4,
    /// No price is known to leave at.
    NoExitPrice = 5,
    /// An exit finds nobody, even at the far end of its prices.
    ExitNotFilling = 6,
    /// The stop at the broker was rejected, purged or cancelled by somebody else.
    ProtectionLost = 7,
    /// An order stands in between (being taken in, changed or cancelled) for too long.
    OrderStuck = 8,
    /// Nobody knows whether an order exists, for too long.
    OrderUnknown = 9,
    /// An order that was presumed absent or refused exists after all; what is left of it is cancelled.
    AbsentAppeared = 10,
    /// A completion was taken back before any trade backed it.
    FillWithdrawn = 11,
    /// The broker's terms of an order are not those that were asked for; the instrument takes no entries.
    TermsDiffer = 12,
    /// An exit is sent although an earlier order of that side was only presumed absent: the broker's own position
    /// asked for it.
    ExitOverAbsent = 13,
    /// Exits that may be live exceed the position; ours are cancelled.
    ExitsExceed = 14,
    /// Nothing but what reduces a position is sent any more, and no operator asked for that.
    EntriesStopped = 15,
    /// The broker's position is not ours; the broker's was taken over.
    PositionDiffers = 16,
    /// Something is held and no market data comes.
    FeedLost = 17,
    /// The access token died; nothing can be sent any more.
    TokenDead = 18,
    /// An order call of ours has had no answer for some seconds.
    OrderLaneSilent = 19,
    /// An exit works in an instrument whose prices do not come; the broker's last price stands in.
    ExitUnheard = 20,
    /// The prices of one position do not come, although the feed lives.
    PositionUnheard = 21,
    /// The order stream is connected and tells nothing of orders that change.
    OrderStreamMute = 22,
}

/// All reasons, in the order of their numbers.
pub const PAGE_REASONS: [PageReason; 23] = [
    PageReason::Contradiction,
    PageReason::LateFill,
    PageReason::Overfill,
    PageReason::ExitRejected,
    PageReason::ExitBlocked,
    PageReason::NoExitPrice,
    PageReason::ExitNotFilling,
    PageReason::ProtectionLost,
    PageReason::OrderStuck,
    PageReason::OrderUnknown,
    PageReason::AbsentAppeared,
    PageReason::FillWithdrawn,
    PageReason::TermsDiffer,
    PageReason::ExitOverAbsent,
    PageReason::ExitsExceed,
    PageReason::EntriesStopped,
    PageReason::PositionDiffers,
    PageReason::FeedLost,
    PageReason::TokenDead,
    PageReason::OrderLaneSilent,
    PageReason::ExitUnheard,
    PageReason::PositionUnheard,
    PageReason::OrderStreamMute,
];

impl PageReason {
    /// The stable code, as shown to people and machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Contradiction => "CONTRADICTION",
            Self::LateFill => "LATE_FILL",
            Self::Overfill => "OVERFILL",
            Self::ExitRejected => "EXIT_REJECTED",
            Self::ExitBlocked => "EXIT_BLOCKED",
            Self::NoExitPrice => "NO_EXIT_PRICE",
            Self::ExitNotFilling => "EXIT_NOT_FILLING",
            Self::ProtectionLost => "PROTECTION_LOST",
            Self::OrderStuck => "ORDER_STUCK",
            Self::OrderUnknown => "ORDER_UNKNOWN",
            Self::AbsentAppeared => "ABSENT_APPEARED",
            Self::FillWithdrawn => "FILL_WITHDRAWN",
            Self::TermsDiffer => "TERMS_DIFFER",
            Self::ExitOverAbsent => "EXIT_OVER_ABSENT",
            Self::ExitsExceed => "EXITS_EXCEED",
            Self::EntriesStopped => "ENTRIES_STOPPED",
            Self::PositionDiffers => "POSITION_DIFFERS",
            Self::FeedLost => "FEED_LOST",
            Self::TokenDead => "TOKEN_DEAD",
            Self::OrderLaneSilent => "ORDER_LANE_SILENT",
            Self::ExitUnheard => "EXIT_UNHEARD",
            Self::PositionUnheard => "POSITION_UNHEARD",
            Self::OrderStreamMute => "ORDER_STREAM_MUTE",
        }
    }

    /// What happened, in words for the person who is called; `PAGES.md` says what to do.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Contradiction => "the broker's evidence contradicts itself; entries are halted",
            Self::LateFill => "a trade came for an order that had ended without it; it was booked",
            Self::Overfill => "a trade would fill an order beyond its quantity; it was not booked",
            Self::ExitRejected => "an exit was rejected; it is tried again",
            Self::ExitBlocked => "an exit cannot be sent: orders that may be live cover the position",
            Self::NoExitPrice => "no price is known to leave at",
            Self::ExitNotFilling => "an exit finds nobody at the far end of its prices",
            Self::ProtectionLost => "the stop at the broker is gone: rejected, purged or cancelled",
            Self::OrderStuck => "an order waits for the broker or the exchange for too long",
            Self::OrderUnknown => "nobody knows for too long whether an order exists",
            Self::AbsentAppeared => "an order that was held absent exists; what is left of it is cancelled",
            Self::FillWithdrawn => "a completion was taken back before a trade backed it",
            Self::TermsDiffer => "an order stands at other terms than were asked for; no entries there",
            Self::ExitOverAbsent => "an exit was sent over one that was only presumed absent",
            Self::ExitsExceed => "exits that may be live exceed the position; ours are cancelled",
            Self::EntriesStopped => "entries were stopped, and not by an operator; status says by what",
            Self::PositionDiffers => "the broker's position is not ours; the broker's was taken over",
            Self::FeedLost => "something is held and no market data comes",
            Self::TokenDead => "the access token is dead: nothing can be sent, and the run ends",
            Self::OrderLaneSilent => "an order call has had no answer for four seconds",
            Self::ExitUnheard => "an exit works where no prices come; the broker's last price stands in",
            Self::PositionUnheard => "something is held whose own prices do not come, although others do",
            Self::OrderStreamMute => "the order stream is up and tells nothing; reads of the book do",
        }
    }

    /// The reason of a number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        PAGE_REASONS.get(usize::from(number)).copied()
    }
}

/// What is known of one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// How often it was raised today.
    pub count: u64,
    /// The instrument of the last time; `None` where it is about none.
    pub instrument: Option<InstrumentId>,
    /// Engine time of the first time; [`TsNs::NEVER`] while there was none.
    pub first_ts: TsNs,
    /// Engine time of the last time.
    pub last_ts: TsNs,
}

/// The pages of the day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    rows: [Page; PAGE_REASONS.len()],
}

impl Pages {
    /// What is known of one reason.
    #[must_use]
    pub const fn get(&self, reason: PageReason) -> &Page {
        &self.rows[reason as usize]
    }

    /// Every reason that was raised today, in the order of the numbers.
    pub fn raised(&self) -> impl Iterator<Item = (PageReason, &Page)> {
        PAGE_REASONS
            .into_iter()
            .zip(&self.rows)
            .filter(|(_, page)| page.count > 0)
    }

    /// How often anything was raised today.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.rows.iter().map(|page| page.count).sum()
    }

    /// Raises a page.
    pub(crate) fn raise(&mut self, reason: PageReason, instrument: Option<InstrumentId>, now: TsNs) {
        let page = &mut self.rows[reason as usize];
        if page.count == 0 {
            page.first_ts = now;
        }
        page.count += 1;
        page.instrument = instrument;
        page.last_ts = now;
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        for page in &self.rows {
            hasher.u64(page.count);
            hasher.u64(page.instrument.map_or(u64::MAX, |id| u64::from(id.get())));
            hasher.i64(page.first_ts.get());
            hasher.i64(page.last_ts.get());
        }
    }
}

impl State {
    /// What a person must see.
    #[must_use]
    pub const fn pages(&self) -> &Pages {
        &self.pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_dense_and_their_codes_unique() {
        let mut codes: Vec<_> = PAGE_REASONS.iter().map(|reason| reason.code()).collect();
        for (number, reason) in PAGE_REASONS.iter().enumerate() {
            assert_eq!(*reason as usize, number);
            assert_eq!(PageReason::from_number(number as u8), Some(*reason));
            assert!(
                !reason.words().is_empty() && reason.words().len() <= 80,
                "{reason:?}"
            );
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), PAGE_REASONS.len());
        assert_eq!(PageReason::from_number(PAGE_REASONS.len() as u8), None);
    }

    #[test]
    fn a_page_keeps_its_first_time_and_its_last_place() {
        let mut pages = Pages::default();
        let (first, last) = (TsNs::new(5), TsNs::new(9));
        pages.raise(PageReason::LateFill, Some(InstrumentId::new(1)), first);
        pages.raise(PageReason::LateFill, Some(InstrumentId::new(2)), last);
        let expected = Page {
            count: 2,
            instrument: Some(InstrumentId::new(2)),
            first_ts: first,
            last_ts: last,
        };
        assert_eq!(pages.get(PageReason::LateFill), &expected);
        let raised: Vec<_> = pages.raised().collect();
        assert_eq!(
            (raised, pages.total()),
            (vec![(PageReason::LateFill, &expected)], 2)
        );
    }
}
