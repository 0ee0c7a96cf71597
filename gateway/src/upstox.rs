//! Upstox: its spelling of orders, trades, positions and errors. Everything broker-specific ends in this folder.
//!
//! Read `upstox/PROTOCOL.md` first; facts come from the broker's API documentation and its published clients.

mod scalar;
mod stamp;
pub mod field;
pub mod answer;
mod json_body;
pub mod call;
pub mod error_code;
mod explain;
pub mod token;
pub mod envelope;
pub mod order_row;
pub mod order_api;
pub mod order_stream;
pub mod vocabulary;
pub mod failure;
pub mod auth_api;
pub mod order_ticket;
pub mod order_read_api;
pub mod multi_order_api;
pub mod gtt_api;
pub mod portfolio_api;
pub mod funds_api;
pub mod account_api;
pub mod charges_api;
pub mod profit_loss_api;
pub mod market_api;
pub mod quote_api;
pub mod option_api;
pub mod candle_api;
pub mod expired_api;
pub mod analytics_api;
pub mod news_api;
pub mod search_api;
pub mod feed_api;
pub mod portfolio_stream;
