//! Shares held from earlier days, invented, and the trades that they came from.
//!
//! Nothing here is real, and every row says so in the company's name. Each share was bought in two parts at a
//! price near the first one of the played day; beside them stands one round trip of the past, so that reports
//! have something to tell. Sales of today are in the ledger, not here.

use bijli_core::instrument::InstrumentKind;
use bijli_core::order::Side;
use bijli_core::{IstDay, Price, Qty};

use crate::day::DayInfo;

/// Units of the largest and of each further holding.
const QTY: i64 = 50;
/// Bought so far below the first price of the day, 1/100 %.
const BELOW_BPS: i64 = -300;
/// Price of an instrument that has not traded yet.
const UNSEEN: Price = Price::from_paise(10_000);
/// Days before the played one on which parts were bought.
const BOUGHT_DAYS_AGO: [i32; 2] = [24, 10];
/// Days before the played one of the round trip, and its units.
const ROUND_TRIP_DAYS_AGO: [(Side, i32); 2] = [(Side::Buy, 17), (Side::Sell, 16)];
const ROUND_TRIP_QTY: i64 = 5;

/// One share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) instrument: u32,
    pub(super) qty: Qty,
    average: Price,
}

impl Share {
    /// What a unit cost.
    pub(super) const fn average(&self) -> Price {
        if self.average.is_set() {
            self.average
        } else {
            UNSEEN
        }
    }
}

/// A trade of an earlier day.
#[derive(Clone, Copy, Debug)]
pub(super) struct PastTrade {
    pub(super) instrument: u32,
    pub(super) day: IstDay,
    pub(super) side: Side,
    pub(super) qty: Qty,
    pub(super) price: Price,
}

/// All shares held.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares(Vec<Share>);

impl Shares {
    /// So many shares of the day, from the end of its list.
    pub(super) fn new(info: &DayInfo, count: u32) -> Self {
        let shares = info.instruments.iter().enumerate().rev();
        let held = shares
            .filter(|(_, instrument)| instrument.kind == InstrumentKind::Equity)
            .take(count as usize)
            .map(|(index, _)| Share {
                instrument: u32::try_from(index).expect("a day has fewer instruments"),
                qty: Qty::new(QTY),
                average: Price::NONE,
            });
        Self(held.collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Share> {
        self.0.iter()
    }

    /// One share, if it is held.
    pub(super) fn get(&self, instrument: u32) -> Option<&Share> {
        self.0.iter().find(|share| share.instrument == instrument)
    }

    /// Units held.
    pub(super) fn held(&self, instrument: u32) -> Qty {
        self.get(instrument).map_or(Qty::ZERO, |share| share.qty)
    }

    /// The first price of the day decides what the share had cost.
    pub(super) fn mark(&mut self, instrument: u32, tick: Price, ltp: Price) {
        let unmarked = |share: &&mut Share| share.instrument == instrument && !share.average.is_set();
        if let Some(share) = self.0.iter_mut().find(unmarked) {
            share.average = ltp
                .moved_bps(BELOW_BPS)
                .on_tick(tick, bijli_core::price::Round::Up);
        }
    }

    /// The trades of earlier days, oldest first.
    pub(super) fn past_trades(&self, today: IstDay) -> Vec<PastTrade> {
        let mut trades = Vec::new();
        for share in &self.0 {
            let trade = |side, days_ago, qty| PastTrade {
                instrument: share.instrument,
                day: weekday_before(today, days_ago),
                side,
                qty: Qty::new(qty),
                price: share.average(),
            };
            let first = share.qty.get() * 3 / 5;
            let parts = [first, share.qty.get() - first];
            let bought = BOUGHT_DAYS_AGO.into_iter().zip(parts);
            trades.extend(bought.map(|(days_ago, qty)| trade(Side::Buy, days_ago, qty)));
            let trip = ROUND_TRIP_DAYS_AGO.into_iter();
            trades.extend(trip.map(|(side, days_ago)| trade(side, days_ago, ROUND_TRIP_QTY)));
        }
        trades.sort_by_key(|trade| trade.day);
        trades
    }
}

/// The last day from Monday to Friday that is at least so many days before `today`.
fn weekday_before(today: IstDay, days_ago: i32) -> IstDay {
    let day = IstDay::new(today.get() - days_ago);
    let weekend = i32::try_from(day.weekday()).unwrap_or(0) - 4;
    IstDay::new(day.get() - weekend.max(0))
}
