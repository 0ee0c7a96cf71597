//! What the feed should listen to: everything, or of the options only the strikes around the money.
//!
//! Invariants: an instrument in which an order was ever live or traded today, or which was ever held, is always wanted
//! and first; underlyings of followed options come next, then the strikes nearest to the money, then the rest.
//! Left out: what fits and where (`bijli_feed::planner`), prices (the feed's duty tells them).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bijli_core::event::Event;
use bijli_core::instrument::{Instrument, InstrumentId};
use bijli_core::order::BrokerStatus;
use bijli_core::state::State;
use bijli_core::{IstDay, Price};
use bijli_feed::Mode;
use bijli_feed::planner::warm_strikes::{WarmStrikes, WarmWidth};
use bijli_feed::planner::{Priority, Want};

/// Instruments that must stay subscribed, written by the engine's thread and read by the feed's.
#[derive(Clone, Debug)]
pub struct InUse(Arc<Board>);

#[derive(Debug)]
struct Board {
    marks: Box<[AtomicBool]>,
    changes: AtomicU64,
}

impl InUse {
    /// A board of so many instruments; nothing is in use.
    #[must_use]
    pub fn new(instruments: usize) -> Self {
        Self(Arc::new(Board {
            marks: (0..instruments).map(|_| AtomicBool::new(false)).collect(),
            changes: AtomicU64::new(0),
        }))
    }

    /// What is held, or has a live order, as the day is opened.
    #[must_use]
    pub fn at_start(state: &State) -> Self {
        let in_use = Self::new(state.instruments().len());
        let ordered = state.orders().live().map(|(_, order)| order.instrument);
        for instrument in ordered.chain(state.open_positions().iter().copied()) {
            in_use.mark(instrument);
        }
        in_use
    }

    /// From now on, and for the rest of the day, this instrument is in use.
    pub fn mark(&self, instrument: InstrumentId) {
        // Pairs with the Acquire loads of `holds` and `changes`: who sees the count sees the mark.
        if !self.0.marks[instrument.index()].swap(true, Ordering::Release) {
            self.0.changes.fetch_add(1, Ordering::Release);
        }
    }

    /// Marks what the broker says is held, ordered or traded: a position taken over needs a price for its exit.
    #[inline]
    pub fn heed(&self, event: &Event) {
        let is_over = |status| {
            matches!(
                status,
                BrokerStatus::Complete | BrokerStatus::Cancelled | BrokerStatus::Rejected
            )
        };
        match event {
            Event::PositionReported(report) if !report.qty.is_zero() => self.mark(report.instrument),
            Event::OrderUpdated(update) if !is_over(update.status) => self.mark(update.instrument),
            Event::Traded(trade) => self.mark(trade.instrument),
            _ => {}
        }
    }

    /// Whether an instrument is in use.
    #[must_use]
    pub fn holds(&self, instrument: InstrumentId) -> bool {
        self.0.marks[instrument.index()].load(Ordering::Acquire)
    }

    /// How many instruments have come into use; a change asks for another look.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Acquire)
    }
}

/// Decides what is wanted.
#[derive(Debug)]
pub struct FeedAim {
    instruments: Vec<Instrument>,
    mode: Mode,
    /// `None` = all options.
    warm: Option<WarmStrikes>,
    in_use: InUse,
    changes_seen: u64,
    moved: bool,
}

impl FeedAim {
    /// The aim of a day's table; with a width, of options only the strikes around the money are wanted.
    #[must_use]
    pub fn new(
        instruments: &[Instrument],
        day: IstDay,
        mode: Mode,
        width: Option<WarmWidth>,
        in_use: InUse,
    ) -> Self {
        Self {
            warm: width.map(|width| WarmStrikes::new(instruments, day, width)),
            instruments: instruments.to_vec(),
            mode,
            changes_seen: in_use.changes(),
            in_use,
            moved: false,
        }
    }

    /// A price of an instrument, which may be an underlying.
    #[inline]
    pub fn handle_price(&mut self, instrument: InstrumentId, price: Price) {
        if let Some(warm) = &mut self.warm {
            self.moved |= warm.follow(instrument, price);
        }
    }

    /// Whether another aim is due; answers so once.
    pub fn take_due(&mut self) -> bool {
        let changes = self.in_use.changes();
        let due = self.warm.is_some() && (self.moved || changes != self.changes_seen);
        (self.moved, self.changes_seen) = (false, changes);
        due
    }

    /// What is wanted now.
    #[must_use]
    pub fn wants(&self) -> Vec<Want> {
        let want = |instrument, priority| Want {
            instrument,
            mode: self.mode,
            priority,
        };
        let in_use = |row: &&Instrument| self.in_use.holds(row.id);
        let mut wants: Vec<Want> = self
            .instruments
            .iter()
            .filter(in_use)
            .map(|row| want(row.id, Priority::Position))
            .collect();
        if let Some(warm) = &self.warm {
            wants.extend(
                warm.underlyings()
                    .chain(warm.warm())
                    .map(|id| want(id, Priority::Warm)),
            );
        }
        let is_followed = |row: &Instrument| {
            let followed = self
                .warm
                .as_ref()
                .is_some_and(|warm| warm.follows(row.underlying));
            row.strike.is_set() && followed
        };
        let rest = self.instruments.iter().filter(|row| !is_followed(row));
        wants.extend(rest.map(|row| want(row.id, Priority::Universe)));
        wants
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bijli_core::event::{OrderUpdated, PositionReported, Traded};
    use bijli_core::instrument::InstrumentKind;
    use bijli_core::order::Side;
    use bijli_core::text::Text;
    use bijli_core::{Qty, SectorId, TsNs};

    /// A share, an index, and calls on the index from 100 to 120 every 5.
    fn table() -> Vec<Instrument> {
        let row = |id: u32, kind, underlying: u32, strike: i64| Instrument {
            id: InstrumentId::new(id),
            kind,
            underlying: InstrumentId::new(underlying),
            tick: Price::from_paise(5),
            lot: Qty::new(1),
            freeze: Qty::new(1),
            prev_close: Price::NONE,
            expiry: IstDay::new(20),
            strike: Price::from_paise(strike * 100),
            lower_band: Price::NONE,
            upper_band: Price::NONE,
            sector: SectorId::OTHER,
            key: Text::new(&format!("K{id}")).expect("short"),
            symbol: Text::EMPTY,
        };
        let mut rows = vec![
            row(0, InstrumentKind::Equity, 0, 0),
            row(1, InstrumentKind::Index, 1, 0),
        ];
        rows.extend((2..7).map(|id| row(id, InstrumentKind::Call, 1, 90 + 5 * i64::from(id))));
        rows
    }

    fn ids(aim: &FeedAim, priority: Priority) -> Vec<u32> {
        let wants = aim.wants().into_iter().filter(|want| want.priority == priority);
        wants.map(|want| want.instrument.get()).collect()
    }

    #[test]
    fn strikes_follow_the_underlying_and_what_is_in_use_stays() {
        let (table, in_use) = (table(), InUse::new(7));
        let width = WarmWidth {
            strikes_each_side: 1,
            ..WarmWidth::default()
        };
        let mut aim = FeedAim::new(&table, IstDay::new(10), Mode::Full, Some(width), in_use.clone());
        assert_eq!(
            ids(&aim, Priority::Warm),
            [1],
            "no strike before a price, the underlying at once"
        );
        assert_eq!(ids(&aim, Priority::Universe), [0, 1]);
        assert!(!aim.take_due());
        aim.handle_price(InstrumentId::new(1), Price::from_paise(10_500));
        assert!(aim.take_due() && !aim.take_due());
        assert_eq!(ids(&aim, Priority::Warm), [1, 3, 2, 4]);
        in_use.mark(InstrumentId::new(2));
        in_use.mark(InstrumentId::new(2));
        assert!(aim.take_due() && !aim.take_due());
        aim.handle_price(InstrumentId::new(1), Price::from_paise(12_000));
        assert!(aim.take_due());
        assert_eq!(ids(&aim, Priority::Warm), [1, 6, 5]);
        assert_eq!(ids(&aim, Priority::Position), [2]);
    }

    fn order_row(instrument: u32, status: BrokerStatus) -> Event {
        Event::OrderUpdated(OrderUpdated {
            ts: TsNs::new(1),
            intent: None,
            order_id: Text::new("9").expect("short"),
            instrument: InstrumentId::new(instrument),
            side: Side::Sell,
            status,
            qty: Qty::new(1),
            filled: Qty::ZERO,
            price: Price::from_paise(100),
            trigger: Price::NONE,
            average_price: Price::NONE,
            modifies_ended: 0,
        })
    }

    fn position(instrument: u32, qty: i64) -> Event {
        Event::PositionReported(PositionReported {
            ts: TsNs::new(1),
            instrument: InstrumentId::new(instrument),
            qty: Qty::new(qty),
            last_price: Price::NONE,
        })
    }

    #[test]
    fn what_the_broker_holds_orders_or_trades_is_listened_to_although_it_is_far_from_the_money() {
        let width = WarmWidth {
            strikes_each_side: 1,
            ..WarmWidth::default()
        };
        let in_use = InUse::new(7);
        let mut aim = FeedAim::new(&table(), IstDay::new(10), Mode::Full, Some(width), in_use.clone());
        let ended = [
            BrokerStatus::Complete,
            BrokerStatus::Cancelled,
            BrokerStatus::Rejected,
        ];
        for event in ended.map(|status| order_row(3, status)) {
            in_use.heed(&event);
        }
        in_use.heed(&position(2, 0));
        in_use.heed(&Event::TimePassed(TsNs::new(1)));
        assert!(!aim.take_due(), "nothing held, ordered or traded");
        in_use.heed(&position(6, -50));
        in_use.heed(&order_row(5, BrokerStatus::Open));
        in_use.heed(&Event::Traded(Traded {
            ts: TsNs::new(1),
            intent: None,
            order_id: Text::new("9").expect("short"),
            trade_id: Text::new("T").expect("short"),
            instrument: InstrumentId::new(4),
            side: Side::Buy,
            qty: Qty::new(1),
            price: Price::from_paise(100),
        }));
        assert!(aim.take_due());
        assert_eq!(ids(&aim, Priority::Position), [4, 5, 6]);
    }

    #[test]
    fn without_a_width_everything_is_wanted_and_nothing_moves() {
        let mut aim = FeedAim::new(&table(), IstDay::new(10), Mode::Full, None, InUse::new(7));
        aim.handle_price(InstrumentId::new(1), Price::from_paise(10_500));
        assert!(!aim.take_due());
        assert_eq!(ids(&aim, Priority::Universe), [0, 1, 2, 3, 4, 5, 6]);
    }
}
