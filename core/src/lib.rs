//! Words, numbers, the one state machine and the durable formats of bijli.
//!
//! Core holds no socket, file handle, clock, thread, randomness or logger. Read in this order: the words
//! ([`time`], [`price`], [`quantity`], [`instrument`], [`session`]), what goes in and out of the engine
//! ([`event`], [`command`]), what it knows ([`quote`], [`order`], [`position`]), and how it is kept.

pub mod time;
pub mod price;
pub mod quantity;
pub mod text;
pub mod instrument;
pub mod session;
pub mod holiday;
pub mod limits;
pub mod order_config;
pub mod position_plan;
pub mod config;
pub mod event;
pub mod command;
pub mod order;
pub mod quote;
pub mod position;
pub mod charges;
pub mod denial;
pub mod risk;
pub mod orders;
pub mod held;
pub mod group;
pub mod page;
mod exit_plan;
pub mod strategy;
pub mod state_hash;
pub mod recent_times;
pub mod comovement;
pub mod protections;
pub mod ring;
pub mod latency;
pub mod record;
pub mod codec;
pub mod journal;
pub mod readout;
pub mod snapshot;
pub mod start_steps;
pub mod difference;
pub mod funds;
pub mod flat_check;
pub mod outage;
pub mod supervision;
pub mod state;
pub mod exposure;
mod day_result;
pub mod engine;
pub mod self_test;
pub mod driver;
pub mod clock_watch;
pub mod disk_watch;
pub mod engine_time;
pub mod durable_gate;
pub mod planted;

pub use command::{Command, Commands};
pub use denial::Denial;
pub use engine::Engine;
pub use event::Event;
pub use instrument::{Instrument, InstrumentId, SectorId};
pub use price::{Money, Price};
pub use quantity::Qty;
pub use time::{DurationNs, IstDay, TsNs};
