//! A broker on loopback that speaks the real protocol: market feed, orders, order stream, instrument master.
//!
//! Nothing here is real, and the day's [`bijli_core::event::DataKind`] says how unreal: invented, recorded
//! bars, recorded prices or whole recorded feeds. In reading order: a day as a stream of ticks ([`day`]), what
//! the broker knows of the market ([`market`]), the broker and its ledger as a pure state machine ([`broker`]),
//! ticks as messages ([`feed_frame`], [`subscriber`]), simulated time ([`play`]), and the sockets ([`server`]).
//! All but the last can serve a world that is simulated inside one process.

pub mod random;
pub mod options;
pub mod settings;
pub mod error;
pub mod stats;
pub mod day;
pub mod market;
pub mod broker;
pub mod market_state;
pub mod feed_frame;
mod feed_extra;
pub mod feed_line;
mod websocket;
mod key_limits;
pub mod subscriber;
pub mod play;
pub mod server;

pub use broker::faults::{FAULTS, Fault, FaultCounts, Faults};
pub use broker::limiter::RateLimits;
pub use error::SimError;
pub use options::SimOptions;
pub use server::{RunningSimulator, start};
pub use settings::{DaySpec, SimSettings, Speed, Transport};
pub use stats::{SimStats, StatsHandle};
