//! What positions and possibly-live entries are worth beside a candidate: one pass over both, whatever the table's size.
//!
//! Counted is the worst case: a position at the price at which it could be closed, and of every entry that may be
//! live, of unknown fate or presumed absent, what is not yet filled, at its limit. An order of somebody else on the
//! account counts too, though under no strategy. Sums saturate, which errs towards "too much". Left out: what exits
//! would reduce, until they do.

use crate::comovement::{Beside, Relation};
use crate::instrument::{Instrument, InstrumentId, InstrumentKind, SectorId};
use crate::order::{Purpose, Side};
use crate::orders::Order;
use crate::price::{BPS, Money, Price};
use crate::quantity::Qty;
use crate::state::State;
use crate::strategy::StrategyId;

/// One whole in millionths.
const ONE_PPM: i64 = 1_000_000;

/// What an entry would be counted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Which strategy.
    pub strategy: StrategyId,
}

/// Values at stake before a candidate is added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposures {
    /// Everything.
    pub total: Money,
    /// Options alone.
    pub options: Money,
    /// The candidate's instrument.
    pub instrument: Money,
    /// All contracts on its underlying.
    pub underlying: Money,
    /// Its sector.
    pub sector: Money,
    /// Its strategy.
    pub strategy: Money,
    /// What gains and loses together with it, its own underlying included.
    pub correlated: Money,
    /// Delta × value of the underlyings, of what goes the candidate's way.
    pub delta: Money,
    /// Margin that possibly-live entries are taken to need.
    pub margin_committed: Money,
    /// Underlyings of which it is not known whether they move with the candidate's.
    pub unknown_relations: u32,
}

impl Exposures {
    /// Both together. Saturates.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        const fn sum(one: Money, other: Money) -> Money {
            Money::new(one.get().saturating_add(other.get()))
        }
        Self {
            total: sum(self.total, other.total),
            options: sum(self.options, other.options),
            instrument: sum(self.instrument, other.instrument),
            underlying: sum(self.underlying, other.underlying),
            sector: sum(self.sector, other.sector),
            strategy: sum(self.strategy, other.strategy),
            correlated: sum(self.correlated, other.correlated),
            delta: sum(self.delta, other.delta),
            margin_committed: sum(self.margin_committed, other.margin_committed),
            unknown_relations: self.unknown_relations.saturating_add(other.unknown_relations),
        }
    }
}

/// Something held or being entered.
struct Stake {
    instrument: InstrumentId,
    side: Side,
    qty: Qty,
    value: Money,
    strategy: Option<StrategyId>,
}

fn add(sum: &mut Money, value: Money) {
    *sum = Money::new(sum.get().saturating_add(value.get()));
}

/// Which way a contract goes with its underlying: a bought put falls when it rises.
pub(crate) const fn direction(kind: InstrumentKind, side: Side) -> i64 {
    match kind {
        InstrumentKind::Put => -side.sign(),
        InstrumentKind::Equity | InstrumentKind::Index | InstrumentKind::Future | InstrumentKind::Call => {
            side.sign()
        }
    }
}

/// A candidate as every stake is compared with it.
struct Wanted<'a> {
    instrument: InstrumentId,
    underlying: InstrumentId,
    sector: SectorId,
    strategy: StrategyId,
    /// See [`direction`].
    direction: i64,
    relations: Beside<'a>,
}

impl<'a> Wanted<'a> {
    fn of(state: &'a State, candidate: &Candidate) -> Self {
        let instrument = &state.instruments[candidate.instrument.index()];
        let comovement = state.protections.comovement();
        Self {
            instrument: candidate.instrument,
            underlying: instrument.underlying,
            sector: instrument.sector,
            strategy: candidate.strategy,
            direction: direction(instrument.kind, candidate.side),
            relations: comovement.beside(
                instrument.underlying,
                state.now,
                state.config.risk.correlation_min_ppm,
            ),
        }
    }

    /// Adds a stake to every sum that it belongs to.
    fn count(&self, state: &State, stake: &Stake, sums: &mut Exposures) {
        let held = &state.instruments[stake.instrument.index()];
        add(&mut sums.total, stake.value);
        if held.kind.is_option() {
            add(&mut sums.options, stake.value);
        }
        if stake.instrument == self.instrument {
            add(&mut sums.instrument, stake.value);
        }
        if held.sector == self.sector {
            add(&mut sums.sector, stake.value);
        }
        if stake.strategy == Some(self.strategy) {
            add(&mut sums.strategy, stake.value);
        }
        let same_way = direction(held.kind, stake.side) == self.direction;
        if same_way {
            add(&mut sums.delta, state.delta_share(held, stake.qty, stake.value));
        }
        let relation = if held.underlying == self.underlying {
            add(&mut sums.underlying, stake.value);
            Relation::Together
        } else {
            self.relations.relation(held.underlying)
        };
        let adds_to_it = if same_way {
            Relation::Together
        } else {
            Relation::Against
        };
        if relation == adds_to_it {
            add(&mut sums.correlated, stake.value);
        }
        sums.unknown_relations += u32::from(relation == Relation::Unknown);
    }
}

impl State {
    /// What is at stake beside `candidate`.
    #[must_use]
    pub fn exposures(&self, candidate: &Candidate) -> Exposures {
        let mut sums = Exposures::default();
        let wanted = Wanted::of(self, candidate);
        for id in &self.open {
            let position = &self.positions[id.index()];
            let stake = Stake {
                instrument: *id,
                side: if position.qty.get() > 0 {
                    Side::Buy
                } else {
                    Side::Sell
                },
                qty: position.qty.abs(),
                value: position.exposure(self.mark(*id)),
                strategy: self.protections.owner(*id),
            };
            wanted.count(self, &stake, &mut sums);
        }
        for (_, order) in self.orders.live() {
            if order.purpose != Purpose::Entry {
                continue;
            }
            let stake = self.stake_of(order);
            wanted.count(self, &stake, &mut sums);
            add(&mut sums.margin_committed, self.margin_need(&stake));
        }
        sums
    }

    /// Margin that an order of the candidate's is taken to need, at `price`.
    #[must_use]
    pub fn margin_of(&self, candidate: &Candidate, qty: Qty, price: Price) -> Money {
        self.margin_need(&Stake {
            instrument: candidate.instrument,
            side: candidate.side,
            qty,
            value: Money::new(price.get().saturating_mul(qty.get())),
            strategy: Some(candidate.strategy),
        })
    }

    /// Delta × value of the underlying of `qty` of an instrument; 1 where the delta is not fresh. Never negative.
    #[must_use]
    pub fn delta_value(&self, id: InstrumentId, qty: Qty, price: Price) -> Money {
        let value = Money::new(price.get().saturating_mul(qty.get()));
        self.delta_share(&self.instruments[id.index()], qty, value)
    }

    /// The same of `qty` that are worth `value` by themselves.
    #[inline]
    fn delta_share(&self, instrument: &Instrument, qty: Qty, value: Money) -> Money {
        if !instrument.kind.is_option() {
            return value;
        }
        let notional = self.option_notional(instrument, qty);
        let quote = &self.quotes[instrument.id.index()];
        let is_fresh =
            quote.delta_ppm != 0 && self.now.since(quote.delta_ts) <= self.config.risk.delta_age_max;
        let delta_ppm = if is_fresh {
            i64::from(quote.delta_ppm).abs().min(ONE_PPM)
        } else {
            ONE_PPM
        };
        notional.share(delta_ppm, ONE_PPM)
    }

    /// Value of what `qty` of an option is on: at the underlying's last price, else its strike.
    fn option_notional(&self, option: &Instrument, qty: Qty) -> Money {
        let ltp = self.quotes[option.underlying.index()].ltp;
        let is_listed = option.underlying != option.id;
        let per_unit = if is_listed && ltp.is_set() {
            ltp
        } else {
            option.strike
        };
        Money::new(per_unit.get().saturating_mul(qty.get()))
    }

    fn stake_of(&self, order: &Order) -> Stake {
        // A market order of somebody else has no limit: what it would trade at stands in.
        let price = if order.exposure_price().is_set() {
            order.exposure_price()
        } else {
            self.mark(order.instrument)
        };
        let qty = order.open_qty();
        Stake {
            instrument: order.instrument,
            side: order.side,
            qty,
            value: Money::new(price.get().saturating_mul(qty.get())),
            strategy: order.strategy,
        }
    }

    /// A bought option costs its premium; what is written or bought on margin, a configured part of its value.
    fn margin_need(&self, stake: &Stake) -> Money {
        let instrument = &self.instruments[stake.instrument.index()];
        let risk = &self.config.risk;
        match (instrument.kind, stake.side) {
            (InstrumentKind::Call | InstrumentKind::Put, Side::Buy) => stake.value,
            (InstrumentKind::Call | InstrumentKind::Put, Side::Sell) => self
                .option_notional(instrument, stake.qty)
                .share(risk.futures_margin_bps, BPS),
            (InstrumentKind::Future, _) => stake.value.share(risk.futures_margin_bps, BPS),
            (InstrumentKind::Equity | InstrumentKind::Index, _) => {
                stake.value.share(risk.intraday_margin_bps, BPS)
            }
        }
    }

    /// What the limits on positions together still leave for an entry; never negative. The risk gate asks again.
    #[must_use]
    pub fn room(&self, candidate: &Candidate) -> Money {
        let (risk, sums) = (&self.config.risk, self.exposures(candidate));
        let limit = |bps: i64| risk.capital.bps(bps);
        let mut rooms = [
            (limit(risk.total_exposure_bps), sums.total),
            (self.equity().bps(risk.leverage_bps), sums.total),
            (limit(risk.instrument_exposure_bps), sums.instrument),
            (limit(risk.underlying_exposure_bps), sums.underlying),
            (limit(risk.sector_exposure_bps), sums.sector),
            (limit(risk.strategy_exposure_bps), sums.strategy),
            (limit(risk.correlated_exposure_bps), sums.correlated),
            (Money::new(i64::MAX), Money::ZERO),
        ];
        if self.instruments[candidate.instrument.index()].kind.is_option() {
            rooms[7] = (limit(risk.options_exposure_bps), sums.options);
        }
        let left = |(limit, used): (Money, Money)| limit.get().saturating_sub(used.get());
        let smallest = rooms
            .into_iter()
            .map(left)
            .min()
            .expect("several limits are given");
        Money::new(smallest.max(0))
    }
}
