//! Upstox: its spelling of orders, trades, positions and errors. Everything broker-specific ends in this folder.
//!
//! Read `upstox/PROTOCOL.md` first; facts come from the broker's API documentation and its published clients.

mod scalar;
pub mod call;
pub mod error_code;
pub mod token;
pub mod envelope;
pub mod order_row;
pub mod order_api;
pub mod order_stream;
