//! Events in, intents out: bars, indicators, the spike score, sizing and exits. Pure and deterministic.
//!
//! Read in this order: prices become bars ([`bar`]) and a rolling window ([`window`]), those become
//! indicators ([`indicator`]), kept together per instrument ([`tracker`]); from these the score is made
//! ([`spike`]); [`sizing`] and [`bracket`] decide how much and when out; [`spike_strategy`] ties it together.
//!
//! No clock, file, thread, randomness or hash order. Nothing allocates after the instruments are listed.
//! Floats appear in indicators and scores only; every price and quantity that leaves is integer arithmetic.

pub mod bar;
pub mod window;
pub mod indicator;
pub mod tracker;
pub mod spike;
pub mod sizing;
pub mod bracket;
pub mod spike_strategy;

pub use spike_strategy::SpikeStrategy;
