//! Pairs, seen from outside: what is sold is covered by what was bought first, and nobody stays with half a pair.
//!
//! Judged by what was told and by the broker's truth, never by the engine's groups: on a day of pairs each instrument
//! has one partner ([`crate::pairs`]). Not asked of a pair in which a person or somebody else traded.

use bijli_core::command::Place;
use bijli_core::event::Traded;
use bijli_core::order::Side;
use bijli_core::{DurationNs, InstrumentId, TsNs};

use super::{Broken, broken};
use crate::market::INSTRUMENTS;
use crate::pairs::partner;
use crate::plan::{CONTRADICTION_STANDS, LASTS_MAX, Plan};

/// How long a cover may stay without what it covers: the time to form, and to leave again.
const ALONE_MAX: DurationNs = DurationNs::from_secs(35);
/// How long the engine waits for the trades of an order that was told complete before the position speaks.
const FILL_PATIENCE: DurationNs = DurationNs::from_secs(60);

/// What was told of the legs.
#[derive(Clone, Debug)]
pub struct Cover {
    /// Whether the day is one of pairs.
    is_asked: bool,
    held: [i64; INSTRUMENTS],
    /// Since when something is held whose partner is not.
    alone_since: [TsNs; INSTRUMENTS],
    /// Instruments in which a person, somebody else or an order that nobody remembers acted.
    others: [bool; INSTRUMENTS],
}

impl Cover {
    /// Before the day.
    #[must_use]
    pub const fn new(is_asked: bool) -> Self {
        Self {
            is_asked,
            held: [0; INSTRUMENTS],
            alone_since: [TsNs::NEVER; INSTRUMENTS],
            others: [false; INSTRUMENTS],
        }
    }

    /// A trade was told for the first time; `is_known`: the journal has the placement. Where a power cut took that, and the
    /// wish for a pair with it, nobody knows of a pair, as where somebody else traded.
    pub const fn learn_trade(&mut self, trade: &Traded, is_known: bool) {
        let index = trade.instrument.index();
        self.held[index] += trade.side.sign() * trade.qty.get();
        if !is_known {
            self.others[index] = true;
        }
    }

    /// A person said a word about an instrument, or somebody else has an order there: the engine leaves it to them.
    pub const fn learn_hand(&mut self, instrument: InstrumentId) {
        self.others[instrument.index()] = true;
    }

    fn partner_of(&self, index: usize) -> Option<usize> {
        let other = partner(index as u32).filter(|_| self.is_asked)? as usize;
        (!self.others[index] && !self.others[other]).then_some(other)
    }

    /// P1: an entry sells only what is covered already.
    ///
    /// # Errors
    /// When it is not.
    pub fn check_entry(&self, place: &Place) -> Result<(), Broken> {
        let index = place.instrument.index();
        let Some(other) = self.partner_of(index).filter(|_| place.side == Side::Sell) else {
            return Ok(());
        };
        if self.held[other] < place.qty.get() {
            return broken(
                "P1",
                format!(
                    "sold before {} of its cover were bought: {place:?}",
                    self.held[other]
                ),
            );
        }
        Ok(())
    }

    /// P3: half a pair is left again. Asked once the faults have stopped for a while, and not where an order of
    /// `doubtful` instruments stands in the way: nothing leaves beside it.
    ///
    /// # Errors
    /// When it is not.
    pub fn check_time(
        &mut self,
        now: TsNs,
        plan: &Plan,
        doubtful: impl Fn(usize) -> bool,
    ) -> Result<(), Broken> {
        let patience = if plan.has_contradictions() {
            ALONE_MAX.plus(CONTRADICTION_STANDS).plus(FILL_PATIENCE)
        } else {
            ALONE_MAX
        };
        for index in 0..INSTRUMENTS {
            let Some(other) = self.partner_of(index) else {
                continue;
            };
            let is_alone =
                self.held[index] != 0 && self.held[other] == 0 && !doubtful(index) && !doubtful(other);
            if !is_alone {
                self.alone_since[index] = TsNs::NEVER;
                continue;
            }
            if !self.alone_since[index].is_set() {
                self.alone_since[index] = now;
            }
            let since = self.alone_since[index].max(plan.calm.plus(LASTS_MAX));
            if now.since(since) > patience {
                return broken(
                    "P3",
                    format!(
                        "instrument {index}: {} held without its partner",
                        self.held[index]
                    ),
                );
            }
        }
        Ok(())
    }

    /// P2: what is truly sold is covered by what is truly held of its partner.
    ///
    /// # Errors
    /// When it is not.
    pub fn check_truth(
        &self,
        held: impl Fn(u32) -> i64,
        muddied: &[bool; INSTRUMENTS],
    ) -> Result<(), Broken> {
        if !self.is_asked {
            return Ok(());
        }
        for index in 0..INSTRUMENTS {
            let Some(other) = self.partner_of(index) else {
                continue;
            };
            let (own, cover) = (held(index as u32), held(other as u32));
            if own < 0 && cover < -own && !muddied[index] && !muddied[other] {
                return broken(
                    "P2",
                    format!("instrument {index}: {own} sold, covered by {cover}"),
                );
            }
        }
        Ok(())
    }
}
