//! What the risk gate remembers of the day beyond books and orders: who entered what, losses in a row, the best of
//! the day, how often a strategy acts, and what latched.
//!
//! Words: a round trip is a position of ours from flat to flat (or turned round), by fills; its result is what it
//! realised less its charges; one that ends below zero is lost. A latch stays until its written end: the drawdown for
//! the day, a strategy's until a person clears it. Invariants: everything here follows from journaled events alone, so
//! a restart rebuilds it, latches included; all of it is in the state hash. A position that the broker's report made
//! flat, its fills unknown, ends no trip.

use crate::comovement::Comovement;
use crate::config::RiskConfig;
use crate::instrument::InstrumentId;
use crate::price::{Money, Price};
use crate::quantity::Qty;
use crate::recent_times::RecentTimes;
use crate::state_hash::StateHasher;
use crate::strategy::{STRATEGIES_MAX, StrategyId};
use crate::time::{DurationNs, TsNs};

/// Ticks after the opening are counted up to here.
const OPEN_TICKS_MAX: u8 = u8::MAX;

/// What is remembered of one instrument.
#[derive(Clone, Copy, Debug, Default)]
struct InstrumentMemory {
    /// The strategy that entered last.
    owner: Option<StrategyId>,
    /// Result so far of the round trip under way, charges deducted.
    trip_result: Money,
    /// Coherent ticks since the market opened.
    open_ticks: u8,
}

/// What is remembered of one strategy.
#[derive(Clone, Copy, Debug, Default)]
struct StrategyMemory {
    entries: RecentTimes,
    wishes: RecentTimes,
    latched: bool,
}

/// A fill of ours as far as round trips are concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TripFill {
    pub(crate) instrument: InstrumentId,
    pub(crate) qty_before: Qty,
    pub(crate) qty_after: Qty,
    pub(crate) gained: Money,
    pub(crate) charges: Money,
}

/// The gate's own memory.
#[derive(Debug)]
pub struct Protections {
    instruments: Vec<InstrumentMemory>,
    strategies: Vec<StrategyMemory>,
    entries: RecentTimes,
    comovement: Comovement,
    /// Best result of the day.
    best_result: Money,
    drawdown_latched: bool,
    losses_in_a_row: u32,
    /// Entries pause until here after a streak of losses; never = no pause.
    paused_until: TsNs,
    trips_closed: u32,
    /// Entries that passed without all relations to other underlyings being known.
    relations_unknown: u64,
}

impl Default for Protections {
    fn default() -> Self {
        Self {
            instruments: Vec::new(),
            strategies: vec![StrategyMemory::default(); STRATEGIES_MAX],
            entries: RecentTimes::default(),
            comovement: Comovement::default(),
            best_result: Money::ZERO,
            drawdown_latched: false,
            losses_in_a_row: 0,
            paused_until: TsNs::NEVER,
            trips_closed: 0,
            relations_unknown: 0,
        }
    }
}

impl Protections {
    /// The strategy that last entered `instrument`: what its position and its exits are counted under. `None` where
    /// none of ours did.
    #[must_use]
    pub fn owner(&self, instrument: InstrumentId) -> Option<StrategyId> {
        self.instruments.get(instrument.index())?.owner
    }

    /// Coherent ticks of an instrument since its market opened; counted up to 255.
    #[must_use]
    pub fn open_ticks(&self, instrument: InstrumentId) -> u32 {
        u32::from(self.instruments[instrument.index()].open_ticks)
    }

    /// When orders of entries of the account were sent.
    #[must_use]
    pub const fn entry_times(&self) -> &RecentTimes {
        &self.entries
    }

    /// Which underlyings move together.
    #[must_use]
    pub const fn comovement(&self) -> &Comovement {
        &self.comovement
    }

    /// Whether equity fell too far below the best of the day; latched for the day.
    #[must_use]
    pub const fn is_drawdown_latched(&self) -> bool {
        self.drawdown_latched
    }

    /// Best result of the day so far, never negative.
    #[must_use]
    pub const fn best_result(&self) -> Money {
        self.best_result
    }

    /// Round trips lost in a row.
    #[must_use]
    pub const fn losses_in_a_row(&self) -> u32 {
        self.losses_in_a_row
    }

    /// Until when a streak of losses pauses entries; [`TsNs::NEVER`] without one.
    #[must_use]
    pub const fn paused_until(&self) -> TsNs {
        self.paused_until
    }

    /// Round trips closed today.
    #[must_use]
    pub const fn trips_closed(&self) -> u32 {
        self.trips_closed
    }

    /// Entries that passed the correlation check without all relations being known.
    #[must_use]
    pub const fn relations_unknown(&self) -> u64 {
        self.relations_unknown
    }

    /// Whether the strategy is latched off as a runaway.
    #[must_use]
    pub fn is_latched(&self, strategy: StrategyId) -> bool {
        self.strategies[strategy.index()].latched
    }

    /// A person lets a latched strategy enter again; what it did so far no longer counts. Tells whether it was latched.
    pub fn clear_latch(&mut self, strategy: StrategyId) -> bool {
        let memory = &mut self.strategies[strategy.index()];
        let was_latched = memory.latched;
        *memory = StrategyMemory::default();
        was_latched
    }

    /// Makes room for the next instrument of the table.
    pub(crate) fn list_instrument(&mut self) {
        self.instruments.push(InstrumentMemory::default());
        self.comovement.list_instrument();
    }

    /// Counts a coherent tick of continuous trading.
    #[inline]
    pub(crate) fn note_open_tick(&mut self, instrument: InstrumentId) {
        let memory = &mut self.instruments[instrument.index()];
        if memory.open_ticks < OPEN_TICKS_MAX {
            memory.open_ticks += 1;
        }
    }

    /// Takes in a sound price of an underlying.
    #[inline]
    pub(crate) fn note_price(&mut self, underlying: InstrumentId, now: TsNs, price: Price) {
        self.comovement.note_price(underlying, now, price);
    }

    /// Counts a wish, whatever becomes of it; too many in a second latch the strategy off.
    pub(crate) fn note_wish(&mut self, strategy: StrategyId, now: TsNs, risk: &RiskConfig) {
        let memory = &mut self.strategies[strategy.index()];
        memory.wishes.push(now);
        let second = DurationNs::from_secs(1);
        memory.latched |= memory.wishes.is_reached(risk.wishes_per_second_max, second, now);
    }

    /// Counts an order of an entry: one cut at the freeze quantity has several.
    pub(crate) fn note_entry_order(&mut self, now: TsNs) {
        self.entries.push(now);
    }

    /// Remembers that `strategy` opens `instrument`; too many entries in the window latch the strategy off. However
    /// many orders it is cut into, it is one entry.
    pub(crate) fn note_entry(
        &mut self,
        instrument: InstrumentId,
        strategy: StrategyId,
        now: TsNs,
        risk: &RiskConfig,
    ) {
        self.instruments[instrument.index()].owner = Some(strategy);
        let memory = &mut self.strategies[strategy.index()];
        memory.entries.push(now);
        memory.latched |= memory
            .entries
            .is_reached(risk.repeat_entries_max, risk.repeat_window, now);
    }

    /// Counts an entry that passed although some relations were not known.
    pub(crate) fn note_unknown_relations(&mut self, count: u32) {
        self.relations_unknown += u64::from(count > 0);
    }

    /// Takes a fill into the round trip under way and closes the trip when it ends it.
    pub(crate) fn note_fill(&mut self, fill: &TripFill, now: TsNs, risk: &RiskConfig) {
        let memory = &mut self.instruments[fill.instrument.index()];
        let net = fill.gained.get().saturating_sub(fill.charges.get());
        memory.trip_result = Money::new(memory.trip_result.get().saturating_add(net));
        let ends =
            !fill.qty_before.is_zero() && fill.qty_before.get().signum() != fill.qty_after.get().signum();
        if !ends {
            return;
        }
        let result = memory.trip_result;
        memory.trip_result = Money::ZERO;
        if memory.owner.is_none() {
            return;
        }
        self.trips_closed = self.trips_closed.saturating_add(1);
        if result.get() >= 0 {
            self.losses_in_a_row = 0;
            return;
        }
        self.losses_in_a_row += 1;
        if self.losses_in_a_row >= risk.loss_streak_max {
            self.losses_in_a_row = 0;
            self.paused_until = now.plus(risk.loss_streak_pause);
        }
    }

    /// The broker's report replaced the position: its fills are not known, so its trip has no result.
    pub(crate) fn forget_trip(&mut self, instrument: InstrumentId) {
        self.instruments[instrument.index()].trip_result = Money::ZERO;
    }

    /// Takes in the result of the day; a fall of `limit` below the best of the day latches.
    pub(crate) fn note_result(&mut self, result: Money, limit: Money) {
        self.best_result = self.best_result.max(result);
        let fall = self.best_result.get().saturating_sub(result.get());
        self.drawdown_latched |= fall >= limit.get();
    }

    /// The clock was set forward: what was counted just before is as recent as it was, and a pause as long.
    pub(crate) fn follow_step(&mut self, length: DurationNs, now: TsNs) {
        self.entries.follow_step(length, now);
        for memory in &mut self.strategies {
            memory.entries.follow_step(length, now);
            memory.wishes.follow_step(length, now);
        }
        let before = now.plus(DurationNs::new(-length.get()));
        if self.paused_until > before {
            self.paused_until = self.paused_until.plus(length);
        }
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        for memory in &self.instruments {
            let owner = memory
                .owner
                .map_or(u64::MAX, |strategy| u64::from(strategy.get()));
            hasher.u64(owner << 8 | u64::from(memory.open_ticks));
            hasher.i64(memory.trip_result.get());
        }
        for memory in &self.strategies {
            memory.entries.hash_into(hasher);
            memory.wishes.hash_into(hasher);
            hasher.u64(memory.latched.into());
        }
        self.entries.hash_into(hasher);
        self.comovement.hash_into(hasher);
        hasher.i64(self.best_result.get());
        hasher.u64(self.drawdown_latched.into());
        hasher.u64(u64::from(self.losses_in_a_row) << 32 | u64::from(self.trips_closed));
        hasher.i64(self.paused_until.get());
        hasher.u64(self.relations_unknown);
    }
}
