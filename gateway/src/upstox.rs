//! Upstox: its spelling of orders, trades, positions and errors. Everything broker-specific ends in this folder.
//!
//! Read `upstox/PROTOCOL.md` first; facts come from the project's reference `upstox-api` §1, §2, §4, §5, §6.

mod scalar;
pub mod error_code;
pub mod token;
pub mod envelope;
pub mod order_row;
pub mod order_api;
pub mod order_stream;
