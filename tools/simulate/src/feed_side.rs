//! Where the engine's market data comes from: one small face, so that a simulated broker feed can stand in its place.
//!
//! [`DirectFeed`] hands the market's ticks on without bytes: late, mute, down, reordered, doubled, spiked. It keeps
//! the promises of the real feed (`feed/src/normalise.rs`): a doubtful tick says so in its flags.

use std::collections::{BTreeMap, VecDeque};

use bijli_core::event::{FeedState, Tick, TickFlags};
use bijli_core::price::Round;
use bijli_core::{DurationNs, Price, TsNs};
use bijli_simulator::random::Random;

use crate::market::{Change, INSTRUMENTS, TICK};
use crate::plan::Plan;
use crate::rows::{Fired, WorldFault};

/// Silence after which the watchdog calls the feed mute.
const MUTE_AFTER: DurationNs = DurationNs::from_secs(3);

/// What the feed hands to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedItem {
    /// New market of one instrument.
    Tick(Tick),
    /// What the feed can be trusted with from now on.
    State {
        /// Engine time of the change.
        ts: TsNs,
        /// The new state.
        state: FeedState,
    },
}

/// Market data on its way to the engine.
pub trait FeedSide {
    /// The market moved.
    fn take(&mut self, now: TsNs, change: &Change, plan: &Plan, fired: &mut Fired);
    /// A process began to listen; what was on its way to another one is gone.
    fn connect(&mut self, now: TsNs);
    /// What has arrived by now.
    fn poll(&mut self, now: TsNs, out: &mut VecDeque<FeedItem>);
    /// When something arrives next.
    fn next_due(&self) -> Option<TsNs>;
}

/// Ticks without bytes.
#[derive(Debug)]
pub struct DirectFeed {
    random: Random,
    odd: Random,
    on_the_way: BTreeMap<(TsNs, u64), FeedItem>,
    number: u64,
    latency: DurationNs,
    /// Nothing is heard before this instant.
    deaf_until: TsNs,
    mute_until: TsNs,
    state: FeedState,
    /// When the engine hears of that: words on the feed's state come in their order, whatever a tick's way takes.
    turned: TsNs,
    /// When the watchdog last heard anything.
    heard: TsNs,
    seen: [bool; INSTRUMENTS],
    newest: [TsNs; INSTRUMENTS],
    /// The book of an instrument is crossed until then.
    bad_until: [TsNs; INSTRUMENTS],
}

impl DirectFeed {
    /// A feed that nobody listens to yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self {
            random: Random::new(plan.seed, 0xfe01),
            odd: Random::new(plan.seed, 0xfe02),
            on_the_way: BTreeMap::new(),
            number: 0,
            latency: plan.latency,
            deaf_until: TsNs::NEVER,
            mute_until: TsNs::NEVER,
            state: FeedState::Down,
            turned: TsNs::NEVER,
            heard: TsNs::NEVER,
            seen: [false; INSTRUMENTS],
            newest: [TsNs::NEVER; INSTRUMENTS],
            bad_until: [TsNs::NEVER; INSTRUMENTS],
        }
    }

    fn send(&mut self, due: TsNs, item: FeedItem) {
        self.number += 1;
        self.on_the_way.insert((due, self.number), item);
    }

    fn turn(&mut self, ts: TsNs, state: FeedState) {
        let ts = ts.max(self.turned);
        (self.state, self.turned) = (state, ts);
        self.send(ts, FeedItem::State { ts, state });
    }

    fn send_tick(&mut self, due: TsNs, mut tick: Tick) {
        let index = tick.instrument.index();
        tick.ts = due;
        if tick.ts_event < self.newest[index] {
            tick.flags = tick.flags.with(TickFlags::TIME_BACK);
        }
        self.newest[index] = self.newest[index].max(tick.ts_event);
        if !self.seen[index] {
            self.seen[index] = true;
            tick.flags = tick.flags.with(TickFlags::SNAPSHOT);
        }
        self.send(due, FeedItem::Tick(tick));
    }
}

impl FeedSide for DirectFeed {
    fn take(&mut self, now: TsNs, change: &Change, plan: &Plan, fired: &mut Fired) {
        let under_fire = now < plan.calm;
        if under_fire && now >= self.deaf_until && self.odd.happens(plan.ppm_of(WorldFault::FeedDown) / 100) {
            fired.count(WorldFault::FeedDown);
            self.connect(now);
            self.deaf_until = now.plus(DurationNs::from_millis(self.odd.between(500, 8_000)));
        }
        if under_fire && now >= self.mute_until && self.odd.happens(plan.ppm_of(WorldFault::FeedMute) / 100) {
            fired.count(WorldFault::FeedMute);
            self.mute_until = now.plus(DurationNs::from_millis(self.odd.between(500, 10_000)));
        }
        let late = self.random.between(self.latency.get() / 4, self.latency.get());
        let due = now.plus(DurationNs::new(late));
        if now < self.deaf_until || self.state == FeedState::Down && !self.heard.is_set() {
            return;
        }
        if now < self.mute_until {
            if self.state == FeedState::Live && now.since(self.heard) > MUTE_AFTER {
                self.turn(due, FeedState::Mute);
            }
            return;
        }
        if self.state != FeedState::Live {
            self.turn(due, FeedState::Live);
        }
        self.heard = now;
        let mut tick = change.tick;
        if under_fire && self.odd.happens(plan.ppm_of(WorldFault::Spike) / 20) {
            fired.count(WorldFault::Spike);
            tick.ltp = Price::new(tick.ltp.get() * 10);
        }
        let index = tick.instrument.index();
        if under_fire && self.odd.happens(plan.ppm_of(WorldFault::BadBook) / 10) {
            fired.count(WorldFault::BadBook);
            if self.odd.between(0, 3) == 0 {
                // It stays so for a while.
                self.bad_until[index] = now.plus(DurationNs::from_millis(self.odd.between(500, 8_000)));
            }
            self.bad_until[index] = self.bad_until[index].max(now);
        }
        if under_fire && self.bad_until[index] >= now {
            (tick.bid, tick.ask) = (tick.ask, tick.bid);
            if self.odd.between(0, 1) == 0 && tick.bid.is_set() {
                // Not by a tick, but far beyond every collar.
                tick.bid = tick
                    .bid
                    .moved_bps(self.odd.between(500, 3_000))
                    .on_tick(TICK, Round::Up);
            }
            tick.flags = tick.flags.with(TickFlags::CROSSED);
        }
        self.send_tick(due, tick);
        if under_fire && self.odd.happens(plan.ppm_of(WorldFault::FeedReordered) / 5) {
            fired.count(WorldFault::FeedReordered);
            tick.ts_event = tick
                .ts_event
                .plus(DurationNs::from_millis(-self.odd.between(0, 400)));
            let again = due.plus(DurationNs::from_millis(self.odd.between(0, 900)));
            self.send_tick(again, tick);
        }
    }

    fn connect(&mut self, now: TsNs) {
        self.on_the_way.clear();
        self.turned = now;
        self.seen = [false; INSTRUMENTS];
        self.turn(now, FeedState::Down);
        self.deaf_until = now.plus(DurationNs::from_millis(self.random.between(200, 1_500)));
        self.heard = now;
    }

    fn poll(&mut self, now: TsNs, out: &mut VecDeque<FeedItem>) {
        while let Some(entry) = self.on_the_way.first_entry() {
            if entry.key().0 > now {
                return;
            }
            out.push_back(entry.remove());
        }
    }

    fn next_due(&self) -> Option<TsNs> {
        self.on_the_way.keys().next().map(|key| key.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_on_the_feed_s_state_come_in_their_order_however_long_each_is_on_its_way() {
        let mut feed = DirectFeed::new(&Plan::of(1));
        let at = |ms: i64| TsNs::new(ms * 1_000_000);
        feed.turn(at(10), FeedState::Mute);
        feed.turn(at(7), FeedState::Live);
        let mut heard = VecDeque::new();
        feed.poll(at(20), &mut heard);
        let states: Vec<FeedState> = heard
            .iter()
            .filter_map(|item| match item {
                FeedItem::State { state, .. } => Some(*state),
                FeedItem::Tick(_) => None,
            })
            .collect();
        assert_eq!(states, [FeedState::Mute, FeedState::Live]);
    }
}
