//! Market data by frames: what the market does becomes the broker's bytes, and the real session, decoder and
//! normaliser of the feed read them, under the faults of a feed line.
//!
//! Invariant: the engine is told what frames told, and nothing else. Left out: several sockets, capture.

use std::collections::VecDeque;

use bijli_core::TsNs;
use bijli_core::price::Price;
use bijli_simulator::day::{DayTick, LEVELS, Level};
use bijli_simulator::feed_line::{
    self, FEED_FAULT_KINDS, FEED_FAULTS, FeedFault, FeedLine, FeedLineSettings,
};

use crate::feed_side::{FeedItem, FeedSide};
use crate::market::{Change, instruments};
use crate::plan::{Plan, day};
use crate::rows::{Fired, RowId};

/// A feed by frames.
#[derive(Debug)]
pub struct WireFeed {
    line: FeedLine,
    now: TsNs,
    /// Firings that the day has been told of.
    told: [u64; FEED_FAULT_KINDS],
    is_calm: bool,
    items: VecDeque<feed_line::FeedItem>,
}

impl WireFeed {
    /// A feed that nobody listens to yet, with the faults that the plan has.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let ppm = FEED_FAULTS.map(|row| {
            let chance = RowId::of_id(row.id).map_or(0, |id| plan.ppm[id.index()]);
            match row.fault {
                // Drawn for each key of a subscription, of which a day has few.
                FeedFault::OldSnapshot | FeedFault::KeyDropped => chance / 3,
                // What lasts strikes seldom: a day has some two thousand changes.
                FeedFault::Mute | FeedFault::FreezeThenBurst | FeedFault::KeyFrozen => chance / 200,
                FeedFault::Refused => chance / 400,
                _ => chance / 20,
            }
        });
        let settings = FeedLineSettings {
            day: day(),
            hours: feed_line::MarketHours {
                opens_at: plan.hours.open,
                closes_at: plan.hours.close,
            },
            seed: plan.seed,
            latency: plan.latency,
            ppm,
        };
        Self {
            line: FeedLine::new(&instruments(), settings),
            now: plan.start(),
            told: [0; FEED_FAULT_KINDS],
            is_calm: false,
            items: VecDeque::new(),
        }
    }
}

impl FeedSide for WireFeed {
    fn take(&mut self, now: TsNs, change: &Change, plan: &Plan, fired: &mut Fired) {
        self.now = self.now.max(now);
        if !self.is_calm && now >= plan.calm {
            self.is_calm = true;
            self.line.heal();
        }
        self.line.take(now, &told(change));
        for ((row, count), told) in self.line.fired().zip(&mut self.told) {
            if let Some(id) = RowId::of_id(row.id) {
                fired.0[id.index()] += (count - *told) as u32;
            }
            *told = count;
        }
    }

    fn connect(&mut self, now: TsNs) {
        self.now = self.now.max(now);
        self.line.restart();
    }

    fn poll(&mut self, now: TsNs, out: &mut VecDeque<FeedItem>) {
        self.now = self.now.max(now);
        self.line.poll(now, &mut self.items);
        out.extend(self.items.drain(..).map(|item| match item {
            feed_line::FeedItem::Tick(tick) => FeedItem::Tick(tick),
            feed_line::FeedItem::State { ts, state } => FeedItem::State { ts, state },
        }));
    }

    fn next_due(&self) -> Option<TsNs> {
        self.line.next_due(self.now)
    }
}

/// A change as the broker would tell it.
fn told(change: &Change) -> DayTick {
    let tick = &change.tick;
    let rupees = |price: Price| if price.is_set() { price.rupees() } else { 0.0 };
    let mut levels = [Level::default(); LEVELS];
    levels[0] = Level {
        bid_qty: tick.bid_qty.get(),
        bid: rupees(tick.bid),
        ask_qty: tick.ask_qty.get(),
        ask: rupees(tick.ask),
    };
    DayTick {
        ts: tick.ts,
        instrument: change.instrument,
        ltp: rupees(tick.ltp),
        ltt_ms: tick.ts_event.get() / 1_000_000,
        ltq: tick.ltq.get(),
        levels,
        level_count: 1,
        volume: tick.volume.get(),
        atp: rupees(tick.atp),
        ..DayTick::default()
    }
}

#[cfg(test)]
mod tests {
    use bijli_core::event::FeedState;
    use bijli_core::{DurationNs, event::TickFlags};

    use super::*;
    use crate::market::Market;

    #[test]
    fn every_fault_of_the_line_is_a_row_of_the_catalogue() {
        assert!(FEED_FAULTS.iter().all(|row| RowId::of_id(row.id).is_some()));
    }

    #[test]
    fn a_day_without_faults_is_live_and_its_quotes_are_the_market_s_own() {
        let plan = Plan::of(1).only(&[]);
        let (mut feed, mut market, mut fired) = (WireFeed::new(&plan), Market::new(&plan), Fired::default());
        let (mut now, mut out, mut last) = (plan.start(), VecDeque::new(), Vec::new());
        while now < plan.hours.close {
            while let Some(change) = market.poll(now, &plan, &mut fired) {
                feed.take(now, &change, &plan, &mut fired);
                last.push(change.tick);
            }
            feed.poll(now, &mut out);
            now = now.plus(DurationNs::from_millis(10));
        }
        assert!(out.iter().any(|item| matches!(
            item,
            FeedItem::State {
                state: FeedState::Live,
                ..
            }
        )));
        let sound = out.iter().filter_map(|item| match item {
            FeedItem::Tick(tick) if tick.flags == TickFlags::NONE => Some(tick),
            _ => None,
        });
        let mut count = 0;
        for tick in sound {
            let quote = (tick.instrument, tick.bid, tick.ask, tick.ltp);
            assert!(
                last.iter()
                    .any(|own| (own.instrument, own.bid, own.ask, own.ltp) == quote)
            );
            count += 1;
        }
        assert!(count > 200, "{count}");
        assert_eq!(fired, Fired::default());
    }
}
