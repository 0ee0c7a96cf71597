//! Evidence on its way to the engine: never dropped, waiting here while the engine's ring is full.

use std::collections::VecDeque;

use bijli_core::Event;
use bijli_core::ring::Producer;

use crate::duty_cycle::Bell;

/// The sending end of the ring from an order sink to the engine, with room for what the ring cannot hold.
#[derive(Debug)]
pub struct EventOutbox {
    ring: Producer<Event>,
    engine_bell: Bell,
    waiting: VecDeque<Event>,
}

impl EventOutbox {
    /// An outbox that begins with `waiting`.
    #[must_use]
    pub fn new(ring: Producer<Event>, engine_bell: Bell, waiting: VecDeque<Event>) -> Self {
        Self {
            ring,
            engine_bell,
            waiting,
        }
    }

    /// Puts an event behind all others.
    pub fn push(&mut self, event: Event) {
        self.waiting.push_back(event);
    }

    /// Hands on as many as the ring takes, oldest first, and wakes the engine; gives their number.
    pub fn flush(&mut self) -> usize {
        let mut count = 0;
        while let Some(event) = self.waiting.front() {
            if self.ring.push(*event).is_err() {
                break;
            }
            self.waiting.pop_front();
            count += 1;
        }
        if count > 0 {
            self.engine_bell.ring();
        }
        count
    }

    /// How many wait.
    #[must_use]
    pub fn waiting_count(&self) -> usize {
        self.waiting.len()
    }
}
