//! The gateway's stand-in on paper: orders are matched in this process against the feed's own book.
//!
//! No order leaves the process: this duty holds no connection at all. Ticks come from the engine after it has
//! applied them, so a fill can never be better than the book that the decision was made on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bijli_core::Event;
use bijli_core::event::Tick;
use bijli_core::latency::Stage;
use bijli_core::ring::{Consumer, Producer};
use bijli_gateway::PaperVenue;

use crate::duty::gateway::GatewayEnd;
use crate::duty::{Ended, Outbound};
use crate::duty_cycle::{Bell, Duty, Moment, Turn};
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
    /// Evidence to the engine.
    pub events: Producer<Event>,
    /// Wakes the engine.
    pub engine_bell: Bell,
    /// Commands taken so far.
    pub taken: Arc<AtomicU64>,
    /// What is still in hand here.
    pub busy: Arc<AtomicU64>,
}

/// The paper venue and everything that it alone writes.
#[derive(Debug)]
pub struct PaperDuty {
    venue: PaperVenue,
    links: PaperLinks,
    waiting: VecDeque<Event>,
    screen: GatewayScreen,
}

impl PaperDuty {
    /// A duty around a venue; `opening` is told to the engine first, and ends its reconciliation.
    #[must_use]
    pub fn new(venue: PaperVenue, opening: Vec<Event>, links: PaperLinks, screen: GatewayScreen) -> Self {
        links.busy.store(opening.len() as u64, Ordering::Release);
        Self {
            venue,
            links,
            waiting: opening.into(),
            screen,
        }
    }

    fn hand_on(&mut self) -> usize {
        let mut count = 0;
        while let Some(event) = self.venue.poll_event() {
            self.waiting.push_back(event);
        }
        while let Some(event) = self.waiting.front() {
            if self.links.events.push(*event).is_err() {
                break;
            }
            self.waiting.pop_front();
            count += 1;
        }
        self.links
            .busy
            .store(self.waiting.len() as u64, Ordering::Release);
        if count > 0 {
            self.links.engine_bell.ring();
        }
        count
    }
}

impl Duty<Ended> for PaperDuty {
    fn turn(&mut self, moment: Moment) -> Turn {
        let mut work_count = 0;
        // Orders first: an order must be matched against the book it was decided on, which came before it.
        for _ in 0..BATCH {
            let Some(outbound) = self.links.orders.pop() else {
                break;
            };
            self.venue.handle_command(moment.now, &outbound.command);
            self.links.taken.fetch_add(1, Ordering::Release);
            work_count += 1;
        }
        for _ in 0..BATCH {
            let Some(tick) = self.links.ticks.pop() else { break };
            self.venue.handle_tick(&tick);
            work_count += 1;
        }
        work_count += self.hand_on();
        if self.screen.is_due(moment) {
            self.screen.put_counts(&self.venue.readout());
        }
        Turn::Did(work_count)
    }

    fn finish(self: Box<Self>) -> Ended {
        Ended::Gateway(Box::new(GatewayEnd {
            readout: self.venue.readout(),
            recorders: [
                LatencyRecorder::new(Stage::OrderWrite),
                LatencyRecorder::new(Stage::TickToOrder),
            ],
        }))
    }
}
