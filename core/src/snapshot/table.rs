//! Where everything lies in a snapshot: the header, the groups of slots, and the hash that names the layout.
//!
//! Invariants: groups follow one another in the order of [`Group::ALL`]; a slot takes whole cache lines, so
//! writers of neighbouring slots do not disturb one another; the hash covers the name, form and place of every
//! field, so a reader of another layout refuses instead of misreading.

use std::sync::atomic::AtomicU64;

use super::GUARD_WORDS;
use crate::codec::FieldRow;
use crate::latency::STAGES;
use crate::limits::POSITIONS_MAX;
use crate::page::PAGE_REASONS;
use crate::readout::{
    DenialReadout, DifferenceReadout, EngineReadout, FeedReadout, GatewayReadout, LatencyReadout,
    OrderReadout, PageReadout, PositionReadout, Readout, SessionReadout, SignalReadout, SupervisionReadout,
};
use crate::state_hash::StateHasher;

/// Version of the header and of the slot guard.
pub const SNAPSHOT_VERSION: u64 = 2;
/// Slots for open positions.
pub const POSITION_SLOTS: usize = POSITIONS_MAX;
/// Slots for the last signals.
pub const SIGNAL_SLOTS: usize = 16;
/// Slots for the last orders.
pub const ORDER_SLOTS: usize = 64;
/// Slots for differences between the broker's books and ours.
pub const DIFFERENCE_SLOTS: usize = 16;
/// Slots for pages: one a reason, by its number.
pub const PAGE_SLOTS: usize = PAGE_REASONS.len();
/// Bytes of a whole snapshot.
pub const SNAPSHOT_BYTES: usize = Group::PAGE.end();

/// Largest contents of any slot.
pub(super) const CONTENT_BYTES_MAX: usize = 768;
/// Words of the header: five, then three for each group, then zeros to 512 bytes.
pub(super) const HEADER_WORDS: usize = 64;

const MAGIC: [u8; 8] = *b"BIJLSNAP";
const LINE_BYTES: usize = 64;
const TABLE_AT: usize = 5;
const ROW_WORDS: usize = 3;

/// Slots of one kind, one behind the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) slots: usize,
    pub(super) content_bytes: usize,
    /// Where the first slot begins, bytes from the start of the snapshot.
    offset: usize,
    rows: fn() -> Vec<FieldRow>,
}

impl Group {
    pub(super) const SESSION: Self = Self::at::<SessionReadout>(HEADER_WORDS * 8, 1);
    pub(super) const ENGINE: Self = Self::at::<EngineReadout>(Self::SESSION.end(), 1);
    pub(super) const FEED: Self = Self::at::<FeedReadout>(Self::ENGINE.end(), 1);
    pub(super) const GATEWAY: Self = Self::at::<GatewayReadout>(Self::FEED.end(), 1);
    pub(super) const LATENCY: Self = Self::at::<LatencyReadout>(Self::GATEWAY.end(), STAGES.len());
    pub(super) const POSITION: Self = Self::at::<PositionReadout>(Self::LATENCY.end(), POSITION_SLOTS);
    pub(super) const SIGNAL: Self = Self::at::<SignalReadout>(Self::POSITION.end(), SIGNAL_SLOTS);
    pub(super) const ORDER: Self = Self::at::<OrderReadout>(Self::SIGNAL.end(), ORDER_SLOTS);
    pub(super) const DENIAL: Self = Self::at::<DenialReadout>(Self::ORDER.end(), 1);
    pub(super) const SUPERVISION: Self = Self::at::<SupervisionReadout>(Self::DENIAL.end(), 1);
    pub(super) const DIFFERENCE: Self =
        Self::at::<DifferenceReadout>(Self::SUPERVISION.end(), DIFFERENCE_SLOTS);
    pub(super) const PAGE: Self = Self::at::<PageReadout>(Self::DIFFERENCE.end(), PAGE_SLOTS);

    /// Every group in the order in which they lie.
    pub(super) const ALL: [Self; 12] = [
        Self::SESSION,
        Self::ENGINE,
        Self::FEED,
        Self::GATEWAY,
        Self::LATENCY,
        Self::POSITION,
        Self::SIGNAL,
        Self::ORDER,
        Self::DENIAL,
        Self::SUPERVISION,
        Self::DIFFERENCE,
        Self::PAGE,
    ];

    const fn at<R: Readout>(offset: usize, slots: usize) -> Self {
        assert!(R::BYTES <= CONTENT_BYTES_MAX);
        assert!(R::BYTES.is_multiple_of(8));
        Self {
            name: R::NAME,
            slots,
            content_bytes: R::BYTES,
            offset,
            rows: R::rows,
        }
    }

    const fn slot_bytes(&self) -> usize {
        (GUARD_WORDS * 8 + self.content_bytes).next_multiple_of(LINE_BYTES)
    }

    const fn end(&self) -> usize {
        self.offset + self.slots * self.slot_bytes()
    }

    /// The words of one slot, guard included, padding not.
    pub(super) fn words<'a>(&self, words: &'a [AtomicU64], slot: usize) -> &'a [AtomicU64] {
        assert!(slot < self.slots, "a slot lies within its group");
        let first = (self.offset + slot * self.slot_bytes()) / 8;
        &words[first..first + GUARD_WORDS + self.content_bytes / 8]
    }
}

const _: () = assert!(TABLE_AT + Group::ALL.len() * ROW_WORDS <= HEADER_WORDS);

/// A group of slots as documentation and tools see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotGroup {
    /// Its name.
    pub name: &'static str,
    /// How many slots it has.
    pub slots: usize,
    /// Where the first one begins, bytes from the start of the snapshot.
    pub offset: usize,
    /// Bytes from one slot to the next.
    pub slot_bytes: usize,
    /// Its fields; offsets count from the start of a slot.
    pub fields: Vec<FieldRow>,
}

/// The whole layout.
#[must_use]
pub fn layout() -> Vec<SlotGroup> {
    let with_guard = |row: FieldRow| FieldRow {
        offset: row.offset + GUARD_WORDS * 8,
        ..row
    };
    Group::ALL
        .iter()
        .map(|group| SlotGroup {
            name: group.name,
            slots: group.slots,
            offset: group.offset,
            slot_bytes: group.slot_bytes(),
            fields: (group.rows)().into_iter().map(with_guard).collect(),
        })
        .collect()
}

/// Names the layout: XXH64 over version, size and every group and field with its name, form and place.
#[must_use]
pub fn layout_hash() -> u64 {
    let mut hasher = StateHasher::default();
    hasher.u64(SNAPSHOT_VERSION);
    hasher.u64(SNAPSHOT_BYTES as u64);
    for group in layout() {
        hasher.bytes(group.name.as_bytes());
        hasher.u64(group.slots as u64);
        hasher.u64(group.offset as u64);
        hasher.u64(group.slot_bytes as u64);
        for field in group.fields {
            hasher.bytes(field.name.as_bytes());
            hasher.bytes(field.form.as_bytes());
            hasher.u64(field.offset as u64);
            hasher.u64(field.bytes as u64);
        }
    }
    hasher.finish()
}

/// The header of a snapshot of this layout.
pub(super) fn header_words() -> [u64; HEADER_WORDS] {
    let mut words = [0; HEADER_WORDS];
    words[0] = u64::from_le_bytes(MAGIC);
    words[1] = SNAPSHOT_VERSION;
    words[2] = layout_hash();
    words[3] = SNAPSHOT_BYTES as u64;
    words[4] = Group::ALL.len() as u64;
    for (row, group) in words[TABLE_AT..].chunks_exact_mut(ROW_WORDS).zip(Group::ALL) {
        row[0] = group.offset as u64;
        row[1] = group.slot_bytes() as u64;
        row[2] = group.slots as u64;
    }
    words
}
