//! The gateway's stand-in on paper: orders are matched in this process against the feed's own book.
//!
//! No order leaves the process: this duty holds no connection at all. Each order meets the book that it was
//! decided on, or a later one: never an older one, which for a spike would be a better one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bijli_core::TsNs;
use bijli_core::event::Tick;
use bijli_core::latency::Stage;
use bijli_core::readout::GatewayReadout;
use bijli_core::ring::Consumer;
use bijli_gateway::PaperVenue;

use crate::duty::event_outbox::EventOutbox;
use crate::duty::gateway::GatewayEnd;
use crate::duty::token_watch::TokenWatch;
use crate::duty::{Ended, Outbound};
use crate::duty_cycle::{Duty, Moment, Turn};
use crate::latency_recorder::LatencyRecorder;
use crate::screen::GatewayScreen;

/// Commands, and ticks, taken in one turn.
const BATCH: usize = 256;

/// The ends of the rings that the paper venue holds.
#[derive(Debug)]
pub struct PaperLinks {
    /// Orders from the engine.
    pub orders: Consumer<Outbound>,
    /// Ticks from the engine.
    pub ticks: Consumer<Tick>,
    /// Evidence to the engine; begins with what ends its reconciliation.
    pub events: EventOutbox,
    /// Commands taken so far.
    pub taken: Arc<AtomicU64>,
    /// What is still in hand here.
    pub busy: Arc<AtomicU64>,
    /// What is known of the token.
    pub token: TokenWatch,
}

/// The paper venue and everything that it alone writes.
#[derive(Debug)]
pub struct PaperDuty {
    venue: PaperVenue,
    links: PaperLinks,
    /// A tick taken from the ring that is younger than an order still to come.
    next_tick: Option<Tick>,
    screen: GatewayScreen,
}

impl PaperDuty {
    /// A duty around a venue.
    #[must_use]
    pub fn new(venue: PaperVenue, links: PaperLinks, screen: GatewayScreen) -> Self {
        links
            .busy
            .store(links.events.waiting_count() as u64, Ordering::Release);
        Self {
            venue,
            links,
            next_tick: None,
            screen,
        }
    }

    /// Gives the venue the ticks up to `until`, or one batch of whatever is there.
    fn take_ticks(&mut self, until: Option<TsNs>) -> usize {
        let mut count = 0;
        while until.is_some() || count < BATCH {
            let Some(tick) = self.next_tick.take().or_else(|| self.links.ticks.pop()) else {
                break;
            };
            if until.is_some_and(|until| tick.ts > until) {
                self.next_tick = Some(tick);
                break;
            }
            self.venue.handle_tick(&tick);
            count += 1;
        }
        count
    }

    /// The venue's numbers, and what is known of the token that the feed lives on.
    fn readout(&self) -> GatewayReadout {
        GatewayReadout {
            token_dead: self.links.token.is_dead(),
            ..self.venue.readout()
        }
    }

    fn hand_on(&mut self) -> usize {
        while let Some(event) = self.venue.poll_event() {
            self.links.events.push(event);
        }
        let count = self.links.events.flush();
        self.links
            .busy
            .store(self.links.events.waiting_count() as u64, Ordering::Release);
        count
    }
}

impl Duty<Ended> for PaperDuty {
    fn turn(&mut self, moment: Moment) -> Turn {
        let mut work_count = 0;
        if self.links.token.take_doubt() {
            // On paper nobody else asks the broker: the feed's word is all there is.
            self.links.token.bury();
        }
        self.links.token.heed_hour(moment.now);
        for _ in 0..BATCH {
            let Some(outbound) = self.links.orders.pop() else {
                break;
            };
            let decided = outbound.command.ts();
            // The book that the decision was made on comes first, later ones after: no fill may be better.
            work_count += self.take_ticks(Some(decided));
            self.venue
                .handle_command(moment.now.max(decided), &outbound.command);
            self.links.taken.fetch_add(1, Ordering::Release);
            work_count += 1;
        }
        work_count += self.take_ticks(None);
        work_count += self.hand_on();
        if self.screen.is_due(moment) || self.links.token.is_dead() {
            self.screen.put_counts(&self.readout());
        }
        Turn::Did(work_count)
    }

    fn finish(self: Box<Self>) -> Ended {
        Ended::Gateway(Box::new(GatewayEnd {
            readout: self.readout(),
            recorders: [
                LatencyRecorder::new(Stage::OrderWrite),
                LatencyRecorder::new(Stage::TickToOrder),
            ],
        }))
    }
}
