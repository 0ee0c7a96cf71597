//! Events of supervision: start steps, funds, carried latches, doubts about time, the day's price bands, and the broker's
//! word on flatness.
//!
//! Invariants: nothing here sends an order; the broker is asked again wherever time was lost. A clock that was set
//! bars entries until a person arms, and shortens no window of the gate's; a process that stood still trusts no price and no book from before.

use crate::command::{Cancel, Command, Commands, DropEntries, Reconcile};
use crate::event::{
    BandReported, ClockDoubt, ClockDoubted, FeedState, LatchCarried, OrderStreamJudged, StartStepped,
};
use crate::instrument::InstrumentId;
use crate::order::{BrokerOrderId, OrderState, Purpose};
use crate::orders::Order;
use crate::page::PageReason;
use crate::planted::{Bug, planted};
use crate::price::Price;
use crate::quote::Quote;
use crate::start_steps::{StartStep, StepVerdict};
use crate::state::State;
use crate::time::{DurationNs, TsNs};

/// An order call may be without an answer for so long before somebody is called; with the engine's timers that is
/// within five seconds.
const LANE_PATIENCE: DurationNs = DurationNs::from_secs(4);

/// Data may be missing for so long before somebody is called; with a timer of a second that is within five.
const FEED_PATIENCE: DurationNs = DurationNs::from_secs(4);

impl State {
    /// A step was judged; of a token that is found dead, at a start or in the middle of a run, a person is told once.
    pub(super) fn take_start_step(&mut self, stepped: &StartStepped) {
        let is_death = stepped.step == StartStep::Token && stepped.verdict == StepVerdict::Failed;
        let was_dead = self.supervision.start.verdict(StartStep::Token) == StepVerdict::Failed;
        if is_death && !was_dead && !planted(Bug::TokenDeathUntold) {
            self.page(PageReason::TokenDead, None);
        }
        self.supervision
            .start
            .tell(stepped.step, stepped.verdict, stepped.note);
    }

    /// Calls a person where the order stream is mute; the gateway tells it once each time.
    pub(super) fn take_stream(&mut self, judged: &OrderStreamJudged) {
        if judged.is_mute && !planted(Bug::MuteStreamUntold) {
            self.page(PageReason::OrderStreamMute, None);
        }
    }

    /// The newest band of an instrument; one that is upside down tells nothing.
    pub(super) fn take_band(&mut self, report: &BandReported) {
        let is_band = !report.upper.is_set() || report.lower <= report.upper;
        let instrument = &mut self.instruments[report.instrument.index()];
        (instrument.lower_band, instrument.upper_band) = if is_band {
            (report.lower, report.upper)
        } else {
            (Price::NONE, Price::NONE)
        };
    }

    pub(super) fn carry_latch(&mut self, carried: &LatchCarried) {
        assert!(carried.since.is_set(), "a latch has a beginning");
        self.killed = true;
        self.flattening = false;
    }

    pub(super) fn doubt_clock(&mut self, doubted: &ClockDoubted, commands: &mut Commands) {
        self.supervision.clock_doubt = match (self.supervision.clock_doubt, doubted.doubt) {
            // The worse doubt stays: only a person ends that of a clock that was set.
            (Some(ClockDoubt::Stepped), _) | (_, ClockDoubt::Stepped) if planted(Bug::ClockStepIgnored) => {
                None
            }
            (Some(ClockDoubt::Stepped), _) | (_, ClockDoubt::Stepped) => Some(ClockDoubt::Stepped),
            (_, ClockDoubt::StoodStill) => Some(ClockDoubt::StoodStill),
        };
        if doubted.doubt == ClockDoubt::Stepped && doubted.length > DurationNs::ZERO {
            self.protections.follow_step(doubted.length, self.now);
        }
        for quote in &mut self.quotes {
            *quote = Quote {
                ltp_ts: TsNs::NEVER,
                book_ts: TsNs::NEVER,
                ..*quote
            };
        }
        if doubted.doubt == ClockDoubt::StoodStill && self.reconciled {
            self.reconciled = false;
            self.process_started = self.now;
            commands.push(Command::Reconcile(Reconcile {
                ts: self.now,
                flat: false,
            }));
        }
    }

    /// The feed's state is this from now on.
    pub(super) fn take_feed(&mut self, feed: FeedState) {
        self.feed = feed;
        // A market that the broker calls closed is no outage.
        let is_missing = !matches!(feed, FeedState::Live | FeedState::Closed);
        self.supervision.feed_outage.follow(is_missing, self.now);
    }

    /// Calls a person where something is held and no data tells what it is worth.
    pub(super) fn watch_feed(&mut self) {
        if !self.open.is_empty() && self.supervision.feed_outage.take_due(self.now, FEED_PATIENCE) {
            self.page(PageReason::FeedLost, None);
        }
    }

    /// Calls a person where an order call of ours has had no answer for too long: once for all that had fallen silent
    /// before the call.
    pub(super) fn watch_order_lane(&mut self) {
        let told = self.pages.get(PageReason::OrderLaneSilent).last_ts;
        let is_overdue = |order: &&Order| {
            let since = order.unanswered_since();
            since.is_some_and(|since| since > told && self.now.since(since) >= LANE_PATIENCE)
        };
        let silent = self.orders.live().map(|(_, order)| order).find(is_overdue);
        if let Some(instrument) = silent.map(|order| order.instrument)
            && !planted(Bug::SilenceUntold)
        {
            self.page(PageReason::OrderLaneSilent, Some(instrument));
        }
    }

    /// Two agreeing reads were taken in.
    pub(super) fn end_reconciliation(&mut self) {
        self.reconciled = true;
        if self.supervision.clock_doubt == Some(ClockDoubt::StoodStill) {
            self.supervision.clock_doubt = None;
        }
    }

    /// While a person wants to be out: asks the broker once our own books are flat, and ends a flatten once the
    /// broker has shown that they are. A kill stays.
    pub(super) fn check_flat(&mut self, commands: &mut Commands) {
        let books_are_flat = self.reconciled && self.open.is_empty() && self.orders.unfinished_count() == 0;
        if self.supervision.flat_check.ask(books_are_flat, self.now) {
            commands.push(Command::Reconcile(Reconcile {
                ts: self.now,
                flat: true,
            }));
        }
        if self.flattening && self.supervision.flat_check.is_ours_flat() {
            self.flattening = false;
            self.paused = true;
        }
    }

    /// Takes back the entries of one instrument that nobody answered yet, should they not have left; whatever was sent is
    /// cancelled once the broker tells its id.
    pub(super) fn withdraw_entries(&self, id: InstrumentId, commands: &mut Commands) {
        for (_, order) in self.orders.live() {
            let is_unsent = order.purpose == Purpose::Entry && order.state == OrderState::Submitted;
            if let (true, Some(intent)) = (is_unsent && order.instrument == id, order.intent)
                && commands.has_room()
            {
                commands.push(Command::Cancel(Cancel {
                    ts: self.now,
                    intent,
                    order_id: BrokerOrderId::EMPTY,
                }));
            }
        }
    }

    /// Takes back the entries that the gateway has not sent yet; whatever was sent is cancelled at the broker.
    pub(super) fn drop_entries(&self, commands: &mut Commands) {
        let unsent = self
            .orders
            .live()
            .any(|(_, order)| order.purpose == Purpose::Entry && order.state == OrderState::Submitted);
        let told = |command: &Command| matches!(command, Command::DropEntries(_));
        if unsent && commands.has_room() && !commands.iter().any(told) {
            commands.push(Command::DropEntries(DropEntries { ts: self.now }));
        }
    }
}
