//! The deterministic simulation tester: real engine, real gateway, simulated everything else, one seed each.
//!
//! A [`plan::Plan`] draws from its seed what the day is like and which faults it has; a [`world::World`] lives it
//! through in virtual time, one step after the other in one thread; the [`oracle`] holds it against the broker
//! simulator's own ledger and the bytes that left, never against what engine or gateway think of themselves. The
//! catalogue of faults and invariants is `FAULTS.md`. Invariant: the same plan gives the same outcome, bit for bit.
//! Left out: sockets, files and threads (the runner alone has threads), which other tests cover.

pub mod rows;
pub mod plan;
#[cfg(feature = "planted")]
mod planted;
pub mod market;
pub mod feed_side;
pub mod wire_feed;
pub mod chaos;
pub mod pairs;
pub mod disk;
pub mod process;
pub mod network;
pub mod operator;
pub mod oracle;
pub mod world;
pub mod outcome;
pub mod shrink;
pub mod coverage;
pub mod runner;
