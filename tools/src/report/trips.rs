//! Round trips: from the fill that opened a position to the fill that closed it, partial bookings within.
//!
//! Invariants: a trip's gross result is the realised result of [`Position`], its charges are those that the
//! engine booked for its fills, so all trips together give the engine's own totals. A fill that turns a
//! position around ends one trip and begins the next; its charges stay with the first.

use bijli_core::order::Side;
use bijli_core::position::Position;
use bijli_core::price::BPS;
use bijli_core::strategy::{ExitReason, Signal, StrategyId};
use bijli_core::{InstrumentId, Money, Price, Qty, TsNs};

/// One applied fill, as the engine booked it.
#[derive(Clone, Copy, Debug)]
pub struct BookedFill {
    /// Engine time.
    pub ts: TsNs,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Side of the order.
    pub side: Side,
    /// Quantity; positive.
    pub qty: Qty,
    /// Price.
    pub price: Price,
    /// Charges that the engine booked for it.
    pub charges: Money,
    /// Touch at the decision; [`Price::NONE`] if unknown.
    pub decision_price: Price,
    /// The strategy that its order is counted under.
    pub strategy: Option<StrategyId>,
    /// The signal behind an entry.
    pub signal: Option<Signal>,
    /// The reason behind an exit.
    pub reason: Option<ExitReason>,
}

/// One round trip.
#[derive(Clone, Debug, PartialEq)]
pub struct Trip {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Buy for a long trip, sell for a short one.
    pub side: Side,
    /// Engine time of the first fill.
    pub opened: TsNs,
    /// Engine time of the closing fill; never while open.
    pub closed: TsNs,
    /// Quantity entered in all.
    pub qty: Qty,
    /// Value of all entering fills.
    pub entry_value: Money,
    /// Quantity left so far.
    pub exit_qty: Qty,
    /// Value of all leaving fills.
    pub exit_value: Money,
    /// The open part.
    pub position: Position,
    /// Charges booked for its fills.
    pub charges: Money,
    /// Worst result before charges while it was open, marked at the last price; zero or negative.
    pub mae: Money,
    /// Best result before charges while it was open, marked at the last price; zero or positive.
    pub mfe: Money,
    /// Lowest price seen while it was open, its own fills included.
    pub low: Price,
    /// Highest price seen while it was open, its own fills included.
    pub high: Price,
    /// What the fills cost against the touch at the decisions; positive is worse.
    pub slippage: Money,
    /// The strategy behind its first fill; `None` for a position that the broker reported.
    pub strategy: Option<StrategyId>,
    /// The signal behind it.
    pub signal: Option<Signal>,
    /// Reasons of its exits in order, each once.
    pub reasons: Vec<ExitReason>,
    /// Whether it began as a position that the broker reported, not with a fill of ours.
    pub adopted: bool,
}

impl Trip {
    fn new(opened: TsNs, instrument: InstrumentId, side: Side) -> Self {
        Self {
            instrument,
            side,
            opened,
            closed: TsNs::NEVER,
            qty: Qty::ZERO,
            entry_value: Money::ZERO,
            exit_qty: Qty::ZERO,
            exit_value: Money::ZERO,
            position: Position::default(),
            charges: Money::ZERO,
            mae: Money::ZERO,
            mfe: Money::ZERO,
            low: Price::NONE,
            high: Price::NONE,
            slippage: Money::ZERO,
            strategy: None,
            signal: None,
            reasons: Vec::new(),
            adopted: false,
        }
    }

    /// Result before charges: of what was closed, plus nothing for what is open.
    #[must_use]
    pub const fn gross(&self) -> Money {
        self.position.realised
    }

    /// Result after charges.
    #[must_use]
    pub fn net(&self) -> Money {
        Money::new(self.gross().get().saturating_sub(self.charges.get()))
    }

    /// Average price of the entering fills.
    #[must_use]
    pub fn entry_price(&self) -> Price {
        average(self.entry_value, self.qty)
    }

    /// Average price of the leaving fills; [`Price::NONE`] without any.
    #[must_use]
    pub fn exit_price(&self) -> Price {
        average(self.exit_value, self.exit_qty)
    }

    /// Whether something is still open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.closed.is_set()
    }

    /// The least and the most favourable price seen while it was open; [`Price::NONE`] if there was none.
    #[must_use]
    pub const fn extreme_prices(&self) -> (Price, Price) {
        match self.side {
            Side::Buy => (self.low, self.high),
            Side::Sell => (self.high, self.low),
        }
    }

    /// An amount in basis points of the entry value.
    #[must_use]
    pub fn bps_of_entry(&self, amount: Money) -> i64 {
        if self.entry_value.get() == 0 {
            0
        } else {
            amount.share(BPS, self.entry_value.get()).get()
        }
    }

    fn mark(&mut self, price: Price) {
        if !price.is_set() {
            return;
        }
        self.low = if self.low.is_set() {
            self.low.min(price)
        } else {
            price
        };
        self.high = self.high.max(price);
        let result = self
            .gross()
            .get()
            .saturating_add(self.position.unrealised(price).get());
        self.mae = self.mae.min(Money::new(result));
        self.mfe = self.mfe.max(Money::new(result));
    }

    fn book(&mut self, fill: &BookedFill, qty: Qty) {
        let value = fill.price.times(qty).expect("the engine booked this very fill");
        if fill.side == self.side {
            self.qty = Qty::new(self.qty.get() + qty.get());
            self.entry_value = Money::new(self.entry_value.get() + value.get());
        } else {
            self.exit_qty = Qty::new(self.exit_qty.get() + qty.get());
            self.exit_value = Money::new(self.exit_value.get() + value.get());
        }
        if self.signal.is_none() {
            self.signal = fill.signal;
        }
        if self.strategy.is_none() && !self.adopted {
            self.strategy = fill.strategy;
        }
        if let Some(reason) = fill.reason
            && self.reasons.last() != Some(&reason)
        {
            self.reasons.push(reason);
        }
        self.slippage = Money::new(self.slippage.get() + fill.slippage(qty).get());
        self.position
            .fill(fill.side, qty, fill.price)
            .expect("the engine booked this very fill");
        self.mark(fill.price);
        if self.position.is_flat() {
            self.closed = fill.ts;
        }
    }
}

impl BookedFill {
    /// What `qty` of it cost against the touch at its decision; positive is worse, zero if there was none.
    #[must_use]
    pub fn slippage(&self, qty: Qty) -> Money {
        if !self.decision_price.is_set() {
            return Money::ZERO;
        }
        let worse = self.price.minus(self.decision_price).get() * self.side.sign();
        Money::new(worse.saturating_mul(qty.get()))
    }
}

fn average(value: Money, qty: Qty) -> Price {
    if qty.is_zero() {
        Price::NONE
    } else {
        Price::new(value.get() / qty.get())
    }
}

/// All round trips of a day, in the order of their first fills.
#[derive(Debug, Default)]
pub struct TripBook {
    trips: Vec<Trip>,
    /// Index of the open trip of each instrument, sorted by nothing: a handful at most.
    open: Vec<(InstrumentId, usize)>,
}

impl TripBook {
    /// Books one fill; gives the index of the trip that carries its charges.
    pub fn fill(&mut self, fill: &BookedFill) -> usize {
        let index = self.open_trip(fill);
        let trip = &mut self.trips[index];
        trip.charges = Money::new(trip.charges.get() + fill.charges.get());
        let left = trip.position.qty.abs();
        let turns = fill.side != trip.side && fill.qty > left;
        let qty = if turns { left } else { fill.qty };
        trip.book(fill, qty);
        if !trip.is_open() {
            self.open.retain(|(instrument, _)| *instrument != fill.instrument);
        }
        if turns {
            let rest = BookedFill {
                qty: Qty::new(fill.qty.get() - left.get()),
                charges: Money::ZERO,
                reason: None,
                ..*fill
            };
            let next = self.open_trip(&rest);
            self.trips[next].book(&rest, rest.qty);
        }
        index
    }

    /// Takes a position over that the engine adopted from the broker's report; nothing if it is the known one.
    pub fn adopt(&mut self, ts: TsNs, instrument: InstrumentId, position: &Position) {
        let known = self
            .open
            .iter()
            .find(|(open, _)| *open == instrument)
            .map(|(_, index)| *index);
        if known.map_or(Qty::ZERO, |index| self.trips[index].position.qty) == position.qty {
            return;
        }
        if let Some(index) = known {
            let trip = &mut self.trips[index];
            trip.position.qty = Qty::ZERO;
            trip.position.cost = Money::ZERO;
            trip.closed = ts;
            self.open.retain(|(open, _)| *open != instrument);
        }
        if position.is_flat() {
            return;
        }
        let side = if position.qty.get() > 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        self.trips.push(Trip {
            adopted: true,
            qty: position.qty.abs(),
            entry_value: Money::new(position.cost.get().saturating_abs()),
            position: Position {
                qty: position.qty,
                cost: position.cost,
                ..Position::default()
            },
            ..Trip::new(ts, instrument, side)
        });
        self.open.push((instrument, self.trips.len() - 1));
    }

    /// Marks the open trip of an instrument, if there is one, at its last price.
    pub fn mark(&mut self, instrument: InstrumentId, price: Price) {
        if let Some((_, index)) = self.open.iter().find(|(open, _)| *open == instrument) {
            self.trips[*index].mark(price);
        }
    }

    /// The trips, in the order of their first fills.
    #[must_use]
    pub fn into_trips(self) -> Vec<Trip> {
        self.trips
    }

    fn open_trip(&mut self, fill: &BookedFill) -> usize {
        let known = self.open.iter().find(|(open, _)| *open == fill.instrument);
        if let Some((_, index)) = known {
            return *index;
        }
        self.trips.push(Trip::new(fill.ts, fill.instrument, fill.side));
        self.open.push((fill.instrument, self.trips.len() - 1));
        self.trips.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fill(ts: i64, side: Side, qty: i64, rupees: i64) -> BookedFill {
        BookedFill {
            ts: TsNs::new(ts),
            instrument: InstrumentId::new(3),
            side,
            qty: Qty::new(qty),
            price: Price::new(rupees * 10_000),
            charges: Money::from_rupees(2),
            decision_price: Price::new(rupees * 10_000 - side.sign() * 5_000),
            strategy: None,
            signal: None,
            reason: (side == Side::Sell).then_some(ExitReason::Target),
        }
    }

    fn trips_of(fills: &[BookedFill]) -> Vec<Trip> {
        let mut book = TripBook::default();
        for one in fills {
            book.fill(one);
        }
        book.into_trips()
    }

    #[test]
    fn a_partial_booking_stays_within_its_trip() {
        let mut book = TripBook::default();
        book.fill(&fill(1, Side::Buy, 10, 100));
        book.mark(InstrumentId::new(3), Price::new(980_000));
        book.fill(&fill(2, Side::Sell, 5, 104));
        let stop = BookedFill {
            reason: Some(ExitReason::Trail),
            ..fill(3, Side::Sell, 5, 102)
        };
        book.fill(&stop);
        let trips = book.into_trips();
        assert_eq!(trips.len(), 1);
        let trip = &trips[0];
        assert_eq!(
            (trip.qty, trip.exit_qty, trip.closed),
            (Qty::new(10), Qty::new(10), TsNs::new(3))
        );
        assert_eq!(trip.gross(), Money::from_rupees(30));
        assert_eq!(trip.net(), Money::from_rupees(24));
        assert_eq!(trip.exit_price(), Price::new(1_030_000));
        assert_eq!(
            (trip.mae, trip.mfe),
            (Money::from_rupees(-20), Money::from_rupees(40))
        );
        assert_eq!(
            trip.extreme_prices(),
            (Price::new(980_000), Price::new(1_040_000))
        );
        assert_eq!(trip.reasons, [ExitReason::Target, ExitReason::Trail]);
        assert_eq!(
            trip.slippage,
            Money::from_rupees(10),
            "each unit filled half a rupee worse than the touch"
        );
        assert_eq!(trip.bps_of_entry(trip.gross()), 300);
    }

    #[test]
    fn a_fill_that_turns_the_position_ends_one_trip_and_begins_the_next() {
        let trips = trips_of(&[fill(1, Side::Buy, 10, 100), fill(2, Side::Sell, 15, 101)]);
        assert_eq!(trips.len(), 2);
        assert_eq!(
            (trips[0].closed, trips[0].gross()),
            (TsNs::new(2), Money::from_rupees(10))
        );
        assert!(trips[1].is_open());
        assert_eq!((trips[1].side, trips[1].qty), (Side::Sell, Qty::new(5)));
    }

    #[test]
    fn a_position_that_the_broker_reports_is_taken_over_without_a_fill() {
        let mut book = TripBook::default();
        let mut adopted = Position::default();
        adopted
            .fill(Side::Buy, Qty::new(10), Price::new(1_000_000))
            .expect("small numbers");
        book.adopt(TsNs::new(1), InstrumentId::new(3), &adopted);
        book.adopt(TsNs::new(2), InstrumentId::new(3), &adopted);
        book.fill(&fill(3, Side::Sell, 10, 101));
        book.adopt(TsNs::new(4), InstrumentId::new(3), &Position::default());
        let trips = book.into_trips();
        assert_eq!(trips.len(), 1);
        assert_eq!((trips[0].opened, trips[0].closed), (TsNs::new(1), TsNs::new(3)));
        assert_eq!(trips[0].gross(), Money::from_rupees(10));
    }

    #[test]
    fn a_position_that_the_broker_no_longer_has_ends_its_trip() {
        let mut book = TripBook::default();
        book.fill(&fill(1, Side::Buy, 10, 100));
        book.adopt(TsNs::new(2), InstrumentId::new(3), &Position::default());
        let trips = book.into_trips();
        assert_eq!(
            (trips.len(), trips[0].closed, trips[0].gross()),
            (1, TsNs::new(2), Money::ZERO)
        );
    }

    #[test]
    fn a_price_while_flat_marks_nothing() {
        let mut book = TripBook::default();
        book.mark(InstrumentId::new(3), Price::new(1));
        assert!(book.into_trips().is_empty());
    }

    proptest! {
        #[test]
        fn the_trips_of_any_fills_add_up_to_one_running_position(
            fills in prop::collection::vec((any::<bool>(), 1i64..50, 90i64..110), 1..40),
        ) {
            let fills: Vec<BookedFill> = fills
                .into_iter()
                .enumerate()
                .map(|(ts, (buy, qty, rupees))| {
                    fill(ts as i64 + 1, if buy { Side::Buy } else { Side::Sell }, qty, rupees)
                })
                .collect();
            let mut whole = Position::default();
            for one in &fills {
                whole.fill(one.side, one.qty, one.price).expect("small numbers");
            }
            let trips = trips_of(&fills);
            let gross: i64 = trips.iter().map(|trip| trip.gross().get()).sum();
            let charges: i64 = trips.iter().map(|trip| trip.charges.get()).sum();
            prop_assert_eq!(gross, whole.realised.get());
            prop_assert_eq!(charges, 20_000 * fills.len() as i64);
            prop_assert!(trips.iter().rev().skip(1).all(|trip| !trip.is_open()));
        }
    }
}
