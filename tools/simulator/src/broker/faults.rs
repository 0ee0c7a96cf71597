//! Faults that a broker shows, injected by seed: one row each, with its chance, its length and its count.
//!
//! A row bears the id that the project's catalogue of faults (`tools/simulate/FAULTS.md`) gives it. Chances are in
//! parts per million; the default is none. Each kind draws from its own stream of the seed, which its id names, so
//! that switching one on does not move the others. No fault writes into the ledger what did not happen.

use bijli_core::DurationNs;

use crate::random::Random;

mod table;

pub use table::{FAULTS, Fault};

/// Kinds of fault.
pub const FAULT_KINDS: usize = FAULTS.len();

/// What is known of one kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultRow {
    /// The kind.
    pub fault: Fault,
    /// Its id in the catalogue.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What its chance is drawn for.
    pub drawn: Drawn,
    /// How long what it does lasts, least and most; zero for what has no length.
    pub span: (DurationNs, DurationNs),
    /// What it does, in one line.
    pub about: &'static str,
}

/// What a chance is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// Each order call that the fault can strike.
    OrderCall,
    /// Each order call and each read of the account.
    Call,
    /// Each read that the fault can strike.
    Read,
    /// Each order that the fault can strike, when it is taken in or when the named step is due.
    Order,
    /// Each fill.
    Fill,
    /// Each message of the order stream.
    Update,
    /// Each simulated minute, or as often as [`Faults::every`] says.
    Minute,
    /// Each open socket and simulated second.
    SocketSecond,
}

impl Fault {
    /// Its row of the table.
    #[must_use]
    pub const fn row(self) -> &'static FaultRow {
        &FAULTS[self as usize]
    }

    /// The kind that an id names.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Self> {
        FAULTS.iter().find(|row| row.id == id).map(|row| row.fault)
    }
}

/// How often which fault happens, and how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    ppm: [u32; FAULT_KINDS],
    first: [u32; FAULT_KINDS],
    spans: [(DurationNs, DurationNs); FAULT_KINDS],
    minute: DurationNs,
}

impl Faults {
    /// A broker without faults.
    pub const NONE: Self = {
        let mut spans = [(DurationNs::ZERO, DurationNs::ZERO); FAULT_KINDS];
        let mut kind = 0;
        while kind < FAULT_KINDS {
            spans[kind] = FAULTS[kind].span;
            kind += 1;
        }
        Self {
            ppm: [0; FAULT_KINDS],
            first: [0; FAULT_KINDS],
            spans,
            minute: DurationNs::from_secs(60),
        }
    };

    /// The same faults, and this one with a chance in parts per million.
    #[must_use]
    pub const fn with(mut self, fault: Fault, ppm: u32) -> Self {
        self.ppm[fault as usize] = ppm;
        self
    }

    /// The same faults, of which this one strikes its first so many occasions whatever its chance: a test that needs
    /// it need not hope.
    #[must_use]
    pub const fn first(mut self, fault: Fault, occasions: u32) -> Self {
        self.first[fault as usize] = occasions;
        self
    }

    /// The same faults, of which this one lasts so long.
    ///
    /// # Panics
    /// When the least is more than the most, or negative.
    #[must_use]
    pub const fn lasting(mut self, fault: Fault, least: DurationNs, most: DurationNs) -> Self {
        assert!(
            0 <= least.get() && least.get() <= most.get(),
            "a span has its ends in order"
        );
        self.spans[fault as usize] = (least, most);
        self
    }

    /// The same faults, of which those that are drawn each minute are drawn this often: a compressed day has few
    /// minutes.
    ///
    /// # Panics
    /// When it is not positive.
    #[must_use]
    pub const fn every(mut self, minute: DurationNs) -> Self {
        assert!(minute.get() > 0, "time passes between two draws");
        self.minute = minute;
        self
    }

    /// How often faults of each minute are drawn.
    #[must_use]
    pub const fn minute(&self) -> DurationNs {
        self.minute
    }

    /// The chance of a fault, in parts per million.
    #[must_use]
    pub const fn ppm(&self, fault: Fault) -> u32 {
        self.ppm[fault as usize]
    }

    /// How many occasions a fault is still to strike whatever its chance.
    #[must_use]
    pub const fn first_left(&self, fault: Fault) -> u32 {
        self.first[fault as usize]
    }

    /// How long a fault lasts, least and most.
    #[must_use]
    pub const fn span(&self, fault: Fault) -> (DurationNs, DurationNs) {
        self.spans[fault as usize]
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::NONE
    }
}

/// How many faults of each kind have fired: a fault that never fires proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultCounts([u64; FAULT_KINDS]);

impl Default for FaultCounts {
    fn default() -> Self {
        Self([0; FAULT_KINDS])
    }
}

impl FaultCounts {
    /// How often a fault has fired.
    #[must_use]
    pub const fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    /// Every kind and how often it has fired, in the order of the table.
    pub fn rows(&self) -> impl Iterator<Item = (&'static FaultRow, u64)> {
        FAULTS.iter().zip(self.0)
    }
}

/// The dice.
#[derive(Clone, Debug)]
pub(super) struct FaultDice {
    faults: Faults,
    streams: [Random; FAULT_KINDS],
    counts: FaultCounts,
}

impl FaultDice {
    pub(super) fn new(faults: Faults, seed: u64) -> Self {
        // The id names the stream, so that a new row moves no other.
        let purpose = |id: &str| id.bytes().fold(0xfa_u64, |sum, byte| sum << 8 | u64::from(byte));
        Self {
            faults,
            streams: FAULTS.map(|row| Random::new(seed, purpose(row.id))),
            counts: FaultCounts::default(),
        }
    }

    pub(super) const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Other chances from now on; streams and counts go on.
    pub(super) const fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    pub(super) const fn counts(&self) -> FaultCounts {
        self.counts
    }

    /// Whether the dice say yes; counted only by [`FaultDice::count`], for the caller may find no use for it.
    pub(super) const fn rolls(&mut self, fault: Fault) -> bool {
        // Drawn in any case: what must strike moves nothing that comes by chance.
        let happens = self.streams[fault as usize].happens(self.faults.ppm(fault));
        happens || self.faults.first_left(fault) > 0
    }

    /// It has happened.
    pub(super) const fn count(&mut self, fault: Fault) {
        self.counts.0[fault as usize] += 1;
        self.faults.first[fault as usize] = self.faults.first[fault as usize].saturating_sub(1);
    }

    /// Whether it happens, counted at once.
    pub(super) const fn fires(&mut self, fault: Fault) -> bool {
        let fires = self.rolls(fault);
        if fires {
            self.count(fault);
        }
        fires
    }

    /// A number from `low` to `high`, both included, from the stream of a fault.
    pub(super) const fn between(&mut self, fault: Fault, low: i64, high: i64) -> i64 {
        self.streams[fault as usize].between(low, high)
    }

    /// How long it lasts this time.
    pub(super) const fn lasts(&mut self, fault: Fault) -> DurationNs {
        let (least, most) = self.faults.span(fault);
        DurationNs::new(self.between(fault, least.get(), most.get()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_stands_at_its_own_place_under_one_id_and_name() {
        for (place, row) in FAULTS.iter().enumerate() {
            assert_eq!(row.fault as usize, place, "{row:?}");
            assert_eq!(Fault::of_id(row.id), Some(row.fault));
            assert!(row.span.0 <= row.span.1 && row.about.ends_with('.'), "{row:?}");
        }
        let ids: BTreeSet<&str> = FAULTS.iter().map(|row| row.id).collect();
        let names: BTreeSet<&str> = FAULTS.iter().map(|row| row.name).collect();
        assert_eq!((ids.len(), names.len()), (FAULT_KINDS, FAULT_KINDS));
        assert_eq!(Fault::of_id("O0"), None);
    }

    #[test]
    fn a_fault_that_is_switched_on_moves_no_other() {
        let drawn = |faults: Faults| {
            let mut dice = FaultDice::new(faults, 7);
            let draws = (0..200).map(|_| {
                let _other = dice.fires(Fault::ReplyLost);
                dice.fires(Fault::ReplyLate)
            });
            draws.collect::<Vec<bool>>()
        };
        let alone = Faults::NONE.with(Fault::ReplyLate, 300_000);
        assert_eq!(drawn(alone), drawn(alone.with(Fault::ReplyLost, 500_000)));
        assert!(drawn(alone).contains(&true) && drawn(alone).contains(&false));
    }

    #[test]
    fn the_first_occasions_are_struck_for_sure_and_the_chance_decides_the_rest_as_it_would_have() {
        let drawn = |faults: Faults| {
            let mut dice = FaultDice::new(faults, 7);
            let fired: Vec<bool> = (0..200).map(|_| dice.fires(Fault::ReplyLate)).collect();
            (fired, dice.faults().first_left(Fault::ReplyLate))
        };
        let by_chance = Faults::NONE.with(Fault::ReplyLate, 300_000);
        let (sure, left) = drawn(by_chance.first(Fault::ReplyLate, 9));
        assert_eq!((&sure[..9], left), (&[true; 9][..], 0));
        assert_eq!(sure[9..], drawn(by_chance).0[9..]);
        let mut dice = FaultDice::new(Faults::NONE.first(Fault::Purge, 1), 7);
        assert!(dice.rolls(Fault::Purge) && dice.rolls(Fault::Purge), "no use yet");
        dice.count(Fault::Purge);
        assert!(!dice.rolls(Fault::Purge));
    }

    #[test]
    fn what_fires_is_counted_and_what_merely_rolls_is_not() {
        let mut dice = FaultDice::new(Faults::NONE.with(Fault::ReplyLost, 1_000_000), 1);
        assert!(dice.rolls(Fault::ReplyLost) && dice.fires(Fault::ReplyLost));
        assert!(!dice.fires(Fault::ReplyLate));
        assert_eq!(dice.counts().of(Fault::ReplyLost), 1);
        assert_eq!(dice.counts().rows().map(|(_, count)| count).sum::<u64>(), 1);
    }
}
