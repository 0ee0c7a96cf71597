//! What is peculiar to one broker: its feed messages and its instrument master.
//!
//! In reading order: what one feed holds ([`raw_feed`]), the decoder of the hot path ([`message`]) with its
//! grammar (`wire_format`) and short cuts (`straight`), what the broker says about the markets ([`market_info`]),
//! the oracle ([`proto`]), the day's contracts ([`master`], all of them in [`catalogue`]) and the choice among them ([`universe`]). Fields, units and doubts: `PROTOCOL.md` beside this file.

pub mod raw_feed;
mod wire_format;
mod straight;
mod feed_fields;
pub mod message;
pub mod market_info;
pub mod proto;
mod row_stream;
pub mod master;
pub mod catalogue;
pub mod universe;
