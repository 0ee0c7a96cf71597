//! Where the broker's books differ from our journal: a table that a person must look at.
//!
//! Invariants: a difference is never cleared by itself, not even when later reports agree again; only arming
//! clears the table; it is bounded, and what does not fit is counted. Left out: what stops (the engine's mode).

use crate::instrument::InstrumentId;
use crate::limits::POSITIONS_MAX;
use crate::quantity::Qty;
use crate::state_hash::StateHasher;
use crate::time::TsNs;

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DifferenceKind {
    /// The net position.
    Position = 0,
    /// An order that the journal did not know.
    Order = 1,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub kind: DifferenceKind,
    /// In which instrument.
    pub instrument: InstrumentId,
    /// What our journal had when the difference was found.
    pub ours: Qty,
    /// What the broker said last.
    pub brokers: Qty,
    /// Engine time at which it was found.
    pub since: TsNs,
}

/// The table.
#[derive(Clone, Copy, Debug)]
pub struct Differences {
    rows: [Option<Difference>; POSITIONS_MAX],
    count: usize,
    overflowed: u64,
}

impl Default for Differences {
    fn default() -> Self {
        Self {
            rows: [None; POSITIONS_MAX],
            count: 0,
            overflowed: 0,
        }
    }
}

impl Differences {
    /// The rows, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Difference> {
        self.rows[..self.count].iter().flatten()
    }

    /// How many there are, those that found no room included.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count as u64 + self.overflowed
    }

    /// Notes what was found; a known row keeps its beginning and takes the broker's newest word.
    pub(crate) fn note(&mut self, found: Difference) {
        let same = |row: &&mut Difference| row.kind == found.kind && row.instrument == found.instrument;
        if let Some(row) = self.rows[..self.count].iter_mut().flatten().find(same) {
            row.brokers = found.brokers;
        } else if self.count < self.rows.len() {
            self.rows[self.count] = Some(found);
            self.count += 1;
        } else {
            self.overflowed += 1;
        }
    }

    /// A later word of the broker on a position that is in the table.
    pub(crate) fn follow(&mut self, instrument: InstrumentId, brokers: Qty) {
        let same =
            |row: &&mut Difference| row.kind == DifferenceKind::Position && row.instrument == instrument;
        if let Some(row) = self.rows[..self.count].iter_mut().flatten().find(same) {
            row.brokers = brokers;
        }
    }

    /// A person looked.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.u64(self.count());
        for row in self.iter() {
            hasher.u64(row.kind as u64);
            hasher.u64(u64::from(row.instrument.get()));
            hasher.i64(row.ours.get());
            hasher.i64(row.brokers.get());
            hasher.i64(row.since.get());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_beginning_and_what_finds_no_room_is_counted() {
        let mut table = Differences::default();
        let row = |number: u32, brokers: i64, since: i64| Difference {
            kind: DifferenceKind::Position,
            instrument: InstrumentId::new(number),
            ours: Qty::new(100),
            brokers: Qty::new(brokers),
            since: TsNs::new(since),
        };
        table.note(row(1, 50, 10));
        table.note(row(1, 75, 20));
        table.follow(InstrumentId::new(1), Qty::new(100));
        table.follow(InstrumentId::new(2), Qty::new(9));
        assert_eq!(table.iter().copied().collect::<Vec<_>>(), [row(1, 100, 10)]);
        for number in 2..100 {
            table.note(row(number, 1, 30));
        }
        assert_eq!((table.iter().count(), table.count()), (POSITIONS_MAX, 99));
        table.clear();
        assert_eq!((table.iter().count(), table.count()), (0, 0));
    }
}
