//! Bytes in, ticks out: the broker's market feed, from socket to normalised tick.
//!
//! ```text
//! socket ──frames──► upstox::message ──RawFeed──► normalise ──Tick──► engine
//!    │  ▲                   ▲
//!    ▼  │               key_index (the day's table, from upstox::master and upstox::universe)
//!  session (authorise, redirect, subscribe, stay live)     capture ──► playback
//! ```
//!
//! In reading order: the broker's bytes ([`upstox`]), names to dense ids ([`key_index`]), the one place where
//! floats become integers ([`normalise`]), the life of the connection ([`session`] with [`subscription`],
//! [`audit`], [`seen_ages`], [`liveness`], [`market_view`], [`backoff`] and its words in [`feed_note`]), raw frames kept and read back ([`capture`],
//! [`playback`]), and the one place with I/O ([`socket`]) with its [`token`]. What is heard on which socket decides
//! [`planner`]. A second feed beside the first: [`arbiter`] and [`source`].
//!
//! # Invariants
//!
//! * Nothing on the path from frame to tick allocates or panics, whatever the bytes.
//! * A float becomes an integer once, in [`normalise`]; absent is not zero.
//! * Everything but [`socket`] is pure: time comes in as an argument, and nothing reads a clock.
//!
//! # From frame to tick
//!
//! ```
//! use bijli_core::time::TsNs;
//! use bijli_feed::upstox::message::Decoder;
//! use bijli_feed::upstox::{master, universe};
//! use bijli_feed::{KeyIndex, Normaliser};
//!
//! let file = br#"[{"segment":"NSE_FO","instrument_type":"FUT","instrument_key":"NSE_FO|45450","lot_size":75,
//!     "freeze_quantity":1800,"tick_size":5.0,"trading_symbol":"NIFTY FUT","expiry":1740767399000}]"#;
//! let rows = master::rows(file.as_slice(), |_| true)?;
//! let table = universe::instruments(&rows.iter().collect::<Vec<_>>())?;
//!
//! // A snapshot of NSE_FO|45450 at Rs 219.30, as the broker sends it.
//! let frame: Vec<u8> = [
//!     &b"\x12\x2d\x0a\x0cNSE_FO|45450\x12\x1d\x0a\x1b\x09\x9a\x99\x99\x99\x99\x69\x6b\x40"[..],
//!     &b"\x10\xd3\x9e\xc4\xdc\xd4\x32\x18\x4b\x21\xcd\xcc\xcc\xcc\xcc\xe0\x7e\x40"[..],
//!     &b"\x18\xd7\x86\xc5\xdc\xd4\x32"[..],
//! ].concat();
//! let now = TsNs::from_millis(1_740_729_566_100);
//! let (keys, mut decoder) = (KeyIndex::new(&table), Decoder::new());
//! let mut normaliser = Normaliser::new(&table, now.ist_day());
//! let mut ticks = Vec::new();
//! let head = decoder.decode(&frame, &keys, &mut |instrument, feed| {
//!     ticks.push(normaliser.tick(instrument, feed, now, true));
//! })?;
//! assert_eq!((head.feeds, ticks[0].ltp.to_string().as_str()), (1, "219.30"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod upstox;
pub mod key_index;
pub mod normalise;
pub mod backoff;
pub mod subscription;
pub mod planner;
pub mod audit;
pub mod seen_ages;
pub mod token;
pub mod liveness;
pub mod market_view;
pub mod feed_note;
pub mod session;
pub mod capture;
pub mod playback;
pub mod socket;
pub mod arbiter;
pub mod source;

pub use feed_note::{FeedCounters, FeedNote};
pub use key_index::KeyIndex;
pub use normalise::Normaliser;
pub use session::{Session, SessionSettings};
pub use socket::{FeedClient, FeedOutput, FeedSettings};
pub use subscription::Mode;
pub use token::TokenHandle;
