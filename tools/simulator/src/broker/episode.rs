//! Faults that last: from a moment to another, the broker is in some state that is no good.
//!
//! Invariant: what is over leaves nothing behind but what truly happened meanwhile.

use bijli_core::{DurationNs, TsNs};

use super::StreamUpdate;

/// A state that ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spell(Option<TsNs>);

impl Spell {
    /// It lasts from now on; one that is under way is not cut short.
    pub(super) fn begin(&mut self, now: TsNs, length: DurationNs) {
        let end = now.plus(length);
        self.0 = Some(self.0.map_or(end, |before| before.max(end)));
    }

    pub(super) fn is_on(self, now: TsNs) -> bool {
        self.0.is_some_and(|end| now < end)
    }
}

/// How much of the books reads see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Nothing at all.
    Empty,
    /// The orders whose place, modulo 64, has its bit here.
    Partial(u64),
    /// Orders and trades as they stood at a time.
    Stale(TsNs),
    /// The positions with them.
    AllStale(TsNs),
}

/// The states that the broker is in by faults.
#[derive(Clone, Debug)]
pub(super) struct Episodes {
    /// The latest time that the broker was told.
    pub(super) clock: TsNs,
    /// The next whole minute, once time is known.
    pub(super) next_minute: Option<TsNs>,
    /// A message of the stream that waits for a later one to overtake it, and until when.
    pub(super) held: Option<(TsNs, StreamUpdate)>,
    pub(super) too_many: Spell,
    pub(super) suspended: Spell,
    pub(super) silent: Spell,
    pub(super) address_blocked: Spell,
    pub(super) halted: Spell,
    pub(super) positions_hidden: Spell,
    pub(super) book: Spell,
    pub(super) sight: Sight,
    pub(super) margin_raised: Spell,
    /// What margins are multiplied by while they are raised, in basis points.
    pub(super) margin_bps: i64,
    /// Orders before this place are told no more: the book was cleared.
    pub(super) cleared: usize,
}

impl Default for Episodes {
    fn default() -> Self {
        Self {
            clock: TsNs::new(0),
            next_minute: None,
            held: None,
            too_many: Spell::default(),
            suspended: Spell::default(),
            silent: Spell::default(),
            address_blocked: Spell::default(),
            halted: Spell::default(),
            positions_hidden: Spell::default(),
            book: Spell::default(),
            sight: Sight::Empty,
            margin_raised: Spell::default(),
            margin_bps: 10_000,
            cleared: 0,
        }
    }
}

impl Episodes {
    /// Ends every state that ends by itself; what was cleared stays cleared.
    pub(super) fn end(&mut self) {
        *self = Self {
            clock: self.clock,
            next_minute: self.next_minute,
            held: self.held.take(),
            cleared: self.cleared,
            ..Self::default()
        };
    }
}
