//! Commands in, broker bytes out; broker bytes in, events out.
//!
//! Everything but [`socket`] is pure: the time is an argument, by two clocks ([`times`]), requests and replies are values. Read in this
//! order: what crosses the border ([`request`], [`evidence`]), how much may ([`budget`]), what we wanted and what
//! exists ([`intent`], [`orders`]), how both are made to agree ([`reconcile`]), the broker's spelling
//! ([`upstox`]), the state machine ([`gateway`]), its stand-in on paper ([`paper`]), what holds for every REST call ([`rest`]), and the I/O ([`socket`]).
//!
//! Rules that hold everywhere: no placement is ever sent twice; a reply that did not come proves nothing; fills
//! come from trade rows; work that lowers risk goes first.

mod jitter;
pub mod times;
pub mod error;
pub mod request;
pub mod evidence;
pub mod budget;
pub mod intent;
mod own_modify;
pub mod orders;
mod second_look;
mod stream_watch;
mod twin_trades;
pub mod contradictions;
pub mod reconcile;
pub mod upstox;
pub mod gateway;
pub mod paper;
pub mod backoff;
pub mod rest;
pub mod socket;

pub use error::GatewayError;
pub use gateway::{Gateway, GatewayConfig, KnownOrder};
pub use paper::PaperVenue;
pub use request::{Auth, Body, Host, Lane, Method, Reply, Request, RequestId, Transport};
pub use times::Times;
