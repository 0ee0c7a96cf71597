//! The three duties of the pipeline and what passes between them.
//!
//! Each duty owns its state; they share only rings and counters, so they run on one thread, two or three
//! without a change of a line.

pub mod durable_gate;
pub mod engine;
pub mod event_outbox;
pub mod feed;
pub mod feed_aim;
pub mod gateway;
pub mod paper;
pub mod token_watch;

use bijli_core::TsNs;
use bijli_core::command::Command;
use bijli_core::event::{FeedState, Tick};
use bijli_feed::FeedNote;

use crate::duty_cycle::MonoNs;

/// What the feed hands to the engine.
#[derive(Clone, Copy, Debug)]
pub enum FeedItem {
    /// A tick with the monotonic stamps of its frame.
    Tick {
        /// The tick.
        tick: Tick,
        /// When the frame was read from the socket.
        recv: MonoNs,
        /// When the frame was decoded.
        decoded: MonoNs,
    },
    /// Venue time moved without a tick.
    Clock(TsNs),
    /// The feed's state changed.
    State {
        /// Engine time of the change.
        ts: TsNs,
        /// The new state.
        state: FeedState,
    },
}

/// What the feed has to tell an operator.
#[derive(Clone, Debug)]
pub enum FeedWord {
    /// What happened.
    Note(FeedNote),
    /// What it can be trusted with from now on.
    State(FeedState),
}

/// What the engine hands to the gateway.
#[derive(Clone, Copy, Debug)]
pub struct Outbound {
    /// The command, already journaled.
    pub command: Command,
    /// Sequence number of its record.
    pub seq: u64,
    /// When it was decided, steady time.
    pub decided: TsNs,
    /// When the frame that caused it was read from the socket; `None` when a timer or an operator did.
    pub cause_recv: Option<MonoNs>,
}

/// What a duty leaves behind when its thread ends.
#[derive(Debug)]
pub enum Ended {
    /// The engine with its journal.
    Engine(Box<engine::EngineEnd>),
    /// The feed's numbers.
    Feed(Box<feed::FeedEnd>),
    /// The gateway's numbers.
    Gateway(Box<gateway::GatewayEnd>),
}
