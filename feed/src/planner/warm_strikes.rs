//! The strikes around the money: which options of an underlying are worth a subscription now.
//!
//! Invariants: the window moves only when the price has left the middle strike's own range by a margin, so a price
//! that swings about a boundary moves nothing; equal prices in equal order give equal windows. An underlying without
//! a price yet has no window. Left out: where and in which mode they are subscribed (`planner`).

use std::collections::BTreeMap;

use bijli_core::instrument::{Instrument, InstrumentId};
use bijli_core::price::Price;
use bijli_core::time::IstDay;

/// How wide the window is and how reluctantly it moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarmWidth {
    /// Strikes on each side of the middle one.
    pub strikes_each_side: usize,
    /// Expiries, the nearest first.
    pub expiries: usize,
    /// How far beyond the half-way point to the next strike the price must go, in hundredths of that distance.
    pub margin_percent: i64,
}

impl Default for WarmWidth {
    fn default() -> Self {
        Self {
            strikes_each_side: 5,
            expiries: 1,
            margin_percent: 25,
        }
    }
}

/// The strikes of one underlying, over the expiries that are watched.
#[derive(Clone, Debug)]
struct Ladder {
    strikes: Vec<(Price, Vec<InstrumentId>)>,
    middle: Option<usize>,
}

/// Follows every underlying of a table.
#[derive(Clone, Debug)]
pub struct WarmStrikes {
    width: WarmWidth,
    ladders: BTreeMap<u32, Ladder>,
}

impl WarmStrikes {
    /// The options of a day's table by underlying; those that have expired before `day` are left out.
    #[must_use]
    pub fn new(instruments: &[Instrument], day: IstDay, width: WarmWidth) -> Self {
        let mut expiries: BTreeMap<u32, Vec<IstDay>> = BTreeMap::new();
        let options = || {
            instruments
                .iter()
                .filter(move |row| row.strike.is_set() && row.expiry >= day && row.underlying != row.id)
        };
        for option in options() {
            expiries
                .entry(option.underlying.get())
                .or_default()
                .push(option.expiry);
        }
        for days in expiries.values_mut() {
            days.sort_unstable();
            days.dedup();
            days.truncate(width.expiries);
        }
        let mut strikes: BTreeMap<u32, BTreeMap<Price, Vec<InstrumentId>>> = BTreeMap::new();
        for option in options() {
            let underlying = option.underlying.get();
            if expiries
                .get(&underlying)
                .is_some_and(|days| days.contains(&option.expiry))
            {
                let ladder = strikes.entry(underlying).or_default();
                ladder.entry(option.strike).or_default().push(option.id);
            }
        }
        let ladder = |strikes: BTreeMap<Price, Vec<InstrumentId>>| Ladder {
            strikes: strikes.into_iter().collect(),
            middle: None,
        };
        let ladders = strikes
            .into_iter()
            .map(|(underlying, rungs)| (underlying, ladder(rungs)));
        Self {
            width,
            ladders: ladders.collect(),
        }
    }

    /// Whether options of this instrument are followed.
    #[must_use]
    pub fn follows(&self, underlying: InstrumentId) -> bool {
        self.ladders.contains_key(&underlying.get())
    }

    /// The underlying trades at `price`. Answers whether its window has moved.
    pub fn follow(&mut self, underlying: InstrumentId, price: Price) -> bool {
        let margin_percent = self.width.margin_percent;
        let Some(ladder) = self.ladders.get_mut(&underlying.get()) else {
            return false;
        };
        if !price.is_set() || ladder.holds(price, margin_percent) {
            return false;
        }
        let nearest = ladder.nearest(price);
        let moved = ladder.middle != Some(nearest);
        ladder.middle = Some(nearest);
        moved
    }

    /// All underlyings that are followed.
    pub fn underlyings(&self) -> impl Iterator<Item = InstrumentId> {
        self.ladders
            .keys()
            .map(|underlying| InstrumentId::new(*underlying))
    }

    /// The options in the windows: by underlying, the strikes nearest to the middle first.
    pub fn warm(&self) -> impl Iterator<Item = InstrumentId> {
        self.ladders
            .values()
            .flat_map(|ladder| ladder.window(self.width.strikes_each_side))
    }
}

impl Ladder {
    /// Whether the price is still the middle strike's: within half the way to its neighbours and the margin.
    fn holds(&self, price: Price, margin_percent: i64) -> bool {
        let Some(middle) = self.middle else {
            return false;
        };
        let strike = self.strikes[middle].0.get();
        let reach = |neighbour: Option<usize>| {
            let neighbour = neighbour.and_then(|index| self.strikes.get(index));
            neighbour.map(|(other, _)| (other.get() - strike).abs() * (50 + margin_percent) / 100)
        };
        let offset = price.get() - strike;
        // Beyond the last strike there is nothing to move to.
        let reach = if offset < 0 {
            reach(middle.checked_sub(1))
        } else {
            reach(Some(middle + 1))
        };
        reach.is_none_or(|reach| offset.abs() <= reach)
    }

    /// The strike nearest to the price; the lower one of two.
    fn nearest(&self, price: Price) -> usize {
        let above = self.strikes.partition_point(|(strike, _)| *strike < price);
        let below = above.saturating_sub(1);
        match self.strikes.get(above) {
            Some((strike, _))
                if strike.get() - price.get() < (price.get() - self.strikes[below].0.get()).abs() =>
            {
                above
            }
            _ => below,
        }
    }

    fn window(&self, each_side: usize) -> Vec<InstrumentId> {
        let Some(middle) = self.middle else {
            return Vec::new();
        };
        let mut rungs: Vec<usize> = (middle.saturating_sub(each_side)..self.strikes.len())
            .take_while(|rung| *rung <= middle + each_side)
            .collect();
        rungs.sort_by_key(|rung| (rung.abs_diff(middle), *rung));
        rungs
            .into_iter()
            .flat_map(|rung| self.strikes[rung].1.iter().copied())
            .collect()
    }
}
